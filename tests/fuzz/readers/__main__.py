"""``python -m readers GROUP``, called by bin/fuzz: run targets, and say in one line of JSON each what came of it.

Exit codes: 0 no finding, 1 a finding (its input is kept), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
import warnings
from pathlib import Path
from random import Random
from typing import Any

from . import seeds
from .guard import Finding, limit_address_space
from .targets import Harness, Inputs, Target

ROOM = 3 << 30  # bytes that the process may take beyond what it has at the start
MOST_FINDINGS = 20


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="bin/fuzz", description="Fuzz the readers of files.", allow_abbrev=False)
    parser.add_argument("group", choices=["importers", "loaders"])
    parser.add_argument("--target", action="append", default=[], help="one of the group's; several times; none: all")
    parser.add_argument("--list", action="store_true", help="print the targets and end")
    parser.add_argument("--seconds", type=float, default=60, help="of all targets together [60]")
    parser.add_argument("--runs", type=int, default=0, help="executions of each target, instead of seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the mutators [0]: the same seed, the same inputs")
    parser.add_argument("--engine", choices=["auto", "plain", "atheris"], default="auto",
                        help="atheris is led by coverage, of one target; plain is the same mutators, led by new outcomes; "
                             "auto: atheris for one target where it is installed [auto]")  # fmt: skip
    parser.add_argument("--traced", type=int, default=16, help="measure the memory of one in so many inputs [16]")
    parser.add_argument(
        "--findings", type=Path, default=Path("build/fuzz/findings"), help="folder of inputs of findings"
    )
    parser.add_argument(
        "--backend", choices=["native", "reference"], default="reference", help="of the runtime [reference]"
    )
    parser.add_argument("--corpus", type=Path, help="folder of bin/fuzz native's corpus: its files too are run "
                                                    "and changed, with the plain engine")  # fmt: skip
    parser.add_argument("--replay", type=Path, help="run this one input of one target and end")
    args = parser.parse_args()
    os.environ["NLUCOMPRESS_BACKEND"] = args.backend
    engine = "plain" if args.corpus else _engine(args.engine, len(args.target))
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["nlucompress"]):
            every = _targets(args.group)
    else:
        every = _targets(args.group)
    if args.list:
        print(*every, sep="\n")
        return 0
    if unknown := [name for name in args.target if name not in every]:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(every)}")
    chosen = [every[name] for name in args.target or every]
    if len(chosen) != 1 and (args.replay or engine == "atheris"):
        parser.error("--replay and --engine atheris take one --target")
    if args.replay:
        return _replay(chosen[0], args.replay)
    if engine == "atheris":
        return _atheris(chosen[0], args)
    args.seconds /= len(chosen)
    found = [_plain(target, args) for target in chosen]
    return 1 if any(found) else 0


def _targets(group: str) -> dict[str, Target]:
    if group == "importers":
        from .importers import TARGETS
    else:
        from .loaders import TARGETS
    return TARGETS


def _engine(asked: str, targets: int) -> str:
    if asked == "plain" or (asked == "auto" and targets != 1):
        return "plain"
    try:
        import atheris  # noqa: F401
    except ImportError:
        if asked == "atheris":
            sys.exit("atheris is not installed: pip install atheris")
        return "plain"
    return "atheris"


def _plain(target: Target, args: Any) -> int:
    """Run until the time is up. Returns the number of different findings."""
    inputs = Inputs(target, args.seed)
    waiting = seeds.native_corpus(args.corpus) if args.corpus else []
    inputs.corpus += waiting
    inputs.least = len(inputs.corpus)
    findings: dict[str, int] = {}
    with Harness(target) as harness, warnings.catch_warnings():
        harness.warm()
        warnings.simplefilter("error")  # a reader that warns has gone on with what it should have refused
        limit_address_space(ROOM)
        start = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):  # an interrupt ends the target; what came of it is said
            while harness.counts.executions < args.runs if args.runs else time.monotonic() - start < args.seconds:
                data = waiting.pop() if waiting else inputs.next()
                number = harness.counts.executions
                try:
                    if harness.run(data, bool(args.traced) and number % args.traced == 0):
                        inputs.keep(data)
                except Finding as finding:
                    harness.counts.executions += 1
                    kind = f"{finding.kind}: {finding.words.partition('(')[0][:90]}"
                    if kind not in findings and len(findings) < MOST_FINDINGS:
                        _keep(args.findings, target.name, data, finding)
                    findings[kind] = findings.get(kind, 0) + 1
        _report(target, harness, time.monotonic() - start, findings, "plain", args)
        if seeds.missing:
            print(
                f"{target.name}: without inputs of {', '.join(sorted(seeds.missing))}: not installed", file=sys.stderr
            )
    return len(findings)


def _atheris(target: Target, args: Any) -> int:
    """The same under libFuzzer: the target's mutators, inputs kept by coverage. Ends at the first finding."""
    import atheris

    draw = Random(args.seed)
    harness = Harness(target, timed=False)
    harness.warm()
    corpus = harness._root / "corpus"
    corpus.mkdir()
    for i, data in enumerate(target.seeds()):
        (corpus / str(i)).write_bytes(data)
    warnings.simplefilter("error")
    start = time.monotonic()
    state = {"said": start}

    def mutator(data: bytes, most: int, seed: int) -> bytes:
        if target.generate is not None and draw.random() < 0.05:
            return target.generate(draw)[:most]
        return target.mutate(data, draw)[:most]

    def one(data: bytes) -> None:
        now = time.monotonic()
        try:
            harness.run(data)
        except Finding as finding:
            _keep(args.findings, target.name, data, finding)
            raise
        if now - state["said"] > 10:
            state["said"] = now
            _report(target, harness, now - start, {}, "atheris", args)

    options = [f"-max_total_time={int(args.seconds)}", f"-seed={args.seed + 1}", "-max_len=65536", "-rss_limit_mb=4096",
               "-timeout=60", "-print_final_stats=1", f"-artifact_prefix={args.findings}/", "-len_control=0"]  # fmt: skip
    if args.runs:
        options.append(f"-atheris_runs={args.runs}")
    args.findings.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutator)
    atheris.Fuzz()
    return 0


def _replay(target: Target, path: Path) -> int:
    data = path.read_bytes()
    with Harness(target) as harness, warnings.catch_warnings():
        harness.warm()
        warnings.simplefilter("error")
        try:
            harness.run(data, traced=True)
        except Finding as finding:
            print(finding, file=sys.stderr)
            if finding.__cause__ is not None:
                import traceback

                traceback.print_exception(finding.__cause__)
            return 1
        print(next(iter(harness.counts.outcomes)))
    return 0


def _keep(folder: Path, name: str, data: bytes, finding: Finding) -> None:
    """The input of a finding, and what it did."""
    folder.mkdir(parents=True, exist_ok=True)
    number = sum(1 for _ in folder.glob(f"{name}-*.input"))
    (folder / f"{name}-{number}.input").write_bytes(data)
    print(f"{name}: {finding} ({folder / f'{name}-{number}.input'})", file=sys.stderr, flush=True)


def _report(target: Target, harness: Harness, seconds: float, findings: dict[str, int], engine: str, args: Any) -> None:
    counts = harness.counts
    facts = {
        "target": target.name, "engine": engine, "seed": args.seed, "executions": counts.executions, "read": counts.read,
        "kinds": len(counts.outcomes), "traced": counts.traced, "backstops": counts.backstops(), "findings": findings,
        "seconds": round(seconds, 1),
    }  # fmt: skip
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
