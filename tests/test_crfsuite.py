"""CRFsuite's models: read as the tool wrote them, written again byte for byte, and damaged ones refused."""

from __future__ import annotations

import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nlucompress
from nlucompress import ModelImportError
from nlucompress.importers import crfsuite, import_model

FIXTURES = Path(__file__).parent / "fixtures" / "crfsuite"
MODEL = FIXTURES / "small.crfsuite"
DATA = MODEL.read_bytes()
DUMP = (FIXTURES / "small.txt").read_bytes()


def refused(data: bytes, *words: str) -> str:
    with pytest.raises(ModelImportError) as raised:
        crfsuite.read_crf(data).model({})
    for word in words:
        assert word in str(raised.value)
    return str(raised.value)


def put(data: bytes, at: int, form: str, *values: Any) -> bytes:
    """The bytes with others at a place."""
    raw = struct.pack(form, *values)
    return data[:at] + raw + data[at + len(raw) :]


HEADER = crfsuite.HEADER.unpack_from(DATA)
FEATURES, LABELS, ATTRIBUTES, LABEL_LISTS, ATTRIBUTE_LISTS = HEADER[7:]


# -- what is read -------------------------------------------------------------------------------------------------------


def test_the_fixture_is_read_with_every_digit() -> None:
    crf = crfsuite.parse(DATA)
    assert crf.labels == ["O", "B-städt", "I-städt"]
    assert {"w:東京", "arrow --> x", "two\nlines", "w:paris", ""} <= set(crf.attributes)
    model = import_model(MODEL)
    assert model.task == "tagging"
    assert model.classes.tolist() == crf.labels
    assert model.n_features == len(crf.attributes) == HEADER[6]
    assert model.transitions is not None
    assert int((model.transitions != 0).sum()) == int((crf.features["type"] == 1).sum()) > 3
    for kind, source, label, weight in crf.features.tolist():
        assert weight == (model.transitions[source, label] if kind else model.rows(source, source + 1)[0, label])


def test_what_is_written_is_what_was_read() -> None:
    assert crfsuite.write(crfsuite.parse(DATA)) == DATA


def test_a_dump_says_the_same_to_six_decimals() -> None:
    one, other = import_model(MODEL), import_model(FIXTURES / "small.txt")
    assert list(one.features[0]) == list(other.features[0])
    assert one.classes.tolist() == other.classes.tolist()
    np.testing.assert_allclose(other.coefficients(), one.coefficients(), atol=5.1e-7)
    assert other.transitions is not None
    np.testing.assert_allclose(other.transitions, one.transitions, atol=5.1e-7)
    assert "six" in other.source["remark"]


def test_the_pickled_fixture_is_the_model_inside() -> None:
    model = import_model(FIXTURES / "small.pkl")
    assert model.source["format"] == "sklearn-crfsuite CRF"
    assert model.task == "tagging"
    assert model.n_features == 6


def test_a_pickle_that_holds_a_path_only_says_so() -> None:
    with pytest.raises(ModelImportError, match=r"^path\.pkl: CRF: .*only the path of its model, .*x\.crfsuite.*"):
        import_model(FIXTURES / "path.pkl")


def test_a_fitted_estimator_is_read_live_and_pickled(tmp_path: Path) -> None:
    import sklearn_crfsuite

    estimator = sklearn_crfsuite.CRF(max_iterations=5)
    with pytest.raises(ModelImportError, match=r"CRF: .*not fitted"):
        import_model(estimator)
    estimator.fit([[["a"], ["b"]], [["b"]]], [["X", "Y"], ["Y"]])
    live = import_model(estimator)
    path = tmp_path / "crf.pkl"
    path.write_bytes(pickle.dumps(estimator))
    assert import_model(path).fingerprint() == live.fingerprint()
    estimator = sklearn_crfsuite.CRF(max_iterations=5, model_filename=str(tmp_path / "x.crfsuite"))
    estimator.fit([[["a"], ["b"]], [["b"]]], [["X", "Y"], ["Y"]])
    assert import_model(estimator).fingerprint() == import_model(tmp_path / "x.crfsuite").fingerprint()
    path.write_bytes(pickle.dumps(estimator))
    with pytest.raises(ModelImportError, match="path"):
        import_model(path)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.lists(st.lists(names, max_size=4), min_size=1, max_size=4), st.randoms()), min_size=1, max_size=5
    )
)
def test_any_model_of_the_tool_is_written_again_byte_for_byte(tmp_path_factory: Any, drawn: list[Any]) -> None:
    import pycrfsuite

    path = tmp_path_factory.mktemp("crf") / "x.crfsuite"
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"max_iterations": 3})
    for sequence, random in drawn:
        trainer.append(sequence, [random.choice(["O", "B-x", "I-x", "é"]) for _ in sequence])
    trainer.train(str(path))
    if not path.exists():  # nothing to learn
        return
    data = path.read_bytes()
    crf = crfsuite.parse(data)
    assert crfsuite.write(crf) == data
    assert set(crf.attributes) <= {name for sequence, _ in drawn for item in sequence for name in item}


