"""Daily P&L: each of the last trading days as a bar, under their running sum."""

from collections.abc import Sequence

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import bots, daily_pnl
from main.monitoring.reads.daily_pnl import DayPnl


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    days = _shown(answers[daily_pnl.READ].value or [])
    if len(days) == 1:
        reason = "Its figure stands in Cumulative P&L. Bars begin with the second trading day."
        return components.empty("This is the first trading day", reason, icon_name="chart-column")
    if not days:
        return reasons.nothing(
            answers, scope, "No trading day yet", "its first trading day has no equity yet.", icon_name="chart-column"
        )
    pnl = [None if day.pnl is None else float(day.pnl) for day in days]
    cumulative = [None if day.cumulative is None else float(day.cumulative) for day in days]
    return figures.pnl_bars([day.start for day in days], pnl, cumulative)


def caption(answers: Answers, scope: Scope) -> str:
    days = _shown(answers[daily_pnl.READ].value or [])
    return f"{days[0].currency} · {len(days)} days" if len(days) > 1 else ""


def _shown(days: Sequence[DayPnl]) -> list[DayPnl]:
    """Return the days of the currency that has most of them: one chart holds one unit."""
    currencies: dict[str, list[DayPnl]] = {}
    for day in days:
        currencies.setdefault(day.currency, []).append(day)
    return max(currencies.values(), key=len, default=[])


PANEL = Panel(
    "daily_pnl",
    "Daily P&L",
    page="Overview",
    reads=(daily_pnl.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=40,
    height=240,
    kind="figure",
)
