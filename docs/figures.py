"""The guide's figures, drawn from two models: one of 15 words, small enough to be seen whole, and the demo's.

Nothing is invented: positions, bits, slots, rows and bytes are those of files that nlucompress makes while this runs.
Each function writes one SVG; ``draw`` writes all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import nlucompress
from nlucompress import index

mpl.rcParams |= {
    "svg.hashsalt": "nlucompress", "font.size": 9, "font.family": "DejaVu Sans", "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlesize": 10, "axes.titlelocation": "left",
}  # fmt: skip
INK, GREY, PALE, BLUE, ORANGE, GREEN = "#1b1f24", "#6b7280", "#e8eaee", "#0072b2", "#d55e00", "#009e73"  # Okabe and Ito
TEXTS = ["play some jazz", "play yesterday", "stop the music", "turn it off", "will it rain", "is it sunny today"]
LABELS = ["play", "play", "stop", "stop", "weather", "weather"]


def draw(folder: Path, demo: Any, sample: Any) -> None:
    """All figures. demo: the demo's trained pipeline; sample: some of its test's texts."""
    small = _small()
    levels(folder / "levels.svg", small)
    rows(folder / "rows.svg", small)
    source = nlucompress.import_model(demo)
    quantization(folder / "quantization.svg", source)
    sizes(folder / "sizes.svg", source)
    checks(folder / "checks.svg", source, sample)


def _small() -> Any:
    """The model of 15 words, imported."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return nlucompress.import_model(make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, LABELS))


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, facecolor="white", bbox_inches="tight", pad_inches=0.1, metadata={"Date": None})


def levels(path: Path, source: Any) -> None:
    """The levels of the perfect hash: who falls on which cell, which cells are set, and the slots that ranks give."""
    names = list(source.features[0])
    built, slots, hashes = index.build([names])
    width, left, sets, high = max(built.levels), np.arange(len(names)), [], 0.0
    figure = Figure(figsize=(9.6, 5.6))
    axes = figure.add_axes((0, 0, 1, 1))
    for level, size in enumerate(built.levels):
        cells = index.level_positions(hashes[left], level, size)
        inside = np.bincount(cells, minlength=size)
        tallest = int(inside.max())
        high -= 0.34 * tallest + 1.0
        for cell in range(size):
            here = [names[left[i]] for i in np.flatnonzero(cells == cell)]
            alone, colour = len(here) == 1, ORANGE if len(here) > 1 else BLUE
            axes.add_patch(
                Rectangle((cell, high), 1, 0.55, facecolor=BLUE if alone else "white", edgecolor=GREY, lw=0.8)
            )
            axes.text(cell + 0.5, high + 0.27, "1" if alone else "0", ha="center", va="center",
                      color="white" if alone else GREY)  # fmt: skip
            for place, name in enumerate(here):
                axes.text(
                    cell + 0.5, high + 0.78 + 0.34 * place, name, ha="center", va="center", color=colour, fontsize=8
                )
        axes.text(-0.3, high + 0.27, f"level {level}\n{size} bits", ha="right", va="center", color=INK)
        sets.append(inside == 1)
        left = left[inside[cells] != 1]
        words = f"{len(left)} go on" if len(left) else "all are placed"
        axes.text(size + 0.25, high + 0.27, words, ha="left", va="center", color=ORANGE if len(left) else GREEN)
    joined = np.concatenate(sets)
    owner = {int(slot): name for name, slot in zip(names, slots, strict=True)}
    high -= 2.0
    step = width / len(joined)
    for bit, one in enumerate(joined):
        axes.add_patch(
            Rectangle((bit * step, high), step, 0.5, facecolor=BLUE if one else "white", edgecolor=GREY, lw=0.6)
        )
        axes.text((bit + 0.5) * step, high + 0.25, int(one), ha="center", va="center", fontsize=7,
                  color="white" if one else GREY)  # fmt: skip
        if one:
            slot = int(joined[:bit].sum())
            axes.text((bit + 0.5) * step, high - 0.22, slot, ha="center", va="center", fontsize=7, color=INK)
            axes.text(
                (bit + 0.5) * step, high - 0.5, owner[slot], ha="right", va="top", fontsize=8, rotation=45, color=INK
            )
    edges = np.cumsum([0, *built.levels])
    for start, end, number in zip(edges[:-1], edges[1:], range(len(built.levels)), strict=True):
        axes.plot([start * step + 0.04, end * step - 0.04], [high + 0.66] * 2, color=GREY, lw=1)
        axes.text((start + end) / 2 * step, high + 0.88, f"level {number}", ha="center", color=GREY, fontsize=8)
    axes.text(-0.3, high + 0.25, f"joined\n{len(joined)} bits", ha="right", va="center", color=INK)
    axes.text(-0.3, high - 0.25, "rank = slot", ha="right", va="center", color=INK)
    axes.set_xlim(-1.9, width + 2.4)
    axes.set_ylim(high - 1.6, 0.2)
    axes.axis("off")
    _save(figure, path)


