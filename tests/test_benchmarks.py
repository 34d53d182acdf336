"""The benchmark scripts run, small, and their tables and raw numbers say what README.md of benchmarks/ says they do."""

import gzip
import importlib.util
import json
import math
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"


def run(script, *arguments, paths=()):
    """The finished process of a script, with this checkout's nlucompress; paths: where it looks for modules before."""
    paths = [*map(str, paths), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, capture_output=True, text=True,
    )  # fmt: skip


def results(script, path, *arguments):
    """What a script printed, and what it kept with --json."""
    done = run(script, *arguments, "--json", path)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text())


def rows(text):
    """First cell -> other cells of the rows of Markdown tables."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {(first, len(rest)): rest for first, *rest in cells}


def test_made_up_names_are_distinct_and_always_the_same():
    spec = importlib.util.spec_from_file_location("benchmarks_features", BENCHMARKS / "features.py")
    features = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(features)
    names = features.names(200_000)
    assert len(names) == len(set(names)) == 200_000
    assert names == features.names(200_000)
    assert names != features.names(200_000, seed=1)
    assert 5 < statistics.mean(len(name.encode()) for name in names) < 12
    assert 0.005 < statistics.mean(not name.isascii() for name in names) < 0.05


@pytest.fixture(scope="module")
def static_indexes():
    """The module of benchmarks/."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("static_indexes")
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_the_bound_of_a_perfect_hash_is_its_count_of_functions(static_indexes):
    n = 20_000  # -log2 of the share of functions from n keys to m slots that are injective, a key
    for load in (1.0, 0.5, 0.95):
        m = round(n / load)
        bits = (math.lgamma(m - n + 1) - math.lgamma(m + 1) + n * math.log(m)) / n / math.log(2)
        assert static_indexes.least_bits(load) == pytest.approx(bits, abs=1e-3)


