"""The command: what it prints, what it refuses, its exit codes, and that it leaves nothing behind."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from click.testing import CliRunner
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

import nlucompress
from nlucompress.cli import main
from nlucompress.data import field_of, read_labelled
from nlucompress.linear import Namespace

TEXTS = ["play some jazz", "play yesterday", "stop the music", "turn it off", "will it rain", "is it sunny today"]
LABELS = ["play", "play", "stop", "stop", "weather", "weather"]


def run(*arguments, stdin=None):
    """(exit code, standard output, standard error) of a call."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a trained pipeline, its file and data."""
    folder = tmp_path_factory.mktemp("cli")
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)), LogisticRegression(C=10))
    joblib.dump(pipeline.fit(TEXTS, LABELS), folder / "pipeline.joblib")
    nlucompress.compress(pipeline).save(folder / "model.nluc")
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_compress_writes_the_file_and_prints_sizes_by_section(folder, tmp_path):
    code, out, _ = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "out.nluc", "--buckets", "64")
    assert code == 0
    assert f"{(tmp_path / 'out.nluc').stat().st_size:,} bytes" in out
    assert "slots" in out
    assert nlucompress.load(tmp_path / "out.nluc").predict(["play jazz"]).tolist() == ["play"]


def test_compress_prints_json_with_every_section(folder, tmp_path):
    code, out, _ = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "out.nluc", "--json")
    info = json.loads(out)
    assert code == 0
    assert sum(info["sections"].values()) == info["bytes"] == (tmp_path / "out.nluc").stat().st_size


def test_a_dry_run_prints_the_size_and_writes_nothing(folder, tmp_path):
    code, out, _ = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "out.nluc", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["bytes"] == (folder / "model.nluc").stat().st_size
    assert not list(tmp_path.iterdir())


def test_compress_says_what_each_row_coder_would_take(folder):
    code, out, _ = run("compress", folder / "pipeline.joblib", "--dry-run", "--json")
    coding = json.loads(out)["coding"]
    assert code == 0
    assert coding["chosen"] == min(coding["bytes"], key=coding["bytes"].get)
    table = run("compress", folder / "pipeline.joblib", "--dry-run")[1].splitlines()
    line = next(line for line in table if "coders" in line)
    assert line.split("smallest of ")[1].startswith(f"{coding['chosen']} {coding['bytes'][coding['chosen']]:,}, ")
    assert all(name in line for name in coding["bytes"])


def test_an_existing_output_is_kept_unless_forced(folder, tmp_path):
    target = tmp_path / "out.nluc"
    target.write_bytes(b"precious")
    code, _, err = run("compress", folder / "pipeline.joblib", "-o", target)
    assert (code, target.read_bytes()) == (2, b"precious")
    assert "--force" in err
    assert run("compress", folder / "pipeline.joblib", "-o", target, "--force")[0] == 0
    assert target.read_bytes()[:5] == b"\x89NLUC"


def test_the_same_source_gives_the_same_bytes(folder, tmp_path):
    for name in ("a.nluc", "b.nluc"):
        run("compress", folder / "pipeline.joblib", "-o", tmp_path / name)
    assert (tmp_path / "a.nluc").read_bytes() == (tmp_path / "b.nluc").read_bytes()


def test_predict_prints_a_label_a_text_and_a_label_a_line(folder):
    assert run("predict", folder / "model.nluc", "play jazz", "will it rain")[:2] == (0, "play\nweather\n")
    assert run("predict", folder / "model.nluc", stdin="play jazz\nwill it rain\n\n")[1].splitlines()[:2] == [
        "play",
        "weather",
    ]


def test_predict_as_json_has_the_best_labels_with_their_probabilities(folder):
    code, out, _ = run("predict", folder / "model.nluc", "play jazz", "--json", "--top", "2")
    answer = json.loads(out)
    assert (code, answer["label"], len(answer["probabilities"])) == (0, "play", 2)
    assert answer["probabilities"][0][0] == "play"


