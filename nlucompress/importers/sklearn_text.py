"""scikit-learn's vectorizers -> sources: texts (or dictionaries, or features) in, named columns out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..linear import Namespace
from .fitted import Fitted
from .records import Global, Record, diagonal, show, view
from .stopwords import ENGLISH_STOP_WORDS
from .symbolic import Features, Norm, Source

VECTORIZERS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer", "DictVectorizer", "FeatureHasher")
CALLABLE = "callable"  # the tag of a source whose features a callable makes
_ACCENTS = {"sklearn.strip_accents_ascii": "ascii", "sklearn.strip_accents_unicode": "unicode"}


def vectorize(estimator: Fitted, column: str | int | None, name: str) -> Features:
    """The columns of a vectorizer that reads samples, or one column of them. name: for its namespace."""
    if estimator.name == "DictVectorizer":
        return _dict(estimator, column, name)
    if estimator.name == "FeatureHasher":
        return _hasher(estimator, column, name)
    if estimator.name == "HashingVectorizer":
        return _hashing(estimator, column, name)
    return _count(estimator, column, name)


def tfidf(estimator: Fitted, features: Features) -> Features:
    """TfidfTransformer: logarithm of frequencies, idf, norm."""
    if estimator.param("sublinear_tf", False):
        features = features.logged(estimator.place)
    if "idf_" in estimator.state:
        features = features.scaled(estimator.vector("idf_", features.width))
    elif estimator.param("use_idf", True):
        if "_idf_diag" not in estimator.state:
            raise estimator.unfitted("idf_")
        idf = diagonal(estimator.state["_idf_diag"], f"{estimator.place}: _idf_diag")
        estimator.check_width(len(idf), features.width, "_idf_diag")
        features = features.scaled(idf)
    return normed(estimator, features, estimator.param("norm", "l2"))


def normed(estimator: Fitted, features: Features, norm: Any) -> Features:
    """The features after ``norm="l1"``, ``"l2"``, ``"max"`` or None."""
    kinds: dict[Any, Norm] = {"l1": "l1", "l2": "l2", "max": "max"}
    if norm is None or norm is False or norm == "":
        return features
    if not isinstance(norm, str) or norm not in kinds:
        raise estimator.refusal(f"norm is {show(norm)}, not 'l1', 'l2', 'max' or None")
    return features.normed(kinds[norm], estimator.place)


def _count(estimator: Fitted, column: str | int | None, name: str) -> Features:
    fixed = estimator.state.get("vocabulary")
    vocabulary = estimator.state.get("vocabulary_")
    if vocabulary is None and fixed is not None:
        vocabulary = _numbered(fixed)
    if vocabulary is None:
        raise estimator.unfitted("vocabulary_")
    names = _in_order(estimator, vocabulary)
    features = _text(estimator, column, name, names, len(names))
    if estimator.name == "CountVectorizer":
        return features
    return tfidf(estimator.child(estimator.fitted("_tfidf"), ""), features)


def _hashing(estimator: Fitted, column: str | int | None, name: str) -> Features:
    features = _text(estimator, column, name, None, _hash_columns(estimator))
    return normed(estimator, features, estimator.param("norm", "l2"))


def _hash_columns(estimator: Fitted) -> int:
    width = estimator.param("n_features", 1 << 20)
    if not isinstance(width, (int, np.integer)) or not 1 <= width < 1 << 31:
        raise estimator.refusal(f"n_features is {show(width)}, not a number from 1 to 2147483647")
    return int(width)


def _hasher(estimator: Fitted, column: str | int | None, name: str) -> Features:
    input_type = estimator.param("input_type", "dict")
    if input_type not in ("dict", "pair", "string"):
        raise estimator.refusal(f"input_type is {show(input_type)}, not 'dict', 'pair' or 'string'")
    width = _hash_columns(estimator)
    signed = bool(estimator.param("alternate_sign", True))
    if input_type == "string":
        _check_dtype(estimator)
    else:
        _check_floats(estimator)
    analyzer = "features" if input_type == "string" else "dict"  # which takes mappings and pairs
    namespace = Namespace(name, analyzer, column, hash_columns=width, alternate_sign=signed)
    return Features.of(Source(namespace, None, width))


def _dict(estimator: Fitted, column: str | int | None, name: str) -> Features:
    names = _in_order(estimator, estimator.fitted("vocabulary_"))
    _check_floats(estimator)
    separator = estimator.param("separator", "=")
    if not isinstance(separator, str):
        raise estimator.refusal(f"separator is {show(separator)}, not a string")
    return Features.of(Source(Namespace(name, "dict", column, separator=separator), names, len(names)))


def _text(
    estimator: Fitted, column: str | int | None, name: str, names: tuple[str, ...] | None, width: int
) -> Features:
    """All columns of a text vectorizer, before tf-idf."""
    options = _analyzer(estimator)
    binary = bool(estimator.param("binary", False)) or _check_dtype(estimator) == "bool"
    if names is None:
        options["hash_columns"] = width
        options["alternate_sign"] = bool(estimator.param("alternate_sign", True))
    namespace = Namespace(name, column=column, tf="binary" if binary else "count", **options)
    tag = f"{CALLABLE} {estimator.where}" if options["analyzer"] == "features" else ""
    return Features.of(Source(namespace, names, width, tag))


def _analyzer(estimator: Fitted) -> dict[str, Any]:
    """The arguments of Namespace that say how a text is cut up; analyzer "features" if a callable does it."""
    analyzer = estimator.param("analyzer", "word")
    tokenizer = estimator.param("tokenizer") if analyzer == "word" else None
    pattern = estimator.param("token_pattern", r"(?u)\b\w\w+\b")
    accents = estimator.param("strip_accents") or None
    if isinstance(accents, Global) and accents.kind in _ACCENTS:
        accents = _ACCENTS[accents.kind]
    if isinstance(tokenizer, Global) and tokenizer.kind == "builtins.str.split":  # white space is the same to both
        tokenizer, pattern = None, r"\S+"
    if any(
        isinstance(part, (Global, Record)) for part in (analyzer, tokenizer, accents, estimator.param("preprocessor"))
    ):
        return {"analyzer": "features"}
    if analyzer not in ("word", "char", "char_wb") or accents not in (None, "ascii", "unicode"):
        raise estimator.refusal(f"analyzer is {show(analyzer)}, strip_accents {show(accents)}: not scikit-learn's")
    low_high = estimator.param("ngram_range", (1, 1))
    if (
        not isinstance(low_high, (list, tuple))
        or len(low_high) != 2
        or not all(isinstance(n, (int, np.integer)) for n in low_high)
    ):
        raise estimator.refusal(f"ngram_range is {show(low_high)}, not two numbers")
    options: dict[str, Any] = {
        "analyzer": analyzer,
        "ngram_range": (int(low_high[0]), int(low_high[1])),
        "lowercase": bool(estimator.param("lowercase", True)),
        "strip_accents": accents,
        "encoding": _word(estimator, "encoding", "utf-8"),
        "decode_error": _word(estimator, "decode_error", "strict"),
    }
    if analyzer == "word":
        if not isinstance(pattern, str):
            raise estimator.refusal(f"token_pattern is {show(pattern)}, not a string; train with the pattern's text")
        options["token_pattern"] = pattern
        options["stop_words"] = _stop_words(estimator)
    return options


def _word(estimator: Fitted, name: str, default: str) -> str:
    value = estimator.param(name, default)
    if not isinstance(value, str):
        raise estimator.refusal(f"{name} is {show(value)}, not a string")
    return value


def _stop_words(estimator: Fitted) -> tuple[str, ...] | None:
    words = view(estimator.state.get("stop_words"))
    if words is None:
        return None
    if isinstance(words, str) and words == "english":
        return ENGLISH_STOP_WORDS
    if isinstance(words, np.ndarray):
        words = words.tolist()
    if not isinstance(words, (list, tuple, set, frozenset)):
        raise estimator.refusal(f"stop_words is {show(words)}, not 'english', a list of words or None")
    return tuple(sorted({str(word) for word in words if isinstance(word, str)}))


def _numbered(vocabulary: Any) -> Any:
    """A vocabulary given to the constructor, as a mapping of term to column."""
    if isinstance(vocabulary, (set, frozenset)):
        vocabulary = sorted(vocabulary, key=str)
    return {term: i for i, term in enumerate(vocabulary)} if isinstance(vocabulary, (list, tuple)) else vocabulary


def _in_order(estimator: Fitted, vocabulary: Any) -> tuple[str, ...]:
    """The terms of a vocabulary by column."""
    if not isinstance(vocabulary, dict) or not vocabulary:
        raise estimator.refusal(f"vocabulary_ is {show(vocabulary)}, not a mapping of terms to columns")
    names: list[str | None] = [None] * len(vocabulary)
    for term, column in vocabulary.items():
        if not isinstance(term, str):
            raise estimator.refusal(
                f"the feature {show(term)} is {type(term).__name__}, not a string; name features by strings"
            )
        if not isinstance(column, (int, np.integer)) or not 0 <= column < len(names) or names[column] is not None:
            raise estimator.refusal(
                f"vocabulary_[{show(term)}] is {show(column)}; columns must be 0..{len(names) - 1}, each once"
            )
        names[column] = str(term)
    return tuple(name for name in names if name is not None)


def _type_name(dtype: Any) -> str:
    """``"float64"`` of a type, a dtype or its name."""
    dtype = view(dtype)
    if isinstance(dtype, np.dtype):
        return str(dtype.name)
    return str(dtype.name) if isinstance(dtype, Global) else str(dtype)


def _check_floats(estimator: Fitted) -> None:
    """Refuse a dtype that values are not exact in."""
    name = _type_name(estimator.param("dtype", Global("numpy", "float64")))
    if name not in ("float", "float64", "float32"):
        raise estimator.refusal(f"dtype {name} rounds the values; train with dtype=float64")


def _check_dtype(estimator: Fitted) -> str:
    """The dtype of the counts, if they cannot overflow in it."""
    name = _type_name(estimator.param("dtype", Global("numpy", "int64")))
    if name.lstrip("u") in ("int8", "int16", "byte", "short"):
        raise estimator.refusal(f"counts of dtype {name} overflow in long texts; train with dtype=float64")
    return "bool" if name in ("bool", "bool_") else name
