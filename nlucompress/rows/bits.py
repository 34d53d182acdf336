"""Packed bits: what slots, offsets and row coders are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..linear import Integers

GUARD = 8  # zero bytes after packed bits: a reader may load 64 bits at any byte that holds one


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


def packed_bytes(count: int, width: int) -> int:
    """How many bytes ``pack`` makes of so many values.

    >>> packed_bytes(3, 2)
    9
    """
    return -(-count * width // 8) + GUARD if width else 0
