#!/usr/bin/env python3
"""A fastText model as a .nluc file, beside its own .ftz: bytes and accuracy.

    python benchmarks/fasttext_models.py TRAIN.jsonl[.gz] VALIDATION.jsonl[.gz] TEST.jsonl[.gz] [--json OUT.json]

fastText is trained as in search.py, over dimensions and buckets, with word 1-2-grams and subwords of 2 to 5 characters.
Of each model: its .bin, its .ftz files by search.py's quantizations, and .nluc files of the .bin and of the .ftz that is
best on the validation texts; with --search also the smallest .nluc that loses at most 0.3 points on them.
"-" for VALIDATION holds a tenth of TRAIN back.

Accuracy is of the test texts, flat and in lower case for all. "like .bin" is the share of texts with the .bin's label.
The first line of each model says how far its own probabilities are from those of the imported model, unquantized.

Training runs in processes of their own under MALLOC_PERTURB_=255, by which glibc gives memory that is all zero: fastText
0.9.3 reads memory that nothing was written to, and otherwise often ends with "Encountered NaN".
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pathlib
import shutil
import sys
import tempfile

import fasttext
import numpy as np
from provenance import heading, provenance
from search import QUANTIZATIONS, apart, flat, parts, quantize, train

import nlucompress
from nlucompress import reference
from nlucompress.data import read_labelled

GRAMS = {"wordNgrams": 2, "minn": 2, "maxn": 5}
OPTIONS = [{"buckets": 256}, {"buckets": 64}, {"buckets": 64, "norm": "mean"}, {"buckets": 32}]
PRINTED = 1e-5  # fastText adds it to what it prints


def predictions(path, texts, classes):
    """Labels of fastText, and its probabilities in the order of classes: (n_texts, n_classes)."""
    core = fasttext.load_model(str(path)).f
    column = {f"__label__{label}": i for i, label in enumerate(classes)}
    labels, found = [], np.zeros((len(texts), len(classes)))
    for row, text in enumerate(texts):
        pairs = core.predict(text + "\n", len(classes), 0.0, "strict")
        labels.append(pairs[0][1].removeprefix("__label__") if pairs else "")
        for probability, label in pairs:
            found[row, column[label]] = probability - PRINTED
    return np.array(labels), found


def measure(options, lines, coded, folder, args):
    """One training: rows of the table."""
    binary = pathlib.Path(folder) / "model.bin"
    if apart(train, lines, str(binary), options, coded[0]) is None:
        print("fastText: no training without a NaN", file=sys.stderr)
        return []
    texts, truth = coded[1][0], np.array([label.removeprefix("__label__") for label in coded[1][1]])
    model = nlucompress.import_model(binary)
    labels, theirs = predictions(binary, texts, model.classes.tolist())
    ours = reference.exact(model).predict_proba(texts)
    facts = {"trained": options, "largest difference": float(np.abs(ours - theirs).max()),
             "other labels": int((model.classes[ours.argmax(axis=1)] != labels).sum())}  # fmt: skip

    def row(kind, what, size, found, **more):
        one = {**facts, "file": kind, "options": what, "bytes": size, "test": float((found == truth).mean()),
               "alike": float((found == labels).mean()), **more}  # fmt: skip
        stored = f"{more['features']:,}" if more else ""
        print(
            f"| {kind} | {what} | {size / 1e3:,.0f} | {one['test']:.4f} | {one['alike']:.2%} | {stored} |", flush=True
        )
        return one

    words = ", ".join(f"{name} {value}" for name, value in options.items())
    print(f"\n{words}: probabilities differ by {facts['largest difference']:.1e} at most, {facts['other labels']} of "
          f"{len(texts):,} labels differ\n")  # fmt: skip
    print("| file | options | KB | accuracy | like .bin | features stored |\n|---|---|---|---|---|---|")
    rows = [row(".bin", "", binary.stat().st_size, labels)]
    best, kept = -1.0, pathlib.Path(folder) / "best.ftz"
    for wanted in QUANTIZATIONS:
        made = apart(quantize, lines, str(binary), wanted, coded)
        if made is None:
            continue
        file = binary.with_suffix(".ftz")
        found, _ = predictions(file, texts, model.classes.tolist())
        rows.append(row(".ftz", spoken(wanted), made["bytes"], found))
        if made["validation"] > best:
            best = made["validation"]
            shutil.copy(file, kept)
    for name, source in ((".bin", model), ("best .ftz", nlucompress.import_model(kept))):
        for wanted in OPTIONS:
            rows.append(of_nluc(row, name, nlucompress.compress(source, **wanted), spoken(wanted), texts))
        if args.search:
            found = nlucompress.search(source, coded_labels(coded[0]), max_loss=0.3, candidates=args.candidates)
            rows.append(of_nluc(row, name, found.compressed, f"search: {found.chosen}", texts))
    return rows


def of_nluc(row, source, compressed, words, texts):
    """The row of a compressed model."""
    runtime = compressed.model()
    return row(f".nluc of {source}", words, len(compressed.data), runtime.predict(texts), features=runtime.n_features)


def coded_labels(data):
    """Texts, and labels without the prefix."""
    return data[0], [label.removeprefix("__label__") for label in data[1]]


def spoken(options):
    """Options in words."""
    return ", ".join(f"{name} {value}" for name, value in options.items() if value) or "all rows"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("test")
    parser.add_argument("--dim", type=int, action="append", help="repeatable; 16 and 64")
    parser.add_argument("--bucket", type=int, action="append", help="repeatable; 20,000 and 200,000")
    parser.add_argument("--search", action="store_true", help="the smallest file within 0.3 points, too")
    parser.add_argument("--candidates", type=int, default=100, help="that a search tries at most")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    training, searched = parts(args.train, args.validation)
    tested = read_labelled(args.test)
    numbers = {label: i for i, label in enumerate(sorted({*training[1], *searched[1], *tested[1]}))}
    coded = [(list(map(flat, texts)), [f"__label__{numbers[label]}" for label in labels])
             for texts, labels in (searched, tested)]  # fmt: skip
    facts = provenance("fasttext")
    os.environ["MALLOC_PERTURB_"] = "255"
    print(heading(facts))
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "train.txt"
        rows = [f"__label__{numbers[label]} {flat(text)}\n" for text, label in zip(*training, strict=True)]
        lines.write_text("".join(rows), encoding="utf-8")
        results = []
        for dim, bucket in itertools.product(args.dim or (16, 64), args.bucket or (20_000, 200_000)):
            results += measure({"dim": dim, "bucket": bucket, **GRAMS}, lines, coded, folder, args)
    if args.json:
        args.json.write_text(json.dumps({"provenance": facts, "results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
