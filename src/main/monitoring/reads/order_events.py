"""Order events: what happened to orders, step by step?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, LiteralString, get_args

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.order_filter import COUNTED, OrderFilter, OrderKind, check_kind, check_text
from main.monitoring.paging import Paged, check_choice
from main.monitoring.read import Listing, Read
from main.monitoring.trade_filter import window_arguments

Sort = Literal["at", "symbol", "kind", "quantity", "-at", "-symbol", "-kind", "-quantity"]


@dataclass(frozen=True, slots=True)
class OrderEventsPage(OrderFilter):
    """Which steps, of all orders or of one (``order_id``), sorted how (``-`` is descending), which part of them."""

    kind: OrderKind | None = None
    order_id: str | None = None
    sort: Sort = "-at"

    def __post_init__(self) -> None:
        OrderFilter.__post_init__(self)
        check_kind("kind", self.kind)
        check_text("order_id", self.order_id)
        check_choice("sort", self.sort, get_args(Sort))


@dataclass(frozen=True, slots=True)
class OrderStep:
    """One step in the life of an order. ``quantity`` and ``price`` of a fill are its own, else the order's.

    Prices are in the instrument's currency, in steps of ``tick``.
    """

    at: datetime
    account: str
    label: str
    order_id: str
    kind: str
    symbol: str
    side: str
    quantity: Decimal
    quantity_step: Decimal | None
    price: Decimal | None
    tick: Decimal | None
    reason: str | None
    decision_price: Decimal | None
    arrival_mid: Decimal | None
    strategy: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class StepsCount:
    """How many of the matching steps are of a kind."""

    kind: str
    events: int


_COLUMNS: LiteralString = """
    SELECT e.at::timestamptz AS at, a.account_id AS account, a.label, e.order_id, e.kind, e.symbol, e.side,
           e.quantity::numeric AS quantity, i.quantity_step::numeric AS quantity_step, e.price::numeric AS price,
           i.tick::numeric AS tick, e.reason, e.decision_price::numeric AS decision_price,
           e.arrival_mid::numeric AS arrival_mid, e.strategy, e.model
      FROM accounts_at($1, $3, $4, $5) a
      CROSS JOIN LATERAL (
            SELECT c.*
              FROM
"""
_COUNT: LiteralString = """
    SELECT s.kind, count(*) AS events
      FROM (SELECT c.kind
              FROM accounts_at($1, $3, $4, $5) a
              CROSS JOIN LATERAL
"""
_MATCHING: LiteralString = """
              known_order_events(a.account_id, $2, $3, $4, $6) c
             WHERE ($7::text IS NULL OR strpos(lower(c.symbol), lower($7)) > 0)
               AND ($8::text IS NULL OR c.side = $8)
               AND ($9::text IS NULL OR c.kind = $9)
               AND ($10::text IS NULL OR c.order_id = $10)
"""
_KEYS: dict[str, LiteralString] = {
    "at": "e.at ASC, e.source ASC, e.source_id ASC",
    "symbol": "e.symbol ASC, e.at DESC, e.source DESC, e.source_id DESC",
    "kind": "e.kind ASC, e.at DESC, e.source DESC, e.source_id DESC",
    "quantity": "e.quantity ASC, e.at DESC, e.source DESC, e.source_id DESC",
    "-at": "e.at DESC, e.source DESC, e.source_id DESC",
    "-symbol": "e.symbol DESC, e.at DESC, e.source DESC, e.source_id DESC",
    "-kind": "e.kind DESC, e.at DESC, e.source DESC, e.source_id DESC",
    "-quantity": "e.quantity DESC, e.at DESC, e.source DESC, e.source_id DESC",
}


def _page(order: LiteralString) -> Query[OrderStep]:
    """Each account gives as many as the page may need of it; there is one order, so that pages do not overlap."""
    return Query(
        OrderStep,
        _COLUMNS
        + _MATCHING
        + (" ORDER BY " + order.replace("e.", "c.") + " LIMIT $11::bigint + $12::bigint) e")
        + " LEFT JOIN instruments i ON i.source = a.source AND i.symbol = e.symbol ORDER BY "
        + (order + ", a.account_id LIMIT $11 OFFSET $12"),
    )


_PAGES = {name: _page(order) for name, order in _KEYS.items()}

NEWEST = _PAGES["-at"]
COUNT = Query(StepsCount, _COUNT + _MATCHING + "LIMIT 10000) s GROUP BY s.kind ORDER BY s.kind")

StepsFound = Paged[OrderStep, list[StepsCount]]
NEWEST_STEPS = OrderEventsPage()


async def order_events(db: Fetcher, scope: Scope, page: OrderEventsPage = NEWEST_STEPS) -> StepsFound:
    """Return one page of the steps of orders in the scope's window, newest first, and counts by kind.

    A step counts with the highest revision known. ``total`` and the summary count up to 10,000 steps that match. No
    items where nothing was ordered.
    """
    arguments = _arguments(scope, page)
    items = await _PAGES[page.sort].all(db, *arguments, page.limit, page.offset)
    summary = await COUNT.all(db, *arguments)
    return Paged(items, min(sum(each.events for each in summary), COUNTED), page.limit, page.offset, summary)


def _arguments(scope: Scope, page: OrderEventsPage) -> tuple[object, ...]:
    wanted = (page.symbol or None, page.side, page.kind, page.order_id or None)
    return (*window_arguments(scope), scope.strategy, *wanted)


def _listing(scope: Scope, page: OrderEventsPage, most: int) -> Listing:
    return _PAGES[page.sort], (*_arguments(scope, page), most, 0)


READ = Read(
    "order_events",
    "Order events",
    order_events,
    topics=frozenset({Topic.ORDERS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    params=OrderEventsPage,
    listing=_listing,
    formula="newest revision of each step",
)
