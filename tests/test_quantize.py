"""What quantization claims of its codebook, its errors and its report; on all the shapes that weights have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from nlucompress.errors import BuildError
from nlucompress.linear import LinearModel, Namespace, SparseRows
from nlucompress.quantize import BINS, CHUNK, Quantized, quantize

Floats = npt.NDArray[np.float64]
FLOAT32 = 2.0**-23  # two float32 roundings of a value, relative


def model_of(weights: Floats | SparseRows) -> LinearModel:
    """A model with these weights: binary if they have one column."""
    rows, columns = weights.shape
    return LinearModel(
        (Namespace("words"),), ([str(i) for i in range(rows)],), weights, np.zeros(columns),
        np.arange(max(columns, 2)), task="binary" if columns == 1 else "multiclass",
    )  # fmt: skip


def dequantized(quantized: Quantized) -> Floats:
    return quantized.weights().dense(0, quantized.codes.shape[0])


def outliers(quantized: Quantized, weights: Floats) -> npt.NDArray[np.bool_]:
    """Which weights have buckets of their own: of a model, as many of the largest as the report says; of a class, those
    beyond its scale, or all of them if none is left within it (then the scale is 1)."""
    sizes = np.abs(weights)
    if quantized.scale is None:
        count = int(quantized.report["outliers"])
        return sizes > np.sort(sizes, axis=None)[::-1][count] if count < sizes.size else sizes > 0
    alone = (quantized.scale == 1) & ~np.isclose(sizes, 1, rtol=1e-6).any(axis=0)
    return (sizes > quantized.scale * (1 + 2e-6)) | (alone & (sizes > 0))


buckets_drawn = st.one_of(st.sampled_from([2, 3, 4, 5, 16, 17, 64, 255, 256]), st.integers(2, 256))
ranges_drawn = st.sampled_from(["model", "class"])


@st.composite
def matrices(draw: st.DrawFn, columns: tuple[int, ...] = (1, 2, 5)) -> Floats:
    """Weights of every kind, and of a magnitude that a trained model may have."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    shape = draw(st.sampled_from([0, 1, 2, 3, 50, 400])), draw(st.sampled_from(columns))
    magnitude = draw(st.sampled_from([1e-30, 1e-3, 1.0, 1e6]))
    return strategies.weights(rng, draw(st.sampled_from(strategies.WEIGHTS)), shape) * magnitude


# -- codebook and error -----------------------------------------------------------------------------------------------


@given(matrices(), buckets_drawn, ranges_drawn)
def test_zero_is_in_the_codebook_and_the_codebook_ascends_within_its_buckets(
    weights: Floats, buckets: int, kind: Any
) -> None:
    codebook = quantize(model_of(weights), buckets, kind).codebook
    assert codebook.dtype == np.float32
    assert (codebook == 0).sum() == 1
    assert len(codebook) <= buckets
    assert np.isfinite(codebook).all()
    assert (np.diff(codebook) > 0).all()


@pytest.mark.parametrize("kind", ["model", "class"])
@pytest.mark.parametrize("shape", [(300, 1), (100, 3)])
def test_any_number_of_buckets_holds_its_limit(shape: tuple[int, int], kind: Any) -> None:
    weights = np.random.default_rng(1).standard_t(3, shape)
    sizes = [len(quantize(model_of(weights), buckets, kind).codebook) for buckets in range(2, 257)]
    assert all(size <= buckets for size, buckets in zip(sizes, range(2, 257), strict=True))
    assert sizes[-1] >= 240  # and little is left unused


@given(matrices(), buckets_drawn, ranges_drawn)
@example(np.array([[1.0], [-1.0], [0.3]]), 4, "model")
@example(np.array([[1.0], [-0.9]]), 2, "model")
@example(np.array([[100.0], [-1.0], [0.9], [0.1]]), 4, "model")
def test_a_weight_that_is_no_outlier_is_off_by_at_most_half_a_step(weights: Floats, buckets: int, kind: Any) -> None:
    quantized = quantize(model_of(weights), buckets, kind)
    error = np.abs(dequantized(quantized) - weights)
    scale = np.ones(weights.shape[1]) if quantized.scale is None else quantized.scale
    limit = scale * quantized.report["step"] / 2 + np.abs(weights) * FLOAT32
    usual = ~outliers(quantized, weights)
    assert (error <= limit)[usual].all()


