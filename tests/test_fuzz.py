"""A short, fixed run of the fuzzers of tests/fuzz/readers, and that they see what they look for."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))
from readers import agree, guard, importers, loaders, seeds
from readers.targets import Harness, Inputs, Target
from seeds import pack

from nlucompress import FormatError

RUNS = 200
TARGETS = {**importers.TARGETS, **loaders.TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_reads_or_refuses(name):
    target = TARGETS[name]
    inputs = Inputs(target, 1)
    assert inputs.corpus, f"not installed: {', '.join(sorted(seeds.missing))}"
    with Harness(target, timed=False) as harness:
        harness.warm()
        for data in target.seeds():
            harness.run(data)
        assert harness.counts.read > 0  # else the readers refuse at once and nothing is tested
        for i in range(RUNS):
            data = inputs.next()
            if harness.run(data, traced=i % 10 == 0):
                inputs.keep(data)
        assert len(harness.counts.outcomes) > 5


def test_no_tool_that_writes_seeds_is_missing():
    for target in TARGETS.values():
        target.seeds()
    assert not seeds.missing


def test_the_same_seed_gives_the_same_inputs():
    first, second, other = (Inputs(TARGETS["nltk"], seed) for seed in (1, 1, 2))
    drawn = [[one.next() for _ in range(50)] for one in (first, second, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_agree_sees_runtimes_that_disagree(monkeypatch, tmp_path):
    path = tmp_path / "m.nluc"
    for data in seeds.models():
        path.write_bytes(data)
        agree.agree(path)
    find, score = agree.NativeTable.look_up, agree.NativeScorer.decision_function
    differs = [
        (agree.NativeScorer, "decision_function", lambda *args: score(*args) * (1 + 1e-9)),
        (agree.NativeTable, "look_up", lambda *args: tuple(answer[::-1] for answer in find(*args))),
        (agree, "_read", _refused_by("reference")),
        (agree, "_read", _refused_by("native")),
    ]
    path.write_bytes((seeds.GOLDEN / "model-v1.0-plain.nluc").read_bytes())
    for where, name, other in differs:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, other)
            with pytest.raises(AssertionError):
                agree.agree(path)
    monkeypatch.setattr(agree, "LEFT_TO_PYTHON", re.compile("refused"))
    monkeypatch.setattr(agree, "_read", _refused_by("reference"))
    with pytest.raises(FormatError):  # and no disagreement
        agree.agree(path)


def _refused_by(one):
    """A reader of both runtimes, of which one refuses every file."""

    def read(data, runtime):
        if runtime == one:
            raise FormatError("refused")

    return read


def test_a_corpus_of_native_inputs_gives_the_files_inside(tmp_path):
    inputs = [pack(b"one", b"", 0), pack(b"two", b"w=1", 3), pack(b"", b"x", 0), b"short", b"\xff" * 99]
    for i, data in enumerate(inputs):
        (tmp_path / str(i)).write_bytes(data)
    assert seeds.native_corpus(tmp_path) == [b"one", b"two"]


def _sleepless(path):
    while True:
        time.process_time()


BAD = {
    "opens another file": (lambda path: open(os.devnull).close(), "audit: open"),
    "writes its file": (lambda path: path.write_bytes(b""), "audit: open"),
    "runs a program": (lambda path: os.system("true"), "audit: os.system"),
    "starts a process": (lambda path: subprocess.run(["true"], check=True), "audit: "),
    "opens a socket": (lambda path: socket.socket(), "audit: socket"),
    "removes its file": (os.remove, "audit: os.remove"),
    "imports a module": (lambda path: __import__("this"), "audit: import"),
    "runs code": (lambda path: exec("1"), "audit: "),
    "raises another error": (lambda path: {}["a"], "error: KeyError"),
    "raises a subclass": (lambda path: b"\xff".decode(), "error: UnicodeDecodeError"),
    "takes memory": (lambda path: bytes(80 << 20), "memory: a peak of"),
    "takes time": (_sleepless, "time: "),
}


@pytest.mark.parametrize("what", BAD)
def test_the_guard_sees_a_reader_that(what, monkeypatch):
    read, words = BAD[what]
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    sys.modules.pop("this", None)
    with Harness(Target("bad", list, lambda data, _: data, read, (ValueError,))) as harness:
        with pytest.raises(guard.Finding) as caught:
            harness.run(b"x", traced="memory" in what)
        assert str(caught.value).startswith(words)
