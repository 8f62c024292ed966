"""Order events: what happened to orders, step by step, the newest first?"""

from collections.abc import Hashable, Mapping
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.components import Tone
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.read import Read
from main.monitoring.reads import bots, order_events
from main.monitoring.reads.order_events import OrderEventsPage, OrderStep

_SHOWN = 40
_ALL = "all"
_TONES: dict[str, Tone] = {"filled": "accent", "partially_filled": "accent", "rejected": "warn", "placed": "outline"}
_WORDS = {"partially_filled": "Part filled"}
KIND = Option(
    "kind", "Event", ((_ALL, "All"), ("filled", "Filled"), ("cancelled", "Cancelled"), ("rejected", "Rejected"))
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    kind: Any = None if chosen["kind"] == _ALL else chosen["kind"]
    return {order_events.READ: OrderEventsPage(limit=_SHOWN, kind=kind)}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[order_events.READ].value
    if not found or not found.items:
        return reasons.nothing(
            answers,
            scope,
            "No order events",
            "no order did this in this range: choose a longer one.",
            icon_name="activity",
            ranged=True,
        )
    several = len(scope.accounts) > 1
    return table(_columns(several), [_row(step, several) for step in found.items], label="Order events, newest first")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[order_events.READ].value
    if not found or not found.items:
        return scope.window
    most = "+" if found.total >= 10_000 else ""
    return f"{scope.window} · newest {len(found.items)} of {found.total:,}{most}"


def _columns(several: bool) -> list[Column]:
    return [
        Column("Symbol", phone="name"),
        Column("Event", phone="corner"),
        Column("Time", phone="figure", muted=True),
        Column("Order", phone="figure"),
        *([Column("Account", muted=True)] if several else []),
        Column("Reason", muted=True),
    ]


def _row(step: OrderStep, several: bool) -> Row:
    price = "at market" if step.price is None else f"at {text.price(step.price, step.tick)}"
    cells: list[Cell] = [
        step.symbol,
        components.chip(_WORDS.get(step.kind, step.kind.capitalize()), _TONES.get(step.kind, "neutral")),
        components.event_time(step.at),
        f"{step.side.capitalize()} {text.quantity(step.quantity, step.quantity_step)} {price}",
        *([step.label] if several else []),
        step.reason or "",
    ]
    return Row(f"{step.account}-{step.order_id}-{step.kind}-{step.at.isoformat()}-{step.quantity}", cells)


PANEL = Panel(
    "order_events",
    "Order events",
    page="Trading",
    reads=(order_events.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(KIND,),
    params=params,
    width=6,
    order=90,
    height=300,
    kind="flush",
    skeleton="feed",
)
