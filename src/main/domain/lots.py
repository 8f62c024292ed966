"""Which lots of a symbol are open, and what does closing a part of them bring? To the last digit."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from main.domain.events import Fill

EXACT = Context(prec=1000, Emin=-999999, Emax=999999, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Sums and products of money are never rounded: an operation that would have to be raises instead.

A stored number has at most some hundred digits, so products of four of them stay far below the precision.
"""

MATCHING = ("FIFO", "LIFO")
"""Which open lot a closing fill takes first: the oldest or the youngest."""

FEE_SCALE = Decimal("1e-12")
"""Where a fee cannot be parted exactly, a part is cut off here; the last part takes what is left."""

RATIO_SCALE = Decimal("1e-12")
"""Excursions are fractions, rounded half even at this scale."""

_DIVISION = Context(prec=60)  # digits of a quotient before it counts as inexact
_ROUNDING = Context(prec=300)  # wide enough to cut any stored number at a scale
_AVERAGE = Context(prec=28)


@dataclass(slots=True)
class Lot:
    """The open rest of one fill. ``low`` and ``high`` are the extremes of all prices seen since it was opened."""

    fill: Fill
    quantity: Decimal
    fee: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """A part of one lot closed by a fill. ``mfe`` and ``mae`` are fractions of the entry price, best and worst.

    ``gross_pnl`` is in the currency of the prices, ``fees`` in that of the account.
    """

    entry: Fill
    exit: Fill
    quantity: Decimal
    gross_pnl: Decimal
    fees: Decimal
    mfe: Decimal
    mae: Decimal


class Lots:
    """The open lots of one symbol: all of the same side, oldest first."""

    def __init__(self, matching: str = "FIFO") -> None:
        self.sign = 0  # +1 long, −1 short, 0 flat
        self.quantity = Decimal(0)
        self.cost = Decimal(0)  # Σ quantity · price of the open lots, without multiplier
        self.opened_at: datetime | None = None  # when it was last flat
        self._lots: deque[Lot] = deque()
        self._first_out = -1 if matching == "LIFO" else 0

    def __iter__(self) -> Iterator[Lot]:
        return iter(self._lots)

    def __len__(self) -> int:
        return len(self._lots)

    def see(self, low: Decimal, high: Decimal) -> None:
        """Widen the extremes of every open lot to a range of prices.

        A lot has seen every price that any younger one saw, so the walk ends at the first that knows these.
        """
        for lot in reversed(self._lots):
            if lot.low <= low and high <= lot.high:
                return
            lot.low = min(lot.low, low)
            lot.high = max(lot.high, high)

    def open(self, fill: Fill, quantity: Decimal, fee: Decimal) -> None:
        """Add the part of a fill that opens or enlarges the position. The caller has the exact context in force."""
        if not self._lots:
            self.sign = 1 if fill.side == "buy" else -1
            self.opened_at = fill.at
        self._lots.append(Lot(fill, quantity, fee, fill.price, fill.price))
        self.quantity += quantity
        self.cost += quantity * fill.price

    def close(self, fill: Fill) -> tuple[list[Match], Decimal, Decimal]:
        """Match a fill of the other side; return the matches and the quantity and the fee it has left over."""
        matches: list[Match] = []
        quantity, fee = fill.quantity, fill.fee
        while quantity and self._lots:
            lot = self._lots[self._first_out]
            taken = min(quantity, lot.quantity)
            entry_fee = part_of(lot.fee, taken, lot.quantity)
            exit_fee = part_of(fee, taken, quantity)
            matches.append(self._match(lot, fill, taken, entry_fee + exit_fee))
            self.quantity -= taken
            self.cost -= taken * lot.fill.price
            lot.quantity -= taken
            lot.fee -= entry_fee
            quantity -= taken
            fee -= exit_fee
            if not lot.quantity:
                del self._lots[self._first_out]
        if not self._lots:
            self.sign = 0
        return matches, quantity, fee

    def _match(self, lot: Lot, fill: Fill, quantity: Decimal, fees: Decimal) -> Match:
        entry = lot.fill.price
        gross = self.sign * (fill.price - entry) * quantity * fill.multiplier
        best, worst = (lot.high, lot.low) if self.sign > 0 else (lot.low, lot.high)
        return Match(
            lot.fill,
            fill,
            quantity,
            gross,
            fees,
            _ratio(self.sign * (best - entry), entry),
            _ratio(self.sign * (worst - entry), entry),
        )


def part_of(amount: Decimal, taken: Decimal, whole: Decimal) -> Decimal:
    """Return the share of `amount` that `taken` of `whole` bears: exact where it can be, else cut at `FEE_SCALE`."""
    if taken == whole or not amount:
        return amount
    borne = EXACT.multiply(amount, taken)
    share = _DIVISION.divide(borne, whole)
    exact = EXACT.multiply(share, whole) == borne
    return share if exact else share.quantize(FEE_SCALE, context=_ROUNDING)


def quotient(amount: Decimal, divisor: Decimal) -> Decimal:
    """Return amount / divisor, exact where that takes at most 28 digits, else rounded to 28."""
    return _AVERAGE.divide(amount, divisor)


def _ratio(amount: Decimal, base: Decimal) -> Decimal:
    return _ROUNDING.divide(amount, base).quantize(RATIO_SCALE, context=_ROUNDING)
