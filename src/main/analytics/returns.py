"""What did a chain of returns come to, and what are the returns of a chain of growth?"""

from collections.abc import Sequence
from itertools import pairwise

from main.analytics.figure import Figure, bounded, missing
from main.analytics.sample import NO_BASE


def growth_index(returns: Sequence[float | None]) -> list[float | None]:
    """Return G = Π (1 + r) after each return, with the base point 1 in front: one value more than returns.

    A return of −1 or worse leaves 0. ``None`` from the first return that does not exist.
    """
    growth: list[float | None] = [1.0]
    last: float | None = 1.0
    for value in returns:
        last = None if value is None or last is None else max(0.0, last * (1 + value))
        growth.append(last)
    return growth


def returns_of(growth: Sequence[float | None]) -> list[float | None]:
    """Return G₁ / G₀ − 1 of every two neighbours, one value less than growth; ``None`` where G₀ is not above 0."""
    return [
        after / before - 1 if before is not None and before > 0 and after is not None else None
        for before, after in pairwise(growth)
    ]


def total_return(returns: Sequence[float | None]) -> Figure:
    """Return Π (1 + r) − 1, a fraction; missing without returns, and where one has no base."""
    if not returns:
        return missing("no returns")
    last = growth_index(returns)[-1]
    return missing(NO_BASE) if last is None else bounded(last - 1)
