"""Tables of feature, label and weight to records: what a row becomes when its feature is hashed and its name forgotten.

A record has 36 bytes. Two rows are of one feature if the 128 bits of its hash are equal: two of n features share them with
probability n^2 / 2^129 (3e-23 for 10^8), and a file could not tell them apart either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..importers.records import show
from ..importers.table import MOST_LABELS, Checked, chunks, kinds, opened
from ..index import hash_names
from ..linear import Floats, Integers
from ..quantize import Tops

# h1, h2: the feature's hash. place: piece << 40 | line or row. label: its number, and the namespace's << 17.
RECORD = np.dtype([("h1", "<u8"), ("h2", "<u8"), ("weight", "<f8"), ("place", "<u8"), ("label", "<u4")])
LABEL_BITS, PLACE_BITS = 17, 40
LEAF_BITS = (
    12  # a leaf is the features of equal leading bits of h1: shards and partitions are whole leaves, or parts of one
)
Records = npt.NDArray[Any]


def pieces_of(source: Path) -> list[Path]:
    """The tables of a source: the file itself, or those in a folder, by name. Raises ModelImportError."""
    if not source.is_dir():
        return [source]
    found = sorted(path for path in source.iterdir() if not path.name.startswith((".", "_")))
    if not found:
        raise ModelImportError(f"{source}: the folder is empty")
    return found


def facts_of(pieces: Sequence[Path]) -> tuple[dict[str, Any], list[str]]:
    """The facts of all pieces together, and their forms. Raises ModelImportError if two pieces differ in their facts."""
    facts: dict[str, Any] = {}
    stated: Path | None = None
    forms = []
    for path in pieces:
        with_name = _named(path)
        with with_name:
            table = opened(path)
            forms.append(table.form)
            if table.facts and stated is None:
                facts, stated = table.facts, path
            elif table.facts and table.facts != facts:
                raise ModelImportError(f"its facts are not those of {stated.name if stated else ''}")
    return facts, sorted(set(forms))


@dataclass
class Summary:
    """What the rows of some pieces say besides their records.

    labels: by number, in order of appearance. bias: label to value and the place's words. tops: see quantize.Tops, a range
    each label (or one in all). rows: how many records.
    """

    labels: list[Any]
    bias: dict[Any, tuple[float, str]]
    tops: Tops
    rows: int = 0


class Reading:
    """Pieces read one after the other: their records as an iterator, and a Summary that grows.

    facts: of the table. seeds: one a namespace. ranges: whether each label has a range of its own. most: see Tops.
    labels: those that are known, in the order of their numbers.
    """

    def __init__(self, facts: Mapping[str, Any], seeds: Sequence[int], most: int, ranges: bool,
                 labels: Sequence[Any] = ()) -> None:  # fmt: skip
        self._facts, self._seeds, self._ranges = facts, seeds, ranges
        self._labels: dict[Any, int] = {label: i for i, label in enumerate(labels)}
        self._named_spaces = facts.get("namespaces") is not None
        self.summary = Summary([], {}, Tops(most, 1))

    def records(self, number: int, path: Path, hashed: bool = True) -> Iterator[Records]:
        """The records of a piece. hashed: False leaves h1 and h2 zero, for a reader of the summary alone.

        Raises ModelImportError with the piece's name, the place, value and reason.
        """
        with _named(path):
            table = opened(path)
            checked = Checked(self._facts, table.unit, kinds(table), self._labels)
            for chunk in chunks(table):
                rows = checked.read(chunk)
                if not rows.numbers.all():
                    place = int(rows.places[int(rows.numbers.argmin())])
                    raise ModelImportError(f"{table.unit} {place}: a row without a label is an idf, and a model with "
                                           "idf is not compressed in parts: leave --memory out")  # fmt: skip
                if not self._named_spaces and len(checked.spaces) > 1:
                    raise ModelImportError(f"{table.unit} {int(rows.places[0])} and below: namespaces "
                                           f"{show(', '.join(checked.spaces))}: "
                                           "where several are read in parts, the table's facts name them")  # fmt: skip
                yield self._record(number, rows.groups, rows.numbers - 1, rows.values, rows.places, hashed)
            labels = list(self._labels)
            for label, (value, place) in checked.bias.items():
                words = f"{path.name}, {table.unit} {place}"
                if labels[label] in self.summary.bias:
                    other = self.summary.bias[labels[label]][1]
                    raise ModelImportError(
                        f"{table.unit} {place}: the bias of label {show(labels[label])} stands in {other} too"
                    )
                self.summary.bias[labels[label]] = value, words
        self.summary.labels = labels

    def _record(self, number: int, groups: list[tuple[int, Integers, list[str]]], labels: Integers, values: Floats,
                places: Integers, hashed: bool) -> Records:  # fmt: skip
        out = np.zeros(len(values), RECORD)
        for space, at, names in groups:
            if hashed:
                hashes = hash_names(names, self._seeds[space])
                out["h1"][at], out["h2"][at] = hashes[:, 0], hashes[:, 1]
            out["label"][at] = space << LABEL_BITS
        out["label"] |= labels.astype(np.uint32)
        out["weight"] = values
        out["place"] = (np.uint64(number) << np.uint64(PLACE_BITS)) | places.astype(np.uint64)
        tops = self.summary.tops = _grown(self.summary.tops, len(self._labels) if self._ranges else 1)
        if not self._ranges:
            tops.add(0, values)
        elif len(values):
            order = np.argsort(labels, kind="stable")
            firsts = np.flatnonzero(np.diff(labels[order], prepend=-1))
            for part in np.split(order, firsts[1:]):
                tops.add(int(labels[part[0]]), values[part])
        self.summary.rows += len(values)
        return out


def scan(facts: Mapping[str, Any], number: int, path: Path, most: int, ranges: bool) -> Summary:
    """The summary of one piece."""
    reading = Reading(facts, (0,) * 256, most, ranges)
    for _ in reading.records(number, path, hashed=False):
        pass
    return reading.summary


def merged(parts: Sequence[Summary], ranges: bool) -> Summary:
    """Summaries of several pieces as one. Raises ModelImportError for labels and biases that do not go together."""
    labels: dict[Any, int] = {}
    bias: dict[Any, tuple[float, str]] = {}
    for part in parts:
        for label in part.labels:
            labels.setdefault(label, len(labels))
        for label, (value, words) in part.bias.items():
            if label in bias:
                raise ModelImportError(f"{words}: the bias of label {show(label)} stands in {bias[label][1]} too")
            bias[label] = value, words
    tops = Tops(parts[0].tops.most, max(len(labels), 1) if ranges else 1)
    for part in parts:
        for i, column in enumerate([labels[label] for label in part.labels] if ranges else [0]):
            tops.add(column, -part.tops.values[0, i])
            tops.add(column, part.tops.values[1, i])
    if len(labels) > MOST_LABELS or len({type(label) for label in labels}) > 1:
        raise ModelImportError(f"{len(labels)} labels, the limit is {MOST_LABELS}, and all are texts or all integers")
    return Summary(list(labels), bias, tops, sum(part.rows for part in parts))


def name_at(path: Path, place: int) -> str:
    """The feature in a row, for a message: the piece is read again up to there."""
    for chunk in chunks(opened(path)):
        at = np.flatnonzero(chunk.places == place)
        if len(at):
            return show(chunk.columns["feature"][int(at[0])])
    return "?"


def _grown(tops: Tops, ranges: int) -> Tops:
    """With room for so many ranges."""
    if tops.values.shape[1] < ranges:
        out = Tops(tops.most, max(ranges, min(2 * tops.values.shape[1], MOST_LABELS)))
        out.values[:, : tops.values.shape[1]] = tops.values
        return out
    return tops


class _named:  # noqa: N801 -- a context
    """Puts the piece's name before what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ModelImportError):
            raise ModelImportError(f"{self._path.name}: {error}") from None
