"""Where the files go, and the journal of what is finished. Only the parent process writes, each file whole or not at all.

The journal is JSON Lines: a line a model, with the key (a digest of source, data, options and version) and the SHA-256 of
its file. A line is written before its file. So a file that is there and whose digest a line has is a finished one, of the
line's key; a line without its file is work that was cut off.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import posixpath
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .. import bundle, fileformat, sources
from . import places
from .job import Record

WAITING_BYTES, WAITING_SECONDS = 1 << 26, 10  # of models that wait for a bundle
HEAD = "nlucompress fleet 1"  # what the first line of a journal says it is


class Target(Protocol):
    """A place for files by the names of their models."""

    def digest(self, name: str) -> str | None:
        """SHA-256 of the file that is there, or None."""

    def where(self, name: str) -> str:
        """The path or URL of a file."""

    def put(self, name: str, data: bytes, overwrite: bool) -> None:
        """Write a file. Raises FileExistsError, OSError."""

    def flush(self) -> None:
        """Write what was put and is still waiting."""


class Folder:
    """A folder of NAME.nluc."""

    def __init__(self, path: str) -> None:
        if os.path.exists(path) and not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, "a file, where a folder or a bundle (.nlub) is to be written", path)
        self.path = path
        os.makedirs(path, exist_ok=True)

    def digest(self, name: str) -> str | None:
        try:
            return sources.digest(Path(self.where(name)))[0]
        except FileNotFoundError:
            return None

    def where(self, name: str) -> str:
        return os.path.join(self.path, f"{name}.nluc")

    def put(self, name: str, data: bytes, overwrite: bool) -> None:
        fileformat.save(data, self.where(name), overwrite)

    def flush(self) -> None:
        pass


class RemoteFolder:
    """A folder of NAME.nluc that fsspec writes. Whether a file appears at once is up to the store; object stores do so."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._system, self._path = places.filesystem(self.url)
        self._system.makedirs(self._path, exist_ok=True)
        self._there = {posixpath.basename(str(one)) for one in self._system.ls(self._path, detail=False)}

    def digest(self, name: str) -> str | None:
        if f"{name}.nluc" not in self._there:
            return None
        return hashlib.sha256(self._system.cat_file(f"{self._path}/{name}.nluc")).hexdigest()

    def where(self, name: str) -> str:
        return f"{self.url}/{name}.nluc"

    def put(self, name: str, data: bytes, overwrite: bool) -> None:
        if not overwrite and f"{name}.nluc" in self._there:
            raise FileExistsError(f"{self.where(name)}: exists and is not overwritten unasked")
        self._system.pipe_file(f"{self._path}/{name}.nluc", data)

    def flush(self) -> None:
        pass


class BundleFile:
    """A bundle, made if it is not there. Models wait to be added many at once: each change writes a whole directory."""

    def __init__(self, path: str) -> None:
        self.path = path
        if not os.path.exists(path):
            bundle.create(path)
        self._bundle = bundle.Bundle(path)
        self._waiting: dict[str, bytes] = {}
        self._written, self._since = 0, time.monotonic()

    def digest(self, name: str) -> str | None:
        if name not in self._bundle:
            return None
        return hashlib.sha256(self._bundle.read(name)).hexdigest()

    def where(self, name: str) -> str:
        return self.path

    def put(self, name: str, data: bytes, overwrite: bool) -> None:
        if not overwrite and name in self._bundle:
            raise FileExistsError(f"{self.path}: model {name!r} exists and is not overwritten unasked")
        self._waiting[name] = data
        count, size = len(self._waiting), sum(map(len, self._waiting.values()))
        if size > WAITING_BYTES or (count > self._written / 8 and time.monotonic() - self._since > WAITING_SECONDS):
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            bundle.add(self.path, self._waiting, replace=True)
            self._written += len(self._waiting)
            self._waiting.clear()
        self._since = time.monotonic()


def open_target(output: str) -> Target:
    """The bundle (.nlub) or folder, here or elsewhere; it is made if it is not there."""
    if output.endswith(".nlub"):
        if places.is_url(output):
            raise ValueError(f"{output}: a bundle is written in place, on this machine; add it to the store afterwards")
        return BundleFile(output)
    return RemoteFolder(output) if places.is_url(output) else Folder(output)


def journal_of(output: str) -> str:
    """Where the journal of an output is, unless one is named. Raises ValueError for an output that is not a path."""
    if places.is_url(output):
        raise ValueError(f"{output}: the journal of an output elsewhere is kept here: name it (--journal FILE)")
    if output.endswith(".nlub"):
        return f"{output}.fleet.jsonl"
    return os.path.join(output, "fleet.jsonl")


@dataclass(frozen=True)
class Line:
    """key: of what the record is of. sha256: of the file; None if no candidate held the budget."""

    key: str
    sha256: str | None
    record: Record


class Journal:
    """The journal of one output, open for one run.

    Raises ValueError for a file that is no journal, BlockingIOError if another run has it open, OSError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lines: dict[str, list[Line]] = {}
        self._file = open(path, "a+b")  # noqa: SIM115
        try:
            _lock(self._file, path)
            self._read()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Let another run have it."""
        self._file.close()

    def last(self, name: str) -> Line | None:
        """The newest line of a model."""
        return self._lines[name][-1] if name in self._lines else None

    def lines(self, name: str) -> list[Line]:
        """All lines of a model, the newest first."""
        return self._lines.get(name, [])[::-1]

    def of_file(self, name: str, sha256: str) -> Line | None:
        """The newest line that a model's file is of."""
        return next((line for line in self.lines(name) if line.sha256 == sha256), None)

    def add(self, name: str, line: Line) -> None:
        """Append a line; it is in the system's hands when this returns."""
        self._write({"name": name, "key": line.key, "sha256": line.sha256, "record": line.record})
        self._lines.setdefault(name, []).append(line)

    def _write(self, value: Any) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def _read(self) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):  # a line that was cut off
            if not whole and not json.dumps({"journal": HEAD}).encode().startswith(data):
                raise ValueError(f"{self.path}: not a journal of compress-many")
            self._file.truncate(len(whole))
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                value = json.loads(text)
                if number == 1:
                    if value["journal"] != HEAD:
                        raise ValueError
                    continue
                line = Line(str(value["key"]), value["sha256"], dict(value["record"]))
                self._lines.setdefault(value["name"], []).append(line)
            except (ValueError, KeyError, TypeError):
                what = "not a journal of compress-many" if number == 1 else f"line {number} is damaged"
                raise ValueError(f"{self.path}: {what}") from None
        if not whole:
            self._write({"journal": HEAD})


def _lock(file: Any, path: str) -> None:
    """One run at a time, where the system can say so."""
    with contextlib.suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(f"{path}: another run is writing here") from None


@contextlib.contextmanager
def opened(output: str, journal: str | None) -> Iterator[tuple[Target, Journal]]:
    """Output and journal for one run; what waits is written at its end, however it ends."""
    path = journal or journal_of(output)
    target = open_target(output)
    book = Journal(path)
    try:
        yield target, book
    finally:
        try:
            target.flush()
        finally:
            book.close()
