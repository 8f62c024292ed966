"""Rejects: which orders were refused, by whom and why."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import bots, rejects
from main.monitoring.reads.rejects import Rejects, RejectsParams

MOST = 15


def draw(answers: Answers, scope: Scope) -> Component:
    refused = answers[rejects.READ].value or []
    if not refused:
        running = f"no order was refused in {scope.window}."
        return reasons.nothing(answers, scope, "No rejects", running, icon_name="check", ranged=True)
    by = answers.chosen["by"]
    columns = [
        Column(breakdown.word(by), phone="name"),
        Column("Rejected", "right", phone="corner"),
        Column("Of all placed", "right", phone="figure"),
        Column("Symbols", "right", phone="figure"),
        Column("Last", "right", phone="figure", muted=True),
    ]
    return table(columns, [_row(each, by) for each in refused[:MOST]], label="Rejected orders")


def caption(answers: Answers, scope: Scope) -> str:
    refused = answers[rejects.READ].value or []
    return f"the most frequent {MOST} of {len(refused)}" if len(refused) > MOST else ""


def _row(each: Rejects, by: str) -> Row:
    name = breakdown.part_name(each.name, by) if each.name is not None else "no reason given"
    share = breakdown.figure(each.share, lambda value: text.percent(value, 1))
    said = html.Span(name, className="cut", title=name)  # a venue's reason may be a sentence; the figures stay
    return Row(name, [said, f"{each.rejected:,}", share, f"{each.symbols:,}", components.moment(each.last_at)])


PANEL = Panel(
    "rejects",
    "Rejects",
    page="Execution",
    reads=(rejects.READ, bots.READ),
    options=(breakdown.option("reason", "symbol", "strategy", "side", "hour", "account"),),
    params=lambda chosen: {rejects.READ: RejectsParams(chosen["by"])},  # type: ignore[arg-type]  # it checks it
    draw=draw,
    caption=caption,
    width=5,
    order=60,
    height=240,
    kind="flush",
    skeleton="table",
)
