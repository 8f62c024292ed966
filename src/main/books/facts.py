"""Which facts are the books of an account made of? They are read from the database, every revision of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from main.domain.events import Account, CashFlow, Fill, FxRate, Instrument
from main.errors import UnknownName

PATIENCE_SECONDS = 300.0
"""A year of facts takes a while: longer than any question of a page may."""

INVERSE_SCALE = Decimal("1e-12")
"""A rate that is known the other way round only is turned and rounded here, as the view fx_rate_at does."""

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_ACCOUNT = """
    SELECT at, account_id AS account, source, broker, label, currency, mode, periods_per_year, zone, roll_over,
           benchmark, lot_matching, books, clock, daily_loss_limit, position_limit, leverage_limit
      FROM accounts WHERE account_id = $1
"""
_INSTRUMENTS = """
    SELECT at, source, symbol, currency, exchange, instrument_token, segment, sector, multiplier, tick, quantity_step,
           calendar
      FROM instruments WHERE source = $1 ORDER BY symbol
"""
_FILLS = """
    SELECT at, account_id AS account, source, source_id, revision, symbol, side, quantity, price, order_id, multiplier,
           fee, liquidity, decision_price, arrival_mid, strategy, model
      FROM fills WHERE account_id = $1 AND ($2::timestamptz IS NULL OR recorded_at >= $2)
     ORDER BY at, source_id, revision
"""
_FLOWS = """
    SELECT at, account_id AS account, source, source_id, revision, kind, amount, note
      FROM cash_flows WHERE account_id = $1 AND ($2::timestamptz IS NULL OR recorded_at >= $2)
     ORDER BY at, source_id, revision
"""
_RATES = """
    SELECT at, source, base, quote, rate, revision
      FROM fx_rates known
     WHERE source = $1 AND ($3::timestamptz IS NULL OR recorded_at >= $3)
       AND (quote = $2 OR (base = $2 AND NOT EXISTS (SELECT FROM fx_rates direct
                                                      WHERE direct.source = known.source AND direct.base = known.quote
                                                        AND direct.quote = known.base)))
     ORDER BY at, base, quote, revision
"""
_MARKS = """
    SELECT DISTINCT ON (symbol, at) at, symbol, mid
      FROM market_snapshots
     WHERE source = $1 AND symbol = ANY ($2) AND at > $3 AND at <= $4
     ORDER BY symbol, at, revision DESC
"""
# What is left of purged snapshots: the last mid of each minute, taken for its end.
_MINUTES = """
    SELECT at + interval '59.999999 seconds', symbol, close
      FROM market_rollups
     WHERE source = $1 AND symbol = ANY ($2) AND width = 'minute'
       AND at > $3::timestamptz - interval '59.999999 seconds'
       AND at <= $4::timestamptz - interval '59.999999 seconds' AND at < $5
"""
_MARKS_BEFORE = """
    SELECT newest.at, wanted.symbol, newest.mid
      FROM unnest($2::text[]) AS wanted(symbol),
           LATERAL ((SELECT at::timestamptz AS at, mid::numeric AS mid FROM market_snapshots
                      WHERE source = $1 AND market_snapshots.symbol = wanted.symbol AND at <= $3
                      ORDER BY at DESC, revision DESC LIMIT 1)
                    UNION ALL
                    (SELECT at + interval '59.999999 seconds', close FROM market_rollups
                      WHERE source = $1 AND market_rollups.symbol = wanted.symbol AND width = 'minute'
                        AND at <= $3::timestamptz - interval '59.999999 seconds' AND at < $4
                      ORDER BY at DESC LIMIT 1)
                    ORDER BY 1 DESC LIMIT 1) AS newest
"""
_NEXT_MARK = """
    SELECT min(upcoming.at)::timestamptz
      FROM unnest($2::text[]) AS wanted(symbol),
           LATERAL ((SELECT at::timestamptz AS at FROM market_snapshots
                      WHERE source = $1 AND market_snapshots.symbol = wanted.symbol AND at > $3 ORDER BY at LIMIT 1)
                    UNION ALL
                    (SELECT at FROM market_rollups
                      WHERE source = $1 AND market_rollups.symbol = wanted.symbol AND width = 'minute'
                        AND at > $3 ORDER BY at LIMIT 1)) AS upcoming
"""
_PURGED = "SELECT max(cutoff)::timestamptz FROM daily_purge_flags WHERE table_name = 'market_snapshots'"
_EXTREMES = """
    SELECT lot.symbol, lot.entry, seen.low, seen.high
      FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS lot(symbol, entry, since),
           LATERAL (SELECT min(s.low) AS low, max(s.high) AS high
                      FROM (SELECT mid AS low, mid AS high FROM market_snapshots
                             WHERE source = $1 AND market_snapshots.symbol = lot.symbol AND at > lot.since AND at <= $5
                            UNION ALL
                            SELECT low, high FROM market_rollups
                             WHERE source = $1 AND market_rollups.symbol = lot.symbol AND width = 'minute'
                               AND at > lot.since AND at <= $5::timestamptz - interval '59.999999 seconds'
                               AND at < $6) AS s) AS seen
     WHERE seen.low IS NOT NULL
"""
_OLDEST_MARKS = """
    SELECT wanted.symbol, (SELECT min(at)::timestamptz FROM market_snapshots
                            WHERE source = $1 AND market_snapshots.symbol = wanted.symbol) AS at
      FROM unnest($2::text[]) AS wanted(symbol)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """The price at which a symbol is valued from a moment on."""

    at: datetime
    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the books of an account follow from, prices aside. Every revision, in any order."""

    account: Account
    instruments: Sequence[Instrument] = ()
    fills: Sequence[Fill] = ()
    flows: Sequence[CashFlow] = ()
    rates: Sequence[FxRate] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Whatever was ever traded, busted fills too, sorted."""
        return tuple(sorted({fill.symbol for fill in self.fills}))


