"""The report: what it says, that nothing from outside becomes markup, and that it is one page of the same bytes."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts
from test_cli import LABELS, run
from test_cli import TEXTS as SENTENCES
from test_cli import folder as folder  # a fixture
from test_verify import TEXTS, gold_of, model_of

import nlucompress
from nlucompress.report import Report, figures, measure
from nlucompress.report.card import text
from nlucompress.report.markup import LONGEST, Markup, escape, join, tag, visible, word
from nlucompress.report.numbers import NARROW, interval, share, size

FRONT = [
    {"bytes": 40_000, "loss": 0.0, "flips": 0.001, "options": {"buckets": 256}, "chosen": False},
    {"bytes": 9_000, "loss": 0.3, "flips": 0.02, "options": {"buckets": 16, "norm": "mean"}, "chosen": True},
    {"bytes": 5_000, "loss": 4.2, "options": {"buckets": 4}, "chosen": False},
]
HOSTILE = [
    "<script>alert(1)</script>", "", "مرحبا\u202eabc", "line\nbreak\ttab", "x" * 2000, "a|b & \"q\" 'r'", "日本語ラベル",
    "\ud800half\x00\x1b", "-->]]></style>", "`code` [x](javascript:alert(1)) www.example.org",
]  # fmt: skip


class Page(HTMLParser):
    """The elements of a page; fails where one is not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[name] += 1
        self.attributes += [(name, key, value) for key, value in attributes]
        if name not in ("meta", "use"):
            self._open.append(name)
        if name in ("td", "h1"):
            self.cells.append("")

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[name] += 1
        self.attributes += [(name, key, value) for key, value in attributes]

    def handle_endtag(self, name: str) -> None:
        assert self._open.pop() == name

    def handle_data(self, data: str) -> None:
        if "td" in self._open or "h1" in self._open:
            self.cells[-1] += data


def plain_page(page: str) -> Page:
    """A page that is well-formed, loads nothing, runs nothing, and has each id once."""
    found = Page(page)
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "img", "a"} & set(found.tags)
    assert not [key for _, key, _ in found.attributes if key.startswith("on")]
    assert all(
        value.startswith("#") for _, key, value in found.attributes if key in ("href", "src", "xlink:href") and value
    )
    assert not re.search(r"url\((?!#)|@import", page)
    ids = [value for _, key, value in found.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    return found


def without_figures(patch: pytest.MonkeyPatch) -> None:
    """A figure takes half a second, and holds no words from outside."""
    for name in ("sections", "weights", "reliability", "front"):
        patch.setattr(figures, name, lambda *_: tag("svg"))


@pytest.fixture(scope="module", autouse=True)
def _few_made_up() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlucompress.verify.MADE_UP", 1000)
        yield


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    """The report's page."""
    return report.html()


@pytest.fixture(scope="module")
def report() -> Report:
    """Of a model of four buckets, with a front."""
    source = model_of()
    return measure(source, nlucompress.compress(source, buckets=5).model(), TEXTS, gold_of(source), front=FRONT)


def test_the_page_is_one_whole_document_that_needs_nothing_else(report: Report, page: str) -> None:
    found = plain_page(page)
    assert page.startswith("<!doctype html>\n<html lang=")
    assert found.tags["svg"] == 4  # calibration, sections, weights, front
    assert found.tags["h1"] == 1
    assert found.tags["h2"] == 10
    assert found.tags["table"] == found.tags["thead"] + 1  # provenance has no headings
    assert page == report.html()  # the same bytes


def test_the_page_gives_the_comparisons_numbers(report: Report, page: str) -> None:
    facts, cells = report.facts, Page(page).cells
    for shown in (
        share(facts["accuracy_before"]) + interval(facts["accuracy_interval_before"]),
        share(facts["accuracy_after"]) + interval(facts["accuracy_interval_after"]),
        f"{facts['right_to_wrong']:,}, {facts['wrong_to_right']:,}",
        f"{facts['certificate']['errors']['certain']:,}", share(facts["certificate"]["difference"]["certain"] / len(TEXTS)),
        f"{facts['strangers']['made_up']['found']:,}", facts["model"]["fingerprint"], "buckets 16, norm mean", size(9000),
    ):  # fmt: skip
        assert shown in cells
    first = facts["flip_examples"][0]
    assert first["sample"] in cells
    assert len([cell for cell in cells if cell in {one["sample"] for one in facts["flip_examples"]}]) >= min(
        facts["flips"], 100
    )


def test_figures_take_their_colours_from_the_page_in_both_themes(page: str) -> None:
    style, body = page.split("</style>", 1)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?=[;\"])", re.sub(r"url\(#[^)]*\)|href=\"#[^\"]*\"", "", body))
    used = set(re.findall(r"var\(--(\w+)\)", page))
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for name in used - {"sans"}:
        assert f"--{name}:" in light
        assert f"--{name}:" in dark
    assert {"first", "second", "ink", "muted", "line"} <= used
    assert "@media print" in style


def test_the_verdict_comes_first_in_words_and_four_numbers(report: Report, page: str) -> None:
    head = page.split("</header>")[0]
    flips = report.facts["flips"]
    assert f"{flips} of {len(TEXTS)} labels differ" in head
    assert head.count('<dd class="number">') == 4
    assert share(1 - flips / len(TEXTS)) in head


def hostile() -> Report:
    """Labels, texts, file name and provenance that would like to be markup."""
    weights = np.random.default_rng(5).standard_normal((120, len(HOSTILE)))
    source = model_of(classes=np.array(HOSTILE, object), weights=weights, intercept=np.zeros(len(HOSTILE)),
                      source={"<b>": "</td><script>", "model": "x" * 900})  # fmt: skip
    samples = [*TEXTS[:200], *(f"w1 w{i} {label}" for i, label in enumerate(HOSTILE * 6))]
    gold = [HOSTILE[i % len(HOSTILE)] for i in range(len(samples))]
    return measure(source, nlucompress.compress(source, buckets=4).model(), samples, gold, name="<i>x</i>\n.nluc")


def test_nothing_from_outside_becomes_markup() -> None:
    report = hostile()
    page = report.html()
    found = plain_page(page)
    page.encode("utf-8")
    assert found.tags["b"] == 0
    assert found.tags["i"] > 0  # (empty)
    shown = {cell for cell in found.cells if cell}
    for label in HOSTILE:
        wanted = visible(label)
        assert any(wanted[:LONGEST] in cell for cell in shown) if wanted else "(empty)" in shown
    assert not {"\x00", "\x1b", "\ud800"} & set(page)
    card = report.markdown()
    card.encode("utf-8")
    assert "<script>" not in card.replace("\\<script", "")
    for line in card.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 5, 7)


