"""What does an account own, what has it earned and what is it worth? A pure fold over its fills, flows and marks.

Every sum is exact: equity == external flows + income + realised − fees + unrealised holds to the last digit, where
income is dividends, interest and funding, realised is gross and counted at fill time, fees are counted when charged.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Self, TypeVar

from main.domain.events import CashFlow, Equity, Fill, Instrument, Position, Trade
from main.domain.holding import Holding, trade_of
from main.domain.lots import EXACT, Match
from main.errors import RecordRejected

EXTERNAL_FLOWS = frozenset({"deposit", "withdrawal", "transfer"})
"""Flows that are no performance."""

Booked = TypeVar("Booked", Fill, CashFlow)

_ONE = Decimal(1)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """What a fill did: the trades it closed and the positions it changed; both empty for a fill known already.

    A fill that goes through zero changes two positions: the closed one comes first.
    """

    trades: tuple[Trade, ...] = ()
    positions: tuple[Position, ...] = ()

    @property
    def position(self) -> Position | None:
        """The position as the fill left it."""
        return self.positions[-1] if self.positions else None


class Ledger:
    """The books of one account, first in, first out."""

    def __init__(
        self, account: str, source: str, instruments: Iterable[Instrument] = (), *, margin_rate: Decimal = _ONE
    ) -> None:
        """Open empty books. `source` signs the equity events; `instruments` lend trades their exchange and segment.

        ``margin_rate`` is the share of gross exposure that equity must cover: 1 without borrowing.
        """
        self.account = account
        self.source = source
        self.cash = _ZERO
        self.realized = _ZERO  # gross
        self.fees = _ZERO  # charged, of fills and of flows
        self.external = _ZERO
        self.income = _ZERO
        self._instruments: Mapping[str, Instrument] = {instrument.symbol: instrument for instrument in instruments}
        self._margin_rate = margin_rate
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
        margin_rate: Decimal = _ONE,
    ) -> Self:
        """Return the books that these facts make, given in any order.

        Of each the highest revision counts, and busted fills are left out.
        """
        ledger = cls(account, source, instruments, margin_rate=margin_rate)
        for flow in latest(flows):
            ledger.credit(flow)
        for fill in latest(fills):
            ledger.absorb(fill)
        return ledger

    def apply(self, fill: Fill, exit_type: str | None = None) -> LedgerChange:
        """Book a fill and return what it changed; one that was booked before changes nothing.

        `exit_type` says why, on the trades it closes. Raise `RecordRejected` for a correction of a booked fill and for
        one older than the last of its symbol: lots match in order of time, so such books are folded anew.
        """
        holding = self._admitted(fill)
        if holding is None:
            return LedgerChange()
        with localcontext(EXACT):
            before = self._position(holding) if holding.lots.quantity else None
            matches = self._book(holding, fill)
            instrument = self._instruments.get(fill.symbol)
            trades = (trade_of(match, before, instrument, exit_type) for match in matches if before is not None)
            return LedgerChange(tuple(trades), tuple(self._changed(holding, before, fill)))

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
            self.cash += flow.amount
            if flow.kind in EXTERNAL_FLOWS:
                self.external += flow.amount
            elif flow.kind == "fee":
                self.fees -= flow.amount
            else:
                self.income += flow.amount
        return True

    def mark(self, symbol: str, price: Decimal, at: datetime) -> None:
        """Value a symbol at `price` from now on, held or not; open lots remember the extremes."""
        holding = self._holdings.get(symbol)
        if holding is None:
            holding = self._holdings[symbol] = Holding(symbol)
        holding.mark, holding.marked_at = price, at
        holding.lots.see(price, price)

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
            return tuple(
                self._position(holding) for _, holding in sorted(self._holdings.items()) if holding.lots.quantity
            )

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
    def unrealized(self) -> Decimal:
        """The gross profit that the open lots would bring at their marks."""
        with localcontext(EXACT):
            return sum((holding.unrealized for holding in self._holdings.values()), _ZERO)

    def equity(self, at: datetime) -> Equity:
        """Return the whole account as it is at `at`. Money throughout; exposure is signed market value."""
        with localcontext(EXACT):
            values = [holding.value for holding in self._holdings.values()]
            net, gross = sum(values, _ZERO), sum(map(abs, values), _ZERO)
            equity = self.cash + net
            return Equity(
                at=at,
                account=self.account,
                source=self.source,
                source_id=f"equity-{at:%Y%m%dT%H%M%S.%f}",
                equity=equity,
                cash=self.cash,
                realized_pnl=self.realized,
                unrealized_pnl=sum((holding.unrealized for holding in self._holdings.values()), _ZERO),
                fees=self.fees,
                gross_exposure=gross,
                net_exposure=net,
                available_margin=max(_ZERO, equity - self._margin_rate * gross),
            )

    def _admitted(self, fill: Fill) -> Holding | None:
        """The holding a fill belongs to; ``None`` for one that changes nothing."""
        known = self._fills.get((fill.source, fill.source_id))
        if known is not None and fill.revision > known:
            raise RecordRejected("revision", fill.revision, "it corrects a booked fill; fold the ledger anew")
        if known is not None:
            return None
        holding = self._holdings.get(fill.symbol)
        if holding is None:
            holding = self._holdings[fill.symbol] = Holding(fill.symbol)
        if fill.quantity and holding.multiplier != fill.multiplier:
            if holding.lots.quantity:  # while flat it is but the next fill's to say
                raise RecordRejected("multiplier", fill.multiplier, f"{fill.symbol} is held at {holding.multiplier}")
            holding.multiplier = fill.multiplier
        if fill.quantity and holding.filled_at is not None and fill.at < holding.filled_at:
            raise RecordRejected("at", fill.at, f"older than the last fill of {fill.symbol}; fold the ledger anew")
        self._fills[fill.source, fill.source_id] = fill.revision
        return holding if fill.quantity else None  # busted before we ever heard of it

    def _book(self, holding: Holding, fill: Fill) -> list[Match]:
        lots = holding.lots
        sign = 1 if fill.side == "buy" else -1
        holding.filled_at = fill.at
        if holding.marked_at is None or holding.marked_at < fill.at:
            holding.mark, holding.marked_at = fill.price, fill.at  # the newest price known
        self.cash -= sign * fill.quantity * fill.price * fill.multiplier + fill.fee
        self.fees += fill.fee
        lots.see(fill.price, fill.price)
        matches: list[Match] = []
        rest, fee = fill.quantity, fill.fee
        if lots.sign == -sign:
            matches, rest, fee = lots.close(fill)
            self.realized += sum((match.gross_pnl for match in matches), _ZERO)
        if rest:
            if not lots.quantity:
                holding.position_id, holding.strategy = f"{fill.symbol}@{fill.source_id}", fill.strategy
            lots.open(fill, rest, fee)
        return matches

    def _position(self, holding: Holding) -> Position:
        return holding.position(self.account, self.source, self._instruments.get(holding.symbol))

    def _changed(self, holding: Holding, before: Position | None, fill: Fill) -> Iterator[Position]:
        """The position that a fill closed, if it did, and the one it left, if there is one."""
        if before is not None and (not holding.lots.quantity or holding.position_id != before.position_id):
            yield replace(
                before, at=fill.at, quantity=_ZERO, current_price=holding.mark, unrealized_pnl=_ZERO, is_active=False
            )
        if holding.lots.quantity:
            yield self._position(holding)


def latest(facts: Iterable[Booked]) -> Iterator[Booked]:
    """Yield the highest revision of each fact, in order of time and then of source_id."""
    newest: dict[tuple[str, str], Booked] = {}
    for fact in facts:
        known = newest.get((fact.source, fact.source_id))
        if known is None or known.revision < fact.revision:
            newest[fact.source, fact.source_id] = fact
    yield from sorted(newest.values(), key=lambda fact: (fact.at, fact.source_id))
