"""The demo: its sentences, its splits, its reading of a user's texts, and one whole run on a tiny file."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nlucompress import data, demo
from nlucompress.demo.measure import KEPT
from nlucompress.demo.sentences import MIN_TEMPLATES, WORDS, Piece, Record, Sampler, bio
from nlucompress.demo.table import digits, ratio


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """A small draw: enough that every template is met."""
    return demo.sentences(per_template=2, per_intent=20)


def write(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def toy_rows(count: int = 12) -> list[dict[str, Any]]:
    """Three labels, told apart by one word."""
    words = {"Play": "play the song number", "Light": "switch the lamp number", "Time": "start a timer of minutes"}
    return [{"text": f"{text} {n}", "label": label, "id": n} for n in range(count) for label, text in words.items()]


# --- sentences ------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_sentences_and_another_seed_others() -> None:
    first, again, other = (demo.sentences(seed=seed, per_template=1, per_intent=1) for seed in (0, 0, 1))
    assert first == again
    assert {r["text"] for r in first} != {r["text"] for r in other}


def test_sentences_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    code = """if True:
        from nlucompress import data, demo
        print(hash(str(0)), *(r["text"] for r in demo.sentences(per_template=1, per_intent=1)))"""
    outputs = [
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
        for env in ({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": n} for n in "12")
    ]
    hashes, texts = zip(*(output.split(" ", 1) for output in outputs), strict=True)
    assert hashes[0] != hashes[1]
    assert texts[0] == texts[1]


def test_a_template_of_our_own_draws_these_sentences_on_every_python() -> None:
    from hassil.intents import Intents
    from hassil.parse_expression import parse_sentence

    data = {
        "language": "en",
        "intents": {},
        "expansion_rules": {"the": "(the|my)"},
        "lists": {
            "brightness": {"range": {"type": "percentage", "from": 0, "to": 100}},
            "degrees": {"range": {"from": 1, "to": 4, "fractions": "halves"}},
            "color": {"values": ["red", {"in": "(sky|navy) blue", "out": "blue"}]},
        },
    }
    language = Intents.from_dict(data)
    words = {"wildcards": {}, "areas": ["den", "wine cellar"], "floors": []}
    template = "(dim;[<the>] {area}) to ({brightness}[%| percent]|{color}) [at {degrees:heat}]"
    sampler = Sampler(random.Random("golden"), language.expansion_rules, language.slot_lists, words, ["lamp"], "en")
    expression = parse_sentence(template).expression
    drawn = [bio(list(sampler.draw(expression))) for _ in range(6)]
    assert [(" ".join(tokens), " ".join(tags)) for tokens, tags in drawn] == [
        ("dim the den to red at 3", "O O B-area O B-color O B-heat"),
        ("dim my wine cellar to 84%", "O O B-area I-area O B-brightness"),
        ("den dim to 85% at 1", "B-area O O B-brightness O B-heat"),
        ("dim wine cellar to 62 at two", "O B-area I-area O B-brightness O B-heat"),
        ("dim the den to 26 at 1", "O O B-area O B-brightness O B-heat"),
        ("dim den to 55% at 2", "O B-area O B-brightness O B-heat"),
    ]


def test_every_intent_of_the_package_is_there_with_every_template(records: list[Record]) -> None:
    import home_assistant_intents

    data = home_assistant_intents.get_intents("en")
    assert data is not None
    assert {r["label"] for r in records} == set(data["intents"])
    templates = {
        f"{label}: {text}"
        for label, intent in data["intents"].items()
        for block in intent["data"]
        for text in block["sentences"]
    }
    met = {r["template"] for r in records}
    assert met <= templates
    assert len(met) > 0.9 * len(templates)  # a few only give texts that an earlier one gave


def test_texts_are_spoken_words_without_template_syntax(records: list[Record]) -> None:
    for record in records:
        assert record["text"]
        assert not set("()[]{}<>|;") & set(record["text"]), record


def test_no_text_stands_twice(records: list[Record]) -> None:
    assert len({r["text"].casefold() for r in records}) == len(records)


def test_of_two_templates_with_the_same_text_the_more_literal_one_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import home_assistant_intents

    data = {
        "language": "en",
        "intents": {
            "Free": {"data": [{"sentences": ["play {message}"]}]},
            "Literal": {"data": [{"sentences": ["play the news"]}]},
            "Late": {"data": [{"sentences": ["play [the] news"]}]},
        },
        "lists": {"message": {"values": ["the news"]}},
    }
    monkeypatch.setattr(home_assistant_intents, "get_intents", lambda language: data)
    found = demo.sentences(per_template=8, per_intent=8)
    plain = {r["text"]: r["label"] for r in found}
    assert plain["play the news"] == "Literal"
    assert plain["play news"] == "Late"


def test_labels_go_with_what_is_said(records: list[Record]) -> None:
    words = defaultdict(set)
    for record in records:
        words[record["label"]].update(record["text"].casefold().split())
    for label, word in (
        ("HassStartTimer", "timer"),
        ("HassTurnOff", "off"),
        ("HassMediaPlayerMute", "mute"),
        ("HassGetWeather", "weather"),
        ("HassSetVolume", "volume"),
        ("HassShoppingListAddItem", "add"),
    ):
        assert word in words[label]


def test_tags_are_bio_over_the_tokens_of_the_text(records: list[Record]) -> None:
    for record in records:
        assert " ".join(record["tokens"]) == record["text"]
        assert len(record["tags"]) == len(record["tokens"])
        before = "O"
        for tag in record["tags"]:
            assert tag == "O" or tag[:2] in ("B-", "I-"), record
            if tag.startswith("I-"):
                assert before[2:] == tag[2:], record
            before = tag


def test_tagged_words_are_values_of_the_slot(records: list[Record]) -> None:
    words = json.loads(WORDS.read_text(encoding="utf-8"))
    checked = 0
    for record in records:
        for slot, values in (("area", words["areas"]), ("message", words["wildcards"]["message"])):
            for value in values_of(record, slot):
                assert value in values, record
                checked += 1
    assert checked > 100


def values_of(record: Record, slot: str) -> list[str]:
    """The values that a record's tags mark for a slot."""
    found: list[list[str]] = []
    for token, tag in zip(record["tokens"], record["tags"], strict=True):
        if tag == f"B-{slot}":
            found.append([token])
        elif tag == f"I-{slot}":
            found[-1].append(token)
    return [" ".join(tokens) for tokens in found]


