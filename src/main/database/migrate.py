"""Which schema is there, and how does it become the one this code needs: once, however many start together."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from main.clock import now
from main.database.address import Address
from main.database.session import UNREACHABLE, connect, reason_of
from main.errors import DatabaseLocked, DatabaseTimeout, DatabaseUnreachable, SchemaMismatch

SQL = Path(__file__).resolve().parents[3] / "sql"
LOCK_KEY = 0x61695F7472616465  # "ai_trade"; any constant does, as long as all replicas use the same
LOCK_SECONDS = 120.0
STATEMENT_SECONDS = 600.0
QUESTION_SECONDS = 10.0
LOCK_WAIT_SECONDS = 5.0
LOCK_PAUSE_SECONDS = 1.0

_log = structlog.get_logger(__name__)
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE schema_migrations IS 'Which files of sql/ this schema is made of.';
"""

_ABANDONED = {
    # A process that is killed or stopped in the middle must not hold the migration lock for ever.
    "client_connection_check_interval": "2s",
    "idle_session_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file. ``repeatable`` ones (views and functions) run again, all of them, when the text of any changes."""

    name: str
    sql: str
    repeatable: bool

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of its text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def as_login_role(self) -> bool:
        """Whether it runs as whoever logged in, because only that role may create roles."""
        return self.sql.startswith("-- role: login")


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """How a database's schema compares with the files of this code. Names are file names below ``sql/``."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    changed: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def current(self) -> bool:
        """Whether this code can work with it; files of a newer version do no harm."""
        return not self.pending and not self.changed

    @property
    def newer(self) -> bool:
        """Whether a newer version of the code has migrated it: that serves this one too, whose views must stay away."""
        return any(name.startswith("schema/") for name in self.unknown)


def migrations(folder: Path = SQL) -> tuple[Migration, ...]:
    """Return the files of ``sql/schema`` and then of ``sql/views``, each in order of their names."""
    return tuple(
        Migration(f"{kind}/{path.name}", path.read_text(encoding="utf-8"), kind == "views")
        for kind in ("schema", "views")
        for path in sorted((folder / kind).glob("*.sql"))
    )


async def schema_status(address: Address, folder: Path = SQL) -> SchemaStatus:
    """Compare the database's schema with the files. Raise `DatabaseUnreachable`."""
    async with _connection(address) as connection:
        return await _status(connection, migrations(folder))


async def migrate(address: Address, folder: Path = SQL) -> tuple[str, ...]:
    """Apply what is pending and return the names of the files applied; empty when the schema is current.

    A schema that a newer version has made is left as it is. Raise `SchemaMismatch` where an applied file of
    ``sql/schema`` has another text now or database and code have gone different ways, `DatabaseUnreachable`, or
    `DatabaseTimeout` when another process holds the migration lock for longer than two minutes, or a table.
    """
    files = migrations(folder)
    async with _connection(address) as connection:
        if (await _status(connection, files)).current:
            return ()
        async with _lock(connection):
            return await _apply_pending(connection, files)


async def _status(connection: Any, files: tuple[Migration, ...]) -> SchemaStatus:
    known: dict[str, str] = {}
    there = "SELECT to_regclass('public.schema_migrations') IS NOT NULL"
    if await connection.fetchval(there, timeout=QUESTION_SECONDS):
        rows = await connection.fetch("SELECT name, sha256 FROM public.schema_migrations", timeout=QUESTION_SECONDS)
        known = dict(rows)
    unknown = tuple(sorted(set(known) - {file.name for file in files}))
    pending = tuple(
        file.name for file in files if file.name not in known or (file.repeatable and known[file.name] != file.sha256)
    )
    changed = tuple(
        file.name for file in files if not file.repeatable and known.get(file.name, file.sha256) != file.sha256
    )
    status = SchemaStatus(tuple(sorted(known)), pending, changed, unknown)
    if status.newer:
        # While versions are rolled over, the old one would put its views in the place of the new ones, and back.
        return replace(status, pending=tuple(name for name in pending if name.startswith("schema/")))
    return status


async def _apply_pending(connection: Any, files: tuple[Migration, ...]) -> tuple[str, ...]:
    await connection.execute(_TABLE)
    status = await _status(connection, files)
    if status.changed:
        raise SchemaMismatch(
            f"sql/{status.changed[0]} was applied with another text: a migration never changes once it has run; "
            "restore the file and put the change into a new one"
        )
    if status.newer and status.pending:
        newest = [name for name in status.unknown if name.startswith("schema/")][-1]
        raise SchemaMismatch(
            f"the database and this code have gone different ways: it has {newest}, which this code does not know, and "
            f"lacks {status.pending[0]}; run the version that has both (ai_trader.py db status lists them)"
        )
    steps: list[tuple[Migration, ...]] = [
        (file,) for file in files if not file.repeatable and file.name in status.pending
    ]
    views = tuple(file for file in files if file.repeatable)
    if any(view.name in status.pending for view in views):
        # With the last change of the schema: until they are replaced, functions of before may not fit its tables.
        steps[-1:] = [(*steps[-1], *views)] if steps else [views]
    for step in steps:
        await _apply(connection, step)
    await _grant_status(connection)
    applied = tuple(file.name for step in steps for file in step)
    if applied:
        _log.info("schema migrated", applied=len(applied))
    return applied


async def _apply(connection: Any, step: tuple[Migration, ...]) -> None:
    """Apply files in one transaction. Databases of one cluster share roles, so two may collide there: try again.

    A table that is in use is not waited for long: everybody who comes later would stand in line behind us.
    """
    for attempt in range(6):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS:g}s'")
                for file in step:
                    if not file.as_login_role:
                        await connection.execute("SET LOCAL ROLE ai_trader_owner")
                    await connection.execute(file.sql)
                    await connection.execute("RESET ROLE")
                    await connection.execute(
                        "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2) "
                        "ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, applied_at = clock_timestamp()",
                        file.name,
                        file.sha256,
                    )
            return
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
            if attempt == 5 or not any(file.as_login_role for file in step):
                raise
            await asyncio.sleep(0.05 * 2**attempt)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if attempt == 5:
                raise DatabaseLocked(f"the migration {step[0].name}", 6 * LOCK_WAIT_SECONDS) from error
            await asyncio.sleep(random.uniform(0.5, 1.5) * LOCK_PAUSE_SECONDS)  # noqa: S311  # jitter, no secret


