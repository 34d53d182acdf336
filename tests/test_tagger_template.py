"""A token template in a tagging model: plain tokens give what its features give, in numpy, C and python-crfsuite."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from random import Random
from typing import Any

import msgpack
import numpy as np
import pycrfsuite
import pytest
import sklearn_crfsuite
import usaddress
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_format import TAGGING, open_parts, seal, with_fields
from test_tagger import in_numpy, model, tool
from test_tagging_command import run
from test_template import NER, TUTORIAL, street_template

import nlucompress
from nlucompress import FormatError, ModelImportError, Tagger, _native, crf, reference
from nlucompress.data import read_tagged
from nlucompress.errors import TemplateError
from nlucompress.export import clone
from nlucompress.linear import LinearModel, Namespace
from nlucompress.template import Template
from nlucompress.verify_tags import compare_tags

FIXTURES = Path(__file__).parent / "fixtures" / "crfsuite"
MODEL = FIXTURES / "small.crfsuite"
WORDS = {"features": [{"name": "w", "value": "lower"}, {"name": "bias"}]}  # of the fixture's attributes
# Names that stand twice, at once and apart; of value 0; that end in a zero byte; longer ones; numbers.
TWICE = {
    "false": "zero",
    "features": [
        {"name": "w", "value": [], "weight": 0.1},
        {"name": "w", "value": "lower", "weight": 0.7},
        {"name": "cap", "flag": "istitle"},
        {"text": ["w:", {}], "weight": -0.3},
        {"name": "len", "number": []},
        {"text": [{"at": -1, "outside": "bias\0s"}], "weight": 1e-9},
        {"text": [{"at": 1, "do": ["lower"], "outside": "bias"}, "\0", {}]},
        {"text": [{"at": 1, "do": ["lower"], "outside": "bias"}, "\0", {}], "weight": -1},
        {"text": ["bias"], "weight": 3.3},
        {"name": "cap", "flag": "isupper", "weight": 1e3},
        {"name": "w", "value": [["map", r"[^\w]", "--"]]},
    ],
}
COLUMNS = {
    "columns": 2,
    "features": [{"name": "w", "value": []}, {"name": "pos", "column": 1, "value": [], "at": [0, -1]}],
}
TEMPLATES = {"words": WORDS, "twice": TWICE, "ner": NER, "street": street_template(), "columns": COLUMNS,
             "tutorial": TUTORIAL, "none": {"features": []}}  # fmt: skip

# Any Unicode, lone surrogates, zero bytes, and what the templates look at.
texts = st.text(st.characters(), max_size=6) | st.sampled_from(
    ["", "a", "A", "Ab", "w", "bias", "\0", "a\0b", "A\0", "N.", "12", "\ud800", "ΑΣ", "İ", "x-y", "(1)"]
)
drawn_tokens = st.lists(texts, max_size=6)


def rows(template: Template, tokens: list[str]) -> list[Any]:
    """The tokens, or tokens of columns made of them."""
    if template.columns == 1:
        return tokens
    return [tuple(tokens[(i + k) % len(tokens)] for k in range(template.columns)) for i in range(len(tokens))]


def alike(tagger: Tagger, template: Template, tokens: list[Any]) -> None:
    """State scores of the runtime, of the reference and of features given: to the last bit."""
    features = template.features(tokens)
    wanted = in_numpy(tagger).states(features)
    plain = crf.Chain(reference.FileTable(tagger._file), tagger.transitions, tagger.template)
    for found in (tagger._chain.token_states(tokens), plain.token_states(tokens), tagger._chain.states(list(features))):
        np.testing.assert_array_equal(found, wanted)
    tags = tagger.tag(tokens)
    assert tags == tagger.predict([tokens])[0] == tagger.tag(features, features=True)
    assert tagger.predict_marginals([tokens]) == tagger.predict_marginals([features], features=True)
    assert tagger.predict_single(tuple(tokens)) == tagger.predict_single(features, True) == tags
    tagger.set(tokens)
    assert tagger.tag() == tags


# -- the same sums ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@settings(max_examples=25)
@given(st.lists(drawn_tokens, min_size=1, max_size=3), st.randoms(use_true_random=False), st.sampled_from([1, 3, 20]))
@example([["a\0b", "a\0c", "\0"], [""], []], Random(1), 3)
@example([["Ab"] * 300, ["\ud800"]], Random(2), 3)
def test_plain_tokens_are_scored_as_the_features_that_the_template_makes(
    name: str, sequences: list[list[str]], random: Any, classes: int
) -> None:
    template = Template.parse(TEMPLATES[name])
    asked = [rows(template, tokens) for tokens in sequences]
    names = {name.partition("\0")[0] for tokens in asked for item in template.features(tokens) for name in item}
    kept = [name for name in sorted(names) if random.random() < 0.8]
    source = model([*kept, "never seen"], classes, random.randrange(1 << 30))
    tagger = nlucompress.compress(source, template=template, check_bits=32).tagger()
    assert tagger.template == template
    for tokens in asked:
        alike(tagger, template, tokens)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@settings(max_examples=12)
@given(
    st.lists(drawn_tokens, min_size=1, max_size=3),
    st.lists(drawn_tokens, max_size=3),
    st.randoms(use_true_random=False),
)
def test_tags_are_python_crfsuites_on_the_clone_given_the_templates_features(
    tmp_path_factory: Any, name: str, training: Any, asked: Any, random: Any
) -> None:
    template = Template.parse(TEMPLATES[name])
    path = tmp_path_factory.mktemp("crf") / "x.crfsuite"
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"max_iterations": 4, "feature.possible_states": True, "c2": 0.01})
    readable = [tokens for tokens in [*training, ["a", "Ab"], *asked] if encodes(tokens)]
    for tokens in readable:
        trainer.append(template.features(rows(template, tokens)), [f"T{random.randrange(3)}" for _ in tokens])
    trainer.train(str(path))
    compressed = nlucompress.compress(path, template=template, check_bits=32)
    tagger = compressed.tagger()
    cloned = clone(path.read_bytes(), tagger)  # which the tool does not copy
    other = tool(cloned)
    for tokens in readable:
        plain = rows(template, tokens)
        wanted = other.tag(template.features(plain))
        assert tagger.tag(plain) == wanted
        assert tagger.probability(wanted) == pytest.approx(other.probability(wanted), rel=1e-9, abs=1e-12)


def encodes(tokens: list[str]) -> bool:
    """Whether python-crfsuite can read them: it has no lone surrogates."""
    return not any("\ud800" <= c <= "\udfff" for token in tokens for c in token)


def test_sklearn_crfsuites_tutorial_from_words_with_their_parts_of_speech(tmp_path: Path) -> None:
    template = Template.parse(TUTORIAL)
    sentences = [
        [("Melbourne", "NP"), ("(", "Fpa"), ("Australia", "NP"), (")", "Fpt"), (",", "Fc"), ("25", "Z"), ("may", "NC")],
        [("El", "DA"), ("Abogado", "NC"), ("General", "AQ"), ("de", "SP"), ("EFE", "NP")], [("EFE", "NP")],
        [("La", "DA"), ("Coruña", "NC"), (",", "Fc"), ("23", "Z"), ("may", "NC"), ("(", "Fpa"), ("EFECOM", "NP")],
    ]  # fmt: skip
    tags = [["B-LOC", "O", "B-LOC", "O", "O", "O", "O"], ["O", "B-PER", "I-PER", "O", "B-ORG"], ["B-ORG"],
            ["B-LOC", "I-LOC", "O", "O", "O", "O", "B-ORG"]]  # fmt: skip
    crfs = sklearn_crfsuite.CRF(c1=0.1, c2=0.1, max_iterations=30, model_filename=str(tmp_path / "t.crfsuite"))
    crfs.fit([template.features(one) for one in sentences], tags)
    tagger = nlucompress.compress(tmp_path / "t.crfsuite", template=TUTORIAL, check_bits=32).tagger()
    wanted = [crfs.predict_single(template.features(one)) for one in sentences]
    assert tagger.predict(sentences) == wanted
    assert any(tag != "O" for one in wanted for tag in one)
    assert tagger.predict([list(map(list, one)) for one in sentences]) == tagger.predict(sentences)


def test_usaddress_parses_alike_from_plain_tokens() -> None:
    template = street_template(tuple(sorted(usaddress.DIRECTIONS)), tuple(sorted(usaddress.STREET_NAMES)))
    tagger = nlucompress.compress(usaddress.MODEL_PATH, template=template, check_bits=32).tagger()
    for address in (
        "123 Main St. Suite 100 Chicago, IL", "PO Box 1052, Albany NY 12207", "State and Lake, Chicago",
        "744 Evergreen Terrace", "4242 1/2 County Road 17 East, Elkhart IN 46514",
        "12-14 N. Ashland Blvd. Apt #4B, Oak Park, Illinois 60302", "corner of 5th Avenue and 42nd Street New York NY",
    ):  # fmt: skip
        tokens = usaddress.tokenize(address)
        assert list(zip(tokens, tagger.tag(tokens), strict=True)) == usaddress.parse(address)


def test_long_sequences_tokens_and_threads() -> None:
    """More features than are looked up at once, names longer than the first scratch memory, and no GIL."""
    names = [f"w:{i}" for i in range(50)] + ["bias", "len", "cap"]
    tagger = nlucompress.compress(model(names, 9, 1), template=TWICE).tagger()
    template = Template.parse(TWICE)
    for tokens in ([str(i % 60) for i in range(3000)], ["ΑΣ" * 50_000, "-" * 100_000, "1"], [""] * 2000):
        alike(tagger, template, tokens)
    tokens = [str(i % 60) for i in range(500)]
    wanted, wrong = tagger.predict_single(tokens), []

    def ask() -> None:
        for _ in range(20):
            if tagger.predict_single(tokens) != wanted:
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_widest_template() -> None:
    """1024 features a token: as many as are gathered at once, and more."""
    wide = {"features": [{"text": [f"f{i}|", {}]} for i in range(1024)], "columns": 16}
    template = Template.parse(wide)
    tagger = nlucompress.compress(model([f"f{i}|a" for i in range(0, 1024, 3)], 2, 1), template=wide).tagger()
    alike(tagger, template, [("a",) * 16, ("b",) * 16, ("a",) * 16])


# -- what a tagger with a template takes --------------------------------------------------------------------------------


def test_features_and_item_sequences_are_taken_too() -> None:
    tagger = nlucompress.compress(MODEL, template=WORDS, check_bits=32).tagger()
    plain = nlucompress.compress(MODEL, check_bits=32).tagger()
    assert (tagger.template, plain.template) == (Template.parse(WORDS), None)
    items = [["w:to", "bias"], {"w": "paris", "bias": True}]
    assert tagger.tag(["to", "Paris"]) == plain.tag(items) == plain.tag(items, features=True) == ["O", "B-städt"]
    assert tagger.tag(items, features=True) == plain.tag(items)
    assert tagger.predict([items], features=True) == plain.predict([items])
    assert tagger.predict_marginals([items], True) == plain.predict_marginals([items])
    assert tagger.tag(iter(["to", "Paris"])) == ["O", "B-städt"]
    assert tagger.tag([]) == tagger.predict_single([]) == []
    found = pickle.loads(pickle.dumps(tagger))
    assert found.tag(["to", "Paris"]) == ["O", "B-städt"]
    sequence = pycrfsuite.ItemSequence(items)
    assert tagger.tag(sequence) == tagger.tag(items, features=True)


@pytest.mark.parametrize(
    ("template", "tokens", "message"),
    [
        (WORDS, "to Paris", "expected a sequence of tokens, got one str: 'to Paris'"),
        (WORDS, b"to", "got one bytes"),
        (WORDS, ["to", 5], "token 1: expected a str, got int: 5"),
        (WORDS, [["w:to"]], r"token 0: expected a str, got list: \['w:to'\] .*features=True"),
        (WORDS, [{"w": "to"}], "token 0: expected a str, got dict"),
        (COLUMNS, ["to"], "token 0: expected a sequence of 2 str, got str"),
        (COLUMNS, [("to", None)], "token 0, column 1: expected a str, got NoneType"),
        (COLUMNS, [("to",)], "token 0 has 1 columns, the template takes 2"),
        (WORDS, 5, "int"),
    ],
)
def test_what_is_no_sequence_of_tokens_is_refused(template: Any, tokens: Any, message: str) -> None:
    tagger = nlucompress.compress(MODEL, template=template).tagger()
    for ask in (tagger.set, tagger.tag, tagger.predict_single, tagger.predict_marginals_single):
        with pytest.raises((TypeError, ValueError), match=message):
            ask(tokens)


def test_sums_that_are_not_finite_are_refused() -> None:
    template = {"features": [{"name": "w", "value": [], "weight": 1e300}]}
    tagger = nlucompress.compress(model(["w:a"], 2, 1, 1.0, 1e30), template=template).tagger()
    assert len(tagger.tag(["b", "b"])) == 2
    with pytest.raises(ValueError, match="item 1: its values are too large"):
        tagger.tag(["b", "a"])


def test_the_extension_checks_its_arguments() -> None:
    data = nlucompress.compress(MODEL, template=COLUMNS).data
    core, out = _native.Model(data), np.empty((1, 3))
    with pytest.raises(ValueError, match="3 strings are no rows of 2 columns"):
        core.token_states(["a", "b", "c"], out)
    with pytest.raises(ValueError, match="out: 24 bytes, expected 6 numbers"):
        core.token_states(["a", "b", "c", "d"], out)
    with pytest.raises(TypeError):
        core.token_states(5, out)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tokens and out"):
        core.token_states([])  # type: ignore[call-arg]
    assert core.token_states(["a", 5], out) is False
    assert core.token_states(("a", "b"), out) is True
    with pytest.raises(TypeError, match="no template"):
        _native.Model(TAGGING).token_states(["a"], out)


# -- in a model and in a file -------------------------------------------------------------------------------------------


def test_a_template_is_part_of_the_fingerprint_and_of_tagging_models_only() -> None:
    source = nlucompress.import_model(MODEL)
    before, compressed = source.fingerprint(), nlucompress.compress(source, template=WORDS)
    assert nlucompress.compress(source).info()["fingerprint"] == before
    assert compressed.info()["fingerprint"] == compressed.source.fingerprint() != before
    assert compressed.dequantized().template == Template.parse(WORDS)
    info = compressed.info()["template"]
    assert info == {"features": 2, "columns": 1, "bytes": len(msgpack.packb(Template.parse(WORDS).data()))}
    assert "template" not in nlucompress.compress(source).info()
    other = LinearModel(
        (Namespace("a"),), (["x"],), np.ones((1, 1)), np.zeros(1), np.array([False, True]), task="binary"
    )
    with pytest.raises(ModelImportError, match="binary task: a token template goes with tagging models only"):
        nlucompress.compress(other, template=WORDS)


def test_a_template_is_given_by_itself_by_its_description_or_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(WORDS), "utf-8")
    every = [nlucompress.compress(MODEL, template=one).data for one in (WORDS, Template.parse(WORDS), path, str(path))]
    assert len(set(every)) == 1
    path.write_text("{}", "utf-8")
    with pytest.raises(TemplateError, match=r"t\.json: template: no features"):
        nlucompress.compress(MODEL, template=path)


def test_the_header_has_room_for_the_largest_template() -> None:
    large = {"features": [{"text": [{"do": [["slice", 0, 1]] * 8}] * 7}] * 138}  # 9,936 objects and arrays
    assert nlucompress.compress(MODEL, template=large).tagger().tag(["a"]) == ["O"]
    with pytest.raises(TemplateError, match="the limit is 10000"):
        nlucompress.compress(MODEL, template={"features": large["features"] * 2})


def stored(template: Any) -> bytes:
    """A tagging file with this as its template."""
    needs = {**msgpack.unpackb(header(TAGGING))["requires"], "template": "0.1.0"}
    return with_fields(TAGGING, template=template, requires=needs)


def header(data: bytes) -> bytes:
    return data[64 : 64 + int.from_bytes(data[12:16], "little")]


DAMAGED = [
    (5, "T1"), ([], "T1"), ({}, "T1"), (None, "T1"), ({"features": {}}, "T1"), ({"features": [], "columns": 0}, "T1"),
    ({"features": [], "columns": 17}, "T1"), ({"features": [], "false": "zero"}, "T1"),
    ({"features": [{"text": ["x"]}] * 1025}, "T1"), ({"features": [5]}, "T2"), ({"features": [{"name": "bias"}]}, "T2"),
    ({"features": [{"text": ["x"], "weight": float("nan")}]}, "T2"), ({"features": [{"text": ["x" * 1025]}]}, "T2"),
    ({"features": [{"text": [{"at": 65}]}]}, "T3"), ({"features": [{"text": [{"column": 1}]}]}, "T3"),
    ({"features": [{"text": [{"do": ["isupper"]}]}]}, "T3"), ({"features": [{"text": [{"do": ["upper"]}]}]}, "T4"),
    ({"features": [{"text": [{"do": ["shape"]}]}]}, "T4"), ({"features": [{"text": [{"do": [["slice", 0]]}]}]}, "T4"),
    ({"features": [{"text": [{"do": [["lstrip", "[z-a]"]]}]}]}, "T5"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "rule"), DAMAGED, ids=[str(one)[:50] for one, _ in DAMAGED])
def test_a_damaged_template_is_refused_by_both_readers_with_its_place(template: Any, rule: str) -> None:
    data = stored(template)
    with pytest.raises(FormatError, match=r"^header: template: .*\(T1 to T5\)$"):
        Tagger(data)
    with pytest.raises(FormatError, match=rf"\({rule}\)$"):
        _native.Model(data)


def test_any_changed_byte_of_the_template_is_refused_or_harmless() -> None:
    source = nlucompress.compress(model(["w:a", "bias", "len"], 3, 2), template=TWICE).data
    start = source.index(b"template", source.index(b"rows")) + 8
    stop = source.index(b"facts")
    assert stop - start > 200
    for at in range(start, stop):
        for flip in (0x01, 0x10, 0x80, 0xFF):
            damaged = bytearray(source)
            damaged[at] ^= flip
            sealed = seal(damaged, lengths=False)
            try:
                tagger = Tagger(sealed)
            except FormatError:
                with pytest.raises(FormatError):
                    _native.Model(sealed)
                continue
            assert tagger.template is not None
            tokens = rows(tagger.template, ["a", "Bc", "\0", ""])
            found = in_numpy(tagger).states(tagger.template.features(tokens))
            np.testing.assert_array_equal(tagger._chain.token_states(tokens), found)


def test_a_file_with_a_template_is_of_version_1_2_and_says_what_it_needs() -> None:
    data = nlucompress.compress(MODEL, template=WORDS).data
    assert data[8:12] == bytes([1, 0, 2, 0])
    head = msgpack.unpackb(header(data))
    assert head["requires"]["template"] == "0.1.0"
    assert head["template"] == Template.parse(WORDS).data()
    assert "template" not in msgpack.unpackb(header(nlucompress.compress(MODEL).data))
    assert set(open_parts(data)[1]) == set(open_parts(nlucompress.compress(MODEL).data)[1])


# -- the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A model that takes words, and data of words and tags."""
    (tmp_path / "t.json").write_text(json.dumps(WORDS), "utf-8")
    done = run("compress", MODEL, "--template", tmp_path / "t.json", "-o", tmp_path / "m.nluc", "--check-bits", 32)
    assert done.exit_code == 0, done.output
    assert "template" in done.stdout
    rows = [{"tokens": ["to", "Paris"], "tags": ["O", "B-städt"]}, {"tokens": ["New"], "tags": ["B-städt"]}]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return tmp_path / "m.nluc", tmp_path / "data.jsonl"


