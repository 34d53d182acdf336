"""Tagging models at the command, in the data and in the measures: predict, verify, export, entity F1, the demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import nlucompress
from nlucompress import crf
from nlucompress.certificate import certify
from nlucompress.cli import main
from nlucompress.data import read_tagged
from nlucompress.entities import entities, entity_score
from nlucompress.template import Template
from nlucompress.verify import compare
from nlucompress.verify_tags import compare_tags

MODEL = Path(__file__).parent / "fixtures" / "crfsuite" / "small.crfsuite"
ROWS: list[dict[str, Any]] = [
    {"tokens": [["w:to"], {"w": "paris"}], "tags": ["O", "B-städt"]},
    {"tokens": [["w:new", "bias"], ["w:york"]], "tags": ["B-städt", "I-städt"]},
    {"tokens": [["bias"]], "tags": ["B-städt"]},
]


def run(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], input=text)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A compressed model and data."""
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    done = run("compress", MODEL, "-o", tmp_path / "m.nluc", "--check-bits", 32)
    assert done.exit_code == 0, done.output
    return tmp_path / "m.nluc", data


def test_predict_takes_objects_with_tokens_or_arrays_of_them(files: tuple[Path, Path]) -> None:
    tagger = nlucompress.load(files[0])
    done = run("predict", files[0], text=files[1].read_text(encoding="utf-8"))
    assert done.stdout.splitlines() == ["\t".join(tagger.tag(row["tokens"])) for row in ROWS]
    done = run("predict", files[0], "--json", json.dumps(ROWS[0]["tokens"]))
    found = json.loads(done.stdout)
    assert found["tags"] == tagger.tag(ROWS[0]["tokens"])
    assert found["probability"] == pytest.approx(tagger.probability(found["tags"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "JSON"), ("3", "tokens"), ('{"text": "x"}', "tokens"), ('[["a"], "word"]', "token 1 is 'word'"),
     ("[[1]]", "text 1")],
)  # fmt: skip
def test_predict_refuses_what_is_no_sequence(files: tuple[Path, Path], text: str, words: str) -> None:
    done = run("predict", files[0], text)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "text 1" in done.stderr


def test_verify_says_what_compression_changed(files: tuple[Path, Path]) -> None:
    done = run("verify", files[0], "--against", MODEL, "--data", files[1], "--json")
    facts = json.loads(done.stdout)
    source = nlucompress.import_model(MODEL)
    chain, labels = crf.exact(source), source.classes.tolist()
    before = [[labels[i] for i in chain.viterbi(chain.states(row["tokens"]))] for row in ROWS]
    gold = [row["tags"] for row in ROWS]
    assert facts["f1_before"] == entity_score(gold, before).f1
    assert (facts["sequences"], facts["tokens"], facts["same_source"], facts["intact"]) == (3, 5, True, True)
    right = sum(a == b for x, y in zip(gold, before, strict=True) for a, b in zip(x, y, strict=True))
    assert facts["token_accuracy_before"] == right / 5
    done = run("verify", files[0], "--against", MODEL, "--data", files[1])
    assert "entity F1" in done.stdout
    assert "tags flipped" in done.stdout
    assert run("verify", files[0]).exit_code == 0
    done = run("verify", files[0], "--against", MODEL, "--data", files[1], "--markdown")
    assert (done.exit_code, "tagging" in done.stderr) == (1, True)


def test_flips_are_counted_and_shown() -> None:
    source = nlucompress.import_model(MODEL)
    tagger = nlucompress.compress(MODEL, buckets=2).tagger()
    found = compare_tags(source, tagger, [row["tokens"] for row in ROWS], [row["tags"] for row in ROWS])
    answers = tagger.predict([row["tokens"] for row in ROWS])
    chain, labels = crf.exact(source), source.classes.tolist()
    before = [[labels[i] for i in chain.viterbi(chain.states(row["tokens"]))] for row in ROWS]
    flips = sum(a != b for x, y in zip(before, answers, strict=True) for a, b in zip(x, y, strict=True))
    assert flips == found["tag_flips"] == len(found["flip_examples"]) > 0
    assert found["sequence_flips"] == sum(a != b for a, b in zip(before, answers, strict=True))
    assert found["f1_after"] == entity_score([row["tags"] for row in ROWS], answers).f1
    without = compare_tags(source, tagger, [row["tokens"] for row in ROWS])
    assert "f1_before" not in without
    assert without["tag_flips"] == flips
    with pytest.raises(ValueError, match="sequence 0: 2 tokens, but 1 tags"):
        compare_tags(source, tagger, [ROWS[0]["tokens"]], [["O"]])


