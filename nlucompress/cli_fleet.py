"""The command compress-many: options in, records as JSON Lines out. No logic."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import click

from .cli_help import Command, Whole, option
from .cli_options import (
    FILE,
    OUTPUT,
    complete_file,
    is_given,
    model_options,
    progress_bar,
    search_options,
    source_options,
)

RENAMED = {"range_": "range", "format_": "format"}
WORKERS = "Where the work is done (one of these)"
WHERE = ("jobs", "dask", "scheduler", "ray")


def _check_log(log: Path, others: list[Any]) -> None:
    """Refuse to append to another of the command's files, or to a file that is no log."""
    if any(isinstance(one, (str, Path)) and log.absolute() == Path(one).absolute() for one in others):
        raise click.UsageError(f"{log} is named twice: the log is none of the command's other files.")
    if not log.exists() or not log.is_file() or log.stat().st_size == 0:  # a pipe or a terminal takes what is appended
        return
    with log.open("rb") as file:
        line = file.readline(1 << 20)
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not {"name", "status"}.issubset(record):
        raise click.UsageError(f"{log} exists and is no log of compress-many: nothing is appended to it.")


@click.command(
    "compress-many",
    cls=Command,
    short_help="Compress many models, on one machine or on many.",
    examples=[
        "nlucompress compress-many manifest.jsonl -o models --buckets 64",
        "nlucompress compress-many 'skills/*.joblib' -o fleet.nlub --scheduler tcp://10.0.0.1:8786",
    ],
    exit_codes=(0, 1, 2, 3),
)
@click.argument("source", metavar="MANIFEST|GLOB", shell_complete=complete_file)
@option("-o", "--output", required=True, metavar="FOLDER|BUNDLE.nlub", shell_complete=complete_file, heading=OUTPUT,
        help="A folder, its URL, or a bundle.")  # fmt: skip
@option("--log", type=FILE, metavar="FILE", heading=OUTPUT,
        help="Append a line of JSON a model to this file.  [default: standard output]")  # fmt: skip
@option("--journal", type=FILE, metavar="FILE", heading=OUTPUT,
        help="What is finished, for a run that goes on.  [default: in the folder, or beside the bundle]")  # fmt: skip
@option("--force", is_flag=True, heading=OUTPUT, help="Overwrite files of other sources or options.")
@option("--jobs", type=Whole(1), metavar="N", heading=WORKERS,
        help="Processes on this machine.  [default: one a processor]")  # fmt: skip
@option("--dask", type=Whole(1), metavar="N", heading=WORKERS,
        help="A Dask cluster of N processes on this machine.")  # fmt: skip
@option("--scheduler", metavar="ADDRESS", heading=WORKERS, help="A Dask scheduler, such as tcp://10.0.0.1:8786.")
@option("--ray", is_flag=True, heading=WORKERS, help="Ray, as ray.init() finds it.")
@source_options("place")
@model_options()
@search_options("place")
@click.pass_context
def compress_many(ctx: click.Context, /, source: str, output: str, journal: Path | None, log: Path | None, force: bool,
                  best_effort: bool, **options: Any) -> None:  # fmt: skip
    """Compress all models of MANIFEST, or all files that the quoted pattern GLOB matches.

    Each becomes NAME.nluc in a folder, or NAME in a bundle. A manifest is JSON Lines or CSV with the fields source and
    name (if it is missing: the source's file name without its ending), and, for models that differ from the others, any of
    format, names, data, held_out and of the options, such as check_bits. Relative paths start at the manifest's folder;
    URLs are read through fsspec. Models of a pattern are named like their files.

    Prints a line of JSON a model: sizes, loss, flips, seconds, or the error. A model that fails does not stop the others.
    The same command again goes on: what is finished, of the same source, data and options, is kept. The files are the same
    wherever the work is done. The exit code is 1 if a model failed, else 3 if a model missed its budget.
    """
    from . import fleet

    where = {name: options.pop(name) for name in WHERE}
    if sum(bool(value) for value in where.values()) > 1:
        raise click.UsageError("--jobs, --dask, --scheduler, --ray: one of them says where the work is done.")
    given = {RENAMED.get(name, name): value for name, value in options.items() if is_given(ctx, name)}
    if log is not None:
        _check_log(log, [source, output, journal, *(options[name] for name in ("data", "held_out", "names"))])
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(log.open("a", encoding="utf-8")) if log else None
        bars: list[Any] = []
        failed = 0

        def begin(models: int) -> None:
            bars.append(stack.enter_context(progress_bar(models, "compress")))

        def done(record: fleet.Record) -> None:
            nonlocal failed
            failed += record["status"] == "failed"
            click.echo(json.dumps(record, ensure_ascii=False), file=lines)
            bars[0].update(1, f"{failed:,} failed" if failed else record["name"])

        try:
            summary = fleet.compress_many(source, output, options=given, **where, best_effort=best_effort, overwrite=force,
                                          journal=journal, begin=begin, done=done)  # fmt: skip
        except FileExistsError as error:
            raise click.UsageError(f"{error}; --force overwrites them.") from None
        except KeyboardInterrupt:
            click.echo("interrupted: what is finished is kept, the same command goes on from there", err=True)
            raise
    click.echo(str(summary), err=True)
    if summary.failed or summary.missed:
        ctx.exit(1 if summary.failed else 3)
