"""What the pool takes for a lost server, and what for its caller's own mistake."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.database.lender import Lender
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


async def test_who_is_cancelled_twice_while_a_transaction_begins_takes_no_place_of_the_pool_with_it(
    address: Address,
) -> None:
    with TcpProxy(address) as proxy:
        lender = Lender(proxy.address, "test", size=1, command_seconds=10.0)
        await lender.open()

        begun = asyncio.Event()

        async def slowly(connection: Any) -> None:
            proxy.freeze()
            begun.set()
            await connection.execute("BEGIN")

        task = asyncio.create_task(lender.lend(slowly))
        await begun.wait()
        for _ in range(2):  # the second meets it while it rolls back
            await asyncio.sleep(0.1)
            task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()
        assert not lender._lent  # or a later connection of the same number would be taken for one that is in use
        proxy.freeze(False)
        loan = await lender.lend(lambda connection: connection.execute("SELECT 1"))
        await lender.take_back(loan)
        assert lender.connected == 1
        await lender.close()


async def test_a_connection_made_while_its_pool_closes_is_closed_too(address: Address) -> None:
    with TcpProxy(address) as proxy:
        database = Database(proxy.address, role="service", max_size=1)
        await database.open()
        proxy.freeze()

        async def borrow() -> None:
            async with database.scoped() as connection:
                await connection.execute("SELECT 1")

        late = asyncio.create_task(borrow())
        while not proxy.accepted:
            await asyncio.sleep(0.01)
        await database.close()  # gives up waiting for it
        proxy.freeze(False)
        await asyncio.wait({late}, timeout=10)
        assert late.done()
        observer = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=5)
        sessions = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        async with asyncio.timeout(5):
            while await observer.fetchval(sessions):
                await asyncio.sleep(0.05)
        await observer.close()


async def test_a_connection_that_was_just_told_of_its_end_is_not_lent(database: Database) -> None:
    async with database.scoped() as connection:
        ended = connection._con  # what the pool lends is a stand-in for it
    told = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    ended._protocol.data_received(b"E" + (len(told) + 4).to_bytes(4, "big") + told)
    async with database.scoped() as connection:
        assert connection._con is not ended
        assert await connection.fetchval("SELECT 1") == 1