def test_bio_marks_a_token_that_is_partly_a_value() -> None:
    pieces = [Piece("to "), Piece("20", "brightness"), Piece("% "), Piece("dark blue", "color")]
    assert bio(pieces) == (["to", "20%", "dark", "blue"], ["O", "B-brightness", "B-color", "I-color"])


def test_two_values_of_one_slot_in_a_row_are_two_spans() -> None:
    pieces = [Piece("red", "color"), Piece(" "), Piece("blue", "color")]
    assert bio(pieces)[1] == ["B-color", "B-color"]


def test_word_lists_are_rich_and_without_repeats() -> None:
    words = json.loads(WORDS.read_text(encoding="utf-8"))
    assert len({name for names in words["names"].values() for name in names}) >= 60
    assert len(words["areas"]) >= 30
    assert len(words["wildcards"]["shopping_list_item"]) >= 80
    assert len(words["wildcards"]["search_query"]) >= 60
    assert len(words["wildcards"]["message"]) >= 40
    for values in [words["areas"], words["floors"], *words["names"].values(), *words["wildcards"].values()]:
        assert len({value.casefold() for value in values}) == len(values)


def test_a_language_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="language 'de': the demo has words for 'en' only"):
        demo.sentences("de")


def test_no_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="per_template 0 and per_intent 400 must be at least 1"):
        demo.sentences(per_template=0)


# --- splits ---------------------------------------------------------------------------------------------------------


def test_no_template_is_in_both_splits(records: list[Record]) -> None:
    train, test = demo.split(records)
    assert not {r["template"] for r in train} & {r["template"] for r in test}
    assert not {r["text"].casefold() for r in train} & {r["text"].casefold() for r in test}
    assert len(train) + len(test) == len(records)
    assert {r["label"] for r in train} == {r["label"] for r in records}


def test_an_intent_with_few_templates_is_only_trained(records: list[Record]) -> None:
    templates = defaultdict(set)
    for record in records:
        templates[record["label"]].add(record["template"])
    tested = {r["label"] for r in demo.split(records)[1]}
    assert tested == {label for label, known in templates.items() if len(known) >= MIN_TEMPLATES}
    assert len(tested) > 20


