"""What a trained text classifier weighs in other forms, and what it says then: the rivals of front.py.

A rival is a function of a `Case` that yields `Form`s: a file that was really written or whose parts were really packed,
its bytes, and its labels of the test texts. Files that this module makes up itself (codes, float16) count the names of the
labels and the intercepts too. RIVALS names them, with the packages that each needs.

The exact-keyed ones (CSR, MARISA) keep the features that have a weight after quantization, as the mean norm does: they have
no false positives, so their labels are those of a .nluc file with 32 check bits.
"""

from __future__ import annotations

import copy
import functools
import itertools
import json
import lzma
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import onnx_rival
import search
import sizes
from sklearn.base import clone
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union

import nlucompress

PLACE, UNPACKED = "in place", "unpacked"
BUCKETS = (256, 64, 32, 16)
HASHED = tuple(1 << bits for bits in (10, 12, 14, 16, 18))
FASTTEXT = tuple({"dim": dim, "bucket": bucket, "wordNgrams": 2, **grams} for dim, bucket, grams in (
    (16, 20_000, {"minn": 2, "maxn": 5}), (16, 200_000, {}), (64, 200_000, {}),
    (64, 200_000, {"minn": 2, "maxn": 5})))  # fmt: skip
CUTOFFS = (50_000, 10_000, 2_000, 500)
NAME = ("ngram_range", "token_pattern", "analyzer", "lowercase", "strip_accents", "stop_words")


@dataclass
class Case:
    """A trained pipeline (vectorizers, linear classifier), the texts that it was trained on, and a test set."""

    name: str
    path: pathlib.Path
    train: tuple[list[str], list[str]]
    test: tuple[list[str], list[str]]
    found: Sequence[dict[str, Any]] = field(default=())  # options that search.py found

    @functools.cached_property
    def pipeline(self) -> Any:
        return joblib.load(self.path)

    @functools.cached_property
    def model(self) -> Any:
        """The pipeline as a LinearModel."""
        return nlucompress.import_model(self.path)

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """The original's labels of the test texts."""
        return self.pipeline.predict(self.test[0])

    @functools.cached_property
    def head_bytes(self) -> int:
        """The labels' names and float32 intercepts, which every form needs."""
        return len(json.dumps(self.model.classes.tolist())) + 4 * len(self.model.intercept)

    def vectorizers(self) -> list[Any]:
        first = self.pipeline[0]
        return [one for _, one in first.transformer_list] if isinstance(first, FeatureUnion) else [first]

    def names(self) -> list[str]:
        """Features, each with the number of its block in front."""
        return [f"{i} {name}" for i, part in enumerate(self.model.features) for name in part]


@dataclass
class Form:
    """One file of a rival. labels: of the test texts. use: what is done with it before the first answer."""

    options: str
    bytes: int
    use: str
    labels: np.ndarray


def xz(data: bytes) -> int:
    return len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def of_nlucompress(case: Case) -> Iterator[Form]:
    grid = [{"buckets": buckets, "norm": norm} for buckets in BUCKETS for norm in ("exact", "mean")]
    for options in [*grid, *case.found]:
        compressed = nlucompress.compress(case.model, **{"layout": "small", **options})
        said = ", ".join(
            f"{name} {value}"
            for name, value in options.items()
            if value != {"codebook": "even", "prune": 0.0, "gamma": 1.0, "layout": "auto"}.get(name)
        )
        yield Form(said, len(compressed.data), PLACE, compressed.model().predict(case.test[0]))


def of_joblib(case: Case) -> Iterator[Form]:
    yield Form("as it is", case.path.stat().st_size, UNPACKED, case.labels)


