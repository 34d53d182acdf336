"""One giant model: a table of feature, label and weight that is larger than memory, to one file.

    pieces (Parquet, TSV, …) ── records.py ──> records (hash, label, weight), partitioned by hash on disk
      ── parts.reduce ──> features in the order of their hashes, quantized ── parts.build ──> shards ── writing.py ──> file

Every step sees one piece, one partition or one shard. On one machine partitions are files in a scratch folder; on Dask
(cluster.py) dask.dataframe's shuffle makes them, and the same functions run on the workers. The file depends on the rows
alone: neither on their order, nor on memory, nor on workers. So labels are in ascending order here, unless the facts name
them, and rows are plain or dense: other coders share equal rows, and would have to see all of them.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np

from .. import fileformat, modelfile
from ..compress import describe
from ..errors import BuildError, FormatError, ModelImportError
from ..importers.records import show
from ..importers.table import Facts, classes_of
from ..index import check_limits, seeds_of, shard_bits
from ..linear import LinearModel, Namespace, SparseRows
from ..quantize import Range, check_options, even_codebook, most_outliers, real, whole
from .parts import Built, Grid, Part, Tally, Twice, build, partition_of, reduce, rows_of
from .records import LEAF_BITS, PLACE_BITS, RECORD, Reading, Records, Summary, facts_of, name_at, pieces_of
from .writing import Writer, shards_of

MEMORY = 2 * 10**9
LEAST_MEMORY = 512 << 20
BASE = 400 << 20  # bytes of Python, numpy, and pyarrow with a group of a million rows
ROW = 300  # bytes of memory for each row of a partition, while it is reduced
FEATURE, WEIGHT = 110, 4  # bytes for each feature and weight of a shard, while it is built
BUFFER = 1 << 19  # records that wait for their partitions
Progress = Callable[[str], object]
Shards = Generator[tuple[Built, Any], None, None]  # each with the pieces of its rows, in their order


@dataclass(frozen=True)
class Options:
    """Those of ``compress`` that go with tables in parts."""

    buckets: int = 256
    range: Range = "model"
    prune: float = 0.0
    check_bits: int = 8
    gamma: float = 1.0

    def checked(self) -> Options:
        """The same, as Python's numbers, which a file's header holds. Raises BuildError."""
        made = Options(whole("buckets", self.buckets), self.range, real("prune", self.prune),
                       whole("check_bits", self.check_bits), real("gamma", self.gamma))  # fmt: skip
        check_options(made.buckets, made.range, "even", made.prune)
        if not 0 <= made.check_bits <= 32:
            raise BuildError(f"check_bits: {made.check_bits} is not in 0..32")
        check_limits(0, made.gamma)
        return made


@dataclass(frozen=True)
class Plan:
    """What is known before a row is read: the pieces, their facts and forms, the namespaces and their seeds."""

    pieces: list[Path]
    facts: dict[str, Any]
    forms: list[str]
    seeds: tuple[int, ...]
    options: Options

    @classmethod
    def of(cls, source: str | os.PathLike[str], options: Options) -> Plan:
        """Look at the pieces' heads. Raises ModelImportError, BuildError, OSError."""
        options = options.checked()
        pieces = pieces_of(Path(source))
        facts, forms = facts_of(pieces)
        read = Facts(facts)
        if read.task == "tagging":
            raise ModelImportError("a tagging model is not compressed in parts")
        return cls(pieces, facts, forms, seeds_of(max(len(read.namespaces or ()), 1)), options)

    @property
    def by_class(self) -> bool:
        """Whether each class has a range of its own."""
        return self.options.range == "class"

    def reading(self, labels: Sequence[Any] = ()) -> Reading:
        """What reads pieces."""
        return Reading(self.facts, self.seeds, most_outliers(self.options.buckets), self.by_class, labels)


@dataclass(frozen=True, eq=False)
class Frame:
    """All of a model but its features: model has none of them. grid: how weights become codes. step, outliers: of the
    report.
    """

    model: LinearModel
    grid: Grid
    step: float
    outliers: int


