"""Shards to the sections of a file, in order, each section spooled: nothing is held but a few bits between two shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import BuildError
from ..fileformat import Spool
from ..index import Shards
from ..linear import Integers
from ..rows.bits import GUARD, pack
from ..rows.coder import class_bytes
from ..rows.plain import SAMPLE, smallest_low_bits
from .parts import Built

PACKED = 1 << 18  # values packed at a time, a multiple of 8


def coder_of(n: int, count: int, columns: int, low_bits: int) -> str:
    """The smaller of plain and dense rows, both of whose sizes follow from these numbers; plain of equals."""
    offsets = (n + 1) * low_bits // 8 + ((count >> low_bits) + n) // 8 + 4 * (n // SAMPLE + 1)
    return "dense" if n * columns < count * (class_bytes(columns) + 1) + offsets else "plain"


class Packed:
    """``pack`` of rows.bits, piece by piece: up to seven values wait until eight of them end with a byte."""

    def __init__(self, spool: Spool, width: int) -> None:
        self._spool, self._width = spool, width
        self._left = np.empty(0, np.uint64)

    def write(self, values: npt.NDArray[np.uint64]) -> None:
        """Append values."""
        if not self._width:
            return
        values = np.concatenate([self._left, values])
        whole = len(values) // 8 * 8
        for start in range(0, whole, PACKED):
            self._spool.write(pack(values[start : min(start + PACKED, whole)], self._width)[:-GUARD])
        self._left = values[whole:]

    def close(self) -> None:
        """The last values and the guard bytes."""
        self._spool.write(pack(self._left, self._width))
        self._spool.close()


class Ones:
    """Bits that are set at ascending positions, piece by piece: the byte of the last one waits."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._byte, self._last = 0, 0  # that waits: its number and its bits

    def write(self, positions: Integers) -> None:
        """Set these bits."""
        if not len(positions):
            return
        bits = np.zeros((int(positions[-1]) // 8 + 1 - self._byte) * 8, np.bool_)
        bits[positions - 8 * self._byte] = True
        data = np.packbits(bits, bitorder="little")
        data[0] |= self._last
        self._spool.write(data[:-1])
        self._byte, self._last = self._byte + len(data) - 1, int(data[-1])

    def close(self) -> None:
        """The last byte and the guard bytes."""
        self._spool.write(bytes([self._last]) + bytes(GUARD))
        self._spool.close()


class Writer:
    """The sections ``index``, ``slots`` and those of rows, of n features with ``count`` weights; see FORMAT.md."""

    def __init__(self, folder: Path, n: int, count: int, columns: int, check_bits: int) -> None:
        self._n, self._count = n, count
        low_bits = smallest_low_bits(n + 1, count)
        self.coder = coder_of(n, count, columns, low_bits)
        self.parameters = {"count": count, "low_bits": low_bits} if self.coder == "plain" else {}
        if self.coder == "plain" and (count >> low_bits) + n >= 1 << 32:
            raise BuildError(f"{count} weights of {n} features with {low_bits} low bits: the limit is 2^32 (R1)")
        names = ["index", "slots", "rows", *(("row_low", "row_high", "row_samples") if self.coder == "plain" else ())]
        self.sections = {name: Spool(folder / name) for name in names}
        self._levels: list[tuple[int, ...]] = []
        self._features = self._weights = 0
        self._slots = Packed(self.sections["slots"], check_bits)
        if self.coder == "plain":
            self._low, self._low_bits = Packed(self.sections["row_low"], low_bits), low_bits
            self._high = Ones(self.sections["row_high"])

    def add(self, built: Built, rows: Iterable[npt.NDArray[np.uint8]]) -> None:
        """The next shard."""
        blocks = built.blocks.copy()
        blocks[:, 0] += np.uint32(self._features)
        self.sections["index"].write(blocks.astype("<u4"))
        self._levels.append(built.levels)
        self._slots.write(built.checks.astype(np.uint64))
        for piece in rows:
            self.sections["rows"].write(piece)
        ends = self._weights + np.cumsum(built.lengths)
        self._offsets(ends - built.lengths)
        self._weights = int(ends[-1]) if len(ends) else self._weights
        self._features += len(built.lengths)

    def _offsets(self, offsets: Integers, first: int | None = None) -> None:
        if self.coder != "plain":
            return
        first = self._features if first is None else first
        positions = (offsets >> self._low_bits) + np.arange(first, first + len(offsets))
        self._low.write(offsets.astype(np.uint64))
        self._high.write(positions)
        self.sections["row_samples"].write(positions[-first % SAMPLE :: SAMPLE].astype("<u4"))

    def close(self) -> Sequence[tuple[int, ...]]:
        """The end of all sections; gives the levels of each shard."""
        if (self._features, self._weights) != (self._n, self._count):
            raise BuildError(
                f"{self._features} features with {self._weights} weights came, not {self._n} with {self._count}"
            )
        self._offsets(np.array([self._count], np.int64), self._n)
        self._slots.close()
        if self.coder == "plain":
            self._low.close()
            self._high.close()
            self.sections["row_samples"].close()
        self.sections["index"].close()
        self.sections["rows"].close()
        return self._levels


def shards_of(levels: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], Shards | None]:
    """What the file's header has: the levels of one shard, or else where those of several are."""
    return (levels[0], None) if len(levels) == 1 else ((), Shards.of(levels))
