"""A primary dies and its streaming standby takes over: pool, listener and leader follow and never stay read-only."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import asyncpg
import pytest

from main.database import session
from main.database.address import Address, Limits
from main.database.leader import ElectionTiming, Leader
from main.database.listen import Listener, ListenerTiming
from main.database.pool import Database
from main.domain.topics import Announcement
from main.errors import DatabaseError, DatabaseUnreachable
from tests.integration.tcp_proxy import TcpProxy
from tests.postgres import Server, debian_server, migrated_template
from tests.running import free_ports

LIMITS = Limits(connect_seconds=2.0, statement_seconds=3.0, pool_size=4)
ACCOUNT = (
    "INSERT INTO accounts (account_id, source, broker, label, currency, mode) "
    "VALUES ($1, 's', 'b', 'l', 'USD', 'paper')"
)


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary and its streaming standby, both up."""
    with debian_server() as primary:
        asyncio.run(migrated_template(primary.address))
        standby = primary.standby(free_ports(1)[0])
        try:
            standby.start()
            yield primary, standby
        finally:
            with contextlib.suppress(Exception):
                standby.stop("immediate")
            shutil.rmtree(standby.folder, ignore_errors=True)


def both(primary: Server, standby: Server) -> Address:
    others = (("127.0.0.1", standby.port),)
    return replace(primary.address, database="migrated", others=others, limits=LIMITS)


async def caught_up(primary: Server) -> None:
    admin = await asyncpg.connect(**primary.address.connect_arguments(), timeout=5, command_timeout=5)
    async with asyncio.timeout(10):
        while not await admin.fetchval("SELECT bool_and(replay_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication"):
            await asyncio.sleep(0.05)
    await admin.close()


@contextlib.asynccontextmanager
async def running(coroutine: object) -> AsyncIterator[None]:
    task = asyncio.ensure_future(coroutine)  # type: ignore[call-overload]
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def recorded(database: Database, account: str) -> bool:
    try:
        async with database.scoped() as connection:
            await connection.execute(ACCOUNT, account)
    except (DatabaseError, asyncpg.PostgresError):
        return False
    return True


@pytest.mark.promise(9)
async def test_everything_is_right_again_within_ten_seconds_of_a_fail_over(pair: tuple[Server, Server]) -> None:
    primary, standby = pair
    address = both(primary, standby)
    heard: list[Announcement] = []
    gaps: list[float] = []
    listener = Listener(address, heard.append, lambda: gaps.append(time.monotonic()), ListenerTiming(probe_seconds=0.5))

    async def here() -> Address:
        return address

    async def working(_: Address) -> None:
        await asyncio.sleep(3600)

    leader = Leader(4711, here, "test election", ElectionTiming(poll_seconds=0.3))
    database = Database(address, role="service")
    await database.open()
    try:
        async with running(listener.run()), running(leader.run(working)):
            async with asyncio.timeout(10):
                while not (await recorded(database, "before") and listener.connected and leader.elected):
                    await asyncio.sleep(0.05)
            await caught_up(primary)
            primary.stop("immediate")
            assert not await recorded(database, "nowhere")
            standby.promote()
            heard.clear()
            async with asyncio.timeout(10):
                while not await recorded(database, "after"):
                    await asyncio.sleep(0.05)
                while not (listener.connected and leader.elected and len(gaps) == 2 and heard):
                    await asyncio.sleep(0.05)
                    await recorded(database, f"heard{time.monotonic_ns()}")
            assert {"before", "after"} <= set(await database.account_ids())
            assert "nowhere" not in await database.account_ids()
    finally:
        await database.close()


async def test_of_several_servers_the_one_that_can_be_written_is_used_whatever_their_order(
    pair: tuple[Server, Server],
) -> None:
    primary, standby = pair
    for address in (both(primary, standby), both(standby, primary)):
        connection = await session.connect(address, "test")
        assert not await connection.fetchval("SELECT pg_is_in_recovery()")
        await connection.close()
    alone = replace(both(standby, primary), others=(("127.0.0.1", 1),))
    with pytest.raises(ConnectionRefusedError, match=rf"127\.0\.0\.1:{standby.port}: read-only; 127\.0\.0\.1:1: "):
        await session.connect(alone, "test")


async def test_a_server_that_swallows_everything_does_not_keep_us_from_the_next(pair: tuple[Server, Server]) -> None:
    primary, _ = pair
    with TcpProxy(primary.address) as dead:
        dead.freeze(both=True)
        others = (("127.0.0.1", primary.port),)
        address = replace(dead.address, others=others, limits=LIMITS)
        async with asyncio.timeout(2):
            connection = await session.connect(address, "test")
        await connection.close()


async def test_a_pool_whose_server_became_read_only_looks_for_another(pair: tuple[Server, Server]) -> None:
    primary, standby = pair
    database = Database(both(primary, standby), role="service")
    await database.open()
    admin = await asyncpg.connect(**primary.address.connect_arguments(), timeout=5, command_timeout=10)
    try:
        assert await recorded(database, "one")
        await caught_up(primary)
        # As before a planned switch-over: the old primary takes no more writes and still answers.
        await admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await admin.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(5):
            while not isinstance(await failure(database), DatabaseUnreachable):
                await asyncio.sleep(0.05)
        standby.promote()
        async with asyncio.timeout(10):
            while not await recorded(database, "two"):
                await asyncio.sleep(0.05)
        taken = await asyncpg.connect(**standby.address.connect_arguments() | {"database": "migrated"}, timeout=5)
        assert await taken.fetchval("SELECT count(*) FROM accounts") == 2
        await taken.close()
    finally:
        await admin.close()
        await database.close()


async def failure(database: Database) -> BaseException | None:
    try:
        async with database.scoped() as connection:
            await connection.execute("UPDATE accounts SET label = label")
    except Exception as error:  # noqa: BLE001
        return error
    return None
