"""What the bits of coded rows mean, for their writer and their reader: symbols of numbers, contexts, lines of tables."""

from __future__ import annotations

import numpy as np

from ..linear import Integers

# Of row_tables; the upper 8 bits of a size are a kind.
GROUP = np.dtype([("first", "<u4"), ("start", "<u4"), ("size", "<u4")])
LEVEL = np.dtype([("slots", "<u4"), ("width", "u1")])
DIRECT = 16  # numbers below it are symbols of their own
SYMBOLS = 56  # of numbers below 2^24
MOST_SYMBOLS = 64  # of a table
FIRST_ROW = 9  # contexts before those of row classes: one of idf, eight of lengths
MOST_TABLES = 15
MOST_GROUPS = 4096
MOST_LEVELS = 4


def magnitude(x: Integers) -> Integers:
    """⌊log2 x⌋, of 0 as of 1.

    >>> magnitude(np.array([0, 1, 2, 3, 4])).tolist()
    [0, 0, 1, 1, 2]
    """
    return np.maximum(np.frexp(np.maximum(x, 1).astype(np.float64))[1].astype(np.int64) - 1, 0)


def half_magnitude(x: Integers) -> Integers:
    """Twice the magnitude, and the bit after the first: classes of lengths 1, 2, 3, 4…5, 6…7, 8…11, …

    >>> half_magnitude(np.array([1, 2, 3, 4, 5, 6, 8])).tolist()
    [0, 2, 3, 4, 4, 5, 6]
    """
    k = magnitude(x)
    out: Integers = 2 * k + np.where(k > 0, x >> np.maximum(k - 1, 0) & 1, 0)
    return out


def symbols_of(numbers: Integers) -> tuple[Integers, Integers]:
    """Symbol and count of extra bits of each number: below 16 itself, else its first two bits and its length."""
    k = magnitude(numbers)
    large = numbers >= DIRECT
    extra = np.where(large, k - 1, 0)
    return np.where(large, DIRECT + 2 * (k - 4) + (numbers >> extra & 1), numbers), extra


def extra_bits(symbol: int) -> int:
    """How many bits follow a symbol.

    >>> extra_bits(15), extra_bits(16), extra_bits(18)
    (0, 3, 4)
    """
    return 0 if symbol < DIRECT else 3 + (symbol - DIRECT) // 2


def least_number(symbol: int) -> int:
    """The smallest number that has a symbol."""
    return symbol if symbol < DIRECT else (2 + symbol % 2) << extra_bits(symbol)


def contexts(columns: int) -> int:
    """How many contexts there are: of idf, of lengths, and three of each class of rows."""
    return FIRST_ROW + 3 * (int(half_magnitude(np.array([columns]))[0]) + 1)
