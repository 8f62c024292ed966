"""Costs: fees, slippage, spread and funding of the trades that closed."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column
from main.monitoring.reads import bots, costs
from main.monitoring.reads.costs import Costs, CostsParams

MOST = 14
_UNMEASURED = "the market at the time of the fills was not recorded"


def draw(answers: Answers, scope: Scope) -> Component:
    parts = answers[costs.READ].value or []
    if not parts:
        running = f"no trade has closed in {scope.window}."
        return reasons.nothing(answers, scope, "No closed trades", running, icon_name="wallet", ranged=True)
    by = answers.chosen["by"]
    months = by == "month"
    shown = parts[-MOST:] if months else parts[:MOST]
    columns = [
        Column("Trades", "right", muted=True),
        Column("Fees", "right", phone="corner"),
        Column("A trade", "right"),
        Column("Slippage", "right", phone="figure"),
        Column("Spread", "right", phone="figure"),
        *([Column("Funding", "right", phone="figure")] if months else []),
    ]
    return breakdown.parted(shown, by, columns, lambda part: _cells(part, months), label="Costs of trades")


def caption(answers: Answers, scope: Scope) -> str:
    parts = answers[costs.READ].value or []
    which = "the newest" if answers.chosen["by"] == "month" else ""
    return captions.joined(captions.currency(parts), "positive = paid", captions.cut(MOST, len(parts), which))


def _cells(part: Costs, months: bool) -> list[Cell]:
    per_trade: Cell = "—" if part.fees_per_trade is None else text.money(part.fees_per_trade)
    slipped: Cell = components.unknown(_UNMEASURED) if part.slippage is None else text.signed_money(part.slippage)
    spread: Cell = components.unknown(_UNMEASURED) if part.spread is None else text.signed_money(part.spread)
    cells: list[Cell] = [f"{part.trades:,}", text.money(part.fees), per_trade, slipped, spread]
    if months:
        unknown = components.unknown("known by month only")
        cells.append(unknown if part.funding is None else text.signed_money(part.funding))
    return cells


PANEL = Panel(
    "costs",
    "Costs",
    page="Execution",
    reads=(costs.READ, bots.READ),
    options=(breakdown.option("month", "strategy", "symbol", "trade"),),
    params=lambda chosen: {costs.READ: CostsParams(by=chosen["by"])},  # type: ignore[arg-type]  # it checks it
    draw=draw,
    caption=caption,
    width=7,
    order=61,
    height=240,
    kind="flush",
    skeleton="table",
)
