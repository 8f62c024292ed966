"""How are the derived rows of an account made right again after a late fact, a correction or a bust?"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar

from main.books.derived import Rebuilt, write
from main.books.facts import PATIENCE_SECONDS, Facts, extremes, facts, marks, marks_before, next_mark
from main.books.fold import Books, Folding
from main.books.stored import FOR_EVER, Stored, stored, unrealized_before
from main.books.timeline import Look
from main.database.pool import Database
from main.domain.events import Account
from main.domain.ledger import latest
from main.domain.scope import trading_day

__all__ = ["Rebuilt", "begin", "horizon", "rebuild", "refold"]

SETTLING = timedelta(seconds=2)
"""How far the suite's own books stay behind the clock, so that what was just recorded has arrived."""

STRETCH = timedelta(days=1)
"""Of prices that are read at once."""

_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_Timed = TypeVar("_Timed")

_BEGIN = """
    SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)
"""
# One at a time: of two rebuilds the second reads what the first has written.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('books'), hashtext($1))"
# A replay's time is its bot's; where no bot keeps the books, whatever is told carries it on.
_HORIZON = """
    SELECT CASE WHEN a.clock = 'wall' THEN clock_timestamp() - $2::interval
                WHEN a.books = 'bot' AND beats.newest IS NOT NULL THEN beats.newest
                ELSE greatest((SELECT max(at)::timestamptz FROM fills WHERE account_id = $1),
                              (SELECT max(at)::timestamptz FROM cash_flows WHERE account_id = $1),
                              beats.newest) END
      FROM accounts a, (SELECT max(at)::timestamptz AS newest FROM bot_heartbeats WHERE account_id = $1) beats
     WHERE a.account_id = $1
"""


async def rebuild(database: Database, account_id: str, since: datetime, upto: datetime | None = None) -> Rebuilt:
    """Recompute all derived rows of an account at or after a moment, in one transaction, and return what was written.

    That moment is the earliest at which a fact was learned late, corrected or busted: of a fact that moved, the earlier
    of its two times. While a bot goes on writing, `upto` is the last moment of which everything is stored; later rows
    stay as they are. Idempotent. The positions of an account whose books its bot keeps must be a `Ledger`'s. Raise
    `UnknownName` for an account that does not exist, `RecordRejected` where the facts make no books, and what the
    database raises.
    """
    async with database.scoped() as connection:
        await begin(connection, account_id)
        rebuilt, _ = await refold(connection, account_id, since, upto)
    return rebuilt


async def begin(connection: Any, account_id: str) -> None:
    """Wait for whoever else keeps these books; they are ours until the transaction ends."""
    await connection.execute(_BEGIN, f"{PATIENCE_SECONDS * 1000:.0f}")
    await connection.execute(_LOCK, account_id, timeout=PATIENCE_SECONDS)


async def horizon(connection: Any, account: Account) -> datetime | None:
    """Return up to when the books of an account can be kept now; `None` for a replay that has not begun."""
    until: datetime | None = await connection.fetchval(_HORIZON, account.account, SETTLING)
    return until


async def refold(
    connection: Any, account_id: str, since: datetime, upto: datetime | None = None
) -> tuple[Rebuilt, Folding]:
    """Rebuild inside the caller's transaction, which `begin` has prepared, and return the books to go on with."""
    known = await facts(connection, account_id)
    account = known.account
    origin = trading_day(max(since, _BEGINNING), account.zone, account.roll_over)
    kept = await stored(connection, account_id, account.source, origin, upto or FOR_EVER)
    until = upto or await _until(connection, known, kept)
    folding = Folding(account, known.instruments)
    if until is None or until < origin:
        return Rebuilt(), folding
    before = origin - _MICROSECOND
    newest = await marks_before(connection, account.source, known.symbols, before)
    closed_with = await unrealized_before(connection, account_id, account.source, origin)
    await asyncio.to_thread(folding.absorb, known, newest, origin, closed_with)
    folding.widen(await extremes(connection, account.source, folding.ledger.open_entries, before))
    books = await _advance(connection, folding, known, _looks(kept), until)
    return await write(connection, account, kept, books, (origin, upto or FOR_EVER)), folding


async def _advance(connection: Any, folding: Folding, known: Facts, looks: list[Look], until: datetime) -> Books:
    """Fold a day's prices after the other's, so that a year of them needs no more memory than a day."""
    assert folding.until is not None
    suite = known.account.books == "suite"
    books = Books(folding.ledger)
    counting = Facts(known.account, (), [*latest(known.fills)], [*latest(known.flows)], [*latest(known.rates)])
    first = min((each.at for each in (*known.fills, *known.flows)), default=until)
    after = max(folding.until, min(first, until) - _MICROSECOND)  # what was before the first fact tells nothing
    while after < until:
        end = min(after + STRETCH, until)
        prices = await marks(connection, known.account.source, known.symbols, after, end)
        # The last stretch has the facts too whose time has not come.
        part = _between(counting, folding.until, end if end < until else _NEVER)
        seen = _slice(looks, folding.until, end)
        books.add(await asyncio.to_thread(folding.advance, part, prices, end, seen, observe=suite))
        after = end
        if not prices:  # over a gap of months in one step
            timed: tuple[Sequence[Any], ...] = (counting.fills, counting.flows, counting.rates, looks)
            upcoming = [each.at for some in timed for each in _slice(some, end, _NEVER)[:1]]
            upcoming.append(await next_mark(connection, known.account.source, known.symbols, end) or until)
            after = max(end, min(until, *upcoming) - _MICROSECOND)
    return books


def _between(facts_: Facts, after: datetime, until: datetime) -> Facts:
    return replace(
        facts_,
        fills=_slice(facts_.fills, after, until),
        flows=_slice(facts_.flows, after, until),
        rates=_slice(facts_.rates, after, until),
    )


def _slice(sorted_by_time: Sequence[_Timed], after: datetime, until: datetime) -> Sequence[_Timed]:
    first, last = (bisect_right(sorted_by_time, moment, key=attrgetter("at")) for moment in (after, until))
    return sorted_by_time[first:last]


async def _until(connection: Any, known: Facts, kept: Stored) -> datetime | None:
    until = await horizon(connection, known.account)
    # A bot's clock may be ahead of the database's: what it wrote is part of its books.
    ahead = [each.at for each in kept.equity]
    if known.account.books == "bot" and known.account.clock == "wall":
        ahead += [fact.at for fact in (*known.fills, *known.flows)]
    return max((at for at in (until, *ahead) if at is not None), default=None)


def _looks(kept: Stored) -> list[Look]:
    states = (version.position for version in kept.versions)
    looks = [Look(each.at) for each in kept.equity] + [Look(each.at, False, each.position_id) for each in states]
    return sorted(looks, key=attrgetter("at"))
