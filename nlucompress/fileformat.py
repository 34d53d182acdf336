"""The container: a fixed preamble, a msgpack header, aligned sections. FORMAT.md is normative; the ids below are its.

What the header and the sections of a model mean is modelfile.py's; here they are a dictionary and named byte arrays.
Opening costs the header and nothing else: sections are used where they lie in the map.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import msgpack  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from .errors import BuildError, FormatError
from .header import check, unpack

MAGIC = b"\x89NLUC\r\n\x1a"
BUNDLE_MAGIC = b"\x89NLUB\r\n\x1a"
MAJOR, MINOR = 1, 2  # the newest version; a file says the oldest that has what it uses
PREAMBLE = struct.Struct("<8sHHIQII32s")  # magic, major, minor, header length, file length, 2 CRC-32, SHA-256
ALIGN = 64
PIECE = 1 << 22  # bytes of a spooled section that are read at a time
MAX_HEADER = 1 << 20
MAX_SECTIONS = 64

Verify = Literal["header", "full"]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Container:
    """header: the decoded msgpack map. sections: name -> (length,) uint8, read-only views that keep the buffer alive."""

    header: dict[str, Any]
    sections: dict[str, Bytes]
    file_length: int
    header_length: int


# -- writing ----------------------------------------------------------------------------------------------------------


def encode(header: Mapping[str, Any], sections: Mapping[str, npt.NDArray[Any]], minor: int = MINOR) -> bytes:
    """A whole file of version MAJOR.minor. The table of sections is put into the header; same input, same bytes."""
    return b"".join(stream(header, sections, minor))


class Spool:
    """A section that is written piece by piece to a file of its own, before its place in the whole file is known."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._file = open(self._path, "xb")  # noqa: SIM115
        self.length = self.crc = 0

    def write(self, data: bytes | npt.NDArray[Any]) -> None:
        """Append bytes, or an array's. Raises OSError with the path, as of a full disk."""
        if isinstance(data, np.ndarray):
            data = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        view: Any = memoryview(data)  # type: ignore[arg-type]
        try:
            self._file.write(view)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from None
        self.length += len(view)
        self.crc = zlib.crc32(view, self.crc)

    def close(self) -> None:
        """No more is written."""
        try:
            self._file.close()
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from None

    def pieces(self) -> Iterator[bytes]:
        """What was written."""
        with open(self._path, "rb") as file:
            while piece := file.read(PIECE):
                yield piece


def stream(header: Mapping[str, Any], sections: Mapping[str, npt.NDArray[Any] | Spool], minor: int = MINOR
           ) -> Iterator[bytes]:  # fmt: skip
    """The pieces of the file that ``encode`` makes: sections that are spooled are read twice and never held whole."""
    raw = {name: section if isinstance(section, Spool) else np.ascontiguousarray(section).tobytes()
           for name, section in sections.items()}  # fmt: skip
    sizes = {name: (data.length, data.crc) if isinstance(data, Spool) else (len(data), zlib.crc32(data))
             for name, data in raw.items()}  # fmt: skip
    head, previous = b"", -1
    while len(head) != previous:  # offsets depend on the header's length, and it on them: settles in two or three turns
        previous = len(head)
        offset, table = align(PREAMBLE.size + previous), []
        for name, (length, crc) in sizes.items():
            table.append([name, offset, length, crc])
            offset = align(offset + length)
        try:
            head = msgpack.packb({**header, "sections": table})
        except (TypeError, ValueError, OverflowError) as error:  # a UnicodeEncodeError is a ValueError
            raise BuildError(f"the model's description cannot be stored: {error}") from None
    if len(head) > MAX_HEADER:
        raise BuildError(f"the header has {len(head)} bytes, the limit is {MAX_HEADER}: are there many stop words?")
    try:
        check(head)
    except FormatError as error:
        raise BuildError(f"no reader would take the model's description: {error}") from None

    def body() -> Iterator[bytes]:
        yield head + bytes(align(PREAMBLE.size + len(head)) - PREAMBLE.size - len(head))
        for name, data in raw.items():
            yield from data.pieces() if isinstance(data, Spool) else [data]
            yield bytes(-sizes[name][0] % ALIGN)

    front = PREAMBLE.pack(MAGIC, MAJOR, minor, len(head), offset, zlib.crc32(head), 0, b"")[:28]
    front += struct.pack("<I", zlib.crc32(front))
    yield front + _sha256(front, body())
    yield from body()


