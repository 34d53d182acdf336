"""Importers: one source format -> LinearModel each, and the choice between them.

A file is first read into inert records (files.py), then imported like the live object it describes.
"""

from __future__ import annotations

import os
from typing import Any

from ..errors import ModelImportError
from ..linear import LinearModel

FORMATS = ("scikit-learn",)


def import_model(source: Any, *, format: str | None = None) -> LinearModel:
    """Any source as a LinearModel: what ``nlucompress.compress`` starts from.

    source: a fitted scikit-learn pipeline, or a search over one; the path of a .joblib, .pkl or .skops file that holds
    one, which is read without running any of it and without scikit-learn; or a LinearModel, which is given back.
    format: the source's kind, one of FORMATS; None: decide by what it is.

    Raises ModelImportError with the place in the pipeline, the reason and the way out if the source is not a model or
    cannot be carried over exactly, or if its file cannot be read.

    >>> import numpy as np
    >>> from nlucompress.linear import Namespace
    >>> model = LinearModel((Namespace("words"),), (("good",),), np.ones((1, 1)), np.zeros(1), np.array([0, 1]), "binary")
    >>> import_model(model) is model
    True
    """
    if isinstance(source, LinearModel):
        return source
    if format is not None and format not in FORMATS:
        raise ModelImportError(f"format {format!r} is not one of {', '.join(map(repr, FORMATS))}")
    from .files import read_file  # a program that only loads compressed models does without the readers of sources
    from .records import DAMAGE, clean, damage
    from .sklearn import import_sklearn

    if not isinstance(source, (str, os.PathLike)):
        return import_sklearn(source)
    name = os.path.basename(os.fsdecode(source))
    record = read_file(source)
    try:
        return import_sklearn(record)
    except ModelImportError as error:
        raise ModelImportError(clean(f"{name}: {error}")) from None
    except DAMAGE as error:
        raise ModelImportError(clean(f"{name}: {damage(error)}")) from None
