"""CRFsuite's models: the binary file, its text dump, and the bytes inside a pickled sklearn_crfsuite.CRF.

The binary file (all numbers little-endian; lengths in bytes; offsets from the file's start) is a header of 48 bytes and
five chunks, each of which begins with a name of four bytes and its length:

    header   "lCRF", length of the file, "FOMC", version 100, 0, how many labels, how many attributes, five offsets
    FEAT     a count; 20 bytes a feature: type (0 state, 1 transition), source (an attribute; a label), label, weight (f64)
    CQDB     twice: the labels' strings by number, the attributes' (see _strings)
    LFRF     a count; an offset for each label (and two more, 0): there a count and the numbers of its features
    AFRF     the same for each attribute

Nothing of it is trusted before it is checked against the bytes that are there: python-crfsuite crashes on damaged files.
Strings are bytes to CRFsuite. Attributes that are not UTF-8 are carried through as Python's "surrogateescape" reads
them; labels that are not are refused, as python-crfsuite cannot return them either. ``write`` is the way back.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import MOST_TAGS, Integers, LinearModel, Namespace, SparseRows, ranges
from .formats import Format
from .records import Record, read_bytes

MAGIC, DUMP = b"lCRF", b"FILEHEADER = {"
HEADER = struct.Struct("<4sI4s9I")
FEATURE = np.dtype([("type", "<u4"), ("source", "<u4"), ("label", "<u4"), ("weight", "<f8")])
CQDB = struct.Struct("<4s5I")  # name, length, flag, byte order, how many backward links, where they are
BYTE_ORDER = 0x62445371
TABLES = 256
STATE, TRANSITION = 0, 1

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Crf:
    """A CRFsuite model as it is: strings by number, and features in the file's order (a structured array, see FEATURE)."""

    labels: list[str]
    attributes: list[str]
    features: npt.NDArray[Any]

    def model(self, source: dict[str, str]) -> LinearModel:
        """As a LinearModel: attributes are features, state weights their rows. Raises ModelImportError."""
        count, names = len(self.labels), len(self.attributes)
        if not 1 <= count <= MOST_TAGS:
            raise ModelImportError(f"{count} labels, 1..{MOST_TAGS} are possible")
        features = self.features
        if not np.isfinite(features["weight"]).all():
            bad = int(np.argmin(np.isfinite(features["weight"])))
            raise ModelImportError(f"feature {bad}: weight {features['weight'][bad]} is not a finite number")
        state, moves = (features[features["type"] == kind] for kind in (STATE, TRANSITION))
        cells = state["source"].astype(np.int64) * count + state["label"]
        order = np.argsort(cells, kind="stable")
        _refuse_twice(cells[order], count, self.attributes, self.labels)
        lengths = np.bincount(state["source"], minlength=names)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        weights = SparseRows(indptr, state["label"][order].astype(np.int32), state["weight"][order].astype(np.float64),
                             (names, count))  # fmt: skip
        cells = moves["source"].astype(np.int64) * count + moves["label"]
        _refuse_twice(np.sort(cells), count, self.labels, self.labels)
        transitions = np.zeros((count, count))
        transitions[moves["source"], moves["label"]] = moves["weight"]
        return LinearModel((Namespace("attributes", analyzer="features"),), (self.attributes,), weights, np.zeros(count),
                           np.array(self.labels), task="tagging", transitions=transitions, source=source)  # fmt: skip


def _refuse_twice(cells: Integers, count: int, sources: list[str], labels: list[str]) -> None:
    twice = np.flatnonzero(np.diff(cells) == 0)
    if len(twice):
        source, label = divmod(int(cells[twice[0]]), count)
        raise ModelImportError(f"two features of {sources[source]!r:.80} and label {labels[label]!r:.80}")


# -- the binary file, read ---------------------------------------------------------------------------------------------


class _Chunk(NamedTuple):
    name: str
    start: int
    stop: int


