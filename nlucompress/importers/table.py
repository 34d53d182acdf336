"""Tables of feature, label and weight: the door for every linear model that has no importer of its own.

tabular.py reads the rows (TSV, CSV, JSON Lines, Parquet). The columns are ``feature``, ``label``, ``weight`` and, if
wanted, ``namespace``; what a row means:

* feature, label, weight: a weight. A weight of 0 says that the feature is in the vocabulary.
* no feature: the bias (intercept) of the label.
* no label: the idf of the feature; either all features have one, or none.

No pair stands twice. Labels and features keep the order in which they first appear; of equal scores the first label wins.
One label in all makes a binary model, whose other label is "not " and that label; more make one of a score a label.
A model takes an iterable of features a sample, as its maker's analyzer yields them. The facts that may go with a table say
more: ``task``, ``link``, ``classes`` (and their ``dtype``), ``namespaces``, ``steps``, ``calibration``, ``baseline``,
``source``, as in LinearModel; so an analyzer can be stated, and ``frame`` and ``rows`` write any model without loss.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import LABELS, LARGEST, Floats, Integers, LinearModel, Namespace, SparseRows, Step
from .formats import Format
from .records import show
from .tabular import Chunk, Table, escape, form_of, open_table

COLUMNS = ("feature", "label", "weight")
FACTS = ("task", "link", "classes", "dtype", "namespaces", "steps", "calibration", "baseline", "source")
MOST_LABELS = 1 << 16
MOST_NAMESPACES = 256
CHUNK = 4096  # rows of a model written at a time
_LABEL_BITS, _FEATURE_BITS = 17, 38  # of a row's key, below the namespace


class Frame(Protocol):
    """What a table's facts say; LinearModel and ModelFile both have it."""

    @property
    def namespaces(self) -> tuple[Namespace, ...]: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def classes(self) -> npt.NDArray[Any]: ...
    @property
    def task(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def intercept(self) -> Floats: ...
    @property
    def calibration(self) -> Floats | None: ...
    @property
    def baseline(self) -> Floats | None: ...


# -- reading ----------------------------------------------------------------------------------------------------------


def read_table(path: Path, names: Path | None = None) -> LinearModel:
    """A table's model. Raises ModelImportError with line or row, value and reason."""
    if names is not None:
        raise ModelImportError("a table brings its feature names; names go with files that have none")
    table = opened(path)
    building = _Building(table.facts, table.unit, kinds(table))
    for chunk in chunks(table):
        building.add(chunk)
    return building.model(table)


def opened(path: Path) -> Table:
    """A table with the columns of a model. Raises ModelImportError."""
    table = open_table(path, COLUMNS)
    if table.columns is not None:
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise ModelImportError(f"no column {', '.join(missing)}; the columns are {show(', '.join(table.columns))}")
        _known_columns(table.columns, "the first line")
    return table


def kinds(table: Table) -> tuple[type, ...]:
    """The types of a cell that is a weight."""
    return (str,) if table.form in ("tsv", "csv") else (int, float)


def chunks(table: Table) -> Iterator[Chunk]:
    """The chunks of rows, none with a column that is not known."""
    for chunk in table.chunks:
        if table.columns is None:
            _known_columns(tuple(chunk.columns), f"line {chunk.places[0]} and below")
        yield chunk


def _known_columns(columns: Sequence[str], place: str) -> None:
    strange = sorted(set(columns) - {*COLUMNS, "namespace"})
    if strange:
        raise ModelImportError(
            f"{place}: column {show(strange[0])} is not one of {', '.join(COLUMNS)} and namespace: leave it out"
        )


class Rows(NamedTuple):
    """Rows of a chunk that have a feature, checked.

    groups: of each namespace its number, which rows are its, and their features. numbers: of each row its label's number
    plus one, or 0 for an idf. values, places: of each row.
    """

    groups: list[tuple[int, Integers, list[str]]]
    numbers: Integers
    values: Floats
    places: Integers


class Checked:
    """Rows of one table as they come, checked: labels and namespaces numbered by first appearance, biases kept.

    labels: numbers of labels that are known already; new ones are added to it.
    """

    def __init__(self, facts: Mapping[str, Any], unit: str, numbers: tuple[type, ...] = (int, float),
                 labels: dict[Any, int] | None = None) -> None:  # fmt: skip
        self.facts = Facts(facts)
        self._numbers = numbers  # types of a weight's cell
        self._unit = unit
        self.spaces: dict[str, int] = {key: i for i, key in enumerate(self.facts.keys)}
        self.labels: dict[Any, int] = {} if labels is None else labels
        if not self.labels:
            self.labels.update(self.facts.columns or {})
        self.bias: dict[int, tuple[float, int]] = {}

    def read(self, chunk: Chunk) -> Rows:
        """The rows of a chunk; those without a feature are kept as biases."""
        n = len(chunk.places)
        empty: list[Any] = [None] * n
        features, labels, weights = (chunk.columns.get(name, empty) for name in COLUMNS)
        values = self._values(weights, chunk.places)
        numbers = self._label_numbers(labels, chunk.places)
        spaces, places = chunk.columns.get("namespace"), chunk.places
        if None in features:
            for i in (i for i in range(n) if features[i] is None):
                self._add_bias(labels[i], float(values[i]), spaces[i] if spaces else None, int(places[i]))
            keep = np.array([i for i in range(n) if features[i] is not None], np.int64)
            features, values, numbers, places = [features[i] for i in keep], values[keep], numbers[keep], places[keep]
            spaces = [spaces[i] for i in keep] if spaces else None
        return Rows(list(self._groups(features, spaces, places)), numbers, values, places.astype(np.int64))

    def _values(self, cells: list[Any], places: Integers) -> Floats:
        """Weights as numbers, finite ones."""
        try:
            if set(map(type, cells)) - {*self._numbers} or (str in self._numbers and "_" in "".join(cells)):
                raise ValueError
            values = np.array(list(map(float, cells)), np.float64)
        except (TypeError, ValueError, OverflowError):
            i = next((i for i, cell in enumerate(cells) if not self._is_number(cell)), 0)
            raise self._error(places[i], f"the weight {show(cells[i])} is not a number") from None
        bad = ~(np.abs(values) <= LARGEST)
        if bad.any():
            i = int(bad.argmax())
            raise self._error(places[i], f"the weight {show(cells[i])} is not a finite number up to {LARGEST:g}")
        return values

    def _is_number(self, cell: Any) -> bool:
        if type(cell) not in self._numbers or (type(cell) is str and "_" in cell):
            return False
        try:
            float(cell)
        except (ValueError, OverflowError):
            return False
        return True

    def _groups(self, features: list[Any], spaces: list[Any] | None, places: Integers
                ) -> Iterator[tuple[int, Integers, list[str]]]:  # fmt: skip
        self._check_text(features, places, "feature")
        if spaces is None or not any(spaces):
            if features:
                yield self._space("", int(places[0])), np.arange(len(features)), features
            return
        groups: dict[Any, list[int]] = {}
        for i, space in enumerate(spaces):
            groups.setdefault(space, []).append(i)
        for space, at in groups.items():
            if not isinstance(space, (str, type(None))):
                raise self._error(places[at[0]], f"the namespace {show(space)} is not text")
            yield self._space(space or "", int(places[at[0]])), np.array(at, np.int64), [features[i] for i in at]

    def _space(self, key: str, place: int) -> int:
        number = self.spaces.get(key)
        if number is None and not key and len(self.facts.keys) == 1:
            return 0  # the only one need not be named
        if number is None:
            if self.facts.namespaces is not None:
                raise self._error(place, f"the namespace {show(key)} is not among those of the facts")
            if len(self.spaces) == MOST_NAMESPACES:
                raise self._error(place, f"more than {MOST_NAMESPACES} namespaces")
            number = self.spaces[key] = len(self.spaces)
        return number

    def _label_numbers(self, labels: list[Any], places: Integers) -> Integers:
        """The number of each label plus one; 0 for none."""
        table = self.labels
        if set(map(type, labels)) - {str, int, type(None)}:
            bad = next(i for i, label in enumerate(labels) if type(label) not in (str, int, type(None)))
            raise self._error(places[bad], f"the label {show(labels[bad])} is neither text nor an integer")
        new = [label for label in dict.fromkeys(labels) if label is not None and label not in table]
        for label in new:
            self._add_label(label, int(places[labels.index(label)]))
        numbers = {None: 0, **{label: number + 1 for label, number in table.items()}}
        return np.array([numbers[label] for label in labels], np.int64)

    def _add_label(self, label: Any, place: int) -> None:
        if self.facts.columns is not None:
            known = show(", ".join(map(str, list(self.facts.columns)[:8])))
            raise self._error(place, f"the label {show(label)} is not among those of the facts: {known}")
        if len(self.labels) == MOST_LABELS:
            raise self._error(place, f"more than {MOST_LABELS} labels")
        first = next(iter(self.labels), label)
        if type(first) is not type(label):
            raise self._error(place, f"the label {show(label)} is {type(label).__name__}, but the first one, "
                                     f"{show(first)}, is {type(first).__name__}")  # fmt: skip
        self.labels[label] = len(self.labels)

    def _add_bias(self, label: Any, value: float, space: Any, place: int) -> None:
        if label is None or space:
            raise self._error(place, "a row without a feature is a label's bias: it has a label, and no namespace")
        number = self.labels[label]
        if number in self.bias:
            words = f"the bias of label {show(label)} stands in {self._unit} {self.bias[number][1]} too"
            raise self._error(place, words)
        self.bias[number] = value, place

    def _check_text(self, features: list[Any], places: Integers, what: str) -> None:
        for feature, place in zip(features, places, strict=True) if set(map(type, features)) - {str} else ():
            if type(feature) is not str:
                raise self._error(place, f"the {what} {show(feature)} is {type(feature).__name__}, not text")

    def _error(self, place: Any, words: str) -> ModelImportError:
        return ModelImportError(f"{self._unit} {place}: {words}")


class _Building(Checked):
    """A model under construction: rows come in chunks, in any order.

    A row is 24 bytes here: its key (namespace, feature, label + 1 or 0 for an idf, in one integer), value and place.
    """

    def __init__(self, facts: Mapping[str, Any], unit: str, numbers: tuple[type, ...] = (int, float)) -> None:
        super().__init__(facts, unit, numbers)
        self._features: list[dict[str, int]] = [{} for _ in self.spaces]
        self._parts: list[tuple[Integers, Floats, Integers]] = []
        self._count, self._checked = 0, 1 << 20

    def add(self, chunk: Chunk) -> None:
        """Take the rows of a chunk."""
        rows = self.read(chunk)
        keys = np.empty(len(rows.values), np.int64)
        self._features += [{} for _ in range(len(self._features), len(self.spaces))]
        for number, at, names in rows.groups:
            keys[at] = (number << _FEATURE_BITS) + _numbered(names, self._features[number])
        self._parts.append(((keys << _LABEL_BITS) + rows.numbers, rows.values, rows.places))
        self._count += len(keys)
        if self._count > 2 * self._checked:  # rows that repeat end here, not when memory does
            self._joined()
            self._checked = self._count

    def model(self, table: Table) -> LinearModel:
        """The model of all rows."""
        keys, values, places = self._joined()
        facts, labels = self.facts, list(self.labels)
        if not labels:
            raise ModelImportError("no row has a label")
        classes, task = classes_of(facts, labels)
        columns = 1 if task == "binary" else len(classes)
        sizes = [len(names) for names in self._features] or [0]
        firsts = np.concatenate([[0], np.cumsum(sizes)])
        space, feature = keys >> (_LABEL_BITS + _FEATURE_BITS), (keys >> _LABEL_BITS) & ((1 << _FEATURE_BITS) - 1)
        rows, label = firsts[space] + feature, (keys & ((1 << _LABEL_BITS) - 1)) - 1
        idf = self._idf(rows[label < 0], values[label < 0], int(firsts[-1]), places)
        kept = (label >= 0) & (values != 0)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=int(firsts[-1])))]).astype(np.int64)
        weights = SparseRows(indptr, label[kept].astype(np.int32), values[kept], (int(firsts[-1]), columns))
        intercept = np.zeros(columns)
        for number, (value, _) in self.bias.items():
            intercept[number] = value
        namespaces = facts.namespaces or tuple(Namespace(key or "features", "features") for key in self.spaces)
        return LinearModel(
            namespaces or (Namespace("features", "features"),),
            tuple(list(names) for names in self._features) or ([],),
            weights, intercept, classes, task, facts.link, facts.calibration(columns),
            facts.baseline(columns), idf, facts.steps,
            {"format": f"table ({table.form})"} if facts.source is None else facts.source,
        )  # fmt: skip

    def _joined(self) -> tuple[Integers, Floats, Integers]:
        """All rows so far, by key; each key once."""
        parts = self._parts or [(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))]
        keys, values, places = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(keys, kind="stable")
        keys, values, places = keys[order], values[order], places[order]
        self._parts = [(keys, values, places)]
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if len(twice):
            i = int(twice[places[twice + 1].argmin()])
            label = int(keys[i] & ((1 << _LABEL_BITS) - 1)) - 1
            names = self._features[int(keys[i] >> (_LABEL_BITS + _FEATURE_BITS))]
            feature = list(names)[int(keys[i] >> _LABEL_BITS) & ((1 << _FEATURE_BITS) - 1)]
            what = "its idf" if label < 0 else f"label {show(list(self.labels)[label])}"
            raise self._error(int(places[i + 1]), f"feature {show(feature)} with {what} stands in {self._unit} "
                                                  f"{places[i]} too")  # fmt: skip
        return keys, values, places

    def _idf(self, rows: Integers, values: Floats, n: int, places: Integers) -> Floats | None:
        if not len(rows):
            return None
        if len(rows) != n:
            lacking = np.ones(n, bool)
            lacking[rows] = False
            names = [name for table in self._features for name in table]
            raise ModelImportError(f"{len(rows):,} features have an idf (a row without a label), "
                                   f"{n - len(rows):,} have none: {show(names[int(lacking.argmax())])}")  # fmt: skip
        return values


