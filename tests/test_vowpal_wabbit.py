"""Vowpal Wabbit's text models: VW's own predictions, its hashing, and refusals with their place."""

import contextlib
import json
import random
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nlucompress
from nlucompress import ModelImportError, import_model
from nlucompress.importers.vowpal_wabbit import features
from nlucompress.reference import exact

FIXTURES = Path(__file__).parent / "fixtures"
sys.path.insert(0, str(FIXTURES))

import make_trainers as trainers  # noqa: E402

KEPT = FIXTURES / "trainers"
EXPECTED = json.loads((KEPT / "expected.json").read_text())["vw"]
SIX_DIGITS = 2e-5  # what VW's text loses


def sampler(model):
    """The call of ``features`` that a model's remark asks for."""
    call = re.search(r"features\(line(.*?)\)", model.source["remark"])[1]
    return lambda line: eval(f"features(line{call})", {"features": features, "line": line})


def answers(case, model, lines):
    """What VW's predict would give."""
    asked, scorer = [sampler(model)(line) for line in lines], exact(model)
    if "--probabilities" in trainers.VW[case]:
        return scorer.predict_proba(asked)
    if model.task == "binary" and "--binary" not in trainers.VW[case]:
        return scorer.decision_function(asked)
    labels = scorer.predict(asked).tolist()
    return np.array([list(trainers.TEXTS).index(label) + 1 if isinstance(label, str) else label for label in labels])


def holds(folder, case, told):
    hashed = import_model(folder / f"{case}.readable")
    assert "of 0 weights" not in hashed.source["remark"]
    assert "(100.0%) have no name: features are hashes" in hashed.source["remark"]
    lines = [trainers.line(text) for text in told["texts"]]
    np.testing.assert_allclose(answers(case, hashed, lines), told["predicted"], atol=SIX_DIGITS)
    named = import_model(folder / f"{case}.invert")
    assert "have no name" not in named.source["remark"]
    seen = [i for i, line in enumerate(lines) if set(features(line)) <= set(named.features[0])]
    if "-b 18" in trainers.VW[case]:  # with fewer bits features share hashes, and VW prints one of them
        assert len(seen) >= 10
    found = answers(case, named, [lines[i] for i in seen])
    np.testing.assert_allclose(found, np.array(told["predicted"])[seen], atol=SIX_DIGITS)
    compressed = nlucompress.compress(hashed, check_bits=32)
    asked = [sampler(hashed)(line) for line in lines]
    clone = exact(compressed.dequantized())
    np.testing.assert_allclose(compressed.model().decision_function(asked), clone.decision_function(asked), rtol=1e-9)


CASES = [case for case in trainers.VW if case != "pairs"]


@pytest.mark.parametrize("case", CASES)
def test_files_that_vw_wrote_answer_as_vw_did(case):
    holds(KEPT, case, EXPECTED[case])


@pytest.mark.parametrize("case", CASES)
def test_models_answer_as_vw_does(tmp_path, case):
    holds(tmp_path, case, trainers.vw(tmp_path, case))


def test_interactions_and_ngrams_go_by_names_alone():
    model = import_model(KEPT / "pairs.invert")
    assert "--quadratic tu --ngram t2" in model.source["remark"]
    text = "play some jazz"
    words = text.split()
    asked = features(trainers.line(text))
    grams = {f"t^{word}": 1.0 for word in words} | {f"t^{a}^{b}": 1.0 for a, b in pairwise(words)}
    asked |= grams | {f"{gram}*u^{words[0]}": value for gram, value in grams.items()}
    told = EXPECTED["pairs"]
    score = exact(model).decision_function([asked])[0]
    assert score == pytest.approx(told["predicted"][told["texts"].index(text)], abs=SIX_DIGITS)
    with pytest.raises(
        ModelImportError, match=r"--quadratic tu --ngram t2: such features are read by their names alone"
    ):
        import_model(KEPT / "pairs.readable")


def test_a_file_with_some_names_says_their_share_and_goes_by_hashes(tmp_path):
    text = re.sub(r"(?m)^t\^(?:jazz|music):", "", (KEPT / "logistic.invert").read_text())
    (tmp_path / "m").write_text(text)
    model, whole = import_model(tmp_path / "m"), import_model(KEPT / "logistic.readable")
    assert re.search(r"2 of \d\d weights \(\d\.\d%\) have no name: features are hashes", model.source["remark"])
    assert model.fingerprint() == whole.fingerprint()


@pytest.fixture(scope="module")
def hashed_by_vw():
    """VW's own features of a line, with hashes of 20 bits."""
    import vowpalwabbit

    work = vowpalwabbit.Workspace("--quiet --noconstant -b 20")

    def hashed(line):
        example, out = work.parse(line), {}
        for number, value in example.iter_features():
            key = str(number & 0xFFFFF)
            out[key] = out.get(key, 0.0) + value
        work.finish_example(example)
        return out

    yield hashed
    work.finish()


# VW splits at all characters up to the blank, and takes bytes as C does
WORDS = st.text(
    st.characters(min_codepoint=33, exclude_characters="|:", exclude_categories=["Cs"]), min_size=1, max_size=6
)