def test_the_split_of_templates_depends_on_the_seed(records: list[Record]) -> None:
    assert demo.split(records, 0) == demo.split(records, 0)
    assert demo.split(records, 0)[1] != demo.split(records, 1)[1]


def test_the_split_of_texts_is_stratified_and_does_not_depend_on_their_order() -> None:
    rows = [{"text": r["text"], "label": r["label"]} for r in toy_rows(10)] + [{"text": "alone", "label": "Rare"}]
    train, test = demo.split_texts(rows)
    assert {r["label"]: sum(o["label"] == r["label"] for o in test) for r in test} == dict.fromkeys(
        ("Play", "Light", "Time"), 2
    )
    assert {"text": "alone", "label": "Rare"} in train
    turned = demo.split_texts(rows[::-1])[1]
    assert {r["text"] for r in turned} == {r["text"] for r in test}


def test_texts_with_a_label_each_cannot_be_split() -> None:
    rows = [{"text": str(n), "label": n} for n in range(12)]
    with pytest.raises(ValueError, match="12 texts with 12 labels: no label has 2 texts"):
        demo.split_texts(rows)


# --- reading --------------------------------------------------------------------------------------------------------


def test_texts_are_read_from_plain_and_gzipped_jsonl_alike(tmp_path: Path) -> None:
    plain = write(tmp_path / "texts.jsonl", toy_rows())
    zipped = tmp_path / "texts.jsonl.gz"
    zipped.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n\n")))
    read = demo.read_texts(plain)
    assert read == demo.read_texts(zipped)
    assert read[0] == {"text": "play the song number 0", "label": "Play"}
    assert len(read) == 36


def test_a_text_that_stands_twice_counts_once_with_its_first_label(tmp_path: Path) -> None:
    rows = [*toy_rows(), {"text": "play the song number 0", "label": "Light"}]
    read = demo.read_texts(write(tmp_path / "texts.jsonl", rows))
    assert [r["label"] for r in read if r["text"] == "play the song number 0"] == ["Play"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{not json", "line 3: not JSON"),
        (b'{"text": "caf\xe9", "label": "a"}', "line 3: not UTF-8"),
        (b"[" * 100_000, "line 3: not JSON"),
        (b'["play", "a"]', "line 3: list, not an object with the fields text and label"),
        (b'{"label": "a", "utterance": "x"}', "line 3: field 'text' is missing (fields: 'label', 'utterance')"),
        (b"{}", "line 3: field 'text' is missing (fields: none)"),
        (b'{"text": "x"}', "line 3: field 'label' is missing (fields: 'text')"),
        (b'{"text": 5, "label": "a"}', "line 3: text 5 is an integer, expected a string"),
        (b'{"text": "x", "label": null}', "line 3: label null is null, expected a string or an integer"),
        (b'{"text": "x", "label": true}', "line 3: label true is a boolean, expected a string or an integer"),
        (
            b'{"text": "x", "label": 7}',
            "line 3: label 7 is an integer, but the file's first label, 'Play', is a string",
        ),
        (b'{"text": "x\\ud800", "label": "a"}', 'line 3: text "x\\ud800" has half of a surrogate pair'),
    ],
)
def test_a_bad_line_is_an_error_with_file_line_and_what_is_missing(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b'{"text": "play", "label": "Play"}\n\n' + line + b"\n")
    with pytest.raises(ValueError, match="line 3") as error:
        demo.read_texts(path)
    assert str(error.value).startswith(f"{path}, {message}")
    assert "\n" not in str(error.value)


def test_a_single_label_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "texts.jsonl", [{"text": str(n), "label": "Play"} for n in range(20)])
    with pytest.raises(ValueError, match="all 20 texts have the label 'Play', at least 2 labels are needed"):
        demo.read_texts(path)


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "texts.jsonl", toy_rows(1))
    with pytest.raises(ValueError, match=r"texts\.jsonl: 3 different texts, at least 10 are needed"):
        demo.read_texts(path)


