"""Candles: where did a symbol open, how far did it go, where did it close, and how much was traded?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width
from main.monitoring.trade_filter import moment_of
from main.monitoring.trading_hours import ALWAYS, closed_within

LENGTHS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
MONDAY = datetime(2000, 1, 3, tzinfo=UTC)

TOO_FEW = 20
"""Fewer bars than points by this factor make a poor picture: then several of a finer interval make one."""

LATE = timedelta(minutes=1)
"""A bar that is over is recorded with the tick after it: until then its mids stand for it, at most so long."""

MOST_MERGED = 20_000
"""Bars that are looked at for a long window, the newest: 54 years of days, two weeks of minutes."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, named by its beginning. ``volume`` is in units of the symbol, ``None`` if unknown.

    One that is not ``closed`` is still forming: it is made of the mids so far, its volume is not known yet.
    """

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Closed:
    """A time between two bars in which the symbol's exchange did not trade. Aware UTC."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Candles:
    """The bars of one symbol or index, oldest first: of which recorded interval they are, and how long they are.

    ``closed`` is what a chart of them leaves out: nothing of what trades round the clock, of an index, or where the
    calendar is not known, and never a time in which a bar was recorded, or is missing.
    """

    source: str
    symbol: str
    interval: str
    bar_seconds: float
    bars: tuple[Bar, ...]
    closed: tuple[Closed, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An interval that a symbol has bars of, and the first one inside the window; an index has no calendar."""

    source: str
    symbol: str
    interval: str
    first_at: datetime
    calendar: str | None


INTERVALS = Query(
    Recorded,
    """
    WITH named AS (
        SELECT c.source, c.symbol FROM charted_symbol($1, $6, $2, $3, $4, $5) c
    ), found AS (
        SELECT n.source, n.symbol, length.name AS interval, first.at::timestamptz AS first_at
          FROM named n
          CROSS JOIN unnest('{1m,5m,15m,1h,1d}'::text[]) AS length (name)
          CROSS JOIN LATERAL (
                SELECT d.at
                  FROM market_data d
                 WHERE d.source = n.source AND d.symbol = n.symbol AND d.interval = length.name
                   AND d.at >= $6 AND d.at <= $2 AND d.recorded_at <= $3
                 ORDER BY d.at
                 LIMIT 1) first
    )
    SELECT f.source, f.symbol, f.interval, f.first_at,
           (SELECT i.calendar FROM instruments i WHERE i.source = f.source AND i.symbol = f.symbol) AS calendar
      FROM found f
    """,
)

BARS = Query(
    Bar,
    """
    SELECT b.at, b.open, b.high, b.low, b.close, b.volume, true AS closed
      FROM closed_bars($1, $2, $3, $4, $5, $6, $7) b
     ORDER BY b.at
    """,
)

FORMING = Query(
    Bar,
    """
    SELECT b.begins::timestamptz AS at, f.open, f.high, f.low, f.close, NULL::numeric AS volume, false AS closed
      FROM unnest($3::timestamptz[]) AS b (begins)
      CROSS JOIN LATERAL forming_bar($1, $2, b.begins, least(b.begins + $4::interval, $5), $6, $4::interval) f
     ORDER BY b.begins
    """,
)


@dataclass(frozen=True, slots=True)
class CandleParams(Series):
    """Params: which symbol or index, the first symbol that has bars where ``None``; how many points; which interval.

    Without an interval the finest is taken of which the window has no more than `points`, or several of a finer one
    make a bar; with an interval, its newest `points` bars are.
    """

    symbol: str | None = None
    interval: str | None = None

    def __post_init__(self) -> None:
        super(CandleParams, self).__post_init__()  # a slotted dataclass is another class than in here
        check_choice("interval", self.interval, LENGTHS)


async def candles(db: Fetcher, scope: Scope, asked: CandleParams | None = None) -> Candles | None:
    """Return the bars that opened within the window; ``None`` where there are none of that interval.

    The last one is still forming where mids of it are known and the window is not over, the others have closed.

    Prices are in the symbol's currency, as recorded and not adjusted. Where recorded bars are more than
    `points`, as over ten years, several make one: first open, highest high, lowest low, last close, and the sum of
    their volumes, unknown when one of them is. No more than the newest 20,000 are looked at. The times between them at
    which the exchange is closed are told beside them.
    """
    asked = asked or CandleParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, asked.symbol, bounds.start)
    recorded = await INTERVALS.all(db, *which)
    chosen = _chosen(recorded, asked, bounds.end)
    if chosen is None:
        return None
    most = asked.points if asked.interval else MOST_MERGED
    given = (chosen.source, chosen.symbol, chosen.interval, bounds.start, bounds.end, bounds.known_at, most)
    bars = await BARS.all(db, *given)
    length = LENGTHS[chosen.interval]
    if bounds.end >= moment_of(scope):
        begins = _forming(bars[-1].at if bars else None, length, bounds.start, bounds.end)
        bars += await FORMING.all(db, *given[:2], begins, length, bounds.end, bounds.known_at)
        bars = bars[-most:]
    if len(bars) > asked.points:
        length = bucket_width(bars[0].at, bounds.end, asked.points, length)
        bars = _merged(bars, length, bounds.end)
    closed = await _closed(bars, length, chosen.calendar or ALWAYS)
    return Candles(chosen.source, chosen.symbol, chosen.interval, length.total_seconds(), tuple(bars), closed)


def _forming(last: datetime | None, length: timedelta, start: datetime, end: datetime) -> list[datetime]:
    """Return where the bar begins that holds `end`, and the one before it where that may be on its way to the record.

    The edge belongs to the bar that it closes. `last` is the beginning of the newest bar that has closed.
    """
    known = MONDAY if last is None else last
    begins = known - ((known - end) // length) * length - length
    first = start if last is None else last + length
    before = [begins - length] if end - begins <= LATE else []
    return [each for each in (*before, begins) if each >= first]


async def _closed(bars: Sequence[Bar], length: timedelta, calendar: str) -> tuple[Closed, ...]:
    gaps = [(bar.at + length, after.at) for bar, after in pairwise(bars) if after.at > bar.at + length]
    if calendar == ALWAYS or not gaps:
        return ()
    return tuple(Closed(*span) for span in await asyncio.to_thread(closed_within, calendar, gaps))


def _chosen(recorded: Sequence[Recorded], asked: CandleParams, end: datetime) -> Recorded | None:
    found = {row.interval: row for row in recorded}
    if asked.interval is not None:
        return found.get(asked.interval)
    finest_first = [found[name] for name in LENGTHS if name in found]
    first_at = min((row.first_at for row in finest_first), default=end)
    counts = {row.interval: (end - row.first_at) / LENGTHS[row.interval] for row in finest_first}
    # One that was recorded only lately does not show the window.
    whole = [row for row in finest_first if row.first_at - first_at <= LENGTHS["1d"]]
    fits = next((row for row in whole if counts[row.interval] <= asked.points), None)
    if fits is not None and counts[fits.interval] * TOO_FEW >= asked.points:
        return fits
    finer = [row for row in whole if asked.points < counts[row.interval] <= MOST_MERGED]
    return finer[-1] if finer else fits or next(reversed(finest_first), None)


def _merged(bars: Sequence[Bar], width: timedelta, end: datetime) -> list[Bar]:
    found = []
    for begins, group in groupby(bars, lambda bar: MONDAY + (bar.at - MONDAY) // width * width):
        parts = list(group)
        volumes = [bar.volume for bar in parts if bar.volume is not None]
        volume = sum(volumes, Decimal(0)) if len(volumes) == len(parts) else None
        highest, lowest = max(bar.high for bar in parts), min(bar.low for bar in parts)
        closed = begins + width <= end and parts[-1].closed
        found.append(Bar(begins, parts[0].open, highest, lowest, parts[-1].close, volume, closed))
    return found


READ = Read(
    "candles",
    "Candles",
    candles,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="the symbol's currency",
    freshness=timedelta(minutes=6),
    params=CandleParams,
    formula="first, highest, lowest and last price of a bar, highest revision; of the mids so far while it forms",
)
