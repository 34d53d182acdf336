"""What a pipeline's matrix is at every step, as symbols: columns of vectorizers, factors, norms, projections.

An importer walks a fitted pipeline from the text to the classifier and keeps, instead of numbers of a sample, where each
column of the matrix comes from. Every value here is immutable and known by its content, so two parts of a pipeline that
compute the same thing are stored once. assembly.py turns the columns that a classifier reads into a LinearModel's.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import Floats, Namespace

Ints = npt.NDArray[np.int64]
Norm = Literal["l1", "l2", "max"]


def _digest(*parts: object) -> bytes:
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        raw = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.digest()


@dataclass(frozen=True, eq=False)
class Source:
    """The columns that one vectorizer makes: its namespace, and a name a column.

    names: None if the columns are hashed and so have numbers only. tag: sets apart two analyzers whose namespaces look
    alike but whose callables may differ.
    """

    namespace: Namespace
    names: tuple[str, ...] | None
    width: int
    tag: str = ""

    @functools.cached_property
    def key(self) -> bytes:
        """What the source is, apart from its name."""
        plain = repr(dataclasses.astuple(dataclasses.replace(self.namespace, name="")))
        return _digest(plain, self.names, self.width, self.tag)

    @property
    def signed(self) -> bool:
        """Whether a value can be negative."""
        return self.namespace.alternate_sign or self.namespace.analyzer == "dict"


@dataclass(frozen=True, eq=False)
class Operation:
    """A norm over the columns of all its members together, or a binarization of each."""

    kind: Norm | Literal["binarize"]
    value: float
    members: tuple[Block, ...]

    @functools.cached_property
    def key(self) -> bytes:
        """What the operation is."""
        return _digest(self.kind, float(self.value), *(member.key for member in self.members))


@dataclass(frozen=True, eq=False)
class Block:
    """Some columns of one source, after an operation or before any.

    columns: their numbers in the source, ascending; None: all. operation: the last one, in which the block is member
    number slot; None: the values are the analyzer's. post: a factor after that for each column, or () for all; None: 1.
    """

    source: Source
    columns: Ints | None = None
    operation: Operation | None = None
    slot: int = 0
    post: Floats | None = None

    @functools.cached_property
    def key(self) -> bytes:
        """What the block is."""
        columns = b"" if self.columns is None else self.columns.tobytes()
        operation = b"" if self.operation is None else self.operation.key
        post = b"" if self.post is None else self.post.tobytes()
        return _digest(self.source.key, self.columns is None, columns, operation, self.slot, post)

    @property
    def width(self) -> int:
        """How many columns the block has."""
        return self.source.width if self.columns is None else len(self.columns)

    @property
    def numbers(self) -> Ints:
        """The columns' numbers, as an array."""
        return np.arange(self.source.width) if self.columns is None else self.columns

    @property
    def before(self) -> Block:
        """These columns before the last operation; what was done to them since is a factor of the result."""
        assert self.operation is not None
        block = self.operation.members[self.slot]
        if self.columns is not None:
            block = block.take(self.columns if block.columns is None else np.searchsorted(block.columns, self.columns))
        return block if self.post is None else block.times(self.post)

    @property
    def complete(self) -> bool:
        """Whether these are all the columns that the operations before had, so that none is hidden in their namespace."""
        block = self
        while block.operation is not None:
            block = block.operation.members[block.slot]
        return block.width == self.width

    def take(self, positions: npt.NDArray[Any]) -> Block:
        """Some of the columns, by position."""
        post = self.post if self.post is None or not self.post.ndim else self.post[positions]
        return dataclasses.replace(
            self, columns=positions if self.columns is None else self.columns[positions], post=post
        )

    def times(self, factors: Floats) -> Block:
        """Each column multiplied by its factor; factors: (width,) or ()."""
        return dataclasses.replace(self, post=factors if self.post is None else self.post * factors)


@dataclass(frozen=True, eq=False)
class Segment:
    """Neighbouring columns of a matrix: one block's own, or a linear projection of some blocks' columns.

    matrix: None, or (columns of the blocks, columns of the segment). shift: None, or what is added to each column.
    """

    blocks: tuple[Block, ...]
    matrix: Floats | None = None
    shift: Floats | None = None

    @property
    def width(self) -> int:
        """How many columns the segment has."""
        return self.blocks[0].width if self.matrix is None else int(self.matrix.shape[1])


