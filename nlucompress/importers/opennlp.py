"""OpenNLP's maximum entropy models of type GIS -> LinearModel: text, binary, and the one in a .bin package.

The file is a sequence of values, one a line as text, or as Java's DataOutput writes them: "GIS", correction constant,
correction parameter, the outcomes, the patterns (how many predicates share a list of outcomes, then that list), the
predicates in the patterns' order, then each predicate's parameters, one an outcome of its pattern.

A score is the sum of the parameters of a sample's predicates. Before OpenNLP 1.5 it is divided by the correction constant C
and, with a parameter p that is not 0, a label gets ``p · (1 - its number of active parameters / C)``: both are linear, and
carried over. OpenNLP since 1.8 reads neither, and writes 1 and 1.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import ModelImportError
from ..linear import LARGEST, LinearModel, Namespace, SparseRows
from .formats import Format
from .pickles import decompress
from .records import LIMIT, Refused, damage, read_bytes, show

_TEXT, _BINARY, _GZIP = b"GIS\n", b"\x00\x03GIS", b"\x1f\x8b"
_MOST_DIGITS = 400  # of a number
_ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, struct.error, OSError)


class _Values(Protocol):
    """The values of a file in their order. Each call raises ModelImportError with the place."""

    def text(self, what: str) -> str: ...
    def integer(self, what: str) -> int: ...
    def numbers(self, count: int, what: str) -> list[float]: ...
    def count(self, what: str, size: int) -> int:
        """A number of things that follow, at least ``size`` bytes each: no more than the file has room for."""
        ...

    def end(self) -> None:
        """Refuse what follows the model."""
        ...


class _Text:
    """One value a line."""

    def __init__(self, data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise ModelImportError(f"byte {error.start} is not UTF-8") from None
        self._lines = text.replace("\r\n", "\n").split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._at = 0

    def text(self, what: str) -> str:
        if self._at >= len(self._lines):
            raise ModelImportError(f"line {self._at + 1}: the file ends before {what}")
        self._at += 1
        return self._lines[self._at - 1]

    def integer(self, what: str) -> int:
        line = self.text(what)
        digits = line.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 10):
            raise ModelImportError(f"line {self._at}: {what} is {show(line)}, not a whole number")
        return int(line)

    def numbers(self, count: int, what: str) -> list[float]:
        out = []
        for _ in range(count):
            line = self.text(what)
            try:
                out.append(float(line[: _MOST_DIGITS + 1]))
            except ValueError:
                out.append(float("nan"))
            if len(line) > _MOST_DIGITS or not abs(out[-1]) <= LARGEST:
                raise ModelImportError(
                    f"line {self._at}: {what} is {show(line)}, not a finite number up to {LARGEST:g}"
                )
        return out

    def count(self, what: str, size: int) -> int:
        number = self.integer(what)
        if not 0 <= number <= len(self._lines) - self._at:
            raise ModelImportError(
                f"line {self._at}: {what} is {number}, but {len(self._lines) - self._at} lines are left"
            )
        return number

    def end(self) -> None:
        if self._at < len(self._lines):
            raise ModelImportError(
                f"line {self._at + 1}: the model ends, but {len(self._lines) - self._at} lines follow"
            )


class _Binary:
    """Java's DataInput: big-endian integers and doubles, strings in modified UTF-8 after their length."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def _take(self, size: int, what: str) -> bytes:
        if size > len(self._data) - self._at:
            raise ModelImportError(f"byte {self._at}: {what} takes {size} bytes, {len(self._data) - self._at} are left")
        self._at += size
        return self._data[self._at - size : self._at]

    def text(self, what: str) -> str:
        at = self._at
        raw = self._take(int.from_bytes(self._take(2, what), "big"), what)
        try:
            text = raw.replace(b"\xc0\x80", b"\x00").decode("utf-8", "surrogatepass")
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # joins surrogates
        except UnicodeDecodeError:
            raise ModelImportError(f"byte {at}: {what} is {show(raw)}, not modified UTF-8") from None

    def integer(self, what: str) -> int:
        return int.from_bytes(self._take(4, what), "big", signed=True)

    def numbers(self, count: int, what: str) -> list[float]:
        at = self._at
        out = list(struct.unpack(f">{count}d", self._take(8 * count, what)))
        for i, value in enumerate(out):
            if not abs(value) <= LARGEST:
                raise ModelImportError(f"byte {at + 8 * i}: {what} is {value}, not a finite number up to {LARGEST:g}")
        return out

    def count(self, what: str, size: int) -> int:
        number = self.integer(what)
        if not 0 <= number * size <= len(self._data) - self._at:
            raise ModelImportError(
                f"byte {self._at - 4}: {what} is {number}, but {len(self._data) - self._at} bytes are left"
            )
        return number

    def end(self) -> None:
        if self._at < len(self._data):
            raise ModelImportError(f"byte {self._at}: the model ends, but {len(self._data) - self._at} bytes follow")


def is_opennlp(head: bytes) -> bool:
    """Whether a file's first bytes are those of a GIS model, or of a .bin package."""
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 16)
        except zlib.error:
            return False
    return head.replace(b"\r", b"").startswith(_TEXT) or head.startswith(_BINARY) or _is_package(head)


