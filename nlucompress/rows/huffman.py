"""Canonical Huffman codes of at most 15 bits: lengths, tables in the file, and contexts that share a table."""

from __future__ import annotations

from operator import mul
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..linear import Integers

MOST_BITS = 15
WINDOW = MOST_BITS  # bits that decide a symbol
SHARES = [1 << MOST_BITS - length for length in range(MOST_BITS + 1)]  # windows that a code of each length takes


class Tables(NamedTuple):
    """Symbol and length of each window of 15 bits, of all tables one after the other."""

    symbols: Integers
    lengths: Integers


def code_lengths(counts: npt.NDArray[Any], most: int = MOST_BITS) -> list[int]:
    """The lengths of the best prefix code of at most ``most`` bits; -1 of symbols that do not occur, 0 of a lone one.

    By package-merge (Larmore, Hirschberg: A fast algorithm for optimal length-limited Huffman codes, JACM 1990).

    >>> code_lengths(np.array([1, 0, 2, 1]))
    [2, -1, 1, 2]
    """
    lengths = [0 if count else -1 for count in counts.tolist()]
    single = sorted((int(count), (symbol,)) for symbol, count in enumerate(counts.tolist()) if count)
    if len(single) == 1:
        return lengths
    packages: list[tuple[int, tuple[int, ...]]] = []
    for _ in range(most):
        pairs = zip(packages[::2], packages[1::2], strict=False)
        packages = sorted(single + [(a[0] + b[0], a[1] + b[1]) for a, b in pairs])
    for _, symbols in packages[: 2 * len(single) - 2]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths


def canonical(lengths: list[int]) -> npt.NDArray[np.uint8]:
    """A table as the file has it: how many symbols have 0, 1, … 15 bits, then the symbols, shorter codes first."""
    order = sorted((length, symbol) for symbol, length in enumerate(lengths) if length >= 0)
    counts = np.bincount([length for length, _ in order], minlength=MOST_BITS + 1)
    return np.concatenate([counts, [symbol for _, symbol in order]]).astype(np.uint8)


def check_tables(data: npt.NDArray[Any], count: int, symbols: int) -> list[tuple[list[int], list[int]]]:
    """``count`` tables: of each how many symbols have 0, 1, … bits, and its symbols, in that order.

    Raises FormatError unless each is a complete code of symbols below ``symbols`` (R6).
    """
    content, at, out = data.tolist(), 0, []
    for table in range(count):
        bits = content[at : at + MOST_BITS + 1]
        these = content[at + MOST_BITS + 1 : at + MOST_BITS + 1 + sum(bits)]
        share = sum(map(mul, bits, SHARES))  # Kraft's sum
        whole = len(bits) == MOST_BITS + 1 and len(these) == sum(bits) <= 64 and share == 1 << WINDOW
        if not whole or max(these) >= symbols:
            raise FormatError(
                f"section 'row_tables': table {table} is not a complete code of symbols below {symbols} (R6)"
            )
        out.append((bits, these))
        at += len(bits) + len(these)
    if at != len(content):
        raise FormatError(f"section 'row_tables': {len(content)} bytes of tables, of which {at} are used (R6)")
    return out


def read_tables(data: npt.NDArray[Any], count: int, symbols: int) -> Tables:
    """``count`` tables, checked (see check_tables), as what each window of bits begins with."""
    out, lengths = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for bits, these in check_tables(data, count, symbols):
        each = np.repeat(np.arange(len(bits)), bits)
        out.append(np.repeat(np.array(these, np.int64), 1 << MOST_BITS - each))
        lengths.append(np.repeat(each, 1 << MOST_BITS - each))
    return Tables(np.concatenate(out), np.concatenate(lengths))


def joined(counts: npt.NDArray[Any], most: int) -> tuple[Integers, npt.NDArray[np.int64]]:
    """Which table each context has, and the counts of each table: contexts are joined while that saves bytes.

    counts: (contexts, symbols). Greedily the pair that saves most; of contexts that do not occur table 0.
    """
    used = np.flatnonzero(counts.sum(1))
    tables = counts[used].astype(np.int64)
    member = np.arange(len(used))
    alive = list(range(len(used)))
    size = _cost(tables)
    gain = np.full((len(used), len(used)), -np.inf)
    for i in alive:
        gain[i, i + 1 :] = size[i] + size[i + 1 :] - _cost(tables[i] + tables[i + 1 :])
    while len(alive) > 1:
        a, b = divmod(int(gain.argmax()), len(used))
        if gain[a, b] <= 0 and len(alive) <= most:
            break
        tables[a] += tables[b]
        member[member == b] = a
        alive.remove(b)
        gain[b, :] = gain[:, b] = -np.inf
        size[a] = _cost(tables[a][None])[0]
        for i in alive:
            if i != a:
                gain[min(i, a), max(i, a)] = size[a] + size[i] - _cost((tables[i] + tables[a])[None])[0]
    mapped = np.zeros(len(counts), np.int64)
    mapped[used] = np.searchsorted(alive, member)
    return mapped, tables[alive]


def _cost(tables: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Bits of tables and of what is coded with them, by entropy."""
    total = tables.sum(1).astype(np.float64)
    logs = tables * np.log2(np.maximum(tables, 1))
    out: npt.NDArray[np.float64] = total * np.log2(np.maximum(total, 1)) - logs.sum(1) + 8 * (16 + (tables > 0).sum(1))
    return out
