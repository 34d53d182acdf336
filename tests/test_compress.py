"""From a LinearModel to a file and back: the same bytes, the clone's answers, and the options."""

from __future__ import annotations

import dataclasses
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import mmh3
import msgpack
import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from strategies import Case
from test_index import plain_find
from test_rows import plain_offset, pooled

import nlucompress
from nlucompress import BuildError, Compressed, LinearModel, Model, ModelImportError, compress
from nlucompress.linear import Namespace, SparseRows, Step
from nlucompress.reference import BATCH, Scorer, exact
from nlucompress.rows import CODERS

options = st.fixed_dictionaries({
    "buckets": st.sampled_from([2, 3, 16, 256]), "range": st.sampled_from(["model", "class"]),
    "codebook": st.sampled_from(["even", "kmeans"]), "prune": st.sampled_from([0.0, 0.1]),
    "gamma": st.sampled_from([1.0, 1.7, 4.0]), "layout": st.sampled_from(["auto", "fast", *CODERS]),
})  # fmt: skip

TEXTS = ["play some music by the beatles", "stop", "", "what is the weather in straße 東京", "play play play", "xyzzy"]
WORDS = sorted({word for text in TEXTS[:-1] for word in text.split()} | {f"rare{i}" for i in range(40)})


def model_of(seed: int = 0, classes: Any = ("a", "b", "c"), **fields: Any) -> LinearModel:
    """A small model of words, whose weights are drawn."""
    labels = np.array(classes) if isinstance(classes, tuple) else classes
    columns = 1 if fields.get("task") == "binary" else len(labels)
    drawn: dict[str, Any] = {
        "namespaces": (Namespace("words"),), "features": (WORDS,), "classes": labels,
        "weights": np.random.default_rng(seed).standard_normal((len(WORDS), columns)), "intercept": np.zeros(columns),
    }  # fmt: skip
    return LinearModel(**{**drawn, **fields})


def same_answers(one: Model | Scorer, other: Model | Scorer, samples: list[Any], task: str, link: str) -> None:
    scores = one.decision_function(samples), other.decision_function(samples)
    assert scores[0].shape == scores[1].shape
    np.testing.assert_allclose(*scores, rtol=1e-12, atol=1e-12)
    labels = one.predict(samples), other.predict(samples)
    assert labels[0].dtype == labels[1].dtype
    np.testing.assert_array_equal(*labels)
    if link != "identity":
        np.testing.assert_allclose(one.predict_proba(samples), other.predict_proba(samples), rtol=1e-11, atol=1e-12)
    assert task != "multilabel" or labels[0].shape == scores[0].shape


# -- the same model, the same bytes -----------------------------------------------------------------------------------


@given(strategies.cases(), options)
def test_the_same_model_gives_the_same_bytes(case: Case, chosen: dict[str, Any]) -> None:
    again = dataclasses.replace(case.model)
    assert compress(case.model, **chosen).data == compress(again, **chosen).data


@given(strategies.cases())
def test_sparse_and_dense_weights_give_the_same_bytes(case: Case) -> None:
    dense = dataclasses.replace(case.model, weights=case.model.rows(0, case.model.n_features))
    sparse = dataclasses.replace(case.model, weights=strategies.sparse(case.model.rows(0, case.model.n_features)))
    assert compress(dense).data == compress(sparse).data


def test_a_weight_of_minus_zero_is_a_weight_of_zero() -> None:
    weights = np.random.default_rng(3).standard_normal((len(WORDS), 3))
    weights[::2] = 0.0
    other = np.where(weights == 0, -0.0, weights)
    assert compress(model_of(weights=weights)).data == compress(model_of(weights=other)).data


