"""What is written down already of what follows from the facts of an account?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from main.books.facts import PATIENCE_SECONDS
from main.domain.events import Equity, Position, Trade

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)

_TRADES = """
    SELECT exit_time AS at, account_id AS account, source, source_id, revision, symbol, transaction_type, quantity,
           entry_time, entry_price, exit_price, gross_pnl, fees, realized_pnl, position_id, exchange, segment,
           instrument_token, exit_type, mfe, mae, strategy, model, entry_fill, exit_fill, fx_rate, notes, tags
      FROM trades t
     WHERE account_id = $1 AND ((exit_time >= $2 AND exit_time <= $4) OR source_id = ANY ($3))
       AND NOT EXISTS (SELECT FROM trades newer
                        WHERE newer.account_id = t.account_id AND newer.source = t.source
                          AND newer.source_id = t.source_id AND newer.revision > t.revision)
"""
_POSITIONS = """
    SELECT position_id FROM positions
     WHERE account_id = $1 AND is_active AND entry_time <= $3 AND position_id LIKE '%@%'
    UNION
    SELECT position_id FROM positions
     WHERE account_id = $1 AND NOT is_active AND at >= $2 AND entry_time <= $3 AND position_id LIKE '%@%'
"""
_VERSIONS = """
    SELECT sequence, at, account_id AS account, source, position_id, symbol, side, quantity, entry_time, entry_price,
           current_price, unrealized_pnl, multiplier, lot_size, exchange, instrument_token, initial_stop, strategy,
           is_active
      FROM positions_history
     WHERE account_id = $1 AND position_id = ANY ($2) AND at >= $3 AND at <= $4 AND superseded_at IS NULL
       AND operation <> 'delete'
     ORDER BY position_id, at, changed_at, sequence
"""
_EQUITY = """
    SELECT at, account_id AS account, source, source_id, revision, equity, cash, realized_pnl, unrealized_pnl, fees,
           gross_exposure, net_exposure, available_margin, fx_pnl
      FROM trading_pnl o
     WHERE account_id = $1 AND source = $2 AND source_id LIKE 'equity-%' AND at >= $3 AND at <= $4
       AND NOT EXISTS (SELECT FROM trading_pnl newer
                        WHERE newer.account_id = o.account_id AND newer.source = o.source
                          AND newer.source_id = o.source_id AND newer.at = o.at AND newer.revision > o.revision)
"""
_UNREALIZED = """
    SELECT unrealized_pnl FROM trading_pnl
     WHERE account_id = $1 AND source = $2 AND source_id LIKE 'equity-%' AND at < $3
     ORDER BY at DESC, revision DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a position that counts, with its number in the history."""

    sequence: int
    position: Position


@dataclass(frozen=True, slots=True)
class Stored:
    """What counts now of an account's derived rows since a moment.

    ``positions`` are the ids of those that a ledger made and that were open then or later; ``versions`` are in the
    order in which they hold.
    """

    positions: frozenset[str]
    versions: Sequence[Version]
    equity: Sequence[Equity]


async def stored(connection: Any, account_id: str, source: str, since: datetime, upto: datetime = FOR_EVER) -> Stored:
    """Return positions, their versions and the observations of equity that a ledger wrote, of a span of time."""
    ids = [row["position_id"] for row in await connection.fetch(_POSITIONS, account_id, since, upto)]
    rows = await connection.fetch(_VERSIONS, account_id, ids, since, upto, timeout=PATIENCE_SECONDS)
    versions = [Version(row["sequence"], Position(**_without(row, "sequence"))) for row in rows]
    return Stored(frozenset(ids), versions, await _observed(connection, account_id, source, since, upto))


async def observations(connection: Any, account_id: str, source: str, after: datetime, until: datetime) -> list[Equity]:
    """Return the observations of equity that a ledger wrote with after < at <= until, what counts of each."""
    return await _observed(connection, account_id, source, after + timedelta(microseconds=1), until)


async def trades(
    connection: Any, account_id: str, since: datetime, source_ids: Sequence[str], upto: datetime = FOR_EVER
) -> list[Trade]:
    """Return the newest revision of each trade that closed in a span of time, and of those that have one of the ids."""
    rows = await connection.fetch(_TRADES, account_id, since, list(source_ids), upto, timeout=PATIENCE_SECONDS)
    return [Trade(**(dict(row) | {"tags": tuple(row["tags"])})) for row in rows]


async def unrealized_before(connection: Any, account_id: str, source: str, moment: datetime) -> Decimal:
    """Return the unrealised P&L of the last observation before a moment, 0 where there is none."""
    found = await connection.fetchval(_UNREALIZED, account_id, source, moment)
    return found if found is not None else Decimal(0)


async def _observed(connection: Any, account_id: str, source: str, since: datetime, until: datetime) -> list[Equity]:
    rows = await connection.fetch(_EQUITY, account_id, source, since, until, timeout=PATIENCE_SECONDS)
    return await asyncio.to_thread(lambda: [Equity(**dict(row)) for row in rows])


def _without(row: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
