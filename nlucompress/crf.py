"""Linear-chain CRFs in numpy, written to be read: the oracle of the native core.

A Chain takes a sequence's items to state scores, and these to labels or probabilities: ``attributes`` (what an item is
made of), look-up in a table (see reference.py), ``viterbi`` or ``forward_backward``.

The score of labels y of a sequence of T items is sum over t of states[t, y[t]] + transitions[y[t-1], y[t]]; its
probability is e^score divided by the sum of that over all y. (Lafferty, McCallum, Pereira: Conditional Random Fields,
ICML 2001.) Everything is computed from logarithms, so that no score is too large or too small.

states: (T, K) float64, the sum of the weights of each item's attributes; transitions: (K, K) float64, row then column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import reference
from .linear import Floats, Integers, LinearModel
from .reference import NameTable, Table

if TYPE_CHECKING:
    from .template import Template, Token

Item = list[tuple[str, float]]


def viterbi(states: Floats, transitions: Floats) -> Integers:
    """The labels of the largest score: (T,). Of equals the first, at each step back, as CRFsuite decides.

    >>> viterbi(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 2.0], [0.0, 0.0]])).tolist()
    [0, 1]
    """
    best = np.empty(states.shape)
    for t, row in enumerate(states):
        best[t] = row if t == 0 else (best[t - 1][:, None] + transitions).max(axis=0) + row
    labels = np.zeros(len(states), np.int64)
    for t in range(len(states) - 1, -1, -1):
        after = transitions[:, labels[t + 1]] if t + 1 < len(states) else 0.0
        labels[t] = (best[t] + after).argmax()
    return labels


def score(states: Floats, transitions: Floats, labels: Integers) -> float:
    """The score of these labels."""
    return float(states[np.arange(len(labels)), labels].sum() + transitions[labels[:-1], labels[1:]].sum())


def forward_backward(states: Floats, transitions: Floats) -> tuple[Floats, float]:
    """The probability of each label at each item, (T, K), and the logarithm of the sum of e^score over all labels.

    >>> marginals, log_sum = forward_backward(np.zeros((2, 2)), np.zeros((2, 2)))
    >>> marginals.tolist(), round(float(np.exp(log_sum)), 9)
    ([[0.5, 0.5], [0.5, 0.5]], 4.0)
    """
    before, after = np.empty(states.shape), np.zeros(states.shape)
    for t, row in enumerate(states):
        before[t] = row if t == 0 else _log_sum(before[t - 1][:, None] + transitions) + row
    for t in range(len(states) - 2, -1, -1):
        after[t] = _log_sum((transitions + states[t + 1] + after[t + 1]).T)
    total = float(_log_sum(before[-1][:, None])[0]) if len(states) else 0.0
    marginals: Floats = np.exp(before + after - total)
    return marginals, total


def _log_sum(logarithms: Floats) -> Floats:
    """The logarithm of the sum of e^x over the rows of each column."""
    most = logarithms.max(axis=0)
    sums: Floats = most + np.log(np.exp(logarithms - most).sum(axis=0))
    return sums


def attributes(item: Any) -> Item:
    """The attributes of an item with their values, in order, by python-crfsuite's rules.

    item: an iterable of feature strings, each of value 1; or a dict of names to numbers or booleans (the value), to
    strings (the attribute ``name:string``), or to a dict, list or set (as the item would be, each name after ``name:``).
    bytes are UTF-8. Raises TypeError for anything else, ValueError for a value that is not a finite number.

    >>> attributes({"w": "Paris", "upper": True, "len": 5, "prev": {"w": "to", "tags": ["TO"]}})
    [('w:Paris', 1.0), ('upper', 1.0), ('len', 5.0), ('prev:w:to', 1.0), ('prev:tags:TO', 1.0)]
    """
    if not isinstance(item, dict):
        len(item)  # python-crfsuite asks for it too: a generator is no item
        return [(_text(name), 1.0) for name in item]
    out: Item = []
    for key, value in item.items():
        name = _text(key, whole=True)
        if isinstance(value, (dict, list, set)):
            out += [(_cut(f"{name}:{inner}"), weight) for inner, weight in attributes(value)]
        elif isinstance(value, (str, bytes)):
            out.append((_cut(f"{name}:{_text(value)}"), 1.0))
        else:
            out.append((_cut(name), _number(name, value)))
    return out


def _number(name: str, value: Any) -> float:
    if isinstance(value, (bytearray, memoryview)):
        raise TypeError(f"feature {name!r:.80} has a value of type {type(value).__name__}")
    try:
        number = float(value)
    except (TypeError, OverflowError) as error:
        raise TypeError(f"feature {name!r:.80}: {error}") from None
    if not math.isfinite(number):
        raise ValueError(f"feature {name!r:.80} has the value {number}, not a finite number")
    return number


def _text(name: Any, whole: bool = False) -> str:
    if isinstance(name, (bytes, bytearray)):
        name = name.decode("utf-8", "surrogateescape")  # as an importer reads CRFsuite's strings
    if not isinstance(name, str):
        raise TypeError(f"expected a feature (str), got {type(name).__name__}: {name!r:.80}")
    return name if whole else _cut(name)


def _cut(name: str) -> str:
    """A C string ends at its first zero: so do CRFsuite's look-ups."""
    return name.partition("\0")[0] if "\0" in name else name


class Chain:
    """Sequences to state scores and labels, in numpy, over any table of features: a file's, or a LinearModel's names."""

    def __init__(self, table: Table, transitions: Floats, template: Template | None = None) -> None:
        self._table = table
        self.transitions = transitions  # (K, K) float64
        self.template = template  # for token_states

    def states(self, items: list[Any]) -> Floats:
        """State scores: (len(items), K) float64. Sums are in the order of the attributes, as CRFsuite's."""
        read = reference.read(attributes, items, 0)
        names = [name for item in read for name, _ in item]
        values = np.array([value for item in read for _, value in item], np.float64)
        where = np.repeat(np.arange(len(items)), [len(item) for item in read])
        ids = self._table.find(0, names) if names else np.empty(0, np.int64)
        known = ids >= 0
        lengths, columns, weights = self._table.rows(ids[known])
        out = np.zeros((len(items), len(self.transitions)))
        with np.errstate(over="ignore", invalid="ignore"):
            np.add.at(out, (np.repeat(where[known], lengths), columns), np.repeat(values[known], lengths) * weights)
        if not np.isfinite(out).all():
            raise ValueError(
                f"item {int(np.argwhere(~np.isfinite(out))[0, 0])}: its values are too large: a sum is not finite"
            )
        return out

    def token_states(self, tokens: Sequence[Token]) -> Floats:
        """State scores of plain tokens: of the features that the template makes of them."""
        assert self.template is not None
        return self.states(self.template.features(tokens))

    def viterbi(self, states: Floats) -> list[int]:
        """See viterbi."""
        labels: list[int] = viterbi(states, self.transitions).tolist()
        return labels

    def forward_backward(self, states: Floats) -> tuple[Floats, float]:
        """See forward_backward."""
        return forward_backward(states, self.transitions)


def exact(model: LinearModel) -> Chain:
    """The answers of a tagging LinearModel itself, unquantized, by names."""
    assert model.transitions is not None
    return Chain(NameTable(model), model.transitions, model.template)
