"""The native runtime behind the reference's interface: nluc.h, through the extension nlucompress._native.

Texts go to C as they are. Everything that is Python's own is done here first, by featurize.py: columns of a sample, bytes,
token patterns other than the built-in ones, features and dictionaries. So errors and semantics are the reference's. Links
and labels are the reference's as well: of one sample they cost two microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import reference
from .._native import Model
from ..crf import Chain, attributes
from ..featurize import Analyzer, Counts
from ..linear import Floats, Integers
from ..modelfile import ModelFile

if TYPE_CHECKING:
    from ..template import Template, Token

ROOM = 1 << 22  # weights that are asked for at once


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

    def slot(self, namespace: int, name: str) -> int | None:
        """The slot of one name, or None: without an array."""
        return self.core.slot(name, namespace)

    def rows(self, ids: Integers) -> tuple[Integers, Integers, Floats]:
        """Codes by the core, then as the reference."""
        ids = np.ascontiguousarray(ids, np.int64)
        room = 2 * self._file.n_columns
        lengths = np.empty(len(ids), np.int64)
        parts = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        stride = max(1, ROOM // room)
        for start in range(0, len(ids), stride):
            some = slice(start, min(start + stride, len(ids)))
            count = some.stop - start
            columns, codes = np.empty(count * room, np.uint16), np.empty(count * room, np.uint8)
            used = self.core.rows(ids[some], lengths[some], columns, codes)
            parts.append((columns[:used].astype(np.int64), codes[:used].astype(np.int64)))
        all_columns, all_codes = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return lengths, *self.weights(all_columns, all_codes)


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


class NativeChain(Chain):
    """Sequences in C. Immutable but for a table that is made when it is first needed; any number of threads may use it."""

    def __init__(self, table: NativeTable, labels: int, template: Template | None = None) -> None:
        super().__init__(table, np.empty((labels, labels)), template)
        table.core.transitions(self.transitions)
        self._core = table.core
        self._exponentials: tuple[Floats, float] | None = None

    def states(self, items: list[Any]) -> Floats:
        """State scores: (len(items), K) float64. Lists of str go to C as they are."""
        out = np.empty((len(items), len(self.transitions)))
        if self._core.states(items, None, out) == len(items):
            return out
        read = reference.read(attributes, items, 0)
        values = np.array([value for item in read for _, value in item], np.float64)
        if self._core.states([[name for name, _ in item] for item in read], values, out) == len(items):
            return out
        return super().states(items)  # a sum that is not finite: the reference words it

    def token_states(self, tokens: Sequence[Token]) -> Floats:
        """As Chain's; no feature becomes a Python string."""
        assert self.template is not None
        plain = self.template.columns == 1 and type(tokens) is list
        out = np.empty((len(tokens), len(self.transitions)))
        if self._core.token_states(tokens if plain else self.template.strings(tokens), out):
            return out
        return super().token_states(tokens)  # a token that is none, or a sum that is not finite: the reference words it

    def viterbi(self, states: Floats) -> list[int]:
        """See crf.viterbi."""
        return self._core.viterbi(states, self.transitions, len(states))

    def forward_backward(self, states: Floats) -> tuple[Floats, float]:
        """See crf.forward_backward."""
        if self._exponentials is None:
            table = np.empty_like(self.transitions)
            self._exponentials = table, self._core.exponentials(self.transitions, table)
        out = np.empty(states.shape)
        return out, self._core.marginals(states, self.transitions, *self._exponentials, out)


def reader_of(analyzer: Analyzer, kind: str) -> Callable[[Any], str | list[str] | Counts]:
    """From a sample to what the extension takes of it."""
    if kind != "tokens":
        return analyzer.read
    return lambda sample: analyzer.tokens(str(analyzer.read(sample)))
