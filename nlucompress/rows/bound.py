"""The zero-order bound: what a model's rows would take if each of their symbols cost its entropy.

Symbols are those of coded rows: of every row its length, of every weight the gap to the class before and the code, in a
context of the row's length, and the number of its idf. H is the entropy of symbols by their own frequencies,
-Σ count · log2(count / total) bits, tables not counted (Shannon: A mathematical theory of communication, 1948):

    rows = Σ over contexts c of H(gaps | c) + H(codes | c),  + H(lengths) + H(idf numbers),       c = min(⌊log2 length⌋, 6)

either of every feature's row, or of every distinct pair of row and idf number, plus H(which of them a feature has): what is
less. Classes are in the order that coded rows of the same model have. The bound of a whole file adds the index at gamma 1,
e · 512/480 = 2.9 bits a feature, and the check bits. It is no wall: a code of pairs of symbols, or of rows given others,
may be below it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..linear import Integers
from .coder import Table
from .entries import Entries, distinct, neighbours, renumbered
from .symbols import magnitude

INDEX_BITS = math.e * 512 / 480  # a feature, at gamma 1
MOST_CONTEXT = 6


class Bound(NamedTuple):
    """Bytes: of the rows with their idf numbers, and of these with index and check bits. shared: whether equal rows are
    counted once.
    """

    rows: float
    file: float
    shared: bool


def zero_order(table: Table, check_bits: int) -> Bound:
    """The bound of rows, and of a file of them with so many check bits.

    >>> from nlucompress.linear import SparseRows
    >>> rows = SparseRows(np.array([0, 1, 2, 2, 2]), np.array([0, 1], np.int32), np.array([7, 9], np.uint8), (4, 2))
    >>> zero_order(Table(rows, np.zeros(4, np.int64), 0, 8), 0).rows  # 4 bits of lengths, 2 of gaps, 2 of codes
    1.0
    """
    n, columns = table.codes.shape
    entries, _ = distinct(table.codes, table.numbers, table.zero)
    entries = renumbered(entries, neighbours(entries, columns))
    once = _bits(entries, np.ones(len(entries.uses), np.int64)) + _entropy(np.arange(len(entries.uses)), entries.uses)
    each = _bits(entries, entries.uses)
    rows = min(once, each) / 8
    return Bound(rows, rows + n * (INDEX_BITS + check_bits) / 8, once < each)


def _bits(entries: Entries, uses: Integers) -> float:
    """Entropies of lengths, idf numbers, gaps and codes, each entry counted so often."""
    lengths = np.diff(entries.indptr)
    context = np.repeat(np.minimum(magnitude(lengths), MOST_CONTEXT), lengths)
    often = np.repeat(uses, lengths)
    within = np.arange(len(often)) - np.repeat(entries.indptr[:-1], lengths)
    gaps = entries.columns - np.where(within > 0, np.roll(entries.columns, 1), -1)
    bits = _entropy(lengths, uses) + _entropy(entries.ranks, uses)
    for one in np.unique(context).tolist():
        here = context == one
        bits += _entropy(gaps[here], often[here]) + _entropy(entries.values[here], often[here])
    return bits


def _entropy(symbols: Integers, uses: Integers) -> float:
    """Bits of symbols, each met so often, under an ideal zero-order code."""
    if not len(symbols):
        return 0.0
    _, which = np.unique(symbols, return_inverse=True)
    counts = np.bincount(which, uses)
    return float(-(counts * np.log2(counts / counts.sum())).sum())
