"""NLTK's MaxentClassifier and NaiveBayesClassifier -> LinearModel: live, pickled, or a maxent model's tab files.

A sample stays NLTK's: a mapping of feature names to values, where each pair of name and value is a feature of its own
(analyzer "items"). Labels are sorted downwards, because NLTK takes the largest of labels that are equally probable. NLTK
is not imported, and nothing of a file is run.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..featurize import item
from ..linear import Floats, LinearModel, Namespace, SparseRows
from .files import read_file
from .formats import Format
from .records import Record, read_bytes, show, view

TAB_FILES = ("mapping.tab", "weights.txt", "labels.txt", "alwayson.tab")
SEPARATORS = "=:|/\t\x1f\x1e\x1d\x1c"  # the first that is in no name stands between names and values
_COUNTED = ("ELEProbDist", "LaplaceProbDist", "LidstoneProbDist")  # of logarithms that are finite, seen or not
_PAIRS = "a mapping of feature names to values, as classify() takes it"

Pair = tuple[str, Hashable]
Joint = Mapping[tuple[Any, Any, Any], int]


def is_nltk(source: Any) -> bool:
    """Whether a live object or record is of a class of NLTK's."""
    record = view(source)
    return isinstance(record, Record) and record.package == "nltk"


def import_nltk(source: Any) -> LinearModel:
    """A LinearModel from a trained classifier of NLTK's, live or a record of a pickle.

    Raises ModelImportError with the place, the reason and the way out.
    """
    record = view(source)
    if not isinstance(record, Record) or record.package != "nltk":
        raise ModelImportError(f"the source is {show(record)}, not a classifier of NLTK's")
    if record.name in ("MaxentClassifier", "ConditionalExponentialClassifier"):
        return _of_maxent(record)
    if record.name == "NaiveBayesClassifier":
        return _of_bayes(record)
    advice = "pass a trained MaxentClassifier or NaiveBayesClassifier"
    if record.name == "SklearnClassifier":
        advice = (
            "pass make_pipeline(classifier._vectorizer, classifier._clf); its labels are numbers of _encoder.classes_"
        )
    raise ModelImportError(f"{record}: not a model that is carried over; {advice}")


def read_nltk(path: Path, names: Path | None = None) -> LinearModel:
    """The model of a folder of tab files (``nltk.classify.maxent.save_maxent_params``), or of a pickle."""
    if names is not None:
        raise ModelImportError(
            "NLTK's classifiers have their feature names with them; names go with files that have none"
        )
    if path.is_dir() or path.name in TAB_FILES:
        return _of_tabs(path if path.is_dir() else path.parent)
    return import_nltk(read_file(path))


# Maximum entropy: a weight for each (name, value, label)


def _of_maxent(record: Record) -> LinearModel:
    encoding = view(record.state.get("_encoding"))
    if not isinstance(encoding, Record) or encoding.name not in ("BinaryMaxentFeatureEncoding", "GISEncoding"):
        raise ModelImportError(
            f"_encoding is {show(encoding)}: only BinaryMaxentFeatureEncoding and GISEncoding (the encodings of IIS, MEGAM "
            f"and GIS) have a feature for each pair of name and value; train with one of them"
        )
    state, gis = encoding.state, encoding.name == "GISEncoding"
    labels, mapping = state.get("_labels"), state.get("_mapping")
    alwayson, unseen = state.get("_alwayson") or {}, state.get("_unseen") or {}
    if not isinstance(labels, (list, tuple)):
        raise ModelImportError(f"_encoding._labels is {show(labels)}, not a list")
    for name, part in (("_mapping", mapping), ("_alwayson", alwayson), ("_unseen", unseen)):
        if not isinstance(part, dict):
            raise ModelImportError(f"_encoding.{name} is {show(part)}, not a mapping to the numbers of weights")
    assert isinstance(mapping, dict)
    weights = _numbers(record.state.get("_weights"), "_weights")
    wanted = len(mapping) + len(alwayson) + len(unseen) + gis
    if len(weights) != wanted:
        raise ModelImportError(f"_weights has {len(weights)} numbers, the encoding has {wanted} joint features")
    if record.state.get("_logarithmic", True):
        weights = weights * math.log(2.0)  # NLTK's logarithms are those of base 2
    elif (weights > 0).all():
        weights = np.log(weights)
    else:
        at = int(np.argmin(weights > 0))
        raise ModelImportError(f"_weights[{at}] is {weights[at]:g}, a factor of 0 or less; train with logarithmic=True")
    return _maxent(labels, mapping, alwayson, weights, gis, {"format": "NLTK", "model": "MaxentClassifier"})


