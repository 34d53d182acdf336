"""The no-flip certificate: a certified label never flips, whatever the index lets pass, and the proofs are worth having."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Case

import nlucompress
from nlucompress import LinearModel, Model, compress
from nlucompress.certificate import CERTAIN, NONE, UNLESS, Proofs, certify, joined
from nlucompress.linear import Namespace, Step
from nlucompress.reference import Scorer, exact

options = st.fixed_dictionaries({
    "buckets": st.sampled_from([3, 16, 256]), "range": st.sampled_from(["model", "class"]),
    "check_bits": st.sampled_from([0, 0, 2, 8, 32]), "norm": st.sampled_from(["exact", "mean"]),
})  # fmt: skip
fewer = settings(max_examples=settings().max_examples // 2)


class Strange:
    """A table in which every n-gram that the source has not is found, as a feature drawn anew."""

    def __init__(self, model: Model, source: Any, seed: int, share: float) -> None:
        self._model, self._source, self._share = model, source, share
        self._rng = np.random.default_rng(seed)
        self.idf, self.rows = model.table.idf, model.table.rows

    def find(self, namespace: int, names: Any) -> Any:
        known = self._source.find(namespace, names) >= 0
        slots = self._model.table.find(namespace, names)
        if not self._model.n_features:
            return slots
        drawn = self._rng.integers(self._model.n_features, size=len(names))
        return np.where(known, slots, np.where(self._rng.random(len(names)) < self._share, drawn, -1))


def flipped(one: Any, other: Any) -> Any:
    """Which samples have another label, or set of labels."""
    unequal = np.asarray(one != other)
    return unequal if unequal.ndim == 1 else unequal.any(axis=1)


def three(proofs: Proofs) -> list[Any]:
    return [levels for levels in (proofs.errors, proofs.difference, proofs.largest) if levels is not None]


@given(strategies.cases(), options)
def test_a_certified_label_never_flips(case: Case, chosen: dict[str, Any]) -> None:
    compressed = compress(case.model, **chosen)
    model = compressed.model()
    proofs = certify(case.model, model, case.samples, compressed.report["max_error"])
    changed = flipped(exact(case.model).predict(case.samples), model.predict(case.samples))
    for levels in three(proofs):
        assert not (changed & (levels == CERTAIN)).any()
        assert not (changed & (levels >= UNLESS) & (proofs.passing == 0)).any()
    assert (proofs.difference >= proofs.errors).all()
    assert (proofs.passing <= proofs.unknown).all()


@fewer
@given(strategies.cases(), options, st.integers(0, 1 << 32), st.sampled_from([0.3, 1.0]))
def test_a_certain_label_stands_whatever_unknown_ngrams_pass_as(
    case: Case, chosen: dict[str, Any], seed: int, share: float
) -> None:
    model = compress(case.model, **chosen).model()
    proofs = certify(case.model, model, case.samples)
    source = exact(case.model)
    before = source.predict(case.samples)
    for draw in range(5):
        after = Scorer(model.frame, Strange(model, source.table, seed + draw, share)).predict(case.samples)
        for levels in three(proofs):
            assert not (flipped(before, after) & (levels == CERTAIN)).any()


@fewer
@given(strategies.cases())
def test_a_file_without_error_is_certified_wherever_there_is_no_tie(case: Case) -> None:
    """Two weights of float32 each need two buckets: nothing is lost, so a clear label is proven with the sizes alone."""
    few = np.random.default_rng(7).choice([0.0, 1.5], (case.model.n_features, case.model.n_columns))
    plain = dataclasses.replace(case.model, weights=few, idf=None, baseline=None, calibration=None)
    proofs = certify(plain, compress(plain, buckets=3).model(), case.samples)
    scores = exact(plain).decision_function(case.samples)
    if plain.task == "multiclass" and scores.shape[1] > 1:
        best = np.sort(scores, axis=1)
        clear = best[:, -1] - best[:, -2] > 1e-6
    else:
        clear = np.abs(scores.reshape(len(case.samples), -1)).min(axis=1) > 1e-6
    decided = np.array([not any(step.op == "binarize" for step in plain.steps)] * len(clear))  # near a threshold: none
    assert (proofs.errors[clear & decided] >= UNLESS).all()


def words(weights: Any, **fields: Any) -> LinearModel:
    """A model of the words a, b, c, …, without an intercept."""
    weights = np.asarray(weights, float)
    binary = weights.shape[1] == 1
    drawn: dict[str, Any] = {
        "namespaces": (Namespace("words", token_pattern=r"\w"),), "features": (list("abcdefgh"[: len(weights)]),),
        "weights": weights, "intercept": np.zeros(weights.shape[1]), "task": "binary" if binary else "multiclass",
        "classes": np.array(["no", "yes"]) if binary else np.array([f"class {i}" for i in range(weights.shape[1])]),
    }  # fmt: skip
    return LinearModel(**{**drawn, **fields})


def test_a_pairs_common_error_costs_nothing() -> None:
    """Both classes' weights of a lose 0.4; the margin between them stays, and the pair's errors prove it."""
    source = words([[1.4, 1.3, 0.0], [-8.0, 8.0, 0.0]])
    file = compress(words([[1.0, 0.9, 0.0], [-8.0, 8.0, 0.0]]), buckets=256, check_bits=32).model()
    error = np.abs(source.rows(0, 2) - np.array([[1.0, 0.9, 0.0], [-8.0, 8.0, 0.0]])).max()
    assert error > 0.1 / 2  # more than the margin bears, if the two errors were counted apart
    assert certify(source, file, ["a"]).errors.tolist() == [CERTAIN]


def test_errors_of_opposite_signs_are_proven_by_their_difference_only() -> None:
    source = words([[0.5], [1.0], [1.0]])
    file = compress(words([[0.5], [1.5], [0.5]]), buckets=256, check_bits=32).model()
    proofs = certify(source, file, ["b c", "b b b c c c a"])
    assert proofs.errors.tolist() == [CERTAIN, CERTAIN]
    proofs = certify(words([[0.1], [0.3], [0.3]]), file, ["b c"])
    assert (proofs.errors.tolist(), proofs.difference.tolist()) == ([NONE], [CERTAIN])


def test_an_unknown_ngram_is_no_danger_to_a_label_with_a_large_margin() -> None:
    model = words([[1.0], [-1.0]])
    file = compress(model, check_bits=0).model()
    proofs = certify(model, file, ["a a a x", "a x", "a x y", "a"])
    assert proofs.errors.tolist() == [CERTAIN, UNLESS, UNLESS, CERTAIN]
    assert proofs.unknown.tolist() == [1, 1, 2, 0]
    assert (proofs.passing[:3] > 0).all()  # without check bits, two features of one level let every n-gram pass


def test_only_a_word_that_really_passes_flips_an_unless_label() -> None:
    rng = np.random.default_rng(5)
    features = [f"w{i}" for i in range(50)]
    source = words(rng.standard_normal((50, 3)), features=(features,),
                   namespaces=(Namespace("words", token_pattern=r"\w+"),))  # fmt: skip
    file = compress(source, check_bits=1).model()
    texts = [f"w{a} w{b} new{a}{b}" for a in range(50) for b in range(12)]
    proofs = certify(source, file, texts)
    changed = flipped(exact(source).predict(texts), file.predict(texts))
    unless = proofs.difference == UNLESS
    assert changed.any()  # it happens
    assert unless[changed & (proofs.passing > 0)].any()
    assert not changed[unless & (proofs.passing == 0)].any()


def test_an_unknown_ngram_that_shrinks_all_values_by_the_norm_is_a_danger() -> None:
    """x as b, whose weights are all 0, takes a's value from 1 to 0.71: below the intercept."""
    source = words([[1.0], [0.0]], intercept=np.array([-0.9]), steps=(Step("norm", (0,), "l2"),))
    file = compress(source, check_bits=0).model()
    assert certify(source, file, ["a", "a x", "a a a x"]).errors.tolist() == [CERTAIN, UNLESS, CERTAIN]


