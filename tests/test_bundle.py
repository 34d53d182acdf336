"""Bundles: rule by rule of FORMAT.md, changes against a dictionary, and what is left of a bundle that was cut or killed.

An attack is a bundle made by code with valid checksums, named for the relation that it breaks.
"""
# ruff: noqa: N802 -- the ids of rules are capitals

from __future__ import annotations

import hashlib
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import nlucompress
from nlucompress import BuildError, FormatError, bundle, index
from nlucompress.bundle import DIRECTORY, ENTRY, SLOT, SLOTS, START, Bundle, Entry

GOLDEN = Path(__file__).parent / "golden"
FILES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("model-v1.1-*.nluc"))}
DATA = list(FILES.values())
NAMES = ["wetter", "musik", "音楽", "a b", "Straße", "x" * 240]
TEXTS = ["play it again", "stop", ""]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def make(path: Path, count: int = 3) -> dict[str, bytes]:
    """A bundle of a few models; them."""
    models = dict(zip(NAMES[:count], DATA, strict=False))
    bundle.create(path, models)
    return models


def content(path: Path | str) -> dict[str, bytes]:
    with Bundle(path) as opened:
        return {name: opened.read(name) for name in opened}


def rewritten(path: Path, edit: Callable[[bytearray, int, int], bytes | None], sequence: int = 1) -> None:
    """Change the bytes of a state's directory, or give others, and make every checksum right again.

    edit: (directory, its offset, its length).
    """
    data = bytearray(path.read_bytes())
    at = SLOTS[sequence % 2]
    magic, sequence, offset, length, *_ = SLOT.unpack_from(data, at)
    directory = bytearray(data[offset : offset + length])
    directory = bytearray(edit(directory, offset, length) or directory)
    data[offset:] = directory
    slot = SLOT.pack(magic, sequence, offset, len(directory), zlib.crc32(directory), 0)[:60]
    data[at : at + 64] = slot + struct.pack("<I", zlib.crc32(slot))
    path.write_bytes(data)


