"""The runtime in numpy, written to be read: the oracle of the native core, and the exact answers of a LinearModel.

A Scorer takes samples to scores in four steps, the same for a compressed file and for the model it came from:
n-grams and frequencies (featurize.py), look-up in a table, values (tf, idf, steps), and the sum of rows. Only the table
differs: FileTable finds features in a file's index, NameTable in dictionaries of names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from . import index
from .featurize import Analyzer, Counts
from .linear import Floats, Integers, LinearModel, Namespace, Product, SparseRows, Step, ranges
from .modelfile import ModelFile

Ngrams = tuple[Integers, Integers, Floats, list[str]]
Item = TypeVar("Item")
BATCH = 128  # samples scored together: bounds intermediate arrays, 40 bytes for each weight that they meet


class Frame(Protocol):
    """What a Scorer reads of a model besides its table; LinearModel and ModelFile both have it. See LinearModel."""

    @property
    def namespaces(self) -> tuple[Namespace, ...]: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def classes(self) -> npt.NDArray[Any]: ...
    @property
    def task(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def intercept(self) -> Floats: ...
    @property
    def calibration(self) -> Floats | None: ...
    @property
    def baseline(self) -> Floats | None: ...


class Table(Protocol):
    """Features by name. An id is a feature's number in the table, -1 if it has none."""

    def find(self, namespace: int, names: Sequence[str]) -> Integers:
        """The id of each name: (len(names),)."""
        ...

    def idf(self, ids: Integers) -> Floats:
        """The idf of each id: (len(ids),)."""
        ...

    def rows(self, ids: Integers) -> tuple[Integers, Integers, Floats]:
        """Lengths (len(ids),), then columns and weights of all rows, one after the other."""
        ...


class FileTable:
    """The features of a compressed file: one hash, a few probes, a rank, a comparison of check bits."""

    def __init__(self, file: ModelFile) -> None:
        self._file = file
        self._reader = file.reader()

    def find(self, namespace: int, names: Sequence[str]) -> Integers:
        """Slots; -1 where no level has a 1 or the check bits differ."""
        file = self._file
        hashes = index.hash_names(names, file.seeds[namespace])
        if file.shards is None:
            slots = index.find(hashes, file.levels, file.blocks, file.n)
        else:
            slots = index.find_in_shards(hashes, file.shards, file.blocks, file.n)
        found = slots >= 0
        wanted = index.check_values(hashes[found], file.check_bits)
        checks, _ = file.records(slots[found])
        slots[found] = np.where(checks == wanted, slots[found], -1)
        return slots

    def look_up(self, namespace: int, names: Sequence[str]) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Slots, and which were found: two arrays (len(names),)."""
        slots = self.find(namespace, names)
        return slots, slots >= 0

    def slot(self, namespace: int, name: str) -> int | None:
        """The slot of one name, or None. Raises TypeError for what is no str, IndexError for a namespace not there."""
        spaces = len(self._file.namespaces)
        if not 0 <= namespace < spaces:
            raise IndexError(f"namespace {namespace} is not in 0..{spaces - 1}")
        if not isinstance(name, str):
            raise TypeError(f"expected a feature, a str, got {type(name)}")
        slot = int(self.find(namespace, [name])[0])
        return slot if slot >= 0 else None

    def idf(self, ids: Integers) -> Floats:
        """From the table of distinct values, by the number that the coder keeps."""
        file = self._file
        if not len(file.idf):
            return np.ones(len(ids))
        _, numbers = file.records(ids)
        numbers = self._reader.idf(ids, numbers)
        return np.asarray(file.idf[np.minimum(numbers, len(file.idf) - 1)], np.float64)

    def rows(self, ids: Integers) -> tuple[Integers, Integers, Floats]:
        """Codes through the codebook, times the class's scale."""
        file = self._file
        _, numbers = file.records(ids)
        lengths, columns, codes = self._reader.rows(ids, numbers)
        return lengths, *self.weights(columns, codes)

    def weights(self, columns: Integers, codes: Integers) -> tuple[Integers, Floats]:
        """Columns and weights of entries of rows; R3: what is out of range counts nothing."""
        file = self._file
        good = (columns < file.n_columns) & (codes < len(file.codebook))
        weights = np.where(good, file.codebook[np.where(good, codes, 0)], 0.0).astype(np.float64)
        columns = np.where(good, columns, 0)
        if file.scale is not None:
            weights *= file.scale[columns]
        return columns, weights


