"""Snips NLU's LogRegIntentClassifier -> LinearModel, from the folder of JSON files that ``persist`` writes.

Snips makes a text's tokens with its own normalization and entity parsers, which read resources and a dataset: they stay
outside. A sample is what they yield: the tokens of the enriched text (tf-idf and its l2 norm are the model's), and, if the
model has word pairs, ``{"tokens": […], "pairs": ["turn light", …]}``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelImportError
from ..linear import Floats, LinearModel, Namespace, Step
from .assembly import smaller
from .formats import Format
from .records import read_bytes, show

NONE = "None"  # the label of texts without an intent, null in the file
_FILE = "intent_classifier.json"
_HEAD = re.compile(rb'\s*\{\s*"coeffs"\s*:\s*(\[|null)')  # Snips sorts the keys
_PLAIN_NAME = re.compile(r"\w[\w-]{0,99}", re.ASCII)
_TOKENS = "tfidf_vectorizer: its _tfidf_vectorizer.build_analyzer() applied to the text that _enrich_utterance makes"


def is_snips(head: bytes) -> bool:
    """Whether a file begins as intent_classifier.json does."""
    return _HEAD.match(head) is not None


def read_snips(path: Path, names: Path | None = None) -> LinearModel:
    """The classifier of a folder (of its own, or that of a whole engine), or of its intent_classifier.json.

    Raises ModelImportError with the file, the field and the reason.
    """
    if names is not None:
        raise ModelImportError("Snips' classifiers have their features with them; names go with files that have none")
    if path.is_dir():
        path = next((path / name for name in FORMAT.folder if (path / name).is_file()), path / _FILE)
    model = _Json(path)
    intents = model.get("intent_list", list)
    if model.fields.get("coeffs") is None or model.fields.get("featurizer") is None:
        raise model.refusal("coeffs", f"is null: a classifier of {len(intents)} intents that was not trained")
    featurizer = model.beside("featurizer", "featurizer.json")
    tokens, idf = _tokens(featurizer.beside("tfidf_vectorizer", "vectorizer.json"))
    pairs: tuple[str, ...] = ()
    if featurizer.fields.get("cooccurrence_vectorizer") is not None:
        pairs = _pairs(featurizer.beside("cooccurrence_vectorizer", "vectorizer.json"))
    weights = _table(model, len(tokens) + len(pairs))
    intercept = model.numbers("intercept", model.get("intercept", list))
    classes = _classes(model, intents)
    if len(weights) != len(intercept) or len(weights) != (1 if len(classes) == 2 else len(classes)):
        raise model.refusal(
            "coeffs", f"has {len(weights)} rows, beside {len(intercept)} intercepts and {len(classes)} intents"
        )
    several = bool(pairs)
    remark = f"A sample is the list of the text's tokens ({_TOKENS})"
    if several:
        remark += ", under 'tokens', and the word pairs of cooccurrence_vectorizer, joined by a space, under 'pairs'"
    namespaces = [Namespace("tokens", analyzer="features", column="tokens" if several else None)]
    if several:
        namespaces.append(Namespace("pairs", analyzer="features", column="pairs", tf="binary"))
    return LinearModel(
        tuple(namespaces), (tokens, pairs) if several else (tokens,), smaller(weights.T), intercept,
        np.array(classes, dtype=object), task="binary" if len(classes) == 2 else "multiclass", link="sigmoid",
        idf=np.concatenate([idf, np.ones(len(pairs))]), steps=(Step("norm", (0,), "l2"),),
        source={"format": "Snips NLU", "model": "LogRegIntentClassifier",
                "remark": f"{remark}. The label {NONE!r} is that of no intent."},
    )  # fmt: skip


def _classes(model: _Json, intents: list[Any]) -> list[str]:
    """Labels in the columns' order; null is NONE."""
    if not all(isinstance(intent, (str, type(None))) for intent in intents):
        raise model.refusal("intent_list", "has something else than names and null")
    labels = [NONE if intent is None else intent for intent in intents]
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise model.refusal("intent_list", f"has {len(labels)} intents, not two or more that differ (null is {NONE!r})")
    return labels


def _table(model: _Json, width: int) -> Floats:
    """coeffs: (rows, width)."""
    rows = model.get("coeffs", list)
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        found = next((len(row) if isinstance(row, list) else show(row) for row in rows if row is not None), "none")
        raise model.refusal(
            "coeffs", f"is not rows of {width} numbers (one has {found}), one a feature of the vectorizers"
        )
    return np.array([model.numbers("coeffs", row) for row in rows]).reshape(len(rows), width)


