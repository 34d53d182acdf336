"""Vowpal Wabbit's text models: ``--invert_hash FILE`` and ``--readable_model FILE``.

VW has no features, only hashes of them: a weight's number is MurmurHash3_x86_32 of the feature's name, with the hash of
its namespace as the seed, in ``bits`` bits; of several classes, the hash shifted up by the class's bits, plus the class.
--readable_model has these numbers alone, --invert_hash the names beside them. Two features of one hash share a weight.

* **Names for all weights** (--invert_hash): a feature is what VW prints, ``namespace^feature``. Exact of texts all of whose
  features are printed. Others count nothing; in VW they count whatever weight their hash happens to meet. Of two features
  of training that share a hash VW prints one.
* **Otherwise (--readable_model) the hash is the feature**, as a decimal number before the shift: exact of every text.

Either way a sample is a mapping of features to values. ``features(line)`` makes it from a line of VW's input, as VW does:

>>> features("1 |t play jazz:0.5 |u 42")
{'t^play': 1.0, 't^jazz': 0.5, 'u^42': 1.0}
>>> features("|t play jazz:0.5", bits=18)
{'88258': 1.0, '183576': 0.5}

The weights have six digits in VW's text, so scores differ from VW's own in the sixth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmh3
import numpy as np
import numpy.typing as npt

from ..errors import ModelImportError
from ..linear import LARGEST, LinearModel, Namespace, SparseRows
from .formats import Format
from .records import clean, show
from .tabular import blocks

CONSTANT = 11650396  # the hash of the constant feature
MOST_CLASSES = 1 << 16
MOST_HEADER = 1 << 10  # lines
# What of --options changes no prediction, or is understood here. The value says whether a word follows.
HARMLESS = {
    "--adaptive": 0, "--bit_precision": 1, "--hash_seed": 1, "--initial_t": 1, "--invariant": 0, "--l1": 1, "--l2": 1,
    "--learning_rate": 1, "--normalized": 0, "--power_t": 1, "--random_seed": 1, "--sgd": 0, "--ftrl": 0, "--ftrl_alpha": 1,
    "--ftrl_beta": 1, "--loss_function": 1, "--probabilities": 0, "--decay_learning_rate": 1, "--coin": 0, "--pistol": 0,
    "--bfgs": 0, "--mem": 1, "--noconstant": 0, "--binary": 0, "--link": 1, "--hash": 1, "--oaa": 1, "--csoaa": 1,
    "--named_labels": 1, "--holdout_off": 0, "--predict_only_model": 0, "--save_resume": 0,
}  # fmt: skip
COMBINED = {"--quadratic": 1, "--cubic": 1, "--interactions": 1, "--ngram": 1, "--skips": 1, "--ignore": 1, "--keep": 1,
            "--leave_duplicate_interactions": 0}  # fmt: skip
_FLAG = re.compile(r":[01]\Z")
_STATE = re.compile(r"[a-z][a-z0-9_:. ]* [-+0-9.e]+\Z")  # lines that --save_resume adds before the weights
_WEIGHT = re.compile(r"(?:(.*):)?(\d{1,18}):(\S+)(?: (\S+))*\Z", re.DOTALL)
_DIGITS = re.compile(r"[0-9]+")


def features(line: str, bits: int | None = None, hash: str = "strings", hash_seed: int = 0) -> dict[str, float]:
    """The features of one line in VW's text format, as its models take them here.

    bits: None for models whose features have names; else how many bits a hash has (the model's ``remark`` says it), and
    the features are hashes. hash, hash_seed: VW's options of these names. What stands before the first ``|`` is not read.

    Raises ValueError for a value that is no number.
    """
    out: dict[str, float] = {}
    _, *parts = line.split("|")
    for part in parts:
        words = part.split(" ")
        name, _, scale = words[0].partition(":")
        if part[:1] in ("", " ", "\t"):
            name, scale = "", ""
        seed = _hash(name, hash_seed, hash) if name else (hash_seed and mmh3.hash(b"", hash_seed, signed=False))
        factor = _value(scale or "1", line)
        for count, word in enumerate(re.split("[ \t\r\n]+", " ".join(words[1:])) if part else ()):
            feature, mark, number = word.partition(":")
            if not word or (not feature and not mark):
                continue
            if not feature:
                raise ValueError(
                    f"feature {count} of {part!r:.80} has no name: VW counts such features, here they need one"
                )
            value = factor * (_value(number, line) if mark else 1.0)
            if value:
                if bits is None:
                    key = f"{name}^{feature}" if name else feature
                else:
                    key = str(_hash(feature, seed, hash) & ((1 << bits) - 1))
                out[key] = out.get(key, 0.0) + value
    return out


def _hash(word: str, seed: int, kind: str) -> int:
    """VW's hash of a word: of digits the number they say plus the seed, unless kind is "all"."""
    if kind != "all" and _DIGITS.fullmatch(word):
        return (int(word) + seed) & 0xFFFFFFFFFFFFFFFF
    return mmh3.hash(word.encode("utf-8", "surrogatepass"), seed & 0xFFFFFFFF, signed=False)


def _value(word: str, line: str) -> float:
    try:
        return float(np.float32(word))
    except ValueError:
        raise ValueError(f"the value {word!r:.40} of {line!r:.80} is not a number") from None


def sniff(head: bytes) -> bool:
    """Whether a file begins as VW's text models do."""
    return re.match(rb"Version [0-9][0-9.]*\r?\nId ", head) is not None


def read_vw(path: Path, names: Path | None = None) -> LinearModel:
    """A text model's LinearModel. Raises ModelImportError with the line, the value and the reason."""
    if names is not None:
        raise ModelImportError("names come from --invert_hash, not from a file of names")
    header: dict[str, str] = {}
    weights: dict[int, float] = {}
    words: dict[int, str] = {}
    head, number = True, 0
    for first, text in blocks(path):
        for number, line in enumerate(text.split("\n")[:-1], first):
            if head:
                if number > MOST_HEADER:
                    raise ModelImportError(f"no line ':0' or ':1' ends the header in {MOST_HEADER} lines")
                head = _FLAG.match(line) is None
                _header_line(line, header)
                continue
            if not line.strip() or (not weights and _STATE.match(line)):
                continue
            found = _WEIGHT.match(line)
            if found is None:
                raise ModelImportError(f"line {number}: {show(line)} is not 'name:number:weight' or 'number:weight'")
            at = int(found[2])
            if at in weights:
                raise ModelImportError(f"line {number}: the weight {at} stands twice")
            weights[at] = _weight(found[3], number)
            if found[1] is not None:
                words[at] = found[1]
    if head:
        raise ModelImportError(f"the header has no end in {number} lines: the file is cut off")
    return _model(header, weights, words)


def _header_line(line: str, header: dict[str, str]) -> None:
    key, mark, value = line.partition(":")
    if mark:
        header[key] = value.strip()
        kind = key.rpartition(" ")[2]
        if kind in ("ngram", "skip") and value.strip():
            header["combined"] = f"--{kind} {value.strip()}"


def _weight(word: str, number: int) -> float:
    try:
        value = float(word) if "_" not in word else np.nan
    except ValueError:
        value = np.nan
    if not abs(value) <= LARGEST:
        raise ModelImportError(f"line {number}: the weight {show(word)} is not a finite number up to {LARGEST:g}")
    return value


def _model(header: Mapping[str, str], weights: dict[int, float], words: dict[int, str]) -> LinearModel:
    options = _options(header)
    combined = " ".join([*(f"{name} {options[name]}".strip() for name in COMBINED if name in options),
                         *([header["combined"]] if "combined" in header else [])])  # fmt: skip
    bits, low, high = _integer(header, "bits", 1, 61), _float(header, "Min label"), _float(header, "Max label")
    logistic = high == 50 and low == -50
    task, sign, link = "binary", 1.0, "sigmoid" if logistic else "identity"
    classes: npt.NDArray[Any] = np.array([-1, 1], np.int64)
    count = 1
    if "--oaa" in options or "--csoaa" in options:
        name = "--oaa" if "--oaa" in options else "--csoaa"
        if not options[name].isdecimal() or not 2 <= int(options[name][:9]) <= MOST_CLASSES:
            raise ModelImportError(f"{name} {show(options[name])} is not a number of classes in 2..{MOST_CLASSES}")
        count, task = int(options[name]), "multiclass"
        sign = 1.0 if name == "--oaa" else -1.0  # the lowest cost wins
        link = "ovr" if logistic and name == "--oaa" else "identity"
        classes = _labels(options, count)
    elif not (logistic or (low, high) == (-1, 1) or "--binary" in options):
        raise ModelImportError(f"labels from {low:g} to {high:g}, and no --binary, --oaa or --csoaa: "
                               "a regression has no labels to decide between")  # fmt: skip
    shift = (count - 1).bit_length()
    if shift >= bits:
        raise ModelImportError(f"{bits} bits have no room for {count} classes")
    own = {"--hash", "--hash_seed"} & set(options)
    kind, seed = options.get("--hash", "strings"), options.get("--hash_seed", "0")
    if kind not in ("strings", "all") or not seed.isdecimal():
        raise ModelImportError(f"--hash {show(kind)} is not strings or all, or --hash_seed {show(seed)} not a number")
    mask = (1 << shift) - 1
    wrong = next((at for at in weights if at >> bits or (at & mask) >= count), None)
    if wrong is not None:
        raise ModelImportError(
            f"the weight {wrong} is beyond the {bits} bits, or its class {wrong & mask} beyond {count}"
        )
    base = CONSTANT & ((1 << (bits - shift)) - 1)
    constant = np.zeros(count)
    unnamed = len(weights) - len(words)
    named = bool(words) and not unnamed
    rows: dict[str, dict[int, float]] = {}
    for at, weight in weights.items():
        place, column = at >> shift, at & mask
        if place == base and "--noconstant" not in options:
            constant[column] = weight
            if named and _stem(words[at], column, at) == "Constant":
                continue
        key = _stem(words[at], column, at) if named else str(place)
        row = rows.setdefault(key, {})
        if column in row:
            raise ModelImportError(f"feature {show(key)} stands at two numbers, {at} one of them")
        row[column] = weight
    if combined and not named:
        raise ModelImportError(f"{clean(combined)[:200]}: such features are read by their names alone: from --invert_hash, "
                               f"all of whose weights have one ({unnamed:,} of {len(weights):,} have none)")  # fmt: skip
    call = "features(line)"
    remark = (
        f"pass features as a mapping, as nlucompress.importers.vowpal_wabbit.{call} makes it from a line of VW's input"
    )
    if not named:
        told = [f"bits={bits - shift}", *(f"{name[2:]}={options[name]!r}" if name == "--hash" else f"{name[2:]}={seed}"
                                          for name in sorted(own))]  # fmt: skip
        remark = remark.replace(call, f"features(line, {', '.join(told)})")
        share = f"{unnamed:,} of {len(weights):,} weights ({unnamed / max(len(weights), 1):.1%}) have no name"
        remark = f"{share}: features are hashes; {remark}"
    else:
        if combined:
            remark = f"pass features as a mapping, by the names that VW prints, those of {clean(combined)[:200]} too"
        remark += (f"; a feature that VW does not print counts nothing here, and in VW meets another's weight with "
                   f"probability {len(rows) / 2 ** (bits - shift):.2%}: --readable_model keeps that")  # fmt: skip
    filled = [(i, column, sign * weight) for i, row in enumerate(rows.values())
              for column, weight in sorted(row.items()) if weight]  # fmt: skip
    lengths = np.bincount(np.array([i for i, _, _ in filled], np.int64), minlength=len(rows))
    table = SparseRows(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.array([k for _, k, _ in filled], np.int32),
        np.array([weight for _, _, weight in filled], np.float64), (len(rows), count),
    )  # fmt: skip
    source = {"format": f"Vowpal Wabbit {header.get('Version', '')}".strip(), "remark": remark}
    return LinearModel((Namespace("features", "dict"),), (list(rows),), table, sign * constant + 0.0, classes, task, link,
                       source=source)  # fmt: skip


def _stem(name: str, column: int, at: int) -> str:
    """A weight's name without its class, which VW writes behind the name but for the first."""
    if not column:
        return name
    stem = name.removesuffix(f"[{column}]")
    if stem == name:
        raise ModelImportError(f"the weight {at} is of class {column}, its name {show(name)} is not")
    return stem


def _options(header: Mapping[str, str]) -> dict[str, str]:
    """The options line as name: value; what is not understood is refused."""
    out: dict[str, str] = {}
    words = header.get("options", "").split()
    while words:
        name, _, value = words.pop(0).partition("=")
        takes = HARMLESS.get(name, COMBINED.get(name))
        if takes is None:
            raise ModelImportError(f"options: {show(name)} makes a model that is not read here: linear ones with --oaa, "
                                   "--csoaa or --binary are")  # fmt: skip
        if takes and not value:
            if not words:
                raise ModelImportError(f"options: {name} lacks its value")
            value = words.pop(0)
        out[name] = f"{out[name]} {value}" if name in out else value
    return out


def _labels(options: Mapping[str, str], count: int) -> npt.NDArray[Any]:
    if "--named_labels" not in options:
        return np.arange(1, count + 1, dtype=np.int64)
    names = options["--named_labels"].split(",")
    if len(names) != count or len(set(names)) != count:
        raise ModelImportError(f"--named_labels has {len(names)} names, {len(set(names))} distinct, of {count} classes")
    return np.array(names)


def _integer(header: Mapping[str, str], name: str, least: int, most: int) -> int:
    word = header.get(name, "")
    if not _DIGITS.fullmatch(word[:9]) or len(word) > 9 or not least <= int(word) <= most:
        raise ModelImportError(f"{name} {show(word)} is not an integer in {least}..{most}")
    return int(word)


def _float(header: Mapping[str, str], name: str) -> float:
    try:
        return float(header.get(name, ""))
    except ValueError:
        raise ModelImportError(f"{name} {show(header.get(name, ''))} is not a number") from None


FORMAT = Format(
    "vowpal-wabbit",
    "Vowpal Wabbit's --invert_hash and --readable_model: binary, --oaa, --csoaa",
    "labels and scores of lines through vowpal_wabbit.features; hashes are VW's own, weights have its text's six digits",
    "by names an unseen feature counts nothing; -q, --ngram need all names; regression, --nn, --lrq … are refused",
    sniff=sniff,
    read=read_vw,
)
