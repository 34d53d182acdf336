"""The picture of front.py: a panel a set, bytes (logarithmic) against accuracy, each rival's own front with its name.

Colours are Okabe and Ito's, which the colour-blind can tell apart, and every rival has a marker of its own; the ground is
white, so that the picture is readable on a dark page. Text stays text.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

STYLES = {
    "nlucompress": ("#D55E00", "o"), "joblib": ("#000000", "s"), "joblib, xz": ("#000000", "D"), "skops": ("#555555", "v"),
    "ONNX": ("#8a7a00", "P"), "float16, zstd": ("#CC79A7", "X"), "8-bit CSR, xz": ("#0072B2", "^"),
    "MARISA trie": ("#009E73", "<"), "hashing trick": ("#5b2fa3", "h"), "fastText .ftz": ("#1f8fc4", "d"),
    "hashing trick, coarse": ("#a56be0", "H"),
    "nlucompress of hashed": ("#a04500", "*"),
}  # fmt: skip
LOWEST = 0.12  # of accuracy below the best: what is worse is left out of the picture, not of the table


def draw(lines: list[dict[str, Any]], path: pathlib.Path, front: Callable[..., list[dict[str, Any]]]) -> None:
    """Write the picture, SVG or PNG by the path's ending."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    sets = list(dict.fromkeys(one["set"] for one in lines))
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "front", "font.size": 11, "axes.spines.top": False,
                         "axes.spines.right": False, "font.family": "sans-serif"}):  # fmt: skip
        figure, panels = plt.subplots(len(sets), 1, figsize=(8, 4 * len(sets)), squeeze=False)
        ends = {}
        for panel, name in zip(panels[:, 0], sets, strict=True):
            here = [one for one in lines if one["set"] == name]
            best = max(one["accuracy"] for one in here)
            floor = max(best - LOWEST, min(one["accuracy"] for one in here)) - 0.002
            here_ends = []
            for rival, (colour, marker) in STYLES.items():
                points = front([one for one in here if one["rival"] == rival and one["accuracy"] >= floor])
                if not points:
                    continue
                sizes = [one["bytes"] / 1000 for one in points]
                heights = [100 * one["accuracy"] for one in points]
                ours = rival == "nlucompress"
                panel.plot(sizes, heights, color=colour, marker=marker, markersize=6 if ours else 5,
                           linewidth=2.2 if ours else 1.1, zorder=3 if ours else 2)  # fmt: skip
                here_ends.append((sizes[-1], heights[-1], rival, colour))
            panel.set_xscale("log")
            panel.set_ylabel("accuracy, %")
            panel.set_title(name, loc="left", fontsize=12, fontweight="bold")
            panel.grid(True, which="major", color="#e4e4e4", linewidth=0.8)
            panel.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
            panel.xaxis.set_minor_locator(NullLocator())
            panel.xaxis.set_major_formatter(spoken)
            panel.margins(0.08, 0.35)
            ends[name] = here_ends
        figure.tight_layout()
        figure.canvas.draw()  # places of labels are in pixels
        for panel, name in zip(panels[:, 0], sets, strict=True):
            label(figure, panel, ends[name])
        figure.savefig(path, facecolor="white", metadata={"Date": None} if path.suffix == ".svg" else None, dpi=100)
        plt.close(figure)


def spoken(size: float, _: Any = None) -> str:
    """Kilobytes in words."""
    return f"{size:,.0f} KB" if size < 1000 else f"{size / 1000:,.0f} MB"


def label(figure: Any, panel: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """Names at the ends of lines, each at the first of some places where it covers no line and no other name."""
    taken = [panel.transData.transform((size, height)) for size, height, _, _ in ends]
    boxes = []
    for line in panel.lines:  # along each, so that no name covers a line
        points = panel.transData.transform(line.get_xydata())
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[-1]], strict=True):
            boxes += [(x - 4, y - 4, x + 4, y + 4) for x, y in
                      ((x0 + t / 12 * (x1 - x0), y0 + t / 12 * (y1 - y0)) for t in range(13))]  # fmt: skip
    edge = panel.get_window_extent()
    for (size, height, rival, colour), (x, y) in zip(ends, taken, strict=True):
        letters = sum(1.5 if letter.isupper() else 1.0 for letter in rival)
        wide, high = (9.3 if rival == "nlucompress" else 7.2) * letters, 15.0
        places = [(dx, dy) for dy in (9, -23, 26, -40, 43, -57, 60, -74, 77)
                  for dx in (-wide / 2, 8, -wide - 8, -wide - 40, 40)]  # fmt: skip
        free = [(dx, dy) for dx, dy in places
                if edge.x0 < x + dx and x + dx + wide < edge.x1 + 12 and edge.y0 < y + dy and y + dy + high < edge.y1 + 10
                and all(x + dx > right or x + dx + wide < left or y + dy > top or y + dy + high < bottom
                        for left, bottom, right, top in boxes)]  # fmt: skip
        dx, dy = (free or places)[0]
        boxes.append((x + dx, y + dy, x + dx + wide, y + dy + high))
        scale = 72 / figure.dpi
        far = not -22 < dy < 12
        panel.annotate(rival, (size, height), (dx * scale, dy * scale), textcoords="offset points", color=colour,
                       fontsize=10, fontweight="bold" if rival == "nlucompress" else "normal", zorder=4,
                       arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6} if far else None)  # fmt: skip
