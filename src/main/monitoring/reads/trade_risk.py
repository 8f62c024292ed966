"""Risk per trade: what does every open position lose if it is stopped, and how much of equity is that?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics.exposure import NO_EQUITY, risk_per_trade
from main.analytics.figure import Figure, missing
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class TradeRisk:
    """One open position. Prices are in the symbol's currency, ``amount`` and ``equity`` in ``currency``.

    ``amount`` is |entry − initial stop| · quantity · multiplier, ``None`` without a stop; ``risk`` that over equity, a
    fraction.
    """

    account: str
    label: str
    currency: str
    symbol: str
    side: str
    quantity: Decimal
    entry_time: datetime
    entry_price: Decimal
    initial_stop: Decimal | None
    tick: Decimal | None
    amount: Decimal | None
    equity: Decimal | None
    risk: Figure
    strategy: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """An open position with its stop, and its account's equity. ``rate`` turns its prices into account currency."""

    account: str
    label: str
    currency: str
    symbol: str
    side: str
    quantity: Decimal
    multiplier: Decimal
    entry_time: datetime
    entry_price: Decimal
    initial_stop: Decimal | None
    tick: Decimal | None
    rate: Decimal | None
    equity: Decimal | None
    strategy: str | None


POSITIONS = Query(
    Position,
    """
    SELECT a.account_id AS account, a.label, a.currency, p.symbol, p.side, p.quantity, p.multiplier, p.entry_time,
           p.entry_price, stop.initial_stop::numeric AS initial_stop, i.tick::numeric AS tick, p.fx_rate AS rate,
           e.equity::numeric AS equity, p.strategy
      FROM open_positions($1, $2, $3, $4) p
      JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = p.account_id
      LEFT JOIN instruments i ON i.source = a.source AND i.symbol = p.symbol
      LEFT JOIN LATERAL latest_equity(a.account_id, $2, $3) e ON true
      LEFT JOIN LATERAL position_stop(p.account_id, p.position_id, $2, $3, $4) stop ON true
     WHERE $5::text IS NULL OR p.strategy = $5
     ORDER BY a.currency, a.account_id, p.symbol, p.position_id
    """,
)


async def trade_risk(db: Fetcher, scope: Scope) -> list[TradeRisk]:
    """Return the open positions with what they risk, by account and symbol; empty when nothing is held.

    The stop is the initial one, whatever became of it since. Missing without a stop, without equity, and where no rate
    into the account's currency is known.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, scope.strategy)
    return [_risk(row) for row in await POSITIONS.all(db, *which)]


def _risk(row: Position) -> TradeRisk:
    amount = None
    if row.initial_stop is not None and row.rate is not None:
        amount = abs(row.entry_price - row.initial_stop) * row.quantity * row.multiplier * row.rate
    return TradeRisk(
        row.account,
        row.label,
        row.currency,
        row.symbol,
        row.side,
        row.quantity,
        row.entry_time,
        row.entry_price,
        row.initial_stop,
        row.tick,
        amount,
        row.equity,
        _share(row),
        row.strategy,
    )


def _share(row: Position) -> Figure:
    if row.initial_stop is None:
        return missing("no stop was set")
    if row.rate is None:
        return missing("no rate into the account's currency is known")
    if row.equity is None:
        return missing("no equity recorded")
    if row.equity <= 0:
        return missing(NO_EQUITY)
    rate = float(row.rate)
    entry, stop = float(row.entry_price) * rate, float(row.initial_stop) * rate
    return risk_per_trade(entry, stop, float(row.quantity), float(row.multiplier), float(row.equity))


def _most(rows: list[TradeRisk]) -> float | None:
    return max((row.risk.value for row in rows if row.risk.value is not None), default=None)


READ = Read(
    "trade_risk",
    "Risk per trade",
    trade_risk,
    topics=frozenset({Topic.POSITIONS, Topic.EQUITY, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    scalar=_most,
    formula="|entry − initial stop| · quantity · multiplier / equity",
)
