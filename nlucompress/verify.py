"""What compression changed: the source and its file on the same samples.

Three answers to each sample stand side by side: the source's own (unquantized, by feature names), the dequantized
clone's (quantized weights, by feature names) and the file's. Source against clone is what quantizing did, clone against
file what unknown n-grams that passed the check bits did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .compress import Compressed, compress
from .errors import BuildError
from .linear import LinearModel
from .reference import NameTable, Scorer, batches, exact
from .runtime import Model

EXAMPLES = 10


def compare(
    source: LinearModel,
    model: Model,
    samples: Sequence[Any],
    gold: Sequence[Any] | None = None,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Answers of a source and of the file made from it, on samples.

    gold: the right label of each sample (a list of labels, if the model is multilabel), or None. progress: is called
    with the number of samples done.

    Returns a dictionary: ``same_source`` (whether the file says it was made from this very model), ``samples``,
    ``accuracy_before`` and ``accuracy_after`` (with gold: the share of samples whose label, or whole set of labels, is
    right), ``flips`` and ``flip_share`` (other label than the source), ``flip_examples``,
    ``largest_score_difference``, ``clone_flips`` and ``clone_largest_difference`` (against the dequantized clone),
    ``lookups`` (distinct n-grams of each sample) and ``false_positives`` among them: found, though not in the index.
    """
    facts = model.info()
    options = {name: facts.get("options", {}).get(name) for name in ("buckets", "range", "check_bits", "gamma", "norm")}
    options |= {name: facts["options"][name] for name in ("codebook", "prune") if name in facts.get("options", {})}
    try:
        again = compress(source, **options)
    except (TypeError, BuildError) as error:  # facts are words: a file may say anything there
        raise ValueError(f"the file does not say with which options it was made: {error}") from None
    before, clone = exact(source), exact(again.dequantized())
    counts = {"lookups": 0, "false_positives": 0, "flips": 0, "clone_flips": 0, "right_before": 0, "right_after": 0}
    largest = clone_largest = 0.0
    examples: list[dict[str, Any]] = []
    clone_is_comparable = options.get("norm") == "exact"
    if gold is not None:
        _refuse_foreign_labels(gold, model)
    for first, batch in batches(samples):
        scores = [before.decision_function(batch), model.decision_function(batch), clone.decision_function(batch)]
        old, new, cloned = before.decide(scores[0]), model.decide(scores[1]), clone.decide(scores[2])
        differ = _differ(old, new)
        counts["flips"] += int(differ.sum())
        counts["clone_flips"] += int(_differ(cloned, new).sum())
        largest = max(largest, float(np.abs(scores[0] - scores[1]).max(initial=0)))
        clone_largest = max(clone_largest, float(np.abs(scores[2] - scores[1]).max(initial=0)))
        if gold is not None:
            right = _encode_gold(gold[first : first + len(batch)], model)
            counts["right_before"] += int((~_differ(old, right)).sum())
            counts["right_after"] += int((~_differ(new, right)).sum())
        for i in np.flatnonzero(differ)[: EXAMPLES - len(examples)].tolist():
            examples.append({
                "sample": batch[i], "before": _words(old[i], model), "after": _words(new[i], model),
                **({"label": gold[first + i]} if gold is not None else {}),
            })  # fmt: skip
        _count_lookups(before, source, again, model, batch, counts)
        if progress is not None:
            progress(first + len(batch))
    n = max(len(samples), 1)
    report: dict[str, Any] = {"same_source": facts.get("fingerprint") == source.fingerprint(), "samples": len(samples)}
    if gold is not None:
        report |= {"accuracy_before": counts["right_before"] / n, "accuracy_after": counts["right_after"] / n}
    report |= {"flips": counts["flips"], "flip_share": counts["flips"] / n, "largest_score_difference": largest}
    if clone_is_comparable:
        report |= {"clone_flips": counts["clone_flips"], "clone_largest_difference": clone_largest}
    return report | {
        "lookups": counts["lookups"], "false_positives": counts["false_positives"],
        "false_positive_share": counts["false_positives"] / max(counts["lookups"], 1), "flip_examples": examples,
    }  # fmt: skip


def _count_lookups(scorer: Scorer, source: LinearModel, again: Compressed, model: Model, batch: list[Any],
                   counts: dict[str, int]) -> None:  # fmt: skip
    names_table, file_table = scorer.table, model.table
    assert isinstance(names_table, NameTable)
    for namespace, (_, which, _, names) in enumerate(scorer.ngrams(batch)):
        if not names:
            continue
        ids = names_table.find(namespace, names)
        stored = (ids >= 0) & again.kept[np.maximum(ids, 0)] if source.n_features else np.zeros(len(ids), bool)
        wrong = (file_table.find(namespace, names) >= 0) & ~stored
        counts["lookups"] += len(which)
        counts["false_positives"] += int(wrong[which].sum())


def _differ(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    unequal = np.asarray(one != other, dtype=bool)
    return unequal if unequal.ndim == 1 else np.asarray(unequal.any(axis=1))


def _refuse_foreign_labels(gold: Sequence[Any], model: Model) -> None:
    """Labels of another kind than the model's (numbers in quotes, say) would give an accuracy of 0 in silence."""
    classes = set(model.classes_.tolist())
    flat = [label for labels in gold for label in (labels if isinstance(labels, list) else [labels])]
    if flat and not any(isinstance(label, (str, int, float)) and label in classes for label in flat):
        raise ValueError(f"no label of the data is a class of the model: the data has {flat[0]!r:.60}, …, "
                         f"the model {model.classes_.tolist()[0]!r:.60}, …")  # fmt: skip


def _encode_gold(gold: Sequence[Any], model: Model) -> np.ndarray[Any, Any]:
    """Right labels in the form of ``predict``: labels, or an indicator matrix."""
    classes = model.classes_.tolist()
    if model.task != "multilabel":
        return np.array(gold, dtype=object)
    numbers = {label: i for i, label in enumerate(classes)}
    out = np.zeros((len(gold), len(classes)), np.int64)
    for i, labels in enumerate(gold):
        if not isinstance(labels, list):
            raise ValueError(f"label {labels!r:.60} of sample {i}: a multilabel model's label is a list of labels")
        out[i, [numbers[label] for label in labels if label in numbers]] = 1
    return out


def _words(label: Any, model: Model) -> Any:
    """One prediction as plain data."""
    if model.task == "multilabel":
        return [name for name, on in zip(model.classes_.tolist(), label.tolist(), strict=True) if on]
    return label.item() if hasattr(label, "item") else label
