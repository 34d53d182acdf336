"""Section 7 of FORMAT.md: the sections of each row coder, number by number, and tables of codes that are none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from . import Attack
from .bases import Base
from .index import put
from .parts import assemble
from .values import elements


def attacks(base: Base) -> Iterator[Attack]:
    """Those of the file's coder."""
    yield from {"plain": plain, "dense": dense, "pool": pool, "coded": coded}[base.coder](base)


def fills(base: Base, name: str, claims: str) -> Iterator[Attack]:
    """A section of equal bytes."""
    size = len(base.sections[name])
    for fill in (b"\x00", b"\xff", b"\x55", b"\x80") if size else ():
        if fill * size != base.sections[name]:
            yield Attack(f"{name}: all {fill.hex()}", put(base, name, fill * size), claims)


def offsets(base: Base, rule: str) -> Iterator[Attack]:
    """An Elias-Fano sequence whose parts are not of it."""
    for name, dtype in (("row_low", "u1"), ("row_high", "u1"), ("row_samples", "<u4")):
        content = base.sections[name]
        for number, value, other in elements(content, dtype):
            yield Attack(
                f"{name}[{number}]={value}",
                put(base, name, other),
                f"{rule}*|R3*" if name != "row_low" else f"{rule}*|R3*|opens",
            )
        yield from fills(base, name, f"{rule}*|R3*")


