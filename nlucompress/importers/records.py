"""Inert records: what a model says about itself, without running any of it.

A model file, or a live estimator, is read as plain data (numbers, strings, lists, dicts, arrays), ``Record`` for an
object (its class's name and its attributes) and ``Global`` for a class or function that is mentioned. Nothing here
imports scikit-learn, scipy or joblib, and no name from a file is ever looked up: a file yields names and numbers only.
``view`` gives a live object the same form, so an importer is written once.
"""

from __future__ import annotations

import functools
import operator
import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import Floats, SparseRows

_Integers = npt.NDArray[np.int64]

ARRAYS = ("numpy.ndarray", "numpy.matrix", "numpy.memmap")  # kinds of arrays; all are read as ndarray
MAX_DEPTH = 100  # containers and objects inside each other; a pipeline in a search in a dict is 20 deep
MAX_LINES = 1 << 27  # rows or columns of a sparse matrix
MAX_CELLS = 1 << 30  # of a dense array made from a sparse one: 8 GiB
FREE_CELLS, CELLS_A_VALUE = 1 << 24, 1024  # of such an array too: some, and so many for each value that is stored
LIMIT = 16 << 30  # bytes that a compressed file may unpack to
FREE_BYTES, BYTES_A_BYTE = 64 << 20, 1100  # unpacked too: some, and more than deflate can pack into a byte of the file
RUNS_NOTHING = (
    "nlucompress reads models and runs nothing; if you trust the file, load it yourself and pass the estimator"
)
DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
MAX_KEY = 64  # leaves of a tuple that is a dict's key; hashing a tuple that holds itself twice, 50 deep, takes days

_DATA = (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset, slice, range, np.ndarray,
         np.generic, np.dtype)  # fmt: skip
_LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes, np.float64, np.float32, np.int64, np.int32})
_KEYS = _LEAVES | {np.str_, np.bool_}
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType,
              types.WrapperDescriptorType, type, np.ufunc)  # fmt: skip
_CALLABLES = (functools.partial, operator.itemgetter, operator.attrgetter, operator.methodcaller)
_DTYPE = re.compile(r"[<>|=]?(\?|b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|[USV]\d{1,9}|O[48]?)")
_RENAMED = {"_loss": "sklearn", "_sgd_fast": "sklearn"}  # compiled modules that forgot their package

# Whose objects a file may hold. Reading them runs nothing, so this list is about what makes sense in a model file.
_MODEL_PACKAGES = frozenset({"sklearn", "scipy", "joblib", "imblearn", "sklearn_crfsuite", "nltk", "pycrfsuite"})
_CLASS_NAME = re.compile(r"_*[A-Z]\w*|\w+_(matrix|array|gen|frozen)")  # of a class, not of a function
_PLAIN_CLASSES = frozenset({
    "datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "datetime.timezone",
    "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "zoneinfo.ZoneInfo", "builtins.object",
    "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath",
    "pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath",
    "numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray",
})  # fmt: skip


class Named:
    """What a Global and a Record share: a module, a name, and what to call the two together."""

    module: str
    name: str

    @property
    def package(self) -> str:
        """The top-level package: ``"sklearn"`` of ``sklearn.svm._classes``."""
        return _package(self.module)

    @property
    def kind(self) -> str:
        """Package and name, without the modules between (they move about): ``"sklearn.LinearSVC"``."""
        return f"{self.package}.{self.name}"

    def __str__(self) -> str:
        return clean(f"{self.module}.{self.name}")


@dataclass(frozen=True)
class Global(Named):
    """A class or function that a file mentions, or that a live object is: a name and nothing behind it.

    >>> Global("numpy", "float64").kind
    'numpy.float64'
    """

    module: str
    name: str


@dataclass(eq=False)
class Record(Named):
    """An object, inert: its class's module and name, its attributes, and what its constructor was given, if known.

    state: attributes by name. What an object restores in its own way (a tuple, a number) is in ``state["__state__"]``.

    >>> Record("sklearn.svm._classes", "LinearSVC", {"C": 1.0}).kind
    'sklearn.LinearSVC'
    """

    module: str
    name: str
    state: dict[str, Any] = field(default_factory=dict)
    args: tuple[Any, ...] = ()

    def __repr__(self) -> str:  # attributes may be megabytes
        return f"<record of {self}>"


