"""Daily P&L: what did each of the last trading days earn?"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

DAYS = 30


@dataclass(frozen=True, slots=True)
class DayPnl:
    """One trading day of a currency: net P&L and its running sum since the first day shown; ``None`` is a gap.

    ``start`` is when the day begins, for the earliest account.
    """

    currency: str
    day: date
    start: datetime
    pnl: Decimal | None
    cumulative: Decimal | None


LAST = Query(
    DayPnl,
    """
    WITH days AS MATERIALIZED (
        SELECT a.account_id, a.currency, d.day::date AS day,
               trading_day_start(d.day::date, a.zone, a.roll_over) AS start,
               least($2, trading_day_start(d.day::date + 1, a.zone, a.roll_over)) AS finish
          FROM accounts_at($1, $2, $3, $4) a
          CROSS JOIN LATERAL generate_series(trading_date($2, a.zone, a.roll_over) - ($5::integer - 1),
                                             trading_date($2, a.zone, a.roll_over), interval '1 day') AS d (day)
    ), ends AS MATERIALIZED (
        SELECT d.*, base.observed_at AS base_at, base.equity AS base, close.observed_at AS at, close.equity
          FROM days d
          CROSS JOIN LATERAL equity_base(d.account_id, d.start, d.finish, $3) base
          CROSS JOIN LATERAL equity_between(d.account_id, d.start, d.finish, $3) close
    ), earned AS (
        SELECT e.currency, e.day, min(e.start) AS start,
               sum(e.equity - e.base - f.amount) FILTER (WHERE e.at > e.base_at) AS pnl
          FROM ends e
          CROSS JOIN LATERAL (
                SELECT coalesce(sum(flow.amount), 0) AS amount
                  FROM external_flows(e.account_id, e.base_at, e.at, $3) flow) f
         GROUP BY e.currency, e.day
    )
    SELECT s.currency, s.day, s.start, s.pnl, CASE WHEN s.pnl IS NOT NULL THEN s.cumulative END AS cumulative
      FROM (SELECT e.*, sum(e.pnl) OVER (PARTITION BY e.currency ORDER BY e.day) AS cumulative FROM earned e) s
     WHERE s.cumulative IS NOT NULL
     ORDER BY s.currency, s.day
    """,
)


async def daily_pnl(db: Fetcher, scope: Scope) -> list[DayPnl]:
    """Return the last 30 trading days up to the scope's moment by currency, oldest first; none before the first equity.

    The P&L of a day is the change of equity between the last observations at or before its two ends, without deposits,
    withdrawals and transfers. A day without an observation is a gap, and the next one spans it;
    the very first observation is nobody's profit.
    """
    bounds = scope.bounds()
    return await LAST.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, DAYS)


READ = Read(
    "daily_pnl",
    "Daily P&L",
    daily_pnl,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    formula="Δequity − external flows, by trading day",
)
