"""What the command says of itself: help of every command, its examples, its version, and what shells complete."""

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import nlucompress
from nlucompress import cli_options, measure
from nlucompress.cli import main
from nlucompress.cli_help import EXIT_CODES
from nlucompress.search.walk import CANDIDATES

ROOT = Path(__file__).parent.parent


def commands(group=main, path=()):
    """(path of names, command) of the command and of all below it."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


def parse(words, command=main):
    """The contexts that these words make, without running anything. Raises click's UsageError where they are wrong."""
    context = command.make_context("nlucompress", list(words))
    while isinstance(context.command, click.Group):
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return context


every_command = pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda one: " ".join(one) if type(one) is tuple else ""
)


@every_command
def test_help_is_there_at_both_names_and_fits_a_terminal(path, command):
    for width in ("80", "200"):
        result = CliRunner().invoke(main, [*path, "--help"], env={"COLUMNS": width}, prog_name="nlucompress")
        assert (result.exit_code, result.stderr) == (0, "")
        for line in result.stdout.splitlines():
            assert len(line) <= 100
            assert line.rstrip() == line
    assert CliRunner().invoke(main, [*path, "-h"]).exit_code == 0


@every_command
def test_every_option_says_what_it_does(path, command):
    context = parse_group(path)
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            assert re.search(r"\w{2}.*[.\]]$", parameter.help or ""), (path, parameter.name)
            default, text = parameter.default, parameter.get_help_record(context)[1]
            if not parameter.is_flag and isinstance(default, (int, float, str)):
                assert f"default: {default}" in text, (path, parameter.name)


def parse_group(path):
    """A context of a command without its arguments."""
    context = click.Context(main, info_name="nlucompress", **main.context_settings)
    command = main
    for name in path:
        command = command.commands[name]
        context = click.Context(command, parent=context, info_name=name)
    return context


@every_command
def test_a_command_has_a_first_line_whole_in_the_list_and_examples_that_parse(path, command):
    assert command.examples
    for example in command.examples:
        words = shlex.split(re.sub(r" < \S+$", "", example))
        assert words[0] == "nlucompress"
        if words[-1] == "--help":
            continue
        context = parse(words[1:])
        assert context.command_path.split()[1 : 1 + len(path)] == list(path)
    if path:
        listed = CliRunner().invoke(main, [*path[:-1], "--help"], env={"COLUMNS": "200"}).stdout
        assert f"  {path[-1]} " in listed
        assert command.get_short_help_str(200) in listed
        assert command.get_short_help_str(200).endswith(".")
    assert set(command.exit_codes) <= set(EXIT_CODES)


def test_an_example_that_is_wrong_does_not_parse():
    with pytest.raises(click.UsageError, match="--bucket"):
        parse(["compress", "a.joblib", "-o", "b.nluc", "--bucket", "3"])


def test_every_option_of_compress_is_one_of_the_command_with_its_default():
    options = {one.name.rstrip("_"): one for one in main.commands["compress"].params}
    for name, parameter in inspect.signature(nlucompress.compress).parameters.items():
        if name not in ("source", "progress", "template"):
            assert options[name].default == parameter.default, name
    assert "template" in options


def test_what_the_command_states_without_importing_the_library_is_the_library_s():
    assert cli_options.YARDSTICKS == measure.YARDSTICKS
    assert cli_options.CANDIDATES == CANDIDATES


