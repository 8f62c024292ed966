"""Event counts: when in the window did events come, and how grave were they?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width


@dataclass(frozen=True, slots=True)
class EventBucket:
    """How many events came in one stretch of time, from ``at`` for ``width_seconds``; debug is counted as info."""

    at: datetime
    width_seconds: float
    errors: int
    warnings: int
    others: int


BUCKETS = Query(
    EventBucket,
    """
    SELECT bucket_start($5, e.at) AS at, extract(epoch FROM $5)::float8 AS width_seconds,
           count(*) FILTER (WHERE e.severity IN ('error', 'critical')) AS errors,
           count(*) FILTER (WHERE e.severity = 'warning') AS warnings,
           count(*) FILTER (WHERE e.severity IN ('info', 'debug')) AS others
      FROM system_events e
     WHERE e.at > $2 AND e.at <= $3 AND e.recorded_at <= $4 AND (e.account_id IS NULL OR e.account_id = ANY ($1))
       AND NOT EXISTS (SELECT FROM system_events newer
                        WHERE newer.source = e.source AND newer.source_id = e.source_id
                          AND newer.revision > e.revision AND newer.recorded_at <= $4)
     GROUP BY 1
     ORDER BY 1
    """,
)


@dataclass(frozen=True, slots=True)
class EventSeries(Series):
    """Params: into about how many stretches the window is parted."""

    points: int = 60


async def event_counts(db: Fetcher, scope: Scope, asked: EventSeries | None = None) -> list[EventBucket]:
    """Return how many events of each gravity came, by stretches of the window, oldest first.

    Events of no account are among those of all accounts. A stretch without any is absent; empty where nothing happened.
    """
    bounds = scope.bounds()
    width = bucket_width(bounds.start, bounds.end, (asked or EventSeries()).points, timedelta(minutes=1))
    return await BUCKETS.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at, width)


READ = Read(
    "event_counts",
    "Events over time",
    event_counts,
    topics=frozenset({Topic.EVENTS, Topic.ACCOUNTS}),
    unit="count",
    freshness=timedelta(minutes=1),
    about="suite",
    params=EventSeries,
    scalar=lambda buckets: sum(bucket.errors for bucket in buckets),
    formula="events by the time at which they happened, newest revision of each",
)
