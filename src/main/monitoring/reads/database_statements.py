"""Database statements: which ones take the server's time?"""

from dataclasses import dataclass
from datetime import datetime

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.relation_samples import MEASURED, measured_at
from main.monitoring.server_samples import newest_sample


@dataclass(frozen=True, slots=True)
class StatementCost:
    """One statement, whatever its constants, since pg_stat_statements was reset.

    ``total_share`` is its part of the time of all statements of the database; ``statement`` is ``None`` where hidden.
    """

    query_id: str
    role: str
    calls: int
    mean_seconds: float
    longest_seconds: float
    total_seconds: float
    total_share: float | None
    row_count: int
    cache_hit_share: float | None
    statement: str | None


@dataclass(frozen=True, slots=True)
class DatabaseStatements:
    """The statements that took the most time, up to 50; ``counting`` says whether pg_stat_statements counts them.

    It is on, not created (in this database), not loaded (by the server), not available (beside it), or unknown.
    """

    sampled_at: datetime | None
    counting: str
    statements: tuple[StatementCost, ...]


STATEMENTS = Query(
    StatementCost,
    """
    SELECT query_id::text AS query_id, role, calls, total_seconds / nullif(calls, 0) AS mean_seconds, longest_seconds,
           total_seconds, total_seconds / nullif(all_seconds, 0) AS total_share,
           row_count, blocks_hit / nullif(blocks_hit + blocks_read, 0)::float8 AS cache_hit_share, statement
      FROM statement_samples
     WHERE at = (SELECT max(at) FROM statement_samples WHERE at <= $1 AND recorded_at <= $2)
     ORDER BY total_seconds DESC, query_id, role
    """,
)


async def database_statements(db: Fetcher, scope: Scope) -> DatabaseStatements:
    """Return the statements that took the most time in this database, the most first; none where nothing counts them.

    The worker notes them every five minutes, and what it noted is kept for metrics_retention.
    """
    bounds = scope.bounds()
    sample = await newest_sample(db, scope)
    if sample is None:
        return DatabaseStatements(None, "unknown", ())
    found = await STATEMENTS.all(db, bounds.end, bounds.known_at)
    at = await measured_at(db, scope) or sample.at
    return DatabaseStatements(at, sample.statements, tuple(found) if sample.statements == "on" else ())


READ = Read(
    "database_statements",
    "Database statements",
    database_statements,
    topics=frozenset({Topic.DATABASE}),
    unit="seconds",
    freshness=MEASURED,
    about="suite",
    as_of=lambda found: found.sampled_at,
    formula="pg_stat_statements: total_exec_time, and its part of that of all statements",
    everything=True,
)
