"""The files that are attacked: golden files of every kind, and one whose coded rows are packed in every way."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import nlucompress
from nlucompress.linear import LinearModel, Namespace

from .parts import Header, Sections, open_parts

GOLDEN = Path(__file__).parent.parent / "golden"
KINDS = ((1, 0), (1, 1), (2, 1), (2, 2), (4, 7), (4, 8), (8, 0))  # of packed rows: bits, bias


class Base(NamedTuple):
    """A whole file, taken apart, with samples that it reads."""

    name: str
    data: bytes
    header: Header
    sections: Sections
    samples: list[Any]

    @property
    def coder(self) -> str:
        """How its rows are coded."""
        return str(self.header["rows"]["coder"])

    @property
    def tagging(self) -> bool:
        """Whether its samples are sequences."""
        return bool(self.header["task"] == "tagging")


def base(name: str, data: bytes, samples: list[Any]) -> Base:
    """A file, taken apart."""
    return Base(name, data, *open_parts(data), samples)


@functools.cache
def bases() -> dict[str, Base]:
    """All of them by name: the golden files of the newest version of each kind, and ``packed``."""
    expected = json.loads((GOLDEN / "expected.json").read_text(encoding="ascii"))
    found = {}
    for path in sorted(GOLDEN.glob("model-v1.[12]-*.nluc")):  # 1.2 comes after 1.1
        name = path.stem.split("-", 2)[2]
        found[name] = base(name, path.read_bytes(), expected[path.name]["samples"])
    found["packed"] = base("packed", _packed(), ["w1 w2 w6", "w12 w18", ""])
    return dict(sorted(found.items()))


def _packed() -> bytes:
    """Coded rows of which the frequent ones are packed, some in groups, some single."""
    rng = np.random.default_rng(5)
    n, columns = 240, 40
    hot = np.arange(n) % 6 == 0
    dense = rng.integers(1, 4, (n, columns)) * (rng.random((n, columns)) < np.where(hot, 0.9, 0.05)[:, None])
    dense[hot] *= rng.choice([1, 2], (int(hot.sum()), 1))
    dense *= rng.choice([-1, 1], dense.shape)
    dense[100:120] = dense[0:20]  # rows that slots share
    idf = np.where(hot, 1.0, rng.choice([6.0, 7.0, 8.0], n))
    idf[100:120] = idf[0:20]
    model = LinearModel(
        (Namespace("w"),),
        (tuple(f"w{i}" for i in range(n)),),
        dense.astype(float),
        np.zeros(columns),
        np.arange(columns),
        link="softmax",
        idf=idf,
    )
    with (
        mock.patch("nlucompress.rows.forms.MOST_GROWTH", 0.9),
        mock.patch("nlucompress.rows.forms.MOST_RUNS", 0),
        mock.patch("nlucompress.rows.forms.PACKED", KINDS),
    ):
        return nlucompress.compress(model, layout="coded", buckets=16).data
