"""scikit-learn's transformers of a matrix -> the same matrix as symbols: selections, scalings, norms, projections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..linear import Floats
from .fitted import Fitted, before
from .records import Global, dense, is_sparse, show
from .sklearn_text import normed, tfidf
from .symbolic import Features

Mask = npt.NDArray[np.bool_]


def transform(estimator: Fitted, features: Features, version: str) -> Features:
    """The features after a fitted transformer. version: of scikit-learn, if known."""
    name = estimator.name
    if name in _MASKS:
        mask = _MASKS[name](estimator, version)
        estimator.check_width(len(mask), features.width, "the selection")
        if not mask.any():
            raise estimator.refusal("it selects no feature at all; loosen its criterion")
        return features.selected(mask)
    if name not in _STEPS:
        raise estimator.refusal(
            f"this step is not one that becomes part of a linear model; supported after a vectorizer are "
            f"{', '.join(sorted((*_STEPS, *_MASKS)))}"
        )
    return _STEPS[name](estimator, features)


# Selections: get_support() from the fitted attributes


def _scores(estimator: Fitted) -> Floats:
    """scores_, where a NaN is the smallest of all, as scikit-learn's _clean_nans."""
    row = _row(estimator, "scores_")
    scores: Floats = row.astype(row.dtype if row.dtype in (np.float32, np.float64) else np.float64)
    scores[np.isnan(scores)] = np.finfo(scores.dtype).min
    return scores


def _row(estimator: Fitted, name: str) -> npt.NDArray[Any]:
    """A fitted row of numbers, in which NaN has its meaning."""
    value = estimator.fitted(name)
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "biuf":
        raise estimator.refusal(f"{name} is {show(value)}, not a row of numbers")
    return value


def _k_best(estimator: Fitted, k: Any) -> Mask:
    if isinstance(k, str) and k == "all":
        return np.ones(len(_row(estimator, "scores_")), bool)
    if not isinstance(k, (int, np.integer)) or k < 0:
        raise estimator.refusal(f"k is {show(k)}, not a number or 'all'")
    scores = _scores(estimator)
    mask = np.zeros(len(scores), bool)
    if k:
        mask[np.argsort(scores, kind="mergesort")[-int(k) :]] = True  # of equal scores, the last
    return mask


def _percentile(estimator: Fitted, percentile: float) -> Mask:
    scores = _scores(estimator)
    if percentile in (0, 100):
        return np.full(len(scores), percentile == 100)
    if not 0 < percentile < 100:
        raise estimator.refusal(f"percentile {percentile} is not in 0..100")
    threshold = np.percentile(scores, 100 - percentile)
    mask: Mask = scores > threshold
    ties = np.flatnonzero(scores == threshold)
    if len(ties):
        mask[ties[: int(len(scores) * percentile / 100) - mask.sum()]] = True  # of equal scores, the first
    return mask


def _fpr(estimator: Fitted, alpha: float) -> Mask:
    mask: Mask = _row(estimator, "pvalues_") < alpha
    return mask


def _fdr(estimator: Fitted, alpha: float) -> Mask:
    """Benjamini and Hochberg's procedure."""
    p = _row(estimator, "pvalues_")
    ordered = np.sort(p)
    chosen = ordered[ordered <= alpha / len(p) * np.arange(1, len(p) + 1)]
    mask: Mask = p <= chosen.max() if len(chosen) else np.zeros(len(p), bool)
    return mask


def _fwe(estimator: Fitted, alpha: float) -> Mask:
    p = _row(estimator, "pvalues_")
    mask: Mask = p < alpha / len(p)
    return mask


def _generic(estimator: Fitted, version: str) -> Mask:
    mode, param = estimator.param("mode", "percentile"), estimator.param("param", 1e-5)
    if mode == "k_best":
        return _k_best(estimator, param)
    by_number: dict[str, Callable[[Fitted, float], Mask]] = {
        "percentile": _percentile, "fpr": _fpr, "fdr": _fdr, "fwe": _fwe,
    }  # fmt: skip
    if not isinstance(mode, str) or mode not in by_number:
        raise estimator.refusal(f"mode is {show(mode)}, not one of k_best, {', '.join(by_number)}")
    return by_number[mode](estimator, estimator.number("param", 1e-5))


