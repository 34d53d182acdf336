"""The header's bytes to its map: rule H1 of FORMAT.md.

msgpack's unpacker makes room for as many entries as an array claims before it reads one of them, at every level: a few
kilobytes can ask for hundreds of megabytes. So the bytes are walked first, and nothing is made of them: depth, counts
against the bytes that are left, and the number of values bound what the unpacker makes. A value takes 0.2 µs, in
arrays of numbers and short strings a third of that; the native core, which walks them by itself, takes a tenth.
"""

from __future__ import annotations

import re
from typing import Any

import msgpack  # type: ignore[import-untyped]

from .backend import backend
from .errors import FormatError

MAX_DEPTH = 8
MAX_OBJECTS = 10_000
MAX_VALUES = 40_000  # keys too; unpacked, one takes about a hundred bytes at most
MAX_MAP = 64


def _whole_sizes() -> bytes:
    """Of each first byte: how many bytes the value has in all; 0 where that byte does not say it."""
    sizes = bytearray(256)
    for tag in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3):  # small integers, nil, booleans
        sizes[tag] = 1
    for tag in range(0xA0, 0xC0):  # short strings
        sizes[tag] = 1 + (tag & 31)
    for tags, size in ((b"\xca\xce\xd2", 5), (b"\xcb\xcf\xd3", 9), (b"\xcc\xd0", 2), (b"\xcd\xd1", 3)):  # numbers
        for tag in tags:
            sizes[tag] = size
    return bytes(sizes)


_WHOLE = _whole_sizes()
_STRINGS = {0xD9: 1, 0xDA: 2, 0xDB: 4}  # first byte: how many bytes after it have the length
_COUNTS = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}  # arrays, maps


_RUN = 64
_SCALARS = re.compile(  # so many numbers, booleans and short strings, one after the other
    b"(?>[" + b"".join(rb"\x%02x" % tag for tag, size in enumerate(_WHOLE) if size == 1) + b"]|"
    + b"|".join(rb"\x%02x.{%d}" % (tag, size - 1) for tag, size in enumerate(_WHOLE) if size > 1)
    + b"){%d}" % _RUN, re.DOTALL,
)  # fmt: skip


def unpack(head: bytes | memoryview) -> dict[str, Any]:
    """The header's map. Raises FormatError (H1) before anything large is made."""
    if not _core_takes(head):
        check(head)  # which has the words for what is wrong
    try:
        header: dict[str, Any] = msgpack.unpackb(head)
    except (ValueError, msgpack.UnpackException) as error:  # a string that is not UTF-8
        raise _error(f"not well-formed msgpack: {type(error).__name__}: {error!s:.100}") from None
    return header


def _core_takes(head: bytes | memoryview) -> bool:
    if backend() == "reference":
        return False
    from ._native import holds_h1

    return holds_h1(head)


def check(head: bytes | memoryview) -> None:
    """Whether the bytes are one plain map within the limits, but for UTF-8. Raises FormatError (H1)."""
    data = bytes(head)
    end, at, objects, values = len(data), 0, 0, 1
    left, keys = 1, None  # of the innermost container: values to come; of a map the keys so far
    outer: list[tuple[int, set[bytes] | None]] = []
    if not data or not (data[0] >> 4 == 8 or data[0] in (0xDE, 0xDF)):
        raise _error("it is not a msgpack map")
    while left or outer:
        if not left:
            left, keys = outer.pop()
            continue
        if at >= end:
            raise _error(f"not well-formed msgpack: {left} values are missing at its end")
        tag = data[at]
        start, count, text = at + 1, -1, tag >> 5 == 5
        if size := _WHOLE[tag]:
            if left >= _RUN and keys is None and (run := _SCALARS.match(data, at)):
                at, left = run.end(), left - _RUN
                continue
            at += size
        elif width := _STRINGS.get(tag):
            start += width
            at, text = start + int.from_bytes(data[at + 1 : start]), True
        elif width := _COUNTS.get(tag):
            count = int.from_bytes(data[start : start + width])
            at = start + width
        elif tag >> 4 in (8, 9):
            at, count = start, tag & 15
        else:
            raise _error(f"not well-formed msgpack: byte {tag:#04x}, an ext, a bin or none, at {at}")
        if at > end:
            raise _error(f"not well-formed msgpack: a value ends at {at} of {end} bytes")
        left -= 1
        if keys is not None and left & 1:
            key = data[start:at]
            if not text or key in keys:
                raise _error(f"a map has the key {key!r:.60} twice" if text else "a map has a key that is no string")
            keys.add(key)
        if count < 0:
            continue
        a_map = tag >> 4 == 8 or tag >= 0xDE
        total = 2 * count if a_map else count
        objects, values = objects + 1, values + total
        if len(outer) == MAX_DEPTH or objects > MAX_OBJECTS or values > MAX_VALUES or (a_map and count > MAX_MAP):
            raise _error(f"{len(outer) + 1} levels, {objects} maps and arrays, {values} values, of them {count} in one: "
                         f"the limits are {MAX_DEPTH}, {MAX_OBJECTS}, {MAX_VALUES} and, of a map, {MAX_MAP}")  # fmt: skip
        if total > end - at:
            raise _error(f"{total} values claimed where {end - at} bytes are left")
        outer.append((left, keys))
        left, keys = total, set() if a_map else None
    if at != end:
        raise _error(f"not well-formed msgpack: the map ends at {at} of {end} bytes")


def _error(words: str) -> FormatError:
    return FormatError(f"header: {words} (H1)")
