"""Static indexes of strings: each library with its best setting, and the calls that are its fastest.

A row of STRUCTURES names the structure, the modules that it needs, and the function that builds it of a list of distinct
features: build(features, folder) -> Structure.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from features import model

import nlucompress

CHECK_BITS = 8
SMALL = 32  # keys of a small call: the n-grams of a word or two
OURS = "nlucompress, γ = 1"


@dataclass
class Structure:
    """find: a list of str -> what the library returns; one: of a single str; found: how many of find's answers say yes.

    size: bytes of its file, of a dict what it holds in memory. keeps: what it has besides the index: "check bits", "keys",
    "numbers", or "" of one that cannot tell that a key is absent. bound: the fewest bits a feature that could do the same,
    where that is known.
    """

    find: Callable[[list[str]], Any]
    one: Callable[[str], Any]
    found: Callable[[Any], int]
    size: int
    keeps: str
    bound: float | None = None


def least_bits(load=1.0):
    """Bits a key that any perfect hash needs whose n keys go to n / load slots: log2 e if minimal (Mehlhorn, 1984).

    A random function of n keys to m slots is injective with probability m! / ((m-n)! m^n); minus its log2, by Stirling's
    formula, over n.

    >>> round(least_bits(), 3), round(least_bits(0.5), 3)
    (1.443, 0.443)
    """
    spare = 1 / load - 1  # slots a key that stay empty
    return math.log2(math.e) * (1 - (spare * math.log((1 + spare) / spare) if spare else 0))


def of_dict(features, folder):
    """Slots in a dict; the call that is fastest in Python. Its size is counted with its keys and values."""
    slots = {name: slot for slot, name in enumerate(features)}
    size = sys.getsizeof(slots) + sum(map(sys.getsizeof, slots)) + sum(map(sys.getsizeof, slots.values()))
    return Structure(
        lambda keys: list(map(slots.get, keys)), slots.get, lambda out: len(out) - out.count(None), size, "keys"
    )


def of_nlucompress(features, folder, gamma):
    """A model with one weight a feature and 8 check bits, saved, and loaded as a memory map."""
    nlucompress.compress(model(features), gamma=gamma, check_bits=CHECK_BITS).save(
        folder / "index.nluc", overwrite=True
    )
    loaded = nlucompress.load(folder / "index.nluc")
    sections = loaded.info()["sections"]
    size = sections["index"] + sections["slots"] + sections.get("shards", 0)
    return Structure(
        loaded.lookup_many,
        loaded.slot,
        lambda out: int(out[1].sum()),
        size,
        "check bits",
        least_bits() + CHECK_BITS,
    )


def of_lexindex(features, folder):
    """CompactHashIndex with 8 fingerprint bits, and ids_into an array that is reused: its README's fastest for a list."""
    import lexindex

    index = lexindex.CompactHashIndex(features, fingerprint_bits=CHECK_BITS)
    find = into(index.ids_into, index.ID_DTYPE)
    missing = index.MISSING_ID
    return Structure(
        find, index.get, lambda out: int((out != missing).sum()), index.serialized_len(), "check bits",
        least_bits() + CHECK_BITS,
    )  # fmt: skip


def of_fastconstmap(features, folder, kind, keeps):
    """A map of `kind` to the features' numbers, hashed by XXH3 (its faster hash); get_many_into a reused array."""
    import fastconstmap

    index = getattr(fastconstmap, kind)(dict(zip(features, range(len(features)), strict=True)), hash="xxh3")
    find, none = into(index.get_many_into, np.uint64), fastconstmap.NOT_FOUND
    return Structure(find, index.get, lambda out: int((out != none).sum()), index.serialized_size(), keeps)


def into(call, dtype):
    """Find of a library's call(keys, array): the array is reused, and has room for the longest list that came."""
    room = [np.empty(SMALL, dtype)]

    def find(keys):
        if len(keys) > len(room[0]):
            room[0] = np.empty(len(keys), dtype)
        call(keys, room[0])
        return room[0][: len(keys)]

    return find


def of_bbhash(features, folder):
    """Gamma 2, its faster end. It takes 64-bit hashes: half a MurmurHash3, as its README has it, and that is timed too."""
    import bbhash
    import mmh3

    def hashes(keys):
        return np.ascontiguousarray(np.frombuffer(b"".join(map(mmh3.hash_bytes, keys)), np.uint64)[::2])

    index = bbhash.PyMPHF(hashes(features).tolist(), len(features), 1, 2.0)
    index.save(str(folder / "bbhash"))
    none, hash64, look_up = np.uint64(2**64 - 1), functools.partial(mmh3.hash64, signed=False), index.lookup
    return Structure(
        lambda keys: index.lookup_many(hashes(keys)), lambda key: look_up(hash64(key)[0]),
        lambda out: int((out != none).sum()), (folder / "bbhash").stat().st_size, "", least_bits(),
    )  # fmt: skip


def of_phobic(features, folder):
    """Load factor 0.5, its default: slots reach to 2n. (At 0.95 a build of 10^6 names had not ended after minutes.)"""
    import phobic

    index = phobic.build(features, seed=0, num_threads=1, assume_unique=True)
    one, many = index.__getitem__, functools.partial(index.lookup, num_threads=1)
    return Structure(many, one, len, len(index.to_bytes()), "", least_bits(0.5))


def of_marisa(features, folder):
    """Trie with one level and its largest cache, the fastest of its settings here; it has no call for many keys."""
    import marisa_trie

    index = marisa_trie.Trie(features, num_tries=1, cache_size=marisa_trie.HUGE_CACHE)
    size = len(index.tobytes())
    return Structure(
        lambda keys: list(map(index.get, keys)), index.get, lambda out: len(out) - out.count(None), size, "keys"
    )


def of_dawg(features, folder):
    """DAWG, which says whether a key is there, and no number; it has no call for many keys.

    (IntDAWG, which has numbers, takes 3.6 times the bytes.)
    """
    import dawg

    index = dawg.DAWG(sorted(features), input_is_sorted=True)
    return Structure(lambda keys: list(map(index.has_key, keys)), index.has_key, sum, len(index.tobytes()), "keys")


PAIRED = functools.partial(of_fastconstmap, kind="PairedVerifiedConstMap", keeps="numbers, check bits")
CONST_MAP = functools.partial(of_fastconstmap, kind="ConstMap", keeps="numbers")
STRUCTURES = {
    OURS: ((), functools.partial(of_nlucompress, gamma=1.0)),
    "nlucompress, γ = 2": ((), functools.partial(of_nlucompress, gamma=2.0)),
    "lexindex CompactHashIndex": (("lexindex",), of_lexindex),
    "phobic": (("phobic",), of_phobic),
    "bbhash": (("bbhash", "mmh3"), of_bbhash),
    "fastconstmap ConstMap": (("fastconstmap",), CONST_MAP),
    "fastconstmap PairedVerifiedConstMap": (("fastconstmap",), PAIRED),
    "marisa-trie": (("marisa_trie",), of_marisa),
    "DAWG2": (("dawg",), of_dawg),
    "dict": ((), of_dict),
}
DETECTS = {"check bits", "keys", "numbers, check bits"}
