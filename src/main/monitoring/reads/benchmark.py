"""Benchmark: how did the accounts grow beside what they are compared with?"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from main.analytics.figure import Figure, missing
from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.growth_days import GrowthDays, benchmark_closes, day_returns, growth_days, no_benchmark
from main.monitoring.read import Read
from main.monitoring.series import Series


@dataclass(frozen=True, slots=True)
class ComparedDay:
    """Growth of 1 of both since their first common close, at the close of one trading day."""

    day: date
    at: datetime
    growth: float
    benchmark: float
    excess: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The accounts of one currency beside their benchmark; ``reason`` says why there are no points.

    ``end`` is the newest observation of equity. The three returns are fractions over the common closes; the excess is
    their difference.
    """

    currency: str
    end: datetime
    benchmark: str | None
    reason: str
    period_return: Figure
    benchmark_return: Figure
    excess_return: Figure
    points: list[ComparedDay]


async def benchmark(db: Fetcher, scope: Scope, params: Series | None = None) -> list[Comparison]:
    """Return one row a currency, its points oldest first, at most about ``points``, the first and the last among them.

    Both are taken at the closes of the accounts' trading days that both have, so the running day is not in it. The
    closes are those of the benchmark's daily bars, adjusted where the source does, else its last price of the day. No
    points where the accounts name no benchmark in common, or it has no prices. Empty when no equity was recorded.
    """
    asked = params or Series()
    return [
        _comparison(row, await benchmark_closes(db, scope, row), asked.points) for row in await growth_days(db, scope)
    ]


def _comparison(row: GrowthDays, closes: dict[date, float], points: int) -> Comparison:
    reason = no_benchmark(row, closes)
    compared = [] if reason else _days(row, closes)
    if len(compared) < 2:
        absent = missing(reason or "no two days on which both have a close")
        return Comparison(row.currency, row.times[-1], row.benchmark, absent.reason, absent, absent, absent, [])
    last = compared[-1]
    step = max(1, -(-len(compared) // points))
    # Counted from the newest: the points stay where they are until a day is over.
    shown = compared[::-1][::step][::-1]
    return Comparison(
        row.currency,
        row.times[-1],
        row.benchmark,
        "",
        Figure(last.growth - 1),
        Figure(last.benchmark - 1),
        Figure(last.excess),
        shown if shown[0] is compared[0] else [compared[0], *shown],
    )


def _days(row: GrowthDays, closes: dict[date, float]) -> list[ComparedDay]:
    series = day_returns(row)
    # An account begins within a day: what it began with bears the same date as that day's close, and is no close.
    levels = {day: (at, growth) for day, at, growth in zip(series.days, series.times, series.growth, strict=True)}
    common = [
        (day, at, growth, closes[day])
        for day, (at, growth) in levels.items()
        if growth is not None and growth > 0 and closes.get(day, 0.0) > 0
    ]
    if not common:
        return []
    _, _, first, level = common[0]
    return [
        ComparedDay(day, at, growth / first, close / level, growth / first - close / level)
        for day, at, growth, close in common
    ]


def _newest(rows: list[Comparison]) -> datetime | None:
    return max((row.end for row in rows), default=None)


READ = Read(
    "benchmark",
    "Growth beside the benchmark",
    benchmark,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="growth of 1",
    freshness=timedelta(minutes=1),
    params=Series,
    as_of=_newest,
    formula="growth / growth at the first common close; excess = Π (1 + r) − Π (1 + b), which is not alpha",
)