def _sha256(first: bytes | memoryview, parts: Iterable[bytes | memoryview]) -> bytes:
    import hashlib  # OpenSSL: ten milliseconds that a program which only loads models does without

    digest = hashlib.sha256(first)
    for part in parts:
        digest.update(part)
    return digest.digest()


def save(data: bytes | Iterable[bytes], path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write data, or its pieces, to path, whole or not at all: a temporary file beside it, fsync, then a rename.

    A file that is replaced hands on its permissions. A symbolic link is replaced itself: what it points to stays as it is.
    Raises FileExistsError if path exists and overwrite is False; OSError as the system gives it, and for a folder, a pipe
    or a device, which are never replaced. Nothing is left behind, but by a process that is killed: a file beside path that
    is named ``.nluc-``, 16 hexadecimal digits, ``.tmp``, which nothing reads; delete it when no writer is at work.
    """
    target = os.fsdecode(path)
    if not overwrite and os.path.exists(target):
        raise FileExistsError(f"{target}: exists and is not overwritten unasked")
    with replacing(target, overwrite) as file:
        file.writelines([data] if isinstance(data, bytes) else data)


@contextlib.contextmanager
def replacing(target: str, overwrite: bool) -> Iterator[BinaryIO]:
    """A new file beside target, which gets its name, on the disk, when the block ends well; else nothing is left behind.

    Raises FileExistsError if target is there by then and overwrite is False; OSError, also for a target that is no file.
    """
    mode = _mode(target) if overwrite else None
    folder = os.path.dirname(target) or "."
    temporary = os.path.join(folder, f".nluc-{os.urandom(8).hex()}.tmp")
    try:
        try:
            file = open(temporary, "x+b")  # noqa: SIM115
        except OSError as error:
            raise OSError(error.errno, error.strerror, target) from None
        try:
            with file:
                if mode is not None:  # before there is something to read
                    os.chmod(temporary, mode)
                yield file
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno is None:  # somebody's own, which its words alone explain
                raise
            raise OSError(error.errno, error.strerror, error.filename or target) from None
        if overwrite:
            os.replace(temporary, target)
        else:
            _link(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    _sync_directory(folder)


def _mode(target: str) -> int | None:
    """The permissions of the file that is replaced, None if there is none. Raises OSError for what must not be replaced."""
    try:
        mode = os.stat(target).st_mode  # of what a link points to: /dev/stdout is a link to a pipe or a terminal
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file: it is not replaced", target)
    return stat.S_IMODE(mode)


def _link(temporary: str, target: str) -> None:
    """Give the file its name unless somebody took it meanwhile: a hard link fails then, a rename would replace."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise FileExistsError(f"{target}: exists and is not overwritten unasked") from None
    except OSError:  # a file system without hard links
        if os.path.exists(target):
            raise FileExistsError(f"{target}: exists and is not overwritten unasked") from None
        os.replace(temporary, target)


def _sync_directory(folder: str) -> None:
    with contextlib.suppress(OSError):  # not every system lets a folder be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# -- reading ----------------------------------------------------------------------------------------------------------


def map_file(path: str | os.PathLike[str]) -> memoryview:
    """A read-only memory map of a file. Raises FormatError if it is empty or no regular file, OSError if unreadable."""
    regular(path)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise FormatError("the file is empty")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file, in memory. Raises as ``map_file``."""
    regular(path)
    with open(path, "rb") as file:
        data = file.read()
    if not data:
        raise FormatError("the file is empty")
    return data


def regular(path: str | os.PathLike[str]) -> None:
    """Raise FormatError if path is a pipe or the like, before it is opened: it would wait for a writer."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FormatError("not a regular file")


def decode(buffer: bytes | memoryview, verify: Verify = "header") -> Container:
    """Validate a file and return its header and sections, as views.

    verify: "header" checks preamble, header and the sections' places, which costs the same for every size; "full" also
    checks every section's CRC-32 and the SHA-256 of the whole. Raises FormatError with the FORMAT.md rule's place.
    """
    if verify not in ("header", "full"):
        raise ValueError(f"verify: {verify!r} is not 'header' or 'full'")
    view = memoryview(buffer).cast("B")
    header_length = _preamble(view)
    head = view[PREAMBLE.size : PREAMBLE.size + header_length]
    header = unpack(head)
    sections = dict(_sections(header.pop("sections", None), view, PREAMBLE.size + header_length, verify))
    if verify == "full":
        wanted = view[PREAMBLE.size - 32 : PREAMBLE.size]
        if _sha256(view[: PREAMBLE.size - 32], [view[PREAMBLE.size :]]) != wanted:
            raise FormatError("the SHA-256 of the file does not match its content (P7)")
    return Container(header, sections, len(view), header_length)


def _preamble(view: memoryview) -> int:
    """Check the preamble; the header's length."""
    if bytes(view[:8]) != MAGIC[: len(view)] or not len(view):
        other = (
            ": it is a bundle of models"
            if bytes(view[:8]) == BUNDLE_MAGIC
            else f": it starts with {bytes(view[:8])!r}, not {MAGIC!r}"
        )
        raise FormatError(f"not a .nluc file{other} (P1)")
    if len(view) < PREAMBLE.size:
        raise FormatError(f"preamble: {PREAMBLE.size} bytes exceed the file's {len(view)} bytes (P3)")
    _, major, minor, header_length, file_length, header_crc, own_crc, _ = PREAMBLE.unpack(view[: PREAMBLE.size])
    if zlib.crc32(view[:28]) != own_crc:
        raise FormatError("preamble: its CRC-32 does not match (P5)")
    if major != MAJOR:
        raise FormatError(f"format version {major}.{minor}, this nlucompress reads {MAJOR}.x: install a newer one (P2)")
    if file_length != len(view):
        end = ": truncated?" if len(view) < file_length else ""
        raise FormatError(f"preamble: file length {file_length}, but the file has {len(view)} bytes{end} (P3)")
    if header_length > min(MAX_HEADER, file_length - PREAMBLE.size):
        limit = min(MAX_HEADER, file_length - PREAMBLE.size)
        raise FormatError(f"preamble: header length {header_length} exceeds {limit} (P4)")
    if zlib.crc32(view[PREAMBLE.size : PREAMBLE.size + header_length]) != header_crc:
        raise FormatError("header: its CRC-32 does not match (P6)")
    return int(header_length)


def _sections(table: Any, view: memoryview, start: int, verify: str) -> Iterator[tuple[str, Bytes]]:
    """Check the table of sections; yield name and bytes."""
    if not isinstance(table, list) or len(table) > MAX_SECTIONS:
        raise FormatError(f"header: sections {table!r:.60} is not an array of at most {MAX_SECTIONS} (S1)")
    names, end = set(), start
    for row in table:
        if not (isinstance(row, list) and len(row) == 4 and isinstance(row[0], str)
                and all(type(number) is int and 0 <= number < 1 << 63 for number in row[1:])):  # fmt: skip
            raise FormatError(f"header: section entry {row!r:.100} is not [name, offset, length, crc32] (S1)")
        name, offset, length, crc = row
        place = f"section {name!r:.60}"
        if name in names:
            raise FormatError(f"{place} stands twice (S1)")
        if offset % ALIGN or offset < end:
            raise FormatError(f"{place}: offset {offset} is not a multiple of {ALIGN} from {end} on (S2)")
        if offset > len(view) or length > len(view) - offset:
            raise FormatError(f"{place}: offset {offset} + length {length} exceeds the file's {len(view)} bytes (S3)")
        data = view[offset : offset + length]
        if verify == "full" and zlib.crc32(data) != crc:
            raise FormatError(f"{place}: its CRC-32 does not match (S5)")
        names.add(name)
        end = offset + length
        yield name, np.frombuffer(data, np.uint8)
    if align(end) != len(view):
        raise FormatError(f"the sections end at {align(end)}, but the file has {len(view)} bytes (S4)")


def align(offset: int) -> int:
    """The next multiple of 64."""
    return -(-offset // ALIGN) * ALIGN