# -- attacks ------------------------------------------------------------------------------------------------------------


def test_every_truncation_is_refused() -> None:
    for size in [*range(0, len(DATA), 11), *range(len(DATA) - 40, len(DATA))]:
        refused(DATA[:size])
        if size >= 48:
            refused(put(DATA[:size], 4, "<I", size))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_damaged_byte_is_refused_or_gives_a_model(flip: int) -> None:
    good = crfsuite.parse(DATA)
    unread = 0
    tables = {*range(LABELS + 100, LABELS + 2072), *range(ATTRIBUTES + 100, ATTRIBUTES + 2072)}  # these are not read
    for at in sorted(set(range(len(DATA))) - tables):
        data = put(DATA, at, "B", DATA[at] ^ flip)
        try:
            crf = crfsuite.read_crf(data)
            crf.model({})
        except ModelImportError:
            continue
        unread += crf.labels == good.labels and crf.attributes == good.attributes
    assert unread > 0  # weights, and hash tables, which only look-ups by string need


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, len(DATA) // 4 - 1), st.integers(0, (1 << 32) - 1) | st.integers(0, len(DATA))),
                min_size=1, max_size=3))  # fmt: skip
def test_any_numbers_are_refused_or_give_a_model_in_bounded_memory(edits: list[tuple[int, int]]) -> None:
    data = DATA
    for at, number in edits:
        data = put(data, 4 * at, "<I", number)
    tracemalloc.start()
    try:
        crfsuite.read_crf(data).model({})
    except ModelImportError:
        pass
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 64 * len(DATA) + (1 << 20)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    for content in (data, DATA[:48] + data, b"lCRF" + data, b"FILEHEADER = {" + data, DUMP[: len(data)]):
        refused(content)


HUGE = (1 << 32) - 1


@pytest.mark.parametrize(
    ("at", "form", "value", "words"),
    [
        (0, "4s", b"lCRG", ("not a CRFsuite model",)),
        (8, "4s", b"FOMD", ("header", "FOMD")),
        (12, "<I", 101, ("header", "101")),
        (4, "<I", len(DATA) - 1, ("length", str(len(DATA)))),
        (20, "<I", HUGE, ("labels", str(HUGE))),
        (24, "<I", HUGE, ("attributes", str(HUGE))),
        (24, "<I", HEADER[6] - 1, ("attributes",)),
        *((28 + 4 * i, "<I", HUGE, ("offset", str(HUGE))) for i in range(5)),
        *((28 + 4 * i, "<I", 4, ("offset 4",)) for i in range(5)),
        (FEATURES + 4, "<I", HUGE, ("features", str(HUGE))),
        (FEATURES + 8, "<I", HUGE, ("features", str(HUGE))),
        (FEATURES + 12, "<I", 2, ("feature 0", "type 2")),
        (FEATURES + 16, "<I", HUGE, ("feature 0", str(HUGE))),
        (FEATURES + 20, "<I", HUGE, ("feature 0", str(HUGE))),
        (FEATURES + 24, "<d", float("nan"), ("feature 0", "nan")),
        (FEATURES + 24, "<d", float("inf"), ("feature 0", "inf")),
        (FEATURES + 24, "<d", 1e300, ("weights",)),
        (LABELS + 12, "<I", 1, ("labels", "byte order")),
        (LABELS + 16, "<I", HUGE, ("labels", str(HUGE))),
        (LABELS + 20, "<I", HUGE, ("labels", str(HUGE))),
        (ATTRIBUTES + 20, "<I", HUGE, ("attributes", str(HUGE))),
        (LABELS + 2072, "<I", 1, ("labels", "record 0")),
        (LABELS + 2076, "<I", HUGE, ("labels", "string")),
        (LABELS + 2076, "<I", 0, ("labels",)),
        (LABELS + 2080, "B", 0xFF, ("labels", "UTF-8")),
        (LABELS + 2081, "B", 0x41, ("labels", "zero")),
        (ATTRIBUTES + 2080, "B", 0, ("attributes", "zero inside")),
        (LABEL_LISTS + 8, "<I", HUGE, ("references of labels", str(HUGE))),
        (LABEL_LISTS + 12, "<I", HUGE, ("references of labels", "exceeds")),
        (ATTRIBUTE_LISTS + 8, "<I", HUGE, ("references of attributes", str(HUGE))),
        (ATTRIBUTE_LISTS + 12, "<I", HUGE, ("references of attributes", "exceeds")),
        (len(DATA) - 4, "<I", HUGE, ("references of attributes", str(HUGE))),
        (len(DATA) - 4, "<I", 0, ("references of attributes", "another's")),
    ],
)
def test_a_broken_relation_is_refused_by_its_place(at: int, form: str, value: Any, words: tuple[str, ...]) -> None:
    refused(put(DATA, at, form, value), *words)


