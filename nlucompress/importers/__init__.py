"""Importers: one source format -> LinearModel each, and the choice between them.

formats.py has the table. A pickle, joblib or .skops is first read into inert records (files.py), then imported like the
live object it describes; other files have readers of their own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelImportError
from ..linear import LinearModel

if TYPE_CHECKING:
    from .formats import Format


def import_model(source: Any, *, format: str | None = None, names: str | os.PathLike[str] | None = None) -> LinearModel:
    """Any source as a LinearModel: what ``nlucompress.compress`` starts from.

    source: a fitted estimator, such as a scikit-learn pipeline or a search over one, or a classifier of NLTK's; the path of
    a model's file (or folder, of the formats that are one), which is read without running any of it and without the tool
    that wrote it; or a LinearModel, which is given back.
    format: the source's format, by the names that ``nlucompress formats`` prints; None: decide by the content.
    names: a file of feature names, for formats whose files have none.

    Raises ModelImportError with the place in the source, the reason and the way out if it is not a model or cannot be
    carried over exactly, or if its file cannot be read.

    >>> import numpy as np
    >>> from nlucompress.linear import Namespace
    >>> model = LinearModel((Namespace("words"),), (("good",),), np.ones((1, 1)), np.zeros(1), np.array([0, 1]), "binary")
    >>> import_model(model) is model
    True
    """
    if isinstance(source, LinearModel):
        return source
    from .formats import named  # a program that only loads compressed models does without the readers of sources

    asked = None if format is None else named(format)
    if isinstance(source, (str, os.PathLike)):
        return _of_file(Path(source), asked, None if names is None else Path(names))
    if names is not None:
        raise ModelImportError("names go with a file that has none, not with an object")
    return _of_object(source, asked)


def _of_file(path: Path, asked: Format | None, names: Path | None) -> LinearModel:
    """A file's model: by the format's own reader, or as the object that a pickle or a .skops holds."""
    from .files import read_file
    from .formats import HEAD, of_folder, of_head
    from .records import DAMAGE, clean, damage, read_bytes

    one = asked or (of_folder(path) if path.is_dir() else None) or of_head(read_bytes(path, HEAD))
    if one is not None and one.read is None:
        one = None
    if one is None and names is not None:
        raise ModelImportError(f"{path.name}: this file brings its feature names; names go with files that have none")
    try:
        if one is not None:
            assert one.read is not None
            return one.read(path, names)
        return _of_object(read_file(path), asked)
    except ModelImportError as error:
        words = str(error)
        raise ModelImportError(
            clean(words if words.startswith(f"{path.name}: ") else f"{path.name}: {words}")
        ) from None
    except OSError as error:
        raise ModelImportError(clean(f"{path.name}: cannot be read: {error.strerror or error}")) from None
    except DAMAGE as error:
        raise ModelImportError(clean(f"{path.name}: {damage(error)}")) from None


def _of_object(source: Any, asked: Format | None) -> LinearModel:
    """An object's model; what no format claims is scikit-learn's to refuse."""
    from .formats import named, of_object

    one = asked or of_object(source) or named("scikit-learn")
    if one.of is None:
        raise ModelImportError(f"format {one.name!r} is read from a file, not from {type(source).__name__}")
    return one.of(source)
