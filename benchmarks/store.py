"""A fleet of skills in one bundle: opening, answering and memory of a ModelStore, beside folders of joblib and skops files.

A skill is a random subset of 3 to 10 intents of all data sets, with 8 to 30 texts each and a pipeline of its own (word
1-2-grams and char_wb 2-5-grams, tf-idf, LinearSVC). ``--trained`` skills are trained, compressed and measured for what
they share. The others up to ``--skills`` are copies of them with label texts of their own: as many bytes, other ones.

Processes of 8 threads each ask for skills by Zipf's law. A thread draws a name and a sentence, takes the time of
``store[name].predict([text])``, and sleeps for a random time of 20 ms on average.

    python benchmarks/store.py FOLDER [--data DATA] [--skills 45000] [--trained 500] [--max-mb 64] [--requests 2000]
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import multiprocessing
import os
import queue
import random
import statistics
import sys
import threading
import time
import tracemalloc
import warnings
from collections import Counter, OrderedDict
from pathlib import Path

import joblib
import msgpack
import numpy as np
from provenance import heading, provenance
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

import nlucompress
from nlucompress import bundle, fileformat, modelfile

TEXTS = 2000


def intents(data):
    """{(data set, label): texts}, of the folder's *.train.jsonl.gz, or of the demo's sentences; and texts to ask about."""
    found, asked = {}, []
    if data is None:
        from nlucompress.demo.sentences import sentences

        for record in sentences():
            found.setdefault(("demo", record.label), []).append(record.text)
            asked.append(record.text)
    else:
        for path in sorted(Path(data).glob("*.jsonl.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    one = json.loads(line)
                    if ".train." in path.name:
                        found.setdefault((path.name.split(".")[0], one["label"]), []).append(one["text"])
                    elif ".test." in path.name:
                        asked.append(one["text"])
    return found, random.Random(0).sample(asked, min(TEXTS, len(asked)))


def train(found, seed):
    """One skill's pipeline."""
    rng = random.Random(seed)
    texts, labels = [], []
    for key in rng.sample(sorted(found), min(rng.randint(3, 10), len(found))):
        chosen = rng.sample(found[key], min(len(found[key]), rng.randint(8, 30)))
        texts += chosen
        labels += [key[1]] * len(chosen)
    if len(set(labels)) < 2:
        return train(found, seed + 1_000_000)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return make_pipeline(make_union(words, letters), LinearSVC(random_state=0)).fit(texts, labels)


def relabelled(data, number):
    """A model's file with other label texts."""
    container = fileformat.decode(data)
    model = modelfile.read(container)
    words = np.array([f"{label} {number}" for label in model.classes.tolist()])
    labels, _ = modelfile._encode_labels(words)
    return fileformat.encode(container.header, {**container.sections, "labels": labels})


def sharing(files):
    """Bytes of all sections, and of those that another model has as well; and of header fields likewise."""
    total, shared, seen = Counter(), Counter(), set()
    for data in files:
        container = fileformat.decode(data)
        parts = {name: section.tobytes() for name, section in container.sections.items()}
        parts["header: featurizer"] = msgpack.packb([container.header["namespaces"], container.header["steps"]])
        for name, part in parts.items():
            total[name] += len(part)
            shared[name] += len(part) if (name, part) in seen else 0
            seen.add((name, part))
    return {"bytes": sum(map(len, files)), "sections": dict(total), "shared": {k: v for k, v in shared.items() if v}}


