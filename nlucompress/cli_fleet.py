"""The command compress-many: options in, records as JSON Lines out. No logic."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import click

from .cli_options import is_given, model_options, progress_bar, search_options, source_options

RENAMED = {"range_": "range", "format_": "format"}
WHERE = ("jobs", "dask", "scheduler", "ray")


@click.command("compress-many", short_help="Compress many models, on one machine or on many.")
@click.argument("source", metavar="MANIFEST|GLOB")
@click.option("-o", "--output", required=True, metavar="DIR|BUNDLE.nlub", help="A folder, its URL, or a bundle.")
@source_options(str)
@model_options()
@search_options(str)
@click.option("--jobs", type=click.IntRange(1), help="Processes on this machine.  [default: one a processor]")
@click.option("--dask", type=click.IntRange(1), metavar="N", help="A Dask cluster of N processes on this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, such as tcp://10.0.0.1:8786.")
@click.option("--ray", is_flag=True, help="Ray, as ray.init() finds it.")
@click.option("--journal", type=click.Path(path_type=Path), help="What is finished.  [default: in DIR, beside BUNDLE]")
@click.option("--log", type=click.Path(path_type=Path), help="Append the models' lines here, not to standard output.")
@click.option("--force", is_flag=True, help="Overwrite files of other sources or options.")
@click.pass_context
def compress_many(ctx: click.Context, /, source: str, output: str, journal: Path | None, log: Path | None, force: bool,
                  best_effort: bool, **options: Any) -> None:  # fmt: skip
    """Compress all models of MANIFEST, or all files that the quoted pattern GLOB matches, each into
    DIR/NAME.nluc, or as NAME into a bundle.

    A manifest is JSON Lines or CSV: the fields source and name (its stem, if not given), and for models that differ from
    the others any of format, names, data, held_out and of the options, such as check_bits. Relative paths start at the
    manifest's folder; URLs are read through fsspec. The models of a pattern have their files' stems as names.

    Prints a line of JSON a model: sizes, loss, flips, seconds, or the error. A model that fails does not stop the others.
    The same command again goes on: what is finished, of the same source, data and options, is kept. Exit codes: 1 if a
    model failed, else 3 if no file of one holds its budget. The files are the same wherever the work is done.

    Example: nlucompress compress-many 'skills/*.joblib' -o small --buckets 64 --scheduler tcp://10.0.0.1:8786
    """
    from . import fleet

    where = {name: options.pop(name) for name in WHERE}
    if sum(bool(value) for value in where.values()) > 1:
        raise click.UsageError("--jobs, --dask, --scheduler, --ray: one of them says where the work is done.")
    given = {RENAMED.get(name, name): value for name, value in options.items() if is_given(ctx, name)}
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
