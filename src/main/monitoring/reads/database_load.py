"""Database load: how busy is the database server, now and through the window?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width
from main.monitoring.server_samples import COUNTED, SAMPLED, Counted, ServerSample, newest_sample

LEAST_GROWTH = timedelta(minutes=30)
"""Below that a size that moves in steps of five minutes says nothing about a day."""


@dataclass(frozen=True, slots=True)
class LoadParams(Series):
    """How fine the series is."""


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """One bucket: the most connections in it, and rates of what was counted; ``None`` where nothing was before it."""

    at: datetime
    connections: int
    active: int
    idle_in_transaction: int
    waiting: int
    commits_per_second: float | None
    rollbacks_per_second: float | None
    cache_hit_share: float | None
    wal_bytes_per_second: float | None
    temporary_bytes_per_second: float | None


@dataclass(frozen=True, slots=True)
class DatabaseLoad:
    """The newest sample, what was counted through the window, and its course, oldest first.

    ``cache_hit_share``: of the blocks that were wanted, those found in shared_buffers. ``growth_bytes`` is the
    change of the database's size, made a day's; ``None`` below half an hour.
    """

    latest: ServerSample | None
    counted: Counted | None
    commits_per_second: float | None
    rollbacks_per_second: float | None
    wal_bytes_per_second: float | None
    cache_hit_share: float | None
    growth_bytes: float | None
    points: tuple[LoadPoint, ...]


POINTS = Query(
    LoadPoint,
    """
    WITH steps AS (
        SELECT date_bin($4::interval, at::timestamptz, '2000-01-01+00') AS bucket, connections, active,
               idle_in_transaction, waiting, extract(epoch FROM at - lag(at) OVER before)::float8 AS seconds,
               commits - lag(commits) OVER before AS commits, rollbacks - lag(rollbacks) OVER before AS rollbacks,
               blocks_hit - lag(blocks_hit) OVER before AS hit, blocks_read - lag(blocks_read) OVER before AS read,
               wal_bytes - lag(wal_bytes) OVER before AS wal,
               temporary_bytes - lag(temporary_bytes) OVER before AS spilled
          FROM database_samples
         WHERE at > $3 AND at <= $1 AND recorded_at <= $2
        WINDOW before AS (ORDER BY at)
    )
    SELECT bucket AS at, max(connections) AS connections, max(active) AS active,
           max(idle_in_transaction) AS idle_in_transaction, max(waiting) AS waiting,
           (sum(commits) FILTER (WHERE commits >= 0))::float8 / nullif(sum(seconds), 0) AS commits_per_second,
           (sum(rollbacks) FILTER (WHERE rollbacks >= 0))::float8 / nullif(sum(seconds), 0) AS rollbacks_per_second,
           (sum(hit) FILTER (WHERE hit >= 0 AND read >= 0))::float8
               / nullif(sum(hit + read) FILTER (WHERE hit >= 0 AND read >= 0), 0)::float8 AS cache_hit_share,
           (sum(wal) FILTER (WHERE wal >= 0))::float8 / nullif(sum(seconds), 0) AS wal_bytes_per_second,
           (sum(spilled) FILTER (WHERE spilled >= 0))::float8 / nullif(sum(seconds), 0) AS temporary_bytes_per_second
      FROM steps
     GROUP BY bucket
     ORDER BY bucket
    """,
)


async def database_load(db: Fetcher, scope: Scope, params: LoadParams = LoadParams()) -> DatabaseLoad:
    """Return connections, transactions, cache and write-ahead log of the server; no points when none was sampled.

    The worker looks every 15 seconds; what is older than metrics_retention is left once every five minutes. Counters
    are the server's own, so a rate is right across a gap too; where they were reset, it is left out.
    """
    bounds = scope.bounds()
    latest = await newest_sample(db, scope)
    width = bucket_width(bounds.start, bounds.end, params.points, timedelta(seconds=15))
    points = await POINTS.all(db, bounds.end, bounds.known_at, bounds.start, width)
    counted = await COUNTED.first(db, bounds.end, bounds.known_at, bounds.start)
    if counted is None or latest is None:
        return DatabaseLoad(latest, None, None, None, None, None, None, tuple(points))
    blocks = counted.blocks_hit + counted.blocks_read
    return DatabaseLoad(
        latest,
        counted,
        commits_per_second=_rate(counted.commits, counted),
        rollbacks_per_second=_rate(counted.rollbacks, counted),
        wal_bytes_per_second=_rate(counted.wal_bytes, counted),
        cache_hit_share=counted.blocks_hit / blocks if blocks else None,
        growth_bytes=_growth(latest, counted),
        points=tuple(points),
    )


def _rate(count: int | None, counted: Counted) -> float | None:
    return count / counted.counted_seconds if count is not None and counted.counted_seconds else None


def _growth(latest: ServerSample, counted: Counted) -> float | None:
    first, last = counted.first_bytes_at, counted.last_bytes_at
    if first is None or last is None or counted.first_bytes is None or latest.database_bytes is None:
        return None
    if last - first < LEAST_GROWTH:
        return None
    return (latest.database_bytes - counted.first_bytes) / ((last - first) / timedelta(days=1))


READ = Read(
    "database_load",
    "Database load",
    database_load,
    topics=frozenset({Topic.DATABASE}),
    unit="connections, a second, bytes",
    freshness=SAMPLED,
    about="suite",
    params=LoadParams,
    as_of=lambda load: load.latest.at if load.latest else None,
    formula="pg_stat_database, pg_stat_activity, pg_current_wal_lsn: differences of two samples by their time apart",
)
