"""NLTK's classifiers, live, pickled and as tab files, against NLTK itself, and against a small fixture without it."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nltk
import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.classify import MaxentClassifier, NaiveBayesClassifier
from nltk.classify.maxent import BinaryMaxentFeatureEncoding, GISEncoding, TypedMaxentFeatureEncoding

from nlucompress import Model, compress, reference
from nlucompress.errors import ModelImportError
from nlucompress.featurize import item
from nlucompress.importers import import_model
from nlucompress.importers.formats import of_folder
from nlucompress.importers.records import Record
from nlucompress.linear import LinearModel
from nlucompress.reference import exact

FIXTURES = Path(__file__).parent / "fixtures" / "nltk"

WORDS = ["play", "stop", "the", "a", "music", "song", "light", "on", "off", "in", "kitchen", "weather", "tomorrow", "rain",
         "é", "東京"]  # fmt: skip
LABELS = ("music", "light", "weather")


def sample(rng: np.random.Generator, label: int) -> dict[str, Any]:
    """Words present or absent, a suffix, a length, a flag, sometimes None, as NLTK's book makes features."""
    words = rng.choice(
        WORDS,
        5,
        p=np.roll(np.linspace(1, 12, len(WORDS)) ** 2, 5 * label) / np.sum(np.linspace(1, 12, len(WORDS)) ** 2),
    )
    features: dict[str, Any] = {f"contains({word})": True for word in words}
    features |= {f"contains({word})": False for word in WORDS[::3] if word not in words}
    features |= {"suffix": words[0][-1:], "length": len(words[0]), "ratio": len(words[1]) / 4, "last": words[-1]}
    if rng.random() < 0.2:
        features["last"] = None
    if rng.random() < 0.2:
        features["suffix"] = "=="
    return features


def samples(n: int, seed: int = 0) -> list[tuple[dict[str, Any], str]]:
    rng = np.random.default_rng(seed)
    return [(sample(rng, i % 3), LABELS[i % 3]) for i in range(n)]


TRAIN, TEST = samples(150), [features for features, _ in samples(150, 1)]
ODD: list[dict[Any, Any]] = [
    {}, {"unknown": "x"}, {"suffix": "never"}, {"suffix": None}, {"length": 4.0}, {"length": 999}, {"length": "4"},
    {"contains(play)": 1}, {"contains(play)": 0.0}, {"contains(play)": "True"}, {"contains(play)": 2}, {"ratio": 0.5},
    {"ratio": np.float64(0.5)}, {"last": ("a", "b")}, {"last": float("nan")}, {"suffix": "="}, {"a=b": "c"},
]  # fmt: skip


def by_name(**options: Any) -> Any:
    return {
        "iis": lambda: MaxentClassifier.train(TRAIN, "iis", trace=0, max_iter=4),
        "gis": lambda: MaxentClassifier.train(TRAIN, "gis", trace=0, max_iter=8),
        "gis-alwayson": lambda: MaxentClassifier.train(
            TRAIN, "gis", trace=0, max_iter=8, encoding=GISEncoding.train(TRAIN, alwayson_features=True, C=40)),
        "cutoff": lambda: MaxentClassifier.train(
            TRAIN, "gis", trace=0, max_iter=4, encoding=GISEncoding.train(TRAIN, count_cutoff=3, C=40)),
        "unseen": unseen,
        "factors": factors,
        "ele": lambda: NaiveBayesClassifier.train(TRAIN),
        "laplace": lambda: NaiveBayesClassifier.train(TRAIN, nltk.probability.LaplaceProbDist),
        "lidstone": lambda: NaiveBayesClassifier.train(
            TRAIN, lambda counts, bins=None: nltk.probability.LidstoneProbDist(counts, 0.01, bins)),
        "booleans": lambda: NaiveBayesClassifier.train([(x, y == "music") for x, y in TRAIN]),
        "integers": lambda: MaxentClassifier.train([(x, LABELS.index(y)) for x, y in TRAIN], "iis", trace=0, max_iter=2),
    }  # fmt: skip


def unseen() -> Any:
    """An encoding with features of unseen values, with weights of all kinds."""
    encoding = BinaryMaxentFeatureEncoding.train(TRAIN, unseen_features=True, alwayson_features=True)
    return MaxentClassifier(encoding, np.random.default_rng(2).standard_normal(encoding.length()))


