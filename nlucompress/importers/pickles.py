"""Pickle and joblib files, read without running them: a small pickle machine that makes inert records.

A pickle is a program for a stack machine, and its REDUCE, NEWOBJ, BUILD, INST and OBJ may call anything. Here a class
or function is a ``Global``, a name that is never looked up; a call makes plain data (by the code below) or a ``Record``
where a model file has reason to hold one, and is refused everywhere else. joblib's arrays, raw bytes between the
opcodes, become views of the file's bytes. Every opcode is written out here, none is inherited, so none can surprise.
Memory is bounded by a multiple of the file: what it unpacks to has a limit, a length is checked before anything is made of
it, and copies and objects are counted (see _Budget).
"""

from __future__ import annotations

import bz2
import io
import lzma
import pickle
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import records
from .records import ARRAYS, LIMIT, RUNS_NOTHING, Global, Record, Refused, check_depth, checked_key, show

_CHUNK = 16384
_LZMA_MEMORY = 1 << 30  # xz -9 takes 65 MiB to decompress
_MAX_DIGITS = 4300  # of an integer in decimal: int() takes quadratic time
_MAX_NAME = 1000  # bytes of a class's or function's name
_COPIES, _COPIES_UNPACKED = 32, 2  # bytes that may be copied for each byte of the file, and of what it unpacks to
_OBJECTS, _FREE_OBJECTS = 2048, 128 << 20  # bytes of Python objects for each byte of the file, and beyond that
_MAX_NESTED = 8  # arrays of objects directly inside each other: numpy frees them by recursion

_UNPACKED = "if you trust the file, save it again without compression"
_SAVE_AGAIN = "load it with joblib and save it again: joblib.dump(joblib.load(old), new, compress=3)"
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_PYTHON_2_NAMES = {"xrange": "range", "unicode": "str", "long": "int"}
_ESCAPED = re.compile(rb"(?:[^\\]++|\\(?:[\\'\"abfnrtv]|x[0-9a-fA-F]{2}))*+")  # Python 2's repr(); nothing to return to
_FOREIGN = {
    b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"\x7fELF": "a program", b"MZ": "a program",
    b"%PDF": "a PDF document", b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive", b"\x89HDF": "an HDF5 file", b"GGUF": "a GGUF file",
    b"\x93NUMPY": "a numpy array", b"version https://git-lfs": "a pointer to a file in Git LFS; run git lfs pull",
    b"{": "JSON or another text", b"<": "XML, HTML or another text", b"#": "a text",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it first",
}  # fmt: skip


def read(path: str | Path, limit: int = LIMIT) -> Any:
    """What a .pkl or .joblib file holds, as plain data, Records and Globals, without running any of it.

    Arrays are read-only views of the file's bytes. limit: most bytes that a compressed file may unpack to.
    Raises ModelImportError with the file's name, the byte and the reason for everything that cannot be read.
    """
    name = Path(path).name
    return loads(records.read_bytes(path), name, limit)


def loads(data: bytes, name: str = "pickle", limit: int = LIMIT) -> Any:
    """As read, of a file's bytes. name: what the errors call it.

    >>> import pickle
    >>> loads(pickle.dumps({"C": 1.0, "f": print}))
    {'C': 1.0, 'f': Global(module='builtins', name='print')}
    """
    size = len(data)
    try:
        data = decompress(data, limit)
        if not data:
            raise Refused("the file is empty")
        machine = _Machine(data, budget=_Budget(len(data), size))
        root = machine.run()
        if machine.pos < len(data):
            raise Refused(f"the pickle ends, but {len(data) - machine.pos} bytes follow", at=machine.pos)
        return check_depth(root)
    except Refused as refused:
        foreign = [
            Refused(f"this is {what}, not a pickle") for magic, what in _FOREIGN.items() if data.startswith(magic)
        ]
        raise (foreign[0] if foreign else refused).error(name) from None


# Compression, by the content's first bytes, as joblib does it


def decompress(data: bytes, limit: int = LIMIT) -> bytes:
    """The content of zlib, gzip, bz2, xz or lzma data; other data as it is. Raises Refused.

    limit: most bytes that it may unpack to, if records.unpacked_limit does not say less.
    """
    if data.startswith(b"\x04\x22\x4d\x18"):
        raise Refused("the file is compressed with lz4", _SAVE_AGAIN)
    if data.startswith(b"ZF0x"):
        raise Refused("the file was written by joblib before 0.10", _SAVE_AGAIN)
    if data.startswith(b"\x78"):
        return _unpack(data, limit, "zlib")
    if data.startswith(b"\x1f\x8b"):
        return _unpack(data, limit, "gzip")
    if data.startswith(b"BZh"):
        return _unpack(data, limit, "bz2")
    if data.startswith(b"\xfd7zXZ\0"):
        return _unpack(data, limit, "xz")
    if data.startswith(b"]\0"):
        return _unpack(data, limit, "lzma")
    return data


