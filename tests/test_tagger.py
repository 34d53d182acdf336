"""Tagger: python-crfsuite's input forms and answers, on the dequantized clone, in numpy and in C."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pycrfsuite
import pytest
import usaddress
from hypothesis import given, settings
from hypothesis import strategies as st
from test_format import TAGGING, changed, open_parts, seal
from test_real_data import ELSEWHERE, SHARED

import nlucompress
from nlucompress import FormatError, Tagger, crf, reference
from nlucompress.export import clone, export_crfsuite
from nlucompress.importers import crfsuite
from nlucompress.linear import LinearModel, Namespace

FIXTURES = Path(__file__).parent / "fixtures" / "crfsuite"
MODEL = FIXTURES / "small.crfsuite"
LAYOUTS = ("plain", "dense", "pool", "coded")


def tool(data: bytes) -> Any:
    """python-crfsuite's tagger of a model; it does not copy the bytes, which so must stay."""
    tagger = pycrfsuite.Tagger()
    assert tagger.open_inmemory(data)
    return tagger


def in_numpy(tagger: Tagger) -> crf.Chain:
    """The reference of a tagger."""
    return crf.Chain(reference.FileTable(tagger._file), tagger.transitions)


def model(names: list[str], classes: int, seed: int, share: float = 0.5, size: float = 1.0) -> LinearModel:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((len(names), classes)) * (rng.random((len(names), classes)) < share) * size
    between = rng.standard_normal((classes, classes)) * (rng.random((classes, classes)) < share) * size
    return LinearModel((Namespace("a", analyzer="features"),), (names,), weights, np.zeros(classes),
                       np.array([f"T{i}" for i in range(classes)]), task="tagging", transitions=between)  # fmt: skip


# -- what a sequence may be ---------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=4)
keys = texts | texts.map(str.encode)
values = st.recursive(
    texts | st.binary(max_size=0) | texts.map(str.encode) | st.booleans() | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-2, 2).map(np.float64) | st.integers(0, 3).map(np.int32),
    lambda inner: st.lists(keys, max_size=3) | st.sets(keys, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
items = (st.lists(keys, max_size=5) | st.dictionaries(keys, values, max_size=5) | st.sets(keys, max_size=3)
         | st.tuples(keys, keys) | st.frozensets(keys, max_size=3) | texts)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(items, max_size=4))
def test_attributes_are_those_of_pycrfsuites_item_sequence(drawn: list[Any]) -> None:
    wanted = pycrfsuite.ItemSequence(drawn).items()
    found: list[dict[str, float]] = []
    for item in drawn:
        found.append(dict(crf.attributes(item)))
    # items() cuts at a zero byte too; of equal names it keeps the last, as dict does
    assert found == wanted


@pytest.mark.parametrize(
    "item", [None, 5, [None], [1], {"a": None}, [("a", 1.0)], {"a": (1, 2)}, {"a": [1]}, {1: 2}, {"a": {"b": [["c"]]}},
             {"a": 1j},
             {"a": bytearray(b"x")}, {"a": 10**400}, iter(["a"])],
)  # fmt: skip
def test_what_pycrfsuite_refuses_is_refused(item: Any) -> None:
    tagger = Tagger(TAGGING)
    for ask in (tagger.tag, tagger.set, tagger.predict_single, tagger.predict_marginals_single):
        with pytest.raises((TypeError, ValueError), match=r"^item|^sample 1: "):
            ask([["a"], item])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="sample 0: feature 'a' has the value"):
        Tagger(TAGGING).tag([{"a": value}])


def test_sums_that_are_not_finite_are_refused() -> None:
    for tagger in (nlucompress.compress(model(["a"], 2, 1, 1.0, 1e30)).tagger(),):
        with pytest.raises(ValueError, match="item 1: its values are too large"):
            tagger.tag([["a"], {"a": 1e300}])


# -- what it answers ----------------------------------------------------------------------------------------------------


