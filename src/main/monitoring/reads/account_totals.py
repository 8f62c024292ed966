"""Account totals: what do the selected accounts amount to together, currency by currency?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """All accounts of one currency together: sums of what is known, ratios as fractions.

    ``unobserved`` counts accounts without any equity: they are in no sum. ``loss_*`` belong to the account whose daily
    loss is nearest to its limit, because limits are per account.
    """

    currency: str
    accounts: int
    unobserved: int
    equity_at: datetime | None
    equity: Decimal | None
    cash: Decimal | None
    available_margin: Decimal | None
    today_pnl: Decimal | None
    today_return: float | None
    unrealized_pnl: Decimal | None
    unrealized_share: float | None
    positions: int
    unpriced_positions: int
    realized_today: Decimal
    fees_today: Decimal
    closed_today: int
    won_today: int
    loss_account: str | None
    loss_label: str | None
    loss_used: Decimal | None
    loss_limit: Decimal | None
    loss_share: float | None
    trading_blocked: bool
    drawdown: float | None
    max_drawdown: float | None


TOTALS = Query(
    CurrencyTotal,
    """
    WITH figures AS (SELECT f.*, f.loss_used / nullif(f.loss_limit, 0) AS loss_share
                       FROM account_figures($1, $2, $3, $4, $5) f),
         nearest AS (SELECT DISTINCT ON (f.currency) f.*
                       FROM figures f
                      ORDER BY f.currency, f.trading_blocked IS TRUE DESC, f.loss_share DESC NULLS LAST, f.account_id),
         sums AS (SELECT f.currency, array_agg(f.account_id) AS ids, array_agg(f.today_start) AS starts,
                         count(*) AS accounts, count(*) - count(f.equity) AS unobserved, max(f.equity_at) AS equity_at,
                         sum(f.equity) AS equity, sum(f.cash) AS cash, sum(f.available_margin) AS available_margin,
                         CASE WHEN sum(f.unpriced_positions) = 0 THEN sum(f.unrealized_pnl) END AS unrealized_pnl,
                         sum(f.cost) AS cost, sum(f.positions)::bigint AS positions,
                         sum(f.unpriced_positions)::bigint AS unpriced_positions,
                         sum(f.realized_today) AS realized_today, sum(f.fees_today) AS fees_today,
                         sum(f.closed_today)::bigint AS closed_today, sum(f.won_today)::bigint AS won_today,
                         sum(f.today_pnl) AS today_pnl
                    FROM figures f
                   GROUP BY f.currency)
    SELECT s.currency, s.accounts, s.unobserved, s.equity_at, s.equity, s.cash, s.available_margin,
           s.today_pnl, CASE WHEN s.today_pnl IS NOT NULL THEN p.period_return END AS today_return,
           s.unrealized_pnl, (s.unrealized_pnl / nullif(s.cost, 0))::float8 AS unrealized_share,
           s.positions, s.unpriced_positions,
           s.realized_today, s.fees_today, s.closed_today, s.won_today,
           n.account_id AS loss_account, n.label AS loss_label, n.loss_used, n.loss_limit,
           n.loss_share::float8 AS loss_share, n.trading_blocked IS TRUE AS trading_blocked,
           d.drawdown, d.max_drawdown
      FROM sums s
      JOIN nearest n ON n.currency = s.currency
      LEFT JOIN LATERAL period_pnl(s.ids, s.starts, $3, $4) p ON true
      LEFT JOIN LATERAL window_drawdown(s.ids, $2, $3, $4) d ON true
     ORDER BY s.accounts DESC, s.currency
    """,
)


async def account_totals(db: Fetcher, scope: Scope) -> list[CurrencyTotal]:
    """Return one row a currency, most accounts first; amounts of different currencies are never added.

    Sums leave out what is not known and say how much that is; unrealised P&L is ``None`` while any position has no
    price. Return and drawdown are those of the accounts held together, an account that began later counting as an
    inflow, so they are not averages of the accounts' own. Empty without accounts.
    """
    bounds = scope.bounds()
    return await TOTALS.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present)


def _newest(totals: list[CurrencyTotal]) -> datetime | None:
    return max((total.equity_at for total in totals if total.equity_at is not None), default=None)


READ = Read(
    "account_totals",
    "Account totals",
    account_totals,
    topics=frozenset(
        {
            Topic.ACCOUNTS,
            Topic.EQUITY,
            Topic.CASH,
            Topic.POSITIONS,
            Topic.TRADES,
            Topic.DAILY,
            Topic.HEARTBEATS,
        }
    ),
    unit="account currency",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    formula="Σ over the accounts of a currency; returns time-weighted on their common equity",
)
