"""Which lines of the JSONL logs does an event become?

An event knows less than its line says: the type of an order, the position after a fill and the account's value come
from what was recorded before. Where nothing was, the line says null.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from main.domain.events import Equity, Event, Fill, Order, OrderEvent, Position, SystemEvent
from main.recording.encoding import json_of

ORDERS_KNOWN = 10_000
Line = tuple[str, str, str]  # account, file, JSON


class Mirrored:
    """Turns events, in the order in which they were recorded, into lines."""

    def __init__(self) -> None:
        self._order_types: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._positions: dict[str, dict[str, Position]] = {}  # by account and id; the active ones
        self._quantities: dict[tuple[str, str], Decimal] = {}  # by account and symbol, signed
        self._nav: dict[str, Decimal] = {}

    def lines(self, event: Event) -> Iterator[Line]:
        """Yield the lines of an event: none for a state, which only tells what later lines say."""
        match event:
            case OrderEvent():
                yield event.account, "orders.jsonl", self._order(event)
            case Fill():
                yield event.account, "trades.jsonl", self._trade(event)
            case Equity():
                self._nav[event.account] = event.equity
                yield event.account, "performance.jsonl", self._performance(event)
            case SystemEvent(severity="error" | "critical"):
                yield event.account or "", "errors.jsonl", self._error(event)
            case Order():
                self._know_order(event)
            case Position():
                self._know_position(event)

    def _order(self, event: OrderEvent) -> str:
        return _line(
            timestamp=event.at,
            event_type=event.kind,
            order_id=event.order_id,
            symbol=event.symbol,
            side=event.side,
            quantity=event.quantity,
            price=event.price,
            order_type=self._order_types.get((event.account, event.order_id)),
            status=event.kind,
            nav=self._nav.get(event.account),
            model=event.model,
        )

    def _trade(self, event: Fill) -> str:
        place = event.account, event.symbol
        if place in self._quantities:
            self._quantities[place] += event.quantity if event.side == "buy" else -event.quantity
        return _line(
            timestamp=event.at,
            event_type="fill",
            order_id=event.order_id,
            symbol=event.symbol,
            side=event.side,
            quantity=event.quantity,
            price=event.price,
            value=event.quantity * event.price * event.multiplier,
            new_position=self._quantities.get(place),
            nav=self._nav.get(event.account),
        )

    def _performance(self, event: Equity) -> str:
        positions = self._positions.get(event.account)
        if positions is None and event.gross_exposure == 0:  # it says itself that nothing is held
            positions = {}
        return _line(
            timestamp=event.at,
            event_type="performance",
            nav=event.equity,
            cash=event.cash,
            positions_count=None if positions is None else len(positions),
            positions=None if positions is None else {each.symbol: _held(each) for each in positions.values()},
            buying_power=event.available_margin,
            cycle_timestamp=event.at,
        )

    def _error(self, event: SystemEvent) -> str:
        order = json.loads(json_of(event.details)) if event.details else None
        return _line(timestamp=event.at, error=event.message, order_data=order)

    def _know_order(self, event: Order) -> None:
        self._order_types[event.account, event.order_id] = event.order_type
        self._order_types.move_to_end((event.account, event.order_id))
        if len(self._order_types) > ORDERS_KNOWN:
            self._order_types.popitem(last=False)

    def _know_position(self, event: Position) -> None:
        held = self._positions.setdefault(event.account, {})
        held.pop(event.position_id, None)
        if event.is_active:
            held[event.position_id] = event
        self._quantities[event.account, event.symbol] = sum(
            (_signed(each) for each in held.values() if each.symbol == event.symbol), Decimal(0)
        )


def _signed(position: Position) -> Decimal:
    return position.quantity if position.side == "long" else -position.quantity


def _held(position: Position) -> Mapping[str, Any]:
    return {
        "quantity": _signed(position),
        "entry_price": position.entry_price,
        "current_price": position.current_price,
        "unrealized_pnl": position.unrealized_pnl,
    }


def _line(**fields: Any) -> str:
    return _json(fields)


def _json(value: Any) -> str:
    """JSON with numbers in all their digits, which `json.dumps` has not got for a Decimal."""
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return f'"{value.isoformat()}"'
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(str(key))}: {_json(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_json, value)) + "]"
    return json.dumps(value)
