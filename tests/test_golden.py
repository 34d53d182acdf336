"""Golden files: what an earlier version wrote is read alike, and written again byte for byte."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nlucompress

FOLDER = Path(__file__).parent / "golden"
SUMS = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines())
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="ascii"))


def load_maker() -> Any:
    spec = importlib.util.spec_from_file_location("golden_make", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = load_maker()
GOLDENS = {f"{MAKER.PREFIX}{name}.nluc": golden for name, golden in MAKER.goldens().items()}


def test_every_golden_file_is_there_and_no_other() -> None:
    there = {path.name for path in FOLDER.glob("*.nluc")}
    assert there == set(SUMS) == set(EXPECTED) == set(GOLDENS)
    assert len(there) >= 15


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_golden_file_is_frozen_and_small(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == SUMS[name]
    assert len(data) < 6 * 1024


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_golden_file_answers_as_it_did(name: str) -> None:
    model, expected = nlucompress.load(FOLDER / name, verify="full"), EXPECTED[name]
    assert model.classes_.tolist() == expected["classes"]
    assert [type(label) for label in model.classes_.tolist()] == [type(label) for label in expected["classes"]]
    assert model.predict(expected["samples"]).tolist() == expected["labels"]
    np.testing.assert_allclose(model.decision_function(expected["samples"]), expected["scores"], rtol=1e-12, atol=1e-12)
    if expected["probabilities"] is not None:
        np.testing.assert_allclose(model.predict_proba(expected["samples"]), expected["probabilities"], rtol=1e-11)


@pytest.mark.parametrize("name", sorted(SUMS))
def test_the_same_model_is_written_byte_for_byte_as_it_was(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, options, _ = GOLDENS[name]
    writer = nlucompress.load(FOLDER / name).info()["writer"]
    monkeypatch.setattr(importlib.import_module("nlucompress.compress"), "VERSION", writer.removeprefix("nlucompress "))
    assert nlucompress.compress(model, **options).data == (FOLDER / name).read_bytes()


def test_the_golden_files_hold_every_kind_of_section_task_link_and_coder() -> None:
    infos = [nlucompress.load(FOLDER / name).info() for name in SUMS]
    assert {info["task"] for info in infos} == {"binary", "multiclass", "multilabel"}
    assert {info["link"] for info in infos} == {"identity", "sigmoid", "softmax", "ovr", "clipped"}
    assert {info["coder"] for info in infos} >= {"plain", "dense"}
    assert {name for info in infos for name in info["sections"]} >= {
        "labels", "intercept", "calibration", "baseline", "scale", "idf", "codebook", "index", "slots", "rows", "row_low",
        "row_high", "row_samples",
    }  # fmt: skip
    analyzers = {space["analyzer"] for info in infos for space in info["namespaces"]}
    assert analyzers >= {"word", "char_wb", "features", "dict"}