def test_names_with_zero_bytes_do_not_confuse_fingerprints() -> None:
    one, other = (model_of(features=(names,), weights=np.ones((2, 3))) for names in (["a\x00", "b"], ["a", "\x00b"]))
    assert one.fingerprint() != other.fingerprint()


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    code = """if True:
        import hashlib, sys
        sys.path.insert(0, sys.argv[1])
        import test_compress
        print(hash("x"), hashlib.sha256(test_compress.compress(test_compress.model_of()).data).hexdigest())"""
    lines = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)], env={"PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]  # fmt: skip
    assert lines[0][0] != lines[1][0]
    assert lines[0][1] == lines[1][1]


@given(strategies.cases(), st.randoms(use_true_random=False))
def test_features_in_another_order_give_equal_answers_and_the_same_index(case: Case, random: Any) -> None:
    model, start, order = case.model, 0, []
    for names in model.features:
        order += random.sample(range(start, start + len(names)), len(names))
        start += len(names)
    flat = [name for names in model.features for name in names]
    ends = np.cumsum([0, *map(len, model.features)]).tolist()
    shuffled = dataclasses.replace(
        model, features=tuple([flat[i] for i in order[a:b]] for a, b in pairwise(ends)),
        weights=model.rows(0, len(flat))[order], idf=None if model.idf is None else model.idf[order],
    )  # fmt: skip
    one, other = compress(model, check_bits=32), compress(shuffled, check_bits=32)
    same_answers(one.model(), other.model(), case.samples, model.task, model.link)
    assert one.info()["sections"].keys() == other.info()["sections"].keys()
    for name in ("index", "slots", "codebook", "rows"):
        assert section(one, name) == section(other, name)


def section(compressed: Compressed, name: str) -> bytes:
    return sections_of(compressed.data)[1][name]


def sections_of(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    header = msgpack.unpackb(data[64 : 64 + int.from_bytes(data[12:16], "little")])
    return header, {name: data[offset : offset + length] for name, offset, length, _ in header["sections"]}


# -- the clone --------------------------------------------------------------------------------------------------------


@given(strategies.cases(), options)
def test_with_32_check_bits_a_file_answers_as_its_dequantized_clone(case: Case, chosen: dict[str, Any]) -> None:
    compressed = compress(case.model, check_bits=32, **chosen)
    clone = exact(compressed.dequantized())
    same_answers(compressed.model(), clone, case.samples, case.model.task, case.model.link)


@given(strategies.cases(), options, st.integers(0, 32))
def test_every_file_that_is_written_passes_the_full_verification(
    case: Case, chosen: dict[str, Any], check_bits: int
) -> None:
    Model(compress(case.model, check_bits=check_bits, **chosen).data, "full")


@given(strategies.cases(), options)
def test_a_look_up_gives_the_dequantized_weights_of_every_feature(case: Case, chosen: dict[str, Any]) -> None:
    compressed = compress(case.model, check_bits=32, **chosen)
    model, clone = compressed.model(), compressed.dequantized()
    rows = clone.coefficients()
    labels = clone.classes[-1:] if clone.task == "binary" else clone.classes
    number = 0
    for space, names in enumerate(clone.features):
        for name in names:
            wanted = {label: w for label, w in zip(labels.tolist(), rows[number].tolist(), strict=True) if w}
            found = model.lookup(name, space)
            assert found == wanted if compressed.kept[number] else (found, wanted) == (None, {})
            number += 1


@given(strategies.cases())
def test_a_feature_of_one_namespace_is_not_found_in_another(case: Case) -> None:
    model, stored = compress(case.model, check_bits=32).model(), case.model.features
    for space in range(len(stored)):
        for names in stored:
            for name in names:
                assert name in stored[space] or model.lookup(name, space) is None


@given(strategies.cases(), options)
def test_the_dequantized_clone_is_the_source_with_other_weights(case: Case, chosen: dict[str, Any]) -> None:
    compressed = compress(case.model, **chosen)
    clone, source = compressed.dequantized(), case.model
    assert clone.features == source.features
    assert clone.namespaces == source.namespaces
    assert clone.classes is source.classes
    np.testing.assert_array_equal(clone.intercept, source.intercept)
    error = np.abs(clone.rows(0, clone.n_features) - source.rows(0, source.n_features)).max(initial=0)
    assert error == pytest.approx(compressed.report["max_error"], rel=1e-9)
    if source.idf is not None and clone.idf is not None:
        np.testing.assert_array_equal(clone.idf, source.idf.astype(np.float32))


def test_options_may_be_numpys_numbers_but_no_strings() -> None:
    model = LinearModel((Namespace("words"),), (("play", "stop"),), np.array([[2.0], [-2.0]]), np.zeros(1),
                        np.array(["no", "yes"]), task="binary", link="sigmoid")  # fmt: skip
    plain = compress(model, buckets=64, check_bits=9, prune=0.25, gamma=1.5).data
    assert compress(model, buckets=np.int64(64), check_bits=np.uint8(9), prune=np.float32(0.25),  # type: ignore[arg-type]
                    gamma=np.float64(1.5)).data == plain  # fmt: skip
    for wrong in ({"buckets": "64"}, {"buckets": 64.0}, {"check_bits": None}, {"prune": "0"}, {"gamma": 1j}):
        with pytest.raises(BuildError, match=f"{next(iter(wrong))}: .* is not an? (integer|number)"):
            compress(model, **wrong)


@pytest.mark.parametrize("coder", ["plain", "pool"])
def test_an_independent_reader_of_the_bytes_finds_check_bits_idf_and_weights_of_every_feature(coder: Any) -> None:
    """FORMAT.md, sections 6 and 7, in Python's integers."""
    rng = np.random.default_rng(8)
    weights = rng.standard_normal((len(WORDS), 300)) * (
        rng.random((len(WORDS), 300)) < rng.random((len(WORDS), 1)) * 0.6
    )
    model = model_of(classes=np.arange(300), weights=weights, idf=rng.choice([1.0, 1.5, 2.0, 3.0, 4.0], len(WORDS)),
                     steps=(Step("norm", (0,), "l2"),))  # fmt: skip
    compressed = compress(model, check_bits=11, layout=coder)
    header, parts = sections_of(compressed.data)
    dense, idf = compressed.dequantized().coefficients(), compressed.dequantized().idf
    assert idf is not None
    codebook, values = (np.frombuffer(parts[name], "<f4").tolist() for name in ("codebook", "idf"))
    bits = header["slots"]["idf_bits"] if coder == "plain" else (header["rows"]["entries"] - 1).bit_length()
    width, slots = bits + 11, int.from_bytes(parts["slots"], "little")
    for number, name in enumerate(WORDS):
        slot = plain_find(name, header["index"]["seeds"][0], header["index"]["levels"], parts["index"], len(WORDS))
        assert slot is not None
        record = slots >> (slot * width) & ((1 << width) - 1)
        h2 = int.from_bytes(mmh3.hash_bytes(name.encode(), header["index"]["seeds"][0], x64arch=True)[8:], "little")
        assert record & 0x7FF == h2 >> 32 & 0x7FF
        if coder == "plain":
            idf_number = record >> 11
            first, last = (plain_offset(slot + i, header["rows"]["low_bits"], parts["row_low"], parts["row_high"],
                                        parts["row_samples"]) for i in (0, 1))  # fmt: skip
            pairs = [(int.from_bytes(parts["rows"][3 * at : 3 * at + 2], "little"), parts["rows"][3 * at + 2])
                     for at in range(first, last)]  # fmt: skip
        else:
            _, idf_number, _, pairs = pooled(record >> 11, 300, header["slots"]["idf_bits"], codebook.index(0.0),
                                             parts["rows"], parts["row_groups"])  # fmt: skip
        assert values[idf_number] == idf[number]
        row = np.zeros(300)
        for column, code in pairs:
            row[column] = codebook[code]
        np.testing.assert_array_equal(row, dense[number])
    if coder == "pool":
        assert {100} < {
            group[1] for group in struct.iter_unpack("<IIQ", parts["row_groups"])
        }  # rows of all codes, and others


# -- which features are kept ------------------------------------------------------------------------------------------


def thin_model(**fields: Any) -> LinearModel:
    """Most of its features have weights that round to zero."""
    weights = np.zeros((len(WORDS), 3))
    weights[::5] = np.random.default_rng(1).standard_normal((len(WORDS[::5]), 3))
    weights[1::5] = 1e-9
    return model_of(weights=weights, **fields)


def rows_left(compressed: Compressed) -> int:
    return int((compressed.dequantized().coefficients() != 0).any(axis=1).sum())


def test_a_model_without_a_norm_keeps_the_features_that_have_a_row() -> None:
    for norm in ("exact", "mean"):
        compressed = compress(thin_model(idf=np.full(len(WORDS), 1.5)), norm=norm)  # type: ignore[arg-type]
        assert compressed.info()["features"] == compressed.kept.sum() == rows_left(compressed) < len(WORDS) / 4


def test_an_exact_norm_keeps_every_feature_that_it_counts() -> None:
    idf = np.where(np.arange(len(WORDS)) % 3 == 1, 0.0, 1.5)
    compressed = compress(thin_model(idf=idf, steps=(Step("norm", (0,), "l2"),)))
    rows = (compressed.dequantized().coefficients() != 0).any(axis=1)
    np.testing.assert_array_equal(compressed.kept, rows | (idf != 0))
    assert compressed.info()["namespaces"][0]["unseen"] == 0


def test_a_mean_norm_keeps_the_features_that_have_a_row_only() -> None:
    model = thin_model(idf=1 + np.random.default_rng(2).random(len(WORDS)), steps=(Step("norm", (0,), "l2"),))
    whole, thin = compress(model, norm="exact"), compress(model, norm="mean")
    assert whole.info()["features"] == len(WORDS)
    assert thin.info()["features"] == rows_left(thin) < len(WORDS) / 4
    assert len(thin.data) < len(whole.data)


def test_the_constant_of_a_mean_norm_is_the_mean_square_of_what_is_not_found() -> None:
    rng, documents = np.random.default_rng(3), 5000
    frequency = np.where(rng.random(len(WORDS)) < 0.3, 1, rng.integers(1, 400, len(WORDS)))
    idf = np.log((1 + documents) / (1 + frequency)) + 1  # scikit-learn's, smooth
    thin = compress(thin_model(idf=idf, steps=(Step("norm", (0,), "l2"),)), norm="mean")
    dropped, never_seen = frequency[~thin.kept], (frequency == 1).sum()
    wanted = (dropped * idf[~thin.kept] ** 2).sum() / (dropped.sum() + never_seen)
    assert thin.info()["namespaces"][0]["unseen"] == pytest.approx(np.sqrt(wanted), rel=1e-6)


def test_a_mean_norm_of_a_model_all_of_whose_features_have_rows_counts_no_other() -> None:
    model = model_of(steps=(Step("norm", (0,), "l2"),))
    compressed = compress(model, norm="mean", check_bits=32)
    assert compressed.info()["namespaces"][0]["unseen"] == 0
    same_answers(compressed.model(), exact(compressed.dequantized()), TEXTS, "multiclass", "identity")


@pytest.mark.parametrize("norm", ["exact", "mean"])
def test_a_model_with_a_baseline_keeps_all_features(norm: Any) -> None:
    model = thin_model(baseline=np.array([0.5, -1.0, 0.25]), steps=(Step("norm", (0,), "l1"),))
    compressed = compress(model, norm=norm, check_bits=32)
    assert compressed.info()["features"] == len(WORDS)
    assert compressed.kept.all()
    same_answers(compressed.model(), exact(compressed.dequantized()), TEXTS, "multiclass", "identity")


# -- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("buckets", 1, ["buckets", "1", "2..256"]), ("buckets", 257, ["buckets", "257", "2..256"]),
        ("range", "row", ["range", "'row'", "'model'", "'class'"]),
        ("codebook", "odd", ["codebook", "'odd'", "'even'", "'kmeans'"]),
        ("prune", 1.0, ["prune", "1.0", "below 1"]),
        ("check_bits", -1, ["check_bits", "-1", "0..32"]), ("check_bits", 33, ["check_bits", "33", "0..32"]),
        ("gamma", 0.5, ["gamma", "0.5", "1..16"]), ("gamma", float("nan"), ["gamma", "nan"]),
        ("layout", "tiny", ["layout", "'tiny'", "'fast'", "'auto'"]),
        ("norm", "l2", ["norm", "'l2'", "'exact'", "'mean'"]),
    ],
)  # fmt: skip
def test_an_option_out_of_range_is_refused_with_value_and_limits(option: str, value: Any, words: list[str]) -> None:
    with pytest.raises(BuildError) as raised:
        compress(model_of(), **{option: value})
    assert all(word in str(raised.value) for word in words), str(raised.value)


