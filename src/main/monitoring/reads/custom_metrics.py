"""Custom metrics: what values have bots given names to, what are they now, and how did they go?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

MOST = 200
"""Names of each source that are looked at, in alphabetical order: a bot that makes names without end fills no page."""

POINTS = 30
"""Of a sparkline."""


@dataclass(frozen=True, slots=True)
class CustomMetric:
    """One named value as it was told last; ``account`` is ``None`` for one of no account.

    ``recent`` has the last value of each of thirty equal parts of the window, oldest first, ``None`` for a part in
    which nothing was told.
    """

    name: str
    account: str | None
    label: str | None
    source: str
    value: Decimal
    unit: str
    at: datetime
    recorded_at: datetime
    recent: list[float | None]


METRICS = Query(
    CustomMetric,
    """
    WITH RECURSIVE chosen AS (
        SELECT a.account_id, a.label FROM accounts_at($1, $3, $4, $5) a
        UNION ALL
        SELECT NULL, NULL
    ), names AS (
        -- By jumps through the index: a scan of all that was ever told would grow with it.
        (SELECT m.source, m.name, 1 AS place FROM custom_metrics m ORDER BY m.source, m.name LIMIT 1)
        UNION ALL
        SELECT next.source, next.name, CASE WHEN next.source = n.source THEN n.place + 1 ELSE 1 END
          FROM names n
          CROSS JOIN LATERAL (
                (SELECT m.source, m.name
                   FROM custom_metrics m
                  WHERE n.place < $6 AND m.source = n.source AND m.name > n.name
                  ORDER BY m.name
                  LIMIT 1)
                UNION ALL
                (SELECT m.source, m.name
                   FROM custom_metrics m
                  WHERE m.source > n.source
                  ORDER BY m.source, m.name
                  LIMIT 1)
                LIMIT 1) next
    )
    SELECT n.name, c.account_id::text AS account, c.label, n.source, last.value, last.unit, last.at, last.recorded_at,
           ARRAY(SELECT past.value
                   FROM generate_series(1, $7) AS part (number)
                  CROSS JOIN LATERAL (
                        SELECT $2 + ($3 - $2) * (part.number - 1) / $7 AS after,
                               $2 + ($3 - $2) * part.number / $7 AS upto) bucket
                   LEFT JOIN LATERAL newest_metric(n.source, n.name, c.account_id, bucket.after, bucket.upto, $4) past
                        ON true
                  ORDER BY part.number)::float8[] AS recent
      FROM names n
      CROSS JOIN chosen c
      CROSS JOIN LATERAL newest_metric(n.source, n.name, c.account_id, $2, $3, $4) last
     ORDER BY n.name, c.account_id NULLS FIRST, n.source
    """,
)


async def custom_metrics(db: Fetcher, scope: Scope) -> list[CustomMetric]:
    """Return every named value that was told in the window, by name; empty where none was.

    Values of no account are among those of all accounts. A corrected value counts in its highest revision known. Of
    each source the first 200 names are looked at.
    """
    bounds = scope.bounds()
    about = (bounds.start, bounds.end, bounds.known_at, scope.present)
    return await METRICS.all(db, list(scope.accounts), *about, MOST, POINTS)


READ = Read(
    "custom_metrics",
    "Custom metrics",
    custom_metrics,
    topics=frozenset({Topic.METRICS, Topic.ACCOUNTS}),
    unit="number",
    freshness=timedelta(minutes=3),
    formula="the newest value of each name, account and source",
)
