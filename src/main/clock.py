"""What time it is, always aware and in UTC, and how a time is read from text."""

import time
from datetime import UTC, datetime

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux has it


def now() -> datetime:
    """Return the wall clock's time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds on a clock that never jumps, for ages, deadlines and durations inside one process."""
    return time.monotonic()


def boottime() -> float:
    """Return seconds on a clock that never jumps and goes on while the machine sleeps, when others do not."""
    return time.clock_gettime(_BOOTTIME)


def require_aware(moment: datetime, name: str) -> datetime:
    """Return `moment` in UTC.

    Raises ValueError, with `name` in it, for a moment without a time zone (a guess would be hours off) and for one
    that UTC cannot write (year 0 or 10000).
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{name}: got {moment.isoformat()} without a time zone, expected one, for example +00:00 or Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name}: got {moment.isoformat()}, expected a moment between years 1 and 9999 UTC") from None


def parse_moment(text: str, name: str) -> datetime:
    """Return the ISO 8601 moment in `text` in UTC, such as `2026-11-20T14:32:05.25Z`.

    Raises ValueError, with `name` in it, for text that is no moment or has no time zone.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{name}: got {text!r}, expected an ISO 8601 time such as 2026-11-20T14:32:05Z") from None
    return require_aware(moment, name)


def from_epoch(seconds: float) -> datetime:
    """Return the moment that lies `seconds` after 1970-01-01 UTC.

    Raises ValueError for a number that no calendar holds (NaN, infinity, the year 10000).
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError(f"got {seconds!r} as seconds since 1970, expected a moment between years 1 and 9999") from None
