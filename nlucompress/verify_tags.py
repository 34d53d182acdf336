"""What compression changed of a tagging model, on the same sequences: entities, tags, whole sequences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from . import crf
from .entities import entity_score
from .linear import LinearModel
from .tagger import Tagger, states

EXAMPLES = 100


def compare_tags(
    source: LinearModel,
    tagger: Tagger,
    sequences: Sequence[Any],
    gold: Sequence[Sequence[str]] | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Compare a source with the file made from it, on the same sequences.

    sequences: as Tagger.tag takes them; a source without a template gets the file's. gold: the right tags, or None.
    progress: called with the number of sequences done. Gives plain data:

    * ``same_source``, ``sequences``, ``tokens``.
    * ``tag_flips``, ``sequence_flips`` (sequences with another tag somewhere), and ``tag_flip_share``,
      ``sequence_flip_share``; ``flip_examples``: number, token, tags before and after of the first of them.
    * with gold ``f1_before``, ``f1_after`` (entities, as seqeval counts them by default) and ``token_accuracy_before``,
      ``token_accuracy_after``.

    Raises ValueError if the two have other labels, or a sequence is not as long as its tags.
    """
    if source.task != "tagging" or source.classes.tolist() != tagger.labels():
        raise ValueError(f"the source decides among {len(source.classes)} labels ({source.task}), the file among "
                         f"{len(tagger.labels())} (tagging), and they are not the same")  # fmt: skip
    if source.template is None:
        source = dataclasses.replace(source, template=tagger.template)
    chain, labels = crf.exact(source), tagger.labels()
    answers: tuple[list[list[str]], list[list[str]]] = [], []
    tokens = flips = sequence_flips = 0
    examples: list[dict[str, Any]] = []
    for number, xseq in enumerate(sequences):
        items = xseq if hasattr(xseq, "__len__") else list(xseq)
        if gold is not None and len(gold[number]) != len(items):
            raise ValueError(f"sequence {number}: {len(items)} tokens, but {len(gold[number])} tags")
        before, after = [labels[i] for i in chain.viterbi(states(chain, items))], tagger.predict_single(items)
        differ = [i for i, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
        tokens, flips, sequence_flips = tokens + len(items), flips + len(differ), sequence_flips + bool(differ)
        for i in differ[: EXAMPLES - len(examples)]:
            right = {} if gold is None else {"tag": gold[number][i]}
            examples.append({"number": number, "token": i, "before": before[i], "after": after[i], **right})
        answers[0].append(before)
        answers[1].append(after)
        if progress is not None:
            progress(number + 1)
    facts: dict[str, Any] = {
        "same_source": tagger.info().get("fingerprint") == source.fingerprint(), "sequences": len(sequences),
        "tokens": tokens, "tag_flips": flips, "tag_flip_share": flips / max(tokens, 1), "sequence_flips": sequence_flips,
        "sequence_flip_share": sequence_flips / max(len(sequences), 1), "flip_examples": examples,
    }  # fmt: skip
    if gold is not None:
        for when, tags in zip(("before", "after"), answers, strict=True):
            good = sum(a == b for one, two in zip(tags, gold, strict=True) for a, b in zip(one, two, strict=True))
            facts |= {f"f1_{when}": entity_score(gold, tags).f1, f"token_accuracy_{when}": good / max(tokens, 1)}
    return facts
