"""Symbolic columns and a classifier's weights on them -> the namespaces, steps and rows of a LinearModel."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..linear import Floats, Namespace, SparseRows, Step
from .symbolic import Block, Features, Ints, Norm, Operation, Source, constant


@dataclass(eq=False)
class _Place:
    """A namespace of the model being put together.

    counted: a step sees its values, so that every one of ``columns`` matters, even without a weight. factors: the idf of
    each. pieces: (columns, rows, first model column) that add up to its weights.
    """

    source: Source
    columns: Ints | None = None
    factors: Floats | None = None
    counted: bool = False
    pieces: list[tuple[Ints, Floats, int]] = field(default_factory=list)


class Assembly:
    """Namespaces, steps, weights and intercept of a LinearModel, from pieces of weights on symbolic columns.

    shared: the features have much of their weights in common (naive Bayes): look for a baseline that makes rows sparse.
    """

    def __init__(self, n_columns: int, shared: bool = False) -> None:
        self.n_columns, self.shared = n_columns, shared
        self.shift = np.zeros(n_columns)
        self._places: list[_Place] = []
        self._plain: dict[bytes, _Place] = {}
        self._done: dict[bytes, list[_Place]] = {}
        self._steps: list[tuple[str, list[_Place], Norm | None, float]] = []

    def add(self, features: Features, weights: Floats, first: int) -> None:
        """Weights, (features' width, k), of the model's columns first..first + k."""
        start = 0
        for segment in features.segments:
            part = weights[start : start + segment.width]
            start += segment.width
            if segment.shift is not None:
                self.shift[first : first + part.shape[1]] += segment.shift @ part
            rows = part if segment.matrix is None else segment.matrix @ part
            ends = np.cumsum([block.width for block in segment.blocks])
            for block, piece in zip(segment.blocks, np.split(rows, ends[:-1]), strict=True):
                self._add(block, piece, first)

    def _add(self, block: Block, rows: Floats, first: int) -> None:
        if block.operation is not None:
            if block.operation.key not in self._done:
                self._done[block.operation.key] = self._carry_out(block.operation)
            place, post = self._done[block.operation.key][block.slot], block.post
        else:
            single = constant(block.post)
            post = block.post if single is not None or not self.shared else None
            key = block.source.key if post is block.post else block.key
            if key not in self._plain:
                factors = None if post is block.post else block.post
                self._plain[key] = self._new(_Place(block.source, None, factors))
            place = self._plain[key]
        place.pieces.append((block.numbers, rows if post is None else rows * post[..., None], first))

    def _new(self, place: _Place) -> _Place:
        self._places.append(place)
        return place

    def _carry_out(self, operation: Operation) -> list[_Place]:
        """Namespaces of its own for the operation's members, and the steps that make their values."""
        places: list[_Place] = []
        inner: dict[tuple[bytes, int], list[_Place]] = {}
        taken: dict[tuple[bytes, int], int] = {}
        for member in operation.members:
            if member.operation is None:
                post = None if member.post is None else np.broadcast_to(member.post, member.width)
                places.append(self._new(_Place(member.source, member.numbers, post, True)))
                continue
            # The same columns twice in one norm: two namespaces.
            copy = taken.get((member.operation.key, member.slot), 0)
            taken[member.operation.key, member.slot] = copy + 1
            if (member.operation.key, copy) not in inner:
                inner[member.operation.key, copy] = self._carry_out(member.operation)
            places.append(inner[member.operation.key, copy][member.slot])
            scale = constant(member.post)
            if scale != 1.0:
                assert scale is not None
                self._steps.append(("scale", [places[-1]], None, scale))
        kind = None if operation.kind == "binarize" else operation.kind
        self._steps.append(("norm" if kind else "binarize", places, kind, operation.value))
        return places

    @property
    def sources(self) -> list[Source]:
        """The source of each namespace."""
        return [place.source for place in self._places]

    def fields(self) -> dict[str, Any]:
        """Arguments of LinearModel: namespaces, features, weights, baseline, idf, steps."""
        finished = [self._finish(place) for place in self._places]
        numbers = {id(place): number for number, place in enumerate(self._places)}
        weights = finished[0][2] if len(finished) == 1 else np.concatenate([rows for _, _, rows, _ in finished])
        baseline = _baseline(weights) if self.shared else None
        if baseline is not None:
            weights = weights - baseline
        idf = None
        if any(factors is not None for *_, factors in finished):
            idf = np.concatenate(
                [np.ones(len(names)) if factors is None else factors for _, names, _, factors in finished]
            )
        return {
            "namespaces": _named_apart([namespace for namespace, *_ in finished]),
            "features": tuple(names for _, names, *_ in finished),
            "weights": smaller(weights),
            "baseline": baseline,
            "idf": idf,
            "steps": tuple(
                Step(op, tuple(numbers[id(place)] for place in places), kind, value)  # type: ignore[arg-type]
                for op, places, kind, value in self._steps
            ),
        }

    def _finish(self, place: _Place) -> tuple[Namespace, tuple[str, ...], Floats, Floats | None]:
        """A namespace, its features, their rows, and their idf if it is not 1."""
        columns, factors = place.columns, place.factors
        if columns is None:
            columns = functools.reduce(np.union1d, [piece[0] for piece in place.pieces])
        if place.source.names is None:
            return self._finish_hashed(place, columns, np.ones(len(columns)) if factors is None else factors)
        names = tuple(place.source.names[column] for column in columns.tolist())
        return place.source.namespace, names, self._rows(place, columns), _not_ones(factors)

    def _finish_hashed(
        self, place: _Place, columns: Ints, factors: Floats
    ) -> tuple[Namespace, tuple[str, ...], Floats, Floats | None]:
        """List the columns that have a weight or, if values count in a step, a factor that is not the common one."""
        namespace, full = place.source.namespace, np.zeros(place.source.width)
        full[columns] = factors
        listed = np.zeros(place.source.width, bool)
        listed[columns] = self.shared or self._rows(place, columns).any(axis=1)
        if place.counted:
            values, counts = np.unique(full[~listed], return_counts=True)
            unseen = max(float(values[counts.argmax()]), 0.0) if len(values) else 0.0
            namespace = dataclasses.replace(namespace, unseen=unseen)
            listed |= full != unseen
        numbers = np.flatnonzero(listed)
        return namespace, tuple(map(str, numbers.tolist())), self._rows(place, numbers), _not_ones(full[numbers])

    def _rows(self, place: _Place, columns: Ints) -> Floats:
        """The weights of a namespace's columns, (len(columns), n_columns)."""
        pieces = place.pieces
        if len(pieces) == 1 and pieces[0][1].shape[1] == self.n_columns and np.array_equal(pieces[0][0], columns):
            return pieces[0][1]
        out = np.zeros((len(columns), self.n_columns))
        for piece_columns, rows, first in pieces:
            inside = np.isin(piece_columns, columns)  # all, unless the rest of the rows are zeros
            at = np.searchsorted(columns, piece_columns[inside])
            out[at, first : first + rows.shape[1]] += rows[inside]
        return out


def _not_ones(factors: Floats | None) -> Floats | None:
    return None if factors is None or (factors == 1).all() else factors


def _named_apart(namespaces: Sequence[Namespace]) -> tuple[Namespace, ...]:
    """The same namespaces with names that differ."""
    seen: dict[str, int] = {}
    out = []
    for namespace in namespaces:
        name = namespace.name
        while name in seen:
            seen[namespace.name] += 1
            name = f"{namespace.name}-{seen[namespace.name]}"
        seen[name] = 1
        out.append(dataclasses.replace(namespace, name=name))
    return tuple(out)


def _baseline(weights: Floats) -> Floats | None:
    """The most frequent weight of each column, if without it more of the rows are zeros."""
    if not len(weights):
        return None
    modes = np.zeros(weights.shape[1])
    for column in range(weights.shape[1]):
        values, counts = np.unique(weights[:, column], return_counts=True)
        modes[column] = values[counts.argmax()]
    return modes if np.count_nonzero(weights != modes) < np.count_nonzero(weights) else None


def smaller(weights: Floats) -> Floats | SparseRows:
    """A copy of the rows, sparse if that takes less memory."""
    n_rows, n_columns = weights.shape
    n_values = int(np.count_nonzero(weights))
    if n_values * (weights.itemsize + 4) + 8 * (n_rows + 1) >= weights.nbytes:
        return np.array(weights, order="C")  # a copy: a live estimator may go on training
    rows, columns = np.nonzero(weights)
    indptr = np.zeros(n_rows + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n_rows), out=indptr[1:])
    return SparseRows(indptr, columns.astype(np.int32), weights[rows, columns], (n_rows, n_columns))