def parse(data: bytes) -> Crf:
    """The model in the bytes of a CRFsuite file. Raises ModelImportError with the place."""
    if len(data) < HEADER.size or data[:4] != MAGIC:
        raise ModelImportError(f"not a CRFsuite model: {len(data)} bytes that begin with {data[:4]!r}")
    _, length, kind, version, _, n_labels, n_attributes, *offsets = HEADER.unpack_from(data)
    if kind != b"FOMC" or version != 100:
        raise ModelImportError(f"header: type {kind!r} of version {version}, not b'FOMC' of version 100")
    if length != len(data):
        raise ModelImportError(f"header: a length of {length} bytes, the file has {len(data)}: truncated?")
    names = ("FEAT", "CQDB", "CQDB", "LFRF", "AFRF")
    titles = ("features", "labels", "attributes", "references of labels", "references of attributes")
    chunks = [_chunk(data, offset, name, title) for offset, name, title in zip(offsets, names, titles, strict=True)]
    raw = np.frombuffer(data, np.uint8)
    features = _features(data, chunks[0])
    labels = _strings(data, raw, chunks[1], n_labels, "strict")
    attributes = _strings(data, raw, chunks[2], n_attributes, "surrogateescape")
    for kind_, limit in ((STATE, n_attributes), (TRANSITION, n_labels)):
        bad = (features["type"] == kind_) & ((features["source"] >= limit) | (features["label"] >= n_labels))
        if bad.any():
            number = int(bad.argmax())
            raise ModelImportError(f"feature {number}: source {features['source'][number]} or label "
                                   f"{features['label'][number]} is not below {limit} and {n_labels}")  # fmt: skip
    for chunk, kind_, count in ((chunks[3], TRANSITION, n_labels), (chunks[4], STATE, n_attributes)):
        _references(raw, chunk, count, features, kind_)
    return Crf(labels, attributes, features)


def _chunk(data: bytes, offset: int, name: str, title: str) -> _Chunk:
    """A chunk's place, checked."""
    if offset < HEADER.size or offset > len(data) - 12:
        raise ModelImportError(f"{title}: offset {offset} is not in {HEADER.size}..{len(data) - 12}")
    found, length = struct.unpack_from("<4sI", data, offset)
    if found != name.encode():
        raise ModelImportError(f"{title}: at byte {offset} is {found!r}, not {name.encode()!r}")
    if not 12 <= length <= len(data) - offset:
        raise ModelImportError(f"{title}: offset {offset} + length {length} exceeds the file's {len(data)} bytes")
    return _Chunk(title, offset, offset + length)


def _features(data: bytes, chunk: _Chunk) -> npt.NDArray[Any]:
    (count,) = struct.unpack_from("<I", data, chunk.start + 8)
    if chunk.stop - chunk.start != 12 + FEATURE.itemsize * count:
        raise ModelImportError(f"features: {count} of 20 bytes are not the chunk's {chunk.stop - chunk.start}")
    features = np.frombuffer(data, FEATURE, count, chunk.start + 12)
    if (features["type"] > TRANSITION).any():
        number = int((features["type"] > TRANSITION).argmax())
        raise ModelImportError(f"feature {number}: type {features['type'][number]} is not 0 or 1")
    return features


