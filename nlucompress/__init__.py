"""nlucompress: a trained linear NLU model in one small file, run from the raw text to the label.

    trained model ── import ──> LinearModel ── quantize ──> codes ── index ──> slots ── rows ──> bytes ──> model.nluc
    "play yesterday by the beatles" ── featurize ── hash ── look-up ── score ── link ──> ("PlayMusic", 0.97)

``compress``, ``search`` (the smallest file within a budget) and ``import_model`` are the building side, ``load``,
``Model`` and ``Tagger`` the runtime, ``ModelStore`` many models by name. None imports scikit-learn. Each is imported when
it is first used, numpy too: ``import nlucompress`` alone takes milliseconds, and so does the command's ``--help``.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .backend import backend
from .errors import BudgetError, BuildError, FormatError, ModelImportError
from .version import VERSION as __version__

if TYPE_CHECKING:
    from .compress import Compressed, compress
    from .importers import import_model
    from .linear import LinearModel
    from .runtime import Model, load
    from .search import SearchResult, search
    from .store import ModelStore
    from .tagger import Tagger

__all__ = [
    "BudgetError", "BuildError", "Compressed", "FormatError", "LinearModel", "Model", "ModelImportError", "ModelStore",
    "SearchResult", "Tagger", "__version__", "backend", "compress", "import_model", "load", "search",
]  # fmt: skip

_LATER = {"Compressed": "compress", "compress": "compress", "import_model": "importers", "LinearModel": "linear",
             "load": "runtime", "Model": "runtime", "ModelStore": "store", "SearchResult": "search", "search": "search",
             "Tagger": "tagger"}  # fmt: skip
_MODULES = ("bundle", "certificate", "fleet", "linear", "report", "runtime", "template")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


class _Package(ModuleType):
    """Python sets a submodule as the package's attribute when it is imported, whoever imports it. ``nlucompress.compress``
    and ``nlucompress.search`` are functions all the same.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and _LATER.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
