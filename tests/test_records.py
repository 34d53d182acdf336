"""Model files become inert records: equal to the live objects, with nothing run, whatever the file says."""

import contextlib
import copyreg
import functools
import gzip
import io
import itertools
import json
import operator
import os
import pickle
import random
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
import zlib
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path

import joblib
import numpy as np
import pandas
import pytest
import scipy.sparse
import skops.io
import strategies
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from nlucompress.errors import ModelImportError
from nlucompress.importers import pickles, records
from nlucompress.importers import skops as skops_reader
from nlucompress.importers.files import read_file
from nlucompress.importers.records import Global, Record, view

try:
    import cloudpickle  # joblib requires it
except ImportError:
    from joblib.externals import cloudpickle  # joblib before 1.6 brings it

FIXTURES = Path(__file__).parent / "fixtures"
PROTOCOLS = range(6)
COMPRESSIONS = [0, 3, ("zlib", 1), ("gzip", 1), ("bz2", 1), ("lzma", 1), ("xz", 1)]
TEXTS = ["turn it on", "turn it off", "play a song", "play it", "what is on", "is it off"] * 3
LABELS = ["light", "light", "music", "music", "ask", "ask"] * 3


def refused(data: bytes, reader=pickles.loads, **options) -> str:
    """The one-line message with which a file is refused."""
    with pytest.raises(ModelImportError) as caught:
        reader(data, "model.pkl", **options)
    message = str(caught.value)
    assert message.startswith("model.pkl: ")
    assert message.isprintable()
    return message


def by_joblib(obj, compress=0, protocol=None) -> bytes:
    file = io.BytesIO()
    joblib.dump(obj, file, compress=compress, protocol=protocol)
    return file.getvalue()


def same(read, live) -> None:
    """Assert that what was read says the same as the live object."""
    live = view(live)
    if isinstance(live, Record):
        assert read.kind == live.kind
        for name in live.state.keys() - {"maxprint"}:
            same(read.state[name], live.state[name])
    elif isinstance(live, Global):
        assert isinstance(read, Global)
        assert read.kind == live.kind
    elif isinstance(live, np.ma.MaskedArray):
        assert read.kind == "numpy.MaskedArray"
    elif isinstance(live, np.ndarray):
        assert read.dtype == live.dtype
        assert read.shape == live.shape
        if live.dtype == object:
            for ours, theirs in zip(read.flat, live.flat, strict=True):
                same(ours, theirs)
        else:
            np.testing.assert_array_equal(read, live)
    elif isinstance(live, dict):
        assert list(read) == list(live)
        for key in live:
            same(read[key], live[key])
    elif isinstance(live, (list, tuple)):
        assert type(read) is type(live)
        assert len(read) == len(live)
        for ours, theirs in zip(read, live, strict=True):
            same(ours, theirs)
    else:
        assert type(read) is type(live)
        assert read == live or live != live


# Plain data and arrays

leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers(allow_nan=False) | st.text() | st.binary()
    | st.builds(bytearray, st.binary()) | st.builds(np.float64, st.floats()) | st.builds(np.str_, st.text(max_size=5))
    | st.builds(slice, st.none() | st.integers(), st.none() | st.integers())
)  # fmt: skip
keys = (
    st.text() | st.integers(-(1 << 60), 1 << 60) | st.booleans() | st.tuples(st.text(), st.integers(0, 9)) | st.binary()
)
plain = st.recursive(
    leaves | st.sets(keys) | st.frozensets(keys),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=20,
)
dtypes = (
    npst.boolean_dtypes() | npst.integer_dtypes() | npst.unsigned_integer_dtypes() | npst.floating_dtypes()
    | npst.complex_number_dtypes() | npst.byte_string_dtypes(max_len=9) | npst.unicode_string_dtypes(max_len=9)
)  # fmt: skip


