"""How is one value of an answer written in a terminal: by its field's unit, in the viewer's time zone?"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from main import text
from main.analytics.figure import Figure
from main.monitoring.field_units import Unit

_PLAIN_COUNTS = frozenset({"pid", "port", "year", "revision"})
"""Whole numbers that name something: no thousands are parted."""
_FINE_RATIOS = frozenset({"growth", "benchmark", "fx_rate"})


@dataclass(frozen=True, slots=True)
class Cells:
    """Writes cells with times in a zone; ``None`` is the machine's own."""

    zone: tzinfo | None = None

    def write(self, name: str, unit: Unit, value: object, row: Mapping[str, object]) -> str:
        """Return a cell's text; its row tells the steps of price and quantity. Unknown is a dash."""
        value = value.value if isinstance(value, Figure) else value
        match value:
            case None:
                written = text.DASH
            case list() | tuple():
                written = ", ".join(self.write(name, unit, each, row) for each in value)
            case Mapping():
                written = ", ".join(f"{printable(str(key))} {each}" for key, each in value.items())
            case datetime():
                written = self.time(value)
            case bool():
                written = "yes" if value else "no"
            case int() | float() | Decimal():
                written = _number(name, unit, value, row)
            case _:
                written = printable(value.isoformat() if isinstance(value, date) else str(value))
        return written or text.DASH

    def time(self, at: datetime | None) -> str:
        """Return a moment to the second."""
        return text.DASH if at is None else f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def named_zone(self, at: datetime) -> str:
        """Return the zone's name with its distance from UTC at a moment: `CET (UTC+01:00)`."""
        local = at.astimezone(self.zone)
        offset = f"{local:%z}"
        name = getattr(self.zone, "key", None) or local.tzname()
        return str(name) if name == "UTC" else f"{name} (UTC{offset[:3]}:{offset[3:]})"


def _number(name: str, unit: Unit, value: Any, row: Mapping[str, object]) -> str:
    if unit in _STEPS:
        written, step = _STEPS[unit]
        return written(value, row.get(step))
    if unit is Unit.RATIO:
        return text.ratio(value, 4 if name in _FINE_RATIOS else 2)
    if unit is Unit.COUNT and name in _PLAIN_COUNTS:
        return str(value)
    return _WRITERS.get(unit, text.quantity)(value)


def _short_time(seconds: Any) -> str:
    return text.latency(seconds) if seconds < _LONG_SECONDS else text.duration(seconds)


_LONG_SECONDS = 120
_STEPS: Mapping[Unit, tuple[Callable[[Any, Any], str], str]] = {
    Unit.PRICE: (text.price, "tick"),
    Unit.QUANTITY: (text.quantity, "quantity_step"),
}
_WRITERS: Mapping[Unit, Callable[[Any], str]] = {
    Unit.MONEY: text.money,
    Unit.SIGNED_MONEY: text.signed_money,
    Unit.FRACTION: text.percent,
    Unit.SIGNED_FRACTION: lambda value: text.percent(value, signed=True),
    Unit.BPS: text.bps,
    Unit.MULTIPLE: text.leverage,
    Unit.SECONDS: text.duration,
    Unit.LATENCY: _short_time,
    Unit.BYTES: text.bytes_,
    Unit.DAYS: lambda value: text.duration(round(float(value) * 86400)),
    Unit.RATE: lambda value: f"{text.ratio(value, 1)}/s",
}


def printable(words: str) -> str:
    """Return a text whose control characters are shown, so that no terminal obeys them."""
    return "".join(char if unicodedata.category(char)[0] != "C" else f"\\x{ord(char):02x}" for char in words)
