"""Can a published order book be traded on? Only then does it become a book."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from main.domain.market import LEVELS, Book
from main.errors import FeedError
from main.venues.exchange import PublicTrade, PublishedBook

Side = tuple[tuple[Decimal, ...], tuple[Decimal, ...]]


def checked(
    symbol: str, published: PublishedBook, traded: Sequence[PublicTrade] | None, *, not_before: datetime
) -> Book:
    """Return the book of `symbol`, with the range that `traded` covers; ``None`` of trades is "nobody knows".

    Raise `FeedError` that names what is wrong with it: a side is empty, a price or size is no number above 0, the
    levels are out of order, bid and ask cross, or it is older than `not_before`.
    """
    if published.at is not None and published.at < not_before:
        raise FeedError(f"the book is an old one, of {published.at:%Y-%m-%d %H:%M:%S} UTC")
    bids, bid_sizes = _side(published.bids, "bid", -1)
    asks, ask_sizes = _side(published.asks, "ask", 1)
    if bids[0] >= asks[0]:
        raise FeedError("the book is crossed")
    return Book(
        symbol,
        bids,
        bid_sizes,
        asks,
        ask_sizes,
        low=min((trade.price for trade in traded or ()), default=None),
        high=max((trade.price for trade in traded or ()), default=None),
        volume=None if traded is None else sum((trade.quantity for trade in traded), Decimal(0)),
    )


def _side(levels: Sequence[tuple[Decimal | None, Decimal | None]], name: str, direction: int) -> Side:
    prices, sizes = [], []
    for price, size in levels[:LEVELS]:
        if size == 0:
            continue  # a level that was taken a moment ago
        if price is None or size is None or price <= 0 or size <= 0:
            raise FeedError(f"the book has {'an' if name == 'ask' else 'a'} {name} that is no number above 0")
        prices.append(price)
        sizes.append(size)
    if not prices:
        raise FeedError(f"the book has no {name}s")
    if any((after - before) * direction <= 0 for before, after in pairwise(prices)):
        raise FeedError(f"the book has {name}s out of order")
    return tuple(prices), tuple(sizes)
