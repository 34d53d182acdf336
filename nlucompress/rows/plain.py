"""Rows in slot order: ``plain``, entries of column and code behind an Elias-Fano sequence of offsets; ``dense``, all codes.

Plain rows cost 2.5 to 3.5 bits a feature for the offsets beyond the logarithm of the mean row length, whatever the number
of features; the coder of choice where few rows are equal. Dense rows are smaller where most weights are not zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..linear import Integers, SparseRows, ranges
from .bits import GUARD, pack, packed_bytes, unpack
from .coder import Arrays, Coder, Encoded, Exactly, Parameters, Sections, Shape, Table, class_bytes

SAMPLE = 128  # an Elias-Fano select sample every so many rows


def _idf_bits(shape: Shape, parameters: Parameters) -> int:
    return shape.idf_bits


# -- plain ------------------------------------------------------------------------------------------------------------


def _encode_plain(table: Table) -> Encoded:
    codes, numbers, idf_bits = table[:3]
    count, width = len(codes.data), class_bytes(codes.shape[1])
    pairs = np.empty((count, width + 1), np.uint8)
    pairs[:, :width] = codes.indices.astype(f"<u{width}").view(np.uint8).reshape(count, width)
    pairs[:, width] = codes.data
    low_bits, sections = encode_offsets(codes.indptr)
    parameters = {"count": count, "low_bits": low_bits}
    return Encoded(parameters, {"rows": pairs.reshape(-1), **sections}, numbers.astype(np.uint64), idf_bits)


def _read_plain(shape: Shape, parameters: Parameters, exactly: Exactly) -> Sections:
    n, columns, count, low_bits = shape.n, shape.columns, parameters["count"], parameters["low_bits"]
    if (count >> low_bits) + n >= 1 << 32:
        raise FormatError(f"header: rows: {count} entries of {n} rows with {low_bits} low bits need 2^32 bits (R1)")
    rows = exactly("rows", count * (class_bytes(columns) + 1))
    return {"rows": rows, **read_offsets(n, count, low_bits, exactly)}


class PlainReader:
    """Rows by offsets, which are all decoded at the first look-up; a device selects one by row_samples instead."""

    clamped = False

    def __init__(self, shape: Shape, parameters: Parameters, sections: Arrays) -> None:
        self._shape, self._parameters, self._sections = shape, parameters, sections
        self._width = class_bytes(shape.columns)
        self._pairs = sections["rows"].reshape(parameters["count"], self._width + 1)
        self._offsets: Integers | None = None

    def idf(self, slots: Integers, numbers: Integers) -> Integers:
        """What the record keeps."""
        return numbers

    def rows(self, slots: Integers, numbers: Integers) -> tuple[Integers, Integers, Integers]:
        """Between one offset and the next."""
        if self._offsets is None:
            count, low_bits = self._parameters["count"], self._parameters["low_bits"]
            self._offsets = decode_offsets(low_bits, self._sections, self._shape.n, count)
        offsets = self._offsets
        lengths = np.minimum(offsets[slots + 1] - offsets[slots], self._shape.columns)
        columns, codes = entries(self._pairs[ranges(offsets[slots], lengths)])
        return lengths, columns, codes


def entries(pairs: npt.NDArray[np.uint8]) -> tuple[Integers, Integers]:
    """Columns and codes of entries: (count, 2 or 3) bytes."""
    width = pairs.shape[1] - 1
    columns = np.ascontiguousarray(pairs[:, :width]).view(f"<u{width}").reshape(-1)
    return columns.astype(np.int64), pairs[:, width].astype(np.int64)


def _check_plain(shape: Shape, parameters: Parameters, sections: Arrays, numbers: Integers) -> None:
    check_offsets(shape.n, parameters["count"], parameters["low_bits"], sections, "R2")


def encode_offsets(offsets: Integers, low_bits: int | None = None) -> tuple[int, Sections]:
    """A non-decreasing sequence by Elias and Fano: (low_bits, {row_low, row_high, row_samples}).

    The low bits of each offset are packed in row_low; offset i with high part h sets bit i + h of row_high; row_samples
    is the position of every 128th 1. (Elias: Efficient storage and retrieval by content and address of static files,
    JACM 1974.) offsets: (n + 1,) int64 from 0; low_bits: 0..31, None for the smallest encoding.
    """
    n, last = len(offsets), int(offsets[-1])
    if low_bits is None:
        low_bits = smallest_low_bits(n, last)
    positions = (offsets >> low_bits) + np.arange(n)
    high = np.zeros(int(positions[-1]) // 8 + 1 + GUARD, np.uint8)
    np.bitwise_or.at(high, positions // 8, np.left_shift(1, positions % 8).astype(np.uint8))
    sections = {"row_low": pack(offsets, low_bits), "row_high": high, "row_samples": positions[::SAMPLE].astype("<u4")}
    return low_bits, sections


def smallest_low_bits(n: int, last: int) -> int:
    """The low bits with which n offsets up to ``last`` take least."""
    return min(range(32), key=lambda low: n * low + (last >> low))


def read_offsets(n: int, last: int, low_bits: int, exactly: Exactly) -> Sections:
    """The sections of n + 1 offsets that end at ``last``. Raises FormatError for a length that is not theirs."""
    return {
        "row_low": exactly("row_low", packed_bytes(n + 1, low_bits)),
        "row_high": exactly("row_high", ((last >> low_bits) + n) // 8 + 1 + GUARD),
        "row_samples": exactly("row_samples", (n // SAMPLE + 1) * 4).view("<u4"),
    }


def check_offsets(n: int, last: int, low_bits: int, sections: Arrays, rule: str) -> None:
    """Raise FormatError unless the sections are exactly those of offsets from 0 to ``last``."""
    offsets = decode_offsets(low_bits, sections, n, last)
    _, again = encode_offsets(offsets, low_bits)
    for name, section in again.items():
        if offsets[0] or offsets[-1] != last or not np.array_equal(section, sections[name]):
            raise FormatError(f"section {name!r}: not the offsets of {n} rows that end at {last} ({rule})")


def decode_offsets(low_bits: int, sections: Arrays, n: int, last: int) -> Integers:
    """All n + 1 offsets, made non-decreasing and at most ``last`` whatever the bytes say: (n + 1,) int64."""
    ones = np.flatnonzero(np.unpackbits(sections["row_high"], bitorder="little"))[: n + 1]
    ones = np.pad(ones, (0, n + 1 - len(ones)), constant_values=last)
    low = unpack(sections["row_low"], low_bits, np.arange(n + 1))
    offsets = ((ones - np.arange(n + 1)) << low_bits) | low.astype(np.int64)
    return np.maximum.accumulate(np.clip(offsets, 0, last))


# -- dense ------------------------------------------------------------------------------------------------------------


def _encode_dense(table: Table) -> Encoded:
    codes, numbers, idf_bits, zero = table[:4]
    return Encoded({}, {"rows": densified(codes, zero).reshape(-1)}, numbers.astype(np.uint64), idf_bits)


def _dense_size(table: Table) -> int:
    n, columns = table.codes.shape
    return n * columns + n * table.idf_bits // 8


def densified(codes: SparseRows, zero: int) -> npt.NDArray[np.uint8]:
    """Every code of every row, zeros included: (n, columns)."""
    out = np.full(codes.shape, zero, np.uint8)
    out[np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr)), codes.indices] = codes.data
    return out


def _read_dense(shape: Shape, parameters: Parameters, exactly: Exactly) -> Sections:
    return {"rows": exactly("rows", shape.n * shape.columns)}


class DenseReader:
    """Rows by multiplication."""

    clamped = False

    def __init__(self, shape: Shape, parameters: Parameters, sections: Arrays) -> None:
        self._rows = sections["rows"].reshape(-1, shape.columns)

    def idf(self, slots: Integers, numbers: Integers) -> Integers:
        """What the record keeps."""
        return numbers

    def rows(self, slots: Integers, numbers: Integers) -> tuple[Integers, Integers, Integers]:
        """All columns of each."""
        columns = self._rows.shape[1]
        lengths = np.full(len(slots), columns, np.int64)
        return lengths, np.tile(np.arange(columns), len(slots)), self._rows[slots].reshape(-1).astype(np.int64)


def _check_nothing(shape: Shape, parameters: Parameters, sections: Arrays, numbers: Integers) -> None:
    """No relation inside but that of columns and codes, which is every coder's."""


PLAIN = Coder(
    "fast", {"count": (1 << 40) - 1, "low_bits": 31}, _encode_plain, _idf_bits, _read_plain, PlainReader, _check_plain
)
DENSE = Coder("fast", {}, _encode_dense, _idf_bits, _read_dense, DenseReader, _check_nothing, size=_dense_size)
