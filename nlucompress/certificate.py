"""The no-flip certificate: which labels cannot have changed, proven from the errors of the weights.

Let x be a text's feature values, w_a and w_b the weights of two classes and ŵ_a, ŵ_b those of the file. Compression
changes the margin between the two by at most Σ |x_f| · |(w_fa - ŵ_fa) - (w_fb - ŵ_fb)|, so where the margin of the
source's label over every other class is larger, the label stands. That is the triangle inequality on a linear score; the
errors of a pair are taken together, because what both classes share cancels out. The file's values x̂ may differ from the
source's (idf is stored as float32; in the mean norm the norm itself is another): where the file has the feature, both the
margin and the error are taken with x̂, so what a norm does to all features of a text alike costs nothing; where it has not,
ŵ is 0.

What a proof may use decides how much it proves. There are three:

``errors``      the formula above: the size of every error, as if all pushed the same way;
``difference``  the errors with their signs, so the margin that is left;
``largest``     the largest error of any weight alone: the file's margin > (error of a + error of b) · Σ |x_f|. It needs
                the file's scores and the text's values only, so that a device can tell without the source. Exact norm only.

Unknown n-grams are those that are no features of the source. One in 2^check_bits is found all the same, and its text then
gets some feature's idf and row. A label is ``certain`` if it stands whichever unknown n-grams pass as whichever features:
each then moves the margin by at most its frequency times the worst row of the file, and a norm by what the smallest and
the largest idf can make of it. It is certain ``unless`` one passes if it stands without them. (A feature that the file
dropped is looked up in the file: what comes of it is a known error, no risk.)

A proof holds for sums in double precision in any order: a margin counts only beyond a bound of all rounding errors (Higham:
Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), so a tie is never certified. Every decision of a
LinearModel is the largest score, or the sign of one, after an affine calibration; so each can have a certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .linear import Floats, Integers, LinearModel, Namespace, Step
from .reference import Frame, NameTable, Ngrams, Scorer, Table, batches, frequencies
from .runtime import Model

NONE, UNLESS, CERTAIN = 0, 1, 2
Levels = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
UNIT = 2.0**-53  # of rounding, in double precision
SAFE = (1e-140, 1e140)  # values whose squares neither vanish nor overflow
MOST_STRETCH = 1e6  # of the rounding error of an unknown n-gram's 1 + ln v, which is 0 near v = 1/e
CELLS = 1 << 22  # numbers in the largest arrays: bounds memory to about 200 MB


@dataclass(frozen=True, eq=False)
class Proofs:
    """What is proven of each sample's label: NONE (0), UNLESS (1: unless an unknown n-gram passes) or CERTAIN (2).

    errors, difference: (n_samples,) uint8, the proofs of that name. largest: (n_samples,) uint8, NONE or UNLESS; None where
    that proof is not to be had. unknown: (n_samples,) int64, n-grams of the sample that are no features of the source;
    passing: (n_samples,) int64, those of them that the file finds all the same.
    """

    errors: Levels
    difference: Levels
    largest: Levels | None
    unknown: Integers
    passing: Integers


def certify(source: LinearModel, model: Model, samples: Iterable[Any], largest_error: float | None = None) -> Proofs:
    """What is proven of the labels of samples: that the file gives the label that the source gives.

    largest_error: the largest ``|w - ŵ|`` of any weight (``Compressed.report["max_error"]``), for the proof of that name.
    A text of a hundred n-grams and 150 classes takes a millisecond or two.

    Raises ValueError if the two read other n-grams or decide among other labels: nothing can be said of such a pair.

    >>> import nlucompress
    >>> from nlucompress.linear import LinearModel, Namespace
    >>> source = LinearModel((Namespace("words"),), (("play", "stop"),), np.array([[2.0], [-1.9]]), np.array([0.01]),
    ...                      np.array(["no", "yes"]), task="binary")
    >>> model = nlucompress.compress(source, buckets=5).model()
    >>> certify(source, model, ["play", "play it", "play it again"]).errors.tolist()
    [2, 2, 1]
    """
    certifier = Certifier(source, model, largest_error)
    scorer = Scorer(source, certifier.names)
    return joined([certifier.proofs(scorer.ngrams(batch, first), len(batch)) for first, batch in batches(samples)])


def joined(parts: Sequence[Proofs]) -> Proofs:
    """The proofs of batches, one after the other."""
    if not parts:
        none = np.empty(0, np.uint8)
        return Proofs(none, none, None, np.empty(0, np.int64), np.empty(0, np.int64))

    def join(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    return Proofs(join("errors"), join("difference"), join("largest"), join("unknown"), join("passing"))


class Certifier:
    """The proofs of one source and one file, batch by batch: see certify."""

    def __init__(self, source: LinearModel, model: Model, largest_error: float | None = None) -> None:
        if source.task == "tagging":
            raise ValueError(f"no certificate for a task {source.task!r}")
        _require_comparable(source, model.frame)
        self.names = NameTable(source)
        self._task = source.task
        self._source, self._file = _Side(source, self.names), _Side(model.frame, model.table)
        self._worst = _Worst(self._file, model.n_features, source.task)
        book, scale = model.frame.codebook.astype(np.float64), model.frame.scale
        self._span = float(
            np.ptp(book) * (1.0 if scale is None else np.abs(scale).max()) * np.abs(self._file.slope).max()
        )
        self._largest_error = largest_error if model.frame.namespaces == source.namespaces else None

    def proofs(self, ngrams: list[Ngrams], n_samples: int) -> Proofs:
        """The proofs of a batch, from what ``Scorer.ngrams`` gives of it."""
        batch = self._batch(ngrams)
        levels = np.zeros((3, n_samples), np.uint8)
        ends = np.searchsorted(batch.sample, np.arange(n_samples + 1)).tolist()
        longest = max((stop - start for start, stop in pairwise(ends)), default=0)
        stride = max(1, CELLS // max(longest * len(self._file.slope), 1))
        for first in range(0, n_samples, stride):
            last = min(first + stride, n_samples)
            chunk = batch.part(ends[first], ends[last])
            weights = self._source.rows(chunk.source_ids), self._file.rows(chunk.file_ids)
            for i in range(first, last):
                start, stop = ends[i] - ends[first], ends[i + 1] - ends[first]
                levels[:, i] = self._prove(chunk.part(start, stop), weights[0][start:stop], weights[1][start:stop])
        strange = batch.source_ids < 0
        counts = [np.bincount(batch.sample[which], minlength=n_samples) for which in (strange, strange & batch.found)]
        return Proofs(levels[0], levels[1], levels[2] if self._largest_error is not None else None, *counts)

    def _batch(self, ngrams: list[Ngrams]) -> _Batch:
        """The n-grams of a batch: sample after sample, and in a sample namespace after namespace."""
        parts = []
        for number, (sample, which, counts, names) in enumerate(ngrams):
            source_ids, found = (side.table.find(number, names)[which] for side in (self._source, self._file))
            file_ids = np.where(source_ids >= 0, found, -1)
            tf, stretch = _stretched(self._source.frame.namespaces[number], counts)
            values = self._source.values(number, source_ids, tf), self._file.values(number, file_ids, tf)
            space = np.full(len(which), number)
            parts.append(_Batch(sample, space, source_ids, file_ids, found >= 0, tf, stretch, *values))
        batch = _Batch._make(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        order = np.argsort(batch.sample, kind="stable")
        return _Batch._make(array[order] for array in batch)

    def _prove(self, part: _Batch, weights: Floats, file_weights: Floats) -> tuple[int, int, int]:
        """The levels of one sample: errors, difference, largest. Weights: a row an n-gram, 0 of what a side has not."""
        source, file = self._source, self._file
        known, kept = part.source_ids >= 0, part.file_ids >= 0
        with np.errstate(all="ignore"):  # what is no number makes no comparison true
            own, other = _walk(source, part, part.values), _walk(file, part, part.file_values)
            if not (own.sound and other.sound):
                return NONE, NONE, NONE
            x, file_x = np.where(known, own.values, 0.0), np.where(kept, other.values, 0.0)
            used = np.where(kept, file_x, x)
            magnitude = source.magnitude(x, weights) + file.magnitude(file_x, file_weights)
            magnitude += self._span * float(
                np.abs(file_x).sum()
            )  # a runtime may add up codes, and the lowest value later
            rounding = 16 * (own.error + other.error + (len(x) + 16) * UNIT)
            slack = rounding * magnitude + 1e-250
            starts = np.flatnonzero(np.append(-1, part.space[:-1]) != part.space)  # of each namespace that is there
            file_sums = _summed(file_x[:, None] * file_weights, starts)

            largest = NONE
            if self._largest_error is not None and _close(x[kept], file_x[kept]):
                bounds = self._largest_error * np.abs(file.slope)
                if (np.abs(weights - file_weights) <= bounds * (1 + 1e-9) + 1e-12 * np.abs(weights)).all():
                    scores = file_sums.sum(axis=0) + file.offset
                    rivals = _rivals(scores, self._task)
                    left = rivals.margins(scores) - np.abs(used).sum() * rivals.sums(bounds)
                    largest = UNLESS if rivals.behind(left, slack + 2.0**-19 * magnitude) else NONE

            scores = x @ weights + source.offset
            rivals = _rivals(scores, self._task)
            if not rivals.behind(rivals.margins(scores), slack):
                return NONE, NONE, largest
            errors = np.abs(used)[:, None] * rivals.sizes(weights - file_weights)
            pessimistic = _summed(rivals.margins(used[:, None] * weights) - errors, starts)
            margins = pessimistic, rivals.margins(file_sums)
            offset = rivals.margins(file.offset)
            levels = [UNLESS if rivals.behind(m.sum(axis=0) + offset, slack) else NONE for m in margins]
            if known.all():
                levels = [CERTAIN if level else NONE for level in levels]
            elif any(levels):
                strangers = _Strangers(file, part, ~known, self._worst)
                _walk(file, part, part.file_values, strangers)
                reaches, factors = strangers.reaches(), (strangers.low, strangers.high)
                size = self._worst.size + self._span * self._worst.idf[1]
                slack = slack * max(1.0, strangers.high.max()) + rounding * sum(reaches) * size
                offset = offset - rivals.loss(self._worst, *reaches)
                low, high = (factor[part.space[starts], None] for factor in factors)
                for i, m in enumerate(margins):
                    least = np.where(m == 0, 0.0, np.minimum(m * low, m * high)).sum(axis=0) + offset
                    if levels[i] and strangers.steady and rivals.behind(least, slack):
                        levels[i] = CERTAIN
            return levels[0], levels[1], largest


class _Batch(NamedTuple):
    """n-grams of samples, an entry each: (n_ngrams,) arrays."""

    sample: Integers
    space: Integers  # the namespace's number
    source_ids: Integers  # -1: unknown
    file_ids: Integers  # of features of the source; -1: the file does not have it
    found: Bools  # whether the file finds it, feature or not
    tf: Floats
    stretch: Floats  # how much larger than usual the rounding error of tf is
    values: Floats  # tf times idf: the source's
    file_values: Floats  # the file's, if no unknown n-gram passes

    def part(self, start: int, stop: int) -> _Batch:
        return _Batch._make(array[start:stop] for array in self)


class _Side:
    """The source or the file: scores as its decision sees them, after the calibration."""

    def __init__(self, frame: Frame, table: Table) -> None:
        self.frame, self.table = frame, table
        columns = len(frame.intercept)
        calibration = (
            np.stack([np.ones(columns), np.zeros(columns)]) if frame.calibration is None else frame.calibration
        )
        self.slope, shift = calibration
        self.unseen = np.array([namespace.unseen for namespace in frame.namespaces])
        self.offset = self.slope * frame.intercept + shift
        self._size = float((np.abs(self.slope * frame.intercept) + np.abs(shift)).max())
        self.steps = [(step, np.isin(np.arange(len(frame.namespaces)), step.namespaces)) for step in frame.steps]

    def rows(self, ids: Integers) -> Floats:
        """(len(ids), n_columns) weights with the baseline, times the slope; 0 where an id is -1."""
        distinct, which = np.unique(ids, return_inverse=True)
        rows = np.zeros((len(distinct), len(self.slope)))
        if isinstance(self.table, NameTable):
            rows[distinct >= 0] = self.table.matrix(distinct[distinct >= 0])
        else:
            lengths, columns, weights = self.table.rows(distinct[distinct >= 0])
            cells = np.repeat(np.flatnonzero(distinct >= 0), lengths) * rows.shape[1] + columns
            rows += np.bincount(cells, weights, rows.size).reshape(rows.shape)
        if self.frame.baseline is not None:
            rows[distinct >= 0] += self.frame.baseline
        return np.asarray((rows * self.slope)[which])

    def values(self, namespace: int, ids: Integers, tf: Floats) -> Floats:
        """The product of tf and idf; of what has no id, times the namespace's constant for unseen n-grams."""
        idf = np.full(len(ids), self.frame.namespaces[namespace].unseen)
        idf[ids >= 0] = self.table.idf(ids[ids >= 0])
        with np.errstate(invalid="ignore", over="ignore"):
            return np.where(idf == 0, 0.0, tf * idf)  # what counts nowhere may be no number

    def magnitude(self, x: Floats, weights: Floats) -> float:
        """A bound of the sum of absolute terms of any score: what rounding errors are relative to."""
        return float(np.abs(x) @ np.abs(weights).max(axis=1)) + self._size


