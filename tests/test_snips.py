"""Snips NLU's intent classifiers against what Snips NLU said of the same texts.

The folders in fixtures/snips and the answers in their expected.json were written by Snips NLU 0.20.2 itself, by
make_snips_files.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from nlucompress import compress, reference
from nlucompress.errors import ModelImportError
from nlucompress.importers import import_model
from nlucompress.importers.formats import of_folder, of_head
from nlucompress.reference import exact

FIXTURES = Path(__file__).parent / "fixtures" / "snips"
KINDS = ("tokens", "pairs", "one")
FILES = ("intent_classifier.json", "featurizer/featurizer.json", "featurizer/tfidf_vectorizer/vectorizer.json",
         "featurizer/cooccurrence_vectorizer/vectorizer.json")  # fmt: skip
Change = Callable[[dict[str, Any]], Any]


def expected(kind: str) -> tuple[list[Any], list[dict[str, float]]]:
    found = json.loads((FIXTURES / kind / "expected.json").read_text(encoding="utf-8"))
    assert len(found["samples"]) == len(found["texts"]) == 10
    return found["samples"], found["probabilities"]


@pytest.mark.parametrize("kind", KINDS)
def test_intents_and_probabilities_are_those_of_snips(kind: str) -> None:
    model = import_model(FIXTURES / kind)
    samples, wanted = expected(kind)
    assert set(model.classes) == set(wanted[0])
    scorer = exact(model)
    found = scorer.predict_proba(samples)
    np.testing.assert_allclose(found, [[row[label] for label in model.classes] for row in wanted], rtol=0, atol=1e-12)
    assert scorer.predict(samples).tolist() == [max(row, key=lambda label: row[label]) for row in wanted]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("buckets", [256, 16])
def test_a_compressed_model_answers_as_the_dequantized_one(kind: str, buckets: int) -> None:
    compressed = compress(FIXTURES / kind, check_bits=32, buckets=buckets)
    samples, wanted = expected(kind)
    clone, native = exact(compressed.dequantized()), compressed.model()
    for runtime in (native, reference.Scorer(native._file, reference.FileTable(native._file))):
        found = runtime.predict_proba(samples)
        np.testing.assert_allclose(found, clone.predict_proba(samples), rtol=0, atol=1e-6)
        assert runtime.predict(samples).tolist() == clone.predict(samples).tolist()
    if buckets == 256:
        assert native.predict(samples).tolist() == [max(row, key=lambda label: row[label]) for row in wanted]


def test_a_classifier_is_found_in_its_folder_in_an_engine_and_by_its_file(tmp_path: Path) -> None:
    wanted = import_model(FIXTURES / "pairs").fingerprint()
    inside = tmp_path / "engine" / "probabilistic_intent_parser" / "intent_classifier"
    shutil.copytree(FIXTURES / "pairs", inside)
    shutil.copytree(FIXTURES / "pairs", tmp_path / "parser" / "intent_classifier")
    for path in (tmp_path / "engine", tmp_path / "parser", inside, inside / FILES[0]):
        assert import_model(path).fingerprint() == import_model(path, format="snips").fingerprint() == wanted
    found = of_folder(tmp_path / "engine")
    assert found is not None
    assert found.name == "snips"


@pytest.mark.parametrize("head", [b"{}", b'{"coeffs": 1', b'{"a": 1, "coeffs": [', b"", b"[", b'{"coeff'])
def test_other_json_is_not_taken_for_it(head: bytes) -> None:
    found = of_head(head)
    assert found is None or found.name != "snips"


# -- refusals -----------------------------------------------------------------------------------------------------------


def put(field: str, value: Any) -> Change:
    return lambda fields: fields.__setitem__(field, value)


def inner(field: str, change: Change) -> Change:
    return lambda fields: change(fields[field])


REFUSED: dict[str, tuple[int, Change, str]] = {
    "untrained": (0, put("coeffs", None), "intent_classifier.json: coeffs is null"),
    "no-featurizer": (0, put("featurizer", None), "coeffs is null"),
    "featurizer": (0, put("featurizer", {"tfidf": 1}), "intent_classifier.json: featurizer is a dict of 1, not a str"),
    "way-out": (0, put("featurizer", "../featurizer"), "featurizer is '../featurizer', not the plain name of a folder"),
    "absolute": (0, put("featurizer", "/etc"), "featurizer is '/etc', not the plain name"),
    "elsewhere": (0, put("featurizer", "other"), "featurizer.json: cannot be read"),
    "rows": (0, lambda f: f["coeffs"].pop(), "coeffs has 3 rows, beside 4 intercepts and 4 intents"),
    "width": (0, lambda f: f["coeffs"][1].pop(), "coeffs is not rows of 111 numbers"),
    "row": (0, lambda f: f["coeffs"].__setitem__(0, 3), "coeffs is not rows of 111 numbers (one has 3)"),
    "word": (0, lambda f: f["coeffs"][0].__setitem__(0, "1"), "coeffs has '1', not a finite number"),
    "bool": (0, lambda f: f["coeffs"][0].__setitem__(0, True), "coeffs has True, not a finite number"),
    "nan": (0, lambda f: f["coeffs"][0].__setitem__(0, float("nan")), "intent_classifier.json: NaN is not a finite number"),
    "large": (0, lambda f: f["coeffs"][0].__setitem__(0, 10**301), "coeffs has an integer of 1000 bits"),
    "intercept": (0, put("intercept", 1), "intercept is 1, not a list"),
    "intents": (0, put("intent_list", ["a", "b", "a", None]), "intent_list has 4 intents, not two or more that differ"),
    "None": (0, put("intent_list", ["a", "b", "None", None]), "(null is 'None')"),
    "numbers": (0, put("intent_list", ["a", "b", 3, None]), "intent_list has something else than names and null"),
    "no-tfidf": (1, put("tfidf_vectorizer", None), "featurizer/featurizer.json: tfidf_vectorizer is None, not a str"),
    "no-vectorizer": (2, put("vectorizer", None), "featurizer/tfidf_vectorizer/vectorizer.json: vectorizer is None"),
    "no-vocab": (2, inner("vectorizer", put("vocab", [])), "vectorizer has no vocab"),
    "column": (2, inner("vectorizer", inner("vocab", put("the", 10**9))), "vocab has the column 1000000000 for 'the'"),
    "column-twice": (2, inner("vectorizer", inner("vocab", put("the", 0))), "each once"),
    "idf": (2, inner("vectorizer", lambda f: f["idf_diag"].pop()), "idf_diag has 61 numbers for 62 tokens"),
    "idf-word": (2, inner("vectorizer", put("idf_diag", ["x"] * 62)), "idf_diag has 'x', not a finite number"),
    "pair": (3, inner("word_pairs", put("0", ["a"])), "word_pairs has a list of 1 as number 0, not two words"),
    "pair-words": (3, inner("word_pairs", put("0", ["a b", "c"])), "not two words"),
    "pair-number": (3, inner("word_pairs", put("x", ["a", "b"])), "word_pairs has the column 'x'"),
    "pair-far": (3, inner("word_pairs", put("99999999999", ["a", "b"])), "word_pairs has the column '99999999999'"),
    "pair-twice": (3, inner("word_pairs", lambda f: f.__setitem__("0", f["1"])), "1 features stand twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_file_field_and_reason(tmp_path: Path, name: str) -> None:
    number, change, words = REFUSED[name]
    folder = tmp_path / "model"
    shutil.copytree(FIXTURES / "pairs", folder)
    fields = json.loads((folder / FILES[number]).read_text(encoding="utf-8"))
    change(fields)
    (folder / FILES[number]).write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(ModelImportError) as caught:
        import_model(folder)
    assert words in str(caught.value)
    assert str(caught.value).startswith("model: ")
    assert len(str(caught.value)) < 700


CONTENTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "list": (b"[]", "a list of 0, not an object of fields"),
    "deep": (b"[" * 100_000, "not JSON"),
    "digits": (b'{"coeffs": ' + b"1" * 10_000 + b"}", "not JSON"),
    "twice": (b'{"coeffs": [], "coeffs": []}', "'coeffs' stands twice in one object"),
    "latin": (b'{"coeffs": ["\xff"]}', "not JSON"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, name: str) -> None:
    content, words = CONTENTS[name]
    (tmp_path / FILES[0]).write_bytes(content)
    with pytest.raises(ModelImportError) as caught:
        import_model(tmp_path)
    assert f"{FILES[0]}: " in str(caught.value)
    assert words in str(caught.value)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FIXTURES / "pairs", folder)
    for name in FILES:
        data = (folder / name).read_bytes()
        for size in range(0, len(data) - 1, max(len(data) // 60, 1)):
            (folder / name).write_bytes(data[:size])
            with pytest.raises(ModelImportError, match=name):
                import_model(folder)
        (folder / name).write_bytes(data)
    import_model(folder)


def refusal(path: Path) -> str | None:
    """Why a source is refused; None if it is read."""
    try:
        import_model(path)
    except ModelImportError as error:
        return str(error)
    return None


@settings(max_examples=200)
@given(st.data())
def test_damaged_files_are_refused_or_read_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "model"
    shutil.copytree(FIXTURES / "pairs", folder)
    target = folder / data.draw(st.sampled_from(FILES))
    damaged = bytearray(target.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    target.write_bytes(damaged)
    with strategies.peak() as most:
        message = refusal(folder)
    assert message is None or message.startswith("model: ")
    assert most() < 32 << 20
