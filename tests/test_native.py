"""The native backend against the reference: slots, check bits and codes exactly, scores to 1e-12 of the largest.

Both read the same bytes. Tests of what a model says run on either backend elsewhere; here the two are held side by side.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import json
import pickle
import shutil
import struct
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mmh3
import numpy as np
import pytest
import strategies
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_format import EACH, FEATURES, FILES, PLAIN, TEXTS, assemble, open_parts, seal

import nlucompress
from nlucompress import Model, _native, demo, index, reference
from nlucompress.backend import VARIABLE
from nlucompress.errors import BuildError, FormatError
from nlucompress.linear import LinearModel, Namespace, SparseRows, Step
from nlucompress.native import NativeScorer
from nlucompress.rows import CODERS
from nlucompress.runtime import opened_as

NATIVE = Path(nlucompress.__file__).parent / "native"
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are of the native backend, whatever the run is of."""
    monkeypatch.setenv(VARIABLE, "native")


def pair(data: bytes) -> tuple[NativeScorer, reference.Scorer]:
    """The native scorer of a file and the reference's."""
    model = Model(data)
    scorer = model._scorer
    assert isinstance(scorer, NativeScorer)
    return scorer, reference.Scorer(model._file, reference.FileTable(model._file))


def outcome(call: Callable[[Any], Any], samples: Any) -> Any:
    """What a call gives, or the error with its words."""
    try:
        with np.errstate(all="ignore"):
            return call(samples)
    except (TypeError, ValueError) as error:
        return type(error), str(error)


def agree(data: bytes, samples: list[Any]) -> None:
    """Scores to 1e-12 of the largest, or the same error; labels and probabilities follow from scores in one place.

    A score may be what is left of weights that cancel: a sum of codes is then off by what rounding a weight makes.
    """
    ours, theirs = (outcome(scorer.decision_function, samples) for scorer in pair(data))
    if isinstance(ours, tuple) or isinstance(theirs, tuple):
        assert ours == theirs
        return
    assert ours.shape == theirs.shape
    largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=1e-300)
    file = Model(data)._file
    weight = np.abs(file.codebook).max() * (1 if file.scale is None else file.scale.max())
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * largest + 1e-13 * float(weight))


# -- scores -----------------------------------------------------------------------------------------------------------

CHOSEN: list[dict[str, Any]] = [
    {}, {"check_bits": 32}, {"check_bits": 0}, {"range": "class", "buckets": 7}, {"norm": "mean", "gamma": 2.0}
]  # fmt: skip
OPTIONS = st.tuples(st.sampled_from(CHOSEN), st.sampled_from(["auto", *CODERS])).map(
    lambda pair: pair[0] | {"layout": pair[1]}
)


@settings(max_examples=150)
@given(strategies.cases(), OPTIONS)
def test_scores_are_the_references(case: strategies.Case, options: dict[str, Any]) -> None:
    try:
        data = nlucompress.compress(case.model, **options).data
    except BuildError:
        return
    agree(data, case.samples)


@EACH
@given(texts=st.lists(strategies.texts(), max_size=6))
@example(texts=TEXTS)
def test_scores_of_texts_of_a_model_with_every_section_are_the_references(data: bytes, texts: list[str]) -> None:
    agree(data, texts)
    agree(data, [text.encode("utf-8", "replace") for text in texts])


FORMS = [(columns, kind) for columns in (1, 2, 7, 16, 21, 255, 256, 257, 300) for kind in ("even", "uneven", "scaled")]


def model_of_form(columns: int, kind: str) -> LinearModel:
    """300 features; rows from empty to full; an outlier, so that the codebook is uneven, or none."""
    rng = np.random.default_rng(columns)
    names = [f"w{i}" for i in range(300)]
    weights = rng.uniform(-1, 1, (300, columns)) * (rng.random((300, columns)) < rng.random((300, 1)) * 1.2)
    weights[100:150] = weights[:50]
    weights[200:210], weights[210:230, 1:] = 0, 0
    if kind == "uneven":
        weights[7] = np.where(np.arange(columns) < 2, [50.0], weights[7])
    if kind == "scaled":
        weights *= rng.choice([0.01, 1, 30], columns)
    task = "binary" if columns == 1 else "multilabel"
    return LinearModel((Namespace("w"),), (names,), weights, rng.standard_normal(columns), np.arange(max(columns, 2)), task,
                       idf=1 + rng.integers(0, 40, 300) / 8, steps=(Step("norm", (0,), "l2"),))  # fmt: skip


