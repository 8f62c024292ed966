"""What the pool takes for a lost server, and what for its caller's own mistake."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.database.pool import Database
from tests.integration.tcp_proxy import TcpProxy


async def too_few_arguments(connection: Any) -> None:
    await connection.fetch("SELECT $1::int")


async def no_such_file(connection: Any) -> None:
    raise FileNotFoundError("a file")


@pytest.mark.parametrize("mistake", [too_few_arguments, no_such_file])
async def test_a_mistake_of_the_caller_does_not_say_that_the_server_is_gone(
    database: Database, mistake: Callable[[Any], Awaitable[None]]
) -> None:
    async def make_it() -> None:
        async with database.scoped() as connection:
            await mistake(connection)

    with pytest.raises((asyncpg.InterfaceError, FileNotFoundError)):
        await make_it()
    assert database.status.reachable is not False
    async with database.scoped() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_who_is_cancelled_while_the_database_freezes_stays_cancelled(address: Address) -> None:
    with TcpProxy(address) as proxy:
        database = Database(proxy.address, role="service", max_size=1)
        await database.open()

        async def waiting(asked: asyncio.Event) -> None:
            async with database.scoped() as connection:
                asked.set()
                await connection.execute("SELECT pg_sleep(60)")

        asked = asyncio.Event()
        task = asyncio.create_task(waiting(asked))
        await asked.wait()
        proxy.freeze()
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)
        proxy.refuse()
        await asyncio.wait({task}, timeout=30)
        assert task.cancelled()
        await database.close()