@st.composite
def arrays(draw):
    made = draw(npst.arrays(draw(dtypes), npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    kind = draw(st.sampled_from("CFTS"))
    if kind == "C":
        return made
    if kind == "F":
        return np.asfortranarray(made)
    return made.swapaxes(0, -1) if made.ndim and kind == "T" else made[::2] if made.ndim else made


@given(plain)
def test_plain_data_come_back_equal_through_every_protocol(data):
    for protocol in PROTOCOLS:
        same(pickles.loads(pickle.dumps(data, protocol)), data)
    for compress in (0, 3):
        same(pickles.loads(by_joblib(data, compress)), data)


@given(arrays())
def test_arrays_come_back_equal_and_read_only_through_every_protocol(array):
    pair = [array, array]
    for protocol in PROTOCOLS:
        for data in (pickle.dumps(pair, protocol), by_joblib(pair, protocol=protocol)):
            read = pickles.loads(data)
            same(read, pair)
            assert not read[0].size or not read[0].flags.writeable


@given(st.lists(arrays(), max_size=3), st.sampled_from(COMPRESSIONS))
def test_compressed_joblib_files_come_back_equal(data, compress):
    same(pickles.loads(by_joblib(data, compress)), data)


@given(npst.arrays(object, npst.array_shapes(max_dims=3, max_side=3), elements=st.text() | st.none() | st.integers()))
def test_arrays_of_objects_come_back_equal(array):
    for protocol in PROTOCOLS:
        same(pickles.loads(pickle.dumps(array, protocol)), array)
    same(pickles.loads(by_joblib({"a": array, "b": np.arange(3)})), {"a": array, "b": np.arange(3)})
    same(skops_reader.loads(skops.io.dumps(array)), array)


def test_collections_come_back_as_plain_ones():
    data = [OrderedDict(a=1), Counter("aab"), defaultdict(int, b=2), range(3, 9, 2), frozenset("ab"), {"x"}]
    expected = [{"a": 1}, {"a": 2, "b": 1}, {"b": 2}, range(3, 9, 2), frozenset("ab"), {"x"}]
    for protocol in PROTOCOLS:
        assert pickles.loads(pickle.dumps(data, protocol)) == expected


def test_a_structured_array_comes_back_equal():
    array = np.array([(1, 2.5), (3, 4.5)], dtype=[("left", "<i8"), ("value", ">f4")])
    for protocol in PROTOCOLS:
        same(pickles.loads(pickle.dumps(array, protocol)), array)


def test_shared_objects_stay_shared():
    array, names = np.arange(4.0), ["a"]
    for protocol in PROTOCOLS:
        first, second, third, fourth = pickles.loads(pickle.dumps([array, array, names, names], protocol))
        assert first is second
        assert third is fourth


def test_joblib_arrays_are_views_of_the_file():
    data = by_joblib(np.arange(1000.0))
    base = pickles.loads(data)
    while isinstance(base, np.ndarray):
        base = base.base
    assert base is data


# Models


def tokens(text):
    return text.split()


@functools.cache
def pipelines():
    words, chars = TfidfVectorizer(sublinear_tf=True), TfidfVectorizer(analyzer="char_wb", dtype=np.float32)
    sparse = make_pipeline(CountVectorizer(tokenizer=tokens, token_pattern=None), SGDClassifier(penalty="l1"))
    sparse.fit(TEXTS, LABELS)[-1].sparsify()
    search = GridSearchCV(LogisticRegression(random_state=np.random.RandomState(0)), {"C": [1, 2]}, cv=2)
    return [
        make_pipeline(words, LinearSVC()).fit(TEXTS, LABELS),
        make_pipeline(FeatureUnion([("w", words), ("c", chars)]), LogisticRegression()).fit(TEXTS, LABELS),
        make_pipeline(CountVectorizer(stop_words=["on"], binary=True), MultinomialNB()).fit(TEXTS, LABELS),
        make_pipeline(
            HashingVectorizer(n_features=16, tokenizer=functools.partial(tokens), token_pattern=None), search
        ).fit(TEXTS, LABELS),
        sparse,
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(5))
def test_a_pipeline_reads_the_same_live_and_from_every_kind_of_file(number, tmp_path):
    pipeline = pipelines()[number]
    for protocol in PROTOCOLS:
        same(pickles.loads(pickle.dumps(pipeline, protocol)), pipeline)
        same(pickles.loads(by_joblib(pipeline, protocol=protocol)), pipeline)
    for compress in COMPRESSIONS:
        joblib.dump(pipeline, tmp_path / "a", compress=compress)
        same(read_file(tmp_path / "a"), pipeline)
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        skops.io.dump(pipeline, tmp_path / "b", compression=compression)
        same(read_file(tmp_path / "b"), pipeline)
    (tmp_path / "c.pkl.gz").write_bytes(gzip.compress(pickle.dumps(pipeline)))
    same(read_file(tmp_path / "c.pkl.gz"), pipeline)


def old_files():
    return [
        (folder / name, model)
        for folder in sorted(FIXTURES.glob("sklearn-*"))
        for model in json.loads((folder / "expected.json").read_text())["models"].values()
        for name in model["files"]
    ]


@pytest.mark.parametrize(
    ("path", "model"), old_files(), ids=lambda x: f"{x.parent.name}/{x.name}" if isinstance(x, Path) else ""
)
def test_files_of_old_versions_are_read(path, model):
    steps = [step for _, step in read_file(path).state["steps"]]
    assert {step.package for step in steps} == {"sklearn"}
    assert steps[-1].state["_sklearn_version"] == path.parent.name.removeprefix("sklearn-")
    assert steps[-1].state["classes_"].tolist() == model["classes"]
    weights = steps[-1].state.get("coef_", steps[-1].state.get("feature_log_prob_"))
    assert weights.shape == (len(model["scores"][0]), model["n_features"])
    parts = [step for _, step in steps[0].state.get("transformer_list", [("", steps[0])])]
    assert sum(len(part.state["vocabulary_"]) for part in parts) == model["n_features"]


def test_there_are_files_of_three_old_versions():
    assert len(old_files()) == 3 * 7 * 2


def test_files_are_read_without_any_library_but_numpy(tmp_path):
    skops.io.dump(pipelines()[1], tmp_path / "model.skops")
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['sklearn', 'scipy', 'joblib', 'skops', 'pandas']))\n"
        "from nlucompress.importers.files import read_file\n"
        "for path in sys.argv[1:]: assert read_file(path).kind == 'sklearn.Pipeline'"
    )
    paths = [tmp_path / "model.skops", *FIXTURES.glob("sklearn-*/*.joblib"), *FIXTURES.glob("sklearn-*/*.pkl")]
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True)


def test_functions_and_classes_are_names():
    data = [str.lower, tokens, np.float64, np.log1p, print, len, dict]
    for protocol in PROTOCOLS:
        read = pickles.loads(pickle.dumps(data, protocol))
        assert [name.kind for name in read] == [view(live).kind for live in data]
    assert view(lambda x: x).name.endswith("<lambda>")
    assert view(functools.partial(tokens)) == pickles.loads(pickle.dumps(functools.partial(tokens)))
    assert view(TfidfVectorizer().build_analyzer()) == Global("functools", "partial")
    assert view(TfidfVectorizer().fit) == Global("sklearn.feature_extraction.text", "TfidfVectorizer.fit")


