"""Are minutes, hours and days of what is recorded up to date?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from main.database.kept_days import roll_fill_days, roll_order_days, roll_trade_days
from main.database.pool import Database
from main.errors import DatabaseTimeout

FACTS = ("market", "equity", "host")
WIDTHS = ("minute", "hour", "day")

BATCH = 2000
"""Buckets of one transaction: a fraction of a second, so that a kill loses little and the lock is short."""

MANY, FEW = 50_000, 5_000
"""Facts of one look at what was recorded: after more of them the next look is shorter, after fewer it is longer."""

FIRST_LOOK = timedelta(hours=1)

OVERLAP = timedelta(seconds=5)
"""How far each run looks back behind the last: the database's clock may have been set back by that much."""

_SETTLE = "SELECT mark_settlement()"
_HORIZON = "SELECT least(settled_until(), $1)"
# Of two workers at work for a moment, one waits here for the other's step and then finds nothing left of it.
_LOCK = "SELECT nullif(rolled_until, '-infinity') FROM rollup_progress WHERE fact = $1 FOR UPDATE"
_ADVANCE = "UPDATE rollup_progress SET rolled_until = greatest(rolled_until, $2) WHERE fact = $1"
_LOOKED = "UPDATE rollup_progress SET looked_at = clock_timestamp() WHERE fact = $1"
_FIRST = {
    "market": "SELECT min(recorded_at)::timestamptz - interval '1 microsecond' FROM market_snapshots",
    "equity": "SELECT min(recorded_at)::timestamptz - interval '1 microsecond' FROM trading_pnl",
    "host": "SELECT min(recorded_at)::timestamptz - interval '1 microsecond' FROM system_metrics",
}
_MARK = {
    "market": "SELECT mark_market($1, $2)",
    "equity": "SELECT mark_equity($1, $2)",
    "host": "SELECT mark_host($1, $2)",
}
_ROLL = {
    "market": "SELECT roll_market($1, $2, $3)",
    "equity": "SELECT roll_equity($1, $2, $3)",
    "host": "SELECT roll_host($1, $2, $3)",
}

_ACCOUNTS = "SELECT a.account_id::text FROM accounts a ORDER BY a.account_id"
_CLOSE = "SELECT keep_closes($1, $2, $3)"

CLOSES = 400
"""Days of one transaction whose closes are looked up."""


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What one run did: facts it looked at, and buckets made or made anew, of all widths."""

    facts: int
    buckets: int


async def roll_up(database: Database, *, until: datetime | None = None, batch: int = BATCH) -> RolledUp:
    """Bring all roll-ups up to what is settled, at most to `until`; late facts and corrections reach theirs.

    Needs the role service. Each step is a transaction of its own: one that is killed is gone on with by the next run,
    and two at once do the work once. A bucket that is not over yet is not made. Raise `DatabaseUnreachable` or
    `DatabaseTimeout`; what days of trades, fills or orders cannot be summed up for is raised when all else is done.
    """
    failed = await _roll_kept_days(database)
    done = await _roll_facts(database, until, batch)
    if failed:
        raise failed[0] if len(failed) == 1 else ExceptionGroup("days could not be summed up", failed)
    return done


async def _roll_kept_days(database: Database) -> list[Exception]:
    """By marks, not by when they were recorded: these need no horizon. None of them keeps another from its work."""
    failed: list[Exception] = []
    for roll in (roll_trade_days, roll_fill_days, roll_order_days):
        try:
            await roll(database)
        except (DatabaseTimeout, asyncpg.PostgresError) as error:
            failed.append(error)
    return failed


async def _roll_facts(database: Database, until: datetime | None, batch: int) -> RolledUp:
    async with database.scoped() as connection:
        await connection.execute(_SETTLE)
    async with database.scoped() as connection:
        horizon = await connection.fetchval(_HORIZON, until)
    if horizon is None:
        return RolledUp(0, 0)
    facts = buckets = 0
    for fact in FACTS:
        facts += await _look(database, fact, horizon)
        for width in WIDTHS:
            buckets += await _make(database, fact, width, horizon, batch)
        if fact == "equity":
            await _close(database, horizon)
        async with database.scoped() as connection:
            await connection.execute(_LOOKED, fact)
    return RolledUp(facts, buckets)


async def _look(database: Database, fact: str, horizon: datetime) -> int:
    """Note the buckets of everything recorded since the last run; return how many facts that was."""
    found, step, overlap = 0, FIRST_LOOK, OVERLAP
    while True:
        async with database.scoped() as connection:
            seen, over = await _look_once(connection, fact, overlap, step, horizon)
        found += seen
        if over:
            return found
        step = step / 2 if seen > MANY else step * 2 if seen < FEW else step
        overlap = timedelta(0)


async def _look_once(
    connection: Any, fact: str, overlap: timedelta, step: timedelta, horizon: datetime
) -> tuple[int, bool]:
    """Look at one stretch of what was recorded; return the facts found and whether it was the last stretch."""
    first = await connection.fetchval(_LOCK, fact) or await connection.fetchval(_FIRST[fact])
    if first is None or first >= horizon:
        return 0, True
    upto = min(first + step, horizon)
    seen = await connection.fetchval(_MARK[fact], first - overlap, upto)
    await connection.execute(_ADVANCE, fact, upto)
    return seen, upto >= horizon


async def _make(database: Database, fact: str, width: str, horizon: datetime, batch: int) -> int:
    """Make the dirty buckets of one width that are over at `horizon`; return how many."""
    made = 0
    while True:
        async with database.scoped() as connection:
            await connection.fetchval(_LOCK, fact)
            taken: int = await connection.fetchval(_ROLL[fact], width, batch, horizon)
        made += taken
        if taken < batch:
            return made


async def _close(database: Database, horizon: datetime) -> None:
    """Keep the equity at the closes of all trading days that are over at `horizon`."""
    async with database.scoped() as connection:
        accounts = [row[0] for row in await connection.fetch(_ACCOUNTS)]
    for account in accounts:
        made = CLOSES
        while made == CLOSES:
            async with database.scoped() as connection:
                await connection.fetchval(_LOCK, "equity")
                made = await connection.fetchval(_CLOSE, account, CLOSES, horizon)
