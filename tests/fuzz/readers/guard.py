"""What a reader may do with one input: answer or raise one of its own errors, with bounded memory, touching nothing.

``Guard.call`` runs a reader and raises Finding for anything else. It sees, by an audit hook, every file that is opened,
every module that is imported, every program, socket or piece of code; by tracemalloc (of some calls) the peak of memory
that Python and numpy take; by the process's high-water mark what is taken past them; by a timer the processor time.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tracemalloc
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

HARMLESS = frozenset({"sys._getframe", "object.__getattr__", "object.__setattr__", "object.__delattr__", "mmap.__new__",
                      "array.__new__", "builtins.id", "gc.get_objects", "gc.get_referrers"})  # fmt: skip
LISTING = frozenset({"os.listdir", "os.scandir"})
GROWTH = 192 << 20  # bytes by which one call may raise the process's high-water mark
SECONDS = 20.0  # of processor time


class Finding(Exception):  # noqa: N818
    """A reader did what it may not. kind: ``"error"``, ``"audit"``, ``"memory"`` or ``"time"``."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.kind, self.words = kind, words


class _Stopped(BaseException):
    """Raised where a reader does what it may not, past every handler of its own."""


_active: Guard | None = None
_hooked = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _active is not None and event not in HARMLESS:
        _active.judge(event, args)


class Guard:
    """Runs readers, one at a time.

    errors: what they may raise, these classes and no subclasses (a UnicodeDecodeError is a ValueError). peak: bytes of
    memory that an input of so many bytes may take, at most. timed: whether processor time is limited, which needs the main
    thread. writes: whether a reader may change the very file that it is given (the state of a search).
    """

    def __init__(self, errors: tuple[type[Exception], ...], peak: Callable[[int], int], timed: bool = True,
                 writes: bool = False) -> None:  # fmt: skip
        global _hooked
        self.errors, self.peak, self.timed, self.writes = errors, peak, timed, writes
        self.paths: frozenset[str] = frozenset()
        self.seen: list[str] = []
        if not _hooked:
            sys.addaudithook(_hook)  # there is no way to take it off again; it does nothing between calls
            _hooked = True

    def judge(self, event: str, args: tuple[Any, ...]) -> None:
        """Stop a call whose event is not allowed."""
        if event == "open":
            path, _, flags = args
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            if (self.writes or not writes) and (isinstance(path, int) or self._own(path)):
                return
        elif (
            (event == "os.truncate" and self.writes and self._own(args[0]))
            or (event in LISTING and self._own(args[0]))
            or (event == "import" and str(args[0]).startswith("encodings."))  # codecs.lookup of a name from the file
        ):
            return
        self.seen.append(f"{event} {args!r:.300}")
        raise _Stopped(self.seen[-1])

    def _own(self, path: Any) -> bool:
        name = os.fspath(path) if not isinstance(path, int) else ""
        name = os.fsdecode(name)
        return any(name == own or name.startswith(own + "/") for own in self.paths) and "/../" not in name

    def call(self, read: Callable[[], Any], paths: Collection[str], size: int, traced: bool = False) -> str:
        """How reading went: "read", or the message of the error. paths: what may be opened for reading.

        Raises Finding.
        """
        global _active
        self.paths, self.seen = frozenset(paths), []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome, limit = "read", self.peak(size)
        if traced:
            tracemalloc.start()
        try:
            with _limited(SECONDS if self.timed else 0):
                _active = self
                try:
                    read()
                finally:
                    _active = None
        except _Stopped:
            pass
        except _TimeUpError:
            raise Finding("time", f"more than {SECONDS:g} seconds of processor time") from None
        except Exception as error:
            if type(error) not in self.errors:
                raise Finding("error", f"{type(error).__name__}: {error!s:.300}") from error
            outcome = str(error)
        finally:
            if traced:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
        if self.seen:
            raise Finding("audit", self.seen[0])
        if "MemoryError" in outcome:
            raise Finding("memory", outcome[:300])
        if traced and peak > limit:
            raise Finding("memory", f"a peak of {peak:,} bytes for an input of {size:,}, at most {limit:,}")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (
            1 if sys.platform == "darwin" else 1024
        )
        if grown > max(GROWTH, limit):
            raise Finding("memory", f"the process grew by {grown:,} bytes for an input of {size:,}")
        return outcome


class _TimeUpError(BaseException):
    pass


def _time_up(number: int, frame: object) -> None:
    raise _TimeUpError


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """A limit of processor time; 0: none."""
    if not seconds:
        yield
        return
    old = signal.signal(signal.SIGVTALRM, _time_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


def limit_address_space(more: int) -> None:
    """Let the process take so many bytes more than it has now: a bomb then ends in a MemoryError, not in a dead machine."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.getrlimit(resource.RLIMIT_AS)[1]))