def make(folder, found, arguments):
    """The bundle, the trained models as joblib and skops files, and what is said of them."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    facts = folder / "facts.json"
    if facts.exists():
        return json.loads(facts.read_text())
    files = []
    for seed in range(arguments.trained):
        model = train(found, seed)
        files.append(nlucompress.compress(model, buckets=arguments.buckets).data)
        joblib.dump(model, folder / f"{seed}.joblib")
        skops.io.dump(model, folder / f"{seed}.skops")
        print(f"\r{seed + 1} trained", end="", file=sys.stderr)
    print(file=sys.stderr)

    def fleet():
        for number in range(arguments.skills):
            data = files[number % len(files)]
            yield f"skill-{number:05d}", data if number < len(files) else relabelled(data, number)

    start = time.perf_counter()
    info = bundle.create(folder / "fleet.nlub", fleet())
    sizes = [len(data) for data in files]
    result = {
        "bundle": info, "create_seconds": time.perf_counter() - start,
        "trained": len(files), "size": [min(sizes), statistics.median(sizes), max(sizes)],
        **{kind: statistics.mean(path.stat().st_size for path in folder.glob(f"*.{kind}")) for kind in ("joblib", "skops")},
    }  # fmt: skip
    facts.write_text(json.dumps(result))
    return result


class Lru:
    """What one writes today: models of a loader in an OrderedDict, by the bytes that each was measured to take."""

    def __init__(self, load, costs, max_bytes):
        self.load, self.costs, self.max_bytes = load, costs, max_bytes
        self.models, self.bytes, self.lock, self.opened = OrderedDict(), 0, threading.Lock(), threading.local()

    def __getitem__(self, name):
        number = int(name.split("-")[1]) % len(self.costs)
        with self.lock:
            if name in self.models:
                self.models.move_to_end(name)
                return self.models[name]
        self.opened.yes = True
        model = self.load(number)
        with self.lock:
            if name not in self.models:
                self.models[name] = model
                self.bytes += self.costs[number]
            while self.bytes > self.max_bytes and len(self.models) > 1:
                gone, _ = self.models.popitem(last=False)
                self.bytes -= self.costs[int(gone.split("-")[1]) % len(self.costs)]
        return model


def costs(load, sizes, measured=40):
    """Bytes that each loaded model takes: by tracemalloc for the first ones, the others by their files' sizes."""
    load(0)
    found = []
    for number in range(min(measured, len(sizes))):
        gc.collect()
        tracemalloc.start()
        model = load(number)
        found.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del model
    ratio = sum(found) / sum(sizes[: len(found)])
    return found + [round(ratio * size) for size in sizes[len(found) :]]


def loader(kind, folder):
    """What loads a trained model of joblib or skops."""
    if kind == "joblib":
        return lambda number: joblib.load(folder / f"{number}.joblib")
    import skops.io

    return lambda number: skops.io.load(folder / f"{number}.skops", trusted=[])


