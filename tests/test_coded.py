"""The row coder ``coded``: round trips, both runtimes, damage, and FORMAT.md's rules R6 and R7."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import assume, given
from hypothesis import strategies as st

import nlucompress
from nlucompress import fileformat, modelfile, reference
from nlucompress.backend import VARIABLE, backend
from nlucompress.errors import FormatError
from nlucompress.linear import SparseRows
from nlucompress.rows import CODERS, Encoded, Reader, Shape, Table
from nlucompress.rows.coded_writer import levels_of
from nlucompress.rows.entries import _together, distinct, neighbours
from nlucompress.rows.huffman import canonical, code_lengths, joined, read_tables
from nlucompress.rows.symbols import half_magnitude, least_number, symbols_of

CODED = CODERS["coded"]
EVERY_KIND = ((1, 0), (1, 1), (2, 1), (2, 2), (4, 7), (4, 8), (8, 0))  # of packed rows; only the last is still written


def table(codes: SparseRows, idf_bits: int = 3, zero: int = 0, seed: int = 0, spread: float = 1.0) -> Table:
    """Rows with random idf numbers."""
    rng = np.random.default_rng(seed)
    numbers = (rng.random(codes.shape[0]) ** spread * (1 << idf_bits)).astype(np.int64)
    return Table(codes, numbers, idf_bits, zero)


def opened(encoded: Encoded, shape: Shape, sections: Any = None) -> Reader:
    """The reader of what was encoded, lengths checked."""
    given_sections = encoded.sections if sections is None else sections

    def exactly(name: str, length: int) -> Any:
        data = given_sections[name].view(np.uint8).reshape(-1)
        if len(data) != length:
            raise FormatError(name)
        return data

    return CODED.reader(shape, encoded.parameters, CODED.read(shape, encoded.parameters, exactly))


def assert_round_trip(source: Table, order: np.ndarray[Any, Any] | None = None) -> None:
    n, columns = source.codes.shape
    encoded = CODED.encode(source)
    reader = opened(encoded, Shape(n, columns, source.idf_bits))
    slots = np.arange(n) if order is None else order
    lengths, found, codes = reader.rows(slots, slots)
    wanted = source.codes.take(slots)
    assert lengths.tolist() == np.diff(wanted.indptr).tolist()
    assert found.tolist() == wanted.indices.tolist()
    assert codes.tolist() == wanted.data.tolist()
    assert reader.idf(slots, slots).tolist() == (source.numbers[slots] if source.idf_bits else slots * 0).tolist()
    assert not reader.clamped


@given(strategies.codes(), st.sampled_from([0, 1, 8, 9, 17, 24]), st.integers(0, 99), st.sampled_from([1.0, 8.0]))
def test_every_row_comes_back_in_any_order(codes: SparseRows, idf_bits: int, seed: int, spread: float) -> None:
    order = np.random.default_rng(seed).permutation(codes.shape[0])
    assert_round_trip(table(codes, idf_bits, 0, seed, spread), order)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_every_matrix_of_few_codes_comes_back(columns: int) -> None:
    for values in itertools.product([0, 1, 2], repeat=2 * columns):
        dense = np.array(values).reshape(2, columns)
        shifted = np.where(dense == 2, 255, dense)
        assert_round_trip(table(strategies.sparse(shifted, np.uint8), 1))


def frequent(columns: int = 40, zero: int = 9, n: int = 3000) -> Table:
    """Long rows that are met often, short ones that are not: some are packed in each way."""
    rng = np.random.default_rng(5)
    hot = np.arange(n) % 6 == 0
    dense = rng.integers(1, 4, (n, columns)) * (rng.random((n, columns)) < np.where(hot, 0.9, 0.05)[:, None])
    dense[hot] *= rng.choice([1, 2], (int(hot.sum()), 1))
    dense *= rng.choice([-1, 1], dense.shape)
    rows = strategies.sparse(dense)
    codes = SparseRows(rows.indptr, rows.indices, (rows.data + zero).astype(np.uint8), rows.shape)
    return Table(codes, np.where(hot, 0, rng.integers(1, 4, n)), 2, zero, np.array([0.5, 6, 7, 8], np.float32))


@pytest.mark.parametrize("columns", [40, 300])
def test_packed_rows_come_back(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlucompress.rows.forms.MOST_GROWTH", 0.8)
    monkeypatch.setattr("nlucompress.rows.forms.PACKED", EVERY_KIND)
    source = frequent(columns)
    groups = opened(CODED.encode(source), Shape(3000, columns, 2))._sections["groups"]  # type: ignore[attr-defined]
    assert (groups["size"] >> 24).any()
    assert_round_trip(source)


@pytest.mark.parametrize("columns", [7, 40, 300])
def test_long_rows_are_runs_and_come_back(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlucompress.rows.forms.PACKED", ())
    source = frequent(columns)
    encoded = CODED.encode(source)
    assert encoded.parameters["runs"] > 0
    assert encoded.notes["runs"] >= 400  # of 500 long rows
    assert_round_trip(source)


def test_a_run_is_no_larger_than_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    source = frequent()
    with_runs = CODED.encode(source).size
    monkeypatch.setattr("nlucompress.rows.forms.MOST_RUNS", 0)
    without = CODED.encode(source)
    assert without.parameters["runs"] == 0
    assert with_runs < without.size


def test_equal_rows_share_an_entry_and_others_have_their_own() -> None:
    rows = strategies.sparse(np.array([[1, 0, 2]] * 5 + [[0, 3, 0]]), np.uint8)
    encoded = CODED.encode(Table(rows, np.zeros(6, np.int64), 0, 0))
    assert (encoded.parameters["entries"], encoded.parameters["singles"]) == (1, 1)
    numbered = CODED.encode(Table(rows, np.arange(6), 3, 0))
    assert (numbered.parameters["entries"], numbered.parameters["singles"]) == (0, 6)


def test_no_slot_takes_more_than_its_entry_and_its_pointer() -> None:
    for size in (100, 1000, 10000):
        uses = np.random.default_rng(1).zipf(1.5, size).clip(1, 500).astype(np.int64)
        level, widths, _ = levels_of(uses, 10, 2)
        assert level.max() == len(widths) - 1
        for number, width in enumerate(widths):
            assert (level == number).sum() <= 1 << width
        assert (np.diff([uses[level == number].min() for number in range(len(widths))]) <= 0).all()


# -- numbers and tables -----------------------------------------------------------------------------------------------


@given(st.integers(0, (1 << 24) - 1))
def test_a_symbol_and_its_extra_bits_say_the_number(number: int) -> None:
    (symbol,), (extra,) = symbols_of(np.array([number]))
    assert 0 <= symbol < 56
    assert 0 <= number - least_number(int(symbol)) < 1 << extra


def test_row_classes_ascend() -> None:
    classes = half_magnitude(np.arange(1, 70000))
    assert classes[0] == 0
    assert (np.diff(classes) >= 0).all()
    assert classes[-1] == 32


@given(st.lists(st.integers(0, 1 << 20), min_size=1, max_size=56).filter(any), st.integers(6, 15))
def test_code_lengths_are_complete_and_as_good_as_entropy_says(counts: list[int], most: int) -> None:
    lengths = code_lengths(np.array(counts), most)
    used = [length for length in lengths if length >= 0]
    assert [length >= 0 for length in lengths] == [count > 0 for count in counts]
    assert sum(2.0**-length for length in used) == 1.0
    assert max(used) <= most
    total = sum(counts)
    entropy = sum(-count * np.log2(count / total) for count in counts if count)
    if most == 15:
        assert sum(n * length for n, length in zip(counts, lengths, strict=True) if n) <= entropy + total
    symbols, bits = read_tables(canonical(lengths), 1, 56)
    for symbol, length in enumerate(lengths):
        if length >= 0:
            assert (symbols == symbol).sum() == 1 << 15 - length
            assert set(bits[symbols == symbol].tolist()) == {length}


def test_contexts_with_like_counts_share_a_table() -> None:
    counts = np.zeros((4, 64), np.int64)
    counts[0, :4], counts[1, :4], counts[2, 8:12] = 1000, 900, 1000
    mapped, tables = joined(counts, 12)
    assert mapped[0] == mapped[1] != mapped[2]
    assert len(tables) == 2
    assert (tables.sum(0) == counts.sum(0)).all()


def test_neighbours_are_a_permutation_that_keeps_together_what_occurs_together() -> None:
    rng = np.random.default_rng(2)
    pair = rng.integers(0, 20, 500)
    dense = np.zeros((500, 40), int)
    dense[np.arange(500), pair] = dense[np.arange(500), pair + 20] = 1
    entries, _ = distinct(strategies.sparse(dense, np.uint8), np.arange(500), 0)
    order = neighbours(entries, 40)
    assert sorted(order.tolist()) == list(range(40))
    place = np.argsort(order)
    assert (np.abs(place[:20] - place[20:]) == 1).mean() > 0.9


@pytest.mark.parametrize("longest", [3, 30])
def test_shared_rows_are_counted_the_same_by_pairs_and_by_a_product(longest: int) -> None:
    rng = np.random.default_rng(longest)
    dense = rng.random((300, 40)) < longest / 40
    entries, _ = distinct(strategies.sparse(dense.astype(int), np.uint8), np.arange(300), 0)
    chosen = rng.permutation(len(entries.ranks))[:200]
    there = np.zeros((len(entries.ranks), 40), int)
    there[np.repeat(np.arange(len(there)), np.diff(entries.indptr)), entries.columns] = 1
    assert ((np.diff(entries.indptr)[chosen] ** 2).sum() < 200 * 40) == (longest == 3)
    assert (_together(entries, chosen, 40) == there[chosen].T @ there[chosen]).all()


# -- files ------------------------------------------------------------------------------------------------------------


def small(case: strategies.Case) -> bytes:
    return nlucompress.compress(case.model, layout="small").data


@given(strategies.cases())
def test_both_layouts_give_the_same_scores(case: strategies.Case) -> None:
    fast = nlucompress.compress(case.model, layout="fast").model()
    model = nlucompress.compress(case.model, layout="small").model()
    assert model.info()["coder"] == "coded"
    try:
        wanted = fast.decision_function(case.samples)
    except ValueError:
        assume(False)
    np.testing.assert_allclose(
        model.decision_function(case.samples), wanted, rtol=1e-9, atol=1e-9 * (1 + abs(wanted).max())
    )
    again = reference.Scorer(model._file, reference.FileTable(model._file))
    got = again.decision_function(case.samples)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9 * (1 + abs(wanted).max()))


def sample_file() -> bytes:
    """A model with shared, single and packed rows."""
    rng = np.random.default_rng(7)
    names = tuple(f"w{i}" for i in range(1500))
    source = frequent(40, 0, 1500)
    dense = np.zeros((1500, 40))
    dense[np.repeat(np.arange(1500), np.diff(source.codes.indptr)), source.codes.indices] = source.codes.data.astype(
        np.int8
    ).astype(float)
    idf = np.where(np.arange(1500) % 6 == 0, 1.0, rng.choice([6.0, 7.0, 8.0], 1500))
    model = nlucompress.linear.LinearModel(
        (nlucompress.linear.Namespace("w"),), (names,), dense, rng.standard_normal(40), np.arange(40),
        task="multiclass", link="softmax", idf=idf,
    )  # fmt: skip
    return nlucompress.compress(model, layout="small", buckets=16).data


@pytest.fixture(scope="module")
def data() -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlucompress.rows.forms.MOST_GROWTH", 0.15)
        patch.setattr("nlucompress.rows.forms.MOST_RUNS", 0)
        patch.setattr("nlucompress.rows.forms.PACKED", EVERY_KIND)
        return sample_file()


@pytest.fixture(scope="module")
def running() -> bytes:
    """The sample as it is written: its long rows are runs."""
    data = sample_file()
    assert read(data, "full").parameters["runs"] > 0
    nlucompress.runtime.Model(data, "full")
    return data


def read(data: bytes, verify: fileformat.Verify = "header") -> modelfile.ModelFile:
    return modelfile.read(fileformat.decode(data, verify), verify)


def changed(data: bytes, section: str, change: Any) -> bytes:
    """The file with a section changed, checksums right."""
    container = fileformat.decode(data)
    sections = {name: np.array(part) for name, part in container.sections.items()}
    header = {key: value for key, value in container.header.items() if key != "sections"}
    sections[section] = change(sections[section])
    return fileformat.encode(header, sections)


def with_field(data: bytes, name: str, value: int) -> bytes:
    container = fileformat.decode(data)
    header = {key: value for key, value in container.header.items() if key != "sections"}
    header["rows"] = {**header["rows"], name: value}
    return fileformat.encode(header, {key: np.array(part) for key, part in container.sections.items()})


def put(at: Any, value: Any) -> Any:
    def change(section: Any) -> Any:
        section[at] = value
        return section

    return change


def refused(data: bytes, rule: str, verify: fileformat.Verify = "header") -> None:
    with pytest.raises(FormatError, match=rf"\({rule}\)"):
        read(data, verify)
    if backend() == "native":
        from nlucompress._native import Model

        with pytest.raises(FormatError, match=rf"\({rule}\)"):
            Model(data) if verify == "header" else Model(data).verify()


def test_the_sample_has_every_kind_of_entry_and_holds_every_rule(data: bytes) -> None:
    file = read(data, "full")
    assert file.parameters["entries"]
    assert file.parameters["singles"]
    kinds = set((file.rows["groups"]["size"] >> 24).tolist())
    assert 0 in kinds
    assert len(kinds) > 1
    assert file.parameters["runs"] == 0
    nlucompress.runtime.Model(data, "full")


def places(data: bytes) -> dict[str, int]:
    """Where the parts of row_tables begin."""
    file = read(data)
    parts = ["levels", "groups", "order", "map", "tables"]
    sizes = [file.rows[part].nbytes for part in parts]
    return dict(zip(parts, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))


def test_r6_every_relation_of_the_tables_is_checked_at_open(data: bytes) -> None:
    at = places(data)
    for offset, value in [
        (at["levels"], 1), (at["levels"] + 3, 200), (at["levels"] + 4, 32), (at["groups"], 1), (at["groups"] + 4, 7),
        (at["groups"] + 11, 3), (at["groups"] + 11, 0x18), (at["groups"] + 23, 0x31), (at["order"], 40), (at["map"], 12),
        (at["tables"], 2), (at["tables"] + 15, 65), (at["tables"] + 16, 56),
    ]:  # fmt: skip
        refused(changed(data, "row_tables", put(offset, value)), "R6")
    fields = read(data).parameters
    for name, value in (("entries", 0), ("tables", 0)):
        broken = with_field(data, name, value)
        with pytest.raises(FormatError):
            read(broken)
    assert fields["tables"] > 0


# -- one relation at a time: all others hold, and checksums are right ---------------------------------------------------


@pytest.fixture(scope="module")
def leveled() -> bytes:
    """A model some of whose rows very many features have: two levels of pointers, and single entries."""
    rng = np.random.default_rng(4)
    distinct_rows = rng.integers(-3, 4, (3000, 12)) * (rng.random((3000, 12)) < 0.4)
    which = np.where(rng.random(6000) < 0.8, rng.integers(0, 4, 6000), rng.integers(0, 3000, 6000))
    model = nlucompress.linear.LinearModel(
        (nlucompress.linear.Namespace("w"),), (tuple(f"w{i}" for i in range(6000)),),
        distinct_rows[which].astype(float), np.zeros(12), np.arange(12), task="multiclass",
        steps=(nlucompress.linear.Step("norm", (0,), "l2"),),
    )  # fmt: skip
    data = nlucompress.compress(model, layout="small", buckets=16).data
    assert len(read(data).rows["levels"]) == 2
    assert read(data).parameters["singles"]
    return data


@pytest.fixture(scope="module")
def singly() -> bytes:
    """A model in which every row is another: no entries that are shared."""
    weights = np.arange(1.0, 31.0).reshape(10, 3)
    model = nlucompress.linear.LinearModel(
        (nlucompress.linear.Namespace("w"),), (tuple(f"w{i}" for i in range(10)),), weights, np.zeros(3), np.arange(3),
        task="multiclass",
    )  # fmt: skip
    data = nlucompress.compress(model, layout="small").data
    assert not read(data).parameters["entries"]
    return data


def crafted(data: bytes, edit: Any, room: bool = True, **fields: Any) -> bytes:
    """The file with its tables edited, fields of ``rows`` as given, and the others as the tables' lengths ask.

    edit: takes {levels, groups, order, map, tables} as arrays, replaces some. room: `rows` gets as long as the groups say.
    """
    container = fileformat.decode(data)
    file = modelfile.read(container)
    parts = {name: np.array(file.rows[name]) for name in ("levels", "groups", "order", "map", "tables")}
    before = ends(parts["groups"], file.parameters["entries"])
    edit(parts)
    header = {key: value for key, value in container.header.items() if key != "sections"}
    header["rows"] = {**header["rows"], "levels": len(parts["levels"]), "groups": len(parts["groups"]), **fields}
    sections = {name: np.array(part) for name, part in container.sections.items()}
    sections["row_tables"] = np.concatenate([part.view(np.uint8).reshape(-1) for part in parts.values()])
    more = ends(parts["groups"], header["rows"]["entries"]) - before
    if room and more < 1 << 20:
        sections["rows"] = np.concatenate([np.zeros(max(more, 0), np.uint8), sections["rows"][max(-more, 0) :]])
    return fileformat.encode(header, sections)


def ends(groups: Any, entries: int) -> int:
    """Bytes of the entries of groups that follow one another."""
    counts = np.diff(np.append(groups["first"].astype(np.int64), entries))
    each = (groups["size"].astype(np.int64) & 0xFFFFFF) * np.where(groups["size"] >> 24, 8, 1)
    return int((-(-counts * each // 8)).sum())


def field(part: str, at: int, name: str, value: Any) -> Any:
    """An edit of one number of the levels or groups; value: of the parts, or a number to add."""

    def edit(parts: Any) -> None:
        old = int(parts[part][name][at])
        parts[part][name][at] = value(old) if callable(value) else old + value

    return edit


def item(part: str, at: int, value: int) -> Any:
    """An edit of one byte."""

    def edit(parts: Any) -> None:
        parts[part][at] = value

    return edit


def kind(value: int, spare: int = 0) -> Any:
    """The last group is of a packed kind, its size that of the fields, the idf number and `spare` bytes."""

    def edit(parts: Any) -> None:
        size = 1 + -(-len(parts["order"]) * (value & 15) // 8) + spare
        parts["groups"]["size"][-1] = size | value << 24

    return edit


def tables(*contents: tuple[dict[int, int], list[int]]) -> Any:
    """All tables, of each how many codes of which length and the symbols; every context has the first."""

    def edit(parts: Any) -> None:
        raw = [[bits.get(i, 0) for i in range(16)] + symbols for bits, symbols in contents]
        parts["tables"] = np.array([byte for table in raw for byte in table], np.uint8)
        parts["map"][:] = 0

    return edit


def without(*names: str) -> Any:
    def edit(parts: Any) -> None:
        for name in names:
            parts[name] = parts[name][:0]

    return edit


def nothing(parts: Any) -> None:
    """No edit."""


TABLE = tables(({1: 2}, [0, 1]))
LEVEL_ATTACKS = {
    "the first level has not all slots": (field("levels", 0, "slots", -1), {}),
    "a level has more slots than the one before": (field("levels", 1, "slots", 10_000), {}),
    "more single entries than slots of the last level": (nothing, {"singles": 5_999}),
    "a pointer of 32 bits": (field("levels", 1, "width", lambda _: 32), {}),
    "levels without entries": (without("groups"), {"entries": 0}),
    "entries without levels": (without("levels"), {"singles": 6_000}),
    "levels and entries without groups": (without("groups"), {}),
    "bits of single entries that need 2^32 bits": (nothing, {"bits": 1 << 33, "low_bits": 0}),
}
GROUP_ATTACKS = {
    "the first group does not begin with the first entry": (field("groups", 0, "first", 1), {}),
    "a group without entries": (field("groups", 1, "first", lambda _: 0), {}),
    "a last group that begins at the number of entries": (nothing, {"entries": 57}),
    "a group that begins a byte after the one before": (field("groups", 1, "start", 1), {}),
    "a group that begins a byte before the end of the one before": (field("groups", 1, "start", -1), {}),
    "a first group that does not begin at 0": (field("groups", 0, "start", 1), {}),
    "fields of 3 bits": (kind(0x03), {}),
    "fields of 0 bits": (kind(0x10), {}),
    "fields of 5 bits": (kind(0x15), {}),
    "a field of code zero beyond 1 bit": (kind(0x21), {}),
    "a field of code zero beyond 2 bits": (kind(0x42), {}),
    "fields of 8 bits that are not codes": (kind(0x18), {}),
    "an entry smaller than its fields": (kind(0x74, -1), {}),
    "half an exception": (kind(0x74, 1), {}),
    "more exceptions than classes": (kind(0x74, 82), {}),
    "entries of 2^32 bytes or more": (field("groups", 1, "size", lambda _: 0xFFFFFF), {"entries": (1 << 31) - 1}),
}
TABLE_ATTACKS = {
    "no table": (tables(), {"tables": 0, "symbols": 0}),
    "a class of the order that is not there": (item("order", 5, 40), {}),
    "a context with a table that is not there": (item("map", 8, 7), {}),
    "a code that is not complete": (tables(({1: 1, 2: 1}, [0, 1])), {"tables": 1, "symbols": 2}),
    "a code of more than all words": (tables(({1: 2, 2: 1}, [0, 1, 2])), {"tables": 1, "symbols": 3}),
    "a code without symbols": (tables(({}, [])), {"tables": 1, "symbols": 0}),
    "65 symbols": (tables(({6: 63, 7: 2}, [i % 56 for i in range(65)])), {"tables": 1, "symbols": 65}),
    "a symbol beyond the last": (tables(({1: 2}, [0, 56])), {"tables": 1, "symbols": 2}),
    "bytes after the last table": (tables(({1: 2}, [0, 1, 0])), {"tables": 1, "symbols": 3}),
    "a last table that is cut off": (tables(({1: 2}, [0])), {"tables": 1, "symbols": 1}),
    "a last of two tables that is cut off": (tables(({1: 2}, [0, 1]), ({1: 2}, [])), {"tables": 2, "symbols": 2}),
}


def test_the_crafted_files_of_the_attacks_are_whole_without_them(data: bytes, leveled: bytes, singly: bytes) -> None:
    for one in (data, leveled, singly):
        assert crafted(one, nothing) == one
    for good in (kind(0x74), kind(0x74, 80), kind(0x74, 2), kind(0x11), kind(0x32), kind(0x08), kind(0x04)):
        read(crafted(data, good))
    read(crafted(data, TABLE, tables=1, symbols=2))
    read(crafted(data, tables(({6: 64}, [i % 56 for i in range(64)])), tables=1, symbols=64))


@pytest.mark.parametrize("attack", LEVEL_ATTACKS)
def test_r6_levels_of_pointers(attack: str, leveled: bytes) -> None:
    edit, fields = LEVEL_ATTACKS[attack]
    refused(crafted(leveled, edit, **fields), "R6")


def test_r6_singles_are_all_features_if_there_are_no_levels(singly: bytes) -> None:
    refused(crafted(singly, nothing, singles=9), "R6")
    refused(crafted(singly, nothing, singles=11), "R6")


@pytest.mark.parametrize("attack", GROUP_ATTACKS)
def test_r6_groups(attack: str, data: bytes) -> None:
    edit, fields = GROUP_ATTACKS[attack]
    refused(crafted(data, edit, **fields), "R6")


@pytest.mark.parametrize("attack", TABLE_ATTACKS)
def test_r6_order_map_and_tables(attack: str, data: bytes) -> None:
    edit, fields = TABLE_ATTACKS[attack]
    refused(crafted(data, edit, **fields), "R6")


@pytest.fixture(scope="module")
def excepted(data: bytes) -> bytes:
    """The file with room for three exceptions in every packed entry, all of them padding."""
    group = read(data).rows["groups"][-1]
    start, size, count = int(group["start"]), 21, read(data).parameters["entries"] - int(group["first"])
    longer = crafted(data, field("groups", -1, "size", 6), room=False)
    zero = read(data).parameters["zero"]

    def change(rows: Any) -> Any:
        body = rows[start : start + size * count].reshape(count, size)
        padding = np.tile(np.array([0, zero] * 3, np.uint8), (count, 1))
        wider = np.concatenate([body[:, :1], padding, body[:, 1:]], axis=1)
        return np.concatenate([rows[:start], wider.reshape(-1), rows[start + size * count :]])

    container = fileformat.decode(longer)
    sections = {name: np.array(part) for name, part in container.sections.items()}
    sections["rows"] = change(sections["rows"])
    whole = fileformat.encode({k: v for k, v in container.header.items() if k != "sections"}, sections)
    read(whole, "full")
    nlucompress.runtime.Model(whole, "full")
    return whole


def exceptions(data: bytes, *pairs: tuple[int, int], fields: dict[int, int] | None = None) -> bytes:
    """The file with other exceptions in its first packed entry, and fields of columns set."""
    start = int(read(data).rows["groups"][-1]["start"])

    def change(rows: Any) -> Any:
        for i, (column, code) in enumerate(pairs):
            rows[start + 1 + 2 * i : start + 3 + 2 * i] = column, code
        for column, value in (fields or {}).items():
            at = start + 7 + column // 2
            rows[at] = rows[at] & 0xF0 | value if column % 2 == 0 else rows[at] & 0x0F | value << 4
        return rows

    return changed(data, "rows", change)


def test_r7_exceptions_ascend_and_their_fields_are_zero(excepted: bytes) -> None:
    """The field of code zero, 7, is 7."""
    empty = {3: 7, 5: 7, 6: 7}
    good = exceptions(excepted, (3, 8), (5, 9), (6, 8), fields=empty)
    read(good, "full")
    nlucompress.runtime.Model(good, "full")
    for attack in {
        "descending": exceptions(excepted, (5, 8), (3, 9), fields=empty),
        "twice": exceptions(excepted, (3, 8), (3, 9), fields=empty),
        "after padding": exceptions(excepted, (0, 7), (3, 9), fields=empty),
        "beside a field": exceptions(excepted, (3, 8), fields={3: 8}),
        "beyond the classes": exceptions(excepted, (40, 8)),
        "padding beyond the classes": exceptions(excepted, (40, 7)),
    }.values():
        refused(attack, "R7", "full")
        answers(attack)


def test_r3_codes_of_exceptions_of_fields_and_of_symbols_are_below_the_codebooks_size(
    excepted: bytes, singly: bytes
) -> None:
    assert len(read(excepted).codebook) == 15
    for broken in (
        exceptions(excepted, (3, 15), fields={3: 7}),
        exceptions(excepted, fields={3: 15}),
        changed(singly, "codebook", lambda section: section[:-4]),
    ):
        refused(broken, "R3", "full")
        nlucompress.runtime.Model(broken).decision_function(["w0 w1 w2 w3"])


def test_r5_an_entry_beyond_the_last_means_the_last(data: bytes) -> None:
    """Pointers of 9 bits reach 511, and there are fewer entries."""
    entries = read(data).parameters["entries"]
    assert entries < 511
    assert read(data).rows["levels"]["width"].tolist() == [9]
    broken = changed(data, "row_pointers", put(slice(0, 2), 255))
    refused(broken, "R5", "full")
    answers(broken)
    first = np.flatnonzero(np.unpackbits(fileformat.decode(data).sections["row_more"][4:64], bitorder="little") == 0)[
        :1
    ]
    group = read(data).rows["groups"][-1]
    last = int(group["start"]) + (entries - 1 - int(group["first"])) * (int(group["size"]) & 0xFFFFFF)
    assert read(broken).reader().find(first)[0].tolist() == [8 * last]  # type: ignore[attr-defined]


@pytest.mark.parametrize("more", [1, 5, (1 << 24) - 4])
def test_l2_an_idf_number_of_coded_rows_beyond_the_table_means_the_last_value(more: int, data: bytes) -> None:
    broken = with_field(data, "top", 3 + more)
    refused(broken, "L2", "full")
    answers(broken)


def test_r7_is_found_by_a_full_verification_and_is_harmless_without(data: bytes) -> None:
    at = places(data)
    order = read(data).rows["order"]
    breaks = {
        "order": changed(data, "row_tables", put(at["order"], int(order[1]))),
        "rank": changed(data, "row_more", put(3, 127)),
        "offsets": changed(data, "row_samples", put(0, 9)),
    }
    for broken in breaks.values():
        refused(broken, "R7", "full")
        answers(broken)


@pytest.mark.parametrize("runs", [0, 1])
def test_r7_every_entry_ends_before_the_guard_bytes(runs: int, singly: bytes) -> None:
    """The last entry starts where the section ends; all codes mean 3 (three weights), or 0 (a run), in so many bits."""
    file = read(singly)
    last, low = file.parameters["singles"] - 1, file.parameters["low_bits"]

    def start(section: Any) -> Any:
        flags = np.unpackbits(section, bitorder="little")
        flags[last * low : (last + 1) * low] = flags[(last + 1) * low : (last + 2) * low]
        return np.packbits(flags, bitorder="little")

    def high(section: Any) -> Any:
        flags = np.unpackbits(section, bitorder="little")
        flags[np.flatnonzero(flags)[last]] = 0
        flags[np.flatnonzero(flags)[last] - 1] = 1
        return np.packbits(flags, bitorder="little")

    def of_bits(bits: int) -> bytes:
        codes = tables(({bits: 1 << bits}, [3 * (1 - runs)] * (1 << bits)))

        def edit(parts: Any) -> None:
            parts["map"] = np.zeros(len(parts["map"]) - file.parameters["runs"] + runs, np.uint8)
            codes(parts)

        made = crafted(singly, edit, tables=1, symbols=1 << bits, runs=runs)
        return changed(changed(made, "row_low", start), "row_high", high)

    read(of_bits(0), "full")
    nlucompress.runtime.Model(of_bits(0), "full")
    for bits in (2, 6):
        refused(of_bits(bits), "R7", "full")
        answers(of_bits(bits))


def answers(data: bytes) -> None:
    """Scores of both runtimes: numbers, whatever they are."""
    texts = [" ".join(f"w{i}" for i in range(start, start + 300)) for start in range(0, 1500, 300)]
    model = nlucompress.runtime.Model(data)
    again = reference.Scorer(model._file, reference.FileTable(model._file))
    assert np.isfinite(model.decision_function(texts)).all()
    assert np.isfinite(again.decision_function(texts)).all()
    slots = np.arange(model._file.n)
    model.table.idf(slots)
    model.table.rows(slots)


@pytest.mark.parametrize("sample", ["data", "running"])
@pytest.mark.parametrize(
    "section", ["rows", "row_more", "row_pointers", "row_low", "row_high", "row_samples", "row_tables"]
)
def test_damage_gives_an_error_or_other_weights(section: str, sample: str, request: pytest.FixtureRequest) -> None:
    data: bytes = request.getfixturevalue(sample)
    rng = np.random.default_rng(len(section))

    def damage(part: Any) -> Any:
        count = int(rng.choice([1, 3, len(part)]))
        part[rng.integers(0, len(part), count)] = rng.integers(0, 256, count)
        return part

    for _ in range(12):
        broken = changed(data, section, damage)
        try:
            answers(broken)
            nlucompress.runtime.Model(broken, "full")
        except FormatError:
            continue


@pytest.mark.parametrize("sample", ["data", "running"])
def test_a_crafted_table_of_endless_numbers_stays_inside(sample: str, request: pytest.FixtureRequest) -> None:
    """All codes mean symbol 55 with 22 extra bits: numbers beyond every limit, bits beyond the end."""
    data: bytes = request.getfixturevalue(sample)
    start, file = places(data)["tables"], read(data)
    size = 16 + file.parameters["symbols"] // file.parameters["tables"]

    def craft(part: Any) -> Any:
        at = start
        while at < len(part):
            count = int(part[at : at + 16].sum())
            part[at + 16 : at + 16 + count] = 55
            at += 16 + count
        return part

    assert size > 16
    answers(changed(data, "row_tables", craft))
    refused(changed(data, "row_tables", craft), "R7", "full")


@pytest.mark.parametrize("sample", ["data", "running"])
def test_native_rows_are_the_references(
    sample: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    data: bytes = request.getfixturevalue(sample)
    monkeypatch.setenv(VARIABLE, "native")
    model = nlucompress.runtime.Model(data)
    file = model._file
    core, reader = model.table.core, file.reader()  # type: ignore[attr-defined]
    zero = file.parameters["zero"]
    for slot in range(0, file.n, 7):
        at = np.array([slot])
        _, columns, codes = reader.rows(at, at)
        wanted = sorted(zip(columns.tolist(), codes.tolist(), strict=True))
        assert sorted(pair for pair in core.row(slot) if pair[1] != zero) == wanted
    slots = np.arange(file.n)[::-1].copy()
    lengths = np.empty(file.n, np.int64)
    columns, codes = np.empty(80 * file.n, np.uint16), np.empty(80 * file.n, np.uint8)
    used = core.rows(slots, lengths, columns, codes)
    assert used == lengths.sum()
    pairs = iter(zip(columns[:used].tolist(), codes[:used].tolist(), strict=True))
    for slot, length in zip(slots.tolist(), lengths.tolist(), strict=True):
        assert list(itertools.islice(pairs, length)) == core.row(slot)


def test_native_rows_refuse_slots_that_are_not_there_and_room_that_is_too_small(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "native")
    core = nlucompress.runtime.Model(data).table.core  # type: ignore[attr-defined]
    room = np.empty(2, np.int64), np.empty(160, np.uint16), np.empty(160, np.uint8)
    for slot in (-1, 1500, 1 << 62):
        with pytest.raises(IndexError, match=f"slot {slot} is not below"):
            core.rows(np.array([0, slot]), *room)
    for short in range(3):
        with pytest.raises(ValueError, match="expected"):
            core.rows(np.array([0, 1]), *(part[:-1] if i == short else part for i, part in enumerate(room)))
    with pytest.raises(TypeError, match="rows takes"):
        core.rows(np.array([0]))


# -- runs -------------------------------------------------------------------------------------------------------------


def test_files_from_before_runs_are_read(data: bytes) -> None:
    container = fileformat.decode(data)
    header = {key: value for key, value in container.header.items() if key != "sections"}
    header["rows"] = {key: value for key, value in header["rows"].items() if key != "runs"}
    header["requires"] = {"rows.coded": "0.1.0"}
    older = fileformat.encode(header, {name: np.array(part) for name, part in container.sections.items()}, 1)
    texts = ["w1 w2 w6", "w12 w600 w7"]
    again = nlucompress.runtime.Model(older, "full").decision_function(texts)
    assert (again == nlucompress.runtime.Model(data).decision_function(texts)).all()


def test_h2_a_file_with_runs_asks_for_a_reader_of_runs(running: bytes) -> None:
    assert fileformat.decode(running).header["requires"].keys() == {"rows.coded", "rows.runs"}


@pytest.mark.parametrize("value", [-1, 16, 1 << 40, "1", 1.0, None, True])
def test_h3_the_number_of_kinds_of_runs_is_from_0_to_15(value: Any, running: bytes) -> None:
    broken = with_field(running, "runs", value)
    with pytest.raises(FormatError, match=r"runs|\(H3\)"):
        read(broken)
    if backend() == "native":
        from nlucompress._native import Model

        with pytest.raises(FormatError, match=r"\(H3\)"):
            Model(broken)


def test_s6_a_kind_of_run_has_a_place_in_the_map(running: bytes) -> None:
    runs = read(running).parameters["runs"]
    for other in (runs - 1, runs + 1):
        refused(with_field(running, "runs", other), "S6")


def test_r6_the_code_zero_is_of_the_codebook_and_stands_for_zero(running: bytes) -> None:
    """Else rows of symbols leave out what rows of fields and runs have."""
    zero, codes = read(running).parameters["zero"], len(read(running).codebook)
    for other in (zero + 1, zero - 1, codes, 255):
        refused(with_field(running, "zero", other), "R6")
    refused(changed(running, "codebook", lambda section: section[: 4 * zero]), "R6")
    for value in (2.0**-149, -1.0):
        bits = list(np.float32(value).tobytes())
        refused(changed(running, "codebook", put(slice(4 * zero, 4 * zero + 4), bits)), "R6")


def test_r6_the_table_of_a_kind_of_run_is_one_that_is_there(running: bytes) -> None:
    refused(crafted(running, item("map", -1, read(running).parameters["tables"])), "R6")


def test_r3_and_r7_codes_of_runs(running: bytes) -> None:
    """A codebook that ends with zero, and numbers whose codes would be beyond a byte."""
    zero = read(running).parameters["zero"]
    refused(changed(running, "codebook", lambda section: section[: 4 * zero + 4]), "R3", "full")

    def large(parts: Any) -> None:
        at = 0
        while (end := at + 16 + int(parts["tables"][at : at + 16].sum())) < len(parts["tables"]):
            at = end
        parts["tables"][at + 16 :] = 40  # all of the last table, which is of runs: numbers from 2^16 on

    far = crafted(running, large)
    refused(far, "R7", "full")
    answers(far)


def test_runs_are_read_alike_with_and_without_tables_of_several_columns(running: bytes) -> None:
    """Numbers in a table of 10 bits, and those whose code is longer: both ways to read give the reference's rows."""
    model = nlucompress.runtime.Model(running)
    again = reference.Scorer(model._file, reference.FileTable(model._file))
    texts = [" ".join(f"w{i}" for i in range(start, 1500, 97)) for start in range(97)]
    assert np.allclose(model.decision_function(texts), again.decision_function(texts), rtol=1e-12, atol=1e-12)