def _unpack(data: bytes, limit: int, method: str) -> bytes:
    out = io.BytesIO()
    most, words = records.unpacked_limit(len(data), limit)
    pieces = _inflated(data, method) if method in ("zlib", "gzip") else _expanded(data, method)
    try:
        for piece in pieces:
            if out.tell() + len(piece) > most:
                raise Refused(f"the {method} data unpack to more than {words}", _UNPACKED if most < limit else "")
            out.write(piece)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, *records.DAMAGE) as error:
        words = records.clean(str(error)) or type(error).__name__
        raise Refused(f"the {method} data are damaged ({words}) after {out.tell()} unpacked bytes") from None
    return out.getvalue()


def _inflated(data: bytes, method: str) -> Iterator[bytes]:
    """What zlib or gzip streams, one after the other, unpack to, at most 16 MiB (1032 times a chunk) at once."""
    at = 0
    while at < len(data):
        stream = zlib.decompressobj(wbits=31 if method == "gzip" else 15)
        while not stream.eof:
            if at >= len(data):
                raise EOFError("the data end too early")
            chunk = data[at : at + _CHUNK]
            yield stream.decompress(chunk)
            at += len(chunk)
        at -= len(stream.unused_data)


def _expanded(data: bytes, method: str) -> Iterator[bytes]:
    """What bz2, xz or lzma streams, one after the other, unpack to, at most 1 MiB at once."""
    at = 0
    while at < len(data):
        stream: Any
        if method == "bz2":
            stream = bz2.BZ2Decompressor()
        else:
            stream = lzma.LZMADecompressor(lzma.FORMAT_XZ if method == "xz" else lzma.FORMAT_ALONE, _LZMA_MEMORY)
        while not stream.eof:
            chunk = b""
            if stream.needs_input:
                if at >= len(data):
                    raise EOFError("the data end too early")
                chunk = data[at : at + _CHUNK]
                at += len(chunk)
            yield stream.decompress(chunk, 1 << 20)
        at -= len(stream.unused_data)


# The machine


class _Pending(Record):
    """A numpy array or dtype whose state has yet to come; value: what it is by then."""

    value: Any = None


class _Budget:
    """What may still be made of a file: bytes of copies, and bytes of Python objects.

    Without it a file could have one string copied a million times, or 10 KB could unpack to ten million empty sets.
    unpacked, size: bytes of the pickle, and of the file, which is smaller if it is compressed.
    """

    def __init__(self, unpacked: int, size: int) -> None:
        self.total = self.left = _COPIES * size + _COPIES_UNPACKED * unpacked + (1 << 16)
        self.size, self.objects = size, _OBJECTS * size + _FREE_OBJECTS  # no pickle as it is asks for so much

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Refused(f"the file of {self.size} bytes asks for more than {self.total} bytes of copies")

    def exhausted(self) -> Refused:
        total = _OBJECTS * self.size + _FREE_OBJECTS
        return Refused(f"the file of {self.size} bytes unpacks to objects of more than {total} bytes", _UNPACKED)


