"""Features to slots: a multi-level perfect hash in bit arrays, with rank, that stores no feature.

Level 0 is an array of γ·n bits. A feature alone in its cell sets it to 1 and is placed; features that share a cell go on
to the next level, an array of γ·(features left) bits, under the next hash. The levels are joined to one array; the number
of 1s before a feature's bit, its rank, is its slot. (Limasset, Rizk, Chikhi, Peterlongo: Fast and Scalable Minimal
Perfect Hashing for Massive Key Sets, SEA 2017; with γ = 1 it takes e bits a feature.) The bits lie in blocks of 16
32-bit words: the block's rank, then 480 bits, so that a probe and its rank touch one cache line: e·512/480 = 2.90 bits.

A feature is hashed once, to the 128 bits (h1, h2) of MurmurHash3_x64_128 with its namespace's seed; the hash of level l
is fmix32(low ^ high) of the 64-bit sum h1 + l·h2, and reduces to a position by a 32x32->64 multiplication. Check bits are
the low bits of h2's high word. FORMAT.md, "Index", is normative.

A large index is cut into 2^s shards by the leading s bits of h1. A shard has levels of its own and is built alone; its bits
begin with a block, and ranks count through all shards, so that slots are 0..n-1 as ever. Those bits do not decide check
bits, and a position at level 0 is a hash of them XOR h1's low bits, which they say nothing of. s follows from n alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import mmh3
import numpy as np
import numpy.typing as npt

from .backend import backend
from .errors import BuildError

BLOCK_BITS = 480  # of the 512 in a block; the first 32 are its rank
MAX_LEVELS = 128
MAX_SHARD_BITS = 12
SHARD_FEATURES = 1 << 22  # in a shard, at most, on average
Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]  # (n, 2): h1, h2 of each feature


@dataclass(frozen=True, eq=False)
class Shards:
    """Where the levels of 2^bits shards are: shard k has levels firsts[k]..firsts[k+1], of sizes[i] bits from starts[i] on.

    firsts: (2^bits + 1,) uint32; starts, sizes: (number of levels,) uint32, starts in bits of the whole array.
    """

    bits: int
    firsts: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.uint32]
    sizes: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, levels: Sequence[Sequence[int]]) -> Shards:
        """From the levels of each shard, which begins with a block."""
        firsts = np.cumsum([0, *map(len, levels)])
        sizes = np.array([size for shard in levels for size in shard], np.int64)
        starts = level_starts(firsts, sizes)
        bits = (len(levels) - 1).bit_length()
        return cls(bits, firsts.astype("<u4"), starts.astype("<u4"), sizes.astype("<u4"))


@dataclass(frozen=True, eq=False)
class Index:
    """levels: bits of each level; blocks: (n_blocks, 16) uint32; seeds: one a namespace; n: how many features.

    shards: where there are several; then ``levels`` is empty.
    """

    n: int
    levels: tuple[int, ...]
    blocks: npt.NDArray[np.uint32]
    seeds: tuple[int, ...]
    shards: Shards | None = None


def hash_names(names: Sequence[str], seed: int) -> Hashes:
    """The two 64-bit halves of MurmurHash3_x64_128 of each name's UTF-8 bytes: (len(names), 2) uint64.

    >>> [hex(half) for half in hash_names(["the beatles"], seed=0)[0]]
    ['0x1edb658d5b366b98', '0x890c8dc5570a7fad']
    """
    if backend() == "native":
        from ._native import hash_names as native

        return np.frombuffer(native(names if type(names) is list else list(names), seed), "<u8").reshape(-1, 2)
    digest = mmh3.mmh3_x64_128_digest
    out = np.empty((len(names), 2), "<u8")
    for start in range(0, len(names), 1 << 16):  # a bytes object a name would cost four times its 16 bytes
        part = names[start : start + (1 << 16)]
        try:
            joined = b"".join([digest(name.encode("utf-8", "surrogatepass"), seed) for name in part])
        except AttributeError:
            number = next(i for i, name in enumerate(names) if not isinstance(name, str))
            raise TypeError(f"name {number} is not a str") from None
        out[start : start + len(part)] = np.frombuffer(joined, "<u8").reshape(-1, 2)
    return out


def level_positions(hashes: Hashes, level: int, size: int) -> Integers:
    """Where each feature falls in an array of ``size`` bits, at one level: (n,) int64 below size."""
    mixed = hashes[:, 0] + np.uint64(level) * hashes[:, 1]
    x = (mixed ^ (mixed >> np.uint64(32))).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    positions: Integers = ((x.astype(np.uint64) * np.uint64(size)) >> np.uint64(32)).astype(np.int64)
    return positions


def check_values(hashes: Hashes, bits: int) -> npt.NDArray[np.uint64]:
    """The check bits of each feature: the low ``bits`` of the high word of h2."""
    checks: npt.NDArray[np.uint64] = (hashes[:, 1] >> np.uint64(32)) & np.uint64((1 << bits) - 1)
    return checks


def level_starts(firsts: Integers, sizes: Integers) -> Integers:
    """Where the levels of shards start: each where the one before ends, the first of a shard with a block."""
    starts, start = np.empty(len(sizes), np.int64), 0
    for first, last in pairwise(firsts.tolist()):
        ends = start + np.cumsum(sizes[first:last])
        starts[first:last] = ends - sizes[first:last]
        start = -(-int(ends[-1] if last > first else start) // BLOCK_BITS) * BLOCK_BITS
    return starts


def shard_bits(n: int) -> int:
    """log2 of the number of shards of n features: the least that leaves at most SHARD_FEATURES to a shard, on average.

    >>> shard_bits(1 << 22), shard_bits((1 << 22) + 1), shard_bits(10**8)
    (0, 1, 5)
    """
    return min((max(n - 1, 0) // SHARD_FEATURES).bit_length(), MAX_SHARD_BITS)


def shard_of(hashes: Hashes, bits: int) -> Integers:
    """The shard of each feature, the leading ``bits`` of h1: (n,) int64."""
    return (hashes[:, 0] >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(hashes), np.int64)


def seeds_of(namespaces: int, attempt: int = 0) -> tuple[int, ...]:
    """The seed of each namespace, at the first attempt or a later one.

    The seeds lie far apart, because MurmurHash3 sees no difference between a few zero bytes under one seed and some more of
    them under another that differs in few bits.
    """
    return tuple((namespace * 0x9E3779B1 + attempt * 0x85EBCA77) % (1 << 32) for namespace in range(namespaces))


def check_limits(n: int, gamma: float) -> None:
    """Raise BuildError unless an index of n features can be built with this gamma."""
    if not 1.0 <= gamma <= 16.0:
        raise BuildError(f"gamma: {gamma} is not in 1..16")
    if n * gamma >= 1 << 31 or n * (gamma + 2) >= 1 << 32:  # all levels together: γ·e^(1/γ) < γ + 2 bits a feature
        raise BuildError(f"{n} features at gamma {gamma}: the limits are 2^31 bits a level and 2^32 in all")


def build(features: Sequence[Sequence[str]], gamma: float = 1.0) -> tuple[Index, Integers, Hashes]:
    """Index lists of features, one a namespace. Returns the index, each feature's slot (0..n-1, a permutation) and hash.

    features: distinct names in each namespace; the same name in two namespaces is two features. gamma: bits of a level
    for each feature that reaches it, ≥ 1: more bits, fewer probes. Memory: below 100 bytes a feature; time: linear.

    Raises BuildError if gamma is below 1 or above 16, if there are more than 2^31 / gamma features, if a feature
    stands twice in a namespace (naming it), or if features were made so that they share their hash under every seed.

    >>> index, slots, _ = build([["play", "yesterday"], ["play"]])
    >>> sorted(slots.tolist())
    [0, 1, 2]
    """
    n = sum(map(len, features))
    check_limits(n, gamma)
    for attempt in range(4):  # other seeds, should two of n features share 128 bits: n^2 / 2^129
        seeds = seeds_of(len(features), attempt)
        parts = [hash_names(names, seed) for names, seed in zip(features, seeds, strict=True)]
        hashes = np.concatenate(parts) if parts else np.empty((0, 2), np.uint64)
        if bits := shard_bits(n):
            shards, blocks, slots, left = _place_shards(hashes, gamma, bits)
            if not len(left):
                return Index(n, (), blocks, seeds, shards), slots, hashes
        else:
            levels, blocks, slots, left = place(hashes, gamma)
            if not len(left):
                return Index(n, levels, blocks, seeds), slots, hashes
        _refuse_duplicates(features, left)
    raise BuildError(_not_placed(features, hashes, left))


def _place_shards(hashes: Hashes, gamma: float, bits: int
                  ) -> tuple[Shards, npt.NDArray[np.uint32], Integers, Integers]:  # fmt: skip
    """As ``place``, shard by shard."""
    shard = shard_of(hashes, bits)
    order = np.argsort(shard, kind="stable")
    ends = np.cumsum(np.bincount(shard, minlength=1 << bits)).tolist()
    slots, done = np.empty(len(hashes), np.int64), 0
    levels, blocks, left = [], [], []
    for first, last in pairwise([0, *ends]):
        part = order[first:last]
        sizes, block, slot, rest = place(hashes[part], gamma)
        block[:, 0] += np.uint32(done)
        slots[part] = slot + done
        done += len(part)
        levels.append(sizes)
        blocks.append(block)
        left.append(part[rest])
    return Shards.of(levels), np.concatenate(blocks), slots, np.concatenate(left)


def place(hashes: Hashes, gamma: float
          ) -> tuple[tuple[int, ...], npt.NDArray[np.uint32], Integers, Integers]:  # fmt: skip
    """Levels, blocks, slots, and the numbers of the features that are left after the last level: those of equal hashes."""
    n = len(hashes)
    slots = np.empty(n, np.int64)
    levels: list[int] = []
    packed: list[npt.NDArray[np.bool_]] = []
    left = np.arange(n)
    done = 0
    while len(left) and len(levels) < MAX_LEVELS:
        size = math.ceil(gamma * len(left))
        position = level_positions(hashes if len(left) == n else hashes[left], len(levels), size)
        alone = np.bincount(position, minlength=size) == 1
        placed = alone[position]
        rank = np.cumsum(alone, dtype=np.int64)
        slots[left[placed]] = done + rank[position[placed]] - 1
        done += int(rank[-1])
        levels.append(size)
        packed.append(alone)
        left = left[~placed]
    return tuple(levels), blocks_of(packed), slots, left


def blocks_of(levels: list[npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint32]:
    """Join the levels' bits to blocks of a rank and 480 bits, bit i of the array at bit i % 32 of word i // 32."""
    total = sum(map(len, levels))
    count = -(-total // BLOCK_BITS)
    bits = np.zeros(count * BLOCK_BITS, np.bool_)
    np.concatenate(levels or [np.empty(0, np.bool_)], out=bits[:total])
    words = np.packbits(bits, bitorder="little").view("<u4").reshape(count, BLOCK_BITS // 32)
    blocks = np.empty((count, 16), "<u4")
    blocks[:, 1:] = words
    ones = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    blocks[:, 0] = np.cumsum(ones) - ones
    return blocks


def find_in_shards(hashes: Hashes, shards: Shards, blocks: npt.NDArray[np.uint32], n: int) -> Integers:
    """As ``find``, in the shard of each hash."""
    slots = np.full(len(hashes), -1, np.int64)
    shard = shard_of(hashes, shards.bits)
    for number in np.unique(shard).tolist():
        first, last = shards.firsts[number : number + 2].tolist()
        if first < last:
            part, start = shard == number, int(shards.starts[first])
            slots[part] = find(hashes[part], shards.sizes[first:last].tolist(), blocks, n, start)
    return slots


def find(hashes: Hashes, levels: Sequence[int], blocks: npt.NDArray[np.uint32], n: int, start: int = 0) -> Integers:
    """The slot of each hash, or -1 where every level has a 0: (len(hashes),) int64. start: the first level's first bit.

    A feature of the index always finds its own slot; a foreign one mostly finds somebody's: see check bits.
    """
    slots = np.full(len(hashes), -1, np.int64)
    left = np.arange(len(hashes))
    for level, size in enumerate(levels):
        if not len(left):
            break
        position = start + level_positions(hashes[left], level, size)
        block, bit = np.divmod(position, BLOCK_BITS)
        word, shift = np.divmod(bit, 32)
        value = blocks[block, 1 + word] >> shift.astype(np.uint32)
        one = (value & np.uint32(1)).astype(bool)
        slots[left[one]] = rank(blocks, block[one], bit[one])
        left = left[~one]
        start += size
    slots[slots >= n] = -1  # a damaged rank must not leave the arrays
    return slots


def find_one(half: int, other: int, levels: Sequence[int], blocks: memoryview, n: int) -> int:
    """As ``find``, of one hash (h1, h2), in plain integers: a few microseconds. blocks: as bytes."""
    start = 0
    for level, size in enumerate(levels):
        x = half + level * other & 0xFFFF_FFFF_FFFF_FFFF
        y = (x ^ x >> 32) & 0xFFFF_FFFF
        y = (y ^ y >> 16) * 0x85EBCA6B & 0xFFFF_FFFF
        y = (y ^ y >> 13) * 0xC2B2AE35 & 0xFFFF_FFFF
        block, bit = divmod(start + ((y ^ y >> 16) * size >> 32), BLOCK_BITS)
        bits = int.from_bytes(blocks[64 * block + 4 : 64 * block + 64], "little")
        if bits >> bit & 1:
            slot = int.from_bytes(blocks[64 * block : 64 * block + 4], "little") + (bits & (1 << bit) - 1).bit_count()
            return slot if slot < n else -1
        start += size
    return -1


def rank(blocks: npt.NDArray[np.uint32], block: Integers, bit: Integers) -> Integers:
    """The number of 1s before bit ``bit`` of block ``block``: the block's rank, plus those inside the block."""
    words = blocks[block, 1:]
    first = np.arange(BLOCK_BITS // 32) * 32
    mask = np.clip(bit[:, None] - first, 0, 32).astype(np.uint64)
    below = ((np.uint64(1) << mask) - np.uint64(1)).astype(np.uint32)
    ranks: Integers = blocks[block, 0] + np.bitwise_count(words & below).sum(axis=1, dtype=np.int64)
    return ranks


def _refuse_duplicates(features: Sequence[Sequence[str]], left: Integers) -> None:
    """Equal features never part: they are among those that are left. Name them."""
    for namespace, names in enumerate(features):
        counts = Counter(names[i] for i in left.tolist() if 0 <= i < len(names))
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            shown = ", ".join(map(repr, twice[:5])) + (", …" if len(twice) > 5 else "")
            raise BuildError(f"namespace {namespace}: {len(twice)} features stand more than once: {shown}")
        left = left - len(names)


def _not_placed(features: Sequence[Sequence[str]], hashes: Hashes, left: Integers) -> str:
    """What to say of features that no seed places: they were made so, for chance does not do that."""
    first: dict[bytes, int] = {}
    for number in left.tolist():
        twin = first.setdefault(hashes[number].tobytes(), number)
        if twin != number:
            one, other = _place(features, twin), _place(features, number)
            return f"{one} and {other} have one hash of 128 bits, under each of 4 seeds: leave one of them out"
    return (
        f"{sum(map(len, features))} features: {len(left)} not placed after {MAX_LEVELS} levels, under each of 4 seeds"
    )


def _place(features: Sequence[Sequence[str]], number: int) -> str:
    """Which feature, of all namespaces one after the other, this is."""
    for namespace, names in enumerate(features):
        if number < len(names):
            return f"namespace {namespace}: {names[number]!r:.80}"
        number -= len(names)
    raise IndexError(number)
