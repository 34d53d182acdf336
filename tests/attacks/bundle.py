"""Section 11 of FORMAT.md: slots and directories of a bundle, with their CRC-32s made right again."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from . import Attack
from .values import elements

GOLDEN = Path(__file__).parent.parent / "golden" / "bundle-v1.0.nlub"
SLOT, START, NEWEST = "<8sQQQI24xI", 12288, 2  # the golden bundle's newest state is in slot 0


@functools.cache
def whole() -> bytes:
    """A bundle of two states."""
    return GOLDEN.read_bytes()


def slot(sequence: int) -> tuple[int, int, int]:
    """Where the slot of a state is; where its directory is, and its length."""
    at = (4096, 8192)[sequence % 2]
    _, _, offset, length, *_ = struct.unpack_from(SLOT, whole(), at)
    return at, offset, length


def with_slot(sequence: int, edit: Callable[[bytearray], None]) -> bytes:
    """The bundle with another slot, its CRC-32 right."""
    at, _, _ = slot(sequence)
    data, own = bytearray(whole()), bytearray(whole()[at : at + 60])
    edit(own)
    data[at : at + 64] = own + struct.pack("<I", zlib.crc32(own))
    return bytes(data)


def with_directory(directory: bytes, sequence: int = NEWEST, alone: bool = True) -> bytes:
    """The bundle with another directory, which its slot points to; alone: the other slot is empty."""
    at, offset, length = slot(sequence)
    data = bytearray(whole())
    if alone:
        other = (4096, 8192)[1 - sequence % 2]
        data[other : other + 64] = bytes(64)
    data[offset : offset + length] = directory
    own = struct.pack(SLOT, b"NLUBSLOT", sequence, offset, len(directory), zlib.crc32(directory), 0)[:60]
    data[at : at + 64] = own + struct.pack("<I", zlib.crc32(own))
    return bytes(data)


def parts(directory: bytes) -> dict[str, tuple[int, int]]:
    """Where the parts of a directory are, and how long."""
    count, text, levels = struct.unpack_from("<III", directory, 16)
    sizes = struct.unpack_from(f"<{levels}I", directory, 64)
    found, at = {}, 64
    for name, size in (
        ("levels", 4 * levels),
        ("blocks", 64 * -(-sum(sizes) // 480)),
        ("order", 4 * count),
        ("entries", 24 * count),
        ("names", text),
    ):
        found[name] = at, size
        at = -(-(at + size) // 64) * 64
    return found


def attacks() -> Iterator[Attack]:
    """All of them. ``opens``: the bundle opens, and every name is found or not, every model read or refused."""
    data, (_, offset, length) = whole(), slot(NEWEST)
    directory = data[offset : offset + length]
    for byte in range(8):
        yield Attack(f"bundle.magic[{byte}]", data[:byte] + bytes([data[byte] ^ 1]) + data[byte + 1 :], "B1")
    for major in (0, 2, 65535):
        front = data[:8] + struct.pack("<HH", major, 0)
        yield Attack(f"bundle.major={major}", front + struct.pack("<I", zlib.crc32(front)) + data[16:], "B2")
    for size in (0, 1, 8, 12287):
        yield Attack(f"bundle of {size} bytes", data[:size], "B1")
    for size in (12288, offset, offset + length - 1):
        yield Attack(f"bundle of {size} bytes", data[:size], "B4" if size <= slot(1)[1] else "opens")
    for place, kind, at in (("sequence", "Q", 8), ("offset", "Q", 16), ("length", "Q", 24), ("crc", "I", 32)):
        size = struct.calcsize(kind)
        for sequence in (1, NEWEST):
            own = data[slot(sequence)[0] :][:60]
            for _, value, other in elements(own, f"<u{size}", at, 1):
                changed = with_slot(sequence, lambda slot, other=other: slot.__setitem__(slice(None), other))  # type: ignore[misc]
                yield Attack(f"slot {sequence % 2}.{place}={value}", changed, "opens")  # the other state is read
                only = bytearray(changed)
                only[slot(3 - sequence)[0] : slot(3 - sequence)[0] + 64] = bytes(64)
                yield Attack(f"slot {sequence % 2} alone.{place}={value}", bytes(only), "B3|B4|B5")
    for value in (START, START + 64, offset - 64, offset + 64, (len(data) // 64 + 1) * 64):
        both = bytearray(with_slot(NEWEST, lambda slot, value=value: struct.pack_into("<Q", slot, 16, value)))  # type: ignore[misc]
        both[slot(1)[0] : slot(1)[0] + 64] = bytes(64)
        yield Attack(f"slot 0 alone.offset={value}", bytes(both), "B4")
    for at, name in (
        (0, "magic"),
        (8, "sequence"),
        (16, "models"),
        (20, "bytes of names"),
        (24, "levels"),
        (28, "seed"),
    ):
        for _, value, other in elements(directory, "<u8" if at == 8 else "<u4", at, 1):
            claims = "opens" if name == "seed" else "B5|B6|B7|B8" + "|opens" * (name == "levels")  # fewer find less
            yield Attack(f"directory.{name}={value}", with_directory(other), claims)
            yield Attack(f"directory.{name}={value}, and an older state", with_directory(other, alone=False), "opens")
    where = parts(directory)
    rules = {
        "levels": "B5|B6|opens",
        "blocks": "opens",
        "order": "B6|opens",
        "entries": "B9|opens",
        "names": "B7|B8|opens",
    }
    kinds = {"levels": "<u4", "blocks": "<u4", "order": "<u4", "entries": "<u8", "names": "u1"}
    for part, (first, size) in where.items():
        item = int(kinds[part][-1])
        for number, value, other in elements(directory, kinds[part], first, size // item):
            claims = rules[part]
            if part == "order" and value in ("max", "half"):
                claims = "B6"
            if part == "entries" and value in ("max", "half", "+1", "-1", "0") and number % 3 == 0:
                claims = "B9"
            if part == "entries" and number % 3 == 1 and value in ("max", "half", "0"):
                claims = "B9"
            if part == "names" and value == "0" and number:
                claims = "B7|B8"
            yield Attack(f"directory.{part}[{number}]={value}", with_directory(other), claims)
        for fill in (b"\x00", b"\xff", b"\x2f"):
            filled = directory[:first] + fill * size + directory[first + size :]
            yield Attack(f"directory.{part}: all {fill.hex()}", with_directory(filled), rules[part])
    at, size = where["entries"]
    entries = [directory[at + 24 * i : at + 24 * i + 24] for i in range(size // 24)]
    count = len(entries)
    for i in range(1, count):
        before = struct.unpack("<QQ", entries[0][:16])
        for name, place in (
            ("equal offset, another length", (before[0], before[1] + 64)),
            ("inside the first", (before[0] + 64, 64)),
            ("over the directory", (offset - 64, 128)),
            ("all", (START, offset - START)),
            ("2^64 in sum", ((1 << 64) - 64, 128)),
        ):
            other = directory[: at + 24 * i] + struct.pack("<QQ", *place) + directory[at + 24 * i + 16 :]
            yield Attack(f"directory.entries[{i}]: {name}", with_directory(other), "B9")
    yield Attack(
        "directory.entries: reversed",
        with_directory(directory[:at] + b"".join(entries[::-1]) + directory[at + size :]),
        "opens",
    )
    at, size = where["names"]
    names = directory[at : at + size].split(b"\0")[:-1]
    for name, text in (
        ("reversed", names[::-1]),
        ("all the first", names[:1] * count),
        ("of a slash", [b"/" * len(name) for name in names]),
        ("of dots", [b"." * len(name) for name in names]),
        ("not UTF-8", [b"\xff" * len(name) for name in names]),
    ):
        joined = b"".join(one + b"\0" for one in text)[:size].ljust(size, b"x")
        yield Attack(
            f"directory.names: {name}", with_directory(directory[:at] + joined + directory[at + size :]), "B7|B8|opens"
        )
    for size in (0, 63, 64, 128, length - 64):
        yield Attack(f"directory of {size} bytes", with_directory(directory[:size]), "B4|B5|B6")
    for counts in ((1 << 24, 0, 0), (0, 1 << 31, 0), (0, 0, 128), ((1 << 24), (1 << 32) - 1, 128)):
        head = struct.pack("<8sQIII", b"NLUBDIR\0", NEWEST, *counts).ljust(64, b"\0")
        yield Attack(f"directory: a head that claims {counts}", with_directory(head), "B5|B6|B7")
    for levels in ([], [1], [(1 << 32) - 1], [1 << 31, 1 << 31], [(1 << 31) - 1] * 128, [0] * 3):
        head = struct.pack("<8sQIII", b"NLUBDIR\0", NEWEST, count, 0, len(levels)).ljust(64, b"\0")
        body = struct.pack(f"<{len(levels)}I", *levels)
        yield Attack(
            f"directory: levels {levels[:3]}",
            with_directory(head + body.ljust(-(-len(body) // 64) * 64, b"\0")),
            "B5|B6",
        )