class NameTable:
    """The features of a LinearModel, in a dictionary a namespace."""

    def __init__(self, model: LinearModel) -> None:
        self._model = model
        weights = model.weights
        self._weights = weights if isinstance(weights, (SparseRows, Product)) else SparseRows.of(weights)
        self._ids: list[dict[str, int]] = []
        first = 0
        for names in model.features:
            self._ids.append({name: first + i for i, name in enumerate(names)})
            first += len(names)

    def find(self, namespace: int, names: Sequence[str]) -> Integers:
        """Numbers of features in the model's order."""
        ids = self._ids[namespace]
        return np.array([ids.get(name, -1) for name in names], dtype=np.int64)

    def idf(self, ids: Integers) -> Floats:
        """As the model has it."""
        return np.ones(len(ids)) if self._model.idf is None else self._model.idf[ids]

    def rows(self, ids: Integers) -> tuple[Integers, Integers, Floats]:
        """Rows of the weights that are not zero; of a Product, of all."""
        weights = self._weights
        if isinstance(weights, Product):
            columns = np.tile(np.arange(weights.shape[1]), len(ids))
            return np.full(len(ids), weights.shape[1]), columns, weights.take(ids).reshape(-1)
        lengths = np.diff(weights.indptr)[ids]
        at = ranges(weights.indptr[ids], lengths)
        return lengths, weights.indices[at].astype(np.int64), weights.data[at].astype(np.float64)

    def matrix(self, ids: Integers) -> Floats:
        """Whole rows: (len(ids), n_columns)."""
        weights = self._model.weights
        if isinstance(weights, SparseRows):
            return weights.take(ids).dense(0, len(ids))
        rows = weights.take(ids) if isinstance(weights, Product) else weights[ids]
        return np.asarray(rows, np.float64)


class Scorer:
    """Samples to scores, probabilities and labels; shapes and dtypes are scikit-learn's."""

    def __init__(self, frame: Frame, table: Table) -> None:
        self.classes_ = frame.classes
        self._frame = frame
        self.table = table
        self._analyzers = [Analyzer(namespace) for namespace in frame.namespaces]

    def decision_function(self, samples: Iterable[Any]) -> Floats:
        """Scores: (n_samples, n_columns) float64, or (n_samples,) in a binary task."""
        parts = [self._scores(batch, first) for first, batch in batches(samples)]
        scores = np.concatenate(parts) if parts else np.empty((0, len(self._frame.intercept)))
        return scores[:, 0] if self._frame.task == "binary" else scores

    def predict(self, samples: Iterable[Any]) -> npt.NDArray[Any]:
        """Labels: (n_samples,), or a 0/1 indicator matrix (n_samples, n_classes) in a multilabel task."""
        return self.decide(self.decision_function(samples))

    def decide(self, scores: Floats) -> npt.NDArray[Any]:
        """The labels that go with scores: see predict."""
        return labels(self._frame, scores)

    def predict_proba(self, samples: Iterable[Any]) -> Floats:
        """Probabilities: (n_samples, n_classes) float64. Raises AttributeError if the model has none."""
        require_probabilities(self._frame)
        return self.probabilities(self.decision_function(samples))

    def probabilities(self, scores: Floats) -> Floats:
        """The probabilities that go with scores: see predict_proba."""
        return probabilities(self._frame, scores)

    def ngrams(self, samples: list[Any], first: int = 0) -> list[Ngrams]:
        """Of each namespace: sample number, n-gram number and frequency of every n-gram, and the distinct n-grams."""
        return [count(read(analyzer, samples, first)) for analyzer in self._analyzers]

    def _scores(self, samples: list[Any], first: int) -> Floats:
        return self.score(self.ngrams(samples, first), len(samples), first)

    def score(self, ngrams: list[Ngrams], n_samples: int, first: int = 0) -> Floats:
        """Scores from what ``ngrams`` gives: (n_samples, n_columns) float64."""
        frame = self._frame
        found = [(sample, self.table.find(namespace, names)[which], counts)
                 for namespace, (sample, which, counts, names) in enumerate(ngrams)]  # fmt: skip
        space = np.repeat(np.arange(len(found)), [len(part[0]) for part in found])
        sample, ids, counts = (np.concatenate([part[i] for part in found]) for i in range(3))
        values = self._values(space, sample, ids, counts, n_samples, first)
        known = ids >= 0
        sample, ids, values = sample[known], ids[known], values[known]
        lengths, columns, weights = self.table.rows(ids)
        n_columns = len(frame.intercept)
        cell = np.repeat(sample, lengths) * n_columns + columns
        sums = np.bincount(cell, np.repeat(values, lengths) * weights, n_samples * n_columns)
        scores = sums.reshape(n_samples, n_columns) + frame.intercept
        if frame.baseline is not None:
            scores += np.bincount(sample, values, n_samples)[:, None] * frame.baseline
        return scores

    def _values(self, space: Integers, sample: Integers, ids: Integers, counts: Floats, n: int, first: int) -> Floats:
        """What each feature is worth: tf, idf, then the steps. Unknown n-grams count in norms with their unseen idf."""
        frame = self._frame
        values = np.empty_like(counts)
        for number, namespace in enumerate(frame.namespaces):
            values[space == number] = frequencies(namespace, counts[space == number])
        unseen = np.array([namespace.unseen for namespace in frame.namespaces])
        known = ids >= 0
        factors = unseen[space]
        factors[known] = self.table.idf(ids[known])
        with np.errstate(invalid="ignore", over="ignore"):
            values = np.where(factors == 0, 0.0, values * factors)  # what counts nowhere may be no number
        if not np.isfinite(values).all():
            bad = int(np.argmin(np.isfinite(values)))
            raise ValueError(
                f"sample {first + int(sample[bad])}: a feature has the value {values[bad]}, not a finite number"
            )
        for step in frame.steps:
            at = np.isin(space, step.namespaces)
            if step.op == "scale":
                values[at] *= step.value
            elif step.op == "binarize":
                values[at] = values[at] > step.value
            else:
                norm = _norms(values[at], sample[at], n, step.kind or "l2")
                values[at] /= np.where(norm == 0, 1.0, norm)[sample[at]]
        return values


