"""What a reader makes of an attacked file, in either runtime: the rule by which it is refused, or that it is harmless."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nlucompress
from nlucompress import FormatError, bundle, fileformat, modelfile
from nlucompress.runtime import opened_as

from . import Attack
from .bases import Base

RUNTIMES = ("native", "reference")
LEFT_TO_PYTHON = re.compile("token.pattern|encoding")  # what the native reader does not look at


@contextlib.contextmanager
def answering(runtime: str) -> Iterator[None]:
    """Models opened meanwhile answer through this runtime."""
    before = os.environ.get("NLUCOMPRESS_BACKEND")
    os.environ["NLUCOMPRESS_BACKEND"] = runtime
    try:
        yield
    finally:
        if before is None:
            del os.environ["NLUCOMPRESS_BACKEND"]
        else:
            os.environ["NLUCOMPRESS_BACKEND"] = before


def rule(error: FormatError) -> str:
    """The rule that a message names at its end; ``T``: of a template, whose rules Python's reader names together."""
    found = re.search(r"\(([A-Z]\d+)( to T5)?\)$", str(error))
    if not found or len(str(error)) > 1000:
        raise AssertionError(f"no rule at the end, or {len(str(error))} characters: {error!s:.200}")
    return "T" if found[2] else found[1]


def read(data: bytes, runtime: str, verify: Any) -> None:
    """Read a file by one reader alone: Python's, or the native core's."""
    if runtime == "reference":
        with answering(runtime):
            modelfile.read(fileformat.decode(data, verify), verify)
        return
    from nlucompress import _native

    core = _native.Model(data)
    if verify == "full":
        core.verify()


def holds(claims: str, found: str) -> bool:
    """Whether an outcome is one of those that are claimed."""
    return any(found == claim or (found == "T" and claim[0] == "T") for claim in claims.split("|"))


def outcome(data: bytes, runtime: str) -> tuple[str, str]:
    """As claims are written: a rule, a rule and a star, or ``opens``; and the message."""
    for verify, star in (("header", ""), ("full", "*")):
        try:
            read(data, runtime, verify)
        except FormatError as error:
            return rule(error) + star, str(error)
    return "opens", ""


def use(data: bytes, base: Base, runtime: str) -> None:
    """Ask everything of a file that opens: nothing but a ValueError or a TypeError of a sample may come of it."""
    with answering(runtime), np.errstate(all="ignore"):
        try:
            model = opened_as(data)
        except FormatError:
            if runtime == "reference":
                raise
            return  # Python's reader, which the native runtime opens a file with too, refuses it
        samples = [*base.samples[:3], *([["a", "w=it"]] if base.tagging else ["play it \ud800 again"])]
        for sample in (samples, *([one] for one in samples)):
            for ask in _questions(model):
                with contextlib.suppress(ValueError, TypeError):
                    ask(sample)
        for space in range(len(base.header["namespaces"])):
            for name in ("play", "w=it", "w1", "", "nobody"):
                with contextlib.suppress(IndexError):  # of a namespace that is gone
                    model.lookup(name, space)
        model.info()


def _questions(model: Any) -> tuple[Callable[[list[Any]], object], ...]:
    if isinstance(model, nlucompress.Tagger):
        return model.predict_marginals, model.predict
    return model.predict, lambda samples: model.probabilities(model.decision_function(samples))


def use_bundle(attack: Attack, path: Path) -> str:
    """The outcome of a bundle: a rule, or ``opens`` if each name is found or not and each model read or refused.

    path: of the file that is written for it. What cannot be listed or verified was refused by a rule, too.
    """
    path.write_bytes(attack.data)
    try:
        with bundle.Bundle(path) as opened:
            for name in ("intents", "Straße", "再生", "x", "", "\ud800"):
                if name in opened:
                    with contextlib.suppress(FormatError):
                        opened.model(name)
            opened.info()
            try:
                verified = bundle.verify(path)
            except FormatError as error:
                if not re.search(r"\(B\d+\)", str(error)):
                    raise
                verified = None
            if opened.names() and verified is not None:
                assert verified["models"] == len(opened.names())
    except FormatError as error:
        rules = re.findall(r"\((B\d+)\)", str(error))
        return str(rules[-1]) if rules else f"no rule: {error}"
    return "opens"
