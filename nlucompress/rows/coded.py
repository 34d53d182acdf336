"""``coded``: each distinct row once, entropy coded; slots point at entries by codes that can be addressed directly.

An entry is a run of Huffman symbols: its idf, its length, then gap and code of each weight, classes renumbered so that
those which occur together are neighbours. Long rows of frequent n-grams, which a sentence meets most, are *packed* instead:
a few bits for every class, and exceptions. Entries that slots share are sorted by size, so that a table of one line a size
says where each lies; entries of one slot lie in the order of slots, behind offsets. Nothing is unpacked when a file is
opened. FORMAT.md, "Rows", is normative; coded_writer.py writes them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..index import BLOCK_BITS, rank
from ..linear import Integers, ranges
from .bits import GUARD, packed_bytes, unpack
from .coder import Arrays, Coder, Encoded, Exactly, Parameters, Sections, Shape, Table, class_bytes
from .huffman import WINDOW, Tables, check_tables, read_tables
from .plain import check_offsets, decode_offsets, read_offsets
from .symbols import (
    DIRECT,
    FIRST_ROW,
    GROUP,
    LEVEL,
    MOST_GROUPS,
    MOST_LEVELS,
    MOST_SYMBOLS,
    MOST_TABLES,
    SYMBOLS,
    contexts,
    half_magnitude,
    magnitude,
)  # fmt: skip


def _encode(table: Table) -> Encoded:
    from .coded_writer import encode  # a program that only loads models does without

    return encode(table)


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
    packed = (bits > 0) & (bits & (bits - 1) == 0) & (bias < 1 << np.minimum(bits, 4)) & ((bits < 8) | (bias == 0))
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
        """The number in each context at each bit, and the bit after it. R7: behind the section are some bits of it."""
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
        at = at + length + extra
        self.clamped |= bool((at > 8 * (len(self._rows) - GUARD)).any())
        return base + raw, at

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
            last = np.unpackbits(blocks[-1, 1:].astype("<u4").view(np.uint8), bitorder="little")
            if last[(here - 1) % BLOCK_BITS + 1 :].any():
                raise FormatError(f"section 'row_more': a bit is set behind the last of {here} slots (R7)")
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