def test_a_model_of_features_takes_json(tmp_path):
    rows = [{"word": "play", "n": 1.0}, {"word": "stop", "n": 3.0}]
    pipeline = make_pipeline(DictVectorizer(), LogisticRegression()).fit(rows, [0, 1])
    nlucompress.compress(pipeline).save(tmp_path / "m.nluc")
    assert run("predict", tmp_path / "m.nluc", '{"word": "play", "n": 1}', '{"word": "stop", "n": 3}')[1] == "0\n1\n"
    code, _, err = run("predict", tmp_path / "m.nluc", "play")
    assert code == 1
    assert "JSON" in err


def test_data_of_a_model_of_features_has_them_in_a_field(tmp_path):
    """The other fields, the label among them, are no features."""
    rows = [{"word": "play", "n": 1.0}, {"word": "stop", "n": 3.0}] * 4
    labels = ["music", "quiet"] * 4
    joblib.dump(make_pipeline(DictVectorizer(), LogisticRegression()).fit(rows, labels), tmp_path / "m.joblib")
    data = tmp_path / "dev.jsonl"
    lines = [{"features": row, "label": label, "word": "stop"} for row, label in zip(rows, labels, strict=True)]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, _, err = run(
        "compress", tmp_path / "m.joblib", "-o", tmp_path / "m.nluc", "--data", data, "--max-flips", "50%"
    )
    assert (code, "no field" in err) == (0, False), err
    out = run("verify", tmp_path / "m.nluc", "--against", tmp_path / "m.joblib", "--data", data, "--json")[1]
    assert json.loads(out)["accuracy_before"] == json.loads(out)["accuracy_after"] == 1
    data.write_text('{"text": "play it", "label": "music"}\n')
    for command in (["verify", tmp_path / "m.nluc", "--against"], ["compress", "--dry-run", "--max-flips", "50%"]):
        code, _, err = run(*command, tmp_path / "m.joblib", "--data", data)
        assert code == 1
        assert "line 1: no field 'features', which the model takes" in err


def test_a_row_of_columns_is_without_its_label(tmp_path):
    columns = (Namespace("a", analyzer="dict", column="a"), Namespace("b", column="b"))
    path = tmp_path / "data.jsonl"
    path.write_text('{"a": {"n": 2}, "label": "x", "b": "play it"}\n')
    assert read_labelled(path, field_of(columns)) == ([{"a": {"n": 2}, "b": "play it"}], ["x"])


def test_the_field_of_a_sample_is_text_or_features_and_none_of_columns():
    for analyzer, field in (("word", "text"), ("fasttext", "text"), ("items", "features")):
        assert field_of([Namespace("a", analyzer=analyzer)]) == field
        assert field_of([Namespace("b"), Namespace("a", analyzer=analyzer, column="a")]) is None


def test_an_output_is_never_one_of_the_other_files(folder, tmp_path):
    for name in ("pipeline.joblib", "dev.jsonl", "model.nluc"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    pipeline, data, model = (tmp_path / name for name in ("pipeline.joblib", "dev.jsonl", "model.nluc"))
    (tmp_path / "link").symlink_to(pipeline)
    os.link(data, tmp_path / "twin")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for arguments in (
        ["compress", pipeline, "-o", pipeline],
        ["compress", pipeline, "-o", tmp_path / "link"],
        ["compress", tmp_path / "link", "-o", pipeline],
        ["compress", pipeline, "-o", tmp_path / "new", "--report", tmp_path / "new", "--data", data],
        ["compress", pipeline, "-o", tmp_path / "new", "--report", tmp_path / "twin", "--data", data],
        ["verify", model, "--against", pipeline, "--data", data, "--report", pipeline],
        ["export", pipeline, "--tsv", pipeline],
        ["bundle", "create", model, model],
    ):
        code, out, err = run(*arguments, "--force")
        assert (code, out) == (2, "")
        assert "is named twice" in err
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_source_with_other_namespaces_is_refused(folder, tmp_path):
    words = make_union(TfidfVectorizer(), TfidfVectorizer(ngram_range=(2, 2)))
    joblib.dump(make_pipeline(words, LogisticRegression()).fit(TEXTS, LABELS), tmp_path / "two.joblib")
    code, _, err = run(
        "verify", folder / "model.nluc", "--against", tmp_path / "two.joblib", "--data", folder / "dev.jsonl"
    )
    assert code == 1
    assert "the source has 2 namespaces, the file 1: it was not made from this source" in err


def test_the_labels_of_a_multilabel_model_are_separated_by_tabs(tmp_path):
    import numpy as np

    targets = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1], [1, 1]])
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LinearSVC(random_state=0))).fit(TEXTS, targets)
    nlucompress.compress(pipeline).save(tmp_path / "m.nluc")
    assert run("predict", tmp_path / "m.nluc", "will it rain", "stop the music")[1] == "0\t1\n1\n"


