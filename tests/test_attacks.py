"""Every attack in both runtimes: the file is refused by the rule that it breaks, or harmless; and neither costs memory.

tests/attacks makes the files; its page says what is claimed of each. benchmarks/attacks.py measures the time. All 15,000
are opened and verified. What opens is asked, and memory counted, of one in twenty of each file, other ones of the next;
HYPOTHESIS_PROFILE=thorough asks all.
"""

from __future__ import annotations

import os
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
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
LABELS = 4 << 22  # of a file that opens, also for the array of its labels (M4)


@pytest.fixture
def traced() -> Iterator[None]:
    """Allocations are counted meanwhile, numpy's too."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def outcomes(attack: Attack) -> tuple[list[str], list[str]]:
    """What each runtime makes of a file, and what is wrong with it: an outcome is not claimed, or the two differ."""
    found, messages = zip(*(asking.outcome(attack.data, runtime) for runtime in ("reference", "native")), strict=True)
    left = asking.LEFT_TO_PYTHON.search(messages[0])
    wrong = [f"{attack.name}: {one} {message}, claimed: {attack.claims}"
             for one, message in zip(found, messages, strict=True) if not asking.holds(attack.claims, one)]  # fmt: skip
    when = [one if one == "opens" else one[-1:] == "*" for one in found]
    if when[0] != when[1] and not left:
        wrong.append(f"{attack.name}: the reference says {found[0]}, the core {found[1]}")
    return list(found), wrong


def harm(attack: Attack, base: Base) -> list[str]:
    """What is wrong with a file that opens when everything is asked of it, and with the memory that Python asked for."""
    wrong = []
    for runtime in asking.RUNTIMES:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found, _ = asking.outcome(attack.data, runtime)
        opens = found == "opens" or found.endswith("*")
        if opens:
            asking.use(attack.data, base, runtime)
        peak = tracemalloc.get_traced_memory()[1] - before
        if peak > MEMORY + LABELS * opens:
            wrong.append(f"{attack.name}: {runtime}: {peak / 1e6:.1f} MB")
    return wrong


def test_every_attack_is_refused_by_its_rule_or_opens_in_both_runtimes_and_every_rule_refuses_one() -> None:
    names, wrong, rules = Counter[str](), list[str](), (set[str](), set[str]())
    for _, base, attack in every.every():
        names[f"{base.name} {attack.name}"] += 1
        assert attack.data != base.data, attack.name
        found, more = outcomes(attack)
        wrong += more
        for said, one in zip(rules, found, strict=True):
            said.add(one.rstrip("*"))
    assert wrong == []
    assert [name for name, count in names.items() if count > 1] == []
    text = resources.files("nlucompress").joinpath("FORMAT.md").read_text(encoding="utf-8")
    known = {rule for rule in re.findall(r"^\* \*\*([A-Z]\d+)\*\*", text, re.MULTILINE) if rule[0] != "B"}
    assert rules[1] == known - {"I2"} | {"opens"}  # I2 is what a look-up does
    assert rules[0] == {rule for rule in rules[1] if rule[0] != "T"} | {"T"}


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("name", sorted(bases()))
def test_an_attack_does_no_harm_and_costs_no_memory(name: str) -> None:
    base, wrong, asked = bases()[name], [], 0
    for number, (_, attack) in enumerate(every.of(base), sorted(bases()).index(name)):
        if number % EVERY == 0:
            wrong += harm(attack, base)
            asked += 1
    assert wrong == []
    assert asked > 2


@pytest.mark.usefixtures("traced")
def test_no_header_costs_much_memory() -> None:
    base = bases()["plain"]
    for attack in msgpack_bytes.bombs():
        assert outcomes(attack)[1] + harm(attack, base) == []


@pytest.mark.usefixtures("traced")
def test_every_bundle_is_refused_by_its_rule_or_harmless(tmp_path: Path) -> None:
    whole, wrong, rules = Attack("whole", bundle.whole(), "opens"), [], set()
    assert asking.use_bundle(whole, tmp_path / "b.nlub") == "opens"
    for attack in bundle.attacks():
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found = asking.use_bundle(attack, tmp_path / "b.nlub")
        rules.add(found)
        if not asking.holds(attack.claims, found):
            wrong.append(f"{attack.name}: {found}, claimed: {attack.claims}")
        peak = tracemalloc.get_traced_memory()[1] - before
        if peak > MEMORY:
            wrong.append(f"{attack.name}: {peak / 1e6:.1f} MB")
    assert wrong == []
    text = resources.files("nlucompress").joinpath("FORMAT.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\* \*\*(B\d+)\*\*", text, re.MULTILINE))
    assert rules == known - {"B10"} | {"opens"}  # B10's are in tests/test_bundle.py


def test_the_attacked_files_hold_all_rules_and_have_every_section_coder_and_analyzer() -> None:
    sections, coders, analyzers, needs = set(), set(), set(), set()
    for base in bases().values():
        assert assemble(base.header, base.sections)[64:] == base.data[64:]  # before it are versions and checksums
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


def test_a_wrong_claim_is_found() -> None:
    base = bases()["plain"]
    attack = next(attack for _, attack in every.of(base) if attack.claims == "H3")
    assert outcomes(attack) == (["H3", "H3"], [])
    assert len(outcomes(attack._replace(claims="S6|opens"))[1]) == 2
    assert len(outcomes(attack._replace(data=base.data))[1]) == 2


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
