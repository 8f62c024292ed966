"""How far, and for how long, does growth lie below its peak?

Everything is told of the growth index, base point included, never of raw equity: a withdrawal is no drawdown. A
fraction is below -1 only where growth is below zero, because more was lost than there was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from main.analytics.figure import Figure, missing
from main.analytics.sample import NO_BASE, refuse_nan

WORST = 5
"""Drawdowns in the table of the worst, as is usual."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One stretch below a peak, as places in the growth index; ``recovery`` is the first one back at the peak, or None.

    ``depth`` is a fraction of the peak, < 0. ``last`` is the place where it was recovered, or else the newest.
    """

    peak: int
    trough: int
    recovery: int | None
    depth: float
    last: int

    @property
    def duration(self) -> int:
        """Periods from the peak until it was reached again, or until now."""
        return self.last - self.peak

    @property
    def decline_duration(self) -> int:
        """Periods from the peak to the trough."""
        return self.trough - self.peak

    @property
    def recovery_duration(self) -> int | None:
        """Periods from the trough until the peak was reached again; None while it was not."""
        return None if self.recovery is None else self.recovery - self.trough


def under_water(growth: Sequence[float | None]) -> list[float | None]:
    """Return growth / running peak − 1 at each point, ≤ 0; ``None`` from where growth is."""
    refuse_nan([value for value in growth if value is not None])
    peak, depths = 0.0, list[float | None]()
    for value in growth:
        if value is not None:
            peak = max(peak, value)
        depths.append(None if value is None else value / peak - 1 if peak > 0 else 0.0)
    return depths


def max_drawdown(growth: Sequence[float | None]) -> Figure:
    """Return the deepest distance from the running peak, a fraction ≤ 0; missing without any return.

    min(G / running max G − 1), base point included; empyrical.max_drawdown.
    """
    depths = _known(growth)
    return depths if isinstance(depths, Figure) else Figure(min(depths))


def current_drawdown(growth: Sequence[float | None]) -> Figure:
    """Return the distance from the peak at the end, a fraction ≤ 0; missing without any return."""
    depths = _known(growth)
    return depths if isinstance(depths, Figure) else Figure(depths[-1])


def drawdowns(growth: Sequence[float | None]) -> list[Drawdown]:
    """Return every stretch below a peak, oldest first, as far as growth exists; the last may not be recovered."""
    return list(_episodes([value for value in growth if value is not None]))


def worst_drawdowns(growth: Sequence[float | None], count: int = WORST) -> list[Drawdown]:
    """Return the deepest drawdowns, deepest first, the older of equal ones first."""
    return sorted(drawdowns(growth), key=lambda episode: episode.depth)[:count]


def longest_drawdown(growth: Sequence[float | None]) -> Drawdown | None:
    """Return the drawdown of the longest duration, the older of equal ones; ``None`` if growth never fell."""
    return max(drawdowns(growth), key=lambda episode: episode.duration, default=None)


def _known(growth: Sequence[float | None]) -> list[float] | Figure:
    depths = [depth for depth in under_water(growth) if depth is not None]
    if len(depths) < len(growth):
        return missing(NO_BASE)
    return depths if len(depths) > 1 else missing("no returns")


def _episodes(growth: Sequence[float]) -> Iterator[Drawdown]:
    peak = trough = 0
    for place, value in enumerate(growth):
        if value >= growth[peak]:
            if trough > peak:
                yield Drawdown(peak, trough, place, growth[trough] / growth[peak] - 1, place)
            peak = trough = place
        elif trough == peak or value < growth[trough]:
            trough = place
    if trough > peak:
        yield Drawdown(peak, trough, None, growth[trough] / growth[peak] - 1, len(growth) - 1)
