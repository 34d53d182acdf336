"""Golden files: what an earlier version wrote is read alike; those of this format are written again byte for byte."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nlucompress
from nlucompress.rows import CODERS

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
GOLDENS = {f"{MAKER.PREFIX if name in MAKER.NEWER else 'model-v1.1-'}{name}.nluc": golden
           for name, golden in MAKER.goldens().items()}  # fmt: skip
READ_ONLY = {
    f"model-v1.1-{name}.nluc" for name in ("coded", "coded-many-classes", "coded-outlier")
}  # runs came with 1.2
TAGGING = {f"{MAKER.PREFIX}{name}.nluc": golden for name, golden in MAKER.taggings().items()}


def version(name: str) -> str:
    """Of the format, by a file's name."""
    return name.removeprefix("model-v").split("-")[0]


VERSIONS = {"1.0": 15, "1.1": 19, version(MAKER.PREFIX): len(TAGGING) + len(MAKER.NEWER)}  # how many files of each


def test_every_golden_file_is_there_and_no_other() -> None:
    there = {path.name for path in FOLDER.glob("*.nluc")}
    assert there == set(SUMS) == set(EXPECTED)
    assert {name for name in there if not name.startswith("model-v1.0")} == set(GOLDENS) | set(TAGGING) | READ_ONLY
    assert Counter(version(name) for name in there) == VERSIONS


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_golden_file_has_the_format_version_of_its_name(name: str) -> None:
    major, minor = np.frombuffer((FOLDER / name).read_bytes()[8:12], "<u2").tolist()
    assert f"{major}.{minor}" == version(name)


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_golden_file_is_frozen_and_small(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == SUMS[name]
    assert len(data) < 7 * 1024


@pytest.mark.parametrize("name", sorted(TAGGING))
def test_a_golden_file_tags_as_it_did(name: str) -> None:
    tagger, expected = nlucompress.load(FOLDER / name, verify="full"), EXPECTED[name]
    assert tagger.labels() == expected["classes"]
    assert tagger.predict(expected["samples"]) == expected["labels"]
    for sequence, wanted in zip(expected["samples"], expected["marginals"], strict=True):
        found = [[token[tag] for tag in tagger.labels()[:5]] for token in tagger.predict_marginals_single(sequence)]
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("name", sorted(set(SUMS) - set(TAGGING)))
def test_a_golden_file_answers_as_it_did(name: str) -> None:
    model, expected = nlucompress.load(FOLDER / name, verify="full"), EXPECTED[name]
    assert model.classes_.tolist() == expected["classes"]
    assert [type(label) for label in model.classes_.tolist()] == [type(label) for label in expected["classes"]]
    assert model.predict(expected["samples"]).tolist() == expected["labels"]
    np.testing.assert_allclose(model.decision_function(expected["samples"]), expected["scores"], rtol=1e-12, atol=1e-12)
    if expected["probabilities"] is not None:
        np.testing.assert_allclose(model.predict_proba(expected["samples"]), expected["probabilities"], rtol=1e-11)


@pytest.mark.parametrize("name", sorted({**GOLDENS, **TAGGING}))
def test_the_same_model_is_written_byte_for_byte_as_it_was(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, options, _ = {**GOLDENS, **TAGGING}[name]
    writer = nlucompress.load(FOLDER / name).info()["writer"]
    monkeypatch.setattr(importlib.import_module("nlucompress.compress"), "VERSION", writer.removeprefix("nlucompress "))
    assert MAKER.made(model, options).data == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("version_", ["1.0", "1.1"])
def test_the_golden_files_of_a_version_hold_every_kind_of_section_task_link_and_coder(version_: str) -> None:
    infos = [nlucompress.load(FOLDER / name).info() for name in SUMS if version(name) == version_]
    assert {info["task"] for info in infos} == {"binary", "multiclass", "multilabel"}
    assert {info["link"] for info in infos} == {"identity", "sigmoid", "softmax", "ovr", "clipped"}
    assert {info["coder"] for info in infos} == ({"plain", "dense"} if version_ == "1.0" else set(CODERS))
    assert {name for info in infos for name in info["sections"]} >= {
        "labels", "intercept", "calibration", "baseline", "scale", "idf", "codebook", "index", "slots", "rows", "row_low",
        "row_high", "row_samples", *(["row_groups", "row_tables", "row_more", "row_pointers"] if version_ != "1.0" else []),
    }  # fmt: skip
    analyzers = {space["analyzer"] for info in infos for space in info["namespaces"]}
    assert analyzers >= {"word", "char_wb", "features", "dict"}


def test_the_golden_files_of_pooled_rows_have_rows_of_every_kind() -> None:
    files = [nlucompress.load(FOLDER / name)._file for name in GOLDENS]
    pooled = [file for file in files if file.coder == "pool"]
    assert min(file.n for file in pooled) == 0
    assert min(file.n_columns for file in pooled) == 1
    assert max(file.n_columns for file in pooled) > 256
    assert any(
        file.parameters["entries"] < file.n and file.idf_bits for file in pooled
    )  # rows that are shared, with an idf
    for file in pooled:
        all_codes = -(-file.n_columns // (2 if file.n_columns <= 256 else 3))
        assert file.n == 0 or file.rows["row_groups"]["units"][-1] == all_codes
    assert max(file.parameters["groups"] for file in pooled) > 5
