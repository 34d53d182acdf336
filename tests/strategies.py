"""What the tests generate: texts in many scripts, namespaces, models with the samples they read, and rows of codes.

A model's weights come from a drawn seed and a drawn shape (tails, ties, zeros), not number by number: a thousand weights
cost as much to draw as one. Features are mostly n-grams of the drawn samples, so that look-ups hit. At the end a helper
of more than one file of tests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import string
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from nlucompress.featurize import Analyzer
from nlucompress.linear import LinearModel, Namespace, SparseRows, Step
from nlucompress.rows import Table

# -- texts ------------------------------------------------------------------------------------------------------------

WORDS = (
    "play", "Play", "the", "THE", "of", "a", "I'm", "don't", "rock-n-roll", "x_y", "42", "3.5", "C3PO",
    "Café", "naïve", "ÅNGSTRÖM", "smørrebrød", "Straße", "STRASSE", "ẞ", "ﬁnal", "Œuvre", "ǅ", "ŉ",  # Latin
    "İstanbul", "ISPARTA", "ısı", "Iğdır",  # dotted and dotless i: İ grows when it is lower-cased
    "ΟΔΟΣ", "Όδος", "σίγμα", "ΣΣ", "Ἀθῆναι",  # a final sigma depends on what stands after it
    "Москва", "ёж", "ЪЫ", "Україна", "ѣ",
    "مرحبا", "مُحَمَّد", "ﷺ", "كتاب‌ها", "١٢٣", "שלום", "שָׁלוֹם", "יִשְׂרָאֵל",
    "東京", "音楽を再生", "カタカナ", "ｶﾞ", "がぎ", "か\u3099", "你好世界", "𠀋𪚥", "㍿", "①",
    "ภาษาไทย", "น้ำ", "हिन्दी", "क्षत्रिय", "நிரல்", "한국어", "각", "\u1112\u1161\u11ab", "ﾡ",  # Hangul: syllables, jamo
    "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "1️⃣", "𝔘𝔫𝔦", "Ａｂｃ", "½", "²", "№", "™",
    "e\u0301", "\u0301", "a\u0323\u0307", "Z\u0351\u036b\u0343", "\u200b", "\u00ad", "\u202eabc", "\ufeff",
)  # fmt: skip
SPACES = (
    " ", "  ", "\t", "\n", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u2003",
    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", " \u3000", "\u200b", "\x00", "", ", ", ".", "-", "/", "'", "…",
)  # fmt: skip
ODD = (
    "", " ", "\x00", "\x00\x00", "\ud800", "a\udfff b", "\udc80\ud800", "\n\n", "\u3000\u3000", "x", "xx", "ß", "İ", "Σ",
    "w" * 300, "long " * 60, "\u0301" * 40, "#", "a b", "a  b", " a", "a ",
)  # fmt: skip
CORPUS = (*ODD, *WORDS, *(f"{a}{b}{c}" for a, b, c in zip(WORDS, SPACES * 4, WORDS[::-1], strict=False)))

words = st.one_of(
    st.sampled_from(WORDS),
    st.text(string.ascii_letters, min_size=1, max_size=9),
    st.text(max_size=6),
)


@st.composite
def _sentences(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.tuples(words, st.sampled_from(SPACES)), max_size=8))
    return draw(st.sampled_from(["", " ", "\t "])) + "".join(word + space for word, space in parts)


def texts(surrogates: bool = True) -> st.SearchStrategy[str]:
    """Texts in many scripts with odd white space. surrogates: whether halves of surrogate pairs may stand alone."""
    every = st.one_of(
        _sentences(), st.sampled_from(ODD), st.text(st.characters(), max_size=30), st.text("ab \t", max_size=12)
    )
    return every if surrogates else every.filter(is_utf8)


def is_utf8(text: str) -> bool:
    """Whether a text can be encoded: no lone surrogates."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


# -- namespaces -------------------------------------------------------------------------------------------------------

TEXT_ANALYZERS = ("word", "char", "char_wb")
TOKEN_PATTERNS = (
    r"(?u)\b\w\w+\b", r"(?u)\b\w+\b", r"\S+", r"\w", r"(?a)\b\w\w+\b", r"(?i)[a-z]+", r".", r"(?s).",
    r"(\w)\w*", r"#?(\w+)", r"(?:(\d)|\w)+", r"a|()b", r"",
)  # fmt: skip
ENCODINGS = ("utf-8", "latin-1", "cp1251", "utf-16", "shift_jis", "ascii")

ngram_ranges = st.tuples(st.integers(1, 6), st.integers(0, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))
_FREQUENCIES = st.sampled_from([("count", 0, False), ("binary", 0, False), ("log", 0, False), ("count", 1, False),
                                ("count", 1, True), ("binary", 1, True), ("log", 1, False)])  # fmt: skip


