"""Bundles: one .nlub file of many models, found by name. FORMAT.md, "Bundles", is normative; the ids below are its.

A bundle is a preamble, two slots, and then models and directories in the order in which they were written. A slot says
where a directory is. A change appends models and a new directory, and then overwrites the older slot: until that one write
of 64 bytes is done, the bundle is what it was, and who has the older state open goes on with it, because nothing that a
slot has pointed to is written again. What no directory names any more stays in the file until ``compact``.

A directory finds a name by the perfect hash of index.py and compares the whole name, so that an unknown one is never taken
for a model. It is a few arrays, checked without a loop: 45,000 models open in milliseconds.

Models are stored as their files are, byte for byte, and equal files once. Equal sections of different files are not shared:
of trained models there are none (benchmarks/README.md has the count), and a model stays one range of bytes.
"""

from __future__ import annotations

import bisect
import contextlib
import errno
import mmap
import os
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from . import fileformat
from .backend import backend
from .errors import BuildError, FormatError
from .index import BLOCK_BITS, MAX_LEVELS, build, find_one, hash_names
from .runtime import Model

MAGIC = fileformat.BUNDLE_MAGIC
DIRECTORY_MAGIC = b"NLUBDIR\x00"
MAJOR, MINOR = 1, 0
PREAMBLE = struct.Struct("<8sHHI")  # magic, major, minor, CRC-32 of the 12 bytes before
SLOT = struct.Struct("<8sQQQI24xI")  # magic, sequence, directory's offset, length and CRC-32, CRC-32 of all before
SLOT_MAGIC = b"NLUBSLOT"
SLOTS = (4096, 8192)  # each in a page of its own: a write that is torn tears one
START = 12288
DIRECTORY = struct.Struct("<8sQIIII32x")  # magic, sequence, models, bytes of names, levels, seed
ENTRY = np.dtype([("offset", "<u8"), ("length", "<u8"), ("digest", "<u8")])
ALIGN = 64
MAX_MODELS = 1 << 24
MAX_NAME = 240  # bytes; with ".nluc" it is a file's name on any system
FORBIDDEN = b"/\\\x7f"  # and what is below 32

Source = bytes | str | os.PathLike[str]
"""What is put in: the bytes of a .nluc file, or its path."""


@dataclass(frozen=True)
class Entry:
    """One model of a bundle: bytes offset..offset + length of the file. digest: of its SHA-256, 8 bytes."""

    name: str
    offset: int
    length: int
    digest: int


def check_name(name: str) -> bytes:
    """The UTF-8 of a model's name. Raises ValueError for one that no bundle takes (B8)."""
    if not isinstance(name, str):
        raise TypeError(f"a model's name is a str, not {type(name).__name__}")
    try:
        data = name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"model name {name!r:.80}: {error.reason}") from None
    if not 1 <= len(data) <= MAX_NAME:
        raise ValueError(f"model name {name!r:.80}: {len(data)} bytes, not 1..{MAX_NAME}")
    if name in (".", "..") or any(byte < 32 or byte in FORBIDDEN for byte in data):
        raise ValueError(f"model name {name!r:.80}: it is '.' or '..', or has '/', '\\' or a control character")
    return data


# -- reading ----------------------------------------------------------------------------------------------------------


