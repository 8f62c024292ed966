"""How did a price go, bar by bar, what was traded in each, and where did we buy and sell?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from main import text
from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict, Write, caption, epoch_ms, room, tag, time_layout

_SIDES = {"buy": ("triangle-up", "bid"), "sell": ("triangle-down", "ask")}


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar; ``hover`` says it in words. ``volume`` is ``None`` where it is not known; not ``closed``: forming."""

    at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    hover: str
    closed: bool = True


@dataclass(frozen=True, slots=True)
class FillMark:
    """One of our executions: ``side`` is buy or sell."""

    at: datetime
    price: float
    side: str
    hover: str


def price_ticks(ticks: Sequence[float]) -> list[str]:
    """Write ticks of a price in full, with the decimals that tell them apart."""
    step = min((b - a for a, b in pairwise(ticks)), default=1.0)
    decimals = max(0, min(8, -math.floor(math.log10(step) + 1e-9))) if step > 0 else 2
    if any(abs(tick * 10**decimals - round(tick * 10**decimals)) > 1e-6 for tick in ticks):
        decimals += 1  # steps of 2.5
    return [text.money(tick, decimals) for tick in ticks]


def candles(
    bars: Sequence[Candle], fills: Sequence[FillMark], *, last: float, write: Write, closed: Sequence[axes.Span] = ()
) -> FigureDict:
    """Return bars, filled where the price rose and hollow where it fell, over their volume; `last` is the tag's price.

    A bar that is still forming is grey. Fills stand at their own time and price, in the colours of bid and ask. The
    time axis leaves out what is `closed`.
    """
    known = [last, *(value for bar in bars for value in (bar.low, bar.high)), *(fill.price for fill in fills)]
    low, high = min(known), max(known)
    margin = (high - low) * 0.08 or abs(high) * 0.001 or 1.0
    axis = axes.value_axis(low - margin, high + margin, price_ticks, avoid=last)
    layout = time_layout(yaxis=axis, annotations=[tag(last, write(last), "accent")])
    layout["xaxis"] |= {"rangeslider": {"visible": False}} | axes.without(closed, [fill.at for fill in fills])
    layout["margin"]["r"] = room([*axis["ticktext"], f"<b>{write(last)}</b>"])
    if len(bars) > 1:  # the marks would make Plotly add room at the ends
        half = (bars[1].at - bars[0].at) / 2
        ends = [bars[0].at - half, max([bars[-1].at + half, *(fill.at for fill in fills)])]
        layout["xaxis"]["range"] = [epoch_ms(end) for end in ends]
    layout["hovermode"] = "closest"
    data = [*_sticks(bars), *(_marks(side, fills) for side in _SIDES if any(fill.side == side for fill in fills))]
    if any(bar.volume for bar in bars):
        layout["yaxis"]["domain"] = [0.24, 1]
        layout["xaxis"]["anchor"] = "y2"
        data.append(_volumes(bars) | {"yaxis": "y2"})
        layout["yaxis2"] = volume_axis(bars) | {"domain": [0, 0.15]}
        layout["annotations"].append(caption("Volume", 0.155))
    return {"data": data, "layout": layout}


def volume_bars(bars: Sequence[Candle], closed: Sequence[axes.Span] = ()) -> FigureDict:
    """Return what was traded in each bar; one whose volume is not known is a gap, what is `closed` is left out."""
    axis = volume_axis(bars, count=4)
    layout = time_layout(yaxis=axis)
    layout["xaxis"] |= axes.without(closed)
    layout["margin"]["r"] = room(axis["ticktext"])
    return {"data": [_volumes(bars) | {"marker": {"color": "@accent-4", "cornerradius": 2}}], "layout": layout}


def volume_axis(bars: Sequence[Candle], *, count: int = 1) -> FigureDict:
    """Return the axis of volumes, from zero."""
    top = max([bar.volume or 0.0 for bar in bars], default=0.0) or 1.0
    return axes.value_axis(0.0, top * 1.1, axes.money_ticks, count=count)


def _sticks(bars: Sequence[Candle]) -> list[FigureDict]:
    forming = [bar for bar in bars if not bar.closed]
    rose, fell = _look("profit-4", "profit-4"), _look("loss-4", "surface-panel")
    plain = _look("ink-3", "surface-panel")
    closed = _candlesticks([bar for bar in bars if bar.closed], "", rose, fell)
    return [closed, _candlesticks(forming, "Forming", plain, plain)] if forming else [closed]


def _look(tone: str, fill: str) -> FigureDict:
    return {"line": {"color": f"@{tone}", "width": 1}, "fillcolor": f"@{fill}"}


def _candlesticks(bars: Sequence[Candle], name: str, rose: FigureDict, fell: FigureDict) -> FigureDict:
    return {
        "type": "candlestick",
        "x": [epoch_ms(bar.at) for bar in bars],
        "open": [bar.open for bar in bars],
        "high": [bar.high for bar in bars],
        "low": [bar.low for bar in bars],
        "close": [bar.close for bar in bars],
        "hovertext": [bar.hover for bar in bars],
        "hoverinfo": "text",
        "name": name,
        "increasing": rose,
        "decreasing": fell,
    }


def _volumes(bars: Sequence[Candle]) -> FigureDict:
    return {
        "type": "bar",
        "x": [epoch_ms(bar.at) for bar in bars],
        "y": [bar.volume for bar in bars],
        "name": "",
        "hovertext": [bar.hover for bar in bars],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"color": "@neutral-3"},
    }


def _marks(side: str, fills: Sequence[FillMark]) -> FigureDict:
    shape, tone = _SIDES[side]
    ours = sorted((fill for fill in fills if fill.side == side), key=lambda fill: fill.at)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [epoch_ms(fill.at) for fill in ours],
        "y": [fill.price for fill in ours],
        "name": "",
        "customdata": [fill.hover for fill in ours],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "symbol": shape,
            "size": 9,
            "color": f"@{tone}",
            "line": {"width": 1, "color": "@surface-panel"},
        },
    }
