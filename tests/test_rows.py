"""Rows to bytes and back: every coder, the offsets of Elias and Fano, packed bits; and what damage does to them."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from nlucompress.errors import BuildError, FormatError
from nlucompress.linear import SparseRows, ranges
from nlucompress.rows import CODERS, Encoded, Reader, Shape, Table, coders, encode_rows
from nlucompress.rows.bits import GUARD, pack, packed_bytes, unpack
from nlucompress.rows.coder import Exactly
from nlucompress.rows.plain import SAMPLE, decode_offsets, encode_offsets

EACH = pytest.mark.parametrize("coder", list(CODERS))
Row = list[tuple[int, int]]


def shape_of(table: Table) -> Shape:
    return Shape(*table.codes.shape, table.idf_bits)


def exactly(raw: dict[str, bytes], asked: set[str] | None = None) -> Exactly:
    """Sections by name, of exactly the length that is asked for, as a file's."""

    def section(name: str, length: int) -> npt.NDArray[np.uint8]:
        if asked is not None:
            asked.add(name)
        if len(raw[name]) != length:
            raise FormatError(f"section {name!r}: {len(raw[name])} bytes, not {length}")
        return np.frombuffer(raw[name], np.uint8)

    return section


def raw_of(encoded: Encoded) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in encoded.sections.items()}


def reader(coder: str, table: Table, encoded: Encoded, raw: dict[str, bytes] | None = None) -> Reader:
    """A reader of bytes, as of a file."""
    shape, parameters = shape_of(table), encoded.parameters
    arrays = CODERS[coder].read(shape, parameters, exactly(raw_of(encoded) if raw is None else raw))
    return CODERS[coder].reader(shape, parameters, arrays)


def rows_of(read: Reader, slots: npt.NDArray[np.int64], numbers: npt.NDArray[Any], zero: int) -> list[Row]:
    """The (column, code) pairs of each slot that do not stand for zero."""
    lengths, columns, codes = read.rows(slots, numbers[slots].astype(np.int64))
    ends = np.cumsum(lengths)
    pairs = list(zip(columns.tolist(), codes.tolist(), strict=True))
    return [
        [pair for pair in pairs[end - length : end] if pair[1] != zero]
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]


def rows_in(codes: SparseRows) -> list[Row]:
    pairs = list(zip(codes.indices.tolist(), codes.data.tolist(), strict=True))
    return [pairs[a:b] for a, b in zip(codes.indptr[:-1].tolist(), codes.indptr[1:].tolist(), strict=True)]


def table_of(lengths: list[int], columns: int, idf_bits: int = 0, distinct: bool = True) -> Table:
    """Rows of these lengths, of columns 0, 1, … and varying codes (or all of the same), and varying idf numbers."""
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    indices = np.array([column for length in lengths for column in range(length)], np.int32)
    data = (np.arange(indptr[-1]) * 7 % 255 + 1 if distinct else np.ones(indptr[-1])).astype(np.uint8)
    numbers = np.arange(len(lengths)) * 0x9E3779B1 % (1 << idf_bits)
    return Table(SparseRows(indptr, indices, data, (len(lengths), columns)), numbers, idf_bits, 0)


# -- round trip -------------------------------------------------------------------------------------------------------

EXAMPLES = [
    table_of([], 3),
    table_of([], 300, 17),
    table_of([0, 0, 0], 3),
    table_of([0, 0, 0], 3, 9),
    table_of([256, 0, 256], 256),
    table_of([257, 1, 0], 257, 8),
    table_of([1, 0, 1, 1], 1, 1),
    table_of([3] * 300, 3, 24),
    table_of([0] * 1000 + [300], 300),
    table_of([2] * 500, 5, distinct=False),
    table_of([127, 128, 129, 256, 0], 256, 17),  # 128 pairs take as many bytes as 256 codes
    table_of([99, 100, 101, 300, 0], 300, 8),  # 100 pairs as many as 300
    table_of([3, 4, 5, 0], 7, 1),  # 4 pairs one byte more than 7
    table_of([85, 86, 87, 0], 257, 0),  # 86 pairs one byte more than 257
]


