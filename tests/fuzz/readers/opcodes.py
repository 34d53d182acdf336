"""Pickle programs: written from nothing, op by op, and changes of the ops of real pickles.

What is written is mostly well formed, so that it gets past the first op: each expression leaves one value on the stack,
made by any op of protocols 0 to 5. Then some of it is spoiled.
"""

from __future__ import annotations

import functools
import io
import pickle
import pickletools
import struct
from random import Random

from .mutate import NUMBERS, raw

GLOBALS = (
    "builtins.list",
    "builtins.tuple",
    "builtins.set",
    "builtins.frozenset",
    "builtins.dict",
    "builtins.bytes",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.slice",
    "builtins.range",
    "builtins.object",
    "builtins.getattr",
    "builtins.eval",
    "builtins.exec",
    "builtins.open",
    "builtins.print",
    "builtins.__import__",
    "builtins.str",
    "builtins.int",
    "__builtin__.unicode",
    "__builtin__.xrange",
    "os.system",
    "os.remove",
    "posix.system",
    "subprocess.Popen",
    "socket.socket",
    "importlib.import_module",
    "shutil.rmtree",
    "pathlib.PosixPath",
    "collections.deque",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "_codecs.encode",
    "copyreg._reconstructor",
    "copyreg.__newobj__",
    "copyreg.__newobj_ex__",
    "copy_reg._reconstructor",
    "functools.partial",
    "operator.itemgetter",
    "operator.attrgetter",
    "re._compile",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.matrix",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.numeric._frombuffer",
    "numpy._core._ufunc_reconstruct",
    "numpy.float64",
    "numpy.ma.core._mareconstruct",
    "numpy.random._pickle.__randomstate_ctor",
    "pandas.core.indexes.base._new_Index",
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "joblib.numpy_pickle.NDArrayWrapper",
    "scipy.sparse._csr.csr_matrix",
    "scipy.sparse._dia.dia_matrix",
    "scipy.sparse._coo.coo_matrix",
    "sklearn.pipeline.Pipeline",
    "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.feature_extraction.text.CountVectorizer",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.feature_extraction.text.HashingVectorizer",
    "sklearn.feature_extraction._dict_vectorizer.DictVectorizer",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.naive_bayes.MultinomialNB",
    "sklearn._loss._loss.__pyx_unpickle_CyHalfBinomialLoss",
    "sklearn_crfsuite.estimator.CRF",
    "nltk.classify.maxent.MaxentClassifier",
    "nltk.classify.naivebayes.NaiveBayesClassifier",
    "nltk.probability.FreqDist",
    "nltk.probability.ELEProbDist",
    "cloudpickle.cloudpickle._make_function",
    "cloudpickle.cloudpickle._builtin_type",
    "dill._dill._create_function",
    "dill._dill._load_type",
    "types.CodeType",
    "__main__.Evil",
    "decimal.Decimal",
    "datetime.datetime",
    "uuid.UUID",
    "nowhere.nothing",
    "a.b",
    ".",
)
ATTRIBUTES = (
    "vocabulary_",
    "_tfidf",
    "idf_",
    "_idf_diag",
    "coef_",
    "intercept_",
    "classes_",
    "steps",
    "named_steps",
    "shape",
    "dtype",
    "order",
    "subclass",
    "allow_mmap",
    "numpy_array_alignment_bytes",
    "data",
    "indices",
    "indptr",
    "_shape",
    "row",
    "col",
    "coords",
    "offsets",
    "__class__",
    "__dict__",
    "__setstate__",
    "analyzer",
    "norm",
    "ngram_range",
    "modelfile",
    "__FILE_RESOURCE_DATA__",
    "_encoding",
    "_weights",
    "_mapping",
    "_labels",
    "_freqdist",
    "feature_log_prob_",
    "class_log_prior_",
    "a",
    "",
    "\0",
    "\ud800",
    "x" * 1200,
)
DTYPES = (
    "f8",
    "<f8",
    ">f8",
    "f4",
    "i8",
    "<i8",
    "u1",
    "b1",
    "?",
    "U5",
    "S3",
    "S0",
    "U0",
    "O",
    "O8",
    "V8",
    "V0",
    "c16",
    "f16",
    "f2",
    "M8",
    "m8",
    "U999999999",
    "V999999999",
    "i3",
    "f8,f8",
    "(2,)f8",
    "",
    "<",
    "f8" * 30,
)
PROTOCOLS = range(6)


