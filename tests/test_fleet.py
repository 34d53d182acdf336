"""Fleets: the same files whatever does the work, failures alone, runs that are cut off go on, workers that die."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import nlucompress
from nlucompress import bundle, fleet
from nlucompress.cli import main
from nlucompress.errors import FleetError
from nlucompress.fleet import places
from nlucompress.fleet.target import Journal

ROOT = Path(__file__).parent.parent
DIES = "dies"  # a model of this name kills its worker


def write_models(folder, names, rows=6):
    """A table of weights a name, each its own."""
    folder.mkdir(exist_ok=True)
    for name in names:
        rng = np.random.default_rng(list(name.encode()))
        lines = [f"{name}{i}\t{label}\t{rng.normal():.4f}" for i in range(rows) for label in ("play", "stop")]
        (folder / f"{name}.tsv").write_text("\n".join(["feature\tlabel\tweight", *lines]) + "\n")
    return folder


def run(*arguments):
    """Exit code, records by name, and standard error of a call."""
    result = CliRunner().invoke(main, ["compress-many", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len({record["name"] for record in records}) == len(records)
    return result.exit_code, {record["name"]: record for record in records}, result.stderr


def start(*arguments, code="from nlucompress.cli import main; main()"):
    """The command in a process of its own, in a group of its own."""
    return subprocess.Popen([sys.executable, "-c", code, "compress-many", *map(str, arguments)], env=environment(),
                            stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip


def environment():
    """With this checkout's nlucompress."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def halfway(models, action):
    """The command's code, with an action when the results of so many models are there; a slow disk is left out of it.

    Interrupts are on, also where a shell started the suite in the background and turned them off.
    """
    return (
        "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nos.fsync = lambda file: None\n"
        "import nlucompress.fleet as fleet\nreal, count = fleet._accepted, []\n"
        f"def accepted(*rest):\n    count.append(1)\n    if len(count) == {models}: {action}\n    return real(*rest)\n"
        "fleet._accepted = accepted\nfrom nlucompress.cli import main\nmain()"
    )


def files(folder):
    return {file.name: file.read_bytes() for file in folder.glob("*.nluc")}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("fleet") / "models", [f"skill{i}" for i in range(6)])


@pytest.fixture(scope="module")
def expected(models):
    """The files, each as compress makes it."""
    return {f"{file.stem}.nluc": nlucompress.compress(file).data for file in models.glob("*.tsv")}


class Cluster:
    """A Dask scheduler and workers, each a process; every one can be killed."""

    def __init__(self, folder, workers):
        told = folder / "scheduler.json"
        self.scheduler = self.process("scheduler", "--host", "tcp://127.0.0.1:0", "--scheduler-file", told)
        self.workers = []
        while not told.exists() or not told.read_bytes().endswith(b"}"):
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(told.read_text())["address"]
        self.workers = [self.process("worker", self.address, "--nthreads", "1", "--no-nanny", "--death-timeout", "5")
                        for _ in range(workers)]  # fmt: skip

    def process(self, kind, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *map(str, arguments)]
        return subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path, 2)
    yield cluster
    cluster.close()


# -- the same files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_are_those_of_compress(models, expected, tmp_path, jobs):
    code, records, words = run(models / "*.tsv", "-o", tmp_path, "--jobs", jobs)
    assert (code, files(tmp_path)) == (0, expected)
    assert words.startswith("6 models in ")
    for name, record in records.items():
        assert record["status"] == "done"
        assert record["bytes"] == len(expected[f"{name}.nluc"])
        assert record["source_bytes"] == (models / f"{name}.tsv").stat().st_size
        assert Path(record["output"]) == tmp_path / f"{name}.nluc"


def test_files_are_those_of_compress_on_a_dask_cluster_of_the_commands_own(models, expected, tmp_path):
    done = start(models / "*.tsv", "-o", tmp_path / "out", "--dask", 2, "--log", tmp_path / "log")
    words = done.communicate(timeout=120)[1]
    assert done.returncode == 0, words
    assert files(tmp_path / "out") == expected
    assert (tmp_path / "log").read_text().count("\n") == 6