def test_an_unknown_ngram_that_moves_a_value_over_a_threshold_is_a_danger() -> None:
    steps = Step("norm", (0,), "l2"), Step("binarize", (0,), value=0.8)
    source = words([[2.0], [0.0]], intercept=np.array([-0.9]), steps=steps)
    file = compress(source, check_bits=0).model()
    assert certify(source, file, ["a", "a x", "a a a x"]).errors.tolist() == [CERTAIN, UNLESS, CERTAIN]


def test_a_negative_scale_turns_what_an_unknown_ngram_does() -> None:
    """a says yes by 2 a time, and x as b says no by 6."""
    source = words([[-1.0], [3.0]], steps=(Step("scale", (0,), value=-2.0),))
    file = compress(source, check_bits=0).model()
    proofs = certify(source, file, ["a a x", "a a a x", "a a a a x", "b x"])
    assert proofs.errors.tolist() == [UNLESS, UNLESS, CERTAIN, CERTAIN]


def test_the_worst_row_is_the_worst_for_this_label() -> None:
    """x as b moves class 1 ahead of class 0 by 2, though no row holds more than 1; x as c moves class 2 by 1 only."""
    source = words([[1.0, 0.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    file = compress(source, check_bits=0).model()
    proofs = certify(source, file, ["a a x", "a a a x", "c c x", "c c c x"])
    assert proofs.errors.tolist() == [UNLESS, CERTAIN, CERTAIN, CERTAIN]


def test_ties_are_not_certified() -> None:
    source = words([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    proofs = certify(source, compress(source).model(), ["a", "b", ""])
    assert proofs.errors.tolist() == proofs.difference.tolist() == [NONE, CERTAIN, NONE]
    binary = words([[1.0], [-1.0]])
    assert certify(binary, compress(binary).model(), ["a b", ""]).difference.tolist() == [NONE, NONE]


def test_a_tie_to_the_last_bit_is_not_certified() -> None:
    """0.1 + 0.2 - 0.3 is 5.6e-17 in one order and 0 in another."""
    source = words([[0.1], [0.2], [-0.3]])
    file = compress(words(source.rows(0, 3).astype(np.float32))).model()
    assert certify(source, compress(source).model(), ["a b c"]).difference.tolist() == [NONE]
    assert certify(source, file, ["a b c"]).difference.tolist() == [NONE]


def test_the_largest_error_alone_proves_less_and_not_in_the_mean_norm() -> None:
    rng = np.random.default_rng(2)
    l2 = (Step("norm", (0,), "l2"),)
    source = words(rng.standard_normal((8, 3)) * (rng.random((8, 3)) < 0.5), steps=l2)
    texts = [f"{a} {b} {c}" for a in "abcdefgh" for b in "abcd" for c in "efgh"]
    for buckets in (8, 16, 64, 256):
        compressed = compress(source, buckets=buckets, check_bits=32)
        proofs = certify(source, compressed.model(), texts, compressed.report["max_error"])
        assert proofs.largest is not None
        assert (proofs.largest <= proofs.difference).all()
        shares = [(levels >= UNLESS).mean() for levels in three(proofs)]
        assert shares[2] <= shares[0] <= shares[1]
        if buckets == 256:
            assert shares[2] > 0.9
    mean = compress(words(np.round(source.rows(0, 8)), steps=l2), norm="mean")
    assert mean.model().frame.namespaces != source.namespaces
    assert certify(source, mean.model(), texts, 0.5).largest is None


def test_in_the_mean_norm_what_the_norm_does_to_all_features_costs_nothing() -> None:
    """Without c, which has no weight, a text's norm shrinks: all values grow by one factor, and the label stands."""
    source = words([[1.0, -1.0, 0.0], [0.5, 0.75, 0.0], [0.0, 0.0, 0.0]], steps=(Step("norm", (0,), "l2"),),
                   idf=np.array([1.0, 1.5, 9.0]))  # fmt: skip
    compressed = compress(source, norm="mean", check_bits=32)
    assert compressed.kept.tolist() == [True, True, False]
    assert certify(source, compressed.model(), ["a c c c", "b c"]).errors.tolist() == [CERTAIN, CERTAIN]


def test_in_the_mean_norm_a_label_that_its_norm_flips_is_not_certified() -> None:
    """c weighs nothing, but 9 in the norm; in the file it counts as e does, 1, so a's value grows beyond the intercept."""
    source = words([[-1.0], [0.0], [0.0]], features=(["a", "c", "e"],), intercept=np.array([0.5]),
                   idf=np.array([1.0, 9.0, 1.0]), steps=(Step("norm", (0,), "l2"),))  # fmt: skip
    file = compress(source, norm="mean", check_bits=32).model()
    assert (exact(source).predict(["a c"])[0], file.predict(["a c"])[0]) == ("yes", "no")
    proofs = certify(source, file, ["a c", "a"])
    assert proofs.errors.tolist() == proofs.difference.tolist() == [NONE, CERTAIN]


def test_a_value_near_a_threshold_is_not_certified() -> None:
    steps = Step("norm", (0,), "l2"), Step("binarize", (0,), value=np.sqrt(0.5))
    source = words([[1.0], [-0.5]], steps=steps, intercept=np.array([-0.25]))
    file = compress(source, check_bits=32).model()
    assert certify(source, file, ["a b", "a a b", "b b b"]).errors.tolist() == [NONE, CERTAIN, CERTAIN]


def test_a_vanishing_logarithm_is_not_certified() -> None:
    """1 + ln v cancels out at v = 1/e: what is left, normed to 1, is a rounding error."""
    space = Namespace("d", analyzer="dict", tf="log")
    source = words([[1.0], [-1.0]], namespaces=(space,), steps=(Step("norm", (0,), "l2"),))
    file = compress(source).model()
    odd = float(np.nextafter(1 / np.e, 1))
    assert abs(exact(source).decision_function([{"a": odd}])[0]) == 1.0
    assert certify(source, file, [{"a": odd}, {"a": 0.5}]).errors.tolist() == [NONE, CERTAIN]


VANISHING = next(v for v in np.nextafter(1 / np.e, 1) + np.spacing(0.3) * np.arange(-9, 9) if 1 + np.log(v) == 0)
ULP = 2.0**-53  # of 1 + ln v near v = 1/e: another logarithm, right to the last bit but one, may say it instead of 0


@pytest.mark.parametrize("normed", [False, True])
def test_a_logarithm_that_vanishes_exactly_is_not_certified(normed: bool) -> None:
    """Where it is an ulp instead of 0, a's weight of 2^23 counts more than the intercept; and the norm makes it 1."""
    space = Namespace("d", analyzer="dict", tf="log")
    source = words([[-(2.0**23)], [0.0]], namespaces=(space,), intercept=np.array([2.0**-31]),
                   steps=(Step("norm", (0,), "l2"),) if normed else ())  # fmt: skip
    assert ULP * 2.0**23 > 2.0**-31
    proofs = certify(source, compress(source, check_bits=32).model(), [{"a": VANISHING}, {}])
    assert [levels.tolist() for levels in three(proofs)] == [[NONE, CERTAIN]] * 2


def test_an_unknown_ngram_whose_logarithm_vanishes_is_a_danger() -> None:
    """Where it is an ulp instead of 0, it takes 2^23 ulps from the score if it passes as a."""
    space = Namespace("d", analyzer="dict", tf="log")
    source = words([[-(2.0**23)]], namespaces=(space,), intercept=np.array([2.0**-31]))
    file = compress(source, check_bits=0).model()
    assert certify(source, file, [{"x": VANISHING}, {}]).errors.tolist() == [UNLESS, CERTAIN]


@pytest.mark.parametrize(("off", "proven"), [(1e-9, NONE), (1e-3, CERTAIN)])
def test_what_a_logarithm_loses_by_cancellation_is_counted(off: float, proven: int) -> None:
    """1 + ln v is 1e-5, and wrong by 1e-16, which is 1e-11 of it; the score is the difference to a constant near it."""
    space = Namespace("d", analyzer="dict", tf="log")
    count = float(np.exp(1e-5 - 1))
    source = words([[1.0]], namespaces=(space,), intercept=np.array([-(1 + np.log(count)) * (1 - off)]))
    assert certify(source, compress(source, check_bits=32).model(), [{"a": count}]).errors.tolist() == [proven]


def test_a_model_of_one_class_is_certain() -> None:
    source = words([[1.0], [2.0]], task="multiclass", classes=np.array(["only"]))
    assert certify(source, compress(source).model(), ["a", "x"]).errors.tolist() == [CERTAIN, CERTAIN]


def test_no_samples_no_proofs() -> None:
    source = words([[1.0], [2.0]])
    proofs = certify(source, compress(source).model(), [])
    assert len(proofs.errors) == len(proofs.unknown) == 0
    assert len(joined([]).difference) == 0


def test_extremes_of_classes_bound_what_those_of_pairs_do(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(11)
    source = words(rng.standard_normal((8, 5)))
    file = compress(source, check_bits=0).model()
    texts = [f"{a} {a} {a} {a} {b} x" for a in "abcdefgh" for b in "abcdefgh"]
    by_pair = certify(source, file, texts).errors
    monkeypatch.setattr("nlucompress.certificate.CELLS", 24)
    by_class = certify(source, file, texts).errors
    assert (by_class <= by_pair).all()
    assert by_class.sum() < by_pair.sum()
    assert (by_class == CERTAIN).any()


def test_small_chunks_prove_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    source = words(np.random.default_rng(3).standard_normal((8, 4)))
    file = compress(source, buckets=16).model()
    texts = [f"{a} {b}" for a in "abcdefgh" for b in "abcdefghx"] * 3
    whole = certify(source, file, texts)
    monkeypatch.setattr("nlucompress.certificate.CELLS", 1)
    np.testing.assert_array_equal(certify(source, file, texts).errors, whole.errors)
    assert {NONE, UNLESS, CERTAIN} >= set(whole.errors.tolist()) > {NONE}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"namespaces": (Namespace("words", token_pattern=r"\w\w"),)}, "read other n-grams"),
        ({"classes": np.array(["no", "maybe"])}, "2 labels"),
    ],
)
def test_what_cannot_be_compared_is_refused(change: dict[str, Any], message: str) -> None:
    source = words([[1.0], [2.0]])
    with pytest.raises(ValueError, match=message):
        certify(dataclasses.replace(source, **change), nlucompress.compress(source).model(), ["a"])


def test_a_task_that_decides_otherwise_has_no_certificate() -> None:
    source = words([[1.0], [2.0]])
    file = compress(source).model()
    for side in (source, file.frame):
        object.__setattr__(side, "task", "tagging")
    with pytest.raises(ValueError, match="no certificate for a task 'tagging'"):
        certify(source, file, ["a"])