def rows(path: Path, source: Any) -> None:
    """From a slot to its row: what is kept of each slot, and the distinct rows that slots share."""
    model = nlucompress.compress(source, buckets=16, layout="fast").model()
    names = list(source.features[0])
    slots, _ = model.lookup_many(names)
    check = index.check_values(index.hash_names(names, index.seeds_of(1)[0]), 8)
    classes = model.classes_.tolist()
    distinct: dict[tuple[float, ...], int] = {}
    wanted = {name: tuple((model.lookup(name) or {}).get(label, 0.0) for label in classes) for name in names}
    for name in sorted(names, key=lambda one: (sum(map(bool, wanted[one])), wanted[one])):
        distinct.setdefault(wanted[name], len(distinct))
    order = np.argsort(slots)
    height = max(len(names), len(distinct) * 1.3)
    figure = Figure(figsize=(8.6, 4.6))
    axes = figure.add_axes((0, 0, 1, 1))
    pitch = height / len(distinct)
    for place, number in enumerate(order):
        y, name = -place * height / len(names), names[number]
        axes.add_patch(Rectangle((1.5, y - 0.4), 0.9, 0.8, facecolor=PALE, edgecolor=GREY, lw=0.6))
        axes.add_patch(Rectangle((2.4, y - 0.4), 0.9, 0.8, facecolor="white", edgecolor=GREY, lw=0.6))
        axes.text(0, y, name, va="center", color=GREY, style="italic")
        axes.text(1.3, y, str(int(slots[number])), va="center", ha="right", color=INK)
        axes.text(1.95, y, f"{int(check[number]):02x}", va="center", ha="center", family="DejaVu Sans Mono")
        entry = distinct[wanted[name]]
        axes.text(2.85, y, str(entry), va="center", ha="center", color=BLUE)
        axes.plot([3.35, 4.55], [y, -(entry + 0.0) * pitch], color=BLUE, lw=0.7, alpha=0.6)
    largest = max(abs(value) for row in distinct for value in row)
    for row, entry in distinct.items():
        y = -entry * pitch
        axes.text(4.75, y, str(entry), va="center", ha="right", color=BLUE)
        for column, value in enumerate(row):
            x = 4.9 + 1.35 * column
            colour = GREEN if value > 0 else ORANGE
            axes.add_patch(Rectangle((x, y - 0.42), 1.3, 0.84, facecolor="white", edgecolor=GREY, lw=0.6))
            if value:
                axes.add_patch(
                    Rectangle((x, y - 0.42), 1.3, 0.84, facecolor=colour, lw=0, alpha=0.5 * abs(value) / largest)
                )
            axes.text(x + 0.65, y, f"{value:+.2f}" if value else "not stored", va="center", ha="center",
                      color=INK if value else GREY, fontsize=8 if value else 7)  # fmt: skip
    for x, words in (
        (0, "n-gram\n(not stored)"),
        (1.05, "slot"),
        (1.95, "check\nbits"),
        (2.85, "row\nnumber"),
        (4.66, "row"),
    ):
        axes.text(x, 1.0, words, ha="left" if x == 0 else "center", va="bottom", weight="bold", fontsize=8)
    for column, label in enumerate(classes):
        axes.text(5.55 + 1.35 * column, 1.0, label, ha="center", va="bottom", weight="bold", fontsize=8)
    axes.set_xlim(-0.1, 9.1)
    axes.set_ylim(-height, 2.4)
    axes.axis("off")
    _save(figure, path)


