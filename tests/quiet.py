"""A server that nobody else uses, for tests of what is settled: an open transaction of any database holds that back.

A module asks for it by importing both fixtures.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from tests.conftest import TEMPLATE, administrator, make_template


@pytest.fixture(scope="module")
def server(run_dir: Path) -> Iterator[Address]:
    """Start a server for the module. It vacuums only when told: that too is an open transaction."""
    with EmbeddedServer(run_dir / f"quiet-{uuid.uuid4().hex[:8]}", durable=False).acquire() as lease:
        asyncio.run(_calm(lease.address))
        yield lease.address


@pytest.fixture(scope="module")
def template(server: Address) -> str:
    """Have its template database migrated."""
    asyncio.run(make_template(server))
    return TEMPLATE


async def _calm(server: Address) -> None:
    connection = await administrator(server)
    try:
        await connection.execute("ALTER SYSTEM SET autovacuum = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
