#!/usr/bin/env python3
"""What do importing and loading cost a process that has just begun, in time and memory, beside other libraries?

    python benchmarks/load.py [FOLDER …] [--features 1000000] [--runs 15] [--rival-runs 5] [--json OUT.json]

Import: new processes that import nothing, numpy, or nlucompress (which imports numpy), in turns, in another order each
round; wall and CPU time of the whole process, and what nlucompress adds to numpy. Then `python -X importtime`: the modules
that nlucompress imports and numpy does not, by the time that each takes itself: the least of the runs, for it is wall time.

Load: a model of so many features, one weight each, 8 check bits, is built once and its file lies in the page cache. A new
process imports nlucompress, loads the file (verify="header"), looks up 1,000 features of it one by one, and loads it a
second and a third time. Memory is the growth of the resident size: of memory of its own (RssAnon), which the process pays
for, and of mapped files (RssFile), which processes share and the system can drop. Memory is measured on Linux alone.

Beside others: each contender of rivals.py, with the models of a FOLDER that rivals.py made (without one: of the demo's
sentences), in new processes, in turns: what importing the library takes, what opening its model, what its first prediction,
the time from the start of the process to that label, and what the process has grown by then.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

from features import model, names
from provenance import heading, provenance, result_file
from rivals import contender, folders
from workers import Clock, resident

import nlucompress

IMPORTS = {"nothing": "pass", "numpy": "import numpy", "nlucompress": "import nlucompress.runtime"}
LOOKUPS = 1000
VERSIONS = ("scikit-learn", "onnxruntime", "skl2onnx", "fasttext", "vowpalwabbit")
STEPS = ("import", "load", "first")
OURS = "nlucompress, fast"  # whose start is the measure of the others'


def environment(folder):
    """A new process's: bytecode is kept in a folder of its own, as an installed package keeps it, whatever is set here."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


def spent(command, variables):
    """Wall and CPU seconds of a process, from its start to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=variables)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime


def measure_imports(runs, variables):
    """{what: {"wall": [s, …], "cpu": [s, …]}}, a number a run."""
    times = {what: {"wall": [], "cpu": []} for what in IMPORTS}
    rng = random.Random(0)
    order = list(IMPORTS)
    for run in range(runs + 1):
        rng.shuffle(order)
        for what in order:
            wall, cpu = spent([sys.executable, "-c", IMPORTS[what]], variables)
            if run:  # the first reads files from the disk and writes bytecode
                times[what]["wall"].append(wall)
                times[what]["cpu"].append(cpu)
    return times


def import_times(code, variables):
    """Module -> its own microseconds, of `python -X importtime`."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    found = re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", done.stderr, re.MULTILINE)
    return {name: int(own) for own, name in found}


def offenders(runs, variables):
    """Module -> the fewest microseconds of its own, of those that nlucompress imports and numpy does not, longest first."""
    without = import_times(IMPORTS["numpy"], variables)
    several = [import_times(IMPORTS["nlucompress"], variables) for _ in range(runs)]
    own = {name: min(each[name] for each in several) for name in several[0] if name not in without}
    return dict(sorted(own.items(), key=lambda item: -item[1]))


def mapped(path):
    """Bytes of a file that are resident in this process's map of it: /proc/self/smaps."""
    try:
        lines = pathlib.Path("/proc/self/smaps").read_text().splitlines()
    except OSError:
        return None
    total, inside = 0, False
    for line in lines:
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = line.endswith(str(path))
        elif inside and line.startswith("Rss:"):
            total += 1024 * int(line.split()[1])
    return total


def load_once(path):
    """What a process that has only imported nlucompress pays for a model: printed as JSON, one step after the other."""
    load = nlucompress.load  # imports the runtime
    keys = json.loads(path.with_suffix(".json").read_text())
    random.Random(os.getpid()).shuffle(keys)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        assert view[0]
        byte = mapped(path)  # what the system maps when one byte is read
    resident()  # so that what this needs is there before
    before, steps, models = resident(), {}, []
    for step in ("load", "lookups", "load again", "load a third time"):
        with Clock() as clock:
            if step == "lookups":
                found = sum(models[0].lookup(key) is not None for key in keys[:LOOKUPS])
            else:
                models.append(load(path))
        after = resident()
        steps[step] = {"wall": clock.wall, "cpu": clock.cpu, "mapped": mapped(path)}
        if after:
            steps[step] |= {kind: after[kind] - before[kind] for kind in after}
        before = after
    assert found == LOOKUPS
    print(json.dumps({"mapped_byte": byte, "steps": steps}))