def examples(test: Callable[..., Any]) -> Callable[..., Any]:
    for table in EXAMPLES:
        test = example(table=table)(test)
    return test


@EACH
@given(table=strategies.tables())
@examples
def test_every_coder_gives_back_the_rows_and_idf_numbers_it_was_given(coder: str, table: Table) -> None:
    encoded = CODERS[coder].encode(table)
    read, slots = reader(coder, table, encoded), np.arange(table.codes.shape[0])
    assert rows_of(read, slots, encoded.numbers, table.zero) == rows_in(table.codes)
    assert read.idf(slots, encoded.numbers.astype(np.int64)).tolist() == table.numbers.tolist()


@EACH
@given(table=strategies.tables(), picks=st.lists(st.integers(0, 1 << 20), max_size=20))
def test_rows_are_read_in_any_order_and_more_than_once(coder: str, table: Table, picks: list[int]) -> None:
    n = table.codes.shape[0]
    slots = np.array([pick % n for pick in picks] if n else [], np.int64)
    encoded = CODERS[coder].encode(table)
    read, wanted = reader(coder, table, encoded), rows_in(table.codes)
    for _ in range(2):
        assert rows_of(read, slots, encoded.numbers, table.zero) == [wanted[slot] for slot in slots.tolist()]
        numbers = encoded.numbers[slots].astype(np.int64)
        assert read.idf(slots, numbers).tolist() == table.numbers[slots].tolist()


@EACH
@given(table=strategies.tables())
@examples
def test_what_a_coder_writes_passes_its_own_check_and_holds_its_limits(coder: str, table: Table) -> None:
    encoded, shape, asked = CODERS[coder].encode(table), shape_of(table), set[str]()
    parameters = encoded.parameters
    arrays = CODERS[coder].read(shape, parameters, exactly(raw_of(encoded), asked))
    CODERS[coder].check(shape, parameters, arrays, encoded.numbers.astype(np.int64))
    assert asked == encoded.sections.keys()
    assert coder == "coded" or asked == arrays.keys()  # which takes its tables apart
    assert parameters.keys() == CODERS[coder].limits.keys()
    assert all(0 <= value <= CODERS[coder].limits[name] for name, value in parameters.items())
    assert encoded.bits == CODERS[coder].bits(shape, parameters)
    assert encoded.numbers.dtype == np.uint64
    assert int(encoded.numbers.max(initial=0)) < 1 << encoded.bits


@EACH
@given(table=strategies.tables())
@examples
def test_a_coders_size_is_that_of_its_sections_and_of_its_bits_of_the_records(coder: str, table: Table) -> None:
    encoded = CODERS[coder].encode(table)
    records = packed_bytes(len(encoded.numbers), encoded.bits)
    actual = sum(map(len, raw_of(encoded).values())) + records
    assert actual - 9 <= encoded.size <= actual  # the guard bytes of the records, and a byte that is not full


@EACH
@given(table=strategies.tables())
def test_the_same_rows_give_the_same_bytes(coder: str, table: Table) -> None:
    one, other = CODERS[coder].encode(table), CODERS[coder].encode(table)
    assert (one.parameters, raw_of(one), one.bits) == (other.parameters, raw_of(other), other.bits)
    np.testing.assert_array_equal(one.numbers, other.numbers)


@EACH
def test_a_reader_is_made_without_a_copy_of_the_rows(coder: str) -> None:
    """Opening a file costs its header: what a look-up reads stays where it lies in the map."""
    data = np.random.default_rng(1).integers(1, 256, (3000, 100)) * (np.arange(100) < 40)
    table = Table(strategies.sparse(data, np.uint8), np.arange(3000) % 8, 3, 0)
    encoded = CODERS[coder].encode(table)
    raw = raw_of(encoded)
    with strategies.peak() as most:
        read = reader(coder, table, encoded, raw)
    assert len(raw["rows"]) > 100_000
    assert most() < max(len(raw["rows"]) / 4, 40_000)
    assert rows_of(read, np.arange(3), encoded.numbers, 0) == rows_in(table.codes)[:3]


