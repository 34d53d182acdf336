"""The file, rule by rule of FORMAT.md: each test is named for its rule, each attack for the relation that it breaks.

An attack is a file made by code with valid checksums: a reader must refuse it because of what it says, not because of how
it was damaged. A rule marked *full* in FORMAT.md is refused under verify="full"; under "header" the same file opens, and
no look-up may leave the buffer: any exception but a ValueError is a failure.
"""
# ruff: noqa: N802 -- the ids of rules are capitals

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import strategies
import test_bundle
import test_coded
import test_template
from attacks.parts import Header, Table, align, assemble, changed, open_parts, seal, with_field, with_fields
from hypothesis import given, settings
from hypothesis import strategies as st

import nlucompress
from nlucompress import BuildError, FormatError, Model, Tagger, fileformat, index
from nlucompress.linear import LinearModel, Namespace, Step
from nlucompress.rows import CODERS
from nlucompress.rows.bits import GUARD, pack, unpack
from nlucompress.rows.plain import encode_offsets

# -- the models of the tests --------------------------------------------------------------------------------------------

FEATURES = (
    [f"word{i}" for i in range(40)] + ["play", "music", "play music", "straße", "東京", "\ud800"],
    [" pl", "pla", "mu", "ic ", "é"],
)
TEXTS = ["play music", "", "word1 word2 word39 é", "straße 東京", "unknown words only", "\ud800 PLAY"]


CLASSES = 8


def make(coder: str, density: float = 0.3, **fields: Any) -> bytes:
    """A model with every optional section, its rows by this coder; ten of its rows are equal to others."""
    rng = np.random.default_rng(20)
    n = sum(map(len, FEATURES))
    weights = rng.standard_normal((n, CLASSES)) * (rng.random((n, CLASSES)) < density)
    weights[20:30] = weights[:10]
    drawn: dict[str, Any] = {
        "namespaces": (Namespace("words", ngram_range=(1, 2), stop_words=("the",), tf="log"),
                       Namespace("letters", analyzer="char_wb", ngram_range=(2, 3), strip_accents="unicode")),
        "features": FEATURES, "weights": weights, "intercept": rng.standard_normal(CLASSES),
        "classes": np.array(["", "music", "été", *"abcde"]), "link": "softmax",
        "calibration": rng.standard_normal((2, CLASSES)), "baseline": rng.standard_normal(CLASSES),
        "idf": rng.choice([1.0, 1.5, 2.5], n),
        "steps": (Step("norm", (0, 1), "l2"), Step("scale", (1,), value=0.5), Step("binarize", (1,), value=0.01)),
        "source": {"format": "test"},
    }  # fmt: skip
    model = LinearModel(**{**drawn, **fields})
    return nlucompress.compress(model, buckets=16, range="class", check_bits=16, layout=coder).data  # type: ignore[arg-type]


PLAIN, DENSE, POOL = make("plain"), make("dense", 1.0), make("pool")
FILES = {"plain": PLAIN, "dense": DENSE, "pool": POOL}
EACH = pytest.mark.parametrize("data", list(FILES.values()), ids=list(FILES))


def test_the_models_of_these_tests_have_every_section_between_them() -> None:
    common = {"labels", "intercept", "calibration", "baseline", "scale", "idf", "codebook", "index", "slots", "rows"}
    assert set(open_parts(PLAIN)[1]) == {*common, "row_low", "row_high", "row_samples"}
    assert set(open_parts(DENSE)[1]) == common
    assert set(open_parts(POOL)[1]) == {*common, "row_groups"}
    assert open_parts(PLAIN)[0]["rows"]["low_bits"] > 0
    assert set(FILES) == set(CODERS) - {"coded"}  # test_coded.py has those
    for coder, data in FILES.items():
        assert open_parts(data)[0]["rows"]["coder"] == coder


@EACH
def test_a_file_put_together_by_hand_is_the_writers(data: bytes) -> None:
    assert assemble(*open_parts(data)) == data
    Model(data, "full")


def test_a_model_answers_alike_whichever_coder_its_rows_have() -> None:
    one, *others = (answers(Model(make(coder))) for coder in FILES)
    for other in others:
        assert other[1:] == one[1:]
        np.testing.assert_allclose(other[0], one[0], rtol=1e-12, atol=1e-12)


def answers(model: Model) -> Any:
    """What a model says of texts and of features."""
    with np.errstate(all="ignore"):
        scores = model.decision_function(TEXTS).tolist()
        labels = model.predict(TEXTS).tolist()
    return scores, labels, looked_up(model)


def looked_up(model: Model) -> Any:
    return [
        model.lookup(name, space)
        for space, names in enumerate(FEATURES[: spaces(model)])
        for name in [*names, "other", ""]
    ]


def spaces(model: Model) -> int:
    return len(model.info()["namespaces"])


def harmless(data: bytes) -> Model:
    """Open under verify="header" and look everything up: nothing but a ValueError may be raised."""
    model = Model(data)
    for call in (model.predict, model.decision_function, model.predict_proba):
        try:
            with np.errstate(all="ignore"):
                call(TEXTS)
        except ValueError:
            pass
    looked_up(model)
    return model


def refused(data: bytes, rule: str, *words: str, verify: Any = "header") -> str:
    """The message of the FormatError, which must name the rule and say the words."""
    with pytest.raises(FormatError) as raised:
        Model(data, verify)
    message = str(raised.value)
    assert re.search(rf"\((?:{rule})\)$", message), message
    for word in words:
        assert word in message, message
    refused_natively(data, message, verify)
    return message


def refused_natively(data: bytes, message: str, verify: Any) -> None:
    """The C reader refuses the file by the same rule, but for token patterns and encodings, which it leaves to Python."""
    if nlucompress.backend() != "native" or re.search("token.pattern|encoding", message):
        return
    from nlucompress import _native

    (rule,) = re.findall(r"\((\w+)\)$", message)

    def read() -> None:
        core = _native.Model(data)
        if verify == "full":
            core.verify()

    with pytest.raises(FormatError, match=rf"\({rule}\)$"):
        read()


def refused_in_full(data: bytes, rule: str, *words: str) -> Model:
    """As refused, under verify="full"; under "header" the file opens and is harmless."""
    refused(data, rule, *words, verify="full")
    return harmless(data)


# -- every rule has a test ----------------------------------------------------------------------------------------------


def format_text() -> str:
    return resources.files("nlucompress").joinpath("FORMAT.md").read_text(encoding="utf-8")


def test_every_rule_of_the_format_has_a_test_of_its_id_and_the_other_way_round() -> None:
    rules = re.findall(r"^\* \*\*([A-Z]\d+)\*\*", format_text(), re.MULTILINE)
    assert len(set(rules)) == len(rules) > 0
    names = [*globals(), *vars(test_coded), *vars(test_template), *vars(test_bundle)]
    tests = {found[1].upper() for name in names if (found := re.match(r"test_([A-Za-z]\d+)_", name))}
    assert tests == set(rules)


def test_every_message_of_a_reader_names_a_rule_of_the_format() -> None:
    rules = set(re.findall(r"\*\*([A-Z]\d+)\*\*", format_text()))
    for module in (
        "header.py",
        "fileformat.py",
        "modelfile.py",
        "rows/plain.py",
        "rows/pool.py",
        "rows/coded.py",
        "bundle.py",
        "store.py",
    ):
        source = resources.files("nlucompress").joinpath(module).read_text(encoding="utf-8")
        assert set(re.findall(r"\(([A-Z]\d+)\)", source)) <= rules


# -- preamble -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04aaaa", b"\x89NLUC\n\x1a\n", b"\x80\x04\x95pickl", b"\x89NLUc\r\n\x1a", b"x", b"\x1a"]
)
def test_P1_another_magic_is_no_file_of_ours(start: bytes) -> None:
    refused(seal(start + PLAIN[8:]) if len(start) == 8 else start, "P1", "not a .nluc file", repr(start)[2:6])


def test_P1_no_bytes_at_all_are_no_file_of_ours() -> None:
    refused(b"", "P1")


@pytest.mark.parametrize("major", [0, 2, 65535])
def test_P2_another_major_version_is_refused_by_its_number(major: int) -> None:
    refused(seal(PLAIN[:8] + struct.pack("<H", major) + PLAIN[10:]), "P2", f"{major}.1", "1.x")


@EACH
@pytest.mark.parametrize("minor", [0, 1, 7, 65535])
def test_P2_any_minor_version_is_read(data: bytes, minor: int) -> None:
    other = seal(data[:10] + struct.pack("<H", minor) + data[12:])
    assert answers(Model(other, "full")) == answers(Model(data))


@pytest.mark.parametrize("length", [1, 7, 8, 9, 63])
def test_P3_a_file_shorter_than_the_preamble_is_refused_with_both_lengths(length: int) -> None:
    refused(PLAIN[:length], "P3", "64", str(length))


@pytest.mark.parametrize("more", [-64, -1, 1, 64, 1 << 40, (1 << 63) - 1])
def test_P3_another_file_length_than_the_files_is_refused_with_both(more: int) -> None:
    data = bytearray(PLAIN)
    data[16:24] = struct.pack("<Q", len(PLAIN) + more)
    refused(seal(data, lengths=False), "P3", str(len(PLAIN)), str(len(PLAIN) + more))


@pytest.mark.parametrize("length", [len(PLAIN) - 63, (1 << 20) + 1, (1 << 32) - 1])
def test_P4_a_header_longer_than_the_file_or_its_limit_is_refused(length: int) -> None:
    data = bytearray(PLAIN)
    data[12:16] = struct.pack("<I", length)
    refused(seal(data), "P4", str(length), str(len(PLAIN) - 64))


def test_P4_a_header_longer_than_a_mebibyte_is_refused_in_a_file_that_holds_it() -> None:
    header, sections = open_parts(PLAIN)
    for size, fits in ((1_000_000, True), (1 << 20, False)):
        data = assemble({**header, "unknown": "x" * size}, sections)
        if fits:
            Model(data)
        else:
            refused(data, "P4", "1048576")


@pytest.mark.parametrize("at", [8, 10, 12, 16, 24, 28, 31])
def test_P5_a_changed_preamble_is_seen(at: int) -> None:
    data = bytearray(PLAIN)
    data[at] ^= 1
    refused(bytes(data), "P5")


def test_P6_a_changed_header_is_seen() -> None:
    data = bytearray(PLAIN)
    data[70] ^= 1
    refused(bytes(data), "P6")


@pytest.mark.parametrize("at", [32, 63, -1], ids=["first", "last", "padding"])
def test_P7_full_a_changed_byte_anywhere_is_seen_and_unread_otherwise(at: int) -> None:
    data = bytearray(PLAIN)
    data[at] ^= 1
    assert answers(refused_in_full(bytes(data), "P7")) == answers(Model(PLAIN))


# -- header -------------------------------------------------------------------------------------------------------------


