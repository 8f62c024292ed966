"""Are closed trades, executions and orders summed up by day, so that questions about years are answered at once?"""

import asyncpg

from main.database.pool import Database
from main.errors import DatabaseLocked, DatabaseTimeout

DAYS = 14
"""Days of one transaction: of an account with a thousand trades a day, a fraction of a second. Fewer where that is too
many for the limit of a statement."""

_TRADES = """
    SELECT a.account_id::text
      FROM accounts a
      LEFT JOIN trade_days_progress p ON p.account_id = a.account_id AND p.zone = a.zone AND p.roll_over = a.roll_over
     WHERE p.account_id IS NULL OR EXISTS (SELECT FROM trade_marks m WHERE m.account_id = a.account_id)
     ORDER BY a.account_id
"""
_FILLS = """
    SELECT a.account_id::text
      FROM accounts a
      LEFT JOIN fill_days_progress p ON p.account_id = a.account_id AND p.source = a.source AND p.currency = a.currency
                                    AND p.zone = a.zone AND p.roll_over = a.roll_over
     WHERE p.account_id IS NULL OR EXISTS (SELECT FROM fill_marks m WHERE m.account_id = a.account_id)
     ORDER BY a.account_id
"""

_ORDERS = """
    SELECT a.account_id::text
      FROM accounts a
      LEFT JOIN order_days_progress p ON p.account_id = a.account_id AND p.zone = a.zone AND p.roll_over = a.roll_over
     WHERE p.account_id IS NULL OR EXISTS (SELECT FROM order_marks m WHERE m.account_id = a.account_id)
     ORDER BY a.account_id
"""


async def roll_trade_days(database: Database, *, days: int = DAYS) -> int:
    """Sum up all days in which trades closed, changed or went since the last time; return how many.

    Needs the role service. Each step is a transaction of its own: one that is killed is gone on with by the next run.
    What is not summed up yet is no less right, only slower. Raise `DatabaseUnreachable` at once, else the first error
    once the other accounts are summed up: `DatabaseTimeout` where a single day takes too long, or PostgreSQL's own.
    """
    return await _roll(database, _TRADES, "SELECT roll_trade_days($1, $2)", days)


async def roll_fill_days(database: Database, *, days: int = DAYS) -> int:
    """Sum up all days in which fills, or what they are worth, changed, as `roll_trade_days` does."""
    return await _roll(database, _FILLS, "SELECT roll_fill_days($1, $2)", days)


async def roll_order_days(database: Database, *, days: int = DAYS) -> int:
    """Sum up all days in which orders ended, or a step of one came, as `roll_trade_days` does."""
    return await _roll(database, _ORDERS, "SELECT roll_order_days($1, $2)", days)


async def _roll(database: Database, changed: str, roll: str, days: int) -> int:
    async with database.scoped() as connection:
        accounts = [row[0] for row in await connection.fetch(changed)]
    made, failed = 0, None
    for account in accounts:
        try:
            made += await _roll_account(database, roll, account, days)
        except (DatabaseTimeout, asyncpg.PostgresError) as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return made


async def _roll_account(database: Database, roll: str, account: str, days: int) -> int:
    made = 0
    while True:
        try:
            async with database.scoped() as connection:
                step: int = await connection.fetchval(roll, account, days)
        except DatabaseTimeout as error:
            if days <= 1 or isinstance(error, DatabaseLocked):  # who waits for a lock waits as long with fewer days
                raise
            days //= 2
            continue
        if not step:
            return made
        made += step
