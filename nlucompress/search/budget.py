"""What a compressed file may cost, and which of several candidates is the best under that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean as mean
from typing import Any

from ..measure import Yardstick


@dataclass(frozen=True)
class Budget:
    """What a file may cost: at least one of three limits.

    max_loss: points (hundredths) of the yardstick. max_flips: share (0..1) of texts whose label may change. target_size:
    bytes. sure: hold the bad end of the 95 % interval against max_loss and max_flips, not the estimate. See Judge.
    """

    max_loss: float | None = None
    max_flips: float | None = None
    target_size: int | None = None
    yardstick: Yardstick = "accuracy"
    sure: bool = False

    def __str__(self) -> str:
        end = ", as the interval's bad end says" if self.sure else ""
        parts = []
        if self.max_loss is not None:
            parts.append(f"at most {self.max_loss:g} points of {self.yardstick} lost{end}")
        if self.max_flips is not None:
            parts.append(f"at most {100 * self.max_flips:g}% of labels flipped{end}")
        if self.target_size is not None:
            parts.append(f"at most {self.target_size:,} bytes")
        return " and ".join(parts)

    def excess(self, loss: float, flips: float) -> float:
        """By how many points the limits of loss and flips are exceeded; 0 where they hold."""
        over = [loss - self.max_loss] if self.max_loss is not None else []
        over += [100 * (flips - self.max_flips)] if self.max_flips is not None else []
        return max([0.0, *(value for value in over if value > 1e-9)])


def share(text: str) -> float:
    """A share as a number: "0.5%" is 0.005. Raises ValueError where the percent sign or the number is missing.

    >>> share("0.5%")
    0.005
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*", text)
    if not match or float(match[1]) > 100:
        raise ValueError(f"{text!r} is not a share of 0% to 100%, such as 0.5%")
    return float(match[1]) / 100


UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def size(text: str) -> int:
    """Bytes of a size: "200KB" is 200,000, "1.5 MiB" 1,572,864. Raises ValueError for what is none.

    >>> size("200KB"), size("0.5 KiB")
    (200000, 512)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", text)
    if not match or match[2].upper() not in UNITS or not int(float(match[1]) * UNITS[match[2].upper()]):
        raise ValueError(f"{text!r} is not a size above 0, such as 200KB, 1.5MiB or 204800")
    return int(float(match[1]) * UNITS[match[2].upper()])


@dataclass(frozen=True)
class Candidate:
    """One choice of options and what it costs on the searched texts.

    options: of compress. bytes: the file's. loss: points of the yardstick. flips: share of labels that differ from the
    original's. bad_loss, bad_flips: the bad ends of their 95 % intervals where the budget asks for them, else the same.
    usual_loss: what candidates with as many flips lose, see Judge; None while the search goes on.
    """

    options: Mapping[str, Any]
    bytes: int
    loss: float
    flips: float
    bad_loss: float
    bad_flips: float
    usual_loss: float | None = None
    chosen: bool = False

    def __str__(self) -> str:
        usual = {"codebook": "even", "prune": 0.0, "gamma": 1.0, "layout": "auto"}
        return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                         for name, value in self.options.items() if usual.get(name) != value)  # fmt: skip


class Judge:
    """Which of the candidates tried is the best under a budget.

    A loss measured on some hundred texts is off by luck, and the smallest of many candidates that seem to hold a limit is
    mostly one of the lucky. So what counts of a candidate is the larger of its own loss and the usual one of candidates
    with as many flips: the isotonic regression of loss on flips over all that were tried (Barlow, Bartholomew, Bremner,
    Brunk: Statistical Inference under Order Restrictions, 1972). Of a sure budget, the intervals' bad ends count instead.
    """

    def __init__(self, budget: Budget, tried: Iterable[Candidate]) -> None:
        self.budget = budget
        self._usual = isotonic([(one.flips, one.loss) for one in tried])

    def usual(self, one: Candidate) -> float:
        """What candidates with as many flips as this one, which was tried, lose: points."""
        return self._usual[one.flips]

    def costs(self, one: Candidate) -> tuple[float, float]:
        """What is held against the budget: loss in points, share of flips."""
        if self.budget.sure:
            return one.bad_loss, one.bad_flips
        return max(one.loss, self.usual(one)), one.flips

    def rank(self, one: Candidate) -> tuple[Any, ...]:
        """The least is the best. Those that hold come first: by size, or, of a target size alone, by what they cost.

        Of those that do not hold, first the ones within the target size, by how far they are off; then by size. A loss
        below 0 is luck and counts as 0 beside fewer flips.
        """
        loss, flips = self.costs(one)
        excess = self.budget.excess(loss, flips)
        last = (one.bytes, loss, flips, one.loss, tuple(map(str, one.options.values())))
        if self.budget.target_size is not None and one.bytes > self.budget.target_size:
            return 2, *last
        if excess:
            return 1, excess, *last
        if self.budget.max_loss is None and self.budget.max_flips is None:
            return 0, max(loss, 0.0), flips, *last
        return 0, *last

    def holds(self, one: Candidate) -> bool:
        """Whether a candidate is within the budget on the searched texts."""
        return bool(self.rank(one)[0] == 0)


def isotonic(pairs: Sequence[tuple[float, float]]) -> dict[float, float]:
    """The non-decreasing function of x nearest to y in the sum of squares, at each x; by pooling adjacent violators.

    >>> isotonic([(1, 0.0), (2, 3.0), (3, 1.0), (4, 5.0)])
    {1: 0.0, 2: 2.0, 3: 2.0, 4: 5.0}
    """
    groups: dict[float, list[float]] = {}
    for x, y in sorted(pairs):
        groups.setdefault(x, []).append(y)
    blocks: list[tuple[list[float], list[float]]] = []  # the x and the y of each
    for x, several in groups.items():
        blocks.append(([x], several))
        while len(blocks) > 1 and mean(blocks[-2][1]) >= mean(blocks[-1][1]):
            after = blocks.pop()
            blocks[-1] = (blocks[-1][0] + after[0], blocks[-1][1] + after[1])
    return {x: mean(several) for places, several in blocks for x in places}


def front(tried: Sequence[Candidate], chosen: Candidate) -> list[Candidate]:
    """Candidates that no other equals or beats in bytes, loss and flips together, by size; of equals the chosen, or one."""
    found: dict[tuple[float, ...], Candidate] = {}
    for one in sorted(tried, key=lambda one: (one is not chosen, tuple(map(str, one.options.values())))):
        found.setdefault((one.bytes, one.bad_loss, one.bad_flips), one)
    return [one for figures, one in sorted(found.items(), key=lambda pair: pair[0])
            if not any(other != figures and all(a <= b for a, b in zip(other, figures, strict=True))
                       for other in found)]  # fmt: skip
