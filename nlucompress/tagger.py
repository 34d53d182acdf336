"""Tagger: what ``load`` returns of a CRF. Plain tokens or the features of a sequence's items in, a label for each item out.

Calls and input forms are python-crfsuite's; ``predict`` and its like are sklearn-crfsuite's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import crf, fileformat, reference
from .crf import Chain
from .linear import Floats, Integers
from .runtime import Opened

if TYPE_CHECKING:
    from .template import Template


def sequence(items: Any) -> list[Any]:
    """A sequence's items; of python-crfsuite's ItemSequence, its ``items()``, which have a repeated feature once."""
    return list(items.items() if _is_item_sequence(items) else items)


def states(chain: Chain, xseq: Any, features: bool = False) -> Floats:
    """State scores of a sequence as Tagger takes it: plain tokens if there is a template, unless it has features."""
    if chain.template is None or features or _is_item_sequence(xseq):
        return chain.states(sequence(xseq))
    tokens: Any = xseq if isinstance(xseq, (str, bytes)) else list(xseq)  # a str is refused, not cut into characters
    try:
        return chain.token_states(tokens)
    except TypeError as error:
        raise TypeError(f"{error} (the model makes features of tokens itself; features=True takes features)") from None


def _is_item_sequence(items: Any) -> bool:
    return type(items).__name__ == "ItemSequence" and callable(getattr(items, "items", None))


class Tagger(Opened):
    """A compressed CRF, ready to tag. Made by ``nlucompress.load``, or by ``Compressed.tagger``.

    A sequence is a list of items; what an item may be, ``crf.attributes`` says. Attributes that the model does not have
    count nothing. A model that was compressed with a template takes plain tokens instead: a str each, or a tuple of the
    template's columns. Features go to it with ``features=True``, or in python-crfsuite's ItemSequence. ``set`` keeps a
    sequence for ``tag``, ``probability`` and ``marginal``, so a Tagger that threads share is asked by ``predict``,
    ``predict_single`` and ``predict_marginals``, which keep nothing.

    >>> import nlucompress
    >>> from nlucompress.linear import LinearModel, Namespace
    >>> model = LinearModel((Namespace("a", analyzer="features"),), (["w:Paris", "w:to"],),
    ...                     np.array([[0.0, 2.0], [1.0, 0.0]]), np.zeros(2), np.array(["O", "B-city"]), task="tagging",
    ...                     transitions=np.zeros((2, 2)))
    >>> tagger = nlucompress.compress(model).tagger()
    >>> tagger.tag([["w:to"], {"w": "Paris"}])
    ['O', 'B-city']
    >>> round(tagger.probability(["O", "B-city"]), 3)
    0.644
    >>> words = {"features": [{"name": "w", "value": []}]}
    >>> tagger = nlucompress.compress(model, template=words).tagger()
    >>> tagger.tag(["to", "Paris"]), tagger.tag([["w:to"], {"w": "Paris"}], features=True)
    (['O', 'B-city'], ['O', 'B-city'])
    """

    def __init__(
        self,
        buffer: bytes | memoryview,
        verify: fileformat.Verify = "header",
        container: fileformat.Container | None = None,
    ) -> None:
        super().__init__(buffer, verify, container)
        if self._file.transitions is None:
            raise ValueError(f"a {self._file.task} model has no tags: use its Model")
        self._labels: list[str] = self._file.classes.tolist()
        self._numbers = {label: number for number, label in enumerate(self._labels)}
        self._chain: Chain
        if type(self.table) is reference.FileTable:
            self._chain = Chain(self.table, self._file.transitions.astype(np.float64), self._file.template)
        else:
            from .native import NativeChain, NativeTable

            assert isinstance(self.table, NativeTable)
            self._chain = NativeChain(self.table, len(self._labels), self._file.template)
        self._states: Floats = np.empty((0, len(self._labels)))
        self._marginals: tuple[Floats, float] | None = None

    def labels(self) -> list[str]:
        """The labels, in the model's order."""
        return list(self._labels)

    @property
    def transitions(self) -> Floats:
        """(n_labels, n_labels) float64: the weight of the label of the column after that of the row."""
        return self._chain.transitions.copy()

    @property
    def template(self) -> Template | None:
        """What makes features of plain tokens; None of a model that takes features."""
        return self._file.template

    # -- python-crfsuite's calls

    def set(self, xseq: Any, features: bool = False) -> None:
        """Keep a sequence for ``tag``, ``probability`` and ``marginal``.

        features: it has features, also where the model takes plain tokens. Raises TypeError or ValueError, with the item's
        number, for an item that cannot be read.
        """
        self._states, self._marginals = states(self._chain, xseq, features), None

    def tag(self, xseq: Any = None, features: bool = False) -> list[str]:
        """The labels of the largest score, one an item, of xseq or of the sequence that is set."""
        if xseq is not None:
            self.set(xseq, features)
        return [self._labels[number] for number in self._chain.viterbi(self._states)]

    def probability(self, yseq: Sequence[str]) -> float:
        """The probability of these labels, of the sequence that is set; 0 of an empty sequence.

        Raises ValueError if there are not as many labels as items, or for a label that the model does not have.
        """
        if not len(self._states):
            return 0.0
        if len(yseq) != len(self._states):
            raise ValueError(f"{len(yseq)} labels for {len(self._states)} items")
        labels: Integers = np.array([self._number(label) for label in yseq])
        return math.exp(crf.score(self._states, self._chain.transitions, labels) - self._forward_backward()[1])

    def marginal(self, y: str, pos: int) -> float:
        """The probability of label y at item pos, counted from 0, of the sequence that is set; 0 of an empty sequence.

        Raises ValueError for a label that the model does not have and for an item that is not there.
        """
        if not len(self._states):
            return 0.0
        number = self._number(y)
        if not 0 <= pos < len(self._states):
            raise ValueError(f"pos: {pos} is not in 0..{len(self._states) - 1}")
        return float(self._forward_backward()[0][pos, number])

    # -- sklearn-crfsuite's calls

    def predict(self, X: Iterable[Any], features: bool = False) -> list[list[str]]:  # noqa: N803
        """The labels of each sequence. Keeps nothing."""
        return [self.predict_single(xseq, features) for xseq in X]

    def predict_single(self, xseq: Any, features: bool = False) -> list[str]:
        """The labels of one sequence. Keeps nothing."""
        return [self._labels[number] for number in self._chain.viterbi(states(self._chain, xseq, features))]

    def predict_marginals(self, X: Iterable[Any], features: bool = False) -> list[list[dict[str, float]]]:  # noqa: N803
        """Of each item of each sequence {label: probability}. Keeps nothing."""
        return [self.predict_marginals_single(xseq, features) for xseq in X]

    def predict_marginals_single(self, xseq: Any, features: bool = False) -> list[dict[str, float]]:
        """Of each item {label: probability}. Keeps nothing."""
        marginals, _ = self._chain.forward_backward(states(self._chain, xseq, features))
        return [dict(zip(self._labels, row, strict=True)) for row in marginals.tolist()]

    def _forward_backward(self) -> tuple[Floats, float]:
        if self._marginals is None:
            self._marginals = self._chain.forward_backward(self._states)
        return self._marginals

    def _number(self, label: str) -> int:
        if label not in self._numbers:
            raise ValueError(f"the model has no label {label!r:.80}")
        return self._numbers[label]