def _is_package(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and head[30:].startswith(b"manifest.properties")


def read_opennlp(path: Path, names: Path | None = None) -> LinearModel:
    """The model of a file of type GIS. Raises ModelImportError with the line or byte, the reason and the way out."""
    if names is not None:
        raise ModelImportError("OpenNLP's models have their predicates with them; names go with files that have none")
    data, packed = read_bytes(path), ""
    try:
        if _is_package(data):
            packed, data = _of_package(data)
        else:
            data = decompress(data) if data.startswith(_GZIP) else data
    except Refused as refused:
        raise refused.error(path.name) from None
    if data.startswith(_BINARY):
        return _model(_Binary(data), packed)
    if data[:5].replace(b"\r", b"").startswith(_TEXT):
        return _model(_Text(data), packed)
    kind = data[2 : 2 + data[1]] if data[:1] == b"\0" else data[:20].split(b"\n")[0]
    raise ModelImportError(f"{packed or 'the model'} is of type {show(kind)}, not GIS; train with the algorithm MAXENT")


def _of_package(data: bytes) -> tuple[str, bytes]:
    """The one model of a .bin package, a zip archive: its name, its bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            models = [info for info in archive.infolist() if info.filename.endswith(".model")]
            if len(models) != 1:
                names = ", ".join(show(info.filename) for info in models[:5]) or "none"
                raise Refused(f"the package has {len(models)} files .model ({names}), not one")
            if models[0].file_size > LIMIT or models[0].file_size > 1100 * len(data):  # more than deflate can pack
                raise Refused(f"{show(models[0].filename)} would unpack to {models[0].file_size} bytes")
            return models[0].filename, archive.read(models[0])
    except _ZIP_DAMAGE as error:
        raise Refused(damage(error)) from None


def _model(values: _Values, packed: str) -> LinearModel:
    values.text("the type")
    constant = values.integer("the correction constant")
    parameter = values.numbers(1, "the correction parameter")[0]
    if constant < 1:
        raise ModelImportError(f"the correction constant is {constant}, not 1 or more")
    remark = "A sample is the list of its predicates (context features)."
    slope, correction = 1.0 / constant, parameter / constant
    if (constant, parameter) == (1, 1.0):  # what OpenNLP writes since 1.8, and does not read
        correction = 0.0
    if (slope, correction) != (1.0, 0.0):
        remark += f" Correction constant {constant} and parameter {parameter:g} count, as before OpenNLP 1.8."
    outcomes = [values.text("an outcome") for _ in range(values.count("the number of outcomes", 2))]
    if len(set(outcomes)) != len(outcomes) or len(outcomes) < 2:
        raise ModelImportError(f"the {len(outcomes)} outcomes are not two or more that differ")
    patterns = [_pattern(values, len(outcomes)) for _ in range(values.count("the number of patterns", 2))]
    predicates = [values.text("a predicate") for _ in range(values.count("the number of predicates", 2))]
    shares = sum(share for share, _ in patterns)
    if shares != len(predicates):
        raise ModelImportError(f"the patterns are of {shares} predicates, the model has {len(predicates)}")
    lengths, indices, data = [], [], []
    for share, columns in patterns:
        for _ in range(share):
            parameters = values.numbers(len(columns), "a parameter")
            row = sorted(zip(columns, parameters, strict=True))
            lengths.append(len(row))
            indices += [column for column, _ in row]
            data += [value * slope - correction for _, value in row]
    values.end()
    indptr = np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)
    weights = SparseRows(indptr, np.array(indices, np.int32), np.array(data), (len(predicates), len(outcomes)))
    about = {"format": "OpenNLP", "model": f"GIS{f', {packed}' if packed else ''}", "remark": remark}
    return LinearModel(
        (Namespace("predicates", analyzer="features"),), (tuple(predicates),), weights, np.zeros(len(outcomes)),
        np.array(outcomes, dtype=object), link="softmax", source=about,
    )  # fmt: skip


def _pattern(values: _Values, outcomes: int) -> tuple[int, list[int]]:
    """How many predicates have parameters for which outcomes."""
    line = values.text("a pattern")
    numbers = [int(part) for part in line.split() if part.isascii() and part.isdecimal() and len(part) < 11]
    share, columns = (numbers[0], numbers[1:]) if numbers else (0, [])
    if (
        len(numbers) != len(line.split())
        or not columns
        or len(set(columns)) != len(columns)
        or max(columns) >= outcomes
    ):
        raise ModelImportError(
            f"the pattern {show(line)} is not a number of predicates and outcomes below {outcomes}, each once"
        )
    return share, columns


FORMAT = Format(
    "opennlp",
    "an OpenNLP maximum entropy model (GIS): text (also gzipped), binary, or a .bin package with one",
    "outcomes and probabilities of lists of predicates; correction constant and parameter of files from before OpenNLP 1.8",
    "predicates are made by OpenNLP's context generator, outside; predicates with real values count whole; perceptron, "
    "naive Bayes and quasi-Newton models are refused",
    sniff=is_opennlp,
    read=read_opennlp,
)
