"""Tables: every form reads as the same model, export and import are inverse, and what is wrong is named with its place."""

import contextlib
import csv
import dataclasses
import json
import random
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases
from test_cli import run

import nlucompress
from nlucompress import ModelImportError, import_model
from nlucompress.export import export_tsv
from nlucompress.importers import table, tabular
from nlucompress.linear import LinearModel, Namespace

ROWS = [
    ("play", "PlayMusic", 1.5),
    ("stop", "StopMusic", 2.0),
    ("play", "StopMusic", -0.25),
    (None, "PlayMusic", 0.125),
    ("the", "PlayMusic", 0.0),
    ('say "hi", you', "StopMusic", 1e-3),
]
FACTS = {"link": "softmax", "namespaces": [{"name": "words", "analyzer": "word", "ngram_range": [1, 2]}]}


def tsv(path, rows=ROWS, facts=None, columns=table.COLUMNS):
    lines = [] if facts is None else [f"# nlucompress {json.dumps(facts)}"]
    lines += ["\t".join(columns), *("\t".join(tabular.escape(c if c is None else str(c)) for c in row) for row in rows)]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def comma(path, rows=ROWS, facts=None, columns=table.COLUMNS):
    with open(path, "w", encoding="utf-8", newline="") as file:
        if facts is not None:
            file.write(f"# nlucompress {json.dumps(facts)}\r\n")
        csv.writer(file).writerows([columns, *([("" if c is None else c) for c in row] for row in rows)])


