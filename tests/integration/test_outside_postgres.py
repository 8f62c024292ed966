"""A PostgreSQL that is not ours: the distribution's, reached as a user who is no superuser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate, schema_status
from main.database.pool import Database
from main.domain.events import Account
from main.recording import Recorder
from tests.factories import fill, instrument, moment
from tests.postgres import debian_server

PASSWORD = "p'w with spaces"


@pytest.fixture(scope="module")
def outside() -> Iterator[Address]:
    """A cluster of the distribution's PostgreSQL with a database whose owner may create roles and nothing more."""
    with debian_server() as server:
        yield server.address


@pytest.fixture(scope="module")
def newest(run_dir: Path) -> Iterator[Address]:
    """A fresh cluster of the newest PostgreSQL, on which nobody has made our roles yet."""
    with EmbeddedServer(run_dir / "newest", durable=False).acquire() as lease:
        yield lease.address


@pytest.mark.parametrize("which", ["outside", "newest"])
async def test_an_owner_who_is_no_superuser_can_migrate_record_and_read(
    which: str, request: pytest.FixtureRequest
) -> None:
    outside: Address = request.getfixturevalue(which)
    admin = await asyncpg.connect(**outside.connect_arguments(), timeout=5, command_timeout=30)
    quoted = PASSWORD.replace("'", "''")
    await admin.execute(f"CREATE ROLE trader LOGIN CREATEROLE PASSWORD '{quoted}'")
    await admin.execute("CREATE DATABASE trading OWNER trader")
    await admin.close()
    address = replace(outside, database="trading", user="trader", password=PASSWORD)
    assert await migrate(address)
    assert (await schema_status(address)).current
    assert await migrate(address) == ()
    with Recorder(address) as recorder:
        recorder.record(
            Account(
                at=moment(), account="A", source="s", broker="b", label="l", currency="USD", mode="paper", zone="UTC"
            )
        )
        recorder.record(instrument(source="s"))
        recorder.record(fill("buy", 1, 100, account="A"))
    assert recorder.statistics.written == 3
    reader = Database(address)
    await reader.open()
    async with reader.scoped(["A"]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM fills") == 1
    async with reader.scoped() as connection:
        assert await connection.fetchval("SELECT count(*) FROM fills") == 0
        assert await connection.fetchval("SELECT current_user") == "ai_trader_app"
    await reader.close()