def program(draw: Random) -> bytes:
    """A whole program."""
    writer = _Writer(draw)
    out = bytearray()
    if draw.random() < 0.7:
        out += b"\x80" + bytes([draw.choice((0, 1, 2, 3, 4, 5, 5, 6))])
    if draw.random() < 0.2:
        out += b"\x95" + struct.pack("<Q", draw.choice(NUMBERS))
    kind = draw.randrange(12)
    if kind == 0:
        out += writer.bomb()
    elif kind == 1:
        out += bytes(draw.choices(_OPCODES, k=draw.randrange(80)))
    elif kind < 5:
        out += writer.array(0)
    elif kind < 8:
        out += writer.estimator(0)
    else:
        out += writer.value(0)
    out += b"."
    if draw.random() < 0.25:
        return change(bytes(out), draw)
    return raw(bytes(out), draw) if draw.random() < 0.2 else bytes(out)


def change(data: bytes, draw: Random) -> bytes:
    """A pickle with some of its ops left out, doubled, swapped, or written anew; of what is no pickle the bytes."""
    if draw.random() < 0.15:
        return raw(data, draw)
    ops = list(split(data))
    if len(ops) < 3:
        return raw(data, draw)
    writer = _Writer(draw)
    for _ in range(1 + int(draw.expovariate(0.6))):
        i, j, kind = draw.randrange(len(ops)), draw.randrange(len(ops)), draw.randrange(12)
        if kind == 0:
            del ops[i : i + draw.choice((1, 1, 2, 5))]
        elif kind == 1:
            ops.insert(j, ops[i])
        elif kind == 2:
            ops[i], ops[j] = ops[j], ops[i]
        elif kind in (3, 4):
            ops.insert(i, writer.value(2))
        elif kind in (5, 6, 7):  # a value for a value
            simple = [k for k, op in enumerate(ops) if op[:1] in _SIMPLE]
            ops[draw.choice(simple or [i])] = writer.value(1 if draw.random() < 0.2 else 3)
        elif kind == 8:
            ops[i] = raw(ops[i], draw)
        elif kind == 9:  # a value of somewhere else in its place
            simple = [k for k, op in enumerate(ops) if op[:1] in _SIMPLE]
            ops[draw.choice(simple or [i])] = ops[draw.choice(simple or [j])]
        elif kind == 10:
            ops.insert(
                i, draw.choice((b"0", b"1", b"2", b"(", b"}", b"]", b")", b"N", b"b", b"R", b"a", b"s", b"u", b"e"))
            )
        else:
            ops[i:i] = ops[j : j + draw.choice((2, 6, 20))]
        if not ops:
            return data
    return b"".join(ops)


@functools.lru_cache(1024)
def split(data: bytes) -> tuple[bytes, ...]:
    """The ops of a pickle, and what follows the last whole one (in joblib files, the bytes of an array) as one more."""
    places = []
    stream = io.BytesIO(data)
    try:
        places = [at for _, _, at in pickletools.genops(stream)]
        end = stream.tell()
    except Exception:  # whatever pickletools says of bytes that are no pickle
        end = len(data)
    places = [at for at in places if at is not None]
    if not places:
        return (data,)
    whole = tuple(data[a:b] for a, b in zip(places, [*places[1:], end], strict=True))
    return (*whole, data[end:]) if end < len(data) else whole


_OPCODES = bytes(
    sorted(
        {
            value[0]
            for name, value in vars(pickle).items()
            if name.isupper() and isinstance(value, bytes) and len(value) == 1
        }
    )
)
_SIMPLE = frozenset(bytes([code]) for code in b"NIFJKMLGVSXUTBC\x8a\x8b\x8c\x8d\x8e\x88\x89}])\x8fc\x93hj")


