"""LinearModel: the one thing that every importer makes and every later stage reads.

A linear model scores a sample as ``scores = x @ (weights + baseline) + intercept``, where ``x`` is a sparse vector of
feature values. How a sample becomes ``x`` is part of the model: a list of namespaces (one analyzer each), an idf a
feature, and a few steps (norms, scales, a binarization) on the values. Everything here is plain data: no function
travels with a model.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from .errors import ModelImportError

if TYPE_CHECKING:
    from .template import Template

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TEXT_ANALYZERS = ("word", "char", "char_wb", "fasttext")  # those that take a text
ANALYZERS = (*TEXT_ANALYZERS, "features", "dict", "items")
TASKS = ("binary", "multiclass", "multilabel", "tagging")
LABELS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "float32", "float64")
LARGEST = 1e38  # a file stores weights and idf as float32
LINKS = ("identity", "sigmoid", "softmax", "ovr", "clipped")
MOST_TAGS = 2048  # classes of a tagging model: the table of transitions has their square


@dataclass(frozen=True)
class Namespace:
    """One analyzer: a text (or features) in, n-grams with their frequencies out. Names are scikit-learn's.

    analyzer: ``"word"``, ``"char"``, ``"char_wb"`` as in CountVectorizer; ``"features"`` takes an iterable of feature
    strings, as a callable analyzer yields them; ``"dict"`` takes what DictVectorizer takes (a mapping of names to
    numbers, strings or iterables of strings) or the same as pairs; ``"items"`` takes a mapping, each pair of which is a
    feature of its own: a number is not a factor but one more value that a name can have (NLTK). ``"fasttext"``: the words
    of a text as fastText cuts it, or, with hash_columns, the buckets of their subwords and of word n-grams, as decimal
    numbers.
    column: None if the analyzer reads the sample itself, else the key of the sample (a mapping or a row) it reads.
    tf: what becomes of a frequency v: ``"count"`` v, ``"binary"`` 1, ``"log"`` 1 + ln v (scikit-learn's sublinear_tf).
    hash_columns: if not 0, a feature's name is the decimal number of its column, the size of MurmurHash3_x86_32(n-gram,
    seed 0) modulo this (HashingVectorizer), with the hash's sign if alternate_sign.
    unseen: the idf of an n-gram that is not a feature of the model; it counts in norms and nowhere else. 0: ignored.
    subwords: of analyzer "fasttext" with hash_columns, the shortest and the longest subword in characters (fastText's
    minn and maxn); (0, 0): none. ngram_range is (1, wordNgrams) there, hash_columns the number of buckets.
    """

    name: str
    analyzer: str = "word"
    column: str | int | None = None
    ngram_range: tuple[int, int] = (1, 1)
    token_pattern: str = r"(?u)\b\w\w+\b"
    lowercase: bool = True
    strip_accents: Literal["ascii", "unicode"] | None = None
    stop_words: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    decode_error: str = "strict"
    separator: str = "="
    tf: str = "count"
    hash_columns: int = 0
    alternate_sign: bool = False
    unseen: float = 0.0
    subwords: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        place = f"namespace {self.name!r}"
        _one_of(self.analyzer, ANALYZERS, f"{place}: analyzer")
        _one_of(self.tf, ("count", "binary", "log"), f"{place}: tf")
        _one_of(self.strip_accents, (None, "ascii", "unicode"), f"{place}: strip_accents")
        low, high = self.ngram_range
        if not 1 <= low <= high <= 1000:
            raise ModelImportError(f"{place}: ngram_range {self.ngram_range} is not 1 <= low <= high <= 1000")
        if not 0 <= self.hash_columns < 1 << 31:
            raise ModelImportError(f"{place}: hash_columns {self.hash_columns} is not in 0..2147483647")
        least, most = self.subwords
        if self.subwords != (0, 0) and not 1 <= least <= most <= 1000:
            raise ModelImportError(
                f"{place}: subwords {self.subwords} are not 1 <= shortest <= longest <= 1000, or 0, 0"
            )
        if self.alternate_sign and self.analyzer == "fasttext":
            raise ModelImportError(f"{place}: alternate_sign does not go with fastText's hashes, which have no sign")
        try:
            codecs.lookup(self.encoding)
            codecs.lookup_error(self.decode_error)
        except (LookupError, ValueError) as error:  # a ValueError of a name with a zero
            raise ModelImportError(
                f"{place}: encoding {self.encoding!r:.40}, decode_error {self.decode_error!r:.40}: {error}"
            ) from None
        if self.tf == "log" and self.alternate_sign:
            raise ModelImportError(f"{place}: the logarithm of a signed (alternate_sign) frequency is undefined")
        if not (np.isfinite(self.unseen) and self.unseen >= 0):
            raise ModelImportError(f"{place}: unseen {self.unseen} is not a finite number >= 0")
        object.__setattr__(self, "unseen", float(self.unseen))
        try:
            groups = re.compile(self.token_pattern).groups
        except (re.error, OverflowError, RecursionError) as error:
            raise ModelImportError(f"{place}: token_pattern {self.token_pattern!r:.80}: {error}") from None
        if groups > 1:
            raise ModelImportError(f"{place}: token_pattern {self.token_pattern!r:.80} has {groups} groups, at most 1")


@dataclass(frozen=True)
class Step:
    """One operation on the values of some namespaces, after tf and idf, in the model's order.

    ``op="norm"``, kind ``"l1"``, ``"l2"`` or ``"max"``: divide by the norm over all these namespaces together (0 stays).
    ``op="scale"``: multiply by ``value``. ``op="binarize"``: 1 where greater than ``value``, else 0.
    """

    op: Literal["norm", "scale", "binarize"]
    namespaces: tuple[int, ...]
    kind: Literal["l1", "l2", "max"] | None = None
    value: float = 0.0

    def __post_init__(self) -> None:
        _one_of(self.op, ("norm", "scale", "binarize"), "step: op")
        if (self.op == "norm") != (self.kind in ("l1", "l2", "max")):
            raise ModelImportError(f"step {self.op!r}: kind {self.kind!r} does not go with it")
        object.__setattr__(self, "value", float(self.value))
        if not np.isfinite(self.value) or (self.op == "binarize" and self.value < 0):
            raise ModelImportError(f"step {self.op!r}: value {self.value} must be finite, and a threshold >= 0")


@dataclass(frozen=True)
class SparseRows:
    """Rows of (column, value), compressed: row i is ``indices[indptr[i]:indptr[i + 1]]`` and the same slice of ``data``.

    indptr: (n_rows + 1,) int64; indices: (n_values,) int32, ascending in a row; data: (n_values,) float.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    data: npt.NDArray[Any]
    shape: tuple[int, int]

    @classmethod
    def of(cls, dense: npt.NDArray[Any]) -> SparseRows:
        """The values of a dense array that are not zero."""
        rows, columns = np.nonzero(dense)
        indptr = np.concatenate([[0], np.bincount(rows, minlength=len(dense)).cumsum()])
        shape = (int(dense.shape[0]), int(dense.shape[1]))
        return cls(indptr.astype(np.int64), columns.astype(np.int32), dense[rows, columns], shape)

    def dense(self, start: int, stop: int) -> Floats:
        """Rows start..stop as a (stop - start, n_columns) float64 array."""
        out = np.zeros((stop - start, self.shape[1]))
        first, last = self.indptr[start], self.indptr[stop]
        rows = np.repeat(np.arange(stop - start), np.diff(self.indptr[start : stop + 1]))
        out[rows, self.indices[first:last]] = self.data[first:last]
        return out

    def take(self, rows: npt.NDArray[np.int64]) -> SparseRows:
        """These rows, in this order."""
        lengths = np.diff(self.indptr)[rows]
        at = ranges(self.indptr[rows], lengths)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return SparseRows(indptr, self.indices[at], self.data[at], (len(rows), self.shape[1]))