def _support(estimator: Fitted, version: str) -> Mask:
    support = estimator.fitted("support_")
    if not isinstance(support, np.ndarray) or support.dtype != bool or support.ndim != 1:
        raise estimator.refusal(f"support_ is {show(support)}, not a row of booleans")
    return support


def _variance(estimator: Fitted, version: str) -> Mask:
    mask: Mask = _row(estimator, "variances_") > estimator.number("threshold", 0.0)
    return mask


def _from_model(estimator: Fitted, version: str) -> Mask:
    """SelectFromModel: importances against a threshold, at most max_features of them."""
    chosen = "estimator_" if "estimator_" in estimator.state else "estimator"
    if chosen == "estimator" and not estimator.param("prefit", False):
        raise estimator.unfitted("estimator_")
    selector = estimator.child(estimator.fitted(chosen), "")
    scores = _importances(estimator, selector)
    threshold = _threshold(estimator, selector, scores, version)
    mask: Mask = np.ones(len(scores), bool)
    limit = estimator.state.get("max_features_", estimator.param("max_features"))
    if estimator.param("max_features") is not None:
        if not isinstance(limit, (int, np.integer)):
            raise estimator.refusal(f"max_features is {show(limit)}; call fit, or give a number")
        mask = np.zeros(len(scores), bool)
        mask[np.argsort(-scores, kind="mergesort")[: int(limit)]] = True
    mask[scores < threshold] = False
    return mask


def _importances(estimator: Fitted, selector: Fitted) -> Floats:
    getter = estimator.param("importance_getter", "auto")
    if isinstance(getter, Global):
        raise estimator.refusal(
            f"importance_getter is the function {getter}, which is not run; select with the attribute's "
            f"name, or with SelectKBest"
        )
    path = str(getter).split(".") if getter != "auto" else ["coef_"]
    for step in path[:-1]:
        selector = selector.child(selector.fitted(step), "")
    if path[-1] not in selector.state:
        raise estimator.refusal(
            f"{selector.name} does not store {path[-1]}, by which features were selected; select with a "
            f"linear model (LinearSVC(penalty='l1')) or with SelectKBest"
        )
    values = selector.fitted(path[-1])
    if is_sparse(values):
        values = dense(values, f"{estimator.place}: {path[-1]}")
    if not isinstance(values, np.ndarray) or values.ndim not in (1, 2) or values.dtype.kind not in "biuf":
        raise estimator.refusal(f"{path[-1]} is {show(values)}, not an array of numbers")
    if values.ndim == 1:
        return np.abs(values)
    order = estimator.param("norm_order", 1)
    with np.errstate(all="ignore"):
        norms: Floats = np.linalg.norm(values, axis=0, ord=float(order) if isinstance(order, (int, float)) else 1)
    return norms


def _threshold(estimator: Fitted, selector: Fitted, scores: Floats, version: str) -> float:
    threshold = estimator.param("threshold")
    if threshold is None:
        threshold = 1e-5 if _is_l1(selector, version) else "mean"
    if isinstance(threshold, str):
        scale, _, reference = threshold.rpartition("*")
        functions: dict[str, Callable[[Floats], Any]] = {"mean": np.mean, "median": np.median}
        try:
            return float(scale or 1) * float(functions[reference.strip()](scores))
        except (KeyError, ValueError):
            raise estimator.refusal(f"threshold {threshold!r} is not like '1.25*mean' or 'median'") from None
    if not isinstance(threshold, (int, float, np.number)):
        raise estimator.refusal(f"threshold is {show(threshold)}, not a number, 'mean' or 'median'")
    return float(threshold)


