"""What is fuzzed: a name, inputs to start from, how they are changed, and the reader."""

from __future__ import annotations

import contextlib
import encodings
import importlib
import os
import pkgutil
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from .guard import Guard
from .mutate import Mutator, unfolder

MIB = 1 << 20
FRESH = 0.2  # of inputs, where a target can write them from nothing
MOST_KEPT = 400  # inputs that are kept because their outcome was new


@dataclass(frozen=True)
class Target:
    """One reader.

    read: gets the input's file (of a folder: the folder). errors: what it may raise, exactly these classes. times, plus:
    an input of n bytes takes times * n + plus bytes of memory at most. file: the name of the input's file; ``""``: it
    is a folder (mutate.folder). generate: writes an input from nothing. writes: whether the reader may change the file.
    """

    name: str
    seeds: Callable[[], list[bytes]]
    mutate: Mutator
    read: Callable[[Path], Any]
    errors: tuple[type[Exception], ...]
    times: int = 64
    plus: int = 32 * MIB
    file: str = "model"
    generate: Callable[[Random], bytes] | None = None
    writes: bool = False


@dataclass
class Counts:
    """What came of a harness: executions, inputs that were read, outcomes by kind of message."""

    executions: int = 0
    read: int = 0
    traced: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: str) -> bool:
        """Count one outcome; whether it is of a new kind."""
        self.executions += 1
        self.read += outcome == "read"
        kind = _VARIES.sub("#", outcome)[:160]
        self.outcomes[kind] = self.outcomes.get(kind, 0) + 1
        return self.outcomes[kind] == 1

    def backstops(self) -> dict[str, int]:
        """Refusals that were no check's but of a Python error that the readers' last handler met, by the error's class."""
        out: dict[str, int] = {}
        for kind, count in self.outcomes.items():
            if found := re.search(r"damaged or foreign \((\w+)", kind):
                out[found[1]] = out.get(found[1], 0) + count
        return out


_VARIES = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?|0x[0-9a-f]+|'[^']*'|\"[^\"]*\"|of type \w+")


class Harness:
    """Runs one target's inputs, each in a file of its own folder, under the guard. A context manager."""

    def __init__(self, target: Target, timed: bool = True) -> None:
        self.target = target
        self.guard = Guard(target.errors, lambda size: target.times * size + target.plus, timed, target.writes)
        self.counts = Counts()
        root = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._root = Path(tempfile.mkdtemp(prefix="fuzz-", dir=root))
        self._clean = ""

    def __enter__(self) -> Harness:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def warm(self) -> None:
        """Read every seed without the guard: what readers import late is then imported, and so is every codec."""
        for module in pkgutil.iter_modules(encodings.__path__):
            with contextlib.suppress(ImportError):  # of another system
                importlib.import_module(f"encodings.{module.name}")
        for seed in self.target.seeds():
            with contextlib.suppress(*self.target.errors):
                self.target.read(self._place(seed))

    def run(self, data: bytes, traced: bool = False) -> bool:
        """Read one input; whether its outcome is of a new kind. Raises Finding."""
        place = self._place(data)
        self.counts.traced += traced
        target = self.target
        outcome = self.guard.call(lambda: target.read(place), [str(place)], len(data), traced)
        return self.counts.add(outcome)

    def _place(self, data: bytes) -> Path:
        """The input as a file, or as a folder of files."""
        if self.target.file:
            path = self._root / self.target.file
            path.write_bytes(data)
            return path
        folder = self._root / "folder"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in unfolder(data).items():
            if name and not name.startswith("/") and ".." not in name and "\0" not in name and len(name) < 100:
                path = folder / name
                if not path.exists():
                    try:
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(content)
                    except OSError:  # a name that no file can have
                        continue
        return folder


class Inputs:
    """The next input: a change of a seed, or of one whose outcome was new, or a new one. The same for the same seed."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target, self.draw = target, Random(f"{target.name} {seed}")
        self.corpus = list(target.seeds())
        self.least = len(self.corpus)

    def next(self) -> bytes:
        """One input."""
        target, draw = self.target, self.draw
        if target.generate is not None and (not self.corpus or draw.random() < FRESH):
            return target.generate(draw)
        data = target.mutate(draw.choice(self.corpus), draw)
        return data[: 1 << 16]

    def keep(self, data: bytes) -> None:
        """Change this one too from now on."""
        if len(data) <= 1 << 14:
            self.corpus.append(data)
            if len(self.corpus) > self.least + MOST_KEPT:
                del self.corpus[self.draw.randrange(self.least, len(self.corpus))]
