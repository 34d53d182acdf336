"""skops files, read without skops: a zip archive of a schema (schema.json) and arrays (.npy, .npz).

The schema is a tree of nodes. Each names the class of an object and the loader that would make it; here a loader makes
plain data or a Record, by the functions below, and a loader that is not listed is refused. Nothing is written to disk.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import records
from .records import ARRAYS, LIMIT, RUNS_NOTHING, Global, Record, Refused, check_depth, checked_key, show

_MAX_SCHEMA = 2 << 30  # bytes of schema.json; 400 for each feature of a vocabulary
_SCHEMA_A_BYTE = 128  # of those for each byte of the file, beyond records.FREE_BYTES: a vocabulary's pack twentyfold
_MAX_NODES_DEEP = 150  # an estimator is two nodes, of itself and of its attributes
_PROTOCOL = 2  # the newest known
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, struct.error, *records.DAMAGE)
_NPY = re.compile(rb"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n")


def read(path: str | Path, limit: int = LIMIT) -> Any:
    """What a .skops file holds, as plain data, Records and Globals.

    limit: most bytes that its members may unpack to, together. Raises ModelImportError with the file's name, the place
    in the schema and the reason for everything that cannot be read.
    """
    return loads(records.read_bytes(path), Path(path).name, limit)


def loads(data: bytes, name: str = "model", limit: int = LIMIT) -> Any:
    """As read, of a file's bytes. name: what the errors call it."""
    reader = _Reader(limit)
    try:
        try:
            return check_depth(reader.model(data))
        except _DAMAGE as error:
            raise Refused(records.damage(error)) from None
    except Refused as refused:
        if reader.trail:
            refused.reason += f" (schema.json, {'.'.join(map(str, reader.trail[:20]))})"
        raise refused.error(name) from None


def is_skops(data: bytes) -> bool:
    """Whether a file's bytes look like a zip archive, as skops files are."""
    return data.startswith(b"PK\x03\x04")


