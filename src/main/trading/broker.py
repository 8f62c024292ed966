"""Who executes orders? What a broker is asked and what it answers, whatever stands behind it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from main.domain.events import Fill, Order, OrderEvent
from main.domain.market import Tick

Report = OrderEvent | Order | Fill
"""What a broker tells: steps of orders, their state after it, executions; in the order they happened."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order somebody wants. ``price`` is ``None`` for a market order; ``decision_price`` the mid it was decided on.

    ``purpose`` becomes the exit type of the trades it closes.
    """

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal | None
    decision_price: Decimal
    strategy: str
    purpose: str = "signal"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOrder:
    """An order that was open when an earlier run ended, what it was placed for and how many events it has had."""

    order: Order
    purpose: str
    steps: int


def executed(order: Order, quantity: Decimal, price: Decimal) -> Order:
    """Return an order after an execution; its status is the caller's to say."""
    filled = order.filled_quantity + quantity
    paid = (order.average_fill_price or Decimal(0)) * order.filled_quantity + price * quantity
    return replace(order, filled_quantity=filled, average_fill_price=paid / filled)


def step_of(
    order: Order, source_id: str, at: datetime, quantity: Decimal | None = None, price: Decimal | None = None
) -> OrderEvent:
    """Return the event that an order has come to its status; of an execution, say its `quantity` and `price`."""
    return OrderEvent(
        at=at,
        account=order.account,
        source=order.source,
        source_id=source_id,
        order_id=order.order_id,
        kind=order.status,
        symbol=order.symbol,
        side=order.side,
        quantity=quantity or order.quantity,
        price=price or order.price,
        reason=order.reason,
        decision_price=order.decision_price,
        arrival_mid=order.arrival_mid,
        strategy=order.strategy,
        model=order.model,
    )


class Broker(Protocol):
    """Takes orders and tells what becomes of them. Raise `BrokerError` when it cannot be asked."""

    name: str

    @property
    def open_orders(self) -> Sequence[Order]:
        """The orders that may still fill, oldest first."""
        ...

    def purpose(self, order_id: str) -> str:
        """Return what an order was placed for."""
        ...

    async def advance(self, tick: Tick) -> Sequence[Report]:
        """Move on to a new tick and tell what happened since the last one."""
        ...

    async def place(self, request: OrderRequest, tick: Tick, refusal: str = "") -> Sequence[Report]:
        """Place an order and tell what happened to it at once.

        With a `refusal`, the bot's own risk rules have said no: the order is told as rejected and goes nowhere.
        """
        ...

    async def cancel(self, order_id: str, at: datetime, reason: str) -> Sequence[Report]:
        """Cancel an order; nothing is told of one that is not open."""
        ...


@runtime_checkable
class RemoteBroker(Protocol):
    """A broker at a venue, where orders outlive the bot. It has to be opened before anything else is asked of it."""

    cash: Decimal
    """What the account at the venue had when it was opened, in the account's currency."""

    async def open(self, left: Iterable[LeftOrder], since: datetime | None, known: Callable[[Fill], bool]) -> None:
        """Take up the account: `left` are an earlier run's open orders, `since` its last moment, `known` its fills.

        Raise `BrokerSilent` when the venue does not answer now, `BrokerError` when it never will.
        """
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


@runtime_checkable
class RelivingBroker(Protocol):
    """A broker that lives in the market it is shown, and can be brought back to where an earlier run left it."""

    def resume(self, orders: Iterable[LeftOrder]) -> None:
        """Take over the open orders. Called once, before the first tick is relived."""
        ...

    def relive(self, tick: Tick) -> None:
        """Take in a tick of the past, at which nothing new is told."""
        ...
