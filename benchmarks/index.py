#!/usr/bin/env python3
"""The index alone: how long does a look-up take, and what does it weigh, beside a dict and other static indexes?

    python benchmarks/index.py [--features 1000000 --features 5000000] [--keys 200000] [--rounds 7] [--json OUT.json]

Names are made up (features.py): n-grams of characters and of words, 10 bytes on average, one in fifty not ASCII. Some are
the features, the others the absent names. Each library that is installed (lexindex, fastconstmap, bbhash, phobic,
marisa-trie) builds an index of the features, with its best setting and look-up call; one that is not is left out.

Each round draws keys anew and gives every structure copies of its own, made right before: no copy has a cached hash, and
none is a string that the structure was built from. "In order": the copies lie in memory in the order of the look-ups, as
n-grams just cut from texts do. "Scattered": the copies are shuffled, so they lie anywhere. Calls of 32 take keys in order.
Structures take turns in every round, in another order each time; times are medians over the rounds, ratios medians of each
round's ratios. One thread; CPU time, because the turns of other programs would lengthen the long calls most; garbage
collection off.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import json
import pathlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from features import model, names
from provenance import heading, provenance

import nlucompress

SMALL = 32  # keys of a small call: the n-grams of a word or two
CASES = [(call, known) for call in ("in order", "scattered", f"calls of {SMALL}") for known in ("present", "absent")]
LEXINDEX = "lexindex CompactHashIndex"
RIVALS = ("lexindex", "fastconstmap", "bbhash", "phobic", "marisa-trie", "mmh3")


@dataclass
class Structure:
    """find: a list of str to what the library returns of them; found: how many of them it says are there."""

    find: Callable[[list[str]], Any]
    found: Callable[[Any], int]
    size: int  # bytes: what is written to a file, of a dict what it holds in memory
    detects: bool = True  # whether it can say that a key is absent


# -- the structures: each a function of the features -------------------------------------------------------------------


def of_dict(features):
    """Slots in a dict; the call that is fastest in Python. Its size is counted with its keys and values."""
    slots = {name: slot for slot, name in enumerate(features)}
    size = sys.getsizeof(slots) + sum(map(sys.getsizeof, slots)) + sum(map(sys.getsizeof, slots.values()))
    return Structure(lambda keys: list(map(slots.get, keys)), lambda out: len(out) - out.count(None), size)


def of_nlucompress(features, folder):
    """A model with one weight a feature and 8 check bits, saved, and loaded as a memory map."""
    nlucompress.compress(model(features)).save(folder / "index.nluc", overwrite=True)
    loaded = nlucompress.load(folder / "index.nluc")
    sections = loaded.info()["sections"]
    return Structure(loaded.lookup_many, lambda out: int(out[1].sum()), sections["index"] + sections["slots"])


def of_lexindex(features):
    """CompactHashIndex with 8 fingerprint bits, and ids_into an array that is reused: its README's fastest for a list."""
    import lexindex

    index = lexindex.CompactHashIndex(features, fingerprint_bits=8)
    whole, small = np.empty(len(features), index.ID_DTYPE), np.empty(SMALL, index.ID_DTYPE)

    def find(keys):
        out = small if len(keys) <= SMALL else whole
        index.ids_into(keys, out)
        return out[: len(keys)]

    return Structure(find, lambda out: int((out != index.MISSING_ID).sum()), index.serialized_len())


def of_fastconstmap(features, kind, detects):
    """A map of `kind` to the features' numbers, hashed by XXH3 (its faster hash); get_many_into a reused array."""
    import fastconstmap

    index = getattr(fastconstmap, kind)(dict(zip(features, range(len(features)), strict=True)), hash="xxh3")
    whole, small = np.empty(len(features), np.uint64), np.empty(SMALL, np.uint64)

    def find(keys):
        out = small if len(keys) <= SMALL else whole
        index.get_many_into(keys, out)
        return out[: len(keys)]

    return Structure(find, lambda out: int((out != fastconstmap.NOT_FOUND).sum()), index.serialized_size(), detects)


def of_bbhash(features, folder):
    """Gamma 2, its faster end. It takes 64-bit hashes: half a MurmurHash3, as its README has it, and that is timed too."""
    import bbhash
    import mmh3

    def hashes(keys):
        return np.ascontiguousarray(np.frombuffer(b"".join(map(mmh3.hash_bytes, keys)), np.uint64)[::2])

    index = bbhash.PyMPHF(hashes(features).tolist(), len(features), 1, 2.0)
    index.save(str(folder / "bbhash"))
    none = np.uint64(2**64 - 1)
    size = (folder / "bbhash").stat().st_size
    return Structure(lambda keys: index.lookup_many(hashes(keys)), lambda out: int((out != none).sum()), size, False)


def of_phobic(features):
    """Load factor 0.5, its default: slots reach to 2n. (At 0.95 a build of 10^6 names had not ended after minutes.)"""
    import phobic

    index = phobic.build(features, seed=0, num_threads=1, assume_unique=True)
    return Structure(lambda keys: index.lookup(keys, num_threads=1), len, len(index.to_bytes()), False)


def of_marisa(features):
    """Trie with one level and its largest cache, the fastest of its settings here; it has no call for many keys."""
    import marisa_trie

    index = marisa_trie.Trie(features, num_tries=1, cache_size=marisa_trie.HUGE_CACHE)
    size = len(index.tobytes())
    return Structure(lambda keys: list(map(index.get, keys)), lambda out: len(out) - out.count(None), size)


