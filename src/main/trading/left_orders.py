"""What became of the orders that a bot left open when it ended? Their fills and events say it before we do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from main.domain.events import Event, Fill, Order, OrderEvent
from main.domain.ledger import latest
from main.trading.broker import LeftOrder, step_of

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
_STEPS = """
    SELECT order_id, count(*) AS steps, max(reason) FILTER (WHERE kind = 'placed') AS purpose
      FROM order_events WHERE account_id = $1 AND order_id = ANY ($2) AND revision = 0 GROUP BY order_id
"""
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ending:
    """The event that ended an order."""

    kind: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class LeftOrders:
    """What was not written of orders that had ended, and those that may rest on, as their fills leave them."""

    ended: tuple[Event, ...]
    resting: tuple[LeftOrder, ...]


async def left_orders(connection: Any, account: str, fills: Iterable[Fill]) -> LeftOrders:
    """Return what became of the orders that are still open in the database."""
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
    orders = [_executed(order, executed.get(order.order_id, ())) for order in orders]
    events = {order.order_id: _ended(order, endings.get(order.order_id)) for order in orders}
    resting = [order for order in orders if not events[order.order_id]]
    rows = await connection.fetch(_STEPS, account, [order.order_id for order in resting]) if resting else ()
    steps = {row["order_id"]: row for row in rows}
    return LeftOrders(
        ended=tuple(event for each in events.values() for event in each),
        resting=tuple(_resting(order, steps.get(order.order_id)) for order in resting),
    )


def _resting(order: Order, steps: Any) -> LeftOrder:
    return LeftOrder(order, (steps and steps["purpose"]) or "signal", steps["steps"] if steps else 0)


def expired(order: Order, moment: datetime | None) -> tuple[Event, ...]:
    """Return the end of an order that rested with a broker who is gone: it expires at `moment`."""
    order = replace(order, at=max(order.at, moment or order.at), status="expired", reason="the bot was restarted")
    return _event(order), order


def _ended(order: Order, ending: Ending | None) -> tuple[Event, ...]:
    """The order as its last event leaves it, after the event it has not had yet; nothing of one that may rest on."""
    if ending is not None:
        return (replace(order, at=max(order.at, ending.at), status=ending.kind, reason=ending.reason),)
    if order.filled_quantity >= order.quantity:
        order = replace(order, status="filled", reason=None)
        return _event(order), order
    return ()


def _executed(order: Order, fills: Sequence[Fill]) -> Order:
    quantity = sum((fill.quantity for fill in fills), _ZERO)
    if quantity <= order.filled_quantity:
        return order
    paid = sum((fill.quantity * fill.price for fill in fills), _ZERO)
    at = max(order.at, *(fill.at for fill in fills))
    return replace(order, at=at, filled_quantity=quantity, average_fill_price=paid / quantity)


def _event(order: Order) -> OrderEvent:
    return step_of(order, f"{order.order_id}-{order.status}", order.at)
