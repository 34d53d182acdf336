"""What a row coder is: the interface between the stages and the coders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..linear import Integers, SparseRows

Sections = dict[str, npt.NDArray[Any]]
Arrays = Mapping[str, npt.NDArray[Any]]
Parameters = Mapping[str, int]
Exactly = Callable[[str, int], npt.NDArray[np.uint8]]  # a section's name and its length in bytes; FormatError if not


class Table(NamedTuple):
    """What is to be coded, a row a slot.

    codes: SparseRows with uint8 data, none of them ``zero``, the code of weight 0. numbers: (n,) each slot's number in the
    table of distinct idf values, of ``idf_bits`` bits. idf: these values, ascending, if they are known: how often an n-gram
    is met follows from them.
    """

    codes: SparseRows
    numbers: Integers
    idf_bits: int
    zero: int
    idf: npt.NDArray[np.float32] | None = None


class Encoded(NamedTuple):
    """Parameters and sections for the file, and (n,) a number of ``bits`` bits for the record of each slot.

    notes: what the coder chose among, and what it cost; for people, and not in the file.
    """

    parameters: dict[str, int]
    sections: Sections
    numbers: npt.NDArray[np.uint64]
    bits: int
    notes: Mapping[str, float] = MappingProxyType({})

    @property
    def size(self) -> int:
        """Bytes, those in the records included."""
        return sum(array.nbytes for array in self.sections.values()) + len(self.numbers) * self.bits // 8


class Shape(NamedTuple):
    """What a reader knows before a coder's own parameters: slots, columns, bits of an idf number."""

    n: int
    columns: int
    idf_bits: int


class Reader(Protocol):
    """Slots, and the numbers that their records keep for the coder, to what they stand for; harmless whatever the bytes.

    clamped: whether that took more than rules R2, R3 and R5 say, so far (R7).
    """

    clamped: bool

    def idf(self, slots: Integers, numbers: Integers) -> Integers:
        """Each slot's number in the table of idf values."""
        ...

    def rows(self, slots: Integers, numbers: Integers) -> tuple[Integers, Integers, Integers]:
        """The length of each slot's row; then columns and codes of all rows, one after the other, perhaps with zeros."""
        ...


class Coder(NamedTuple):
    """One way to write rows.

    layout: "fast" or "small", which may choose it. limits: the largest value of each parameter (the least is 0).
    bits: how many bits of a record are the coder's. read: the sections, their lengths and relations checked, as arrays.
    reader: what looks rows up. size: bytes of what encode would make, where that is known without making it; else None.
    check: the relations inside sections, and of the numbers in all records, which the reader
    makes harmless when they were not checked. absent: parameters that older files do not have, and what they mean then.
    ``read`` and ``check`` raise FormatError.
    """

    layout: str
    limits: Parameters
    encode: Callable[[Table], Encoded]
    bits: Callable[[Shape, Parameters], int]
    read: Callable[[Shape, Parameters, Exactly], Sections]
    reader: Callable[[Shape, Parameters, Arrays], Reader]
    check: Callable[[Shape, Parameters, Arrays, Integers], None]
    absent: Parameters = MappingProxyType({})
    size: Callable[[Table], int] | None = None


def class_bytes(columns: int) -> int:
    """Bytes of a column's number in a row."""
    return 1 if columns <= 256 else 2
