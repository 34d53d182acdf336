"""The C text part against Python: every code point, generated texts, and bytes that are no text.

The header is compiled here with this Python's own Unicode tables, so agreement is exact whatever Python runs the tests.
"""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

import nlucompress
from nlucompress.featurize import Analyzer, normalize
from nlucompress.linear import Namespace

NATIVE = Path(nlucompress.__file__).parent / "native"
HEADER = NATIVE / "nluc.h"
HARNESS = Path(__file__).with_name("native_text.c")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
COMPILERS = [name for name in ("cc", "gcc", "clang", "clang-14") if shutil.which(name)]

ACCENTS = (None, "ascii", "unicode")
PATTERNS = (r"(?u)\b\w\w+\b", r"(?u)\b\w+\b", r"\S+")
ANALYZERS = ("word", "char", "char_wb")
BLOCKS = [range(first, first + 0x4000) for first in range(0, 0x110000, 0x4000)]


def utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def make_unicode() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nluc_make_unicode", NATIVE / "make_unicode.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def header(make_unicode: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The header with the tables of the Python that runs."""
    path = tmp_path_factory.mktemp("native") / HEADER.name
    path.write_text(make_unicode.rewrite(HEADER.read_text("utf-8")), "utf-8")
    return path


class Native:
    """The compiled functions, as Python would have them."""

    def __init__(self, path: Path) -> None:
        self.lib = ctypes.CDLL(str(path))
        for name in ("lines", "decode", "decode_backwards", "normalized", "tokens"):
            getattr(self.lib, name).restype = ctypes.c_size_t
        self.lib.growth.restype = ctypes.c_uint32

    def normalize(self, text: bytes, lowercase: bool, accents: int) -> bytes:
        size = len(text)
        most = size * self.lib.growth(accents)
        out = ctypes.create_string_buffer(most + 8)
        arguments = text, ctypes.c_size_t(size), int(lowercase), accents, out
        needed: int = self.lib.normalized(*arguments, ctypes.c_size_t(most))
        assert needed <= most
        result = out.raw[:needed]
        # As much room as needed gives the same; a byte less, the same answer. Nothing is written beyond the room.
        for room in {needed, max(needed - 1, 0), needed // 2}:
            ctypes.memset(out, 0xA5, most + 8)
            assert self.lib.normalized(*arguments, ctypes.c_size_t(room)) == needed
            assert out.raw[room:] == b"\xa5" * (most + 8 - room)
            assert room < needed or out.raw[:needed] == result
        return result

    def spans(self, text: bytes, pattern: int) -> list[tuple[int, int]]:
        most = (len(text) + 1) // 2
        out = (ctypes.c_uint32 * (2 * most + 2))()
        found: int = self.lib.tokens(text, ctypes.c_size_t(len(text)), pattern, out, ctypes.c_size_t(most))
        assert found <= most
        few = (ctypes.c_uint32 * (2 * found + 2))(*[7] * (2 * found + 2))
        assert self.lib.tokens(text, ctypes.c_size_t(len(text)), pattern, few, ctypes.c_size_t(found // 2)) == found
        assert few[:] == out[: found // 2 * 2] + [7] * (2 * found + 2 - found // 2 * 2)
        return list(zip(out[: 2 * found : 2], out[1 : 2 * found : 2], strict=True))

    def ngrams(
        self, analyzer: int, text: bytes, spans: list[tuple[int, int]], low: int, high: int, room: int
    ) -> Counter[bytes] | None:
        """The n-grams; None where the room is refused."""

        class List(ctypes.Structure):
            _fields_ = (("out", ctypes.c_char_p), ("room", ctypes.c_size_t), ("size", ctypes.c_size_t))

        array = (ctypes.c_uint32 * (2 * len(spans) + 1))(*itertools.chain(*spans))
        buffer = ctypes.create_string_buffer(b"\xa5" * (room + 8), room + 8)
        out = ctypes.create_string_buffer(1 << 18)
        while True:
            found = List(ctypes.cast(out, ctypes.c_char_p), len(out), 0)
            status = self.lib.ngrams(
                analyzer, text, ctypes.c_size_t(len(text)), array, ctypes.c_size_t(len(spans)), ctypes.c_size_t(low),
                ctypes.c_size_t(high), buffer, ctypes.c_size_t(room), ctypes.byref(found),
            )  # fmt: skip
            assert buffer.raw[room:] == b"\xa5" * 8
            if found.size <= len(out):
                break
            out = ctypes.create_string_buffer(found.size)
        if status:
            assert found.size == 0
            return None
        data, at, counts = out.raw[: found.size], 0, Counter[bytes]()
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "little")
            counts[data[at + 4 : at + 4 + length]] += 1
            at += 4 + length
        return counts


@pytest.fixture(scope="session")
def native(header: Path) -> Native:
    library = header.with_suffix(".so")
    run("cc", *STRICT, "-O2", "-fPIC", "-shared", f'-DNLUC_HEADER="{header}"', HARNESS, "-o", library)
    return Native(library)


# -- every code point -------------------------------------------------------------------------------------------------


def test_every_code_point_is_a_word_character_or_white_space_as_in_re(native: Native) -> None:
    out = ctypes.create_string_buffer(0x110000)
    native.lib.properties(0, 0x110000, out)
    every = "".join(map(chr, range(0x110000)))
    word, space = (re.compile(pattern).fullmatch for pattern in (r"\w", r"\s"))
    assert out.raw == bytes((word(c) is not None) | (space(c) is not None) << 1 for c in every)
    assert {c for c in every if c.isspace()} == set(re.findall(r"\s", every))


CONTEXTS = [
    ("", ""), ("A", ""), ("", "Σ"), ("A", "Σ"), ("AΣ", ""), ("AΣ", "B"), ("'Σ", "'Σ"), ("aΣ\u0301", "."), (" Σ", " a"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CONTEXTS)
def test_every_code_point_is_lower_cased_as_by_str_in_every_context_of_a_sigma(
    native: Native, before: str, after: str
) -> None:
    for block in BLOCKS:
        wanted = "".join([f"{before}{chr(c)}{after}".lower() + "\n" for c in block])
        assert lines(native, block, before, after, True, 0) == utf8(wanted)


@pytest.mark.parametrize("accents", [1, 2])
@pytest.mark.parametrize("lowercase", [False, True])
def test_every_code_point_loses_its_accents_as_by_unicodedata(native: Native, lowercase: bool, accents: int) -> None:
    namespace = Namespace("test", lowercase=lowercase, strip_accents=ACCENTS[accents])
    for block in BLOCKS:
        wanted = "\n".join(map(chr, block)) + "\n"  # no decomposition and no sigma looks across a line feed
        assert lines(native, block, "", "", lowercase, accents) == utf8(normalize(wanted, namespace))


def lines(native: Native, block: range, before: str, after: str, lowercase: bool, accents: int) -> bytes:
    out = ctypes.create_string_buffer(len(block) * 64)
    parts = [x for text in (utf8(before), utf8(after)) for x in (text, ctypes.c_size_t(len(text)))]
    room = ctypes.c_size_t(len(out))
    size = native.lib.lines(block.start, len(block), *parts, int(lowercase), accents, out, room)
    assert size <= len(out)
    return out.raw[:size]


def test_every_code_point_and_its_neighbours_are_decoded_and_encoded(native: Native) -> None:
    for block in BLOCKS:
        text = "".join(map(chr, block))
        assert lines(native, block, "", "", False, 0) == utf8("\n".join(text) + "\n")
        assert decoded(native, utf8(text)) == list(block)


def decoded(native: Native, text: bytes) -> list[int]:
    out = (ctypes.c_uint32 * (len(text) + 1))()
    found = native.lib.decode(text, ctypes.c_size_t(len(text)), out)
    forwards = out[:found]
    assert native.lib.decode_backwards(text, ctypes.c_size_t(len(text)), out) == found
    assert out[:found] == forwards[::-1]
    return forwards


# -- texts ------------------------------------------------------------------------------------------------------------

SPECIAL = (
    "AaΣσςİIıiß'.:·\u00ad\u0301\u0345\u0323\u0307ʰªⅯⓐǅ각ﾡﷺﬃ½Å\u0f73\u0344𝅗𝔄丽"
    "  \t\n\x1c\x85\xa0\u2028\u3000_0²٣\ud800\udfff\U0010ffff"
)
texts = st.one_of(strategies.texts(), st.text(SPECIAL, max_size=40), st.text(max_size=60))


@given(texts, st.booleans(), st.sampled_from([0, 1, 2]))
@example("", True, 2)
@example("PLAY YESTERDAY BY THE BEATLES Σ", True, 0)
@example("ΑΣ ΑΣ' 'Σ ΑΣΑ Α.Σ. Σ", True, 0)
@example("a\u0323\u0307 a\u0307\u0323 \u0f73\u0301", False, 2)
@example("@AZ[`az{" * 3, True, 0)
def test_texts_are_normalised_as_by_featurize(native: Native, text: str, lowercase: bool, accents: int) -> None:
    namespace = Namespace("test", lowercase=lowercase, strip_accents=ACCENTS[accents])
    assert native.normalize(utf8(text), lowercase, accents) == utf8(normalize(text, namespace))


@given(texts, st.sampled_from([0, 1, 2]))
@example("a b\u0301c __ \u0301 é", 0)
def test_tokens_are_those_of_findall(native: Native, text: str, pattern: int) -> None:
    found = [m.span() for m in re.finditer(PATTERNS[pattern], text)]
    assert native.spans(utf8(text), pattern) == [(len(utf8(text[:a])), len(utf8(text[:b]))) for a, b in found]


@given(texts, st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 2]), st.integers(1, 8), st.integers(0, 6))
@example("the of a", 0, 0, 2, 0)
@example("a \t\x1f\u2028b\x00c", 1, 0, 1, 2)
@example("a\x1cbc\x85def\u3000\u3000ghi", 2, 0, 2, 7)
@example("a", 2, 0, 4, 0)
def test_ngrams_are_those_of_an_analyzer(
    native: Native, text: str, analyzer: int, pattern: int, low: int, more: int
) -> None:
    namespace = Namespace(
        "test", analyzer=ANALYZERS[analyzer], ngram_range=(low, low + more), token_pattern=PATTERNS[pattern],
        lowercase=False,
    )  # fmt: skip
    wanted = {utf8(ngram): count for ngram, count in Analyzer(namespace)(text).items()}
    data = utf8(text)
    spans = native.spans(data, pattern)
    enough = len(data) + (2 if analyzer == 2 else 0)
    assert native.ngrams(analyzer, data, spans, low, low + more, enough) == wanted
    if analyzer:
        assert enough == 0 or native.ngrams(analyzer, data, spans, low, low + more, enough - 1) is None
        return
    enough = sum(b - a for a, b in spans) + max(len(spans) - 1, 0)
    assert native.ngrams(0, data, spans, low, low + more, enough) == wanted
    assert enough == 0 or native.ngrams(0, data, spans, low, low + more, enough - 1) is None


def test_stop_words_are_left_out_of_the_spans(native: Native) -> None:
    text = b"the  end of the road, the end"
    words = Namespace("test", ngram_range=(1, 3), stop_words=("the", "of"))
    spans = [(a, b) for a, b in native.spans(text, 0) if text[a:b] not in (b"the", b"of")]
    wanted = {utf8(ngram): count for ngram, count in Analyzer(words)(text.decode()).items()}
    assert native.ngrams(0, text, spans, 1, 3, len(text)) == wanted


def test_spans_may_be_empty_or_overlap(native: Native) -> None:
    """As another token pattern finds them: (?=(\\w*)) gives such."""
    text, spans = b"ab c", [(0, 2), (1, 2), (2, 2), (3, 4), (4, 4), (3, 4)]
    wanted = Counter(
        b" ".join(text[a:b] for a, b in spans[i : i + n]) for n in (1, 2, 3) for i in range(len(spans) - n + 1)
    )
    assert native.ngrams(0, text, spans, 1, 3, 64) == wanted


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 2), (3, 2)])
@pytest.mark.parametrize("analyzer", [0, 1, 2])
def test_a_range_that_is_none_is_refused(native: Native, analyzer: int, low: int, high: int) -> None:
    assert native.ngrams(analyzer, b"a b c", [(0, 1), (2, 3)], low, high, 64) is None


@pytest.mark.parametrize("accents", [-1, 3])
def test_a_way_to_strip_accents_that_is_none_is_refused(native: Native, accents: int) -> None:
    refused = native.lib.normalized(
        b"a", ctypes.c_size_t(1), 1, accents, ctypes.create_string_buffer(8), ctypes.c_size_t(8)
    )
    assert refused == ctypes.c_size_t(-1).value


# -- bytes that are no text -------------------------------------------------------------------------------------------


def reference(data: bytes) -> Iterator[str]:
    """What the header says of malformed UTF-8: each byte that begins no character is U+FFFD."""
    at = 0
    while at < len(data):
        for size in (1, 2, 3, 4):
            try:
                (c,) = data[at : at + size].decode("utf-8", "surrogatepass")
            except (UnicodeDecodeError, ValueError):
                continue
            at += size
            yield c
            break
        else:
            at += 1
            yield "\ufffd"


pieces = st.one_of(
    st.binary(max_size=4), texts.map(utf8), texts.map(lambda t: utf8(t)[:-1]), texts.map(lambda t: utf8(t)[1:])
)


@given(st.lists(pieces, max_size=4).map(b"".join))
@example(b"\xf4\x90\x80\x80 \xc0\x80 \xe0\x80\x80 \xe0\x9f\xbf \xf0\x8f\xbf\xbf \xff\xfe \xed\xa0\x80\xed\xb0\x80")
@example(b"A\x80\xce\xa3 A\xe0\xa0\xce\xa3 A\xcc\x81\xce\xa3\xcc")
def test_malformed_bytes_count_as_replacement_characters(native: Native, data: bytes) -> None:
    text = "".join(reference(data))
    assert decoded(native, data) == list(map(ord, text))
    for accents in (0, 1, 2):
        namespace = Namespace("test", strip_accents=ACCENTS[accents])
        assert native.normalize(data, True, accents) == utf8(normalize(text, namespace))


@pytest.mark.parametrize("options", [[], ["-DNLUC_NO_ACCENTS"]])
def test_no_bytes_lead_out_of_a_buffer(header: Path, tmp_path: Path, options: list[str]) -> None:
    program = tmp_path / "program"
    watched = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    run("cc", *STRICT, *watched, *options, "-DPROGRAM", f'-DNLUC_HEADER="{header}"', HARNESS, "-o", program)
    for seed in ("1", "2"):
        assert int(run(program, seed, "8000")) > 0


# -- the header and its tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [["-O0"], ["-Os", "-ffreestanding"], ["-O2", "-DNLUC_NO_ACCENTS"]])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_is_clean_and_needs_only_memcpy(
    header: Path, tmp_path: Path, compiler: str, options: list[str]
) -> None:
    program = tmp_path / "harness.o"
    run(compiler, *STRICT, *options, f'-DNLUC_HEADER="{header}"', "-c", HARNESS, "-o", program)
    undefined = {line.split()[-1] for line in run("nm", "-u", program).splitlines()}
    assert undefined <= {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}
    # A program that includes it and calls nothing is clean as well.
    (tmp_path / "empty.c").write_text(f'#include "{header}"\nextern int nothing;\n')
    run(compiler, *STRICT, *options, "-c", tmp_path / "empty.c", "-o", program)


def test_the_generator_prints_and_replaces_the_same_block(
    make_unicode: ModuleType, header: Path, tmp_path: Path
) -> None:
    block = run(sys.executable, "-B", NATIVE / "make_unicode.py").rstrip("\n")
    assert block.startswith(f"/* begin generated by make_unicode.py, Unicode {unicodedata.unidata_version} */\n")
    assert block in header.read_text("utf-8")
    copy = tmp_path / "copy.h"
    shutil.copy(HEADER, copy)
    run(sys.executable, "-B", NATIVE / "make_unicode.py", copy)
    assert copy.read_text("utf-8") == header.read_text("utf-8")
    with pytest.raises(ValueError, match="found 0"):
        make_unicode.rewrite("no block")


def test_the_tables_checked_in_are_a_generated_block_of_a_moderate_size(make_unicode: ModuleType) -> None:
    text = HEADER.read_text("utf-8")
    (version,) = re.findall(r"begin generated by make_unicode.py, Unicode ([0-9]+\.[0-9]+\.[0-9]+) \*/", text)
    assert version >= "15"
    if version == unicodedata.unidata_version:
        assert make_unicode.rewrite(text) == text
    sizes = make_unicode.sizes(text)
    assert len(sizes) == 13
    assert sum(sizes.values()) < 40_000
    assert sum(size for name, size in sizes.items() if "nfkd" not in name) < 18_000
