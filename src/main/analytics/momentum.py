"""How far has a price come within half a year of trading days?"""

from collections.abc import Sequence
from decimal import Decimal

DAYS = 126
"""Trading days between the two closes: half a year of 252."""


def momentum(closes: Sequence[Decimal], days: int = DAYS) -> Decimal | None:
    """Return P[t] / P[t−days] − 1, a fraction, on adjusted daily closes, oldest first.

    It takes `days` + 1 closes; ``None`` with fewer, and where the earlier close is not above zero.
    """
    if len(closes) <= days or closes[-1 - days] <= 0:
        return None
    return closes[-1] / closes[-1 - days] - 1
