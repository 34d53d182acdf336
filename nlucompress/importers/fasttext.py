"""A supervised fastText model, ``.bin`` or ``.ftz``, as a LinearModel.

fastText averages the input matrix's rows of a text's words, of the buckets of their subwords and of the buckets of word
n-grams, and multiplies the mean by the output matrix. So each word and bucket has a row of one weight a label, its input
row times the output matrix, and a text's value of it is its share of all the text's words and buckets: an l1 norm. The
rows stay a product (linear.Product), so that a model of two million buckets needs no more memory than its file.

Every count is checked against the bytes that are there before it is used. The layout is fastText's own, of its file
versions 11 and 12 (``args.cc``, ``dictionary.cc``, ``densematrix.cc``, ``quantmatrix.cc`` of fastText 0.9.3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import LinearModel, Namespace, Product, Step
from .formats import Format
from .records import clean, read_bytes

MAGIC = struct.pack("<i", 793712314)
VERSIONS = (11, 12)  # 11 knows no subwords in supervised models
LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "one-vs-all"}
MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}
PREFIX = "__label__"
END = "</s>"
CENTROIDS = 256  # of a product quantizer: a code is one byte
FREE_CELLS, CELLS_A_BYTE = 1 << 24, 256  # numbers that codes may stand for: some, and so many for each byte of the file
ENTRY = 10  # bytes of a dictionary's entry with an empty word


class _Reader:
    """The file's bytes, read from the start, each piece checked against what is left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def size(self) -> int:
        return len(self._data)

    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, what: str, count: int, size: int = 1) -> int:
        """Where the next count things of size bytes begin; they are there."""
        if count < 0 or count * size > self.left():
            raise ModelImportError(
                f"byte {self.at}: {what}: {count} of {size} bytes each, the file has {self.left()} more"
            )
        start, self.at = self.at, self.at + count * size
        return start

    def numbers(self, what: str, form: str) -> tuple[Any, ...]:
        return struct.unpack_from("<" + form, self._data, self.take(what, 1, struct.calcsize("<" + form)))

    def array(self, what: str, count: int, kind: str) -> npt.NDArray[Any]:
        dtype = np.dtype(kind)
        return np.frombuffer(self._data, dtype, count, self.take(what, count, dtype.itemsize))

    def flag(self, what: str) -> bool:
        at = self.at
        (value,) = self.numbers(what, "B")
        if value > 1:
            raise ModelImportError(f"byte {at}: {what} is {value}, not 0 or 1")
        return bool(value)

    def word(self, what: str) -> bytes:
        """The bytes up to the next zero."""
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise ModelImportError(f"byte {self.at}: {what} does not end")
        start, self.at = self.at, end + 1
        return self._data[start:end]


@dataclass(frozen=True)
class _Dictionary:
    """words, labels: as bytes. buckets: None, or of a pruned model the bucket of each kept row (n_kept,), rows from 0."""

    words: list[bytes]
    labels: list[bytes]
    buckets: npt.NDArray[np.int64] | None


def read_fasttext(path: Path, names: Path | None = None) -> LinearModel:
    """The model of a supervised ``.bin`` or ``.ftz`` file; losses softmax, one-vs-all and ns.

    Classes are the labels without ``__label__``; with another prefix, which the file does not tell, as they are. Raises
    ModelImportError with the byte or the field, the value and the limit.
    """
    if names is not None:
        raise ModelImportError("a fastText model brings its words; names go with files that have none")
    reader = _Reader(read_bytes(path))
    if reader.numbers("magic", "4s")[0] != MAGIC:
        raise ModelImportError("byte 0: this is no fastText model: another magic number")
    (version,) = reader.numbers("version", "i")
    if version not in VERSIONS:
        raise ModelImportError(f"byte 4: fastText file version {version}: 11 and 12 are read")
    fields = ("dim", "ws", "epoch", "minCount", "neg", "wordNgrams", "loss", "model", "bucket", "minn", "maxn")
    args = dict(zip(fields, reader.numbers("arguments", "11i4xd"), strict=False))
    if version == 11:
        args["maxn"] = 0
    _check(args)
    dictionary = _dictionary(reader)
    quantized = reader.flag("whether the input matrix is quantized")
    if dictionary.buckets is not None and not quantized:
        raise ModelImportError("the dictionary is pruned, but the input matrix is not quantized")
    inputs = _matrix(reader, "input matrix", args["dim"], quantized)
    outputs = _matrix(
        reader, "output matrix", args["dim"], reader.flag("whether the output matrix is quantized") and quantized
    )
    if reader.left():
        raise ModelImportError(f"byte {reader.at}: {reader.left()} bytes after the model's end")
    if len(outputs) != len(dictionary.labels):
        raise ModelImportError(f"output matrix: {len(outputs)} rows for {len(dictionary.labels)} labels")
    return _model(args, dictionary, inputs, outputs)