@pytest.mark.parametrize("coder", list(CODERS))
@pytest.mark.parametrize(("columns", "kind"), FORMS)
def test_scores_of_rows_of_every_form_are_the_references(columns: int, kind: str, coder: Any) -> None:
    """One n-gram; fewer and more rows of all codes than are added up together; short rows between them."""
    data = nlucompress.compress(
        model_of_form(columns, kind), range="class" if kind == "scaled" else "model", layout=coder, check_bits=32
    ).data
    codebook = np.frombuffer(open_parts(data)[1]["codebook"], "<f4").astype(np.float64)
    assert (len(set(np.diff(codebook))) > 1) == (kind == "uneven")
    if coder == "pool" and columns > 2:
        units = {group[1] for group in struct.iter_unpack("<IIQ", open_parts(data)[1]["row_groups"])}
        assert {0, 1, -(-columns // (2 if columns <= 256 else 3))} <= units
    rng = np.random.default_rng(3)
    texts = [f"w{i}" for i in range(20)] + [
        " ".join(f"w{i}" for i in rng.permutation(320)[:n]) for n in (2, 90, 200, 320)
    ]
    agree(data, texts[:20])
    agree(data, texts)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("model-v1.[01]-*.nluc")), ids=lambda path: path.stem)
def test_scores_of_golden_files_are_the_references(path: Path) -> None:
    samples = json.loads((GOLDEN / "expected.json").read_text("ascii"))[path.name]["samples"]
    agree(path.read_bytes(), samples)
    agree(path.read_bytes(), [*samples, None])
    agree(path.read_bytes(), [3, *samples])
    agree(path.read_bytes(), [{}, "a", ["a"], {"a": 1.0}])


def long_model(analyzer: str) -> bytes:
    rng = np.random.default_rng(3)
    names = [f"w{i}" for i in range(3000)] + ["w1 w2", " w1", "w1 ", "w 2"]
    space = Namespace("t", analyzer=analyzer, ngram_range=(1, 3), token_pattern=r"(?u)\b\w+\b")
    model = LinearModel((space,), (names,), rng.standard_normal((len(names), 5)), np.zeros(5), np.arange(5))
    return nlucompress.compress(model).data


@pytest.mark.parametrize("analyzer", strategies.TEXT_ANALYZERS)
def test_long_texts_get_the_room_that_they_need(analyzer: str) -> None:
    """The first guess at scratch memory is for thousands of n-grams; here are a hundred thousand, beside short texts."""
    rng = np.random.default_rng(4)
    long = " ".join(f"w{i}" for i in rng.integers(0, 30_000, 20_000))
    grown = "ﷺ" * 3000 + "İ" * 3000
    agree(long_model(analyzer), ["w1 w2", long, "w3", grown, "", "w" * 50_000])


def test_texts_of_other_types_and_places_are_read_as_by_the_reference() -> None:
    for samples in (np.array(["play", "word1"]), ("play", "word1"), iter(["play"]), [np.str_("play")], [], iter([])):
        ours, theirs = pair(PLAIN)
        held = list(samples)
        np.testing.assert_allclose(ours.decision_function(iter(held)), theirs.decision_function(held), rtol=1e-12)
        np.testing.assert_allclose(ours.decision_function(held), theirs.decision_function(held), rtol=1e-12)


@pytest.mark.parametrize("sample", [None, 3, ["a"], {"a": 1}, b"\xff", object])
@pytest.mark.parametrize("place", [0, 1, 600])
def test_a_sample_that_is_no_text_is_named_as_by_the_reference(sample: Any, place: int) -> None:
    ours, theirs = (outcome(scorer.predict, ["play"] * place + [sample, "play"]) for scorer in pair(PLAIN))
    assert isinstance(ours, tuple)
    assert ours == theirs


VALUES = [float("nan"), float("inf"), -float("inf"), None, 0, -1.0, 5e-324, 1e-310, 1.7e308, "a", ["a", "b"], True]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("tf", ["count", "binary", "log"])
@pytest.mark.parametrize("unseen", [0.0, 1.0])
def test_values_of_dictionaries_that_are_no_numbers_are_refused_as_by_the_reference(
    value: Any, tf: str, unseen: float
) -> None:
    space = Namespace("d", analyzer="dict", tf=tf, unseen=unseen)
    for idf in (np.array([1.5, 0.0]), None):
        model = LinearModel((space,), (["x", "y"],), np.array([[1.0, 2.0], [3.0, 0.5]]), np.zeros(2),
                            np.array([0, 1]), idf=idf)  # fmt: skip
        data = nlucompress.compress(model, check_bits=32).data
        for name in "xyz":
            agree(data, [{"x": 1.0}, {name: value, "x1": 0.5}])


