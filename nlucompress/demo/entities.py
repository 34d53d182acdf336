"""The demo of entities: a CRF of the sentences' slots, trained with python-crfsuite, compressed, both measured."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .packages import require
from .sentences import WORDS, sentences, split
from .table import aligned, digits, ratio

KEPT_ENTITIES = ("demo.crfsuite", "demo-entities.nluc", "train-entities.jsonl", "test-entities.jsonl")
CALLS = 300  # sequences that are timed, on each side
_BEFORE, _WORD, _AFTER = {"at": -1, "do": ["lower"], "outside": "<s>"}, {"do": ["lower"]}, {
    "at": 1, "do": ["lower"], "outside": "</s>"}  # fmt: skip
_DIGITS, _CAPITAL = ["isdigit"], [["slice", 0, 1], "isupper"]
TEMPLATE = {"features": [
    {"text": ["bias"]}, {"text": ["w=", _WORD]},
    {"text": ["shape=0"], "if": [{"do": _DIGITS}]},
    {"text": ["shape=A"], "if": [{"do": [*_DIGITS, "not"]}, {"do": _CAPITAL}]},
    {"text": ["shape=a"], "if": [{"do": [*_CAPITAL, "not"]}, {"do": ["isalpha"]}]},
    {"text": ["shape=-"], "if": [{"do": [*each, "not"]} for each in (_DIGITS, _CAPITAL, ["isalpha"])]},
    {"text": ["prefix=", {"do": ["lower", ["slice", 0, 3]]}]},
    {"text": ["suffix=", {"do": ["lower", ["slice", -3, None]]}]},
    {"text": ["w-1=", _BEFORE]}, {"text": ["w+1=", _AFTER]},
    {"text": ["w-1|w=", _BEFORE, "|", _WORD]}, {"text": ["w|w+1=", _WORD, "|", _AFTER]},
]}  # fmt: skip
"""What ``features`` does, as data: it goes into the compressed model, which so takes words."""


def features(tokens: Sequence[str]) -> list[list[str]]:
    """A list of strings for each token: the word, its shape, its ends, and the words around it.

    >>> features(["Play", "it"])[1]
    ['bias', 'w=it', 'shape=a', 'prefix=it', 'suffix=it', 'w-1=play', 'w+1=</s>', 'w-1|w=play|it', 'w|w+1=it|</s>']
    """
    words = ["<s>", *(token.lower() for token in tokens), "</s>"]
    out = []
    for i, token in enumerate(tokens, 1):
        before, word, after = words[i - 1 : i + 2]
        kind = "0" if token.isdigit() else "A" if token[:1].isupper() else "a" if token.isalpha() else "-"
        out.append(["bias", f"w={word}", f"shape={kind}", f"prefix={word[:3]}", f"suffix={word[-3:]}", f"w-1={before}",
                    f"w+1={after}", f"w-1|w={before}|{word}", f"w|w+1={word}|{after}"])  # fmt: skip
    return out


def run_entities(
    *,
    seed: int = 0,
    out: Path | None = None,
    overwrite: bool = False,
    per_template: int = 20,
    per_intent: int = 400,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train, compress, measure; everything that was measured, as a dict that JSON can hold.

    seed, per_template, per_intent: see `sentences`. out: a folder that keeps the models and the data. progress: gets a
    line of text at each step. Sizes are in bytes, times in seconds.

    Raises FileExistsError if a file to keep exists and overwrite is false, ModuleNotFoundError if one of the packages of
    the extra "demo" is missing.
    """
    from .. import Tagger, compress, load
    from ..entities import entity_score

    present = [str(out / name) for name in KEPT_ENTITIES if out is not None and (out / name).exists()]
    if present and not overwrite:
        raise FileExistsError(f"{', '.join(present)}: not overwritten unasked")
    crfsuite = require("pycrfsuite")
    require("hassil")
    require("home_assistant_intents")
    progress("expanding the templates of home-assistant-intents")
    parts = split(sentences(seed=seed, per_template=per_template, per_intent=per_intent), seed)
    train, test = ([(row["tokens"], row["tags"]) for row in part] for part in parts)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nlucompress-demo-", dir=out) as place:
        source, target, *data = (Path(place, name) for name in KEPT_ENTITIES)
        progress(f"training CRFsuite on {len(train):,} sentences")
        trainer = crfsuite.Trainer(verbose=False)
        trainer.set_params({"c1": 0.1, "c2": 0.01, "max_iterations": 60})
        for tokens, tags in train:
            trainer.append(features(tokens), tags)
        trainer.train(str(source))
        original = crfsuite.Tagger()
        original.open(str(source))
        progress(f"compressing {source.stat().st_size / 1e6:.1f} MB")
        compress(source, template=TEMPLATE).save(target)
        tagger = load(target)
        assert isinstance(tagger, Tagger)
        progress(f"measuring on {len(test):,} sentences")
        sequences, gold = [tokens for tokens, _ in test], [tags for _, tags in test]
        ways: dict[str, Callable[[list[str]], list[str]]] = {
            "original": lambda tokens: list(original.tag(features(tokens))), "compressed": tagger.tag,
        }  # fmt: skip
        answers = [[tag(tokens) for tokens in sequences] for tag in ways.values()]
        pairs = [(a, b) for x, y in zip(*answers, strict=True) for a, b in zip(x, y, strict=True)]
        examples = [(tokens := text.split(), tagger.tag(tokens)) for text in _examples()]
        measured = {
            "seed": seed,
            "data": {"train": len(train), "test": len(test), "labels": len(tagger.labels())},
            **{name: {"bytes": path.stat().st_size, "f1": entity_score(gold, tags).f1,
                      "sequence_seconds": _seconds(tag, sequences)}
               for (name, tag), path, tags in zip(ways.items(), (source, target), answers, strict=True)},
            "flips": {"tags": sum(a != b for a, b in pairs), "of": len(pairs)},
            "examples": [{"tokens": tokens, "tags": tags} for tokens, tags in examples],
            "folder": None if out is None else str(out),
        }  # fmt: skip
        original.close()
        if out is not None:
            for path, part in zip(data, (train, test), strict=True):
                lines = (json.dumps({"tokens": one, "tags": tags}, ensure_ascii=False) + "\n" for one, tags in part)
                path.write_text("".join(lines), encoding="utf-8")
            for name in KEPT_ENTITIES:
                os.replace(Path(place, name), out / name)
    return measured


