"""The search: what is chosen, what the front is, that the estimate is of texts it never saw, that it can be interrupted."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import strategies
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import nlucompress
from nlucompress import BudgetError, BuildError, LinearModel, SearchResult, compress, import_model, search
from nlucompress.cli import main
from nlucompress.linear import SparseRows
from nlucompress.measure import compare, predicted
from nlucompress.reference import exact
from nlucompress.search import _halves
from nlucompress.search.budget import Budget, Candidate, Judge, front, isotonic, share, size
from nlucompress.search.trials import State, Texts, Trials, key_of
from nlucompress.search.walk import SPACE, lighter, space_of, useful, walk

INTENTS = ("alarm", "call", "light", "play", "stop", "weather")


def sentences(seed: int, n: int) -> tuple[list[str], list[str]]:
    """Sentences of drawn words: those of an intent among those that all have, so that no model gets all right."""
    rng = np.random.default_rng(seed)
    labels = [INTENTS[i] for i in rng.integers(0, len(INTENTS), n)]
    texts = []
    for label in labels:
        words = [
            f"{label[:2]}{rng.integers(12)}" if rng.random() < 0.3 else f"w{rng.zipf(1.3) % 300}" for _ in range(6)
        ]
        texts.append(" ".join(words))
    return texts, labels


TEXTS, LABELS = sentences(1, 300)
PIPELINE = make_pipeline(TfidfVectorizer(), LinearSVC(random_state=0)).fit(*sentences(0, 400))
MODEL = import_model(PIPELINE)
SMALL: dict[str, Any] = {
    "space": {"buckets": (4, 8, 16, 256), "prune": (0.0, 0.03, 0.1), "check_bits": (0, 2, 8), "gamma": 1.0,
              "layout": "auto", "norm": "mean"},
    "candidates": 24,
}  # fmt: skip


@functools.cache
def cached(**options: Any) -> SearchResult:
    """A search of the model above, on its texts."""
    return find(**options)


FEW: dict[str, Any] = {**SMALL, "candidates": 8}  # where the search itself is not the question


def find(**options: Any) -> SearchResult:
    """As cached, anew."""
    return search(MODEL, (TEXTS, LABELS), **{**SMALL, **options})


# -- budgets and what is best under them --------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "value"), [("0.5%", 0.005), (" 12 % ", 0.12), ("100%", 1.0), (".1%", 0.001)])
def test_a_share_is_a_percentage(text: str, value: float) -> None:
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0.5", "", "%", "-1%", "101%", "1,5%", "nan%", "5 %%", "0.5% of it"])
def test_what_is_no_percentage_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a share of 0% to 100%, such as 0\.5%"):
        share(text)


@pytest.mark.parametrize(
    ("text", "value"), [("200KB", 200_000), ("1.5 MiB", 1_572_864), ("204800", 204_800), ("2mb", 2_000_000), ("9B", 9)]
)
def test_a_size_has_a_unit_or_is_in_bytes(text: str, value: int) -> None:
    assert size(text) == value


@pytest.mark.parametrize("text", ["", "KB", "-1KB", "0", "0.1B", "200 KBytes", "1e3", "200KB "[:-1] + "x"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size above 0, such as 200KB"):
        size(text)


@given(st.lists(st.tuples(st.integers(0, 8).map(float), st.integers(-9, 9).map(float)), min_size=1, max_size=20))
@settings(max_examples=30)
def test_the_usual_loss_is_the_isotonic_regression(pairs: list[tuple[float, float]]) -> None:
    found = isotonic(pairs)
    x, y = (np.array(column) for column in zip(*pairs, strict=True))
    wanted = IsotonicRegression().fit(x, y).predict(x)
    np.testing.assert_allclose([found[value] for value in x.tolist()], wanted, atol=1e-9)


figures = st.builds(
    lambda number, length, loss, flips, sure: Candidate(
        {"number": number}, length, loss / 4, flips / 400, loss / 4 + sure, flips / 400 + sure / 50
    ),
    st.integers(0, 1 << 40), st.integers(1, 12), st.integers(-4, 8), st.integers(0, 8), st.integers(0, 2),
)  # fmt: skip
budgets = st.builds(
    Budget, st.sampled_from([None, 0.0, 0.5, 1.0]), st.sampled_from([None, 0.0, 0.01]), st.sampled_from([None, 1, 5, 9]),
    sure=st.booleans(),
).filter(lambda budget: bool(str(budget)))  # fmt: skip


several = st.lists(figures, min_size=1, max_size=20, unique_by=lambda one: one.options["number"])


@given(several, budgets)
def test_the_chosen_is_on_the_front_and_the_front_is_pareto(tried: list[Candidate], budget: Budget) -> None:
    if not budget.sure:  # then the bad ends are the estimates
        tried = [dataclasses.replace(one, bad_loss=one.loss, bad_flips=one.flips) for one in tried]
    chosen = min(tried, key=Judge(budget, tried).rank)
    found = front(tried, chosen)

    def axes(one: Candidate) -> tuple[float, float, float]:
        return one.bytes, one.bad_loss, one.bad_flips

    def beats(one: Candidate, other: Candidate) -> bool:
        return axes(one) != axes(other) and all(a <= b for a, b in zip(axes(one), axes(other), strict=True))

    assert any(one is chosen for one in found)
    assert {axes(one) for one in found} == {axes(one) for one in tried if not any(beats(other, one) for other in tried)}
    assert len({axes(one) for one in found}) == len(found)
    assert [one.bytes for one in found] == sorted(one.bytes for one in found)


@given(several, budgets)
def test_the_best_holds_if_any_does_and_is_the_smallest_of_those(tried: list[Candidate], budget: Budget) -> None:
    judge = Judge(budget, tried)
    best = min(tried, key=judge.rank)
    holding = []
    for one in tried:
        loss, flips = judge.costs(one)
        fits = budget.target_size is None or one.bytes <= budget.target_size
        fits &= budget.max_loss is None or loss <= budget.max_loss + 1e-9
        fits &= budget.max_flips is None or flips <= budget.max_flips + 1e-9
        assert judge.holds(one) == fits
        assert loss >= (one.bad_loss if budget.sure else one.loss)
        holding += [one] if fits else []
    assert judge.holds(best) == bool(holding)
    if holding and (budget.max_loss is not None or budget.max_flips is not None):
        assert best.bytes == min(one.bytes for one in holding)
    elif holding:
        assert max(judge.costs(best)[0], 0) == min(max(judge.costs(one)[0], 0) for one in holding)
    elif budget.target_size is not None and all(one.bytes > budget.target_size for one in tried):
        assert best.bytes == min(one.bytes for one in tried)


# -- the walk ---------------------------------------------------------------------------------------------------------


def landscape(options: dict[str, Any]) -> Candidate:
    """A smooth made-up model: what options weigh and cost."""
    kind = 2 if options["range"] == "class" else 1
    threshold = max(
        options["prune"] / kind, 1 / (options["buckets"] * kind) if options["codebook"] == "even" else 0.003
    )
    weights = 1e6 * math.exp(-25 * threshold)
    bits = math.log2(options["buckets"]) * (0.7 if options["codebook"] == "even" else 0.8)
    features = 6e4 * math.exp(-12 * threshold)
    length = weights * (2 + bits) / 8 + features * (3 * options["gamma"] + options["check_bits"]) / 8
    if options["norm"] == "exact":
        length += (6e4 - features) * (3 + options["check_bits"]) / 8
    if options["layout"] == "fast":
        length *= 2
    flips = 300 * threshold**2 + 4 / options["buckets"] ** 1.5 + 0.8 * 2.0 ** -options["check_bits"]
    flips += 0.1 if options["norm"] == "mean" else 0
    return Candidate(options, int(length), flips / 3, flips / 100, flips / 3, flips / 100)


FEWER = {name: tuple(values[::3]) if len(values) > 3 else values for name, values in SPACE.items()}


@pytest.mark.parametrize(
    "budget",
    [
        Budget(max_loss=0.1),
        Budget(max_loss=0.4),
        Budget(max_flips=0.005),
        Budget(max_loss=0.4, target_size=350_000),
        Budget(target_size=150_000),
    ],
    ids=str,
)
def test_the_walk_comes_near_the_best_of_all_options(budget: Budget) -> None:
    every = [landscape(dict(zip(FEWER, values, strict=True))) for values in itertools.product(*FEWER.values())]
    tried = walk(landscape, FEWER, budget, 100)
    assert len(tried) <= 100 < len(every) / 10
    judge = Judge(budget, every)
    found, wanted = min(tried, key=judge.rank), min(every, key=judge.rank)
    assert judge.holds(found)
    if budget.max_loss is None and budget.max_flips is None:
        assert found.loss <= wanted.loss * 1.1
    else:
        assert found.bytes <= wanted.bytes * 1.15


def test_the_walk_tries_other_values_of_every_option() -> None:
    tried = walk(landscape, SPACE, Budget(max_loss=0.3), 100)
    assert all(len({one.options[name] for one in tried}) > 1 for name in SPACE)


fixed = st.fixed_dictionaries({}, optional={
    "buckets": st.sampled_from([7, [2, 200], 256]), "range": st.sampled_from(["class", ["model"]]),
    "codebook": st.sampled_from(["even", "kmeans"]), "prune": st.sampled_from([0.0, 0.3, [0.0, 0.01]]),
    "check_bits": st.sampled_from([0, 32, [3, 9]]), "gamma": st.sampled_from([1.0, 3.0]),
    "layout": st.sampled_from(["auto", "fast"]), "norm": st.sampled_from(["exact", "mean"]),
})  # fmt: skip


@given(fixed, st.integers(1, 60), budgets)
@settings(max_examples=25)
def test_the_walk_keeps_to_its_values_and_to_its_limit_and_repeats(
    given_: dict[str, Any], limit: int, budget: Budget
) -> None:
    space = space_of(given_)
    tried = walk(landscape, space, budget, limit)
    assert 1 <= len(tried) <= limit
    assert tried == walk(landscape, space, budget, limit)
    names = [json.dumps(one.options) for one in tried]
    assert len(set(names)) == len(names)
    for name, value in given_.items():
        allowed = value if isinstance(value, list) else [value]
        assert {one.options[name] for one in tried} <= set(allowed)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"bucket": 3}, "'bucket' is no option of compress: buckets, range"),
        ({"buckets": [4, 257]}, r"buckets: 257 is not in 2\.\.256"),
        ({"prune": 1.0}, "prune: 1.0"),
        ({"gamma": 0.5}, "gamma: 0.5"),
        ({"layout": "tiny"}, "layout: 'tiny'"),
        ({"norm": []}, "norm has no value"),
    ],
)
def test_values_that_compress_would_refuse_are_refused_at_once(space: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        find(max_loss=1.0, space=space)


# -- candidates are files -----------------------------------------------------------------------------------------------

every_option = st.fixed_dictionaries({
    "buckets": st.sampled_from([2, 3, 8, 40, 256]), "range": st.sampled_from(["model", "class"]),
    "codebook": st.sampled_from(["even", "kmeans"]), "prune": st.sampled_from([0.0, 0.004, 0.125]),
    "check_bits": st.sampled_from([0, 3, 8]), "gamma": st.sampled_from([1.0, 2.0]),
    "layout": st.sampled_from(["auto", "fast"]), "norm": st.sampled_from(["exact", "mean"]),
})  # fmt: skip


@given(strategies.cases(), every_option)
@settings(max_examples=20)
def test_a_candidate_has_the_size_and_the_answers_of_the_file(case: strategies.Case, options: dict[str, Any]) -> None:
    model, multilabel = case.model, case.model.task == "multilabel"
    if options["codebook"] == "kmeans" and not options["prune"]:
        options["prune"] = 0.004
    texts = Texts(case.samples, [key_of(sample) for sample in case.samples], None)
    before = predicted(exact(model).predict(case.samples), model.classes, multilabel)
    budget = Budget(max_flips=0.0, yardstick="same-label")
    light = lighter(model, SPACE)
    found = Trials(model, light, model.fingerprint(), texts, before, budget, 0, State(None, {}))(options)
    file = compress(model, **options)
    after = predicted(file.model().predict(case.samples), model.classes, multilabel)
    assert found.bytes == len(file.data)
    assert found.flips == compare(before, after, None, len(model.classes)).flips
    assert found.loss == pytest.approx(100 * found.flips)


def test_a_dense_model_is_searched_by_the_weights_that_a_candidate_may_keep() -> None:
    rng = np.random.default_rng(0)
    weights = rng.laplace(0, 1, MODEL.weights.shape) * (rng.random(MODEL.weights.shape) < 0.1)
    dense = dataclasses.replace(MODEL, weights=weights + rng.standard_normal(weights.shape) / 2000)
    light = lighter(dense, SPACE)
    assert isinstance(light.weights, SparseRows)
    assert len(light.weights.data) < dense.weights.size / 2
    assert lighter(dense, space_of({"prune": 0.0})) is dense  # k-means without a threshold keeps any


def test_options_that_make_no_difference_are_not_walked() -> None:
    counts = dataclasses.replace(MODEL, steps=())
    assert useful(SPACE, counts)["norm"] == ("exact",)
    assert useful(SPACE, MODEL) == SPACE
    binary = import_model(make_pipeline(CountVectorizer(), LinearSVC()).fit(["play it", "stop it"], [0, 1]))
    assert useful(SPACE, binary)["range"] == ("model",)


# -- what a search finds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"max_loss": 1.0},
        {"max_loss": 4.0, "yardstick": "macro-f1"},
        {"max_loss": 1.5, "yardstick": "same-label"},
        {"max_flips": "2%"},
        {"max_loss": 1.0, "max_flips": 0.05, "target_size": "100KB"},
        {"target_size": 7000},
        {"max_loss": 5.0, "sure": True},
    ],
    ids=str,
)
def test_the_chosen_file_holds_the_budget_on_the_searched_texts(options: dict[str, Any]) -> None:
    found = cached(**options)
    assert found.met
    searched, rest = halves(TEXTS, LABELS, found)
    loss, flips = cost(found, searched, found.budget.yardstick)
    assert (found.chosen.loss, found.chosen.flips) == pytest.approx((loss, flips))
    if found.budget.max_loss is not None:
        assert (found.chosen.bad_loss if found.budget.sure else loss) <= found.budget.max_loss
    if found.budget.max_flips is not None:
        assert flips <= found.budget.max_flips
    if found.budget.target_size is not None:
        assert found.chosen.bytes <= found.budget.target_size
    assert found.chosen.bytes == len(found.compressed.data)
    assert found.compressed.data == compress(PIPELINE, **found.chosen.options).data
    assert [one for one in found.front if one.chosen] == [found.chosen]
    loss, flips = cost(found, rest, found.budget.yardstick)
    assert (found.estimate.loss(found.budget.yardstick), found.estimate.flips) == pytest.approx((loss, flips))
    assert found.estimate.texts == found.held_out == len(rest)
    low, high = found.intervals[found.budget.yardstick]
    assert low <= loss <= high


def halves(texts: list[str], labels: list[str], found: SearchResult) -> tuple[list[int], list[int]]:
    """The places of the searched and of the held-out texts, found by their number alone: those that the state speaks of."""
    parts = _halves(Texts(texts, texts, labels), seed=int(found.split.split("seed ")[1]))
    assert (len(parts[0]), len(parts[1])) == (found.searched, found.held_out)
    return parts


def cost(found: SearchResult, places: list[int], yardstick: str) -> tuple[float, float]:
    """Loss in points and share of flips, by scikit-learn's pipeline and the file itself."""
    texts, right = [TEXTS[i] for i in places], np.array([LABELS[i] for i in places])
    before, after = PIPELINE.predict(texts), found.compressed.model().predict(texts)
    flips = float((before != after).mean())
    if yardstick == "accuracy":
        return 100 * float((before == right).mean() - (after == right).mean()), flips
    if yardstick == "macro-f1":
        f1 = [
            f1_score(right, one, labels=np.unique(right), average="macro", zero_division=0) for one in (before, after)
        ]
        return 100 * (f1[0] - f1[1]), flips
    return 100 * flips, flips