class Bundle:
    """A bundle as it is when it is opened; later changes are another state, for another Bundle. A context manager.

    Raises FormatError (with the file's name and the rule) for a file that is damaged, foreign or too new; OSError.

    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/fleet.nlub"
    >>> create(path)["models"]
    0
    >>> with Bundle(path) as bundle:
    ...     list(bundle), "weather" in bundle
    ([], False)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._fd = -1
        fileformat.regular(path)
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        status = os.fstat(self._fd)
        self.identity = status.st_dev, status.st_ino
        try:
            self.state = read_state(self._fd)
        except FormatError as error:
            raise FormatError(f"{self.path}: {error}") from None

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, as happens when nothing holds the bundle any more. Models that were made of it live on."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __len__(self) -> int:
        return self.state.count

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.state.find(name) is not None

    def __getitem__(self, name: str) -> Entry:
        """Where a model lies. Raises KeyError."""
        entry = self.state.find(name)
        if entry is None:
            raise KeyError(name)
        return entry

    def names(self) -> list[str]:
        """All names, ascending by their UTF-8. Raises FormatError if they do not, or are not UTF-8 (B7, B8)."""
        try:
            return self.state.names()
        except FormatError as error:
            raise FormatError(f"{self.path}: {error}") from None

    def entries(self) -> list[Entry]:
        """All models, by name. Raises as ``names``."""
        self.names()
        return _entries(self.state)

    def fileno(self) -> int:
        """The open file's descriptor."""
        if self._fd < 0:
            raise ValueError(f"{self.path}: the bundle is closed")
        return self._fd

    def read(self, name: str) -> bytes:
        """The bytes of a model's own file. Raises KeyError; FormatError if they are not those that were put in."""
        entry = self[name]
        data = _read_at(self.fileno(), entry.offset, entry.length)
        if _digest(data) != entry.digest:
            raise FormatError(f"{self.path}: model {name!r}: its preamble is not the one that was stored (B10)")
        return data

    def model(self, name: str) -> Model:
        """A model, opened from its bytes in memory. ModelStore maps them. Raises KeyError, FormatError."""
        try:
            return Model(self.read(name))
        except FormatError as error:
            raise FormatError(f"{self.path}: model {name!r}: {error}") from None

    def info(self) -> dict[str, Any]:
        """Counts and bytes: the file's, the models', the directory's, and what ``compact`` would give back."""
        state = self.state
        places = np.unique(state.entries[["offset", "length"]])
        stored = int(places["length"].sum())
        size = os.fstat(self.fileno()).st_size
        return {
            "models": state.count, "distinct": len(places), "bytes": size, "bytes_models": stored,
            "bytes_directory": state.length, "bytes_unused": size - START - stored - state.length,
            "sequence": state.sequence, "damage": state.damage,
        }  # fmt: skip