def _strings(data: bytes, raw: Bytes, chunk: _Chunk, count: int, errors: str) -> list[str]:
    """The strings of a CQDB (constant quark database) by their numbers.

    After 24 bytes of header come 256 hash tables' places (for look-ups by string, which nothing here needs), the records
    (number u32, length u32, the string with a zero), the tables, and the backward links: each number's record's offset.
    """
    place, size = chunk.name, chunk.stop - chunk.start
    if size < CQDB.size:
        raise ModelImportError(f"{place}: {size} bytes are less than a header's {CQDB.size}")
    _, _, _, order, links, at = CQDB.unpack_from(data, chunk.start)
    if order != BYTE_ORDER:
        raise ModelImportError(f"{place}: byte order {order:#x}, not {BYTE_ORDER:#x}")
    if links != count:
        raise ModelImportError(f"{place}: {links} strings, the header says {count}")
    if at > size or 4 * links > size - at:
        raise ModelImportError(f"{place}: {links} links at {at} exceed the chunk's {size} bytes")
    offsets = np.frombuffer(data, "<u4", links, chunk.start + at).astype(np.int64)
    _inside(offsets, 8, size, f"{place}: record")
    starts = chunk.start + offsets
    numbers, lengths = _numbers(raw, starts), _numbers(raw, starts + 4)
    if (numbers != np.arange(links)).any():
        bad = int((numbers != np.arange(links)).argmax())
        raise ModelImportError(f"{place}: record {bad} has the number {numbers[bad]}")
    _inside(offsets + 8, lengths, size, f"{place}: string")
    if int(lengths.sum()) > size or (lengths < 1).any() or raw[starts + 8 + lengths - 1].any():
        raise ModelImportError(f"{place}: the strings share bytes, or one does not end with a zero")
    out = []
    for number, (start, length) in enumerate(zip((starts + 8).tolist(), lengths.tolist(), strict=True)):
        text = data[start : start + length - 1]
        if b"\0" in text:
            raise ModelImportError(f"{place}: string {number} has a zero inside")
        try:
            out.append(text.decode("utf-8", errors))
        except UnicodeDecodeError as error:
            raise ModelImportError(f"{place}: string {number}, {text!r:.60}, is not UTF-8: {error.reason}") from None
    return out


def _references(raw: Bytes, chunk: _Chunk, count: int, features: npt.NDArray[Any], kind: int) -> None:
    """Check that the features that each label or attribute refers to are exactly those that begin with it."""
    place, size = chunk.name, chunk.stop - chunk.start
    (entries,) = _numbers(raw, np.array([chunk.start + 8]))
    if entries < count or 4 * entries > size - 12:
        raise ModelImportError(f"{place}: {entries} offsets for {count} strings in a chunk of {size} bytes")
    offsets = _numbers(raw, chunk.start + 12 + 4 * np.arange(count))
    _inside(offsets - chunk.start, 4, size, f"{place}: list")
    lengths = _numbers(raw, offsets)
    _inside(offsets - chunk.start + 4, 4 * lengths, size, f"{place}: list")
    wanted = int((features["type"] == kind).sum())
    if int(lengths.sum()) != wanted:
        raise ModelImportError(f"{place}: {int(lengths.sum())} features in all, there are {wanted}")
    which = _numbers(raw, ranges(offsets + 4, 4 * lengths)[::4])
    owners = np.repeat(np.arange(count), lengths)
    if (which >= len(features)).any():
        raise ModelImportError(f"{place}: feature {int(which.max())} of {len(features)}")
    wrong = (features["type"][which] != kind) | (features["source"][which] != owners)
    if wrong.any() or len(np.unique(which)) != len(which):
        raise ModelImportError(f"{place}: a feature is another's, or stands twice")


def _numbers(raw: Bytes, at: Integers) -> Integers:
    """The u32 at these bytes, which need not be aligned."""
    gathered = raw[at[:, None] + np.arange(4)]
    numbers: Integers = gathered.astype(np.int64) @ (1 << (8 * np.arange(4)))
    return numbers


def _inside(starts: Integers, lengths: Integers | int, size: int, place: str) -> None:
    bad = (starts < 0) | (starts > size) | (lengths > size - starts)
    if bad.any():
        number = int(bad.argmax())
        raise ModelImportError(f"{place} {number} at {int(starts[number])} exceeds the chunk's {size} bytes")


# -- the binary file, written ------------------------------------------------------------------------------------------


