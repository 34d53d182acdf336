"""What the page and the card say in the same words: the verdict, the levels of the certificate, the provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .numbers import interval, part, points, share, size

Facts = Mapping[str, Any]
LEVELS = ("certain", "unless", "equal", "changed")
STATUS = {
    "certain": "certain",
    "unless": "certain unless a false positive",
    "equal": "merely equal",
    "changed": "changed",
}
BASES = {
    "errors": ("sizes of errors", "Σ |x| · |Δw|, as if all errors pushed the same way: what this report goes by"),
    "difference": ("signed errors", "the margin that is left, with its rounding"),
    "largest": (
        "largest error",
        "margin > 2 · largest |Δw| · Σ |x|: a device can tell without the original; exact norm only",
    ),
}


def proven(facts: Facts) -> float:
    """The share of labels that stand, unless an unknown n-gram passes that did not."""
    found = facts["certificate"]["errors"]
    return float((found["certain"] + found["unless"] - found["unless_passing"]) / max(facts["samples"], 1))


def verdict(facts: Facts) -> str:
    """What compression cost, in a few sentences."""
    words = [f"The file has {size(facts['bytes'])}"]
    if facts.get("source_bytes"):
        words[0] += f", {part(facts['bytes'], facts['source_bytes'])} of the original’s {size(facts['source_bytes'])}"
    words[0] += "."
    if facts["flips"]:
        words.append(f"{facts['flips']:,} of {facts['samples']:,} labels differ from the original’s "
                     f"({share(facts['flip_share'])})")  # fmt: skip
        if "right_to_wrong" in facts:
            words[-1] += f": {facts['right_to_wrong']:,} turned wrong, {facts['wrong_to_right']:,} right"
        words[-1] += "."
    else:
        words.append(f"All {facts['samples']:,} labels are the original’s.")
    if "accuracy_after" in facts:
        difference = facts["accuracy_after"] - facts["accuracy_before"]
        ends = facts["accuracy_difference_interval"]
        words.append(f"Accuracy went from {share(facts['accuracy_before'])} to {share(facts['accuracy_after'])}, "
                     f"{points(difference)} points (95 % interval {interval(ends, 'points')}"
                     f"{', which includes no change' if ends[0] <= 0 <= ends[1] else ''}).")  # fmt: skip
    if facts.get("certificate"):
        words.append(f"{share(proven(facts))} of the labels provably cannot have changed.")
    return " ".join(words)


def provenance(facts: Facts) -> Iterator[tuple[str, Any, bool]]:
    """What was made of what, with what: (name, value, whether it is a code)."""
    model = facts["model"]
    for name, value in _mapping(model.get("source")).items():
        yield f"original: {name}", value, False
    yield "original’s fingerprint", str(model.get("fingerprint", "")), True
    yield "made from this original", "yes" if facts["same_source"] else "no", False
    for name, digest in facts.get("sha256", {}).items():
        yield f"SHA-256 of the {name}", digest, True
    yield "options", ", ".join(f"{name} {value}" for name, value in _mapping(model.get("options")).items()), False
    yield "rows", model["coder"], False
    yield "written by", str(model.get("writer", "")), False
    yield "checked by", ", ".join(f"{name} {value}" for name, value in facts["versions"].items()), False
    yield (
        "features",
        f"{model['features']:,} of the original’s {facts['source_features']:,}",
        False,
    )
    yield "classes", f"{model['classes']:,}, {model['task']}, link {model['link']}", False


def _mapping(value: Any) -> Mapping[str, Any]:
    """What a file says about itself may be anything."""
    return value if isinstance(value, Mapping) else {}
