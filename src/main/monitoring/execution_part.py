"""By what are executions parted, and in which order do the parts come?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol, TypeVar, get_args

from main.analytics.execution import BASIS_POINTS
from main.analytics.figure import Figure, missing, quotient
from main.monitoring.paging import check_choice

By = Literal["all", "symbol", "strategy", "account", "side", "hour", "size"]
"""``hour`` is on the account's clock, ``size`` the notional's band: 1000 is from 1,000 to below 2,000, then 2000, …"""

ByFill = Literal["all", "symbol", "strategy", "account", "side", "hour", "size", "liquidity"]


@dataclass(frozen=True, slots=True)
class OrderParts:
    """By what to part orders; ``all`` parts by nothing but the currency."""

    by: By = "symbol"

    def __post_init__(self) -> None:
        check_choice("by", self.by, get_args(By))


@dataclass(frozen=True, slots=True)
class FillParts:
    """By what to part fills; ``all`` parts by nothing but the currency, ``liquidity`` by maker and taker."""

    by: ByFill = "symbol"

    def __post_init__(self) -> None:
        check_choice("by", self.by, get_args(ByFill))


class Part(Protocol):
    """A row that counts what has one name in common; ``None`` is what has no such name, or all."""

    @property
    def currency(self) -> str:
        """Of its money."""
        ...

    @property
    def name(self) -> str | None:
        """What is counted in it."""
        ...


P = TypeVar("P", bound=Part)


def sorted_parts(parts: Iterable[P], by: str, weight: Callable[[P], Decimal | None]) -> list[P]:
    """Return the parts by currency: hours and sizes in their order, all others by `weight`, the heaviest first."""
    if by in ("hour", "size"):
        return sorted(parts, key=lambda part: (part.currency, len(part.name or ""), part.name or ""))
    return sorted(parts, key=lambda part: (part.currency, -(weight(part) or Decimal(0)), part.name or ""))


def basis_points(amount: Decimal | None, notional: Decimal | None, reason: str) -> Figure:
    """Return amount / notional · 10⁴; missing for `reason` where one of them is, or the notional is not above zero."""
    if amount is None or notional is None:
        return missing(reason)
    return quotient(float(amount), float(notional), reason, BASIS_POINTS)


def overall(pairs: Sequence[tuple[str, Decimal | None, Decimal | None]]) -> float | None:
    """Return Σ amount / Σ notional · 10⁴ of (currency, amount, notional); ``None`` for none, or several currencies."""
    if len({currency for currency, _, _ in pairs}) != 1:
        return None
    amounts = [amount for _, amount, _ in pairs if amount is not None]
    notionals = [notional for _, _, notional in pairs if notional is not None]
    if not notionals:
        return None
    return basis_points(sum(amounts, Decimal(0)), sum(notionals, Decimal(0)), "nothing was traded").value