def test_features_that_can_be_read_only_once_are_read_once() -> None:
    space = Namespace("f", analyzer="features")
    model = LinearModel((space,), (["x", "y"],), np.eye(2), np.zeros(2), np.array([0, 1]))
    data = nlucompress.compress(model, check_bits=32).data

    def generated() -> Iterator[str]:
        yield from "xyy"

    for scorer in pair(data):
        assert scorer.decision_function([generated()]).tolist() == [[1.0, 2.0]]


def test_scores_of_the_demos_sentences_are_the_references() -> None:
    train, test = demo.split(demo.sentences(per_template=8, per_intent=100))
    pipeline = demo.pipeline().fit([row["text"] for row in train], [row["label"] for row in train])
    texts = [row["text"] for row in test]
    for options in ({}, {"check_bits": 32, "buckets": 32, "range": "class"}):
        data = nlucompress.compress(pipeline, **options).data
        agree(data, texts)
        ours, theirs = pair(data)
        assert ours.predict(texts).tolist() == theirs.predict(texts).tolist()


# -- look-ups ---------------------------------------------------------------------------------------------------------


def same_rows(data: bytes) -> None:
    """Each slot's columns and codes are the reference's, those of zeros in rows of all codes too."""
    file, core = opened_as(data)._file, _native.Model(data)
    slots = np.arange(file.n)
    lengths, columns, codes = file.reader().rows(slots, file.records(slots)[1])
    rows = [core.row(slot) for slot in range(file.n)]
    wanted = list(zip(columns.tolist(), codes.tolist(), strict=True))
    ends = np.cumsum(lengths).tolist()
    theirs = [wanted[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    if file.coder == "coded":  # rows come in an order of their own, and packed ones with their zeros
        zero = int(np.flatnonzero(file.codebook == 0)[0])
        rows, theirs = ([sorted(entry for entry in row if entry[1] != zero) for row in each] for each in (rows, theirs))
    assert rows == theirs
    with pytest.raises(IndexError):
        core.row(file.n)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.nluc")), ids=lambda path: path.stem)
def test_rows_of_golden_files_have_the_references_columns_and_codes(path: Path) -> None:
    same_rows(path.read_bytes())


@pytest.mark.parametrize("coder", list(CODERS))
@given(rows=strategies.codes(), numbers=st.integers(0, 1 << 32))
def test_rows_of_any_codes_have_the_references_columns_and_codes(coder: Any, rows: SparseRows, numbers: int) -> None:
    n, columns = rows.shape
    weights = rows.dense(0, n) / 255
    names = [f"f{i}" for i in range(n)]
    idf = 1 + np.random.default_rng(numbers).integers(0, 1 + numbers % 700, n) / 8
    model = LinearModel(
        (Namespace("w"),), (names,), weights, np.zeros(columns), np.arange(columns), "multilabel", idf=idf
    )
    same_rows(nlucompress.compress(model, layout=coder).data)


@pytest.mark.parametrize("check_bits", [0, 1, 8, 31, 32])
@pytest.mark.parametrize("count", [1, 31, 32, 33, 5000])
def test_slots_are_the_references(check_bits: int, count: int) -> None:
    names = [f"feature {i}" for i in range(count)]
    space = Namespace("f", analyzer="features")
    model = LinearModel((space,), (names,), np.ones((count, 1)), np.zeros(1), np.array([0, 1]), "binary")
    ours, theirs = pair(nlucompress.compress(model, check_bits=check_bits).data)
    asked = [*names, *(f"other {i}" for i in range(3 * count)), "", "\ud800", "é" * 500]
    assert ours.table.find(0, asked).tolist() == theirs.table.find(0, asked).tolist()
    assert sorted(ours.table.find(0, tuple(names)).tolist()) == list(range(count))
    assert ours.table.find(0, []).tolist() == []


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_slot_is_what_lookup_many_says_of_one_feature(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, backend)
    model = Model(PLAIN)
    for space, names in enumerate(FEATURES):
        asked = [*names, "none of these", "", "\ud800", "né"]
        slots, found = model.lookup_many(asked, space)
        assert found[: len(names)].all()
        assert not found.all()
        assert [model.slot(name, space) for name in asked] == [
            slot if hit else None for slot, hit in zip(slots.tolist(), found.tolist(), strict=True)
        ]
    for bad in (-1, len(FEATURES), 2**70):
        with pytest.raises(IndexError, match=f"namespace {bad} is not in 0..{len(FEATURES) - 1}"):
            model.slot("play", bad)
    for wrong in (b"play", None, ["play"]):
        with pytest.raises(TypeError, match="expected a feature, a str, got <class "):
            model.slot(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        model.slot("play", "0")  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_lookup_many_gives_slots_and_what_was_found(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, backend)
    model = Model(PLAIN)
    slots, found = model.lookup_many([*FEATURES[0], "none of these"])
    assert slots.dtype == np.int64
    assert found.tolist() == [True] * len(FEATURES[0]) + [False]
    assert len(set(slots.tolist())) == len(FEATURES[0]) + 1
    assert slots[-1] == -1
    assert [model.lookup(name) is not None for name in FEATURES[0]] == [True] * len(FEATURES[0])
    assert model.lookup_many(FEATURES[1], namespace=1)[1].all()
    for bad in (2, -1):
        with pytest.raises(IndexError, match=r"not in 0\.\.1"):
            model.lookup_many(["play"], namespace=bad)
    with pytest.raises(TypeError, match="list of features"):
        model.lookup_many("play")
    for place in (0, 40, 5000):
        with pytest.raises(TypeError, match=f"name {place} is not a str"):
            model.lookup_many(["play"] * place + [b"play"])  # type: ignore[list-item]


# -- hashes -----------------------------------------------------------------------------------------------------------


@given(st.lists(strategies.texts(), max_size=70), st.integers(0, (1 << 32) - 1))
def test_hashes_are_mmh3s(names: list[str], seed: int) -> None:
    wanted = [mmh3.mmh3_x64_128_digest(name.encode("utf-8", "surrogatepass"), seed) for name in names]
    assert _native.hash_names(names, seed) == b"".join(wanted)


def test_hashes_of_every_length_are_mmh3s() -> None:
    names = ["xyzé"[i % 4] * i for i in range(101)] + ["a" * i for i in range(101)]
    for seed in (0, 1, 0x9E3779B1, 0xFFFFFFFF):
        wanted = b"".join(mmh3.mmh3_x64_128_digest(name.encode(), seed) for name in names)
        assert _native.hash_names(names, seed) == wanted
        assert index.hash_names(tuple(names), seed).astype("<u8").tobytes() == wanted


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_name_that_is_no_string_is_named(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, backend)
    with pytest.raises(TypeError, match="name 40 is not a str"):
        index.hash_names(["a"] * 40 + [b"a"], 0)  # type: ignore[list-item]


# -- files ------------------------------------------------------------------------------------------------------------


def use(core: _native.Model, n: int, columns: int) -> None:
    """Everything that reads the file: it must stay inside, whatever it says."""
    scores = np.empty((len(TEXTS), columns))
    assert core.score_texts(TEXTS, scores) <= len(TEXTS)
    for slot in range(n):
        core.row(slot)
    with contextlib.suppress(FormatError):
        core.verify()


@EACH
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_any_changed_byte_with_valid_checksums_is_refused_or_harmless(data: bytes, flip: int) -> None:
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= flip
        sealed = seal(changed, lengths=False) if at >= 64 else bytes(changed)
        try:
            core = _native.Model(sealed)
        except FormatError:
            continue
        try:
            model = Model(sealed)
        except FormatError as error:  # a token pattern, or labels that are not distinct: Python's to say
            assert "token_pattern" in str(error) or "(M4)" in str(error) or "codec" in str(error), error  # noqa: PT017
            continue
        use(core, model._file.n, model._file.n_columns)


@pytest.mark.parametrize("base", list(FILES.values()), ids=list(FILES))
@given(data=st.data())
def test_any_bytes_of_a_section_are_harmless(base: bytes, data: Any) -> None:
    header, sections = open_parts(base)
    name = data.draw(
        st.sampled_from([name for name in sections if name.startswith("row") or name in ("index", "slots")])
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    content = np.frombuffer(sections[name], np.uint8).copy()
    where = rng.random(len(content)) < data.draw(st.sampled_from([0.01, 0.3, 1.0]))
    content[where] = rng.choice([rng.integers(0, 256), 0xFF, 0], int(where.sum()))
    sections[name] = content.tobytes()
    try:
        core = _native.Model(assemble(header, sections))
    except FormatError as error:  # groups of pooled rows are checked at open
        assert name == "row_groups", error  # noqa: PT017
    else:
        use(core, header["index"]["n"], header["classes"]["count"])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    for content in (data, PLAIN[:64] + data, PLAIN[: len(data)]):
        with pytest.raises(FormatError):
            _native.Model(content)


def test_a_buffer_that_can_be_written_to_is_refused_or_copied() -> None:
    with pytest.raises(ValueError, match="written"):
        _native.Model(bytearray(PLAIN))  # type: ignore[arg-type]
    changing = bytearray(PLAIN)
    model = Model(changing)  # type: ignore[arg-type]
    before = model.decision_function(TEXTS)
    changing[:] = bytes(len(changing))
    np.testing.assert_array_equal(model.decision_function(TEXTS), before)


def test_an_output_of_another_size_is_refused() -> None:
    core = _native.Model(PLAIN)
    for wrong in (np.empty(7), np.empty((2, 8)), np.empty((8, 2)).T[:1]):
        with pytest.raises((ValueError, BufferError)):
            core.score_texts(["play"], wrong)
    readonly = np.empty(8)
    readonly.flags.writeable = False
    with pytest.raises((ValueError, BufferError)):
        core.score_texts(["play"], readonly)
    with pytest.raises(ValueError, match="8 bytes"):
        core.find(["play"], 0, np.empty(2, np.int64), np.empty(1, np.bool_))


# -- a model as a Python object ---------------------------------------------------------------------------------------


def test_many_threads_share_a_model() -> None:
    model = Model(PLAIN)
    texts = [f"{text} word{i % 40} play music" for i in range(300) for text in TEXTS]
    wanted, slots = model.decision_function(texts), model.lookup_many(texts * 3)[0]

    def work(number: int) -> bool:
        one = all(np.array_equal(model.decision_function([texts[i]])[0], wanted[i]) for i in range(number, 300, 8))
        many = np.array_equal(model.decision_function(texts), wanted)
        return one and many and np.array_equal(model.lookup_many(texts * 3)[0], slots)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, list(range(8)) * 4))


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_model_can_be_pickled_and_copied(backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, backend)
    path = tmp_path / "model.nluc"
    path.write_bytes(PLAIN)
    for model in (Model(PLAIN), nlucompress.load(path)):
        dumped = pickle.dumps(model)
        for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(dumped)):
            np.testing.assert_array_equal(other.decision_function(TEXTS), model.decision_function(TEXTS))
            assert other.info() == model.info()
    path.unlink()
    assert pickle.loads(dumped).predict(TEXTS).tolist() == model.predict(TEXTS).tolist()


def test_a_buffer_lives_as_long_as_its_model() -> None:
    core = _native.Model(bytes(bytearray(PLAIN)))
    rows = [core.row(slot) for slot in range(40)]
    _ = [bytes(len(PLAIN)) for _ in range(100)]
    assert [core.row(slot) for slot in range(40)] == rows


# -- the choice of a backend ------------------------------------------------------------------------------------------


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_the_backend_is_native_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert nlucompress.backend() == "native"
    monkeypatch.delenv(VARIABLE)
    assert nlucompress.backend() == "native"
    monkeypatch.setenv(VARIABLE, "reference")
    assert nlucompress.backend() == "reference"
    assert type(Model(PLAIN)._scorer) is reference.Scorer
    monkeypatch.setenv(VARIABLE, "numpy")
    with pytest.raises(ValueError, match="'numpy' is not 'native' or 'reference'"):
        nlucompress.backend()


def test_a_missing_extension_is_an_error_that_says_how_to_choose_the_reference() -> None:
    code = "import sys; sys.modules['nlucompress._native'] = None\nimport nlucompress; print(nlucompress.backend())"
    missing = python(code, **{VARIABLE: "native"})
    assert missing.returncode == 1
    assert "ImportError" in missing.stderr
    assert f"{VARIABLE}=reference" in missing.stderr
    assert python(code, **{VARIABLE: "reference"}).stdout == "reference\n"


def test_the_extension_has_the_tables_of_this_python() -> None:
    assert unicodedata.unidata_version == _native.UNICODE
    code = ("import unicodedata, nlucompress._native as n; unicodedata.unidata_version = '1.0'\n"
            "import nlucompress; print(nlucompress.backend())")  # fmt: skip
    other = python(code, **{VARIABLE: "native"})
    assert other.returncode == 1
    assert "Unicode" in other.stderr


def test_importing_does_not_load_the_importers_or_the_command() -> None:
    code = "import nlucompress, sys; print([m for m in sys.modules if 'importers.' in m or m in ('click', 'sklearn')])"
    assert python(code).stdout == "[]\n"


# -- header and stubs -------------------------------------------------------------------------------------------------


def test_the_stubs_are_those_of_the_module(tmp_path: Path) -> None:
    """From the folder of a checkout, which mypy does not find by itself; not from that of all installed packages."""
    place = NATIVE.parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "nlucompress._native"],
        capture_output=True,
        text=True,
        cwd=place if (place / "setup.py").exists() else tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


