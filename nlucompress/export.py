"""Out again: a model as a file that other tools read.

A source goes out as it is; a compressed file holds no names, so it goes out by the names that are given: each is looked
up in the index, and what is found gets its (quantized) weights. A tagging file goes back into CRFsuite's format by the
features of the file that it was made of.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import fileformat
from .errors import ModelImportError
from .importers import crfsuite, import_model, table
from .importers.records import read_bytes
from .importers.tabular import escape, read_names
from .linear import Integers, LinearModel
from .runtime import Model, load
from .tagger import Tagger

CHUNK = 4096  # names looked up at a time


@dataclass(frozen=True)
class Exported:
    """What was written. features: of the model written; names, found: names given, look-ups that found a feature;
    unnamed: features of the index that no name led to; source_check_bits: None unless a compressed file was exported.
    """

    features: int
    names: int | None = None
    missing: int = 0
    unnamed: int = 0
    check_bits: int | None = None

    def remarks(self) -> list[str]:
        """What the user should know: names that led nowhere, features without a name, features that may be strangers'."""
        out: list[str] = []
        if self.names is None:
            return out
        if self.missing:
            out.append(f"{self.missing:,} of {self.names:,} names are not in the index")
        if self.unnamed:
            out.append(f"{self.unnamed:,} of the index's features have no name here: their weights are not written")
        if self.check_bits is not None and self.check_bits < 32:
            out.append(f"a name that is no feature passes for one with probability 2^-{self.check_bits}")
        return out


