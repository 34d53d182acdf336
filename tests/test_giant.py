"""Tables larger than memory: the same file whatever the memory, the workers and the order of rows; nothing left behind."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nlucompress
from nlucompress import BuildError, ModelImportError, cli, fileformat, giant, index
from nlucompress.fileformat import Spool
from nlucompress.giant import compress_table, records, writing
from nlucompress.importers import tabular
from nlucompress.importers.tabular import escape
from nlucompress.quantize import Tops
from nlucompress.reference import FileTable
from nlucompress.rows.bits import pack
from nlucompress.rows.plain import encode_offsets

Row = tuple[str, str, float]
LABELS = ["alarm", "music", "news", "weather"]
LEAST = giant.LEAST_MEMORY


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SHARD_FEATURES", 100)


def make_rows(n: int = 3000, labels: Sequence[str] = LABELS, seed: int = 0, most: int = 2) -> list[Row]:
    """One to ``most`` weights to each of n features, and a bias."""
    rng = np.random.default_rng(seed)
    rows = [(f"feature {i}", str(label), float(rng.standard_normal()))
            for i in range(n) for label in rng.choice(labels, rng.integers(1, most + 1), replace=False)]  # fmt: skip
    return [*rows, ("", labels[0], 0.5)]


def tsv(rows: Sequence[Row]) -> str:
    lines = [f"{escape(name) if name else ''}\t{escape(label)}\t{weight!r}" for name, label, weight in rows]
    return "\n".join(["feature\tlabel\tweight", *lines, ""])


def write(path: Path, rows: Sequence[Row], facts: dict[str, Any] | None = None) -> Path:
    head = f"# nlucompress {json.dumps(facts)}\n" if facts is not None else ""
    path.write_text(head + tsv(rows), encoding="utf-8", newline="\n")
    return path


def built(source: Path, **options: Any) -> bytes:
    output = source.with_name("out.nluc")
    compress_table(source, output, overwrite=True, **options)
    assert {path.name for path in output.parent.glob(".nluc*")} == set()
    return output.read_bytes()


def sections(data: bytes) -> dict[str, bytes]:
    return {name: bytes(part) for name, part in fileformat.decode(data, "full").sections.items()}


def partitioned(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """As if a partition of so many rows filled the least memory."""
    monkeypatch.setattr(giant, "BASE", 0)
    monkeypatch.setattr(giant, "ROW", LEAST * 3 // 4 // rows)


# -- the same bytes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"range": "class", "buckets": 16}, {"prune": 0.2, "gamma": 2.0, "check_bits": 13}, {"check_bits": 0}],
)
def test_memory_chunks_and_the_order_of_rows_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_shards: None, options: dict[str, Any]
) -> None:
    rows = make_rows()
    first = built(write(tmp_path / "one.tsv", rows), **options)
    assert nlucompress.Model(first, "full").info()["shards"] == 32
    for seed, size in enumerate((2500, 700, 30)):
        partitioned(monkeypatch, size)
        monkeypatch.setattr(tabular, "BLOCK", 1 << (9 + 2 * seed))
        monkeypatch.setattr(giant, "BUFFER", 100 + seed)
        random.Random(seed).shuffle(rows)
        assert built(write(tmp_path / "other.tsv", rows), memory=LEAST, **options) == first
    assert giant.partition_bits(len(rows), LEAST) >= 7


def test_how_rows_are_divided_into_files_does_not_matter(tmp_path: Path, small_shards: None) -> None:
    rows = make_rows()
    first = built(write(tmp_path / "one.tsv", rows))
    random.Random(1).shuffle(rows)
    folder = tmp_path / "pieces"
    folder.mkdir()
    for i in range(7):
        write(folder / f"part-{i}.tsv", rows[i::7])
    (folder / ".hidden").write_text("no table")
    assert built(folder) == first


def test_forms_do_not_matter_but_for_what_the_file_says_of_its_source(tmp_path: Path, small_shards: None) -> None:
    import pyarrow as arrow
    from pyarrow import parquet

    rows = make_rows()
    first = sections(built(write(tmp_path / "one.tsv", rows)))
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[0][-1] = None  # type: ignore[call-overload]
    table = arrow.table(dict(zip(("feature", "label", "weight"), columns, strict=True)))
    parquet.write_table(table, tmp_path / "one.parquet", row_group_size=300)
    assert sections(built(tmp_path / "one.parquet")) == first
    lines = [json.dumps({"feature": name or None, "label": label, "weight": weight}) for name, label, weight in rows]
    (tmp_path / "one.jsonl").write_text("\n".join(lines))
    assert sections(built(tmp_path / "one.jsonl")) == first


@pytest.mark.parametrize(
    ("most", "labels", "coder"), [(4, LABELS, "dense"), (2, [f"label {i}" for i in range(300)], "plain")]
)
@pytest.mark.parametrize("shard", [100, 1 << 22])
@pytest.mark.parametrize("range_", ["model", "class"])
def test_the_sections_are_those_of_the_same_model_compressed_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, labels: list[str], coder: str, shard: int, range_: str
) -> None:
    monkeypatch.setattr(index, "SHARD_FEATURES", shard)
    rows = sorted(make_rows(2000, labels, most=most), key=lambda row: row[1])  # labels as they are numbered here
    source = write(tmp_path / "one.tsv", rows)
    data = built(source, range=range_, check_bits=11)
    other = nlucompress.compress(source, range=range_, check_bits=11, layout=coder)  # type: ignore[arg-type]
    assert sections(data) == sections(other.data)
    mine, theirs = (nlucompress.Model(one).info() for one in (data, other.data))
    assert mine["coder"] == coder
    assert mine["quantization"] == theirs["quantization"]
    assert mine["features_source"] == theirs["features_source"] == 2000


@pytest.mark.parametrize("layout", ["plain", "dense", "pool", "coded"])
def test_shards_find_the_same_features_with_the_same_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, layout: Any
) -> None:
    source = write(tmp_path / "one.tsv", make_rows(1500))
    one = nlucompress.compress(source, layout=layout, check_bits=20).model()
    monkeypatch.setattr(index, "SHARD_FEATURES", 40)
    several = nlucompress.compress(source, layout=layout, check_bits=20).model()
    assert several.info()["shards"] == 64
    assert "shards" not in one.info()
    names = [f"feature {i}" for i in range(3000)]
    slots, found = several.lookup_many(names)
    assert found.tolist() == one.lookup_many(names)[1].tolist()
    assert sorted(slots[found].tolist()) == list(range(several.n_features))
    assert FileTable(several._file).find(0, names).tolist() == slots.tolist()  # the reference, whatever the backend
    for name in names[:300]:
        assert several.lookup(name) == one.lookup(name)


names_drawn = st.one_of(strategies.words, strategies.texts()).filter(bool)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.dictionaries(st.tuples(names_drawn, st.sampled_from(LABELS)),
                       st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.3, 1e-30, 7.0]), min_size=1, max_size=30),
       st.randoms(use_true_random=False), st.sampled_from([1, 3, 1 << 22]))  # fmt: skip
def test_any_table_makes_the_sections_of_the_model_in_memory(
    tmp_path: Path, table: dict[tuple[str, str], float], random_: Any, shard: int
) -> None:
    rows = [(name, label, weight) for (name, label), weight in table.items()]
    random_.shuffle(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SHARD_FEATURES", shard)
        data = built(write(tmp_path / "one.tsv", rows))
        rows.sort(key=lambda row: row[1])
        model = nlucompress.compress(
            write(tmp_path / "sorted.tsv", rows), layout=nlucompress.Model(data).info()["coder"]
        )
    assert sections(data) == sections(model.data)


def test_the_number_of_shards_follows_from_the_features_alone() -> None:
    assert [index.shard_bits(n) for n in (0, 1, 1 << 22, (1 << 22) + 1, 1 << 23, (1 << 23) + 1)] == [0, 0, 0, 1, 1, 2]
    assert index.shard_bits((1 << 31) - 1) == 9
    assert max(index.shard_bits(n) for n in range(0, 1 << 40, 1 << 33)) <= index.MAX_SHARD_BITS


# -- what a table may say -------------------------------------------------------------------------------------------------


def test_facts_namespaces_norms_and_baseline_are_carried(tmp_path: Path, small_shards: None) -> None:
    facts = {
        "task": "multiclass", "link": "softmax", "classes": ["b", "a"], "baseline": [0.5, -1.0],
        "namespaces": [{"name": "w", "analyzer": "word"}, {"name": "c", "analyzer": "char_wb", "ngram_range": [2, 2]}],
        "steps": [{"op": "norm", "namespaces": [0, 1], "kind": "l2"}],
    }  # fmt: skip
    lines = [f"word{i}\t{'ab'[i % 2]}\t{i % 5 - 2}\tw" for i in range(400)] + [
        f"{chr(97 + i)} \tb\t{i % 3}\tc" for i in range(26)
    ]
    text = "\n".join(
        [f"# nlucompress {json.dumps(facts)}", "feature\tlabel\tweight\tnamespace", *lines, "\tb\t0.25\t", ""]
    )
    source = tmp_path / "one.tsv"
    for kept in (True, False):
        source.write_text(text if kept else text.replace('"baseline": [0.5, -1.0], ', ""))
        data = built(source)
        model, other = nlucompress.Model(data, "full"), nlucompress.compress(source, layout="dense").model()
        assert sections(data) == sections(nlucompress.compress(source, layout=model.info()["coder"]).data)
        assert model.n_features == 426  # those without a weight count in the norm
        texts = ["word1 word3 word399", "", "word2", "x"]
        np.testing.assert_allclose(model.predict_proba(texts), other.predict_proba(texts))
        assert model.classes_.tolist() == ["b", "a"]


def test_one_label_makes_a_binary_model(tmp_path: Path) -> None:
    source = write(tmp_path / "one.tsv", [("play", "music", 2.0), ("stop", "music", -1.0), ("", "music", 0.125)])
    assert sections(built(source)) == sections(nlucompress.compress(source, layout="dense").data)


def test_labels_that_are_integers_are_in_their_order(tmp_path: Path) -> None:
    lines = [json.dumps({"feature": f"f{i}", "label": [10, 9, -1][i % 3], "weight": 1.5}) for i in range(9)]
    (tmp_path / "one.jsonl").write_text("\n".join(lines))
    assert nlucompress.Model(built(tmp_path / "one.jsonl")).classes_.tolist() == [-1, 9, 10]


def test_features_whose_weights_round_to_zero_are_left_out(tmp_path: Path) -> None:
    rows = [("a", "x", 1.0), ("b", "y", 1e-9), ("c", "y", 0.0), ("d", "y", -1.0)]
    model = nlucompress.Model(built(write(tmp_path / "one.tsv", rows), check_bits=32, buckets=3))
    assert [model.lookup(name) for name in "abcd"] == [{"x": 1.0}, None, None, {"y": -1.0}]
    assert model.info()["features_source"] == 4


# -- what is refused ------------------------------------------------------------------------------------------------------


def refused(source: Path, *words: str, error: type[Exception] = ModelImportError, **options: Any) -> None:
    output = source.with_name("out.nluc")
    with pytest.raises(error) as raised:
        compress_table(source, output, **options)
    for word in words:
        assert word in str(raised.value), str(raised.value)
    assert not output.exists()
    assert list(output.parent.glob(".nluc*")) == []


@pytest.mark.parametrize("weight", [1.0, 2.0])
def test_a_row_that_stands_twice_is_refused_with_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: float
) -> None:
    rows = make_rows()
    rows.insert(1000, ("feature 7", next(label for name, label, _ in rows if name == "feature 7"), weight))
    for size in (10_000, 50):
        partitioned(monkeypatch, size)
        refused(
            write(tmp_path / "one.tsv", rows),
            "'feature 7'",
            "one.tsv",
            "line 1002",
            "stands in row or line",
            memory=LEAST,
        )


def test_a_row_that_stands_in_two_files_is_refused_with_both(tmp_path: Path) -> None:
    folder = tmp_path / "pieces"
    folder.mkdir()
    write(folder / "a.tsv", [("play", "x", 1.0), ("stop", "x", 1.0)])
    write(folder / "b.tsv", [("halt", "x", 1.0), ("play", "x", 3.0)])
    refused(folder, "b.tsv", "line 3", "'play'", "'x'", "a.tsv, row or line 2")
    write(folder / "b.tsv", [("", "x", 1.0)])
    write(folder / "c.tsv", [("", "x", 1.0)])
    refused(folder, "c.tsv", "line 2", "bias", "b.tsv, line 2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feature\tlabel\tweight\na\tb\tnan\n", ["one.tsv", "line 2", "'nan'", "finite"]),
        ("feature\tlabel\tweight\na\tb\tinf\n", ["line 2", "finite"]),
        ("feature\tlabel\tweight\na\tb\tx\n", ["line 2", "'x'", "not a number"]),
        ("feature\tlabel\tweight\na\t\t1\n", ["line 2", "idf", "--memory"]),
        ("feature\tlabel\tweight\n", ["no row has a label"]),
        ("feature\tweight\na\t1\n", ["label"]),
        ("feature\tlabel\tweight\tnamespace\na\tb\t1\tn\nc\tb\t1\tm\n", ["namespaces", "facts"]),
        ('# nlucompress {"classes": ["x", "y"]}\nfeature\tlabel\tweight\na\tb\t1\n', ["line 3", "'b'", "of the facts"]),
        ('# nlucompress {"task": "tagging"}\nfeature\tlabel\tweight\na\tb\t1\n', ["tagging"]),
        ('# nlucompress {"task": "binary"}\nfeature\tlabel\tweight\na\tb\t1\nc\td\t1\n', ["binary"]),
        ("not a table", ["one.tsv", "not a table"]),
        ("", ["one.tsv"]),
    ],
)  # fmt: skip
def test_a_table_with_something_wrong_is_refused_with_the_place(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "one.tsv").write_text(text)
    refused(tmp_path / "one.tsv", *words)


def test_a_folder_with_something_wrong_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "pieces"
    folder.mkdir()
    refused(folder, "pieces", "empty")
    write(folder / "a.tsv", [("a", "x", 1.0)], {"link": "softmax"})
    write(folder / "b.tsv", [("b", "x", 1.0)], {"link": "ovr"})
    refused(folder, "b.tsv", "facts are not those of a.tsv")
    (folder / "b.tsv").write_text("a picture")
    refused(folder, "b.tsv", "not a table")
    refused(tmp_path / "nowhere", "nowhere", error=(OSError, ModelImportError))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"buckets": 1}, {"range": "row"}, {"prune": 1.0}, {"check_bits": 33}, {"gamma": 0.5}, {"memory": 10**6}]
)
def test_options_that_are_none_are_refused_before_any_work(tmp_path: Path, options: dict[str, Any]) -> None:
    refused(write(tmp_path / "one.tsv", make_rows(10)), next(iter(options)), error=BuildError, **options)


def test_memory_that_a_shard_does_not_fit_is_refused_by_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giant, "FEATURE", 10**6)
    refused(write(tmp_path / "one.tsv", make_rows()), "shard of", f"{LEAST:,}", error=BuildError, memory=LEAST)


def test_an_output_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    source, output = write(tmp_path / "one.tsv", make_rows(10)), tmp_path / "out.nluc"
    output.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        compress_table(source, output)
    assert output.read_bytes() == b"mine"


# -- nothing left behind --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["reading", "quantizing", "indexing", "writing"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_build_leaves_nothing_behind(tmp_path: Path, stage: str, error: type[BaseException]) -> None:
    source, scratch = write(tmp_path / "one.tsv", make_rows(100)), tmp_path / "scratch"
    scratch.mkdir()

    def stop(at: str) -> None:
        if at == stage:
            raise error

    with pytest.raises(error):
        compress_table(source, tmp_path / "out.nluc", scratch=scratch, progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tsv", "scratch"]
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of a file's size")
@pytest.mark.parametrize("limit", [1 << 12, 50_000, 100_000, 130_000])
def test_a_full_disk_is_an_oserror_with_the_path_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    """A limit of a file's size, which fails writes as a full disk does: of a partition, a section, or the whole file."""
    write(tmp_path / "one.tsv", make_rows(2000, [f"label {i}" for i in range(300)], most=40))
    program = f"""
        import resource, signal, sys
        from nlucompress import giant
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        giant.BASE, giant.ROW = 0, giant.LEAST_MEMORY * 3 // 4 // 500
        giant.compress_table("one.tsv", "whole.nluc", memory=giant.LEAST_MEMORY)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
        try:
            giant.compress_table("one.tsv", "out.nluc", memory=giant.LEAST_MEMORY)
        except OSError as error:
            print(error.errno, error.filename)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    number, _, name = done.stdout.strip().partition(" ")
    assert int(number or 0) == errno.EFBIG, (tmp_path / "whole.nluc").stat().st_size
    assert name != "None"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tsv", "whole.nluc"]


def test_a_disk_that_is_full_when_a_section_is_written_is_said_with_its_path(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    spool = Spool(tmp_path / "section")
    spool._file.close()
    spool._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    with pytest.raises(OSError, match="section") as raised:
        spool.write(b"x" * 10)
    assert raised.value.errno == errno.ENOSPC
    spool.close()


# -- parts that are written piece by piece --------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60), st.integers(0, 32), st.lists(st.integers(0, 60), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_packed_pieces_are_what_pack_makes(tmp_path: Path, values: list[int], width: int, cuts: list[int]) -> None:
    (tmp_path / "x").unlink(missing_ok=True)
    spool = Spool(tmp_path / "x")
    packed = writing.Packed(spool, width)
    for part in np.split(np.array(values, np.uint64), sorted(cuts)):
        packed.write(part)
    packed.close()
    assert b"".join(spool.pieces()) == pack(np.array(values, np.uint64), width).tobytes()
    assert spool.length == (tmp_path / "x").stat().st_size


@given(st.lists(st.integers(0, 300), min_size=1, max_size=400), st.lists(st.integers(0, 400), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_offsets_in_pieces_are_what_encode_offsets_makes(tmp_path: Path, lengths: list[int], cuts: list[int]) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    n, count = len(lengths), sum(lengths)
    writer = writing.Writer(tmp_path, n, count, 1 << 16, 8)
    if writer.coder != "plain":
        return
    for part in np.split(np.array(lengths), sorted(min(cut, n) for cut in cuts)):
        blocks = np.zeros((0, 16), np.uint32)
        writer.add(giant.Built((), blocks, np.zeros(len(part), np.uint32), part, part), [])
    writer.close()
    low_bits, wanted = encode_offsets(np.concatenate([[0], np.cumsum(lengths)]))
    assert writer.parameters == {"count": count, "low_bits": low_bits}
    for name, section in wanted.items():
        assert b"".join(writer.sections[name].pieces()) == section.tobytes()


@given(st.lists(st.floats(-10, 10), max_size=200), st.integers(0, 16), st.randoms(use_true_random=False))
def test_the_largest_weights_are_the_same_in_any_order_and_in_parts(
    weights: list[float], most: int, random_: Any
) -> None:
    one = Tops(most, 1)
    one.add(0, np.array(weights))
    random_.shuffle(weights)
    many = Tops(most, 1)
    for part in np.array_split(np.array(weights), 7):
        many.add(0, part)
    assert (np.abs(one.values) == np.abs(many.values)).all()


# -- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_compresses_a_folder_and_says_its_shards(tmp_path: Path, small_shards: None) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    write(folder / "a.tsv", make_rows(1000))
    run = CliRunner()
    done = run.invoke(cli.main, ["compress", str(folder), "-o", str(tmp_path / "a.nluc")])
    assert done.exit_code == 0, done.output
    assert "16 shards" in done.output
    done = run.invoke(
        cli.main, ["compress", str(folder / "a.tsv"), "-o", str(tmp_path / "b.nluc"), "--memory", "1GB", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["shards"] == 16
    assert (tmp_path / "a.nluc").read_bytes() == (tmp_path / "b.nluc").read_bytes()
    assert run.invoke(cli.main, ["verify", str(tmp_path / "a.nluc")]).exit_code == 0
    assert "16 shards" in run.invoke(cli.main, ["inspect", str(tmp_path / "a.nluc")]).output


@pytest.mark.parametrize(
    "option", [["--codebook", "kmeans"], ["--layout", "small"], ["--norm", "mean"], ["--dry-run"], ["--max-loss", "1"]]
)
def test_the_command_refuses_options_that_do_not_go_with_parts(tmp_path: Path, option: list[str]) -> None:
    source = write(tmp_path / "one.tsv", make_rows(10))
    done = CliRunner().invoke(
        cli.main, ["compress", str(source), "-o", str(tmp_path / "out.nluc"), "--memory", "1GB", *option]
    )
    assert done.exit_code == 2
    assert option[0] in done.output
    assert not (tmp_path / "out.nluc").exists()


# -- Dask -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes; each has small shards too, because the shards' number is told by the client."""
    import distributed

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as one:
        yield one


