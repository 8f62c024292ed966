"""What stored does not follow from the facts? Pure comparisons of derived rows with what was folded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any

from main.domain.events import DailyStats, Equity, Fill, Position, Trade
from main.domain.lots import EXACT

TRADE_FIELDS = (
    *("symbol", "transaction_type", "quantity", "at", "entry_time", "entry_price", "exit_price", "gross_pnl", "fees"),
    *("realized_pnl", "fx_rate", "position_id", "mfe", "mae"),
)
EXCURSIONS = frozenset({"mfe", "mae"})
POSITION_FIELDS = ("symbol", "side", "quantity", "multiplier", "entry_time", "entry_price")
EQUITY_FIELDS = ("equity", "cash", "realized_pnl", "unrealized_pnl", "fees", "gross_exposure", "net_exposure", "fx_pnl")
MARKED = frozenset({"equity", "unrealized_pnl", "gross_exposure", "net_exposure"})
"""Figures of an observation that need the prices of its time; those are not kept for ever."""
DAY_FIELDS = ("realized_pnl", "unrealized_pnl", "trades", "volume", "fees", "loss_used")

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that does not follow from the facts. ``None`` on one side: it is missing there.

    ``kind`` is trade, position, equity, day or proof, or facts where they make no books; ``key`` names which one and
    ``field`` what of it, empty where the whole row is missing or should not be there.
    """

    account: str
    kind: str
    key: str
    field: str
    stored: object
    derived: object


class PricedTimes:
    """When are the prices of everything held still there? They are purged, and some symbols never had any."""

    def __init__(self, fills: Iterable[Fill], priced_since: Mapping[str, datetime]) -> None:
        """`fills` are those that count, oldest first; `priced_since` says since when prices of a symbol are kept."""
        first: dict[str, datetime] = {}
        last: dict[str, datetime] = {}
        held: dict[str, Decimal] = {}
        for fill in fills:
            first.setdefault(fill.symbol, fill.at)
            last[fill.symbol] = fill.at
            signed = fill.quantity if fill.side == "buy" else -fill.quantity
            held[fill.symbol] = held.get(fill.symbol, _ZERO) + signed
        self._priced_since = priced_since
        self._gaps: list[tuple[datetime, datetime | None]] = []
        for symbol, begin in first.items():
            ends = (priced_since.get(symbol), None if held[symbol] else last[symbol])
            known = [end for end in ends if end is not None]
            if not known or begin < min(known):
                self._gaps.append((begin, min(known, default=None)))

    def __contains__(self, at: datetime) -> bool:
        """Whether everything that may have been held at a moment has had a price by then."""
        return not any(begin <= at and (end is None or at < end) for begin, end in self._gaps)

    def cover(self, trade: Trade) -> bool:
        """Whether all prices that a trade saw are there."""
        oldest = self._priced_since.get(trade.symbol)
        return oldest is not None and trade.entry_time >= oldest


def compared_trades(kept: Iterable[Trade], derived: Iterable[Trade], priced: PricedTimes) -> Iterator[Difference]:
    """Compare the trades that count; those without the ids of their fills are no ledger's: imported, or by hand."""
    before = {trade.source_id: trade for trade in kept if trade.quantity}
    for trade in derived:
        known = before.pop(trade.source_id, None)
        names = TRADE_FIELDS if priced.cover(trade) else [name for name in TRADE_FIELDS if name not in EXCURSIONS]
        yield from _compared("trade", trade.source_id, names, known, trade)
    for trade in before.values():
        if is_of_ledger(trade):
            yield from _compared("trade", trade.source_id, (), trade, None)


def is_of_ledger(trade: Trade) -> bool:
    """Whether a trade says of which fills it was made."""
    return trade.entry_fill is not None and trade.exit_fill is not None


def compared_positions(kept: Iterable[Position], derived: Iterable[Position]) -> Iterator[Difference]:
    """Compare what is held now."""
    before = {position.position_id: position for position in kept}
    for position in derived:
        known = before.pop(position.position_id, None)
        yield from _compared("position", position.position_id, POSITION_FIELDS, known, position)
    for position in before.values():
        yield from _compared("position", position.position_id, (), position, None)


def compared_equity(
    kept: Iterable[Equity], derived: Mapping[datetime, Equity], priced: PricedTimes
) -> Iterator[Difference]:
    """Compare observations with what the account was at their moments."""
    for each in kept:
        names = EQUITY_FIELDS if each.at in priced else [name for name in EQUITY_FIELDS if name not in MARKED]
        yield from _compared("equity", each.at.isoformat(), names, each, derived.get(each.at))


def compared_days(
    account: str, kept: Mapping[date, DailyStats], derived: Mapping[date, DailyStats], priced: PricedTimes
) -> Iterator[Difference]:
    """Compare the days on which equity was observed, and miss those that lie between days that are there."""
    if not kept:
        return
    first, last = min(kept), max(kept)
    before: DailyStats | None = None
    for day, right in sorted(derived.items()):
        known = kept.get(day)
        if known is not None:
            names = [name for name in DAY_FIELDS if _is_priced(name, right, before, priced)]
            as_seen = replace(right, loss_used=_loss_used(right, before))
            yield from _compared("day", day.isoformat(), names, known, as_seen)
        elif first < day < last:
            yield Difference(account, "day", day.isoformat(), "", None, "there")
        before = right


def _is_priced(name: str, day: DailyStats, before: DailyStats | None, priced: PricedTimes) -> bool:
    if name == "unrealized_pnl":
        return day.at in priced
    return name != "loss_used" or (day.at in priced and (before is None or before.at in priced))


def _loss_used(day: DailyStats, before: DailyStats | None) -> Decimal | None:
    """Since the last observation of the day before, as the account saw it: while its bot was away others may have gone
    on recording prices."""
    if day.unrealized_pnl is None or day.realized_pnl is None:
        return None
    closed = before.unrealized_pnl if before is not None and before.unrealized_pnl is not None else _ZERO
    with localcontext(EXACT):
        return max(_ZERO, closed - day.realized_pnl - day.unrealized_pnl)


def _compared(kind: str, key: str, names: Iterable[str], kept: Any, derived: Any) -> Iterator[Difference]:
    account = (derived if kept is None else kept).account
    if kept is None or derived is None:
        yield Difference(account, kind, key, "", _shown(kept), _shown(derived))
        return
    for name in names:
        before, after = getattr(kept, name), getattr(derived, name)
        if before != after and not (name == "fx_pnl" and (before or 0) == (after or 0)):
            yield Difference(account, kind, key, name, before, after)


def _shown(row: object) -> str | None:
    return None if row is None else "there"
