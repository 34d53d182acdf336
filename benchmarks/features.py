"""Features that nobody trained: names such as an n-gram model has, as many as wanted, and a model of them."""

from __future__ import annotations

import numpy as np

from nlucompress.linear import LinearModel, Namespace


def names(count, seed=0):
    """`count` distinct names in random order, the same for the same seed.

    The char_wb 2-5-grams of 10,000 made-up words of one or two syllables, the words, and pairs of them.
    """
    rng = np.random.default_rng(seed)
    onsets = [*"bcdfghjklmnpqrstvwxz", "br", "ch", "dr", "gl", "pl", "sh", "st", "th", "tr", "kn"]
    syllables = [onset + vowel for onset in onsets for vowel in "aeiouy"] + ["é"]
    drawn = rng.integers(0, len(syllables), (40_000, 2)).tolist()
    lengths = rng.integers(1, 3, len(drawn)).tolist()
    spelled = ("".join(syllables[i] for i in row[:length]) for row, length in zip(drawn, lengths, strict=True))
    words = list(dict.fromkeys(spelled))[:10_000]
    padded = [f" {word} " for word in words]
    made = dict.fromkeys(
        word[i : i + size] for word in padded for size in range(2, 6) for i in range(max(1, len(word) - size + 1))
    )
    made |= dict.fromkeys(words)
    while len(made) < count:
        pairs = rng.integers(0, len(words), (count - len(made) + 1000, 2)).tolist()
        made |= dict.fromkeys(f"{words[a]} {words[b]}" for a, b in pairs)
    everything = list(made)
    return [everything[i] for i in rng.permutation(len(everything))[:count].tolist()]


def model(features):
    """A binary LinearModel with one weight a feature, none of which rounds to zero."""
    return LinearModel(
        (Namespace("words"),), (features,), np.ones((len(features), 1)), np.zeros(1), np.array(["no", "yes"]), "binary"
    )
