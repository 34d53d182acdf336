#!/usr/bin/env python3
"""The index alone at 10^4 to 10^7 features: what does it weigh, cost to build and to ask, beside other static indexes?

    python benchmarks/index.py [--features 10000 …] [--keys 200000] [--rounds 5] [--only NAME …] [--json OUT.json]
    python benchmarks/index.py --draw OUT.json --svg OUT.svg       # the table and the picture of a measurement

Names are made up (features.py): n-grams of characters and of words, 10 bytes on average, one in fifty not ASCII. Some are
the features, the others the absent names. Each structure (static_indexes.py) lives in a process of its own and is built
there of the list of features: CPU time, and what the peak of the resident size grows by (on Linux). Bits a feature are
of its file, beside the bound: log2 e a key for a perfect hash, plus the check bits. A dict is measured with its strings.

Each round draws keys anew and every process makes copies of its own: no copy has a cached hash, and none is a string that
the structure was built from. "One call": all keys, whose copies lie in memory in the order of the look-ups, as n-grams just
cut from a text do. "Scattered": the same, but the copies lie anywhere. "Calls of 32" and "one key a call" take them in
order, an eighth of the keys in the last. Processes take turns in every round, in another order each time; times are medians
over the rounds, ratios medians of each round's ratios. One thread; CPU time; garbage collection off.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import pathlib
import random
import statistics
import sys
import tempfile

from features import names
from provenance import heading, provenance, result_file
from static_indexes import CHECK_BITS, DETECTS, OURS, SMALL, STRUCTURES
from workers import Clock, Worker, peak, serve

CALLS = ["one call", "scattered", f"calls of {SMALL}", "one key a call"]
KNOWN = ["present", "absent"]
SIZES = [10**4, 10**5, 10**6, 10**7]
RIVALS = ("lexindex", "fastconstmap", "bbhash", "phobic", "marisa-trie", "DAWG2", "mmh3", "matplotlib")


# -- in the process of a structure -------------------------------------------------------------------------------------


def written(path):
    """The strings of a file, a line each, read without a copy of the whole."""
    with open(path, encoding="utf-8", newline="\n") as lines:
        return [line[:-1] for line in lines]


def seconds(structure, keys, call, seed):
    """CPU seconds of the look-ups of keys, copied right before."""
    keys = [key.encode("utf-8").decode("utf-8") for key in keys]
    if call == "scattered":
        random.Random(seed).shuffle(keys)
    if call == "one key a call":
        one = structure.one
        with Clock() as clock:
            for key in keys:
                one(key)
        return clock.cpu
    find, size = structure.find, SMALL if call == f"calls of {SMALL}" else len(keys)
    parts = [keys[i : i + size] for i in range(0, len(keys), size)]
    with Clock() as clock:
        for part in parts:
            find(part)
    return clock.cpu


def structure_process(name, folder):
    """Build one structure when told to, then time its look-ups."""
    modules, build = STRUCTURES[name]
    built = None

    def answer(file, call, seed=0):
        nonlocal built
        if call == "build":
            try:
                for module in modules:
                    importlib.import_module(module)
            except ImportError as error:
                return {"left out": str(error)}
            features = written(file)
            before = peak()
            with Clock() as clock:
                built = build(features, folder)
            count, after = len(features), peak()
            del features
            gc.collect()
            gc.disable()
            return {"build_seconds": clock.cpu, "build_wall": clock.wall, "bytes": built.size,
                    "peak_bytes_a_feature": None if before is None else (after - before) / count,
                    "bits_a_feature": 8 * built.size / count, "bound": built.bound, "keeps": built.keeps}  # fmt: skip
        keys = written(file)
        if call == "count":
            return built.found(built.find(keys)) / len(keys)
        return 1e9 * seconds(built, keys, call, seed) / len(keys)

    serve(answer)


# -- in the process that measures --------------------------------------------------------------------------------------


def write(path, keys):
    """A line each."""
    path.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8", newline="\n")


def measure(count, keys, rounds, only, folder):
    """Everything of one size: {name: {"bytes": …, "ns": {"one call, present": [a round's, …], …}}}."""
    print(f"{count:,} features: making names", file=sys.stderr)
    everything = names(count + max(2 * keys, count // 50))
    features, absent = everything[:count], everything[count:]
    file, drawn = folder / "features.txt", folder / "keys.txt"
    write(file, features)
    del everything
    rng, results, workers = random.Random(0), {}, {}
    with contextlib.ExitStack() as stack:
        for number, name in enumerate(STRUCTURES):
            if only and not any(name.startswith(wanted) for wanted in only):
                continue
            print(f"{count:,} features: building {name}", file=sys.stderr)
            own = folder / str(number)
            own.mkdir()
            worker = stack.enter_context(Worker([__file__, "--structure", name, "--folder", own]))
            try:
                built = worker.ask(file=str(file), call="build")
            except RuntimeError as error:  # it ended: of an error of the library's, or for want of memory
                built = {"left out": str(error)}
            if "left out" in built:
                print(f"{name}: left out ({built['left out']})", file=sys.stderr)
                continue
            workers[name], results[name] = worker, {**built, "ns": {}}
        for known, pool in zip(KNOWN, (features, absent), strict=True):  # what is found is counted apart, and not timed
            write(drawn, rng.choices(pool, k=keys))
            for name, worker in workers.items():
                results[name][f"{known}_found"] = worker.ask(file=str(drawn), call="count")
        lost = [name for name in results if results[name]["present_found"] != 1]
        if lost:
            raise SystemExit(f"features were lost by {', '.join(lost)}")
        order = list(workers)
        for number in range(rounds):
            print(f"{count:,} features: round {number + 1} of {rounds}", file=sys.stderr)
            for call in CALLS:
                for known, pool in zip(KNOWN, (features, absent), strict=True):
                    write(drawn, rng.choices(pool, k=max(1, keys // 8) if call == "one key a call" else keys))
                    rng.shuffle(order)
                    for name in order:
                        taken = workers[name].ask(file=str(drawn), call=call, seed=number)
                        results[name]["ns"].setdefault(f"{call}, {known}", []).append(taken)
    return results


# -- what was measured, in words ---------------------------------------------------------------------------------------


def cells(results, cell):
    """Markdown: a row a structure, a column a size, cell(row, all of the size)."""
    sizes = list(results)
    print("| structure | " + " | ".join(f"{int(size):,}" for size in sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for name in dict.fromkeys(name for rows in results.values() for name in rows):
        print(
            f"| {name} | "
            + " | ".join(cell(rows[name], rows) if name in rows else "-" for rows in results.values())
            + " |"
        )


def weight(row, _):
    """Bits a feature, and over the bound."""
    over = f"×{row['bits_a_feature'] / row['bound']:.2f}" if row["bound"] else row["keeps"]
    return f"{row['bits_a_feature']:.2f} ({over})"


def taken(call):
    """Of a call: ns, and how many times as long nlucompress takes."""

    def cell(row, rows):
        times = [row["ns"][f"{call}, {known}"] for known in KNOWN]
        text = " / ".join(f"{statistics.median(each):.0f}" for each in times)
        if OURS not in rows or row is rows[OURS]:
            return text
        ours = [rows[OURS]["ns"][f"{call}, {known}"] for known in KNOWN]
        ratios = [
            statistics.median(a / b for a, b in zip(*pair, strict=True)) for pair in zip(ours, times, strict=True)
        ]
        return f"{text} ({' / '.join(f'{ratio:.2f}' for ratio in ratios)})"

    return cell


def build_cost(row, _):
    """Seconds, and peak memory."""
    grown = row["peak_bytes_a_feature"]
    return f"{row['build_seconds']:.2f}; {'-' if grown is None else f'{grown:,.0f}'}"


def false_hits(row, _):
    """The share of absent names that are found."""
    return f"{row['absent_found']:.2%}" if row["keeps"] in DETECTS else "cannot tell"


def show(kept):
    """Markdown: weight, build, look-up; a column a size."""
    results, rounds = kept["results"], kept["rounds"]
    print(f"\nBits a feature (over the bound: log2 e, plus {CHECK_BITS} for check bits; or what else it keeps)\n")
    cells(results, weight)
    print("\nBuild: CPU seconds; growth of the peak memory, bytes a feature\n")
    cells(results, build_cost)
    print("\nAbsent names that are found\n")
    cells(results, false_hits)
    for call in CALLS:
        print(f"\n{call.capitalize()}: ns a key, present / absent, medians of {rounds} rounds "
              f"(how many times as long {OURS} takes)\n")  # fmt: skip
        cells(results, taken(call))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, nargs="+", default=SIZES, help="10^4 to 10^7 unless given")
    parser.add_argument("--keys", type=int, default=200_000, help="keys looked up in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", help="structures whose names begin so")
    parser.add_argument("--json", type=result_file)
    parser.add_argument("--draw", type=pathlib.Path, metavar="JSON", help="measure nothing: print and draw this")
    parser.add_argument("--svg", type=result_file, help="where --draw puts the picture")
    parser.add_argument("--structure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.structure:
        structure_process(args.structure, args.folder)
        return
    if args.draw:
        kept = json.loads(args.draw.read_text())
        print(heading(kept))
        show(kept)
        if args.svg:
            from index_figure import draw

            draw(kept, args.svg)
        return
    if min(args.rounds, args.keys, *args.features) < 1:
        parser.error(f"{args.rounds} rounds of {args.keys} keys from {args.features} features: each at least 1")
    facts = provenance(*RIVALS)
    print(heading(facts))
    kept = {**facts, "keys": args.keys, "rounds": args.rounds, "results": {}}
    for count in args.features:
        with tempfile.TemporaryDirectory() as folder:
            kept["results"][str(count)] = measure(count, args.keys, args.rounds, args.only, pathlib.Path(folder))
        if args.json:  # after each size, so that a later one that fails loses none
            args.json.write_text(json.dumps(kept, indent=1))
    show(kept)


if __name__ == "__main__":
    main()