def write(crf: Crf) -> bytes:
    """The CRFsuite file of a model: the bytes that CRFsuite itself writes for it."""
    features = crf.features.astype(FEATURE).tobytes()
    parts = [struct.pack("<4sII", b"FEAT", 12 + len(features), len(crf.features)) + features]
    parts += [
        _database([text.encode("utf-8", "surrogateescape") for text in texts]) for texts in (crf.labels, crf.attributes)
    ]
    offsets = [HEADER.size]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    parts.append(b"\0" * (-offsets[-1] % 4))
    offsets[-1] += len(parts[-1])
    for name, kind, count, more in (
        (b"LFRF", TRANSITION, len(crf.labels), 2),
        (b"AFRF", STATE, len(crf.attributes), 0),
    ):
        parts.append(_lists(name, crf.features, kind, count, more, offsets[-1]))
        offsets.append(offsets[-1] + len(parts[-1]))
    total = offsets.pop()
    if total >= 1 << 32:
        raise ModelImportError(f"a CRFsuite file of {total} bytes: its limit is 2^32")
    return HEADER.pack(MAGIC, total, b"FOMC", 100, 0, len(crf.labels), len(crf.attributes), *offsets) + b"".join(parts)


def _lists(name: bytes, features: npt.NDArray[Any], kind: int, count: int, more: int, start: int) -> bytes:
    """References: which features begin with each label or attribute, in their order."""
    which = np.flatnonzero(features["type"] == kind)
    which = which[np.argsort(features["source"][which], kind="stable")]
    lengths = np.bincount(features["source"][which], minlength=count)
    places = 12 + 4 * (count + more) + 4 * np.concatenate([[0], np.cumsum(lengths + 1)])
    body = np.zeros(count + len(which), "<u4")
    heads = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]]).astype(np.int64)[:count]
    body[heads] = lengths
    inside = np.ones(len(body), bool)
    inside[heads] = False
    body[inside] = which
    offsets = np.concatenate([start + places[:-1], np.zeros(more, np.int64)]).astype("<u4")
    return struct.pack("<4sII", name, int(places[-1]), count + more) + offsets.tobytes() + body.tobytes()


def _database(texts: list[bytes]) -> bytes:
    """A CQDB: records, 256 hash tables twice as long as what they hold (linear probing), backward links."""
    records, links = bytearray(), []
    tables: list[list[tuple[int, int]]] = [[] for _ in range(TABLES)]
    first = CQDB.size + 8 * TABLES
    for number, text in enumerate(texts):
        links.append(first + len(records))
        hash_ = lookup3(text + b"\0")
        tables[hash_ % TABLES].append((hash_, links[-1]))
        records += struct.pack("<II", number, len(text) + 1) + text + b"\0"
    places, body = [], bytearray()
    for table in tables:
        size = 2 * len(table)
        places += [first + len(records) + len(body) if table else 0, size]
        buckets = [(0, 0)] * size
        for hash_, offset in table:
            at = (hash_ >> 8) % size
            while buckets[at][1]:
                at = (at + 1) % size
            buckets[at] = hash_, offset
        body += np.array(buckets, "<u4").tobytes()
    at = first + len(records) + len(body)
    head = CQDB.pack(b"CQDB", at + 4 * len(links), 0, BYTE_ORDER, len(links), at if links else 0)
    return head + np.array(places, "<u4").tobytes() + records + body + np.array(links, "<u4").tobytes()