def test_index_counts_what_is_found_and_keeps_every_round(tmp_path):
    given = ["--features", 20_000, "--keys", 3000, "--rounds", 2, "--only", "nlucompress", "dict"]
    printed, kept = results("index.py", tmp_path / "index.json", *given)
    table = rows(printed.partition("Build:")[0])
    found = kept["results"]["20000"]
    ours = "nlucompress, γ = 1"
    assert list(found) == [ours, "nlucompress, γ = 2", "dict"]
    assert all(row["present_found"] == 1 for row in found.values())
    assert found["dict"]["absent_found"] == 0
    assert 0 < found[ours]["absent_found"] < 4 / 2**8  # 12 of 3,000 are expected, with 8 check bits
    assert 10.8 < found[ours]["bits_a_feature"] < 11.5  # 2.9 bits of index and 8 check bits
    assert found[ours]["bound"] == pytest.approx(8 + math.log2(math.e))
    assert found["dict"]["bits_a_feature"] > 400  # with its strings
    bits, bound = found[ours]["bits_a_feature"], found[ours]["bound"]
    assert table[ours, 1] == [f"{bits:.2f} (×{bits / bound:.2f})"]
    for row in found.values():
        assert [len(times) for times in row["ns"].values()] == [2] * 8
        assert min(map(min, row["ns"].values())) > 0
    if sys.platform == "linux":
        assert found["dict"]["peak_bytes_a_feature"] > found["dict"]["bytes"] / 20_000 / 4
    pairs = zip(found[ours]["ns"]["one call, absent"], found["dict"]["ns"]["one call, absent"], strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    assert f" / {ratio:.2f})" in rows(printed.partition("One call:")[2].partition("Scattered:")[0])["dict", 1][0]


def test_index_draws_what_it_kept_and_measures_nothing_again(tmp_path):
    given = ["--features", 500, 1000, "--keys", 200, "--rounds", 1, "--only", "nlucompress"]
    printed, _ = results("index.py", tmp_path / "index.json", *given)
    again = run("index.py", "--draw", tmp_path / "index.json", "--svg", tmp_path / "index.svg")
    assert (again.returncode, again.stdout) == (0, printed)
    assert "<svg" in (tmp_path / "index.svg").read_text()


@pytest.mark.parametrize("arguments", [("--features", "0"), ("--keys", "0"), ("--rounds", "0")])
def test_index_refuses_to_measure_nothing(arguments):
    done = run("index.py", *arguments)
    assert done.returncode == 2
    assert "each at least 1" in done.stderr


def test_index_names_what_is_not_installed_or_fails(tmp_path):
    (tmp_path / "lexindex.py").write_text("raise ImportError('no lexindex here')")
    (tmp_path / "marisa_trie.py").write_text("raise MemoryError")  # one that ends before it is built
    only = ["--only", "nlucompress, γ = 1", "lexindex", "marisa-trie"]
    done = run("index.py", "--features", 300, "--keys", 10, "--rounds", 1, *only, paths=[tmp_path])
    assert done.returncode == 0, done.stderr
    assert "lexindex CompactHashIndex: left out (no lexindex here)" in done.stderr
    assert "lexindex" not in "".join(name for name, _ in rows(done.stdout))
    assert re.search("marisa-trie: left out .*exit code 1", done.stderr)


@pytest.fixture(scope="module")
def contenders(tmp_path_factory):
    """A folder that rivals.py made of four texts, and what it printed on standard error: no fastText, no onnxruntime."""
    folder = tmp_path_factory.mktemp("rivals")
    texts, labels = ["play jazz", "play a song", "is it sunny", "will it rain"], ["play", "play", "weather", "weather"]
    joblib.dump(make_pipeline(TfidfVectorizer(), LinearSVC()).fit(texts, labels), folder / "model.joblib")
    lines = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    (folder / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    lines[0]["label"] = "weather"  # one that all get wrong
    (folder / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = [folder / name for name in ("model.joblib", "train.jsonl", "test.jsonl")]
    done = run("rivals.py", folder / "made", *given, "--only", "scikit-learn", "nlucompress", "Vowpal Wabbit")
    assert done.returncode == 0, done.stderr
    return folder / "made", done.stderr


OURS = [f"nlucompress, {which}" for which in ("fast", "small", "reference")]


def test_rivals_judges_what_it_made_and_names_what_it_left_out(contenders):
    folder, said = contenders
    found = json.loads((folder / "judged.json").read_text())
    for name in ("scikit-learn", *OURS):
        assert found[name]["accuracy"] == 0.75
    assert found["scikit-learn"]["bytes"] == (folder / "model.joblib").stat().st_size
    assert "fastText .bin, dim 64: left out (no 64.bin)" in said
    assert found["Vowpal Wabbit, words"]["accuracy"] == 0.75


def test_load_measures_new_processes(tmp_path, contenders):
    given = [contenders[0], "--features", 3000, "--runs", 1, "--rival-runs", 1]
    printed, kept = results("load.py", tmp_path / "load.json", *given)
    table = rows(printed)
    assert all(kept["imports"][what]["cpu"][0] > 0 for what in ("nothing", "numpy", "nlucompress"))
    assert "nlucompress.runtime" in kept["importtime_us"]
    assert not any(name == "numpy" or name.startswith("sklearn") for name in kept["importtime_us"])
    (steps,) = (one["steps"] for one in kept["load"]["runs"])
    assert list(steps) == ["load", "lookups", "load again", "load a third time"]
    assert all(step["wall"] > 0 for step in steps.values())
    assert table["1,000 × lookup", 5][0] == f"{1e6 * steps['lookups']['wall']:,.0f}"
    if sys.platform == "linux":
        assert 0 < steps["load"]["mapped"] <= -(-kept["load"]["bytes"] // 4096) * 4096
    rivals = kept["rivals"]["made"]
    for name in ("scikit-learn", *OURS):
        (one,) = rivals[name]["runs"]
        assert one["start"] > sum(one[step][0] for step in ("import", "load", "first"))
        assert table[name, 8][0] == f"{1e3 * one['import'][0]:,.1f}"
        if sys.platform == "linux":
            assert one["resident"]["Anon"] > 0


def test_latency_tells_accuracy_and_bytes_of_each(tmp_path, contenders):
    printed, kept = results("latency.py", tmp_path / "latency.json", contenders[0], "--rounds", 2, "--batch", 3)
    table = rows(printed)
    (one,) = kept["sets"]
    assert {"scikit-learn", *OURS} <= set(one["models"]) == {name for name, _ in table} - {"model", "---"}
    assert table[OURS[0], 4][0].endswith("(1.00)")
    assert table["scikit-learn", 4][2:] == ["0.7500", f"{(contenders[0] / 'model.joblib').stat().st_size / 1e3:,.0f}"]
    assert (len(one["seconds"]), one["texts"], one["alone"], one["batch"]) == (2, 4, 4, 3)
    for each in one["seconds"]:
        assert all(each[call][name]["wall"] > 0 for call in ("alone", "together") for name in one["models"])
    ratio = statistics.median(
        each["alone"]["scikit-learn"]["wall"] / each["alone"][OURS[0]]["wall"] for each in one["seconds"]
    )
    assert table["scikit-learn", 4][0].endswith(f"({ratio:.2f})")


def test_certificate_gives_every_label_one_level(tmp_path):
    texts, labels = ["play jazz", "play a song", "is it sunny", "will it rain"], ["play", "play", "weather", "weather"]
    joblib.dump(make_pipeline(TfidfVectorizer(), LinearSVC()).fit(texts, labels), tmp_path / "model.joblib")
    lines = [{"text": text, "label": "play"} for text in [*texts, "unknown words", ""]]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = [tmp_path / "model.joblib", tmp_path / "test.jsonl", "--buckets", 256, 3]
    printed, kept = results("certificate.py", tmp_path / "certificate.json", *given)
    assert [one["buckets"] for one in kept["results"]] == [256, 3]
    for one in kept["results"]:
        assert sum(one[level] for level in ("certain", "unless", "equal", "changed")) == pytest.approx(1)
        assert one["signed_certain"] >= one["certain"] > 0
    assert kept["results"][0]["certain"] >= kept["results"][1]["certain"]
    assert rows(printed)["model.joblib", 9][2] == f"{kept['results'][1]['certain']:.1%}"


def test_search_is_measured_on_texts_that_it_never_saw(tmp_path):
    things = [f"{word}{i}" for word in ("song", "film", "book") for i in range(40)]
    rows_of = {
        "train": [(f"{verb} the {thing} {verb[:2]}{i % 7}", verb) for i, thing in enumerate(things)
                  for verb in ("play", "stop", "find")],
        "test": [(f"{verb} {thing} now", verb) for thing in things[::3] for verb in ("play", "stop", "find")],
    }  # fmt: skip
    for name, rows_ in rows_of.items():
        lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in rows_]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    given = ["toy", tmp_path / "train.jsonl", "-", tmp_path / "test.jsonl", "--no-fasttext", "--candidates", 6]
    printed, kept = results("search.py", tmp_path / "search.json", *given)
    (one,) = kept["results"]
    assert (one["train"], one["search"]["searched"]) == (324, 36)  # a tenth of the training texts is held back
    assert one["search"]["held_out"]["texts"] == 120
    cells = next(rest for (name, _), rest in rows(printed).items() if name == "toy")
    assert cells[2] == f"{one['search']['chosen']['bytes'] / 1e3:,.1f}"
    assert cells[3].startswith("36, ")


def test_sizes_prints_sections_bound_and_rival(tmp_path):
    texts = [f"play song number {i} by band {i % 7}" for i in range(60)]
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)), LinearSVC())
    joblib.dump(pipeline.fit(texts, [i % 3 for i in range(60)]), tmp_path / "model.joblib")
    out, facts = results("sizes.py", tmp_path / "out.json", tmp_path / "model.joblib", "--buckets", 16)
    (one,) = facts["results"]
    assert (
        sum(one[name] for name in ("rows", "slots", "index", "rest")) == one["bytes"] == sum(one["sections"].values())
    )
    assert one["rival"] > 0
    line = next(iter(rows(out.split("---|\n")[1]).values()))
    assert line[1] == f"{one['bytes'] / 1e3:.1f}"
    assert line[-1] == f"{one['rival'] / 1e3:.1f}"


