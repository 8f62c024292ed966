"""Which days won and which lost: P&L as bars from zero under its running sum."""

from collections.abc import Sequence
from datetime import datetime

from main import text
from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, caption, epoch_ms, line, tag, time_layout


def pnl_bars(days: Sequence[datetime], pnl: Series, cumulative: Series, *, period: str = "day") -> FigureDict:
    """Return P&L by day, or another `period`, as bars under its running sum; `days` are moments at which they begin."""
    x = [epoch_ms(day) for day in days]
    known = [value for value in pnl if value is not None]
    summed = [value for value in cumulative if value is not None]
    bars: FigureDict = {
        "type": "bar",
        "x": x,
        "y": list(pnl),
        "yaxis": "y2",
        "name": period.capitalize(),
        "marker": {"color": ["@profit-4" if (value or 0) >= 0 else "@loss-4" for value in pnl], "cornerradius": 2},
        "text": [text.signed_money(value) for value in pnl],
        "textposition": "none",
        "hovertemplate": f"%{{text}}<extra>{period.capitalize()}</extra>",
    }
    running = line(x, cumulative, "Cumulative", text.signed_money, "ink-2", width=1.25)
    running |= {"fill": "tozeroy", "fillcolor": "@ink-3/0.12"}
    last = summed[-1] if summed else None
    layout = time_layout(
        yaxis=axes.profit_axis(summed, avoid=last) | {"domain": [0.58, 0.94]},
        annotations=[caption("Cumulative", 0.96), caption(f"By {period}", 0.46)],
    )
    layout["yaxis2"] = axes.profit_axis(known) | {"domain": [0, 0.46], "zeroline": True}
    layout["xaxis"]["anchor"] = "y2"
    if last is not None:
        layout["annotations"].append(tag(last, text.compact(last, signed=True), "neutral"))
    return {"data": [running, bars], "layout": layout}