# -- the choice -------------------------------------------------------------------------------------------------------


@given(strategies.tables())
@examples
def test_the_smallest_coder_is_chosen(table: Table) -> None:
    chosen, encoded, sizes = encode_rows(table)
    assert sizes == {name: coder.encode(table).size for name, coder in CODERS.items()}
    assert encoded.size == sizes[chosen] == min(sizes.values())
    assert raw_of(encoded) == raw_of(CODERS[chosen].encode(table))


def test_full_rows_are_stored_dense_thin_ones_plain_and_equal_ones_pooled() -> None:
    assert encode_rows(table_of([7] * 100, 7))[0] == "dense"
    assert encode_rows(table_of([1] * 100, 7))[0] == "plain"
    assert encode_rows(table_of([5] * 100, 7, distinct=False))[0] == "pool"


def test_a_large_sparse_model_is_coded_without_all_its_codes() -> None:
    """200,000 rows of 3 weights among 2,000 columns: all codes would be 400 MB."""
    n, columns, rng = 200_000, 2000, np.random.default_rng(3)
    indices = (rng.integers(0, columns - 20, n)[:, None] + np.array([0, 7, 19])).astype(np.int32).reshape(-1)
    codes = SparseRows(np.arange(0, 3 * n + 1, 3), indices, rng.integers(1, 9, 3 * n).astype(np.uint8), (n, columns))
    tracemalloc.start()
    try:
        chosen, _, sizes = encode_rows(Table(codes, np.zeros(n, np.int64), 0, 0))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert chosen != "dense"
    assert sizes["dense"] == n * columns
    assert most < n * columns


def test_a_class_id_has_one_byte_up_to_256_columns_and_two_from_257() -> None:
    for columns, width in ((2, 1), (256, 1), (257, 2), (65536, 2)):
        codes = SparseRows(np.array([0, 1]), np.array([columns - 1], np.int32), np.array([9], np.uint8), (1, columns))
        encoded = CODERS["plain"].encode(Table(codes, np.zeros(1, np.int64), 0, 0))
        assert encoded.sections["rows"].tolist() == [*(columns - 1).to_bytes(width, "little"), 9]
        if columns > 2:
            pooled = CODERS["pool"].encode(Table(codes, np.full(1, 0x1234), 16, 0))
            assert pooled.sections["rows"].tolist() == [0x34, 0x12, *(columns - 1).to_bytes(width, "little"), 9]


def test_more_classes_than_two_bytes_count_are_refused() -> None:
    with pytest.raises(BuildError, match="65537 classes, the limit is 65536"):
        encode_rows(table_of([0], 65537))


@EACH
def test_a_coders_id_is_a_layout_that_allows_it_alone(coder: str) -> None:
    for table in EXAMPLES:
        chosen, encoded, sizes = encode_rows(table, coder)
        assert chosen == coder
        assert sizes == {coder: encoded.size}
        assert raw_of(encoded) == raw_of(CODERS[coder].encode(table))


def test_the_layout_fast_is_one_of_the_fast_coders() -> None:
    assert set(coders("fast")) == {name for name, coder in CODERS.items() if coder.layout == "fast"} > set()
    assert set(coders("auto")) == set(CODERS)


@pytest.mark.parametrize("layout", ["tiny", "", "FAST"])
def test_an_unknown_layout_is_refused_with_the_known_ones(layout: str) -> None:
    with pytest.raises(BuildError, match=f"layout: '{layout}'.*'auto'.*'fast'"):
        encode_rows(table_of([1], 1), layout)


