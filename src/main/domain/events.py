"""What a bot tells: immutable events, one class a table, with the rules a value must meet before it may be stored.

Facts are append-only and carry the two clocks' key ``(account, source, source_id, revision)``; states replace what was
known before. Quantities and money are `Decimal`, moments aware UTC. Constructors raise `RecordRejected`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from main.domain.scope import ACCOUNT_PATTERN
from main.domain.topics import Topic
from main.errors import RecordRejected

SIDES = ("buy", "sell")
ORDER_KINDS = ("placed", "accepted", "partially_filled", "filled", "cancelled", "rejected", "expired")
OPEN_ORDER_STATES = ("placed", "accepted", "partially_filled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing to record. Subclasses name their table and the topic announced after the commit.

    ``droppable`` events may be given up first when a buffer is full: their successor soon says the same.
    """

    table: ClassVar[str]
    topic: ClassVar[Topic]
    droppable: ClassVar[bool] = False
    replaces: ClassVar[tuple[str, ...]] = ()  # key of a state that a newer event overwrites; empty for facts
    positive: ClassVar[frozenset[str]] = frozenset()
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    at: datetime

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(self, spec.name, getattr(self, spec.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Event):
    """An append-only event of an account."""

    account: str
    source: str
    source_id: str
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Event):
    """An account and its settings and limits."""

    table = "accounts"
    topic = Topic.ACCOUNTS
    replaces = ("account_id",)
    positive = frozenset({"daily_loss_limit", "position_limit", "leverage_limit"})
    choices = {"mode": ("live", "paper", "simulated", "replay"), "clock": ("wall", "replay"), "books": ("bot", "suite")}

    account: str
    source: str
    broker: str
    label: str
    currency: str
    mode: str
    periods_per_year: int = 252
    zone: str = "UTC"
    roll_over: timedelta = timedelta(0)
    benchmark: str | None = None
    lot_matching: str = "FIFO"
    books: str = "bot"
    clock: str = "wall"
    daily_loss_limit: Decimal = Decimal(5000)
    position_limit: Decimal | None = None
    leverage_limit: Decimal | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        try:
            ZoneInfo(self.zone)
        except (ValueError, KeyError, OSError):
            raise RecordRejected("zone", self.zone, "expected a time zone, for example America/New_York") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Event):
    """Something that can be traded, by source of its prices."""

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
    """An execution. Fees are in account currency, positive when paid. A bust is a revision with quantity 0."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(Event):
    """A position as it is now; a closed one has quantity 0 and is_active false."""

    table = "positions"
    topic = Topic.POSITIONS
    replaces = ("account_id", "position_id")
    positive = frozenset({"entry_price", "lot_size", "multiplier"})
    choices = {"side": ("long", "short")}

    account: str
    source: str
    position_id: str
    symbol: str
    side: str
    quantity: Decimal
    entry_time: datetime
    entry_price: Decimal
    current_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    lot_size: Decimal = Decimal(1)
    exchange: str | None = None
    instrument_token: str | None = None
    initial_stop: Decimal | None = None
    strategy: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade(Fact):
    """A closed round trip: one lot match. ``at`` is its exit; quantity has no sign, that is ``transaction_type``."""

    table = "trades"
    topic = Topic.TRADES
    positive = frozenset({"entry_price", "exit_price"})
    choices = {"transaction_type": ("BUY", "SELL")}

    symbol: str
    transaction_type: str
    quantity: Decimal
    entry_time: datetime
    entry_price: Decimal
    exit_price: Decimal
    gross_pnl: Decimal
    fees: Decimal
    realized_pnl: Decimal
    position_id: str | None = None
    exchange: str | None = None
    segment: str | None = None
    instrument_token: str | None = None
    exit_type: str | None = None
    mfe: Decimal | None = None
    mae: Decimal | None = None
    strategy: str | None = None
    model: str | None = None
    entry_fill: str | None = None
    exit_fill: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity(Fact):
    """One observation of the whole account. Realised P&L (gross) and fees count since the account began."""

    table = "trading_pnl"
    topic = Topic.EQUITY
    droppable = True

    equity: Decimal
    cash: Decimal | None = None
    realized_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    fees: Decimal | None = None
    gross_exposure: Decimal | None = None
    net_exposure: Decimal | None = None
    available_margin: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlow(Fact):
    """Cash that moved other than by a fill, signed as credited to the account."""

    table = "cash_flows"
    topic = Topic.CASH
    choices = {"kind": ("deposit", "withdrawal", "transfer", "dividend", "funding", "fee", "interest")}

    kind: str
    amount: Decimal
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyStats(Event):
    """What the bot's risk rules say of its trading day so far."""

    table = "daily_stats"
    topic = Topic.DAILY
    replaces = ("account_id", "day")

    account: str
    day: date
    realized_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    trades: int | None = None
    volume: Decimal | None = None
    fees: Decimal | None = None
    protected_profit: Decimal | None = None
    loss_used: Decimal | None = None
    loss_limit: Decimal | None = None
    limit_hit: bool = False
    trading_blocked: bool = False
    trailing_active: bool = False
    trailing_level: Decimal | None = None
    average_spread_bps: Decimal | None = None
    max_position: Decimal | None = None
    min_position: Decimal | None = None


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
class Heartbeat(Fact):
    """A sign of life. ``interval_seconds`` is the wall-clock time until the next one."""

    table = "bot_heartbeats"
    topic = Topic.HEARTBEATS
    droppable = True
    positive = frozenset({"interval_seconds"})
    choices = {"status": ("starting", "running", "blocked", "finished", "stopping", "stopped", "error")}

    status: str
    interval_seconds: Decimal
    cycle_count: int
    uptime_seconds: Decimal
    error_count: int = 0
    regime: str | None = None
    strategy: str | None = None
    models: tuple[str, ...] = ()
    risk_factor: Decimal | None = None
    risk_reason: str | None = None
    dropped_events: int = 0
    host: str | None = None
    pid: int | None = None
    version: str | None = None
    health_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEvent(Event):
    """Something that happened to a bot or a service; of an account, or of nobody in particular."""

    table = "system_events"
    topic = Topic.EVENTS
    choices = {"severity": ("debug", "info", "warning", "error", "critical")}

    source: str
    source_id: str
    revision: int = 0
    account: str | None = None
    severity: str
    kind: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Event):
    """An incident, from fired to resolved."""

    table = "alerts"
    topic = Topic.ALERTS
    replaces = ("alert_id",)
    choices = {"severity": ("info", "warning", "critical")}

    alert_id: str
    account: str | None = None
    rule: str
    severity: str
    title: str
    details: str = ""
    value: Decimal | None = None
    threshold: Decimal | None = None
    unit: str | None = None
    fired_at: datetime
    resolved_at: datetime | None = None


