"""What is one line of a log: one event as JSON, whatever text it carries?"""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from main.clock import now
from main.telemetry.inert import inert_json

LONGEST_LINE = 16_000
"""Bytes; the manager takes a child's output in lines of up to 16 KiB and would split a longer one."""

LONGEST_VALUE = 6_000
_FIRST = ("at", "level", "service", "event")
_CUT = 1_100
_LARGEST = 2**63 - 1  # not every reader of JSON takes larger ones
_SMALL_STEP = timedelta(minutes=1)
_TICK = timedelta(microseconds=1)


class Stamps:
    """The times of a log's events: each later than the one before it, also when the clock is put back a little.

    A step back by more than a minute is a clock that was set right, and the log follows it.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None

    def next(self) -> str:
        """Return the present as ISO 8601 in UTC, with microseconds, ending in Z."""
        moment = now()
        if self._last is not None and self._last - _SMALL_STEP < moment <= self._last:
            moment = self._last + _TICK
        self._last = moment
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def json_line(event: Mapping[str, Any]) -> str:
    """Return an event as one line of JSON without its newline; ``at``, ``level``, ``service`` and ``event`` come first.

    Values that JSON has no word for are written as text, and one that is too long loses its middle. Never raises.
    """
    ordered = {name: event[name] for name in _FIRST if name in event} | dict(event)
    spelt = {str(name): _bounded(spelled(value)) for name, value in ordered.items()}
    line = _dumped(spelt)
    if len(line.encode("utf-8")) <= LONGEST_LINE:
        return line
    kept = {name: shortened(str(spelt[name]), _CUT) for name in (*_FIRST, "exception") if name in spelt}
    return _dumped(kept | {"cut": True})


def _bounded(value: str | float | bool | None) -> str | float | bool | None:
    return shortened(value, LONGEST_VALUE) if isinstance(value, str) else value


def spelled(value: Any) -> str | float | bool | None:
    """Return a value as JSON can hold it: itself, or its text; never raises."""
    if value is None or (isinstance(value, bool | int) and abs(value) <= _LARGEST):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    try:
        return str(value)
    except Exception:  # noqa: BLE001  # a boundary: what cannot be shown must not keep the rest from being told
        return f"({type(value).__name__} that cannot be shown)"


def shortened(text: str, longest: int) -> str:
    """Return `text`, or its beginning and (longer, as tracebacks end with what happened) its end."""
    if len(text) <= longest:
        return text
    head = longest // 4
    return f"{text[:head]} … {len(text) - longest} characters left out … {text[head - longest :]}"


def event_of(text: str) -> dict[str, Any] | None:
    """Return the event that a line holds; ``None`` for a line that is not one of a JSON log."""
    if not text.startswith("{"):
        return None
    try:
        event = orjson.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _dumped(event: Mapping[str, Any]) -> str:
    return inert_json(json.dumps(event, ensure_ascii=False))