# -- the pool ---------------------------------------------------------------------------------------------------------


def pooled(
    entry: int, columns: int, idf_bits: int, zero: int, rows: bytes, groups: bytes
) -> tuple[int, int, bytes, Row]:
    """FORMAT.md, section 7, in Python's integers: units, idf number, all bytes and the pairs of one entry."""
    unit, idf_bytes = 2 if columns <= 256 else 3, -(-idf_bits // 8)
    first, units, start = max(group for group in struct.iter_unpack("<IIQ", groups) if group[0] <= entry)
    at = start + (entry - first) * (idf_bytes + units * unit)
    raw = rows[at : at + idf_bytes + units * unit]
    body = raw[idf_bytes:]
    assert len(body) == units * unit
    if units == -(-columns // unit):
        assert not any(body[columns:])
        row = [(column, code) for column, code in enumerate(body[:columns]) if code != zero]
    else:
        pairs = [body[i : i + unit] for i in range(0, len(body), unit)]
        row = [(int.from_bytes(pair[:-1], "little"), pair[-1]) for pair in pairs]
    return units, int.from_bytes(raw[:idf_bytes], "little"), raw, row


def entries_of(table: Table, encoded: Encoded) -> list[tuple[int, int, bytes, Row]]:
    raw, (_, columns) = raw_of(encoded), table.codes.shape
    return [
        pooled(entry, columns, table.idf_bits, table.zero, raw["rows"], raw["row_groups"])
        for entry in range(encoded.parameters["entries"])
    ]


@given(strategies.tables())
@examples
def test_an_independent_reader_finds_the_same_pooled_rows(table: Table) -> None:
    encoded = CODERS["pool"].encode(table)
    entries = entries_of(table, encoded)
    assert [entries[number][3] for number in encoded.numbers.tolist()] == rows_in(table.codes)
    assert [entries[number][1] for number in encoded.numbers.tolist()] == table.numbers.tolist()
    assert encoded.parameters["count"] == len(table.codes.data)


@given(strategies.tables())
@examples
def test_pooled_entries_are_distinct_and_sorted_by_units_then_bytes(table: Table) -> None:
    encoded = CODERS["pool"].encode(table)
    keys = [(units, raw) for units, _, raw, _ in entries_of(table, encoded)]
    assert all(one < other for one, other in pairwise(keys))
    assert sum(len(raw) for _, raw in keys) == len(raw_of(encoded)["rows"])
    groups = list(struct.iter_unpack("<IIQ", raw_of(encoded)["row_groups"]))
    assert [group[1] for group in groups] == sorted({units for units, _ in keys})  # a group of each, and none is empty


@given(strategies.tables())
@examples
def test_slots_share_an_entry_if_and_only_if_row_and_idf_are_equal(table: Table) -> None:
    numbers = CODERS["pool"].encode(table).numbers.tolist()
    contents = [(tuple(row), idf) for row, idf in zip(rows_in(table.codes), table.numbers.tolist(), strict=True)]
    assert len(set(zip(numbers, contents, strict=True))) == len(set(numbers)) == len(set(contents))
    assert set(numbers) == set(range(len(set(contents))))


@given(strategies.tables())
@examples
def test_an_entrys_number_has_the_bits_that_the_largest_takes(table: Table) -> None:
    encoded = CODERS["pool"].encode(table)
    most = max(encoded.parameters["entries"] - 1, 0)
    assert encoded.bits == len(f"{most:b}".lstrip("0"))
    assert int(encoded.numbers.max(initial=0)) == most


@pytest.mark.parametrize(
    ("columns", "pairs", "bytes_each"), [(256, 128, 256), (300, 100, 300), (7, 4, 8), (257, 86, 258)]
)
def test_a_row_whose_pairs_take_as_much_is_stored_as_all_codes(columns: int, pairs: int, bytes_each: int) -> None:
    for length in (pairs - 1, pairs, columns):
        table = table_of([length], columns)
        raw = raw_of(CODERS["pool"].encode(table))["rows"]
        assert (raw[:columns] == bytes(table.codes.dense(0, 1)[0].astype(np.uint8))) == (length >= pairs)
        assert len(raw) == (bytes_each if length >= pairs else length * (2 if columns <= 256 else 3))


def test_equal_rows_cost_one_row_and_no_bits() -> None:
    encoded = CODERS["pool"].encode(table_of([3] * 5000, 9, 24, distinct=False)._replace(numbers=np.full(5000, 77)))
    assert encoded.parameters == {"entries": 1, "groups": 1, "count": 15_000}
    assert (encoded.bits, encoded.size) == (0, 3 + 3 * 2 + 16)


def test_an_entry_beyond_the_entries_is_refused_by_the_check_and_read_as_the_last() -> None:
    table = table_of([1, 2, 3, 4, 9], 9, 3)
    encoded = CODERS["pool"].encode(table)
    read, slots, numbers = reader("pool", table, encoded), np.arange(5), encoded.numbers.astype(np.int64)
    wanted = rows_of(read, slots, np.full(5, 4), 0), read.idf(slots, np.full(5, 4)).tolist()
    for number in (5, 7, (1 << 31) - 1):
        numbers[2] = number
        with pytest.raises(FormatError, match=rf"entry {number}, there are 5 \(R5\)"):
            CODERS["pool"].check(shape_of(table), encoded.parameters, {}, numbers)
        assert rows_of(read, slots, np.full(5, number), 0) == wanted[0]
        assert read.idf(slots, np.full(5, number)).tolist() == wanted[1]


# -- offsets ----------------------------------------------------------------------------------------------------------

lengths_drawn = st.one_of(
    st.lists(st.integers(0, 3), max_size=400),
    st.lists(st.integers(0, 100_000), max_size=40),
    st.tuples(st.integers(0, 600), st.integers(0, 5)).map(lambda pair: [pair[1]] * pair[0]),
)
offsets_drawn = lengths_drawn.map(lambda lengths: np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


@given(offsets_drawn)
@example(np.array([0]))
@example(np.array([0, 0]))
@example(np.array([0, (1 << 31) - 1]))
@example(np.arange(128 * 3 + 1))
def test_offsets_are_decoded_as_they_were(offsets: npt.NDArray[np.int64]) -> None:
    low_bits, sections = encode_offsets(offsets)
    n, last = len(offsets) - 1, int(offsets[-1])
    np.testing.assert_array_equal(decode_offsets(low_bits, sections, n, last), offsets)


@given(offsets_drawn, st.integers(0, 31))
def test_offsets_are_decoded_with_any_number_of_low_bits(offsets: npt.NDArray[np.int64], low_bits: int) -> None:
    offsets = np.minimum(offsets, 50_000)  # with no low bits, the high bits are as many as the last offset
    given_bits, sections = encode_offsets(offsets, low_bits)
    assert given_bits == low_bits
    np.testing.assert_array_equal(decode_offsets(low_bits, sections, len(offsets) - 1, int(offsets[-1])), offsets)


@given(offsets_drawn)
def test_the_sections_of_offsets_have_the_lengths_that_the_format_gives(offsets: npt.NDArray[np.int64]) -> None:
    low_bits, sections = encode_offsets(offsets)
    n, count = len(offsets) - 1, int(offsets[-1])
    assert sections["row_low"].nbytes == (-(-(n + 1) * low_bits // 8) + 8 if low_bits else 0)
    assert sections["row_high"].nbytes == ((count >> low_bits) + n) // 8 + 1 + 8
    assert sections["row_samples"].nbytes == 4 * (n // 128 + 1)
    assert sections["row_samples"].dtype == np.dtype("<u4")
    assert not sections["row_high"][-GUARD:].any()


@pytest.mark.parametrize(("mean", "most"), [(0.5, 3.0), (1, 3.5), (5, 5.0), (11, 6.0)])
def test_an_offset_costs_about_two_bits_and_the_logarithm_of_a_rows_length(mean: float, most: float) -> None:
    lengths = np.random.default_rng(5).poisson(mean, 50_000)
    low_bits, sections = encode_offsets(np.concatenate([[0], np.cumsum(lengths)]))
    bits = sum(array.nbytes for array in sections.values()) * 8 / 50_000
    assert bits <= most
    assert bits <= 2 + max(0.0, np.log2(mean)) + 32 / SAMPLE + 1
    assert low_bits == min(range(32), key=lambda low: 50_001 * low + (int(lengths.sum()) >> low))


# -- an independent reader: FORMAT.md, section 7, in Python's integers --------------------------------------------------


def plain_offset(i: int, low_bits: int, low: bytes, high: bytes, samples: bytes) -> int:
    """Offset i alone: from the sample before it, over the set bits up to the i-th."""
    position = int.from_bytes(samples[i // 128 * 4 : i // 128 * 4 + 4], "little")
    assert high[position // 8] >> position % 8 & 1
    for _ in range(i % 128):
        position += 1
        while not high[position // 8] >> position % 8 & 1:
            position += 1
    lower = int.from_bytes(low, "little") >> (i * low_bits) & ((1 << low_bits) - 1)
    return ((position - i) << low_bits) | lower


@given(offsets_drawn, st.integers(0, 31) | st.none())
def test_an_independent_reader_selects_the_same_offsets_from_samples(
    offsets: npt.NDArray[np.int64], low_bits: int | None
) -> None:
    if low_bits is not None:
        offsets = np.minimum(offsets, 50_000)
    low_bits, sections = encode_offsets(offsets, low_bits)
    low, high, samples = (sections[name].tobytes() for name in ("row_low", "row_high", "row_samples"))
    for i in {*range(0, len(offsets), 37), len(offsets) - 1, min(128, len(offsets) - 1)}:
        assert plain_offset(i, low_bits, low, high, samples) == offsets[i]


@given(strategies.tables())
def test_an_independent_reader_finds_the_same_plain_rows(table: Table) -> None:
    encoded = CODERS["plain"].encode(table)
    raw, parameters = raw_of(encoded), encoded.parameters
    low, high, samples = (raw[name] for name in ("row_low", "row_high", "row_samples"))
    data, width = raw["rows"], 1 if table.codes.shape[1] <= 256 else 2
    assert parameters["count"] * (width + 1) == len(data)
    for slot, wanted in enumerate(rows_in(table.codes)):
        first, last = (plain_offset(slot + i, parameters["low_bits"], low, high, samples) for i in (0, 1))
        entries = [data[at * (width + 1) : (at + 1) * (width + 1)] for at in range(first, last)]
        assert [(int.from_bytes(entry[:width], "little"), entry[width]) for entry in entries] == wanted


# -- damage -----------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 300), st.integers(0, (1 << 40) - 1), st.integers(0, 31), st.integers(0, 1 << 32),
    st.sampled_from([0.0, 0.01, 0.5, 1.0]),
)  # fmt: skip
@example(5, (1 << 40) - 1, 31, 0, 0.0)
@example(5, (1 << 40) - 1, 31, 0, 1.0)
def test_offsets_of_random_bytes_do_not_decrease_nor_leave_the_rows(
    n: int, last: int, low_bits: int, seed: int, density: float
) -> None:
    rng = np.random.default_rng(seed)
    last = min(last, 100_000 << low_bits)  # as many high bits as a file of that length has
    high = np.packbits(rng.random((((last >> low_bits) + n) // 8 + 1 + GUARD, 8)) < density)
    low = rng.integers(0, 256, -(-(n + 1) * low_bits // 8) + GUARD if low_bits else 0, np.uint8)
    sections = {"row_low": low, "row_high": high, "row_samples": np.empty(0, np.uint32)}
    offsets = decode_offsets(low_bits, sections, n, last)
    assert offsets.shape == (n + 1,)
    assert offsets[0] >= 0
    assert offsets[-1] <= last
    assert (np.diff(offsets) >= 0).all()


@EACH
@given(table=strategies.tables(), seed=st.integers(0, 1 << 32))
def test_a_reader_of_random_bytes_stays_inside_them(coder: str, table: Table, seed: int) -> None:
    """Whatever the sections say (but for the groups, which are checked at open), and the numbers in the records."""
    rng = np.random.default_rng(seed)
    encoded = CODERS[coder].encode(table)
    garbage = {name: rng.bytes(len(content)) for name, content in raw_of(encoded).items()}
    for name in {"pool": ["row_groups"], "coded": ["row_tables"]}.get(coder, []):
        garbage[name] = raw_of(encoded)[name]
    n, columns = table.codes.shape
    read, slots = reader(coder, table, encoded, garbage), np.arange(n)
    numbers = rng.integers(0, 1 << rng.integers(1, 32), n)
    lengths, found, codes = read.rows(slots, numbers)
    assert lengths.shape == (n,)
    assert lengths.sum() == len(found) == len(codes)
    assert (lengths >= 0).all()
    assert lengths.max(initial=0) <= columns  # else one row costs as much as the file, at each look-up
    assert read.idf(slots, numbers).shape == (n,)


@given(table=strategies.tables(), seed=st.integers(0, 1 << 32), share=st.sampled_from([0.02, 0.2, 1.0]))
def test_groups_of_random_bytes_are_refused_or_harmless(table: Table, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    encoded = CODERS["pool"].encode(table)
    raw = raw_of(encoded)
    groups = np.frombuffer(raw["row_groups"], np.uint8).copy()
    where = rng.random(len(groups)) < share
    groups[where] = rng.choice([0, 1, 255, int(rng.integers(0, 256))], int(where.sum()))
    try:
        read = reader("pool", table, encoded, {**raw, "row_groups": groups.tobytes()})
    except FormatError:
        return
    slots = np.arange(table.codes.shape[0])
    lengths, columns, codes = read.rows(slots, encoded.numbers.astype(np.int64))
    assert lengths.sum() == len(columns) == len(codes)


# -- bits -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, (1 << 57) - 1), max_size=60), st.integers(0, 57))
def test_packed_values_are_unpacked_as_they_were(values: list[int], width: int) -> None:
    packed = pack(np.array(values, np.uint64), width)
    wanted = [value & ((1 << width) - 1) for value in values]
    assert unpack(packed, width, np.arange(len(values))).tolist() == wanted
    assert unpack(packed, width, np.arange(len(values))[::-1]).tolist() == wanted[::-1]


@given(st.lists(st.integers(0, (1 << 57) - 1), max_size=60), st.integers(1, 57))
def test_packed_bits_are_one_little_endian_number_and_eight_guard_bytes(values: list[int], width: int) -> None:
    packed = pack(np.array(values, np.uint64), width)
    assert packed.dtype == np.uint8
    assert len(packed) == -(-len(values) * width // 8) + 8
    number = sum((value & ((1 << width) - 1)) << (i * width) for i, value in enumerate(values))
    assert int.from_bytes(packed.tobytes(), "little") == number


def test_no_width_takes_no_bytes() -> None:
    assert pack(np.array([1, 2, 3]), 0).tobytes() == b""
    assert unpack(np.empty(0, np.uint8), 0, np.arange(3)).tolist() == [0, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 9)), max_size=20))
def test_ranges_are_those_of_python(pairs: list[tuple[int, int]]) -> None:
    starts, lengths = (np.array([pair[i] for pair in pairs], np.int64) for i in (0, 1))
    assert ranges(starts, lengths).tolist() == [at for start, length in pairs for at in range(start, start + length)]
