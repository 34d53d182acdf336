"""LIBLINEAR's model files, as ``train`` and ``save_model`` write them (Fan et al., LIBLINEAR, JMLR 9, 2008).

A header of lines (solver_type, nr_class, label, nr_feature, bias, w), then a line a feature with one number a column, and
one more line for the bias if that is not negative. A model of two classes has one column, whose positive score means the
*first* label; otherwise the largest score decides, the first of equals.

Features have numbers, 1 to nr_feature: line i of the names file names feature i; without one a feature's name is its
number. A sample is a mapping of names to values, as DictVectorizer takes it: ``{"play": 1.0, "the beatles": 0.5}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import LARGEST, Floats, Integers, LinearModel, Namespace, SparseRows
from .formats import Format
from .records import show
from .tabular import blocks, read_names

SOLVERS = ("L2R_LR", "L2R_L2LOSS_SVC_DUAL", "L2R_L2LOSS_SVC", "L2R_L1LOSS_SVC_DUAL", "MCSVM_CS", "L1R_L2LOSS_SVC",
           "L1R_LR", "L2R_LR_DUAL")  # fmt: skip
OTHERS = {
    "L2R_L2LOSS_SVR": "a regression has no labels", "L2R_L2LOSS_SVR_DUAL": "a regression has no labels",
    "L2R_L1LOSS_SVR_DUAL": "a regression has no labels", "ONECLASS_SVM": "an outlier detector has no labels",
}  # fmt: skip
LOGISTIC = ("L2R_LR", "L1R_LR", "L2R_LR_DUAL")
KEYS = ("solver_type", "nr_class", "label", "nr_feature", "bias", "rho")
MOST_CLASSES = 1 << 16
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")


def sniff(head: bytes) -> bool:
    """Whether a file begins as a LIBLINEAR model does."""
    return head.startswith(b"solver_type ")


def read_liblinear(path: Path, names: Path | None = None) -> LinearModel:
    """A model file's model. Raises ModelImportError with the line, the value and the reason."""
    size = path.stat().st_size
    lines = _Lines(path)
    header: dict[str, str] = {}
    for number, line in lines:
        key, _, value = line.partition(" ")
        if key == "w":
            break
        if key not in KEYS or key in header:
            raise ModelImportError(f"line {number}: {show(line)} is not one of LIBLINEAR's header lines, each once: "
                                   f"{', '.join(KEYS)}")  # fmt: skip
        header[key] = value.strip()
    else:
        raise ModelImportError("the header has no end: a line 'w'")
    solver = header.get("solver_type", "")
    if solver in OTHERS:
        raise ModelImportError(f"solver_type {solver}: {OTHERS[solver]} to decide between")
    if solver not in SOLVERS:
        raise ModelImportError(f"solver_type {show(solver)} is not one of {', '.join(SOLVERS)}")
    count = _integer(header, "nr_class", 1, MOST_CLASSES)
    n = _integer(header, "nr_feature", 0, size)
    bias = _number(header.get("bias", ""), "bias")
    labels = [_label(word) for word in header.get("label", "").split()]
    if len(labels) != count or len(set(labels)) != count:
        raise ModelImportError(f"{len(labels)} labels, {len(set(labels))} of them distinct; nr_class is {count}")
    columns = 1 if count == 2 and solver != "MCSVM_CS" else count
    rows = n + (bias >= 0)
    if 2 * rows * columns > size:
        raise ModelImportError(f"nr_feature {n} and nr_class {count} ask for {rows * columns:,} weights, "
                               f"the file has {size:,} bytes")  # fmt: skip
    words, told = _names(names, n)
    indptr, indices, values = _weights(lines, rows, columns)
    intercept = np.zeros(columns)
    if bias >= 0:
        last = slice(int(indptr[n]), int(indptr[n + 1]))
        intercept[indices[last]] = values[last] * bias
        indptr, indices, values = indptr[: n + 1], indices[: last.start], values[: last.start]
    binary = count == 2
    if binary and columns == 2:  # MCSVM_CS: LIBLINEAR's predict reads the first column alone
        first = indices == 0
        kept = np.concatenate([[0], np.cumsum(first)])
        indptr, indices, values, intercept, columns = kept[indptr], indices[first], values[first], intercept[:1], 1
    link = "identity" if solver not in LOGISTIC else "sigmoid" if binary else "ovr"
    return LinearModel(
        (Namespace("features", "dict"),), (words,), SparseRows(indptr, indices, values, (n, columns)), intercept,
        np.array(labels[::-1] if binary else labels, np.int64), "binary" if binary else "multiclass", link,
        source={"format": f"LIBLINEAR {solver}", **({"remark": told} if told else {})},
    )  # fmt: skip


