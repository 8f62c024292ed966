"""Account totals: what do the selected accounts amount to together, currency by currency?"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

_CURRENCY = re.compile(r"[A-Z0-9]{2,10}")


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """All accounts of one currency together: sums of what is known, ratios as fractions.

    ``unobserved`` counts accounts without any equity: they are in no sum. ``loss_*`` belong to the account whose daily
    loss is nearest to its limit, because limits are per account. ``missing_rates`` names the currencies that no rate is
    known from, where all is told in one: then every sum that they belong to is ``None``.
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
    realized_today: Decimal | None
    fees_today: Decimal | None
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
    drawdown_step_seconds: float | None
    missing_rates: list[str] = field(default_factory=list)


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
           d.drawdown, d.max_drawdown, extract(epoch FROM d.step)::float8 AS drawdown_step_seconds,
           '{}'::text[] AS missing_rates
      FROM sums s
      JOIN nearest n ON n.currency = s.currency
      LEFT JOIN LATERAL period_pnl(s.ids, s.starts, $3, $4) p ON true
      LEFT JOIN LATERAL window_drawdown(s.ids, $2, $3, $4) d ON true
     ORDER BY s.accounts DESC, s.currency
    """,
)

CONVERTED = Query(
    CurrencyTotal,
    """
    WITH figures AS (SELECT f.*, f.loss_used / nullif(f.loss_limit, 0) AS loss_share,
                            fx_rate_at(a.source, f.currency, $6, $3, $4) AS rate
                       FROM account_figures($1, $2, $3, $4, $5) f
                       JOIN accounts a ON a.account_id = f.account_id),
         nearest AS (SELECT f.*
                       FROM figures f
                      ORDER BY f.trading_blocked IS TRUE DESC, f.loss_share DESC NULLS LAST, f.account_id
                      LIMIT 1),
         sums AS (SELECT bool_and(f.rate IS NOT NULL) AS complete,
                         array_agg(DISTINCT f.currency ORDER BY f.currency) FILTER (WHERE f.rate IS NULL) AS missing,
                         count(DISTINCT f.currency) AS currencies,
                         count(*) AS accounts, count(*) - count(f.equity) AS unobserved, max(f.equity_at) AS equity_at,
                         sum(f.equity * f.rate) AS equity, sum(f.cash * f.rate) AS cash,
                         sum(f.available_margin * f.rate) AS available_margin,
                         CASE WHEN sum(f.unpriced_positions) = 0 THEN sum(f.unrealized_pnl * f.rate) END
                             AS unrealized_pnl,
                         sum(f.cost * f.rate) AS cost, sum(f.positions)::bigint AS positions,
                         sum(f.unpriced_positions)::bigint AS unpriced_positions,
                         sum(f.realized_today * f.rate) AS realized_today, sum(f.fees_today * f.rate) AS fees_today,
                         sum(f.closed_today)::bigint AS closed_today, sum(f.won_today)::bigint AS won_today,
                         sum(f.today_pnl * f.rate) AS today_pnl,
                         array_agg(f.account_id) AS ids, array_agg(f.today_start) AS starts
                    FROM figures f)
    SELECT $6 AS currency, s.accounts, s.unobserved, s.equity_at,
           CASE WHEN s.complete THEN s.equity END AS equity, CASE WHEN s.complete THEN s.cash END AS cash,
           CASE WHEN s.complete THEN s.available_margin END AS available_margin,
           CASE WHEN s.complete THEN s.today_pnl END AS today_pnl,
           CASE WHEN s.today_pnl IS NOT NULL THEN p.period_return END AS today_return,
           CASE WHEN s.complete THEN s.unrealized_pnl END AS unrealized_pnl,
           CASE WHEN s.complete THEN (s.unrealized_pnl / nullif(s.cost, 0))::float8 END AS unrealized_share,
           s.positions, s.unpriced_positions,
           CASE WHEN s.complete THEN s.realized_today END AS realized_today,
           CASE WHEN s.complete THEN s.fees_today END AS fees_today, s.closed_today, s.won_today,
           n.account_id AS loss_account, n.label AS loss_label, n.loss_used * n.rate AS loss_used,
           n.loss_limit * n.rate AS loss_limit,
           n.loss_share::float8 AS loss_share, n.trading_blocked IS TRUE AS trading_blocked,
           d.drawdown, d.max_drawdown, extract(epoch FROM d.step)::float8 AS drawdown_step_seconds,
           coalesce(s.missing, '{}') AS missing_rates
      FROM sums s
      CROSS JOIN nearest n
      LEFT JOIN LATERAL period_pnl(s.ids, s.starts, $3, $4) p ON s.currencies = 1
      LEFT JOIN LATERAL window_drawdown(s.ids, $2, $3, $4) d ON s.currencies = 1
     WHERE s.accounts > 0
    """,
)


@dataclass(frozen=True, slots=True)
class InCurrency:
    """The currency that all is told in, such as "EUR"; ``None`` leaves each its own."""

    currency: str | None = None

    def __post_init__(self) -> None:
        if self.currency is not None and not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"currency: got {self.currency[:20]!r}, expected 2 to 10 capitals or digits, such as EUR")


async def account_totals(db: Fetcher, scope: Scope, params: InCurrency | None = None) -> list[CurrencyTotal]:
    """Return one row a currency, most accounts first; amounts of different currencies are never added.

    Sums leave out what is not known and say how much that is; unrealised P&L is ``None`` while any position has no
    price. Return and drawdown are those of the accounts held together, an account that began later counting as an
    inflow, so they are not averages of the accounts' own; where days begin at different moments, today's return is over
    all the equity that the accounts began theirs with. ``drawdown_step_seconds`` is how far the points lie apart that
    drawdown was seen at: the closes of days (86,400) over more than a week. Empty without accounts.

    With ``currency`` there is one row, everything converted at the newest rate of the moment asked about: sums of
    amounts as they stand, not what they were worth when they were earned. Where a rate is not known the sums are
    ``None``, and ``missing_rates`` says from which currency. Return and drawdown are ``None`` over several currencies,
    because growth would need the rates of every day.
    """
    bounds = scope.bounds()
    if params is not None and params.currency is not None:
        asked = (list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present, params.currency)
        return await CONVERTED.all(db, *asked)
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
    params=InCurrency,
    as_of=_newest,
    formula="Σ over the accounts of a currency; returns time-weighted on their common equity",
)
