"""`doctor` against real faults: each is found, told with a fix, and nothing is changed by looking."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from main.clock import now
from main.config import Settings, load_settings
from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.database.pool import Database
from main.diagnosis.checks import CHECKS
from main.diagnosis.connections import budget
from main.diagnosis.database_reach import _encryption
from main.diagnosis.examination import examine_all
from main.diagnosis.finding import Finding, State
from main.diagnosis.situation import Situation, situated
from main.housekeeping.job import Job
from main.housekeeping.job_rows import write_jobs
from main.monitoring.dashboards.v2.running_manager import find_manager
from main.recording.sqlite_spool import SqliteSpool
from tests.conftest import administrator
from tests.factories import fill
from tests.integration.test_worker import worker
from tests.running import ROOT, Suite, fetch, free_ports, until

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


def settings_for(address: Address, folder: Path, **overrides: object) -> Settings:
    ports = free_ports(5)
    named = ("dashboards.trading.port", "dashboards.system.port", "manager.port", "worker.port", "trade.health_port")
    values: dict[str, object] = {
        "data_dir": folder / "data",
        "log_dir": folder / "logs",
        "trade.account": "SIM",
        "database.host": address.host,
        "database.port": str(address.port),
        "database.name": address.database,
        "database.user": address.user,
        "database.password": address.password,
        "database.tls": address.tls,
        **dict(zip(named, map(str, ports), strict=True)),
        **{name.replace("__", "."): value for name, value in overrides.items()},
    }
    return load_settings({name: value and str(value) for name, value in values.items()}, env={}, cwd=folder)


async def look(situation: Situation | Settings, *names: str) -> list[Finding]:
    """What the checks of these names find; one that the database is needed for comes after it."""
    if isinstance(situation, Settings):
        with situated(situation) as known:
            return await look(known, *names)
    chosen = [check for check in CHECKS if check.name in names]
    assert len(chosen) == len(names)
    return list(await examine_all(chosen, situation))


async def only(situation: Situation | Settings, name: str) -> Finding:
    (finding,) = await look(situation, name)
    return finding


@asynccontextmanager
async def administering(address: Address) -> AsyncIterator[asyncpg.Connection]:
    connection = await administrator(address)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_sound_installation_has_no_warning_and_looking_changes_nothing(
    address: Address, service: Database, tmp_path: Path
) -> None:
    settings = settings_for(address, tmp_path)
    async with administering(address) as connection:
        before = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in await tables(address)}
        found = await look(settings, *(check.name for check in CHECKS if check.name != "packages"))
        after = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in before}
    (login,) = [each for each in found if each.state in (State.WARN, State.FAIL)]
    assert login.seen == "ai_trader is a superuser: more than is needed"  # the tests' own
    told = {each.check: each for each in found}
    for name in ("database", "version", "schema", "row security", "clock", "connections", "notifications"):
        assert told[name].state == State.PASS, told[name]
    assert told["audit chain"].state == State.SKIP
    assert before == after
    assert untouched(tmp_path)  # no data folder, no key, no log


def untouched(folder: Path) -> bool:
    return not list(folder.iterdir())


async def tables(address: Address) -> list[str]:
    async with administering(address) as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [row[0] for row in rows]


async def test_a_sound_database_passes_on_the_oldest_and_the_newest_postgresql(
    each_postgres: Address, tmp_path: Path
) -> None:
    asked = ("database", "schema", "row security", "clock", "connections", "notifications", "dead letters")
    found = await look(settings_for(each_postgres, tmp_path), *asked)
    assert {each.check for each in found} == {*asked, "version", "encryption"}
    assert [each for each in found if each.state != State.PASS] == []
    (roles,) = await look(settings_for(each_postgres, tmp_path), "roles")
    assert roles.state in (State.PASS, State.WARN)  # who logs in here is a superuser


@pytest.mark.parametrize(
    ("wrong", "seen", "fix"),
    [
        ({"password": "canary-of-a-password"}, "password authentication failed", "DB_PASSWORD"),
        ({"database": "not_there"}, "does not exist", "createdb"),
        ({"port": 1}, "Connect", "DB_HOST and DB_PORT"),
        ({"host": "no-such-host.invalid"}, "", "DB_HOST"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_database_that_cannot_be_reached_is_one_failure_and_the_rest_is_skipped(
    address: Address, tmp_path: Path, wrong: dict[str, Any], seen: str, fix: str
) -> None:
    settings = settings_for(replace(address, **wrong), tmp_path)
    database, schema, bots = await look(settings, "database", "schema", "bots")
    assert database.state == State.FAIL
    assert seen in database.seen
    assert fix in database.fix
    assert [each.state for each in (schema, bots)] == [State.SKIP, State.SKIP]
    assert "canary-of-a-password" not in repr(database)


async def test_a_login_whose_connections_are_used_up_is_told_so(address: Address, tmp_path: Path) -> None:
    role = f"crowded_{os.getpid()}_{id(tmp_path)}"
    async with administering(address) as connection:
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'crowded password' CONNECTION LIMIT 0")
        try:
            crowded = replace(address, user=role, password="crowded password")
            finding = await only(settings_for(crowded, tmp_path), "database")
        finally:
            await connection.execute(f"DROP ROLE {role}")
    assert finding.state == State.FAIL
    assert "too many connections" in finding.seen
    assert "database.pool_size" in finding.fix


async def test_a_frozen_database_does_not_hold_the_diagnosis(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = Address("127.0.0.1", silent.getsockname()[1], "d", "u", "p", tls="disable")
        settings = settings_for(nowhere, tmp_path, database__connect_timeout=0.3)
        finding = await only(settings, "database")
    assert finding.state == State.FAIL
    assert "database.connect_timeout" in finding.fix


async def test_an_embedded_database_is_not_started_unless_asked_for(tmp_path: Path) -> None:
    settings = load_settings(
        {"data_dir": str(tmp_path / "data"), "log_dir": str(tmp_path / "logs")}, env={}, cwd=tmp_path
    )
    finding = await only(settings, "database")
    assert (finding.state, finding.fix) == (State.SKIP, "ai_trader.py doctor --start")
    assert untouched(tmp_path)


async def test_a_schema_that_is_older_newer_or_altered_is_told_apart(address: Address, tmp_path: Path) -> None:
    settings = settings_for(address, tmp_path)
    async with administering(address) as connection:
        await connection.execute("INSERT INTO schema_migrations (name, sha256) VALUES ('schema/9999_later.sql', 'x')")
        newer = await only(settings, "schema")
        await connection.execute("DELETE FROM schema_migrations WHERE name > 'schema/0015' AND name < 'schema/9'")
        older, security = await look(settings, "schema", "row security")
        await connection.execute("UPDATE schema_migrations SET sha256 = 'x' WHERE name = 'schema/0001_roles.sql'")
        changed = await only(settings, "schema")
        await connection.execute("DROP TABLE schema_migrations")
        none = await only(settings, "schema")
    assert (newer.state, "9999_later" in newer.seen) == (State.WARN, True)
    assert (older.state, older.fix) == (State.FAIL, "ai_trader.py db migrate")
    assert (security.state, security.fix) == (State.SKIP, "ai_trader.py db migrate")
    assert (changed.state, "0001_roles.sql" in changed.seen) == (State.FAIL, True)
    assert (none.state, none.seen.startswith("none yet")) == (State.FAIL, True)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("DROP POLICY app ON fills", "fills has no policy"),
        ("ALTER POLICY app ON fills USING (true)", "a policy of fills lets every account be seen"),
        ("CREATE POLICY friendly ON trades FOR SELECT TO PUBLIC USING (true)", "a policy of trades lets every"),
        ("ALTER TABLE bot_heartbeats DISABLE ROW LEVEL SECURITY", "row-level security of bot_heartbeats is off"),
        ("ALTER TABLE cash_flows NO FORCE ROW LEVEL SECURITY", "row-level security of cash_flows is off"),
        ("ALTER VIEW daily_metrics SET (security_invoker = false)", "the view daily_metrics reads with its owner's"),
        ("GRANT SELECT ON trading_pnl_default TO ai_trader_app", "may read the partition trading_pnl_default"),
        (
            # Names the setting, and still lets through: only the trial finds it.
            "ALTER POLICY app ON cash_flows USING (current_setting('app.accounts', true) IS NOT NULL)",
            "a viewer of no account sees some in cash_flows",
        ),
        (
            "ALTER POLICY app ON bot_heartbeats USING (account_id = current_setting('app.accounts', true) || 'x')",
            "an account does not see its own rows of bot_heartbeats",
        ),
    ],
)
async def test_row_security_that_was_broken_is_found(address: Address, tmp_path: Path, fault: str, seen: str) -> None:
    async with administering(address) as connection:
        await connection.execute(fault)
    found = await look(settings_for(address, tmp_path), "row security")
    assert {each.state for each in found} == {State.FAIL}
    assert any(seen in each.seen for each in found), found
    assert all(each.fix for each in found)


async def test_the_fix_of_a_lost_policy_mends_it(address: Address, tmp_path: Path) -> None:
    settings = settings_for(address, tmp_path)
    async with administering(address) as connection:
        await connection.execute("DROP POLICY app ON fills")
        await connection.execute((await only(settings, "row security")).fix)
    assert (await only(settings, "row security")).state == State.PASS


@pytest.fixture(scope="module")
def own_cluster(run_dir: Path) -> Iterator[Address]:
    """A cluster whose roles belong to these tests alone."""
    with EmbeddedServer(run_dir / "doctor", durable=False).acquire() as lease:
        yield lease.address


async def test_roles_that_pass_row_security_by_are_found(own_cluster: Address, tmp_path: Path) -> None:
    settings = settings_for(own_cluster, tmp_path)
    missing = await only(settings, "roles")
    assert (missing.state, missing.fix) == (State.FAIL, "ai_trader.py db migrate")
    await migrate(own_cluster)
    login = "CREATE ROLE plain LOGIN PASSWORD 'plain password'"
    async with administering(own_cluster) as connection:
        for fault, seen, mended in (
            ("ALTER ROLE ai_trader_app BYPASSRLS", "passes row-level security by", None),
            ("ALTER ROLE ai_trader_app SUPERUSER", "is a superuser", None),
            ("ALTER ROLE ai_trader_service BYPASSRLS", "ai_trader_service passes", None),
            ("GRANT ai_trader_service TO ai_trader_app", "may do what ai_trader_service", None),
            ("CREATE TABLE stray (); ALTER TABLE stray OWNER TO ai_trader_app", "owns stray", None),
        ):
            await connection.execute(fault)
            found = await look(settings, "roles")
            (finding,) = [each for each in found if each.state == State.FAIL]
            assert seen in finding.seen
            await connection.execute(mended or finding.fix)
        assert {each.state for each in await look(settings, "roles")} <= {State.PASS, State.WARN}
        await connection.execute(login)
        plain = replace(own_cluster, user="plain", password="plain password")
        refused = await only(settings_for(plain, tmp_path), "roles")
        assert refused.state == State.FAIL
        assert "may not become ai_trader_owner" in refused.seen
        await connection.execute(refused.fix)
        assert (await only(settings_for(plain, tmp_path), "roles")).state == State.PASS


async def test_clocks_that_differ_are_told_with_how_far(address: Address, service: Database, tmp_path: Path) -> None:
    with situated(settings_for(address, tmp_path)) as situation:
        for seconds, state in ((0, State.PASS), (10, State.WARN), (-600, State.FAIL)):
            situation.clock = lambda seconds=seconds: now() + timedelta(seconds=seconds)
            finding = await only(situation, "clock")
            assert finding.state == state, finding
        async with service.scoped() as connection:
            await _bot(connection, "AHEAD", at=now() + timedelta(seconds=30))
            await _bot(connection, "WELL", at=now())
        ahead, well = await look(situation, "bots' clocks")
    assert (ahead.state, "AHEAD is" in ahead.seen, "ahead of" in ahead.seen) == (State.WARN, True, True)
    assert well.state == State.PASS


async def _bot(connection: Any, account: str, **beat: Any) -> None:
    await connection.execute(
        "INSERT INTO accounts (account_id, source, broker, label, currency, mode, at) "
        "VALUES ($1::text, 's', 'b', $1::text, 'USD', 'paper', clock_timestamp())",
        account,
    )
    columns = {"source": "s", "source_id": "1", "status": "running", "interval_seconds": 1, "cycle_count": 1}
    columns |= {"uptime_seconds": 1, "account_id": account, "recorded_at": now(), **beat}
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await connection.execute(f"INSERT INTO bot_heartbeats ({', '.join(columns)}) VALUES ({places})", *columns.values())


async def test_too_few_connections_fail_and_a_crowded_server_warns(address: Address, tmp_path: Path) -> None:
    settings = settings_for(address, tmp_path)
    needed = budget(settings)
    async with administering(address) as connection:
        await connection.execute(f'ALTER DATABASE "{address.database}" CONNECTION LIMIT {needed - 1}')
        few = await only(settings, "connections")
        await connection.execute(f'ALTER DATABASE "{address.database}" CONNECTION LIMIT {needed}')
        crowded = await only(settings, "connections")  # this very connection is another's
    assert (few.state, "database.pool_size" in few.fix) == (State.FAIL, True)
    assert (crowded.state, "others have" in crowded.seen) == (State.WARN, True)


class DeafPooler:
    """Passes everything on but notifications, and answers the login with a number of its own, as a pooler does."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def __aenter__(self) -> Address:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return replace(self._address, host="127.0.0.1", port=self._server.sockets[0].getsockname()[1], tls="disable")

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection(self._address.host, self._address.port)
        both = {
            asyncio.create_task(self._pass_on(reader, ahead)),
            asyncio.create_task(self._filter(behind, writer)),
        }
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        writer.close()
        ahead.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65536):
            writer.write(some)

    async def _filter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
            if head[:1] == b"K":
                body = (1).to_bytes(4, "big") + body[4:]
            if head[:1] != b"A":
                writer.write(head + body)


