#!/usr/bin/env python3
"""What does compressing a thousand models take, and are the files those of loky on a Dask cluster that loses a worker?

    python benchmarks/fleet.py TRAIN.jsonl[.gz] [--models 1000] [--json OUT.json]

A model is a skill: a random subset of the intents of TRAIN, 3 to 8, with TEXTS texts of each, and a pipeline of its own:
TfidfVectorizer of words and pairs, LinearSVC. `nlucompress compress-many` then runs with two processes of loky; and with a
Dask scheduler and two worker processes, one of which is killed (SIGKILL) when half of the models are there. Times are of
the whole command, once. Needs dask[distributed] and joblib (the extra fleet).
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import joblib
import numpy as np
from provenance import heading, provenance
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import nlucompress
from nlucompress.data import read_labelled

TEXTS = 20  # of an intent
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [
    str(pathlib.Path(nlucompress.__file__).parent.parent), os.environ.get("PYTHONPATH")]))}  # fmt: skip


def train(path, models, folder):
    """Write the skills; how many bytes they are, and the seconds that training took."""
    texts, labels = map(np.array, read_labelled(path))
    by_label = {label: np.flatnonzero(labels == label) for label in sorted(set(labels.tolist()))}
    rng, began = np.random.default_rng(0), time.perf_counter()
    for number in range(models):
        intents = rng.choice(list(by_label), size=rng.integers(3, min(8, len(by_label)) + 1), replace=False)
        rows = np.concatenate([rng.permutation(by_label[intent])[:TEXTS] for intent in intents])
        pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC(random_state=0))
        joblib.dump(pipeline.fit(texts[rows], labels[rows]), folder / f"skill{number:05}.joblib")
    return sum(file.stat().st_size for file in folder.iterdir()), time.perf_counter() - began


def start(sources, output, *arguments):
    """The running command."""
    command = [sys.executable, "-m", "nlucompress", "compress-many", str(sources / "*.joblib"), "-o", str(output),
               "--log", str(output) + ".jsonl", *arguments]  # fmt: skip
    return subprocess.Popen(command, env=ENV, stderr=subprocess.PIPE, text=True)


def finish(process, began, output):
    """What the command did: its seconds, models and exit code; its records' statuses; the files by name."""
    _, words = process.communicate()
    print(words.strip(), file=sys.stderr)
    records = [json.loads(line) for line in pathlib.Path(f"{output}.jsonl").read_text().splitlines()]
    facts = {"seconds": time.perf_counter() - began, "code": process.returncode, "records": len(records),
             "names": len({record["name"] for record in records if record["status"] == "done"})}  # fmt: skip
    return facts, {file.name: file.read_bytes() for file in output.glob("*.nluc")}


def on_dask(sources, output, models):
    """The same with a scheduler and two workers, of which one is killed half-way."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny",
              "--no-dashboard"]  # fmt: skip
    with tempfile.TemporaryFile() as words:
        cluster = [subprocess.Popen(one, env=ENV, stderr=words) for one in (scheduler, worker, worker)]
        try:
            began, log = time.perf_counter(), pathlib.Path(f"{output}.jsonl")
            process = start(sources, output, "--scheduler", address)
            while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < models // 2):
                time.sleep(0.05)
            killed = process.poll() is None
            cluster[1].kill()
            facts, files = finish(process, began, output)
            return {**facts, "killed_after": models // 2 if killed else None}, files
        finally:
            for one in reversed(cluster):
                one.kill()
                one.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=pathlib.Path)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources, loky, dask = (pathlib.Path(folder) / name for name in ("skills", "loky", "dask"))
        sources.mkdir()
        source_bytes, seconds = train(args.train, args.models, sources)
        began = time.perf_counter()
        on_loky, files = finish(start(sources, loky, "--jobs", "2"), began, loky)
        lost_one, other = on_dask(sources, dask, args.models)
    facts = {**provenance("joblib", "dask", "distributed", "scikit-learn"), "models": args.models,
             "source_bytes": source_bytes, "bytes": sum(map(len, files.values())), "training_seconds": seconds,
             "loky": on_loky, "dask": lost_one,
             "equal": sum(other.get(name) == data for name, data in files.items())}  # fmt: skip
    print(heading(facts))
    print(
        f"\n{args.models:,} models, {source_bytes / 1e6:,.1f} MB of joblib, {facts['bytes'] / 1e6:,.2f} MB compressed\n"
    )
    print(
        "| engine | seconds | models a second | files | lines of the log | equal to loky's |\n|---|---|---|---|---|---|"
    )
    for name, one, there in (("loky, 2 processes", on_loky, files), ("Dask, 2 workers, 1 killed", lost_one, other)):
        same = sum(there.get(key) == data for key, data in files.items())
        print(f"| {name} | {one['seconds']:.1f} | {args.models / one['seconds']:.1f} | {len(there):,} | "
              f"{one['records']:,} | {same:,} |")  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