def parts(directory: bytes | bytearray) -> dict[str, tuple[int, int]]:
    """Where the parts of a directory are: (offset, length)."""
    _, _, count, text, levels, _ = DIRECTORY.unpack_from(directory)
    sizes = struct.unpack_from(f"<{levels}I", directory, 64)
    found, at = {}, 64
    for name, size in (("levels", 4 * levels), ("blocks", 64 * -(-sum(sizes) // 480)), ("order", 4 * count),
                       ("entries", 24 * count), ("names", text)):  # fmt: skip
        found[name] = at, size
        at = -(-(at + size) // 64) * 64
    assert at == len(directory)
    return found


def slot(path: Path, number: int, **fields: Any) -> None:
    """Write a slot with other fields, its checksum right."""
    data = bytearray(path.read_bytes())
    names = ("magic", "sequence", "offset", "length", "crc")
    old = dict(zip(names, SLOT.unpack_from(data, SLOTS[1]), strict=False)) | fields
    packed = SLOT.pack(*(old[name] for name in names), 0)[:60]
    data[SLOTS[number] : SLOTS[number] + 64] = packed + struct.pack("<I", zlib.crc32(packed))
    path.write_bytes(data)


def refused(path: Path, rule_: str, *words: str) -> None:
    """Opening fails with this rule, and the words say where and how."""
    with pytest.raises(FormatError) as error:
        Bundle(path).names()
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert f"({rule_})" in message
    for word in words:
        assert word in message


# -- what it is for ---------------------------------------------------------------------------------------------------


def test_models_come_out_as_they_went_in(tmp_path: Path) -> None:
    models = make(tmp_path / "b.nlub", 6)
    assert content(tmp_path / "b.nlub") == models
    with Bundle(tmp_path / "b.nlub") as opened:
        assert opened.names() == sorted(models, key=str.encode)
        assert len(opened) == 6
        for entry in opened.entries():
            assert entry == opened[entry.name]
            assert entry.offset % 64 == 0
            data = (tmp_path / "b.nlub").read_bytes()[entry.offset : entry.offset + entry.length]
            assert data == models[entry.name]
    assert bundle.verify(tmp_path / "b.nlub")["errors"] == {}


def test_an_unknown_name_is_never_found(tmp_path: Path) -> None:
    make(tmp_path / "b.nlub")
    with Bundle(tmp_path / "b.nlub") as opened:
        for name in ["", "x", "Wetter", "wetter\0", "\ud800", *(f"name {i}" for i in range(3000))]:
            assert name not in opened
            with pytest.raises(KeyError):
                opened.read(name)
        assert 5 not in opened


def test_a_model_of_a_bundle_answers(tmp_path: Path) -> None:
    bundle.create(tmp_path / "b.nlub", {"plain": FILES["model-v1.1-plain"]})
    with Bundle(tmp_path / "b.nlub") as opened:
        model = opened.model("plain")
    expected = nlucompress.load(GOLDEN / "model-v1.1-plain.nluc")
    np.testing.assert_array_equal(model.decision_function(TEXTS), expected.decision_function(TEXTS))


def test_equal_files_are_stored_once(tmp_path: Path) -> None:
    info = bundle.create(tmp_path / "b.nlub", {f"{i}": DATA[i % 2] for i in range(40)})
    assert (info["models"], info["distinct"], info["bytes_models"]) == (40, 2, len(DATA[0]) + len(DATA[1]))
    bundle.add(tmp_path / "b.nlub", {"again": DATA[0]})
    with Bundle(tmp_path / "b.nlub") as opened:
        assert opened["again"].offset == opened["0"].offset


def test_the_same_models_are_the_same_bytes(tmp_path: Path) -> None:
    make(tmp_path / "a.nlub")
    make(tmp_path / "b.nlub")
    assert (tmp_path / "a.nlub").read_bytes() == (tmp_path / "b.nlub").read_bytes()


def test_compact_is_what_create_writes_by_name(tmp_path: Path) -> None:
    models = make(tmp_path / "a.nlub", 5)
    bundle.remove(tmp_path / "a.nlub", ["musik"])
    bundle.add(tmp_path / "a.nlub", {"new": DATA[7]})
    os.chmod(tmp_path / "a.nlub", 0o640)
    before = (tmp_path / "a.nlub").stat().st_size
    info = bundle.compact(tmp_path / "a.nlub")
    del models["musik"]
    bundle.create(tmp_path / "b.nlub", sorted({**models, "new": DATA[7]}.items()))
    assert (tmp_path / "a.nlub").read_bytes() == (tmp_path / "b.nlub").read_bytes()
    assert info["bytes"] < before
    assert info["bytes_unused"] == 0
    assert (tmp_path / "a.nlub").stat().st_mode & 0o777 == 0o640


def test_a_golden_bundle_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    golden = GOLDEN / "bundle-v1.0.nlub"
    assert hashlib.sha256(golden.read_bytes()).hexdigest() == (GOLDEN / "bundle-v1.0.sha256").read_text().strip()
    wanted = {
        "intents": FILES["model-v1.1-plain"],
        "Straße": FILES["model-v1.1-binary"],
        "再生": FILES["model-v1.1-plain"],
    }
    assert content(golden) == wanted
    with Bundle(golden) as opened:
        assert (opened.state.sequence, opened["intents"].offset) == (2, opened["再生"].offset)
    bundle.create(tmp_path / "b.nlub", {"intents": wanted["intents"], "Straße": wanted["Straße"]})
    bundle.add(tmp_path / "b.nlub", {"再生": wanted["再生"]})
    assert (tmp_path / "b.nlub").read_bytes() == golden.read_bytes()


def test_one_name_is_found_as_many_are(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(5000)]
    built, slots, hashes = index.build([names])
    blocks = memoryview(built.blocks.tobytes())
    others = index.hash_names([f"x{i}" for i in range(5000)], built.seeds[0])
    for every in (hashes, others):
        found = index.find(every, built.levels, built.blocks, built.n)
        one = [index.find_one(*pair, built.levels, blocks, built.n) for pair in every.tolist()]
        assert one == found.tolist()
    assert slots.tolist() == [index.find_one(*pair, built.levels, blocks, built.n) for pair in hashes.tolist()]
    assert index.find_one(1, 2, (), memoryview(b""), 0) == -1


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\0", "\x7f", "x" * 241, "é" * 121, "\ud800"])
def test_a_name_that_no_file_could_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildError, match="model name"):
        bundle.create(tmp_path / "b.nlub", {name: DATA[0]})
    make(tmp_path / "b.nlub")
    with pytest.raises(BuildError, match="model name"):
        bundle.add(tmp_path / "b.nlub", {name: DATA[0]})
    assert list(tmp_path.iterdir()) == [tmp_path / "b.nlub"]


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    make(path)
    before = path.read_bytes()
    damaged = DATA[0][:-1] + b"\x01"
    for models, error, words in (
        ([("new", DATA[5]), ("bad", damaged)], FormatError, "model 'bad'.*"),
        ([("new", DATA[5]), ("new", DATA[6])], BuildError, "model 'new' comes twice"),
        ([("new", DATA[5]), ("musik", DATA[6])], BuildError, "model 'musik' is there already"),
        ([("new", DATA[5]), ("missing", tmp_path / "none.nluc")], FileNotFoundError, "none.nluc"),
        ([("new", DATA[5]), ("number", 5)], TypeError, "model 'number': expected bytes or a path, got int"),
    ):
        with pytest.raises(error, match=words):
            bundle.add(path, models)  # type: ignore[arg-type]
        assert path.read_bytes() == before
    with pytest.raises(KeyError, match="nobody"):
        bundle.remove(path, ["musik", "nobody"])
    with pytest.raises(KeyError, match="nobody"):
        bundle.extract(path, tmp_path, ["musik", "nobody"])
    assert path.read_bytes() == before
    with pytest.raises(FileExistsError):
        bundle.create(path, {})
    with pytest.raises(BuildError, match="comes twice"):
        bundle.create(tmp_path / "c.nlub", [("a", DATA[0]), ("a", DATA[1])])
    assert list(tmp_path.iterdir()) == [path]


def test_a_change_that_failed_holds_no_lock_though_its_error_is_held(tmp_path: Path) -> None:
    make(tmp_path / "b.nlub")
    with pytest.raises(BuildError) as error:
        bundle.add(tmp_path / "b.nlub", {"musik": DATA[5]})
    bundle.add(tmp_path / "b.nlub", {"new": DATA[5]}, timeout=0.1)
    assert "musik" in str(error.value)


def test_replace_takes_the_place(tmp_path: Path) -> None:
    models = make(tmp_path / "b.nlub")
    bundle.add(tmp_path / "b.nlub", {"musik": DATA[9]}, replace=True)
    assert content(tmp_path / "b.nlub") == {**models, "musik": DATA[9]}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork (Windows)")
def test_a_full_disk_leaves_the_bundle_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    models = make(path)
    before = path.read_bytes()
    code = (
        "import resource, signal, sys\nfrom nlucompress import bundle\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 1000}, -1))\n"
        f"bundle.add({str(path)!r}, {{'new': {str(GOLDEN / 'model-v1.1-coded.nluc')!r}}})\n"
    )
    done = run(code)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert path.read_bytes() == before
    assert content(path) == models


def run(code: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(nlucompress.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_a_second_writer_waits_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    make(path)
    with bundle._locked(path, 1.0), pytest.raises(TimeoutError, match=r"another writer has had it for 0\.05 s"):
        bundle.add(path, {"new": DATA[5]}, timeout=0.05)
    bundle.add(path, {"new": DATA[5]}, timeout=0.05)


def test_writers_take_turns_also_over_a_compaction(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    bundle.create(path)

    def write(number: int) -> None:
        for i in range(6):
            bundle.add(path, {f"{number} {i}": DATA[(number + i) % len(DATA)]})
            if i % 3 == 2:
                bundle.compact(path)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"{number} {i}": DATA[(number + i) % len(DATA)] for number in range(4) for i in range(6)}
    assert content(path) == wanted
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_state_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    models = make(path)
    with Bundle(path) as old:
        bundle.remove(path, ["musik"])
        bundle.add(path, {"new": DATA[5]})
        bundle.add(path, {"wetter": DATA[6]}, replace=True)
        bundle.compact(path)
        bundle.add(path, {"newer": DATA[6]})
        assert {name: old.read(name) for name in old} == models
    with pytest.raises(ValueError, match="closed"):
        old.read("musik")
    assert set(content(path)) == {"wetter", "音楽", "new", "newer"}


# -- a stateful test against a dictionary -------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c", "ü", "音", "long " * 40, "A", "a.b", "-"])
numbers = st.dictionaries(names, st.integers(0, 5), max_size=4)  # of files


def files(numbers_: dict[str, int]) -> dict[str, bytes]:
    return {name: DATA[number] for name, number in numbers_.items()}


class Changes(RuleBasedStateMachine):
    """Any sequence of changes leaves what a dictionary would have; readers keep the state that they opened."""

    @initialize(models=numbers)
    def create(self, models: dict[str, int]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "b.nlub")
        bundle.create(self.path, files(models))
        self.models = files(models)
        self.readers: list[tuple[Bundle, dict[str, bytes]]] = []

    @rule(models=numbers)
    def add(self, models: dict[str, int]) -> None:
        if set(models) & set(self.models):
            with pytest.raises(BuildError):
                bundle.add(self.path, files(models))
        else:
            bundle.add(self.path, files(models))
            self.models |= files(models)

    @rule(models=numbers)
    def replace(self, models: dict[str, int]) -> None:
        bundle.add(self.path, files(models), replace=True)
        self.models |= files(models)

    @rule(chosen=st.sets(names, max_size=3))
    def remove(self, chosen: set[str]) -> None:
        if chosen <= set(self.models):
            bundle.remove(self.path, sorted(chosen))
            for name in chosen:
                del self.models[name]
        else:
            with pytest.raises(KeyError):
                bundle.remove(self.path, sorted(chosen))

    @rule()
    def compact(self) -> None:
        assert bundle.compact(self.path)["bytes_unused"] == 0

    @rule()
    def open(self) -> None:
        if len(self.readers) < 3:
            self.readers.append((Bundle(self.path), dict(self.models)))

    @rule(junk=st.binary(min_size=1, max_size=300))
    def a_writer_dies_after_appending(self, junk: bytes) -> None:
        with open(self.path, "ab") as file:
            file.write(junk)

    @invariant()
    def the_same(self) -> None:
        if not hasattr(self, "path"):
            return
        for opened, wanted in [(Bundle(self.path), self.models), *self.readers]:
            assert {name: opened.read(name) for name in opened} == wanted
            assert opened.names() == sorted(wanted, key=str.encode)
            assert opened.state.damage is None

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            for opened, _ in self.readers:
                opened.close()
            self.folder.cleanup()


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


# -- cut, damaged, killed -----------------------------------------------------------------------------------------------


def test_a_bundle_cut_anywhere_has_a_state_it_had_or_is_refused(tmp_path: Path) -> None:
    path, cut = tmp_path / "b.nlub", tmp_path / "cut.nlub"
    one, other = FILES["model-v1.1-empty"], FILES["model-v1.1-binary"]
    first = {"a": other}
    bundle.create(path, first)
    ends = [path.stat().st_size]
    states = [first]
    for name in ("b", "c"):
        bundle.add(path, {name: one})
        states.append({**states[-1], name: one})
        ends.append(path.stat().st_size)
    whole = path.read_bytes()
    for length in range(len(whole)):
        if length % 64 and (
            16 < length < SLOTS[0] or SLOTS[0] + 64 < length < SLOTS[1] or SLOTS[1] + 64 < length < START
        ):
            continue  # zeros
        cut.write_bytes(whole[:length])
        # Slots are of the states 2 and 3 by now: a file that ends before state 2 does has none left.
        if length < ends[1]:
            with pytest.raises(FormatError):
                Bundle(cut)
        else:
            with Bundle(cut) as opened:
                assert opened.state.sequence == 2
                assert "truncated" in str(opened.state.damage)
                assert {name: opened.read(name) for name in opened} == states[1]


def test_a_byte_damaged_anywhere_is_found_or_changes_nothing(tmp_path: Path) -> None:
    path, bad = tmp_path / "b.nlub", tmp_path / "bad.nlub"
    bundle.create(path, {"a": FILES["model-v1.1-binary"]})
    states = [content(path)]
    bundle.add(path, {"b": FILES["model-v1.1-empty"]})
    states.append(content(path))
    whole = path.read_bytes()
    places = [*range(16), *range(4096, 4160), *range(8192, 8256), *range(START, len(whole))]
    for at in places[:: 1 if THOROUGH else 7]:
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        bad.write_bytes(data)
        try:
            found = bundle.verify(bad)
        except FormatError:
            continue
        with Bundle(bad) as opened:
            kept = {name: opened.read(name) for name in opened if name not in found["errors"]}
        assert kept.items() <= states[1].items()
        if kept != states[1]:
            assert found["errors"] or found["damage"]


KILLED = """
import os, sys, itertools
from nlucompress import bundle
path, model = sys.argv[1:]
data = open(model, "rb").read()
print("ready", flush=True)
for i in itertools.count():
    bundle.add(path, {f"{os.getpid()} {i}": data, f"{os.getpid()} {i} too": data})
    print(i, flush=True)
    if i % 5 == 4:
        bundle.compact(path)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL (Windows)")
def test_a_writer_killed_at_any_time_leaves_a_whole_state(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    models = make(path)
    rng = np.random.default_rng(0)
    root = str(Path(nlucompress.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    done: set[str] = set()
    rounds = 50 if THOROUGH else 12
    for _ in range(rounds):
        command = [sys.executable, "-c", KILLED, str(path), str(GOLDEN / "model-v1.1-binary.nluc")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            printed = [process.stdout.readline().strip() for _ in range(int(rng.integers(0, 7)))]
            time.sleep(rng.random() * 0.02)
            process.kill()
            printed += [line.strip() for line in process.stdout if line.endswith("\n")]
        done |= {f"{process.pid} {i}" for i in printed}
        found = content(path)
        assert models.items() <= found.items()
        assert done <= set(found)  # what was done is there
        assert all(f"{name} too" in found for name in done)  # and both of two
        assert all(name.endswith("too") or f"{name} too" in found for name in set(found) - set(models))
        with Bundle(path) as opened:
            assert opened.state.damage is None
    assert len(done) > rounds
    bundle.add(path, {"after": DATA[3]}, timeout=1)
    assert bundle.verify(path)["errors"] == {}


# -- the rules ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A bundle of three models, in state 1."""
    make(tmp_path / "b.nlub")
    return tmp_path / "b.nlub"


def test_B1_another_file_is_no_bundle(path: Path) -> None:
    whole = path.read_bytes()
    for data, words in ((b"", "not a .nlub file"), (DATA[0], "not a .nlub file"), (whole[:8], "exceed the file's 8 bytes"),
                        (whole[:12287], "12288 bytes exceed"),
                        (whole[:8] + b"\x01\x00\x07\x00" + whole[12:], "preamble: its CRC-32")):  # fmt: skip
        path.write_bytes(data)
        refused(path, "B1", words)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes (Windows)")
def test_B1_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="not a regular file"):
        Bundle(tmp_path / "pipe")


def test_B2_a_newer_major_version_is_refused_and_a_newer_minor_one_read(path: Path) -> None:
    for version, good in (((2, 0), False), ((0, 9), False), ((1, 7), True)):
        data = bytearray(path.read_bytes())
        data[8:12] = struct.pack("<HH", *version)
        data[12:16] = struct.pack("<I", zlib.crc32(data[:12]))
        path.write_bytes(data)
        if good:
            assert len(content(path)) == 3
        else:
            refused(path, "B2", f"{version[0]}.{version[1]}", "install a newer one")


def test_B3_a_slot_of_the_wrong_place_or_magic_or_sum_does_not_count(path: Path) -> None:
    whole = path.read_bytes()
    slot(path, 1, magic=b"NLUBSLOX")
    refused(path, "B3", "slot 1")
    path.write_bytes(whole)
    slot(path, 1, sequence=2)
    refused(path, "B3", "slot 1")
    path.write_bytes(whole[:8192] + bytes(64) + whole[8256:])
    refused(path, "B3", "no slot is written")
    path.write_bytes(whole[:8200] + b"\x03" + whole[8201:])
    refused(path, "B3", "slot 1")


def test_B3_the_larger_sequence_is_the_state(path: Path) -> None:
    bundle.add(path, {"new": DATA[5]})
    with Bundle(path) as opened:
        assert opened.state.sequence == 2
        assert "new" in opened
    data = bytearray(path.read_bytes())
    data[SLOTS[0] + 30] ^= 1  # torn
    path.write_bytes(data)
    with Bundle(path) as opened:
        assert opened.state.sequence == 1
        assert "new" not in opened
        assert "slot 0" in str(opened.state.damage)
    assert bundle.verify(path)["damage"]


@pytest.mark.parametrize(
    "fields", [{"offset": 0}, {"offset": 12288 + 32}, {"offset": (1 << 64) - 64}, {"length": (1 << 64) - 64},
               {"length": 0}, {"length": 63}, {"length": 1 << 40}, {"offset": 8192}, {"crc": 5}]
)  # fmt: skip
def test_B4_a_directory_that_is_not_there_is_refused(path: Path, fields: dict[str, int]) -> None:
    slot(path, 1, **fields)
    refused(path, "B4", "directory")


def test_B4_the_older_state_is_read_where_the_newest_is_damaged(path: Path) -> None:
    before = content(path)
    bundle.add(path, {"new": DATA[5]})
    rewritten(path, lambda directory, offset, length: struct.pack("<8s", b"NLUBDIX") + directory[8:], 2)
    with Bundle(path) as opened:
        assert (opened.state.sequence, "(B5)" in str(opened.state.damage)) == (1, True)
    assert content(path) == before
    bundle.add(path, {"other": DATA[6]})  # writes over what was damaged
    assert set(content(path)) == {*before, "other"}


@pytest.mark.parametrize(
    ("at", "kind", "value"),
    [(0, "8s", b"NLUBDIR1"), (8, "Q", 3), (16, "I", 1 << 25), (16, "I", (1 << 32) - 1), (20, "I", 0), (20, "I", 1 << 31),
     (24, "I", 129), (24, "I", (1 << 32) - 1), (24, "I", 127), (16, "I", 60)],
)  # fmt: skip
def test_B5_a_head_that_does_not_fit_is_refused(path: Path, at: int, kind: str, value: Any) -> None:
    def edit(directory: bytearray, offset: int, length: int) -> None:
        struct.pack_into(f"<{kind}", directory, at, value)

    rewritten(path, edit)
    with pytest.raises(FormatError, match=r"\(B[567]\)"):
        Bundle(path)


def test_B5_a_directory_that_goes_on_is_refused(path: Path) -> None:
    rewritten(path, lambda directory, offset, length: directory + bytes(64))
    refused(path, "B5", "its parts take")
    rewritten(path, lambda directory, offset, length: directory[:-128])
    refused(path, "B5", "its parts take")


@pytest.mark.parametrize("sizes", ["zeros", "huge"])
def test_B6_levels_without_room_are_refused(path: Path, sizes: str) -> None:
    def edit(directory: bytearray, offset: int, length: int) -> None:
        at, size = parts(directory)["levels"]
        directory[at : at + size] = bytes(size) if sizes == "zeros" else b"\xff" * size

    rewritten(path, edit)
    refused(path, "B6", "3 models in levels of")


def test_B6_a_slot_of_no_entry_is_refused(path: Path) -> None:
    def edit(directory: bytearray, offset: int, length: int) -> None:
        struct.pack_into("<I", directory, parts(directory)["order"][0] + 4, 3)

    rewritten(path, edit)
    refused(path, "B6", "slot of model 3, there are 3")


@pytest.mark.parametrize("part", ["order", "blocks"])
def test_B6_an_index_that_leads_elsewhere_finds_nothing_false(path: Path, part: str) -> None:
    models = content(path)
    rng = np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(60):

        def edit(directory: bytearray, offset: int, length: int) -> None:
            at, size = parts(directory)[part]
            directory[at : at + size] = (rng.integers(0, 3, size // 4, "<u4").tobytes() if part == "order"
                                         else rng.integers(0, 256, size, "u1").tobytes())  # fmt: skip

        path.write_bytes(whole)
        rewritten(path, edit)
        with Bundle(path) as opened:
            found = {name for name in models if name in opened}
            assert all(opened.read(name) == models[name] for name in found)
            assert "x" not in opened
        assert set(bundle.verify(path)["errors"]) == set(models) - found


def test_B7_names_that_are_too_few_or_do_not_end_are_refused(path: Path) -> None:
    def merged(directory: bytearray, offset: int, length: int) -> None:
        at, size = parts(directory)["names"]
        directory[at + directory[at : at + size].index(0)] = ord("x")

    def open_end(directory: bytearray, offset: int, length: int) -> None:
        at, size = parts(directory)["names"]
        directory[at : at + size] = b"\0" + directory[at : at + size - 1]

    for edit in (merged, open_end):
        make(path.with_name("c.nlub"))
        rewritten(path.with_name("c.nlub"), edit)
        with pytest.raises(FormatError, match=r"\(B[78]\)"):
            Bundle(path.with_name("c.nlub"))
        path.with_name("c.nlub").unlink()


def with_names(path: Path, text: bytes) -> None:
    """A bundle whose two names are changed to others."""
    bundle.create(path, {"a": DATA[0], "b": DATA[1]})

    def edit(directory: bytearray, offset: int, length: int) -> None:
        at, size = parts(directory)["names"]
        directory[at : at + size] = text

    rewritten(path, edit)


def test_B7_names_that_descend_are_refused_when_they_are_listed(tmp_path: Path) -> None:
    with_names(tmp_path / "b.nlub", b"b\0a\0")
    refused(tmp_path / "b.nlub", "B7", "do not ascend after 'b'")


def test_B7_a_name_that_is_there_twice_is_found_when_all_is_verified(tmp_path: Path) -> None:
    with_names(tmp_path / "b.nlub", b"a\0a\0")
    with Bundle(tmp_path / "b.nlub") as opened:
        assert "b" not in opened
        if "a" in opened:
            assert opened.read("a") in DATA[:2]
    with pytest.raises(FormatError, match=r"'a' is there twice \(B7\)"):
        bundle.verify(tmp_path / "b.nlub")


@pytest.mark.parametrize("text", [b"\0b\0", b"/\0b\0", b"\\\0b\0", b"\n\0b\0", b"\x7f\0b\0", b"\xff\0b\0", b".\0b\0"])
def test_B8_names_that_are_no_files_names_are_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "b.nlub"
    bundle.create(
        path, {"a" * (len(text) - 3): DATA[0], "b": DATA[1]} if len(text) > 3 else {"b": DATA[1], "c": DATA[0]}
    )

    def edit(directory: bytearray, offset: int, length: int) -> None:
        at, size = parts(directory)["names"]
        if len(text) < size:  # an empty name
            struct.pack_into("<I", directory, 20, len(text))
        directory[at : at + size] = text.ljust(size, b"\0")

    rewritten(path, edit)
    refused(path, "B8")


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, None), (12288 + 32, None), (8192, None), ((1 << 64) - 64, None), (None, 0), (None, 63), (None, (1 << 64) - 1),
     (None, 1 << 63), (None, 1 << 20), ((1 << 63), 1 << 63)],
)  # fmt: skip
def test_B9_a_model_that_is_not_before_the_directory_is_refused(
    path: Path, offset: int | None, length: int | None
) -> None:
    def edit(directory: bytearray, _: int, __: int) -> None:
        at = parts(directory)["entries"][0] + 24
        if offset is not None:
            struct.pack_into("<Q", directory, at, offset)
        if length is not None:
            struct.pack_into("<Q", directory, at + 8, length)

    rewritten(path, edit)
    refused(path, "B9")


def test_B9_models_that_overlap_are_refused(path: Path) -> None:
    def edit(directory: bytearray, offset: int, length: int) -> None:
        at, size = parts(directory)["entries"]
        entries = np.frombuffer(bytes(directory[at : at + size]), ENTRY).copy()
        first, second = np.argsort(entries["offset"])[:2]
        entries["offset"][second] = entries["offset"][first] + 64
        directory[at : at + size] = entries.tobytes()

    rewritten(path, edit)
    refused(path, "B9", "overlap")


def test_B10_a_model_that_is_not_the_one_that_was_stored_is_refused_alone(path: Path) -> None:
    models = content(path)
    data = bytearray(path.read_bytes())
    with Bundle(path) as opened:
        data[opened["musik"].offset + 33] ^= 1
        data[opened["wetter"].offset + 70] ^= 1  # in the header
    path.write_bytes(data)
    with Bundle(path) as opened:
        with pytest.raises(FormatError, match=r"model 'musik': .*\(B10\)"):
            opened.read("musik")
        with pytest.raises(FormatError, match=r"model 'wetter': header: .*\(P6\)"):
            opened.model("wetter")
        assert opened.read("音楽") == models["音楽"]
    assert set(bundle.verify(path)["errors"]) == {"musik", "wetter"}


def test_a_directory_of_any_entries_is_read_as_it_was_written() -> None:
    entries = {f"{i:x}": Entry(f"{i:x}", START + 64 * i, 64, i * 0x9E3779B97F4A7C15 % (1 << 64)) for i in range(3000)}
    data = bundle.encode_directory(entries, 7)
    state = bundle.State(memoryview(data), 7, START + 64 * 3000, None)
    assert state.names() == sorted(entries)
    assert {name: state.find(name) for name in entries} == entries
