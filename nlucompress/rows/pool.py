"""``pool``: each distinct row once, with its idf number; a slot's record keeps the number of its entry.

n-grams of the same texts have equal rows: 5 to 50 % of them are distinct. Entries are sorted by length, so a table of one
line a length (``row_groups``) says where an entry lies: no offset is stored. A row is pairs of column and code, or, where
those would take as much, all codes, which are added up without a look at their columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..linear import Integers, ranges
from .coder import Arrays, Coder, Encoded, Exactly, Parameters, Sections, Shape, Table, class_bytes
from .plain import densified, entries

GROUP = np.dtype([("first", "<u4"), ("units", "<u4"), ("start", "<u8")])  # of row_groups


def _encode(table: Table) -> Encoded:
    codes, numbers, idf_bits, zero = table[:4]
    n, columns = codes.shape
    unit, idf_bytes = class_bytes(columns) + 1, -(-idf_bits // 8)
    lengths = np.diff(codes.indptr)
    units = np.minimum(lengths, dense_units(columns))
    which = np.zeros(n, np.int64)
    groups, parts, first, start = [], [], 0, 0
    for size in np.unique(units).tolist():
        slots = np.flatnonzero(units == size)
        raw = np.zeros((len(slots), idf_bytes + size * unit), np.uint8)
        raw[:, :idf_bytes] = numbers[slots, None] >> 8 * np.arange(idf_bytes)
        body = raw[:, idf_bytes:]
        if size == dense_units(columns):
            body[:, :columns] = densified(codes.take(slots), zero)
        else:
            at = ranges(codes.indptr[slots], lengths[slots])
            pairs = np.empty((len(at), unit), np.uint8)
            pairs[:, :-1] = codes.indices[at].astype(f"<u{unit - 1}").view(np.uint8).reshape(-1, unit - 1)
            pairs[:, -1] = codes.data[at]
            body[:] = pairs.reshape(len(slots), size * unit)
        distinct, which_here = _unique(raw)
        which[slots] = first + which_here
        groups.append((first, size, start))
        parts.append(distinct.reshape(-1))
        first += len(distinct)
        start += distinct.size
    sections: Sections = {
        "rows": np.concatenate(parts) if parts else np.empty(0, np.uint8), "row_groups": np.array(groups, GROUP),
    }  # fmt: skip
    parameters = {"entries": first, "groups": len(groups), "count": len(codes.data)}
    return Encoded(parameters, sections, which.astype(np.uint64), _bits(Shape(n, columns, idf_bits), parameters))


def dense_units(columns: int) -> int:
    """The units (entries of column and code) that all codes of a row take: a row of as many is stored so."""
    return -(-columns // (class_bytes(columns) + 1))


def _unique(raw: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Integers]:
    """Distinct rows in the order of their bytes, and which of them each row is."""
    if not raw.shape[1]:
        return raw[:1], np.zeros(len(raw), np.int64)
    _, at, which = np.unique(raw.view(f"S{raw.shape[1]}").reshape(-1), return_index=True, return_inverse=True)
    return raw[at], which


def _bits(shape: Shape, parameters: Parameters) -> int:
    return max(parameters["entries"] - 1, 0).bit_length()


def _read(shape: Shape, parameters: Parameters, exactly: Exactly) -> Sections:
    entries, count = parameters["entries"], parameters["groups"]
    unit, idf_bytes = class_bytes(shape.columns) + 1, -(-shape.idf_bits // 8)
    groups = exactly("row_groups", count * GROUP.itemsize).view(GROUP)
    if not bool(shape.n) == bool(entries) == bool(count):
        raise FormatError(f"header: rows: {count} groups of {entries} entries for {shape.n} features (R4)")
    firsts, units = groups["first"].astype(np.int64), groups["units"].astype(np.int64)
    ends = np.append(firsts[1:], entries) if count else firsts
    sizes = (ends - firsts) * (idf_bytes + units * unit)
    starts = np.cumsum(sizes) - sizes
    good = (firsts < ends) & (np.diff(units, prepend=-1) > 0) & (units <= dense_units(shape.columns))
    good &= groups["start"] == starts.astype(np.uint64)
    if not good.all() or (count and firsts[0]):
        at = int(np.argmin(good)) if not good.all() else 0
        raise FormatError(
            f"section 'row_groups': group {at} {groups[at].tolist()} does not follow from those before (R4)"
        )
    return {"rows": exactly("rows", int(sizes.sum())), "row_groups": groups}


class PoolReader:
    """Entries by number: the group by bisection, the place by multiplication."""

    clamped = False

    def __init__(self, shape: Shape, parameters: Parameters, sections: Arrays) -> None:
        self._rows = sections["rows"]
        self._groups = sections["row_groups"]
        self._entries = parameters["entries"]
        self._columns, self._idf_bits = shape.columns, shape.idf_bits
        self._idf_bytes, self._unit = -(-shape.idf_bits // 8), class_bytes(shape.columns) + 1

    def _find(self, numbers: Integers) -> tuple[Integers, Integers]:
        """Start and units of entries. R5: a number that is too large means the last entry."""
        numbers = np.minimum(numbers, self._entries - 1)
        group = self._groups[np.searchsorted(self._groups["first"], numbers, side="right") - 1]
        units = group["units"].astype(np.int64)
        starts = group["start"].astype(np.int64) + (numbers - group["first"]) * (self._idf_bytes + units * self._unit)
        return starts, units

    def idf(self, slots: Integers, numbers: Integers) -> Integers:
        """The first bytes of the entry."""
        starts, _ = self._find(numbers)
        out = np.zeros(len(numbers), np.int64)
        for i in range(self._idf_bytes):
            out |= self._rows[starts + i].astype(np.int64) << 8 * i
        return out

    def rows(self, slots: Integers, numbers: Integers) -> tuple[Integers, Integers, Integers]:
        """The rest of the entry."""
        starts, units = self._find(numbers)
        starts += self._idf_bytes
        dense = units == dense_units(self._columns)
        lengths = np.where(dense, self._columns, units)
        columns, codes = np.empty(int(lengths.sum()), np.int64), np.empty(int(lengths.sum()), np.int64)
        ends = np.cumsum(lengths)
        at = ranges((ends - lengths)[dense], lengths[dense])
        columns[at] = np.tile(np.arange(self._columns), int(dense.sum()))
        codes[at] = self._rows[ranges(starts[dense], lengths[dense])]
        at = ranges((ends - lengths)[~dense], lengths[~dense])
        taken = self._rows[ranges(starts[~dense], lengths[~dense] * self._unit)]
        columns[at], codes[at] = entries(taken.reshape(-1, self._unit))
        return lengths, columns, codes


def _check(shape: Shape, parameters: Parameters, sections: Arrays, numbers: Integers) -> None:
    if len(numbers) and int(numbers.max()) >= parameters["entries"]:
        raise FormatError(f"section 'slots': entry {int(numbers.max())}, there are {parameters['entries']} (R5)")


POOL = Coder(
    "fast",
    {"entries": (1 << 31) - 1, "groups": dense_units(1 << 16) + 1, "count": (1 << 40) - 1},
    _encode,
    _bits,
    _read,
    PoolReader,
    _check,
)
