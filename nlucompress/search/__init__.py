"""The smallest file within a budget of accuracy, of flipped labels or of bytes: a walk over compress's options.

A candidate is a whole file, made in memory by the stages of compress.py and asked by the runtime: its size is exact, and
its answers are those that users get, false hits and mean norm included. The walk has two parts. A fixed grid of some 35
candidates covers the range from hardly changed to hardly any weight left. From the best of them, and from those that just
miss the budget, it goes on step by step, one option at a time, until no neighbour is left to try, or as many as allowed.

Data that was searched says nothing about the result any more: of many candidates the luckiest is taken. So the texts are
split (no text stands on both sides), one part is searched, and the chosen file alone is measured on the other, once.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compress import Compressed, compress
from ..data import field_of, read_samples
from ..errors import BudgetError
from ..importers import import_model
from ..linear import LinearModel
from ..measure import YARDSTICKS, Answers, Comparison, Yardstick, answers, compare, intervals, predicted
from ..reference import exact
from ..version import VERSION
from .budget import Budget, Candidate, Judge, front, share, size
from .trials import STATE, State, Texts, Trials, key_of
from .walk import CANDIDATES, Options, lighter, name_of, space_of, useful, walk

Data = str | os.PathLike[str] | tuple[Sequence[Any], Sequence[Any] | None]
Progress = Callable[[int, str], object]
ROWS = 16  # of a front that is printed


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult:
    """What a search found; printed, it is a table.

    chosen: the smallest candidate that holds the budget; of a target size alone, the one that costs least within it.
    Where none holds, met is False, and chosen is the closest. front: all candidates that no other one beats in bytes,
    loss and flips, by size. estimate: what the chosen file costs on the held-out texts, which were looked at this once;
    intervals: 95 %, in points, by yardstick. searched, held_out: numbers of texts; split: how they were parted.
    tried: number of candidates. compressed: the chosen file. texts: the held-out ones. remarks: what the user should know
    of the data.
    """

    budget: Budget
    chosen: Candidate
    met: bool
    front: tuple[Candidate, ...]
    estimate: Comparison
    intervals: Mapping[Yardstick, tuple[float, float]]
    searched: int
    held_out: int
    split: str
    tried: int
    compressed: Compressed
    texts: Texts
    remarks: tuple[str, ...]

    def save(self, path: str | os.PathLike[str], overwrite: bool = False, best_effort: bool = False) -> None:
        """Write the chosen file. Raises BudgetError if it does not hold the budget, unless best_effort; FileExistsError."""
        if not self.met and not best_effort:
            raise BudgetError(self.complaint())
        self.compressed.save(path, overwrite)

    def complaint(self) -> str:
        """By how much the closest candidate misses the budget."""
        one, budget = self.chosen, self.budget
        bad = " at the interval's bad end" if budget.sure else ""
        got = [f"{one.bytes:,} bytes"]
        if budget.max_loss is not None:
            usual = "" if budget.sure else f" (usual with as many flips: {one.usual_loss:.2f})"
            got.append(f"{one.bad_loss:.2f} points of {budget.yardstick} lost{bad}{usual}")
        if budget.max_flips is not None:
            got.append(f"{one.bad_flips:.2%} of labels flipped{bad}")
        return f"no candidate of {self.tried} holds {budget}; the closest has {', '.join(got)}: {one}"

    def to_dict(self) -> dict[str, Any]:
        """All of it but the file, as JSON can hold it."""
        return {
            "met": self.met,
            "budget": dataclasses.asdict(self.budget),
            "chosen": dataclasses.asdict(self.chosen),
            "front": [dataclasses.asdict(one) for one in self.front],
            "held_out": {
                **dataclasses.asdict(self.estimate),
                "loss": {name: self.estimate.loss(name) for name in self.intervals},
                "interval": {name: list(ends) for name, ends in self.intervals.items()},
            },
            "searched": self.searched, "split": self.split, "tried": self.tried, "remarks": list(self.remarks),
        }  # fmt: skip

    def __repr__(self) -> str:
        return "\n".join([self.table(), *(f"  remark: {remark}" for remark in self.remarks)])

    def table(self) -> str:
        """What was found, as text."""
        lines = [
            f"{self.chosen.bytes:,} bytes {'hold' if self.met else 'come closest to'} {self.budget}",
            f"  {self.chosen}",
            f"  searched: {self.tried:,} candidates on {self.searched:,} texts; {self.split}",
            f"  held out: {self.held_out:,} texts, which the search never saw",
        ]
        pairs = {"accuracy": self.estimate.accuracy, "macro-f1": self.estimate.macro_f1}
        for name, (low, high) in self.intervals.items():
            value, pair = self.estimate.loss(name), pairs.get(name)
            what = f"{name:<9} {pair[0]:.2%} -> {pair[1]:.2%}, loss" if pair else "labels flipped"
            unit = " points" if pair else "%"
            lines.append(f"    {what} {value:.2f}{unit} (95%: {low:.2f} to {high:.2f})")
        shown = self._shown()
        lines.append(f"  front on the searched texts, {len(shown)} of {len(self.front)} candidates")
        lines.append("           bytes    loss   usual   flips")
        lines += [f"    {'>' if one.chosen else ' '} {one.bytes:>9,}  {one.loss:>6.2f}  {one.usual_loss:>6.2f}  "
                  f"{one.flips:>6.2%}  {one}" for one in shown]  # fmt: skip
        return "\n".join(lines)

    def _shown(self) -> list[Candidate]:
        """The chosen candidate, its neighbours on the front, and some of the others, alike in number on both sides."""
        if len(self.front) <= ROWS:
            return list(self.front)
        (place,) = (i for i, one in enumerate(self.front) if one.chosen)
        near = range(max(place - 3, 0), min(place + 4, len(self.front)))
        far = np.linspace(0, len(self.front) - 1, ROWS - len(near)).round().astype(int).tolist()
        return [self.front[i] for i in sorted({*near, *far})]


def search(
    source: Any,
    data: Data,
    *,
    held_out: Data | None = None,
    max_loss: float | None = None,
    max_flips: float | str | None = None,
    target_size: int | str | None = None,
    yardstick: Yardstick | None = None,
    sure: bool = False,
    space: Mapping[str, Any] | None = None,
    seed: int = 0,
    candidates: int = CANDIDATES,
    state: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Find the smallest file of a model within a budget.

    source: as for compress. data: texts that the model was not trained on, with their labels: a JSONL file with the
    fields label and text (or features, or columns), or (samples, labels), labels None where no limit needs them.
    held_out: other such data for the estimate; without it, data is split in two halves by its labels and the seed.
    max_loss: points (hundredths) of the yardstick: "accuracy" (default), "macro-f1", or "same-label", the share of flips.
    max_flips: share of labels that may differ from the original's, 0..1, or a text such as "0.5%". target_size: bytes, or
    a text such as "200KB". At least one of the three; of several, all hold. sure: the 95 % interval's bad end must hold,
    not the estimate alone. What holds, holds on the searched texts, where a lucky candidate is held to what others with as
    many flips lose (see Judge); the estimate on the held-out texts may still be above the limit, and then a remark says so.
    space: values for options of compress that shall not be walked freely: {"check_bits": 8, "range": ["class"]}.
    candidates: at most so many are tried. seed: of the split and of the bootstrap.
    state: a file that keeps what was tried, a JSON line a candidate; a search that finds its file goes on from there.
    progress: is called with the number of candidates tried, and words.

    The same model, data, seed and budget give the same file. Raises ValueError (data, budget, state), ModelImportError
    (source), BuildError (options). A budget that cannot be met is no error: see SearchResult.met.

    >>> import nlucompress
    >>> from nlucompress.linear import LinearModel, Namespace
    >>> model = LinearModel((Namespace("words"),), (("play", "stop", "the"),), np.array([[2.0], [-2.0], [0.01]]),
    ...                     np.zeros(1), np.array(["no", "yes"]), task="binary")
    >>> texts = [f"{word} the {thing}" for word in ("play", "stop") for thing in ("song", "film", "game", "list")]
    >>> found = nlucompress.search(model, (texts, ["yes"] * 4 + ["no"] * 4), max_loss=0.5)
    >>> found.met, found.estimate.accuracy, found.searched, found.held_out
    (True, (1.0, 1.0), 4, 4)
    """
    values = space_of(space or {})
    model = import_model(source)
    if model.task == "tagging":
        raise ValueError("a tagging model cannot be searched for a budget: compress it with --buckets and --check-bits, "
                         "and let verify say what that cost")  # fmt: skip
    budget, parts, remarks = _prepare(model, data, held_out, max_loss, max_flips, target_size, yardstick, sure, seed)
    if candidates < 1:
        raise ValueError(f"candidates: {candidates} is below 1")
    scorer = exact(model)
    multilabel = model.task == "multilabel"
    texts = parts.searched
    before = predicted(scorer.predict(texts.samples), model.classes, multilabel)
    fingerprint = model.fingerprint()
    key = {"state": STATE, "version": VERSION, "source": fingerprint, "data": texts.digest(), "seed": seed}
    walked = useful(values, model)
    light = lighter(model, walked)
    seen: list[Candidate] = []
    trials = Trials(model, light, fingerprint, texts, before, budget, seed, State(state, key))

    def trial(options: Options) -> Candidate:
        seen.append(trials(options))
        if progress is not None:
            judge = Judge(budget, seen)
            best = min(seen, key=judge.rank)
            progress(len(seen), f"{best.bytes:,} bytes {'hold' if judge.holds(best) else 'come closest'}")
        return seen[-1]

    tried = walk(trial, walked, budget, candidates)
    files: dict[str, Compressed] = {}
    while True:  # the file itself, made of the whole model, has the last word
        judge = Judge(budget, tried)
        chosen = min(tried, key=judge.rank)
        if name_of(chosen.options) in files:
            break
        compressed = files[name_of(chosen.options)] = compress(model, **chosen.options)
        after = predicted(compressed.model().predict(texts.samples), model.classes, multilabel)
        tried[tried.index(chosen)] = trials.candidate(chosen.options, len(compressed.data), after)
    compressed = files[name_of(chosen.options)]
    rest = parts.held_out
    old = predicted(scorer.predict(rest.samples), model.classes, multilabel)
    new = predicted(compressed.model().predict(rest.samples), model.classes, multilabel)
    right = rest.right(model)
    estimate = compare(old, new, right, len(model.classes))
    ends = intervals(old, new, right, len(model.classes), seed)
    met = judge.holds(chosen)
    if not met and sure:
        remarks += _too_few(before, texts.right(model), budget, len(model.classes), seed)
    lost, flips = estimate.loss(budget.yardstick), estimate.flips
    if sure:
        lost, flips = ends[budget.yardstick][1], ends["same-label"][1] / 100
    if met and budget.excess(lost, flips):
        remarks.append(f"the searched texts held the budget, the held-out texts do not: {lost:.2f} points of "
                       f"{budget.yardstick}, {flips:.2%} of labels{' at the bad ends' if sure else ''}; "
                       "more texts, or a smaller budget, make that less likely")  # fmt: skip
    shown = {id(one): dataclasses.replace(one, usual_loss=judge.usual(one), chosen=one is chosen) for one in tried}
    pareto = tuple(shown[id(one)] for one in front(tried, chosen))
    return SearchResult(
        budget, shown[id(chosen)], met, pareto, estimate, ends, len(texts.samples),
        len(rest.samples), parts.words, len(tried), compressed, rest, tuple(remarks),
    )  # fmt: skip


