"""Model: what ``load`` returns. Raw text to label, from a memory map, without scikit-learn."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from . import fileformat, modelfile, reference
from .backend import backend
from .errors import FormatError
from .linear import TEXT_ANALYZERS, Floats, Integers
from .rows.bound import zero_order


class Opened:
    """A file that is open: what Model and Tagger share. container: the buffer's, if it is decoded already."""

    def __init__(
        self,
        buffer: bytes | memoryview,
        verify: fileformat.Verify = "header",
        container: fileformat.Container | None = None,
    ) -> None:
        if not memoryview(buffer).readonly:
            buffer, container = bytes(buffer), None  # what was checked must not change
        self._buffer = buffer
        self._container = container or fileformat.decode(buffer, verify)
        self._file = modelfile.read(self._container, verify)
        self._file.classes.flags.writeable = False
        self.table = _table(self._file, buffer)

    def __reduce__(self) -> tuple[type[Opened], tuple[bytes]]:
        return type(self), (bytes(self._buffer),)

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """(n_classes,) labels, as the source estimator's."""
        return self._file.classes

    @property
    def task(self) -> str:
        """One of "binary", "multiclass" or "multilabel"."""
        return self._file.task

    @property
    def n_features(self) -> int:
        """How many features the index holds."""
        return self._file.n

    def lookup(self, feature: str, namespace: int = 0) -> dict[Any, float] | None:
        """What the index says of one feature: {class: weight} of the weights that are not zero, or None if it is absent.

        The one weight of a binary model is classes_[1]'s. A feature that the model never had is found all the same with
        probability 2^-check_bits, with somebody else's weights. Raises IndexError for a namespace that is not there.
        """
        slot, _ = self.lookup_many([feature], namespace)
        if slot[0] < 0:
            return None
        _, columns, weights = self.table.rows(slot)
        row = np.zeros(self._file.n_columns)
        np.add.at(row, columns, weights)
        if self._file.baseline is not None:
            row += self._file.baseline
        labels = self._file.classes[-1:] if self._file.task == "binary" else self._file.classes
        return {label: weight for label, weight in zip(labels.tolist(), row.tolist(), strict=True) if weight}

    def slot(self, feature: str, namespace: int = 0) -> int | None:
        """The slot of one feature, a number in 0..n-1 of its own, or None if it is absent: what lookup_many says of it.

        Faster than a list of one: no array is made. Raises TypeError for what is no str, IndexError for a namespace that is
        not there.
        """
        return self.table.slot(namespace, feature)

    def lookup_many(self, features: Sequence[str], namespace: int = 0) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Slots (len(features),) int64 of features, -1 of those that are absent, and which were found (bool).

        A slot is a number in 0..n-1, each feature's own: a place in an array of yours. Of foreign features 2^-check_bits
        are found all the same. Raises TypeError for what is no str, IndexError for a namespace that is not there.
        """
        if isinstance(features, (str, bytes)):
            raise TypeError(f"expected a list of features, got one {type(features).__name__}")
        if not 0 <= namespace < len(self._file.namespaces):
            raise IndexError(f"namespace {namespace} is not in 0..{len(self._file.namespaces) - 1}")
        return self.table.look_up(namespace, features)

    def info(self, bound: bool = False) -> dict[str, Any]:
        """Facts and sizes: bytes by section, bits a feature and a weight, beside the theoretical bound; options, source.

        ``levels``: of the index; of one that is cut into ``shards``, of the shard that has most.
        ``bits_per_feature``: of ``index``, ``slots``, ``rows`` (their sections), ``file``, and ``bound``: log2(e) = 1.44
        bits for any index of n keys without the keys (Mehlhorn, 1984), plus the check bits. ``bits_per_weight`` that is not
        zero: of ``rows`` with the numbers that slots keep for them, and of the ``file``. bound: also ``zero_order``, what
        they would take if each symbol of the rows cost its entropy (rows/bound.py has the formula): bytes of ``rows`` and
        ``file``, and how many times that they take, ``rows_ratio`` and ``file_ratio`` (None if the bound is 0). That
        decodes every row: a second or two for 100,000 features.
        """
        file, container = self._file, self._container
        sections = {name: len(data) for name, data in container.sections.items()}
        padding = container.file_length - container.header_length - fileformat.PREAMBLE.size - sum(sections.values())
        weights = file.parameters.get("count", file.n * file.n_columns)
        each = 8 / file.n if file.n else 0.0
        row_bytes = sum(size for name, size in sections.items() if name.startswith("row"))
        coded_bytes = row_bytes + sections["slots"] - file.n * file.check_bits / 8
        each_weight = 8 / weights if weights else 0.0
        extra: dict[str, Any] = {}
        if bound:
            least = zero_order(file.table(), file.check_bits)
            extra["zero_order"] = {
                "rows": round(least.rows), "file": round(least.file), "equal_rows_shared": least.shared,
                "rows_ratio": coded_bytes / least.rows if least.rows else None,
                "file_ratio": container.file_length / least.file if least.file else None,
            }  # fmt: skip
        return {
            **file.facts,
            "bytes": container.file_length,
            "features": file.n,
            "classes": len(file.classes),
            "weights": weights,
            "task": file.task,
            "link": file.link,
            "namespaces": [
                {"name": ns.name, "analyzer": ns.analyzer, "ngram_range": list(ns.ngram_range), "unseen": ns.unseen,
                 **({"token_pattern": ns.token_pattern} if ns.analyzer == "word" else {})}
                for ns in file.namespaces
            ],
            "sections": {
                "preamble": fileformat.PREAMBLE.size, "header": container.header_length, **sections, "padding": padding,
            },
            "bits_per_feature": {
                "index": sections["index"] * each,
                "slots": sections["slots"] * each,
                "rows": row_bytes * each,
                "file": container.file_length * each,
                "bound": math.log2(math.e) + file.check_bits,
            },
            "bits_per_weight": {"rows": coded_bytes * each_weight, "file": container.file_length * each_weight},
            **extra,
            "check_bits": file.check_bits,
            "idf_bits": file.idf_bits,
            **({} if file.template is None else {"template": {
                "features": len(file.template.entries), "columns": file.template.columns,
                "bytes": len(msgpack.packb(file.template.data())),
            }}),
            "levels": len(file.levels) if file.shards is None else int(np.diff(file.shards.firsts).max()),
            **({} if file.shards is None else {"shards": 1 << file.shards.bits}),
            "buckets": len(file.codebook),
            "coder": file.coder,
        }  # fmt: skip


class Model(Opened):
    """A compressed model, ready to answer. Made by ``nlucompress.load`` or ``Compressed.model``; immutable.

    A sample is what the source's vectorizer took: a text; a mapping or a row with the columns of a ColumnTransformer; a
    dictionary of features (DictVectorizer, NLTK); an iterable of features (a model whose analyzer was a Python function).
    """

    def __init__(
        self,
        buffer: bytes | memoryview,
        verify: fileformat.Verify = "header",
        container: fileformat.Container | None = None,
    ) -> None:
        super().__init__(buffer, verify, container)
        if self._file.task == "tagging":
            raise ValueError("a tagging model has no answers to single samples: use its Tagger")
        self._scorer = _scorer(self._file, self.table)
        self.frame = self._file  # what a Scorer reads besides the table

    def __copy__(self) -> Model:
        return self  # immutable

    def __deepcopy__(self, memo: Any) -> Model:
        return self

    @property
    def link(self) -> str:
        """How scores become probabilities: see LinearModel; "identity" if they do not."""
        return self._file.link

    @property
    def takes_text(self) -> bool:
        """Whether a sample is a text; otherwise it is a mapping, a row or an iterable of features."""
        return all(ns.column is None and ns.analyzer in TEXT_ANALYZERS for ns in self._file.namespaces)

    def predict(self, samples: Iterable[Any]) -> npt.NDArray[Any]:
        """Labels of samples: (n_samples,); of a multilabel model 0/1, (n_samples, n_classes) int64.

        Raises TypeError or ValueError, with the sample's number, for a sample that the model cannot read.
        """
        return self._scorer.predict(samples)

    def predict_proba(self, samples: Iterable[Any]) -> Floats:
        """Probabilities: (n_samples, n_classes) float64. Raises AttributeError if the source's estimator had none."""
        return self._scorer.predict_proba(samples)

    def decision_function(self, samples: Iterable[Any]) -> Floats:
        """Scores: (n_samples, n_classes) float64, or (n_samples,) if there are two classes and one score.

        For naive Bayes the joint log likelihood.
        """
        return self._scorer.decision_function(samples)

    def decide(self, scores: Floats) -> npt.NDArray[Any]:
        """The labels that go with scores of ``decision_function``: what ``predict`` returns."""
        return self._scorer.decide(scores)

    def probabilities(self, scores: Floats) -> Floats:
        """The probabilities that go with scores of ``decision_function``: what ``predict_proba`` returns."""
        return self._scorer.probabilities(scores)


