"""P&L by model and by regime: which decisions earned, and in what kind of market."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column
from main.monitoring.reads import bots, pnl_by
from main.monitoring.reads.pnl_by import PnlByParams, PnlPart

MOST = 50


def draw(answers: Answers, scope: Scope) -> Component:
    parts = answers[pnl_by.READ].value or []
    if not parts:
        running = f"no trade has closed in {scope.window}."
        return reasons.nothing(answers, scope, "No closed trades", running, icon_name="table-2", ranged=True)
    columns = [
        Column("Net P&L", "right", phone="corner"),
        Column("Trades", "right", phone="figure"),
        Column("Win rate, %", "right", phone="figure"),
        Column("Profit factor", "right"),
        Column("Expectancy", "right", phone="figure"),
        Column("Fees", "right", muted=True),
    ]
    return breakdown.parted(parts[:MOST], answers.chosen["by"], columns, _cells, label="P&L by model or regime")


def caption(answers: Answers, scope: Scope) -> str:
    parts = answers[pnl_by.READ].value or []
    cut = captions.cut(MOST, len(parts), "the first")
    return captions.joined(captions.currency(parts), "closed trades, net of fees", cut)


def _cells(part: PnlPart) -> list[Cell]:
    return [
        components.signed_money(part.net_pnl),
        f"{part.trades:,}",
        breakdown.figure(part.win_rate, lambda share: text.percent(share, 1).removesuffix("%")),
        breakdown.figure(part.profit_factor, text.ratio),
        breakdown.figure(part.expectancy, text.signed_money),
        text.money(part.fees),
    ]


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
