"""Volatility: how nervous is every symbol now, and how nervous was one of them through the window?"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from main.analytics.figure import Figure
from main.analytics.microstructure import VOLATILITY_BANDS, volatility_band, volatility_over_time
from main.analytics.sample import MINIMUM
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ROUND_THE_CLOCK = "24/7"
RECENT = {True: (HOUR, timedelta(days=3)), False: (DAY, timedelta(days=60))}
"""What "now" is, by whether the symbol trades round the clock: closes of which width, of how long. Over nights and
weekends an exchange's prices stand still, so that only those of whole days can be compared."""

USUAL = Series()
"""How many buckets the window's figure is made of, however many points are asked for: a number has one definition."""

MOST = 500
"""So many symbols are judged, by source and name: each costs a look at days of its prices."""

TRADING_DAYS = 252
DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class SymbolVolatility:
    """Realised volatility, a fraction a year, of the newest closes of one symbol, and its band.

    ``band``: low below 15 %, normal below 25 %, elevated below 35 %, high above; ``None`` where the figure is missing.
    """

    source: str
    symbol: str
    volatility: Figure
    band: str | None
    closes: int
    close_seconds: float


@dataclass(frozen=True, slots=True)
class VolatilityPoint:
    """Realised volatility of the last 30 moves up to the bucket that begins ``at``, a fraction a year."""

    at: datetime
    volatility: float


@dataclass(frozen=True, slots=True)
class VolatilityReport:
    """Every symbol's present volatility, and the course of the window's volatility of ``symbol``, oldest first.

    ``window`` is the realised volatility over all moves of the window; ``bands`` are the upper limits of low, normal
    and elevated. ``left_out`` is how many symbols beyond the first 500 are not among ``symbols``.
    """

    symbols: tuple[SymbolVolatility, ...]
    source: str | None
    symbol: str | None
    window: Figure | None
    points: tuple[VolatilityPoint, ...]
    bands: tuple[float, ...] = tuple(below for _, below in VOLATILITY_BANDS if math.isfinite(below))
    left_out: int = 0

    def in_band(self, band: str) -> int:
        """Return how many symbols are in a band."""
        return sum(each.band == band for each in self.symbols)


@dataclass(frozen=True, slots=True)
class Close:
    """The last mid of a bucket, and whether the mid moved at all inside it."""

    source: str
    symbol: str
    at: datetime
    close: float
    moved: bool


@dataclass(frozen=True, slots=True)
class Described:
    """A symbol, whether it trades round the clock, and its first price inside the window."""

    source: str
    symbol: str
    round_the_clock: bool
    first_at: datetime | None


SYMBOLS = Query(
    Described,
    """
    SELECT i.source, i.symbol, i.calendar = '24/7' AS round_the_clock, f.at AS first_at
      FROM traded_instruments($1, $2, $3, $4, NULL) i
      LEFT JOIN LATERAL first_price_after(i.source, i.symbol, $5, $2, $3) f ON true
     ORDER BY i.source, i.symbol
    """,
)

CLOSES = Query(
    Close,
    """
    SELECT asked.source, asked.symbol, b.at, b.close::float8 AS close, b.high > b.low AS moved
      FROM unnest($1::text[], $2::text[]) AS asked (source, symbol)
      CROSS JOIN LATERAL market_window(asked.source, asked.symbol, $3, $4, $5, $6) b
     ORDER BY asked.source, asked.symbol, b.at
    """,
    planned_anew=True,
)


@dataclass(frozen=True, slots=True)
class VolatilityParams(Series):
    """Params: of which symbol the course is, the first that was recorded where it is ``None``; how many points."""

    symbol: str | None = None


