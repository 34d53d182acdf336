#!/usr/bin/env python3
"""Do the native core and the reference give the same answers, on many generated models and samples?

    python benchmarks/parity.py [--examples 100000] [--seed 0]

The models, options and samples are those of the property tests (tests/strategies.py: texts in many scripts, every analyzer,
task, link and kind of step). An example is one sample scored by both. Slots and codes must be equal; of scores the largest
difference is printed, relative to the largest absolute score of their sample. Needs hypothesis.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import time

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))
import strategies

import nlucompress
from nlucompress import reference
from nlucompress.errors import BuildError
from nlucompress.rows import CODERS
from nlucompress.runtime import Model

OPTIONS = st.fixed_dictionaries({
    "buckets": st.sampled_from([256, 64, 8, 3]), "range": st.sampled_from(["model", "class"]),
    "layout": st.sampled_from(list(CODERS)), "check_bits": st.integers(0, 32),
    "gamma": st.sampled_from([1.0, 2.0]), "norm": st.sampled_from(["exact", "mean"]),
})  # fmt: skip


def compare(model: Model, samples: list, found: dict) -> None:
    """Add one model's comparison to what was found."""
    file = model._file
    table = reference.FileTable(file)
    theirs = reference.Scorer(file, table)
    for space, ngrams in enumerate(theirs.ngrams(samples)):
        slots, here = model.lookup_many(ngrams[3], space)
        wanted = table.find(space, ngrams[3])
        found["n-grams"] += len(wanted)
        found["slots that differ"] += int((slots != wanted).sum() + (here != (wanted >= 0)).sum())
    lengths, columns, codes = file.reader().rows(*(np.arange(file.n), file.records(np.arange(file.n))[1]))
    ends = np.cumsum(lengths)
    for slot in range(min(file.n, 50)):
        part = slice(int(ends[slot] - lengths[slot]), int(ends[slot]))
        row = list(zip(columns[part].tolist(), codes[part].tolist(), strict=True))
        found["rows"] += 1
        found["rows that differ"] += model.table.core.row(slot) != row
    ours, wanted = model.decision_function(samples), theirs.decision_function(samples)
    ours, wanted = ours.reshape(len(samples), -1), wanted.reshape(len(samples), -1)
    size = np.abs(wanted).max(axis=1, initial=np.finfo(float).tiny)
    found["largest relative difference of a score"] = max(
        found["largest relative difference of a score"],
        float((np.abs(ours - wanted).max(axis=1) / size).max(initial=0)),
    )
    found["examples"] += len(samples)
    found["models"] += 1
    found["models by coder"][file.coder] = found["models by coder"].get(file.coder, 0) + 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if nlucompress.backend() != "native":
        parser.error("the backend is not native: nothing to compare")
    found = dict.fromkeys(("examples", "models", "n-grams", "slots that differ", "rows", "rows that differ"), 0)
    found |= {
        "refused (a value that is not finite)": 0,
        "largest relative difference of a score": 0.0,
        "models by coder": {},
    }
    began = time.perf_counter()

    @settings(max_examples=1000, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategies.cases(), OPTIONS)
    def some(case, options):
        try:
            model = nlucompress.compress(case.model, **options).model()
            compare(model, case.samples, found)
        except (BuildError, ValueError):
            found["refused (a value that is not finite)"] += 1

    turn = args.seed
    while found["examples"] < args.examples:
        seed(turn)(some)()
        turn += 1
    print(f"nlucompress {nlucompress.__version__}, {time.perf_counter() - began:.0f} s")
    for name, value in found.items():
        print(f"{name}: {value}")
    return int(bool(found["slots that differ"] or found["rows that differ"]))


if __name__ == "__main__":
    sys.exit(main())
