"""Which ticks has a chart's value axis, and how are they written? Which times does its time axis leave out?

No tick is left to a format of the browser.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from main import text

Axis = dict[str, Any]
Span = tuple[datetime, datetime]
"""From a moment to another, aware UTC."""


def money_ticks(ticks: Sequence[float], *, signed: bool = False) -> list[str]:
    """Write ticks of money as short as tells them apart: `205k`, or `100,050` where tenths of a k are too coarse."""
    step = min((b - a for a, b in pairwise(ticks)), default=1000.0)
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest >= 1000 and step >= 10 ** (math.floor(math.log10(largest)) // 3 * 3 - 1):
        return [_short(text.compact(tick, signed=signed)) for tick in ticks]
    decimals = max(0, min(8, -math.floor(math.log10(step)))) if step > 0 else 2
    write = text.signed_money if signed else text.money
    return [write(tick, decimals) if tick else "0" for tick in ticks]


def money_tag(value: float, span: float) -> str:
    """Write the tag of a last value: `208.3k`, or `99,996` on an axis whose `span` tenths of a thousand would blur."""
    blur = 10 ** (math.floor(math.log10(abs(value))) // 3 * 3 - 1) if abs(value) >= 1000 else 0.0
    if blur and span >= 20 * blur:
        return text.compact(value)
    return text.money(value, 0 if span >= 20 else 2)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers within ``[low, high]``: steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low] if math.isfinite(low) else []
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Rounded to the step's own decimals, or 3 × 0.1 would be written 0.30000000000000004; + 0.0 drops a negative zero.
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(index * step, digits) + 0.0 for index in range(first, last + 1)]


def value_axis(
    low: float,
    high: float,
    write: Callable[[list[float]], list[str]],
    *,
    avoid: float | None = None,
    count: int = 5,
    covers: float | None = None,
) -> Axis:
    """Return an axis over ``[low, high]`` without the tick that the tag of the value `avoid` would cover.

    A tag covers what is nearer than `covers`, a fraction of the axis: about half the distance of two ticks.
    """
    ticks = nice_ticks(low, high, count)
    if avoid is not None:
        covered = (high - low) * (0.45 / count if covers is None else covers)
        ticks = [tick for tick in ticks if abs(tick - avoid) > covered]
    return axis(ticks, write(ticks)) | {"range": [low, high]}


def profit_axis(values: Sequence[float], *, avoid: float | None = None) -> Axis:
    """Return an axis of signed money that includes 0, of a low plot: a tag covers a quarter of it on either side."""
    low, high = min([0.0, *values]), max([0.0, *values])
    margin = (high - low) * 0.1 or 1.0
    low, high = (low - margin if low < 0 else 0.0), (high + margin if high > 0 else 0.0)
    return value_axis(low, high, lambda ticks: money_ticks(ticks, signed=True), avoid=avoid, count=3, covers=0.24)


def drawdown_axis(deepest: float) -> Axis:
    """Return an axis from 0 on top down to a drawdown, a fraction ≤ 0, with room for the words at its deepest point."""
    return value_axis(min(deepest * 1.35, -0.0001), 0.0, percent_ticks, count=3)


def axis(ticks: Sequence[float], words: Sequence[str]) -> Axis:
    """Return a value axis at the right with these ticks."""
    # The vertical range follows the data: a zoom is one of time, and the written ticks stay true.
    fixed = {"automargin": False, "fixedrange": True, "ticklen": 4}
    return {"side": "right", "tickvals": list(ticks), "ticktext": list(words), **fixed}


def without(closed: Sequence[Span], marked: Sequence[datetime] = ()) -> Axis:
    """Return what makes a time axis leave these times out, but for one in which something is `marked` all the same.

    Milliseconds since 1970, which the browser moves to the viewer's zone. Empty where there is nothing to leave out.
    """
    out = [span for span in closed if not any(span[0] <= at < span[1] for at in marked)]
    breaks = [{"bounds": [round(at.timestamp() * 1000) for at in span]} for span in out]
    return {"rangebreaks": breaks} if breaks else {}


def percent_ticks(ticks: Sequence[float], *, signed: bool = False) -> list[str]:
    """Write ticks of fractions as per cent, with as many decimals as tell them apart: `−2.5%`, `0%`."""
    step = min((b - a for a, b in pairwise(ticks)), default=0.01)
    decimals = max(0, min(4, -math.floor(math.log10(step * 100) + 1e-9)))
    # A step of 2.5 has a decimal more than its size says.
    decimals += any(abs(tick * 100 - round(tick * 100, decimals)) > step for tick in ticks)
    return [text.percent(tick, decimals, signed=signed) if tick else "0%" for tick in ticks]


def _short(written: str) -> str:
    return written[:-3] + written[-1] if written[-3:-1] == ".0" else written
