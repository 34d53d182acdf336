"""ModelStore: who gets which model, what it counts, who leaves when, and many threads and processes at once."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nlucompress
from nlucompress import FormatError, Model, ModelStore, bundle, fileformat, store
from nlucompress.backend import VARIABLE

GOLDEN = Path(__file__).parent / "golden"
TEXTS = ["play yesterday by the beatles", "Play it again, play IT!", "stop", "", "Straße 東京 naïve"]
KINDS = [
    "plain",
    "binary",
    "calibrated",
    "class-range",
    "coded",
    "pool",
    "baseline",
    "multilabel",
    "mean-norm",
    "many-classes",
]
FILES = {kind: (GOLDEN / f"model-v1.1-{kind}.nluc").read_bytes() for kind in KINDS}


def scores(model: Model) -> bytes:
    return model.decision_function(TEXTS).tobytes()


ANSWERS = {kind: scores(Model(data)) for kind, data in FILES.items()}


@pytest.fixture(params=["folder", "bundle"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The ten models, in a folder or in a bundle."""
    if request.param == "folder":
        folder = tmp_path / "models"
        folder.mkdir()
        for kind, data in FILES.items():
            (folder / f"{kind}.nluc").write_bytes(data)
        return folder
    bundle.create(tmp_path / "models.nlub", FILES)
    return tmp_path / "models.nlub"


def put(source: Path, name: str, data: bytes) -> None:
    """Replace or add a model."""
    if source.is_dir():
        fileformat.save(data, source / f"{name}.nluc", overwrite=True)
    else:
        bundle.add(source, {name: data}, replace=True)


def take(source: Path, name: str) -> None:
    if source.is_dir():
        (source / f"{name}.nluc").unlink()
    else:
        bundle.remove(source, [name])


def damage(source: Path, name: str) -> None:
    """Break one model's header, in place."""
    path, at = (source / f"{name}.nluc", 0) if source.is_dir() else (source, 0)
    if not source.is_dir():
        with bundle.Bundle(source) as opened:
            at = opened[name].offset
    with open(path, "r+b") as file:
        file.seek(at + 70)
        byte = file.read(1)
        file.seek(at + 70)
        file.write(bytes([byte[0] ^ 255]))


# -- asking -------------------------------------------------------------------------------------------------------------


def test_every_model_answers_as_its_own_file_does(source: Path) -> None:
    with ModelStore(source) as models:
        assert models.names() == list(models) == sorted(KINDS)
        assert len(models) == len(KINDS)
        for kind, data in FILES.items():
            whole, model = Model(data), models[kind]
            assert scores(model) == ANSWERS[kind]
            assert model.predict(TEXTS).tolist() == whole.predict(TEXTS).tolist()
            assert model.predict(tuple(TEXTS)).tolist() == whole.predict(TEXTS).tolist()  # another path than a list's
            if whole.link != "identity":
                assert model.predict_proba(TEXTS).tobytes() == whole.predict_proba(TEXTS).tobytes()
            for name in ("task", "link", "n_features", "takes_text"):
                assert getattr(model, name) == getattr(whole, name)
            assert model.classes_.tolist() == whole.classes_.tolist()
            assert model.classes_.dtype == whole.classes_.dtype
            assert model.info() == whole.info()
            assert model.lookup("play") == whole.lookup("play")
            assert [model.slot(name) for name in ("play", "x")] == [whole.slot(name) for name in ("play", "x")]
            assert [part.tolist() for part in model.lookup_many(["play", "x"])] == [
                part.tolist() for part in whole.lookup_many(["play", "x"])
            ]
            assert scores(pickle.loads(pickle.dumps(model))) == ANSWERS[kind]
            with pytest.raises(ValueError, match="read-only"):
                model.classes_[0] = model.classes_[0]
            with pytest.raises(AttributeError, match="nonsense"):
                model.nonsense  # noqa: B018


def test_models_of_every_golden_file_answer(tmp_path: Path) -> None:
    import json

    expected = json.loads((GOLDEN / "expected.json").read_text())
    with ModelStore(GOLDEN) as models:
        for name in models:
            model: Any = models[name]
            if model.task == "tagging":
                assert model.predict(expected[f"{name}.nluc"]["samples"]) == expected[f"{name}.nluc"]["labels"]
                continue
            found = model.decision_function(expected[f"{name}.nluc"]["samples"])
            np.testing.assert_allclose(found, expected[f"{name}.nluc"]["scores"], rtol=1e-12, atol=1e-12)


