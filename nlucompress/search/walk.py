"""The walk of a search over the options of compress: a grid, then neighbours of what is promising.

Smaller files come from fewer buckets, a higher threshold and fewer check bits, better ones from more. A candidate that
holds the budget is followed towards smaller files, one that just misses it towards better ones: so the walk climbs over
a step of one option that another has to pay for. It ends where no neighbour is left, or as many are tried as allowed.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..compress import compress
from ..linear import LinearModel, Namespace, Product, SparseRows
from ..quantize import quantize
from .budget import Budget, Candidate, Judge

Options = dict[str, Any]
Space = Mapping[str, Sequence[Any]]

# The values that the walk may give each option, in steps; of the others, the first is where it starts.
SPACE: Space = {
    "buckets": (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256),
    "range": ("model", "class"),
    "codebook": ("even", "kmeans"),
    "prune": (0.0, 0.004, 0.0056, 0.008, 0.011, 0.016, 0.022, 0.031, 0.044, 0.063, 0.088, 0.125, 0.18, 0.25, 0.35, 0.5),
    "check_bits": (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16),
    "gamma": (1.0, 2.0),
    "layout": ("auto", "fast"),
    "norm": ("mean", "exact"),
}
CANDIDATES = 100
START_CHECK_BITS = 4
EVEN = (256, 128, 64, 48, 32, 24, 16, 12, 8)  # buckets of the grid
KMEANS = ((0.008, 32), (0.016, 16), (0.031, 16), (0.031, 8), (0.063, 16), (0.063, 8), (0.125, 8))  # prune, buckets


def walk(trial: Callable[[Options], Candidate], space: Space, budget: Budget, limit: int) -> list[Candidate]:
    """The grid, then neighbours of the most promising that has untried ones, until none has or ``limit`` are tried."""
    tried: dict[str, Candidate] = {}

    def visit(every: Iterable[Options]) -> bool:
        before = len(tried)
        for options in every:
            name = name_of(options)
            if name not in tried and len(tried) < limit:
                tried[name] = trial(options)
        return len(tried) > before

    grid = list({name_of(options): options for options in _grid(space)}.values())
    visit(grid if len(grid) <= limit else [grid[i * len(grid) // limit] for i in range(limit)])
    while any(visit(_neighbours(one, space, judge)) for judge, one in _promising(list(tried.values()), budget)):
        pass
    best = min(tried.values(), key=Judge(budget, tried.values()).rank)
    visit(_fit({**best.options, name: value}, space) for name in ("gamma", "layout") for value in space[name])
    return list(tried.values())


def name_of(options: Mapping[str, Any]) -> str:
    """Options as a text, equal for equal options."""
    return json.dumps({name: options[name] for name in SPACE})


def _grid(space: Space) -> Iterator[Options]:
    """Where the walk starts, from the largest file to the smallest; values that the space lacks become the nearest."""
    usual = {"check_bits": START_CHECK_BITS, "gamma": 1.0, **{n: space[n][0] for n in ("layout", "norm")}}
    most = {**usual, "norm": space["norm"][-1], "check_bits": 8, "buckets": 256, "codebook": "even", "prune": 0.0}
    for kind in space["range"]:
        yield _fit({**most, "range": kind}, space)
    for buckets, kind in product(EVEN, space["range"]):
        yield _fit({**usual, "buckets": buckets, "range": kind, "codebook": "even", "prune": 0.0}, space)
    for (prune, buckets), kind in product(KMEANS, space["range"]):
        yield _fit({**usual, "buckets": buckets, "range": kind, "codebook": "kmeans", "prune": prune}, space)


def _fit(options: Options, space: Space) -> Options:
    """The nearest options that the space has. An even codebook rounds weights below 1/buckets to zero by itself."""
    out: Options = {}
    for name, values in space.items():
        wanted = options[name]
        if isinstance(wanted, str):
            out[name] = wanted if wanted in values else values[0]
        else:
            out[name] = min(values, key=lambda value: (abs(math.log((value + 1e-3) / (wanted + 1e-3))), value))
    if out["codebook"] == "even" and out["prune"] * out["buckets"] <= 1 and 0.0 in space["prune"]:
        out["prune"] = 0.0
    if out["codebook"] == "kmeans" and not out["prune"]:
        out["prune"] = min((value for value in space["prune"] if value), default=0.0)
    return {name: out[name] for name in SPACE}


def _promising(tried: list[Candidate], budget: Budget) -> list[tuple[Judge, Candidate]]:
    """The best, the second, and two that would be better if they held the budget, by how little they miss it."""
    judge = Judge(budget, tried)
    ordered = sorted(tried, key=judge.rank)
    best = ordered[0]
    if not judge.holds(best):
        return [(judge, one) for one in ordered[:3]]
    failing = [one for one in ordered if not judge.holds(one)]
    if budget.max_loss is None and budget.max_flips is None:  # too large, but better
        loss, flips = judge.costs(best)
        wanted = [one for one in failing if (max(judge.costs(one)[0], 0), one.flips) < (max(loss, 0), flips)]
    else:
        wanted = [one for one in failing if one.bytes < best.bytes]
    return [(judge, one) for one in [*ordered[:2], *wanted[:2]]]


def _neighbours(one: Candidate, space: Space, judge: Judge) -> Iterator[Options]:
    """Options one step away: towards smaller files from a candidate that may shrink, else towards better ones.

    The other range has about the same error with half (or twice) the buckets or the threshold, an even codebook of B
    buckets the weights of a threshold 1/B.
    """
    budget = judge.budget
    o = dict(one.options)
    too_large = budget.target_size is not None and one.bytes > budget.target_size
    limited = budget.max_loss is not None or budget.max_flips is not None
    down = too_large or (limited and judge.holds(one))
    for name, steps in (("buckets", (-1,)), ("prune", (1,)), ("check_bits", (-1, -2))):
        values = sorted(space[name])
        for step in steps:
            place = values.index(o[name]) + (step if down else -step)
            if name == "prune" and o["codebook"] == "even" and down:  # the first threshold that an even codebook feels
                place = next((i for i, v in enumerate(values) if v > max(o["prune"], 1 / o["buckets"])), len(values))
            if 0 <= place < len(values):
                yield _fit({**o, name: values[place]}, space)
    for kind in space["range"]:
        if kind != o["range"]:
            factor = 2 if kind == "class" else 0.5
            moved = {"prune": o["prune"] * factor}
            if o["codebook"] == "even":
                moved["buckets"] = o["buckets"] / factor
            yield _fit({**o, "range": kind, **moved}, space)
    for kind in space["codebook"]:
        if kind != o["codebook"]:
            moved = {"prune": max(o["prune"], 1 / o["buckets"]), "buckets": min(o["buckets"], 12)}
            if kind == "even":
                moved = {"prune": 0.0, "buckets": 1 / max(o["prune"], 1 / 256)}
            yield _fit({**o, "codebook": kind, **moved}, space)
    for kind in space["norm"]:
        yield _fit({**o, "norm": kind}, space)


def space_of(fixed: Mapping[str, Any]) -> dict[str, list[Any]]:
    """SPACE with the user's values, each of which compress must take."""
    unknown = sorted(set(fixed) - set(SPACE))
    if unknown:
        raise ValueError(f"space: {', '.join(map(repr, unknown))} is no option of compress: {', '.join(SPACE)}")
    space = {name: list(values) for name, values in SPACE.items()}
    word = LinearModel((Namespace("w"),), (("a",),), np.ones((1, 1)), np.zeros(1), np.arange(2), task="binary")
    for name, values in fixed.items():
        given = list(values) if isinstance(values, (list, tuple, set, frozenset)) else [values]
        if not given:
            raise ValueError(f"space: {name} has no value")
        for value in given:
            if value not in SPACE[name]:
                compress(word, **{name: value})
        space[name] = list(dict.fromkeys(given))
    return space


