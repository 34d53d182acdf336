"""The native runtime behind the reference's interface: nluc.h, through the extension nlucompress._native.

Texts go to C as they are. Everything that is Python's own is done here first, by featurize.py: columns of a sample, bytes,
token patterns other than the built-in ones, features and dictionaries. So errors and semantics are the reference's. Links
and labels are the reference's as well: of one sample they cost two microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import reference
from .._native import Model
from ..featurize import Analyzer, Counts
from ..linear import Floats, Integers
from ..modelfile import ModelFile


class NativeTable(reference.FileTable):
    """The features of a compressed file, found in C."""

    def __init__(self, file: ModelFile, buffer: bytes | memoryview) -> None:
        super().__init__(file)
        self.core = Model(buffer)

    def find(self, namespace: int, names: Sequence[str]) -> Integers:
        """Slots; -1 of what the index does not have."""
        return self.look_up(namespace, names)[0]

    def look_up(self, namespace: int, names: Sequence[str]) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Slots, and which were found. Staged, 128 names in flight; on big lists without the GIL."""
        if type(names) is not list:
            names = list(names)
        count = len(names)
        slots, found = np.empty(count, np.int64), np.empty(count, np.bool_)
        done = self.core.find(names, namespace, slots, found)
        if done < count:
            raise TypeError(f"name {done} is not a str")
        return slots, found

    def rows(self, ids: Integers) -> tuple[Integers, Integers, Floats]:
        """Of one slot, as Model.lookup asks, by the core: the reference's reader is made for thousands."""
        if len(ids) != 1:
            return super().rows(ids)
        entries = np.array(self.core.row(int(ids[0])), np.int64).reshape(-1, 2)
        columns, weights = self.weights(entries[:, 0], entries[:, 1])
        return np.array([len(entries)]), columns, weights


class NativeScorer(reference.Scorer):
    """Samples to scores in C. Immutable; any number of threads may use it at once."""

    def __init__(self, file: ModelFile, table: NativeTable) -> None:
        self._core = table.core
        super().__init__(file, table)
        inputs = self._core.inputs()
        self._columns = len(file.intercept)
        self._binary = file.task == "binary"
        self._readers = [reader_of(analyzer, kind) for analyzer, kind in zip(self._analyzers, inputs, strict=True)]
        self._plain = set(inputs) == {"text"} and all(ns.column is None for ns in file.namespaces)

    def decision_function(self, samples: Iterable[Any]) -> Floats:
        """Scores: (n_samples, n_columns) float64, or (n_samples,) in a binary task."""
        if type(samples) is list and self._plain:  # the straight way: texts, and nothing to prepare
            scores = np.empty((len(samples), self._columns))
            if self._core.score_texts(samples, scores) == len(samples):
                return scores[:, 0] if self._binary else scores
        parts = [self._scores(batch, first) for first, batch in reference.batches(samples)]
        scores = np.concatenate(parts) if parts else np.empty((0, self._columns))
        return scores[:, 0] if self._binary else scores

    def _scores(self, samples: list[Any], first: int) -> Floats:
        columns = tuple(reference.read(reader, samples, first) for reader in self._readers)
        scores = np.empty((len(samples), self._columns))
        done = self._core.score_items(columns, scores)
        if done == len(samples):
            return scores
        # A value that is not finite: the reference finds it too, and words it.
        counted = [[analyzer.count(item) for item in column]
                   for analyzer, column in zip(self._analyzers, columns, strict=True)]  # fmt: skip
        return self.score([reference.count(column) for column in counted], len(samples), first)


def reader_of(analyzer: Analyzer, kind: str) -> Callable[[Any], str | list[str] | Counts]:
    """From a sample to what the extension takes of it."""
    if kind != "tokens":
        return analyzer.read
    return lambda sample: analyzer.tokens(str(analyzer.read(sample)))
