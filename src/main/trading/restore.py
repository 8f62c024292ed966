"""What did an earlier run of a live bot leave behind? Books, day and loose ends, from what it recorded.

Fills and cash flows are the truth: everything else is folded from them. What a kill kept from being written (a trade of
a recorded fill, the end of a position, the fate of a resting order) is written now.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from main.books import facts
from main.books.stored import FOR_EVER, unrealized_before
from main.clock import now
from main.database.pool import Database
from main.domain.events import Account, Alert, Candle, CashFlow, Event, Fill, FxRate, Instrument, Position, Trade
from main.domain.ledger import Ledger
from main.domain.revisions import booking_order
from main.errors import ConfigurationError, Problem
from main.trading.broker import LeftOrder
from main.trading.daily_closes import KEPT
from main.trading.day import TradingDay
from main.trading.feed import Feed
from main.trading.left_orders import left_orders
from main.trading.rates import Rates
from main.trading.risk import LOSS_LIMIT, TRAILING_STOP, Block, Limits, RiskRules

LOOSE = timedelta(hours=1)
"""How long before the last fill unwritten trades are looked for; what waits in a Recorder is far younger."""

_ONE = Decimal(1)

_SOURCE = "SELECT source FROM accounts WHERE account_id = $1"
_RATES = """
    SELECT DISTINCT known.at, known.source, known.base, known.quote, known.rate, known.revision
      FROM unnest($2::text[]) AS base,
           (SELECT at FROM fills WHERE account_id = $4 UNION SELECT 'infinity') AS moment,
           LATERAL (SELECT r.* FROM fx_rates r
                     WHERE r.source = $1 AND r.base = base.base AND r.quote = $3 AND r.at <= moment.at
                     ORDER BY r.at DESC, r.revision DESC LIMIT 1) AS known
"""
_MIDS = """
    SELECT symbol, newest.mid, newest.at
      FROM unnest($2::text[]) AS symbol,
           LATERAL (SELECT mid, at FROM market_snapshots
                     WHERE source = $1 AND market_snapshots.symbol = symbol.symbol
                     ORDER BY at DESC, revision DESC LIMIT 1) AS newest
"""
_LAST = """
    SELECT greatest((SELECT max(at) FROM fills WHERE account_id = $1),
                    (SELECT max(at) FROM order_events WHERE account_id = $1),
                    (SELECT max(at) FROM bot_heartbeats WHERE account_id = $1))
"""
_DAY = """
    SELECT at, trading_blocked, limit_hit, loss_used, loss_limit, trailing_level, max_position, min_position
      FROM daily_stats WHERE account_id = $1 AND day = $2
"""
_SPREADS = """
    SELECT sum(spread_bps), count(spread_bps) FROM market_snapshots WHERE source = $1 AND at >= $2
"""
_POSITIONS = """
    SELECT at, account_id AS account, source, position_id, symbol, side, quantity, entry_time, entry_price,
           current_price, unrealized_pnl, multiplier, lot_size, exchange, instrument_token, initial_stop, strategy,
           is_active
      FROM positions WHERE account_id = $1 AND is_active
"""
_TRADES = "SELECT source, source_id FROM trades WHERE account_id = $1 AND source = ANY ($2) AND source_id = ANY ($3)"
_PURPOSES = """
    SELECT order_id, reason FROM order_events WHERE account_id = $1 AND kind = 'placed' AND order_id = ANY ($2)
"""
_BARS = """
    SELECT at, source, symbol, interval, open, high, low, close, volume, adjusted_close, revision
      FROM candles WHERE source = $1 AND interval = '1d' AND at >= $2
