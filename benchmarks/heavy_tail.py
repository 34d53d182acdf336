#!/usr/bin/env python3
"""What does one weight far out do to all others?

    python benchmarks/heavy_tail.py

20,000 normal weights (standard deviation 1), then one of them replaced by a weight of 90. Mean error of the other weights,
and how many of them round to zero: without the far one, with it as ``quantize`` does, and with it in a plain even range.
Then the trained model of the demo: its largest weights, and whether the rule takes any out.
"""

from __future__ import annotations

import numpy as np

from nlucompress import demo, import_model
from nlucompress.linear import LinearModel, Namespace
from nlucompress.quantize import quantize


def model_of(weights):
    names = tuple(f"f{i}" for i in range(len(weights)))
    return LinearModel(
        (Namespace("w"),), (names,), weights[:, None], np.zeros(1), np.array(["no", "yes"]), task="binary"
    )


def costs(weights, values):
    rest = np.abs(weights) < 50
    error, zeros = np.abs(weights - values)[rest].mean(), np.mean(values[rest] == 0)
    return f"mean error {error:.4f}, {zeros:6.1%} of the others round to zero"


def main():
    clean = np.random.default_rng(0).normal(size=20_000)
    tailed = clean.copy()
    tailed[7] = 90.0
    for buckets in (256, 64, 32, 16, 8):
        even = 2 * 90 / (buckets - 1)
        print(f"{buckets} buckets")
        for words, weights in (("without it", clean), ("with it   ", tailed)):
            quantized = quantize(model_of(weights), buckets)
            values = quantized.weights().dense(0, len(weights))[:, 0]
            print(f"  {words}: {costs(weights, values)}, {quantized.report['outliers']} taken out")
        print(f"  plain range: {costs(tailed, np.round(tailed / even) * even)}")
    train, _ = demo.split(demo.sentences())
    trained = import_model(demo.pipeline().fit([r["text"] for r in train], [r["label"] for r in train]))
    sizes = np.sort(np.abs(trained.rows(0, trained.n_features)).ravel())[::-1]
    deviation = trained.rows(0, trained.n_features).std()
    print("the demo's model, largest weights in standard deviations:", np.round(sizes[[0, 1, 2, 4, 8, 16]] / deviation, 0),
          f"taken out at 256 buckets: {quantize(trained, 256).report['outliers']}")  # fmt: skip


if __name__ == "__main__":
    main()
