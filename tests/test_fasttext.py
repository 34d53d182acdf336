"""fastText's models: labels and probabilities as fastText's own, and damaged files refused.

Files of three kinds: those that fastText 0.9.3 wrote once (fixtures/make_fasttext_files.py); those that it writes here,
where it is installed; and those put together here byte by byte, of any words, numbers and hashes, which fastText reads.

Tolerance: fastText adds up float32, so its probabilities are off by its own rounding, 1e-5 at most here; it adds 1e-5 to
each that it prints. Those of one-vs-all and ns it looks up in a table of 512 sigmoids: the tests hold ours against it.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_format import PLAIN, open_parts, refused, with_field
from test_native import agree

import nlucompress
from nlucompress import ModelImportError, cli, reference
from nlucompress.backend import VARIABLE
from nlucompress.featurize import Analyzer
from nlucompress.importers import fasttext
from nlucompress.importers.formats import formats
from nlucompress.linear import LinearModel, Namespace, Product, SparseRows, Step
from nlucompress.quantize import quantize

FIXTURES = Path(__file__).parent / "fixtures" / "fasttext-0.9.3"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text("ascii"))
FILES = sorted(EXPECTED["models"])
PRINTED = 1e-5  # is added to every probability that fastText prints
ROUNDING = 1e-5  # of fastText's float32
TABLE = 1 / (1 + np.exp(8 - np.arange(513) / 32))

needs_fasttext = pytest.mark.skipif(importlib.util.find_spec("fasttext") is None, reason="fasttext is not installed")


# -- files put together here --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a .bin file holds; a quantized matrix is given as its bytes."""

    words: list[bytes]
    labels: list[bytes]
    inputs: np.ndarray[Any, Any] | bytes
    outputs: np.ndarray[Any, Any] | bytes
    dim: int = 3
    word_ngrams: int = 1
    loss: int = 3
    model: int = 3
    bucket: int = 0
    minn: int = 0
    maxn: int = 0
    version: int = 12
    kept: list[tuple[int, int]] | None = None

    def data(self) -> bytes:
        """The file."""
        out = struct.pack("<2i", 793712314, self.version)
        out += struct.pack("<12id", self.dim, 5, 1, 1, 5, self.word_ngrams, self.loss, self.model, self.bucket, self.minn,
                           self.maxn, 100, 1e-4)  # fmt: skip
        kept = -1 if self.kept is None else len(self.kept)
        out += struct.pack("<3i2q", len(self.words) + len(self.labels), len(self.words), len(self.labels), 99, kept)
        for kind, entries in enumerate((self.words, self.labels)):
            out += b"".join(entry + struct.pack("<bqb", 0, 7, kind) for entry in entries)
        out += b"".join(struct.pack("<2i", *pair) for pair in self.kept or [])
        return out + matrix(self.inputs) + matrix(self.outputs)


def matrix(values: np.ndarray[Any, Any] | bytes) -> bytes:
    if isinstance(values, bytes):
        return b"\1" + values
    return b"\0" + struct.pack("<2q", *values.shape) + values.astype("<f4").tobytes()


def parts(words: list[str], n_labels: int = 3, seed: int = 0, **fields: Any) -> Parts:
    """A dense model of these words with weights drawn from a seed."""
    rng = np.random.default_rng(seed)
    dim = fields.setdefault("dim", 3)
    labels = [f"__label__{i}".encode() for i in range(n_labels)]
    return Parts([word.encode("utf-8", "surrogatepass") for word in words], labels,
                 rng.standard_normal((len(words) + fields.get("bucket", 0), dim)),
                 2 * rng.standard_normal((n_labels, dim)), **fields)  # fmt: skip


SMALL = parts(["</s>", "play", "stop", "été"], word_ngrams=2, minn=2, maxn=3, bucket=7)
PRUNED = (FIXTURES / "pruned.ftz").read_bytes()


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Callable[[bytes], LinearModel]:
    path = tmp_path / "model.bin"

    def read(data: bytes) -> LinearModel:
        path.write_bytes(data)
        return nlucompress.import_model(path)

    return read


def probabilities(predicted: list[Any], classes: list[str]) -> np.ndarray[Any, Any] | None:
    """Of a text's pairs of label and printed probability: (n_classes,); None if fastText predicts nothing."""
    if not predicted:
        return None
    given = {label.removeprefix("__label__"): value - PRINTED for label, value in predicted}
    return np.array([given[name] for name in classes])