def classes_of(facts: Facts, labels: list[Any]) -> tuple[npt.NDArray[Any], str]:
    """The classes of a table whose rows have these labels, and its task: what the facts say, else what follows from
    them.
    """
    classes, task = facts.classes, facts.task
    if classes is None:
        if task is None:
            task = "binary" if len(labels) == 1 else "multiclass"
        if task == "binary":
            if len(labels) != 1 or not isinstance(labels[0], str):
                raise ModelImportError(f"a binary task whose facts name no classes has the rows of one label, a text, "
                                       f"not of {len(labels)}: {show(', '.join(map(str, labels)))}")  # fmt: skip
            labels = [f"not {labels[0]}", labels[0]]
        classes = _classes(labels)
    return classes, task or "multiclass"


def _numbered(names: list[str], table: dict[str, int]) -> Integers:
    """The number of each name; new ones get the next."""
    return np.array([table.setdefault(name, len(table)) for name in names], np.int64)


def _classes(labels: list[Any]) -> npt.NDArray[Any]:
    """Labels as an array that gives them back."""
    if labels and type(labels[0]) is int:
        try:
            return np.array(labels, np.int64)
        except OverflowError:
            raise ModelImportError(f"label {max(labels, key=abs)} has more than 64 bits") from None
    array = np.array(labels)
    if array.tolist() != labels:  # an array of str drops zeros at the end
        array = np.empty(len(labels), object)
        array[:] = labels
    return array


