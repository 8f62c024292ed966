"""How do the rows that follow from facts become what the fold says? Nothing is written where nothing differs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from main.books.differences import VersionChanges, equity_revisions, trade_revisions, version_changes
from main.books.facts import PATIENCE_SECONDS, purged_before
from main.books.fold import Books
from main.books.stored import Stored, trades
from main.domain.events import Account, DailyStats, Event
from main.domain.topics import CHANNEL, Announcement, Topic

_ROWS_AT_ONCE = 5_000
_HELD = ("symbol", "side", "quantity", "multiplier", "entry_time", "entry_price", "is_active")
_TOLD = ("source", "exchange", "instrument_token", "strategy", "current_price", "unrealized_pnl", "at")
_DAY_OF_BOT = ("realized_pnl", "unrealized_pnl", "trades", "volume", "fees", "loss_used")
_DAY = (*_DAY_OF_BOT, "loss_limit", "limit_hit", "max_position", "min_position", "at")

_SUPERSEDE = """
    UPDATE positions_history h SET superseded_at = greatest(h.changed_at, $1)
      FROM unnest($3::text[], $4::timestamptz[], $5::bigint[]) AS wrong(position_id, at, sequence)
     WHERE h.account_id = $2 AND h.position_id = wrong.position_id AND h.at = wrong.at AND h.sequence = wrong.sequence
"""
_DELETE_POSITIONS = "DELETE FROM positions WHERE account_id = $1 AND position_id = ANY ($2)"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rows were written, by kind; all 0 where everything was right."""

    trades: int = 0
    versions: int = 0
    positions: int = 0
    equity: int = 0
    days: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything was."""
        return any((self.trades, self.versions, self.positions, self.equity, self.days))


async def write(connection: Any, account: Account, kept: Stored, books: Books, since: datetime) -> Rebuilt:
    """Write what differs since a moment, in the caller's transaction. ``app.rebuild`` keeps the triggers from keeping
    versions of their own."""
    known_at = await connection.fetchval("SELECT clock_timestamp(), set_config('app.rebuild', 'on', true)")
    return Rebuilt(
        trades=await _write_trades(connection, account, books, since),
        versions=await _write_versions(connection, account, version_changes(kept.versions, books), kept, known_at),
        positions=await _write_positions(connection, account, kept, books),
        equity=await _write_equity(connection, account, kept, books),
        days=await _write_days(connection, account, books),
    )


async def _write_trades(connection: Any, account: Account, books: Books, since: datetime) -> int:
    ids = [trade.source_id for trade in books.trades]
    kept = await trades(connection, account.account, since, ids)
    changed = trade_revisions(kept, books.trades, since, await purged_before(connection))
    rows = [_row(trade, at="exit_time") for trade in changed]
    return await _insert(connection, "trades", rows)


async def _write_versions(
    connection: Any, account: Account, changes: VersionChanges, kept: Stored, known_at: datetime
) -> int:
    if changes.superseded:
        wrong = changes.superseded
        places = [each.position.position_id for each in wrong], [each.position.at for each in wrong]
        numbers = [each.sequence for each in wrong]
        await connection.execute(_SUPERSEDE, known_at, account.account, *places, numbers, timeout=PATIENCE_SECONDS)
    stops = {each.position.position_id: each.position.initial_stop for each in kept.versions}
    rows = [
        _row(position)
        | {"at": at, "initial_stop": stops.get(position_id)}
        | {"operation": "update", "changed_at": known_at, "recorded_at": known_at}
        for (position_id, at), position in sorted(changes.added.items(), key=lambda item: item[0][1])
    ]
    return await _insert(connection, "positions_history", rows) + len(changes.superseded)


async def _write_positions(connection: Any, account: Account, kept: Stored, books: Books) -> int:
    right = books.positions
    rows = [_row(position) for _, position in sorted(right.items())]
    for row in rows:
        del row["initial_stop"], row["lot_size"]
    # A bot marks its positions itself; the suite marks those that it keeps.
    compared = (*_HELD, *_TOLD) if account.books == "suite" else _HELD
    written = await _insert(
        connection, "positions", rows, _or_update(("account_id", "position_id"), (*_HELD, *_TOLD), compared)
    )
    gone = sorted(kept.positions - right.keys())
    if gone:
        await connection.execute(_DELETE_POSITIONS, account.account, gone)
    return written + len(gone)


async def _write_equity(connection: Any, account: Account, kept: Stored, books: Books) -> int:
    purged = await purged_before(connection)
    rows = [_row(each) for each in equity_revisions(kept.equity, books.equity.values(), purged)]
    written = await _insert(connection, "trading_pnl", rows)
    if written:
        announced = Announcement(Topic.EQUITY, account.account).payload
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, announced)
    return written


async def _write_days(connection: Any, account: Account, books: Books) -> int:
    days = [day for _, day in sorted(books.days.items())]
    if account.books == "suite":
        rows = [_chosen(day, _DAY) | {"origin": "ledger"} for day in days]
        return await _insert(
            connection, "daily_stats", rows, _or_update(("account_id", "day"), (*_DAY, "origin"), _DAY)
        )
    written = 0
    for day in days:  # what its risk rules said of the day stays the bot's
        assigned = ", ".join(f"{name} = ${place}" for place, name in enumerate(_DAY_OF_BOT, 3))
        values = ", ".join(f"${place}" for place in range(3, 3 + len(_DAY_OF_BOT)))
        tag = await connection.execute(
            f"UPDATE daily_stats SET {assigned} WHERE account_id = $1 AND day = $2 AND origin <> 'imported' "  # noqa: S608 - constants
            f"AND ({', '.join(_DAY_OF_BOT)}) IS DISTINCT FROM ({values})",
            account.account,
            day.day,
            *(getattr(day, name) for name in _DAY_OF_BOT),
        )
        written += int(tag.rpartition(" ")[2])
    return written


def _chosen(day: DailyStats, names: Iterable[str]) -> dict[str, Any]:
    return {"account_id": day.account, "day": day.day} | {name: getattr(day, name) for name in names}


def _row(event: Event, **renamed: str) -> dict[str, Any]:
    names = {"account": "account_id"} | renamed
    return {names.get(name, name): value for name, value in asdict(event).items()}


def _or_update(key: Sequence[str], changing: Sequence[str], compared: Sequence[str]) -> str:
    new = ", ".join(f"excluded.{name}" for name in changing)
    differs = ", ".join(f"stored.{name}" for name in compared), ", ".join(f"excluded.{name}" for name in compared)
    return (
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET ({', '.join(changing)}) = ROW ({new}) "
        f"WHERE ({differs[0]}) IS DISTINCT FROM ({differs[1]})"
    )


async def _insert(connection: Any, table: str, rows: Sequence[Mapping[str, Any]], conflict: str = "") -> int:
    """Insert rows that have the same columns, and return how many were written."""
    if not rows:
        return 0
    columns = ", ".join(rows[0])
    # As JSON, whose numbers are texts, exact: one statement for thousands of rows of any table.
    statement = (
        f"INSERT INTO {table} AS stored ({columns}) "  # noqa: S608 - names are constants and fields of events
        f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb) {conflict}"
    )
    written = 0
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        batch = json.dumps([dict(row) for row in rows[first : first + _ROWS_AT_ONCE]], default=str)
        tag = await connection.execute(statement, batch, timeout=PATIENCE_SECONDS)
        written += int(tag.rpartition(" ")[2])
    return written