def test_predict_takes_words_as_a_line_an_array_or_an_object(files: tuple[Path, Path]) -> None:
    lines = 'to  Paris\n["to", "Paris"]\n {"tokens": ["to", "Paris"]}\n\nto\n'
    done = run("predict", files[0], text=lines)
    assert done.stdout.splitlines() == ["O\tB-städt"] * 3 + ["", "O"]
    assert json.loads(run("predict", files[0], "to Paris", "--json").stdout)["tags"] == ["O", "B-städt"]
    for line, words in (
        ("[laughs] to", "JSON"),
        ('[["w:to"]]', "text 1: token 0: expected a str, got list"),
        ('{"a": 1}', "tokens"),
    ):
        done = run("predict", files[0], line)
        assert (done.exit_code, words in done.stderr) == (1, True), done.stderr


def test_verify_and_compress_read_words_and_tags(files: tuple[Path, Path], tmp_path: Path) -> None:
    done = run("verify", files[0], "--against", MODEL, "--data", files[1], "--json")
    facts = json.loads(done.stdout)
    assert (facts["same_source"], facts["tokens"], facts["tag_flips"], facts["f1_after"]) == (True, 3, 0, 1.0)
    template = tmp_path / "t.json"
    done = run("compress", MODEL, "--template", template, "-o", tmp_path / "x.nluc", "--data", files[1], "--json")
    assert json.loads(done.stdout)["cost"]["tokens"] == 3
    assert "at most 2 features a token, " in run("inspect", files[0]).stdout
    source = nlucompress.import_model(MODEL)
    tagger = nlucompress.load(files[0])
    sequences, tags = read_tagged(files[1], tagger.template)
    assert compare_tags(source, tagger, sequences, tags)["same_source"]
    assert compare_tags(source, tagger, [iter(one) for one in sequences])["tokens"] == 3
    with pytest.raises(ValueError, match=r"data\.jsonl, line 1: token 0 is 'to'"):
        read_tagged(files[1])