def test_the_fixtures_answers_are_python_crfsuites() -> None:
    """Without the tool: what it answered of the original is in golden.json; at 256 buckets little changes."""
    tagger = nlucompress.compress(MODEL, check_bits=32).tagger()
    exact = crf.exact(nlucompress.import_model(MODEL))
    for one in json.loads((FIXTURES / "golden.json").read_text()):
        assert tagger.tag(one["items"]) == one["tags"]
        assert tagger.probability(one["tags"]) == pytest.approx(one["probability"], abs=0.02)
        marginals, total = exact.forward_backward(exact.states(one["items"]))
        np.testing.assert_allclose(marginals, one["marginals"], rtol=1e-9, atol=1e-12)
        numbers = np.array([tagger.labels().index(tag) for tag in one["tags"]])
        score = crf.score(exact.states(one["items"]), exact.transitions, numbers)
        assert math.exp(score - total) == pytest.approx(one["probability"], rel=1e-9)


def agree(data: bytes, compressed: nlucompress.Compressed, sequences: list[Any]) -> None:
    """The tagger, in C and in numpy, answers as python-crfsuite on the clone."""
    tagger = compressed.tagger()
    cloned = clone(data, tagger)
    other, plain = tool(cloned), in_numpy(tagger)
    labels = other.labels()
    assert tagger.labels() == labels
    for sequence in sequences:
        wanted = other.tag(sequence)
        assert tagger.tag(sequence) == wanted == tagger.predict_single(sequence)
        states = plain.states(list(sequence))
        assert [labels[i] for i in plain.viterbi(states)] == wanted
        np.testing.assert_array_equal(tagger._chain.states(list(sequence)), states)
        assert tagger.probability(wanted) == pytest.approx(other.probability(wanted), rel=1e-9, abs=1e-12)
        found = tagger.predict_marginals_single(sequence)
        for i in range(len(sequence)):
            for label in labels:
                assert tagger.marginal(label, i) == found[i][label]
                assert found[i][label] == pytest.approx(other.marginal(label, i), rel=1e-9, abs=1e-12)
        if len(sequence):
            for one, two in zip(plain.forward_backward(states), tagger._chain.forward_backward(states), strict=True):
                np.testing.assert_allclose(one, two, rtol=1e-11, atol=1e-13)


vocabulary = [f"w{i}" for i in range(30)] + ["straße", "東京", "w:x", ""]
drawn_items = st.lists(st.sampled_from([*vocabulary, "never", "seen"]), max_size=6) | st.dictionaries(
    st.sampled_from([*vocabulary, "never"]), st.floats(-3, 3) | st.booleans() | st.sampled_from(["x", "y"]), max_size=4
)
sequences = st.lists(st.lists(drawn_items, max_size=6), min_size=1, max_size=6)


@settings(deadline=None, max_examples=40)
@given(sequences, sequences, st.integers(1, 6), st.randoms(use_true_random=False), st.sampled_from(LAYOUTS),
       st.sampled_from([2, 3, 16, 256]), st.sampled_from(["model", "class"]), st.booleans())  # fmt: skip
