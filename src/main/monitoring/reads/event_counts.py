"""Event counts: when in the window did events come, and how grave were they?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width

LONGEST = timedelta(days=100)
"""Events are kept for ninety days."""


@dataclass(frozen=True, slots=True)
class EventBucket:
    """How many events came in the stretch of time that begins at ``at``; debug is counted among the others."""

    at: datetime
    errors: int
    warnings: int
    others: int


@dataclass(frozen=True, slots=True)
class EventCourse:
    """The stretches of a window in which something happened, each ``width_seconds`` long, oldest first."""

    start: datetime
    end: datetime
    width_seconds: float
    buckets: list[EventBucket]


BUCKETS = Query(
    EventBucket,
    """
    SELECT bucket_start($5, e.at) AS at, count(*) FILTER (WHERE e.severity IN ('error', 'critical')) AS errors,
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


async def event_counts(db: Fetcher, scope: Scope, asked: EventSeries | None = None) -> EventCourse:
    """Return how many events of each gravity came, by stretches of the window, at most of its last hundred days.

    Events of no account are among those of all accounts. A stretch without any is absent, so that there is none where
    nothing happened.
    """
    bounds = scope.bounds()
    start = max(bounds.start, bounds.end - LONGEST)
    width = bucket_width(start, bounds.end, (asked or EventSeries()).points, timedelta(minutes=1))
    buckets = await BUCKETS.all(db, list(scope.accounts), start, bounds.end, bounds.known_at, width)
    return EventCourse(start, bounds.end, width.total_seconds(), buckets)


READ = Read(
    "event_counts",
    "Events over time",
    event_counts,
    topics=frozenset({Topic.EVENTS, Topic.ACCOUNTS}),
    unit="count",
    freshness=timedelta(minutes=1),
    about="suite",
    params=EventSeries,
    scalar=lambda course: sum(bucket.errors for bucket in course.buckets),
    formula="events by the time at which they happened, newest revision of each",
)
