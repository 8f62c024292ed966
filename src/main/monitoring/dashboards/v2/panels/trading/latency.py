"""Latency: how long orders took from decision to acknowledgement and to their first fill."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import bots, latency
from main.monitoring.reads.latency import Latency, LatencyParams

MOST = 15
MINUTE = 60  # seconds: an order that waits in the book does so for minutes
STEPS = {
    "decision_to_ack": "decision → acknowledged",
    "ack_to_fill": "acknowledged → filled",
    "decision_to_fill": "decision → filled",
}


def draw(answers: Answers, scope: Scope) -> Component:
    steps = answers[latency.READ].value or []
    if not steps:
        running = f"nothing was ordered in {scope.window}."
        return reasons.nothing(answers, scope, "No orders", running, icon_name="timer", ranged=True)
    by = answers.chosen["by"]
    columns = [
        *([] if by == "all" else [Column(breakdown.word(by), phone="name")]),
        Column("Step", phone="name" if by == "all" else "hidden"),
        Column("Orders", "right", muted=True),
        Column("Median", "right", phone="corner"),
        Column("90%", "right", phone="figure"),
        Column("99%", "right", phone="figure"),
        Column("Longest", "right", phone="figure"),
    ]
    return table(columns, [_row(step, by) for step in steps[:MOST]], label="Latency of orders")


def caption(answers: Answers, scope: Scope) -> str:
    steps = answers[latency.READ].value or []
    which = captions.cut(MOST, len(steps), "the first", "steps") or "of the newest 1,000 orders an account"
    waited = any(step.step != "decision_to_ack" for step in steps)
    return captions.joined(which, "until filled: with the wait in the book" if waited else "")


def _row(step: Latency, by: str) -> Row:
    name = [] if by == "all" else [breakdown.part_name(step.name, by)]
    times = [_took(seconds) for seconds in (step.p50, step.p90, step.p99, step.longest)]
    cells = [*name, STEPS.get(step.step, step.step), f"{step.orders:,}", *times]
    return Row(f"{step.name}-{step.step}", cells)


def _took(seconds: float) -> str:
    return text.latency(seconds) if seconds < MINUTE else text.duration(seconds)


PANEL = Panel(
    "latency",
    "Latency",
    page="Execution",
    reads=(latency.READ, bots.READ),
    options=(breakdown.option("all", "liquidity", "symbol", "strategy", "side", "hour", "account"),),
    params=lambda chosen: {latency.READ: LatencyParams(chosen["by"])},  # type: ignore[arg-type]  # it checks it
    draw=draw,
    caption=caption,
    width=6,
    order=50,
    height=240,
    kind="flush",
    skeleton="table",
)
