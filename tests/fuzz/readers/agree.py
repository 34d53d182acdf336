"""Whether the two runtimes agree on one file: the same verdict of both readers, and of what they open the same answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from attacks.asking import LEFT_TO_PYTHON

from nlucompress import Model, Tagger, fileformat, modelfile, reference
from nlucompress._native import Model as Core
from nlucompress.crf import Chain
from nlucompress.errors import FormatError
from nlucompress.native import NativeChain, NativeScorer, NativeTable
from nlucompress.runtime import opened_as

NAMES = ["play", "w=play", "a", "b=c", "", "é", "w1", "\ud800"]
TEXTS = ["play the beatles", "", "turn it off é ß İ", "a b c d e f g", "\ud800 x"]
ITEMS: list[Any] = [["a", "b=c"], {"text": "a b", "a": 1.0, "b": "c"}, [("a", 2)], {"w1": 2.5, "play": True}]
SEQUENCES: list[Any] = [["a", "w=play"], [], {"b": 0.5, "é": 2.0}]
TOKENS = ["Play", "jazz", "", "É9"]
MODERATE = 1e6  # of larger numbers than these, what rounding makes of a sum says nothing


def agree(path: Path) -> None:
    """Raises AssertionError if the runtimes disagree; FormatError if both refuse the file."""
    data = path.read_bytes()
    native, python = (_refusal(data, runtime) for runtime in ("native", "reference"))
    if native or python:
        assert python, f"refused by the native core alone: {native}"
        assert native or LEFT_TO_PYTHON.search(str(python)), f"refused by the reference alone: {python}"
        raise python
    opened = opened_as(data)
    file = opened._file
    table = NativeTable(file, data), reference.FileTable(file)
    for space in range(min(len(file.namespaces), 3)):
        slots, found = table[0].look_up(space, NAMES)
        assert np.array_equal(slots, table[1].look_up(space, NAMES)[0]), f"slots of namespace {space}"
        ours, theirs = (_weights(both, slots[found]) for both in table)
        assert ours == theirs, f"rows of namespace {space}"
        assert np.array_equal(*(both.idf(slots[found]) for both in table), equal_nan=True), f"idf of namespace {space}"
    if isinstance(opened, Tagger):
        _sequences(file, table)
    else:
        _samples(opened, table)


def _weights(table: reference.FileTable, slots: Any) -> list[tuple[int, int, float]]:
    """(row, column, weight) of all weights that are not zero; the order within a row is a coder's own."""
    lengths, columns, weights = table.rows(slots)
    rows = np.repeat(np.arange(len(slots)), lengths)
    return sorted(
        zip(rows[weights != 0].tolist(), columns[weights != 0].tolist(), weights[weights != 0].tolist(), strict=True)
    )


def _read(data: bytes, runtime: str) -> None:
    if runtime == "native":
        Core(data).verify()
    else:
        modelfile.read(fileformat.decode(data, "full"), "full")


def _refusal(data: bytes, runtime: str) -> FormatError | None:
    try:
        _read(data, runtime)
    except FormatError as error:
        return error
    return None


def _answer(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives, or the error that it raises of a sample that the model does not take, with its words."""
    try:
        return call(*arguments)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def _size(file: modelfile.ModelFile) -> float:
    """The largest number of a file, inf if one is not finite."""
    arrays = (file.codebook, file.idf, file.scale, file.baseline, file.intercept, file.transitions)
    sizes = [float(np.abs(array).max(initial=0)) for array in arrays if array is not None]
    sizes += [space.unseen for space in file.namespaces] + [abs(step.value) for step in file.steps]
    return float(np.max(sizes)) if np.isfinite(sizes).all() else np.inf


def _samples(model: Model, table: tuple[NativeTable, reference.FileTable]) -> None:
    file, weight = model._file, float(np.abs(model._file.codebook).max(initial=0))
    scorers = NativeScorer(file, table[0]), reference.Scorer(file, table[1])
    for sample in TEXTS if model.takes_text else ITEMS:
        with np.errstate(all="ignore"):
            ours, theirs = (_answer(scorer.decision_function, [sample]) for scorer in scorers)
        if isinstance(ours, str) or isinstance(theirs, str):
            assert ours == theirs, f"{sample!r}: {ours} by the native core, {theirs} by the reference"
        elif _size(file) < MODERATE:
            least = 1e-12 * float(np.abs(theirs).max(initial=0)) + 1e-13 * weight
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=least, err_msg=repr(sample))
            if np.array_equal(ours, theirs):
                labels = [_answer(scorer.predict, [sample]) for scorer in scorers]
                assert np.array_equal(*labels), f"{sample!r}: {labels}"


def _sequences(file: modelfile.ModelFile, table: tuple[NativeTable, reference.FileTable]) -> None:
    assert file.transitions is not None
    chains = (NativeChain(table[0], len(file.classes), file.template),
              Chain(table[1], file.transitions.astype(np.float64), file.template))  # fmt: skip
    for kind, items in (("states", SEQUENCES), ("token_states", TOKENS)):
        if kind == "token_states" and file.template is None:
            continue
        with np.errstate(all="ignore"):
            ours, theirs = (_answer(getattr(chain, kind), items) for chain in chains)
        if isinstance(ours, str) or isinstance(theirs, str):
            assert ours == theirs, f"{kind}: {ours} by the native core, {theirs} by the reference"
        elif _size(file) < MODERATE:
            assert np.array_equal(ours, theirs), kind
            assert chains[0].viterbi(ours) == chains[1].viterbi(ours), f"labels of {kind}"
            for one, two in zip(*(chain.forward_backward(ours) for chain in chains), strict=True):
                np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9, err_msg=f"marginals of {kind}")