"""
_ALERTS = """
    SELECT at, alert_id, account_id AS account, rule, severity, title, details, value, threshold, unit, fired_at
      FROM alerts WHERE account_id = $1 AND resolved_at IS NULL AND rule = ANY($2)
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What an earlier run left, ready to go on with. ``moment`` is its last tick, ``None`` on the first start.

    ``orders`` were open when it ended; what became of them only the broker knows.
    """

    ledger: Ledger
    day: TradingDay
    risk: RiskRules
    alerts: tuple[Alert, ...]
    loose_ends: tuple[Event, ...]
    mids: dict[str, Decimal]
    moment: datetime | None
    fills: int
    orders: tuple[LeftOrder, ...] = ()


async def refuse_another_market(database: Database, account: Account) -> None:
    """Raise `ConfigurationError` when the account belongs to other market data: its books would mix two markets."""
    async with database.scoped() as connection:
        known = await connection.fetchval(_SOURCE, account.account)
    if known is not None and known != account.source:
        raise ConfigurationError(
            Problem(
                key="--account",
                got=f"{account.account}, which trades on {known}",
                expected=f"an account of {account.source}, or a new id",
            )
        )


async def daily_bars(database: Database, source: str) -> list[Candle]:
    """Return the daily bars of a market, as far back as strategies look. Raise `DatabaseError`."""
    async with database.scoped() as connection:
        rows = await connection.fetch(_BARS, source, now() - timedelta(days=2 * KEPT))
    return [Candle(**dict(row)) for row in rows]


async def restore(database: Database, account: Account, feed: Feed, limits: Limits) -> Restored:
    """Read back everything of `account`. Raise `DatabaseUnreachable` or `DatabaseTimeout`."""
    async with database.scoped() as connection:
        return await _Reading(connection, account, feed, limits).restored()


class _Reading:
    def __init__(self, connection: Any, account: Account, feed: Feed, limits: Limits) -> None:
        self._connection = connection
        self._account = account
        self._id = account.account
        self._instruments: Sequence[Instrument] = feed.instruments
        self._risk = RiskRules(limits)

    async def restored(self) -> Restored:
        fills = await facts.fills(self._connection, self._id)
        flows = await facts.flows(self._connection, self._id)
        symbols = sorted({each.symbol for each in self._instruments} | {fill.symbol for fill in fills})
        last = await self._connection.fetchval(_LAST, self._id)
        marks = await self._rows(_MIDS, self._account.source, symbols)
        mids = {row["symbol"]: row["mid"] for row in marks}
        moment = max((at for at in (last, *(row["at"] for row in marks)) if at is not None), default=None)
        today = now()
        day = await self._begun_day(today)
        rates, purposes = await self._rates(), await self._purposes(fills)
        # In a thread: with a year of fills this takes a while, and the health server has to answer.
        ledger, trades = await asyncio.to_thread(
            self._folded, fills, flows, rates, marks=marks, purposes=purposes, day=day
        )
        await self._widen(ledger)
        await self._take_over_day(day)
        alerts = [Alert(**row) for row in await self._rows(_ALERTS, self._id, [LOSS_LIMIT, TRAILING_STOP])]
        over = () if self._risk.block is not None else tuple(_resolved(each, today) for each in alerts)
        left = await left_orders(self._connection, self._id, fills)
        return Restored(
            ledger=ledger,
            day=day,
            risk=self._risk,
            alerts=() if over else tuple(alerts),
            loose_ends=(*left.ended, *await self._loose_ends(ledger, trades, moment), *over),
            mids=mids,
            moment=moment,
            fills=len(fills),
            orders=left.resting,
        )

    async def _rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._connection.fetch(sql, *arguments)]

    async def _rates(self) -> list[FxRate]:
        """The rates that were in force at the fills, and the newest: what they did in between cancels out."""
        bases = sorted({each.currency for each in self._instruments} - {self._account.currency})
        arguments = (self._account.source, bases, self._account.currency, self._id)
        return [FxRate(**row) for row in await self._rows(_RATES, *arguments)] if bases else []

    async def _purposes(self, fills: Sequence[Fill]) -> dict[str | None, str]:
        """What the orders of the fills were placed for that may have closed an unwritten trade."""
        since = max(fill.at for fill in fills) - LOOSE if fills else None
        orders = [fill.order_id for fill in fills if since is not None and fill.at >= since]
        return {row["order_id"]: row["reason"] for row in await self._rows(_PURPOSES, self._id, orders)}

    def _folded(
        self,
        fills: list[Fill],
        flows: list[CashFlow],
        rates: list[FxRate],
        *,
        marks: Sequence[Mapping[str, Any]],
        purposes: Mapping[str | None, str],
        day: TradingDay,
    ) -> tuple[Ledger, list[Trade]]:
        """The books, and the trades that may not have been written yet."""
        account = self._account
        ledger = Ledger.folded(
            self._id,
            account.source,
            (),
            flows,
            self._instruments,
            currency=account.currency,
            matching=account.lot_matching,
        )
        for mark in marks:  # before the fills: those that are newer than the mark take its place
            ledger.mark(mark["symbol"], mark["mid"], mark["at"])
        known = Rates(account.currency, self._instruments)
        trades: list[Trade] = []
        since = max(fill.at for fill in fills) - LOOSE if fills else None
        for fact in booking_order(fills, rates):
            if isinstance(fact, FxRate):
                ledger.convert(fact.base, fact.rate, fact.at)
                known.take(fact)
            elif since is None or fact.at < min(since, day.start):
                ledger.absorb(fact)
            else:
                change = ledger.apply(fact, purposes.get(fact.order_id))
                if change.positions:  # a bust changes nothing
                    day.book(fact, change.trades, known.of(fact.symbol) or _ONE)
                trades += change.trades if fact.at >= since else ()
        return ledger, trades

    async def _begun_day(self, at: datetime) -> TradingDay:
        day = TradingDay(self._account, at)
        before = await unrealized_before(self._connection, self._id, self._account.source, day.start)
        return TradingDay(self._account, at, before)

    async def _take_over_day(self, day: TradingDay) -> None:
        spreads = await self._connection.fetchrow(_SPREADS, self._account.source, day.start)
        day.take_over_spreads(spreads[0] or Decimal(0), spreads[1])
        row = await self._connection.fetchrow(_DAY, self._id, day.day)
        if row is None:
            return
        day.take_over_extremes(row["max_position"], row["min_position"])
        kind = LOSS_LIMIT if row["limit_hit"] else TRAILING_STOP
        used, limit = row["loss_used"] or Decimal(0), row["loss_limit"] or self._risk.limits.daily_loss
        block = Block(kind, row["at"], used, limit) if row["trading_blocked"] else None
        self._risk.restore(block, row["trailing_level"])

    async def _widen(self, ledger: Ledger) -> None:
        for seen in await facts.extremes(self._connection, self._account.source, ledger.open_entries, FOR_EVER):
            ledger.widen(seen.symbol, seen.entry, seen.low, seen.high)

    async def _loose_ends(self, ledger: Ledger, trades: list[Trade], moment: datetime | None) -> tuple[Event, ...]:
        ends: list[Event] = []
        if trades:
            # By id: a correction may have moved one in time.
            keys = [trade.source for trade in trades], [trade.source_id for trade in trades]
            written = {(row["source"], row["source_id"]) for row in await self._rows(_TRADES, self._id, *keys)}
            ends += [trade for trade in trades if (trade.source, trade.source_id) not in written]
        held = {position.position_id for position in ledger.positions}
        for row in await self._rows(_POSITIONS, self._id):
            if row["position_id"] not in held:
                closed = {"quantity": Decimal(0), "unrealized_pnl": Decimal(0), "is_active": False}
                ends.append(Position(**(row | closed | {"at": max(row["at"], moment or row["at"])})))
        return (*ends, *ledger.positions)


def _resolved(alert: Alert, at: datetime) -> Alert:
    """The incident of a block that ended with its trading day, while no bot ran."""
    at = max(at, alert.at)
    return replace(alert, at=at, resolved_at=at)
