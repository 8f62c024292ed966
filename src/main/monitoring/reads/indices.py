"""Indices: where do indices, volatility and breadth measures stand, and how did one of them run?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics.microstructure import volatility_band
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width


@dataclass(frozen=True, slots=True)
class IndexState:
    """The newest level of one measure, as quoted. ``kind``: index, volatility (per cent a year) or breadth.

    ``change`` is a fraction since the level a day before; ``None`` where the record does not reach back so far, or
    that level was not above 0. ``band`` of a volatility: low below 15 %, normal below 25 %, elevated below 35 %, high
    above.
    """

    source: str
    name: str
    kind: str
    level: Decimal
    at: datetime
    change: float | None
    change_since: datetime | None
    band: str | None


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """The last level of a bucket, at its own time, and the lowest and highest of the bucket."""

    at: datetime
    level: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Indices:
    """All measures by kind and name, and the window's course of one of them, oldest first."""

    levels: tuple[IndexState, ...]
    source: str | None
    name: str | None
    points: tuple[IndexPoint, ...]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest level of a measure, the one a day before, and when its first inside the window was."""

    source: str
    name: str
    kind: str
    level: Decimal
    at: datetime
    before: Decimal | None
    before_at: datetime | None
    first_at: datetime | None


LEVELS = Query(
    Newest,
    """
    -- The names by jumps through the index: a scan of all levels ever would grow with them.
    WITH RECURSIVE sources AS (
        SELECT DISTINCT a.source FROM accounts_at($1, $2, $3, $4) a
    ), names AS (
        SELECT s.source, (SELECT min(m.name) FROM market_indices m WHERE m.source = s.source) AS name FROM sources s
        UNION ALL
        SELECT n.source, (SELECT min(m.name) FROM market_indices m WHERE m.source = n.source AND m.name > n.name)
          FROM names n
         WHERE n.name IS NOT NULL
    )
    SELECT n.source, n.name, newest.kind, newest.level::numeric AS level, newest.at::timestamptz AS at,
           past.level::numeric AS before, past.at::timestamptz AS before_at, first.at::timestamptz AS first_at
      FROM names n
      CROSS JOIN LATERAL (
            SELECT m.kind, m.level, m.at
              FROM market_indices m
             WHERE m.source = n.source AND m.name = n.name AND m.at <= $2 AND m.recorded_at <= $3
             ORDER BY m.at DESC, m.revision DESC
             LIMIT 1) newest
      LEFT JOIN LATERAL (
            SELECT m.level, m.at
              FROM market_indices m
             WHERE m.source = n.source AND m.name = n.name AND m.at <= newest.at - interval '1 day'
               AND m.recorded_at <= $3
             ORDER BY m.at DESC, m.revision DESC
             LIMIT 1) past ON true
      LEFT JOIN LATERAL (
            SELECT m.at
              FROM market_indices m
             WHERE m.source = n.source AND m.name = n.name AND m.at > $5 AND m.at <= $2 AND m.recorded_at <= $3
             ORDER BY m.at
             LIMIT 1) first ON true
     ORDER BY array_position(ARRAY['index', 'volatility', 'breadth'], newest.kind), n.source, n.name
    """,
)

MOST = 30_000
"""So many levels are looked at one by one for their extremes: a day's of one every three seconds."""

POINTS = Query(
    IndexPoint,
    f"""
    WITH told AS MATERIALIZED (
        SELECT m.at, m.revision, m.level
          FROM market_indices m
         WHERE m.source = $1 AND m.name = $2 AND m.at > $3 AND m.at <= $4 AND m.recorded_at <= $5
         LIMIT {MOST + 1}
    ), extremes AS (
        SELECT bucket_start($6, f.at) AS begins, min(f.level) AS low, max(f.level) AS high
          FROM (SELECT DISTINCT ON (t.at) t.at, t.level FROM told t ORDER BY t.at, t.revision DESC) f
         WHERE (SELECT count(*) FROM told) <= {MOST}
         GROUP BY 1
    )
    SELECT last.at::timestamptz AS at, last.level::float8 AS level, e.low::float8 AS low, e.high::float8 AS high
      FROM generate_series(bucket_start($6, $3), $4, $6) AS bucket (begins)
      CROSS JOIN LATERAL (
            SELECT m.at, m.level
              FROM market_indices m
             WHERE m.source = $1 AND m.name = $2 AND m.at >= bucket.begins AND m.at < bucket.begins + $6
               AND m.at > $3 AND m.at <= $4 AND m.recorded_at <= $5
             ORDER BY m.at DESC, m.revision DESC
             LIMIT 1) last
      LEFT JOIN extremes e ON e.begins = bucket.begins
     ORDER BY last.at
    """,  # noqa: S608  # a number of our own
)


@dataclass(frozen=True, slots=True)
class IndexParams(Series):
    """Params: of which measure the course is, the first of `levels` where it is ``None``; how many points."""

    name: str | None = None


async def indices(db: Fetcher, scope: Scope, asked: IndexParams | None = None) -> Indices:
    """Return every measure of the accounts' sources, indices first, and the course of one of them over the window.

    Levels are as quoted. A point is the last level of a bucket on round times, one without a level is absent. Its
    extremes are of every level in it; ``None`` in a window of more than 30,000 levels, of which the candles of an index
    have them. Empty when no source tells of any.
    """
    asked = asked or IndexParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, bounds.start)
    newest = await LEVELS.all(db, *which)
    levels = tuple(_state(row) for row in newest)
    shown = next((row for row in newest if row.first_at is not None and asked.name in (None, row.name)), None)
    if shown is None or shown.first_at is None:
        return Indices(levels, None, asked.name, ())
    width = bucket_width(shown.first_at, bounds.end, asked.points)
    start = max(bounds.start, shown.first_at - timedelta(microseconds=1))
    points = await POINTS.all(db, shown.source, shown.name, start, bounds.end, bounds.known_at, width)
    return Indices(levels, shown.source, shown.name, tuple(points))


def _state(row: Newest) -> IndexState:
    change = float(row.level / row.before - 1) if row.before is not None and row.before > 0 else None
    band = volatility_band(float(row.level) / 100) if row.kind == "volatility" else None
    return IndexState(row.source, row.name, row.kind, row.level, row.at, change, row.before_at, band)


READ = Read(
    "indices",
    "Indices",
    indices,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="level",
    freshness=timedelta(minutes=1),
    params=IndexParams,
    as_of=lambda value: max((each.at for each in value.levels), default=None),
    formula="change = level / level a day before − 1",
)
