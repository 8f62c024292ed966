"""How did the accounts of a currency grow, trading day by trading day? What every read of performance begins with."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from main.analytics.figure import Figure, missing
from main.analytics.returns import returns_of
from main.analytics.roi import Flow
from main.analytics.sample import NO_BASE
from main.database.query import Fetcher, Query
from main.domain.scope import Scope

WEEKDAYS = 262
"""The most weekdays that a year has. Whoever trades on more days than that trades every day."""

_WEEK = timedelta(weeks=1)
_DAY_SECONDS = 86400.0

_HOLIDAYS = 5
"""Up to this many weekdays in a row without an observation are taken for holidays where nobody trades every day."""


@dataclass(frozen=True, slots=True)
class GrowthDays:
    """Growth of one currency at the closes of the days in a window; ``None`` from where it has no base.

    The first place of ``days``, ``times``, ``growth``, ``equities`` and ``counted`` is the beginning of the window, at
    growth 1; the last may be the running day. ``counted`` says which are closes of whole trading days. ``source`` and
    ``benchmark`` are ``None`` where the accounts have none in common, of the ``benchmarks`` that they name.
    """

    currency: str
    accounts: int
    periods_per_year: int
    roll_over: timedelta
    source: str | None
    benchmark: str | None
    benchmarks: int
    zone: str
    days: list[date]
    times: list[datetime]
    growth: list[float | None]
    equities: list[float]
    counted: list[bool]
    drawdown: float | None
    deepest: float | None
    equity: Decimal
    invested: Decimal
    flow_times: list[datetime]
    flow_amounts: list[Decimal]


GROWTH_DAYS = Query(
    GrowthDays,
    """
    SELECT g.currency, g.accounts, g.periods_per_year, g.roll_over, g.source, g.benchmark, g.benchmarks, g.zone,
           g.days, g.times, g.growth, g.equities, g.counted, g.drawdown, g.deepest, g.equity, g.invested,
           g.flow_times, g.flow_amounts
      FROM growth_by_day($1, $2, $3, $4, $5) g
     ORDER BY g.currency
    """,
)


@dataclass(frozen=True, slots=True)
class DayClose:
    """The close of a symbol on a trading day, adjusted for later splits and dividends where the source says so."""

    day: date
    close: float


DAILY_CLOSES = Query(
    DayClose,
    "SELECT c.day, c.close FROM daily_closes($1, $2, $3, $4, $5, $6, $7) c ORDER BY c.day",
)


@dataclass(frozen=True, slots=True)
class Depths:
    """The drawdown at the end of a window and the deepest inside it, of its equity curve; ``None`` is not known.

    ``step_seconds`` is how far the curve's points lie apart.
    """

    currency: str
    drawdown: float | None
    deepest: float | None
    step_seconds: float | None


DEPTHS = Query(
    Depths,
    """
    SELECT d.currency, d.drawdown, d.max_drawdown AS deepest, extract(epoch FROM d.step)::float8 AS step_seconds
      FROM window_drawdown($1, $2, $3, $4) d
    """,
)


@dataclass(frozen=True, slots=True)
class DayReturns:
    """Returns of whole trading days, as ratios use them: one place less than ``days``, ``growth`` and ``equities``.

    ``spans`` counts the trading days of each return: more than one where nothing was observed between.
    """

    days: list[date]
    times: list[datetime]
    growth: list[float | None]
    equities: list[float]
    returns: list[float | None]
    spans: list[int]
    periods_per_year: int

    @property
    def gaps(self) -> int:
        """How many returns span more than one trading day."""
        return sum(span > 1 for span in self.spans)

    @property
    def length(self) -> int:
        """Trading days in all, for a yearly rate; up to a week without a price is a holiday unless every day trades."""
        tolerated = 1 if self.periods_per_year > WEEKDAYS else _HOLIDAYS
        return sum(span if span > tolerated else 1 for span in self.spans)

    @property
    def by_day(self) -> dict[date, float]:
        """Growth at the closes, as far as it exists."""
        return {day: value for day, value in zip(self.days, self.growth, strict=True) if value is not None}


async def growth_days(db: Fetcher, scope: Scope) -> list[GrowthDays]:
    """Return one row for each currency with an observation by the window's end, in their order."""
    bounds = scope.bounds()
    return await GROWTH_DAYS.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present)


async def depths(db: Fetcher, scope: Scope, rows: list[GrowthDays]) -> dict[str, Depths]:
    """Return the drawdowns by currency, as the equity curve has them: that of more than a week has the rows' points."""
    bounds = scope.bounds()
    if all(bounds.end - row.times[0] > _WEEK for row in rows):
        return {row.currency: Depths(row.currency, row.drawdown, row.deepest, _DAY_SECONDS) for row in rows}
    found = await DEPTHS.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at)
    return {row.currency: row for row in found}


async def benchmark_closes(db: Fetcher, scope: Scope, row: GrowthDays) -> dict[date, float]:
    """Return the closes of the row's benchmark by trading day of its accounts; empty without a common benchmark."""
    if row.benchmark is None:
        return {}
    bounds = scope.bounds()
    asked = (row.source, row.benchmark, row.zone, row.roll_over, row.days[0], bounds.end, bounds.known_at)
    return {close.day: close.close for close in await DAILY_CLOSES.all(db, *asked)}


def no_benchmark(row: GrowthDays, closes: dict[date, float]) -> str:
    """Return why there is nothing to compare with; empty where there is."""
    if row.benchmarks == 0:
        return "the account has no benchmark"
    if row.benchmark is None:
        return "the accounts have no benchmark in common"
    return "" if closes else f"no prices of the benchmark {row.benchmark}"


def day_returns(row: GrowthDays) -> DayReturns:
    """Return the returns between closes of whole trading days.

    Left out are the running day, and the part of a day that the window begins with unless the account began in it. What
    happens on other than trading days belongs to the next one.
    """
    kept = [place for place, counted in enumerate(row.counted) if counted]
    days = [row.days[place] for place in kept]
    growth = [row.growth[place] for place in kept]
    shift = (row.roll_over + timedelta(hours=12)).days
    spans = [max(1, _trading_days(since, day, row.periods_per_year, shift)) for since, day in pairwise(days)]
    return DayReturns(
        days=days,
        times=[row.times[place] for place in kept],
        growth=growth,
        equities=[row.equities[place] for place in kept],
        returns=returns_of(growth),
        spans=spans,
        periods_per_year=row.periods_per_year,
    )


def window_return(row: GrowthDays) -> Figure:
    """Return growth − 1 over the whole window, the running day included; missing before a second observation."""
    if len(row.growth) < 2:
        return missing("no equity was observed in the window")
    last = row.growth[-1]
    return missing(NO_BASE) if last is None else Figure(last - 1)


def flows(row: GrowthDays) -> list[Flow]:
    """Return the external flows since the window's beginning; an account that comes in later is one."""
    pairs = zip(row.flow_times, row.flow_amounts, strict=True)
    return [Flow(at, float(amount)) for at, amount in pairs]


def _trading_days(since: date, day: date, periods_per_year: int, shift: int) -> int:
    if periods_per_year > WEEKDAYS:
        return (day - since).days
    return _weekdays(day.toordinal() + shift) - _weekdays(since.toordinal() + shift)


def _weekdays(ordinal: int) -> int:
    """How many weekdays there were up to a day, the first of the calendar being a Monday."""
    weeks, rest = divmod(ordinal, 7)
    return weeks * 5 + min(rest, 5)
