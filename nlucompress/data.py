"""JSON Lines of texts and labels: the data that searches, comparisons and the demo read."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .linear import TEXT_ANALYZERS, Namespace

if TYPE_CHECKING:
    from .template import Template

MOST_LINE = 64 << 20  # bytes of a line, decompressed: 10 KB of gzip can say a line of 10 MB


def read_jsonl(path: str | os.PathLike[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (from 1) and object of each line that is not blank; a path that ends in .gz is decompressed.

    Raises ValueError with file and line for a line that is no JSON object, OSError for a file that cannot be read.
    """
    path = Path(path)
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        try:
            for number, line in enumerate(iter(lambda: lines.readline(MOST_LINE + 1), b""), 1):
                if len(line) > MOST_LINE:
                    raise ValueError(f"{path}, line {number}: more than {MOST_LINE:,} bytes")
                if line.strip():
                    yield number, _object(line, f"{path}, line {number}")
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: not a whole gzip file: {error}") from None


def field_of(namespaces: Sequence[Namespace]) -> str | None:
    """The field of a line of data that is a model's sample: "text", or "features" of one that takes features.

    None: the model reads columns, and the line without its label is the sample.
    """
    if any(space.column is not None for space in namespaces):
        return None
    return "text" if all(space.analyzer in TEXT_ANALYZERS for space in namespaces) else "features"


def read_labelled(path: str | os.PathLike[str], field: str | None = "text") -> tuple[list[Any], list[Any]]:
    """Samples and labels of a JSONL file; field: see field_of. Raises ValueError with file and line."""
    samples, labels = read_samples(path, field, True)
    assert labels is not None
    return samples, labels


def read_samples(path: str | os.PathLike[str], field: str | None, labelled: bool) -> tuple[list[Any], list[Any] | None]:
    """As read_labelled; unless labelled, the field label may be missing: the labels are None if any line lacks it."""
    samples, labels = [], []
    for number, row in read_jsonl(path):
        for name in (field, "label" if labelled else None):
            if name is not None and name not in row:
                why = ", which the model takes (a list, or an object of values)" if name == "features" else ""
                there = ", ".join(map(repr, row)) or "none"
                raise ValueError(f"{path}, line {number}: no field {name!r}{why}, it has {there}")
        labels += [row.pop("label")] if "label" in row else []
        samples.append(row if field is None else row[field])
    if not samples:
        what = {"text": "a text", "features": "features", None: "columns"}[field]
        raise ValueError(f"{path}: no line with {what}{' and a label' if labelled else ''}")
    return samples, labels if len(labels) == len(samples) else None


def read_tagged(
    path: str | os.PathLike[str], template: Template | None = None
) -> tuple[list[list[Any]], list[list[str]]]:
    """Sequences and tags of a JSONL file with the fields tokens and tags.

    tokens: of a model with a template plain ones, else the features of each. Raises ValueError with file and line.
    """
    sequences, tags = [], []
    for number, row in read_jsonl(path):
        place = f"{path}, line {number}"
        sequences.append(sequence_of(row, place, template))
        labels = row.get("tags")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"{place}: tags {labels!r:.60} are not an array of strings")
        if len(labels) != len(sequences[-1]):
            raise ValueError(f"{place}: {len(labels)} tags for {len(sequences[-1])} tokens")
        tags.append(labels)
    if not sequences:
        raise ValueError(f"{path}: no line with tokens and tags")
    return sequences, tags


def sequence_of(row: Any, place: str, template: Template | None = None) -> list[Any]:
    """The tokens of one object, or of an array of them: plain ones if there is a template, else their features.

    Raises ValueError with the place.
    """
    if isinstance(row, dict) and "tokens" not in row:
        raise ValueError(f"{place}: no field 'tokens', it has {', '.join(map(repr, row)) or 'none'}")
    tokens = row["tokens"] if isinstance(row, dict) else row
    if not isinstance(tokens, list):
        raise ValueError(f"{place}: tokens {tokens!r:.60} are not an array")
    if template is not None:
        try:
            template.strings(tokens)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{place}: {error}: the model has a template and takes plain tokens") from None
        return tokens
    for i, token in enumerate(tokens):
        if not isinstance(token, (list, dict)):
            raise ValueError(f"{place}: token {i} is {token!r:.60}: the model takes a token's features (an array of "
                             f"strings or an object)")  # fmt: skip
    return tokens


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except UnicodeDecodeError as error:
        raise ValueError(f"{place}: not UTF-8: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{place}: {type(value).__name__}, not an object with the fields text and label")
    return value
