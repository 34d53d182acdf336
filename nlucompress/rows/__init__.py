"""Rows of (class, code) to bytes and back. One coder an id; the header of a file names the coder it needs.

``coder.py`` says what a coder is; ``plain.py`` has ``plain`` and ``dense``, rows in slot order; ``pool.py`` has ``pool``,
each distinct row once. ``encode_rows`` takes the smallest. FORMAT.md, "Rows", is normative.
"""

from __future__ import annotations

from ..errors import BuildError
from .coded import CODED
from .coder import Coder, Encoded, Reader, Shape, Table
from .plain import DENSE, PLAIN
from .pool import POOL

__all__ = ["CODERS", "Coder", "Encoded", "Reader", "Shape", "Table", "coders", "encode_rows"]

CODERS = {"plain": PLAIN, "dense": DENSE, "pool": POOL, "coded": CODED}


def encode_rows(table: Table, layout: str = "auto") -> tuple[str, Encoded]:
    """The id of the coder that the layout allows and that is the smallest, and what it makes of the rows.

    Raises BuildError for a layout that no coder of this version has, and for more classes than two bytes count.
    """
    allowed = coders(layout)
    if table.codes.shape[1] > 1 << 16:
        raise BuildError(f"{table.codes.shape[1]} classes, the limit is 65536 (a class id has two bytes)")
    encoded = {name: CODERS[name].encode(table) for name in allowed}
    smallest = min(encoded, key=lambda name: encoded[name].size)
    return smallest, encoded[smallest]


def coders(layout: str) -> list[str]:
    """The ids of the coders that a layout allows; an id allows itself. Raises BuildError if this version has none."""
    allowed = [name for name, coder in CODERS.items() if layout in ("auto", coder.layout, name)]
    if not allowed:
        known = sorted({coder.layout for coder in CODERS.values()} | {"auto"})
        raise BuildError(f"layout: {layout!r} is none that this version writes: {', '.join(map(repr, known))}")
    return allowed
