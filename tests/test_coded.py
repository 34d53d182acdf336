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
from nlucompress.backend import backend
from nlucompress.errors import FormatError
from nlucompress.linear import SparseRows
from nlucompress.rows import CODERS, Encoded, Reader, Shape, Table
from nlucompress.rows.coded import _together, distinct, half_magnitude, least_number, levels_of, neighbours, symbols_of
from nlucompress.rows.huffman import canonical, code_lengths, joined, read_tables

CODED = CODERS["coded"]


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
    monkeypatch.setattr("nlucompress.rows.coded.MOST_GROWTH", 0.8)
    source = frequent(columns)
    groups = opened(CODED.encode(source), Shape(3000, columns, 2))._sections["groups"]  # type: ignore[attr-defined]
    assert (groups["size"] >> 24).any()
    assert_round_trip(source)


def test_equal_rows_share_an_entry_and_others_have_their_own() -> None:
    rows = strategies.sparse(np.array([[1, 0, 2]] * 5 + [[0, 3, 0]]), np.uint8)
    encoded = CODED.encode(Table(rows, np.zeros(6, np.int64), 0, 0))
    assert (encoded.parameters["entries"], encoded.parameters["singles"]) == (1, 1)
    numbered = CODED.encode(Table(rows, np.arange(6), 3, 0))
    assert (numbered.parameters["entries"], numbered.parameters["singles"]) == (0, 6)


def test_no_slot_takes_more_than_its_entry_and_its_pointer() -> None:
    for size in (100, 1000, 10000):
        uses = np.random.default_rng(1).zipf(1.5, size).clip(1, 500).astype(np.int64)
        level, widths = levels_of(uses, 10)
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
        patch.setattr("nlucompress.rows.coded.MOST_GROWTH", 0.8)
        return sample_file()


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


def put(at: int, value: int) -> Any:
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


@pytest.mark.parametrize(
    "section", ["rows", "row_more", "row_pointers", "row_low", "row_high", "row_samples", "row_tables"]
)
def test_damage_gives_an_error_or_other_weights(section: str, data: bytes) -> None:
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


def test_a_crafted_table_of_endless_numbers_stays_inside(data: bytes) -> None:
    """All codes mean symbol 55 with 22 extra bits: numbers beyond every limit, bits beyond the end."""
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


def test_native_rows_are_the_references(data: bytes) -> None:
    if backend() != "native":
        pytest.skip("native only")
    model = nlucompress.runtime.Model(data)
    file = model._file
    core, reader = model.table.core, file.reader()  # type: ignore[attr-defined]
    zero = file.parameters["zero"]
    for slot in range(0, file.n, 7):
        at = np.array([slot])
        _, columns, codes = reader.rows(at, at)
        wanted = sorted(zip(columns.tolist(), codes.tolist(), strict=True))
        assert sorted(pair for pair in core.row(slot) if pair[1] != zero) == wanted
