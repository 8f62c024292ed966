"""Which picture a series becomes: Plotly figures as plain data, without template, in the house's rules for charts.

Builders: `equity_and_drawdown`, `host_trend`, `pnl_bars`, `positions_treemap`, `area` (one line over its gradient).
A colour is a token of `assets/tokens.css` written ``@name`` or ``@name/0.3`` (its opacity); the browser puts in the
value of the theme it shows. A time is a count of milliseconds since 1970 UTC (`epoch_ms`); the browser moves it to the
viewer's zone.
Text in tags, cells and tooltips is ready to read. No pandas, numpy or graph objects: a dict costs a hundredth of them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from main import text
from main.monitoring.dashboards.v2 import axes

FigureDict = dict[str, Any]
Write = Callable[[float | None], str]
Series = Sequence[float | None]

_RIGHT = 60  # room for the value axis, in steps: almost nothing moves it when a tick becomes wider
_RIGHT_STEP = 16
_TREEMAP_CLIP = 0.03  # P&L per cent at which a tile has its full colour


def epoch_ms(at: datetime) -> int:
    """Return an aware moment as the charts' time."""
    return round(at.timestamp() * 1000)


def equity_and_drawdown(at: Sequence[datetime], equity: Series, drawdown: Series, *, decimals: int = 2) -> FigureDict:
    """Return equity over its drawdown (fractions ≤ 0) on one time axis, peak and deepest point marked and written."""
    x = [epoch_ms(moment) for moment in at]
    figure = area(at, equity, name="Equity", write=lambda v: text.money(v, decimals), ticks=axes.money_ticks)
    layout, data = figure["layout"], figure["data"]
    peak, trough = _extreme(equity, max), _extreme(drawdown, min)
    if peak is not None:
        data.append(_mark(x, equity, peak, f"Peak {text.money(equity[peak], 0)}", "accent", above=True))
    under_water = _line(x, drawdown, "Drawdown", text.percent, "loss", width=1.25)
    data.append(under_water | {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "@loss/0.22"})
    deepest = min((value for value in drawdown if value is not None), default=0.0)
    if trough is not None and deepest < 0:
        data.append(_mark(x, drawdown, trough, f"Max {text.percent(deepest)}", "loss", above=False) | {"yaxis": "y2"})
    layout["yaxis"]["domain"] = [0.33, 1]
    layout["yaxis2"] = axes.drawdown_axis(deepest) | {"domain": [0, 0.24]}
    layout["xaxis"]["anchor"] = "y2"
    layout["annotations"].append(_caption("Drawdown", 0.25))
    return figure


def area(
    at: Sequence[datetime],
    values: Series,
    *,
    name: str,
    write: Write,
    ticks: Callable[[list[float]], list[str]],
    tag: Write | None = None,
    tone: str = "accent",
) -> FigureDict:
    """Return one line over a fading fill, its last value as a tag on the axis; a gap in `values` stays a gap."""
    x = [epoch_ms(moment) for moment in at]
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    # A flat line stands in the middle of a small range instead of filling the panel with noise.
    margin = (high - low) * 0.14 or abs(high) * 0.01 or 1.0
    low, high = low - margin * 0.6, high + margin
    fade = {"type": "vertical", "colorscale": [[0, f"@{tone}/0"], [1, f"@{tone}/0.26"]]}
    # The fill ends at the plot's floor: to a zero far below it the gradient would show none of its fading.
    line = _line(x, values, name, write, tone) | {"fill": "tonexty", "fillgradient": fade}
    last = known[-1] if known else None
    annotations = [] if last is None else [_tag(last, tag(last) if tag else axes.money_tag(last, high - low), tone)]
    layout = _layout(yaxis=axes.value_axis(low, high, ticks, avoid=last), annotations=annotations)
    layout["margin"]["r"] = _room(tag_["text"] for tag_ in annotations)
    if len(x) > 1:
        layout["xaxis"]["range"] = [x[0], x[-1]]  # the marks would make Plotly add room at the ends
    return {"data": [_floor(x, low), line], "layout": layout}


