"""What is one unit of an instrument's currency worth in the account's, as far as the market has said?"""

from collections.abc import Iterable
from decimal import Decimal

from main.domain.events import FxRate, Instrument
from main.domain.market import Tick

_ONE = Decimal(1)


class Rates:
    """The newest rates into one account's currency."""

    def __init__(self, currency: str | None, instruments: Iterable[Instrument]) -> None:
        """Without a `currency` nothing is converted: every rate is 1."""
        self._currency = currency
        self._currencies = {each.symbol: each.currency for each in instruments}
        self._rates: dict[str, Decimal] = {}

    def see(self, tick: Tick) -> dict[str, Decimal]:
        """Take in a tick; return the rates it has for this account, by the currency that is turned into its own."""
        seen = {base: rate for (base, quote), rate in tick.rates.items() if quote == self._currency != base}
        self._rates |= seen
        return seen

    def take(self, rate: FxRate) -> None:
        """Take over a recorded rate into the account's currency."""
        self._rates[rate.base] = rate.rate

    def of(self, symbol: str) -> Decimal | None:
        """Return account currency per unit of the symbol's; ``None`` while no rate is known."""
        currency = self._currencies.get(symbol, self._currency)
        if self._currency is None or currency is None or currency == self._currency:
            return _ONE
        return self._rates.get(currency)