def test_a_sample_that_cannot_be_read_is_named(source: Path) -> None:
    with ModelStore(source) as models, pytest.raises((TypeError, ValueError), match="sample 1"):
        models["plain"].predict(["a", 5])


@pytest.mark.parametrize(
    "name", ["plan", "", "..", "../models/plain", "plain.nluc", "/etc/passwd", "plain\0", "\ud800", "x" * 9999]
)
def test_an_unknown_name_is_a_key_error(source: Path, name: str) -> None:
    with ModelStore(source) as models:
        assert name not in models
        assert "plain" in models
        assert 5 not in models
        with pytest.raises(KeyError) as error:
            models[name]
        assert ("close names are 'plain'" in str(error.value)) == (name in ("plan", "plain.nluc", "plain\0"))
        assert models.stats()["errors"] == 0
        with pytest.raises(KeyError):
            models.pin(name)


def test_close_names_of_many_are_found_fast() -> None:
    names = [f"skill-{i:05d}" for i in range(45_000)]
    start = time.perf_counter()
    assert "'skill-00017'" in store._unknown("skill-000017", names)
    assert time.perf_counter() - start < 5


def test_a_damaged_model_is_an_error_of_its_own(source: Path) -> None:
    damage(source, "binary")
    with ModelStore(source) as models:
        for _ in range(2):
            with pytest.raises(FormatError, match=r"binary.*header: its CRC-32 does not match \(P6\)"):
                models["binary"]
        assert scores(models["plain"]) == ANSWERS["plain"]
        assert models.stats()["errors"] == 2
        put(source, "binary", FILES["binary"][:0] + FILES["coded"])
        models._check = 0.0
        if source.suffix:
            models._source._check = 0.0  # type: ignore[attr-defined]
        assert scores(models["binary"]) == ANSWERS["coded"]


def test_an_empty_file_a_folder_and_a_pipe_are_format_errors(tmp_path: Path) -> None:
    (tmp_path / "empty.nluc").write_bytes(b"")
    (tmp_path / "folder.nluc").mkdir()
    with ModelStore(tmp_path) as models:
        with pytest.raises(FormatError, match=r"empty\.nluc: the file is empty"):
            models["empty"]
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe.nluc")
            with pytest.raises(FormatError, match=r"pipe\.nluc: not a regular file"):
                models["pipe"]
        with pytest.raises((FormatError, OSError)):
            models["folder"]
        assert models.names() == ["empty"]


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ModelStore(tmp_path / "none.nlub")
    (tmp_path / "model.nluc").write_bytes(FILES["plain"])
    with pytest.raises(FormatError, match=r"model\.nluc: not a \.nlub file.*\(B1\)"):
        ModelStore(tmp_path / "model.nluc")
    with pytest.raises(ValueError, match="check_seconds: -1"):
        ModelStore(tmp_path, check_seconds=-1)
    bundle.create(tmp_path / "b.nlub", FILES)
    with pytest.raises(ValueError, match="max_bytes: 100, the bundle's directory alone takes"):
        ModelStore(tmp_path / "b.nlub", 100)


# -- the budget ---------------------------------------------------------------------------------------------------------


def size_of(source: Path, *names: str) -> int:
    """Bytes of a store that holds these models."""
    with ModelStore(source) as models:
        for name in names:
            models[name]
        return int(models.stats()["bytes"])


def test_the_least_recently_used_leave(source: Path) -> None:
    sizes = {kind: size_of(source, kind) - size_of(source) for kind in KINDS}
    budget = size_of(source, "plain", "binary", "coded")
    with ModelStore(source, budget) as models:
        for name in ("plain", "binary", "coded", "plain", "pool"):
            models[name]
        stats = models.stats()
        assert stats["bytes"] <= budget
        assert (stats["hits"], stats["misses"]) == (1, 4)
        assert stats["evictions"] >= 1
        assert "binary" not in models._entries  # the one used least recently
        kept = list(models._entries)
        assert stats["bytes"] == size_of(source) + sum(sizes[name] for name in kept)
        assert kept[-1] == "pool"