def test_the_command_refuses_what_does_not_go_with_a_template(files: tuple[Path, Path], tmp_path: Path) -> None:
    template = tmp_path / "t.json"
    done = run(
        "compress", MODEL, "--template", template, "-o", tmp_path / "y.nluc", "--max-loss", 1, "--data", files[1]
    )
    assert (done.exit_code, "no search" in done.stderr) == (2, True)
    template.write_text('{"features": [{"name": "x", "value": "upper"}]}', "utf-8")
    done = run("compress", MODEL, "--template", template, "-o", tmp_path / "y.nluc")
    assert (done.exit_code, "t.json: features[0].value[0]: unknown operation 'upper'" in done.stderr) == (1, True)
    assert not (tmp_path / "y.nluc").exists()


def test_models_without_a_template_load_without_the_module(tmp_path: Path) -> None:
    nlucompress.compress(MODEL).save(tmp_path / "m.nluc")
    nlucompress.compress(MODEL, template=WORDS).save(tmp_path / "t.nluc")
    for name, wanted in (("m", "False"), ("t", "True")):
        code = (f"import sys, nlucompress; nlucompress.load({str(tmp_path / (name + '.nluc'))!r})\n"
                "print('nlucompress.template' in sys.modules)")  # fmt: skip
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == wanted


