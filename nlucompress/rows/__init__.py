"""Rows of (class, code) to bytes and back. One coder an id; the header of a file names the coder it needs.

``coder.py`` says what a coder is; ``plain.py`` has ``plain`` and ``dense``, rows in slot order; ``pool.py`` has ``pool``,
each distinct row once; ``coded.py`` has ``coded``, the same entropy coded. ``encode_rows`` takes the smallest. FORMAT.md,
"Rows", is normative.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import BuildError
from .coded import CODED
from .coder import Coder, Encoded, Reader, Shape, Table
from .plain import DENSE, PLAIN
from .pool import POOL

__all__ = ["CODERS", "Choice", "Coder", "Encoded", "Reader", "Shape", "Table", "coders", "encode_rows"]

CODERS = {"plain": PLAIN, "dense": DENSE, "pool": POOL, "coded": CODED}


class Choice(NamedTuple):
    """The id of the coder that was chosen, what it makes of the rows, and the bytes that each coder of the layout takes."""

    coder: str
    encoded: Encoded
    sizes: dict[str, int]


def encode_rows(table: Table, layout: str = "auto") -> Choice:
    """The smallest of what the coders make that the layout allows.

    A coder whose size is known beforehand makes its bytes only if they are the smallest: all codes of a large sparse model
    would not fit the memory. Raises BuildError for a layout that no coder of this version has, and for more classes than
    two bytes count.
    """
    allowed = coders(layout)
    if table.codes.shape[1] > 1 << 16:
        raise BuildError(f"{table.codes.shape[1]} classes, the limit is 65536 (a class id has two bytes)")
    sizes: dict[str, int] = {}
    best: tuple[str, Encoded] | None = None
    for name in allowed:
        coder = CODERS[name]
        if coder.size is not None:
            sizes[name] = coder.size(table)
            continue
        encoded = coder.encode(table)
        sizes[name] = encoded.size
        if best is None or encoded.size < best[1].size:
            best = name, encoded
    smallest = min(sizes, key=lambda name: sizes[name])  # the first of equals
    if best is None or best[0] != smallest:
        best = smallest, CODERS[smallest].encode(table)
    return Choice(*best, sizes)


def coders(layout: str) -> list[str]:
    """The ids of the coders that a layout allows; an id allows itself. Raises BuildError if this version has none."""
    allowed = [name for name, coder in CODERS.items() if layout in ("auto", coder.layout, name)]
    if not allowed:
        known = sorted({coder.layout for coder in CODERS.values()} | {"auto"})
        raise BuildError(f"layout: {layout!r} is none that this version writes: {', '.join(map(repr, known))}")
    return allowed