# -- values in the presence of rounding, and of strangers -------------------------------------------------------------


class _Walked(NamedTuple):
    """values: after all steps. error: a bound of their relative rounding error. sound: whether such a bound is known."""

    values: Floats
    error: float
    sound: bool


def _walk(side: _Side, part: _Batch, values: Floats, strangers: _Strangers | None = None) -> _Walked:
    """The steps on the values of one sample."""
    # Where 1 + ln v is 0, another runtime's may not be: infinitely stretched, as long as the n-gram counts.
    vanished = np.isinf(part.stretch) & ((part.source_ids >= 0) | (side.unseen[part.space] != 0))
    stretch = float(part.stretch[(values != 0) | vanished].max(initial=1.0))
    error = (16 * stretch + 2) * UNIT  # an error of 1 or more proves nothing: no margin is that large
    sound = _safe(values)
    for step, members in side.steps:
        at = members[part.space]
        if strangers is not None:
            strangers.follow(step, members, at, values, error)
        some = values[at]
        if step.op == "scale":
            some = some * step.value
            error += UNIT
        elif step.op == "binarize":
            sound = sound and not (np.abs(some - step.value) <= 4 * error * np.abs(some))[some != 0].any()
            some = (some > step.value).astype(np.float64)
        else:
            some = some / (_size(some, step) or 1.0)
            error = 2 * error + (len(some) + 16) * UNIT
        values = values.copy()
        values[at] = some
        sound = sound and _safe(values)
    return _Walked(values, error, sound)


