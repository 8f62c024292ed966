"""Watch list: what is every symbol worth now, how did it move in a day, how wide and deep is its book?"""

from collections.abc import Mapping

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.long_table import (
    PLAIN_ROWS,
    LongCell,
    LongColumn,
    LongRow,
    figure,
    long_table,
    share,
    word,
)
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import bots, day_prices, market_current
from main.monitoring.reads.day_prices import DayPrices
from main.monitoring.reads.market_current import MarketSymbol

_NO_BOOK = "no book was recorded"
_NO_DAY = "the record does not reach back a day"


def draw(answers: Answers, scope: Scope) -> Component:
    rows = answers[market_current.READ].value
    if not rows:
        running = "its instruments are not described yet."
        return reasons.nothing(answers, scope, "No symbols yet", running, icon_name="chart-candlestick")
    several = len({row.source for row in rows}) > 1
    # A grid of more rows writes words, and draws no lines.
    lines = {(each.source, each.symbol): each for each in answers[day_prices.READ].value or []}
    drawn = lines if len(rows) <= PLAIN_ROWS else None
    return long_table(
        _columns(several, drawn is not None),
        [_row(row, several, drawn) for row in rows],
        name="watch_list",
        label="Watch list, by symbol",
        opens="price.symbol",
    )


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[market_current.READ].value or []
    unknown = sum(row.mid_price is None for row in rows)
    if not rows:
        return ""
    cut = captions.cut(len(rows), rows[0].symbols, what="symbols, those held first")
    missing = f"{unknown} without a book" if unknown else ""
    return captions.joined(cut or f"{len(rows):,} symbols", "change and volume of a day", missing)


def _columns(several: bool, lines: bool) -> list[LongColumn]:
    return [
        LongColumn("Symbol", phone="name", width=160),
        *([LongColumn("Source", width=90)] if several else []),
        LongColumn("Sector", width=120),
        *([LongColumn("A day")] if lines else []),
        LongColumn("Mid", "right", phone="figure"),
        LongColumn("Currency", width=86),
        LongColumn("Change, %", "right", phone="corner"),
        LongColumn("Bid", "right"),
        LongColumn("Ask", "right"),
        LongColumn("Spread, bps", "right", phone="figure"),
        LongColumn("Bid depth", "right"),
        LongColumn("Ask depth", "right"),
        LongColumn("Volume", "right", phone="figure"),
    ]


def _line(row: MarketSymbol, known: DayPrices | None) -> LongCell:
    prices = [price for price in known.prices if price is not None] if known else []
    if len(prices) < 2:
        return figure(text.DASH, None, _NO_BOOK if row.mid_price is None else _NO_DAY)
    first, last, low, high = (text.price(each, row.tick) for each in (prices[0], prices[-1], min(prices), max(prices)))
    said = f"{row.symbol} through a day: from {first} to {last}, between {low} and {high}"
    return LongCell("", None, lambda: components.sparkline(prices, label=said))


def _row(row: MarketSymbol, several: bool, lines: Mapping[tuple[str, str], DayPrices] | None) -> LongRow:
    step = row.quantity_step
    cells = [
        word(row.symbol),
        *([word(row.source)] if several else []),
        word(row.sector or ""),
        *([] if lines is None else [_line(row, lines.get((row.source, row.symbol)))]),
        figure(text.price(row.mid_price, row.tick), row.mid_price, _NO_BOOK),
        word(row.currency),
        share(row.change, _NO_DAY if row.mid_price is not None else _NO_BOOK),
        figure(text.price(row.best_bid, row.tick), row.best_bid, "nobody bids, or it was not recorded"),
        figure(text.price(row.best_ask, row.tick), row.best_ask, "nobody offers, or it was not recorded"),
        figure(text.bps(row.spread_bps).removesuffix(" bps"), row.spread_bps, "a side of the book is empty"),
        figure(text.quantity(row.bid_depth, step), row.bid_depth, "the depth was not recorded"),
        figure(text.quantity(row.ask_depth, step), row.ask_depth, "the depth was not recorded"),
        figure(text.quantity(row.volume, step), row.volume, "no bar of the day tells of a volume"),
    ]
    return LongRow(f"{row.source}-{row.symbol}", cells, opens=row.symbol)


PANEL = Panel(
    "watch_list",
    "Watch list",
    page="Trading",
    reads=(market_current.READ, day_prices.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=100,
    kind="flush",
    skeleton="table",
)
