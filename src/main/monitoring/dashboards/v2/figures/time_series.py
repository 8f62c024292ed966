"""How does something go over time: one line over its gradient, equity above its drawdown, a share of capacity?"""

from collections.abc import Callable, Sequence
from datetime import datetime

from main import text
from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import (
    WHOLE,
    FigureDict,
    Series,
    Write,
    caption,
    epoch_ms,
    extreme,
    floor,
    limit_line,
    limit_words,
    line,
    mark,
    room,
    tag,
    time_layout,
)
from main.monitoring.dashboards.v2.figures.reach import reach, reached, spanned


def equity_and_drawdown(
    at: Sequence[datetime],
    equity: Series,
    drawdown: Series,
    *,
    growth: Series = (),
    decimals: int = 2,
    low: Series = (),
    high: Series = (),
) -> FigureDict:
    """Return equity over its drawdown (fractions ≤ 0) on one time axis, peak and deepest point marked and written.

    The peak is that of `growth`, which drawdown counts from: cash that is paid in or out makes none. Without growth it
    is that of equity.
    """
    x = [epoch_ms(moment) for moment in at]
    figure = area(
        at,
        equity,
        name="Equity",
        write=lambda v: text.money(v, decimals),
        ticks=axes.money_ticks,
        low=low,
        high=high,
    )
    layout, data = figure["layout"], figure["data"]
    peak, trough = extreme(growth or equity, max), extreme(drawdown, min)
    if peak is not None and equity[peak] is not None:
        data.append(mark(x, equity, peak, f"Peak {text.money(equity[peak], 0)}", "accent", above=True))
    under_water = line(x, drawdown, "Drawdown", text.percent, "loss", width=1.25)
    data.append(under_water | {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "@loss/0.22"} | WHOLE)
    deepest = min((value for value in drawdown if value is not None), default=0.0)
    if trough is not None and deepest < 0:
        data.append(mark(x, drawdown, trough, f"Max {text.percent(deepest)}", "loss", above=False) | {"yaxis": "y2"})
    layout["yaxis"]["domain"] = [0.33, 1]
    layout["yaxis2"] = axes.drawdown_axis(deepest) | {"domain": [0, 0.24]}
    layout["xaxis"]["anchor"] = "y2"
    layout["annotations"].append(caption("Drawdown", 0.25))
    return figure


def area(
    at: Sequence[datetime],
    values: Series,
    *,
    name: str,
    write: Write,
    ticks: Callable[[list[float]], list[str]],
    write_tag: Write | None = None,
    tone: str = "accent",
    low: Series = (),
    high: Series = (),
    count: int = 5,
) -> FigureDict:
    """Return one line over a fading fill, its last value as a tag on the axis; a gap in `values` stays a gap.

    `low` and `high` say how far it went around each point; `count` is how many ticks there is room for.
    """
    x = [epoch_ms(moment) for moment in at]
    known = [value for value in values if value is not None]
    bottom, top = _span(spanned(values, low, high))
    fade = {"type": "vertical", "colorscale": [[0, f"@{tone}/0"], [1, f"@{tone}/0.26"]]}
    # The fill ends at the plot's floor: to a zero far below it the gradient would show none of its fading.
    trace = line(x, values, name, write, tone) | {"fill": "tonexty", "fillgradient": fade}
    trace["text"] = reached(values, low, high, write)
    last = known[-1] if known else None
    written = write_tag or (lambda value: axes.money_tag(value or 0.0, top - bottom))
    annotations = [] if last is None else [tag(last, written(last), tone)]
    layout = time_layout(yaxis=axes.value_axis(bottom, top, ticks, avoid=last, count=count), annotations=annotations)
    layout["margin"]["r"] = room(each["text"] for each in annotations)
    if len(x) > 1:
        layout["xaxis"]["range"] = [x[0], x[-1]]  # the marks would make Plotly add room at the ends
    return {"data": [*reach(x, values, low, high, tone), floor(x, bottom), trace], "layout": layout}


def _span(known: Sequence[float]) -> tuple[float, float]:
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    # A flat line stands in the middle of a small range instead of filling the panel with noise.
    margin = (high - low) * 0.14 or abs(high) * 0.01 or 1.0
    return low - margin * 0.6, high + margin


def host_trend(
    at: Sequence[datetime],
    shares: Series,
    *,
    limit: float | None = None,
    window: tuple[datetime, datetime] | None = None,
    high: Series = (),
) -> FigureDict:
    """Return a share of capacity (fractions) on a fixed axis from 0 to 100 %, the limit as a dashed line.

    `high` says how far up it went around each point.
    """
    x = [epoch_ms(moment) for moment in at]
    ticks = [
        value for value in (0.0, 0.25, 0.5, 0.75, 1.0) if limit is None or abs(value - limit) > 0.09 or value == 1.0
    ]
    words = ["" if limit is not None and abs(value - limit) < 0.12 else f"{value * 100:.0f}" for value in ticks]
    axis = axes.axis(ticks, words) | {"range": [0, 1.02]}
    words = reached(shares, (), high, lambda value: text.percent(value, 1))
    trace = line(x, shares, "Used", lambda v: text.percent(v, 1), "accent", width=1.5) | {
        "text": words,
        "fill": "tozeroy",
        "fillgradient": {
            "type": "vertical",
            "start": 0,
            "stop": 1,
            "colorscale": [[0, "@accent/0.04"], [1, "@accent/0.3"]],
        },
    }
    layout = time_layout(yaxis=axis)
    layout["margin"]["r"] = 36
    if window:
        layout["xaxis"]["range"] = [epoch_ms(window[0]), epoch_ms(window[1])]
    if limit is not None:
        layout["shapes"] = [limit_line(limit)]
        layout["annotations"] += limit_words(limit)
    return {"data": [*reach(x, shares, (), high, "accent"), trace], "layout": layout}
