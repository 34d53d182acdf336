"""The zero-order bound of rows: against a count by hand, and what info and inspect say of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies
from click.testing import CliRunner
from hypothesis import given

import nlucompress
from nlucompress.cli import main
from nlucompress.rows import CODERS, Table
from nlucompress.rows.bound import INDEX_BITS, zero_order
from nlucompress.rows.entries import distinct, neighbours


def entropy(symbols: list[Any]) -> float:
    total = len(symbols)
    return sum(-count * math.log2(count / total) for count in Counter(symbols).values())


def by_hand(table: Table) -> tuple[float, float]:
    """Bits of each row stored, and of equal rows shared: rows as lists of Python."""
    entries, _ = distinct(table.codes, table.numbers, table.zero)
    place = np.argsort(neighbours(entries, table.codes.shape[1])).tolist()
    codes = table.codes
    rows = []
    for number, (a, b) in zip(table.numbers.tolist(), zip(codes.indptr, codes.indptr[1:], strict=False), strict=True):
        pairs = zip(codes.indices[a:b].tolist(), codes.data[a:b].tolist(), strict=True)
        rows.append((number, tuple(sorted((place[column], code) for column, code in pairs))))

    def bits(some: list[Any]) -> float:
        gaps: dict[int, list[int]] = {}
        values: dict[int, list[int]] = {}
        for _, row in some:
            context, before = min(len(row).bit_length() - 1, 6), -1
            for column, code in row:
                gaps.setdefault(context, []).append(column - before)
                values.setdefault(context, []).append(code)
                before = column
        return (entropy([len(row) for _, row in some]) + entropy([number for number, _ in some])
                + sum(map(entropy, gaps.values())) + sum(map(entropy, values.values())))  # fmt: skip

    return bits(rows), bits(list(set(rows))) + entropy(rows)


@given(strategies.tables())
def test_the_bound_is_the_sum_of_the_entropies(table: Table) -> None:
    each, once = by_hand(table)
    bound = zero_order(table, 8)
    assert bound.rows == pytest.approx(min(each, once) / 8, abs=1e-6)
    assert bound.file == pytest.approx(bound.rows + table.codes.shape[0] * (INDEX_BITS + 8) / 8)
    assert bound.shared == (once < each - 1e-9) or abs(once - each) < 1e-6


def test_rows_without_a_choice_cost_nothing() -> None:
    codes = strategies.sparse(np.full((50, 3), 4), np.uint8)
    assert zero_order(Table(codes, np.zeros(50, np.int64), 0, 0), 0).rows == 0


@given(strategies.cases())
def test_every_layout_of_a_model_has_the_same_bound(case: strategies.Case) -> None:
    bounds = []
    for layout in CODERS:
        info = nlucompress.compress(case.model, layout=layout).model().info(bound=True)  # type: ignore[arg-type]
        bounds.append({name: info["zero_order"][name] for name in ("rows", "file", "equal_rows_shared")})
    assert all(bound == bounds[0] for bound in bounds)


def test_inspect_prints_the_bound_and_compress_every_coder(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    model = nlucompress.LinearModel(
        (nlucompress.linear.Namespace("w"),), (tuple(f"w{i}" for i in range(400)),),
        rng.standard_normal((400, 6)) * (rng.random((400, 6)) < 0.3), np.zeros(6), np.arange(6), task="multiclass",
    )  # fmt: skip
    compressed = nlucompress.compress(model)
    coding = compressed.coding
    assert coding["bytes"].keys() == CODERS.keys()
    assert coding["chosen"] == min(coding["bytes"], key=coding["bytes"].get) == compressed.info()["coder"]
    compressed.save(tmp_path / "model.nluc")
    done = CliRunner().invoke(main, ["inspect", str(tmp_path / "model.nluc")])
    assert done.exit_code == 0, done.output
    info = json.loads(CliRunner().invoke(main, ["inspect", str(tmp_path / "model.nluc"), "--json"]).output)
    bound = info["zero_order"]
    assert f"rows {bound['rows_ratio']:.3f} times the bound of {bound['rows']:,} bytes" in done.output
    taken = compressed.coding["bytes"][compressed.coding["chosen"]]
    assert bound["rows_ratio"] == pytest.approx(taken / bound["rows"], rel=0.01)
    assert info["bits_per_weight"]["rows"] == pytest.approx(8 * taken / info["weights"], rel=0.01)
    assert f"{info['bits_per_weight']['rows']:.2f} a weight" in done.output
    assert bound["file_ratio"] == pytest.approx(len(compressed.data) / bound["file"], rel=1e-3)
    assert 1 < bound["rows_ratio"] < 2
    assert "zero_order" not in compressed.info()
