"""Leverage: how much does each account hold against its equity, and how near is that to the limits?"""

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.risk_marks import LEVERAGE_TONES
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, exposure
from main.monitoring.reads.exposure import ACCOUNT, LEVERAGE_BANDS, Exposure, ExposureParams

MOST = 20
_WIDEST = 1.5  # leverage at which the bar is full


def draw(answers: Answers, scope: Scope) -> Component:
    rows = answers[exposure.READ].value
    if not rows:
        return reasons.nothing(answers, scope, "No account", "its account is not recorded yet.", icon_name="wallet")
    return table(
        _columns(), [Row(row.account or row.currency, _cells(row)) for row in _highest(rows)], label="Leverage"
    )


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[exposure.READ].value or []
    normal, raised = LEVERAGE_BANDS
    bands = f"green below {text.leverage(normal)}, amber to {text.leverage(raised)}, red above"
    return captions.joined(bands, captions.cut(MOST, len(rows), "the highest", "accounts"))


def _highest(rows: Sequence[Exposure]) -> list[Exposure]:
    return sorted(rows, key=lambda row: (row.leverage.value is None, -(row.leverage.value or 0.0)))[:MOST]


def _columns() -> list[Column]:
    return [
        Column("Account", phone="name"),
        Column("Equity", "right"),
        Column("Gross", "right", phone="figure"),
        Column("Net", "right", phone="figure"),
        Column("Gross / equity", "right"),
        Column("Net / equity", "right"),
        Column("Leverage", phone="corner"),
    ]


def _cells(row: Exposure) -> list[Cell]:
    no_price = f"no price of {row.unpriced} of {row.positions} positions"
    currency = html.Span(f" {row.currency}", className="muted")
    return [
        html.Span([row.label or row.account or "", currency]),
        components.amount(text.money(row.equity), reason="no equity was recorded"),
        components.amount(text.money(row.gross), reason=no_price),
        components.amount(text.money(row.net), reason=no_price),
        components.amount(text.ratio(row.gross_exposure.value), reason=row.gross_exposure.reason),
        components.amount(text.ratio(row.net_exposure.value), reason=row.net_exposure.reason),
        _bar(row),
    ]


def _bar(row: Exposure) -> Component:
    """Return the bar with a tick at both limits; the band's word says what the colour says."""
    value = row.leverage.value
    if value is None:
        return components.unknown(row.leverage.reason)
    hidden: dict[str, Any] = {"aria-hidden": "true"}
    tone = LEVERAGE_TONES.get(row.leverage_band or "", "profit")
    width = min(max(value / _WIDEST, 0.0), 1.0)
    parts = [html.Span(className=f"limit-fill fill-{tone}", style={"width": f"{width * 100:.1f}%"})]
    parts += [
        html.Span(className="limit-tick", style={"left": f"{limit / _WIDEST * 100:.1f}%"}) for limit in LEVERAGE_BANDS
    ]
    track = html.Span(parts, className="limit-track", **hidden)
    written = f"{text.leverage(value)} {row.leverage_band or ''}"
    return html.Span([track, html.Span(written, className=f"limit-text risk-{tone}")], className="limit")


PANEL = Panel(
    "leverage",
    "Exposure and leverage",
    page="Risk",
    reads=(exposure.READ, bots.READ),
    params=lambda _: {exposure.READ: ExposureParams(by=ACCOUNT)},
    draw=draw,
    caption=caption,
    width=12,
    order=60,
    kind="flush",
    skeleton="table",
)
