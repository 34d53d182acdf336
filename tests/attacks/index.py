"""Sections 4 to 6 of FORMAT.md: labels, numbers that must be finite, blocks, shards and slots, element by element."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import Attack
from .bases import Base
from .parts import assemble
from .values import elements

FLOATS = {"intercept": "<f8", "calibration": "<f8", "baseline": "<f8", "scale": "<f4", "idf": "<f4", "codebook": "<f4"}


def attacks(base: Base) -> Iterator[Attack]:
    """All of them."""
    yield from floats(base)
    yield from labels(base)
    yield from blocks(base)
    if "shards" in base.sections:
        yield from shards(base)
    if base.name == "empty":
        yield from large(base)
    slots = base.sections["slots"]
    for number, value, content in elements(slots, "u1"):
        yield Attack(f"slots[{number}]={value}", put(base, "slots", content), "R5*|opens")
    for fill in (b"\x00", b"\xff"):
        if slots and fill * len(slots) != slots:
            claims = "R5*" if base.coder == "pool" and fill[0] and _entries_are_no_power_of_two(base) else "R5*|opens"
            yield Attack(f"slots: all {fill.hex()}", put(base, "slots", fill * len(slots)), claims)


def _entries_are_no_power_of_two(base: Base) -> bool:
    entries = base.header["rows"]["entries"]
    return bool(entries & (entries - 1))


def put(base: Base, name: str, content: bytes) -> bytes:
    """The file with another section."""
    return assemble(base.header, {**base.sections, name: content})


def floats(base: Base) -> Iterator[Attack]:
    """M5."""
    for name, dtype in FLOATS.items():
        for number, value, content in elements(base.sections.get(name, b""), dtype):
            finite = value not in ("nan", "inf", "-inf")
            claims = "opens" if finite else "M5"
            if name == "intercept" and base.tagging and finite and value != "-0":
                claims = "M6"
            if name == "codebook" and number == base.header["rows"].get("zero") and finite and value not in ("0", "-0"):
                claims = "R6"
            yield Attack(f"{name}[{number}]={value}", put(base, name, content), claims)


def labels(base: Base) -> Iterator[Attack]:
    """M4."""
    kind, count, content = *(base.header["classes"][key] for key in ("type", "count")), base.sections["labels"]
    if kind not in ("str", "object"):
        for number, value, other in elements(content, "u1"):
            claims = "M4" if kind == "bool" and other[number] > 1 else "M4|M4*|opens"
            yield Attack(f"labels[{number}]={value}", put(base, "labels", other), claims)
        return
    for number, value, other in elements(content, "<u4", 0, count):
        claims = "M4" if number == count - 1 or value in ("max", "half") else "M4|M4*|opens"
        yield Attack(f"labels.ends[{number}]={value}", put(base, "labels", other), claims)
    for number, value, other in elements(content, "u1", 4 * count):
        claims = (
            "M4"
            if value in ("max", "half") or (value == "0" and number == len(content) - 4 * count - 1 and kind == "str")
            else "M4|M4*|opens"
        )
        yield Attack(f"labels.text[{number}]={value}", put(base, "labels", other), claims)
    ends, text = np.frombuffer(content, "<u4", count), content[4 * count :]
    if count > 1:
        yield Attack(
            "labels: all equal",
            put(base, "labels", np.arange(1, count + 1, dtype="<u4").tobytes() + b"x" * count),
            "M4*",
        )
        yield Attack("labels: all empty", put(base, "labels", bytes(4 * count)), "M4*")
        yield Attack("labels: ends descend", put(base, "labels", ends[::-1].tobytes() + text), "M4")
        longest = (1 << 22) // count + 1
        many = np.arange(count, dtype="<u4") + np.uint32(longest)
        letters = b"x" * longest + bytes(range(65, 65 + min(count - 1, 60)))
        if len(letters) == longest + count - 1:
            yield Attack("labels: one of 4 MB over all", put(base, "labels", many.tobytes() + letters), "M4")


def large(base: Base) -> Iterator[Attack]:
    """Small files that ask for much, and break a rule that could be checked after it was made."""
    count = 2048
    ends = (
        np.arange(count, dtype="<u4") * 4 + 2048
    )  # one label of 2048 bytes, the others of four: 16 MB as an array of str
    words = b"x" * 2048 + b"".join(f"{i:04}".encode() for i in range(1, count))
    sections = {**base.sections, "labels": ends.tobytes() + words, "intercept": bytes(8 * count)}
    header = {
        **base.header,
        "classes": {"type": "str", "count": count},
        "rows": {**base.header["rows"], "columns": count},
    }
    step = {"op": "norm", "namespaces": [0], "value": 0.0}
    wrong = bytes(8 * count - 2) + b"\xf0\x7f"
    yield Attack("labels: 16 MB, and an intercept of inf", assemble(header, {**sections, "intercept": wrong}), "M5")
    yield Attack("labels: 16 MB, and a step without kind", assemble({**header, "steps": [step]}, sections), "M3")
    yield Attack("labels: 16 MB, and no facts", assemble({**header, "facts": None}, sections), "H3")
    twice = sections["labels"][:-4] + b"0001"
    yield Attack("labels: 16 MB, and one twice", assemble(header, {**sections, "labels": twice}), "M4*")
    tagging = {
        **header,
        "task": "tagging",
        "requires": {**header["requires"], "tagging": "0.1.0"},
        "namespaces": [{"name": "a", "analyzer": "features"}],
    }
    bits = {**sections, "transitions": bytes(count * count // 8)}
    yield Attack("transitions: 16 MB, and a step", assemble({**tagging, "steps": [{**step, "kind": "l2"}]}, bits), "M6")
    yield Attack("transitions: 16 MB, and an idf", assemble(tagging, {**bits, "idf": bytes(4)}), "M6")
    one = b"\x01" + bits["transitions"][1:] + b"\0\0\xc0\x7f"
    yield Attack("transitions: 16 MB, one of nan", assemble(tagging, {**bits, "transitions": one}), "M5")


def blocks(base: Base) -> Iterator[Attack]:
    """I2, I3: ranks and bits."""
    content = base.sections["index"]
    if not content:
        return
    array = np.frombuffer(content, "<u4").reshape(-1, 16)
    for block in sorted({0, len(array) // 2, len(array) - 1}):
        for number, value, other in elements(content, "<u4", 64 * block, 16):
            moved = number and value != "max"  # as many bits as before, at other places
            yield Attack(
                f"index[{block}][{number}]={value}", put(base, "index", other), "I3*|opens" if moved else "I3*"
            )
    for name, ranks in (
        ("+1", array[:, 0] + 1),
        ("max", array[:, 0] * 0 + 0xFFFFFFFF),
        ("n", array[:, 0] * 0 + base.header["index"]["n"]),
    ):
        other_ranks = array.copy()
        other_ranks[:, 0] = ranks
        yield Attack(f"index.ranks={name}", put(base, "index", other_ranks.tobytes()), "I3*")
    for fill in (b"\x00", b"\xff", b"\x55"):
        yield Attack(f"index: all {fill.hex()}", put(base, "index", fill * len(content)), "I3*")
    bits = array.copy()
    bits[:, 1:] = 0xFFFFFFFF
    yield Attack("index.bits: all set", put(base, "index", bits.tobytes()), "I3*")


def shards(base: Base) -> Iterator[Attack]:
    """I4."""
    content, count = base.sections["shards"], 1 << base.header["index"]["shards"]
    heads = 4 * (count + 1)
    for number, value, other in elements(content, "<u4", 0, count + 1):
        yield Attack(
            f"shards.firsts[{number}]={value}",
            put(base, "shards", other),
            "I4",
        )
    for number, value, other in elements(content, "<u4", heads):
        yield Attack(
            f"shards.levels[{number // 2}].{('start', 'size')[number % 2]}={value}",
            put(base, "shards", other),
            "I4|opens" if number == (len(content) - heads) // 4 - 1 else "I4",
        )
    numbers = np.frombuffer(content, "<u4")
    for name, levels in (("reversed", numbers[count + 1 :].reshape(-1, 2)[::-1]), ("zero", numbers[count + 1 :] * 0)):
        other_numbers = np.concatenate([numbers[: count + 1], levels.reshape(-1)])
        yield Attack(f"shards.levels={name}", put(base, "shards", other_numbers.tobytes()), "I4")
    yield Attack(
        "shards.firsts=reversed",
        put(base, "shards", np.concatenate([numbers[: count + 1][::-1], numbers[count + 1 :]]).tobytes()),
        "I4",
    )