class _Reader:
    """One file: its archive, what is read of it, and the objects by id."""

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit
        self.archive: zipfile.ZipFile
        self.arrays: dict[str, Any] = {}  # by member
        self.objects: dict[int, Any] = {}  # by __id__
        self.unfinished: set[int] = set()
        self.trail: list[str] = []  # attributes and keys down to the node being read
        self.depth = 0

    def model(self, data: bytes) -> Any:
        self.left, _ = records.unpacked_limit(len(data), self.limit)
        most = min(_MAX_SCHEMA, records.FREE_BYTES + _SCHEMA_A_BYTE * len(data))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.archive = archive
            schema = json.loads(self.member(archive, "schema.json", most).decode("utf-8"))
            protocol = schema.get("protocol") if isinstance(schema, dict) else None
            if type(protocol) is not int or not 0 <= protocol <= _PROTOCOL:
                raise Refused(f"the skops protocol is {show(protocol)}, known are 0 to {_PROTOCOL}")
            return self.node(schema)

    def member(self, archive: zipfile.ZipFile, name: Any, limit: int | None = None) -> bytes:
        """A member's bytes; all that are read together count against the limit."""
        if type(name) is not str or name not in archive.NameToInfo:
            raise Refused(f"the zip archive has no member {show(name)}")
        info = archive.getinfo(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(
                f"member {show(name)} is compressed with zip method {info.compress_type}",
                "save it again with compression=zipfile.ZIP_DEFLATED",
            )
        most = self.left if limit is None else min(self.left, limit)
        if info.file_size > most:
            raise Refused(f"member {show(name)} unpacks to {info.file_size} bytes, the limit leaves {most}")
        self.left -= info.file_size
        with archive.open(info) as stream:
            data = stream.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise Refused(f"member {show(name)} has {len(data)} bytes, {info.file_size} are declared")
        return data

    def node(self, state: Any) -> Any:
        """What a node describes; a node with a known id is that object again."""
        if type(state) is not dict:
            raise Refused(f"a node is {show(state)}, not an object of JSON")
        number = state.get("__id__")
        if type(number) is int:
            if number in self.objects:
                return self.objects[number]
            if number in self.unfinished:
                raise Refused("an object contains itself")
            self.unfinished.add(number)
        loader = state.get("__loader__")
        make = _LOADERS.get(loader) if type(loader) is str else None
        if make is None:
            raise Refused(f"the loader is {show(loader)}, which is not known", RUNS_NOTHING)
        self.depth += 1
        if self.depth > _MAX_NODES_DEEP:
            raise Refused(f"the nodes are more than {_MAX_NODES_DEEP} deep")
        value = make(self, state)
        self.depth -= 1
        if type(number) is int:
            self.unfinished.remove(number)
            self.objects[number] = value
        return value

    def nodes(self, states: Any) -> list[Any]:
        if type(states) is not list:
            raise Refused(f"a list of nodes is {show(states)}")
        return [self.node(state) for state in states]

    def array(self, name: Any) -> npt.NDArray[Any]:
        """The array of a .npy member; the same one for the same member."""
        if name not in self.arrays:
            self.arrays[name] = _npy(self.member(self.archive, name))
        found: npt.NDArray[Any] = self.arrays[name]
        return found


def _named(state: dict[str, Any]) -> Global:
    module, name = state.get("__module__"), state.get("__class__")
    if type(module) is not str or type(name) is not str:
        raise Refused(f"a node's class is {show(module)}.{show(name)}")
    return Global(module, name)


def _object(state: dict[str, Any]) -> Record:
    cls = _named(state)
    if not records.may_hold(cls):
        raise records.foreign_object(cls)
    return Record(cls.module, cls.name)


def _json(_: _Reader, state: dict[str, Any]) -> Any:
    content = state.get("content")
    value = json.loads(content) if type(content) is str else content
    if not isinstance(value, (str, int, float, _NONE)):
        raise Refused(f"a JsonNode holds {show(value)}, not a plain value")
    return value


def _list(reader: _Reader, state: dict[str, Any]) -> Any:
    items = reader.nodes(state.get("content"))
    return items if str(_named(state)) == "builtins.list" else _subclass(state, items)


def _tuple(reader: _Reader, state: dict[str, Any]) -> Any:
    items = tuple(reader.nodes(state.get("content")))
    return items if str(_named(state)) == "builtins.tuple" else _subclass(state, items)


def _set(reader: _Reader, state: dict[str, Any]) -> Any:
    items = set(map(checked_key, reader.nodes(state.get("content"))))
    return items if str(_named(state)) in ("builtins.set", "builtins.frozenset") else _subclass(state, items)


def _dict(reader: _Reader, state: dict[str, Any]) -> Any:
    content, kinds = state.get("content"), reader.node(state.get("key_types"))
    if type(content) is not dict or type(kinds) is not list or len(content) != len(kinds):
        raise Refused(f"a dict's content is {show(content)}, the types of its keys are {show(kinds)}")
    made = {}
    for (key, value), kind in zip(content.items(), kinds, strict=True):
        reader.trail.append(key)
        made[_key(key, kind)] = reader.node(value)
        reader.trail.pop()
    if str(_named(state)) in ("builtins.dict", "collections.OrderedDict", "collections.Counter"):
        return made
    record = _object(state)
    record.state = made
    return record


def _key(key: str, kind: Any) -> Any:
    """A dict's key: in JSON all keys are strings."""
    if not isinstance(kind, Global):
        raise Refused(f"a key's type is {show(kind)}")
    name = kind.name.rstrip("_") if kind.package in ("builtins", "numpy") else ""
    if name == "str":
        return key
    if re.fullmatch(r"u?int(8|16|32|64)?", name):
        return checked_key(int(key))
    if re.fullmatch(r"float(16|32|64)?", name):
        return float(key)
    if name == "bool":
        return key in ("true", "True")
    if name == "NoneType":
        return None
    raise Refused(f"a key's type is {kind}, not str, int, float or bool")


def _subclass(state: dict[str, Any], items: Any) -> Record:
    record = _object(state)
    record.args = (items,)
    return record


def _default_dict(reader: _Reader, state: dict[str, Any]) -> Any:
    content = state.get("content")
    return reader.node(content.get("main") if type(content) is dict else content)


def _function(_: _Reader, state: dict[str, Any]) -> Any:
    content = state.get("content")  # of protocol 0
    if type(content) is dict:
        return _named({"__module__": content.get("module_path"), "__class__": content.get("function")})
    return _named(state)


def _method(_: _Reader, state: dict[str, Any]) -> Any:
    content, cls = state.get("content"), _named(state)
    function = content.get("func") if type(content) is dict else None
    return Global(cls.module, f"{cls.name}.{function}") if type(function) is str else cls


def _partial(_: _Reader, __: dict[str, Any]) -> Any:
    return Global("functools", "partial")


def _operator(_: _Reader, state: dict[str, Any]) -> Any:
    return Global("operator", _named(state).name)


def _slice(_: _Reader, state: dict[str, Any]) -> Any:
    content = state.get("content")
    parts = [content.get(part) for part in ("start", "stop", "step")] if type(content) is dict else [content]
    if not all(part is None or type(part) is int for part in parts):
        raise Refused("a slice is not of integers")
    return slice(*parts)


def _bytes(reader: _Reader, state: dict[str, Any]) -> Any:
    return reader.member(reader.archive, state.get("file"))


def _bytearray(reader: _Reader, state: dict[str, Any]) -> Any:
    return bytearray(_bytes(reader, state))


def _estimator(reader: _Reader, state: dict[str, Any]) -> Any:
    """An object by its attributes."""
    record = _object(state)
    content = None if state.get("content") is None else reader.node(state["content"])
    parts = content if type(content) is tuple and len(content) == 2 else (content,)
    if all(part is None or (type(part) is dict and all(type(key) is str for key in part)) for part in parts):
        for part in parts:
            record.state.update(part or {})
    else:
        record.state["__state__"] = content
    return record


def _constructed(reader: _Reader, state: dict[str, Any]) -> Any:
    """An object by its constructor's arguments."""
    cls, args = _named(state), reader.node(state.get("content"))
    if type(args) is not tuple:
        raise Refused(f"the arguments of {cls} are {show(args)}")
    if str(cls) == "builtins.frozenset" and len(args) == 1 and type(args[0]) in (list, tuple):
        return frozenset(map(checked_key, args[0]))
    if str(cls) == "builtins.range" and len(args) == 3 and all(type(n) is int for n in args):
        return range(*args)
    if str(cls) == "builtins.complex" and len(args) == 2 and all(type(n) is float for n in args):
        return complex(*args)
    record = _object(state)
    record.args = args
    return record


def _reduced(reader: _Reader, state: dict[str, Any]) -> Any:
    """A compiled object (a loss, a tree): its class is all that a linear model has use for."""
    return _object(state)


def _random(_: _Reader, state: dict[str, Any]) -> Any:
    cls = _named(state)
    if cls.package != "numpy":
        raise records.foreign_object(cls)
    return Record(cls.module, cls.name)


def _array(reader: _Reader, state: dict[str, Any]) -> Any:
    """An array, or a numpy scalar."""
    cls, kind = _named(state), state.get("type")
    if kind == "numpy":
        name = state.get("file")
        made = reader.array(name if type(name) is str else "")
        if cls.kind in ARRAYS:
            return made
        if cls.package == "numpy" and made.shape == () and made.dtype.kind in "biufcSU":
            return made[()]
        raise Refused(f"an array of shape {show(made.shape)} and dtype {made.dtype} is of class {cls}")
    if kind != "json" or cls.kind != "numpy.ndarray":
        raise Refused(f"an array of class {cls} is stored as {show(kind)}")
    items, shape = reader.nodes(state.get("content")), reader.node(state.get("shape"))
    room = 64 * len(items) + 1000
    records.check_shape(shape, room)
    for size in shape[1:]:  # an array of objects is stored as lists in lists
        if any(type(row) is not list or len(row) != size for row in items):
            raise Refused(f"an array of objects of shape {show(shape)} is not stored as such")
        items = [item for row in items for item in row]
    return records.object_array(items, shape, False, room)


def _dtype(reader: _Reader, state: dict[str, Any]) -> Any:
    empty = reader.node(state.get("content"))
    if not isinstance(empty, np.ndarray):
        raise Refused(f"a dtype is stored as {show(empty)}")
    return empty.dtype


def _masked(_: _Reader, __: dict[str, Any]) -> Any:
    return Record("numpy.ma", "MaskedArray")


def _sparse(reader: _Reader, state: dict[str, Any]) -> Any:
    """A scipy sparse matrix, stored as an archive of arrays."""
    record, name = _object(state), state.get("file")
    if state.get("type") != "scipy" or type(name) is not str:
        raise Refused(f"a sparse matrix is stored as {show(state.get('type'))} in {show(name)}")
    if name not in reader.arrays:
        with zipfile.ZipFile(io.BytesIO(reader.member(reader.archive, name))) as inner:
            parts = [part for part in inner.namelist() if part.endswith(".npy")]
            reader.arrays[name] = {part[:-4]: _npy(reader.member(inner, part)) for part in parts}
    arrays = dict(reader.arrays[name])
    kind, shape = arrays.pop("format", None), arrays.pop("shape", None)
    if kind is None or shape is None or kind.shape != () or shape.ndim != 1 or shape.dtype.kind not in "iu":
        raise Refused(f"the sparse matrix in {show(name)} has no format or no shape")
    text = kind[()].decode("ascii") if kind.dtype.kind == "S" else str(kind[()])
    if not record.name.startswith(text + "_"):
        raise Refused(f"the sparse matrix in {show(name)} is {show(text)}, not {record}")
    arrays.pop("_is_array", None)
    record.state = {**arrays, "_shape": tuple(map(int, shape))}
    return record


def _cached(reader: _Reader, state: dict[str, Any]) -> Any:
    """An object that an earlier node made; node() has found it if there is one."""
    raise Refused(f"a node refers to object {show(state.get('__id__'))}, which does not come before it")


def _npy(data: bytes) -> npt.NDArray[Any]:
    """An array in numpy's file format, versions 1 and 2."""
    if data[:6] != b"\x93NUMPY" or data[6:8] not in (b"\1\0", b"\2\0"):
        raise Refused(f"an array's file starts with {show(data[:8])}, not as numpy's versions 1.0 and 2.0")
    width = 2 if data[6] == 1 else 4
    start = 8 + width + int.from_bytes(data[8 : 8 + width], "little")
    header = _NPY.fullmatch(data[8 + width : start])
    if header is None or start > len(data):
        raise Refused(f"an array's header is {show(data[8 + width : start])}")
    shape = tuple(int(size) for size in header[3].decode().replace(" ", "").split(",") if size)
    kind = records.dtype(header[1].decode())
    made = records.array(data, kind, shape, header[2] == b"True", start)
    needed = made.size * kind.itemsize
    if start + needed != len(data):
        raise Refused(f"an array of shape {show(shape)} takes {needed} bytes, {len(data) - start} are stored")
    return made


_NONE = type(None)
_LOADERS: dict[str, Callable[[_Reader, dict[str, Any]], Any]] = {
    "JsonNode": _json,
    "DictNode": _dict,
    "DefaultDictNode": _default_dict,
    "_DictWithDeprecatedKeysNode": _default_dict,
    "ListNode": _list,
    "TupleNode": _tuple,
    "SetNode": _set,
    "BytesNode": _bytes,
    "BytearrayNode": _bytearray,
    "SliceNode": _slice,
    "FunctionNode": _function,
    "TypeNode": _function,
    "MethodNode": _method,
    "PartialNode": _partial,
    "OperatorFuncNode": _operator,
    "ObjectNode": _estimator,
    "ConstructorFromReduceNode": _constructed,
    "LossNode": _reduced,
    "TreeNode": _reduced,
    "NdArrayNode": _array,
    "MaskedArrayNode": _masked,
    "DTypeNode": _dtype,
    "RandomStateNode": _random,
    "RandomGeneratorNode": _random,
    "SparseMatrixNode": _sparse,
    "CachedNode": _cached,
}
