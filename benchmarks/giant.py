"""One giant model: build time, memory, size and look-up, from 10^4 features up, each in a process of its own.

    python benchmarks/giant.py --sizes 1e4,1e5,1e6,1e7,1e8 --folder FOLDER [--memory 2GB] [--workers 2] [--json OUT.json]

A table is made in FOLDER (Parquet files of 2^20 rows, kept for the next run): feature "feature <16 hex digits>", eight
labels, five weights to four features (three have one, one has two), normal. Look-ups are of features that are there, in
random order, and the file in the page cache, by Model.lookup_many (native backend), 10,000 at a time, the least of five
turns. Peak memory is the largest resident set that the kernel saw of the building process. --workers N builds on a Dask
cluster of N processes of this machine too and compares the bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from workers import peak

LABELS = [f"intent {i}" for i in range(8)]
FILE_ROWS = 1 << 20


def names(numbers: Any) -> Any:
    """The features of these numbers, as an Arrow array."""
    import pyarrow as arrow

    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    raw = mixed.astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.empty((len(numbers), 24), np.uint8)
    text[:, :8] = np.frombuffer(b"feature ", np.uint8)
    text[:, 8::2], text[:, 9::2] = digits[raw >> 4], digits[raw & 15]
    ends = np.arange(0, 24 * len(numbers) + 1, 24, dtype=np.int32)
    return arrow.Array.from_buffers(arrow.utf8(), len(numbers), [None, arrow.py_buffer(ends), arrow.py_buffer(text)])


def make(folder: Path, n: int) -> Path:
    """A table of n features."""
    import pyarrow as arrow
    from pyarrow import parquet

    out = folder / f"weights-{n}"
    if out.is_dir():
        return out
    part = folder / f"weights-{n}.part"
    part.mkdir(parents=True, exist_ok=True)
    labels = arrow.array(LABELS)
    step = FILE_ROWS * 4 // 5
    for i, start in enumerate(range(0, n, step)):
        one = np.arange(start, min(start + step, n))
        rows = np.concatenate([one, one[one % 4 == 3]])
        rng = np.random.default_rng(i)
        order = rng.permutation(len(rows))
        which = (rows % 8 + (np.arange(len(rows)) >= len(one))) % 8
        table = arrow.table({
            "feature": names(rows[order]),
            "label": arrow.DictionaryArray.from_arrays(arrow.array(which[order].astype(np.int32)), labels),
            "weight": rng.standard_normal(len(rows)).astype(np.float32),
        })  # fmt: skip
        parquet.write_table(table, part / f"part-{i:05}.parquet", compression="zstd", use_dictionary=["label"],
                            column_encoding=None)  # fmt: skip
    part.rename(out)
    return out


def build(table: Path, output: Path, memory: int, scheduler: str | None) -> dict[str, Any]:
    """Run in a process of its own: seconds by stage, and peak memory."""
    from nlucompress.giant import compress_table

    stages: list[tuple[str, float]] = []
    start = time.perf_counter()
    compress_table(table, output, memory=memory, scheduler=scheduler, overwrite=True,
                   progress=lambda stage: stages.append((stage, time.perf_counter())))  # fmt: skip
    end = time.perf_counter()
    ends = [at for _, at in stages[1:]] + [end]
    return {
        "seconds": end - start, "stages": {name: b - a for (name, a), b in zip(stages, ends, strict=True)},
        "peak_bytes": peak(),
    }  # fmt: skip


def ask(output: Path, n: int) -> dict[str, Any]:
    """Run in a process of its own: sizes, and nanoseconds a look-up."""
    import nlucompress

    model = nlucompress.load(output)
    info = model.info()
    rng = np.random.default_rng(0)
    asked = [names(rng.integers(0, n, 10_000)).to_pylist() for _ in range(20)]
    strange = [[f"{name}?" for name in part] for part in asked]
    times: dict[str, float] = {}
    for kind, lists in (("found", asked), ("absent", strange)):
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for part in lists:
                _, found = model.lookup_many(part)
            best = min(best, time.perf_counter() - start)
            assert kind == "absent" or found.mean() > 0.98  # a weight may round to 0
        times[kind] = best / 200_000 * 1e9
    singles = [*asked[0], *asked[1]]
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for name in singles:
            model.lookup(name)
        best = min(best, time.perf_counter() - start)
    return {
        "bytes": info["bytes"], "features": info["features"], "weights": info["weights"], "shards": info.get("shards", 1),
        "levels": info["levels"], "coder": info["coder"], "bits_per_feature": info["bits_per_feature"],
        "sections": info["sections"],
        "lookup_ns": {**times, "one": best / 20_000 * 1e9},
    }  # fmt: skip


def alone(*arguments: Any) -> dict[str, Any]:
    """One of the functions above, in a process of its own."""
    given = json.dumps([str(one) if isinstance(one, Path) else one for one in arguments])
    done = subprocess.run([sys.executable, __file__, "--alone", given], stdout=subprocess.PIPE, check=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def cluster(table: Path, output: Path, memory: int, workers: int) -> dict[str, Any]:
    """Build on worker processes of this machine; whether the bytes are those that are there."""
    from dask.distributed import LocalCluster

    other = output.with_suffix(".dask.nluc")
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, memory_limit="4GB", dashboard_address=":0"
    ) as one:
        result = alone("build", table, other, memory, one.scheduler_address)
    result["equal"] = other.read_bytes() == output.read_bytes()
    other.unlink()
    return result


def main() -> None:
    """See above."""
    from nlucompress.search.budget import size

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="1e4,1e5,1e6")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--memory", type=size, default=2 * 10**9)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--make-only", action="store_true")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    args, rows = parser.parse_args(sys.argv[1:] if "--alone" not in sys.argv else [*sys.argv[1:], "--folder", "."]), []
    if args.alone:
        kind, *rest = json.loads(args.alone)
        print(
            json.dumps(
                build(Path(rest[0]), Path(rest[1]), *rest[2:]) if kind == "build" else ask(Path(rest[0]), *rest[1:])
            )
        )
        return
    print("| features | source MB | build s | rows a s | peak MB | file MB | shards | bits a feature (index, file) | "
          "found, absent, one ns |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for text in args.sizes.split(","):
        n = int(float(text))
        table = make(args.folder, n)
        if args.make_only:
            continue
        output = args.folder / f"weights-{n}.nluc"
        row = {
            "features": n,
            "source_bytes": sum(path.stat().st_size for path in table.iterdir()),
            "memory": args.memory,
        }
        row["build"] = alone("build", table, output, args.memory, None)
        row["file"] = alone("ask", output, n)
        if args.workers:
            row["cluster"] = {"workers": args.workers, **cluster(table, output, args.memory, args.workers)}
        rows.append(row)
        made, file = row["build"], row["file"]
        print(
            f"| {n:,} | {row['source_bytes'] / 1e6:,.1f} | {made['seconds']:.1f} | {n * 1.25 / made['seconds']:,.0f} | "
            f"{made['peak_bytes'] / 1e6:,.0f} | {file['bytes'] / 1e6:,.2f} | {file['shards']} | "
            f"{file['bits_per_feature']['index']:.2f}, {file['bits_per_feature']['file']:.2f} | "
            f"{file['lookup_ns']['found']:.0f}, {file['lookup_ns']['absent']:.0f}, {file['lookup_ns']['one']:.0f} |",
            flush=True,
        )
        if "cluster" in row:
            there = row["cluster"]
            print(f"|   on {args.workers} Dask workers | | {there['seconds']:.1f} | | | same: {there['equal']} | | | |",
                  flush=True)  # fmt: skip
    if args.json and not args.make_only:
        machine = {
            "machine": platform.platform(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        args.json.write_text(json.dumps({**machine, "runs": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
