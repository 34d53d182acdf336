"""Where the work is done: joblib.Parallel over loky, Dask or Ray. A job a task; results come as they are ready."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ..errors import FleetError, one_line
from . import places
from .job import Job, Result, work

Run = Callable[[Iterable[Job]], Iterator[Result]]
PART = 256  # jobs whose results Ray gives together
CONNECT = 30  # seconds for a scheduler to answer, and for its first worker to be there


class WorkerDiedError(Exception):
    """A worker's process ended in the middle of a job, of one of those that were under way."""


@contextlib.contextmanager
def engine(jobs: int | None = None, dask: int | None = None, scheduler: str | None = None, ray: bool = False
           ) -> Iterator[Run]:  # fmt: skip
    """A function that runs jobs and gives their results, in any order.

    jobs: processes of loky, None: one a processor, 1: this process itself. dask: processes of a cluster on this machine.
    scheduler: the address of a Dask scheduler. ray: Ray, as ``ray.init`` finds it. At most one of the four.
    The function raises WorkerDiedError; FleetError if a scheduler is not there any more. Raises ModuleNotFoundError for
    a package that is missing, FleetError for a scheduler that does not answer or has no worker, ValueError.
    """
    chosen = [name for name, value in (("jobs", jobs), ("dask", dask), ("scheduler", scheduler), ("ray", ray)) if value]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)}: one of them says where the work is done")
    for name, value in (("jobs", jobs), ("dask", dask)):
        if value is not None and value < 1:
            raise ValueError(f"{name}: {value} is below 1")
    joblib = places.require("joblib")
    with _quiet():
        yield from _engine(joblib, jobs, dask, scheduler, ray)


def _engine(joblib: Any, jobs: int | None, dask: int | None, scheduler: str | None, ray: bool) -> Iterator[Run]:
    if dask or scheduler:
        with _client(dask, scheduler) as client:
            yield _run(joblib, f"the scheduler {client.scheduler.address}", backend="dask", client=client)
    elif ray:
        places.require("ray.util.joblib").register_ray()
        yield _run(joblib, "Ray", backend="ray", n_jobs=-1)
    else:
        yield _run(joblib, "loky", backend="loky", n_jobs=jobs or -1)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what joblib and Dask say of a run that is cut off: its one error says it."""
    logger = logging.getLogger("distributed.client")
    level = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*tasks? .*(successfully executed|still being processed)", UserWarning)
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)


@contextlib.contextmanager
def _client(dask: int | None, scheduler: str | None) -> Iterator[Any]:
    """A connection to a scheduler that has workers; to one of our own with as many processes as dask says."""
    distributed = places.require("distributed")
    with contextlib.ExitStack() as stack:
        address: Any = scheduler
        if dask:
            address = stack.enter_context(distributed.LocalCluster(
                n_workers=dask, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"))  # fmt: skip
        try:
            client = stack.enter_context(distributed.Client(address, timeout=CONNECT, set_as_default=False))
            client.wait_for_workers(1, timeout=CONNECT)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise FleetError(f"the scheduler {scheduler or 'of this machine'}: {one_line(error)}") from None
        yield client


def _run(joblib: Any, where: str, **backend: Any) -> Run:
    def run(jobs: Iterable[Job]) -> Iterator[Result]:
        calls = (joblib.delayed(work)(job) for job in jobs)
        try:
            with joblib.parallel_config(**backend):
                if backend["backend"] == "ray":  # its backend gives lists only
                    while part := list(itertools.islice(calls, PART)):
                        yield from joblib.Parallel(batch_size=1)(part)
                    return
                parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
                results = parallel(calls)
            yield from results
        except concurrent.futures.CancelledError as error:
            raise FleetError(f"{where} went away: {one_line(error)}") from None
        except Exception as error:
            if isinstance(error, BrokenProcessPool) or type(error).__name__ in ("KilledWorker", "WorkerCrashedError"):
                raise WorkerDiedError(one_line(error)) from None
            raise

    return run
