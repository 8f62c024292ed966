"""A long history of the market, made inside the database: shared by what measures its size and questions to it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from main.clock import now
from main.database.address import Address

SYMBOLS = 8
EVERY = timedelta(seconds=3)
SOURCE = "bench"
MONTHS = 3

# Mids that wander, so that they compress no better than real ones. $4: how many levels of the book are filled.
_SNAPSHOTS = """
    INSERT INTO market_snapshots (source, symbol, at, recorded_at, mid, best_bid, best_ask, spread_bps,
                                  bid_prices, bid_sizes, ask_prices, ask_sizes, bid_depth, ask_depth)
    SELECT $1, 'SYM' || symbol, t, t, mid, mid - 0.01, mid + 0.01, round(200 / mid, 4),
           (ARRAY[mid - 0.01, mid - 0.02, mid - 0.03, mid - 0.04, mid - 0.05])[1:$4], sizes[1:$4],
           (ARRAY[mid + 0.01, mid + 0.02, mid + 0.03, mid + 0.04, mid + 0.05])[1:$4], sizes[1:$4], 150, 150
      FROM generate_series($2::timestamptz, $3::timestamptz - interval '3 seconds', interval '3 seconds') t
      CROSS JOIN generate_series(0, 7) symbol
      CROSS JOIN LATERAL (SELECT round((100 + symbol + 5 * sin(extract(epoch FROM t) / 5000))::numeric, 2) AS mid,
                                 ARRAY[10, 20, 30, 40, 50]::numeric[] AS sizes) book
"""
_MINUTES = """
    INSERT INTO market_rollups (source, symbol, width, at, learned_at, open, high, low, close, spread_sum, spread_count,
                                bid_depth_sum, bid_depth_count, ask_depth_sum, ask_depth_count, snapshots)
    SELECT $1, 'SYM' || symbol, 'minute', t, t, 100, 101, 99, 100, 40, 20, 3000, 20, 3000, 20, 20
      FROM generate_series($2::timestamptz, $3::timestamptz - interval '1 minute', interval '1 minute') t
      CROSS JOIN generate_series(0, 7) symbol
"""
_MONTH = "SELECT make_month_partition($1, ($2::date - make_interval(months => $3))::date)"
_WRITERS = 2


def newest() -> datetime:
    """The end of the history: the last full hour."""
    return now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def span(rows: int) -> timedelta:
    """How long a history of so many rows is, at one snapshot per 3 s and symbol."""
    return rows // SYMBOLS * EVERY


async def make_months(address: Address) -> None:
    """Make the partitions of the past months, as a database that has run for so long has them."""
    connection = await administrator(address)
    for parent in ("market_snapshots", "market_rollups"):
        for back in range(1, MONTHS):
            await connection.execute(_MONTH, parent, newest().date(), back)
    await connection.close()


async def write_snapshots(address: Address, since: datetime, until: datetime, levels: int = 0) -> None:
    """Write the snapshots of all symbols, with so many levels of each book."""
    await _write(address, _SNAPSHOTS, since, until, levels)


async def write_minutes(address: Address, since: datetime, until: datetime) -> None:
    """Write minutes as the roll-up job would have made them long ago."""
    await _write(address, _MINUTES, since, until)


async def vacuum(address: Address, *tables: str) -> None:
    """Do now what autovacuum does in time: statistics, visibility, summaries of block ranges."""
    connection = await administrator(address)
    for table in tables:
        await connection.execute(f"VACUUM ANALYZE {table}")
    await connection.close()


async def administrator(address: Address) -> Any:
    return await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=300)


async def _write(address: Address, statement: str, since: datetime, until: datetime, *others: Any) -> None:
    """A quarter of a day a statement, by two connections, for there are two cores at least."""
    step = timedelta(hours=6)
    starts = [since + number * step for number in range(-(-(until - since) // step))]
    parts = [starts[number::_WRITERS] for number in range(_WRITERS)]
    await asyncio.gather(*(_write_parts(address, statement, part, until, others) for part in parts))


async def _write_parts(
    address: Address, statement: str, starts: Sequence[datetime], until: datetime, others: Sequence[Any]
) -> None:
    connection = await administrator(address)
    await connection.execute("SET synchronous_commit = off")
    for start in starts:
        await connection.execute(statement, SOURCE, start, min(start + timedelta(hours=6), until), *others)
    await connection.close()
