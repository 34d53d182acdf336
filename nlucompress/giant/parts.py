"""Records to shards, in two steps that know nothing of each other's neighbours: ``reduce`` a partition, ``build`` a shard.

Partitions are cut by the leading bits of h1, as many as memory asks for; shards by the leading bits too, as many as the
model
asks for. A partition that is reduced is sorted by hash, so partitions in order are the whole model in order, and a
shard is a
range of it. Nothing in the outcome depends on where a partition ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ..errors import BuildError
from ..index import Hashes, check_values, place
from ..linear import Floats, Integers, SparseRows, ranges
from ..quantize import nearest
from ..rows.coder import class_bytes
from ..rows.plain import densified
from .records import LABEL_BITS, LEAF_BITS, Records

ROWS = 1 << 16  # rows of a shard that are put in slot order at a time


@dataclass(frozen=True, eq=False)
class Grid:
    """How weights become codes, and which features stay.

    columns: (labels,) the column of each label's number. codebook, scale, floor: see quantize. keep: (n_namespaces,)
    whether a
    feature without a row stays too.
    """

    columns: Integers
    codebook: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32] | None
    floor: Floats
    keep: npt.NDArray[np.bool_]

    @property
    def zero(self) -> int:
        """The code of weight 0."""
        return int(np.flatnonzero(self.codebook == 0)[0])


class Tally(NamedTuple):
    """What was counted, by leaf: (2^LEAF_BITS,) each. features: that stay; entries: of their rows; rows_before, before:
    weights
    that are not zero and features that have one; source: all features; with_row; error: its sum; and of all: the
    largest error.
    digest: SHA-256 of each leaf's records, b"" if it has none.
    """

    features: Integers
    entries: Integers
    weights_before: Integers
    features_before: Integers
    with_row: Integers
    source: Integers
    error: Floats
    largest: float
    digest: list[bytes]

    @classmethod
    def total(cls, tallies: Sequence[Tally]) -> Tally:
        """Of several partitions, none of which shares a feature with another."""
        sums: Any = [np.sum(column, axis=0) for column in list(zip(*tallies, strict=True))[:7]]
        digests = [b"".join(parts) for parts in zip(*(tally.digest for tally in tallies), strict=True)]
        largest = max(tally.largest for tally in tallies)
        return cls(
            *cast("tuple[Integers, Integers, Integers, Integers, Integers, Integers, Floats]", tuple(sums)),
            largest,
            digests,
        )


class Part(NamedTuple):
    """Features in the order of their hashes: (n, 2) hashes, (n,) lengths uint32 of their rows; columns uint16 and codes
    uint8 of all
    rows, one after the other.
    """

    hashes: Hashes
    lengths: npt.NDArray[np.uint32]
    columns: npt.NDArray[np.uint16]
    codes: npt.NDArray[np.uint8]


class Twice(Exception):  # noqa: N818
    """Two rows of one feature and label, or of two namespaces with one hash: their places, and the label's column
    (None).
    """

    def __init__(self, first: int, second: int, label: int | None) -> None:
        super().__init__(first, second, label)
        self.first, self.second, self.label = first, second, label


def partition_of(records: Records, bits: int) -> Integers:
    """Which of 2^bits partitions each record is in."""
    return (records["h1"] >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(records), np.int64)


def reduce(records: Records, grid: Grid) -> tuple[Part, Tally]:
    """Sort a partition's records, quantize, and leave out what has no row. Raises Twice."""
    space = records["label"] >> np.uint32(LABEL_BITS)  # a label's number says who came first: sort by its column
    columns = grid.columns[records["label"] & np.uint32((1 << LABEL_BITS) - 1)]
    records["label"] = (space << np.uint32(LABEL_BITS)) | columns.astype(np.uint32)
    records = _sorted(records)
    h1, h2, label = (np.ascontiguousarray(records[name]) for name in ("h1", "h2", "label"))
    columns = (label & np.uint32((1 << LABEL_BITS) - 1)).astype(np.int64)
    new = np.ones(len(records), bool)
    new[1:] = (h1[1:] != h1[:-1]) | (h2[1:] != h2[:-1])
    _refuse_twice(records, new, label)
    weights = np.ascontiguousarray(records["weight"])
    codes, error = nearest(weights, columns, grid.codebook, grid.scale, grid.floor)
    feature = np.cumsum(new) - 1
    firsts = np.flatnonzero(new)
    some, kept = weights != 0, codes != grid.zero
    error[~some] = 0
    leaf = (h1 >> np.uint64(64 - LEAF_BITS)).astype(np.int64)
    lengths = np.bincount(feature[kept], minlength=len(firsts))
    before = np.bincount(feature[some], minlength=len(firsts)) > 0
    stays = (lengths > 0) | grid.keep[label[firsts] >> np.uint32(LABEL_BITS)]
    leaf_of = leaf[firsts]

    leaves = (leaf_of[stays], leaf[kept], leaf[some], leaf_of[before], leaf_of[lengths > 0], leaf_of)
    counts = [np.bincount(one, minlength=1 << LEAF_BITS).astype(np.int64) for one in leaves]
    sums = np.bincount(leaf, error, 1 << LEAF_BITS)  # one after the other, in the order of hashes: the same everywhere
    digests = _digests((h1, h2, label, weights), leaf)
    six = cast("tuple[Integers, Integers, Integers, Integers, Integers, Integers]", tuple(counts))
    tally = Tally(*six, cast(Any, sums), float(error.max(initial=0)), digests)
    at = firsts[stays]
    part = Part(
        np.stack([h1[at], h2[at]], axis=1),
        lengths[stays].astype(np.uint32),
        columns[kept].astype(np.uint16),
        codes[kept],
    )
    return part, tally