def raw_map(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A msgpack map from packed keys and values, however wrong they are."""
    return b"\xde" + struct.pack(">H", len(pairs)) + b"".join(key + value for key, value in pairs)


def with_raw(key: bytes, value: bytes, after: bytes = b"") -> bytes:
    """The plain file with one more raw pair in the header's map, and raw bytes after the map."""
    header, sections = open_parts(PLAIN)

    def packed(table: Table) -> bytes:
        full = {**header, "sections": table}
        return raw_map([(msgpack.packb(k), msgpack.packb(v)) for k, v in full.items()] + [(key, value)]) + after

    return assemble(packed, sections)


def alone(head: bytes) -> bytes:
    """A file with this header and no section."""
    return assemble(lambda table: head, {})


UNKNOWN = msgpack.packb("unknown")
NOT_WELL_FORMED = {
    "nothing": alone(b""),
    "an array": alone(msgpack.packb([1, 2])),
    "a string": alone(msgpack.packb("header")),
    "a reserved byte": alone(b"\xc1"),
    "a map that ends early": alone(b"\x82\xa1a\x01\xa1"),
    "a string that ends early": alone(b"\x81\xa1a\xd9\x20abc"),
    "a byte after the map": with_raw(UNKNOWN, b"\x01", after=b"\x00"),
    "a second map": with_raw(UNKNOWN, b"\x01", after=b"\x80"),
    "a key that is a number": with_raw(b"\x07", b"\x01"),
    "a key that is nil": with_raw(b"\xc0", b"\x01"),
    "a key that is bytes": with_raw(b"\xc4\x01k", b"\x01"),
    "a key that is no bytes": with_raw(b"\xc4\x00", b"\x01"),
    "a nested key that is a number": with_raw(UNKNOWN, b"\x81\x07\x01"),
    "a key twice": with_raw(msgpack.packb("task"), msgpack.packb("binary")),
    "a nested key twice": with_raw(UNKNOWN, b"\x82\xa1a\x01\xa1a\x02"),
    "a string that is not UTF-8": with_raw(UNKNOWN, b"\xa2\xc3\x28"),
    "a string with a lone surrogate": with_raw(UNKNOWN, b"\xa3\xed\xa0\x80"),
    "bytes": with_raw(UNKNOWN, b"\xc4\x01x"),
    "no bytes": with_raw(UNKNOWN, b"\xc4\x00"),
    "an ext type": with_raw(UNKNOWN, b"\xd4\x05x"),
    "an empty ext type": with_raw(UNKNOWN, b"\xc7\x00\x05"),
    "a timestamp": with_raw(UNKNOWN, b"\xd6\xff\x00\x00\x00\x00"),
    "nine levels": with_raw(UNKNOWN, b"\x91" * 7 + b"\x80"),
    "nine levels of maps": with_raw(UNKNOWN, b"\x81\xa1a" * 7 + b"\x90"),
    "two thousand levels": with_raw(UNKNOWN, b"\x91" * 2000 + b"\x90"),
    "ten thousand and one arrays": with_raw(UNKNOWN, b"\xdc" + struct.pack(">H", 10_000) + b"\x90" * 10_000),
    "ten thousand and one maps": with_raw(UNKNOWN, b"\xdc" + struct.pack(">H", 10_000) + b"\x80" * 10_000),
    "an array of 40,000": with_raw(UNKNOWN, b"\xdc\x9c\x40" + b"\x01" * 40_000),
    "a map of 65": with_raw(UNKNOWN, raw_map([(msgpack.packb(str(i)), b"\x01") for i in range(65)])),
    "an array that claims four thousand million": with_raw(UNKNOWN, b"\xdd\xff\xff\xff\xff"),
    "a map that claims four thousand million": with_raw(UNKNOWN, b"\xdf\xff\xff\xff\xff"),
    "a string that claims four thousand million": with_raw(UNKNOWN, b"\xdb\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("attack", list(NOT_WELL_FORMED))
def test_H1_a_header_that_is_not_one_plain_map_is_refused(attack: str) -> None:
    refused(NOT_WELL_FORMED[attack], "H1", "header")


WELL_FORMED = {
    "eight levels": b"\x91" * 6 + b"\x90",
    "nil": b"\xc0",
    "not a number": b"\xcb" + struct.pack(">d", np.nan),
    "2^64 - 1": b"\xcf" + b"\xff" * 8,
    "an array of 39,000": b"\xdc\x98\x58" + b"\x01" * 39_000,
    "a map of 64": raw_map([(msgpack.packb(str(i)), b"\x01") for i in range(64)]),
    "nine thousand maps": b"\xdc" + struct.pack(">H", 9000) + b"\x80" * 9000,
}


@pytest.mark.parametrize("value", list(WELL_FORMED))
def test_H1_keys_that_a_reader_does_not_know_are_ignored_up_to_the_limits(value: str) -> None:
    assert answers(Model(with_raw(UNKNOWN, WELL_FORMED[value]), "full")) == answers(Model(PLAIN))


def test_H1_the_errors_line_is_short_whatever_the_header_holds() -> None:
    twice = raw_map([(msgpack.packb("k" * 3000 + str(i // 2)), b"\x01") for i in range(200)])
    header, sections = open_parts(PLAIN)
    long = assemble(header, {**sections, "n" * 100_000: b""}, lambda table: [*table[:-1], [table[-1][0], 1, 0, 0]])
    for data in (alone(twice), long, with_field(PLAIN, "requires", {"x" * 100_000: "9"})):
        with pytest.raises(FormatError) as raised:
            Model(data)
        assert len(str(raised.value)) < 1000


BOMBS = {
    "a mebibyte of arrays in arrays": b"\x91" * (1 << 20),
    "a mebibyte of empty arrays": b"\xdd\x00\x00\x00\x10" + (b"\xdd\x00\x01\x00\x00" + b"\x90" * 65536) * 15,
    "a mebibyte of empty maps": b"\x9f" + (b"\xdd\x00\x01\x00\x00" + b"\x80" * 65536) * 15,
    "a mebibyte of numbers": b"\x81\xa1a\x9f" + (b"\xdd\x00\x01\x00\x00" + b"\x01" * 65536) * 15,
    "a mebibyte of empty strings": b"\x81\xa1a\x9f" + (b"\xdd\x00\x01\x00\x00" + b"\xa0" * 65536) * 15,
    "nested arrays that claim 65536 each": b"\xdd\x00\x01\x00\x00" * 1000,
    "nested arrays that claim all there is": b"\xdd\xff\xff\xff\xff" * 1000,
    "nested maps that claim 256 each": b"\xde\x01\x00\xa1a" * 1000,
    "equal keys": b"\xde\x01\x00" + b"\xa1a\x01" * 256,
}


@pytest.mark.parametrize("bomb", list(BOMBS))
def test_H1_no_header_costs_much_time_or_memory(bomb: str) -> None:
    data = alone(BOMBS[bomb])
    start = time.perf_counter()
    with pytest.raises(FormatError):
        Model(data)
    assert time.perf_counter() - start < 2
    with strategies.peak() as most, pytest.raises(FormatError):
        Model(data)
    assert most() < 100 << 20


@pytest.mark.parametrize("ability", ["crf", "rows.", "rows.later", "", "delta\n"])
def test_H2_a_file_that_needs_more_is_refused_with_the_version_that_has_it(ability: str) -> None:
    data = with_field(PLAIN, "requires", {"rows.plain": "0.1.0", ability: "4.5.6"})
    refused(data, "H2", repr(ability), "4.5.6")


@EACH
def test_H2_a_file_says_which_rows_it_needs(data: bytes) -> None:
    header = open_parts(data)[0]
    assert list(header["requires"]) == ["rows." + header["rows"]["coder"]]


def test_H2_a_file_with_the_analyzer_items_says_so() -> None:
    model = LinearModel(
        (Namespace("pairs", analyzer="items"),),
        (("a=x", "b==1"),),
        np.ones((2, 1)),
        np.zeros(1),
        np.arange(2),
        "binary",
    )
    compressed = nlucompress.compress(model, check_bits=32)
    header = open_parts(compressed.data)[0]
    assert set(header["requires"]) == {"rows." + header["rows"]["coder"], "analyzer.items"}
    samples = [{"a": "x", "b": True}, {"b": 1.0, "c": 2}, {"a=x": 1}]
    assert compressed.model().decision_function(samples).tolist() == [2, 1, 0]


LARGE, REAL = 1 << 63, 1.5
WRONG_FIELDS: dict[str, list[Any]] = {
    "task": [..., None, 1, "regression", "", ["binary"]],
    "link": [..., None, 1, "probit", {}],
    "classes": [..., None, [3], 3],
    "classes.count": [..., None, "3", 0, -1, 65537, LARGE, REAL, True],
    "classes.type": [..., None, 1, "bytes", "U", "", "int", "<i8", "int128", "float16", "complex64"],
    "namespaces": [..., None, {}, [], "words", [{"name": str(i)} for i in range(257)], ["words", "letters"]],
    "steps": [..., None, {}, "norm", [{"op": "scale", "namespaces": [0], "value": 1.0}] * 1025, [None]],
    "index": [..., None, [], 0],
    "index.n": [..., None, -1, 1 << 31, LARGE, REAL, "51", True],
    "index.levels": [..., None, 51, {}, [0], [-1], [1 << 31], [1] * 129, [REAL], ["1"], [True], [None], [[1]]],
    "index.seeds": [..., None, [], [0], [0, 1, 2], [0, -1], [0, 1 << 32], [0, REAL], [0, False], ["0", "1"]],
    "slots": [..., None, []],
    "slots.check_bits": [..., None, -1, 33, REAL, "16", True],
    "slots.idf_bits": [..., None, -1, 25, REAL, False],
    "rows": [..., None, []],
    "rows.n": [..., None, 0, 50, 52, -1, REAL],
    "rows.columns": [..., None, 0, 1, 7, 9, 65536, REAL],
    "rows.count": [..., None, -1, 1 << 40, LARGE, REAL, True],
    "rows.low_bits": [..., None, -1, 32, REAL, True],
    "facts": [..., None, [], "none"],
    "requires": [..., None, [], "rows.plain"],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, row in WRONG_FIELDS.items() for value in row],
                         ids=lambda value: repr(value)[:24])  # fmt: skip
def test_H3_a_field_that_is_missing_or_beyond_its_limits_is_refused_by_name(path: str, value: Any) -> None:
    refused(with_field(PLAIN, path, value), "H3", path.split(".")[-1])


WRONG_POOL: dict[str, list[Any]] = {
    "rows.n": WRONG_FIELDS["rows.n"],
    "rows.columns": WRONG_FIELDS["rows.columns"],
    "rows.entries": [..., None, -1, 1 << 31, LARGE, REAL, "47", True],
    "rows.groups": [..., None, -1, 21848, LARGE, REAL, "5", True],
    "rows.count": [..., None, -1, 1 << 40, LARGE, REAL, True],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, row in WRONG_POOL.items() for value in row],
                         ids=lambda value: repr(value)[:24])  # fmt: skip
def test_H3_a_field_of_pooled_rows_that_is_missing_or_beyond_its_limits_is_refused_by_name(
    path: str, value: Any
) -> None:
    refused(with_field(POOL, path, value), "H3", path.split(".")[-1])


@pytest.mark.parametrize("count", [0, 1, (1 << 40) - 1])
def test_H3_the_count_of_pooled_rows_is_for_people(count: int) -> None:
    model = Model(with_field(POOL, "rows.count", count), "full")
    assert answers(model) == answers(Model(POOL))
    assert model.info()["weights"] == count


@EACH
def test_H3_every_field_that_the_writer_writes_is_read_or_in_the_facts(data: bytes) -> None:
    assert set(open_parts(data)[0]) == {
        "task", "link", "classes", "namespaces", "steps", "index", "slots", "rows", "facts", "requires",
    }  # fmt: skip


# -- meaning ------------------------------------------------------------------------------------------------------------


def test_M1_a_binary_task_has_two_classes() -> None:
    refused(with_field(PLAIN, "task", "binary"), "M1", "binary", "8")


@pytest.mark.parametrize("link", ["softmax", "ovr"])
def test_M1_a_multilabel_task_has_no_link_that_sums_to_one(link: str) -> None:
    refused(with_fields(PLAIN, task="multilabel", link=link), "M1", link, "multilabel")


WRONG_NAMESPACES: dict[str, list[Any]] = {
    "name": [..., None, 1, ["words"]],
    "analyzer": [None, 1, "words", ""],
    "column": [1.5, True, [], {}],
    "ngram_range": [None, 1, [], [1], [1, 1, 1], [0, 1], [2, 1], [1, 1001], [1.0, 2.0], [True, True], ["1", "2"], {}],
    "token_pattern": [None, 1, "(", "(a)(b)", "[", "a{99999999999999999999}", "(?<=a+)b"],
    "lowercase": [None, 1, 0, "yes"],
    "strip_accents": [1, True, "utf", ""],
    "stop_words": ["the", [1], [None], {}, True],
    "encoding": [None, 1, True, "utf\x008"],
    "decode_error": [None, 1, "strict\x00"],
    "separator": [None, 1, ["="]],
    "tf": [None, 1, "idf", ""],
    "hash_columns": [None, -1, 1 << 31, LARGE, 1.0, True, "8"],
    "alternate_sign": [None, 1, "no"],
    "unseen": [None, "0", -0.5, float("nan"), float("inf"), float("-inf"), True],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, row in WRONG_NAMESPACES.items() for value in row],
                         ids=lambda value: repr(value)[:24])  # fmt: skip
def test_M2_a_namespace_that_is_not_of_its_form_is_refused_by_place(field: str, value: Any) -> None:
    refused(with_field(PLAIN, f"namespaces.1.{field}", value), "M2", "namespaces[1]", field if field != "name" else "")


@pytest.mark.parametrize("pattern", ["(?:" * 3000 + ")" * 3000, "é" * 501, "x" * 1001, "x" * 1_000_000])
def test_M2_token_patterns_have_a_limit_that_is_all_namespaces_together(pattern: str) -> None:
    refused(with_field(PLAIN, "namespaces.1.token_pattern", pattern), "M2", str(len(pattern.encode())), "1000")
    half = with_fields(PLAIN, namespaces__0__token_pattern="a" * 500, namespaces__1__token_pattern="a" * 500)
    Model(half, "full")  # equal ones count once
    refused(with_field(half, "namespaces.1.token_pattern", "b" * 501), "M2", "1001 bytes")
    with pytest.raises(BuildError, match="1001 bytes, the limit is 1000"):
        make("plain", namespaces=(Namespace("w", token_pattern="a" * 1001), Namespace("x", analyzer="char")))


def test_M2_the_logarithm_of_signed_frequencies_is_refused() -> None:
    signed = {"name": "w", "tf": "log", "hash_columns": 8, "alternate_sign": True}
    refused(with_field(PLAIN, "namespaces.0", signed), "M2", "logarithm")


@pytest.mark.parametrize("field", ["column", "strip_accents", "stop_words"])
def test_M2_a_null_that_is_the_default_may_be_written_out(field: str) -> None:
    model = Model(with_field(PLAIN, f"namespaces.0.{field}", None), "full")
    absent = Model(with_field(PLAIN, "namespaces.0", without(open_parts(PLAIN)[0]["namespaces"][0], field)))
    assert answers(model) == answers(absent)


def without(fields: Header, name: str) -> Header:
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize("field", ["encoding", "decode_error"])
def test_M2_an_encoding_that_is_not_known_is_refused_or_a_value_error_at_the_first_bytes(field: str) -> None:
    data = with_field(PLAIN, f"namespaces.0.{field}", "no-such-thing")
    with pytest.raises(ValueError, match="no-such-thing"):
        Model(data).predict([b"play \xff"])


def test_M2_every_default_may_be_left_out() -> None:
    model = Model(with_field(PLAIN, "namespaces.0", {"name": "words"}), "full")
    assert model.lookup("play") == Model(PLAIN).lookup("play")


WRONG_STEPS: list[Any] = [
    {},
    {"op": "norm", "namespaces": [0], "value": 0.0},
    {"op": "norm", "kind": "l3", "namespaces": [0], "value": 0.0},
    {"op": "norm", "kind": ["l2"], "namespaces": [0], "value": 0.0},
    {"op": "scale", "kind": "l2", "namespaces": [0], "value": 1.0},
    {"op": "add", "namespaces": [0], "value": 1.0},
    {"op": 1, "namespaces": [0], "value": 1.0},
    {"op": "scale", "namespaces": [], "value": 1.0},
    {"op": "scale", "namespaces": [2], "value": 1.0},
    {"op": "scale", "namespaces": [-1], "value": 1.0},
    {"op": "scale", "namespaces": [0] * 257, "value": 1.0},
    {"op": "scale", "namespaces": [True], "value": 1.0},
    {"op": "scale", "namespaces": 0, "value": 1.0},
    {"op": "scale", "value": 1.0},
    {"op": "scale", "namespaces": [0], "value": "1"},
    {"op": "scale", "namespaces": [0], "value": None},
    {"op": "scale", "namespaces": [0], "value": float("nan")},
    {"op": "scale", "namespaces": [0], "value": float("inf")},
    {"op": "binarize", "namespaces": [0], "value": -0.5},
]


@pytest.mark.parametrize("step", WRONG_STEPS, ids=lambda step: repr(step)[:60])
def test_M3_a_step_that_is_not_of_its_form_is_refused_by_place(step: Any) -> None:
    refused(with_field(PLAIN, "steps.2", step), "M3", "steps[2]")


NUMBERS = ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64"]


def labels_section(words: list[bytes], ends: list[int] | None = None) -> bytes:
    counted = np.cumsum([len(word) for word in words]).tolist() if ends is None else ends
    return struct.pack(f"<{len(counted)}I", *counted) + b"".join(words)


REST = [b"d", b"e", b"f", b"g", b"h"]  # of eight labels, the last five
WRONG_LABELS = {
    "an end that decreases": (labels_section([b"a", b"b", b"c", *REST], [1, 2, 3, 4, 5, 6, 9, 8]), "ends"),
    "an end that decreases at first": (labels_section([b"a", b"b", b"c", *REST], [2, 1, 3, 4, 5, 6, 7, 8]), "ends"),
    "a last end beyond the texts": (labels_section([b"a", b"b", b"c", *REST], [1, 2, 3, 4, 5, 6, 7, 9]), "ends"),
    "text after the last end": (labels_section([b"a", b"b", b"c", *REST], [1, 2, 3, 4, 5, 6, 7, 7]), "ends"),
    "an end of 2^32-1": (labels_section([b"a", b"b", b"c", *REST], [1, 2, 3, 4, 5, 6, 7, (1 << 32) - 1]), "ends"),
    "a text that is not UTF-8": (labels_section([b"a", b"b", b"\xff", *REST]), "UTF-8"),
    "a character in two labels": (labels_section([b"\xc3", b"\xa9", b"c", *REST]), "UTF-8"),
    "a label twice": (labels_section([b"a", b"b", b"a", *REST]), "distinct"),
    "an empty label twice": (labels_section([b"", b"b", b"", *REST]), "distinct"),
    "ends cut off": (bytes(31), "31"),
    "no bytes": (b"", "0"),
}


@pytest.mark.parametrize("attack", list(WRONG_LABELS))
@pytest.mark.parametrize("kind", ["str", "object"])
def test_M4_labels_that_do_not_divide_their_texts_are_refused(attack: str, kind: str) -> None:
    labels, word = WRONG_LABELS[attack]
    data = with_field(changed(PLAIN, labels=labels), "classes.type", kind)
    (refused_in_full if word == "distinct" else refused)(data, "M4", "'labels'", word)


def test_M4_a_label_that_ends_in_a_zero_is_refused_as_str_and_kept_as_object() -> None:
    data = changed(PLAIN, labels=labels_section([b"a", b"a\x00", b"c", *REST]))
    refused(data, "M4", "'labels'")
    kept = Model(with_field(data, "classes.type", "object")).classes_.tolist()
    assert kept == ["a", "a\x00", "c", *"defgh"]


@pytest.mark.parametrize("kind", [kind for kind in NUMBERS if kind != "bool"])
def test_M4_a_number_that_is_two_labels_is_refused(kind: str) -> None:
    numbers = np.arange(CLASSES, dtype=kind)
    for change, fits in ((0, True), (1, False)):
        numbers[0] = change
        data = with_field(changed(PLAIN, labels=numbers.tobytes()), "classes.type", kind)
        if fits:
            assert Model(data, "full").classes_.tolist() == numbers.tolist()
        else:
            refused_in_full(data, "M4", "'labels'", "distinct")


@pytest.mark.parametrize(("other", "fits"), [(-0.0, True), (0.0, False), (float("nan"), False)])
def test_M4_numbers_are_distinct_as_bytes(other: float, fits: bool) -> None:
    numbers = np.arange(CLASSES, dtype="<f8")
    numbers[1] = other
    if not fits:
        numbers[0] = other
    data = with_field(changed(PLAIN, labels=numbers.tobytes()), "classes.type", "float64")
    if fits:
        assert np.signbit(Model(data, "full").classes_).tolist() == np.signbit(numbers).tolist()
    else:
        refused_in_full(data, "M4", "'labels'", "distinct")


def test_M4_a_bool_that_is_neither_is_refused() -> None:
    two = with_field(changed(PLAIN, labels=b"\x00\x02\x01\x01\x01\x00\x00\x00"), "classes.type", "bool")
    refused(two, "M4", "'labels'", "bool")


def test_M4_the_longest_label_times_their_number_has_a_limit() -> None:
    for length, fits in (((1 << 22) // CLASSES, True), ((1 << 22) // CLASSES + 1, False)):
        data = changed(PLAIN, labels=labels_section([b"x" * length, b"b", b"c", *REST]))
        if fits:
            assert len(Model(data).classes_[0]) == length
        else:
            refused(data, "M4", "'labels'", str(length), str(1 << 22))


def test_M4_one_long_label_does_not_cost_its_length_for_every_label() -> None:
    count = 1500
    words = [f"{i}".encode() for i in range(count - 1)] + [b"x" * 50_000]
    header, sections = open_parts(make("plain", weights=np.zeros((51, count)), intercept=np.zeros(count), calibration=None,
                                       baseline=None, classes=np.arange(count)))  # fmt: skip
    header["classes"]["type"] = "str"  # and one label is long
    data = assemble(header, {**sections, "labels": labels_section(words)})
    with strategies.peak() as most:
        refused(data, "M4", "'labels'")
    assert most() < 32 << 20  # 1500 strings of 50,000 four-byte characters are 300 MB


FLOATS = {"intercept": "<f8", "calibration": "<f8", "baseline": "<f8", "scale": "<f4", "idf": "<f4", "codebook": "<f4"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", list(FLOATS))
def test_M5_a_number_that_is_not_finite_is_refused_with_its_place(name: str, value: float) -> None:
    numbers = np.frombuffer(open_parts(PLAIN)[1][name], FLOATS[name]).copy()
    numbers[-1] = value
    refused(changed(PLAIN, **{name: numbers.tobytes()}), "M5", repr(name), str(len(numbers) - 1))


TAGS = ["O", "B-song", "I-song", "B-städt", "I-städt", "X"]


def make_tagging(**fields: Any) -> bytes:
    """A tagging model, half of whose transitions are 0."""
    rng = np.random.default_rng(21)
    drawn: dict[str, Any] = {
        "namespaces": (Namespace("attributes", analyzer="features"),), "features": (FEATURES[0],),
        "classes": np.array(TAGS),
        "weights": rng.standard_normal((len(FEATURES[0]), 6)), "intercept": np.zeros(6), "task": "tagging",
        "transitions": rng.standard_normal((6, 6)) * (rng.random((6, 6)) < 0.5),
    }  # fmt: skip
    return nlucompress.compress(LinearModel(**{**drawn, **fields}), layout="plain").data  # type: ignore[arg-type]


TAGGING = make_tagging()


def refused_tagging(data: bytes, rule: str) -> None:
    """Both readers refuse it, by the rule."""
    with pytest.raises(FormatError, match=rf"\({rule}\)$") as raised:
        Tagger(data)
    refused_natively(data, str(raised.value), "header")


@pytest.mark.parametrize(
    "fields",
    [
        {"requires": {"rows.plain": "0.1.0"}},
        {"link": "sigmoid"},
        {"classes__type": "object"},
        {"steps": [{"op": "scale", "namespaces": [0], "value": 0.5}]},
        {"namespaces": [{"name": "a", "analyzer": "dict"}]},
        {"namespaces": [{"name": "a", "analyzer": "features", "tf": "binary"}]},
        {"namespaces": [{"name": "a", "analyzer": "features", "column": 3}]},
        {"namespaces": [{"name": "a", "analyzer": "features", "hash_columns": 64}]},
        {"namespaces": [{"name": "a", "analyzer": "features"}] * 2, "index__seeds": [0, 1]},
    ],
)
def test_M6_a_tagging_model_with_what_does_not_go_with_it_is_refused(fields: dict[str, Any]) -> None:
    refused_tagging(with_fields(TAGGING, **fields), "M6")


@pytest.mark.parametrize("name", ["intercept", "calibration", "baseline", "idf"])
def test_M6_a_tagging_model_with_another_section_is_refused(name: str) -> None:
    count = {"intercept": 48, "calibration": 96, "baseline": 48, "idf": 4}[name]
    refused_tagging(changed(TAGGING, **{name: bytes(count - 1) + b"\x3f"}), "M6")


def test_M6_transitions_are_bits_and_a_number_for_each_one() -> None:
    section = open_parts(TAGGING)[1]["transitions"]
    assert 8 < len(section) < 8 + 4 * 36
    for wrong in (b"", section[:7], section[:-4], section + bytes(4), section[:4] + b"\x1f" + section[5:],
                  bytes(8) + section, section[:4] + bytes([section[4] ^ 0x10]) + section[5:] + bytes(4)):  # fmt: skip
        refused_tagging(changed(TAGGING, transitions=wrong), "M6")
    refused_tagging(changed(TAGGING, transitions=section[:-4] + struct.pack("<f", np.inf)), "M5")
    refused_tagging(changed(TAGGING, transitions=None), "S6")


def test_M6_more_classes_than_the_limit_are_refused() -> None:
    count = 2049
    small = make_tagging(features=([],), weights=np.zeros((0, 6)))
    labels = [f"T{number}" for number in range(count)]
    ends = np.cumsum([len(label) for label in labels]).astype("<u4").tobytes()
    data = changed(small, labels=ends + "".join(labels).encode(), intercept=bytes(8 * count))
    refused_tagging(with_fields(data, classes__count=count, rows__columns=count), "M6")


def test_M6_a_tagging_file_is_no_model_and_other_files_are_no_taggers() -> None:
    with pytest.raises(ValueError, match="Tagger"):
        Model(TAGGING)
    with pytest.raises(ValueError, match="Model"):
        Tagger(PLAIN)
    assert struct.unpack("<HH", TAGGING[8:12]) == (1, 2)
    assert struct.unpack("<HH", PLAIN[8:12]) == (1, 1)


def test_M7_a_template_is_in_requires_and_of_a_tagging_task() -> None:
    template = {"features": [{"text": ["w=", {"do": ["lower"]}]}]}
    needs = open_parts(TAGGING)[0]["requires"]
    both = {"template": template, "requires": {**needs, "template": "0.1.0"}}
    assert Tagger(with_fields(TAGGING, **both)).template is not None
    refused_tagging(with_fields(TAGGING, template=template), "M7")
    refused_tagging(with_fields(TAGGING, requires=both["requires"]), "M7")
    needs = open_parts(PLAIN)[0]["requires"]
    for fields in ({"template": template}, {**both, "requires": {**needs, "template": "0.1.0"}}):
        refused(with_fields(PLAIN, **fields), "M7", "template")


# -- sections -----------------------------------------------------------------------------------------------------------


def with_table(edit: Callable[[Table], Any], tail: bytes = b"") -> bytes:
    header, sections = open_parts(PLAIN)
    return assemble(header, sections, edit, tail)


def with_entry(column: int, value: Any, row: int = 3) -> bytes:
    """The file with another value in one entry of the table: 0 name, 1 offset, 2 length, 3 crc32."""

    def edit(table: Table) -> Table:
        table[row][column] = value(table[row][column]) if callable(value) else value
        return table

    return with_table(edit)


@pytest.mark.parametrize("column", [1, 2, 3])
@pytest.mark.parametrize("value", [None, "64", -1, -64, 64.0, True, 1 << 63, (1 << 64) - 1, [64]], ids=repr)
def test_S1_an_entry_whose_numbers_are_no_numbers_is_refused(column: int, value: Any) -> None:
    refused(with_entry(column, value), "S1")


@pytest.mark.parametrize("value", [None, 1, ["rows"], {}], ids=repr)
def test_S1_an_entry_whose_name_is_no_string_is_refused(value: Any) -> None:
    refused(with_entry(0, value), "S1")


@pytest.mark.parametrize(
    "edit",
    [
        lambda table: None,
        lambda table: {},
        lambda table: "sections",
        lambda table: [*table, []],
        lambda table: [*table, "rows"],
        lambda table: [*table, {"name": "rows"}],
        lambda table: [*table[:-1], table[-1][:3]],
        lambda table: [*table[:-1], [*table[-1], 0]],
    ],
)
def test_S1_a_table_that_is_not_of_its_form_is_refused(edit: Callable[[Table], Any]) -> None:
    refused(with_table(edit), "S1")


def test_S1_more_than_64_sections_are_refused() -> None:
    header, sections = open_parts(PLAIN)
    for more, fits in ((64 - len(sections), True), (65 - len(sections), False)):
        data = assemble(header, {**sections, **{f"unknown {i}": b"" for i in range(more)}})
        if fits:
            Model(data, "full")
        else:
            refused(data, "S1", "64")


def test_S1_a_name_that_stands_twice_is_refused() -> None:
    refused(with_entry(0, "labels"), "S1", "'labels'", "twice")
    refused(with_table(lambda table: [*table, ["labels", table[-1][1] + 64 * 40, 0, 0]]), "S1|S3")


@pytest.mark.parametrize("change", [1, 4, 8, 32, 52])
def test_S2_an_offset_that_is_no_multiple_of_64_is_refused_with_its_value(change: int) -> None:
    row = list(open_parts(PLAIN)[1]).index("idf")  # 12 bytes, which stay clear of the next section
    offset = with_sizes(PLAIN)[row][1] + change
    refused(with_entry(1, offset, row=row), "S2", "'idf'", f"offset {offset}", "64")


@pytest.mark.parametrize("offset", [0, 64, 128])
def test_S2_a_section_inside_the_preamble_or_the_header_is_refused(offset: int) -> None:
    refused(with_entry(1, offset, row=0), "S2", "'labels'", str(offset))


def test_S2_a_section_that_overlaps_the_one_before_is_refused() -> None:
    for (before, *_), (name, *_) in pairwise(with_sizes(PLAIN)):
        row = [entry[0] for entry in with_sizes(PLAIN)].index(before)
        refused(with_entry(2, lambda length: align(length) + 1, row=row), "S2", repr(name))


def test_S2_sections_in_another_order_than_their_offsets_are_refused() -> None:
    refused(with_table(lambda table: table[::-1]), "S2")


def test_S2_a_gap_between_sections_is_allowed() -> None:
    header, sections = open_parts(PLAIN)
    names = list(sections)
    first = dict(list(sections.items())[:3])
    gapped = {**first, "gap": b"anything", **{name: sections[name] for name in names[3:]}}
    data = assemble(header, gapped, lambda table: [entry for entry in table if entry[0] != "gap"])
    assert answers(Model(data, "full")) == answers(Model(PLAIN))


def with_sizes(data: bytes) -> Table:
    (length,) = struct.unpack("<I", data[12:16])
    return list(msgpack.unpackb(data[64 : 64 + length])["sections"])


@pytest.mark.parametrize("length", [1 << 20, (1 << 63) - 1, (1 << 63) - 64, 1 << 62])
def test_S3_a_section_that_is_longer_than_the_file_is_refused(length: int) -> None:
    refused(with_entry(2, length, row=-1), "S3", str(length), "exceeds")


@pytest.mark.parametrize("offset", [1 << 20, (1 << 63) - 64, 1 << 62])
def test_S3_a_section_that_starts_after_the_files_end_is_refused(offset: int) -> None:
    refused(with_entry(1, offset, row=-1), "S3", str(offset), "exceeds")


def test_S3_offset_and_length_whose_sum_overflows_64_bits_are_refused() -> None:
    def edit(table: Table) -> Table:
        table[-1][1:3] = [(1 << 63) - 64, (1 << 63) - 1]
        return table

    refused(with_table(edit), "S3")


@pytest.mark.parametrize("tail", [b"x", b"\x00" * 63, b"\x00" * 64, b"x" * 640])
def test_S4_bytes_after_the_last_section_are_refused_with_both_lengths(tail: bytes) -> None:
    message = refused(with_table(lambda table: table, tail), "S4")
    lengths = [int(number) for number in re.findall(r"\d+", message)]
    assert lengths[1] - lengths[0] == len(tail)


def test_S4_a_file_that_ends_before_its_last_padding_is_refused() -> None:
    header, sections = open_parts(PLAIN)
    data = assemble(header, {**sections, "unknown": b"x"})
    refused(seal(data[:-63]), "S4")
    refused(seal(data[:-64]), "S3")


# Every section of the plain file, and the rows of the others.
SECTIONS = [("plain", name) for name in open_parts(PLAIN)[1]] + [
    (kind, name)
    for kind in ("dense", "pool")
    for name in open_parts(FILES[kind])[1]
    if name.startswith(("row", "slots"))
]
OPTIONAL = ("calibration", "baseline", "scale")


@pytest.mark.parametrize(("kind", "name"), SECTIONS)
def test_S5_full_a_section_with_another_crc_is_refused_by_name(kind: str, name: str) -> None:
    header, sections = open_parts(FILES[kind])
    wrong = [[*entry[:3], entry[3] ^ (entry[0] == name)] for entry in with_sizes(FILES[kind])]
    data = assemble(header, sections, lambda table: wrong)
    assert answers(refused_in_full(data, "S5", repr(name))) == answers(Model(FILES[kind]))


@pytest.mark.parametrize(("kind", "name"), [pair for pair in SECTIONS if pair[1] not in (*OPTIONAL, "idf")])
def test_S6_a_section_that_is_missing_is_refused_by_name(kind: str, name: str) -> None:
    refused(changed(FILES[kind], **{name: None}), "S6", repr(name), "missing")


@pytest.mark.parametrize("name", OPTIONAL)
def test_S6_an_optional_section_may_be_missing(name: str) -> None:
    harmless(changed(PLAIN, **{name: None}))


@pytest.mark.parametrize("more", [-64, -8, -4, -1, 1, 4, 8, 64])
@pytest.mark.parametrize(("kind", "name"), [pair for pair in SECTIONS if pair[1] not in ("labels", "idf", "codebook")])
def test_S6_a_section_of_another_length_is_refused_with_its_length(kind: str, name: str, more: int) -> None:
    content = open_parts(FILES[kind])[1][name]
    other = content[:more] if more < 0 else content + bytes(more)
    refused(changed(FILES[kind], **{name: other}), "S6", repr(name), f"{len(other)} bytes")


@pytest.mark.parametrize("more", [-1, 1, 2, 3])
@pytest.mark.parametrize("name", ["idf", "codebook"])
def test_S6_a_table_of_half_a_number_is_refused(name: str, more: int) -> None:
    content = open_parts(PLAIN)[1][name]
    refused(changed(PLAIN, **{name: content[:more] if more < 0 else content + bytes(more)}), "S6", repr(name))


@pytest.mark.parametrize("content", [b"", bytes(4 * 257)])
def test_S6_a_codebook_of_no_or_too_many_values_is_refused(content: bytes) -> None:
    refused(changed(PLAIN, codebook=content), "S6", "'codebook'", "256")


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("kind", NUMBERS)
def test_S6_labels_that_are_numbers_need_the_bytes_of_their_type(kind: str, change: int) -> None:
    labels = bytes(np.dtype(kind).itemsize * CLASSES + change)
    refused(with_field(changed(PLAIN, labels=labels), "classes.type", kind), "S6", "'labels'")


def test_S6_a_section_that_is_not_known_is_ignored() -> None:
    header, sections = open_parts(PLAIN)
    data = assemble(header, {"before": b"x", **sections, "future": b"y" * 1000})
    assert answers(Model(data, "full")) == answers(Model(PLAIN))


# -- index --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "levels"), [(51, []), (0, [51]), (51, [50]), ((1 << 31) - 1, [1000, 1000]), (0, [1] * 128)]
)
def test_I1_more_features_than_bits_and_levels_without_features_are_refused(n: int, levels: list[int]) -> None:
    refused(with_fields(PLAIN, index__n=n, index__levels=levels, rows__n=n), "I1", str(n), str(sum(levels)))


def test_I1_more_bits_than_32_bits_count_are_refused() -> None:
    refused(with_field(PLAIN, "index.levels", [(1 << 31) - 1] * 3), "I1", str(3 * ((1 << 31) - 1)))


def set_ranks(data: bytes, change: Callable[[Any], Any]) -> bytes:
    blocks = np.frombuffer(open_parts(data)[1]["index"], "<u4").reshape(-1, 16).copy()
    blocks[:, 0] = change(blocks[:, 0])
    return changed(data, index=blocks.tobytes())


@EACH
@pytest.mark.parametrize("rank", [51, 1000, (1 << 31) - 1, (1 << 32) - 1])
def test_I2_a_rank_beyond_the_features_is_not_found(data: bytes, rank: int) -> None:
    model = harmless(set_ranks(data, lambda ranks: np.full_like(ranks, rank)))
    assert set(looked_up(model)) == {None}


@EACH
def test_I3_full_a_wrong_rank_is_refused(data: bytes) -> None:
    refused_in_full(set_ranks(data, lambda ranks: ranks + 1), "I3", "'index'")


@EACH
@pytest.mark.parametrize("bit", [32, 100, 511])
def test_I3_full_a_bit_more_or_less_is_refused(data: bytes, bit: int) -> None:
    blocks = bytearray(open_parts(data)[1]["index"])
    blocks[bit // 8] ^= 1 << bit % 8
    refused_in_full(changed(data, index=bytes(blocks)), "I3", "'index'")


@EACH
def test_I3_full_bits_that_are_all_set_or_none_are_refused_and_harmless(data: bytes) -> None:
    size = len(open_parts(data)[1]["index"])
    for fill in (b"\x00", b"\xff"):
        refused_in_full(changed(data, index=fill * size), "I3")


def make_sharded(layout: str = "plain") -> bytes:
    """A model whose 400 features are in 8 shards."""
    rng = np.random.default_rng(4)
    model = LinearModel((Namespace("w"),), ([f"word{i}" for i in range(400)],), rng.standard_normal((400, 3)), np.zeros(3),
                        np.array(["a", "b", "c"]), link="softmax")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SHARD_FEATURES", 50)
        return nlucompress.compress(model, layout=layout, check_bits=0).data  # type: ignore[arg-type]


SHARDED = make_sharded()


def shard_table(data: bytes = SHARDED) -> tuple[Any, Any]:
    """The first levels of the 8 shards (9), and start and size of each level."""
    section = open_parts(data)[1]["shards"]
    numbers = np.frombuffer(section, "<u4").astype(np.int64)
    return numbers[:9].copy(), numbers[9:].reshape(-1, 2).copy()


def with_shards(firsts: Any, levels: Any) -> bytes:
    return changed(SHARDED, shards=np.concatenate([firsts, np.reshape(levels, -1)]).astype("<u4").tobytes())


def test_I1_more_features_than_the_bits_of_all_shards_are_refused() -> None:
    _, levels = shard_table()
    n = int(levels[:, 1].sum()) + 1
    refused(with_fields(SHARDED, index__n=n, rows__n=n), "I1", str(n))
    refused(with_fields(SHARDED, index__n=0, rows__n=0), "I1", "0 features")


def test_I1_a_level_of_a_shard_that_ends_beyond_32_bits_is_refused() -> None:
    firsts, sizes = np.arange(9), [(1 << 29) - 1] * 8  # 8 bits less than 2^32, and each shard starts with a block
    starts = [-(-((1 << 29) - 1) // 480) * 480 * i for i in range(8)]
    refused(with_shards(firsts, np.stack([starts, sizes], axis=1)), "I1|I4")


@pytest.mark.parametrize("levels", [[1], [400, 100]])
def test_I4_shards_beside_levels_are_refused(levels: list[int]) -> None:
    refused(with_field(SHARDED, "index.levels", levels), "I4", "beside levels")


def test_I4_shards_that_are_not_required_are_refused() -> None:
    refused(with_field(SHARDED, "requires", {"rows.plain": "0.1.0"}), "I4", "not in requires")


@pytest.mark.parametrize("bits", [-1, 13, 64, 1 << 40, "3", None, 3.0, True])
def test_H3_a_number_of_shards_that_is_none_is_refused(bits: Any) -> None:
    refused(with_field(SHARDED, "index.shards", bits), "H3", "shards")


@pytest.mark.parametrize("bits", [1, 2, 4, 5, 12])
def test_I4_another_number_of_shards_than_the_section_has_is_refused(bits: int) -> None:
    refused(with_field(SHARDED, "index.shards", bits), "I4", "'shards'")


def test_S6_shards_without_their_section_are_refused() -> None:
    refused(changed(SHARDED, shards=None), "S6", "'shards'")


@pytest.mark.parametrize("length", [0, 1, 35, 36, 37, 43])
def test_I4_a_section_of_shards_of_another_length_is_refused(length: int) -> None:
    section = open_parts(SHARDED)[1]["shards"]
    refused(changed(SHARDED, shards=section[:length]), "I4")
    refused(changed(SHARDED, shards=section + bytes(4)), "I4")
    refused(changed(SHARDED, shards=section + bytes(8)), "I4")


@pytest.mark.parametrize(("at", "value"), [(0, 1), (1, 0xFFFFFFFF), (2, 0), (8, 0), (8, 1 << 31), (4, 100_000)])
def test_I4_first_levels_that_do_not_ascend_to_their_number_are_refused(at: int, value: int) -> None:
    firsts, levels = shard_table()
    firsts[at] = value
    refused(with_shards(firsts, levels), "I4")


def test_I4_more_than_128_levels_in_a_shard_are_refused() -> None:
    sizes = np.ones(129, np.int64)
    levels = np.stack([np.cumsum(sizes) - 1, sizes], axis=1)
    refused(with_shards([0, *[129] * 8], levels), "I4", "129")


@pytest.mark.parametrize("size", [0, 1 << 31, 0xFFFFFFFF])
def test_I4_a_level_of_a_shard_without_bits_or_with_too_many_is_refused(size: int) -> None:
    firsts, levels = shard_table()
    levels[3, 1] = size
    refused(with_shards(firsts, levels), "I4")


@pytest.mark.parametrize("by", [-480, -1, 1, 480, 0xFFFF0000])
@pytest.mark.parametrize("level", [0, 1, -1])
def test_I4_a_level_that_starts_elsewhere_is_refused(level: int, by: int) -> None:
    firsts, levels = shard_table()
    levels[level, 0] = (levels[level, 0] + by) % (1 << 32)
    refused(with_shards(firsts, levels), "I4")


def test_S6_an_index_that_is_not_as_long_as_its_shards_say_is_refused() -> None:
    blocks = open_parts(SHARDED)[1]["index"]
    for wrong in (blocks[:-64], blocks + bytes(64), b""):
        refused(changed(SHARDED, index=wrong), "S6", "'index'")


@pytest.mark.parametrize("layout", ["plain", "dense", "pool", "coded"])
def test_I3_full_ranks_of_shards_that_do_not_count_through_are_refused_and_harmless(layout: str) -> None:
    data = make_sharded(layout)
    for change in (lambda ranks: ranks + 1, lambda ranks: ranks % 50, lambda ranks: ranks * 0 + 0xFFFFFFFF):
        refused_in_full(set_ranks(data, change), "I3", "'index'")


def test_I4_an_empty_shard_has_no_levels_and_finds_nothing() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SHARD_FEATURES", 1)
        names = [f"word{i}" for i in range(64)]
        model = LinearModel(
            (Namespace("w"),), (names,), np.ones((64, 1)), np.zeros(1), np.array(["a", "b"]), task="binary"
        )
        opened = Model(nlucompress.compress(model, check_bits=0).data, "full")
    empty = np.flatnonzero(np.bincount(index.shard_of(index.hash_names(names, 0), 6), minlength=64) == 0)
    strange = [f"strange{i}" for i in range(3000)]
    inside = np.isin(index.shard_of(index.hash_names(strange, 0), 6), empty)
    assert 0 < inside.sum() < 3000
    assert not opened.lookup_many(strange)[1][inside].any()
    assert opened.lookup_many(strange)[1][~inside].any()
    assert opened.lookup_many(names)[1].all()


def test_an_index_of_one_shard_has_no_word_of_shards() -> None:
    header, sections = open_parts(PLAIN)
    assert "shards" not in header["index"]
    assert "shards" not in sections
    assert "shards" not in header["requires"]
    assert answers(Model(with_field(PLAIN, "index.shards", 0))) == answers(Model(PLAIN))


# -- slots --------------------------------------------------------------------------------------------------------------


def test_L1_idf_bits_without_an_idf_table_are_refused() -> None:
    refused(changed(PLAIN, idf=None), "L1", "'idf'")


@pytest.mark.parametrize("count", [0, 5])
def test_L1_no_idf_values_or_more_than_a_number_reaches_are_refused(count: int) -> None:
    refused(changed(PLAIN, idf=np.ones(count, "<f4").tobytes()), "L1|S6", "'idf'")


def idf_numbers(change: Callable[[Any], Any]) -> bytes:
    """The plain file with other idf numbers in its records; its table has three values, its numbers two bits."""
    header, sections = open_parts(PLAIN)
    bits, n = header["slots"]["check_bits"], header["index"]["n"]
    assert (header["slots"]["idf_bits"], len(sections["idf"])) == (2, 12)
    records = unpack(np.frombuffer(sections["slots"], np.uint8), bits + 2, np.arange(n))
    numbers = change(records >> np.uint64(bits))
    checks = records & np.uint64((1 << bits) - 1)
    return changed(PLAIN, slots=pack(checks | (numbers << np.uint64(bits)), bits + 2).tobytes())


def test_L2_full_an_idf_number_beyond_the_table_is_refused_and_means_the_last_value() -> None:
    damaged = idf_numbers(lambda numbers: np.where(numbers == 2, 3, numbers).astype(np.uint64))
    assert answers(refused_in_full(damaged, "L2", "idf number 3", "has 3")) == answers(Model(PLAIN))


@pytest.mark.parametrize("number", [3, 4, 255])
def test_L2_full_an_idf_number_of_a_pooled_row_beyond_the_table_is_refused_and_means_the_last_value(
    number: int,
) -> None:
    damaged = bytearray(open_parts(POOL)[1]["rows"])
    for at, _ in pool_entries():
        damaged[at] = number if damaged[at] == 2 else damaged[at]
    model = refused_in_full(changed(POOL, rows=bytes(damaged)), "L2", f"idf number {number}", "has 3")
    assert answers(model) == answers(Model(POOL))


@pytest.mark.parametrize("check_bits", [32, 31])
def test_L3_a_record_of_more_bits_than_a_load_holds_is_refused(check_bits: int) -> None:
    """2^26 distinct rows that are empty take no bytes, but their number takes 26 bits: 58 with 32 check bits."""
    words = np.zeros((1, 1))
    small = nlucompress.compress(LinearModel((Namespace("w"),), (("play",),), words, np.ones(1), np.array(["a", "b"]),
                                             task="binary", steps=(Step("norm", (0,), "l2"),)), layout="pool",
                                 check_bits=check_bits).data  # fmt: skip
    assert open_parts(small)[0]["rows"]["groups"] == 1
    assert not open_parts(small)[1]["rows"]
    slots = bytes((check_bits + 26 + 7) // 8 + GUARD)
    crafted = with_field(changed(small, slots=slots), "rows.entries", 1 << 26)
    if check_bits < 32:
        Model(crafted, "full")
    else:
        refused(crafted, "L3", "32 check bits", "26 bits", "57")


# -- rows ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coder", ["", "PLAIN", "later", "rows.plain"])
def test_R1_rows_of_an_unknown_coder_are_refused_by_name(coder: str) -> None:
    refused(with_field(PLAIN, "rows.coder", coder), "R1|H2|H3", "coder", repr(coder))
    refused(with_fields(PLAIN, rows__coder=coder, requires={f"rows.{coder}": "0.9.0"}), "H2|H3")


@pytest.mark.parametrize(("field", "more"), [("count", 1), ("count", -1), ("low_bits", 1), ("low_bits", -1)])
def test_R1_rows_whose_counts_are_not_their_sections_are_refused(field: str, more: int) -> None:
    value = open_parts(PLAIN)[0]["rows"][field]
    refused(with_field(PLAIN, f"rows.{field}", value + more), "R1|S6", "row")


def test_R1_row_offsets_beyond_32_bits_are_refused() -> None:
    refused(with_fields(PLAIN, rows__count=1 << 32, rows__low_bits=0), "R1", "2^32")


@pytest.mark.parametrize(("written", "read"), [(one, other) for one in FILES for other in FILES if one != other])
def test_R1_rows_read_by_another_coder_than_wrote_them_are_refused(written: str, read: str) -> None:
    refused(with_field(FILES[written], "rows.coder", read), "R1|S6|H3")


def plain_offsets(data: bytes = PLAIN) -> Any:
    header, sections = open_parts(data)
    n, low_bits = header["index"]["n"], header["rows"]["low_bits"]
    ones = np.flatnonzero(np.unpackbits(np.frombuffer(sections["row_high"], np.uint8), bitorder="little"))
    low = unpack(np.frombuffer(sections["row_low"], np.uint8), low_bits, np.arange(n + 1)).astype(np.int64)
    return ((ones - np.arange(n + 1)) << low_bits) | low


def with_offsets(offsets: Any) -> bytes:
    """The plain file with other offsets, encoded as they are, which must fill sections of the same length."""
    header, sections = open_parts(PLAIN)
    _, coded = encode_offsets(np.asarray(offsets, np.int64), header["rows"]["low_bits"])
    raw = {name: array.tobytes() for name, array in coded.items()}
    raw["row_high"] = raw["row_high"].ljust(len(sections["row_high"]), b"\x00")[: len(sections["row_high"])]
    return changed(PLAIN, **raw)


def test_the_offsets_of_the_tests_are_those_of_the_file() -> None:
    assert with_offsets(plain_offsets()) == PLAIN


def test_R2_full_offsets_that_do_not_start_at_zero_are_refused_and_harmless() -> None:
    offsets = plain_offsets()
    assert offsets[1] > 0
    offsets[0] = 1
    refused_in_full(with_offsets(offsets), "R2")


def test_R2_full_offsets_that_do_not_end_at_the_count_are_refused_and_harmless() -> None:
    offsets = plain_offsets()
    refused_in_full(with_offsets(np.minimum(offsets, offsets[-1] - 1)), "R2")


def test_R2_full_low_bits_that_make_offsets_decrease_are_refused_and_clamped() -> None:
    header, sections = open_parts(PLAIN)
    low_bits, n = header["rows"]["low_bits"], header["index"]["n"]
    assert low_bits > 0
    rng = np.random.default_rng(2)
    low = pack(rng.integers(0, 1 << low_bits, n + 1), low_bits).tobytes()
    assert len(low) == len(sections["row_low"])
    refused_in_full(changed(PLAIN, row_low=low), "R2", "row_")


@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b"\x01", b"\x80"])
def test_R2_full_high_bits_of_any_number_are_refused_and_harmless(fill: bytes) -> None:
    size = len(open_parts(PLAIN)[1]["row_high"])
    refused_in_full(changed(PLAIN, row_high=fill * size), "R2", "row_")


@pytest.mark.parametrize("name", ["row_high", "row_low"])
def test_R2_full_guard_bytes_that_are_not_zero_are_refused_and_harmless(name: str) -> None:
    content = open_parts(PLAIN)[1][name]
    model = refused_in_full(changed(PLAIN, **{name: content[:-1] + b"\x80"}), "R2", repr(name))
    assert answers(model) == answers(Model(PLAIN))


@pytest.mark.parametrize("sample", [1, 1 << 16, (1 << 32) - 1])
def test_R2_full_a_sample_that_is_not_of_its_offset_is_refused_and_harmless(sample: int) -> None:
    size = len(open_parts(PLAIN)[1]["row_samples"]) // 4
    refused_in_full(changed(PLAIN, row_samples=struct.pack("<I", sample) * size), "R2", "'row_samples'")


def with_entry_of_row(at: int, column: int, code: int) -> bytes:
    """The plain file with another entry in its rows."""
    rows = bytearray(open_parts(PLAIN)[1]["rows"])
    rows[2 * at : 2 * at + 2] = bytes([column, code])
    return changed(PLAIN, rows=bytes(rows))


def entries() -> list[tuple[int, int]]:
    rows = open_parts(PLAIN)[1]["rows"]
    return list(zip(rows[::2], rows[1::2], strict=True))


def full_row() -> int:
    """The first entry of a row of three, whose first column is 0."""
    offsets = plain_offsets()
    return next(at for at in offsets[:-1][np.diff(offsets) == 3].tolist() if entries()[at][0] == 0)


def feature_at(entry: int) -> tuple[str, int]:
    """The feature, and its namespace, in whose row an entry stands."""
    index = open_parts(PLAIN)[0]["index"]
    slot = int(np.searchsorted(plain_offsets(), entry, side="right")) - 1
    table = Model(PLAIN).table
    for space, names in enumerate(FEATURES):
        slots = table.find(space, names).tolist()
        if slot in slots:
            return names[slots.index(slot)], space
    raise AssertionError(f"slot {slot} of {index['n']} has no feature")


@pytest.mark.parametrize("column", [8, 9, 255])
def test_R3_full_a_column_beyond_the_columns_is_refused_and_left_out(column: int) -> None:
    for at in range(full_row(), full_row() + 3):
        damaged = with_entry_of_row(at, column, entries()[at][1])
        check_left_out(damaged, at)


@pytest.mark.parametrize("code", [16, 255])
def test_R3_full_a_code_beyond_the_codebook_is_refused_and_left_out(code: int) -> None:
    assert len(open_parts(PLAIN)[1]["codebook"]) <= 64
    for at in range(full_row(), full_row() + 3):
        check_left_out(with_entry_of_row(at, entries()[at][0], code), at)


def check_left_out(damaged: bytes, entry: int) -> None:
    """A file with one bad entry is refused in full, and answers otherwise as if the entry were not there."""
    model = refused_in_full(damaged, "R3", "'rows'")
    zero = int(np.flatnonzero(np.frombuffer(open_parts(PLAIN)[1]["codebook"], "<f4") == 0)[0])
    wanted = Model(with_entry_of_row(entry, entries()[entry][0], zero))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(model.decision_function(TEXTS), wanted.decision_function(TEXTS))
    name, space = feature_at(entry)
    assert model.lookup(name, space) == wanted.lookup(name, space)


@pytest.mark.parametrize("swap", [True, False], ids=["descending", "equal"])
def test_R3_full_columns_that_do_not_ascend_are_refused(swap: bool) -> None:
    at = full_row()
    (first, _), (second, code) = entries()[at], entries()[at + 1]
    data = with_entry_of_row(at + 1, first, code)
    if swap:
        rows = bytearray(open_parts(data)[1]["rows"])
        rows[2 * at] = second
        data = changed(data, rows=bytes(rows))
    refused_in_full(data, "R3", "'rows'")


def test_R3_full_columns_may_start_again_in_the_next_row() -> None:
    Model(PLAIN, "full")
    assert any(a[0] >= b[0] for a, b in pairwise(entries()))


def check_some_number(kind: str, rows: bytes, at: int, column: int) -> None:
    """A file with one bad code in a row of all codes is refused in full; otherwise the code counts as some number."""
    for code in (16, 255):
        model = refused_in_full(changed(FILES[kind], rows=rows[:at] + bytes([code]) + rows[at + 1 :]), "R3", "'rows'")
        with np.errstate(all="ignore"):
            scores, wanted = model.decision_function(TEXTS), Model(FILES[kind]).decision_function(TEXTS)
        assert np.isfinite(scores).all()
        others = np.arange(CLASSES) != column
        np.testing.assert_allclose(scores[:, others], wanted[:, others], rtol=1e-12, atol=1e-12)


def test_R3_full_a_dense_code_beyond_the_codebook_is_refused_and_counts_as_some_number() -> None:
    assert len(open_parts(DENSE)[1]["codebook"]) <= 64
    rows = open_parts(DENSE)[1]["rows"]
    for at in (0, 1, 2, len(rows) - 1):
        check_some_number("dense", rows, at, at % CLASSES)


UNIT, ALL_CODES = 2, 4  # of the pooled rows: bytes of a pair; units of a row of all codes


def pool_groups() -> list[tuple[int, int, int]]:
    """First entry, units and start of each group of the pooled file."""
    return list(struct.iter_unpack("<IIQ", open_parts(POOL)[1]["row_groups"]))


def pool_entries() -> list[tuple[int, int]]:
    """Where each entry of the pooled file starts, its idf number first, and its units."""
    groups, entries = pool_groups(), open_parts(POOL)[0]["rows"]["entries"]
    ends = [first for first, _, _ in groups[1:]] + [entries]
    return [
        (start + (entry - first) * (1 + UNIT * units), units)
        for (first, units, start), end in zip(groups, ends, strict=True)
        for entry in range(first, end)
    ]


def with_groups(*groups: tuple[int, int, int], data: bytes = POOL) -> bytes:
    """The file with other groups, as many as they are."""
    packed = b"".join(struct.pack("<IIQ", *group) for group in groups)
    return with_field(changed(data, row_groups=packed), "rows.groups", len(groups))


def test_the_pooled_file_of_the_tests_has_groups_of_every_kind_and_entries_that_slots_share() -> None:
    header = open_parts(POOL)[0]
    assert with_groups(*pool_groups()) == POOL
    assert [units for _, units, _ in pool_groups()] == [0, 1, 2, 3, ALL_CODES]
    assert header["slots"]["idf_bits"] == 2
    entries = header["rows"]["entries"]
    assert entries < header["index"]["n"]
    assert entries & (entries - 1)  # no power of two: a number of as many bits may be too large
    at, units = pool_entries()[-1]
    assert at + 1 + UNIT * units == len(open_parts(POOL)[1]["rows"])


@pytest.mark.parametrize(("byte", "value"), [(0, 8), (0, 255), (1, 15), (1, 255)], ids=["column", "", "code", ""])
def test_R3_full_a_pooled_pair_out_of_range_is_refused_and_left_out(byte: int, value: int) -> None:
    rows = open_parts(POOL)[1]["rows"]
    zero = int(np.flatnonzero(np.frombuffer(open_parts(POOL)[1]["codebook"], "<f4") == 0)[0])
    for first, units, start in pool_groups()[1:ALL_CODES]:
        for pair in range(units):
            at = start + 1 + UNIT * pair
            bad, gone = bytearray(rows), bytearray(rows)
            bad[at + byte] = value
            gone[at + 1] = zero
            model = refused_in_full(changed(POOL, rows=bytes(bad)), "R3", "'rows'")
            wanted = Model(changed(POOL, rows=bytes(gone)))
            assert answers(model) == answers(wanted), (first, pair)


def test_R3_full_a_code_of_a_pooled_row_of_all_codes_beyond_the_codebook_is_refused_and_counts_as_some_number() -> None:
    rows, (_, _, start) = open_parts(POOL)[1]["rows"], pool_groups()[ALL_CODES]
    for column in range(CLASSES):
        check_some_number("pool", rows, start + 1 + column, column)


@pytest.mark.parametrize("swap", [True, False], ids=["descending", "equal"])
def test_R3_full_columns_of_a_pooled_row_that_do_not_ascend_are_refused(swap: bool) -> None:
    rows, (_, _, start) = bytearray(open_parts(POOL)[1]["rows"]), pool_groups()[2]
    first, second = start + 1, start + 1 + UNIT
    rows[first], rows[second] = rows[second], rows[first if swap else second]
    refused_in_full(changed(POOL, rows=bytes(rows)), "R3", "'rows'")


def edited(group: int, field: int, value: Callable[[int], int]) -> bytes:
    """The pooled file with another number in a group: 0 first, 1 units, 2 start."""
    groups = [list(numbers) for numbers in pool_groups()]
    groups[group][field] = value(groups[group][field])
    return with_groups(*(tuple(numbers) for numbers in groups))  # type: ignore[arg-type]


ENTRIES = open_parts(POOL)[0]["rows"]["entries"]
WRONG_GROUPS = {
    "the first group does not start at entry 0": edited(0, 0, lambda first: 1),
    "the first group starts beyond the entries": edited(0, 0, lambda first: (1 << 32) - 1),
    "a group has no entry": edited(2, 0, lambda first: pool_groups()[3][0]),
    "a group's first entry is not after the one's before": edited(2, 0, lambda first: pool_groups()[1][0]),
    "first entries decrease": edited(2, 0, lambda first: pool_groups()[1][0] - 1),
    "a group has an entry less": edited(2, 0, lambda first: first + 1),
    "a group has an entry more": edited(2, 0, lambda first: first - 1),
    "the last group starts at the number of entries": edited(-1, 0, lambda first: ENTRIES),
    "the last group starts beyond the entries": edited(-1, 0, lambda first: ENTRIES + 1),
    "the last group starts at entry 2^32 - 1": edited(-1, 0, lambda first: (1 << 32) - 1),
    "two groups have the same units": edited(2, 1, lambda units: units - 1),
    "units decrease": edited(2, 1, lambda units: 0),
    "a group's units do not fill its bytes": edited(-1, 1, lambda units: units + 1),
    "a row has more units than all codes take": edited(-1, 1, lambda units: 5),
    "a row has 2^31 units": edited(-1, 1, lambda units: 1 << 31),
    "a row has 2^32 - 1 units": edited(-1, 1, lambda units: (1 << 32) - 1),
    "the first group starts after the first byte": edited(0, 2, lambda start: 1),
    "a group starts a byte late": edited(2, 2, lambda start: start + 1),
    "a group starts a byte early": edited(2, 2, lambda start: start - 1),
    "a group starts at 2^32 more": edited(2, 2, lambda start: start + (1 << 32)),
    "a group starts at 2^63": edited(-1, 2, lambda start: 1 << 63),
    "a group starts at 2^64 - 1": edited(-1, 2, lambda start: (1 << 64) - 1),
    "groups are in another order": with_groups(*pool_groups()[::-1]),
    "a group stands twice": with_groups(*pool_groups()[:3], *pool_groups()[2:]),
    "a group is missing": with_groups(*pool_groups()[:2], *pool_groups()[3:]),
}


def consistent(*groups: tuple[int, int], entries: int = ENTRIES) -> bytes:
    """The pooled file with groups of these first entries and units, starts and rows as they follow: one thing is wrong."""
    ends, start, full = [first for first, _ in groups[1:]] + [entries], 0, []
    for (first, units), end in zip(groups, ends, strict=True):
        full.append((first, units, start))
        start += (end - first) % (1 << 32) * (1 + UNIT * units)
    return changed(with_groups(*full), rows=bytes(min(start, 1 << 16)))


def test_the_groups_of_the_tests_are_consistent_before_an_attack() -> None:
    _, sections = open_parts(consistent(*((first, units) for first, units, _ in pool_groups())))
    assert sections["row_groups"] == open_parts(POOL)[1]["row_groups"]
    assert len(sections["rows"]) == len(open_parts(POOL)[1]["rows"])


WRONG_GROUPS |= {
    "only the first entry of all is wrong": consistent((1, 0), (3, 1), (12, 2), (23, 3), (39, 4)),
    "only one group is empty": consistent((0, 0), (3, 1), (12, 2), (12, 3), (39, 4)),
    "only the first group is empty": consistent((0, 0), (0, 1), (12, 2), (23, 3), (39, 4)),
    "only the last group is empty": consistent((0, 0), (3, 1), (12, 2), (23, 3), (ENTRIES, 4)),
    "only a first entry is beyond the next": consistent((0, 0), (13, 1), (12, 2), (23, 3), (39, 4)),
    "only two units are equal": consistent((0, 0), (3, 1), (12, 1), (23, 3), (39, 4)),
    "only units decrease": consistent((0, 0), (3, 2), (12, 1), (23, 3), (39, 4)),
    "only the last units decrease": consistent((0, 0), (3, 1), (12, 2), (23, 4), (39, 3)),
    "only the last units are too many": consistent((0, 0), (3, 1), (12, 2), (23, 3), (39, 5)),
}


@pytest.mark.parametrize("attack", list(WRONG_GROUPS))
def test_R4_groups_that_do_not_follow_one_another_are_refused(attack: str) -> None:
    refused(WRONG_GROUPS[attack], "R4", "'row_groups'", "group")


def test_R4_features_without_groups_or_entries_are_refused() -> None:
    refused(with_groups(), "R4", f"0 groups of {ENTRIES} entries", "51 features")
    thin = changed(POOL, slots=bytes(51 * 16 // 8 + 8))  # of no entries, a number has no bits
    refused(with_field(thin, "rows.entries", 0), "R4", "5 groups of 0 entries", "51 features")
    refused(with_field(with_groups(data=thin), "rows.entries", 0), "R4", "0 groups of 0 entries", "51 features")


def test_R4_groups_or_entries_without_features_are_refused() -> None:
    empty = make("pool", features=((), ()), weights=np.zeros((0, CLASSES)), idf=np.zeros(0))
    assert open_parts(empty)[0]["rows"] == {
        "coder": "pool",
        "n": 0,
        "columns": 8,
        "entries": 0,
        "groups": 0,
        "count": 0,
    }
    Model(empty, "full")
    for groups, entries in (([(0, 0, 0)], 0), ([], 1), ([(0, 0, 0)], 1), ([(0, 0, 0), (1, 1, 0)], 2)):
        data = with_field(with_groups(*groups, data=empty), "rows.entries", entries)
        refused(data, "R4", f"{len(groups)} groups of {entries} entries", "0 features")


@pytest.mark.parametrize("more", [-1, 1])
def test_R4_rows_that_do_not_end_where_the_last_group_does_have_the_wrong_length(more: int) -> None:
    """An entry more or less; its number has six bits in either case, so that the records fit."""
    refused(with_field(POOL, "rows.entries", ENTRIES + more), "S6", "'rows'")


def test_R4_entries_may_take_no_bytes_and_be_as_many_as_31_bits_count() -> None:
    """Rows of no units, without idf. An entry number has 31 bits, and a record 57, the most (L3)."""
    header, sections = open_parts(POOL)
    del sections["idf"]
    header["slots"] |= {"check_bits": 26, "idf_bits": 0}
    header["rows"] |= {"entries": (1 << 31) - 1, "groups": 1}
    n = header["index"]["n"]
    sections |= {"rows": b"", "row_groups": bytes(16), "slots": b"\xff" * -(-n * 57 // 8) + bytes(8)}
    model = harmless(assemble(header, sections))
    slots = np.arange(n)
    assert model.table.rows(slots)[0].tolist() == [0] * n


def entry_numbers(change: Callable[[Any], Any]) -> bytes:
    """The pooled file with other entry numbers in its records."""
    header, sections = open_parts(POOL)
    checks, n, bits = header["slots"]["check_bits"], header["index"]["n"], (ENTRIES - 1).bit_length()
    records = unpack(np.frombuffer(sections["slots"], np.uint8), checks + bits, np.arange(n))
    numbers = change(records >> np.uint64(checks)).astype(np.uint64) << np.uint64(checks)
    records = (records & np.uint64((1 << checks) - 1)) | numbers
    return changed(POOL, slots=pack(records, checks + bits).tobytes())


@pytest.mark.parametrize("number", [ENTRIES, ENTRIES + 1, 63])
def test_R5_full_an_entry_number_beyond_the_entries_is_refused_and_means_the_last(number: int) -> None:
    assert entry_numbers(lambda numbers: numbers) == POOL
    assert 32 < ENTRIES < 63
    for which in (ENTRIES - 1, 5):
        damaged, last = (entry_numbers(lambda numbers, n=n, which=which: np.where(numbers == which, n, numbers))
                         for n in (number, ENTRIES - 1))  # fmt: skip
        model = refused_in_full(damaged, "R5", "'slots'", f"entry {number}", str(ENTRIES))
        assert answers(model) == answers(Model(last))
    assert answers(Model(entry_numbers(lambda numbers: np.where(numbers == ENTRIES - 1, 63, numbers)))) == answers(
        Model(POOL)
    )


def test_R5_full_an_entry_that_no_slot_has_is_read_by_nobody() -> None:
    unused = entry_numbers(lambda numbers: np.where(numbers == 5, 6, numbers))
    at, units = pool_entries()[5]
    rows = bytearray(open_parts(POOL)[1]["rows"])
    rows[at : at + 1 + UNIT * units] = b"\xff" * (1 + UNIT * units)
    Model(changed(unused, rows=bytes(rows)), "full")


def test_one_row_as_long_as_the_file_costs_no_more_than_a_row() -> None:
    header, sections = open_parts(PLAIN)
    n, count, low_bits = header["index"]["n"], 200_000, 12
    _, coded = encode_offsets(np.array([0] * n + [count]), low_bits)
    last = bytes([0, 0]) * count
    header["rows"] |= {"count": count, "low_bits": low_bits}
    blocks = np.frombuffer(sections["index"], "<u4").reshape(-1, 16).copy()
    blocks[:, 1:] = 0xFFFFFFFF
    blocks[:, 0] = n - 1  # every n-gram that meets the first bit of the block finds the last slot
    header["slots"] |= {"check_bits": 0, "idf_bits": 0}
    del sections["idf"]
    data = assemble(header, {**sections, **{k: v.tobytes() for k, v in coded.items()}, "rows": last,
                             "index": blocks.tobytes(), "slots": b""})  # fmt: skip
    model = Model(data)
    texts = [" ".join(f"{i}a{j}" for j in range(40)) for i in range(40)]
    with strategies.peak() as most, np.errstate(all="ignore"):
        model.predict(texts)
    assert most() < 64 << 20


def test_facts_do_not_replace_what_the_file_says_of_itself() -> None:
    facts = {"bytes": 1, "features": 2, "sections": {}, "check_bits": 99, "note": "kept"}
    data = with_field(PLAIN, "facts", facts)
    info = Model(data).info()
    assert (info["bytes"], info["features"], info["check_bits"]) == (len(data), 51, 16)
    assert sum(info["sections"].values()) == len(data)


# -- every byte ---------------------------------------------------------------------------------------------------------

SMALL = {coder: nlucompress.compress(
    LinearModel((Namespace("w"),), (("play", "stop", "music"),), np.array([[1, 0, 0], [-0.5, 1.5, 3], [0, 2.0, 0]]),
                np.zeros(3), np.array(["a", "b", "c"]), steps=(Step("norm", (0,), "l2"),)), check_bits=9, layout=coder,
).data for coder in FILES}  # fmt: skip
SMALL_TEXTS = ["play music", "stop", "", "unknown"]
EACH_SMALL = pytest.mark.parametrize("small", list(SMALL.values()), ids=list(SMALL))


def small_answers(model: Model) -> Any:
    with np.errstate(all="ignore"):
        return (model.decision_function(SMALL_TEXTS).tolist(), model.predict(SMALL_TEXTS).tolist(),
                [model.lookup(name) for name in ("play", "stop", "music", "other")])  # fmt: skip


def try_answers(data: bytes, verify: Any) -> Any:
    """The answers of a file, or the FormatError; another error than a ValueError or TypeError about a sample fails."""
    try:
        model = Model(data, verify)
    except FormatError as error:
        return error
    try:
        return small_answers(model)
    except (ValueError, TypeError) as error:
        assert type(error) in (ValueError, TypeError)  # noqa: PT017
        return None


@EACH_SMALL
@pytest.mark.parametrize("verify", ["header", "full"])
def test_every_truncation_is_refused(small: bytes, verify: Any) -> None:
    for length in range(len(small)):
        assert isinstance(try_answers(small[:length], verify), FormatError), length


@EACH_SMALL
def test_every_truncation_with_valid_checksums_is_refused(small: bytes) -> None:
    for length in range(64, len(small)):
        assert isinstance(try_answers(seal(small[:length]), "header"), FormatError), length


@EACH_SMALL
@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_changed_byte_is_refused_in_full(small: bytes, flip: int) -> None:
    for at in range(len(small)):
        data = bytearray(small)
        data[at] ^= flip
        assert isinstance(try_answers(bytes(data), "full"), FormatError), at


@EACH_SMALL
@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_changed_byte_is_refused_or_harmless_at_open(small: bytes, flip: int) -> None:
    header_end = 64 + struct.unpack("<I", small[12:16])[0]
    for at in range(len(small)):
        data = bytearray(small)
        data[at] ^= flip
        answer = try_answers(bytes(data), "header")
        assert isinstance(answer, FormatError) or 32 <= at < 64 or at >= header_end, at


@EACH_SMALL
@pytest.mark.parametrize("flip", [0x01, 0x10])
def test_every_changed_byte_of_the_header_with_valid_checksums_is_refused_or_harmless(small: bytes, flip: int) -> None:
    header_end = 64 + struct.unpack("<I", small[12:16])[0]
    for at in range(64, header_end):
        data = bytearray(small)
        data[at] ^= flip
        try_answers(seal(data), "header")


@pytest.mark.parametrize("base", list(FILES.values()), ids=list(FILES))
@settings(max_examples=25)
@given(data=st.data())
def test_any_bytes_of_sections_with_valid_checksums_are_refused_in_full_or_harmless(base: bytes, data: Any) -> None:
    _, sections = open_parts(base)
    name = data.draw(st.sampled_from(sorted(name for name, content in sections.items() if content)))
    content = bytearray(sections[name])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=20)):
        content[at] = value
    other = changed(base, **{name: bytes(content)})
    for verify in ("header", "full"):
        try:
            Model(other, verify)  # type: ignore[arg-type]
        except FormatError:
            continue
        harmless(other)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | strategies.texts(surrogates=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3).filter(strategies.is_utf8), inner,
                                                                max_size=4), max_leaves=12),
    st.sampled_from([*((PLAIN, path) for path in sorted(WRONG_FIELDS)), *((POOL, path) for path in sorted(WRONG_POOL))]),
)  # fmt: skip
def test_any_value_of_any_field_is_refused_or_harmless(value: Any, place: tuple[bytes, str]) -> None:
    data, path = place
    try:
        harmless(with_field(data, path, value))
    except FormatError as error:
        assert re.search(r"\([A-Z]\d\)$", str(error))  # noqa: PT017


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    for prefix in (b"", fileformat.MAGIC):
        with pytest.raises(FormatError):
            Model(prefix + data)


def test_an_unknown_verify_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'all' is not 'header' or 'full'"):
        Model(PLAIN, "all")  # type: ignore[arg-type]


# -- views --------------------------------------------------------------------------------------------------------------


def test_sections_are_read_only_views_of_the_file() -> None:
    container = fileformat.decode(PLAIN)
    for array in container.sections.values():
        assert not array.flags.writeable
        assert array.base is not None


def test_views_keep_the_map_alive(tmp_path: Path) -> None:
    path = tmp_path / "model.nluc"
    fileformat.save(PLAIN, path)
    sections = fileformat.decode(fileformat.map_file(path)).sections
    path.unlink()
    assert {name: array.tobytes() for name, array in sections.items()} == open_parts(PLAIN)[1]


def test_the_file_starts_its_sections_at_multiples_of_64_and_pads_with_zeros() -> None:
    covered = bytearray(len(PLAIN))
    (length,) = struct.unpack("<I", PLAIN[12:16])
    covered[: 64 + length] = b"\x01" * (64 + length)
    for _, offset, size, crc in with_sizes(PLAIN):
        assert offset % 64 == 0
        assert zlib.crc32(PLAIN[offset : offset + size]) == crc
        covered[offset : offset + size] = b"\x01" * size
    assert all(covered[at] or PLAIN[at] == 0 for at in range(len(PLAIN)))
    assert len(PLAIN) % 64 == 0


# -- load ---------------------------------------------------------------------------------------------------------------


def test_load_names_the_file_in_its_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.nluc"
    path.write_bytes(PLAIN[:100])
    with pytest.raises(FormatError, match=r"broken\.nluc") as raised:
        nlucompress.load(path)
    assert "\n" not in str(raised.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.nluc"
    path.touch()
    with pytest.raises(FormatError, match="empty"):
        nlucompress.load(path)


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        nlucompress.load(tmp_path / "missing.nluc")
    with pytest.raises(IsADirectoryError):
        nlucompress.load(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nluc")
    code = """if True:
        import sys
        from nlucompress import fileformat
        try:
            fileformat.map_file(sys.argv[1])
        except ValueError:
            print("no")"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "pipe.nluc")], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "no\n"


# -- save ---------------------------------------------------------------------------------------------------------------


def only(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_save_writes_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    fileformat.save(PLAIN, tmp_path / "model.nluc")
    assert (tmp_path / "model.nluc").read_bytes() == PLAIN
    assert only(tmp_path) == ["model.nluc"]


def test_save_refuses_to_overwrite_unasked(tmp_path: Path) -> None:
    path = tmp_path / "model.nluc"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"model\.nluc"):
        fileformat.save(PLAIN, path)
    assert path.read_bytes() == b"precious"
    assert only(tmp_path) == ["model.nluc"]


def test_save_replaces_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "model.nluc"
    path.write_bytes(b"old")
    fileformat.save(PLAIN, path, overwrite=True)
    fileformat.save(DENSE, path, overwrite=True)
    assert path.read_bytes() == DENSE
    assert only(tmp_path) == ["model.nluc"]


def test_a_reader_of_the_old_file_keeps_it_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model.nluc"
    fileformat.save(PLAIN, path)
    model = nlucompress.load(path)
    before = answers(model)
    fileformat.save(DENSE, path, overwrite=True)
    assert answers(model) == before
    assert answers(nlucompress.load(path)) == answers(Model(DENSE))


def failing(*_: Any, **__: Any) -> Any:
    raise OSError(28, "No space left on device")


@pytest.fixture(params=[True, False], ids=["overwrite", "new"])
def overwrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("broken", ["os.fsync", "os.replace", "os.link"])
def test_a_write_that_fails_leaves_the_old_file_whole_and_nothing_else(
    broken: str, overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.nluc"
    if overwrite:
        path.write_bytes(PLAIN)
    if broken == "os.link":
        monkeypatch.setattr("os.replace", failing)
    monkeypatch.setattr(broken, failing)
    if (broken, overwrite) == ("os.replace", False):  # a new file is linked, not renamed
        monkeypatch.setattr("os.link", failing)
    with pytest.raises(OSError, match="No space"):
        fileformat.save(DENSE, path, overwrite=overwrite)
    assert only(tmp_path) == (["model.nluc"] if overwrite else [])
    if overwrite:
        assert path.read_bytes() == PLAIN


def test_a_save_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fileformat.save(PLAIN, tmp_path / "model.nluc")
    assert only(tmp_path) == []


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync = tmp_path / "model.nluc", os.fsync

    def other_process(handle: int) -> None:
        path.write_bytes(b"theirs")
        sync(handle)

    monkeypatch.setattr("os.fsync", other_process)
    with pytest.raises(FileExistsError, match=r"model\.nluc"):
        fileformat.save(PLAIN, path)
    assert path.read_bytes() == b"theirs"
    assert only(tmp_path) == ["model.nluc"]


def test_a_file_system_without_hard_links_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError(1, "Operation not permitted")))
    fileformat.save(PLAIN, tmp_path / "model.nluc")
    assert (tmp_path / "model.nluc").read_bytes() == PLAIN
    assert only(tmp_path) == ["model.nluc"]


def test_a_folder_that_is_missing_or_no_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "missing" / "model.nluc", tmp_path / "file" / "model.nluc"):
        for overwrite in (False, True):
            with pytest.raises(OSError, match=r"model\.nluc"):
                fileformat.save(PLAIN, path, overwrite=overwrite)
    assert only(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_written_to_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(file: Any, *_: Any, **__: Any) -> Any:  # the tests may run as root, whom no folder denies anything
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(PermissionError):
        fileformat.save(PLAIN, tmp_path / "model.nluc")
    assert only(tmp_path) == []


def test_a_folder_in_the_files_place_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model.nluc").mkdir()
    with pytest.raises(OSError, match=r"model\.nluc"):
        fileformat.save(PLAIN, tmp_path / "model.nluc", overwrite=True)
    assert only(tmp_path) == ["model.nluc"]


def test_a_name_as_long_as_the_system_allows_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / ("m" * 250 + ".nluc")
    fileformat.save(PLAIN, path)
    assert path.read_bytes() == PLAIN


def test_of_two_that_save_at_once_one_wins_whole(tmp_path: Path) -> None:
    path, failed = tmp_path / "model.nluc", []

    def write(data: bytes) -> None:
        try:
            fileformat.save(data, path)
        except FileExistsError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(data,)) for data in (PLAIN, DENSE) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 7
    assert path.read_bytes() in (PLAIN, DENSE)
    assert only(tmp_path) == ["model.nluc"]


# -- the writer's own limits ----------------------------------------------------------------------------------------------


def test_a_header_that_no_reader_takes_is_refused_by_the_writer() -> None:
    with pytest.raises(ValueError, match="1048576"):
        make("plain", namespaces=(Namespace("w", stop_words=tuple(f"w{i:07}" for i in range(200_000))), Namespace("x")))


@pytest.mark.parametrize("offset", range(0, 200, 7))
def test_the_writers_table_of_offsets_settles_for_any_length_of_header(offset: int) -> None:
    data = fileformat.encode({"x": "y" * offset * 331}, {"one": np.zeros(70, np.uint8), "two": np.zeros(1, np.uint8)})
    container = fileformat.decode(data, "full")
    assert container.header == {"x": "y" * offset * 331}
    assert [len(array) for array in container.sections.values()] == [70, 1]