def test_compress_says_the_cost_and_refuses_search_and_report(files: tuple[Path, Path], tmp_path: Path) -> None:
    done = run("compress", MODEL, "-o", tmp_path / "x.nluc", "--data", files[1], "--json")
    assert json.loads(done.stdout)["cost"]["tokens"] == 5
    done = run("compress", MODEL, "-o", tmp_path / "y.nluc", "--data", files[1], "--max-loss", 1)
    assert (done.exit_code, "tagging" in done.stderr) == (1, True)
    done = run("compress", MODEL, "-o", tmp_path / "y.nluc", "--data", files[1], "--report", tmp_path / "r.html")
    assert (done.exit_code, "tagging" in done.stderr) == (1, True)
    assert not (tmp_path / "y.nluc").exists()


def test_export_writes_once(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "clone.crfsuite"
    done = run("export", files[0], "--like", MODEL, "-o", out)
    assert (done.exit_code, out.stat().st_size) == (0, MODEL.stat().st_size)
    assert run("export", files[0], "--like", MODEL, "-o", out).exit_code == 2
    assert run("export", files[0], "--like", MODEL, "-o", out, "--force").exit_code == 0
    assert "tagging" in run("inspect", files[0]).stdout


def test_what_answers_single_samples_refuses_a_tagging_model(files: tuple[Path, Path]) -> None:
    source = nlucompress.import_model(MODEL)
    tagger: Any = nlucompress.load(files[0])
    with pytest.raises(ValueError, match="tagging"):
        compare(source, tagger, [["a"]])
    with pytest.raises(ValueError, match="tagging"):
        certify(source, tagger, [["a"]])
    with pytest.raises(ValueError, match="tagging"):
        nlucompress.search(source, ([["a"]], ["O"]), max_loss=1)


@pytest.mark.parametrize(
    ("line", "words"),
    [('{"tokens": [["a"]], "tags": []}', "0 tags for 1 tokens"), ('{"tokens": [["a"]]}', "tags None"),
     ('{"tags": []}', "tokens"),
     ('{"tokens": ["a"], "tags": ["O"]}', "token 0 is 'a'"), ('{"tokens": [["a"]], "tags": [1]}', "tags"), ("", "no line")],
)  # fmt: skip
def test_data_without_features_or_tags_is_refused_by_its_line(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        read_tagged(path)


tags = st.lists(
    st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b", "E-a", "S-b", "B-a-c", "B", "I", "X", "Name"]), max_size=8
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(tags, st.randoms(use_true_random=False)), min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore")
def test_entities_and_f1_are_seqevals(drawn: list[Any]) -> None:
    from seqeval import metrics
    from seqeval.metrics import sequence_labeling as labels

    gold = [one for one, _ in drawn]
    found = [
        [tag if random.random() < 0.7 else random.choice(["O", "B-a", "I-a", "E-b"]) for tag in one]
        for one, random in drawn
    ]
    for one in [*gold, *found]:
        assert entities(one) == [tuple(entity) for entity in labels.get_entities(one)]
    # seqeval joins sequences by an O, and lets a tag of no known letter at the start of one reach into the one before.
    gold, found = ([["O" if tag == "X" else tag for tag in one] for one in tags] for tags in (gold, found))
    wanted = metrics.f1_score(gold, found, zero_division=0)
    assert entity_score(gold, found).f1 == pytest.approx(float(wanted))


def test_the_demo_of_entities_trains_compresses_and_compares(tmp_path: Path) -> None:
    from nlucompress.demo.entities import KEPT_ENTITIES, TEMPLATE, features, run_entities, table_entities

    found = run_entities(out=tmp_path, per_template=1, per_intent=10, progress=lambda words: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(KEPT_ENTITIES)
    assert found["compressed"]["bytes"] == (tmp_path / "demo-entities.nluc").stat().st_size
    tagger = nlucompress.load(tmp_path / "demo-entities.nluc")
    sequences, gold = read_tagged(tmp_path / "test-entities.jsonl", tagger.template)
    assert all(isinstance(token, str) for sequence in sequences for token in sequence)
    assert found["compressed"]["f1"] == entity_score(gold, tagger.predict(sequences)).f1
    template = Template.parse(TEMPLATE)
    for sequence in [*sequences, ["Ab", "5", "½", "-", "", "ǅx", "a1"]]:
        assert list(map(list, template.features(sequence))) == features(sequence)
    assert found["flips"]["of"] == sum(map(len, gold))
    assert "entity F1" in table_entities(found)
    with pytest.raises(FileExistsError, match=r"demo\.crfsuite"):
        run_entities(out=tmp_path)
    done = run("demo", "--task", "entities", "--out", tmp_path)
    assert done.exit_code == 2
    assert run("demo", "--task", "entities", "--texts", "x.jsonl").exit_code == 2