@dataclass(frozen=True, eq=False)
class Features:
    """A matrix, (samples, width), as symbols. place, in the methods: which step of the pipeline asks, for the errors."""

    segments: tuple[Segment, ...]

    @staticmethod
    def of(source: Source) -> Features:
        """All columns of a source."""
        return Features((Segment((Block(source),)),))

    @staticmethod
    def joined(parts: Iterable[Features]) -> Features:
        """Matrices side by side."""
        return Features(tuple(segment for part in parts for segment in part.segments))

    @property
    def width(self) -> int:
        """How many columns the matrix has."""
        return sum(segment.width for segment in self.segments)

    def scaled(self, factors: Floats) -> Features:
        """Each column multiplied by its factor; factors: (width,), or () for all."""
        out = []
        for segment, part in self._parts(factors) if factors.ndim else [(s, factors) for s in self.segments]:
            shift = None if segment.shift is None else segment.shift * part
            if segment.matrix is None:
                out.append(Segment((segment.blocks[0].times(part),), None, shift))
            else:
                out.append(Segment(segment.blocks, segment.matrix * part, shift))
        return Features(tuple(out))

    def shifted(self, offsets: Floats) -> Features:
        """An offset added to each column; offsets: (width,)."""
        return Features(tuple(
            dataclasses.replace(segment, shift=part if segment.shift is None else segment.shift + part)
            for segment, part in self._parts(offsets)
        ))  # fmt: skip

    def selected(self, mask: npt.NDArray[np.bool_]) -> Features:
        """The columns where the mask is true; mask: (width,)."""
        out = []
        for segment, part in self._parts(mask):
            if not part.any():
                continue
            shift = None if segment.shift is None else segment.shift[part]
            if segment.matrix is None:
                out.append(Segment((segment.blocks[0].take(np.flatnonzero(part)),), None, shift))
            else:
                out.append(Segment(segment.blocks, segment.matrix[:, part], shift))
        return Features(tuple(out))

    def projected(self, components: Floats) -> Features:
        """The matrix times components, (width, new width)."""
        shift = np.zeros(components.shape[1])
        blocks: list[Block] = []
        rows: list[Floats] = []
        for segment, part in self._parts(components):
            if segment.matrix is not None:
                blocks += segment.blocks
                rows.append(segment.matrix @ part)
            else:
                post = segment.blocks[0].post
                blocks.append(dataclasses.replace(segment.blocks[0], post=None))
                rows.append(part if post is None else part * post[..., None])
            if segment.shift is not None:
                shift += segment.shift @ part
        return Features((Segment(tuple(blocks), np.concatenate(rows), shift if shift.any() else None),))

    def logged(self, place: str) -> Features:
        """1 + ln of every frequency (sublinear_tf)."""
        out = []
        for block in self._blocks(place, "sublinear_tf"):
            operation, namespace = block.operation, block.source.namespace
            ones = namespace.tf == "binary" if operation is None else operation.kind == "binarize"
            if block.post is not None or (operation is not None and not ones):
                raise ModelImportError(
                    f"{place}: sublinear_tf takes the logarithm of values that are scaled or normed already, which a .nluc "
                    f"file cannot express; use sublinear_tf=False here, or norm=None and use_idf=False before"
                )
            if not ones:  # 1 + ln 1 is 1
                if namespace.tf == "log":
                    raise ModelImportError(
                        f"{place}: sublinear_tf is applied twice; set it in one of the two steps only"
                    )
                if namespace.alternate_sign:
                    raise ModelImportError(
                        f"{place}: sublinear_tf takes the logarithm of signed values; train with "
                        f"HashingVectorizer(alternate_sign=False)"
                    )
                source = dataclasses.replace(block.source, namespace=dataclasses.replace(namespace, tf="log"))
                block = dataclasses.replace(block, source=source)
            out.append(Segment((block,)))
        return Features(tuple(out))

    def normed(self, kind: Norm, place: str) -> Features:
        """Each sample divided by its norm over all columns."""
        blocks = self._blocks(place, f"a norm ({kind})")
        while _shared_norm(blocks):  # dividing all by one number before a norm changes nothing
            blocks = [block.before for block in blocks]
        posts = [constant(block.post) for block in blocks]
        if posts and posts[0] is not None and posts[0] > 0 and len(set(posts)) == 1:
            blocks = [dataclasses.replace(block, post=None) for block in blocks]
        for block in blocks:
            if not block.complete:
                raise ModelImportError(
                    f"{place}: columns are dropped between one norm and another, which a .nluc file cannot express; "
                    f"select features before the first norm (its norm=None), or drop this norm"
                )
            _settled(block, place, f"a norm ({kind})")
        return Features(tuple(Segment((block,)) for block in _after(kind, 0.0, blocks)))

    def binarized(self, threshold: float, place: str) -> Features:
        """1 where a value is greater than the threshold, else 0."""
        if not threshold >= 0:
            raise ModelImportError(
                f"{place}: threshold {threshold} would turn every absent feature into a 1; use one >= 0"
            )
        blocks = self._blocks(place, "a binarization")
        if threshold == 0:
            blocks = [_without_norms(block) for block in blocks]
        out, members = [], []
        for block in blocks:
            negative = block.post is not None and (block.post < 0).any()
            if threshold == 0 and block.operation is None and not negative and not block.source.signed:
                namespace = dataclasses.replace(block.source.namespace, tf="binary")
                source = dataclasses.replace(block.source, namespace=namespace)
                out.append(Segment((dataclasses.replace(block, source=source),)))
                continue
            _settled(block, place, "a binarization")
            members.append(block)
            out.append(Segment((block,)))
        after = {id(block): new for block, new in zip(members, _after("binarize", threshold, members), strict=True)}
        return Features(tuple(Segment((after.get(id(s.blocks[0]), s.blocks[0]),)) for s in out))

    def _parts(self, per_column: npt.NDArray[Any]) -> list[tuple[Segment, npt.NDArray[Any]]]:
        """Each segment with its share of an array whose first axis is the columns."""
        ends = np.cumsum([segment.width for segment in self.segments])
        return list(zip(self.segments, np.split(per_column, ends[:-1]), strict=True))

    def _blocks(self, place: str, what: str) -> list[Block]:
        """The blocks, if the matrix is nothing but their columns."""
        for segment in self.segments:
            if segment.matrix is not None:
                raise ModelImportError(
                    f"{place}: {what} after a projection (TruncatedSVD) is not linear in the features; leave it out, or "
                    f"put it before the projection"
                )
            if segment.shift is not None:
                raise ModelImportError(
                    f"{place}: {what} after a step that shifts columns (centring) is not linear in the features; use "
                    f"with_mean=False, or MaxAbsScaler"
                )
        return [segment.blocks[0] for segment in self.segments]


