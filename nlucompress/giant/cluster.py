"""The same build on Dask: dask.dataframe's shuffle makes the partitions, workers reduce them and build shards.

Pieces are read twice, first for labels and ranges. What a worker holds is Dask's to spill to disk and, should the
worker die,
to make again. Shards come back one after the other, and are written here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import BuildError
from .parts import Built, Grid, Part, Tally, Twice, build, cut, join, partition_of, reduce, rows_of
from .records import LEAF_BITS, RECORD, Records, merged, scan

WINDOW = 4  # shards that are under way
CONNECT = 30  # seconds
Reduced = dict[int, tuple[Part, Tally]]


def there(
    plan: Any, scheduler: str, memory: int, begin: Any
) -> tuple[Any, Tally, Generator[tuple[Built, Any], None, None]]:
    """Frame, tally and shards, as ``giant._here`` gives them."""
    from . import frame_of, partition_bits, refused, rows_at_most

    try:
        dask, distributed = _modules()
    except ImportError:
        raise BuildError("a scheduler needs Dask, which is not installed: pip install 'nlucompress[fleet]'") from None
    try:
        client = distributed.Client(scheduler, timeout=CONNECT)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise OSError(f"scheduler {scheduler}: cannot be reached: {error}") from None
    try:
        begin("reading")
        most = plan.reading().summary.tops.most
        pieces = list(enumerate(plan.pieces))
        scans = [
            client.submit(scan, plan.facts, number, path, most, plan.by_class, pure=False) for number, path in pieces
        ]
        summary = merged(client.gather(scans), plan.by_class)
        frame = frame_of(plan, summary)

        begin("quantizing")
        bits = partition_bits(rows_at_most(plan.pieces), memory)
        frames = dask.dataframe.from_map(
            _frame, pieces, plan=plan, labels=summary.labels, bits=bits, meta=_table(np.empty(0, RECORD), bits),
        ).shuffle("partition", npartitions=min(1 << bits, max(len(pieces), 1) * 4))  # fmt: skip
        reduced = [client.compute(dask.delayed(_reduce)(one, frame.grid)) for one in frames.to_delayed()]
        found = client.gather([client.submit(_tallies, one, pure=False) for one in reduced])
        twice = [told for _, told in found if told is not None]
        if twice:
            raise refused(plan, frame, Twice(*min(twice)))
        where = {number: one for one, (tallies, _) in zip(reduced, found, strict=True) for number in tallies}
        all_ = [tally for tallies, _ in found for tally in tallies.values()]
        tally = Tally.total(all_ or [reduce(np.empty(0, RECORD), frame.grid)[1]])
    except BaseException as error:
        client.close()
        raise _lost(error, scheduler) from None
    return frame, tally, _shards(client, scheduler, plan, frame, tally, where, bits)


def _shards(client: Any, scheduler: str, plan: Any, frame: Any, tally: Tally, where: Mapping[int, Any], bits: int
            ) -> Generator[tuple[Built, Any], None, None]:  # fmt: skip
    from . import shard_leaves, zero_of

    options, zero = plan.options, zero_of(frame, tally)
    leaves = list(shard_leaves(tally))
    size = 1 << (LEAF_BITS - bits)  # leaves of a partition

    def start(first: int, last: int) -> Any:
        numbers = [number for number in range(first // size, -(-last // size)) if number in where]
        futures = list({id(where[number]): where[number] for number in numbers}.values())
        return client.submit(_build, futures, numbers, first, last, options.gamma, options.check_bits,
                             frame.model.n_columns, zero, pure=False)  # fmt: skip

    try:
        waiting = [start(*one) for one in leaves[:WINDOW]]
        for i in range(len(leaves)):
            built, rows = waiting.pop(0).result()
            if i + WINDOW < len(leaves):
                waiting.append(start(*leaves[i + WINDOW]))
            yield built, [rows]
    except Exception as error:
        raise _lost(error, scheduler) from None
    finally:
        client.close()


def _modules() -> tuple[Any, Any]:
    """dask, with its dataframe, and distributed: whose types are not all declared."""
    import_module("dask.dataframe")
    return import_module("dask"), import_module("distributed")


def _lost(error: BaseException, scheduler: str) -> BaseException:
    """An error of the cluster itself, said as such."""
    import asyncio
    from concurrent.futures import CancelledError

    _, distributed = _modules()
    kinds = (CancelledError, asyncio.CancelledError, distributed.comm.CommClosedError, distributed.KilledWorker,
             distributed.client.FutureCancelledError)  # fmt: skip
    if isinstance(error, kinds):
        return OSError(
            f"scheduler {scheduler}: it went away, or its workers did, before the work was done: {error!s:.200}"
        )
    return error


# -- on workers -------------------------------------------------------------------------------------------------------


def _table(records: Records, bits: int) -> Any:
    """Records as a data frame, with the partition of each."""
    import pandas

    columns = {name: np.ascontiguousarray(records[name]) for name in RECORD.names or ()}
    return pandas.DataFrame({**columns, "partition": partition_of(records, bits)})


def _frame(piece: tuple[int, Any], plan: Any, labels: Sequence[Any], bits: int) -> Any:
    """A piece's records."""
    return _table(np.concatenate([np.empty(0, RECORD), *plan.reading(labels).records(*piece)]), bits)


def _reduce(table: Any, grid: Grid) -> Reduced | Twice:
    """The partitions in a data frame, each whole, reduced."""
    out: Reduced = {}
    for number, rows in table.groupby("partition", sort=True):
        records = np.empty(len(rows), RECORD)
        for name in RECORD.names or ():
            records[name] = rows[name].to_numpy()
        try:
            out[int(number)] = reduce(records, grid)
        except Twice as twice:
            return twice
    return out


def _tallies(reduced: Reduced | Twice) -> tuple[dict[int, Tally], tuple[int, int, int | None] | None]:
    """What is counted of each partition; or the places of two rows that do not go together."""
    if isinstance(reduced, Twice):
        return {}, (reduced.first, reduced.second, reduced.label)
    return {number: tally for number, (_, tally) in reduced.items()}, None


def _build(reduced: Sequence[Reduced], numbers: Sequence[int], first: int, last: int, gamma: float, check_bits: int,
           n_columns: int, zero: int | None) -> tuple[Built, Any]:  # fmt: skip
    """A shard: the leaves first..last of these partitions."""
    parts = {number: part for one in reduced for number, (part, _) in one.items()}
    empty = Part(np.empty((0, 2), np.uint64), np.empty(0, np.uint32), np.empty(0, np.uint16), np.empty(0, np.uint8))
    part = join([empty, *(cut(parts[number], first, last) for number in numbers)])
    built = build(part, gamma, check_bits)
    rows = np.concatenate([np.empty(0, np.uint8), *rows_of(part, built, n_columns, zero)])
    return built._replace(order=np.empty(0, np.int64)), rows
