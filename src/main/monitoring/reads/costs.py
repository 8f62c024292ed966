"""Costs: what did trading itself cost: fees, spread, slippage and funding, by trade, strategy and month?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal, get_args

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.trade_filter import TradeFilter, window_arguments

By = Literal["month", "strategy", "symbol", "trade"]
MEASURED = 2000
"""Spread and slippage are looked up fill by fill; of more trades that would take seconds."""
LISTED = 200
"""Trades that are listed one by one."""


@dataclass(frozen=True, slots=True)
class CostsParams(TradeFilter):
    """By what to part the costs, and of which trades."""

    by: By = "month"

    def __post_init__(self) -> None:
        TradeFilter.__post_init__(self)
        check_choice("by", self.by, get_args(By))


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of one part in account currency; positive is paid.

    ``name`` is a month (2026-11), a strategy, a symbol or a trade's id, ``None`` for trades of no strategy. ``fees``
    are of both legs of all its ``trades``. Slippage and spread are of the ``measured`` ones: those among the newest
    2,000 of each account of whose two fills the arrival mid is known. ``slippage`` is side · (fill − arrival mid) ·
    quantity; ``spread`` is the part of it that the quoted half spread explains, paid by a taker and earned by a maker,
    ``None`` where no book was recorded in the minute before the fills. Both are in basis points of the notional too.
    ``funding`` is known by month only, and ``None`` otherwise or where trades are picked.
    """

    currency: str
    name: str | None
    trades: int
    fees: Decimal
    fees_per_trade: Decimal | None
    measured: int
    slippage: Decimal | None
    slippage_bps: float | None
    spread: Decimal | None
    spread_bps: float | None
    funding: Decimal | None


COSTS = Query(
    Costs,
    """
    WITH newest AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.currency ORDER BY c.exit_time DESC, c.id) AS place
          FROM trade_costs($1, $2, $3, $4, $5, CASE $6 WHEN 'trade' THEN $14::integer ELSE $13 END,
                           $7, $8, $9, $10, $11, $12) c
    ), measured AS (
        SELECT c.*, CASE $6 WHEN 'month' THEN to_char(c.day, 'YYYY-MM') WHEN 'strategy' THEN c.strategy
                            WHEN 'symbol' THEN c.symbol ELSE c.id END AS name
          FROM newest c
         WHERE $6 <> 'trade' OR c.place <= $14
    ), booked AS (
        SELECT t.currency, t.key AS name, t.trades, t.fees
          FROM trade_totals($1, $2, $3, $4, $5, $6, false, $7, $8, $9, $10, $11, $12) t
         WHERE $6 <> 'trade'
        UNION ALL
        SELECT m.currency, m.name, 1, m.fees FROM measured m WHERE $6 = 'trade'
    ), looked_at AS (
        SELECT m.currency, m.name, count(m.slippage) AS measured, sum(m.slippage) AS slippage,
               sum(m.notional) AS notional,
               sum(m.spread) FILTER (WHERE m.slippage IS NOT NULL) AS spread,
               sum(m.notional) FILTER (WHERE m.spread IS NOT NULL) AS spread_notional, max(m.exit_time) AS newest
          FROM measured m
         GROUP BY m.currency, m.name
    ), funded AS (
        SELECT a.currency, to_char(trading_date(f.at, a.zone, a.roll_over), 'YYYY-MM') AS name,
               -sum(f.amount) AS funding
          FROM accounts_at($1, $3, $4, $5) a
          CROSS JOIN LATERAL booked_flows(a.account_id, $2, $3, $4) f
         WHERE $6 = 'month' AND f.kind = 'funding' AND num_nonnulls($7, $8, $9, $10, $11, $12) = 0
         GROUP BY 1, 2
    )
    SELECT coalesce(b.currency, f.currency) AS currency, coalesce(b.name, f.name) AS name,
           coalesce(b.trades, 0) AS trades,
           coalesce(b.fees, 0) AS fees, b.fees / nullif(b.trades, 0) AS fees_per_trade,
           coalesce(l.measured, 0) AS measured, l.slippage,
           (l.slippage / nullif(l.notional, 0) * 10000)::float8 AS slippage_bps,
           l.spread, (l.spread / nullif(l.spread_notional, 0) * 10000)::float8 AS spread_bps,
           CASE WHEN $6 = 'month' AND num_nonnulls($7, $8, $9, $10, $11, $12) = 0
                THEN coalesce(f.funding, 0) END AS funding
      FROM booked b
      LEFT JOIN looked_at l ON l.currency = b.currency AND l.name IS NOT DISTINCT FROM b.name
      FULL JOIN funded f ON f.currency = b.currency AND f.name = b.name
     ORDER BY 1, CASE $6 WHEN 'trade' THEN l.newest END DESC,
              CASE WHEN $6 IN ('strategy', 'symbol') THEN b.fees END DESC, 2
    """,
    planned_anew=True,
)
BY_MONTH = CostsParams()


async def costs(db: Fetcher, scope: Scope, params: CostsParams = BY_MONTH) -> list[Costs]:
    """Return the costs of the trades that closed in the scope's window and match, by currency; empty without any.

    Months in their order, of the trading day of the exit (of the flow, for funding); strategies and symbols by fees,
    most first; of single trades the newest 200, newest first. Fees that were charged apart from fills are not in it.
    """
    window = window_arguments(scope)
    return await COSTS.all(db, *window, params.by, *params.arguments(scope), MEASURED, LISTED)


READ = Read(
    "costs",
    "Costs",
    costs,
    topics=frozenset({Topic.TRADES, Topic.FILLS, Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=CostsParams,
    formula="fees of both legs; side · (fill − arrival mid) · quantity; half spread · quantity; −Σ funding credited",
)
