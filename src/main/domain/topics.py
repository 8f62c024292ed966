"""What can change: the topics that are announced after a commit and that reads depend on."""

from dataclasses import dataclass
from enum import StrEnum

CHANNEL = "ai_trader"
"""The PostgreSQL notification channel; its payload is ``topic:account`` (the account is empty for shared facts)."""


class Topic(StrEnum):
    """A kind of fact. An announcement says that facts of this kind have changed, never which or how."""

    ACCOUNTS = "accounts"
    ALERTS = "alerts"
    CASH = "cash"
    DAILY = "daily"
    DATABASE = "database"
    EQUITY = "equity"
    EVENTS = "events"
    FILLS = "fills"
    HEARTBEATS = "heartbeats"
    HOST = "host"
    MARKET = "market"
    METRICS = "metrics"
    MODELS = "models"
    ORDERS = "orders"
    PAGES = "pages"
    PIPELINES = "pipelines"
    POSITIONS = "positions"
    RECONCILIATION = "reconciliation"
    SERVICES = "services"
    TRADES = "trades"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announced change: a topic, and the account it belongs to or ``None`` for facts of no account."""

    topic: Topic
    account: str | None = None

    @property
    def payload(self) -> str:
        """The text sent over the channel."""
        return f"{self.topic}:{self.account or ''}"

    @classmethod
    def parse(cls, payload: str) -> "Announcement | None":
        """Return the announcement in a payload, or ``None`` for one of a newer version of the suite."""
        name, _, account = payload.partition(":")
        try:
            return cls(Topic(name), account or None)
        except ValueError:
            return None