def same(model: LinearModel, texts: list[str], predictions: list[list[Any]]) -> None:
    """fastText's predictions are the model's: labels, but for ties, and probabilities."""
    scorer = reference.exact(model)
    scores, ours = scorer.decision_function(texts), scorer.predict_proba(texts)
    for text, score, probability, label, predicted in zip(
        texts, scores, ours, scorer.predict(texts), predictions, strict=True
    ):
        theirs = probabilities(predicted, model.classes.tolist())
        if theirs is None:
            assert not score.any(), text  # nothing is known of the text
            continue
        if model.link == "softmax":
            np.testing.assert_allclose(probability, theirs, rtol=0, atol=ROUNDING, err_msg=text)
            low, high = probability - ROUNDING, probability + ROUNDING
        else:  # what the table has for a score that is off by rounding
            low, high = (table(score + sign * 1e-4) for sign in (-1, 1))
            assert (low - 1e-6 <= theirs).all(), text
            assert (theirs <= high + 1e-6).all(), text
        best = model.classes.tolist().index(predicted[0][0].removeprefix("__label__"))
        assert high[best] >= low.max(), text
        if low[best] > np.delete(high, best).max(initial=-1):  # no tie
            assert label == model.classes[best], text


def table(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """fastText's sigmoid."""
    found = TABLE[np.clip((scores + 8) * 32, 0, 512).astype(int)]
    return np.where(scores < -8, 0.0, np.where(scores > 8, 1.0, found))


def ask(path: Path, texts: list[str], count: int) -> list[list[Any]]:
    """fastText's own predictions. Its wrapper's predict fails with numpy 2."""
    import fasttext

    core = fasttext.load_model(str(path)).f
    return [[(label, value) for value, label in core.predict(text + "\n", count, 0.0, "strict")] for text in texts]


# -- as fastText says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_frozen_file_answers_as_fasttext_did(name: str) -> None:
    model = nlucompress.import_model(FIXTURES / name)
    assert set(model.classes.tolist()) == {"light", "music", "timer"}
    same(model, EXPECTED["texts"], EXPECTED["models"][name])


@needs_fasttext
@pytest.mark.parametrize("name", FILES)
def test_a_frozen_file_answers_as_the_installed_fasttext_does(name: str) -> None:
    same(nlucompress.import_model(FIXTURES / name), EXPECTED["texts"], ask(FIXTURES / name, EXPECTED["texts"], 9))


TRAININGS: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({"dim": 1}, None),
    ({"dim": 9, "wordNgrams": 3, "minn": 2, "maxn": 5, "bucket": 1000, "loss": "ova"}, None),
    ({"dim": 5, "minn": 3, "maxn": 6, "bucket": 300, "minCount": 2}, None),
    ({"dim": 4, "wordNgrams": 2, "bucket": 50, "label": "#"}, None),
    ({"dim": 7, "wordNgrams": 2, "minn": 2, "maxn": 5, "bucket": 900}, {"qnorm": True, "dsub": 3, "cutoff": 300}),
    ({"dim": 6, "wordNgrams": 2, "minn": 1, "maxn": 4, "bucket": 900, "loss": "ns"}, {"dsub": 4}),
]  # fmt: skip


@needs_fasttext
@pytest.mark.parametrize(("options", "quantization"), TRAININGS, ids=lambda value: json.dumps(value)[:40])
def test_a_model_trained_here_answers_as_fasttext(
    tmp_path: Path, options: dict[str, Any], quantization: dict[str, Any] | None
) -> None:
    spec = importlib.util.spec_from_file_location("make", FIXTURES.parent / "make_fasttext_files.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    (tmp_path / "lines.txt").write_text(
        make.LINES.lstrip().replace("__label__", options.get("label", "__label__")), encoding="utf-8"
    )
    make.trained(tmp_path / "lines.txt", tmp_path / "m.bin", options, quantization)
    texts = [*EXPECTED["texts"], *(text for text in strategies.CORPUS if strategies.is_utf8(text) and "\n" not in text)]
    same(nlucompress.import_model(tmp_path / "m.bin"), texts, ask(tmp_path / "m.bin", texts, 9))


