"""Inputs to start from: files of the suite, and files written here by the tools whose formats are read.

A tool that is not installed writes nothing; ``missing`` names it. Everything is small, so that an input takes a fraction of
a millisecond to read, and the same from run to run.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import json
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from seeds import unpack  # of the folder above

from .mutate import folder

TESTS = Path(__file__).parents[2]
FIXTURES, GOLDEN = TESTS / "fixtures", TESTS / "golden"
TEXTS = ["turn it on", "turn it off", "play a song", "play it", "what is on", "is it off"] * 2
LABELS = ["light", "light", "music", "music", "ask", "ask"] * 2
MOST = 9000  # bytes of a seed
missing: set[str] = set()


def _optional(write: Callable[[], list[bytes]]) -> Callable[[], list[bytes]]:
    """What a tool writes, once; nothing if it is not installed."""

    @functools.cache
    def seeds() -> list[bytes]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return write()
        except ImportError as error:
            missing.add(error.name or str(error))
            return []

    return seeds


def files(*patterns: str) -> list[bytes]:
    """Files of tests/fixtures and tests/golden."""
    found = [path for pattern in patterns for root in (FIXTURES, GOLDEN) for path in sorted(root.glob(pattern))]
    return [data for data in (path.read_bytes() for path in found if path.is_file()) if len(data) <= MOST]


def folder_of(path: Path) -> bytes:
    """A folder's files as one input."""
    inside = (one for one in sorted(path.rglob("*")) if one.is_file() and one.name != "expected.json")
    return folder({str(one.relative_to(path)): one.read_bytes() for one in inside})


def _sparse(model: Any) -> Any:
    model[-1].sparsify()
    return model


@functools.cache
def estimators() -> list[Any]:
    """Fitted pipelines of each kind that the importer of scikit-learn tells apart."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction import DictVectorizer, FeatureHasher
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.model_selection import GridSearchCV
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.naive_bayes import ComplementNB, MultinomialNB
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import MaxAbsScaler
    from sklearn.svm import LinearSVC

    union = FeatureUnion(
        [("w", TfidfVectorizer(stop_words=["it"])), ("c", TfidfVectorizer(analyzer="char_wb", max_features=9))],
        transformer_weights={"w": 2.0},
    )
    columns = ColumnTransformer([("t", CountVectorizer(), 0), ("d", "drop", [1])])
    rows = np.array([[text, "x"] for text in TEXTS], object)
    mappings: Any = [{"w": text[:4], "n": float(len(text))} for text in TEXTS]
    two = ["on" if label == "light" else "off" for label in LABELS]
    return [
        make_pipeline(TfidfVectorizer(ngram_range=(1, 2), max_features=12), LinearSVC()).fit(TEXTS, LABELS),
        make_pipeline(CountVectorizer(max_features=9), TfidfTransformer(), LogisticRegression()).fit(TEXTS, two),
        _sparse(
            make_pipeline(TfidfVectorizer(max_features=9), SGDClassifier(loss="modified_huber")).fit(TEXTS, LABELS)
        ),
        make_pipeline(HashingVectorizer(n_features=16, alternate_sign=False), MultinomialNB()).fit(TEXTS, LABELS),
        make_pipeline(union, LogisticRegression()).fit(TEXTS, LABELS),
        make_pipeline(columns, ComplementNB()).fit(rows, LABELS),
        make_pipeline(DictVectorizer(), SelectKBest(chi2, k=5), LinearSVC()).fit(mappings, LABELS),
        make_pipeline(FeatureHasher(n_features=16), LogisticRegression()).fit(mappings, LABELS),
        make_pipeline(CountVectorizer(max_features=9), MaxAbsScaler(), OneVsRestClassifier(LinearSVC())).fit(
            TEXTS, LABELS
        ),
        GridSearchCV(
            make_pipeline(CountVectorizer(max_features=5), CalibratedClassifierCV(LinearSVC(), ensemble=False, cv=2)),
            {},
            cv=2,
            error_score="raise",
        ).fit(TEXTS, LABELS),
    ]


@_optional
def _pickles() -> list[bytes]:
    plain = {
        "a": [1, 2.5, None, True],
        "b": (b"x", {1, 2}, frozenset({"y"})),
        "c": np.arange(6.0).reshape(2, 3),
        "d": {},
    }
    objects = [*estimators(), plain, np.array(["a", None, 3], object), np.zeros(3, [("x", "f8"), ("y", "i4")])]
    dumped = [
        pickle.dumps(one, protocol)
        for i, one in enumerate(objects)
        for protocol in ({0, 2, 5} if i < 3 else {i % 6, 4})
    ]
    return [data for data in dumped if len(data) <= MOST]


@_optional
def _joblib() -> list[bytes]:
    import joblib

    out = []
    methods: list[Any] = [0, 3, ("gzip", 1), ("bz2", 1), ("xz", 1), ("lzma", 1)]
    for i, one in enumerate(estimators()):
        for method in (methods[0], methods[1 + i % 5]):
            file = io.BytesIO()
            joblib.dump(one, file, compress=method)
            out.append(file.getvalue())
    return [data for data in out if len(data) <= MOST]


@_optional
def _skops() -> list[bytes]:
    import skops.io

    return [skops.io.dumps(one) for one in estimators()[:9]]


@_optional
def _nltk() -> list[bytes]:
    from nltk.classify import MaxentClassifier, NaiveBayesClassifier

    train = [
        ({"first": text.split()[0], "n": len(text), text.split()[-1]: True}, label)
        for text, label in zip(TEXTS, LABELS, strict=True)
    ]
    out = [pickle.dumps(NaiveBayesClassifier.train(train), 2)]
    for algorithm in ("GIS", "IIS"):
        model = MaxentClassifier.train(train, algorithm, trace=0, max_iter=2)
        model._weights = np.nan_to_num(model.weights(), neginf=-9.0)
        out.append(pickle.dumps(model))
    return out


def pickles() -> list[bytes]:
    """Plain pickles of all protocols: scikit-learn's of three old versions, sklearn-crfsuite's, and new ones."""
    return [*files("sklearn-*/*.pkl", "crfsuite/*.pkl"), *_pickles()]


def joblib() -> list[bytes]:
    """joblib's files, with arrays as raw bytes, plain and compressed."""
    return [*files("sklearn-*/*.joblib"), *_joblib()]


