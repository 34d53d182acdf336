"""What a comparison says, held against scikit-learn's metrics and against counts made by hand."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from nlucompress import LinearModel, compress
from nlucompress.certificate import CERTAIN, Certifier
from nlucompress.linear import Namespace, Step
from nlucompress.reference import exact
from nlucompress.verify import compare

RNG = np.random.default_rng(12)
FEATURES = [f"w{i}" for i in range(120)]
TEXTS = [" ".join(RNG.choice([*FEATURES, "new", "other", "strange"], RNG.integers(1, 9))) for _ in range(400)]
CLASSES = ("play", "stop", "weather", "none")


def model_of(task: str = "multiclass", **fields: Any) -> LinearModel:
    """A model of 120 words, whose weights are drawn."""
    classes = CLASSES[:2] if task == "binary" else CLASSES
    columns = 1 if task == "binary" else len(classes)
    drawn: dict[str, Any] = {
        "namespaces": (Namespace("words", token_pattern=r"\S+"),), "features": (FEATURES,), "classes": np.array(classes),
        "weights": np.random.default_rng(3).standard_normal((len(FEATURES), columns)), "intercept": np.zeros(columns),
        "link": "sigmoid" if task in ("binary", "multilabel") else "softmax", "steps": (Step("norm", (0,), "l2"),),
        "task": task,
    }  # fmt: skip
    return LinearModel(**{**drawn, **fields})


def gold_of(source: LinearModel) -> list[Any]:
    """Right labels: mostly the model's own, some others, some that are no class."""
    rng = np.random.default_rng(4)
    if source.task == "multilabel":
        sets = exact(source).predict(TEXTS) ^ (rng.random((len(TEXTS), len(CLASSES))) < 0.1)
        return [[name for name, on in zip(CLASSES, row, strict=True) if on] for row in sets.tolist()]
    own = exact(source).predict(TEXTS).tolist()
    others = [*source.classes.tolist(), "no class"]
    return [label if rng.random() < 0.8 else others[rng.integers(len(others))] for label in own]


