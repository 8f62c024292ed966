"""Correlation: which strategies or symbols earn and lose on the same days?"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from main.analytics import benchmark as comparison
from main.analytics.figure import Figure
from main.analytics.returns import returns_of
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read

DIMENSIONS = ("strategy", "symbol", "price")
LONGEST = timedelta(days=366)
"""Correlations drift: what lies further back than a year tells little of today."""


@dataclass(frozen=True, slots=True)
class Between:
    """What is compared: daily net P&L by `strategy` or `symbol`, or the daily price returns of traded symbols.

    The `most` names with the most trades take part.
    """

    by: Literal["strategy", "symbol", "price"] = "strategy"
    most: int = 15

    def __post_init__(self) -> None:
        check_choice("by", self.by, DIMENSIONS)
        if not 2 <= self.most <= 40:
            raise ValueError(f"most: got {self.most}, expected 2 to 40")


@dataclass(frozen=True, slots=True)
class DailyPnlBy:
    """Net P&L of one name's trades that were closed on a trading day; those without a name are "-"."""

    currency: str
    name: str
    day: date
    pnl: float
    trades: int


DAILY_PNL = Query(
    DailyPnlBy,
    """
    SELECT t.currency, coalesce(t.key, '-') AS name, t.day, (t.won + t.lost)::float8 AS pnl, t.trades
      FROM trade_totals($2, $3, $4, $5, $6, $1, true, $7, NULL, NULL, NULL, NULL, NULL) t
     ORDER BY t.currency, t.day, t.key
    """,
)


@dataclass(frozen=True, slots=True)
class PricedDay:
    """The close of a symbol on a trading day."""

    currency: str
    name: str
    day: date
    close: float


PRICES = Query(
    PricedDay,
    """
    SELECT c.currency, n.name, d.day, d.close
      FROM trading_calendars($1, $3, $4, $5) c
      JOIN unnest($6::text[], $7::text[]) AS n (currency, name) ON n.currency = c.currency
      CROSS JOIN LATERAL (
            SELECT min(a.source) AS source
              FROM accounts_at($1, $3, $4, $5) a
             WHERE a.currency = c.currency
            HAVING count(DISTINCT a.source) = 1) s
      CROSS JOIN LATERAL daily_closes(s.source, n.name, c.zone, c.roll_over, trading_date($2, c.zone, c.roll_over) + 1,
                                      $3, $4) d
     WHERE d.day < trading_date($3, c.zone, c.roll_over)
     ORDER BY c.currency, n.name, d.day
    """,
)


@dataclass(frozen=True, slots=True)
class CorrelationMatrix:
    """The correlations of one currency, a row of cells a name, in the order of ``names``; symmetric.

    ``names`` begin with the one that traded most. ``start`` and ``end`` are the first and last day compared, and
    ``days`` how many they are at most: prices are compared over the days that both symbols have.
    """

    currency: str
    by: str
    start: date
    end: date
    days: int
    names: list[str]
    cells: list[list[Figure]]


async def correlation(db: Fetcher, scope: Scope, params: Between | None = None) -> list[CorrelationMatrix]:
    """Return one matrix a currency, of the window's last year at most; empty where no trade was closed in it.

    P&L is realised, net, and belongs to the trading day on which the trade was closed; on a day on which others closed
    trades, and a name did not, its P&L is 0. Price returns are between closes of whole trading days on which both have
    one; symbols without a price have none. A cell is missing with its reason below 30 common days.
    """
    asked, bounds = params or Between(), scope.bounds()
    start = max(bounds.start, bounds.end - LONGEST)
    window = (list(scope.accounts), start, bounds.end, bounds.known_at, scope.present)
    by = "symbol" if asked.by == "price" else asked.by
    traded = _by_currency(await DAILY_PNL.all(db, by, *window, scope.strategy or None))
    names = {currency: _busiest(rows, asked.most) for currency, rows in traded.items()}
    if asked.by != "price":
        series = {currency: _pnl(rows, names[currency]) for currency, rows in traded.items()}
        return await asyncio.to_thread(_matrices, asked.by, series)
    pairs = [(currency, name) for currency, found in names.items() for name in found]
    priced = await PRICES.all(db, *window, [currency for currency, _ in pairs], [name for _, name in pairs])
    return await asyncio.to_thread(_matrices, asked.by, _price_returns(priced, names))


def _by_currency(rows: Sequence[DailyPnlBy]) -> dict[str, list[DailyPnlBy]]:
    found: dict[str, list[DailyPnlBy]] = {}
    for row in rows:
        found.setdefault(row.currency, []).append(row)
    return found


def _busiest(rows: Sequence[DailyPnlBy], most: int) -> list[str]:
    trades = Counter[str]()
    for row in rows:
        trades[row.name] += row.trades
    return sorted(trades, key=lambda name: (-trades[name], name))[:most]


def _pnl(rows: Sequence[DailyPnlBy], names: Sequence[str]) -> dict[str, dict[date, float]]:
    days = sorted({row.day for row in rows})
    series = {name: dict.fromkeys(days, 0.0) for name in names}
    for row in rows:
        if row.name in series:
            series[row.name][row.day] += row.pnl  # a strategy may really be called "-"
    return series


def _price_returns(rows: Sequence[PricedDay], names: dict[str, list[str]]) -> dict[str, dict[str, dict[date, float]]]:
    closes: dict[tuple[str, str], list[PricedDay]] = {}
    for row in rows:
        closes.setdefault((row.currency, row.name), []).append(row)
    series: dict[str, dict[str, dict[date, float]]] = {}
    for currency, found in names.items():
        for name in found:
            days = closes.get((currency, name), [])
            changes = zip(days[1:], returns_of([row.close for row in days]), strict=bool(days))
            returns = {row.day: value for row, value in changes if value is not None}
            if returns:
                series.setdefault(currency, {})[name] = returns
    return series


def _matrices(by: str, series: dict[str, dict[str, dict[date, float]]]) -> list[CorrelationMatrix]:
    found = list[CorrelationMatrix]()
    for currency, named in series.items():
        days = sorted({day for values in named.values() for day in values})
        cells = comparison.correlation_matrix(named)
        found.append(CorrelationMatrix(currency, by, days[0], days[-1], len(days), list(named), cells))
    return found


READ = Read(
    "correlation",
    "Correlation",
    correlation,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="correlation, -1 to 1",
    freshness=timedelta(minutes=1),
    params=Between,
    formula="Pearson: cov(x, y) / (std(x) · std(y)) of daily net P&L, or of daily price returns",
    references=("Pearson 1895",),
)
