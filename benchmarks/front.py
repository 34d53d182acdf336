#!/usr/bin/env python3
"""How small at which accuracy, beside every other way to store the model or to train a small one?

    python benchmarks/front.py [NAME MODEL.joblib TRAIN.jsonl[.gz] TEST.jsonl[.gz]] … [--json OUT.json] [--svg OUT.svg]

Each rival of front_rivals.py at its best documented setting: bytes, accuracy on the test texts, share of labels equal
to the original's, and whether it is looked up where it lies or unpacked first. A file is on the front if none that is
as small is as good, by accuracy or by the share of labels; all points are judged by the test texts, so a rival with
many points has many chances. The table has of each rival its own front by accuracy, and its file of the most equal
labels; --json has all. Without arguments: the demo's sentences. --search takes options that search.py found (its
--json), by NAME; --resume takes what an earlier run kept, so that a rival or a set is measured once. Rivals that are
not installed are named as skipped.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile
from typing import Any

import joblib
import numpy as np
from front_rivals import RIVALS, Case
from provenance import heading, provenance

from nlucompress.data import read_labelled

PACKAGES = ("scikit-learn", "scipy", "joblib", "skops", "zstandard", "marisa-trie", "fasttext", "skl2onnx", "onnx",
            "onnxruntime")  # fmt: skip


def demo_case(folder: str) -> Case:
    """The demo's sentences and pipeline."""
    from nlucompress import demo

    sides = [([r["text"] for r in side], [r["label"] for r in side]) for side in demo.split(demo.sentences())]
    path = pathlib.Path(folder) / "demo.joblib"
    joblib.dump(demo.pipeline().fit(*sides[0]), path)
    return Case("demo", path, *sides)


def searched(files: list[pathlib.Path]) -> dict[str, list[dict[str, Any]]]:
    """What search.py found: by set the options of .nluc files on its front."""
    kept = [one for path in files for one in json.loads(path.read_text())["results"]]
    return {one["set"]: [candidate["options"] for candidate in one["search"]["front"]] for one in kept}


def measure(case: Case, rival: str) -> list[dict[str, Any]]:
    """Lines of the table."""
    function, _ = RIVALS[rival]
    gold, lines = np.array(case.test[1]), []
    for form in function(case):
        lines.append({"set": case.name, "rival": rival, "options": form.options, "bytes": form.bytes, "use": form.use,
                      "accuracy": float((form.labels == gold).mean()),
                      "same_labels": float((form.labels == case.labels).mean())})  # fmt: skip
        print(f"{case.name}: {rival}, {form.options}: {form.bytes:,} bytes", file=sys.stderr, flush=True)
    return lines


def front(lines: list[dict[str, Any]], by: str = "accuracy") -> list[dict[str, Any]]:
    """Those than which none is both as small and as good, by size. by: "accuracy" or "same_labels"."""
    chosen: list[dict[str, Any]] = []
    for one in sorted((one for one in lines if one[by] is not None), key=lambda one: (one["bytes"], -one[by])):
        if not chosen or one[by] > chosen[-1][by]:
            chosen.append(one)
    return chosen


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: of each rival its own front and its most faithful file, and what is on the front of all."""
    yardsticks = {"accuracy": "accuracy", "same_labels": "same labels"}
    rows = ["| set | form | options | KB | accuracy | same labels | used | on the front by |",
            "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name in dict.fromkeys(one["set"] for one in lines):
        here = [one for one in lines if one["set"] == name]
        best = {words: front(here, by) for by, words in yardsticks.items()}
        for rival in dict.fromkeys(one["rival"] for one in here):
            own = [one for one in here if one["rival"] == rival]
            alike = max((one["same_labels"] for one in own if one["same_labels"] is not None), default=None)
            most = min((one for one in own if one["same_labels"] == alike), key=lambda one: one["bytes"])
            shown = [one for one in own if one in front(own) or one is most]
            for one in sorted(shown, key=lambda one: -one["bytes"]):
                same = "–" if one["same_labels"] is None else f"{one['same_labels']:.2%}"
                places = ", ".join(words for words, those in best.items() if one in those)
                rows.append(f"| {name} | {rival} | {one['options']} | {one['bytes'] / 1e3:,.1f} | {one['accuracy']:.4f} "
                            f"| {same} | {one['use']} | {places} |")  # fmt: skip
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="NAME MODEL TRAIN TEST", help="four arguments a data set")
    parser.add_argument("--only", nargs="+", choices=list(RIVALS), metavar="RIVAL", help=", ".join(RIVALS))
    parser.add_argument("--search", type=pathlib.Path, nargs="+", default=[], help="what search.py kept")
    parser.add_argument("--resume", type=pathlib.Path, nargs="+", default=[], help="what earlier runs kept")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--svg", type=pathlib.Path, help="a picture (needs matplotlib)")
    args = parser.parse_args()
    if len(args.sets) % 4:
        parser.error("a data set has four arguments: NAME MODEL TRAIN TEST")
    facts = provenance(*PACKAGES)
    options = searched(args.search)
    earlier = [json.loads(path.read_text()) for path in args.resume if path.exists()]
    lines = list({json.dumps(line): line for one in earlier for line in one["results"]}.values())
    commits = sorted({commit for one in earlier for commit in one["commits"]} | {str(facts["commit"])})
    skipped: dict[str, str] = {}

    def keep() -> None:
        if args.json:
            kept = {"provenance": facts, "commits": commits, "skipped": skipped, "results": lines}
            args.json.write_text(json.dumps(kept, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        cases = [
            Case(name, pathlib.Path(model), read_labelled(train), read_labelled(test), options.get(name, ()))
            for name, model, train, test in (args.sets[i : i + 4] for i in range(0, len(args.sets), 4))
        ]
        if not cases and not earlier:
            cases = [demo_case(folder)]
        for case in cases:
            for rival in args.only or RIVALS:
                missing = [name for name in RIVALS[rival][1] if facts["versions"].get(name) is None]
                if missing:
                    skipped[rival] = f"{', '.join(missing)} not installed"
                    continue
                if any((line["set"], line["rival"]) == (case.name, rival) for line in lines):
                    continue
                lines += measure(case, rival)
                keep()
    order = list(RIVALS)
    sets = list(dict.fromkeys([*[case.name for case in cases], *[line["set"] for line in lines]]))
    lines.sort(key=lambda line: (sets.index(line["set"]), order.index(line["rival"])))
    print(f"{heading(facts)}\n")
    print(table(lines))
    for rival, reason in skipped.items():
        print(f"\nskipped: {rival} ({reason})")
    keep()
    if args.svg:
        import front_figure

        front_figure.draw(lines, args.svg, front)
    return 0


if __name__ == "__main__":
    sys.exit(main())
