"""What the scikit-learn importer refuses, read aloud; and models with damaged attributes."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import NMF, TruncatedSVD
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import (
    RFE,
    GenericUnivariateSelect,
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    chi2,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LinearRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn_models import (
    COMBINATIONS,
    LABELS,
    MANY,
    TABLE,
    TEXTS,
    check,
    columns,
    fitted,
    refused,
    svc,
    tfidf,
    two_blocks,
)

from nlucompress.errors import ModelImportError
from nlucompress.importers import import_model, pickles
from nlucompress.importers.records import Record

# Refusals


class OwnVectorizer(TfidfVectorizer):
    pass


def fit(*steps: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(*steps).fit(TEXTS, LABELS)


REFUSALS: dict[str, tuple[Any, str]] = {
    "unfitted": (
        lambda: make_pipeline(tfidf(), svc()),
        "TfidfVectorizer at 'tfidfvectorizer': it is not fitted (it has no vocabulary_); call fit on the whole "
        "pipeline before importing it",
    ),
    "unfitted-classifier": (
        lambda: make_pipeline(FrozenEstimator(tfidf().fit(TEXTS)), svc()),
        "LinearSVC at 'linearsvc': it is not fitted (it has no coef_)",
    ),
    "unfitted-idf": (
        lambda: make_pipeline(CountVectorizer().fit(TEXTS), TfidfTransformer(), svc()),
        "(it has no idf_)",
    ),
    "unfitted-table": (lambda: make_pipeline(columns(), svc()), "(it has no transformers_)"),
    "unfitted-search": (
        lambda: GridSearchCV(make_pipeline(tfidf(), svc()), {}),
        "GridSearchCV: it has no best_estimator_; call fit with refit=True before importing it",
    ),
    "classifier-alone": (
        lambda: svc().fit(np.eye(5), range(5)),
        "LinearSVC: a classifier alone does not say how a text becomes features; pass the whole pipeline, "
        "make_pipeline(vectorizer, classifier)",
    ),
    "vectorizer-alone": (
        lambda: tfidf().fit(TEXTS),
        "TfidfVectorizer: it is not a classifier; pass the whole pipeline, from the vectorizer to one of "
        "LogisticRegression",
    ),
    "no-classifier": (
        lambda: make_pipeline(CountVectorizer(), TfidfTransformer()).fit(TEXTS),
        "TfidfTransformer at 'tfidftransformer': it is not a classifier; pass the whole pipeline",
    ),
    "passthrough-at-the-end": (
        lambda: Pipeline([("v", tfidf()), ("c", "passthrough")]).fit(TEXTS),
        "Pipeline: its last step is 'passthrough', not a classifier",
    ),
    "one-vs-one": (
        lambda: fit(tfidf(), OneVsOneClassifier(svc())),
        "OneVsOneClassifier at 'onevsoneclassifier': it lets pairs of classes vote, which is not linear; train "
        "OneVsRestClassifier",
    ),
    "output-code": (lambda: fit(tfidf(), OutputCodeClassifier(svc(), random_state=0)), "train OneVsRestClassifier"),
    "forest": (
        lambda: fit(tfidf(), RandomForestClassifier(5)),
        "RandomForestClassifier at 'randomforestclassifier': it is not linear; train LogisticRegression, LinearSVC",
    ),
    "svc": (
        lambda: fit(tfidf(), SVC(kernel="linear")),
        "SVC at 'svc': it keeps support vectors and lets pairs of classes vote; train LinearSVC",
    ),
    "mlp": (lambda: fit(tfidf(), MLPClassifier((2,), max_iter=5)), "it is not linear; train"),
    "neighbours": (lambda: fit(tfidf(), KNeighborsClassifier(3)), "it is not linear; train"),
    "gaussian": (lambda: fit(tfidf(), TruncatedSVD(3), GaussianNB()), "train MultinomialNB or ComplementNB"),
    "stacking": (
        lambda: fit(tfidf(), StackingClassifier([("a", svc()), ("b", RidgeClassifier())], cv=2)),
        "it is a model of models; train one of its models alone, in the same pipeline",
    ),
    "voting": (
        lambda: fit(tfidf(), VotingClassifier([("a", svc()), ("b", RidgeClassifier())])),
        "it is a vote of models",
    ),
    "multi-output": (
        lambda: make_pipeline(tfidf(), MultiOutputClassifier(svc())).fit(TEXTS, MANY),
        "it answers with a label for each output; train OneVsRestClassifier on an indicator matrix",
    ),
    "chain": (
        lambda: make_pipeline(tfidf(), ClassifierChain(svc())).fit(TEXTS, MANY),
        "train OneVsRestClassifier on an indicator matrix",
    ),
    "regressor": (
        lambda: make_pipeline(tfidf(), Ridge()).fit(TEXTS, range(len(TEXTS))),
        "Ridge at 'ridge': it predicts numbers, not labels; train a classifier",
    ),
    "ovr-regressor": (
        lambda: fit(tfidf(), OneVsRestClassifier(LinearRegression())),
        "LinearRegression at 'onevsrestclassifier / estimators_': it predicts numbers",
    ),
    "ovr-huber": (
        lambda: fit(tfidf(), OneVsRestClassifier(SGDClassifier("modified_huber", random_state=0))),
        "train SGDClassifier(loss='modified_huber') itself, which is one-vs-rest already",
    ),
    "ovr-forest": (lambda: fit(tfidf(), OneVsRestClassifier(RandomForestClassifier(2))), "it is not linear"),
    "calibrated-ensemble": (
        lambda: fit(tfidf(), CalibratedClassifierCV(svc(), cv=3)),
        "it is the mean of 3 calibrated classifiers, which is not linear; train it with ensemble=False",
    ),
    "calibrated-isotonic": (
        lambda: fit(tfidf(), CalibratedClassifierCV(svc(), method="isotonic", cv=2, ensemble=False)),
        "method 'isotonic' is not a formula of the score; train with method='sigmoid' or 'temperature'",
    ),
    "calibrated-probabilities": (
        lambda: fit(tfidf(), CalibratedClassifierCV(MultinomialNB(), cv=2, ensemble=False)),
        "it calibrates probabilities, which are not linear in the features; calibrate a classifier that has "
        "decision_function",
    ),
    "nb-alpha-0": (
        lambda: fit(CountVectorizer(), MultinomialNB(alpha=0)),
        "feature_log_prob_ has the value -inf, the logarithm of 0; train with alpha > 0",
    ),
    "function": (
        lambda: fit(FunctionTransformer(list), tfidf(), svc()),
        "FunctionTransformer at 'functiontransformer': the function builtins.list cannot travel in a .nluc file; "
        "apply it to the texts before, or make it the vectorizer's preprocessor",
    ),
    "own-class": (
        lambda: fit(OwnVectorizer(), svc()),
        "test_sklearn_refusals.OwnVectorizer at 'ownvectorizer' is not a class of scikit-learn, and its code cannot "
        "travel",
    ),
    "own-class-alone": (lambda: Path("x.y").parent.joinpath, "is not a class of scikit-learn"),
    "a-class": (
        lambda: make_pipeline(tfidf(), LinearSVC),
        "sklearn.svm._classes.LinearSVC at 'type' is a class or a function, not a fitted object; pass the object "
        "after fit",
    ),
    "unknown-step": (
        lambda: fit(TfidfVectorizer(), NMF(2, random_state=0, max_iter=5), svc()),
        "this step is not one that becomes part of a linear model; supported after a vectorizer are Binarizer",
    ),
    "raw-step": (
        lambda: make_pipeline(MaxAbsScaler(), svc()).fit(np.eye(5), range(5)),
        "MaxAbsScaler at 'maxabsscaler': it would read the raw sample; the first step must be a vectorizer",
    ),
    "two-vectorizers": (
        lambda: Pipeline([("a", tfidf().fit(TEXTS)), ("b", tfidf()), ("c", svc())]),
        "a vectorizer after a vectorizer; put them side by side in a FeatureUnion",
    ),
    "union-raw": (
        lambda: Pipeline([("u", FeatureUnion([("raw", "passthrough"), ("t", tfidf())])), ("c", svc())]),
        "FeatureUnion at 'u': its member 'raw' passes the raw sample on; put a vectorizer there",
    ),
    "union-empty": (
        lambda: Pipeline([("u", FeatureUnion([("raw", "drop")])), ("c", svc())]),
        "all its members are 'drop'",
    ),
    "table-list": (
        lambda: Pipeline([("t", _table(["title"])), ("c", svc())]),
        "ColumnTransformer at 't': 'a' gives TfidfVectorizer a list of 1; only vectorizers can stand here, each "
        "on one column given as a scalar: 'text', not ['text']",
    ),
    "table-passthrough": (
        lambda: make_pipeline(
            ColumnTransformer([("a", tfidf(), "title")], remainder="passthrough"), RidgeClassifier()
        ).fit(TABLE[["title", "number"]], LABELS),
        "'remainder' passes columns on as they are; use remainder='drop'",
    ),
    "table-one-hot": (
        lambda: make_pipeline(ColumnTransformer([("a", OneHotEncoder(), ["number"])]), RidgeClassifier()).fit(
            TABLE, LABELS
        ),
        "'a' gives OneHotEncoder a list of 1; only vectorizers can stand here",
    ),
    "svd-norm": (
        lambda: fit(tfidf(), TruncatedSVD(3, random_state=0), Normalizer(), svc()),
        "Normalizer at 'normalizer': a norm (l2) after a projection (TruncatedSVD) is not linear in the features; "
        "leave it out, or put it before the projection",
    ),
    "centred-norm": (
        lambda: make_pipeline(DictVectorizer(sparse=False), StandardScaler(), Normalizer(), svc(max_iter=50_000)).fit(
            [{"a": i, "b": i % 3} for i in range(len(TEXTS))], LABELS
        ),
        "a norm (l2) after a step that shifts columns (centring) is not linear in the features; use "
        "with_mean=False, or MaxAbsScaler",
    ),
    "norm-scaler-norm": (
        lambda: fit(two_blocks(), MaxAbsScaler(), Normalizer(), svc()),
        "after a scaling of single features that itself comes after a norm",
    ),
    "norm-selection-norm": (
        lambda: fit(two_blocks(), SelectKBest(chi2, k=9), Normalizer(), svc()),
        "columns are dropped between one norm and another, which a .nluc file cannot express; select features before",
    ),
    "log-after-norm": (
        lambda: fit(TfidfVectorizer(), TfidfTransformer(sublinear_tf=True), svc()),
        "sublinear_tf takes the logarithm of values that are scaled or normed already",
    ),
    "log-of-signed": (
        lambda: Pipeline(
            [
                ("h", HashingVectorizer(norm=None)),
                ("t", TfidfTransformer(sublinear_tf=True, use_idf=False)),
                ("c", svc()),
            ]
        ),
        "train with HashingVectorizer(alternate_sign=False)",
    ),
    "log-of-log": (
        lambda: Pipeline(
            [
                ("h", tfidf(norm=None, use_idf=False).fit(TEXTS)),
                ("t", TfidfTransformer(sublinear_tf=True, use_idf=False)),
                ("c", svc()),
            ]
        ),
        "sublinear_tf is applied twice",
    ),
    "importance-of-trees": (
        lambda: fit(tfidf(), SelectFromModel(ExtraTreesClassifier(3, random_state=0)), svc()),
        "ExtraTreesClassifier does not store coef_, by which features were selected; select with a linear model",
    ),
    "importance-function": (
        lambda: fit(tfidf(), SelectFromModel(svc(), importance_getter=importance), svc()),
        "importance_getter is the function test_sklearn_refusals.importance, which is not run",
    ),
    "clip": (lambda: fit(tfidf(), MaxAbsScaler(clip=True), svc()), "clip=True is not linear; train with clip=False"),
    "negative-threshold": (
        lambda: fit(tfidf(), TruncatedSVD(3, random_state=0), Binarizer(threshold=-1), svc()),
        "Binarizer at 'binarizer': threshold -1.0 would turn every absent feature into a 1; use one >= 0",
    ),
    "svd-bernoulli": (
        lambda: fit(tfidf(), TruncatedSVD(3, random_state=0), BernoulliNB()),
        "BernoulliNB at 'bernoullinb': a binarization after a projection (TruncatedSVD) is not linear in the features",
    ),
    "dict-of-ints": (
        lambda: make_pipeline(DictVectorizer(dtype=int), RidgeClassifier()).fit(
            [{"a": i} for i in range(len(TEXTS))], LABELS
        ),
        "dtype int rounds the values; train with dtype=float64",
    ),
    "dict-names": (
        lambda: make_pipeline(DictVectorizer(), RidgeClassifier()).fit([{3: i} for i in range(len(TEXTS))], LABELS),
        "the feature 3 is int, not a string; name features by strings",
    ),
    "small-counts": (lambda: fit(CountVectorizer(dtype=np.int8), svc()), "counts of dtype int8 overflow in long texts"),
    "hasher-of-ints": (
        lambda: make_pipeline(FeatureHasher(8, dtype=int), svc()).fit([{"a": 1}, {"b": 1}], ["x", "y"]),
        "dtype int rounds the values; train with dtype=float64",
    ),
    "hasher-of-what": (
        lambda: Record(
            "sklearn.pipeline",
            "Pipeline",
            {
                "steps": [
                    ("h", Record("sklearn.feature_extraction", "FeatureHasher", {"input_type": "later"})),
                    ("c", fit(tfidf(), svc())[-1]),
                ]
            },
        ),
        "input_type is 'later', not 'dict', 'pair' or 'string'",
    ),
    "tuples": (
        lambda: fit(CountVectorizer(analyzer=pairs), svc()),
        "the feature ('play', 'some') is tuple, not a string",
    ),
    "not-fitted-together": (
        lambda: Pipeline([("v", tfidf().fit(TEXTS[:5])), ("c", fit(tfidf(), svc())[-1])]),
        "columns, the steps before make 20; the steps were not fitted together",
    ),
    "imbalanced": (
        lambda: Record("imblearn.pipeline", "Pipeline", {"steps": []}),
        "imblearn.pipeline.Pipeline is a class of imbalanced-learn; make a sklearn.pipeline.Pipeline of its fitted "
        "steps, without the samplers, and pass that",
    ),
    "a-dict": (
        lambda: {"model": fit(tfidf(), svc()), "labels": [1]},
        "the source is a dict of 2 with 'model': Pipeline, not an estimator; load it and pass the fitted pipeline "
        "in it",
    ),
    "a-number": (lambda: 3, "the source is 3, not a scikit-learn estimator"),
    "nothing": (lambda: None, "the source is None, not a scikit-learn estimator"),
    "nan": (lambda: _broken(), "LinearSVC at 'linearsvc': coef_[0, 1] is nan, not a finite number; train it again"),
}


def importance(estimator: Any) -> Any:
    return estimator.coef_


def pairs(text: str) -> list[tuple[str, str]]:
    return list(zip(text.split(), text.split()[1:], strict=False))


def _table(columns: Any) -> Any:
    table = ColumnTransformer([("a", tfidf(), columns)])
    table.transformers_ = [("a", tfidf().fit(TEXTS), columns)]
    return table


def _broken() -> Any:
    pipeline = fit(tfidf(), svc())
    pipeline[-1].coef_[0, 1] = np.nan
    return pipeline


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str) -> None:
    make, words = REFUSALS[name]
    refused(make(), words)


def damaged(steps: list[Any], number: int, changes: dict[str, Any], kind: str = "multi") -> Record:
    """A fitted pipeline as a file's records, with other attributes in one of its steps; a change to ... leaves it out."""
    record = pickles.loads(pickle.dumps(fitted(make_pipeline(*steps), kind=kind)))
    state = record.state["steps"][number][1].state
    state.update(changes)
    for name in [name for name, value in changes.items() if value is ...]:
        del state[name]
    return record