def frequencies(namespace: Namespace, counts: Floats) -> Floats:
    """What becomes of frequencies: they themselves, 1, or 1 + ln v."""
    if namespace.tf == "binary":
        return np.ones_like(counts)
    if namespace.tf == "count":
        return counts
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(counts) + 1.0)


def exact(model: LinearModel) -> Scorer:
    """The answers of a LinearModel itself, unquantized, by names: what a compressed model is held against."""
    return Scorer(model, NameTable(model))


def labels(frame: Frame, scores: Floats) -> npt.NDArray[Any]:
    """The label of each row of scores, by the task's rule; ties go to the first class."""
    if frame.calibration is not None:
        scores = scores * _squeezed(frame, frame.calibration[0]) + _squeezed(frame, frame.calibration[1])
    if frame.task == "binary":
        return np.asarray(frame.classes[(scores > 0).astype(np.int64)])
    if frame.task == "multilabel":
        return (scores > 0).astype(np.int64)
    return np.asarray(frame.classes[scores.argmax(axis=1)])


def probabilities(frame: Frame, scores: Floats) -> Floats:
    """The link: (n_samples, n_classes) float64 from scores."""
    if frame.calibration is not None:
        scores = scores * _squeezed(frame, frame.calibration[0]) + _squeezed(frame, frame.calibration[1])
    if frame.link == "softmax":
        if frame.task == "binary":  # two classes with the scores -s and s
            scores = np.stack([-scores, scores], axis=1)
        grown: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True))
    if frame.link == "clipped":
        single = (np.clip(scores, -1, 1) + 1) / 2
    else:
        small = np.exp(-np.abs(scores))  # never overflows
        single = np.where(scores >= 0, 1, small) / (1 + small)
    if frame.task == "binary":
        return np.stack([1 - single, single], axis=1)
    if frame.task == "multilabel" or frame.link == "sigmoid":
        return single
    total = single.sum(axis=1, keepdims=True)
    return np.where(total == 0, 1 / single.shape[1], single / np.where(total == 0, 1, total))


def require_probabilities(frame: Frame) -> None:
    """Raise AttributeError, as scikit-learn does, if the model's link is the identity."""
    if frame.link == "identity":
        raise AttributeError(
            "predict_proba: this model gives no probabilities (link 'identity'): use decision_function"
        )


def _squeezed(frame: Frame, row: Floats) -> Any:
    return row[0] if frame.task == "binary" else row


def _norms(values: Floats, sample: Integers, n: int, kind: str) -> Floats:
    if kind == "l2":
        return np.asarray(np.sqrt(np.bincount(sample, values * values, n)))
    if kind == "l1":
        return np.asarray(np.bincount(sample, np.abs(values), n), np.float64)
    out = np.zeros(n)
    np.maximum.at(out, sample, np.abs(values))
    return out


def read(reader: Callable[[Any], Item], samples: list[Any], first: int) -> list[Item]:
    """What reader makes of each sample; an error names the sample's number, counted from first."""
    items = []
    for i, sample in enumerate(samples):
        try:
            items.append(reader(sample))
        except (TypeError, ValueError) as error:
            if type(error) not in (TypeError, ValueError):
                raise
            raise type(error)(f"sample {first + i}: {error}") from None
    return items


def count(samples: list[Counts]) -> Ngrams:
    """The frequencies of samples in one namespace, joined: see Scorer.ngrams."""
    numbers: dict[str, int] = {}  # each distinct n-gram of the batch is looked up once
    lengths: list[int] = []
    which: list[int] = []
    counts: list[float] = []
    for found in samples:
        lengths.append(len(found))
        which += [numbers.setdefault(name, len(numbers)) for name in found]
        counts += found.values()
    places = np.repeat(np.arange(len(samples)), np.array(lengths, np.int64))
    return places, np.array(which, np.int64), np.array(counts, np.float64), list(numbers)


def batches(samples: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
    """Lists of at most BATCH samples, each with the number of its first; a DataFrame gives its rows."""
    if isinstance(samples, (str, bytes)):
        raise ValueError(
            f"expected a list of samples, got one {type(samples).__name__}: predict([text]), not predict(text)"
        )
    if hasattr(samples, "iterrows"):
        samples = (row for _, row in samples.iterrows())
    iterator, first = iter(samples), 0
    while batch := list(islice(iterator, BATCH)):
        yield first, batch
        first += len(batch)
