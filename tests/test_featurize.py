"""Texts to n-grams: what scikit-learn's own vectorizers make of the same samples, to the letter."""

from __future__ import annotations

import itertools
import re
import struct
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import mmh3
import numpy as np
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer, HashingVectorizer

from nlucompress.errors import ModelImportError
from nlucompress.featurize import Analyzer, item, normalize
from nlucompress.linear import Namespace

SHARED = ("analyzer", "ngram_range", "token_pattern", "lowercase", "strip_accents", "encoding", "decode_error")


def options(namespace: Namespace) -> dict[str, Any]:
    """The arguments of a scikit-learn vectorizer that go with a namespace."""
    stop_words = None if namespace.stop_words is None else list(namespace.stop_words)
    return {**{name: getattr(namespace, name) for name in SHARED}, "stop_words": stop_words}


def plain(**fields: Any) -> Namespace:
    return Namespace("test", **fields)


# -- CountVectorizer --------------------------------------------------------------------------------------------------


@given(strategies.namespaces(hash_columns=0, alternate_sign=False), strategies.texts())
@example(plain(lowercase=True), "İSTANBUL ΟΔΟΣ. ΟΔΟΣ")
@example(plain(strip_accents="ascii"), "\ud800 é Å")
@example(plain(analyzer="char_wb", ngram_range=(2, 9)), "a\x1cbc\x85def\u3000\u3000ghi")
@example(plain(analyzer="char", ngram_range=(1, 3)), "a \t\x1f\u2028b\x00c")
@example(plain(token_pattern=r"(?:(\d)|\w)+"), "abc 123")
@example(plain(ngram_range=(1, 3), stop_words=("the", "of")), "the of the")
def test_an_analyzer_gives_the_ngrams_of_count_vectorizer(namespace: Namespace, text: str) -> None:
    wanted = Counter(CountVectorizer(**options(namespace)).build_analyzer()(text))
    assert Analyzer(namespace)(text) == wanted


GRID = [
    dict(zip(("analyzer", "ngram_range", "token_pattern", "lowercase", "strip_accents", "stop_words"), row, strict=True))
    for row in itertools.chain(
        itertools.product(["word"], [(1, 1), (1, 2), (2, 3), (4, 9)], [r"(?u)\b\w\w+\b", r"\S+", r"(\w)\w*"], [True, False],
                          [None, "ascii", "unicode"], [None, ("the", "of")]),
        itertools.product(["char", "char_wb"], [(1, 1), (1, 3), (2, 2), (3, 5), (7, 12)], [r"(?u)\b\w\w+\b"], [True, False],
                          [None, "ascii", "unicode"], [None, ("the", "of")]),
    )
]  # fmt: skip


def test_every_combination_of_parameters_agrees_on_the_whole_corpus() -> None:
    for fields in GRID:
        ours = Analyzer(plain(**fields))
        theirs = CountVectorizer(**{**fields, "stop_words": fields["stop_words"] and list(fields["stop_words"])})
        analyze = theirs.build_analyzer()
        for text in strategies.CORPUS[::3]:
            assert ours(text) == Counter(analyze(text)), (fields, text)


@given(strategies.texts())
def test_ngrams_come_in_scikit_learns_order(text: str) -> None:
    for fields in ({"ngram_range": (1, 2)}, {"analyzer": "char", "ngram_range": (2, 3)},
                   {"analyzer": "char_wb", "ngram_range": (1, 4)}):  # fmt: skip
        wanted = dict.fromkeys(CountVectorizer(**fields).build_analyzer()(text))
        assert list(Analyzer(plain(**fields))(text)) == list(wanted)


