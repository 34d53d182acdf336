"""Rules M6, M7 and section 10 of FORMAT.md: transitions, and token templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import Attack
from .bases import Base
from .index import put
from .parts import assemble
from .values import LARGE, NOT_FINITE, TYPES, at, elements, shown

TESTS = (
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
)


def attacks(base: Base) -> Iterator[Attack]:
    """Transitions of a tagging file; a template in each, where it does not belong too."""
    term = {"do": ["lower"]}
    if not base.tagging:
        for name, requires in (("template", {}), ("template that is required", {"template": "0.1.0"})):
            fields = {**base.header, "requires": {**base.header["requires"], **requires}, "template": {"features": []}}
            yield Attack(f"header.{name}", assemble(fields, base.sections), "M7")
        yield Attack(
            "section transitions", assemble(base.header, {**base.sections, "transitions": b"\xff" * 5}), "opens"
        )
        return
    yield from transitions(base)
    for name in ("calibration", "baseline"):
        size = 8 * base.header["rows"]["columns"] * (2 if name == "calibration" else 1)
        yield Attack(
            f"section {name} of a tagging file", assemble(base.header, {**base.sections, name: bytes(size)}), "M6"
        )
    yield Attack("section idf of a tagging file", assemble(base.header, {**base.sections, "idf": bytes(4)}), "M6")
    if base.name == "tagging-template":
        yield from templates(base)
    else:
        yield Attack(
            "header.template, not required",
            assemble({**base.header, "template": {"features": [{"text": [term]}]}}, base.sections),
            "M7",
        )
        asked = {**base.header, "requires": {**base.header["requires"], "template": "0.1.0"}}
        yield Attack("header.template: required and missing", assemble(asked, base.sections), "M7")


def transitions(base: Base) -> Iterator[Attack]:
    """M6, M5: bits, and a number for each that is set."""
    content, classes = base.sections["transitions"], base.header["classes"]["count"]
    cells = classes * classes
    size = -(-cells // 32) * 4
    bits = np.unpackbits(np.frombuffer(content, np.uint8, size), bitorder="little")
    for cell in sorted({0, cells // 2, cells - 1, *([cells, 8 * size - 1] if cells < 8 * size else [])}):
        other = bits.copy()
        other[cell] ^= 1
        yield Attack(
            f"transitions.bits[{cell}] turned",
            put(base, "transitions", np.packbits(other, bitorder="little").tobytes() + content[size:]),
            "M6",
        )
    ones = np.flatnonzero(bits)
    if len(ones) and cells < 8 * size:  # as many as before, but one beyond the last
        other = bits.copy()
        other[ones[0]], other[cells] = 0, 1
        yield Attack(
            "transitions.bits: one beyond the classes",
            put(base, "transitions", np.packbits(other, bitorder="little").tobytes() + content[size:]),
            "M6",
        )
    for fill in (b"\x00", b"\xff"):
        yield Attack(
            f"transitions.bits: all {fill.hex()}",
            put(base, "transitions", fill * size + content[size:]),
            "M6" if len(ones) else "M6|opens",
        )
    for number, value, new in elements(content, "<f4", size):
        yield Attack(
            f"transitions[{number}]={value}",
            put(base, "transitions", new),
            "M5" if value in ("nan", "inf", "-inf") else "opens",
        )


def templates(base: Base) -> Iterator[Attack]:
    """T1 to T5: a small template, every key at hostile values; and templates that are large."""

    def file(template: Any) -> bytes:
        return assemble({**base.header, "template": template}, base.sections)

    whole: dict[str, Any] = {
        "columns": 1,
        "features": [
            {
                "text": ["w=", {"at": 0, "column": 0, "do": ["lower", ["slice", 0, 3]], "outside": "none"}],
                "weight": 1.5,
                "else": 0.5,
                "if": [{"at": -1, "column": 0, "do": ["lower", ["in", "a", "b"], "not"]}],
            }
        ],
    }
    yield Attack("template: small", file(whole), "opens")
    places: dict[str, tuple[str, tuple[type, ...], tuple[Any, ...], tuple[Any, ...]]] = {  # rule, types, wrong, right
        "columns": ("T1", (int,), (0, 17, *LARGE), (2, 16)),
        "features": ("T1", (list,), ([{"text": ["a"]}] * 1025,), ([], [{"text": ["a"]}] * 1024)),
        "features[0]": ("T2", (dict,), ({}, {"text": ["a"], "b": 1}), ({"text": ["a"]},)),
        "features[0].text": ("T2", (list,), ([], ["a"] * 17, [5], [None], [["a"]]), (["a"] * 16,)),
        "features[0].text[0]": ("T2|T3", (str, dict), ("x" * 1025, "é" * 513), ("", "x" * 1024)),
        "features[0].text[1].at": ("T3", (int,), (-65, 65, 1 << 63, -(1 << 63)), (-64, 64, 0)),
        "features[0].text[1].column": ("T3", (int,), (1, 16, *LARGE), (0,)),
        "features[0].text[1].outside": ("T3", (str,), ("x" * 1025,), ("", "x" * 1024, "\0")),
        "features[0].weight": ("T2|T3", (int, float, dict), (1e301, -1e301, *NOT_FINITE), (0, -1e300, 1e300)),
        "features[0].else": ("T2", (int, float), (1e301, *NOT_FINITE), (0, 1e300)),
        "features[0].if": ("T2", (list,), ([{"do": ["isalpha"]}] * 9, [5], ["a"]), ([], [{"do": ["isalpha"]}] * 8)),
        "features[0].if[0].outside": ("T3", (), ("x",), ()),
        "features[0].unknown": ("T2", (), (1,), ()),
        "unknown": ("T1", (), (1,), ()),
        "features[0].text[1].unknown": ("T3", (), (1,), ()),
        "features[0].if[0].do": (
            "T3|T4",
            (list,),
            ([], ["lower"], [["in", "a"], "lower"], ["isalpha"] * 17, [["in", "a"], "not", "upper"]),
            (["isalpha"], ["inside"], ["inside", "not"]),
        ),
        "features[0].text[1].do": ("T3|T4|T5", (list,), OPERATIONS, RIGHT),
    }
    for path, (rule, kinds, wrong, right) in places.items():
        types = [value for value in TYPES if not isinstance(value, kinds) or (isinstance(value, bool))] if kinds else []
        for value in (*types, *wrong):
            if not (value is None and path.endswith("outside")):
                claims = "T1|T2|T3|T4|T5" if isinstance(value, (dict, list)) or value is None else rule
                yield Attack(f"template.{path}={shown(value)}", file(at(whole, path, value)), claims)
        for value in right:
            yield Attack(f"template.{path}={shown(value)}", file(at(whole, path, value)), "opens")
    for value in (None, [], "x", 5, {}, {"features": None}):
        yield Attack(f"template={shown(value)}", file(value), "T1")
    for path in ("features", "features[0].text"):
        yield Attack(f"template.{path}=missing", file(at(whole, path, ...)), "T1" if path == "features" else "T2")
    # Large ones, within the limits; then a feature more, which is wrong.
    last = {"text": ["a", {"at": 99}]}
    words = [f"{i:03}" for i in range(4096)]
    large: dict[str, list[Any]] = {
        "1024 features": [{"text": ["a", {}]}] * 1023,
        "16 pieces each": [{"text": ["a", {}] * 8}] * 250,
        "16 operations each": [{"text": [{"do": ["lower"] * 16}]}] * 900,
        "strings of 131,072 bytes": [{"text": ["x" * 1024]}] * 120,
        "4096 words": [{"text": ["a"], "if": [{"do": [["in", *words]]}]}] * 4,
        "classes": [{"text": [{"do": [["lstrip", "[a-bc-de-f]"]] * 16}]}] * 250,
        "objects": [{"text": [{"do": [["slice", 0, 1]] * 16}]}] * 490,
    }
    for name, features in large.items():
        yield Attack(f"template of {name}", file({"features": features}), "opens")
        yield Attack(f"template of {name}, the last wrong", file({"features": [*features, last]}), "T3")
    objects = [{"text": [{"do": [["slice", 0, 1]] * 16}]}] * 500
    yield Attack("template of 10,000 objects", file({"features": objects}), "H1")


OPERATIONS: tuple[Any, ...] = (
    *(
        ["lower"] * 17,
        ["upper"],
        ["isalpha"],
        ["not"],
        ["inside"],
        [""],
        ["\0"],
        [5],
        [None],
        [[]],
        [[5]],
        [["lower", 1]],
        [["slice"]],
    ),
    *(
        [["slice", 0]],
        [["slice", 0, 10_001]],
        [["slice", -10_001, 0]],
        [["slice", "0", 1]],
        [["slice", 1.0, 2]],
        [["slice", 0, 1, 2]],
    ),
    *(
        [["slice", 1 << 63, None]],
        [["map"]],
        [["map", "isdigit"]],
        [["map", "isdigit", "0", "a"]],
        [["map", "isdigit", 5]],
    ),
    *(
        [["map", *["isdigit", "0"] * 17]],
        [["collapse"]],
        [["collapse", 0]],
        [["collapse", 256]],
        [["collapse", "1"]],
        [["collapse", 1 << 63]],
    ),
    *(
        [["lstrip"]],
        [["lstrip", ""]],
        [["lstrip", "a"]],
        [["lstrip", "[]"]],
        [["lstrip", "[^]"]],
        [["lstrip", "[a"]],
        [["lstrip", "a]"]],
    ),
    *(
        [["lstrip", "[z-a]"]],
        [["lstrip", "[a-]"]],
        [["lstrip", "[\\q]"]],
        [["lstrip", "[\\]"]],
        [["lstrip", "[[]"]],
        [["lstrip", "[\\w-a]"]],
    ),
    *(
        [["lstrip", "[" + "é" * 64 + "]"]],
        [["lstrip", 5]],
        [["lstrip", "islowe"]],
        [["lstrip", "inside"]],
        [["keep"]],
        [["keep", 5]],
    ),
    *([["keep", "x" * 1025]], [["keep", *["a"] * 4097]], [["in", "a"]], [["any", "isalpha"]], [["rstrip", "[a--]"]]),
)
RIGHT: tuple[Any, ...] = (
    [],
    ["lower"] * 16,
    ["len"],
    [["slice", None, None]],
    [["slice", -10_000, 10_000]],
    [["map", *["isdigit", "0"] * 16]],
    [["collapse", 1]],
    [["collapse", 255]],
    *([["leading", name]] for name in TESTS),
    [["lstrip", "[^a]"]],
    [["trailing", "[\\w\\W]"]],
    [["rstrip", "[\\]\\^\\-\\\\\\[]"]],
    [["keep", ""]],
    [["lstrip", "[" + "a" * 126 + "]"]],
)
