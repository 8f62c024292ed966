"""How much cash does an account hold in each currency, and what have the changes of rates brought it?"""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from main.errors import RecordRejected

KEPT_RATES = 10_000
"""So many changes of a rate are remembered for fills that are learned late: eight hours of one every 3 seconds."""

_ONE = Decimal(1)
_ZERO = Decimal(0)


class Balance:
    """The cash in one currency and the rate that makes it the account's. The caller has the exact context in force.

    Cash flows and fees are in the account's currency, so what another one holds, cash and the cost of positions, is
    what was earned in it: that book value is what a change of its rate revalues.
    """

    __slots__ = ("_quote", "_rate", "_rates", "cash", "closed_at", "currency", "earned", "fx", "rated_at")

    def __init__(self, currency: str, quote: str, rate: Decimal | None = None) -> None:
        """Open an empty balance of `currency` in an account of `quote`; a `rate` given here holds for ever."""
        self.currency = currency
        self.cash = _ZERO
        self.earned = _ZERO  # gross, in this currency
        self.fx = _ZERO  # what the changes of the rate have brought, in the account's currency
        self.rated_at: datetime | None = None  # of the newest rate
        self.closed_at: datetime | None = None  # newest exit whose profit a rate has turned into account currency
        self._quote = quote
        self._rate = rate
        self._rates: deque[tuple[datetime, Decimal]] = deque(maxlen=KEPT_RATES)  # each change, oldest first

    @property
    def rate(self) -> Decimal:
        """Account currency per unit. Raise `RecordRejected` while none is known."""
        if self._rate is None:
            raise self._unrated()
        return self._rate

    @property
    def changed_at(self) -> datetime | None:
        """When the rate became what it is; ``None`` for the account's own currency."""
        return self._rates[-1][0] if self._rates else None

    def rate_at(self, moment: datetime) -> Decimal:
        """Return the rate in force at a moment. Raise `RecordRejected` when there was none, or it is forgotten."""
        if self._rate is not None and (self.rated_at is None or self.rated_at <= moment):
            return self._rate
        for at, rate in reversed(self._rates):
            if at <= moment:
                return rate
        if len(self._rates) == KEPT_RATES:
            raise RecordRejected("at", moment, f"older than the rates kept of {self.currency}; fold the ledger anew")
        raise self._unrated()

    def convert(self, rate: Decimal, at: datetime) -> None:
        """Take a new rate. Raise `RecordRejected` for one that what is booked already should have been booked at."""
        if self.rated_at is not None and at < self.rated_at:
            raise RecordRejected("at", at, f"older than the last rate of {self.currency}; fold the ledger anew")
        if rate != self._rate:
            if self.closed_at is not None and at <= self.closed_at:
                raise RecordRejected("at", at, f"older than the last trade in {self.currency}; fold the ledger anew")
            if self._rate is not None:
                self.fx += self.earned * (rate - self._rate)
            self._rate = rate
            if self.changed_at == at:
                self._rates.pop()  # it was in force for no time
            if not self._rates or self._rates[-1][1] != rate:
                self._rates.append((at, rate))
        self.rated_at = at

    def earn(self, gross: Decimal, at: datetime) -> Decimal:
        """Add a profit realised at a moment and return it in account currency, at the rate of then."""
        rate = self.rate_at(at)
        self.earned += gross
        self.fx += gross * (self.rate - rate)  # when learned late: what the rate has done since
        if self.closed_at is None or self.closed_at < at:
            self.closed_at = at
        return gross * rate

    def _unrated(self) -> RecordRejected:
        return RecordRejected("currency", self.currency, f"no rate to {self._quote} is known then; record its FxRate")


class Balances:
    """The balances of one account. Without a currency of its own nothing is converted: all money is of one kind."""

    def __init__(self, currency: str | None) -> None:
        self._currency = currency
        self.home = Balance(currency or "", currency or "", _ONE)
        self._foreign: dict[str, Balance] = {}

    def __iter__(self) -> Iterator[Balance]:
        yield self.home
        yield from self._foreign.values()

    def of(self, currency: str | None) -> Balance:
        """Return the balance that takes the cash of a currency; of an unknown one that is the account's own."""
        if currency is None or self._currency is None or currency == self._currency:
            return self.home
        balance = self._foreign.get(currency)
        if balance is None:
            balance = self._foreign[currency] = Balance(currency, self._currency)
        return balance

    def convert(self, currency: str, rate: Decimal, at: datetime) -> None:
        """Take a new rate, in account currency per unit. Raise `RecordRejected` where it can have no meaning."""
        if self._currency is None:
            raise RecordRejected("currency", currency, "these books convert nothing; open them with their currency")
        if currency == self._currency:
            raise RecordRejected("currency", currency, "it is the account's own, whose rate is always 1")
        if not rate.is_finite() or rate <= 0:
            raise RecordRejected("rate", rate, "expected a finite number above 0")
        self.of(currency).convert(rate, at)

    @property
    def cash(self) -> Decimal:
        """All balances together, in account currency."""
        return sum((balance.cash * balance.rate for balance in self if balance.cash), _ZERO)

    @property
    def fx(self) -> Decimal:
        """What the changes of all rates have brought, in account currency."""
        return sum((balance.fx for balance in self), _ZERO)

    @property
    def by_currency(self) -> Mapping[str, Decimal]:
        """The account's own balance and every other that is not 0; empty where the currency is unknown."""
        if self._currency is None:
            return {}
        return {self._currency: self.home.cash} | {each.currency: each.cash for each in self if each.cash}
