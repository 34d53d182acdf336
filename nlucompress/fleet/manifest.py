"""What a fleet is made of: a manifest (JSON Lines or CSV), or a pattern of paths -> entries, checked before any work."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..measure import YARDSTICKS
from ..search.budget import share, size
from . import places

MAX_NAME = 240  # bytes; with ".nluc" it is a file's name on any system
Read = Callable[[Any], Any]


@dataclass(frozen=True)
class Entry:
    """One model to compress. place: where it was named, for errors.

    source, names, data, held_out: paths or URLs. options: those of ``compress`` and ``search`` that are given, by name.
    """

    name: str
    source: str
    place: str
    format: str | None = None
    names: str | None = None
    data: str | None = None
    held_out: str | None = None
    options: Mapping[str, Any] | None = None

    @property
    def paths(self) -> list[str]:
        """What has to be there."""
        return [path for path in (self.source, self.names, self.data, self.held_out) if path is not None]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r:.60} is not a text")
    return value


def _whole(low: int, high: int | None = None) -> Read:
    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
        if type(number) is not int or number < low or (high is not None and number > high):
            raise ValueError(f"{value!r:.60} is not a whole number {f'in {low}..{high}' if high else f'from {low}'}")
        return number

    return read


def _real(low: float, high: float, below: bool = False) -> Read:
    def read(value: Any) -> float:
        try:
            number = float("nan" if isinstance(value, bool) else value)
        except (TypeError, ValueError):
            number = float("nan")
        if not low <= number <= high or (below and number == high):
            raise ValueError(f"{value!r:.60} is not a number in {low:g}..{high:g}{' (exclusive)' if below else ''}")
        return number

    return read


def _one_of(*choices: str) -> Read:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r:.60} is not one of {', '.join(map(repr, choices))}")
        return str(value)

    return read


def _yes(value: Any) -> bool:
    found = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError(f"{value!r:.60} is not true or false")
    return found


def _share(value: Any) -> float:
    return float(share(value) if isinstance(value, str) else _real(0, 1)(value))


def _size(value: Any) -> int:
    return int(size(value) if isinstance(value, str) else _whole(1)(value))


STAGES: dict[str, Read] = {  # options of compress
    "buckets": _whole(2, 256), "range": _one_of("model", "class"), "codebook": _one_of("even", "kmeans"),
    "prune": _real(0, 1, below=True), "check_bits": _whole(0, 32), "gamma": _real(1, 16),
    "layout": _one_of("auto", "fast", "small"), "norm": _one_of("exact", "mean"),
}  # fmt: skip
BUDGET: dict[str, Read] = {"max_loss": _real(0, 100), "max_flips": _share, "target_size": _size}
SEARCH: dict[str, Read] = {**BUDGET, "yardstick": _one_of(*YARDSTICKS), "sure": _yes, "seed": _whole(0),
                           "candidates": _whole(1)}  # fmt: skip
OPTIONS = STAGES | SEARCH
PATHS = ("source", "names", "data", "held_out")
FIELDS: dict[str, Read] = {"name": _text, "format": _text, **dict.fromkeys(PATHS, _text), **OPTIONS}


def read_entries(source: str, defaults: Mapping[str, Any] | None = None) -> list[Entry]:
    """The entries of a manifest (.jsonl, .csv) or of a pattern of paths, in their order.

    defaults: fields for all models (see FIELDS, but name and source); a line of the manifest may give others. Relative
    paths of a manifest start at its folder. The models of a pattern have the stems of their files as names.

    Raises ValueError, with the line, for a line that cannot be read, a field that is unknown or out of its limits, a name
    that is no file name or that comes twice, a budget without data; FileNotFoundError for paths that are missing.
    """
    given = {key: _checked(key, value, "the options") for key, value in (defaults or {}).items() if value is not None}
    entries = [_entry(fields, place, given) for fields, place in _lines(source)]
    if not entries:
        raise ValueError(f"{source}: no model in it")
    check(entries)
    return entries


def check(entries: Iterable[Entry]) -> None:
    """Raise ValueError for a name that comes twice, FileNotFoundError for paths that are missing."""
    entries = list(entries)
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in seen:
            raise ValueError(f"{entry.place}: the name {entry.name!r} is taken by {seen[entry.name].place}")
        seen[entry.name] = entry
    missing = places.missing({path: entry.place for entry in entries for path in entry.paths})
    if missing:
        more = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        path, place = missing[0]
        raise FileNotFoundError(f"{place}: {path}: no such file{more}")


def _lines(source: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Fields of each model, and where they are from."""
    if places.is_pattern(source):
        for path in places.matches(source):
            yield {"source": path}, path
        return
    suffix = PurePosixPath(source).suffix.lower()
    if suffix not in (".jsonl", ".csv"):
        raise ValueError(f"{source}: neither a manifest (.jsonl or .csv) nor a pattern such as 'models/*.joblib'")
    try:
        text = places.read(source).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: not UTF-8 at byte {error.start}") from None
    for fields, place in (_of_csv if suffix == ".csv" else _of_json)(text, source):
        for key in PATHS:
            if isinstance(fields.get(key), str):
                fields[key] = places.beside(source, fields[key])
        yield fields, place


