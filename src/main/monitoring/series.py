"""How many points has a series, and how wide are the buckets that they stand for?"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

FEWEST, MOST = 2, 5000
"""A line needs two points; more than the second no screen can show, and few networks carry gladly."""

_WEEK = timedelta(weeks=1)
_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440, 2880)
ROUND_WIDTHS = (
    *(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=minutes) for minutes in _MINUTES),
    _WEEK,
)


@dataclass(frozen=True, slots=True)
class Series:
    """Params of a read that gives a series, to be inherited: about `points` points at most."""

    points: int = 500

    def __post_init__(self) -> None:
        if not FEWEST <= self.points <= MOST:
            raise ValueError(f"points: got {self.points}, expected {FEWEST} to {MOST}")


def bucket_width(start: datetime, end: datetime, points: int, least: timedelta = ROUND_WIDTHS[0]) -> timedelta:
    """Return the narrowest round width, `least` or more, of which `points` span the window: weeks beyond two days.

    Buckets on round times stay where they are while the window moves. A window cuts its first and its last one, so
    that there may be one bucket more than `points`.
    """
    wanted = max((end - start) / points, least)
    return next((width for width in ROUND_WIDTHS if width >= wanted), math.ceil(wanted / _WEEK) * _WEEK)
