"""Candidates of a search: each a whole file, made in memory and asked by the runtime. What was tried can be kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compress import assemble, describe
from ..linear import LinearModel
from ..measure import YARDSTICKS, Answers, answers, compare, differ, intervals, predicted
from ..quantize import Quantized, quantize
from ..runtime import Model
from .budget import Budget, Candidate
from .walk import SPACE, Options, name_of

STATE = "nlucompress search 1"  # what the first line of a state says it is
KEPT_CODES = 6  # quantizations that are kept: neighbours share them


@dataclass(frozen=True, eq=False)
class Texts:
    """Samples, their keys (equal for equal samples) and their labels, or None."""

    samples: list[Any]
    keys: list[str]
    labels: list[Any] | None

    def take(self, places: Sequence[int]) -> Texts:
        labels = None if self.labels is None else [self.labels[i] for i in places]
        return Texts([self.samples[i] for i in places], [self.keys[i] for i in places], labels)

    def right(self, model: LinearModel) -> Answers | None:
        return None if self.labels is None else answers(self.labels, model.classes, model.task == "multilabel")

    def digest(self) -> str:
        """SHA-256 of samples and labels, in order."""
        return hashlib.sha256(json.dumps([self.keys, self.labels], default=repr).encode()).hexdigest()


def key_of(sample: Any) -> str:
    """Equal for equal samples of one kind."""
    if isinstance(sample, str):
        return sample
    sample = sample.to_dict() if hasattr(sample, "to_dict") else sample
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return json.dumps(sample, sort_keys=True, default=repr)
    return repr(sample)


class Trials:
    """Options to candidates; remembers quantizations, and what the state has."""

    def __init__(self, model: LinearModel, light: LinearModel, fingerprint: str, texts: Texts, before: Answers,
                 budget: Budget, seed: int, state: State) -> None:  # fmt: skip
        self._model, self._light, self._fingerprint, self._texts = model, light, fingerprint, texts
        self._before, self._budget, self._seed, self._state = before, budget, seed, state
        self._right = texts.right(model)
        self._codes: dict[tuple[Any, ...], Quantized] = {}
        report = quantize(model, 2).report
        self._whole = {name: report[name] for name in ("weights_before", "features_before")}

    def __call__(self, options: Options) -> Candidate:
        record = self._state.get(options)
        if record is None:
            length, after = self._make(options)
            self._state.add(options, length, self._changes(after))
        else:
            length, after = record["bytes"], self._changed(record)
        return self.candidate(options, length, after)

    def candidate(self, options: Mapping[str, Any], length: int, after: Answers) -> Candidate:
        """What these answers cost."""
        n_classes = len(self._model.classes)
        found = compare(self._before, after, self._right, n_classes)
        loss, flips = found.loss(self._budget.yardstick), found.flips
        if not self._budget.sure:
            return Candidate(options, length, loss, flips, loss, flips)
        wanted = {self._budget.yardstick, "same-label"}
        ends = intervals(
            self._before, after, self._right, n_classes, self._seed, [y for y in YARDSTICKS if y in wanted]
        )
        return Candidate(options, length, loss, flips, ends[self._budget.yardstick][1], ends["same-label"][1] / 100)

    def _make(self, options: Options) -> tuple[int, Answers]:
        """The length of the file, and its answers."""
        o = options
        names = o["buckets"], o["range"], o["codebook"], o["prune"]
        quantized = self._codes.pop(names, None) or quantize(self._light, *names)
        self._codes[names] = quantized
        if len(self._codes) > KEPT_CODES:
            self._codes.pop(next(iter(self._codes)))
        facts = describe(self._model, self._fingerprint, {**quantized.report, **self._whole}, o)
        data = assemble(self._light, quantized, o["check_bits"], o["gamma"], o["layout"], o["norm"], facts, str).data
        labels = Model(data).predict(self._texts.samples)
        return len(data), predicted(labels, self._model.classes, self._model.task == "multilabel")

    def _changes(self, after: Answers) -> list[list[Any]]:
        """[text, label] of each text whose label differs from the original's; the labels, of a multilabel model."""
        places = np.flatnonzero(differ(self._before, after)).tolist()
        return [[i, np.flatnonzero(after[i]).tolist() if after.ndim == 2 else int(after[i])] for i in places]

    def _changed(self, record: Mapping[str, Any]) -> Answers:
        after = self._before.copy()
        try:
            for place, label in record["changes"]:
                if place < 0:
                    raise ValueError
                if after.ndim == 2:
                    after[place] = False
                    after[place, label] = True
                else:
                    after[place] = label
            if after.ndim == 1 and (after.min(initial=0) < 0 or after.max(initial=0) >= len(self._model.classes)):
                raise ValueError
        except (TypeError, ValueError, IndexError, OverflowError):
            raise self._state.damaged(record["line"], "its changes are not of these texts and classes") from None
        return after


class State:
    """What was tried, in a file of JSON lines: first what they are of, then a line a candidate. Without a path, nothing.

    A line is written at once, when its candidate is done. What an interruption leaves of a last line is dropped; anything
    else that is not as written is an error, and the file stays as it is.
    """

    def __init__(self, path: str | os.PathLike[str] | None, key: Mapping[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._key = dict(key)
        self._records: dict[str, dict[str, Any]] = {}
        if self._path is not None:
            self._open(self._path)

    def _open(self, path: Path) -> None:
        data = path.read_bytes() if path.exists() else b""
        if not data:
            path.write_bytes(json.dumps(self._key).encode() + b"\n")
            return
        *lines, rest = data.split(b"\n")
        self._check(self._parsed(lines[0] if lines else rest, 1))
        for number, line in enumerate(lines[1:], 2):
            record = self._parsed(line, number)
            wanted = {"options": dict, "bytes": int, "changes": list}
            if not all(isinstance(record.get(name), kind) for name, kind in wanted.items()) or record["bytes"] < 1:
                raise self.damaged(number, "it is not a candidate's options, bytes and changes")
            if set(record["options"]) != set(SPACE):
                raise self.damaged(number, f"its options are not {', '.join(SPACE)}")
            self._records[name_of(record["options"])] = {**record, "line": number}
        if rest:
            os.truncate(path, len(data) - len(rest))

    def get(self, options: Options) -> dict[str, Any] | None:
        """What is known of a candidate: bytes and changes."""
        return self._records.get(name_of(options))

    def add(self, options: Options, length: int, changes: list[list[Any]]) -> None:
        """Keep a candidate. One short write: an interruption comes before or after it."""
        if self._path is not None:
            line = json.dumps({"options": options, "bytes": length, "changes": changes})
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode() + b"\n")

    def damaged(self, line: int, why: str) -> ValueError:
        """The error of a line that is not as it was written."""
        return ValueError(f"{self._path}, line {line}: damaged: {why}; remove the file to start anew")

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self.damaged(number, "not a JSON object")
        return value

    def _check(self, found: Mapping[str, Any]) -> None:
        """Refuse the state of another search."""
        if found.get("state") != self._key["state"]:
            raise ValueError(f"{self._path}: not the state of a search by this nlucompress; it was left as it is")
        for name, mine in self._key.items():
            if found.get(name) != mine:
                raise ValueError(f"{self._path}: the state of another search: its {name} is {found.get(name)!r:.20}, "
                                 f"this one's {mine!r:.20}; it was left as it is")  # fmt: skip
