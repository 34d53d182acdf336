#!/usr/bin/env python3
"""What does building the index cost? Seconds, peak memory and bits a feature, each size in a fresh process.

    python benchmarks/build_index.py [--sizes 100000 1000000 10000000] [--gamma 1.0] [--json OUT.json]

"hash" is one MurmurHash3_x64_128 call a name; "place" all after it (levels, ranks, slots), which is numpy. Memory is the
growth of the process's peak resident size over the list of names, in bytes a feature.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import subprocess
import sys
import time

from provenance import heading, provenance
from workers import peak

from nlucompress import index


def measure(size, gamma):
    names = [f"feature number {i}" for i in range(size)]
    before = peak()
    began = time.perf_counter()
    built, slots, _ = index.build([names], gamma)
    total = time.perf_counter() - began
    after = peak()
    began = time.perf_counter()
    hashes = index.hash_names(names, 0)
    hashing = time.perf_counter() - began
    assert (index.find(hashes[:100_000], built.levels, built.blocks, built.n) == slots[:100_000]).all()
    return {
        "features": size, "hash_seconds": hashing, "place_seconds": total - hashing,
        "bytes_a_feature": (after - before) / size, "bits_a_feature": built.blocks.nbytes * 8 / size,
        "levels": len(built.levels),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--gamma", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args.gamma)))
        return
    command = [sys.executable, __file__, "--gamma", str(args.gamma), "--one"]
    rows = []
    for size in args.sizes:
        runs = [json.loads(subprocess.check_output([*command, str(size)])) for _ in range(args.runs)]
        rows.append({key: sorted(run[key] for run in runs)[len(runs) // 2] for key in runs[0]})
    facts = provenance("mmh3")
    print(f"{heading(facts)}\nmedian of {args.runs} fresh processes, gamma {args.gamma}")
    print(
        f"bound: e = {math.e:.3f} bits a feature for the bits at gamma 1, log2 e = {math.log2(math.e):.3f} for any index\n"
    )
    print("| features | hash s | place s | memory, bytes a feature | index, bits a feature | levels |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['features']:,} | {row['hash_seconds']:.2f} | {row['place_seconds']:.2f} "
              f"| {row['bytes_a_feature']:.0f} | {row['bits_a_feature']:.3f} | {row['levels']} |")  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps({"provenance": facts, "gamma": args.gamma, "results": rows}, indent=1))


if __name__ == "__main__":
    main()