pytestmark = pytest.mark.filterwarnings("default")  # of Dask and of what it imports; and of sockets that it closes late


@pytest.mark.parametrize("options", [{}, {"range": "class"}])
def test_a_dask_cluster_writes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_shards: None, cluster: Any, options: dict[str, Any]
) -> None:
    rows = make_rows()
    first = built(write(tmp_path / "one.tsv", rows), **options)
    folder = tmp_path / "pieces"
    folder.mkdir()
    random.Random(3).shuffle(rows)
    for i in range(3):
        write(folder / f"part-{i}.tsv", sorted(rows[i::3]))
    assert built(folder, scheduler=cluster.scheduler_address, **options) == first
    partitioned(monkeypatch, 60)  # partitions that are smaller than shards
    assert built(folder, memory=LEAST, scheduler=cluster.scheduler_address, **options) == first


def test_a_row_that_stands_twice_is_refused_on_dask_too(tmp_path: Path, cluster: Any) -> None:
    folder = tmp_path / "pieces"
    folder.mkdir()
    write(folder / "a.tsv", [("play", "x", 1.0), ("stop", "x", 1.0)])
    write(folder / "b.tsv", [("halt", "x", 1.0), ("play", "x", 3.0)])
    refused(folder, "b.tsv", "line 3", "'play'", "a.tsv, row or line 2", scheduler=cluster.scheduler_address)
    write(folder / "b.tsv", [("halt", "x", float("nan"))])
    refused(folder, "b.tsv", "line 2", "finite", scheduler=cluster.scheduler_address)


def test_a_scheduler_that_is_not_there_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nlucompress.giant import cluster as module

    monkeypatch.setattr(module, "CONNECT", 1)
    source = write(tmp_path / "one.tsv", make_rows(10))
    refused(source, "tcp://127.0.0.1:9", "cannot be reached", error=OSError, scheduler="tcp://127.0.0.1:9")


def test_a_hash_and_its_name_are_found_again(tmp_path: Path) -> None:
    source = write(tmp_path / "one.tsv", make_rows(50))
    assert records.name_at(source, 2) == "'feature 0'"
    assert records.name_at(source, 10_000) == "?"
