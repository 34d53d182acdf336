"""All attacks on .nluc files: some files are attacked in every place, the others where they differ from these."""

from __future__ import annotations

from collections.abc import Iterator

from . import Attack, header, index, msgpack_bytes, preamble, rows, table, tagging
from .bases import Base, bases

WHOLE = {"plain", "tagging-template"}
OWN = {  # fields of the header that are these files' own, besides the parameters of the row coder
    "sharded": r"index",
    "fasttext": r"namespaces\[1\]|steps",
    "items": r"namespaces\[0\]\.(analyzer|tf|separator|column|unseen)",
    "hashed": r"namespaces\[0\]\.(hash|alter|tf|unseen|analyzer)",
    "columns": r"namespaces\[1\]\.(column|analyzer|name)",
    "empty": r"index|slots|rows",
    "binary": r"task|link|classes",
    "multilabel": r"task|link",
    "packed": r"slots",
    "coded": r"slots",
    "pool": r"slots",
    "calibrated": r"link|classes",
}


def of(base: Base) -> Iterator[tuple[str, Attack]]:
    """The attacks on one file, each with its maker's name."""
    whole = base.name in WHOLE
    makers = {
        "header": header.attacks(base, "" if whole else rf"rows\.(?!n$|columns|coder)|{OWN.get(base.name, '$')}"),
        "table": table.of_lengths(base),
        "index": index.attacks(base),
        "rows": rows.attacks(base),
        "tagging": tagging.attacks(base),
    }
    if whole:
        makers |= {
            "preamble": preamble.attacks(base),
            "sections": table.attacks(base),
            "msgpack": msgpack_bytes.attacks(base),
        }
    for name, maker in makers.items():
        yield from ((name, attack) for attack in maker)


def every() -> Iterator[tuple[str, Base, Attack]]:
    """Maker's name, the file that is attacked, the attack."""
    for base in bases().values():
        for name, attack in of(base):
            yield name, base, attack
