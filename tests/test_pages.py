"""README.md and the pages of docs/ are executed: each in a folder of its own, Python and commands in their order.

A page begins with dev.jsonl and, but for README.md and docs/getting-started.md itself, with the files that the latter's
Python makes (pipeline.joblib, intents.nluc). What a block prints is what the page shows; `...` stands for any text. Python
is a doctest, and names live on to the page's end.
"""

import doctest
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nlucompress

ROOT = Path(__file__).parent.parent
START = ROOT / "docs" / "getting-started.md"
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^ *(`{3,}|~{3,}) *(.*?) *$", re.MULTILINE)
SHOWN = {"text", "c", "{eval-rst}", "{include}", "{toctree}"}  # blocks that are not executed
DEV = ({"text": "play jazz", "label": "play"}, {"text": "is it sunny", "label": "weather"})


def blocks(page):
    """(kind, text, number of the line before it) of the executed blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [(one[1], one[2], text.count("\n", 0, one.start(2))) for one in BLOCK.finditer(text)]


def fences(page):
    """The first word of each line that opens a block of a page."""
    found, fence = [], ""
    for one in FENCE.finditer(page.read_text(encoding="utf-8")):
        if not fence:
            fence = one[1]
            found.append(one[2].partition(" ")[0])
        elif one[1].startswith(fence) and not one[2]:
            fence = ""
    assert not fence, f"{page.name}: a block without an end"
    return found


def run_python(text, names, page, line):
    """Run a block as a doctest; what fails is printed as doctest prints it. Returns how much was run."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    examples = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), line)
    failed, run = runner.run(examples, clear_globs=False)
    names.update(examples.globs)
    assert not failed
    return run


def commands(text):
    """(command, expected output) of a console block."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    assert not parts[0].strip()
    return list(zip(parts[1::2], parts[2::2], strict=True))


def run_command(command, expected, folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path, "COLUMNS": "100"}
    done = subprocess.run(command, shell=True, cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stderr)
    pattern = re.escape(expected).replace(re.escape("..."), "(?:.|\n)*?")
    assert re.fullmatch(pattern, done.stdout), (command, done.stdout)


def run_page(page, folder, kinds=("python", "console")):
    """Run a page's blocks, in their order, in a folder. Returns how many examples and commands were run."""
    here, names, count = os.getcwd(), {"__name__": "page"}, 0
    os.chdir(folder)
    try:
        for kind, text, line in blocks(page):
            if kind in kinds:
                before = count
                if kind == "python":
                    count += run_python(text, names, page, line)
                for command, expected in commands(text) if kind == "console" else ():
                    run_command(command, expected, folder)
                    count += 1
                assert count > before, f"{page.name}, line {line}: nothing to run"
    finally:
        os.chdir(here)
    return count


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A folder as the Python of getting-started leaves it, and data."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in DEV))
    assert run_page(START, folder, ("python",)) > 5
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_a_page_with_something_to_run_prints_what_it_shows(page, start, tmp_path):
    shutil.copytree(start, tmp_path, dirs_exist_ok=True)
    if page in (START, README):
        for name in ("pipeline.joblib", "intents.nluc"):
            (tmp_path / name).unlink()
    run_page(page, tmp_path)


def test_the_blocks_are_found_and_a_wrong_one_fails(tmp_path):
    assert {kind for kind, _, _ in blocks(README)} == {"python", "console"}
    assert sum(len(blocks(page)) for page in PAGES) > 20
    page = tmp_path / "page.md"
    wrong = (
        "```python\n>>> 1 + 1\n3\n\n```\n",
        "```console\n$ echo 2\n3\n```\n",
        "```python\n1 + 1\n```\n",
        "```console\n```\n",
    )
    for block in wrong:
        page.write_text(block)
        with pytest.raises(AssertionError):
            run_page(page, tmp_path)


def test_every_block_of_a_page_is_executed_or_known_not_to_be(tmp_path):
    for page in PAGES:
        executed = [one for one in fences(page) if one not in SHOWN]
        assert executed == [kind for kind, _, _ in blocks(page)], page.name
    page = tmp_path / "page.md"
    page.write_text("```python\n```\n~~~bash\n```\n~~~\n  ```python\n```\n````{include} it\n```\n````\n```\n```\n")
    assert fences(page) == ["python", "bash", "python", "{include}", ""]


def test_every_option_of_compress_is_in_the_guide_with_its_default():
    text = (ROOT / "docs" / "budget.md").read_text(encoding="utf-8")
    for name, parameter in inspect.signature(nlucompress.compress).parameters.items():
        if name not in ("source", "progress"):
            assert re.search(rf"^\| `{name}` \| `?{parameter.default}`? \|", text, re.MULTILINE), name


def test_links_of_pages_lead_to_files_that_are_there():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("https://") and not target.startswith("generated/"):
                place = (page.parent / target).resolve()
                if not place.exists() and place.is_relative_to(ROOT / "nlucompress"):  # it is installed
                    place = Path(nlucompress.__file__).parent / place.relative_to(ROOT / "nlucompress")
                assert place.exists(), (page.name, target)
