"""P&L calendar: what did the trades that closed on each day of a year bring?"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.trade_filter import TradeFilter
from main.monitoring.trade_totals import PARTS

FIRST_YEAR, LAST_YEAR = 1970, 9998


@dataclass(frozen=True, slots=True)
class CalendarParams(TradeFilter):
    """Which year, the one that the scope's moment lies in unless it is said, and which trades."""

    year: int | None = None

    def __post_init__(self) -> None:
        TradeFilter.__post_init__(self)
        if self.year is not None and not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise ValueError(f"year: got {self.year}, expected {FIRST_YEAR} to {LAST_YEAR}")


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One trading day with trades, in account currency. ``cumulative`` is the net P&L of the year so far.

    ``week_to_date`` and ``month_to_date`` are those of its week, from Monday, and month up to and with this day, within
    the year: those of its last day are the whole week's or month's.
    """

    currency: str
    day: date
    net_pnl: Decimal
    trades: int
    wins: int
    losses: int
    fees: Decimal
    cumulative: Decimal
    week_to_date: Decimal
    month_to_date: Decimal


@dataclass(frozen=True, slots=True)
class _Year:
    year: int | None


YEAR = Query(
    _Year,
    """
    SELECT max(extract(year FROM trading_date($2, a.zone, a.roll_over)))::integer AS year
      FROM accounts_at($1, $2, $3, $4) a
    """,
)
THIS_YEAR = CalendarParams()
MARGIN = timedelta(days=2)
"""A trading day may begin a day before its date in UTC, or end a day after it."""


async def pnl_calendar(db: Fetcher, scope: Scope, params: CalendarParams = THIS_YEAR) -> list[CalendarDay]:
    """Return the trading days of one year that have closed trades, by currency, oldest first; empty without any.

    The whole year up to the scope's moment, whatever its window. A day is the account's own, in its zone and with its
    roll-over; net P&L belongs to the day a trade closes. A day without trades is left out.
    """
    bounds, accounts = scope.bounds(), list(scope.accounts)
    known = (bounds.known_at, scope.present)
    end = scope.moment or bounds.end
    year = params.year or (await YEAR.all(db, accounts, end, *known))[0].year
    if year is None:
        return []
    start = datetime(year, 1, 1, tzinfo=UTC) - MARGIN
    until = min(end, datetime(year + 1, 1, 1, tzinfo=UTC) + MARGIN)
    rows = await PARTS.all(db, accounts, start, until, *known, None, True, *params.arguments(scope))
    days: list[CalendarDay] = []
    for row in rows:
        if row.day is None or row.day.year != year:
            continue
        last = days[-1] if days and days[-1].currency == row.currency else None
        sums = [before + row.net for before in _before(last, row.day)]
        days.append(CalendarDay(row.currency, row.day, row.net, row.trades, row.wins, row.losses, row.fees, *sums))
    return days


def _before(last: CalendarDay | None, day: date) -> tuple[Decimal, Decimal, Decimal]:
    """What the year, the week and the month of a day had come to before it."""
    if last is None:
        return Decimal(0), Decimal(0), Decimal(0)
    week = last.week_to_date if last.day.isocalendar()[:2] == day.isocalendar()[:2] else Decimal(0)
    month = last.month_to_date if last.day.month == day.month else Decimal(0)
    return last.cumulative, week, month


READ = Read(
    "pnl_calendar",
    "P&L calendar",
    pnl_calendar,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=CalendarParams,
    formula="Σ net P&L of the trades that closed on the trading day",
)
