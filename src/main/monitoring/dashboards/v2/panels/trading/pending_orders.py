"""Pending orders: which orders wait, and how far are they filled?"""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, orders
from main.monitoring.reads.orders import OrderState


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[orders.READ].value
    if not found or not found.items:
        return reasons.nothing(
            answers, scope, "No pending orders", "no order of it waits at the moment.", icon_name="inbox"
        )
    several = len({order.account for order in found.items}) > 1
    return table(_columns(several), [_row(order, several) for order in found.items], label="Pending orders")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[orders.READ].value
    if not found or not found.items:
        return ""
    begun = sum(count.orders for count in found.summary or [] if count.status == "partially_filled")
    words = [f"{found.total:,} working", *([f"{begun:,} partly filled"] if begun else [])]
    return " · ".join([*words, *([f"newest {len(found.items)} shown"] if found.total > len(found.items) else [])])


def _columns(several: bool) -> list[Column]:
    return [
        Column("Symbol", phone="name"),
        Column("Side", phone="corner"),
        Column("Limit", "right", phone="figure"),
        Column("Filled"),
        Column("Quantity", "right", phone="figure"),
        Column("Age", "right", phone="figure"),
        *([Column("Account", muted=True)] if several else []),
    ]


def _row(order: OrderState, several: bool) -> Row:
    step = order.quantity_step
    price: Cell = text.price(order.price, order.tick)
    if order.price is None:
        stop = f" from {text.price(order.stop_price, order.tick)}" if order.stop_price is not None else ""
        price = html.Span(f"{order.order_type}{stop}", className="muted")
    cells: list[Cell] = [
        order.symbol,
        components.side_chip(order.side),
        price,
        fill_bar(order.progress),
        [html.B(text.quantity(order.filled_quantity, step)), f" of {text.quantity(order.quantity, step)}"],
        components.age(order.placed_at),
        *([order.label] if several else []),
    ]
    return Row(f"{order.account}-{order.order_id}", cells)


def fill_bar(progress: float) -> Component:
    """Return how much of an order is filled, as a bar; the quantity beside it says the same."""
    written = text.percent(progress, 1)
    inner = html.Span(className="fill-done", style={"width": f"{min(max(progress, 0.0), 1.0) * 100:.1f}%"})
    return html.Span(inner, className="fill-track", role="img", title=f"{written} filled")


PANEL = Panel(
    "pending_orders",
    "Pending orders",
    page="Trading",
    reads=(orders.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=80,
    height=300,
    kind="flush",
    skeleton="table",
)
