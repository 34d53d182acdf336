#!/usr/bin/env python3
"""How long does a sentence take, alone and in a batch, beside scikit-learn?

    python benchmarks/latency.py [MODEL.joblib DATA.jsonl[.gz]] [--texts 500] [--rounds 5]

Each round times the pipeline and the compressed model (256 buckets, 8 check bits) in turn on the same texts, one call a
text and one call for all; printed are medians over the rounds and the ratio of each round's pair. Without arguments it
trains the demo's pipeline. NLUCOMPRESS_BACKEND chooses the runtime. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time

import joblib

import nlucompress
from nlucompress import demo
from nlucompress.data import read_labelled


def alone(model, texts):
    """Median seconds of a call with one text."""
    times = []
    for text in texts:
        began = time.perf_counter()
        model.predict([text])
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def together(model, texts):
    """Seconds a text of one call with all."""
    began = time.perf_counter()
    model.predict(texts)
    return (time.perf_counter() - began) / len(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", nargs="*", help="MODEL.joblib DATA.jsonl[.gz]")
    parser.add_argument("--texts", type=int, default=500, help="for the calls with one text")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.pair:
        pipeline, texts = joblib.load(args.pair[0]), read_labelled(args.pair[1])[0]
    else:
        train, test = demo.split(demo.sentences())
        pipeline = demo.pipeline().fit([r["text"] for r in train], [r["label"] for r in train])
        texts = [r["text"] for r in test]
    model = nlucompress.compress(pipeline).model()
    print(
        f"{nlucompress.backend()} backend, Python {platform.python_version()}, {platform.machine()}, {len(texts):,} texts"
    )
    for words, measure, some in (("one text a call", alone, texts[: args.texts]), ("one call", together, texts)):
        measure(pipeline, some[:20]), measure(model, some[:20])
        pairs = [(measure(pipeline, some), measure(model, some)) for _ in range(args.rounds)]
        before, after = (1e6 * statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{words}: scikit-learn {before:,.0f} µs a text, nlucompress {after:,.1f} µs, 1/{ratio:.0f}")


if __name__ == "__main__":
    main()
