"""scikit-learn's linear classifiers -> heads: weights on symbolic features, intercepts, labels, and the link."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..linear import Floats
from .fitted import Fitted, before
from .records import show
from .symbolic import Features

LINEAR = ("LogisticRegression", "LogisticRegressionCV", "LinearSVC", "SGDClassifier", "RidgeClassifier",
          "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")  # fmt: skip
BAYES = ("MultinomialNB", "ComplementNB", "BernoulliNB")
CERTAIN = 800.0  # 1 / (1 + e^-800) is 1.0 and 1 / (1 + e^800) is 0.0 in float64


@dataclass(frozen=True, eq=False)
class Head:
    """A classifier as columns of scores.

    parts: (features, weights (features' width, k), first column) that add up. decides: the labels are chosen by
    decision_function, not by probabilities. shared: rows have much in common, look for a baseline. The rest is as in
    LinearModel.
    """

    parts: tuple[tuple[Features, npt.NDArray[Any], int], ...]
    intercept: Floats
    classes: npt.NDArray[Any]
    task: str
    link: str = "identity"
    calibration: Floats | None = None
    decides: bool = True
    shared: bool = False


def linear(estimator: Fitted, features: Features, version: str) -> Head:
    """A classifier with coef_ and intercept_, or one of the naive Bayes family."""
    if estimator.name in BAYES:
        return _bayes(estimator, features)
    coef = estimator.matrix("coef_", features.width)
    labels = classes(estimator)
    columns = len(coef)
    binarizer = estimator.state.get("_label_binarizer")
    multilabel = binarizer is not None and _is_multilabel(estimator.child(binarizer, ""))
    if columns not in (len(labels), 1) or (columns == 1 and len(labels) != 2):
        raise estimator.refusal(f"coef_ of shape {coef.shape} does not go with {len(labels)} classes")
    intercept = estimator.vector("intercept_")
    if len(intercept) not in (1, columns):
        raise estimator.refusal(f"{len(intercept)} intercepts for {columns} rows of coef_")
    task = "multilabel" if multilabel else "binary" if columns == 1 else "multiclass"
    link, slope = _link(estimator, task, version)
    calibration = None if slope == 1 else np.array([[slope], [0.0]])
    return Head(((features, coef.T, 0),), np.broadcast_to(intercept, columns).copy(), labels, task, link, calibration)


def classes(estimator: Fitted) -> npt.NDArray[Any]:
    """classes_, where the version keeps them."""
    for name in ("_label_binarizer", "label_binarizer_"):
        if "classes_" not in estimator.state and estimator.state.get(name) is not None:
            return classes(estimator.child(estimator.state[name], ""))
    value = estimator.fitted("classes_")
    if isinstance(value, list):
        raise estimator.refusal(
            f"it has several outputs (classes_ is a list of {len(value)}); train "
            f"OneVsRestClassifier on an indicator matrix, or one model an output"
        )
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        raise estimator.refusal(f"classes_ is {show(value)}, not a row of labels")
    for label in value.tolist() if value.dtype == object else ():
        if not isinstance(label, (str, int, float)):
            raise estimator.refusal(f"the label {show(label)} is {type(label).__name__}, not a string or a number")
    if len(value) < 2:
        raise estimator.refusal(f"it knows the label {show(value.tolist()[0]) if len(value) else 'nothing'} only")
    return value


def _is_multilabel(binarizer: Fitted) -> bool:
    return str(binarizer.fitted("y_type_")).startswith("multilabel")


def _link(estimator: Fitted, task: str, version: str) -> tuple[str, float]:
    """The link of a linear classifier, and by what it multiplies scores."""
    several = "ovr"
    if estimator.name == "SGDClassifier":
        loss = estimator.param("loss", "hinge")
        link = {"log": "sigmoid", "log_loss": "sigmoid", "modified_huber": "clipped"}.get(str(loss), "identity")
    elif estimator.name.startswith("LogisticRegression"):
        link = "sigmoid"
        if _multinomial(estimator, task, version):
            several = "softmax"
            if task == "binary" and _multi_class(estimator, version):
                return "sigmoid", 2.0  # the versions with multi_class take softmax of (-s, s)
    else:
        return "identity", 1.0
    return (several if task == "multiclass" and link == "sigmoid" else link), 1.0


def _multi_class(estimator: Fitted, version: str) -> str:
    """The parameter multi_class, which scikit-learn had before 1.8."""
    value = estimator.param("multi_class")
    return str(value) if value is not None and (not version or before(version, (1, 8))) else ""


def _multinomial(estimator: Fitted, task: str, version: str) -> bool:
    """Whether predict_proba of a LogisticRegression is a softmax."""
    multi_class, solver = _multi_class(estimator, version), estimator.param("solver", "lbfgs")
    if multi_class in ("auto", "deprecated"):
        return task != "binary" and not (
            solver == "liblinear" or (solver == "newton-cholesky" and before(version, (1, 6)))
        )
    return multi_class not in ("ovr", "warn")


def _bayes(estimator: Fitted, features: Features) -> Head:
    """Naive Bayes: joint log likelihoods, linear in the counts."""
    labels = classes(estimator)
    for name in ("feature_log_prob_", "class_log_prior_"):
        value = estimator.fitted(name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and np.isneginf(value).any():
            raise estimator.refusal(f"{name} has the value -inf, the logarithm of 0; train with alpha > 0")
    weights = estimator.matrix("feature_log_prob_", features.width)
    prior = estimator.vector("class_log_prior_", len(labels))
    if len(weights) != len(labels):
        raise estimator.refusal(f"feature_log_prob_ of shape {weights.shape} does not go with {len(labels)} classes")
    if estimator.name == "BernoulliNB":
        if estimator.param("binarize", 0.0) is not None:
            features = features.binarized(estimator.number("binarize", 0.0), estimator.place)
        with np.errstate(divide="ignore"):
            absent = np.log(1 - np.exp(weights))
        if not np.isfinite(absent).all():
            raise estimator.refusal("a feature has the probability 1 in a class; train with alpha > 0")
        weights, prior = weights - absent, prior + absent.sum(axis=1)
    if estimator.name == "ComplementNB":
        prior = np.zeros(len(labels))
    return Head(((features, weights.T, 0),), prior, labels, "multiclass", "softmax", decides=False, shared=True)


# Meta-estimators: heads to a head


def one_vs_rest(estimator: Fitted, heads: Sequence[Head | int]) -> Head:
    """OneVsRestClassifier: a binary head a class; a number (0 or 1) where all training samples had the same label."""
    binarizer = estimator.child(estimator.fitted("label_binarizer_"), "")
    labels = classes(estimator)
    multilabel = _is_multilabel(binarizer)
    task = "multilabel" if multilabel else "binary" if len(heads) == 1 else "multiclass"
    if len(heads) != (1 if task == "binary" else len(labels)):
        raise estimator.refusal(f"{len(heads)} estimators_ do not go with {len(labels)} classes")
    columns = [head if isinstance(head, int) else _one_column(estimator, head) for head in heads]
    real = [column for column in columns if isinstance(column, Head)]
    if len(real) < len(columns) and not (multilabel and real):
        raise estimator.refusal("a label is the same in all training samples; train without it")
    first = real[0]
    if any((column.link, column.decides) != (first.link, first.decides) for column in real):
        raise estimator.refusal("its estimators_ are not all of one kind; train it again")
    link = "ovr" if task == "multiclass" and first.link == "sigmoid" else first.link
    if task == "multiclass" and link == "clipped":
        raise estimator.refusal(
            "over modified_huber its probabilities are all 0 for some texts; train "
            "SGDClassifier(loss='modified_huber') itself, which is one-vs-rest already"
        )
    parts: list[tuple[Features, npt.NDArray[Any], int]] = []
    for number, column in enumerate(columns):
        if isinstance(column, Head):
            parts += [(symbols, weights, number) for symbols, weights, _ in column.parts]
    return Head(
        _side_by_side(parts),
        np.array([float(column) if isinstance(column, int) else float(column.intercept[0]) for column in columns]),
        labels,
        task,
        link,
        _ovr_calibration(estimator, columns, first),
        first.decides,
        any(isinstance(head, Head) and head.shared for head in heads),
    )


def _one_column(estimator: Fitted, head: Head) -> Head:
    """A binary head with one column of scores."""
    if head.task == "binary":
        return head
    if head.task != "multiclass" or len(head.classes) != 2 or head.link != "softmax":
        raise estimator.refusal(f"an estimator of it has {len(head.classes)} classes, not 2; train it again")
    parts = tuple((features, weights[:, 1:] - weights[:, :1], 0) for features, weights, _ in head.parts)
    return Head(parts, head.intercept[1:] - head.intercept[:1], head.classes, "binary", "sigmoid", decides=False)


def _side_by_side(
    parts: Sequence[tuple[Features, npt.NDArray[Any], int]],
) -> tuple[tuple[Features, npt.NDArray[Any], int], ...]:
    """Neighbouring columns on the same features as one part."""
    out: list[tuple[Features, list[npt.NDArray[Any]], int]] = []
    for features, weights, first in parts:
        if out and out[-1][0] is features and out[-1][2] + len(out[-1][1]) == first:
            out[-1][1].append(weights)
        else:
            out.append((features, [weights], first))
    return tuple((features, np.hstack(columns), first) for features, columns, first in out)


def _ovr_calibration(estimator: Fitted, columns: Sequence[Head | int], first: Head) -> Floats | None:
    """Slopes and offsets of the columns together."""
    plain = np.array([[1.0], [0.0]])
    out = np.hstack([plain if isinstance(c, int) or c.calibration is None else c.calibration for c in columns])
    constant = np.array([isinstance(column, int) for column in columns])
    if first.decides and (out[:, ~constant] != out[:, ~constant][:, :1]).any():
        raise estimator.refusal("its estimators_ are calibrated each in its own way; calibrate it as a whole")
    if constant[0] and first.decides:
        # scikit-learn takes its threshold from the first estimator, and that of a constant is 0.5, not 0.
        if first.link != "identity":
            raise estimator.refusal(
                "the first label is the same in all training samples, so that scikit-learn compares the "
                "scores of all labels with 0.5, not 0; train without this label"
            )
        out[1] -= 0.5
    elif first.link != "identity":  # probabilities of exactly 0 and 1
        sure = CERTAIN if first.link == "sigmoid" else 1.0
        out[0, constant] = 0.0
        out[1, constant] = [sure if column else -sure for column in columns if isinstance(column, int)]
    return None if (out == plain).all() else out


def calibrated(estimator: Fitted, pair: Fitted, head: Head) -> Head:
    """CalibratedClassifierCV with one classifier: pair is its _CalibratedClassifier, head the classifier in it."""
    if not head.decides:
        raise estimator.refusal(
            "it calibrates probabilities, which are not linear in the features; calibrate a classifier "
            "that has decision_function (LinearSVC, LogisticRegression)"
        )
    labels = pair.fitted("classes")
    if not isinstance(labels, np.ndarray) or labels.ndim != 1:
        raise pair.refusal(f"classes is {show(labels)}, not a row of labels")
    if head.classes.tolist() not in (labels.tolist(), list(range(len(labels)))):  # temperature numbers the labels
        raise estimator.refusal("its classes are not those of the classifier in it; train it with ensemble=False")
    head = dataclasses.replace(head, classes=labels)
    method = pair.param("method", "sigmoid")
    calibrators = pair.state.get("calibrators", pair.state.get("calibrators_"))
    if not isinstance(calibrators, (list, tuple)) or not calibrators:
        raise pair.unfitted("calibrators")
    each = [estimator.child(calibrator, "calibrators") for calibrator in calibrators]
    names = {calibrator.name for calibrator in each}
    binary = head.task == "binary"
    if names == {"_TemperatureScaling"}:
        slope = each[0].number("beta_") * (2.0 if binary else 1.0)  # binary: softmax of (-s, s)
        calibration = np.repeat([[slope], [0.0]], len(head.intercept), axis=1)
        return dataclasses.replace(
            head, link="sigmoid" if binary else "softmax", calibration=calibration, decides=False
        )
    if names != {"_SigmoidCalibration"}:
        raise estimator.refusal(
            f"method {show(method)} is not a formula of the score; train with method='sigmoid' or 'temperature'"
        )
    if len(each) != len(head.intercept):
        raise estimator.refusal(f"{len(each)} calibrators for {len(head.intercept)} scores")
    calibration = np.array([[-c.number("a_") for c in each], [-c.number("b_") for c in each]])
    return dataclasses.replace(head, link="sigmoid" if binary else "ovr", calibration=calibration, decides=False)