@dataclass(frozen=True)
class Product:
    """A matrix of weights kept as the product of two: ``left @ right``, in float64. fastText's are of this form.

    left: (n_rows, n_factors) float; right: (n_factors, n_columns) float.
    """

    left: npt.NDArray[Any]
    right: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        return len(self.left), int(self.right.shape[1])

    def dense(self, start: int, stop: int) -> Floats:
        """Rows start..stop as a (stop - start, n_columns) float64 array."""
        return self.take(slice(start, stop))

    def take(self, rows: slice | npt.NDArray[np.int64]) -> Floats:
        """These rows, dense: float64."""
        return np.asarray(self.left[rows].astype(np.float64) @ self.right.astype(np.float64))


def ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """start, start + 1, … of each range, one after the other.

    >>> ranges(np.array([5, 9]), np.array([2, 3])).tolist()
    [5, 6, 9, 10, 11]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A trained linear model with its featurizer, validated, as plain data.

    namespaces: the analyzers; features: the feature names of each, in the source's order, unique in a namespace.
    weights: (n_features, n_columns), an array, SparseRows or a Product; all features of namespace 0 first, then of 1, …
    intercept: (n_columns,) float64. classes: (n_classes,) labels: str, int, float or bool.
    task: ``"binary"`` (one column, the score of classes[1]), ``"multiclass"`` (a column a class, argmax),
    ``"multilabel"`` (a column a class, each positive score is a label), ``"tagging"`` (a linear-chain CRF: a sample is an
    item of a sequence, the score of a sequence of labels is that of its items and transitions).
    link: probabilities from scores s: ``"identity"`` none; ``"sigmoid"`` 1/(1+e^-s); ``"softmax"``; ``"ovr"`` sigmoids
    divided by their sum; ``"clipped"`` (clip(s,-1,1)+1)/2, divided by their sum (in a multilabel model: not divided).
    calibration: None or (2, n_columns) slopes and offsets: links and the choice of the label see slope·s + offset;
    decision_function does not.
    baseline: None or (n_columns,): weights which every feature has in addition to its row (naive Bayes: the weight of a
    feature that was not seen with a class; what is left in the rows is sparse).
    idf: None or (n_features,) float64: the factor of a feature's frequency before the steps. steps: see Step.
    source: where it came from, words for people: {"format": "scikit-learn pipeline", …}.
    transitions: of a tagging model, else None: (n_classes, n_classes) float64, the weight of column after row.
    template: of a tagging model, or None: what makes the features of plain tokens (template.Template).

    A tagging model has one namespace of analyzer "features", whose n-grams are the item's attributes as they are, and
    neither intercept, link, calibration, baseline, idf nor steps; it has at most 2048 classes, which are str.

    Raises ModelImportError with the offending value and place.

    >>> model = LinearModel((Namespace("words"),), (("good", "bad"),), np.array([[1.0], [-1.0]]), np.zeros(1),
    ...                     np.array(["neg", "pos"]), task="binary")
    >>> model.n_features, model.n_columns
    (2, 1)
    """

    namespaces: tuple[Namespace, ...]
    features: tuple[Sequence[str], ...]
    weights: npt.NDArray[Any] | SparseRows | Product
    intercept: Floats
    classes: npt.NDArray[Any]
    task: str = "multiclass"
    link: str = "identity"
    calibration: Floats | None = None
    baseline: Floats | None = None
    idf: Floats | None = None
    steps: tuple[Step, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    transitions: Floats | None = None
    template: Template | None = None

    def __post_init__(self) -> None:
        _one_of(self.task, TASKS, "task")
        _one_of(self.link, LINKS, "link")
        if not 1 <= len(self.namespaces) <= 256 or len(self.steps) > 1024:
            raise ModelImportError(f"{len(self.namespaces)} namespaces and {len(self.steps)} steps: 1..256 and 0..1024")
        if len(self.namespaces) != len(self.features):
            raise ModelImportError(f"{len(self.namespaces)} namespaces, but {len(self.features)} lists of features")
        rows, columns = self.weights.shape
        if rows != self.n_features:
            raise ModelImportError(f"weights have {rows} rows for {self.n_features} features")
        classes = len(self.classes)
        if columns != (1 if self.task == "binary" else classes) or (self.task == "binary" and classes != 2):
            raise ModelImportError(f"{self.task} task: {columns} columns of weights do not go with {classes} classes")
        if len(set(self.classes.tolist())) != classes or not classes:
            raise ModelImportError(f"classes: {classes} labels, {len(set(self.classes.tolist()))} of them distinct")
        if self.classes.dtype.kind not in "UO" and self.classes.dtype.name not in LABELS:
            raise ModelImportError(f"classes: labels of dtype {self.classes.dtype}, not str or {', '.join(LABELS)}")
        for label in self.classes.tolist() if self.classes.dtype.kind == "O" else ():
            if type(label) is not str:
                raise ModelImportError(
                    f"classes: label {label!r} in an object array is {type(label).__name__}, not str"
                )
        if self.link in ("softmax", "ovr") and self.task == "multilabel":
            raise ModelImportError(f"link {self.link!r} does not go with a multilabel task")
        for name, shape in (
            ("intercept", (columns,)),
            ("baseline", (columns,)),
            ("calibration", (2, columns)),
            ("idf", (rows,)),
            ("transitions", (classes, classes)),
        ):
            array = getattr(self, name)
            if array is None:
                continue
            if array.shape != shape:
                raise ModelImportError(f"{name}: shape {array.shape}, expected {shape}")
            _finite(array, name)
            frozen = array.view()
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)
        if (self.task == "tagging") != (self.transitions is not None):
            raise ModelImportError(
                f"{self.task} task: {'no' if self.transitions is None else 'a table of'} transitions"
            )
        if self.template is not None and self.task != "tagging":
            raise ModelImportError(f"{self.task} task: a token template goes with tagging models only")
        if self.task == "tagging":
            check_tagging(self)
            if self.intercept.any() or self.idf is not None or self.classes.dtype.kind != "U":
                raise ModelImportError(
                    "tagging task: an intercept, an idf, or labels that are not str do not go with it"
                )
        if isinstance(self.weights, Product):
            _product_is_finite(self.weights)
        else:
            _finite(self.weights if isinstance(self.weights, np.ndarray) else self.weights.data, "weights")
        for namespace, names in zip(self.namespaces, self.features, strict=True):
            _unique(names, namespace.name)
        for step in self.steps:
            if not step.namespaces or not all(0 <= n < len(self.namespaces) for n in step.namespaces):
                raise ModelImportError(f"step {step.op!r}: namespaces {step.namespaces} of {len(self.namespaces)}")

    @property
    def n_features(self) -> int:
        """How many features, over all namespaces."""
        return sum(map(len, self.features))

    @property
    def n_columns(self) -> int:
        """How many scores a sample has: 1 in a binary task, else the number of classes."""
        return int(self.weights.shape[1])

    def rows(self, start: int, stop: int) -> Floats:
        """Weights of the features start..stop, without the baseline: (stop - start, n_columns) float64."""
        if isinstance(self.weights, (SparseRows, Product)):
            return self.weights.dense(start, stop)
        return np.asarray(self.weights[start:stop], dtype=np.float64)

    def coefficients(self) -> Floats:
        """All weights with the baseline, dense: (n_features, n_columns) float64; ``coef_.T`` of a scikit-learn model."""
        dense = self.rows(0, self.n_features)
        return dense if self.baseline is None else dense + self.baseline

    def fingerprint(self) -> str:
        """SHA-256 (hex) of names, weights and featurizer: equal for equal models, whatever file they came from."""
        import hashlib  # a program that only loads models does without

        digest = hashlib.sha256()
        plain = [[_identity(n) for n in self.namespaces], [dataclasses.astuple(s) for s in self.steps]]
        digest.update(repr((plain, self.task, self.link, self.classes.tolist(), self.weights.shape)).encode())
        for names in self.features:
            digest.update(len(names).to_bytes(8, "little"))
            for name in names:
                raw = name.encode("utf-8", "surrogatepass")
                digest.update(len(raw).to_bytes(4, "little") + raw)
        tagging = () if self.transitions is None else (self.transitions,)
        for array in (self.intercept, self.calibration, self.baseline, self.idf, *tagging):
            digest.update(b"-" if array is None else b"+" + np.ascontiguousarray(array, dtype="<f8").tobytes())
        if self.template is not None:
            digest.update(repr(self.template.data()).encode())
        if isinstance(self.weights, Product):  # its rows differ in the last digit from machine to machine
            for factor in (self.weights.left, self.weights.right):
                digest.update((np.ascontiguousarray(factor, dtype="<f8") + 0.0).tobytes())
            return digest.hexdigest()
        for start in range(0, self.n_features, 4096):
            rows = self.rows(start, min(start + 4096, self.n_features)) + 0.0  # of -0.0 makes 0.0
            digest.update(rows.astype("<f8").tobytes())
        return digest.hexdigest()


