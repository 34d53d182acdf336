"""What compression changed: the source and its file on the same samples.

Three answers to each sample stand side by side: the source's own (unquantized, by feature names), the dequantized
clone's (quantized weights, by feature names) and the file's. Source against clone is what quantizing did, clone against
file what unknown n-grams that passed the check bits did. What cannot have changed is proven: see certificate.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .certificate import CERTAIN, UNLESS, Certifier, Proofs, joined
from .compress import Compressed, compress
from .errors import BuildError
from .linear import Floats, LinearModel
from .measure import RESAMPLES, Answers, answers, differ, intervals, predicted
from .measure import compare as outcome
from .quantize import CHUNK
from .reference import NameTable, Ngrams, batches, exact
from .runtime import Model
from .stats import calibration, wilson

FLIPS = 200  # texts that flipped, at most, in a comparison
CONFUSIONS = 50  # pairs of labels whose confusion changed, at most
STRANGERS = 1_000_000  # distinct n-grams of texts that the index does not hold, remembered in a namespace
MADE_UP = 100_000  # n-grams that no text has, looked up
BARS = 160  # of the histogram of weights


Facts = dict[str, Any]


def compare(
    source: LinearModel,
    model: Model,
    samples: Sequence[Any],
    gold: Sequence[Any] | None = None,
    progress: Callable[[int], object] | None = None,
    seed: int = 0,
) -> Facts:
    """Answers of a source and of the file made from it, on samples; a dictionary that JSON can hold.

    gold: the right label of each sample (a list of labels, if the model is multilabel), or None. progress: is called
    with the number of samples done. seed: of the bootstrap and of the made-up n-grams.

    Raises ValueError if the two decide among other labels, if no label of gold is a class, or if the file does not say
    with which options it was made. The keys:

    * ``same_source``: whether the file says it was made from this very model; ``samples``: how many.
    * with gold ``accuracy_before``, ``accuracy_after`` (the share of samples whose label, or whole set of labels, is
      right), ``accuracy_interval_before``, ``accuracy_interval_after`` (95 %, Wilson), ``accuracy_difference_interval``
      (95 %, paired bootstrap: see measure.py), ``right_to_wrong``, ``wrong_to_right`` (samples); ``macro_f1_before``,
      ``macro_f1_after``, ``macro_f1_difference_interval``.
    * ``flips``, ``flip_share``, ``flip_interval``: another label than the source's. ``flip_examples``: at most 200 of
      them, those first whose label the source was surest of; each with the scores of the labels before and after.
    * ``largest_score_difference``; if there are probabilities, ``probabilities``: ``largest_difference`` of any, and
      ``mean_difference``, the mean over samples of their largest; with gold also ``calibration_error_before`` and
      ``_after``, and ``bins_before``, ``bins_after`` of (confidence, accuracy, samples).
    * ``clone_flips`` and ``clone_largest_difference`` (against the dequantized clone, in the exact norm).
    * ``certificate``: samples whose label is ``certain``, certain ``unless`` an unknown n-gram passes, merely ``equal``, or
      ``changed``, by each proof; or None, with ``certificate_reason``.
    * ``lookups`` (distinct n-grams of each sample) and ``false_positives`` among them: found, though not in the index.
      ``strangers``: distinct n-grams that the index does not hold, ``of_texts`` and ``made_up``, and how many it found.
    * with gold ``confusions`` (pairs of right and wrongly predicted label whose number changed) and ``classes`` (of each
      label its samples, predictions, and precision, recall, F1 before and after).
    * ``weights``: histogram of the source's, and the buckets.
    """
    if source.task == "tagging":
        raise ValueError("the source is a tagging model, the file is none (verify_tags.compare_tags compares two)")
    if source.task != model.task or source.classes.tolist() != model.classes_.tolist():
        raise ValueError(f"the source decides among {len(source.classes)} labels ({source.task}), the file among "
                         f"{len(model.classes_)} ({model.task}), and they are not the same")  # fmt: skip
    facts = model.info()
    if len(facts["namespaces"]) != len(source.namespaces):
        raise ValueError(f"the source has {len(source.namespaces)} namespaces, the file {len(facts['namespaces'])}: "
                         "it was not made from this source")  # fmt: skip
    again = _again(source, facts)
    found = _Comparison(source, model, again, gold, len(samples))
    for first, batch in batches(samples):
        found.add(first, batch)
        if progress is not None:
            progress(first + len(batch))
    report: Facts = {"same_source": facts.get("fingerprint") == source.fingerprint(), "samples": len(samples)}
    report |= found.labels(seed)
    if facts.get("options", {}).get("norm") == "exact":
        report |= {"clone_flips": found.clone_flips, "clone_largest_difference": found.clone_largest}
    report |= found.certificate() | found.false_positives(seed)
    if gold is not None:
        report |= {"confusions": found.confusions(), "classes": found.classes()}
    return report | {"weights": _histogram(source, again), "flip_examples": found.examples()}


def _again(source: LinearModel, facts: Mapping[str, Any]) -> Compressed:
    """The source, compressed as the file says that it was; the layout of rows changes no answer: the quickest to write."""
    known = set(inspect.signature(compress).parameters) - {"source", "layout", "progress"}
    try:
        options = {name: value for name, value in facts["options"].items() if name in known}
        missing = {"buckets", "range", "check_bits", "gamma", "norm"} - set(options)
        if missing:
            raise BuildError(f"{', '.join(sorted(missing))} missing")
        return compress(source, **options, layout="plain")  # type: ignore[arg-type]
    except (KeyError, TypeError, AttributeError, BuildError) as error:  # facts are words: a file may say anything there
        raise ValueError(f"the file does not say with which options it was made: {error}") from None


class _Comparison:
    """What the source, the clone and the file say of each sample."""

    def __init__(
        self, source: LinearModel, model: Model, again: Compressed, gold: Sequence[Any] | None, n: int
    ) -> None:
        self._source, self._model, self._again = source, model, again
        self._certifier, self._no_certificate = _certifier(source, model, again)
        self._before, self._clone = exact(source), exact(again.dequantized())
        self._names = self._before.table
        assert isinstance(self._names, NameTable)
        self._gold = None if gold is None else _encoded(gold, model)
        self._several = source.task == "multilabel"
        self._words = gold
        self._n = n
        shape = (2, n, len(source.classes) + 1) if self._several else (2, n)
        self._labels: Answers = np.zeros(shape, bool if self._several else np.int64)  # before, after
        self._confidence = np.zeros((2, n))
        self._gap, self._largest, self._gaps, self._largest_gap = 0.0, 0.0, np.zeros(n), 0.0
        self.clone_flips, self.clone_largest = 0, 0.0
        self._proofs: list[Proofs] = []
        self._examples: list[tuple[float, Facts]] = []
        self._lookups, self._wrong = 0, 0
        self._strangers: list[dict[str, bool]] = [{} for _ in source.namespaces]

    def add(self, first: int, batch: list[Any]) -> None:
        """Ask all three about a batch."""
        ngrams = self._before.ngrams(batch, first)
        old, cloned = (
            self._squeezed(scorer.score(ngrams, len(batch), first)) for scorer in (self._before, self._clone)
        )
        new = self._model.decision_function(batch)
        at = slice(first, first + len(batch))
        self._labels[0, at] = before = self._numbers(self._before.decide(old))
        self._labels[1, at] = after = self._numbers(self._model.decide(new))
        self._largest = max(self._largest, float(np.abs(old - new).max(initial=0)))
        self.clone_largest = max(self.clone_largest, float(np.abs(cloned - new).max(initial=0)))
        self.clone_flips += int(differ(self._numbers(self._clone.decide(cloned)), after).sum())
        if self._source.link != "identity":
            probabilities = self._before.probabilities(old), self._model.probabilities(new)
            self._gaps[at] = np.abs(probabilities[0] - probabilities[1]).max(axis=1)
            for side in (0, 1):
                self._confidence[side, at] = probabilities[side].max(axis=1)
        passing = np.zeros(len(batch), np.int64)
        if self._certifier is not None:
            self._proofs.append(self._certifier.proofs(ngrams, len(batch)))
            passing = self._proofs[-1].passing
        for i in np.flatnonzero(differ(before, after)).tolist():
            self._example(first + i, batch[i], old[i], new[i], int(passing[i]))
        self._count_lookups(ngrams)

    def labels(self, seed: int) -> Facts:
        """Accuracy, flips, differences of scores and probabilities."""
        n, before, after = self._n, self._labels[0], self._labels[1]
        flips = int(self._flipped().sum())
        out: Facts = {}
        if self._gold is not None and n:
            right = self._right()
            total = outcome(before, after, self._gold, len(self._source.classes))
            ends = intervals(before, after, self._gold, len(self._source.classes), seed, ("accuracy", "macro-f1"))
            for name, pair, losses in (("accuracy", total.accuracy, ends["accuracy"]),
                                       ("macro_f1", total.macro_f1, ends["macro-f1"])):  # fmt: skip
                assert pair is not None
                out |= {f"{name}_before": pair[0], f"{name}_after": pair[1],
                        f"{name}_difference_interval": [0.0 - losses[1] / 100, 0.0 - losses[0] / 100]}  # fmt: skip
            out |= {
                "accuracy_interval_before": list(wilson(int(right[0].sum()), n)),
                "accuracy_interval_after": list(wilson(int(right[1].sum()), n)),
                "right_to_wrong": int((right[0] & ~right[1]).sum()), "wrong_to_right": int((right[1] & ~right[0]).sum()),
                "seed": seed, "resamples": RESAMPLES,
            }  # fmt: skip
        out |= {"flips": flips, "flip_share": flips / max(n, 1), "flip_interval": list(wilson(flips, n)),
                "largest_score_difference": self._largest}  # fmt: skip
        if self._source.link != "identity":
            out["probabilities"] = {"largest_difference": float(self._gaps.max(initial=0)),
                                    "mean_difference": float(self._gaps.mean()) if n else 0.0}  # fmt: skip
            if self._gold is not None and self._source.task != "multilabel":
                for name, side in (("before", 0), ("after", 1)):
                    found = calibration(self._confidence[side], self._right()[side])
                    bins = list(map(list, zip(*(part.tolist() for part in (found.confidence, found.accuracy, found.count)),
                                              strict=True)))  # fmt: skip
                    out["probabilities"] |= {f"calibration_error_{name}": float(found.error), f"bins_{name}": bins}
        return out

    def certificate(self) -> Facts:
        """How many labels each proof covers. Raises RuntimeError if a label flipped that was proven to stand."""
        if self._certifier is None:
            return {"certificate": None, "certificate_reason": self._no_certificate}
        proofs, changed = joined(self._proofs), self._flipped()
        if not self._proofs:
            return {"certificate": None, "certificate_reason": "there are no samples"}
        found: Facts = {}
        for name in ("errors", "difference", "largest"):
            levels = getattr(proofs, name)
            if levels is None:
                continue
            wrong = changed & ((levels == CERTAIN) | ((levels == UNLESS) & (proofs.passing == 0)))
            if wrong.any():
                raise RuntimeError(f"sample {int(wrong.argmax())}: its label flipped, though it was proven to stand "
                                   f"(by {name}): please report this")  # fmt: skip
            unless = (levels == UNLESS) & ~changed
            found[name] = {
                "certain": int((levels == CERTAIN).sum()), "unless": int(unless.sum()),
                "equal": int(((levels < UNLESS) & ~changed).sum()), "changed": int(changed.sum()),
                "unless_passing": int((unless & (proofs.passing > 0)).sum()),
            }  # fmt: skip
        found |= {"unknown_ngrams": int(proofs.unknown.sum()), "samples_with_unknown": int((proofs.unknown > 0).sum()),
                  "samples_with_passing": int((proofs.passing > 0).sum())}  # fmt: skip
        return {"certificate": found}

    def false_positives(self, seed: int) -> Facts:
        """How often the index finds what it does not hold."""
        bits = self._model.info()["check_bits"]
        of_texts = [name for names in self._strangers for name in names.values()]
        made_up = np.concatenate([self._made_up(number, seed) for number in range(len(self._strangers))])
        tests = {}
        for name, found in (("of_texts", np.array(of_texts, bool)), ("made_up", made_up)):
            hits = int(found.sum())
            tests[name] = {"tested": len(found), "found": hits, "share": hits / max(len(found), 1),
                           "interval": list(wilson(hits, len(found)))}  # fmt: skip
        return {
            "lookups": self._lookups, "false_positives": self._wrong,
            "false_positive_share": self._wrong / max(self._lookups, 1), "strangers": {**tests, "expected": 2.0**-bits},
        }  # fmt: skip

    def confusions(self) -> list[Facts]:
        """Wrong pairs of right and predicted label, those first whose number changed most; not of a multilabel model."""
        if self._several or self._gold is None:
            return []
        names = _names(self._model)
        counts: dict[tuple[int, int], list[int]] = {}
        for side in (0, 1):
            for pair in zip(self._gold.tolist(), self._labels[side].tolist(), strict=True):
                counts.setdefault(pair, [0, 0])[side] += 1
        changed = sorted(((pair, n) for pair, n in counts.items() if n[0] != n[1] and pair[0] != pair[1]),
                         key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))  # fmt: skip
        return [{"label": names[right] if right >= 0 else None, "predicted": names[said], "before": n[0], "after": n[1]}
                for (right, said), n in changed[:CONFUSIONS]]  # fmt: skip

    def classes(self) -> list[Facts]:
        """Each class: its samples, predictions, and precision, recall and F1 (0 where undefined) before and after."""
        assert self._gold is not None
        out = []
        members = [self._indicators(self._gold), *(self._indicators(self._labels[side]) for side in (0, 1))]
        support, *predicted = (member.sum(axis=0) for member in members)
        hits = [(members[0] & member).sum(axis=0) for member in members[1:]]
        for k, label in enumerate(_names(self._model)):
            one: Facts = {"label": label, "samples": int(support[k])}
            for name, said, hit in (("before", predicted[0][k], hits[0][k]), ("after", predicted[1][k], hits[1][k])):
                one |= {f"predicted_{name}": int(said), f"right_{name}": int(hit),
                        f"precision_{name}": float(hit / max(said, 1)), f"recall_{name}": float(hit / max(support[k], 1)),
                        f"f1_{name}": float(2 * hit / max(said + support[k], 1))}  # fmt: skip
            out.append(one)
        return out

    def examples(self) -> list[Facts]:
        """Samples that flipped, those first whose label the source was surest of."""
        return [
            example for _, example in sorted(self._examples, key=lambda pair: (-pair[0], pair[1]["number"]))[:FLIPS]
        ]

    def _example(self, number: int, sample: Any, old: Any, new: Any, passing: int) -> None:
        before, after = self._labels[:, number].tolist()
        names = _names(self._model)
        if self._source.task == "multiclass":
            concerned = {before: names[before], after: names[after]}
            lead = float(old[before] - old[after])
        elif self._source.task == "binary":
            concerned, old, new = {0: names[1]}, [old], [new]
            lead = abs(float(old[0]))
        else:
            concerned = {k: names[k] for k in range(len(names)) if before[k] != after[k]}
            lead = max(abs(float(old[k])) for k in concerned)
        self._examples.append((lead, {
            "number": number, "sample": sample, "before": self._named(before), "after": self._named(after),
            **({"label": self._words[number]} if self._words is not None else {}),
            "scores": [{"label": label, "before": float(old[k]), "after": float(new[k])} for k, label in concerned.items()],
            "passing": passing,
        }))  # fmt: skip
        if len(self._examples) > 8 * FLIPS:
            self._examples = sorted(self._examples, key=lambda pair: (-pair[0], pair[1]["number"]))[:FLIPS]

    def _count_lookups(self, ngrams: list[Ngrams]) -> None:
        for number, (_, which, _, names) in enumerate(ngrams):
            if not names:
                continue
            stored = self._stored(number, names)
            found = self._model.table.find(number, names) >= 0
            self._lookups += len(which)
            self._wrong += int((found & ~stored)[which].sum())
            if len(self._strangers[number]) < STRANGERS:
                self._strangers[number] |= {names[i]: bool(found[i]) for i in np.flatnonzero(~stored).tolist()}

    def _made_up(self, number: int, seed: int) -> npt.NDArray[np.bool_]:
        """Whether the file finds n-grams of 16 random letters (of hashed ones: columns), those left out that it holds."""
        rng = np.random.default_rng([seed, number])
        count = MADE_UP // len(self._strangers)
        columns = self._source.namespaces[number].hash_columns
        if columns:
            names = list(map(str, np.unique(rng.integers(columns, size=count)).tolist()))
        else:
            letters = rng.integers(ord("a"), ord("z") + 1, (count, 16), np.uint8)
            names = letters.view("S16").ravel().astype("U16").tolist()
        strange = ~self._stored(number, names)
        return np.asarray(self._model.table.find(number, names) >= 0)[strange]

    def _stored(self, number: int, names: list[str]) -> npt.NDArray[np.bool_]:
        """Which n-grams the index holds."""
        ids = self._names.find(number, names)
        stored = ids >= 0
        stored[stored] = self._again.kept[ids[stored]]
        return stored

    def _squeezed(self, scores: Floats) -> Floats:
        return scores[:, 0] if self._source.task == "binary" else scores

    def _numbers(self, decided: npt.NDArray[Any]) -> Answers:
        return predicted(decided, self._source.classes, self._several)

    def _flipped(self) -> npt.NDArray[np.bool_]:
        return differ(self._labels[0], self._labels[1])

    def _right(self) -> npt.NDArray[np.bool_]:
        """(2, n_samples): whether the answer before, and that after, is right."""
        assert self._gold is not None
        return np.stack([~differ(side, self._gold) for side in self._labels])

    def _indicators(self, labels: Answers) -> npt.NDArray[np.bool_]:
        """(n_samples, n_classes): which labels each sample has."""
        return np.asarray(labels[:, :-1] if self._several else labels[:, None] == np.arange(len(self._source.classes)))

    def _named(self, one: Any) -> Any:
        """One prediction as plain data."""
        names = _names(self._model)
        return [name for name, on in zip(names, one, strict=False) if on] if self._several else names[one]


def _certifier(source: LinearModel, model: Model, again: Compressed) -> tuple[Certifier | None, str]:
    try:
        return Certifier(source, model, again.report["max_error"]), ""
    except ValueError as error:
        return None, str(error)


def _histogram(source: LinearModel, again: Compressed) -> Facts:
    """The source's weights that are not zero (in units of their class's scale), and the buckets that they went to.

    edges: (n_bars + 1,); counts: (n_bars,) weights between them; buckets: (n_buckets,) values; bucket_counts: (n_buckets,)
    weights that went there; dropped: weights that rounded to zero; scaled: whether there are scales.
    """
    quantized = again.quantized
    book = quantized.codebook.astype(np.float64)
    step = max(float(np.diff(book).min()) if len(book) > 1 else 1.0, 1e-300)
    edges = np.linspace(book[0] - step / 2, book[-1] + step / 2, BARS + 1)
    counts, total = np.zeros(BARS, np.int64), 0
    for start in range(0, source.n_features, CHUNK):
        chunk = source.rows(start, min(start + CHUNK, source.n_features))
        rows, columns = np.nonzero(chunk)
        weights = chunk[rows, columns]
        if quantized.scale is not None:
            weights = weights / quantized.scale[columns]
        counts += np.histogram(np.clip(weights, edges[0], edges[-1]), edges)[0]
        total += len(weights)
    in_buckets = np.bincount(quantized.codes.data, minlength=len(book))
    return {
        "edges": edges.tolist(), "counts": counts.tolist(), "buckets": book.tolist(), "bucket_counts": in_buckets.tolist(),
        "dropped": total - int(in_buckets.sum()), "scaled": quantized.scale is not None,
    }  # fmt: skip


def _names(model: Model) -> list[Any]:
    names: list[Any] = model.classes_.tolist()
    return names


def _encoded(gold: Sequence[Any], model: Model) -> Answers:
    """Right labels as numbers; see measure.answers.

    Labels of another kind than the model's (numbers in quotes, say) would give an accuracy of 0 in silence: an error.
    """
    several = model.task == "multilabel"
    right = answers(gold, model.classes_, several)
    known = right[:, :-1].any() or not right.any() if several else (right >= 0).any()
    if len(right) and not known:
        flat = [label for labels in gold for label in (labels if several else [labels])]
        raise ValueError(f"no label of the data is a class of the model: the data has {flat[0]!r:.60}, …, "
                         f"the model {_names(model)[0]!r:.60}, …")  # fmt: skip
    return right
