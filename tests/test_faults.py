"""What can go wrong around a file: full disks, folders that are no folders, targets that are no files, writers that are
killed, files that are replaced or cut while they are read, many readers at once, memory that is never given back.

The long forms are benchmarks/faults.py's; here it runs small.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nlucompress
from nlucompress import FormatError, Model, Tagger, bundle, fileformat
from nlucompress.linear import LinearModel, Namespace

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
OLD, NEW = (GOLDEN / "model-v1.1-binary.nluc").read_bytes(), (GOLDEN / "model-v1.2-coded.nluc").read_bytes()
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
POSIX = pytest.mark.skipif(os.name != "posix", reason="not a POSIX system")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "m.nluc"
    path.write_bytes(OLD)
    return path


def run(code: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    """A new process with this checkout's nlucompress."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def unharmed(target: Path) -> None:
    """The old file is as it was, and nothing else is in its folder."""
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == [target.name]


# -- a disk that is full ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_of_the_disk_leaves_the_old_file(target: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left") as error:
        fileformat.save(NEW, target, overwrite=True)
    assert error.value.errno == errno.ENOSPC
    monkeypatch.undo()
    unharmed(target)


def test_a_failure_of_the_disk_names_the_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"m\.nluc"):
        fileformat.save(NEW, target, overwrite=True)


LIMITED = """
import resource, signal, sys
from nlucompress import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (700, -1))
cli.main(sys.argv[1:])
"""


@POSIX
def test_a_limit_of_bytes_is_exit_code_1_and_leaves_the_old_file(target: Path, tmp_path_factory: Any) -> None:
    source = tmp_path_factory.mktemp("source") / "w.tsv"
    source.write_text(
        "feature\tlabel\tweight\n" + "".join(f"word{number}\t{label}\t1.5\n" for number in range(50) for label in "ab")
    )
    done = run(LIMITED, "compress", source, "-o", target, "--force")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert "m.nluc" in done.stderr
    unharmed(target)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB; it can be had by root on Linux."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not (sys.platform == "linux" and AS_ROOT and shutil.which("mount")):
        pytest.skip("no file system can be mounted: not root on Linux")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_leaves_old_file_and_bundle(small_disk: Path) -> None:
    target, fleet = small_disk / "m.nluc", small_disk / "b.nlub"
    target.write_bytes(OLD)
    bundle.create(fleet, {"one": OLD})
    before = fleet.read_bytes()
    with pytest.raises(OSError, match="No space left"):
        fileformat.save([NEW] * 30, target, overwrite=True)
    with pytest.raises(OSError, match="No space left"):
        bundle.add(fleet, models(20))
    assert target.read_bytes() == OLD
    assert fleet.read_bytes() == before
    assert sorted(os.listdir(small_disk)) == ["b.nlub", "m.nluc"]


def models(count: int) -> dict[str, bytes]:
    """Models that differ, of some KB each."""
    made = {}
    for number in range(count):
        weights = np.random.default_rng(number).standard_normal((400, 6))
        names = [f"w{number} {i}" for i in range(400)]
        model = LinearModel(
            (Namespace("f", analyzer="features"),), (names,), weights, np.zeros(6), np.array(list("abcdef"))
        )
        made[f"model {number}"] = nlucompress.compress(model, layout="fast").data
    return made


# -- targets that are no files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(IsADirectoryError if overwrite else FileExistsError, match="folder"):
        fileformat.save(NEW, folder, overwrite)
    assert os.listdir(tmp_path) == ["folder"]


@POSIX
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_pipe_a_device_and_links_to_them_are_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.symlink(os.devnull, tmp_path / "link")
    for path in (tmp_path / "pipe", tmp_path / "link", Path(os.devnull)):
        with pytest.raises(OSError, match=str(path)) as error:
            fileformat.save(NEW, path, overwrite)
        assert ("not a regular file" in str(error.value)) is overwrite
        assert not stat.S_ISREG(path.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


@POSIX
def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "v1.nluc").write_bytes(OLD)
    os.symlink("v1.nluc", tmp_path / "current.nluc")
    with pytest.raises(FileExistsError):
        fileformat.save(NEW, tmp_path / "current.nluc")
    fileformat.save(NEW, tmp_path / "current.nluc", overwrite=True)
    assert not (tmp_path / "current.nluc").is_symlink()
    assert (tmp_path / "current.nluc").read_bytes() == NEW
    assert (tmp_path / "v1.nluc").read_bytes() == OLD


@POSIX
def test_a_link_to_nothing_is_there_all_the_same(tmp_path: Path) -> None:
    os.symlink("nowhere", tmp_path / "link")
    with pytest.raises(FileExistsError):
        fileformat.save(NEW, tmp_path / "link")
    assert os.listdir(tmp_path) == ["link"]


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_permissions_of_a_replaced_file_stay(target: Path, mode: int) -> None:
    target.chmod(mode)
    fileformat.save(NEW, target, overwrite=True)
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_bytes() == NEW
    with fileformat.replacing(str(target), True) as file:  # before there is something to read
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == mode


def test_an_error_of_somebody_elses_keeps_its_words(target: Path) -> None:
    def sections() -> Iterator[bytes]:
        yield OLD
        raise gzip.BadGzipFile("the reason")

    with pytest.raises(gzip.BadGzipFile, match="the reason"):
        fileformat.save(sections(), target, overwrite=True)
    unharmed(target)