def test_a_function_saved_by_value_is_its_name():
    kept = 3

    def first_words(line):
        return line.split()[:kept]

    for protocol in range(2, 6):
        for function in (first_words, lambda line: line.split()):
            data = cloudpickle.dumps(CountVectorizer(tokenizer=function), protocol)
            assert pickles.loads(data).state["tokenizer"] == Global(__name__, function.__name__)


def test_parts_that_a_linear_model_has_no_use_for_are_read():
    frame = pandas.DataFrame({"text": ["a b", "b c"], "n": [1, 2]})
    columns = ColumnTransformer([("v", CountVectorizer(token_pattern="a|b"), "text")]).fit(frame)
    masked, get = np.ma.array([1, 2], mask=[True, False]), operator.itemgetter("text")
    parts = [np.random.RandomState(1), np.random.default_rng(1), masked, get, columns, np.dtype("<f4")]
    kinds = ["numpy.RandomState", "numpy.Generator", "numpy.MaskedArray", "operator.itemgetter"]
    for protocol in PROTOCOLS:
        read = pickles.loads(pickle.dumps(parts, protocol))
        assert [part.kind for part in read[:-1]] == [*kinds, "sklearn.ColumnTransformer"]
        assert read[-1] == np.dtype("<f4")
    read = skops_reader.loads(skops.io.dumps(parts))
    assert [part.kind for part in read[:-1]] == [*kinds, "sklearn.ColumnTransformer"]
    assert read[-1] == np.dtype("<f4")


def test_arrays_with_their_axes_in_any_order_come_back_equal():
    array = np.arange(24).reshape(2, 3, 4)
    for axes in itertools.permutations(range(3)):
        for protocol in PROTOCOLS:
            same(pickles.loads(pickle.dumps(array.transpose(axes), protocol)), array.transpose(axes))


def test_strings_of_python_2_are_read():
    array = call(named("numpy.core.multiarray._reconstruct"), named("numpy.ndarray"), b"K\x00\x85", b"U\x01b")
    kind, content = call(named("numpy.dtype"), text("f8")), np.float64(-2.5).tobytes()
    state = b"(K\x01K\x01\x85" + kind + b"I00\nU\x08" + content + b"tb"
    read = pickles.loads(b"(" + array + state + b"S'caf\\xe9'\nl.")
    np.testing.assert_array_equal(read[0], [-2.5])
    assert read[1] == "café"


def test_dates_and_numbers_beside_a_model_are_records():
    import datetime
    import decimal

    read = pickles.loads(pickle.dumps({"at": datetime.datetime(2024, 5, 6), "score": decimal.Decimal("0.5")}))
    assert [part.kind for part in read.values()] == ["datetime.datetime", "decimal.Decimal"]


# Attacks: each would run a command, or is one that could


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def named(name: str) -> bytes:
    module, _, rest = name.rpartition(".")
    return f"c{module}\n{rest}\n".encode()


def call(function: bytes, *args: bytes) -> bytes:
    return function + b"(" + b"".join(args) + b"tR"


def live_attacks(marker: Path) -> dict[str, bytes]:
    """Pickles that make the file ``marker`` when pickle loads them."""
    shell, python = text(f"echo x> {marker}"), text(f"open({str(marker)!r}, 'w').close()")
    system, module = named("os.system"), call(named("importlib.import_module"), text("os"))
    new_object = named("argparse.Namespace") + b")\x81"
    estimator = named("sklearn.svm._classes.LinearSVC") + b")\x81"
    reset = b"}" + text("__setstate__") + system + b"sb" + shell + b"b"
    copyreg.add_extension("os", "system", 240)
    inner = b"\x80\x04" + call(system, shell) + b"."
    array = call(named("numpy._core.multiarray._reconstruct"), named("numpy.ndarray"), b"K\x00\x85", text("b"))
    kind = (
        call(named("numpy.dtype"), text("O8"), b"\x89\x88")
        + b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    )
    in_array = array + b"(K\x01K\x01\x85" + kind + b"\x89](" + call(system, shell) + b"etb"
    return {
        "REDUCE": call(system, shell),
        "REDUCE at protocol 4": b"\x80\x04" + text("os") + text("system") + b"\x93" + shell + b"\x85R",
        "REDUCE of a name with dots": b"\x80\x04" + text("os") + text("path.os.system") + b"\x93" + shell + b"\x85R",
        "eval": call(named("builtins.eval"), text(f"open({str(marker)!r}, 'w')"[:-1] + ").close()")),
        "exec": call(named("builtins.exec"), python),
        "exec by its Python 2 name": b"\x80\x02" + call(named("__builtin__.exec"), python),
        "INST": b"(" + shell + b"ios\nsystem\n",
        "OBJ": b"(" + system + shell + b"o",
        "an extension code": b"\x82\xf0" + shell + b"\x85R",
        "getattr of getattr": call(
            call(
                named("builtins.getattr"), call(named("builtins.getattr"), named("os.path"), text("os")), text("system")
            ),
            shell,
        ),
        "operator.attrgetter": call(call(call(named("operator.attrgetter"), text("system")), module), shell),
        "operator.methodcaller": call(call(named("operator.methodcaller"), text("system"), shell), module),
        "functools.partial": call(call(named("functools.partial"), system, shell)),
        "subprocess.call": call(named("subprocess.call"), shell, b"K\x00", *[b"N"] * 6, b"\x88"),
        "BUILD sets __setstate__": new_object + reset,
        "BUILD sets __setstate__ of an estimator": estimator + reset,
        "a call whose result is dropped": call(system, shell) + b"0N",
        "a call in a dict's key": b"}" + call(system, shell) + b"Ns",
        "a call by a memo": system + b"q\x070" + b"h\x07" + shell + b"\x85R",
        "copyreg._reconstructor": call(
            named("copyreg._reconstructor"), named("argparse.Namespace"), named("builtins.object"), b"N"
        )
        + reset,
        "copyreg.__newobj__": call(named("copyreg.__newobj__"), named("argparse.Namespace")) + reset,
        "a pickle in a pickle": call(named("pickle.loads"), b"B" + struct.pack("<I", len(inner)) + inner),
        "a call in an array of objects": in_array,
        "a call in an estimator's attribute": estimator + b"}" + text("C") + call(system, shell) + b"sb",
        "a call in the arguments of an allowed one": call(named("builtins.list"), b"](" + call(system, shell) + b"e"),
    }