def test_sources_prints_a_row_a_source_and_skips_what_is_not_installed(tmp_path):
    texts = {"play": "play some jazz {}", "stop": "stop the music {}", "rain": "will it rain {}"}
    lines = [json.dumps({"text": text.format(word), "label": label})
             for label, text in texts.items() for word in ("please", "now", "today", "again", "then")]  # fmt: skip
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    files = (tmp_path / "train.jsonl", tmp_path / "train.jsonl")
    out, kept = results("sources.py", tmp_path / "out.json", *files, "--only", "table", "liblinear", "vowpal-wabbit")
    assert "15 texts to train on, 15 to test, 3 labels" in out
    assert "| table (TSV" in out
    assert kept[0]["imported"] == kept[0]["texts"] == 15
    for one in kept:
        assert one["imported"] == one["texts"], one
        assert one["before"] > 0 < one["after"]
    assert [one["source"].split()[0] for one in kept] == ["table", *["LIBLINEAR"] * 3, *["Vowpal"] * 2]
    assert set(rows(out)) >= {(one["source"], 9) for one in kept}
    assert "skipped" not in out
    (tmp_path / "liblinear.py").write_text("raise ImportError('no liblinear here')")
    done = run("sources.py", *files, "--only", "liblinear", "vowpal-wabbit", paths=[tmp_path])
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout)["liblinear", 9][0] == "skipped: no liblinear here"
    assert "LIBLINEAR" not in done.stdout
    assert ("Vowpal Wabbit --invert_hash", 9) in rows(done.stdout)