def test_a_larger_budget_gives_a_smaller_file_and_a_target_size_the_better_one() -> None:
    sizes = [cached(max_loss=loss).chosen.bytes for loss in (0.5, 1.0, 10.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    flips = [cached(target_size=target).chosen.flips for target in (3000, 6000, 30_000)]
    assert flips == sorted(flips, reverse=True)
    assert flips[0] > flips[-1]


def test_a_larger_sample_is_needed_to_be_sure() -> None:
    plain, sure = cached(max_loss=5.0), cached(max_loss=5.0, sure=True)
    assert sure.chosen.bytes > plain.chosen.bytes
    assert sure.chosen.bad_loss > sure.chosen.loss
    hopeless = find(max_loss=0.3, sure=True)
    assert not hopeless.met
    assert any("not even the original itself would hold: on 150 texts" in remark for remark in hopeless.remarks)


def test_the_held_out_texts_have_no_part_in_the_choice() -> None:
    one = cached(max_loss=1.0)
    searched, rest = halves(TEXTS, LABELS, one)
    labels = list(LABELS)
    for i in rest:
        labels[i] = "alarm" if labels[i] != "alarm" else "call"
    texts = list(TEXTS)
    data = [texts[i] for i in searched], [labels[i] for i in searched]
    held = [texts[i].upper() for i in rest], [labels[i] for i in rest]
    other = search(MODEL, data, held_out=held, max_loss=1.0, **SMALL)
    assert other.compressed.data == one.compressed.data
    assert other.front == one.front
    assert other.estimate != one.estimate


def test_the_search_never_scores_a_held_out_text_before_it_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    plain = nlucompress.Model.predict

    def predict(self: Any, samples: Any) -> Any:
        seen.append(set(samples))
        return plain(self, samples)

    monkeypatch.setattr(nlucompress.Model, "predict", predict)
    found = find(max_loss=1.0)
    rest = {TEXTS[i] for i in halves(TEXTS, LABELS, found)[1]}
    assert len(seen) == found.tried + 2
    assert all(not rest & texts for texts in seen[:-1])
    assert seen[-1] == rest


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_split() -> None:
    one, again, other = cached(max_loss=1.0), find(max_loss=1.0), find(max_loss=1.0, seed=1)
    assert again.compressed.data == one.compressed.data
    assert again.to_dict() == one.to_dict()
    assert halves(TEXTS, LABELS, other) != halves(TEXTS, LABELS, one)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y"])), min_size=2, max_size=30),
       st.integers(0, 99))  # fmt: skip
def test_no_text_is_on_both_sides_of_the_split(rows: list[tuple[str, str]], seed: int) -> None:
    texts = Texts([text for text, _ in rows], [text for text, _ in rows], [label for _, label in rows])
    if len(set(texts.keys)) < 2:
        with pytest.raises(ValueError, match="1 of them distinct: 2 are the least"):
            _halves(texts, seed)
        return
    one, other = _halves(texts, seed)
    assert sorted(one + other) == list(range(len(rows)))
    assert not {texts.keys[i] for i in one} & {texts.keys[i] for i in other}
    assert abs(len({texts.keys[i] for i in one}) - len({texts.keys[i] for i in other})) <= 1


def test_the_halves_are_alike_in_labels() -> None:
    found = cached(max_loss=1.0)
    counts = [np.unique([LABELS[i] for i in part], return_counts=True)[1] for part in halves(TEXTS, LABELS, found)]
    assert np.abs(counts[0] - counts[1]).max() <= 1


def test_held_out_samples_that_were_searched_are_left_out() -> None:
    found = search(MODEL, (TEXTS[:200], LABELS[:200]), held_out=(TEXTS[150:], LABELS[150:]), max_loss=1.0, **SMALL)
    fresh = [text for text in TEXTS[150:] if text not in TEXTS[:200]]
    assert (found.searched, found.held_out) == (200, len(fresh))
    assert any("held-out samples are among the searched ones and left out" in remark for remark in found.remarks)
    with pytest.raises(ValueError, match="all 9 held-out samples are among the searched ones"):
        search(MODEL, (TEXTS, LABELS), held_out=(TEXTS[:9], LABELS[:9]), max_loss=1.0)


def test_a_budget_that_cannot_be_met_has_the_closest_candidate_and_no_file_unless_asked(tmp_path: Path) -> None:
    found = find(max_loss=0.0, target_size=1000)
    assert not found.met
    assert found.chosen.bytes == min(one.bytes for one in found.front) > 1000
    with pytest.raises(
        BudgetError, match=r"holds at most 0 points of accuracy lost and at most 1,000 bytes; the closest"
    ):
        found.save(tmp_path / "model.nluc")
    assert not list(tmp_path.iterdir())
    found.save(tmp_path / "model.nluc", best_effort=True)
    assert (tmp_path / "model.nluc").stat().st_size == found.chosen.bytes


def test_a_result_prints_as_a_table_with_the_chosen_marked() -> None:
    found = cached(max_loss=1.0)
    text = repr(found)
    assert f"{found.chosen.bytes:,} bytes hold at most 1 points of accuracy lost" in text
    assert "150 texts; half of the 300 given, seed 0" in text
    assert "150 texts, which the search never saw" in text
    (marked,) = (line for line in text.splitlines() if line.lstrip().startswith(">"))
    assert f"{found.chosen.bytes:,}" in marked
    rows = [line for line in text.splitlines() if line.endswith("norm mean")]
    assert len(rows) == min(len(found.front), 16) + 1
    assert json.loads(json.dumps(found.to_dict()))["chosen"]["options"] == found.chosen.options


def test_progress_is_told_each_candidate() -> None:
    told: list[tuple[int, str]] = []
    found = find(max_loss=1.0, progress=lambda *words: told.append(words))
    assert [number for number, _ in told] == list(range(1, found.tried + 1))
    assert "bytes hold" in told[-1][1]


# -- other models and data ----------------------------------------------------------------------------------------------


def test_flips_and_sizes_need_no_labels() -> None:
    found = search(MODEL, (TEXTS, None), max_flips=0.02, **FEW)
    assert found.met
    assert found.budget.yardstick == "same-label"
    assert (found.estimate.accuracy, list(found.intervals)) == (None, ["same-label"])
    assert "accuracy" not in repr(found)
    assert search(MODEL, (TEXTS, None), target_size="5KB", **FEW).met


def test_a_multilabel_model_is_searched_by_its_sets_of_labels() -> None:
    targets = [sorted({label, *(["even"] if len(text) % 2 else [])}) for text, label in zip(TEXTS, LABELS, strict=True)]
    names = sorted({label for several in targets for label in several})
    hot = np.array([[name in several for name in names] for several in targets]).astype(int)
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LinearSVC(random_state=0))).fit(TEXTS, hot)
    model = dataclasses.replace(import_model(pipeline), classes=np.array(names))
    dev, _ = sentences(2, 120)
    gold = [[name for name, on in zip(names, row, strict=True) if on] for row in pipeline.predict(dev)]
    found = search(model, (dev, gold), max_loss=12.0, **FEW)
    assert found.met
    assert found.estimate.accuracy is not None
    assert found.estimate.accuracy[0] == 1.0
    assert found.chosen.bytes < len(compress(model).data)


