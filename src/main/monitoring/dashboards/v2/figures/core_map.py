"""Which of many equals was busy when? A row each, time from left to right, the busier the brighter."""

from collections.abc import Sequence
from datetime import datetime

from main.monitoring.dashboards.v2.figures.parts import FigureDict, epoch_ms, literal, time_layout

_STEPS = 7
_FEW = 16  # rows that each have a name; of more every so many


def core_map(at: Sequence[datetime], shares: Sequence[Sequence[float | None]], *, noun: str = "core") -> FigureDict:
    """Return shares (fractions) as a map: `shares` moment by moment, each thing's in their order; `None` is no cell."""
    x = [epoch_ms(moment) for moment in at]
    count = max((len(row) for row in shares), default=0)
    columns = [
        [None if place >= len(row) or row[place] is None else round((row[place] or 0.0) * 100) for row in shares]
        for place in range(count)
    ]
    trace = {
        "type": "heatmap",
        "x": x,
        "y": list(range(count)),
        "z": columns,
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[step / (_STEPS - 1), f"@seq-{step + 1}"] for step in range(_STEPS)],
        "showscale": False,
        "ygap": 2 if count <= _FEW else 0,
        "hoverongaps": False,
        "hovertemplate": f"%{{z}}%<extra>{literal(noun)} %{{y}}</extra>",
    }
    every = max(1, -(-count // _FEW))
    ticks = list(range(0, count, every))
    axis = {"tickvals": ticks, "ticktext": [f"{tick}" for tick in ticks], "range": [count - 0.5, -0.5]}
    axis |= {"side": "right", "showgrid": False, "fixedrange": True, "automargin": False, "showspikes": False}
    layout = time_layout(yaxis=axis)
    layout["margin"]["r"] = 36
    layout["hovermode"] = "closest"
    layout.pop("hoversubplots", None)
    return {"data": [trace], "layout": layout}
