"""What several commands share: options, and helpers of their reading and printing. No logic.

Nothing here imports numpy, or a module that does, before a command runs: a shell asks for completions at every Tab. Only
the names of formats are asked of the importers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from .cli_help import Decorator, Number, Whole, option, together

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
BUDGET = ("max_loss", "max_flips", "target_size")
YARDSTICKS = ("accuracy", "macro-f1", "same-label")  # measure.YARDSTICKS
CANDIDATES = 100  # search.walk.CANDIDATES
SOURCE, SIZE, LIMITS, PARTS, OUTPUT = "Source", "How small", "Within a budget", "Tables in parts", "Output"


def parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that reads an option's text; a ValueError of it is wrong usage."""

    def read(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None or ctx.resilient_parsing else parse(value)
        except ValueError as error:
            raise click.BadParameter(f"{error}.") from None

    return read


def size(text: str) -> int:
    """Bytes of a size such as 200KB."""
    from .search.budget import size as parse

    return parse(text)


def _share(text: str) -> float:
    from .search.budget import share

    return share(text)


def _format_name(text: str) -> str:
    from .importers.formats import named

    return named(text).name


def complete_file(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes to files what may also be a URL or a pattern."""
    return [CompletionItem(incomplete, type="file")]


def _complete_format(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from .importers.formats import formats

    return [CompletionItem(name, help=one.what) for name, one in formats().items() if name.startswith(incomplete)]


def _file(kind: str | None, metavar: str = "FILE") -> dict[str, Any]:
    """Settings of an option that takes a file, or with kind "place" also a URL."""
    return {"metavar": metavar, **({"shell_complete": complete_file} if kind == "place" else {"type": FILE})}


def source_options(kind: str | None = None) -> Decorator:
    """How a source is read: --format and --names. kind: "place" if their files may be URLs."""
    return together(
        option("--format", "format_", callback=parsed(_format_name), metavar="NAME",
               shell_complete=_complete_format, heading=SOURCE,
               help="Its format, by a name of `nlucompress formats`.  [default: by its content]"),
        option("--names", **_file(kind), heading=SOURCE, help="Feature names, one a line, for a source that has none."),
    )  # fmt: skip


def model_options() -> Decorator:
    """The options of compress()."""
    return together(
        option("--buckets", type=Whole(2, 256), default=256, metavar="N", heading=SIZE,
               help="Distinct weights. Fewer: smaller, less accurate."),
        option("--range", "range_", type=click.Choice(["model", "class"]), default="model", heading=SIZE,
               help="One range of weights for the whole model, or a scale for each class (better below 64 buckets)."),
        option("--codebook", type=click.Choice(["even", "kmeans"]), default="even", heading=SIZE,
               help="Weights are multiples of one step, or values fitted to them."),
        option("--prune", type=Number(0, 1, max_open=True), default=0.0, metavar="PART", heading=SIZE,
               help="Weights below this part of the largest one count as zero."),
        option("--check-bits", type=Whole(0, 32), default=8, metavar="BITS", heading=SIZE,
               help="Bits a feature against unknown n-grams: 1 in 2^BITS of them passes for a feature."),
        option("--gamma", type=Number(1, 16), default=1.0, metavar="BITS", heading=SIZE,
               help="Bits a feature in each level of the index: 1 is the smallest, 2 the faster."),
        option("--layout", type=click.Choice(["auto", "fast", "small"]), default="auto", heading=SIZE,
               help="Rows as they are, rows entropy coded, or whichever is smaller."),
        option("--norm", type=click.Choice(["exact", "mean"]), default="exact", heading=SIZE,
               help="Keep every feature that a norm counts, or those with a weight: others count as one constant."),
    )  # fmt: skip


def search_options(kind: str | None = None) -> Decorator:
    """The options of search(), but for the file of its state. kind: as of source_options."""
    return together(
        option("--data", **_file(kind), heading=LIMITS,
               help="JSON Lines with label and text (or features, or columns), or tokens and tags; not the training's."),
        option("--held-out", **_file(kind), heading=LIMITS,
               help="Other such data, for the final estimate.  [default: half of --data]"),
        option("--max-loss", type=Number(0, 100), metavar="POINTS", heading=LIMITS,
               help="Points (hundredths) of the yardstick that may be lost, such as 0.3."),
        option("--yardstick", type=click.Choice(YARDSTICKS), heading=LIMITS,
               help="What --max-loss is measured by.  [default: accuracy]"),
        option("--max-flips", callback=parsed(_share), metavar="N%", heading=LIMITS,
               help="Share of the labels that may differ, such as 0.5%."),
        option("--target-size", callback=parsed(size), metavar="SIZE", heading=LIMITS,
               help="Bytes at most, such as 200KB or 1.5MiB."),
        option("--sure", is_flag=True, heading=LIMITS,
               help="Hold the bad end of the 95% interval to the budget, not the estimate."),
        option("--best-effort", is_flag=True, heading=LIMITS, help="Write the closest file if none holds the budget."),
        option("--candidates", type=Whole(1), default=CANDIDATES, metavar="N", heading=LIMITS,
               help="Files that are tried at most."),
        option("--seed", type=Whole(0), default=0, metavar="N", heading=LIMITS,
               help="Of the split of --data and of the intervals."),
    )  # fmt: skip


def progress_bar(length: int, label: str) -> Any:
    """A progress bar on standard error, if that is a terminal."""
    return click.progressbar(length=length, file=sys.stderr, hidden=not sys.stderr.isatty(), label=label,
                             item_show_func=lambda words: words)  # fmt: skip


def flag(ctx: click.Context, name: str) -> str:
    """An option as it is written on the command line."""
    return next(one.opts[-1] for one in ctx.command.params if one.name == name)


def is_given(ctx: click.Context, name: str) -> bool:
    """Whether an option stood on the command line."""
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