def compress_table(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    memory: int = MEMORY,
    scheduler: str | None = None,
    scratch: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    r"""Compress a table of feature, label and weight (or a folder of tables) that need not fit the memory.

    source: TSV, CSV, JSON Lines or Parquet, as ``nlucompress formats`` says of "table", or a folder of such files. memory:
    bytes that the process may take, about. scheduler: the address of a Dask scheduler whose workers do the work; they
    see the
    source under the same path. scratch: where what does not fit is kept meanwhile, 36 bytes a row; the output's folder if
    None. options: buckets, range, prune, check_bits, gamma, as of ``compress``. The file is the same whatever memory and
    scheduler are, and whatever the order of rows.

    Raises ModelImportError (the table; a row that stands twice, a model with idf), BuildError (options, memory),
    FileExistsError, OSError. Whatever happens, nothing is left behind but a whole file.

    >>> import tempfile, nlucompress
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "weights.tsv").write_text("feature\tlabel\tweight\nplay\tmusic\t1\nstop\tend\t2\n")
    >>> compress_table(folder / "weights.tsv", folder / "weights.nluc")
    >>> nlucompress.load(folder / "weights.nluc").lookup("stop")
    {'end': 2.0}
    """
    begin = progress or (lambda stage: None)
    target = Path(output)
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target}: exists and is not overwritten unasked")
    if memory < LEAST_MEMORY:
        raise BuildError(f"memory: {memory:,} bytes, the least is {LEAST_MEMORY:,}")
    plan = Plan.of(source, Options(**options))
    folder = Path(tempfile.mkdtemp(prefix=".nluc-", dir=scratch if scratch is not None else target.parent or "."))
    try:
        if scheduler is None:
            frame, tally, shards = _here(plan, folder, memory, begin)
        else:
            from .cluster import there

            frame, tally, shards = there(plan, scheduler, memory, begin)
        begin("indexing")
        _write(plan, frame, tally, shards, folder, target, overwrite, begin)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- on one machine ---------------------------------------------------------------------------------------------------


