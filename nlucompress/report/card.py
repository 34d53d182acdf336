"""The report as a model card in Markdown (Mitchell et al.: Model cards for model reporting, FAT* 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .markup import visible, words_of
from .numbers import interval, number, points, share, size
from .words import BASES, LEVELS, STATUS, provenance, verdict

Facts = Mapping[str, Any]
ROWS = 20
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@$^]|(?<=www)\.|:(?=//))")  # the last two: bare addresses become links


def card(facts: Facts, front: Sequence[Facts] = ()) -> str:
    """The whole card, as CommonMark with tables."""
    model = facts["model"]
    parts = [
        f"# {text(facts['file'])}", verdict(facts),
        "## Model",
        _table(("what", "value"), [(name, _code(said) if code else text(said)) for name, said, code in provenance(facts)]),
        "## Evaluation", f"On {facts['samples']:,} texts, against the original model.", _evaluation(facts),
        "## Labels that cannot have changed", *_certificate(facts),
        "## Limits",
        f"- An n-gram that the file does not hold passes for a feature with probability 2^-{model['check_bits']}; of "
        f"{facts['strangers']['made_up']['tested']:,} made-up ones {facts['strangers']['made_up']['found']:,} did "
        f"({share(facts['strangers']['made_up']['share'], 3)}).",
        "- Figures are of these texts; the proofs say nothing about others.",
        "- What the original gets wrong, the file gets wrong.",
    ]  # fmt: skip
    if front:
        rows = [("chosen" if one["chosen"] else "", size(one["bytes"]), f"{one['loss']:.2f}",
                 text(", ".join(f"{name} {value}" for name, value in one["options"].items())))
                for one in sorted(front, key=lambda one: one["bytes"])[:ROWS]]  # fmt: skip
        parts += ["## Other candidates", _table(("", "file", "loss, points", "options"), rows)]
    if facts["flip_examples"]:
        rows = [(text(one["sample"]), text(one["before"]), text(one["after"]), text(one["label"]) if "label" in one else "")
                for one in facts["flip_examples"][:ROWS]]  # fmt: skip
        parts += ["## Texts that flipped", _table(("text", "original", "compressed", "right"), rows)]
    return re.sub(r"\n\n(- )", r"\n\1", "\n\n".join(parts)).replace("## Limits\n-", "## Limits\n\n-") + "\n"


def _evaluation(facts: Facts) -> str:
    rows = []
    if "accuracy_after" in facts:
        rows.append(("accuracy", share(facts["accuracy_before"]), share(facts["accuracy_after"]),
                     f"{points(facts['accuracy_after'] - facts['accuracy_before'])} points, "
                     f"95 %: {interval(facts['accuracy_difference_interval'], 'points')}"))  # fmt: skip
        rows.append(("macro-F1", share(facts["macro_f1_before"]), share(facts["macro_f1_after"]),
                     f"{points(facts['macro_f1_after'] - facts['macro_f1_before'])} points, "
                     f"95 %: {interval(facts['macro_f1_difference_interval'], 'points')}"))  # fmt: skip
    rows.append(("same label", "", share(1 - facts["flip_share"]), f"{facts['flips']:,} differ"))
    rows.append(("largest difference of a score", "", "", number(facts["largest_score_difference"])))
    probabilities = facts.get("probabilities", {})
    if probabilities:
        rows.append(("largest difference of a probability", "", "", number(probabilities["largest_difference"])))
        rows.append(("its mean over texts", "", "", number(probabilities["mean_difference"])))
    if "calibration_error_before" in probabilities:
        rows.append(("expected calibration error", number(probabilities["calibration_error_before"]),
                     number(probabilities["calibration_error_after"]), ""))  # fmt: skip
    return _table(("", "original", "compressed", "difference"), rows)


def _certificate(facts: Facts) -> list[str]:
    found = facts.get("certificate")
    if not found:
        return [f"No certificate: {text(facts['certificate_reason'])}."]
    samples = max(facts["samples"], 1)
    rows = [(name, *(share(found[basis][level] / samples) for level in LEVELS), text(explanation))
            for basis, (name, explanation) in BASES.items() if basis in found]  # fmt: skip
    return [_table(("proof from", *(STATUS[level] for level in LEVELS), ""), rows)]


def _code(value: str) -> str:
    return f"`{value}`" if value.isalnum() else text(value)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def text(value: Any) -> str:
    r"""A label or a text as Markdown that shows it and nothing else.

    >>> text("a|b <script> [x](y)")
    'a\\|b \\<script\\> \\[x\\](y)'
    """
    words = visible(words_of(value))[:300]
    return _SPECIAL.sub(r"\\\1", words) if words.strip() else "(empty)"
