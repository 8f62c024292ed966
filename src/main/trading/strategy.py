"""What should the bot do now? What a strategy sees and what it may ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol, runtime_checkable

from main.domain.events import Instrument, Order
from main.domain.market import Tick
from main.trading.broker import OrderRequest


@dataclass(frozen=True, slots=True)
class Situation:
    """All a strategy decides on. ``held`` is signed quantity by symbol; ``position_limit`` is money, for each symbol.

    Money is in account currency; ``rates`` turns a symbol's prices into it, and a symbol that is missing needs no rate.
    ``volatility`` is the standard deviation of the log-return of one tick, by symbol; missing until it is known.
    ``risk_factor`` in (0, 1] scales the size of what is newly opened. ``daily_closes`` are those of the account's past
    trading days by symbol, oldest first, adjusted where that is known; ``day`` names the trading day that goes on.
    """

    tick: Tick
    held: Mapping[str, Decimal]
    open_orders: Sequence[Order]
    volatility: Mapping[str, float]
    equity: Decimal
    position_limit: Decimal
    risk_factor: Decimal
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    daily_closes: Mapping[str, Sequence[Decimal]] = field(default_factory=dict)
    day: date | None = None

    def unit_value(self, instrument: Instrument) -> Decimal:
        """Return the market value of one unit at the mid, in account currency. The tick must have the symbol's book."""
        book, rate = self.tick.books[instrument.symbol], self.rates.get(instrument.symbol, Decimal(1))
        return book.mid * instrument.multiplier * rate


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a strategy wants: orders to be cancelled, with the reason, and orders to be placed after that.

    ``reason`` says for people why it changed its mind; it is empty when it did not.
    """

    cancel: tuple[tuple[str, str], ...] = ()
    place: tuple[OrderRequest, ...] = ()
    reason: str = ""


class Strategy(Protocol):
    """Turns a situation into wishes. It keeps no books: positions and orders are told to it."""

    name: str
    models: tuple[str, ...]
    """Name and version of the models it trades on."""

    def decide(self, situation: Situation) -> Wishes:
        """Return what to do at this tick."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A strategy with a memory of its own: what an earlier run of a replay has decided on is told to it again."""

    def learn(self, situation: Situation) -> None:
        """Take in a past situation; what is asked for is not done. Its open orders are unknown: there are none."""
        ...


StrategyInstruments = Mapping[str, Instrument]
"""What a strategy is made with: the feed's instruments by symbol."""