def test_a_dask_worker_that_is_killed_loses_nothing(tmp_path, cluster):
    names = [f"m{i}" for i in range(60)]
    models, log = write_models(tmp_path / "models", names, rows=200), tmp_path / "log"
    done = start(models / "*.tsv", "-o", tmp_path / "out", "--log", log, "--scheduler", cluster.address,
                 code=halfway(20, f"os.kill({cluster.workers[0].pid}, signal.SIGKILL)"))  # fmt: skip
    words = done.communicate(timeout=120)[1]
    assert done.returncode == 0, words
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert sorted(json.loads(line)["name"] for line in log.read_text().splitlines()) == sorted(names)
    assert files(tmp_path / "out") == {
        f"{name}.nluc": nlucompress.compress(models / f"{name}.tsv").data for name in names
    }


def test_a_scheduler_that_goes_away_is_an_error_and_what_is_finished_stays(tmp_path, cluster):
    models, log = write_models(tmp_path / "models", [f"m{i}" for i in range(80)], rows=1500), tmp_path / "log"
    done = start(models / "*.tsv", "-o", tmp_path / "out", "--log", log, "--scheduler", cluster.address,
                 code=halfway(3, f"os.kill({cluster.scheduler.pid}, signal.SIGKILL)"))  # fmt: skip
    words = done.communicate(timeout=120)[1]
    assert done.returncode == 1
    assert words.splitlines()[-1].startswith(f"Error: the scheduler {cluster.address} went away")
    there = len(log.read_text().splitlines())
    assert 2 <= there < 80  # those whose results were here already
    assert f"{there} of 80 models are finished and kept" in words
    code, records, _ = run(models / "*.tsv", "-o", tmp_path / "out", "--jobs", 1)
    assert (code, sum(record["status"] == "kept" for record in records.values())) == (0, there)
    assert len(files(tmp_path / "out")) == 80


def test_a_scheduler_that_does_not_answer_is_an_error(models, tmp_path):
    code = "import nlucompress.fleet.engines as e; e.CONNECT = 0.5; from nlucompress.cli import main; main()"
    done = start(models / "*.tsv", "-o", tmp_path, "--scheduler", "tcp://127.0.0.1:9", code=code)
    words = done.communicate(timeout=60)[1]
    assert done.returncode == 1
    assert "Error: the scheduler tcp://127.0.0.1:9: " in words
    assert "0 of 6 models are finished" in words


# -- failures ---------------------------------------------------------------------------------------------------------


