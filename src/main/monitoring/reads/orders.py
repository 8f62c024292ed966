"""Orders: which ones wait to be filled, how far are they, and what became of the others?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, LiteralString, get_args

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.order_filter import COUNTED, OrderFilter, OrderKind, check_kind
from main.monitoring.paging import Paged, check_choice
from main.monitoring.read import Listing, Read

State = Literal["open", "ended", "all"]
Sort = Literal[
    "placed_at",
    "at",
    "symbol",
    "side",
    "status",
    "strategy",
    "quantity",
    "progress",
    "price",
    "-placed_at",
    "-at",
    "-symbol",
    "-side",
    "-status",
    "-strategy",
    "-quantity",
    "-progress",
    "-price",
]


@dataclass(frozen=True, slots=True)
class OrdersPage(OrderFilter):
    """Which orders, sorted how (``-`` is descending), and which part of the list.

    ``state``: those that may still fill (``open``), whenever they were placed, or those placed in the window:
    ``ended``, or ``all`` of them.
    """

    state: State = "open"
    status: OrderKind | None = None
    sort: Sort = "-placed_at"

    def __post_init__(self) -> None:
        OrderFilter.__post_init__(self)
        check_choice("state", self.state, get_args(State))
        check_kind("status", self.status)
        check_choice("sort", self.sort, get_args(Sort))


@dataclass(frozen=True, slots=True)
class OrderState:
    """One order. ``progress`` is filled over ordered quantity, ``at`` when its present state began.

    Prices are in the instrument's currency, steps of it ``tick``; ``price`` is ``None`` for a market order,
    ``average_fill_price`` before the first fill.
    """

    account: str
    label: str
    order_id: str
    symbol: str
    side: str
    order_type: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    remaining_quantity: Decimal
    progress: float
    quantity_step: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    average_fill_price: Decimal | None
    tick: Decimal | None
    placed_at: datetime
    at: datetime
    strategy: str | None
    model: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class OrdersCount:
    """How many of the matching orders have a status."""

    status: str
    orders: int


_COLUMNS: LiteralString = """
    SELECT a.account_id AS account, a.label, o.order_id, o.symbol, o.side, o.order_type, o.status, o.quantity,
           o.filled_quantity, o.quantity - o.filled_quantity AS remaining_quantity,
           (o.filled_quantity / o.quantity)::float8 AS progress,
           i.quantity_step::numeric AS quantity_step,
           o.price, o.stop_price, o.average_fill_price, i.tick::numeric AS tick, o.placed_at, o.at,
           o.strategy, o.model, o.reason
      FROM accounts_at($1, $2, $3, $4) a
      CROSS JOIN LATERAL (
            SELECT c.*
              FROM """
_COUNT: LiteralString = """
    SELECT s.status, count(*) AS orders
      FROM (SELECT c.status
              FROM accounts_at($1, $2, $3, $4) a
              CROSS JOIN LATERAL """
_OPEN: LiteralString = "open_orders(a.account_id, $2, $3, $4) c"
_PLACED: LiteralString = "placed_orders(a.account_id, $9, $2, $3, $4) c"
# As they are now, straight from the table: its index gives them in the order in which they were placed.
_PLACED_NOW: LiteralString = """
            (SELECT p.*
               FROM orders p
              WHERE p.account_id = a.account_id AND p.placed_at > $9 AND p.placed_at <= $2) c"""
_MATCHING: LiteralString = """
             WHERE ($5::text IS NULL OR c.strategy = $5)
               AND ($6::text IS NULL OR strpos(lower(c.symbol), lower($6)) > 0)
               AND ($7::text IS NULL OR c.side = $7)
               AND ($8::text IS NULL OR c.status = $8)
"""
_ENDED: LiteralString = " AND ($10 OR c.status IN ('filled', 'cancelled', 'rejected', 'expired'))"
_COUNTED: LiteralString = "LIMIT 10000) s GROUP BY s.status ORDER BY s.status"

_KEYS: dict[str, LiteralString] = {
    "placed_at": "o.placed_at ASC, o.order_id ASC",
    "at": "o.at ASC, o.order_id ASC",
    "symbol": "o.symbol ASC, o.placed_at DESC, o.order_id DESC",
    "side": "o.side ASC, o.placed_at DESC, o.order_id DESC",
    "status": "o.status ASC, o.placed_at DESC, o.order_id DESC",
    "strategy": "o.strategy ASC NULLS LAST, o.placed_at DESC, o.order_id DESC",
    "quantity": "o.quantity ASC, o.placed_at DESC, o.order_id DESC",
    "progress": "o.filled_quantity / o.quantity ASC, o.placed_at DESC, o.order_id DESC",
    "price": "o.price ASC NULLS LAST, o.placed_at DESC, o.order_id DESC",
    "-placed_at": "o.placed_at DESC, o.order_id DESC",
    "-at": "o.at DESC, o.order_id DESC",
    "-symbol": "o.symbol DESC, o.placed_at DESC, o.order_id DESC",
    "-side": "o.side DESC, o.placed_at DESC, o.order_id DESC",
    "-status": "o.status DESC, o.placed_at DESC, o.order_id DESC",
    "-strategy": "o.strategy DESC NULLS LAST, o.placed_at DESC, o.order_id DESC",
    "-quantity": "o.quantity DESC, o.placed_at DESC, o.order_id DESC",
    "-progress": "o.filled_quantity / o.quantity DESC, o.placed_at DESC, o.order_id DESC",
    "-price": "o.price DESC NULLS LAST, o.placed_at DESC, o.order_id DESC",
}


def _page(
    chosen: LiteralString, order: LiteralString, limit: LiteralString, offset: LiteralString
) -> Query[OrderState]:
    """Each account gives as many as the page may need of it; there is one order, so that pages do not overlap."""
    return Query(
        OrderState,
        _COLUMNS
        + chosen
        + (" ORDER BY " + order.replace("o.", "c.") + " LIMIT " + limit + "::bigint + " + offset + "::bigint")
        + ") o LEFT JOIN instruments i ON i.source = a.source AND i.symbol = o.symbol ORDER BY "
        + (order + ", a.account_id LIMIT " + limit + " OFFSET " + offset),
    )


_OPEN_PAGES = {name: _page(_OPEN + _MATCHING, order, "$9", "$10") for name, order in _KEYS.items()}
_PLACED_PAGES = {name: _page(_PLACED + _MATCHING + _ENDED, order, "$11", "$12") for name, order in _KEYS.items()}
_PLACED_NOW_PAGES = {
    name: _page(_PLACED_NOW + _MATCHING + _ENDED, order, "$11", "$12") for name, order in _KEYS.items()
}

OPEN = _OPEN_PAGES["-placed_at"]
PLACED = _PLACED_PAGES["-placed_at"]
PLACED_NOW = _PLACED_NOW_PAGES["-placed_at"]
OPEN_COUNT = Query(OrdersCount, _COUNT + _OPEN + _MATCHING + _COUNTED)
PLACED_COUNT = Query(OrdersCount, _COUNT + _PLACED + _MATCHING + _ENDED + _COUNTED)
PLACED_NOW_COUNT = Query(OrdersCount, _COUNT + _PLACED_NOW + _MATCHING + _ENDED + _COUNTED)

OrdersFound = Paged[OrderState, list[OrdersCount]]
OPEN_ORDERS = OrdersPage()


async def orders(db: Fetcher, scope: Scope, page: OrdersPage = OPEN_ORDERS) -> OrdersFound:
    """Return one page of the orders that may still fill, or of those placed in the window, and counts by status.

    A past moment shows every order in the state it had then. ``total`` and the summary count up to 10,000 orders that
    match. No items where nothing waits, or nothing was placed.
    """
    arguments = _arguments(scope, page)
    pages, count = _questions(page.state, scope.present)
    items = await pages[page.sort].all(db, *arguments, page.limit, page.offset)
    summary = await count.all(db, *arguments)
    return Paged(items, min(sum(each.orders for each in summary), COUNTED), page.limit, page.offset, summary)


def _arguments(scope: Scope, page: OrdersPage) -> list[object]:
    bounds = scope.bounds()
    wanted = (scope.strategy, page.symbol or None, page.side, page.status)
    arguments: list[object] = [list(scope.accounts), bounds.end, bounds.known_at, scope.present, *wanted]
    return arguments if page.state == "open" else [*arguments, bounds.start, page.state == "all"]


def _listing(scope: Scope, page: OrdersPage, most: int) -> Listing:
    pages, _ = _questions(page.state, scope.present)
    return pages[page.sort], (*_arguments(scope, page), most, 0)


def _questions(state: State, present: bool) -> tuple[dict[str, Query[OrderState]], Query[OrdersCount]]:
    if state == "open":
        return _OPEN_PAGES, OPEN_COUNT
    return (_PLACED_NOW_PAGES, PLACED_NOW_COUNT) if present else (_PLACED_PAGES, PLACED_COUNT)


READ = Read(
    "orders",
    "Orders",
    orders,
    topics=frozenset({Topic.ORDERS, Topic.ACCOUNTS}),
    unit="orders",
    freshness=timedelta(minutes=1),
    params=OrdersPage,
    listing=_listing,
    scalar=lambda found: found.total,
    formula="fill progress = filled quantity / quantity",
)