class _Strangers:
    """What the unknown n-grams of one sample can be worth, and do to the others' values, whichever of them pass.

    least, most: (n_unknown,) bounds of each one's absolute value. reach: (n_unknown,) a bound of its value divided by the
    idf that it finds. sign: (n_unknown,) of its value. low, high: (n_namespaces,) bounds of the factor by which the values
    of known n-grams differ from what they are if none passes. steady: whether that is one factor in each namespace.
    """

    def __init__(self, side: _Side, part: _Batch, strange: Bools, worst: _Worst) -> None:
        self._strange, self._space, self._worst = strange, part.space, worst
        size = np.abs(part.tf[strange])
        size[~((part.stretch[strange] < MOST_STRETCH) & (size * worst.idf[1] < SAFE[1]))] = np.inf
        unseen = side.unseen[part.space[strange]]
        self.least = size * np.minimum(unseen, worst.idf[0])
        self.most = size * np.maximum(unseen, worst.idf[1])
        self.reach, self.sign = size, np.sign(part.tf[strange])
        self.low, self.high = np.ones(len(side.frame.namespaces)), np.ones(len(side.frame.namespaces))
        self.steady = True

    def follow(self, step: Step, members: Bools, at: Bools, values: Floats, error: float) -> None:
        """Take one step. at: the n-grams it is about; values: of all, if none passes, before the step, and their error."""
        mine, known = at[self._strange], at & ~self._strange
        low, high = self.low[self._space[known]], self.high[self._space[known]]
        if step.op == "scale":
            for array in (self.least, self.most, self.reach):
                array[mine] *= abs(step.value)
            self.sign[mine] *= np.sign(step.value)
        elif step.op == "binarize":
            before, wide = values[known], 1 + 1e-9 + 16 * error
            above = before * low > step.value * wide
            below = before * high * wide <= step.value
            self.steady = self.steady and bool((np.where(before > step.value, above, below) | (before <= 0)).all())
            silent = self.most[mine] * wide <= step.value
            self.least[mine], self.most[mine] = 0.0, np.where(silent, 0.0, 1.0)
            self.reach[mine] = np.where(silent, 0.0, np.inf)
            self.sign[mine] = 1.0
            self.low[members] = self.high[members] = 1.0
        else:
            size = _size(values[at], step)
            least = _size(np.append(values[known] * low, self.least[mine]), step)
            most = _size(np.append(values[known] * high, self.most[mine]), step)
            if size:  # else every known value is 0, and stays it
                self.low[members] *= size / most
                self.high[members] *= size / least
            self.least[mine] /= most
            self.most[mine] = np.fmin(self.most[mine] / least, 1.0)
            self.reach[mine] /= least

    def reaches(self) -> tuple[float, float]:
        """The sums of reach of those whose values are positive, and of the others: of one that vanishes it is infinite."""
        if self._worst.lowest_idf > 0:
            self.reach = np.fmin(self.reach, self.most / self._worst.lowest_idf)
        return float(self.reach[self.sign > 0].sum()), float(self.reach[~(self.sign > 0)].sum())