def factors() -> Any:
    encoding = BinaryMaxentFeatureEncoding.train(TRAIN)
    return MaxentClassifier(
        encoding, np.random.default_rng(3).uniform(0.5, 2, encoding.length()).tolist(), logarithmic=False
    )


KINDS = sorted(by_name())
_trained: dict[str, Any] = {}


def trained(kind: str) -> Any:
    if kind not in _trained:
        _trained[kind] = by_name()[kind]()
    return _trained[kind]


def check(classifier: Any, runtime: Any, tolerance: float, batch: list[Any]) -> None:
    """NLTK's labels and probabilities, and a runtime's; labels that are equally probable to rounding aside."""
    theirs = [classifier.prob_classify(features) for features in batch]
    wanted = np.array([[found.prob(label) for label in runtime.classes_.tolist()] for found in theirs])
    np.testing.assert_allclose(runtime.predict_proba(batch), wanted, rtol=0, atol=tolerance)
    top = np.sort(wanted, axis=1)
    for label, found, sure in zip(
        runtime.predict(batch).tolist(), theirs, top[:, -1] - top[:, -2] > 2 * tolerance, strict=True
    ):
        assert label == found.max() or not sure


class Direct:
    """A LinearModel's own answers, as a Model gives them."""

    def __init__(self, model: LinearModel) -> None:
        self.scorer, self.classes_ = exact(model), model.classes
        self.predict, self.predict_proba = self.scorer.predict, self.scorer.predict_proba


@pytest.mark.parametrize("kind", KINDS)
def test_labels_and_probabilities_are_nltks(kind: str) -> None:
    classifier = trained(kind)
    odd = [x for x in ODD if kind not in ("gis",) or x]
    check(classifier, Direct(import_model(classifier)), 1e-9, TEST + odd)


@pytest.mark.parametrize("kind", KINDS)
def test_equally_probable_labels_are_ordered_as_nltk_does(kind: str) -> None:
    model = import_model(trained(kind))
    assert model.classes.tolist() == sorted(trained(kind).labels(), reverse=True)
    assert exact(import_model(trained("gis"))).predict([{}]).tolist() == [trained("gis").classify({})] == ["weather"]


def dequantized(classifier: Any, model: LinearModel) -> Any:
    """The user's own classifier with a model's weights: the clone."""
    clone = copy.deepcopy(classifier)
    coefficients = model.coefficients()
    columns = {label: column for column, label in enumerate(model.classes.tolist())}
    rows = {name: i for i, name in enumerate(name for names in model.features for name in names)}
    gis = type(classifier._encoding).__name__ == "GISEncoding"
    correction = classifier._weights[-1] if gis else 0.0
    weights = np.zeros(len(classifier._weights))
    for (name, value, label), number in classifier._encoding._mapping.items():
        weights[number] = coefficients[rows[item(name, value)], columns[label]] / math.log(2) + correction
    for label, number in (classifier._encoding._alwayson or {}).items():
        weights[number] = model.intercept[columns[label]] / math.log(2) + correction
    if gis:
        weights[-1] = correction
    clone.set_weights(weights)
    return clone


@pytest.mark.parametrize("kind", ["iis", "gis", "gis-alwayson", "cutoff", "integers"])
@pytest.mark.parametrize("buckets", [256, 16])
def test_a_compressed_maxent_model_answers_as_the_dequantized_clone(kind: str, buckets: int) -> None:
    classifier = trained(kind)
    compressed = compress(classifier, check_bits=32, buckets=buckets)
    clone = dequantized(classifier, compressed.dequantized())
    for runtime in runtimes(compressed.model()):
        check(clone, runtime, 1e-9 if buckets else 0, TEST + ODD)


@pytest.mark.parametrize("kind", ["ele", "lidstone", "booleans"])
def test_a_compressed_naive_bayes_answers_as_its_dequantized_model(kind: str) -> None:
    compressed = compress(trained(kind), check_bits=32)
    clone = Direct(compressed.dequantized())
    for runtime in runtimes(compressed.model()):
        np.testing.assert_allclose(runtime.predict_proba(TEST + ODD), clone.predict_proba(TEST + ODD), atol=1e-6)
        assert runtime.predict(TEST + ODD).tolist() == clone.predict(TEST + ODD).tolist()
    labels = [trained(kind).classify(features) for features in TEST]
    assert np.mean(compressed.model().predict(TEST) == np.array(labels)) > 0.97