def test_a_line_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "play"}\n' + b" " * 3000))
    assert list(data.read_jsonl(path)) == [(1, {"text": "play"})]
    monkeypatch.setattr(data, "MOST_LINE", 1000)
    with pytest.raises(ValueError, match="line 2: more than 1,000 bytes"):
        list(data.read_jsonl(path))


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"text": "play", "label": "Play"}\n' * 100)
    for name, content in (("cut", whole[:-20]), ("foreign", b"no gzip")):
        path = tmp_path / f"{name}.jsonl.gz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a whole gzip file"):
            demo.read_texts(path)


@pytest.mark.parametrize("missing", ["sklearn", "joblib", "hassil", "home_assistant_intents"])
def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name.split(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    name = {"sklearn": "scikit-learn", "home_assistant_intents": "home-assistant-intents"}.get(missing, missing)
    with pytest.raises(ModuleNotFoundError) as error:
        demo.run(progress=lambda text: None)
    assert str(error.value) == f'the demo needs the package {name}: pip install "nlucompress[demo]"'


# --- a run ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, list[str]]:
    """One run on a tiny file, what it kept, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    said: list[str] = []
    texts = write(folder / "texts.jsonl", toy_rows())
    result = demo.run(texts, out=folder / "kept", repeats=1, options={"check_bits": 16}, progress=said.append)
    return result, folder / "kept", said


def test_a_run_on_texts_measures_both_sides(ran: tuple[dict[str, Any], Path, list[str]]) -> None:
    result, kept, said = ran
    assert json.loads(json.dumps(result)) == result
    assert (result["data"]["labels"], result["data"]["train"], result["data"]["test"]) == (3, 30, 6)
    for side in (result["original"], result["compressed"]):
        assert min(side[name] for name in ("bytes", "load_seconds", "sentence_seconds")) > 0
        assert side["accuracy"] == 1.0
    assert result["flips"] == {"count": 0, "examples": []}
    assert result["compressed"]["bytes"] == (kept / "demo.nluc").stat().st_size
    assert result["original"]["bytes"] == (kept / "demo.joblib").stat().st_size
    assert {row["label"] for row in result["examples"]} == {"Play", "Light", "Time"}
    assert all(row["score"] > row["next_score"] for row in result["examples"])
    assert len(said) >= 4


def test_a_run_keeps_its_files_and_does_not_overwrite_them(ran: tuple[dict[str, Any], Path, list[str]]) -> None:
    _, kept, _ = ran
    assert {path.name for path in kept.iterdir()} == set(KEPT)
    assert [len((kept / name).read_text().splitlines()) for name in ("train.jsonl", "test.jsonl")] == [30, 6]
    with pytest.raises(FileExistsError, match=r"demo\.nluc.*not overwritten unasked"):
        demo.run(kept / "train.jsonl", out=kept)


def test_the_table_shows_what_was_measured(ran: tuple[dict[str, Any], Path, list[str]]) -> None:
    result = ran[0]
    lines = demo.table(result).splitlines()
    assert "3 labels, 30 sentences for training, 6 for test" in lines
    rows = {line[:20].rstrip(): line for line in lines}
    for name in ("file", "load (fresh process)", "memory", "accuracy on test", "one sentence"):
        assert name in rows
    assert rows["accuracy on test"].split("  ")[-1].strip() == "0 of 6 labels differ (0.00 %)"
    assert rows["accuracy on test"].count("100.00 %") == 2
    assert not any(line != line.rstrip() for line in lines)
    assert any(line.startswith('"play the song number') and " Play " in line for line in lines)


def test_a_run_with_two_integer_labels(tmp_path: Path) -> None:
    rows = [{"text": row["text"], "label": len(row["label"]) % 2} for row in toy_rows(6)]
    assert {row["label"] for row in rows} == {0, 1}
    result = demo.run(write(tmp_path / "texts.jsonl", rows), repeats=1, progress=lambda text: None)
    assert result["folder"] is None
    assert {row["label"] for row in result["examples"]} <= {0, 1}
    for row in result["examples"]:
        assert row["score"] == -row["next_score"] >= 0


def test_a_ratio_says_part_or_multiple() -> None:
    assert [ratio(*pair) for pair in ((580, 10), (100, 50), (10, 14), (5, 5), (0, 3))] == [
        "1/58", "1/2.0", "x 1.4", "1/1.0", "",
    ]  # fmt: skip
    assert [digits(x) for x in (1234.5, 93.21, 0.2104, 12.34, 0)] == ["1,234", "93.2", "0.210", "12.3", "0"]