def test_tags_are_python_crfsuites_on_the_clone(
    tmp_path_factory: Any, training: Any, asked: Any, classes: int, random: Any, layout: Any, buckets: int, range_: Any,
    every: bool,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("crf") / "x.crfsuite"
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(
        {"max_iterations": 5, "feature.possible_transitions": every, "feature.possible_states": every, "c2": 0.01}
    )
    for sequence in [*training, [["w1"]]]:
        trainer.append(sequence, [f"T{random.randrange(classes)}" for _ in sequence])
    trainer.train(str(path))
    compressed = nlucompress.compress(path, check_bits=32, layout=layout, buckets=buckets, range=range_)
    agree(path.read_bytes(), compressed, [*asked, *training, []])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("classes", [1, 2, 7, 73, 300])
def test_the_native_core_is_the_reference(layout: Any, classes: int) -> None:
    source = model(vocabulary, classes, classes, 0.2)
    tagger = nlucompress.compress(source, layout=layout, check_bits=4, range="class", buckets=64).tagger()
    plain, rng = in_numpy(tagger), np.random.default_rng(5)
    np.testing.assert_array_equal(tagger.transitions, tagger._file.transitions)
    for length in (0, 1, 2, 9):
        sequence = [[*rng.choice([*vocabulary, "n1", "n2"], rng.integers(0, 9)).tolist()] for _ in range(length)]
        states = plain.states(sequence)
        np.testing.assert_array_equal(tagger._chain.states(sequence), states)
        assert tagger._chain.viterbi(states) == plain.viterbi(states)
        for one, two in zip(plain.forward_backward(states), tagger._chain.forward_backward(states), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-11, atol=1e-13)


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_the_best_labels_and_the_probabilities_are_those_of_all_sequences(length: int, classes: int, data: Any) -> None:
    """Against the definition: every sequence of labels, with scores that are small, equal, or thousands apart."""
    number = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1000.0, -3000.0, 700.0]) | st.floats(-5, 5)
    states = np.array(data.draw(st.lists(number, min_size=length * classes, max_size=length * classes)))
    moves = np.array(data.draw(st.lists(number, min_size=classes**2, max_size=classes**2)))
    states, moves = states.reshape(length, classes), moves.reshape(classes, classes)
    every = [np.array(labels) for labels in itertools.product(range(classes), repeat=length)]
    scores = np.array([crf.score(states, moves, labels) for labels in every])
    tagger = nlucompress.compress(model(["a"], classes, 1)).tagger()
    tagger._chain.transitions[:] = moves
    plain = crf.Chain(reference.NameTable(model(["a"], classes, 1)), moves)
    total = scores.max() + math.log(np.exp(scores - scores.max()).sum())
    chances = np.exp(scores - total)
    wanted = np.zeros((length, classes))
    for labels, chance in zip(every, chances, strict=True):
        wanted[np.arange(length), labels] += chance
    for chain in (plain, tagger._chain):
        best = np.array(chain.viterbi(states))
        assert crf.score(states, moves, best) == pytest.approx(scores.max(), rel=1e-12, abs=1e-9)
        marginals, found = chain.forward_backward(states)
        assert found == pytest.approx(total, rel=1e-12, abs=1e-9)
        np.testing.assert_allclose(marginals, wanted, rtol=1e-8, atol=1e-9)


def test_of_equal_scores_the_first_label_wins() -> None:
    tagger = nlucompress.compress(model(["a"], 9, 1, 0.0)).tagger()
    assert tagger.tag([["a"]] * 4) == ["T0"] * 4
    assert tagger.probability(["T3"] * 4) == pytest.approx(9**-4, rel=1e-12)


def test_scores_in_the_thousands_neither_overflow_nor_vanish() -> None:
    source = LinearModel((Namespace("a", analyzer="features"),), (["a", "b"],), np.array([[2000.0, 0.0], [0.0, 1000.0]]),
                         np.zeros(2), np.array(["X", "Y"]), task="tagging",
                         transitions=np.array([[0.0, -3000.0], [-3000.0, 0.0]]))  # fmt: skip
    tagger = nlucompress.compress(source, check_bits=32).tagger()
    assert tagger.tag([["a"], ["b"], ["b"], ["b"]]) == ["Y"] * 4
    assert tagger.probability(["Y"] * 4) == pytest.approx(1)
    assert [row["Y"] for row in tagger.predict_marginals_single([["a"], ["b"], ["b"], ["b"]])] == pytest.approx([1] * 4)


def test_the_calls_of_python_crfsuite_and_their_errors() -> None:
    tagger = nlucompress.compress(MODEL, check_bits=32).tagger()
    assert tagger.tag() == []
    assert tagger.tag([]) == []
    assert (tagger.probability([]), tagger.marginal("O", 0)) == (0.0, 0.0)
    tagger.set([["w:to"], ["w:paris"]])
    assert tagger.tag() == tagger.tag([["w:to"], ["w:paris"]]) == ["O", "B-städt"]
    with pytest.raises(ValueError, match="1 labels for 2 items"):
        tagger.probability(["O"])
    with pytest.raises(ValueError, match="no label 'nope'"):
        tagger.probability(["O", "nope"])
    with pytest.raises(ValueError, match="no label 'nope'"):
        tagger.marginal("nope", 0)
    for place in (-1, 2):
        with pytest.raises(ValueError, match=rf"pos: {place} is not in 0\.\.1"):
            tagger.marginal("O", place)
    before = tagger.tag()
    assert tagger.predict([[["w:paris"]], []]) == [["B-städt"], []]
    assert tagger.predict_marginals([[]]) == [[]]
    assert tagger.tag() == before  # predict keeps nothing
    assert tagger.classes_.tolist() == tagger.labels() == ["O", "B-städt", "I-städt"]
    assert tagger.info()["task"] == "tagging"
    assert pickle.loads(pickle.dumps(tagger)).predict([[["w:paris"]]]) == [["B-städt"]]


