"""How do several things compare over time: lines that are named where they end, over levels that matter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import (
    GROUND,
    TAG,
    FigureDict,
    Series,
    Write,
    epoch_ms,
    line,
    literal,
    room,
    time_layout,
)
from main.monitoring.dashboards.v2.figures.reach import reach, reached, spanned

_NAMED = 3
"""With more lines than this their names would cover each other: a legend has them."""
_APART = 0.075  # of the axis: labels nearer than this cover each other at the smallest chart height
_APART_NAMED = 0.14  # of the axis: a name and its value are two lines
_UNDER = 0.12  # of the axis: the words of a level need this much below the next one
_LONGEST = 14  # letters of a name


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: its colour's token, and ``fill`` the opacity of the area down to zero (0: none).

    ``at`` are its own moments, where they are not those of all. ``low`` and ``high`` say how far it went around each
    point.
    """

    name: str
    values: Series
    tone: str
    dashed: bool = False
    width: float = 1.75
    fill: float = 0.0
    steps: bool = False
    at: Sequence[datetime] | None = None
    low: Series = ()
    high: Series = ()


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
) -> FigureDict:
    """Return curves over one time axis; each ends in its last value, in its colour, several under their names.

    The axis spans the values and the levels, and zero where `zero` asks for it; `low` and `high` fix its ends. From
    four curves on a legend has the names.
    """
    x = [epoch_ms(moment) for moment in at]
    known = [value for curve in curves for value in spanned(curve.values, curve.low, curve.high)]
    known += [level.value for level in levels] + ([0.0] if zero else [])
    bottom, top = _span(known, low, high)
    named = 1 < len(curves) <= _NAMED
    apart = (top - bottom) * (_APART_NAMED if named else _APART)
    ends = _ends(curves, apart, top - apart / 2 if named else top)
    layout = time_layout(yaxis=axes.value_axis(bottom, top, ticks), annotations=[])
    layout["yaxis"] |= _clear_of(layout["yaxis"], [place for _, place, _ in ends], apart * 0.75 if named else apart)
    names = _shortened([curve.name for curve in curves])
    labels = [(f"{names[c.name]}<br>" if named else "", c, place, value) for c, place, value in ends]
    layout["annotations"] = [_label(name, c.tone, write(value), place) for name, c, place, value in labels]
    layout["margin"]["r"] = room(each["text"] for each in layout["annotations"])
    layout["shapes"] = [_level(level) for level in levels] + ([_level(Level(0.0, solid=True))] if zero else [])
    layout["annotations"] += [_words(level) for level in _readable(levels, (top - bottom) * _UNDER)]
    traces = [
        _trace(x if curve.at is None else [epoch_ms(moment) for moment in curve.at], curve, write) for curve in curves
    ]
    ends_at = [trace["x"][place] for trace in traces if trace["x"] for place in (0, -1)]
    if ends_at and min(ends_at) < max(ends_at):
        layout["xaxis"]["range"] = [min(ends_at), max(ends_at)]
    if len(curves) > _NAMED:
        layout |= {"showlegend": True, "margin": layout["margin"] | {"t": 24}}
    return {"data": [*_bands(curves, traces), *traces], "layout": layout}


def _bands(curves: Sequence[Curve], traces: Sequence[FigureDict]) -> list[FigureDict]:
    return [
        edge
        for curve, trace in zip(curves, traces, strict=True)
        for edge in reach(trace["x"], curve.values, curve.low, curve.high, curve.tone, steps=curve.steps)
    ]


def _span(known: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    least, most = (min(known), max(known)) if known else (0.0, 1.0)
    margin = (most - least) * 0.1 or abs(most) * 0.01 or 1.0
    return (least - margin if low is None else low), (most + margin if high is None else high)


def _ends(curves: Sequence[Curve], apart: float, top: float) -> list[tuple[Curve, float, float]]:
    """Return each curve with the place of its label and its last value: moved apart where they would cover each other.

    They are moved up from the lowest, and down again as far as the highest would leave the plot.
    """
    last = [(curve, next((v for v in reversed(curve.values) if v is not None), None)) for curve in curves]
    known = sorted(((value, curve) for curve, value in last if value is not None), key=lambda end: end[0])
    places: list[float] = []
    for value, _ in known:
        places.append(value if not places else max(value, places[-1] + apart))
    limit = top
    for at in reversed(range(len(places))):
        places[at] = min(places[at], limit)
        limit = places[at] - apart
    return [(curve, place, value) for (value, curve), place in zip(known, places, strict=True)]


def _clear_of(axis: FigureDict, places: Sequence[float], apart: float) -> FigureDict:
    """Return the axis' ticks without those that a label would cover."""
    pairs = zip(axis["tickvals"], axis["ticktext"], strict=True)
    clear = [(tick, words) for tick, words in pairs if all(abs(tick - place) > apart for place in places)]
    return {"tickvals": [tick for tick, _ in clear], "ticktext": [words for _, words in clear]}


def _trace(x: Sequence[int], curve: Curve, write: Write) -> FigureDict:
    trace = line(x, curve.values, curve.name, write, curve.tone, width=curve.width)
    trace["text"] = reached(curve.values, curve.low, curve.high, write)
    if curve.dashed:
        trace["line"]["dash"] = "4px,3px"
    if curve.steps:
        trace["line"]["shape"] = "hv"
    if curve.fill:
        trace |= {"fill": "tozeroy", "fillcolor": f"@{curve.tone}/{curve.fill:g}"}
    return trace


def _label(name: str, tone: str, words: str, place: float) -> FigureDict:
    at = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 6, "yref": "y", "y": place}
    return at | {
        "text": f"{name}<b>{words}</b>",
        "align": "left",
        "font": {"size": 11, "color": f"@{tone}"},
        "showarrow": False,
        "borderpad": 0,
        **TAG,
    }


def _shortened(names: Sequence[str]) -> dict[str, str]:
    """Return names that have room beside the chart: cut at the end, or in the middle where another begins alike."""
    alike = {n for n in names if any(other != n and n.startswith(other[: _LONGEST - 1]) for other in names)}
    return {name: literal(_cut(name, middle=name in alike)) for name in names}


def _cut(name: str, *, middle: bool) -> str:
    if len(name) <= _LONGEST:
        return name
    half = _LONGEST // 2
    return f"{name[: half - 1]}…{name[-half:]}" if middle else f"{name[: _LONGEST - 1]}…"


def _readable(levels: Sequence[Level], least: float) -> list[Level]:
    """Return the levels whose words the next one above does not run through."""
    spoken = [level for level in levels if level.words]
    return [each for each in spoken if all(not 0 < above.value - each.value <= least for above in levels)]


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
        **GROUND,
    }
