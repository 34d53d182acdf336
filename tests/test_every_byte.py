"""Every byte: a file cut anywhere, or with any byte changed, gives an error or answers; never a crash.

Each golden file of the newest writer, one of each kind, and a bundle. Under verify="full" every change is refused, in both
runtimes and by the C core alone: the SHA-256 covers all bytes. Under verify="header" the two runtimes refuse the same
files, and what opens is asked: only a ValueError may come of it, and what is not refused is changed in the sections.

The suite takes some places of each file and one changed value; NLUCOMPRESS_EVERY_BYTE=1 takes every place, and
NLUCOMPRESS_EVERY_BYTE=255 every place and every value, which is days; `bin/fuzz native --every-byte` does that with the C
core alone. Files with valid checksums that lie are test_format.py's.
"""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nlucompress import FormatError, Model, Tagger, bundle
from nlucompress.backend import VARIABLE
from nlucompress.runtime import opened_as

FOLDER = Path(__file__).parent / "golden"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="ascii"))
OLDER = ("model-v1.0", "model-v1.1-coded")  # of older writers: what they hold is there once more
KINDS = sorted(path.name for path in FOLDER.glob("*.nluc") if not path.name.startswith(OLDER))
VALUES = int(os.environ.get("NLUCOMPRESS_EVERY_BYTE", "0"))  # changed values of each byte; 0: of some bytes one
SOME = 24  # places of a file
BACKENDS = ("native", "reference")
EACH = pytest.mark.parametrize("name", KINDS)


def places(data: bytes, name: str) -> list[int]:
    """The bytes of a file that are changed: all, or some of the preamble, of the header and of the sections."""
    if VALUES:
        return list(range(len(data)))
    rng = random.Random(name)
    end = header_end(data)
    return sorted({*rng.sample(range(64), SOME // 4), *rng.sample(range(64, end), SOME // 4),
                   *rng.sample(range(end, len(data)), SOME // 2)})  # fmt: skip


def header_end(data: bytes) -> int:
    (length,) = struct.unpack_from("<I", data, 12)
    return 64 + int(length)


def damaged(data: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """(place, the file with another value there)."""
    rng = random.Random(f"{name} values")
    for at in places(data, name):
        for other in range(1, 256) if VALUES == 255 else [rng.randrange(1, 256)]:
            yield at, data[:at] + bytes([data[at] ^ other]) + data[at + 1 :]


def ask(model: Any, samples: list[Any]) -> Any:
    """The answers to a file's samples, or None for a ValueError: a damaged weight is not a number, or a name no codec's."""
    try:
        with np.errstate(all="ignore"):
            if isinstance(model, Tagger):
                return model.predict(samples), model.predict_marginals(samples)
            assert isinstance(model, Model)
            return model.predict(samples).tolist(), model.decision_function(samples).tolist()
    except ValueError:
        return None


def outcome(data: bytes, samples: list[Any], backend: str, verify: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A FormatError, or the answers."""
    monkeypatch.setenv(VARIABLE, backend)
    try:
        model = opened_as(data, verify)
    except FormatError as error:
        return error
    return ask(model, samples)


def core(data: bytes) -> Callable[[], None]:
    """The C core's own full verification, without Python's."""
    from nlucompress import _native

    return lambda: _native.Model(data).verify()


def test_the_kinds_are_all_there() -> None:
    words = ("plain", "dense", "pool", "coded", "sharded", "calibrated", "baseline", "columns", "fasttext", "hashed",
             "items", "dict", "tagging-template", "empty", "multilabel", "binary")  # fmt: skip
    names = {name.removesuffix(".nluc").split("-", 2)[2] for name in KINDS}
    assert names.issuperset(words), set(words) - names


@EACH
def test_a_truncated_file_is_refused(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    for length in range(len(data)) if VALUES else places(data, name):
        for verify in ("header", "full"):
            with pytest.raises(FormatError):
                opened_as(data[:length], verify)  # type: ignore[arg-type]
        with pytest.raises(FormatError):
            core(data[:length])()


@EACH
def test_a_changed_byte_is_found_in_full(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    opened_as(data, "full")
    core(data)()
    for _, other in damaged(data, name):
        with pytest.raises(FormatError):
            opened_as(other, "full")
        with pytest.raises(FormatError):
            core(other)()


@EACH
def test_a_changed_byte_is_refused_or_harmless_at_open(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, samples = (FOLDER / name).read_bytes(), EXPECTED[name]["samples"]
    for at, other in damaged(data, name):
        native, reference = (outcome(other, samples, backend, "header", monkeypatch) for backend in BACKENDS)
        refused = isinstance(native, FormatError)
        assert refused == isinstance(reference, FormatError), (at, native, reference)
        assert refused or 32 <= at < 64 or at >= header_end(data), at  # the header's and preamble's own checksums


def test_a_changed_byte_of_a_bundle_is_found_or_changes_nothing(tmp_path: Path) -> None:
    path, golden = tmp_path / "b.nlub", FOLDER / "bundle-v1.0.nlub"
    whole = golden.read_bytes()
    with bundle.Bundle(golden) as opened:
        models = {name: opened.read(name) for name in opened}
    assert bundle.verify(golden)["errors"] == {}
    read = 0
    used = [*range(16), *range(4096, 4160), *range(8192, 8256), *range(bundle.START, len(whole))]
    rng = random.Random(0)
    for at in used if VALUES else rng.sample(used, 60):
        for other in range(1, 256) if VALUES == 255 else [rng.randrange(1, 256)]:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ other]) + whole[at + 1 :])
            try:
                found = bundle.verify(path)
            except FormatError:
                continue
            with bundle.Bundle(path) as opened:
                kept = {name: opened.read(name) for name in opened if name not in found["errors"]}
            assert kept.items() <= models.items()
            assert kept == models or found["errors"] or found["damage"]
            read += 1
    assert read > 0