async def test_a_pooler_that_swallows_notifications_is_found(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("main.diagnosis.notifications.ECHO_SECONDS", 0.2)
    async with DeafPooler(address) as pooled:
        finding = await only(settings_for(pooled, tmp_path), "notifications")
        assert finding.state == State.FAIL
        assert "pooler" in finding.seen
        assert "DATABASE_DIRECT_URL" in finding.fix
        direct = settings_for(pooled, tmp_path, database__direct_url=address.dsn)
        database, beside, heard = (await look(direct, "database", "notifications"))[0::3]
        assert [each.state for each in (database, beside, heard)] == [State.PASS] * 3


async def test_a_server_elsewhere_without_encryption_is_a_warning(address: Address) -> None:
    async with administering(address) as connection:
        far = await _encryption(connection, replace(address, host="10.1.2.3"))
        near = await _encryption(connection, address)
    assert (far.state, "sslmode=verify-full" in far.fix) == (State.WARN, True)
    assert near.state == State.PASS


async def test_a_port_is_free_ours_or_named_with_its_owner(address: Address, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = settings_for(address, tmp_path, manager__port=port)
        found = {each.check: each for each in await look(settings, "ports")}
    held = found.pop(f"port {port}")
    assert held.state == State.FAIL
    assert f"pid {os.getpid()}" in held.seen
    assert "MANAGER_PORT" in held.fix
    assert {each.state for each in found.values()} == {State.PASS}


async def test_a_worker_that_no_manager_runs_is_told_from_a_stranger(address: Address, tmp_path: Path) -> None:
    settings = settings_for(address, tmp_path)
    port = settings.worker.port
    with worker(address, tmp_path, port) as process:
        await asyncio.to_thread(
            until, lambda: fetch(f"http://127.0.0.1:{port}/livez")[0] == 200, 15, "the worker answers"
        )
        found = {each.check: each for each in await look(settings, "ports")}
    finding = found[f"port {port}"]
    assert finding.state == State.WARN
    assert "a worker that no manager" in finding.seen
    assert f"kill {process.pid}" in finding.fix


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join(("size=4m", *options)), "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


@ROOT_ONLY
async def test_a_full_disk_fails(address: Address, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        found = {each.check: each for each in await look(settings_for(address, tmp_path, data_dir=disk), "folders")}
    assert (found["data folder"].state, found["log folder"].state) == (State.FAIL, State.PASS)
    assert "AI_TRADER_DATA_DIR" in found["data folder"].fix


@ROOT_ONLY
async def test_a_read_only_disk_fails_for_data_and_warns_for_logs(address: Address, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "ro") as disk:
        settings = settings_for(address, tmp_path, data_dir=disk / "data", log_dir=disk / "logs")
        found = {each.check: each for each in await look(settings, "folders")}
    assert (found["data folder"].state, found["log folder"].state) == (State.FAIL, State.WARN)
    assert "mounted read-only" in found["log folder"].seen
    assert "standard output" in found["log folder"].seen


async def test_a_folder_that_may_not_be_written_or_is_a_file_is_found(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    (tmp_path / "logs").write_text("not a folder")
    if os.geteuid() == 0:  # whom no permission stops
        monkeypatch.setattr("main.diagnosis.places.os.access", lambda path, mode: False)
    found = {each.check: each for each in await look(settings_for(address, tmp_path), "folders")}
    assert found["data folder"].state == State.FAIL
    assert "cannot be written" in found["data folder"].seen
    assert found["log folder"].state == State.WARN
    assert "no folder" in found["log folder"].seen


async def test_what_waits_in_the_spool_is_counted_by_whose_it_is(address: Address, tmp_path: Path) -> None:
    settings = settings_for(address, tmp_path)
    assert (await only(settings, "spool")).state == State.PASS
    spool = SqliteSpool(settings.spool_folder)
    spool.open()
    assert (await only(settings, "spool")).seen == "no event waits"
    spool.append([fill("buy", 1, 100), fill("sell", 1, 101)])
    waiting = await only(settings, "spool")
    assert (waiting.state, waiting.seen.startswith("2 events")) == (State.WARN, True)
    spool.close()
    left = await only(settings, "spool")
    assert "2 events of a bot that has ended" in left.seen
    again = SqliteSpool(settings.spool_folder)
    assert sum(row.events for row in again.open()) == 2  # looking did not take them
    again.close()

    other = settings_for(replace(address, database="another"), tmp_path)
    assert [each.state for each in await look(other, "spool")] == [State.PASS, State.WARN]

    (file,) = settings.spool_folder.glob("*.spool")
    file.write_bytes(b"no database" * 1000)
    (settings.spool_folder / "2.spool.damaged-20261121T000000").touch()
    broken, aside = await look(settings, "spool")
    assert (broken.state, aside.state) == (State.FAIL, State.WARN)


async def test_what_was_refused_what_fails_and_who_is_silent_is_told(
    address: Address, service: Database, tmp_path: Path
) -> None:
    settings = settings_for(address, tmp_path)
    names = ("dead letters", "worker's jobs", "bots")
    assert [each.state for each in await look(settings, *names)] == [State.PASS, State.SKIP, State.SKIP]

    failing, well = Job("retention", 60.0, _nothing), Job("books", 60.0, _nothing)
    failing.begin(now())
    failing.fail(now(), 1.0, "relation is locked")
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO dead_letters (id, at, table_name, reason, payload) "
            "VALUES (gen_random_uuid(), clock_timestamp(), 'fills', 'NUL in symbol', '{}')"
        )
        await _bot(connection, "SILENT", at=now() - timedelta(minutes=5), recorded_at=now() - timedelta(minutes=5))
        await _bot(connection, "WELL", at=now(), interval_seconds=60)
        await _bot(connection, "STOPPED", at=now(), status="stopped")
    await write_jobs(service, (failing, well))
    letters, job, silent, stopped, alive = await look(settings, *names)
    assert (letters.state, "fills: NUL in symbol" in letters.seen) == (State.WARN, True)
    assert (job.state, job.check, "relation is locked" in job.seen) == (State.WARN, "job retention", True)
    assert [each.state for each in (silent, stopped, alive)] == [State.WARN, State.SKIP, State.PASS]
    assert "SILENT" in silent.seen

    async with administering(address) as connection:
        await connection.execute("ALTER TABLE worker_jobs DISABLE TRIGGER USER")
        await connection.execute("UPDATE worker_jobs SET recorded_at = recorded_at - interval '1 hour'")
    gone = await only(settings, "worker's jobs")
    assert (gone.state, "no worker has told" in gone.seen) == (State.WARN, True)


async def _nothing(_: Database) -> str | None:
    return None


def test_the_command_line_tells_all_with_its_exit_code_in_80_columns_and_as_json(
    address: Address, tmp_path: Path
) -> None:
    password = "canary-of-a-password"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": password,
        "AI_TRADER_DATA_DIR": str(tmp_path / "data"),
        "AI_TRADER_LOG_DIR": str(tmp_path / "logs"),
    }

    def doctor(*options: str, **more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, str(ROOT / "ai_trader.py"), "doctor", *options],
            check=False,
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        assert password not in done.stdout
        return done.returncode, done.stdout

    code, text = doctor()
    assert code == 1
    assert max(map(len, text.splitlines())) <= 80
    assert "FAIL  database" in text
    code, told = doctor("--json")
    document = json.loads(told)
    assert (code, document["ok"]) == (1, False)
    assert set(document) == {"version", "at", "ok", "counts", "findings"}
    assert {frozenset(each) for each in document["findings"]} == {frozenset({"check", "state", "seen", "fix"})}
    assert sum(document["counts"].values()) == len(document["findings"])
    code, told = doctor("--json", DB_PORT="many", WORKER_PORT="x")
    wrong = [each for each in json.loads(told)["findings"] if each["check"] == "configuration"]
    assert (code, [each["state"] for each in wrong]) == (1, ["FAIL", "FAIL"])


async def test_running_services_are_ours_and_what_a_killed_manager_left_is_told(
    address: Address, tmp_path: Path
) -> None:
    database = {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
    }
    suite = Suite(tmp_path / "suite", extra=database)
    settings = load_settings(env=suite.environment, cwd=suite.folder)
    assert await asyncio.to_thread(suite.start("dashboards", "start").wait, 90) == 0, suite.output.read_text()
    state = json.loads((suite.folder / "data" / "manager.json").read_text())
    try:
        running = {each.check: each for each in await look(settings, "ports", "services")}
        for name in ("manager", "trading-dashboard", "system-dashboard", "worker"):
            assert running[name].state == State.PASS, running[name]
        for name in ("TRADING_DASHBOARD_PORT", "SYSTEM_DASHBOARD_PORT", "MANAGER_PORT", "WORKER_PORT"):
            held = running[f"port {suite.ports[name]}"]
            assert held.state == State.PASS
            assert "pid" in held.seen
        other = settings.model_copy(update={"log_dir": tmp_path / "elsewhere"})
        (manager, *_) = await look(other, "services")
        assert (manager.state, "other settings" in manager.seen) == (State.WARN, True)
    finally:
        os.kill(state["pid"], signal.SIGKILL)
        await asyncio.to_thread(until, lambda: find_manager(settings) is None, 10, "the manager is gone")
    (left,) = await look(settings, "services")
    assert (left.state, "killed" in left.seen) == (State.WARN, True)
    await asyncio.to_thread(until, lambda: all(_gone(port) for port in suite.ports.values()), 15, "its services end")


def _gone(port: int) -> bool:
    return fetch(f"http://127.0.0.1:{port}/livez")[0] == 0
