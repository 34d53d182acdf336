"""The index: its own slot for every feature, the same for every order, and what unknown strings find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mmh3
import numpy as np
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from nlucompress.errors import BuildError
from nlucompress.index import BLOCK_BITS, MAX_LEVELS, Index, build, check_values, find, hash_names, level_positions
from nlucompress.rows.bits import pack, unpack

names_drawn = st.lists(st.one_of(strategies.words, strategies.texts()), max_size=40, unique=True)
gammas = st.one_of(st.sampled_from([1.0, 1.5, 2.0, 4.0]), st.floats(1.0, 4.0))


def look_up(index: Index, features: Sequence[Sequence[str]]) -> list[int]:
    """The slots of features, as a reader finds them."""
    parts = [hash_names(names, seed) for names, seed in zip(features, index.seeds, strict=True)]
    hashes = np.concatenate(parts) if parts else np.empty((0, 2), np.uint64)
    return find(hashes, index.levels, index.blocks, index.n).tolist()


def numbered(n: int, prefix: str = "feature ") -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


# -- its own slot -----------------------------------------------------------------------------------------------------


@given(st.lists(names_drawn, min_size=1, max_size=4), gammas)
@example([[]], 1.0)
@example([["a"], ["a"], ["a"]], 1.0)
@example([[], ["a", "b"], []], 1.0)
def test_every_feature_of_every_namespace_has_its_own_slot(features: list[list[str]], gamma: float) -> None:
    index, slots, hashes = build(features, gamma)
    n = sum(map(len, features))
    assert index.n == n
    assert sorted(slots.tolist()) == list(range(n))
    assert look_up(index, features) == slots.tolist()
    assert hashes.shape == (n, 2)


@pytest.mark.parametrize("gamma", [1, 1.3, 2, 4])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 31, 32, 33, 100, 479, 480, 481, 1000, 5000])
def test_slots_are_a_permutation_for_every_number_of_features(n: int, gamma: float) -> None:
    index, slots, _ = build([numbered(n)], gamma)
    assert sorted(slots.tolist()) == list(range(n))
    assert look_up(index, [numbered(n)]) == slots.tolist()
    assert len(index.levels) <= MAX_LEVELS
    assert bool(index.levels) == (n > 0)


def test_equal_strings_in_several_namespaces_are_several_features() -> None:
    names = numbered(500)
    index, slots, _ = build([names, names, names])
    assert sorted(slots.tolist()) == list(range(1500))
    assert len(set(index.seeds)) == 3


def test_a_hundred_small_indexes_all_build() -> None:
    for n in range(1, 9):
        for start in range(100):
            names = [f"{start}/{i}" for i in range(n)]
            index, slots, _ = build([names])
            assert sorted(slots.tolist()) == list(range(n)) == sorted(look_up(index, [names]))


@given(names_drawn, names_drawn, st.randoms(use_true_random=False), gammas)
def test_the_order_of_features_does_not_matter_for_their_slots(
    one: list[str], two: list[str], random: Any, gamma: float
) -> None:
    index, slots, _ = build([one, two], gamma)
    shuffled = [random.sample(one, len(one)), random.sample(two, len(two))]
    again, moved, _ = build(shuffled, gamma)
    assert (index.levels, index.seeds) == (again.levels, again.seeds)
    np.testing.assert_array_equal(index.blocks, again.blocks)
    keyed = dict(zip([(0, name) for name in one] + [(1, name) for name in two], slots.tolist(), strict=True))
    names = [(space, name) for space, part in enumerate(shuffled) for name in part]
    assert moved.tolist() == [keyed[name] for name in names]


# -- hash -------------------------------------------------------------------------------------------------------------


@given(names_drawn, st.integers(0, (1 << 32) - 1))
def test_a_hash_is_mmh3s_of_the_utf8_bytes(names: list[str], seed: int) -> None:
    wanted = [mmh3.hash64(name.encode("utf-8", "surrogatepass"), seed, x64arch=True, signed=False) for name in names]
    assert [tuple(row) for row in hash_names(names, seed).tolist()] == wanted


def test_hashing_in_parts_is_hashing_at_once() -> None:
    names = numbered((1 << 16) + 5)
    hashes = hash_names(names, 7)
    for i in (0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 4):
        assert hashes[i].tolist() == hash_names([names[i]], 7)[0].tolist()


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1), st.integers(0, 127), st.integers(1, (1 << 31) - 1))
@example((1 << 64) - 1, (1 << 64) - 1, 127, (1 << 31) - 1)
@example(0, 0, 0, 1)
def test_positions_are_those_of_integer_arithmetic_and_below_the_size(h1: int, h2: int, level: int, size: int) -> None:
    position = level_positions(np.array([[h1, h2]], np.uint64), level, size).tolist()
    assert position == [plain_position(h1, h2, level, size)]
    assert 0 <= position[0] < size


# -- size -------------------------------------------------------------------------------------------------------------


def bits_a_feature(index: Index) -> float:
    return float(index.blocks.nbytes * 8 / index.n)


@pytest.mark.parametrize(("gamma", "most"), [(1.0, 2.95), (2.0, 3.55), (4.0, 5.5)])
def test_a_feature_costs_few_bits_rank_included(gamma: float, most: float) -> None:
    index, slots, _ = build([numbered(100_000)], gamma)
    np.testing.assert_array_equal(np.sort(slots), np.arange(100_000))
    assert bits_a_feature(index) <= most
    # γ·e^(1/γ) bits a feature, of which 512 are stored for each 480
    assert bits_a_feature(index) == pytest.approx(gamma * math.exp(1 / gamma) * 512 / 480, rel=0.02)


# -- an independent reader: FORMAT.md, section 6, in Python's integers --------------------------------------------------


def plain_position(h1: int, h2: int, level: int, size: int) -> int:
    x = (h1 + level * h2) % (1 << 64)
    y = (x % (1 << 32)) ^ (x >> 32)
    y ^= y >> 16
    y = y * 0x85EBCA6B % (1 << 32)
    y ^= y >> 13
    y = y * 0xC2B2AE35 % (1 << 32)
    y ^= y >> 16
    return y * size >> 32


def plain_find(name: str, seed: int, levels: Sequence[int], blocks: bytes, n: int) -> int | None:
    """The slot of a name, read bit by bit from the bytes of the section ``index``; None: not found."""
    digest = mmh3.hash_bytes(name.encode("utf-8", "surrogatepass"), seed, x64arch=True)
    h1, h2 = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    start = 0
    for level, size in enumerate(levels):
        position = start + plain_position(h1, h2, level, size)
        start += size
        block = blocks[position // 480 * 64 : position // 480 * 64 + 64]
        bits = int.from_bytes(block[4:], "little")  # bit b of the block's 480 is bit b % 32 of word 1 + b // 32
        place = position % 480
        if bits >> place & 1:
            slot = int.from_bytes(block[:4], "little") + bin(bits & ((1 << place) - 1)).count("1")
            return slot if slot < n else None
    return None


@given(st.lists(names_drawn, min_size=1, max_size=3), gammas, names_drawn)
def test_an_independent_reader_finds_the_same_slots(features: list[list[str]], gamma: float, others: list[str]) -> None:
    index, slots, _ = build(features, gamma)
    data = index.blocks.astype("<u4").tobytes()
    found = [
        plain_find(name, seed, index.levels, data, index.n)
        for names, seed in zip(features, index.seeds, strict=True)
        for name in names
    ]
    assert found == slots.tolist()
    for seed in index.seeds:
        foreign = [plain_find(name, seed, index.levels, data, index.n) for name in others]
        ours = find(hash_names(others, seed), index.levels, index.blocks, index.n).tolist()
        assert [-1 if slot is None else slot for slot in foreign] == ours


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_an_independent_reader_finds_the_slots_of_a_large_index(gamma: float) -> None:
    names = numbered(20_000)
    index, slots, _ = build([names[:12_000], names[12_000:]], gamma)
    data = index.blocks.astype("<u4").tobytes()
    for i in range(0, 20_000, 41):
        assert plain_find(names[i], index.seeds[i >= 12_000], index.levels, data, 20_000) == slots[i]
    assert len(data) == 64 * -(-sum(index.levels) // 480)


def test_an_independent_reader_finds_the_same_check_bits_in_the_records() -> None:
    names = numbered(300)
    index, slots, hashes = build([names])
    for bits, extra in ((1, 0), (8, 3), (13, 0), (32, 24)):
        records = np.empty(300, np.uint64)
        records[slots] = check_values(hashes, bits) | np.uint64(5 << bits if extra else 0)
        packed = pack(records, bits + extra)
        everything = int.from_bytes(packed.tobytes(), "little")
        for i, name in enumerate(names):
            h2 = int.from_bytes(mmh3.hash_bytes(name.encode(), index.seeds[0], x64arch=True)[8:], "little")
            record = everything >> (int(slots[i]) * (bits + extra)) & ((1 << (bits + extra)) - 1)
            assert record & ((1 << bits) - 1) == (h2 >> 32) & ((1 << bits) - 1)
            assert record >> bits == (5 if extra else 0)


def test_the_blocks_padding_bits_are_zero_and_their_ranks_count_the_bits_before() -> None:
    index, _, _ = build([numbered(1000)])
    bits = np.unpackbits(index.blocks[:, 1:].astype("<u4").reshape(-1).view(np.uint8), bitorder="little")
    assert bits[sum(index.levels) :].sum() == 0
    ones = bits.reshape(-1, BLOCK_BITS).sum(axis=1)
    assert index.blocks[:, 0].tolist() == [0, *np.cumsum(ones)[:-1].tolist()]
    assert ones.sum() == 1000


# -- unknown strings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0, 1, 4, 8, 12])
def test_an_unknown_string_passes_with_two_to_the_minus_check_bits(bits: int) -> None:
    index, slots, hashes = build([numbered(10_000)])
    records = np.empty(10_000, np.uint64)
    records[slots] = check_values(hashes, bits)
    stored = unpack(pack(records, bits), bits, np.arange(10_000))
    trials = 200_000
    foreign = hash_names(numbered(trials, "unknown "), index.seeds[0])
    found = find(foreign, index.levels, index.blocks, index.n)
    met = found >= 0
    assert met.mean() > 0.99  # almost every unknown string finds somebody's slot: that is what check bits are for
    passed = (stored[found[met]] == check_values(foreign[met], bits)).sum()
    expected = met.sum() * 2.0**-bits
    assert abs(passed - expected) <= 5 * math.sqrt(expected) + 1


def test_an_unknown_string_finds_slots_evenly() -> None:
    index, _, _ = build([numbered(1000)])
    found = find(hash_names(numbered(100_000, "unknown "), 0), index.levels, index.blocks, 1000)
    counts = np.bincount(found[found >= 0], minlength=1000)
    assert counts.min() > 20
    assert counts.max() < 1000


def test_the_empty_index_finds_nothing() -> None:
    index, slots, _ = build([[], []])
    assert len(slots) == 0
    assert index.blocks.shape == (0, 16)
    assert look_up(index, [["a", ""], ["b"]]) == [-1, -1, -1]


# -- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1000, 1 << 20, (1 << 32) - 1])
def test_a_damaged_rank_is_not_found_rather_than_out_of_bounds(rank: int) -> None:
    names = numbered(1000)
    index, _, _ = build([names])
    damaged = index.blocks.copy()
    damaged[:, 0] = rank
    assert set(find(hash_names(names, 0), index.levels, damaged, 1000).tolist()) == {-1}


@given(st.integers(0, 1 << 32))
def test_random_blocks_give_slots_below_n_or_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levels = tuple(rng.integers(1, 700, rng.integers(1, 5)).tolist())
    blocks = rng.integers(0, 1 << 32, (-(-sum(levels) // BLOCK_BITS), 16), dtype=np.uint32)
    n = int(rng.integers(1, sum(levels) + 1))
    blocks[:, 0] %= max(1, n)
    slots = find(hash_names(numbered(50), 0), levels, blocks, n)
    assert ((slots >= -1) & (slots < n)).all()


# -- refused ----------------------------------------------------------------------------------------------------------


def test_features_that_stand_twice_are_named_with_their_namespace() -> None:
    with pytest.raises(BuildError, match="namespace 1: 2 features stand more than once: 'a', 'é'"):
        build([["a", "b"], ["é", "a", "c", "a", "é", "é"], ["a"]])


def test_of_many_features_that_stand_twice_the_first_five_are_named() -> None:
    names = numbered(1000) * 2
    with pytest.raises(BuildError, match="1000 features stand more than once") as raised:
        build([names])
    assert str(raised.value).count("feature ") <= 6
    assert "…" in str(raised.value)


@pytest.mark.parametrize("gamma", [0, 0.999, -1, 16.001, math.inf, math.nan])
def test_a_gamma_out_of_range_is_refused_with_value_and_limit(gamma: float) -> None:
    with pytest.raises(BuildError, match=rf"gamma: {gamma} is not in 1\.\.16"):
        build([["a"]], gamma)


def test_too_many_features_are_refused_before_anything_is_hashed() -> None:
    many: Any = range(1 << 30)
    with pytest.raises(BuildError, match="2\\^31"):
        build([many], 2.0)
