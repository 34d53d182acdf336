"""What a reader makes of an attacked file, in either runtime: the rule by which it is refused, or that it is harmless."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
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
        for sample in (samples, samples[:1]):
            with contextlib.suppress(ValueError, TypeError):
                if isinstance(model, nlucompress.Tagger):
                    model.predict_marginals(sample)
                    model.predict(sample)
                else:
                    scores = model.decision_function(sample)
                    model.decide(scores)
                    model.probabilities(scores)
        for space in range(len(base.header["namespaces"])):
            for name in ("play", "w=it", "w1", "", "nobody"):
                with contextlib.suppress(IndexError):  # of a namespace that is gone
                    model.lookup(name, space)
        model.info()


def use_bundle(attack: Attack) -> str:
    """The outcome of a bundle: a rule, or ``opens`` if each name is found or not and each model read or refused."""
    with tempfile.NamedTemporaryFile(suffix=".nlub") as file:
        file.write(attack.data)
        file.flush()
        try:
            with bundle.Bundle(file.name) as opened:
                for name in ("intents", "Straße", "再生", "x", "", "\ud800"):
                    if name in opened:
                        with contextlib.suppress(FormatError):
                            opened.model(name)
                opened.info()
                with contextlib.suppress(FormatError):
                    bundle.verify(file.name)
                opened.names()
        except FormatError as error:
            rules = re.findall(r"\((B\d+)\)", str(error))
            return str(rules[-1]) if rules else f"no rule: {error}"
    return "opens"
