"""What one set of answers costs against another on the same texts: accuracy, macro-F1, labels that differ; intervals.

Everything here counts outcomes: the right label, the original's and the compressed model's, of each text. Texts of equal
outcomes are interchangeable, so a resample of n texts is one draw of how often each distinct outcome occurs (multinomial):
the paired bootstrap without going through texts (Efron, Tibshirani: An Introduction to the Bootstrap, 1993, ch. 13).

An interval of a bootstrap has no width where nothing differed, and 200 texts without a flip do not prove that there is
none. So two texts are added to what is drawn from, as Bonett and Price do for Wald's interval of paired proportions
(Adjusted Wald confidence interval for a difference of binomial proportions based on paired data, J. Educ. Behav. Stat.
2012): one that the compressed model loses, one that it wins. The estimates themselves are plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .linear import Floats

Yardstick = Literal["accuracy", "macro-f1", "same-label"]
YARDSTICKS: tuple[Yardstick, ...] = ("accuracy", "macro-f1", "same-label")
RESAMPLES = 2000
CONFIDENCE = 0.95
PART = 256  # resamples at a time: bounds memory to PART times outcomes and classes

# (n,) int64 class numbers, -1 for a label that is no class; or (n, n_classes + 1) bool of a multilabel model, whose last
# column says that a label is no class.
Answers = npt.NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """Two models on the same texts, before and after compression.

    texts: how many. flips: share of texts whose label (or whole set of labels) differs. accuracy: (before, after), the
    shares of texts whose label, or whole set of labels, is right. macro_f1: (before, after), the mean F1 of the classes
    that are right for at least one text; both None without right labels.
    """

    texts: int
    flips: float
    accuracy: tuple[float, float] | None = None
    macro_f1: tuple[float, float] | None = None

    def loss(self, yardstick: Yardstick) -> float:
        """What compression costs, in points (hundredths): the fall of accuracy or macro-F1, or the share of flips."""
        pair = {"accuracy": self.accuracy, "macro-f1": self.macro_f1, "same-label": (self.flips, 0.0)}[yardstick]
        if pair is None:
            raise ValueError(f"yardstick {yardstick!r}: the texts have no right labels")
        return 100 * (pair[0] - pair[1])


def answers(labels: Sequence[Any] | npt.NDArray[Any], classes: npt.NDArray[Any], multilabel: bool) -> Answers:
    """Labels as numbers. Of a multilabel model, each is a list of labels.

    Raises ValueError with the sample's number for a label of the wrong kind.

    >>> answers(["stop", "play", "hum"], np.array(["play", "stop"]), multilabel=False).tolist()
    [1, 0, -1]
    >>> answers([["stop"], ["play", "hum"]], np.array(["play", "stop"]), multilabel=True).tolist()
    [[False, True, False], [True, False, True]]
    """
    numbers = {label: number for number, label in enumerate(classes.tolist())}
    values = [label.item() if isinstance(label, np.generic) else label
              for label in (labels.tolist() if isinstance(labels, np.ndarray) else labels)]  # fmt: skip
    for place, label in enumerate(values):
        wanted = (list, tuple) if multilabel else (str, int, float, type(None))
        if not isinstance(label, wanted):
            kind = "a list of labels" if multilabel else "a label: a text, a number, true or false"
            raise ValueError(f"label {label!r:.60} of sample {place} is not {kind}")
    if not multilabel:
        return np.array([numbers.get(label, -1) for label in values], np.int64)
    out = np.zeros((len(values), len(classes) + 1), bool)
    for place, several in enumerate(values):
        out[place, [numbers.get(label, -1) for label in several]] = True
    return out


def predicted(labels: npt.NDArray[Any], classes: npt.NDArray[Any], multilabel: bool) -> Answers:
    """What ``predict`` returned, as numbers: labels, or an indicator matrix of a multilabel model."""
    if multilabel:
        return np.pad(labels.astype(bool), ((0, 0), (0, 1)))
    return answers(labels, classes, multilabel=False)


def differ(one: Answers, other: Answers) -> npt.NDArray[np.bool_]:
    """Which texts have different answers: (n,) bool."""
    unequal = one != other
    return np.asarray(unequal if unequal.ndim == 1 else unequal.any(axis=1))


def compare(before: Answers, after: Answers, right: Answers | None, n_classes: int) -> Comparison:
    """Two models' answers to the same texts, and the right ones, or None.

    >>> compare(np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0, 1, 1]), n_classes=2).accuracy
    (1.0, 0.6666666666666666)
    """
    n = len(before)
    flips = float(differ(before, after).sum()) / max(n, 1)
    if right is None:
        return Comparison(n, flips)
    counts, outcomes = _outcomes(before, after, right, n_classes)
    accuracy, macro = _scores(counts[None, :].astype(np.float64), outcomes)
    return Comparison(
        n, flips, (float(accuracy[0, 0]), float(accuracy[1, 0])), (float(macro[0, 0]), float(macro[1, 0]))
    )


def intervals(
    before: Answers,
    after: Answers,
    right: Answers | None,
    n_classes: int,
    seed: int,
    yardsticks: Sequence[Yardstick] = YARDSTICKS,
    resamples: int = RESAMPLES,
) -> dict[Yardstick, tuple[float, float]]:
    """The 95 % interval of the loss by each yardstick, in points: percentiles of a paired bootstrap. See the module.

    The interval always holds the estimate. Without right labels there is "same-label" only.
    """
    estimate = compare(before, after, right, n_classes)
    rng = np.random.default_rng(seed)
    out: dict[Yardstick, tuple[float, float]] = {}
    if right is None:
        flips, n = estimate.flips * estimate.texts, estimate.texts
        drawn = {"same-label": 100 * rng.binomial(n, (flips + 2) / (n + 2), resamples) / max(n, 1)}
    else:
        drawn = _resampled(before, after, right, n_classes, rng, resamples, "macro-f1" in yardsticks)
    for yardstick in yardsticks:
        if yardstick in drawn:
            low, high = np.quantile(drawn[yardstick], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
            loss = estimate.loss(yardstick)
            out[yardstick] = (min(float(low), loss), max(float(high), loss))
    return out


def _resampled(before: Answers, after: Answers, right: Answers, n_classes: int, rng: np.random.Generator, resamples: int,
               macro: bool) -> dict[str, Floats]:  # fmt: skip
    """Losses in points of each resample."""
    n = len(before)
    counts, outcomes = _outcomes(before, after, right, n_classes)
    gold, share = outcomes[2], counts / max(n, 1)  # the two added texts are right as often as others
    none = np.zeros_like(gold)
    none[:, -1] = ~gold.any(axis=1)  # never right, also where no label is
    outcomes = tuple(
        np.concatenate(parts) for parts in zip(outcomes, (gold, none, gold), (none, gold, gold), strict=True)
    )
    weights = np.concatenate([counts, share, share])
    rows = [rng.multinomial(n, weights / weights.sum(), min(PART, resamples - done)).astype(np.float64)
            for done in range(0, resamples, PART)]  # fmt: skip
    flipped = (outcomes[0] != outcomes[1]).any(axis=1)
    parts: dict[str, list[Floats]] = {"accuracy": [], "macro-f1": [], "same-label": []}
    for drawn in rows:
        accuracy, f1 = _scores(drawn, outcomes, macro)
        parts["accuracy"].append(100 * (accuracy[0] - accuracy[1]))
        parts["macro-f1"].append(100 * (f1[0] - f1[1]))
        parts["same-label"].append(100 * (drawn @ flipped) / max(n, 1))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _outcomes(before: Answers, after: Answers, right: Answers, n_classes: int
              ) -> tuple[Floats, tuple[npt.NDArray[np.bool_], ...]]:  # fmt: skip
    """Distinct (before, after, right), as (n_outcomes, n_classes + 1) bool each, and how often each occurs."""
    if before.ndim == 1:
        size = n_classes + 1  # number -1 is the last
        codes = ((before % size) * size + after % size) * size + right % size
        distinct, counts = np.unique(codes, return_counts=True)
        numbers = distinct // size**2, distinct // size % size, distinct % size
        hot = np.zeros((3, len(distinct), size), bool)
        for one, number in zip(hot, numbers, strict=True):
            one[np.arange(len(distinct)), number] = True
        return counts.astype(np.float64), tuple(hot)
    rows = np.concatenate([before, after, right], axis=1)
    packed = np.packbits(rows, axis=1)
    keys = packed.view(f"S{packed.shape[1]}")[:, 0] if len(rows) else np.empty(0, "S1")
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    return counts.astype(np.float64), tuple(np.split(rows[first], 3, axis=1))


def _scores(counts: Floats, outcomes: tuple[npt.NDArray[np.bool_], ...], macro: bool = True) -> tuple[Floats, Floats]:
    """Accuracy and macro-F1, before and after, of each row of counts (m, n_outcomes): two (2, m) arrays.

    F1 of a class is 2·hits / (predicted + right); the mean is over the classes that a row has right labels of.
    """
    total = np.maximum(counts.sum(axis=1), 1)
    gold = outcomes[2]
    accuracy = np.stack([counts @ (given == gold).all(axis=1) / total for given in outcomes[:2]])
    if not macro:
        return accuracy, np.zeros_like(accuracy)
    support = (counts @ gold)[:, :-1]
    there = support > 0
    f1 = []
    for given in outcomes[:2]:
        hits, found = (counts @ (given & gold))[:, :-1], (counts @ given)[:, :-1]
        each = np.where(there, 2 * hits / np.maximum(support + found, 1), 0)
        f1.append(each.sum(axis=1) / np.maximum(there.sum(axis=1), 1))
    return accuracy, np.stack(f1)