# -- data -------------------------------------------------------------------------------------------------------------


def _too_few(before: Answers, right: Answers | None, budget: Budget, n_classes: int, seed: int) -> list[str]:
    """A remark where not even a file without a flip would hold the budget."""
    ends = intervals(before, before, right, n_classes, seed)
    excess = budget.excess(ends[budget.yardstick][1], ends["same-label"][1] / 100)
    if not excess:
        return []
    return [f"not even the original itself would hold: on {len(before):,} texts without a flip the bad end is "
            f"{ends[budget.yardstick][1]:.2f} points of {budget.yardstick}, {ends['same-label'][1]:.2f}% of labels; "
            "it falls as their number grows"]  # fmt: skip


@dataclass(frozen=True)
class _Parts:
    searched: Texts
    held_out: Texts
    words: str


def _prepare(model: LinearModel, data: Data, held_out: Data | None, max_loss: float | None, max_flips: float | str | None,
             target_size: int | str | None, yardstick: Yardstick | None, sure: bool, seed: int
             ) -> tuple[Budget, _Parts, list[str]]:  # fmt: skip
    """Budget and data, checked; remarks on the data."""
    max_flips = share(max_flips) if isinstance(max_flips, str) else max_flips
    target_size = size(target_size) if isinstance(target_size, str) else target_size
    if max_loss is None and max_flips is None and target_size is None:
        raise ValueError("a budget is missing: max_loss, max_flips or target_size")
    for name, value, limit in (("max_loss", max_loss, 100), ("max_flips", max_flips, 1)):
        if value is not None and not 0 <= value <= limit:
            raise ValueError(f"{name}: {value} is not in 0..{limit}")
    if target_size is not None and target_size < 1:
        raise ValueError(f"target_size: {target_size} is not a number of bytes above 0")
    if yardstick not in (None, *YARDSTICKS):
        raise ValueError(f"yardstick: {yardstick!r} is not one of {', '.join(map(repr, YARDSTICKS))}")
    needed = (max_loss is not None and yardstick != "same-label") or yardstick in ("accuracy", "macro-f1")
    texts = _read(data, model, needed)
    other = None if held_out is None else _read(held_out, model, needed)
    labelled = texts.labels is not None and (other is None or other.labels is not None)
    budget = Budget(max_loss, max_flips, target_size, yardstick or ("accuracy" if labelled else "same-label"), sure)
    remarks = []
    for one in (texts, other):
        if one is not None and one.labels is not None:
            remarks += _foreign(one.labels, model)
    if other is None:
        mine, rest = _halves(texts, seed)
        parts = _Parts(texts.take(mine), texts.take(rest), f"half of the {len(texts.samples):,} given, seed {seed}")
    else:
        seen = set(texts.keys)
        rest = [i for i, key in enumerate(other.keys) if key not in seen]
        if not rest:
            raise ValueError(f"all {len(other.keys)} held-out samples are among the searched ones")
        if len(rest) < len(other.keys):
            remarks.append(f"{len(other.keys) - len(rest):,} held-out samples are among the searched ones and left out")
        parts = _Parts(texts, other.take(rest), "the held-out ones were given apart")
    return budget, parts, remarks


