"""The picture of index.py's measurement: what a look-up takes and what a feature weighs, against the number of features."""

from __future__ import annotations

import statistics

# Okabe and Ito's colours, told apart with any colour vision, and a marker each.
LOOKS = {
    "nlucompress, γ = 1": ("#000000", "o", "nlucompress, γ = 1"),
    "nlucompress, γ = 2": ("#000000", "s", "nlucompress, γ = 2"),
    "lexindex CompactHashIndex": ("#0072B2", "^", "lexindex"),
    "phobic": ("#009E73", "v", "phobic (no check bits)"),
    "bbhash": ("#D55E00", "D", "bbhash (no check bits)"),
    "fastconstmap ConstMap": ("#CC79A7", "<", "fastconstmap, plain"),
    "fastconstmap PairedVerifiedConstMap": ("#CC79A7", ">", "fastconstmap, paired"),
    "marisa-trie": ("#E69F00", "P", "marisa-trie"),
    "DAWG2": ("#8C6D1F", "X", "DAWG2 (no numbers)"),
    "dict": ("#777777", "*", "dict"),
}
CASE = "one call, present"


def apart(wanted, least):
    """Heights near the wanted ones, in their order, that are `least` apart at least."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed = [wanted[i] for i in order]
    for _ in range(200):
        for low in range(len(placed) - 1):
            short = least - (placed[low + 1] - placed[low])
            if short > 1e-9:
                placed[low] -= short / 2
                placed[low + 1] += short / 2
    return dict(zip(order, placed, strict=True))


def panel(axes, lines, title):
    """Lines {name: [(n, value), …]} on logarithmic axes, each with its name at its right end."""
    axes.set(xscale="log", yscale="log", title=title, xlabel="features")
    for name, points in lines.items():
        colour, marker, _ = LOOKS[name]
        ours = name.startswith("nlucompress")
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=6 if ours else 5,
                  linewidth=2 if ours else 1.3, linestyle="--" if name.endswith("2") and ours else "-",
                  zorder=3 if ours else 2)  # fmt: skip
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.figure.canvas.draw()
    ends = [points[-1] for points in lines.values()]
    pixels = [axes.transData.transform(end)[1] for end in ends]
    heights = apart(pixels, 11.5 * axes.figure.dpi / 72)
    for number, (name, (n, value)) in enumerate(zip(lines, ends, strict=True)):
        height = axes.transAxes.inverted().transform((0, heights[number]))[1]
        axes.annotate(
            LOOKS[name][2], (n, value), (1.06, height), textcoords="axes fraction", fontsize=9, color=LOOKS[name][0],
            va="center", annotation_clip=False, weight="bold" if name.startswith("nlucompress") else "normal",
            arrowprops={"arrowstyle": "-", "color": LOOKS[name][0], "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4},
        )  # fmt: skip


def draw(kept, path):
    """Write the picture of what index.py kept: an SVG (or a PNG, by the name's ending) on opaque white."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "nlucompress", "svg.fonttype": "path", "font.size": 10})
    from matplotlib import pyplot

    names = [name for name in LOOKS if any(name in rows for rows in kept["results"].values())]
    sizes = sorted(kept["results"], key=int)

    def lines(value):
        return {name: [(int(size), value(kept["results"][size][name])) for size in sizes if name in kept["results"][size]]
                for name in names}  # fmt: skip

    figure, panels = pyplot.subplots(2, 1, figsize=(8, 9.4), facecolor="white")
    figure.subplots_adjust(left=0.09, right=0.72, top=0.95, bottom=0.06, hspace=0.3)
    panel(
        panels[0], lines(lambda row: statistics.median(row["ns"][CASE])), "ns a look-up (all keys in one call, present)"
    )
    panel(panels[1], lines(lambda row: row["bits_a_feature"]), "bits a feature")
    figure.savefig(path, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
