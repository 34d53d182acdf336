"""``coded``: each distinct row once, entropy coded; slots point at entries by codes that can be addressed directly.

An entry is a run of Huffman symbols: its idf, its length, then gap and code of each weight, classes renumbered so that
those which occur together are neighbours. Long rows of frequent n-grams, which a sentence meets most, are *packed* instead:
a few bits for every class, and exceptions. Entries that slots share are sorted by size, so that a table of one line a size
says where each lies; entries of one slot lie in the order of slots, behind offsets. Nothing is unpacked when a file is
opened. FORMAT.md, "Rows", is normative.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import BuildError, FormatError
from ..index import BLOCK_BITS, blocks_of, rank
from ..linear import Integers, SparseRows, ranges
from .bits import GUARD, pack, packed_bytes, unpack
from .coder import Arrays, Coder, Encoded, Exactly, Parameters, Sections, Shape, Table, class_bytes
from .huffman import WINDOW, Tables, canonical, check_tables, code_lengths, joined, read_tables
from .plain import check_offsets, decode_offsets, encode_offsets, read_offsets

# Of row_tables; the upper 8 bits of a size are a kind.
GROUP = np.dtype([("first", "<u4"), ("start", "<u4"), ("size", "<u4")])
LEVEL = np.dtype([("slots", "<u4"), ("width", "u1")])
DIRECT = 16  # numbers below it are symbols of their own
SYMBOLS = 56  # of numbers below 2^24
MOST_SYMBOLS = 64  # of a table
FIRST_ROW = 9  # contexts before those of row classes: one of idf, eight of lengths
MOST_TABLES = 15
CONTEXT_TABLES = 12  # of them, for all but runs
MOST_GROUPS = 4096
MOST_LEVELS = 4
WRITTEN_LEVELS = 2  # a third would save one percent of slots and pointers, and cost each look-up a rank
LEAST_GAIN = 0.018  # of the bits of entries and pointers: what the second level must save
PACKED = ((8, 0),)  # bits of a field and the field of code zero; readers know (1, 0…1), (2, 0…3), (4, 0…15) too
MOST_RUNS = 6  # tables of runs; readers know 15
RUN_BITS = 10  # of the longest code of a run: what a reader's table of several symbols spans
NANOSECONDS = (12.0, 0.7, 0.1)  # a reader's, about: a weight behind a gap, a column of a run, a column of bytes
MOST_GROWTH = 0.05  # of entries, for the sake of speed


# -- numbers and classes of rows --------------------------------------------------------------------------------------


def magnitude(x: Integers) -> Integers:
    """⌊log2 x⌋, of 0 as of 1.

    >>> magnitude(np.array([0, 1, 2, 3, 4])).tolist()
    [0, 0, 1, 1, 2]
    """
    return np.maximum(np.frexp(np.maximum(x, 1).astype(np.float64))[1].astype(np.int64) - 1, 0)


def half_magnitude(x: Integers) -> Integers:
    """Twice the magnitude, and the bit after the first: classes of lengths 1, 2, 3, 4…5, 6…7, 8…11, …

    >>> half_magnitude(np.array([1, 2, 3, 4, 5, 6, 8])).tolist()
    [0, 2, 3, 4, 4, 5, 6]
    """
    k = magnitude(x)
    out: Integers = 2 * k + np.where(k > 0, x >> np.maximum(k - 1, 0) & 1, 0)
    return out


def symbols_of(numbers: Integers) -> tuple[Integers, Integers]:
    """Symbol and count of extra bits of each number: below 16 itself, else its first two bits and its length."""
    k = magnitude(numbers)
    large = numbers >= DIRECT
    extra = np.where(large, k - 1, 0)
    return np.where(large, DIRECT + 2 * (k - 4) + (numbers >> extra & 1), numbers), extra


def extra_bits(symbol: int) -> int:
    """How many bits follow a symbol.

    >>> extra_bits(15), extra_bits(16), extra_bits(18)
    (0, 3, 4)
    """
    return 0 if symbol < DIRECT else 3 + (symbol - DIRECT) // 2


def least_number(symbol: int) -> int:
    """The smallest number that has a symbol."""
    return symbol if symbol < DIRECT else (2 + symbol % 2) << extra_bits(symbol)


def contexts(columns: int) -> int:
    """How many contexts there are: of idf, of lengths, and three of each class of rows."""
    return FIRST_ROW + 3 * (int(half_magnitude(np.array([columns]))[0]) + 1)


# -- writing ----------------------------------------------------------------------------------------------------------


class Entries(NamedTuple):
    """Distinct rows with their idf's rank from the largest; ``values``: codes relative to zero; uses: slots of each."""

    indptr: Integers
    columns: Integers
    values: Integers
    ranks: Integers
    uses: Integers


