"""The example for devices: the same labels and scores as Python's, on this machine and on a 32-bit Arm core."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

import nlucompress

EXAMPLE = Path(__file__).parents[1] / "examples" / "embedded"
NATIVE = Path(nlucompress.__file__).parent / "native"  # where the package lies, which may be installed
GOLDEN = Path(__file__).with_name("golden")
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="ascii"))
OF_TEXTS = sorted(name for name, golden in EXPECTED.items() if all(isinstance(text, str) for text in golden["samples"]))

ARM = {"arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf", "qemu-arm": "qemu-user"}
NO_ARM = ", ".join(f"no {tool} (package {package})" for tool, package in ARM.items() if shutil.which(tool) is None)
on_arm = pytest.mark.skipif(bool(NO_ARM), reason=f"{NO_ARM}; .ci/run installs both where it may")

SANITIZE = "-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
SENTENCES = [
    ("switch the light on", "light"), ("licht an bitte", "light"), ("ÉTEINS la lumière, s'il te plaît", "light"),
    ("play some jazz", "music"), ("spiele Musik in der Küche", "music"), ("joue de la MUSIQUE naïve", "music"),
    ("set a timer for ten minutes", "timer"), ("stelle einen Timer auf zehn Minuten", "timer"), ("10 分 タイマー", "timer"),
]  # fmt: skip
TEXTS = [
    "switch on the jazz", "", " ", "?!", "ÉTEINS", "e\u0301teins la lumie\u0300re", "ΟΔΥΣΣΕΥΣ ΟΔΟΣ", "İstanbul STRASSE",
    "10 分 タイマー お願い", "\U0001f44d\U0001f3fd ok", "tab\there\u3000and\u00a0there", "x", "\ud800 lone", "an an an an",
    "play " * 200,
]  # fmt: skip


def make(*arguments: str) -> str:
    command = ["make", "-s", "-C", str(EXAMPLE), f"NLUC={NATIVE}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Program:
    """The built program, and how to start it."""

    def __init__(self, *command: str) -> None:
        self.command = command

    def run(self, *arguments: str | Path | bytes, lines: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*self.command, *arguments], input=lines, capture_output=True)

    def labels(self, model: Path, texts: list[str]) -> list[str]:
        done = self.run(model, *(text.encode("utf-8", "surrogatepass") for text in texts))
        assert (done.returncode, done.stderr) == (0, b"")
        return [line.split("\t")[0] for line in done.stdout.decode("utf-8").splitlines()]

    def scores(self, model: Path, texts: list[str]) -> npt.NDArray[np.float64]:
        done = self.run("-a", model, *(text.encode("utf-8", "surrogatepass") for text in texts))
        assert (done.returncode, done.stderr) == (0, b"")
        scores = [float(line.split("\t")[1]) for line in done.stdout.decode("utf-8").splitlines()]
        return np.array(scores).reshape(len(texts), -1)


@functools.cache
def can_sanitize() -> bool:
    command = ["cc", *SANITIZE.split(), "-x", "c", "-", "-o", "/dev/null"]
    return not subprocess.run(command, input=b"int main(void) { return 0; }", capture_output=True).returncode


@pytest.fixture(scope="session", params=["host", "sanitized", pytest.param("arm", marks=on_arm)])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    build = tmp_path_factory.mktemp(f"embedded-{request.param}")
    if request.param == "arm":
        make("arm", f"BUILD={build}", "CFLAGS=-Werror")
        return Program("qemu-arm", str(build / "classify-arm"))
    if request.param == "sanitized" and not can_sanitize():
        pytest.skip("cc has no -fsanitize=address,undefined (GCC: libasan, libubsan)")
    make(f"BUILD={build}", "CFLAGS=-Werror", f"LDFLAGS={SANITIZE if request.param == 'sanitized' else ''}")
    return Program(str(build / "classify"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Word and character n-grams, sublinear tf, accents stripped: all that a text takes on its way."""
    pipeline = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode"),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
        ),
        LogisticRegression(C=10),
    )
    texts, labels = zip(*SENTENCES, strict=True)
    pipeline.fit(texts, labels)
    path = tmp_path_factory.mktemp("small") / "small.nluc"
    nlucompress.compress(pipeline).save(path)
    return path


def shown(label: Any) -> str:
    if isinstance(label, str):
        return label
    return format(label, ".17g") if isinstance(label, float) else str(int(label))


def compare(program: Program, path: Path, texts: list[str]) -> None:
    model = nlucompress.load(path)
    expected = model.decision_function(texts).reshape(len(texts), -1)
    scores = program.scores(path, texts)
    if model.info()["task"] == "binary":  # one score, printed beside both classes
        assert np.array_equal(scores[:, :1], scores[:, 1:])
        scores = scores[:, :1]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    if model.info()["task"] == "multilabel":
        labels = model.classes_[expected.argmax(axis=1)].tolist()
    else:
        labels = model.predict(texts).tolist()
    assert program.labels(path, texts) == [shown(label) for label in labels]


@pytest.mark.parametrize("name", OF_TEXTS)
def test_a_golden_file_gives_the_labels_and_scores_that_python_gives(program: Program, name: str) -> None:
    compare(program, GOLDEN / name, EXPECTED[name]["samples"])


def test_the_golden_files_of_texts_are_most_of_them() -> None:
    assert len(OF_TEXTS) >= 12


def test_a_small_model_gives_the_labels_and_scores_that_python_gives(program: Program, small: Path) -> None:
    compare(program, small, TEXTS + [text for text, _ in SENTENCES])


