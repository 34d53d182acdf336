"""A compressed model back in the form of its source: what the source's own tool, run on it, is to answer alike."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np

from . import fileformat
from .importers import crfsuite
from .importers.records import read_bytes
from .runtime import load
from .tagger import Tagger


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
