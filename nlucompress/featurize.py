"""Texts to n-grams, by scikit-learn's rules: one Analyzer a namespace, a dictionary of frequencies a text.

This is the readable statement of what a runtime computes before any look-up. It follows CountVectorizer, DictVectorizer
and HashingVectorizer (scikit-learn 0.24 to 1.9) to the letter, oddities included: only runs of *two* or more white-space
characters become one space, a word shorter than n counts once, accents are stripped after lower-casing.

The analyzer "fasttext" follows fastText's predict (0.9.3): words lie between seven ASCII characters and are never
normalized; the text's end is the word ``</s>``; words that begin with ``__label__`` are left out; hashes are FNV-1a
(Fowler, Noll, Vo) of *signed* bytes. fastText refuses a text with a line feed; here that is white space like any other.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from numbers import Number
from typing import Any, cast

import mmh3

from .linear import Namespace

_SPACES = re.compile(r"\s\s+")
_FASTTEXT_SPACES = re.compile(r"[ \n\r\t\v\f\0]")
_FASTTEXT_END = "</s>"
_FASTTEXT_LABEL = "__label__"
_FASTTEXT_FACTOR = 116049371

Counts = Mapping[str, float]


class Analyzer:
    """What one namespace makes of one sample: ``analyzer(sample) -> {n-gram: frequency}``, in order of appearance.

    Raises ValueError or TypeError with the place in the sample; UnicodeDecodeError as ``decode_error="strict"`` asks.

    >>> dict(Analyzer(Namespace("words", ngram_range=(1, 2)))("Play it again, play it"))
    {'play': 2, 'it': 2, 'again': 1, 'play it': 2, 'it again': 1, 'again play': 1}
    >>> list(Analyzer(Namespace("letters", analyzer="char_wb", ngram_range=(3, 3)))("to be"))
    [' to', 'to ', ' be', 'be ']
    >>> list(Analyzer(Namespace("words", analyzer="fasttext"))("play it"))
    ['play', 'it', '</s>']
    >>> list(Analyzer(Namespace("n", analyzer="fasttext", hash_columns=1000, ngram_range=(1, 2)))("play it"))
    ['657', '841']
    """

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._stop_words = None if namespace.stop_words is None else frozenset(namespace.stop_words)
        self._tokens: Callable[[str], list[str]] = re.compile(namespace.token_pattern).findall  # strings: ≤ 1 group
        self._ngrams: Callable[[str], list[str]] = {
            "char": self._char_ngrams, "char_wb": self._char_wb_ngrams, "fasttext": self._fasttext_ngrams,
        }.get(namespace.analyzer, self._text_ngrams)  # fmt: skip

    def __call__(self, sample: Any) -> Counts:
        return self.count(self.read(sample))

    def read(self, sample: Any) -> str | Counts:
        """What the namespace reads of a sample: a text, decoded, or features with their frequencies (not yet hashed)."""
        ns = self.namespace
        if ns.column is not None:
            sample = _column(sample, ns.column)
        if ns.analyzer == "dict":
            return _added(_dict_items(sample, ns.separator))
        if ns.analyzer == "items":
            return dict.fromkeys(_items(sample, ns.separator), 1.0)
        return Counter(_features(sample)) if ns.analyzer == "features" else decoded(sample, ns)

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text, stop words among them."""
        return self._tokens(normalize(text, self.namespace))

    def count(self, item: str | list[str] | Counts) -> Counts:
        """The n-grams of a text or of its tokens with their frequencies, or those of features; hashed if the model is."""
        if isinstance(item, (str, list)):
            item = Counter(self._word_ngrams(item) if isinstance(item, list) else self._ngrams(item))
        ns = self.namespace
        if not ns.hash_columns or ns.analyzer == "fasttext":  # its n-grams are hashed already
            return item
        return _added(hashed(name, count, ns) for name, count in item.items())

    def _text_ngrams(self, text: str) -> list[str]:
        return self._word_ngrams(self.tokens(text))

    def _word_ngrams(self, words: list[str]) -> list[str]:
        if self._stop_words is not None:
            words = [word for word in words if word not in self._stop_words]
        low, high = self.namespace.ngram_range
        out = list(words) if low == 1 else []
        for n in range(max(low, 2), min(high, len(words)) + 1):
            out += [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        return out

    def _char_ngrams(self, text: str) -> list[str]:
        text = _SPACES.sub(" ", normalize(text, self.namespace))
        low, high = self.namespace.ngram_range
        return [text[i : i + n] for n in range(low, min(high, len(text)) + 1) for i in range(len(text) - n + 1)]

    def _char_wb_ngrams(self, text: str) -> list[str]:
        low, high = self.namespace.ngram_range
        out = []
        for word in normalize(text, self.namespace).split():
            padded = f" {word} "
            for n in range(low, high + 1):
                out += [padded[i : i + n] for i in range(max(len(padded) - n, 0) + 1)]
                if n >= len(padded):  # a word shorter than n counts once
                    break
        return out

    def _fasttext_ngrams(self, text: str) -> list[str]:
        """Words, or the buckets of their subwords, then of n-grams of words."""
        ns = self.namespace
        words = []
        for word in [*_FASTTEXT_SPACES.split(text), _FASTTEXT_END]:
            if word and not word.startswith(_FASTTEXT_LABEL) and word not in (self._stop_words or ()):
                words.append(word)
            if word == _FASTTEXT_END:  # wherever it stands
                break
        if not ns.hash_columns:
            return words
        buckets = [hash % ns.hash_columns for word in words if word != _FASTTEXT_END
                   for hash in _subword_hashes(f"<{word}>", *ns.subwords)]  # fmt: skip
        hashes = [_fnv(word) for word in words]
        hashes = [hash - (hash >> 31 << 32) for hash in hashes]  # as int32
        for first, hash in enumerate(hashes):
            for other in hashes[first + 1 : first + ns.ngram_range[1]]:
                hash = (hash * _FASTTEXT_FACTOR + other) % (1 << 64)
                buckets.append(hash % ns.hash_columns)
        return list(map(str, buckets))


def _fnv(text: str, hash: int = 2166136261) -> int:
    """FNV-1a as fastText has it, of a text's UTF-8: 32 bits, each byte signed. hash: that of what stands before the text.

    >>> hex(_fnv("a"))  # as the test vectors of FNV-1a: bytes below 128 are the same signed or not
    '0xe40c292c'
    """
    for byte in text.encode("utf-8", "surrogatepass"):
        hash = (hash ^ (byte - (byte >> 7 << 8)) % (1 << 32)) * 16777619 % (1 << 32)
    return hash


def _subword_hashes(word: str, least: int, most: int) -> Iterable[int]:
    """The hash of each run of least to most characters of a padded word; the padding alone is none."""
    for first in range(len(word) if most else 0):
        hash = _fnv("")
        for size, character in enumerate(word[first : first + most], 1):
            hash = _fnv(character, hash)
            if size >= least and (size > 1 or 0 < first < len(word) - 1):
                yield hash


def normalize(text: Any, namespace: Namespace) -> str:
    """Decode, lower-case, strip accents: in this order, as ``CountVectorizer.build_preprocessor``."""
    text = decoded(text, namespace)
    if namespace.lowercase:
        text = text.lower()
    if namespace.strip_accents == "ascii":
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    if namespace.strip_accents == "unicode" and not text.isascii():
        return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return str(text)


def decoded(text: Any, namespace: Namespace) -> str:
    """A text as it is, or bytes decoded. Raises TypeError for anything else, UnicodeDecodeError."""
    if isinstance(text, bytes):
        text = text.decode(namespace.encoding, namespace.decode_error)
    if not isinstance(text, str):
        raise TypeError(f"expected a text (str), got {type(text).__name__}: {text!r:.80}")
    return text


def hashed(name: str, value: float, namespace: Namespace) -> tuple[str, float]:
    """A feature's column as a decimal number, and its signed value: FeatureHasher's rule.

    The column is |MurmurHash3_x86_32(name, seed 0)| modulo hash_columns, the sign that of the hash as an int32.
    """
    number = mmh3.hash(name.encode("utf-8", "surrogatepass"), 0, signed=True)
    if namespace.alternate_sign and number < 0:
        value = -value
    return str(abs(number) % namespace.hash_columns), value


def _added(items: Iterable[tuple[str, float]]) -> Counts:
    """The sum of the values of each name."""
    counts: dict[str, float] = {}
    for name, value in items:
        counts[name] = counts.get(name, 0.0) + value
    return counts


def _column(sample: Any, column: str | int) -> Any:
    try:
        return sample[column]
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"the model reads the field {column!r}, which is not in {sample!r:.120}") from None


