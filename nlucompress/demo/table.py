"""The demo's measurements as plain text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from .sentences import MIN_TEMPLATES


def table(result: Mapping[str, Any]) -> str:
    """What `run` returned, as plain text: the data, a row for each measure, and some classified sentences."""
    data, before, after, flips = result["data"], result["original"], result["compressed"], result["flips"]
    noun = "intents" if data["split"] == "template" else "labels"
    where = " (from templates not seen in training)" if data["split"] == "template" else ""
    lines = [
        data["source"],
        f"{data['labels']:,} {noun}, {data['train']:,} sentences for training, {data['test']:,} for test{where}",
    ]
    if data["labels_tested"] < data["labels"]:
        why = f"fewer than {MIN_TEMPLATES} templates" if data["split"] == "template" else "a single text"
        lines.append(f"{data['labels_tested']:,} of the {noun} are tested; the others have {why}")
    share = 100 * flips["count"] / data["test"]
    grown = (before["memory_bytes"], after["memory_bytes"])
    rows = [
        ("", "scikit-learn", "nlucompress", ""),
        ("file", *_megabytes(before["bytes"], after["bytes"])),
        ("load (fresh process)", *_milliseconds(before["load_seconds"], after["load_seconds"])),
        ("memory", *(("-", "-", "") if None in grown else _megabytes(*grown))),
        (
            "accuracy on test",
            f"{100 * before['accuracy']:.2f} %",
            f"{100 * after['accuracy']:.2f} %",
            f"{flips['count']:,} of {data['test']:,} labels differ ({share:.2f} %)",
        ),
        ("one sentence", *_milliseconds(before["sentence_seconds"], after["sentence_seconds"])),
    ]
    lines += ["", *aligned(rows, gap="   "), ""]
    lines.append(
        f"load, memory: median of {result['repeats']} fresh processes, imports included; "
        f"one sentence: median of {result['calls']:,} calls"
    )
    machine = result["machine"]
    lines += [f"Python {machine['python']}, scikit-learn {machine['scikit-learn']}, {machine['platform']}", ""]
    classified = [
        (
            f'"{textwrap.shorten(row["text"], 60, placeholder="…")}"',
            str(row["label"]),
            f"{row['score']:+.2f}",
            f"next: {row['next']} {row['next_score']:+.2f}",
        )
        for row in result["examples"]
    ]
    return "\n".join(lines + aligned(classified, gap="   ", right=(2,)))


def aligned(rows: Sequence[Sequence[str]], gap: str, right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [c.rjust(w) if n in right else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append(gap.join(cells).rstrip())
    return lines


def _megabytes(before: float, after: float) -> tuple[str, str, str]:
    return f"{digits(before / 1e6)} MB", f"{digits(after / 1e6)} MB", ratio(before, after)


def _milliseconds(before: float, after: float) -> tuple[str, str, str]:
    return f"{digits(before * 1e3)} ms", f"{digits(after * 1e3)} ms", ratio(before, after)


def digits(value: float) -> str:
    """Three significant digits, and all those before the point."""
    places = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{min(max(places, 0), 6)}f}"


def ratio(before: float, after: float) -> str:
    """After as a part of before: "1/58", or "x 1.4" where it is more."""
    if before <= 0 or after <= 0:
        return ""
    times = before / after
    return f"1/{times:,.0f}" if times >= 9.95 else f"1/{times:.1f}" if times >= 1 else f"x {1 / times:.1f}"
