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

MOST = 10_000
"""More rows than a market has symbols; what is shown is far fewer."""


@dataclass(frozen=True, slots=True)
class MomentumRank:
    """One symbol: its momentum, a fraction, and its place among its source's symbols, 1 being the best.

    ``rank`` is ``None`` with the momentum; ``closes`` of 127 are known. ``since`` and ``until`` are when the first and
    the last daily bar began that were compared. ``symbols`` is how many there are, however few are
    told.
    """

    source: str
    symbol: str
    sector: str | None
    rank: int | None
    momentum: Figure
    closes: int
    since: datetime | None
    until: datetime | None
    symbols: int


@dataclass(frozen=True, slots=True)
class Ends:
    """How many of the newest daily closes of a symbol are known, the first and the last, and when their bars began."""

    source: str
    symbol: str
    sector: str | None
    closes: int
    first_close: Decimal | None
    last_close: Decimal | None
    first_at: datetime | None
    last_at: datetime | None


CLOSES = Query(
    Ends,
    """
    SELECT i.source, i.symbol, i.sector, d.closes, d.oldest_first[1] AS first_close,
           d.oldest_first[d.closes] AS last_close, d.first_at, d.last_at
      FROM traded_instruments($1, $2, $3, $4, NULL) i
      CROSS JOIN LATERAL (
            SELECT count(*)::integer AS closes, min(b.at) AS first_at, max(b.at) AS last_at,
                   array_agg(coalesce(b.adjusted_close, b.close) ORDER BY b.at) AS oldest_first
              FROM closed_bars(i.source, i.symbol, '1d', '-infinity', $2, $3, $5) b) d
     ORDER BY i.source, i.symbol
    """,
)


@dataclass(frozen=True, slots=True)
class Best:
    """Params: how many symbols are told of, the best of each source first."""

    limit: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit: got {self.limit}, expected 1 to {MOST}")


async def momentum_ranking(db: Fetcher, scope: Scope, asked: Best | None = None) -> list[MomentumRank]:
    """Return the symbols of the accounts' sources by their momentum over 126 trading days, best first, unknown last.

    Of more symbols than `limit` the first are told, each with its place among all.
    It is that of the last daily bar that had closed by the scope's moment, on adjusted closes where there are such.
    Missing with fewer than 127 closes. Empty when no instrument is described.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, DAYS + 1)
    rows = [(row, _figure(row)) for row in await CLOSES.all(db, *which)]
    rows.sort(key=lambda pair: (pair[0].source, pair[1].value is None, -(pair[1].value or 0), pair[0].symbol))
    ranks: dict[str, int] = {}
    found = []
    for row, figure in rows[: asked.limit if asked else Best().limit]:
        ranks[row.source] = ranks.get(row.source, 0) + 1
        rank = ranks[row.source] if figure.value is not None else None
        given = (row.source, row.symbol, row.sector, rank, figure, row.closes, row.first_at, row.last_at, len(rows))
        found.append(MomentumRank(*given))
    return found


def _figure(row: Ends) -> Figure:
    if row.closes <= DAYS or row.first_close is None or row.last_close is None:
        return too_few(row.closes, DAYS + 1, "closes")
    value = momentum((row.first_close, row.last_close), 1)  # those between them do not count
    return missing("a close is not above zero") if value is None else Figure(float(value))


READ = Read(
    "momentum_ranking",
    "Momentum",
    momentum_ranking,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(days=2),
    params=Best,
    formula="P[t] / P[t−126] − 1 on adjusted close",
    references=("Jegadeesh and Titman 1993",),
)