def _of_tabs(folder: Path) -> LinearModel:
    """The four files of a folder, each a table of text."""
    texts = {name: _lines(folder / name) for name in TAB_FILES}
    mapping: dict[tuple[Any, Any, Any], int] = {}
    for at, line in enumerate(texts["mapping.tab"], 1):
        fields = line.split("\t")
        if len(fields) != 4:
            raise ModelImportError(
                f"mapping.tab: line {at} has {len(fields)} fields, not name, value, label and number"
            )
        key = (fields[0], _tab_value(fields[0], fields[1], at), fields[2])
        if key in mapping:
            raise ModelImportError(f"mapping.tab: line {at}: {show(key)} stands twice")
        mapping[key] = _whole(fields[3], f"mapping.tab: line {at}")
    alwayson: dict[Any, int] = {}
    for at, line in enumerate(texts["alwayson.tab"], 1):
        fields = line.split("\t")
        if len(fields) != 2 or fields[0] in alwayson:
            raise ModelImportError(
                f"alwayson.tab: line {at} is {show(line)}, not a label and a number, each label once"
            )
        alwayson[fields[0]] = _whole(fields[1], f"alwayson.tab: line {at}")
    values = np.empty(len(texts["weights.txt"]))
    for at, line in enumerate(texts["weights.txt"]):
        try:
            values[at] = float(line)
        except ValueError:
            raise ModelImportError(f"weights.txt: line {at + 1} is {show(line)}, not a number") from None
    labels, weights = texts["labels.txt"], _numbers(values, "weights.txt: ")
    if len(weights) != len(mapping) + len(alwayson):
        raise ModelImportError(
            f"weights.txt has {len(weights)} numbers for {len(mapping)} joint features and {len(alwayson)} labels that are "
            f"always on; tab files do not say which encoding has more (GISEncoding has): pickle the classifier instead"
        )
    about = {"format": "NLTK", "model": "MaxentClassifier, tab files"}
    return _maxent(labels, mapping, alwayson, weights * math.log(2.0), False, about)


def _tab_value(name: str, text: str, line: int) -> Any:
    """A value as ``nltk.tabdata.MaxentDecoder`` reads it."""
    known = {"repr-None": None, "repr-True": True, "repr-False": False}
    if name == "wordlen":
        return _whole(text, f"mapping.tab: line {line}: wordlen")
    if text in known:
        return known[text]
    digits = text.removeprefix("repr-")
    whole = digits != text and digits.removeprefix("-").isdecimal() and digits.isascii()
    return _whole(digits, f"mapping.tab: line {line}") if whole else text


