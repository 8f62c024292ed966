"""One custom metric: how did a value that a bot gave a name to go through the window?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class MetricParams(Series):
    """Params: its name; of which account (every one of the scope, and those of none, unless it is said) and source."""

    metric: str = ""
    account: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        super(MetricParams, self).__post_init__()  # a slotted dataclass is another class than in here
        for word, given in (("metric", self.metric), ("source", self.source)):
            if len(given or "") > LONGEST_NAME:
                raise ValueError(f"{word}: got {len(given or '')} characters, expected {LONGEST_NAME} at most")


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One bucket of a value: its mean, its extremes and the last one told, which stands at ``at``."""

    account: str | None
    source: str
    at: datetime
    mean_value: float
    low_value: float
    high_value: float
    value: Decimal
    unit: str
    observations: int


POINTS = Query(
    MetricPoint,
    """
    SELECT b.account, b.source, b.at, b.mean_value, b.low_value, b.high_value, b.value, b.unit, b.observations
      FROM (SELECT t.account_id::text AS account, t.source, max(t.at)::timestamptz AS at,
                   avg(t.value)::float8 AS mean_value, min(t.value)::float8 AS low_value,
                   max(t.value)::float8 AS high_value, (array_agg(t.value::numeric ORDER BY t.at DESC))[1] AS value,
                   (array_agg(t.unit ORDER BY t.at DESC))[1] AS unit, count(*) AS observations
              FROM (SELECT m.*, row_number() OVER (PARTITION BY m.source, m.account_id, m.at
                                                   ORDER BY m.revision DESC) AS place
                      FROM metric_sources($5) s
                      JOIN custom_metrics m ON m.source = s.source AND m.name = $5
                     WHERE m.at > $2 AND m.at <= $3 AND m.recorded_at <= $4
                       AND ($7::text IS NULL OR m.source = $7)
                       AND CASE WHEN $6::text IS NULL THEN m.account_id IS NULL OR m.account_id = ANY ($1)
                                ELSE m.account_id = $6 AND m.account_id = ANY ($1) END) t
             WHERE t.place = 1
             GROUP BY t.account_id, t.source, bucket_start($8, t.at)) b
     ORDER BY b.source, b.account NULLS FIRST, b.at
    """,
)

NOTHING = MetricParams()


async def custom_metric(db: Fetcher, scope: Scope, asked: MetricParams = NOTHING) -> list[MetricPoint]:
    """Return the course of the named value, a series for each account and source that told it, oldest first in each.

    About `points` buckets of each series, with their extremes; those in which nothing was told are absent. Empty for a
    name that nobody told in the window, and without a name.
    """
    if not asked.metric:
        return []
    bounds = scope.bounds()
    width = bucket_width(max(bounds.start, bounds.end - timedelta(days=3650)), bounds.end, asked.points)
    wanted = (asked.metric, asked.account or None, asked.source or None, width)
    return await POINTS.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at, *wanted)


READ = Read(
    "custom_metric",
    "Custom metric",
    custom_metric,
    topics=frozenset({Topic.METRICS, Topic.ACCOUNTS}),
    unit="number",
    freshness=timedelta(minutes=3),
    params=MetricParams,
    scalar=lambda points: points[-1].value if points else None,
    formula="mean, extremes and last value of a bucket",
)
