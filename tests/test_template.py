"""Token templates: the strings that Python functions make, both runtimes, FORMAT.md's rules T1 to T5, and damage.

The functions are written as people write them, each beside the template that describes it. ``attributes`` is what
python-crfsuite makes of their dictionaries and lists; it is held against the real one where that is installed.
"""
# ruff: noqa: N802 -- the ids of rules are capitals

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import re
import shutil
import string
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import msgpack
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

import nlucompress
from nlucompress import _native, template
from nlucompress.errors import TemplateError
from nlucompress.template import METHODS, Template

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror", "-ffreestanding"]
NATIVE = Path(nlucompress.__file__).parent / "native"
EXAMPLES = Path(__file__).parents[1] / "examples"

words = st.one_of(
    strategies.words, st.sampled_from(strategies.ODD), st.text(max_size=5), st.text("aB1.,-ΣǅⅣ²½é\n ", max_size=6)
)
sentences = st.lists(words, max_size=7)


def native(parsed: Template, tokens: list[Any]) -> list[list[tuple[str, float]]]:
    flat = tokens if parsed.columns == 1 else [value for token in tokens for value in token]
    return _native.template_features(msgpack.packb(parsed.data()), flat)


def pairs(description: Any, tokens: list[Any]) -> list[list[tuple[str, float]]]:
    """The features by both runtimes, which agree."""
    parsed = description if isinstance(description, Template) else Template.parse(description)
    found = parsed.pairs(tokens)
    assert native(parsed, tokens) == found
    return found


def names(description: Any, tokens: list[Any]) -> list[list[str]]:
    """As pairs(), of features of value 1."""
    found = pairs(description, tokens)
    assert all(value == 1 for row in found for _, value in row)
    return [[name for name, _ in row] for row in found]


def ops(do: Any, text: str) -> str:
    """What operations make of a string."""
    ((name,),) = names({"features": [{"text": [{"do": do}]}]}, [text])
    return name


def test(do: Any, text: str) -> bool:
    """Whether a test holds."""
    ((*found,),) = names({"features": [{"name": "yes", "flag": do}]}, [text])
    return found == ["yes"]


test.__test__ = False  # type: ignore[attr-defined]


# -- what python-crfsuite makes of a token --------------------------------------------------------------------------------


def attributes(item: Mapping[str, Any] | list[str]) -> dict[str, float]:
    """The attributes of one token as python-crfsuite reads it, values of equal ones added up."""
    out: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        out[name] = out.get(name, 0.0) + value

    def walk(prefix: str, items: Mapping[str, Any]) -> None:
        for key, value in items.items():
            if isinstance(value, str):
                add(f"{prefix}{key}:{value}", 1.0)
            elif isinstance(value, Mapping):
                walk(f"{prefix}{key}:", value)
            elif isinstance(value, (list, set)):
                for name in value:
                    add(f"{prefix}{key}:{name}", 1.0)
            else:
                add(f"{prefix}{key}", float(value))

    if isinstance(item, Mapping):
        walk("", item)
    else:
        for name in item:
            add(name, 1.0)
    return out


def nonzero(features: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in features.items() if value}


clean = st.lists(words.filter(lambda w: strategies.is_utf8(w) and "\0" not in w), min_size=1, max_size=6)


@given(clean)
def test_the_attributes_are_those_of_python_crfsuite(tokens: list[str]) -> None:
    import pycrfsuite as crfsuite

    items = street_features(tokens)
    assert crfsuite.ItemSequence(items).items() == list(map(attributes, items))
    lists = [ner_features(tokens, i) for i in range(len(tokens))]  # its items() shows once what stands twice
    assert [set(item) for item in crfsuite.ItemSequence(lists).items()] == list(map(set, map(attributes, lists)))
    # Dictionaries of numbers, which Template.features gives, are taken as they are.
    rows = Template.parse(NER).features(tokens)
    assert crfsuite.ItemSequence(rows).items() == rows


def test_a_model_trained_on_a_templates_features_is_that_of_the_functions(tmp_path: Path) -> None:
    """Names that stand twice among them, whose values are added up."""
    import pycrfsuite as crfsuite

    texts = [["a", "b", "NASA", "b-b"], ["New", "York", "b", "a"], ["a"], ["b", "a", "a"]]
    found = {}
    for name, features in (
        ("function", [[ner_features(tokens, i) for i in range(len(tokens))] for tokens in texts]),
        ("template", [Template.parse(NER).features(tokens) for tokens in texts]),
    ):
        trainer = crfsuite.Trainer(verbose=False)
        for tokens, rows in zip(texts, features, strict=True):
            trainer.append(rows, [str(len(token)) for token in tokens])
        trainer.train(str(tmp_path / name))
        tagger = crfsuite.Tagger()
        tagger.open(str(tmp_path / name))
        found[name] = tagger.info().state_features
        tagger.set(features[0])
        found[name + " p"] = {label: tagger.marginal(label, 0) for label in tagger.labels()}
    assert found["function"] == pytest.approx(found["template"], abs=1e-4)
    assert found["function p"] == pytest.approx(found["template p"], abs=1e-4)
    assert len(found["function"]) > 40


# -- functions beside their templates --------------------------------------------------------------------------------------


def tutorial_features(sentence: list[tuple[str, str]], i: int) -> dict[str, Any]:
    """The names and conditions of sklearn-crfsuite's tutorial: words with their part of speech."""

    def of(place: int, prefix: str) -> dict[str, Any]:
        word, tag = sentence[place]
        found: dict[str, Any] = {f"{prefix}word.lower()": word.lower()}
        for method in ("istitle", "isupper"):
            found[f"{prefix}word.{method}()"] = getattr(word, method)()
        return {**found, f"{prefix}postag": tag, f"{prefix}postag[:2]": tag[:2]}

    word = sentence[i][0]
    found = {"bias": 1.0, "word[-3:]": word[-3:], "word[-2:]": word[-2:], "word.isdigit()": word.isdigit(), **of(i, "")}
    found.update(of(i - 1, "-1:") if i > 0 else {"BOS": True})
    found.update(of(i + 1, "+1:") if i < len(sentence) - 1 else {"EOS": True})
    return found