USE = """
#include "nluc.h"
#include "template.h"
#include "crf.h"
int everything(const void *, size_t, void *, size_t, const uint8_t *, size_t, double *, uint32_t *);
int everything(const void *file, size_t length, void *scratch, size_t room, const uint8_t *text, size_t size,
               double *scores, uint32_t *top) {
    static nluc_model model;
    nluc_sample sample;
    nluc_span spans[1] = {{0, 1}};
    nluc_template words;
    size_t bytes;
    int status = (int)nluc_open(&model, file, length) + (int)nluc_verify(&model) + nluc_status_name(NLUC_OK)[0];
    nluc_begin(&sample, &model, scratch, room);
    status += (int)nluc_add_text(&sample, 0, text, size) + (int)nluc_add_text_everywhere(&sample, text, size);
    status += (int)nluc_add_feature(&sample, 0, text, size, 1.0);
    status += (int)nluc_add_tokens(&sample, 0, text, spans, 1, (uint8_t *)scratch, 1);
    status += (int)nluc_finish(&sample, scores) + nluc_probabilities(&model, scores, scores);
    status += (int)nluc_top(&model, scores, 1, top) + (int)nluc_decide(&model, scores);
    status += nluc_label_bytes(&model, nluc_find(&model, 0, text, size), &bytes) != 0;
    nluc_crf_hash(&model, text, size, (uint64_t *)scratch);
    status += (int)nluc_template_of(&words, &model, scratch, room);
    status += (int)nluc_crf_token_states(&model, &words, 0, 0, scratch, room, scores);
    nluc_crf_transitions(&model, scores);
    status += (int)nluc_crf_states(&model, (uint64_t(*)[2])scratch, scores, top, 1, scores);
    nluc_crf_viterbi(scores, scores, 1, 1, scores + 1, top);
    status += nluc_crf_exponentials(scores, 1, scores + 1) > 0;
    status += nluc_crf_marginals(scores, scores, scores, 0.0, 1, 1, scores + 1, scores + 2, scores + 3) > 0;
    return status + (int)nluc_row_of(&model, 0).count;
}
"""
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror", "-ffreestanding"]
COMPILERS = [name for name in ("cc", "gcc", "clang") if shutil.which(name)]
# As macOS's <string.h> has them.
MACROS = ["-Dmemcpy(to, ...)=__builtin_memcpy(to, __VA_ARGS__)", "-Dmemset(to, ...)=__builtin_memset(to, __VA_ARGS__)"]


