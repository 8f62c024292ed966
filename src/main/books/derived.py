"""How do the rows that follow from facts become what the fold says? Nothing is written where nothing differs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
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
_DAY_OF_FACTS = ("realized_pnl", "trades", "volume", "fees")
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


async def write(
    connection: Any, account: Account, kept: Stored, books: Books, span: tuple[datetime, datetime]
) -> Rebuilt:
    """Write what differs in a span of time, ends included, in the caller's transaction; states that are later stay.

    ``app.rebuild`` keeps the triggers from keeping versions of their own.
    """
    _, upto = span
    known_at = await connection.fetchval("SELECT clock_timestamp(), set_config('app.rebuild', 'on', true)")
    purged = await purged_before(connection)
    return Rebuilt(
        trades=await _write_trades(connection, account, books, span, purged),
        versions=await _write_versions(connection, account, version_changes(kept.versions, books), kept, known_at),
        positions=await _write_positions(connection, account, kept, books, upto),
        equity=await _write_equity(connection, account, kept, books, purged),
        days=await _write_days(connection, account, books, purged, upto),
    )


async def _write_trades(
    connection: Any, account: Account, books: Books, span: tuple[datetime, datetime], purged: datetime | None
) -> int:
    since, upto = span
    ids = [trade.source_id for trade in books.trades]
    kept = await trades(connection, account.account, since, ids, upto)
    changed = trade_revisions(kept, books.trades, since, purged)
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


async def _write_positions(connection: Any, account: Account, kept: Stored, books: Books, upto: datetime) -> int:
    right = books.positions
    rows = [_row(position) for _, position in sorted(right.items())]
    for row in rows:
        del row["initial_stop"], row["lot_size"]
    # A bot marks its positions itself; the suite marks those that it keeps, as long as there are prices to do it by.
    # What is closed is as its last fill left it: a correction may move that to an earlier time.
    told = f" OR ((excluded.at >= stored.at OR NOT excluded.is_active) AND {_differ(_TOLD)})"
    marked = told if account.books == "suite" else ""
    update = _or_update(
        ("account_id", "position_id"), (*_HELD, *_TOLD), f"{_no_later(upto)} AND ({_differ(_HELD)}{marked})"
    )
    written = await _insert(connection, "positions", rows, update)
    gone = sorted(kept.positions - right.keys())
    if gone:
        await connection.execute(_DELETE_POSITIONS, account.account, gone)
    return written + len(gone)


async def _write_equity(connection: Any, account: Account, kept: Stored, books: Books, purged: datetime | None) -> int:
    rows = [_row(each) for each in equity_revisions(kept.equity, books.equity.values(), purged)]
    written = await _insert(connection, "trading_pnl", rows)
    if written:
        announced = Announcement(Topic.EQUITY, account.account).payload
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, announced)
    return written


async def _write_days(connection: Any, account: Account, books: Books, purged: datetime | None, upto: datetime) -> int:
    # Of old days not all prices are there any more: their rows stay where nothing but marks differs.
    last_old = purged.date() if purged is not None else date.min
    written = 0
    for old in (True, False):
        days = [day for _, day in sorted(books.days.items()) if (day.day <= last_old) is old]
        if account.books == "suite":
            rows = [_chosen(day, _DAY) | {"origin": "ledger"} for day in days]
            update = _or_update(("account_id", "day"), (*_DAY, "origin"), _differ(_DAY_OF_FACTS if old else _DAY))
            written += await _insert(connection, "daily_stats", rows, update)
        else:
            written += await _update_days(connection, days, _DAY_OF_FACTS if old else _DAY_OF_BOT, upto)
    return written


async def _update_days(connection: Any, days: Iterable[DailyStats], compared: Sequence[str], upto: datetime) -> int:
    """What the bot's risk rules said of the day stays the bot's."""
    rows = [_chosen(day, _DAY_OF_BOT) for day in days]
    names = ", ".join(_DAY_OF_BOT)
    tag = await connection.execute(
        f"UPDATE daily_stats stored SET ({names}) = ROW ({', '.join(f'excluded.{name}' for name in _DAY_OF_BOT)}) "  # noqa: S608 - constants
        "FROM jsonb_populate_recordset(NULL::daily_stats, $1::jsonb) AS excluded "
        "WHERE stored.account_id = excluded.account_id AND stored.day = excluded.day AND stored.origin <> 'imported' "
        f"AND {_no_later(upto)} AND ({_differ(compared)})",
        json.dumps(rows, default=str),
        timeout=PATIENCE_SECONDS,
    )
    return int(tag.rpartition(" ")[2])


def _chosen(day: DailyStats, names: Iterable[str]) -> dict[str, Any]:
    return {"account_id": day.account, "day": day.day} | {name: getattr(day, name) for name in names}


def _row(event: Event, **renamed: str) -> dict[str, Any]:
    names = {"account": "account_id"} | renamed
    return {names.get(name, name): value for name, value in asdict(event).items()}


def _differ(names: Iterable[str]) -> str:
    listed = list(names)
    stored = ", ".join(f"stored.{name}" for name in listed)
    return f"({stored}) IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in listed)})"


def _no_later(upto: datetime) -> str:
    return f"stored.at <= '{upto.isoformat()}'"


def _or_update(key: Sequence[str], changing: Sequence[str], condition: str) -> str:
    new = ", ".join(f"excluded.{name}" for name in changing)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET ({', '.join(changing)}) = ROW ({new}) WHERE {condition}"


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