def of_joblib_xz(case: Case) -> Iterator[Form]:
    """The better of joblib's own xz and xz -9e of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.joblib"
        joblib.dump(case.pipeline, path, compress=("xz", 9))
        found = {'compress=("xz", 9)': path.stat().st_size, "xz -9e": xz(case.path.read_bytes())}
    best = min(found, key=lambda name: found[name])
    yield Form(best, found[best], UNPACKED, case.labels)


def of_skops(case: Case) -> Iterator[Form]:
    """The smallest of the compressions that skops offers."""
    import zipfile

    import skops.io

    found = {}
    for method in ("ZIP_STORED", "ZIP_DEFLATED", "ZIP_LZMA"):
        data = skops.io.dumps(case.pipeline, compression=getattr(zipfile, method),
                              compresslevel=9 if method == "ZIP_DEFLATED" else None)  # fmt: skip
        found[method] = len(data)
    best = min(found, key=lambda name: found[name])
    yield Form(best, found[best], UNPACKED, case.labels)


def of_onnx(case: Case) -> Iterator[Form]:
    """By skl2onnx, and after quantize_dynamic; if it refuses a vectorizer, the nearest that it converts, trained anew."""
    vectorizers = case.vectorizers()
    made = {}
    try:
        made["as it is"] = onnx_rival.convert(case.pipeline)
    except RuntimeError:  # skl2onnx has no converter for an analyzer
        words = [one for one in vectorizers if one.analyzer == "word"]
        made["word n-grams only"] = onnx_rival.trained(words, case.pipeline[-1], *case.train)
        made["char for char_wb"] = onnx_rival.trained(vectorizers, case.pipeline[-1], *case.train)
    else:
        for name, options in onnx_rival.settings(vectorizers[0]).items():
            if len(vectorizers) == 1 and name.startswith("tokenexp"):
                made = {name: onnx_rival.convert(case.pipeline, (vectorizers[0], options))}
    for name, data in made.items():
        for said, file in ((name, data), (f"{name}, quantize_dynamic", onnx_rival.quantized(data))):
            yield Form(said, len(file), UNPACKED, onnx_rival.answers(file, case.test[0])[0])


def of_float16(case: Case) -> Iterator[Form]:
    """Names, float16 weights and idf, by zstd at its highest level."""
    import zstandard

    model = copy.deepcopy(case.pipeline)
    model[-1].coef_ = model[-1].coef_.astype(np.float16).astype(np.float64)
    parts = ["\n".join(case.names()).encode(), case.model.coefficients().astype("<f2").tobytes()]
    if case.model.idf is not None:
        parts.append(case.model.idf.astype("<f2").tobytes())
    pack = zstandard.ZstdCompressor(level=22).compress
    yield Form("zstd -22", sum(len(pack(part)) for part in parts) + case.head_bytes, UNPACKED,
               model.predict(case.test[0]))  # fmt: skip


def exact_keyed(case: Case, buckets: int) -> tuple[Any, np.ndarray]:
    """The model quantized, and its labels where no name is mistaken for another."""
    compressed = nlucompress.compress(case.model, buckets=buckets, norm="mean", check_bits=32)
    return compressed, compressed.model().predict(case.test[0])


def of_csr(case: Case) -> Iterator[Form]:
    """Sorted names, row lengths, classes, codes, each by xz (sizes.py)."""
    for buckets in BUCKETS:
        compressed, labels = exact_keyed(case, buckets)
        yield Form(f"buckets {buckets}", sizes.rival(case.model, compressed) + case.head_bytes, UNPACKED, labels)


def of_marisa(case: Case) -> Iterator[Form]:
    """The names in a trie, whose ids lead to rows of (class, code) and to one byte of idf, both looked up where they lie.

    Rows by the smallest of: offsets of 4 bytes and pairs; a pointer of 2 or 3 bytes into distinct rows; all classes; and
    BytesTrie, which keeps rows behind the names. Of the trie the smallest of 1 to 8 levels in both orders.
    """
    import marisa_trie

    names = np.array(case.names(), object)
    for buckets in BUCKETS:
        compressed, labels = exact_keyed(case, buckets)
        codes = compressed.quantized.codes
        kept = np.flatnonzero(np.diff(codes.indptr))
        rows = codes.take(kept)
        wide = 1 if codes.shape[1] <= 256 else 2
        width = wide + 1  # of a pair
        tries = [
            (len(marisa_trie.Trie(names[kept].tolist(), num_tries=levels, order=order).tobytes()), levels)
            for levels in (1, 2, 3, 5, 8)
            for order in (marisa_trie.LABEL_ORDER, marisa_trie.WEIGHT_ORDER)
        ]
        pairs = [rows.indices[a:b].astype(f"<u{wide}").tobytes() + rows.data[a:b].tobytes()
                 for a, b in itertools.pairwise(rows.indptr.tolist())]  # fmt: skip
        distinct = set(pairs)
        beside = {
            "offsets": 4 * len(kept) + width * len(rows.data),
            "distinct rows": (2 if len(distinct) < 1 << 16 else 3) * len(kept)
            + sum(map(len, distinct)) + 4 * len(distinct),
            "all classes": len(kept) * codes.shape[1],
        }  # fmt: skip
        rest = case.head_bytes + 4 * buckets + (len(kept) + 1024 if case.model.idf is not None else 0)
        found = {f"trie of {levels}, {how}": size + more + rest
                 for size, levels in tries for how, more in beside.items()}  # fmt: skip
        found["BytesTrie"] = rest + len(marisa_trie.BytesTrie(zip(names[kept], pairs, strict=True)).tobytes())
        best = min(found, key=lambda name: found[name])
        yield Form(f"buckets {buckets}, {best}", found[best], PLACE, labels)


def hashed(case: Case, size: int) -> Any:
    """The pipeline with a table of so many columns instead of its vocabularies, trained on the same texts."""
    blocks = case.vectorizers()
    parts = []
    for one in blocks:
        options = {name: value for name, value in one.get_params().items() if name in NAME}
        parts.append(make_pipeline(
            HashingVectorizer(n_features=size // len(blocks), alternate_sign=False, norm=None, **options),
            TfidfTransformer(norm=one.norm, use_idf=one.use_idf, sublinear_tf=one.sublinear_tf)))  # fmt: skip
    return make_pipeline(make_union(*parts), clone(case.pipeline[-1])).fit(*case.train)


def of_hashing(case: Case) -> Iterator[Form]:
    """Weights as bytes."""
    for size in HASHED:
        yield from in_table(case, hashed(case, size), (127,))


def of_hashing_coarse(case: Case) -> Iterator[Form]:
    """Weights of 63, 31 and 15 values, as bytes for xz: what few buckets are for a small table."""
    for size in HASHED[:3]:
        yield from in_table(case, hashed(case, size), (31, 15, 7))


def in_table(case: Case, model: Any, tops: Sequence[int]) -> Iterator[Form]:
    """Weights as whole numbers up to a top, of one range, and float16 idf; the smallest in place, and the smallest of xz.

    In place: all weights, or lengths of rows with their offsets, columns and codes of those that are not zero.
    """
    head, given, idf = model[-1], model[-1].coef_, []
    for _, part in model[0].transformer_list:
        if part[-1].use_idf:
            part[-1].idf_ = part[-1].idf_.astype(np.float16).astype(np.float64)
            idf.append(part[-1].idf_.astype("<f2").tobytes())
    for top in tops:
        step = np.abs(given).max() / top
        codes = np.rint(given / step).astype(np.int8).T
        head.coef_ = codes.T * step
        rows, columns = np.nonzero(codes)
        wide = "<u1" if codes.shape[1] <= 256 else "<u2"
        lengths = np.bincount(rows, minlength=len(codes)).astype("<u2").tobytes()
        sparse = [lengths, columns.astype(wide).tobytes(), codes[rows, columns].tobytes()]
        forms = {
            "all weights": (len(codes.tobytes()) + sum(map(len, idf)), PLACE),
            "not zero": (sum(map(len, sparse)) + 2 * len(codes) + sum(map(len, idf)), PLACE),
            "all weights, xz": (sum(map(xz, [codes.tobytes(), *idf])), UNPACKED),
            "not zero, xz": (sum(map(xz, [*sparse, *idf])), UNPACKED),
        }
        labels = model.predict(case.test[0])
        said = f"2^{len(codes).bit_length() - 1} columns, " + ("" if top == 127 else f"{2 * top + 1} values, ")
        for use in (PLACE, UNPACKED):
            best = min((name for name in forms if forms[name][1] == use), key=lambda name: forms[name][0])
            yield Form(said + best, forms[best][0] + case.head_bytes, use, labels)


def of_nlucompress_hashed(case: Case) -> Iterator[Form]:
    """The same small tables, trained the same way, as .nluc files. Columns are dense, so no check bits are needed."""
    for size in HASHED[:3]:
        model = nlucompress.import_model(hashed(case, size))
        for buckets in BUCKETS:
            compressed = nlucompress.compress(model, buckets=buckets, check_bits=0, norm="mean", layout="small")
            yield Form(f"2^{size.bit_length() - 1} columns, buckets {buckets}", len(compressed.data), PLACE,
                       compressed.model().predict(case.test[0]))  # fmt: skip


def of_fasttext(case: Case) -> Iterator[Form]:
    """Trained anew; .ftz files of each training, retrained (search.py has the wider search of options)."""
    os.environ["MALLOC_PERTURB_"] = "255"  # see fasttext_models.py
    names = sorted(set(case.train[1]) | set(case.test[1]))
    number = {label: i for i, label in enumerate(names)}
    texts = list(map(search.flat, case.test[0]))
    checked = (texts, [f"__label__{number[label]}" for label in case.test[1]])
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "train.txt"
        lines.write_text("".join(f"__label__{number[label]} {search.flat(text)}\n"
                                 for text, label in zip(*case.train, strict=True)), encoding="utf-8")  # fmt: skip
        for training in FASTTEXT:
            path = str(pathlib.Path(folder) / "model.bin")
            if search.apart(search.train, lines, path, training, checked) is None:
                continue
            for cutoff in CUTOFFS:
                options = {"cutoff": cutoff, "retrain": True, "qnorm": True}
                if (made := search.apart(search.quantize, lines, path, options, (checked, checked))) is None:
                    continue
                answers = search.apart(fasttext_labels, path.replace(".bin", ".ftz"), texts)
                labels = np.array([names[int(one)] if one else "" for one in answers], object)
                said = ", ".join(f"{name} {value}" for name, value in {**training, "cutoff": cutoff}.items())
                yield Form(said, made["bytes"], UNPACKED, labels)


def fasttext_labels(path: str, texts: list[str]) -> list[str]:
    """Labels without the prefix; "" where fastText says nothing."""
    import fasttext

    core = fasttext.load_model(path).f
    found = [core.predict(text + "\n", 1, 0.0, "strict") for text in texts]
    return [one[0][1].removeprefix("__label__") if one else "" for one in found]


RIVALS: dict[str, tuple[Callable[[Case], Iterator[Form]], tuple[str, ...]]] = {
    "nlucompress": (of_nlucompress, ()),
    "joblib": (of_joblib, ()),
    "joblib, xz": (of_joblib_xz, ()),
    "skops": (of_skops, ("skops",)),
    "ONNX": (of_onnx, ("skl2onnx", "onnxruntime")),
    "float16, zstd": (of_float16, ("zstandard",)),
    "8-bit CSR, xz": (of_csr, ()),
    "MARISA trie": (of_marisa, ("marisa-trie",)),
    "hashing trick": (of_hashing, ()),
    "hashing trick, coarse": (of_hashing_coarse, ()),
    "nlucompress of hashed": (of_nlucompress_hashed, ()),
    "fastText .ftz": (of_fasttext, ("fasttext",)),
}
