"""How complete, punctual and alive are the snapshots of each symbol, hour by hour?"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from main.database.pool import Database
from main.database.query import Query
from main.domain.topics import CHANNEL, Announcement, Topic
from main.monitoring.open_hours import HOUR, multirange, open_spans

EVERY_SECONDS = 120.0

FROZEN_AFTER = 40
"""Snapshots in a row with the same prices and sizes: of five levels a side, no quiet market keeps them so long."""

AROUND = timedelta(days=8)
"""How far before an hour its calendar is looked at: the gap that ends in it may have begun before a long weekend."""

BATCH = 25
"""Symbols measured in one statement: some 30,000 snapshots at one a loop, far below what a statement may take."""

MANY, FEW = 50_000, 5_000
"""Snapshots of one look at what was recorded: after more of them the next look is shorter, after fewer it is longer."""

FIRST_LOOK, SHORTEST_LOOK = timedelta(hours=1), timedelta(seconds=10)
OVERLAP = timedelta(seconds=5)
"""How far each run looks back behind the last: the database's clock may have been set back by that much."""

_SETTLE = "SELECT mark_settlement()"
_HORIZON = "SELECT settled_until()"
_LOCK = "SELECT nullif(looked_until, '-infinity') FROM data_quality_progress FOR UPDATE"
_FIRST = "SELECT min(recorded_at)::timestamptz - interval '1 microsecond' FROM market_snapshots"
_ADVANCE = "UPDATE data_quality_progress SET looked_until = greatest(looked_until, $1)"
_MEASURE = "SELECT measure_data_quality($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class TouchedHour:
    """An hour of a symbol in which something was recorded, and how many snapshots that was."""

    source: str
    symbol: str
    at: datetime
    calendar: str
    snapshots: int


TOUCHED = Query(
    TouchedHour,
    "SELECT t.source, t.symbol, t.at, t.calendar, t.snapshots FROM data_quality_hours($1, $2) t",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run did: snapshots it looked at, and rows it wrote, one a symbol and hour."""

    snapshots: int
    rows: int


async def measure_data_quality(database: Database) -> Measured:
    """Measure every hour in which something was recorded since the last run, late snapshots reach theirs.

    Needs the role service. Each step is a transaction of its own: one that is killed is gone on with by the next run,
    and two at once do the work once. Raise `DatabaseUnreachable` or `DatabaseTimeout`.
    """
    async with database.scoped() as connection:
        await connection.execute(_SETTLE)
    async with database.scoped() as connection:
        horizon: datetime | None = await connection.fetchval(_HORIZON)
    snapshots = rows = 0
    step, over = FIRST_LOOK, horizon is None
    while not over and horizon is not None:
        seen, written, over = await _look(database, step, horizon)
        snapshots, rows = snapshots + seen, rows + written
        step = max(step / 2, SHORTEST_LOOK) if seen > MANY else step * 2 if seen < FEW else step
    if rows:
        async with database.scoped() as connection:
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.PIPELINES).payload)
    return Measured(snapshots, rows)


async def _look(database: Database, step: timedelta, horizon: datetime) -> tuple[int, int, bool]:
    """Measure what one stretch of recording touched; return snapshots, rows and whether it was the last stretch."""
    async with database.scoped() as connection:
        first: datetime | None = await connection.fetchval(_LOCK) or await connection.fetchval(_FIRST)
        if first is None or first >= horizon:
            return 0, 0, True
        upto = min(first + step, horizon)
        touched = await TOUCHED.all(connection, first - OVERLAP, upto)
        ranges = await asyncio.to_thread(_ranges, {(each.calendar, each.at) for each in touched})
        rows = 0
        for source, hour, batch in _batches(touched):
            open_ = [ranges[each.calendar, hour] for each in batch]
            symbols = [each.symbol for each in batch]
            rows += await connection.fetchval(_MEASURE, source, hour, symbols, open_, FROZEN_AFTER)
        await connection.execute(_ADVANCE, upto)
        return sum(each.snapshots for each in touched), rows, upto >= horizon


def _ranges(wanted: Iterable[tuple[str, datetime]]) -> dict[tuple[str, datetime], str | None]:
    return {
        (calendar, hour): multirange(open_spans(calendar, hour - AROUND, hour + HOUR)) for calendar, hour in set(wanted)
    }


def _batches(touched: Iterable[TouchedHour]) -> Iterator[tuple[str, datetime, list[TouchedHour]]]:
    for (source, hour), found in groupby(touched, lambda each: (each.source, each.at)):
        symbols = list(found)
        for first in range(0, len(symbols), BATCH):
            yield source, hour, symbols[first : first + BATCH]


async def run(database: Database) -> str | None:
    """Measure, and return what was measured in a few words."""
    done = await measure_data_quality(database)
    return f"{done.snapshots:,} snapshots, {done.rows:,} hours of symbols" if done.rows else None
