"""What the header and the sections of a model's file mean: ModelFile to container and back, every relation checked.

The writing side (compress.py) and the readers (reference.py, the native core) meet here and nowhere else. Ids in brackets
are FORMAT.md's rules.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import fileformat
from .errors import BuildError, FormatError, ModelImportError, TemplateError
from .index import BLOCK_BITS, MAX_LEVELS, MAX_SHARD_BITS, Shards, level_starts
from .linear import LABELS, LINKS, TASKS, Floats, Integers, Namespace, SparseRows, Step, check_tagging
from .rows import CODERS, Reader, Shape, Table
from .rows.bits import packed_bytes, unpack

if TYPE_CHECKING:
    from .template import Template

# What a file may ask of its reader -> the first version that reads it. A file lists what it needs.
FEATURES = {"rows.plain": "0.1.0", "rows.dense": "0.1.0", "rows.pool": "0.1.0", "rows.coded": "0.1.0",
            "rows.runs": "0.1.0", "analyzer.items": "0.1.0", "analyzer.fasttext": "0.1.0",
            "tagging": "0.1.0", "template": "0.1.0", "shards": "0.1.0"}  # fmt: skip
NEWER = {
    "rows.runs",
    "analyzer.items",
    "analyzer.fasttext",
    "tagging",
    "template",
    "shards",
}  # that format version 1.2 brought
LABEL_TYPES = ("str", "object", *LABELS)
MOST_LABEL_BYTES = 1 << 22  # of the longest label, times their number: bounds the array of labels
MOST_PATTERN_BYTES = 1000  # of the distinct token patterns: 5 µs each to compile, with re's flag (?i) up to 2 ms
MOST_RECORD_BITS = 57  # check bits and the row coder's: a load of eight bytes holds them, wherever they begin
_DEFAULTS = {f.name: f.default for f in dataclasses.fields(Namespace) if f.default is not dataclasses.MISSING}


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A compressed model, field by field; arrays are views of the file.

    namespaces … steps: as in LinearModel. n: features in the index. levels, seeds, blocks: see index.Index.
    check_bits: a slot's record in ``slots`` is its check bits, then what the row coder keeps there (both packed).
    idf: (≤2^24,) float32 distinct values, empty if no feature has one; a number of them has idf_bits bits. codebook:
    (≤256,) float32; scale: None or (n_columns,) float32. coder, parameters, rows: see rows/coder.py. facts: what is told
    to people and read by nobody. transitions: of a tagging model, (n_classes, n_classes) float32. template: of one that
    takes plain tokens. shards: of an index that is cut into several, whose ``levels`` are empty.
    """

    namespaces: tuple[Namespace, ...]
    steps: tuple[Step, ...]
    classes: npt.NDArray[Any]
    task: str
    link: str
    intercept: Floats
    calibration: Floats | None
    baseline: Floats | None
    n: int
    levels: tuple[int, ...]
    seeds: tuple[int, ...]
    blocks: npt.NDArray[np.uint32]
    check_bits: int
    idf_bits: int
    slots: npt.NDArray[np.uint8]
    idf: npt.NDArray[np.float32]
    codebook: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32] | None
    coder: str
    parameters: Mapping[str, int]
    rows: Mapping[str, npt.NDArray[Any]]
    facts: Mapping[str, Any]
    transitions: npt.NDArray[np.float32] | None = None
    template: Template | None = None
    shards: Shards | None = None

    @property
    def n_columns(self) -> int:
        """How many scores a sample has."""
        return len(self.intercept)

    @property
    def shape(self) -> Shape:
        """What the row coder knows of the model."""
        return Shape(self.n, self.n_columns, self.idf_bits)

    def reader(self) -> Reader:
        """What looks rows up."""
        return CODERS[self.coder].reader(self.shape, self.parameters, self.rows)

    def records(self, slots: Integers) -> tuple[npt.NDArray[np.uint64], Integers]:
        """Of each slot: its check bits, and the number that the row coder keeps in its record."""
        width = self.check_bits + CODERS[self.coder].bits(self.shape, self.parameters)
        records = unpack(self.slots, width, slots)
        checks = records & np.uint64((1 << self.check_bits) - 1)
        return checks, (records >> np.uint64(self.check_bits)).astype(np.int64)

    def table(self) -> Table:
        """All rows as the row coder was given them: decodes the whole file. What is out of range is left out (R3)."""
        reader, zeros = self.reader(), np.flatnonzero(self.codebook == 0)
        zero = int(zeros[0]) if len(zeros) else len(self.codebook)  # in no row
        lengths, columns, codes = [np.zeros(1, np.int64)], [np.empty(0, np.int32)], [np.empty(0, np.uint8)]
        numbers = [np.empty(0, np.int64)]
        for start in range(0, self.n, 4096):
            slots = np.arange(start, min(start + 4096, self.n))
            _, records = self.records(slots)
            length, column, code = reader.rows(slots, records)
            good = (column < self.n_columns) & (code < len(self.codebook)) & (code != zero)
            lengths.append(np.bincount(np.repeat(np.arange(len(slots)), length)[good], minlength=len(slots)))
            columns.append(column[good].astype(np.int32))
            codes.append(code[good].astype(np.uint8))
            numbers.append(reader.idf(slots, records) if self.idf_bits else np.zeros(len(slots), np.int64))
        rows = SparseRows(np.cumsum(np.concatenate(lengths)), np.concatenate(columns), np.concatenate(codes),
                          (self.n, self.n_columns))  # fmt: skip
        return Table(rows, np.concatenate(numbers), self.idf_bits, zero, self.idf)