class _Writer:
    def __init__(self, draw: Random) -> None:
        self.draw, self.memo = draw, 0

    def value(self, depth: int) -> bytes:
        """An expression: it pushes one value."""
        draw = self.draw
        kind = draw.randrange(16 if depth < 4 else 7)
        if kind < 2:
            made = self.integer()
        elif kind < 4:
            made = self.text(
                draw.choice(ATTRIBUTES if draw.random() < 0.5 else ("a", "play", "", "é", "\ud800", "x" * 70))
            )
        elif kind == 4:
            made = draw.choice((b"N", b"\x88", b"\x89", b"]", b")", b"}", b"\x8f", b"I01\n", b"I00\n"))
        elif kind == 5:
            made = self.bytes(draw.randbytes(draw.choice((0, 1, 8, 24, 64))))
        elif kind == 6:
            made = self.number()
        elif kind == 7:
            made = self.sequence(depth)
        elif kind == 8:
            made = self.mapping(depth)
        elif kind == 9:
            made = self.named()
        elif kind in (10, 11):
            made = self.call(depth)
        elif kind == 12:
            made = self.array(depth)
        elif kind == 13:
            made = self.estimator(depth)
        elif kind == 14 and self.memo:
            made = self.got(draw.randrange(self.memo + (draw.random() < 0.1)))
        else:
            made = self.dtype()
        if draw.random() < 0.15:
            made += self.put()
        return made

    def put(self) -> bytes:
        self.memo += 1
        at = self.memo - 1
        kind = self.draw.randrange(4)
        if kind == 0:
            return b"\x94"
        if kind == 1:
            return b"q" + bytes([at % 256])
        return b"r" + struct.pack("<I", at) if kind == 2 else b"p%d\n" % at

    def got(self, at: int) -> bytes:
        kind = self.draw.randrange(3)
        if kind == 0:
            return b"h" + bytes([at % 256])
        return b"j" + struct.pack("<I", at) if kind == 1 else b"g%d\n" % at

    def integer(self, value: int | None = None) -> bytes:
        draw = self.draw
        if value is None:
            value = draw.choice(NUMBERS) * draw.choice((1, 1, 1, -1))
        kind = draw.randrange(6)
        if kind == 0 and 0 <= value < 256:
            return b"K" + bytes([value])
        if kind == 1 and 0 <= value < 65536:
            return b"M" + struct.pack("<H", value)
        if kind == 2 and -(1 << 31) <= value < 1 << 31:
            return b"J" + struct.pack("<i", value)
        if kind == 3:
            return b"I%d\n" % value
        if kind == 4:
            return b"L%dL\n" % value
        if draw.random() < 0.03:
            value = draw.getrandbits(2000)
        packed = pickle.encode_long(value)
        return (
            b"\x8a" + bytes([len(packed)]) + packed
            if len(packed) < 256
            else b"\x8b" + struct.pack("<i", len(packed)) + packed
        )

    def number(self) -> bytes:
        value = self.draw.choice((0.0, 1.0, -1.0, 0.5, 1e300, -1e39, float("nan"), float("inf")))
        return b"G" + struct.pack(">d", value) if self.draw.random() < 0.7 else b"F%r\n" % value

    def text(self, value: str) -> bytes:
        data = value.encode("utf-8", "surrogatepass")
        kind = self.draw.randrange(7)
        if kind == 0:
            return b"V" + value.encode("raw-unicode-escape", "surrogatepass").replace(b"\n", b"\\u000a") + b"\n"
        if kind == 1:
            return b"S" + repr(value).encode("ascii", "backslashreplace") + b"\n"
        if kind == 2:
            return b"X" + struct.pack("<I", len(data)) + data
        if kind == 3:
            return b"\x8d" + struct.pack("<Q", len(data)) + data
        if kind == 4 and len(data) < 256:
            return b"U" + bytes([len(data)]) + data
        return b"\x8c" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data

    def bytes(self, data: bytes) -> bytes:
        kind = self.draw.randrange(6)
        if kind == 0:
            return b"B" + struct.pack("<I", len(data)) + data
        if kind == 1:
            return b"\x8e" + struct.pack("<Q", len(data)) + data
        if kind == 2:
            return b"\x96" + struct.pack("<Q", len(data)) + data
        if kind == 3:
            return self.draw.choice((b"\x97", b"\x97\x98"))
        return b"C" + bytes([min(len(data), 255)]) + data[:255]

    def named(self, name: str | None = None) -> bytes:
        module, _, inner = (name or self.draw.choice(GLOBALS)).rpartition(".")
        kind = self.draw.randrange(3)
        if kind == 0:
            return self.text(module) + self.text(inner) + b"\x93"
        return b"c" + module.encode() + b"\n" + inner.encode() + b"\n"

    def sequence(self, depth: int) -> bytes:
        draw = self.draw
        items = [self.value(depth + 1) for _ in range(draw.choice((0, 1, 2, 3, 8)))]
        kind = draw.randrange(7)
        body = b"".join(items)
        if kind == 0 and 1 <= len(items) <= 3:
            return body + bytes([0x84 + len(items)])
        if kind == 1:
            return b"(" + body + b"t"
        if kind == 2:
            return b"(" + body + b"l"
        if kind == 3:
            return b"](" + body + b"e"
        if kind == 4:
            return b"\x8f(" + body + b"\x90"
        return b"(" + body + b"\x91" if kind == 5 else b"]" + b"".join(item + b"a" for item in items)

    def mapping(self, depth: int) -> bytes:
        draw = self.draw
        pairs = [
            (self.text(draw.choice(ATTRIBUTES)) if draw.random() < 0.7 else self.value(depth + 1))
            + self.value(depth + 1)
            for _ in range(draw.choice((0, 1, 2, 5)))
        ]
        kind = draw.randrange(3)
        if kind == 0:
            return b"(" + b"".join(pairs) + b"d"
        return b"}(" + b"".join(pairs) + b"u" if kind == 1 else b"}" + b"".join(pair + b"s" for pair in pairs)

    def arguments(self, depth: int) -> bytes:
        return b"(" + b"".join(self.value(depth + 1) for _ in range(self.draw.choice((0, 1, 1, 2, 3, 5)))) + b"t"

    def call(self, depth: int) -> bytes:
        draw = self.draw
        kind = draw.randrange(8)
        if kind == 0:
            module, _, name = draw.choice(GLOBALS).rpartition(".")
            return b"(" + self.value(depth + 1) + b"i" + module.encode() + b"\n" + name.encode() + b"\n"
        if kind == 1:
            return b"(" + self.named() + self.value(depth + 1) + b"o"
        if kind == 2:
            return self.named() + self.arguments(depth) + self.mapping(depth) + b"\x92"
        if kind == 3:
            return self.named() + self.arguments(depth) + b"\x81"
        if kind == 4:
            return draw.choice(
                (
                    b"\x82" + bytes([draw.randrange(256)]),
                    b"\x83\1\0",
                    b"\x84\1\0\0\0",
                    b"Pid\n",
                    self.value(depth + 1) + b"Q",
                )
            )
        made = self.named() + self.arguments(depth) + b"R"
        return made + self.value(depth + 1) + b"b" if draw.random() < 0.3 else made

    def dtype(self) -> bytes:
        draw = self.draw
        made = self.named("numpy.dtype") + b"(" + self.text(draw.choice(DTYPES[:12] if draw.random() < 0.7 else DTYPES))
        made += b"\x89\x88tR"
        if draw.random() < 0.7:
            state = [
                self.integer(3),
                self.text(draw.choice(("<", ">", "|", "=", "?"))),
                b"N",
                b"N",
                b"N",
                self.integer(draw.choice((-1, 8, 0, 1 << 31))),
                self.integer(draw.choice((-1, 0, 8))),
                self.integer(0),
            ]
            if draw.random() < 0.2:
                state[3] = self.text("a") + self.text("b") + b"\x86"
                state[4] = (
                    b"}("
                    + b"".join(
                        self.text(name) + self.dtype_simple() + self.integer(draw.choice((0, 8, 1 << 40, -1))) + b"\x86"
                        for name in "ab"
                    )
                    + b"u"
                )
            made += b"(" + b"".join(state) + b"tb"
        return made

    def dtype_simple(self) -> bytes:
        return self.named("numpy.dtype") + b"(" + self.text(self.draw.choice(DTYPES[:8])) + b"\x89\x88tR"

    def shape(self) -> bytes:
        draw = self.draw
        sizes = [
            draw.choice((0, 1, 2, 3, 8, 8, 1 << 16, 1 << 31, 1 << 62, -1))
            if draw.random() < 0.4
            else draw.choice((1, 2, 3))
            for _ in range(draw.choice((0, 1, 1, 2, 2, 3, 33)))
        ]
        return b"(" + b"".join(map(self.integer, sizes)) + b"t"

    def array(self, depth: int) -> bytes:
        draw = self.draw
        core = draw.choice(("core", "_core"))
        kind = draw.randrange(5)
        content = self.bytes(draw.randbytes(8 * draw.choice((0, 1, 2, 3, 6, 8))))
        if kind < 2:
            made = (
                self.named(f"numpy.{core}.multiarray._reconstruct") + self.named("numpy.ndarray") + b"K\0\x85C\1b\x87R"
            )
            if draw.random() < 0.3:
                content = b"](" + b"".join(self.value(depth + 1) for _ in range(draw.choice((0, 1, 3)))) + b"e"
            state = b"(K\1" + self.shape() + self.dtype() + draw.choice((b"\x88", b"\x89", b"N")) + content + b"t"
            return made + state + b"b"
        if kind == 2:
            order = self.text(draw.choice("CFAKx"))
            more = self.shape() if draw.random() < 0.3 else b""
            return (
                self.named(f"numpy.{core}.numeric._frombuffer")
                + b"("
                + content
                + self.dtype()
                + self.shape()
                + order
                + more
                + b"tR"
            )
        if kind == 3:
            return self.named(f"numpy.{core}.multiarray.scalar") + b"(" + self.dtype() + content + b"tR"
        wrapper = self.named("joblib.numpy_pickle.NumpyArrayWrapper") + b")\x81}("
        state = {
            "subclass": self.named("numpy.ndarray"),
            "shape": self.shape(),
            "order": self.text(draw.choice("CFx")),
            "dtype": self.dtype(),
            "allow_mmap": b"\x88",
            "numpy_array_alignment_bytes": draw.choice((b"N", self.integer(16))),
        }
        if draw.random() < 0.2:
            state.pop(draw.choice(list(state)))
        body = b"".join(self.text(name) + value for name, value in state.items())
        return (
            wrapper
            + body
            + b"ub"
            + bytes([draw.choice((0, 1, 7, 15, 255))])
            + draw.randbytes(draw.choice((0, 8, 24, 300)))
        )

    def estimator(self, depth: int) -> bytes:
        """An object of a class that models have, with attributes that it may have."""
        draw = self.draw
        name = draw.choice([name for name in GLOBALS if name.startswith(("sklearn", "nltk", "scipy"))])
        made = self.named(name) + b")\x81}("
        for _ in range(draw.choice((1, 2, 4, 8))):
            made += self.text(draw.choice(ATTRIBUTES)) + self.value(depth + 1)
        return made + b"ub"

    def bomb(self) -> bytes:
        """What grows: the memo, tuples of themselves, sets, copies of a string, lists in lists, what holds itself."""
        draw = self.draw
        times = draw.choice((10, 60, 1000, 5000))
        kind = draw.randrange(13)
        if kind == 0:
            return b"]" + b"q\0h\0h\0\x86" * min(times, 60)
        if kind == 1:
            return b")" + b"2\x86" * min(times, 1000)
        if kind == 2:
            return b"]" * times + b"a" * (times - 1)
        if kind == 3:
            return draw.choice((b"\x8f", b"}", b"]", b"(", b"N\x94", b"]\x94")) * times
        if kind == 4:
            return b"]q\0h\0a" + b"h\0a" * times
        if kind == 5:
            return b"}q\0" + self.text("a") + b"h\0s"
        if kind == 6:
            text = self.text("x" * 250)
            return text + b"q\0" + b"c_codecs\nencode\nq\0010" + b"h\1h\0\x85R" * min(times, 1000)
        if kind == 7:
            return b"cbuiltins\nbytes\nq\0" + b"B\0\1\0\0" + b"a" * 256 + b"q\x01" + b"h\0h\1\x85R" * min(times, 1000)
        if kind == 8:
            return b"K\x01K\x02\x86q\0" + b"h\0h\0\x86q\0" * min(times, 100) + b"\x85\x8fh\0\x90"
        if kind == 9:
            return b"]q\0(" + b"N" * times + b"e" + b"cbuiltins\ntuple\nq\1" + b"h\1h\0\x85R" * min(times, 1000)
        if kind == 10:
            return b"L" + b"9" * times + b"L\n"
        if kind == 11:
            return b"\x8b" + struct.pack("<i", draw.choice((-1, 1 << 30, 255))) + draw.randbytes(255)
        return b"r\xff\xff\xff\xff" + b"N" + b"r\xff\xff\xff\xff" + b"j\xff\xff\xff\xff" * min(times, 100)