def is_compressed(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a .nluc, by its content. Raises OSError."""
    with open(path, "rb") as file:
        return file.read(len(fileformat.MAGIC)) == fileformat.MAGIC


def export_tsv(source: LinearModel | Model | str | os.PathLike[str], path: str | os.PathLike[str], *,
               names: str | os.PathLike[str] | None = None, format: str | None = None, overwrite: bool = False
               ) -> Exported:  # fmt: skip
    r"""Write a model as a table of feature, label and weight: see importers/table.py and importers/tabular.py.

    source: what import_model takes, or a compressed model or its file. Of a source the table is the whole model:
    ``import_model(path)`` is equal to it in every bit. Of a compressed one, names is needed: a file of feature names, one a
    line, or a table with a column feature (and namespace). Names of several namespaces that do not say theirs are looked
    up in each.

    Raises ModelImportError (source, names), FormatError (a .nluc), FileExistsError, OSError.

    >>> import nlucompress, pathlib, tempfile
    >>> from nlucompress.linear import LinearModel, Namespace
    >>> model = LinearModel((Namespace("words"),), (("play", "stop"),), np.array([[2.0], [-2.0]]), np.zeros(1),
    ...                     np.array(["no", "yes"]), task="binary", link="sigmoid")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export_tsv(model, folder + "/model.tsv")
    ...     print(pathlib.Path(folder, "model.tsv").read_text().splitlines()[1:])
    ...     nlucompress.import_model(folder + "/model.tsv").link
    ['feature\tlabel\tweight', 'play\tyes\t2.0', 'stop\tyes\t-2.0']
    'sigmoid'
    """
    if (
        not isinstance(source, (LinearModel, Model))
        and isinstance(source, (str, os.PathLike))
        and is_compressed(source)
    ):
        if format is not None:
            raise ModelImportError(f"{Path(source).name}: a .nluc file is of no source's format")
        source = load(source, verify="full")
    if isinstance(source, Model):
        if names is None:
            raise ModelImportError("a compressed model holds no names: give a file of them, one a line")
        given, spaces = read_names(Path(names))
        found = _found(source, given, spaces, Path(names).name)
        fileformat.save(_looked_up(source, given, found), path, overwrite)
        slots = [np.unique(part) for _, part in found]
        hit = np.zeros(len(given), bool)
        for at, _ in found:
            hit[at] = True
        return Exported(sum(len(at) for at, _ in found), len(given), int((~hit).sum()),
                        source.n_features - len(np.unique(np.concatenate(slots))),
                        source.info()["check_bits"])  # fmt: skip
    model = import_model(source, format=format, names=names)
    fileformat.save(table.write(model), path, overwrite)
    return Exported(model.n_features)


def _found(model: Model, names: list[str], spaces: list[str] | None, file: str) -> list[tuple[Integers, Integers]]:
    """Of each namespace: which names it has, and their slots."""
    if len(set(zip(names, spaces or [""] * len(names), strict=True))) != len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ModelImportError(f"{file}: the name {twice!r:.80} stands twice")
    out = []
    known = table.keys(model.frame)
    if spaces is not None:
        strange = sorted(set(spaces) - {*known, ""})
        if strange:
            raise ModelImportError(
                f"{file}: namespace {strange[0]!r:.80} is not one of {', '.join(map(repr, known)):.200}"
            )
    for number, key in enumerate(known):
        asked = np.array([i for i in range(len(names)) if spaces is None or spaces[i] in ("", key)], np.int64)
        slots, hit = model.lookup_many([names[i] for i in asked.tolist()], number)
        out.append((asked[hit], slots[hit]))
    return out


def _looked_up(model: Model, names: list[str], found: list[tuple[Integers, Integers]]) -> Iterator[bytes]:
    """The TSV of what was found."""
    frame, info = model.frame, model.info()
    yield table.head(frame, {"format": "nlucompress", **info.get("source", {})}).encode()
    labels, spaces = table.cells(frame), table.keys(frame)
    for (at, slots), key in zip(found, spaces, strict=True):
        space = escape(key) if len(spaces) > 1 else None
        for start in range(0, len(at), CHUNK):
            part = slots[start : start + CHUNK]
            lengths, columns, weights = model.table.rows(part)
            dense = np.zeros((len(part), frame.n_columns))
            np.add.at(dense, (np.repeat(np.arange(len(part)), lengths), columns), weights)
            idf = model.table.idf(part) if len(frame.idf) else None
            chosen = [names[i] for i in at[start : start + CHUNK].tolist()]
            yield table.rows(chosen, dense, idf, labels, space).encode()


def export_crfsuite(
    model: str | os.PathLike[str], like: str | os.PathLike[str], out: str | os.PathLike[str], overwrite: bool = False
) -> int:
    """Write the dequantized clone of a tagging .nluc file: a CRFsuite model with the features of ``like``.

    like: the .crfsuite file (or its dump) that the model was made of. Returns the bytes written. Raises ModelImportError of
    like, FormatError of model, ValueError if the two have other labels, FileExistsError if out is there and overwrite is
    False.
    """
    tagger = load(model, verify="full")
    if not isinstance(tagger, Tagger):
        raise ValueError(f"{os.fspath(model)}: a {tagger.task} model; only of a tagging model there is a CRFsuite file")
    data = clone(read_bytes(Path(like)), tagger)
    fileformat.save(data, out, overwrite)
    return len(data)


def clone(original: bytes, tagger: Tagger) -> bytes:
    """The CRFsuite file with the features of the original and the weights that the tagger has of them.

    Of a feature that the file dropped as a whole, the weights are 0; but it is found all the same, with another's weights,
    with probability 2^-check_bits. Made with 32 check bits, the clone's tags are the tagger's.
    """
    crf = crfsuite.read_crf(original)
    if crf.labels != tagger.labels():
        raise ValueError(
            f"the original has {len(crf.labels)} labels, the file {len(tagger.labels())}, and not the same"
        )
    features = crf.features.copy()
    is_state = features["type"] == crfsuite.STATE
    slots = tagger.table.find(0, crf.attributes) if crf.attributes else np.empty(0, np.int64)
    known = np.flatnonzero(slots >= 0)
    lengths, columns, weights = tagger.table.rows(slots[known])
    cells = np.repeat(known, lengths) * len(crf.labels) + columns  # (attribute, label), ascending once sorted
    order = np.argsort(cells)
    wanted = features["source"][is_state].astype(np.int64) * len(crf.labels) + features["label"][is_state]
    at = np.minimum(np.searchsorted(cells[order], wanted), max(len(cells) - 1, 0))
    if len(cells):
        features["weight"][is_state] = np.where(cells[order][at] == wanted, weights[order][at], 0.0)
    else:
        features["weight"][is_state] = 0.0
    features["weight"][~is_state] = tagger.transitions[features["source"][~is_state], features["label"][~is_state]]
    return crfsuite.write(dataclasses.replace(crf, features=features))