def jsonl(path, rows=ROWS, facts=None, columns=table.COLUMNS):
    lines = [] if facts is None else [json.dumps({"nlucompress": facts})]
    lines += [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")


def parquet(path, rows=ROWS, facts=None, columns=table.COLUMNS):
    import pyarrow as arrow
    from pyarrow import parquet as pq

    made = arrow.table({name: [row[i] for row in rows] for i, name in enumerate(columns)})
    if facts is not None:
        made = made.replace_schema_metadata({"nlucompress": json.dumps(facts)})
    pq.write_table(made, path)


FORMS = {"tsv": tsv, "csv": comma, "jsonl": jsonl, "parquet": parquet}


def refusal(path, **options):
    """The message of the refusal, on one line and with the file's name."""
    with pytest.raises(ModelImportError) as caught:
        import_model(path, **options)
    words = str(caught.value)
    assert words.startswith(path.name + ": ")
    assert "\n" not in words
    return words.removeprefix(path.name + ": ")


# -- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_form_reads_as_the_same_model(tmp_path, form):
    FORMS[form](tmp_path / "model.odd")
    model = import_model(tmp_path / "model.odd")
    assert model.features == (["play", "stop", "the", 'say "hi", you'],)
    assert model.classes.tolist() == ["PlayMusic", "StopMusic"]
    assert model.coefficients().tolist() == [[1.5, -0.25], [0, 2], [0, 0], [0, 1e-3]]
    assert model.intercept.tolist() == [0.125, 0]
    assert (model.task, model.link, model.namespaces[0].analyzer) == ("multiclass", "identity", "features")
    assert model.source == {"format": f"table ({form})"}
    compressed = nlucompress.compress(model, check_bits=32).model()
    assert compressed.predict([["play"], ["play", "stop"], ["never seen"]]).tolist() == [
        "PlayMusic", "StopMusic", "PlayMusic"]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_facts_state_link_and_analyzer(tmp_path, form):
    FORMS[form](tmp_path / "model", facts=FACTS)
    model = import_model(tmp_path / "model")
    assert model.namespaces == (Namespace("words", ngram_range=(1, 2)),)
    assert nlucompress.compress(model).model().predict_proba(["Play it, play"]).shape == (1, 2)


@pytest.mark.parametrize("form", FORMS)
def test_a_column_of_namespaces_tells_equal_names_apart(tmp_path, form):
    rows = [("a", "x", 1.0, "word"), ("a", "x", 2.0, "char"), ("b", "y", 3.0, "word"), (None, "y", 0.5, None)]
    FORMS[form](tmp_path / "model", rows, columns=(*table.COLUMNS, "namespace"))
    model = import_model(tmp_path / "model")
    assert [space.name for space in model.namespaces] == ["word", "char"]
    assert model.features == (["a", "b"], ["a"])
    assert model.coefficients().tolist() == [[1, 0], [0, 3], [2, 0]]


@pytest.mark.parametrize("form", FORMS)
def test_a_row_without_a_label_is_an_idf(tmp_path, form):
    FORMS[form](tmp_path / "model", [("a", None, 2.0), ("a", "x", 1.0), ("b", None, 3.0), ("b", "y", 1.0)])
    assert import_model(tmp_path / "model").idf.tolist() == [2, 3]
    FORMS[form](tmp_path / "model", [("a", None, 2.0), ("a", "x", 1.0), ("b", "y", 1.0)])
    assert "1 features have an idf (a row without a label), 1 have none: 'b'" in refusal(tmp_path / "model")


def test_one_label_makes_a_binary_model(tmp_path):
    tsv(tmp_path / "model", [("good", "spam", 1.0), (None, "spam", -0.5)])
    model = import_model(tmp_path / "model")
    assert (model.task, model.classes.tolist()) == ("binary", ["not spam", "spam"])
    assert nlucompress.compress(model).model().predict([["good"], ["bad"]]).tolist() == ["spam", "not spam"]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_labels_may_be_integers_where_a_form_has_them(tmp_path, form):
    FORMS[form](tmp_path / "model", [("a", 7, 1.0), ("b", -1, 1.0)])
    classes = import_model(tmp_path / "model").classes
    assert (classes.dtype, classes.tolist()) == (np.int64, [7, -1])


def test_parquet_of_other_types_and_several_row_groups(tmp_path):
    import pyarrow as arrow
    from pyarrow import parquet as pq

    names = [f"f{i // 3}" for i in range(3000)]
    made = arrow.table({
        "feature": arrow.array(names).dictionary_encode(),
        "label": arrow.array(["a", "b", "c"] * 1000, arrow.large_string()),
        "weight": arrow.array(np.arange(3000), arrow.float32()),
    })  # fmt: skip
    pq.write_table(made, tmp_path / "m", row_group_size=700, compression="zstd")
    assert import_model(tmp_path / "m").coefficients().ravel().tolist() == list(range(3000))


def test_windows_line_ends_and_a_byte_order_mark_are_let_pass(tmp_path):
    tsv(tmp_path / "a")
    text = (tmp_path / "a").read_bytes()
    (tmp_path / "b").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert import_model(tmp_path / "a").fingerprint() == import_model(tmp_path / "b").fingerprint()


def test_lines_that_cross_blocks(tmp_path, monkeypatch):
    for form in ("tsv", "csv", "jsonl"):
        FORMS[form](tmp_path / form, facts=FACTS)
        whole = import_model(tmp_path / form).fingerprint()
        for size in (1, 7, 64):
            monkeypatch.setattr(tabular, "BLOCK", size)
            assert import_model(tmp_path / form).fingerprint() == whole
        monkeypatch.undo()


def test_without_pyarrow_a_parquet_file_asks_for_it(tmp_path):
    (tmp_path / "m.parquet").write_bytes(b"PAR1" + bytes(100))
    code = """if True:
        import sys
        sys.modules["pyarrow"] = None
        import nlucompress
        try:
            nlucompress.import_model(sys.argv[1])
        except nlucompress.ModelImportError as error:
            print(error)"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m.parquet"], capture_output=True, text=True, check=True
    )
    assert "pip install 'nlucompress[parquet]'" in done.stdout


def test_the_guides_table_is_read_as_it_says(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "sources.md").read_text(encoding="utf-8")
    lines = re.search(r"(?m)^    # nlucompress \{(?:.*\n    )*.*\n", page)[0].splitlines()
    (tmp_path / "m").write_text("".join(f"{line[4:]}\n" for line in lines))
    model = nlucompress.compress(import_model(tmp_path / "m"), check_bits=32).model()
    assert model.predict(["Stop it", "play the beatles"]).tolist() == ["StopMusic", "PlayMusic"]
    scores = model.decision_function(["play", ""])
    np.testing.assert_allclose(scores, [[1.25, 0], [-0.25, 0]], atol=0.01)


# -- export and import are inverse ------------------------------------------------------------------------------------


@given(
    st.text(st.characters(), max_size=8) | st.sampled_from(["", "\\", "\\e", "\t\r\n", "\ud800x", "\ufeff", "\u2028"])
)
def test_every_string_has_its_own_cell(text):
    cell = tabular.escape(text)
    assert tabular.unescape(cell) == text
    assert not set(cell) & set("\t\n\r")
    assert cell.encode()


@given(cases())
def test_a_models_table_reads_as_the_same_model(tmp_path_factory, case):
    model = case.model
    path = tmp_path_factory.mktemp("table") / "m.tsv"
    export_tsv(model, path)
    again = import_model(path)
    assert again.fingerprint() == model.fingerprint()
    assert again.classes.dtype.kind == model.classes.dtype.kind
    assert dict(again.source) == dict(model.source)


@given(st.lists(st.text(st.characters(), max_size=5), min_size=1, max_size=6, unique=True))
def test_odd_names_and_labels_survive(tmp_path_factory, words):
    labels = np.empty(len(words), object)
    labels[:] = words
    model = LinearModel(
        (Namespace("", "features"), Namespace("", "features")), (words, words), np.eye(len(words)).repeat(2, 0),
        np.full(len(words), 0.1), labels,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("table") / "m.tsv"
    export_tsv(model, path)
    again = import_model(path)
    assert again.fingerprint() == model.fingerprint()
    assert [space.name for space in again.namespaces] == ["", ""]


def small():
    weights = np.array([[2.0, -1.0, 0], [0, 0, 0], [0.25, 0.5, -2]])
    return LinearModel((Namespace("w", "word"),), (["play", "the", "stop"],), weights, np.array([0.5, 0, -0.5]),
                       np.array(["a", "b", "c"]), link="softmax", idf=np.array([1.0, 2.0, 3.0]))  # fmt: skip


def test_a_compressed_models_table_has_the_weights_of_the_names_that_are_given(tmp_path):
    compressed = nlucompress.compress(small(), check_bits=32)
    compressed.save(tmp_path / "m.nluc")
    (tmp_path / "names.txt").write_text("stop\nnobody\nplay\n")
    done = export_tsv(tmp_path / "m.nluc", tmp_path / "m.tsv", names=tmp_path / "names.txt")
    assert (done.features, done.names, done.missing, done.unnamed) == (2, 3, 1, 0)  # "the" has no weight, no row
    again, clone = import_model(tmp_path / "m.tsv"), compressed.dequantized()
    assert again.features == (["stop", "play"],)
    np.testing.assert_allclose(again.coefficients(), clone.coefficients()[[2, 0]], rtol=1e-6)
    assert again.idf.tolist() == [3, 1]
    texts = ["play", "stop stop the", "nothing"]
    np.testing.assert_allclose(nlucompress.reference.exact(again).decision_function(texts),
                               compressed.model().decision_function(texts), rtol=1e-6)  # fmt: skip


def test_names_that_say_their_namespace_are_looked_up_there(tmp_path):
    model = LinearModel((Namespace("w"), Namespace("c", "char")), (["a", "b"], ["a"]), np.array([[1.0], [2.0], [3.0]]),
                        np.zeros(1), np.array(["n", "y"]), "binary")  # fmt: skip
    nlucompress.compress(model, check_bits=32).save(tmp_path / "m.nluc")
    export_tsv(model, tmp_path / "all.tsv")
    done = export_tsv(tmp_path / "m.nluc", tmp_path / "m.tsv", names=tmp_path / "all.tsv")
    assert (done.features, done.missing, done.unnamed) == (3, 0, 0)
    assert import_model(tmp_path / "m.tsv").features == (["a", "b"], ["a"])
    (tmp_path / "names").write_bytes(b"a\r\n")
    done = export_tsv(tmp_path / "m.nluc", tmp_path / "n.tsv", names=tmp_path / "names")
    assert (done.features, done.names, done.missing, done.unnamed) == (2, 1, 0, 1)
    assert "1 of the index's features have no name" in done.remarks()[0]
    for text, words in ((b"a\na\n", "'a' stands twice"), (b"\xff\n", "line 1: not UTF-8"),
                        (b"feature\tnamespace\na\tx\n", "namespace 'x' is not one of 'w', 'c'")):  # fmt: skip
        (tmp_path / "names").write_bytes(text)
        with pytest.raises(ModelImportError, match=words):
            export_tsv(tmp_path / "m.nluc", tmp_path / "n.tsv", names=tmp_path / "names", overwrite=True)


# -- the command ------------------------------------------------------------------------------------------------------


def test_export_and_compress_of_the_table_give_the_same_weights(tmp_path):
    export_tsv(small(), tmp_path / "m.tsv")
    assert run("compress", tmp_path / "m.tsv", "-o", tmp_path / "m.nluc", "--check-bits", "32")[0] == 0
    code, out, _ = run("export", tmp_path / "m.tsv", "--tsv", tmp_path / "again.tsv")
    assert code == 0
    assert "3 features" in out
    assert (tmp_path / "again.tsv").read_bytes() == (tmp_path / "m.tsv").read_bytes()
    code, out, err = run(
        "export", tmp_path / "m.nluc", "--tsv", tmp_path / "b.tsv", "--names", tmp_path / "m.tsv", "--json"
    )
    facts = json.loads(out)
    assert (code, facts["features"], facts["names"], facts["missing"]) == (0, 2, 3, 1)
    assert "1 of 3 names are not in the index" in err


def test_export_refuses_with_the_documented_exit_codes(tmp_path):
    export_tsv(small(), tmp_path / "m.tsv")
    nlucompress.compress(small()).save(tmp_path / "m.nluc")
    before = (tmp_path / "m.tsv").read_bytes()
    assert run("export", tmp_path / "m.tsv")[0] == 2
    assert run("export", tmp_path / "m.nluc", "--tsv", tmp_path / "x.tsv")[0] == 2
    (tmp_path / "there.tsv").write_bytes(before)
    for target, words in (("there.tsv", "--force"), ("m.tsv", "named twice")):
        code, _, err = run("export", tmp_path / "m.tsv", "--tsv", tmp_path / target)
        assert (code, (tmp_path / target).read_bytes()) == (2, before)
        assert words in err
    assert run("export", tmp_path / "missing", "--tsv", tmp_path / "x.tsv")[0] == 1
    (tmp_path / "bad.tsv").write_text("feature\tlabel\tweight\na\tb\tc\n")
    code, _, err = run("export", tmp_path / "bad.tsv", "--tsv", tmp_path / "x.tsv")
    assert (code, err) == (1, "Error: bad.tsv: line 2: the weight 'c' is not a number\n")
    assert not (tmp_path / "x.tsv").exists()
    assert not list(tmp_path.glob(".nluc*"))


# -- what is wrong ----------------------------------------------------------------------------------------------------

WRONG = {
    "one\ttwo": ["not a table with the columns feature, label, weight"],
    "feature\tlabel\tweight\tidf\na\tb\t1\t2": ["the first line", "column 'idf' is not one of"],
    "feature\tlabel\tweight\tlabel\na\tb\t1\t2": ["line 1: a column stands twice"],
    "feature\tlabel\tweight\na\tb\t1\na\tb": ["line 3 has 2 cells, the first line 3"],
    "feature\tlabel\tweight\na\tb\t1\na\tc\t2\t3\n": ["line 3 has 4 cells"],
    "feature\tlabel\tweight\na\tb\t1\n\na\tc\t1\n": ["line 3 has 1 cells"],
    "feature\tlabel\tweight\na\tb\t1\na\tb\t2\n": ["line 3: feature 'a' with label 'b' stands in line 2 too"],
    "feature\tlabel\tweight\n\tb\t1\n\tb\t2\n": ["line 3: the bias of label 'b' stands in line 2 too"],
    "feature\tlabel\tweight\na\t\t1\na\t\t1\na\tb\t2": ["line 3: feature 'a' with its idf stands in line 2 too"],
    "feature\tlabel\tweight\n\t\t1\n": ["line 2: a row without a feature is a label's bias"],
    "feature\tlabel\tweight\na\tb\tnan\n": ["line 2: the weight 'nan' is not a finite number"],
    "feature\tlabel\tweight\na\tb\t1e39\n": ["line 2: the weight '1e39' is not a finite number up to 1e+38"],
    "feature\tlabel\tweight\na\tb\t1_0\n": ["line 2: the weight '1_0' is not a number"],
    "feature\tlabel\tweight\na\tb\t\n": ["line 2: the weight None is not a number"],
    "feature\tlabel\tweight\na\\x\tb\t1\n": ["line 2", "\\x is no escape"],
    "feature\tlabel\tweight\na\\\tb\t1\n": ["line 2", "is no escape"],
    "feature\tlabel\tweight\n": ["no row has a label"],
    "feature\tlabel\tweight\na\tb\t1\n\x1b[2J\tb\tx\n": ["line 3: the weight 'x' is not a number"],
    "# nlucompress {]\nfeature\tlabel\tweight\na\tb\t1": ["line 1: the facts", "not JSON"],
    "# nlucompress []\nfeature\tlabel\tweight\na\tb\t1": ["line 1: the facts are list"],
    '# nlucompress {"tusk": 1}\nfeature\tlabel\tweight\na\tb\t1': ["facts: 'tusk' is not one of task, link"],
    '# nlucompress {"task": 3}\nfeature\tlabel\tweight\na\tb\t1': ["facts: task 3 is not text"],
    '# nlucompress {"task": "x"}\nfeature\tlabel\tweight\na\tb\t1': ["task 'x' is not one of 'binary'"],
    '# nlucompress {"task": "binary"}\nfeature\tlabel\tweight\na\tb\t1\na\tc\t1': ["binary", "not of 2"],
    '# nlucompress {"classes": ["x"]}\nfeature\tlabel\tweight\na\tb\t1': ["line 3: the label 'b' is not among those"],
    '# nlucompress {"classes": [1.5, "x"]}\nfeature\tlabel\tweight\na\tb\t1': ["facts: classes"],
    '# nlucompress {"classes": [300], "dtype": "int8"}\nfeature\tlabel\tweight\na\tb\t1': ["damaged or foreign", "300"],
    '# nlucompress {"namespaces": [{"name": 3}]}\nfeature\tlabel\tweight\na\tb\t1': ["namespaces[0]: name 3 is not"],
    '# nlucompress {"namespaces": [{"nome": 3}]}\nfeature\tlabel\tweight\na\tb\t1': ["namespaces[0]: 'nome' is not"],
    '# nlucompress {"namespaces": [{"ngram_range": [1]}]}\nfeature\tlabel\tweight\na\tb\t1': ["is not a pair"],
    '# nlucompress {"namespaces": [{}, {}]}\nfeature\tlabel\tweight\na\tb\t1': ["two namespaces are called"],
    '# nlucompress {"calibration": [1, 2]}\nfeature\tlabel\tweight\na\tb\t1': ["facts: calibration a list of 2 is not"],
    '# nlucompress {"baseline": [NaN]}\nfeature\tlabel\tweight\na\tb\t1': ["facts: baseline"],
    '# nlucompress {"steps": [{"op": "norm"}]}\nfeature\tlabel\tweight\na\tb\t1': ["step 'norm'"],
    '# nlucompress {"namespaces": [{"name": "w"}]}\nfeature\tlabel\tweight\tnamespace\na\tb\t1\tv': ["line 3", "'v'"],
    'feature,label,weight\n"a,b,1\n': ["line 2", "unexpected end of data"],
    "feature,label,weight\na,b\n": ["line 2 has 2 cells"],
    '{"feature": "a", "label": "b", "weight": 1}\n{"feature": "a", "label": "c", "weight": "1"}x': ["line 2: not JSON"],
    '{"feature": "a", "label": "b", "weight": 1}\n[]': ["line 2: list, not an object"],
    '{"feature": "a", "label": "b", "weight": true}\n': ["line 1: the weight True is not a number"],
    '{"feature": "a", "label": "b", "weight": 1, "weight": 2}\n': ["line 1", "a field stands twice"],
    '{"feature": "a", "label": "b", "weight": 1}\n{"label": "b", "label": "c"}': ["line 2", "a field stands twice"],
    '{"feature": 3, "label": "b", "weight": 1}\n': ["line 1: the feature 3 is int, not text"],
    '{"feature": "a", "label": "b", "weight": "1"}\n': ["line 1: the weight '1' is not a number"],
    '{"feature": "a", "label": 1, "weight": 1}\n{"label": true, "weight": 1}': ["line 2", "True is neither"],
    '{"feature": "a", "label": 1.5, "weight": 1}\n': ["line 1: the label 1.5 is neither text nor an integer"],
    '{"feature": "a", "label": [], "weight": 1}\n': ["line 1: the label a list of 0 is neither"],
    '{"feature": "a", "label": 1, "weight": 1}\n{"feature": "a", "label": "b", "weight": 1}': ["line 2", "is str, but"],
    '{"feature": "a", "label": "b", "weight": 1e400}\n': ["line 1: the weight inf is not a finite"],
    '{"feature": "a", "label": 99999999999999999999, "weight": 1}\n{"label": 1, "weight": 1}': ["has more than 64 bits"],
    '{"nlucompress": {}, "x": 1}\n': ["line 1"],
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named_with_its_place(tmp_path, text):
    (tmp_path / "m").write_text(text, encoding="utf-8", newline="")
    words = refusal(tmp_path / "m", format="table")
    assert words.isprintable()
    for part in WRONG[text]:
        assert part in words


def test_bytes_that_are_not_utf8_have_their_line(tmp_path):
    (tmp_path / "m").write_bytes(b"feature\tlabel\tweight\na\tb\t1\n\xff\tb\t1\n")
    assert refusal(tmp_path / "m") == "line 3: not UTF-8"


def test_names_do_not_go_with_a_table(tmp_path):
    tsv(tmp_path / "m")
    assert "brings its feature names" in refusal(tmp_path / "m", names=tmp_path / "m")


def test_a_line_without_end_stops_early(tmp_path, monkeypatch):
    monkeypatch.setattr(tabular, "MOST_LINE", 1000)
    monkeypatch.setattr(tabular, "BLOCK", 100)
    (tmp_path / "m").write_bytes(b"feature\tlabel\tweight\n" + b"a" * 100_000)
    assert refusal(tmp_path / "m") == "line 2 has more than 1,000 bytes"


@pytest.mark.parametrize("form", FORMS)
def test_damaged_files_are_refused_or_read_and_never_fail_otherwise(tmp_path, form):
    path = tmp_path / "m"
    FORMS[form](path, ROWS * 1, facts=FACTS)
    whole = path.read_bytes()
    rng = random.Random(1)
    for trial in range(150):
        data = bytearray(whole)
        if trial % 3 == 0:
            del data[rng.randrange(len(data)) :]
        else:
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        for asked in (None, "table"):
            with contextlib.suppress(ModelImportError):
                import_model(path, format=asked)


def test_a_parquet_file_of_equal_rows_ends_before_memory_does(tmp_path):
    import pyarrow as arrow
    from pyarrow import parquet as pq

    n = 12_000_000
    column = arrow.DictionaryArray.from_arrays(arrow.array(np.zeros(n, np.int32)), arrow.array(["a"]))
    pq.write_table(arrow.table({"feature": column, "label": column, "weight": np.ones(n, np.float32)}), tmp_path / "m",
                   compression="zstd")  # fmt: skip
    assert (tmp_path / "m").stat().st_size < 150_000
    assert "12,000,000 rows in" in refusal(tmp_path / "m")


def test_a_long_string_in_every_row_of_a_parquet_file_is_kept_once(tmp_path):
    import pyarrow as arrow
    from pyarrow import parquet as pq

    n = 100_000
    column = arrow.DictionaryArray.from_arrays(arrow.array(np.zeros(n, np.int32)), arrow.array(["a" * 1_000_000]))
    pq.write_table(arrow.table({"feature": column, "label": column, "weight": np.ones(n, np.float32)}), tmp_path / "m",
                   compression="zstd", store_schema=False)  # fmt: skip
    tracemalloc.start()
    words = refusal(tmp_path / "m")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "stands in row 1 too" in words
    assert peak < 200e6


def test_rows_that_repeat_are_found_long_before_the_end():
    building = table._Building({}, "row")
    chunk = tabular.Chunk(np.arange(1 << 16), {
        "feature": [f"f{i}" for i in range(1 << 16)], "label": ["x"] * (1 << 16), "weight": [1.0] * (1 << 16)})  # fmt: skip

    def forever():
        for _ in range(40):
            building.add(chunk)

    with pytest.raises(ModelImportError, match="feature 'f0' with label 'x' stands in row 0 too"):
        forever()


def test_a_large_table_takes_a_few_hundred_bytes_a_row(tmp_path):
    count = 50_000
    with open(tmp_path / "m", "w") as file:
        file.write("feature\tlabel\tweight\n")
        file.writelines(f"feature {i}\t{label}\t{i * 1e-5!r}\n" for i in range(count) for label in "abcd")
    tracemalloc.start()
    model = import_model(tmp_path / "m")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (model.n_features, len(model.weights.data)) == (count, 4 * count - 4)
    assert peak < 350 * 4 * count


def test_facts_and_namespaces_have_the_same_fields():
    full = Namespace(
        "n", "word", "column", (1, 3), "x", False, "ascii", ("a",), "latin-1", "replace", ":", "log", 0, False, 2.0
    )
    model = dataclasses.replace(small(), namespaces=(full,))
    facts = json.loads(json.dumps(table.frame(model, {})))
    assert table.Facts(facts).namespaces == (full,)


def test_a_file_of_names_without_the_column_has_none(tmp_path):
    path = tmp_path / "names"
    path.write_text('{"nlucompress": {}}\n{"namespace": "w", "label": "a"}\n')
    assert tabular.read_names(path) == ([], [])
