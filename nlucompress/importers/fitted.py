"""How a fitted scikit-learn object is read: its parameters and attributes from a record, checked, and words for errors."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import Floats
from .records import Global, Record, dense, is_sparse, show, view

SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")


class Fitted:
    """One estimator: what it is, where it stands in the pipeline, and its attributes.

    where: the names on the way to it, for the errors: ``"features / char"``.
    """

    def __init__(self, obj: Any, where: str = "") -> None:
        record = view(obj)
        if isinstance(record, Record):
            self.name, self.state, kind = record.name, record.state, record.kind
        elif isinstance(record, Global):
            self.name, self.state, kind = record.name, {}, record.kind
        else:
            raise ModelImportError(f"{where or 'the source'} is {show(record)}, not a scikit-learn estimator")
        self.where = where
        self.place = f"{self.name} at {where!r}" if where else self.name
        at = f" at {where!r}" if where else ""
        if isinstance(record, Global) and kind == f"sklearn.{self.name}":
            raise ModelImportError(
                f"{record}{at} is a class or a function, not a fitted object; pass the object after fit"
            )
        if kind.startswith("imblearn."):
            raise ModelImportError(
                f"{record}{at} is a class of imbalanced-learn; make a sklearn.pipeline.Pipeline of its fitted steps, "
                f"without the samplers, and pass that"
            )
        if kind != f"sklearn.{self.name}":
            raise ModelImportError(
                f"{record}{at} is not a class of scikit-learn, and its code cannot travel in a .nluc file; use "
                f"scikit-learn's classes (a function that cuts texts into features can stay, as a vectorizer's analyzer)"
            )

    def refusal(self, reason: str) -> ModelImportError:
        """The error to raise: the place, then the reason and the way out."""
        return ModelImportError(f"{self.place}: {reason}")

    def unfitted(self, name: str) -> ModelImportError:
        """The error to raise where fit has left no attribute of this name."""
        return self.refusal(f"it is not fitted (it has no {name}); call fit on the whole pipeline before importing it")

    def param(self, name: str, default: Any = None) -> Any:
        """A constructor parameter; versions without it behave as with the default."""
        value = view(self.state.get(name, default))
        if isinstance(value, np.ndarray):
            raise self.refusal(f"{name} is {show(value)}, which is no value for a parameter")
        return value

    def fitted(self, name: str) -> Any:
        """An attribute that fit sets. Raises ModelImportError if it is not there."""
        value = self.state.get(name)
        if value is None:
            raise self.unfitted(name)
        return view(value)

    def child(self, obj: Any, name: str) -> Fitted:
        """An estimator inside this one. name: of the step, added to where; may be empty."""
        return Fitted(obj, " / ".join(filter(None, (self.where, name))))

    def members(self, name: str, parts: int) -> list[tuple[Any, ...]]:
        """A list of (name, estimator, …) tuples, as Pipeline, FeatureUnion and ColumnTransformer keep them."""
        value = self.fitted(name)
        good = isinstance(value, (list, tuple)) and all(isinstance(m, (list, tuple)) and len(m) == parts for m in value)
        if not good or not value or not all(isinstance(member[0], str) for member in value):
            raise self.refusal(f"{name} is {show(value)}, not a list of (name, estimator, …)")
        return [tuple(member) for member in value]

    def vector(self, name: str, width: int | None = None) -> Floats:
        """A fitted (width,) array of finite numbers, float64."""
        value = self.fitted(name)
        if isinstance(value, (int, float, np.number)):
            value = np.asarray([value])
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "biuf":
            raise self.refusal(f"{name} is {show(value)}, not a row of numbers")
        self.check_width(len(value), width, name)
        self._finite(value, name)
        return value.astype(np.float64)

    def matrix(self, name: str, width: int | None = None) -> npt.NDArray[Any]:
        """A fitted (rows, width) array of finite numbers, dense; one row if it is one-dimensional or sparse."""
        value = self.fitted(name)
        if is_sparse(value):
            value = dense(value, f"{self.place}: {name}")
        if isinstance(value, np.ndarray) and value.ndim == 1:
            value = value.reshape(1, -1)
        if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in "biuf":
            raise self.refusal(f"{name} is {show(value)}, not a table of numbers")
        self.check_width(value.shape[1], width, name)
        self._finite(value, name)
        return value if value.dtype in (np.float64, np.float32) else value.astype(np.float64)

    def number(self, name: str, default: float = 0.0) -> float:
        """A parameter that is a number."""
        value = self.param(name, default)
        if not isinstance(value, (int, float, np.number)):
            raise self.refusal(f"{name} is {show(value)}, not a number")
        return float(value)

    def check_width(self, found: int, expected: int | None, name: str) -> None:
        """Refuse an attribute for another number of columns than the steps before have."""
        if expected is not None and found != expected:
            raise self.refusal(
                f"{name} has {found} columns, the steps before make {expected}; the steps were not fitted together"
            )

    def _finite(self, value: npt.NDArray[Any], name: str) -> None:
        good = np.isfinite(value)
        if not good.all():
            at = [int(i) for i in np.argwhere(~good)[0]]
            raise self.refusal(f"{name}{at} is {value[tuple(at)]}, not a finite number; train it again")

    def words(self, left: list[int] | None = None) -> str:
        """What it is made of: ``"Pipeline(TfidfVectorizer, LinearSVC)"``. left: how many more names may be in it."""
        left = [100] if left is None else left
        left[0] -= 1
        if left[0] < 0:
            return "…"
        parts: list[Any] = []
        for name in ("steps", "transformer_list", "transformers_"):
            value = self.state.get(name)
            if isinstance(value, (list, tuple)):
                parts += [member[1] for member in value if isinstance(member, (list, tuple)) and len(member) > 1]
        if not parts:
            parts += [self.state[n] for n in ("best_estimator_", "estimator", "base_estimator") if n in self.state][:1]
        inside = []
        for part in map(view, parts[:20]):
            if isinstance(part, Record) and part.package == "sklearn" and left[0] > 0:
                inside.append(Fitted(part).words(left))
        if self.name in SEARCHES and inside:
            return inside[0]
        return f"{self.name}({', '.join(inside)})" if inside else self.name


def version_of(obj: Any) -> str:
    """The scikit-learn version of a model: of the file that holds it, or of the module a live object comes from."""
    record = view(obj)
    if not isinstance(record, Record):
        return ""
    version = record.state.get("_sklearn_version")
    if isinstance(version, str):
        return version
    live = sys.modules.get("sklearn") if not isinstance(obj, Record) else None
    return str(getattr(live, "__version__", ""))


def before(version: str, limit: tuple[int, int]) -> bool:
    """Whether a version is older than a limit; one that is not known is not.

    >>> before("0.24.2", (1, 8)), before("1.10.dev0", (1, 8)), before("", (1, 8))
    (True, False, False)
    """
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(n.isdigit() for n in numbers):
        return False
    return (int(numbers[0]), int(numbers[1])) < limit
