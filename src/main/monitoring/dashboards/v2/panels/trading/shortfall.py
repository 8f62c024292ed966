"""Implementation shortfall: what an order cost against the price at which it was decided, and in which step."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Option, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import bots, shortfall
from main.monitoring.reads.shortfall import Shortfall, ShortfallParams

MOST = 12


def draw(answers: Answers, scope: Scope) -> Component:
    parts = answers[shortfall.READ].value or []
    if not parts:
        running = f"no order that was filled has ended in {scope.window}."
        reason = reasons.nothing_because(answers[bots.READ].value, scope, running=running)
        return components.empty("No orders have ended", reason, icon_name="timer")
    shown, by = parts[:MOST], answers.chosen["by"]
    rows = [_row(part, label) for part, label in zip(shown, breakdown.labels(shown, by), strict=True)]
    return table(_columns(breakdown.word(by)), rows, label="Implementation shortfall")


def caption(answers: Answers, scope: Scope) -> str:
    parts = answers[shortfall.READ].value or []
    left_out = sum(part.left_out for part in parts)
    more = f" · the dearest {MOST} of {len(parts)}" if len(parts) > MOST else ""
    older = f" · {left_out:,} older orders left out" if left_out else ""
    return f"against the decision price, positive = cost{more}{older}"


def _columns(word: str) -> list[Column]:
    return [
        Column(word, phone="name"),
        Column("Orders", "right", muted=True),
        Column("Delay", "right"),
        Column("Impact", "right"),
        Column("Unsplit", "right"),
        Column("Opportunity", "right"),
        Column("Fees", "right", phone="figure"),
        Column("Total", "right", phone="figure"),
        Column("bps", "right", phone="corner"),
    ]


def _row(part: Shortfall, label: str) -> Row:
    why = f"{part.unpriced:,} orders lack a price that it takes"
    money = [part.delay, part.impact, part.unsplit, part.opportunity, part.fees, part.total]
    written = [components.unknown(why) if amount is None else text.signed_money(amount) for amount in money]
    bps = breakdown.figure(part.bps, lambda value: text.bps(value, signed=True).removesuffix(" bps"))
    return Row(label, [label, f"{part.orders:,}", *written, bps])


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
