"""Paths and URLs. A path is read as it is; a URL (s3://…, memory://…) through fsspec, a copy in a temporary folder."""

from __future__ import annotations

import contextlib
import glob
import importlib
import os
import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::|://)")  # a letter alone is a drive
PART = 1 << 20


def require(module: str) -> Any:
    """Import a module of the extra "fleet", or say how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:
            raise
        package = {"distributed": "dask[distributed]"}.get(top, top)
        what = f"pip install {top}" if top == "ray" else 'pip install "nlucompress[fleet]"'
        raise ModuleNotFoundError(f"compressing a fleet needs the package {package}: {what}", name=top) from None


def is_url(path: str) -> bool:
    """Whether a path is fsspec's to read.

    >>> is_url("s3://bucket/a.joblib"), is_url("/models/a.joblib"), is_url("C:/models/a.joblib")
    (True, False, False)
    """
    return URL.match(path) is not None


def filesystem(url: str) -> tuple[Any, str]:
    """The file system that fsspec has for a URL, and the path in it."""
    system, path = require("fsspec").core.url_to_fs(url)
    return system, str(path)


def is_pattern(path: str) -> bool:
    """Whether a path has wildcards, and no file of that very name is there."""
    return glob.has_magic(path) and (is_url(path) or not os.path.lexists(path))


def matches(pattern: str) -> list[str]:
    """The paths that a pattern matches, sorted. Raises FileNotFoundError if there is none."""
    if is_url(pattern):
        system, path = filesystem(pattern)
        found = [system.unstrip_protocol(one) for one in system.glob(path)]
    else:
        found = glob.glob(pattern, recursive=True)
    if not found:
        raise FileNotFoundError(f"{pattern}: no file matches")
    return sorted(found)


def beside(manifest: str, path: str) -> str:
    """A path that a manifest names: relative ones start at its folder."""
    if is_url(path) or os.path.isabs(path):
        return path
    if is_url(manifest):
        return posixpath.join(posixpath.dirname(manifest), path)
    return os.path.join(os.path.dirname(manifest), path)


def read(path: str) -> bytes:
    """All bytes of a file."""
    if not is_url(path):
        return Path(path).read_bytes()
    system, inner = filesystem(path)
    return bytes(system.cat_file(inner))


def missing(paths: Mapping[str, str]) -> list[tuple[str, str]]:
    """Those of the paths that are not there, with their values. A folder of an object store is listed once."""
    listed: dict[str, set[str] | None] = {}

    def there(path: str) -> bool:
        if not is_url(path):
            return os.path.exists(path)
        system, inner = filesystem(path)
        folder = posixpath.dirname(path)
        if folder not in listed:
            try:
                listed[folder] = {str(one).rstrip("/") for one in system.ls(posixpath.dirname(inner), detail=False)}
            except (OSError, RuntimeError):  # no folder, or a protocol that lists none
                listed[folder] = None
        names = listed[folder]
        return (names is not None and inner.rstrip("/") in names) or bool(system.exists(inner))

    return [(path, place) for path, place in paths.items() if not there(path)]


@contextlib.contextmanager
def local(*paths: str | None) -> Iterator[list[Path | None]]:
    """Each path as one of this machine, under its own name; what was copied is gone afterwards."""
    with contextlib.ExitStack() as stack:
        found: list[Path | None] = []
        for path in paths:
            if path is None or not is_url(path):
                found.append(None if path is None else Path(path))
                continue
            system, inner = filesystem(path)
            target = Path(stack.enter_context(tempfile.TemporaryDirectory())) / posixpath.basename(inner.rstrip("/"))
            system.get(inner, str(target), recursive=bool(system.isdir(inner)))
            found.append(target)
        yield found
