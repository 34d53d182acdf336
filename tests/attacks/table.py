"""Section 3 of FORMAT.md: the table of sections, and each section of another length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Attack
from .bases import Base
from .parts import Table, align, assemble
from .values import LARGE, TYPES, lengths, shown

OPTIONAL = {"calibration", "baseline", "scale"}
ITEMS = {
    "intercept": 8,
    "calibration": 8,
    "baseline": 8,
    "scale": 4,
    "idf": 4,
    "codebook": 4,
    "transitions": 4,
    "index": 64,
    "shards": 8,
    "row_groups": 16,
    "row_more": 64,
    "row_samples": 4,
    "row_low": 8,
    "row_high": 8,
    "slots": 8,
}


def attacks(base: Base) -> Iterator[Attack]:
    """Every entry's name, offset, length and CRC-32; entries missing, twice and out of order; every section's length."""
    table: Table = []

    def keep(rows: Table) -> Table:
        table[:] = [list(row) for row in rows]
        return rows

    assemble(base.header, base.sections, keep)
    names = [row[0] for row in table]

    def entry(row: int, column: int, value: Any) -> bytes:
        def edit(rows: Table) -> Table:
            rows[row][column] = value(rows[row][column]) if callable(value) else value
            return rows

        return assemble(base.header, base.sections, edit)

    wrong = [value for value in (*TYPES, *LARGE) if value not in ("1",)]
    for row, name in enumerate(names):
        place = f"sections[{name}]"
        for column, what in ((1, "offset"), (2, "length"), (3, "crc")):
            for value in ("1", *wrong) if row in (0, len(names) - 1) else [*wrong[:1], -1, 1 << 63]:
                yield Attack(f"{place}.{what}={shown(value)}", entry(row, column, value), "S1")
        for value in wrong:
            if row in (0, len(names) - 1) and not isinstance(value, str):
                yield Attack(f"{place}.name={shown(value)}", entry(row, 0, value), "S1")
        yield Attack(f"{place}.name=twice", entry(row, 0, names[row - 1]), "S1")
        other = "S6|L1" + ("|opens" if name in OPTIONAL else "")
        yield Attack(f"{place}.name=unknown", entry(row, 0, "unknown"), other)
        yield Attack(f"{place}.name=x", entry(row, 0, name + "\0"), other)
        for value in (1, 4, 32, 63):
            yield Attack(f"{place}.offset+{value}", entry(row, 1, table[row][1] + value), "S2")
            yield Attack(f"{place}.offset-{value}", entry(row, 1, table[row][1] - value), "S2")
        yield Attack(f"{place}.offset=0", entry(row, 1, 0), "S2")
        yield Attack(f"{place}.offset=64", entry(row, 1, 64), "S2")
        yield Attack(f"{place}.offset-64", entry(row, 1, lambda offset: offset - 64), "S2")
        for power in (32, 62):
            yield Attack(f"{place}.offset=2^{power}", entry(row, 1, 1 << power), "S3")
        yield Attack(f"{place}.offset=2^63-64", entry(row, 1, (1 << 63) - 64), "S3")
        for value in (1 << 31, 1 << 32, 1 << 40, (1 << 63) - 1, (1 << 63) - 64):
            yield Attack(f"{place}.length={shown(value)}", entry(row, 2, value), "S3")
        over = align(table[row][2]) + 1
        yield Attack(f"{place}.length=overlaps", entry(row, 2, over), "S2" if row + 1 < len(names) else "S3")
        yield Attack(f"{place}.crc+1", entry(row, 3, lambda crc: crc ^ 1), "S5*")
        yield Attack(f"{place}.crc=2^63-1", entry(row, 3, (1 << 63) - 1), "S5*")
        if row and table[row - 1][2] and table[row][2]:
            yield Attack(
                f"sections[{names[row - 1]}] and [{name}] in turn",
                assemble(
                    base.header,
                    base.sections,
                    lambda rows, row=row: [*rows[: row - 1], rows[row], rows[row - 1], *rows[row + 1 :]],
                ),
                "S2",
            )  # type: ignore[misc]
    for value in (None, {}, "sections", 5, [[]], [5], [None], [["a", 64, 0]], [["a", 64, 0, 0, 0]], [{"name": "a"}]):
        yield Attack(
            f"sections={shown(value)}", assemble(base.header, base.sections, lambda rows, value=value: value), "S1"
        )  # type: ignore[misc]
    yield Attack("sections=[]", assemble(base.header, base.sections, lambda rows: []), "S4")
    yield Attack("sections=reversed", assemble(base.header, base.sections, lambda rows: rows[::-1]), "S2")
    more = {f"more {i}": b"" for i in range(65 - len(names))}
    yield Attack("sections: 65", assemble(base.header, {**base.sections, **more}), "S1")
    del more["more 0"]
    yield Attack("sections: 64", assemble(base.header, {**base.sections, **more}), "opens")
    yield Attack("sections: missing", assemble(lambda rows: _packed(base), base.sections), "S1")


def of_lengths(base: Base) -> Iterator[Attack]:
    """Every section longer and shorter, and missing."""
    for name, section in base.sections.items():
        for what, content in lengths(section, ITEMS.get(name, 1)):
            yield Attack(
                f"section {name} of length {what}",
                assemble(base.header, {**base.sections, name: content}),
                length_claims(base, name, what),
            )
        gone = {key: content for key, content in base.sections.items() if key != name}
        yield Attack(
            f"section {name} is missing", assemble(base.header, gone), "opens" if name in OPTIONAL else "S6|L1"
        )


def _packed(base: Base) -> bytes:
    import msgpack

    packed: bytes = msgpack.packb(base.header)
    return packed


def length_claims(base: Base, name: str, what: str) -> str:
    """Which rule speaks of a section's length."""
    if name == "labels":
        return "S6|M4"
    if name == "transitions":
        return "M6"
    if name == "shards":
        return "I4"
    if name == "idf":
        return "S6|L2*" if "item" in what or what == "twice" else "S6|L1"
    if name == "codebook":  # fewer values: a code may be out of range, which is checked in full
        return "S6|R3*|opens" if "item" in what or what == "twice" else "S6"
    return "S6"