def test_one_bad_model_does_not_stop_the_others(models, expected, tmp_path):
    for file in models.glob("*.tsv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "broken.joblib").write_bytes(b"nonsense")
    code, records, words = run(tmp_path / "*.*", "-o", tmp_path / "out", "--jobs", 2)
    assert (code, files(tmp_path / "out")) == (1, expected)
    assert records["broken"]["status"] == "failed"
    assert records["broken"]["error"].startswith("broken.joblib: ")
    assert "6 done, 1 failed" in words
    assert run(tmp_path / "*.*", "-o", tmp_path / "out", "--jobs", 1)[1]["broken"]["status"] == "failed"  # tried again


def test_a_model_that_kills_its_worker_fails_alone(tmp_path):
    """A worker process is ended by one model, again whenever that model is tried; the others are all there."""
    names = [f"m{i}" for i in range(12)]
    models = write_models(tmp_path / "models", [*names, DIES])
    (tmp_path / "deadly.py").write_text(
        "import os\nimport nlucompress.fleet.job as job\nreal = job.import_model\n"
        f"def deadly(source, **rest):\n    if source.stem == {DIES!r}: os._exit(9)\n    return real(source, **rest)\n"
        "def work(one):\n    job.import_model = deadly\n    return job.work(one)\n"
    )
    code = (f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import os; os.environ['PYTHONPATH'] += {os.pathsep!r} + "
            f"{str(tmp_path)!r}; import deadly; import nlucompress.fleet.engines as engines; engines.work = deadly.work; "
            "from nlucompress.cli import main; main()")  # fmt: skip
    log = tmp_path / "log"
    done = start(models / "*.tsv", "-o", tmp_path / "out", "--jobs", 2, "--log", log, code=code)
    words = done.communicate(timeout=120)[1]
    records = {one["name"]: one for one in map(json.loads, log.read_text().splitlines())}
    assert done.returncode == 1, words
    assert "the worker's process died" in records.pop(DIES)["error"]
    assert {name for name, record in records.items() if record["status"] == "done"} == set(names)
    assert len(files(tmp_path / "out")) == 12


def test_a_budget_that_is_not_met_is_exit_code_3_and_a_failure_outweighs_it(models, tmp_path):
    rows = [{"features": [f"skill0{i % 6}"], "label": "play"} for i in range(6)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = tmp_path / "manifest.jsonl"
    line = {"source": str(models / "skill0.tsv"), "data": "dev.jsonl", "target_size": 100, "candidates": 2}
    manifest.write_text(json.dumps(line) + "\n" + json.dumps({"source": str(models / "skill1.tsv")}))
    code, records, words = run(manifest, "-o", tmp_path / "out", "--jobs", 1)
    assert (code, records["skill0"]["status"], records["skill1"]["status"]) == (3, "missed", "done"), records
    assert "at most 100 bytes" in records["skill0"]["missed"]
    assert {"loss", "flips", "bytes"} <= records["skill0"].keys()
    assert list(files(tmp_path / "out")) == ["skill1.nluc"]
    assert "1 done, 1 missed" in words
    again = run(manifest, "-o", tmp_path / "out", "--jobs", 1)
    assert (again[0], again[1]["skill0"], again[1]["skill1"]["status"]) == (3, records["skill0"], "kept")
    assert run(manifest, "-o", tmp_path / "out", "--jobs", 1, "--best-effort", "--force")[0] == 0
    assert set(files(tmp_path / "out")) == {"skill0.nluc", "skill1.nluc"}
    (tmp_path / "broken.joblib").write_bytes(b"nonsense")
    with manifest.open("a") as file:
        file.write('\n{"source": "broken.joblib"}\n')
    assert run(manifest, "-o", tmp_path / "out2", "--jobs", 1)[0] == 1


def test_a_search_in_a_fleet_finds_what_search_finds(models, tmp_path):
    rows = [{"features": [f"skill0{i % 6}"], "label": "play" if i % 3 else "stop"} for i in range(6)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, records, _ = run(models / "skill0.tsv*", "-o", tmp_path, "--jobs", 1, "--data", tmp_path / "dev.jsonl",
                           "--max-flips", "50%", "--candidates", 5, "--check-bits", 4)  # fmt: skip
    found = nlucompress.search(models / "skill0.tsv", tmp_path / "dev.jsonl", max_flips=0.5, candidates=5,
                               space={"check_bits": 4})  # fmt: skip
    assert (code, (tmp_path / "skill0.nluc").read_bytes()) == (0, found.compressed.data)
    assert records["skill0"]["flips"] == found.estimate.flips
    assert records["skill0"]["options"]["check_bits"] == 4


def test_data_without_a_budget_says_what_compressing_cost(models, tmp_path):
    rows = [{"features": [f"skill0{i % 6}"], "label": "play"} for i in range(6)]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, records, _ = run(models / "skill0.tsv*", "-o", tmp_path, "--jobs", 1, "--data", tmp_path / "dev.jsonl",
                        "--buckets", 2)  # fmt: skip
    record = records["skill0"]
    before, after = record["accuracy"]
    assert (record["texts"], record["loss"]) == (6, pytest.approx(100 * (before - after)))
    assert 0 <= record["flips"] <= 1


# -- going on ---------------------------------------------------------------------------------------------------------


def test_an_interrupted_run_goes_on(tmp_path):
    models = write_models(tmp_path / "models", [f"m{i}" for i in range(60)], rows=200)
    log, out = tmp_path / "log", tmp_path / "out"
    done = start(models / "*.tsv", "-o", out, "--jobs", 2, "--log", log, code=halfway(5, "os.killpg(0, signal.SIGINT)"))
    words = done.communicate(timeout=60)[1]
    assert done.returncode == 1
    assert "interrupted: what is finished is kept" in words
    there = {one["name"] for one in map(json.loads, log.read_text().splitlines())}
    assert 4 <= len(there) < 60
    times = {name: (out / f"{name}.nluc").stat().st_mtime_ns for name in there}
    code, records, _ = run(models / "*.tsv", "-o", out, "--jobs", 2)
    kept = {name for name, record in records.items() if record["status"] == "kept"}
    assert (code, len(records)) == (0, 60)
    assert there <= kept  # a file may be there of which the log has no line any more
    assert {name: (out / f"{name}.nluc").stat().st_mtime_ns for name in there} == times
    assert files(out) == {f"{file.stem}.nluc": nlucompress.compress(file).data for file in models.glob("*.tsv")}


def test_other_options_and_other_sources_are_done_again_and_only_with_force(models, tmp_path):
    sources, out = tmp_path / "models", tmp_path / "out"
    sources.mkdir()
    for file in models.glob("*.tsv"):
        (sources / file.name).write_bytes(file.read_bytes())
    assert run(sources / "*.tsv", "-o", out, "--jobs", 1)[0] == 0
    write_models(sources, ["skill0"], rows=9)
    before = files(out)
    code, records, _ = run(sources / "*.tsv", "-o", out, "--jobs", 1)
    assert (code, [name for name, one in records.items() if one["status"] != "kept"]) == (1, ["skill0"])
    assert "--force" in records["skill0"]["error"]
    assert files(out) == before
    code, records, _ = run(sources / "*.tsv", "-o", out, "--jobs", 1, "--force")
    assert (code, [name for name, one in records.items() if one["status"] == "done"]) == (0, ["skill0"])
    assert files(out)["skill0.nluc"] == nlucompress.compress(sources / "skill0.tsv").data
    code, records, _ = run(sources / "*.tsv", "-o", out, "--jobs", 1, "--force", "--buckets", 16)
    assert (code, {one["status"] for one in records.values()}) == (0, {"done"})


def test_a_file_that_was_lost_or_damaged_is_not_taken_for_finished(models, expected, tmp_path):
    run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    (tmp_path / "skill0.nluc").unlink()
    _, records, _ = run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    assert (records["skill0"]["status"], records["skill1"]["status"]) == ("done", "kept")
    (tmp_path / "skill1.nluc").write_bytes(b"half")
    code, _, words = run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    assert code == 2
    assert "skill1.nluc" in words
    assert run(models / "*.tsv", "-o", tmp_path, "--jobs", 1, "--force")[0] == 0
    assert files(tmp_path) == expected


def test_files_in_the_way_stop_the_run_before_it_begins(models, tmp_path):
    (tmp_path / "skill3.nluc").write_bytes(b"precious")
    code, records, words = run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    assert (code, records) == (2, {})
    assert "skill3.nluc" in words
    assert "--force" in words
    assert files(tmp_path) == {"skill3.nluc": b"precious"}


def test_a_journal_that_was_cut_off_loses_its_last_line_only(models, tmp_path):
    run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    journal = tmp_path / "fleet.jsonl"
    data = journal.read_bytes()
    last = json.loads(data.splitlines()[-1])["name"]
    journal.write_bytes(data[:-20])
    (tmp_path / f"{last}.nluc").unlink()  # its line is written before it
    code, records, _ = run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    assert (code, [name for name, one in records.items() if one["status"] == "done"]) == (0, [last])
    assert [json.loads(line).get("name") for line in journal.read_text().splitlines()].count(last) == 1
    for damaged, words in ((b"precious\n", "not a journal"), (data.replace(b"key", b"kex", 1), "line 2 is damaged"),
                           (b"precious", "not a journal")):  # fmt: skip
        journal.write_bytes(damaged)
        code, _, error = run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
        assert code == 1
        assert words in error
        assert journal.read_bytes() == damaged


def test_two_runs_do_not_write_at_once(models, tmp_path):
    pytest.importorskip("fcntl", reason="this system has no flock")
    journal = Journal(str(tmp_path / "fleet.jsonl"))
    try:
        code, _, words = run(models / "*.tsv", "-o", tmp_path, "--jobs", 1)
    finally:
        journal.close()
    assert code == 1
    assert "another run is writing here" in words


def test_a_full_disk_ends_the_run_and_what_is_finished_stays(tmp_path):
    """The system's own limit on a file's size stands in for a disk that is full."""
    pytest.importorskip("resource", reason="this system has no limit on files")
    models = write_models(tmp_path / "models", ["a", "b"])
    write_models(models, ["large"], rows=20_000)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("source\nmodels/a.tsv\nmodels/large.tsv\nmodels/b.tsv\n")
    code = ("import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
            "from nlucompress.cli import main; main()")  # fmt: skip
    done = start(manifest, "-o", tmp_path / "out", "--jobs", 1, "--log", tmp_path / "log", code=code)
    words = done.communicate(timeout=60)[1]
    assert done.returncode == 1
    assert "1 of 3 models are finished and kept" in words
    assert "File too large" in words
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.nluc", "fleet.jsonl"]
    _, records, _ = run(manifest, "-o", tmp_path / "out", "--jobs", 1)
    assert {name: one["status"] for name, one in records.items()} == {"a": "kept", "large": "done", "b": "done"}


# -- manifests --------------------------------------------------------------------------------------------------------


def test_a_manifests_line_has_the_last_word(models, tmp_path):
    lines = [{"source": "models/skill0.tsv", "name": "first", "buckets": 16}, {"source": "models/skill1.tsv"}]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["name", "source", "buckets"], ["first", "models/skill0.tsv", 16],
                                    ["", "models/skill1.tsv", ""]])  # fmt: skip
    (tmp_path / "models").symlink_to(models)
    for kind in ("jsonl", "csv"):
        code, records, _ = run(tmp_path / f"manifest.{kind}", "-o", tmp_path / kind, "--jobs", 1, "--buckets", 64)
        assert (code, records["first"]["options"]["buckets"], records["skill1"]["options"]["buckets"]) == (0, 16, 64)
    assert files(tmp_path / "jsonl") == files(tmp_path / "csv")
    assert files(tmp_path / "csv")["first.nluc"] == nlucompress.compress(models / "skill0.tsv", buckets=16).data


@pytest.mark.parametrize(("lines", "words"), [
    (['{"source": "a.tsv"}', '{"source": "gone.tsv"}'], "line 2: {folder}/gone.tsv: no such file"),
    (['{"source": "a.tsv"}', '{"source": "a.tsv"}'], "line 2: the name 'a' is taken by {folder}/m.jsonl, line 1"),
    (['{"source": "a.tsv", "data": "gone.jsonl"}'], "gone.jsonl: no such file"),
    (['{"source": "a.tsv", "bukets": 3}'], "line 1: unknown field 'bukets'"),
    (['{"source": "a.tsv", "buckets": 300}'], "line 1: buckets: 300 is not a whole number in 2..256"),
    (['{"source": "a.tsv", "buckets": true}'], "buckets: True is not a whole number"),
    (['{"source": "a.tsv", "prune": 1}'], "prune: 1 is not a number in 0..1"),
    (['{"source": "a.tsv", "prune": NaN}'], "prune: nan is not a number"),
    (['{"source": "a.tsv", "norm": "l2"}'], "norm: 'l2' is not one of 'exact', 'mean'"),
    (['{"source": "a.tsv", "max_flips": "3"}'], "max_flips: '3' is not a share"),
    (['{"source": "a.tsv", "max_loss": 1}'], "line 1: a budget is measured on data"),
    (['{"source": "a.tsv", "name": "../a"}'], "the name '../a' is no file name"),
    (['{"source": "a.tsv", "name": ".."}'], "the name '..' is no file name"),
    (['{"source": "a.tsv", "name": "' + "x" * 241 + '"}'], "is no file name: 1..240 bytes"),
    (['{"source": 3}'], "source: 3 is not a text"),
    (['{"name": "a"}'], "no field 'source'"),
    (['{"source": "a.tsv", "source": "a.tsv"}'], "a field comes twice"),
    (["[1]"], "line 1: list, not an object"),
    (["{"], "line 1: not a line of JSON"),
    (["[" * 100_000], "line 1: not a line of JSON"),
    ([""], "no model in it"),
])  # fmt: skip
def test_a_bad_manifest_is_an_error_before_any_work(tmp_path, lines, words):
    write_models(tmp_path, ["a"])
    (tmp_path / "m.jsonl").write_text("\n".join(lines))
    code, records, error = run(tmp_path / "m.jsonl", "-o", tmp_path / "out", "--jobs", 1)
    assert (code, records) == (1, {})
    assert words.format(folder=tmp_path) in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("text", "words"), [
    ("source,source\na.tsv,a.tsv\n", "line 1: a column comes twice"),
    ("source,buckets\na.tsv\n", "line 2: 1 cells, the first line has 2"),
    ('source\n"a.tsv\n', "not CSV"),
    ("source,buckets\na.tsv,many\n", "line 2: buckets: 'many' is not a whole number in 2..256"),
    ("source,sure\na.tsv,perhaps\n", "sure: 'perhaps' is not true or false"),
])  # fmt: skip
def test_a_bad_csv_is_an_error_before_any_work(tmp_path, text, words):
    write_models(tmp_path, ["a"])
    (tmp_path / "m.csv").write_text(text)
    code, records, error = run(tmp_path / "m.csv", "-o", tmp_path / "out", "--jobs", 1)
    assert (code, records) == (1, {})
    assert words in error