def test_the_example_prints_what_it_says() -> None:
    path = Path(__file__).parents[1] / "examples" / "entities.py"
    (words_of, printed) = re.findall(r"\$ python examples/entities.py (.*)\n    (.*\n)", path.read_text("utf-8"))[0]
    environment = {**os.environ, "PYTHONPATH": str(path.parents[1])}
    done = subprocess.run(
        [sys.executable, str(path), *words_of.split()], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == printed


# -- without Python -----------------------------------------------------------------------------------------------------

DEVICE = r"""
#include "nluc.h"
#include "template.h"
#include "crf.h"
#include <stdio.h>
static uint8_t file[1 << 16];
static double room[1 << 12], scratch[1 << 15], states[64 * 8], moves[8 * 8], best[64 * 8];
int main(int count, char **words) {
    static nluc_model model;
    static nluc_template t;
    nluc_bytes tokens[64];
    uint32_t labels[64];
    size_t length, i, n = (size_t)count - 2, bytes;
    FILE *in = fopen(words[1], "rb");
    if (!in || count < 2 || n > 64) return 2;
    length = fread(file, 1, sizeof file, in);
    fclose(in);
    if (nluc_open(&model, file, length) || model.n_columns > 8) return 3;
    if (nluc_template_of(&t, &model, room, sizeof room)) return 4;
    for (i = 0; i < n; i++) {
        tokens[i].data = (const uint8_t *)words[i + 2];
        for (tokens[i].length = 0; words[i + 2][tokens[i].length];) tokens[i].length++;
    }
    if (nluc_crf_token_states(&model, &t, tokens, n, scratch, 16, states) != NLUC_E_ROOM) return 5;
    if (nluc_crf_token_states(&model, &t, tokens, n, scratch, sizeof scratch, states)) return 6;
    nluc_crf_transitions(&model, moves);
    nluc_crf_viterbi(states, moves, n, model.n_columns, best, labels);
    for (i = 0; i < n; i++) {
        const uint8_t *label = nluc_label_bytes(&model, labels[i], &bytes);
        printf("%.*s\n", (int)bytes, (const char *)label);
    }
    return 0;
}
"""


@pytest.mark.parametrize("options", [["-Os"], ["-O3"]], ids=" ".join)
@pytest.mark.parametrize("compiler", [name for name in ("gcc", "clang") if shutil.which(name)])
def test_a_strict_c99_program_tags_words_with_the_headers_alone(
    compiler: str, options: list[str], tmp_path: Path
) -> None:
    headers = Path(nlucompress.__file__).parent / "native"
    (tmp_path / "device.c").write_text(DEVICE)
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
    subprocess.run([compiler, *strict, *options, f"-I{headers}", "-o", "device", "device.c"], cwd=tmp_path, check=True)
    golden = Path(__file__).parent / "golden" / "model-v1.2-tagging-template.nluc"
    tagger = nlucompress.load(golden)
    for words in (["Play", "it", "again"], ["STRASSE", "ΟΔΟΣ", "İstanbul", "bias9", ""], [], ["it"] * 60):
        done = subprocess.run([tmp_path / "device", golden, *words], capture_output=True, check=True)
        assert done.stdout.decode().splitlines() == tagger.tag(words)