TUTORIAL = {
    "columns": 2,
    "false": "zero",
    "features": [
        {"name": "bias"},
        {"name": "{at}word.lower()", "value": "lower", "at": [-1, 0, 1]},
        {"name": "word[-{n}:]", "value": [["suffix", [3, 2]]]},
        {"name": "{at}word.istitle()", "flag": "istitle", "at": [-1, 0, 1]},
        {"name": "{at}word.isupper()", "flag": "isupper", "at": [-1, 0, 1]},
        {"name": "word.isdigit()", "flag": "isdigit"},
        {"name": "{at}postag", "value": [], "column": 1, "at": [-1, 0, 1]},
        {"name": "{at}postag[:2]", "value": [["prefix", 2]], "column": 1, "at": [-1, 0, 1]},
        {"name": "BOS", "flag": "outside", "at": -1},
        {"name": "EOS", "flag": "outside", "at": 1},
    ],
}


@given(st.lists(st.tuples(words, words), max_size=6))
@example([])
@example([("Σ", "NN")])
def test_the_tutorials_function(tokens: list[tuple[str, str]]) -> None:
    wanted = [attributes(tutorial_features(tokens, i)) for i in range(len(tokens))]
    parsed = Template.parse(TUTORIAL)
    assert parsed.features(tokens) == wanted
    pairs(parsed, tokens)
    dropped = Template.parse({**TUTORIAL, "false": "drop"})
    assert dropped.features(tokens) == list(map(nonzero, wanted))


DIRECTIONS = ("n", "s", "e", "w", "ne", "nw", "north", "south")
STREETS = ("st", "street", "ave", "rd", "½")


def street_token(token: str) -> dict[str, Any]:
    """The kind of function that usaddress has: a cleaned token, and what it is."""
    clean = token if token in ("&", "#", "½") else re.sub(r"(^[\W]*)|([^.\w]*$)", "", token)
    abbreviation = clean.lower().replace(".", "")
    number = abbreviation.isdigit()
    some = set(clean) & set(string.digits)
    return {
        "abbrev": clean[-1:] == ".",
        "digits": "all_digits" if clean.isdigit() else "some_digits" if some else "no_digits",
        "word": False if number else abbreviation,
        "trailing.zeros": re.findall(r"0*$", abbreviation)[0] if number else False,
        "length": ("d:" if number else "w:") + str(len(abbreviation)),
        "endsinpunc": token[-1] if re.match(r".+[^.\w]", token) else False,
        "directional": abbreviation in DIRECTIONS,
        "street_name": abbreviation in STREETS,
        "has.vowels": bool(set(abbreviation[1:]) & set("aeiou")),
    }


def street_features(sentence: list[str]) -> list[dict[str, Any]]:
    every = [street_token(token) for token in sentence]
    for i, item in enumerate(every):
        item["address.start"], item["address.end"] = i == 0, i == len(every) - 1
    rows = [dict(item) for item in every]
    for i, row in enumerate(rows):
        if i > 0:
            row["previous"] = every[i - 1]
        if i < len(rows) - 1:
            row["next"] = every[i + 1]
    return rows


def street_template(directions: tuple[str, ...] = DIRECTIONS, streets: tuple[str, ...] = STREETS) -> dict[str, Any]:
    clean = [["keep", "&", "#", "½"], ["lstrip", r"[\W]"], ["rstrip", r"[^.\w]"]]
    short = [*clean, "lower", ["map", "[.]", ""]]
    at = {"-1": "previous:", "0": "", "1": "next:"}
    number, other = [*short, "isdigit"], [*short, "isdigit", "not"]
    punctuation = [{"do": [["slice", 1, None], ["any", r"[^.\w]"]]}, {"do": [["slice", 0, 1], ["in", "\n"], "not"]}]
    features: list[dict[str, Any]] = [
        {"name": "{at}abbrev", "flag": [*clean, ["endswith", "."]]},
        {"name": "{at}digits:all_digits", "flag": [*clean, "isdigit"]},
        {"name": "{at}digits:some_digits", "flag": [*clean, ["any", "[0-9]"]], "if": [*clean, "isdigit", "not"]},
        {"name": "{at}digits:no_digits", "flag": [*clean, ["any", "[0-9]"], "not"], "if": [*clean, "isdigit", "not"]},
        {"name": "{at}word", "value": short, "if": other},
        {"name": "{at}trailing.zeros", "value": [*short, ["trailing", "[0]"]], "if": number},
        {"name": "{at}length:d", "value": [*short, "len"], "if": number},
        {"name": "{at}length:w", "value": [*short, "len"], "if": other},
        {"name": "{at}endsinpunc", "value": [["suffix", 1]], "if": punctuation},
        {"name": "{at}directional", "flag": [*short, ["in", *directions]]},
        {"name": "{at}street_name", "flag": [*short, ["in", *streets]]},
        {"name": "{at}has.vowels", "flag": [*short, ["slice", 1, None], ["any", "[aeiou]"]]},
    ]
    for name, step, offset in (("start", -1, 0), ("start", -1, -1), ("end", 1, 0), ("end", 1, 1)):
        ends = [{"at": offset, "do": ["inside"]}, {"at": offset + step, "do": ["inside", "not"]}]
        features.append({"text": [f"{at[str(offset)]}address.{name}"], "if": ends})
    return {"features": [{"at": at, **feature} if "name" in feature else feature for feature in features]}


@given(st.lists(words, min_size=1, max_size=6))
@example(["(123)", "N.", "Main", "St.,", "#", "½", "100", "&", "\n", "..", "a\nb)", "\n)"])
@example(["²", "1½", "١٢٠", "N\u0307."])
def test_a_function_like_that_of_usaddress(tokens: list[str]) -> None:
    parsed = Template.parse(street_template())
    assert parsed.features(tokens) == [nonzero(attributes(row)) for row in street_features(tokens)]
    pairs(parsed, tokens)


@given(st.lists(st.one_of(words, st.text("aA1.,;)(&#½0\n-", min_size=1, max_size=5)), min_size=1, max_size=5))
@example(["(123)", "N.", "Main", "St.,\n", "#", "½", "100", "&", "a\nb)", "\nb)", "rd"])
def test_usaddress_itself(tokens: list[str]) -> None:
    import usaddress

    parsed = Template.parse(street_template(tuple(sorted(usaddress.DIRECTIONS)), tuple(sorted(usaddress.STREET_NAMES))))
    try:
        wanted = usaddress.tokens2features(tokens)
    except IndexError:  # of a token that is nothing but punctuation
        return
    assert parsed.features(tokens) == [nonzero(attributes(row)) for row in wanted]
    pairs(parsed, tokens)


