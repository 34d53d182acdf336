"""Weights to one-byte codes and a codebook of at most 256 float32 values, zero among them.

A codebook is even, or fitted to the weights (k-means, below). Even: multiples k·step of one step, and each weight goes to
the nearest value. With B buckets the side of the larger extreme M gets B//2 multiples and the other B - 1 - B//2 (where
both extremes are about alike, both get the smaller number, and a bucket of an even B stays unused), so no weight is off by
more than half a step, and the largest by 1/32768 at most: a step has 16 bits, so that its multiples are exact in a float32
and a runtime may add codes before it multiplies. Two buckets are too few for that: they may leave the largest weight half a
step off. A weight whose nearest value is zero is dropped.

Heavy tails: one weight of 90 standard deviations would stretch the step until all others round to zero. So where taking
out at most B//16 weights makes the range less than a quarter, they are taken out and their values get buckets of their
own, exact. The tail of a trained model does not trip this: the largest weight may be 60 to 100 standard deviations away,
but the next ones follow closely. benchmarks/README.md has the measurements.

k-means: the values that make the mean squared error of the weights smallest, by Lloyd's iteration: each weight goes to the
nearest value, each value to the mean of its weights, until nothing moves. Zero stays where it is. (Lloyd: Least squares
quantization in PCM, 1957, IEEE Trans. Inf. Theory 1982; Max: Quantizing for minimum distortion, IRE Trans. Inf. Theory
1960.) It ends in a local optimum: of two starts, one even and one of the density that is optimal for many values, the cube
root of the weights' own (Panter, Dite: Quantization distortion in pulse-count modulation, Proc. IRE 1951), the better end
is taken. k-means follows the small weights, which are most, and keeps more of them than an even codebook does, so it goes
with pruning.

Pruning: a weight that is less than ``prune`` times the largest of its range counts as zero. Outliers that have buckets of
their own are left aside there too.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import BuildError
from .linear import Floats, LinearModel, SparseRows

Range = Literal["model", "class"]
Codebook = Literal["even", "kmeans"]
Integers = npt.NDArray[np.int64]
CHUNK = 4096  # features at a time: bounds the memory of a dense model to CHUNK * n_columns * 8 bytes
BINS = 1 << 16  # of the histogram that k-means works on
ITERATIONS = 1000  # of k-means, at most
GROUPS = 256  # of values, in which the density of the weights is measured


@dataclass(frozen=True, eq=False)
class Quantized:
    """Codes of the weights that are not zero, and what they stand for.

    codes: SparseRows with uint8 data, indices into codebook. codebook: (≤256,) float32, ascending.
    scale: None or (n_columns,) float32. A weight is ``codebook[code] * scale[column]``.
    report: what it cost: step, max_error, mean_error (over all weights that were not zero), weights and features before
    and after, outliers that got a bucket of their own.
    """

    codes: SparseRows
    codebook: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32] | None
    report: dict[str, float]

    def weights(self) -> SparseRows:
        """The dequantized weights: SparseRows with float64 data."""
        data = self.codebook[self.codes.data].astype(np.float64)
        if self.scale is not None:
            data *= self.scale[self.codes.indices]
        return SparseRows(self.codes.indptr, self.codes.indices, data, self.codes.shape)


def quantize(
    model: LinearModel, buckets: int = 256, range: Range = "model", codebook: Codebook = "even", prune: float = 0.0
) -> Quantized:
    """Quantize a model's weights to at most ``buckets`` values; ``range="class"`` gives each class a scale of its own.

    codebook: "even" or "kmeans". prune: 0 ≤ prune < 1, weights below this part of the largest of their range are zero.

    Raises BuildError if buckets is not in 2..256, or for another option that is none of these.

    >>> from nlucompress.linear import Namespace
    >>> model = LinearModel((Namespace("w"),), (("a", "b", "c"),), np.array([[1.0], [-0.49], [0.001]]), np.zeros(1),
    ...                     np.array(["no", "yes"]), task="binary")
    >>> quantize(model, buckets=5).codebook
    array([-0.5,  0. ,  0.5,  1. ], dtype=float32)
    >>> quantize(model, buckets=5, codebook="kmeans", prune=0.01).codebook
    array([-0.49,  0.  ,  1.  ], dtype=float32)
    """
    check_options(buckets, range, codebook, prune)
    tops = Tops(most_outliers(buckets), model.n_columns if range == "class" else 1)
    for column, weights in _by_range(model, range):
        tops.add(column, weights)
    spans, scale, own, outliers = tops.spread(range)
    below, above = (float(side) for side in spans.max(axis=0))
    floor = prune * spans.max(axis=1)  # (n_ranges,), in units of the scale
    if codebook == "even":
        values, step = even_codebook(below, above, buckets, own)
    else:
        values, step = _kmeans(model, scale, spans, floor, buckets, own), 0.0
    codes, report = _encode(model, values, scale, floor)
    report |= {"step": step, "outliers": outliers}
    return Quantized(codes, values, scale, report)


def whole(name: str, value: Any) -> int:
    """An option as a Python int, which a file's header holds. Raises BuildError."""
    try:
        return operator.index(value)
    except TypeError:
        raise BuildError(f"{name}: {value!r:.60} is not an integer") from None


