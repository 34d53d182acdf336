"""Intervals and calibration, held against what they claim: coverage, published values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlucompress.stats import calibration, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),  # Newcombe: Two-sided confidence intervals for the single proportion, 1998, table I
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 300), st.integers(0, 300))
def test_wilson_holds_its_share_and_is_symmetric(hits: int, misses: int) -> None:
    n = hits + misses
    low, high = wilson(hits, n)
    assert 0 <= low <= (hits / n if n else 0.5) <= high <= 1
    assert wilson(misses, n) == pytest.approx((1 - high, 1 - low))
    assert n == 0 or high - low < 1


def test_more_hits_than_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hits: 3 is not in 0\.\.2"):
        wilson(3, 2)


def test_calibrated_confidence_has_no_error_and_shifted_confidence_has_its_shift() -> None:
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.3, 0.9, 200_000)
    right = rng.random(200_000) < confidence
    assert calibration(confidence, right).error < 0.01
    assert calibration(confidence + 0.1, right).error == pytest.approx(0.1, abs=0.005)


def test_bins_have_equal_mass_and_all_samples() -> None:
    found = calibration(np.linspace(0.5, 1, 31) ** 2, np.ones(31), bins=10)
    assert found.count.tolist() == [4, *[3] * 9]
    assert (np.diff(found.confidence) > 0).all()
    assert calibration(np.array([0.5, 0.7]), np.array([1, 0])).count.tolist() == [1, 1]
    assert calibration(np.empty(0), np.empty(0)).error == 0