DICTIONARY = ["</s>", "play", "the", "été", "東京", "__lab", "a", "<", "👍🏽", "x_y", "Straße"]


@st.composite
def models(draw: st.DrawFn) -> Parts:
    """A dense model of any numbers."""
    words = draw(st.lists(st.sampled_from(DICTIONARY), unique=True, max_size=8))
    ngrams, minn, maxn = draw(st.integers(1, 4)), draw(st.integers(0, 4)), draw(st.sampled_from([0, 0, 1, 2, 5]))
    bucket = draw(st.sampled_from([1, 2, 13, 100])) if ngrams > 1 or maxn or not words else 0
    return parts(words, draw(st.integers(1, 4)), draw(st.integers(0, 1 << 30)), dim=draw(st.integers(1, 4)), minn=minn,
                 maxn=maxn, word_ngrams=ngrams, bucket=bucket, loss=draw(st.sampled_from([2, 3, 3, 4])),
                 version=draw(st.sampled_from([11, 12, 12])))  # fmt: skip


TEXTS = st.one_of(
    strategies.texts(surrogates=False),
    st.lists(st.sampled_from([*DICTIONARY, "__label__0", "__label__zz", "</s>", "Play"]), max_size=8).map(" ".join),
).map(lambda text: text.replace("\n", "\v"))