def test_the_options_are_in_the_facts() -> None:
    facts = compress(model_of(source={"format": "a test"}), buckets=9, check_bits=3, gamma=2, norm="mean").info()
    chosen = {"buckets": 9, "range": "model", "check_bits": 3, "gamma": 2.0, "layout": "auto", "norm": "mean"}
    assert facts["options"] == chosen
    assert facts["source"] == {"format": "a test"}
    assert facts["writer"] == f"nlucompress {nlucompress.__version__}"
    assert facts["fingerprint"] == model_of().fingerprint()
    assert facts["features_source"] == len(WORDS)


def test_a_codebook_and_a_threshold_are_in_the_facts_where_they_are_not_the_default() -> None:
    fitted = compress(model_of(), codebook="kmeans", prune=0.25).info()["options"]
    assert (fitted["codebook"], fitted["prune"]) == ("kmeans", 0.25)
    assert compress(model_of(), prune=0.25).info()["options"]["codebook"] == "even"


def test_pruning_makes_a_smaller_file() -> None:
    large = model_of(classes=tuple("abcdefgh"), weights=np.random.default_rng(1).standard_t(4, (len(WORDS), 8)))
    assert len(compress(large, prune=0.25).data) < len(compress(large).data)


def test_progress_is_told_the_stages_in_order() -> None:
    stages: list[str] = []
    compress(model_of(), progress=stages.append)
    assert stages == ["reading", "quantizing", "indexing", "coding rows", "writing"]


