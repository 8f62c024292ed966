"""Order book: who stands where, how deep, and on which side more?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from main.analytics.figure import Figure, missing
from main.analytics.microstructure import LEVELS, imbalance
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a side; ``cumulative`` is the size from the best price to this one."""

    price: Decimal
    size: Decimal
    cumulative: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """One book, each side nearest first; a side is empty where nobody recorded its levels.

    ``imbalance`` is in [-1, 1], above 0 where buyers stand deeper; depths are over the top five levels.
    """

    source: str
    symbol: str
    currency: str
    tick: Decimal
    quantity_step: Decimal
    at: datetime
    mid_price: Decimal
    best_bid: Decimal | None
    best_ask: Decimal | None
    spread_bps: Decimal | None
    bid_depth: Decimal | None
    ask_depth: Decimal | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    imbalance: Figure


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A book as it is stored."""

    source: str
    symbol: str
    currency: str
    tick: Decimal
    quantity_step: Decimal
    at: datetime
    mid: Decimal
    best_bid: Decimal | None
    best_ask: Decimal | None
    spread_bps: Decimal | None
    bid_depth: Decimal | None
    ask_depth: Decimal | None
    bid_prices: list[Decimal]
    bid_sizes: list[Decimal]
    ask_prices: list[Decimal]
    ask_sizes: list[Decimal]


NEWEST = Query(
    Snapshot,
    """
    SELECT i.source, i.symbol, i.currency, i.tick::numeric AS tick, i.quantity_step::numeric AS quantity_step,
           b.at::timestamptz AS at, b.mid::numeric AS mid, b.best_bid::numeric AS best_bid,
           b.best_ask::numeric AS best_ask, b.spread_bps::numeric AS spread_bps, b.bid_depth::numeric AS bid_depth,
           b.ask_depth::numeric AS ask_depth, b.bid_prices, b.bid_sizes, b.ask_prices, b.ask_sizes
      FROM traded_instruments($1, $2, $3, $4, $5) i
      CROSS JOIN LATERAL newest_book(i.source, i.symbol, $2, $3) b
     ORDER BY i.source, i.symbol
     LIMIT 1
    """,
)


@dataclass(frozen=True, slots=True)
class BookParams:
    """Params: which symbol; ``None`` is the first by source and name that has a book."""

    symbol: str | None = None


async def order_book(db: Fetcher, scope: Scope, asked: BookParams | None = None) -> OrderBook | None:
    """Return the newest book of one symbol, ``None`` where none was recorded or its snapshots are purged.

    Prices are in the symbol's currency, sizes in its units. The imbalance is missing for an empty book.
    """
    bounds = scope.bounds()
    symbol = asked.symbol if asked else None
    found = await NEWEST.first(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, symbol)
    return _book(found) if found is not None else None


def _book(row: Snapshot) -> OrderBook:
    bid_depth = _depth(row.bid_sizes, row.bid_depth)
    ask_depth = _depth(row.ask_sizes, row.ask_depth)
    imbalanced = missing("the depth was not recorded")
    if bid_depth is not None and ask_depth is not None:
        imbalanced = imbalance(float(bid_depth), float(ask_depth))
    return OrderBook(
        row.source,
        row.symbol,
        row.currency,
        row.tick,
        row.quantity_step,
        row.at,
        row.mid,
        row.best_bid,
        row.best_ask,
        row.spread_bps,
        bid_depth,
        ask_depth,
        _levels(row.bid_prices, row.bid_sizes),
        _levels(row.ask_prices, row.ask_sizes),
        imbalanced,
    )


def _levels(prices: Sequence[Decimal], sizes: Sequence[Decimal]) -> tuple[Level, ...]:
    return tuple(Level(*each) for each in zip(prices, sizes, accumulate(sizes), strict=True))


def _depth(sizes: Sequence[Decimal], recorded: Decimal | None) -> Decimal | None:
    return sum(sizes[:LEVELS], Decimal(0)) if sizes else recorded


READ = Read(
    "order_book",
    "Order book",
    order_book,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="the symbol's currency",
    freshness=timedelta(minutes=1),
    params=BookParams,
    as_of=lambda book: book.at if book else None,
    scalar=lambda book: book.imbalance.value if book else None,
    formula="imbalance = (bid depth − ask depth) / (bid depth + ask depth), over the top 5 levels",
)
