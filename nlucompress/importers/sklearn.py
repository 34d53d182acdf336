"""scikit-learn pipelines -> LinearModel: the walk from the raw sample through every step to the classifier.

Live objects and records of a file, of any version from 0.24 on, are read alike: their attributes only, no code of theirs.
Neither scikit-learn nor scipy is imported. What cannot be carried over exactly is refused, with the way out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ModelImportError
from ..linear import LinearModel, Namespace
from .assembly import Assembly
from .fitted import SEARCHES, Fitted, version_of
from .formats import Format
from .records import Record, show, view
from .sklearn_linear import BAYES, LINEAR, Head, calibrated, linear, one_vs_rest
from .sklearn_steps import transform
from .sklearn_text import VECTORIZERS, vectorize
from .symbolic import Features, Source

_WRAPPERS = {**dict.fromkeys(SEARCHES, "best_estimator_"), "FrozenEstimator": "estimator"}
_CLASSIFIERS = (*LINEAR, *BAYES, "OneVsRestClassifier", "CalibratedClassifierCV")
MAX_ESTIMATORS = 10_000  # a file of a few bytes can hold one estimator a million times
_ONE_MODEL = "train one of its models alone, in the same pipeline"
_NOT_LINEAR = (
    "it is not linear; train LogisticRegression, LinearSVC, SGDClassifier or ComplementNB on the same features"
)

# Other estimators of scikit-learn, and the way out
_REFUSED = {
    "OneVsOneClassifier": "it lets pairs of classes vote, which is not linear; train OneVsRestClassifier",
    "OutputCodeClassifier": "it decodes from several binary models, which is not linear; train OneVsRestClassifier",
    "MultiOutputClassifier": "it answers with a label for each output; train OneVsRestClassifier on an indicator matrix",
    "ClassifierChain": "its models read each other's answers; train OneVsRestClassifier on an indicator matrix",
    "SVC": "it keeps support vectors and lets pairs of classes vote; train LinearSVC",
    "NuSVC": "it keeps support vectors and lets pairs of classes vote; train LinearSVC",
    "StackingClassifier": f"it is a model of models; {_ONE_MODEL}",
    "VotingClassifier": f"it is a vote of models; {_ONE_MODEL}",
    "BaggingClassifier": f"it is a vote of models; {_ONE_MODEL}",
    "AdaBoostClassifier": f"it is a vote of models; {_ONE_MODEL}",
    "TunedThresholdClassifierCV": "it moves the threshold of a decision; pass its estimator_ and compare scores yourself",
    "FixedThresholdClassifier": "it moves the threshold of a decision; pass its estimator_ and compare scores yourself",
    "GaussianNB": "it is quadratic in the features; train MultinomialNB or ComplementNB",
    "CategoricalNB": "it looks up categories; train MultinomialNB or BernoulliNB",
    "SelfTrainingClassifier": "it wraps a classifier; pass a pipeline with its estimator_ (base_estimator_) instead",
    "DummyClassifier": "it does not read the text; train a classifier",
}


@dataclass(frozen=True)
class Raw:
    """The sample as it comes in, or one column of it."""

    column: str | int | None = None


State = Raw | Features


def import_sklearn(source: Any) -> LinearModel:
    """A LinearModel from a fitted scikit-learn pipeline (or search over one), live or read from a file.

    Raises ModelImportError with the step's place in the pipeline, the reason and the way out.
    """
    root = _root(source)
    walk = _Walk(version_of(source))
    head = walk.classify(root, Raw())
    assembly = Assembly(len(head.intercept), head.shared)
    for features, weights, first in head.parts:
        assembly.add(features, weights, first)
    fields = assembly.fields()
    fields["namespaces"], remark = _with_columns(fields["namespaces"], assembly.sources)
    about = {"format": "scikit-learn", "version": walk.version, "model": root.words()}
    remark = " ".join(filter(None, (remark, *dict.fromkeys(walk.remarks))))
    if remark:
        about["remark"] = remark
    return LinearModel(
        **fields,
        intercept=head.intercept + assembly.shift,
        classes=_plain(head.classes),
        task=head.task,
        link=head.link,
        calibration=head.calibration,
        source=about,
    )


def is_sklearn(source: Any) -> bool:
    """Whether a live object or record is an estimator that this importer is asked about."""
    record = view(source)
    return isinstance(record, Record) and record.package == "sklearn"


def _root(source: Any) -> Fitted:
    seen = view(source)
    if isinstance(seen, (dict, list, tuple)):
        inside = seen.items() if isinstance(seen, dict) else enumerate(seen)
        found = [f"{key!r}: {view(part).name}" for key, part in inside if is_sklearn(part)]
        held = f" with {', '.join(found[:5])}" if found else ""
        raise ModelImportError(
            f"the source is {show(seen)}{held}, not an estimator; load it and pass the fitted pipeline in it"
        )
    return Fitted(source)


def _plain(classes: Any) -> Any:
    """Labels as an array whose dtype says what they are."""
    labels = classes.tolist()
    if classes.dtype == object and all(isinstance(label, str) for label in labels):
        return np.array([str(label) for label in labels], dtype=object)
    return classes.copy()


class _Walk:
    """One import: the version that wrote the model, and remarks for its source."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.remarks: list[str] = []
        self._seen = 0

    # Transformers

    def run(self, step: Fitted, state: State, path: str, label: str) -> State:
        """The state after a step. path: the members of unions around it; label: its own name, for want of a path."""
        self._count(step)
        if step.name in _WRAPPERS:
            return self.run(step.child(step.fitted(_WRAPPERS[step.name]), ""), state, path, label)
        if step.name == "Pipeline":
            return self._pipeline(step, step.members("steps", 2), state, path)
        if step.name == "FeatureUnion":
            return self._union(step, state, path)
        if step.name == "ColumnTransformer":
            return self._columns(step, state)
        if step.name == "FunctionTransformer":
            if step.param("func") is not None:
                raise step.refusal(
                    f"the function {show(step.param('func'))} cannot travel in a .nluc file; apply it to the texts "
                    f"before, or make it the vectorizer's preprocessor"
                )
            return state
        if step.name in VECTORIZERS:
            if not isinstance(state, Raw):
                raise step.refusal("a vectorizer after a vectorizer; put them side by side in a FeatureUnion")
            if step.param("input", "content") != "content":
                self.remarks.append("Texts are passed themselves, not as file names or file objects.")
            return vectorize(step, state.column, path or label)
        if isinstance(state, Raw):
            raise step.refusal(
                f"it would read the raw sample; the first step must be a vectorizer ({', '.join(VECTORIZERS)}) or a "
                f"FeatureUnion or ColumnTransformer of them"
            )
        return transform(step, state, self.version)

    def _count(self, estimator: Fitted) -> None:
        self._seen += 1
        if self._seen > MAX_ESTIMATORS:
            raise estimator.refusal(f"the model holds more than {MAX_ESTIMATORS} estimators")

    def _pipeline(self, pipeline: Fitted, steps: Sequence[tuple[Any, ...]], state: State, path: str) -> State:
        for label, step in steps:
            if not _passes(step):
                state = self.run(pipeline.child(step, label), state, path, label)
        return state

    def _union(self, union: Fitted, state: State, path: str) -> Features:
        parts = []
        for label, step in union.members("transformer_list", 2):
            if _drops(step):
                continue
            made = state
            if not _passes(step):
                made = self.run(union.child(step, label), state, f"{path}/{label}" if path else label, label)
            if isinstance(made, Raw):
                raise union.refusal(f"its member {label!r} passes the raw sample on; put a vectorizer there")
            parts.append(_weighted(union, label, made))
        if not parts:
            raise union.refusal("all its members are 'drop'; keep a vectorizer")
        return Features.joined(parts)

    def _columns(self, table: Fitted, state: State) -> Features:
        if state != Raw():
            raise table.refusal(
                "it selects columns of what a vectorizer or a column already is; make it the first step"
            )
        parts = []
        for label, step, columns in table.members("transformers_", 3):
            columns = view(columns)
            if _drops(step) or _is_empty(columns):
                continue
            made: State = Raw()
            if not (_passes(step) or table.child(step, label).name == "FunctionTransformer"):
                inner = table.child(step, label)
                made = self.run(inner, Raw(self._column(table, label, inner, columns)), label, label)
            if isinstance(made, Raw):
                raise table.refusal(
                    f"{label!r} passes columns on as they are; use remainder='drop' and vectorizers only"
                )
            parts.append(_weighted(table, label, made))
        if not parts:
            raise table.refusal("all its members are 'drop'; keep a vectorizer")
        return Features.joined(parts)

    def _column(self, table: Fitted, label: str, inner: Fitted, column: Any) -> str | int:
        if isinstance(column, str):
            return str(column)
        if not isinstance(column, (int, np.integer)) or isinstance(column, bool):
            raise table.refusal(
                f"{label!r} gives {inner.name} {show(column)}; only vectorizers can stand here, each on one column "
                f"given as a scalar: 'text', not ['text']"
            )
        names = table.state.get("feature_names_in_", table.state.get("_feature_names_in"))
        if isinstance(names, np.ndarray) and names.ndim == 1 and -len(names) <= column < len(names):
            return str(names[column])
        width = table.param("n_features_in_")
        return int(column) + (int(width) if column < 0 and isinstance(width, (int, np.integer)) else 0)

    # Classifiers

    def classify(self, estimator: Fitted, state: State) -> Head:
        """The head that an estimator makes of the state."""
        self._count(estimator)
        name = estimator.name
        if name in _WRAPPERS:
            if name in SEARCHES and estimator.state.get("best_estimator_") is None:
                raise estimator.refusal("it has no best_estimator_; call fit with refit=True before importing it")
            return self.classify(estimator.child(estimator.fitted(_WRAPPERS[name]), ""), state)
        if name == "Pipeline":
            *steps, (label, last) = estimator.members("steps", 2)
            if _passes(last):
                raise estimator.refusal(f"its last step is {show(last)}, not a classifier; pass the whole pipeline")
            inner = estimator.child(last, label)
            self._check_classifier(inner)
            return self.classify(inner, self._pipeline(estimator, steps, state, ""))
        self._check_classifier(estimator)
        if name == "OneVsRestClassifier":
            return self._one_vs_rest(estimator, state)
        if name == "CalibratedClassifierCV":
            return self._calibrated(estimator, state)
        if isinstance(state, Raw):
            raise estimator.refusal(
                "a classifier alone does not say how a text becomes features; pass the whole pipeline, "
                "make_pipeline(vectorizer, classifier)"
            )
        return linear(estimator, state, self.version)

    def _check_classifier(self, estimator: Fitted) -> None:
        name = estimator.name
        if name in _CLASSIFIERS or name in _WRAPPERS or name == "Pipeline":
            return
        if name in _REFUSED:
            advice = _REFUSED[name]
        elif name.endswith(("Classifier", "NB", "Analysis", "Centroid", "LabelPropagation", "LabelSpreading")):
            advice = _NOT_LINEAR
        elif name.endswith(
            (
                "Regressor",
                "Regression",
                "Ridge",
                "RidgeCV",
                "SVR",
                "LassoCV",
                "Lasso",
                "ElasticNet",
                "ElasticNetCV",
                "Lars",
            )
        ):
            advice = "it predicts numbers, not labels; train a classifier"
        else:
            advice = "it is not a classifier; pass the whole pipeline, from the vectorizer to one of " + ", ".join(
                _CLASSIFIERS
            )
        raise estimator.refusal(f"{advice}")

    def _one_vs_rest(self, estimator: Fitted, state: State) -> Head:
        inside = estimator.fitted("estimators_")
        if not isinstance(inside, (list, tuple)) or not inside:
            raise estimator.refusal(f"estimators_ is {show(inside)}, not a list of classifiers")
        heads: list[Head | int] = []
        for part in inside:
            child = estimator.child(part, "estimators_")
            if child.name == "_ConstantPredictor":
                heads.append(int(child.vector("y_", 1)[0]))
            else:
                heads.append(self.classify(child, state))
        return one_vs_rest(estimator, heads)

    def _calibrated(self, estimator: Fitted, state: State) -> Head:
        pairs = estimator.fitted("calibrated_classifiers_")
        if not isinstance(pairs, (list, tuple)) or len(pairs) != 1:
            count = len(pairs) if isinstance(pairs, (list, tuple)) else 0
            raise estimator.refusal(
                f"it is the mean of {count} calibrated classifiers, which is not linear; train it with ensemble=False"
            )
        pair = estimator.child(pairs[0], "")
        inner = pair.fitted("estimator" if "estimator" in pair.state else "base_estimator")
        return calibrated(estimator, pair, self.classify(estimator.child(inner, "estimator"), state))