def test_fewer_buckets_and_check_bits_make_a_smaller_file() -> None:
    large = model_of(classes=tuple("abcdefgh"), weights=np.random.default_rng(1).standard_t(4, (len(WORDS), 8)))
    sizes = [len(compress(large, buckets=b, check_bits=c).data) for b, c in ((256, 32), (256, 8), (8, 8))]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


# -- what a reader refuses, a writer does not write ---------------------------------------------------------------------

EXTREMES: dict[str, dict[str, Any]] = {
    "no features": {"features": ([],), "weights": np.zeros((0, 3))},
    "no features, with idf and a norm": {
        "features": ([],),
        "weights": np.zeros((0, 3)),
        "idf": np.zeros(0),
        "steps": (Step("norm", (0,), "l2"),),
    },
    "no namespaces": {"namespaces": (), "features": (), "weights": np.zeros((0, 3))},
    "257 namespaces": {
        "namespaces": (Namespace("w"),) * 257,
        "features": ([],) * 256 + (["a"],),
        "weights": np.ones((1, 3)),
    },
    "1025 steps": {"steps": (Step("scale", (0,), value=1.0),) * 1025},
    "a step with a whole number": {"steps": (Step("scale", (0,), value=2),)},
    "an unseen idf that is a whole number": {"namespaces": (Namespace("w", unseen=1),)},
    "an unseen idf that is numpy's": {"namespaces": (Namespace("w", unseen=np.float32(0.5)),)},
    "a range of n-grams that is a list": {"namespaces": (Namespace("w", ngram_range=[1, 2]),)},
    "70,000 stop words": {"namespaces": (Namespace("w", stop_words=tuple(f"w{i}" for i in range(70_000))),)},
    "a megabyte of stop words": {
        "namespaces": (Namespace("w", stop_words=tuple(f"w{i}" * 20 for i in range(10_000))),)
    },
    "a stop word that is half a surrogate pair": {"namespaces": (Namespace("w", stop_words=("\ud800",)),)},
    "a token pattern that is half a surrogate pair": {"namespaces": (Namespace("w", token_pattern="\ud800"),)},
    "a source with many facts": {"source": {f"fact {i}": "x" for i in range(300)}},
    "a source with half a surrogate pair": {"source": {"note": "\udfff"}},
    "a weight beyond float32": {"weights": np.full((len(WORDS), 3), 1e39)},
    "weights at the end of float32": {"weights": np.full((len(WORDS), 3), 1e38) * [1, -1, 0.5]},
    "weights below float32": {"weights": np.full((len(WORDS), 3), 1e-300)},
    "an idf beyond float32": {"idf": np.full(len(WORDS), 1e39)},
    "an idf at the end of float32": {"idf": np.full(len(WORDS), 1e38), "steps": (Step("norm", (0,), "l2"),)},
    "an idf below float32": {"idf": np.full(len(WORDS), 1e-300), "steps": (Step("norm", (0,), "l2"),)},
    "a negative idf": {"idf": np.full(len(WORDS), -1.5), "steps": (Step("norm", (0,), "l1"),)},
    "an intercept at the end of float64": {"intercept": np.full(3, 1e308)},
    "a column beyond 64 bits": {"namespaces": (Namespace("w", column=1 << 70),)},
    "one long label": {"classes": np.array(["a", "b", "x" * 100_000], dtype=object)},
    "one class": {"classes": np.array(["only"]), "weights": np.ones((len(WORDS), 1)), "intercept": np.zeros(1)},
}


