r"""Tables in four forms (TSV, CSV, JSON Lines, Parquet), read a chunk of rows at a time: names of columns, and columns.

A cell of text is a str, or None where it is missing. What "missing" is, and how a form writes odd strings:

* **TSV**: a line a row, cells between tabs, and no quotes. ``\t``, ``\n``, ``\r``, ``\\`` are a tab, a line feed, a
  carriage return, a backslash; ``\u`` and four hexadecimal digits are one UTF-16 unit, of a surrogate half too; ``\e`` is
  the empty string, as an empty cell is a missing one. So every string can be written, and each in one way that ``escape``
  chooses.
* **CSV**: RFC 4180, with commas and double quotes. An empty cell is a missing one: the empty string cannot be written.
* **JSON Lines**: an object a line. A field that is null or absent is missing.
* **Parquet**: null is missing. It needs pyarrow.

The first line of TSV and CSV names the columns, and a line ``# nlucompress {…}`` may stand before it: the facts that go
with the rows, a JSON object. In JSON Lines the first line may be ``{"nlucompress": {…}}``, and in Parquet the schema's
metadata may have the key ``nlucompress``. Text is UTF-8; a byte order mark and carriage returns before line feeds are let
pass.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelImportError
from ..linear import Integers
from .records import clean, show

BLOCK = 8 << 20  # bytes of a text file read at a time
MOST_LINE = 64 << 20  # bytes of one line
ROWS = 1 << 16  # rows of a chunk, where they can be chosen
MARK = "# nlucompress "
BOM = b"\xef\xbb\xbf"
PARQUET = b"PAR1"
ROWS_A_BYTE = 64  # of a Parquet file, at most, beyond the first million: columns of equal values take next to nothing

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.|$)", re.DOTALL)
_ODD = re.compile("[\x00-\x1f\\\\\x7f\x85\u2028\u2029\ufeff\ud800-\udfff]")
_PLAIN = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "e": ""}
_WRITTEN = {value: "\\" + letter for letter, value in _PLAIN.items() if value}


@dataclass(frozen=True)
class Chunk:
    """Some rows: the place of each (line or row, from 1), and columns by name, each as long: str, None, JSON's values."""

    places: Integers
    columns: dict[str, list[Any]]


@dataclass(frozen=True)
class Table:
    """A table that was opened: its form, its facts, the names of its columns (None: each row has its own), its rows.

    unit: what the places of chunks count, ``"line"`` or ``"row"``. chunks: to be walked once.
    """

    form: str
    facts: dict[str, Any]
    columns: tuple[str, ...] | None
    unit: str
    chunks: Iterator[Chunk]


def escape(cell: str | None) -> str:
    r"""A cell of TSV.

    >>> escape("a\tb"), escape(""), escape(None), escape("\ud800")
    ('a\\tb', '\\e', '', '\\ud800')
    """
    if not cell:
        return "" if cell is None else "\\e"
    if _ODD.search(cell) is None:
        return cell
    return _ODD.sub(lambda found: _WRITTEN.get(found[0]) or f"\\u{ord(found[0]):04x}", cell)


def unescape(cell: str) -> str | None:
    r"""What a cell of TSV says. Raises ValueError for a backslash that begins no escape.

    >>> unescape("a\\tb"), unescape("\\e"), unescape("")
    ('a\tb', '', None)
    """
    if not cell:
        return None
    return _ESCAPE.sub(_unescaped, cell) if "\\" in cell else cell


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code not in _PLAIN:
        raise ValueError(f"\\{code} is no escape; a backslash is written \\\\")
    return _PLAIN[code]


def form_of(head: bytes, wanted: Sequence[str]) -> str | None:
    """The form of a table with the wanted columns, from its first bytes; None if they are not of one."""
    if head.startswith(PARQUET):
        return "parquet"
    head = head.removeprefix(BOM)
    marked = head.startswith(MARK.encode())
    if head.startswith(b"{"):
        line = head.split(b"\n", 1)[0]
        if line.startswith(b'{"nlucompress"'):
            return "jsonl"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            return None
        return "jsonl" if isinstance(row, dict) and set(wanted) <= set(row) | {"namespace"} else None
    lines = head.split(b"\n", 2)
    header = (lines[1] if len(lines) > 1 else b"") if marked else lines[0]
    for form, mark in (("tsv", b"\t"), ("csv", b",")):
        cells = {cell.strip(b'"\r').decode("utf-8", "replace") for cell in header.split(mark)}
        if set(wanted) <= cells and (len(cells) > 1 or form == "tsv"):
            return form
    return "tsv" if marked else None


