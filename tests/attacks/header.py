"""Sections 2, 5, 7 of FORMAT.md: every field of the header at hostile values; its table of limits, written out again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import Attack
from .bases import Base
from .parts import assemble
from .values import LARGE, NOT_FINITE, TYPES, at, keys, shown

MOST = (1 << 31) - 1


class Field(NamedTuple):
    """What may stand at a place. rule: of a value of another type or beyond the limits; within: what others may break.

    kind: the types that may stand there. limits: of an integer. values: others of its type, of which ``within`` is
    claimed. missing: what is claimed if it is not there; None: that the file opens.
    """

    kind: tuple[type, ...]
    rule: str
    within: str = "opens"
    limits: tuple[int, int] | None = None
    values: tuple[Any, ...] = ()
    missing: str | None = None


def integer(least: int, most: int, within: str, rule: str = "H3", missing: str | None = None) -> Field:
    return Field((int,), rule, within, (least, most), (), rule if missing is None else missing)


def fields(base: Base) -> dict[str, Field]:
    """Every field of this file's header by its path."""
    text, h = "", base.header
    few = "|opens" if h["index"]["n"] < 8 else ""  # so few records that a bit more fills no byte
    tasks = ("binary", "multiclass", "multilabel", "tagging", "regression", text, "Binary")
    no_tags = "M6|H3|M1|S6|M7"
    out = {
        "requires": Field(
            (dict,), "H3", "H2", None, ({"rows.later": "9"}, {"crf": None}, {text: [1]}, {"a" * 70_000: "9"}), "H3"
        ),
        "task": Field((str,), "H3", f"{no_tags}|opens", None, tasks, "H3"),
        "link": Field((str,), "H3", "M1|M6|opens", None, ("identity", "sigmoid", "softmax", "ovr", "clipped"), "H3"),
        "classes": Field((dict,), "H3", "H3|M1", None, ({}, {"count": 3}), "H3"),
        "classes.count": integer(1, 65536, "M1|M4|S6|H3"),
        "classes.type": Field(
            (str,), "H3", "M4|M6|S6|opens", None, ("str", "object", "bool", "int8", "int64", "uint16", "float32"), "H3"
        ),
        "namespaces": Field((list,), "H3", "H3", None, ([], [5], [None], [[]], ["w"], [{"name": "w"}] * 257), "H3"),
        "steps": Field((list,), "H3", "H3|M3", None, ([5], [None], [[]], [{}] * 1025, [{}]), "H3"),
        "index": Field((dict,), "H3", "H3", None, ({}, {"n": 0}), "H3"),
        "index.n": integer(0, MOST, "H3|I1"),
        "index.levels": Field(
            (list,), "H3", "H3|I1|I4", None, ([0], [1] * 129, [None], ["1"], [[1]], [1 << 31], [MOST] * 3), "H3"
        ),
        "index.seeds": Field((list,), "H3", "H3", None, ([], [0] * 257, [None], ["0"]), "H3"),
        "slots": Field((dict,), "H3", "H3", None, ({}, {"check_bits": 8}), "H3"),
        "slots.check_bits": integer(0, 32, f"S6{few}"),
        "slots.idf_bits": integer(0, 24, "L1|S6|R4|R6|opens"),
        "rows": Field((dict,), "H3", "H3", None, ({}, {"coder": base.coder}), "H3"),
        "rows.coder": Field(
            (str,),
            "H3",
            f"S6|H3{few}",
            None,
            (*({"plain", "dense", "pool", "coded"} - {base.coder}), text, "Plain"),
            "H3",
        ),
        "rows.n": integer(0, 0, "H3"),
        "rows.columns": integer(0, 0, "H3"),
        "facts": Field((dict,), "H3", "opens", None, ({}, {"a": [{"b": None}]}, {"bytes": -1, "features": "x"}), "H3"),
    }
    for i in sorted({0, len(h["index"]["levels"]) - 1} if h["index"]["levels"] else set()):
        out[f"index.levels[{i}]"] = integer(1, MOST, "S6|opens", missing="S6|opens")
    for i in range(len(h["index"]["seeds"])):
        out[f"index.seeds[{i}]"] = integer(0, (1 << 32) - 1, "opens")
    sharded = "shards" in h["index"]
    out["index.shards"] = Field(
        (int,), "H3", "I4|I1" if sharded else "I4|opens", (0, 12), (), "I1" if sharded else "opens"
    )
    for name in h["requires"]:  # without it, or with a version of another type, of which a reader says no more
        out[f"requires[{name!r}]"] = Field((object,), "H3", "opens", None, (None, 5, [1]), "M6|M7|opens")
    out |= {f"rows.{name}": field for name, field in _rows(base).items()}
    for i, space in enumerate(h["namespaces"]):
        out |= {f"namespaces[{i}].{name}": field for name, field in _namespace(base, space).items()}
    for i in range(len(h["steps"])):
        out |= {f"steps[{i}].{name}": field for name, field in _step(base).items()}
    return out


def _rows(base: Base) -> dict[str, Field]:
    """The parameters of each coder."""
    count, low = (1 << 40) - 1, "S6"
    if base.coder == "plain":
        return {"count": integer(0, count, "S6|R1"), "low_bits": integer(0, 31, low)}
    if base.coder == "pool":
        alike = "S6|R4|L3"
        return {
            "entries": integer(0, MOST, alike),
            "groups": integer(0, 21847, alike),
            "count": integer(0, count, "opens"),
        }
    if base.coder == "dense":
        return {}
    size = "S6|R6"
    return {
        "entries": integer(0, MOST, size),
        "singles": integer(0, MOST, size),
        "levels": integer(0, 4, size),
        "bits": integer(0, (1 << 35) - 1, "S6|R7*"),
        "low_bits": integer(0, 31, low),
        "groups": integer(0, 4096, size),
        "tables": integer(0, 15, size),
        "symbols": integer(0, 960, size),
        "runs": integer(0, 15, size, missing="S6|R6|opens"),
        "zero": integer(0, 255, "R6"),
        "top": integer(0, (1 << 24) - 1, "L2*|R7*|opens"),
        "count": integer(0, count, "opens"),
    }


