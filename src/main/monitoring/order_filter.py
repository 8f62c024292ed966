"""Which orders or steps of orders is a question about, beyond the scope's accounts, window and strategy?"""

from dataclasses import dataclass
from typing import Literal

from main.domain.events import ORDER_KINDS
from main.monitoring.paging import Page, check_choice

SIDES = ("buy", "sell")
LONGEST = 200

COUNTED = 10_000
"""A list is counted so far: more rows make a total that costs more than it tells."""

Side = Literal["buy", "sell"]
OrderKind = Literal["placed", "accepted", "partially_filled", "filled", "cancelled", "rejected", "expired"]


@dataclass(frozen=True, slots=True)
class OrderFilter(Page):
    """Params of reads that page through orders, to be inherited; ``None`` asks for nothing.

    `symbol` matches any part of a symbol, whatever the case. Raises ValueError.
    """

    symbol: str | None = None
    side: Side | None = None

    def __post_init__(self) -> None:
        Page.__post_init__(self)
        check_choice("side", self.side, SIDES)
        check_text("symbol", self.symbol)


def check_kind(name: str, given: str | None) -> None:
    """Raise ``ValueError`` that names the steps in an order's life unless `given` is ``None`` or one of them."""
    check_choice(name, given, ORDER_KINDS)


def check_text(name: str, given: str | None) -> None:
    """Raise ``ValueError`` for a text that no name is as long as, or that PostgreSQL cannot hold."""
    if given is not None and (len(given) > LONGEST or "\0" in given):
        raise ValueError(f"{name}: expected at most {LONGEST} characters, and none that is NUL")