@st.composite
def namespaces(draw: st.DrawFn, analyzers: tuple[str, ...] = TEXT_ANALYZERS, **fixed: Any) -> Namespace:
    """A namespace with every parameter drawn, but those given."""
    tf, hashing, signed = draw(_FREQUENCIES)
    drawn: dict[str, Any] = {
        "name": draw(st.sampled_from(["words", "", "chars é", "0"])),
        "analyzer": draw(st.sampled_from(analyzers)),
        "ngram_range": draw(st.one_of(st.just((1, 1)), st.just((1, 2)), ngram_ranges)),
        "token_pattern": draw(st.sampled_from(TOKEN_PATTERNS)),
        "lowercase": draw(st.booleans()),
        "strip_accents": draw(st.sampled_from([None, "ascii", "unicode"])),
        "stop_words": draw(st.none() | st.lists(st.sampled_from(WORDS).map(str.lower), max_size=6).map(tuple)),
        "encoding": draw(st.sampled_from(ENCODINGS)),
        "decode_error": draw(st.sampled_from(["strict", "ignore", "replace"])),
        "separator": draw(st.sampled_from(["=", ":", "", " = "])),
        "tf": tf,
        "hash_columns": hashing and draw(st.sampled_from([1, 2, 7, 64, 1 << 20, (1 << 31) - 1])),
        "alternate_sign": signed,
        "unseen": draw(st.sampled_from([0.0, 0.0, 1.0, 0.5])),
    }
    return Namespace(**{**drawn, **fixed})


# -- rows -------------------------------------------------------------------------------------------------------------


def sparse(dense: npt.NDArray[Any], kind: Any = None) -> SparseRows:
    """The values of a matrix that are not zero, as SparseRows."""
    rows, columns = np.nonzero(dense)
    indptr = np.concatenate([[0], np.bincount(rows, minlength=len(dense)).cumsum()]).astype(np.int64)
    return SparseRows(indptr, columns.astype(np.int32), dense[rows, columns].astype(kind or dense.dtype), dense.shape)


