#!/usr/bin/env python3
"""How long does a sentence take, alone and in a batch, beside scikit-learn, onnxruntime, fastText and Vowpal Wabbit?

    python benchmarks/rivals.py FOLDER MODEL.joblib TRAIN.jsonl TEST.jsonl
    python benchmarks/latency.py [FOLDER …] [--texts 250] [--batch 1000] [--rounds 5] [--json OUT.json]

rivals.py has the contenders and their settings. Each is a process of its own that has read the test texts; they take
turns, in another order each time. "One text a call" goes in blocks of 50 texts: a process predicts the block, text by
text, then the next one does; a round's time is the median call. "A batch" is one call with the first texts of the test
set. Printed are medians over the rounds, and in brackets the medians of each round's ratio to the time of
`nlucompress, fast`.

Times are wall times, for onnxruntime may use several threads; on a busy machine --clock cpu shows CPU time, of all threads,
and per block (mean) where a text is alone. Both are kept. Without a folder all train on the demo's sentences. Accuracy is
of all test texts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import random
import statistics
import sys

from provenance import heading, provenance, result_file
from rivals import contender, folders

BLOCK = 50
OURS = "nlucompress, fast"
VERSIONS = ("scikit-learn", "onnxruntime", "skl2onnx", "fasttext", "vowpalwabbit")


def alone(workers, count, rng):
    """{name: {"wall": median seconds of a call with one text, "cpu": mean}}."""
    walls, cpu = {name: [] for name in workers}, dict.fromkeys(workers, 0.0)
    for first in range(0, count, BLOCK):
        for name in rng.sample(list(workers), len(workers)):
            took, whole = workers[name].ask(do="alone", first=first, last=min(first + BLOCK, count))
            walls[name] += took
            cpu[name] += whole
    return {name: {"wall": statistics.median(walls[name]), "cpu": cpu[name] / count} for name in workers}


def together(workers, count, rng):
    """{name: {"wall": seconds a text of one call with all, "cpu": …}}."""
    took = {
        name: workers[name].ask(do="together", first=0, last=count) for name in rng.sample(list(workers), len(workers))
    }
    return {name: {"wall": took[name][0] / count, "cpu": took[name][1] / count} for name in workers}


def measure(folder, found, args):
    """A folder's contenders: what is kept of them."""
    rng = random.Random(0)
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(contender(name, folder)) for name in found}
        for worker in workers.values():
            worker.ask(do="open")
            texts = worker.ask(do="read")
        count, batch = min(args.texts, texts), min(args.batch, texts)
        alone(workers, min(20, count), rng)
        rounds = []
        for number in range(args.rounds):
            print(f"{folder.name}: round {number + 1} of {args.rounds}", file=sys.stderr)
            rounds.append({"alone": alone(workers, count, rng), "together": together(workers, batch, rng)})
    return {"data": folder.name, "texts": texts, "alone": count, "batch": batch, "models": found, "seconds": rounds}


def show(one, clock):
    """Markdown."""
    rounds = one["seconds"]
    print(f"\n{one['data']}: {one['texts']:,} test texts, {one['alone']:,} of them alone, {one['batch']:,} in a batch; "
          f"{clock} time, medians of {len(rounds)} rounds (in brackets how many times the time of {OURS})\n")  # fmt: skip
    print("| model | one text a call, µs | a batch, µs a text | accuracy | KB |")
    print("|---|---|---|---|---|")
    for name, model in one["models"].items():
        cells = []
        for call in ("alone", "together"):
            micros = 1e6 * statistics.median(each[call][name][clock] for each in rounds)
            times = statistics.median(each[call][name][clock] / each[call][OURS][clock] for each in rounds)
            cells.append(f"{micros:,.1f} ({times:.2f})")
        print(f"| {name} | {' | '.join(cells)} | {model['accuracy']:.4f} | {model['bytes'] / 1e3:,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=pathlib.Path, metavar="FOLDER", help="that rivals.py made")
    parser.add_argument("--texts", type=int, default=250, help="for the calls with one text")
    parser.add_argument("--batch", type=int, default=1000, help="texts of the batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what the table shows")
    parser.add_argument("--json", type=result_file)
    args = parser.parse_args()
    if min(args.texts, args.batch, args.rounds) < 1:
        parser.error(f"{args.texts} texts, a batch of {args.batch}, {args.rounds} rounds: each at least 1")
    facts = provenance(*VERSIONS)
    print(heading(facts))
    kept = {**facts, "sets": []}
    with folders(args.folders) as given:
        for folder, found in given.items():
            kept["sets"].append(measure(folder, found, args))
            show(kept["sets"][-1], args.clock)
            if args.json:
                args.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
