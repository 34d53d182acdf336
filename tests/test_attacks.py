"""Every attack in both runtimes: the file is refused by the rule that it breaks, or harmless; and neither costs memory.

tests/attacks makes the files; its page says what is claimed of each. benchmarks/attacks.py measures the time. A usual run
asks one attack in twenty of each file, other ones of the next; HYPOTHESIS_PROFILE=thorough asks all 15,000.
"""

from __future__ import annotations

import os
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import Any

import msgpack
import pytest
from attacks import Attack, asking, bundle, every, msgpack_bytes
from attacks.bases import Base, bases
from attacks.parts import assemble
from hypothesis import example, given
from hypothesis import strategies as st

from nlucompress import FormatError, header
from nlucompress._native import holds_h1

EVERY = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 20
MEMORY = 10 << 20  # bytes that Python may ask for while it refuses a file, or opens and asks it


@pytest.fixture
def traced() -> Iterator[None]:
    """Allocations are counted meanwhile, numpy's too."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def failures(attack: Attack, base: Base) -> list[str]:
    """What is wrong with the runtimes' answers, and with the memory that Python asked for."""
    wrong, said = [], ""
    for runtime in ("reference", "native"):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found, message = asking.outcome(attack.data, runtime)
        left = runtime == "native" and asking.LEFT_TO_PYTHON.search(said)
        said = message
        if not asking.holds(attack.claims, found) and not left:
            wrong.append(f"{attack.name}: {runtime}: {found} {message}, claimed: {attack.claims}")
        if found == "opens" or found.endswith("*"):
            asking.use(attack.data, base, runtime)
        peak = tracemalloc.get_traced_memory()[1] - before
        if peak > MEMORY:
            wrong.append(f"{attack.name}: {runtime}: {peak / 1e6:.1f} MB")
    return wrong


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("name", sorted(bases()))
def test_every_attack_is_refused_by_its_rule_or_harmless_in_both_runtimes(name: str) -> None:
    base, names, wrong = bases()[name], Counter[str](), []
    for number, (_, attack) in enumerate(every.of(base), sorted(bases()).index(name)):
        names[attack.name] += 1
        if number % EVERY == 0:
            wrong += failures(attack, base)
    assert wrong == []
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.usefixtures("traced")
def test_no_header_costs_much_memory() -> None:
    base = bases()["plain"]
    assert [wrong for attack in msgpack_bytes.bombs() for wrong in failures(attack, base)] == []


@pytest.mark.usefixtures("traced")
def test_every_bundle_is_refused_by_its_rule_or_harmless() -> None:
    wrong = []
    for attack in bundle.attacks():
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found = asking.use_bundle(attack)
        if not asking.holds(attack.claims, found):
            wrong.append(f"{attack.name}: {found}, claimed: {attack.claims}")
        peak = tracemalloc.get_traced_memory()[1] - before
        if peak > MEMORY:
            wrong.append(f"{attack.name}: {peak / 1e6:.1f} MB")
    assert wrong == []


def test_the_attacked_files_hold_all_rules_and_have_every_section_coder_and_analyzer() -> None:
    sections, coders, analyzers, needs = set(), set(), set(), set()
    for base in bases().values():
        assert assemble(base.header, base.sections)[12:] == base.data[12:] or base.data[10] == 2
        for runtime in asking.RUNTIMES:
            assert asking.outcome(base.data, runtime)[0] == "opens"
        sections |= set(base.sections)
        coders.add(base.coder)
        analyzers |= {space.get("analyzer", "word") for space in base.header["namespaces"]}
        needs |= set(base.header["requires"])
    text = resources.files("nlucompress").joinpath("FORMAT.md").read_text(encoding="utf-8")
    table = text[text.index("| section | length |") : text.index("* **M5**")]
    named = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) | set(re.findall(r"`(row_\w+)`", text))
    assert sections == named
    assert coders == {"plain", "dense", "pool", "coded"}
    assert analyzers == {"word", "char_wb", "features", "dict", "items", "fasttext"}
    assert needs >= {"tagging", "template", "shards", "rows.runs"}


def test_there_are_attacks_on_every_rule() -> None:
    folder = resources.files("attacks")
    source = "".join(part.read_text(encoding="utf-8") for part in folder.iterdir() if part.name.endswith(".py"))
    claimed = set(re.findall(r"[A-Z]\d+", " ".join(re.findall(r'"((?:[A-Z]\d+\*?|opens|\|)+)"', source))))
    text = resources.files("nlucompress").joinpath("FORMAT.md").read_text(encoding="utf-8")
    rules = set(re.findall(r"^\* \*\*([A-Z]\d+)\*\*", text, re.MULTILINE))
    assert rules - claimed == {"I2", "B10"}  # I2 is what a look-up does; B10's are in tests/test_bundle.py
    assert claimed - rules == {"S16"}  # a dtype


def test_a_wrong_claim_is_found() -> None:
    base = bases()["plain"]
    attack = next(attack for _, attack in every.of(base) if attack.claims == "H3")
    tracemalloc.start()
    assert failures(attack._replace(claims="S6|opens"), base)
    assert failures(attack._replace(data=base.data), base)
    assert not failures(attack, base)
    tracemalloc.stop()


# -- the walk over a header's bytes, against msgpack ------------------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(st.characters(codec="utf-8"))
)
keys = st.text(st.characters(codec="utf-8"), max_size=40)


@given(
    st.dictionaries(
        keys, st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)
    )
)
def test_what_msgpack_packs_is_taken_within_the_limits_and_given_back(value: dict[str, Any]) -> None:
    packed = msgpack.packb(value)
    try:
        found = header.unpack(packed)
    except FormatError as error:
        assert "levels" in str(error)  # noqa: PT017
        assert depth(value) > header.MAX_DEPTH
    else:
        assert repr(found) == repr(value)
        assert depth(value) <= header.MAX_DEPTH


def depth(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@given(st.binary(max_size=40), st.booleans())
@example(b"\x82\xa1a\x01\xa1a\x02", False)
@example(b"\x81\xa1a\xa1\xff", False)
@example(b"\x81\xa1a" * 9 + b"\xc0", False)
def test_the_core_takes_what_the_walk_takes_and_is_utf_8(data: bytes, inside: bool) -> None:
    head = b"\x82\xa1a\x93" + data if inside else data
    try:
        header.check(head)
        msgpack.unpackb(head)
    except ValueError:
        assert not holds_h1(head)
    else:
        assert holds_h1(head)


@given(st.lists(scalars, min_size=60, max_size=200), st.integers(0, 300), st.binary(max_size=3))
def test_a_long_array_is_walked_alike_wherever_it_ends_or_is_cut(items: list[Any], cut: int, tail: bytes) -> None:
    packed = msgpack.packb({"a": items})
    assert header.unpack(packed).keys() == {"a"}
    if tail:
        with pytest.raises(FormatError, match="H1"):
            header.unpack(packed + tail)
    with pytest.raises(FormatError, match="H1"):
        header.unpack(packed[: cut % len(packed)])


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_only_if_msgpack_takes_them(data: bytes) -> None:
    for head in (data, b"\x81\xa1a" + data, b"\x82\xa1a\x91" + data):
        try:
            found = header.unpack(head)
        except FormatError:
            continue
        assert repr(found) == repr(msgpack.unpackb(head))
