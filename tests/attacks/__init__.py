"""Attacks: files made by code, each named for the relation that it breaks, all with valid checksums.

Every module has ``attacks(base)``: it enumerates the fields of one part of FORMAT.md, as that page has them and not as the
library reads them, and sets each to values that a file should not have: of the wrong type, 0, one less, one more, the
largest, not finite, overlapping, out of order. ``bases.py`` has the files that are attacked, ``parts.py`` takes them
apart. tests/test_attacks.py asks both runtimes; benchmarks/attacks.py measures them.

| module | what is attacked |
|---|---|
| ``preamble`` | numbers of the preamble |
| ``msgpack_bytes`` | the header's bytes: depth, claims, sizes, keys |
| ``header`` | every field of the header |
| ``table`` | the table of sections, and the lengths of sections |
| ``index`` | blocks, shards, slots; labels and all numbers that must be finite |
| ``rows`` | the sections of each row coder |
| ``tagging`` | transitions and token templates |
| ``bundle`` | .nlub: slots and directories |
"""

from __future__ import annotations

from typing import NamedTuple


class Attack(NamedTuple):
    """A file and what is claimed of it.

    claims: alternatives parted by ``|``, one of which holds: a rule (``S6``), the file is refused when it is opened, by
    it; a rule and a star (``R3*``), it is refused by verify="full", and harmless if it is only opened; ``opens``, it holds
    all rules, and is harmless.
    """

    name: str
    data: bytes
    claims: str
