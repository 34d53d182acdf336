"""The report as one HTML page: the verdict first, then what stands behind it. No script, no file beside it.

Everything from outside (labels, texts, file names) passes through markup.py, which escapes whatever it did not make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from . import figures
from .markup import Markup, join, tag, word, words_of
from .numbers import interval, number, part, points, share, signed, size
from .words import BASES, LEVELS, STATUS, proven, provenance, verdict

Facts = Mapping[str, Any]
META = Markup(
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
)
CLASSES, CONFUSIONS, FLIPS, FRONT = 20, 20, 100, 40  # rows that a table shows before it is cut, or folded


def page(facts: Facts, front: Sequence[Facts] = ()) -> str:
    """The whole page of what ``Report`` holds. Raises ModuleNotFoundError if matplotlib is not there."""
    figures.require()
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    title = f"{words_of(facts['file'])}: what compression changed"
    head = tag("head", META, tag("title", title), tag("style", Markup(style)))
    sections = (
        _head,
        _answers,
        _certificate,
        _bytes,
        _weights,
        _front,
        _confusions,
        _classes,
        _flips,
        _strangers,
        _provenance,
    )
    body = tag("body", tag("main", *(section({**facts, "front": front}) for section in sections)))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _head(facts: Facts) -> Markup:
    tiles = [("File", size(facts["bytes"]), _of_source(facts))]
    if "accuracy_after" in facts:
        difference = facts["accuracy_after"] - facts["accuracy_before"]
        tiles.append(("Accuracy", f"{points(difference)} points",
                      f"95 %: {interval(facts['accuracy_difference_interval'], 'points')}"))  # fmt: skip
    tiles.append(
        ("Same label", share(1 - facts["flip_share"]), f"{facts['flips']:,} of {facts['samples']:,} texts differ")
    )
    found = facts.get("certificate")
    if found:
        certain = found["errors"]["certain"] / max(facts["samples"], 1)
        tiles.append(("Provably the same", share(proven(facts)), f"{share(certain)} whatever the index lets pass"))
    boxes = (
        tag("div", tag("dt", name), tag("dd", value, class_="number"), tag("dd", note)) for name, value, note in tiles
    )
    warning = "The file says that it was made from another model than the one it is compared with."
    foreign = None if facts["same_source"] else tag("p", warning, class_="warning")
    return tag("header", tag("p", "nlucompress report", class_="kind"),
               tag("h1", word(facts["file"]), ": what compression changed"), foreign,
               tag("p", verdict(facts), class_="verdict"), tag("dl", *boxes, class_="tiles"))  # fmt: skip


def _answers(facts: Facts) -> Markup:
    pairs: list[tuple[Any, ...]] = []
    probabilities = facts.get("probabilities", {})
    if "accuracy_after" in facts:
        sides = (join(share(facts[f"accuracy_{side}"]), tag("small", interval(facts[f"accuracy_interval_{side}"])))
                 for side in ("before", "after"))  # fmt: skip
        difference = join(f"{points(facts['accuracy_after'] - facts['accuracy_before'])} points",
                          tag("small", interval(facts["accuracy_difference_interval"], "points")))  # fmt: skip
        pairs.append(("accuracy", *sides, difference))
        difference = join(f"{points(facts['macro_f1_after'] - facts['macro_f1_before'])} points",
                          tag("small", interval(facts["macro_f1_difference_interval"], "points")))  # fmt: skip
        pairs.append(("macro-F1", share(facts["macro_f1_before"]), share(facts["macro_f1_after"]), difference))
    if "calibration_error_before" in probabilities:
        before, after = probabilities["calibration_error_before"], probabilities["calibration_error_after"]
        pairs.append(
            ("expected calibration error", f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}".replace("-", "−"))
        )
    rows: list[tuple[Any, ...]] = [
        ("another label", join(f"{facts['flips']:,} ({share(facts['flip_share'])})",
                               tag("small", interval(facts["flip_interval"])))),
    ]  # fmt: skip
    if "accuracy_after" in facts:
        rows.append(("turned wrong, turned right", f"{facts['right_to_wrong']:,}, {facts['wrong_to_right']:,}"))
    if "clone_flips" in facts:
        rows.append(("another label than the dequantized clone’s", f"{facts['clone_flips']:,}"))
    rows.append(("largest difference of a score", number(facts["largest_score_difference"])))
    if probabilities:
        rows.append(("largest difference of a probability", number(probabilities["largest_difference"])))
        rows.append(("mean over texts of the largest", number(probabilities["mean_difference"])))
    notes = ["Small: 95 % intervals, by Wilson" + (
        f"; of differences, by paired bootstrap, {facts['resamples']:,} resamples, seed {facts['seed']}."
        if "resamples" in facts else ".")]  # fmt: skip
    if "clone_flips" in facts:
        notes.append("The dequantized clone is the original with the file’s weights: what differs from it is what unknown "
                     "n-grams did that the index let pass.")  # fmt: skip
    picture = None
    if "bins_before" in probabilities:
        picture = _figure(figures.reliability(probabilities["bins_before"], probabilities["bins_after"]),
                          "Calibration: each point is a fifteenth of the texts, by the probability of their label; on the "
                          "diagonal, probabilities are right. The expected calibration error is the mean distance from it "
                          "(Guo et al., ICML 2017; bins of equal mass).")  # fmt: skip
    tables = [_table(("", "original", "compressed", "difference"), pairs, numeric=(1, 2, 3))] if pairs else []
    tables.append(_table(("what differs", ""), rows, numeric=(1,)))
    return _section("Original against compressed", *tables, *(tag("p", note, class_="note") for note in notes), picture)


def _certificate(facts: Facts) -> Markup:
    found = facts.get("certificate")
    title = "Labels that cannot have changed"
    if not found:
        return _section(title, tag("p", f"No certificate: {facts['certificate_reason']}."))
    samples = max(facts["samples"], 1)
    shares = {basis: {level: found[basis][level] / samples for level in LEVELS} for basis in BASES if basis in found}
    ours = shares["errors"]
    parts = (tag("span", class_=level, style=f"width: {100 * value:.3f}%") for level, value in ours.items() if value)
    label = "; ".join(f"{STATUS[level]} {share(value)}" for level, value in ours.items())
    bar = tag("div", *parts, class_="bar", role="img", aria_label=label)
    rows = [(join(tag("span", class_=f"key {level}"), STATUS[level]), f"{found['errors'][level]:,}", share(value),
             _meaning(level, found["errors"])) for level, value in ours.items()]  # fmt: skip
    words = (
        "Compression changes the margin between two classes by at most Σ |x| · |Δw| over the text's features: values, "
        "times the errors of the two classes' weights against each other. Where the margin is larger, the label stands, "
        "and no run of the model is needed to know it."
    )
    note = (
        f"{found['samples_with_unknown']:,} of {facts['samples']:,} texts have n-grams that are no features of the "
        f"original ({found['unknown_ngrams']:,} in all); in {found['samples_with_passing']:,} of these texts the file "
        "finds one all the same."
    )
    shares.get("largest", {}).pop("certain", None)  # it knows nothing of what unknown n-grams can do
    by_basis = [(name, *(share(value) if value is not None else "–" for value in map(shares.get(basis, {}).get, LEVELS)),
                 explanation) for basis, (name, explanation) in BASES.items()]  # fmt: skip
    return _section(
        title, tag("p", words), bar,
        _table(("label", "texts", "share", "meaning"), rows, numeric=(1, 2), words=(3,)), tag("p", note, class_="note"),
        _table(("proof from", *LEVELS, ""), by_basis, numeric=(1, 2, 3, 4), words=(5,),
               caption="The same, by what a proof may use"),
    )  # fmt: skip


def _meaning(level: str, counts: Facts) -> str:
    return {
        "certain": "stands, whichever unknown n-grams pass the check bits, and as whichever features",
        "unless": f"stands unless an unknown n-gram passes; in {counts['unless_passing']:,} of these texts one does",
        "equal": "is the same, without a proof",
        "changed": "is another",
    }[level]


def _bytes(facts: Facts) -> Markup:
    model = facts["model"]
    bits = model["bits_per_feature"]
    words = (f"{model['features']:,} features take {bits['file']:.1f} bits each: {bits['index']:.2f} in the index, "
             f"{bits['slots']:.2f} in slots (check bits, and numbers of idf or rows), {bits['rows']:.2f} in rows. "
             f"{model['weights']:,} weights are stored, in {model['buckets']} distinct values.")  # fmt: skip
    return _section("Where the bytes are", _figure(figures.sections(model["sections"]), words))


def _weights(facts: Facts) -> Markup:
    histogram = facts["weights"]
    total = sum(histogram["counts"])
    words = (f"The original has {total:,} weights that are not zero; {histogram['dropped']:,} of them "
             f"({share(histogram['dropped'] / max(total, 1), 1)}) round to zero and are not stored. A line is a bucket, as "
             "high as weights went there; the number of weights is on a logarithmic axis.")  # fmt: skip
    return _section("Weights and buckets", _figure(figures.weights(histogram), words))


def _front(facts: Facts) -> Markup | None:
    front = facts["front"]
    if not front:
        return None
    rows = [("chosen" if one["chosen"] else "", size(one["bytes"]), number(round(one["loss"], 2)), _flip_share(one),
             _options(one["options"])) for one in sorted(front, key=lambda one: one["bytes"])[:FRONT]]  # fmt: skip
    words = ("Candidates that no other one beats in both size and loss, on the texts that were searched. The loss is in "
             "points of the yardstick of the search.")  # fmt: skip
    table = _table(("", "file", "loss", "other label", "options"), rows, numeric=(1, 2, 3), words=(4,))
    return _section(
        "Other candidates", _figure(figures.front(front), words), table, _cut(len(front), FRONT, "candidates")
    )


def _flip_share(one: Facts) -> str:
    return share(one["flips"]) if one.get("flips") is not None else "–"


def _confusions(facts: Facts) -> Markup | None:
    if not facts.get("confusions"):
        return None
    rows = [(word(one["label"]), word(one["predicted"]), f"{one['before']:,}", f"{one['after']:,}", _change(one, -1))
            for one in facts["confusions"][:CONFUSIONS]]  # fmt: skip
    return _section("Confusions that changed", _table(("right label", "taken for", "before", "after", "change"), rows,
                    numeric=(2, 3, 4), labels=(0, 1)), _cut(len(facts["confusions"]), CONFUSIONS, "pairs"))  # fmt: skip


def _classes(facts: Facts) -> Markup | None:
    classes = facts.get("classes")
    if not classes:
        return None

    def row(one: Facts) -> tuple[Any, ...]:
        difference = one["f1_after"] - one["f1_before"]
        return (word(one["label"]), f"{one['samples']:,}", f"{one['predicted_before']:,}", f"{one['predicted_after']:,}",
                share(one["recall_before"], 1), share(one["recall_after"], 1), share(one["precision_before"], 1),
                share(one["precision_after"], 1), _coloured(points(difference), difference))  # fmt: skip

    headings = (
        "class",
        "texts",
        "predicted before",
        "after",
        "recall before",
        "after",
        "precision before",
        "after",
        "F1, points",
    )
    changed = [one for one in classes if one["f1_before"] != one["f1_after"]]
    changed.sort(key=lambda one: -abs(one["f1_after"] - one["f1_before"]))
    numeric = tuple(range(1, 9))
    words = f"{len(changed):,} of {len(classes):,} classes changed in recall or precision."
    first = _table(headings, [row(one) for one in changed[:CLASSES]], numeric, labels=(0,),
                   caption="Those that changed most") if changed else None  # fmt: skip
    folded = tag("details", tag("summary", f"All {len(classes):,} classes"),
                 _table(headings, [row(one) for one in classes], numeric, labels=(0,)))  # fmt: skip
    return _section("Classes", tag("p", words), first, folded)


def _flips(facts: Facts) -> Markup:
    flips = facts["flip_examples"]
    if not flips:
        return _section("Texts that flipped", tag("p", "None."))
    right = ("right",) if "label" in flips[0] else ()
    apart = facts["model"]["task"] != "multiclass"  # a score is not of the one label or the other
    headings = ("text", *right, "original", "compressed", *(("scores",) if apart else ()), "false hits")
    rows = []
    for one in flips[:FLIPS]:
        lines = [tag("small", word(score["label"]) if apart else None, ": " if apart else None,
                     f"{number(score['before'])} → {number(score['after'])}") for score in one["scores"]]  # fmt: skip
        labels = [word(one["label"])] if right else []
        sides = [word(one["before"]), word(one["after"])]
        sides = [*sides, join(*lines)] if apart else [join(*pair) for pair in zip(sides, lines, strict=True)]
        rows.append((word(one["sample"]), *labels, *sides, f"{one['passing']:,}"))
    note = ("Those first whose label the original was surest of. Small: the label’s score, original → compressed. False "
            "hits: unknown n-grams of the text that the file finds all the same.")  # fmt: skip
    last = len(headings) - 1
    return _section(
        "Texts that flipped", tag("p", note, class_="note"),
        _table(headings, rows, numeric=(last,), labels=range(1, last), texts=(0,)),
        _cut(facts["flips"], len(rows), "texts"),
    )  # fmt: skip


def _strangers(facts: Facts) -> Markup:
    tests, rows = facts["strangers"], []
    for name, words in (("of_texts", "n-grams of the texts"), ("made_up", "made-up n-grams")):
        one = tests[name]
        rows.append((words, f"{one['tested']:,}", f"{one['found']:,}", share(one["share"], 3) if one["tested"] else "–",
                     interval(one["interval"]) if one["tested"] else "–"))  # fmt: skip
    bits = facts["model"]["check_bits"]
    return _section(
        "N-grams that the index does not hold",
        tag("p", f"With {bits} check bits, one in 2", tag("sup", bits),
            f" of them ({share(tests['expected'], 3)}) passes for a feature, and gets its weights."),
        _table(("distinct, not in the index", "looked up", "found", "share", "95 % interval"), rows, numeric=(1, 2, 3, 4)),
        tag("p", f"Of the {facts['lookups']:,} look-ups that the texts make, {facts['false_positives']:,} "
            f"({share(facts['false_positive_share'], 3)}) find what is not there.", class_="note"),
    )  # fmt: skip


def _provenance(facts: Facts) -> Markup:
    rows = (tag("tr", tag("th", name, scope="row"), tag("td", tag("code", value) if is_code else word(value)))
            for name, value, is_code in provenance(facts))  # fmt: skip
    return _section("Provenance", _scroll(tag("table", tag("tbody", *rows), class_="facts"), "Provenance"))


# -- parts ------------------------------------------------------------------------------------------------------------


def _section(title: str, *content: Any) -> Markup:
    return tag("section", tag("h2", title), *content)


def _figure(picture: Markup, words: str) -> Markup:
    return tag("figure", picture, tag("figcaption", words))


def _scroll(table: Markup, name: str) -> Markup:
    """A table in a box of its own, which scrolls by finger and by key where the page is narrow."""
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=name)


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Sequence[int] = (), labels: Sequence[int] = (),
           texts: Sequence[int] = (), words: Sequence[int] = (), caption: str | None = None) -> Markup:  # fmt: skip
    kinds = {**dict.fromkeys(numeric, "n"), **dict.fromkeys(labels, "label"), **dict.fromkeys(texts, "text"),
             **dict.fromkeys(words, "words")}  # fmt: skip
    head = tag(
        "thead", tag("tr", *(tag("th", text, scope="col", class_=kinds.get(i)) for i, text in enumerate(headings)))
    )
    body = tag(
        "tbody", *(tag("tr", *(tag("td", cell, class_=kinds.get(i)) for i, cell in enumerate(row))) for row in rows)
    )
    return _scroll(
        tag("table", tag("caption", caption) if caption else None, head, body), caption or headings[0] or "Table"
    )


def _change(one: Facts, better: int) -> Markup:
    difference = one["after"] - one["before"]
    return _coloured(signed(difference), better * difference)


def _coloured(text: str, good: float) -> Markup:
    return tag("span", text, class_="up" if good > 0 else "down" if good < 0 else None)


def _cut(total: int, shown: int, what: str) -> Markup | None:
    return tag("p", f"{shown:,} of {total:,} {what} are shown.", class_="note") if total > shown else None


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _of_source(facts: Facts) -> str:
    source = facts.get("source_bytes")
    return f"{part(facts['bytes'], source)} of the original’s {size(source)}" if source else f"{facts['bytes']:,} bytes"
