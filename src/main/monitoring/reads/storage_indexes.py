"""Storage by index: which indexes take the most room, and are they used?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

MOST = 20


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """One index with those of the partitions. ``share`` is of its table with all indexes, a fraction.

    ``scans`` counts uses since the server's statistics began.
    """

    index: str
    table: str
    index_bytes: int
    share: float | None
    scans: int
    at: datetime


INDEXES = Query(
    StoredIndex,
    """
    WITH newest AS (
        SELECT max(i.at) AS at FROM index_samples i WHERE i.at <= $1 AND i.recorded_at <= $2
    )
    SELECT i.index_name AS index, i.table_name AS table, i.index_bytes,
           i.index_bytes / nullif(r.table_bytes + r.index_bytes, 0)::float8 AS share, i.index_scans AS scans,
           i.at::timestamptz AS at
      FROM newest n
      JOIN index_samples i ON i.at = n.at AND i.schema_name = 'public'
      LEFT JOIN relation_samples r ON r.at = i.at AND r.schema_name = i.schema_name AND r.table_name = i.table_name
     ORDER BY i.index_bytes DESC, i.index_name
     LIMIT $3
    """,
)


async def storage_indexes(db: Fetcher, scope: Scope) -> list[StoredIndex]:
    """Return the twenty largest indexes of the newest sample, the biggest first; empty before the worker took one."""
    bounds = scope.bounds()
    return await INDEXES.all(db, bounds.end, bounds.known_at, MOST)


READ = Read(
    "storage_indexes",
    "Largest indexes",
    storage_indexes,
    topics=frozenset({Topic.SERVICES}),
    unit="bytes",
    freshness=timedelta(minutes=15),
    about="suite",
    as_of=lambda rows: rows[0].at if rows else None,
    formula="size of an index and of those of all partitions",
)