def quantization(path: Path, source: Any) -> None:
    """The weights of the demo's model, and the values that 16 buckets leave of them."""
    weights = np.asarray(source.coefficients(), float).ravel()
    weights = weights[weights != 0]
    made = nlucompress.compress(source, buckets=16, norm="mean")
    book = np.sort(np.unique(made.quantized.codebook))
    step = float(np.min(np.diff(book)))
    figure = Figure(figsize=(8.4, 3.0))
    axes = figure.add_subplot()
    bins = np.linspace(weights.min(), weights.max(), 160)
    axes.hist(weights, bins, color=BLUE, log=True)
    axes.axvspan(-step / 2, step / 2, color=ORANGE, alpha=0.22, lw=0)
    axes.plot(book, np.full(len(book), 0.55), "^", color=INK, clip_on=False, markersize=5)
    zero = float(np.mean(np.abs(weights) < step / 2))
    axes.annotate(f"rounds to zero, not stored:\n{100 * zero:.0f} % of the weights", (step / 2, 3e4), (step * 1.1, 6e3),
                  color=ORANGE, va="bottom")  # fmt: skip
    axes.annotate(f"the {len(book)} values that are kept", (float(book[-3]), 0.6), (float(book[-3]), 300), color=INK,
                  ha="center", arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.7})  # fmt: skip
    axes.set_ylim(0.5, None)
    axes.set_xlabel("weight")
    axes.set_ylabel("weights (log scale)")
    _save(figure, path)


def sizes(path: Path, source: Any) -> None:
    """Where the bytes are: each layout at 256, 64 and 16 buckets."""
    figure = Figure(figsize=(8.4, 3.2))
    axes = figure.add_subplot()
    parts = {"index": BLUE, "slots": "#56b4e9", "rows": ORANGE, "the rest": GREY}
    bars = [(layout, buckets) for buckets in (256, 64, 16) for layout in ("fast", "small")]
    for place, (layout, buckets) in enumerate(bars):
        made = nlucompress.compress(source, buckets=buckets, layout=layout, norm="mean").info()["sections"]
        counts = dict.fromkeys(parts, 0)
        for name, size in made.items():
            kind = name if name in ("index", "slots") else "rows" if name.startswith("row") else "the rest"
            counts[kind] += size
        start = 0.0
        for name, colour in parts.items():
            axes.barh(-place - 0.35 * (place // 2), counts[name] / 1000, left=start, color=colour, height=0.72)
            start += counts[name] / 1000
        axes.text(start + 1, -place - 0.35 * (place // 2), f"{start:.0f} KB", va="center")
    axes.set_yticks([-place - 0.35 * (place // 2) for place in range(len(bars))],
                    [f"{buckets} buckets, {layout}" for layout, buckets in bars])  # fmt: skip
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("KB (1,000 bytes)")
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in parts.values()]
    axes.legend(handles, list(parts), frameon=False, loc="lower right", ncols=1)
    _save(figure, path)


def checks(path: Path, source: Any, sample: Any) -> None:
    """How often an n-gram that is no feature is found all the same, measured and expected."""
    strangers = [f"{text}~{number}" for number, text in enumerate(sample)]
    bits, shares = range(0, 13, 2), []
    for check_bits in bits:
        model = nlucompress.compress(source, check_bits=check_bits).model()
        shares.append(float(model.lookup_many(strangers)[1].mean()))
    figure = Figure(figsize=(8.4, 2.8))
    axes = figure.add_subplot()
    axes.plot(bits, [2.0**-one for one in bits], color=GREY, lw=1.2)
    axes.plot(bits, shares, "o", color=BLUE)
    axes.text(bits[-1] + 0.15, 2.0 ** -bits[-1], "expected:\n1 in 2^bits", color=GREY, va="bottom")
    axes.text(2.3, 0.32, f"measured on {len(strangers):,} made-up n-grams", color=BLUE, va="bottom")
    axes.set_yscale("log")
    axes.set_ylim(5e-5, 1.5)
    axes.set_yticks([1, 0.1, 0.01, 0.001, 0.0001], ["100 %", "10 %", "1 %", "0.1 %", "0.01 %"])
    axes.set_xlim(-0.3, 14)
    axes.set_xticks(list(bits))
    axes.set_xlabel("check bits a feature")
    axes.set_ylabel("unknown n-grams found")
    _save(figure, path)
