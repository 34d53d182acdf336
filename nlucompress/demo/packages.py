"""The packages of the extra "demo", imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any


def require(module: str) -> Any:
    """Import a module of the extra "demo", or say how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top, _, inner = (error.name or "").partition(".")
        if top != module.partition(".")[0]:
            raise
        package = {"sklearn": "scikit-learn", "pycrfsuite": "python-crfsuite"}.get(top, top.replace("_", "-"))
        needed = f"a newer {package} (with the module {error.name})" if inner else f"the package {package}"
        raise ModuleNotFoundError(
            f'the demo needs {needed}: pip install "nlucompress[demo]"', name=error.name
        ) from None
