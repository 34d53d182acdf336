"""The sum of rows of all codes, with AVX2 and without: in C, as the extension and as a device have it, against numpy."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_format import FILES, TEXTS

import nlucompress
from nlucompress import reference
from nlucompress.linear import LinearModel, Namespace, Step

Floats = npt.NDArray[np.float64]
NATIVE = Path(nlucompress.__file__).parent / "native"
HARNESS = Path(__file__).with_name("native_sums.c")
GOLDEN = Path(__file__).with_name("golden")
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="ascii"))
OF_TEXTS = sorted(name for name, golden in EXPECTED.items() if all(isinstance(text, str) for text in golden["samples"]))
# The extension's own options, and those of a program for this machine alone, whose compiler may round once for twice.
BUILDS = [
    ("gcc", "-O2 -ftree-vectorize -fvect-cost-model=dynamic"),
    ("gcc", "-O3 -march=native"),
    ("clang", "-O3 -march=native"),
]


class Sums:
    """The compiled functions, as Python would have them."""

    def __init__(self, library: ctypes.CDLL, wide: bool) -> None:
        self.library, self.wide = library, wide

    def _choose(self) -> None:
        assert bool(self.library.wide(int(self.wide))) == self.wide

    def add(self, codes: npt.NDArray[np.uint8], values: Floats, sums: Floats) -> Floats:
        """sums + values @ codes; nothing beside the sums is written."""
        self._choose()
        count, columns = codes.shape
        out = np.full(columns + 2, 7.5)
        out[1:-1] = sums
        self.library.add_codes(np.ascontiguousarray(codes).ctypes, values.ctypes, count, columns, out[1:].ctypes)
        assert (out[0], out[-1]) == (7.5, 7.5)
        return out[1:-1]

    def scores(self, data: bytes, texts: list[str], columns: int) -> Floats:
        """decision_function of a file."""
        self._choose()
        scratch, out = np.empty(1 << 16), np.full((len(texts), columns), np.nan)
        for text, row in zip(texts, out, strict=True):
            raw = text.encode("utf-8", "surrogatepass")
            room = ctypes.c_size_t(scratch.nbytes)
            status = self.library.score(data, ctypes.c_size_t(len(data)), raw, ctypes.c_size_t(len(raw)), scratch.ctypes,
                                        room, row.ctypes)  # fmt: skip
            assert status == 0
        return out


@pytest.fixture(scope="module", params=BUILDS, ids=" ".join)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler, options = request.param
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    path = tmp_path_factory.mktemp("sums") / "sums.so"
    command = [
        compiler,
        "-Wall",
        "-Wextra",
        "-Werror",
        *options.split(),
        "-shared",
        "-fPIC",
        f"-I{NATIVE}",
        str(HARNESS),
    ]
    done = subprocess.run([*command, "-o", str(path)], capture_output=True, text=True)
    if "unknown argument" in done.stderr:
        pytest.skip(f"{compiler} is another compiler here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(path))


@pytest.fixture(params=["portable", "avx2"])
def sums(request: pytest.FixtureRequest, library: ctypes.CDLL) -> Sums:
    if request.param == "avx2" and not library.wide(1):
        pytest.skip("this processor has no AVX2")
    return Sums(library, request.param == "avx2")


def test_sums_of_whole_numbers_are_exact(sums: Sums) -> None:
    rng = np.random.default_rng(1)
    for columns in (*range(1, 40), 63, 64, 65, 151, 255, 256, 257, 300):
        for count in (0, 1, 2, 3, 4, 5, 7, 8, 31, 32, 127, 128):
            codes = rng.integers(0, 256, (count, columns), np.uint8)
            values = rng.integers(-1000, 1000, count) / 8
            before = rng.integers(-1000, 1000, columns) / 8
            np.testing.assert_array_equal(sums.add(codes, values, before), before + values @ codes)


@pytest.mark.parametrize("columns", [1, 4, 19, 151])
def test_sums_of_any_values_are_near(sums: Sums, columns: int) -> None:
    rng = np.random.default_rng(columns)
    codes, values = rng.integers(0, 256, (128, columns), np.uint8), rng.standard_normal(128)
    before = rng.standard_normal(columns)
    exact = before + values.astype(np.longdouble) @ codes
    assert (np.abs(sums.add(codes, values, before) - exact) <= 2e-15 * (np.abs(values) @ codes + 1)).all()


@given(seed=st.integers(0, 1 << 32), count=st.integers(0, 128), columns=st.integers(1, 70))
def test_columns_of_equal_codes_have_equal_sums_to_the_last_bit(library: ctypes.CDLL, seed: int, count: int, columns: int
                                                                ) -> None:  # fmt: skip
    """Else a tie of two classes would be broken by where they stand, and what cancels would leave a remainder."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(rng.integers(0, 256, (count, 1), np.uint8), columns, axis=1)
    values = rng.standard_normal(count)
    for wide in {False, bool(library.wide(1))}:
        found = Sums(library, wide).add(codes, values, np.zeros(columns))
        alone = Sums(library, wide).add(codes[:, :1], values, np.zeros(1))
        assert set(found.tolist()) == set(alone.tolist())


def test_scores_of_golden_files_are_the_expected_ones(sums: Sums) -> None:
    for name in OF_TEXTS:
        samples, wanted = EXPECTED[name]["samples"], np.array(EXPECTED[name]["scores"])
        found = sums.scores((GOLDEN / name).read_bytes(), samples, wanted.size // len(samples))
        np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("coder", list(FILES))
def test_scores_of_a_file_with_every_section_are_the_references(sums: Sums, coder: str) -> None:
    file = nlucompress.Model(FILES[coder])._file
    wanted = reference.Scorer(file, reference.FileTable(file)).decision_function(TEXTS)
    found = sums.scores(FILES[coder], TEXTS, wanted.shape[1])
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())


def thin_class(columns: int) -> tuple[LinearModel, list[str]]:
    """A multilabel model without intercepts; its first, middle and last class have no weight but in the word w0."""
    rng = np.random.default_rng(columns)
    names = [f"w{i}" for i in range(60)]
    weights = rng.standard_normal((60, columns))
    weights[1:, [0, columns // 2, -1]] = 0
    model = LinearModel((Namespace("w"),), (names,), weights, np.zeros(columns), np.arange(columns), "multilabel",
                        idf=1 + rng.random(60), steps=(Step("norm", (0,), "l2"),))  # fmt: skip
    return model, [" ".join(rng.choice(names[1:], length)) for length in (1, 2, 3, 4, 5, 9, 30, 60) for _ in range(4)]


@pytest.mark.parametrize("columns", [4, 5, 7, 23, 300])
@pytest.mark.parametrize("coder", ["dense", "pool"])
def test_a_class_without_a_weight_in_a_text_scores_exactly_zero(sums: Sums, columns: int, coder: Any) -> None:
    model, texts = thin_class(columns)
    for kind in ("model", "class"):
        compressed = nlucompress.compress(model, layout=coder, range=kind, check_bits=32)
        wanted = reference.exact(compressed.dequantized()).decision_function(texts)
        found = sums.scores(compressed.data, texts, columns)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
        assert not found[:, [0, columns // 2, -1]].any()
        np.testing.assert_array_equal(found > 0, wanted > 0)
