"""Where did cash come from outside or go there, so that a curve of money steps without anything having been earned?"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, epoch_ms, literal

_NAMED = 4
"""So many marks have room for their words beside them; of more the tooltip tells."""


@dataclass(frozen=True, slots=True)
class FlowMark:
    """Cash that moved at one moment: `words` stand beside the mark, `hover` tells of each flow."""

    at: datetime
    came: bool
    words: str
    hover: str


def flow_marks(at: Sequence[datetime], values: Series, flows: Sequence[FlowMark]) -> list[FigureDict]:
    """Return the marks on the curve of `values`, each where that stood before; none outside the curve."""
    told = [flow for flow in sorted(flows, key=lambda each: each.at) if at and at[0] <= flow.at <= at[-1]]
    placed = [(flow, values[max(bisect_left(at, flow.at) - 1, 0)]) for flow in told]
    known = [(flow, value) for flow, value in placed if value is not None]
    if not known:
        return []
    marks = {
        "type": "scatter",
        "mode": "markers+text" if len(known) <= _NAMED else "markers",
        "x": [epoch_ms(flow.at) for flow, _ in known],
        "y": [value for _, value in known],
        "name": "",
        "text": [literal(flow.words) for flow, _ in known],
        "textposition": "middle right",
        "textfont": {"size": 11, "color": "@ink-2"},
        "customdata": [literal(flow.hover) for flow, _ in known],
        "hovertemplate": "%{customdata}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "symbol": ["triangle-up" if flow.came else "triangle-down" for flow, _ in known],
            "size": 9,
            "color": "@ink-2",
            "line": {"width": 1, "color": "@surface-panel"},
        },
    }
    return [marks]
