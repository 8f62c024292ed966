"""Spread history: how wide was a symbol's book through the window, and where was its price?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import ROUND_WIDTHS, Series, bucket_width

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SpreadPoint:
    """One bucket, named by its beginning: means of spread (basis points) and depths, extremes and last of the mid.

    Spread and depths are ``None`` where no snapshot of the bucket had one.
    """

    at: datetime
    spread_bps: float | None
    mid_price: Decimal
    low: Decimal
    high: Decimal
    bid_depth: float | None
    ask_depth: float | None
    snapshots: int


@dataclass(frozen=True, slots=True)
class SpreadHistory:
    """The points of one symbol, oldest first, and how long each bucket is."""

    source: str
    symbol: str
    currency: str
    bucket_seconds: float
    points: tuple[SpreadPoint, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which symbol is shown, since when it is known in the window, and since when every snapshot is kept."""

    source: str
    symbol: str
    currency: str
    first_at: datetime
    kept_since: datetime | None


SYMBOL = Query(
    Recorded,
    """
    SELECT i.source, i.symbol, i.currency, f.at AS first_at, nullif(p.kept_since, '-infinity') AS kept_since
      FROM traded_instruments($1, $2, $3, $4, $5) i
      CROSS JOIN LATERAL first_price_after(i.source, i.symbol, $6, $2, $3) f
      CROSS JOIN rollup_progress p
     WHERE p.fact = 'market'
     ORDER BY i.source, i.symbol
     LIMIT 1
    """,
)

POINTS = Query(
    SpreadPoint,
    """
    SELECT b.at, (b.spread_sum / nullif(b.spread_count, 0))::float8 AS spread_bps, b.close AS mid_price, b.low, b.high,
           (b.bid_depth_sum / nullif(b.bid_depth_count, 0))::float8 AS bid_depth,
           (b.ask_depth_sum / nullif(b.ask_depth_count, 0))::float8 AS ask_depth, b.snapshots
      FROM market_window($1, $2, $3, $4, $5, $6) b
     ORDER BY b.at
    """,
)


@dataclass(frozen=True, slots=True)
class SpreadParams(Series):
    """Params: which symbol, the first by source and name that was recorded where it is ``None``; how many points."""

    symbol: str | None = None


async def spread_history(db: Fetcher, scope: Scope, asked: SpreadParams | None = None) -> SpreadHistory | None:
    """Return spread, depths and mids of one symbol over the window; ``None`` when nothing of it was recorded in it.

    A point is a bucket on round times; one without a snapshot is absent. The lowest and the highest mid of every
    snapshot are kept, spread and depths are means. Where snapshots are purged, buckets are a minute long at least.
    """
    asked = asked or SpreadParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, asked.symbol, bounds.start)
    found = await SYMBOL.first(db, *which)
    if found is None:
        return None
    purged = found.kept_since is not None and found.first_at < found.kept_since
    width = bucket_width(found.first_at, bounds.end, asked.points, MINUTE if purged else ROUND_WIDTHS[0])
    points = await POINTS.all(db, found.source, found.symbol, bounds.start, bounds.end, bounds.known_at, width)
    return SpreadHistory(found.source, found.symbol, found.currency, width.total_seconds(), tuple(points))


READ = Read(
    "spread_history",
    "Spread",
    spread_history,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="basis points",
    freshness=timedelta(minutes=1),
    params=SpreadParams,
    formula="spread = (ask − bid) / mid · 10⁴, mean of the snapshots in a bucket",
)