def test_a_model_of_dictionaries_and_one_of_columns_are_searched_by_their_samples(tmp_path: Path) -> None:
    labels = LABELS[:100]
    rows = [{"first": text.split()[0], "words": text.split()[1:]} for text in TEXTS[:100]]
    pipeline = make_pipeline(DictVectorizer(), LogisticRegression()).fit(rows, labels)
    assert search(pipeline, (rows, labels), max_flips=0.1, **FEW).met
    frame = pd.DataFrame({"title": TEXTS[:100], "body": TEXTS[100:200]})
    columns = ColumnTransformer([("t", TfidfVectorizer(), "title"), ("b", TfidfVectorizer(), "body")])
    by_columns = make_pipeline(columns, LinearSVC(random_state=0)).fit(frame, labels)
    found = search(by_columns, (frame, labels), max_flips=0.1, **FEW)
    lines = [json.dumps({**row, "label": label}) for row, label in zip(frame.to_dict("records"), labels, strict=True)]
    (tmp_path / "dev.jsonl").write_text("\n".join(lines))
    assert found.met
    assert search(by_columns, tmp_path / "dev.jsonl", max_flips=0.1, **FEW).met


def test_a_binary_model_with_a_baseline_is_searched() -> None:
    binary = ["play" if label == "play" else "other" for label in LABELS]
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, binary)
    found = search(pipeline, (sentences(3, 100)[0], None), max_flips=0.05, **FEW)
    assert found.met


