"""README.md is executed: its Python as a doctest, then its commands, in one empty folder."""

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder where the README's Python has run."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (
        {"text": "play jazz", "label": "play"}, {"text": "is it sunny", "label": "weather"})))  # fmt: skip
    here = os.getcwd()
    os.chdir(folder)
    try:
        failed, run = doctest.testfile(str(README), module_relative=False, optionflags=doctest.ELLIPSIS)
    finally:
        os.chdir(here)
    assert run > 5
    assert not failed
    return folder


def commands():
    """(command, expected output) of the console blocks."""
    block = "".join(re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL))
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_the_commands_print_what_the_readme_shows(folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert len(commands()) >= 5
    for command, expected in commands():
        done = subprocess.run(
            command, shell=True, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, (command, done.stderr)
        pattern = re.escape(expected).replace(re.escape("..."), "(?:.|\n)*?")
        assert re.fullmatch(pattern, done.stdout), (command, done.stdout)


def test_every_option_of_compress_is_in_the_readme_with_its_default():
    import inspect

    import nlucompress

    for name, parameter in inspect.signature(nlucompress.compress).parameters.items():
        if name not in ("source", "progress"):
            assert re.search(
                rf"^\| `{name}` \| `?{parameter.default}`? \|", README.read_text(encoding="utf-8"), re.MULTILINE
            ), name