class _Lines:
    """The lines of a file, with their numbers; then the rest of it in pieces."""

    def __init__(self, path: Path) -> None:
        self._blocks = blocks(path)
        self._first, self._text = next(self._blocks, (1, ""))

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while self._text:
            line, _, self._text = self._text.partition("\n")
            self._first += 1
            yield self._first - 1, line

    def rest(self) -> Iterator[tuple[int, str]]:
        yield self._first, self._text
        yield from self._blocks


def _weights(lines: _Lines, rows: int, columns: int) -> tuple[Integers, npt.NDArray[np.int32], Floats]:
    """The numbers after the header that are not 0, as compressed rows; each line is a row."""
    counts: list[Integers] = []
    indices, values, done = [np.empty(0, np.int32)], [np.empty(0)], 0
    for first, text in lines.rest():
        text = text.rstrip("\n") if done == rows else text
        if not text.strip():
            continue
        lengths = [line.count(" ") + 1 - line.endswith(" ") for line in text.rstrip("\n").split("\n")]
        if done + len(lengths) > rows:
            extra = [line for line in text.rstrip("\n").split("\n")[rows - done :] if line.strip()]
            if extra:
                raise ModelImportError(f"line {first + rows - done}: {rows:,} lines of weights were announced, here is "
                                       f"one more: {show(extra[0])}")  # fmt: skip
            lengths = lengths[: rows - done]
        wrong = next((i for i, length in enumerate(lengths) if length != columns), None)
        if wrong is not None:
            raise ModelImportError(f"line {first + wrong} has {lengths[wrong]} numbers, not {columns}")
        cells = text.split()
        try:
            numbers = np.array([float(cell) for cell in cells])
        except ValueError:
            numbers = np.full(len(cells), np.nan)
        if len(numbers) != len(lengths) * columns or not (np.abs(numbers) <= LARGEST).all() or "_" in text:
            raise _bad_number(first, text, columns)
        dense = numbers.reshape(len(lengths), columns)
        row, column = np.nonzero(dense)
        counts.append(np.bincount(row, minlength=len(lengths)))
        indices.append(column.astype(np.int32))
        values.append(dense[row, column])
        done += len(lengths)
    if done != rows:
        raise ModelImportError(f"{done:,} lines of weights, the header announces {rows:,}: the file is cut off")
    indptr = np.concatenate([[0], *(part for part in counts)]).cumsum().astype(np.int64)
    return indptr, np.concatenate(indices), np.concatenate(values)


def _bad_number(first: int, text: str, columns: int) -> ModelImportError:
    for number, line in enumerate(text.split("\n"), first):
        cells = line.split()
        if line.strip() and len(cells) != columns:
            return ModelImportError(f"line {number} has {len(cells)} numbers, not {columns}")
        for cell in cells:
            try:
                _number(cell, "weight")
            except ModelImportError as error:
                return ModelImportError(f"line {number}: {error}")
    return ModelImportError(f"line {first} and below: not lines of {columns} numbers")


def _number(word: str, what: str) -> float:
    try:
        value = float(word) if "_" not in word else float("nan")
    except ValueError:
        raise ModelImportError(f"{what} {show(word)} is not a number") from None
    if not abs(value) <= LARGEST:
        raise ModelImportError(f"{what} {show(word)} is not a finite number up to {LARGEST:g}")
    return value


def _integer(header: dict[str, str], name: str, least: int, most: int) -> int:
    word = header.get(name, "")
    if not _INTEGER.match(word) or not least <= int(word) <= most:
        raise ModelImportError(f"{name} {show(word)} is not an integer in {least}..{most}")
    return int(word)


def _label(word: str) -> int:
    if not _INTEGER.match(word):
        raise ModelImportError(f"label {show(word)} is not an integer")
    return int(word)


def _names(path: Path | None, n: int) -> tuple[list[str], str]:
    if path is None:
        return [str(i + 1) for i in range(n)], (
            "LIBLINEAR's files hold no names: features go by their numbers, '1' and up; --names FILE names them"
        )
    words, _ = read_names(path)
    if len(words) != n:
        raise ModelImportError(f"{path.name} has {len(words):,} names, the model {n:,} features")
    return words, ""


FORMAT = Format(
    "liblinear",
    "a LIBLINEAR model file (train, save_model), with --names FILE: line i names feature i",
    "labels, decision values and probabilities of every sample, given as {name: value}",
    "regression and one-class models are refused; features have no featurizer: state one by a table",
    sniff=sniff,
    read=read_liblinear,
)
