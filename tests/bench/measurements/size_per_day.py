"""How much room does a day of recording take, and what does it cost to sum it up?"""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.database.pool import Database
from main.database.rollups import RolledUp, roll_up
from tests.bench import history
from tests.bench.row import Row, median_row

NAME = "size_per_day"
TITLE = "Room of a day, and roll-ups"
ORDER = 80
METHOD = """
A day of snapshots of 8 symbols, one per 3 s and symbol with five levels a side, written inside the database; sizes are
what the tables with their indexes take after a vacuum, megabytes of 10⁶ bytes. The roll-up job then makes all minutes,
hours and days of it, and once more one hour of it as its work every minute adds up to. The index by which the job finds
what was recorded late (block ranges on recorded_at) is taken away and put back for writing the same hours, in turn.
"""
DAYS = 1
REPETITIONS = 3
HOURS = timedelta(hours=1)
INDEX = "market_snapshots_recorded"
MAKE = f"CREATE INDEX {INDEX} ON market_snapshots USING brin (recorded_at) WITH (pages_per_range = 32, autosummarize)"
SIZE = """
    SELECT sum(pg_total_relation_size(c.oid))::bigint
      FROM pg_class c
      LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
     WHERE c.relkind = 'r' AND (c.oid = $1::text::regclass OR i.inhparent = $1::text::regclass)
"""


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres", durable=False).acquire() as lease:
        address = lease.address
        asyncio.run(migrate(address))
        asyncio.run(history.make_months(address))
        yield from asyncio.run(_day(address))
        yield from asyncio.run(_index(address))


async def _day(address: Address) -> list[Row]:
    until = history.newest()
    await history.write_snapshots(address, until - timedelta(days=DAYS), until, levels=5)
    began = time.perf_counter()
    made = await _roll(address)
    whole = time.perf_counter() - began
    hours = []
    for number in range(1, REPETITIONS + 1):
        await _forget(address, number)
        began = time.perf_counter()
        await _roll(address)
        hours.append(1000 * (time.perf_counter() - began))
    await history.vacuum(address, "market_snapshots", "market_rollups")
    snapshots = await _size(address, "market_snapshots")
    rollups = await _size(address, "market_rollups")
    series_days = history.SYMBOLS * DAYS
    return [
        Row("Snapshot of 5 levels, with indexes", snapshots / made.facts, "bytes"),
        Row("Snapshots of a symbol and day", snapshots / series_days / 1e6, "MB"),
        Row("Roll-ups of a symbol and day", rollups / series_days / 1e6, "MB"),
        Row("Roll-up job, per symbol and hour of data, a whole day at once", 1000 * whole / series_days / 24, "ms"),
        median_row(f"Roll-up job, one hour of {history.SYMBOLS} symbols", hours, "ms"),
    ]


async def _index(address: Address) -> list[Row]:
    shares = []
    until = history.newest() - timedelta(days=DAYS)
    for number in range(REPETITIONS):
        seconds = {}
        for indexed in (True, False) if number % 2 else (False, True):
            await _execute(address, f"DROP INDEX IF EXISTS {INDEX}", *([MAKE] if indexed else []))
            since = until - HOURS
            began = time.perf_counter()
            await history.write_snapshots(address, since, until, levels=5)
            seconds[indexed] = time.perf_counter() - began
            until = since
        shares.append(100 * (seconds[True] / seconds[False] - 1))
    return [median_row("What the index on recorded_at adds to writing", shares, "%")]


async def _roll(address: Address) -> RolledUp:
    database = Database(address, role="service", max_size=2, command_timeout=120)
    await database.open()
    rolled = await roll_up(database)
    await database.close()
    return rolled


async def _forget(address: Address, hour: int) -> None:
    """Let one hour of the day be dirty again, as if all of it had been told anew."""
    end = history.newest() - timedelta(hours=hour)
    connection = await history.administrator(address)
    await connection.execute("SELECT mark_market($1, $2)", end - HOURS - timedelta(microseconds=1), end)
    await connection.close()


async def _execute(address: Address, *statements: str) -> None:
    connection = await history.administrator(address)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def _size(address: Address, table: str) -> int:
    connection = await history.administrator(address)
    size: int = await connection.fetchval(SIZE, table)
    await connection.close()
    return size