CALIBRATED = CalibratedClassifierCV(svc(), ensemble=False, cv=2)
ALL_CONSTANT = [Record("sklearn.multiclass", "_ConstantPredictor", {"y_": np.array([0])})] * 3
DAMAGED: dict[str, tuple[list[Any], int, dict[str, Any], str]] = {
    "coef-shape": (
        [tfidf(), svc()],
        1,
        {"coef_": np.ones((3, 218))},
        "coef_ of shape (3, 218) does not go with 5 classes",
    ),
    "coef-words": ([tfidf(), svc()], 1, {"coef_": "x"}, "coef_ is 'x', not a table of numbers"),
    "intercepts": ([tfidf(), svc()], 1, {"intercept_": np.ones(3)}, "3 intercepts for 5 rows of coef_"),
    "intercept-words": ([tfidf(), svc()], 1, {"intercept_": "x"}, "intercept_ is 'x', not a row of numbers"),
    "one-class": ([tfidf(), svc()], 1, {"classes_": np.array(["a"])}, "it knows the label 'a' only"),
    "outputs": ([tfidf(), svc()], 1, {"classes_": [1, 2]}, "it has several outputs (classes_ is a list of 2); train"),
    "classes-table": ([tfidf(), svc()], 1, {"classes_": np.ones((2, 2))}, "not a row of labels"),
    "labels": (
        [tfidf(), svc()],
        1,
        {"classes_": np.array([{}, "b"], object)},
        "the label a dict of 0 is dict, not a string",
    ),
    "parameter": ([tfidf(), svc()], 0, {"analyzer": np.ones(2)}, "which is no value for a parameter"),
    "bayes-shape": (
        [tfidf(), MultinomialNB()],
        1,
        {"feature_log_prob_": np.ones((2, 218))},
        "does not go with 5 classes",
    ),
    "bayes-certain": (
        [tfidf(), BernoulliNB()],
        1,
        {"feature_log_prob_": np.zeros((5, 218))},
        "the probability 1 in a class",
    ),
    "ovr-none": (
        [tfidf(), OneVsRestClassifier(svc())],
        1,
        {"estimators_": 3},
        "estimators_ is 3, not a list of classifiers",
    ),
    "ovr-constant": (
        [tfidf(), OneVsRestClassifier(svc())],
        1,
        {"estimators_": ALL_CONSTANT},
        "3 estimators_ do not go with 5",
    ),
    "calibrators": ([tfidf(), CALIBRATED], 1, {"calibrated_classifiers_": None}, "(it has no calibrated_classifiers_)"),
    "k": ([tfidf(), SelectKBest(chi2), svc()], 1, {"k": "most"}, "k is 'most', not a number or 'all'"),
    "none-selected": (
        [tfidf(), SelectKBest(chi2), svc()],
        1,
        {"k": 0},
        "it selects no feature at all; loosen its criterion",
    ),
    "scores": ([tfidf(), SelectKBest(chi2), svc()], 1, {"scores_": "x"}, "scores_ is 'x', not a row of numbers"),
    "percentile": (
        [tfidf(), SelectPercentile(chi2), svc()],
        1,
        {"percentile": 101},
        "percentile 101.0 is not in 0..100",
    ),
    "mode": (
        [tfidf(), GenericUnivariateSelect(chi2, mode="k_best", param=9), svc()],
        1,
        {"mode": "x"},
        "mode is 'x', not one of",
    ),
    "support": ([tfidf(), RFE(svc(), step=0.5), svc()], 1, {"support_": np.ones(3)}, "not a row of booleans"),
    "no-estimator": (
        [tfidf(), SelectFromModel(svc()), svc()],
        1,
        {"estimator_": ...},
        "it is not fitted (it has no estimator_)",
    ),
    "limit": (
        [tfidf(), SelectFromModel(svc(), max_features=5), svc()],
        1,
        {"max_features_": "x"},
        "max_features is 'x'; call fit",
    ),
    "threshold": (
        [tfidf(), SelectFromModel(svc()), svc()],
        1,
        {"threshold": "2*mode"},
        "threshold '2*mode' is not like '1.25*mean'",
    ),
    "threshold-list": (
        [tfidf(), SelectFromModel(svc()), svc()],
        1,
        {"threshold": [1]},
        "threshold is a list of 1, not a number",
    ),
    "scale": (
        [tfidf(), StandardScaler(with_mean=False), RidgeClassifier()],
        1,
        {"scale_": None},
        "it is not fitted (it has no scale_)",
    ),
    "scale-short": (
        [tfidf(), MaxAbsScaler(), svc()],
        1,
        {"scale_": np.ones(3)},
        "scale_ has 3 columns, the steps before make 218",
    ),
    "norm": ([tfidf(), Normalizer(), svc()], 1, {"norm": "l3"}, "norm is 'l3', not 'l1', 'l2', 'max' or None"),
    "analyzer": (
        [tfidf(), svc()],
        0,
        {"analyzer": "chars"},
        "analyzer is 'chars', strip_accents None: not scikit-learn's",
    ),
    "ngrams": ([tfidf(), svc()], 0, {"ngram_range": 3}, "ngram_range is 3, not two numbers"),
    "pattern": (
        [tfidf(), svc()],
        0,
        {"token_pattern": 3},
        "token_pattern is 3, not a string; train with the pattern's text",
    ),
    "encoding": ([tfidf(), svc()], 0, {"encoding": 3}, "encoding is 3, not a string"),
    "stop-words": (
        [tfidf(), svc()],
        0,
        {"stop_words": "french"},
        "stop_words is 'french', not 'english', a list of words or None",
    ),
    "vocabulary": (
        [tfidf(), svc()],
        0,
        {"vocabulary_": []},
        "vocabulary_ is a list of 0, not a mapping of terms to columns",
    ),
    "twice": (
        [tfidf(), svc()],
        0,
        {"vocabulary_": {"a": 0, "b": 0}},
        "vocabulary_['b'] is 0; columns must be 0..1, each once",
    ),
    "hashing": ([HashingVectorizer(n_features=9), svc()], 0, {"n_features": 0}, "n_features is 0, not a number from 1"),
    "weights": (
        [two_blocks(), svc()],
        0,
        {"transformer_weights": [1]},
        "transformer_weights is a list of 1, not a mapping",
    ),
    "weight": (
        [two_blocks(), svc()],
        0,
        {"transformer_weights": {"char": "1"}},
        "transformer_weights['char'] is '1', not a finite",
    ),
    "members": (
        [two_blocks(), svc()],
        0,
        {"transformer_list": [1]},
        "transformer_list is a list of 1, not a list of (name,",
    ),
    "threshold-words": ([tfidf(), Binarizer(), svc()], 1, {"threshold": "x"}, "threshold is 'x', not a number"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_refusal_of_damaged_attributes(name: str) -> None:
    *change, words = DAMAGED[name]
    refused(damaged(*change), words)


SAME: dict[str, tuple[list[Any], int, dict[str, Any]]] = {
    "stop-array": ([CountVectorizer(stop_words=["the"]), svc()], 0, {"stop_words": np.array(["the"])}),
    "vocabulary-list": ([CountVectorizer(vocabulary=["play", "light"]), svc()], 0, {"vocabulary_": ...}),
    "vocabulary-set": ([CountVectorizer(vocabulary={"play", "light"}), svc()], 0, {"vocabulary_": ...}),
    "dtype": ([CountVectorizer(dtype=np.float64), svc()], 0, {"dtype": np.dtype("f8")}),
    "ovr-classes": ([tfidf(), OneVsRestClassifier(svc())], 1, {"classes_": ...}),
    "ridge-classes": ([tfidf(), RidgeClassifier()], 1, {"classes_": ...}),
    "all-percent": ([tfidf(), SelectPercentile(chi2, percentile=100), svc()], 1, {"scores_": np.full(218, np.nan)}),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_in_other_attributes(name: str) -> None:
    steps, number, changes = SAME[name]
    record = damaged(steps, number, changes)
    check(fitted(make_pipeline(*steps)), import_model(record))


@pytest.mark.parametrize(
    "name", ["union-weights", "calibrated", "hashing-tfidf", "from-model-max", "ovr-many-logistic"]
)
def test_any_attribute_may_be_junk(name: str) -> None:
    kind, estimator = COMBINATIONS[name]
    record = pickles.loads(pickle.dumps(fitted(estimator, kind=kind)))
    junk = [None, "x", [3], {"a": [1]}, np.zeros((2, 3)), np.array([None, {}], object), Record("a.b", "C"), 10**40]
    outcomes = set()
    for owner, attribute in attributes(record, set()):
        kept = owner.state[attribute]
        for value in junk:
            owner.state[attribute] = value
            try:
                import_model(record)
                outcomes.add("imported")
            except ModelImportError:
                outcomes.add("refused")
        owner.state[attribute] = kept
    assert outcomes == {"imported", "refused"}


def attributes(part: Any, seen: set[int]) -> Iterator[tuple[Record, str]]:
    """Every attribute of every record in a tree."""
    if isinstance(part, Record) and id(part) not in seen:
        seen.add(id(part))
        for name in list(part.state):
            yield part, name
            yield from attributes(part.state[name], seen)
    elif isinstance(part, (list, tuple)):
        for item in part:
            yield from attributes(item, seen)


def test_refusal_in_a_file_names_it(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(make_pipeline(tfidf(), svc())))
    refused(path, "model.pkl: TfidfVectorizer at 'tfidfvectorizer': it is not fitted")


def test_one_estimator_a_million_times_in_a_file_is_refused(tmp_path: Path) -> None:
    union: Any = FeatureUnion([("a", HashingVectorizer())])
    for _ in range(30):
        union = FeatureUnion([("a", union), ("b", union)])
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Pipeline([("u", union), ("c", svc())])))
    refused(path, "the model holds more than 10000 estimators")
