"""The writer of coded rows: distinct rows, their forms, Huffman tables, groups of one size, pointers.

Everything is decided by integers, or by floats that every machine rounds alike: same rows, same bytes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import BuildError
from ..index import BLOCK_BITS, blocks_of
from ..linear import Integers, ranges
from .bits import GUARD, pack
from .coder import Encoded, Sections, Table, class_bytes
from .entries import Entries, distinct, neighbours, renumbered
from .forms import Runs, Stream, choose, chosen_part, frequencies, runs_of, stream_of, stream_of_runs
from .huffman import canonical, code_lengths, joined
from .plain import encode_offsets
from .symbols import GROUP, LEVEL, MOST_GROUPS, MOST_LEVELS, MOST_TABLES, SYMBOLS, contexts

CONTEXT_TABLES = 12  # for all but runs
WRITTEN_LEVELS = 2  # a third would save one percent of slots and pointers, and cost each look-up a rank
LEAST_GAIN = 0.018  # of the bits of entries and pointers: what the second level must save


def encode(table: Table) -> Encoded:
    """The rows as sections and parameters of the coder ``coded``. Raises BuildError beyond the format's limits."""
    codes, numbers, idf_bits, zero = table.codes, table.numbers, table.idf_bits, table.zero
    n, columns = codes.shape
    top = int(numbers.max(initial=0)) if idf_bits else 0
    entries, which = distinct(codes, top - numbers if idf_bits else np.zeros(n, np.int64), zero)
    order = neighbours(entries, columns)
    entries = renumbered(entries, order)
    stream = stream_of(entries, columns, bool(idf_bits))
    frequency = entries.uses * frequencies(table.idf, top - entries.ranks)
    runs = runs_of(entries, columns)
    kinds, exceptions, chosen, notes = choose(entries, stream, runs, columns, frequency, -(-idf_bits // 8))
    in_run = chosen >= 0
    used = np.unique(chosen[in_run])
    chosen = np.where(in_run, np.searchsorted(used, chosen), -1)
    runs = Runs([runs.lengths[i] for i in used.tolist()], runs.bits[used])
    stream = chosen_part(stream, kinds, chosen, len(used))
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
        part = stream_of_runs(entries, some, chosen[some] + contexts(columns), columns)
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
