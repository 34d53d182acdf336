"""Section 1 of FORMAT.md: magic, versions and lengths, with the CRC-32 made right again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from . import Attack
from .bases import Base
from .parts import seal


def attacks(base: Base) -> Iterator[Attack]:
    """Every number of the preamble, and the file's end."""
    data, length = base.data, len(base.data)
    header_length = struct.unpack("<I", data[12:16])[0]

    def put(at: int, kind: str, value: int) -> bytes:
        return seal(data[:at] + struct.pack(f"<{kind}", value) + data[at + struct.calcsize(kind) :], lengths=False)

    for byte in range(8):
        yield Attack(f"preamble.magic[{byte}]+1", put(byte, "B", (data[byte] + 1) % 256), "P1")
    for major in (0, 2, 255, 65535):
        yield Attack(f"preamble.major={major}", put(8, "H", major), "P2")
    for minor in (0, 3, 65535):
        yield Attack(f"preamble.minor={minor}", put(10, "H", minor), "opens")
    for value in (length - 63, (1 << 20) + 1, (1 << 31) - 1, (1 << 32) - 1):
        yield Attack(f"preamble.header length={value}", put(12, "I", value), "P4")
    for value in (0, 1, header_length - 1, header_length + 1):
        yield Attack(f"preamble.header length={value}", put(12, "I", value), "H1")
    for value in (0, length - 1, length + 1, length - 64, length + 64, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        yield Attack(f"preamble.file length={value}", put(16, "Q", value), "P3")
    other = bytearray(data)
    other[24] ^= 1
    other[28:32] = struct.pack("<I", zlib.crc32(other[:28]))
    yield Attack("preamble.crc of the header+1", bytes(other), "P6")
    yield Attack("preamble.crc of its own+1", data[:28] + bytes([data[28] ^ 1]) + data[29:], "P5")
    yield Attack("preamble.sha256+1", data[:32] + bytes([data[32] ^ 1]) + data[33:], "P7*")
    for size in (0, 1, 7, 8, 63):
        yield Attack(f"file of {size} bytes", data[:size], "P1" if not size else "P3")
    for size in (64, 65, 64 + header_length - 1, 64 + header_length, length - 64, length - 1):
        yield Attack(f"file of {size} bytes", seal(data[:size]), "P4" if size < 64 + header_length else "S3|S4")
    for more in (1, 63, 64, 4096):
        yield Attack(f"file of {more} bytes more", seal(data + bytes(more)), "S4")