def test_counted_bytes_never_exceed_the_budget_but_for_what_is_held(source: Path) -> None:
    budget = size_of(source, "plain", "binary", "coded")
    rng = np.random.default_rng(0)
    with ModelStore(source, budget) as models:
        for kind in rng.choice(KINDS[:8], 300).tolist():
            assert scores(models[kind]) == ANSWERS[kind]
            assert models.stats()["bytes"] <= budget
        held = [models[kind] for kind in KINDS[:8]]
        stats = models.stats()
        assert stats["bytes"] > budget  # they cannot be taken from who holds them, so they count
        assert stats["held"] + stats["models"] == 8
        assert [scores(model) for model in held] == [ANSWERS[kind] for kind in KINDS[:8]]
        misses = stats["misses"]
        assert [models[kind] for kind in KINDS[:8]] == held  # still there, not opened again
        assert models.stats()["misses"] == misses
        del held
        models["plain"]
        assert models.stats()["bytes"] <= budget
        assert models.stats()["held"] == 0


def test_a_model_that_is_larger_than_the_budget_is_given_and_not_kept(source: Path) -> None:
    budget = size_of(source) + 1000
    with ModelStore(source, budget) as models:
        model = models["plain"]
        assert scores(model) == ANSWERS["plain"]
        assert models["plain"] is model
        assert models.stats()["models"] == 0
        assert models.stats()["held"] == 1
        del model
        assert models.stats()["bytes"] == size_of(source)


def test_pinned_models_never_leave(source: Path) -> None:
    budget = size_of(source, "plain", "binary")
    with ModelStore(source, budget, pinned=["plain"]) as models:
        first = id(models["plain"])
        for kind in KINDS:
            models[kind]
            models.clear()
        assert id(models["plain"]) == first
        assert models.stats()["pinned"] == 1
        with pytest.raises(ValueError, match="model 'many-classes': pinned models would take"):
            models.pin("many-classes")
        assert models.stats()["bytes"] <= budget
        models.unpin("plain")
        models.unpin("nobody")
        models.clear()
        assert models.stats()["bytes"] == size_of(source)


def test_a_model_in_use_does_not_leave(source: Path) -> None:
    budget = size_of(source, "plain", "binary")
    with ModelStore(source, budget) as models:
        with models.use("plain") as model:
            for kind in KINDS:
                models[kind]
            assert models["plain"] is model
            assert models.stats()["held"] == 0
            assert scores(model) == ANSWERS["plain"]
        with pytest.raises(ZeroDivisionError), models.use("plain"):
            raise ZeroDivisionError
        assert models._entries["plain"].uses == 0


def test_models_outlive_the_store(source: Path) -> None:
    with ModelStore(source) as models:
        model = models["coded"]
    del models
    gc.collect()
    assert scores(model) == ANSWERS["coded"]


def test_the_count_of_a_models_own_memory_is_what_python_and_the_core_take(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "native")
    with ModelStore(source) as models:
        for kind in KINDS:
            models[kind].predict(TEXTS)
    gc.collect()
    with ModelStore(source, check_seconds=None) as models:
        models["plain"]
        before = models.stats()["bytes"]
        tracemalloc.start()
        start = tracemalloc.get_traced_memory()[0]
        for kind in KINDS[1:]:
            models[kind]
        gc.collect()
        python = tracemalloc.get_traced_memory()[0] - start
        tracemalloc.stop()
        opened: list[Any] = [entry.model for name, entry in models._entries.items() if name != "plain"]
        core = sum(model._core.own_bytes() for model in opened)
        mapped = sum(model._buffer.size() for model in opened)
        counted = models.stats()["bytes"] - before
        assert mapped >= sum(map(len, FILES.values())) - len(FILES["plain"])
        # Of 20 to 40 KB each, 500 bytes: dictionaries grow by steps.
        assert abs(counted - (python + core + mapped)) < 600 * (len(KINDS) - 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has")
def test_a_models_map_is_resident_whole_and_gone_when_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "native")
    bundle.create(tmp_path / "b.nlub", FILES)

    def resident() -> int:
        total, ours = 0, False
        for line in Path("/proc/self/smaps").read_text().splitlines():
            if "-" in line.split(" ")[0] and not line.split(" ")[0].endswith(":"):
                ours = line.endswith("b.nlub")
            elif ours and line.startswith("Rss:"):
                total += 1024 * int(line.split()[1])
        return total

    with ModelStore(tmp_path / "b.nlub") as models:
        start = resident()
        models["coded"]
        one = models._entries["coded"].model._buffer.size()  # type: ignore[union-attr]
        assert resident() - start == one
        models["plain"]
        assert resident() - start == one + models._entries["plain"].model._buffer.size()  # type: ignore[union-attr]
        models.clear()
        assert resident() == start


