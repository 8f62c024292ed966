"""How are values, such as the P&L of trades, spread? Bins of a round width, with an edge at zero.

A bin never mixes gains and losses. `bin_width` and `bins` work on counts that the database has made.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from main.analytics.sample import quantile, refuse_nan

MOST_BINS = 60
"""More bars than this are thinner than a finger on a phone."""

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """How many values there are with low <= value < high."""

    low: float
    high: float
    count: int


def bin_width(count: int, low: float, high: float, middle_half: float, most: int = MOST_BINS) -> float:
    """Return a round width (1, 2, 2.5 or 5 times a power of ten) for `count` values from `low` to `high`.

    ``middle_half`` is the distance of their quartiles: 2·IQR / ∛n (Freedman and Diaconis 1981), or Sturges' rule where
    that is 0, and never so narrow that there are more than `most` bins. 1 for values that are all zero.
    """
    extent = high - low
    wanted = 2 * middle_half / math.cbrt(count) if middle_half > 0 else extent / (math.log2(count) + 1)
    # One bin less: the edges lie on multiples of the width, not on the lowest value.
    wanted = max(wanted, extent / (most - 1)) or max(abs(low), abs(high)) or 1.0
    scale = 10.0 ** math.floor(math.log10(wanted))
    return next(step * scale for step in _ROUND if step * scale >= wanted * (1 - 1e-9))


def bins(width: float, counts: Mapping[int, int]) -> list[Bin]:
    """Return the bins in order, empty ones between them included, from counts by ⌊value / width⌋; empty without any."""
    if not counts:
        return []
    places = range(min(counts), max(counts) + 1)
    return [Bin(place * width, (place + 1) * width, counts.get(place, 0)) for place in places]


def histogram(values: Sequence[float], most: int = MOST_BINS) -> list[Bin]:
    """Return the bins of the values, in order; empty without values. ``ValueError`` for NaN."""
    refuse_nan(values)
    if not values:
        return []
    middle_half = quantile(values, 0.75) - quantile(values, 0.25)
    width = bin_width(len(values), min(values), max(values), middle_half, most)
    return bins(width, Counter(math.floor(value / width) for value in values))
