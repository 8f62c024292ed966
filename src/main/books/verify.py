"""Are the books right? Everything derived is derived once more from the facts and compared with what is stored."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from main.books.comparison import (
    Difference,
    PricedTimes,
    compared_days,
    compared_equity,
    compared_positions,
    compared_trades,
    is_of_ledger,
)
from main.books.facts import PATIENCE_SECONDS, Facts, Mark, facts, marks, marks_before, oldest_marks
from main.books.fold import Folding
from main.books.stored import observations, trades
from main.books.timeline import Look
from main.database.pool import Database
from main.domain.events import DailyStats, Equity, Position, Trade
from main.domain.ledger import latest
from main.errors import RecordRejected, UnknownName

__all__ = ["Difference", "Verified", "verify"]

ROWS_AT_ONCE = 100_000
"""About how many prices and observations are folded at a time, however many there are."""

_SINCE_EVER = datetime(1970, 1, 2, tzinfo=UTC)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)

_ACCOUNTS = "SELECT account_id FROM accounts ORDER BY account_id"
_OPEN = """
    SELECT at, account_id AS account, source, position_id, symbol, side, quantity, entry_time, entry_price,
           current_price, unrealized_pnl, multiplier, strategy, is_active
      FROM positions WHERE account_id = $1 AND is_active AND position_id LIKE '%@%'
"""
_EVER_HELD = "SELECT EXISTS (SELECT FROM positions WHERE account_id = $1 AND position_id LIKE '%@%')"
_OBSERVED = """
    SELECT min(at)::timestamptz AS first, max(at)::timestamptz AS last
      FROM trading_pnl WHERE account_id = $1 AND source = $2 AND source_id LIKE 'equity-%'
"""
_DAYS = """
    SELECT at, account_id AS account, day, realized_pnl, unrealized_pnl, trades, volume, fees, loss_used
      FROM daily_stats WHERE account_id = $1 AND origin <> 'imported'
"""
_KEPT_UNTIL = "SELECT until FROM books_progress WHERE account_id = $1"
_PROOF = """
    SELECT residual FROM pnl_proof(ARRAY[$1], $2, 'infinity', 'infinity') WHERE residual <> 0
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared of one account. ``skipped`` says why nothing was; then there are no differences either.

    ``waiting`` facts came after the last turn of the worker that keeps these books, and are in none.
    """

    account: str
    facts: int = 0
    compared: int = 0
    differences: tuple[Difference, ...] = ()
    skipped: str | None = None
    waiting: int = 0


async def verify(database: Database, accounts: Iterable[str] | None = None) -> tuple[Verified, ...]:
    """Recompute the books of these accounts, or of all, and compare. Nothing is changed. Needs the role service.

    What a bot still has in its buffer may make the newest rows differ: ask again, or stop it first. Raise `UnknownName`
    for an account that does not exist, and what the database raises.
    """
    async with database.scoped() as connection:
        known = [row["account_id"] for row in await connection.fetch(_ACCOUNTS)]
    wanted = known if accounts is None else list(dict.fromkeys(accounts))
    for each in wanted:
        if each not in known:
            raise UnknownName("account", each, known)
    return tuple([await _verified(database, each) for each in wanted])


async def _verified(database: Database, account_id: str) -> Verified:
    async with database.scoped(snapshot=True) as connection:  # what a bot adds meanwhile is not half there
        known = await facts(connection, account_id)
        count = len(known.fills) + len(known.flows)
        kept = await _kept(connection, known)
        skipped = _reason_to_skip(known, kept)
        if skipped is not None:
            return Verified(account_id, count, skipped=skipped)
        folded = _Folded(known, kept)
        try:
            priced_since = await oldest_marks(connection, known.account.source, known.symbols)
            await folded.fold(connection, PricedTimes(latest(known.fills), priced_since))
        except RecordRejected as error:
            trouble = Difference(account_id, "facts", "all", error.field, error.message, None)
            return Verified(account_id, count, differences=(trouble,))
        residual = await connection.fetchval(_PROOF, account_id, _SINCE_EVER, timeout=PATIENCE_SECONDS)
    proof = [] if residual is None else [Difference(account_id, "proof", "all", "residual", residual, Decimal(0))]
    compared = folded.observed + len(kept.trades) + len(kept.positions) + len(kept.days) + 1
    return Verified(account_id, count, compared, (*folded.differences(), *proof), waiting=folded.waiting)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The derived rows of an account, observations of equity aside: of those, the first and the last moment."""

    trades: Sequence[Trade]
    positions: Sequence[Position]
    days: dict[date, DailyStats]
    ever_held: bool
    observed: tuple[datetime | None, datetime | None]
    until: datetime | None  # of books that the suite keeps

    @property
    def is_of_ledger(self) -> bool:
        """Whether anything of it was made by a ledger."""
        return self.ever_held or self.observed[0] is not None or any(is_of_ledger(each) for each in self.trades)


