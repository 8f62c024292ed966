"""Years of trading, made inside the database: what questions about a long history are asked of.

A year is 100,000 closed trades of two accounts with their fills, orders and order events, an observation of equity a
minute and account, and a daily bar of 50 symbols; ten of them are a million trades and ten million observations. The
market is an observation per symbol and ten seconds of the last days, a million or ten of them: snapshots of years are
purged. Everything is as old as it happened: nothing waits for a roll-up but the last hours.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from main.database.address import Address
from main.database.partitions import summarize_past_months
from main.database.pool import Database
from main.database.rollups import roll_up
from tests.bench.history import administrator

SOURCE = "bench"
ACCOUNTS = ("bench-a", "bench-b")
YEAR = timedelta(days=365)
MARKET_PART = timedelta(seconds=10) * (1_000_000 // 50)
"""How long a million snapshots last."""

_STATEMENTS = Path(__file__).with_name("sql")

_MONTHS = """
    SELECT make_month_partition($1, month::date)
      FROM generate_series(date_trunc('month', $2::timestamptz), $3::timestamptz, interval '1 month') AS month
     WHERE $1 = 'trading_pnl' OR month > $3::timestamptz - interval '2 months'
"""
_MARKS = """
    INSERT INTO trade_marks (account_id, first_at, last_at)
    SELECT account, day, day + interval '1 day'
      FROM unnest($1::text[]) AS account, generate_series($2::timestamptz, $3::timestamptz, interval '1 day') AS day
"""
_INDEXED = ("trades", "fills", "orders", "order_events", "positions_history")
_INDEXES = """
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
      FROM pg_index i
     WHERE i.indrelid::regclass::text = ANY ($1)
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_ROLLED = "UPDATE rollup_progress SET rolled_until = greatest(rolled_until, $1)"


async def begin(address: Address, until: datetime) -> None:
    """Write what does not grow with the length of the history, which ends at `until`."""
    connection = await _loader(address)
    for statement in _statements("world"):
        await connection.execute(statement, until)
    await connection.close()


async def add_years(address: Address, until: datetime, first: int, last: int) -> None:
    """Write the `first` to the `last` year before `until`, the newest being year 0, and catch the roll-ups up."""
    connection = await administrator(address)
    for parent in ("trading_pnl", "market_snapshots", "market_rollups"):
        await connection.execute(_MONTHS, parent, until - last * YEAR, until - first * YEAR)
    await connection.close()
    await asyncio.gather(_add_trading(address, until, first, last), _add_series(address, until, first, last))
    await _catch_up(address, until)


async def add_trades(address: Address, until: datetime, newest: int) -> None:
    """Write only the newest trades before `until`, with their fills and orders, half of them of each account."""
    connection = await _loader(address)
    made, *others = _statements("trading")
    await connection.execute(made, until, 0)
    await connection.execute("DELETE FROM made WHERE id >= $1", newest)
    async with _indexed_afterwards(connection):
        for statement in others:
            await connection.execute(statement)
    await connection.close()
    await _catch_up(address, until)


async def _add_trading(address: Address, until: datetime, first: int, last: int) -> None:
    connection = await _loader(address)
    async with _indexed_afterwards(connection):
        for year in range(first, last):
            made, *others = _statements("trading")
            await connection.execute(made, until - year * YEAR, year)
            for statement in others:
                await connection.execute(statement)
    await connection.execute(_MARKS, list(ACCOUNTS), until - last * YEAR, until - first * YEAR)
    await connection.close()


async def _add_series(address: Address, until: datetime, first: int, last: int) -> None:
    connection = await _loader(address)
    for part in range(first, last):
        for statement in _statements("series"):
            await connection.execute(statement, until - part * YEAR, YEAR)
        for statement in _statements("market"):
            await connection.execute(statement, until - part * MARKET_PART, MARKET_PART)
    await connection.close()


async def _catch_up(address: Address, until: datetime) -> None:
    """Do what the worker and autovacuum have done in time. All but the last hours count as rolled up."""
    service = Database(address, role="service", max_size=2, command_timeout=300)
    await service.open()
    async with service.scoped() as connection:
        await connection.execute(_ROLLED, until - timedelta(hours=3))
    await roll_up(service)
    await summarize_past_months(service)
    await service.close()
    connection = await administrator(address)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


@asynccontextmanager
async def _indexed_afterwards(connection: Any) -> AsyncIterator[None]:
    """Make the indexes of what is written at once, which takes a fraction of the time."""
    indexes = await connection.fetch(_INDEXES, list(_INDEXED))
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    yield
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for index in indexes:
        await connection.execute(index["definition"])


async def _loader(address: Address) -> Any:
    """Connect as who writes history without its triggers and without waiting for the disk."""
    connection = await administrator(address)
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("SET session_replication_role = replica")
    return connection


def _statements(name: str) -> list[str]:
    text = (_STATEMENTS / f"{name}.sql").read_text()
    return [statement for statement in text.split(";\n") if statement.strip()]
