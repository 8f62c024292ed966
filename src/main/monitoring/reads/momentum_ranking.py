"""Momentum ranking: which symbols came furthest in half a year of trading days?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics.figure import Figure, missing, too_few
from main.analytics.momentum import DAYS, momentum
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class MomentumRank:
    """One symbol: its momentum, a fraction, and its place among its source's symbols, 1 being the best.

    ``rank`` is ``None`` with the momentum; ``closes`` of 127 are known. ``since`` and ``until`` are when the first and
    the last daily bar began that were compared.
    """

    source: str
    symbol: str
    sector: str | None
    rank: int | None
    momentum: Figure
    closes: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Closes:
    """The newest daily closes of a symbol, oldest first, and when the first and last bar of them began."""

    source: str
    symbol: str
    sector: str | None
    closes: list[Decimal]
    first_at: datetime | None
    last_at: datetime | None


CLOSES = Query(
    Closes,
    """
    SELECT i.source, i.symbol, i.sector, coalesce(d.closes, '{}') AS closes, d.first_at, d.last_at
      FROM traded_instruments($1, $2, $3, $4, NULL) i
      CROSS JOIN LATERAL (
            SELECT array_agg(coalesce(b.adjusted_close, b.close) ORDER BY b.at) AS closes, min(b.at) AS first_at,
                   max(b.at) AS last_at
              FROM closed_bars(i.source, i.symbol, '1d', '-infinity', $2, $3, $5) b) d
     ORDER BY i.source, i.symbol
    """,
)


async def momentum_ranking(db: Fetcher, scope: Scope) -> list[MomentumRank]:
    """Return the symbols of the accounts' sources by their momentum over 126 trading days, best first, unknown last.

    It is that of the last daily bar that had closed by the scope's moment, on adjusted closes where there are such.
    Missing with fewer than 127 closes. Empty when no instrument is described.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, DAYS + 1)
    rows = [(row, _figure(row.closes)) for row in await CLOSES.all(db, *which)]
    rows.sort(key=lambda pair: (pair[0].source, pair[1].value is None, -(pair[1].value or 0), pair[0].symbol))
    ranks: dict[str, int] = {}
    found = []
    for row, figure in rows:
        ranks[row.source] = ranks.get(row.source, 0) + 1
        rank = ranks[row.source] if figure.value is not None else None
        given = (row.source, row.symbol, row.sector, rank, figure, len(row.closes), row.first_at, row.last_at)
        found.append(MomentumRank(*given))
    return found


def _figure(closes: list[Decimal]) -> Figure:
    value = momentum(closes)
    if value is not None:
        return Figure(float(value))
    return too_few(len(closes), DAYS + 1, "closes") if len(closes) <= DAYS else missing("a close is not above zero")


READ = Read(
    "momentum_ranking",
    "Momentum",
    momentum_ranking,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(days=2),
    formula="P[t] / P[t−126] − 1 on adjusted close",
    references=("Jegadeesh and Titman 1993",),
)