class Stream(NamedTuple):
    """All symbols of all entries in the order they are written: entry, context, number, symbol, extra bits."""

    entry: Integers
    context: Integers
    number: Integers
    symbol: Integers
    extra: Integers


def _encode(table: Table) -> Encoded:
    codes, numbers, idf_bits, zero = table.codes, table.numbers, table.idf_bits, table.zero
    n, columns = codes.shape
    top = int(numbers.max(initial=0)) if idf_bits else 0
    entries, which = distinct(codes, top - numbers if idf_bits else np.zeros(n, np.int64), zero)
    order = neighbours(entries, columns)
    entries = renumbered(entries, order)
    stream = _stream(entries, columns, bool(idf_bits))
    frequency = entries.uses * _frequencies(table.idf, top - entries.ranks)
    runs = runs_of(entries, columns)
    kinds, exceptions, chosen, notes = _choose(entries, stream, runs, columns, frequency, -(-idf_bits // 8))
    in_run = chosen >= 0
    used = np.unique(chosen[in_run])
    chosen = np.where(in_run, np.searchsorted(used, chosen), -1)
    runs = Runs([runs.lengths[i] for i in used.tolist()], runs.bits[used])
    stream = _chosen(stream, kinds, chosen, len(used))
    counts = np.bincount(stream.context * SYMBOLS + stream.symbol, minlength=contexts(columns) * SYMBOLS)
    mapped, grouped = joined(counts.reshape(-1, SYMBOLS), min(CONTEXT_TABLES, MOST_TABLES - len(runs.lengths)))
    lengths = [code_lengths(row) for row in grouped] or [[0] + [-1] * (SYMBOLS - 1)]  # one table, if only of nothing
    mapped = np.concatenate([mapped, len(lengths) + np.arange(len(runs.lengths))])
    lengths += runs.lengths
    bits = np.array(lengths, np.int64).reshape(-1, SYMBOLS)[mapped[stream.context], stream.symbol] + stream.extra

    heads_of_runs = np.bincount(stream.entry, bits, len(kinds)).astype(np.int64)
    sizes = heads_of_runs.copy()
    sizes[in_run] += runs.bits[chosen[in_run], in_run]
    unit = class_bytes(columns) + 1
    single = (entries.uses == 1) & (kinds == 0)
    shared = np.flatnonzero(~single)
    level = np.full(len(kinds), MOST_LEVELS)  # of single entries: after all others
    level[shared], widths = _levels(entries.uses[shared], int(single.sum()), int(sizes.sum()))
    for kind in np.unique(kinds).tolist():
        at = np.flatnonzero((kinds == kind) & ~single)
        if kind:
            base = -(-idf_bits // 8) + -(-columns * (kind & 15) // 8)
            sizes[at] = exceptions[at]
        for one in np.unique(level[at]).tolist():
            some = at[level[at] == one]
            sizes[some] = _fewer(sizes[some], 1 if not kind else 8 * unit)
        if kind:
            sizes[at] = base + sizes[at] * unit
    slot = np.zeros(len(kinds), np.int64)
    slot[which] = np.arange(n)  # of a single entry
    place = np.lexsort((np.where(single, slot, np.arange(len(kinds))), np.where(single, 0, sizes), kinds, level))
    new = np.empty(len(kinds), np.int64)
    new[place] = np.arange(len(kinds))
    count = len(shared)
    groups, starts, total = _groups(level[place[:count]], kinds[place[:count]], sizes[place[:count]])
    offsets = np.concatenate([[0], np.cumsum(sizes[place[count:]])])
    starts = np.concatenate([starts, 8 * total + offsets[:-1]])
    low_bits, ends = encode_offsets(offsets)

    rows = np.zeros(total + -(-int(offsets[-1]) // 8) + GUARD, np.uint8)
    _write_stream(rows, stream, bits, starts[new], mapped, lengths)
    each = max(1, (1 << 21) // max(columns, 1))
    for first in range(0, int(in_run.sum()), each):
        some = np.flatnonzero(in_run)[first : first + each]
        part = _stream_of_runs(entries, some, chosen[some] + contexts(columns), columns)
        length = np.array(lengths, np.int64)[mapped[part.context], part.symbol] + part.extra
        _write_stream(rows, part, length, (starts[new] + heads_of_runs)[some], mapped, lengths)
    for kind in np.unique(kinds[kinds > 0]).tolist():
        at = np.flatnonzero(kinds == kind)
        _write_packed(rows, entries, at, kind, starts[new[at]] // 8, sizes[at], columns, idf_bits, zero)

    slots = new[which]
    more, pointers, heads = _pointers(slots, widths, count)
    tables = [canonical(row) for row in lengths]
    sections: Sections = {
        "rows": rows, "row_more": more.reshape(-1), "row_pointers": pointers, **ends,
        "row_tables": np.concatenate([heads.view(np.uint8), groups.view(np.uint8),
                                      order.astype(f"<u{class_bytes(columns)}").view(np.uint8),
                                      mapped.astype(np.uint8), *tables]),
    }  # fmt: skip
    parameters = {
        "entries": count, "singles": len(kinds) - count, "bits": int(offsets[-1]), "low_bits": low_bits,
        "levels": len(heads), "groups": len(groups), "tables": len(tables),
        "symbols": sum(map(len, tables)) - 16 * len(tables), "zero": zero, "top": top, "count": len(codes.data),
        "runs": len(runs.lengths),
    }  # fmt: skip
    if len(groups) > MOST_GROUPS or len(rows) >= 1 << 32:
        raise BuildError(f"{len(groups)} sizes of entries in {len(rows)} bytes: the limits are {MOST_GROUPS} and 2^32")
    return Encoded(parameters, sections, np.zeros(n, np.uint64), 0, notes)


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


def _stream(entries: Entries, columns: int, with_idf: bool) -> Stream:
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


def _frequencies(idf: npt.NDArray[np.float32] | None, numbers: Integers) -> Integers:
    """How often an n-gram of this idf is met, up to a factor: exp(-idf), in 16ths of the rarest; 1 if nothing is known."""
    if idf is None or not len(idf):
        return np.ones(len(numbers), np.int64)
    with np.errstate(over="ignore"):
        rare = np.rint(16 * np.exp(np.minimum(float(idf.max()) - idf.astype(np.float64), 30.0)))
    out: Integers = rare.astype(np.int64)[np.minimum(numbers, len(idf) - 1)]
    return out


class Runs(NamedTuple):
    """Tables of runs: code lengths of each table's symbols; the bits of each entry's columns by each: (tables, entries)."""

    lengths: list[list[int]]
    bits: Integers


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


def _stream_of_runs(entries: Entries, some: Integers, contexts: Integers, columns: int) -> Stream:
    """What is to be written of entries as runs: a number for each column, 0 of one without a weight."""
    numbers = np.zeros((len(some), columns), np.int64)
    counts = np.diff(entries.indptr)[some]
    at = ranges(entries.indptr[some], counts)
    values = entries.values[at]
    numbers[np.repeat(np.arange(len(some)), counts), entries.columns[at]] = 1 + 2 * (np.abs(values) - 1) + (values > 0)
    flat = numbers.reshape(-1)
    which = np.repeat(np.arange(len(some)), columns)
    return Stream(which, contexts[which], flat, *symbols_of(flat))


def _chosen(stream: Stream, kinds: Integers, table: Integers, runs: int) -> Stream:
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


def _choose(
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


def _fewer(sizes: Integers, bits: int) -> Integers:
    """Each size raised to one of fewer, where that costs less than a line of the groups: by dynamic programming."""
    step = 1 << max(int(sizes.max(initial=1)).bit_length() - 10, 0)
    values, counts = np.unique(-(-sizes // step), return_counts=True)
    mass, moment = np.concatenate([[0], np.cumsum(counts)]), np.concatenate([[0], np.cumsum(counts * values)])
    cost, cut = np.zeros(len(values) + 1), np.zeros(len(values) + 1, np.int64)
    for i in range(1, len(values) + 1):  # the last size is values[i - 1], and the sizes from j on are raised to it
        waste = (values[i - 1] * (mass[i] - mass[:i]) - (moment[i] - moment[:i])) * (bits * step)
        total = cost[:i] + waste + 8 * GROUP.itemsize
        cut[i] = int(total.argmin())
        cost[i] = total[cut[i]]
    out, i = values.copy(), len(values)
    while i:
        out[cut[i] : i] = values[i - 1]
        i = int(cut[i])
    return out[np.searchsorted(values, -(-sizes // step))] * step


def _levels(uses: Integers, singles: int, bits: int) -> tuple[Integers, list[int]]:
    """The levels of as many as are worth their time; bits: of all entries."""
    level, widths, least = levels_of(uses, singles, 1)
    for most in range(2, WRITTEN_LEVELS + 1):
        more = levels_of(uses, singles, most)
        if least - more[2] >= LEAST_GAIN * (bits + least):
            level, widths, least = more
    return level, widths


def levels_of(uses: Integers, singles: int, most: int) -> tuple[Integers, list[int], int]:
    """The level of each entry's pointers, the most used first; the width of a pointer at each level; and the bits of all.

    Level l points at 2^width entries, the last at all that are left. A slot takes one bit (and its share of ranks) at
    each level up to its own, and there the width. ``singles``: slots beyond the last level. (Brisaboa, Ladra, Navarro:
    DACs: bringing direct access to variable-length codes, Information Processing & Management 2013.) The widths are the
    best of at most so many levels, by dynamic programming.
    """
    turn = np.argsort(-uses, kind="stable")
    count = len(uses)
    after = np.concatenate([[0], np.cumsum(uses[turn])])
    slots = int(after[-1]) + singles
    known: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}

    def best(first: int, levels: int) -> tuple[int, tuple[int, ...]]:
        if (first, levels) in known:
            return known[first, levels]
        left = slots - int(after[first])
        width = max(count - first - 1, 0).bit_length()
        found: tuple[int, tuple[int, ...]] = (
            (left - singles) * width + (-(-left // BLOCK_BITS) * 512 if singles else 0),
            (width,),
        )
        for width in range(count.bit_length() if levels > 1 else 0):
            if first + (1 << width) >= count:
                break
            stay = int(after[first + (1 << width)] - after[first])
            rest = best(first + (1 << width), levels - 1)
            bits = -(-left // BLOCK_BITS) * 512 + 512 + stay * width + 64 + rest[0]
            if bits < found[0]:
                found = (bits, (width, *rest[1]))
        known[first, levels] = found
        return found

    bits, found = best(0, most) if count else (0, ())
    widths = list(found)
    level = np.empty(count, np.int64)
    first = 0
    for number, width in enumerate(widths):
        last = count if number == len(widths) - 1 else first + (1 << width)
        level[turn[first:last]] = number
        first = last
    return level, widths, bits


def _groups(level: Integers, kinds: Integers, sizes: Integers) -> tuple[npt.NDArray[np.void], Integers, int]:
    """Of entries in order: the groups, the bit at which each entry starts, and the bytes of all."""
    if not len(kinds):
        return np.empty(0, GROUP), np.empty(0, np.int64), 0
    new = np.ones(len(kinds), bool)
    new[1:] = (np.diff(level) != 0) | (np.diff(kinds) != 0) | (np.diff(sizes) != 0)
    firsts = np.flatnonzero(new)
    counts = np.diff(np.append(firsts, len(kinds)))
    each = np.where(kinds[firsts] > 0, 8, 1) * sizes[firsts]
    length = -(-counts * each // 8)
    starts = np.cumsum(length) - length
    groups = np.empty(len(firsts), GROUP)
    groups["first"], groups["start"] = firsts, starts
    groups["size"] = sizes[firsts] | kinds[firsts] << 24
    at = np.repeat(8 * starts, counts) + (np.arange(len(kinds)) - np.repeat(firsts, counts)) * np.repeat(each, counts)
    return groups, at, int(length.sum())


def _write_stream(
    rows: npt.NDArray[np.uint8],
    stream: Stream,
    bits: Integers,
    starts: Integers,
    mapped: Integers,
    lengths: list[list[int]],
) -> None:
    """Write symbols and extra bits, most significant bit first, each entry from its start on."""
    if not len(bits):
        return
    words = np.array([codewords(row) for row in lengths], np.int64)
    raw = stream.number - (stream.number >> stream.extra << stream.extra)
    value = words[mapped[stream.context], stream.symbol] << stream.extra | raw
    ends = np.cumsum(bits)
    new = np.concatenate([[True], np.diff(stream.entry) != 0])
    before = np.repeat((ends - bits)[new], np.diff(np.append(np.flatnonzero(new), len(bits))))
    last = starts[stream.entry] + ends - before - 1
    for bit in range(int(bits.max())):
        at = last[(bits > bit) & (value >> bit & 1 > 0)] - bit
        np.bitwise_or.at(rows, at >> 3, np.right_shift(128, at & 7).astype(np.uint8))


def codewords(lengths: list[int]) -> list[int]:
    """The canonical code of each symbol: shorter ones first, then smaller symbols.

    >>> codewords([2, 1, 2])
    [2, 0, 3]
    """
    out, code, before = [0] * len(lengths), 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length >= 0):
        code <<= length - before
        out[symbol], before = code, length
        code += 1
    return out


def _write_packed(
    rows: npt.NDArray[np.uint8], entries: Entries, at: Integers, kind: int, starts: Integers, sizes: Integers,
    columns: int, idf_bits: int, zero: int,
) -> None:  # fmt: skip
    """Write packed entries of one kind: the idf's rank, exceptions, fields."""
    bits, bias, idf_bytes, unit = kind & 15, kind >> 4, -(-idf_bits // 8), class_bytes(columns) + 1
    lengths = np.diff(entries.indptr)[at]
    each = ranges(entries.indptr[at], lengths)
    row = np.repeat(np.arange(len(at)), lengths)
    field = entries.values[each] + (bias if bits < 8 else zero)
    outside = (field < 0) | (field >= 1 << bits)
    for i in range(idf_bytes):
        rows[starts + i] = entries.ranks[at] >> 8 * i
    count = np.bincount(row[outside], minlength=len(at))
    room = (sizes - idf_bytes - -(-columns * bits // 8)) // unit
    place = np.repeat(starts + idf_bytes, count) + ranges(np.zeros_like(count), count) * unit
    for i in range(unit - 1):
        rows[place + i] = entries.columns[each][outside] >> 8 * i
    rows[place + unit - 1] = entries.values[each][outside] + zero
    spare = (
        np.repeat(starts + idf_bytes + count * unit, room - count) + ranges(np.zeros_like(count), room - count) * unit
    )
    rows[spare + unit - 1] = zero
    base = starts + idf_bytes + room * unit
    width = -(-columns * bits // 8)
    for start in range(0, len(at), 1 << 12):
        stop = min(start + (1 << 12), len(at))
        fields = np.full((stop - start, 8 * width // bits), 0, np.uint8)
        fields[:, :columns] = bias if bits < 8 else zero
        here = (row >= start) & (row < stop) & ~outside
        fields[row[here] - start, entries.columns[each][here]] = field[here]
        packed = np.packbits(
            (fields[:, :, None] >> np.arange(bits) & 1).reshape(stop - start, -1), axis=1, bitorder="little"
        )
        rows[base[start:stop, None] + np.arange(width)] = packed


def _pointers(
    slots: Integers, widths: list[int], count: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], npt.NDArray[np.void]]:
    """Blocks of the bits "goes on" of all levels but the last, packed pointers of all levels, and the levels' table."""
    heads = np.zeros(len(widths), LEVEL)
    more, parts = [np.empty((0, 16), np.uint32)], [np.empty(0, np.uint8)]
    first = 0
    for level, width in enumerate(widths):
        heads[level] = len(slots), width
        on = slots >= (count if level == len(widths) - 1 else first + (1 << width))
        if on.any():
            more.append(blocks_of([on]))
        parts.append(pack(slots[~on] - first, width))
        slots, first = slots[on], first + (1 << width)
    return np.concatenate(more), np.concatenate(parts), heads


# -- reading ----------------------------------------------------------------------------------------------------------


def _bits(shape: Shape, parameters: Parameters) -> int:
    return 0


def _read(shape: Shape, parameters: Parameters, exactly: Exactly) -> Sections:
    levels, groups, tables = parameters["levels"], parameters["groups"], parameters["tables"]
    columns, entries = shape.columns, parameters["entries"]
    lengths = [levels * LEVEL.itemsize, groups * GROUP.itemsize, columns * class_bytes(columns),
               contexts(columns) + parameters["runs"], 16 * tables + parameters["symbols"]]  # fmt: skip
    parts = np.split(exactly("row_tables", sum(lengths)), np.cumsum(lengths)[:-1])
    out: Sections = {
        "levels": parts[0].view(LEVEL), "groups": parts[1].view(GROUP),
        "order": parts[2].view(f"<u{class_bytes(columns)}"), "map": parts[3], "tables": parts[4],
    }  # fmt: skip
    if not bool(entries) == bool(levels) == bool(groups) or not tables:
        raise FormatError(f"header: rows: {levels} levels, {groups} groups, {entries} entries, {tables} tables (R6)")
    slots, widths = np.append(out["levels"]["slots"], parameters["singles"]).astype(np.int64), out["levels"]["width"]
    if slots[0] != shape.n or (np.diff(slots) > 0).any() or int(widths.max(initial=0)) > 31:
        raise FormatError(f"section 'row_tables': levels {out['levels'].tolist()} of {shape.n} features (R6)")
    if (parameters["bits"] >> parameters["low_bits"]) + slots[-1] >= 1 << 32:
        raise FormatError(f"header: rows: {parameters['bits']} bits of single entries (R6)")
    total = _check_groups(out["groups"], shape, entries)
    if (out["order"] >= columns).any():
        raise FormatError(f"section 'row_tables': class {int(out['order'].max())} of {columns} (R6)")
    if int(out["map"].max()) >= tables:
        raise FormatError(f"section 'row_tables': table {int(out['map'].max())}, there are {tables} (R6)")
    check_tables(out["tables"], tables, SYMBOLS)
    blocks = sum(-(-int(here) // BLOCK_BITS) for here, after in pairwise(slots) if after)
    pointers = sum(packed_bytes(int(left), int(width)) for left, width in zip(-np.diff(slots), widths, strict=True))
    if max(total, pointers) >= 1 << 32:
        raise FormatError(f"section 'row_tables': {total} bytes of entries, {pointers} of pointers: 2^32 or more (R6)")
    out |= read_offsets(int(slots[-1]), parameters["bits"], parameters["low_bits"], exactly)
    return {
        **out, "rows": exactly("rows", total + -(-parameters["bits"] // 8) + GUARD),
        "row_more": exactly("row_more", blocks * 64).view("<u4").reshape(-1, 16),
        "row_pointers": exactly("row_pointers", pointers),
    }  # fmt: skip


def _check_groups(groups: npt.NDArray[np.void], shape: Shape, entries: int) -> int:
    """Rule R6 of groups; the bytes of all entries."""
    if not len(groups):
        return 0
    firsts, starts = groups["first"].astype(np.int64), groups["start"].astype(np.int64)
    sizes, kinds = groups["size"].astype(np.int64) & 0xFFFFFF, groups["size"].astype(np.int64) >> 24
    counts = np.append(firsts[1:], entries) - firsts
    ends = np.cumsum(-(-counts * sizes * np.where(kinds > 0, 8, 1) // 8))
    bits, bias, unit = kinds & 15, kinds >> 4, class_bytes(shape.columns) + 1
    spare = sizes - -(-shape.idf_bits // 8) - -(-shape.columns * bits // 8)
    good = (counts > 0) & (starts == np.concatenate([[0], ends[:-1]]))
    packed = np.isin(bits, (1, 2, 4, 8)) & (bias < 1 << np.minimum(bits, 4)) & ((bits < 8) | (bias == 0))
    packed &= (spare >= 0) & (spare % unit == 0) & (spare // unit <= shape.columns)
    good &= (kinds == 0) | packed
    if not good.all() or firsts[0]:
        at = int(np.argmin(good)) if not good.all() else 0
        raise FormatError(
            f"section 'row_tables': group {at} {groups[at].tolist()} does not follow from those before (R6)"
        )
    return int(ends[-1])


class CodedReader:
    """Entries through levels of pointers; the group by bisection, the place by multiplication, then symbol by symbol.

    All asked for at once: one step decodes one symbol of each row.
    """

    def __init__(self, shape: Shape, parameters: Parameters, sections: Arrays) -> None:
        self._columns, self._idf_bits = shape.columns, shape.idf_bits
        self._entries, self._top, self._zero = parameters["entries"], parameters["top"], parameters["zero"]
        self._sections, self._rows = sections, sections["rows"]
        self._slots = np.append(sections["levels"]["slots"], parameters["singles"]).astype(np.int64)
        self._single_bits, self._low_bits = parameters["bits"], parameters["low_bits"]
        self._offsets: Integers | None = None
        self.clamped = self.beyond = False  # beyond: an entry number was too large (R5)
        self._tables: Tables | None = None
        self._count, self._runs = parameters["tables"], parameters["runs"]

    def find(self, slots: Integers) -> tuple[Integers, Integers, Integers]:
        """Of each slot's entry: the bit where it starts, its kind, and its size in bits, if packed in bytes, if single 0.

        R5: the number of an entry that is too large means the last. R7: a rank that is too large, the last that is not.
        """
        levels, more, counts = self._sections["levels"], self._sections["row_more"], self._slots.tolist()
        number = np.zeros(len(slots), np.int64)
        left, at = np.arange(len(slots)), slots
        first, block, byte = 0, 0, 0
        for level, width in enumerate(levels["width"].tolist()):
            here, after = counts[level], counts[level + 1]
            on, ones = np.zeros(len(at), bool), np.zeros(len(at), np.int64)
            if after:
                which, bit = np.divmod(at, BLOCK_BITS)
                on = (more[block + which, 1 + bit // 32] >> (bit % 32).astype(np.uint32) & 1).astype(bool)
                ones = rank(more, block + which, bit)
                block += -(-here // BLOCK_BITS)
            on |= here == after
            place = self._clamp((at - ones)[~on], here - after - 1)
            part = self._sections["row_pointers"][byte : byte + packed_bytes(here - after, width)]
            number[left[~on]] = first + unpack(part, width, place).astype(np.int64)
            left, at = left[on], self._clamp(ones[on], after - 1)
            byte += len(part)
            first += 1 << width
        number[left] = 0
        if self._entries:
            self.beyond |= bool((number >= self._entries).any())
            number = np.minimum(number, self._entries - 1)
            group = self._sections["groups"][
                np.searchsorted(self._sections["groups"]["first"], number, side="right") - 1
            ]
            size = group["size"].astype(np.int64)
            kind, size = size >> 24, size & 0xFFFFFF
            starts = 8 * group["start"].astype(np.int64) + (number - group["first"]) * size * np.where(kind > 0, 8, 1)
        else:
            starts, kind, size = np.zeros_like(number), np.zeros_like(number), np.zeros_like(number)
        kind[left] = size[left] = 0
        if len(left):
            if self._offsets is None:
                self._offsets = decode_offsets(self._low_bits, self._sections, counts[-1], self._single_bits)
            starts[left] = 8 * (len(self._rows) - GUARD - -(-self._single_bits // 8)) + self._offsets[at]
        return starts, kind, size

    def _clamp(self, numbers: Integers, most: int | Integers) -> Integers:
        """Numbers made at least 0 and at most ``most``; remembered, for the sake of a full verification."""
        clamped = np.clip(numbers, 0, most)
        self.clamped |= bool((clamped != numbers).any())
        return clamped

    def number(self, context: Integers, at: Integers) -> tuple[Integers, Integers]:
        """The number in each context at each bit, and the bit after it."""
        if self._tables is None:
            self._tables = read_tables(self._sections["tables"], self._count, SYMBOLS)
        tables = self._tables
        byte = np.minimum(at >> 3, len(self._rows) - 8)
        window = np.zeros(len(at), np.uint64)
        for i in range(8):
            window = window << np.uint64(8) | self._rows[byte + i].astype(np.uint64)
        window = window << (at & 7).astype(np.uint64)
        place = self._sections["map"][context].astype(np.int64) << WINDOW | (window >> np.uint64(64 - WINDOW)).astype(
            np.int64
        )
        symbol, length = tables.symbols[place], tables.lengths[place]
        extra = np.where(symbol < DIRECT, 0, 3 + (symbol - DIRECT) // 2)
        rest = window << length.astype(np.uint64)
        raw = (rest >> np.uint64(1) >> (63 - extra).astype(np.uint64)).astype(np.int64)
        base = np.where(symbol < DIRECT, symbol, 2 + symbol % 2 << extra)
        return base + raw, at + length + extra

    def idf(self, slots: Integers, numbers: Integers) -> Integers:
        """The largest number less the first number of the entry. R7: not below 0."""
        if not self._idf_bits or not len(slots):
            return np.zeros(len(slots), np.int64)
        at, kind, _ = self.find(slots)
        ranks = np.zeros(len(slots), np.int64)
        coded = kind == 0
        ranks[coded], _ = self.number(np.zeros(int(coded.sum()), np.int64), at[coded])
        byte = at[~coded] >> 3
        for i in range(-(-self._idf_bits // 8)):
            ranks[~coded] |= self._rows[byte + i].astype(np.int64) << 8 * i
        return self._clamp(self._top - ranks, self._top)

    def rows(self, slots: Integers, numbers: Integers) -> tuple[Integers, Integers, Integers]:
        """Decoded, columns ascending in each row."""
        at, kind, size = self.find(slots)
        which = np.arange(len(slots))
        parts = [self._coded(which[kind == 0], at[kind == 0])]
        parts += [self._packed(one, which[kind == one], at[kind == one] >> 3, size[kind == one])
                  for one in np.unique(kind[kind > 0]).tolist()]  # fmt: skip
        row, columns, codes = (np.concatenate([part[i] for part in parts]) for i in range(3))
        inside = (columns < self._columns) & (codes != self._zero)
        self.clamped |= bool((columns >= self._columns).any())
        row, columns, codes = row[inside], self._sections["order"][columns[inside]].astype(np.int64), codes[inside]
        turn = np.lexsort((columns, row))
        return np.bincount(row, minlength=len(slots)), columns[turn], codes[turn]

    def _coded(self, which: Integers, at: Integers) -> tuple[Integers, Integers, Integers]:
        """Rows of entropy-coded entries. R7: a length is at most all columns, a column beyond them ends the row."""
        ranks = np.zeros(len(at), np.int64)
        if self._idf_bits and len(at):
            ranks, at = self.number(np.zeros(len(at), np.int64), at)
        if not len(at):
            return which, which, which
        left, at = self.number(1 + np.minimum(magnitude(ranks + 1), 7), at)
        in_run = left < self._runs
        run = self._run(which[in_run], at[in_run], contexts(self._columns) + left[in_run])
        which, at, left = which[~in_run], at[~in_run], self._clamp(left[~in_run] - self._runs, self._columns)
        whole = left == self._columns
        context = FIRST_ROW + 3 * half_magnitude(left)
        column = np.full(len(at), -1)
        out = [run]
        while True:
            some = left > 0
            which, at, left, whole, context, column = (x[some] for x in (which, at, left, whole, context, column))
            if not len(which):
                break
            gap = np.zeros(len(at), np.int64)
            first = column < 0
            if not whole.all():
                gap[~whole], at[~whole] = self.number((context + ~first)[~whole], at[~whole])
            number, at = self.number(context + 2, at)
            column = column + 1 + gap
            code = self._zero + np.where(number & 1, 1, -1) * (number // 2 + 1)
            left = np.where(column < self._columns, left - 1, 0)
            self.clamped |= bool((column >= self._columns).any() or (code & ~255).any())
            out.append((which, column, code & 255))
        return tuple(np.concatenate([part[i] for part in out]) for i in range(3))  # type: ignore[return-value]

    def _run(self, which: Integers, at: Integers, context: Integers) -> tuple[Integers, Integers, Integers]:
        """Rows of runs: a number for each column, 0 of code zero."""
        out: list[tuple[Integers, Integers, Integers]] = [(which[:0],) * 3]
        for column in range(self._columns if len(which) else 0):
            number, at = self.number(context, at)
            some = number > 0
            code = self._zero + np.where(number[some] & 1, -1, 1) * ((number[some] + 1) // 2)
            self.clamped |= bool((code & ~255).any())
            out.append((which[some], np.full(len(code), column), code & 255))
        return tuple(np.concatenate([part[i] for part in out]) for i in range(3))  # type: ignore[return-value]

    def _packed(self, kind: int, which: Integers, at: Integers, size: Integers) -> tuple[Integers, Integers, Integers]:
        """Rows of packed entries of one kind, zeros among them."""
        bits, bias, unit = kind & 15, kind >> 4, class_bytes(self._columns) + 1
        width, idf_bytes = -(-self._columns * bits // 8), -(-self._idf_bits // 8)
        count = (size - idf_bytes - width) // unit
        column = np.arange(self._columns)
        fields = self._rows[(at + size - width)[:, None] + column * bits // 8] >> (column * bits % 8).astype(np.uint8)
        codes = fields.astype(np.int64) & (1 << bits) - 1
        if bits < 8:
            codes = codes + self._zero - bias & 255
        place = np.repeat(at + idf_bytes, count) + ranges(np.zeros_like(count), count) * unit
        other = np.zeros(len(place), np.int64)
        for i in range(unit - 1):
            other |= self._rows[place + i].astype(np.int64) << 8 * i
        own, code = np.repeat(np.arange(len(at)), count), self._rows[place + unit - 1].astype(np.int64)
        padding, same = code == self._zero, own[1:] == own[:-1]
        there = ~padding & (other < self._columns)
        disorder = same & ~padding[1:] & (padding[:-1] | (other[1:] <= other[:-1]))
        self.clamped |= bool(disorder.any() or (codes[own[there], other[there]] != self._zero).any())
        return (
            np.concatenate([np.repeat(which, self._columns), np.repeat(which, count)]),
            np.concatenate([np.tile(column, len(which)), other]),
            np.concatenate([codes.reshape(-1), code]),
        )


def _check(shape: Shape, parameters: Parameters, sections: Arrays, numbers: Integers) -> None:
    """R7: what needs no row to be decoded; _check_inside asks the reader whether it clamped something."""
    check_offsets(parameters["singles"], parameters["bits"], parameters["low_bits"], sections, "R7")
    counts, block = np.append(sections["levels"]["slots"], parameters["singles"]).astype(np.int64).tolist(), 0
    for here, after in pairwise(counts):
        if after:
            blocks = sections["row_more"][block : block + -(-here // BLOCK_BITS)]
            block += len(blocks)
            ones = np.bitwise_count(blocks[:, 1:]).sum(axis=1, dtype=np.int64)
            if int(ones.sum()) != after or (blocks[:, 0] != np.cumsum(ones) - ones).any():
                raise FormatError(
                    f"section 'row_more': {int(ones.sum())} bits set and their ranks, for {after} slots (R7)"
                )
    if len(np.unique(sections["order"])) != shape.columns:
        raise FormatError(f"section 'row_tables': the order has a class of {shape.columns} twice (R7)")
    reader = CodedReader(shape, parameters, sections)
    for start in range(0, shape.n, 1 << 16):
        reader.find(np.arange(start, min(start + (1 << 16), shape.n)))
        if reader.beyond:
            raise FormatError(
                f"section 'row_pointers': an entry of slots {start}… is none of {parameters['entries']} (R5)"
            )


CODED = Coder(
    "small",
    {"entries": (1 << 31) - 1, "singles": (1 << 31) - 1, "bits": (1 << 35) - 1, "low_bits": 31,
     "levels": MOST_LEVELS, "groups": MOST_GROUPS, "tables": MOST_TABLES,
     "symbols": MOST_TABLES * MOST_SYMBOLS, "zero": 255, "top": (1 << 24) - 1, "count": (1 << 40) - 1,
     "runs": MOST_TABLES},
    _encode,
    _bits,
    _read,
    CodedReader,
    _check,
    {"runs": 0},
)  # fmt: skip