# -- writing ----------------------------------------------------------------------------------------------------------


def write(model: ModelFile) -> bytes:
    """The file of a model, as bytes."""
    return fileformat.encode(*parts(model))


def parts(model: ModelFile) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], int]:
    """The header of a model's file, its sections, and the minor version of the format."""
    labels, label_type = _encode_labels(model.classes)
    needs = _needs(model)
    own = {namespace.token_pattern for namespace in model.namespaces} - {_DEFAULTS["token_pattern"]}
    if (size := _pattern_bytes(own)) > MOST_PATTERN_BYTES:
        raise BuildError(f"token patterns of {size} bytes, the limit is {MOST_PATTERN_BYTES}")
    header: dict[str, Any] = {
        "requires": {feature: FEATURES[feature] for feature in needs},
        "task": model.task,
        "link": model.link,
        "classes": {"type": label_type, "count": len(model.classes)},
        "namespaces": [_plain(namespace) for namespace in model.namespaces],
        "steps": [{k: v for k, v in dataclasses.asdict(step).items() if v is not None} for step in model.steps],
        "index": {
            "n": model.n,
            "levels": list(model.levels),
            "seeds": list(model.seeds),
            **({} if model.shards is None else {"shards": model.shards.bits}),
        },
        "slots": {"check_bits": model.check_bits, "idf_bits": model.idf_bits},
        "rows": {"coder": model.coder, "n": model.n, "columns": model.n_columns, **model.parameters},
        **({} if model.template is None else {"template": model.template.data()}),
        "facts": dict(model.facts),
    }
    sections: dict[str, npt.NDArray[Any]] = {"labels": labels, "intercept": model.intercept.astype("<f8")}
    optional = {"calibration": model.calibration, "baseline": model.baseline, "scale": model.scale, "idf": model.idf}
    for name, array in optional.items():
        if array is not None and array.size:
            sections[name] = array.astype("<f4" if name in ("scale", "idf") else "<f8")
    sections |= {"codebook": model.codebook.astype("<f4"), "index": model.blocks.astype("<u4"), "slots": model.slots}
    if model.shards is not None:
        sections["shards"] = _encode_shards(model.shards)
    if model.transitions is not None:
        sections["transitions"] = _encode_transitions(model.transitions)
    return header, {**sections, **model.rows}, 2 if NEWER & set(needs) else 1


