"""Sectors: which parts of the market rose through the window, and which fell?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class SectorChange:
    """One sector of a source; ``sector`` is ``None`` for symbols without one.

    ``change`` is the plain mean of its symbols' changes, a fraction; ``None`` where no symbol has one. ``best`` and
    ``worst`` are the symbols that changed most; ``priced`` of its ``symbols`` have a change.
    """

    source: str
    sector: str | None
    change: float | None
    best: str | None
    best_change: float | None
    worst: str | None
    worst_change: float | None
    symbols: int
    priced: int
    since: datetime | None
    at: datetime | None


CHANGES = Query(
    SectorChange,
    """
    SELECT c.source, c.sector, avg(c.change) AS change,
           (array_agg(c.symbol ORDER BY c.change DESC, c.symbol) FILTER (WHERE c.change IS NOT NULL))[1] AS best,
           max(c.change) AS best_change,
           (array_agg(c.symbol ORDER BY c.change, c.symbol) FILTER (WHERE c.change IS NOT NULL))[1] AS worst,
           min(c.change) AS worst_change,
           count(*) AS symbols, count(c.change) AS priced,
           min(c.from_at) FILTER (WHERE c.change IS NOT NULL) AS since, max(c.at) AS at
      FROM price_changes($1, $5, $2, $3, $4) c
     GROUP BY c.source, c.sector
     ORDER BY c.source, c.sector IS NULL, avg(c.change) DESC NULLS LAST, c.sector
    """,
)


async def sectors(db: Fetcher, scope: Scope) -> list[SectorChange]:
    """Return how the sectors of the accounts' sources changed over the window, the best first, unknown sector last.

    A symbol's change is its newest mid over the one at the window's start, or the first one inside it where the record
    begins later; a fraction. Every symbol counts the same. Empty when no instrument is described.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, bounds.start)
    return await CHANGES.all(db, *which)


def _newest(rows: list[SectorChange]) -> datetime | None:
    return max((row.at for row in rows if row.at is not None), default=None)


READ = Read(
    "sectors",
    "Sectors",
    sectors,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    formula="mean over the sector's symbols of mid / mid at the window's start − 1",
)