def test_a_pattern_without_files_and_stems_that_come_twice_are_errors(models, tmp_path):
    code, _, words = run(tmp_path / "*.tsv", "-o", tmp_path / "out")
    assert code == 1
    assert "no file matches" in words
    write_models(tmp_path / "other", ["skill0"])
    (tmp_path / "models").symlink_to(models)
    code, _, words = run(tmp_path / "*" / "*.tsv", "-o", tmp_path / "out")
    assert code == 1
    assert f"the name 'skill0' is taken by {tmp_path / 'models' / 'skill0.tsv'}" in words
    code, _, words = run(models, "-o", tmp_path / "out")
    assert code == 1
    assert "neither a manifest" in words


# -- paths elsewhere, packages that are missing -----------------------------------------------------------------------


def test_urls_are_read_and_written_through_fsspec(models, expected, tmp_path):
    import fsspec

    memory = fsspec.filesystem("memory")
    for file in models.glob("*.tsv"):
        memory.pipe_file(f"/fleet/{file.name}", file.read_bytes())
    memory.pipe_file("/fleet/manifest.jsonl", b'{"source": "skill0.tsv"}\n{"source": "memory://fleet/skill1.tsv"}\n')
    code, records, _ = run("memory://fleet/*.tsv", "-o", tmp_path / "here", "--jobs", 1)
    assert (code, files(tmp_path / "here")) == (0, expected)
    arguments = (
        "memory://fleet/manifest.jsonl",
        "-o",
        "memory://small",
        "--jobs",
        1,
        "--journal",
        tmp_path / "journal",
    )
    for status in ("done", "kept"):
        code, records, words = run(*arguments)
        assert (code, {one["status"] for one in records.values()}) == (0, {status}), words
    assert memory.cat_file("/small/skill1.nluc") == expected["skill1.nluc"]
    code, _, words = run(*arguments[:-2])
    assert code == 1
    assert "--journal" in words
    memory.pipe_file("/fleet/manifest.jsonl", b'{"source": "gone.tsv"}\n')
    code, _, words = run("memory://fleet/manifest.jsonl", "-o", tmp_path / "out")
    assert code == 1
    assert "memory://fleet/gone.tsv: no such file" in words


