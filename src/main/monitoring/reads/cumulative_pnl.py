"""Cumulative P&L: what was earned today, this week, month and year, and in all?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class PeriodPnl:
    """Net P&L (account currency) and time-weighted return (a fraction) of one period; ``None`` is not known."""

    currency: str
    period: str
    start: datetime
    pnl: Decimal | None
    period_return: float | None


PERIODS = Query(
    PeriodPnl,
    """
    WITH days AS (
        SELECT a.account_id, a.currency, a.zone, a.roll_over, trading_date($2, a.zone, a.roll_over) AS day
          FROM accounts_at($1, $2, $3, $4) a
    )
    SELECT r.currency, p.name AS period, s.first AS start, r.pnl, r.period_return
      FROM (VALUES (1, 'today'), (2, 'week'), (3, 'month'), (4, 'year'), (5, 'all')) AS p (place, name)
      CROSS JOIN LATERAL (
            SELECT array_agg(b.account_id) AS ids, array_agg(b.start) AS starts, min(b.start) AS first
              FROM (SELECT d.account_id, d.currency,
                           CASE p.name WHEN 'all' THEN '1970-01-01 00:00Z'
                                WHEN 'today' THEN trading_day_start(d.day, d.zone, d.roll_over)
                                ELSE trading_day_start(date_trunc(p.name, d.day)::date, d.zone, d.roll_over)
                           END AS start
                      FROM days d) b
             GROUP BY b.currency) s
      CROSS JOIN LATERAL period_pnl(s.ids, s.starts, $2, $3) r
     ORDER BY r.currency, p.place
    """,
)


async def cumulative_pnl(db: Fetcher, scope: Scope) -> list[PeriodPnl]:
    """Return P&L and return of today, week, month, year and all, by currency; empty when no equity was recorded.

    Periods are those of each account's own trading days, weeks begin on Monday; ``start`` is the earliest among them.
    The P&L is the change of equity without external flows, so realised and unrealised, net of fees. A period that
    begins before the account counts from its first observation. ``None`` when nothing was observed in the period.
    """
    bounds = scope.bounds()
    return await PERIODS.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


READ = Read(
    "cumulative_pnl",
    "Cumulative P&L",
    cumulative_pnl,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    formula="Δequity − external flows since the period's start; return time-weighted",
)
