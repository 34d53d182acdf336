"""A model file of any kind, by its content: skops, or pickle and joblib."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import ModelImportError
from ..fileformat import MAGIC
from . import pickles, records, skops


def read_file(path: str | os.PathLike[str], limit: int = records.LIMIT) -> Any:
    """What a .skops, .joblib or .pkl file holds, as plain data, Records and Globals, without running any of it.

    The content decides, not the name. limit: most bytes that compressed content may unpack to.
    Raises ModelImportError with the file's name, the place and the reason.
    """
    path = Path(path)
    data = records.read_bytes(path)
    if bytes(data[: len(MAGIC)]) == MAGIC:
        raise ModelImportError(f"{path.name}: a .nluc file is compressed already; compress what it was made of")
    reader = skops.loads if skops.is_skops(data) else pickles.loads
    return reader(data, path.name, limit)