@pytest.mark.parametrize("options", [["-O0"], ["-Os"], ["-O3"], ["-O2", "-DNLUC_NO_ACCENTS"], MACROS], ids=" ".join)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_is_strict_c99_and_needs_only_memcpy_and_memset(
    compiler: str, options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "use.c").write_text(USE)
    built = subprocess.run(
        [compiler, *STRICT, *options, f"-I{NATIVE}", "-c", "use.c"], cwd=tmp_path, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    if shutil.which("nm"):
        undefined = subprocess.run(
            ["nm", "-u", "use.o"], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        names = {line.split()[-1] for line in undefined.splitlines()}
        assert names <= {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}, undefined


TARGETS = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc", "arm64-apple-macos11", "aarch64-linux-musl"]


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed (.ci/run installs it where it may)")
@pytest.mark.parametrize("target", TARGETS)
def test_the_header_is_clean_for_systems_that_the_suite_does_not_run_on(target: str, tmp_path: Path) -> None:
    (tmp_path / "use.c").write_text(USE)
    # For Windows clang does not claim to be GCC, so that the parts that are MSVC's are checked.
    options = [f"--target={target}", "-fsyntax-only", "-Wno-unused-function", f"-I{NATIVE}", "use.c"]
    done = subprocess.run(["clang", *STRICT, *options], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
