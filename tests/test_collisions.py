"""What someone can do who chooses features: MurmurHash3 is no cryptographic hash, and check bits are no signature.

Two texts of 32 bytes with one 128-bit hash are made by a few thousand tries, for every seed at once: a difference in the
top bit of the state goes through its additions and multiplications unchanged, so the next block can take it back
(Aumasson, Bernstein: SipHash, 2012, section 7, has such multicollisions of MurmurHash3).
"""

from __future__ import annotations

import mmh3
import numpy as np
import pytest

import nlucompress
from nlucompress import BuildError, bundle, index
from nlucompress.linear import LinearModel, Namespace

MULTIPLIERS = 0x87C37B91114253D5, 0x4CF5AD432745937F  # of MurmurHash3_x64_128
Words = np.ndarray[tuple[int], np.dtype[np.uint64]]


def rotated(words: Words, by: int) -> Words:
    return (words << np.uint64(by)) | (words >> np.uint64(64 - by))


def twins(half: int, bit: int) -> tuple[str, str]:
    """Two texts of 8 bytes that differ, in this bit alone, by what MurmurHash3 makes of them as this half of a block."""
    first, second = np.uint64(MULTIPLIERS[half]), np.uint64(MULTIPLIERS[1 - half])
    turn = (31, 33)[half]
    letters = [chr(code).encode() for code in range(0x80, 0x800) if chr(code).isalpha()]
    drawn = np.random.default_rng(half).integers(0, len(letters), (1 << 16, 4))
    words = np.frombuffer(b"".join(letters[i] for i in drawn.ravel().tolist()), np.uint64)
    mixed = (rotated(words * first, turn) * second) ^ np.uint64(1 << bit)
    back = (np.uint64(pow(int(number), -1, 1 << 64)) for number in (second, first))
    others = rotated(mixed * next(back), 64 - turn) * next(back)
    for word, other in zip(words, others, strict=True):
        text = other.tobytes().decode("utf-8", "replace")
        if text.isprintable() and "\ufffd" not in text:
            return word.tobytes().decode(), text
    raise AssertionError("no twins among 65,536 texts")


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """Two features with one hash, whatever the seed."""
    blocks = [twins(0, 36), twins(1, 32), twins(0, 63)]  # the second half of the second block is "the end." in both
    one, other = ("".join(block[i] for block in blocks) + "the end." for i in (0, 1))
    assert one != other
    return one, other


def model_of(features: tuple[str, ...]) -> LinearModel:
    weights = (1.0 + np.arange(len(features)) % 3)[:, None] * [1.0, -1.0]
    return LinearModel((Namespace("f", analyzer="features"),), (features,), weights, np.zeros(2), np.array(["a", "b"]))


def test_two_features_can_be_made_that_share_all_128_bits_under_every_seed(pair: tuple[str, str]) -> None:
    for seed in [*range(200), *index.seeds_of(8), *index.seeds_of(8, 3), 0xFFFFFFFF]:
        one, other = (mmh3.mmh3_x64_128_digest(text.encode(), seed) for text in pair)
        assert one == other
    for names in (["play", pair[0]], ["play", pair[1]]):
        np.testing.assert_array_equal(index.hash_names(names, 5)[1], index.hash_names([pair[0]], 5)[0])


def test_features_of_one_hash_are_refused_by_name(pair: tuple[str, str]) -> None:
    with pytest.raises(BuildError) as error:
        nlucompress.compress(model_of(("play", pair[0], "stop", pair[1])))
    assert repr(pair[0]) in str(error.value)
    assert repr(pair[1]) in str(error.value)
    assert "namespace 0" in str(error.value)


def test_names_of_one_hash_do_not_go_into_one_bundle(pair: tuple[str, str], tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = nlucompress.compress(model_of(("play",))).data
    bundle.create(tmp_path / "b.nlub", {pair[0]: data})
    before = (tmp_path / "b.nlub").read_bytes()
    with pytest.raises(BuildError, match="one hash"):
        bundle.add(tmp_path / "b.nlub", {pair[1]: data})
    assert (tmp_path / "b.nlub").read_bytes() == before
    with bundle.Bundle(tmp_path / "b.nlub") as opened:
        assert pair[1] not in opened  # a bundle compares whole names


def test_a_made_twin_of_a_feature_passes_for_it_at_any_check_bits(pair: tuple[str, str]) -> None:
    model = nlucompress.compress(model_of(("play", pair[0])), check_bits=32).model()
    assert model.lookup(pair[1]) == model.lookup(pair[0]) != None  # noqa: E711
    scores = model.decision_function([[pair[0]], [pair[1]], ["other"]])
    np.testing.assert_array_equal(scores[0], scores[1])  # the answer of a feature that is there: no other harm
    assert not scores[2].any()


@pytest.mark.parametrize("bits", [8, 32])
def test_a_file_confirms_a_guess_and_denies_others_as_often_as_its_check_bits_say(bits: int) -> None:
    features = tuple(f"secret {number}" for number in range(2000))
    model = nlucompress.compress(model_of(features), check_bits=bits).model()
    assert model.lookup_many(list(features))[1].all()
    count = 200_000
    passed = int(model.lookup_many([f"guess {number}" for number in range(count)])[1].sum())
    if bits == 32:
        assert passed == 0
    else:
        assert 0.8 < passed / (count / 256) <= 1.1
