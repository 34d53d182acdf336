"""Sentences of a voice assistant, with intents and slots, drawn from templates.

The templates are those of the package home-assistant-intents, read with the parser of the package hassil; the metadata of
both declare the licence Apache-2.0. The words that go into the templates' slots (devices, areas, messages, titles, …:
``words.json``) are our own. Everything is drawn from seeded generators.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from .packages import require

Record = dict[str, Any]
Item = TypeVar("Item")

WORDS = Path(__file__).with_name("words.json")
LANGUAGES = ("en",)

TEST_SHARE = 0.2  # of an intent's templates
MIN_TEMPLATES = 3  # an intent with fewer is trained, not tested
OPTIONAL_SHARE = 0.5  # how often the [optional] part of a template is spoken
ROUND_SHARE = 0.5  # how often a number is a multiple of five steps: people say 20 percent more often than 23
SPELLED_SHARE = 0.3  # how often a number is in words
FRACTION_SHARE = 0.2  # how often a number that may have a fraction has one
COURTESY_SHARE = 0.15  # how often a command has "please", "can you" … before or after it


class Piece(NamedTuple):
    """A part of a drawn sentence: some text (with its spaces) and the slot it fills, or None if it is literal."""

    text: str
    slot: str | None = None


class Sampler:
    """Draws sentences from the parsed templates of one language: a random walk over hassil's expressions.

    rules: expansion rules, name -> parsed sentence. lists: the slot lists of the language, name -> hassil's SlotList.
    words: ``demo_words.json``. names: the device names which ``{name}`` may be.

    An alternative that stands earlier in its group is drawn more often (weight 1, 1/2, 1/3, …): authors write the
    usual wording first ("in", then "throughout").
    """

    def __init__(
        self,
        rng: random.Random,
        rules: Mapping[str, Any],
        lists: Mapping[str, Any],
        words: Mapping[str, Any],
        names: Sequence[str],
        language: str,
    ) -> None:
        self.rng, self.rules, self.lists, self.language = rng, rules, lists, language
        self.free: dict[str, Sequence[str]] = {
            **words["wildcards"],
            "name": names,
            "area": words["areas"],
            "floor": words["floors"],
        }
        self.kinds = require("hassil.expression")
        self.ranges = require("hassil.intents").RangeSlotList

    def draw(self, expression: Any) -> Iterator[Piece]:
        """The pieces of one random sentence of a template, in order."""
        kinds = self.kinds
        if isinstance(expression, kinds.TextChunk):
            yield Piece(expression.original_text)
        elif isinstance(expression, kinds.ListReference):
            yield Piece(self.value(expression), expression.slot_name)
        elif isinstance(expression, kinds.RuleReference):
            if expression.rule_name not in self.rules:
                raise ValueError(
                    f"rule <{expression.rule_name}> of a template is not among the {len(self.rules)} rules"
                )
            yield from self.draw(self.rules[expression.rule_name].expression)
        elif isinstance(expression, kinds.Alternative):
            choices = list(expression.items)
            if expression.is_optional:  # the parser appends an empty choice
                choices.pop()
                if self.rng.random() >= OPTIONAL_SHARE:
                    return
            yield from self.draw(_pick_early(self.rng, choices))
        elif isinstance(expression, kinds.Permutation):
            for item in _shuffled(self.rng, expression.items):
                yield from self.draw(item)
        elif isinstance(expression, kinds.Group):
            for item in expression.items:
                yield from self.draw(item)
        else:
            raise ValueError(f"template expression {type(expression).__name__} is unknown to the demo")

    def value(self, reference: Any) -> str:
        """A value of a ``{list}``: one of the language's data, or of our words if the list is open (wildcard, name)."""
        name = reference.list_name
        values: Any = self.lists.get(name)
        if isinstance(values, self.ranges):
            return self.number(values)
        if hasattr(values, "values"):
            return "".join(piece.text for piece in self.draw(_pick(self.rng, values.values).text_in))
        if name not in self.free:
            raise ValueError(f"list {{{name}}} of a template has neither values nor words in {WORDS.name}")
        return _pick(self.rng, self.free[name])

    def number(self, values: Any) -> str:
        """A number of a range, in digits or in words; small ones more often, save for percentages and temperatures."""
        step = 5 * values.step
        first = -(-values.start // step) * step
        if self.rng.random() >= ROUND_SHARE or first > values.stop:
            step, first = values.step, values.start
        place = self.rng.random() if values.type != "number" else self.rng.random() ** 3
        number: int | float = first + step * int(place * ((values.stop - first) // step + 1))
        if values.fraction_type is not None and self.rng.random() < FRACTION_SHARE and number < values.stop:
            number += 0.5
        if values.words and (not values.digits or self.rng.random() < SPELLED_SHARE):
            return _spelled(number, self.language)
        return str(number)


def sentences(language: str = "en", seed: int = 0, per_template: int = 20, per_intent: int = 400) -> list[Record]:
    """Sentences of a voice assistant, drawn from the templates of home-assistant-intents.

    per_template: how many are drawn from each template; a template with few wordings gives fewer.
    per_intent: an intent with few templates draws more from each, to reach this number if it can.

    A record has the fields text; label, the intent; template, the intent and the template it came from (one that stands
    in several blocks of the data is one); tokens, the text split at spaces; tags, a BIO tag for each token:
    ``"B-area"``, ``"I-area"``, ``"O"``. A token that is only in part a slot's value ("20%", "5-minute") has its tag.
    Tokens joined by one space are the text.

    No text stands twice, upper and lower case aside. Where two templates give the same text, the one with fewer tokens
    in slots keeps it, as the more literal match would win in the assistant; if they tie, the one that comes first.

    >>> {tuple(sorted(record)) for record in sentences(per_template=1, per_intent=1)}
    {('label', 'tags', 'template', 'text', 'tokens')}

    Raises ValueError for a language without word lists, ModuleNotFoundError if hassil or home-assistant-intents is
    missing.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: the demo has words for {', '.join(map(repr, LANGUAGES))} only")
    if per_template < 1 or per_intent < 1:
        raise ValueError(f"per_template {per_template} and per_intent {per_intent} must be at least 1")
    parse = require("hassil.parse_expression").parse_sentence
    data = require("home_assistant_intents").get_intents(language)
    intents = require("hassil.intents").Intents.from_dict(data)
    words = json.loads(WORDS.read_text(encoding="utf-8"))

    kept: dict[str, Record] = {}
    for label, intent in intents.intents.items():
        templates = [(block, text) for block in intent.data for text in block.sentence_texts]
        wanted = max(per_template, math.ceil(per_intent / len(templates)))
        for number, (block, text) in enumerate(templates):
            sampler = Sampler(
                random.Random(f"{seed}/{label}/{number}"),
                {**intents.expansion_rules, **block.expansion_rules},
                {**intents.slot_lists, **block.slot_lists},
                words,
                _names(words["names"], block),
                language,
            )
            expression = parse(text).expression
            for record in _drawn(sampler, expression, wanted, words):
                record = {**record, "label": label, "template": f"{label}: {text}"}
                other = kept.setdefault(record["text"].casefold(), record)
                if _slotted(record) < _slotted(other):
                    kept[record["text"].casefold()] = record
    return [
        {field: record[field] for field in ("text", "label", "template", "tokens", "tags")} for record in kept.values()
    ]


def split(records: Sequence[Record], seed: int = 0, share: float = TEST_SHARE) -> tuple[list[Record], list[Record]]:
    """Records for training and for test, so that no template is in both.

    Of each label's templates, a share (at least one) is for test. A label with fewer than MIN_TEMPLATES is only
    trained: of two ("add … to my list", "put … on my list") it would learn one, and be tested on words it never met.
    """
    templates: dict[str, list[str]] = {}
    for record in records:
        known = templates.setdefault(record["label"], [])
        if record["template"] not in known:
            known.append(record["template"])
    held: set[str] = set()
    for label, known in templates.items():
        count = max(1, round(share * len(known))) if len(known) >= MIN_TEMPLATES else 0
        held.update(_shuffled(random.Random(f"{seed}/{label}"), known)[:count])
    train = [record for record in records if record["template"] not in held]
    return train, [record for record in records if record["template"] in held]


def _drawn(sampler: Sampler, expression: Any, wanted: int, words: Mapping[str, Any]) -> Iterator[Record]:
    """Up to so many different sentences of one template, as text, tokens and tags; gives up after a few tries each."""
    seen: set[str] = set()
    for _ in range(3 * wanted + 10):
        pieces = _with_courtesy(sampler.rng, list(sampler.draw(expression)), words)
        tokens, tags = bio(pieces)
        text = " ".join(tokens)
        folded = text.casefold().split()
        if text.casefold() in seen or any(a == b for a, b in itertools.pairwise(folded)):
            continue  # drawn before, or no one says it: "the guest floor floor"
        seen.add(text.casefold())
        yield {"text": text, "tokens": tokens, "tags": tags}
        if len(seen) == wanted:
            return


def bio(pieces: Sequence[Piece]) -> tuple[list[str], list[str]]:
    """Tokens (split at spaces) and a BIO tag for each.

    >>> bio([Piece("set a "), Piece("five", "minutes"), Piece("-minute timer for "), Piece("brown rice", "name")])[1]
    ['O', 'O', 'B-minutes', 'O', 'O', 'B-name', 'I-name']
    """
    owners = [number for number, piece in enumerate(pieces) for _ in piece.text]
    tokens: list[str] = []
    tags: list[str] = []
    begun: set[int] = set()
    for match in re.finditer(r"\S+", "".join(piece.text for piece in pieces)):
        owner = next((n for n in owners[match.start() : match.end()] if pieces[n].slot is not None), None)
        tokens.append(match.group())
        tags.append("O" if owner is None else f"{'I' if owner in begun else 'B'}-{pieces[owner].slot}")
        if owner is not None:
            begun.add(owner)
    return tokens, tags


def _with_courtesy(rng: random.Random, pieces: list[Piece], words: Mapping[str, Any]) -> list[Piece]:
    """Now and then "please" before a command, or "for me" after it (not after a slot, which would swallow it)."""
    if rng.random() >= COURTESY_SHARE:
        return pieces
    text = "".join(piece.text for piece in pieces).split()
    if not text or text[0] not in words["imperatives"]:
        return pieces
    before = rng.random() < 0.5
    word = _pick(rng, words["before" if before else "after"])
    if before:
        return [Piece(f"{word} "), *pieces]
    spoken = [piece for piece in pieces if piece.text.strip()]
    return pieces if spoken[-1].slot is not None else [*pieces, Piece(f" {word}")]


def _names(names: Mapping[str, Sequence[str]], block: Any) -> list[str]:
    """The device names that fit a block of templates: those of the domains it asks for, or all."""
    domains = getattr(block, "name_domains", None) or block.requires_context.get("domain") or list(names)
    if isinstance(domains, str):
        domains = [domains]
    fitting = [name for domain in names if domain in domains for name in names[domain]]
    if not fitting:
        raise ValueError(f"domains {sorted(domains)}: {WORDS.name} has no names for any of them")
    return fitting


def _slotted(record: Record) -> int:
    return sum(tag != "O" for tag in record["tags"])


@functools.cache
def _spelled(number: float, language: str) -> str:
    """A number in words, by the rules of Unicode that hassil brings with it."""
    return str(require("unicode_rbnf").RbnfEngine.for_language(language).format_number(number).text)


# All draws are made of Random.random(), the only method that keeps its sequence from one Python to the next; and of
# fsum, as sum has changed its rounding.


def _below(rng: random.Random, limit: int) -> int:
    return int(rng.random() * limit)


def _pick(rng: random.Random, items: Sequence[Item]) -> Item:
    return items[_below(rng, len(items))]


def _pick_early(rng: random.Random, items: Sequence[Item]) -> Item:
    """One of the items, the i-th (from 1) with weight 1/i."""
    left = rng.random() * math.fsum(1 / rank for rank in range(1, len(items) + 1))
    for rank, item in enumerate(items, 1):
        left -= 1 / rank
        if left < 0:
            return item
    return items[-1]


def _shuffled(rng: random.Random, items: Sequence[Item]) -> list[Item]:
    out = list(items)
    for last in range(len(out) - 1, 0, -1):
        other = _below(rng, last + 1)
        out[last], out[other] = out[other], out[last]
    return out