class Refused(Exception):  # noqa: N818
    """Why a file is refused; its reader adds the file's name. at: the byte, if known; advice: the way out."""

    def __init__(self, reason: str, advice: str = "", at: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.advice, self.at = reason, advice, at

    def error(self, file: str) -> ModelImportError:
        """The error for the user, in one line."""
        at = "" if self.at is None else f" at byte {self.at}"
        advice = f"; {self.advice}" if self.advice else ""
        return ModelImportError(clean(f"{file}: {self.reason}{at}{advice}"))


def read_bytes(path: str | Path, most: int = -1) -> bytes:
    """A regular file's bytes, at most so many of them; or ModelImportError."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise Refused("this is not a regular file").error(path.name)
        with open(path, "rb") as file:
            return file.read(most)
    except (OSError, MemoryError, ValueError) as error:
        if isinstance(error, ModelImportError):
            raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Refused(f"cannot be read: {reason}").error(path.name) from None


def unpacked_limit(size: int, limit: int) -> tuple[int, str]:
    """The most bytes that compressed content of so many bytes may unpack to, at most limit; and what to say of the limit.

    A model is mostly zeros at best, which deflate packs a thousand times; bz2 and xz pack a gigabyte of them into 1 KB.
    """
    most = FREE_BYTES + BYTES_A_BYTE * size
    if most >= limit:
        return limit, f"the limit of {limit} bytes"
    return most, f"{most} bytes, the limit for a file of {size} ({BYTES_A_BYTE} times its size and {FREE_BYTES})"


def damage(error: BaseException) -> str:
    """One of DAMAGE, as a reason: what a damaged file made fail."""
    words = clean(str(error).partition("\n")[0])[:200]
    return f"the file is damaged or foreign ({type(error).__name__}{': ' + words if words else ''})"


def clean(words: str) -> str:
    """Words from a file for a message: one line, printable everywhere, at most 1000 characters."""
    if len(words) > 1000:
        words = words[:1000] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in words)


def show(value: object) -> str:
    """A value for a message: short, whatever it is. (A list that holds itself twice, 50 deep, has no short repr.)

    >>> show([1, 2, 3]), show("a" * 100)[:8], show(Global("os", "system"))
    ('a list of 3', "'aaaaaaa", 'os.system')
    """
    if isinstance(value, (Global, Record)):
        return str(value)
    if isinstance(value, (str, bytes, bytearray)):
        return clean(repr(value[:60]) + ("…" if len(value) > 60 else ""))
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, tuple) and len(value) <= 8 and all(isinstance(v, (int, float, str)) for v in value):
        return f"({', '.join(map(show, value))})"
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f"a {type(value).__name__} of {len(value)}"
    if value is None or isinstance(value, (bool, int, float, complex, np.generic, np.dtype)):
        return clean(repr(value))[:100]
    return f"an object of type {clean(type(value).__name__)}"


def view(obj: Any) -> Any:
    """Any object in the form that a file's reader gives it: plain data as it is, else a Record or a Global.

    A class, a function, a method, a partial or another callable is a Global; so is functools.partial in a file. An
    estimator or a sparse matrix is a Record of its attributes, which are the live ones (call view on each).

    >>> view(str.lower), view([1])
    (Global(module='builtins', name='str.lower'), [1])
    """
    cls = type(obj)
    if isinstance(obj, dict) and _package(cls.__module__) in _MODEL_PACKAGES:  # scikit-learn's Bunch
        return Record(cls.__module__, cls.__qualname__, dict(obj))
    if obj is None or isinstance(obj, (Global, Record, *_DATA)):
        return obj
    if isinstance(obj, _FUNCTIONS):
        return _function(obj)
    if isinstance(obj, _CALLABLES):
        return Global(cls.__module__, cls.__qualname__)
    if callable(obj) and _package(cls.__module__) not in _MODEL_PACKAGES:
        return Global(cls.__module__, cls.__qualname__)
    state = getattr(obj, "__dict__", {})
    return Record(cls.__module__, cls.__qualname__, dict(state) if isinstance(state, dict) else {})


def _function(obj: Any) -> Global:
    owner = getattr(obj, "__objclass__", None)  # of a method of a built-in class
    module = getattr(obj, "__module__", None) or getattr(owner, "__module__", None)
    if isinstance(obj, np.ufunc):
        module = "numpy"
    return Global(str(module or "builtins"), str(getattr(obj, "__qualname__", None) or obj.__name__))


def _package(module: str) -> str:
    root = module.partition(".")[0]
    return _RENAMED.get(root, root)


def may_hold(cls: Global) -> bool:
    """Whether a model file may hold an object of this class; see _MODEL_PACKAGES."""
    if cls.package in _MODEL_PACKAGES:
        return _CLASS_NAME.fullmatch(cls.name) is not None or cls.name.startswith("__pyx_unpickle_")
    return str(cls) in _PLAIN_CLASSES or cls.module == "numpy.random" or cls.module.startswith("numpy.random.")


def foreign_object(cls: object) -> Refused:
    """The refusal of an object of a user's class."""
    return Refused(
        f"the file holds an object of class {show(cls)}",
        "of objects nlucompress reads only scikit-learn's, NLTK's, scipy's and numpy's; if you trust the file, load it "
        "with the library that wrote it and pass the estimator without this part",
    )


def checked_key(key: Any) -> Any:
    """A dict's key or a set's member, if hashing and comparing it takes a short, known time."""
    if key.__class__ in _KEYS:
        if isinstance(key, int) and key.bit_length() > 64:
            raise Refused(f"a dict's key is {show(key)}, more than 64")
        return key
    if isinstance(key, Global):
        return key
    if isinstance(key, tuple):
        _key_leaves(key, 0)
        return key
    raise Refused(f"a dict's key or a set's member is {show(key)}")


def _key_leaves(key: tuple[Any, ...], seen: int) -> int:
    seen += len(key) + 1
    if seen > MAX_KEY:
        raise Refused(f"a dict's key is a tuple of more than {MAX_KEY} parts")
    for part in key:
        if isinstance(part, tuple):
            seen = _key_leaves(part, seen)
        else:
            checked_key(part)
    return seen


def check_depth(root: Any) -> Any:
    """Give root back if it is a tree or shared parts of trees, at most MAX_DEPTH deep: safe to walk by recursion."""
    height: dict[int, int] = {}  # of what has been walked, by id
    open_ids: set[int] = set()
    walk: list[tuple[Any, Iterator[Any], list[int]]] = []

    def enter(node: Any) -> None:
        open_ids.add(id(node))
        walk.append((node, _children(node), [0]))

    if root.__class__ not in _LEAVES:
        enter(root)
    while walk:
        node, rest, below = walk[-1]
        for child in rest:
            if child.__class__ in _LEAVES:
                continue
            if id(child) in open_ids:
                raise Refused(f"{show(child)} contains itself")
            known = height.get(id(child))
            if known is None:
                enter(child)
                break
            below[0] = max(below[0], known)
        else:
            walk.pop()
            open_ids.remove(id(node))
            height[id(node)] = below[0] + 1
            if below[0] >= MAX_DEPTH:
                raise Refused(f"{show(node)} holds containers and objects more than {MAX_DEPTH} deep")
            if walk:
                walk[-1][2][0] = max(walk[-1][2][0], below[0] + 1)
    return root


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        return iter(node.values())
    if isinstance(node, (list, tuple, set, frozenset)):
        return iter(node)
    if isinstance(node, Record):
        return iter([*node.state.values(), *node.args])
    if isinstance(node, np.ndarray) and node.dtype == object:
        return iter(node.ravel())
    return iter(())


# Arrays


def dtype(spec: Any) -> np.dtype[Any]:
    """A numpy dtype from its code, as a file spells it: ``"f8"``, ``"<U5"``, ``"O8"``."""
    if isinstance(spec, str) and _DTYPE.fullmatch(spec):
        return np.dtype("O" if "O" in spec else spec)
    raise Refused(f"dtype {show(spec)} is not bool, int, float, complex, str, bytes or object")


def check_shape(shape: Any, room: int) -> int:
    """The number of elements of a shape. room: the most that there may be, empty dimensions taken as 1."""
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise Refused(f"an array's shape is {show(shape)}")
    cells = 1
    for n in shape:
        cells *= max(n, 1)
        if cells > max(room, 1):
            raise Refused(f"an array's shape {show(shape)} has more elements than the file's {room} bytes")
    return cells if all(shape) else 0


def array(
    data: bytes, kind: np.dtype[Any], shape: Any, fortran: bool, start: int = 0, room: int | None = None
) -> npt.NDArray[Any]:
    """An array that lies in data, from byte start on; copied only where the machine wants it aligned.

    room: see check_shape; None: the length of data.
    """
    if kind.hasobject:
        raise Refused(f"an array's dtype is {kind}, which raw bytes cannot hold")
    count = check_shape(shape, len(data) if room is None else room)
    needed = count * kind.itemsize
    if start + needed > len(data):
        what = f"an array of shape {show(shape)} and dtype {kind}"
        raise Refused(f"{what} takes {needed} bytes, {len(data) - start} are left")
    if not count or not kind.itemsize:
        return np.zeros(shape, kind)
    flat = np.frombuffer(data, kind, count, start)
    if not flat.flags.aligned:
        flat = flat.copy()
    made: npt.NDArray[Any] = flat.reshape(shape, order="F" if fortran else "C")
    return made


def object_array(items: Iterable[Any], shape: Any, fortran: bool, room: int) -> npt.NDArray[Any]:
    """An array of objects from a flat sequence of them."""
    values = list(items)
    count = check_shape(shape, room)
    if count != len(values):
        raise Refused(f"an array of shape {show(shape)} has {count} elements, {len(values)} are given")
    flat = np.empty(count, object)
    for i, value in enumerate(values):
        flat[i] = value
    made: npt.NDArray[Any] = flat.reshape(shape, order="F" if fortran else "C")
    return made


# Sparse matrices, as scipy keeps them: csr, csc, coo, dia.


def is_sparse(obj: Any) -> bool:
    """Whether view(obj) is a scipy sparse matrix or array."""
    seen = view(obj)
    return isinstance(seen, Record) and seen.package == "scipy" and _sparse_format(seen) != ""


def sparse_rows(obj: Any, place: str) -> SparseRows:
    """A csr, csc, coo or dia matrix (live or a Record) as checked rows, columns ascending, equal places added up.

    place: where it stands, for the errors: ``"coef_"``. Raises ModelImportError.
    """
    rows, columns, values, shape = _triple(obj, place)
    cell = rows * shape[1] + columns
    if not (np.diff(cell) > 0).all():
        order = np.argsort(cell, kind="stable")
        cell, first = np.unique(cell[order], return_index=True)
        values = np.add.reduceat(values[order], first)
        rows, columns = np.divmod(cell, shape[1])
    indptr = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    return SparseRows(indptr, columns.astype(np.int32), values, shape)


def dense(obj: Any, place: str) -> npt.NDArray[Any]:
    """A 2-D array of numbers, or a sparse matrix as one, float64. Raises ModelImportError that names the place."""
    if isinstance(obj, np.ndarray):
        if obj.ndim != 2 or obj.dtype.kind not in "biuf":
            raise ModelImportError(f"{place} is {show(obj)}, not two-dimensional and of numbers")
        return np.asarray(obj, np.float64)
    rows, columns, values, shape = _triple(obj, place)
    _check_cells(shape, shape[0] * shape[1], len(values), place)
    out = np.zeros(shape)
    np.add.at(out, (rows, columns), values)
    return out


def diagonal(obj: Any, place: str) -> Floats:
    """The diagonal of a square sparse matrix that has nothing else (an old TfidfTransformer's idf), float64."""
    rows, columns, values, shape = _triple(obj, place)
    off = np.flatnonzero((rows != columns) & (values != 0))
    if shape[0] != shape[1] or len(off):
        where = f"of shape {shape}" if not len(off) else f"[{rows[off[0]]}, {columns[off[0]]}] is {values[off[0]]}"
        raise ModelImportError(f"{place} {where}: not a diagonal matrix")
    _check_cells(shape, shape[0], len(values), place)
    same = rows == columns
    out = np.zeros(shape[0])
    np.add.at(out, rows[same], values[same])
    return out


def _check_cells(shape: tuple[int, int], cells: int, values: int, place: str) -> None:
    """Refuse to make a dense array of a sparse one that says a shape and has next to no values."""
    most = min(MAX_CELLS, FREE_CELLS + CELLS_A_VALUE * values)
    if cells > most:
        raise ModelImportError(f"{place}: shape {shape} asks for a dense array of {cells} elements; of a sparse matrix of "
                               f"{values} values at most {most} are made")  # fmt: skip


def _sparse_format(record: Record) -> str:
    match = re.fullmatch(r"(csr|csc|coo|dia)_(matrix|array)", record.name)
    return match[1] if match else ""


def _triple(obj: Any, place: str) -> tuple[_Integers, _Integers, npt.NDArray[Any], tuple[int, int]]:
    """Row, column and value of each stored element of a sparse matrix, checked."""
    record = view(obj)
    if not isinstance(record, Record) or record.package != "scipy" or not _sparse_format(record):
        raise ModelImportError(f"{place} is {show(record)}, not a csr, csc, coo or dia matrix")
    what, state = f"{place} ({record.name})", record.state
    shape = state.get("_shape", state.get("shape"))
    if (
        not isinstance(shape, tuple)
        or len(shape) != 2
        or not all(isinstance(n, (int, np.integer)) and 0 <= n <= MAX_LINES for n in shape)
    ):
        raise ModelImportError(f"{what}: shape {show(shape)} is not two numbers from 0 to {MAX_LINES}")
    n_rows, n_columns = int(shape[0]), int(shape[1])
    data = state.get("data")
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "biuf":
        raise ModelImportError(f"{what}: data is {show(data)}, not an array of numbers")
    kind = _sparse_format(record)
    if kind == "dia":
        rows, columns, values = _from_diagonals(data, state, n_rows, n_columns, what)
    elif kind == "coo":
        coords = state.get("coords", (state.get("row"), state.get("col")))
        if not isinstance(coords, tuple) or len(coords) != 2:
            raise ModelImportError(f"{what}: coords is {show(coords)}, not two arrays")
        rows, columns = _integers(coords[0], f"{what}: row"), _integers(coords[1], f"{what}: col")
        values = data
    else:
        indptr = _integers(state.get("indptr"), f"{what}: indptr")
        indices = _integers(state.get("indices"), f"{what}: indices")
        lines, most = n_rows if kind == "csr" else n_columns, min(len(indices), data.size)
        if len(indptr) != lines + 1 or indptr[0] != 0 or (np.diff(indptr) < 0).any() or indptr[-1] > most:
            raise ModelImportError(
                f"{what}: indptr of length {len(indptr)} does not go with shape {shape}, {len(indices)} indices and "
                f"{data.size} values"
            )
        along = np.repeat(np.arange(lines, dtype=np.int64), np.diff(indptr))
        across, values = indices[: indptr[-1]], data[: indptr[-1]]  # scipy may keep room for more
        rows, columns = (along, across) if kind == "csr" else (across, along)
    if values.ndim != 1 or not len(rows) == len(columns) == len(values):
        raise ModelImportError(f"{what}: {len(rows)} rows, {len(columns)} columns and data of shape {values.shape}")
    for name, index, limit in (("row", rows, n_rows), ("column", columns, n_columns)):
        if len(index) and (index.min() < 0 or index.max() >= limit):
            bad = index[(index < 0) | (index >= limit)][0]
            raise ModelImportError(f"{what}: {name} {bad} is outside shape ({n_rows}, {n_columns})")
    return rows, columns, values, (n_rows, n_columns)


def _integers(values: Any, place: str) -> _Integers:
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "iu":
        raise ModelImportError(f"{place} is {show(values)}, not a row of integers")
    return values.astype(np.int64)


def _from_diagonals(
    data: npt.NDArray[Any], state: dict[str, Any], n_rows: int, n_columns: int, what: str
) -> tuple[_Integers, _Integers, npt.NDArray[Any]]:
    offsets = _integers(state.get("offsets"), f"{what}: offsets")
    if data.ndim != 2 or len(offsets) != data.shape[0]:
        raise ModelImportError(f"{what}: {len(offsets)} offsets, but data of shape {data.shape}")
    columns = np.tile(np.arange(data.shape[1], dtype=np.int64), data.shape[0])
    rows = columns - np.repeat(offsets, data.shape[1])  # element j of a diagonal stands in column j
    inside = (rows >= 0) & (rows < n_rows) & (columns < n_columns)
    return rows[inside], columns[inside], data.ravel()[inside]
