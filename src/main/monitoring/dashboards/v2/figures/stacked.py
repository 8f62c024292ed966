"""What is a whole made of, in the course of time: parts on top of each other, as areas or as bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, Write, epoch_ms, literal, time_layout

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class StackedPart:
    """One part, in the colour of its token; the first is at the bottom."""

    name: str
    values: Series
    tone: str


def stacked_areas(
    at: Sequence[datetime],
    parts: Sequence[StackedPart],
    *,
    write: Write,
    ticks: Callable[[list[float]], list[str]],
    high: float | None = None,
) -> FigureDict:
    """Return areas from zero; `high` is the end of the axis where that is known, such as all of the memory."""
    x = [epoch_ms(moment) for moment in at]
    top = high if high is not None else _highest(parts) * 1.1
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": x,
            "y": list(part.values),
            "name": literal(part.name),
            "stackgroup": "whole",
            "line": {"color": f"@{part.tone}", "width": 1},
            "fillcolor": f"@{part.tone}/0.4",
            "text": [write(value) for value in part.values],
            "hovertemplate": f"%{{text}}<extra>{literal(part.name)}</extra>",
        }
        for part in parts
    ]
    layout = time_layout(yaxis=axes.value_axis(0.0, top or 1.0, ticks, count=4))
    layout["margin"]["r"] = 52
    if len(x) > 1:
        layout["xaxis"]["range"] = [x[0], x[-1]]
    return {"data": traces, "layout": layout}


def stacked_bars(
    at: Sequence[datetime], parts: Sequence[StackedPart], *, noun: str, worst: tuple[int, str] | None = None
) -> FigureDict:
    """Return counts by hour as bars; `at` are the beginnings of the hours, `worst` the place of one and its words."""
    x = [epoch_ms(moment) + HOUR_MS // 2 for moment in at]
    totals = [sum(part.values[index] or 0.0 for part in parts) for index in range(len(x))]
    traces = [
        {
            "type": "bar",
            "x": x,
            "y": list(part.values),
            "width": HOUR_MS * 0.7,
            "name": literal(part.name),
            "marker": {"color": f"@{part.tone}", "cornerradius": 1},
            "text": [f"{value:,.0f} {noun}" for value in part.values],
            "textposition": "none",
            "hovertemplate": f"%{{text}}<extra>{literal(part.name)}</extra>",
        }
        for part in parts
    ]
    layout = time_layout(yaxis=axes.value_axis(0.0, max([4.0, *totals]) * 1.15, _counts, count=4))
    layout |= {"barmode": "stack"}
    layout["margin"]["r"] = 40
    if x:
        layout["xaxis"]["range"] = [x[0] - HOUR_MS // 2, x[-1] + HOUR_MS // 2]
    if worst is not None:
        layout["annotations"] = [_said(x, totals, *worst)]
    return {"data": traces, "layout": layout}


def _said(x: Sequence[int], totals: Sequence[float], index: int, words: str) -> FigureDict:
    """Return the words above a bar, to the side where there is room, and above all that stands there."""
    left = index >= len(x) / 2
    place = {"x": x[index], "y": max(totals), "yanchor": "bottom", "yshift": 4}
    place |= {"xanchor": "right" if left else "left", "xshift": 6 if left else -6}
    return place | {"text": literal(words), "showarrow": False, "font": {"size": 11, "color": "@ink-2"}, "borderpad": 0}


def _highest(parts: Sequence[StackedPart]) -> float:
    return max(
        (sum(value or 0.0 for value in column) for column in zip(*(p.values for p in parts), strict=True)), default=0.0
    )


def _counts(ticks: list[float]) -> list[str]:
    return [f"{tick:,.0f}" if tick == int(tick) else "" for tick in ticks]
