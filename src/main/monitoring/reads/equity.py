"""Equity: how did equity, growth and drawdown run through the window, by currency?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """One point of a currency's curve.

    ``growth`` is of 1 since the beginning, external flows removed; ``drawdown`` a fraction ≤ 0. ``low`` and ``high``
    are the least and the greatest equity observed since the point before, this one included; ``None`` where several
    accounts are added up: the least of a sum is not the sum of the least.
    """

    currency: str
    at: datetime
    equity: float
    growth: float | None
    drawdown: float | None
    low: float | None = None
    high: float | None = None


POINTS = Query(
    EquityPoint,
    """
    SELECT c.currency, c.at, c.equity::float8 AS equity, c.growth, c.drawdown, c.low::float8 AS low,
           c.high::float8 AS high
      FROM equity_course($1, $2, $3, $4) c
     ORDER BY c.currency, c.at
    """,
)


async def equity(db: Fetcher, scope: Scope) -> list[EquityPoint]:
    """Return the curve of each currency over the scope's window, oldest first, at most about 400 points each.

    Up to a week of history a point is the last observation of a bucket on round times; over longer ones it is the close
    of a trading day, and the latest observation. The moment before every external flow is a point too, and where equity
    was not seen in the five minutes before it, the next observation. Where nothing was observed there is no point. The
    peak is the highest growth inside the window, its beginning included. Growth and drawdown are ``None`` from where
    equity fell to 0 or below; peak and drawdown are those of the points. Extremes are of every observation, but
    ``None`` where more than 50,000 had to be looked at one by one: of a long window as it was known at a past moment.
    Empty when nothing was recorded by the window's end.
    """
    bounds = scope.bounds()
    return await POINTS.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at)


def _newest(points: list[EquityPoint]) -> datetime | None:
    return max((point.at for point in points), default=None)


READ = Read(
    "equity",
    "Equity and drawdown",
    equity,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    formula="growth = Π (1 + r), r = (E₁ − E₀ − F) / (E₀ + Σ w·F); drawdown = growth / running max − 1",
)
