#!/usr/bin/env python3
"""How many labels provably cannot have changed?

    python benchmarks/certificate.py [MODEL.joblib DATA.jsonl[.gz]] … [--buckets 256 64 32] [--norm exact] [--json OUT.json]

For each trained scikit-learn Pipeline, labelled test set and number of buckets: the labels that are certain, certain
unless an unknown n-gram passes the check bits, merely equal, or changed, by the sizes of the weights' errors (the package's
certificate.py has the proof); the share that their signs prove; and the share that a device can prove by the largest error
alone. Without arguments it trains the demo's pipeline, which needs scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile
import time

import numpy as np
from faithful import demo_model
from provenance import heading, provenance

import nlucompress
from nlucompress.certificate import CERTAIN, UNLESS, certify
from nlucompress.data import read_labelled
from nlucompress.reference import exact

CHANGED = 255  # no level of a proof


def measure(path, texts, buckets, options):
    source = nlucompress.import_model(path)
    compressed = nlucompress.compress(source, buckets=buckets, **options)
    model = compressed.model()
    began = time.perf_counter()
    proofs = certify(source, model, texts, compressed.report["max_error"])
    seconds = time.perf_counter() - began
    changed = np.asarray(exact(source).predict(texts) != model.predict(texts)).reshape(len(texts), -1).any(axis=1)
    assert not (changed & (proofs.difference == CERTAIN)).any(), "a certain label has changed"
    assert not (changed & (proofs.difference == UNLESS) & (proofs.passing == 0)).any(), "a proven label has changed"
    levels = np.where(changed, CHANGED, proofs.errors)
    return {
        "model": pathlib.Path(path).name, "texts": len(texts), "buckets": buckets, "bytes": len(compressed.data),
        "certain": float((levels == CERTAIN).mean()), "unless": float((levels == UNLESS).mean()),
        "equal": float((levels == 0).mean()), "changed": float(changed.mean()),
        "signed_certain": float((proofs.difference == CERTAIN).mean()),
        "signed_unless": float(((proofs.difference == UNLESS) & ~changed).mean()),
        "largest": None if proofs.largest is None else float(((proofs.largest >= UNLESS) & ~changed).mean()),
        "texts_with_unknown": float((proofs.unknown > 0).mean()), "texts_with_passing": float((proofs.passing > 0).mean()),
        "unknown_ngrams_a_text": float(proofs.unknown.mean()), "seconds": seconds,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", help="MODEL.joblib DATA.jsonl[.gz] …")
    parser.add_argument("--buckets", type=int, nargs="+", default=[256, 64, 32])
    parser.add_argument("--check-bits", type=int, default=8)
    parser.add_argument("--norm", default="exact")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if len(args.pairs) % 2:
        parser.error("models and data come in pairs")
    options = {"norm": args.norm, "check_bits": args.check_bits}
    with tempfile.TemporaryDirectory() as folder:
        pairs = zip(args.pairs[::2], args.pairs[1::2], strict=True)
        cases = [(model, read_labelled(data)[0]) for model, data in pairs] or [demo_model(folder)[:2]]
        results = [measure(*case, buckets, options) for case in cases for buckets in args.buckets]
    facts = provenance()
    print(f"{heading(facts)}; {options}\n")
    print("| model | buckets | KB | certain | unless a false positive | merely equal | changed "
          "| signed errors: certain | unless | by the largest error |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in results:
        largest = "–" if r["largest"] is None else f"{r['largest']:.1%}"
        print(f"| {r['model']} | {r['buckets']} | {r['bytes'] / 1e3:,.0f} | {r['certain']:.1%} | {r['unless']:.1%} "
              f"| {r['equal']:.1%} | {r['changed']:.2%} | {r['signed_certain']:.1%} | {r['signed_unless']:.1%} "
              f"| {largest} |")  # fmt: skip
    for name in dict.fromkeys(r["model"] for r in results):
        r = next(r for r in results if r["model"] == name)
        print(
            f"\n{name}: {r['texts']:,} texts, {r['texts_with_unknown']:.1%} with unknown n-grams "
            f"({r['unknown_ngrams_a_text']:.1f} a text); in {r['texts_with_passing']:.2%} one passes"
        )
    if args.json:
        args.json.write_text(json.dumps({"provenance": facts, "options": options, "results": results}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