def _whole(text: str, place: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
        raise ModelImportError(f"{place}: {show(text)} is not a whole number")
    return int(text)


def _lines(path: Path) -> list[str]:
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise ModelImportError(
            f"{path.name}: byte {error.start} is not UTF-8; NLTK writes tab files in UTF-8"
        ) from None
    return text.splitlines()


def _maxent(
    labels: Sequence[Any],
    mapping: Joint,
    alwayson: Mapping[Any, int],
    weights: Floats,
    gis: bool,
    about: dict[str, str],
) -> LinearModel:
    """The model of an encoding and its natural logarithms. gis: the last is the correction feature's.

    GIS adds ``(C - the number of a label's other joint features) · correction`` to a label's score: each joint feature
    weighs less by the correction, and what is left is the same for all labels. The feature of an unseen value is all
    labels' too.
    """
    columns = _columns(labels)
    taken = np.zeros(len(weights), bool)
    correction = float(weights[-1]) if gis else 0.0

    def weight(number: Any, place: str) -> float:
        if type(number) is not int or not 0 <= number < len(weights) - gis or taken[number]:
            raise ModelImportError(f"{place} has the number {show(number)}: not of a weight, or another's")
        taken[number] = True
        return float(weights[number]) - correction

    rows: dict[Pair, dict[int, float]] = {}
    for key, number in mapping.items():
        if not isinstance(key, tuple) or len(key) != 3 or not isinstance(key[2], Hashable) or key[2] not in columns:
            raise ModelImportError(f"the mapping's key {show(key)} is not a name, a value and one of the labels")
        rows.setdefault(key[:2], {})[columns[key[2]]] = weight(number, f"the mapping's {show(key)}")
    intercept = np.zeros(len(columns))
    for label, number in alwayson.items():
        if label not in columns:
            raise ModelImportError(f"the label {show(label)} that is always on is not one of the labels")
        intercept[columns[label]] = weight(number, f"the label {show(label)} that is always on")
    separator = _separator(rows)
    features = _features(rows, separator)
    namespace = Namespace("pairs", analyzer="items", separator=separator)
    return LinearModel(
        (namespace,), (features,), _sparse(list(rows.values()), len(columns)), intercept, _classes(columns),
        link="softmax", source={**about, "remark": f"A sample is {_PAIRS}."},
    )  # fmt: skip


# Naive Bayes: counts of (value of a name, label)


def _of_bayes(record: Record) -> LinearModel:
    """``log P(label) + sum of log P(value | label, name)``: of a name that is known, its unseen value's and the rest.

    A value that was counted c times with a label has ln((c + gamma) / divisor), so its row is ln((c + gamma) / gamma),
    sparse, beside the name's ln(gamma / divisor), which a value never seen has too.
    """
    labels, table = record.state.get("_labels"), record.state.get("_feature_probdist")
    if not isinstance(labels, (list, tuple)) or not isinstance(table, dict):
        raise ModelImportError(f"_labels is {show(labels)}, _feature_probdist {show(table)}: not a list and a mapping")
    columns = _columns(labels)
    counts, gamma, divisor = _counted(record.state.get("_label_probdist"), "_label_probdist")
    intercept = np.zeros(len(columns))
    for label, column in columns.items():
        intercept[column] = math.log((counts.get(label, 0) + gamma) / divisor)
    known: dict[str, dict[int, float]] = {}
    rows: dict[Pair, dict[int, float]] = {}
    for key, distribution in table.items():
        if not isinstance(key, tuple) or len(key) != 2 or key[0] not in columns or not isinstance(key[1], str):
            raise ModelImportError(
                f"_feature_probdist has the key {show(key)}, not a label and a feature's name; name features by strings"
            )
        column, name = columns[key[0]], key[1]
        counts, gamma, divisor = _counted(distribution, f"_feature_probdist[{show(key)}]")
        known.setdefault(name, {})[column] = math.log(gamma / divisor)
        for value, count in counts.items():
            row = rows.setdefault((name, value), {})
            if count:
                row[column] = math.log((count + gamma) / gamma)
    for name, presence in known.items():
        if len(presence) < len(columns):
            raise ModelImportError(
                f"_feature_probdist has the feature {show(name)} with {len(presence)} of {len(columns)} labels: the others "
                f"have the probability 0 with it, whose logarithm is no number; train with NaiveBayesClassifier.train"
            )
        mean = sum(presence.values()) / len(presence)  # what all labels have in common counts nothing
        presence.update({column: weight - mean for column, weight in presence.items()})
    separator = _separator(rows)
    features = (tuple(known), _features(rows, separator))
    namespaces = (
        Namespace("names", analyzer="features"),
        Namespace("pairs", analyzer="items", separator=separator),
    )
    return LinearModel(
        namespaces, features, _sparse([*known.values(), *rows.values()], len(columns)), intercept, _classes(columns),
        link="softmax",
        source={"format": "NLTK", "model": "NaiveBayesClassifier", "remark": f"A sample is {_PAIRS}."},
    )  # fmt: skip


def _counted(distribution: Any, place: str) -> tuple[Mapping[Any, int], float, float]:
    """Counts, gamma and divisor of a Lidstone estimate: P(value) = (count + gamma) / divisor."""
    record = view(distribution)
    if not isinstance(record, Record) or record.package != "nltk" or record.name not in _COUNTED:
        raise ModelImportError(
            f"{place} is {show(record)}; train with one of {', '.join(_COUNTED)}, by which no value has the probability 0"
        )
    held = view(record.state.get("_freqdist"))
    counts: Any = held
    if isinstance(held, Record):  # of a dict: what its constructor was given in a pickle, its items of a live object
        counts = held.args[0] if held.args else held.state
    gamma: Any = record.state.get("_gamma")
    divisor: Any = record.state.get("_divisor")
    if not isinstance(counts, dict) or not all(_is_number(n) and n >= 0 for n in counts.values()):
        raise ModelImportError(f"{place} has the counts {show(held)}, not a FreqDist")
    if not (_is_number(gamma) and _is_number(divisor) and 0 < gamma < divisor):
        raise ModelImportError(f"{place} has gamma {show(gamma)} and divisor {show(divisor)}, not 0 < gamma < divisor")
    return counts, float(gamma), float(divisor)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) < 1e18