def resident():
    """Bytes of this process's memory that are resident, and those of them that are mapped files."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE"), int(fields[2]) * os.sysconf("SC_PAGESIZE")


def serve(kind, folder, arguments, seed, texts, weigh, out):
    """One process: threads that ask, and what it had resident before and after."""
    max_bytes, names = arguments.max_mb << 20, [f"skill-{i:05d}" for i in range(arguments.skills)]
    random.Random(1).shuffle(names)
    weights = np.cumsum(1 / np.arange(1, len(names) + 1) ** arguments.zipf)
    requests = arguments.requests if kind == "nlub" else max(1, arguments.requests // arguments.fewer)
    if kind == "nlub":
        warm = nlucompress.ModelStore(folder / "fleet.nlub", 1 << 22)
    else:
        load = loader(kind, folder)
        warm = Lru(load, weigh, 0)
    barrier = threading.Barrier(arguments.threads + 1)
    cold, warmed, cpu = [], [], []

    def ask(number):
        rng = random.Random(seed * 1000 + number)
        try:
            for name in rng.sample(
                names, min(50, len(names)) if kind == "nlub" else 1
            ):  # what threads and code take is no model's
                warm[name].predict(texts[:20])
        except BaseException:
            barrier.abort()  # the others would wait for ever
            raise
        barrier.wait()
        barrier.wait()
        for _ in range(requests):
            name = names[int(np.searchsorted(weights, rng.random() * weights[-1]))]
            text = texts[rng.randrange(len(texts))]
            opened.yes = False
            start, begun = time.perf_counter(), time.thread_time()
            store[name].predict([text])
            seconds, used = time.perf_counter() - start, time.thread_time() - begun
            (cold if opened.yes else warmed).append(seconds)
            if opened.yes:
                cpu.append(used)
            if arguments.pause:
                time.sleep(rng.expovariate(1 / arguments.pause))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(arguments.threads)]
    for thread in threads:
        thread.start()
    barrier.wait()
    if kind == "nlub":
        warm.close()
    warm = None
    gc.collect()
    before = resident()
    if kind == "nlub":
        store, opened = nlucompress.ModelStore(folder / "fleet.nlub", max_bytes), threading.local()
        mapping = store._source.map

        def mark(name, key):
            opened.yes = True
            return mapping(name, key)

        store._source.map = mark
    else:
        store = Lru(load, weigh, max_bytes)
        opened = store.opened
    barrier.wait()
    for thread in threads:
        thread.join()
    after = resident()
    counted = store.stats()["bytes"] if kind == "nlub" else store.bytes
    out.put({
        "cold": cold, "warm": warmed, "cpu": cpu, "before": before, "after": after, "counted": counted,
        "models": store.stats()["models"] if kind == "nlub" else len(store.models),
    })  # fmt: skip


def measure(kind, folder, arguments, texts):
    """All processes of one kind."""
    weigh = None
    if kind != "nlub":
        weigh = costs(loader(kind, folder), [(folder / f"{i}.{kind}").stat().st_size for i in range(arguments.trained)])
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    processes = [context.Process(target=serve, args=(kind, folder, arguments, seed, texts, weigh, out))
                 for seed in range(arguments.processes)]  # fmt: skip
    for process in processes:
        process.start()
    found = []
    while len(found) < len(processes):
        try:
            found.append(out.get(timeout=1))
        except queue.Empty:
            if ended := [process.exitcode for process in processes if process.exitcode]:
                raise SystemExit(f"a process that serves {kind} ended with exit code {ended[0]}") from None
    for process in processes:
        process.join()
    return found


def opening(path, runs=40):
    """Milliseconds to open a bundle, and to open and list it: wall times and CPU times, sorted."""
    opens, lists = [], []
    for _ in range(runs):
        start, begun = time.perf_counter(), time.process_time()
        with bundle.Bundle(path) as one:
            opens.append((1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - begun)))
            names = one.names()
            lists.append((1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - begun)))
        del names
    return {
        name: [sorted(each) for each in zip(*times, strict=True)] for name, times in (("open", opens), ("list", lists))
    }


def row(kind, found, arguments):
    """A line of the table."""

    def times(key, scale=1e3):
        every = np.concatenate([one[key] for one in found]) * scale
        return f"{np.percentile(every, 50):.2f} | {np.percentile(every, 99):.2f}" if len(every) else "– | –"

    asked = sum(len(one["cold"]) + len(one["warm"]) for one in found)
    hits = sum(len(one["warm"]) for one in found) / asked
    growth = [one["after"][0] - one["before"][0] for one in found]
    models = statistics.mean(one["models"] for one in found)
    counted = statistics.mean(one["counted"] for one in found)
    return (
        f"| {kind} | {asked:,} | {models:,.0f} | {hits:.1%} | {times('cold')} | {times('cpu')} | {times('warm')} | "
        f"{counted / 2**20:.1f} | {statistics.mean(growth) / 2**20:.1f} | {statistics.mean(growth) / counted - 1:+.1%} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the fleet is made, or lies already")
    parser.add_argument(
        "--data", help="a folder of *.train.jsonl.gz and *.test.jsonl.gz; without it the demo's sentences"
    )
    parser.add_argument("--skills", type=int, default=45_000)
    parser.add_argument("--trained", type=int, default=500)
    parser.add_argument("--buckets", type=int, default=64)
    parser.add_argument("--max-mb", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--requests", type=int, default=2000, help="of each thread")
    parser.add_argument("--fewer", type=int, default=10, help="times fewer requests of joblib and skops")
    parser.add_argument("--pause", type=float, default=0.02, help="seconds that a thread sleeps, on average")
    parser.add_argument("--zipf", type=float, default=1.0)
    parser.add_argument("--kinds", nargs="*", default=["nlub", "joblib", "skops"])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    found, texts = intents(arguments.data)
    made = make(arguments.folder, found, arguments)
    facts = provenance("scikit-learn", "joblib", "skops")
    print(heading(facts))
    info = made["bundle"]
    with bundle.Bundle(arguments.folder / "fleet.nlub") as fleet:
        share = sharing([fleet.read(f"skill-{number:05d}") for number in range(made["trained"])])
    least, middle, most = made["size"]
    with open(arguments.folder / "fleet.nlub", "rb") as file:  # into the page cache
        while file.read(1 << 24):
            pass
    times = opening(arguments.folder / "fleet.nlub")
    spent = "; ".join(f"{name} {wall[0]:.1f} to {wall[-1]:.1f} ms, median {statistics.median(wall):.1f}, CPU "
                      f"{statistics.median(cpu):.1f}" for name, (wall, cpu) in times.items())  # fmt: skip
    print(f"\n{info['models']:,} skills, {made['trained']:,} trained; bytes a skill: {least:,} to {most:,}, median "
          f"{middle:,.0f}; joblib {made['joblib']:,.0f}, skops {made['skops']:,.0f} on average.\n"
          f"Bundle: {info['bytes']:,} bytes, of them {info['bytes_directory']:,} directory; written in "
          f"{made['create_seconds']:.0f} s. Opened 40 times: {spent} (list: open and list).\n"
          f"Equal sections of the trained: {sum(share['shared'].values()):,} of {share['bytes']:,} bytes: "
          f"{share['shared']}\n")  # fmt: skip
    print("| source | requests | models held | hits | cold: p50 ms | p99 | its CPU: p50 ms | p99 | warm: p50 ms | p99 | "
          "counted MB | resident MB | difference |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    results = {}
    for kind in arguments.kinds:
        results[kind] = measure(kind, arguments.folder, arguments, texts)
        print(row(kind, results[kind], arguments), flush=True)
    if arguments.json:
        kept = {"provenance": facts, "made": made, "sharing": share, "opening_ms": times, "results": results}
        arguments.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