@given(matrices(), buckets_drawn, ranges_drawn)
@example(np.array([[100.0], [-1.0], [0.9], [0.1]]), 4, "model")
@example(np.append(np.linspace(-1, 1, 99), [90.0, -80.0])[:, None], 32, "model")
@example(np.append(np.linspace(-1, 1, 99), [90.0, 90.0])[:, None], 64, "model")
def test_outliers_are_exact_to_float32(weights: Floats, buckets: int, kind: Any) -> None:
    quantized = quantize(model_of(weights), buckets, kind)
    found = outliers(quantized, weights)
    assert found.sum() <= max(1, buckets // 16)
    np.testing.assert_allclose(dequantized(quantized)[found], weights[found], rtol=FLOAT32)


@given(matrices(), st.one_of(st.sampled_from([3, 4, 5, 16, 64, 255, 256]), st.integers(3, 256)))
@example(np.array([[1.0], [-1.0], [0.3]]), 4)
@example(np.array([[1.0], [-1.0], [0.3]]), 256)
@example(np.array([[-1.0], [1.0 - 1e-9], [0.3]]), 256)
def test_the_largest_weight_is_off_by_what_rounding_a_step_up_to_16_bits_adds(weights: Floats, buckets: int) -> None:
    quantized = quantize(model_of(weights), buckets)
    sizes = np.abs(weights)
    largest = sizes == sizes.max(initial=0)
    after = np.abs(dequantized(quantized)[largest])
    assert (after >= sizes[largest] * (1 - FLOAT32)).all()
    assert (after <= sizes[largest] * (1 + 2.0**-15 + FLOAT32)).all()
    np.testing.assert_array_equal(np.sign(dequantized(quantized)[largest]), np.sign(weights[largest]))


@given(matrices(), buckets_drawn, ranges_drawn)
def test_each_weight_has_the_nearest_value_of_the_codebook(weights: Floats, buckets: int, kind: Any) -> None:
    quantized = quantize(model_of(weights), buckets, kind)
    scale = np.ones(weights.shape[1]) if quantized.scale is None else quantized.scale.astype(np.float64)
    values = quantized.codebook.astype(np.float64)[:, None, None] * scale
    nearest = np.abs(values - weights).min(axis=0)
    np.testing.assert_allclose(np.abs(dequantized(quantized) - weights), nearest, rtol=1e-9, atol=1e-50)


@given(matrices(), buckets_drawn, ranges_drawn)
def test_a_weight_that_rounds_to_zero_is_dropped_and_no_other(weights: Floats, buckets: int, kind: Any) -> None:
    quantized = quantize(model_of(weights), buckets, kind)
    assert (quantized.weights().data != 0).all()
    assert quantized.codes.data.dtype == np.uint8
    rows = np.repeat(np.arange(len(weights)), np.diff(quantized.codes.indptr))
    assert len(set(zip(rows.tolist(), quantized.codes.indices.tolist(), strict=True))) == len(rows)
    inside = np.diff(quantized.codes.indices)[np.diff(rows) == 0]
    assert (inside > 0).all()


def test_weights_of_zero_alone_leave_empty_rows_and_a_codebook_of_zero() -> None:
    for kind in ("model", "class"):
        quantized = quantize(model_of(np.zeros((5, 3))), range=kind)
        assert quantized.codebook.tolist() == [0.0]
        assert quantized.codes.indptr.tolist() == [0] * 6


def test_a_few_distinct_weights_need_a_few_buckets() -> None:
    quantized = quantize(model_of(np.array([[1.0, 0.0], [-1.0, 0.5]])), 5)
    np.testing.assert_array_equal(dequantized(quantized), [[1.0, 0.0], [-1.0, 0.5]])


# -- the same weights, given otherwise --------------------------------------------------------------------------------


@given(matrices(), buckets_drawn, ranges_drawn)
def test_sparse_and_dense_weights_give_equal_codes(weights: Floats, buckets: int, kind: Any) -> None:
    dense = quantize(model_of(weights), buckets, kind)
    sparse = quantize(model_of(strategies.sparse(weights)), buckets, kind)
    assert_equal(dense, sparse)


@pytest.mark.parametrize("rows", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
@pytest.mark.parametrize("kind", ["model", "class"])
def test_a_model_of_many_chunks_has_the_codes_of_its_values(rows: int, kind: Any) -> None:
    weights = np.random.default_rng(rows).standard_normal((rows, 2))
    weights[-1, 0], weights[0, 1] = 90, -70
    quantized = quantize(model_of(weights), 64, kind)
    assert_equal(quantized, quantize(model_of(strategies.sparse(weights)), 64, kind))
    np.testing.assert_allclose([dequantized(quantized)[-1, 0], dequantized(quantized)[0, 1]], [90, -70], rtol=FLOAT32)
    usual = np.abs(weights) < 50
    assert np.abs(dequantized(quantized) - weights)[usual].max() < 0.1


def assert_equal(one: Quantized, other: Quantized) -> None:
    np.testing.assert_array_equal(one.codebook, other.codebook)
    np.testing.assert_array_equal(one.codes.indptr, other.codes.indptr)
    np.testing.assert_array_equal(one.codes.indices, other.codes.indices)
    np.testing.assert_array_equal(one.codes.data, other.codes.data)
    assert (one.scale is None) == (other.scale is None)
    if one.scale is not None and other.scale is not None:
        np.testing.assert_array_equal(one.scale, other.scale)
    assert one.report == pytest.approx(other.report, rel=1e-12)


@given(matrices(), buckets_drawn, ranges_drawn, st.randoms(use_true_random=False))
def test_features_in_another_order_have_the_same_values(weights: Floats, buckets: int, kind: Any, random: Any) -> None:
    order = list(range(len(weights)))
    random.shuffle(order)
    one, other = quantize(model_of(weights), buckets, kind), quantize(model_of(weights[order]), buckets, kind)
    np.testing.assert_array_equal(one.codebook, other.codebook)
    np.testing.assert_array_equal(dequantized(one)[order], dequantized(other))
    assert one.report == pytest.approx(other.report, rel=1e-9)


@given(matrices(columns=(3,)), buckets_drawn, ranges_drawn)
def test_classes_in_another_order_have_the_same_values(weights: Floats, buckets: int, kind: Any) -> None:
    one, other = quantize(model_of(weights), buckets, kind), quantize(model_of(weights[:, ::-1]), buckets, kind)
    if one.report["outliers"] == 0:  # ties between classes for the last buckets of outliers go to the first
        np.testing.assert_array_equal(dequantized(one)[:, ::-1], dequantized(other))


@given(matrices(), buckets_drawn)
def test_weights_of_the_opposite_sign_have_the_opposite_values(weights: Floats, buckets: int) -> None:
    quantized = quantize(model_of(weights), buckets)
    opposite = quantize(model_of(-weights), buckets)
    assert opposite.report["max_error"] == pytest.approx(quantized.report["max_error"], rel=1e-6)


# -- a scale a class --------------------------------------------------------------------------------------------------


@given(matrices(columns=(2, 5)), buckets_drawn)
def test_a_class_range_has_a_positive_finite_scale_a_class(weights: Floats, buckets: int) -> None:
    quantized = quantize(model_of(weights), buckets, "class")
    assert quantized.scale is not None
    assert quantized.scale.shape == (weights.shape[1],)
    assert quantized.scale.dtype == np.float32
    assert (quantized.scale > 0).all()
    assert np.isfinite(quantized.scale).all()
    assert quantize(model_of(weights), buckets, "model").scale is None


def test_a_class_scale_is_its_largest_weight_where_no_weight_is_an_outlier() -> None:
    weights = np.random.default_rng(3).uniform(-1, 1, (200, 4)) * [1, 10, 1000, 1e-5]
    quantized = quantize(model_of(weights), 64, "class")
    np.testing.assert_allclose(quantized.scale, np.abs(weights).max(axis=0), rtol=FLOAT32)
    error = np.abs(dequantized(quantized) - weights).max(axis=0)
    assert (error <= np.abs(weights).max(axis=0) / 62 + 1e-12).all()


def test_a_small_class_survives_beside_a_large_one_in_a_class_range_only() -> None:
    weights = np.random.default_rng(4).uniform(-1, 1, (200, 2)) * [1000, 1]
    kept = {kind: (dequantized(quantize(model_of(weights), 16, kind))[:, 1] != 0).mean() for kind in ("model", "class")}
    assert kept["model"] == 0
    assert kept["class"] > 0.85


# -- heavy tails ------------------------------------------------------------------------------------------------------


def plain_even_error(weights: Floats, buckets: int) -> float:
    """Mean error of all but the largest weight with one even range from -M to M: what heavy tails ruin."""
    step = 2 * np.abs(weights).max() / (buckets - 1)
    return float(np.sort(np.abs(np.round(weights / step) * step - weights), axis=None)[:-1].mean())


@pytest.mark.parametrize("buckets", [16, 64, 256])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("kind", ["model", "class"])
def test_one_weight_of_90_standard_deviations_does_not_ruin_the_rest(buckets: int, sign: int, kind: Any) -> None:
    weights = np.random.default_rng(90).standard_normal((2000, 3))
    before = np.abs(dequantized(quantize(model_of(weights), buckets, kind)) - weights).mean()
    weights[123, 1] = 90 * sign
    quantized = quantize(model_of(weights), buckets, kind)
    error = np.abs(dequantized(quantized) - weights)
    assert error[123, 1] <= 90 * FLOAT32
    assert np.delete(error.reshape(-1), 123 * 3 + 1).mean() <= 1.2 * before
    assert plain_even_error(weights, buckets) >= 5 * before or plain_even_error(weights, buckets) >= 0.7


def test_several_outliers_of_both_signs_have_buckets_of_their_own() -> None:
    weights = np.random.default_rng(91).standard_normal((2000, 1))
    weights[:6, 0] = [90, -95, 88, 120, -70, 90]
    quantized = quantize(model_of(weights), 256)
    assert quantized.report["outliers"] == 6
    np.testing.assert_allclose(dequantized(quantized)[:6], weights[:6], rtol=FLOAT32)
    assert np.abs(dequantized(quantized) - weights)[6:].max() <= np.abs(weights[6:]).max() / 120


def test_a_tail_that_thins_out_slowly_is_no_outlier() -> None:
    weights = np.random.default_rng(92).standard_t(3, (5000, 1))
    assert quantize(model_of(weights), 256).report["outliers"] == 0


# -- k-means and pruning ----------------------------------------------------------------------------------------------

prunes_drawn = st.sampled_from([0.0, 0.001, 0.1, 0.5, 0.999])


def floors(quantized: Quantized, weights: Floats, prune: float) -> Floats:
    """What a weight must have to stay: (n_columns,). Of a model with outliers, from the largest of the others."""
    if quantized.scale is not None:
        return prune * np.where((quantized.scale == 1), np.nan, quantized.scale.astype(np.float64))
    usual = np.abs(weights)[~outliers(quantized, weights)]
    return np.full(weights.shape[1], prune * usual.max(initial=0))


@given(matrices(), buckets_drawn, ranges_drawn, prunes_drawn)
def test_a_fitted_codebook_has_zero_and_holds_its_buckets(
    weights: Floats, buckets: int, kind: Any, prune: float
) -> None:
    codebook = quantize(model_of(weights), buckets, kind, "kmeans", prune).codebook
    assert codebook.dtype == np.float32
    assert (codebook == 0).sum() == 1
    assert len(codebook) <= buckets
    assert (np.diff(codebook) > 0).all()


@given(matrices(), buckets_drawn, ranges_drawn, st.sampled_from(["even", "kmeans"]), prunes_drawn)
def test_a_weight_below_the_threshold_is_zero_and_any_other_has_the_nearest_value(
    weights: Floats, buckets: int, kind: Any, codebook: Any, prune: float
) -> None:
    quantized = quantize(model_of(weights), buckets, kind, codebook, prune)
    floor = floors(quantized, weights, prune)
    pruned, kept = np.abs(weights) < floor * (1 - 1e-6), np.abs(weights) > floor * (1 + 1e-6)
    assert (dequantized(quantized)[pruned] == 0).all()
    scale = np.ones(weights.shape[1]) if quantized.scale is None else quantized.scale.astype(np.float64)
    nearest = np.abs(quantized.codebook.astype(np.float64)[:, None, None] * scale - weights).min(axis=0)
    error = np.abs(dequantized(quantized) - weights)
    np.testing.assert_allclose(error[kept], nearest[kept], rtol=1e-9, atol=1e-50)


@pytest.mark.parametrize("kind", ["model", "class"])
@pytest.mark.parametrize("prune", [0.0, 0.1])
@pytest.mark.parametrize("buckets", [4, 8, 32, 256])
def test_a_fitted_value_is_the_mean_of_its_weights_and_better_than_an_even_one(
    buckets: int, prune: float, kind: Any
) -> None:
    weights = np.random.default_rng(buckets).standard_t(4, (4000, 2))
    quantized = quantize(model_of(weights), buckets, kind, "kmeans", prune)
    after = dequantized(quantized)
    units = np.ones(2) if quantized.scale is None else quantized.scale.astype(np.float64)
    codes = quantized.codes
    shown = (weights / units)[np.repeat(np.arange(len(weights)), np.diff(codes.indptr)), codes.indices]
    means = np.bincount(codes.data, shown) / np.maximum(np.bincount(codes.data), 1)
    used = np.flatnonzero(np.bincount(codes.data))
    bin_width = 2 * np.abs(weights / units).max() / BINS
    assert np.abs(means[used] - quantized.codebook[used]).max() <= 4 * bin_width
    even = dequantized(quantize(model_of(weights), buckets, kind, "even", prune))
    assert ((after - weights) ** 2).sum() < ((even - weights) ** 2).sum()


def test_a_fitted_codebook_has_every_weight_where_there_are_buckets_for_all() -> None:
    weights = np.array([[1.0, 1.0001], [-3.0, 0.0], [0.001, 0.001]])
    np.testing.assert_allclose(dequantized(quantize(model_of(weights), 5, "model", "kmeans")), weights, rtol=1e-6)


@given(matrices(), buckets_drawn, ranges_drawn, prunes_drawn)
def test_sparse_and_dense_weights_give_equal_fitted_codes(
    weights: Floats, buckets: int, kind: Any, prune: float
) -> None:
    sparse = model_of(strategies.sparse(weights))
    assert_equal(quantize(model_of(weights), buckets, kind, "kmeans", prune),
                 quantize(sparse, buckets, kind, "kmeans", prune))  # fmt: skip


def test_an_outlier_keeps_its_own_bucket_beside_fitted_ones_and_does_not_raise_the_threshold() -> None:
    weights = np.random.default_rng(90).standard_normal((2000, 1))
    weights[7, 0] = 90
    after = dequantized(quantize(model_of(weights), 32, "model", "kmeans", 0.05))
    assert after[7, 0] == 90
    assert (after != 0).mean() > 0.7  # a threshold of 0.05 · 90 would leave one weight


def test_zeros_that_a_sparse_model_stores_are_no_weights() -> None:
    weights = strategies.sparse(np.array([[1.0, -1.0], [0.5, 0.25]]))
    weights.data[1] = 0.0
    assert quantize(model_of(weights)).report["weights_before"] == 3


# -- the report -------------------------------------------------------------------------------------------------------


@given(matrices(), buckets_drawn, ranges_drawn)
def test_the_report_tells_the_truth(weights: Floats, buckets: int, kind: Any) -> None:
    quantized = quantize(model_of(weights), buckets, kind)
    after = dequantized(quantized)
    error = np.abs(after - weights)
    report = quantized.report
    assert report["max_error"] == pytest.approx(error.max(initial=0), rel=1e-9)
    assert report["mean_error"] == pytest.approx(error[weights != 0].sum() / max((weights != 0).sum(), 1), rel=1e-9)
    assert report["weights_before"] == (weights != 0).sum()
    assert report["weights"] == (after != 0).sum() == len(quantized.codes.data)
    assert report["features_before"] == (weights != 0).any(axis=1).sum()
    assert report["features"] == (after != 0).any(axis=1).sum()
    assert report["outliers"] == outliers(quantized, weights).sum()


@given(matrices(), buckets_drawn, ranges_drawn)
def test_the_codebook_is_exact_multiples_of_the_reported_step_but_for_the_outliers(
    weights: Floats, buckets: int, kind: Any
) -> None:
    """To the last bit: a runtime may add codes up and multiply the sum by the step."""
    quantized = quantize(model_of(weights), buckets, kind)
    values, step = quantized.codebook[quantized.codebook != 0].astype(np.float64), quantized.report["step"]
    multiples = (values == np.round(values / (step or 1)) * step) & (step > 0)
    assert (~multiples).sum() <= quantized.report["outliers"]


@given(matrices(), buckets_drawn, ranges_drawn)
def test_codes_beside_each_other_are_a_step_apart_where_there_are_no_outliers(
    weights: Floats, buckets: int, kind: Any
) -> None:
    quantized = quantize(model_of(weights), buckets, kind)
    if not quantized.report["outliers"]:
        assert (np.diff(quantized.codebook.astype(np.float64)) == quantized.report["step"]).all()


@given(matrices(), buckets_drawn, ranges_drawn)
def test_a_step_has_16_bits(weights: Floats, buckets: int, kind: Any) -> None:
    fraction = np.frexp(quantize(model_of(weights), buckets, kind).report["step"])[0] * 2**16
    assert fraction == np.round(fraction)


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("buckets", [-1, 0, 1, 257, 1 << 40])
def test_buckets_out_of_range_are_refused_with_value_and_limit(buckets: int) -> None:
    with pytest.raises(BuildError, match=rf"buckets: {buckets} is not in 2\.\.256"):
        quantize(model_of(np.ones((1, 1))), buckets)


def test_an_unknown_range_is_refused_with_its_name() -> None:
    with pytest.raises(BuildError, match="range: 'global' is not 'model' or 'class'"):
        quantize(model_of(np.ones((1, 1))), range="global")  # type: ignore[arg-type]


def test_an_unknown_codebook_is_refused_with_its_name() -> None:
    with pytest.raises(BuildError, match="codebook: 'odd' is not 'even' or 'kmeans'"):
        quantize(model_of(np.ones((1, 1))), codebook="odd")  # type: ignore[arg-type]


@pytest.mark.parametrize("prune", [-0.1, 1.0, 3.0, float("nan")])
def test_a_threshold_out_of_range_is_refused_with_value_and_limit(prune: float) -> None:
    with pytest.raises(BuildError, match=rf"prune: {prune} is not at least 0 and below 1"):
        quantize(model_of(np.ones((1, 1))), prune=prune)


@pytest.mark.parametrize("kind", ["model", "class"])
@pytest.mark.parametrize("weight", [1e39, -1e300])
def test_a_weight_beyond_float32_is_refused_with_its_value(weight: float, kind: Any) -> None:
    with pytest.raises(ValueError, match=r"1e\+"):
        quantize(model_of(np.array([[1.0], [weight]])), range=kind)
