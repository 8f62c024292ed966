"""Depth: how much could be bought or sold up to each price?"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, Chosen, FigureDict, Panel
from main.monitoring.dashboards.v2.symbols import SYMBOL, chosen_symbol, offered_symbols
from main.monitoring.read import Read
from main.monitoring.reads import bots, market_current, order_book
from main.monitoring.reads.order_book import BookParams, Level, OrderBook


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {order_book.READ: BookParams(chosen_symbol(chosen))}


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    book = answers[order_book.READ].value
    if book is None or not (book.bids or book.asks):
        return reasons.nothing(
            answers, scope, "No depth", "no levels of this symbol's book were recorded.", icon_name="layers"
        )
    return figures.book_depth(
        [_point(level, book, "bid") for level in book.bids],
        [_point(level, book, "ask") for level in book.asks],
        float(book.mid_price),
        mid_words=text.price(book.mid_price, book.tick),
        bid_words=f"Top 5 bids {text.quantity(book.bid_depth, book.quantity_step)}",
        ask_words=f"Top 5 asks {text.quantity(book.ask_depth, book.quantity_step)}",
    )


def caption(answers: Answers, scope: Scope) -> str:
    book = answers[order_book.READ].value
    if book is None:
        return ""
    return book.currency


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    book = answers[order_book.READ].value
    return offered_symbols(answers, book.symbol if book else None)


def _point(level: Level, book: OrderBook, side: str) -> figures.DepthPoint:
    size = text.quantity(level.cumulative, book.quantity_step)
    price = text.price(level.price, book.tick)
    return figures.DepthPoint(float(level.price), float(level.cumulative), f"{size} {side} to {price}")


PANEL = Panel(
    "depth",
    "Depth",
    page="Trading",
    reads=(order_book.READ, market_current.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(SYMBOL,),
    params=params,
    offers=offers,
    width=4,
    order=50,
    height=240,
    kind="figure",
)
