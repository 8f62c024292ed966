"""What became of the orders that a bot left open when it ended? Their fills and events say it before we do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from main.domain.events import Event, Fill, Order, OrderEvent
from main.domain.ledger import latest

_OPEN = """
    SELECT at, account_id AS account, source, order_id, symbol, side, order_type, status, quantity, placed_at,
           filled_quantity, price, stop_price, average_fill_price, exchange, decision_price, arrival_mid, strategy,
           model, reason
      FROM orders WHERE account_id = $1 AND status IN ('placed', 'accepted', 'partially_filled')
"""
_ENDINGS = """
    SELECT DISTINCT ON (order_id) order_id, kind, at, reason
      FROM order_events
     WHERE account_id = $1 AND order_id = ANY ($2) AND kind IN ('filled', 'cancelled', 'rejected', 'expired')
     ORDER BY order_id, at DESC, revision DESC
"""
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ending:
    """The event that ended an order."""

    kind: str
    at: datetime
    reason: str | None


async def left_orders(connection: Any, account: str, fills: Iterable[Fill], moment: datetime | None) -> list[Event]:
    """Return what was not written of the orders still open in the database; those that rested expire at `moment`."""
    orders = [Order(**dict(row)) for row in await connection.fetch(_OPEN, account)]
    ids = [order.order_id for order in orders]
    endings = {
        row["order_id"]: Ending(row["kind"], row["at"], row["reason"])
        for row in (await connection.fetch(_ENDINGS, account, ids) if ids else ())
    }
    wanted = set(ids)
    executed: dict[str | None, list[Fill]] = {}
    for fill in latest(fill for fill in fills if fill.order_id in wanted):
        executed.setdefault(fill.order_id, []).append(fill)
    return [
        event
        for order in orders
        for event in settled(order, executed.get(order.order_id, ()), endings.get(order.order_id), moment)
    ]


def settled(order: Order, fills: Sequence[Fill], ending: Ending | None, moment: datetime | None) -> tuple[Event, ...]:
    """Return an order as its fills and its last event leave it, after the event it has not had yet.

    A paper broker that is gone knows of no order, so what was neither filled nor ended expires.
    """
    order = _executed(order, fills)
    if ending is not None:
        return (replace(order, at=max(order.at, ending.at), status=ending.kind, reason=ending.reason),)
    if order.filled_quantity >= order.quantity:
        order = replace(order, status="filled", reason=None)
        return _event(order), order
    at = max(order.at, moment or order.at)
    order = replace(order, at=at, status="expired", reason="the bot was restarted")
    return _event(order), order


def _executed(order: Order, fills: Sequence[Fill]) -> Order:
    quantity = sum((fill.quantity for fill in fills), _ZERO)
    if quantity <= order.filled_quantity:
        return order
    paid = sum((fill.quantity * fill.price for fill in fills), _ZERO)
    at = max(order.at, *(fill.at for fill in fills))
    return replace(order, at=at, filled_quantity=quantity, average_fill_price=paid / quantity)


def _event(order: Order) -> OrderEvent:
    return OrderEvent(
        at=order.at,
        account=order.account,
        source=order.source,
        source_id=f"{order.order_id}-{order.status}",
        order_id=order.order_id,
        kind=order.status,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price=order.price,
        reason=order.reason,
        decision_price=order.decision_price,
        arrival_mid=order.arrival_mid,
        strategy=order.strategy,
        model=order.model,
    )