# -- facts ------------------------------------------------------------------------------------------------------------


class Facts:
    """The facts of a table, checked. keys: how rows name the namespaces; columns: label as in a row -> its column."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        for name in facts:
            if name not in FACTS:
                raise ModelImportError(f"facts: {show(name)} is not one of {', '.join(FACTS)}")
        self._facts = facts
        self.task = _text(facts, "task")
        self.link = _text(facts, "link") or "identity"
        self.classes = self._read_classes()
        self.columns: dict[Any, int] | None = None
        if self.classes is not None:
            labels = self.classes.tolist()
            shown = labels[1:] if self.task == "binary" else labels
            self.columns = {str(label): i for i, label in enumerate(shown)}
            self.columns |= {label: i for i, label in enumerate(shown) if type(label) is int}
        self.namespaces, self.keys = self._read_namespaces()
        self.steps = tuple(_step(item, f"facts: steps[{i}]") for i, item in enumerate(_list(facts, "steps") or []))
        source = facts.get("source")
        if source is not None and not (isinstance(source, dict) and all(isinstance(v, str) for v in source.values())):
            raise ModelImportError(f"facts: source {show(source)} is not an object of texts")
        self.source: dict[str, str] | None = source

    def calibration(self, columns: int) -> Floats | None:
        """(2, columns), or None."""
        return self._array("calibration", (2, columns))

    def baseline(self, columns: int) -> Floats | None:
        """(columns,), or None."""
        return self._array("baseline", (columns,))

    def _array(self, name: str, shape: tuple[int, ...]) -> Floats | None:
        values = _list(self._facts, name)
        if values is None:
            return None
        flat: list[Any] = (
            values if len(shape) == 1 else [x for row in values for x in (row if isinstance(row, list) else [None])]
        )
        if len(flat) != np.prod(shape) or not all(type(x) in (int, float) and abs(x) <= LARGEST for x in flat):
            raise ModelImportError(f"facts: {name} {show(values)} is not an array of {shape} numbers")
        return np.array(flat, np.float64).reshape(shape)

    def _read_classes(self) -> npt.NDArray[Any] | None:
        labels, kind = _list(self._facts, "classes"), _text(self._facts, "dtype")
        if labels is None:
            return None
        if not labels or len(labels) > MOST_LABELS:
            raise ModelImportError(f"facts: {len(labels)} classes, not 1..{MOST_LABELS}")
        kinds = {type(label) for label in labels}
        if kind in LABELS and kinds <= {int, float, bool}:
            array = np.array(labels, np.dtype(kind))
            if array.tolist() != labels:
                raise ModelImportError(f"facts: classes {show(labels)} are not all of dtype {kind}")
            return array
        if kinds != {str} or kind not in (None, "str", "object"):
            raise ModelImportError(f"facts: classes {show(labels)} do not go with dtype {kind or 'str'}")
        if kind == "object":
            array = np.empty(len(labels), object)
            array[:] = labels
            return array
        return _classes(labels)

    def _read_namespaces(self) -> tuple[tuple[Namespace, ...] | None, tuple[str, ...]]:
        items = _list(self._facts, "namespaces")
        if items is None:
            return None, ()
        if not 1 <= len(items) <= MOST_NAMESPACES:
            raise ModelImportError(f"facts: {len(items)} namespaces, not 1..{MOST_NAMESPACES}")
        out, keys = [], []
        for i, item in enumerate(items):
            place = f"facts: namespaces[{i}]"
            if not isinstance(item, dict):
                raise ModelImportError(f"{place}: {show(item)} is not an object")
            fields = dict(item)
            keys.append(_text(fields, "key", place) if "key" in fields else _text(fields, "name", place))
            fields.pop("key", None)
            out.append(_namespace(fields, place))
        if len(set(keys)) != len(keys):
            raise ModelImportError(
                f"facts: two namespaces are called {show(max(keys, key=keys.count))}: give each a 'key'"
            )
        return tuple(out), tuple(key or "" for key in keys)


_KINDS: dict[str, tuple[type, ...]] = {
    "column": (str, int), "ngram_range": (list,), "stop_words": (list,), "lowercase": (bool,), "alternate_sign": (bool,),
    "hash_columns": (int,), "unseen": (int, float),
}  # fmt: skip
_NONE = ("column", "strip_accents", "stop_words")


def _namespace(fields: dict[str, Any], place: str) -> Namespace:
    known = {field.name for field in dataclasses.fields(Namespace)}
    for name, value in fields.items():
        if name not in known:
            raise ModelImportError(f"{place}: {show(name)} is not one of {', '.join(sorted(known))}")
        kinds = _KINDS.get(name, (str,))
        if not (value is None and name in _NONE) and type(value) not in kinds:
            raise ModelImportError(f"{place}: {name} {show(value)} is not of type {kinds[0].__name__}")
    fields = {"name": "", "analyzer": "features"} | fields
    for name, kind in (("ngram_range", int), ("stop_words", str)):
        if fields.get(name) is not None:
            if not all(type(item) is kind for item in fields[name]):
                raise ModelImportError(f"{place}: {name} {show(fields[name])} holds what is not {kind.__name__}")
            fields[name] = tuple(fields[name])
    if len(fields.get("ngram_range", (1, 1))) != 2:
        raise ModelImportError(f"{place}: ngram_range {show(fields['ngram_range'])} is not a pair")
    return Namespace(**fields)


def _step(item: Any, place: str) -> Step:
    if not isinstance(item, dict) or not set(item) <= {"op", "namespaces", "kind", "value"}:
        raise ModelImportError(f"{place}: {show(item)} is not an object of op, namespaces, kind and value")
    spaces, value = _list(item, "namespaces", place) or [], item.get("value", 0.0)
    if not all(type(number) is int for number in spaces) or type(value) not in (int, float):
        raise ModelImportError(f"{place}: namespaces are integers, value is a number: {show(item)}")
    return Step(cast(Any, _text(item, "op", place)), tuple(spaces), cast(Any, _text(item, "kind", place)), value)


def _text(fields: Mapping[str, Any], name: str, place: str = "facts") -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ModelImportError(f"{place}: {name} {show(value)} is not text")
    return value


def _list(fields: Mapping[str, Any], name: str, place: str = "facts") -> list[Any] | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, list):
        raise ModelImportError(f"{place}: {name} {show(value)} is not a list")
    return value


# -- writing ----------------------------------------------------------------------------------------------------------


def frame(model: Frame, source: Mapping[str, str]) -> dict[str, Any]:
    """The facts of a model's table: all but its rows and biases. JSON's own text of them says every number exactly."""
    kind = model.classes.dtype
    names = [namespace.name for namespace in model.namespaces]
    defaults = {field.name: field.default for field in dataclasses.fields(Namespace)}
    spaces = []
    for i, (namespace, key) in enumerate(zip(model.namespaces, keys(model), strict=True)):
        fields = {name: value for name, value in dataclasses.asdict(namespace).items()
                  if name in ("name", "analyzer") or value != defaults[name]}  # fmt: skip
        spaces.append(fields if key == names[i] else {"key": key} | fields)
    facts = {
        "task": model.task,
        "link": model.link,
        "classes": model.classes.tolist(),
        "dtype": {"U": "str", "O": "object"}.get(kind.kind, kind.name),
        "namespaces": spaces,
        "steps": [{k: v for k, v in dataclasses.asdict(step).items() if v is not None} for step in model.steps],
        "source": dict(source),
    }
    for name in ("calibration", "baseline"):
        if getattr(model, name) is not None:
            facts[name] = getattr(model, name).tolist()
    return {name: value for name, value in facts.items() if value != []}


def keys(model: Frame) -> list[str]:
    """How rows name the namespaces: their names, or their numbers where those are empty or not distinct."""
    names = [namespace.name for namespace in model.namespaces]
    return names if len(set(names)) == len(names) and all(names) else [str(i) for i in range(len(names))]


def head(model: Frame, source: Mapping[str, str]) -> str:
    """The first lines of a model's TSV: facts, names of columns, biases."""
    space = "\tnamespace" if len(model.namespaces) > 1 else ""
    lines = [f"# nlucompress {json.dumps(frame(model, source))}", f"feature\tlabel\tweight{space}"]
    biases = zip(cells(model), map(repr, model.intercept.tolist()), strict=True)
    lines += [f"\t{label}\t{value}{space and chr(9)}" for label, value in biases if value != "0.0"]
    return "\n".join(lines) + "\n"