def lookup3(key: bytes) -> int:
    """Bob Jenkins' hashlittle of May 2006 (public domain) with initval 0: what a CQDB hashes strings by.

    >>> hex(lookup3(b"Four score and seven years ago"))
    '0x17770551'
    """
    mask = 0xFFFFFFFF
    a = b = c = (0xDEADBEEF + len(key)) & mask
    padded = key + b"\0" * 12
    at, left = 0, len(key)
    while left > 12:
        x, y, z = struct.unpack_from("<3I", padded, at)
        a, b, c = (a + x) & mask, (b + y) & mask, (c + z) & mask
        for shifts in ((4, 6, 8), (16, 19, 4)):
            a = ((a - c) & mask) ^ _rotated(c, shifts[0])
            c = (c + b) & mask
            b = ((b - a) & mask) ^ _rotated(a, shifts[1])
            a = (a + c) & mask
            c = ((c - b) & mask) ^ _rotated(b, shifts[2])
            b = (b + a) & mask
        at, left = at + 12, left - 12
    if not left:
        return c
    x, y, z = (int(word) for word in struct.unpack_from("<3I", padded[at : at + left] + b"\0" * 12))
    a, b, c = (a + x) & mask, (b + y) & mask, (c + z) & mask
    c = ((c ^ b) - _rotated(b, 14)) & mask
    a = ((a ^ c) - _rotated(c, 11)) & mask
    b = ((b ^ a) - _rotated(a, 25)) & mask
    c = ((c ^ b) - _rotated(b, 16)) & mask
    a = ((a ^ c) - _rotated(c, 4)) & mask
    b = ((b ^ a) - _rotated(a, 14)) & mask
    return ((c ^ b) - _rotated(b, 24)) & mask


def _rotated(x: int, bits: int) -> int:
    return (x << bits | x >> (32 - bits)) & 0xFFFFFFFF


# -- the text dump -----------------------------------------------------------------------------------------------------

_LINE = re.compile(r"  \(([01])\) (.*) --> (.*): (\S+)", re.DOTALL)
_COUNTS = {"LABELS": "  num_labels: ", "ATTRIBUTES": "  num_attrs: "}
_SECTIONS = ("FILEHEADER", "LABELS", "ATTRIBUTES", "TRANSITIONS", "STATE_FEATURES")


def parse_dump(data: bytes) -> Crf:
    """The model in CRFsuite's text dump. Its weights have six decimals. Raises ModelImportError with the line.

    Strings are not quoted: a line that does not begin as an entry does belongs to the string of the entry before.
    """
    names: dict[str, list[str]] = {"LABELS": [], "ATTRIBUTES": []}
    entries: dict[str, list[tuple[str, str]]] = {section: [] for section in _SECTIONS}  # (place, text)
    section, done = "", 0
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.decode("utf-8", "surrogateescape")
        if not section and line:
            if done == len(_SECTIONS) or line != f"{_SECTIONS[done]} = {{":
                raise ModelImportError(
                    f"line {number}: {line!r:.80} does not begin the section {_SECTIONS[min(done, 4)]}"
                )
            section = line.removesuffix(" = {")
        elif section and line == "}":
            done, section = done + 1, ""
        elif section:
            here = entries[section]
            begins = f"{len(here):>7}: " if section in names else "  (0) " if section == "STATE_FEATURES" else "  ("
            if line.startswith(begins) or section == "FILEHEADER":
                here.append((f"line {number}", line))
            elif here:
                here[-1] = here[-1][0], f"{here[-1][1]}\n{line}"
            else:
                raise ModelImportError(f"line {number}: {line!r:.80} does not begin with {begins!r}")
    if done != len(_SECTIONS):
        raise ModelImportError(f"the dump ends without the end of {_SECTIONS[done]}: truncated?")
    for key, texts in names.items():
        texts += [text.split(": ", 1)[1] for _, text in entries[key]]
        count = next((text for _, text in entries["FILEHEADER"] if text.startswith(_COUNTS[key])), "")
        if count != f"{_COUNTS[key]}{len(texts)}":
            raise ModelImportError(f"{key}: {len(texts)} entries, the header says {count.strip()!r:.60}")
    try:
        "".join(names["LABELS"]).encode()
    except UnicodeEncodeError:
        raise ModelImportError("LABELS: a label is not UTF-8") from None
    numbers = [{text: i for i, text in enumerate(texts)} for texts in names.values()]
    if any(len(both) != len(texts) for both, texts in zip(numbers, names.values(), strict=True)):
        raise ModelImportError("a label or attribute stands twice")
    rows = [_dumped(text, place, section == "STATE_FEATURES", *numbers)
            for section in ("TRANSITIONS", "STATE_FEATURES") for place, text in entries[section]]  # fmt: skip
    return Crf(names["LABELS"], names["ATTRIBUTES"], np.array(rows, FEATURE))


