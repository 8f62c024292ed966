"""How long does the first start take to make and write months of history, and how far is that from a mere COPY?"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg

from main.config import load_settings
from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.recording.tables import TABLES
from main.trading.backfill import Backfilled, backfill
from main.trading.choice import choose
from main.trading.feeds.sim import SimFeed
from main.trading.staff import Staff
from tests.bench.row import Aim, Row, median_row

NAME = "backfill"
TITLE = "Back-filling history"
ORDER = 55
METHOD = """
What the first start does before it trades: the three usual simulated accounts trade 120 days of the scripted market
with the real strategies, risk rules, brokers and books, and everything is written in one transaction, histories of
states too; gathering of statistics included. Each time into a new database of an embedded server. Against a COPY of the
same rows, read back beforehand, straight into the same emptied tables by the superuser: no strategy, no books, no
row-level security, but the same checks, keys and indexes.
"""
DAYS = 120
REPETITIONS = 3
AIM = Aim(20)


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres").acquire() as lease:
        runs = [asyncio.run(_run(lease.address, f"backfill_{number}", folder)) for number in range(REPETITIONS)]
    yield median_row(f"{DAYS} days, 3 accounts", [done.seconds for done, _ in runs], "s", AIM)
    yield median_row("Ticks traded by each account", [done.ticks for done, _ in runs], "")
    yield median_row("Rows written, histories included", [done.rows for done, _ in runs], "")
    yield median_row("Rows made and written", [done.rows / done.seconds for done, _ in runs], "rows/s")
    yield median_row("Raw COPY of the same rows", [done.rows / copied for done, copied in runs], "rows/s")
    yield median_row("Back-fill ÷ raw COPY", [copied / done.seconds for done, copied in runs], "")


async def _run(server: Address, name: str, folder: Path) -> tuple[Backfilled, float]:
    """Fill a new database; return what was done, and the seconds that a mere COPY of its rows takes."""
    connection = await asyncpg.connect(**server.connect_arguments(), timeout=5)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    address = replace(server, database=name)
    await migrate(address)
    chosen = choose(load_settings({"trade.feed": "sim"}, env={}, cwd=folder))
    assert isinstance(chosen.feed, SimFeed)
    history = chosen.feed.history(DAYS, datetime.now(UTC))
    done = await backfill(address, chosen.feed, history, Staff(chosen).of_history(history))
    assert done is not None
    return done, await _copied(address)


async def _copied(address: Address) -> float:
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=60)
    try:
        contents = {table: await _content(connection, table) for table in await _tables(connection)}
        await connection.execute(f"TRUNCATE {', '.join(contents)} CASCADE; CHECKPOINT")
        await connection.execute("SET app.backfill = 'on'; SET app.announced = 'on'")
        began = time.perf_counter()
        for table, (columns, content) in contents.items():
            await connection.copy_to_table(table, source=BytesIO(content), columns=columns, format="text")
        return time.perf_counter() - began
    finally:
        await connection.close()


async def _tables(connection: Any) -> list[str]:
    """The tables of events, in an order in which rows may refer to each other, and their histories."""
    names = [table.name for table in TABLES.values()]
    there = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass('public.' || name) IS NOT NULL"
    return [row[0] for row in await connection.fetch(there, names + [f"{name}_history" for name in names])]


async def _content(connection: Any, table: str) -> tuple[list[str], bytes]:
    written = """
        SELECT attname FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
         ORDER BY attnum
    """
    columns = [row[0] for row in await connection.fetch(written, f"public.{table}")]
    content = BytesIO()
    await connection.copy_from_query(f"SELECT {', '.join(columns)} FROM public.{table}", output=content, format="text")
    return columns, content.getvalue()
