"""A report on what compression changed: one HTML page, a model card in Markdown, or the facts behind both.

``measure`` compares, ``Report`` tells. The page's figures need matplotlib (the extra ``report``); the rest does not.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import fileformat
from ..backend import backend
from ..linear import LinearModel
from ..runtime import Model
from ..sources import digest, size_of
from ..verify import compare
from ..version import VERSION
from .card import card
from .figures import require
from .page import page

__all__ = ["Report", "measure", "require"]


@dataclass(frozen=True, eq=False)
class Report:
    """What a comparison found. facts: what ``compare`` gives, and where it comes from; JSON can hold it.

    front: the candidates of a search, dictionaries of bytes, loss (points), options, chosen and, if known, flips (share).
    """

    facts: Mapping[str, Any]
    front: Sequence[Mapping[str, Any]] = ()

    def html(self) -> str:
        """One self-contained page. Raises ModuleNotFoundError if matplotlib is not there."""
        return page(self.facts, self.front)

    def markdown(self) -> str:
        """A model card."""
        return card(self.facts, self.front)

    def json(self) -> str:
        """The facts, and the front if there is one."""
        return json.dumps({**self.facts, **({"front": list(self.front)} if self.front else {})}, ensure_ascii=False)

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the page, whole or not at all. Raises FileExistsError if it is there and overwrite is False."""
        fileformat.save(self.html().encode("utf-8"), path, overwrite)


def measure(
    source: LinearModel,
    model: Model,
    samples: Sequence[Any],
    gold: Sequence[Any] | None = None,
    *,
    name: str = "model.nluc",
    files: Mapping[str, str | os.PathLike[str]] | None = None,
    front: Iterable[Any] = (),
    progress: Callable[[int], object] | None = None,
    seed: int = 0,
) -> Report:
    """Compare a source with the file made from it, and report.

    source, model, samples, gold, progress, seed: see ``verify.compare``. name: what to call the file. files: paths of
    "file", "original" and "data", where there are any; their SHA-256 (sources.digest) is reported, and the original's
    size. front: candidates of a search, objects or mappings with bytes, loss, options and chosen.

    >>> import nlucompress
    >>> from nlucompress.linear import LinearModel, Namespace
    >>> source = LinearModel((Namespace("words"),), (("play", "stop"),), np.array([[2.0], [-2.0]]), np.zeros(1),
    ...                      np.array(["no", "yes"]), task="binary", link="sigmoid")
    >>> report = measure(source, nlucompress.compress(source).model(), ["play it", "stop it"], ["yes", "no"])
    >>> report.facts["flips"], report.markdown().splitlines()[0]
    (0, '# model.nluc')
    """
    info = model.info()
    facts: dict[str, Any] = {"file": name, "bytes": info["bytes"], "intact": True}
    facts |= compare(source, model, samples, gold, progress, seed)
    facts["source_features"] = source.n_features
    facts |= {"model": info, "versions": {"nlucompress": VERSION, "Python": platform.python_version(),
                                          "numpy": np.__version__, "backend": backend()}}  # fmt: skip
    if files:
        facts["sha256"] = {kind: digest(path)[0] for kind, path in files.items()}
        if "original" in files:
            facts["source_bytes"] = size_of(files["original"])
    return Report(facts, tuple(map(_candidate, front)))


def _candidate(one: Any) -> dict[str, Any]:
    """A candidate as a dictionary. Raises ValueError if it lacks one of the fields."""
    fields = ("bytes", "loss", "options", "chosen", "flips")
    if not isinstance(one, Mapping):
        one = {name: getattr(one, name) for name in fields if hasattr(one, name)}
    found = {name: one[name] for name in fields if name in one}
    missing = [name for name in fields[:4] if name not in found]
    if missing:
        raise ValueError(f"front: candidate {one!r:.80} has no {', '.join(missing)}")
    return found | {"options": dict(found["options"])}