def _check(event: Event, name: str, value: object) -> None:
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise RecordRejected(name, value, "expected an aware time (with its zone)")
    if isinstance(value, float):
        raise RecordRejected(name, value, "expected a Decimal, floats lose cents")
    if isinstance(value, Decimal):
        _check_number(event, name, value)
    elif isinstance(value, tuple):
        for item in value:
            _check(event, name, item)
    elif isinstance(value, str):
        _check_text(event, name, value)


def _check_number(event: Event, name: str, value: Decimal) -> None:
    if not value.is_finite():
        raise RecordRejected(name, value, "expected a finite number")
    if name in event.positive and value <= 0:
        raise RecordRejected(name, value, "expected above 0")
    if value and not -60 <= value.adjusted() <= 60:
        raise RecordRejected(name, value, "expected a magnitude between 1e-60 and 1e60")


def _check_text(event: Event, name: str, value: str) -> None:
    if name == "account" and not ACCOUNT_PATTERN.fullmatch(value):
        raise RecordRejected(name, value, "expected 1 to 64 letters, digits, '_', '.', '@' or '-'")
    if name in event.choices and value not in event.choices[name]:
        raise RecordRejected(name, value, f"expected one of {', '.join(event.choices[name])}")
    if "\x00" in value:
        raise RecordRejected(name, value, "expected text without NUL, PostgreSQL cannot store it")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RecordRejected(name, value, "expected well-formed Unicode, without lone surrogates") from None
