"""Spread: how wide was a symbol's book through the window, and how wide is usual?"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, Chosen, FigureDict, Panel
from main.monitoring.dashboards.v2.symbols import SYMBOL, chosen_symbol, offered_symbols
from main.monitoring.read import Read
from main.monitoring.reads import bots, market_current, spread_history
from main.monitoring.reads.spread_history import SpreadHistory, SpreadParams


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {spread_history.READ: SpreadParams(symbol=chosen_symbol(chosen))}


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    history = answers[spread_history.READ].value
    if history is None or not any(point.spread_bps is not None for point in history.points):
        return reasons.nothing(
            answers,
            scope,
            "No spread in this range",
            "no spread of this symbol was recorded in this range.",
            icon_name="chart-line",
            ranged=True,
        )
    return figures.banded(
        [point.at for point in history.points],
        [point.spread_bps for point in history.points],
        _usual(history),
        name="Spread",
        write=_bare,
        low=[point.spread_low for point in history.points],
        high=[point.spread_high for point in history.points],
    )


def caption(answers: Answers, scope: Scope) -> str:
    return "bps of mid"


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    history = answers[spread_history.READ].value
    return offered_symbols(answers, history.symbol if history else None)


def _usual(history: SpreadHistory) -> figures.Usual | None:
    low, median, high = history.usual_low, history.median, history.usual_high
    if low is None or median is None or high is None:
        return None
    return figures.Usual(low, median, high, f"median {_bare(median)} · 10–90% band")


def _bare(value: float | None) -> str:
    return text.bps(value).removesuffix(" bps")


PANEL = Panel(
    "spread",
    "Spread",
    page="Trading",
    reads=(spread_history.READ, market_current.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(SYMBOL,),
    params=params,
    offers=offers,
    width=4,
    order=60,
    height=240,
    kind="figure",
    refines=True,
)