def test_lines_of_standard_input_are_texts(program: Program, small: Path) -> None:
    texts = ["play some jazz", "", "ÉTEINS la lumière"]
    done = program.run(small, lines="\n".join(texts).encode())
    assert done.stdout == program.run(small, *texts).stdout
    assert done.stdout.count(b"\n") == 3


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        (lambda data: data[:-64], "P3"),
        (lambda data: data[:100], "P3"),
        (lambda data: data[:40], "P3"),
        (lambda data: b"", "P1"),
        (lambda data: b"no model" * 64, "P1"),
        (lambda data: data[:80] + bytes([data[80] ^ 1]) + data[81:], "P6"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "P7"),  # padding: only the hash of the file sees it
    ],
)
def test_a_damaged_file_is_refused_by_the_rule_it_breaks(
    program: Program, small: Path, tmp_path: Path, damage: Any, status: str
) -> None:
    path = tmp_path / "damaged.nluc"
    path.write_bytes(damage(small.read_bytes()))
    done = program.run(path, "play some jazz")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.endswith(f": {status}\n".encode())


def test_no_file_is_an_error(program: Program, tmp_path: Path) -> None:
    for arguments in ((), (tmp_path / "none.nluc", "x")):
        done = program.run(*arguments)
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"no such file" in done.stderr


def test_what_needs_python_says_so(program: Program, tmp_path: Path) -> None:
    features = program.run(GOLDEN / "model-v1.0-external.nluc", "play")
    assert (features.returncode, features.stderr) == (1, b"classify: play: input\n")
    pipeline = make_pipeline(TfidfVectorizer(token_pattern="[a-z]+"), LogisticRegression())
    texts, labels = zip(*SENTENCES, strict=True)
    nlucompress.compress(pipeline.fit(texts, labels)).save(tmp_path / "pattern.nluc")
    pattern = program.run(tmp_path / "pattern.nluc", "play")
    assert (pattern.returncode, pattern.stderr) == (1, b"classify: play: spans\n")


def test_a_text_too_long_for_the_scratch_memory_is_an_error(program: Program, small: Path) -> None:
    done = program.run(small, "".join(map(chr, range(0x4E00, 0x6E00))))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.endswith(b": room\n")


def test_a_build_without_accents_refuses_a_model_that_strips_them(small: Path, tmp_path: Path) -> None:
    make(f"BUILD={tmp_path}", "CFLAGS=-Werror -DNLUC_NO_ACCENTS")
    program = Program(str(tmp_path / "classify"))
    assert program.run(small, "x").stderr.endswith(b": limit\n")
    compare(program, GOLDEN / "model-v1.0-plain.nluc", EXPECTED["model-v1.0-plain.nluc"]["samples"])


def test_a_build_without_coded_rows_refuses_a_model_that_has_them(tmp_path: Path) -> None:
    make(f"BUILD={tmp_path}", "CFLAGS=-Werror -DNLUC_NO_CODED")
    program = Program(str(tmp_path / "classify"))
    coded = next(GOLDEN.glob("*coded*.nluc"))
    assert program.run(coded, "x").stderr.endswith(b": limit\n")
    compare(program, GOLDEN / "model-v1.0-plain.nluc", EXPECTED["model-v1.0-plain.nluc"]["samples"])


# -- what a device links -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("embedded-objects")
    make("-j4", "all", "size", f"BUILD={build}", "CFLAGS=-Werror")
    return build


def test_the_freestanding_objects_ask_for_memcpy_and_memset_alone(built: Path) -> None:
    """And on Arm for the compiler's own arithmetic, of libgcc: 64-bit division, and doubles where no FPU has them."""
    lines = [line.split(":") for line in make("symbols", f"BUILD={built}").splitlines()]
    assert len(lines) == (4 if shutil.which("arm-linux-gnueabihf-gcc") is None else 12)
    for path, names in lines:
        foreign = set(names.split()) - {"memcpy", "memset"}
        if not Path(path).name.startswith("host"):
            foreign = {name for name in foreign if not name.startswith("__aeabi_")}
        assert not foreign, path


def test_no_stack_frame_is_large(built: Path) -> None:
    make("stack", f"BUILD={built}")
    frames = [line.split("\t")[1] for path in built.glob("*.su") for line in path.read_text().splitlines()]
    assert 512 < max(map(int, frames)) <= 1536


def test_sizes_are_printed(built: Path) -> None:
    head, *rows = make("size", f"BUILD={built}").splitlines()
    assert head.split() == ["object", "text", "rodata", "data", "bss"]
    sizes = {Path(name).stem: [int(number) for number in numbers] for name, *numbers in (row.split() for row in rows)}
    assert all(data == 0 for _, _, data, _ in sizes.values())
    text, rodata, _, bss = sizes["host"]
    assert text < 31_000
    assert rodata < 41_000
    assert bss < 12_000
    assert sizes["host-plain"][1] < rodata - 20_000
    assert sizes["host-uncoded"][0] < text - 2_000
    assert sizes["host-uncoded"][3] < bss - 5_000


def test_what_the_readme_shows_is_what_is_printed(built: Path) -> None:
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in readme.split("```console\n")[1:]]
    commands = [part.partition("\n") for block in blocks for part in block.removeprefix("$ ").split("\n$ ")]
    commands = [command for command in commands if command[0].startswith("build/classify")]
    assert len(commands) == 2
    for command, _, output in commands:
        line = command.replace("build/classify", f"'{built}/classify'", 1)
        done = subprocess.run(line, shell=True, cwd=EXAMPLE, capture_output=True, text=True)
        assert done.stdout + done.stderr == output
