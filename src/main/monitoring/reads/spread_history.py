"""Spread history: how wide was a symbol's book through the window, and where was its price?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import quantiles

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import ROUND_WIDTHS, Series, bucket_width

MINUTE = timedelta(minutes=1)
FEWEST = 10
"""Points below which nobody can tell what is usual."""


@dataclass(frozen=True, slots=True)
class SpreadPoint:
    """One bucket, named by its beginning: spread (basis points) and depths are means, the mid is the last.

    Spread and depths are ``None`` where no snapshot of the bucket had one; the spread's extremes also where only a
    roll-up is left that was made before they were kept. Below zero the book was crossed.
    """

    at: datetime
    spread_bps: float | None
    spread_low: float | None
    spread_high: float | None
    mid_price: Decimal
    low: Decimal
    high: Decimal
    bid_depth: float | None
    ask_depth: float | None
    snapshots: int


@dataclass(frozen=True, slots=True)
class SpreadHistory:
    """The points of one symbol, oldest first, how long each bucket is, and where the spreads of most of them lie.

    ``usual_low``, ``median`` and ``usual_high`` are the 10th, 50th and 90th percentile of the points' spreads;
    ``None`` with fewer than ten of them.
    """

    source: str
    symbol: str
    currency: str
    bucket_seconds: float
    usual_low: float | None
    median: float | None
    usual_high: float | None
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
    SELECT b.at, (b.spread_sum / nullif(b.spread_count, 0))::float8 AS spread_bps, b.spread_low::float8 AS spread_low,
           b.spread_high::float8 AS spread_high, b.close AS mid_price, b.low, b.high,
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

    A point is a bucket on round times; one without a snapshot is absent. The extremes of spread and mid over every
    snapshot are kept, depths are means. Where snapshots are purged, buckets are a minute long at least.
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
    usual = _usual([point.spread_bps for point in points if point.spread_bps is not None])
    return SpreadHistory(found.source, found.symbol, found.currency, width.total_seconds(), *usual, tuple(points))


def _usual(spreads: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    if len(spreads) < FEWEST:
        return None, None, None
    deciles = quantiles(spreads, n=10, method="inclusive")
    return deciles[0], deciles[4], deciles[8]


READ = Read(
    "spread_history",
    "Spread",
    spread_history,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="basis points",
    freshness=timedelta(minutes=1),
    params=SpreadParams,
    formula="spread = (ask − bid) / mid · 10⁴, mean and extremes of a bucket; usual: 10th to 90th percentile",
)
