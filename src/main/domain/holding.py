"""What is held of one symbol, what is it worth, and how is that told as a position and as trades?"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from main.domain.events import Instrument, Position, Trade
from main.domain.lots import Lots, Match, quotient

_ZERO = Decimal(0)


@dataclass(slots=True)
class Holding:
    """The lots of one symbol and its newest price. Whoever asks for money has the exact context in force."""

    symbol: str
    multiplier: Decimal = Decimal(1)
    lots: Lots = field(default_factory=Lots)
    position_id: str = ""
    strategy: str | None = None
    mark: Decimal | None = None
    marked_at: datetime | None = None
    filled_at: datetime | None = None

    @property
    def value(self) -> Decimal:
        """The market value, negative when short, 0 when flat."""
        if not self.lots.quantity or self.mark is None:
            return _ZERO
        return self.lots.sign * self.lots.quantity * self.mark * self.multiplier

    @property
    def unrealized(self) -> Decimal:
        """The gross profit that the open lots would bring at the mark."""
        # From the cost, not from the average entry: the average of three lots is seldom an exact decimal.
        if not self.lots.quantity or self.mark is None:
            return _ZERO
        return self.lots.sign * self.multiplier * (self.lots.quantity * self.mark - self.lots.cost)

    def position(self, account: str, source: str, instrument: Instrument | None) -> Position:
        """Return the open position. Not to be asked of a flat holding."""
        assert self.lots.opened_at is not None
        assert self.marked_at is not None
        return Position(
            at=self.marked_at,
            account=account,
            source=source,
            position_id=self.position_id,
            symbol=self.symbol,
            side="long" if self.lots.sign > 0 else "short",
            quantity=self.lots.quantity,
            entry_time=self.lots.opened_at,
            entry_price=quotient(self.lots.cost, self.lots.quantity),
            current_price=self.mark,
            unrealized_pnl=self.unrealized,
            multiplier=self.multiplier,
            exchange=instrument.exchange if instrument else None,
            instrument_token=instrument.instrument_token if instrument else None,
            strategy=self.strategy,
        )


def trade_of(match: Match, position: Position, instrument: Instrument | None, exit_type: str | None) -> Trade:
    """Return the trade that a lot match of this position is."""
    entry, leave = match.entry, match.exit
    return Trade(
        at=leave.at,
        account=position.account,
        source=leave.source,
        source_id=f"{_escaped(entry.source_id)}:{_escaped(leave.source_id)}",
        symbol=entry.symbol,
        transaction_type="BUY" if entry.side == "buy" else "SELL",
        quantity=match.quantity,
        entry_time=entry.at,
        entry_price=entry.price,
        exit_price=leave.price,
        gross_pnl=match.gross_pnl,
        fees=match.fees,
        realized_pnl=match.gross_pnl - match.fees,
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


def _escaped(fill_id: str) -> str:
    # ":" joins two ids; inside one it would let two pairs of fills make the same trade.
    return fill_id.replace("%", "%25").replace(":", "%3A")
