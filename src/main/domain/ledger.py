"""What does an account own, what has it earned and what is it worth? A pure fold over fills, flows, rates and marks.

Every sum is exact: equity == external flows + income + realised − fees + unrealised + FX holds to the last digit, where
income is dividends, interest and funding, realised is gross and counted at the time and the rate of the fill, fees are
counted when charged, and FX is Σ over changes of a rate of (book value in that currency) · Δrate.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Self

from main.domain.balances import Balances
from main.domain.events import CashFlow, Equity, Fill, FxRate, Instrument, Position
from main.domain.holding import Holding, LedgerChange
from main.domain.lots import EXACT, MATCHING, Lots, Match
from main.domain.proof import Proof
from main.domain.revisions import booking_order, latest
from main.errors import RecordRejected

__all__ = ["EXTERNAL_FLOWS", "INCOME_FLOWS", "Ledger", "LedgerChange", "latest"]

EXTERNAL_FLOWS = frozenset({"deposit", "withdrawal", "transfer"})
"""Flows that are no performance."""

INCOME_FLOWS = ("dividend", "interest", "funding")
"""Flows that are performance; the remaining kind is a fee."""

_ONE = Decimal(1)
_ZERO = Decimal(0)


class Ledger:
    """The books of one account. Money is in its currency, prices are in those of the instruments."""

    def __init__(
        self,
        account: str,
        source: str,
        instruments: Iterable[Instrument] = (),
        *,
        currency: str | None = None,
        margin_rate: Decimal = _ONE,
        matching: str = "FIFO",
    ) -> None:
        """Open empty books. `source` signs the equity events; `instruments` say in which currency a symbol is traded,
        and lend trades their exchange and segment; a symbol without one is in the account's currency.

        Without a `currency` nothing is converted: all money counts as of one kind. ``margin_rate`` is the share of
        gross exposure that equity must cover: 1 without borrowing. `matching` says which lot a fill closes first.
        """
        if matching not in MATCHING:
            raise RecordRejected("lot_matching", matching, f"expected one of {', '.join(MATCHING)}")
        self.account = account
        self.source = source
        self.realized = _ZERO  # gross
        self.fees = _ZERO  # charged, of fills and of flows
        self.external = _ZERO
        self.income_by_kind: dict[str, Decimal] = dict.fromkeys(INCOME_FLOWS, _ZERO)
        self._instruments: Mapping[str, Instrument] = {instrument.symbol: instrument for instrument in instruments}
        self._currency = currency
        self._margin_rate = margin_rate
        self._matching = matching
        self._balances = Balances(currency)
        self._home = self._balances.home
        self._holdings: dict[str, Holding] = {}
        self._fills: dict[tuple[str, str], int] = {}
        self._flows: dict[tuple[str, str], int] = {}

    @classmethod
    def folded(
        cls,
        account: str,
        source: str,
        fills: Iterable[Fill],
        flows: Iterable[CashFlow],
        instruments: Iterable[Instrument] = (),
        *,
        rates: Iterable[FxRate] = (),
        currency: str | None = None,
        margin_rate: Decimal = _ONE,
        matching: str = "FIFO",
    ) -> Self:
        """Return the books that these facts make, given in any order.

        Of each the highest revision counts, and busted fills are left out. Rates between other currencies than the
        account's are passed over. Raise `RecordRejected` for a fill before the first rate of its currency.
        """
        ledger = cls(account, source, instruments, currency=currency, margin_rate=margin_rate, matching=matching)
        for flow in latest(flows):
            ledger.credit(flow)
        for fact in booking_order(fills, (rate for rate in rates if ledger.needs(rate))):
            if isinstance(fact, Fill):
                ledger.absorb(fact)
            else:
                ledger.convert(fact.base, fact.rate, fact.at)
        return ledger

    def needs(self, rate: FxRate) -> bool:
        """Whether a rate turns another currency into the account's."""
        return rate.quote == self._currency

    def knows(self, fact: Fill | CashFlow) -> bool:
        """Whether a fact, or a correction of it, is booked, so that booking it would change nothing."""
        booked = self._fills if isinstance(fact, Fill) else self._flows
        return booked.get((fact.source, fact.source_id), -1) >= fact.revision

    def convert(self, currency: str, rate: Decimal, at: datetime) -> None:
        """From `at` on, one unit of another currency is worth `rate` of the account's.

        Raise `RecordRejected` for the account's own currency, for books that convert nothing, and for a rate older than
        the last one, or than the last trade, in its currency: such books are folded anew.
        """
        with localcontext(EXACT):
            self._balances.convert(currency, rate, at)

    def apply(self, fill: Fill, exit_type: str | None = None) -> LedgerChange:
        """Book a fill and return what it changed; one that was booked before changes nothing.

        `exit_type` says why, on the trades it closes. Raise `RecordRejected` for a correction of a booked fill and for
        one older than the last of its symbol: lots match in order of time, so such books are folded anew.
        """
        holding = self._admitted(fill)
        if holding is None:
            return LedgerChange()
        with localcontext(EXACT):
            before = holding.position if holding.lots.quantity else None
            matches = self._book(holding, fill)
            return holding.change(before, fill, matches, exit_type)

    def absorb(self, fill: Fill) -> None:
        """Book a fill like `apply`, without the cost of telling what it changed: for folding long histories."""
        holding = self._admitted(fill)
        if holding is not None:
            with localcontext(EXACT):
                self._book(holding, fill)

    def credit(self, flow: CashFlow) -> bool:
        """Book a cash flow and tell whether it was new. Raise `RecordRejected` for a correction of a booked one."""
        known = self._flows.get((flow.source, flow.source_id))
        if known is not None and flow.revision <= known:
            return False
        if known is not None:
            raise RecordRejected("revision", flow.revision, "it corrects a booked cash flow; fold the ledger anew")
        self._flows[flow.source, flow.source_id] = flow.revision
        with localcontext(EXACT):
            self._home.cash += flow.amount
            if flow.kind in EXTERNAL_FLOWS:
                self.external += flow.amount
            elif flow.kind == "fee":
                self.fees -= flow.amount
            else:
                self.income_by_kind[flow.kind] += flow.amount
        return True

    def mark(self, symbol: str, price: Decimal, at: datetime) -> None:
        """Value a symbol at `price` from now on, held or not; open lots remember the extremes.

        A fill that is learned later, of a moment before `at`, closes lots that have not seen this price, and opens one
        that does.
        """
        holding = self._holding(symbol)
        holding.show_mark()
        holding.mark, holding.marked_at, holding.mark_shown = price, at, False

    def widen(self, symbol: str, entry_fill: str, low: Decimal, high: Decimal) -> None:
        """Tell an open lot, by the source_id of its fill, the extremes seen while nobody folded marks.

        Ranges must nest, as they do when each is taken from the lot's own entry on.
        """
        for lot in self._holdings[symbol].lots:
            if lot.fill.source_id == entry_fill:
                lot.low, lot.high = min(lot.low, low), max(lot.high, high)

    @property
    def positions(self) -> tuple[Position, ...]:
        """The open positions, with their marks, by symbol."""
        with localcontext(EXACT):
            return tuple(holding.position for _, holding in sorted(self._holdings.items()) if holding.lots.quantity)

    @property
    def open_entries(self) -> tuple[Fill, ...]:
        """The fills that have open lots."""
        return tuple(lot.fill for holding in self._holdings.values() for lot in holding.lots)

    def quantity(self, symbol: str) -> Decimal:
        """Return what is held of a symbol, negative when short, 0 when flat."""
        holding = self._holdings.get(symbol)
        return holding.lots.sign * holding.lots.quantity if holding else _ZERO

    def value(self, symbol: str) -> Decimal:
        """Return the market value held of a symbol, negative when short."""
        holding = self._holdings.get(symbol)
        if holding is None:
            return _ZERO
        with localcontext(EXACT):
            return holding.value

    @property
    def cash(self) -> Decimal:
        """The balances of all currencies, in account currency."""
        with localcontext(EXACT):
            return self._balances.cash

    @property
    def balances(self) -> Mapping[str, Decimal]:
        """Cash by currency: the account's own and every other that is not 0; empty where the own is unknown."""
        return self._balances.by_currency

    @property
    def income(self) -> Decimal:
        """Dividends, interest and funding."""
        with localcontext(EXACT):
            return sum(self.income_by_kind.values(), _ZERO)

    @property
    def fx(self) -> Decimal:
        """What the changes of rates have brought to what was earned in other currencies."""
        with localcontext(EXACT):
            return self._balances.fx

    @property
    def unrealized(self) -> Decimal:
        """The gross profit that the open lots would bring at their marks and the rates of now."""
        with localcontext(EXACT):
            return sum((holding.unrealized for holding in self._holdings.values()), _ZERO)

    def equity(self, at: datetime) -> Equity:
        """Return the whole account as it is at `at`. Money throughout; exposure is signed market value."""
        with localcontext(EXACT):
            cash = self._balances.cash
            values = [holding.value for holding in self._holdings.values()]
            net, gross = sum(values, _ZERO), sum(map(abs, values), _ZERO)
            equity = cash + net
            return Equity(
                at=at,
                account=self.account,
                source=self.source,
                source_id=f"equity-{at:%Y%m%dT%H%M%S.%f}",
                equity=equity,
                cash=cash,
                realized_pnl=self.realized,
                unrealized_pnl=self.unrealized,
                fees=self.fees,
                gross_exposure=gross,
                net_exposure=net,
                available_margin=max(_ZERO, equity - self._margin_rate * gross),
                fx_pnl=self.fx,
            )

    def proof(self) -> Proof:
        """Return what makes up equity, and equity itself, which comes from the balances and the market values."""
        with localcontext(EXACT):
            return Proof(
                external=self.external,
                realized=self.realized,
                income=self.income,
                fees=self.fees,
                unrealized=self.unrealized,
                fx=self.fx,
                equity=self._balances.cash + sum((holding.value for holding in self._holdings.values()), _ZERO),
            )

    def _admitted(self, fill: Fill) -> Holding | None:
        """The holding a fill belongs to; ``None`` for one that changes nothing."""
        known = self._fills.get((fill.source, fill.source_id))
        if known is not None and fill.revision > known:
            raise RecordRejected("revision", fill.revision, "it corrects a booked fill; fold the ledger anew")
        if known is not None:
            return None
        holding = self._holdings.get(fill.symbol) or self._holding(fill.symbol)
        if fill.quantity and holding.balance is not self._home:
            holding.balance.rate_at(fill.at)  # raises while there is none
        if fill.quantity and holding.multiplier != fill.multiplier:
            if holding.lots.quantity:  # while flat it is but the next fill's to say
                raise RecordRejected("multiplier", fill.multiplier, f"{fill.symbol} is held at {holding.multiplier}")
            holding.multiplier = fill.multiplier
        if fill.quantity and holding.filled_at is not None and fill.at < holding.filled_at:
            raise RecordRejected("at", fill.at, f"older than the last fill of {fill.symbol}; fold the ledger anew")
        self._fills[fill.source, fill.source_id] = fill.revision
        return holding if fill.quantity else None  # busted before we ever heard of it

    def _book(self, holding: Holding, fill: Fill) -> list[Match]:
        lots, balance = holding.lots, holding.balance
        sign = 1 if fill.side == "buy" else -1
        holding.filled_at = fill.at
        if holding.marked_at is None or holding.marked_at <= fill.at:
            holding.show_mark()
        if holding.marked_at is None or holding.marked_at < fill.at:
            holding.mark, holding.marked_at, holding.mark_shown = fill.price, fill.at, True  # the newest price known
        balance.cash -= sign * fill.quantity * fill.price * fill.multiplier
        self._home.cash -= fill.fee
        self.fees += fill.fee
        lots.see(fill.price, fill.price)
        matches: list[Match] = []
        rest, fee = fill.quantity, fill.fee
        if lots.sign == -sign:
            matches, rest, fee = lots.close(fill)
            gross = sum((match.gross_pnl for match in matches), _ZERO)
            self.realized += gross if balance is self._home else balance.earn(gross, fill.at)
        if rest:
            if not lots.quantity:
                holding.position_id, holding.strategy = f"{fill.symbol}@{fill.source_id}", fill.strategy
            lots.open(fill, rest, fee)
        return matches

    def _holding(self, symbol: str) -> Holding:
        holding = self._holdings.get(symbol)
        if holding is None:
            instrument = self._instruments.get(symbol)
            balance = self._balances.of(instrument.currency if instrument else None)
            holding = Holding(self.account, self.source, symbol, instrument, balance, Lots(self._matching))
            self._holdings[symbol] = holding
        return holding
