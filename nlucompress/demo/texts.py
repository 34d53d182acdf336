"""A user's own texts and labels, for the demo: read with every line checked, and split into training and test."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data import read_jsonl

Record = dict[str, Any]

TEST_SHARE = 0.2  # of a label's texts
MIN_TEXTS = 10  # fewer cannot be trained on and tested


def read_texts(path: Path) -> list[Record]:
    """Records of a JSONL file (gzipped if its name ends in .gz): an object a line with the fields text and label.

    Other fields are ignored, blank lines skipped. A text that stands twice counts once, with its first label. Labels
    are strings or integers, not both.

    Raises ValueError with file, line and what is missing; for fewer than two labels; for fewer than MIN_TEXTS texts.
    """
    kept: dict[str, Record] = {}
    for number, row in read_jsonl(path):
        place = f"{path}, line {number}"
        for field, types in (("text", (str,)), ("label", (str, int))):
            if field not in row:
                fields = ", ".join(map(repr, row)) or "none"
                raise ValueError(f"{place}: field {field!r} is missing (fields: {fields})")
            if not isinstance(row[field], types) or isinstance(row[field], bool):
                expected = " or ".join(_KINDS[kind] for kind in types)
                raise ValueError(f"{place}: {field} {_shown(row[field])} is {_kind(row[field])}, expected {expected}")
            if re.search("[\ud800-\udfff]", str(row[field])):
                raise ValueError(
                    f"{place}: {field} {_shown(row[field])} has half of a surrogate pair: not Unicode text"
                )
        record = {"text": row["text"], "label": row["label"]}
        first = next(iter(kept.values()), record)
        if type(first["label"]) is not type(record["label"]):
            raise ValueError(
                f"{place}: label {record['label']!r} is {_kind(record['label'])}, but the file's first label, "
                f"{first['label']!r}, is {_kind(first['label'])}"
            )
        kept.setdefault(record["text"], record)
    records = list(kept.values())
    if len(records) < MIN_TEXTS:
        raise ValueError(f"{path}: {len(records)} different texts, at least {MIN_TEXTS} are needed to train and test")
    labels = {record["label"] for record in records}
    if len(labels) < 2:
        raise ValueError(
            f"{path}: all {len(records)} texts have the label {labels.pop()!r}, at least 2 labels are needed"
        )
    return records


def split_texts(
    records: Sequence[Record], seed: int = 0, share: float = TEST_SHARE
) -> tuple[list[Record], list[Record]]:
    """Records for training and for test: a share of each label's texts (at least one if it has two) is for test.

    Which ones depends on the text and the seed alone, not on the order of the records.

    Raises ValueError if no label has two texts.
    """
    groups: dict[Any, list[Record]] = {}
    for record in records:
        groups.setdefault(record["label"], []).append(record)
    held: set[str] = set()
    for group in groups.values():
        count = max(1, round(share * len(group))) if len(group) > 1 else 0
        held.update(sorted((record["text"] for record in group), key=lambda text: _order(text, seed))[:count])
    if not held:
        raise ValueError(
            f"{len(records)} texts with {len(groups)} labels: no label has 2 texts, so none is left to test on"
        )
    train = [record for record in records if record["text"] not in held]
    return train, [record for record in records if record["text"] in held]


_KINDS: dict[type, str] = {
    str: "a string", int: "an integer", bool: "a boolean", float: "a number with a fraction", list: "a list",
    dict: "an object", type(None): "null",
}  # fmt: skip


def _kind(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _order(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{text}".encode("utf-8", "surrogatepass")).digest()
