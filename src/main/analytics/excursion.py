"""How far did a trade go for and against its holder while it was open?"""

from collections.abc import Iterable
from dataclasses import dataclass

from main.analytics.side import sign


@dataclass(frozen=True, slots=True)
class Excursion:
    """Best (``mfe`` ≥ 0) and worst (``mae`` ≤ 0) unrealised return of a trade, as fractions of the entry price."""

    mfe: float
    mae: float


def excursion(side: str, entry: float, prices: Iterable[float]) -> Excursion | None:
    """Return the maximum favourable and adverse excursion of side·(price − entry) / entry over the prices while open.

    The entry itself is one of the prices, so neither has the wrong sign; both are 0 without others. ``None`` for an
    entry at or below zero.
    """
    if entry <= 0:
        return None
    moves = [0.0, *(sign(side) * (price - entry) / entry for price in prices)]
    return Excursion(max(moves), min(moves))