@pytest.mark.parametrize(("module", "arguments", "package"), [
    ("joblib", (), "joblib"),
    ("distributed", ("--dask", "2"), "dask[distributed]"),
    ("ray", ("--ray",), "ray"),
])  # fmt: skip
def test_a_package_that_is_missing_is_named(models, tmp_path, monkeypatch, module, arguments, package):
    real = places.importlib.import_module

    def without(name, *rest):
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return real(name, *rest)

    monkeypatch.setattr(places.importlib, "import_module", without)
    code, records, words = run(models / "*.tsv", "-o", tmp_path, *arguments)
    assert (code, records) == (1, {})
    assert f"needs the package {package}: pip install " in words


def test_wrong_usage(models, tmp_path):
    assert run(models / "*.tsv", "-o", tmp_path, "--jobs", 1, "--ray")[0] == 2
    assert run(models / "*.tsv")[0] == 2
    for arguments in ({"jobs": 1, "ray": True}, {"jobs": -1}):
        with pytest.raises(ValueError, match="jobs"):
            fleet.compress_many(models / "*.tsv", tmp_path, **arguments)
    entries = fleet.read_entries(str(models / "*.tsv"))
    with pytest.raises(ValueError, match="is taken by"):
        fleet.compress_many([*entries, entries[0]], tmp_path, jobs=1)
    with pytest.raises(ValueError, match="options go with"):
        fleet.compress_many(entries, tmp_path, options={"buckets": 3})
    assert issubclass(FleetError, ValueError)