def _features(sample: Any) -> Iterable[str]:
    if isinstance(sample, (str, bytes)) or not isinstance(sample, Iterable):
        raise TypeError(
            f"the model takes an iterable of feature strings a sample, as its analyzer yields them, "
            f"got {type(sample).__name__}: {sample!r:.80}"
        )
    for name in sample:
        if not isinstance(name, str):
            raise TypeError(f"expected a feature (str), got {type(name).__name__}: {name!r:.80}")
        yield name


def item(name: object, value: object, separator: str = "=") -> str | None:
    """The feature that a pair of a sample is to the analyzer "items"; None: a pair that no model can have.

    A string is written after one separator (and one more if it begins with it), anything else after two: None, and a
    number by its value, so that True, 1 and 1.0 are one as in a Python dictionary. No two pairs share a feature: a name
    that is no string or holds the separator is no feature's, nor is a value of another type, or one that equals nothing.

    >>> item("last letter", "a"), item("length", 5), item("is first", True), item("price", 0.5), item("tag", None)
    ('last letter=a', 'length==5', 'is first==1', 'price==0.5', 'tag==None')
    """
    if not isinstance(name, str) or separator in name:
        return None
    if isinstance(value, str):
        return f"{name}{separator}{separator if value.startswith(separator) else ''}{value}"
    text = "None" if value is None else _number(value)
    return None if text is None else f"{name}{separator}{separator}{text}"


