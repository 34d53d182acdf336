"""LeanModel: a Model that is opened fast and keeps little, for stores of thousands of small models.

The native core checks every rule of FORMAT.md when it opens a file, so Python reads only what it needs to word answers: the
labels, the link and the featurizers, which models of one making share. What is seldom asked (``info``, ``lookup``) opens the
whole model for the question and lets go of it. Opening takes an eighth of Model's time and a fifth of its objects' memory.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from . import fileformat, modelfile
from ._native import Model as Core
from .errors import FormatError
from .linear import Floats, Integers, Namespace, Step
from .native import NativeScorer, NativeTable
from .runtime import Model

FRAME = ("labels", "intercept", "calibration", "baseline")  # the sections that are read into memory


class Frame:
    """What a Scorer reads of a model besides its table: see reference.Frame."""

    __slots__ = ("baseline", "calibration", "classes", "intercept", "link", "n", "namespaces", "steps", "task")

    def __init__(self, view: memoryview) -> None:
        length = fileformat.PREAMBLE.unpack_from(view)[3]
        header = msgpack.unpackb(view[fileformat.PREAMBLE.size : fileformat.PREAMBLE.size + length])
        parts = modelfile.Sections({name: np.frombuffer(view, np.uint8, size, offset)
                                    for name, offset, size, _ in header["sections"] if name in FRAME})  # fmt: skip
        self.task: str = header["task"]
        self.link: str = header["link"]
        self.n: int = header["index"]["n"]
        self.namespaces = _namespaces(msgpack.packb(header["namespaces"]))
        self.steps = _steps(msgpack.packb(header["steps"]), len(self.namespaces))
        kind, count = header["classes"]["type"], header["classes"]["count"]
        self.classes: npt.NDArray[Any] = modelfile.decode_labels(kind, count, parts)
        self.classes.flags.writeable = False
        columns = 1 if self.task == "binary" else count
        self.intercept: Floats = parts.floats("intercept", "<f8", columns, columns).copy()  # a view has three objects more
        self.calibration: Floats | None = None
        self.baseline: Floats | None = None
        if parts.has("calibration"):
            self.calibration = parts.floats("calibration", "<f8", 2 * columns, 2 * columns).reshape(2, columns)
        if parts.has("baseline"):
            self.baseline = parts.floats("baseline", "<f8", columns, columns)


@functools.lru_cache(maxsize=256)
def _namespaces(packed: bytes) -> tuple[Namespace, ...]:
    """The featurizers of a header: models trained with one recipe have equal ones, and share them here."""
    values = msgpack.unpackb(packed)
    return tuple(modelfile.namespace(modelfile.Fields(value, f"header: namespaces[{i}]", "M2"))
                 for i, value in enumerate(values))  # fmt: skip


@functools.lru_cache(maxsize=256)
def _steps(packed: bytes, n_namespaces: int) -> tuple[Step, ...]:
    values = msgpack.unpackb(packed)
    return tuple(modelfile.step(modelfile.Fields(value, f"header: steps[{i}]", "M3"), n_namespaces)
                 for i, value in enumerate(values))  # fmt: skip


class LeanTable(NativeTable):
    """The features of a file, found in C. What C does not say is read by the whole table, made for the question."""

    def __init__(self, core: Core, buffer: Any) -> None:  # not its parent's: that one keeps views of every section
        self.core = core
        self._buffer = buffer

    def _whole(self) -> NativeTable:
        return NativeTable(modelfile.read(fileformat.decode(self._buffer)), self._buffer)

    def idf(self, ids: Integers) -> Floats:
        """As the file's table has it."""
        return self._whole().idf(ids)

    def rows(self, ids: Integers) -> tuple[Integers, Integers, Floats]:
        """As the file's table has them."""
        return self._whole().rows(ids)


class LeanModel(Model):
    """A Model that answers as any other, from a read-only buffer that the native core has checked.

    Raises FormatError as Model does.
    """

    def __init__(self, buffer: Any) -> None:  # not its parent's
        self._buffer = buffer
        try:
            core = Core(buffer)
            frame = Frame(memoryview(buffer))
        except FormatError:
            Model(memoryview(buffer))  # words it, with place, value and limit
            raise
        self.frame = frame  # type: ignore[assignment]
        self.table = LeanTable(core, buffer)
        self._scorer = NativeScorer(frame, self.table)  # type: ignore[arg-type]

    def __reduce__(self) -> tuple[type[Model], tuple[bytes]]:
        return Model, (bytes(self._buffer),)

    @property
    def _file(self) -> Any:
        """As the whole model has it: read for the question."""
        return self._whole()._file

    def _whole(self) -> Model:
        return Model(memoryview(self._buffer))

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """(n_classes,) labels, as the source estimator's."""
        return self.frame.classes

    @property
    def task(self) -> str:
        """One of "binary", "multiclass" or "multilabel"."""
        return self.frame.task

    @property
    def link(self) -> str:
        """How scores become probabilities: see LinearModel; "identity" if they do not."""
        return self.frame.link

    @property
    def n_features(self) -> int:
        """How many features the index holds."""
        return self.frame.n

    @property
    def takes_text(self) -> bool:
        """Whether a sample is a text; otherwise it is a mapping, a row or an iterable of features."""
        spaces = self.frame.namespaces
        return all(ns.column is None and ns.analyzer in ("word", "char", "char_wb") for ns in spaces)

    def lookup(self, feature: str, namespace: int = 0) -> dict[Any, float] | None:
        """See Model.lookup."""
        return self._whole().lookup(feature, namespace)

    def lookup_many(self, features: Sequence[str], namespace: int = 0) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """See Model.lookup_many."""
        return self._whole().lookup_many(features, namespace)

    def info(self) -> dict[str, Any]:
        """See Model.info."""
        return self._whole().info()
