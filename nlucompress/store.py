"""ModelStore: models by name out of a folder or a bundle, opened when they are asked for, within a budget of bytes.

A hit is a look into a dictionary under a lock. A miss maps the model's bytes and opens them: a fraction of a millisecond
while they are in the page cache.

The bytes of a model are counted, not guessed: the pages of its map, all of them, which are made resident when it is
opened (a map of more than 1 MB is left to fill as it is touched, and counts whole); the native core's memory; and each
Python object made for it. Maps belong to one model each, so that a model that leaves gives back exactly what it took.
"""

from __future__ import annotations

import bisect
import contextlib
import difflib
import errno
import functools
import mmap
import os
import sys
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from . import fileformat
from .backend import backend
from .bundle import Bundle
from .errors import FormatError
from .runtime import Model, opened_as

POPULATE = 1 << 20  # bytes of a map up to which it is made resident at once
SUFFIX = ".nluc"
ABOUT = 20_000  # bytes of its own that a tagger takes, or a model of the reference, which is none for fleets
Key = tuple[int, ...]  # what says that a model's file is the same one


class ModelStore:
    """Models by name: ``store["weather"].predict([text])``. Any number of threads may ask at once.

    source: a folder, whose models are its ``*.nluc`` files by their names without ending; or a ``.nlub`` bundle.
    max_bytes: the budget, for models and a bundle's directory. The models used least recently leave when it is exceeded.
    A model that somebody holds cannot be taken from memory: it stays valid, and counts, until the last one lets go of it;
    meanwhile others leave in its stead. A model that is larger than the budget is given and not kept.
    pinned: names that never leave; opened at once.
    check_seconds: how old the knowledge may be that a model's file (inode, time of change, size), or a bundle's directory,
    is still the same; 0 looks at every call, None never. What was replaced is opened anew; who holds the old one keeps it.
    Files must be replaced by a rename, as ``save`` and the bundle's functions do, never written over.

    Asking raises KeyError for an unknown name, with names that are close; FormatError for a damaged model, which no other
    one notices; OSError. A bundle that is damaged or gone later goes on being served as it was: see ``stats()``.

    >>> import tempfile
    >>> import numpy as np
    >>> from nlucompress import LinearModel, compress
    >>> from nlucompress.linear import Namespace
    >>> folder = tempfile.mkdtemp()
    >>> switch = LinearModel((Namespace("words"),), (["off", "on"],), weights=np.array([[-1.0], [1.0]]),
    ...                      classes=np.array(["off", "on"]), task="binary", intercept=np.zeros(1))
    >>> compress(switch).save(f"{folder}/lights.nluc")
    >>> store = ModelStore(folder, max_bytes=64 << 20)
    >>> store["lights"].predict(["turn the lamp on"])
    array(['on'], dtype='<U3')
    >>> with store.use("lights") as model:  # does not leave meanwhile
    ...     model.classes_.tolist()
    ['off', 'on']
    >>> store["light"]
    Traceback (most recent call last):
    KeyError: "no model 'light': close names are 'lights'"
    >>> store.stats()["hits"]
    1
    """

    def __init__(self, source: str | os.PathLike[str], max_bytes: int = 256 << 20, *, pinned: Iterable[str] = (),
                 check_seconds: float | None = 1.0) -> None:  # fmt: skip
        self.max_bytes = max_bytes
        self._check = float("inf") if check_seconds is None else float(check_seconds)
        if not self._check >= 0:
            raise ValueError(f"check_seconds: {check_seconds} is below 0")
        self._source: _Source = _Folder(source) if os.path.isdir(source) else _Bundled(source, self._check)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the one used last is last
        self._pinned: dict[str, _Entry] = {}
        self._pins: set[str] = set()
        self._opening: dict[str, Future[_Entry]] = {}
        self._left: dict[str, _Entry] = {}  # models that left while somebody held them
        self._alive: dict[int, tuple[weakref.ref[Model], str, int]] = {}
        self._gone: deque[weakref.ref[Model]] = deque()  # filled by whoever lets go of a model, whatever it is doing
        self._is_gone = self._gone.append
        self._bytes = 0
        self._counts = dict.fromkeys(("hits", "misses", "waits", "evictions", "reloads", "errors"), 0)
        self._times: deque[float] = deque(maxlen=4096)
        self._seconds = 0.0
        self._lock = threading.Lock()
        if self._source.own_bytes() > max_bytes:
            raise ValueError(f"max_bytes: {max_bytes}, the bundle's directory alone takes {self._source.own_bytes()}")
        _stores.add(self)
        for name in pinned:
            self.pin(name)

    # -- asking -------------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Model:
        """The model of a name; valid as long as it is held."""
        return self._get(name, 0)[1]

    @contextlib.contextmanager
    def use(self, name: str) -> Iterator[Model]:
        """The model of a name, which does not leave the store inside the block."""
        entry, model = self._get(name, 1)
        try:
            yield model
        finally:
            with self._lock:
                entry.uses -= 1
                del model
                self._shrink()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._source.key(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def names(self) -> list[str]:
        """All names that the source has now, ascending."""
        return self._source.names()

    # -- staying and leaving ------------------------------------------------------------------------------------------

    def pin(self, name: str) -> None:
        """Open a model and keep it until ``unpin``. Raises as asking does; ValueError if the pinned exceed the budget."""
        entry, model = self._get(name, 1)
        with self._lock:
            entry.uses -= 1
            most = self.max_bytes - self._source.own_bytes()
            total = sum(one.bytes for other, one in self._pinned.items() if other != name) + entry.bytes
            if total <= most:
                self._pins.add(name)
                if self._entries.get(name) is entry:
                    del self._entries[name]
                    self._pinned[name] = entry
                elif name not in self._pinned:
                    self._left.pop(name, None)
                    entry.model = model
                    self._pinned[name] = entry
            self._shrink()
            del model, entry  # or the error would hold them
        if total > most:
            raise ValueError(f"model {name!r}: pinned models would take {total} bytes, the budget leaves {most}")

    def unpin(self, name: str) -> None:
        """Let a pinned model leave when its turn comes. A name that is not pinned is no error."""
        with self._lock:
            self._pins.discard(name)
            if name in self._pinned:
                self._entries[name] = self._pinned.pop(name)
            self._shrink()

    def clear(self) -> None:
        """Let go of every model that is not pinned."""
        with self._lock:
            for name in list(self._entries):
                self._let_go(name, self._entries.pop(name))
            self._drain()

    def close(self) -> None:
        """Let go of every model, and of the source. Models that are held stay valid."""
        with self._lock:
            self._pins.clear()
            self._pinned.clear()
            self._entries.clear()
            self._left.clear()
            self._drain()
            self._source.close()

    def __enter__(self) -> ModelStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def stats(self) -> dict[str, Any]:
        """Counters since the store was made, and what it holds now.

        hits, misses (models opened), waits (asked for while another thread opened it), evictions, reloads (files that
        were replaced), errors; models, pinned, held (left, but in somebody's hands); bytes of all of these and of the
        directory, bytes_pinned, bytes_source (the directory's), max_bytes; open_seconds: total, and median, p99 and maximum
        of the last 4,096; source_error: why the source's newest state is not served, or None.
        """
        with self._lock:
            self._drain()
            times = sorted(self._times)
            return {
                **self._counts,
                "models": len(self._entries) + len(self._pinned),
                "pinned": len(self._pinned),
                "held": len(self._alive) - len(self._entries) - len(self._pinned),
                "bytes": self._bytes + self._source.own_bytes(),
                "bytes_pinned": sum(entry.bytes for entry in self._pinned.values()),
                "bytes_source": self._source.own_bytes(),
                "max_bytes": self.max_bytes,
                "open_seconds": {
                    "total": self._seconds, "median": _quantile(times, 0.5), "p99": _quantile(times, 0.99),
                    "max": _quantile(times, 1.0),
                },
                "source_error": self._source.error(),
            }  # fmt: skip

    # -- how ----------------------------------------------------------------------------------------------------------

    def _get(self, name: str, uses: int) -> tuple[_Entry, Model]:
        """The entry and model of a name, opened by one thread while others wait for it."""
        while True:
            now = time.monotonic()
            with self._lock:
                entry = self._entries.get(name) or self._pinned.get(name)
                if entry is not None and now - entry.checked < self._check:
                    return self._hit(name, entry, uses)
                future = self._opening.get(name)
                if future is None:
                    mine = self._opening[name] = Future()
                    break
                self._counts["waits"] += 1
            try:
                entry = future.result()  # or the error that the other thread met
            except CancelledError:
                continue
            with self._lock:
                model = entry.model or (entry.ref() if entry.ref else None)
                if model is not None:
                    entry.uses += uses
                    return entry, model
        try:
            entry, model = self._fresh(name, uses, now)
        except BaseException as error:
            with self._lock:
                self._counts["errors"] += not isinstance(error, KeyError)
                del self._opening[name]
            if isinstance(error, Exception):
                mine.set_exception(error)
            else:  # an interrupt is this thread's alone
                mine.cancel()
            raise
        with self._lock:
            del self._opening[name]
        mine.set_result(entry)
        return entry, model

    def _hit(self, name: str, entry: _Entry, uses: int) -> tuple[_Entry, Model]:
        assert entry.model is not None
        self._counts["hits"] += 1
        entry.uses += uses
        if name in self._entries:
            self._entries.move_to_end(name)
        return entry, entry.model

    def _fresh(self, name: str, uses: int, now: float) -> tuple[_Entry, Model]:
        """The entry of a name that is not there, or that must be looked at again: only one thread is here for it."""
        key = self._source.key(name)
        with self._lock:
            self._drain()
            entry = self._entries.get(name) or self._pinned.get(name)
            if entry is not None:
                if entry.key == key:
                    entry.checked = now
                    return self._hit(name, entry, uses)
                self._counts["reloads"] += 1
                self._entries.pop(name, None)
                self._pinned.pop(name, None)
                entry.model = None
                del entry
                self._drain()
            left = self._left.pop(name, None)
            model = left.ref() if left is not None and left.ref is not None else None
            if left is not None and model is not None and left.key == key:  # somebody held it: it is back
                left.model, left.checked = model, now
                self._insert(name, left, uses)
                self._counts["hits"] += 1
                return left, model
            self._counts["misses"] += 1
        if key is None:
            raise KeyError(_unknown(name, self._source.names()))
        start = time.perf_counter()
        key, buffer, mapped = self._source.map(name, key)
        try:
            model, own = _open(buffer)
        except FormatError as error:
            raise FormatError(f"{self._source.place(name)}: {error}") from None
        entry = _Entry(key, model, now)
        entry.bytes = mapped + own + sys.getsizeof(entry) + sys.getsizeof(name) + PER_ENTRY
        seconds = time.perf_counter() - start
        with self._lock:
            self._seconds += seconds
            self._times.append(seconds)
            entry.ref = weakref.ref(model, self._is_gone)
            self._alive[id(entry.ref)] = entry.ref, name, entry.bytes
            self._bytes += entry.bytes
            self._insert(name, entry, uses)
        return entry, model

    def _insert(self, name: str, entry: _Entry, uses: int) -> None:
        entry.uses += uses
        if name in self._pins:
            self._pinned[name] = entry
        elif entry.bytes + self._source.own_bytes() > self.max_bytes:  # all others would leave, and it would not fit
            self._left[name] = entry
            entry.model = None
            return
        else:
            self._entries[name] = entry
        self._shrink()

    def _shrink(self) -> None:
        """Let models go, the one used least recently first, until the budget holds; those in use would free nothing."""
        self._drain()
        most = self.max_bytes - self._source.own_bytes()
        while self._bytes > most:
            name = next((name for name, entry in self._entries.items() if not entry.uses), None)
            if name is None:
                return
            self._counts["evictions"] += 1
            self._let_go(name, self._entries.pop(name))
            self._drain()

    def _let_go(self, name: str, entry: _Entry) -> None:
        self._left[name] = entry
        entry.model = None

    def _drain(self) -> None:
        """Take the models that nobody holds any more off the count."""
        while self._gone:
            ref = self._gone.popleft()
            _, name, size = self._alive.pop(id(ref))
            self._bytes -= size
            left = self._left.get(name)
            if left is not None and left.ref is ref:
                del self._left[name]


@dataclass(eq=False, slots=True)
class _Entry:
    """An opened model. key: which file it is of; checked: when that was last looked at; uses: blocks of ``use``."""

    key: Key
    model: Model | None
    checked: float
    uses: int = 0
    bytes: int = 0
    ref: weakref.ref[Model] | None = field(default=None, repr=False)


PER_ENTRY = 700  # bytes: places in three dictionaries, a weak reference, a key of five numbers, a tuple

_stores: weakref.WeakSet[ModelStore] = weakref.WeakSet()
_forking: list[ModelStore] = []


def _before_fork() -> None:
    """Let no other thread be half-way through a change while the process is copied."""
    stores = sorted(_stores, key=id)
    for store in stores:
        store._lock.acquire()
        store._source.lock.acquire()
    _forking.extend(stores)


def _after_fork(child: bool) -> None:
    for store in _forking:
        if child:
            store._opening = {}  # by threads that the child does not have
        store._source.lock.release()
        store._lock.release()
    _forking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=functools.partial(_after_fork, False),
                        after_in_child=functools.partial(_after_fork, True))  # fmt: skip


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[round(share * (len(ordered) - 1))] if ordered else None