def cells(model: Frame) -> list[str]:
    """The cell of each column's label."""
    labels = model.classes.tolist()
    return [escape(str(label)) for label in (labels[1:] if model.task == "binary" else labels)]


def rows(names: Sequence[str], weights: Floats, idf: Floats | None, labels: Sequence[str], space: str | None
         ) -> str:  # fmt: skip
    """Lines of TSV: the idf of each feature, if there is one, and its weights that are not 0; at least one line each.

    weights: (len(names), n_columns); labels: cells of the columns' labels; space: the cell of the namespace.
    """
    end = "\n" if space is None else f"\t{space}\n"
    written = [escape(name) for name in names]
    lines: list[str] = []
    wanted = weights != 0
    if idf is None:
        wanted[~wanted.any(axis=1), :1] = True
    else:
        lines = [f"{name}\t\t{value!r}{end}" for name, value in zip(written, idf.tolist(), strict=True)]
    at, columns = np.nonzero(wanted)
    cells = zip(at.tolist(), columns.tolist(), weights[at, columns].tolist(), strict=True)
    lines += [f"{written[i]}\t{labels[k]}\t{value!r}{end}" for i, k, value in cells]
    return "".join(lines)


def write(model: LinearModel) -> Iterator[bytes]:
    """A model as TSV that reads as the same model, piece by piece."""
    yield head(model, model.source).encode()
    labels, start = cells(model), 0
    for names, key in zip(model.features, keys(model), strict=True):
        space = escape(key) if len(model.namespaces) > 1 else None
        for first in range(0, len(names), CHUNK):
            part = list(names[first : first + CHUNK])
            at = slice(start + first, start + first + len(part))
            idf = None if model.idf is None else model.idf[at]
            yield rows(part, model.rows(at.start, at.stop), idf, labels, space).encode()
        start += len(names)


FORMAT = Format(
    "table",
    "rows of feature, label and weight: TSV, CSV, JSON Lines or Parquet, by any tool",
    "every name, label and weight; with the facts of `nlucompress export --tsv` the whole model",
    "without facts the model takes lists of features, and sets no link; CSV cannot write the empty string",
    sniff=lambda start: form_of(start, COLUMNS) is not None,
    read=read_table,
)