def test_an_item_sequence_is_read() -> None:
    tagger = nlucompress.compress(MODEL, check_bits=32).tagger()
    sequence = [["w:to"], {"w": "paris", "x": 2.0}]
    assert tagger.tag(pycrfsuite.ItemSequence(sequence)) == tagger.tag(sequence)


def test_a_name_ends_at_its_first_zero_as_in_crfsuite() -> None:
    tagger = nlucompress.compress(MODEL, check_bits=32).tagger()
    for sequence in ([["w:paris\0x"]], [{"w:paris\0x": 1.0}], [{"w": "paris\0"}]):
        assert tagger.predict_marginals_single(sequence) == tagger.predict_marginals_single([["w:paris"]])
        assert tagger.predict_marginals_single(sequence) != tagger.predict_marginals_single([["unknown"]])


def test_threads_share_a_tagger() -> None:
    tagger = nlucompress.compress(model(vocabulary, 60, 3)).tagger()
    sequence = [vocabulary[i % 30 :] for i in range(50)]
    wanted, wrong = (tagger.predict_single(sequence), tagger.predict_marginals_single(sequence)), []

    def ask() -> None:
        for _ in range(10):
            if (tagger.predict_single(sequence), tagger.predict_marginals_single(sequence)) != wanted:
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# -- models that others made --------------------------------------------------------------------------------------------


def test_usaddress_parses_alike() -> None:
    addresses = [
        "123 Main St. Suite 100 Chicago, IL", "PO Box 1052, Albany NY 12207", "State and Lake, Chicago",
        "744 Evergreen Terrace",
        "1600 Pennsylvania Avenue NW, Washington, DC 20500", "4242 1/2 County Road 17 East, Elkhart IN 46514",
        "Box 55, RR 2",
        "corner of 5th Avenue and 42nd Street New York NY", "The Art Institute, 111 S Michigan",
        "12-14 N. Ashland Blvd. Apt #4B",
    ]  # fmt: skip
    data = Path(usaddress.MODEL_PATH).read_bytes()
    asked = [usaddress.tokens2features(usaddress.tokenize(address)) for address in addresses]
    compressed = nlucompress.compress(usaddress.MODEL_PATH, check_bits=32)
    agree(data, compressed, asked)
    assert compressed.tagger().predict(asked) == [usaddress.TAGGER.tag(one) for one in asked]


@ELSEWHERE
def test_snips_slots_are_tagged_as_by_the_clone(tmp_path: Path) -> None:
    from nlucompress.data import read_jsonl

    parts = []
    for split in ("train", "test"):
        rows = [row for _, row in read_jsonl(SHARED / f"snips.{split}.jsonl.gz")]
        parts.append([([[f"w={t.lower()}", f"suf={t[-2:]}", *([f"p={row['tokens'][i - 1]}"] if i else [])]
                        for i, t in enumerate(row["tokens"])], row["tags"]) for row in rows])  # fmt: skip
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"max_iterations": 8})
    for items_, tags in parts[0][::12]:
        trainer.append(items_, tags)
    trainer.train(str(tmp_path / "snips.crfsuite"))
    compressed = nlucompress.compress(tmp_path / "snips.crfsuite", check_bits=32)
    tagger = compressed.tagger()
    cloned = clone((tmp_path / "snips.crfsuite").read_bytes(), tagger)
    other = tool(cloned)
    for items_, _ in parts[1]:
        assert tagger.tag(items_) == other.tag(items_)
    items_ = parts[1][0][0]
    assert tagger.probability(tagger.tag(items_)) == pytest.approx(other.probability(other.tag(items_)), rel=1e-9)