def _table(file: modelfile.ModelFile, buffer: bytes | memoryview) -> reference.FileTable:
    """The features, found by the backend: the native core, or the reference in numpy."""
    if backend() == "native":
        from .native import NativeTable

        return NativeTable(file, buffer)
    return reference.FileTable(file)


def _scorer(file: modelfile.ModelFile, table: reference.FileTable) -> reference.Scorer:
    """The table's scorer."""
    if type(table) is reference.FileTable:
        return reference.Scorer(file, table)
    from .native import NativeScorer, NativeTable

    assert isinstance(table, NativeTable)
    return NativeScorer(file, table)


def opened_as(buffer: bytes | memoryview, verify: fileformat.Verify = "header") -> Model | Any:
    """A Model, or a Tagger if that is the file's task. Raises FormatError."""
    container = fileformat.decode(buffer, verify)
    if container.header.get("task") == "tagging":
        from .tagger import Tagger

        return Tagger(buffer, verify, container)
    return Model(buffer, verify, container)


def load(path: str | os.PathLike[str], verify: fileformat.Verify = "header", memory_map: bool = True) -> Model | Any:
    """Open a .nluc file: memory-mapped, validated, ready. A Model, or a Tagger of a file whose task is tagging.

    verify: "header" checks what every look-up relies on, in a time that does not grow with the file; what it does not
    touch is made harmless at the look-up. "full" reads the whole file and checks every checksum and every row too.
    memory_map: False reads the file into memory first, so that nobody can change or cut it afterwards. A mapped file that
    is cut where it lies ends the process (SIGBUS); replaced by a rename, as ``save`` does, it goes on answering as it was.
    Raises FormatError (naming the file and the place) for a file that is damaged, foreign, empty or too new; OSError.
    """
    try:
        return opened_as(fileformat.map_file(path) if memory_map else fileformat.read_file(path), verify)
    except FormatError as error:
        raise FormatError(f"{os.fspath(path)}: {error}") from None
