"""What charts are made of: a time axis, a line, a tag on the axis, a mark; plain data without a template."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

FigureDict = dict[str, Any]
Write = Callable[[float | None], str]
Series = Sequence[float | None]

_RIGHT = 60  # room for the value axis, in steps: almost nothing moves it when a tick becomes wider
_RIGHT_STEP = 16


GROUND = {"bgcolor": "@surface-panel/0.85", "borderpad": 1}
"""Under words inside a plot: lines pass behind them, not through them."""
TAG = {"name": "last"}
"""Of what stands on the axis for the end of a line: a zoom that does not show the end leaves it out."""
WHOLE = {"meta": "whole"}
"""Of a trace that tells of the whole range: finer points of a zoom are not for it."""


def literal(said: str) -> str:
    """Return a text for Plotly to show as it is: it would make a link of ``<a href…>``. A ``<br>`` goes on to break."""
    escaped = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("&lt;br&gt;", "<br>")


def epoch_ms(at: datetime) -> int:
    """Return an aware moment as the charts' time."""
    return round(at.timestamp() * 1000)


def time_layout(*, yaxis: FigureDict, annotations: list[FigureDict] | None = None) -> FigureDict:
    """Return a layout over a time axis, one tooltip for all plots above it."""
    return {
        "margin": {"l": 0, "r": _RIGHT, "t": 8, "b": 24},
        "xaxis": {
            "type": "date",
            "automargin": False,
            "tickangle": 0,
            "ticklabeloverflow": "hide past domain",  # the value axis' lowest tick stands beside it
            "showline": False,
            "hoverformat": "%-d %b %H:%M:%S",
        },
        "yaxis": yaxis,
        "annotations": list(annotations or []),
        "hoversubplots": "axis",  # one tooltip for all plots above one time axis
        "uirevision": "keep",
    }


def room(tags: Iterable[str]) -> int:
    """Return the pixels that the widest of these tags needs at the right."""
    lines = (line for tag in tags for line in tag.replace("<b>", "").replace("</b>", "").split("<br>"))
    widest = max((len(line) for line in lines), default=0) * 6.7 + 14  # pixels: bold figures of 11
    return _RIGHT + _RIGHT_STEP * max(0, math.ceil((widest - _RIGHT) / _RIGHT_STEP))


def line(x: Sequence[int], y: Series, name: str, write: Write, tone: str, *, width: float = 1.75) -> FigureDict:
    """Return one line in the colour `tone`; a gap in `y` stays a gap."""
    alone = sum(value is not None for value in y) == 1  # nothing to draw a line to
    return {
        "type": "scatter",
        "mode": "markers" if alone else "lines",
        "x": list(x),
        "y": list(y),
        "name": literal(name),
        "line": {"color": f"@{tone}", "width": width},
        **({"marker": {"color": f"@{tone}", "size": 6}} if alone else {}),
        "text": [write(value) for value in y],
        "hovertemplate": f"%{{text}}<extra>{literal(name)}</extra>",
        "connectgaps": False,
    }


def floor(x: Sequence[int], level: float) -> FigureDict:
    """Return the invisible line that a fill ends at."""
    ends = [x[0], x[-1]] if x else []
    line = {"width": 0, "color": "@accent/0"}
    trace = {"type": "scatter", "mode": "lines", "x": ends, "y": [level] * len(ends), "line": line, "hoverinfo": "skip"}
    return trace | WHOLE


def mark(x: Sequence[int], y: Series, index: int, words: str, tone: str, *, above: bool) -> FigureDict:
    """Return a marked and labelled point."""
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
        **WHOLE,
    }


def tag(value: float, words: str, tone: str) -> FigureDict:
    """Return the last value as a tag on the value axis."""
    fill, ink = ("@accent", "@on-accent") if tone == "accent" else ("@neutral-2", "@ink")
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "left",
        "xshift": 6,
        "yref": "y",
        "y": value,
        "text": f"<b>{words}</b>",
        "bgcolor": fill,
        "bordercolor": fill,
        "borderpad": 2,
        "font": {"size": 11, "color": ink},
        "showarrow": False,
        **TAG,
    }


def caption(words: str, y: float) -> FigureDict:
    """Return the small title of one plot of several; `y` is its place in the figure, 0 to 1."""
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": y, "yanchor": "bottom"}
    return place | {"text": words, "showarrow": False, "font": {"size": 11, "color": "@ink-3"}, "borderpad": 0}


def limit_line(limit: float) -> FigureDict:
    """Return a limit on machines as a dashed amber line."""
    place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": limit, "y1": limit}
    return place | {"line": {"color": "@warn-4", "width": 1.25, "dash": "4px,3px"}, "layer": "above"}


def limit_words(limit: float) -> list[FigureDict]:
    """Return what is written beside a limit, a fraction."""
    shared = {"xref": "paper", "yref": "y", "y": limit, "showarrow": False, "borderpad": 0}
    ink = {"size": 11, "color": "@warn"}
    number = shared | {"x": 1, "xanchor": "left", "xshift": 4, "text": f"<b>{limit * 100:.0f}</b>", "font": ink}
    return [shared | GROUND | {"x": 0, "xanchor": "left", "yanchor": "bottom", "text": " limit", "font": ink}, number]


def extreme(values: Series, pick: Callable[..., float]) -> int | None:
    """Return the index of the extreme that `pick` chooses; ``None`` with fewer than two values."""
    known = [(value, index) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:  # one point has no peak
        return None
    best = pick(value for value, _ in known)
    return next(index for value, index in known if value == best)
