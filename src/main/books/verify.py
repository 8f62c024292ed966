"""Are the books right? Everything derived is derived once more from the facts and compared with what is stored."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from main.books.facts import PATIENCE_SECONDS, Facts, facts, marks, oldest_marks
from main.books.fold import Books, fold
from main.books.stored import Stored, stored, trades
from main.books.timeline import Look
from main.database.pool import Database
from main.domain.events import DailyStats, Equity, Position, Trade
from main.errors import UnknownName

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
MARKED_OF_DAY = frozenset({"unrealized_pnl", "loss_used"})

_SINCE_EVER = datetime(1970, 1, 2, tzinfo=UTC)
_ACCOUNTS = "SELECT account_id FROM accounts ORDER BY account_id"
_OPEN = """
    SELECT at, account_id AS account, source, position_id, symbol, side, quantity, entry_time, entry_price,
           current_price, unrealized_pnl, multiplier, strategy, is_active
      FROM positions WHERE account_id = $1 AND is_active AND position_id LIKE '%@%'
"""
_DAYS = """
    SELECT at, account_id AS account, day, realized_pnl, unrealized_pnl, trades, volume, fees, loss_used
      FROM daily_stats WHERE account_id = $1 AND origin <> 'imported'
"""
_PROOF = """
    SELECT residual FROM pnl_proof(ARRAY[$1], $2, 'infinity', 'infinity') WHERE residual <> 0
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that does not follow from the facts. ``None`` on one side: it is missing there.

    ``kind`` is trade, position, equity, day or proof; ``key`` names which one and ``field`` what of it.
    """

    account: str
    kind: str
    key: str
    field: str
    stored: object
    derived: object


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared of one account. ``skipped`` says why nothing was; then there are no differences either."""

    account: str
    facts: int = 0
    compared: int = 0
    differences: tuple[Difference, ...] = ()
    skipped: str | None = None


async def verify(database: Database, accounts: Iterable[str] | None = None) -> tuple[Verified, ...]:
    """Recompute the books of these accounts, or of all, and compare. Nothing is changed. Needs the role service.

    What a bot still has in its buffer may make the newest rows differ: ask again, or stop it first. Raise `UnknownName`
    for an account that does not exist, and what the database raises.
    """
    async with database.scoped() as connection:
        known = [row["account_id"] for row in await connection.fetch(_ACCOUNTS)]
    wanted = known if accounts is None else list(accounts)
    for each in wanted:
        if each not in known:
            raise UnknownName("account", each, known)
    return tuple([await _verified(database, each) for each in wanted])


async def _verified(database: Database, account_id: str) -> Verified:
    async with database.scoped(snapshot=True) as connection:  # what a bot adds meanwhile is not half there
        known = await facts(connection, account_id)
        count = len(known.fills) + len(known.flows)
        if not count:
            return Verified(account_id, skipped="no fills or cash flows: nothing follows from nothing")
        kept = await stored(connection, account_id, known.account.source, _SINCE_EVER)
        stored_trades = await trades(connection, account_id, _SINCE_EVER, ())
        if known.fills and not (stored_trades or kept.positions or kept.equity):
            return Verified(account_id, count, skipped="none of its derived rows is the suite's or a ledger's")
        open_rows = [Position(**dict(row)) for row in await connection.fetch(_OPEN, account_id)]
        days = {row["day"]: DailyStats(**dict(row)) for row in await connection.fetch(_DAYS, account_id)}
        priced_since = await oldest_marks(connection, known.account.source, known.symbols)
        until = _until(known, kept)
        prices = await marks(connection, known.account.source, known.symbols, _SINCE_EVER, until)
        residual = await connection.fetchval(_PROOF, account_id, _SINCE_EVER, timeout=PATIENCE_SECONDS)
    looks = [Look(each.at) for each in kept.equity]
    books = await asyncio.to_thread(fold, known, prices, until, looks, observe=False)
    differences = (
        *_trades(stored_trades, books, priced_since),
        *_positions(open_rows, books),
        *_equity(kept.equity, books, priced_since),
        *_days(days, books, priced_since),
        *([] if residual is None else [Difference(account_id, "proof", "all", "residual", residual, Decimal(0))]),
    )
    compared = len(stored_trades) + len(open_rows) + len(kept.equity) + len(days) + 1
    return Verified(account_id, count, compared, differences)


def _until(known: Facts, kept: Stored) -> datetime:
    return max(each.at for each in (*known.fills, *known.flows, *kept.equity))


def _trades(kept: Sequence[Trade], books: Books, priced_since: Mapping[str, datetime]) -> Iterator[Difference]:
    before = {trade.source_id: trade for trade in kept if trade.quantity}
    for trade in books.trades:
        known = before.pop(trade.source_id, None)
        oldest = priced_since.get(trade.symbol)
        purged = oldest is None or trade.entry_time < oldest
        names = [name for name in TRADE_FIELDS if not (purged and name in EXCURSIONS)]
        yield from _compared("trade", trade.source_id, names, known, trade)
    for trade in before.values():
        if trade.entry_fill is not None and trade.exit_fill is not None:  # else no ledger's: imported, or by hand
            yield from _compared("trade", trade.source_id, (), trade, None)


def _positions(kept: Sequence[Position], books: Books) -> Iterator[Difference]:
    before = {position.position_id: position for position in kept}
    for position in books.ledger.positions:
        known = before.pop(position.position_id, None)
        yield from _compared("position", position.position_id, POSITION_FIELDS, known, position)
    for position in before.values():
        yield from _compared("position", position.position_id, (), position, None)


def _equity(kept: Sequence[Equity], books: Books, priced_since: Mapping[str, datetime]) -> Iterator[Difference]:
    priced = _all_priced_since(priced_since)
    for each in kept:
        names = [name for name in EQUITY_FIELDS if name not in MARKED or (priced is not None and each.at >= priced)]
        yield from _compared("equity", each.at.isoformat(), names, each, books.equity.get(each.at))


def _days(kept: Mapping[date, DailyStats], books: Books, priced_since: Mapping[str, datetime]) -> Iterator[Difference]:
    priced = _all_priced_since(priced_since)
    for day, known in sorted(kept.items()):
        derived = books.days.get(day)
        if derived is None:  # no equity was observed on it: nothing was folded to compare with
            continue
        names = [
            name for name in DAY_FIELDS if name not in MARKED_OF_DAY or (priced is not None and known.at >= priced)
        ]
        yield from _compared("day", day.isoformat(), names, known, derived)


def _all_priced_since(priced_since: Mapping[str, datetime]) -> datetime | None:
    return max(priced_since.values(), default=None)


def _compared(kind: str, key: str, names: Iterable[str], kept: Any, derived: Any) -> Iterator[Difference]:
    account = (derived if kept is None else kept).account
    if kept is None or derived is None:
        yield Difference(account, kind, key, "", _shown(kept), _shown(derived))
        return
    for name in names:
        before, after = getattr(kept, name), getattr(derived, name)
        if before != after and not (name == "fx_pnl" and (before or 0) == (after or 0)):
            yield Difference(account, kind, key, name, before, after)


def _shown(row: Any) -> str | None:
    return None if row is None else "there"
