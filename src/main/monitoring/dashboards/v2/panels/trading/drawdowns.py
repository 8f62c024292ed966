"""Drawdowns: which times below a peak were the worst, and how long did they last?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import accounts, bots, drawdowns
from main.monitoring.reads.drawdowns import DrawdownPeriod

_COLUMNS = (
    Column("Depth", phone="name"),
    Column("Peak", phone="figure"),
    Column("Trough", phone="figure"),
    Column("Recovered", phone="figure"),
    Column("Down", "right"),
    Column("Back", "right"),
    Column("In all", "right", phone="corner"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    rows = one_currency.shown(answers[drawdowns.READ].value, answers[accounts.READ].value)
    if not rows:
        running = f"{scope.window} has no two observations of equity: choose a longer range."
        return reasons.nothing(answers, scope, "No equity in this range", running, icon_name="chart-line", ranged=True)
    if not rows[0].worst:
        lacking = rows[0].deepest.reason
        reason = f"It is not known: {lacking}." if lacking else f"Growth never fell in {scope.window}."
        return components.empty("No drawdown", reason, icon_name="trending-up")
    lines = [Row(period.peak_at.isoformat(), _cells(period)) for period in rows[0].worst]
    return table(_COLUMNS, lines, label="The worst drawdowns, deepest first")


def caption(answers: Answers, scope: Scope) -> str:
    rows, owners = answers[drawdowns.READ].value, answers[accounts.READ].value
    own = one_currency.shown(rows, owners)
    return one_currency.named(
        own, rows, "the worst five", scope.window, captions.seen(own[0].step_seconds if own else None)
    )


def _cells(period: DrawdownPeriod) -> list[Cell]:
    recovered: Cell = "not yet" if period.recovered_at is None else components.moment(period.recovered_at)
    back: Cell = (
        components.unknown("the peak was not reached again")
        if period.recovery_days is None
        else _length(period.recovery_days)
    )
    return [
        text.percent(period.depth),
        components.moment(period.peak_at),
        components.moment(period.trough_at),
        recovered,
        _length(period.decline_days),
        back,
        _length(period.days),
    ]


def _length(days: float) -> str:
    return text.duration(days * 86400)


PANEL = Panel(
    "drawdowns",
    "Worst drawdowns",
    page="Performance",
    reads=(drawdowns.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=7,
    order=100,
    kind="flush",
    skeleton="table",
)