def _is_l1(selector: Fitted, version: str) -> bool:
    """Whether scikit-learn takes the model for one that zeroes weights, and so 1e-5 for the threshold."""
    if selector.state.get("penalty") == "l1" or "Lasso" in selector.name:
        return True
    ratio = selector.state.get("l1_ratio_", selector.state.get("l1_ratio"))
    elastic = ("ElasticNet", "ElasticNetCV") if before(version, (1, 8)) else (
        "ElasticNet", "ElasticNetCV", "LogisticRegression", "LogisticRegressionCV")  # fmt: skip
    if before(version, (1, 1)) or selector.name not in elastic or ratio is None:
        return False
    return bool(np.all(np.isclose(np.asarray(ratio, float), 1.0)))


_MASKS: dict[str, Callable[[Fitted, str], Mask]] = {
    "SelectKBest": lambda e, _: _k_best(e, e.param("k", 10)),
    "SelectPercentile": lambda e, _: _percentile(e, e.number("percentile", 10)),
    "SelectFpr": lambda e, _: _fpr(e, e.number("alpha", 5e-2)),
    "SelectFdr": lambda e, _: _fdr(e, e.number("alpha", 5e-2)),
    "SelectFwe": lambda e, _: _fwe(e, e.number("alpha", 5e-2)),
    "GenericUnivariateSelect": _generic,
    "VarianceThreshold": _variance,
    "SelectFromModel": _from_model,
    "RFE": _support,
    "RFECV": _support,
    "SequentialFeatureSelector": _support,
}


# Arithmetic on columns


def _max_abs(estimator: Fitted, features: Features) -> Features:
    _no_clip(estimator)
    return features.scaled(1.0 / estimator.vector("scale_", features.width))


def _standard(estimator: Fitted, features: Features) -> Features:
    if estimator.param("with_mean", True):
        features = features.shifted(-estimator.vector("mean_", features.width))
    if estimator.state.get("scale_") is not None:
        features = features.scaled(1.0 / estimator.vector("scale_", features.width))
    elif estimator.param("with_std", True):
        raise estimator.unfitted("scale_")
    return features


def _robust(estimator: Fitted, features: Features) -> Features:
    if estimator.param("with_centering", True):
        features = features.shifted(-estimator.vector("center_", features.width))
    if estimator.param("with_scaling", True):
        features = features.scaled(1.0 / estimator.vector("scale_", features.width))
    return features


def _min_max(estimator: Fitted, features: Features) -> Features:
    _no_clip(estimator)
    return features.scaled(estimator.vector("scale_", features.width)).shifted(estimator.vector("min_", features.width))


def _no_clip(estimator: Fitted) -> None:
    if estimator.param("clip", False):
        raise estimator.refusal("clip=True is not linear; train with clip=False")


def _project(estimator: Fitted, features: Features) -> Features:
    return features.projected(estimator.matrix("components_", features.width).T)


def _pca(estimator: Fitted, features: Features) -> Features:
    components = estimator.matrix("components_", features.width)
    features = features.shifted(-estimator.vector("mean_", features.width)).projected(components.T)
    if estimator.param("whiten", False):
        deviation = np.sqrt(estimator.vector("explained_variance_", features.width))
        features = features.scaled(1.0 / np.maximum(deviation, np.finfo(deviation.dtype).eps))
    return features


def _binarize(estimator: Fitted, features: Features) -> Features:
    return features.binarized(estimator.number("threshold", 0.0), estimator.place)


_STEPS: dict[str, Callable[[Fitted, Features], Features]] = {
    "TfidfTransformer": tfidf,
    "Normalizer": lambda e, f: normed(e, f, e.param("norm", "l2")),
    "Binarizer": _binarize,
    "MaxAbsScaler": _max_abs,
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MinMaxScaler": _min_max,
    "TruncatedSVD": _project,
    "SparseRandomProjection": _project,
    "GaussianRandomProjection": _project,
    "PCA": _pca,
}