def _passes(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _drops(step: Any) -> bool:
    return isinstance(step, str) and step == "drop"


def _is_empty(columns: Any) -> bool:
    if isinstance(columns, np.ndarray):
        return not columns.any() if columns.dtype == bool else len(columns) == 0
    return isinstance(columns, (list, tuple)) and (not columns or all(column is False for column in columns))


def _weighted(union: Fitted, label: str, features: Features) -> Features:
    """The features times their transformer weight."""
    weights = union.param("transformer_weights") or {}
    if not isinstance(weights, Mapping):
        raise union.refusal(f"transformer_weights is {show(weights)}, not a mapping")
    weight = weights.get(label)
    if weight is None:
        return features
    if not isinstance(weight, (int, float, np.number)) or not np.isfinite(weight):
        raise union.refusal(f"transformer_weights[{label!r}] is {show(weight)}, not a finite number")
    return features.scaled(np.array(float(weight)))


def _with_columns(namespaces: Sequence[Namespace], sources: Sequence[Source]) -> tuple[tuple[Namespace, ...], str]:
    """Namespaces in which no callable's features come from where something else is read, and the remark for the source.

    Where a callable stands beside another analyzer of the same input, a sample becomes a mapping: the text is under
    "text" (or stays under its column), the features of each callable are under the callable's name.
    """
    names: dict[bytes, str] = {}  # of callables; copies of one share their features
    readers: dict[str | int | None, set[bytes]] = {}
    for namespace, source in zip(namespaces, sources, strict=True):
        readers.setdefault(namespace.column, set()).add(source.key)
        if namespace.analyzer == "features":
            names.setdefault(source.key, "features" if namespace.name == "text" else namespace.name)
    if not names:
        return tuple(namespaces), ""
    out, told = [], {}
    shared = {n.column for n in namespaces if n.analyzer == "features" and len(readers[n.column]) > 1}
    for namespace, source in zip(namespaces, sources, strict=True):
        column = namespace.column
        if namespace.analyzer == "features" and (column in shared or (column is None and len(readers) > 1)):
            column = names[source.key] if column is None else f"{column}/{names[source.key]}"
        elif column is None and column in shared:
            column = "text"
        if namespace.analyzer == "features" and column is not None:
            told[repr(column)] = True
        out.append(dataclasses.replace(namespace, column=column))
    remark = "A callable analyzer cannot travel: pass the features that vectorizer.build_analyzer()(text) yields"
    if told:
        text = ", and the text under 'text'" if None in shared and any(n.column == "text" for n in out) else ""
        remark += f", in a mapping, under {', '.join(told)}{text}"
    return tuple(out), remark + "."


FORMAT = Format(
    "scikit-learn",
    "a fitted scikit-learn pipeline (0.24 to 1.9), live or in a .joblib, .pkl or .skops",
    "featurizers, weights, labels, decision_function and predict_proba of every text",
    "callables as analyzers need features as input; models that are not linear are refused",
    claims=is_sklearn,
    of=import_sklearn,
)