def _check(args: dict[str, int]) -> None:
    """What cannot be carried over, or is no argument of fastText's."""
    model, loss = (known.get(args[name], str(args[name])) for name, known in (("model", MODELS), ("loss", LOSSES)))
    if model != "supervised":
        raise ModelImportError(f"model {model!r}: word vectors have no labels; a model of train_supervised is read")
    if loss not in ("softmax", "one-vs-all", "ns"):
        reason = "its probabilities are products along a tree, not of one score a label; " if loss == "hs" else ""
        raise ModelImportError(f"loss {loss!r}: {reason}softmax, one-vs-all and ns are read")
    for name, least, most in (("dim", 1, 1 << 20), ("wordNgrams", 0, 1000), ("minn", 0, 1000), ("maxn", 0, 1000),
                              ("bucket", 0, (1 << 31) - 1)):  # fmt: skip
        if not least <= args[name] <= most:
            raise ModelImportError(f"arguments: {name} {args[name]} is not in {least}..{most}")
    if (args["wordNgrams"] > 1 or args["maxn"]) and not args["bucket"]:
        raise ModelImportError("arguments: bucket 0, but there are word n-grams or subwords to put in buckets")


def _dictionary(reader: _Reader) -> _Dictionary:
    at = reader.at
    size, n_words, n_labels, _, pruned = reader.numbers("dictionary", "3i2q")
    if n_words < 0 or n_labels < 1 or n_words + n_labels != size or size * ENTRY > reader.left():
        raise ModelImportError(f"byte {at}: dictionary: {n_words} words and {n_labels} labels, {size} in all, "
                               f"in {reader.left()} bytes")  # fmt: skip
    if pruned < -1 or pruned * 8 > reader.left():
        raise ModelImportError(f"byte {at}: dictionary: {pruned} buckets are kept, in {reader.left()} bytes")
    entries: list[bytes] = []
    for number in range(size):
        entries.append(reader.word(f"word {number}"))
        at = reader.at
        _, kind = reader.numbers(f"word {number}", "qb")
        if kind != (number >= n_words):
            wanted = "label" if number >= n_words else "word"
            raise ModelImportError(f"byte {at}: entry {number} of the dictionary has type {kind}, and is a {wanted}")
    if pruned < 0:
        return _Dictionary(entries[:n_words], entries[n_words:], None)
    at = reader.at
    pairs = reader.array("kept buckets", 2 * pruned, "<i4").reshape(pruned, 2).astype(np.int64)
    buckets = np.full(pruned, -1)
    inside = ((pairs >= 0) & (pairs < [1 << 31, pruned])).all(axis=1)
    buckets[pairs[inside, 1]] = pairs[inside, 0]
    if not inside.all() or (buckets < 0).any() or len(np.unique(buckets)) < pruned:
        raise ModelImportError(f"byte {at}: the {pruned} kept buckets do not have a row each, 0 to {pruned - 1}")
    return _Dictionary(entries[:n_words], entries[n_words:], buckets)


def _matrix(reader: _Reader, what: str, dim: int, quantized: bool) -> npt.NDArray[np.float32]:
    """A dense matrix in place, or what the codes of a quantized one stand for: (n_rows, dim) float32."""
    norms = quantized and reader.flag(f"{what}: whether norms are quantized")
    at = reader.at
    rows, columns = reader.numbers(what, "2q")
    if rows < 1 or columns != dim:
        raise ModelImportError(f"byte {at}: {what}: {rows} × {columns}, expected one row or more of {dim}")
    if not quantized:
        return reader.array(what, rows * columns, "<f4").reshape(rows, columns)
    (size,) = reader.numbers(f"{what}: codes", "i")
    parts = size // rows if size > 0 else 0
    if parts < 1 or parts * rows != size or parts > dim:
        raise ModelImportError(f"byte {reader.at - 4}: {what}: {size} codes for {rows} rows of {dim} numbers")
    most = FREE_CELLS + CELLS_A_BYTE * reader.size()
    if rows * dim > most:
        raise ModelImportError(f"byte {at}: {what}: {rows} rows of {dim} numbers from {size} codes; of a file of "
                               f"{reader.size()} bytes at most {most} numbers are made")  # fmt: skip
    codes = reader.array(f"{what}: codes", size, "u1").reshape(rows, parts)
    centroids = _quantizer(reader, what, dim, parts)
    dense = np.concatenate([part[codes[:, i]] for i, part in enumerate(centroids)], axis=1)
    if norms:
        lengths = reader.array(f"{what}: norms", rows, "u1")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then, LinearModel refuses
            dense *= _quantizer(reader, f"{what}: norms", 1, 1)[0][lengths]
    return dense


