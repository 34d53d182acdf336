"""Formats: found by content, chosen by name, listed; the command passes --format and --names on."""

import json
from pathlib import Path

import joblib
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from test_cli import run

import nlucompress
from nlucompress import ModelImportError, import_model
from nlucompress.export import export_tsv
from nlucompress.importers.formats import formats

KEPT = Path(__file__).parent / "fixtures" / "trainers"
LIBLINEAR, VW = KEPT / "7.3.1.liblinear", KEPT / "oaa.readable"
TEXTS = ["play some jazz", "play yesterday", "stop the music", "turn it off", "will it rain", "is it sunny today"]
LABELS = ["play", "play", "stop", "stop", "weather", "weather"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sources of several formats under one meaningless name each, and data."""
    folder = tmp_path_factory.mktemp("formats")
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(TEXTS, LABELS)
    joblib.dump(pipeline, folder / "scikit-learn")
    export_tsv(pipeline, folder / "table")
    (folder / "liblinear").write_bytes(LIBLINEAR.read_bytes())
    (folder / "vowpal-wabbit").write_bytes(VW.read_bytes())
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize("name", ["scikit-learn", "table", "liblinear", "vowpal-wabbit"])
def test_a_file_is_found_by_its_content_and_read_by_its_formats_name(folder, name):
    found = import_model(folder / name)
    assert import_model(folder / name, format=name).fingerprint() == found.fingerprint()
    one = formats()[name]
    head = (folder / name).read_bytes()[:1000]
    claimed = [other.name for other in formats().values() if other.sniff is not None and other.sniff(head)]
    assert claimed == ([name] if one.sniff else [])


@pytest.mark.parametrize(
    "head", [b"", b"\0", b"{", b"{}", b"[1]", b"feature", b"#", b"\xff\xfe", b"\x80\x04", b"PK\3\4"]
)
def test_sniffing_never_fails_and_claims_nothing_foreign(head):
    assert not [one.name for one in formats().values() if one.sniff is not None and one.sniff(head)]


def test_the_list_of_formats_says_of_each_what_is_exact_and_what_not():
    code, out, _ = run("formats")
    listed = json.loads(run("formats", "--json")[1])
    assert code == 0
    assert {one["name"] for one in listed} == set(formats())
    for one in listed:
        assert all(one[key].isprintable() and one[key] in out for key in ("name", "what", "exact", "limits"))
        assert set(one["from"]) <= {"file", "object"}
        assert one["from"]


def test_compress_and_verify_take_format_and_names(folder, tmp_path):
    out = tmp_path / "m.nluc"
    assert (
        run("compress", folder / "liblinear", "--format", "liblinear", "--names", KEPT / "names.txt", "-o", out)[0] == 0
    )
    assert nlucompress.load(out).lookup("jazz")
    code, _, err = run("compress", folder / "liblinear", "--dry-run")
    assert code == 0
    assert "remark: LIBLINEAR's files hold no names" in err
    (tmp_path / "dev.jsonl").write_text('{"features": {"jazz": 0.5}, "label": 7}\n')
    verify = ("verify", out, "--against", folder / "liblinear", "--data", tmp_path / "dev.jsonl")
    assert "not made from" in run(*verify)[2]
    code, _, err = run(*verify, "--names", KEPT / "names.txt", "--format", "liblinear")
    assert (code, err) == (0, "")


def test_an_imported_model_can_be_searched(folder, tmp_path):
    code, out, _ = run("compress", folder / "table", "-o", tmp_path / "m.nluc", "--data", folder / "dev.jsonl",
                       "--max-flips", "50%", "--candidates", "3", "--format", "table")  # fmt: skip
    assert code == 0
    assert "bytes hold" in out


def test_an_unknown_or_wrong_format_is_refused_with_the_list(folder, tmp_path):
    for command in (["compress", folder / "table", "--dry-run"], ["export", folder / "table", "--tsv", tmp_path / "x"],
                    ["verify", tmp_path / "m", "--against", folder / "table", "--data", folder / "dev.jsonl"]):  # fmt: skip
        code, _, err = run(*command, "--format", "tabel")
        assert code == 2
        assert "'tabel' is not one of 'crfsuite', 'scikit-learn'" in err
        assert "'vowpal-wabbit'" in err
    code, _, err = run("compress", folder / "table", "--dry-run", "--format", "liblinear")
    assert code == 1
    assert err.startswith("Error: table: line 1: ")
    assert run("verify", tmp_path / "m", "--format", "table")[0] == 2
    with pytest.raises(ModelImportError, match="names go with files that have none"):
        import_model(folder / "scikit-learn", names=KEPT / "names.txt")


@pytest.mark.parametrize("name", [name for name, one in formats().items() if one.read is not None])
def test_a_file_that_is_not_there_is_refused_whatever_the_format(name, tmp_path):
    with pytest.raises(ModelImportError, match="nowhere: "):
        import_model(tmp_path / "nowhere", format=name)


def test_text_of_no_format_is_refused_with_its_first_line_and_what_to_do(tmp_path):
    """A table without its line of names, say; a pickle of protocol 0, which is text too, is refused for what it does."""
    (tmp_path / "rows").write_text("play\ta\t1.5\nstop\tb\t2.0\n")
    code, out, err = run("compress", tmp_path / "rows", "-o", tmp_path / "out.nluc")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "'play\\ta\\t1.5'" in err
    assert "--format" in err
    (tmp_path / "rows").write_text("cos\nsystem\n(S'ls'\ntR.")
    assert "calls os.system" in run("compress", tmp_path / "rows", "-o", tmp_path / "out.nluc")[2]
