"""What a trained model is on disk: a file, or a folder of files, such as those of Snips NLU and NLTK."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def files_of(path: Path) -> list[Path]:
    """The file itself, or all files below a folder, in order."""
    return sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


def size_of(path: str | os.PathLike[str]) -> int:
    """Bytes of all files. Raises OSError."""
    return sum(one.stat().st_size for one in files_of(Path(path)))


def digest(path: str | os.PathLike[str]) -> tuple[str, int]:
    """SHA-256 and bytes of a file; of a folder, of the names and bytes of all files in it, in order. Raises OSError."""
    path = Path(path)
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    parts, total = hashlib.sha256(), 0
    for one in files_of(path):
        found, length = digest(one)
        parts.update(f"{one.relative_to(path).as_posix()}\0{found}\n".encode())
        total += length
    return parts.hexdigest(), total
