"""Maker and taker: how much was made by waiting, how much taken, and for which fees."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column
from main.monitoring.execution_part import OrderParts
from main.monitoring.reads import bots, liquidity
from main.monitoring.reads.liquidity import Liquidity

MOST = 12


def draw(answers: Answers, scope: Scope) -> Component:
    parts = answers[liquidity.READ].value or []
    if not parts:
        running = f"nothing was filled in {scope.window}."
        return reasons.nothing(answers, scope, "No fills", running, icon_name="timer", ranged=True)
    columns = [
        Column("Maker share", "right", phone="corner"),
        Column("Made", "right", phone="figure"),
        Column("Taken", "right", phone="figure"),
        Column("Unknown", "right"),
        Column("Fees, bps", "right", phone="figure"),
    ]
    return breakdown.parted(parts[:MOST], answers.chosen["by"], columns, _cells, label="Maker and taker")


def caption(answers: Answers, scope: Scope) -> str:
    parts = answers[liquidity.READ].value or []
    currency = captions.currency(parts)
    unit = f"notional in {currency}" if currency else "notional"
    return captions.joined(unit, captions.cut(MOST, len(parts), "the largest"))


def _cells(part: Liquidity) -> list[Cell]:
    share = breakdown.figure(part.maker_share, lambda value: text.percent(value, 1))
    fees = breakdown.figure(part.fee_bps, lambda value: text.bps(value).removesuffix(" bps"))
    amounts = [text.money(each, 0) for each in (part.maker_notional, part.taker_notional, part.unknown_notional)]
    return [share, *amounts, fees]


PANEL = Panel(
    "liquidity",
    "Maker and taker",
    page="Execution",
    reads=(liquidity.READ, bots.READ),
    options=(breakdown.option("symbol", "strategy", "side", "hour", "size", "account"),),
    params=lambda chosen: {liquidity.READ: OrderParts(chosen["by"])},  # type: ignore[arg-type]  # it checks it
    draw=draw,
    caption=caption,
    width=6,
    order=51,
    height=240,
    kind="flush",
    skeleton="table",
)