# Both


def _numbers(values: Any, place: str) -> Floats:
    """Weights: a row of finite numbers."""
    if isinstance(values, list):
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
            raise ModelImportError(f"{place} is a list with something else than numbers")
        values = np.array(values, np.float64)
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "fiu":
        raise ModelImportError(f"{place} is {show(values)}, not a row of numbers")
    good = np.isfinite(values)
    if not good.all():
        at = int(np.argmin(good))
        where = f"{place}line {at + 1}" if place.endswith(": ") else f"{place}[{at}]"
        raise ModelImportError(
            f"{where} is {values[at]}, not a finite number (GIS and IIS give -inf to joint features that the training "
            f"samples do not have); train without them"
        )
    return values.astype(np.float64)


def _columns(labels: Sequence[Any]) -> dict[Any, int]:
    """The column of each label: downwards, as NLTK prefers the larger of equals."""
    kinds = {type(label) for label in labels}
    if len(kinds) != 1 or not kinds <= {str, int, float, bool}:
        what = ", ".join(sorted(kind.__name__ for kind in kinds)) or "none"
        raise ModelImportError(
            f"the labels are of the types {what}; they must be strings, or all of one kind of number"
        )
    columns = {label: number for number, label in enumerate(sorted(labels, reverse=True))}
    if len(columns) != len(labels) or len(labels) < 2 or any(label != label for label in labels):
        raise ModelImportError(f"the {len(labels)} labels are not two or more that differ")
    return columns


def _classes(columns: Iterable[Any]) -> npt.NDArray[Any]:
    labels = list(columns)
    return np.array(labels, dtype=object if isinstance(labels[0], str) else None)


def _separator(pairs: Iterable[Pair]) -> str:
    """A character that no name has."""
    text = set().union(*(name for name, _ in pairs if isinstance(name, str)))
    left = [one for one in SEPARATORS if one not in text]
    if not left:
        raise ModelImportError(
            f"the feature names have each of the characters {SEPARATORS!r}, one of which must be free"
        )
    return left[0]


def _features(pairs: Iterable[Pair], separator: str) -> tuple[str, ...]:
    out = []
    for name, value in pairs:
        feature = item(name, value, separator)
        if feature is None:
            what = f"the feature name {show(name)} is {type(name).__name__}, not a string"
            if isinstance(name, str):
                what = f"feature {show(name)} has the value {show(value)}, not a string, a number, a boolean or None"
            raise ModelImportError(f"{what}; write it as a string")
        out.append(feature)
    return tuple(out)


def _sparse(rows: Sequence[Mapping[int, float]], columns: int) -> SparseRows:
    """Rows from a dictionary of columns to weights each."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    for row, start in zip(rows, indptr[:-1].tolist(), strict=True):
        ordered = sorted(row)
        indices[start : start + len(row)] = ordered
        data[start : start + len(row)] = [row[column] for column in ordered]
    return SparseRows(indptr, indices, data, (len(rows), columns))


FORMAT = Format(
    "nltk",
    "NLTK's MaxentClassifier or NaiveBayesClassifier, live or pickled; a folder of a maxent model's tab files",
    "labels (ties too) and probabilities of every sample; boolean, numeric and missing values as dictionaries compare them",
    "names are strings (naive Bayes refuses a sample with others), values are strings, numbers, booleans or None; "
    "TypedMaxentFeatureEncoding, TADM's encoding, MLEProbDist, weights of -inf and a GISEncoding's tab "
    "files are refused; where GIS raises for a sample of too many known pairs, this answers",
    read=read_nltk,
    folder=("mapping.tab",),
    claims=is_nltk,
    of=import_nltk,
)
