"""Files taken apart and put together again, with valid checksums, independent of the package's writer."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from typing import Any

import msgpack

from nlucompress import fileformat

Sections = dict[str, bytes]
Header = dict[str, Any]
Table = list[Any]


def align(offset: int) -> int:
    """The next multiple of 64."""
    return -(-offset // 64) * 64


def seal(data: bytes | bytearray, *, lengths: bool = True) -> bytes:
    """The same file with valid checksums (and lengths) in its preamble."""
    out = bytearray(data)
    if lengths:
        out[16:24] = struct.pack("<Q", len(out))
    (header_length,) = struct.unpack("<I", out[12:16])
    out[24:28] = struct.pack("<I", zlib.crc32(out[64 : 64 + header_length]))
    out[28:32] = struct.pack("<I", zlib.crc32(out[:28]))
    out[32:64] = hashlib.sha256(bytes(out[:32]) + bytes(out[64:])).digest()
    return bytes(out)


def assemble(
    header: Header | Callable[[Table], bytes],
    sections: Sections,
    edit: Callable[[Table], Any] = lambda table: table,
    tail: bytes = b"",
) -> bytes:
    """A whole file, independent of the package's writer.

    header: without its table of sections; or a function from the table to the bytes of the header. edit: may change the
    table, or return another. tail: bytes after the last section.
    """

    def packed(table: Table) -> bytes:
        return header(table) if callable(header) else msgpack.packb({**header, "sections": table})

    head = b""
    for _ in range(4):
        table, end = [], align(64 + len(head))
        for name, content in sections.items():
            table.append([name, end, len(content), zlib.crc32(content)])
            end = align(end + len(content))
        head = packed(edit(table))
    out = bytearray(align(64 + len(head)))
    out[64 : 64 + len(head)] = head
    for content in sections.values():
        out += content + bytes(-len(content) % 64)
    out[:16] = struct.pack("<8sHHI", fileformat.MAGIC, 1, 1, len(head))
    return seal(out + tail)


def open_parts(data: bytes) -> tuple[Header, Sections]:
    """Header (without the table) and sections of a valid file."""
    (length,) = struct.unpack("<I", data[12:16])
    header = msgpack.unpackb(data[64 : 64 + length])
    table = header.pop("sections")
    return header, {name: data[offset : offset + size] for name, offset, size, _ in table}


def changed(data: bytes, **sections: bytes | None) -> bytes:
    """The file with other contents of sections; None: without the section."""
    header, contents = open_parts(data)
    for name, content in sections.items():
        if content is None:
            del contents[name]
        else:
            contents[name] = content
    return assemble(header, contents)


def with_field(data: bytes, path: str, value: Any) -> bytes:
    """The file with another value at a path in its header, as ``"index.n"``; ``...`` for: without it."""
    header, contents = open_parts(data)
    *inside, last = path.split(".")
    place: Any = header
    for key in inside:
        place = place[int(key) if key.isdigit() else key]
    if value is ...:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return assemble(header, contents)


def with_fields(data: bytes, **fields: Any) -> bytes:
    """The file with other values at paths, whose dots are written ``__``."""
    for path, value in fields.items():
        data = with_field(data, path.replace("__", "."), value)
    return data