def _dumped(line: str, place: str, state: bool, labels: dict[str, int], attributes: dict[str, int]
            ) -> tuple[int, int, int, float]:  # fmt: skip
    """A feature's line. Strings are not quoted: where they have arrows, the one split that names known strings counts."""
    found = _LINE.fullmatch(line)
    if found is None or (found[1] == "0") != state:
        raise ModelImportError(f"{place}: {line!r:.80} is not a feature")
    try:
        weight = float(found[4])
    except ValueError:
        raise ModelImportError(f"{place}: {found[4]!r:.40} is not a number") from None
    parts = f"{found[2]} --> {found[3]}".split(" --> ")
    sources = attributes if state else labels
    splits = [(" --> ".join(parts[:i]), " --> ".join(parts[i:])) for i in range(1, min(len(parts), 20))]
    known = [(source, label) for source, label in splits if source in sources and label in labels]
    if len(known) != 1:
        raise ModelImportError(f"{place}: {line!r:.80} names {len(known)} pairs of known strings")
    return STATE if state else TRANSITION, sources[known[0][0]], labels[known[0][1]], weight


# -- the format --------------------------------------------------------------------------------------------------------


def read_crf(data: bytes) -> Crf:
    """A binary file or a dump, by its content. Raises ModelImportError."""
    return parse_dump(data) if data.startswith(DUMP) else parse(data)


def import_file(path: Path, names: Path | None = None) -> LinearModel:
    """The model of a .crfsuite file or of a dump."""
    if names is not None:
        raise ModelImportError("a CRFsuite model brings its feature names")
    data = read_bytes(path)
    source = {"format": "CRFsuite model"}
    if data.startswith(DUMP):
        source = {"format": "CRFsuite dump", "remark": "A dump's weights have six decimals: compress the model itself."}
    return read_crf(data).model(source)


def is_crf(source: Any) -> bool:
    """Whether an object, live or a record, is a sklearn_crfsuite.CRF."""
    if isinstance(source, Record):
        return source.kind == "sklearn_crfsuite.CRF"
    return any(
        cls.__name__ == "CRF" and cls.__module__.split(".")[0] == "sklearn_crfsuite" for cls in type(source).__mro__
    )


def model_bytes(source: Any) -> bytes:
    """The bytes of the model inside a sklearn_crfsuite.CRF, live or a record. Raises ModelImportError."""
    file = source.state.get("modelfile") if isinstance(source, Record) else getattr(source, "modelfile", None)
    state = file.state if isinstance(file, Record) else getattr(file, "__dict__", {})
    inner = state.get("__state__")
    if isinstance(inner, dict):
        state = inner
    data, path = state.get("__FILE_RESOURCE_DATA__"), state.get("name")
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if not isinstance(source, Record) and isinstance(path, str):  # a live one: its file is here
        return read_bytes(path)
    if isinstance(path, str):
        raise ModelImportError(f"CRF: the pickle holds only the path of its model, {path!r:.120}: compress that file")
    raise ModelImportError("CRF: there is no model inside: it is not fitted")


def import_object(source: Any) -> LinearModel:
    """A sklearn_crfsuite.CRF's model."""
    try:
        return parse(model_bytes(source)).model({"format": "sklearn-crfsuite CRF"})
    except ModelImportError as error:
        words = str(error)
        raise ModelImportError(words if words.startswith("CRF: ") else f"CRF: {words}") from None


FORMAT = Format(
    "crfsuite",
    "a CRFsuite model (.crfsuite), its text dump, or a fitted sklearn_crfsuite.CRF, live or in a pickle",
    "labels, attributes, weights and transitions, so tags and probabilities of every sequence",
    "a dump's weights have six decimals; labels that are not UTF-8 are refused",
    sniff=lambda head: head.startswith((MAGIC, DUMP)),
    read=import_file,
    claims=is_crf,
    of=import_object,
)