def _identity(namespace: Namespace) -> tuple[Any, ...]:
    """A namespace's fields; one that came later counts only where it is used, so that a fingerprint stays what it was."""
    *before, subwords = dataclasses.astuple(namespace)
    return (*before, subwords) if subwords != (0, 0) else tuple(before)


class Parts(Protocol):
    """What ``check_tagging`` reads; LinearModel and modelfile.ModelFile both have it."""

    @property
    def namespaces(self) -> tuple[Namespace, ...]: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def classes(self) -> npt.NDArray[Any]: ...
    @property
    def link(self) -> str: ...
    @property
    def calibration(self) -> Floats | None: ...
    @property
    def baseline(self) -> Floats | None: ...


def check_tagging(model: Parts) -> None:
    """Raise ModelImportError if a tagging model has what does not go with it."""
    if len(model.classes) > MOST_TAGS:
        raise ModelImportError(f"tagging task: {len(model.classes)} classes, the limit is {MOST_TAGS}")
    first = model.namespaces[0]
    plain = first.analyzer == "features" and first.tf == "count" and not first.hash_columns and first.column is None
    if len(model.namespaces) != 1 or not plain:
        raise ModelImportError("tagging task: not one namespace of plain features")
    if model.link != "identity" or model.steps or model.calibration is not None or model.baseline is not None:
        raise ModelImportError("tagging task: a link, steps, a calibration or a baseline do not go with it")


def _one_of(value: object, allowed: Sequence[object], place: str) -> None:
    if value not in allowed:
        raise ModelImportError(f"{place} {value!r} is not one of {', '.join(map(repr, allowed))}")


def _finite(array: npt.NDArray[Any], name: str) -> None:
    good = np.abs(array) <= LARGEST  # false of what is no number
    if not good.all():
        place = tuple(int(i) for i in np.argwhere(~good)[0])
        raise ModelImportError(f"{name}{list(place)} is {array[place]}, not a finite number up to {LARGEST:g}")


def _product_is_finite(weights: Product) -> None:
    _finite(weights.left, "weights.left")
    _finite(weights.right, "weights.right")
    most = [float(np.abs(factor).max(initial=0.0)) for factor in (weights.left, weights.right)]
    if most[0] * most[1] * max(len(weights.right), 1) > LARGEST:
        raise ModelImportError(f"weights: products of numbers up to {most[0]:g} and {most[1]:g} may exceed {LARGEST:g}")


def _unique(names: Sequence[str], namespace: str) -> None:
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    twice = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    shown = ", ".join(map(repr, twice[:5]))
    raise ModelImportError(f"namespace {namespace!r}: {len(twice)} features stand twice: {shown}")