def _needs(model: ModelFile) -> list[str]:
    """What the file asks of its reader."""
    analyzers = dict.fromkeys(f"analyzer.{namespace.analyzer}" for namespace in model.namespaces)
    others = ["rows.runs"] if model.coder == "coded" else []
    others += ["tagging"] if model.task == "tagging" else []
    others += ["template"] if model.template is not None else []
    others += ["shards"] if model.shards is not None else []
    return [f"rows.{model.coder}", *others, *(analyzer for analyzer in analyzers if analyzer in FEATURES)]


def _plain(namespace: Namespace) -> dict[str, Any]:
    fields = dataclasses.asdict(namespace)
    return {name: value for name, value in fields.items() if name == "name" or value != _DEFAULTS[name]}


def _encode_labels(classes: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], str]:
    """Labels as bytes: numbers as they are; strings as their ends (u32 each), then their UTF-8."""
    if classes.dtype.kind not in "UO":
        return classes.astype(classes.dtype.newbyteorder("<")).view(np.uint8), classes.dtype.name
    words = [label.encode("utf-8", "surrogatepass") for label in classes.tolist()]
    ends = np.cumsum([len(word) for word in words]).astype("<u4")
    kind = "str" if classes.dtype.kind == "U" else "object"
    return np.concatenate([ends.view(np.uint8), np.frombuffer(b"".join(words), np.uint8)]), kind


def _encode_shards(shards: Shards) -> npt.NDArray[np.uint8]:
    """The number of each shard's first level, then start and size of each level: all u32."""
    levels = np.stack([shards.starts, shards.sizes], axis=1)
    return np.concatenate([shards.firsts.astype("<u4"), levels.astype("<u4").reshape(-1)]).view(np.uint8)


