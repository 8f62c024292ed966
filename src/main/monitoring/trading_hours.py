"""When does an exchange trade: is it open at a moment, since when, until when, when next, and when was it closed?"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

ALWAYS = "24/7"

BEFORE, AFTER = timedelta(days=20), timedelta(days=75)
"""How much of a calendar is built: the longest holidays last less than two weeks."""


Span = tuple[datetime, datetime]
"""From a moment to another, aware UTC."""

REACH = range(1700, 2200)
"""Years within what pandas can count in nanoseconds, on whose ends its arithmetic breaks."""


@dataclass(frozen=True, slots=True)
class TradingHours:
    """What a calendar says of a moment. Aware UTC; times are ``None`` where they do not apply or are not known.

    ``state``: open, break (between two parts of a session), closed, or unknown for the ``reason``. ``since`` and
    ``until`` are the beginning and the end of that state, both ``None`` for what trades round the clock.
    """

    state: str
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""


def trading_hours(calendar: str, moment: datetime) -> TradingHours:
    """Return what the exchange calendar of this name (XNYS, XLON, CME, … or 24/7) says of a moment.

    Unknown for a name that no calendar has, and for a time whose holidays are not known yet. The first call imports
    pandas and builds the calendar, which takes a second or more: keep it off the event loop.
    """
    if calendar == ALWAYS:
        return TradingHours("open")
    if moment.year not in REACH:
        return TradingHours("unknown", reason=f"no exchange calendar reaches the year {moment.year}")
    import pandas
    from exchange_calendars.errors import CalendarError

    month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        built = _calendar(calendar, month)
    except CalendarError:
        return TradingHours("unknown", reason=f"there is no exchange calendar {calendar}")
    except ValueError as error:
        return TradingHours("unknown", reason=str(error).rstrip(".").lower())
    minute = pandas.Timestamp(moment).floor("min")
    parts = [part for part in _parts(built) if part[1] > minute - BEFORE]
    for begins, ends, name in parts:
        if begins <= minute < ends:
            return TradingHours(name, begins.to_pydatetime(), ends.to_pydatetime())
    since = max((ends for _, ends, _ in parts if ends <= minute), default=None)
    until = min((begins for begins, _, _ in parts if begins > minute), default=None)
    return TradingHours(
        "closed",
        since.to_pydatetime() if since is not None else None,
        until.to_pydatetime() if until is not None else None,
    )


def closed_within(calendar: str, gaps: Sequence[Span]) -> list[Span]:
    """Return the parts of `gaps` (ascending, apart) in which the exchange of this calendar does not trade, ascending.

    None of what trades round the clock, and none where no calendar tells. As slow as `trading_hours`.
    """
    if calendar == ALWAYS or not gaps or gaps[0][0].year not in REACH or gaps[-1][1].year not in REACH:
        return []
    from exchange_calendars.errors import CalendarError

    try:
        open_spans = _open_spans(calendar, gaps[0][0].year, gaps[-1][1].year)
    except (CalendarError, ValueError):  # no such calendar, or one that does not reach so far
        return []
    closed: list[Span] = []
    for begins, ends in gaps:
        at = begins
        first = max(0, bisect_right(open_spans, begins, key=lambda span: span[0]) - 1)
        for opens, closes in open_spans[first:]:
            if opens >= ends:
                break
            closed += [(at, opens)] if opens > at else []
            at = max(at, closes)
        closed += [(at, ends)] if at < ends else []
    return closed


@lru_cache(maxsize=16)
def _open_spans(name: str, first_year: int, last_year: int) -> tuple[Span, ...]:
    from exchange_calendars import get_calendar

    # A session around New Year belongs to the trading day of either side.
    built = get_calendar(name, start=datetime(first_year, 1, 1) - BEFORE, end=datetime(last_year, 12, 31))  # noqa: DTZ001
    parts = (part for part in _parts(built) if part[2] == "open")
    return tuple((begins.to_pydatetime(), ends.to_pydatetime()) for begins, ends, _ in parts)


@lru_cache(maxsize=64)
def _calendar(name: str, month: datetime) -> Any:  # an ExchangeCalendar, which has no types
    from exchange_calendars import get_calendar

    start, end = month - BEFORE, month + AFTER
    try:
        return get_calendar(name, start=start, end=end)
    except ValueError:  # some know their holidays to the end of a year only
        return get_calendar(name, start=start, end=min(end, datetime(month.year, 12, 31)))  # noqa: DTZ001  # a date


def _parts(calendar: Any) -> list[tuple[Any, Any, str]]:
    found = []
    for row in calendar.schedule.itertuples():
        halted = row.break_start == row.break_start  # NaT, for a session without a break, is not equal to itself
        if halted:
            found += [(row.open, row.break_start, "open"), (row.break_start, row.break_end, "break")]
        found.append((row.break_end if halted else row.open, row.close, "open"))
    return found