def runtimes(model: Model) -> list[Any]:
    """The native runtime and the reference, on the same file."""
    again = reference.Scorer(model._file, reference.FileTable(model._file))
    again.classes_ = model.classes_  # type: ignore[attr-defined]
    return [model, again]


# -- files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", ["iis", "gis", "ele", "booleans"])
def test_a_pickle_is_the_same_model(tmp_path: Path, kind: str, protocol: int) -> None:
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(trained(kind), protocol))
    assert import_model(path).fingerprint() == import_model(trained(kind)).fingerprint()
    assert import_model(path, format="nltk").fingerprint() == import_model(trained(kind)).fingerprint()


def tabs(classifier: Any, folder: Path) -> Path:
    """The tab files that NLTK writes; in its data folders only."""
    encoding = classifier._encoding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nltk.data, "path", [str(folder.parent)])
        nltk.classify.maxent.save_maxent_params(
            classifier._weights, encoding._mapping, encoding._labels, encoding._alwayson or {}, str(folder)
        )
    return folder


@pytest.mark.parametrize("alwayson", [False, True])
def test_tab_files_are_the_same_model(tmp_path: Path, alwayson: bool) -> None:
    train = [({k: v for k, v in x.items() if not isinstance(v, float)}, y) for x, y in TRAIN]  # which they cannot hold
    encoding = BinaryMaxentFeatureEncoding.train(train, alwayson_features=alwayson)
    classifier = MaxentClassifier.train(train, "iis", trace=0, max_iter=3, encoding=encoding)
    folder = tabs(classifier, tmp_path / "tabs")
    wanted = import_model(classifier).fingerprint()
    assert import_model(folder).fingerprint() == wanted
    assert import_model(folder / "mapping.tab", format="nltk").fingerprint() == wanted


def test_tab_files_that_do_not_say_their_encoding_are_refused(tmp_path: Path) -> None:
    train = [({"a": "x"}, "yes"), ({"a": "y"}, "no")]
    classifier = MaxentClassifier.train(train, "gis", trace=0, max_iter=3)
    with pytest.raises(ModelImportError, match=r"3 numbers for 2 joint features .* pickle the classifier"):
        import_model(tabs(classifier, tmp_path / "tabs"))


# -- without NLTK -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["maxent.pickle", "bayes.pickle", "tabs"])
def test_files_that_nltk_wrote_give_the_probabilities_that_nltk_gave(name: str) -> None:
    """Made by ``python tests/fixtures/nltk/make.py`` with NLTK 3.10.4."""
    wanted = json.loads((FIXTURES / "expected.json").read_text())
    model = import_model(FIXTURES / name)
    kind = "bayes" if name.startswith("bayes") else "maxent"
    batch = wanted["samples"]
    probabilities = exact(model).predict_proba(batch)
    expected = [[row[label] for label in model.classes.tolist()] for row in wanted[kind]]
    np.testing.assert_allclose(probabilities, expected, atol=1e-9)
    compressed = compress(FIXTURES / name, check_bits=32, buckets=256).model()
    assert (compressed.predict(batch) == exact(model).predict(batch)).all()


# -- refusals -----------------------------------------------------------------------------------------------------------


def maxent(weights: Any = None, **encoding: Any) -> Record:
    """The record of a classifier of two joint features."""
    fields = {
        "_labels": ["a", "b"],
        "_mapping": {("x", 1, "a"): 0, ("x", 1, "b"): 1},
        "_alwayson": None,
        "_unseen": None,
    }
    name = encoding.pop("name", "BinaryMaxentFeatureEncoding")
    inner = Record("nltk.classify.maxent", name, {**fields, **encoding})
    state = {"_encoding": inner, "_weights": np.array([1.0, 2.0]) if weights is None else weights, "_logarithmic": True}
    return Record("nltk.classify.maxent", "MaxentClassifier", state)


def bayes(name: str = "ELEProbDist", counts: Any = None, key: Any = ("a", "x"), **state: Any) -> Record:
    def distribution(counts: Any) -> Record:
        return Record("nltk.probability", name, {"_freqdist": Record("nltk.probability", "FreqDist", {}, (counts,)),
                                                 "_gamma": 0.5, "_divisor": 3.0, **state})  # fmt: skip

    table = {key: distribution({True: 1} if counts is None else counts), ("b", "x"): distribution({True: 1})}
    return Record("nltk.classify.naivebayes", "NaiveBayesClassifier", {
        "_labels": ["a", "b"], "_label_probdist": distribution({"a": 1, "b": 1}), "_feature_probdist": table})  # fmt: skip