@pytest.mark.parametrize("norm", ["exact", "mean"])
@pytest.mark.parametrize("extreme", list(EXTREMES))
def test_a_model_is_refused_when_it_is_built_or_its_file_can_be_read(extreme: str, norm: Any) -> None:
    try:
        data = compress(model_of(**EXTREMES[extreme]), norm=norm).data
    except (BuildError, ModelImportError):
        return
    Model(data, "full")


@pytest.mark.parametrize("count", [65_536, 65_537])
def test_65536_classes_are_the_most(count: int) -> None:
    weights = SparseRows(np.array([0, 1]), np.array([count - 1], np.int32), np.array([2.0]), (1, count))
    model = model_of(classes=np.arange(count), features=(["play"],), weights=weights, intercept=np.zeros(count))
    if count > 65_536:
        with pytest.raises(BuildError, match="65537 classes, the limit is 65536"):
            compress(model)
    else:
        assert compress(model).model().predict(["play", "stop"]).tolist() == [65_535, 0]


def test_features_that_stand_twice_are_named() -> None:
    with pytest.raises(ValueError, match="'play'"):
        compress(model_of(features=(["play", "stop", "play"],), weights=np.ones((3, 3))))


# -- tasks, links and labels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coder", list(CODERS))
def test_257_classes_have_two_bytes_each_and_the_clones_answers(coder: Any) -> None:
    rng = np.random.default_rng(4)
    for columns in (256, 257, 700):
        weights = rng.standard_normal((len(WORDS), columns)) * (rng.random((len(WORDS), columns)) < 0.1)
        model = model_of(classes=np.arange(columns), weights=weights)
        compressed = compress(model, check_bits=32, layout=coder)
        wanted = compressed.report["weights"] * (2 if columns == 256 else 3)
        if coder == "dense":
            wanted = len(WORDS) * columns
        if coder != "coded":
            assert compressed.info()["sections"]["rows"] == wanted
        assert compressed.info()["weights"] == (
            len(WORDS) * columns if coder == "dense" else compressed.report["weights"]
        )
        same_answers(compressed.model(), exact(compressed.dequantized()), TEXTS, "multiclass", "identity")
    assert compressed.model().predict(TEXTS).max() > 255


