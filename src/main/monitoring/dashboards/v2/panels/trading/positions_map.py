"""Positions by value: how much of the book is where, and is it winning?"""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import bots, positions
from main.monitoring.reads.positions import OpenPosition


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    held = _shown(answers[positions.READ].value or [])
    if not held:
        return reasons.nothing(
            answers, scope, "No open positions", "it holds nothing that has a price at the moment.", icon_name="layers"
        )
    return figures.positions_treemap([_tile(position) for position in held])


def caption(answers: Answers, scope: Scope) -> str:
    held = _shown(answers[positions.READ].value or [])
    return f"{held[0].currency} · colour ±3%" if held else ""


def _shown(held: Sequence[OpenPosition]) -> list[OpenPosition]:
    """Return the priced positions of the currency that holds most of them: areas compare within one currency only."""
    books: dict[str, list[OpenPosition]] = {}
    for position in held:
        if position.value:
            books.setdefault(position.currency, []).append(position)
    return max(books.values(), key=len, default=[])


def _tile(position: OpenPosition) -> figures.Tile:
    aside = "short" if position.side == "short" else ""
    name = f"{position.symbol} {aside}".rstrip()
    pnl = text.signed_money(position.unrealized_pnl, 0 if abs(float(position.unrealized_pnl or 0)) >= 1000 else 2)
    share = text.percent(position.pnl_share, 1, signed=True)
    value = text.money(position.value, 0)
    hover = (
        f"{name} · {position.label}<br>{value} {position.currency}<br>{pnl} ({share})"
        f"<br>{text.percent(position.weight, 1)} of gross"
    )
    lines = (f"{pnl} · {share}", value)
    return figures.Tile(position.symbol, float(position.value or 0), position.pnl_share, lines, hover, aside)


PANEL = Panel(
    "positions_map",
    "Positions by value",
    page="Overview",
    reads=(positions.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=30,
    height=300,
    kind="figure",
)
