"""Rule H1: headers that are deep, huge, or claim more than they have; keys that are there twice, or are no strings."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgpack

from . import Attack
from .bases import Base
from .parts import Table, assemble

CLAIMS = {  # a first byte, and the bytes of its count
    "fixarray": (0x9F, b""),
    "array16": (0xDC, b"\xff\xff"),
    "array32": (0xDD, b"\xff\xff\xff\xff"),
    "array32 of 2^31": (0xDD, b"\x80\x00\x00\x00"),
    "array32 of 2^16": (0xDD, b"\x00\x01\x00\x00"),
    "fixmap": (0x8F, b""),
    "map16": (0xDE, b"\xff\xff"),
    "map32": (0xDF, b"\xff\xff\xff\xff"),
    "map16 of 64": (0xDE, b"\x00\x40"),
    "fixstr": (0xBF, b""),
    "str8": (0xD9, b"\xff"),
    "str16": (0xDA, b"\xff\xff"),
    "str32": (0xDB, b"\xff\xff\xff\xff"),
    "str32 of 2^31": (0xDB, b"\x80\x00\x00\x00"),
    "bin8": (0xC4, b"\x00"),
    "bin32": (0xC6, b"\xff\xff\xff\xff"),
    "ext8": (0xC7, b"\x00\x05"),
    "ext32": (0xC9, b"\xff\xff\xff\xff\x01"),
    "fixext1": (0xD4, b"\x01\x01"),
    "fixext16": (0xD8, b"\x01" * 17),
    "timestamp": (0xD6, b"\xff\x00\x00\x00\x00"),
    "reserved": (0xC1, b""),
    "float32": (0xCA, b"\x00"),
    "float64": (0xCB, b"\x00"),
    "uint64": (0xCF, b"\x00"),
    "int8": (0xD0, b""),
    "uint8": (0xCC, b""),
}


def with_value(base: Base, value: bytes, after: bytes = b"", key: bytes = b"\xa7unknown") -> bytes:
    """The file with one more key in its header, whose value are these bytes."""

    def packed(table: Table) -> bytes:
        whole = {**base.header, "sections": table}
        pairs = b"".join(msgpack.packb(name) + msgpack.packb(one) for name, one in whole.items())
        return b"\xde" + struct.pack(">H", len(whole) + 1) + pairs + key + value + after

    return assemble(packed, base.sections)


def alone(head: bytes) -> bytes:
    """A file whose header is these bytes, without sections."""
    return assemble(lambda table: head, {})


def array(count: int) -> bytes:
    """The beginning of an array of so many values."""
    return b"\xdd" + struct.pack(">I", count)


def attacks(base: Base) -> Iterator[Attack]:
    """Those that go with any file: they add a value to its header. The others are ``bombs``."""
    for name, (tag, count) in CLAIMS.items():
        yield Attack(f"msgpack: {name} at the end", with_value(base, bytes([tag]) + count), "H1")
        for times in (2, 9, 400):
            if name not in ("int8", "uint8"):  # one is the number of another
                yield Attack(f"msgpack: {name} {times} times", with_value(base, (bytes([tag]) + count) * times), "H1")
    for depth in range(8, 16):
        levels = depth - 2
        yield Attack(
            f"msgpack: {depth} levels of arrays",
            with_value(base, b"\x91" * levels + b"\x90"),
            "opens" if depth == 8 else "H1",
        )
        yield Attack(
            f"msgpack: {depth} levels of maps",
            with_value(base, b"\x81\xa1a" * levels + b"\x80"),
            "opens" if depth == 8 else "H1",
        )
    for key in (b"\x01", b"\xc0", b"\xc2", b"\xca\x00\x00\x00\x00", b"\x90", b"\x80", b"\xc4\x01a", b"\x91\xa1a"):
        yield Attack(f"msgpack: key {key.hex()}", with_value(base, b"\x01", key=key), "H1")
        yield Attack(f"msgpack: nested key {key.hex()}", with_value(base, b"\x81" + key + b"\x01"), "H1")
    for key in base.header:
        for packed in (
            msgpack.packb(key),
            b"\xd9" + bytes([len(key)]) + key.encode(),
            b"\xdb" + struct.pack(">I", len(key)) + key.encode(),
        ):
            yield Attack(f"msgpack: {key} twice, as {packed[:1].hex()}", with_value(base, b"\xc0", key=packed), "H1")
    for text in (b"\xff", b"\xc3", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x82"):
        packed = bytes([0xA0 + len(text)]) + text
        yield Attack(f"msgpack: string {text.hex()}", with_value(base, packed), "H1")
        yield Attack(f"msgpack: key of {text.hex()}", with_value(base, b"\xc0", key=packed), "H1")
    for after in (b"\x00", b"\xc0", b"\x80", b"\xc1"):
        yield Attack(f"msgpack: {after.hex()} after the map", with_value(base, b"\x01", after), "H1")
    for value, name in (
        (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "nan"),
        (b"\xcf" + b"\xff" * 8, "2^64-1"),
        (b"\xd3\x80" + bytes(7), "-2^63"),
    ):
        yield Attack(f"msgpack: {name} in an unknown key", with_value(base, value), "opens")


def bombs() -> Iterator[Attack]:
    """Headers of up to a mebibyte that ask for time or memory."""
    mebibyte = (1 << 20) - 200
    whole = {
        "nothing": b"",
        "a number": b"\x01",
        "an array": b"\x90",
        "a string": b"\xa1a",
        "nil": b"\xc0",
        "half a map": b"\x81\xa1a",
        "a map of 65": b"\xde\x00\x41" + b"".join(msgpack.packb(f"{i}") + b"\x01" for i in range(65)),
        "64 keys of 16,000 bytes, the last twice": b"\xde\x00\x40"
        + b"".join(msgpack.packb(f"{'a' * 16000}{min(i, 62):02}") + b"\x01" for i in range(64)),
        "a key twice, far apart": b"\xde\x00\x40" + b"".join(msgpack.packb(f"{i % 63}") + b"\x01" for i in range(64)),
    }
    yield from (Attack(f"header: {name}", alone(head), "H1") for name, head in whole.items())
    for name, (tag, count) in CLAIMS.items():
        for size in (5000, mebibyte) if name in ("fixarray", "array32", "map16 of 64", "int8") else (5000,):
            piece = bytes([tag]) + count
            yield Attack(
                f"header: {name}, {size} bytes of it", alone(b"\x81\xa1a" + piece * (size // len(piece))), "H1"
            )
    items = {
        "numbers": b"\x01",
        "negative numbers": b"\xe0",
        "numbers of two bytes": b"\xcd\x01\x01",
        "empty strings": b"\xa0",
        "strings of 2": b"\xa2ab",
        "strings of 4 bytes": b"\xa4\xf0\x9d\x84\x9e",
        "strings of 7": b"\xa7abcdefg",
        "strings of 40": b"\xd9\x28" + b"a" * 40,
        "empty arrays": b"\x90",
        "empty maps": b"\x80",
        "maps of one": b"\x81\xa1a\x01",
        "arrays of one": b"\x91\x01",
        "floats": b"\xcb" + bytes(8),
        "nil": b"\xc0",
    }
    for name, item in items.items():
        for count in sorted({min(most, mebibyte // len(item) - 16) for most in (65536, 39_000)}):
            fits = count < 40_000 and item[0] >> 4 not in (8, 9)  # else too many values, or maps and arrays
            yield Attack(
                f"header: {count} {name}", alone(b"\x81\xa1a" + array(count) + item * count), "S1" if fits else "H1"
            )
        inner = min(65535, mebibyte // 8 // len(item))
        yield Attack(
            f"header: 9 levels of {inner} {name}",
            alone(b"\x81\xa1a" + (array(inner + 1) + item * inner) * 8 + b"\xc0" * 8),
            "H1",
        )
        yield Attack(
            f"header: 15 arrays of {inner // 2} {name}",
            alone(b"\x81\xa1a\x9f" + (array(inner // 2) + item * (inner // 2)) * 15),
            "S1" if 15 * (inner // 2) < 39_900 else "H1",
        )
    maps = {
        "64 keys of 16,000 bytes": {f"{'a' * 16000}{i:02}": 1 for i in range(64)},
        "300 maps of 64 keys": {"a": [{f"{i:02}": 1 for i in range(64)}] * 300},
        "10,001 maps": {"a": [{}] * 10_001},
        "10,001 arrays": {"a": [[]] * 10_001},
        "5,000 maps in maps": {"a": [{"a": {}}] * 5_001},
        "keys of 200 kB": {"a" * 200_000 + str(i): 1 for i in range(5)},
    }
    for name, value in maps.items():
        yield Attack(f"header: {name}", alone(msgpack.packb(value)), "S1" if "keys" in name else "H1")
    for depth in (9, 100, 1023, 1025, 100_000, mebibyte):
        yield Attack(f"header: {depth} levels", alone(b"\x81\xa1a" + b"\x91" * (depth - 1) + b"\x90"), "H1")
        yield Attack(f"header: {depth} levels that end", alone(b"\x81\xa1a" + b"\x91" * (depth - 1)), "H1")
    for times in (400, 60_000):
        yield Attack(f"header: {times} levels of maps", alone(b"\x81\xa1a" * times + b"\x01"), "H1")