def plain(base: Base) -> Iterator[Attack]:
    """R1 to R3."""
    yield from offsets(base, "R2")
    content, unit = base.sections["rows"], 2 if base.header["rows"]["columns"] <= 256 else 3
    codes = len(base.sections["codebook"]) // 4
    for number, value, other in elements(content, f"S{unit}" if unit == 3 else "<u2"):
        yield Attack(f"rows[{number}]={value}", put(base, "rows", other), "R3*|opens")
    for pair in sorted({0, len(content) // unit - 1}):
        for value in {base.header["rows"]["columns"], 255} - set(range(base.header["rows"]["columns"])):
            yield Attack(f"rows.column[{pair}]={value}", put(base, "rows", _byte(content, pair * unit, value)), "R3*")
        for value in {codes, 255} - set(range(codes)):
            yield Attack(
                f"rows.code[{pair}]={value}", put(base, "rows", _byte(content, pair * unit + unit - 1, value)), "R3*"
            )
    yield from fills(base, "rows", "R3*|opens")


def _byte(content: bytes, at: int, value: int) -> bytes:
    return content[:at] + bytes([value]) + content[at + 1 :]


def dense(base: Base) -> Iterator[Attack]:
    """R3."""
    codes = len(base.sections["codebook"]) // 4
    for number, value, other in elements(base.sections["rows"], "u1"):
        claims = "R3*" if other[number] >= codes else "opens"
        yield Attack(f"rows[{number}]={value}", put(base, "rows", other), claims)
    yield from fills(base, "rows", "R3*|opens")


def pool(base: Base) -> Iterator[Attack]:
    """R3 to R5: groups, and the entries of each."""
    content, groups = base.sections["row_groups"], base.header["rows"]["groups"]
    for group in sorted({0, groups // 2, groups - 1} if groups else set()):
        for field, first, dtype in (("first", 0, "<u4"), ("units", 4, "<u4"), ("start", 8, "<u8")):
            for _, value, other in elements(content, dtype, 16 * group + first, 1):
                yield Attack(
                    f"row_groups[{group}].{field}={value}",
                    put(base, "row_groups", other),
                    "R4|S6" if field == "units" else "R4",
                )
    if groups and not base.header["slots"]["idf_bits"]:  # entries of no bytes: as many as one likes
        header = {**base.header, "slots": {**base.header["slots"], "check_bits": 32}}
        header["rows"] = {**base.header["rows"], "entries": 1 << 30, "groups": 1}
        many = {**base.sections, "row_groups": bytes(16), "rows": b""}
        yield Attack("rows: 2^30 entries of no bytes", assemble(header, many), "L3")
    table = np.frombuffer(content, "S16")
    if groups > 1:
        yield Attack("row_groups=reversed", put(base, "row_groups", table[::-1].tobytes()), "R4")
        yield Attack("row_groups=all the first", put(base, "row_groups", content[:16] * groups), "R4")
    for number, value, other in elements(base.sections["rows"], "u1"):
        yield Attack(f"rows[{number}]={value}", put(base, "rows", other), "R3*|L2*|opens")
    yield from fills(base, "row_groups", "R4|S6")
    yield from fills(base, "rows", "R3*|L2*|opens")


def coded(base: Base) -> Iterator[Attack]:
    """R6, R7: levels, groups, order, map and Huffman tables; ranks, pointers, offsets and entries."""
    h, content = base.header["rows"], base.sections["row_tables"]
    unit = 1 if h["columns"] <= 256 else 2
    levels, groups = 0, 5 * h["levels"]
    order = groups + 12 * h["groups"]
    mapped, tables = order + unit * h["columns"], len(content) - 16 * h["tables"] - h["symbols"]

    def tabled(place: str, other: bytes, claims: str) -> Attack:
        return Attack(f"row_tables.{place}", put(base, "row_tables", other), claims)

    for level in range(h["levels"]):
        for _, value, other in elements(content, "<u4", levels + 5 * level, 1):
            yield tabled(f"levels[{level}].slots={value}", other, "R6")
        for _, value, other in elements(content, "u1", levels + 5 * level + 4, 1):
            yield tabled(f"levels[{level}].width={value}", other, "R6|S6")
    for group in sorted({0, h["groups"] // 2, h["groups"] - 1} if h["groups"] else set()):
        at = groups + 12 * group
        for field, first, dtype in (("first", 0, "<u4"), ("start", 4, "<u4")):
            for _, value, other in elements(content, dtype, at + first, 1):
                yield tabled(f"groups[{group}].{field}={value}", other, "R6")
        for _, value, other in elements(content[: at + 11] + b"\0" + content[at + 12 :], "<u4", at + 8, 1):
            yield tabled(
                f"groups[{group}].size={value}",
                other[: at + 11] + content[at + 11 : at + 12] + other[at + 12 :],
                "R6|R7*",
            )
        for kind in range(256):
            if kind != content[at + 11] and (kind < 20 or kind & 15 in (1, 2, 4, 8) or kind > 250):
                yield tabled(f"groups[{group}].kind={kind}", _byte(content, at + 11, kind), "R6|S6|R7*|R3*")
    for number, value, other in elements(content, f"<u{unit}", order, h["columns"]):
        yield tabled(f"order[{number}]={value}", other, "R6" if value in ("max", "half") else "R6|R7*")
    yield tabled(
        "order=reversed",
        content[:order] + np.frombuffer(content, f"<u{unit}", h["columns"], order)[::-1].tobytes() + content[mapped:],
        "R3*|opens",
    )
    for number, value, other in elements(content, "u1", mapped, tables - mapped):
        yield tabled(f"map[{number}]={value}", other, "R6" if value in ("max", "half") else "R6|R7*|R3*|opens")
    for fill in (0, h["tables"], 255):
        yield tabled(
            f"map: all {fill}",
            content[:mapped] + bytes([fill]) * (tables - mapped) + content[tables:],
            "R6" if fill else "R7*|R3*|opens",
        )
    yield from _codes(base, content, tables)
    if base.sections["row_more"]:
        for number, value, other in elements(base.sections["row_more"], "<u4"):
            yield Attack(f"row_more[{number}]={value}", put(base, "row_more", other), "R7*")
        yield from fills(base, "row_more", "R7*")
        for number, behind in _bits_behind(base.header["rows"], content[levels:groups], base.sections["row_more"]):
            yield Attack(
                f"row_more: a bit of level {number} behind its last slot", put(base, "row_more", behind), "R7*"
            )
        for number, value, other in elements(base.sections["row_pointers"], "u1"):
            yield Attack(f"row_pointers[{number}]={value}", put(base, "row_pointers", other), "R5*|opens")
        yield from fills(base, "row_pointers", "R5*|opens")
    yield from offsets(base, "R7")
    for number, value, other in elements(base.sections["rows"], "u1"):
        yield Attack(f"rows[{number}]={value}", put(base, "rows", other), "R3*|R7*|opens")
    yield from fills(base, "rows", "R3*|R7*|opens")


def _bits_behind(rows: dict[str, Any], levels: bytes, content: bytes) -> Iterator[tuple[int, bytes]]:
    """Of each level with room for it: the last bit set of its last block stands at the block's end; ranks are right."""
    slots = [*np.frombuffer(levels, [("slots", "<u4"), ("width", "u1")])["slots"].tolist(), rows["singles"]]
    block = 0
    for number, (here, after) in enumerate(pairwise(slots)):
        if after:
            block += -(-here // 480)
            last = np.unpackbits(np.frombuffer(content, np.uint8, 60, 64 * block - 60), bitorder="little")
            if here % 480 and last.any():
                last[np.flatnonzero(last)[-1]], last[479] = 0, 1
                end = np.packbits(last, bitorder="little").tobytes()
                yield number, content[: 64 * block - 60] + end + content[64 * block :]


def _codes(base: Base, content: bytes, tables: int) -> Iterator[Attack]:
    """Tables of codes that are incomplete, over-subscribed, too long, of symbols that are none, or run into each other."""

    def table(at: int) -> int:
        return 16 + sum(content[at : at + 16])

    starts = [tables]
    for _ in range(base.header["rows"]["tables"] - 1):
        starts.append(starts[-1] + table(starts[-1]))
    for number, start in enumerate(starts):
        counts, symbols = content[start : start + 16], content[start + 16 : start + table(start)]

        def coded(new: bytes, start: int = start) -> bytes:
            return put(base, "row_tables", content[:start] + new + content[start + len(new) :])

        place = f"row_tables.tables[{number}]"
        for length in range(16):
            for more in (-1, 1, 64, 255):
                value = counts[length] + more if abs(more) == 1 else more
                if 0 <= value < 256 and value != counts[length]:
                    yield Attack(f"{place}.counts[{length}]={value}", coded(_byte(counts, length, value)), "R6")
        longest = max(length for length in range(16) if counts[length])
        if len(symbols) > 1 and longest < 15:  # as many symbols, but for one a code that is longer or shorter
            longer, shorter = bytearray(counts), bytearray(counts)
            longer[longest] -= 1
            longer[longest + 1] += 1
            shorter[longest] -= 1
            shorter[longest - 1] += 1
            yield Attack(f"{place}: incomplete", coded(bytes(longer)), "R6")
            yield Attack(f"{place}: over-subscribed", coded(bytes(shorter)), "R6")
            yield Attack(f"{place}: all of 15 bits", coded(bytes(15) + bytes([len(symbols)])), "R6")
            yield Attack(f"{place}: all of no bits", coded(bytes([len(symbols)]) + bytes(15)), "R6")
        yield Attack(f"{place}: no codes", coded(bytes(16)), "R6")
        for at in sorted({0, len(symbols) // 2, len(symbols) - 1}):
            for symbol in (56, 63, 64, 128, 255):  # more than there are
                yield Attack(f"{place}.symbols[{at}]={symbol}", coded(counts + _byte(symbols, at, symbol)), "R6")
            for symbol in sorted(
                {0, 15, 16, 55} - {symbols[at]}
            ):  # numbers of up to 2^24: lengths, gaps, codes of no row
                yield Attack(
                    f"{place}.symbols[{at}]={symbol}", coded(counts + _byte(symbols, at, symbol)), "R7*|R3*|opens"
                )
        for symbol in sorted({0, 15, 16, 40, 55} - ({symbols[0]} if len(symbols) == 1 else set())):
            yield Attack(
                f"{place}.symbols: all {symbol}", coded(counts + bytes([symbol]) * len(symbols)), "R7*|R3*|opens"
            )
    one = b"\x01" + bytes(15)  # a lone symbol, of no bits: an entry of numbers that cost nothing
    for symbol in (0, 1, 15, 16, 40, 55):
        count = base.header["rows"]["tables"]
        fields = {**base.header, "rows": {**base.header["rows"], "symbols": count}}
        lone = content[:tables] + (one + bytes([symbol])) * count
        yield Attack(
            f"row_tables.tables: each the lone symbol {symbol}",
            assemble(fields, {**base.sections, "row_tables": lone}),
            "R7*|R3*|opens",
        )
