"""Daily P&L: each of the last trading days as a bar, under their running sum."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import accounts, bots, daily_pnl
from main.monitoring.reads.daily_pnl import DayPnl


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    days = _shown(answers)
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
    days = _shown(answers)
    if len(days) < 2:
        return ""
    return one_currency.caption(answers[daily_pnl.READ].value, answers[accounts.READ].value, f"{len(days)} days")


def _shown(answers: Answers) -> list[DayPnl]:
    return one_currency.shown(answers[daily_pnl.READ].value, answers[accounts.READ].value)


PANEL = Panel(
    "daily_pnl",
    "Daily P&L",
    page="Overview",
    reads=(daily_pnl.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=40,
    height=240,
    kind="figure",
)
