"""Makes the golden files: one model of each kind, as this version writes it, with the samples and answers that go with it.

A file says the oldest format version that has what it uses: coded rows, shards, models of sequences and some analyzers
are written as
1.2, all others as 1.1.

They are frozen: a later version must read them alike, and write those of its own format version again byte for byte. So
this script refuses to touch a file that is there, unless it is asked to (``--force``), as when the format changes before
its release. Files of earlier format versions stay as they are, whatever it is asked:

    python tests/golden/make.py --force

Weights are made of hashes and fractions, not of a random generator, whose stream may change from version to version.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mmh3
import numpy as np
import numpy.typing as npt

from nlucompress import Compressed, LinearModel, compress, fileformat, index
from nlucompress.linear import Namespace, Step

FOLDER = Path(__file__).parent
PREFIX = f"model-v{fileformat.MAJOR}.{fileformat.MINOR}-"  # of the files that this script makes
NEWER = {
    "coded",
    "coded-many-classes",
    "coded-outlier",
    "items",
    "fasttext",
    "sharded",
}  # models of 1.2: those of sequences are too

TEXTS = [
    "play yesterday by the beatles", "Play it again, play IT!", "stop", "", "what is the weather in Straße 東京 today",
    "İstanbul ΟΔΟΣ naïve café", "set\u00a0the\u3000timer", "unknown words only", "\ud800 lone", "👍🏽 ok",
]  # fmt: skip
WORDS = ["play", "it", "again", "the", "stop", "weather", "timer", "set", "beatles", "yesterday", "straße", "東京", "in",
         "is", "naive", "café", "i̇stanbul", "οδος", "ok", "lone"]  # fmt: skip
PAIRS = ["play it", "the beatles", "by the", "set the", "the timer", "it again", "is the"]
LETTERS = [" pl", "pla", "lay", "ay ", " st", "sto", "top", " th", "the", "he ", " in", "in ", "er ", " 東", "京 ",
           " ra"]  # fmt: skip


class Golden(NamedTuple):
    """A model, the options it is compressed with, and samples that it reads."""

    model: LinearModel
    options: dict[str, Any]
    samples: list[Any]


def numbers(rows: Sequence[str], columns: int, share: float = 1.0, salt: str = "") -> npt.NDArray[np.float64]:
    """Numbers in -1..1, of which about ``share`` are not zero, the same on every machine: (len(rows), columns)."""
    out = np.zeros((len(rows), columns))
    for i, row in enumerate(rows):
        for j in range(columns):
            first, second = mmh3.hash64(f"{salt}/{row}/{j}".encode("utf-8", "surrogatepass"), 1, signed=False)
            if (second >> 11) / (1 << 53) < share:
                out[i, j] = (first >> 11) / (1 << 52) - 1
    return out


def linear(names: Sequence[Sequence[str]], spaces: Sequence[Namespace], classes: Any, **fields: Any) -> LinearModel:
    """A model of these features, whose weights are numbers() unless they are given."""
    labels = np.array(classes) if isinstance(classes, list) else classes
    columns = 1 if fields.get("task") == "binary" else len(labels)
    flat = [name for part in names for name in part]
    fields.setdefault("weights", numbers(flat, columns, fields.pop("share", 1.0)))
    fields.setdefault("intercept", numbers(["intercept"], columns)[0])
    fields.setdefault("source", {"format": "golden"})
    return LinearModel(tuple(spaces), tuple(list(part) for part in names), classes=labels, **fields)


def idf(names: Sequence[str]) -> npt.NDArray[np.float64]:
    """One of four values for each feature."""
    return np.array([1.0, 1.5, 2.25, 3.0])[[mmh3.hash(name.encode(), 2, signed=False) % 4 for name in names]]


def goldens() -> dict[str, Golden]:
    """Every golden model by its name."""
    words, pairs = Namespace("words"), Namespace("words", ngram_range=(1, 2))
    letters = Namespace("letters", analyzer="char_wb", ngram_range=(3, 3))
    both = Namespace("words", tf="log", ngram_range=(1, 2), stop_words=("by",)), letters
    intents = ["GetWeather", "PlayMusic", "SetTimer", "Straße"]
    many = list(range(257))
    l2 = (Step("norm", (0,), "l2"),)
    dicts = [{"word": "play", "length": 4}, {"word": ["play", "stop"], "length": 0.5, "last": True}, {}, {"other": "x"}]
    columns = [{"text": text, "slots": {"n": len(text), "first": text[:1]}} for text in TEXTS]
    thin = numbers(WORDS, 4)
    thin[5:] = 0
    heavy = numbers(WORDS + PAIRS, 4)
    heavy[5, 2] = 90.0
    flat = WORDS + PAIRS + LETTERS
    alike = numbers(
        [name[:2] for name in flat], 12, 0.1
    )  # rows from none to all of 12; those of equal beginnings are equal
    alike += numbers([name[:1] for name in flat], 12) * (numbers([name[:1] for name in flat], 1) > 0.3)
    some = numbers(WORDS, 257, 0.015)
    some[3] = numbers(WORDS[3:4], 257)[0]
    hashed = [str(column) for column in range(64)]
    half = (Step("norm", (0,), "l2"), Step("norm", (1,), "l2"), Step("scale", (1,), value=0.5))
    signed = Namespace("hashed", hash_columns=64, alternate_sign=True, unseen=1.0)
    stripped = Namespace("w", tf="binary", strip_accents="unicode")
    fields = [Namespace("t", column="text"), Namespace("s", analyzer="dict", column="slots")]
    objects = np.array(["x", "y\x00"], dtype=object)
    models: dict[str, tuple[LinearModel, dict[str, Any], list[Any]]] = {
        "plain": (linear([WORDS + PAIRS, LETTERS], both, [*intents, *"abcdefgh"], share=0.25,
                         idf=idf(flat), steps=half), {"layout": "plain"}, TEXTS),
        "dense": (linear([WORDS + PAIRS], [pairs], intents, link="softmax"),
                  {"buckets": 32, "gamma": 2.0, "layout": "dense"}, TEXTS),
        "pool": (linear([WORDS + PAIRS, LETTERS], both, [*intents, *"abcdefgh"], weights=alike, idf=idf(flat), steps=half),
                 {"check_bits": 11, "layout": "pool"}, TEXTS),
        "coded": (linear([WORDS + PAIRS, LETTERS], both, [*intents, *"abcdefgh"], weights=alike, idf=idf(flat), steps=half),
                  {"check_bits": 9, "layout": "coded"}, TEXTS),
        "coded-many-classes": (linear([WORDS], [words], many, weights=some, intercept=np.zeros(257)),
                               {"buckets": 8, "layout": "coded"}, TEXTS[:4]),
        "coded-outlier": (linear([WORDS + PAIRS], [pairs], intents, weights=heavy),
                          {"buckets": 64, "range": "class", "layout": "coded"}, TEXTS),
        "class-range": (linear([WORDS], [words], intents, weights=numbers(WORDS, 4) * [1, 10, 100, 0.001], link="ovr"),
                        {"buckets": 16, "range": "class", "check_bits": 16}, TEXTS),
        "outlier": (linear([WORDS + PAIRS], [pairs], intents, weights=heavy),
                    {"buckets": 64, "check_bits": 32, "layout": "pool"}, TEXTS),
        "hashed": (linear([hashed], [signed], intents, share=0.3, steps=l2), {"check_bits": 0}, TEXTS),
        "multilabel": (linear([WORDS], [words], intents, task="multilabel", link="sigmoid", share=0.5), {}, TEXTS),
        "binary": (linear([WORDS], [stripped], [False, True], task="binary", link="sigmoid"),
                   {"check_bits": 12, "layout": "pool"}, TEXTS),
        "mean-norm": (linear([WORDS], [words], intents, weights=thin, idf=idf(WORDS), steps=l2),
                      {"norm": "mean", "check_bits": 32}, TEXTS),
        "dict": (linear([["length", "word=play", "word=stop", "last"]], [Namespace("d", analyzer="dict")], [3, 5, 70000],
                        steps=(Step("norm", (0,), "max"), Step("binarize", (0,), value=0.25))), {}, dicts),
        "calibrated": (linear([WORDS], [words], [-1.5, 0.0, 2.5], link="ovr", calibration=numbers(["c", "d"], 3)),
                       {}, TEXTS),
        "baseline": (linear([WORDS], [words], intents, share=0.3, link="softmax", baseline=numbers(["b"], 4)[0],
                            idf=idf(WORDS), steps=(Step("norm", (0,), "l1"),)), {}, TEXTS),
        "external": (linear([["a", "b", "c d", "", "\ud800"]], [Namespace("f", analyzer="features")], objects,
                            link="clipped"), {}, [["a", "b", "a"], [], ["c d", "", "\ud800", "new"]]),
        "columns": (linear([WORDS, ["n", "first=p", "first=s"]], fields, intents), {}, columns),
        "many-classes": (linear([WORDS], [words], many, weights=some, intercept=np.zeros(257)),
                         {"buckets": 8, "layout": "pool"}, TEXTS[:4]),
        "items": (linear([["w=play", "w==1", "w==None", "n==0.5", "w=stop"]],
                         [Namespace("pairs", analyzer="items")], intents), {"check_bits": 16},
                  [{"w": "play"}, {"w": 1, "n": 0.5}, {"w": True}, {"w": None}, {"x": "y"}, {}]),
        "fasttext": (linear([["play", "it", "</s>", "stop"], [str(number) for number in range(0, 97, 3)]],
                            [Namespace("words", analyzer="fasttext"),
                             Namespace("buckets", analyzer="fasttext", hash_columns=97, ngram_range=(1, 2),
                                       subwords=(2, 4), unseen=1.0)],
                            intents, link="softmax", steps=(Step("norm", (0, 1), "l1"),)), {}, TEXTS),
        "sharded": (linear([WORDS, PAIRS], [words, dataclasses.replace(words, name="p", ngram_range=(2, 2))], intents,
                           share=0.4),
                    {"check_bits": 16, "layout": "plain", "shard_features": 4}, TEXTS),
        "empty": (linear([[]], [words], intents, weights=np.zeros((0, 4))), {"layout": "pool"}, TEXTS),
    }  # fmt: skip
    return {name: Golden(*parts) for name, parts in models.items()}


def made(model: LinearModel, options: dict[str, Any]) -> Compressed:
    """A model compressed; the option ``shard_features`` is of this script: that a shard has so few features."""
    options, usual = dict(options), index.SHARD_FEATURES
    index.SHARD_FEATURES = options.pop("shard_features", usual)
    try:
        return compress(model, **options)
    finally:
        index.SHARD_FEATURES = usual


def taggings() -> dict[str, Golden]:
    """The golden models of sequences."""
    sequences: list[Any] = [
        [["w=play", "bias"], {"w": "it", "long": 0.5, "bias": True}, ["w=stop", "w=stop"]], [[]], [],
        [{"w": "東京", "bias": 1}, ["unknown", "w=\u00e9"], {"near": {"w": ["it", "play"]}}], [["bias"]] * 5,
    ]  # fmt: skip
    names = ["bias", *(f"w={word}" for word in WORDS), "w:it", "w:東京", "near:w:it", "long", ""]
    space = [Namespace("attributes", analyzer="features")]
    tags = ["O", "B-song", "I-song", "B-Straße", "I-Straße"]
    many = [f"T{number}" for number in range(60)]

    def model(classes: list[str], share: float) -> LinearModel:
        between = numbers(classes, len(classes), share, "after")
        none = np.zeros(len(classes))
        return linear([names], space, classes, task="tagging", share=share, transitions=between, intercept=none)

    template = {"separator": "=", "features": [
        {"name": "bias"}, {"name": "w", "value": "lower"}, {"name": "w", "value": [], "weight": 0.5},
        {"name": "near:w", "separator": ":", "value": "lower", "at": [-1, 1], "outside": "it"},
        {"name": "long", "number": ["lower", ["slice", 3, None]],
         "if": [["map", "isdigit", "", "[\\W]", "-"], ["longer", 3]]},
        {"name": "w:it", "flag": [["in", "it", "It"]], "false": "zero"}, {"text": [{"do": [["leading", "[^\\d]"]]}]},
    ]}  # fmt: skip
    words: list[Any] = [["Play", "it", "again"], [], [""], ["東京", "w=\u00e9", "bias", "long"],
                        ["it\0x", "long\ud800", "longer"], ["STRASSE", "ΟΔΟΣ", "İstanbul", "bias9"]]  # fmt: skip
    models: dict[str, tuple[LinearModel, dict[str, Any]]] = {
        "tagging-template": (model(tags, 0.6), {"layout": "coded", "template": template}),
        "tagging-coded": (model(tags, 0.4), {"check_bits": 16, "layout": "coded"}),
        "tagging-pool": (model(tags, 0.7), {"buckets": 32, "range": "class", "layout": "pool"}),
        "tagging-plain": (model(many, 0.02), {"buckets": 16, "layout": "plain"}),
        "tagging-dense": (model(["X"], 1.0), {"layout": "dense", "check_bits": 0}),
    }
    return {name: Golden(model, options, words if "template" in options else sequences)
            for name, (model, options) in models.items()}  # fmt: skip


def main() -> int:
    """Write the files, expected.json and SHA256SUMS."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="replace the files that are there")
    force = parser.parse_args().force
    there = sorted(FOLDER.glob(f"{PREFIX}*.nluc"))
    if there and not force:
        print(
            f"{there[0].name} and {len(there) - 1} more are there: golden files are frozen (see --help)",
            file=sys.stderr,
        )
        return 1
    for path in there:
        path.unlink()
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="ascii"))
    sums = (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines(keepends=True)
    expected = {name: answers for name, answers in expected.items() if not name.startswith(PREFIX)}
    sums = [line for line in sums if not line.split()[1].startswith(PREFIX)]
    for name, (model, options, samples) in goldens().items():
        if name not in NEWER:
            continue
        compressed = made(model, options)
        path = FOLDER / f"{PREFIX}{name}.nluc"
        compressed.save(path)
        runtime = compressed.model()
        expected[path.name] = {
            "samples": samples,
            "labels": runtime.predict(samples).tolist(),
            "scores": runtime.decision_function(samples).tolist(),
            "probabilities": None if model.link == "identity" else runtime.predict_proba(samples).tolist(),
            "classes": runtime.classes_.tolist(),
        }
        sums.append(f"{hashlib.sha256(compressed.data).hexdigest()}  {path.name}\n")
        print(f"{len(compressed.data):6} bytes  {path.name}")
    for name, (model, options, samples) in taggings().items():
        compressed = made(model, options)
        path = FOLDER / f"{PREFIX}{name}.nluc"
        compressed.save(path)
        tagger = compressed.tagger()
        expected[path.name] = {
            "samples": samples,
            "labels": tagger.predict(samples),
            "marginals": [
                [[token[tag] for tag in tagger.labels()[:5]] for token in one]
                for one in tagger.predict_marginals(samples)
            ],
            "classes": tagger.labels(),
        }
        sums.append(f"{hashlib.sha256(compressed.data).hexdigest()}  {path.name}\n")
        print(f"{len(compressed.data):6} bytes  {path.name}")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(answers)}" for name, answers in expected.items())
    (FOLDER / "expected.json").write_text("{\n" + lines + "\n}\n", encoding="ascii")
    (FOLDER / "SHA256SUMS").write_text("".join(sums), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
