"""What the package does where the system is not POSIX: without fcntl, pread and the like, as on Windows."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import nlucompress
from nlucompress import bundle, fileformat

GOLDEN = Path(__file__).parent / "golden"
FILES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("model-v1.1-*.nluc"))[:3]}
POSIX_MODULES = ("fcntl", "grp", "pwd", "resource", "termios")
POSIX_NAMES = ("O_CLOEXEC", "fork", "pread", "pwrite", "register_at_fork", "sysconf")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process without what Windows has not, as far as a Python program sees it."""
    for name in POSIX_MODULES:
        monkeypatch.setitem(sys.modules, name, None)
    for name in POSIX_NAMES:
        monkeypatch.delattr(os, name, raising=False)


@pytest.mark.usefixtures("windows")
def test_a_bundle_is_made_and_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "fleet.nlub"
    twice = dict(FILES) | {"again": next(iter(FILES.values()))}  # equal files: read back while the bundle is written
    assert bundle.create(path, twice)["distinct"] == len(FILES)
    with bundle.Bundle(path) as opened:
        assert {name: opened.read(name) for name in opened} == twice
        entry = opened["again"]
        with pytest.raises(bundle.FormatError, match="was it cut meanwhile"):
            bundle._read_at(opened.fileno(), entry.offset, 1 << 40)
    assert not bundle.verify(path)["errors"]
    bundle.extract(path, tmp_path, ["again"])
    assert (tmp_path / "again.nluc").read_bytes() == twice["again"]


def test_a_bundle_has_the_same_bytes_without_pwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle.create(tmp_path / "one.nlub", FILES)
    monkeypatch.delattr(os, "pwrite", raising=False)
    bundle.create(tmp_path / "two.nlub", FILES)
    assert (tmp_path / "one.nlub").read_bytes() == (tmp_path / "two.nlub").read_bytes()


@pytest.mark.usefixtures("windows")
def test_a_bundle_is_not_changed_without_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "fleet.nlub"
    bundle.create(path, FILES)
    before, name = path.read_bytes(), next(iter(FILES))
    for change in (
        lambda: bundle.add(path, {"new": FILES[name]}),
        lambda: bundle.remove(path, [name]),
        lambda: bundle.compact(path),
    ):
        with pytest.raises(OSError, match="has no flock") as raised:
            change()
        assert (raised.value.errno, raised.value.filename) == (errno.ENOTSUP, str(path))
    assert path.read_bytes() == before


@pytest.mark.usefixtures("windows")
def test_a_file_is_saved_where_folders_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_file(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.delattr(os, "link")  # not every system has them
    for data in FILES.values():
        fileformat.save(data, tmp_path / "model.nluc", overwrite=True)
        assert (tmp_path / "model.nluc").read_bytes() == data


def test_everything_is_imported_without_posix(tmp_path: Path) -> None:
    """In a new process: every module, then a model compressed, saved, loaded and asked, from a store and by the command."""
    code = f"""
        import pathlib, sys
        import click, mmh3, msgpack, numpy  # and what they need of the system
        for name in {POSIX_MODULES}:
            sys.modules[name] = None
        import os
        for name in {POSIX_NAMES}:
            if hasattr(os, name):
                delattr(os, name)
        import nlucompress, nlucompress.bundle, nlucompress.giant, nlucompress.fleet, nlucompress.cli, nlucompress.store
        table = pathlib.Path("model.tsv")
        table.write_text("feature\\tlabel\\tweight\\nplay\\tmusic\\t1\\nstop\\tend\\t2\\n")
        nlucompress.compress(table).save("model.nluc")
        print(nlucompress.load("model.nluc").predict([["play"], ["stop"]]).tolist())
        print(nlucompress.ModelStore(".")["model"].predict([["stop"]]).tolist())
        nlucompress.giant.compress_table(table, "giant.nluc")
        nlucompress.cli.main(["inspect", "giant.nluc"])
    """
    environment = os.environ | {"PYTHONPATH": str(Path(nlucompress.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["['music', 'end']", "['end']"]
