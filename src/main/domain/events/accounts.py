"""Whose is what a bot tells?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from main.domain.events.base import Event
from main.domain.topics import Topic
from main.errors import RecordRejected


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
