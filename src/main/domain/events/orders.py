"""What was ordered, and what was executed?"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from main.domain.events.base import Event, Fact
from main.domain.topics import Topic
from main.errors import RecordRejected

SIDES = ("buy", "sell")
ORDER_KINDS = ("placed", "accepted", "partially_filled", "filled", "cancelled", "rejected", "expired")
OPEN_ORDER_STATES = ("placed", "accepted", "partially_filled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Event):
    """The current state of an order."""

    table = "orders"
    topic = Topic.ORDERS
    replaces = ("account_id", "order_id")
    positive = frozenset({"quantity"})
    choices = {"side": SIDES, "status": ORDER_KINDS, "order_type": ("market", "limit", "stop", "stop_limit")}

    account: str
    source: str
    order_id: str
    symbol: str
    side: str
    order_type: str
    status: str
    quantity: Decimal
    placed_at: datetime
    filled_quantity: Decimal = Decimal(0)
    price: Decimal | None = None
    stop_price: Decimal | None = None
    average_fill_price: Decimal | None = None
    exchange: str | None = None
    decision_price: Decimal | None = None
    arrival_mid: Decimal | None = None
    strategy: str | None = None
    model: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Fact):
    """One step in the life of an order."""

    table = "order_events"
    topic = Topic.ORDERS
    positive = frozenset({"quantity"})
    choices = {"side": SIDES, "kind": ORDER_KINDS}

    order_id: str
    kind: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal | None = None
    reason: str | None = None
    decision_price: Decimal | None = None
    arrival_mid: Decimal | None = None
    strategy: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill(Fact):
    """An execution. A bust is a revision with quantity 0.

    The price is in the instrument's currency; the fee in the account's, positive when paid.
    """

    table = "fills"
    topic = Topic.FILLS
    positive = frozenset({"price", "multiplier"})
    choices = {"side": SIDES, "liquidity": ("maker", "taker")}

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    order_id: str | None = None
    multiplier: Decimal = Decimal(1)
    fee: Decimal = Decimal(0)
    liquidity: str | None = None
    decision_price: Decimal | None = None
    arrival_mid: Decimal | None = None
    strategy: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        if self.quantity < 0 or (self.quantity == 0 and self.revision == 0):
            raise RecordRejected("quantity", self.quantity, "expected above 0 (0 only in a revision, for a bust)")
