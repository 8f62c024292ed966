"""A PostgreSQL that is not ours: the distribution's, reached as a user who is no superuser."""

import os
import shutil
import subprocess
import tempfile
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
from tests.running import free_ports

PASSWORD = "p'w with spaces"


def distribution_server() -> Path | None:
    """Return the folder of the distribution's oldest PostgreSQL programs, installing them where we are root."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not installed and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postgresql"]):
            subprocess.run(command, env=quiet, check=False, capture_output=True, timeout=600)
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return installed[0].parent if installed else None


@pytest.fixture(scope="module")
def outside() -> Iterator[Address]:
    """A cluster of the distribution's PostgreSQL with a database whose owner may create roles and nothing more."""
    programs = distribution_server()
    if programs is None:
        pytest.skip("no PostgreSQL of the distribution here, and not root to install one")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        Path(folder).chmod(0o777)
        data = Path(folder) / "data"
        as_owner: dict[str, object] = {"user": "postgres"} if os.geteuid() == 0 else {}

        def run(*command: str) -> None:
            subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=folder, **as_owner)

        run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield Address("127.0.0.1", port, "postgres", "postgres")
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-m", "immediate", "stop")


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
