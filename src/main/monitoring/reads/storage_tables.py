"""Storage by table: how big is each one, how fast does it grow, and how long is what is in it kept?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.database.retention import KINDS
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class StoredTable:
    """One table with its partitions, as it was sampled last.

    ``row_count`` is the planner's estimate, before a first analyze the server's count; ``None`` where neither has seen
    what the table's pages hold. ``share`` is of all tables together, a fraction. Growth is from ``growth_since``, the
    table's first sample in the window, to ``at``; ``None`` where there is one sample only. ``purges`` says whether old
    rows go; ``kept_seconds`` is the age at which they went last and is ``None`` before the first purge and for what is
    kept for ever. ``purged_rows`` counts the day of the last purge.
    """

    table: str
    partitions: int
    row_count: int | None
    table_bytes: int
    index_bytes: int
    total_bytes: int
    share: float | None
    growth_bytes: int | None
    growth_daily_bytes: float | None
    growth_since: datetime | None
    purges: bool
    kept_seconds: float | None
    purged_at: datetime | None
    purged_rows: int | None
    purge_error: str | None
    at: datetime


TABLES = Query(
    StoredTable,
    """
    WITH newest AS (
        SELECT max(r.at) AS at FROM relation_samples r WHERE r.at <= $2 AND r.recorded_at <= $3
    ), stored AS (
        SELECT r.table_name, r.partitions, known_rows(r.row_estimate, r.live_rows, r.dead_rows) AS row_count,
               r.table_bytes, r.index_bytes,
               r.table_bytes + r.index_bytes AS total_bytes, r.at::timestamptz AS at
          FROM newest n
          JOIN relation_samples r ON r.at = n.at AND r.schema_name = 'public'
    )
    SELECT s.table_name AS table, s.partitions, s.row_count, s.table_bytes,
           s.index_bytes, s.total_bytes, s.total_bytes / nullif(sum(s.total_bytes) OVER (), 0)::float8 AS share,
           s.total_bytes - f.total_bytes AS growth_bytes,
           (s.total_bytes - f.total_bytes) * 86400 / extract(epoch FROM s.at - f.at)::float8 AS growth_daily_bytes,
           f.at AS growth_since, s.table_name = ANY ($4::text[]) AS purges,
           extract(epoch FROM p.finished_at - p.cutoff)::float8 AS kept_seconds,
           p.finished_at::timestamptz AS purged_at, p.rows_deleted AS purged_rows, p.error AS purge_error, s.at
      FROM stored s
      LEFT JOIN LATERAL (
            SELECT r.at::timestamptz AS at, r.table_bytes + r.index_bytes AS total_bytes
              FROM relation_samples r
             WHERE r.schema_name = 'public' AND r.table_name = s.table_name AND r.at > $1 AND r.at < s.at
             ORDER BY r.at
             LIMIT 1) f ON true
      LEFT JOIN LATERAL (
            SELECT d.finished_at, d.cutoff, d.rows_deleted, d.error
              FROM daily_purge_flags d
             WHERE d.table_name = s.table_name AND d.day <= ($2 AT TIME ZONE 'UTC')::date AND d.finished_at <= $2
             ORDER BY d.day DESC
             LIMIT 1) p ON true
     ORDER BY s.total_bytes DESC, s.table_name
    """,
)


async def storage_tables(db: Fetcher, scope: Scope) -> list[StoredTable]:
    """Return the tables of the suite, the biggest first; empty before the worker has sampled them.

    Sizes and rows are those of the newest sample at the moment, one every five minutes; partitions are summed up in
    their table. What is not purged is kept for ever: orders, fills, trades, equity, the audit log.
    """
    bounds = scope.bounds()
    return await TABLES.all(db, bounds.start, bounds.end, bounds.known_at, [kind.table for kind in KINDS])


READ = Read(
    "storage_tables",
    "Tables",
    storage_tables,
    topics=frozenset({Topic.SERVICES}),
    unit="bytes",
    freshness=timedelta(minutes=15),
    about="suite",
    as_of=lambda rows: rows[0].at if rows else None,
    scalar=lambda rows: sum(row.total_bytes for row in rows),
    formula="heap, TOAST and indexes of a table and all its partitions",
)
