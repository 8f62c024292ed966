"""Which tables and indexes did the worker last measure, up to a moment and as known then?

The rows and queries that the reads about tables and indexes share. Ages are those at the measurement, never until now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope

MEASURED = timedelta(minutes=6)
"""How old the newest sizes may be: the worker's pace and some room."""


@dataclass(frozen=True, slots=True)
class TableState:
    """One table with its partitions; its growth since the first measurement in the window, ``None`` if it was not yet.

    ``row_count`` is the planner's ``row_estimate``, and before a first analyze the server's count ``live_rows``; it is
    ``None`` where neither has seen what the table's pages hold. ``dead_rows`` wait for vacuum. Seconds are ages at the
    measurement, ``None`` for never. Scans are counted since the server's statistics began.
    """

    schema_name: str
    table_name: str
    partitions: int
    total_bytes: int
    table_bytes: int
    index_bytes: int
    growth_bytes: int | None
    row_count: int | None
    row_estimate: int | None
    live_rows: int
    dead_rows: int
    dead_share: float | None
    changed_rows: int
    sequential_scans: int
    sequential_rows: int
    index_scans: int
    vacuumed_seconds: float | None
    analyzed_seconds: float | None
    freeze_age: int | None


@dataclass(frozen=True, slots=True)
class IndexState:
    """One index with those of its table's partitions; scans are counted since the server's statistics began."""

    schema_name: str
    index_name: str
    table_name: str
    partitioned: bool
    index_bytes: int
    index_scans: int
    is_valid: bool
    is_unique: bool
    is_constraint: bool
    method: str
    keys: list[str]
    condition: str | None
    definition: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """When sizes were last measured; ``None`` for never."""

    at: datetime | None


TABLES = Query(
    TableState,
    """
    WITH first AS (
        SELECT min(at) AS at FROM relation_samples WHERE at > $3 AND at <= $1 AND recorded_at <= $2
    )
    SELECT n.schema_name, n.table_name, n.partitions, n.table_bytes + n.index_bytes AS total_bytes, n.table_bytes,
           n.index_bytes, n.table_bytes + n.index_bytes - e.table_bytes - e.index_bytes AS growth_bytes,
           known_rows(n.row_estimate, n.live_rows, n.dead_rows) AS row_count, n.row_estimate, n.live_rows, n.dead_rows,
           n.dead_rows::float8 / nullif(n.live_rows + n.dead_rows, 0) AS dead_share, n.changed_rows,
           n.sequential_scans, n.sequential_rows, n.index_scans,
           extract(epoch FROM n.at - n.vacuumed_at)::float8 AS vacuumed_seconds,
           extract(epoch FROM n.at - n.analyzed_at)::float8 AS analyzed_seconds, n.freeze_age
      FROM relation_samples n
      CROSS JOIN first
      LEFT JOIN relation_samples e ON e.at = first.at AND e.schema_name = n.schema_name AND e.table_name = n.table_name
                                  AND e.at < n.at
     WHERE n.at = (SELECT max(at) FROM relation_samples WHERE at <= $1 AND recorded_at <= $2)
     ORDER BY total_bytes DESC, n.schema_name, n.table_name
    """,
)
INDEXES = Query(
    IndexState,
    """
    SELECT schema_name, index_name, table_name, partitioned, index_bytes, index_scans, is_valid, is_unique,
           is_constraint, method, keys, condition, definition
      FROM index_samples
     WHERE at = (SELECT max(at) FROM index_samples WHERE at <= $1 AND recorded_at <= $2)
     ORDER BY index_bytes DESC, schema_name, index_name
    """,
)
MEASUREMENT = Query(
    Measurement,
    "SELECT max(at)::timestamptz AS at FROM relation_samples WHERE at <= $1 AND recorded_at <= $2",
)


async def measured_at(db: Fetcher, scope: Scope) -> datetime | None:
    """Return when sizes were last measured up to the scope's moment; ``None`` for never."""
    bounds = scope.bounds()
    found = await MEASUREMENT.first(db, bounds.end, bounds.known_at)
    return found.at if found else None