def ner_features(sentence: list[str], i: int) -> list[str]:
    """A list of strings, with padding, bigrams, shapes by regular expressions; some of them stand twice."""

    def word(place: int) -> str:
        return "<S>" if place < 0 else "</S>" if place >= len(sentence) else sentence[place]

    w = sentence[i]
    shape = re.sub("[a-z]", "x", re.sub("[A-Z]", "X", re.sub(r"\d", "0", w)))
    found = [f"w={w}", f"lower={w.lower()}", f"shape={shape}", "short=" + re.sub(r"(?s)(.)\1+", r"\1", shape)]
    found += [f"prefix={w[:n]}" for n in (1, 2, 3)]
    found += [f"suffix{n}={w[-n:]}" for n in (2, 4) if len(w) > n]
    found += [f"context={word(i + k).lower() if 0 <= i + k < len(sentence) else word(i + k)}" for k in (-2, -1)]
    found += [f"bigram={word(i - 1)}|{w}", f"trigram={word(i - 1)}|{w}|{word(i + 1)}"]
    if w.isalpha() and w.isupper():
        found.append("ACRONYM")
    if "-" in w:
        found.append("hyphen=" + "_".join([w.lower(), str(len(w))]))
    return found


_SHAPE = ["map", r"[\d]", "0", "[A-Z]", "X", "[a-z]", "x"]
NER = {
    "separator": "=",
    "features": [
        {"name": "w", "value": []},
        {"name": "lower", "value": "lower"},
        {"name": "shape", "value": [_SHAPE]},
        {"name": "short", "value": [_SHAPE, ["collapse", 1]]},
        {"name": "prefix", "value": [["prefix", [1, 2, 3]]]},
        {"name": "suffix2", "value": [["suffix", 2]], "if": [["longer", 2]]},
        {"name": "suffix4", "value": [["suffix", 4]], "if": [["longer", 4]]},
        {"name": "context", "value": "lower", "at": [-2, -1], "outside": "<S>"},
        {"text": ["bigram=", {"at": -1, "outside": "<S>"}, "|", {}]},
        {"text": ["trigram=", {"at": -1, "outside": "<S>"}, "|", {}, "|", {"at": 1, "outside": "</S>"}]},
        {"text": ["ACRONYM"], "if": [{"do": ["isalpha"]}, {"do": ["isupper"]}]},
        {"text": ["hyphen=", {"do": ["lower"]}, "_", {"do": ["len"]}], "if": [{"do": [["any", r"[\-]"]]}]},
    ],
}


@given(sentences)
@example(["New-York", "USA", "a"])
def test_a_function_of_lists(tokens: list[str]) -> None:
    wanted = [ner_features(tokens, i) for i in range(len(tokens))]
    assert names(NER, tokens) == wanted  # in the same order, twice what stands twice
    assert Template.parse(NER).features(tokens) == list(map(attributes, wanted))


@given(sentences)
def test_numbers_and_weights(tokens: list[str]) -> None:
    description = {
        "false": "zero",
        "features": [
            {"name": "bias", "weight": 0.5},
            {"name": "{offset}.len", "number": [], "at": [0, 1]},
            {"name": "digits", "number": [["map", "[^0-9]", ""]], "if": [["any", "[0-9]"]]},
            {"name": "title", "flag": "istitle", "weight": 2},
            {"name": "last", "flag": "outside", "at": 1, "false": "zero"},
            {"name": "next", "at": 1, "weight": -1},
        ],
    }
    for i, row in enumerate(pairs(description, tokens)):
        w, after = tokens[i], tokens[i + 1 :]
        number = sum(c in string.digits for c in w)
        wanted = [("bias", 0.5), ("0.len", len(w)), *[("+1.len", len(t)) for t in after[:1]],
                  *([("digits", number)] if number else []), ("title", 2.0 * w.istitle()), ("last", float(not after)),
                  *[("next", -1.0) for _ in after[:1]]]  # fmt: skip
        assert row == wanted


# -- operations ------------------------------------------------------------------------------------------------------------


@given(words, st.one_of(st.none(), st.integers(-8, 8)), st.one_of(st.none(), st.integers(-8, 8)))
@example("abc", -10_000, 10_000)
def test_slices_are_pythons(text: str, start: int | None, stop: int | None) -> None:
    assert ops([["slice", start, stop]], text) == text[start:stop]


@given(words)
@example("ΑΣ")
@example("İΣ'")
def test_lower_case_is_pythons_whole_or_cut(text: str) -> None:
    assert ops("lower", text) == text.lower()
    assert ops(["lower", ["suffix", 2]], text) == text.lower()[-2:]
    assert ops([["suffix", 2], "lower"], text) == text[-2:].lower()


CLASSES = [
    r"[a-z]", r"[^a-z]", r"[.\-]", r"[^.\w]", r"[\W]", r"[\d\s]", r"[^\d]", r"[\S]", r"[\]\[\^\\]", r"[^\^]", "[é-ü]",
    "[😀-😂]", r"[+-\-]", "[\n]", "[ ]", r"[0-9A-Za-z_]",
]  # fmt: skip


@given(words, st.sampled_from(CLASSES))
def test_classes_and_what_uses_them_are_those_of_re(text: str, kind: str) -> None:
    assert ops([["map", kind, "<>"]], text) == re.sub(kind, "<>", text)
    left, right = re.match(f"{kind}*", text)[0], re.search(rf"{kind}*\Z", text)[0]  # type: ignore[index]
    assert ops([["lstrip", kind]], text) == text[len(left) :]
    assert ops([["rstrip", kind]], text) == text[: len(text) - len(right)]
    assert ops([["leading", kind]], text) == left
    assert ops([["trailing", kind]], text) == right
    assert test([["any", kind]], text) == bool(re.search(kind, text))
    assert test([["all", kind]], text) == bool(re.fullmatch(f"{kind}+", text))


@given(words, st.sampled_from(METHODS))
@example("ǅa Bc", "istitle")
@example("ⅣⅫ", "isupper")
@example("ªA", "isupper")
@example("aǅ", "islower")
def test_methods_are_those_of_str(text: str, method: str) -> None:
    assert test(method, text) == getattr(text, method)()
    assert test([method, "not"], text) != getattr(text, method)()


EVERY = "".join(map(chr, range(0x110000)))


