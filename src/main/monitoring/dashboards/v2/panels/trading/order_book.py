"""Order book: who stands where around the middle, and where do we?"""

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Panel
from main.monitoring.dashboards.v2.symbols import SYMBOL, chosen_symbol, offered_symbols
from main.monitoring.read import Read
from main.monitoring.reads import bots, market_current, order_book, orders
from main.monitoring.reads.order_book import BookParams, Level, OrderBook
from main.monitoring.reads.orders import OrdersPage, OrderState

LEVELS = 7  # a side, as many as the panel's height holds
_ROWS_PIXELS, _TALLEST = 336, 34  # what is left of the panel's height, and a row's that looks like one
_ORDERS = 500
_CHIPS = 2  # of our orders at one price; more are counted


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    symbol = chosen_symbol(chosen)
    return {order_book.READ: BookParams(symbol), orders.READ: OrdersPage(limit=_ORDERS, symbol=symbol)}


def draw(answers: Answers, scope: Scope) -> Component:
    book = answers[order_book.READ].value
    if book is None:
        return reasons.nothing(
            answers,
            scope,
            "No order book",
            "no book of this symbol was recorded, or its snapshots are purged.",
            icon_name="layers",
        )
    if not book.bids and not book.asks:
        return components.empty("Only the middle is known", f"{book.symbol} at {_mid(book)}; no level was recorded.")
    bids, asks = book.bids[:LEVELS], book.asks[:LEVELS]
    largest = max(level.size for level in (*bids, *asks))
    ours = _ours(answers, book)
    heads = ("Ours", "Bid size", f"Price, {book.currency}", "Ask size", "Ours")
    head = html.Tr([html.Th(each, scope="col") for each in heads])
    named: dict[str, Any] = {"aria-label": f"Order book of {book.symbol}"}
    rows = [*(_level(level, "ask", largest, book, ours) for level in reversed(asks)), _middle(book)]
    rows += [_level(level, "bid", largest, book, ours) for level in bids]
    style = {"--book-row": f"{min(_TALLEST, _ROWS_PIXELS // (len(bids) + len(asks)))}px"}
    ladder = html.Table([html.Thead(head), html.Tbody(rows)], className="ladder", style=style, **named)
    return html.Div(ladder, className="book")


def caption(answers: Answers, scope: Scope) -> str:
    book = answers[order_book.READ].value
    if book is None:
        return ""
    reach = {level.price for level in (*book.bids[:LEVELS], *book.asks[:LEVELS])}
    away = sum(order.price not in reach for order in _waiting(answers, book))
    return f"{away} order{'' if away == 1 else 's'} beyond" if away else ""


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    book = answers[order_book.READ].value
    return offered_symbols(answers, book.symbol if book else None)


def _waiting(answers: Answers, book: OrderBook) -> list[OrderState]:
    found = answers[orders.READ].value
    return [order for order in (found.items if found else []) if order.symbol == book.symbol and order.price]


def _ours(answers: Answers, book: OrderBook) -> dict[tuple[str, Decimal], list[OrderState]]:
    ours: dict[tuple[str, Decimal], list[OrderState]] = {}
    for order in _waiting(answers, book):
        ours.setdefault(("bid" if order.side == "buy" else "ask", order.price or Decimal(0)), []).append(order)
    return ours


def _level(
    level: Level,
    side: str,
    largest: Decimal,
    book: OrderBook,
    ours: Mapping[tuple[str, Decimal], Sequence[OrderState]],
) -> Component:
    width = f"{float(level.size / largest) * 100:.1f}%" if largest else "0%"
    bar = html.Span(className=f"book-bar book-bar-{side}", style={"width": width})
    size = html.Td([bar, html.Span(text.quantity(level.size, book.quantity_step))], className=f"book-size-{side}")
    chips = html.Td(_chips(ours.get((side, level.price), ()), book), className=f"book-ours-{side}")
    price = html.Th(text.price(level.price, book.tick), scope="row")
    blank = html.Td("")
    cells = [chips, size, price, blank, blank] if side == "bid" else [blank, blank, price, size, chips]
    key: dict[str, Any] = {"data-key": f"{side}-{level.price}"}
    return html.Tr(cells, **key)


def _chips(waiting: Sequence[OrderState], book: OrderBook) -> list[Component | str]:
    shown = [
        components.chip(
            text.quantity(order.remaining_quantity, book.quantity_step),
            "accent",
            title=f"{order.label}: {order.side} {text.quantity(order.quantity, book.quantity_step)}, "
            f"{text.percent(order.progress, 1)} filled",
        )
        for order in waiting[:_CHIPS]
    ]
    return [*shown, *([f"+{len(waiting) - _CHIPS}"] if len(waiting) > _CHIPS else [])]


def _middle(book: OrderBook) -> Component:
    lean = components.amount(text.ratio(book.imbalance.value, signed=True), reason=book.imbalance.reason or "")
    spread = components.amount(text.bps(book.spread_bps).removesuffix(" bps"), reason="a side of the book is empty")
    cells = [
        html.Td(["Spread ", html.B(spread), " bps"], colSpan=2, className="book-spread"),
        html.Th(_mid(book), scope="row", className="book-mid"),
        html.Td(["Imbalance ", html.B(lean)], colSpan=2, className="book-imbalance"),
    ]
    key: dict[str, Any] = {"data-key": "middle"}
    return html.Tr(cells, className="book-middle", **key)


def _mid(book: OrderBook) -> str:
    """The middle of two neighbouring prices is half a step from both."""
    return text.price(book.mid_price, book.tick if book.mid_price % book.tick == 0 else book.tick / 2)


PANEL = Panel(
    "order_book",
    "Order book",
    page="Trading",
    reads=(order_book.READ, orders.READ, market_current.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(SYMBOL,),
    params=params,
    offers=offers,
    width=4,
    order=40,
    height=400,
    kind="flush",
    skeleton="table",
)
