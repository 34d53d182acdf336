"""SECURITY.md names a test for each promise: it must be there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`tests/(\w+\.py)::(\w+)`", TEXT)
    assert len(named) > 15
    for file, name in named:
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), (file, name)


def test_every_promise_names_a_test() -> None:
    promises = TEXT.split("## What is promised")[1].split("\n## ")[0].split("\n* ")[1:]
    assert len(promises) >= 8
    for promise in promises:
        assert "`tests/" in promise, promise