def _sorted(records: Records) -> Records:
    """By h1, h2 and label. Rows of equal h1 are few or of one feature, so that mostly their label alone decides."""
    records = records[np.argsort(records["h1"])]
    h1 = np.ascontiguousarray(records["h1"])
    tied = np.zeros(len(records), bool)
    tied[1:] = h1[1:] == h1[:-1]
    tied[:-1] |= tied[1:]
    at = np.flatnonzero(tied)
    if not len(at):
        return records
    part = records[at]
    new = np.ones(len(at), bool)
    new[1:] = part["h1"][1:] != part["h1"][:-1]
    run = np.cumsum(new).astype(np.uint64)
    if (part["h2"][1:] == part["h2"][:-1])[~new[1:]].all():  # one feature each
        order = np.argsort((run << np.uint64(LABEL_BITS + 8)) | part["label"])
    else:
        order = np.lexsort((part["label"], part["h2"], run))
    records[at] = part[order]
    return records


def _refuse_twice(records: Records, new: npt.NDArray[np.bool_], label: npt.NDArray[np.uint32]) -> None:
    same = ~new[1:]
    bad = np.flatnonzero(same & (label[1:] == label[:-1]))
    if len(bad):
        i = int(bad[0])
        raise Twice(int(records["place"][i]), int(records["place"][i + 1]), int(label[i]) & ((1 << LABEL_BITS) - 1))
    spaces = label >> np.uint32(LABEL_BITS)
    bad = np.flatnonzero(same & (spaces[1:] != spaces[:-1]))
    if len(bad):
        raise Twice(int(records["place"][bad[0]]), int(records["place"][bad[0] + 1]), None)


def _digests(fields: Sequence[npt.NDArray[Any]], leaf: Integers) -> list[bytes]:
    """SHA-256 of each leaf's sorted records: hashes, label, weights, of which -0.0 counts as 0.0."""
    ends = np.searchsorted(leaf, np.arange((1 << LEAF_BITS) + 1))
    out = [b""] * (1 << LEAF_BITS)
    for number in np.flatnonzero(np.diff(ends)).tolist():  # of many partitions each has few leaves
        digest = hashlib.sha256()
        for field in fields:
            digest.update((field[ends[number] : ends[number + 1]] + field.dtype.type(0)).tobytes())
        out[number] = digest.digest()
    return out


# -- shards -----------------------------------------------------------------------------------------------------------


class Built(NamedTuple):
    """A shard: its levels; blocks (n_blocks, 16), whose ranks begin with 0; and of each slot check bits and row length."""

    levels: tuple[int, ...]
    blocks: npt.NDArray[np.uint32]
    checks: npt.NDArray[np.uint32]
    lengths: Integers
    order: Integers  # the feature of each slot


def build(part: Part, gamma: float, check_bits: int) -> Built:
    """The index of a shard's features."""
    levels, blocks, slots, left = place(part.hashes, gamma)
    if len(left):
        raise BuildError(
            f"{len(left)} of {len(part.hashes)} features of a shard are not placed: their hashes are equal"
        )
    order = np.empty(len(slots), np.int64)
    order[slots] = np.arange(len(slots))
    checks = check_values(part.hashes, check_bits).astype(np.uint32)[order]
    return Built(levels, blocks, checks, part.lengths[order].astype(np.int64), order)


def rows_of(part: Part, built: Built, n_columns: int, zero: int | None) -> Iterator[npt.NDArray[np.uint8]]:
    """The rows in slot order, piece by piece: pairs as of plain rows, or all codes, whose zero that is, as of dense
    ones.
    """
    width = class_bytes(n_columns)
    starts = np.cumsum(part.lengths, dtype=np.int64) - part.lengths
    step = ROWS if zero is None else max(1, min(ROWS, (1 << 24) // n_columns))
    first = 0
    while first < len(built.order):
        ends = np.cumsum(built.lengths[first : first + step])
        taken = max(1, int(np.searchsorted(ends, 1 << 20)))  # weights at a time, whatever the rows' lengths
        order, lengths = built.order[first : first + taken], built.lengths[first : first + taken]
        first += taken
        at = ranges(starts[order], lengths)
        if zero is None:
            pairs = np.empty((len(at), width + 1), np.uint8)
            pairs[:, :width] = part.columns[at].astype(f"<u{width}").view(np.uint8).reshape(-1, width)
            pairs[:, width] = part.codes[at]
            yield pairs.reshape(-1)
        else:
            indptr = np.concatenate([[0], np.cumsum(lengths)])
            rows = SparseRows(indptr, part.columns[at].astype(np.int32), part.codes[at], (len(order), n_columns))
            yield densified(rows, zero).reshape(-1)


def cut(part: Part, first: int, last: int) -> Part:
    """The features of the leaves first..last."""
    leaf = part.hashes[:, 0] >> np.uint64(64 - LEAF_BITS)
    a, b = np.searchsorted(leaf, [first, last]).tolist()
    ends = np.concatenate([[0], np.cumsum(part.lengths, dtype=np.int64)])
    of = slice(int(ends[a]), int(ends[b]))
    return Part(part.hashes[a:b], part.lengths[a:b], part.columns[of], part.codes[of])


def join(parts: Sequence[Part]) -> Part:
    """Features of one part after those of another."""
    return parts[0] if len(parts) == 1 else Part(*(np.concatenate(column) for column in zip(*parts, strict=True)))
