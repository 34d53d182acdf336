"""Targets: readers of sources, of names, templates, data, manifests and states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from nlucompress.data import read_labelled, read_samples, read_tagged
from nlucompress.errors import ModelImportError, TemplateError
from nlucompress.fleet.manifest import read_entries
from nlucompress.importers import import_model
from nlucompress.importers.tabular import read_names
from nlucompress.linear import LinearModel, Namespace
from nlucompress.search.budget import Budget
from nlucompress.search.trials import State, Texts, Trials
from nlucompress.template import Template

from . import mutate, opcodes, seeds
from .mutate import Mutator
from .targets import MIB, Target


def _import(format_: str | None = None) -> Any:
    def read(path: Path) -> None:
        model = import_model(path, format=format_)
        if model.n_features:
            weights = model.weights
            weights[:1] if isinstance(weights, np.ndarray) else weights.dense(0, 1)

    return read


def _pickled(data: bytes, draw: Random) -> bytes:
    return opcodes.change(data, draw)


def _joblib(draw: Random) -> bytes:
    data = opcodes.program(draw)
    return mutate.compressed(data, draw) if draw.random() < 0.5 else data


def _by_content(data: bytes, draw: Random) -> bytes:
    """Changes that go with what a file of OpenNLP is."""
    if data.startswith(b"PK"):
        return mutate.archive(mutate.raw)(data, draw)
    return (
        mutate.text(data, draw)
        if data.startswith(b"GIS")
        else mutate.packed(mutate.text if data[:1] == b"\x1f" else mutate.raw)(data, draw)
    )


def _table(data: bytes, draw: Random) -> bytes:
    """Changes of the facts, or of the rows."""
    if data.startswith(b"# nlucompress ") and draw.random() < 0.6:
        facts, _, rest = data[14:].partition(b"\n")
        return b"# nlucompress " + mutate.as_json(facts, draw) + b"\n" + rest
    return mutate.json_lines(data, draw) if data.startswith(b"{") else mutate.text(data, draw)


def _names(data: bytes, draw: Random) -> bytes:
    return mutate.raw(data, draw) if data.startswith(b"PAR1") else _table(data, draw)


def _json_lines(data: bytes, draw: Random) -> bytes:
    return mutate.packed(mutate.json_lines)(data, draw)


def _either(first: Mutator, second: Mutator) -> Mutator:
    return lambda data, draw: (first if draw.random() < 0.7 else second)(data, draw)


def _liblinear(path: Path) -> None:
    names = path / "names"
    import_model(path / "model", format="liblinear", names=names if names.is_file() else None)


def _template(path: Path) -> None:
    template = Template.load(path)
    tokens: list[Any] = ["Play", "Jazz", "é1", ""]
    template.features([[token] * template.columns for token in tokens] if template.columns > 1 else tokens)
    assert Template.stored(template.data()) == template


def _data(path: Path) -> None:
    """Every reader of such data; it counts as read if one of them reads it."""
    refused: list[ValueError] = []
    for read in _READERS:
        try:
            read(path)
        except ValueError as error:
            refused.append(error)
            if type(error) is not ValueError:
                raise
    if len(refused) == len(_READERS):
        raise refused[0]


_PLAIN = Template.parse({"features": [{"name": "w", "value": []}]})
_READERS: tuple[Callable[[Path], Any], ...] = (
    read_labelled,
    lambda path: read_samples(path, None, False),
    read_tagged,
    lambda path: read_tagged(path, _PLAIN),
)


def _manifest(path: Path) -> None:
    for one in sorted(path.iterdir()):
        if one.suffix in (".jsonl", ".csv"):
            read_entries(str(one))


_MODEL = LinearModel(
    (Namespace("words"),), (["off", "on"],), np.array([[-1.0], [1.0]]), np.zeros(1), np.array(["off", "on"]), "binary"
)
_TEXTS = Texts(["on", "off", "on on", "x"], ["on", "off", "on on", "x"], ["on", "off", "on", "on"])


def _state(path: Path) -> None:
    state = State(path, seeds.SEARCH)
    trials = Trials(_MODEL, _MODEL, "f", _TEXTS, np.ones(4, np.int64), Budget(max_flips=0.5), 0, state)
    for record in state._records.values():
        trials(record["options"])


TARGETS = {
    target.name: target
    for target in (
        Target(
            "pickle", seeds.pickles, _pickled, _import(), (ModelImportError,), 600, 96 * MIB, "m.pkl", opcodes.program
        ),
        Target(
            "joblib",
            seeds.joblib,
            mutate.packed(opcodes.change),
            _import(),
            (ModelImportError,),
            4000,
            256 * MIB,
            "m.joblib",
            _joblib,
        ),
        Target("skops", seeds.skops, mutate.archive(mutate.npy), _import(), (ModelImportError,), 4000, 96 * MIB),
        Target(
            "crfsuite", lambda: seeds.files("crfsuite/*.crfsuite"), mutate.raw, _import("crfsuite"), (ModelImportError,)
        ),
        Target(
            "crfsuite-dump",
            lambda: seeds.files("crfsuite/*.txt"),
            mutate.text,
            _import("crfsuite"),
            (ModelImportError,),
        ),
        Target("nltk", seeds.nltk, _pickled, _import(), (ModelImportError,), 600, 96 * MIB),
        Target("nltk-tabs", seeds.nltk_tabs, mutate.in_folder(mutate.text), _import(), (ModelImportError,), file=""),
        Target("opennlp", seeds.opennlp, _by_content, _import("opennlp"), (ModelImportError,), 4000),
        Target("snips", seeds.snips, mutate.in_folder(mutate.as_json), _import("snips"), (ModelImportError,), file=""),
        Target(
            "fasttext",
            lambda: seeds.files("fasttext-0.9.3/*.bin", "fasttext-0.9.3/*.ftz"),
            mutate.raw,
            _import("fasttext"),
            (ModelImportError,),
        ),
        Target("liblinear", seeds.liblinear, mutate.in_folder(mutate.text), _liblinear, (ModelImportError,), file=""),
        Target(
            "vowpal-wabbit",
            lambda: seeds.files("trainers/*.invert", "trainers/*.readable"),
            mutate.text,
            _import("vowpal-wabbit"),
            (ModelImportError,),
        ),
        Target("table", seeds.tables, _table, _import("table"), (ModelImportError,)),
        Target("parquet", seeds.parquet, mutate.raw, _import("table"), (ModelImportError,), plus=512 * MIB),
        Target(
            "any",
            lambda: [
                *seeds.pickles()[:9],
                *seeds.skops()[:2],
                *seeds.tables(),
                *seeds.opennlp(),
                *seeds.models()[:3],
                *seeds.files("crfsuite/small.*", "trainers/*.readable", "fasttext-0.9.3/*.bin"),
            ],
            _either(mutate.raw, mutate.text),
            _import(),
            (ModelImportError,),
            4000,
            256 * MIB,
        ),
        Target("names", seeds.names, _names, read_names, (ModelImportError,), plus=512 * MIB),
        Target("template", seeds.templates, mutate.as_json, _template, (TemplateError,)),
        Target("data", seeds.data, mutate.json_lines, _data, (ValueError,), file="data.jsonl"),
        Target("data-gzip", seeds.data_gzip, _json_lines, _data, (ValueError,), 4000, 160 * MIB, file="data.jsonl.gz"),
        Target(
            "manifest",
            seeds.manifests,
            mutate.in_folder(mutate.json_lines),
            _manifest,
            (ValueError, FileNotFoundError),
            file="",
        ),
        Target("search-state", seeds.states, mutate.json_lines, _state, (ValueError,), writes=True),
    )
}
