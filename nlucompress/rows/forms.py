"""Which form each distinct row of coded rows takes: gaps, a run, or packed; the smallest, then what speed is worth.

A row is a stream of symbols in contexts. FORMAT.md, "Rows", says what the forms are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..linear import Integers, ranges
from .coder import class_bytes
from .entries import Entries
from .huffman import code_lengths
from .symbols import FIRST_ROW, SYMBOLS, contexts, half_magnitude, magnitude, symbols_of

PACKED = ((8, 0),)  # bits of a field and the field of code zero; readers know (1, 0…1), (2, 0…3), (4, 0…15) too
MOST_RUNS = 6  # tables of runs; readers know 15
RUN_BITS = 10  # of the longest code of a run: what a reader's table of several symbols spans
NANOSECONDS = (12.0, 0.7, 0.1)  # a reader's, about: a weight behind a gap, a column of a run, a column of bytes
MOST_GROWTH = 0.05  # of entries, for the sake of speed


class Stream(NamedTuple):
    """All symbols of all entries in the order they are written: entry, context, number, symbol, extra bits."""

    entry: Integers
    context: Integers
    number: Integers
    symbol: Integers
    extra: Integers


class Runs(NamedTuple):
    """Tables of runs: code lengths of each table's symbols; the bits of each entry's columns by each: (tables, entries)."""

    lengths: list[list[int]]
    bits: Integers


def stream_of(entries: Entries, columns: int, with_idf: bool) -> Stream:
    """What is to be written of every entry, were all of them entropy coded."""
    lengths = np.diff(entries.indptr)
    count = len(lengths)
    row = np.repeat(np.arange(count), lengths)
    within = np.arange(len(row)) - entries.indptr[row]
    kind = FIRST_ROW + 3 * half_magnitude(lengths)[row]
    gaps = entries.columns - np.where(within > 0, np.concatenate([[-1], entries.columns])[:-1], -1) - 1
    values = 2 * (np.abs(entries.values) - 1) + (entries.values > 0)
    gapped = lengths[row] < columns
    number = np.concatenate([entries.ranks if with_idf else entries.ranks[:0], lengths, gaps[gapped], values])
    context = np.concatenate([
        np.zeros(count if with_idf else 0, np.int64), 1 + np.minimum(magnitude(entries.ranks + 1), 7),
        (kind + (within > 0))[gapped], kind + 2,
    ])  # fmt: skip
    entry = np.concatenate(
        [np.arange(count)[: len(number) - len(row) - int(gapped.sum()) - count], np.arange(count), row[gapped], row]
    )
    after = np.concatenate([
        np.full(count if with_idf else 0, -2), np.full(count, -1), 2 * within[gapped], 2 * within + 1,
    ])  # fmt: skip
    at = np.lexsort((after, entry))
    symbol, extra = symbols_of(number)
    return Stream(entry[at], context[at], number[at], symbol[at], extra[at])


def runs_of(entries: Entries, columns: int) -> Runs:
    """Tables for entries as runs: a few, each the best for the entries that it suits best (k-means, in bits).

    Entries of few weights take no part. One table more is kept if it saves more than its own bytes.
    """
    counts = np.diff(entries.indptr)
    fit = np.flatnonzero(counts >= max(columns // 12, 1))
    best = Runs([], np.empty((0, len(counts)), np.int64))
    if not len(fit):
        return best
    row = np.repeat(np.arange(len(counts)), counts)
    symbol, extra = symbols_of(1 + 2 * (np.abs(entries.values) - 1) + (entries.values > 0))
    extras = np.bincount(row, extra, len(counts)).astype(np.int64)
    sample = fit[:: -(-len(fit) // (1 << 14))]
    taken = np.full(len(counts), -1)
    taken[sample] = np.arange(len(sample))
    there = taken[row] >= 0
    histogram = np.zeros((len(sample), SYMBOLS), np.int64)
    np.add.at(histogram, (taken[row[there]], symbol[there]), 1)
    histogram[:, 0] = columns - counts[sample]
    known = np.bincount(symbol, minlength=SYMBOLS) > 0
    known[0] = True
    order = np.argsort(np.argsort(counts[sample], kind="stable"), kind="stable")
    least = np.inf
    for number in range(1, MOST_RUNS + 1):
        which = order * number // len(sample)
        for _ in range(8):
            lengths = [code_lengths(histogram[which == i].sum(0) + known, RUN_BITS) for i in range(number)]
            which = (histogram @ np.maximum(np.array(lengths), 0).T).argmin(1)
        zeros = np.where(counts < columns, columns - counts, 0)
        bits = np.stack([zeros * each[0] + np.bincount(row, each[symbol], len(counts)).astype(np.int64)
                         for each in np.maximum(np.array(lengths), 0)])  # fmt: skip
        total = int(bits.min(0)[fit].sum()) + 8 * 40 * number
        if total >= least:
            break
        least = total
        best = Runs(lengths, np.where(counts >= max(columns // 12, 1), bits + extras, 1 << 40))
    return best


def stream_of_runs(entries: Entries, some: Integers, contexts: Integers, columns: int) -> Stream:
    """What is to be written of entries as runs: a number for each column, 0 of one without a weight."""
    numbers = np.zeros((len(some), columns), np.int64)
    counts = np.diff(entries.indptr)[some]
    at = ranges(entries.indptr[some], counts)
    values = entries.values[at]
    numbers[np.repeat(np.arange(len(some)), counts), entries.columns[at]] = 1 + 2 * (np.abs(values) - 1) + (values > 0)
    flat = numbers.reshape(-1)
    which = np.repeat(np.arange(len(some)), columns)
    return Stream(which, contexts[which], flat, *symbols_of(flat))


def frequencies(idf: npt.NDArray[np.float32] | None, numbers: Integers) -> Integers:
    """How often an n-gram of this idf is met, up to a factor: exp(-idf), in 16ths of the rarest; 1 if nothing is known."""
    if idf is None or not len(idf):
        return np.ones(len(numbers), np.int64)
    with np.errstate(over="ignore"):
        rare = np.rint(16 * np.exp(np.minimum(float(idf.max()) - idf.astype(np.float64), 30.0)))
    out: Integers = rare.astype(np.int64)[np.minimum(numbers, len(idf) - 1)]
    return out


def choose(
    entries: Entries, stream: Stream, runs: Runs, columns: int, frequency: Integers, idf_bytes: int
) -> tuple[Integers, Integers, Integers, dict[str, float]]:
    """The kind of each entry, 0 if it is entropy coded; how many exceptions it has; the table of a run, or -1.

    The smallest form; then, as long as all may grow, the faster ones of those entries that save most time a byte. Kinds:
    bits of a field, plus 16 times the field that stands for code zero. Also how many entries have which form, the bytes of
    the smallest forms, by estimate, those that speed adds, and the time of a look-up's row before and after.
    """
    lengths = np.diff(entries.indptr)
    count, tables = len(lengths), len(runs.lengths)
    at = np.arange(count)
    row = np.repeat(at, lengths)
    cost, extra = _costs(stream.context, stream.number, contexts(columns))
    each = cost[stream.context, stream.symbol] + extra
    body = np.bincount(stream.entry, each * (stream.context >= FIRST_ROW), count)
    rank = np.bincount(stream.entry, each * (stream.context == 0), count)
    context = np.minimum(magnitude(entries.ranks + 1), 7)
    table = np.where(runs.bits.min(0, initial=1 << 40) < body, runs.bits.argmin(0) if tables else 0, -1)
    for _ in range(4):  # what says which table a run has, or how long another row is, costs bits as well
        cost, extra = _costs(context, np.where(table >= 0, table, lengths + tables), 8)
        behind_gap = body + cost[context, symbols_of(lengths + tables)[0]] + symbols_of(lengths + tables)[1]
        in_run = np.vstack([runs.bits + cost[context, :tables].T, np.full(count, 1e12)])
        table = np.where(in_run.min(0) < behind_gap, in_run.argmin(0), -1)
    fields, kinds, exceptions = np.full(count, np.inf), np.zeros(count, np.int64), np.zeros(count, np.int64)
    for bits, bias in PACKED:
        low, high = -bias, (1 << bits) - 1 - bias
        outside = (entries.values < low) | (entries.values > high) if bits < 8 else np.zeros(len(row), bool)
        number = np.bincount(row[outside], minlength=count)
        size = 8.0 * (idf_bytes + -(-columns * bits // 8) + number * (class_bytes(columns) + 1.5))
        better = size < fields
        fields[better], kinds[better], exceptions[better] = size[better], bits + 16 * bias, number[better]
    weight, column, one_byte = NANOSECONDS
    time = np.stack([weight * lengths, np.full(count, column * columns), one_byte * columns + weight * exceptions])
    fields += np.where(entries.uses == 1, 16, 0)  # a pointer instead of an offset
    size = np.stack([behind_gap + rank, in_run.min(0) + rank, fields])
    smallest = np.where(table >= 0, 1, 0)
    form = smallest.copy()
    left = MOST_GROWTH * float(size[form, at].sum())
    for faster in (1, 2):
        price = np.maximum(size[faster] - size[form, at], 0.01)
        saved = frequency * (time[form, at] - time[faster])
        turn = np.argsort(-np.where(saved > 0, saved / price, -1.0), kind="stable")
        turn = turn[(saved[turn] > 0) & (lengths[turn] > 0)]
        turn = turn[np.cumsum(price[turn]) <= (left / 2 if faster == 1 else left)]
        left -= float(price[turn].sum())
        form[turn] = faster
    lookups = max(float(frequency.sum()), 1.0)
    notes = {
        "entries": count, "gaps": int((form == 0).sum()), "runs": int((form == 1).sum()), "packed": int((form == 2).sum()),
        "smallest_bytes": round(float(size[smallest, at].sum()) / 8),
        "bytes_for_speed": round(float((size[form, at] - size[smallest, at]).sum()) / 8),
        "nanoseconds_smallest": float((frequency * time[smallest, at]).sum()) / lookups,
        "nanoseconds": float((frequency * time[form, at]).sum()) / lookups,
    }  # fmt: skip
    return (
        np.where(form == 2, kinds, 0), np.where(form == 2, exceptions, 0),
        np.where(form == 1, in_run.argmin(0), -1), notes,
    )  # fmt: skip


def chosen_part(stream: Stream, kinds: Integers, table: Integers, runs: int) -> Stream:
    """Of a stream of all entries, what is entropy coded: all of some entries, the heads of runs.

    A number in the place of the length says which table a run has; lengths come after these numbers.
    """
    in_run = table[stream.entry] >= 0
    left = Stream(*(part[(kinds[stream.entry] == 0) & ((stream.context < FIRST_ROW) | ~in_run)] for part in stream))
    length = (left.context > 0) & (left.context < FIRST_ROW)
    number = np.where(table[left.entry] >= 0, table[left.entry], left.number + runs)
    number = np.where(length, number, left.number)
    symbol, extra = symbols_of(number)
    return left._replace(number=number, symbol=symbol, extra=extra)


def _costs(context: Integers, number: Integers, most: int) -> tuple[npt.NDArray[np.float64], Integers]:
    """Bits of each symbol in each of ``most`` contexts where these numbers occur, and the numbers' own extra bits."""
    symbol, extra = symbols_of(number)
    counts = np.bincount(context * SYMBOLS + symbol, minlength=most * SYMBOLS).reshape(-1, SYMBOLS)
    return np.log2(np.maximum(counts.sum(1, keepdims=True), 1)) - np.log2(np.maximum(counts, 0.5)), extra
