"""What can be traded, and what does the market say?"""

from dataclasses import dataclass
from decimal import Decimal

from main.domain.events.base import Event
from main.domain.topics import Topic
from main.errors import RecordRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Event):
    """Something that can be traded, by source of its prices. ``currency`` is that of its price."""

    table = "instruments"
    topic = Topic.MARKET
    replaces = ("source", "symbol")
    positive = frozenset({"multiplier", "tick", "quantity_step"})

    source: str
    symbol: str
    currency: str
    exchange: str | None = None
    instrument_token: str | None = None
    segment: str | None = None
    sector: str | None = None
    multiplier: Decimal = Decimal(1)
    tick: Decimal = Decimal("0.01")
    quantity_step: Decimal = Decimal(1)
    calendar: str = "24/7"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot(Event):
    """An order book: mid, best prices and up to five levels a side, nearest first."""

    table = "market_snapshots"
    topic = Topic.MARKET
    droppable = True
    positive = frozenset({"mid", "best_bid", "best_ask"})

    source: str
    symbol: str
    mid: Decimal
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None
    spread_bps: Decimal | None = None
    bid_prices: tuple[Decimal, ...] = ()
    bid_sizes: tuple[Decimal, ...] = ()
    ask_prices: tuple[Decimal, ...] = ()
    ask_sizes: tuple[Decimal, ...] = ()
    bid_depth: Decimal | None = None
    ask_depth: Decimal | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate(Event):
    """What one unit of ``base`` is worth in ``quote``."""

    table = "fx_rates"
    topic = Topic.MARKET
    positive = frozenset({"rate"})

    source: str
    base: str
    quote: str
    rate: Decimal
    revision: int = 0

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.base == self.quote:
            raise RecordRejected("quote", self.quote, "expected another currency than base")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle(Event):
    """A bar that has closed; ``at`` is when it opened. ``None`` for a volume that nobody knows."""

    table = "market_data"
    topic = Topic.MARKET
    droppable = True
    positive = frozenset({"open", "high", "low", "close", "adjusted_close"})
    choices = {"interval": ("1m", "5m", "15m", "1h", "1d")}

    source: str
    symbol: str
    interval: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    adjusted_close: Decimal | None = None
    revision: int = 0

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.high < self.low:
            raise RecordRejected("high", self.high, "expected no less than low")
        if self.volume is not None and self.volume < 0:
            raise RecordRejected("volume", self.volume, "expected 0 or above")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLevel(Event):
    """The level of an index, of a measure of volatility or of market breadth."""

    table = "market_indices"
    topic = Topic.MARKET
    droppable = True
    choices = {"kind": ("index", "volatility", "breadth")}

    source: str
    name: str
    kind: str
    level: Decimal
    revision: int = 0
