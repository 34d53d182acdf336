"""One model of a fleet, from its source to the bytes of its file: what a worker does, wherever it runs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import sources
from ..compress import Compressed, compress
from ..data import field_of, read_samples, read_tagged
from ..errors import one_line
from ..importers import import_model
from ..linear import LinearModel
from ..measure import Comparison, compare, predicted
from ..reference import exact
from ..search import search
from ..search.trials import Texts
from ..verify_tags import compare_tags
from ..version import VERSION
from . import places
from .manifest import BUDGET, STAGES, Entry

Record = dict[str, Any]
"""What is known of a model, as JSON holds it: name, source, status, and the figures or the error."""


@dataclass(frozen=True)
class Job:
    """An entry to work on. known: the key of what is there already, or None; replace: whether it may be overwritten."""

    entry: Entry
    best_effort: bool = False
    known: str | None = None
    replace: bool = False
    version: str = VERSION


@dataclass(frozen=True)
class Result:
    """What a job gave. key: of source, data and options; data: the file, None if there is none to write."""

    record: Record
    key: str | None = None
    data: bytes | None = None


def work(job: Job) -> Result:
    """Do it. An error is a record too, and ends nothing else.

    The record's status is "done", "kept" (finished by an earlier run), "missed" (no candidate holds the budget), "failed".
    """
    began, entry = time.perf_counter(), job.entry
    record: Record = {"name": entry.name, "status": "failed", "source": entry.source}
    key, data = None, None
    try:
        if job.version != VERSION:
            raise ValueError(f"this worker has nlucompress {VERSION}, the command {job.version}")
        with places.local(entry.source, entry.names, entry.data, entry.held_out) as (source, names, texts, held_out):
            assert source is not None
            key, source_bytes = _key(job, source, names, texts, held_out)
            if key == job.known:
                return Result({**record, "status": "kept"}, key)
            if job.known is not None and not job.replace:
                raise FileExistsError("the output is there, of another source or other options; --force overwrites it")
            facts, compressed = _compressed(job, source, names, texts, held_out)
        record |= {"source_bytes": source_bytes, **facts, "status": "missed" if compressed is None else "done"}
        data = None if compressed is None else compressed.data
    except Exception as error:  # one bad model does not stop the others
        expected = isinstance(error, (ValueError, TypeError, OSError, ImportError, MemoryError))
        record["error"] = one_line(error) if expected else f"{type(error).__name__}: {one_line(error)}"
    record["seconds"] = round(time.perf_counter() - began, 3)
    return Result(record, key, data)


def _key(job: Job, *paths: Path | None) -> tuple[str, int]:
    """A digest of all that the file and its record depend on; and the bytes of the source."""
    digests = [None if path is None else sources.digest(path) for path in paths]
    assert digests[0] is not None
    parts = {
        "version": VERSION, "files": [one and one[0] for one in digests], "format": job.entry.format,
        "options": job.entry.options or {}, "best_effort": job.best_effort,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest(), digests[0][1]


def _compressed(job: Job, source: Path, names: Path | None, data: Path | None, held_out: Path | None
                ) -> tuple[Record, Compressed | None]:  # fmt: skip
    """What it cost, and the file unless none holds the budget."""
    options = dict(job.entry.options or {})
    stages = {name: options.pop(name) for name in STAGES if name in options}
    model = import_model(source, format=job.entry.format, names=names)
    if not BUDGET.keys() & options.keys():
        compressed = compress(model, **stages)
        return {**_facts(compressed), **(_cost(model, compressed, data, options) if data else {})}, compressed
    assert data is not None
    found = search(model, data, held_out=held_out, space=stages, **options)
    facts = {**_facts(found.compressed), **_comparison(found.estimate, found.budget.yardstick), "tried": found.tried}
    if found.remarks:
        facts["remarks"] = list(found.remarks)
    if not found.met:
        facts["missed"] = found.complaint()
    return facts, found.compressed if found.met or job.best_effort else None


def _facts(compressed: Compressed) -> Record:
    info = compressed.info()
    return {name: info[name] for name in ("bytes", "features", "classes", "options")}


def _cost(model: LinearModel, compressed: Compressed, data: Path, options: Mapping[str, Any]) -> Record:
    """What compressing cost on data, without a search."""
    if model.task == "tagging":
        tags = compare_tags(model, compressed.tagger(), *read_tagged(data))
        before, after = tags["f1_before"], tags["f1_after"]
        return {"texts": tags["sequences"], "yardstick": "f1", "loss": 100 * (before - after),
                "flips": tags["tag_flip_share"]}  # fmt: skip
    made = compressed.model()
    samples, labels = read_samples(data, field_of(model.namespaces), labelled=False)
    multilabel, yardstick = model.task == "multilabel", options.get("yardstick")
    before, after = (predicted(one.predict(samples), model.classes, multilabel) for one in (exact(model), made))
    right = Texts(samples, [], labels).right(model)
    found = compare(before, after, right, len(model.classes))
    return _comparison(found, yardstick or ("same-label" if right is None else "accuracy"))


def _comparison(found: Comparison, yardstick: Any) -> Record:
    accuracy = {} if found.accuracy is None else {"accuracy": list(found.accuracy)}
    costs = {"loss": found.loss(yardstick), "flips": found.flips}
    return {"texts": found.texts, "yardstick": yardstick, **costs, **accuracy}
