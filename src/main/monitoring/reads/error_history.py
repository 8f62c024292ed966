"""Error history: how many errors and warnings came in each of the last 24 hours, and what was the worst hour about?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

HOURS = 24


@dataclass(frozen=True, slots=True)
class ErrorHour:
    """One hour of UTC. ``said`` is the message that came most often in it, errors before warnings; ``None`` in quiet.

    ``errors`` counts errors and critical events.
    """

    at: datetime
    errors: int
    warnings: int
    said: str | None


HOUR_ROWS = Query(
    ErrorHour,
    """
    WITH told AS (
        SELECT DISTINCT ON (e.source, e.source_id) e.at, e.severity, e.message
          FROM system_events e
         WHERE e.at > $1::timestamptz AND e.at <= $2::timestamptz AND e.recorded_at <= $3
           AND (e.account_id IS NULL OR e.account_id = ANY ($4))
         ORDER BY e.source, e.source_id, e.revision DESC
    ), counted AS (
        SELECT date_bin('1 hour', t.at, '2000-01-01 00:00Z') AS hour, t.severity <> 'warning' AS error, t.message,
               count(*) AS events
          FROM told t
         WHERE t.severity IN ('warning', 'error', 'critical')
         GROUP BY 1, 2, 3
    )
    SELECT h.at, coalesce(sum(c.events) FILTER (WHERE c.error), 0)::bigint AS errors,
           coalesce(sum(c.events) FILTER (WHERE NOT c.error), 0)::bigint AS warnings,
           (array_agg(left(c.message, 200) ORDER BY c.error DESC, c.events DESC, c.message)
               FILTER (WHERE c.message IS NOT NULL))[1] AS said
      FROM generate_series(date_bin('1 hour', $1::timestamptz, '2000-01-01 00:00Z') + interval '1 hour', $2,
                           interval '1 hour') AS h (at)
      LEFT JOIN counted c ON c.hour = h.at
     GROUP BY h.at
     ORDER BY h.at
    """,
)


async def error_history(db: Fetcher, scope: Scope) -> list[ErrorHour]:
    """Return the 24 hours of UTC up to the moment asked about, the running one last, each with what it counted.

    Events of the suite and of the scope's accounts count, each with its newest revision. Quiet hours are zeros: an hour
    without an event is known to have none.
    """
    bounds = scope.bounds()
    which = (bounds.end - timedelta(hours=HOURS), bounds.end, bounds.known_at, list(scope.accounts))
    return await HOUR_ROWS.all(db, *which)


READ = Read(
    "error_history",
    "Errors per hour",
    error_history,
    topics=frozenset({Topic.EVENTS, Topic.ACCOUNTS}),
    unit="count",
    freshness=timedelta(minutes=1),
    about="suite",
    scalar=lambda hours: sum(hour.errors for hour in hours),
    formula="events of severity error or critical, and of severity warning, by the hour they happened in",
)
