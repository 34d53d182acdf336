"""Numbers as a reader wants them: sizes, shares, points and intervals, with one sign for minus and no break inside."""

from __future__ import annotations

from collections.abc import Sequence

NARROW = "\N{NARROW NO-BREAK SPACE}"


def size(count: float) -> str:
    """A number of bytes, in the unit that leaves three digits.

    >>> size(1_699_776).split(NARROW), size(64).split(NARROW)
    (['1.70', 'MB'], ['64', 'B'])
    """
    if count < 1000:
        return f"{count:.0f}{NARROW}B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5 or unit == "GB":
            break
    digits = 2 if count < 9.995 else 1 if count < 99.95 else 0
    return f"{count:.{digits}f}{NARROW}{unit}"


def share(value: float, digits: int = 2) -> str:
    """A share as a percentage. What is not all or nothing is not rounded to it.

    >>> [share(value).replace(NARROW, " ") for value in (0.99509, 0.99999, 1.0, 0.00001)]
    ['99.51 %', '99.99 %', '100 %', '0.01 %']
    """
    if value in (0, 1):
        return f"{value:.0%}".replace("%", f"{NARROW}%")
    least = 10.0 ** -(digits + 2)
    return f"{min(max(value, least), 1 - least):.{digits}%}".replace("%", f"{NARROW}%")


def points(difference: float) -> str:
    """A difference of shares, in points (hundredths), signed.

    >>> points(-0.00091), points(0.0)
    ('−0.09', '±0.00')
    """
    number = f"{100 * difference:+.2f}"
    return "±0.00" if float(number) == 0 else number.replace("-", "−")


def interval(ends: Sequence[float], form: str = "share") -> str:
    """Two ends: of shares, or of differences in points."""
    low, high = (points(end) if form == "points" else share(end) for end in ends)
    return f"{low} to {high}" if form == "points" else f"{low.removesuffix(f'{NARROW}%')} to {high}"


def part(small: float, large: float) -> str:
    """How small one size is beside another.

    >>> part(479, 80_600), part(2, 9)
    ('1/168', '1/4.5')
    """
    ratio = large / small
    return f"1/{ratio:.1f}" if ratio < 9.95 else f"1/{ratio:,.0f}"


def signed(count: int) -> str:
    """A change of a count.

    >>> signed(-3), signed(0)
    ('−3', '0')
    """
    return f"{count:+,}".replace("-", "−") if count else "0"


def number(value: float) -> str:
    """A score: four digits.

    >>> number(-1.23456), number(0.000012345)
    ('−1.235', '1.234e−05')
    """
    return f"{value:.4g}".replace("-", "−")
