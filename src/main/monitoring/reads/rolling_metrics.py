"""Rolling metrics: how did Sharpe ratio, volatility and drawdown of the last so many days change?"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from main.analytics import ratios
from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.growth_days import GrowthDays, day_returns, growth_days
from main.monitoring.read import Read
from main.monitoring.series import Series

SHORTEST, LONGEST = 5, 1000
"""Days of a window: fewer say nothing, more are the whole history."""


@dataclass(frozen=True, slots=True)
class Rolling(Series):
    """About `points` points, each of the `window` trading days up to it."""

    window: int = 30

    def __post_init__(self) -> None:
        Series.__post_init__(self)
        if not SHORTEST <= self.window <= LONGEST:
            raise ValueError(f"window: got {self.window}, expected {SHORTEST} to {LONGEST} days")


@dataclass(frozen=True, slots=True)
class RollingPoint:
    """Figures of the days up to the close of one; ratios are yearly, the drawdown a fraction ≤ 0.

    ``drawdown`` is the distance below the highest close among those days, the one before them included.
    """

    currency: str
    day: date
    at: datetime
    sharpe: float | None
    volatility: float | None
    drawdown: float | None


async def rolling_metrics(db: Fetcher, scope: Scope, params: Rolling | None = None) -> list[RollingPoint]:
    """Return a point for trading days by currency, oldest first, about ``points`` of them.

    Where there are more days, the lowest Sharpe ratio and the deepest drawdown of those left out are kept. The first
    has ``window`` returns behind it: empty where the scope's window has fewer whole trading days. ``None`` while a
    return among them has no base; the Sharpe ratio also where they do not vary.
    """
    asked = params or Rolling()
    rows = await growth_days(db, scope)
    return await asyncio.to_thread(lambda: [point for row in rows for point in _points(row, asked)])


def _points(row: GrowthDays, asked: Rolling) -> list[RollingPoint]:
    series, yearly = day_returns(row), row.periods_per_year
    sharpe = ratios.rolling_sharpe(series.returns, yearly, asked.window)
    volatility = ratios.rolling_volatility(series.returns, yearly, asked.window)
    below = _below_peak(series.growth, asked.window)
    points = [
        RollingPoint(row.currency, series.days[place], series.times[place], *figures)
        for place, figures in enumerate(zip(sharpe, volatility, below, strict=True), 1)
        if place >= asked.window
    ]
    return _thinned(points, asked.points)


def _below_peak(growth: Sequence[float | None], window: int) -> list[float | None]:
    """Distance of each level but the first from the highest of the `window` before it and itself."""
    found, highest = list[float | None](), deque[tuple[int, float]]()
    for place, level in enumerate(growth):
        while highest and (level is None or highest[-1][1] <= level):
            highest.pop()
        if level is not None:
            highest.append((place, level))
        while highest and highest[0][0] < place - window:
            highest.popleft()
        peak = highest[0][1] if highest else 0.0
        found.append(level / peak - 1 if level is not None and peak > 0 else None)
    return found[1:]


def _thinned(points: list[RollingPoint], most: int) -> list[RollingPoint]:
    """The last point of every so many, and those with the lowest Sharpe ratio and the deepest drawdown among them."""
    if len(points) <= most:
        return points
    size = -(-len(points) * 3 // most)
    kept: set[int] = set()
    for end in range(len(points), 0, -size):
        places = range(max(0, end - size), end)
        kept.add(end - 1)
        rated = [place for place in places if points[place].sharpe is not None]
        if rated:
            kept.add(min(rated, key=lambda place: points[place].sharpe or 0.0))
        kept.add(min(places, key=lambda place: points[place].drawdown or 0.0))
    return [points[place] for place in sorted(kept)]


READ = Read(
    "rolling_metrics",
    "Rolling metrics",
    rolling_metrics,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="ratio; fraction",
    freshness=timedelta(minutes=1),
    params=Rolling,
    formula="of the last n returns: mean(r) / std(r) · √A; std(r) · √A; G / max G of the last n closes − 1",
    references=("Sharpe 1994",),
)
