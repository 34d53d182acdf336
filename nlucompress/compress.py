"""The only file that composes the stages: a trained model in, one compressed file out. Read it top to bottom."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import fileformat, modelfile
from .errors import BuildError, FormatError
from .importers import import_model
from .index import build, check_values
from .linear import LinearModel, Namespace, SparseRows
from .quantize import Codebook, Quantized, Range, quantize, real, whole
from .rows import Table, coders, encode_rows
from .rows.bits import pack
from .runtime import Model, Opened, opened_as
from .tagger import Tagger
from .template import Template, as_template
from .version import VERSION

Layout = Literal["auto", "fast", "small"]
Norm = Literal["exact", "mean"]
Progress = Callable[[str], object]
MAX_IDF_BITS = 24


@dataclass(frozen=True, eq=False)
class Compressed:
    """A compressed model, not yet on disk. source: what it was made of; data: the file; report: what quantizing cost.

    coding: which row coder was ``chosen``, because its ``bytes`` are the least: of each coder that the layout allows, with
    the idf numbers. Of coded rows also how many of the distinct rows (``entries``) are written as ``gaps``, as ``runs`` and
    ``packed``; ``smallest_bytes`` (each in its smallest form) and ``bytes_for_speed`` (what faster forms add), by estimate;
    and ``nanoseconds_smallest`` and ``nanoseconds`` (the row of an n-gram of training, on average, in smallest forms and as
    written, on a machine of 2025, about). The file does not keep it.
    """

    source: LinearModel
    quantized: Quantized
    kept: npt.NDArray[np.bool_]  # (n_features,): which features the index holds
    data: bytes
    coding: Mapping[str, Any] = field(default_factory=dict)

    @property
    def report(self) -> dict[str, float]:
        """What quantization cost: see Quantized."""
        return self.quantized.report

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the file, whole or not at all. Raises FileExistsError if it is there and overwrite is False."""
        fileformat.save(self.data, path, overwrite)

    def model(self) -> Model:
        """The runtime of this file, without a detour over the disk. ValueError of a tagging model: see ``tagger``."""
        return Model(self.data)

    def tagger(self) -> Tagger:
        """The runtime of this file, if it is a tagging model; else ValueError."""
        return Tagger(self.data)

    def info(self) -> dict[str, Any]:
        """Sizes by section and more: see Model.info."""
        opened: Opened = opened_as(self.data)
        return opened.info()

    def dequantized(self) -> LinearModel:
        """The source with its weights (and idf and transitions, as float32) replaced by the file's, in the source's order.

        A scikit-learn pipeline whose ``coef_`` is ``dequantized().coefficients().T`` (and whose ``idf_`` is
        ``dequantized().idf``) is the dequantized clone, whose answers the file's are to equal.
        """
        idf = None if self.source.idf is None else self.source.idf.astype(np.float32).astype(np.float64)
        moves = self.source.transitions
        moves = None if moves is None else moves.astype(np.float32).astype(np.float64)
        return dataclasses.replace(self.source, weights=self.quantized.weights(), idf=idf, transitions=moves)


