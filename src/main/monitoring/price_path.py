"""How did the price go while a trade was open, and how far for and against it?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.analytics.excursion import Excursion, excursion
from main.analytics.figure import Figure, missing
from main.database.query import Fetcher, Query
from main.monitoring.closed_trade import ClosedTrade

POINTS = 200
"""Of the price path: more than a small chart can show."""
STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
)
MARGIN = 0.1
"""How much of the time it was open is shown before the entry and after the exit."""


@dataclass(frozen=True, slots=True)
class PricePoint:
    """Mid prices of one stretch of time that begins at ``at``: its last, highest and lowest."""

    at: datetime
    mid: float
    high: float
    low: float


@dataclass(frozen=True, slots=True)
class Extremes:
    """The highest and lowest mid price while a trade was open; ``None`` where none was recorded."""

    high: float | None
    low: float | None


PATH = Query(
    PricePoint,
    """
    SELECT w.at, w.close::float8 AS mid, w.high::float8 AS high, w.low::float8 AS low
      FROM market_window((SELECT a.source FROM accounts a WHERE a.account_id = $1), $2, $3, $4, $5, $6) w
     ORDER BY w.at
    """,
)
EXTREMES = Query(
    Extremes,
    """
    SELECT max(w.high)::float8 AS high, min(w.low)::float8 AS low
      FROM market_window((SELECT a.source FROM accounts a WHERE a.account_id = $1), $2, $3, $4, $5, '1 week') w
    """,
)
"""After a moment and up to another: the stretches of `PATH` begin before the entry, and end after the exit."""


async def price_path(db: Fetcher, found: ClosedTrade, moment: datetime, known_at: datetime) -> list[PricePoint]:
    """Return some 200 points, oldest first, none later than the moment asked about."""
    held = found.exit_time - found.entry_time
    margin = max(held * MARGIN, timedelta(seconds=10))
    start, end = found.entry_time - margin, min(found.exit_time + margin, moment)
    step = next((step for step in STEPS if step * POINTS >= end - start), STEPS[-1])
    return await PATH.all(db, found.account, found.symbol, start, end, known_at, step)


async def excursions(db: Fetcher, found: ClosedTrade, known_at: datetime) -> tuple[Figure, Figure]:
    """Return MFE and MAE, fractions of the entry price: as recorded, else as the prices of the time it was open say.

    The exit's own price counts too. Missing where no price was recorded meanwhile.
    """
    seen = None if found.mfe is not None and found.mae is not None else await _seen(db, found, known_at)
    best = found.mfe if found.mfe is not None or seen is None else seen.mfe
    worst = found.mae if found.mae is not None or seen is None else seen.mae
    unknown = missing("no prices were recorded while it was open")
    return (unknown if best is None else Figure(best)), (unknown if worst is None else Figure(worst))


async def _seen(db: Fetcher, found: ClosedTrade, known_at: datetime) -> Excursion | None:
    span = (found.entry_time, found.exit_time, known_at)
    extremes = await EXTREMES.first(db, found.account, found.symbol, *span)
    if extremes is None or extremes.high is None or extremes.low is None:
        return None
    return excursion(found.side, float(found.entry_price), [float(found.exit_price), extremes.high, extremes.low])
