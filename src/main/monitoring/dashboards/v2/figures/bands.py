"""Is a value where it usually is: a stepped line over the band in which most of it lies, its median dotted?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.candles import price_ticks
from main.monitoring.dashboards.v2.figures.parts import (
    FigureDict,
    Series,
    Write,
    epoch_ms,
    line,
    room,
    tag,
    time_layout,
)
from main.monitoring.dashboards.v2.figures.reach import reach, reached, spanned


@dataclass(frozen=True, slots=True)
class Usual:
    """Between which values most lie, what the middle one is, and how that is called."""

    low: float
    median: float
    high: float
    words: str


def banded(
    at: Sequence[datetime],
    values: Series,
    usual: Usual | None,
    *,
    name: str,
    write: Write,
    low: Series = (),
    high: Series = (),
) -> FigureDict:
    """Return steps with the last value as a tag; a gap in `values` stays a gap, the axis begins at zero or below.

    `low` and `high` say how far it went around each point.
    """
    x = [epoch_ms(moment) for moment in at]
    known = [value for value in values if value is not None]
    span = [0.0, *spanned(values, low, high), *([usual.high] if usual else [])]
    bottom, top = min(span), max(span)
    top += (top - bottom) * 0.12 or 1.0
    last = known[-1] if known else None
    axis = axes.value_axis(bottom, top, price_ticks, avoid=last, count=4)
    layout = time_layout(yaxis=axis, annotations=[] if last is None else [tag(last, write(last), "accent")])
    layout["margin"]["t"] = 20
    layout["margin"]["r"] = room([*axis["ticktext"], *(each["text"] for each in layout["annotations"])])
    if len(x) > 1:
        layout["xaxis"]["range"] = [x[0], x[-1]]
    if usual is not None:
        layout["shapes"] = [_band(usual), _median(usual)]
        layout["annotations"].append(_words(usual))
    trace = line(x, values, name, write, "accent", width=1.5)
    trace["line"]["shape"] = "hv"
    trace["text"] = reached(values, low, high, write)
    return {"data": [*reach(x, values, low, high, "accent", steps=True), trace], "layout": layout}


def _band(usual: Usual) -> FigureDict:
    place = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": usual.low, "y1": usual.high}
    return place | {"fillcolor": "@accent-4/0.12", "line": {"width": 0}, "layer": "below"}


def _median(usual: Usual) -> FigureDict:
    place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": usual.median, "y1": usual.median}
    return place | {"line": {"color": "@accent-4", "width": 1, "dash": "2px,3px"}, "layer": "below"}


def _words(usual: Usual) -> FigureDict:
    # Above the plot: anywhere inside it the line may pass.
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom"}
    return place | {
        "text": usual.words,
        "font": {"size": 11, "color": "@ink-2"},
        "showarrow": False,
        "borderpad": 0,
    }