def _read(data: Data, model: LinearModel, needed: bool) -> Texts:
    """Samples and labels of a file or a pair."""
    samples: list[Any]
    labels: list[Any] | None
    if isinstance(data, (str, os.PathLike)):
        place = os.fspath(data)
        samples, labels = read_samples(data, field_of(model.namespaces), needed)
    else:
        place = "data"
        if not isinstance(data, tuple) or len(data) != 2:
            raise ValueError(
                f"{place}: {type(data).__name__}, not a path or a pair (samples, labels), labels None if unknown"
            )
        given: Any = data[0]
        samples = [row for _, row in given.iterrows()] if hasattr(given, "iterrows") else list(given)
        labels = None if data[1] is None else list(data[1])
        if labels is not None and len(labels) != len(samples):
            raise ValueError(f"{place}: {len(samples)} samples and {len(labels)} labels")
    if not samples:
        raise ValueError(f"{place}: no samples")
    if needed and labels is None:
        raise ValueError(f"{place}: max_loss is held against right labels, and the samples have none; "
                         "max_flips, target_size or yardstick 'same-label' need none")  # fmt: skip
    return Texts(samples, [key_of(sample) for sample in samples], labels)


def _halves(texts: Texts, seed: int) -> tuple[list[int], list[int]]:
    """Places of the searched and of the held-out samples: halves at random, alike in labels, no sample on both sides."""
    groups: dict[str, list[int]] = {}
    for place, key in enumerate(texts.keys):
        groups.setdefault(key, []).append(place)
    if len(groups) < 2:
        raise ValueError(
            f"{len(texts.keys)} samples, {len(groups)} of them distinct: 2 are the least to search and hold out"
        )
    several = list(groups.values())
    order = np.random.default_rng(seed).permutation(len(several)).tolist()
    labels = texts.labels
    if labels is not None:
        order.sort(key=lambda i: str(labels[several[i][0]]))
    searched, rest = ([place for i in order[side::2] for place in several[i]] for side in (0, 1))
    return sorted(searched), sorted(rest)


def _foreign(labels: list[Any], model: LinearModel) -> list[str]:
    """A remark on labels that are no classes of the model; an error if none is one (numbers in quotes, say)."""
    right = answers(labels, model.classes, model.task == "multilabel")
    unknown = right[:, -1] if right.ndim == 2 else right < 0
    if unknown.all() and (right.ndim == 1 or not right[:, :-1].any()):
        raise ValueError(f"no label of the data is a class of the model: the data has {labels[0]!r:.60}, …, "
                         f"the model {model.classes.tolist()[0]!r:.60}, …")  # fmt: skip
    if not unknown.any():
        return []
    first = labels[int(unknown.argmax())]
    return [f"{int(unknown.sum()):,} of {len(labels):,} labels are no classes of the model and always count as wrong: "
            f"{first!r:.60}, …"]  # fmt: skip
