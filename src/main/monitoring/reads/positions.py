"""Positions: what is held, at what price, and what is it worth?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """One open position. ``value`` is signed (short: negative) and like ``unrealized_pnl`` in account currency.

    ``pnl_share`` is unrealised P&L over cost,
    ``weight`` |value| over that of all the scope's positions of the currency;
    both fractions. ``leverage`` is |value| over the account's equity, also ``None`` where that is unknown or not above
    0. ``mark_at`` is when position or mark last changed. ``None`` where no price is known.
    """

    account: str
    label: str
    currency: str
    symbol: str
    side: str
    quantity: Decimal
    quantity_step: Decimal | None
    entry_time: datetime
    entry_price: Decimal
    current_price: Decimal | None
    tick: Decimal | None
    value: Decimal | None
    unrealized_pnl: Decimal | None
    pnl_share: float | None
    weight: float | None
    leverage: float | None
    strategy: str | None
    mark_at: datetime


OPEN = Query(
    OpenPosition,
    """
    WITH owners AS MATERIALIZED (
        SELECT a.account_id, a.label, a.currency, a.source, e.equity::numeric AS equity
          FROM accounts_at($1, $2, $3, $4) a
          LEFT JOIN LATERAL latest_equity(a.account_id, $2, $3) e ON true
    )
    SELECT a.account_id AS account, a.label, a.currency, p.symbol, p.side, p.quantity,
           i.quantity_step::numeric AS quantity_step,
           p.entry_time, p.entry_price, p.current_price, i.tick::numeric AS tick, p.value, p.unrealized_pnl,
           (p.unrealized_pnl / (p.quantity * p.multiplier * p.entry_price * p.fx_rate))::float8 AS pnl_share,
           (abs(p.value) / nullif(sum(abs(p.value)) OVER (PARTITION BY a.currency), 0))::float8 AS weight,
           (abs(p.value) / CASE WHEN a.equity > 0 THEN a.equity END)::float8 AS leverage,
           p.strategy, p.at AS mark_at
      FROM open_positions($1, $2, $3, $4) p
      JOIN owners a ON a.account_id = p.account_id
      LEFT JOIN instruments i ON i.source = a.source AND i.symbol = p.symbol
     WHERE $5::text IS NULL OR p.strategy = $5
     ORDER BY a.currency, abs(p.value) DESC NULLS LAST, p.symbol, p.position_id
    """,
)


async def positions(db: Fetcher, scope: Scope) -> list[OpenPosition]:
    """Return the open positions by currency, biggest |value| first, those without a price last.

    A past moment shows the newest version of each position at or before it, with its mark to the minute.
    Empty when nothing is held.
    """
    bounds = scope.bounds()
    return await OPEN.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, scope.strategy)


READ = Read(
    "positions",
    "Positions",
    positions,
    topics=frozenset({Topic.POSITIONS, Topic.EQUITY, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    formula="unrealised P&L = side · quantity · multiplier · (mark − average entry), before fees; "
    "leverage = |value| / the account's equity",
)