@pytest.mark.parametrize("kind", [*METHODS, *CLASSES])
def test_every_code_point_is_of_the_classes_that_python_says(kind: str) -> None:
    packed = msgpack.packb({"features": [{"text": [{"do": [["map", kind, ""]]}]}]})
    (((found, _),),) = _native.template_features(packed, [EVERY])
    if kind in METHODS:
        method = getattr(str, kind)
        assert found == "".join([c for c in EVERY if not method(c)])
    else:
        assert found == re.sub(kind, "", EVERY)


@given(words, st.integers(1, 3))
def test_runs_are_cut(text: str, most: int) -> None:
    assert ops([["collapse", most]], text) == re.sub(rf"(?s)(.)\1{{{most},}}", lambda m: m[1] * most, text)


@given(words)
def test_shapes(text: str) -> None:
    wanted = "".join("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in text)
    assert ops("shape", text) == wanted
    assert ops([["shape", 1]], text) == re.sub(r"(?s)(.)\1+", r"\1", wanted)


def test_what_is_kept_is_left_out_of_later_operations_but_not_of_tests() -> None:
    do = ["lower", ["keep", "dr.", "x"], ["map", "[.]", ""], ["slice", 0, 2], "len"]
    assert [ops(do, text) for text in ("Dr.", "X", "abc.", "")] == ["3", "1", "2", "0"]
    assert [ops(do[:-1], text) for text in ("Dr.", "X", "abc.", "")] == ["dr.", "x", "ab", ""]
    assert test([["keep", "Ab"], "lower", "islower"], "Ab") is False
    assert test([["keep", "Ab"], "lower", "islower"], "AB") is True


@given(words, st.text(max_size=3))
@example("abc", "")
@example("", "")
def test_the_shorter_tests(text: str, other: str) -> None:
    if not strategies.is_utf8(other):
        return
    assert test([["startswith", other]], text) == text.startswith(other)
    assert test([["endswith", other]], text) == text.endswith(other)
    assert test([["in", other, "x"]], text) == (text in (other, "x"))
    for n in (0, 1, 3):
        assert test([["longer", n]], text) == (len(text) > n)


def test_a_condition_of_a_token_that_is_not_there_is_not_even_false() -> None:
    features = [
        {"text": ["a"], "if": [{"at": 1, "do": ["isupper"]}], "else": 0},
        {"text": ["b"], "if": [{"do": ["isupper"]}, {"at": 1, "do": ["isupper", "not"]}], "else": 0},
        {"text": ["c"], "if": [{"at": 1, "do": ["inside"]}], "else": 0},
        {"text": ["d"], "weight": {"at": 1}, "if": [{"do": ["isupper"]}], "else": 9},
        {"text": ["e"], "weight": {"at": 1, "outside": "end"}},
    ]
    assert pairs({"features": features}, ["A", "b"]) == [
        [("a", 0.0), ("b", 1.0), ("c", 1.0), ("d", 1.0), ("e", 1.0)],
        [("c", 0.0), ("d", 9.0), ("e", 3.0)],
    ]


# -- any template, both runtimes -------------------------------------------------------------------------------------------

short_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
classes = st.one_of(st.sampled_from(METHODS), st.sampled_from(CLASSES))
index = st.one_of(st.none(), st.integers(-5, 5))
string_ops = st.one_of(
    st.sampled_from(["lower", "len", ["lower"]]),
    st.tuples(st.just("slice"), index, index).map(list),
    st.lists(st.tuples(classes, short_text), min_size=1, max_size=3).map(
        lambda p: ["map", *(x for two in p for x in two)]
    ),
    st.integers(1, 3).map(lambda n: ["collapse", n]),
    st.tuples(st.sampled_from(["lstrip", "rstrip", "leading", "trailing"]), classes).map(list),
    st.lists(st.one_of(short_text, st.sampled_from(["play", "42", ""])), min_size=1, max_size=3).map(
        lambda s: ["keep", *s]
    ),
)
tests_ = st.one_of(
    st.sampled_from(METHODS),
    st.lists(short_text, min_size=1, max_size=3).map(lambda s: ["in", *s]),
    st.tuples(st.sampled_from(["any", "all"]), classes).map(list),
)


@st.composite
def terms(draw: st.DrawFn, columns: int, condition: bool) -> dict[str, Any]:
    do: list[Any] = draw(st.lists(string_ops, max_size=4))
    if condition:
        do = draw(st.one_of(st.just(["inside"]), tests_.map(lambda last: [*do, last])))
        do += draw(st.sampled_from([[], ["not"]]))
    term: dict[str, Any] = {"at": draw(st.integers(-3, 3)), "column": draw(st.integers(0, columns - 1)), "do": do}
    if not condition and draw(st.booleans()):
        term["outside"] = draw(short_text)
    return {key: value for key, value in term.items() if value not in (0, []) or draw(st.booleans())}


@st.composite
def plain_templates(draw: st.DrawFn) -> dict[str, Any]:
    columns = draw(st.integers(1, 3))
    numbers = st.one_of(st.integers(-3, 1 << 40), st.floats(-1e300, 1e300))

    def feature() -> dict[str, Any]:
        pieces = st.one_of(short_text, terms(columns, False))
        out: dict[str, Any] = {"text": draw(st.lists(pieces, min_size=1, max_size=4))}
        if draw(st.booleans()):
            out["if"] = draw(st.lists(terms(columns, True), max_size=3))
        if draw(st.booleans()):
            out["weight"] = draw(st.one_of(numbers, terms(columns, False)))
        if draw(st.booleans()):
            out["else"] = draw(numbers)
        return out

    features = [feature() for _ in range(draw(st.integers(0, 4)))]
    return {"columns": columns, "features": features} if columns > 1 or draw(st.booleans()) else {"features": features}


@given(plain_templates(), st.data())
def test_any_template_gives_the_same_in_both_runtimes_and_is_stored_whole(
    description: dict[str, Any], data: st.DataObject
) -> None:
    parsed = Template.stored(description)
    columns = description.get("columns", 1)
    rows = st.lists(words if columns == 1 else st.tuples(*[words] * columns), max_size=5)
    tokens = data.draw(rows)
    found = pairs(parsed, tokens)
    # As it was written, before defaults were left out.
    flat = tokens if columns == 1 else [x for token in tokens for x in token]
    assert _native.template_features(msgpack.packb(description), flat) == found
    again = Template.stored(msgpack.unpackb(msgpack.packb(parsed.data())))
    assert again == parsed
    assert again.data() == parsed.data()


def test_long_tokens_and_many() -> None:
    text = "ΑΣ" * 50_000
    do = ["lower", ["map", "[α]", "long "], ["collapse", 1], ["slice", 1, None]]
    ((name,), _) = names({"features": [{"text": ["a", {"do": do}, "|", {"at": 1, "outside": ""}]}]}, [text, "x"])
    assert name == "a" + text.lower().replace("α", "long ")[1:] + "|x"
    assert len(names(NER, ["word"] * 3000)) == 3000


@pytest.mark.parametrize(
    ("columns", "tokens", "error", "message"),
    [
        (1, "text", TypeError, "expected a sequence of tokens, got one str: 'text'"),
        (1, ["a", 5], TypeError, "token 1: expected a str, got int: 5"),
        (1, [("a",)], TypeError, "token 0: expected a str, got tuple: ('a',)"),
        (2, ["ab"], TypeError, "token 0: expected a sequence of 2 str, got str: 'ab'"),
        (2, [("a", "b"), ("a",)], ValueError, "token 1 has 1 columns, the template takes 2: ('a',)"),
        (2, [("a", None)], TypeError, "token 0, column 1: expected a str, got NoneType: None"),
    ],
)
def test_tokens_that_are_none(columns: int, tokens: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        template.features(tokens, {"columns": columns, "features": []})


def test_what_the_extension_is_given_that_is_none() -> None:
    packed = msgpack.packb({"columns": 2, "features": []})
    for tokens, error in ((["a"], ValueError), (["a", 5], TypeError), (5, TypeError)):
        with pytest.raises(error):
            _native.template_features(packed, tokens)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _native.template_features(packed)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        _native.template_features("text", [])  # type: ignore[arg-type]
    assert _native.template_features(packed, ["a", "b"]) == [[]]


# -- descriptions that are none --------------------------------------------------------------------------------------------


def one(**feature: Any) -> dict[str, Any]:
    return {"features": [feature]}


BAD = [
    (5, "template: expected an object, got 5"),
    ({}, "template: no features"),
    ({"features": {}}, "features: expected an array, got {}"),
    ({"features": [], "colums": 2}, "template: unknown key 'colums'; known: columns, features, separator, false"),
    ({"features": [], "columns": 17}, "columns: 17 is not an integer 1..16"),
    ({"features": [], "columns": True}, "columns: True is not an integer"),
    ({"features": [], "false": "one"}, "false: 'one' is not one of drop, zero"),
    ({"features": [], "separator": None}, "separator: null is not a string"),
    ({"features": [{"name": "x"}] * 1025}, "features: 1025 entries, allowed are 0..1024"),
    (one(name="p{n}", value=[["prefix", [*range(1, 600)]]], at=[0, 1]), "features[0]: more than 1024 features in all"),
    ({"features": [{"name": "x" * 1000}] * 132}, "features: strings of 132000 bytes in all, the limit is 131072"),
    ({"features": [{"text": [{"do": [["slice", 0, 9]] * 16}]}] * 501},
     "features[500]: 10020 objects and arrays in the plain form so far, the limit is 10000"),
    ({"features": ["x"]}, "features[0]: expected an object, got 'x'"),
    (one(), "features[0]: neither a text nor a name"),
    (one(text=["x"], name="x"), "features[0]: unknown key 'name'; known: text, if, weight, else"),
    (one(name="x", valu="lower"), "features[0]: unknown key 'valu'; known: name, value, flag"),
    (one(text=[]), "features[0].text: 0 entries, allowed are 1..16"),
    (one(text="x"), "features[0].text: expected an array, got 'x'"),
    (one(text=[5]), "features[0].text[0]: 5 is not a string"),
    (one(text=["\ud800"]), "features[0].text[0]: '\\ud800' cannot be stored: surrogates not allowed"),
    (one(text=["é" * 513]), "features[0].text[0]: a string of 1026 bytes, the limit is 1024"),
    (one(text=["x"], weight="1"), "features[0].weight: '1' is not a number"),
    (one(text=["x"], weight=math.nan), "features[0].weight: nan is not a number of at most 1e300"),
    (one(text=["x"], weight=10**400), "is not a number of at most 1e300"),
    (one(text=["x"], **{"else": math.inf}), "features[0].else: inf is not a number"),
    (one(text=["x"], **{"if": [{"do": ["isupper"]}] * 9}), "features[0].if: 9 entries, allowed are 0..8"),
    (one(text=["x"], **{"if": [{"do": ["lower"]}]}), "features[0].if[0].do: ends in no test"),
    (one(text=["x"], **{"if": [{"do": ["inside"], "outside": ""}]}), "features[0].if[0]: unknown key 'outside'"),
    (one(text=[{"att": 1}]), "features[0].text[0]: unknown key 'att'; known: at, column, do, outside"),
    (one(text=[{"at": 65}]), "features[0].text[0].at: 65 is not an integer -64..64"),
    (one(text=[{"at": "1"}]), "features[0].text[0].at: '1' is not an integer"),
    (one(text=[{"column": 1}]), "features[0].text[0].column: 1 is not an integer 0..0"),
    (one(text=[{"outside": 1}]), "features[0].text[0].outside: 1 is not a string"),
    (one(text=[{"do": ["isupper"]}]), "features[0].text[0].do: 'isupper' is a test, where a string is wanted"),
    (one(text=[{"do": ["upper"]}]), "features[0].text[0].do[0]: unknown operation 'upper'"),
    (one(text=[{"do": [5]}]), "features[0].text[0].do[0]: expected an array, got 5"),
    (one(text=[{"do": [[5]]}]), "features[0].text[0].do[0]: 5 is not the name of an operation"),
    (one(text=[{"do": [[]]}]), "features[0].text[0].do[0]: 0 entries, allowed are 1..4097"),
    (one(text=[{"do": ["lower"] * 17}]), "features[0].text[0].do: 17 entries, allowed are 0..16"),
    (one(text=[{"do": [["shape", 1]] * 9}]), "features[0].text[0].do: 18 operations, the limit is 16"),
    (one(text=[{"do": [["prefix", [1, 2]]]}]), "features[0].text[0].do: a list of numbers goes with the value"),
    (one(text=[{"do": [["lower", 1]]}]), "do[0]: lower: 1 arguments, it takes 0"),
    (one(text=[{"do": [["slice", 1]]}]), "do[0]: slice: 1 arguments, it takes 2"),
    (one(text=[{"do": [["slice", 0, 10001]]}]), "do[0]: slice: 10001 is not null or an integer -10000..10000"),
    (one(text=[{"do": [["slice", 0.0, None]]}]), "do[0]: slice: 0.0 is not null or an integer"),
    (one(text=[{"do": [["prefix", 0]]}]), "do[0]: prefix: 0 is not an integer 1..10000"),
    (one(text=[{"do": [["collapse", 256]]}]), "do[0]: collapse: 256 is not an integer 1..255"),
    (one(text=[{"do": [["map", "isupper"]]}]), "do[0]: map: 1 arguments, it takes 2..32"),
    (one(text=[{"do": [["map", "isupper", "X", "islower"]]}]), "do[0]: map: 3 arguments, it takes pairs"),
    (one(text=[{"do": [["map", "isupper", 5]]}]), "do[0]: map: 5 is not a string"),
    (one(text=[{"do": [["keep"]]}]), "do[0]: keep: 0 arguments, it takes 1..4096"),
    (one(text=[{"do": [["lstrip", "upper"]]}]), "lstrip: 'upper' is neither a character class [...] nor one of isalnum"),
    (one(text=[{"do": [["lstrip", "[]"]]}]), "do[0]: lstrip: '[]' is neither"),
    (one(text=[{"do": [["lstrip", "[^]"]]}]), "do[0]: lstrip: '[^]' has no characters"),
    (one(text=[{"do": [["lstrip", "[z-a]"]]}]), "do[0]: lstrip: '[z-a]': z-a is no range of characters"),
    (one(text=[{"do": [["lstrip", r"[\d-z]"]]}]), "is no range of characters"),
    (one(text=[{"do": [["lstrip", "[a-]"]]}]), "do[0]: lstrip: '[a-]': 'the end' where a character should stand"),
    (one(text=[{"do": [["lstrip", "[-a]"]]}]), "'-' where a character should stand; with a backslash"),
    (one(text=[{"do": [["lstrip", "[[a]"]]}]), "'[' where a character should stand"),
    (one(text=[{"do": [["lstrip", r"[\n]"]]}]), "where a character should stand"),
    (one(text=[{"do": [["lstrip", "[a\\]"]]}]), "where a character should stand"),
    (one(text=[{"do": [["lstrip", f"[{'a' * 127}]"]]}]), "do[0]: lstrip: a class of 129 bytes, the limit is 128"),
    (one(name="x", flag="not"), "features[0].flag[0]: 'not' without a test"),
    (one(name="x", flag=["isupper", "lower"]), "features[0].flag[1]: 'lower' behind 'isupper': a test is the last"),
    (one(name="x", flag=["isupper", "not", "not"]), "features[0].flag[2]: 'not' behind 'not'"),
    (one(name="x", flag=["lower", "inside"]), "features[0].flag[1]: 'inside' stands alone"),
    (one(name="x", flag="lower"), "features[0].flag: ends in no test"),
    (one(name="x", value="isupper"), "features[0].value: 'isupper' is a test, where a string is wanted"),
    (one(name="x", value=None), "features[0].value: expected an array, got null"),
    (one(name="x", value="lower", flag="isupper"), "features[0]: value and flag exclude each other"),
    (one(name="x", separator="="), "features[0].separator: goes with value only"),
    (one(name="x", value=[], false="zero"), "features[0].false: goes with flag only"),
    (one(name="x", flag="isupper", outside=""), "features[0].outside: goes with value or number only"),
    (one(name="x", number=[], weight=1), "features[0].weight: a number is its own weight"),
    (one(name=5), "features[0].name: 5 is not a string"),
    (one(name="{at}" * 256, value=[], at=-10), "features[0].name: a string of 1025 bytes, the limit is 1024"),
    (one(name="{n}", value="lower"), "features[0].name: {n} without a list of numbers"),
    (one(name="{n}", value=[["prefix", [1]], ["suffix", [1]]]), "features[0].value[1]: a second list of numbers"),
    (one(name="{n}", value=[["prefix", []]]), "features[0].value[0]: 0 entries, allowed are 1..1024"),
    (one(name="x", at=[]), "features[0].at: 0 entries, allowed are 1..129"),
    (one(name="x", at=-65), "features[0].at: -65 is not an integer -64..64"),
    (one(name="x", at={"one": ""}), "features[0].at: 'one' is not an offset"),
    (one(name="x", at={"1": 1}), "features[0].at.1: 1 is not a string"),
    (one(name="x", **{"if": "lower"}), "features[0].if: ends in no test"),
    (one(name="x", flag="isupper", at=60, **{"if": [{"at": 5, "do": ["isupper"]}]}), ".if[0]: 65 is not an integer -64"),
    (one(name="x", flag="isupper", **{"if": [{"do": ["isupper"]}] * 8}), "features[0]: 9 conditions, the limit is 8"),
]  # fmt: skip


@pytest.mark.parametrize(("description", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_a_description_that_is_none_is_refused_with_place_value_and_limit(description: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(message)):
        Template.parse(description)


def test_a_name_is_not_put_together_twice() -> None:
    description = one(name="{at}{offset}|{n}", value=[["prefix", [1]]], at={"0": "{n}"})
    assert names(description, ["ab"]) == [["{n}0|1:a"]]


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(TUTORIAL), "utf-8")
    assert Template.load(path) == Template.parse(TUTORIAL)
    for content, message in (
        (b"{", "no JSON: JSONDecodeError"),
        (b"\xff", "no JSON: UnicodeDecodeError"),
        (b"[" * 100_000, "no JSON: RecursionError"),
        (b"[]", "template: expected an object, got []"),
        (b'{"features": [], "features": []}', "an object has the key 'features' twice"),
        (b'{"features": [{"text": ["x"], "weight": NaN}]}', "features[0].weight: nan is not a number"),
        (b" " * (1 << 20) + b"{}", "more than 1048576 bytes"),
        (b'{"columns": ' + b"9" * 5000 + b"}", "no JSON: ValueError"),
    ):
        path.write_bytes(content)
        with pytest.raises(TemplateError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}"):
            Template.load(path)
    with pytest.raises(FileNotFoundError):
        Template.load(tmp_path / "none.json")


# -- rules of FORMAT.md ----------------------------------------------------------------------------------------------------


def refused(description: Any, rule: str) -> None:
    """Python refuses it, and C by the rule."""
    with pytest.raises(TemplateError):
        Template.stored(description)
    with pytest.raises(ValueError, match=rf"\({rule}\)$"):
        _native.template_features(msgpack.packb(description), [])


def accepted(description: Any) -> None:
    assert native(Template.stored(description), []) == []
    assert _native.template_features(msgpack.packb(description), []) == []


def test_T1_the_template() -> None:
    for bad in (
        {}, {"features": {}}, {"columns": 1}, {"more": 1}, {"columns": 1, "false": "zero"},
        {"features": [{"text": ["x"]}] * 1025},
        *({"columns": columns} for columns in (0, 17, -1, 1.0, None)),
    ):  # fmt: skip
        refused(bad if bad in ({}, {"columns": 1}) else {"features": [], **bad}, "T1")
    accepted({"features": [{"text": ["x"]}] * 1024, "columns": 16})


def test_T1_strings_have_a_limit_together() -> None:
    strings = {"text": ["x" * 1000, {"outside": "y" * 24, "do": [["map", "isupper", "Z" * 17]]}]}  # 1048
    least = {"features": [strings] * 125 + [{"text": ["x" * 72]}]}
    assert sum(map(template._size, Template.stored(least).entries)) == template.MAX_TOTAL
    accepted(least)
    least["features"][-1]["text"] = ["x" * 73]
    refused(least, "T2")


def test_T2_features() -> None:
    for bad in (
        {}, {"text": []}, {"text": "x"}, {"text": ["x"] * 17}, {"text": [5]}, {"text": ["x" * 1025]},
        {"text": ["x"], "more": 1}, {"text": ["x"], "if": {}}, {"text": ["x"], "if": None},
        {"text": ["x"], "if": [{"do": ["isupper"]}] * 9},
        {"text": ["x"], "weight": "1"}, {"text": ["x"], "weight": math.nan}, {"text": ["x"], "weight": 1.1e300},
        {"text": ["x"], "weight": True}, {"text": ["x"], "weight": None}, {"text": ["x"], "else": math.inf},
        {"text": ["x"], "else": {}}, {"name": "x"}, {"name": "x", "text": ["x"]}, 5,
    ):  # fmt: skip
        refused({"features": [bad]}, "T2" if bad != {"text": [5]} else "T3")
    accepted(one(text=["x" * 1024] * 16, weight=-(1 << 63), **{"else": -1e300, "if": [{"do": ["isupper"]}] * 8}))


def test_T3_terms() -> None:
    for bad in (
        {"at": 65}, {"at": -65}, {"at": 0.0}, {"at": None}, {"at": -(1 << 63)}, {"column": 1}, {"column": -1}, {"do": {}},
        {"do": "lower"}, {"do": ["lower"] * 17}, {"outside": 5}, {"outside": "x" * 1025}, {"more": 1}, {"do": ["isupper"]},
        {"do": ["isupper", "not"]}, {"do": ["inside"]},
    ):  # fmt: skip
        refused(one(text=[bad]), "T3")
        refused(one(text=["x"], weight=bad), "T3")
    for bad in ({}, {"do": []}, {"do": ["lower"]}, {"do": ["isupper"], "outside": ""}):
        refused(one(text=["x"], **{"if": [bad]}), "T3")
    accepted(one(text=[{"at": -64, "column": 0, "do": ["lower"] * 16, "outside": "x" * 1024}, {"at": 64}], weight={}))


def test_T4_operations() -> None:
    for bad in (
        "upper", 5, None, [], [5], ["lower", 1], ["len", 1], ["slice"], ["slice", 1], ["slice", 1, 10_001],
        ["slice", "1", None], ["slice", True, None], ["slice", 1, 2, 3], ["collapse"], ["collapse", 0], ["collapse", 256],
        ["collapse", -1], ["map"], ["map", "isupper"], ["map", "isupper", 5], ["map", "isupper", "x" * 1025],
        ["map", *["isupper", ""] * 17], ["keep"], ["keep", 5], ["keep", *["x"] * 4097], ["lstrip"],
        ["lstrip", "[a]", "[a]"], "shape", ["prefix", 1], ["suffix", 1], "not",
    ):  # fmt: skip
        refused(one(text=[{"do": [bad]}]), "T4")
    for bad in (
        ["not"], ["isupper", "lower"], ["isupper", "isupper"], ["isupper", "not", "not"], ["lower", "inside"],
        ["inside", "isupper"], [["in"]], [["any"]], [["longer", 1]], ["outside"], [["inside", 1]], [["isupper", 1]],
        [["startswith", "x"]],
    ):  # fmt: skip
        refused(one(text=["x"], **{"if": [{"do": bad}]}), "T4")
    accepted(one(text=[{"do": [["keep", *["x"] * 4096], ["map", *["isupper", ""] * 16], ["slice", -10_000, 10_000]]}]))


def test_T5_classes() -> None:
    for bad in (
        "", "upper", "[]", "[^]", "[z-a]", r"[\d-z]", r"[a-\d]", "[a-]", "[-a]", "[[a]", "[a^]", r"[\n]", "[a\\]", "[a",
        "a]", "[a-b-c]", f"[{'a' * 127}]", 5,
    ):  # fmt: skip
        refused(one(text=[{"do": [["lstrip", bad]]}]), "T5")
        refused(one(text=[{"do": [["map", "isupper", "X", bad, "x"]]}]), "T5")
    accepted(one(text=[{"do": [["lstrip", f"[{'a' * 126}]"], ["lstrip", r"[^\^\-\]\[\\a-zé-ü\w]"]]}]))


# -- damage ----------------------------------------------------------------------------------------------------------------

PACKED = msgpack.packb(Template.parse(street_template()).data())


def test_every_truncation_is_refused() -> None:
    for size in range(0, len(PACKED), 7):
        with pytest.raises(ValueError, match="H1"):
            _native.template_features(PACKED[:size], ["a"])


@given(st.integers(0, len(PACKED) - 1), st.integers(0, 255), sentences)
def test_damaged_bytes_are_refused_by_both_or_mean_the_same(place: int, value: int, tokens: list[str]) -> None:
    damaged = PACKED[:place] + bytes([value]) + PACKED[place + 1 :]
    expected: Any = None
    with contextlib.suppress(ValueError, TypeError, msgpack.UnpackException):
        # A header's reader refuses double keys (H1), as C does here.
        expected = Template.stored(msgpack.unpackb(damaged, object_pairs_hook=template._unique)).pairs(tokens)
    found: Any = None
    with contextlib.suppress(ValueError):
        found = _native.template_features(damaged, tokens)
    assert found == expected


# -- memory that the caller gives ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("template") / "template.so"
    source = Path(__file__).with_name("native_template.c")
    header = f'-DTEMPLATE_HEADER="{NATIVE / "template.h"}"'
    subprocess.run(["cc", *STRICT, "-O1", "-fPIC", "-shared", header, source, "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.opened.restype = ctypes.c_size_t
    return loaded


pieces = st.one_of(st.binary(max_size=4), words.map(lambda w: w.encode("utf-8", "surrogatepass")[:60]))


@given(
    plain_templates().filter(lambda t: t.get("columns", 1) == 1), st.lists(pieces, min_size=1, max_size=4), st.data()
)
def test_nothing_is_written_beyond_the_memory_given_whatever_the_bytes(
    harness: ctypes.CDLL, description: dict[str, Any], tokens: list[bytes], data: st.DataObject
) -> None:
    packed, status = msgpack.packb(description), ctypes.c_int()
    size = harness.opened(packed, ctypes.c_size_t(len(packed)), None, ctypes.c_size_t(0), ctypes.byref(status))
    program = ctypes.create_string_buffer(b"\xa5" * (size + 8), size + 8)
    for less in (size, data.draw(st.integers(0, max(size - 1, 0)))):
        again = harness.opened(
            packed, ctypes.c_size_t(len(packed)), program, ctypes.c_size_t(less), ctypes.byref(status)
        )
        assert again == size
        assert status.value == (harness.room() if less < size else 0)
        assert program.raw[size:] == b"\xa5" * 8
    texts = (ctypes.c_char_p * len(tokens))(*tokens)
    lengths = (ctypes.c_size_t * len(tokens))(*map(len, tokens))
    place = data.draw(st.integers(0, len(tokens) - 1))

    def visit(room: int) -> tuple[int, bytes]:
        scratch = ctypes.create_string_buffer(b"\xa5" * (room + 8), room + 8)
        out = ctypes.create_string_buffer(1 << 16)
        result = harness.visited(
            packed, ctypes.c_size_t(len(packed)), program, ctypes.c_size_t(size), texts, lengths,
            ctypes.c_size_t(len(tokens)), ctypes.c_size_t(place), scratch, ctypes.c_size_t(room), out,
        )  # fmt: skip
        assert scratch.raw[room:] == b"\xa5" * 8
        written = int.from_bytes(out.raw[: ctypes.sizeof(ctypes.c_size_t)], sys.byteorder)
        return result, out.raw[8 : 8 + written]

    enough, whole = visit(1 << 13)
    assert enough == 0
    for room in (*range(0, 24, 3), data.draw(st.integers(24, 200))):
        result, found = visit(room)
        assert result in (0, harness.room())
        assert found == whole if result == 0 else whole.startswith(found)
    with contextlib.suppress(UnicodeDecodeError):  # tokens that are texts: as Python has it
        wanted = Template.stored(description).pairs([token.decode("utf-8", "surrogatepass") for token in tokens])[place]
        named = [name.encode("utf-8", "surrogatepass") for name, _ in wanted]
        assert whole == b"".join(len(name).to_bytes(4, "little") + name for name in named)


# -- the header for devices, and the example -------------------------------------------------------------------------------

COMPILERS = [name for name in ("cc", "gcc", "clang", "arm-linux-gnueabihf-gcc") if shutil.which(name)]
OPTIONS = [["-O0"], ["-Os", "-fstack-usage"], ["-O3"], ["-O2", "-DNLUC_NO_ACCENTS"]]
USE = """
#include "template.h"
int use(nluc_template *, const uint8_t *, size_t, void *, size_t, const nluc_bytes *, size_t, nluc_visit, void *);
int use(nluc_template *t, const uint8_t *p, size_t n, void *room, size_t size, const nluc_bytes *tokens, size_t count,
        nluc_visit visit, void *context) {
    int status = (int)nluc_template_open(t, p, p + n, room, size);
    return status + (int)nluc_template_visit(t, tokens, count, 0, room, size, visit, context);
}
"""


@pytest.mark.parametrize(
    "options", [["-O0"], ["-Os", "-fstack-usage"], ["-O3"], ["-O2", "-DNLUC_NO_ACCENTS"]], ids=" ".join
)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_is_strict_c99_with_small_frames(compiler: str, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "use.c").write_text(USE)
    command = [compiler, *STRICT, *options, f"-I{NATIVE}", "-c", "use.c"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if "-fstack-usage" in options and "-fstack-usage" in built.stderr:
        pytest.skip(f"{compiler} has no -fstack-usage")
    assert built.returncode == 0, built.stderr
    undefined = subprocess.run(["nm", "-u", "use.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    foreign = {line.split()[-1] for line in undefined.splitlines()} - {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}
    assert not {name for name in foreign if not name.startswith("__aeabi_")}  # arithmetic of Arm's libgcc
    frames = [int(line.split("\t")[1]) for file in tmp_path.glob("*.su") for line in file.read_text().splitlines()]
    assert max(frames, default=0) <= 768
    (tmp_path / "none.c").write_text('#include "template.h"\nextern int nothing;\n')
    command[-1] = "none.c"
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr


def test_the_tables_checked_in_are_a_generated_block_of_a_moderate_size() -> None:
    """setup.py generates them anew for the Python that builds."""
    spec = spec_from_file_location("nluc_make_unicode_too", NATIVE / "make_unicode.py")
    assert spec is not None
    assert spec.loader is not None
    make_unicode = module_from_spec(spec)
    spec.loader.exec_module(make_unicode)
    text = (NATIVE / "template.h").read_text("utf-8")
    if f"character classes of Unicode {unicodedata.unidata_version} " in text:
        assert make_unicode.rewrite(text) == text
    sizes = make_unicode.sizes(text)
    assert set(sizes) == {f"nluc_class_{name}" for name in ("top", "middle", "leaf", "flags")}
    assert sum(sizes.values()) < 9_000


def test_the_example_prints_what_it_says() -> None:
    text = (EXAMPLES / "template.py").read_text("utf-8")
    (words_of, printed) = re.findall(r"\$ python examples/template.py (.*)\n((?:    .*\n)+)", text)[0]
    command = [sys.executable, str(EXAMPLES / "template.py"), *words_of.split()]
    environment = {**os.environ, "PYTHONPATH": str(NATIVE.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == re.sub("(?m)^    ", "", printed)