async def _grant_status(connection: Any) -> None:
    await connection.execute("GRANT SELECT ON schema_migrations TO ai_trader_app, ai_trader_service")


@asynccontextmanager
async def _lock(connection: Any) -> AsyncIterator[None]:
    """Hold the migration lock. Polled, because a blocking wait and CREATE INDEX CONCURRENTLY would deadlock."""
    deadline = asyncio.get_running_loop().time() + LOCK_SECONDS
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY, timeout=QUESTION_SECONDS):
        if asyncio.get_running_loop().time() > deadline:
            raise DatabaseTimeout("the migration lock, held by another process,", LOCK_SECONDS, setting="its patience")
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY, timeout=QUESTION_SECONDS)


@asynccontextmanager
async def _connection(address: Address) -> AsyncIterator[Any]:
    try:
        connection = await connect(
            address,
            "ai-trader migrate",
            command_seconds=STATEMENT_SECONDS,
            settings={"client_min_messages": "warning"} | _ABANDONED,
        )
    except (*UNREACHABLE, TimeoutError) as error:
        raise DatabaseUnreachable(str(address), reason_of(error), since=now()) from error
    try:
        yield connection
    except (*UNREACHABLE, TimeoutError) as error:
        raise DatabaseUnreachable(str(address), reason_of(error), since=now()) from error
    finally:
        connection.terminate()  # a polite goodbye to a server that hangs would only take time
