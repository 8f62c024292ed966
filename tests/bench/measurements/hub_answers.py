"""What does the hub add to the statements themselves?"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from main.clock import now
from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.hub import COALESCE_SECONDS, Hub
from main.monitoring.read import Read, read_named
from tests.bench import history, years
from tests.bench.row import Aim, Row, quantile, written

NAME = "hub"
TITLE = "The hub beside bare asyncpg"
ORDER = 71
METHOD = """
One year of two accounts (100,000 trades, a million observations of equity). A question is put to the hub so that it
cannot be answered with another's answer, and waited for; the baseline are the very statements that this question came
to, with their arguments, on a bare asyncpg connection as the same role: the transaction, whose accounts it sees, then
the statements, rows thrown away. In turn, 60 times each; medians. The hub gathers what is asked within 20 ms into one
transaction: that wait stands by itself, and the ratio is without it.
"""
TIMES = 60
NAMES = ("account_totals", "positions", "activity", "equity", "trades", "daily_pnl", "performance")
CLOSE = Aim(1.3, strict=False)
SCOPE = Scope(years.ACCOUNTS, "1D")


@dataclass
class Overheard:
    """A connection that notes the statements put to it."""

    connection: Any
    statements: list[tuple[str, tuple[Any, ...]]]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.connection, name)
        if name not in ("fetch", "fetchrow", "fetchval"):
            return found

        async def noted(sql: str, *arguments: Any, **options: Any) -> Any:
            self.statements.append((sql, arguments))
            return await found(sql, *arguments, **options)

        return noted


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres", durable=False).acquire() as lease:
        asyncio.run(migrate(lease.address))
        until = history.newest()
        asyncio.run(years.begin(lease.address, until))
        asyncio.run(years.add_years(lease.address, until, 0, 1))
        yield from asyncio.run(_measure(lease.address))


async def _measure(address: Address) -> list[Row]:
    database = Database(address, max_size=4, command_timeout=60)
    await database.open()
    hub = Hub(database)
    running = asyncio.create_task(hub.run())
    bare = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=60)
    begin = database.begin_statement(years.ACCOUNTS)
    rows = [Row("Wait in which the hub gathers questions", 1000 * COALESCE_SECONDS, "ms")]
    for name in NAMES:
        read = read_named(name)
        statements = await _overheard(database, read)
        ours, theirs = [], []
        for _ in range(TIMES + 1):
            ours.append(await _asked(hub, read))
            theirs.append(await _bare(bare, begin, statements))
        rows += _rows(name, len(statements), ours[1:], theirs[1:])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bare.close()
    await database.close()
    return rows


def _rows(name: str, statements: int, ours: list[float], theirs: list[float]) -> Iterator[Row]:
    mine, bare = quantile(ours, 0.5), quantile(theirs, 0.5)
    said = f"{written(mine)} ms ÷ {written(bare)} ms, {statements} statement{'s' * (statements > 1)}, n = {len(ours)}"
    yield Row(f"{name}: hub ÷ bare asyncpg", mine / bare, "", CLOSE, said)


async def _overheard(database: Database, read: Read[Any]) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the statements of one question, with their arguments, as they are put when everything is in memory."""
    async with database.scoped(years.ACCOUNTS) as connection:
        heard = Overheard(connection, [])
        scope = SCOPE.resolved(now())
        await (read.fetch(heard, scope) if read.defaults is None else read.fetch(heard, scope, read.defaults))
    return heard.statements


async def _asked(hub: Hub, read: Read[Any]) -> float:
    """Return the milliseconds of one question to the hub, without its wait for others."""
    hub.announce_all()  # whatever it knows is old
    await asyncio.sleep(2 * COALESCE_SECONDS)  # or a wait that the last question began would be a part of this one's
    began = time.perf_counter()
    answer = await hub.ask(read, SCOPE)
    taken = time.perf_counter() - began - COALESCE_SECONDS
    assert answer.error is None, answer.error
    return 1000 * taken


async def _bare(connection: Any, begin: str, statements: list[tuple[str, tuple[Any, ...]]]) -> float:
    """Return the milliseconds of the statements themselves."""
    began = time.perf_counter()
    await connection.execute(begin)
    for sql, arguments in statements:
        await connection.fetch(sql, *arguments)
    await connection.execute("COMMIT")
    return 1000 * (time.perf_counter() - began)
