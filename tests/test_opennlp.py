"""OpenNLP's GIS models, as text, binary and package, against what OpenNLP said of the same samples.

The files and the answers in fixtures/opennlp were written by MaxEnt 3.0.0 and OpenNLP 2.1.0, with the two programs there.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from nlucompress import compress, reference
from nlucompress.errors import ModelImportError
from nlucompress.importers import import_model
from nlucompress.importers.formats import of_head
from nlucompress.reference import exact

FIXTURES = Path(__file__).parent / "fixtures" / "opennlp"
MODELS = {
    "old.txt": "old",
    "old.txt.gz": "old",
    "old.bin": "old",
    "slack.txt": "slack",
    "new.bin": "new",
    "package.bin": "package",
}
SAMPLES = [line.split() for line in (FIXTURES / "samples.txt").read_text(encoding="utf-8").split("\n")[:-1]]
TEXT, BINARY, PACKAGE = ((FIXTURES / name).read_bytes() for name in ("old.txt", "new.bin", "package.bin"))


def expected(name: str) -> tuple[list[str], list[dict[str, float]]]:
    """The outcome and the probabilities that OpenNLP printed of each sample."""
    rows = [line.split() for line in (FIXTURES / f"{MODELS[name]}.expected").read_text().splitlines()]
    return [row[0] for row in rows], [dict(zip(row[1::2], map(float, row[2::2]), strict=True)) for row in rows]


def samples(name: str) -> list[list[str]]:
    """A package's predicates are those of OpenNLP's document categorizer."""
    return [["bow=" + word for word in sample] for sample in SAMPLES] if name == "package.bin" else SAMPLES


@pytest.mark.parametrize("name", MODELS)
def test_outcomes_and_probabilities_are_opennlps(name: str) -> None:
    model = import_model(FIXTURES / name)
    labels, wanted = expected(name)
    assert len(labels) == len(SAMPLES) > 40
    found = exact(model).predict_proba(samples(name))
    np.testing.assert_allclose(found, [[row[label] for label in model.classes] for row in wanted], rtol=0, atol=1e-12)
    assert exact(model).predict(samples(name)).tolist() == labels


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("buckets", [256, 16])
def test_a_compressed_model_answers_as_the_dequantized_one(name: str, buckets: int) -> None:
    compressed = compress(FIXTURES / name, check_bits=32, buckets=buckets)
    clone, native = exact(compressed.dequantized()), compressed.model()
    for runtime in (native, reference.Scorer(native._file, reference.FileTable(native._file))):
        found = runtime.predict_proba(samples(name))
        np.testing.assert_allclose(found, clone.predict_proba(samples(name)), rtol=0, atol=1e-6)
        assert runtime.predict(samples(name)).tolist() == clone.predict(samples(name)).tolist()
    if buckets == 256:
        assert np.mean(native.predict(samples(name)) == np.array(expected(name)[0])) > 0.95


def test_text_gzip_and_binary_are_the_same_model_and_its_texts_are_read_right() -> None:
    same = [import_model(FIXTURES / name) for name in ("old.txt", "old.txt.gz", "old.bin")]
    assert len({model.fingerprint() for model in same}) == 1
    for name in ("old.bin", "new.bin"):
        assert {"東京", "😀", "é"} <= set(import_model(FIXTURES / name).features[0])
    assert import_model(FIXTURES / "package.bin").source["model"] == "GIS, doccat.model"
    remark = import_model(FIXTURES / "slack.txt").source["remark"]
    assert "Correction constant 5 and parameter 0.75 count" in remark


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_known_by_its_content(name: str) -> None:
    found = of_head((FIXTURES / name).read_bytes()[:100])
    assert found is not None
    assert found.name == "opennlp"


@pytest.mark.parametrize(
    "head", [b"", b"GIS", b"GISx\n", b"\x1f\x8b", b"\x1f\x8bGIS\n", b"\x00\x03GI", b"PK\x03\x04", b"{}"]
)
def test_other_contents_are_not_taken_for_it(head: bytes) -> None:
    found = of_head(head)
    assert found is None or found.name != "opennlp"


# -- refusals -----------------------------------------------------------------------------------------------------------


def line(number: int, text: str) -> Callable[[], bytes]:
    """The text model with another line."""

    def changed() -> bytes:
        lines = TEXT.split(b"\n")
        lines[number - 1] = text.encode()
        return b"\n".join(lines)

    return changed  # fmt: skip


def package(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (("manifest.properties", b"x=1\n"), *files):
            archive.writestr(name, data)
    return out.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "constant": (line(2, "x"), "line 2: the correction constant is 'x', not a whole number"),
    "constant-0": (line(2, "0"), "the correction constant is 0, not 1 or more"),
    "parameter": (line(3, "nan"), "line 3: the correction parameter is 'nan', not a finite number"),
    "outcomes": (line(4, "2000000000"), "line 4: the number of outcomes is 2000000000, but"),
    "outcomes-negative": (line(4, "-1"), "line 4: the number of outcomes is -1"),
    "one-outcome": (line(4, "1"), "not two or more"),
    "same-outcome": (line(5, "light"), "the 3 outcomes are not two or more that differ"),
    "patterns": (line(8, "9" * 10), "line 8: the number of patterns is 9999999999, but"),
    "pattern": (line(9, "3 0 7"), "the pattern '3 0 7' is not a number of predicates and outcomes below 3"),
    "pattern-twice": (line(9, "3 0 0"), "each once"),
    "pattern-alone": (line(9, "3"), "the pattern '3'"),
    "pattern-words": (line(9, "3 a"), "the pattern '3 a'"),
    "pattern-share": (line(9, "4 0 1"), "the patterns are of 21 predicates, the model has 20"),
    "predicates": (line(15, "19"), "the patterns are of 20 predicates, the model has 19"),
    "predicates-many": (line(15, "1000000000"), "line 15: the number of predicates is 1000000000, but"),
    "predicate-twice": (line(16, "bright"), "1 features stand twice: 'bright'"),
    "number": (line(40, "0.5x"), "line 40: a parameter is '0.5x', not a finite number"),
    "long-number": (line(40, "1" * 10_000), "line 40: a parameter is"),
    "infinity": (line(40, "Infinity"), "line 40: a parameter is 'Infinity', not a finite number"),
    "more": (lambda: TEXT + b"1.0\n", "the model ends, but 1 lines follow"),
    "not-utf-8": (lambda: TEXT[:40] + b"\xff" + TEXT[40:], "byte 40 is not UTF-8"),
    "binary-more": (lambda: BINARY + b"\0", "the model ends, but 1 bytes follow"),
    "binary-outcomes": (lambda: BINARY[:17] + b"\x7f\xff\xff\xff" + BINARY[21:], "byte 17: the number of outcomes is 2"),
    "binary-constant": (lambda: BINARY[:5] + b"\xff\xff\xff\xff" + BINARY[9:], "the correction constant is -1"),
    "binary-parameter": (lambda: BINARY[:9] + b"\x7f\xf8" + BINARY[11:], "byte 9: the correction parameter is nan"),
    "binary-text": (lambda: BINARY[:23] + b"\xff" + BINARY[24:], "byte 21: an outcome is"),
    "perceptron": (lambda: package(("a.model", b"\0\nPerceptron")), "'a.model' is of type b'Perceptron', not GIS"),
    "two": (lambda: package(("a.model", TEXT), ("b.model", TEXT)), "2 files .model ('a.model', 'b.model'), not one"),
    "nothing": (lambda: package(), "0 files .model (none), not one"),
    "cut-package": (lambda: PACKAGE[:-30], "damaged or foreign"),
    "bomb": (lambda: package(("a.model", b"GIS\n1\n0.0\n" + b"9" * (64 << 20))), "the number of outcomes is"),
    "gzip": (lambda: gzip.compress(TEXT)[:-20], "the gzip data are damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_place_and_reason(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    path = tmp_path / "model.txt"
    path.write_bytes(make())
    with strategies.peak() as most, pytest.raises(ModelImportError) as caught:
        import_model(path)
    message = str(caught.value)
    assert words.replace("'a.model' is", "a.model is") in message
    assert message.startswith("model.txt: ")
    assert len(message) < 700
    assert most() < (400 << 20 if name == "bomb" else 8 << 20)


@pytest.mark.parametrize("name", ["old.txt", "new.bin", "package.bin", "old.txt.gz"])
def test_every_truncation_is_refused(tmp_path: Path, name: str) -> None:
    data, path = (FIXTURES / name).read_bytes(), tmp_path / name
    stop = len(data) - (1 if name == "old.txt" else 0)  # the last newline may be missing
    numbers_end = [size for size in range(stop) if name != "old.txt" or data[size - 1 : size] == b"\n" or size < 600]
    for size in numbers_end:
        path.write_bytes(data[:size])
        with pytest.raises(ModelImportError, match=name):
            import_model(path)


def refusal(path: Path) -> str | None:
    """Why a file is refused; None if it is read."""
    try:
        import_model(path)
    except ModelImportError as error:
        return str(error)
    return None


@settings(max_examples=300)
@given(st.data())
def test_damaged_files_are_refused_or_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(data.draw(st.sampled_from([TEXT, BINARY, PACKAGE])))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "model.bin"
    path.write_bytes(damaged)
    with strategies.peak() as most:
        message = refusal(path)
    assert message is None or "model.bin" in message
    assert most() < 16 << 20
