"""What does the order book of a simulated symbol look like around its price, and what traded on the way there?"""

import math
from decimal import Decimal
from random import Random
from typing import NamedTuple

from main.domain.market import LEVELS, Book
from main.trading.feeds.sim_listings import LISTINGS, Listing, Regime

BASE_LEVEL_VALUE = 12_000.0  # money shown on a typical level
USUAL_SECONDS = 3.0  # within which about one level trades

_SIDE = tuple[tuple[Decimal, ...], tuple[Decimal, ...]]


class Span(NamedTuple):
    """Where the price of a symbol has been between two ticks, and where it is now."""

    low: float
    high: float
    last: float


class SimBooks:
    """Makes books by chance; prices are multiples of the tick, sizes of the quantity step."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ticks = {each.symbol: (Decimal(each.tick), float(each.tick)) for each in LISTINGS}
        self._steps = {each.symbol: (Decimal(each.quantity_step), float(each.quantity_step)) for each in LISTINGS}

    def book(self, listing: Listing, span: Span, regime: Regime, seconds: float, *, cancel_only: bool) -> Book:
        """Return the book at the end of `span`, of the last `seconds`, with what traded in it."""
        tick, size = self._ticks[listing.symbol]
        price = span.last
        width = max(1, round(price * listing.spread_bps / 10_000 * regime.spread / size))
        bid = max(LEVELS + 1, math.floor(price / size - width / 2 + self._random.random()))
        bids, bid_sizes = self._side(listing, bid, -1, price)
        asks, ask_sizes = self._side(listing, bid + width, 1, price)
        low, high = self._range(span, size, width, seconds)
        volume = self._size(listing, price, 0.8 * max(1.0, seconds / USUAL_SECONDS))
        return Book(
            listing.symbol,
            bids,
            bid_sizes,
            asks,
            ask_sizes,
            low=low * tick,
            high=high * tick,
            volume=volume,
            cancel_only=cancel_only,
        )

    def _side(self, listing: Listing, nearest: int, direction: int, price: float) -> _SIDE:
        tick, size = self._ticks[listing.symbol]
        gap = max(1, round(price * listing.spread_bps / 10_000 / size / 2))
        prices, sizes, level = [], [], nearest
        for depth in range(LEVELS):
            prices.append(level * tick)
            sizes.append(self._size(listing, price, 1.0 + 0.5 * depth))
            level += direction * (1 + int(self._random.random() * gap))
        return tuple(prices), tuple(sizes)

    def _size(self, listing: Listing, price: float, weight: float) -> Decimal:
        step, size = self._steps[listing.symbol]
        money = BASE_LEVEL_VALUE * weight * math.exp(self._random.gauss(0.0, 0.6))
        return max(1, round(money / price / size)) * step

    def _range(self, span: Span, size: float, width: int, seconds: float) -> tuple[int, int]:
        """Lowest and highest trade, in ticks: impatient ones reach past the spread before the price returns.

        The longer one waits, the further the most impatient of them has reached.
        """
        longer = 1.0 + 2.0 * math.log(max(1.0, seconds / USUAL_SECONDS))
        reach = [width * longer * (0.5 + self._random.expovariate(6.0)) for _ in range(2)]
        low = max(1, math.floor(span.low / size - reach[0]))
        return low, max(low, math.ceil(span.high / size + reach[1]))