@given(texts() | st.sampled_from(HOSTILE))
def test_any_text_survives_in_the_page_as_text(value: str) -> None:
    page = tag("td", word(value), title=value)
    found = Page(page)
    page.encode("utf-8")
    assert set(found.tags) <= {"td", "bdi", "span", "i"}
    assert visible(value)[:LONGEST] in "".join(found.cells) or not value
    ((_, _, title),) = [one for one in found.attributes if one[1] == "title"]
    assert title == visible(value)


@given(texts() | st.sampled_from(HOSTILE))
def test_any_text_in_a_card_stays_in_its_cell(value: str) -> None:
    shown = text(value)
    shown.encode("utf-8")
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>\[\]`*_]", shown)
    assert shown.strip()


def test_what_was_made_as_markup_is_not_escaped_twice() -> None:
    assert escape(join("<", Markup("<b>"), None)) == "&lt;<b>"
    assert tag("p", 3, None, class_=None) == "<p>3</p>"


@settings(max_examples=settings().max_examples // 6)
@given(
    st.lists(st.sampled_from(HOSTILE) | texts(), min_size=1, max_size=4), st.sampled_from(["label", "sample", "file"])
)
def test_any_words_anywhere_leave_a_whole_page(report: Report, words: list[str], place: str) -> None:
    facts = json.loads(json.dumps({**report.facts}))
    if place == "file":
        facts["file"] = words[0]
    for i, one in enumerate(facts["flip_examples"]):
        one[place] = words[i % len(words)]
    for one in (*facts["confusions"], *facts["classes"]):
        one["label"] = words[0]
    with pytest.MonkeyPatch.context() as patch:
        without_figures(patch)
        plain_page(Report(facts).html()).close()


def test_a_report_without_labels_probabilities_flips_and_certificate_is_whole() -> None:
    source = model_of(link="identity")
    calm = measure(source, nlucompress.compress(source, check_bits=32).model(), TEXTS[:3])
    assert calm.facts["flips"] == 0
    page = calm.html()
    assert plain_page(page).tags["svg"] == 2
    assert "All 3 labels are the original’s." in page
    other = dataclasses.replace(source, namespaces=(dataclasses.replace(source.namespaces[0], lowercase=False),))
    foreign = measure(source, nlucompress.compress(other).model(), TEXTS[:30])
    assert "No certificate: the source and the file read other n-grams" in foreign.markdown()
    with pytest.MonkeyPatch.context() as patch:
        without_figures(patch)
        assert "made from another model" in foreign.html()


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_other_tasks_have_their_scores_apart(task: str) -> None:
    source = model_of(task)
    report = measure(source, nlucompress.compress(source, buckets=5).model(), TEXTS, gold_of(source))
    with pytest.MonkeyPatch.context() as patch:
        without_figures(patch)
        page = report.html()
    plain_page(page)
    assert '<th scope="col" class="label">scores</th>' in page


def test_candidates_can_be_objects_and_lack_no_field() -> None:
    @dataclasses.dataclass
    class Candidate:
        bytes: int = 3
        loss: float = 0.5
        chosen: bool = False
        options: Any = dataclasses.field(default_factory=lambda: {"buckets": 2})

    source = model_of()
    model = nlucompress.compress(source).model()
    found = measure(source, model, TEXTS[:2], front=[Candidate()]).front
    assert found == ({"bytes": 3, "loss": 0.5, "options": {"buckets": 2}, "chosen": False},)
    with pytest.raises(ValueError, match=r"front: candidate .* has no loss, options"):
        measure(source, model, TEXTS[:2], front=[{"bytes": 3, "chosen": True}])


def test_sizes_and_shares_are_not_rounded_to_what_they_are_not() -> None:
    shown = [size(count).replace(NARROW, " ") for count in (999, 1000, 9_999, 99_999, 999_499, 999_999, 12_345_678_901)]
    assert shown == ["999 B", "1.00 kB", "10.0 kB", "100 kB", "999 kB", "1.00 MB", "12.3 GB"]
    assert share(1 - 1e-9) != share(1.0)
    assert share(1e-9) != share(0.0)


# -- the command ------------------------------------------------------------------------------------------------------


def arguments(folder: Path) -> tuple[Any, ...]:
    return "verify", folder / "model.nluc", "--against", folder / "pipeline.joblib", "--data", folder / "dev.jsonl"


def test_verify_writes_the_page_and_says_where_it_comes_from(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    code, out, err = run(*arguments(folder), "--report", target)
    assert (code, err) == (0, "")
    assert "labels flipped" in out
    found = plain_page(target.read_text(encoding="utf-8"))
    assert nlucompress.load(folder / "model.nluc").info()["fingerprint"] in found.cells
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.html"]
    before = target.read_bytes()
    code, _, err = run(*arguments(folder), "--report", target)
    assert (code, target.read_bytes()) == (2, before)
    assert "--force" in err
    assert run(*arguments(folder), "--report", target, "--force")[0] == 0
    assert target.read_bytes() == before  # the same input, the same bytes


def test_verify_prints_a_card_and_json_without_matplotlib(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, out, _ = run(*arguments(folder), "--markdown")
    assert code == 0
    assert out.startswith("# model.nluc\n")
    assert f"All {len(SENTENCES)} labels are the original’s." in out
    code, out, _ = run(*arguments(folder), "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["classes"][0]["label"] == sorted(LABELS)[0]
    assert set(facts["sha256"]) == {"file", "original", "data"}


def test_a_missing_matplotlib_is_said_before_any_work(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr("nlucompress.load", lambda *_, **__: pytest.fail("the file was opened"))
    code, out, err = run(*arguments(folder), "--report", tmp_path / "out.html")
    assert (code, out) == (1, "")
    assert "pip install 'nlucompress[report]'" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--report", "out.html"], "--report and --markdown need --against"),
        (["--markdown"], "--report and --markdown need --against"),
        (["--against", "x", "--data", "y", "--json", "--markdown"], "not both"),
        (["--against", "x", "--data", "y", "--report", "no/such/folder.html"], "no such folder"),
    ],
)
def test_wrong_usage_has_exit_code_2(folder: Path, extra: list[str], words: str) -> None:
    code, out, err = run("verify", folder / "model.nluc", *extra)
    assert (code, out) == (2, "")
    assert words in err


def test_compress_reports_what_it_cost_as_its_last_step(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "cost.html"
    arguments = ("compress", folder / "pipeline.joblib", "-o", tmp_path / "m.nluc", "--data", folder / "dev.jsonl")
    code, out, _ = run(*arguments, "--report", page)
    assert code == 0
    assert "what it cost" in out
    assert "labels proven to stand" in out
    assert "m.nluc: what compression changed" in plain_page(page.read_text(encoding="utf-8")).cells


def test_a_searchs_report_is_of_the_texts_that_it_never_saw_and_has_the_front(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "cost.html"
    arguments = ("compress", folder / "pipeline.joblib", "-o", tmp_path / "m.nluc", "--data", folder / "dev.jsonl")
    code, out, _ = run(*arguments, "--max-flips", "60%", "--candidates", "3", "--report", page, "--json")
    assert code == 0
    found = plain_page(page.read_text(encoding="utf-8"))
    held_out = json.loads(out)["search"]["held_out"]["texts"]
    assert 0 < held_out < len(SENTENCES)
    assert any(
        f"{held_out} labels" in words for words in re.findall(r"<p class=\"verdict\">(.*?)</p>", page.read_text())
    )
    assert "chosen" in found.cells
    assert found.tags["svg"] == 4


def test_a_budget_that_is_not_met_leaves_neither_file_nor_page(folder: Path, tmp_path: Path) -> None:
    arguments = ("compress", folder / "pipeline.joblib", "-o", tmp_path / "m.nluc", "--data", folder / "dev.jsonl")
    code, _, err = run(*arguments, "--target-size", "1", "--candidates", "1", "--report", tmp_path / "cost.html")
    assert code == 3
    assert "no candidate" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extra", [[], ["--data", "x", "--dry-run"]])
def test_compress_has_no_report_without_data_or_file(folder: Path, tmp_path: Path, extra: list[str]) -> None:
    code, _, err = run("compress", folder / "pipeline.joblib", "-o", tmp_path / "m.nluc", "--report", "r.html", *extra)
    assert code == 2
    assert "--report needs --data" in err