@given(st.lists(WORDS | st.from_regex("[0-9]{1,22}", fullmatch=True), max_size=5))
def test_features_hash_as_vw_does(hashed_by_vw, words):
    line = f"|space {' '.join(words)} |12 {' '.join(f'{word}:0.25' for word in words)}"
    assert features(line, bits=20) == hashed_by_vw(line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("|t a:x", "the value 'x'"),
        ("|t:x a", "the value 'x'"),
        ("|t :0.5", "has no name"),
        ("|t a:1:2", "the value '1:2'"),
    ],
)
def test_features_refuse_what_is_no_feature(line, words):
    with pytest.raises(ValueError, match=words):
        features(line)


GOOD = ("Version 9.11.9\nId \nMin label:-50\nMax label:50\nbits:18\nlda:0\n0 ngram:\n0 skip:\noptions: --oaa 3\n"
        "Checksum: 1\n:0\na:8:0.25\na[1]:9:-0.25\nConstant:202096:1\nb[2]:14:2\n")  # fmt: skip

WRONG = {
    GOOD.replace("bits:18", "bits:0"): "bits '0' is not an integer in 1..61",
    GOOD.replace("bits:18", "bits:"): "bits '' is not an integer",
    GOOD.replace("bits:18", "bits:99999999999999"): "is not an integer in 1..61",
    GOOD.replace("bits:18", "bits:2"): "2 bits have no room for 3 classes",
    GOOD.replace("bits:18", "bits:3"): "the weight 8 is beyond the 3 bits",
    GOOD.replace("--oaa 3", "--oaa 999999999"): "--oaa '999999999' is not a number of classes in 2..65536",
    GOOD.replace("--oaa 3", "--oaa"): "options: --oaa lacks its value",
    GOOD.replace("--oaa 3", "--oaa 3 --nn 5"): "options: '--nn' makes a model that is not read here",
    GOOD.replace("--oaa 3", "--oaa 3 --hash odd"): "--hash 'odd' is not strings or all",
    GOOD.replace("--oaa 3", "--oaa 3 --named_labels a,b,a"): "--named_labels has 3 names, 2 distinct, of 3 classes",
    GOOD.replace("--oaa 3", "").replace("50", "9"): "labels from -9 to 9",
    GOOD.replace("Max label:50", "Max label:x"): "Max label 'x' is not a number",
    GOOD.replace("a:8:0.25", "a:8:x"): "line 12: the weight 'x' is not a finite number",
    GOOD.replace("a:8:0.25", "a:8:nan"): "line 12: the weight 'nan' is not a finite number",
    GOOD.replace("a:8:0.25", "a:8:1e39"): "line 12: the weight '1e39' is not a finite number up to 1e+38",
    GOOD.replace("a:8:0.25", "a:8"): "line 12: 'a:8' is not",
    GOOD.replace("a[1]:9", "a[1]:8"): "line 13: the weight 8 stands twice",
    GOOD.replace("a[1]:9", "a[1]:11"): "the weight 11 is beyond the 18 bits, or its class 3 beyond 3",
    GOOD.replace("a[1]:9", "a:9"): "the weight 9 is of class 1, its name 'a' is not",
    GOOD.replace("b[2]:14", "a[1]:13"): "feature 'a' stands at two numbers, 13 one of them",
    GOOD[: GOOD.index(":0\na")]: "the header has no end in 10 lines: the file is cut off",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_with_its_place(tmp_path, text):
    (tmp_path / "m.txt").write_text(text)
    with pytest.raises(ModelImportError) as caught:
        import_model(tmp_path / "m.txt")
    assert str(caught.value).startswith("m.txt: ")
    assert WRONG[text] in str(caught.value)


def test_a_feature_whose_hash_is_the_constants_counts_as_both(tmp_path):
    (tmp_path / "named").write_text(GOOD)
    (tmp_path / "hashed").write_text(re.sub(r"(?m)^.*:(\d+:\S+)$", r"\1", GOOD[: GOOD.index("a:8")]) +
                                     "8:0.25\n9:-0.25\n202096:1\n14:2\n")  # fmt: skip
    named, hashed = import_model(tmp_path / "named"), import_model(tmp_path / "hashed")
    assert named.features == (["a", "b"],)
    assert named.intercept.tolist() == hashed.intercept.tolist() == [1, 0, 0]
    assert exact(named).decision_function([{"a": 2.0}]).tolist() == [[1.5, -0.5, 0]]
    assert exact(hashed).decision_function([{"2": 2.0}, {str(202096 // 4): 1.0}]).tolist() == [
        [1.5, -0.5, 0],
        [2, 0, 0],
    ]


def test_damaged_files_are_refused_or_read_and_never_fail_otherwise(tmp_path):
    rng, path, refused = random.Random(1), tmp_path / "m", 0
    for trial in range(400):
        data = bytearray((KEPT / ("oaa.invert" if trial % 2 else "crowded.readable")).read_bytes())
        if trial % 3:
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        else:
            del data[rng.randrange(len(data)) :]
        path.write_bytes(data)
        refused += 1
        with contextlib.suppress(ModelImportError):
            import_model(path, format="vowpal-wabbit")
            refused -= 1
    assert refused > 100