def _here(plan: Plan, folder: Path, memory: int, begin: Progress) -> tuple[Frame, Tally, Shards]:
    begin("reading")
    bits = partition_bits(rows_at_most(plan.pieces), memory)
    reading, spill = plan.reading(), Spill(folder, bits, min(BUFFER, memory // 8 // RECORD.itemsize))
    for number, path in enumerate(plan.pieces):
        for chunk in reading.records(number, path):
            spill.add(chunk)
    spill.flush()
    frame = frame_of(plan, reading.summary)

    begin("quantizing")
    store, tallies = Store(folder), []
    for number in range(1 << bits):
        if not (path := spill.path(number)).exists():
            continue
        need = BASE + ROW * (path.stat().st_size // RECORD.itemsize)
        if need > memory and bits < LEAF_BITS:
            raise BuildError(f"memory: {memory:,} bytes, a partition needs about {need:,}: give more")
        try:
            part, tally = reduce(np.fromfile(path, RECORD), frame.grid)
        except Twice as twice:
            raise refused(plan, frame, twice) from None
        path.unlink()
        store.add(part)
        tallies.append(tally)
    tally = Tally.total(tallies or [reduce(np.empty(0, RECORD), frame.grid)[1]])
    return frame, tally, _shards(plan, frame, tally, store.close(), memory)


def _shards(plan: Plan, frame: Frame, tally: Tally, store: Store, memory: int) -> Shards:
    options, zero = plan.options, zero_of(frame, tally)
    for first, last in shard_leaves(tally):
        features, entries = int(tally.features[first:last].sum()), int(tally.entries[first:last].sum())
        need = BASE + FEATURE * features + WEIGHT * entries
        if need > memory:
            raise BuildError(
                f"memory: {memory:,} bytes, a shard of {features:,} features needs about {need:,}: give more"
            )
        part = store.read(int(tally.features[:first].sum()), features, int(tally.entries[:first].sum()), entries)
        built = build(part, options.gamma, options.check_bits)
        yield built, rows_of(part, built, frame.model.n_columns, zero)


def rows_at_most(pieces: Sequence[Path]) -> int:
    """Rows of all pieces, or more: what a Parquet file says, else a row every 12 bytes."""
    total = 0
    for path in pieces:
        with open(path, "rb") as file:
            parquet = file.read(4) == b"PAR1"
        if parquet:
            from pyarrow import parquet as files

            total += files.ParquetFile(path).metadata.num_rows
        else:
            total += path.stat().st_size // 12
    return total


def partition_bits(rows: int, memory: int) -> int:
    """log2 of the number of partitions: the least with which one of average size fits three quarters of the memory."""
    most = max((memory - BASE) * 3 // 4 // ROW, 1)
    return min((max(rows - 1, 0) // most).bit_length(), LEAF_BITS)


class Spill:
    """Records on their way to partitions, which are files. Files are opened to append: there may be 4096 of them."""

    def __init__(self, folder: Path, bits: int, buffer: int) -> None:
        self._folder, self._bits, self._buffer = folder, bits, buffer
        self._waiting: list[Records] = []
        self._count = 0

    def path(self, number: int) -> Path:
        """The file of a partition; it is there if it has a record."""
        return self._folder / f"partition-{number:04}"

    def add(self, chunk: Records) -> None:
        """Take records."""
        self._waiting.append(chunk)
        self._count += len(chunk)
        if self._count >= self._buffer:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._count:
            return
        chunk = np.concatenate(self._waiting)
        number = partition_of(chunk, self._bits)
        order = np.argsort(number.astype(np.uint16), kind="stable")
        ends = np.cumsum(np.bincount(number, minlength=1 << self._bits)).tolist()
        for i, (first, last) in enumerate(pairwise([0, *ends])):
            if first < last:
                _append(self.path(i), chunk[order[first:last]])
        self._waiting, self._count = [], 0


class Store:
    """Reduced partitions, one after the other on disk: all features by hash."""

    def __init__(self, folder: Path) -> None:
        self._files = {name: folder / name for name in Part._fields}
        for path in self._files.values():
            path.touch()

    def add(self, part: Part) -> None:
        """Append a partition."""
        for name, array in zip(Part._fields, part, strict=True):
            _append(self._files[f"{name}"], array)

    def close(self) -> Store:
        """No more is appended."""
        return self

    def read(self, feature: int, features: int, entry: int, entries: int) -> Part:
        """Some features from a number on, and their rows."""

        def at(name: str, dtype: str, first: int, count: int, width: int = 1) -> Any:
            size = np.dtype(dtype).itemsize * width
            return np.fromfile(self._files[name], dtype, count * width, offset=first * size)

        return Part(
            at("hashes", "<u8", feature, features, 2).reshape(-1, 2), at("lengths", "<u4", feature, features),
            at("columns", "<u2", entry, entries), at("codes", "u1", entry, entries),
        )  # fmt: skip


def _append(path: Path, array: Any) -> None:
    try:
        with open(path, "ab") as file:
            file.write(np.ascontiguousarray(array).tobytes())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


# -- what both ways share -----------------------------------------------------------------------------------------------


def frame_of(plan: Plan, summary: Summary) -> Frame:
    """The model without its features, and the quantizer, from what all rows say. Raises ModelImportError."""
    facts, options = Facts(plan.facts), plan.options
    if not summary.labels:
        raise ModelImportError("no row has a label")
    known = [] if facts.columns is None else list(facts.columns)
    shown = known if facts.columns is not None else sorted(summary.labels)
    classes, task = classes_of(facts, shown)
    columns = 1 if task == "binary" else len(classes)
    number = facts.columns if facts.columns is not None else {label: i for i, label in enumerate(shown)}
    of_label = np.array([number[label] for label in summary.labels], np.int64)
    intercept = np.zeros(columns)
    biases: dict[int, str] = {}
    for label, (value, words) in summary.bias.items():
        if number[label] in biases:
            raise ModelImportError(f"{words}: the bias of label {show(label)} stands in {biases[number[label]]} too")
        intercept[number[label]], biases[number[label]] = value, words
    namespaces = facts.namespaces or (Namespace("features", "features"),)
    source = {"format": f"table ({', '.join(plan.forms)})"} if facts.source is None else facts.source
    empty = SparseRows(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0), (0, columns))
    model = LinearModel(namespaces, ((),) * len(namespaces), empty, intercept, classes, cast(Any, task),
                        cast(Any, facts.link),
                        facts.calibration(columns), facts.baseline(columns), None, facts.steps, source)  # fmt: skip
    tops = summary.tops
    if plan.by_class:
        tops = type(tops)(tops.most, columns)
        for i, column in enumerate(of_label.tolist()):
            tops.values[:, column] = summary.tops.values[:, i]
    spans, scale, own, outliers = tops.spread(options.range)
    below, above = (float(side) for side in spans.max(axis=0))
    codebook, step = even_codebook(below, above, options.buckets, own)
    normed = {number for step_ in model.steps if step_.op == "norm" for number in step_.namespaces}
    keep = np.array([model.baseline is not None or (i in normed and np.float32(space.unseen) != 1)
                     for i, space in enumerate(namespaces)])  # fmt: skip
    return Frame(model, Grid(of_label, codebook, scale, options.prune * spans.max(axis=1), keep), step, outliers)


def shard_leaves(tally: Tally) -> Iterator[tuple[int, int]]:
    """The leaves of each shard, as a range."""
    size = 1 << (LEAF_BITS - shard_bits(int(tally.features.sum())))
    for first in range(0, 1 << LEAF_BITS, size):
        yield first, first + size


def zero_of(frame: Frame, tally: Tally) -> int | None:
    """The code of weight 0 if rows are dense, else None."""
    from ..rows.plain import smallest_low_bits
    from .writing import coder_of

    n, count = int(tally.features.sum()), int(tally.entries.sum())
    dense = coder_of(n, count, frame.model.n_columns, smallest_low_bits(n + 1, count)) == "dense"
    return frame.grid.zero if dense else None


def refused(plan: Plan, frame: Frame, twice: Twice) -> ModelImportError:
    """The error of two rows that do not go together, with their places and the feature's name."""
    (first, one), (second, other) = sorted(divmod(place, 1 << PLACE_BITS) for place in (twice.first, twice.second))
    name = name_at(plan.pieces[second], other)
    before = "" if first == second else f"{plan.pieces[first].name}, "
    if twice.label is None:
        words = f"feature {name} has the hash of another namespace's in {before}row or line {one}"
    else:
        labels = frame.model.classes.tolist()
        label = labels[-1] if frame.model.task == "binary" else labels[twice.label]
        words = f"feature {name} with label {show(label)} stands in {before}row or line {one} too"
    return ModelImportError(f"{plan.pieces[second].name}: row or line {other}: {words}")


def _report(frame: Frame, tally: Tally) -> dict[str, float]:
    nonzero = int(tally.weights_before.sum())
    return {
        "max_error": tally.largest, "mean_error": math.fsum(tally.error.tolist()) / max(nonzero, 1),
        "weights_before": nonzero,
        "weights": int(tally.entries.sum()), "features_before": int(tally.features_before.sum()),
        "features": int(tally.with_row.sum()), "step": frame.step, "outliers": frame.outliers,
    }  # fmt: skip


def _fingerprint(frame: Frame, tally: Tally) -> str:
    """Of the table's rows, in any order; not that of a LinearModel, which has names and an order."""
    digest = hashlib.sha256(frame.model.fingerprint().encode())
    for leaf in tally.digest:
        digest.update(leaf or bytes(32))
    return digest.hexdigest()


def _write(plan: Plan, frame: Frame, tally: Tally, shards: Shards, folder: Path, target: Path,
           overwrite: bool, begin: Progress) -> None:  # fmt: skip
    options, model = plan.options, frame.model
    n, count = int(tally.features.sum()), int(tally.entries.sum())
    check_limits(n, options.gamma)
    told = {"buckets": options.buckets, "range": options.range, "codebook": "even", "prune": options.prune,
            "check_bits": options.check_bits, "gamma": options.gamma, "layout": "fast", "norm": "exact"}  # fmt: skip
    facts = describe(model, _fingerprint(frame, tally), _report(frame, tally), told)
    facts["features_source"] = int(tally.source.sum())

    def file(n: int, writer: Writer | None, levels: Sequence[tuple[int, ...]]) -> modelfile.ModelFile:
        own, several = shards_of(levels)
        return modelfile.ModelFile(
            model.namespaces, model.steps, model.classes, model.task, model.link, model.intercept, model.calibration,
            model.baseline,
            n, own, seeds_of(len(model.namespaces)), np.empty((0, 16), np.uint32), options.check_bits, 0, np.empty(0,
            np.uint8),
            np.empty(0, np.float32), frame.grid.codebook, frame.grid.scale, writer.coder if writer else "dense",
            writer.parameters if writer else {}, {"rows": np.empty(0, np.uint8)}, facts, None, None, several,
        )  # fmt: skip

    data = fileformat.encode(*_with_slots(modelfile.parts(file(0, None, [()])), options.check_bits))
    try:
        modelfile.read(fileformat.decode(data))  # before the work: the file's limits are the model's
    except FormatError as error:
        raise BuildError(f"the file format has no room for this model: {error}") from None
    writer = Writer(folder, n, count, model.n_columns, options.check_bits)
    try:
        for built, rows in shards:
            writer.add(built, rows)
        levels = writer.close()
    finally:
        for spool in writer.sections.values():
            spool.close()
        shards.close()
    begin("writing")
    header, sections, minor = modelfile.parts(file(n, writer, levels))
    everything: dict[str, Any] = {**sections, **writer.sections}
    fileformat.save(fileformat.stream(header, everything, minor), target, overwrite)


def _with_slots(parts: Any, check_bits: int) -> Any:
    """The sections of a model without features: packed bits of nothing are guard bytes."""
    header, sections, minor = parts
    return header, {**sections, "slots": np.zeros(8 if check_bits else 0, np.uint8)}, minor
