"""What is held of one symbol, what is it worth, and how is that told as a position and as trades?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from main.domain.balances import Balance
from main.domain.events import Fill, Instrument, Position, Trade
from main.domain.lots import Lots, Match, quotient

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


@dataclass(slots=True)
class Holding:
    """The lots of one symbol, the balance that pays for them, and its newest price.

    Prices are in the currency of that balance, money in the account's. Whoever asks for money has the exact context in
    force.
    """

    account: str
    source: str
    symbol: str
    instrument: Instrument | None
    balance: Balance
    lots: Lots
    multiplier: Decimal = Decimal(1)
    position_id: str = ""
    strategy: str | None = None
    mark: Decimal | None = None
    marked_at: datetime | None = None
    mark_shown: bool = True  # to the lots: it waits until nothing earlier can be learned, the next price
    filled_at: datetime | None = None

    def show_mark(self) -> None:
        """Let the open lots see the mark, unless they have."""
        if not self.mark_shown and self.mark is not None:
            self.lots.see(self.mark, self.mark)
            self.mark_shown = True

    @property
    def value(self) -> Decimal:
        """The market value, negative when short, 0 when flat."""
        if not self.lots.quantity or self.mark is None:
            return _ZERO
        return self.lots.sign * self.lots.quantity * self.mark * self.multiplier * self.balance.rate

    @property
    def unrealized(self) -> Decimal:
        """The gross profit that the open lots would bring at the mark."""
        # From the cost, not from the average entry: the average of three lots is seldom an exact decimal.
        if not self.lots.quantity or self.mark is None:
            return _ZERO
        gain = self.lots.sign * self.multiplier * (self.lots.quantity * self.mark - self.lots.cost)
        return gain * self.balance.rate

    @property
    def position(self) -> Position:
        """The open position. Not to be asked of a flat holding."""
        assert self.lots.opened_at is not None
        assert self.marked_at is not None
        return Position(
            at=max(self.marked_at, self.balance.changed_at or self.marked_at),
            account=self.account,
            source=self.source,
            position_id=self.position_id,
            symbol=self.symbol,
            side="long" if self.lots.sign > 0 else "short",
            quantity=self.lots.quantity,
            entry_time=self.lots.opened_at,
            entry_price=quotient(self.lots.cost, self.lots.quantity),
            current_price=self.mark,
            unrealized_pnl=self.unrealized,
            multiplier=self.multiplier,
            exchange=self.instrument.exchange if self.instrument else None,
            instrument_token=self.instrument.instrument_token if self.instrument else None,
            strategy=self.strategy,
        )

    def change(
        self, before: Position | None, fill: Fill, matches: Iterable[Match], exit_type: str | None
    ) -> LedgerChange:
        """Return what a fill did that is booked by now; `before` is the position that it met, if it met one."""
        if before is None:
            return LedgerChange((), (self.position,))
        rate = self.balance.rate_at(fill.at)
        trades = tuple(_trade(match, before, self.instrument, rate, exit_type) for match in matches)
        return LedgerChange(trades, tuple(self._changed(before, fill)))

    def _changed(self, before: Position, fill: Fill) -> Iterator[Position]:
        """The position that the fill closed, if it did, and the one it left, if there is one."""
        if not self.lots.quantity or self.position_id != before.position_id:
            at = max(fill.at, before.at)  # of a fill learned late: what was told before must not look newer
            yield replace(before, at=at, quantity=_ZERO, current_price=self.mark, unrealized_pnl=_ZERO, is_active=False)
        if self.lots.quantity:
            yield self.position


def _trade(
    match: Match, position: Position, instrument: Instrument | None, rate: Decimal, exit_type: str | None
) -> Trade:
    entry, leave = match.entry, match.exit
    gross = match.gross_pnl * rate
    return Trade(
        at=leave.at,
        account=position.account,
        source=leave.source,
        source_id=_joined(entry, leave),
        symbol=entry.symbol,
        transaction_type="BUY" if entry.side == "buy" else "SELL",
        quantity=match.quantity,
        entry_time=entry.at,
        entry_price=entry.price,
        exit_price=leave.price,
        gross_pnl=gross,
        fees=match.fees,
        realized_pnl=gross - match.fees,
        fx_rate=rate,
        position_id=position.position_id,
        exchange=instrument.exchange if instrument else None,
        segment=instrument.segment if instrument else None,
        instrument_token=instrument.instrument_token if instrument else None,
        exit_type=exit_type,
        mfe=match.mfe,
        mae=match.mae,
        strategy=entry.strategy or leave.strategy,
        model=entry.model or leave.model,
        entry_fill=entry.source_id,
        exit_fill=leave.source_id,
    )


def _joined(entry: Fill, leave: Fill) -> str:
    ids = [entry.source_id, leave.source_id]
    if entry.source != leave.source:  # an id is one source's: another may have given it to another fill
        ids.insert(0, entry.source)
    return ":".join(map(_escaped, ids))


def _escaped(fill_id: str) -> str:
    # ":" joins two ids; inside one it would let two pairs of fills make the same trade.
    return fill_id.replace("%", "%25").replace(":", "%3A")