# -- replaced files -----------------------------------------------------------------------------------------------------


def test_a_replaced_model_is_opened_anew(source: Path) -> None:
    with ModelStore(source, check_seconds=0) as models:
        old = models["plain"]
        models.pin("binary")
        put(source, "plain", FILES["coded"])
        put(source, "binary", FILES["pool"])
        put(source, "new", FILES["baseline"])
        assert scores(models["plain"]) == ANSWERS["coded"]
        assert scores(models["binary"]) == ANSWERS["pool"]
        assert scores(models["new"]) == ANSWERS["baseline"]
        assert scores(old) == ANSWERS["plain"]  # who holds the old one keeps it
        stats = models.stats()
        assert (stats["reloads"], stats["pinned"]) == (2, 1)
        take(source, "plain")
        with pytest.raises(KeyError, match="no model 'plain'"):
            models["plain"]
        assert "plain" not in models.names()


def test_a_change_elsewhere_keeps_a_bundles_open_models(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    bundle.create(path, FILES)
    with ModelStore(path, check_seconds=0) as models:
        kept = models["plain"]
        put(path, "binary", FILES["pool"])
        assert models["plain"] is kept
        bundle.compact(path)
        assert scores(models["plain"]) == ANSWERS["plain"]
        assert models.stats()["reloads"] == 1  # another file now


def test_how_often_is_looked_is_the_callers_choice(source: Path) -> None:
    with ModelStore(source, check_seconds=None) as never, ModelStore(source, check_seconds=0.3) as seldom:
        assert never["plain"] is not seldom["plain"]
        put(source, "plain", FILES["coded"])
        assert scores(never["plain"]) == ANSWERS["plain"]
        deadline = time.monotonic() + 20
        while scores(seldom["plain"]) != ANSWERS["coded"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert scores(never["plain"]) == ANSWERS["plain"]


def test_a_bundle_that_is_damaged_or_gone_later_is_served_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "b.nlub"
    bundle.create(path, FILES)
    with ModelStore(path, check_seconds=0) as models:
        assert models.stats()["source_error"] is None
        fileformat.save(b"nonsense", path, overwrite=True)
        assert scores(models["plain"]) == ANSWERS["plain"]
        assert "not a .nlub file" in models.stats()["source_error"]
        path.unlink()
        assert scores(models["coded"]) == ANSWERS["coded"]
        assert "No such file" in models.stats()["source_error"]
        bundle.create(path, {"plain": FILES["pool"]})
        assert scores(models["plain"]) == ANSWERS["pool"]
        assert models.stats()["source_error"] is None


# -- many at once -------------------------------------------------------------------------------------------------------


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What many threads that begin together make; the first error of one of them."""
    barrier, results, errors = threading.Barrier(count), [None] * count, []

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Opening takes a while; how often it was done."""
    opened: list[int] = []
    really = store._open

    def opening(buffer: Any) -> Any:
        opened.append(1)
        time.sleep(0.1)
        return really(buffer)

    monkeypatch.setattr(store, "_open", opening)
    return opened


def test_a_model_is_opened_once_however_many_ask(source: Path, slow: list[int]) -> None:
    with ModelStore(source) as models:
        found = together(8, lambda _: models["plain"])
        assert len(slow) == 1
        assert len(set(map(id, found))) == 1
        stats = models.stats()
        assert (stats["misses"], stats["hits"] + stats["waits"]) == (1, 7)
        assert stats["open_seconds"]["max"] >= 0.1


def test_all_who_wait_for_a_damaged_model_get_the_error(source: Path, slow: list[int]) -> None:
    damage(source, "binary")

    def ask(_: int) -> str:
        with pytest.raises(FormatError) as error:
            models["binary"]
        return str(error.value)

    with ModelStore(source) as models:
        found = together(6, ask)
        assert len(slow) < 6
        assert len(set(found)) == 1
        assert models._opening == {}


def test_an_interrupt_is_of_the_thread_that_it_met(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really, first = store._open, threading.Event()

    def opening(buffer: Any) -> Any:
        if not first.is_set():
            first.set()
            time.sleep(0.2)
            raise KeyboardInterrupt
        return really(buffer)

    monkeypatch.setattr(store, "_open", opening)

    def ask(number: int) -> bytes | None:
        if number:
            first.wait()
        try:
            return scores(models["plain"])
        except KeyboardInterrupt:
            return None

    with ModelStore(source) as models:
        assert together(4, ask) == [None, *[ANSWERS["plain"]] * 3]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_threads_with_a_tiny_budget_get_answers_bit_for_bit(source: Path, share: float) -> None:
    names = KINDS[:8]
    budget = size_of(source) + int(share * (size_of(source, *names) - size_of(source))) + 1000
    with ModelStore(source, budget, check_seconds=0) as models:

        def ask(number: int) -> None:
            rng = np.random.default_rng(number)
            held = []
            for kind in rng.choice(names, 150).tolist():
                how = rng.integers(4)
                if how == 0:
                    with models.use(kind) as model:
                        assert scores(model) == ANSWERS[kind]
                elif how == 1:
                    held = [*held[-2:], (kind, models[kind])]
                    assert all(scores(model) == ANSWERS[name] for name, model in held)
                elif how == 2 and share:
                    models.clear()
                else:
                    assert scores(models[kind]) == ANSWERS[kind]

        together(8, ask)
        models.clear()
        gc.collect()
        stats = models.stats()
        assert stats["bytes"] == size_of(source)
        assert (stats["models"], stats["held"], stats["errors"]) == (0, 0, 0)
        assert stats["hits"] + stats["misses"] + stats["waits"] >= 8 * 100
        assert all(entry.uses == 0 for entry in models._left.values())


def test_threads_while_models_are_replaced(source: Path) -> None:
    stop = threading.Event()
    versions = ["plain", "coded", "pool", "baseline"]

    def ask(number: int) -> None:
        while not stop.is_set():
            assert scores(models["plain"]) in {ANSWERS[kind] for kind in versions}
            assert scores(models["binary"]) == ANSWERS["binary"]

    def work(number: int) -> None:
        if number:
            ask(number)
            return
        try:
            for i in range(25):
                put(source, "plain", FILES[versions[i % 4]])
                if source.suffix and i % 8 == 7:
                    bundle.compact(source)
        finally:
            stop.set()

    with ModelStore(source, check_seconds=0) as models:
        together(5, work)
        assert models.stats()["reloads"] > 0
        assert scores(models["plain"]) == ANSWERS[versions[24 % 4]]


FORK = """
import os, sys, threading, time
import nlucompress
from nlucompress import store
models = nlucompress.ModelStore(sys.argv[1], int(sys.argv[2]))
names, stop = sys.argv[3:], threading.Event()
wanted = {name: models[name].decision_function(["play it"]).tolist() for name in names}
def ask(rounds):
    while rounds and not stop.is_set():
        rounds -= 1
        for name in names:
            assert models[name].decision_function(["play it"]).tolist() == wanted[name]
threads = [threading.Thread(target=ask, args=(-1,)) for _ in range(4)]
for thread in threads: thread.start()
good = True
for _ in range(15):
    time.sleep(0.005)
    child = os.fork()
    if not child:
        try:
            ask(3)
            os._exit(0 if not models._opening else 3)
        except BaseException:
            os._exit(4)
    until = time.monotonic() + 30
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(child, 9)
        time.sleep(0.005)
    good = good and done[1] == 0
stop.set()
for thread in threads: thread.join()
sys.exit(0 if good else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork (Windows)")
def test_a_forked_process_asks_on(source: Path) -> None:
    names = KINDS[:6]
    budget = size_of(source, *names[:3])
    root = str(Path(nlucompress.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    command = [sys.executable, "-c", FORK, str(source), str(budget), *names]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_the_store_imports_nothing_of_the_building_side(tmp_path: Path) -> None:
    bundle.create(tmp_path / "b.nlub", FILES)
    code = (
        f"import sys, nlucompress\nnlucompress.ModelStore({str(tmp_path / 'b.nlub')!r})['plain'].predict(['a'])\n"
        "print([name for name in sys.modules if name.startswith(('nlucompress.compress', 'nlucompress.importers', "
        "'nlucompress.quantize', 'nlucompress.search', 'sklearn'))])"
    )
    root = str(Path(nlucompress.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "[]\n"
