"""What the market looks like at one moment: order books, bars and ticks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from main.domain.events import MarketSnapshot

LEVELS = 5
"""How many levels a side are shown and recorded."""

_BASIS_POINTS = Decimal(10_000)
_SPREAD_DIGITS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Bar:
    """One OHLCV bar. ``adjusted_close`` and ``volume`` are ``None`` where the file has no such column."""

    symbol: str
    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    adjusted_close: Decimal | None = None


@dataclass(frozen=True)
class Book:
    """The order book of one symbol, nearest level first, and what traded since the book before it.

    Both sides have at least one level. ``low`` and ``high`` are the range of the prices traded since the last book;
    ``None`` where nothing traded or nobody knows. ``volume`` is what traded, in units of the symbol. While a book is
    ``cancel_only`` its venue takes no new orders.
    """

    symbol: str
    bid_prices: tuple[Decimal, ...]
    bid_sizes: tuple[Decimal, ...]
    ask_prices: tuple[Decimal, ...]
    ask_sizes: tuple[Decimal, ...]
    low: Decimal | None = None
    high: Decimal | None = None
    volume: Decimal | None = None
    cancel_only: bool = False

    @property
    def best_bid(self) -> Decimal:
        """The highest price bid."""
        return self.bid_prices[0]

    @property
    def best_ask(self) -> Decimal:
        """The lowest price asked."""
        return self.ask_prices[0]

    @cached_property
    def mid(self) -> Decimal:
        """The price halfway between the best bid and the best ask; the mark of positions."""
        return (self.bid_prices[0] + self.ask_prices[0]) / 2

    @property
    def spread_bps(self) -> Decimal:
        """(ask − bid) / mid · 10⁴, to four decimals."""
        return ((self.best_ask - self.best_bid) / self.mid * _BASIS_POINTS).quantize(_SPREAD_DIGITS)

    def opposite(self, side: str) -> tuple[tuple[Decimal, Decimal], ...]:
        """Return the levels, as (price, size), that an order of this side ("buy" or "sell") would take."""
        if side == "buy":
            return tuple(zip(self.ask_prices, self.ask_sizes, strict=True))
        return tuple(zip(self.bid_prices, self.bid_sizes, strict=True))

    def displayed(self, side: str, price: Decimal) -> Decimal:
        """Return the size shown at `price` on the side an order of `side` rests on; 0 where there is none."""
        prices, sizes = (self.bid_prices, self.bid_sizes) if side == "buy" else (self.ask_prices, self.ask_sizes)
        return next((size for level, size in zip(prices, sizes, strict=True) if level == price), Decimal(0))

    def snapshot(self, source: str, at: datetime) -> MarketSnapshot:
        """Return the book as the event that is recorded."""
        return MarketSnapshot(
            at=at,
            source=source,
            symbol=self.symbol,
            mid=self.mid,
            best_bid=self.best_bid,
            best_ask=self.best_ask,
            spread_bps=self.spread_bps,
            bid_prices=self.bid_prices[:LEVELS],
            bid_sizes=self.bid_sizes[:LEVELS],
            ask_prices=self.ask_prices[:LEVELS],
            ask_sizes=self.ask_sizes[:LEVELS],
            bid_depth=sum(self.bid_sizes[:LEVELS], Decimal(0)),
            ask_depth=sum(self.ask_sizes[:LEVELS], Decimal(0)),
        )


@dataclass(frozen=True, slots=True)
class Tick:
    """All books of a feed at one moment of its clock, and what else is known of the market then.

    ``rates[(base, quote)]`` is what one unit of `base` is worth in `quote`; ``levels[name]`` is the kind ("index",
    "volatility" or "breadth") and the level. ``regime`` is what the feed knows of the market's state; strategies
    estimate it themselves.
    """

    at: datetime
    books: Mapping[str, Book]
    rates: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, Decimal]] = field(default_factory=dict)
    regime: str | None = None
