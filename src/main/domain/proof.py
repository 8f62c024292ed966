"""Is all that an account is worth explained by what it was given, earned and was charged?"""

from dataclasses import dataclass
from decimal import Decimal

from main.domain.lots import EXACT


@dataclass(frozen=True, slots=True)
class Proof:
    """The parts that must make up equity, which was measured apart from them: cash and market values at their rates.

    All since the account began, in account currency; ``fees`` are positive when paid.
    """

    external: Decimal
    realized: Decimal  # gross, at the rates of the fills
    income: Decimal
    fees: Decimal
    unrealized: Decimal
    fx: Decimal
    equity: Decimal

    @property
    def explained(self) -> Decimal:
        """The sum of the parts, exact."""
        parts = (self.external, self.realized, self.income, -self.fees, self.unrealized, self.fx)
        total = Decimal(0)
        for part in parts:
            total = EXACT.add(total, part)
        return total

    @property
    def residual(self) -> Decimal:
        """What nothing explains: 0, or the books are wrong."""
        return EXACT.subtract(self.equity, self.explained)
