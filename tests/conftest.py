"""Fixtures: one real PostgreSQL for the whole run, a migrated template database, a clone of it for every test."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.database.pool import Database
from tests.factories import numbers
from tests.memory import quick_folder
from tests.postgres import debian, each_postgres, each_template, own_database, own_server
from tests.slow_first import arranged

__all__ = ["debian", "each_postgres", "each_template", "own_database", "own_server"]  # fixtures

TEMPLATE = "ai_trader_template"
RUN_DIR = "TESTS_RUN_DIR"
MOST_WORKERS = 9
"""They share one PostgreSQL and the machine's memory, with a Chromium each."""


def pytest_configure(config: pytest.Config) -> None:
    """Make one folder for the run, in the process that xdist's workers come from.

    Not below pytest's own base folder: that belongs to all runs of a user, and the third run that starts while this one
    is going would clear it away.
    """
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # pytest-xdist would start the files of few tests, the longest, last
    if RUN_DIR not in os.environ:
        os.environ[RUN_DIR] = tempfile.mkdtemp(prefix="ai-trader-tests-")
        Path(os.environ[RUN_DIR]).chmod(0o755)  # the server may run as another user, who has to get in
        databases = quick_folder(f"{Path(os.environ[RUN_DIR]).name}-databases")  # before the workers look for it
        config.add_cleanup(lambda: shutil.rmtree(databases, ignore_errors=True))
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(RUN_DIR), ignore_errors=True))


@pytest.fixture(autouse=True)
def _facts_numbered_anew() -> None:
    numbers.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Have one worker more than processors that the run may use: there is always one that waits for something.

    `None` leaves it to pytest-xdist, which asks the environment first.
    """
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed + 1, MOST_WORKERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes minutes start first."""
    items[:] = arranged(items)


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """One folder for the whole run, shared by all xdist workers, that any user may enter."""
    return Path(os.environ[RUN_DIR])


@pytest.fixture(autouse=True)
def _own_data_home(run_dir: Path) -> Iterator[None]:
    """Let what a bot of one test leaves for its next start reach no other test's database."""
    kept = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(run_dir / f"home-{uuid.uuid4().hex[:12]}")
    yield
    if kept is None:
        del os.environ["XDG_DATA_HOME"]
    else:
        os.environ["XDG_DATA_HOME"] = kept


@pytest.fixture(scope="session")
def server(run_dir: Path) -> Iterator[Address]:
    """Keep one embedded server running for the session: started by the first worker, stopped by the last."""
    with EmbeddedServer(quick_folder(f"{run_dir.name}-databases"), durable=False).acquire() as lease:
        yield lease.address


@pytest.fixture(scope="session")
def template(server: Address, run_dir: Path) -> str:
    """Have the template database migrated, once however many workers."""
    with (run_dir / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(make_template(server))
    return TEMPLATE


async def make_template(server: Address) -> None:
    """Migrate the database that those of the tests are copies of."""
    connection = await administrator(server)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", TEMPLATE):
            await connection.execute(f"CREATE DATABASE {TEMPLATE}_making")
            await migrate(replace(server, database=f"{TEMPLATE}_making"))
            await connection.execute(f"ALTER DATABASE {TEMPLATE}_making RENAME TO {TEMPLATE}")
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def own_copy(server: Address, template: str) -> AsyncIterator[Address]:
    """A fresh database with the whole schema, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    connection = await administrator(server)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield replace(server, database=name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
async def address(server: Address, template: str) -> AsyncIterator[Address]:
    """A database for a test alone."""
    async with own_copy(server, template) as copy:
        yield copy


@pytest.fixture
async def database(address: Address) -> AsyncIterator[Database]:
    """The fresh database as a dashboard sees it: role app, transactions scoped to accounts."""
    async with _Opened(Database(address, role="app", max_size=4)) as opened:
        yield opened


@pytest.fixture
async def service(address: Address) -> AsyncIterator[Database]:
    """The fresh database as recorder, worker and command line see it: role service, all accounts."""
    async with _Opened(Database(address, role="service", max_size=4)) as opened:
        yield opened


class _Opened:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Database:
        await self._database.open()
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def administrator(server: Address) -> asyncpg.Connection:
    """Connect as who may do anything there."""
    return await asyncpg.connect(**server.connect_arguments(), timeout=5, command_timeout=30)
