"""Generated texts beyond a test set: scripts, marks, emoji, odd letter case, numbers of other scripts, nothing, long.

The same seed gives the same texts. Three of four mix words that a model knows with odd ones, so that what is odd meets
n-grams that have a weight.
"""

from __future__ import annotations

import random
import sys
import unicodedata
from collections.abc import Sequence

SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "HEBREW", "ARABIC", "DEVANAGARI", "BENGALI", "TAMIL", "THAI", "LAO",
           "TIBETAN", "GEORGIAN", "HANGUL", "ETHIOPIC", "CHEROKEE", "KHMER", "MONGOLIAN", "HIRAGANA", "KATAKANA", "CJK",
           "FULLWIDTH", "MATHEMATICAL", "DESERET")  # fmt: skip
EMOJI = ("😀", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "™", "№", "½", "²", "Ⅷ", "㍿", "①")
SPACES = (" ",) * 12 + ("  ", "\t", "\n", "\r\n", "\x0b", "\x1f", "\x85", "\xa0", "\u2003", "\u2028", "\u200b", "\u3000",
                        "-", "'", "’", "…", ", ", ". ", "/", "_", "")  # fmt: skip
ODD = ("", " ", "\n", "\u3000", "?", "!!!", "_", "__", "a", "I", "İ", "ı", "ß", "ẞ", "ΟΔΟΣ", "ς", "Σ", "ǅ", "ﬁ", "ŉ",
       "İstanbul", "STRASSE", "straße", "naïve café", "don't", "rock-n-roll", "x_y", "3.5", "\u0301", "e\u0301", "\u00ad",
       "\ufeff", "\u202eabc")  # fmt: skip


def alphabets() -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Digits that are not ASCII, letters by script, and combining marks: of Python's own Unicode tables."""
    digits, letters, marks = [], {script: [] for script in SCRIPTS}, []
    for point in range(0x80, sys.maxunicode):
        char = chr(point)
        kind = unicodedata.category(char)
        if kind in ("Nd", "Nl", "No"):
            digits.append(char)
        elif kind in ("Mn", "Mc"):
            marks.append(char)
        elif kind[0] == "L":
            script = unicodedata.name(char, "").split()[:1]
            if script and script[0] in letters:
                letters[script[0]].append(char)
    return digits, letters, marks


def texts(known: Sequence[str], count: int = 20_000, seed: int = 0) -> list[str]:
    """So many texts. known: texts whose words a model knows."""
    rng = random.Random(seed)
    digits, letters, marks = alphabets()
    words = sorted({word for text in known for word in text.split()}) or ["word"]

    def changed(word: str) -> str:
        """A known word with another case, a mark, an emoji or digits of another script."""
        at = rng.randrange(len(word) + 1)
        return rng.choice((
            word.upper, word.title, word.swapcase, word.capitalize,
            lambda: word.upper().replace("I", "İ"),
            lambda: word[:at] + rng.choice(marks) + word[at:],
            lambda: unicodedata.normalize("NFD", word[:at] + rng.choice("éüåñçő") + word[at:]),
            lambda: word[:at] + rng.choice(EMOJI) + word[at:],
            lambda: word + rng.choice(digits),
            lambda: "".join(chr(0xFEE0 + ord(c)) if "!" <= c <= "~" else c for c in word),  # full width
        ))()  # fmt: skip

    def foreign() -> str:
        alphabet = letters[rng.choice(SCRIPTS)]
        return "".join(rng.choices(alphabet, k=rng.randint(1, 8)))

    def word(odd: float) -> str:
        one = rng.choice(words)
        if rng.random() >= odd:
            return one
        return rng.choice((changed(one), changed(one), foreign(), rng.choice(ODD), rng.choice(EMOJI),
                           "".join(rng.choices(digits, k=rng.randint(1, 4)))))  # fmt: skip

    def text(i: int) -> str:
        if i < len(ODD):
            return ODD[i]
        length = rng.randint(200, 1000) if i % 200 == 0 else rng.randint(1, 12)
        odd = (0.2, 0.4, 0.6, 1.0)[i % 4]
        return "".join(word(odd) + rng.choice(SPACES) for _ in range(length))

    return [text(i) for i in range(count)]
