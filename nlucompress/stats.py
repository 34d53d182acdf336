"""Statistics of one set of answers: the interval of a share, and calibration. Those of a difference are measure.py's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .linear import Floats

BINS = 15
_Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile


def wilson(hits: int, n: int, z: float = _Z95) -> tuple[float, float]:
    """The interval of a share ``hits / n``: (low, high), at 95 % unless z says otherwise; (0, 1) of nothing.

    Wilson: Probable inference, the law of succession, and statistical inference, JASA 1927. Unlike the normal
    approximation it stays within 0..1 and is no point where no or all samples are hits. Raises ValueError if hits is not
    in 0..n.

    >>> [round(end, 3) for end in wilson(79, 100)]
    [0.7, 0.858]
    >>> [round(end, 3) for end in wilson(0, 100)]
    [0.0, 0.037]
    """
    if not 0 <= hits <= n:
        raise ValueError(f"hits: {hits} is not in 0..{n}")
    if not n:
        return 0.0, 1.0
    share, square = hits / n, z * z / n
    middle, half = share + square / 2, z * math.sqrt(share * (1 - share) / n + square / (4 * n))
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return (0.0 if hits == 0 else max(low, 0.0)), (1.0 if hits == n else min(high, 1.0))


@dataclass(frozen=True, eq=False)
class Calibration:
    """error: the expected calibration error. confidence, accuracy: (n_bins,) means; count: (n_bins,) samples."""

    error: float
    confidence: Floats
    accuracy: Floats
    count: npt.NDArray[np.int64]


def calibration(confidence: Floats, right: npt.NDArray[Any], bins: int = BINS) -> Calibration:
    """How far confidence is from accuracy: the mean over bins of |accuracy - confidence|, weighted by their samples.

    confidence: (n_samples,) probability of the predicted label; right: (n_samples,) whether it is right. The expected
    calibration error of Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks, ICML 2017, with bins of
    equal mass instead of equal width, so that no bin is empty.

    >>> calibration(np.array([0.9, 0.9, 0.6, 0.6]), np.array([1, 1, 1, 0]), bins=2).error.round(3)
    np.float64(0.1)
    """
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order)) or 1) if len(part)]
    means = np.array([[confidence[part].mean(), right[part].mean(), len(part)] for part in parts]).reshape(-1, 3)
    gaps = np.abs(means[:, 1] - means[:, 0]) * means[:, 2]
    error = np.float64(gaps.sum() / max(len(order), 1))
    return Calibration(error, means[:, 0], means[:, 1], means[:, 2].astype(np.int64))
