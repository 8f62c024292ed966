"""Price: how did a symbol go, bar by bar, and where did we buy and sell?"""

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.candle_bars import bar_length, candle_bars
from main.monitoring.dashboards.v2.panel import Answers, Chosen, FigureDict, Option, Panel
from main.monitoring.dashboards.v2.symbols import SYMBOL, chosen_symbol, offered_symbols
from main.monitoring.read import Read
from main.monitoring.reads import bots, candles, fills, market_current
from main.monitoring.reads.candles import CandleParams, Candles
from main.monitoring.reads.fills import Fill, FillParams
from main.monitoring.reads.market_current import MarketSymbol

_POINTS = 300  # bars that a screen can tell apart
_FILLS = 500
_AUTO = "auto"
INTERVAL = Option(
    "interval",
    "Interval",
    ((_AUTO, "Auto"), ("1m", "1 min"), ("5m", "5 min"), ("15m", "15 min"), ("1h", "1 h"), ("1d", "1 d")),
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    symbol, interval = chosen_symbol(chosen), chosen["interval"]
    return {
        candles.READ: CandleParams(symbol=symbol, interval=None if interval == _AUTO else interval, points=_POINTS),
        fills.READ: FillParams(symbol=symbol, limit=_FILLS, charted=True),
    }


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    shown = answers[candles.READ].value
    if shown is None or not shown.bars:
        running = "no bar of this interval has closed in this range: choose another interval or a longer range."
        title = "No bars in this range"
        return reasons.nothing(answers, scope, title, running, icon_name="chart-candlestick", ranged=True)
    described = _described(answers, shown)
    tick = described.tick if described else None
    return figures.candles(
        candle_bars(shown.bars, tick, described.quantity_step if described else None),
        [_mark(fill) for fill in _ours(answers, shown)],
        last=float(shown.bars[-1].close),
        write=lambda price: _tag(price, tick),
        closed=[(each.begins, each.ends) for each in shown.closed],
    )


def caption(answers: Answers, scope: Scope) -> str:
    shown = answers[candles.READ].value
    if shown is None:
        return scope.window
    described = _described(answers, shown)
    ours = len(_ours(answers, shown))
    marks = f"newest {ours} fills" if len(answers[fills.READ].value or []) >= _FILLS else f"{ours} fills"
    currency = [described.currency] if described else []
    return " · ".join([*currency, f"bars of {bar_length(shown.bar_seconds)}", *([marks] if ours else [])])


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    shown = answers[candles.READ].value
    return offered_symbols(answers, shown.symbol if shown else None)


def _described(answers: Answers, shown: Candles) -> MarketSymbol | None:
    rows = answers[market_current.READ].value or []
    return next((row for row in rows if row.symbol == shown.symbol and row.source == shown.source), None)


def _ours(answers: Answers, shown: Candles) -> list[Fill]:
    first = shown.bars[0].at if shown.bars else None
    rows = answers[fills.READ].value or []
    return [fill for fill in rows if fill.symbol == shown.symbol and first is not None and fill.at >= first]


def _tag(price: float | None, tick: Decimal | None) -> str:
    """The middle of two neighbouring prices is half a step from both, as in the order book."""
    between = tick is not None and price is not None and Decimal(str(price)) % tick != 0
    return text.price(price, tick / 2 if tick is not None and between else tick)


def _mark(fill: Fill) -> figures.FillMark:
    quantity, price = text.quantity(fill.quantity, fill.quantity_step), text.price(fill.price, fill.tick)
    verb = "Bought" if fill.side == "buy" else "Sold"
    return figures.FillMark(fill.at, float(fill.price), fill.side, f"{verb} {quantity} at {price}")


PANEL = Panel(
    "price",
    "Price",
    page="Trading",
    reads=(candles.READ, fills.READ, market_current.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(SYMBOL, INTERVAL),
    params=params,
    offers=offers,
    width=8,
    order=30,
    height=400,
    kind="figure",
    refines=True,
    legend=(("Bought", "bid"), ("Sold", "ask")),
)