def _of_json(text: str, source: str) -> Iterator[tuple[dict[str, Any], str]]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(items)
        if len(fields) < len(items):
            raise ValueError("a field comes twice")
        return fields

    for number, line in enumerate(text.split("\n"), 1):
        place = f"{source}, line {number}"
        if not line.strip():
            continue
        try:
            fields = json.loads(line, object_pairs_hook=pairs)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place}: not a line of JSON: {error}") from None
        if not isinstance(fields, dict):
            raise ValueError(f"{place}: {type(fields).__name__}, not an object with the field source")
        yield {key: value for key, value in fields.items() if value is not None}, place


def _of_csv(text: str, source: str) -> Iterator[tuple[dict[str, Any], str]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for row in rows:
            place = f"{source}, line {rows.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = [cell.strip() for cell in row]
                if len(set(header)) < len(header):
                    raise ValueError(f"{place}: a column comes twice")
                continue
            if len(row) != len(header):
                raise ValueError(f"{place}: {len(row)} cells, the first line has {len(header)}")
            yield {key: cell.strip() for key, cell in zip(header, row, strict=True) if cell.strip()}, place
    except csv.Error as error:
        raise ValueError(f"{source}, line {rows.line_num}: not CSV: {error}") from None


def _entry(fields: dict[str, Any], place: str, defaults: Mapping[str, Any]) -> Entry:
    fields = {**defaults, **{key: _checked(key, value, place) for key, value in fields.items()}}
    if "source" not in fields:
        raise ValueError(f"{place}: no field 'source'")
    source = str(fields.pop("source"))
    name = str(fields.pop("name", PurePosixPath(Path(source).as_posix().rstrip("/")).stem))
    data = name.encode(errors="replace")
    if len(data) > MAX_NAME or name.strip(".") == "" or any(byte < 32 or byte in b"/\\\x7f" for byte in data):
        raise ValueError(f"{place}: the name {name!r:.80} is no file name: 1..{MAX_NAME} bytes, without '/', '\\' and "
                         "control characters")  # fmt: skip
    if not {"data"} & fields.keys() and BUDGET.keys() & fields.keys():
        raise ValueError(f"{place}: a budget is measured on data, and none is given")
    rest = {key: fields.pop(key) for key in ("format", "names", "data", "held_out") if key in fields}
    return Entry(name, source, place, **rest, options=fields)


def _checked(key: str, value: Any, place: str) -> Any:
    if key not in FIELDS:
        raise ValueError(f"{place}: unknown field {key!r:.60}; there are {', '.join(FIELDS)}")
    try:
        return FIELDS[key](value)
    except ValueError as error:
        raise ValueError(f"{place}: {key}: {error}") from None
