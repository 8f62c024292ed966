"""How is a figure written: with the sign, arrow and colour of what was won or lost, plain, or as not known?"""

from dash import html
from dash.development.base_component import Component

from main import text
from main.monitoring.dashboards.v2.components.parts import HIDDEN, named


def signed_money(value: text.Number | None, decimals: int = 2, *, arrow: bool = True) -> Component:
    """Return a profit, loss or change in its colour, with sign and arrow; "—" for what is not known."""
    return _signed(value, text.signed_money(value, decimals), arrow=arrow)


def signed_percent(fraction: text.Number | None, decimals: int = 2, *, arrow: bool = False) -> Component:
    """Return a change as per cent in its colour; without arrow, for it stands beside an amount that has one."""
    return _signed(fraction, text.percent(fraction, decimals, signed=True), arrow=arrow)


def amount(written: str, *, reason: str = "") -> Component:
    """Return a figure without sign colour; a "—" is dimmed and tells its reason in a tooltip."""
    return unknown(reason) if written == text.DASH else html.Span(written, className="number")


def unknown(reason: str = "") -> Component:
    """Return the dash of an unknown value with the reason as its tooltip and accessible name."""
    name = f"unknown: {reason}" if reason else "unknown"
    return html.Span(text.DASH, className="number unknown", role="img", title=reason or None, **named(name))


def _signed(value: text.Number | None, written: str, *, arrow: bool) -> Component:
    if written == text.DASH:
        return unknown()
    # The colour follows what is written, so that an amount that rounds to 0.00 is neither won nor lost.
    tone = "profit" if written.startswith("+") else "loss" if written.startswith(text.MINUS) else "flat"
    mark = [html.Span(className="arrow", **HIDDEN)] if arrow and tone != "flat" else []
    return html.Span([*mark, written], className=f"number signed {tone}")