def test_a_binary_model_has_one_score_a_sample_and_says_the_second_class_above_zero() -> None:
    model = compress(model_of(task="binary", classes=("no", "yes"), link="sigmoid"), check_bits=32).model()
    scores = model.decision_function(TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert model.predict(TEXTS).tolist() == ["yes" if score > 0 else "no" for score in scores]
    np.testing.assert_allclose(model.predict_proba(TEXTS)[:, 1], 1 / (1 + np.exp(-scores)))
    assert model.predict(["xyzzy"]).tolist() == ["no"]  # a score of exactly 0


def test_a_multilabel_model_says_each_class_above_zero() -> None:
    model = compress(model_of(task="multilabel"), check_bits=32).model()
    labels = model.predict(TEXTS)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, model.decision_function(TEXTS) > 0)


def test_of_equal_scores_the_first_class_is_the_label() -> None:
    model = model_of(features=(["play"],), weights=np.array([[1.0, 2.0, 2.0]]))
    assert compress(model).model().predict(["play", "xyzzy"]).tolist() == ["b", "a"]


def plain_probabilities(scores: Any, task: str, link: str) -> Any:
    """FORMAT.md, section 5."""
    if link == "softmax":
        if task == "binary":
            scores = np.stack([-scores, scores], axis=1)
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    each = (np.clip(scores, -1, 1) + 1) / 2 if link == "clipped" else 1 / (1 + np.exp(-scores))
    if task == "binary":
        return np.stack([1 - each, each], axis=1)
    if task == "multilabel" or link == "sigmoid":
        return each
    total = each.sum(axis=1, keepdims=True)
    return np.where(total == 0, 1 / each.shape[1], each / np.where(total == 0, 1, total))


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize(
    ("task", "link"),
    [(task, link) for task in ("binary", "multiclass", "multilabel") for link in ("sigmoid", "softmax", "ovr", "clipped")
     if task != "multilabel" or link not in ("softmax", "ovr")],
)  # fmt: skip
def test_probabilities_are_the_links_of_the_calibrated_scores(task: str, link: str, calibrated: bool) -> None:
    classes = ("a", "b") if task == "binary" else ("a", "b", "c")
    columns = 1 if task == "binary" else 3
    calibration = np.array([[-2.0] * columns, [0.5] * columns]) if calibrated else None
    model = compress(model_of(task=task, link=link, classes=classes, calibration=calibration), check_bits=32).model()
    scores = model.decision_function(TEXTS)
    seen = -2 * scores + 0.5 if calibrated else scores
    np.testing.assert_allclose(
        model.predict_proba(TEXTS), plain_probabilities(seen, task, link), rtol=1e-12, atol=1e-15
    )
    decided = model.predict(TEXTS).tolist()
    if task == "multiclass":
        assert decided == [classes[i] for i in seen.argmax(axis=1)]
    else:
        assert decided == ([classes[int(s > 0)] for s in seen] if task == "binary" else (seen > 0).astype(int).tolist())


