#!/usr/bin/env python3
"""Does a compressed model give the same answers, and what does it weigh?

    python benchmarks/faithful.py [MODEL.joblib DATA.jsonl[.gz]] … [--buckets 64 …] [--json OUT.json]

For each trained scikit-learn Pipeline and labelled test set: accuracy before and after, same labels, bytes; and, with 32
check bits, the file beside the dequantized clone (the pipeline itself, with the file's weights and idf put into it by
scikit-learn's attributes): different labels and the largest relative difference of a score. Without arguments it trains
the demo's pipeline. Needs scikit-learn. Scores are compared relative to the largest absolute score of their sample.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile
import time

import joblib
import numpy as np
from provenance import heading, provenance

import nlucompress
from nlucompress.data import read_labelled


def clone_of(pipeline, dequantized):
    """The pipeline with the file's weights and idf, in place."""
    pipeline[-1].coef_ = dequantized.coefficients().T
    start = 0
    for _, vectorizer in pipeline[0].transformer_list:
        stop = start + len(vectorizer.vocabulary_)
        vectorizer.idf_ = dequantized.idf[start:stop]
        start = stop
    return pipeline


def measure(path, texts, labels, options):
    pipeline = joblib.load(path)
    before = pipeline.predict(texts)
    began = time.perf_counter()
    compressed = nlucompress.compress(path, **options)
    seconds = time.perf_counter() - began
    model = compressed.model()
    after = model.predict(texts)
    sure = nlucompress.compress(path, **{**options, "check_bits": 32})
    scores = sure.model().decision_function(texts)
    clone = clone_of(pipeline, sure.dequantized())
    wanted = clone.decision_function(texts)
    gold = np.array(labels)
    info = compressed.info()
    return {
        "model": pathlib.Path(path).name, "texts": len(texts), "source_bytes": pathlib.Path(path).stat().st_size,
        "bytes": info["bytes"], "sections": info["sections"], "bits_per_feature": info["bits_per_feature"],
        "features": info["features"], "weights": info["weights"], "compress_seconds": seconds,
        "accuracy_before": float((before == gold).mean()), "accuracy_after": float((after == gold).mean()),
        "same_labels": float((before == after).mean()), "bytes_32_check_bits": len(sure.data),
        "clone_flips": int((sure.model().predict(texts) != clone.predict(texts)).sum()),
        "clone_relative_difference": float((np.abs(scores - wanted).max(axis=1) / np.abs(wanted).max(axis=1)).max()),
    }  # fmt: skip


def demo_model(folder):
    """The demo's pipeline and test set, for a machine that has no others."""
    from nlucompress import demo

    train, test = demo.split(demo.sentences())
    pipeline = demo.pipeline().fit([r["text"] for r in train], [r["label"] for r in train])
    path = pathlib.Path(folder) / "demo.joblib"
    joblib.dump(pipeline, path)
    return path, [r["text"] for r in test], [r["label"] for r in test]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", help="MODEL.joblib DATA.jsonl[.gz] …")
    parser.add_argument("--buckets", type=int, default=256)
    parser.add_argument("--range", default="model")
    parser.add_argument("--norm", default="exact")
    parser.add_argument("--layout", default="fast")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if len(args.pairs) % 2:
        parser.error("models and data come in pairs")
    options = {"buckets": args.buckets, "range": args.range, "norm": args.norm, "layout": args.layout}
    with tempfile.TemporaryDirectory() as folder:
        cases = [(model, *read_labelled(data)) for model, data in zip(args.pairs[::2], args.pairs[1::2], strict=True)]
        results = [measure(*case, options) for case in cases or [demo_model(folder)]]
    facts = provenance("scikit-learn")
    print(f"{heading(facts)}; {options}\n")
    print("| model | accuracy | after | Δ points | same labels | joblib KB | .nluc KB | 32 check bits: KB "
          "| labels unlike the clone's | largest relative score difference |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in results:
        print(f"| {r['model']} | {r['accuracy_before']:.4f} | {r['accuracy_after']:.4f} "
              f"| {100 * (r['accuracy_after'] - r['accuracy_before']):+.2f} | {r['same_labels']:.2%} "
              f"| {r['source_bytes'] / 1e3:,.0f} | {r['bytes'] / 1e3:,.0f} | {r['bytes_32_check_bits'] / 1e3:,.0f} "
              f"| {r['clone_flips']} of {r['texts']:,} | {r['clone_relative_difference']:.1e} |")  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps({"provenance": facts, "options": options, "results": results}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
