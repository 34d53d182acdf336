"""Accuracy, macro-F1, flips and their intervals, beside scikit-learn's figures and a bootstrap that goes through texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from nlucompress.measure import YARDSTICKS, answers, compare, differ, intervals, predicted

CLASSES = np.array(["call", "light", "play", "stop"])


def several(seed: int, n: int, multilabel: bool, error: float = 0.3) -> tuple[Any, Any, Any]:
    """Right, before and after: labels that agree mostly, and are no class here and there."""
    rng = np.random.default_rng(seed)
    if multilabel:
        right = rng.random((n, 4)) < 0.4
        return (right, *(right ^ (rng.random((n, 4)) < error / 4) for _ in range(2)))
    right = rng.integers(0, 4, n)
    given = [np.where(rng.random(n) < error, rng.integers(0, 4, n), right) for _ in range(2)]
    return (np.where(rng.random(n) < 0.05, -1, right), *given)


def padded(labels: Any) -> Any:
    return np.pad(labels, ((0, 0), (0, 1))) if labels.ndim == 2 else labels


@given(st.integers(0, 1 << 32), st.integers(1, 60), st.booleans())
@settings(max_examples=30)
def test_accuracy_and_macro_f1_are_scikit_learns(seed: int, n: int, multilabel: bool) -> None:
    right, before, after = several(seed, n, multilabel)
    found = compare(padded(before), padded(after), padded(right), 4)
    there = np.flatnonzero(right.any(axis=0)) if multilabel else np.unique(right[right >= 0])
    for place, given_ in enumerate((before, after)):
        assert found.accuracy is not None
        assert found.macro_f1 is not None
        assert found.accuracy[place] == pytest.approx(accuracy_score(right, given_))
        f1 = f1_score(right, given_, labels=there, average="macro", zero_division=0) if len(there) else 0.0
        assert found.macro_f1[place] == pytest.approx(f1)
    assert found.flips == pytest.approx((differ(before, after)).mean())
    assert found.loss("accuracy") == pytest.approx(100 * (found.accuracy[0] - found.accuracy[1]))
    assert found.loss("same-label") == pytest.approx(100 * found.flips)


def test_without_right_labels_there_are_flips_alone() -> None:
    found = compare(np.array([0, 1]), np.array([0, 0]), None, 2)
    assert (found.flips, found.accuracy, found.loss("same-label")) == (0.5, None, 50.0)
    with pytest.raises(ValueError, match="yardstick 'accuracy': the texts have no right labels"):
        found.loss("accuracy")
    assert list(intervals(np.array([0, 1]), np.array([0, 0]), None, 2, seed=0)) == ["same-label"]


def test_labels_become_numbers_and_those_of_no_class_are_marked() -> None:
    assert answers(["stop", "hum", "call"], CLASSES, multilabel=False).tolist() == [3, -1, 0]
    assert answers(np.array([1.0, 7.0]), np.array([0, 1]), multilabel=False).tolist() == [1, -1]
    assert answers([np.str_("stop"), np.int64(3)], CLASSES, multilabel=False).tolist() == [3, -1]
    assert answers([["stop", "hum"], []], CLASSES, multilabel=True).tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]
    assert predicted(CLASSES[[2, 0]], CLASSES, multilabel=False).tolist() == [2, 0]
    assert predicted(np.array([[0, 1]]), np.arange(2), multilabel=True).tolist() == [[False, True, False]]


@pytest.mark.parametrize(("label", "multilabel"), [(["stop"], False), ({"a": 1}, False), ("stop", True), (3, True)])
def test_a_label_of_the_wrong_kind_is_named_with_its_sample(label: Any, multilabel: bool) -> None:
    good: Any = ["stop"] if multilabel else "stop"
    with pytest.raises(ValueError, match=r"label .* of sample 1 is not"):
        answers([good, label], CLASSES, multilabel)


# -- intervals --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 1 << 32), st.integers(1, 40), st.booleans(), st.sampled_from([0.0, 0.1, 0.6]))
def test_an_interval_holds_its_estimate_and_repeats_under_its_seed(
    seed: int, n: int, multilabel: bool, error: float
) -> None:
    right, before, after = (padded(labels) for labels in several(seed, n, multilabel, error))
    found, ends = compare(before, after, right, 4), intervals(before, after, right, 4, seed=1, resamples=300)
    assert ends == intervals(before, after, right, 4, seed=1, resamples=300)
    for yardstick in YARDSTICKS:
        low, high = ends[yardstick]
        assert low <= found.loss(yardstick) <= high
    assert 0 <= ends["same-label"][0] <= ends["same-label"][1] <= 100


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_interval_is_that_of_a_bootstrap_through_the_texts(multilabel: bool) -> None:
    right, before, after = (padded(labels) for labels in several(5, 1500, multilabel))
    ends = intervals(before, after, right, 4, seed=2, resamples=2000)
    rng = np.random.default_rng(3)
    drawn: dict[str, list[float]] = {yardstick: [] for yardstick in YARDSTICKS}
    for _ in range(150):
        at = rng.integers(0, len(right), len(right))
        again = compare(before[at], after[at], right[at], 4)
        for yardstick in YARDSTICKS:
            drawn[yardstick].append(again.loss(yardstick))
    for yardstick in YARDSTICKS:
        np.testing.assert_allclose(ends[yardstick], np.quantile(drawn[yardstick], [0.025, 0.975]), atol=0.6)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    covered = {"accuracy": 0, "same-label": 0}
    rounds, lost, won = 200, 0.03, 0.01
    for _ in range(rounds):
        draw = rng.random(400)
        right, after = np.zeros(400, np.int64), np.where(draw < lost, 1, 0)
        before = np.where((draw >= lost) & (draw < lost + won), 1, 0)
        ends = intervals(before, after, right, 2, seed=0, yardsticks=["accuracy", "same-label"], resamples=500)
        covered["accuracy"] += ends["accuracy"][0] <= 100 * (lost - won) <= ends["accuracy"][1]
        covered["same-label"] += ends["same-label"][0] <= 100 * (lost + won) <= ends["same-label"][1]
    assert all(0.92 <= count / rounds <= 0.995 for count in covered.values()), covered


@pytest.mark.parametrize("labelled", [False, True])
def test_no_flip_among_a_few_texts_does_not_prove_that_there_is_none(labelled: bool) -> None:
    width = []
    for n in (50, 500, 5000):
        same = np.arange(n) % 4
        ends = intervals(same, same, same if labelled else None, 4, seed=0)
        assert ends["same-label"][1] > 100 * 2 / n  # exact binomial bad end: 3.69 / n
        assert all(high > 0 for _, high in ends.values())
        width.append(ends["same-label"][1])
    assert width == sorted(width, reverse=True)
    assert width[-1] < 0.2