def measure_loads(count, runs, variables):
    """The file's size and sections, and each run's answer of load_once."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.nluc"
        print(f"building a model of {count:,} features", file=sys.stderr)
        features = names(count)
        nlucompress.compress(model(features)).save(path)
        path.with_suffix(".json").write_text(json.dumps(random.Random(0).sample(features, min(count, 50 * LOOKUPS))))
        del features
        command = [sys.executable, __file__, "--one", str(path)]
        results = [json.loads(subprocess.check_output(command, env=variables)) for _ in range(runs + 1)][1:]
        info = nlucompress.load(path).info()
        return {"bytes": info["bytes"], "sections": info["sections"], "runs": results}


def measure_rivals(found, folder, runs, variables):
    """{contender: {…, "runs": [{"import": [wall, cpu], …, "start": wall, "resident": bytes}, …]}} of a folder."""
    results = {name: {**one, "runs": []} for name, one in found.items()}
    rng, order = random.Random(0), list(found)
    for run in range(runs + 1):
        rng.shuffle(order)
        for name in order:
            began = time.perf_counter()
            with contender(name, folder, variables) as worker:
                answer = worker.ask(do="open")
                answer["start"] = time.perf_counter() - began
            if run:  # the first reads files from the disk and writes bytecode
                results[name]["runs"].append(answer)
    return results


def show_rivals(data, results):
    """Markdown; ms are wall times."""
    print(f"\n{data}: a new process's first label, medians of {len(next(iter(results.values()))['runs'])} runs "
          f"(in brackets the median of each run's ratio to {OURS})\n")  # fmt: skip
    print("| model | import ms | load ms | first prediction ms | from the start ms | own memory MB | mapped files MB "
          "| file MB | accuracy |")  # fmt: skip
    print("|---" * 9 + "|")
    for name, one in results.items():
        runs = one["runs"]
        cells = [f"{1e3 * statistics.median(run[step][0] for run in runs):,.1f}" for step in STEPS]
        start = f"{1e3 * statistics.median(run['start'] for run in runs):,.0f}"
        if OURS in results:
            pairs = zip(runs, results[OURS]["runs"], strict=True)
            start += f" ({statistics.median(run['start'] / ours['start'] for run, ours in pairs):.2f})"
        cells.append(start)
        for kind in ("Anon", "File"):
            grown = [run["resident"][kind] for run in runs if run["resident"]]
            cells.append(f"{statistics.median(grown) / 1e6:,.1f}" if grown else "-")
        print(f"| {name} | {' | '.join(cells)} | {one['bytes'] / 1e6:,.2f} | {one['accuracy']:.4f} |")


def show(imports, own, loads):
    """Markdown."""
    print("\n| a new process that imports | wall ms | CPU ms |")
    print("|---|---|---|")
    for what, times in imports.items():
        print(f"| {what} | " + " | ".join(f"{1e3 * statistics.median(times[kind]):.1f}" for kind in times) + " |")
    ours, numpys = imports["nlucompress"], imports["numpy"]
    more = [statistics.median(a - b for a, b in zip(ours[kind], numpys[kind], strict=True)) for kind in ours]
    print("| nlucompress over numpy | " + " | ".join(f"{1e3 * seconds:+.1f}" for seconds in more) + " |")
    print(f"\n{len(own)} modules that numpy does not import, {sum(own.values()) / 1e3:.1f} ms; the slowest\n")
    print("| module | ms |")
    print("|---|---|")
    for name, micros in list(own.items())[:12]:
        print(f"| {name} | {micros / 1e3:.2f} |")

    print(f"\na file of {loads['bytes']:,} bytes\n")
    print("| | wall µs | CPU µs | own memory | mapped files | of the model's file |")
    print("|---|---|---|---|---|---|")
    runs = loads["runs"]
    linux = runs[0]["mapped_byte"] is not None
    for step in runs[0]["steps"]:
        mid = {key: statistics.median(run["steps"][step][key] or 0 for run in runs) for key in runs[0]["steps"][step]}
        cells = [f"{1e6 * mid[kind]:,.0f}" for kind in ("wall", "cpu")]
        if linux:
            cells += [f"{mid[kind] / 1024:+,.0f} KB" for kind in ("Anon", "File")] + [f"{mid['mapped'] / 1024:,.0f} KB"]
        print(f"| {step if step != 'lookups' else f'{LOOKUPS:,} × lookup'} | {' | '.join(cells)} |")
    if linux:
        byte = statistics.median(run["mapped_byte"] for run in runs) / 1024
        print(f"\nA map of which one byte was read has {byte:,.0f} KB of the file resident.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=pathlib.Path, metavar="FOLDER", help="that rivals.py made")
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--rival-runs", type=int, default=5, help="0 leaves the other libraries out")
    parser.add_argument("--one", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=result_file)
    args = parser.parse_args()
    if args.one:
        load_once(args.one)
        return
    if args.runs < 1 or args.rival_runs < 0 or args.features < LOOKUPS:
        parser.error(f"{args.runs} runs, {args.features} features: at least 1 and {LOOKUPS}")
    facts = provenance(*VERSIONS)
    print(heading(facts))
    with tempfile.TemporaryDirectory() as folder:
        variables = environment(folder)
        imports, own = measure_imports(args.runs, variables), offenders(args.runs, variables)
        loads = measure_loads(args.features, args.runs, variables)
    show(imports, own, loads)
    kept = {**facts, "features": args.features, "imports": imports, "importtime_us": own, "load": loads, "rivals": {}}
    if args.rival_runs:
        with tempfile.TemporaryDirectory() as bytecode, folders(args.folders) as given:
            for folder, found in given.items():
                one = measure_rivals(found, folder, args.rival_runs, environment(bytecode))
                kept["rivals"][folder.name] = one
                show_rivals(folder.name, one)
    if args.json:
        args.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