def _unknown(name: str, names: list[str]) -> str:
    """Words about a name that is not there. names: ascending; of many only its neighbours are compared."""
    at = bisect.bisect(names, name)
    close = difflib.get_close_matches(name[:300], names[max(at - 1000, 0) : at + 1000], 3, 0.6)
    return f"no model {name!r:.200}" + (f": close names are {', '.join(map(repr, close))}" if close else "")


def _open(buffer: Any) -> tuple[Model | Any, int]:
    """A model, and the bytes of its own besides the buffer; about, of a tagger and of the reference's models."""
    if backend() == "native":
        from .lean import LeanModel

        lean = LeanModel(buffer)
        if lean.task != "tagging":
            return lean, lean.own_bytes()
    return opened_as(memoryview(buffer)), ABOUT


# -- where models come from -------------------------------------------------------------------------------------------


class _Source(Protocol):
    """A folder or a bundle."""

    lock: threading.Lock

    def key(self, name: str) -> Key | None:
        """Which file a name's model is of now, None if there is none."""
        ...

    def map(self, name: str, key: Key) -> tuple[Key, Any, int]:
        """Which file it is by now, its bytes as a buffer, and how many bytes of memory these take."""
        ...

    def place(self, name: str) -> str:
        """Where an error is."""
        ...

    def names(self) -> list[str]: ...
    def own_bytes(self) -> int: ...
    def error(self) -> str | None: ...
    def close(self) -> None: ...