async def volatility(db: Fetcher, scope: Scope, asked: VolatilityParams | None = None) -> VolatilityReport:
    """Return realised volatility, a fraction a year, of every symbol now and of one of them through the window.

    It is √(Σ log-return² / years) of closes: now those of the last three days by hour, of symbols with trading hours,
    and of those with prices for days only (a replay of daily bars), those of 60 days by day; in the window those of 500
    buckets, or of its days, a point for the last 30 moves. No mean is taken off. A year has 365 days round the clock,
    else 252 trading days; a day on which a price with trading hours stood still (a weekend, a holiday, a frozen feed)
    is none. Missing below 30 moves; no points where nothing is recorded. Of more symbols than 500 the first 500 and the
    one asked for are judged; of more points than are asked for the lowest, the highest and the newest are kept.
    """
    asked = asked or VolatilityParams()
    bounds = scope.bounds()
    known = await SYMBOLS.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, bounds.start)
    judged = [row for place, row in enumerate(known) if place < MOST or row.symbol == asked.symbol]
    latest = await _latest(db, scope, judged)
    left_out = len(known) - len(judged)
    recorded = (row for row in known if row.first_at is not None and asked.symbol in (None, row.symbol))
    shown = next(recorded, None)
    if shown is None or shown.first_at is None:
        return VolatilityReport(latest, None, asked.symbol, None, (), left_out=left_out)
    width = (
        bucket_width(shown.first_at, bounds.end, USUAL.points, timedelta(minutes=1)) if shown.round_the_clock else DAY
    )
    which = ([shown.source], [shown.symbol], bounds.start, bounds.end, bounds.known_at, width)
    closes = _traded(await CLOSES.all(db, *which), round_the_clock=shown.round_the_clock)
    moves = _moves(closes, round_the_clock=shown.round_the_clock)
    course = _thinned(_course(closes, moves), asked.points)
    window = volatility_over_time(moves)
    return VolatilityReport(latest, shown.source, shown.symbol, window, course, left_out=left_out)


async def _latest(db: Fetcher, scope: Scope, known: Sequence[Described]) -> tuple[SymbolVolatility, ...]:
    hourly = await _judged(db, scope, [row for row in known if row.round_the_clock], RECENT[True])
    lacking = {(each.source, each.symbol) for each in hourly if each.volatility.value is None}
    daily = await _judged(db, scope, [row for row in known if (row.source, row.symbol) in lacking], RECENT[False])
    by_day = {(each.source, each.symbol): each for each in daily if each.volatility.value is not None}
    told = [by_day.get((each.source, each.symbol), each) for each in hourly]
    return (*told, *await _judged(db, scope, [row for row in known if not row.round_the_clock], RECENT[False]))


async def _judged(
    db: Fetcher, scope: Scope, rows: Sequence[Described], recent: tuple[timedelta, timedelta]
) -> list[SymbolVolatility]:
    if not rows:
        return []
    bounds = scope.bounds()
    width, length = recent
    names = [row.source for row in rows], [row.symbol for row in rows]
    by_symbol: dict[tuple[str, str], list[Close]] = defaultdict(list)
    for close in await CLOSES.all(db, *names, bounds.end - length, bounds.end, bounds.known_at, width):
        by_symbol[close.source, close.symbol].append(close)
    found = []
    for row in rows:
        closes = _traded(by_symbol[row.source, row.symbol], round_the_clock=row.round_the_clock)
        figure = volatility_over_time(_moves(closes, round_the_clock=row.round_the_clock))
        band = volatility_band(figure.value) if figure.value is not None else None
        found.append(SymbolVolatility(row.source, row.symbol, figure, band, len(closes), width.total_seconds()))
    return found


def _traded(closes: Sequence[Close], *, round_the_clock: bool) -> list[Close]:
    """The closes without the days on which nobody traded: a feed that goes on meanwhile repeats the last price."""
    found: list[Close] = []
    for close in closes:
        if round_the_clock or close.moved or not found or close.close != found[-1].close:
            found.append(close)
    return found


def _moves(closes: Sequence[Close], *, round_the_clock: bool) -> list[tuple[float, float]]:
    """Log-returns with the years that they took; each trading day counts the same, however long the night before it."""
    return [
        (
            math.log(after.close / before.close),
            (after.at - before.at) / DAY / DAYS_A_YEAR if round_the_clock else 1 / TRADING_DAYS,
        )
        for before, after in pairwise(closes)
    ]


def _course(closes: Sequence[Close], moves: Sequence[tuple[float, float]]) -> list[VolatilityPoint]:
    found = []
    for last in range(MINIMUM, len(closes)):
        figure = volatility_over_time(moves[last - MINIMUM : last])
        if figure.value is not None:
            found.append(VolatilityPoint(closes[last].at, figure.value))
    return found


def _thinned(course: Sequence[VolatilityPoint], points: int) -> tuple[VolatilityPoint, ...]:
    if len(course) <= points:
        return tuple(course)
    size = math.ceil(2 * len(course) / points)
    kept = {course[-1]}
    for begins in range(0, len(course), size):
        part = sorted(course[begins : begins + size], key=lambda point: point.volatility)
        kept |= {part[0], part[-1]}
    return tuple(sorted(kept, key=lambda point: point.at))


READ = Read(
    "volatility",
    "Volatility",
    volatility,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(minutes=1),
    params=VolatilityParams,
    formula="√(Σ log-return² · periods a year / n)",
    references=("Andersen and Bollerslev 1998",),
)