@pytest.fixture(scope="module", autouse=True)
def _few_made_up() -> Any:
    """Fewer made-up n-grams, where they are not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlucompress.verify.MADE_UP", 1000)
        yield


@pytest.fixture(scope="module", params=["multiclass", "binary", "multilabel"])
def case(request: pytest.FixtureRequest) -> Any:
    """Source, file, right labels, and what compare says."""
    source = model_of(request.param)
    model = compress(source, buckets=5, check_bits=3).model()
    gold = gold_of(source)
    return source, model, gold, compare(source, model, TEXTS, gold)


def test_accuracy_and_flips_are_those_of_the_predictions(case: Any) -> None:
    source, model, gold, report = case
    before, after = exact(source).predict(TEXTS), model.predict(TEXTS)
    if source.task == "multilabel":
        right = np.array([[name in labels for name in CLASSES] for labels in gold]).astype(int)
    else:
        right = np.array(gold)
    assert report["samples"] == len(TEXTS)
    assert report["accuracy_before"] == pytest.approx(accuracy_score(right, before))
    assert report["accuracy_after"] == pytest.approx(accuracy_score(right, after))
    unequal = (before != after).reshape(len(TEXTS), -1).any(axis=1)
    assert report["flips"] == unequal.sum() > 0
    assert report["flip_interval"][0] < report["flip_share"] < report["flip_interval"][1]
    change = report["wrong_to_right"] - report["right_to_wrong"]
    assert change / len(TEXTS) == pytest.approx(report["accuracy_after"] - report["accuracy_before"])
    low, high = report["accuracy_difference_interval"]
    assert low <= change / len(TEXTS) <= high
    scores = exact(source).decision_function(TEXTS) - model.decision_function(TEXTS)
    assert report["largest_score_difference"] == pytest.approx(np.abs(scores).max())


def test_probabilities_differ_as_the_two_say(case: Any) -> None:
    source, model, _, report = case
    before, after = exact(source).predict_proba(TEXTS), model.predict_proba(TEXTS)
    gaps = np.abs(before - after).max(axis=1)
    assert report["probabilities"]["largest_difference"] == pytest.approx(gaps.max())
    assert report["probabilities"]["mean_difference"] == pytest.approx(gaps.mean())
    if source.task != "multilabel":
        bins = report["probabilities"]["bins_after"]
        assert sum(count for _, _, count in bins) == len(TEXTS)
        assert sum(part * count for _, part, count in bins) / len(TEXTS) == pytest.approx(report["accuracy_after"])
        assert sum(p * count for p, _, count in bins) / len(TEXTS) == pytest.approx(after.max(axis=1).mean())


def test_precision_recall_and_f1_are_scikit_learns(case: Any) -> None:
    source, model, gold, report = case
    names = source.classes.tolist()
    for side, said in (("before", exact(source).predict(TEXTS)), ("after", model.predict(TEXTS))):
        if source.task == "multilabel":
            right = np.array([[name in labels for name in names] for labels in gold]).astype(int)
            wanted = precision_recall_fscore_support(right, said, zero_division=0)
        else:
            wanted = precision_recall_fscore_support(gold, said.tolist(), labels=names, zero_division=0)
        for name, values in zip(("precision", "recall", "f1"), wanted[:3], strict=True):
            assert [one[f"{name}_{side}"] for one in report["classes"]] == pytest.approx(values.tolist())
        assert [one["samples"] for one in report["classes"]] == wanted[3].tolist()
    assert [one["label"] for one in report["classes"]] == names


def test_confusions_are_the_wrong_pairs_whose_number_changed(case: Any) -> None:
    source, model, gold, report = case
    if source.task == "multilabel":
        assert report["confusions"] == []
        return
    known = [label if label in source.classes else None for label in gold]
    counts = [Counter(zip(known, side.predict(TEXTS).tolist(), strict=True)) for side in (exact(source), model)]
    wanted = {pair: (counts[0][pair], counts[1][pair]) for pair in {*counts[0], *counts[1]}
              if pair[0] != pair[1] and counts[0][pair] != counts[1][pair]}  # fmt: skip
    assert {(one["label"], one["predicted"]): (one["before"], one["after"]) for one in report["confusions"]} == wanted
    changes = [abs(one["after"] - one["before"]) for one in report["confusions"]]
    assert changes == sorted(changes, reverse=True)


def test_flipped_texts_have_both_scores_and_those_come_first_that_were_surest(case: Any) -> None:
    source, model, gold, report = case
    before, after = exact(source).decision_function(TEXTS), model.decision_function(TEXTS)
    names = source.classes.tolist()
    leads = []
    assert len(report["flip_examples"]) == min(report["flips"], 200)
    for one in report["flip_examples"]:
        i = one["number"]
        assert (one["sample"], one["label"]) == (TEXTS[i], gold[i])
        assert one["before"] != one["after"]
        for score in one["scores"]:
            k = ... if source.task == "binary" else names.index(score["label"])
            assert score["before"] == pytest.approx(before[i][k])
            assert score["after"] == pytest.approx(after[i][k], abs=1e-9)
        values = [score["before"] for score in one["scores"]]
        leads.append(values[0] - values[1] if source.task == "multiclass" else max(map(abs, values)))
    assert leads == sorted(leads, reverse=True)


def test_every_sample_has_one_level_of_each_proof(case: Any) -> None:
    *_, report = case
    for basis in ("errors", "difference", "largest"):
        counts = report["certificate"][basis]
        assert sum(counts[level] for level in ("certain", "unless", "equal", "changed")) == len(TEXTS)
        assert counts["changed"] == report["flips"]
    assert report["certificate"]["difference"]["certain"] >= report["certificate"]["errors"]["certain"] > 0
    assert report["certificate"]["samples_with_unknown"] == sum(bool({"new", "other", "strange"} & set(text.split()))
                                                                for text in TEXTS)  # fmt: skip


def test_a_comparison_is_json_and_the_same_twice(case: Any) -> None:
    source, model, gold, report = case
    plain = json.dumps(report, allow_nan=False)
    assert plain == json.dumps(compare(source, model, TEXTS, gold), allow_nan=False)


def test_without_right_labels_there_is_no_accuracy() -> None:
    source = model_of()
    report = compare(source, compress(source).model(), TEXTS)
    assert not {"accuracy_before", "classes", "confusions", "resamples"} & set(report)
    assert "calibration_error_before" not in report["probabilities"]
    assert report["certificate"]["errors"]["certain"] > 0
    assert "label" not in json.dumps([one for one in report["flip_examples"] if "label" in one])


@pytest.mark.parametrize("bits", [0, 4, 32])
def test_as_many_strangers_are_found_as_the_check_bits_say(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlucompress.verify.MADE_UP", 100_000)
    source = model_of()
    made_up = compare(source, compress(source, check_bits=bits).model(), TEXTS[:5])["strangers"]
    share, (low, high) = made_up["made_up"]["share"], made_up["made_up"]["interval"]
    assert made_up["made_up"]["tested"] > 90_000
    assert made_up["expected"] == 2.0**-bits
    assert low <= share <= high
    assert 0.93 * made_up["expected"] <= share <= 1.03 * made_up["expected"] or bits == 32
    assert bits < 32 or made_up["made_up"]["found"] == 0


def test_columns_of_a_hashed_namespace_are_made_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlucompress.verify.MADE_UP", 100_000)
    space = Namespace("hashed", token_pattern=r"\S+", hash_columns=1000, alternate_sign=True)
    source = model_of(namespaces=(space,), features=([str(i) for i in range(120)],))
    report = compare(source, compress(source, check_bits=2).model(), TEXTS[:20])["strangers"]["made_up"]
    assert 0 < report["tested"] <= 880
    assert 0.1 < report["share"] < 0.4


def test_a_proven_label_that_flips_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    proofs = Certifier.proofs

    def sure(self: Certifier, *arguments: Any) -> Any:
        return dataclasses.replace(found := proofs(self, *arguments), errors=np.full_like(found.errors, CERTAIN))

    monkeypatch.setattr(Certifier, "proofs", sure)
    source = model_of()
    with pytest.raises(RuntimeError, match="flipped, though it was proven to stand"):
        compare(source, compress(source, buckets=4).model(), TEXTS)


def test_a_file_of_other_labels_is_refused_and_one_of_other_ngrams_has_no_certificate() -> None:
    source = model_of()
    with pytest.raises(ValueError, match=r"among 4 labels \(multiclass\), the file among 2 \(binary\)"):
        compare(source, compress(model_of("binary")).model(), TEXTS)
    other = dataclasses.replace(source, namespaces=(Namespace("words", token_pattern=r"\w+"),))
    report = compare(source, compress(other).model(), TEXTS)
    assert (report["certificate"], report["same_source"]) == (None, False)
    assert "read other n-grams" in report["certificate_reason"]


@pytest.mark.parametrize("options", [None, "words", {"buckets": 16}, {"buckets": "many", "range": "model", "check_bits": 8,
                                                                    "gamma": 1.0, "norm": "exact"}])  # fmt: skip
def test_a_file_that_does_not_say_how_it_was_made_is_refused(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = model_of()
    model = compress(source).model()
    facts = {**model.info(), "options": options}
    monkeypatch.setattr(type(model), "info", lambda self: facts)
    with pytest.raises(ValueError, match="does not say with which options it was made"):
        compare(source, model, TEXTS[:3])


def test_progress_counts_to_the_last_sample() -> None:
    seen: list[int] = []
    source = model_of()
    compare(source, compress(source).model(), TEXTS, progress=seen.append)
    assert seen[-1] == len(TEXTS)
    assert seen == sorted(seen)


def test_the_histogram_counts_every_weight(case: Any) -> None:
    source, _, _, report = case
    found = report["weights"]
    assert sum(found["counts"]) == np.count_nonzero(source.rows(0, source.n_features))
    assert sum(found["bucket_counts"]) + found["dropped"] == sum(found["counts"])
    assert found["edges"][0] < min(found["buckets"]) < max(found["buckets"]) < found["edges"][-1]
