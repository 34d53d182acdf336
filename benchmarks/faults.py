#!/usr/bin/env python3
"""What is left of a file when its writer is killed? Do many readers of one file agree? Does memory stay flat?

    python benchmarks/faults.py [kills] [crowd] [leaks] [--kills 200] [--seconds 60] [--loads 100000]
        [--predictions 1000000] [--json OUT.json]

kills: forked processes write over a file, by Compressed.save, by the command `compress --force`, and change a bundle by the
command `bundle add`, and are killed (SIGKILL) at a random time of what that takes, until so many of each were killed or ten
times as many were started. Afterwards the file must be the old or the new one, byte for byte; a bundle must have the old or
the new state, and verify; a writer that was done before it was killed must have left the new one and exit code 0. Counted:
which it was, and what was left beside it; anything but files named .nluc-(16 hexadecimal digits).tmp is a failure.

crowd: 4 forked processes of 16 threads ask a mapped model, a mapped tagger and a ModelStore, so many seconds each; every
answer must be, bit for bit, what one thread got before. Counted: answers.

leaks: each kind of call in a loop: loads of models, taggers and stores, loads that fail at each stage, pickling,
predictions, look-ups, tags. Free memory is given back to the system; after a warm-up of a tenth, resident memory (RssAnon)
is measured ten times; the slope is of a line through that (least squares), in bytes a call. The same of a twentieth of the
calls of what tracemalloc sees. Flat is at most 4 bytes a call, or in all less than 512 KB resident and 64 KB traced, which
is the noise. Linux alone.

Exit code 1 if anything failed: another file than those two, another answer, memory that is not flat.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import pathlib
import pickle
import random
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
import tracemalloc

import numpy as np
from features import names
from provenance import heading, provenance

import nlucompress
from nlucompress import FormatError, ModelStore, Tagger, bundle, cli
from nlucompress.linear import LinearModel, Namespace

LEFT = re.compile(r"\.nluc-[0-9a-f]{16}\.tmp")
FLAT = 4.0  # bytes a call
NOISE, TRACED_NOISE = 512 << 10, 64 << 10  # bytes
MOST = 10  # writers that are started for each that is to be killed
WRITTEN = ("m.nluc", "source.tsv", "b.nlub", "two.nluc")  # what may be in the writers' folder
THREADS, PROCESSES = 16, 4
TEXTS = [" ".join(names(300)[:40]), "", " ".join(names(300)[::50]), "unknown"]


def made_up(count):
    """A LinearModel of so many features and five classes."""
    weights = np.random.default_rng(0).standard_normal((count, 5))
    return LinearModel(
        (Namespace("words"),), (names(count),), weights, np.zeros(5), np.array(list("abcde")), link="softmax"
    )


def tagger_of(count):
    """The bytes of a tagging model of so many attributes."""
    rng = np.random.default_rng(0)
    attributes = [f"w={number}" for number in range(count)]
    model = LinearModel((Namespace("a", analyzer="features"),), (attributes,), rng.standard_normal((count, 5)), np.zeros(5),
                        np.array(list("ABCDE")), task="tagging", transitions=rng.standard_normal((5, 5)))  # fmt: skip
    return nlucompress.compress(model)


# -- kills ------------------------------------------------------------------------------------------------------------


def child(work):
    """A forked process that does this and nothing else; its number. Its exit code is 1 if that raises, which it prints."""
    pid = os.fork()
    if pid:
        return pid
    code, errors = 1, os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        work()
        code = 0
    except BaseException:
        os.write(errors, traceback.format_exc().encode())
    finally:
        os._exit(code)


def ended(pid):
    """The exit code of a process, or the signal that ended it as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def command(*arguments):
    code = cli.main([str(argument) for argument in arguments], standalone_mode=False)
    assert not code, f"exit code {code}"


