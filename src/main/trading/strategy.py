"""What should the bot do now? What a strategy sees and what it may ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from main.domain.events import Instrument, Order
from main.domain.market import Tick
from main.trading.broker import OrderRequest


@dataclass(frozen=True, slots=True)
class Situation:
    """All a strategy decides on. ``held`` is signed quantity by symbol; ``position_limit`` is money, for each symbol.

    ``volatility`` is the standard deviation of the log-return of one tick, by symbol; missing until it is known.
    ``risk_factor`` in (0, 1] scales the size of what is newly opened.
    """

    tick: Tick
    held: Mapping[str, Decimal]
    open_orders: Sequence[Order]
    volatility: Mapping[str, float]
    equity: Decimal
    position_limit: Decimal
    risk_factor: Decimal


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a strategy wants: orders to be cancelled, with the reason, and orders to be placed after that."""

    cancel: tuple[tuple[str, str], ...] = ()
    place: tuple[OrderRequest, ...] = ()


class Strategy(Protocol):
    """Turns a situation into wishes. It keeps no books: positions and orders are told to it."""

    name: str

    def decide(self, situation: Situation) -> Wishes:
        """Return what to do at this tick."""
        ...


StrategyInstruments = Mapping[str, Instrument]
"""What a strategy is made with: the feed's instruments by symbol."""