@pytest.mark.parametrize("name", live_attacks(Path("x")))
def test_an_attack_runs_in_pickle_and_is_refused_here(name, tmp_path):
    marker = tmp_path / "marker"
    attack = live_attacks(marker)[name] + b"."
    for data in (attack, zlib.compress(attack), gzip.compress(attack)):
        refused(data)
        assert not marker.exists()
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pickle.loads(attack)
    assert marker.exists(), "an attack that does nothing tests nothing"


@pytest.mark.parametrize("compress", [0, 3])
def test_an_attack_in_a_joblib_file_is_refused(compress, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f"echo x> {tmp_path / 'marker'}",)

    for model in (Attack(), [np.arange(3), Attack()], {"array": np.array([1, [Attack()]], object)}):
        assert "the pickle calls posix.system" in refused(by_joblib(model, compress)) or os.name == "nt"
    assert not (tmp_path / "marker").exists()


CALLED = [
    "os.system", "nt.system", "posix.system", "builtins.eval", "builtins.exec", "builtins.compile",
    "builtins.__import__", "builtins.open", "builtins.setattr", "builtins.delattr", "builtins.type", "builtins.vars",
    "builtins.map", "builtins.print", "subprocess.Popen", "subprocess.run", "subprocess.check_output",
    "importlib.import_module", "pickle.loads", "pickle.Unpickler", "marshal.loads", "types.FunctionType",
    "types.CodeType", "shutil.rmtree", "runpy.run_path", "code.interact", "pty.spawn", "socket.create_connection",
    "webbrowser.open", "ctypes.CDLL", "numpy.load", "numpy.testing._private.utils.runstring",
    "numpy.lib._npyio_impl.load", "numpy.f2py.compile", "joblib.load", "joblib.numpy_pickle.load",
    "sklearn.datasets.fetch_openml", "scipy.io.loadmat", "skops.io.load", "torch.load", "pip.main", "timeit.timeit",
    "operator.attrgetter", "operator.methodcaller", "copyreg.add_extension", "copyreg.pickle", "copyreg.constructor",
    "codecs.decode", "_codecs.decode", "functools.reduce", "collections.namedtuple", "logging.config.dictConfig",
    "pandas.read_pickle", "cloudpickle.load", "__main__.Model", "mypackage.model.Classifier",
    "xgboost.sklearn.XGBClassifier",
]  # fmt: skip


@pytest.mark.parametrize("name", CALLED)
def test_nothing_outside_the_allowed_names_is_called_or_made(name):
    function, command = named(name), text("echo x> marker")
    module, _, rest = name.rpartition(".")
    for attack in (
        call(function, command),
        b"(" + command + f"i{module}\n{rest}\n".encode(),
        b"(" + function + command + b"o",
        function + command + b"\x85\x81",
        function + command + b"\x85}\x92",
        function + b"}b",
        call(named("copyreg.__newobj__"), function, command),
        call(named("copyreg._reconstructor"), function, named("builtins.object"), b"N"),
    ):
        assert name.replace("__builtin__", "builtins") in refused(attack + b".")
    assert pickles.loads(function + b".") == Global(module, rest)  # a mere name is inert