def test_strings_that_share_bytes_are_refused() -> None:
    """Links that all lead to one record would make a string as long as the file for each of them."""
    links = ATTRIBUTES + struct.unpack_from("<I", DATA, ATTRIBUTES + 20)[0]
    (second,) = struct.unpack_from("<I", DATA, links + 4)
    assert "record" in refused(put(DATA, links, "<I", second))


def test_a_feature_that_stands_twice_is_refused() -> None:
    crf = crfsuite.parse(DATA)
    features = np.concatenate([crf.features, crf.features[:1]])
    assert "two features of" in refused(crfsuite.write(crfsuite.Crf(crf.labels, crf.attributes, features)))


@pytest.mark.parametrize("field", ["labels", "attributes"])
def test_a_string_that_stands_twice_is_refused(field: str) -> None:
    crf = crfsuite.parse(DATA)
    texts = {"labels": list(crf.labels), "attributes": list(crf.attributes)}
    texts[field][1] = texts[field][0]
    refused(crfsuite.write(crfsuite.Crf(texts["labels"], texts["attributes"], crf.features)))


def test_attributes_that_are_not_utf8_travel_as_surrogates_and_labels_are_refused() -> None:
    crf = crfsuite.parse(DATA)
    attributes = ["\udcff\udce9", *crf.attributes[1:]]
    data = crfsuite.write(crfsuite.Crf(crf.labels, attributes, crf.features))
    model = crfsuite.parse(data).model({})
    assert model.features[0][0] == "\udcff\udce9"
    tagger = nlucompress.compress(model, check_bits=32).tagger()
    assert tagger.lookup("\udcff\udce9")
    assert tagger.predict_marginals_single([[b"\xff\xe9"]]) == tagger.predict_marginals_single([["\udcff\udce9"]])
    assert tagger.predict_marginals_single([[b"\xff\xe9"]]) != tagger.predict_marginals_single([["other"]])
    refused(crfsuite.write(crfsuite.Crf(["\udcff", *crf.labels[1:]], crf.attributes, crf.features)), "labels", "UTF-8")


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "damaged.crfsuite"
    path.write_bytes(DATA[:-1])
    with pytest.raises(ModelImportError, match=r"^damaged\.crfsuite: header: a length of"):
        import_model(path)
    with pytest.raises(ModelImportError, match="brings its feature names"):
        import_model(MODEL, names=path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"FILEHEADER", b"FILEHEADRE", ("not a CRFsuite",)),
        (b"LABELS = {", b"LABELZ = {", ("does not begin", "LABELS")),
        (b"  num_labels: 3", b"  num_labels: 4", ("LABELS", "3 entries")),
        (b"  num_attrs: ", b"  num_attrz: ", ("ATTRIBUTES",)),
        (b"      1: B-st\xc3\xa4dt\n", b"      1: O\n", ("twice",)),
        (b"      1: B-st\xc3\xa4dt\n", b"      1: \xff\n", ("LABELS", "UTF-8")),
        (b"      0: O\n", b"      7: O\n", ("begin",)),
        (b"(1) O -->", b"(1) U -->", ("known strings",)),
        (b"(1) O -->", b"(1) O ->", ("line",)),
        (b"\n}\n\nSTATE", b"\n\n\nSTATE", ("",)),
    ],
)
def test_a_damaged_dump_is_refused_by_its_place(old: bytes, new: bytes, words: tuple[str, ...]) -> None:
    assert old in DUMP
    refused(DUMP.replace(old, new, 1), *words)


@pytest.mark.parametrize("number", [b"nan", b"inf", b"1e999", b"x", b"0x1"])
def test_a_dump_with_another_number_is_refused(number: bytes) -> None:
    start = DUMP.index(b": ", DUMP.index(b"STATE_FEATURES")) + 2
    refused(DUMP[:start] + number + DUMP[DUMP.index(b"\n", start) :])


def test_every_truncated_dump_is_refused() -> None:
    for size in range(0, len(DUMP) - 3, 5):
        refused(DUMP[:size])