def _tokens(vectorizer: _Json) -> tuple[tuple[str, ...], Floats]:
    """The vocabulary by column, and the idf of each."""
    inner = vectorizer.get("vectorizer", dict)
    vocabulary, idf = inner.get("vocab"), inner.get("idf_diag")
    if not isinstance(vocabulary, dict) or not isinstance(idf, list):
        raise vectorizer.refusal("vectorizer", "has no vocab or no idf_diag")
    numbers = vectorizer.numbers("idf_diag", idf)
    columns: list[str | None] = [None] * len(vocabulary)
    for token, column in vocabulary.items():
        if type(column) is not int or not 0 <= column < len(columns) or columns[column] is not None:
            raise vectorizer.refusal(
                "vocab",
                f"has the column {show(column)} for {show(token)}; columns are 0..{len(columns) - 1}, each once",
            )
        columns[column] = token
    if len(numbers) != len(columns):
        raise vectorizer.refusal("idf_diag", f"has {len(numbers)} numbers for {len(columns)} tokens")
    return tuple(token for token in columns if token is not None), numbers


def _pairs(vectorizer: _Json) -> tuple[str, ...]:
    """The word pairs by column, joined by a space."""
    table = vectorizer.get("word_pairs", dict)
    columns: list[str | None] = [None] * len(table)
    for text, pair in table.items():
        column = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
        if not 0 <= column < len(columns) or columns[column] is not None:
            raise vectorizer.refusal(
                "word_pairs", f"has the column {show(text)}; columns are 0..{len(columns) - 1}, each once"
            )
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(w, str) and " " not in w for w in pair)):
            raise vectorizer.refusal("word_pairs", f"has {show(pair)} as number {text}, not two words")
        columns[column] = " ".join(pair)
    return tuple(pair for pair in columns if pair is not None)


class _Json:
    """One file's object, and the folders beside it."""

    def __init__(self, path: Path, name: str = "") -> None:
        self._folder, self._name = path.parent, name or path.name
        try:
            found = json.loads(read_bytes(path), object_pairs_hook=_once, parse_constant=_no_number)
        except ModelImportError as error:
            words = str(error)
            raise ModelImportError(words if words.startswith(path.name) else f"{self._name}: {words}") from None
        except (ValueError, RecursionError) as error:
            raise ModelImportError(f"{self._name}: not JSON: {error}") from None
        if not isinstance(found, dict):
            raise ModelImportError(f"{self._name}: {show(found)}, not an object of fields")
        self.fields = found

    def refusal(self, field: str, reason: str) -> ModelImportError:
        """The error to raise: file, field, reason."""
        return ModelImportError(f"{self._name}: {field} {reason}")

    def get(self, field: str, kind: type) -> Any:
        """A field of this type."""
        value = self.fields.get(field)
        if not isinstance(value, kind):
            raise self.refusal(field, f"is {show(value)}, not a {kind.__name__}")
        return value

    def numbers(self, field: str, values: list[Any]) -> Floats:
        """A list of numbers."""
        for value in values:
            if type(value) not in (int, float) or not abs(value) < 1e300:
                raise self.refusal(field, f"has {show(value)}, not a finite number")
        return np.array(values, np.float64)

    def beside(self, field: str, file: str) -> _Json:
        """A file in the folder that a field names, which is a folder in this file's."""
        folder = self.get(field, str)
        if not _PLAIN_NAME.fullmatch(folder):
            raise self.refusal(field, f"is {show(folder)}, not the plain name of a folder")
        within = self._name.rpartition("/")[0]
        return _Json(self._folder / folder / file, f"{within}/{folder}/{file}" if within else f"{folder}/{file}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ModelImportError(f"{show(twice)} stands twice in one object")
    return found


def _no_number(word: str) -> Any:
    raise ModelImportError(f"{word} is not a finite number")


FORMAT = Format(
    "snips",
    "Snips NLU's trained LogRegIntentClassifier (or the engine with it): the folder, or its intent_classifier.json",
    "tf-idf, word pairs, and the intents with their probabilities, those of no intent among them",
    "Snips' normalization, stemming and entity parsers stay outside: a sample is its tokens (and word pairs), not a text; "
    "an empty text, to which Snips gives no intent without asking the model, is the caller's to check; the classifier "
    "only, not the rules of the deterministic parser before it",
    sniff=is_snips,
    read=read_snips,
    folder=(_FILE, f"intent_classifier/{_FILE}", f"probabilistic_intent_parser/intent_classifier/{_FILE}"),
)
