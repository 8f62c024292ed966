"""What is the middle, the spread and the tail of a sample? Sums are exact, so the order of adding changes nothing."""

import math
from collections.abc import Sequence
from operator import mul

from main.analytics.figure import Figure, missing, too_few

MINIMUM = 30
"""Periods below which an estimate says nothing: fewer are "—", by NUMBERS."""

NEGLIGIBLE = 1e-15
"""A spread below this is what rounding leaves of equal returns: they are quotients near one, good to 2e-16."""

NO_BASE = "equity was not above zero, so a return has no base"


def refuse_nan(values: Sequence[float]) -> None:
    """Raise ``ValueError`` naming the place of the first value that is not a finite number."""
    if not all(map(math.isfinite, values)):
        place, value = next((place, value) for place, value in enumerate(values) if not math.isfinite(value))
        raise ValueError(f"value {place} is {value}: leave out what is unknown, a series holds finite numbers only")


def usable(returns: Sequence[float | None], minimum: int) -> list[float] | Figure:
    """Return the returns when every one exists and there are at least `minimum`, else the figure that says why not.

    Returns that do not exist are never passed over: what is left would look as if the account had not been wiped out.
    Raise ``ValueError`` for NaN and infinity.
    """
    known = [value for value in returns if value is not None]
    refuse_nan(known)
    if len(known) < len(returns):
        return missing(NO_BASE)
    if len(known) < minimum:
        return too_few(len(known), minimum)
    return known


def mean(values: Sequence[float]) -> float:
    """Return Σ x / n, of at least one value."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation √(Σ (x − mean)² / (n − 1)), 0 for equal values; of at least two values."""
    middle = mean(values)
    off = [value - middle for value in values]
    spread = math.sqrt(math.fsum(map(mul, off, off)) / (len(values) - 1))
    return spread if spread > NEGLIGIBLE * max(1.0, *map(abs, values)) else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the sample lies below, linearly interpolated; of at least one value.

    At place (n − 1) · share of the sorted values, as numpy's and Excel's default: Hyndman and Fan's type 7.
    """
    ordered = sorted(values)
    # The product misses a whole place by a rounding error, and an inclusive tail would then lose its last value.
    place = round((len(ordered) - 1) * share, 9)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
