"""Seeds of native.c: the golden files, and small files of every other kind, each with requests.

    python tests/fuzz/seeds.py FOLDER [--golden]    # --golden: of each kind of golden file the newest, with one request

An input is eight bytes, the request filled up to a multiple of eight, and the file; native.c says what the eight mean.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nlucompress import LinearModel
from nlucompress.linear import Namespace, Step
from nlucompress.rows import forms

GOLDEN = Path(__file__).parents[1] / "golden"
MOST = 8192  # bytes of a seed
REQUEST = 192  # bytes of a request
FLAGS = {
    "no-verify": 1,
    "one-by-one": 2,
    "runs": 4,
    "marginals": 8,
    "hashes": 16,
    "avx2": 32,
    "twice": 64,
    "spans": 128,
}


def pack(file: bytes, request: bytes, flags: int, scratch: int = 0, choices: int = 0) -> bytes:
    """An input."""
    head = struct.pack("<HBBI", len(request), flags, scratch, choices)
    return head + request + bytes(-len(request) % 8) + file


def unpack(data: bytes) -> tuple[bytes, bytes, int, int]:
    """The file, the request, flags and choices of an input; ValueError if it is none."""
    if len(data) < 8:
        raise ValueError(f"{len(data)} bytes are no input: at least 8")
    length, flags, _, choices = struct.unpack_from("<HBBI", data)
    start = 8 + (length + 7) // 8 * 8
    if length > REQUEST or start > len(data):
        raise ValueError(f"a request of {length} bytes: at most {REQUEST}, in an input of {len(data)}")
    return data[start:], data[8 : 8 + length], flags, choices


def request_of(sample: Any) -> bytes:
    """A sample as a request: a text, or names cut at 1F, items at 1E."""
    if isinstance(sample, str):
        text = sample
    elif isinstance(sample, dict):
        text = "\x1f".join(f"{name}={value}" for name, value in sample.items())
    elif sample and isinstance(sample[0], list | dict):
        text = "\x1e".join(request_of(item).decode("utf-8", "surrogatepass") for item in sample)
    else:
        text = "\x1f".join(sample)
    return text.encode("utf-8", "surrogatepass")[:REQUEST]


def golden_files() -> Iterator[tuple[str, bytes, list[bytes]]]:
    """Name, bytes and requests of each golden file, and of some models that the golden ones do not have."""
    expected = json.loads((GOLDEN / "expected.json").read_text(encoding="ascii"))
    for name, answers in sorted(expected.items()):
        yield name, (GOLDEN / name).read_bytes(), [request_of(sample) for sample in answers["samples"]]


def _maker() -> Any:
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and named tuples look their module up
    spec.loader.exec_module(module)
    return module


def _runs(make: Any, columns: int, spread: int) -> Any:
    """Weights on an even grid: rows from one weight to all columns, so that each form of coded rows pays for some."""
    rows = np.zeros((64, columns))
    for i in range(64):
        share = (0.02, 0.15, 0.5, 1.0)[i % 4]
        noise = make.numbers([f"r{i}"], columns, share, f"{spread}")[0]
        rows[i] = np.round(noise * (spread if i % 8 < 6 else 1)) / spread
    rows[0, 0] = 1.0
    return rows


@contextlib.contextmanager
def _every_packed_kind() -> Iterator[None]:
    """Rows are packed in kinds that are still read and no longer written; none is a run."""
    kinds = ((1, 0), (1, 1), (2, 1), (2, 2), (4, 7), (4, 8), (8, 0))
    usual = {name: getattr(forms, name) for name in ("MOST_GROWTH", "MOST_RUNS", "PACKED")}
    try:
        for name, value in zip(usual, (0.5, 0, kinds), strict=True):
            setattr(forms, name, value)
        yield
    finally:
        for name, value in usual.items():
            setattr(forms, name, value)


def built_files() -> Iterator[tuple[str, bytes, list[bytes]]]:
    """The same of models that are compressed now."""
    make = _maker()
    words = Namespace("words")
    names = [f"w{i}" for i in range(64)]
    texts = [b"w0 w1 w2 w3 w4 w5 w6 w7 w8", b"w9 w10 w11 w63 w0 x", " ".join(names[20:60]).encode()]

    def linear(spaces: list[Namespace], parts: list[list[str]], classes: Any, **fields: Any) -> LinearModel:
        model: LinearModel = make.linear(parts, spaces, classes, **fields)
        return model

    models: list[tuple[str, LinearModel, dict[str, Any], list[bytes]]] = []
    for columns, buckets, spread in ((9, 4, 1), (12, 16, 6), (24, 256, 100), (40, 8, 3), (24, 3, 1)):
        model = linear([words], [names], [f"c{i}" for i in range(columns)], weights=_runs(make, columns, spread),
                       link="softmax")  # fmt: skip
        for layout in ("coded", "pool", "plain", "dense"):
            models.append((f"grid-{columns}-{buckets}-{layout}", model, {"buckets": buckets, "layout": layout}, texts))
        idf = np.array([1 + i % 5 / 4 for i in range(64)])
        weighed = dataclasses.replace(model, idf=idf, steps=(Step("norm", (0,), "l2"),))
        for layout in ("coded", "pool"):
            options = {"buckets": buckets, "layout": layout, "check_bits": 7}
            models.append((f"idf-{columns}-{buckets}-{layout}", weighed, options, texts))
    uneven = linear([words], [names], [f"c{i}" for i in range(10)], weights=_runs(make, 10, 3) ** 3)
    for codebook in ("even", "kmeans"):
        for layout in ("coded", "dense", "plain"):
            options = {"buckets": 12, "codebook": codebook, "gamma": 1.5, "layout": layout}
            models.append((f"uneven-{codebook}-{layout}", uneven, options, texts))
    few, wide = names[:12], 260
    sparse = make.numbers(few, wide, 0.05, "wide")
    sparse[::3] = make.numbers(few[::3], wide, 0.9, "dense")
    for layout in ("coded", "pool", "plain"):
        model = linear([words], [few], list(range(wide)), weights=sparse)
        models.append((f"wide-{layout}", model, {"buckets": 4, "layout": layout}, texts))
    samples = [
        "Straße ÉTEINS İstanbul ΟΔΟΣ",
        "ab\tab  cd\u3000東京 👍🏽",
        "a",
        "",
        "a b " * 20,
        "\u1fb3\ufb01\uac01\u0300",
    ]
    grams = ["ab", "b ", " a", "a b", "str", "東京", "eteins", "1", "2", "3", "a", "b"]
    for i, space in enumerate((
        Namespace("c", analyzer="char", ngram_range=(1, 4), strip_accents="unicode"),
        Namespace("c", analyzer="char_wb", ngram_range=(2, 5), strip_accents="ascii", lowercase=False),
        Namespace("w", token_pattern=r"\S+", ngram_range=(1, 3), tf="log", stop_words=("a", "the")),
        Namespace("w", token_pattern=r"(?u)\b\w+\b", tf="binary", hash_columns=7, alternate_sign=True),
        Namespace("w", token_pattern=r"[a-z]+", ngram_range=(2, 2)),
        Namespace("f", analyzer="fasttext", hash_columns=5, subwords=(1, 3), ngram_range=(1, 3), unseen=0.5),
        Namespace("f", analyzer="fasttext", stop_words=("a",)),
        Namespace("f", analyzer="features", hash_columns=9), Namespace("d", analyzer="dict"),
        Namespace("i", analyzer="items"), Namespace("w", column="text"),
    )):  # fmt: skip
        model = linear([space], [grams], ["x", "y", "z"], link="ovr", steps=(Step("norm", (0,), "l1"),))
        models.append((f"space-{i}", model, {"layout": "pool"}, [request_of(sample) for sample in samples]))
    for i, steps in enumerate((
        (Step("norm", (0,), "max"), Step("scale", (0,), value=-0.5)), (Step("binarize", (0,), value=0.5),),
        (Step("norm", (0, 1), "l1"), Step("norm", (1,), "l2")),
    )):  # fmt: skip
        spaces = [words, Namespace("c", analyzer="char", ngram_range=(1, 2))]
        model = linear(spaces, [names[:8], grams[:8]], ["x", "y"], task="binary", link=["sigmoid", "softmax", "clipped"][i],
                       steps=steps, calibration=make.numbers(["c", "d"], 1))  # fmt: skip
        models.append((f"steps-{i}", model, {"check_bits": 3}, texts))
    for i, dtype in enumerate((bool, np.int8, np.int16, np.int64, np.uint8, np.uint32, np.float32, object)):
        labels = np.array([0, 1]).astype(dtype) if dtype is not object else np.array(["", "\ud800\x00"], dtype=object)
        model = linear([words], [names[:6]], labels, task="multilabel", link=["sigmoid", "clipped"][i % 2])
        models.append((f"labels-{i}", model, {}, texts))
    for count in (2, 6):
        model = linear([words], [names], ["x", "y", "z"], share=0.5)
        for layout in ("coded", "pool", "dense"):
            options = {"shard_features": 64 >> count // 2, "layout": layout, "check_bits": 20}
            models.append((f"shards-{count}-{layout}", model, options, texts))
    yield from ((name, make.made(model, options).data, requests) for name, model, options, requests in models)
    with _every_packed_kind():
        for name, model, options, requests in models:
            if options.get("layout") == "coded":
                yield f"packed-{name}", make.made(model, options).data, requests
    yield from _taggers(make)


def _taggers(make: Any) -> Iterator[tuple[str, bytes, list[bytes]]]:
    space = [Namespace("attributes", analyzer="features")]
    names = ["bias", *(f"w={i}" for i in range(40)), "lower=play", "len=4", "isupper", "next=it"]
    requests = [
        b"w=1\x1fbias\x1ew=2\x1flong\x1e\x1ebias",
        b"Play\x1fit\x1f11\x1f\xe2\x82\xac\xc3\x9f-X\x1f\x1f",
        b"play",
    ]
    operations: list[Any] = [
        ["lower"], ["len"], [["slice", -3, None]], [["slice", 1, -1], "lower"], [["map", "isupper", "X", "[a-z]", "x"]],
        [["map", "isdigit", "0"], ["collapse", 1]], [["lstrip", "[#@]"]], [["rstrip", "isspace"]], [["leading", "isalpha"]],
        [["trailing", "[^\\w\\-]"], "lower"], [["keep", "it", "Play"], "lower", "len"],
        [["slice", None, 2], ["collapse", 3]],
    ]  # fmt: skip
    tests: list[Any] = [
        "isalnum", "isalpha", "isdecimal", "isdigit", "isnumeric", "isspace", "isascii", "islower", "isupper", "istitle",
        ["in", "play", "it"], ["any", "isdigit"], ["all", "[\\d\\s\\W]"], "inside",
    ]  # fmt: skip
    features: list[Any] = [{"text": ["bias"]}, {"text": ["w=", {}]}, {"text": ["next=", {"at": 1, "outside": "</s>"}]}]
    features += [{"text": [f"o{i}=", {"do": do, "at": i % 3 - 1}]} for i, do in enumerate(operations)]
    features += [{"text": [f"t{i}"], "if": [{"do": [test] + ["not"] * (i % 2), "at": i % 2}], "else": 0.5} for i, test in
                 enumerate(tests)]  # fmt: skip
    features += [{"text": ["n"], "weight": {"do": ["lower"]}, "if": [{"do": ["inside"], "at": -1}]},
                 {"text": ["w=", {}, "|", {"at": 1}], "weight": 2.0}, {"text": ["bias"], "weight": 0.25}]  # fmt: skip
    columns = {"columns": 2, "features": [{"text": ["w=", {"column": 1}]}, {"text": [{}, {"column": 1, "at": -1}]}]}
    for tags in (2, 5, 9, 33):
        labels = [f"T{i}" for i in range(tags)]
        model = make.linear([names], space, labels, task="tagging", share=0.5, intercept=np.zeros(tags),
                            transitions=make.numbers(labels, tags, 0.5, "after"))  # fmt: skip
        for layout in ("plain", "dense", "pool", "coded"):
            for i, template in enumerate((None, {"features": features}, {"features": features[::3]}, columns)):
                options = {"layout": layout, "buckets": (4, 16, 255)[i % 3], "range": ("model", "class")[i % 2]}
                if template is not None:
                    options["template"] = template
                yield f"tags-{tags}-{layout}-{i}", make.made(model, options).data, requests


def seeds() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each seed."""
    chosen = ("twice",), ("one-by-one", "marginals", "hashes", "runs"), ("runs", "avx2", "marginals"), (
        "no-verify", "hashes", "spans")  # fmt: skip
    variants = [sum(FLAGS[name] for name in names) for names in chosen]
    for files in (golden_files(), built_files()):
        for name, file, requests in files:
            if len(file) + REQUEST + 8 > MOST:
                continue
            for i, request in enumerate(requests[:3]):
                yield f"{name}-{i}", pack(file, request, variants[i % 4] if i else variants[1] | FLAGS["twice"], 0)


def newest_golden() -> Iterator[tuple[str, bytes]]:
    """One seed of each kind of golden file, of its newest version."""
    kinds = {name.split("-", 2)[2]: (file, requests) for name, file, requests in golden_files()}
    for kind, (file, requests) in kinds.items():
        yield kind, pack(file, requests[0], FLAGS["one-by-one"] | FLAGS["marginals"] | FLAGS["hashes"] | FLAGS["avx2"])


def main() -> int:
    """Write the seeds to a folder, each by its digest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--golden", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    count = size = 0
    for _, data in newest_golden() if arguments.golden else seeds():
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        count, size = count + 1, size + len(data)
    print(f"{count} seeds, {size // max(count, 1)} bytes each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
