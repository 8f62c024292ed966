"""Inventory: how much of its position limit does every holding use?"""

from collections.abc import Sequence
from itertools import groupby

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import bots, inventory
from main.monitoring.reads.inventory import BANDS, Holding

MOST = 60
_BANDS = {"critical": "near the limit"}
"""The words of bands that would be taken for a severity."""


def draw(answers: Answers, scope: Scope) -> Component:
    holdings = answers[inventory.READ].value
    if not holdings:
        return reasons.nothing(answers, scope, "Nothing held", "it holds nothing at the moment.", icon_name="layers")
    shown = sorted(_fullest(holdings), key=lambda each: each.account)
    books = [list(book) for _, book in groupby(shown, key=lambda each: each.account)]
    return html.Div([_book(book) for book in books], className="inventory")


def caption(answers: Answers, scope: Scope) -> str:
    holdings = answers[inventory.READ].value or []
    bands = "bands at " + ", ".join(text.percent(below, 0) for _, below in BANDS) + " of the limit"
    return captions.joined(bands, captions.cut(MOST, len(holdings), "the fullest"))


def _fullest(holdings: Sequence[Holding]) -> list[Holding]:
    return sorted(holdings, key=lambda each: (each.used.value is None, -(each.used.value or 0.0)))[:MOST]


def _book(book: Sequence[Holding]) -> Component:
    first = book[0]
    limit = "no limit" if first.limit is None else f"limit {text.money(first.limit, 0)} {first.currency} a symbol"
    head = html.Div([html.B(first.label), html.Span(limit, className="muted")], className="inventory-head")
    return html.Div([head, html.Ul([_tile(each) for each in book], className="inventory-tiles")])


def _said(holding: Holding) -> str:
    """Return the band in words of a limit: nothing here fires an alert by itself."""
    full = holding.used.value is not None and holding.used.value > 1.0
    return "over the limit" if full else _BANDS.get(holding.band or "", holding.band or "")


def _tile(holding: Holding) -> Component:
    value = components.amount(text.money(holding.value, 0), reason="no price is known")
    used = components.amount(text.percent(holding.used.value, 1), reason=holding.used.reason)
    side = " short" if holding.value is not None and holding.value < 0 else ""
    parts = [
        html.Div(
            [html.B(holding.symbol, title=holding.symbol), html.Span(side, className="muted")], className="tile-name"
        ),
        html.Div(used, className="tile-used"),
        html.Div([value, html.Span(f" · {_said(holding)}" if holding.band else "")], className="tile-value"),
    ]
    return html.Li(parts, className=f"tile tile-{holding.band or 'unknown'}")


PANEL = Panel(
    "inventory",
    "Inventory against its limit",
    page="Risk",
    reads=(inventory.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=70,
    skeleton="lights",
)