@given(
    strategies.namespaces(hash_columns=0, alternate_sign=False),
    st.one_of(st.binary(max_size=20), strategies.texts(surrogates=False).map(str.encode)),
)
def test_bytes_are_decoded_as_scikit_learn_does_or_fail_as_it_does(namespace: Namespace, data: bytes) -> None:
    analyze = CountVectorizer(**options(namespace)).build_analyzer()
    try:
        wanted = Counter(analyze(data))
    except UnicodeDecodeError as error:
        with pytest.raises(UnicodeDecodeError, match=re.escape(error.reason)):
            Analyzer(namespace)(data)
    else:
        assert Analyzer(namespace)(data) == wanted


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1251", "utf-16"])
def test_a_text_and_its_bytes_in_the_namespaces_encoding_are_one(encoding: str) -> None:
    text = "Москва ёж" if encoding == "cp1251" else "Café Straße"
    namespace = plain(encoding=encoding)
    assert Analyzer(namespace)(text.encode(encoding)) == Analyzer(namespace)(text)


@pytest.mark.parametrize("strip", [None, "ascii", "unicode"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_every_character_is_normalized_as_by_scikit_learn(strip: Any, lowercase: bool) -> None:
    preprocess = CountVectorizer(strip_accents=strip, lowercase=lowercase).build_preprocessor()
    namespace = plain(strip_accents=strip, lowercase=lowercase)
    for code in (*range(0x3400), *range(0xA000, 0xAC00, 7), *range(0xD7F0, 0x10000, 3), *range(0x10000, 0x20000, 31)):
        text = f"A{chr(code)}z"
        assert normalize(text, namespace) == preprocess(text), hex(code)


def test_the_english_stop_words_leave_what_they_leave_in_scikit_learn() -> None:
    text = "play the song that is by the Beatles and not the other one again"
    wanted = Counter(CountVectorizer(stop_words="english", ngram_range=(1, 2)).build_analyzer()(text))
    ours = Analyzer(plain(stop_words=tuple(sorted(ENGLISH_STOP_WORDS)), ngram_range=(1, 2)))
    assert ours(text) == wanted
    assert "the" not in wanted


def test_numpy_strings_are_texts() -> None:
    assert Analyzer(plain())(np.str_("Play IT")) == {"play": 1.0, "it": 1.0}


# -- HashingVectorizer ------------------------------------------------------------------------------------------------


def hashed_row(matrix: Any) -> dict[str, float]:
    """The stored values of a one-row matrix, zeros of collisions included, by the column's decimal number."""
    return {str(column): float(value) for column, value in zip(matrix.indices, matrix.data, strict=True)}


@given(
    strategies.namespaces(tf="count", alternate_sign=False, hash_columns=1),
    strategies.texts(surrogates=False),
    st.sampled_from([1, 2, 3, 7, 64, 1 << 20, (1 << 31) - 1]),
    st.booleans(),
)
def test_hashed_columns_and_values_are_those_of_hashing_vectorizer(
    namespace: Namespace, text: str, columns: int, signed: bool
) -> None:
    namespace = Namespace(**{**vars(namespace), "hash_columns": columns, "alternate_sign": signed})
    theirs = HashingVectorizer(**options(namespace), n_features=columns, alternate_sign=signed, norm=None)
    assert Analyzer(namespace)(text) == hashed_row(theirs.transform([text]))


def test_ngrams_that_collide_with_opposite_signs_leave_a_column_of_zero() -> None:
    text = "play it again and again yesterday by the beatles"
    theirs = HashingVectorizer(n_features=2, norm=None)
    wanted = hashed_row(theirs.transform([text]))
    assert Analyzer(plain(hash_columns=2, alternate_sign=True))(text) == wanted
    pairs = (" ".join(pair) for pair in itertools.permutations(text.split(), 2))
    zeros = [pair for pair in pairs if 0.0 in hashed_row(theirs.transform([pair])).values()]
    assert zeros
    for pair in zeros:
        assert 0.0 in Analyzer(plain(hash_columns=2, alternate_sign=True))(pair).values()


def test_a_hash_of_minus_two_to_the_31_has_scikit_learns_column() -> None:
    name = next(names_of_hash(-(1 << 31)))
    assert mmh3.hash(name) == -(1 << 31)
    for columns in (1, 7, 1 << 20, (1 << 31) - 1):
        theirs = FeatureHasher(columns, input_type="string").transform([[name]])
        assert Analyzer(plain(analyzer="features", hash_columns=columns, alternate_sign=True))([name]) == hashed_row(
            theirs
        )


def names_of_hash(wanted: int) -> Iterator[str]:
    """Eight-letter ASCII strings whose MurmurHash3_x86_32 is the one given: the hash run backwards over its last block."""
    mask, c1, c2 = 0xFFFFFFFF, 0xCC9E2D51, 0x1B873593

    def rotate(x: int, by: int) -> int:
        return (x << by | x >> (32 - by)) & mask

    h = wanted & mask
    h ^= h >> 16
    h = h * pow(0xC2B2AE35, -1, 1 << 32) & mask
    h ^= h >> 13 ^ h >> 26
    h = h * pow(0x85EBCA6B, -1, 1 << 32) & mask
    h ^= h >> 16
    h ^= 8  # the length
    before_last = rotate((h - 0xE6546B64) * pow(5, -1, 1 << 32) & mask, 19)
    for letters in itertools.product(b"abcdefghijklmnopqrstuvwxyz", repeat=4):
        first = rotate(struct.unpack("<I", bytes(letters))[0] * c1 & mask, 15) * c2 & mask
        state = (rotate(first, 13) * 5 + 0xE6546B64) & mask
        block = rotate((state ^ before_last) * pow(c2, -1, 1 << 32) & mask, 17) * pow(c1, -1, 1 << 32) & mask
        data = bytes(letters) + struct.pack("<I", block)
        if all(32 < byte < 127 for byte in data):
            yield data.decode()


@given(
    st.lists(strategies.words.filter(strategies.is_utf8), max_size=8),
    st.sampled_from([1, 2, 5, 1 << 16]),
    st.booleans(),
)
def test_feature_lists_are_hashed_as_by_feature_hasher(names: list[str], columns: int, signed: bool) -> None:
    theirs = FeatureHasher(columns, input_type="string", alternate_sign=signed).transform([names])
    ours = Analyzer(plain(analyzer="features", hash_columns=columns, alternate_sign=signed))(names)
    assert ours == hashed_row(theirs)


# -- DictVectorizer ---------------------------------------------------------------------------------------------------


def dict_row(vectorizer: DictVectorizer, sample: Any) -> dict[str, float]:
    values = vectorizer.transform([sample]).toarray()[0]
    return dict(zip(vectorizer.feature_names_, values.tolist(), strict=True))


@given(strategies.mappings, st.sampled_from(["=", ":", "", " = "]))
@example({"a": ["x", "x"], "a=x": 2}, "=")
@example({"a": np.float32(0.1), "b": np.int64(3), "c": np.str_("x"), "d": ("x", "y")}, "=")
@example({"a": 1 << 80, "b": 0, "c": -0.0, "d": []}, "=")
def test_mappings_give_the_features_and_values_of_dict_vectorizer(sample: dict[str, Any], separator: str) -> None:
    namespace = plain(analyzer="dict", separator=separator)
    wanted = dict_row(DictVectorizer(separator=separator).fit([sample]), sample)
    assert Analyzer(namespace)(sample) == wanted


def test_what_is_no_number_is_nan_as_in_dict_vectorizer_and_refused_when_it_counts() -> None:
    sample = {"a": None, "b": float("nan"), "c": float("-inf"), "d": 1.0}
    wanted = dict_row(DictVectorizer().fit([sample]), sample)
    assert Analyzer(plain(analyzer="dict"))(sample) == pytest.approx(wanted, nan_ok=True)


def test_names_that_are_no_strings_make_the_features_of_dict_vectorizer() -> None:
    sample = {1: "x", ("a", 2): "y", None: ["z"]}
    assert Analyzer(plain(analyzer="dict"))(sample) == dict_row(DictVectorizer().fit([sample]), sample)


def test_a_number_as_a_name_is_not_the_feature_of_the_same_digits() -> None:
    sample = {"1": 3.0, 1: 5.0}
    assert (
        Analyzer(plain(analyzer="dict"))(sample)["1"] == dict_row(DictVectorizer().fit([{"1": 0}]), sample)["1"] == 3.0
    )


@given(
    st.dictionaries(strategies.words.filter(strategies.is_utf8), st.one_of(st.integers(1, 3), st.floats(-3, -1),
                    strategies.words.filter(strategies.is_utf8)), max_size=6),
    st.sampled_from([1, 2, 5, 1 << 16]), st.booleans(),
)  # fmt: skip
def test_the_names_of_a_mapping_are_hashed_where_a_namespace_asks_for_it(
    sample: dict[str, Any], columns: int, signed: bool
) -> None:
    theirs = FeatureHasher(columns, alternate_sign=signed).transform([sample])
    ours = Analyzer(plain(analyzer="dict", hash_columns=columns, alternate_sign=signed))(sample)
    assert ours == pytest.approx(hashed_row(theirs), abs=1e-12)


def test_a_list_of_pairs_is_a_sample_and_a_name_can_stand_twice() -> None:
    pairs = [("a", 2), ("b", "x"), ["a", 0.5], ("b", "x")]
    assert Analyzer(plain(analyzer="dict"))(pairs) == {"a": 2.5, "b=x": 2.0}


VALUES: list[Any] = [
    "", "a", "=", "=a", "==a", "1", "=1", "None", "True", None, True, 0, 5, -3, 2**53 + 1, 2**70, 0.1, 1e300, -2.5,
    float("inf"), (1, 2), frozenset("a"), Fraction(1, 2), Fraction(1, 3), Decimal("0.1"), Decimal("2.5"), 10**400, 2j,
]  # fmt: skip
EQUALS = [
    (True, 1),
    (1, 1.0),
    (False, -0.0),
    (np.True_, 1),
    (np.float64(0.1), 0.1),
    (np.int8(5), 5),
    (Decimal("0.5"), 0.5),
]


def test_items_have_a_feature_each_and_equal_values_the_same() -> None:
    found = [item(name, value) for name in ("n", "n ", "") for value in VALUES]
    named = [feature for feature in found if feature is not None]
    assert len(set(named)) == len(named) > 60
    for one, other in EQUALS:
        assert item("n", one) == item("n", other) is not None
    for nothing in (float("nan"), (1, 2), b"a", 1j, Decimal("0.1")):
        assert item("n", nothing) is None
    assert item(1, "a") is item("a=b", "c") is None
    assert item("a=b", "c", ":") == "a=b:c"


@given(st.lists(st.tuples(st.text("a=", max_size=3), st.one_of(st.text("=1a", max_size=4), st.integers(-2, 2), st.none(),
       st.floats(allow_nan=False, width=16))), max_size=8))  # fmt: skip
def test_items_are_one_feature_exactly_where_a_dictionary_has_one_key(pairs: list[tuple[str, Any]]) -> None:
    keys = {pair for pair in pairs if "=" not in pair[0]}
    assert len({item(*pair) for pair in keys} - {None}) == len(keys)


def test_the_items_of_a_mapping_count_once_and_others_are_refused() -> None:
    sample = {"a": "x", "b": 2, "c": None, ("d",): 1, "e=f": 1}
    assert Analyzer(plain(analyzer="items"))(MappingProxyType(sample)) == {"a=x": 1.0, "b==2": 1.0, "c==None": 1.0}
    for wrong in (["a"], "a", 3, {"a": ["x"]}, {"a": {}}):
        with pytest.raises(TypeError):
            Analyzer(plain(analyzer="items"))(wrong)


def test_any_mapping_is_a_sample() -> None:
    assert Analyzer(plain(analyzer="dict"))(MappingProxyType({"a": 2})) == {"a": 2.0}


# -- frequencies and columns ------------------------------------------------------------------------------------------


def test_feature_lists_count_each_feature() -> None:
    assert Analyzer(plain(analyzer="features"))(iter(["b", "a", "b", ""])) == {"b": 2.0, "a": 1.0, "": 1.0}


@pytest.mark.parametrize(("column", "sample"), [("text", {"text": "play it", "other": 1}), (1, ["no", "play it"]),
                                               (0, ("play it",)), (7, {7: "play it"})])  # fmt: skip
def test_a_column_is_read_from_a_mapping_or_a_row(column: str | int, sample: Any) -> None:
    assert Analyzer(plain(column=column))(sample) == {"play": 1.0, "it": 1.0}


# -- errors -----------------------------------------------------------------------------------------------------------

BAD_SAMPLES = [
    (plain(), 3, TypeError, ["text", "int", "3"]),
    (plain(), None, TypeError, ["text", "NoneType"]),
    (plain(), float("nan"), TypeError, ["text", "float", "nan"]),
    (plain(), ["play"], TypeError, ["text", "list", "play"]),
    (plain(column="text"), {"txt": "play"}, ValueError, ["'text'", "txt"]),
    (plain(column=2), ["a", "b"], ValueError, ["2", "['a', 'b']"]),
    (plain(column="text"), 5, ValueError, ["'text'", "5"]),
    (plain(analyzer="features"), "play", TypeError, ["iterable", "str", "play"]),
    (plain(analyzer="features"), b"play", TypeError, ["iterable", "bytes"]),
    (plain(analyzer="features"), 3, TypeError, ["iterable", "int"]),
    (plain(analyzer="features"), ["a", 3], TypeError, ["feature", "int", "3"]),
    (plain(analyzer="dict"), ["a"], TypeError, ["mapping", "list"]),
    (plain(analyzer="dict"), {"a": {"b": 1}}, TypeError, ["'a'", "dict"]),
    (plain(analyzer="dict"), {"a": b"x"}, TypeError, ["'a'", "bytes"]),
    (plain(analyzer="dict"), {"a": ["x", 1]}, TypeError, ["'a'", "int", "1"]),
    (plain(analyzer="dict"), {"a": 1j}, TypeError, ["'a'", "complex"]),
    (plain(analyzer="dict"), {"a": 10**400}, ValueError, ["'a'"]),
]


@pytest.mark.parametrize(("namespace", "sample", "kind", "words"), BAD_SAMPLES, ids=lambda value: repr(value)[:30])
def test_a_sample_that_cannot_be_read_is_named(
    namespace: Namespace, sample: Any, kind: type[Exception], words: list[str]
) -> None:
    with pytest.raises(kind) as raised:
        Analyzer(namespace)(sample)
    assert type(raised.value) is kind
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert len(str(raised.value)) < 300


def test_an_error_shows_the_beginning_of_a_long_sample_only() -> None:
    with pytest.raises(TypeError) as raised:
        Analyzer(plain())(["x" * 10_000])
    assert len(str(raised.value)) < 200


BAD_NAMESPACES: list[tuple[dict[str, Any], str]] = [
    ({"analyzer": "words"}, "'words'"),
    ({"tf": "idf"}, "'idf'"),
    ({"strip_accents": "yes"}, "'yes'"),
    ({"ngram_range": (0, 1)}, "(0, 1)"),
    ({"ngram_range": (2, 1)}, "(2, 1)"),
    ({"ngram_range": (1, 1001)}, "(1, 1001)"),
    ({"hash_columns": -1}, "-1"),
    ({"hash_columns": 1 << 31}, "2147483648"),
    ({"tf": "log", "hash_columns": 8, "alternate_sign": True}, "logarithm"),
    ({"unseen": -1.0}, "-1.0"),
    ({"unseen": float("inf")}, "inf"),
    ({"token_pattern": "(a)(b)"}, "2 groups"),
    ({"token_pattern": "("}, "token_pattern '('"),
    ({"token_pattern": "a{99999999999999999999}"}, "token_pattern"),  # OverflowError of the re module
    ({"token_pattern": "(?:" * 3000 + "a" + ")" * 3000}, "token_pattern"),  # RecursionError
]


@pytest.mark.parametrize(("fields", "word"), BAD_NAMESPACES, ids=lambda value: repr(value)[:30])
def test_a_namespace_out_of_its_limits_is_refused_with_its_name_and_value(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ModelImportError, match="namespace 'test'") as raised:
        plain(**fields)
    assert word in str(raised.value)