def skops() -> list[bytes]:
    """skops' archives."""
    return _skops()


def nltk() -> list[bytes]:
    """Pickled NLTK classifiers."""
    return [*files("nltk/*.pickle"), *_nltk()]


def nltk_tabs() -> list[bytes]:
    """Folders of a maxent model's tab files."""
    return [folder_of(FIXTURES / "nltk/tabs")]


def opennlp() -> list[bytes]:
    """GIS models: text, gzipped text, binary, packages."""
    return files("opennlp/*.txt", "opennlp/*.txt.gz", "opennlp/*.bin")


def snips() -> list[bytes]:
    """Folders of Snips NLU's classifiers."""
    return [folder_of(path) for path in sorted((FIXTURES / "snips").iterdir()) if path.is_dir()]


def liblinear() -> list[bytes]:
    """Model files with and without their names."""
    names = (FIXTURES / "trainers/names.txt").read_bytes()
    models = files("trainers/*.liblinear")
    return [folder({"model": data}) for data in models] + [folder({"model": data, "names": names}) for data in models]


def tables() -> list[bytes]:
    """TSV, CSV and JSON Lines, with and without facts."""
    from nlucompress.importers import table

    out = [b"".join(table.write(_model(data))) for data in files("trainers/*.liblinear")[:2]]
    out += [b"".join(table.write(_live(i))) for i in (0, 1, 3, 4)]
    rows = [("a", "x", 1.0), ("b", "y", -0.5), ("", "x", 0.1), ("c\td", "y", 2e-3), (None, "x", 0.25)]
    out.append(
        b"feature\tlabel\tweight\n"
        + b"".join(f"{table.escape(name)}\t{label}\t{weight}\n".encode() for name, label, weight in rows)
    )
    out.append(
        b"weight,label,feature\r\n" + b"".join(f'{w},{label},"{name or ""}"\r\n'.encode() for name, label, w in rows)
    )
    lines = [{"feature": name, "label": label, "weight": weight} for name, label, weight in rows]
    out.append("\n".join(map(json.dumps, lines)).encode())
    out.append("\n".join(json.dumps({**line, "namespace": "n"}) for line in lines).encode())
    return out


@_optional
def parquet() -> list[bytes]:
    """The same rows as Parquet."""
    import pyarrow as arrow
    from pyarrow import parquet as files_

    names, labels = ["a", "b", "a", None], ["x", "x", "y", "y"]
    columns = {"feature": names, "label": labels, "weight": [0.5, -1.0, 2.0, 0.25]}
    out = []
    for more, options in (
        ({}, {}),
        ({"namespace": ["n"] * 4}, {"compression": "none", "use_dictionary": False}),
        ({}, {"compression": "gzip", "data_page_version": "2.0", "write_page_checksum": True}),
    ):
        file = io.BytesIO()
        files_.write_table(arrow.table({**columns, **more}), file, **options)
        out.append(file.getvalue())
    file = io.BytesIO()
    kinds = {
        **columns,
        "label": arrow.array(labels).dictionary_encode(),
        "weight": arrow.array([1, 2, 3, 4], arrow.int8()),
    }
    files_.write_table(arrow.table(kinds), file)
    return [*out, file.getvalue()]


def names() -> list[bytes]:
    """Files of feature names."""
    return [
        *files("trainers/names.txt"),
        b"a\r\nb\r\n\r\nc\r\n",
        b"feature\tnamespace\na\tx\nb\ty\n",
        b'{"feature": "a"}\n{"feature": "b"}\n',
        b"feature,label\na,b\n",
        *tables()[:2],
        *parquet()[:1],
    ]


