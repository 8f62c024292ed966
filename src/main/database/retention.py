"""Which recorded data is old enough to go?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.clock import now
from main.database.pool import Database

SHOWN = timedelta(hours=1)
"""What the Health page asks the samples of the machine for, longer windows being answered by roll-ups: never less."""

HOST_ROLLUPS = timedelta(days=90)
UPTIME = timedelta(days=400)

BATCH = 5000
"""Rows of one transaction: some milliseconds, so that a kill loses little work and nobody waits for a lock."""

_LOCK = "SELECT rolled_until >= $2 FROM rollup_progress WHERE fact = $1 FOR UPDATE"
_FINISH = """
    UPDATE rollup_progress
       SET kept_since = greatest(kept_since, $2)
     WHERE fact = $1
       AND NOT EXISTS (SELECT FROM dirty_buckets d WHERE d.fact = $1 AND d.width = 'minute' AND d.bucket_at < $2)
"""
_DROP = "SELECT drop_month_partitions($1, $2)"
_HOST = """
    DELETE FROM system_metrics m
     USING (SELECT host, at FROM system_metrics WHERE at < $1 AND recorded_at < $1
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE m.host = old.host AND m.at = old.at AND m.at < $1 AND m.recorded_at < $1
"""
_MARKET = """
    DELETE FROM market_snapshots m
     USING (SELECT source, symbol, at, revision FROM market_snapshots WHERE at < $1 AND recorded_at < $1
             LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE m.source = old.source AND m.symbol = old.symbol AND m.at = old.at AND m.revision = old.revision
       AND m.at < $1 AND m.recorded_at < $1
"""
_EVENTS = """
    DELETE FROM system_events e
     USING (SELECT source, source_id, revision FROM system_events WHERE at < $1 AND recorded_at < $1
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE e.source = old.source AND e.source_id = old.source_id AND e.revision = old.revision
       AND e.at < $1 AND e.recorded_at < $1
"""
_PROCESSES = """
    DELETE FROM process_metrics m
     USING (SELECT host, pid, at FROM process_metrics WHERE at < $1 AND recorded_at < $1
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE m.host = old.host AND m.pid = old.pid AND m.at = old.at AND m.at < $1 AND m.recorded_at < $1
"""
_HOST_ROLLUPS = """
    DELETE FROM host_rollups r
     USING (SELECT host, width, at FROM host_rollups WHERE at < $1
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE r.host = old.host AND r.width = old.width AND r.at = old.at AND r.at < $1
"""
_DATABASE = """
    DELETE FROM database_samples s
     USING (SELECT at FROM database_samples WHERE at < $1 AND (NOT kept OR at < $1 - interval '90 days')
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE s.at = old.at
"""
_SESSIONS = """
    DELETE FROM session_samples s
     USING (SELECT at, pid FROM session_samples WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE s.at = old.at AND s.pid = old.pid
"""
_RELATIONS = """
    DELETE FROM relation_samples s
     USING (SELECT at, schema_name, table_name FROM relation_samples
             WHERE at < $1 AND (NOT kept OR at < $1 - interval '90 days')
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE s.at = old.at AND s.schema_name = old.schema_name AND s.table_name = old.table_name
"""
_INDEXES = """
    DELETE FROM index_samples s
     USING (SELECT at, schema_name, index_name FROM index_samples
             WHERE at < $1 AND (NOT kept OR at < $1 - interval '90 days')
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE s.at = old.at AND s.schema_name = old.schema_name AND s.index_name = old.index_name
"""
_STATEMENTS = """
    DELETE FROM statement_samples s
     USING (SELECT at, query_id, role FROM statement_samples
             WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE s.at = old.at AND s.query_id = old.query_id AND s.role = old.role
"""
_HOST_PARTS = """
    DELETE FROM host_parts p
     USING (SELECT host, at FROM host_parts
             WHERE width = 'sample' AND at < $1 OR width = 'minute' AND at < $1 - interval '8 days'
                OR width = 'hour' AND at < $1 - interval '90 days'
             LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE p.host = old.host AND p.at = old.at
"""
_UPTIME = """
    DELETE FROM service_days d
     USING (SELECT kind, service, day FROM service_days WHERE day < $1::timestamptz::date
             LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE d.kind = old.kind AND d.service = old.service AND d.day = old.day
"""
_QUALITY = """
    DELETE FROM data_quality q
     USING (SELECT source, symbol, at FROM data_quality WHERE at < $1
             ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) old
     WHERE q.source = old.source AND q.symbol = old.symbol AND q.at = old.at AND q.at < $1
"""
_NOTE = """
    INSERT INTO daily_purge_flags (day, table_name, cutoff, finished_at, rows_deleted, partitions_dropped)
    VALUES (($4::timestamptz AT TIME ZONE 'UTC')::date, $1, $2, clock_timestamp(), $3, $5)
        ON CONFLICT (day, table_name) DO UPDATE
       SET cutoff = greatest(daily_purge_flags.cutoff, excluded.cutoff), finished_at = excluded.finished_at,
           error = NULL, rows_deleted = daily_purge_flags.rows_deleted + excluded.rows_deleted,
           partitions_dropped = daily_purge_flags.partitions_dropped + excluded.partitions_dropped
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One table that data goes from: by whole months where it is partitioned; what has a roll-up, not before that."""

    table: str
    delete: str
    rolled_as: str | None = None
    partitioned: bool = False


KINDS = (
    Kind("system_metrics", _HOST, "host", partitioned=True),
    Kind("market_snapshots", _MARKET, "market", partitioned=True),
    Kind("process_metrics", _PROCESSES, partitioned=True),
    Kind("system_events", _EVENTS),
    Kind("data_quality", _QUALITY),
    Kind("host_rollups", _HOST_ROLLUPS),
    Kind("host_parts", _HOST_PARTS),
    Kind("service_days", _UPTIME),
    Kind("database_samples", _DATABASE),  # these and the next: what is marked to be kept goes 90 days later
    Kind("relation_samples", _RELATIONS),
    Kind("index_samples", _INDEXES),
    Kind("session_samples", _SESSIONS),
    Kind("statement_samples", _STATEMENTS),
)
"""Everything else is kept for ever: orders, fills, trades, equity, audit."""

_OF_THE_SERVER = ("database_samples", "relation_samples", "index_samples", "session_samples", "statement_samples")


@dataclass(frozen=True, slots=True)
class Purged:
    """What went from one table: whole partitions by name, and rows one by one."""

    table: str
    before: datetime
    partitions: tuple[str, ...]
    rows: int


def kept(metrics_seconds: float, market_days: int, event_days: int) -> dict[str, timedelta]:
    """Return how long each table's rows are kept by these settings, by table; at least what the pages show of them."""
    samples = max(SHOWN, timedelta(seconds=metrics_seconds))
    return {
        "system_metrics": samples,
        "process_metrics": samples,
        "host_parts": samples,  # the first one of each minute a week longer, of each hour 90 days longer
        "service_days": UPTIME,
        "market_snapshots": timedelta(days=market_days),
        "data_quality": timedelta(days=market_days),
        "system_events": timedelta(days=event_days),
        **dict.fromkeys(_OF_THE_SERVER, samples),
        "host_rollups": max(HOST_ROLLUPS, samples + timedelta(days=1)),  # a day is made anew from its own hours
    }


async def purge(
    database: Database, ages: Mapping[str, timedelta], *, before: datetime | None = None, batch: int = BATCH
) -> tuple[Purged, ...]:
    """Delete what is older than its table's age and return what went, tables with nothing left out.

    A row is as old as its moment or as the moment it was learned, whichever is later: a replay's past is young. Counted
    back from `before`, now unless given. Needs the role service; two that run at once share the work, one that is
    killed is gone on with by the next, and a lock that somebody holds is left for the next turn. Raise
    `DatabaseUnreachable` or `DatabaseTimeout`.
    """
    moment = before or now()
    purged = []
    for kind in KINDS:
        cutoff = moment - ages[kind.table]
        if kind.rolled_as and not await _finish(database, kind.rolled_as, cutoff):
            continue
        partitions = await _drop(database, kind.table, cutoff) if kind.partitioned else ()
        rows = await _delete(database, kind.delete, cutoff, batch)
        async with database.scoped() as connection:
            await connection.execute(_NOTE, kind.table, cutoff, rows, moment, len(partitions))
        if partitions or rows:
            purged.append(Purged(kind.table, cutoff, partitions, rows))
    return tuple(purged)


async def _finish(database: Database, fact: str, cutoff: datetime) -> bool:
    """Declare the roll-ups of everything before `cutoff` final; return whether they are made, so that it can go."""
    async with database.scoped() as connection:
        # Under the lock that the roll-up job works under: nothing of this kind is in the making now.
        if not await connection.fetchval(_LOCK, fact, cutoff):
            return False
        return str(await connection.execute(_FINISH, fact, cutoff)) == "UPDATE 1"


async def _drop(database: Database, table: str, cutoff: datetime) -> tuple[str, ...]:
    async with database.scoped() as connection:
        return tuple(await connection.fetchval(_DROP, table, cutoff))


async def _delete(database: Database, statement: str, cutoff: datetime, batch: int) -> int:
    deleted = 0
    while True:
        async with database.scoped() as connection:
            tag = await connection.execute(statement, cutoff, batch)
        gone = int(tag.rpartition(" ")[2])
        deleted += gone
        if gone < batch:
            return deleted