def open_table(path: Path, wanted: Sequence[str]) -> Table:
    """Open a table by its content. Raises ModelImportError, now or while its chunks are walked, with the place."""
    try:
        with open(path, "rb") as file:
            head = file.read(1 << 16)
            if head.startswith(MARK.encode()):  # facts may be long
                while head.count(b"\n") < 2 and len(head) < MOST_LINE and (more := file.read(1 << 20)):
                    head += more
        form = form_of(head, wanted)
        if form is None:
            raise ModelImportError(f"not a table with the columns {', '.join(wanted)} in the first line (TSV, CSV), "
                                   "in each object (JSON Lines) or in the schema (Parquet)")  # fmt: skip
        return {"tsv": _tsv, "csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[form](path)
    except OSError as error:
        raise ModelImportError(f"cannot be read: {error.strerror or error}") from None


# -- text -------------------------------------------------------------------------------------------------------------


def blocks(path: Path, ends: bool = False) -> Iterator[tuple[int, str]]:
    """A text file in pieces of whole lines, each with the number of its first; every line ends in a line feed.

    ends: whether carriage returns before line feeds stay.

    Raises ModelImportError for what is not UTF-8, and for a line of more than MOST_LINE bytes.
    """
    first, rest, start = 1, b"", True
    with open(path, "rb") as file:
        while True:
            block = file.read(BLOCK)
            if start:
                block, start = block.removeprefix(BOM), False
            data = rest + block
            end = data.rfind(b"\n") + 1
            if not block:
                data, end = (data + b"\n", len(data) + 1) if data else (b"", 0)
            rest, data = data[end:], data[:end]
            if len(rest) > MOST_LINE:
                raise ModelImportError(f"line {first + data.count(10)} has more than {MOST_LINE:,} bytes")
            if data:
                try:
                    text = data.decode()
                    yield first, text if ends else text.replace("\r\n", "\n")
                except UnicodeDecodeError as error:
                    raise ModelImportError(f"line {first + data.count(10, 0, error.start)}: not UTF-8") from None
                first += data.count(10)
            if not block:
                return


def _facts(text: str, place: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelImportError(f"{place}: the facts after {MARK.strip()!r} are not JSON: {error}") from None
    if not isinstance(facts, dict):
        raise ModelImportError(f"{place}: the facts are {type(facts).__name__}, not an object")
    return facts


def _header(cells: Sequence[str | None], place: str) -> tuple[str, ...]:
    names = [cell or "" for cell in cells]
    if len(set(names)) != len(names):
        raise ModelImportError(f"{place}: a column stands twice: {', '.join(names)}")
    return tuple(names)


def _tsv(path: Path) -> Table:
    source = blocks(path)
    number, text = next(source, (1, ""))
    facts: dict[str, Any] = {}
    if text.startswith(MARK):
        line, _, text = text.partition("\n")
        facts = _facts(line[len(MARK) :], "line 1")
        number += 1
        if not text:
            number, text = next(source, (number, ""))
    line, _, text = text.partition("\n")
    names = _header(_cells(line.split("\t"), [number] * (line.count("\t") + 1)), f"line {number}")

    def chunks() -> Iterator[Chunk]:
        if text:
            yield _tsv_chunk(number + 1, text, names)
        for first, block in source:
            yield _tsv_chunk(first, block, names)

    return Table("tsv", facts, names, "line", chunks())


def _tsv_chunk(first: int, text: str, names: tuple[str, ...]) -> Chunk:
    width = len(names)
    marks = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    marks = marks[(marks == 9) | (marks == 10)]
    if len(marks) % width or (marks.reshape(-1, width)[:, -1] != 10).any() or (marks == 10).sum() * width != len(marks):
        for number, line in enumerate(text.split("\n"), first):
            if line.count("\t") + 1 != width:
                raise ModelImportError(f"line {number} has {line.count(chr(9)) + 1} cells, the first line {width}: "
                                       f"{show(line)}")  # fmt: skip
    cells = text.replace("\n", "\t").split("\t")
    places = np.arange(first, first + len(marks) // width)
    return Chunk(places, {name: _cells(cells[i:-1:width], places) for i, name in enumerate(names)})


def _cells(cells: list[str], places: Sequence[int] | Integers) -> list[str | None]:
    """What cells of TSV say."""
    if "\\" not in "".join(cells):
        return [cell or None for cell in cells]
    out = []
    for cell, place in zip(cells, places, strict=True):
        try:
            out.append(unescape(cell))
        except ValueError as error:
            raise ModelImportError(f"line {place}: {show(cell)}: {error}") from None
    return out


def _csv(path: Path) -> Table:
    facts: dict[str, Any] = {}
    lines = (line for _, block in blocks(path, ends=True) for line in io.StringIO(block, newline="\n"))
    skipped = 0
    start = next(lines, "")
    if start.startswith(MARK):
        facts, skipped = _facts(start[len(MARK) :], "line 1"), 1
        start = ""
    reader = csv.reader(_chained(start, lines), strict=True)

    def rows() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise ModelImportError(f"line {reader.line_num + skipped}: {error}") from None

    source = rows()
    names = _header(next(source, []), f"line {1 + skipped}")

    def chunks() -> Iterator[Chunk]:
        places: list[int] = []
        columns: list[list[str | None]] = [[] for _ in names]
        for row in source:
            if len(row) != len(names):
                raise ModelImportError(f"line {reader.line_num + skipped} has {len(row)} cells, the first line "
                                       f"{len(names)}: {show(','.join(row))}")  # fmt: skip
            places.append(reader.line_num + skipped)
            for column, cell in zip(columns, row, strict=True):
                column.append(cell or None)
            if len(places) == ROWS:
                yield Chunk(np.array(places), dict(zip(names, columns, strict=True)))
                places, columns = [], [[] for _ in names]
        if places:
            yield Chunk(np.array(places), dict(zip(names, columns, strict=True)))

    return Table("csv", facts, names, "line", chunks())


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from lines


def _jsonl(path: Path) -> Table:
    source = blocks(path)
    number, text = next(source, (1, ""))
    facts: dict[str, Any] = {}
    line = text.partition("\n")[0]
    if line.startswith('{"nlucompress"'):
        row = _object(line, 1)
        if set(row) != {"nlucompress"} or not isinstance(row["nlucompress"], dict):
            raise ModelImportError('line 1: {"nlucompress": …} holds an object and nothing stands beside it')
        facts, text, number = row["nlucompress"], text[len(line) + 1 :], number + 1

    def chunks() -> Iterator[Chunk]:
        yield from _json_chunks(number, text)
        for first, block in source:
            yield from _json_chunks(first, block)

    return Table("jsonl", facts, None, "line", chunks())


def _json_chunks(first: int, text: str) -> Iterator[Chunk]:
    lines = text.split("\n")
    for start in range(0, len(lines), ROWS):
        places = [i for i in range(start, min(start + ROWS, len(lines))) if lines[i] and not lines[i].isspace()]
        rows = [_object(lines[i], first + i) for i in places]
        if rows:
            names = dict.fromkeys(name for row in rows for name in row)
            columns = {name: [row.get(name) for row in rows] for name in names}
            yield Chunk(np.array(places) + first, columns)


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if isinstance(row, dict) and line.count(":") != len(row):  # perhaps a field that stands twice
            row = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ModelImportError(f"line {number}: not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ModelImportError(f"line {number}: {type(row).__name__}, not an object")
    return row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a field stands twice")
    return row


# -- Parquet ----------------------------------------------------------------------------------------------------------


def _parquet(path: Path) -> Table:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise ModelImportError("a Parquet file is read with pyarrow, which is not installed: "
                               "pip install 'nlucompress[parquet]'") from None  # fmt: skip
    size = path.stat().st_size
    file = _arrow(lambda: parquet.ParquetFile(path))
    schema = file.schema_arrow
    rows = file.metadata.num_rows
    if not 0 <= rows <= (1 << 20) + ROWS_A_BYTE * size:
        raise ModelImportError(f"{rows:,} rows in {size:,} bytes: at most {(1 << 20) + ROWS_A_BYTE * size:,} are read")
    names, words = _header(schema.names, "schema"), []
    for name in names:
        kind = schema.field(name).type
        kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
        if arrow.types.is_string(kind) or arrow.types.is_large_string(kind):
            words.append(name)
        elif not (arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_null(kind)):
            raise ModelImportError(f"schema: column {show(name)} is of type {clean(str(kind))}, not text or number")
    # Columns of text stay dictionaries: a file of a few bytes can say one long string a million times.
    file = _arrow(lambda: parquet.ParquetFile(path, page_checksum_verification=True, read_dictionary=words))
    told = (schema.metadata or {}).get(b"nlucompress")
    facts = {} if told is None else _facts(told.decode("utf-8", "replace"), "schema")

    def chunks() -> Iterator[Chunk]:
        first = 1
        batches = _arrow(lambda: file.iter_batches(ROWS))
        while (batch := _arrow(lambda: next(batches, None))) is not None:
            columns = {name: _arrow(partial(_values, batch.column(i))) for i, name in enumerate(names)}
            yield Chunk(np.arange(first, first + len(batch)), columns)
            first += len(batch)
        if first - 1 != rows:
            raise ModelImportError(f"{first - 1:,} rows, the file says {rows:,}")

    return Table("parquet", facts, names, "row", chunks())


def _values(column: Any) -> list[Any]:
    """An Arrow array as Python's values; equal strings of a dictionary are one object."""
    values: list[Any]
    if not hasattr(column, "dictionary"):
        values = column.to_pylist()
        return values
    dictionary, indices = column.dictionary, column.indices
    if (
        len(dictionary) > len(indices) // 2
    ):  # it may be of all batches so far: only the words of this one are made strings
        used, where = np.unique(indices.drop_null().to_numpy(zero_copy_only=False), return_inverse=True)
        words = dictionary.take(used).to_pylist()
        values = [words[i] for i in where.tolist()]
        if indices.null_count:
            found = iter(values)
            values = [next(found) if there else None for there in indices.is_valid().to_pylist()]
        return values
    words = dictionary.to_pylist()
    return [None if i is None else words[i] for i in indices.to_pylist()]


def _arrow(call: Callable[[], Any]) -> Any:
    """A call of pyarrow, whose errors are of many kinds."""
    import pyarrow as arrow

    try:
        return call()
    except (arrow.ArrowException, OSError, ValueError, LookupError, MemoryError) as error:
        words = clean(str(error).partition("\n")[0])[:200]
        raise ModelImportError(f"not a whole Parquet file: {words}") from None


# -- names ------------------------------------------------------------------------------------------------------------


def read_names(path: Path) -> tuple[list[str], list[str] | None]:
    """Feature names from a file, in its order, and the namespace of each if the file says so.

    The file has one name a line, as it is, in UTF-8, and carriage returns at line ends if all lines have them; or it is
    a table with a column feature (and namespace), for names that have line ends in them. Raises ModelImportError.

    A table's rows of the same feature and namespace count once; of other files duplicates are the caller's to judge.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(1 << 16)
        form = form_of(head, ["feature"])
        if form is None or (form == "tsv" and b"\t" not in head):
            return _plain_names(path), None
    except OSError as error:
        raise ModelImportError(f"{path.name}: cannot be read: {error.strerror or error}") from None
    try:
        table, spaces = open_table(path, ["feature"]), False
        seen: dict[tuple[str, str], None] = {}
        for chunk in table.chunks:
            names = chunk.columns.get("feature") or [None] * len(chunk.places)
            where = chunk.columns.get("namespace") or [None] * len(names)
            spaces = spaces or "namespace" in chunk.columns
            for name, space, place in zip(names, where, chunk.places.tolist(), strict=True):
                if name is not None:
                    for cell in (name, space or ""):
                        if not isinstance(cell, str):
                            raise ModelImportError(f"{table.unit} {place}: {show(cell)} is not text")
                    seen[name, space or ""] = None
        return [name for name, _ in seen], [space for _, space in seen] if spaces else None
    except ModelImportError as error:
        raise ModelImportError(f"{path.name}: {error}") from None


def _plain_names(path: Path) -> list[str]:
    try:
        text = path.read_bytes().removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ModelImportError(f"{path.name}: line {line}: not UTF-8") from None
    names = text.split("\n")
    if not names[-1]:
        names.pop()
    if names and all(name.endswith("\r") for name in names):
        names = [name[:-1] for name in names]
    return names
