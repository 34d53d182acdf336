"""Many models at once: entries of a manifest -> jobs on loky, Dask or Ray -> one file each, and a journal.

    manifest ── read_entries ──> Entry ──> Job ── engine: work ──> Result ──> journal, then NAME.nluc

A worker makes bytes; this process alone writes, so that a worker which dies leaves nothing behind and every model is there
once. A file depends on its source, data and options, not on where it was made. The optional packages are the extra "fleet".
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FleetError, one_line
from .engines import Run, WorkerDiedError, engine
from .job import Job, Record, Result
from .manifest import Entry, check, read_entries
from .target import Journal, Line, Target, opened

__all__ = ["Entry", "Record", "Summary", "compress_many", "read_entries"]
STATUSES = ("done", "kept", "missed", "failed")
SHOWN = 3  # outputs that are in the way, named in an error


@dataclass(frozen=True)
class Summary:
    """What became of a fleet's models: all in all, and how many of each status.

    done: written now; kept: finished by an earlier run; missed: no candidate holds the budget; failed: an error.
    source_bytes, bytes: of the models that are there. seconds: of this run.
    """

    models: int
    done: int
    kept: int
    missed: int
    failed: int
    source_bytes: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        counts = ((getattr(self, status), status) for status in STATUSES)
        words = f"{self.models:,} models in {self.seconds:,.1f} s: "
        words += ", ".join(f"{count:,} {status}" for count, status in counts if count)
        if self.bytes:
            words += (
                f"; {self.bytes:,} bytes, 1/{self.source_bytes / self.bytes:.3g} of the sources' {self.source_bytes:,}"
            )
        return words


def compress_many(
    source: str | os.PathLike[str] | Iterable[Entry],
    output: str | os.PathLike[str],
    *,
    options: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    dask: int | None = None,
    scheduler: str | None = None,
    ray: bool = False,
    best_effort: bool = False,
    overwrite: bool = False,
    journal: str | os.PathLike[str] | None = None,
    begin: Callable[[int], object] | None = None,
    done: Callable[[Record], object] | None = None,
) -> Summary:
    r"""Compress many models; each becomes output/NAME.nluc.

    source: a manifest (.jsonl, .csv), a pattern of paths, or entries: see read_entries. output: a folder, its URL, or
    a .nlub.
    options: those of ``compress`` and ``search`` for all models, also format, names, data and held_out; a manifest's line
    has the last word. jobs, dask, scheduler, ray: where the work is done, see ``engines.engine``; processes of this
    machine by default. best_effort: write the closest file where none holds the budget. overwrite: replace files that are
    there and were not made of the same source and options. journal: its file, output/fleet.jsonl by default.
    begin: is called with the number of models before the first one; done: with each model's record, as they are ready.

    A model that fails is a record with an error; the others go on. What a journal says is finished, of the same source,
    data, options and version, is kept. The same files come out whatever does the work.
    Raises, before any work, ValueError and FileNotFoundError (source), FileExistsError (files in the way),
    ModuleNotFoundError (the extra "fleet"); FleetError if a run cannot go on: the same call goes on from where it ended.

    >>> import pathlib, tempfile
    >>> import nlucompress
    >>> from nlucompress.fleet import compress_many
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("music", "weather"):
    ...     _ = (folder / f"{name}.tsv").write_text(f"feature\tlabel\tweight\n{name}\tyes\t1\nno\tno\t1\n")
    >>> str(compress_many(folder / "*.tsv", folder / "out", jobs=1))[:10]
    '2 models i'
    >>> nlucompress.load(folder / "out" / "music.nluc").predict([["music"]]).tolist()
    ['yes']
    """
    began = time.monotonic()
    if isinstance(source, (str, os.PathLike)):
        entries = read_entries(os.fspath(source), options)
    elif options:
        raise ValueError("options go with a manifest or a pattern; entries have their own")
    else:
        check(entries := list(source))
    records: dict[str, Record] = {}
    with opened(os.fspath(output), None if journal is None else os.fspath(journal)) as (target, book):
        work = {job.entry.name: job for job in _jobs(entries, target, book, best_effort, overwrite)}
        if begin is not None:
            begin(len(work))
        try:
            with engine(jobs, dask, scheduler, ray) as run:
                for result in _results(work, run):
                    record = _accepted(result, target, book, overwrite)
                    records[record["name"]] = record
                    if done is not None:
                        done(record)
            target.flush()
        except BrokenPipeError:  # who reads the records is gone
            raise
        except (FleetError, OSError) as error:
            finished = sum(record["status"] != "failed" for record in records.values())
            raise FleetError(f"{one_line(error)}; {finished:,} of {len(entries):,} models are finished and kept, the same "
                             "command goes on from there") from error  # fmt: skip
    return _summary(records.values(), time.monotonic() - began)


def _jobs(entries: Iterable[Entry], target: Target, book: Journal, best_effort: bool, overwrite: bool) -> Iterator[Job]:
    """What is to do, each with what is there already. Raises FileExistsError for files of no journal, unless overwrite."""
    strange = []
    for entry in entries:
        digest = target.digest(entry.name)
        if digest is None:
            last = book.last(entry.name)
            line = last if last is not None and last.sha256 is None else None
        else:
            line = book.of_file(entry.name, digest)
            strange += [entry.name] if line is None else []
        yield Job(entry, best_effort, None if line is None else line.key, overwrite or digest is None)
    if strange and not overwrite:
        names = ", ".join(f"{name}.nluc" for name in strange[:SHOWN]) + (", …" if len(strange) > SHOWN else "")
        raise FileExistsError(
            f"{len(strange):,} files are in the way that the journal {book.path} does not know: {names}"
        )


def _results(work: Mapping[str, Job], run: Run) -> Iterator[Result]:
    """The result of each job, once. Where a worker dies, the jobs that were under way are done one by one.

    Which of them it was, joblib does not say; alone, each can be held to account.
    """
    left = dict(work)
    while left:
        flying: dict[str, Job] = {}

        def feed(flying: dict[str, Job] = flying, jobs: tuple[Job, ...] = tuple(left.values())) -> Iterator[Job]:
            for job in jobs:
                flying[job.entry.name] = job
                yield job

        try:
            for result in run(feed()):
                name = result.record["name"]
                flying.pop(name, None)
                if left.pop(name, None) is not None:
                    yield result
        except WorkerDiedError:
            for name, job in flying.items():
                del left[name]
                yield _alone(job, run)


def _alone(job: Job, run: Run) -> Result:
    try:
        return next(iter(list(run([job]))))
    except WorkerDiedError as error:
        record = {"name": job.entry.name, "status": "failed", "source": job.entry.source}
        return Result({**record, "error": f"the worker's process died: {error}"})


def _accepted(result: Result, target: Target, book: Journal, overwrite: bool) -> Record:
    """The record of a result that is written down; FileExistsError is the model's own, other errors of writing are not."""
    record, name = result.record, result.record["name"]
    if record["status"] == "kept":
        line = next(line for line in book.lines(name) if line.key == result.key)
        there = {"status": "kept", "output": target.where(name)}
        return {**line.record, **(there if line.sha256 else {})}
    if result.key is None or record["status"] == "failed":
        return record
    digest = None if result.data is None else hashlib.sha256(result.data).hexdigest()
    record |= {"sha256": digest, "output": None if digest is None else target.where(name)}
    book.add(name, Line(result.key, digest, record))
    if result.data is None:
        return record
    try:
        target.put(name, result.data, overwrite)
    except FileExistsError as error:
        return {**record, "status": "failed", "error": one_line(error)}
    return record


def _summary(records: Iterable[Record], seconds: float) -> Summary:
    records = list(records)
    count = {status: sum(record["status"] == status for record in records) for status in STATUSES}
    there = [record for record in records if record["status"] in ("done", "kept")]
    sizes = {name: sum(record[name] for record in there) for name in ("source_bytes", "bytes")}
    return Summary(models=len(records), **count, **sizes, seconds=seconds)
