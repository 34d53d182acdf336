"""The report's figures: SVG by matplotlib, in colours that the page's style sheet sets, light and dark.

matplotlib writes fixed colours. Those below stand for the style sheet's variables and are replaced by them, so that one
picture fits both themes; text stays text, in the page's own font. Nothing from outside (labels, texts) gets into a figure.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .markup import Markup, tag
from .numbers import size

COLOURS = {
    "ink": "#010203",
    "muted": "#020304",
    "line": "#030405",
    "first": "#040506",
    "second": "#050607",
    "paper": "#060708",
}
WIDTH = 4.6  # inches of 100 px: a phone's width, so that on a desk it only grows
SMALL = 0.004  # of the file: sections below that share are summed up
EXTRA = "report"


def require() -> None:
    """Raise ModuleNotFoundError, naming the extra, if matplotlib is not there: before any work is lost."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ModuleNotFoundError(
            f"the figures of a report need matplotlib ({error}): pip install 'nlucompress[{EXTRA}]'; "
            "without it there are --json and --markdown"
        ) from None


def sections(sizes: Mapping[str, int]) -> Markup:
    """How many bytes each section of the file has."""
    total = sum(sizes.values())
    large = {name: count for name, count in sizes.items() if count > SMALL * total}
    rest = total - sum(large.values())
    bars = [*sorted(large.items(), key=lambda item: (item[1], item[0])), *([("the others", rest)] if rest else [])]
    bars.sort(key=lambda item: item[0] != "the others")

    def draw(axes: Any) -> None:
        axes.barh(range(len(bars)), [count for _, count in bars], color=COLOURS["first"], height=0.66)
        axes.set_yticks(range(len(bars)), [name for name, _ in bars])
        for place, (_, count) in enumerate(bars):
            axes.text(count + 0.012 * bars[-1][1], place, f"{size(count)}, {count / total:.1%}".replace("%", " %"),
                      va="center", ha="left", color=COLOURS["ink"])  # fmt: skip
        axes.set_xlim(0, 1.42 * max(count for _, count in bars))
        axes.set_xticks([])
        axes.tick_params(axis="y", length=0)
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)

    shown = ", ".join(f"{name} {size(count)}" for name, count in reversed(bars))
    return _svg("sections", draw, 0.5 + 0.27 * len(bars), f"Bytes by section: {shown}.")


def weights(histogram: Mapping[str, Any]) -> Markup:
    """The distribution of the source's weights, and the buckets that they were rounded to."""
    edges, counts = histogram["edges"], histogram["counts"]
    buckets, filled = histogram["buckets"], histogram["bucket_counts"]

    def draw(axes: Any) -> None:
        axes.stairs(counts, edges, fill=True, color=COLOURS["line"], baseline=0.5, label="weights of the original")
        used = [(value, count) for value, count in zip(buckets, filled, strict=True) if count]
        axes.vlines([value for value, _ in used], 0.5, [count for _, count in used], color=COLOURS["first"],
                    linewidth=0.6 if len(used) > 64 else 1.2, label="buckets, and weights in each")  # fmt: skip
        if len(used) <= 64:
            axes.plot([value for value, _ in used], [count for _, count in used], "o", markersize=2.4,
                      color=COLOURS["first"])  # fmt: skip
        axes.vlines(
            [0], 0.5, [max(histogram["dropped"], 0.5)], color=COLOURS["second"], label="round to zero: not stored"
        )
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5, top=2 * max(*counts, *filled, 1))
        axes.set_xlabel("weight, in units of its class's scale" if histogram["scaled"] else "weight")
        axes.set_ylabel("number of weights")

    words = (f"Histogram of {sum(counts):,} weights from {edges[0]:.3g} to {edges[-1]:.3g}; {len(buckets)} buckets; "
             f"{histogram['dropped']:,} weights round to zero.")  # fmt: skip
    return _svg("weights", draw, 3.1, words)


def reliability(before: Sequence[Sequence[float]], after: Sequence[Sequence[float]]) -> Markup:
    """Accuracy over confidence, bin by bin, of the original and the compressed model."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=COLOURS["line"], linewidth=1)
        for bins, colour, mark, label in ((before, "second", "s-", "original"), (after, "first", "o--", "compressed")):
            axes.plot([row[0] for row in bins], [row[1] for row in bins], mark, color=COLOURS[colour], label=label,
                      linewidth=1.2, markersize=3.6)  # fmt: skip
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("mean probability of the predicted label")
        axes.set_ylabel("share that is right")

    return _svg("reliability", draw, 2.9, f"Accuracy over confidence in {len(after)} bins, before and after.")


def front(candidates: Sequence[Mapping[str, Any]]) -> Markup:
    """Loss over size of the candidates that none other beats in both; the chosen one marked."""
    from matplotlib.ticker import LogLocator

    def draw(axes: Any) -> None:
        places = [(one["bytes"] / 1000, one["loss"]) for one in candidates]
        axes.plot(*zip(*sorted(places), strict=True), color=COLOURS["line"], linewidth=1, zorder=1)
        axes.scatter(*zip(*places, strict=True), s=14, color=COLOURS["muted"], zorder=2, label="candidates")
        chosen = [place for place, one in zip(places, candidates, strict=True) if one["chosen"]]
        if chosen:
            axes.scatter(*zip(*chosen, strict=True), s=64, color=COLOURS["first"], zorder=3, label="chosen")
        if max(x for x, _ in places) > 4 * min(x for x, _ in places):
            axes.set_xscale("log", subs=[])
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        low, high = (end([0.0, *(loss for _, loss in places)]) for end in (min, max))
        axes.set_ylim(low - 0.1 * (high - low) - 0.1, high + 0.1 * (high - low) + 0.1)
        axes.set_xlabel("file, kB")
        axes.set_ylabel("loss, points")

    return _svg("front", draw, 2.9, f"Loss over size of {len(candidates)} candidates.")


def _svg(name: str, draw: Callable[[Any], None], height: float, words: str) -> Markup:
    """One axes, drawn and saved as inline SVG. words: what a reader who does not see it gets."""
    import matplotlib
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.family": "DejaVu Sans", "font.size": 9.5,
        "text.color": COLOURS["ink"], "axes.labelcolor": COLOURS["muted"], "axes.edgecolor": COLOURS["line"],
        "xtick.color": COLOURS["muted"], "ytick.color": COLOURS["muted"], "axes.spines.top": False,
        "axes.spines.right": False, "axes.unicode_minus": True, "path.simplify": False,
    }  # fmt: skip
    defaults: Any = matplotlib.rcParamsDefault
    with matplotlib.rc_context({**defaults, **settings}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False)
        out = io.StringIO()
        empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", transparent=True, metadata=empty)
    return _inline(out.getvalue(), name, words)


def _inline(svg: str, name: str, words: str) -> Markup:
    """An SVG file as an element of the page: its own ids, the page's colours and font."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", svg, flags=re.DOTALL)  # a style would reach the whole page
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", svg)
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = re.sub(r"""(font(?:-family)?: )([^;"]*?)'?DejaVu Sans'?[^;"]*""", r"\1\2var(--sans)", svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    return Markup(f'{head} role="img" aria-labelledby="{name}-title">{tag("title", words, id=f"{name}-title")}{rest}')
