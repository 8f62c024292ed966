"""Drawdowns: how far and how long was growth below its peak, and which times were the worst?"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.analytics import drawdown as depth
from main.analytics.figure import Figure
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series


@dataclass(frozen=True, slots=True)
class GrowthCurve:
    """The points of one currency's equity curve in columns, oldest first."""

    currency: str
    times: list[datetime]
    growth: list[float | None]
    drawdown: list[float | None]
    step_seconds: float | None


CURVES = Query(
    GrowthCurve,
    """
    SELECT c.currency, array_agg(c.at ORDER BY c.at) AS times, array_agg(c.growth ORDER BY c.at) AS growth,
           array_agg(c.drawdown ORDER BY c.at) AS drawdown,
           CASE WHEN count(*) > 1 THEN extract(epoch FROM curve_step($3 - min(c.at), 400))::float8 END AS step_seconds
      FROM equity_curve($1, $2, $3, $4, 400) c
     GROUP BY c.currency
     ORDER BY c.currency
    """,
)


@dataclass(frozen=True, slots=True)
class UnderWater:
    """One point of the under-water curve: growth as a fraction below its running peak, ≤ 0.

    It is below -1 where equity is below zero.
    """

    at: datetime
    drawdown: float | None


@dataclass(frozen=True, slots=True)
class DrawdownPeriod:
    """One time below a peak. ``recovered_at`` is ``None`` while the peak was not reached again; lengths are in days.

    ``days`` counts from the peak until the recovery, or until the newest point; ``decline_days`` until the trough.
    """

    peak_at: datetime
    trough_at: datetime
    recovered_at: datetime | None
    depth: float
    days: float
    decline_days: float
    recovery_days: float | None


@dataclass(frozen=True, slots=True)
class Drawdowns:
    """The under-water curve of one currency and its worst times, deepest first, at most five.

    ``step_seconds`` is how far the points lie apart that all of it was seen at, whatever fell and rose again between.
    """

    currency: str
    end: datetime
    current: Figure
    deepest: Figure
    longest_days: float | None
    worst: list[DrawdownPeriod]
    points: list[UnderWater]
    step_seconds: float | None


async def drawdowns(db: Fetcher, scope: Scope, params: Series | None = None) -> list[Drawdowns]:
    """Return one row a currency, about ``points`` points each with the deepest kept; empty when nothing was recorded.

    They are those of the `equity` read: growth is free of deposits and withdrawals, and the peak the highest inside the
    window, its beginning included. From where equity had no base any more nothing is known, and the two figures have
    that reason. ``longest_days`` is ``None`` where growth never fell. Of more than a week, growth is seen at closes
    of days (a step of 86,400 seconds), so that a longer window may have seen less of a fall than a shorter one.
    """
    bounds, asked = scope.bounds(), params or Series()
    curves = await CURVES.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at)
    return await asyncio.to_thread(lambda: [_drawdowns(curve, asked.points) for curve in curves])


def _drawdowns(curve: GrowthCurve, points: int) -> Drawdowns:
    longest = depth.longest_drawdown(curve.growth)
    return Drawdowns(
        currency=curve.currency,
        end=curve.times[-1],
        current=depth.current_drawdown(curve.growth),
        deepest=depth.max_drawdown(curve.growth),
        longest_days=None if longest is None else _days(curve.times, longest.peak, longest.last),
        worst=[_period(curve.times, episode) for episode in depth.worst_drawdowns(curve.growth)],
        points=_thinned(curve, points),
        step_seconds=curve.step_seconds,
    )


def _period(times: list[datetime], episode: depth.Drawdown) -> DrawdownPeriod:
    recovery = episode.recovery
    return DrawdownPeriod(
        peak_at=times[episode.peak],
        trough_at=times[episode.trough],
        recovered_at=None if recovery is None else times[recovery],
        depth=episode.depth,
        days=_days(times, episode.peak, episode.last),
        decline_days=_days(times, episode.peak, episode.trough),
        recovery_days=None if recovery is None else _days(times, episode.trough, recovery),
    )


def _days(times: list[datetime], first: int, last: int) -> float:
    return (times[last] - times[first]) / timedelta(days=1)


def _thinned(curve: GrowthCurve, most: int) -> list[UnderWater]:
    """The first and last point of every so many, and the deepest between them."""
    size = max(1, -(-len(curve.times) * 2 // most)) if len(curve.times) > most else 1
    kept = {0, len(curve.times) - 1}
    for end in range(len(curve.times), 0, -size):
        places = range(max(0, end - size), end)
        kept |= {end - 1, min(places, key=lambda place: curve.drawdown[place] or 0.0)}
    return [UnderWater(curve.times[place], curve.drawdown[place]) for place in sorted(kept)]


def _newest(rows: list[Drawdowns]) -> datetime | None:
    return max((row.end for row in rows), default=None)


def _current(rows: list[Drawdowns]) -> float | None:
    known = [row.current.value for row in rows if row.current.value is not None]
    return min(known) if len(known) == len(rows) and known else None


READ = Read(
    "drawdowns",
    "Drawdowns",
    drawdowns,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(minutes=1),
    params=Series,
    as_of=_newest,
    scalar=_current,
    formula="growth / running max growth − 1; the scalar is the deepest of the currencies' current ones",
)