@dataclass(frozen=True, slots=True)
class Extremes:
    """Lowest and highest mid that an open lot saw, by the source_id of its fill."""

    symbol: str
    entry: str
    low: Decimal
    high: Decimal


async def facts(connection: Any, account_id: str) -> Facts:
    """Return all facts of an account. Raise `UnknownName` for one that does not exist."""
    owner = await account(connection, account_id)
    return Facts(
        owner,
        await instruments(connection, owner.source),
        await fills(connection, account_id),
        await flows(connection, account_id),
        await rates(connection, owner.source, owner.currency),
    )


async def account(connection: Any, account_id: str) -> Account:
    """Return the account's settings as they are now. Raise `UnknownName`."""
    row = await connection.fetchrow(_ACCOUNT, account_id)
    if row is None:
        known = await connection.fetch("SELECT account_id FROM accounts ORDER BY account_id LIMIT 50")
        raise UnknownName("account", account_id, [each["account_id"] for each in known])
    return Account(**dict(row))


async def instruments(connection: Any, source: str) -> list[Instrument]:
    """Return what can be traded on a source, by symbol."""
    return [Instrument(**dict(row)) for row in await connection.fetch(_INSTRUMENTS, source)]


async def fills(connection: Any, account_id: str, *, since: datetime | None = None) -> list[Fill]:
    """Return the fills of an account, busts and every revision too, oldest first.

    With `since` only those that were *learned* then or later, whenever they happened.
    """
    rows = await connection.fetch(_FILLS, account_id, since, timeout=PATIENCE_SECONDS)
    return await asyncio.to_thread(lambda: [Fill(**dict(row)) for row in rows])


async def flows(connection: Any, account_id: str, *, since: datetime | None = None) -> list[CashFlow]:
    """Return the cash flows of an account like `fills`."""
    return [CashFlow(**dict(row)) for row in await connection.fetch(_FLOWS, account_id, since)]


async def rates(connection: Any, source: str, quote: str, *, since: datetime | None = None) -> list[FxRate]:
    """Return what other currencies were worth in `quote`, oldest first, every revision.

    A pair recorded only the other way round is turned, rounded to 12 places; where both are recorded the direct one
    counts. With `since` only what was learned then or later.
    """
    rows = await connection.fetch(_RATES, source, quote, since, timeout=PATIENCE_SECONDS)
    return [rate if rate.quote == quote else _turned(rate) for rate in (FxRate(**dict(row)) for row in rows)]


def _turned(rate: FxRate) -> FxRate:
    inverse = _WIDE.divide(Decimal(1), rate.rate).quantize(INVERSE_SCALE, context=_WIDE)
    return FxRate(
        at=rate.at, source=rate.source, base=rate.quote, quote=rate.base, rate=inverse, revision=rate.revision
    )


async def marks(connection: Any, source: str, symbols: Sequence[str], after: datetime, until: datetime) -> list[Mark]:
    """Return the mids of symbols with after < at <= until, the highest revision of each; empty for no symbols.

    Where snapshots were purged there is one a minute.
    """
    if not symbols:
        return []
    rows = await connection.fetch(_MARKS, source, list(symbols), after, until, timeout=PATIENCE_SECONDS)
    purged = await purged_before(connection)
    if purged is not None and after < purged:
        left = source, list(symbols), after, until, purged
        rows = [*await connection.fetch(_MINUTES, *left, timeout=PATIENCE_SECONDS), *rows]
    return await asyncio.to_thread(lambda: [Mark(*row) for row in rows])


async def marks_before(connection: Any, source: str, symbols: Sequence[str], at: datetime) -> list[Mark]:
    """Return the newest mid of each symbol at or before a moment; a symbol that had none is left out."""
    purged = await purged_before(connection)
    rows = await connection.fetch(_MARKS_BEFORE, source, list(symbols), at, purged)
    return [Mark(row["at"], row["symbol"], row["mid"]) for row in rows]


async def next_mark(connection: Any, source: str, symbols: Sequence[str], after: datetime) -> datetime | None:
    """Return when the first mid of any of the symbols after a moment can be, `None` where there is none."""
    upcoming: datetime | None = await connection.fetchval(_NEXT_MARK, source, list(symbols), after)
    return upcoming


async def purged_before(connection: Any) -> datetime | None:
    """Return up to when snapshots may have been purged, by their time; `None` while none were."""
    purged: datetime | None = await connection.fetchval(_PURGED)
    return purged


async def oldest_marks(connection: Any, source: str, symbols: Sequence[str]) -> dict[str, datetime]:
    """Return since when mids of each symbol are kept; older ones were purged or never recorded."""
    rows = await connection.fetch(_OLDEST_MARKS, source, list(symbols))
    return {row["symbol"]: row["at"] for row in rows if row["at"] is not None}


async def extremes(connection: Any, source: str, entries: Sequence[Fill], until: datetime) -> list[Extremes]:
    """Return what open lots, given by their fills, saw after their entry and until a moment.

    Where snapshots were purged, from the next whole minute on.
    """
    if not entries:
        return []
    purged = await purged_before(connection)
    lots = ([each.symbol for each in entries], [each.source_id for each in entries], [each.at for each in entries])
    rows = await connection.fetch(_EXTREMES, source, *lots, until, purged, timeout=PATIENCE_SECONDS)
    return [Extremes(*row) for row in rows]
