"""Breadth: how many symbols rose through the window, and how many fell?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.analytics.figure import Figure, quotient
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class Breadth:
    """Symbols of one source by how their price changed over the window; ``unknown`` ones have no two prices.

    ``advancing_share`` is a fraction of those that rose or fell; ``median_change`` of all with a change.
    """

    source: str
    advancing: int
    declining: int
    unchanged: int
    unknown: int
    advancing_share: Figure
    median_change: float | None
    at: datetime | None

    @property
    def symbols(self) -> int:
        """All that the source describes."""
        return self.advancing + self.declining + self.unchanged + self.unknown


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one source."""

    source: str
    advancing: int
    declining: int
    unchanged: int
    unknown: int
    median_change: float | None
    at: datetime | None


COUNTS = Query(
    Counts,
    """
    SELECT c.source, count(*) FILTER (WHERE c.change > 0) AS advancing,
           count(*) FILTER (WHERE c.change < 0) AS declining,
           count(*) FILTER (WHERE c.change = 0) AS unchanged, count(*) FILTER (WHERE c.change IS NULL) AS unknown,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY c.change) AS median_change, max(c.at) AS at
      FROM price_changes($1, $5, $2, $3, $4) c
     GROUP BY c.source
     ORDER BY c.source
    """,
)


async def breadth(db: Fetcher, scope: Scope) -> list[Breadth]:
    """Return how many symbols of each source of the accounts rose and fell over the window.

    The change is that of the newest mid against the one at the window's start, or the first one inside it. Empty when
    no instrument is described; the share is missing where nothing moved.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, bounds.start)
    return [_breadth(row) for row in await COUNTS.all(db, *which)]


def _breadth(row: Counts) -> Breadth:
    share = quotient(row.advancing, row.advancing + row.declining, "no price moved")
    counts = (row.advancing, row.declining, row.unchanged, row.unknown)
    return Breadth(row.source, *counts, share, row.median_change, row.at)


READ = Read(
    "breadth",
    "Breadth",
    breadth,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="symbols",
    freshness=timedelta(minutes=1),
    as_of=lambda rows: max((row.at for row in rows if row.at is not None), default=None),
    scalar=lambda rows: rows[0].advancing_share.value if len(rows) == 1 else None,
    formula="advancing / (advancing + declining)",
)