class _Folder:
    """A folder's ``*.nluc`` files."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fsdecode(path)
        self.lock = threading.Lock()

    def place(self, name: str) -> str:
        return os.path.join(self._path, name + SUFFIX)

    def key(self, name: str) -> Key | None:
        if not isinstance(name, str) or os.path.basename(name) != name or "\0" in name or not name:
            return None
        try:
            return _key(os.stat(self.place(name)))
        except (FileNotFoundError, NotADirectoryError, UnicodeEncodeError):
            return None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None
            raise

    def map(self, name: str, key: Key) -> tuple[Key, Any, int]:
        path = self.place(name)
        try:
            fileformat.regular(path)
            fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:  # since it was looked for
            raise KeyError(_unknown(name, self.names())) from None
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        try:
            status = os.fstat(fd)
            return _key(status), *_map(fd, 0, status.st_size)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None
        finally:
            os.close(fd)

    def names(self) -> list[str]:
        with os.scandir(self._path) as found:
            return sorted(one.name.removesuffix(SUFFIX) for one in found
                          if one.name.endswith(SUFFIX) and one.name != SUFFIX and one.is_file())  # fmt: skip

    def own_bytes(self) -> int:
        return 0

    def error(self) -> str | None:
        return None

    def close(self) -> None:
        pass


class _Bundled:
    """A bundle, and the state of it that was the newest when it was last looked at."""

    def __init__(self, path: str | os.PathLike[str], check_seconds: float) -> None:
        self._path, self._check = os.fsdecode(path), check_seconds
        self.lock = threading.Lock()
        self._error: str | None = None
        self._stamp = _stamp(self._path)  # before it is opened: a change meanwhile is met at the next look
        self._set(Bundle(path))
        self._looked = time.monotonic()

    def _set(self, bundle: Bundle) -> None:
        state = bundle.state
        page = mmap.PAGESIZE
        # The pages of the directory's map, the ends of names, and what belongs to them.
        self._own = -(-(state.offset % page + state.length) // page) * page + 4 * state.count + 4096
        self._bundle = bundle

    def _now(self) -> Bundle:
        """The bundle, opened anew if it was changed."""
        now = time.monotonic()
        if now - self._looked < self._check:
            return self._bundle
        with self.lock:
            self._looked = now
            try:
                stamp = _stamp(self._path)
                if stamp != self._stamp:
                    self._set(Bundle(self._path))  # who is reading from the one before holds it
                    self._stamp = stamp
                self._error = None
            except (OSError, FormatError) as error:
                self._error = str(error)
            return self._bundle

    def _place(self, bundle: Bundle, name: str) -> tuple[int, ...] | None:
        entry = bundle.state.find(name)
        return None if entry is None else (*bundle.identity, entry.offset, entry.length, entry.digest)

    def place(self, name: str) -> str:
        return f"{self._path}: model {name!r}"

    def key(self, name: str) -> Key | None:
        return self._place(self._now(), name) if isinstance(name, str) else None

    def map(self, name: str, key: Key) -> tuple[Key, Any, int]:
        bundle = self._bundle
        if key[:2] != bundle.identity:  # another file since; places in the same file stay what they are
            found = self._place(bundle, name)
            if found is None:
                raise KeyError(_unknown(name, bundle.names()))
            key = found
        *_, offset, length, digest = key
        try:
            buffer, mapped = _map(bundle.fileno(), offset, length)
            if int.from_bytes(memoryview(buffer)[32:40], "little") != digest:
                raise FormatError("its preamble is not the one that was stored (B10)")
        except FormatError as error:
            raise FormatError(f"{self.place(name)}: {error}") from None
        return key, buffer, mapped

    def names(self) -> list[str]:
        return self._now().names()

    def own_bytes(self) -> int:
        return self._own

    def error(self) -> str | None:
        return self._error or self._bundle.state.damage

    def close(self) -> None:
        self._bundle.close()


def _key(status: os.stat_result) -> Key:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _stamp(path: str) -> Key:
    return _key(os.stat(path))


def _map(fd: int, offset: int, length: int) -> tuple[Any, int]:
    """Bytes of a file as a buffer, and the memory that it takes."""
    if not length:
        raise FormatError("the file is empty")
    if backend() == "native":
        from . import _native

        if hasattr(_native, "Map"):
            try:
                found = _native.Map(fd, offset, length, length <= POPULATE)
            except ValueError as error:
                raise FormatError(f"{error}: was it cut meanwhile?") from None
            return found, int(found.size()) + sys.getsizeof(found)
    skip = offset % mmap.ALLOCATIONGRANULARITY
    try:
        mapped = mmap.mmap(fd, skip + length, access=mmap.ACCESS_READ, offset=offset - skip)
    except ValueError as error:
        raise FormatError(f"{error}: was it cut meanwhile?") from None
    size = -(-(skip + length) // mmap.PAGESIZE) * mmap.PAGESIZE
    return memoryview(mapped)[skip:], size + sys.getsizeof(mapped)
