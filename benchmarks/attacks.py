"""What attacked files cost: how many are refused, and which take most milliseconds and MB, by each reader.

Files of tests/attacks, opened by Python's reader (``reference``) and by the native core (``native``), each alone. Time is
the processor's, the best of ``--repeat`` readings. Memory is the peak of Python's allocators (tracemalloc), numpy's arrays
among it. The core's own is not seen there; it is bounded by how much the peak of a process grows in which the core alone
reads all attacks once, beside one that only makes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from attacks import Attack, asking, bundle, every, msgpack_bytes
from provenance import provenance
from workers import peak

from nlucompress import FormatError


def attacks(limit: int | None) -> Iterator[tuple[str, str, Attack]]:
    """Kind, the attacked file, the attack; limit: of each kind and file so many."""
    taken: Counter[tuple[str, str]] = Counter()
    for kind, base, attack in every.every():
        taken[kind, base.name] += 1
        if limit is None or taken[kind, base.name] <= limit:
            yield kind, base.name, attack
    for number, attack in enumerate(msgpack_bytes.bombs()):
        if limit is None or number < limit:
            yield "large headers", "alone", attack


def opened(data: bytes, runtime: str) -> bool:
    """Whether a reader opens the file."""
    try:
        asking.read(data, runtime, "header")
    except FormatError:
        return False
    return True


def growth(limit: int | None, read: bool) -> int:
    """Bytes by which this process grows while attacks are made and, unless not read, the native core reads them."""
    for _, _, attack in attacks(5):
        opened(attack.data, "native")
    before = peak()
    for _, _, attack in attacks(limit):
        if read:
            opened(attack.data, "native")
    return peak() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="of each kind and file so many attacks (default: all)")
    parser.add_argument("--repeat", type=int, default=3, help="readings of each file, of which the best counts")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--growth", choices=["read", "made"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.growth:
        print(growth(arguments.limit, arguments.growth == "read"))
        return
    kinds: Counter[str] = Counter()
    refused: dict[str, Counter[str]] = {runtime: Counter() for runtime in asking.RUNTIMES}
    ends = [f"{runtime}, {end}" for runtime in asking.RUNTIMES for end in ("refused", "opens")]
    slowest = {end: [(0.0, "")] for end in ends}
    hungriest = {end: [(0, "")] for end in ends}
    for kind, file, attack in attacks(arguments.limit):
        kinds[kind] += 1
        for runtime in asking.RUNTIMES:
            best = float("inf")
            for _ in range(arguments.repeat):
                start = time.process_time()
                opens = opened(attack.data, runtime)
                best = min(best, time.process_time() - start)
            refused[runtime][kind] += not opens
            tracemalloc.start()
            opened(attack.data, runtime)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            name, end = f"{file}: {attack.name}", f"{runtime}, {'opens' if opens else 'refused'}"
            slowest[end] = sorted([*slowest[end], (1e3 * best, name)])[-5:]
            hungriest[end] = sorted([*hungriest[end], (peak, name)])[-5:]
    with tempfile.TemporaryDirectory() as folder:
        bundles = [asking.use_bundle(attack, Path(folder) / "b.nlub") != "opens" for attack in bundle.attacks()]
    print("| kind | attacks | " + " | ".join(f"refused when opened, {runtime}" for runtime in asking.RUNTIMES) + " |")
    print("|---|---|" + "---|" * len(asking.RUNTIMES))
    for kind, count in sorted(kinds.items()):
        print(
            f"| {kind} | {count:,} | " + " | ".join(f"{refused[runtime][kind]:,}" for runtime in asking.RUNTIMES) + " |"
        )
    print(f"| bundles | {len(bundles):,} | {sum(bundles):,} | {sum(bundles):,} |")
    print(f"| all | {kinds.total() + len(bundles):,} | "
          + " | ".join(f"{refused[runtime].total() + sum(bundles):,}" for runtime in asking.RUNTIMES) + " |")  # fmt: skip
    for end in ends:
        print(f"\n{end}: slowest")
        for milliseconds, name in slowest[end][::-1]:
            print(f"  {milliseconds:8.2f} ms  {name}")
        print(f"{end}: hungriest")
        for size, name in hungriest[end][::-1]:
            print(f"  {size / 1e6:8.2f} MB  {name}")
    limit = ["--limit", str(arguments.limit)] if arguments.limit else []
    grown = {
        how: json.loads(subprocess.check_output([sys.executable, __file__, "--growth", how, *limit]))
        for how in ("read", "made")
    }
    read, made = (f"{size / 1e6:.1f} MB" for size in grown.values())
    print(f"\nthe process that reads all with the core grows by {read}, one that only makes the files by {made}")
    if arguments.json:
        kept = {
            "provenance": provenance(), "attacks": {**kinds, "bundles": len(bundles)},
            "refused": {runtime: {**refused[runtime], "bundles": sum(bundles)} for runtime in asking.RUNTIMES},
            "slowest_ms": slowest, "hungriest_bytes": hungriest, "grows_by_bytes": grown,
        }  # fmt: skip
        arguments.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