def compress(
    source: Any,
    *,
    buckets: int = 256,
    range: Range = "model",
    codebook: Codebook = "even",
    prune: float = 0.0,
    check_bits: int = 8,
    gamma: float = 1.0,
    layout: Layout = "auto",
    norm: Norm = "exact",
    template: Template | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Compressed:
    """Compress a trained linear model.

    source: a fitted scikit-learn estimator (mostly a Pipeline), a LinearModel, or the path of a .joblib, .pkl or .skops.
    buckets: distinct weights, 2..256. range: "model" one range of weights for all, "class" a scale a class.
    codebook: "even" multiples of one step, "kmeans" values fitted to the weights (better below 64 buckets, with prune).
    prune: 0 ≤ prune < 1; weights below this part of the largest one of their range count as zero.
    check_bits: 0..32; an n-gram that is not a feature passes for one with probability 2^-check_bits.
    gamma: bits of the index for each feature, ≥ 1: 1 is the smallest (2.9 bits a feature), 2 the faster (3.5 bits).
    layout: "fast" (distinct rows as they are), "small" (entropy coded), "auto" (the smaller of the two).
    norm: "exact" keeps every feature that a norm counts; "mean" only those with a weight, and lets each other n-gram
    count as one constant. template: of a tagging model, what makes the features of plain tokens, which its tagger then
    takes: a Template, a description, or the path of a JSON file. progress: is called with the name of each stage as it
    begins.

    Raises ModelImportError (source), BuildError (options, features), TemplateError (template).

    >>> import nlucompress
    >>> from nlucompress.linear import LinearModel, Namespace
    >>> model = LinearModel((Namespace("words"),), (("play", "stop"),), np.array([[2.0], [-2.0]]), np.zeros(1),
    ...                     np.array(["no", "yes"]), task="binary", link="sigmoid")
    >>> compressed = nlucompress.compress(model, check_bits=16)
    >>> compressed.model().predict(["play it", "stop it"]).tolist()
    ['yes', 'no']
    """
    buckets, check_bits = whole("buckets", buckets), whole("check_bits", check_bits)
    prune, gamma = real("prune", prune), real("gamma", gamma)
    if not 0 <= check_bits <= 32:
        raise BuildError(f"check_bits: {check_bits} is not in 0..32")
    if norm not in ("exact", "mean"):
        raise BuildError(f"norm: {norm!r} is not 'exact' or 'mean'")
    coders(layout)
    begin = progress or (lambda stage: None)

    begin("reading")
    model = import_model(source)
    if template is not None:
        model = dataclasses.replace(model, template=as_template(template))

    begin("quantizing")
    quantized = quantize(model, buckets, range, codebook, prune)

    options = {"buckets": buckets, "range": range, "codebook": codebook, "prune": prune, "check_bits": check_bits,
               "gamma": gamma, "layout": layout, "norm": norm}  # fmt: skip
    facts = describe(model, model.fingerprint(), quantized.report, options)
    return assemble(model, quantized, check_bits, gamma, layout, norm, facts, begin)


def describe(model: LinearModel, fingerprint: str, report: Mapping[str, float], options: Mapping[str, Any]
             ) -> dict[str, Any]:  # fmt: skip
    """What a file tells people of its making: no time, no place, so that the same model and options give the same bytes."""
    usual = {"codebook": "even", "prune": 0.0} if options["codebook"] == "even" and not options["prune"] else {}
    return {
        "writer": f"nlucompress {VERSION}",
        "source": dict(model.source),
        "fingerprint": fingerprint,
        "options": {name: float(value) if name in ("prune", "gamma") else value
                    for name, value in options.items() if name not in usual},
        "quantization": {name: _rounded(value) for name, value in report.items()},
        "features_source": model.n_features,
    }  # fmt: skip


def assemble(model: LinearModel, quantized: Quantized, check_bits: int, gamma: float, layout: Layout, norm: Norm,
             facts: Mapping[str, Any], begin: Progress) -> Compressed:  # fmt: skip
    """What follows quantizing: index, rows, file. The options are compress's; facts: what the file tells people."""
    begin("indexing")
    kept, namespaces = _kept(model, quantized.codes, norm)
    index, slots, hashes = build(_names(model, kept), gamma)
    order = np.empty(index.n, np.int64)
    order[slots] = np.flatnonzero(kept)

    begin("coding rows")
    zero = int(np.flatnonzero(quantized.codebook == 0)[0])
    idf, numbers, idf_bits = _idf(model, order)
    coder, rows, sizes = encode_rows(Table(quantized.codes.take(order), numbers, idf_bits, zero, idf), layout)
    if check_bits + rows.bits > modelfile.MOST_RECORD_BITS:
        raise BuildError(
            f"check_bits: {check_bits}, besides {rows.bits} bits for a row's number ({coder!r} rows of {index.n} "
            f"features): the limit is {modelfile.MOST_RECORD_BITS} in all; layout='small' needs no number"
        )
    records = np.empty(index.n, np.uint64)
    records[slots] = check_values(hashes, check_bits)
    records |= rows.numbers << np.uint64(check_bits)

    begin("writing")
    data = modelfile.write(modelfile.ModelFile(
        namespaces, model.steps, model.classes, model.task, model.link, model.intercept, model.calibration, model.baseline,
        index.n, index.levels, index.seeds, index.blocks, check_bits, idf_bits, pack(records, check_bits + rows.bits), idf,
        quantized.codebook, quantized.scale, coder, rows.parameters, rows.sections,
        facts, None if model.transitions is None else model.transitions.astype(np.float32), model.template, index.shards,
    ))  # fmt: skip
    try:
        modelfile.read(fileformat.decode(data))  # what is written can be read: the file's limits are the model's
    except FormatError as error:
        raise BuildError(f"the file format has no room for this model: {error}") from None
    return Compressed(model, quantized, kept, data, {"chosen": coder, "bytes": sizes, **rows.notes})


def _kept(model: LinearModel, codes: SparseRows, norm: Norm) -> tuple[npt.NDArray[np.bool_], tuple[Namespace, ...]]:
    """Which features the index must hold: (n_features,) bool; and the namespaces, with the idf of all that it does not.

    A feature is held if it has a row, if the baseline of naive Bayes counts it, or if a norm tells it from an n-gram
    that is no feature. In the mean norm that is no n-gram's privilege: all without a row count alike.
    """
    has_row = np.diff(codes.indptr) > 0
    if model.baseline is not None:
        return np.ones(model.n_features, bool), model.namespaces
    kept, namespaces = has_row.copy(), []
    normed = {number for step in model.steps if step.op == "norm" for number in step.namespaces}
    start = 0
    for number, (namespace, names) in enumerate(zip(model.namespaces, model.features, strict=True)):
        part = slice(start, start + len(names))
        start += len(names)
        if number in normed:
            idf = np.ones(len(names)) if model.idf is None else model.idf[part]
            if norm == "mean" and not namespace.unseen:
                namespace = dataclasses.replace(namespace, unseen=_unseen_idf(idf, ~has_row[part]))
            else:
                kept[part] |= idf.astype(np.float32) != np.float32(namespace.unseen)
        namespaces.append(namespace)
    return kept, tuple(namespaces)


def _unseen_idf(idf: npt.NDArray[np.float64], dropped: npt.NDArray[np.bool_]) -> float:
    """The constant of the mean norm: what the square of an n-gram that is not found is worth, on average; its root.

    Not found are the dropped features, each as often as its document frequency says, and n-grams that training never saw,
    which count nothing in the exact norm: as often as there are features of document frequency 1 (Good: The population
    frequencies of species, Biometrika 1953). scikit-learn's smooth idf is ln((1 + n) / (1 + df)) + 1, so with df = 1 for
    the rarest feature the others have df = 2·exp(largest idf - idf) - 1.
    """
    if not dropped.any():
        return 0.0
    frequency = 2 * np.exp(idf.max() - idf) - 1
    never = int((frequency < 1 + 1e-9).sum())
    gone = frequency[dropped]
    mean = math.fsum((gone * idf[dropped] ** 2).tolist()) / (math.fsum(gone.tolist()) + never)
    return float(np.float32(math.sqrt(mean)))


def _names(model: LinearModel, kept: npt.NDArray[np.bool_]) -> list[list[str]]:
    out, start = [], 0
    for names in model.features:
        out.append([names[i] for i in np.flatnonzero(kept[start : start + len(names)]).tolist()])
        start += len(names)
    return out


def _idf(model: LinearModel, order: npt.NDArray[np.int64]
         ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], int]:  # fmt: skip
    """The distinct idf values, each slot's number among them, and the bits that such a number takes."""
    if model.idf is None or not len(order):
        return np.empty(0, np.float32), np.zeros(len(order), np.int64), 0
    values, numbers = np.unique(model.idf[order].astype(np.float32), return_inverse=True)
    bits = (len(values) - 1).bit_length()
    if bits > MAX_IDF_BITS:
        raise BuildError(f"{len(values)} distinct idf values, the limit is {1 << MAX_IDF_BITS}")
    return values, numbers.astype(np.int64), bits


def _rounded(value: float) -> float | int:
    """Six digits: sums of floats differ in the last ones from machine to machine, and a file must not."""
    return value if isinstance(value, int) else float(f"{float(value):.6g}")