def kill_at_random(work, seconds, rng):
    """As ended, of a process that is killed unless it was done before."""
    pid = child(work)
    time.sleep(rng.random() * seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return ended(pid)


def writers(folder, features):
    """{way: (begin, found)}. begin(number): puts the old state there; gives what writes, the old state and the new one.

    found(): the state that is there, once it is checked.
    """
    low, high = (nlucompress.compress(made_up(features), check_bits=bits) for bits in (8, 16))
    target, source, fleet, model = (pathlib.Path(folder, name) for name in WRITTEN)
    lines = [f"word{number}\t{label}\t{number % 7 + 1}.5\n" for number in range(200) for label in "ab"]
    source.write_text("".join(["feature\tlabel\tweight\n", *lines]))
    model.write_bytes(high.data)
    assert ended(child(lambda: command("compress", source, "-o", target))) == 0
    compressed = target.read_bytes()

    def save(number):
        old, new = (low, high) if number % 2 else (high, low)
        target.write_bytes(old.data)
        return lambda: new.save(target, overwrite=True), old.data, new.data

    def compress(_):
        target.write_bytes(high.data)
        return lambda: command("compress", source, "-o", target, "--force"), high.data, compressed

    def add(_):
        old = {"one": low.data}
        bundle.create(fleet, old, overwrite=True)
        return lambda: command("bundle", "add", fleet, model), old, {**old, "two": high.data}

    def file():
        nlucompress.load(target, verify="full")
        return target.read_bytes()

    def fleet_file():
        with bundle.Bundle(fleet) as opened:
            found = {name: opened.read(name) for name in opened}
        assert bundle.verify(fleet)["errors"] == {}
        bundle.add(fleet, {"three": high.data}, timeout=10)  # no lock is left
        return found

    return {"save": (save, file), "compress": (compress, file), "bundle add": (add, fleet_file)}


def seconds_of(begin, found):
    """What a writer takes, forked: the median of three. Each has to leave the new state."""
    times = []
    for number in range(3):
        work, _, new = begin(number)
        start = time.perf_counter()
        code = ended(child(work))
        times.append(time.perf_counter() - start)
        assert code == 0, f"a writer that nobody killed ended with {code}"
        assert found() == new, "a writer that nobody killed left another state than the new one"
    return sorted(times)[1]


def killed(count, features):
    """{way: counts}; a failure is an AssertionError."""
    rng, results = random.Random(0), {}
    with tempfile.TemporaryDirectory() as folder:
        for way, (begin, found) in writers(folder, features).items():
            seconds = 1.2 * seconds_of(begin, found)
            counts = {"killed": 0, "old": 0, "new": 0, "left": 0}
            for number in range(MOST * count):
                if counts["killed"] == count:
                    break
                work, old, new = begin(number)
                code = kill_at_random(work, seconds, rng)
                assert code in (0, -signal.SIGKILL), f"{way}: a writer ended with {code}"
                state, right = found(), (old, new) if code else (new,)
                assert state in right, f"{way}: another state after a writer that ended with {code}"
                counts["killed"] += code != 0
                counts["new" if state == new else "old"] += 1
                left = {*os.listdir(folder)} - {*WRITTEN}
                assert all(LEFT.fullmatch(name) for name in left), left
                assert not left & {name for name, _ in bundle.find_models([folder])}
                counts["left"] += len(left)
                for name in left:
                    os.unlink(os.path.join(folder, name))
            results[way] = counts
    return results


# -- crowd ------------------------------------------------------------------------------------------------------------


def crowd(seconds, features):
    """{what: answers given}; a failure is an AssertionError."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        nlucompress.compress(made_up(features)).save(os.path.join(folder, "m.nluc"))
        tagger_of(features // 10).save(os.path.join(folder, "t.nluc"))
        model, tagger = (nlucompress.load(os.path.join(folder, name)) for name in ("m.nluc", "t.nluc"))
        sequences = [[[f"w={i * j}", "w=1"] for i in range(5)] for j in range(4)]
        with ModelStore(folder, max_bytes=1 << 20, check_seconds=0) as store:  # so small that models leave
            asks = {
                "Model": lambda: model.decision_function(TEXTS).tobytes(),
                "Tagger": lambda: pickle.dumps((tagger.predict(sequences), tagger.predict_marginals(sequences))),
                "ModelStore": lambda: (store["m"].decision_function(TEXTS).tobytes()
                                       + pickle.dumps(store["t"].predict(sequences))),
            }  # fmt: skip
            for name, ask in asks.items():
                results[name] = ask_together(ask, seconds)
    return results


def ask_together(ask, seconds):
    """How many answers processes of threads got, all of them as one thread's."""
    expected, pipes, pids = ask(), [], []
    for _ in range(PROCESSES):
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reader)
            os.write(writer, b"%d" % threads_ask(ask, expected, seconds))
            os._exit(0)
        os.close(writer)
        pipes.append(reader)
        pids.append(pid)
    total = 0
    for reader, pid in zip(pipes, pids, strict=True):
        with open(reader, "rb") as file:
            count = int(file.read() or b"-1")
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"a process ended with status {status}"
        assert count > 0, "a thread got another answer, or none"
        total += count
    return total


