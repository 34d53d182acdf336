"""A model file of any kind, by its content: skops, or pickle and joblib."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import ModelImportError
from ..fileformat import MAGIC
from . import pickles, records, skops

HEAD = 200  # bytes that say whether a file is text


def read_file(path: str | os.PathLike[str], limit: int = records.LIMIT) -> Any:
    """What a .skops, .joblib or .pkl file holds, as plain data, Records and Globals, without running any of it.

    The content decides, not the name. limit: most bytes that compressed content may unpack to.
    Raises ModelImportError with the file's name, the place and the reason.
    """
    path = Path(path)
    data = records.read_bytes(path)
    if bytes(data[: len(MAGIC)]) == MAGIC:
        raise ModelImportError(f"{path.name}: a .nluc file is compressed already; compress what it was made of")
    if skops.is_skops(data):
        return skops.loads(data, path.name, limit)
    try:
        return pickles.loads(data, path.name, limit)
    except (ModelImportError, *records.DAMAGE):
        if not _is_text(data):
            raise
        line = bytes(data[:HEAD]).decode().splitlines()[0]
        raise ModelImportError(
            f"{path.name}: text of no known format: {line!r:.60}. The first line of a table names its columns (feature, "
            "label, weight); format (--format) says what else it is"
        ) from None


def _is_text(data: bytes | memoryview) -> bool:
    """Whether it begins as a line of text, and does not end as a pickle, which may be text too."""
    head = bytes(data[:HEAD])
    plain = head.replace(b"\n", b"").replace(b"\r", b"").replace(b"\t", b"")
    return bytes(data[-1:]) != b"." and plain.isascii() and bool(plain) and plain.decode().isprintable()
