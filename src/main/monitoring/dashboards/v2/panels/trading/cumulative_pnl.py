"""Cumulative P&L: today, this week, month, year, and all."""

from collections.abc import Sequence

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import bots, cumulative_pnl
from main.monitoring.reads.cumulative_pnl import PeriodPnl

_UNSEEN = "nothing was observed in this period"


def draw(answers: Answers, scope: Scope) -> Component:
    periods = answers[cumulative_pnl.READ].value
    if not periods:
        return reasons.nothing(answers, scope, "No P&L yet", "no equity was recorded yet.", icon_name="trending-up")
    currencies = list(dict.fromkeys(period.currency for period in periods))
    if len(currencies) > 1:
        return _by_currency(periods, currencies)
    columns = [
        Column("Period", phone="name"),
        Column(f"P&L, {currencies[0]}", "right", phone="corner"),
        Column("Return", "right", phone="figure"),
    ]
    rows = [Row(period.period, [period.period.capitalize(), _pnl(period), _return(period)]) for period in periods]
    return table(columns, rows, label="Cumulative P&L", narrow=True)


def _by_currency(periods: Sequence[PeriodPnl], currencies: Sequence[str]) -> Component:
    """Return a column of P&L for each currency; there is no room for returns beside them."""
    columns = [Column("Period", phone="name"), *(Column(name, "right", phone="figure") for name in currencies)]
    found = {(period.period, period.currency): period for period in periods}
    rows = [
        Row(name, [name.capitalize(), *(_pnl(found.get((name, currency))) for currency in currencies)])
        for name in dict.fromkeys(period.period for period in periods)
    ]
    return table(columns, rows, label="Cumulative P&L", narrow=len(currencies) <= 2)


def _pnl(period: PeriodPnl | None) -> Component:
    if period is None or period.pnl is None:
        return components.unknown(_UNSEEN)
    return components.signed_money(period.pnl)


def _return(period: PeriodPnl) -> Component:
    share = period.period_return
    return components.unknown(_UNSEEN) if share is None else components.signed_percent(share)


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
