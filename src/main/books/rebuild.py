"""How are the derived rows of an account made right again after a late fact, a correction or a bust?"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from main.books.derived import Rebuilt, write
from main.books.facts import PATIENCE_SECONDS, Facts, extremes, facts, marks, marks_before
from main.books.fold import Folding
from main.books.stored import Stored, stored, unrealized_before
from main.books.timeline import Look
from main.database.pool import Database
from main.domain.events import Account
from main.domain.scope import trading_day

__all__ = ["Rebuilt", "begin", "horizon", "rebuild", "refold"]

SETTLING = timedelta(seconds=2)
"""How far the suite's own books stay behind the clock, so that what was just recorded has arrived."""

_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_BEGIN = """
    SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)
"""
# One at a time: of two rebuilds the second reads what the first has written.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('books'), hashtext($1))"
_HORIZON = """
    SELECT CASE WHEN a.clock = 'wall' THEN clock_timestamp() - $2::interval
                ELSE greatest((SELECT max(at)::timestamptz FROM fills WHERE account_id = $1),
                              (SELECT max(at)::timestamptz FROM cash_flows WHERE account_id = $1),
                              (SELECT max(at)::timestamptz FROM bot_heartbeats WHERE account_id = $1)) END
      FROM accounts a WHERE a.account_id = $1
"""


async def rebuild(database: Database, account_id: str, since: datetime) -> Rebuilt:
    """Recompute all derived rows of an account at or after a moment, in one transaction, and return what was written.

    That moment is the earliest at which a fact was learned late, corrected or busted: of a fact that moved, the earlier
    of its two times. Idempotent. The positions of an account whose books its bot keeps must be a `Ledger`'s. Raise
    `UnknownName` for an account that does not exist, `RecordRejected` where the facts make no books, and what the
    database raises.
    """
    async with database.scoped() as connection:
        await begin(connection, account_id)
        rebuilt, _ = await refold(connection, account_id, since)
    return rebuilt


async def begin(connection: Any, account_id: str) -> None:
    """Wait for whoever else keeps these books; they are ours until the transaction ends."""
    await connection.execute(_BEGIN, f"{PATIENCE_SECONDS * 1000:.0f}")
    await connection.execute(_LOCK, account_id, timeout=PATIENCE_SECONDS)


async def horizon(connection: Any, account: Account) -> datetime | None:
    """Return up to when the books of an account can be kept now; `None` for a replay that has not begun."""
    until: datetime | None = await connection.fetchval(_HORIZON, account.account, SETTLING)
    return until


async def refold(connection: Any, account_id: str, since: datetime) -> tuple[Rebuilt, Folding]:
    """Rebuild inside the caller's transaction, which `begin` has prepared, and return the books to go on with."""
    known = await facts(connection, account_id)
    account = known.account
    origin = trading_day(max(since, _BEGINNING), account.zone, account.roll_over)
    kept = await stored(connection, account_id, account.source, origin)
    until = await _until(connection, known, kept)
    folding = Folding(account, known.instruments)
    if until is None or until < origin:
        return Rebuilt(), folding
    before = origin - _MICROSECOND
    newest = await marks_before(connection, account.source, known.symbols, before)
    closed_with = await unrealized_before(connection, account_id, account.source, origin)
    await asyncio.to_thread(folding.absorb, known, newest, origin, closed_with)
    folding.widen(await extremes(connection, account.source, folding.ledger.open_entries, before))
    prices = await marks(connection, account.source, known.symbols, before, until)
    looks = _looks(kept)
    suite = account.books == "suite"
    books = await asyncio.to_thread(folding.advance, known, prices, until, looks, observe=suite)
    return await write(connection, account, kept, books, origin), folding


async def _until(connection: Any, known: Facts, kept: Stored) -> datetime | None:
    until = await horizon(connection, known.account)
    # A bot's clock may be ahead of the database's: what it wrote is part of its books.
    ahead = [each.at for each in kept.equity]
    if known.account.books == "bot":
        ahead += [fact.at for fact in (*known.fills, *known.flows)]
    return max((at for at in (until, *ahead) if at is not None), default=None)


def _looks(kept: Stored) -> list[Look]:
    states = (version.position for version in kept.versions)
    return [Look(each.at) for each in kept.equity] + [Look(each.at, False, each.position_id) for each in states]
