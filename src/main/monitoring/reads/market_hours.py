"""Market hours: which of the exchanges that the accounts trade on are open, and until when?"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.trading_hours import TradingHours, trading_hours


@dataclass(frozen=True, slots=True)
class MarketHours:
    """One calendar of a source, at the scope's moment. Times UTC.

    ``state``: open, break, closed or unknown, for the ``reason``. ``since`` and ``until`` bound the state: of a closed
    exchange ``until`` is when it opens. Both are ``None`` for what trades round the clock, and where it is not known.
    ``passed`` is how much of that time has passed, a fraction.
    """

    source: str
    calendar: str
    symbols: int
    state: str
    since: datetime | None
    until: datetime | None
    reason: str
    passed: float | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """A calendar that instruments name."""

    source: str
    calendar: str
    symbols: int


USED = Query(
    Used,
    """
    SELECT i.source, i.calendar, count(*) AS symbols
      FROM traded_instruments($1, $2, $3, $4, NULL) i
     GROUP BY i.source, i.calendar
     ORDER BY i.source, i.calendar
    """,
)


async def market_hours(db: Fetcher, scope: Scope) -> list[MarketHours]:
    """Return the calendars of the accounts' sources by name; empty when no instrument is described.

    Sessions, holidays, early closes and breaks are those of the exchange_calendars library; extended hours do not
    count. A calendar that it does not know is unknown, never open.
    """
    bounds = scope.bounds()
    used = await USED.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    hours = await asyncio.to_thread(_hours, {row.calendar for row in used}, bounds.end)
    found = []
    for row in used:
        said = hours[row.calendar]
        known = (said.state, said.since, said.until, said.reason, _passed(said, bounds.end))
        found.append(MarketHours(row.source, row.calendar, row.symbols, *known))
    return found


def _passed(hours: TradingHours, moment: datetime) -> float | None:
    if hours.since is None or hours.until is None:
        return None
    return (moment - hours.since) / (hours.until - hours.since)


def _hours(calendars: set[str], moment: datetime) -> dict[str, TradingHours]:
    return {calendar: trading_hours(calendar, moment) for calendar in calendars}


READ = Read(
    "market_hours",
    "Market hours",
    market_hours,
    topics=frozenset({Topic.MARKET, Topic.HEARTBEATS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    scalar=lambda rows: sum(row.state == "open" for row in rows),
    formula="the sessions of the instrument's exchange calendar",
)
