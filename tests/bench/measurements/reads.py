"""Does every number stay quick, and does it cost more the longer the history is?"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import Read, reads
from tests.bench import history, years
from tests.bench.row import Aim, Row, quantile, written

NAME = "reads"
TITLE = "Every read"
ORDER = 72
METHOD = """
Every read of the registry that the database answers, with its default parameters and with those that a page offers, as
the dashboards ask: with the role that sees what the viewer may see, on one connection that has been asked the same
before. Of two accounts and 50 symbols: one year (100,000 trades, 200,000 fills, as many orders and 1,050,000
observations of equity; 1,000,000 snapshots) and then ten years (ten times as many of each), written inside the
database, roll-ups caught up, statistics gathered. Windows of a day, of 30 days, and all of it. Worst first; growth is
that of the median, and counts where the median is above 1 ms.
"""
SIZES = (1, 10)
"""Years, and millions of snapshots."""

REPETITIONS, LEAST = 20, 3
PATIENCE_SECONDS = 1.0
"""A slow question is not asked for longer than this, but `LEAST` times."""

QUICK = Aim(20)
FLAT = Aim(1.3, strict=False)
NONE = Aim(0, strict=False)
TIMED = 1.0
"""Milliseconds below which a ratio of two medians says more about the clock than about the history."""

WINDOWS = ("1D", "1M", "All")
_OF_NOW = """
    account_totals accounts bots daily_loss daily_pnl exposure feeds host_history inventory market_current market_hours
    models momentum_ranking open_alerts order_book pipelines positions services trade trade_risk worker_jobs
"""
OF_NOW = frozenset(_OF_NOW.split())
"""Reads of a present state, or with a window of their own."""

TEXTS: dict[str, tuple[dict[str, str], ...]] = {
    "trades": ({}, {"sort": "-pnl"}, {"symbol": "SYM07", "side": "long"}, {"tag": "news"}),
    "trade_statistics": ({}, {"symbol": "SYM07"}, {"symbol": "SYM07", "exit_type": "signal"}),
    "pnl_by": ({}, {"by": "strategy"}, {"by": "hour"}),
    "orders": ({}, {"state": "all"}, {"state": "ended", "status": "rejected"}),
    "slippage": ({}, {"by": "hour"}),
    "markouts": ({},),
    "latency": ({},),
    "candles": ({"symbol": "SYM07", "interval": "1d"},),
    "order_book": ({"symbol": "SYM07"},),
    "volatility": ({"symbol": "SYM07"},),
    "spread_history": ({"symbol": "SYM07"},),
    "trade": ({"id": "bench-b/bench/t101"},),
}
"""Parameters by read where the default ones are not all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: a read, its parameters and its window."""

    read: Read[Any]
    params: tuple[tuple[str, str], ...]
    window: str

    @property
    def title(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.params)
        window = "" if self.read.name in OF_NOW else f", {self.window}"
        return f"{self.read.name}{f' ({given})' if given else ''}{window}"

    async def answer(self, connection: Any, moment: datetime) -> Any:
        scope = Scope(years.ACCOUNTS, self.window).resolved(moment)
        if self.read.params is None:
            return await self.read.fetch(connection, scope)
        return await self.read.fetch(connection, scope, self.read.params(**dict(self.params)))


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres", durable=False).acquire() as lease:
        asyncio.run(migrate(lease.address))
        until = history.newest()
        asyncio.run(years.begin(lease.address, until))
        taken: list[dict[Asked, list[float]]] = []
        for size, before in zip(SIZES, (0, *SIZES), strict=False):
            asyncio.run(years.add_years(lease.address, until, before, size))
            taken.append(asyncio.run(ask(lease.address, until)))
    yield from rows(taken[0], taken[1])


def questions() -> list[Asked]:
    """Return all that is asked: each read over each window that makes a difference to it."""
    return [
        Asked(read, tuple(given.items()), window)
        for read in reads().values()
        if read.source == "sql"
        for given in TEXTS.get(read.name, ({},))
        for window in (WINDOWS[:1] if read.name in OF_NOW else WINDOWS)
    ]


async def ask(address: Address, moment: datetime) -> dict[Asked, list[float]]:
    """Return the milliseconds that each question took, answered again and again."""
    database = Database(address, max_size=1, command_timeout=120)
    await database.open()
    found = {asked: await _times(database, asked, moment) for asked in questions()}
    await database.close()
    return found


async def _times(database: Database, asked: Asked, moment: datetime) -> list[float]:
    times: list[float] = []
    while len(times) <= REPETITIONS and not (len(times) > LEAST and sum(times) > 1000 * PATIENCE_SECONDS):
        async with database.scoped(years.ACCOUNTS) as connection:
            began = time.perf_counter()
            await asked.answer(connection, moment)
            times.append(1000 * (time.perf_counter() - began))
    return times[1:]  # the first one warms up


def rows(small: dict[Asked, list[float]], large: dict[Asked, list[float]]) -> Iterator[Row]:
    """Return how many questions meet the aims, then each of them, the slowest first."""
    slow = [asked for asked, times in large.items() if not QUICK.met(quantile(times, 0.95))]
    growing = [asked for asked in large if (ratio := growth(small[asked], large[asked])) and not FLAT.met(ratio)]
    yield Row("Questions", len(large), "")
    yield Row("Questions whose 95th percentile is 20 ms or more", len(slow), "", NONE)
    yield Row("Questions whose median grows by more than 1.3", len(growing), "", NONE)
    for asked, times in sorted(large.items(), key=lambda each: -quantile(each[1], 0.95)):
        ratio = growth(small[asked], times)
        grew = f", growth {ratio:.2f}{'' if FLAT.met(ratio) else ' (> 1.3)'}" if ratio else ""
        before, after = (_told(each) for each in (small[asked], times))
        yield Row(f"{asked.title}: 95th percentile", quantile(times, 0.95), "ms", QUICK, f"{before} → {after}{grew}")


def growth(small: list[float], large: list[float]) -> float | None:
    """Return how many times as long the median takes; ``None`` where both are too short to tell."""
    few, many = quantile(small, 0.5), quantile(large, 0.5)
    return many / few if max(few, many) >= TIMED else None


def _told(times: list[float]) -> str:
    return f"p50 {written(quantile(times, 0.5))} p95 {written(quantile(times, 0.95))}"
