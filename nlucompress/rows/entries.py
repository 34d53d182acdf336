"""The distinct rows of a model, and an order of the classes in which short rows have small gaps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..linear import Integers, SparseRows, ranges


class Entries(NamedTuple):
    """Distinct rows with their idf's rank from the largest; ``values``: codes relative to zero; uses: slots of each."""

    indptr: Integers
    columns: Integers
    values: Integers
    ranks: Integers
    uses: Integers


def distinct(codes: SparseRows, ranks: Integers, zero: int) -> tuple[Entries, Integers]:
    """The distinct rows, shorter ones first, and which of them each slot has."""
    n = codes.shape[0]
    lengths = np.diff(codes.indptr)
    which = np.zeros(n, np.int64)
    kept: list[Integers] = []
    first = 0
    for length in np.unique(lengths).tolist():
        slots = np.flatnonzero(lengths == length)
        at = ranges(codes.indptr[slots], lengths[slots])
        raw = np.empty((len(slots), 4 + 3 * length), np.uint8)
        raw[:, :4] = ranks[slots].astype(">u4").view(np.uint8).reshape(-1, 4)
        raw[:, 4 : 4 + 2 * length] = codes.indices[at].astype("<u2").view(np.uint8).reshape(len(slots), -1)
        raw[:, 4 + 2 * length :] = codes.data[at].reshape(len(slots), -1)
        _, some, here = np.unique(raw.view(f"S{raw.shape[1]}").reshape(-1), return_index=True, return_inverse=True)
        which[slots] = first + here
        kept.append(slots[some])
        first += len(some)
    slots = np.concatenate(kept) if kept else np.empty(0, np.int64)
    rows = codes.take(slots)
    uses = np.bincount(which, minlength=len(slots))
    return Entries(
        rows.indptr, rows.indices.astype(np.int64), rows.data.astype(np.int64) - zero, ranks[slots], uses
    ), which


def neighbours(entries: Entries, columns: int) -> Integers:
    """An order of the classes in which those that share short rows are near: (columns,) class numbers.

    A chain grows at either end by the class that shares most rows with the three there, relative to its number of rows.
    Integers only, so that every machine finds the same order. The chain takes time O(columns^2), and no more than 2048
    classes are moved.
    """
    lengths = np.diff(entries.indptr)
    short = (lengths > 1) & (lengths <= max(4, columns // 8))
    if not 2 < columns <= 2048 or not short.any():
        return np.arange(columns)
    together = _together(entries, np.flatnonzero(short), columns)
    alone = np.maximum(together.diagonal(), 1)
    near = (together << 20) // np.maximum(
        np.sqrt((alone[:, None] * alone[None, :]).astype(np.float64)).astype(np.int64), 1
    )
    np.fill_diagonal(near, 0)
    one, two = divmod(int(near.argmax()), columns)
    left = np.ones(columns, bool)
    if one == two:
        return np.arange(columns)
    chain = [one, two]
    left[chain] = False
    while left.any():
        scores = np.array([sum(near[c] >> i for i, c in enumerate(end)) for end in (chain[:3], chain[:-4:-1])])
        scores[:, ~left] = -1
        end, best = divmod(int(scores.argmax()), columns)
        chain.insert(0 if end == 0 else len(chain), best)
        left[best] = False
    return np.array(chain)


def _together(entries: Entries, chosen: Integers, columns: int) -> Integers:
    """How many of the chosen rows have a weight of both classes: (columns, columns).

    A product of matrices, or, of rows that are short beside their columns, pair by pair.
    """
    together = np.zeros(columns * columns, np.int64)
    lengths = np.diff(entries.indptr)
    for start in range(0, len(chosen), 1 << 13):
        some = chosen[start : start + (1 << 13)]
        each = lengths[some]
        at = ranges(entries.indptr[some], each)
        if int((each * each).sum()) < len(some) * columns:  # about where both take the same time
            mates = ranges(np.repeat(entries.indptr[some], each), np.repeat(each, each))
            pairs = np.repeat(entries.columns[at], np.repeat(each, each)) * columns + entries.columns[mates]
            cells, counts = np.unique(pairs, return_counts=True)
            together[cells] += counts
        else:
            there = np.zeros((len(some), columns), np.float32)
            there[np.repeat(np.arange(len(some)), each), entries.columns[at]] = 1
            together += np.rint(there.T @ there).astype(np.int64).reshape(-1)
    return together.reshape(columns, columns)


def renumbered(entries: Entries, order: Integers) -> Entries:
    """The entries with classes as places in an order of them, ascending in each row."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    columns = place[entries.columns]
    at = np.lexsort((columns, np.repeat(np.arange(len(entries.ranks)), np.diff(entries.indptr))))
    return entries._replace(columns=columns[at], values=entries.values[at])