def test_verify_reports_what_compression_changed(folder):
    arguments = (
        "verify",
        folder / "model.nluc",
        "--against",
        folder / "pipeline.joblib",
        "--data",
        folder / "dev.jsonl",
    )
    code, out, err = run(*arguments, "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert report["same_source"]
    assert report["accuracy_before"] == report["accuracy_after"] == 1.0
    assert report["flips"] == report["clone_flips"] == report["false_positives"] == 0
    assert "labels flipped" in run(*arguments)[1]


def test_a_fitted_codebook_and_a_threshold_are_options_and_verified(folder, tmp_path):
    target, source = tmp_path / "out.nluc", folder / "pipeline.joblib"
    code, out, _ = run("compress", source, "-o", target, "--codebook", "kmeans", "--prune", "0.1", "--check-bits", "32")
    assert code == 0
    assert "codebook kmeans, prune 0.1" in out
    code, out, _ = run("verify", target, "--against", source, "--data", folder / "dev.jsonl", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["same_source"]
    assert report["clone_flips"] == 0
    assert report["clone_largest_difference"] < 1e-6
    assert report["largest_score_difference"] > 1e-3


def test_verify_says_when_the_file_was_made_from_another_model(folder, tmp_path):
    other = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    joblib.dump(other, tmp_path / "other.joblib")
    arguments = (
        "verify",
        folder / "model.nluc",
        "--against",
        tmp_path / "other.joblib",
        "--data",
        folder / "dev.jsonl",
    )
    code, _, err = run(*arguments)
    assert code == 0
    assert "another model" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello", "not a .nluc file"),
        (b"\x89NLUC\r\n\x1a", "exceed the file's 8 bytes"),
        (None, "truncated"),
    ],
    ids=["empty", "foreign", "magic only", "truncated"],
)
@pytest.mark.parametrize("command", ["inspect", "predict", "verify"])
def test_a_damaged_file_is_a_one_line_error_with_exit_code_1(folder, tmp_path, command, content, words):
    path = tmp_path / "bad.nluc"
    path.write_bytes((folder / "model.nluc").read_bytes()[:-1] if content is None else content)
    code, out, err = run(command, path, *(["text"] if command == "predict" else []))
    assert (code, out) == (1, "")
    assert words in err
    assert "bad.nluc" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\x80\x04N", None], ids=range(5))
def test_a_source_that_is_no_model_is_a_one_line_error_with_exit_code_1(folder, tmp_path, content):
    path = tmp_path / "bad.joblib"
    path.write_bytes((folder / "pipeline.joblib").read_bytes()[:-9] if content is None else content)
    code, out, err = run("compress", path, "-o", tmp_path / "out.nluc")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "bad.joblib" in err
    assert not (tmp_path / "out.nluc").exists()


def test_a_compressed_file_is_no_source(folder, tmp_path):
    code, _, err = run("compress", folder / "model.nluc", "-o", tmp_path / "out.nluc")
    assert code == 1
    assert "compressed already" in err