@st.composite
def codes(draw: st.DrawFn, max_rows: int = 40) -> SparseRows:
    """Codes of rows in slot order: uint8, none equal to 0, which stands for the weight zero here."""
    rows, columns = draw(st.integers(0, max_rows)), draw(st.sampled_from([1, 2, 7, 255, 256, 257, 300]))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    density = draw(st.sampled_from([0.0, 0.01, 0.3, 0.99, 1.0]))
    uneven = rng.random((rows, 1)) if draw(st.booleans()) else np.ones((rows, 1))
    return sparse(rng.integers(1, 256, (rows, columns)) * (rng.random((rows, columns)) < density * uneven), np.uint8)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """What a row coder takes: rows, some of them equal, some as long as what is stored as all codes; and idf numbers."""
    rows = draw(codes())
    (n, columns), rng = rows.shape, np.random.default_rng(draw(st.integers(0, 1 << 32)))
    if n and draw(st.booleans()):
        rows = rows.take(rng.integers(0, draw(st.integers(1, n)), n))
    if n and draw(st.booleans()):
        dense, some = rows.dense(0, n), rng.permutation(columns)[: -(-columns // (2 if columns <= 256 else 3))]
        dense[rng.integers(0, n)] = np.isin(np.arange(columns), some) * rng.integers(1, 256, columns)
        rows = sparse(dense, np.uint8)
    idf_bits = draw(st.sampled_from([0, 1, 8, 9, 17, 24]))
    numbers = rng.integers(0, 1 << draw(st.integers(0, idf_bits)), n)
    zero = draw(st.sampled_from([0, 0, 127, 255]))
    return Table(dataclasses.replace(rows, data=rows.data + np.uint8(zero)), numbers, idf_bits, zero)


# -- models -----------------------------------------------------------------------------------------------------------


WEIGHTS = ("normal", "sparse", "heavy", "zero", "even", "one-sided", "tiny", "few")


def weights(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Weights whose distribution is one of WEIGHTS."""
    out = rng.standard_normal(shape)
    if kind == "sparse":
        out *= rng.random(shape) < 0.2
    elif kind == "heavy":
        out = out * 0.1
        if out.size:
            out[tuple(rng.integers(0, shape))] = 90 * 0.1 * rng.choice([-1, 1])
    elif kind == "zero":
        out[:] = 0
    elif kind == "even":
        out = np.round(out)
    elif kind == "one-sided":
        out = np.abs(out) + 0.01
    elif kind == "tiny":
        out *= 1e-6
    elif kind == "few":
        out = rng.choice([0.0, -1.5, 0.25], shape)
    return out + 0.0  # no -0.0


def labels() -> st.SearchStrategy[npt.NDArray[Any]]:
    """Distinct labels, mostly two or more: strings in many scripts, integers, floats or bools, as in ``classes_``."""
    fixed_width = texts().map(lambda text: text.rstrip("\x00"))  # numpy's own strings lose a NUL at the end
    return st.one_of(
        st.lists(fixed_width, min_size=2, max_size=6, unique=True).map(lambda values: np.array(sorted(values))),
        st.lists(texts(), min_size=2, max_size=6, unique=True).map(
            lambda values: np.array(sorted(values), dtype=object)
        ),
        st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=2, max_size=6, unique=True).map(
            lambda values: np.array(sorted(values), np.int64)
        ),
        st.just(np.array([0, (1 << 64) - 1], np.uint64)),
        st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=6, unique=True).map(lambda v: np.array(sorted(v))),
        st.just(np.array([False, True])),
        st.just(np.arange(300)),
        st.just(np.array(["only"])),
    )


Value = st.one_of(st.floats(-3, 3), st.integers(-2, 3), st.booleans(), words, st.lists(words, max_size=3))
mappings = st.dictionaries(words, Value, max_size=6)


def samples(namespace: Namespace) -> st.SearchStrategy[Any]:
    """What one namespace reads, its column left aside."""
    if namespace.analyzer == "dict":
        if namespace.tf == "log":  # of a frequency below 0 there is no logarithm
            return st.dictionaries(words, st.one_of(st.floats(0.125, 3), words), max_size=6)
        return mappings
    if namespace.analyzer == "features":
        return st.lists(words, max_size=6)
    return texts()


@dataclasses.dataclass(frozen=True)
class Case:
    """A model and samples that it reads."""

    model: LinearModel
    samples: list[Any]


@st.composite
def cases(draw: st.DrawFn, **fixed: Any) -> Case:
    """A LinearModel of any kind, and samples. fixed: fields of the model that are given."""
    spaces = draw(_spaces())
    inputs = draw(st.lists(_sample(spaces), min_size=1, max_size=5))
    features = tuple(draw(_features(space, inputs)) for space in spaces)
    classes = draw(labels()) if "classes" not in fixed else fixed["classes"]
    task = draw(st.sampled_from(["multiclass", "multilabel", *(["binary"] * 2 if len(classes) == 2 else [])]))
    task = fixed.get("task", task)
    columns = 1 if task == "binary" else len(classes)
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    n = sum(map(len, features))
    dense = weights(rng, draw(st.sampled_from(WEIGHTS)), (n, columns))
    links = ["identity", "sigmoid", "clipped"] if task == "multilabel" else ["identity", "sigmoid", "softmax", "ovr",
                                                                            "clipped"]  # fmt: skip
    drawn: dict[str, Any] = {
        "namespaces": spaces, "features": features, "classes": classes, "task": task,
        "weights": sparse(dense) if draw(st.booleans()) else dense,
        "intercept": rng.standard_normal(columns) * draw(st.sampled_from([0.0, 1.0])),
        "link": draw(st.sampled_from(links)),
        "calibration": draw(st.sampled_from([None, rng.standard_normal((2, columns))])),
        "baseline": draw(st.sampled_from([None, None, rng.standard_normal(columns)])),
        "idf": draw(st.sampled_from([None, np.ones(n), 1 + rng.random(n), rng.choice([0.0, 1.5, 2.25], n)])),
        "steps": draw(st.lists(_steps(len(spaces)), max_size=3).map(tuple)),
        "source": draw(st.sampled_from([{}, {"format": "a test", "é": "\u3000"}])),
    }  # fmt: skip
    return Case(LinearModel(**{**drawn, **fixed}), inputs)


@st.composite
def _spaces(draw: st.DrawFn) -> tuple[Namespace, ...]:
    """Namespaces that can read one sample together: all of them texts, one alone, or columns of a mapping or a row."""
    form = draw(st.sampled_from(["texts", "one", "named", "numbered"]))
    every = (*TEXT_ANALYZERS, "dict", "features")
    if form == "texts":
        return tuple(draw(st.lists(namespaces(), min_size=1, max_size=3)))
    if form == "one":
        return (draw(namespaces(every)),)
    keys = draw(st.integers(1, 3))
    return tuple(draw(namespaces(every, column=key if form == "numbered" else f"column {key}")) for key in range(keys))


def _sample(spaces: tuple[Namespace, ...]) -> st.SearchStrategy[Any]:
    """One sample that all of them read."""
    if spaces[0].column is None:
        return samples(spaces[0])
    parts: Mapping[Any, Any] = {space.column: samples(space) for space in spaces}
    return st.fixed_dictionaries(dict(parts))


@st.composite
def _features(draw: st.DrawFn, space: Namespace, inputs: list[Any]) -> list[str]:
    """Distinct names: most of what the samples have, and some that they have not."""
    analyzer = Analyzer(space)
    met = sorted({name for sample in inputs for name in analyzer(sample)})
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    kept = [name for name in met if rng.random() < 0.8][:60]
    others = draw(st.lists(words, max_size=3))
    if space.hash_columns:
        others = [str(int(rng.integers(space.hash_columns))) for _ in others]
    names = list(dict.fromkeys([*kept, *others]))
    rng.shuffle(names)
    return names


@st.composite
def _steps(draw: st.DrawFn, count: int) -> Step:
    spaces = tuple(draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True)))
    op = draw(st.sampled_from(["norm", "norm", "scale", "binarize"]))
    if op == "norm":
        return Step("norm", spaces, draw(st.sampled_from(["l1", "l2", "max"])))
    return Step(op, spaces, value=draw(st.sampled_from([0.0, 0.5, 2.0] if op == "binarize" else [0.5, -2.0])))


# -- a helper ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """How many bytes were allocated at most inside; ask after it has ended."""
    found = [0]
    tracemalloc.start()
    try:
        yield lambda: found[0]
    finally:
        found[0] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
