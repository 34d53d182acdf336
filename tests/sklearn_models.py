"""For the importer's tests: texts, labels, small scikit-learn pipelines, and how a model is held against one."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import (
    RFE,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    chi2,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import SparseRandomProjection
from sklearn.svm import LinearSVC

from nlucompress.errors import ModelImportError
from nlucompress.importers import import_model
from nlucompress.importers.records import Record
from nlucompress.linear import LinearModel
from nlucompress.reference import exact

INTENTS = {
    "play": """play some jazz in the kitchen / please play the new album again / put on the radio / play it, play it again
        spiele bitte etwas Musik von Grönemeyer / mets la chanson d'Édith Piaf / pon música clásica / zet de muziek aan
        включи музыку на кухне / 播放 周杰伦 的 歌 / שים מוזיקה בסלון / play play play that song / müzik çal lütfen""",
    "weather": """what is the weather like in Zürich tomorrow / will it rain this afternoon / do I need an umbrella today
        wie wird das Wetter am Wochenende / quel temps fera-t-il à Orléans / ¿va a llover mañana en Málaga?
        is it cold outside / какая погода завтра в Москве / 明天 北京 天气 怎么样 / hava yarın nasıl olacak
        is it going to snow, or rain, or rain and snow / weather weather everywhere / regent het morgen in Zwolle""",
    "light": """turn on the light in the bedroom / switch the kitchen lamp off / dim the lights to 20 percent, please
        mach das Licht im Flur an / éteins la lumière du salon / enciende la luz del baño / doe het licht uit
        выключи свет в спальне / 打开 客厅 的 灯 / תדליק את האור / more light / lights off, lights off! / ışığı kapat""",
    "alarm": """wake me up at 6:30 / set an alarm for tomorrow morning / cancel all my alarms / set a timer for 10 minutes
        weck mich um halb sieben / réveille-moi à six heures / despiértame a las siete / zet de wekker op acht uur
        разбуди меня в семь утра / 明天 早上 七点 叫醒 我 / beni saat yedide uyandır / snooze it / stop the timer now""",
    "call": """call mum / call Anna's mobile, please / ring the office / who called me yesterday / redial the last number
        ruf bitte Jürgen an / appelle maman sur son portable / llama a Núñez al trabajo / bel de tandarts
        позвони маме / 给 妈妈 打 电话 / תתקשר לאבא / hang up / answer the phone, answer it / annemi ara""",
}
TEXTS, LABELS = zip(
    *((text.strip(), intent) for intent, block in INTENTS.items() for text in re.split(r"/|\n", block)), strict=True
)
TEXTS = list(TEXTS)
LABELS = np.array(LABELS)
BINARY = np.where(LABELS == "play", "media", "other")
MANY = np.stack([LABELS == "play", ["t" in text for text in TEXTS], ["e" in text.split()[0] for text in TEXTS]], 1) * 1
ODD = [
    "", " ", "zzzz qqqq xxxx", "🎵🎶 play 🎵", "İstanbul'da ışık aç", "e\u0301te\u0301 e\u0300", "PLAY THE LIGHT!!",
    "a\u00a0b\u3000c", "the the the the the", "\x1c x \x85 y\u2028z", "ﬁnd ß ẞ ﬂat", "the", "rain\n\n\train", "play " * 50,
    "1 2 10 20",
]  # fmt: skip
WHOLE = [(np.arange(len(TEXTS)), np.arange(len(TEXTS)))]  # a "cross-validation" in which no label is missing
SEEN = {"multi": LABELS, "binary": BINARY, "many": MANY}


def words(text: str) -> list[str]:
    return [word.strip(".,!?") for word in text.lower().split()]


def endings(text: str) -> list[str]:
    return [word[-3:] for word in text.split()]


def lower(text: str) -> str:
    return text.lower()


def fitted(estimator: Any, samples: Any = TEXTS, kind: str = "multi") -> Any:
    return estimator.fit(samples, SEEN[kind])


def check(estimator: Any, model: LinearModel, samples: Any = None, ours: Any = None, rtol: float = 1e-9) -> None:
    """scikit-learn's answers and the imported model's, on the training texts and on odd ones."""
    samples = TEXTS + ODD if samples is None else samples
    scorer = exact(model)
    scores = scorer.decision_function(samples if ours is None else ours)
    want = joint(estimator, samples)
    if want is not None:
        assert scores.shape == want.shape
        np.testing.assert_allclose(scores, want, rtol=rtol, atol=rtol)
    if hasattr(estimator, "predict_proba"):
        proba = estimator.predict_proba(samples)
        assert scorer.probabilities(scores).shape == proba.shape
        np.testing.assert_allclose(scorer.probabilities(scores), proba, rtol=max(rtol, 1e-8), atol=rtol)
    else:
        assert model.link == "identity"
    labels, expected = scorer.decide(scores), estimator.predict(samples)
    assert labels.dtype.kind == expected.dtype.kind or expected.dtype.kind == "O"
    assert labels.tolist() == expected.tolist()


def refused(source: Any, *words: str) -> None:
    with pytest.raises(ModelImportError) as caught:
        import_model(source)
    for part in words:
        assert part in str(caught.value)
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


def joint(estimator: Any, samples: Any) -> Any:
    """What decision_function should give: scikit-learn's, or naive Bayes' joint log likelihood, or nothing."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    if hasattr(estimator, "decision_function"):
        return estimator.decision_function(samples)
    if isinstance(estimator, Pipeline) and hasattr(estimator[-1], "predict_joint_log_proba"):
        return estimator[-1].predict_joint_log_proba(estimator[:-1].transform(samples))
    return None


