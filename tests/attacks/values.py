"""Hostile values: of fields of the header, and of elements of arrays."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

TYPES: tuple[Any, ...] = (None, True, 1.5, "1", [], {}, [1], {"a": 1})  # one of each, and that hold something
LARGE = (1 << 63, (1 << 64) - 1, -1, -(1 << 63))
NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


def shown(value: Any) -> str:
    """A value as the name of an attack has it."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 1 << 16:
        for power in (64, 63, 40, 35, 32, 31, 24, 16):
            for less in (0, 1):
                if abs(value) == (1 << power) - less:
                    return f"{'-' * (value < 0)}2^{power}" + "-1" * less
    if value is ...:
        return "missing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text:.40}…{text[-8:]} of {len(text)} characters"


def keys(path: str) -> list[str | int]:
    """Of a path such as ``index.levels[0]`` or ``requires['rows.plain']``."""
    found = re.findall(r"\['([^']*)'\]|\[(\d+)\]|([^.\[]+)", path)
    return [int(number) if number else quoted or name for quoted, number, name in found]


def at(header: Any, path: str, value: Any) -> Any:
    """The header with another value at a path; ``...``: without it."""
    out = copy.deepcopy(header)
    place = out
    *inside, last = keys(path)
    for key in inside:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return out


def elements(content: bytes, dtype: str, first: int = 0, count: int | None = None) -> Iterator[tuple[int, str, bytes]]:
    """First, middle and last of ``count`` numbers from byte ``first`` on, each set to hostile values.

    Yields its number, the value's name, and the content.
    """
    size = np.dtype(dtype).itemsize
    count = (len(content) - first) // size if count is None else count
    for number in sorted({0, count // 2, count - 1} if count else set()):
        where = first + number * size
        done = {content[where : where + size]}
        (old,) = np.frombuffer(content, dtype, 1, where)
        for name, value in _others(old):
            new = np.array([value], dtype).tobytes()
            if new not in done:
                done.add(new)
                yield number, name, content[:where] + new + content[where + size :]


def _others(old: Any) -> Iterator[tuple[str, Any]]:
    if old.dtype.kind == "f":
        info = np.finfo(old.dtype)
        yield from (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf), ("max", info.max), ("-max", info.min))
        yield from (("0", 0.0), ("-0", -0.0), ("tiny", info.smallest_subnormal))
        return
    bits = 8 * old.dtype.itemsize
    values = {"0": 0, "max": (1 << bits) - 1, "half": 1 << bits - 1, "+1": int(old) + 1, "-1": int(old) - 1}
    for name, value in values.items():
        yield name, value % (1 << bits)


def lengths(content: bytes, item: int) -> Iterator[tuple[str, bytes]]:
    """The content an item or a byte shorter or longer, empty, twice."""
    done = {content}
    for name, new in (
        ("-1 item", content[:-item]),
        ("+1 item", content + bytes(item)),
        ("-1 byte", content[:-1]),
        ("+1 byte", content + b"\x01"),
        ("empty", b""),
        ("twice", content * 2),
    ):
        if new not in done:
            done.add(new)
            yield name, new
