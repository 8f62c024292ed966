"""Many processes that migrate at once, one of which dies in the middle; code and schema of different versions."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import pytest

from main.database.address import Address
from main.database.migrate import Migration, migrate, migrations, schema_status
from main.database.pool import Database
from main.errors import DatabaseLocked, SchemaMismatch
from tests.running import ROOT

SLOW = "SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM killed) THEN 0 ELSE 100 END);"
_MIGRATE = """
import asyncio, sys
from pathlib import Path
from main.database.address import Address
from main.database.migrate import migrate
host, port, database, user, folder = sys.argv[1:]
print(len(asyncio.run(migrate(Address(host, int(port), database, user, tls="disable"), Path(folder)))))
"""


def folder_of(files: tuple[Migration, ...], folder: Path, **more: str) -> Path:
    """Write migrations into a folder, with `more` schema files by name."""
    for kind in ("schema", "views"):
        (folder / kind).mkdir(parents=True)
    for file in files:
        (folder / file.name).write_text(file.sql)
    for name, sql in more.items():
        (folder / "schema" / f"{name}.sql").write_text(sql)
    return folder


@contextlib.contextmanager
def migrating(count: int, address: Address, folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    where = [address.host, str(address.port), address.database, address.user, str(folder)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _MIGRATE, *where],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PGPASSWORD": address.password or ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.promise(13)
async def test_twenty_processes_migrate_once_though_the_one_that_works_is_killed(
    each_postgres: Address, tmp_path: Path
) -> None:
    folder = folder_of(migrations(), tmp_path, **{"9998_slow": SLOW, "9999_last": "CREATE TABLE last (n integer);"})
    admin = await asyncpg.connect(**each_postgres.connect_arguments(), timeout=5, command_timeout=10)
    try:
        await admin.execute("CREATE TABLE killed (at timestamptz); GRANT SELECT ON killed TO PUBLIC")
        with migrating(20, each_postgres, folder) as processes:
            async with asyncio.timeout(60):
                while not (
                    port := await admin.fetchval(
                        "SELECT a.client_port FROM pg_stat_activity AS a WHERE a.query LIKE '%pg_sleep%' "
                        "AND a.pid <> pg_backend_pid() AND a.datname = current_database() AND a.state = 'active'"
                    )
                ):
                    await asyncio.sleep(0.05)
            (working,) = [
                process
                for process in processes
                if any(c.laddr and c.laddr.port == port for c in psutil.Process(process.pid).net_connections())
            ]
            await admin.execute("INSERT INTO killed VALUES (now())")
            working.send_signal(signal.SIGKILL)
            told = await asyncio.to_thread(lambda: [process.communicate(timeout=60)[0] for process in processes])
            codes = [process.returncode for process in processes]
        assert codes.count(-signal.SIGKILL) == 1
        applied = [text.split()[-1] for text, code in zip(told, codes, strict=True) if code == 0]
        assert sorted(applied) == ["0"] * 18 + ["2"]
        assert (await schema_status(each_postgres, folder)).current
    finally:
        await admin.close()


@pytest.mark.promise(13)
async def test_a_schema_of_the_next_version_serves_this_one_and_keeps_its_views(
    each_postgres: Address, tmp_path: Path
) -> None:
    view = next(file for file in migrations() if file.repeatable)
    following = folder_of(migrations(), tmp_path, **{"9999_next": "CREATE TABLE next (n integer);"})
    (following / view.name).write_text(view.sql + "\n-- as the next version has it")
    assert set(await migrate(each_postgres, following)) >= {"schema/9999_next.sql", view.name}
    status = await schema_status(each_postgres)
    assert status.newer
    assert status.current
    assert await migrate(each_postgres) == ()
    assert (await schema_status(each_postgres, following)).current  # nothing of it was put back
    database = Database(each_postgres)
    await database.open()
    assert await database.account_ids() == ()
    await database.close()


@pytest.mark.promise(13)
async def test_a_schema_that_went_another_way_is_refused_with_the_fix(each_postgres: Address, tmp_path: Path) -> None:
    theirs = folder_of(migrations(), tmp_path / "theirs", **{"9998_theirs": "SELECT 1;"})
    ours = folder_of(migrations(), tmp_path / "ours", **{"9999_ours": "SELECT 1;"})
    await migrate(each_postgres, theirs)
    with pytest.raises(SchemaMismatch, match=r"has schema/9998_theirs.*lacks schema/9999_ours.*run the version"):
        await migrate(each_postgres, ours)


async def test_a_migration_does_not_stand_in_line_behind_a_long_transaction_for_ever(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("main.database.migrate.LOCK_WAIT_SECONDS", 0.05)
    monkeypatch.setattr("main.database.migrate.LOCK_PAUSE_SECONDS", 0.01)
    folder = folder_of(migrations(), tmp_path, **{"9999_more": "ALTER TABLE accounts ADD COLUMN more text;"})
    reader = await asyncpg.connect(**replace(address).connect_arguments(), timeout=5, command_timeout=10)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT * FROM accounts")
            with pytest.raises(DatabaseLocked, match="the migration schema/9999_more"):
                await migrate(address, folder)
        assert await migrate(address, folder) == ("schema/9999_more.sql",)
    finally:
        await reader.close()