@needs_fasttext
@settings(max_examples=150)
@given(models(), st.lists(TEXTS, min_size=1, max_size=6))
@example(SMALL, ["play stop", "", "</s>", "a\x00b\vc", "é", "\x85\u2003", "<>", "play </s> stop", "__label__0 play"])
def test_any_model_answers_any_text_as_fasttext(
    tmp_path_factory: pytest.TempPathFactory, made: Parts, texts: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(made.data())
    same(nlucompress.import_model(path), texts, ask(path, texts, len(made.labels)))


@needs_fasttext
def test_labels_of_another_prefix_are_kept_whole_and_are_no_words(tmp_path: Path) -> None:
    made = dataclasses.replace(parts(["</s>", "play"], word_ngrams=2, bucket=5), labels=[b"#a", b"#b", b"#c"])
    path = tmp_path / "m.bin"
    path.write_bytes(made.data())
    texts = ["play #a", "#b play #d play", "play", "#a", "__label__0 play", ""]
    model = nlucompress.import_model(path)
    assert model.classes.tolist() == ["#a", "#b", "#c"]
    same(model, texts, ask(path, texts, 3))
    agree(nlucompress.compress(model, check_bits=32).data, texts)


def test_a_line_feed_is_white_space_like_any_other(read: Callable[[bytes], LinearModel]) -> None:
    scorer = reference.exact(read(SMALL.data()))
    scores = scorer.decision_function(["play\nstop\n", "play stop", "play"])
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


# -- both runtimes ------------------------------------------------------------------------------------------------------


@st.composite
def spaces(draw: st.DrawFn) -> Namespace:
    """A namespace of words or of buckets."""
    least = draw(st.integers(0, 4))
    subwords = (least, least + draw(st.integers(0, 4))) if least else (0, 0)
    return Namespace(
        "f", analyzer="fasttext", ngram_range=(1, draw(st.integers(1, 5))), subwords=subwords,
        hash_columns=draw(st.sampled_from([0, 1, 2, 5, 1000, 2_000_000, (1 << 31) - 1])),
        stop_words=draw(st.sampled_from([None, (), ("play", "été"), ("</s>",)])),
        unseen=draw(st.sampled_from([0.0, 1.0])), tf=draw(st.sampled_from(["count", "binary", "log"])),
    )  # fmt: skip


WILD = st.one_of(strategies.texts(), TEXTS)


@settings(max_examples=100)
@given(st.lists(spaces(), min_size=1, max_size=3), st.lists(WILD, min_size=1, max_size=5), st.integers(0, 1 << 30))
@example(
    [Namespace("f", analyzer="fasttext", hash_columns=999, subwords=(1, 9))], ["\udc80\ud800 \ud800\udc00 \x00é"], 1
)
def test_the_native_analyzer_is_the_references(used: list[Namespace], texts: list[str], seed: int) -> None:
    """Random weights of every n-gram: a wrong one, or one too many, would change a score."""
    rng = np.random.default_rng(seed)
    names = [sorted({name for text in texts for name in Analyzer(space)(text)}) for space in used]
    names = [[name for name in part if rng.random() < 0.8] for part in names]
    weights = rng.standard_normal((sum(map(len, names)), 2))
    steps = (Step("norm", tuple(range(len(used))), "l1"),)
    model = LinearModel(tuple(used), tuple(names), weights, np.zeros(2), np.arange(2), steps=steps)
    agree(nlucompress.compress(model, check_bits=32).data, texts)


@given(models(), st.lists(WILD, min_size=1, max_size=5), st.sampled_from([256, 16, 3]))
def test_a_compressed_model_answers_as_its_dequantized_clone(
    tmp_path_factory: pytest.TempPathFactory, made: Parts, texts: list[str], buckets: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "clone.bin"
    path.write_bytes(made.data())
    compressed = nlucompress.compress(path, buckets=buckets, check_bits=32)
    clone = reference.exact(compressed.dequantized())
    model = compressed.model()
    np.testing.assert_allclose(model.decision_function(texts), clone.decision_function(texts), rtol=0, atol=1e-9)
    np.testing.assert_allclose(model.predict_proba(texts), clone.predict_proba(texts), rtol=0, atol=1e-9)
    agree(compressed.data, texts)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", FILES)
def test_a_frozen_file_compressed_is_within_its_own_quantization_of_fasttext(
    name: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, backend)
    compressed = nlucompress.compress(FIXTURES / name, check_bits=32)
    exact = reference.exact(compressed.source).decision_function(EXPECTED["texts"])
    found = compressed.model().decision_function(EXPECTED["texts"])
    assert np.abs(found - exact).max() <= compressed.report["max_error"] * (
        1 + 1e-9
    )  # a mean of weights, each off by that


def test_a_long_text_gets_the_room_that_it_needs() -> None:
    texts = ["word " * 30_000, "w" * 40_000, "", " ".join(f"w{i}" for i in range(5000))]
    data = nlucompress.compress(FIXTURES / "softmax.bin", check_bits=32).data
    agree(data, texts)


# -- the format ---------------------------------------------------------------------------------------------------------


def test_a_file_says_that_it_needs_the_analyzer_and_others_do_not() -> None:
    data = nlucompress.compress(FIXTURES / "softmax.bin").data
    header = open_parts(data)[0]
    assert header["requires"]["analyzer.fasttext"] == "0.1.0"
    assert header["namespaces"][0] == {"name": "words", "analyzer": "fasttext"}
    assert header["namespaces"][1] == {"name": "buckets", "analyzer": "fasttext", "ngram_range": [1, 2], "hash_columns": 40,
                                       "unseen": 1.0, "subwords": [2, 3]}  # fmt: skip
    plain = open_parts(PLAIN)[0]
    assert "analyzer.fasttext" not in plain["requires"]
    assert "subwords" not in plain["namespaces"][0]


@pytest.mark.parametrize(
    "value", [None, 3, "2", [], [2], [2, 3, 4], [0, 3], [3, 2], [2, 1001], [-1, 2], [1.0, 2.0], [True, 2]]
)
def test_subwords_that_are_no_range_are_refused_by_both_readers(value: Any) -> None:
    refused(with_field(PLAIN, "namespaces.1.subwords", value), "M2", "namespaces[1]", "subwords")


def test_signed_hashes_of_fasttext_are_refused_by_both_readers() -> None:
    space = {"name": "f", "analyzer": "fasttext", "hash_columns": 8, "alternate_sign": True}
    refused(with_field(PLAIN, "namespaces.0", space), "M2", "alternate_sign")


def test_a_later_field_leaves_the_fingerprint_of_models_without_it() -> None:
    model = LinearModel((Namespace("w"),), (("a",),), np.ones((1, 1)), np.zeros(1), np.array([0, 1]), "binary")
    other = dataclasses.replace(model, namespaces=(Namespace("w", subwords=(1, 2)),))
    before = "3f928dbdd7dc97ee4f7671c7a2a57dc6f87f73c22c5f20a64e3c114a1bd9004a"  # what a version without it said
    assert model.fingerprint() == before
    assert other.fingerprint() != model.fingerprint()


def test_two_namespaces_one_norm_and_every_word_are_stored() -> None:
    compressed = nlucompress.compress(FIXTURES / "softmax.bin", buckets=2)
    words, buckets = compressed.source.features
    found, _ = compressed.model().lookup_many(list(words), 0)
    assert (found >= 0).all()  # a word without a weight counts in the mean
    assert compressed.model().n_features < len(words) + len(buckets)  # a bucket counts, stored or not


# -- weights that are a product -----------------------------------------------------------------------------------------


def product_and_dense() -> tuple[LinearModel, LinearModel]:
    model = nlucompress.import_model(FIXTURES / "softmax.bin")
    assert isinstance(model.weights, Product)
    return model, dataclasses.replace(model, weights=model.coefficients())


@pytest.mark.parametrize(
    "options", [{}, {"buckets": 7, "range": "class"}, {"codebook": "kmeans", "buckets": 9, "prune": 0.05}]
)
def test_a_product_is_quantized_as_the_matrix_that_it_is(options: dict[str, Any]) -> None:
    a, b = (quantize(model, **options) for model in product_and_dense())
    assert np.array_equal(a.codebook, b.codebook)
    assert np.array_equal(a.codes.dense(0, a.codes.shape[0]), b.codes.dense(0, b.codes.shape[0]))
    assert a.report == pytest.approx(b.report)


def test_a_product_is_searched_and_verified(tmp_path: Path) -> None:
    model, dense = product_and_dense()
    texts = ["play jazz", "stop the timer", "lights off", "next song", "kitchen lamp", "ten minutes"] * 4
    data = (texts, ["music", "timer", "light", "music", "light", "timer"] * 4)
    found = [nlucompress.search(one, data, max_loss=5, candidates=12) for one in (model, dense)]
    assert [one.chosen for one in found[0].front] == [one.chosen for one in found[1].front]
    assert found[0].chosen.bytes == pytest.approx(found[1].chosen.bytes, abs=64)
    assert isinstance(found[0].compressed.source.weights, (Product, SparseRows))


def test_a_fingerprint_of_a_product_tells_models_apart(read: Callable[[bytes], LinearModel]) -> None:
    first = read(SMALL.data())
    assert isinstance(SMALL.outputs, np.ndarray)
    again, other = read(SMALL.data()), read(dataclasses.replace(SMALL, outputs=SMALL.outputs * 1.5).data())
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


# -- the command --------------------------------------------------------------------------------------------------------


def test_the_command_knows_a_fasttext_model_by_its_content(tmp_path: Path) -> None:
    source = shutil.copy(FIXTURES / "softmax.bin", tmp_path / "anything.dat")
    out = tmp_path / "m.nluc"
    run = CliRunner()
    assert run.invoke(cli.main, ["compress", str(source), "-o", str(out)]).exit_code == 0
    answer = run.invoke(cli.main, ["predict", str(out), "play some jazz", "turn on the kitchen lights"])
    assert answer.stdout.split() == ["music", "light"]
    (tmp_path / "d.jsonl").write_text('{"text": "play some jazz", "label": "music"}\n' * 3)
    checked = run.invoke(cli.main, ["verify", str(out), "--against", str(source), "--data", str(tmp_path / "d.jsonl")])
    assert checked.exit_code == 0, checked.output


# -- what is refused ----------------------------------------------------------------------------------------------------

Change = Callable[[Parts], Parts]
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "hs": ({"loss": 1}, ["'hs'", "softmax"]),
    "unknown loss": ({"loss": 9}, ["'9'"]),
    "skipgram": ({"model": 2}, ["'skipgram'", "labels"]),
    "cbow": ({"model": 1}, ["'cbow'"]),
    "version 13": ({"version": 13}, ["13", "12"]),
    "version 10": ({"version": 10}, ["10", "11"]),
    "no buckets": ({"bucket": 0}, ["bucket 0"]),
    "negative buckets": ({"bucket": -7}, ["bucket -7"]),
    "more buckets than rows": ({"bucket": 8}, ["11 rows", "8 buckets"]),
    "fewer buckets than rows": ({"bucket": 6}, ["11 rows", "6 buckets"]),
    "negative minn": ({"minn": -1}, ["minn -1"]),
    "huge maxn": ({"maxn": 1 << 30}, ["maxn 1073741824"]),
    "huge wordNgrams": ({"word_ngrams": 1 << 30}, ["wordNgrams"]),
    "dim 0": ({"dim": 0}, ["dim 0"]),
    "another dim": ({"dim": 2}, ["11 × 3", "of 2"]),
    "no labels": ({"labels": []}, ["0 labels"]),
    "a label too many": ({"labels": [b"__label__0"] * 4}, ["3 rows", "4 labels"]),
    "a label twice": ({"labels": [b"__label__0", b"__label__1", b"__label__0"]}, ["classes", "distinct"]),
    "a label that is not UTF-8": ({"labels": [b"__label__0", b"__label__\xff", b"__label__2"]}, ["label 1", "UTF-8"]),
    "a label that ends a text": ({"labels": [b"a", b"b", b"</s>"]}, ["label 2"]),
    "a word twice": ({"words": [b"</s>", b"play", b"play", b"a"]}, ["'words'", "'play'", "twice"]),
    "a word that looks like a label": ({"words": [b"</s>", b"__label__x", b"b", b"a"]}, ["word 1", "prefix"]),
    "pruned but dense": ({"kept": [(3, 0)]}, ["pruned"]),
    "a NaN": ({"inputs": np.full((11, 3), np.nan)}, ["weights.left[0, 0]", "nan"]),
    "infinity": ({"outputs": np.full((3, 3), -np.inf)}, ["weights.right[0, 0]", "inf"]),
    "overflowing products": ({"inputs": np.full((11, 3), 1e30), "outputs": np.full((3, 3), 1e30)}, ["1e+38"]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_carried_over_is_refused_with_the_reason(
    name: str, read: Callable[[bytes], LinearModel]
) -> None:
    fields, words = REFUSED[name]
    with pytest.raises(ModelImportError) as raised:
        read(dataclasses.replace(SMALL, **fields).data())
    for word in ("model.bin: ", *words):
        assert word in str(raised.value), raised.value


def test_words_that_are_not_utf8_are_left_out_and_counted(read: Callable[[bytes], LinearModel]) -> None:
    model = read(dataclasses.replace(SMALL, words=[b"</s>", b"\xff\xfe", b"stop", b"play"]).data())
    assert model.features[0] == ["</s>", "stop", "play"]
    assert model.source["words that are not UTF-8"] == "1"
    assert isinstance(SMALL.inputs, np.ndarray)
    assert np.array_equal(model.weights.left[:3], SMALL.inputs.astype("<f4")[[0, 2, 3]])  # type: ignore[union-attr]


def test_names_and_objects_do_not_go_with_it() -> None:
    with pytest.raises(ModelImportError, match="words"):
        nlucompress.import_model(FIXTURES / "softmax.bin", names="names.txt")
    with pytest.raises(ModelImportError, match="read from a file"):
        nlucompress.import_model(object(), format="fasttext")


# -- attacks ------------------------------------------------------------------------------------------------------------


def refuses(path: Path, data: bytes) -> bool:
    """Whether the file is refused, by its name; else it is a model. Anything else is a failure."""
    path.write_bytes(data)
    try:
        model = nlucompress.import_model(path, format="fasttext")
    except ModelImportError as error:
        words = str(error)
    else:
        assert model.n_features
        return False
    assert words.startswith(f"{path.name}: ")
    assert len(words) < 1100
    return True


@pytest.mark.parametrize("data", [SMALL.data(), PRUNED], ids=["dense", "pruned"])
def test_every_truncation_is_refused(data: bytes, tmp_path: Path) -> None:
    for length in range(0, len(data), 1 if len(data) < 2000 else 7):
        assert refuses(tmp_path / "cut.bin", data[:length]), length
    assert refuses(tmp_path / "cut.bin", data[:-1])
    assert refuses(tmp_path / "cut.bin", data + b"\0")


@pytest.mark.parametrize("data", [SMALL.data(), PRUNED], ids=["dense", "pruned"])
def test_a_changed_byte_gives_a_model_or_is_refused(data: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    places = range(len(data)) if len(data) < 2000 else [*range(300), *rng.integers(300, len(data), 200).tolist()]
    count = 0
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= int(rng.choice([0x01, 0x80, 0xFF]))
        count += refuses(tmp_path / "flip.bin", bytes(damaged))
    assert count > 40


HUGE = [-1, -(1 << 31), (1 << 31) - 1, 1 << 30, 1 << 20]
LONG = [*HUGE, (1 << 63) - 1, -(1 << 63), 1 << 62, 1 << 40]


def test_counts_that_ask_for_gigabytes_are_refused_in_little_memory(tmp_path: Path) -> None:
    data = SMALL.data()
    dictionary = 64
    dense = data.index(struct.pack("<2q", 11, 3))
    fields = [(8 + 4 * i, "<i", HUGE) for i in (0, 5, 8, 9, 10)] + [(dictionary + 4 * i, "<i", HUGE) for i in range(3)]
    fields += [(dictionary + 20, "<q", LONG), (dense, "<q", LONG), (dense + 8, "<q", LONG)]
    for name in ("pruned.ftz", "quantized.ftz"):
        whole = (FIXTURES / name).read_bytes()
        model = nlucompress.import_model(FIXTURES / name)
        rows = whole.index(struct.pack("<2q", model.n_features, 3))
        wanted = [(whole, rows, "<q", LONG), (whole, rows + 8, "<q", LONG), (whole, rows + 16, "<i", HUGE)]
        for source, at, form, values in wanted:
            _all_refused(tmp_path, source, at, form, values)
    for at, form, values in fields:
        _all_refused(tmp_path, data, at, form, values)


def _all_refused(folder: Path, data: bytes, at: int, form: str, values: list[int]) -> None:
    for value in values:
        if form == "<q" and value == -1 and at == 64 + 20:
            continue  # no buckets were pruned: as it is
        damaged = bytearray(data)
        struct.pack_into(form, damaged, at, value)
        with strategies.peak() as most:
            assert refuses(folder / "huge.bin", bytes(damaged)), (at, value)
        assert most() < 2 << 20


@given(st.binary(max_size=300))
def test_any_bytes_after_the_magic_are_refused(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    assert refuses(tmp_path_factory.getbasetemp() / "junk.bin", struct.pack("<2i", 793712314, 12) + tail)


def test_pairs_of_kept_buckets_that_are_no_rows_are_refused(tmp_path: Path) -> None:
    model = nlucompress.import_model(FIXTURES / "pruned.ftz")
    kept = len(model.features[1])
    pair = PRUNED.index(b"__label__timer") + len(b"__label__timer") + 1 + 9
    pair = max(pair, *(PRUNED.index(b"__label__" + name) + 9 + len(name) + 10 for name in (b"light", b"music")))
    first, second = struct.unpack_from("<2i", PRUNED, pair)
    assert 0 <= second < kept
    assert str(first) in model.features[1]
    for form in [(-1, second), (first, -1), (first, kept), (1 << 30, second), (first, (second + 1) % kept)]:
        damaged = bytearray(PRUNED)
        struct.pack_into("<2i", damaged, pair, *form)
        assert refuses(tmp_path / "pairs.ftz", bytes(damaged)), form
    damaged = bytearray(PRUNED)
    struct.pack_into("<i", damaged, pair + 8, first)  # a bucket twice
    assert refuses(tmp_path / "pairs.ftz", bytes(damaged))


def test_norms_that_are_no_numbers_are_refused_without_a_warning(tmp_path: Path) -> None:
    whole = (FIXTURES / "quantized.ftz").read_bytes()
    found = 0
    for value in (float("inf"), float("nan"), 3e38):
        for at in range(64, len(whole) - 4, 97):
            damaged = bytearray(whole)
            struct.pack_into("<f", damaged, at, value)
            found += refuses(tmp_path / "norms.ftz", bytes(damaged))  # a warning is an error in this suite
    assert found > 20


def test_codes_stand_for_no_more_numbers_than_a_multiple_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fasttext, "FREE_CELLS", 0)
    monkeypatch.setattr(fasttext, "CELLS_A_BYTE", 0)
    path = tmp_path / "model.ftz"
    path.write_bytes((FIXTURES / "quantized.ftz").read_bytes())
    with pytest.raises(ModelImportError, match="at most 0 numbers are made"):
        nlucompress.import_model(path)


def test_the_list_of_formats_has_it() -> None:
    assert "one-vs-all" in formats()["fasttext"].limits