REFUSED = {
    "a persistent id": (b"Ppath\n.", "persistent id"),
    "a binary persistent id": (b"K\x01Q.", "persistent id"),
    "an out-of-band buffer": (b"\x80\x05\x97.", "out-of-band"),
    "a call of a string": (call(text("os.system"), text("x")) + b".", "calls what is 'os.system'"),
    "a call of a record": (call(named("sklearn.svm.LinearSVC") + b")\x81", text("x")) + b".", "calls what is sklearn"),
    "a scalar of objects": (
        call(named("numpy._core.multiarray.scalar"), call(named("numpy.dtype"), text("O8")), text("x")) + b".",
        "numpy scalar of dtype('O')",
    ),
    "an array of a user's class": (
        call(named("numpy._core.multiarray._reconstruct"), named("os.system")) + b".",
        "os.system",
    ),
    "a dtype of dates": (call(named("numpy.dtype"), text("M8")) + b".", "'M8'"),
    "a codec that unpacks": (call(named("_codecs.encode"), text("x"), text("zip")) + b".", "_codecs.encode"),
    "a state for a class": (named("sklearn.svm.LinearSVC") + b"}b.", "sets the state of sklearn.svm.LinearSVC"),
    "a state for a list": (b"]}b.", "sets the state of a list"),
    "items for a class": (named("os.environ") + text("PATH") + text("x") + b"s.", "in os.environ"),
    "appending to a function": (named("os.system") + text("x") + b"a.", "appends to os.system"),
    "an older joblib's arrays": (
        named("joblib.numpy_pickle.NDArrayWrapper") + b")\x81}" + text("filename") + text("x.npy") + b"sb.",
        "joblib.dump(joblib.load(old), new",
    ),
    "an older joblib's compression": (b"ZF0x10", "joblib before 0.10"),
    "lz4": (b"\x04\x22\x4d\x18abc", "lz4"),
    "zstd": (b"\x28\xb5\x2f\xfdabc", "zstd"),
    "a key that cannot be hashed": (b"}]Ns.", "a list of 0"),
    "nothing": (b"", "empty"),
    "a PNG": (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    "a program": (b"\x7fELF\2\1\1", "a program"),
    "a text": (b"hello world\n", "model.pkl: "),
    "JSON": (b'{"steps": []}', "JSON"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "a zip archive": (b"PK\3\4", "zip"),
    "zeros": (bytes(100), "0x00 is no pickle opcode"),
    "another pickle behind it": (pickle.dumps(1) + pickle.dumps(2), "bytes follow"),
    "a newer protocol": (b"\x80\x09N.", "protocol 9"),
    "a frame beyond the end": (b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "frame of 18446744073709551615 bytes"),
    "a string beyond the end": (b"\x8d" + b"\xff" * 8 + b"x.", "18446744073709551615 bytes wanted"),
    "bytes beyond the end": (b"\x96" + b"\xff" * 7 + b"\x00.", "bytes wanted"),
    "a long beyond the end": (b"\x8b\xff\xff\xff\x7fx.", "bytes wanted"),
    "a memo that is not there": (b"j\xff\xff\xff\xff.", "object 4294967295"),
    "a name of a megabyte": (b"c" + b"a" * 1000000 + b"\nb\n.", "1000000 characters"),
    "an integer of a million digits": (b"I" + b"1" * 1000000 + b"\n.", "1000000 digits"),
    "a name with a newline": (
        b"\x80\x04" + text("os\n\u202e") + text("system\0") + b"\x93)R.",
        "os\\n\\u202e.system\\x00",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_with_the_reason(name):
    data, reason = REFUSED[name]
    assert reason in refused(data)


def test_the_message_names_the_call_its_byte_and_the_way_out(tmp_path):
    (tmp_path / "intents.pkl").write_bytes(pickle.dumps(Exploit(), 2))
    with pytest.raises(ModelImportError) as caught:
        read_file(tmp_path / "intents.pkl")
    system = view(os.system)
    at = pickle.dumps(Exploit(), 2).index(b"R")
    assert str(caught.value) == (
        f"intents.pkl: the pickle calls {system.module}.system at byte {at}; nlucompress reads models and runs nothing; "
        "if you trust the file, load it yourself and pass the estimator"
    )


class Exploit:
    def __reduce__(self):
        return os.system, ("exit 1",)


class Custom:
    """An object of a user's class, as a tokenizer may be."""

    def __call__(self, line):
        return line.split()


def test_a_users_object_is_refused_by_the_name_of_its_class():
    message = refused(pickle.dumps(CountVectorizer(tokenizer=Custom())))
    assert f"the file holds an object of class {Custom.__module__}.Custom" in message


# Sizes and depths


def bomb(size: int, compress) -> bytes:
    return compress(b"\x80\x05\x8e" + struct.pack("<Q", size) + bytes(size) + b".")


@pytest.mark.parametrize("method", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_what_a_compressed_file_unpacks_to_is_limited(method):
    import bz2
    import lzma

    alone = functools.partial(lzma.compress, format=lzma.FORMAT_ALONE)
    compress = {"zlib": zlib.compress, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "lzma": alone}
    data = bomb(3_000_000, compress[method])
    assert len(data) < 6000
    assert pickles.loads(data) == bytes(3_000_000)
    assert "the limit of 1000000 bytes" in refused(data, limit=1_000_000)


@pytest.mark.parametrize("method", ["bz2", "xz", "lzma"])
def test_a_kilobyte_may_not_unpack_to_gigabytes(method, monkeypatch):
    import bz2
    import lzma

    alone = functools.partial(lzma.compress, format=lzma.FORMAT_ALONE)
    data = bomb(8_000_000, {"bz2": bz2.compress, "xz": lzma.compress, "lzma": alone}[method])
    assert len(data) < 3000
    assert len(pickles.loads(data)) == 8_000_000  # below what is free
    monkeypatch.setattr(records, "FREE_BYTES", 1 << 20)
    most = (1 << 20) + 1100 * len(data)
    assert f"more than {most} bytes, the limit for a file of {len(data)}" in refused(data)


@pytest.mark.parametrize("op", [b"\x8f", b"}", b"]", b"(", b")\x85", b"N\x94"])
def test_a_kilobyte_may_not_unpack_to_a_million_objects(op, monkeypatch):
    data = zlib.compress(op * 50_000 + b"N.")
    monkeypatch.setattr(pickles, "_FREE_OBJECTS", 1 << 20)
    with strategies.peak() as most:
        assert "unpacks to objects of more than" in refused(data)
    assert most() < 3 << 20
    assert pickles.loads(op * 50_000 + b"0" * 50_000 + b"N.") is None  # of a file as it is there may be many


def test_a_string_of_python_2_has_the_escapes_of_python_2():
    written = rb"""S'a\x41\n\'\"\\ \x00'""" + b"\n."
    assert pickles.loads(written) == "aA\n'\"\\ \0"
    for wrong in (rb"S'\ '", rb"S'\u0041'", rb"S'\777'", rb"S'\x4'", rb"S'a\'"):
        assert "an escape that is none" in refused(wrong + b"\n.")


NESTED = {
    "tuples": (b"", b"\x85", b""), "lists": (b"](" , b"", b"e"), "dicts": (b"}K\x01", b"", b"s"),
    "estimators": (named("sklearn.svm.LinearSVC") + b")\x81}" + text("C"), b"", b"sb"),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("depth", [150, 20_000])
def test_deep_nesting_is_refused(name, depth):
    before, after, last = NESTED[name]
    assert "100 deep" in refused(before * depth + b"N" + after * depth + last * depth + b".")


def test_what_contains_itself_is_refused():
    loop: list = []
    loop.append({"again": loop})
    array = np.empty(1, object)
    array[0] = [array]
    for protocol in PROTOCOLS:
        assert "contains itself" in refused(pickle.dumps(loop, protocol))
        pickles.loads(pickle.dumps([[], []], protocol))
    for data in (pickle.dumps(array), by_joblib(array)):
        assert view(pickles.loads(data)[0][0]).kind == "numpy.ndarray"


def test_a_tuple_that_doubles_fifty_times_takes_no_time():
    doubled = b"K\x01" + b"2\x86" * 50
    assert "key is a tuple" in refused(b"}" + doubled + b"Ns.")
    assert "key is a tuple" in refused(b"\x8f(" + doubled + b"\x90.")
    assert records.show(pickles.loads(doubled + b".")) == "a tuple of 2"


def test_copies_are_limited_to_a_multiple_of_the_file():
    big = text("a" * 100_000) + b"q\x000"
    encode = call(named("_codecs.encode"), b"h\x00", text("latin1")) + b"0"
    items = b"](" + b"N" * 100_000 + b"eq\x000"
    copies = call(named("builtins.tuple"), b"h\x00") + b"0"
    arguments = b"(" + b"N" * 100_000 + b"tq\x000"
    objects = (named("sklearn.svm.LinearSVC") + b"h\x00}K\x01K\x01s\x92") * 200
    for attack in (big + encode * 100, items + copies * 200, arguments + objects):
        assert "bytes of copies" in refused(attack + b"N.")


def wrapper(shape: bytes, dtype: bytes = call(named("numpy.dtype"), text("f8")), order: str = "C") -> bytes:
    state = text("subclass") + named("numpy.ndarray") + text("shape") + shape + text("order") + text(order)
    return named("joblib.numpy_pickle.NumpyArrayWrapper") + b")\x81}(" + state + text("dtype") + dtype + b"ub"


SHAPES = {
    "too large": b"M\xff\xff\x85", "huge": b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85", "negative": b"J\xff\xff\xff\xff\x85",
    "overflowing": (b"\x8a\x05\0\0\0\0\x01" * 2) + b"\x86", "empty and huge": b"K\x00\x8a\x06\0\0\0\0\0\x01\x86",
    "of strings": text("3") + b"\x85", "no tuple": b"K\x03", "of booleans": b"\x88\x85",
    "of 100 dimensions": b"(" + b"K\x01" * 100 + b"t",
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_lying_shape_is_refused(name):
    assert "shape" in refused(wrapper(SHAPES[name]) + bytes(64) + b".")
    state = b"(K\x01" + SHAPES[name] + call(named("numpy.dtype"), text("f8")) + b"\x89C\x08" + bytes(8) + b"tb"
    array = call(named("numpy.core.multiarray._reconstruct"), named("numpy.ndarray"), b"K\x00\x85", b"C\x01b")
    assert "shape" in refused(array + state + b".")


def test_a_joblib_array_is_only_made_of_what_it_may_be():
    assert "order 'X'" in refused(wrapper(b"K\x01\x85", order="X") + bytes(8) + b".")
    assert "dtype a list" in refused(wrapper(b"K\x01\x85", dtype=b"]") + bytes(8) + b".")
    objects = call(named("numpy.dtype"), text("O8"))
    assert "holds 7" in refused(wrapper(b"K\x01\x85", dtype=objects) + pickle.dumps(7) + b".")
    nested = wrapper(b"K\x01\x85", dtype=objects) + wrapper(b"K\x01\x85") + bytes(8) + b".."
    assert "stands in an array of objects" in refused(nested)
    np.testing.assert_array_equal(pickles.loads(wrapper(b"K\x02\x85") + bytes(16) + b"."), np.zeros(2))


def test_arrays_of_objects_inside_each_other_are_limited():
    array = np.array([None], object)
    for _ in range(20):
        outer = np.empty(1, object)
        outer[0] = array
        array = outer
    assert "8 deep" in refused(pickle.dumps(array))


# Damage


def small_model():
    return {
        "v": TfidfTransformer(),
        "w": np.arange(3.0),
        "o": np.array(["a", None], object),
        "s": {1, 2},
        "f": np.float32(1),
    }


def damaged(data: bytes):
    """A file cut at every byte, and with every byte changed in two ways."""
    for i in range(len(data)):
        yield data[:i]
        for change in (1, 0xFF):
            yield data[:i] + bytes([data[i] ^ change]) + data[i + 1 :]


FILES = {
    "protocol 0": lambda: pickle.dumps(small_model(), 0),
    "protocol 2": lambda: pickle.dumps(small_model(), 2),
    "protocol 5": lambda: pickle.dumps(small_model(), 5),
    "joblib": lambda: by_joblib(small_model()),
    "joblib zlib": lambda: by_joblib(small_model(), 3),
    "joblib bz2": lambda: by_joblib(small_model(), ("bz2", 1)),
    "joblib xz": lambda: by_joblib(small_model(), ("xz", 0)),
}


@pytest.mark.parametrize("text", [b"a" * 1_000_000, b"\\x41" * 250_000, b"\\\\" * 500_000])
def test_a_long_string_of_protocol_0_takes_a_few_times_its_bytes(text):
    tracemalloc.start()
    assert pickles.loads(b"S'" + text + b"'\n.", "model.pkl") == text.decode("unicode_escape")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(text)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused(name):
    read = 0
    data = FILES[name]()
    for version in damaged(data):
        try:
            pickles.loads(version, "model.pkl")
        except ModelImportError as error:
            assert str(error).isprintable()  # noqa: PT017
        else:
            read += 1
            assert len(version) == len(data)  # never of a cut file
    assert read > 0 or "joblib" in name


OPCODES = bytes(
    sorted({value[0] for name, value in vars(pickle).items() if name.isupper() and isinstance(value, bytes)})
)


@given(st.integers(0, 1 << 60))
def test_a_random_program_is_read_or_refused(seed):
    draw = random.Random(seed)
    for _ in range(100):
        program = bytes(draw.choices(OPCODES, k=draw.randrange(60)))
        with contextlib.suppress(ModelImportError):
            pickles.loads(program + b".", "model.pkl")


def test_a_path_that_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.pkl"):
        with pytest.raises(ModelImportError, match=path.name):
            read_file(path)


# skops


def schema_of(data: bytes):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read("schema.json")), {
            n: archive.read(n) for n in archive.namelist() if n != "schema.json"
        }


def archive_of(schema, members, **options) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in {**members, "schema.json": json.dumps(schema)}.items():
            archive.writestr(name, content)
    return file.getvalue()


def node(loader: str, name: str, content=None, **more):
    module, _, rest = name.rpartition(".")
    return {"__loader__": loader, "__class__": rest, "__module__": module, "content": content, "protocol": 2, **more}


def no_skops(schema, members=(), **options) -> str:
    return refused(archive_of(schema, dict(members)), skops_reader.loads, **options)


def test_plain_data_come_back_equal_through_skops():
    data = {
        "a": [1, 2.5, None, True],
        3: ("x", {"y"}),
        2.5: b"bytes",
        None: slice(1, 2),
        "s": np.int64(4),
        "t": frozenset("q"),
        "r": bytearray(b"r"),
        True: defaultdict(int, x=1),
        "c": OrderedDict(a=1),
    }
    same(skops_reader.loads(skops.io.dumps(data)), data)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dia"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_a_sparse_matrix_reads_the_same_from_every_file(form, kind):
    matrix = getattr(scipy.sparse, f"{form}_{kind}")(np.array([[0, 1.5, 0], [2, 0, 0]]))
    for read in (pickles.loads(pickle.dumps(matrix)), skops_reader.loads(skops.io.dumps(matrix)), view(matrix)):
        np.testing.assert_array_equal(records.dense(read, "coef_"), matrix.toarray())


def test_an_unknown_loader_or_class_of_skops_is_refused():
    assert "'EvalNode', which is not known" in no_skops(node("EvalNode", "builtins.eval", "1"))
    assert "class os.system" in no_skops(node("ObjectNode", "os.system"))
    args = node("TupleNode", "builtins.tuple", [node("JsonNode", "builtins.str", '"x"')])
    assert "class subprocess.Popen" in no_skops(node("ConstructorFromReduceNode", "subprocess.Popen", args))
    assert "class os.system" in no_skops(node("ListNode", "os.system", []))
    assert "class __main__.Random" in no_skops(node("RandomStateNode", "__main__.Random"))
    assert "protocol is 3" in no_skops(node("JsonNode", "builtins.str", "1", protocol=3))
    assert skops_reader.loads(archive_of(node("TypeNode", "os.system"), {})) == Global("os", "system")
    method = node("MethodNode", "os.path", {"func": "join", "obj": {}})
    assert skops_reader.loads(archive_of(method, {})) == Global("os", "path.join")


def test_the_place_in_the_schema_is_named():
    schema, members = schema_of(skops.io.dumps({"model": {"deep": [np.arange(3)]}}))
    message = no_skops(schema, {name.replace(".npy", ".npx"): content for name, content in members.items()})
    assert "no member" in message
    assert "(schema.json, model.deep)" in message


def test_shared_and_circular_nodes():
    shared = node("ListNode", "builtins.list", [], __id__=7)
    cached = node("CachedNode", "builtins.list", __id__=7)
    first, second = skops_reader.loads(archive_of(node("ListNode", "builtins.list", [shared, cached]), {}))
    assert first is second
    assert "object 7, which does not come before" in no_skops(node("ListNode", "builtins.list", [cached, shared]))
    assert "contains itself" in no_skops(node("ListNode", "builtins.list", [cached], __id__=7))


def test_deep_schemas_are_refused():
    deep = node("JsonNode", "builtins.int", "1")
    for _ in range(120):
        deep = node("ListNode", "builtins.list", [deep])
    assert "deep" in no_skops(deep)
    for depth in (200, 500_000):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("schema.json", '{"content":[' * depth + "]}" * depth)
        refused(data.getvalue(), skops_reader.loads)


def test_what_a_skops_file_unpacks_to_is_limited():
    data = skops.io.dumps([np.zeros(100_000), np.ones(100_000)], compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 10_000
    assert len(skops_reader.loads(data)) == 2
    assert "unpacks to 800128 bytes" in refused(data, skops_reader.loads, limit=1_000_000)
    lying = data.replace(struct.pack("<I", 800_128), struct.pack("<I", 1000))  # the declared sizes
    refused(lying, skops_reader.loads, limit=1_000_000)


def test_a_small_skops_file_may_not_unpack_to_gigabytes(monkeypatch):
    def packed(words: str) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("schema.json", words)
        return file.getvalue()

    schema, _ = schema_of(skops.io.dumps([1]))
    assert skops_reader.loads(packed(json.dumps(schema) + " " * 1_000_000)) == [1]
    monkeypatch.setattr(records, "FREE_BYTES", 1000)
    assert "unpacks to" in refused(packed(json.dumps(schema) + " " * 1_000_000), skops_reader.loads)


def test_lying_arrays_of_skops_are_refused():
    schema, members = schema_of(skops.io.dumps(np.arange(6.0)))
    ((name, array),) = members.items()
    for old, new in (
        (b"(6,)", b"(9,)"), (b"(6,)", b"(5,)"), (b"(6,)", b"-6,)"), (b"'<f8'", b"'|O8'"), (b"NUMPY\1", b"NUMPY\3"),
        (b"False", b"Falsy"), (b"{", b"["), (b"descr", b"__import__('os')"),
    ):  # fmt: skip
        assert old in array
        no_skops(schema, {name: array.replace(old, new)})
    no_skops(schema, {name: array[:-1]})
    no_skops(schema, {name: array[:20]})


@given(st.data())
def test_a_damaged_schema_is_read_or_refused(data):
    good = archive_of(*schema_of(SKOPS))
    schema, members = schema_of(good)
    places = list(walk(schema))
    holder, key = data.draw(st.sampled_from(places))
    other, other_key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(
        st.sampled_from([None, -1, 10**30, "", "x", [], {}, True, float("nan"), schema["content"]])
        | st.just(other[other_key])
    )
    try:
        damaged_file = archive_of(schema, members)
    except ValueError:  # a circle
        return
    try:
        skops_reader.loads(damaged_file, "model.skops")
    except ModelImportError as error:
        assert str(error).isprintable()  # noqa: PT017


def walk(value):
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from walk(value[key])


SKOPS = skops.io.dumps({**small_model(), "m": scipy.sparse.csr_matrix(np.eye(2)), "p": functools.partial(tokens)})


def test_a_damaged_skops_file_is_read_or_refused():
    for i in range(0, len(SKOPS), 7):
        for version in (SKOPS[:i], SKOPS[:i] + bytes([SKOPS[i] ^ 0xFF]) + SKOPS[i + 1 :]):
            try:
                skops_reader.loads(version, "model.skops")
            except ModelImportError as error:
                assert str(error).isprintable()  # noqa: PT017


# Sparse matrices


@given(
    npst.arrays(
        np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.sampled_from([0.0, 0.0, 1.5, -2.0])
    ),
    st.sampled_from(["csr", "csc", "coo", "dia"]),
)
def test_sparse_rows_equal_scipys(array, form):
    matrix = getattr(scipy.sparse, f"{form}_matrix")(array)
    rows = records.sparse_rows(matrix, "coef_")
    np.testing.assert_array_equal(rows.dense(0, len(array)), array)
    np.testing.assert_array_equal(records.dense(matrix, "coef_"), array)
    assert records.is_sparse(matrix)
    for start, stop in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        assert (np.diff(rows.indices[start:stop]) > 0).all()


def test_equal_places_of_a_sparse_matrix_are_added_up():
    matrix = scipy.sparse.coo_matrix(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    np.testing.assert_array_equal(records.sparse_rows(matrix, "x").dense(0, 2), [[0, 3], [4, 0]])
    np.testing.assert_array_equal(records.dense(matrix, "x"), [[0, 3], [4, 0]])
    np.testing.assert_array_equal(records.diagonal(scipy.sparse.diags([1.0, 2.0]), "idf"), [1, 2])
    with pytest.raises(ModelImportError, match="not a diagonal"):
        records.diagonal(matrix, "idf")


def test_a_shape_alone_makes_no_dense_array():
    nothing = scipy.sparse.coo_matrix((1 << 15, 1 << 14))
    wide = scipy.sparse.coo_matrix((1 << 25, 1 << 25))
    with strategies.peak() as most:
        with pytest.raises(ModelImportError, match="asks for a dense array of 536870912 elements"):
            records.dense(nothing, "coef_")
        with pytest.raises(ModelImportError, match="asks for a dense array of 33554432 elements"):
            records.diagonal(wide, "idf")
    assert most() < 1 << 20


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"indices": np.array([0, 5])}, "column 5 is outside"),
        ({"indices": np.array([0, -1])}, "column -1 is outside"),
        ({"indptr": np.array([0, 1])}, "indptr of length 2"),
        ({"indptr": np.array([0, 2, 1])}, "indptr"),
        ({"indptr": np.array([0, 1, 9])}, "indptr"),
        ({"indptr": [0, 1, 2]}, "not a row of integers"),
        ({"data": np.array(["a", "b"])}, "not an array of numbers"),
        ({"_shape": (2, 1 << 60)}, "shape"),
        ({"_shape": (2,)}, "shape"),
        ({"_shape": "22"}, "shape"),
    ],
)
def test_a_sparse_matrix_that_does_not_fit_together_is_refused(change, reason):
    state = {**vars(scipy.sparse.csr_matrix(np.eye(2))), **change}
    with pytest.raises(ModelImportError, match=reason) as caught:
        records.sparse_rows(Record("scipy.sparse._csr", "csr_matrix", state), "coef_")
    assert str(caught.value).startswith("coef_ (csr_matrix): ")
