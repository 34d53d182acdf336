"""Rows to bytes and back: every coder, the offsets of Elias and Fano, packed bits; and what damage does to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from nlucompress.errors import BuildError
from nlucompress.linear import SparseRows
from nlucompress.rows import (
    CODERS,
    GUARD,
    SAMPLE,
    RowReader,
    decode_offsets,
    encode_offsets,
    encode_rows,
    pack,
    ranges,
    unpack,
)

ZERO = 0  # the code of weight zero in these tests; strategies.codes never draws it


def reader(coder: str, codes: SparseRows, parameters: dict[str, int], sections: Any) -> RowReader:
    """A reader that sees bytes, as in a file."""
    raw = {name: np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8) for name, array in sections.items()}
    if "row_samples" in raw:
        raw["row_samples"] = raw["row_samples"].view("<u4")
    return CODERS[coder].reader({**parameters, "n": codes.shape[0], "columns": codes.shape[1]}, raw)


def rows_of(read: RowReader, slots: npt.NDArray[np.int64]) -> list[list[tuple[int, int]]]:
    """The (column, code) pairs of each slot that do not stand for zero."""
    lengths, columns, codes = read(slots)
    ends = np.cumsum(lengths)
    pairs = list(zip(columns.tolist(), codes.tolist(), strict=True))
    return [
        [pair for pair in pairs[end - length : end] if pair[1] != ZERO]
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]


def rows_in(codes: SparseRows) -> list[list[tuple[int, int]]]:
    pairs = list(zip(codes.indices.tolist(), codes.data.tolist(), strict=True))
    return [pairs[a:b] for a, b in zip(codes.indptr[:-1].tolist(), codes.indptr[1:].tolist(), strict=True)]


def codes_of(lengths: list[int], columns: int) -> SparseRows:
    """Rows of these lengths, of columns 0, 1, … and varying codes."""
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    indices = np.concatenate([np.arange(length) for length in lengths] or [np.empty(0)]).astype(np.int32)
    data = (np.arange(indptr[-1]) % 255 + 1).astype(np.uint8)
    return SparseRows(indptr, indices, data, (len(lengths), columns))


# -- round trip -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coder", list(CODERS))
@given(codes=strategies.codes())
@example(codes=codes_of([], 3))
@example(codes=codes_of([0, 0, 0], 3))
@example(codes=codes_of([256, 0, 256], 256))
@example(codes=codes_of([257, 1, 0], 257))
@example(codes=codes_of([3] * 300, 3))
@example(codes=codes_of([0] * 1000 + [300], 300))
def test_every_coder_gives_back_the_rows_it_was_given(coder: str, codes: SparseRows) -> None:
    read = reader(coder, codes, *CODERS[coder].encode(codes, ZERO))
    assert rows_of(read, np.arange(codes.shape[0])) == rows_in(codes)


@pytest.mark.parametrize("coder", list(CODERS))
@given(codes=strategies.codes(), picks=st.lists(st.integers(0, 1 << 20), max_size=20))
def test_rows_are_read_in_any_order_and_more_than_once(coder: str, codes: SparseRows, picks: list[int]) -> None:
    slots = np.array([pick % codes.shape[0] for pick in picks] if codes.shape[0] else [], np.int64)
    read = reader(coder, codes, *CODERS[coder].encode(codes, ZERO))
    wanted = rows_in(codes)
    for _ in range(2):
        assert rows_of(read, slots) == [wanted[slot] for slot in slots.tolist()]


@pytest.mark.parametrize("coder", list(CODERS))
@given(codes=strategies.codes())
def test_a_coders_size_is_that_of_its_sections(coder: str, codes: SparseRows) -> None:
    _, sections = CODERS[coder].encode(codes, ZERO)
    actual = sum(array.nbytes for array in sections.values())
    assert abs(CODERS[coder].size(codes) - actual) <= 32


@given(strategies.codes())
def test_the_smallest_coder_is_chosen(codes: SparseRows) -> None:
    chosen, _, sections = encode_rows(codes, ZERO)
    sizes = {name: sum(a.nbytes for a in coder.encode(codes, ZERO)[1].values()) for name, coder in CODERS.items()}
    assert sum(array.nbytes for array in sections.values()) <= min(sizes.values()) + 32
    assert chosen in CODERS


def test_full_rows_are_stored_dense_and_thin_rows_plain() -> None:
    assert encode_rows(codes_of([7] * 100, 7), ZERO)[0] == "dense"
    assert encode_rows(codes_of([1] * 100, 7), ZERO)[0] == "plain"


def test_a_class_id_has_one_byte_up_to_256_columns_and_two_from_257() -> None:
    for columns, width in ((1, 1), (256, 1), (257, 2), (65536, 2)):
        codes = SparseRows(np.array([0, 1]), np.array([columns - 1], np.int32), np.array([9], np.uint8), (1, columns))
        _, sections = CODERS["plain"].encode(codes, ZERO)
        assert sections["rows"].tolist() == [*(columns - 1).to_bytes(width, "little"), 9]


def test_more_classes_than_two_bytes_count_are_refused() -> None:
    with pytest.raises(BuildError, match="65537 classes, the limit is 65536"):
        encode_rows(codes_of([0], 65537), ZERO)


@pytest.mark.parametrize("layout", ["tiny", "", "FAST"])
def test_an_unknown_layout_is_refused_with_the_known_ones(layout: str) -> None:
    with pytest.raises(BuildError, match=f"layout: '{layout}'.*'auto'.*'fast'"):
        encode_rows(codes_of([1], 1), ZERO, layout)


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


@given(strategies.codes())
def test_an_independent_reader_finds_the_same_plain_rows(codes: SparseRows) -> None:
    parameters, sections = CODERS["plain"].encode(codes, ZERO)
    low, high, samples = (sections[name].tobytes() for name in ("row_low", "row_high", "row_samples"))
    data, width = sections["rows"].tobytes(), 1 if codes.shape[1] <= 256 else 2
    assert parameters["count"] * (width + 1) == len(data)
    for slot, wanted in enumerate(rows_in(codes)):
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


@pytest.mark.parametrize("coder", list(CODERS))
@given(codes=strategies.codes(), seed=st.integers(0, 1 << 32))
def test_a_reader_of_random_bytes_stays_inside_them(coder: str, codes: SparseRows, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parameters, sections = CODERS[coder].encode(codes, ZERO)
    garbage = {name: rng.integers(0, 256, array.nbytes, np.uint8) for name, array in sections.items()}
    lengths, columns, found = reader(coder, codes, parameters, garbage)(np.arange(codes.shape[0]))
    assert lengths.sum() == len(columns) == len(found)
    assert (lengths >= 0).all()
    assert len(columns) <= parameters.get("count", codes.shape[0] * codes.shape[1])


@given(codes=strategies.codes(), seed=st.integers(0, 1 << 32))
def test_no_row_of_random_bytes_is_longer_than_there_are_columns(codes: SparseRows, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parameters, sections = CODERS["plain"].encode(codes, ZERO)
    garbage = {name: rng.integers(0, 256, array.nbytes, np.uint8) for name, array in sections.items()}
    lengths, _, _ = reader("plain", codes, parameters, garbage)(np.arange(codes.shape[0]))
    assert lengths.max(initial=0) <= codes.shape[1]  # else one row costs as much as the file, at each look-up


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
