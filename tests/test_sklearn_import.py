"""The scikit-learn importer against scikit-learn: every supported combination, on odd texts and from files."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import (
    ENGLISH_STOP_WORDS,
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
    strip_accents_unicode,
)
from sklearn.feature_selection import (
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    chi2,
)
from sklearn.linear_model import (
    PassiveAggressiveClassifier,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    StandardScaler,
)
from sklearn_models import (
    BINARY,
    COMBINATIONS,
    LABELS,
    MANY,
    ODD,
    TABLE,
    TEXTS,
    aged,
    check,
    columns,
    endings,
    fitted,
    joint,
    logistic,
    lower,
    refused,
    svc,
    tfidf,
    two_blocks,
    words,
)

from nlucompress import compress, reference
from nlucompress.errors import ModelImportError
from nlucompress.importers import import_model, stopwords
from nlucompress.linear import LinearModel, SparseRows
from nlucompress.reference import exact

VECTORIZERS = {
    "count": CountVectorizer(),
    "count-binary": CountVectorizer(binary=True),
    "count-bool": CountVectorizer(dtype=bool),
    "tfidf": TfidfVectorizer(),
    "tfidf-12": TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
    "tfidf-23": TfidfVectorizer(ngram_range=(2, 3), token_pattern=r"(?u)\b\w+\b"),
    "tfidf-l1": TfidfVectorizer(norm="l1", smooth_idf=False),
    "tfidf-none": TfidfVectorizer(norm=None),
    "tfidf-no-idf": TfidfVectorizer(use_idf=False),
    "tfidf-binary": TfidfVectorizer(binary=True, sublinear_tf=True, max_features=50),
    "tfidf-max_df": TfidfVectorizer(max_df=0.2),
    "char": TfidfVectorizer(analyzer="char", ngram_range=(1, 3)),
    "char_wb": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=False),
    "ascii": CountVectorizer(strip_accents="ascii"),
    "unicode": TfidfVectorizer(strip_accents="unicode", analyzer="char", ngram_range=(2, 2)),
    "accent-function": TfidfVectorizer(strip_accents=strip_accents_unicode),
    "english": TfidfVectorizer(stop_words="english"),
    "stop-list": CountVectorizer(stop_words=["the", "das", "la", "the"], ngram_range=(1, 2)),
    "group": CountVectorizer(token_pattern=r"(\w)\w*"),
    "vocabulary": TfidfVectorizer(vocabulary=["light", "play", "rain", "свет", "nothing"]),
    "vocabulary-set": CountVectorizer(vocabulary={"play", "weather", "light"}),
    "str.split": TfidfVectorizer(tokenizer=str.split, token_pattern=None),
    "hashing": HashingVectorizer(n_features=512),
    "hashing-tiny": HashingVectorizer(n_features=16),
    "hashing-unsigned": HashingVectorizer(n_features=300, alternate_sign=False, norm="l1"),
    "hashing-binary": HashingVectorizer(n_features=32, binary=True, norm=None),
    "hashing-wide": HashingVectorizer(n_features=2**16, ngram_range=(1, 2), norm=None),
    "hashing-char": HashingVectorizer(n_features=1000, analyzer="char_wb", ngram_range=(3, 3), strip_accents="ascii"),
}


@pytest.mark.parametrize("name", VECTORIZERS)
def test_vectorizer(name: str, tmp_path: Path) -> None:
    pipeline = fitted(make_pipeline(VECTORIZERS[name], RidgeClassifier()))
    model = import_model(pipeline)
    check(pipeline, model)
    same_from_file(pipeline, model, tmp_path)


def same_from_file(estimator: Any, model: LinearModel, folder: Path) -> None:
    """A pickle of the estimator, read without running it, imports to the same model."""
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(estimator))
    again = import_model(path)
    assert again.fingerprint() == model.fingerprint()
    assert again.source == model.source


@pytest.mark.parametrize("name", COMBINATIONS)
def test_combination(name: str, tmp_path: Path) -> None:
    kind, estimator = COMBINATIONS[name]
    fitted(estimator, kind=kind)
    model = import_model(estimator)
    check(estimator, model)
    same_from_file(estimator, model, tmp_path)


# Labels, kinds of coefficients, constant labels


@pytest.mark.parametrize(
    "labels",
    [
        np.unique(LABELS, return_inverse=True)[1] * 10 - 5,
        np.unique(LABELS, return_inverse=True)[1] * 2.0,
        LABELS == "play",
        LABELS.astype(object),
        np.array(["été", "雨", "a b", "", "e\u0301"])[np.unique(LABELS, return_inverse=True)[1]],
    ],
    ids=["int", "float", "bool", "object", "unicode"],
)
def test_labels_keep_their_type(labels: Any, tmp_path: Path) -> None:
    pipeline = make_pipeline(tfidf(), svc()).fit(TEXTS, labels)
    model = import_model(pipeline)
    check(pipeline, model)
    assert model.classes.tolist() == pipeline.classes_.tolist()
    assert [type(label) for label in model.classes.tolist()] == [type(label) for label in pipeline.classes_.tolist()]
    same_from_file(pipeline, model, tmp_path)


def test_sparse_coefficients_are_the_dense_ones(tmp_path: Path) -> None:
    pipeline = make_pipeline(tfidf(), svc(penalty="l1", dual=False, C=0.5)).fit(TEXTS, LABELS)
    dense = import_model(pipeline)
    pipeline[-1].sparsify()
    model = import_model(pipeline)
    assert isinstance(model.weights, SparseRows)
    assert model.fingerprint() == dense.fingerprint()
    check(pipeline, model)
    same_from_file(pipeline, model, tmp_path)


def test_float32_models_agree_to_float32() -> None:
    pipeline = make_pipeline(CountVectorizer(dtype=np.float32), svc()).fit(TEXTS, LABELS)
    check(pipeline, import_model(pipeline), rtol=1e-5)


def test_passive_aggressive() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        pipeline = make_pipeline(tfidf(), PassiveAggressiveClassifier(random_state=0)).fit(TEXTS, LABELS)
    check(pipeline, import_model(pipeline))


CONSTANT = np.column_stack([MANY, np.zeros(len(TEXTS), int), np.ones(len(TEXTS), int)])


@pytest.mark.parametrize("classifier", [svc(), logistic(), SGDClassifier("modified_huber", random_state=0),
    MultinomialNB()],
                         ids=lambda c: type(c).__name__)  # fmt: skip
def test_a_label_that_is_never_or_always_there(classifier: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pipeline = make_pipeline(tfidf(), OneVsRestClassifier(classifier)).fit(TEXTS, CONSTANT)
    model = import_model(pipeline)
    check(pipeline, model)
    assert model.task == "multilabel"
    assert exact(model).predict(["zzz"])[0, 3:].tolist() == [0, 1]


def test_a_constant_first_label_moves_the_threshold_as_in_scikit_learn() -> None:
    first = np.column_stack([np.zeros(len(TEXTS), int), MANY])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pipeline = make_pipeline(tfidf(), OneVsRestClassifier(svc(C=0.2))).fit(TEXTS, first)
        scorer = exact(import_model(pipeline))
        np.testing.assert_allclose(scorer.decision_function(TEXTS), pipeline.decision_function(TEXTS), rtol=1e-9)
        assert scorer.predict(TEXTS + ODD).tolist() == pipeline.predict(TEXTS + ODD).tolist()
        assert (pipeline.predict(TEXTS)[:, 1:] != (pipeline.decision_function(TEXTS)[:, 1:] > 0)).any()
        pipeline = make_pipeline(tfidf(), OneVsRestClassifier(MultinomialNB())).fit(TEXTS, first)
        scorer = exact(import_model(pipeline))
        assert scorer.predict(TEXTS + ODD).tolist() == pipeline.predict(TEXTS + ODD).tolist()
        np.testing.assert_allclose(scorer.predict_proba(TEXTS), pipeline.predict_proba(TEXTS), rtol=1e-9)
        pipeline = make_pipeline(tfidf(), OneVsRestClassifier(logistic())).fit(TEXTS, first)
    refused(pipeline, "the first label is the same in all training samples, so that scikit-learn compares")


# What the model looks like


def test_naive_bayes_rows_are_sparse_against_a_baseline() -> None:
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB()).fit(TEXTS, LABELS)
    model = import_model(pipeline)
    assert isinstance(model.weights, SparseRows)
    assert model.baseline is not None
    seen = np.count_nonzero(pipeline[-1].feature_count_)
    assert len(model.weights.data) == seen
    np.testing.assert_allclose(model.coefficients(), pipeline[-1].feature_log_prob_.T, rtol=1e-15)


def test_naive_bayes_keeps_an_idf_apart_so_that_rows_stay_sparse() -> None:
    pipeline = make_pipeline(TfidfVectorizer(norm=None), MultinomialNB()).fit(TEXTS, LABELS)
    model = import_model(pipeline)
    assert model.idf is not None
    assert isinstance(model.weights, SparseRows)
    assert len(model.weights.data) == np.count_nonzero(pipeline[-1].feature_count_)


def test_idf_is_folded_into_the_weights_unless_a_norm_needs_it() -> None:
    folded = import_model(make_pipeline(TfidfVectorizer(norm=None), svc(max_iter=100_000)).fit(TEXTS, LABELS))
    assert folded.idf is None
    assert folded.steps == ()
    kept = import_model(make_pipeline(TfidfVectorizer(), svc()).fit(TEXTS, LABELS))
    assert kept.idf is not None
    assert [step.op for step in kept.steps] == ["norm"]


def test_a_selection_drops_features_before_a_norm_and_zeroes_them_after() -> None:
    before = make_pipeline(CountVectorizer(), SelectKBest(chi2, k=30), Normalizer(), svc()).fit(TEXTS, LABELS)
    assert import_model(before).n_features == 30
    after = make_pipeline(CountVectorizer(), Normalizer(), SelectKBest(chi2, k=30), svc()).fit(TEXTS, LABELS)
    model = import_model(after)
    assert model.n_features == len(after[0].vocabulary_)
    assert np.count_nonzero(model.coefficients().any(axis=1)) <= 30
    check(after, model)


def test_a_norm_of_a_norm_is_one_norm() -> None:
    pipeline = make_pipeline(HashingVectorizer(n_features=64), TfidfTransformer(), Normalizer(), svc()).fit(
        TEXTS, LABELS
    )
    model = import_model(pipeline)
    assert len(model.steps) == 1
    check(pipeline, model)


def test_the_same_block_twice_is_one_namespace() -> None:
    assert len(import_model(make_pipeline(make_union(tfidf(), tfidf()), svc()).fit(TEXTS, LABELS)).namespaces) == 1
    joint_norm = make_pipeline(make_union(tfidf(), tfidf()), Normalizer("l1"), svc()).fit(TEXTS, LABELS)
    assert [n.name for n in import_model(joint_norm).namespaces] == ["tfidfvectorizer-1", "tfidfvectorizer-2"]


def test_binarizing_tfidf_at_0_is_a_binary_count() -> None:
    model = import_model(make_pipeline(tfidf(), BernoulliNB()).fit(TEXTS, LABELS))
    assert (model.namespaces[0].tf, model.steps, model.idf) == ("binary", (), None)


def test_hashed_columns_without_a_weight_are_not_listed() -> None:
    pipeline = make_pipeline(HashingVectorizer(n_features=2**18), TfidfTransformer(), svc()).fit(TEXTS, LABELS)
    model = import_model(pipeline)
    assert model.n_features < 400
    assert model.namespaces[0].unseen == pytest.approx(np.log(len(TEXTS) + 1) + 1)
    check(pipeline, model)


def test_source_says_what_it_was() -> None:
    import sklearn

    search = GridSearchCV(make_pipeline(two_blocks(), svc()), {"linearsvc__C": [1]}, cv=2).fit(TEXTS, LABELS)
    assert import_model(search).source == {
        "format": "scikit-learn",
        "version": sklearn.__version__,
        "model": "Pipeline(FeatureUnion(TfidfVectorizer, TfidfVectorizer), LinearSVC)",
    }
    assert [namespace.name for namespace in import_model(search).namespaces] == ["word", "char"]


def test_stop_words_are_scikit_learns() -> None:
    assert set(stopwords.ENGLISH_STOP_WORDS) == ENGLISH_STOP_WORDS
    assert list(stopwords.ENGLISH_STOP_WORDS) == sorted(ENGLISH_STOP_WORDS)


def test_a_pattern_of_no_white_space_is_str_split() -> None:
    everything = "x".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert re.findall(r"\S+", everything) == everything.split()


def test_a_linear_model_is_given_back() -> None:
    model = import_model(make_pipeline(tfidf(), svc()).fit(TEXTS, LABELS))
    assert import_model(model) is model
    with pytest.raises(ModelImportError, match=r"format 'onnx' is not one of .*'scikit-learn'"):
        import_model(model.weights, format="onnx")


# Columns, dictionaries, callables


@pytest.mark.parametrize("last", [[], [Normalizer()], [SelectKBest(chi2, k=90), MaxAbsScaler()]], ids=len)
def test_columns_by_name(last: list[Any], tmp_path: Path) -> None:
    pipeline = make_pipeline(columns(transformer_weights={"title": 2.0}), *last, svc()).fit(TABLE, LABELS)
    model = import_model(pipeline)
    assert {namespace.column for namespace in model.namespaces} == {"title", "body"}
    assert [namespace.name for namespace in model.namespaces] == ["title", "body/word", "body/char"]
    check(pipeline, model, TABLE, TABLE.to_dict("records"))
    check(pipeline, model, TABLE, TABLE)
    same_from_file(pipeline, model, tmp_path)


def test_columns_by_number() -> None:
    by_number = ColumnTransformer([("a", tfidf(), 0), ("b", CountVectorizer(), -2)])
    pipeline = make_pipeline(by_number, svc()).fit(TABLE.to_numpy(), LABELS)
    model = import_model(pipeline)
    assert [namespace.column for namespace in model.namespaces] == [0, 1]
    check(pipeline, model, TABLE.to_numpy(), TABLE.to_numpy().tolist())
    pipeline = make_pipeline(by_number, svc()).fit(TABLE, LABELS)  # scikit-learn then goes by name
    assert [namespace.column for namespace in import_model(pipeline).namespaces] == ["title", "body"]


def rows() -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for number, text in enumerate(TEXTS):
        out.append(
            {"length": len(text), "first": text[:1], "words": sorted(set(text.split()[:3])), "negative": -number / 7}
        )
    return [*out, {}, {"unknown": 1, "first": "é"}, {"length": 3.5}]


@pytest.mark.parametrize(
    "steps",
    [
        [DictVectorizer(), RidgeClassifier()],
        [DictVectorizer(sort=False, separator=":"), StandardScaler(with_mean=False), RidgeClassifier()],
        [DictVectorizer(sparse=False), StandardScaler(), svc(max_iter=100_000)],
        [DictVectorizer(sparse=False), MinMaxScaler(), logistic()],
        [DictVectorizer(), Normalizer(), svc()],
        [DictVectorizer(), BernoulliNB()],
        [DictVectorizer(), Binarizer(threshold=2), Normalizer("l1"), svc()],
        [make_union(DictVectorizer(), make_pipeline(DictVectorizer(), MaxAbsScaler())), svc(max_iter=100_000)],
    ],
    ids=lambda steps: "-".join(type(step).__name__ for step in steps),
)
def test_dictionaries(steps: list[Any], tmp_path: Path) -> None:
    samples = rows()
    pipeline = make_pipeline(*steps).fit(samples[: len(TEXTS)], LABELS)
    model = import_model(pipeline)
    check(pipeline, model, samples)
    same_from_file(pipeline, model, tmp_path)


@pytest.mark.parametrize("vectorizer", [
    CountVectorizer(analyzer=words), TfidfVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2)),
    TfidfVectorizer(preprocessor=lower, analyzer="char", ngram_range=(2, 3)),
    HashingVectorizer(n_features=128, analyzer=words), HashingVectorizer(n_features=128, preprocessor=lower),
    TfidfVectorizer(strip_accents=lower),
], ids=["analyzer", "tokenizer", "preprocessor", "hashing", "hashing-preprocessor", "strip_accents"])  # fmt: skip
def test_a_callable_analyzer_takes_features(vectorizer: Any, tmp_path: Path) -> None:
    pipeline = make_pipeline(vectorizer, svc()).fit(TEXTS, LABELS)
    model = import_model(pipeline)
    assert [(n.analyzer, n.column) for n in model.namespaces] == [("features", None)]
    assert model.source["remark"] == (
        "A callable analyzer cannot travel: pass the features that vectorizer.build_analyzer()(text) yields."
    )
    analyze = pipeline[0].build_analyzer()
    check(pipeline, model, None, [analyze(text) for text in TEXTS + ODD])
    same_from_file(pipeline, model, tmp_path)


def test_a_callable_that_is_not_asked_does_not_matter() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pipeline = make_pipeline(TfidfVectorizer(analyzer="char", tokenizer=words), svc()).fit(TEXTS, LABELS)
        model = import_model(pipeline)
        assert model.namespaces[0].analyzer == "char"
        check(pipeline, model)


def test_callables_beside_texts_get_columns() -> None:
    union = FeatureUnion([("char", tfidf(analyzer="char_wb")), ("words", CountVectorizer(analyzer=words)),
                          ("text", TfidfVectorizer(analyzer=endings))])  # fmt: skip
    pipeline = make_pipeline(union, svc()).fit(TEXTS, LABELS)
    model = import_model(pipeline)
    assert [(n.name, n.column) for n in model.namespaces] == [
        ("char", "text"),
        ("words", "words"),
        ("text", "features"),
    ]
    assert model.source["remark"] == (
        "A callable analyzer cannot travel: pass the features that vectorizer.build_analyzer()(text) yields, in a "
        "mapping, under 'words', 'features', and the text under 'text'."
    )
    samples = [{"text": text, "words": words(text), "features": endings(text)} for text in TEXTS + ODD]
    check(pipeline, model, None, samples)


def test_two_callables_of_one_text_stay_two() -> None:
    pipeline = make_pipeline(FeatureUnion([("w", CountVectorizer(analyzer=words)), ("e",
        CountVectorizer(analyzer=endings))]),
                             TfidfTransformer(), svc()).fit(TEXTS, LABELS)  # fmt: skip
    samples = [{"w": words(text), "e": endings(text)} for text in TEXTS + ODD]
    check(pipeline, import_model(pipeline), None, samples)


def test_a_callable_twice_in_a_norm_is_asked_once() -> None:
    union = FeatureUnion([("all", "passthrough"), ("best", SelectKBest(chi2, k=20))])
    pipeline = make_pipeline(CountVectorizer(analyzer=words), union, Normalizer(), svc()).fit(TEXTS, LABELS)
    model = import_model(pipeline)
    assert [(n.name, n.column) for n in model.namespaces] == [("countvectorizer", None), ("countvectorizer-2", None)]
    check(pipeline, model, None, [words(text) for text in TEXTS + ODD])


def test_a_callable_on_a_column_that_is_read_as_text_too() -> None:
    table = ColumnTransformer([("w", CountVectorizer(analyzer=words), "title"), ("t", tfidf(), "title"),
                               ("b", CountVectorizer(analyzer=words), "body")])  # fmt: skip
    pipeline = make_pipeline(table, svc()).fit(TABLE, LABELS)
    model = import_model(pipeline)
    assert [namespace.column for namespace in model.namespaces] == ["title/w", "title", "body"]
    ours = [{"title": t, "title/w": words(t), "body": words(t[::-1])} for t in TEXTS]
    check(pipeline, model, TABLE, ours)


def test_feature_hasher_of_strings() -> None:
    samples = [words(text) for text in TEXTS + ODD[2:]]
    pipeline = make_pipeline(FeatureHasher(64, input_type="string"), Normalizer(), svc()).fit(
        samples[: len(TEXTS)], LABELS
    )
    check(pipeline, import_model(pipeline), samples)


def mixed(text: str) -> dict[str, Any]:
    """Numbers, strings, booleans and a negative number, as FeatureHasher takes them."""
    first, *rest = words(text) or [""]
    return {"first": first, "length": len(text) / 7, "short": len(text) < 12, "rest": -float(len(rest)), **{
        word: float(rest.count(word)) for word in rest}}  # fmt: skip


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("columns", [1, 8, 64, 1 << 18])
@pytest.mark.parametrize("kind", ["dict", "pair"])
def test_feature_hasher_of_names_and_values(kind: str, columns: int, signed: bool) -> None:
    samples: list[Any] = [mixed(text) for text in TEXTS + ODD]
    if kind == "pair":  # a name can stand twice
        samples = [[*sample.items(), ("length", 1.5), ("first", "again")] for sample in samples]
    hasher = FeatureHasher(columns, input_type=kind, alternate_sign=signed)
    pipeline = make_pipeline(hasher, svc()).fit(samples[: len(TEXTS)], LABELS)
    model = import_model(pipeline)
    assert model.namespaces[0].analyzer == "dict"
    check(pipeline, model, samples)
    compressed = compress(pipeline, check_bits=32)
    clone, dequantized = deepcopy(pipeline), compressed.dequantized()
    clone[-1].coef_ = np.zeros_like(clone[-1].coef_)
    clone[-1].coef_[:, [int(name) for name in dequantized.features[0]]] = dequantized.coefficients().T
    native = compressed.model()
    for runtime in (native, reference.Scorer(native.frame, reference.FileTable(native._file))):
        scores = runtime.decision_function(samples)
        np.testing.assert_allclose(scores, clone.decision_function(samples), rtol=1e-5, atol=1e-5)
        assert runtime.predict(samples).tolist() == clone.predict(samples).tolist()


def test_texts_in_files_are_passed_themselves(tmp_path: Path) -> None:
    paths = []
    for number, text in enumerate(TEXTS):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text(text, encoding="utf-8")
    pipeline = make_pipeline(TfidfVectorizer(input="filename"), svc()).fit(paths, LABELS)
    model = import_model(pipeline)
    assert model.source["remark"] == "Texts are passed themselves, not as file names or file objects."
    check(pipeline, model, paths, TEXTS)


def test_bytes_are_decoded_as_trained() -> None:
    texts = [text.encode("utf-16") for text in TEXTS]
    pipeline = make_pipeline(TfidfVectorizer(encoding="utf-16", decode_error="ignore"), svc()).fit(texts, LABELS)
    check(pipeline, import_model(pipeline), texts)


# Random pipelines


@st.composite
def vectorizers(draw: st.DrawFn) -> Any:
    analyzer = draw(st.sampled_from(["word", "char", "char_wb"]))
    low = draw(st.integers(1, 3))
    options: dict[str, Any] = {
        "analyzer": analyzer,
        "ngram_range": (low, low + draw(st.integers(0, 2))),
        "lowercase": draw(st.booleans()),
        "strip_accents": draw(st.sampled_from([None, "ascii", "unicode"])),
        "binary": draw(st.booleans()),
    }
    if analyzer == "word":
        options["token_pattern"] = draw(st.sampled_from([r"(?u)\b\w\w+\b", r"\w+", r"[^\s,.!?]+", r"(\w)\w"]))
        options["stop_words"] = draw(st.sampled_from([None, ["the", "to", "die"]]))
    kind = draw(st.sampled_from([CountVectorizer, TfidfVectorizer, TfidfVectorizer, HashingVectorizer]))
    if kind is HashingVectorizer:
        options |= {"n_features": draw(st.sampled_from([3, 50, 4096])), "alternate_sign": draw(st.booleans())}
    if kind is not CountVectorizer:
        options["norm"] = draw(st.sampled_from(["l1", "l2", None]))
    if kind is TfidfVectorizer:
        options |= {name: draw(st.booleans()) for name in ("use_idf", "smooth_idf", "sublinear_tf")}
    return kind(**options)


SELECTORS = [
    SelectKBest(chi2, k=7),
    SelectPercentile(chi2, percentile=50),
    VarianceThreshold(1e-3),
    SelectFromModel(RidgeClassifier()),
]
STEPS = [
    *SELECTORS, MaxAbsScaler(), StandardScaler(with_mean=False), Normalizer(), Normalizer("max"), TfidfTransformer(),
    TfidfTransformer(norm=None), TfidfTransformer(sublinear_tf=True, use_idf=False), Binarizer(),
        Binarizer(threshold=0.3),
    TruncatedSVD(2, random_state=0), make_pipeline(TruncatedSVD(2, random_state=0), StandardScaler()),
    FeatureUnion([("all", "passthrough"), ("best", SelectKBest(chi2, k=3))], transformer_weights={"all": 0.5}),
    make_union(Normalizer(), make_pipeline(VarianceThreshold(1e-3), MaxAbsScaler())),
]  # fmt: skip
CLASSIFIERS = [
    RidgeClassifier(), logistic(), MultinomialNB(), ComplementNB(), BernoulliNB(), BernoulliNB(binarize=0.2),
    SGDClassifier("log_loss", random_state=0), OneVsRestClassifier(RidgeClassifier()),
    CalibratedClassifierCV(RidgeClassifier(), ensemble=False, cv=2),
]  # fmt: skip


@st.composite
def pipelines(draw: st.DrawFn) -> Any:
    blocks = draw(st.lists(vectorizers(), min_size=1, max_size=3))
    weights = draw(st.lists(st.sampled_from([None, 0.5, 3.0]), min_size=len(blocks), max_size=len(blocks)))
    union = FeatureUnion([(f"b{i}", block) for i, block in enumerate(blocks)])
    union.transformer_weights = {f"b{i}": weight for i, weight in enumerate(weights) if weight is not None}
    steps = draw(st.lists(st.sampled_from(STEPS), max_size=3))
    return make_pipeline(union if len(blocks) > 1 else blocks[0], *steps, draw(st.sampled_from(CLASSIFIERS)))


WAYS_OUT = re.compile(
    "is not linear in the features; |which a .nluc file cannot express; |after a scaling of single features|"
    r"train with HashingVectorizer\(alternate_sign=False\)|a feature has the probability 1 in a class|"
    "applied twice; set it in"
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pipelines(), st.sampled_from([LABELS, BINARY]), st.lists(st.text(max_size=30), max_size=10))
def test_any_pipeline_is_exact_or_refused_with_a_way_out(pipeline: Any, labels: Any, texts: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pipeline.fit(TEXTS, labels)
            for text in texts:  # scikit-learn cannot hash what has no UTF-8
                text.encode()
            expected = pipeline.predict(TEXTS + ODD + texts)
        except ValueError:
            assume(False)  # scikit-learn itself refuses: negative values for chi2, no feature left, …
        refusal, model = "", None
        try:
            model = import_model(pipeline)
        except ModelImportError as error:
            refusal = str(error)
        if model is None:
            assert WAYS_OUT.search(refusal)
            return
        assume(np.abs(model.coefficients()).max() < 1e8)  # else scikit-learn has scaled up rounding errors of an SVD
        scores = exact(model).decision_function(TEXTS + ODD + texts)
        want = joint(pipeline, TEXTS + ODD + texts)
        if want is not None:
            np.testing.assert_allclose(scores, want, rtol=1e-7, atol=1e-8)
        sure = clear(scores)
        if hasattr(pipeline, "predict_proba"):
            proba = pipeline.predict_proba(TEXTS + ODD + texts)
            np.testing.assert_allclose(exact(model).probabilities(scores), proba, rtol=1e-6, atol=1e-8)
            sure &= clear(proba)  # scikit-learn calls the first of two labels that both have 1.0
        assert exact(model).decide(scores)[sure].tolist() == expected[sure].tolist()


def clear(scores: Any) -> Any:
    """Where the label does not hang on the last bit."""
    if scores.ndim == 1:
        return np.abs(scores) > 1e-9
    ordered = np.sort(scores, axis=1)
    return ordered[:, -1] - ordered[:, -2] > 1e-9


# Files of three scikit-learn versions

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = ["0.24.2", "1.2.2", "1.9.1"]


@pytest.mark.parametrize("version", VERSIONS)
def test_files_of_a_version(version: str) -> None:
    folder = FIXTURES / f"sklearn-{version}"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert expected["models"]
    for name, facts in expected["models"].items():
        prints = set()
        for file in facts["files"]:
            model = import_model(folder / file)
            prints.add(model.fingerprint())
            assert model.source["version"] == version
            assert model.classes.tolist() == facts["classes"], (name, file)
            assert model.n_features == facts["n_features"]
            scorer = exact(model)
            scores = scorer.decision_function(expected["texts"])
            if facts["scores"] is not None:
                np.testing.assert_allclose(scores.reshape(len(scores), -1), facts["scores"], rtol=1e-8, atol=1e-8)
            if facts["probabilities"] is not None:
                np.testing.assert_allclose(scorer.probabilities(scores), facts["probabilities"], rtol=1e-7, atol=1e-8)
            assert scorer.decide(scores).tolist() == facts["labels"]
        assert len(prints) == 1


def test_multinomial_of_two_classes_before_1_8_is_a_softmax_of_both_signs() -> None:
    pipeline = make_pipeline(tfidf(), logistic()).fit(TEXTS, BINARY)
    old = aged(pipeline, "1.2.2", {"multi_class": "multinomial"})
    scores = pipeline.decision_function(TEXTS)
    np.testing.assert_allclose(exact(import_model(old)).predict_proba(TEXTS)[:, 1], 1 / (1 + np.exp(-2 * scores)))
    for multi_class in ("auto", "ovr", "deprecated"):
        plain = import_model(aged(pipeline, "1.2.2", {"multi_class": multi_class}))
        np.testing.assert_allclose(exact(plain).predict_proba(TEXTS), pipeline.predict_proba(TEXTS))


@pytest.mark.parametrize(("version", "state", "link"), [
    ("0.24.2", {"multi_class": "auto"}, "softmax"), ("0.24.2", {"multi_class": "ovr"}, "ovr"),
    ("0.24.2", {"multi_class": "auto", "solver": "liblinear"}, "ovr"), ("0.22", {"multi_class": "warn"}, "ovr"),
    ("1.2.2", {"multi_class": "auto", "solver": "newton-cholesky"}, "ovr"), ("1.7.0", {"multi_class": "ovr"}, "ovr"),
    ("1.6.1", {"multi_class": "deprecated", "solver": "newton-cholesky"}, "softmax"), ("1.9.1", {}, "softmax"),
    ("1.9.1", {"multi_class": "ovr"}, "softmax"),
])  # fmt: skip
def test_link_of_logistic_regression_in_each_version(version: str, state: dict[str, Any], link: str) -> None:
    pipeline = make_pipeline(tfidf(), logistic()).fit(TEXTS, LABELS)
    assert import_model(aged(pipeline, version, state)).link == link


def test_it_never_imports_scikit_learn() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['sklearn'] = None; sys.modules['scipy'] = None\n"
        "from nlucompress import import_model\n"
        f"print(import_model({str(FIXTURES / 'sklearn-1.2.2' / 'tfidf_svc.joblib')!r}).source['model'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Pipeline(TfidfVectorizer, LinearSVC)\n"
