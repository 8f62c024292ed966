"""P&L by model and by regime: which decisions earned, and in what kind of market."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import bots, pnl_by
from main.monitoring.reads.pnl_by import PnlByParams, PnlPart

MOST = 50


def draw(answers: Answers, scope: Scope) -> Component:
    parts = answers[pnl_by.READ].value or []
    if not parts:
        running = f"no trade has closed in {scope.window}."
        reason = reasons.nothing_because(answers[bots.READ].value, scope, running=running)
        return components.empty("No closed trades", reason, icon_name="table-2")
    by = answers.chosen["by"]
    columns = [
        Column(breakdown.word(by), phone="name"),
        Column("Net P&L", "right", phone="corner"),
        Column("Trades", "right", phone="figure"),
        Column("Win rate, %", "right", phone="figure"),
        Column("Profit factor", "right"),
        Column("Expectancy", "right", phone="figure"),
        Column("Fees", "right", muted=True),
    ]
    shown = parts[:MOST]
    rows = [_row(part, label) for part, label in zip(shown, breakdown.labels(shown, by), strict=True)]
    return table(columns, rows, label="P&L by model or regime")


def caption(answers: Answers, scope: Scope) -> str:
    currencies = {part.currency for part in answers[pnl_by.READ].value or []}
    return f"{currencies.pop()} · closed trades, net of fees" if len(currencies) == 1 else "closed trades, net of fees"


def _row(part: PnlPart, label: str) -> Row:
    return Row(
        label,
        [
            label,
            components.signed_money(part.net_pnl),
            f"{part.trades:,}",
            breakdown.figure(part.win_rate, lambda share: text.percent(share, 1).removesuffix("%")),
            breakdown.figure(part.profit_factor, text.ratio),
            breakdown.figure(part.expectancy, text.signed_money),
            text.money(part.fees),
        ],
    )


PANEL = Panel(
    "pnl_by_model",
    "P&L by model",
    page="Models",
    reads=(pnl_by.READ, bots.READ),
    options=(breakdown.option("model", "regime"),),
    params=lambda chosen: {pnl_by.READ: PnlByParams(by=chosen["by"])},  # type: ignore[arg-type]  # it checks it
    draw=draw,
    caption=caption,
    width=12,
    order=30,
    kind="flush",
    skeleton="table",
)