def _encode_transitions(table: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A bit for each, whether it is not 0, padded to four bytes; then those that are not."""
    there = table != 0
    bits = np.zeros(-(-there.size // 32) * 4, np.uint8)
    bits[: -(-there.size // 8)] = np.packbits(there, bitorder="little")
    return np.concatenate([bits, table[there].astype("<f4").view(np.uint8)])


# -- reading ----------------------------------------------------------------------------------------------------------


def read(container: fileformat.Container, verify: fileformat.Verify = "header") -> ModelFile:
    """A model from its container. Raises FormatError naming field or section, value and limit.

    verify="full" also checks what lies inside the large sections (ranks, codes, class ids, offsets); under "header" a
    look-up clamps them instead.
    """
    header = Fields(container.header, "header")
    requires = header.get("requires", dict)
    for feature, version in requires.items():
        if feature not in FEATURES:
            raise FormatError(
                f"header: the file needs {feature!r:.60}, which nlucompress {version!s:.20} or newer reads (H2)"
            )
    task, link = header.choice("task", TASKS), header.choice("link", LINKS)
    count = header.map("classes").integer("count", 1, 1 << 16)
    columns = 1 if task == "binary" else count
    if task == "binary" and count != 2:
        raise FormatError(f"header: a binary task with {count} classes (M1)")
    if link in ("softmax", "ovr") and task == "multilabel":
        raise FormatError(f"header: link {link!r} does not go with a multilabel task (M1)")
    namespaces = read_namespaces(header.maps("namespaces", 1, 256, "M2"))
    index, slots, rows = header.map("index"), header.map("slots"), header.map("rows")
    n = index.integer("n", 0, (1 << 31) - 1)
    levels = tuple(index.integers("levels", 0, MAX_LEVELS, 1, (1 << 31) - 1))
    seeds = tuple(index.integers("seeds", len(namespaces), len(namespaces), 0, (1 << 32) - 1))
    check_bits, idf_bits = slots.integer("check_bits", 0, 32), slots.integer("idf_bits", 0, 24)
    sections = Sections(container.sections)
    shards, used, end = _shards(index, levels, "shards" in requires, sections)
    if not (n <= used and end < 1 << 32 and bool(n) == bool(used)):
        raise FormatError(f"header: index: {n} features in levels of {used} bits, less than 2^32 (I1)")
    codebook = sections.floats("codebook", "<f4", 1, 256)
    idf = sections.floats("idf", "<f4", 1, 1 << idf_bits) if sections.has("idf") else np.empty(0, np.float32)
    if idf_bits and not len(idf):
        raise FormatError("section 'idf' is missing, but a slot has idf bits (L1)")
    coder = rows.choice("coder", tuple(CODERS))
    shape = Shape(rows.integer("n", n, n), rows.integer("columns", columns, columns), idf_bits)
    absent = {name: value for name, value in CODERS[coder].absent.items() if name not in rows.value}
    limits = CODERS[coder].limits
    parameters = absent | {name: rows.integer(name, 0, limits[name]) for name in limits if name not in absent}
    if "zero" in parameters and not (codebook[(zero := parameters["zero"]) : zero + 1] == 0).any():
        raise FormatError(f"header: rows: zero: code {zero} of {len(codebook)} does not stand for 0 (R6)")
    width = check_bits + CODERS[coder].bits(shape, parameters)
    if width > MOST_RECORD_BITS:
        raise FormatError(f"header: slots: {check_bits} check bits and {width - check_bits} bits of the row coder: "
                          f"the limit of a record is {MOST_RECORD_BITS} (L3)")  # fmt: skip
    steps = tuple(step(fields, len(namespaces)) for fields in header.maps("steps", 0, 1024, "M3"))
    label_type = header.map("classes").choice("type", LABEL_TYPES)
    intercept = sections.floats("intercept", "<f8", columns, columns)
    calibration = baseline = scale = None
    if sections.has("calibration"):
        calibration = sections.floats("calibration", "<f8", 2 * columns, 2 * columns).reshape(2, columns)
    if sections.has("baseline"):
        baseline = sections.floats("baseline", "<f8", columns, columns)
    if sections.has("scale"):
        scale = sections.floats("scale", "<f4", columns, columns)
    blocks = sections.exactly("index", -(-end // BLOCK_BITS) * 64).view("<u4").reshape(-1, 16)
    records = sections.exactly("slots", packed_bytes(n, width))
    arrays = CODERS[coder].read(shape, parameters, sections.exactly)
    facts, template = header.get("facts", dict), _template(header, task, "template" in requires)
    model = ModelFile(
        namespaces, steps, np.zeros(count, "U1" if label_type == "str" else "O"), task, link, intercept, calibration,
        baseline, n, levels, seeds, blocks, check_bits, idf_bits, records, idf, codebook, scale, coder, parameters, arrays,
        facts, None, template, shards,
    )  # fmt: skip
    if task == "tagging":
        _check_tagging(model, "tagging" in requires)
    there, values = _transitions(count, sections) if task == "tagging" else (None, None)
    # At last what may be larger than the file: labels of one length, a table of all transitions.
    model = dataclasses.replace(model, classes=decode_labels(label_type, count, sections, verify == "full"))
    if there is not None:
        table = np.zeros((count, count), np.float32)
        table[there] = values
        model = dataclasses.replace(model, transitions=table)
    if verify == "full":
        _check_inside(model)
    return model


def _shards(index: Fields, levels: tuple[int, ...], required: bool, sections: Sections
            ) -> tuple[Shards | None, int, int]:  # fmt: skip
    """The shards of an index that has several; the bits of all levels; and where the last level ends."""
    bits = index.integer("shards", 0, MAX_SHARD_BITS) if "shards" in index.value else 0
    if not bits:
        return None, sum(levels), sum(levels)
    if levels or not required:
        raise FormatError("header: index: shards that are not in requires, or beside levels (I4)")
    data, heads = sections.get("shards"), 4 * ((1 << bits) + 1)
    if len(data) < heads or (len(data) - heads) % 8:
        raise FormatError(f"section 'shards': {len(data)} bytes are not {heads} and 8 a level (I4)")
    firsts, table = data[:heads].view("<u4"), data[heads:].view("<u4").reshape(-1, 2).astype(np.int64)
    counts = np.diff(firsts.astype(np.int64))
    if firsts[0] or counts.min() < 0 or counts.max() > MAX_LEVELS or int(firsts[-1]) != len(table):
        raise FormatError(f"section 'shards': the first levels of {1 << bits} shards do not divide {len(table)} (I4)")
    used = int(table[:, 1].sum())
    if len(table) and not 1 <= int(table[:, 1].min()) <= int(table[:, 1].max()) < 1 << 31:
        raise FormatError("section 'shards': a level of 0 bits or more than 2^31 - 1 (I4)")
    if not np.array_equal(level_starts(firsts.astype(np.int64), table[:, 1]), table[:, 0]):
        raise FormatError("section 'shards': a level does not start where the one before ends (I4)")
    end = int(table[-1].sum()) if len(table) else 0
    return Shards(bits, firsts, table[:, 0].astype("<u4"), table[:, 1].astype("<u4")), used, end


def _transitions(count: int, sections: Sections) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Which pairs of classes have a weight, (count, count), and those weights."""
    data, cells = sections.get("transitions"), count * count
    size = -(-cells // 32) * 4
    bits = np.unpackbits(data[:size], bitorder="little").view(bool)
    if len(data) < size or len(data) - size != 4 * int(bits.sum()) or bits[cells:].any():
        raise FormatError(f"section 'transitions': {len(data)} bytes are not {cells} bits and a number for each 1 (M6)")
    values = data[size:].view("<f4")
    if not np.isfinite(values).all():
        raise FormatError("section 'transitions': a number is not finite (M5)")
    return bits[:cells].reshape(count, count), values


def _template(header: Fields, task: str, required: bool) -> Template | None:
    if "template" not in header.value and not required:
        return None
    if task != "tagging" or not required or "template" not in header.value:
        raise FormatError(f"header: a template in a file of the task {task!r}, or not both there and in requires (M7)")
    from .template import Template  # few files have one

    try:
        return Template.stored(header.value["template"])
    except TemplateError as error:
        raise FormatError(f"header: template: {error} (T1 to T5)") from None


def _check_tagging(model: ModelFile, required: bool) -> None:
    try:
        check_tagging(model)
    except ModelImportError as error:
        raise FormatError(f"header: {error} (M6)") from None
    if not required or model.classes.dtype.kind != "U" or model.idf_bits or len(model.idf) or model.intercept.any():
        raise FormatError("header: a tagging task that is not in requires, or with labels that are not str, an idf or an "
                          "intercept (M6)")  # fmt: skip


def read_namespaces(maps: list[Fields]) -> tuple[Namespace, ...]:
    """All analyzers, once their token patterns together are known to be cheap to compile."""
    patterns = {str(fields.value.get("token_pattern", "")) for fields in maps}
    if (size := _pattern_bytes(patterns)) > MOST_PATTERN_BYTES:
        raise FormatError(f"header: namespaces: token patterns of {size} bytes, the limit is {MOST_PATTERN_BYTES} (M2)")
    return tuple(namespace(fields) for fields in maps)


def _pattern_bytes(patterns: set[str]) -> int:
    return sum(len(pattern.encode("utf-8", "surrogatepass")) for pattern in patterns)


def namespace(fields: Fields) -> Namespace:
    """One analyzer; what is absent has FORMAT.md's default."""
    fields.get("name", str)
    known = {name: fields.value[name] for name in ("name", *_DEFAULTS) if name in fields.value}
    for name, value in known.items():
        if value is None and _DEFAULTS.get(name, ...) is None:
            continue
        wanted: Any = {"column": (str, int), "ngram_range": list, "stop_words": list, "lowercase": bool, "subwords": list,
                       "alternate_sign": bool, "hash_columns": int, "unseen": (int, float)}.get(name, str)  # fmt: skip
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise fields.error(f"{name} {value!r:.60} has the wrong type")
    if "ngram_range" in known:
        known["ngram_range"] = tuple(fields.integers("ngram_range", 2, 2, 1, 1000))
    if "subwords" in known:
        known["subwords"] = tuple(fields.integers("subwords", 2, 2, 0, 1000))
    if known.get("stop_words") is not None:
        if not all(isinstance(word, str) for word in known["stop_words"]):
            raise fields.error("stop_words are not all strings")
        known["stop_words"] = tuple(known["stop_words"])
    try:
        return Namespace(**known)
    except (ModelImportError, OverflowError, RecursionError) as error:
        raise fields.error(f"{error!s:.200}") from None


def step(fields: Fields, n_namespaces: int) -> Step:
    """One operation on the values."""
    namespaces = tuple(fields.integers("namespaces", 1, 256, 0, n_namespaces - 1))
    op, value, kind = fields.get("op", str), fields.value.get("value", 0.0), fields.value.get("kind")
    if not isinstance(value, float) or not isinstance(kind, (str, type(None))):
        raise fields.error(f"value {value!r:.60} is not a float, or kind {kind!r:.60} not a string")
    try:
        return Step(op, namespaces, kind, value)  # type: ignore[arg-type]
    except ModelImportError as error:
        raise fields.error(f"{error!s:.200}") from None


def decode_labels(kind: str, count: int, sections: Sections, distinct: bool = False) -> npt.NDArray[Any]:
    """The labels, in the array type of the source's ``classes_``. distinct: whether they are checked to be that."""
    if kind not in ("str", "object"):
        dtype = np.dtype(kind).newbyteorder("<")
        labels = sections.exactly("labels", count * dtype.itemsize)
        if kind == "bool" and (labels > 1).any():
            raise FormatError("section 'labels': a bool is neither 0 nor 1 (M4)")
        numbers: npt.NDArray[Any] = labels.view(dtype).astype(kind)
        if distinct and len(set(map(bytes, numbers[:, None]))) != count:
            raise FormatError(f"section 'labels': the {count} labels are not distinct (M4)")
        return numbers
    data = sections.get("labels")
    if len(data) < 4 * count:
        raise FormatError(f"section 'labels': {len(data)} bytes, {count} labels need at least {4 * count} (M4)")
    ends = np.concatenate([[0], data[: 4 * count].view("<u4").astype(np.int64)])
    text = data[4 * count :].tobytes()
    if (np.diff(ends) < 0).any() or ends[-1] != len(text):
        raise FormatError(f"section 'labels': the ends of {count} labels do not divide {len(text)} bytes (M4)")
    if int(np.diff(ends).max()) * count > MOST_LABEL_BYTES:
        longest = int(np.diff(ends).max())
        raise FormatError(f"section 'labels': {count} labels, the longest of {longest} bytes: "
                          f"the limit of the product is {MOST_LABEL_BYTES} (M4)")  # fmt: skip
    try:
        words = [text[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends.tolist())]
    except UnicodeDecodeError as error:
        raise FormatError(f"section 'labels': not UTF-8: {error} (M4)") from None
    if kind == "str" and any(word.endswith("\0") for word in words):
        raise FormatError("section 'labels': a label ends in a zero (M4)")
    if distinct and len(set(words)) != count:
        raise FormatError(f"section 'labels': the {count} labels are not distinct (M4)")
    return np.array(words, dtype="U" if kind == "str" else "O")  # where an array of str drops zeros at the end


def _check_inside(model: ModelFile) -> None:
    """The relations inside the large sections, which a look-up clamps when they were not checked."""
    ones = np.bitwise_count(model.blocks[:, 1:]).sum(axis=1, dtype=np.int64)
    if int(ones.sum()) != model.n or (model.blocks[:, 0] != np.cumsum(ones) - ones).any():
        raise FormatError(f"section 'index': {int(ones.sum())} bits set and their ranks, for {model.n} features (I3)")
    slots = np.arange(model.n)
    _, numbers = model.records(slots)
    CODERS[model.coder].check(model.shape, model.parameters, model.rows, numbers)
    reader = model.reader()
    most = int(reader.idf(slots, numbers).max(initial=0)) if model.idf_bits else 0
    if model.idf_bits and most >= len(model.idf):
        raise FormatError(f"idf number {most}, the table has {len(model.idf)} (L2)")
    for start in range(0, model.n, 4096):
        slots = np.arange(start, min(start + 4096, model.n))
        lengths, columns, codes = reader.rows(slots, numbers[slots])
        if reader.clamped:
            raise FormatError(
                f"section 'rows': entries of slots up to {slots[-1]} do not decode within their limits (R7)"
            )
        if columns.max(initial=0) >= model.n_columns or codes.max(initial=0) >= len(model.codebook):
            raise FormatError(f"section 'rows': a class or code of slots {start}…{slots[-1]} is out of range (R3)")
        ends = np.cumsum(lengths)
        inside = np.ones(max(len(columns) - 1, 0), bool)
        inside[ends[:-1][(ends[:-1] > 0) & (ends[:-1] < len(columns))] - 1] = False
        if (np.diff(columns)[inside] <= 0).any():
            raise FormatError(f"section 'rows': the classes of a row of slots {start}…{slots[-1]} do not ascend (R3)")


class Fields:
    """A map of the header with typed access: every miss is a FormatError with its place, value and limit."""

    def __init__(self, value: Any, place: str, rule: str = "H3") -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{place}: {value!r:.60} is not a map (H3)")
        self.value: dict[str, Any] = value
        self.place = place
        self._rule = rule

    def error(self, words: str) -> FormatError:
        """An error at this place, under the rule that speaks of it."""
        return FormatError(f"{self.place}: {words} ({self._rule})")

    def get(self, name: str, kind: type) -> Any:
        value = self.value.get(name)
        if not isinstance(value, kind):
            raise self.error(f"{name} {value!r:.60} is not of type {kind.__name__}")
        return value

    def map(self, name: str) -> Fields:
        return Fields(self.value.get(name), f"{self.place}: {name}")

    def maps(self, name: str, least: int, most: int, rule: str) -> list[Fields]:
        values = self.get(name, list)
        if not least <= len(values) <= most:
            raise self.error(f"{name} has {len(values)} entries, not {least}..{most}")
        return [Fields(value, f"{self.place}: {name}[{i}]", rule) for i, value in enumerate(values)]

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.value.get(name)
        if not isinstance(value, str) or value not in allowed:
            raise self.error(f"{name} {value!r:.60} is not one of {', '.join(allowed)}")
        return value

    def integer(self, name: str, least: int, most: int) -> int:
        return self._bounded(self.value.get(name), name, least, most)

    def integers(self, name: str, shortest: int, longest: int, least: int, most: int) -> list[int]:
        values = self.get(name, list)
        if not shortest <= len(values) <= longest:
            raise self.error(f"{name} has {len(values)} entries, not {shortest}..{longest}")
        return [self._bounded(value, f"{name}[{i}]", least, most) for i, value in enumerate(values)]

    def _bounded(self, value: Any, name: str, least: int, most: int) -> int:
        if type(value) is not int or not least <= value <= most:
            raise self.error(f"{name} {value!r:.60} is not an integer in {least}..{most}")
        return value


class Sections:
    """The sections with checked access."""

    def __init__(self, sections: Mapping[str, fileformat.Bytes]) -> None:
        self._sections = sections

    def has(self, name: str) -> bool:
        return name in self._sections

    def get(self, name: str) -> fileformat.Bytes:
        if name not in self._sections:
            raise FormatError(f"section {name!r} is missing (S6)")
        return self._sections[name]

    def exactly(self, name: str, length: int) -> fileformat.Bytes:
        data = self.get(name)
        if len(data) != length:
            raise FormatError(f"section {name!r}: {len(data)} bytes, the header's counts ask for {length} (S6)")
        return data

    def floats(self, name: str, kind: str, least: int, most: int) -> npt.NDArray[Any]:
        data = self.get(name)
        size = np.dtype(kind).itemsize
        if len(data) % size or not least <= len(data) // size <= most:
            raise FormatError(
                f"section {name!r}: {len(data)} bytes are not {least}..{most} numbers of {size} bytes (S6)"
            )
        values = data.view(kind)
        if not np.isfinite(values).all():
            raise FormatError(f"section {name!r}: number {int(np.argmin(np.isfinite(values)))} is not finite (M5)")
        return values