def table_entities(result: dict[str, Any]) -> str:
    """What `run_entities` returned, as plain text."""
    data, before, after, flips = (result[name] for name in ("data", "original", "compressed", "flips"))
    kilobytes = [f"{digits(side['bytes'] / 1e3)} KB" for side in (before, after)]
    micro = [f"{digits(side['sequence_seconds'] * 1e6)} µs" for side in (before, after)]
    share = 100 * flips["tags"] / max(flips["of"], 1)
    rows = [
        ("", "CRFsuite", "nlucompress", ""),
        ("file", *kilobytes, ratio(before["bytes"], after["bytes"])),
        ("entity F1 on test", f"{100 * before['f1']:.2f} %", f"{100 * after['f1']:.2f} %",
         f"{flips['tags']:,} of {flips['of']:,} tags differ ({share:.2f} %)"),
        ("one sentence, from its words", *micro, ratio(before["sequence_seconds"], after["sequence_seconds"])),
    ]  # fmt: skip
    lines = [f"{data['labels']:,} tags, {data['train']:,} sentences for training, {data['test']:,} for test "
             f"(from templates not seen in training)", "", *aligned(rows, gap="   "), ""]  # fmt: skip
    for one in result["examples"]:
        marked = [
            word if tag == "O" else f"[{word}]({tag})" for word, tag in zip(one["tokens"], one["tags"], strict=True)
        ]
        lines.append(" ".join(marked))
    return "\n".join(lines)


def _examples() -> list[str]:
    examples: list[str] = json.loads(WORDS.read_text(encoding="utf-8"))["examples"]
    return examples


def _seconds(tag: Callable[[list[str]], Any], sequences: Sequence[list[str]]) -> float:
    """Median seconds to tag one sequence of words, after a few calls to warm up."""
    times = []
    for number in range(-10, CALLS):
        tokens = sequences[number % len(sequences)]
        start = time.perf_counter()
        tag(tokens)
        times.append(time.perf_counter() - start)
    return statistics.median(times[10:])