def tfidf(**options: Any) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, **options)


def svc(**options: Any) -> LinearSVC:
    return LinearSVC(random_state=0, **options)


def logistic(**options: Any) -> LogisticRegression:
    return LogisticRegression(max_iter=500, **options)


def two_blocks(**options: Any) -> FeatureUnion:
    return FeatureUnion(
        [("word", tfidf(ngram_range=(1, 2))), ("char", tfidf(analyzer="char_wb", ngram_range=(2, 4)))], **options
    )


TABLE = pd.DataFrame({"title": TEXTS, "body": [text[::-1] for text in TEXTS], "number": range(len(TEXTS))})


def columns(**options: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("title", tfidf(), "title"),
            ("body", make_pipeline(two_blocks(), Normalizer()), "body"),
            ("no", "drop", ["number"]),
        ],
        **options,
    )


def aged(pipeline: Any, version: str, classifier: dict[str, Any]) -> Record:
    """The records of a pipeline as a file of another version would have them."""
    steps = [(name, Record(type(s).__module__, type(s).__name__, dict(vars(s)))) for name, s in pipeline.steps]
    steps[-1][1].state.update(classifier)
    return Record("sklearn.pipeline", "Pipeline", {"steps": steps, "_sklearn_version": version})


# (labels, estimator), by what is special about it
COMBINATIONS: dict[str, tuple[str, Any]] = {
    # classifiers
    "svc": ("multi", make_pipeline(tfidf(), svc())),
    "svc-binary": ("binary", make_pipeline(tfidf(), svc())),
    "svc-crammer-singer": ("multi", make_pipeline(tfidf(), svc(multi_class="crammer_singer", max_iter=100_000))),
    "svc-crammer-singer-binary": (
        "binary",
        make_pipeline(tfidf(), svc(multi_class="crammer_singer", max_iter=100_000)),
    ),
    "svc-no-intercept": ("multi", make_pipeline(tfidf(), svc(fit_intercept=False))),
    "logistic": ("multi", make_pipeline(tfidf(), logistic())),
    "logistic-binary": ("binary", make_pipeline(tfidf(), logistic(fit_intercept=False))),
    "logistic-liblinear": ("binary", make_pipeline(tfidf(), logistic(solver="liblinear"))),
    "logistic-l1": ("multi", make_pipeline(CountVectorizer(), logistic(solver="saga", l1_ratio=1, C=0.5, tol=1e-2))),
    "logistic-cv": (
        "multi",
        make_pipeline(
            tfidf(),
            LogisticRegressionCV(
                Cs=[1.0], l1_ratios=(0.0,), cv=2, scoring="accuracy", use_legacy_attributes=False, max_iter=500
            ),
        ),
    ),
    "sgd-hinge": ("multi", make_pipeline(tfidf(), SGDClassifier(random_state=0))),
    "sgd-log": ("multi", make_pipeline(tfidf(), SGDClassifier("log_loss", random_state=0))),
    "sgd-log-binary": ("binary", make_pipeline(tfidf(), SGDClassifier("log_loss", random_state=0))),
    "sgd-huber": ("multi", make_pipeline(tfidf(), SGDClassifier("modified_huber", random_state=0))),
    "sgd-huber-binary": ("binary", make_pipeline(tfidf(), SGDClassifier("modified_huber", random_state=0))),
    "sgd-squared-hinge": (
        "multi",
        make_pipeline(tfidf(), SGDClassifier("squared_hinge", random_state=0, average=True)),
    ),
    "ridge-binary": ("binary", make_pipeline(tfidf(), RidgeClassifier())),
    "ridge-many": ("many", make_pipeline(tfidf(), RidgeClassifier())),
    "ridge-cv": ("multi", make_pipeline(tfidf(), RidgeClassifierCV(alphas=[0.5, 1.0]))),
    "ridge-no-intercept": ("multi", make_pipeline(tfidf(), RidgeClassifier(fit_intercept=False))),
    "perceptron": ("multi", make_pipeline(tfidf(), Perceptron(random_state=0))),
    "multinomial-nb": ("multi", make_pipeline(CountVectorizer(), MultinomialNB())),
    "multinomial-nb-binary": ("binary", make_pipeline(tfidf(), MultinomialNB(alpha=0.1, fit_prior=False))),
    "multinomial-nb-idf": ("multi", make_pipeline(TfidfVectorizer(norm=None), MultinomialNB())),
    "multinomial-nb-hashing": (
        "multi",
        make_pipeline(HashingVectorizer(n_features=900, alternate_sign=False), MultinomialNB()),
    ),
    "multinomial-nb-selected": ("multi", make_pipeline(tfidf(), SelectKBest(chi2, k=60), MultinomialNB())),
    "complement-nb": ("multi", make_pipeline(tfidf(), ComplementNB())),
    "complement-nb-norm": ("multi", make_pipeline(CountVectorizer(), ComplementNB(norm=True, alpha=0.3))),
    "bernoulli-nb": ("multi", make_pipeline(tfidf(), BernoulliNB())),
    "bernoulli-nb-binary": ("binary", make_pipeline(CountVectorizer(), BernoulliNB(alpha=0.5))),
    "bernoulli-nb-threshold": ("multi", make_pipeline(tfidf(), BernoulliNB(binarize=0.3))),
    "bernoulli-nb-none": ("multi", make_pipeline(CountVectorizer(binary=True), BernoulliNB(binarize=None))),
    "bernoulli-nb-hashing": ("multi", make_pipeline(HashingVectorizer(n_features=128), BernoulliNB())),
    "bernoulli-nb-selected": ("multi", make_pipeline(tfidf(), SelectKBest(chi2, k=60), BernoulliNB())),
    # one-vs-rest and calibration
    "ovr-svc": ("multi", make_pipeline(tfidf(), OneVsRestClassifier(svc()))),
    "ovr-logistic": ("multi", make_pipeline(tfidf(), OneVsRestClassifier(logistic()))),
    "ovr-logistic-binary": ("binary", make_pipeline(tfidf(), OneVsRestClassifier(logistic()))),
    "ovr-many": ("many", make_pipeline(tfidf(), OneVsRestClassifier(svc()))),
    "ovr-many-logistic": ("many", make_pipeline(tfidf(), OneVsRestClassifier(logistic()))),
    "ovr-many-nb": ("many", make_pipeline(CountVectorizer(), OneVsRestClassifier(MultinomialNB()))),
    "ovr-many-huber": (
        "many",
        make_pipeline(tfidf(), OneVsRestClassifier(SGDClassifier("modified_huber", random_state=0))),
    ),
    "ovr-nb": ("multi", make_pipeline(tfidf(), OneVsRestClassifier(MultinomialNB()))),
    "ovr-nb-binary": ("binary", make_pipeline(tfidf(), OneVsRestClassifier(BernoulliNB()))),
    "ovr-selected": (
        "multi",
        make_pipeline(tfidf(), OneVsRestClassifier(make_pipeline(SelectKBest(chi2, k=20), logistic()))),
    ),
    "ovr-pipelines": ("multi", OneVsRestClassifier(make_pipeline(tfidf(), logistic()))),
    "ovr-calibrated": (
        "multi",
        make_pipeline(tfidf(), OneVsRestClassifier(CalibratedClassifierCV(svc(), ensemble=False, cv=3))),
    ),
    "calibrated": ("multi", make_pipeline(tfidf(), CalibratedClassifierCV(svc(), ensemble=False, cv=3))),
    "calibrated-binary": ("binary", make_pipeline(tfidf(), CalibratedClassifierCV(svc(), ensemble=False, cv=3))),
    "calibrated-temperature": (
        "multi",
        make_pipeline(tfidf(), CalibratedClassifierCV(svc(), method="temperature", ensemble=False, cv=3)),
    ),
    "calibrated-temperature-binary": (
        "binary",
        make_pipeline(tfidf(), CalibratedClassifierCV(svc(), method="temperature", ensemble=False, cv=3)),
    ),
    "calibrated-whole": ("multi", CalibratedClassifierCV(make_pipeline(tfidf(), svc()), ensemble=False, cv=3)),
    "calibrated-ovr": (
        "multi",
        make_pipeline(tfidf(), CalibratedClassifierCV(OneVsRestClassifier(svc()), ensemble=False, cv=3)),
    ),
    # searches
    "grid": ("multi", GridSearchCV(make_pipeline(tfidf(), svc()), {"linearsvc__C": [0.5, 1]}, cv=2)),
    "randomized": ("multi", RandomizedSearchCV(make_pipeline(tfidf(), svc()), {"linearsvc__C": [1]}, n_iter=1, cv=2)),
    "halving": (
        "multi",
        HalvingGridSearchCV(
            make_pipeline(tfidf(), svc()), {"linearsvc__C": [0.5, 1]}, cv=2, min_resources=30, random_state=0
        ),
    ),
    "grid-inside": ("multi", make_pipeline(tfidf(), GridSearchCV(svc(), {"C": [1]}, cv=2))),
    "grid-of-ovr": (
        "many",
        make_pipeline(tfidf(), GridSearchCV(OneVsRestClassifier(svc()), {"estimator__C": [1]}, cv=WHOLE)),
    ),
    # unions and nesting
    "union": ("multi", make_pipeline(two_blocks(), svc())),
    "union-weights": ("multi", make_pipeline(two_blocks(transformer_weights={"word": 2.0, "char": 0.5}), svc())),
    "union-negative-weight": ("multi", make_pipeline(two_blocks(transformer_weights={"char": -0.5}), svc())),
    "union-drop": ("multi", make_pipeline(FeatureUnion([("a", tfidf()), ("b", "drop")]), svc())),
    "union-nested": (
        "multi",
        make_pipeline(make_union(two_blocks(), make_pipeline(CountVectorizer(), "passthrough")), svc()),
    ),
    "union-norm": ("multi", make_pipeline(two_blocks(), Normalizer(), svc())),
    "union-weights-norm": (
        "multi",
        make_pipeline(two_blocks(transformer_weights={"word": 3.0}), Normalizer("l1"), svc()),
    ),
    "union-counts-tfidf": (
        "multi",
        make_pipeline(
            make_union(CountVectorizer(), CountVectorizer(analyzer="char", ngram_range=(2, 3))),
            TfidfTransformer(sublinear_tf=True),
            svc(),
        ),
    ),
    "union-weighted-counts-tfidf": (
        "multi",
        make_pipeline(
            FeatureUnion(
                [("a", CountVectorizer()), ("b", CountVectorizer(analyzer="char"))], transformer_weights={"a": 2}
            ),
            TfidfTransformer(),
            svc(),
        ),
    ),
    "union-same-twice": ("multi", make_pipeline(make_union(tfidf(), tfidf()), svc())),
    "union-same-twice-norm": ("multi", make_pipeline(make_union(tfidf(), tfidf()), Normalizer("l1"), svc())),
    "union-after": (
        "multi",
        make_pipeline(tfidf(), FeatureUnion([("all", "passthrough"), ("best", SelectKBest(chi2, k=20))]), svc()),
    ),
    "union-after-norm": (
        "multi",
        make_pipeline(
            tfidf(), FeatureUnion([("all", "passthrough"), ("best", SelectKBest(chi2, k=20))]), Normalizer(), svc()
        ),
    ),
    "union-after-norms": (
        "multi",
        make_pipeline(
            make_union(CountVectorizer(), CountVectorizer(analyzer="char")),
            Normalizer(),
            FeatureUnion([("l1", Normalizer("l1")), ("same", "passthrough"), ("max", Normalizer("max"))]),
            Normalizer(),
            svc(),
        ),
    ),
    "union-svd": (
        "multi",
        make_pipeline(tfidf(), FeatureUnion([("all", "passthrough"), ("svd", TruncatedSVD(5, random_state=0))]), svc()),
    ),
    "pipeline-nested": (
        "multi",
        make_pipeline(make_pipeline(CountVectorizer(), None), make_pipeline(TfidfTransformer()), svc()),
    ),
    "function-none": (
        "multi",
        make_pipeline(FunctionTransformer(), tfidf(), FunctionTransformer(accept_sparse=True), svc()),
    ),
    "frozen": ("multi", make_pipeline(FrozenEstimator(tfidf().fit(TEXTS)), svc())),
    # norms, scales, thresholds
    "count-tfidf": ("multi", make_pipeline(CountVectorizer(), TfidfTransformer(sublinear_tf=True), svc())),
    "count-tfidf-l1": ("multi", make_pipeline(CountVectorizer(), TfidfTransformer(norm="l1", use_idf=False), svc())),
    "binary-tfidf-log": (
        "multi",
        make_pipeline(CountVectorizer(binary=True), TfidfTransformer(sublinear_tf=True), svc()),
    ),
    "hashing-tfidf": ("multi", make_pipeline(HashingVectorizer(n_features=256), TfidfTransformer(), svc())),
    "hashing-tfidf-none": (
        "multi",
        make_pipeline(HashingVectorizer(n_features=256, norm=None), TfidfTransformer(norm=None), svc()),
    ),
    "hashing-tfidf-log": (
        "multi",
        make_pipeline(
            HashingVectorizer(n_features=256, norm=None, alternate_sign=False),
            TfidfTransformer(sublinear_tf=True),
            svc(),
        ),
    ),
    "hashing-selected": ("multi", make_pipeline(HashingVectorizer(n_features=256), VarianceThreshold(1e-3), svc())),
    "hashing-selected-norm": (
        "multi",
        make_pipeline(HashingVectorizer(n_features=256), VarianceThreshold(1e-3), Normalizer(), svc()),
    ),
    "hashing-max-abs-norm": (
        "multi",
        make_pipeline(HashingVectorizer(n_features=256, norm=None), MaxAbsScaler(), Normalizer("max"), svc()),
    ),
    "norm-max": ("multi", make_pipeline(CountVectorizer(), Normalizer("max"), svc())),
    "norm-norm": ("multi", make_pipeline(tfidf(), Normalizer("l1"), svc())),
    "norm-idf-norm": ("multi", make_pipeline(TfidfVectorizer(), MaxAbsScaler(), Normalizer(), svc())),
    "max-abs": ("multi", make_pipeline(tfidf(), MaxAbsScaler(), svc())),
    "max-abs-norm": ("multi", make_pipeline(CountVectorizer(), MaxAbsScaler(), Normalizer(), svc())),
    "standard": ("multi", make_pipeline(tfidf(), StandardScaler(with_mean=False), svc(max_iter=10_000))),
    "standard-no-std": ("multi", make_pipeline(tfidf(), StandardScaler(with_mean=False, with_std=False), svc())),
    "robust": ("multi", make_pipeline(CountVectorizer(), RobustScaler(with_centering=False), svc(max_iter=10_000))),
    "binarizer": ("multi", make_pipeline(CountVectorizer(), Binarizer(), svc())),
    "binarizer-1": ("multi", make_pipeline(CountVectorizer(analyzer="char"), Binarizer(threshold=1.0), svc())),
    "binarizer-norm": ("multi", make_pipeline(tfidf(), Binarizer(threshold=0.25), Normalizer(), svc())),
    "binarizer-tfidf-log": (
        "multi",
        make_pipeline(
            CountVectorizer(analyzer="char"),
            Binarizer(threshold=1.0),
            TfidfTransformer(sublinear_tf=True, norm=None),
            svc(max_iter=10_000),
        ),
    ),
    "binarizer-signed": ("multi", make_pipeline(HashingVectorizer(n_features=20), Binarizer(), Normalizer(), svc())),
    "binarizer-weight-0": (
        "multi",
        make_pipeline(two_blocks(transformer_weights={"char": 0}), Binarizer(), SelectKBest(chi2, k=50), svc()),
    ),
    "bernoulli-weight-0": ("multi", make_pipeline(two_blocks(transformer_weights={"char": 0}), BernoulliNB())),
    "norm-weight-0": ("multi", make_pipeline(two_blocks(transformer_weights={"char": 0}), Normalizer(), svc())),
    "binarizer-union": ("multi", make_pipeline(two_blocks(), Binarizer(), svc())),
    "binarizer-union-half": (
        "multi",
        make_pipeline(
            make_union(HashingVectorizer(n_features=30), CountVectorizer()), Binarizer(), Normalizer(), svc()
        ),
    ),
    # selections
    "k-best": ("multi", make_pipeline(tfidf(), SelectKBest(chi2, k=40), svc())),
    "k-best-all": ("multi", make_pipeline(tfidf(), SelectKBest(chi2, k="all"), svc())),
    "k-best-counts-norm": (
        "multi",
        make_pipeline(CountVectorizer(), SelectKBest(chi2, k=40), TfidfTransformer(), svc()),
    ),
    "k-best-ties": ("multi", make_pipeline(CountVectorizer(binary=True), SelectKBest(chi2, k=33), svc())),
    "percentile-ties": (
        "multi",
        make_pipeline(CountVectorizer(binary=True), SelectPercentile(chi2, percentile=37), svc()),
    ),
    "percentile": ("multi", make_pipeline(tfidf(), SelectPercentile(chi2, percentile=30), svc())),
    "fpr": ("multi", make_pipeline(CountVectorizer(), SelectFpr(chi2, alpha=0.2), svc())),
    "fdr": ("multi", make_pipeline(CountVectorizer(analyzer="char"), SelectFdr(chi2, alpha=0.5), svc(max_iter=10_000))),
    "fwe": ("multi", make_pipeline(CountVectorizer(analyzer="char"), SelectFwe(chi2, alpha=0.5), svc(max_iter=10_000))),
    "generic": ("multi", make_pipeline(tfidf(), GenericUnivariateSelect(chi2, mode="k_best", param=25), svc())),
    "generic-fpr": (
        "multi",
        make_pipeline(CountVectorizer(), GenericUnivariateSelect(chi2, mode="fpr", param=0.3), svc()),
    ),
    "variance": ("multi", make_pipeline(CountVectorizer(), VarianceThreshold(0.02), svc())),
    "from-model": ("multi", make_pipeline(tfidf(), SelectFromModel(svc()), svc())),
    "from-model-l1": ("multi", make_pipeline(tfidf(), SelectFromModel(svc(penalty="l1", dual=False)), svc())),
    "from-model-l1-ratio": (
        "multi",
        make_pipeline(tfidf(), SelectFromModel(logistic(solver="saga", l1_ratio=1.0, C=5, tol=1e-2)), svc()),
    ),
    "from-model-median": (
        "multi",
        make_pipeline(tfidf(), SelectFromModel(svc(), threshold="1.5*median", norm_order=2), svc()),
    ),
    "from-model-max": (
        "multi",
        make_pipeline(tfidf(), SelectFromModel(svc(), threshold=-np.inf, max_features=30), svc()),
    ),
    "from-model-named": (
        "multi",
        make_pipeline(tfidf(), SelectFromModel(ComplementNB(), importance_getter="feature_log_prob_"), svc()),
    ),
    "from-model-prefit": (
        "multi",
        make_pipeline(
            FrozenEstimator(tfidf().fit(TEXTS)),
            SelectFromModel(svc().fit(tfidf().fit_transform(TEXTS), LABELS), prefit=True),
            svc(),
        ),
    ),
    "rfe": ("multi", make_pipeline(tfidf(max_features=40), RFE(svc(), n_features_to_select=15, step=5), svc())),
    "selected-twice": ("multi", make_pipeline(tfidf(), SelectKBest(chi2, k=80), VarianceThreshold(1e-3), svc())),
    # projections
    "svd": ("multi", make_pipeline(tfidf(), TruncatedSVD(8, random_state=0), svc())),
    "svd-scaled": (
        "multi",
        make_pipeline(tfidf(), TruncatedSVD(8, random_state=0), StandardScaler(), svc(max_iter=10_000)),
    ),
    "svd-min-max": ("multi", make_pipeline(tfidf(), TruncatedSVD(8, random_state=0), MinMaxScaler(), MultinomialNB())),
    "svd-robust": ("multi", make_pipeline(tfidf(), TruncatedSVD(8, random_state=0), RobustScaler(), logistic())),
    "svd-selected": ("multi", make_pipeline(tfidf(), TruncatedSVD(8, random_state=0), VarianceThreshold(0.02), svc())),
    "svd-pca": (
        "multi",
        make_pipeline(tfidf(), TruncatedSVD(8, random_state=0), PCA(4, whiten=True, random_state=0), svc()),
    ),
    "svd-after-scaler": ("multi", make_pipeline(tfidf(), MaxAbsScaler(), TruncatedSVD(8, random_state=0), svc())),
    "svd-of-union": ("multi", make_pipeline(two_blocks(), TruncatedSVD(8, random_state=0), svc())),
    "svd-in-union": (
        "multi",
        make_pipeline(
            make_union(make_pipeline(tfidf(), TruncatedSVD(4, random_state=0), StandardScaler()), CountVectorizer()),
            MaxAbsScaler(),
            svc(),
        ),
    ),
    "random-projection": ("multi", make_pipeline(tfidf(), SparseRandomProjection(20, random_state=0), svc())),
}
