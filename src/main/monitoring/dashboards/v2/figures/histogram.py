"""How often does what happen: counted between edges, losses and gains in their colours, the middle marked."""

from collections.abc import Callable, Sequence

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    write: Callable[[float], str],
    noun: str,
    median: float | None = None,
    money: bool = True,
    overlay: Sequence[float] | None = None,
) -> FigureDict:
    """Return counts between `edges` (one more than there are counts) as bars.

    `noun` is what is counted, in the plural. With `money`, what lies below zero is a loss and above it a gain.
    `overlay`, one value a bar, is a line to compare with, such as a normal distribution's.
    """
    lows, highs = list(edges[:-1]), list(edges[1:])
    middles = [(low + high) / 2 for low, high in zip(lows, highs, strict=True)]
    bars = {
        "type": "bar",
        "x": middles,
        "y": list(counts),
        "width": [(high - low) * 0.9 for low, high in zip(lows, highs, strict=True)],
        "customdata": [
            f"{write(low)} to {write(high)}: {count:,} {noun}"
            for low, high, count in zip(lows, highs, counts, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": [_tone(middle) if money else "@accent" for middle in middles], "cornerradius": 2},
    }
    top = max([1.0, *counts, *(overlay or ())]) * 1.12
    ticks = axes.nice_ticks(edges[0], edges[-1], 6)
    layout = {
        "margin": {"l": 0, "r": 36, "t": 8, "b": 24},
        "hovermode": "closest",
        "xaxis": axes.axis(ticks, [write(tick) for tick in ticks])
        | {"side": "bottom", "range": [edges[0], edges[-1]], "showspikes": False, "tickangle": 0},
        "yaxis": axes.value_axis(0.0, top, lambda values: [f"{value:,.0f}" for value in values], count=4),
        "annotations": [] if median is None else [_median_words(median, write)],
        "shapes": [] if median is None else [_median_line(median)],
        "uirevision": "keep",
    }
    return {"data": [bars, *([_line(middles, overlay)] if overlay else [])], "layout": layout}


def _tone(middle: float) -> str:
    return "@profit-4" if middle > 0 else "@loss-4" if middle < 0 else "@neutral-4"


def _line(x: Sequence[float], y: Sequence[float]) -> FigureDict:
    line = {"color": "@ink-3", "width": 1.25, "shape": "spline"}
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "line": line, "hoverinfo": "skip"}


def _median_line(median: float) -> FigureDict:
    place = {"type": "line", "xref": "x", "x0": median, "x1": median, "yref": "paper", "y0": 0, "y1": 1}
    return place | {"line": {"color": "@ink-3", "width": 1, "dash": "4px,3px"}}


def _median_words(median: float, write: Callable[[float], str]) -> FigureDict:
    place = {"xref": "x", "x": median, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "top"}
    words = {"text": f" median {write(median)}", "font": {"size": 11, "color": "@ink-3"}}
    return place | words | {"showarrow": False, "borderpad": 0}