def host_trend(
    at: Sequence[datetime],
    shares: Series,
    *,
    limit: float | None = None,
    window: tuple[datetime, datetime] | None = None,
) -> FigureDict:
    """Return a share of capacity (fractions) on a fixed axis from 0 to 100 %, the limit as a dashed line."""
    x = [epoch_ms(moment) for moment in at]
    ticks = [
        value for value in (0.0, 0.25, 0.5, 0.75, 1.0) if limit is None or abs(value - limit) > 0.09 or value == 1.0
    ]
    words = ["" if limit is not None and abs(value - limit) < 0.12 else f"{value * 100:.0f}" for value in ticks]
    axis = axes.axis(ticks, words) | {"range": [0, 1.02]}
    line = _line(x, shares, "Used", lambda v: text.percent(v, 1), "accent", width=1.5) | {
        "fill": "tozeroy",
        "fillgradient": {
            "type": "vertical",
            "start": 0,
            "stop": 1,
            "colorscale": [[0, "@accent/0.04"], [1, "@accent/0.3"]],
        },
    }
    layout = _layout(yaxis=axis)
    layout["margin"]["r"] = 36
    if window:
        layout["xaxis"]["range"] = [epoch_ms(window[0]), epoch_ms(window[1])]
    if limit is not None:
        layout["shapes"] = [_limit_line(limit)]
        layout["annotations"] += _limit_words(limit)
    return {"data": [line], "layout": layout}


def pnl_bars(days: Sequence[datetime], pnl: Series, cumulative: Series) -> FigureDict:
    """Return P&L by day as bars under its running sum; `days` are the moments at which the trading days begin."""
    x = [epoch_ms(day) for day in days]
    known = [value for value in pnl if value is not None]
    summed = [value for value in cumulative if value is not None]
    bars: FigureDict = {
        "type": "bar",
        "x": x,
        "y": list(pnl),
        "yaxis": "y2",
        "name": "Day",
        "marker": {"color": ["@profit-4" if (value or 0) >= 0 else "@loss-4" for value in pnl], "cornerradius": 2},
        "text": [text.signed_money(value) for value in pnl],
        "textposition": "none",
        "hovertemplate": "%{text}<extra>Day</extra>",
    }
    line = _line(x, cumulative, "Cumulative", text.signed_money, "ink-2", width=1.25)
    line |= {"fill": "tozeroy", "fillcolor": "@ink-3/0.12"}
    last = summed[-1] if summed else None
    layout = _layout(
        yaxis=axes.profit_axis(summed, avoid=last) | {"domain": [0.58, 0.94]},
        annotations=[_caption("Cumulative", 0.96), _caption("By day", 0.46)],
    )
    layout["yaxis2"] = axes.profit_axis(known) | {"domain": [0, 0.46], "zeroline": True}
    layout["xaxis"]["anchor"] = "y2"
    if last is not None:
        layout["annotations"].append(_tag(last, text.compact(last, signed=True), "neutral"))
    return {"data": [line, bars], "layout": layout}


@dataclass(frozen=True, slots=True)
class Tile:
    """A position as a tile: its size |value|, its colour P&L over cost (a fraction), its words ready to read."""

    name: str
    value: float
    pnl_fraction: float | None
    lines: tuple[str, ...]
    hover: str


