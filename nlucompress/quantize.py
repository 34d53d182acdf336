"""Weights to one-byte codes and a codebook of at most 256 float32 values.

The codebook is even: multiples k·step of one step, zero among them, and each weight goes to the nearest value. With B
buckets the side of the larger extreme M gets B//2 multiples and the other B - 1 - B//2 (where both extremes are about
alike, both get the smaller number, and a bucket of an even B stays unused), so no weight is off by more than half a step,
and the largest by 1/32768 at most: a step has 16 bits, so that its multiples are exact in a float32 and a runtime may add
codes before it multiplies. Two buckets are too few for that: they may leave the largest weight half a step off. A
weight whose nearest value is zero is dropped.

Heavy tails: one weight of 90 standard deviations would stretch the step until all others round to zero. So where taking
out at most B//16 weights makes the range less than a quarter, they are taken out and their values get buckets of their
own, exact. The tail of a trained model does not trip this: the largest weight may be 60 to 100 standard deviations away,
but the next ones follow closely. benchmarks/README.md has the measurements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import BuildError
from .linear import Floats, LinearModel, SparseRows

Range = Literal["model", "class"]
CHUNK = 4096  # features at a time: bounds the memory of a dense model to CHUNK * n_columns * 8 bytes


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


def quantize(model: LinearModel, buckets: int = 256, range: Range = "model") -> Quantized:
    """Quantize a model's weights to at most ``buckets`` values; ``range="class"`` gives each class a scale of its own.

    Raises BuildError if buckets is not in 2..256.

    >>> from nlucompress.linear import Namespace
    >>> model = LinearModel((Namespace("w"),), (("a", "b", "c"),), np.array([[1.0], [-0.49], [0.001]]), np.zeros(1),
    ...                     np.array(["no", "yes"]), task="binary")
    >>> quantize(model, buckets=5).codebook
    array([-0.5,  0. ,  0.5,  1. ], dtype=float32)
    """
    if not 2 <= buckets <= 256:
        raise BuildError(f"buckets: {buckets} is not in 2..256 (a weight is one byte)")
    if range not in ("model", "class"):
        raise BuildError(f"range: {range!r} is not 'model' or 'class'")
    spans, outliers = _spans(model, buckets, range)
    scale = None
    if range == "class":
        scale = np.maximum(spans.max(axis=1), np.finfo(np.float32).tiny).astype(np.float32)
        scale[spans.max(axis=1) == 0] = 1
        spans = spans / scale[:, None]
    below, above = (float(side) for side in spans.max(axis=0))
    codebook, step = _codebook(below, above, buckets, _outliers(model, spans, scale, outliers))
    codes, report = _encode(model, codebook, scale)
    report |= {"step": step, "outliers": outliers}
    return Quantized(codes, codebook, scale, report)


def _spans(model: LinearModel, buckets: int, range: Range) -> tuple[Floats, int]:
    """Largest weight below and above zero of each range, outliers left aside: (n_ranges, 2), and the outliers' number."""
    most = max(1, buckets // 16) if buckets >= 4 else 0
    columns = model.n_columns if range == "class" else 1
    # The `most + 1` largest weights of each side and range, descending: enough to decide what to leave aside.
    tops = np.zeros((2, columns, most + 1))
    for start, stop in _chunks(model):
        chunk = model.rows(start, stop)
        flat = chunk if range == "class" else chunk.reshape(-1, 1)
        for side, values in enumerate((-flat, flat)):
            if len(values) > most + 1:
                values = np.partition(values, -(most + 1), axis=0)[-(most + 1) :]
            both = np.concatenate([tops[side], np.maximum(values, 0).T], axis=1)
            tops[side] = -np.sort(-both, axis=1)[:, : most + 1]
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


def _outliers(model: LinearModel, spans: Floats, scale: npt.NDArray[np.float32] | None, count: int) -> Floats:
    """The values (in units of their scale) that lie outside the spans; at most ``count`` distinct ones."""
    if not count:
        return np.empty(0)
    found = [np.empty(0)]
    for start, stop in _chunks(model):
        chunk = model.rows(start, stop)
        if scale is not None:
            chunk = chunk / scale
        below, above = (spans[:, 0], spans[:, 1]) if scale is not None else (spans[0, 0], spans[0, 1])
        slack = 1 + 1e-6  # a scale is a float32: its own largest weight must not count as outside
        found.append(chunk[(chunk > above * slack) | (chunk < -below * slack)])
    return np.unique(np.concatenate(found))


def _codebook(below: float, above: float, buckets: int, outliers: Floats) -> tuple[npt.NDArray[np.float32], float]:
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

    >>> _short(1 / 3) * 255 == np.float32(_short(1 / 3) * 255)
    True
    """
    fraction, exponent = math.frexp(step)
    return math.ldexp(math.ceil(math.ldexp(fraction, 16)), exponent - 16)


def _encode(model: LinearModel, codebook: npt.NDArray[np.float32], scale: npt.NDArray[np.float32] | None
            ) -> tuple[SparseRows, dict[str, float]]:  # fmt: skip
    """Each weight to the index of its nearest codebook value; zeros dropped."""
    values = codebook.astype(np.float64)
    between = (values[:-1] + values[1:]) / 2
    zero = int(np.flatnonzero(values == 0)[0])
    lengths, columns, data = [], [], []
    largest, total, nonzero, features = 0.0, 0.0, 0, 0
    for start, stop in _chunks(model):
        chunk = model.rows(start, stop)
        rows, cols = np.nonzero(chunk)
        weights = chunk[rows, cols]
        factor: Any = 1.0 if scale is None else scale[cols].astype(np.float64)
        codes = np.searchsorted(between, weights / factor).astype(np.uint8)
        error = np.abs(values[codes] * factor - weights)
        largest, total = max(largest, float(error.max(initial=0))), total + float(error.sum())
        nonzero, features = nonzero + len(rows), features + len(np.unique(rows))
        kept = codes != zero
        lengths.append(np.bincount(rows[kept], minlength=len(chunk)))
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


def _chunks(model: LinearModel) -> list[tuple[int, int]]:
    return [(start, min(start + CHUNK, model.n_features)) for start in np.arange(0, model.n_features, CHUNK).tolist()]