def templates() -> list[bytes]:
    """Token templates as JSON, in the plain form and with every short form."""
    rich = {
        "separator": "=",
        "false": "zero",
        "columns": 2,
        "features": [
            {"name": "bias"},
            {"name": "{at}w", "value": "lower", "at": [-1, 0, 1]},
            {"name": "s{n}", "value": [["suffix", [2, 3]]]},
            {"name": "t", "flag": ["istitle", "not"], "if": "isalpha"},
            {"name": "BOS", "flag": "outside", "at": -1},
            {
                "text": ["b=", {"at": -1, "do": ["lower"], "outside": "<s>"}, "|", {"column": 1}],
                "weight": 0.5,
                "else": 0,
            },
            {"name": "shape", "value": [["shape", 2]]},
            {"name": "n", "number": [["lstrip", "[a-z\\]]"]]},
            {
                "name": "p",
                "value": [["map", "isupper", "X", "[0-9]", "d"], ["collapse", 2], ["slice", 0, -1], ["keep", "a", "b"]],
            },
            {"name": "q", "flag": [["any", "[^\\w]"]], "at": {"-1": "prev ", "0": ""}},
            {"name": "r", "flag": [["in", "a", "b"]]},
            {"name": "z", "flag": [["startswith", "a"]]},
            {"name": "y", "flag": [["longer", 3]]},
        ],
    }
    return [
        json.dumps(rich).encode(),
        json.dumps({"features": [{"name": "bias"}, {"name": "w", "value": []}]}).encode(),
    ]


def data() -> list[bytes]:
    """JSON Lines of texts with labels, and of tokens with tags."""
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    tagged = (
        b'{"tokens": ["a", "b"], "tags": ["O", "B"]}\n'
        b'{"tokens": [["f=1"], {"g": 0.5, "h": true}], "tags": ["O", "I"]}\n'
    )
    return ["\n".join(map(json.dumps, rows)).encode(), tagged]


def data_gzip() -> list[bytes]:
    """The same, gzipped."""
    return [gzip.compress(one, 1, mtime=0) for one in data()]


def manifests() -> list[bytes]:
    """Manifests of compress-many, as JSON Lines and as CSV."""
    lines = (
        b'{"source": "a.joblib", "name": "a", "buckets": 64, "data": "d.jsonl", "max_loss": 0.3}\n{"source": "b.pkl"}\n'
    )
    rows = b"source,name,check_bits,gamma\r\na.joblib,a,8,1.0\r\nb.pkl,b,,2\r\n"
    beside = {"a.joblib": b"", "b.pkl": b"", "d.jsonl": b'{"source": "b.pkl"}'}
    return [folder({"m.jsonl": lines, **beside}), folder({"m.csv": rows, **beside})]


def states() -> list[bytes]:
    """What a search of ``search_key`` leaves to go on from."""
    from nlucompress.search.walk import SPACE

    lines: list[Any] = [SEARCH]
    for i in range(4):
        options = {name: values[i % len(values)] for name, values in SPACE.items()}
        lines.append({"options": options, "bytes": 1000 + i, "changes": [[i, 0], [3, 1]]})
    return [b"".join(json.dumps(line).encode() + b"\n" for line in lines)]


SEARCH = {"state": "nlucompress search 1", "model": "m" * 20, "texts": "t" * 20, "seed": 0}


def models() -> list[bytes]:
    """Compressed models of every published version."""
    return files("*.nluc")


def native_corpus(path: Path) -> list[bytes]:
    """The files inside the inputs that bin/fuzz native kept."""
    found = []
    for one in sorted(path.iterdir()):
        with contextlib.suppress(ValueError):  # no input
            found.append(unpack(one.read_bytes())[0])
    return [file for file in found if file]


def bundles() -> list[bytes]:
    """Bundles: the golden one, an empty one, one after additions."""
    from nlucompress import bundle

    small = [data for data in models() if len(data) < 1400]
    with tempfile.TemporaryDirectory() as path:
        empty, several = Path(path) / "e.nlub", Path(path) / "s.nlub"
        bundle.create(empty)
        bundle.create(several, {f"m{i}": data for i, data in enumerate(small[:3])})
        bundle.add(several, {"Straße": small[-1]})
        return [empty.read_bytes(), several.read_bytes(), (GOLDEN / "bundle-v1.0.nlub").read_bytes()]


def _live(number: int) -> Any:
    from nlucompress import import_model

    try:
        return import_model(estimators()[number])
    except ImportError as error:
        missing.add(error.name or str(error))
        return _model(files("trainers/*.liblinear")[0])


def _model(liblinear_file: bytes) -> Any:
    from nlucompress import import_model

    with tempfile.TemporaryDirectory() as path:
        (Path(path) / "m").write_bytes(liblinear_file)
        return import_model(Path(path) / "m")
