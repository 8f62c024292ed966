"""Prices of a day: how did every symbol go through the day before its newest book?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

STEPS = 32
"""A line of 92 pixels shows no more."""
MOST = 40
"""Symbols: more lines than a screenful nobody compares."""


@dataclass(frozen=True, slots=True)
class DayPrices:
    """Mid prices at equal steps, oldest first, in the symbol's currency; the last is the newest book's, ``at``.

    A price is the newest one at its moment or before, ``None`` where the record does not reach back so far.
    """

    source: str
    symbol: str
    at: datetime
    prices: list[float | None]


PRICES = Query(
    DayPrices,
    """
    SELECT i.source, i.symbol, b.at::timestamptz AS at, p.prices
      FROM (SELECT t.source, t.symbol
              FROM traded_instruments($1, $2, $3, $4, NULL) t
             ORDER BY t.source, t.symbol
             LIMIT $5) i
      CROSS JOIN LATERAL newest_book(i.source, i.symbol, $2, $3) b
      CROSS JOIN LATERAL (
            SELECT array_agg(q.price::float8 ORDER BY step.number) AS prices
              FROM generate_series(0, $6::integer) AS step (number)
              LEFT JOIN LATERAL price_at(i.source, i.symbol,
                                         b.at - (1 - step.number::float8 / $6) * interval '1 day', $3) q ON true) p
     ORDER BY i.source, i.symbol
    """,
)


async def day_prices(db: Fetcher, scope: Scope) -> list[DayPrices]:
    """Return 33 prices of each symbol that has a book, of the first 40 symbols by source and name.

    Empty when no book was recorded. The day ends at the symbol's newest book, so that a closed market shows its last.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    return await PRICES.all(db, *which, MOST, STEPS)


def _newest(rows: list[DayPrices]) -> datetime | None:
    return max((row.at for row in rows), default=None)


READ = Read(
    "day_prices",
    "Prices of a day",
    day_prices,
    topics=frozenset({Topic.ACCOUNTS}),
    unit="the symbol's currency",
    freshness=timedelta(days=1) / STEPS,
    as_of=_newest,
    formula="the newest mid at each of 33 moments of the day before the newest book",
)
