"""Cumulative P&L: today, this week, month, year, and all."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import bots, cumulative_pnl
from main.monitoring.reads.cumulative_pnl import PeriodPnl


def draw(answers: Answers, scope: Scope) -> Component:
    periods = answers[cumulative_pnl.READ].value
    if not periods:
        reason = reasons.nothing_because(answers[bots.READ].value, scope, running="no equity was recorded yet.")
        return components.empty("No P&L yet", reason, icon_name="trending-up")
    several = len({period.currency for period in periods}) > 1
    columns = [
        Column("Period", phone="name"),
        Column("P&L" if several else f"P&L, {periods[0].currency}", "right", phone="corner"),
        Column("Return", "right", phone="figure"),
    ]
    return table(columns, [_row(period, several) for period in periods], label="Cumulative P&L")


def _row(period: PeriodPnl, several: bool) -> Row:
    name = f"{period.period.capitalize()}, {period.currency}" if several else period.period.capitalize()
    unseen = components.unknown("nothing was observed in this period")
    pnl = unseen if period.pnl is None else components.signed_money(period.pnl)
    share = unseen if period.period_return is None else components.signed_percent(period.period_return)
    return Row(f"{period.currency}-{period.period}", [name, pnl, share])


PANEL = Panel(
    "cumulative_pnl",
    "Cumulative P&L",
    page="Overview",
    reads=(cumulative_pnl.READ, bots.READ),
    draw=draw,
    width=3,
    order=50,
    kind="flush",
    subtitle="net",
    skeleton="table",
)