def positions_treemap(tiles: Sequence[Tile]) -> FigureDict:
    """Return positions as areas of |value| in seven steps of colour around 0, clipped at ±3 % of P&L."""
    total = sum(abs(tile.value) for tile in tiles) or 1.0
    trace = {
        "type": "treemap",
        "ids": [str(index) for index in range(len(tiles))],
        "labels": [tile.name for tile in tiles],
        "parents": [""] * len(tiles),
        "values": [abs(tile.value) for tile in tiles],
        "text": [_words(tile, abs(tile.value) / total) for tile in tiles],
        "customdata": [tile.hover for tile in tiles],
        "texttemplate": "%{text}",
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "colors": [_diverging(tile.pnl_fraction) for tile in tiles],
            "line": {"width": 2, "color": "@surface-panel"},
            "cornerradius": 4,
            "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        "textfont": {"size": 11, "color": "@ink"},
        "tiling": {"pad": 2},
        "pathbar": {"visible": False},
        "root": {"color": "@surface-panel"},
    }
    return {"data": [trace], "layout": {"margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "hovermode": "closest"}}


def _words(tile: Tile, share: float) -> str:
    # Plotly shrinks what does not fit: a small tile says its name only, and stays readable.
    lines = tile.lines if share > 0.1 else ()
    return "<br>".join((f"<b>{tile.name}</b>", *lines))


def _layout(*, yaxis: FigureDict, annotations: list[FigureDict] | None = None) -> FigureDict:
    return {
        "margin": {"l": 0, "r": _RIGHT, "t": 8, "b": 24},
        "xaxis": {
            "type": "date",
            "automargin": False,
            "tickangle": 0,
            "showline": False,
            "hoverformat": "%-d %b %H:%M:%S",
        },
        "yaxis": yaxis,
        "annotations": list(annotations or []),
        "hoversubplots": "axis",  # one tooltip for all plots above one time axis
        "uirevision": "keep",
    }


def _room(tags: Iterable[str]) -> int:
    widest = max((len(tag) - len("<b></b>") for tag in tags), default=0) * 6.7 + 14  # pixels: bold figures of 11
    return _RIGHT + _RIGHT_STEP * max(0, math.ceil((widest - _RIGHT) / _RIGHT_STEP))


def _line(x: Sequence[int], y: Series, name: str, write: Write, tone: str, *, width: float = 1.75) -> FigureDict:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(x),
        "y": list(y),
        "name": name,
        "line": {"color": f"@{tone}", "width": width},
        "text": [write(value) for value in y],
        "hovertemplate": f"%{{text}}<extra>{name}</extra>",
        "connectgaps": False,
    }


def _floor(x: Sequence[int], level: float) -> FigureDict:
    ends = [x[0], x[-1]] if x else []
    line = {"width": 0, "color": "@accent/0"}
    return {"type": "scatter", "mode": "lines", "x": ends, "y": [level] * len(ends), "line": line, "hoverinfo": "skip"}


def _mark(x: Sequence[int], y: Series, index: int, words: str, tone: str, *, above: bool) -> FigureDict:
    side = "left" if x[index] - x[0] > (x[-1] - x[0]) / 4 else "right"
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [x[index]],
        "y": [y[index]],
        "text": [words],
        "textposition": f"{'top' if above else 'bottom'} {side}",
        "textfont": {"size": 11, "color": "@ink-2"},
        "marker": {"size": 7, "color": "@surface-panel", "line": {"width": 1.5, "color": f"@{tone}"}},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }


def _tag(value: float, words: str, tone: str) -> FigureDict:
    fill, ink = ("@accent", "@on-accent") if tone == "accent" else ("@neutral-2", "@ink")
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "left",
        "xshift": 4,
        "yref": "y",
        "y": value,
        "text": f"<b>{words}</b>",
        "bgcolor": fill,
        "bordercolor": fill,
        "borderpad": 2,
        "font": {"size": 11, "color": ink},
        "showarrow": False,
    }


def _caption(words: str, y: float) -> FigureDict:
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": y, "yanchor": "bottom"}
    return place | {"text": words, "showarrow": False, "font": {"size": 11, "color": "@ink-3"}, "borderpad": 0}


def _limit_line(limit: float) -> FigureDict:
    place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": limit, "y1": limit}
    return place | {"line": {"color": "@warn-4", "width": 1.25, "dash": "4px,3px"}, "layer": "above"}


def _limit_words(limit: float) -> list[FigureDict]:
    shared = {"xref": "paper", "yref": "y", "y": limit, "showarrow": False, "borderpad": 0}
    ink = {"size": 11, "color": "@warn"}
    number = shared | {"x": 1, "xanchor": "left", "xshift": 4, "text": f"<b>{limit * 100:.0f}</b>", "font": ink}
    return [shared | {"x": 0, "xanchor": "left", "yanchor": "bottom", "text": " limit", "font": ink}, number]


def _extreme(values: Series, pick: Callable[..., float]) -> int | None:
    known = [(value, index) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:  # one point has no peak
        return None
    best = pick(value for value, _ in known)
    return next(index for value, index in known if value == best)


def _diverging(fraction: float | None) -> str:
    if fraction is None or not math.isfinite(fraction):
        return "@div-0"
    step = round(max(-1.0, min(1.0, fraction / _TREEMAP_CLIP)) * 3)
    return "@div-0" if step == 0 else f"@div-{'p' if step > 0 else 'n'}{abs(step)}"
