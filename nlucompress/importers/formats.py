"""What an importer of one source format says of itself, and the table of all of them.

A format comes as a file, as an object (live, or the record that a pickle holds), or as both. To add one: write a module
whose ``FORMAT`` is a Format, and name the module in MODULES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ModelImportError
from ..linear import LinearModel

MODULES = (
    "crfsuite",
    "sklearn",
    "nltk",
    "opennlp",
    "snips",
    "fasttext",
    "liblinear",
    "vowpal_wabbit",
    "table",
)  # in this order
HEAD = 1 << 16  # bytes of a file that sniffing sees


@dataclass(frozen=True)
class Format:
    """One source format.

    name: what ``format=`` and ``--format`` take. what: one line for people, with the tool that writes it. exact, limits:
    what is carried over exactly, and what is not (or is refused).
    sniff: whether the first HEAD bytes of a file are of this format; never raises. read: the file's model; the second
    argument is the path of a file of feature names, for formats without names of their own, else None.
    folder: files inside a folder, the first of which that is there makes read take the folder.
    claims: whether an object, live or a record, is of this format; of: its model.
    """

    name: str
    what: str
    exact: str
    limits: str
    sniff: Callable[[bytes], bool] | None = None
    read: Callable[[Path, Path | None], LinearModel] | None = None
    folder: tuple[str, ...] = ()
    claims: Callable[[Any], bool] | None = None
    of: Callable[[Any], LinearModel] | None = None


def formats() -> dict[str, Format]:
    """All formats by name, in the order in which they are asked."""
    found = (import_module(f".{module}", __package__).FORMAT for module in MODULES)
    return {one.name: one for one in found}


def named(name: str) -> Format:
    """The format of this name. Raises ModelImportError."""
    known = formats()
    if name not in known:
        raise ModelImportError(f"format {name!r} is not one of {', '.join(map(repr, known))}")
    return known[name]


def of_head(head: bytes) -> Format | None:
    """The format of a file that begins with head, if it is one with a reader of its own."""
    return next((one for one in formats().values() if one.sniff is not None and one.sniff(head)), None)


def of_folder(path: Path) -> Format | None:
    """The format of which a folder is, if it is one's."""
    return next((one for one in formats().values() if any((path / name).is_file() for name in one.folder)), None)


def of_object(source: Any) -> Format | None:
    """The format that claims an object or record, if one does."""
    return next((one for one in formats().values() if one.claims is not None and one.claims(source)), None)
