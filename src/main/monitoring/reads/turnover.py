"""Turnover: how often a year is the whole account bought and sold?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics import exposure
from main.analytics.figure import Figure, missing
from main.database.query import Fetcher, Query
from main.domain.scope import Scope, trading_day
from main.domain.topics import Topic
from main.monitoring.growth_days import DayReturns, GrowthDays, day_returns, growth_days
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class Turnover:
    """What the accounts of one currency bought and sold after ``start`` and up to ``end``, closes of trading days.

    ``turnover`` is one-way and a year: 1 is the whole account once. ``unpriced`` fills have no rate into the account's
    currency and are in neither sum. ``days`` are the trading days between the closes; ``average_equity`` is over the
    closes, ``None`` without any.
    """

    currency: str
    start: datetime | None
    end: datetime | None
    days: int
    periods_per_year: int
    buys: Decimal
    sells: Decimal
    unpriced: int
    average_equity: float | None
    turnover: Figure


@dataclass(frozen=True, slots=True)
class Traded:
    """What the fills of one side come to."""

    side: str | None
    notional: Decimal
    unpriced: int


TRADED = Query(
    Traded,
    """
    SELECT s.name AS side, s.maker_notional + s.taker_notional + s.unknown_notional AS notional,
           s.fills - s.valued AS unpriced
      FROM fill_sums($1, $2, $3, $4, $5, $6, 'side') s
     WHERE s.currency = $7
    """,
)


async def turnover(db: Fetcher, scope: Scope) -> list[Turnover]:
    """Return one row a currency, accounts of one currency held together; empty when no equity was recorded.

    It is of whole trading days, as the ratios of performance are: what was filled after the first close of the window
    and up to the last. Missing below 30 days, where equity is not above zero on average, and where a fill has no rate
    into the account's currency. A strategy narrows the fills, not the equity. Busted fills do not count.
    """
    return [await _turnover(db, scope, row) for row in await growth_days(db, scope)]


async def _turnover(db: Fetcher, scope: Scope, row: GrowthDays) -> Turnover:
    days = day_returns(row)
    start, end = _ends(row, days)
    traded: dict[str | None, Traded] = {}
    equities: list[float] = []
    if days.returns:
        asked = (list(scope.accounts), start, end, scope.bounds().known_at, scope.present, scope.strategy)
        traded = {each.side: each for each in await TRADED.all(db, *asked, row.currency)}
        equities = days.equities[1:]
    buys, sells = (traded[side].notional if side in traded else Decimal(0) for side in ("buy", "sell"))
    unpriced = sum(each.unpriced for each in traded.values())
    figure = exposure.turnover(float(buys), float(sells), equities, row.periods_per_year, days=days.length or None)
    if unpriced and figure.value is not None:
        figure = missing(f"{unpriced} fills have no rate into the account's currency")
    return Turnover(
        currency=row.currency,
        start=start,
        end=end,
        days=days.length,
        periods_per_year=row.periods_per_year,
        buys=buys,
        sells=sells,
        unpriced=unpriced,
        average_equity=sum(equities) / len(equities) if equities else None,
        turnover=figure,
    )


def _ends(row: GrowthDays, days: DayReturns) -> tuple[datetime | None, datetime | None]:
    """When the first of the days had closed, or the account began in the midst of it, and when the last had."""
    if not days.returns:
        return None, None
    began = days.days[0] == days.days[1]
    return days.times[0] if began else _closed(row, days.times[0]), _closed(row, days.times[-1])


def _closed(row: GrowthDays, observed: datetime) -> datetime:
    day = trading_day(observed - timedelta(microseconds=1), row.zone, row.roll_over)
    return trading_day(day + timedelta(hours=30), row.zone, row.roll_over)  # no day is longer than 25 hours


READ = Read(
    "turnover",
    "Turnover",
    turnover,
    topics=frozenset({Topic.FILLS, Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="times a year; money in account currency",
    freshness=timedelta(minutes=1),
    scalar=lambda rows: rows[0].turnover.value if len(rows) == 1 else None,
    formula="min(buys, sells) / average equity at the closes · A / days, one-way; A = periods a year of the account",
)