def test_the_version_is_printed():
    assert CliRunner().invoke(main, ["--version"]).stdout == f"nlucompress, version {nlucompress.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compres"], "Did you mean"),
        (["compress", "m", "-o", "o", "--bucket", "3"], "Did you mean '--buckets'?"),
        (["compress", "m", "-o", "o", "--buckets", "many"], "'many' is not a valid whole number."),
        (["compress", "m", "-o", "o", "--prune", "1"], "0<=x<1"),
        (["compress", "m", "-o", "o", "--max-flips", "3"], "'3' is not a share of 0% to 100%, such as 0.5%."),
        (["compress", "m", "-o", "o", "--target-size", "big"], "such as 200KB"),
        (["compress", "m", "-o", ".", "--force"], ". is a folder, not a file to write."),
        (["compress", "m"], "Give -o OUT.nluc, or --dry-run"),
        (["compress", "m", "-o", "o", "--max-loss", "1"], "give --data TEXTS.jsonl."),
        (["export", "m.nluc"], "Give --tsv OUT.tsv, or --like"),
    ],
    ids=lambda one: " ".join(one) if type(one) is list else "",
)
def test_wrong_usage_shows_the_value_and_the_way_out(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").touch()
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr.splitlines()[-1]


# -- completion -------------------------------------------------------------------------------------------------------


def completed(*words):
    """(value, type) of what a shell is given for the last of the words."""
    found = ShellComplete(main, {}, "nlucompress", "_NLUCOMPRESS_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [(one.value, one.type) for one in found]


@every_command
def test_commands_and_options_complete(path, command):
    if isinstance(command, click.Group):
        assert {value for value, _ in completed(*path, "")} == set(command.commands)
    wanted = {flag for one in command.get_params(parse_group(path)) for flag in one.opts if flag.startswith("--")}
    assert {value for value, _ in completed(*path, "--")} == wanted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["comp"], [("compress", "plain"), ("compress-many", "plain")]),
        (["compress", "pipe"], [("pipe", "file")]),
        (["compress", "a", "-o", "out"], [("out", "file")]),
        (["compress", "a", "--layout", ""], [("auto", "plain"), ("fast", "plain"), ("small", "plain")]),
        (["compress", "a", "--format", "vow"], [("vowpal-wabbit", "plain")]),
        (["compress", "a", "--target-size", "200KB", "--max-l"], [("--max-loss", "plain")]),
        (["compress", "a", "--target-size", "nonsense", "--max-l"], [("--max-loss", "plain")]),
        (["compress", "a", "--scratch", "x"], [("x", "dir")]),
        (["compress-many", "models/"], [("models/", "file")]),
        (["compress-many", "models/", "--data", "x"], [("x", "file")]),
        (["bundle", "ex"], [("extract", "plain")]),
        (["bundle", "extract", "a.nlub", "-o", ""], [("", "dir")]),
        (["predict", "m"], [("m", "file")]),
    ],
    ids=lambda one: " ".join(one) if type(one) is list and isinstance(one[0], str) else "",
)
def test_values_and_files_complete(words, expected):
    assert completed(*words) == expected


def test_completion_imports_neither_numpy_nor_the_library():
    code = ("import sys; from nlucompress.cli import main; from click.shell_completion import ShellComplete\n"
            "ShellComplete(main, {}, 'nlucompress', 'X').get_completions(['compress', '--max-loss', '1'], '--')\n"
            "print(sorted({'numpy', 'nlucompress.runtime', 'nlucompress.compress'} & set(sys.modules)))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


SHELLS = {
    "bash": 'compopt() {{ echo compopt "$@"; }}\n'  # only what it is called with: bash lists files itself, at a terminal
    'eval "$(_NLUCOMPRESS_COMPLETE=bash_source nlucompress)"\ncomplete -p nlucompress\n'
    'COMP_WORDS=(nlucompress {}); COMP_CWORD={}; _nlucompress_completion nlucompress\nprintf "%s\\n" "${{COMPREPLY[@]}}"',
    "fish": '_NLUCOMPRESS_COMPLETE=fish_source nlucompress | source\ncomplete -C "nlucompress {}"\n# {}',
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "first"),
    [("comp", ["compress", "compress-many"]), ("compress m.joblib --max", ["--max-loss", "--max-flips"]),
     ("compress pipe", ["pipeline.joblib"])],
    ids=["command", "option", "file"],
)  # fmt: skip
def test_completion_works_in_the_shell_itself(shell, words, first, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed (.ci/run installs it where it may)")
    (tmp_path / "pipeline.joblib").touch()
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "nlucompress"  # this checkout's command, by the name that people type
    script.write_text(f"#!{sys.executable}\nimport sys; sys.argv[0] = 'nlucompress'\n"
                      f"sys.path.insert(0, {str(Path(nlucompress.__file__).parent.parent)!r})\n"
                      "from nlucompress.cli import main; main()\n")  # fmt: skip
    script.chmod(0o755)
    path = os.pathsep.join([str(script.parent), os.environ["PATH"]])
    done = subprocess.run([shell, "-c", SHELLS[shell].format(words, len(words.split()))], capture_output=True, text=True,
                          cwd=tmp_path, env={**os.environ, "PATH": path, "HOME": str(tmp_path)}, timeout=120)  # fmt: skip
    found = [line.split("\t")[0] for line in done.stdout.splitlines() if line]
    if shell == "bash":
        assert found.pop(0).endswith(" -F _nlucompress_completion nlucompress")
        if words.endswith("pipe"):
            first = ["compopt -o default"]
    assert sorted(found) == sorted(first), done.stderr
