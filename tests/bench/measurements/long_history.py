"""Does a question cost more when more was recorded before?"""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.database.pool import Database
from main.database.rollups import roll_up
from tests.bench import history
from tests.bench.row import Aim, Row, median_row, quantile

NAME = "long_history"
TITLE = "Questions to a long history"
ORDER = 70
METHOD = """
One snapshot per 3 s and symbol of 8 symbols, written inside the database (books without levels), until there are 1
million and then 10 million of them; asked as the dashboards ask, with the role that sees what the viewer may see.
Roll-ups of the last two days are made by the job, older minutes are written. The newest row of each symbol; and a day
of one symbol as 480 points of three minutes (open, high, low, close), out of roll-ups, facts at the ends and whatever
came since the last roll-up; the same from facts alone for comparison. Medians of 25 after one to warm up.
"""
SIZES = (1_000_000, 10_000_000)
REPETITIONS = 25
FLAT = Aim(1.3, strict=False)
LIVE = datetime.max.replace(tzinfo=UTC)
LATEST = """
    SELECT last.*
      FROM generate_series(0, 7) AS number
      CROSS JOIN LATERAL (SELECT m.symbol, m.at, m.mid
                            FROM market_snapshots m
                           WHERE m.source = $1 AND m.symbol = 'SYM' || number AND m.at <= $2 AND m.recorded_at <= $3
                           ORDER BY m.at DESC
                           LIMIT 1) last
"""
DAY = "SELECT * FROM market_window($1, 'SYM3', $2::timestamptz - interval '1 day', $2, $3, interval '3 minutes')"
FACTS = """
    SELECT * FROM market_buckets($1, 'SYM3', '{fact}', ARRAY[$2::timestamptz - interval '1 day'], ARRAY[$2], $3,
                                 interval '3 minutes')
"""
QUESTIONS = {
    "Newest snapshot of 8 symbols": LATEST,
    "24 h of a symbol → 480 points": DAY,
    "24 h of a symbol → 480 points, facts alone": FACTS,
}


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres", durable=False).acquire() as lease:
        asyncio.run(migrate(lease.address))
        asyncio.run(history.make_months(lease.address))
        until = history.newest()
        taken: dict[str, list[list[float]]] = {question: [] for question in QUESTIONS}
        rolled = until - timedelta(days=2)
        for size, before in zip(SIZES, (0, *SIZES), strict=False):
            asyncio.run(_grow(lease.address, until - history.span(size), until - history.span(before), rolled))
            for question, times in asyncio.run(_ask(lease.address, until)).items():
                taken[question].append(times)
    for question, (few, many) in taken.items():
        yield median_row(f"{question}: 1 million rows", few, "ms")
        yield median_row(f"{question}: 10 million rows", many, "ms")
        growth = quantile(many, 0.5) / quantile(few, 0.5)
        yield Row(f"{question}: growth", growth, "", FLAT)


async def _grow(address: Address, since: datetime, until: datetime, rolled: datetime) -> None:
    """Write the snapshots of a stretch, and their minutes as far as they are older than what the job makes."""
    await history.write_snapshots(address, since, until)
    await history.write_minutes(address, since, min(until, rolled))
    database = Database(address, role="service", max_size=2, command_timeout=120)
    await database.open()
    async with database.scoped() as connection:
        await connection.execute("UPDATE rollup_progress SET rolled_until = greatest(rolled_until, $1)", rolled)
    await roll_up(database)
    await database.close()
    await history.vacuum(address, "market_snapshots", "market_rollups", "rollup_progress", "dirty_buckets")


async def _ask(address: Address, until: datetime) -> dict[str, list[float]]:
    database = Database(address, max_size=1, command_timeout=120)
    await database.open()
    times = {
        question: [await _timed(database, sql, until) for _ in range(REPETITIONS + 1)][1:]
        for question, sql in QUESTIONS.items()
    }
    await database.close()
    return times


async def _timed(database: Database, sql: str, until: datetime) -> float:
    arguments: tuple[Any, ...] = (history.SOURCE, until, LIVE)
    began = time.perf_counter()
    async with database.scoped(("A",)) as connection:
        rows = await connection.fetch(sql, *arguments)
    assert rows
    return 1000 * (time.perf_counter() - began)