def threads_ask(ask, expected, seconds):
    """How many answers the threads of this process got, or -1 if one was another."""
    counts, until = [0] * THREADS, time.monotonic() + seconds

    def run(number):
        try:
            while True:
                if ask() != expected:
                    raise AssertionError("another answer")
                counts[number] += 1
                if time.monotonic() >= until:
                    return
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            counts[number] = -(1 << 40)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(-1, sum(counts)) if min(counts) > 0 else -1


# -- leaks ------------------------------------------------------------------------------------------------------------


def own_bytes():
    """Resident memory of this process's own, in bytes; Linux."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024


def fails(work):
    with contextlib.suppress(FormatError, TypeError, ValueError, IndexError, KeyError):
        work()
        raise SystemExit("it was to fail")


def calls(folder):
    """{what: (one call, how many predictions or loads it is, "loads" or "predictions")}."""
    compressed, tags = nlucompress.compress(made_up(300)), tagger_of(50)
    template = nlucompress.compress(tags.source, template={"features": [{"name": "w", "value": []}]})
    path, tags_path, fleet = (os.path.join(folder, name) for name in ("m.nluc", "t.nluc", "b.nlub"))
    compressed.save(path)
    tags.save(tags_path)
    bundle.create(fleet, {"m": path, "t": tags_path})
    data = compressed.data
    damage = [data[:40], data[:-64], data[:70] + b"\xff" + data[71:], data[:-65] + bytes([data[-65] ^ 1]) + data[-64:]]
    model, tagger, worded = nlucompress.load(path), nlucompress.load(tags_path), template.tagger()
    pickled = pickle.dumps(model)
    asked = names(400)[100:]
    store = ModelStore(folder, max_bytes=1)  # keeps nothing: each call opens

    def refused():
        for one in damage:
            fails(lambda: nlucompress.Model(one, "full"))  # noqa: B023

    def wrong():
        fails(lambda: model.predict([1]))
        fails(lambda: model.lookup("play", 9))
        fails(lambda: model.lookup_many([1]))
        fails(lambda: tagger.predict([[1]]))
        fails(lambda: worded.predict([[1]]))

    return {
        "load": (lambda: nlucompress.load(path), 1, "loads"),
        "load in full": (lambda: nlucompress.load(path, verify="full"), 1, "loads"),
        "load to memory": (lambda: nlucompress.load(path, memory_map=False), 1, "loads"),
        "load a tagger": (lambda: nlucompress.load(tags_path), 1, "loads"),
        "load a template": (lambda: Tagger(template.data), 1, "loads"),
        "refused loads": (refused, len(damage), "loads"),
        "unpickle": (lambda: pickle.loads(pickled), 1, "loads"),
        "bundle": (lambda: bundle.Bundle(fleet).model("m"), 1, "loads"),
        "store": (lambda: store["m"].predict(TEXTS), 1, "loads"),
        "probabilities": (lambda: model.predict_proba(TEXTS), len(TEXTS), "predictions"),
        "predict": (lambda: model.predict(TEXTS), len(TEXTS), "predictions"),
        "scores": (lambda: model.decision_function(TEXTS), len(TEXTS), "predictions"),
        "lookup": (lambda: model.lookup(asked[0]), 1, "predictions"),
        "lookup_many": (lambda: model.lookup_many(asked), len(asked), "predictions"),
        "tag": (lambda: tagger.predict([[["w=1", "w=2"], {"w": "3"}]]), 2, "predictions"),
        "marginals": (lambda: tagger.predict_marginals([[["w=1"], ["w=2"]]]), 2, "predictions"),
        "tag tokens": (lambda: worded.predict([["1", "2", "x"]]), 3, "predictions"),
        "wrong samples": (wrong, 5, "predictions"),
    }  # fmt: skip


def slope(work, times):
    """Bytes a call: (resident, traced), by a line through ten measurements after a warm-up of a tenth."""
    for _ in range(max(1, times // 10)):
        work()
    points = []
    for _ in range(10):
        for _ in range(max(1, times // 10)):
            work()
        gc.collect()
        points.append((own_bytes(), tracemalloc.get_traced_memory()[0]))
    at = np.arange(10) * max(1, times // 10)
    return [float(np.polyfit(at, [point[i] for point in points], 1)[0]) for i in (0, 1)]


def leaks(loads, predictions):
    """{what: {calls, resident, traced}}: slopes in bytes a call."""
    results, trim = {}, getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)  # glibc's
    with tempfile.TemporaryDirectory() as folder:
        gc.collect()
        gc.freeze()  # what is there by now is not looked at again: a collection is then a matter of microseconds
        for name, (work, each, kind) in calls(folder).items():
            times = max(20, {"loads": loads, "predictions": predictions}[kind] // each)
            trim(0)  # free memory goes back, in which a leak would not be seen
            resident = slope(work, times)[0]  # without tracemalloc, whose own tables grow
            tracemalloc.start()
            traced = slope(work, max(20, times // 20))[1]
            tracemalloc.stop()
            flat = all(rate <= FLAT or rate * count <= noise for rate, count, noise in (
                (resident, times, NOISE), (traced, max(20, times // 20), TRACED_NOISE)))  # fmt: skip
            results[name] = {"calls": times * each, "resident": resident, "traced": traced, "flat": flat}
    return results


# -- the command ------------------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="kills, crowd, leaks; all of them if none is named")
    parser.add_argument("--kills", type=int, default=200, help="of each way of writing")
    parser.add_argument("--seconds", type=float, default=60, help="of each object that the crowd asks")
    parser.add_argument("--loads", type=int, default=100_000, help="of each kind")
    parser.add_argument("--predictions", type=int, default=1_000_000, help="of each kind")
    parser.add_argument("--features", type=int, default=100_000, help="of the models of kills and crowd")
    parser.add_argument("--json", type=pathlib.Path, help="keep the raw numbers")
    options = parser.parse_args()
    parts = options.parts or ["kills", "crowd", "leaks"]
    if strange := {*parts} - {"kills", "crowd", "leaks"}:
        parser.error(f"{', '.join(sorted(strange))}: not one of kills, crowd, leaks")
    results, failed = {}, False
    print(heading(provenance()))
    if "kills" in parts:
        results["kills"] = killed(options.kills, options.features)
        print("\n| writer | killed | the old file | the new file | left behind |\n|---|---|---|---|---|")
        for way, row in results["kills"].items():
            print(f"| {way} | {row['killed']} | {row['old']} | {row['new']} | {row['left']} |", flush=True)
    if "crowd" in parts:
        results["crowd"] = crowd(options.seconds, options.features)
        print(f"\n| asked by {PROCESSES} processes of {THREADS} threads | equal answers |\n|---|---|")
        for name, count in results["crowd"].items():
            print(f"| {name} | {count:,} |", flush=True)
    if "leaks" in parts:
        results["leaks"] = leaks(options.loads, options.predictions)
        print("\n| what | times | resident, bytes a call | traced, bytes a call | flat |\n|---|---|---|---|---|")
        for name, row in results["leaks"].items():
            print(f"| {name} | {row['calls']:,} | {row['resident']:+.2f} | {row['traced']:+.2f} | "
                  f"{'yes' if row['flat'] else 'NO'} |", flush=True)  # fmt: skip
        failed = not all(row["flat"] for row in results["leaks"].values())
    if options.json:
        options.json.write_text(json.dumps({**provenance(), "results": results}, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
