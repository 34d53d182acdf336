"""Rows of (class, code) in slot order to bytes and back. One coder an id; the header of a file names the coder it needs.

``plain``: a class id (one byte, or two from 257 columns on) and a code a weight, row after row; where a row starts is an
Elias-Fano sequence: 2.5 to 3.5 bits a feature beyond the logarithm of the mean row length (CLINC150's rows of 11 weights:
5.7 bits a feature). ``dense``: a code for every class of every feature; smaller where most weights are not zero.

A coder is ``size(codes) -> bytes``, ``encode(codes, zero) -> (parameters, sections)`` and ``reader(parameters, sections)
-> (slots -> (lengths, columns, codes))``; ``encode_rows`` takes the smallest. FORMAT.md, "Rows", is normative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import BuildError
from .linear import SparseRows

SAMPLE = 128  # an Elias-Fano select sample every so many rows
GUARD = 8  # zero bytes after packed bits: a reader may load 64 bits at any byte that holds one

Sections = dict[str, npt.NDArray[Any]]
Arrays = Mapping[str, npt.NDArray[Any]]
Integers = npt.NDArray[np.int64]
RowReader = Callable[[Integers], tuple[Integers, Integers, Integers]]  # slots -> lengths, columns, codes


class Coder(NamedTuple):
    """size, encode, reader, and the layout ("fast", "small") that may choose it."""

    size: Callable[[SparseRows], int]
    encode: Callable[[SparseRows, int], tuple[dict[str, int], Sections]]
    reader: Callable[[Mapping[str, int], Arrays], RowReader]
    layout: str


def encode_rows(codes: SparseRows, zero: int, layout: str = "auto") -> tuple[str, dict[str, int], Sections]:
    """The smallest encoding that the layout allows: (coder id, its parameters, its sections).

    codes: rows in slot order, data uint8; zero: the code that stands for weight 0. Raises BuildError for a layout that
    no coder of this version has.
    """
    allowed = coders(layout)
    if codes.shape[1] > 1 << 16:
        raise BuildError(f"{codes.shape[1]} classes, the limit is 65536 (a class id has two bytes)")
    smallest = min(allowed, key=lambda name: CODERS[name].size(codes))
    return (smallest, *CODERS[smallest].encode(codes, zero))


def coders(layout: str) -> list[str]:
    """The ids of the coders that a layout allows. Raises BuildError if this version has none."""
    allowed = [name for name, coder in CODERS.items() if layout in ("auto", coder.layout)]
    if not allowed:
        known = sorted({coder.layout for coder in CODERS.values()} | {"auto"})
        raise BuildError(f"layout: {layout!r} is none that this version writes: {', '.join(map(repr, known))}")
    return allowed


# -- plain ------------------------------------------------------------------------------------------------------------


def _plain_size(codes: SparseRows) -> int:
    n, count = codes.shape[0] + 1, len(codes.data)
    low_bits = _low_bits(n, count)
    return count * (_class_bytes(codes.shape[1]) + 1) + (n * low_bits + n + (count >> low_bits)) // 8 + n // SAMPLE * 4


def _encode_plain(codes: SparseRows, zero: int) -> tuple[dict[str, int], Sections]:
    count, width = len(codes.data), _class_bytes(codes.shape[1])
    pairs = np.empty((count, width + 1), np.uint8)
    pairs[:, :width] = codes.indices.astype(f"<u{width}").view(np.uint8).reshape(count, width)
    pairs[:, width] = codes.data
    low_bits, sections = encode_offsets(codes.indptr)
    return {"count": count, "low_bits": low_bits}, {"rows": pairs.reshape(-1), **sections}


def _read_plain(parameters: Mapping[str, int], sections: Arrays) -> RowReader:
    count, width = parameters["count"], _class_bytes(parameters["columns"])
    pairs = sections["rows"].reshape(count, width + 1)
    offsets: Integers | None = None

    def read(slots: Integers) -> tuple[Integers, Integers, Integers]:
        nonlocal offsets
        if offsets is None:  # all of them, at the first look-up; a device selects one by row_samples instead
            offsets = decode_offsets(parameters["low_bits"], sections, parameters["n"], count)
        lengths = np.minimum(offsets[slots + 1] - offsets[slots], parameters["columns"])
        picked = pairs[ranges(offsets[slots], lengths)]
        columns = np.ascontiguousarray(picked[:, :width]).view(f"<u{width}").reshape(-1)
        return lengths, columns.astype(np.int64), picked[:, width].astype(np.int64)

    return read


def _class_bytes(columns: int) -> int:
    return 1 if columns <= 256 else 2


def encode_offsets(offsets: Integers, low_bits: int | None = None) -> tuple[int, Sections]:
    """A non-decreasing sequence by Elias and Fano: (low_bits, {row_low, row_high, row_samples}).

    The low bits of each offset are packed in row_low; offset i with high part h sets bit i + h of row_high; row_samples
    is the position of every 128th 1. (Elias: Efficient storage and retrieval by content and address of static files,
    JACM 1974.) offsets: (n + 1,) int64 from 0; low_bits: 0..31, None for the smallest encoding.
    """
    n, last = len(offsets), int(offsets[-1])
    low_bits = _low_bits(n, last) if low_bits is None else low_bits
    positions = (offsets >> low_bits) + np.arange(n)
    high = np.zeros(int(positions[-1]) // 8 + 1 + GUARD, np.uint8)
    np.bitwise_or.at(high, positions // 8, np.left_shift(1, positions % 8).astype(np.uint8))
    sections = {"row_low": pack(offsets, low_bits), "row_high": high, "row_samples": positions[::SAMPLE].astype("<u4")}
    return low_bits, sections


def _low_bits(n: int, last: int) -> int:
    return min(range(32), key=lambda low: n * low + (last >> low))


def decode_offsets(low_bits: int, sections: Arrays, n: int, last: int) -> Integers:
    """All n + 1 offsets, made non-decreasing and at most ``last`` whatever the bytes say: (n + 1,) int64."""
    ones = np.flatnonzero(np.unpackbits(sections["row_high"], bitorder="little"))[: n + 1]
    ones = np.pad(ones, (0, n + 1 - len(ones)), constant_values=last)
    low = unpack(sections["row_low"], low_bits, np.arange(n + 1))
    offsets = ((ones - np.arange(n + 1)) << low_bits) | low.astype(np.int64)
    return np.maximum.accumulate(np.clip(offsets, 0, last))


# -- dense ------------------------------------------------------------------------------------------------------------


def _dense_size(codes: SparseRows) -> int:
    return codes.shape[0] * codes.shape[1]


def _encode_dense(codes: SparseRows, zero: int) -> tuple[dict[str, int], Sections]:
    n, columns = codes.shape
    dense = np.full((n, columns), zero, np.uint8)
    dense[np.repeat(np.arange(n), np.diff(codes.indptr)), codes.indices] = codes.data
    return {}, {"rows": dense.reshape(-1)}


def _read_dense(parameters: Mapping[str, int], sections: Arrays) -> RowReader:
    columns = parameters["columns"]
    dense = sections["rows"].reshape(-1, columns)

    def read(slots: Integers) -> tuple[Integers, Integers, Integers]:
        lengths = np.full(len(slots), columns, np.int64)
        return lengths, np.tile(np.arange(columns), len(slots)), dense[slots].reshape(-1).astype(np.int64)

    return read


CODERS = {
    "plain": Coder(_plain_size, _encode_plain, _read_plain, "fast"),
    "dense": Coder(_dense_size, _encode_dense, _read_dense, "fast"),
}


# -- bits -------------------------------------------------------------------------------------------------------------


def pack(values: npt.NDArray[Any], width: int) -> npt.NDArray[np.uint8]:
    """The low ``width`` (0..57) bits of each value, least significant bit first, with 8 guard bytes; empty if width is 0.

    >>> pack(np.array([1, 2, 3]), 2)[:1]
    array([57], dtype=uint8)
    """
    if not width:
        return np.empty(0, np.uint8)
    values = values.astype(np.uint64)
    bits = np.empty((len(values), width), np.uint8)
    for bit in range(width):
        bits[:, bit] = (values >> np.uint64(bit)) & np.uint64(1)
    return np.concatenate([np.packbits(bits.reshape(-1), bitorder="little"), np.zeros(GUARD, np.uint8)])


def unpack(packed: npt.NDArray[np.uint8], width: int, at: Integers) -> npt.NDArray[np.uint64]:
    """The values at these places of what ``pack`` made: (len(at),) uint64."""
    if not width:
        return np.zeros(len(at), np.uint64)
    byte, shift = np.divmod(at * width, 8)
    words = np.zeros(len(at), np.uint64)
    for i in range(8):
        words |= packed[byte + i].astype(np.uint64) << np.uint64(8 * i)
    values: npt.NDArray[np.uint64] = (words >> shift.astype(np.uint64)) & np.uint64((1 << width) - 1)
    return values


def ranges(starts: Integers, lengths: Integers) -> Integers:
    """start, start + 1, … of each range, one after the other.

    >>> ranges(np.array([5, 9]), np.array([2, 3])).tolist()
    [5, 6, 9, 10, 11]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