def test_the_tagging_script_compares_files_tags_and_times(tmp_path):
    data = tmp_path / "data.jsonl"
    lines = [
        {"tokens": ["play", word, "now"], "tags": ["O", f"B-{kind}", "O"]}
        for word, kind in (("Help", "song"), ("Jazz", "genre"))
    ]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines * 5))
    arguments = (data, data, "--train", "l2-0.1", "--buckets", 256, "--seconds", 0)
    text, raw = results("tagging.py", tmp_path / "raw.json", *arguments)
    first = raw["results"][0]
    assert (first["model"], first["sequences"], first["labels"]) == ("l2-0.1.crfsuite", 10, 3)
    assert first["unlike_clone"] == 0
    assert first["f1_before"] == first["f1_after"] == first["same_tags"] == 1
    assert first["bytes"] < first["bytes_before"]
    assert first["from_words_before"] > 0 < first["from_words"]
    assert ("l2-0.1.crfsuite", 16) in rows(text)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_store_measures_a_fleet(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "test"):
        with gzip.open(data / f"toy.{split}.jsonl.gz", "wt") as file:
            for i, word in enumerate(["song", "film", "book", "lamp", "door", "rain", "news"] * 12):
                file.write(json.dumps({"text": f"the {word} number {i} please", "label": word}) + "\n")
    given = ["--data", data, "--skills", 20, "--trained", 5, "--max-mb", 1, "--requests", 40, "--fewer", 4, "--threads", 3,
             "--pause", 0.001]  # fmt: skip
    printed, kept = results("store.py", tmp_path / "store.json", tmp_path / "fleet", *given)
    assert kept["made"]["bundle"]["models"] == 20
    assert kept["made"]["bundle"]["distinct"] == 20
    opened, listed = (statistics.median(kept["opening_ms"][what][0]) for what in ("open", "list"))
    assert 0 < opened < listed  # which opens, too
    assert 0 < kept["sharing"]["shared"]["header: featurizer"] < kept["sharing"]["bytes"]
    table = rows(printed)
    for kind, asked in (("nlub", 240), ("joblib", 60), ("skops", 60)):
        assert table[kind, 12][0] == str(asked)
        assert sum(len(one["cold"]) + len(one["warm"]) for one in kept["results"][kind]) == asked
        assert all(one["cold"] for one in kept["results"][kind])
    assert all(one["counted"] <= 1 << 20 for one in kept["results"]["nlub"])


def test_the_fleet_script_counts_files_that_are_there_once_and_equal(tmp_path):
    lines = [{"text": f"{verb} the {noun} {number}", "label": f"{verb}-{noun}"} for number in range(4)
             for verb in ("play", "stop") for noun in ("song", "film", "list")]  # fmt: skip
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text, raw = results("fleet.py", tmp_path / "raw.json", tmp_path / "train.jsonl", "--models", 4)
    for name, one in (("loky, 2 processes", raw["loky"]), ("Dask, 2 workers, 1 killed", raw["dask"])):
        assert (one["code"], one["records"], one["names"]) == (0, 4, 4)
        assert rows(text)[name, 5][2:] == ["4", "4", "4"]
    assert raw["equal"] == 4
    assert min(raw["source_bytes"], raw["bytes"]) > 0


@pytest.fixture
def toy(tmp_path):
    """NAME, MODEL, TRAIN and TEST of a set of three labels."""
    words = {"play": "play some {} jazz", "stop": "stop the {} music", "rain": "will it rain {}"}
    lines = [json.dumps({"text": text.format(word), "label": label}) + "\n"
             for label, text in words.items() for word in ("please", "now", "today", "again", "then")]  # fmt: skip
    (tmp_path / "train.jsonl").write_text("".join(lines))
    (tmp_path / "test.jsonl").write_text("".join(lines[::2]))
    texts, labels = zip(*[(one["text"], one["label"]) for one in map(json.loads, lines)], strict=True)
    features = make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)))
    joblib.dump(make_pipeline(features, LinearSVC()).fit(texts, labels), tmp_path / "toy.joblib")
    return ["toy", tmp_path / "toy.joblib", tmp_path / "train.jsonl", tmp_path / "test.jsonl"]


