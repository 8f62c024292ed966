"""How is the database server right now: who works or waits in it, what has it counted, how large is everything?

Looked at with the rights of the role that logs in, who may have been granted pg_monitor; written as the role service.
"""

from typing import Any

import orjson

from main.clock import monotonic, parse_moment
from main.database.observation import (
    INDEXES,
    MOST_INDEXES,
    MOST_SESSIONS,
    MOST_STATEMENTS,
    MOST_TABLES,
    SESSIONS,
    SHOWN_SECONDS,
    SIZE,
    STATEMENTS_SCHEMA,
    TABLES,
    server_statement,
    statements_statement,
)
from main.database.pool import Database
from main.domain.topics import CHANNEL, Announcement, Topic
from main.errors import DatabaseLocked

LOOK_SECONDS = 5.0
SAMPLE_SECONDS = 15.0
"""A look is written down this often, and each time while somebody waits or works for long."""

MEASURE_SECONDS = 300.0
KEPT_SECONDS = 300
"""One sample of so many seconds outlives metrics_retention."""

_EARLY = 0.5  # a look that comes a little before its time is taken rather than left for another five seconds

_BE_LOGIN = "SET LOCAL ROLE NONE; SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '{limit}'"
_BE_SERVICE = "SET LOCAL ROLE ai_trader_service"
_COLUMNS = {
    "database_samples": "at, kept, server_version, server_started_at, database_name, login, sees_all, statements, "
    "statistics_since, database_bytes, connections, connections_limit, connections_reserved, active, idle, "
    "idle_in_transaction, hidden, waiting, sessions, longest_transaction_seconds, longest_query_seconds, commits, "
    "rollbacks, blocks_hit, blocks_read, temporary_files, temporary_bytes, deadlocks, wal_bytes, checkpoints_timed, "
    "checkpoints_requested, freeze_age, freeze_limit, freeze_database, autovacuum, applications, standbys, slots",
    "session_samples": "pid, kind, application, role, client, state, wait_type, wait_event, transaction_at, query_at, "
    "state_at, waits_since, blocked_by, lock_mode, lock_target, statement",
    "relation_samples": "schema_name, table_name, partitions, table_bytes, index_bytes, row_estimate, live_rows, "
    "dead_rows, changed_rows, rows_written, sequential_scans, sequential_rows, index_scans, vacuumed_at, analyzed_at, "
    "freeze_age",
    "index_samples": "schema_name, index_name, table_name, partitioned, index_bytes, index_scans, is_valid, "
    "is_unique, is_constraint, method, keys, condition, definition",
    "statement_samples": "query_id, role, calls, total_seconds, all_seconds, longest_seconds, row_count, blocks_hit, "
    "blocks_read, statement",
}
_ONE = """
    INSERT INTO {table} ({columns})
    SELECT {columns} FROM json_populate_record(NULL::{table}, $1::json)
    ON CONFLICT DO NOTHING
"""
_MANY = """
    INSERT INTO {table} (at, {columns})
    SELECT $2::timestamptz, {columns} FROM json_populate_recordset(NULL::{table}, $1::json)
    ON CONFLICT DO NOTHING
"""
_LASTING = """
    INSERT INTO {table} (at, kept, {columns})
    SELECT $2::timestamptz,
           NOT EXISTS (SELECT FROM {table} WHERE kept AND at >= date_trunc('{width}', $2::timestamptz, 'UTC')),
           {columns}
      FROM json_populate_recordset(NULL::{table}, $1::json)
    ON CONFLICT DO NOTHING
"""


class PostgresCollector:
    """Samples the server that the worker works with; remembers only when it last wrote, and the last known size."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._written = -SAMPLE_SECONDS  # on the monotonic clock, which is never that young
        self._kept_slot = -1
        self._told = False
        self._bytes: int | None = None

    async def sample(self, database: Database) -> str | None:
        """Look at sessions and counters, and write them down when that is due. Returns who waits, if anybody does.

        Needs the role service. Raises DatabaseUnreachable or DatabaseTimeout.
        """
        async with database.scoped() as connection:
            await connection.execute(_BE_LOGIN.format(limit="2s"))
            sessions = await connection.fetchval(SESSIONS, SHOWN_SECONDS, MOST_SESSIONS)
            found: list[dict[str, Any]] = orjson.loads(sessions)
            due = monotonic() - self._written >= SAMPLE_SECONDS - _EARLY
            if not (found or self._told or due):
                return None
            version = connection.get_server_version().major * 10_000
            server = orjson.loads(await connection.fetchval(server_statement(version)))
            await connection.execute(_BE_SERVICE)
            await self._write(connection, server, sessions, len(found))
        self._written, self._told = monotonic(), bool(found)
        waiting = sum(each["waits_since"] is not None for each in found)
        return f"{waiting} sessions wait for a lock" if waiting else None

    async def measure(self, database: Database) -> str | None:
        """Measure tables and indexes, note the statements that took the most time; return how many there are of each.

        Sizes are left for the next turn where somebody holds a table all for himself: to wait for it would keep others
        waiting behind us. Needs the role service. Raises DatabaseUnreachable or DatabaseTimeout.
        """
        try:
            async with database.scoped() as connection:
                measured = await self._measured(connection)
        except DatabaseLocked:
            return "left for the next turn: a table is locked"
        async with database.scoped() as connection:  # apart: an extension that fails must not cost the sizes
            return f"{measured}, {await _noted(connection)} statements"

    async def _write(self, connection: Any, server: dict[str, Any], sessions: str, count: int) -> None:
        at = parse_moment(server["at"], "at")
        slot = int(at.timestamp()) // KEPT_SECONDS
        server |= {"kept": slot != self._kept_slot, "sessions": count, "database_bytes": self._bytes}
        await connection.execute(_insert(_ONE, "database_samples"), orjson.dumps(server).decode())
        if count:
            await connection.execute(_insert(_MANY, "session_samples"), sessions, at)
        await _announce(connection)
        self._kept_slot = slot

    async def _measured(self, connection: Any) -> str:
        await connection.execute(_BE_LOGIN.format(limit="10s"))
        at = await connection.fetchval("SELECT clock_timestamp()")
        size: int = await connection.fetchval(SIZE)
        tables = await connection.fetchval(TABLES, MOST_TABLES)
        indexes = await connection.fetchval(INDEXES, MOST_INDEXES)
        await connection.execute(_BE_SERVICE)
        await connection.execute(_insert(_LASTING, "relation_samples", width="hour"), tables, at)
        await connection.execute(_insert(_LASTING, "index_samples", width="day"), indexes, at)
        await _announce(connection)
        self._bytes = size
        return f"{len(orjson.loads(tables))} tables, {len(orjson.loads(indexes))} indexes"


async def _noted(connection: Any) -> int:
    """Note what pg_stat_statements counted; nothing where it is not created here, or not loaded by the server."""
    await connection.execute(_BE_LOGIN.format(limit="10s"))
    schema = await connection.fetchval(STATEMENTS_SCHEMA)
    if schema is None or await connection.fetchval("SELECT current_setting('pg_stat_statements.max', true)") is None:
        return 0
    at = await connection.fetchval("SELECT clock_timestamp()")
    found = await connection.fetchval(statements_statement(schema), MOST_STATEMENTS)
    await connection.execute(_BE_SERVICE)
    await connection.execute(_insert(_MANY, "statement_samples"), found, at)
    await _announce(connection)
    return len(orjson.loads(found))


async def _announce(connection: Any) -> None:
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.DATABASE).payload)


def _insert(form: str, table: str, width: str = "") -> str:
    return form.format(table=table, columns=_COLUMNS[table], width=width)