def _number(value: Any) -> str | None:
    """A number in decimal: 1 of True, 1 and 1.0; None if it is none, or equals no integer and no float."""
    one: Any = value if isinstance(value, Number) else getattr(value, "item", lambda: None)()  # numpy's bool is none
    if not isinstance(one, (bool, Number)) or isinstance(one, complex):
        return None
    one = cast(Any, one)
    try:
        number = float(one)
        if number == one:
            return str(int(number)) if number.is_integer() else repr(number)
        return str(int(one)) if int(one) == one else None  # beyond 2^53
    except (ArithmeticError, TypeError, ValueError):  # beyond 1e308; nan
        return None


def _items(sample: Any, separator: str) -> Iterable[str]:
    if not isinstance(sample, Mapping):
        raise TypeError(
            f"the model takes a mapping of feature names to values, got {type(sample).__name__}: {sample!r:.80}"
        )
    for name, value in sample.items():
        if type(value).__hash__ is None:
            raise TypeError(
                f"feature {name!r:.80} has a value of type {type(value).__name__}, which is no single value: {value!r:.80}"
            )
        feature = item(name, value, separator)
        if feature is not None:
            yield feature


def _pairs(sample: Any) -> Iterable[tuple[Any, Any]]:
    """The pairs of a mapping, or an iterable of pairs."""
    if isinstance(sample, Mapping):
        yield from sample.items()
        return
    if isinstance(sample, (str, bytes)) or not isinstance(sample, Iterable):
        raise TypeError(
            f"the model takes a mapping of feature names to values, got {type(sample).__name__}: {sample!r:.80}"
        )
    for pair in sample:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(
                f"the model takes a mapping of feature names to values, or pairs of them, got {pair!r:.80} in a "
                f"{type(sample).__name__}"
            )
        yield pair[0], pair[1]


def _dict_items(sample: Any, separator: str) -> Iterable[tuple[str, float]]:
    for name, value in _pairs(sample):
        if isinstance(value, str):
            yield f"{name}{separator}{value}", 1.0
        elif value is None or (isinstance(value, Number) and not isinstance(value, complex)):
            try:
                number = math.nan if value is None else float(value)  # type: ignore[arg-type]
            except OverflowError as error:
                raise ValueError(f"feature {name!r:.80}: {error}") from None
            if isinstance(name, str):  # the number 1 is not the feature "1"
                yield name, number
        elif isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes)):
            for word in value:
                if not isinstance(word, str):
                    raise TypeError(f"feature {name!r}: expected strings, got {type(word).__name__}: {word!r:.80}")
                yield f"{name}{separator}{word}", 1.0
        else:
            raise TypeError(f"feature {name!r} has a value of type {type(value).__name__}: {value!r:.80}")
