"""LeanModel: a Model that is opened fast and keeps little, for stores of thousands of small models.

The native core checks every rule of FORMAT.md when it opens a file, so Python reads only what it needs to word answers: the
labels and the link; featurizers are made once for all models of one recipe. What is seldom asked (``info``, ``lookup``)
opens the whole model for the question and lets go of it.
"""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from . import fileformat, modelfile
from ._native import Model as Core
from .errors import FormatError
from .featurize import Analyzer
from .linear import TEXT_ANALYZERS, Floats, Integers, Namespace, Step
from .native import NativeScorer, NativeTable, reader_of
from .runtime import Model


class Featurizers:
    """What models of one recipe share: namespaces, steps, and what reads their samples."""

    def __init__(self, namespaces: bytes, steps: bytes, inputs: tuple[str, ...]) -> None:
        found = [modelfile.Fields(value, f"header: namespaces[{i}]", "M2")
                 for i, value in enumerate(msgpack.unpackb(namespaces))]  # fmt: skip
        self.namespaces: tuple[Namespace, ...] = modelfile.read_namespaces(found)
        self.steps: tuple[Step, ...] = tuple(
            modelfile.step(modelfile.Fields(value, f"header: steps[{i}]", "M3"), len(self.namespaces))
            for i, value in enumerate(msgpack.unpackb(steps))
        )
        self.analyzers = [Analyzer(namespace) for namespace in self.namespaces]
        self.readers = [reader_of(analyzer, kind) for analyzer, kind in zip(self.analyzers, inputs, strict=True)]
        self.plain = set(inputs) == {"text"} and all(ns.column is None for ns in self.namespaces)


_featurizers = functools.lru_cache(maxsize=256)(Featurizers)


class Frame:
    """What a Scorer reads of a model besides its table: see reference.Frame. view: bytes that the core has accepted."""

    __slots__ = ("baseline", "calibration", "classes", "featurizers", "intercept", "link", "n", "task")

    def __init__(self, view: memoryview, inputs: tuple[str, ...]) -> None:
        length = fileformat.PREAMBLE.unpack_from(view)[3]
        header = msgpack.unpackb(view[fileformat.PREAMBLE.size : fileformat.PREAMBLE.size + length])
        places = {name: (offset, size) for name, offset, size, _ in header["sections"]}
        self.task: str = sys.intern(header["task"])
        self.link: str = sys.intern(header["link"])
        self.n: int = header["index"]["n"]
        self.featurizers = _featurizers(msgpack.packb(header["namespaces"]), msgpack.packb(header["steps"]), inputs)
        kind, count = header["classes"]["type"], header["classes"]["count"]
        self.classes = _labels(kind, count, view, *places["labels"])
        self.classes.flags.writeable = False
        columns = 1 if self.task == "binary" else count
        self.intercept = _floats(view, places["intercept"], columns)
        self.calibration = self.baseline = None
        if "calibration" in places:
            self.calibration = _floats(view, places["calibration"], 2 * columns).reshape(2, columns)
        if "baseline" in places:
            self.baseline = _floats(view, places["baseline"], columns)

    baseline: Floats | None
    calibration: Floats | None

    @property
    def namespaces(self) -> tuple[Namespace, ...]:
        """As the header has them."""
        return self.featurizers.namespaces

    @property
    def steps(self) -> tuple[Step, ...]:
        """As the header has them."""
        return self.featurizers.steps


def _floats(view: memoryview, place: tuple[int, int], count: int) -> Floats:
    """Numbers of a section, copied: a view of them keeps two objects more."""
    return np.frombuffer(view, "<f8", count, place[0]).astype(np.float64)


def _labels(kind: str, count: int, view: memoryview, offset: int, size: int) -> npt.NDArray[Any]:
    """See modelfile.decode_labels, which checks what the core has checked here."""
    if kind not in ("str", "object"):
        return modelfile.decode_labels(
            kind, count, modelfile.Sections({"labels": np.frombuffer(view, "u1", size, offset)})
        )
    text = bytes(view[offset + 4 * count : offset + size])
    ends = (0, *struct.unpack_from(f"<{count}I", view, offset))
    words = [text[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]
    return np.array(words, "U" if kind == "str" else "O")


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


class LeanScorer(NativeScorer):
    """A NativeScorer that shares its featurizers."""

    def __init__(self, frame: Frame, table: LeanTable) -> None:  # not its parent's
        self.classes_ = frame.classes
        self._frame, self.table, self._core = frame, table, table.core
        self._columns, self._binary = len(frame.intercept), frame.task == "binary"
        shared = frame.featurizers
        self._analyzers, self._readers, self._plain = shared.analyzers, shared.readers, shared.plain


class LeanModel(Model):
    """A Model that answers as any other, from a read-only buffer that the native core has checked.

    Raises FormatError as Model does.
    """

    def __init__(self, buffer: Any) -> None:  # not its parent's
        self._buffer = buffer
        try:
            core = Core(buffer)
            frame = Frame(memoryview(buffer), core.inputs())
        except FormatError:
            Model(memoryview(buffer))  # words it, with place, value and limit
            raise
        table = LeanTable(core, buffer)
        self._core = core
        self.frame, self.table, self._scorer = frame, table, LeanScorer(frame, table)  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        """What only a whole model has is read for the question."""
        if name not in ("_file", "_container"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._whole(), name)

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
        return all(ns.column is None and ns.analyzer in TEXT_ANALYZERS for ns in spaces)

    def lookup(self, feature: str, namespace: int = 0) -> dict[Any, float] | None:
        """See Model.lookup."""
        return self._whole().lookup(feature, namespace)

    def lookup_many(self, features: Sequence[str], namespace: int = 0) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """See Model.lookup_many."""
        return self._whole().lookup_many(features, namespace)

    def info(self, bound: bool = False) -> dict[str, Any]:
        """See Model.info."""
        return self._whole().info(bound)

    def own_bytes(self) -> int:
        """Memory that the model has of its own besides its buffer: the core's, and each Python object made for it.

        sys.getsizeof: with the garbage collector's part and the data of arrays; it leaves out the fields of plain objects.
        """
        frame, table, scorer = self.frame, self.table, self._scorer
        parts = (self, table, scorer, frame, frame.classes, frame.intercept, frame.calibration, frame.baseline)
        total: int = sum(sys.getsizeof(one) for one in parts if one is not None)
        total += FIELDS
        if frame.classes.dtype == "O":
            total += sum(map(sys.getsizeof, frame.classes.tolist()))
        return total + self._core.own_bytes()


FIELDS = 480  # bytes of the fields of three objects, as CPython 3.11 to 3.13 lay them out
