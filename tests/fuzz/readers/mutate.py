"""Mutators: an input and a source of chance -> another input of nearly the same structure."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

Mutator = Callable[[bytes, Random], bytes]

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    63,
    64,
    127,
    128,
    255,
    256,
    1000,
    32767,
    32768,
    65535,
    65536,
    1 << 20,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 40,
    (1 << 62),
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
)
WORDS = (
    b"-1",
    b"0",
    b"1",
    b"2",
    b"00",
    b"-0",
    b"1e400",
    b"-1e308",
    b"1e38",
    b"1e39",
    b"nan",
    b"inf",
    b"1_000",
    b"0x10",
    b"99999999999999999999",
    b"2147483648",
    b"4294967296",
    b"1" * 5000,
    b"",
    b" ",
    b"\t",
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\xd9\xa3",
    b"\xef\xbb\xbf",
    b"\\",
    b"\\u",
    b"\\ud800",
    b'"',
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[" * 3000,
    b'{"a":' * 2000,
    b"A" * 3000,
    b"(a+)+$",
    b"(",
    b"(?P<n>",
    b"\xf0\x9f\x8e\xb5",
    b"label",
    b"feature",
    b"weight",
    b"namespace",
    b"0.5",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    255,
    65536,
    1 << 31,
    1 << 63,
    1 << 70,
    -(1 << 70),
    10**400,
    0.0,
    -0.0,
    0.5,
    1e38,
    1e39,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "a",
    "\0",
    "\ud800",
    "\n",
    "null",
    "0",
    "(",
    "(a*)*b",
    "x" * 2000,
    "utf-8",
    "idna",
    "rot13",
    "word",
    "char",
    "dict",
    "items",
    "features",
    "fasttext",
    "l2",
    "norm",
    "binary",
    "softmax",
    [],
    {},
    [0],
    [[]],
    [None],
    {"a": 1},
    {"": {}},
    [1, 2],
    [1, 1000],
    ["a"],
    [1e400],
)


def raw(data: bytes, draw: Random) -> bytes:
    """One to eight changes of bytes."""
    out = bytearray(data)
    for _ in range(1 + int(draw.expovariate(0.7))):
        at = draw.randrange(len(out) + 1)
        kind = draw.randrange(11)
        if kind == 0:
            out[at:at] = draw.randbytes(draw.choice((1, 2, 4, 16)))
        elif kind == 1 and at < len(out):
            out[at] ^= 1 << draw.randrange(8)
        elif kind == 2 and at < len(out):
            out[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        elif kind in (3, 4):
            form = draw.choice(("<H", ">H", "<I", ">I", "<I", "<Q", ">Q", "<d", ">d"))
            number = draw.choice(NUMBERS) + draw.choice((0, 0, 0, -1, 1))
            if form[1] == "d":
                packed = struct.pack(form, draw.choice((float("nan"), float("inf"), -1.0, 1e300, 0.0, 1e39)))
            else:
                size = struct.calcsize(form)
                packed = (number % (1 << (8 * size))).to_bytes(size, "little" if form[0] == "<" else "big")
            out[at : at + len(packed)] = packed
        elif kind == 5:
            del out[at : at + draw.choice((1, 2, 4, 8, 64, 512))]
        elif kind == 6:
            end = min(len(out), at + draw.choice((1, 4, 20, 100)))
            out[at:at] = out[at:end] * draw.choice((1, 1, 2, 50))
        elif kind == 7:
            other = draw.randrange(len(out) + 1)
            size = draw.choice((1, 4, 8, 20, 100))
            out[at : at + size] = out[other : other + size]
        elif kind == 8 and draw.random() < 0.3:
            del out[at:]
        elif kind == 9 and draw.random() < 0.3:
            out += draw.randbytes(draw.choice((1, 7, 64)))
        elif kind == 10:
            out[at:at] = draw.choice(WORDS)
    return bytes(out)


_PIECES = re.compile(rb"[A-Za-z_]+|[-+0-9.eE]+|\s|.", re.DOTALL)


def text(data: bytes, draw: Random) -> bytes:
    """Changes of lines and of words."""
    for _ in range(1 + int(draw.expovariate(0.8))):
        kind = draw.randrange(8)
        if kind < 4:
            lines = data.split(b"\n")
            i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
            if kind == 0:
                del lines[i]
            elif kind == 1:
                lines.insert(j, lines[i])
            elif kind == 2:
                lines[i], lines[j] = lines[j], lines[i]
            else:
                lines[i] = _words(lines[i], draw)
            data = b"\n".join(lines)
        elif kind < 7:
            at = draw.randrange(len(data) + 1)
            size = draw.choice((64, 256, 1024))
            data = data[:at] + _words(data[at : at + size], draw) + data[at + size :]
        else:
            data = raw(data, draw)
    return data


def _words(line: bytes, draw: Random) -> bytes:
    pieces = _PIECES.findall(line) or [b""]
    i, j = draw.randrange(len(pieces)), draw.randrange(len(pieces))
    kind = draw.randrange(4)
    if kind == 0:
        pieces[i] = draw.choice(WORDS)
    elif kind == 1:
        pieces[i], pieces[j] = pieces[j], pieces[i]
    elif kind == 2:
        pieces.insert(i, pieces[j])
    else:
        del pieces[i]
    return b"".join(pieces)


def as_json(data: bytes, draw: Random) -> bytes:
    """Changes of the nodes of a JSON text, and at times of its words."""
    if draw.random() < 0.25:
        return text(data, draw)
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return text(data, draw)
    holder = [root]
    for _ in range(1 + int(draw.expovariate(0.8))):
        node_change(holder, draw)
    try:
        return json.dumps(holder[0]).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return data


def node_change(holder: list[Any], draw: Random) -> None:
    """One change in a tree of dicts and lists, whose root is holder[0]."""
    parent: Any = holder
    key: Any = 0
    while isinstance(parent[key], (dict, list)) and parent[key] and draw.random() < 0.8:
        parent = parent[key]
        key = draw.choice(list(parent)) if isinstance(parent, dict) else draw.randrange(len(parent))
    value, kind = parent[key], draw.randrange(8)
    if kind < 3:
        parent[key] = draw.choice(VALUES)
    elif kind == 3 and parent is not holder:
        del parent[key]
    elif kind == 4:
        for _ in range(draw.choice((1, 2, 9, 200))):
            value = [value] if draw.random() < 0.5 else {"a": value}
        parent[key] = value
    elif kind == 5 and isinstance(parent, dict):
        parent[draw.choice(("", "a", "\ud800", str(key) + "x", *map(str, parent)))] = value
    elif kind == 5 and isinstance(parent, list) and parent is not holder:
        parent.extend([value] * draw.choice((1, 2, 300)))
    elif kind == 6 and isinstance(value, int):
        parent[key] = value + draw.choice((-1, 1, 1 << 16, 1 << 32))
    elif kind == 7 and isinstance(value, str):
        parent[key] = value[: draw.randrange(len(value) + 1)] + draw.choice(("", "\0", "é", " ", "\ud800", "\t", value))


def json_lines(data: bytes, draw: Random) -> bytes:
    """Changes of a line of JSON, and of the order of lines."""
    if draw.random() < 0.3:
        return text(data, draw)
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    lines[at] = as_json(lines[at], draw)
    return b"\n".join(lines)


def packed(inner: Mutator) -> Mutator:
    """Changes inside compressed data, which is then compressed again; other data are changed as they are."""

    def change(data: bytes, draw: Random) -> bytes:
        if draw.random() < 0.15:
            return raw(data, draw)
        for magic, unpack, pack in _METHODS:
            if data.startswith(magic):
                try:
                    content = unpack(data)
                except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError):
                    return raw(data, draw)
                return pack(inner(content, draw))
        changed = inner(data, draw)
        return compressed(changed, draw) if draw.random() < 0.1 else changed

    return change


def compressed(data: bytes, draw: Random) -> bytes:
    """Data compressed by one of the methods that joblib knows."""
    return draw.choice(_METHODS)[2](data)


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, 1 << 20)


_METHODS: tuple[tuple[bytes, Callable[[bytes], bytes], Callable[[bytes], bytes]], ...] = (
    (b"\x78", _inflate, zlib.compress),
    (b"\x1f\x8b", lambda data: zlib.decompressobj(31).decompress(data, 1 << 20), lambda data: gzip.compress(data, 1)),
    (b"BZh", lambda data: bz2.BZ2Decompressor().decompress(data, 1 << 20), bz2.compress),
    (
        b"\xfd7zXZ\0",
        lambda data: lzma.LZMADecompressor(memlimit=1 << 27).decompress(data, 1 << 20),
        lambda data: lzma.compress(data, preset=0),
    ),
    (
        b"]\0",
        lambda data: lzma.LZMADecompressor(memlimit=1 << 27).decompress(data, 1 << 20),
        lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
    ),
)


def archive(inner: Mutator) -> Mutator:
    """Changes of the members of a zip archive: their content, their names, which there are, and what is said of them."""

    def change(data: bytes, draw: Random) -> bytes:
        if draw.random() < 0.2:
            return raw(data, draw)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as source:
                members = [(info.filename, source.read(info)) for info in source.infolist()]
        except Exception:  # whatever zipfile says of a damaged archive
            return raw(data, draw)
        if not members:
            return raw(data, draw)
        at = draw.randrange(len(members))
        if draw.random() < 0.6:
            at = next((i for i, (name, _) in enumerate(members) if name.endswith((".json", ".model"))), at)
        name, content = members[at]
        kind = draw.randrange(12)
        if kind == 0:
            del members[at]
        elif kind == 1:
            members.append((name, draw.choice(members)[1]))
        elif kind == 2:
            members[at] = draw.choice(("x", "../a", "/a", "schema.json", "a.model", "\x01")), content
        else:
            members[at] = name, (as_json if name.endswith(".json") else inner)(content, draw)
        out = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that stand twice
            with zipfile.ZipFile(out, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as target:
                for name, content in members:
                    target.writestr(name, content)
        packed_again = out.getvalue()
        return raw(packed_again, draw) if draw.random() < 0.1 else packed_again

    return change


# Folders: a name, a line feed and a file's content, each file behind a record separator.

MARK = b"\x1e"


def folder(files: dict[str, bytes]) -> bytes:
    """Several files as one input."""
    return b"".join(MARK + name.encode() + b"\n" + content for name, content in files.items())


def unfolder(data: bytes) -> dict[str, bytes]:
    """The files of an input."""
    parts = (part.partition(b"\n") for part in data.split(MARK)[1:])
    return {name.decode("utf-8", "replace"): content for name, _, content in parts}


def in_folder(inner: Mutator) -> Mutator:
    """Changes of one or two files of a folder."""

    def change(data: bytes, draw: Random) -> bytes:
        files = unfolder(data)
        for name in draw.sample(sorted(files), min(len(files), draw.choice((1, 1, 2)))):
            if draw.random() < 0.02:
                del files[name]
            else:
                files[name] = inner(files[name], draw).replace(MARK, b"")
        return folder(files)

    return change


def npy(data: bytes, draw: Random) -> bytes:
    """Changes of a .npy file's header, or of its numbers."""
    if draw.random() < 0.5 and data.startswith(b"\x93NUMPY"):
        end = data.find(b"}") + 1
        changed = text(data[10:end], draw)
        return (
            data[:8] + len(changed).to_bytes(2, "little", signed=False) + changed + data[end:]
            if len(changed) < 1 << 16
            else data
        )
    return raw(data, draw)
