"""During which parts of a stretch of time is an exchange open, and for how many seconds of each hour?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from main.monitoring.trading_hours import trading_hours

HOUR = timedelta(hours=1)

Span = tuple[datetime, datetime]


def open_spans(calendar: str, start: datetime, end: datetime) -> list[Span] | None:
    """Return the open times of a calendar within ``start <= at < end``, oldest first; ``None`` where nobody knows them.

    Empty for a stretch that is closed throughout. Builds the calendar at its first call, which takes a second or more:
    keep it off the event loop.
    """
    spans: list[Span] = []
    moment = start
    while moment < end:
        said = trading_hours(calendar, moment)
        if said.state == "unknown":
            return None
        until = min(said.until or end, end)
        if said.state == "open":
            spans.append((moment, until))
        if until <= moment:  # nothing in the calendar's reach comes after
            break
        moment = until
    return spans


def hour_of(moment: datetime) -> datetime:
    """Return when the hour of a moment began, UTC."""
    return moment.replace(minute=0, second=0, microsecond=0)


def open_seconds(calendar: str, start: datetime, end: datetime) -> dict[datetime, float]:
    """Return for how long the calendar is open in each hour that begins within ``start <= hour < end``.

    The last one counts up to `end`. Empty where nobody knows the calendar.
    """
    spans = open_spans(calendar, hour_of(start), end)
    if spans is None:
        return {}
    found = dict.fromkeys(_hours(hour_of(start), end), 0.0)
    for begins, ends in spans:
        for hour in _hours(hour_of(begins), ends):
            found[hour] += (min(ends, hour + HOUR) - max(begins, hour)).total_seconds()
    return found


def multirange(spans: list[Span] | None) -> str | None:
    """Return spans as PostgreSQL writes a ``tstzmultirange``; ``None`` for those that nobody knows."""
    if spans is None:
        return None
    return "{" + ",".join(f"[{begins.isoformat()},{ends.isoformat()})" for begins, ends in spans) + "}"


def _hours(first: datetime, end: datetime) -> Iterator[datetime]:
    while first < end:
        yield first
        first += HOUR
