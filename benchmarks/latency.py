#!/usr/bin/env python3
"""How long does a sentence take, alone and in a batch, beside scikit-learn and fastText?

    python benchmarks/latency.py [MODEL.joblib TEST.jsonl[.gz]] [--train TRAIN.jsonl[.gz]] [--texts 500] [--rounds 5]
                                 [--dim 32] [--cutoff 50000] [--json OUT.json]

Timed are the trained pipeline, the compressed model (256 buckets, 8 check bits; NLUCOMPRESS_BACKEND chooses the runtime)
and, if it is installed and there are training texts, a fastText model of the same texts. "One text a call" goes in blocks
of 50 texts: each model predicts the block, text by text, then the next one does; a round's time is the median call. "One
call" predicts all texts at once. Models take turns in another order each time. Printed are medians over the rounds, and of
each round's ratio to scikit-learn. It is CPU time, because the turns of other programs would lengthen the long calls most;
reading that clock adds about half a microsecond to a call.

fastText gets its best case: wordNgrams 2, minn 2, maxn 5, 25 epochs at rate 0.5, 200,000 buckets, quantized with retraining
and qnorm to the `cutoff` rows that matter most. `dim` 32 is the smallest that is as accurate as 100 on CLINC150; 16 is
faster and two points below. It may be given twice. Texts are lower-cased and split before they are timed. Called is
`f.predict`, which its own `predict` wraps and then fails with numpy 2 (np.array(…, copy=False)). Without arguments all
train on the demo's sentences. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import pathlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from provenance import heading, provenance

import nlucompress
from nlucompress import demo
from nlucompress.data import read_labelled

BLOCK = 50


@dataclass
class Contender:
    """A model as it is timed. inputs: the texts as it takes them; accuracy: of its labels; size: its file's bytes."""

    one: Callable[[Any], Any]
    many: Callable[[list[Any]], Any]
    inputs: list[Any]
    accuracy: float
    size: int


def of_predictor(model, size, texts, labels):
    """A pipeline or a compressed model: they are called alike."""
    accuracy = float((model.predict(texts) == np.array(labels)).mean())
    return Contender(lambda text: model.predict([text]), model.predict, texts, accuracy, size)


def train_fasttext(data, file, dim, cutoff):
    """Train on fastText's lines, quantize, save."""
    import fasttext

    settings = {"thread": 1, "verbose": 0}
    model = fasttext.train_supervised(
        str(data), dim=dim, epoch=25, lr=0.5, bucket=200_000, wordNgrams=2, minn=2, maxn=5, **settings
    )
    model.quantize(str(data), retrain=True, cutoff=cutoff, qnorm=True, **settings)
    model.save_model(str(file))


def of_fasttext(train, texts, labels, dim, cutoff, folder):
    """A quantized fastText model of (texts, labels); its labels are numbers, for theirs may have no spaces."""
    import fasttext

    numbers = {label: str(number) for number, label in enumerate(sorted(set(train[1])))}
    lines = [" ".join(text.lower().split()) for text in train[0]]
    data, file = folder / "train.txt", folder / f"{dim}.ftz"
    marked = (f"__label__{numbers[label]} {line}\n" for line, label in zip(lines, train[1], strict=True))
    data.write_text("".join(marked), encoding="utf-8")
    # In a process of its own: in one that holds a pipeline, training ended with "Encountered NaN" (fastText 0.9.3).
    trainer = multiprocessing.get_context("spawn").Process(target=train_fasttext, args=(data, file, dim, cutoff))
    trainer.start()
    trainer.join()
    if trainer.exitcode:
        raise SystemExit(f"fastText's training ended with exit code {trainer.exitcode}")
    core = fasttext.load_model(str(file)).f
    inputs = [" ".join(text.lower().split()) + "\n" for text in texts]
    found = [core.predict(line, 1, 0.0, "strict") for line in inputs]
    right = [
        pairs and pairs[0][1] == f"__label__{numbers.get(label)}" for pairs, label in zip(found, labels, strict=True)
    ]
    return Contender(
        lambda line: core.predict(line, 1, 0.0, "strict"), lambda lines: core.multilinePredict(lines, 1, 0.0, "strict"),
        inputs, sum(map(bool, right)) / len(right), file.stat().st_size,
    )  # fmt: skip


