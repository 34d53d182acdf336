#!/usr/bin/env python3
"""How small is a file that loses at most 0.3 points? Found on validation data, measured on test data.

    python benchmarks/search.py NAME TRAIN.jsonl[.gz] VALIDATION.jsonl[.gz] TEST.jsonl[.gz] … [--json OUT.json]

Four arguments a data set; VALIDATION may be "-": then every tenth text of TRAIN, alike in labels, is held back from
training and serves for it, because a model's loss on texts that it was trained on says nothing. The pipeline is that of
README.md in this folder. The search sees the validation texts alone; the test texts are measured once, on its result.

Beside it fastText, if it is installed: trained on the same texts over vectors' length, n-grams and buckets, quantized over
cutoff, qnorm and retraining (14 files a set). The two columns have the file that is best on the validation texts,
of all, and of those that are no larger than ours.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import multiprocessing
import pathlib
import sys
import tempfile
import time

import joblib
import numpy as np
from provenance import heading, provenance
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

import nlucompress
from nlucompress.data import read_labelled

TRAININGS = [{"dim": dim, "bucket": bucket, **grams} for dim, bucket, grams in itertools.product(
    (16, 64), (20_000, 200_000), ({"wordNgrams": 2}, {"wordNgrams": 2, "minn": 2, "maxn": 5}))]  # fmt: skip
QUANTIZATIONS = [{"cutoff": cutoff, "retrain": retrain, "qnorm": qnorm} for cutoff, retrain, qnorm in (
    (0, False, False), (0, False, True), (50_000, True, True), (10_000, True, True), (10_000, True, False),
    (10_000, False, True), (2_000, True, True))]  # fmt: skip
BEST = 2  # trainings that are quantized


def trained(texts, labels, logistic):
    """The reference pipeline, fitted."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    head = LogisticRegression(C=10, max_iter=200, tol=1e-3) if logistic else LinearSVC(C=1.0, random_state=0)
    return make_pipeline(features, head).fit(texts, labels)


def parts(train, validation):
    """(texts, labels) for training and for the search; every tenth of the texts, by label, if there are no others."""
    texts, labels = read_labelled(train)
    if validation != "-":
        return (texts, labels), read_labelled(validation)
    order = np.random.default_rng(0).permutation(len(texts))
    order = order[np.argsort(np.array(labels)[order], kind="stable")]
    held = set(order[::10].tolist())
    both = [[(text, label) for i, (text, label) in enumerate(zip(texts, labels, strict=True)) if (i in held) == side]
            for side in (False, True)]  # fmt: skip
    return [tuple(map(list, zip(*rows, strict=True))) for rows in both]


def measure(name, train, validation, test, args, folder):
    """One data set: the search, and fastText."""
    training, searched = parts(train, validation)
    tested = read_labelled(test)
    source = pathlib.Path(folder) / f"{name}.joblib"
    joblib.dump(trained(*training, args.lr), source)
    began = time.perf_counter()
    found = nlucompress.search(source, searched, held_out=tested, max_loss=args.max_loss, candidates=args.candidates,
                               progress=lambda count, words: print(f"\r{name}: {count} tried, {words}  ", end="",
                                                                   file=sys.stderr, flush=True))  # fmt: skip
    seconds = time.perf_counter() - began
    print(file=sys.stderr)
    result = {"set": name, "train": len(training[0]), "source_bytes": source.stat().st_size, "seconds": seconds,
              "search": found.to_dict(), "words": str(found.chosen)}  # fmt: skip
    if args.fasttext:
        result["fasttext"] = of_fasttext(training, searched, tested, found.chosen.bytes, folder)
    return result