class _Machine:
    """One pickle's stack, marks and memo. What is pushed is inert: plain data, Records, Globals and pending arrays."""

    def __init__(self, data: bytes, start: int = 0, *, budget: _Budget, nested: bool = False) -> None:
        self.data, self.pos, self.at = data, start, start
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}
        self.nested = nested  # in a joblib file's array of objects
        self.budget = budget
        self.callables: dict[int, Global] = {}  # partials and functions by value, by id: their state is not read
        self.levels: dict[int, tuple[Any, int]] = {}  # arrays of objects, by id, and how deep they nest

    def run(self) -> Any:
        """The object that the pickle from pos on makes; pos is then behind its STOP."""
        data, size, table, budget = self.data, len(self.data), self._table(), self.budget
        stop = pickle.STOP[0]
        try:
            while True:
                self.at = at = self.pos
                if at >= size:
                    raise Refused("the file ends before the pickle does")
                code = data[at]
                self.pos = at + 1
                if code == stop:
                    return _built(self.stack.pop())
                operation = table[code]
                if operation is None:
                    raise Refused(f"0x{code:02x} is no pickle opcode; this is not a pickle, or it is damaged")
                budget.objects -= _COSTS[code]
                if budget.objects < 0:
                    raise budget.exhausted()
                operation()
        except Refused as refused:
            if refused.at is None:
                refused.at = self.at
            raise
        except IndexError:
            raise Refused(
                "the pickle takes from an empty stack; this is no pickle, or it is damaged", at=self.at
            ) from None
        except (struct.error, *records.DAMAGE) as error:
            raise Refused(records.damage(error), at=self.at) from None

    def _table(self) -> list[Callable[[], None] | None]:
        def pushed(make: Callable[[], Any]) -> Callable[[], None]:
            def push() -> None:
                value = make()  # first: it may change which list the stack is
                self.stack.append(value)

            return push

        def sized(width: int, use: Callable[[bytes], Any]) -> Callable[[], None]:
            return lambda: self.stack.append(use(self.take(self.number(width))))

        def integer(width: int, signed: bool = False) -> Callable[[], None]:
            return lambda: self.stack.append(int.from_bytes(self.take(width), "little", signed=signed))

        def lined(use: Callable[[bytes], Any]) -> Callable[[], None]:
            return lambda: self.stack.append(use(self.line()))

        def refused(reason: str) -> Callable[[], None]:
            def refuse() -> None:
                raise Refused(reason, RUNS_NOTHING)

            return refuse

        extension = refused("the pickle uses an extension code of copyreg")
        persistent = refused("the pickle has a persistent id, which only the program that wrote it understands")
        p = pickle
        by_code: dict[bytes, Callable[[], None]] = {
            p.PROTO: self.protocol, p.FRAME: self.frame, p.MARK: self.mark,
            p.NONE: pushed(lambda: None), p.NEWTRUE: pushed(lambda: True), p.NEWFALSE: pushed(lambda: False),
            p.EMPTY_LIST: pushed(list), p.EMPTY_TUPLE: pushed(tuple), p.EMPTY_DICT: pushed(dict),
            p.EMPTY_SET: pushed(set),
            p.BININT: integer(4, signed=True), p.BININT1: integer(1), p.BININT2: integer(2),
            p.LONG1: sized(1, _long), p.LONG4: sized(4, _long), p.INT: lined(_decimal), p.LONG: lined(_decimal),
            p.FLOAT: lined(float), p.BINFLOAT: pushed(lambda: struct.unpack(">d", self.take(8))[0]),
            p.UNICODE: lined(lambda line: line.decode("raw-unicode-escape")), p.STRING: lined(_quoted),
            p.BINUNICODE: sized(4, _text), p.SHORT_BINUNICODE: sized(1, _text), p.BINUNICODE8: sized(8, _text),
            p.BINSTRING: sized(4, _latin), p.SHORT_BINSTRING: sized(1, _latin),
            p.BINBYTES: sized(4, bytes), p.SHORT_BINBYTES: sized(1, bytes), p.BINBYTES8: sized(8, bytes),
            p.BYTEARRAY8: sized(8, bytearray),
            p.TUPLE: pushed(lambda: tuple(self.marked())), p.LIST: pushed(self.marked),
            p.TUPLE1: lambda: self.make_tuple(1), p.TUPLE2: lambda: self.make_tuple(2),
            p.TUPLE3: lambda: self.make_tuple(3),
            p.DICT: self.make_dict, p.FROZENSET: pushed(lambda: frozenset(map(checked_key, self.marked()))),
            p.APPEND: self.append, p.APPENDS: self.appends, p.SETITEM: self.setitem, p.SETITEMS: self.setitems,
            p.ADDITEMS: self.additems,
            p.POP: self.pop, p.POP_MARK: self.pop_marked, p.DUP: pushed(lambda: self.stack[-1]),
            p.GET: lambda: self.get(_decimal(self.line())), p.BINGET: lambda: self.get(self.number(1)),
            p.LONG_BINGET: lambda: self.get(self.number(4)),
            p.PUT: lambda: self.put(_decimal(self.line())), p.BINPUT: lambda: self.put(self.number(1)),
            p.LONG_BINPUT: lambda: self.put(self.number(4)), p.MEMOIZE: lambda: self.put(len(self.memo)),
            p.GLOBAL: pushed(self.global_name), p.STACK_GLOBAL: self.stack_global,
            p.REDUCE: self.reduce, p.NEWOBJ: self.newobj, p.NEWOBJ_EX: self.newobj_ex, p.BUILD: self.build,
            p.INST: self.inst, p.OBJ: self.obj,
            p.EXT1: extension, p.EXT2: extension, p.EXT4: extension, p.PERSID: persistent, p.BINPERSID: persistent,
            p.NEXT_BUFFER: refused("the pickle keeps its arrays outside the file (out-of-band buffers)"),
            p.READONLY_BUFFER: self.readonly,
        }  # fmt: skip
        table: list[Callable[[], None] | None] = [None] * 256
        for code, operation in by_code.items():
            table[code[0]] = operation
        return table

    # Bytes

    def take(self, size: int) -> bytes:
        """The next bytes."""
        start = self.pos
        self.pos = end = start + size
        if end > len(self.data):
            raise Refused(f"the file ends before the pickle does: {size} bytes wanted, {len(self.data) - start} left")
        return self.data[start:end]

    def number(self, width: int) -> int:
        """The next little-endian number."""
        return int.from_bytes(self.take(width), "little")

    def line(self) -> bytes:
        """The bytes up to the next newline."""
        end = self.data.find(b"\n", self.pos)
        if end < 0:
            raise Refused("the file ends before the pickle does: a line has no end")
        line = self.data[self.pos : end]
        self.pos = end + 1
        return line

    def protocol(self) -> None:
        version = self.number(1)
        if version > 5:
            raise Refused(f"the pickle has protocol {version}, at most 5 is known")

    def frame(self) -> None:
        size = self.number(8)  # frames only help to read ahead: their content is read where it stands
        left = len(self.data) - self.pos
        if size > left:
            raise Refused(f"the file ends before the pickle does: a frame of {size} bytes, {left} left")

    # Stack and memo

    def mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """What stands above the last mark, taken off."""
        if not self.marks:
            raise Refused("the pickle has no mark where it needs one")
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.marked()

    def pop_marked(self) -> None:
        self.marked()

    def put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise Refused(f"the pickle refers to object {show(index)}, which it has not made")
        self.stack.append(_built(self.memo[index]))

    # Containers

    def make_tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise Refused(f"a tuple of {size} from a stack of {len(self.stack)}")
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def make_dict(self) -> None:
        items = self.marked()
        self.stack.append({})
        self.set_items(items)

    def append(self) -> None:
        item = self.stack.pop()
        self.extend([item])

    def appends(self) -> None:
        self.extend(self.marked())

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Refused(f"the pickle appends to {show(target)}", RUNS_NOTHING)
        target.extend(items)

    def setitem(self) -> None:
        value = self.stack.pop()
        key = self.stack.pop()
        self.set_items([key, value])

    def setitems(self) -> None:
        self.set_items(self.marked())

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Record) and not isinstance(target, _Pending):
            target = target.state  # of a subclass of dict
        if type(target) is not dict or len(items) % 2:
            raise Refused(f"the pickle sets {len(items)} keys and values in {show(target)}", RUNS_NOTHING)
        for key in items[::2]:
            if key.__class__ is not str:
                checked_key(key)
        target.update(zip(items[::2], items[1::2], strict=True))

    def additems(self) -> None:
        items = self.marked()
        target = self.stack[-1]
        if type(target) is not set:
            raise Refused(f"the pickle adds members to {show(target)}", RUNS_NOTHING)
        target.update(map(checked_key, items))

    def readonly(self) -> None:
        if not isinstance(self.stack[-1], (bytes, bytearray)):
            raise Refused(f"the pickle makes a buffer of {show(self.stack[-1])}")

    # Names and calls

    def global_name(self) -> Global:
        module, name = self.line(), self.line()
        return self.named(module.decode(), name.decode())

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise Refused(f"the pickle names a class by {show(module)} and {show(name)}")
        self.stack.append(self.named(module, name))

    def named(self, module: str, name: str) -> Global:
        if max(len(module), len(name)) > _MAX_NAME:
            raise Refused(f"the pickle has a name of {max(len(module), len(name))} characters, more than {_MAX_NAME}")
        if module == "__builtin__":
            name = _PYTHON_2_NAMES.get(name, name)
        return Global(_PYTHON_2.get(module, module), name)

    def reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self.call(self.stack[-1], args)

    def newobj(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self.new(self.stack[-1], args)

    def newobj_ex(self) -> None:
        options, args = self.stack.pop(), self.stack.pop()
        if type(options) is not dict or type(args) is not tuple:
            raise Refused(f"the pickle makes an object from {show(args)} and {show(options)}")
        self.budget.spend(8 * len(args))
        self.stack[-1] = self.new(self.stack[-1], (*args, options) if options else args)

    def inst(self) -> None:
        cls = self.global_name()
        self.stack.append(self.call(cls, tuple(self.marked())))

    def obj(self) -> None:
        cls, *args = self.marked()
        self.stack.append(self.call(cls, tuple(args)))

    def new(self, cls: Any, args: Any) -> Any:
        """An object of a class, its constructor not called."""
        if isinstance(cls, Global) and type(args) is tuple:
            self.budget.spend(8 * len(args))
            if str(cls) in _CALLS:
                return self.call(cls, args)
            if records.may_hold(cls):
                return Record(cls.module, cls.name, {}, args)
        raise records.foreign_object(cls)

    def call(self, function: Any, args: Any) -> Any:
        """What a call gives: made by the code below, or a Record of a class that a model file may hold."""
        if isinstance(function, Global) and type(args) is tuple and id(function) not in self.callables:
            self.budget.spend(8 * len(args))
            known = _CALLS.get(str(function))
            if known is not None:
                return known(self, args)
            if _saves_by_value(function):
                return _by_value(self, function, args)
            if records.may_hold(function):
                if function.name.startswith("__pyx_unpickle_") and args and isinstance(args[0], Global):
                    return self.new(args[0], args[1:])
                return Record(function.module, _MADE_BY.get(function.name, function.name), {}, args)
        what = show(function) if isinstance(function, Global) else f"what is {show(function)}"
        raise Refused(f"the pickle calls {what}", RUNS_NOTHING)

    def build(self) -> None:
        """BUILD: an object's state, by assignment only."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, _Pending):
            target.value = self.built(target, state)
            self.stack[-1] = target.value
        elif isinstance(target, Record):
            self.set_state(target, state)
            if target.name in ("NDArrayWrapper", "ZNDArrayWrapper") and "joblib" in target.module:
                raise Refused("the file was written by joblib before 0.10, its arrays are in other files", _SAVE_AGAIN)
            if target.name == "NumpyArrayWrapper" and "joblib" in target.module:
                self.stack[-1] = self.joblib_array(target.state)
        elif id(target) not in self.callables:
            raise Refused(f"the pickle sets the state of {show(target)}", RUNS_NOTHING)

    def set_state(self, record: Record, state: Any) -> None:
        if type(state) is tuple and len(state) == 2 and all(part is None or type(part) is dict for part in state):
            parts = [part for part in state if part]  # attributes, slots
        elif type(state) is dict:
            parts = [state]
        else:
            record.state["__state__"] = state
            return
        for part in parts:
            for key, value in part.items():
                if key == "__FILE_RESOURCE_DATA__" and isinstance(value, bytes):  # sklearn-crfsuite's model, as bytes
                    pass
                elif type(key) is not str or (key[:2] == key[-2:] == "__" and not isinstance(value, (str, _NONE))):
                    raise Refused(f"the pickle sets attribute {show(key)} of {record}", RUNS_NOTHING)
            if record.state:
                self.budget.spend(8 * len(part))
                record.state.update(part)
            else:
                record.state = part  # shared, not copied: it may be large

    # numpy

    def built(self, pending: _Pending, state: Any) -> Any:
        if type(state) is not tuple:
            raise Refused(f"{pending} has the state {show(state)}")
        return self.dtype_state(pending.value, state) if pending.name == "dtype" else self.array_state(state)

    def dtype_state(self, kind: np.dtype[Any], state: tuple[Any, ...]) -> np.dtype[Any]:
        """(version, byte order, subarray, names, fields, itemsize, alignment, flags[, metadata])."""
        if len(state) < 5 or state[1] not in ("<", ">", "=", "|") or state[2] is not None:
            raise Refused(f"a numpy.dtype has the state {show(state)}, which is not of a simple type")
        if state[4] is None:
            return kind if state[1] == "|" else kind.newbyteorder(state[1])
        names, fields = state[3], state[4]
        if kind.kind != "V" or type(names) is not tuple or type(fields) is not dict:
            raise Refused(f"a numpy.dtype has the fields {show(fields)}")
        self.budget.spend(100 * len(names))
        columns = [tuple(map(_built, fields[name][:2])) for name in names]
        if any(not isinstance(f, np.dtype) or f.hasobject or f.kind == "V" or type(at) is not int for f, at in columns):
            raise Refused("a numpy.dtype has fields that are not simple")
        spec: Any = {"names": list(names), "formats": [f for f, _ in columns], "offsets": [at for _, at in columns]}
        spec["itemsize"] = kind.itemsize
        made: np.dtype[Any] = np.dtype(spec)
        return made

    def array_state(self, state: tuple[Any, ...]) -> Any:
        """([version,] shape, dtype, whether in Fortran order, bytes or list)."""
        shape, kind, fortran, content = state[-4:]
        kind = _built(kind)
        if not isinstance(kind, np.dtype):
            raise Refused(f"an array's dtype is {show(kind)}")
        if kind.kind == "O":
            return self.object_array(content, shape, bool(fortran))
        if type(content) is str:  # by Python 2
            content = self.encoded(content)
        return self.array(content, kind, shape, bool(fortran))

    def array(self, content: Any, kind: Any, shape: Any, fortran: bool) -> Any:
        kind = _built(kind)
        if not isinstance(kind, np.dtype) or not isinstance(content, (bytes, bytearray)):
            raise Refused(f"an array is made of {show(content)} and dtype {show(kind)}")
        if isinstance(content, bytearray):
            content = bytes(content)  # read-only like all the others
        self.budget.spend(len(content))  # it may be copied, to be aligned
        made = records.array(content, kind, shape, fortran, room=len(self.data))
        if made.size * kind.itemsize != len(content):
            what = f"an array of shape {show(shape)} and dtype {kind}"
            raise Refused(f"{what} takes {made.size * kind.itemsize} bytes, {len(content)} are given")
        return made

    def object_array(self, items: Any, shape: Any, fortran: bool) -> Any:
        if type(items) is not list:
            raise Refused(f"an array of objects is made of {show(items)}, not of a list")
        self.budget.spend(8 * len(items))
        made = records.object_array(map(_built, items), shape, fortran, len(self.data))
        level = 1 + max((self.levels[id(item)][1] for item in items if id(item) in self.levels), default=0)
        if level > _MAX_NESTED:
            raise Refused(f"arrays of objects stand in each other more than {_MAX_NESTED} deep")
        self.levels[id(made)] = (made, level)
        return made

    def joblib_array(self, state: dict[str, Any]) -> Any:
        """The array whose bytes follow in the file."""
        shape, kind, order = state.get("shape"), _built(state.get("dtype")), state.get("order")
        subclass, alignment = state.get("subclass"), state.get("numpy_array_alignment_bytes")
        if not isinstance(subclass, Global) or subclass.kind not in ARRAYS:
            raise Refused(f"a joblib array is of class {show(subclass)}")
        if not isinstance(kind, np.dtype) or order not in ("C", "F"):
            raise Refused(f"a joblib array has dtype {show(kind)} and order {show(order)}")
        if self.nested:
            raise Refused("a joblib array stands in an array of objects")
        if kind.hasobject:
            inner = _Machine(self.data, self.pos, budget=self.budget, nested=True)
            made = inner.run()
            self.pos = inner.pos
            if not isinstance(made, np.ndarray) or made.dtype != object or made.shape != shape:
                raise Refused(f"a joblib array of objects of shape {show(shape)} holds {show(made)}")
            return made
        if alignment is not None:
            self.take(self.number(1))  # padding, and before it its length
        made = records.array(self.data, kind, shape, order == "F", self.pos)
        self.pos += made.size * kind.itemsize
        return made

    def callable(self, module: str, name: str) -> Global:
        """A partial, or a function that was saved by value: from here on a name."""
        made = Global(module, name)
        self.callables[id(made)] = made
        return made

    def encoded(self, text: str) -> bytes:
        self.budget.spend(len(text))
        return text.encode("latin-1")


def _costs() -> list[int]:
    """Bytes that each op's objects take, with their places in the stack and the memo, at most."""
    costs = [64] * 256
    for code in pickle.EMPTY_DICT + pickle.MEMOIZE + pickle.PUT + pickle.BINPUT + pickle.LONG_BINPUT + pickle.MARK:
        costs[code] = 128
    for code in (pickle.EMPTY_SET + pickle.FROZENSET + pickle.DICT + pickle.GLOBAL + pickle.STACK_GLOBAL + pickle.REDUCE
                 + pickle.NEWOBJ + pickle.NEWOBJ_EX + pickle.INST + pickle.OBJ):  # fmt: skip
        costs[code] = 256
    return costs


_COSTS = _costs()


def _built(value: Any) -> Any:
    return value.value if value.__class__ is _Pending and value.value is not None else value


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _text(data: bytes) -> str:
    return str(data, "utf-8", "surrogatepass")


def _latin(data: bytes) -> str:
    return str(data, "latin-1")


def _decimal(line: bytes) -> int | bool:
    if line in (b"00", b"01"):
        return line == b"01"
    if len(line) > _MAX_DIGITS:
        raise Refused(f"the pickle has an integer of {len(line)} digits, more than {_MAX_DIGITS}")
    return int(line.rstrip(b"L"))


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise Refused("a string of the pickle has no quotes")
    if _ESCAPED.fullmatch(line[1:-1]) is None:
        raise Refused(f"a string of the pickle has an escape that is none: {show(line)}")
    return line[1:-1].decode("unicode_escape")


# What calls give. Each takes the machine and the arguments, which come from the file.


def _signature(name: str, args: tuple[Any, ...], *allowed: tuple[type, ...]) -> None:
    """Refuse arguments that are not of the allowed types; later ones may be missing only if None is allowed."""
    for i, kinds in enumerate(allowed):
        if i >= len(args):
            if type(None) in kinds:
                continue
        elif isinstance(args[i], kinds) and not (bool not in kinds and isinstance(args[i], bool)):
            continue
        break
    else:
        if len(args) <= len(allowed):
            return
    raise Refused(f"the pickle calls {name} with {show(args)}")


_NONE = type(None)
_ITEMS = (list, tuple, set, frozenset, range, _NONE)


def _collection(make: Callable[[Any], Any], name: str, hashed: bool) -> Callable[[_Machine, tuple[Any, ...]], Any]:
    def call(machine: _Machine, args: tuple[Any, ...]) -> Any:
        _signature(name, args, _ITEMS)
        items = (args and args[0]) or ()
        machine.budget.spend(8 * len(items))
        return make(map(checked_key, items) if hashed else items)

    return call


def _mapping(name: str) -> Callable[[_Machine, tuple[Any, ...]], Any]:
    def call(machine: _Machine, args: tuple[Any, ...]) -> Any:
        if name == "collections.defaultdict":
            args = args[1:]  # the function that makes missing values
        _signature(name, args, (dict, list, tuple, _NONE))
        items = (args and args[0]) or {}
        machine.budget.spend(16 * len(items))
        return dict(items) if isinstance(items, dict) else {checked_key(key): value for key, value in items}

    return call


def _bytes(machine: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("builtins.bytes", args, (bytes, bytearray, _NONE))
    machine.budget.spend(len(args[0]) if args and args[0] else 0)
    return bytes(args[0]) if args and args[0] else b""


def _bytearray(machine: _Machine, args: tuple[Any, ...]) -> Any:
    if len(args) == 2 and type(args[0]) is str and args[1] == "latin-1":
        return bytearray(machine.encoded(args[0]))
    return bytearray(_bytes(machine, args))


def _complex(_: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("builtins.complex", args, (float, int), (float, int))
    return complex(*args)


def _slice(_: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("builtins.slice", args, (int, _NONE), (int, _NONE), (int, _NONE))
    return slice(*args)


def _range(_: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("builtins.range", args, (int,), (int, _NONE), (int, _NONE))
    return range(*args)


def _object(_: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("builtins.object", args)
    return Record("builtins", "object")


def _attribute(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """A method, as protocols before 4 write ``str.lower``: the name of it."""
    if len(args) not in (2, 3) or not isinstance(args[0], (Global, Record)) or type(args[1]) is not str:
        raise Refused(f"the pickle calls builtins.getattr with {show(args)}", RUNS_NOTHING)
    name = f"{args[0].name}.{args[1]}"
    machine.budget.spend(len(name))
    if len(name) > _MAX_NAME:
        raise Refused(f"the pickle has a name of {len(name)} characters, more than {_MAX_NAME}")
    return Global(args[0].module, name)


def _encode(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """Bytes, as protocols 0 to 2 write them."""
    _signature("_codecs.encode", args, (str,), (str, _NONE))
    if args[1:] not in (("latin1",), ("latin-1",), ()):
        raise Refused(f"the pickle calls _codecs.encode with {show(args)}")
    return machine.encoded(args[0])


def _reconstructor(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """An object, as protocols 0 and 1 write it: class, base, and the base's content."""
    if len(args) != 3 or not isinstance(args[0], Global) or not isinstance(args[1], Global):
        raise Refused(f"the pickle calls copyreg._reconstructor with {show(args)}")
    made = machine.new(args[0], ())
    if args[1] == Global("builtins", "dict") and type(args[2]) is dict and isinstance(made, Record):
        machine.set_state(made, args[2])
    elif args[2] is not None and isinstance(made, Record):
        made.args = (args[2],)
    return made


def _newobj(machine: _Machine, args: tuple[Any, ...]) -> Any:
    if not args:
        raise Refused("the pickle calls copyreg.__newobj__ without a class")
    return machine.new(args[0], args[1:])


def _newobj_ex(machine: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("copyreg.__newobj_ex__", args, (Global,), (tuple,), (dict,))
    return machine.new(args[0], (*args[1], args[2]) if args[2] else args[1])


def _named_callable(name: str) -> Callable[[_Machine, tuple[Any, ...]], Any]:
    module, _, rest = name.partition(".")
    return lambda machine, _: machine.callable(module, rest)


def _dtype(_: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("numpy.dtype", args, (str,), (bool, int, _NONE), (bool, int, _NONE))
    pending = _Pending("numpy", "dtype")
    pending.value = records.dtype(args[0])
    return pending


def _array(_: _Machine, args: tuple[Any, ...]) -> Any:
    """An empty array, whose state is to come."""
    if not args or not isinstance(args[0], Global) or args[0].kind not in ARRAYS:
        raise Refused(f"the pickle makes an array of class {show(args[0] if args else args)}", RUNS_NOTHING)
    return _Pending("numpy", "ndarray")


def _masked_array(_: _Machine, __: tuple[Any, ...]) -> Any:
    return Record("numpy.ma", "MaskedArray")


def _frombuffer(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """Protocol 5: content, dtype, shape, order[, order of the axes]."""
    if not 4 <= len(args) <= 5 or args[3] not in ("C", "F", "A", "K") or (args[3] == "K" and len(args) != 5):
        raise Refused(f"the pickle calls numpy._frombuffer with {show(args)}")
    content, kind, shape, order = args[:4]
    if order != "K":
        return machine.array(content, kind, shape, order == "F")
    axes = args[4]
    if type(axes) is not tuple or type(shape) is not tuple or sorted(axes) != list(range(len(shape))):
        raise Refused(f"an array's axes are {show(axes)}")
    return machine.array(content, kind, shape, False).transpose(axes)


def _scalar(machine: _Machine, args: tuple[Any, ...]) -> Any:
    kind = _built(args[0]) if args else None
    if len(args) != 2 or not isinstance(kind, np.dtype) or kind.kind not in "biufcSU":
        raise Refused(f"the pickle makes a numpy scalar of {show(kind)}", RUNS_NOTHING)
    content = machine.encoded(args[1]) if type(args[1]) is str else args[1]
    return machine.array(content, kind, (1,), False)[0]


def _ufunc(_: _Machine, args: tuple[Any, ...]) -> Any:
    _signature("numpy._ufunc_reconstruct", args, (str,), (str,))
    return Global(args[0], args[1])


def _index(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """A pandas Index, in the attributes of a ColumnTransformer."""
    _signature("pandas._new_Index", args, (Global,), (dict,))
    return Record(args[0].module, args[0].name, args[1])


def _saves_by_value(function: Global) -> bool:
    """Whether it is of cloudpickle or dill, which save a function's code instead of its name."""
    modules = function.module.split(".")
    inner = function.name.rpartition(".")[2].startswith("_") or "subimport" in function.name or modules[-1] == "types"
    return inner and ("cloudpickle" in modules or "dill" in modules)


def _by_value(machine: _Machine, function: Global, args: tuple[Any, ...]) -> Any:
    """A part of a function that was saved by value (its code, a cell, itself): a name, without its code."""
    if function.name in ("_builtin_type", "_load_type") and len(args) == 1 and type(args[0]) is str:
        return Global(f"{function.package}.types", args[0])
    if function.name in ("_create_code", "CodeType"):
        return _code(machine, args)
    if function.name in ("_make_function", "_create_function") and args and isinstance(args[0], Global):
        scope = args[1] if len(args) > 1 and isinstance(args[1], dict) else {}
        module = scope.get("__name__")
        return machine.callable(module if isinstance(module, str) else "__main__", args[0].name)
    return machine.callable(function.package, "function")


def _code(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """A function's code, not read: its name only (after the file's name, the second of its strings)."""
    names = [arg for arg in args if type(arg) is str]
    return machine.callable("types.CodeType", names[1] if len(names) > 1 else "function")


_MADE_BY = {"__randomstate_ctor": "RandomState", "__RandomState_ctor": "RandomState", "__generator_ctor": "Generator"}
_CALLS: dict[str, Callable[[_Machine, tuple[Any, ...]], Any]] = {
    "builtins.list": _collection(list, "builtins.list", hashed=False),
    "builtins.tuple": _collection(tuple, "builtins.tuple", hashed=False),
    "builtins.set": _collection(set, "builtins.set", hashed=True),
    "builtins.frozenset": _collection(frozenset, "builtins.frozenset", hashed=True),
    "collections.deque": _collection(list, "collections.deque", hashed=False),
    "builtins.dict": _mapping("builtins.dict"),
    "collections.OrderedDict": _mapping("collections.OrderedDict"),
    "collections.defaultdict": _mapping("collections.defaultdict"),
    "collections.Counter": _mapping("collections.Counter"),
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytearray,
    "builtins.complex": _complex,
    "builtins.slice": _slice,
    "builtins.range": _range,
    "builtins.object": _object,
    "builtins.getattr": _attribute,
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _newobj,
    "copyreg.__newobj_ex__": _newobj_ex,
    "functools.partial": _named_callable("functools.partial"),
    "operator.itemgetter": _named_callable("operator.itemgetter"),
    "re._compile": _named_callable("re.Pattern"),
    "numpy.dtype": _dtype,
    "pandas.core.indexes.base._new_Index": _index,
    "numpy.ma.core._mareconstruct": _masked_array,
    **{
        f"numpy.{core}.{name}": call
        for core in ("core", "_core")
        for name, call in {
            "multiarray._reconstruct": _array,
            "multiarray.scalar": _scalar,
            "numeric._frombuffer": _frombuffer,
            "_ufunc_reconstruct": _ufunc,
        }.items()
    },
}
