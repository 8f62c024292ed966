"""Volume: how much of a symbol was traded, bar by bar?"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, reasons
from main.monitoring.dashboards.v2.candle_bars import bar_length, candle_bars
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Panel, Picture
from main.monitoring.dashboards.v2.symbols import SYMBOL, chosen_symbol, offered_symbols
from main.monitoring.read import Read
from main.monitoring.reads import bots, candles, market_current
from main.monitoring.reads.candles import CandleParams
from main.monitoring.reads.market_current import MarketSymbol

_POINTS = 120


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {candles.READ: CandleParams(symbol=chosen_symbol(chosen), points=_POINTS)}


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    shown = answers[candles.READ].value
    if shown is None or not any(bar.volume is not None for bar in shown.bars):
        running = "no bar that tells of a volume has closed in this range: choose a longer one."
        return reasons.nothing(
            answers, scope, "No volume in this range", running, icon_name="chart-column", ranged=True
        )
    described = _described(answers)
    step = described.quantity_step if described else None
    bars = candle_bars(shown.bars, described.tick if described else None, step)
    figure = figures.volume_bars(bars, [(each.begins, each.ends) for each in shown.closed])
    return Picture(_heading(described), figure)


def caption(answers: Answers, scope: Scope) -> str:
    shown = answers[candles.READ].value
    if shown is None:
        return scope.window
    return f"units of {shown.symbol} · bars of {bar_length(shown.bar_seconds)} · {scope.window}"


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    shown = answers[candles.READ].value
    return offered_symbols(answers, shown.symbol if shown else None)


def _described(answers: Answers) -> MarketSymbol | None:
    shown = answers[candles.READ].value
    rows = answers[market_current.READ].value or []
    return next((row for row in rows if shown and row.symbol == shown.symbol and row.source == shown.source), None)


def _heading(row: MarketSymbol | None) -> Component:
    if row is None or row.volume is None:
        return components.reading(components.unknown("no bar of the day tells of a volume"), unit="in a day")
    coverage = row.volume_coverage or 0.0
    detail = "" if coverage >= 0.995 else f"of {text.percent(coverage, 1)} of the day"
    return components.reading(text.quantity(row.volume, row.quantity_step), unit="in a day", detail=detail)


PANEL = Panel(
    "volume",
    "Volume",
    page="Market",
    reads=(candles.READ, market_current.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(SYMBOL,),
    params=params,
    offers=offers,
    width=12,
    order=60,
    height=240,
    kind="figure",
    refines=True,
)