def alone(contenders, count, rng):
    """Median CPU seconds of a call with one text: {name: s}."""
    times = {name: [] for name in contenders}
    order = list(contenders)
    for start in range(0, count, BLOCK):
        rng.shuffle(order)
        for name in order:
            call, took = contenders[name].one, times[name]
            for text in contenders[name].inputs[start : min(start + BLOCK, count)]:
                began = time.process_time()
                call(text)
                took.append(time.process_time() - began)
    return {name: statistics.median(took) for name, took in times.items()}


def together(contenders, rng):
    """CPU seconds a text of one call with all: {name: s}."""
    times = {}
    for name in rng.sample(list(contenders), len(contenders)):
        inputs = contenders[name].inputs
        began = time.process_time()
        contenders[name].many(inputs)
        times[name] = (time.process_time() - began) / len(inputs)
    return {name: times[name] for name in contenders}


def contenders_of(args, folder):
    """{name: Contender} of the arguments' models, or of the demo's."""
    if args.pair:
        pipeline, size = joblib.load(args.pair[0]), pathlib.Path(args.pair[0]).stat().st_size
        texts, labels = read_labelled(args.pair[1])
        train = read_labelled(args.train) if args.train else None
    else:
        train, test = (
            [[row[key] for row in part] for key in ("text", "label")] for part in demo.split(demo.sentences())
        )
        pipeline = demo.pipeline().fit(*train)
        joblib.dump(pipeline, folder / "demo.joblib")
        size = (folder / "demo.joblib").stat().st_size
        texts, labels = test
    compressed = nlucompress.compress(pipeline)
    found = {
        "scikit-learn": of_predictor(pipeline, size, texts, labels),
        "nlucompress": of_predictor(compressed.model(), len(compressed.data), texts, labels),
    }
    try:
        if train is None:
            print("fastText: left out (no --train)", file=sys.stderr)
        else:
            for dim in args.dim or [32]:
                found[f"fastText, dim {dim}"] = of_fasttext(train, texts, labels, dim, args.cutoff, folder)
    except ImportError as error:
        print(f"fastText: left out ({error})", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", nargs="*", help="MODEL.joblib TEST.jsonl[.gz]")
    parser.add_argument("--train", help="TRAIN.jsonl[.gz], for fastText")
    parser.add_argument("--texts", type=int, default=500, help="for the calls with one text")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dim", type=int, action="append", help="length of fastText's vectors; repeatable; 32")
    parser.add_argument("--cutoff", type=int, default=50_000, help="rows that fastText's quantization keeps")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if len(args.pair) not in (0, 2) or args.texts < 1 or args.rounds < 1:
        parser.error("a model and its test data, or neither; at least one text and one round")
    facts = provenance("scikit-learn", "fasttext")
    print(heading(facts))
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        contenders = contenders_of(args, pathlib.Path(folder))
        texts = len(contenders["nlucompress"].inputs)
        count = min(args.texts, texts)
        alone(contenders, min(20, count), rng)
        rounds = [
            {"alone": alone(contenders, count, rng), "together": together(contenders, rng)} for _ in range(args.rounds)
        ]
    print(f"\n{texts:,} texts, {count:,} of them alone; in brackets how many times faster than scikit-learn\n")
    print("| model | one text a call, µs | one call, µs a text | accuracy | KB |")
    print("|---|---|---|---|---|")
    for name, contender in contenders.items():
        cells = []
        for call in ("alone", "together"):
            micros = 1e6 * statistics.median(each[call][name] for each in rounds)
            faster = statistics.median(each[call]["scikit-learn"] / each[call][name] for each in rounds)
            cells.append(f"{micros:,.1f} ({faster:.1f})")
        print(f"| {name} | {' | '.join(cells)} | {contender.accuracy:.4f} | {contender.size / 1e3:,.0f} |")
    if args.json:
        results = {name: {"accuracy": one.accuracy, "bytes": one.size} for name, one in contenders.items()}
        given = {key: getattr(args, key) for key in ("pair", "train", "dim", "cutoff")}
        kept = {**facts, **given, "texts": texts, "texts_alone": count, "models": results, "seconds": rounds}
        args.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