class State:
    """A directory, checked. Its arrays are views of ``buffer``; damage: why it is not the newest one, or None."""

    def __init__(self, buffer: memoryview, sequence: int, offset: int, damage: str | None) -> None:
        self.length, self.sequence, self.offset, self.damage = len(buffer), sequence, offset, damage
        if len(buffer) < DIRECTORY.size:
            raise FormatError(f"directory: {len(buffer)} bytes are less than {DIRECTORY.size} (B5)")
        magic, own, count, text, n_levels, seed = DIRECTORY.unpack_from(buffer)
        if magic != DIRECTORY_MAGIC or own != sequence:
            raise FormatError(f"directory: magic {magic!r} and sequence {own}, the slot's is {sequence} (B5)")
        if count > MAX_MODELS or n_levels > MAX_LEVELS:
            raise FormatError(f"directory: {count} models, {n_levels} levels, at most {MAX_MODELS}, {MAX_LEVELS} (B5)")
        at = DIRECTORY.size
        if len(buffer) < at + 4 * n_levels:
            raise FormatError(f"directory: {n_levels} levels exceed its {len(buffer)} bytes (B5)")
        levels = struct.unpack_from(f"<{n_levels}I", buffer, at)
        if not (bool(levels) == bool(count) and count <= sum(levels) < 1 << 32 and all(levels)):
            raise FormatError(f"directory: {count} models in levels of {sum(levels)} bits (B6)")
        places = []
        for size in (4 * n_levels, 64 * -(-sum(levels) // BLOCK_BITS), 4 * count, ENTRY.itemsize * count, text):
            places.append(buffer[at : at + size])
            at = fileformat.align(at + size)
        if at != len(buffer):
            raise FormatError(f"directory: its parts take {at} bytes, the slot says {len(buffer)} (B5)")
        self.count: int = count
        self.levels: tuple[int, ...] = levels
        self.seed: int = seed
        self._blocks = places[1]
        self._order = np.frombuffer(places[2], "<u4")
        self.entries = np.frombuffer(places[3], ENTRY)
        self._text = places[4]
        self._check_names()
        self._check_entries()

    def _check_names(self) -> None:
        text = np.frombuffer(self._text, np.uint8)
        self._ends = np.flatnonzero(text == 0).astype(np.uint32)
        lengths = np.diff(self._ends.astype(np.int64), prepend=-1) - 1
        if len(self._ends) != self.count or (self.count and self._ends[-1] != len(text) - 1):
            raise FormatError(f"directory: {len(self._ends)} names in {len(text)} bytes, of {self.count} models (B7)")
        if self.count and not 1 <= lengths.min() <= lengths.max() <= MAX_NAME:
            raise FormatError(f"directory: names of {lengths.min()} to {lengths.max()} bytes, not 1..{MAX_NAME} (B8)")
        if np.count_nonzero(text < 32) > self.count or any((text == byte).any() for byte in FORBIDDEN):
            raise FormatError("directory: a name has '/', '\\' or a control character (B8)")
        if self.count and int(self._order.max()) >= self.count:
            raise FormatError(f"directory: slot of model {int(self._order.max())}, there are {self.count} (B6)")

    def _check_entries(self) -> None:
        if not self.count:
            return
        offset = np.ascontiguousarray(self.entries["offset"])
        length = np.ascontiguousarray(self.entries["length"])
        most = self.offset  # below 2^63: sums of two numbers that are not above it do not overflow
        if max(int(offset.max()), int(length.max())) <= most and int(offset.min()) >= START and int(length.min()) >= 64:
            ends = offset + length
            aligned = not int(np.bitwise_or.reduce(offset)) % ALIGN
            if int(ends.max()) <= most and aligned and (ends[:-1] <= offset[1:]).all():
                return  # as a new bundle has them: in the order of their names
        good = (offset >= START) & (offset % ALIGN == 0) & (length >= 64) & (length <= self.offset)
        good &= offset <= np.uint64(self.offset) - np.minimum(length, np.uint64(self.offset))
        if not good.all():
            bad = int(np.argmin(good))
            raise FormatError(
                f"directory: model {self.name(bad)!r}: offset {offset[bad]} + length {length[bad]}: not a multiple of "
                f"{ALIGN} from {START} on that ends before the directory at {self.offset} (B9)"
            )
        if (np.diff(offset.astype(np.int64)) <= 0).any():  # not in the order of names: as after an addition
            order = np.argsort(offset, kind="stable")
            offset, length = offset[order], length[order]
        ends, equal = offset[:-1] + length[:-1], offset[1:] == offset[:-1]
        good = np.where(equal, length[1:] == length[:-1], offset[1:] >= ends)
        if not good.all():
            bad = int(np.argmin(good))
            raise FormatError(f"directory: models at {offset[bad]} (of {length[bad]} bytes) and {offset[bad + 1]} "
                              f"(of {length[bad + 1]}) overlap (B9)")  # fmt: skip

    def name(self, number: int) -> str:
        """The name of one entry."""
        start = int(self._ends[number - 1]) + 1 if number else 0
        return str(self._text[start : int(self._ends[number])], "utf-8", "replace")

    def names(self) -> list[str]:
        """All names, ascending by their UTF-8. Checked here: no look-up relies on it. Raises FormatError."""
        try:
            names = str(self._text, "utf-8").split("\0")[:-1]
        except UnicodeDecodeError as error:
            raise FormatError(f"directory: names: not UTF-8: {error} (B8)") from None
        if sorted(names) != names:  # the order of code points is that of UTF-8
            first = next(one for one, other in pairwise(names) if one > other)
            raise FormatError(f"directory: the names do not ascend after {first!r} (B7)")
        for name in (".", ".."):
            if name in names[(at := bisect.bisect_left(names, name)) : at + 1]:
                raise FormatError("directory: a name is '.' or '..' (B8)")
        return names

    def find(self, name: str) -> Entry | None:
        """Where a model lies, or None. A few microseconds."""
        try:
            wanted = name.encode()
        except UnicodeEncodeError:
            return None
        half, other = hash_names([name], self.seed)[0].tolist()
        slot = find_one(half, other, self.levels, self._blocks, self.count)
        if slot < 0:
            return None
        number = int(self._order[slot])
        start = int(self._ends[number - 1]) + 1 if number else 0
        if self._text[start : int(self._ends[number])] != wanted:
            return None
        offset, length, digest = self.entries[number].item()
        return Entry(name, offset, length, digest)


def read_state(fd: int) -> State:
    """The newest directory of an open file that is whole."""
    size = os.fstat(fd).st_size
    head = _read_at(fd, 0, min(size, START))
    if head[:8] != MAGIC[: len(head)] or not head:
        raise FormatError(f"not a .nlub file: it starts with {head[:8]!r}, not {MAGIC!r} (B1)")
    if size < START:
        raise FormatError(f"preamble and slots: {START} bytes exceed the file's {size} bytes (B1)")
    _, major, minor, crc = PREAMBLE.unpack_from(head)
    if zlib.crc32(head[:12]) != crc:
        raise FormatError("preamble: its CRC-32 does not match (B1)")
    if major != MAJOR:
        raise FormatError(f"bundle version {major}.{minor}, this nlucompress reads {MAJOR}.x: install a newer one (B2)")
    slots, errors = [], []
    for number, at in enumerate(SLOTS):
        magic, sequence, offset, length, crc, own = SLOT.unpack_from(head, at)
        if magic == SLOT_MAGIC and own == zlib.crc32(head[at : at + 60]) and sequence % 2 == number:
            slots.append((sequence, offset, length, crc))
        elif any(head[at : at + SLOT.size]):
            errors.append(f"slot {number}: damaged, or being written (B3)")
    for sequence, offset, length, crc in sorted(slots, reverse=True):
        try:
            buffer = _directory(fd, size, offset, length)
            if zlib.crc32(buffer) != crc:
                raise FormatError("directory: its CRC-32 does not match (B4)")
            return State(buffer, sequence, offset, "; ".join(errors) or None)
        except FormatError as error:
            errors.append(f"state {sequence}: {error}")
    raise FormatError("; ".join(errors) or "no slot is written (B3)")


def _directory(fd: int, size: int, offset: int, length: int) -> memoryview:
    """A map of the directory."""
    if offset < START or offset % ALIGN or offset > size or length > size - offset or length < DIRECTORY.size:
        raise FormatError(f"directory: offset {offset} (a multiple of {ALIGN} from {START} on) + length {length} "
                          f"exceeds the file's {size} bytes: truncated? (B4)")  # fmt: skip
    return _map_at(fd, offset, length)


def _map_at(fd: int, offset: int, length: int) -> memoryview:
    """A map of bytes, not none, of a file. Raises ValueError if it ends before."""
    skip = offset % mmap.ALLOCATIONGRANULARITY
    mapped = mmap.mmap(fd, skip + length, access=mmap.ACCESS_READ, offset=offset - skip)
    return memoryview(mapped)[skip:]


def _read_at(fd: int, offset: int, length: int) -> bytes:
    """Bytes of a file; threads may read at once. Raises FormatError if it ends before."""
    parts = []
    while length:
        if hasattr(os, "pread"):
            part = os.pread(fd, length, offset)
        else:  # Windows, where nobody can cut a file that is mapped
            try:
                part = bytes(_map_at(fd, offset, length))
            except ValueError:
                part = b""
        if not part:
            raise FormatError(f"the file ends at {offset}, {length} bytes more were expected: was it cut meanwhile?")
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return b"".join(parts)


def _digest(data: bytes | memoryview) -> int:
    """What an entry keeps of a model: the first 8 bytes of the SHA-256 in its preamble."""
    return int.from_bytes(data[32:40], "little")


# -- writing ----------------------------------------------------------------------------------------------------------


def create(path: str | os.PathLike[str], models: Mapping[str, Source] | Iterable[tuple[str, Source]] = (),
           overwrite: bool = False) -> dict[str, Any]:  # fmt: skip
    """Write a new bundle, whole or not at all. Models are taken one by one, in their order: the same ones, the same bytes.

    Returns Bundle.info. Raises BuildError for a name that no bundle takes or that comes twice, FormatError for a model that
    is none (naming it), FileExistsError, OSError.
    """
    with _fresh(path, overwrite) as file:
        _fill(file.fileno(), _pairs(models))
    return _info(path)


def add(path: str | os.PathLike[str], models: Mapping[str, Source] | Iterable[tuple[str, Source]], replace: bool = False,
        timeout: float = 60.0) -> dict[str, Any]:  # fmt: skip
    """Add models to a bundle, all of them or, on any error, none. Models are taken one by one, so that many fit.

    replace: whether a model may take the place of one of its name. timeout: seconds to wait for another writer. Each call
    writes a directory of 40 bytes and a name a model: add many at once. Returns Bundle.info.
    Raises as ``create``; TimeoutError.
    """
    with _locked(path, timeout) as (fd, state):
        old = {entry.name: entry for entry in _entries(state)}
        known = {(entry.digest, entry.length): entry.offset for entry in old.values()}
        end, added = state.offset + state.length, dict[str, Entry]()
        with _undone(fd, end):
            for name, source in _pairs(models):
                _name(name)
                if name in added or (name in old and not replace):
                    raise BuildError(f"model {name!r} {'comes twice' if name in added else 'is there already'}")
                added[name], end = _append(fd, end, name, source, known)
            _commit(fd, end, old | added, state.sequence + 1)
    return _info(path)


def remove(path: str | os.PathLike[str], names: Iterable[str], timeout: float = 60.0) -> dict[str, Any]:
    """Take names out of a bundle, all or, if one is not there, none. ``compact`` gives the bytes back.

    Returns Bundle.info. Raises KeyError naming those that are not there; FormatError, OSError, TimeoutError.
    """
    with _locked(path, timeout) as (fd, state):
        left = {entry.name: entry for entry in _entries(state)}
        gone = [names] if isinstance(names, str) else list(dict.fromkeys(names))
        missing = [name for name in gone if left.pop(name, None) is None]
        if missing:
            raise KeyError(", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else ""))
        end = state.offset + state.length
        with _undone(fd, end):
            _commit(fd, end, left, state.sequence + 1)
    return _info(path)


def compact(path: str | os.PathLike[str], timeout: float = 60.0) -> dict[str, Any]:
    """Write a bundle anew, by name and without what nothing names, and put it in the old one's place.

    Who has the old one open goes on with it. Returns Bundle.info. Raises FormatError, OSError, TimeoutError.
    """
    path = os.path.realpath(path)  # a link stays one, so that all its readers see the new bundle
    with _locked(path, timeout) as (old, state), _fresh(path, overwrite=True) as file:
        _fill(file.fileno(), ((entry.name, _read_at(old, entry.offset, entry.length)) for entry in _entries(state)))
    return _info(path)


def extract(path: str | os.PathLike[str], folder: str | os.PathLike[str], names: Iterable[str] | None = None,
            overwrite: bool = False) -> list[str]:  # fmt: skip
    """Write models to folder as NAME.nluc, the bytes that were put in; all of them, or those named. Returns the paths.

    The folder is made if it is not there. Raises before anything is written KeyError for a name that is not there,
    FileExistsError for files that are, and BuildError if one is the bundle itself; FormatError, OSError.
    """
    with Bundle(path) as bundle:
        chosen = bundle.names() if names is None else list(names)
        paths = {os.path.join(os.fsdecode(folder), f"{name}.nluc"): bundle[name].name for name in chosen}
        there = list(filter(os.path.exists, paths))
        for target in there:
            if os.path.samefile(target, path):
                raise BuildError(f"{target} is the bundle that is read")
        if there and not overwrite:
            more = f", and {len(there) - 1:,} more" if len(there) > 1 else ""
            raise FileExistsError(f"{there[0]}{more}: exists and is not overwritten unasked")
        os.makedirs(folder, exist_ok=True)
        for target, name in paths.items():
            fileformat.save(bundle.read(name), target, overwrite)
    return list(paths)


def verify(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Check all of a bundle: the directory, that each name finds its entry, and every byte and row of each model.

    Returns Bundle.info and ``errors``: {name: what is wrong}. One damaged model does not hide another.
    Raises FormatError if the bundle itself cannot be read.
    """
    errors, checked, before = {}, dict[tuple[int, int], str | None](), ""
    with Bundle(path) as bundle:
        for entry in bundle.entries():
            if entry.name == before:
                raise FormatError(f"{bundle.path}: directory: {before!r} is there twice (B7)")
            before = entry.name
            place = entry.offset, entry.length
            if place not in checked:
                try:
                    Model(bundle.read(entry.name), verify="full")
                    checked[place] = None
                except (KeyError, FormatError) as error:
                    checked[place] = str(error)
            wrong = checked[place] if entry.name in bundle else "the index does not find it (B6)"
            if wrong:
                errors[entry.name] = wrong
        return {**bundle.info(), "errors": errors}


def find_models(paths: Iterable[str | os.PathLike[str]]) -> list[tuple[str, str]]:
    """(name, path) of .nluc files, and of those in folders, by name.

    Raises BuildError for two of one name and for a folder without any; OSError.
    """
    found: dict[str, str] = {}
    for path in map(os.fsdecode, paths):
        inside = sorted(os.listdir(path)) if os.path.isdir(path) else None
        files = [path] if inside is None else [os.path.join(path, one) for one in inside if one.endswith(".nluc")]
        if not files:
            raise BuildError(f"{path}: a folder without .nluc files")
        for file in files:
            name = os.path.basename(file).removesuffix(".nluc")
            if name in found:
                raise BuildError(f"model {name!r} comes twice: {found[name]} and {file}")
            found[name] = file
    return sorted(found.items())


def _info(path: str | os.PathLike[str]) -> dict[str, Any]:
    with Bundle(path) as bundle:
        return bundle.info()


def _entries(state: State) -> list[Entry]:
    numbers = (state.entries[field].tolist() for field in ("offset", "length", "digest"))
    return [Entry(*one) for one in zip(state.names(), *numbers, strict=True)]


def _pairs(models: Mapping[str, Source] | Iterable[tuple[str, Source]]) -> Iterable[tuple[str, Source]]:
    return models.items() if isinstance(models, Mapping) else models


def _name(name: str) -> bytes:
    try:
        return check_name(name)
    except ValueError as error:
        raise BuildError(str(error)) from None


def _load(name: str, source: Source) -> bytes:
    """A model's bytes, every checksum checked: what is damaged is not put in."""
    try:
        if isinstance(source, (str, os.PathLike)):
            fileformat.regular(source)
            with open(source, "rb") as file:
                source = file.read()
        elif not isinstance(source, bytes):
            raise TypeError(f"model {name!r}: expected bytes or a path, got {type(source).__name__}")
        fileformat.decode(source, verify="full")
        if backend() == "native":
            from .lean import LeanModel  # the same checks, several times as fast

            LeanModel(source)
        else:
            Model(source)
    except FormatError as error:
        raise FormatError(f"model {name!r}: {error}") from None
    return source


def _append(fd: int, end: int, name: str, source: Source, known: dict[tuple[int, int], int]) -> tuple[Entry, int]:
    """Write a model at ``end``, unless its bytes are there; its entry, and the new end."""
    data = _load(name, source)
    digest, length = _digest(data), len(data)
    offset = known.get((digest, length))
    if offset is None or _read_at(fd, offset, length) != data:
        offset, end = end, fileformat.align(end + length)
        _write_at(fd, offset, data)
        known[digest, length] = offset
    return Entry(name, offset, length, digest), end


def _fill(fd: int, models: Iterable[tuple[str, Source]]) -> None:
    """A new file's content: models in the order given."""
    front = struct.pack("<8sHH", MAGIC, MAJOR, MINOR)
    _write_at(fd, 0, (front + struct.pack("<I", zlib.crc32(front))).ljust(START, b"\0"))
    end, entries, known = START, dict[str, Entry](), dict[tuple[int, int], int]()
    for name, source in models:
        _name(name)
        if name in entries:
            raise BuildError(f"model {name!r} comes twice")
        entries[name], end = _append(fd, end, name, source, known)
    _commit(fd, end, entries, 1)


def _commit(fd: int, end: int, entries: Mapping[str, Entry], sequence: int) -> None:
    """Write the directory at ``end``; when that and the models are on the disk, the slot."""
    directory = encode_directory(entries, sequence)
    _write_at(fd, end, directory)
    os.fsync(fd)
    slot = SLOT.pack(SLOT_MAGIC, sequence, end, len(directory), zlib.crc32(directory), 0)[:60]
    _write_at(fd, SLOTS[sequence % 2], slot + struct.pack("<I", zlib.crc32(slot)))
    os.fsync(fd)


def encode_directory(entries: Mapping[str, Entry], sequence: int) -> bytes:
    """The bytes of a directory: see FORMAT.md."""
    if len(entries) > MAX_MODELS:
        raise BuildError(f"{len(entries)} models, the limit is {MAX_MODELS}")
    ordered = [entries[name] for name in sorted(entries)]
    index, slots, _ = build([[entry.name for entry in ordered]])
    order = np.zeros(len(ordered), "<u4")
    order[slots] = np.arange(len(ordered))
    table = np.array([(entry.offset, entry.length, entry.digest) for entry in ordered], ENTRY)
    text = "".join(f"{entry.name}\0" for entry in ordered).encode()
    parts = [np.array(index.levels, "<u4").tobytes(), index.blocks.tobytes(), order.tobytes(), table.tobytes(), text]
    head = DIRECTORY.pack(DIRECTORY_MAGIC, sequence, len(ordered), len(text), len(index.levels), index.seeds[0])
    return head + b"".join(part.ljust(fileformat.align(len(part)), b"\0") for part in parts)


def _write_at(fd: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        if hasattr(os, "pwrite"):
            written = os.pwrite(fd, view, offset)
        else:  # Windows; the file is new, and nobody else's
            os.lseek(fd, offset, os.SEEK_SET)
            written = os.write(fd, view)
        offset, view = offset + written, view[written:]


@contextlib.contextmanager
def _undone(fd: int, end: int) -> Iterator[None]:
    """Take back what was appended if it fails before its slot is written."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError, FormatError):
            state = read_state(fd)
            if state.offset + state.length == end:
                os.ftruncate(fd, end)
        raise


@contextlib.contextmanager
def _fresh(path: str | os.PathLike[str], overwrite: bool) -> Iterator[BinaryIO]:
    """A temporary file beside path, which gets its name when the block ends well."""
    target = os.fsdecode(path)
    if not overwrite and os.path.exists(target):
        raise FileExistsError(f"{target}: exists and is not overwritten unasked")
    with fileformat.replacing(target, overwrite) as file:
        yield file


@contextlib.contextmanager
def _locked(path: str | os.PathLike[str], timeout: float) -> Iterator[tuple[int, State]]:
    """The bundle open for a change, with its state, while no other writer has it. What a broken change left is cut off."""
    try:
        import fcntl
    except ImportError:  # Windows, where a file that somebody has mapped can be neither cut nor replaced
        reason = "this system has no flock, so that a bundle cannot be changed in its place; create a new one"
        raise OSError(errno.ENOTSUP, reason, os.fspath(path)) from None

    fileformat.regular(path)
    until = time.monotonic() + timeout
    while True:
        with open(path, "r+b", buffering=0) as file:
            fd = file.fileno()
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TimeoutError(f"{os.fspath(path)}: another writer has had it for {timeout:g} s") from None
                time.sleep(0.02)
                continue
            try:
                if _is_at(fd, path):
                    try:
                        state = read_state(fd)
                    except FormatError as error:
                        raise FormatError(f"{os.fspath(path)}: {error}") from None
                    os.ftruncate(fd, state.offset + state.length)
                    yield fd, state
                    return
            finally:  # closing would not do: the directory's map, which an error may hold, has a second descriptor
                fcntl.flock(fd, fcntl.LOCK_UN)


def _is_at(fd: int, path: str | os.PathLike[str]) -> bool:
    """Whether the open file is the one that has this path now: a writer before may have replaced it."""
    return os.path.samestat(os.fstat(fd), os.stat(path))