def test_front_measures_each_rival_once_and_names_the_skipped(tmp_path, toy):
    wanted = ["nlucompress", "joblib", "8-bit CSR, xz", "hashing trick", "MARISA trie", "ONNX"]
    text, kept = results("front.py", tmp_path / "front.json", *toy, "--only", *wanted)
    found = {rival: [one for one in kept["results"] if one["rival"] == rival] for rival in wanted}
    assert [one["bytes"] for one in found["joblib"]] == [toy[1].stat().st_size]
    assert found["joblib"][0]["same_labels"] == 1
    assert (len(found["nlucompress"]), len(found["8-bit CSR, xz"]), len(found["hashing trick"])) == (8, 4, 10)
    assert all(one["bytes"] > 0 and 0 <= one["accuracy"] <= 1 for one in kept["results"])
    assert {one["use"] for one in found["8-bit CSR, xz"]} == {"unpacked"}
    for rival in ("MARISA trie", "ONNX"):  # the extra test brings neither: they run where they are installed besides
        assert bool(found[rival]) != (rival in kept["skipped"])
        assert found[rival] or f"skipped: {rival} (" in text
    again, more = results(
        "front.py", tmp_path / "more.json", *toy, "--resume", tmp_path / "front.json", "--only", "joblib"
    )
    assert more["results"] == kept["results"]  # nothing is measured twice
    assert rows(again) == rows(text)


def test_the_front_holds_what_nothing_smaller_beats(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    front = importlib.import_module("front").front
    lines = [{"bytes": size, "accuracy": accuracy} for size, accuracy in
             ((900, 0.95), (100, 0.9), (100, 0.8), (500, 0.9), (50, 0.5), (800, 0.95), (950, 0.97))]  # fmt: skip
    assert [(one["bytes"], one["accuracy"]) for one in front(lines)] == [
        (50, 0.5),
        (100, 0.9),
        (800, 0.95),
        (950, 0.97),
    ]


def test_the_figure_names_each_rival_that_it_shows(tmp_path, toy):
    picture = tmp_path / "front.svg"
    given = [*toy, "--only", "nlucompress", "joblib", "8-bit CSR, xz", "--svg", picture]
    results("front.py", tmp_path / "front.json", *given)
    drawn = picture.read_text()
    assert all(f">{name}</text>" in drawn for name in ("nlucompress", "joblib", "8-bit CSR, xz", "toy"))
    assert "hashing trick" not in drawn
    assert picture.stat().st_size < 150_000


def test_faithful_rivals_counts_flips_beside_original_and_clone(tmp_path, toy):
    name, model, train, test = toy
    given = [name, train, test, model, "--texts", 60]
    text, kept = results("faithful_rivals.py", tmp_path / "out.json", *given)
    ours = [one for one in kept["results"] if one["form"].startswith("nlucompress")]
    simple = {"default TfidfVectorizer, svc", "default TfidfVectorizer, lr", "TfidfVectorizer of 1-2-grams, lr"}
    assert {one["model"] for one in ours} == {"toy.joblib", *simple}
    sure = [one for one in ours if one["form"] == "nlucompress, 32 check bits" and one["beside"] == "the clone"]
    assert [one["flips"] - one["ties"] for one in sure] == [0] * 8
    assert all(one["difference"] < 1e-12 for one in sure if "difference" in one)
    assert sum("difference" in one for one in ours) == 16
    assert {one["texts"] for one in ours if one["on"] == "generated"} == {60}
    rivals = [one for one in kept["results"] if one["form"].startswith("ONNX")]
    assert bool(rivals) != bool(kept["skipped"])  # the extra test brings no ONNX: it runs where it is installed besides
    assert rivals or "skipped: ONNX (skl2onnx" in text


def test_generated_texts_are_always_the_same_and_go_beyond_ascii(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    make = importlib.import_module("unicode_texts").texts
    found = make(["play some jazz"], 600)
    assert found == make(["play some jazz"], 600) != make(["play some jazz"], 600, seed=1)
    assert "".join(found).encode("utf-8").decode("utf-8") == "".join(found)  # no lone surrogates
    assert sum("play" in text for text in found) > 200
    assert sum(not text.isascii() for text in found) > 300
    assert "" in found
    assert max(map(len, found)) > 2000
