#!/usr/bin/env python3
"""Which converter says what the model said? Labels flipped and the largest difference of a probability, on any text.

    python benchmarks/faithful_rivals.py [NAME TRAIN.jsonl[.gz] TEST.jsonl[.gz] MODEL.joblib …] [--json OUT.json]

Of each set: the trained pipelines given, and the simplest ones, trained here: a default TfidfVectorizer with LinearSVC and
with LogisticRegression, and one of 1-2-grams. Each as a .nluc file (256 buckets, exact norm, 8 and 32 check bits), beside
the original and beside its dequantized clone (faithful.py), and as ONNX (onnx_rival.py), beside the original. On the test
texts, and on generated ones (unicode_texts.py). A set is NAME, two data files, and models up to the next word that is no
path. Without arguments: the demo's sentences. The table adds the sets up; --json has each. A flip between labels of equal
score, to 1e-9, is a tie: another order of a sum decides it.
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
import onnx_rival
import unicode_texts
from faithful import clone_of
from provenance import heading, provenance
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

import nlucompress
from nlucompress.data import read_labelled

SIMPLE = {
    "default TfidfVectorizer, svc": lambda: make_pipeline(TfidfVectorizer(), LinearSVC(C=1.0, random_state=0)),
    "default TfidfVectorizer, lr": lambda: make_pipeline(TfidfVectorizer(), regression()),
    "TfidfVectorizer of 1-2-grams, lr": lambda: make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), regression()),
}  # pipelines that anyone would begin with, trained here


def regression():
    return LogisticRegression(C=10, max_iter=200, tol=1e-3)


def compared(labels: Any, chances: Any, wanted_labels: Any, wanted_chances: Any, margins: Any) -> dict[str, Any]:
    """Flips, ties among them, the largest difference of a probability; texts without a number are counted."""
    flipped = np.asarray(labels) != wanted_labels
    line = {"texts": len(labels), "flips": int(flipped.sum()), "ties": int((flipped & (margins < 1e-9)).sum())}
    if wanted_chances is not None:  # NaN where onnxruntime raised or found nothing to divide by
        gap = np.abs(np.asarray(chances) - wanted_chances).max(axis=1)
        silent = ~np.isfinite(gap)
        line |= {"silent": int(silent.sum()), "difference": float(gap[~silent].max(initial=0))}
    return line


def answers(model: Any, texts: list[str]) -> tuple[Any, Any, Any]:
    """Of a pipeline: labels, probabilities if it has any, and the margins of its two best scores."""
    scores = model.decision_function(texts)
    ranked = np.sort(np.column_stack([-scores, scores]) if scores.ndim == 1 else scores, axis=1)
    chances = model.predict_proba(texts) if hasattr(model, "predict_proba") else None
    return model.predict(texts), chances, ranked[:, -1] - ranked[:, -2]


def clone(pipeline: Any, compressed: Any) -> Any:
    """The dequantized clone of a pipeline that begins with a union or with a vectorizer."""
    if isinstance(pipeline[0], FeatureUnion):
        return clone_of(pipeline, compressed.dequantized())
    found = compressed.dequantized()
    pipeline[-1].coef_, pipeline[0].idf_ = found.coefficients().T, found.idf
    return pipeline


def measure(
    name: str, title: str, path: pathlib.Path, sets: dict[str, list[str]], rivals: bool
) -> list[dict[str, Any]]:
    """Lines of one model."""
    pipeline = joblib.load(path)
    before = {kind: answers(pipeline, texts) for kind, texts in sets.items()}
    lines: list[dict[str, Any]] = []

    def line(form: str, beside: str, kind: str, facts: dict[str, Any]) -> None:
        lines.append({"set": name, "model": title, "form": form, "beside": beside, "on": kind, **facts})
        print(lines[-1], file=sys.stderr, flush=True)

    for bits in (8, 32):
        compressed = nlucompress.compress(path, buckets=256, check_bits=bits)
        runtime, twin = compressed.model(), clone(joblib.load(path), compressed)
        for kind, texts in sets.items():
            labels = runtime.predict(texts)
            chances = before[kind][1] if before[kind][1] is None else runtime.predict_proba(texts)
            line(f"nlucompress, {bits} check bits", "the original", kind, compared(labels, chances, *before[kind]))
            line(f"nlucompress, {bits} check bits", "the clone", kind,
                 compared(labels, chances, *answers(twin, texts)))  # fmt: skip
    if not rivals:
        return lines
    one = not isinstance(pipeline[0], FeatureUnion)
    for setting, options in (onnx_rival.settings(pipeline[0]) if one else {"as it is": {}}).items():
        form = f"ONNX, {setting}"
        try:
            data = onnx_rival.convert(pipeline, *([(pipeline[0], options)] if one else []))
        except Exception as error:  # any of them is what a user gets
            line(form, "the original", "", {"refused": onnx_rival.refusal(error)})
            continue
        for kind, texts in sets.items():
            labels, chances = onnx_rival.answers(data, texts)
            line(form, "the original", kind, compared(labels, chances, *before[kind]))
    return lines


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: all sets together, by model (without the set's name), form and yardstick."""
    kinds = ("test", "generated")
    rows = ["| model | form | beside | flipped: test | generated | probabilities: test | generated | no number |",
            "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in lines:
        model = one["model"].removeprefix(one["set"].lower()).lstrip(".")
        groups.setdefault((model, one["form"], one["beside"]), []).append(one)
    order = list(dict.fromkeys(model for model, _, _ in groups))
    for key in sorted(groups, key=lambda key: order.index(key[0])):
        start = f"| {' | '.join(key)} |"
        refused = next((one["refused"] for one in groups[key] if "refused" in one), None)
        if refused:
            rows.append(f"{start} refused by {refused} | | | | |")
            continue
        parts = [[one for one in groups[key] if one["on"] == kind] for kind in kinds]
        counts = [[sum(one.get(name, 0) for one in part) for name in ("flips", "texts", "ties")] for part in parts]
        cells = [f"{flips:,} of {texts:,} ({flips / texts:.2%}{f', {ties} of them ties' if ties else ''})"
                 for flips, texts, ties in counts]  # fmt: skip
        gaps = [[one["difference"] for one in part if "difference" in one] for part in parts]
        cells += [f"{max(gap):.1e}" if gap else "" for gap in gaps]
        cells.append(str(sum(one["silent"] for part in parts for one in part)) if gaps[0] else "")
        rows.append(f"{start} {' | '.join(cells)} |")
    return "\n".join(rows)


def cases(given: list[str]) -> list[tuple[str, list[str]]]:
    """NAME and its files: a name is a word that is no file."""
    found: list[tuple[str, list[str]]] = []
    for word in given:
        if pathlib.Path(word).exists() and found:
            found[-1][1].append(word)
        else:
            found.append((word, []))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="NAME TRAIN TEST MODEL")
    parser.add_argument("--texts", type=int, default=20_000, help="generated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", type=pathlib.Path, nargs="+", default=[], help="what earlier runs kept")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    sets = cases(args.sets)
    if wrong := [name for name, files in sets if len(files) < 2]:
        parser.error(f"{', '.join(wrong)}: not a file, or a set without a training and a test file")
    facts = provenance("scikit-learn", "skl2onnx", "onnx", "onnxruntime")
    absent = [name for name in ("skl2onnx", "onnxruntime") if facts["versions"][name] is None]
    earlier = [json.loads(path.read_text()) for path in args.resume if path.exists()]
    lines = [line for one in earlier for line in one["results"]]
    commits = sorted({commit for one in earlier for commit in one["commits"]} | {str(facts["commit"])})

    def keep() -> None:
        if args.json:
            kept = {"provenance": facts, "commits": commits, "seed": args.seed, "skipped": absent, "results": lines}
            args.json.write_text(json.dumps(kept, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        everything = [(name, read_labelled(files[0]), read_labelled(files[1]), files[2:]) for name, files in sets]
        if not sets and not earlier:
            from nlucompress import demo

            sides = [([r["text"] for r in side], [r["label"] for r in side]) for side in demo.split(demo.sentences())]
            joblib.dump(demo.pipeline().fit(*sides[0]), pathlib.Path(folder) / "demo.joblib")
            everything = [("demo", *sides, [str(pathlib.Path(folder) / "demo.joblib")])]
        for name, train, test, models in everything:
            asked = {"test": test[0], "generated": unicode_texts.texts(test[0], args.texts, args.seed)}
            paths = {pathlib.Path(model).name: pathlib.Path(model) for model in models}
            for title in [*SIMPLE, *paths]:
                if any((line["set"], line["model"]) == (name, title) for line in lines):
                    continue
                path = paths.get(title, pathlib.Path(folder) / f"{name}.joblib")
                if title in SIMPLE:
                    joblib.dump(SIMPLE[title]().fit(*train), path)
                lines += measure(name, title, path, asked, not absent)
                keep()
    print(f"{heading(facts)}\n")
    print(table(lines))
    if absent:
        print(f"\nskipped: ONNX ({', '.join(absent)} not installed)")
    keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
