"""What is a dollar worth in euros on the simulated market?

A sum of waves whose height grows with the root of their length moves much as a random walk does, about 7 % a year, and
depends on seed and moment alone: a restarted bot finds the rate where it would have been, so that no currency result
comes of a restart.
"""

import math
from datetime import datetime
from decimal import Decimal
from random import Random

PAIR = ("USD", "EUR")
USUAL = 0.86
DIGITS = Decimal("0.000001")

_SHORTEST_DAYS, _WAVES = 0.25, 12
_HEIGHT = 0.0008  # of the wave of a day; a fraction
_DAY = 86_400.0


class SimRate:
    """The rate USD → EUR by moment."""

    def __init__(self, seed: int) -> None:
        chance = Random(f"{seed} rate")  # noqa: S311  # not a secret
        self._waves = tuple(
            (days * _DAY / math.tau, _HEIGHT * math.sqrt(days), chance.uniform(0.0, math.tau))
            for days in (_SHORTEST_DAYS * 2**doubling * chance.uniform(0.9, 1.1) for doubling in range(_WAVES))
        )

    def at(self, moment: datetime) -> Decimal:
        """Return how many euros one dollar was, is or will be, to six digits."""
        seconds = moment.timestamp()
        log = sum(height * math.sin(seconds / length + phase) for length, height, phase in self._waves)
        return Decimal(repr(USUAL * math.exp(log))).quantize(DIGITS)