class Evil:
    """Would make a file when unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def test_a_pickle_that_would_run_a_command_is_refused_and_nothing_runs(tmp_path):
    evil = Evil()
    evil.mark = tmp_path / "ran"
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(evil))
    code, _, err = run("compress", tmp_path / "evil.pkl", "-o", tmp_path / "out.nluc")
    assert code == 1
    assert "system" in err
    assert not (tmp_path / "ran").exists()
    pickle.loads((tmp_path / "evil.pkl").read_bytes())  # the file is as bad as it looks
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["compress", "{}/pipeline.joblib"], 2),
        (["compress", "{}/pipeline.joblib", "-o", "{}/no/such/folder.nluc"], 2),
        (["compress", "{}/pipeline.joblib", "--dry-run", "--buckets", "257"], 2),
        (["compress", "{}/pipeline.joblib", "--dry-run", "--prune", "1"], 2),
        (["compress", "{}/pipeline.joblib", "--dry-run", "--codebook", "odd"], 2),
        (["compress", "{}/missing.joblib", "--dry-run"], 1),
        (["compress", "{}", "--dry-run"], 2),
        (["verify", "{}/model.nluc", "--against", "{}/pipeline.joblib"], 2),
        (["verify", "{}/model.nluc", "--against", "{}/pipeline.joblib", "--data", "{}/missing.jsonl"], 1),
        (["predict", "{}/missing.nluc", "text"], 1),
        (["predict", "{}", "text"], 1),
        (["nonsense"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_misuse_has_its_exit_code_and_one_message(folder, arguments, code):
    got, out, err = run(*(argument.format(folder) for argument in arguments))
    assert (got, out) == (code, "")
    assert err.strip()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense", "line 1: not JSON"),
        (b"[1]", "line 1: list"),
        (b'{"text": "play"}', "line 1: no field 'label'"),
        (b'{"text": 3, "label": "play"}', "sample 0: expected a text"),
        (b'{"text": "play", "label": 7}', "no label of the data is a class of the model"),
        (b"\xff", "line 1: not UTF-8"),
        (b"", "no line with a text and a label"),
    ],
)
def test_bad_data_is_named_with_file_and_line(folder, tmp_path, line, words):
    (tmp_path / "bad.jsonl").write_bytes(line)
    code, _, err = run(
        "verify", folder / "model.nluc", "--against", folder / "pipeline.joblib", "--data", tmp_path / "bad.jsonl"
    )
    assert code == 1
    assert words in err
    assert err.count("\n") == 1


def test_a_sample_that_is_none_is_named_by_its_place_in_all_of_the_input(tmp_path):
    rows, labels = [{"word": "play"}, {"word": "stop"}], ["a", "b"]
    joblib.dump(make_pipeline(DictVectorizer(), LogisticRegression()).fit(rows, labels), tmp_path / "m.joblib")
    run("compress", tmp_path / "m.joblib", "-o", tmp_path / "m.nluc")
    lines = ['{"word": "stop"}'] * 599
    for bad, words in (
        ("[1]", "text 600: the model takes a mapping"),
        ("[" * 100_000, "text 600: the model takes a JSON value"),
    ):
        code, _, err = run("predict", tmp_path / "m.nluc", stdin="\n".join([*lines, bad]))
        assert (code, err.startswith(f"Error: {words}")) == (1, True), err
    code, out, err = run("predict", tmp_path / "m.nluc", stdin="\ufeff" + "\n".join([*lines, "[1]"]))
    assert (code, out) == (1, "b\n" * 599)  # what came before is answered
    code, _, err = run("predict", tmp_path / "m.nluc", "[" * 100_000)
    assert (code, err.count("\n")) == (1, 1)


def test_what_is_no_file_is_refused_as_an_output_before_any_work(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for force in ([], ["--force"]):
        code, _, err = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "pipe", *force)
        assert (code, "is not a regular file" in err, "--force" in err) == (2, True, False)


def test_a_model_that_is_a_folder_is_reported_on_and_weighed(tmp_path):
    source = Path(__file__).parent / "fixtures" / "snips" / "one"
    model = nlucompress.compress(source).model()
    samples = [text.split() for text in TEXTS]
    labels = model.predict(samples).tolist()
    rows = [{"features": sample, "label": label} for sample, label in zip(samples, labels, strict=True)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    command = ("compress", source, "--data", tmp_path / "dev.jsonl", "--json")
    code, out, err = run(*command, "-o", tmp_path / "m.nluc", "--report", tmp_path / "m.html")
    assert (code, json.loads(out)["source_bytes"]) == (0, size), err
    assert "<html" in (tmp_path / "m.html").read_text()
    code, _, err = run(*command, "-o", tmp_path / "n.nluc", "--report", tmp_path / "n.html", "--max-flips", "90%")
    assert (code, (tmp_path / "n.html").exists()) == (0, True), err
    code, out, err = run("verify", tmp_path / "m.nluc", "--against", source, "--data", tmp_path / "dev.jsonl")
    assert (code, "labels flipped" in out) == (0, True), err


def test_options_are_named_as_they_are_written(folder, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.tsv").write_text("feature\tlabel\tweight\na\tx\t1\n")
    code, _, err = run("compress", tmp_path / "tables", "-o", tmp_path / "o.nluc", "--report", tmp_path / "r.html")
    assert (code, "Error: --report: not with a table in parts" in err) == (2, True)
    code, _, err = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "o.nluc", "--data",
                       folder / "dev.jsonl", "--seed", 3)  # fmt: skip
    assert (code, "Error: --seed: a search needs a budget" in err) == (2, True)
    code, _, err = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "o.nluc", "--prune", "nan")
    assert (code, "'nan' is not a number" in err) == (2, True)


def test_standard_input_that_is_not_utf8_is_named_with_its_line(folder):
    code, _, err = run("predict", folder / "model.nluc", stdin=b"play\n\xff\n")
    assert code == 1
    assert "line 2" in err


def test_the_command_runs_from_a_checkout_and_as_a_module(folder):
    script = Path(__file__).parent.parent / "bin" / "nlucompress"
    for command in ([script], ["-m", "nlucompress"]):
        done = subprocess.run([sys.executable, *map(str, command), "predict", str(folder / "model.nluc"), "play jazz"],
                              capture_output=True, text=True, check=True)  # fmt: skip
        assert done.stdout == "play\n"


# -- bundles ------------------------------------------------------------------------------------------------------------


def bundled(folder, tmp_path):
    """A bundle of two models, made by the command, of a file and a folder."""
    (tmp_path / "models").mkdir()
    data = (folder / "model.nluc").read_bytes()
    (tmp_path / "models" / "wetter.nluc").write_bytes(data)
    (tmp_path / "models" / "note.txt").write_text("no model")
    (tmp_path / "musik.nluc").write_bytes(data)
    path = tmp_path / "fleet.nlub"
    code, out, err = run("bundle", "create", path, tmp_path / "models", tmp_path / "musik.nluc")
    assert (code, err) == (0, "")
    assert "2 models, 1 distinct" in out
    return path, data


def test_bundle_create_list_and_extract(folder, tmp_path):
    path, data = bundled(folder, tmp_path)
    assert run("bundle", "list", path) == (0, "musik\nwetter\n", "")
    facts = json.loads(run("bundle", "list", path, "--json")[1])
    assert [one["name"] for one in facts["models"]] == ["musik", "wetter"]
    assert facts["models"][0]["bytes"] == len(data)
    assert facts["bytes"] == path.stat().st_size
    code, out, _ = run("bundle", "extract", path, "wetter", "-o", tmp_path / "out")
    assert (code, out) == (0, f"{tmp_path / 'out' / 'wetter.nluc'}\n")
    assert (tmp_path / "out" / "wetter.nluc").read_bytes() == data
    code, _, err = run("bundle", "extract", path, "-o", tmp_path / "out")
    assert (code, "wetter.nluc: exists" in err, "--force overwrites" in err) == (2, True, True)
    assert {one.name for one in (tmp_path / "out").iterdir()} == {"wetter.nluc"}  # all of them or none
    assert run("bundle", "extract", path, "-o", tmp_path / "out", "--force")[0] == 0
    assert {one.name for one in (tmp_path / "out").iterdir()} == {"wetter.nluc", "musik.nluc"}


def test_bundle_create_overwrites_only_when_told_to(folder, tmp_path):
    path, _ = bundled(folder, tmp_path)
    assert run("bundle", "create", path)[0] == 2
    code, out, _ = run("bundle", "create", path, "--force", "--json")
    assert (code, json.loads(out)["models"]) == (0, 0)
    code, _, err = run("bundle", "create", tmp_path / "b.nlub", tmp_path / "musik.nluc", folder / "pipeline.joblib")
    assert (code, "model 'pipeline.joblib': not a .nluc file" in err) == (1, True)
    assert not (tmp_path / "b.nlub").exists()


def test_bundle_add_remove_and_compact(folder, tmp_path):
    path, _ = bundled(folder, tmp_path)
    code, _, err = run("bundle", "add", path, tmp_path / "musik.nluc")
    assert (code, "musik: there already; --replace" in err) == (2, True)
    code, _, err = run("bundle", "add", path, tmp_path / "musik.nluc", "--replace")
    assert (code, err) == (0, "")
    code, out, _ = run("bundle", "remove", path, "wetter")
    assert code == 0
    assert "1 models" in out
    assert "unused (compact gives them back)" in out
    code, _, err = run("bundle", "remove", path, "wetter")
    assert (code, err) == (1, f"Error: {path}: no such model: 'wetter'\n")
    facts = json.loads(run("bundle", "compact", path, "--json")[1])
    assert (facts["bytes_unused"], facts["bytes"]) == (0, path.stat().st_size)
    assert run("bundle", "list", path)[1] == "musik\n"


def test_a_bundle_is_not_written_over_by_its_models_nor_they_by_it(folder, tmp_path):
    path, data = bundled(folder, tmp_path)
    (tmp_path / "musik.nluc").unlink()
    link = tmp_path / "musik.nluc"
    link.hardlink_to(path)
    before = path.read_bytes()
    code, _, err = run("bundle", "extract", path, "-o", tmp_path, "--force")
    assert (code, f"{link} is the bundle that is read" in err) == (1, True)
    code, _, err = run("bundle", "create", tmp_path / "models" / "wetter.nluc", tmp_path / "models", "--force")
    assert (code, "is one of the models" in err) == (2, True)
    assert (path.read_bytes(), (tmp_path / "models" / "wetter.nluc").read_bytes()) == (before, data)


def test_a_folder_without_models_is_an_error(tmp_path):
    (tmp_path / "none").mkdir()
    code, _, err = run("bundle", "create", tmp_path / "b.nlub", tmp_path / "none")
    assert (code, "none: a folder without .nluc files" in err) == (1, True)
    assert not (tmp_path / "b.nlub").exists()


def test_a_bundle_is_compacted_where_a_link_points(folder, tmp_path):
    path, _ = bundled(folder, tmp_path)
    (tmp_path / "link.nlub").symlink_to(path)
    run("bundle", "remove", path, "wetter", "musik")
    before = path.stat().st_size
    assert run("bundle", "compact", tmp_path / "link.nlub")[0] == 0
    assert (tmp_path / "link.nlub").is_symlink()
    assert path.stat().st_size < before


def test_a_bundle_given_as_a_model_is_named_as_one(folder, tmp_path):
    path, _ = bundled(folder, tmp_path)
    code, _, err = run("predict", path, "x")
    assert (code, err) == (1, f"Error: {path}: not a .nluc file: it is a bundle of models (P1)\n")


def test_bundle_verify_says_which_model_is_damaged(folder, tmp_path):
    path, _ = bundled(folder, tmp_path)
    code, out, _ = run("bundle", "verify", path)
    assert (code, out) == (0, f"{path}: 2 models, 0 of them damaged\n")
    data = bytearray(path.read_bytes())
    data[12288 + 70] ^= 1
    path.write_bytes(data)
    code, out, err = run("bundle", "verify", path)
    assert (code, out) == (1, f"{path}: 2 models, 2 of them damaged\n")  # one model, under two names
    assert f"{path}: model 'musik': header: its CRC-32 does not match (P6)" in err
    code, out, _ = run("bundle", "verify", path, "--json")
    assert (code, set(json.loads(out)["errors"])) == (1, {"musik", "wetter"})
    path.write_bytes(data[:5000])
    code, _, err = run("bundle", "verify", path)
    assert (code, "12288 bytes exceed the file's 5000 bytes (B1)" in err) == (1, True)
