"""How many things of each gravity came when: bars over time, the grave ones at the bottom, one colour a gravity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict, epoch_ms, literal, time_layout


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of one gravity, one a bar; ``tone`` is its colour's token."""

    name: str
    counts: Sequence[int]
    tone: str


def event_bars(
    at: Sequence[datetime], width: timedelta, layers: Sequence[Counted], window: tuple[datetime, datetime]
) -> FigureDict:
    """Return stacked bars of the width, beginning at their moments, over the whole window; where it is quiet, none."""
    x = [epoch_ms(moment + width / 2) for moment in at]
    wide = width.total_seconds() * 1000
    traces: list[FigureDict] = [
        {
            "type": "bar",
            "x": x,
            "y": list(layer.counts),
            "width": wide * 0.84,
            "name": literal(layer.name),
            "marker": {"color": f"@{layer.tone}"},
            "text": [f"{count:,}" for count in layer.counts],
            "textposition": "none",
            "hovertemplate": f"%{{text}}<extra>{literal(layer.name)}</extra>",
        }
        for layer in layers
    ]
    highest = max((sum(counts) for counts in zip(*(layer.counts for layer in layers), strict=True)), default=0)
    top = max(4.0, highest * 1.08)
    layout = time_layout(yaxis=axes.value_axis(0.0, top, _written))
    layout |= {"barmode": "stack", "margin": layout["margin"] | {"r": 40}}
    layout["xaxis"]["range"] = [epoch_ms(window[0]), epoch_ms(window[1])]
    return {"data": traces, "layout": layout}


def _written(ticks: list[float]) -> list[str]:
    """Return counts: between two whole numbers there is none to be told."""
    return [f"{tick:,.0f}" if tick == round(tick) else "" for tick in ticks]