def builders(folder):
    """Of each row its name, the modules that it needs, and the function of the features that builds it."""
    paired = functools.partial(of_fastconstmap, kind="PairedVerifiedConstMap", detects=True)
    unverified = functools.partial(of_fastconstmap, kind="ConstMap", detects=False)
    return [
        ("dict", (), of_dict),
        ("nlucompress", (), functools.partial(of_nlucompress, folder=folder)),
        (LEXINDEX, ("lexindex",), of_lexindex),
        ("fastconstmap PairedVerifiedConstMap", ("fastconstmap",), paired),
        ("fastconstmap ConstMap", ("fastconstmap",), unverified),
        ("bbhash", ("bbhash", "mmh3"), functools.partial(of_bbhash, folder=folder)),
        ("phobic", ("phobic",), of_phobic),
        ("marisa-trie", ("marisa_trie",), of_marisa),
    ]


# -- measuring ---------------------------------------------------------------------------------------------------------


def copies(keys):
    """New strings, equal to these: no hash and no UTF-8 is cached in them."""
    return [key.encode("utf-8").decode("utf-8") for key in keys]


def seconds(find, keys, call, rng):
    """CPU seconds that `find` takes for copies of the keys."""
    keys = copies(keys)
    if call == "scattered":
        rng.shuffle(keys)
    size = SMALL if call.startswith("calls") else len(keys)
    parts = [keys[i : i + size] for i in range(0, len(keys), size)]
    began = time.process_time()
    for part in parts:
        find(part)
    return time.process_time() - began


def measure(count, keys, rounds, folder):
    """Everything of one size: {name: {"build": s, "size": bytes, …, "ns": {case: [a round's, …]}}}."""
    everything = names(count + max(keys, count // 5))
    features, absent = everything[:count], everything[count:]
    del everything
    structures, results = {}, {}
    for name, modules, build in builders(folder):
        try:
            for module in modules:
                importlib.import_module(module)
        except ImportError as error:
            print(f"{name}: left out ({error})", file=sys.stderr)
            continue
        print(f"{count:,} features: building {name}", file=sys.stderr)
        began = time.process_time()
        structures[name] = built = build(features)
        results[name] = {
            "build_seconds": time.process_time() - began, "bytes": built.size, "bytes_a_feature": built.size / count,
            "detects_absent": built.detects, "ns": {" ".join(case): [] for case in CASES},
        }  # fmt: skip
    rng = random.Random(0)
    gc.collect()
    gc.disable()
    order = list(structures)
    for name, built in structures.items():  # what is found is counted apart, and not timed
        results[name]["present_found"] = built.found(built.find(copies(rng.sample(features, keys)))) / keys
        results[name]["absent_found"] = built.found(built.find(copies(rng.sample(absent, keys)))) / keys
        assert results[name]["present_found"] == 1, f"{name} lost a feature"
    for number in range(rounds):
        print(f"{count:,} features: round {number + 1} of {rounds}", file=sys.stderr)
        for call, known in CASES:
            drawn = rng.sample(features if known == "present" else absent, keys)
            rng.shuffle(order)
            for name in order:
                taken = seconds(structures[name].find, drawn, call, rng)
                results[name]["ns"][f"{call} {known}"].append(1e9 * taken / keys)
    gc.enable()
    return results


def ratio(results, name, other, case):
    """Median over the rounds of a round's ratio of two structures' times, in words; "-" if one is not there."""
    if other not in results:
        return "-"
    pairs = zip(results[name]["ns"][case], results[other]["ns"][case], strict=True)
    return f"{statistics.median(a / b for a, b in pairs):.2f}"


def show(count, keys, results):
    """Markdown: what each weighs, then how long it takes."""
    print(f"\n{count:,} features\n")
    print("| structure | bytes a feature | build s | absent names that are found |")
    print("|---|---|---|---|")
    for name, row in results.items():
        absent = f"{row['absent_found']:.2%}" if row["detects_absent"] else "cannot tell"
        print(f"| {name} | {row['bytes_a_feature']:.2f} | {row['build_seconds']:.2f} | {absent} |")
    print(f"\nns a key, {keys:,} keys (times dict's, times lexindex's)\n")
    print("| structure | " + " | ".join(", ".join(case) for case in CASES) + " |")
    print("|---" * (len(CASES) + 1) + "|")
    for name, row in results.items():
        cells = []
        for case in map(" ".join, CASES):
            ratios = ", ".join(ratio(results, name, other, case) for other in ("dict", LEXINDEX))
            cells.append(f"{statistics.median(row['ns'][case]):.0f} ({ratios})")
        print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, action="append", help="repeatable; default 1000000 and 5000000")
    parser.add_argument("--keys", type=int, default=200_000, help="keys looked up in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    sizes = args.features or [1_000_000, 5_000_000]
    if not (args.rounds >= 1 and all(1 <= args.keys <= size for size in sizes)):
        parser.error(
            f"{args.rounds} rounds of {args.keys} keys from {sizes} features: at least 1, at most the features"
        )
    facts = provenance(*RIVALS)
    print(heading(facts))
    kept = {}
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            kept[count] = measure(count, args.keys, args.rounds, pathlib.Path(folder))
        show(count, args.keys, kept[count])
    if args.json:
        args.json.write_text(json.dumps({**facts, "keys": args.keys, "rounds": args.rounds, "results": kept}, indent=1))


if __name__ == "__main__":
    main()