def of_fasttext(training, searched, tested, limit, folder):
    """Quantized fastText models, by their accuracy on the validation texts: the best, the best no larger than limit."""
    numbers = {label: i for i, label in enumerate(sorted({*training[1], *searched[1], *tested[1]}))}
    lines = pathlib.Path(folder) / "train.txt"
    rows = [f"__label__{numbers[label]} {flat(text)}\n" for text, label in zip(*training, strict=True)]
    lines.write_text("".join(rows), encoding="utf-8")

    coded = [(list(map(flat, texts)), [f"__label__{numbers[label]}" for label in labels])
             for texts, labels in (searched, tested)]  # fmt: skip
    ranked = []
    for i, options in enumerate(TRAININGS):
        accuracy = apart(train, lines, f"{lines}.{i}.bin", options, coded[0])
        ranked += [(accuracy, i)] if accuracy is not None else []
        print(f"\rfastText: {i + 1} of {len(TRAININGS)} trained  ", end="", file=sys.stderr, flush=True)
    files = []
    for (_, i), options in itertools.product(sorted(ranked, reverse=True)[:BEST], QUANTIZATIONS):
        one = apart(quantize, lines, f"{lines}.{i}.bin", options, coded)
        files += [{**one, "options": {**TRAININGS[i], **options}}] if one is not None else []
        print(f"\rfastText: {len(files)} files  ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    best = max(files, key=lambda one: (one["validation"], -one["bytes"]))
    small = [one for one in files if one["bytes"] <= limit]
    return {"files": files, "best": best, "no larger": max(small, key=lambda one: one["validation"], default=None)}


def apart(function, *arguments):
    """What a function returns, called in a process of its own; None if that dies, as fastText sometimes does."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except concurrent.futures.BrokenExecutor:
            return None


def train(lines, path, options, data):
    """Train on a file of lines, and save; accuracy on data. Under the first seed that does not end in a NaN."""
    import fasttext

    for seed in range(5):
        try:
            model = fasttext.train_supervised(str(lines), epoch=30, lr=0.5, thread=1, seed=seed, verbose=0, **options)
        except RuntimeError:
            continue
        model.save_model(path)
        return accuracy(model, data)
    return None


def quantize(lines, path, options, data):
    """Quantize a saved model: bytes, and accuracy on validation and test data. None if retraining meets a NaN."""
    import fasttext

    model = fasttext.load_model(path)
    try:
        model.quantize(input=str(lines), thread=1, verbose=0, **options)
    except RuntimeError:
        return None
    file = pathlib.Path(path).with_suffix(".ftz")
    model.save_model(str(file))
    return {"bytes": file.stat().st_size, "validation": accuracy(model, data[0]), "test": accuracy(model, data[1])}


def accuracy(model, data):
    """By the core's call: the wrapper's predict needs an older numpy."""
    answers = [model.f.predict(text + "\n", 1, 0.0, "strict") for text in data[0]]
    return float(np.mean([bool(one) and one[0][1] == label for one, label in zip(answers, data[1], strict=True)]))


def flat(text):
    """On one line, in lower case: fastText ends at a line's end and knows no case."""
    return " ".join(text.lower().split())


def share(value):
    """A percentage, or a dash."""
    return "–" if value is None else f"{value:.2%}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME TRAIN VALIDATION TEST", help="four arguments a data set")
    parser.add_argument("--max-loss", type=float, default=0.3, help="points of accuracy")
    parser.add_argument("--candidates", type=int, default=100, help="tried at most")
    parser.add_argument("--lr", action="store_true", help="logistic regression instead of LinearSVC")
    parser.add_argument("--no-fasttext", dest="fasttext", action="store_false", help="leave fastText out")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if len(args.sets) % 4:
        parser.error("a data set has four arguments: NAME TRAIN VALIDATION TEST")
    facts = provenance("scikit-learn", "fasttext")
    if args.fasttext and facts["versions"]["fasttext"] is None:
        print("fastText: left out (not installed)", file=sys.stderr)
        args.fasttext = False
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(*args.sets[i : i + 4], args, folder) for i in range(0, len(args.sets), 4)]
    print(f"{heading(facts)}; at most {args.max_loss:g} points of accuracy\n")
    print("| set | options | joblib KB | .nluc KB | validation: texts, points lost | test accuracy before | after "
          "| points lost (95 %) | labels flipped | candidates | s |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for r in results:
        s = r["search"]
        before, after = s["held_out"]["accuracy"]
        low, high = s["held_out"]["interval"]["accuracy"]
        print(f"| {r['set']} | {r['words']} | {r['source_bytes'] / 1e3:,.0f} | {s['chosen']['bytes'] / 1e3:,.1f} "
              f"| {s['searched']:,}, {s['chosen']['loss']:+.2f} | {share(before)} | {share(after)} "
              f"| {100 * (before - after):+.2f} ({low:+.2f} to {high:+.2f}) | {share(s['held_out']['flips'])} "
              f"| {s['tried']} | {r['seconds']:.0f} |")  # fmt: skip
    if args.fasttext:
        print("\n| set | .nluc KB | test | fastText, best: KB | validation | test | options | no larger: KB | test |")
        print("|---|---|---|---|---|---|---|---|---|")
        for r in results:
            best, small = r["fasttext"]["best"], r["fasttext"]["no larger"]
            options = ", ".join(f"{name} {value}" for name, value in best["options"].items() if value)
            print(f"| {r['set']} | {r['search']['chosen']['bytes'] / 1e3:,.1f} "
                  f"| {share(r['search']['held_out']['accuracy'][1])} | {best['bytes'] / 1e3:,.0f} "
                  f"| {share(best['validation'])} | {share(best['test'])} | {options} "
                  f"| {small['bytes'] / 1e3 if small else 0:,.0f} | {share(small and small['test'])} |")  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps({**facts, "max_loss": args.max_loss, "results": results}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
