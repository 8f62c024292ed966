"""Which currency does a chart show where accounts of several are looked at? One chart holds one unit, never a sum."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from main.monitoring.reads.accounts import AccountEntry


class OfCurrency(Protocol):
    """A row that is about money, or a return on money, of one currency."""

    @property
    def currency(self) -> str:
        """The currency's code."""
        ...


R = TypeVar("R", bound=OfCurrency)


def shown(rows: Sequence[R] | None, accounts: Sequence[AccountEntry] | None) -> list[R]:
    """Return the rows of the currency that most accounts have, in their order; empty without rows.

    Among equals it is the one with most rows, then the first by name, so that all panels of a page agree.
    """
    found = Counter(row.currency for row in rows or ())
    owners = Counter(account.currency for account in accounts or ())
    chosen = min(found, key=lambda currency: (-owners[currency], -found[currency], currency), default="")
    return [row for row in rows or () if row.currency == chosen]


def caption(rows: Sequence[R] | None, accounts: Sequence[AccountEntry] | None, *words: str) -> str:
    """Return the currency shown and `words`, and which other currencies there are: choose their account to see them."""
    return named(shown(rows, accounts), rows, *words)


def named(own: Sequence[R], rows: Sequence[R] | None, *words: str) -> str:
    """Return the same of the rows that are shown, `own`, of all `rows`."""
    others = sorted({row.currency for row in rows or ()} - {row.currency for row in own})
    names = [own[0].currency] if own else []
    return " · ".join([*names, *(word for word in words if word), *([f"not {', '.join(others)}"] if others else [])])