def test_a_log_is_appended_to_no_other_file(models, tmp_path):
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(json.dumps({"source": str(models / "skill0.tsv")}) + "\n")
    data = tmp_path / "d.jsonl"
    data.write_text(json.dumps({"features": ["skill00"], "label": "play"}) + "\n")
    for arguments in ((manifest, "-o", tmp_path / "o", "--log", manifest),
                      (manifest, "-o", tmp_path / "o", "--data", data, "--log", data),
                      (manifest, "-o", tmp_path / "o.nlub", "--log", tmp_path / "o.nlub"),
                      (models / "*.tsv", "-o", tmp_path / "o", "--log", models / "skill1.tsv"),
                      (models / "*.tsv", "-o", tmp_path / "o", "--log", data)):  # fmt: skip
        before = {path: path.read_bytes() for path in (manifest, data, models / "skill1.tsv")}
        code, records, err = run(*arguments, "--jobs", 1)
        assert (code, records) == (2, {}), err
        assert ("named twice" in err) != ("no log of compress-many" in err)
        assert all(path.read_bytes() == content for path, content in before.items())
    for _ in range(2):
        assert run(manifest, "-o", tmp_path / "out", "--log", tmp_path / "log", "--jobs", 1)[0] == 0
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl", "log", "m.jsonl", "out"]


