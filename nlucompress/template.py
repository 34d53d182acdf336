r"""Tokens to the features of a tagger, by a description instead of a Python function.

A tagger's features are made by its author's code: ``word2features(sentence, i)``. Code does not travel in a file; a
**template** does. It says of each feature how its name is put together from the tokens around position i, and both
runtimes make the very strings that the function made. What a template can say:

>>> template = Template.parse({"features": [
...     {"name": "bias"},
...     {"name": "{at}word.lower()", "value": "lower", "at": [-1, 0, 1]},
...     {"name": "word[-{n}:]", "value": [["suffix", [2, 3]]]},
...     {"name": "word.istitle()", "flag": "istitle"},
...     {"name": "BOS", "flag": "outside", "at": -1},
...     {"text": ["bigram=", {"at": -1, "do": ["lower"], "outside": "<s>"}, "|", {"do": ["lower"]}]}]})
>>> for token in template.features(["Play", "Jazz"]):
...     print(*token)
bias word.lower():play +1:word.lower():jazz word[-2:]:ay word[-3:]:lay word.istitle() BOS bigram=<s>|play
bias -1:word.lower():play word.lower():jazz word[-2:]:zz word[-3:]:azz word.istitle() bigram=play|jazz

Training takes ``template.features`` (each token a dictionary of names and values, as python-crfsuite and sklearn-crfsuite
read them), and the compressed model stores ``template.data()``. Names and values are joined as python-crfsuite joins those
of a dictionary: ``{"word.lower()": "play"}`` is the attribute ``word.lower():play``, ``{"word.istitle()": True}`` the
attribute ``word.istitle()`` of value 1. One of value 0 adds nothing to any score, so a flag that is false gives no feature,
unless ``"false": "zero"`` asks for it.

**The plain form** is what a file stores and what the C runtime reads (FORMAT.md, section 10)::

    template  = {"features": [feature, …], "columns": 1…16 (default 1)}
    feature   = {"text": [piece, …], "if": [term, …], "weight": number or term (1.0), "else": number (none)}
    piece     = string | term
    term      = {"at": offset (0), "column": number (0), "do": [op, …], "outside": string (none)}
    op        = "lower" | "len" | ["slice", start or null, stop or null] | ["map", class, string, …] | ["collapse", most]
              | ["lstrip", class] | ["rstrip", class] | ["leading", class] | ["trailing", class] | ["keep", string, …]
    test      = "isalnum" … "isupper" | ["in", string, …] | ["any", class] | ["all", class] | "inside", then maybe "not"
    class     = a test's name "isalnum" … "isupper", of one character | "[…]", "[^…]" as in re

A *term* is the token at position i + at, one column of it where tokens have several (word and part of speech), after its
operations in order. Of a token beyond the sequence's ends the term is its ``outside`` string; if it has none, the feature
is not made. A feature's name is its pieces one after the other. It is made if all terms of ``if``, which end in a test, are
true: with ``weight`` as its value, or the number of code points of a term. If one is false, it has the value ``else`` or is
not made at all.

``lower`` is str.lower (with the final sigma); ``len`` the number of code points in decimal digits; ``slice`` is
``s[start:stop]``; ``map`` replaces each character by the string behind the first class that has it, or leaves it;
``collapse`` cuts runs of one character to ``most``; ``lstrip`` and ``rstrip`` cut the characters of a class off an end,
``leading`` and ``trailing`` keep only those; ``keep`` leaves a string that is one of these as it is, whatever string
operations but ``len`` follow. Tests are str's methods of these names; ``in``: the string is one of these; ``any``,
``all``: some character, every one of at least one, is of the class; ``inside``: there is such a token. A bracketed class
has characters, ranges a-z and \w \W \d \D \s \S; the characters ``\ ] [ ^ -`` are written with a backslash.

**Shorter forms**, which parse() turns into the plain one. A feature with a ``name`` instead of a text::

    {"name": "bias"}                                     always there
    {"name": N, "value": ops}                            N, the separator ":" (or another), and the term
    {"name": N, "flag": ops}                             N where the test is true
    {"name": N, "number": ops}                           N with the number of code points as its value
    "at": 0 | [-1, 0, 1] | {"-1": "prev ", "0": ""}      once an offset; {offset} in the name is "-1", "0" or "+1", {at} is
                                                         "-1:", "" or "+1:", or the text given for it
    "column": number, "outside": string                  of the term
    "if": ops ending in a test | [term, …]               besides; offsets count from the feature's own
    "weight": number                                     1.0
    "separator": string, "false": "drop" | "zero"        or once for all features, beside "features" (flags of "inside" and
                                                         "outside" give no zero unless they ask for it themselves)

and as operations ``["prefix", n]``, ``["suffix", n]`` (a list of numbers makes a feature of each; {n} in the name is the
number), ``"shape"`` (isupper X, islower x, isdigit d) or ``["shape", most]`` (collapsed), ``["startswith", s]``,
``["endswith", s]``, ``["longer", n]``, ``"outside"``. A single operation needs no list around it.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import TemplateError

MAX_FILE = 1 << 20  # bytes of a template's file
MAX_FEATURES = 1024
MAX_COLUMNS = 16
MAX_PIECES = 16
MAX_CONDITIONS = 8
MAX_OPS = 16
MAX_OFFSET = 64
MAX_SLICE = 10_000
MAX_STRING = 1024  # bytes of UTF-8
MAX_STRINGS = 4096
MAX_MAP = 16  # pairs of a class and its replacement
MAX_COLLAPSE = 255
MAX_CLASS = 128  # bytes of UTF-8
MAX_TOTAL = 1 << 17  # bytes of all strings
MAX_OBJECTS = 10_000  # arrays and objects of the plain form: a file's header has room for no more

METHODS = (
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper",
)  # fmt: skip
CLASS_OPS = ("lstrip", "rstrip", "leading", "trailing")
STRINGS = ("lower", "len", "slice", "map", "collapse", "keep", *CLASS_OPS)
TESTS = (*METHODS, "in", "any", "all")
SHAPE = ("map", "isupper", "X", "islower", "x", "isdigit", "d")

Op = tuple[str | int | None, ...]
Token = str | Sequence[str]
Matches = Callable[[str], bool]  # of one character


@dataclass(frozen=True)
class Term:
    """A string made of one token: that at i + at, one column of it, after the operations. outside: what it is elsewhere."""

    at: int = 0
    column: int = 0
    do: tuple[Op, ...] = ()
    outside: str | None = None

    def data(self) -> dict[str, Any]:
        """In plain types, without defaults."""
        do = [op[0] if len(op) == 1 else list(op) for op in self.do]
        every = {"at": self.at, "column": self.column, "do": do, "outside": self.outside}
        return {key: value for key, value in every.items() if value not in (0, None, [])}


@dataclass(frozen=True)
class Feature:
    """A name of pieces; the conditions under which it is made; its value then, and otherwise (None: it is not made)."""

    text: tuple[str | Term, ...]
    conditions: tuple[Term, ...] = ()
    weight: float | Term = 1.0
    otherwise: float | None = None

    def terms(self) -> Iterator[Term]:
        """All terms: of the conditions, the name and the weight."""
        return (term for term in (*self.conditions, *self.text, self.weight) if isinstance(term, Term))

    def data(self) -> dict[str, Any]:
        """In plain types, without defaults."""
        data: dict[str, Any] = {"text": [piece if isinstance(piece, str) else piece.data() for piece in self.text]}
        if self.conditions:
            data["if"] = [term.data() for term in self.conditions]
        if self.weight != 1.0:
            data["weight"] = self.weight.data() if isinstance(self.weight, Term) else self.weight
        if self.otherwise is not None:
            data["else"] = self.otherwise
        return data


@dataclass(frozen=True)
class Template:
    """What makes a tagger's features of plain tokens; the module says how it is written.

    columns: how many strings a token has; with 1 a token is a str, with more a sequence of so many.
    """

    entries: tuple[Feature, ...]
    columns: int = 1

    @classmethod
    def parse(cls, description: Any) -> Template:
        """A template of its description, in the plain or the shorter forms.

        Raises TemplateError with the place in the description, the value, and what is allowed.

        >>> Template.parse({"features": [{"name": "x", "value": [["slice", 0, 99999]]}]})
        Traceback (most recent call last):
        nlucompress.errors.TemplateError: features[0].value[0]: slice: 99999 is not null or an integer -10000..10000
        """
        return _template(description)

    @classmethod
    def stored(cls, data: Any) -> Template:
        """A template of a file's header: the plain form and no other. Raises TemplateError as parse()."""
        template = cls.parse(data)
        if not _is_plain(data):
            raise TemplateError("template: a shorter form, where the plain one is stored")
        return template

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Template:
        """A template of a JSON file. Raises TemplateError with the file's name, OSError if it cannot be read."""
        name = os.fsdecode(path)
        with open(path, "rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise TemplateError(f"{name}: more than {MAX_FILE} bytes, too many for a template")
        try:
            return cls.parse(json.loads(text.decode("utf-8"), object_pairs_hook=_unique))
        except TemplateError as error:
            raise TemplateError(f"{name}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise TemplateError(f"{name}: no JSON: {type(error).__name__}: {error!s:.200}") from None

    def data(self) -> dict[str, Any]:
        """The plain form, of dictionaries, lists, strings and numbers: what a .nluc file stores.

        >>> Template.parse({"features": [{"name": "w", "value": "lower", "at": [-1]}]}).data()
        {'features': [{'text': ['w:', {'at': -1, 'do': ['lower']}]}]}
        """
        data: dict[str, Any] = {"features": [feature.data() for feature in self.entries]}
        return data if self.columns == 1 else {**data, "columns": self.columns}

    def features(self, tokens: Sequence[Token]) -> list[dict[str, float]]:
        """The features of each token of a sequence: {name: value}, as python-crfsuite takes them.

        The values of equal names of one token are added up, which is what CRFsuite makes of a name that stands twice.
        Raises TypeError or ValueError with the number of a token that is none.
        """
        out = []
        for pairs in self.pairs(tokens):
            values: dict[str, float] = {}
            for name, value in pairs:
                values[name] = values.get(name, 0.0) + value
            out.append(values)
        return out

    def pairs(self, tokens: Sequence[Token]) -> list[list[tuple[str, float]]]:
        """As features(), in the template's order, equal names apart: what the C runtime visits."""
        return self._plan.pairs(_rows(tokens, self.columns))

    def strings(self, tokens: Sequence[Token]) -> list[str]:
        """All columns of all tokens, one after the other. Raises as features()."""
        return [value for row in _rows(tokens, self.columns) for value in row]

    @functools.cached_property
    def _plan(self) -> _Plan:
        return _Plan(self)

    def __getstate__(self) -> dict[str, Any]:  # the plan has functions, which cannot be pickled
        return {"entries": self.entries, "columns": self.columns}


def as_template(template: Template | Mapping[str, Any] | str | os.PathLike[str]) -> Template:
    """A template as it is, of its description, or of the path of a JSON file. Raises as parse() and load() do."""
    if isinstance(template, (str, os.PathLike)):
        return Template.load(template)
    return template if isinstance(template, Template) else Template.parse(template)


def features(tokens: Sequence[Token], template: Template | Mapping[str, Any]) -> list[dict[str, float]]:
    """The features of each token, by a template or its description: Template.features.

    >>> features(["a", "B"], {"features": [{"name": "w", "value": []}, {"name": "up", "flag": "isupper"}]})
    [{'w:a': 1.0}, {'w:B': 1.0, 'up': 1.0}]
    """
    return as_template(template).features(tokens)


# -- character classes ------------------------------------------------------------------------------------------------

_ESCAPED = "\\][^-"
_SETS = "wWdDsS"


@functools.lru_cache(4096)
def char_class(text: str) -> Matches:
    r"""Whether a character is of a class: one of METHODS, or a bracketed class of re. ValueError if it is neither.

    >>> [c for c in "a.B-9_" if char_class(r"[^.\w]")(c)], [c for c in "a.B-9_" if char_class("islower")(c)]
    (['-'], ['a'])
    """
    if text in METHODS:
        method: Matches = getattr(str, text)
        return method
    if not (len(text) >= 3 and text[0] == "[" and text[-1] == "]"):
        raise ValueError(f"{text!r:.80} is neither a character class [...] nor one of {', '.join(METHODS)}")
    body, out, at = text[1:-1], "[", 0
    if body[0] == "^":
        body, out = body[1:], "[^"
    if not body:
        raise ValueError(f"{text!r} has no characters")
    while at < len(body):
        low, at = _class_item(text, body, at)
        if at < len(body) and body[at] == "-":
            high, at = _class_item(text, body, at + 1)
            if len(low) > 1 or len(high) > 1 or low > high:
                raise ValueError(f"{text!r:.80}: {low}-{high} is no range of characters")
            out += f"{_literal(low)}-{_literal(high)}"
        else:
            out += _literal(low)
    match = re.compile(out + "]").match
    return lambda c: match(c) is not None


def _class_item(text: str, body: str, at: int) -> tuple[str, int]:
    r"""The character at a place of a class, or \w and its like as two; and the place behind."""
    c = body[at : at + 1]
    if c == "\\" and body[at + 1 : at + 2] in tuple(_ESCAPED):
        return body[at + 1], at + 2
    if c == "\\" and body[at + 1 : at + 2] in tuple(_SETS):
        return body[at : at + 2], at + 2
    if not c or c in _ESCAPED:
        escapes = " ".join("\\" + e for e in _ESCAPED + _SETS)
        raise ValueError(
            f"{text!r:.80}: {c or 'the end'!r} where a character should stand; with a backslash: {escapes}"
        )
    return c, at + 1


def _literal(item: str) -> str:
    return item if len(item) > 1 else re.escape(item)


# -- what a template does ---------------------------------------------------------------------------------------------


def _rows(tokens: Sequence[Token], columns: int) -> list[Sequence[str]]:
    """The columns of each token."""
    if isinstance(tokens, (str, bytes)):
        raise TypeError(f"expected a sequence of tokens, got one {type(tokens).__name__}: {tokens!r:.80}")
    rows: list[Sequence[str]] = []
    for i, token in enumerate(tokens):
        row = (token,) if columns == 1 and isinstance(token, str) else token
        if (columns == 1 and row is token) or isinstance(row, (str, bytes)) or not isinstance(row, Sequence):
            wanted = "a str" if columns == 1 else f"a sequence of {columns} str"
            raise TypeError(f"token {i}: expected {wanted}, got {type(token).__name__}: {token!r:.80}")
        if len(row) != columns:
            raise ValueError(f"token {i} has {len(row)} columns, the template takes {columns}: {token!r:.80}")
        for column, value in enumerate(row):
            if not isinstance(value, str):
                raise TypeError(
                    f"token {i}, column {column}: expected a str, got {type(value).__name__}: {value!r:.80}"
                )
        rows.append(row)
    return rows


class _Plan:
    """A template made ready to run: each distinct chain of operations once, as a function of a string."""

    def __init__(self, template: Template) -> None:
        self._chains: dict[tuple[int, tuple[Op, ...]], int] = {}
        self._features = [
            (
                [self._term(term) for term in feature.conditions],
                [piece if isinstance(piece, str) else self._term(piece) for piece in feature.text],
                self._term(feature.weight) if isinstance(feature.weight, Term) else feature.weight,
                feature.otherwise,
            )
            for feature in template.entries
        ]
        self._functions = [(column, _chain_function(ops)) for column, ops in self._chains]

    def _term(self, term: Term) -> tuple[int, int, str | bool | None]:
        """Offset, number of the chain, and what the term is where there is no token."""
        number = self._chains.setdefault((term.column, term.do), len(self._chains))
        if term.do[:1] == (("inside",),):
            return term.at, number, len(term.do) > 1
        return term.at, number, term.outside

    def pairs(self, rows: list[Sequence[str]]) -> list[list[tuple[str, float]]]:
        """The features of each token: (name, value)."""
        results = [[function(row[column]) for row in rows] for column, function in self._functions]
        n = len(rows)

        def value(term: tuple[int, int, str | bool | None], i: int) -> str | bool | None:
            at, number, outside = term
            return results[number][i + at] if 0 <= i + at < n else outside

        def feature(i: int, conditions: Any, pieces: Any, weight: Any, otherwise: float | None) -> Any:
            holds = True
            for term in conditions:
                held = value(term, i)
                if held is None:
                    return None
                holds = holds and bool(held)
            if not holds:
                weight = otherwise
            elif isinstance(weight, tuple):
                counted = value(weight, i)
                weight = None if counted is None else float(len(str(counted)))
            if weight is None:
                return None
            name = ""
            for piece in pieces:
                part = piece if isinstance(piece, str) else value(piece, i)
                if not isinstance(part, str):
                    return None
                name += part
            return name, weight

        return [[pair for parts in self._features if (pair := feature(i, *parts)) is not None] for i in range(n)]


def _chain_function(ops: tuple[Op, ...]) -> Callable[[str], str | bool]:
    """Operations as one function; a test makes a bool of the string."""
    negated = bool(ops) and ops[-1] == ("not",)
    steps = [(name, _function(name, arguments)) for name, *arguments in ops if name not in ("not", "inside")]

    def run(text: str) -> str | bool:
        result: Any = text
        kept = False
        for name, step in steps:
            if name == "keep":
                kept = kept or step(result)
            elif not kept or name == "len" or name in TESTS:
                result = step(result)
        return not result if negated else result

    if ops[:1] == (("inside",),):
        return lambda text: not negated
    return functools.lru_cache(1 << 12)(run) if ops else lambda text: text  # the words of a corpus are few


def _function(name: Any, arguments: list[Any]) -> Callable[[str], Any]:
    """One operation as a function of a string; of ``keep``, whether it is one of those kept."""
    if name in METHODS:
        return getattr(str, name)  # type: ignore[no-any-return]
    if name in ("in", "keep"):
        strings = frozenset(arguments)
        return lambda text: text in strings
    if name == "map":
        rules = [(char_class(kind), new) for kind, new in zip(arguments[::2], arguments[1::2], strict=True)]
        replaced = functools.lru_cache(1024)(lambda c: next((new for matches, new in rules if matches(c)), c))
        return lambda text: "".join(map(replaced, text))
    if name == "slice":
        cut = slice(*arguments)
        return lambda text: text[cut]
    if name in CLASS_OPS or name in ("any", "all"):
        arguments = [functools.lru_cache(1024)(char_class(arguments[0]))]
    return lambda text: OPERATIONS[name](text, *arguments)


def _collapse(text: str, most: int) -> str:
    out: list[str] = []
    for c in text:
        if out[-most:] != [c] * most:
            out.append(c)
    return "".join(out)


def _leading(text: str, matches: Matches) -> int:
    """How many characters of a class a text begins with."""
    return next((i for i, c in enumerate(text) if not matches(c)), len(text))


def _trailing(text: str, matches: Matches) -> int:
    return _leading(text[::-1], matches)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "lower": str.lower,
    "len": lambda text: str(len(text)),
    "collapse": _collapse,
    "lstrip": lambda text, matches: text[_leading(text, matches) :],
    "rstrip": lambda text, matches: text[: len(text) - _trailing(text, matches)],
    "leading": lambda text, matches: text[: _leading(text, matches)],
    "trailing": lambda text, matches: text[len(text) - _trailing(text, matches) :],
    "any": lambda text, matches: any(map(matches, text)),
    "all": lambda text, matches: bool(text) and all(map(matches, text)),
}


# -- reading a description --------------------------------------------------------------------------------------------


class _Place(str):
    """Where in a description something stands: ``features[3].value[0]``."""

    def key(self, name: str) -> _Place:
        return _Place(f"{self}.{name}" if self else name)

    def item(self, number: int) -> _Place:
        return _Place(f"{self}[{number}]")

    def error(self, message: str) -> TemplateError:
        return TemplateError(f"{self or 'template'}: {message}")

    def map(self, value: Any, keys: str) -> dict[str, Any]:
        """A mapping with these keys and no others."""
        if not isinstance(value, Mapping):
            raise self.error(f"expected an object, got {_shown(value)}")
        for key in value:
            if key not in keys.split():
                raise self.error(f"unknown key {key!r:.80}; known: {', '.join(keys.split())}")
        return dict(value)

    def list(self, value: Any, least: int, most: int) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise self.error(f"expected an array, got {_shown(value)}")
        if not least <= len(value) <= most:
            raise self.error(f"{len(value)} entries, allowed are {least}..{most}")
        return list(value)

    def integer(self, value: Any, least: int, most: int, what: str = "") -> int:
        if type(value) is not int or not least <= value <= most:
            raise self.error(f"{what}{_shown(value)} is not an integer {least}..{most}")
        return value

    def number(self, value: Any) -> float:
        if type(value) not in (int, float) or not abs(value) <= 1e300 or math.isnan(value):
            raise self.error(f"{_shown(value)} is not a number of at most 1e300")
        return float(value)

    def string(self, value: Any, what: str = "") -> str:
        if not isinstance(value, str):
            raise self.error(f"{what}{_shown(value)} is not a string")
        try:
            size = len(value.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise self.error(f"{what}{value!r:.80} cannot be stored: {error.reason}") from None
        if size > MAX_STRING:
            raise self.error(f"{what}a string of {size} bytes, the limit is {MAX_STRING}: {value!r:.40}")
        return str(value)


def _shown(value: Any) -> str:
    return "null" if value is None else f"{value!r:.80}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [key for key, _ in pairs]
    for key in names:
        if names.count(key) > 1:
            raise TemplateError(f"an object has the key {key!r:.80} twice")
    return dict(pairs)


@dataclass(frozen=True)
class _Defaults:
    columns: int
    separator: str
    false: str


def _template(description: Any) -> Template:
    here = _Place()
    fields = here.map(description, "columns features separator false")
    columns = here.key("columns").integer(fields.get("columns", 1), 1, MAX_COLUMNS)
    defaults = _Defaults(
        columns,
        here.key("separator").string(fields.get("separator", ":")),
        _choice(here.key("false"), fields.get("false", "drop"), ("drop", "zero")),
    )
    if "features" not in fields:
        raise here.error("no features")
    place = here.key("features")
    out: list[Feature] = []
    objects = 0
    for i, entry in enumerate(place.list(fields["features"], 0, MAX_FEATURES)):
        for feature in _entry(place.item(i), entry, defaults):
            out.append(feature)
            objects += _objects(feature)
        if len(out) > MAX_FEATURES:
            raise place.item(i).error(f"more than {MAX_FEATURES} features in all")
        if objects > MAX_OBJECTS:
            raise place.item(i).error(
                f"{objects} objects and arrays in the plain form so far, the limit is {MAX_OBJECTS}"
            )
    template = Template(tuple(out), columns)
    size = sum(map(_size, out))
    if size > MAX_TOTAL:
        raise place.error(f"strings of {size} bytes in all, the limit is {MAX_TOTAL}")
    return template


def _entry(place: _Place, entry: Any, defaults: _Defaults) -> Iterator[Feature]:
    """The features of one entry: one of a text, several of a name with offsets or numbers."""
    if not isinstance(entry, Mapping):
        raise place.error(f"expected an object, got {_shown(entry)}")
    if "text" not in entry and "name" not in entry:
        raise place.error("neither a text nor a name")
    if "text" in entry:
        yield _plain(place, place.map(entry, "text if weight else"), defaults.columns)
        return
    fields = place.map(entry, "name value flag number at column if outside weight separator false")
    kinds = [kind for kind in ("value", "flag", "number") if kind in fields]
    if len(kinds) > 1:
        raise place.error(f"{kinds[0]} and {kinds[1]} exclude each other")
    kind = kinds[0] if kinds else "constant"
    for key, ours in (("separator", "value"), ("false", "flag"), ("outside", "value number")):
        if key in fields and kind not in ours.split():
            raise place.key(key).error(f"goes with {ours.replace(' ', ' or ')} only")
    if kind == "number" and "weight" in fields:
        raise place.key("weight").error("a number is its own weight")
    pattern = place.key("name").string(fields["name"])
    chains = list(_chains(place.key(kind), fields[kind])) if kinds else [(None, _Chain(place, ()))]
    if "{n}" in pattern and chains[0][0] is None:
        raise place.key("name").error("{n} without a list of numbers")
    column = place.key("column").integer(fields.get("column", 0), 0, defaults.columns - 1)
    outside = place.key("outside").string(fields["outside"]) if "outside" in fields else None
    for at, prefix in _offsets(place.key("at"), fields.get("at", 0)):
        for number, chain in chains:
            name = _named(pattern, {"{at}": prefix, "{offset}": f"{at:+d}" if at else "0", "{n}": number or ""})
            term = Term(at, column, chain.ops, outside)
            feature = Feature((name,), _conditions(place, fields.get("if"), at, column, defaults.columns))
            if kind != "number":
                feature = replace(feature, weight=place.key("weight").number(fields.get("weight", 1.0)))
            if kind == "value":
                separator = place.key("separator").string(fields.get("separator", defaults.separator))
                feature = replace(feature, text=_joined((name + separator, chain.strings(term))))
            elif kind == "flag":
                zero = fields.get("false", "drop" if chain.ops[:1] == (("inside",),) else defaults.false)
                zero = _choice(place.key("false"), zero, ("drop", "zero"))
                feature = replace(feature, conditions=(chain.test(term), *feature.conditions),
                                  otherwise=0.0 if zero == "zero" else None)  # fmt: skip
            elif kind == "number":
                feature = replace(feature, weight=chain.strings(term))
            elif "at" in fields:  # of a constant: where there is such a token
                feature = replace(feature, conditions=(Term(at, do=(("inside",),)), *feature.conditions))
            if len(feature.conditions) > MAX_CONDITIONS:
                raise place.error(f"{len(feature.conditions)} conditions, the limit is {MAX_CONDITIONS}")
            for piece in feature.text:
                if isinstance(piece, str):
                    place.key("name").string(piece)
            yield feature


def _named(pattern: str, values: Mapping[str, str]) -> str:
    """A name with its marks replaced, in one go: what is put in is not looked at again."""
    return re.sub(r"\{(?:at|offset|n)\}", lambda found: values[found[0]], pattern)


def _joined(pieces: tuple[str | Term, ...]) -> tuple[str | Term, ...]:
    return tuple(piece for piece in pieces if piece != "")


def _offsets(place: _Place, at: Any) -> Iterator[tuple[int, str]]:
    """Offsets and what {at} is for each."""
    if isinstance(at, Mapping):
        for key, prefix in at.items():
            try:
                number = int(str(key))
            except ValueError:
                raise place.error(f"{key!r:.80} is not an offset") from None
            yield place.integer(number, -MAX_OFFSET, MAX_OFFSET), place.key(str(key)).string(prefix)
        return
    for number in place.list(at, 1, 2 * MAX_OFFSET + 1) if isinstance(at, (list, tuple)) else [at]:
        place.integer(number, -MAX_OFFSET, MAX_OFFSET)
        yield number, f"{number:+d}:" if number else ""


def _plain(place: _Place, fields: dict[str, Any], columns: int) -> Feature:
    """A feature in the plain form."""
    where = place.key("text")
    text: list[str | Term] = []
    for i, piece in enumerate(where.list(fields["text"], 1, MAX_PIECES)):
        if isinstance(piece, Mapping):
            text.append(_term(where.item(i), piece, columns))
        else:
            text.append(where.item(i).string(piece))
    where = place.key("if")
    conditions = [
        _term(where.item(i), term, columns, test=True)
        for i, term in enumerate(where.list(fields.get("if", []), 0, MAX_CONDITIONS))
    ]
    weight = fields.get("weight", 1.0)
    where = place.key("weight")
    return Feature(
        tuple(text),
        tuple(conditions),
        _term(where, weight, columns) if isinstance(weight, Mapping) else where.number(weight),
        place.key("else").number(fields["else"]) if "else" in fields else None,
    )


def _conditions(place: _Place, given: Any, at: int, column: int, columns: int) -> tuple[Term, ...]:
    """The conditions of a shorter form: operations that end in a test, or terms whose offsets count from the feature's."""
    where = place.key("if")
    if given is None:
        return ()
    if isinstance(given, (list, tuple)) and given and all(isinstance(term, Mapping) for term in given):
        terms = [_term(where.item(i), term, columns, test=True) for i, term in enumerate(given)]
        return tuple(replace(term, at=where.item(i).integer(term.at + at, -MAX_OFFSET, MAX_OFFSET))
                     for i, term in enumerate(terms))  # fmt: skip
    return (_chain(where, given).test(Term(at, column)),)


def _term(place: _Place, value: Any, columns: int, test: bool = False) -> Term:
    fields = place.map(value, "at column do" if test else "at column do outside")
    at = place.key("at").integer(fields.get("at", 0), -MAX_OFFSET, MAX_OFFSET)
    column = place.key("column").integer(fields.get("column", 0), 0, columns - 1)
    outside = place.key("outside").string(fields["outside"]) if "outside" in fields else None
    chain = _chain(place.key("do"), fields.get("do", []))
    term = Term(at, column, chain.ops, outside)
    return chain.test(term) if test else chain.strings(term)


@dataclass(frozen=True)
class _Chain:
    """Operations that are known and in an order that makes sense; what the last one gives."""

    place: _Place
    ops: tuple[Op, ...]

    @property
    def tests(self) -> bool:
        return bool(self.ops) and self.ops[-1][0] in (*TESTS, "inside", "not")

    def test(self, term: Term) -> Term:
        if not self.tests:
            raise self.place.error("ends in no test")
        return replace(term, do=self.ops)

    def strings(self, term: Term) -> Term:
        if self.tests:
            raise self.place.error(f"{self.ops[-1][0]!r} is a test, where a string is wanted")
        return replace(term, do=self.ops)


def _chain(place: _Place, given: Any) -> _Chain:
    """Operations without a list of numbers in them."""
    chains = list(_chains(place, given))
    if chains[0][0] is not None:
        raise place.error("a list of numbers goes with the value, flag or number of a name only")
    return chains[0][1]


def _chains(place: _Place, given: Any) -> Iterator[tuple[str | None, _Chain]]:
    """The operations, once for each number of a list, and that number, which is {n}."""
    entries = place.list([given] if isinstance(given, str) else given, 0, MAX_OPS)
    lists = [i for i, op in enumerate(entries) if isinstance(op, (list, tuple)) and len(op) == 2
             and op[0] in ("prefix", "suffix") and isinstance(op[1], (list, tuple))]  # fmt: skip
    if len(lists) > 1:
        raise place.item(lists[1]).error("a second list of numbers")
    if not lists:
        yield None, _checked(place, entries)
    for i in lists:
        name, numbers = entries[i]
        for number in place.item(i).list(numbers, 1, MAX_FEATURES):
            yield str(number), _checked(place, [*entries[:i], [name, number], *entries[i + 1 :]])


def _checked(place: _Place, entries: list[Any]) -> _Chain:
    """Operations in the plain form, each checked, and in an order that makes sense."""
    ops: list[Op] = []
    for i, entry in enumerate(entries):
        where = place.item(i)
        if isinstance(entry, str):
            entry = [entry]
        name, *arguments = where.list(entry, 1, MAX_STRINGS + 1)
        if not isinstance(name, str):
            raise where.error(f"{_shown(name)} is not the name of an operation")
        for op in _spelled_out(where, name, arguments):
            last = ops[-1][0] if ops else None
            if last == "not" or (op[0] == "not") != (last in (*TESTS, "inside")):
                raise where.error(f"{op[0]!r} behind {last!r}: a test is the last, but for a 'not'"
                                  if last else "'not' without a test")  # fmt: skip
            if op[0] == "inside" and ops:
                raise where.error("'inside' stands alone, but for a 'not'")
            ops.append(op)
    if len(ops) > MAX_OPS:
        raise place.error(f"{len(ops)} operations, the limit is {MAX_OPS}")
    return _Chain(place, tuple(ops))


def _spelled_out(place: _Place, name: str, arguments: list[Any]) -> list[Op]:
    """An operation in the plain form, or the two that a shorter form stands for."""
    what = f"{name}: "

    def count(least: int, most: int) -> None:
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least}..{most}"
            raise place.error(f"{what}{len(arguments)} arguments, it takes {wanted}")

    def integer(least: int, most: int) -> int:
        count(1, 1)
        return place.integer(arguments[0], least, most, what)

    if name in ("prefix", "suffix", "longer"):
        n = integer(0 if name == "longer" else 1, MAX_SLICE)
        if name == "longer":
            return [("slice", n, None), ("in", ""), ("not",)]
        return [("slice", 0, n) if name == "prefix" else ("slice", -n, None)]
    if name == "shape":
        count(0, 1)
        return [SHAPE, ("collapse", integer(1, MAX_COLLAPSE))] if arguments else [SHAPE]
    if name in ("startswith", "endswith"):
        count(1, 1)
        text = place.string(arguments[0], what)
        n = len(text)
        cut = (0, n) if name == "startswith" or not n else (-n, None)
        return [("slice", *cut), ("in", text)]
    if name == "outside":
        count(0, 0)
        return [("inside",), ("not",)]
    if name in ("lower", "len", "inside", "not", *METHODS):
        count(0, 0)
    elif name == "slice":
        count(2, 2)
        for n in arguments:
            if n is not None and (type(n) is not int or abs(n) > MAX_SLICE):
                raise place.error(f"{what}{_shown(n)} is not null or an integer {-MAX_SLICE}..{MAX_SLICE}")
    elif name == "collapse":
        integer(1, MAX_COLLAPSE)
    elif name in (*CLASS_OPS, "any", "all"):
        count(1, 1)
        _check_class(place, arguments[0], what)
    elif name == "map":
        count(2, 2 * MAX_MAP)
        if len(arguments) % 2:
            raise place.error(f"{what}{len(arguments)} arguments, it takes pairs of a class and a string")
        for kind, new in zip(arguments[::2], arguments[1::2], strict=True):
            _check_class(place, kind, what)
            place.string(new, what)
    elif name in ("in", "keep"):
        count(1, MAX_STRINGS)
        for text in arguments:
            place.string(text, what)
    else:
        raise place.error(f"unknown operation {name!r:.80}")
    return [(name, *arguments)]


def _check_class(place: _Place, value: Any, what: str) -> None:
    text = place.string(value, what)
    if len(text.encode()) > MAX_CLASS:
        raise place.error(f"{what}a class of {len(text.encode())} bytes, the limit is {MAX_CLASS}")
    try:
        char_class(text)
    except ValueError as error:
        raise place.error(f"{what}{error}") from None


def _choice(place: _Place, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise place.error(f"{_shown(value)} is not one of {', '.join(allowed)}")
    return str(value)


def _is_plain(data: Mapping[str, Any]) -> bool:
    """Whether a valid description has none of the shorter forms."""

    def plain(term: Any) -> bool:
        do = term.get("do", []) if isinstance(term, Mapping) else []
        names = [op if isinstance(op, str) else op[0] for op in do]
        return not isinstance(do, str) and {*STRINGS, *TESTS, "inside", "not"}.issuperset(names)

    return {"features", "columns"}.issuperset(data) and all(
        "text" in entry and all(map(plain, [*entry["text"], *entry.get("if", []), entry.get("weight")]))
        for entry in data["features"]
    )


def _objects(feature: Feature) -> int:
    """Arrays and objects of a feature's plain form."""
    terms = sum(1 + bool(term.do) + sum(len(op) > 1 for op in term.do) for term in feature.terms())
    return 2 + bool(feature.conditions) + terms


def _size(feature: Feature) -> int:
    """Bytes of a feature's strings."""
    strings = [piece for piece in feature.text if isinstance(piece, str)]
    for term in feature.terms():
        strings += [term.outside or "", *(x for op in term.do for x in op[1:] if isinstance(x, str))]
    return sum(len(text.encode()) for text in strings)