def _namespace(base: Base, space: dict[str, Any]) -> dict[str, Field]:
    """Rule M2; a tagging model's namespace is of one form (M6)."""
    rule, within = "M2", ("M6|opens" if base.tagging else "opens")

    def field(kinds: tuple[type, ...], *values: Any, claims: str = f"{within}|M2") -> Field:
        return Field(kinds, rule, claims, None, values, "opens|M6|M2")

    pairs = ([], [1], [1, 1, 1], [0, 1], [2, 1], [1, 1001], [1.0, 2.0], [True, True], ["1", "2"], [None, None], [-1, 1])
    out = {
        "name": Field((str,), rule, "opens", None, ("", "\0", "x" * 70_000), "M2"),
        "analyzer": field((str,), "word", "char", "char_wb", "features", "dict", "items", "fasttext", "", "Word"),
        "column": field((str, int, type(None)), "x", 0, -1, 1 << 63),
        "ngram_range": field((list,), *pairs, claims="M2"),
        "token_pattern": field(
            (str,),
            "(",
            "(a)(b)",
            "[",
            "a{99999999999999999999}",
            "(?<=a+)b",
            "(?i)" + "[\0-\uffff]" * 160,
            "x" * 1001,
            "(?:" * 333 + ")" * 333,
            "",
            ".",
            r"\S+",
            "(?L)a",
            "(?P<a>b)(?P=a)",
        ),
        "lowercase": field((bool,), True, False),
        "strip_accents": field((str, type(None)), "ascii", "unicode", "", "x"),
        "stop_words": field((list, type(None)), [], ["the"], [1], [None], ["a", ["b"]], ["the"] * 39_000, [""], ["\0"]),
        "encoding": field(
            (str,), "latin-1", "", "\0", "no-such-thing", "zlib", "../x", "x" * 70_000, "idna", "undefined"
        ),
        "decode_error": field((str,), "ignore", "", "\0", "no-such-thing", "surrogateescape", "x" * 70_000),
        "separator": field((str,), "", "\0", "x" * 70_000),
        "tf": field((str,), "count", "binary", "log", "", "idf"),
        "hash_columns": Field((int,), rule, within, (0, MOST), (), "opens|M6|M2"),
        "alternate_sign": field((bool,), True, False),
        "unseen": field(
            (int, float), 0, 0.0, 1e308, 1.7976931348623157e308, 5e-324, -0.5, -1, *NOT_FINITE, (1 << 64) - 1
        ),
        "subwords": field((list,), *pairs[:-3], [0, 0], [1, 1000], [0, 5], claims="M2|opens"),
    }
    out["ngram_range"] = out["ngram_range"]._replace(values=(*pairs,), missing="opens|M6|M2")
    return out


def _step(base: Base) -> dict[str, Field]:
    """Rule M3."""
    return {
        "op": Field((str,), "M3", "M3|opens", None, ("norm", "scale", "binarize", "", "add"), "M3"),
        "kind": Field((str, type(None)), "M3", "M3|opens", None, ("l1", "l2", "max", "l3", "", None), "M3|opens"),
        "value": Field(
            (float,), "M3", "M3|opens", None, (*NOT_FINITE, 0.0, -0.0, -0.5, 1e308, -1e308, 5e-324), "opens"
        ),
        "namespaces": Field(
            (list,),
            "M3",
            "M3",
            None,
            ([], [0] * 257, [len(base.header["namespaces"])], [-1], ["0"], [None], [True], [[0]], [1 << 63]),
            "M3",
        ),
        "namespaces[0]": integer(0, len(base.header["namespaces"]) - 1, "opens", "M3", "M3|opens"),
    }


def attacks(base: Base, like: str = "") -> Iterator[Attack]:
    """Every field at every value. like: only of fields whose path matches."""
    for path, field in fields(base).items():
        if not re.match(like, path):
            continue
        old, there = _old(base, path)
        values: list[tuple[Any, str]] = []
        if object not in field.kind:
            for value in (*TYPES, *LARGE):
                if not isinstance(value, field.kind) or (isinstance(value, bool) and bool not in field.kind):
                    values.append((value, field.rule))
        if field.limits:
            least, most = field.limits
            values += [(value, field.rule) for value in (least - 1, most + 1, *LARGE[:2])]
            numbers = {0, 1, most, most - 1, most // 2, *({old - 1, old + 1, old * 2, 0} if there else {2, 3})}
            values += [(value, field.within) for value in sorted(numbers) if least <= value <= most]
        values += [(value, field.within) for value in field.values]
        if there:
            values.append((..., "opens" if field.missing is None else field.missing))
        done = set()
        for value, claims in values:
            name = repr(value)
            if name not in done and not (there and type(value) is type(old) and value == old):
                done.add(name)
                yield Attack(
                    f"header.{path}={shown(value)}", assemble(at(base.header, path, value), base.sections), claims
                )


def _old(base: Base, path: str) -> tuple[Any, bool]:
    """What stands at a path, and whether anything does."""
    place: Any = base.header
    for key in keys(path):
        try:
            place = place[key]
        except (KeyError, IndexError):
            return None, False
    return place, True
