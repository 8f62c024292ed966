"""How does what we say of orders become Alpaca's words, and Alpaca's become ours?"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from main.clock import now
from main.domain.events import Fill, Instrument, Order
from main.domain.market import Tick
from main.trading.broker import OrderRequest
from main.venues.alpaca import Execution, VenueOrder

ORDER_KINDS = ("market", "limit", "stop", "stop_limit")


class Translation:
    """Between one account's events and Alpaca's orders, for the symbols that have prices here."""

    def __init__(self, account: str, source: str, instruments: Iterable[Instrument]) -> None:
        self.account = account
        self._source = source
        self._instruments: Mapping[str, Instrument] = {each.symbol: each for each in instruments}
        self._symbols = {symbol.replace("/", ""): symbol for symbol in self._instruments}  # Alpaca writes both
        self._numbered: datetime | None = None  # moment of the last order, and its number among those of the moment
        self._number = 0

    def symbol(self, found: VenueOrder) -> str | None:
        """Return the symbol as the feed writes it; ``None`` where the feed has no such prices."""
        return self._symbols.get(found.symbol.replace("/", ""))

    def order(self, request: OrderRequest, tick: Tick) -> Order:
        """Return a new order, with an id that no other order of the account has."""
        self._number = self._number + 1 if self._numbered == tick.at else 1
        self._numbered = tick.at
        instrument = self._instruments.get(request.symbol)
        return Order(
            at=tick.at,
            account=self.account,
            source=self._source,
            order_id=f"{self.account}-{tick.at:%Y%m%dT%H%M%S%f}-{self._number:04d}",
            symbol=request.symbol,
            side=request.side,
            order_type="market" if request.price is None else "limit",
            status="placed",
            quantity=request.quantity,
            placed_at=tick.at,
            price=request.price,
            exchange=instrument.exchange if instrument else None,
            decision_price=request.decision_price,
            arrival_mid=tick.books[request.symbol].mid,
            strategy=request.strategy,
            model=request.model,
        )

    def adopted(self, found: VenueOrder, symbol: str, coming: Decimal | None) -> Order:
        """Return somebody else's order as it was before the quantity `coming` was executed; ``None``: before any."""
        filled = Decimal(0) if coming is None else max(Decimal(0), found.filled - coming)
        return Order(
            at=now(),
            account=self.account,
            source=self._source,
            order_id=found.order_id,
            symbol=symbol,
            side=found.side,
            order_type=found.kind if found.kind in ORDER_KINDS else "stop",
            status="accepted",
            quantity=found.quantity,
            placed_at=found.submitted_at,
            filled_quantity=filled,
            price=found.price,
            stop_price=found.stop_price,
            average_fill_price=found.average_price if filled else None,
            exchange=self._instruments[symbol].exchange,
        )

    def fill(self, order: Order, execution: Execution) -> Fill:
        """Return an execution of an order. Alpaca takes its fees, where there are any, apart from fills."""
        return Fill(
            at=execution.at,
            account=self.account,
            source=self._source,
            source_id=execution.execution_id,
            symbol=order.symbol,
            side=execution.side,
            quantity=execution.quantity,
            price=execution.price,
            order_id=order.order_id,
            multiplier=self._instruments[order.symbol].multiplier,
            decision_price=order.decision_price,
            arrival_mid=order.arrival_mid,
            strategy=order.strategy,
            model=order.model,
        )


def wire(order: Order) -> dict[str, str]:
    """An order in Alpaca's words. Coins trade around the clock, shares by the day."""
    words = {
        "symbol": order.symbol,
        "qty": f"{order.quantity:f}",
        "side": order.side,
        "type": order.order_type,
        "time_in_force": "gtc" if "/" in order.symbol else "day",
        "client_order_id": order.order_id,
    }
    return words if order.price is None else words | {"limit_price": f"{order.price:f}"}
