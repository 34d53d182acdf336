"""Entities in tags, and how well they are found: the definitions of seqeval's default mode, which are conlleval's.

A tag is a letter and a type, ``B-city``: B begins an entity, I is inside one, E ends one, S is one alone, O is outside.
What no tag begins properly (an I after an O, another type than before) begins an entity all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Entity = tuple[str, int, int]  # type, first and last item


class Score(NamedTuple):
    """Micro averages over all entities; each 0 where it would be 0/0."""

    precision: float
    recall: float
    f1: float


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of one sequence.

    >>> entities(["O", "B-city", "I-city", "B-city", "I-day"])
    [('city', 1, 2), ('city', 3, 3), ('day', 4, 4)]
    """
    out, begin, letter, kind = [], 0, "O", ""
    for i, tag in enumerate([*tags, "O"]):
        now, type_ = tag[:1] or "O", tag[1:].split("-", 1)[-1] or "_"
        if _ends(letter, now, kind, type_):
            out.append((kind, begin, i - 1))
        if _starts(letter, now, kind, type_):
            begin = i
        letter, kind = now, type_
    return out


def _ends(before: str, now: str, kind: str, type_: str) -> bool:
    if before in "ES":
        return True
    if before in "BI" and now in "BSO":
        return True
    return before not in "O." and kind != type_


def _starts(before: str, now: str, kind: str, type_: str) -> bool:
    if now in "BS":
        return True
    if before in "ESO" and now in "EI":
        return True
    return now not in "O." and kind != type_


def entity_score(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Score:
    """Precision, recall and F1 of the entities of sequences: one is right if type, first and last item are.

    >>> entity_score([["B-a", "I-a", "O", "B-b"]], [["B-a", "I-a", "O", "O"]])
    Score(precision=1.0, recall=0.5, f1=0.6666666666666666)
    """
    right = found = wanted = 0
    for tags, answer in zip(gold, predicted, strict=True):
        theirs, ours = set(entities(tags)), set(entities(answer))
        right, found, wanted = right + len(theirs & ours), found + len(ours), wanted + len(theirs)
    precision, recall = right / found if found else 0.0, right / wanted if wanted else 0.0
    return Score(precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0)