def test_clipped_scores_of_minus_one_give_every_class_the_same_probability() -> None:
    model = compress(model_of(link="clipped", intercept=np.full(3, -50.0))).model()
    np.testing.assert_allclose(model.predict_proba(["xyzzy"]), [[1 / 3] * 3])


def test_a_model_without_a_link_has_no_probabilities() -> None:
    with pytest.raises(AttributeError, match="identity"):
        compress(model_of()).model().predict_proba(TEXTS)


LABELS = [
    np.array(["b", "a", "ü東\U0001f600"]), np.array(["", "\ud800", "x\x00y"]), np.array(["b", "a", "c\x00"], dtype=object),
    np.array(["x" * 300, "y"], dtype="U500"), np.array([-1, 0, 5]), np.array([-(1 << 63), 0, (1 << 63) - 1]),
    np.array([0, 1, (1 << 64) - 1], np.uint64), np.array([0.5, -0.0, 1e300]), np.array([False, True]),
    np.array([0, 1, 2], np.int32), np.array([0, 1, 255], np.uint8), np.array([0.5, 1.5], np.float32),
    np.array([1, 2], ">i8"), np.array(["b", "a"], ">U1"),
]  # fmt: skip


@pytest.mark.parametrize("classes", LABELS, ids=lambda labels: f"{labels.dtype.str}-{len(labels)}")
def test_labels_come_back_with_their_values_and_dtype(classes: Any, tmp_path: Path) -> None:
    compress(model_of(classes=classes)).save(tmp_path / "m.nluc")
    model = nlucompress.load(tmp_path / "m.nluc", verify="full")
    assert model.classes_.tolist() == classes.tolist()
    assert [type(label) for label in model.classes_.tolist()] == [type(label) for label in classes.tolist()]
    kept = classes.dtype.newbyteorder("=")
    if classes.dtype.kind == "U":  # the width is that of the longest label
        assert model.classes_.dtype.kind == "U"
    else:
        assert model.classes_.dtype == kept
    assert model.predict(TEXTS).dtype == model.classes_.dtype


