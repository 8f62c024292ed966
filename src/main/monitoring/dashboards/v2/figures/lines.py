"""How do several things compare over time: up to four lines, labelled where they end, over levels that matter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, Write, epoch_ms, line, room, time_layout

_LABELLED = 3
"""With more lines than this their labels would cover each other: a legend names them."""
_APART = 0.075  # of the axis: labels nearer than this cover each other at the smallest chart height


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: its colour's token, and ``fill`` the opacity of the area down to zero (0: none).

    ``at`` are its own moments, where they are not those of all.
    """

    name: str
    values: Series
    tone: str
    dashed: bool = False
    width: float = 1.75
    fill: float = 0.0
    steps: bool = False
    at: Sequence[datetime] | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A value that the lines are read against, such as a limit or zero; the words stand at its left end."""

    value: float
    words: str = ""
    tone: str = "ink-3"
    solid: bool = False


def lines(
    at: Sequence[datetime],
    curves: Sequence[Curve],
    *,
    write: Write,
    ticks: Callable[[list[float]], list[str]],
    levels: Sequence[Level] = (),
    zero: bool = False,
    low: float | None = None,
    high: float | None = None,
    legend: bool = False,
) -> FigureDict:
    """Return curves over one time axis; each ends in its last value, in its colour.

    The axis spans the values and the levels, and zero where `zero` asks for it; `low` and `high` fix its ends. From
    four curves on there is a legend; `legend` asks for it with fewer, for names that the header does not say.
    """
    x = [epoch_ms(moment) for moment in at]
    known = [value for curve in curves for value in curve.values if value is not None]
    known += [level.value for level in levels] + ([0.0] if zero else [])
    bottom, top = _span(known, low, high)
    ends = _ends(curves, bottom, top)
    layout = time_layout(yaxis=axes.value_axis(bottom, top, ticks), annotations=[])
    layout["yaxis"] |= _clear_of(layout["yaxis"], [place for place, _ in ends.values()], top - bottom)
    layout["annotations"] = [_label(curve.tone, write(value), place) for curve, (place, value) in _paired(curves, ends)]
    layout["margin"]["r"] = room(each["text"] for each in layout["annotations"])
    layout["shapes"] = [_level(level) for level in levels] + ([_level(Level(0.0, solid=True))] if zero else [])
    layout["annotations"] += [_words(level) for level in levels if level.words]
    traces = [
        _trace(x if curve.at is None else [epoch_ms(moment) for moment in curve.at], curve, write) for curve in curves
    ]
    ends_at = [trace["x"][place] for trace in traces if trace["x"] for place in (0, -1)]
    if ends_at and min(ends_at) < max(ends_at):
        layout["xaxis"]["range"] = [min(ends_at), max(ends_at)]
    if legend or len(curves) > _LABELLED:
        layout |= {"showlegend": True, "margin": layout["margin"] | {"t": 24}}
    return {"data": traces, "layout": layout}


def _span(known: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    least, most = (min(known), max(known)) if known else (0.0, 1.0)
    margin = (most - least) * 0.1 or abs(most) * 0.01 or 1.0
    return (least - margin if low is None else low), (most + margin if high is None else high)


def _ends(curves: Sequence[Curve], low: float, high: float) -> dict[str, tuple[float, float]]:
    """Return where each curve's label stands and what it says: moved apart where they would cover each other."""
    last = {c.name: next((v for v in reversed(c.values) if v is not None), None) for c in curves}
    known = sorted((value, name) for name, value in last.items() if value is not None)
    placed: dict[str, tuple[float, float]] = {}
    apart, above = (high - low) * _APART, low - (high - low)
    for value, name in known:
        above = max(value, above + apart)
        placed[name] = (above, value)
    return placed


def _paired(curves: Sequence[Curve], ends: dict[str, tuple[float, float]]) -> list[tuple[Curve, tuple[float, float]]]:
    return [(curve, ends[curve.name]) for curve in curves if curve.name in ends]


def _clear_of(axis: FigureDict, places: Sequence[float], span: float) -> FigureDict:
    """Return the axis' ticks without those that a label would cover."""
    pairs = zip(axis["tickvals"], axis["ticktext"], strict=True)
    clear = [(tick, words) for tick, words in pairs if all(abs(tick - place) > span * _APART for place in places)]
    return {"tickvals": [tick for tick, _ in clear], "ticktext": [words for _, words in clear]}


def _trace(x: Sequence[int], curve: Curve, write: Write) -> FigureDict:
    trace = line(x, curve.values, curve.name, write, curve.tone, width=curve.width)
    if curve.dashed:
        trace["line"]["dash"] = "4px,3px"
    if curve.steps:
        trace["line"]["shape"] = "hv"
    if curve.fill:
        trace |= {"fill": "tozeroy", "fillcolor": f"@{curve.tone}/{curve.fill:g}"}
    return trace


def _label(tone: str, words: str, place: float) -> FigureDict:
    at = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 4, "yref": "y", "y": place}
    return at | {
        "text": f"<b>{words}</b>",
        "font": {"size": 11, "color": f"@{tone}"},
        "showarrow": False,
        "borderpad": 0,
    }


def _level(level: Level) -> FigureDict:
    place = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": level.value, "y1": level.value}
    style = {"color": f"@{level.tone}" if not level.solid else "@zero-line", "width": 1}
    return place | {"line": style if level.solid else style | {"dash": "4px,3px"}, "layer": "below"}


def _words(level: Level) -> FigureDict:
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "y", "y": level.value, "yanchor": "bottom"}
    return place | {
        "text": f" {level.words}",
        "font": {"size": 11, "color": f"@{level.tone}"},
        "showarrow": False,
        "borderpad": 0,
    }