def useful(space: Space, model: LinearModel) -> Space:
    """Without options that make no difference for this model: a range a class of one column, a mean norm without norm."""
    out = dict(space)
    if model.n_columns == 1:
        out["range"] = space["range"][:1]
    if model.baseline is not None or not any(step.op == "norm" for step in model.steps):
        out["norm"] = space["norm"][-1:]
    return out


def lighter(model: LinearModel, space: Space) -> LinearModel:
    """The model without weights that every candidate rounds to zero: of a dense model nine in ten.

    No candidate keeps more than an even codebook of 256 buckets: others have larger steps, and thresholds of the space
    are larger than half a step of it. A k-means codebook without a threshold may keep any. (Where buckets of outliers are
    scarce among many classes, fewer buckets can give a class a smaller range: the chosen file is made of the whole model.)
    """
    least = min((value for value in space["prune"] if value), default=0.0)
    if "kmeans" in space["codebook"] and least < 0.004:
        return model
    weights = model.weights
    if isinstance(weights, Product):
        return dataclasses.replace(
            model, weights=_kept(model, [quantize(model, 256, kind).codes for kind in space["range"]])
        )
    weights = weights if isinstance(weights, SparseRows) else SparseRows.of(weights)
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    keep = np.zeros(len(weights.data), bool)
    place = rows * weights.shape[1] + weights.indices
    for kind in space["range"]:
        codes = quantize(model, 256, kind).codes
        kept = np.repeat(np.arange(weights.shape[0]), np.diff(codes.indptr)) * weights.shape[1] + codes.indices
        keep[np.searchsorted(place, kept)] = True
    indptr = np.concatenate([[0], np.cumsum(keep)])[weights.indptr]
    return dataclasses.replace(
        model, weights=SparseRows(indptr, weights.indices[keep], weights.data[keep], weights.shape)
    )


def _kept(model: LinearModel, codes: Sequence[SparseRows]) -> SparseRows:
    """The weights that one of the codes keeps, 4096 features at a time."""
    parts = []
    for start in range(0, model.n_features, 4096):
        stop = min(start + 4096, model.n_features)
        kept = np.zeros((stop - start, model.n_columns), bool)
        for one in codes:
            rows = np.repeat(np.arange(stop - start), np.diff(one.indptr[start : stop + 1]))
            kept[rows, one.indices[one.indptr[start] : one.indptr[stop]]] = True
        parts.append(SparseRows.of(np.where(kept, model.rows(start, stop), 0.0)))
    lengths = np.concatenate([[0], *(np.diff(part.indptr) for part in parts)])
    indices = np.concatenate([np.empty(0, np.int32), *(part.indices for part in parts)])
    data = np.concatenate([np.empty(0), *(part.data for part in parts)])
    return SparseRows(np.cumsum(lengths), indices, data, (model.n_features, model.n_columns))