async def _kept(connection: Any, known: Facts) -> _Kept:
    name, source = known.account.account, known.account.source
    observed = await connection.fetchrow(_OBSERVED, name, source)
    return _Kept(
        await trades(connection, name, _SINCE_EVER, ()),
        [Position(**dict(row)) for row in await connection.fetch(_OPEN, name)],
        {row["day"]: DailyStats(**dict(row)) for row in await connection.fetch(_DAYS, name)},
        await connection.fetchval(_EVER_HELD, name),
        (observed["first"], observed["last"]),
        await connection.fetchval(_KEPT_UNTIL, name),
    )


def _reason_to_skip(known: Facts, kept: _Kept) -> str | None:
    if kept.is_of_ledger:
        return None
    if not known.fills and not known.flows:
        return "no fills or cash flows: nothing follows from nothing"
    if known.account.books == "suite":
        return None if kept.until is not None else "the worker has not kept its books yet"
    return "none of its derived rows is the suite's or a ledger's" if known.fills else None


@dataclass(slots=True)
class _Folded:
    """The fold of one account, stretch by stretch, so that a year of prices needs no more memory than a day."""

    known: Facts
    kept: _Kept
    observed: int = 0
    _trades: list[Trade] = field(default_factory=list)
    _days: dict[date, DailyStats] = field(default_factory=dict)
    _equity: list[Difference] = field(default_factory=list)
    _folding: Folding = field(init=False)
    _priced: PricedTimes = field(init=False)

    def __post_init__(self) -> None:
        self._folding = Folding(self.known.account, self.known.instruments, minutes=False)

    @property
    def waiting(self) -> int:
        """How many facts come after the end of the books."""
        end = self._end
        return sum(fact.at > end for fact in (*latest(self.known.fills), *latest(self.known.flows)))

    @property
    def _moments(self) -> list[datetime]:
        observed = [at for at in self.kept.observed if at is not None]
        return [*(fact.at for fact in (*self.known.fills, *self.known.flows)), *observed]

    @property
    def _end(self) -> datetime:
        if self.known.account.books == "suite" and self.kept.until is not None:
            return self.kept.until
        return max(self._moments, default=_SINCE_EVER)

    async def fold(self, connection: Any, priced: PricedTimes) -> None:
        """Fold everything. Raise `RecordRejected` where the facts make no books."""
        self._priced = priced
        source, symbols = self.known.account.source, self.known.symbols
        begin = min(self._moments, default=_SINCE_EVER) - _MICROSECOND
        prices = await marks_before(connection, source, symbols, begin)
        pieces = _Pieces(self.known)
        async for until, later, seen in self._stretches(connection, begin):
            await asyncio.to_thread(self._advance, pieces.upto(until), [*prices, *later], seen, until)
            prices = []

    async def _stretches(
        self, connection: Any, after: datetime
    ) -> AsyncIterator[tuple[datetime, list[Mark], list[Equity]]]:
        account, symbols, span, end = self.known.account, self.known.symbols, _DAY, self._end
        while after < end:
            until = end if end - after <= span else after + span
            prices = await marks(connection, account.source, symbols, after, until)
            seen = await observations(connection, account.account, account.source, after, until)
            yield until, prices, seen
            rows = len(prices) + len(seen)
            span = span * 2 if rows < ROWS_AT_ONCE / 2 else span / 2 if rows > ROWS_AT_ONCE else span
            after = until

    def _advance(self, facts_: Facts, prices: list[Mark], seen: list[Equity], until: datetime) -> None:
        books = self._folding.advance(facts_, prices, until, [Look(each.at) for each in seen], observe=False)
        self.observed += len(seen)
        self._trades += books.trades
        self._days |= books.days
        self._equity += compared_equity(seen, books.equity, self._priced)

    def differences(self) -> Iterator[Difference]:
        """Yield what differs, the proof aside."""
        name = self.known.account.account
        yield from compared_trades(self.kept.trades, self._trades, self._priced)
        yield from compared_positions(self.kept.positions, self._folding.ledger.positions)
        yield from self._equity
        yield from compared_days(name, self.kept.days, self._days, self._priced)


class _Pieces:
    """Facts that count, handed out once each as time goes on."""

    def __init__(self, known: Facts) -> None:
        self._account = known.account
        self._all = ([*latest(known.fills)], [*latest(known.flows)], [*latest(known.rates)])
        self._next = [0, 0, 0]

    def upto(self, until: datetime) -> Facts:
        """Return what happened until then and was not handed out before."""
        fills, flows, rates = (self._cut(place, until) for place in range(3))
        return Facts(self._account, (), fills, flows, rates)

    def _cut(self, place: int, until: datetime) -> list[Any]:
        facts_: Sequence[Any] = self._all[place]
        first = last = self._next[place]
        while last < len(facts_) and facts_[last].at <= until:
            last += 1
        self._next[place] = last
        return list(facts_[first:last])
