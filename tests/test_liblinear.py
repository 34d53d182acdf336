"""LIBLINEAR's model files: the answers of its own predict, and refusals with their place."""

import contextlib
import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import nlucompress
from nlucompress import ModelImportError, import_model
from nlucompress.reference import exact

FIXTURES = Path(__file__).parent / "fixtures"
sys.path.insert(0, str(FIXTURES))

import make_trainers as trainers  # noqa: E402

KEPT = FIXTURES / "trainers"
EXPECTED = json.loads((KEPT / "expected.json").read_text())["liblinear"]
NAMES = KEPT / "names.txt"


def named(text):
    return {trainers.words()[number - 1]: value for number, value in trainers.sample(text).items()}


def holds(path, told):
    """The model of a file answers what LIBLINEAR answered: labels, decision values, probabilities."""
    model = import_model(path, names=NAMES)
    asked = [named(text) for text in trainers.ASKED]
    scorer = exact(model)
    assert scorer.predict(asked).tolist() == told["labels"]
    scores, wanted = scorer.decision_function(asked), np.array(told["values"])
    np.testing.assert_allclose(scores, wanted[:, 0] if model.task == "binary" else wanted, rtol=1e-12, atol=1e-15)
    if told["probabilities"] is not None:
        columns = [told["order"].index(label) for label in model.classes.tolist()]
        wanted = np.array(told["probabilities"])[:, columns]
        np.testing.assert_allclose(scorer.predict_proba(asked), wanted, rtol=1e-12)
    else:
        assert model.link == "identity"
    compressed = nlucompress.compress(model, check_bits=32)
    clone = exact(compressed.dequantized())
    np.testing.assert_allclose(compressed.model().decision_function(asked), clone.decision_function(asked), rtol=1e-12)
    return model


@pytest.mark.parametrize("name", EXPECTED)
def test_files_that_liblinear_wrote_answer_as_liblinear_did(name):
    model = holds(KEPT / name, EXPECTED[name])
    assert model.source["format"].startswith("LIBLINEAR ")
    assert "remark" not in model.source


@pytest.mark.parametrize("solver", trainers.SOLVERS)
@pytest.mark.parametrize("labels", [("play",), ("play", "stop"), ("stop", "play", "rain")], ids=len)
@pytest.mark.parametrize("bias", [-1, 0.7])
def test_every_solver_answers_as_liblinear_does(tmp_path, solver, labels, bias):
    name, told = trainers.liblinear(tmp_path, solver, bias, labels)
    holds(tmp_path / name, told)


def test_without_names_features_go_by_their_numbers():
    name = next(iter(EXPECTED))
    model = import_model(KEPT / name)
    asked = [{str(number): value for number, value in trainers.sample(text).items()} for text in trainers.ASKED]
    assert exact(model).predict(asked).tolist() == EXPECTED[name]["labels"]
    assert "--names" in model.source["remark"]


GOOD = "solver_type L2R_LR\nnr_class 3\nlabel 1 2 3\nnr_feature 2\nbias 1\nw\n1 2 3 \n4 5 6 \n7 8 9 \n"

WRONG = {
    GOOD.replace("L2R_LR", "L2R_L2LOSS_SVR"): "a regression has no labels",
    GOOD.replace("L2R_LR", "ONECLASS_SVM").replace("label 1 2 3", "rho 1"): "an outlier detector",
    GOOD.replace("L2R_LR", "RBF"): "solver_type 'RBF' is not one of L2R_LR,",
    GOOD.replace("nr_class 3", "nr_class 4"): "3 labels, 3 of them distinct; nr_class is 4",
    GOOD.replace("1 2 3\nnr", "1 2 2\nnr"): "3 labels, 2 of them distinct",
    GOOD.replace("1 2 3\nnr", "1 2 x\nnr"): "label 'x' is not an integer",
    GOOD.replace("nr_class 3", "nr_class -3"): "nr_class '-3' is not an integer in 1..65536",
    GOOD.replace("nr_feature 2", "nr_feature 999999999999"): "nr_feature '999999999999' is not an integer in 0..",
    GOOD.replace("nr_feature 2", "nr_feature 50"): "ask for 153 weights, the file has",
    GOOD.replace("nr_feature 2", "nr_feature 3"): "3 lines of weights, the header announces 4: the file is cut off",
    GOOD.replace(
        "nr_feature 2", "nr_feature 1"
    ): "line 9: 2 lines of weights were announced, here is one more: '7 8 9 '",
    GOOD.replace("bias 1", "bias nan"): "bias 'nan' is not a finite number",
    GOOD.replace("4 5 6", "4 5"): "line 8 has 2 numbers, not 3",
    GOOD.replace("4 5 6", "4 5 6 7"): "line 8 has 4 numbers, not 3",
    GOOD.replace("4 5 6", "4 x 6"): "line 8: weight 'x' is not a number",
    GOOD.replace("4 5 6", "4 inf 6"): "line 8: weight 'inf' is not a finite number up to 1e+38",
    GOOD.replace("4 5 6", "4  6"): "line 8 has 2 numbers, not 3",
    GOOD.replace("4 5 6", "4 5_0 6"): "line 8: weight '5_0' is not a finite number",
    GOOD.replace("w\n", "v\n"): "line 6: 'v' is not one of LIBLINEAR's header lines",
    GOOD.replace("w\n", "bias 2\nw\n"): "line 6: 'bias 2' is not one of LIBLINEAR's header lines, each once",
    GOOD[: GOOD.index("w\n")]: "the header has no end",
    GOOD.replace("bias 1\n", ""): "bias '' is not a number",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_with_its_place(tmp_path, text):
    (tmp_path / "m.model").write_text(text)
    with pytest.raises(ModelImportError) as caught:
        import_model(tmp_path / "m.model")
    assert str(caught.value).startswith("m.model: ")
    assert WRONG[text] in str(caught.value)


def test_names_must_be_as_many_as_features_and_distinct(tmp_path):
    (tmp_path / "m").write_text(GOOD)
    for names, words in (("a\n", "n has 1 names, the model 2 features"), ("a\na\n", "'a'"), ("a\nb\nc", "has 3 names")):
        (tmp_path / "n").write_text(names)
        with pytest.raises(ModelImportError, match=words):
            import_model(tmp_path / "m", names=tmp_path / "n")
    (tmp_path / "n").write_text("a\nb")
    model = import_model(tmp_path / "m", names=tmp_path / "n")
    assert model.coefficients().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert model.intercept.tolist() == [7, 8, 9]
    with pytest.raises(ModelImportError, match="missing"):
        import_model(tmp_path / "m", names=tmp_path / "missing")


def test_damaged_files_are_refused_or_read_and_never_fail_otherwise(tmp_path):
    whole = (KEPT / "7.3.1.liblinear").read_bytes()
    rng, path, refused = random.Random(1), tmp_path / "m", 0
    for trial in range(300):
        data = bytearray(whole)
        if trial % 3:
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        else:
            del data[rng.randrange(len(data)) :]
        path.write_bytes(data)
        refused += 1
        with contextlib.suppress(ModelImportError):
            import_model(path, format="liblinear")
            refused -= 1
    assert refused > 150
