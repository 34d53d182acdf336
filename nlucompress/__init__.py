"""nlucompress: a trained linear NLU model in one small file, run from the raw text to the label.

    trained model ── import ──> LinearModel ── quantize ──> codes ── index ──> slots ── rows ──> bytes ──> model.nluc
    "play yesterday by the beatles" ── featurize ── hash ── look-up ── score ── link ──> ("PlayMusic", 0.97)

``compress``, ``search`` (the smallest file within a budget) and ``import_model`` are the building side, ``load`` and
``Model`` the runtime. Neither imports scikit-learn.
"""

from .backend import backend
from .compress import Compressed, compress
from .errors import BudgetError, BuildError, FormatError, ModelImportError
from .importers import import_model
from .linear import LinearModel
from .runtime import Model, load
from .search import SearchResult, search
from .version import VERSION as __version__

__all__ = [
    "BudgetError", "BuildError", "Compressed", "FormatError", "LinearModel", "Model", "ModelImportError", "SearchResult",
    "__version__", "backend", "compress", "import_model", "load", "search",
]  # fmt: skip