def real(name: str, value: Any) -> float:
    """An option as a Python number, which a file's header holds. Raises BuildError."""
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, np.number) and np.isreal(value):
        return float(value)
    raise BuildError(f"{name}: {value!r:.60} is not a number")


def check_options(buckets: int, range: str, codebook: str, prune: float) -> None:
    """Raise BuildError unless the options are such as ``quantize`` takes."""
    if not 2 <= buckets <= 256:
        raise BuildError(f"buckets: {buckets} is not in 2..256 (a weight is one byte)")
    if range not in ("model", "class"):
        raise BuildError(f"range: {range!r} is not 'model' or 'class'")
    if codebook not in ("even", "kmeans"):
        raise BuildError(f"codebook: {codebook!r} is not 'even' or 'kmeans'")
    if not 0 <= prune < 1:
        raise BuildError(f"prune: {prune} is not at least 0 and below 1 (a part of the largest weight)")


def most_outliers(buckets: int) -> int:
    """How many weights may be left aside when a range is chosen."""
    return max(1, buckets // 16) if buckets >= 4 else 0


class Tops:
    """The ``most + 1`` largest weights of each range and side, descending: enough to choose ranges, in one pass.

    values: (2, ranges, most + 1) float64, sizes of the negative and of the positive weights. The order in which weights
    come
    does not matter, so that they can be seen in parts, by several workers.
    """

    def __init__(self, most: int, ranges: int) -> None:
        self.most = most
        self.values = np.zeros((2, ranges, most + 1))

    def add(self, column: int | slice, weights: Floats) -> None:
        """Take weights of a range, (…,); or of all, (n_ranges, …)."""
        for side, sizes in enumerate((-weights, weights)):
            if sizes.shape[-1] > self.most + 1:
                sizes = np.partition(sizes, -(self.most + 1), axis=-1)[..., -(self.most + 1) :]
            both = np.concatenate([self.values[side, column], np.maximum(sizes, 0)], axis=-1)
            self.values[side, column] = -np.sort(-both, axis=-1)[..., : self.most + 1]

    def spread(self, range: Range) -> tuple[Floats, npt.NDArray[np.float32] | None, Floats, int]:
        """What codebook and scale are made of: spans (n_ranges, 2) below and above zero in units of the scale, outliers
        left
        aside; the scale, if there is one a class; the outliers' values in its units; and their number.
        """
        spans, outliers = self._spans()
        scale = None
        if range == "class":
            scale = np.maximum(spans.max(axis=1), np.finfo(np.float32).tiny).astype(np.float32)
            scale[spans.max(axis=1) == 0] = 1
            spans = spans / scale[:, None]
        if not outliers:
            return spans, scale, np.empty(0), 0
        weights = np.concatenate([-self.values[0], self.values[1]], axis=1)  # what lies outside is among the largest
        columns = np.repeat(np.arange(len(weights)), weights.shape[1])
        flat = weights.reshape(-1) / _factor(scale, columns)
        return spans, scale, np.unique(flat[_outside(flat, columns, spans)]), outliers

    def _spans(self) -> tuple[Floats, int]:
        """Largest weight below and above zero of each range, outliers left aside: (n_ranges, 2), and their number."""
        tops, most = self.values, self.most
        sizes = -np.sort(-np.concatenate([tops[0], tops[1]], axis=1))  # (columns, …), of both sides
        candidates = []
        for column, row in enumerate(sizes):
            count = 0
            while (further := np.flatnonzero(row[: most + 1] < row[count] / 4)).size:  # a gap to less than a quarter
                count = int(further[0])
            if count:
                candidates.append((float(row[count] / row[0]), column, count))
        spans = tops[:, :, 0].T.copy()
        left = most
        for _, column, count in sorted(candidates):
            if count <= left:
                left -= count
                tail = sizes[column, count]
                spans[column] = [tops[side, column][tops[side, column] <= tail].max(initial=0.0) for side in (0, 1)]
        return spans, most - left


def _by_range(model: LinearModel, range: Range) -> Iterator[tuple[int | slice, Floats]]:
    """The weights by range, in parts: (range, (…,) weights), or, of a dense model, (all ranges, (n_ranges, …) weights)."""
    weights = model.weights
    if not isinstance(weights, SparseRows):
        for start, stop in _chunks(model):
            chunk = model.rows(start, stop)
            yield slice(None), chunk.T if range == "class" else chunk.reshape(1, -1)
    elif range == "model":
        yield 0, weights.data.astype(np.float64)
    else:
        order = np.argsort(weights.indices.astype(np.uint16 if model.n_columns <= 1 << 16 else np.int32), kind="stable")
        ends = np.bincount(weights.indices, minlength=model.n_columns).cumsum()
        yield from enumerate(np.split(weights.data[order].astype(np.float64), ends[:-1]))


def _outside(weights: Floats, columns: Integers, spans: Floats) -> npt.NDArray[np.bool_]:
    """Which weights (in units of their scale) are outliers."""
    slack = 1 + 1e-6  # a scale is a float32: its own largest weight must not count as outside
    below, above = spans[columns if len(spans) > 1 else 0].T
    return np.asarray((weights > above * slack) | (weights < -below * slack))


def even_codebook(below: float, above: float, buckets: int, outliers: Floats) -> tuple[npt.NDArray[np.float32], float]:
    """Multiples of one step from -below to above, zero among them, and the outliers' own values: ascending float32."""
    even = buckets - len(outliers)
    more, fewer = even // 2, even - 1 - even // 2
    larger, smaller = max(below, above), min(below, above)
    step = _short(larger / more)
    if smaller > (fewer + 0.5) * step:  # sides alike, and an even number of buckets: one of them stays unused
        more = max(fewer, 1)
        step = _short(larger / fewer if fewer else 2 * smaller)
    if not step:
        return np.unique(np.append(outliers, 0.0)).astype(np.float32), 0.0
    lower, upper = (min(side, int(np.ceil(span / step - 0.5))) for side, span in
                    zip((more, fewer) if below > above else (fewer, more), (below, above), strict=True))  # fmt: skip
    values = np.arange(-lower, upper + 1) * step
    return np.unique(np.concatenate([values, outliers]).astype(np.float32)), step


def _short(step: float) -> float:
    """A step rounded up to 16 bits, so that its multiples by 8 bits are exact in a float32.

    >>> _short(1 / 3) * 255 == float(np.float32(_short(1 / 3) * 255))
    True
    """
    fraction, exponent = math.frexp(step)
    return math.ldexp(math.ceil(math.ldexp(fraction, 16)), exponent - 16)


def _kmeans(model: LinearModel, scale: npt.NDArray[np.float32] | None, spans: Floats, floor: Floats, buckets: int,
            outliers: Floats) -> npt.NDArray[np.float32]:  # fmt: skip
    """Zero, the outliers, and for the rest the values of least mean squared error: ascending float32."""
    values, counts = _histogram(model, scale, spans, floor)
    wanted = buckets - 1 - len(outliers)
    if len(values) <= wanted:
        return np.unique(np.concatenate([values, outliers, [0.0]]).astype(np.float32))
    places = (np.arange(wanted) + 0.5) / wanted
    group = np.floor((values - values[0]) / (values[-1] - values[0]) * GROUPS).astype(np.int64)
    many = np.bincount(group, counts)[group]
    root = np.round(np.cbrt(many) * 1024) / 1024  # rounded: libraries differ in the last digit, and files must not
    share = np.cumsum(counts / many * root)
    dense = values[np.searchsorted(share[:-1], places * share[-1])]
    even = values[0] + places * (values[-1] - values[0])
    found = [_lloyd(values, counts, np.unique(np.append(start, 0.0))) for start in (dense, even)]
    _, centers = min(found, key=lambda result: result[0])
    return np.unique(np.concatenate([centers, outliers]).astype(np.float32))


def _histogram(model: LinearModel, scale: npt.NDArray[np.float32] | None, spans: Floats, floor: Floats
               ) -> tuple[Floats, Floats]:  # fmt: skip
    """Mean and number of the weights in each bin that has some, in units of the scale; without pruned and outliers."""
    below, above = (float(side) for side in spans.max(axis=0))
    width = (below + above) * (1 + 1e-6) / BINS
    counts, sums = np.zeros(BINS), np.zeros(BINS)
    for start, stop in _chunks(model):
        _, columns, weights = _nonzero(model, start, stop)
        weights = weights / _factor(scale, columns)
        kept = ~_outside(weights, columns, spans) & (np.abs(weights) >= floor[columns if len(floor) > 1 else 0])
        weights = weights[kept]
        if width and len(weights):
            bins = np.clip(np.floor((weights + below) / width), 0, BINS - 1).astype(np.int64)
            counts += np.bincount(bins, minlength=BINS)
            sums += np.bincount(bins, weights, minlength=BINS)
    some = counts > 0
    return sums[some] / counts[some], counts[some]


def _lloyd(values: Floats, counts: Floats, centers: Floats) -> tuple[float, Floats]:
    """Lloyd's iteration on a histogram, from ascending centers with a zero that stays: squared error, centers.

    A cell is a range of bins, so prefix sums give its mean: an iteration takes the time of some binary searches.
    """
    number = np.concatenate([[0.0], np.cumsum(counts)])  # of weights in the bins before each
    total = np.concatenate([[0.0], np.cumsum(counts * values)])
    cells = np.empty(0, np.int64)
    for _ in range(ITERATIONS):
        last, cells = cells, np.searchsorted(values, (centers[:-1] + centers[1:]) / 2)
        if np.array_equal(last, cells):
            break
        limits = np.concatenate([[0], cells, [len(values)]])
        inside = np.diff(number[limits])
        means = np.diff(total[limits]) / np.maximum(inside, 1)
        centers = np.where((inside > 0) & (centers != 0), means, centers)
    nearest = centers[np.searchsorted((centers[:-1] + centers[1:]) / 2, values)]
    return float(np.cumsum(counts * (values - nearest) ** 2)[-1]), centers


def _encode(model: LinearModel, codebook: npt.NDArray[np.float32], scale: npt.NDArray[np.float32] | None, floor: Floats
            ) -> tuple[SparseRows, dict[str, float]]:  # fmt: skip
    """Each weight to the index of its nearest codebook value; zeros and what is below the floor dropped."""
    lengths, columns, data = [], [], []
    largest, total, nonzero, features = 0.0, 0.0, 0, 0
    for start, stop in _chunks(model):
        rows, cols, weights = _nonzero(model, start, stop)
        codes, error = nearest(weights, cols, codebook, scale, floor)
        largest, total = max(largest, float(error.max(initial=0))), total + float(error.sum())
        per_row = np.bincount(rows, minlength=stop - start)
        nonzero, features = nonzero + len(rows), features + int((per_row > 0).sum())
        kept = codebook[codes] != 0
        lengths.append(np.bincount(rows[kept], minlength=stop - start))
        columns.append(cols[kept].astype(np.int32))
        data.append(codes[kept])
    indptr = np.concatenate([[0], *lengths]).cumsum().astype(np.int64)
    codes = np.concatenate(data) if data else np.empty(0, np.uint8)
    classes = np.concatenate(columns) if columns else np.empty(0, np.int32)
    report = {
        "max_error": largest, "mean_error": total / max(nonzero, 1), "weights_before": nonzero, "weights": len(codes),
        "features_before": features, "features": int((np.diff(indptr) > 0).sum()),
    }  # fmt: skip
    return SparseRows(indptr, classes, codes, (model.n_features, model.n_columns)), report


def nearest(weights: Floats, columns: Integers, codebook: npt.NDArray[np.float32],
            scale: npt.NDArray[np.float32] | None, floor: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:  # fmt: skip
    """The code of the value nearest to each weight, of zero for what is below the floor; and how far it is from it."""
    values = codebook.astype(np.float64)
    factor = _factor(scale, columns)
    scaled = weights / factor
    codes = np.searchsorted((values[:-1] + values[1:]) / 2, scaled).astype(np.uint8)
    if floor.any():
        codes[np.abs(scaled) < floor[columns if len(floor) > 1 else 0]] = int(np.flatnonzero(values == 0)[0])
    return codes, np.abs(values[codes] * factor - weights)


def _nonzero(model: LinearModel, start: int, stop: int) -> tuple[Integers, Integers, Floats]:
    """The weights that are not zero of the features start..stop: row (0 is start), column and value of each."""
    if not isinstance(model.weights, SparseRows):
        chunk = model.rows(start, stop)
        rows, columns = np.nonzero(chunk)
        return rows, columns, chunk[rows, columns]
    indptr = model.weights.indptr[start : stop + 1]
    part = slice(int(indptr[0]), int(indptr[-1]))
    rows = np.repeat(np.arange(stop - start), np.diff(indptr))
    columns, values = model.weights.indices[part].astype(np.int64), model.weights.data[part].astype(np.float64)
    some = values != 0
    return (rows, columns, values) if some.all() else (rows[some], columns[some], values[some])


def _factor(scale: npt.NDArray[np.float32] | None, columns: Integers) -> Any:
    """What a weight of each of these columns is measured in."""
    return 1.0 if scale is None else scale[columns].astype(np.float64)


def _chunks(model: LinearModel) -> list[tuple[int, int]]:
    return [(start, min(start + CHUNK, model.n_features)) for start in np.arange(0, model.n_features, CHUNK).tolist()]
