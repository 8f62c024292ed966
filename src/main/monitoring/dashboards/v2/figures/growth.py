"""How did the accounts grow beside what they are compared with: two lines, and their distance below them?"""

from collections.abc import Sequence
from datetime import datetime

from main import text
from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import (
    FigureDict,
    Series,
    caption,
    epoch_ms,
    line,
    room,
    tag,
    time_layout,
)

_APART = 0.09  # of the axis: tags nearer than this cover each other


def growth_against(
    at: Sequence[datetime], own: Series, benchmark: Series, excess: Series, *, name: str, benchmark_name: str
) -> FigureDict:
    """Return the returns of both since the first point over their difference; all are fractions, 0 at the beginning."""
    x = [epoch_ms(moment) for moment in at]
    known = [value for value in (*own, *benchmark) if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    margin = (high - low) * 0.1 or 0.01
    low, high = low - margin, high + margin
    ends = [(values[-1], tone) for values, tone in ((own, "accent"), (benchmark, "neutral")) if values]
    tags = [tag(place, _short(value), tone) for place, value, tone in _apart(ends, (high - low) * _APART)]
    layout = time_layout(yaxis=_axis(low, high, [each["y"] for each in tags]), annotations=tags)
    layout["yaxis"] |= {"domain": [0.32, 1]}
    layout["yaxis2"] = _excess_axis(excess) | {"domain": [0, 0.22], "zeroline": True}
    layout["xaxis"]["anchor"] = "y2"
    layout["margin"]["r"] = room(each["text"] for each in tags)
    layout["annotations"].append(caption(f"Excess return, {name} minus {benchmark_name}", 0.235))
    if len(x) > 1:
        layout["xaxis"]["range"] = [x[0], x[-1]]
    dashed = line(x, benchmark, benchmark_name, _signed, "benchmark", width=1.25)
    dashed["line"]["dash"] = "4px,3px"
    return {"data": [dashed, line(x, own, name, _signed, "accent"), *_distance(x, excess)], "layout": layout}


def _distance(x: Sequence[int], excess: Series) -> list[FigureDict]:
    """Return the area ahead of the benchmark and the one behind it; the tooltip is of the first alone."""
    ahead = [None if value is None else max(value, 0.0) for value in excess]
    behind = [None if value is None else min(value, 0.0) for value in excess]
    parts = []
    for values, tone in ((ahead, "profit"), (behind, "loss")):
        part = line(x, values, "Excess", text.percentage_points, tone, width=1.0)
        parts.append(part | {"yaxis": "y2", "fill": "tozeroy", "fillcolor": f"@{tone}/0.22"})
    parts[0]["text"] = [text.percentage_points(value) for value in excess]
    parts[1] |= {"hoverinfo": "skip", "hovertemplate": None}
    return parts


def _apart(ends: Sequence[tuple[float | None, str]], least: float) -> list[tuple[float, float, str]]:
    placed: list[tuple[float, float, str]] = []
    for value, tone in sorted((value, tone) for value, tone in ends if value is not None):
        place = max(value, placed[-1][0] + least) if placed else value
        placed.append((place, value, tone))
    return placed


def _axis(low: float, high: float, tags: Sequence[float]) -> FigureDict:
    ticks = axes.nice_ticks(low, high)
    clear = [tick for tick in ticks if all(abs(tick - place) > (high - low) * 0.06 for place in tags)]
    return axes.axis(clear, _words(clear)) | {"range": [low, high]}


def _excess_axis(excess: Series) -> FigureDict:
    known = [value for value in excess if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    margin = (high - low) * 0.12 or 0.01
    return axes.value_axis(
        low - (margin if low < 0 else 0), high + (margin if high > 0 or not low else 0), _words, count=3
    )


def _words(ticks: Sequence[float]) -> list[str]:
    return axes.percent_ticks(ticks, signed=True)


def _signed(value: float | None) -> str:
    return text.percent(value, signed=True)


def _short(value: float) -> str:
    return text.percent(value, 1, signed=True)
