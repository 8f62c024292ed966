"""How did a few things of one kind run, from zero up? Lines that the panel's legend names."""

from collections.abc import Callable, Sequence
from datetime import datetime

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.lines import Curve
from main.monitoring.dashboards.v2.figures.parts import GROUND, FigureDict, Write, epoch_ms, line, time_layout
from main.monitoring.dashboards.v2.figures.reach import reach, spanned


def courses(
    at: Sequence[datetime],
    curves: Sequence[Curve],
    *,
    write: Write,
    ticks: Callable[[list[float]], list[str]],
    limit: tuple[float, str] | None = None,
    behind: Curve | None = None,
) -> FigureDict:
    """Return lines from zero over time; `limit` is a value that they are read against, with its word.

    `behind` is shown only by how far it went around its points.
    """
    x = [epoch_ms(moment) for moment in at]
    known = [value for curve in curves for value in curve.values if value is not None]
    known += spanned(behind.low, behind.high) if behind else []
    top = max([*known, *([limit[0]] if limit else [])], default=0.0) * 1.12 or 1.0
    layout = time_layout(yaxis=axes.value_axis(0.0, top, ticks, count=3))
    layout["margin"]["r"] = 52
    if len(x) > 1:
        layout["xaxis"]["range"] = [x[0], x[-1]]
    if limit:
        place = {"xref": "paper", "yref": "y"}
        stroke = {"color": "@warn-4", "width": 1, "dash": "4px,3px"}
        layout["shapes"] = [place | {"type": "line", "x0": 0, "x1": 1, "y0": limit[0], "y1": limit[0], "line": stroke}]
        words = {"text": f" {limit[1]}", "font": {"size": 11, "color": "@warn"}, "showarrow": False} | GROUND
        layout["annotations"] = [place | {"x": 0, "xanchor": "left", "y": limit[0], "yanchor": "bottom"} | words]
    band = _band(x, behind) if behind else []
    return {"data": [*band, *(_trace(x, curve, write) for curve in curves)], "layout": layout}


def _band(x: Sequence[int], curve: Curve) -> list[FigureDict]:
    own = x if curve.at is None else [epoch_ms(moment) for moment in curve.at]
    return reach(own, curve.values, curve.low, curve.high, curve.tone)


def _trace(x: Sequence[int], curve: Curve, write: Write) -> FigureDict:
    trace = line(x, curve.values, curve.name, write, curve.tone, width=curve.width)
    return trace | ({"fill": "tozeroy", "fillcolor": f"@{curve.tone}/{curve.fill:g}"} if curve.fill else {})