def test_labels_that_are_no_classes_count_as_wrong_and_are_remarked() -> None:
    labels = ["unheard of", *LABELS[1:]]
    found = search(MODEL, (TEXTS, labels), max_loss=1.0, **FEW)
    assert any("1 of 300 labels are no classes of the model and always count as wrong: 'unheard of'" in remark
               for remark in found.remarks)  # fmt: skip
    with pytest.raises(ValueError, match=r"no label of the data is a class of the model: the data has 1, …"):
        search(MODEL, (TEXTS, [1] * 300), max_loss=1.0)


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ((TEXTS, LABELS), {}, "a budget is missing"),
        ((TEXTS, LABELS), {"max_loss": -1.0}, r"max_loss: -1.0 is not in 0\.\.100"),
        ((TEXTS, LABELS), {"max_loss": float("nan")}, r"max_loss: nan is not in 0\.\.100"),
        ((TEXTS, LABELS), {"max_flips": 2.0}, r"max_flips: 2.0 is not in 0\.\.1"),
        ((TEXTS, LABELS), {"max_flips": "2"}, "such as 0.5%"),
        ((TEXTS, LABELS), {"target_size": 0}, "target_size: 0"),
        ((TEXTS, LABELS), {"target_size": "1 furlong"}, "such as 200KB"),
        ((TEXTS, LABELS), {"max_loss": 1.0, "yardstick": "bleu"}, "yardstick: 'bleu' is not one of 'accuracy'"),
        ((TEXTS, LABELS), {"max_loss": 1.0, "candidates": 0}, "candidates: 0 is below 1"),
        ((TEXTS, None), {"max_loss": 1.0}, "max_loss is held against right labels, and the samples have none"),
        ((TEXTS, None), {"target_size": 9999, "yardstick": "macro-f1"}, "right labels"),
        (TEXTS, {"max_flips": 0.1}, r"data: list, not a path or a pair \(samples, labels\)"),
        ((TEXTS, LABELS[:9]), {"max_loss": 1.0}, "300 samples and 9 labels"),
        (([], []), {"max_loss": 1.0}, "no samples"),
        ((["play"] * 9, ["play"] * 9), {"max_loss": 1.0}, "9 samples, 1 of them distinct"),
        (([3, 4], ["play"] * 2), {"max_loss": 1.0}, "sample 0: expected a text"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_reason(data: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        search(MODEL, data, **options)


# -- interrupted and resumed --------------------------------------------------------------------------------------------


def stop_after(count: int) -> Callable[[int, str], None]:
    def progress(number: int, words: str) -> None:
        if number == count:
            raise KeyboardInterrupt

    return progress


@given(st.integers(1, 20))
@settings(max_examples=3)
def test_a_search_that_was_interrupted_goes_on_and_ends_as_if_it_had_not(count: int) -> None:
    whole = cached(max_loss=1.0)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "search.state"
        with pytest.raises(KeyboardInterrupt):
            find(max_loss=1.0, state=state, progress=stop_after(count))
        assert len(state.read_text().splitlines()) == 1 + count
        again = find(max_loss=1.0, state=state)
    assert again.compressed.data == whole.compressed.data
    assert again.to_dict() == whole.to_dict()


def test_what_the_state_has_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "search.state"
    first = find(max_loss=1.0, state=state)
    size_before = state.stat().st_size
    monkeypatch.setattr(Trials, "_make", lambda *_: pytest.fail("tried again"))
    assert find(max_loss=1.0, state=state).to_dict() == first.to_dict()
    assert state.stat().st_size == size_before


def test_a_state_serves_other_budgets_and_yardsticks(tmp_path: Path) -> None:
    state = tmp_path / "search.state"
    find(max_loss=1.0, state=state)
    for options in ({"max_loss": 4.0, "yardstick": "macro-f1"}, {"max_loss": 5.0, "sure": True}):
        assert find(**options, state=state).to_dict() == cached(**options).to_dict()


def test_the_last_line_that_an_interruption_left_unfinished_is_dropped(tmp_path: Path) -> None:
    state = tmp_path / "search.state"
    whole = find(max_loss=1.0, state=state)
    complete = state.read_bytes()
    lines = complete.splitlines(keepends=True)
    state.write_bytes(b"".join(lines[:5]) + lines[5][:-9])
    assert find(max_loss=1.0, state=state).to_dict() == whole.to_dict()
    assert state.read_bytes() == complete


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('{"options"', 'nonsense\n{"options"', "line 2: damaged: not a JSON object"),
        ('{"options"', '[1]\n{"options"', "line 2: damaged: not a JSON object"),
        ('"bytes": ', '"bytes": -', "line 2: damaged: it is not a candidate's"),
        ('"gamma"', '"gamme"', "line 2: damaged: its options"),
        ('"changes": [', '"changes": [[9999, 0], ', "line 2: damaged: its changes are not of these texts"),
        ('"changes": [', '"changes": [[-1, 0], ', "line 2: damaged: its changes are not of these texts"),
        ('"changes": [', '"changes": [["a", 0], ', "line 2: damaged: its changes are not of these texts"),
        ('"changes": [', '"changes": [[0, 77], ', "line 2: damaged: its changes are not of these texts"),
        ('{"state"', 'notes of mine\n{"state"', "line 1: damaged"),
        ('{"state"', '{"status"', "not the state of a search"),
        ('"seed": 0', '"seed": 1', "its seed is 1, this one's 0"),
        ('"source": "', '"source": "0', "the state of another search: its source"),
        ('"version": "', '"version": "9', "the state of another search: its version"),
    ],
)
def test_a_damaged_or_foreign_state_is_an_error_and_stays_as_it_is(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    state = tmp_path / "search.state"
    find(max_loss=1.0, state=state, candidates=4)
    bad = state.read_text().replace(old, new, 1)
    assert bad != state.read_text()
    state.write_text(bad)
    with pytest.raises(ValueError, match=words) as raised:
        find(max_loss=1.0, state=state, candidates=4)
    assert "search.state" in str(raised.value)
    assert state.read_text() == bad


def test_the_state_of_other_data_is_refused(tmp_path: Path) -> None:
    find(max_loss=1.0, state=tmp_path / "search.state", candidates=5)
    with pytest.raises(ValueError, match="the state of another search: its data is"):
        search(MODEL, (TEXTS[1:], LABELS[1:]), max_loss=1.0, state=tmp_path / "search.state")


def test_a_multilabel_search_is_resumed_too(tmp_path: Path) -> None:
    targets = np.array([[label == "play", "w1" in text] for text, label in zip(TEXTS, LABELS, strict=True)]).astype(int)
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LinearSVC(random_state=0))).fit(TEXTS, targets)
    data = (sentences(4, 150)[0], None)
    whole = search(pipeline, data, max_flips=0.03, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        search(pipeline, data, max_flips=0.03, state=tmp_path / "s", progress=stop_after(20), **SMALL)
    assert search(pipeline, data, max_flips=0.03, state=tmp_path / "s", **SMALL).to_dict() == whole.to_dict()


# -- the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained pipeline, and data."""
    folder = tmp_path_factory.mktemp("search")
    joblib.dump(PIPELINE, folder / "pipeline.joblib")
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    (folder / "empty.jsonl").write_text("\n")
    (folder / "foreign.jsonl").write_text('{"text": "play", "label": "x"}\n{"text": "stop", "label": "y"}\n')
    return folder


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of compress with the pipeline above."""
    fast = ("--norm", "mean", "--candidates", "12", "--layout", "auto", "--gamma", "1")
    result = CliRunner().invoke(main, ["compress", str(folder / "pipeline.joblib"), *fast, *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command_writes_the_smallest_file_that_holds(folder: Path, tmp_path: Path) -> None:
    target, dev = tmp_path / "out.nluc", str(folder / "dev.jsonl")
    code, out, err = run(folder, "-o", str(target), "--data", dev, "--max-loss", "1", "--json")
    info = json.loads(out)
    assert code == 0
    assert info["search"]["met"]
    assert info["search"]["chosen"]["bytes"] == info["bytes"] == target.stat().st_size
    assert info["options"]["norm"] == "mean"
    assert err == "".join(f"remark: {remark}\n" for remark in info["search"]["remarks"])
    python = search(folder / "pipeline.joblib", dev, max_loss=1.0, candidates=12,
                    space={"norm": "mean", "layout": "auto", "gamma": 1.0})  # fmt: skip
    assert target.read_bytes() == python.compressed.data
    code, out, _ = run(folder, "-o", str(target), "--data", dev, "--max-loss", "1", "--force")
    assert code == 0
    assert "150 texts, which the search never saw" in out
    assert f"{target}: {target.stat().st_size:,} bytes" in out


def test_options_that_are_given_are_fixed(folder: Path) -> None:
    code, out, _ = run(folder, "--dry-run", "--data", str(folder / "dev.jsonl"), "--max-loss", "3", "--check-bits", "8",
                       "--range", "class", "--json")  # fmt: skip
    assert code == 0
    assert {(one["options"]["check_bits"], one["options"]["range"]) for one in json.loads(out)["search"]["front"]} == {
        (8, "class")
    }


def test_a_budget_that_cannot_be_met_exits_with_3_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    arguments = ("-o", str(tmp_path / "out.nluc"), "--data", str(folder / "dev.jsonl"), "--target-size", "900B")
    code, out, err = run(folder, *arguments)
    assert code == 3
    assert not list(tmp_path.iterdir())
    assert "Error: no candidate of" in err
    assert "the closest has" in err
    assert "--best-effort" in err
    assert "come closest to at most 900 bytes" in out
    code, _, err = run(folder, *arguments, "--best-effort")
    assert code == 0
    assert "remark: no candidate of" in err
    assert nlucompress.load(tmp_path / "out.nluc", verify="full").predict(["play"]).shape == (1,)


def test_sure_asks_for_more_than_the_estimate(folder: Path) -> None:
    arguments = ("--dry-run", "--data", str(folder / "dev.jsonl"), "--max-loss", "1")
    assert run(folder, *arguments)[0] == 0
    code, _, err = run(folder, *arguments, "--sure")
    assert code == 3
    assert "not even the original itself would hold" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--max-flips", "0.5", "--data", "{}/dev.jsonl"], 2, "'0.5' is not a share of 0% to 100%, such as 0.5%"),
        (["--target-size", "lots", "--data", "{}/dev.jsonl"], 2, "'lots' is not a size"),
        (["--max-loss", "-1", "--data", "{}/dev.jsonl"], 2, "-1"),
        (["--max-loss", "1"], 2, "A budget is measured on data: give --data"),
        (["--sure", "--resume", "x"], 2, "--sure, --resume, --candidates: a search needs a budget"),
        (["--held-out", "{}/dev.jsonl", "--data", "{}/dev.jsonl"], 2, "a search needs a budget"),
        (["--max-loss", "1", "--data", "{}/texts.jsonl"], 1, "line 1: no field 'label'"),
        (["--max-loss", "1", "--data", "{}/empty.jsonl"], 1, "no line with a text"),
        (["--max-flips", "1%", "--data", "{}/empty.jsonl"], 1, "no line with a text"),
        (["--max-loss", "1", "--data", "{}/missing.jsonl"], 1, "No such file"),
        (["--max-loss", "1", "--data", "{}/foreign.jsonl"], 1, "no label of the data is a class of the model"),
        (["--max-loss", "1", "--data", "{}/dev.jsonl", "--resume", "{}/dev.jsonl"], 1, "not the state of a search"),
        (["--max-loss", "1", "--data", "{}/dev.jsonl", "--held-out", "{}/dev.jsonl"], 1, "among the searched ones"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)  # fmt: skip
def test_misuse_of_a_budget_has_its_exit_code_and_message(
    folder: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    before = (folder / "dev.jsonl").read_bytes()
    target = tmp_path / "out.nluc"
    got, out, err = run(folder, "-o", str(target), *(argument.format(folder) for argument in arguments))
    assert (got, out) == (code, "")
    assert words in err
    assert not target.exists()
    assert (folder / "dev.jsonl").read_bytes() == before


def test_texts_without_labels_are_enough_for_flips(folder: Path) -> None:
    code, out, _ = run(folder, "--dry-run", "--data", str(folder / "texts.jsonl"), "--max-flips", "2%")
    assert code == 0
    assert "labels flipped" in out
    assert "accuracy" not in out


def test_an_interrupted_command_says_how_to_go_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (
        "--dry-run",
        "--data",
        str(folder / "dev.jsonl"),
        "--max-loss",
        "1",
        "--resume",
        str(tmp_path / "state"),
    )
    plain, calls = Trials.__call__, []

    def interrupted(self: Trials, options: Any) -> Candidate:
        calls.append(options)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return plain(self, options)

    monkeypatch.setattr(Trials, "__call__", interrupted)
    code, _, err = run(folder, *arguments)
    assert code == 1
    assert f"the same command goes on from what {tmp_path / 'state'} keeps" in err
    monkeypatch.undo()
    assert len((tmp_path / "state").read_text().splitlines()) == 7
    resumed = run(folder, *arguments)
    assert resumed[0] == 0
    assert resumed[1] == run(folder, *arguments[:-2])[1]


def test_data_without_a_budget_says_what_compressing_cost(folder: Path) -> None:
    result = CliRunner().invoke(main, ["compress", str(folder / "pipeline.joblib"), "--dry-run", "--data",
                                       str(folder / "dev.jsonl"), "--buckets", "8"])  # fmt: skip
    assert result.exit_code == 0
    assert "what it cost" in result.stdout
    assert "accuracy after" in result.stdout


def test_a_dense_linear_model_and_its_search_agree() -> None:
    model = LinearModel(MODEL.namespaces, MODEL.features, np.random.default_rng(1).standard_t(3, MODEL.weights.shape),
                        np.zeros(len(INTENTS)), np.array(INTENTS), idf=MODEL.idf, steps=MODEL.steps)  # fmt: skip
    found = search(model, (TEXTS, None), max_flips=0.03, candidates=50)
    assert found.met
    assert found.compressed.data == compress(model, **found.chosen.options).data
    searched = halves(TEXTS, None, found)[0]  # type: ignore[arg-type]
    texts = [TEXTS[i] for i in searched]
    assert found.chosen.flips == float((exact(model).predict(texts) != found.compressed.model().predict(texts)).mean())


def test_a_build_error_is_the_searchs_error() -> None:
    with pytest.raises(BuildError, match="check_bits: 33"):
        find(max_loss=1.0, space={"check_bits": 33})
