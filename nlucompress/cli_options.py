"""What several commands share: options, and helpers of their reading and printing. No logic."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .measure import YARDSTICKS
from .search.budget import share, size
from .search.walk import CANDIDATES

FILE = click.Path(path_type=Path)
BUDGET = ("max_loss", "max_flips", "target_size")


def parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that reads an option's text; a ValueError of it is wrong usage."""

    def read(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read


def _format_name(name: str) -> str:
    from .importers.formats import named

    return named(name).name


def _all(*options: Any) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def source_options(file: Any = FILE) -> Callable[[Any], Any]:
    """How a source is read: --format and --names. file: the type of a path."""
    return _all(
        click.option("--format", "format_", callback=parsed(_format_name), metavar="NAME",
                     help="The source's format, as `nlucompress formats` lists them.  [default: by its content]"),
        click.option("--names", type=file, help="Feature names, one a line, of a source that has none."),
    )  # fmt: skip


def model_options() -> Callable[[Any], Any]:
    """The options of compress()."""
    return _all(
        click.option("--buckets", type=click.IntRange(2, 256), default=256, show_default=True, help="Distinct weights."),
        click.option("--range", "range_", type=click.Choice(["model", "class"]), default="model", show_default=True,
                     help="One range of weights for the model, or a scale a class."),
        click.option("--codebook", type=click.Choice(["even", "kmeans"]), default="even", show_default=True,
                     help="Multiples of one step, or values fitted to the weights."),
        click.option("--prune", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True,
                     help="Weights below this part of the largest count as zero."),
        click.option("--check-bits", type=click.IntRange(0, 32), default=8, show_default=True,
                     help="Of n-grams that are no features, 1 in 2^N passes for one."),
        click.option("--gamma", type=click.FloatRange(1, 16), default=1.0, show_default=True,
                     help="Index bits a feature in a level: 1 is smallest, 2 is faster."),
        click.option("--layout", type=click.Choice(["auto", "fast", "small"]), default="auto", show_default=True,
                     help="Rows as they are, entropy coded, or the smaller."),
        click.option("--norm", type=click.Choice(["exact", "mean"]), default="exact", show_default=True,
                     help="Keep every feature that a norm counts, or count the others as one constant."),
    )  # fmt: skip


def search_options(file: Any = FILE) -> Callable[[Any], Any]:
    """The options of search(), but for the file of its state."""
    return _all(
        click.option("--data", type=file,
                     help="JSONL with text and label (or tokens and tags), not trained on: what a search measures."),
        click.option("--held-out", type=file,
                     help="Other such data for the estimate. Without it, DATA is split in halves."),
        click.option("--max-loss", type=click.FloatRange(0, 100), metavar="POINTS",
                     help="Budget: points of the yardstick."),
        click.option("--yardstick", type=click.Choice(YARDSTICKS),
                     help="What --max-loss is measured by.  [default: accuracy]"),
        click.option("--max-flips", callback=parsed(share), metavar="N%",
                     help="Budget: labels that may differ, such as 0.5%."),
        click.option("--target-size", callback=parsed(size), metavar="SIZE", help="Budget: bytes, such as 200KB."),
        click.option("--sure", is_flag=True, help="Hold the bad end of the 95% interval to the budget, not the estimate."),
        click.option("--best-effort", is_flag=True, help="Write the closest file if none holds the budget."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the split and the interval."),
        click.option("--candidates", type=click.IntRange(1), default=CANDIDATES, show_default=True,
                     help="Tried at most."),
    )  # fmt: skip


def progress_bar(length: int, label: str) -> Any:
    """A progress bar on standard error, if that is a terminal."""
    return click.progressbar(length=length, file=sys.stderr, hidden=not sys.stderr.isatty(), label=label,
                             item_show_func=lambda words: words)  # fmt: skip


def is_given(ctx: click.Context, name: str) -> bool:
    """Whether an option stood on the command line."""
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
