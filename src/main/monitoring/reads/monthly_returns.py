"""Monthly returns: which months were good, and which were not?"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from main.database.query import Fetcher
from main.domain.scope import Scope, trading_date
from main.domain.topics import Topic
from main.monitoring.growth_days import GrowthDays, growth_days
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class MonthReturn:
    """The time-weighted return of one month, a fraction; ``None`` where equity gave it no base.

    ``month`` is its first day and ``until`` its last observation. ``whole`` says that the window has all of it: it did
    not begin within the month, and the month is over. Where it did, ``since`` is the day that it began on.
    ``year_to_date`` compounds the year's months in the window up to and with this one: that of a year's last month is
    the year's return.
    """

    currency: str
    month: date
    until: datetime
    period_return: float | None
    whole: bool
    year_to_date: float | None
    since: date | None = None


async def monthly_returns(db: Fetcher, scope: Scope) -> list[MonthReturn]:
    """Return a row for each month in which equity was observed, by currency, oldest first; empty without two points.

    Months are those of the account's trading days. A month reaches from the last observation before it, and all months
    compounded are the return of the window. One without an observation is absent, and counts for the next that has one.
    """
    end = scope.bounds().end
    return [month for row in await growth_days(db, scope) for month in _months(row, end)]


def _months(row: GrowthDays, end: datetime) -> list[MonthReturn]:
    last_places = [
        place
        for place, (day, following) in enumerate(pairwise([*row.days, date.max]))
        if place > 0 and (day.year, day.month) != (following.year, following.month)
    ]
    first, running = row.days[0].replace(day=1), trading_date(end, row.zone, row.roll_over).replace(day=1)
    begun = trading_date(row.times[0], row.zone, row.roll_over)
    found, before, year_before = list[MonthReturn](), row.growth[0], row.growth[0]
    for place in last_places:
        growth, month = row.growth[place], row.days[place].replace(day=1)
        if found and found[-1].month.year < month.year:
            year_before = before
        value, so_far = _change(before, growth), _change(year_before, growth)
        since = begun if month == first else None
        found.append(MonthReturn(row.currency, month, row.times[place], value, first < month < running, so_far, since))
        before = growth
    return found


def _change(before: float | None, growth: float | None) -> float | None:
    return growth / before - 1 if growth is not None and before is not None and before > 0 else None


def _newest(rows: list[MonthReturn]) -> datetime | None:
    return max((row.until for row in rows), default=None)


READ = Read(
    "monthly_returns",
    "Monthly returns",
    monthly_returns,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    formula="growth at the month's last observation / growth at the last one before the month − 1",
)