# -- folders ------------------------------------------------------------------------------------------------------------

NOBODY = """
import os, sys
import nlucompress
from nlucompress import fileformat  # before: another user may not be able to read this Python
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for overwrite in (False, True):
    try:
        fileformat.save(b"new", sys.argv[1 + overwrite], overwrite=overwrite)
    except PermissionError as error:
        print(error.filename)
"""


@POSIX
def test_a_folder_that_is_read_only_is_an_error_that_names_the_file(target: Path) -> None:
    target.parent.chmod(0o555)
    parents = [parent for parent in target.parents if parent.stat().st_uid == os.geteuid() and len(parent.parts) > 2]
    modes = [parent.stat().st_mode for parent in parents]
    for parent, mode in zip(parents, modes, strict=True):
        parent.chmod(mode | 0o555)
    try:
        done = run(NOBODY, target.with_name("new.nluc"), target)
    finally:
        for parent, mode in zip(parents, modes, strict=True):
            parent.chmod(mode)
        target.parent.chmod(0o755)
    assert done.stdout.split() == [str(target.with_name("new.nluc")), str(target)], done.stderr
    unharmed(target)


def test_a_folder_that_vanishes_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def pieces() -> Iterator[bytes]:
        yield NEW
        shutil.rmtree(folder)

    for overwrite in (False, True):
        folder.mkdir(exist_ok=True)
        with pytest.raises(FileNotFoundError, match=r"m\.nluc"):
            fileformat.save(pieces(), folder / "m.nluc", overwrite)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"m\.nluc"):
        fileformat.save(NEW, tmp_path / "none" / "m.nluc")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"m\.nluc"):
        fileformat.save(NEW, tmp_path / "file" / "m.nluc")


def test_a_name_as_long_as_it_may_be_is_written_and_a_longer_one_is_an_error(tmp_path: Path) -> None:
    fileformat.save(NEW, tmp_path / ("x" * 255))
    for overwrite in (False, True):
        with pytest.raises(OSError, match="xxx"):
            fileformat.save(NEW, tmp_path / ("x" * 256), overwrite)
    assert os.listdir(tmp_path) == ["x" * 255]


# -- files that change while they are read ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["model-v1.2-coded.nluc", "model-v1.2-tagging-coded.nluc"])
def test_a_file_that_is_replaced_or_deleted_goes_on_answering_as_it_was(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.nluc"
    path.write_bytes((GOLDEN / kind).read_bytes())
    model = nlucompress.load(path)
    ask: Callable[[], Any] = ((lambda: model.predict_marginals([[["w=play"], ["bias"]]])) if isinstance(model, Tagger)
                              else (lambda: model.decision_function(["play it again", "stop"]).tolist()))  # fmt: skip
    before = ask()
    fileformat.save(OLD, path, overwrite=True)
    assert ask() == before
    path.unlink()
    assert ask() == before


CUT = """
import os, sys
import nlucompress
model = nlucompress.load(sys.argv[1], memory_map=sys.argv[2] == "map")
before = model.lookup_many(["play", "stop"])[0].tolist()
os.truncate(sys.argv[1], 0)
print(model.lookup_many(["play", "stop"])[0].tolist() == before)
"""


@POSIX
def test_a_mapped_file_that_is_cut_ends_the_process_or_answers_as_before(target: Path) -> None:
    done = run(CUT, target, "map")
    assert done.returncode in (-signal.SIGBUS, 0), done.stderr
    assert done.returncode or done.stdout == "True\n"


@POSIX
def test_a_file_in_memory_may_be_cut_or_written_over(target: Path) -> None:
    over = CUT.replace("os.truncate(sys.argv[1], 0)", 'open(sys.argv[1], "r+b").write(b"\\x7f" * 4096)')
    assert over != CUT
    for code in (over, CUT):
        target.write_bytes(OLD)
        done = run(code, target, "memory")
        assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_file_in_memory_is_checked_as_a_mapped_one(target: Path) -> None:
    expected = nlucompress.load(target).decision_function(["play", "stop"]).tolist()
    for model in (nlucompress.load(target, memory_map=False), Model(OLD), Model(bytearray(OLD))):
        assert model.decision_function(["play", "stop"]).tolist() == expected
    for damaged in (b"", OLD[:-64], OLD[:40] + b"?" + OLD[41:]):
        target.write_bytes(damaged)
        for memory_map in (False, True):
            with pytest.raises(FormatError, match=r"m\.nluc: "):
                nlucompress.load(target, verify="full", memory_map=memory_map)


# -- killed writers, many readers, memory: small ------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="not Linux")
def test_the_long_forms_run_small_and_hold(tmp_path: Path) -> None:
    command = ["--kills", "3", "--seconds", "0.3", "--loads", "500", "--predictions", "20000", "--features", "300"]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "faults.py"), *command, "--json", str(tmp_path / "out.json")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "out.json").read_text())["results"]
    assert set(results["kills"]) == {"save", "compress", "bundle add"}
    for row in results["kills"].values():
        assert 1 <= row["killed"] <= 3
        assert row["old"] <= row["killed"] <= row["old"] + row["new"]
    assert set(results["crowd"]) == {"Model", "Tagger", "ModelStore"}
    assert {"load", "refused loads", "unpickle", "store", "tag", "lookup_many", "wrong samples"} <= set(
        results["leaks"]
    )
    assert all(row["flat"] for row in results["leaks"].values())