def _quantizer(reader: _Reader, what: str, dim: int, parts: int) -> list[npt.NDArray[np.float32]]:
    """The centroids of each part of a vector: (256, numbers of the part)."""
    at = reader.at
    found = reader.numbers(f"{what}: quantizer", "4i")
    size = found[2]
    last = dim - (parts - 1) * size
    if found != (dim, parts, size, last) or not 1 <= last <= size:
        raise ModelImportError(f"byte {at}: {what}: a quantizer of {found[0]} numbers in {found[1]} parts of {size}, the "
                               f"last of {found[3]}; expected {dim} in {parts}")  # fmt: skip
    values = reader.array(f"{what}: centroids", dim * CENTROIDS, "<f4")
    cut = (parts - 1) * size * CENTROIDS
    return [*values[:cut].reshape(parts - 1, CENTROIDS, size), values[cut:].reshape(CENTROIDS, last)]


def _model(args: dict[str, int], dictionary: _Dictionary, inputs: npt.NDArray[np.float32],
           outputs: npt.NDArray[np.float32]) -> LinearModel:  # fmt: skip
    """The LinearModel of what the file says."""
    n_words, kept = len(dictionary.words), dictionary.buckets
    hashed = args["bucket"] if kept is None else len(kept)
    if len(inputs) != n_words + hashed:
        raise ModelImportError(f"input matrix: {len(inputs)} rows for {n_words} words and {hashed} buckets")
    classes, dropped = _labels(dictionary.labels)
    readable = [(row, text) for row, word in enumerate(dictionary.words) if (text := _text(word)) is not None]
    for row, text in readable:
        if text.startswith(PREFIX):
            raise ModelImportError(f"word {row} {text!r:.60}: of a model with another label prefix, fastText takes it for "
                                   f"a word, but every other word with {PREFIX} for a label")  # fmt: skip
    spaces = [Namespace("words", analyzer="fasttext", stop_words=dropped)]
    features = [[text for _, text in readable]]
    rows = [np.array([row for row, _ in readable], np.int64)]
    subwords = (max(args["minn"], 1), args["maxn"]) if max(args["minn"], 1) <= args["maxn"] else (0, 0)
    if hashed and (args["wordNgrams"] > 1 or subwords != (0, 0)):
        numbers = np.arange(hashed) if kept is None else kept
        if numbers.max() >= args["bucket"]:
            raise ModelImportError(f"kept bucket {numbers.max()} is not in 0..{args['bucket'] - 1}")
        spaces.append(Namespace(
            "buckets", analyzer="fasttext", stop_words=dropped, ngram_range=(1, max(args["wordNgrams"], 1)),
            subwords=subwords, hash_columns=args["bucket"], unseen=1.0 if kept is None else 0.0,
        ))  # fmt: skip
        features.append(list(map(str, numbers.tolist())))
        rows.append(n_words + np.arange(hashed))
    order = np.concatenate(rows)
    left = inputs[: len(order)] if np.array_equal(order, np.arange(len(order))) else inputs[order]
    loss = LOSSES[args["loss"]]
    source = {"format": "fastText supervised model", "loss": loss, "dim": str(args["dim"]), "words": str(n_words)}
    if len(readable) < n_words:  # no text has them
        source["words that are not UTF-8"] = str(n_words - len(readable))
    return LinearModel(
        tuple(spaces), tuple(features), Product(left, outputs.T), np.zeros(len(classes)), classes, "multiclass",
        "softmax" if loss == "softmax" else "sigmoid", steps=(Step("norm", tuple(range(len(spaces))), "l1"),),
        source=source,
    )  # fmt: skip


def _labels(labels: list[bytes]) -> tuple[npt.NDArray[Any], tuple[str, ...] | None]:
    """The classes, and the words of a text that are labels and cannot be told by their prefix."""
    names = []
    for number, label in enumerate(labels):
        text = _text(label)
        if text is None or text == END:
            raise ModelImportError(f"label {number} {clean(repr(label))[:60]}: not UTF-8, or the end of a text")
        names.append(text)
    stripped = all(name.startswith(PREFIX) for name in names)
    classes = np.array([name.removeprefix(PREFIX) for name in names] if stripped else names)
    others = tuple(name for name in names if not name.startswith(PREFIX))
    return classes, others or None


def _text(word: bytes) -> str | None:
    try:
        return word.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


FORMAT = Format(
    "fasttext",
    "a supervised fastText model (0.9), .bin or .ftz",
    "labels (without __label__), scores and probabilities of every text; hashes of subwords and word n-grams; .ftz too",
    "loss hs is refused; one-vs-all and ns have exact probabilities, where fastText reads a table of 512; of a text with "
    "nothing known fastText gives no label, here the first; a line feed is white space, where fastText refuses it",
    sniff=lambda head: head.startswith(MAGIC),
    read=read_fasttext,
)
