"""The return of every trading day, computed from all observations one by one: the oracle of the database's growth.

Time-weighted: a period is cut at the last observation before each external flow, and its pieces are multiplied. Within
a piece a flow counts for the share of time it was there (modified Dietz), and from the start where that observation is
fresh, which is the true time-weighted return.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from main.analytics.returns import growth_index
from main.analytics.roi import Flow
from main.analytics.sample import refuse_nan

FRESH = timedelta(minutes=5)
"""An observation no older than this is the equity just before a flow (as in the growth index of the database)."""

_INSTANT = timedelta(microseconds=1)

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Observation:
    """Equity in account currency at an aware time; a flow at the same instant is in it already."""

    at: datetime
    equity: float


@dataclass(frozen=True, slots=True)
class DayReturn:
    """The return, a fraction, from the close of the day `since` to that of `day`.

    ``days`` counts the trading days it spans: more than one where days before it have no observation. On the first day
    of all it begins at the first observation, and ``since`` equals ``day``. ``None``: equity gave it no base.
    """

    day: date
    since: date
    days: int
    value: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Equity, and growth of 1 since the first observation; ``None`` from where growth has no base."""

    at: datetime
    equity: float
    growth: float | None


def day_returns(
    observations: Sequence[Observation],
    flows: Sequence[Flow],
    day_of: Callable[[datetime], date],
    is_trading_day: Callable[[date], bool] = lambda day: True,
) -> list[DayReturn]:
    """Return one return per trading day that was observed, oldest first; empty with fewer than two observations.

    Both series are oldest first. ``day_of`` names the trading day of a time; an observation at the very close is the
    closing day's. What happens on other than trading days belongs to the next one. It suffices to pass the last
    observation of each day and those next to each flow. The last day may still be running: ratios leave it out.
    Observations before the first equity above zero are passed over. ``ValueError`` for NaN or a wrong order.
    """
    funded = _funded(observations, flows)
    days = [_trading_day(day_of(o.at - _INSTANT), is_trading_day) for o in funded]
    closes = {place for place in range(len(funded)) if place + 1 == len(funded) or days[place] != days[place + 1]}
    # Between the observations about a flow, it is weighed: whatever else is kept, the return is the same.
    firsts = {bisect_left(funded, flow.at, key=_time) for flow in flows}
    cuts = firsts | {place - 1 for place in firsts}
    kept = [place for place in range(len(funded)) if place == 0 or place in closes or place in cuts]
    found, pieces, since = list[DayReturn](), list[float | None](), 0
    for place, piece in zip(kept[1:], _links([funded[place] for place in kept], flows), strict=True):
        pieces.append(piece)
        if place in closes:
            span = _span(days[since], days[place], is_trading_day)
            found.append(DayReturn(days[place], days[since], span, _chained(pieces)))
            pieces, since = [], place
    return found


def curve(observations: Sequence[Observation], flows: Sequence[Flow]) -> list[CurvePoint]:
    """Return growth at every observation, for windows up to a week; empty without an equity above zero."""
    funded = _funded(observations, flows)
    growth = growth_index(list(_links(funded, flows)))
    return [CurvePoint(o.at, o.equity, value) for o, value in zip(funded, growth[: len(funded)], strict=True)]


def growth_by_day(returns: Sequence[DayReturn]) -> dict[date, float]:
    """Return growth at the close of each day, the base point's day included, as far as growth exists.

    A first day that was observed from its middle has one close only: its return is left out of this.
    """
    growth = growth_index([r.value for r in returns])
    days = [*(r.since for r in returns[:1]), *(r.day for r in returns)]
    return {day: value for day, value in zip(days, growth, strict=False) if value is not None}


def compounded(returns: Iterable[DayReturn], period_of: Callable[[date], K]) -> Mapping[K, float | None]:
    """Return Π (1 + r) − 1 by period (a month, a week …), in order; one that spans periods counts for its last day's.

    ``None`` where one of the period's returns has no base.
    """
    periods: dict[K, list[float | None]] = {}
    for r in returns:
        periods.setdefault(period_of(r.day), []).append(r.value)
    return {period: _chained(values) for period, values in periods.items()}


def _time(fact: Observation | Flow) -> datetime:
    return fact.at


def _funded(observations: Sequence[Observation], flows: Sequence[Flow]) -> list[Observation]:
    refuse_nan([o.equity for o in observations])
    refuse_nan([flow.amount for flow in flows])
    if any(a.at >= b.at for a, b in pairwise(observations)) or any(a.at > b.at for a, b in pairwise(flows)):
        raise ValueError("observations and flows come oldest first, one observation an instant")
    first = next((place for place, o in enumerate(observations) if o.equity > 0), len(observations))
    return list(observations[first:])


def _links(observations: Sequence[Observation], flows: Sequence[Flow]) -> Iterator[float | None]:
    # Walks both at once: a search for every link takes most of the time in long histories.
    place = bisect_right(flows, observations[0].at, key=_time) if observations else 0
    for before, after in pairwise(observations):
        first = place
        while place < len(flows) and flows[place].at <= after.at:
            place += 1
        yield _link(before, after, flows[first:place])


def _link(before: Observation, after: Observation, flows: Sequence[Flow]) -> float | None:
    external = math.fsum(flow.amount for flow in flows)
    base = math.fsum([before.equity, *(_weight(flow.at, before.at, after.at) * flow.amount for flow in flows)])
    return (after.equity - before.equity - external) / base if base > 0 else None


def _weight(at: datetime, start: datetime, end: datetime) -> float:
    return 1.0 if at <= start + FRESH else (end - at) / (end - start)


def _chained(links: Iterable[float | None]) -> float | None:
    product: float = 1.0
    for value in links:
        if value is None:
            return None
        product *= 1 + value
    return product - 1


def _trading_day(day: date, is_trading_day: Callable[[date], bool]) -> date:
    while not is_trading_day(day):
        day += timedelta(days=1)
    return day


def _span(since: date, day: date, is_trading_day: Callable[[date], bool]) -> int:
    between = (since + timedelta(days=step) for step in range(1, (day - since).days + 1))
    return max(1, sum(map(is_trading_day, between)))
