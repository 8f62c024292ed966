"""Positions: what is held, at what price, with what profit."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, positions
from main.monitoring.reads.positions import OpenPosition

MOST = 40
"""An overview of hundreds is none; the page Trading has them all."""


def draw(answers: Answers, scope: Scope) -> Component:
    held = answers[positions.READ].value
    if not held:
        return reasons.nothing(
            answers, scope, "No open positions", "it holds nothing at the moment.", icon_name="layers"
        )
    accounts = len({position.account for position in held}) > 1
    one = held[0].currency if len({position.currency for position in held}) == 1 else ""
    shown = [_row(position, accounts, one) for position in held[:MOST]]
    return table(_columns(accounts, one), shown, label="Open positions")


def caption(answers: Answers, scope: Scope) -> str:
    held = answers[positions.READ].value or []
    unpriced = sum(position.value is None for position in held)
    missing = f"{unpriced} without a price" if unpriced else ""
    more = f"{MOST} shown, all of them on Trading" if len(held) > MOST else ""
    return captions.joined(f"{len(held)} open", missing, more) if held else ""


def _columns(accounts: bool, currency: str) -> list[Column]:
    in_currency = f", {currency}" if currency else ""
    return [
        Column("Symbol", phone="name"),
        *([Column("Account", muted=True)] if accounts else []),
        Column("Side", phone="corner"),
        Column("Quantity", "right", phone="figure"),
        Column("Entry", "right"),
        Column("Mark", "right"),
        Column(f"P&L{in_currency}", "right", phone="figure"),
        Column("P&L, %", "right"),
        Column(f"Value{in_currency}", "right", phone="figure"),
        *([] if currency else [Column("Currency")]),
        Column("Weight", "right"),
        Column("Marked", "right", muted=True),
    ]


def _row(position: OpenPosition, accounts: bool, currency: str) -> Row:
    no_price = components.unknown("no price is known")
    cells: list[Cell] = [
        position.symbol,
        *([position.label] if accounts else []),
        components.side_chip(position.side),
        text.quantity(position.quantity, position.quantity_step),
        text.price(position.entry_price, position.tick),
        no_price if position.current_price is None else text.price(position.current_price, position.tick),
        no_price if position.unrealized_pnl is None else components.signed_money(position.unrealized_pnl),
        no_price if position.pnl_share is None else components.signed_percent(position.pnl_share),
        no_price if position.value is None else text.money(position.value),
        *([] if currency else [position.currency]),
        no_price if position.weight is None else text.percent(position.weight, 1),
        components.moment(position.mark_at),
    ]
    return Row(f"{position.account}-{position.symbol}-{position.side}", cells)


PANEL = Panel(
    "positions",
    "Positions",
    page="Overview",
    reads=(positions.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=70,
    kind="flush",
    skeleton="table",
)
