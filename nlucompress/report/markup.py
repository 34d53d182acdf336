"""HTML out of Python calls, escaped unless it was made here; and plain data as text that a reader can see."""

from __future__ import annotations

import html
import json
import unicodedata
from typing import Any

LONGEST = 600  # characters of a text that are shown


class Markup(str):
    """Text that is HTML already. Everything else is escaped when it becomes a child or an attribute."""

    __slots__ = ()


def tag(name: str, *children: Any, **attributes: Any) -> Markup:
    """One element. An attribute that is None is left out; ``class_`` is class, ``aria_label`` is aria-label.

    >>> tag("p", "1 < 2, ", tag("b", "R&D"), class_="note", id=None)
    '<p class="note">1 &lt; 2, <b>R&amp;D</b></p>'
    """
    names = "".join(f' {key.strip("_").replace("_", "-")}="{escape(value)}"'
                    for key, value in attributes.items() if value is not None)  # fmt: skip
    return Markup(f"<{name}{names}>{join(*children)}</{name}>")


def join(*children: Any) -> Markup:
    """Children one after the other; None is nothing."""
    return Markup("".join(escape(child) for child in children if child is not None))


def escape(value: Any) -> Markup:
    """A value as HTML text, safe in an attribute too; what is Markup stays as it is."""
    return value if isinstance(value, Markup) else Markup(html.escape(visible(str(value))))


def word(value: Any) -> Markup:
    """A label or a text from outside: escaped, apart from the direction of what surrounds it, cut if it is very long."""
    text = words_of(value)
    if not text:
        return tag("i", "(empty)", class_="muted")
    rest = len(text) - LONGEST
    shown = text if rest <= 0 else text[:LONGEST]
    return join(tag("bdi", shown), tag("span", f" … ({rest:,} more characters)", class_="muted") if rest > 0 else None)


def words_of(value: Any) -> str:
    """Plain data as text: a list of labels with commas, a mapping as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) if value else "(none)"
    if value is None:
        return "(no class)"
    return json.dumps(value, ensure_ascii=False, default=str)


def visible(text: str) -> str:
    r"""Characters that HTML cannot hold, or that no reader sees, as signs: controls, halves of surrogates, non-characters.

    >>> visible("a\nb\x00\x85\ud800\ufffe")
    'a↵b␀\\x85\\ud800\\ufffe'
    """
    return "".join(map(_sign, text)) if not text.isprintable() else text


def _sign(character: str) -> str:
    code = ord(character)
    if character == "\n":
        return "↵"
    if code < 32 or code == 127:
        return chr(0x2400 + (code if code < 32 else 33))
    if unicodedata.category(character) in ("Cc", "Cs") or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return character.encode("unicode_escape").decode("ascii")
    return character
