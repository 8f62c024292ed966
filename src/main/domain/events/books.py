"""What follows from the fills: what is held, what was closed, what the account is worth?"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from main.domain.events.base import Event, Fact
from main.domain.topics import Topic


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
    """A closed round trip: one lot match. ``at`` is its exit; quantity has no sign, that is ``transaction_type``.

    Prices are in the instrument's currency, money in the account's: ``fx_rate`` is what one unit of the former was
    worth in the latter at the exit.
    """

    table = "trades"
    topic = Topic.TRADES
    positive = frozenset({"entry_price", "exit_price", "fx_rate"})
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
    fx_rate: Decimal = Decimal(1)
    notes: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity(Fact):
    """One observation of the whole account. Realised P&L (gross), fees and the FX result count since it began."""

    table = "trading_pnl"
    topic = Topic.EQUITY
    droppable = True

    equity: Decimal
    cash: Decimal | None = None
    realized_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    fees: Decimal | None = None
    fx_pnl: Decimal | None = None
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
