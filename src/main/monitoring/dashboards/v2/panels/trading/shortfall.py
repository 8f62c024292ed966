"""Implementation shortfall: what an order cost against the price at which it was decided, and in which step."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Column
from main.monitoring.reads import bots, shortfall
from main.monitoring.reads.shortfall import Shortfall, ShortfallParams

MOST = 12
_COLUMNS = (
    Column("Orders", "right", muted=True),
    Column("Delay", "right"),
    Column("Impact", "right"),
    Column("Unsplit", "right"),
    Column("Opportunity", "right"),
    Column("Fees", "right", phone="figure"),
    Column("Total", "right", phone="figure"),
    Column("bps", "right", phone="corner"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    parts = answers[shortfall.READ].value or []
    if not parts:
        running = f"no order that was filled has ended in {scope.window}."
        return reasons.nothing(answers, scope, "No orders have ended", running, icon_name="timer", ranged=True)
    return breakdown.parted(parts[:MOST], answers.chosen["by"], _COLUMNS, _cells, label="Implementation shortfall")


def caption(answers: Answers, scope: Scope) -> str:
    parts = answers[shortfall.READ].value or []
    left_out = sum(part.left_out for part in parts)
    older = f"{left_out:,} older orders left out" if left_out else ""
    cut = captions.cut(MOST, len(parts), "the dearest")
    return captions.joined(captions.currency(parts), "against the decision price, positive = cost", cut, older)


def _cells(part: Shortfall) -> list[Cell]:
    why = f"{part.unpriced:,} orders lack a price that it takes"
    money = [part.delay, part.impact, part.unsplit, part.opportunity, part.fees, part.total]
    written = [components.unknown(why) if amount is None else text.signed_money(amount) for amount in money]
    bps = breakdown.figure(part.bps, lambda value: text.bps(value, signed=True).removesuffix(" bps"))
    return [f"{part.orders:,}", *written, bps]


PANEL = Panel(
    "shortfall",
    "Implementation shortfall",
    page="Execution",
    reads=(shortfall.READ, bots.READ),
    options=(
        breakdown.option("symbol", "strategy", "side", "hour", "size", "account"),
        Option("orders", "Orders", (("executed", "Filled"), ("all", "All"))),
    ),
    params=lambda chosen: {
        shortfall.READ: ShortfallParams(chosen["by"], chosen["orders"])  # type: ignore[arg-type]  # it checks them
    },
    draw=draw,
    caption=caption,
    width=12,
    order=40,
    kind="flush",
    skeleton="table",
)
