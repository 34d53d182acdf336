"""Targets: readers of compressed models and of bundles, and the answers of what they open."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import msgpack

import nlucompress
from nlucompress import bundle, fileformat
from nlucompress.errors import FormatError

from . import mutate, seeds
from .agree import agree
from .targets import MIB, Target

TEXTS: list[Any] = ["play the beatles", "", "turn it off é ß İ", "a b c d e f g", "\ud800 x"]


def model(data: bytes, draw: Random) -> bytes:
    """Changes of a .nluc file's sections or header, after which most checksums are right again."""
    if draw.random() < 0.1 or len(data) < 64:
        return mutate.raw(data, draw)
    length = min(int.from_bytes(data[12:16], "little"), len(data))  # a change may have made it 4 GB
    head, body = data[64 : 64 + length], data[64 + length :]
    kind = draw.random()
    if kind < 0.45:
        try:
            header = msgpack.unpackb(head, strict_map_key=False)
        except Exception:  # whatever msgpack says of damage
            header = {}
        holder = [header]
        for _ in range(draw.choice((1, 1, 2, 3))):
            mutate.node_change(holder, draw)
        try:
            changed = msgpack.packb(holder[0], unicode_errors="surrogatepass")
        except (ValueError, TypeError, OverflowError, RecursionError):
            return mutate.raw(data, draw)
        room = fileformat.align(64 + length) - 64
        head, body = changed, (body if len(changed) > room else bytes(room - len(changed)) + data[64 + room :])
    elif kind < 0.55:
        head = mutate.raw(head, draw)
    else:
        body = _in_place(body, draw)
    return sealed(data[:12] + struct.pack("<I", len(head)) + data[16:64] + head + body, draw)


def _in_place(data: bytes, draw: Random) -> bytes:
    """Changes that leave the length, and so the places of all sections, as they are."""
    if draw.random() < 0.1:
        return mutate.raw(data, draw)
    changed = data
    for _ in range(draw.choice((1, 2, 5))):
        at = draw.randrange(len(data) + 1)
        changed = changed[:at] + mutate.raw(changed[at : at + 8], draw)[:8].ljust(8, b"\0") + changed[at + 8 :]
    return changed[: len(data)]


def sealed(data: bytes, draw: Random) -> bytes:
    """A file with the length and the checksums that its bytes ask for: all of them, or all but one."""
    out, skipped = bytearray(data), draw.randrange(30)
    if skipped != 0:
        out[16:24] = struct.pack("<Q", len(out))
    length = min(int.from_bytes(out[12:16], "little"), len(out))
    if skipped != 1:
        with contextlib.suppress(Exception):  # a header that is none has no table of sections
            header = msgpack.unpackb(bytes(out[64 : 64 + length]), strict_map_key=False)
            for row in header["sections"]:
                row[3] = zlib.crc32(out[row[1] : row[1] + row[2]])
            head = msgpack.packb(header)
            if len(head) <= length or not any(out[64 + length : fileformat.align(64 + length)]):
                room = fileformat.align(64 + length) - 64
                if len(head) <= room:
                    out[64 : 64 + room], length = head + bytes(room - len(head)), len(head)
                    out[12:16] = struct.pack("<I", length)
    if skipped != 2:
        out[24:28] = struct.pack("<I", zlib.crc32(out[64 : 64 + length]))
    if skipped != 3:
        out[28:32] = struct.pack("<I", zlib.crc32(out[:28]))
    if skipped != 4:
        out[32:64] = hashlib.sha256(bytes(out[:32]) + bytes(out[64:])).digest()
    return bytes(out)


def bundled(data: bytes, draw: Random) -> bytes:
    """Changes of a bundle's slots, directory or models, after which most checksums are right again."""
    if draw.random() < 0.1 or len(data) < bundle.START:
        return mutate.raw(data, draw)
    out = bytearray(data)
    slots = [number for number, at in enumerate(bundle.SLOTS) if out[at : at + 8] == bundle.SLOT_MAGIC]
    at = bundle.SLOTS[draw.choice(slots or [0])]
    offset, length = struct.unpack_from("<QQ", out, at + 16)
    kind = draw.random()
    if kind < 0.2:
        out[at + 8 : at + 60] = _in_place(bytes(out[at + 8 : at + 60]), draw)
    elif kind < 0.8 and offset + length <= len(out):
        out[offset : offset + length] = _in_place(bytes(out[offset : offset + length]), draw)
    elif kind < 0.9:
        start = draw.randrange(bundle.START, len(out) + 1)
        out[start:] = _in_place(bytes(out[start:]), draw)
    else:
        return mutate.raw(data, draw)
    offset, length = struct.unpack_from("<QQ", out, at + 16)
    if draw.random() < 0.95:
        out[at + 32 : at + 36] = struct.pack(
            "<I", zlib.crc32(out[offset : offset + length] if offset + length < 1 << 40 else b"")
        )
    if draw.random() < 0.95:
        out[at + 60 : at + 64] = struct.pack("<I", zlib.crc32(out[at : at + 60]))
    return bytes(out)


def asked(opened: Any) -> None:
    """Ask a model everything that it answers. A sample that it cannot read is its ValueError or TypeError to raise."""
    if opened.task == "tagging":
        with contextlib.suppress(ValueError, TypeError):
            opened.tag([["a", "w=play"], [], ["b"]], features=True)
        with contextlib.suppress(ValueError, TypeError):
            opened.tag(["Play", "jazz"])
    else:
        samples = TEXTS if opened.takes_text else [["a", "b=c"], {"text": "a b", "a": 1.0, "b": "c"}, [("a", 2)]]
        for sample in samples:
            with contextlib.suppress(ValueError, TypeError):
                opened.decide(opened.decision_function([sample]))
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                opened.predict_proba([sample])
    opened.lookup("a")
    opened.lookup_many(["play", "", "é"])
    opened.info()


def _load(path: Path) -> None:
    opened = nlucompress.load(path)
    with contextlib.suppress(FormatError):
        opened = nlucompress.load(path, verify="full")
    asked(opened)


def _bundle(path: Path) -> None:
    with bundle.Bundle(path) as opened:
        for entry in opened.entries()[:8]:
            with contextlib.suppress(FormatError, KeyError):  # a name that the index leads elsewhere is not found
                opened.model(entry.name)
        opened.info()
    with contextlib.suppress(FormatError):
        bundle.verify(path)


def _store(path: Path) -> None:
    with nlucompress.ModelStore(path, check_seconds=None) as store:
        for name in store.names()[:8]:
            with contextlib.suppress(FormatError, KeyError):
                asked(store[name])
        store.stats()


TARGETS = {
    target.name: target
    for target in (
        Target("load", seeds.models, model, _load, (FormatError,), 64, 64 * MIB, "model.nluc"),
        Target("agree", seeds.models, model, agree, (FormatError,), 64, 64 * MIB, "model.nluc"),
        Target("bundle", seeds.bundles, bundled, _bundle, (FormatError,), 64, 64 * MIB, "b.nlub"),
        Target("store", seeds.bundles, bundled, _store, (FormatError,), 64, 64 * MIB, "b.nlub"),
    )
}