def _after(kind: Norm | Literal["binarize"], value: float, blocks: Sequence[Block]) -> list[Block]:
    operation = Operation(kind, value, tuple(blocks))
    return [Block(block.source, block.columns, operation, slot) for slot, block in enumerate(blocks)]


def _shared_norm(blocks: Sequence[Block]) -> bool:
    first = blocks[0].operation if blocks else None
    if first is None or first.kind == "binarize":
        return False
    return all(block.operation is not None and block.operation.key == first.key for block in blocks)


def _without_norms(block: Block) -> Block:
    """A block with the same signs: without norms, and with factors of 0 and 1 only, if none is negative."""
    while True:
        if block.post is not None and (block.post >= 0).all():
            signs = None if block.post.all() else np.asarray(block.post > 0, np.float64)
            block = dataclasses.replace(block, post=signs)
        negative = block.post is not None and (block.post < 0).any()
        if negative or block.operation is None or block.operation.kind == "binarize":
            return block
        block = block.before


def _settled(block: Block, place: str, what: str) -> None:
    """Refuse factors that a LinearModel has no room for: it has one a feature, before all steps."""
    if block.operation is None or block.post is None or constant(block.post) is not None:
        return
    raise ModelImportError(
        f"{place}: {what} after a scaling of single features that itself comes after a norm or a binarization; a .nluc "
        f"file scales single features before the first step or after the last; move the scaler, or drop one of the two"
    )


def constant(factors: Floats | None) -> float | None:
    """The one value that all factors have, or None. No factors: 1."""
    if factors is None:
        return 1.0
    return float(factors.flat[0]) if factors.size and (factors == factors.flat[0]).all() else None