# -- export -------------------------------------------------------------------------------------------------------------


def test_an_exported_file_has_the_features_of_the_original_and_the_files_weights(tmp_path: Path) -> None:
    compressed = nlucompress.compress(MODEL, check_bits=32, buckets=16)
    compressed.save(tmp_path / "m.nluc")
    out = tmp_path / "clone.crfsuite"
    assert export_crfsuite(tmp_path / "m.nluc", MODEL, out) == out.stat().st_size
    original, again = crfsuite.parse(MODEL.read_bytes()), crfsuite.parse(out.read_bytes())
    assert (again.labels, again.attributes) == (original.labels, original.attributes)
    dequantized, imported = compressed.dequantized(), nlucompress.import_model(out)
    np.testing.assert_array_equal(imported.coefficients(), dequantized.coefficients())
    np.testing.assert_array_equal(imported.transitions, dequantized.transitions)  # type: ignore[arg-type]
    with pytest.raises(FileExistsError):
        export_crfsuite(tmp_path / "m.nluc", MODEL, out)
    export_crfsuite(tmp_path / "m.nluc", FIXTURES / "small.txt", out, overwrite=True)
    assert crfsuite.parse(out.read_bytes()).attributes == original.attributes


def test_what_has_other_labels_or_another_task_is_not_exported(tmp_path: Path) -> None:
    nlucompress.compress(model(["a"], 3, 1)).save(tmp_path / "m.nluc")
    with pytest.raises(ValueError, match="labels"):
        export_crfsuite(tmp_path / "m.nluc", MODEL, tmp_path / "out")
    golden = FIXTURES.parent.parent / "golden" / "model-v1.1-plain.nluc"
    with pytest.raises(ValueError, match="only of a tagging model"):
        export_crfsuite(golden, MODEL, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# -- damaged files ------------------------------------------------------------------------------------------------------

ASKED: list[list[list[str]]] = [[["word1", "word2", "play"], [], ["unknown", "straße"]], []]


def use(tagger: Tagger) -> None:
    """Everything that reads the file: it must stay inside, whatever it says."""
    with np.errstate(all="ignore"):
        for sequence in ASKED:
            try:
                tagger.predict_single(sequence)
                tagger.predict_marginals_single(sequence)
            except ValueError:
                pass


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_changed_byte_with_valid_checksums_is_refused_or_harmless(layout: Any) -> None:
    source = nlucompress.compress(model(["word1", "word2", "play", "straße"], 5, 2), layout=layout, check_bits=3).data
    header = 64 + int.from_bytes(source[12:16], "little")
    for at in range(64, len(source), 1 if layout == "coded" else 2):
        for flip in (0x01, 0xFF) if at >= header else (0x01,):
            damaged = bytearray(source)
            damaged[at] ^= flip
            try:
                tagger = Tagger(seal(damaged, lengths=False))
            except (FormatError, ValueError):
                continue
            use(tagger)


@settings(deadline=None)
@given(st.data())
def test_any_bytes_of_transitions_are_refused_or_finite(data: Any) -> None:
    section = bytearray(open_parts(TAGGING)[1]["transitions"])
    for _ in range(data.draw(st.integers(1, 4))):
        section[data.draw(st.integers(0, len(section) - 1))] = data.draw(st.integers(0, 255))
    try:
        tagger = Tagger(changed(TAGGING, transitions=bytes(section)))
    except FormatError as error:
        assert str(error).endswith(("(M6)", "(M5)"))  # noqa: PT017
    else:
        assert np.isfinite(tagger.transitions).all()
        use(tagger)


def test_loading_a_tagger_imports_neither_importers_nor_the_tools(tmp_path: Path) -> None:
    nlucompress.compress(MODEL).save(tmp_path / "m.nluc")
    code = (f"import sys, nlucompress\nt = nlucompress.load({str(tmp_path / 'm.nluc')!r}); t.tag([['w:to']])\n"
            "wrong = 'crfsuite', 'sklearn', 'nlucompress.compress'\n"
            "print([m for m in sys.modules if any(w in m for w in wrong)])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