def test_an_output_that_is_a_file_is_said_to_be_one(models, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, err = run(models / "*.tsv", "-o", tmp_path / "file", "--jobs", 1, "--force")
    assert (code, "a file, where a folder or a bundle" in err, "--force overwrites" in err) == (1, True, False)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_bundle_gets_the_same_files_and_goes_on(models, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(fleet.target, "WAITING_BYTES", 5000)  # several additions
    out = tmp_path / "fleet.nlub"
    write_models(tmp_path / "two", ["skill0", "skill1"])
    assert run(tmp_path / "two" / "*.tsv", "-o", out, "--jobs", 1)[0] == 0
    code, records, words = run(models / "*.tsv", "-o", out, "--jobs", 1)
    assert code == 0, words
    assert sorted(name for name, one in records.items() if one["status"] == "kept") == ["skill0", "skill1"]
    with bundle.Bundle(out) as there:
        assert {f"{name}.nluc": there.read(name) for name in there} == expected
    code, records, _ = run(models / "*.tsv", "-o", out, "--jobs", 1, "--buckets", 16)
    assert (code, {one["status"] for one in records.values()}) == (1, {"failed"})
    assert run(models / "*.tsv", "-o", out, "--jobs", 1, "--buckets", 16, "--force")[0] == 0
    with bundle.Bundle(out) as there:
        assert there.read("skill0") == nlucompress.compress(models / "skill0.tsv", buckets=16).data