@pytest.mark.parametrize("labels", [[1, 2, 3], ["a", 2, True], [0.5, 1.5, 2.5], [True, False, "x"]])
def test_labels_in_an_object_array_that_are_no_strings_are_refused_or_come_back_as_they_were(labels: list[Any]) -> None:
    try:
        compressed = compress(model_of(classes=np.array(labels, dtype=object)))
    except (BuildError, ModelImportError) as error:
        assert "label" in str(error) or "classes" in str(error)  # noqa: PT017
    else:
        found = compressed.model().classes_.tolist()
        assert [(type(label), label) for label in found] == [(type(label), label) for label in labels]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_value_that_is_no_finite_number_is_refused_with_its_sample_if_it_counts(value: Any) -> None:
    model = compress(model_of(namespaces=(Namespace("d", analyzer="dict"),)), check_bits=32).model()
    with pytest.raises(ValueError, match="sample 1"):
        model.predict([{"play": 1.0}, {"play": value}])
    known = model.decision_function([{"play": 1.0}])
    np.testing.assert_array_equal(model.decision_function([{"play": 1.0, "not a feature": value}]), known)


# -- files ------------------------------------------------------------------------------------------------------------


@given(case=strategies.cases())
def test_a_saved_file_answers_as_the_model_in_memory(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    compressed = compress(case.model)
    path = tmp_path_factory.mktemp("saved") / "model.nluc"
    compressed.save(path)
    assert path.read_bytes() == compressed.data
    loaded = nlucompress.load(path, verify="full")
    same_answers(loaded, compressed.model(), case.samples, case.model.task, case.model.link)
    assert loaded.info() == compressed.info()


def test_save_overwrites_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "model.nluc"
    compress(model_of()).save(path)
    with pytest.raises(FileExistsError):
        compress(model_of(seed=1)).save(str(path))
    compress(model_of(seed=1)).save(str(path), overwrite=True)
    assert path.read_bytes() == compress(model_of(seed=1)).data


@given(strategies.cases(), options)
def test_the_sizes_in_info_sum_to_the_files(case: Case, chosen: dict[str, Any]) -> None:
    compressed = compress(case.model, **chosen)
    info = compressed.info()
    assert sum(info["sections"].values()) == info["bytes"] == len(compressed.data)
    assert all(size >= 0 for size in info["sections"].values())
    assert info["features"] == compressed.kept.sum()
    assert info["classes"] == len(case.model.classes)
    assert info["buckets"] == len(compressed.quantized.codebook)
    if info["features"]:
        assert info["bits_per_feature"]["file"] == pytest.approx(8 * len(compressed.data) / info["features"])
        assert info["bits_per_feature"]["bound"] == pytest.approx(1.4427 + info["check_bits"], abs=1e-3)


def test_a_record_that_would_be_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with more than 2^25 distinct rows and 32 check bits."""
    monkeypatch.setattr("nlucompress.modelfile.MOST_RECORD_BITS", 33)
    with pytest.raises(BuildError, match=r"check_bits: 32, besides \d bits.*'pool' rows.*the limit is 33"):
        compress(model_of(), check_bits=32, layout="pool")
    compress(model_of(), check_bits=32, layout="small")


def test_more_samples_than_a_batch_answer_as_one_by_one() -> None:
    model = compress(model_of()).model()
    many = [f"{text} {WORDS[i % len(WORDS)]}" for i, text in enumerate(TEXTS * (BATCH // 3))]
    assert len(many) > BATCH
    singly = np.concatenate([model.decision_function([text]) for text in many])
    np.testing.assert_array_equal(model.decision_function(iter(many)), singly)
    assert model.decision_function([]).shape == (0, 3)
    assert model.predict([]).shape == (0,)


def test_load_and_predict_need_neither_scikit_learn_nor_scipy_nor_joblib(tmp_path: Path) -> None:
    compress(model_of(link="softmax")).save(tmp_path / "model.nluc")
    code = """if True:
        import sys

        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in ("sklearn", "scipy", "joblib", "pandas"):
                    raise ImportError(f"{name} is blocked")

        sys.meta_path.insert(0, Blocked())
        import nlucompress
        model = nlucompress.load(sys.argv[1], verify="full")
        print(model.predict(["play some music"]).tolist(), model.predict_proba(["stop"]).shape)
        assert not {"sklearn", "scipy", "joblib", "pandas"} & set(sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.nluc")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = nlucompress.load(tmp_path / "model.nluc").predict(["play some music"]).tolist()
    assert done.stdout == f"{wanted} (1, 3)\n"