class _Worst:
    """The file's rows times their idf, at their worst: how much one n-gram of tf 1 can move a margin by passing.

    idf: smallest and largest absolute idf; lowest_idf: the smallest. size: the largest absolute number in the rows. rise,
    fall: (n_columns,) the most that a row adds to a score or takes from it. pair: (n_columns, n_columns) the most that a
    row adds to b's score over a's, at [a, b]; None if that is not worth its time.
    """

    def __init__(self, side: _Side, n: int, task: str) -> None:
        columns = len(side.slope)
        self.rise, self.fall = np.zeros(columns), np.zeros(columns)
        smallest, largest, self.lowest_idf = np.inf, 0.0, np.inf
        spreads = np.empty(n)
        stride = max(1, CELLS // (4 * columns))
        for start in range(0, n, stride):
            ids = np.arange(start, min(start + stride, n))
            idf = side.table.idf(ids)
            smallest, largest = min(smallest, np.abs(idf).min()), max(largest, np.abs(idf).max())
            self.lowest_idf = min(self.lowest_idf, float(idf.min()))
            rows = side.rows(ids) * idf[:, None]
            self.rise = np.maximum(self.rise, rows.max(axis=0))
            self.fall = np.maximum(self.fall, -rows.min(axis=0))
            spreads[ids] = rows.max(axis=1) - rows.min(axis=1)
        self.idf = smallest, largest
        self.size = float(np.maximum(self.rise, self.fall).max())
        self.pair = None
        if task == "multiclass" and columns**2 <= CELLS:
            self.pair = _worst_of_pairs(side, np.argsort(-spreads, kind="stable"), spreads)


def _worst_of_pairs(side: _Side, order: Integers, spreads: Floats) -> Floats:
    """At [a, b] the most that a row adds to b's score over a's; rows that spread less than all of these are left out."""
    columns = len(side.slope)
    pair = np.where(np.eye(columns, dtype=bool), np.inf, 0.0)
    stride = max(1, min(64, CELLS // columns))
    for start in range(0, len(order), stride):
        ids = order[start : start + stride]
        if spreads[ids[0]] <= pair.min():
            break
        rows = side.rows(ids) * side.table.idf(ids)[:, None]
        for a in range(columns):
            np.maximum(pair[a], (rows - rows[:, a : a + 1]).max(axis=0), out=pair[a])
    np.fill_diagonal(pair, 0.0)
    return pair


# -- decisions --------------------------------------------------------------------------------------------------------


class _Rivals(Protocol):
    """What must stay behind for a label to stand; arrays are (…, n_columns), a column each class."""

    def margins(self, scores: Floats) -> Floats:
        """How far the label is ahead."""
        ...

    def sizes(self, errors: Floats) -> Floats:
        """How far an error of the weights can move a margin, for a feature value of 1."""
        ...

    def sums(self, bounds: Floats) -> Floats:
        """The same, where of the errors only bounds are known."""
        ...

    def loss(self, worst: _Worst, positive: float, negative: float) -> Floats:
        """How far unknown n-grams of these reaches can move a margin."""
        ...

    def behind(self, margins: Floats, slack: float) -> bool:
        """Whether every margin is larger than the slack."""
        ...


def _rivals(scores: Floats, task: str) -> _Rivals:
    if task == "multiclass":
        return _Largest(int(scores.argmax()), len(scores))
    if task in ("binary", "multilabel"):
        return _Signs(np.where(scores > 0, 1.0, -1.0))
    raise ValueError(f"no certificate for a task {task!r}: it decides by neither the largest score nor its sign")


class _Largest:
    """The class of the largest score, against each other class."""

    def __init__(self, label: int, columns: int) -> None:
        self._label, self._others = label, np.arange(columns) != label

    def margins(self, scores: Floats) -> Floats:
        return np.asarray(scores[..., self._label, None] - scores)

    def sizes(self, errors: Floats) -> Floats:
        return np.abs(self.margins(errors))

    def sums(self, bounds: Floats) -> Floats:
        return np.asarray(bounds[self._label] + bounds)

    def loss(self, worst: _Worst, positive: float, negative: float) -> Floats:
        a = self._label
        if worst.pair is None:
            return np.asarray(positive * (worst.rise + worst.fall[a]) + negative * (worst.fall + worst.rise[a]))
        return np.asarray(positive * worst.pair[a] + negative * worst.pair[:, a])

    def behind(self, margins: Floats, slack: float) -> bool:
        return bool((margins[self._others] > slack).all())


class _Signs:
    """The sign of each score, by itself."""

    def __init__(self, signs: Floats) -> None:
        self._signs = signs

    def margins(self, scores: Floats) -> Floats:
        return self._signs * scores

    def sizes(self, errors: Floats) -> Floats:
        return np.abs(errors)

    def sums(self, bounds: Floats) -> Floats:
        return bounds

    def loss(self, worst: _Worst, positive: float, negative: float) -> Floats:
        ahead, back = np.where(self._signs > 0, (worst.fall, worst.rise), (worst.rise, worst.fall))
        return np.asarray(positive * ahead + negative * back)

    def behind(self, margins: Floats, slack: float) -> bool:
        return bool((margins > slack).all())


# -- small parts ------------------------------------------------------------------------------------------------------


def _require_comparable(source: LinearModel, file: Frame) -> None:
    """Raise ValueError if the two read other n-grams, or decide among other labels."""
    ours, theirs = ([replace(ns, unseen=0.0) for ns in frame.namespaces] for frame in (source, file))
    if ours != theirs:
        raise ValueError("the source and the file read other n-grams of a sample: their namespaces differ")
    if source.task != file.task or source.classes.tolist() != file.classes.tolist():
        raise ValueError(f"the source decides among {len(source.classes)} labels ({source.task}), the file among "
                         f"{len(file.classes)} ({file.task}), and they are not the same")  # fmt: skip


def _stretched(namespace: Namespace, counts: Floats) -> tuple[Floats, Floats]:
    """The tf of frequencies, and how much its rounding error is stretched: 1 + ln v cancels out near v = 1/e."""
    tf = frequencies(namespace, counts)
    if namespace.tf != "log":
        return tf, np.where(np.isfinite(tf), 1.0, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = (1 + np.abs(tf - 1)) / np.abs(tf)
    return tf, np.where(np.isfinite(stretch), stretch, np.inf)


def _size(values: Floats, step: Step) -> np.float64:
    sizes = np.abs(values)
    if step.kind == "l2":
        return np.float64(np.sqrt((sizes * sizes).sum()))
    return np.float64(sizes.sum() if step.kind == "l1" else sizes.max(initial=0.0))


def _safe(values: Floats) -> bool:
    """Whether no value, nor its square, is lost for being too small or too large."""
    sizes = np.abs(values[values != 0])
    return bool(SAFE[0] < sizes.min(initial=1.0) and sizes.max(initial=1.0) < SAFE[1])


def _close(one: Floats, other: Floats) -> bool:
    """Whether values differ by no more than an idf's rounding to float32 makes them."""
    return bool((np.abs(one - other) <= 2.0**-21 * np.abs(other)).all())


def _summed(rows: Floats, starts: Integers) -> Floats:
    """The sum of the rows of each namespace that is there."""
    return np.add.reduceat(rows, starts) if len(rows) else rows