REFUSALS: dict[str, tuple[Callable[[], Any], str]] = {
    "typed": (lambda: maxent(name="TypedMaxentFeatureEncoding"), "only BinaryMaxentFeatureEncoding and GISEncoding"),
    "tadm": (lambda: maxent(name="TadmEventMaxentFeatureEncoding"), "only BinaryMaxentFeatureEncoding"),
    "infinite": (lambda: maxent(np.array([1.0, -np.inf])), "_weights[1] is -inf"),
    "nan": (lambda: maxent([1.0, math.nan]), "_weights[1] is nan"),
    "few": (lambda: maxent(np.ones(1)), "_weights has 1 numbers, the encoding has 2"),
    "text": (lambda: maxent(["1", "2"]), "something else than numbers"),
    "matrix": (lambda: maxent(np.ones((2, 1))), "not a row of numbers"),
    "none": (lambda: maxent(_mapping=None), "_encoding._mapping is None"),
    "twice": (lambda: maxent(_mapping={("x", 1, "a"): 0, ("x", 1, "b"): 0}), "has the number 0"),
    "outside": (lambda: maxent(_mapping={("x", 1, "a"): 0, ("x", 1, "b"): 2}), "has the number 2"),
    "pair": (lambda: maxent(_mapping={("x", "a"): 0, ("x", 1, "b"): 1}), "not a name, a value and one of the labels"),
    "label": (lambda: maxent(_mapping={("x", 1, "c"): 0, ("x", 1, "b"): 1}), "one of the labels"),
    "name": (lambda: maxent(_mapping={(("x", "y"), 1, "a"): 0, ("x", 1, "b"): 1}), "is tuple, not a string"),
    "value": (lambda: maxent(_mapping={("x", (1, 2), "a"): 0, ("x", 1, "b"): 1}), "has the value (1, 2)"),
    "one-label": (lambda: maxent(_labels=["a"], _mapping={("x", 1, "a"): 0, ("x", 2, "a"): 1}), "two or more"),
    "same-labels": (lambda: maxent(_labels=["a", "a", "b"]), "two or more that differ"),
    "mixed-labels": (lambda: maxent(_labels=["a", 1]), "labels are of the types int, str"),
    "every-character": (
        lambda: maxent(_mapping={("=:|/\t\x1f\x1e\x1d\x1c", 1, "a"): 0, ("x", 1, "b"): 1}), "one of which must be free"),
    "mle": (lambda: bayes("MLEProbDist"), "train with one of ELEProbDist"),
    "no-counts": (lambda: bayes(counts=["x"]), "not a FreqDist"),
    "negative": (lambda: bayes(counts={"x": -1}), "not a FreqDist"),
    "no-gamma": (lambda: bayes(_gamma=0), "not 0 < gamma < divisor"),
    "infinite-divisor": (lambda: bayes(_divisor=math.inf), "not 0 < gamma < divisor"),
    "half": (lambda: bayes(key=("a", "y")), "with 1 of 2 labels"),
    "bayes-name": (lambda: bayes(key=("a", ("x", "y"))), "name features by strings"),
    "wrapped": (lambda: Record("nltk.classify.scikitlearn", "SklearnClassifier"), "classifier._clf"),
    "tree": (lambda: Record("nltk.classify.decisiontree", "DecisionTreeClassifier"), "not a model that is carried over"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_carried_over_is_refused(name: str) -> None:
    make, words = REFUSALS[name]
    with pytest.raises(ModelImportError) as caught:
        import_model(make())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_typed_encoding_is_refused_live() -> None:
    train = [({"x": 1.5, "y": "z"}, "a"), ({"x": 0.5, "y": "w"}, "b")]
    encoding = TypedMaxentFeatureEncoding.train(train, alwayson_features=True)
    classifier = MaxentClassifier(encoding, np.ones(encoding.length()))
    with pytest.raises(ModelImportError, match="TypedMaxentFeatureEncoding: only"):
        import_model(classifier)


def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "tabs"
    folder.mkdir()
    for part in (FIXTURES / "tabs").iterdir():
        (folder / part.name).write_bytes(part.read_bytes())
    return folder


WRONG_TABS: dict[str, tuple[str, Callable[[str], str], str]] = {
    "fields": ("mapping.tab", lambda t: t.replace("\t", " ", 1), "mapping.tab: line 1 has 3 fields"),
    "again": ("mapping.tab", lambda t: t.splitlines()[0] + "\n" + t, "line 2: ('"),
    "number": ("mapping.tab", lambda t: t.replace("\t0\n", "\tzero\n", 1), "'zero' is not a whole number"),
    "huge": ("mapping.tab", lambda t: t.replace("\t0\n", "\t" + "9" * 5000 + "\n", 1), "is not a whole number"),
    "outside": ("mapping.tab", lambda t: t.replace("\t0\n", "\t4000000000\n", 1), "has the number 4000000000"),
    "negative": ("mapping.tab", lambda t: t.replace("\t0\n", "\t-1\n", 1), "has the number -1"),
    "missing": ("mapping.tab", lambda t: t.partition("\n")[2], "weights.txt has"),
    "wrong-weight": ("weights.txt", lambda t: t.replace("\n", "x\n", 1), "weights.txt: line 1 is"),
    "infinite": ("weights.txt", lambda t: "-inf" + t[t.index("\n"):], "weights.txt: line 1 is -inf"),
    "few-weights": ("weights.txt", lambda t: t[: len(t) // 2], "weights.txt has"),
    "empty": ("labels.txt", lambda t: "", "labels"),
    "label": ("labels.txt", lambda t: t.replace("music", "musik"), "labels"),
    "twice": ("labels.txt", lambda t: t + "\nmusic", "two or more that differ"),
    "always": ("alwayson.tab", lambda t: t.replace("\t", "\t\t", 1), "alwayson.tab: line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_TABS)
def test_damaged_tab_files_are_refused_with_file_and_line(tmp_path: Path, name: str) -> None:
    file, change, words = WRONG_TABS[name]
    folder = copied(tmp_path)
    text = (folder / file).read_text(encoding="utf-8")
    (folder / file).write_text(change(text), encoding="utf-8")
    with pytest.raises(ModelImportError) as caught:
        import_model(folder)
    assert words in str(caught.value)
    assert str(caught.value).startswith("tabs: ")
    assert len(str(caught.value)) < 700


def test_a_folder_that_lacks_a_file_or_is_no_models_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "labels.txt").write_bytes(b"a\xff\n")
    with pytest.raises(ModelImportError, match=r"labels\.txt: byte 1 is not UTF-8"):
        import_model(folder)
    (folder / "labels.txt").unlink()
    with pytest.raises(ModelImportError, match=r"labels\.txt: cannot be read"):
        import_model(folder)
    with pytest.raises(ModelImportError, match=f"{tmp_path.name}: this is not a regular file"):
        import_model(tmp_path)
    assert of_folder(tmp_path) is None


@pytest.mark.parametrize("name", ["maxent.pickle", "bayes.pickle"])
def test_truncated_pickles_are_refused(tmp_path: Path, name: str) -> None:
    data, path = (FIXTURES / name).read_bytes(), tmp_path / name
    for size in range(0, len(data), max(len(data) // 40, 1)):
        path.write_bytes(data[:size])
        with pytest.raises(ModelImportError, match=name):
            import_model(path)


def refusal(source: Path) -> str | None:
    """Why a file is refused; None if it is read."""
    try:
        import_model(source)
    except ModelImportError as error:
        return str(error)
    return None


@settings(max_examples=150)
@given(st.data())
def test_damaged_files_are_refused_or_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["maxent.pickle", "bayes.pickle", "tabs"]))
    folder = tmp_path_factory.mktemp("damaged")
    source = copied(folder) if name == "tabs" else folder / name
    target = source
    if name == "tabs":
        target = source / data.draw(st.sampled_from(["mapping.tab", "weights.txt", "labels.txt", "alwayson.tab"]))
    else:
        source.write_bytes((FIXTURES / name).read_bytes())
    damaged = bytearray(target.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    target.write_bytes(damaged)
    with strategies.peak() as most:
        message = refusal(source)
    assert message is None or source.name in message
    assert most() < 64 << 20
