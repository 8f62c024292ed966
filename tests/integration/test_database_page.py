"""What is said of the database server is what PostgreSQL says: on 18 and 15, with few rights, with a replica."""

import asyncio
import contextlib
import io
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from main.cli.app import main
from main.clock import now
from main.database.address import Address
from main.database.own_indexes import own_indexes
from main.database.pool import Database
from main.database.retention import kept, purge
from main.errors import AccessDenied
from main.monitoring.collectors.postgres import PostgresCollector
from main.monitoring.read import Read
from main.monitoring.reads import (
    database_activity,
    database_findings,
    database_indexes,
    database_load,
    database_locks,
    database_replication,
    database_statements,
    database_tables,
    storage_tables,
)
from main.monitoring.reads.database_tables import TablesParams
from main.security.viewer import Viewer
from tests.given import DAY, HOUR, MOMENT, asked, given_account, live, past
from tests.given_database import given_relation, given_server, given_session
from tests.postgres import Server, debian_server, fresh_database, migrated_template
from tests.running import free_ports

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@contextlib.asynccontextmanager
async def opened(address: Address, role: Any = "service") -> AsyncIterator[Database]:
    database = Database(address, role=role, max_size=2)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def session(address: Address, name: str = "a test") -> AsyncIterator[asyncpg.Connection]:
    arguments = address.connect_arguments() | {"server_settings": {"application_name": name}}
    connection = await asyncpg.connect(**arguments, timeout=5, command_timeout=30)
    try:
        yield connection
    finally:
        connection.terminate()


async def said(address: Address, read: Read[Any], window: str = "1h") -> Any:
    """What a dashboard says of now."""
    async with opened(address, "app") as database:
        return await asked(database, read, live(window=window, moment=now() + SECOND))


async def waits(admin: asyncpg.Connection, count: int) -> None:
    async with asyncio.timeout(10):
        while (
            await admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            < count
        ):
            await asyncio.sleep(0.02)


async def test_figures_are_those_that_postgresql_itself_gives(each_postgres: Address) -> None:
    collector = PostgresCollector()
    async with opened(each_postgres) as service, session(each_postgres) as admin:
        await admin.execute("INSERT INTO import_runs (format, origin) SELECT 'f', 'o' FROM generate_series(1, 500)")
        await admin.execute("ANALYZE import_runs")
        await admin.execute("SELECT pg_stat_force_next_flush()")
        await admin.fetchval("SELECT 1")
        told = await collector.measure(service)
        await collector.sample(service)
        load = await said(each_postgres, database_load.READ)
        size = await admin.fetchval("SELECT pg_database_size(current_database())")
        limit, version = await admin.fetchval("SHOW max_connections"), await admin.fetchval("SHOW server_version")
        table = await admin.fetchrow(
            "SELECT pg_table_size('import_runs') AS size, pg_indexes_size('import_runs') AS indexes, reltuples "
            "FROM pg_class WHERE oid = 'import_runs'::regclass"
        )
        tables = await said(each_postgres, database_tables.READ)
        indexes = await admin.fetchval(
            "SELECT count(*) FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
            "WHERE relkind IN ('i', 'I') AND relnamespace = 'public'::regnamespace AND i.inhrelid IS NULL"
        )
    assert told is not None
    assert table is not None
    assert told.endswith(f"{indexes} indexes, 0 statements")
    latest = load.latest
    assert latest.database_bytes == pytest.approx(size, rel=0.05)  # what was written down meanwhile
    assert (str(latest.connections_limit), latest.server_version) == (limit, version)
    assert latest.connections >= 2
    assert latest.active >= 1
    assert latest.sees_all
    (runs,) = [each for each in tables.items if each.table_name == "import_runs"]
    assert (runs.table_bytes, runs.index_bytes) == (table["size"], table["indexes"])
    assert (runs.row_estimate, runs.dead_share) == (500, 0)
    assert runs.analyzed_seconds == pytest.approx(0, abs=60)


async def test_rows_that_nobody_has_counted_are_unknown_and_an_empty_table_has_none(address: Address) -> None:
    """As on a first start: the months before it are one transaction, and sizes are measured in the middle of it."""
    collector = PostgresCollector()
    insert = "INSERT INTO import_runs (format, origin) SELECT 'f', 'o' FROM generate_series(1, 500)"
    sizes: dict[str, Any] = {}
    async with opened(address) as service, session(address) as admin, session(address) as other:
        async with admin.transaction():
            await admin.execute(insert)
            for told in ("never analysed", "analysed too early"):
                await collector.measure(service)
                tables = {each.table_name: each for each in (await said(address, database_tables.READ)).items}
                stored = {each.table: each for each in await said(address, storage_tables.READ)}
                sizes[told] = (tables["import_runs"].row_count, stored["import_runs"].row_count)
                assert (tables["dead_letters"].row_count, stored["dead_letters"].row_count) == (0, 0)
                await other.execute("ANALYZE import_runs")
        await other.execute("ANALYZE import_runs")
        await collector.measure(service)
        (runs,) = [
            each for each in (await said(address, database_tables.READ)).items if each.table_name == "import_runs"
        ]
    assert sizes == {"never analysed": (None, None), "analysed too early": (None, None)}
    assert runs.row_count == 500


async def test_rates_are_what_was_counted_between_two_samples(each_postgres: Address) -> None:
    async with opened(each_postgres) as service, session(each_postgres) as admin:
        await PostgresCollector().sample(service)
        for _ in range(50):
            await admin.execute("INSERT INTO import_runs (format, origin) VALUES ('f', 'o')")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await admin.execute("SELECT 1 / 0")
        await admin.execute("SELECT pg_stat_force_next_flush()")
        await admin.fetchval("SELECT 1")
        await PostgresCollector().sample(service)
        load = await said(each_postgres, database_load.READ)
        times = await admin.fetch("SELECT at FROM database_samples ORDER BY at")
    seconds = (times[1][0] - times[0][0]).total_seconds()
    assert load.counted.counted_seconds == pytest.approx(seconds)
    assert 50 <= load.counted.commits < 90
    assert load.counted.rollbacks >= 1
    assert load.commits_per_second == pytest.approx(load.counted.commits / seconds)
    assert load.counted.wal_bytes > 50 * 50
    assert 0 < load.cache_hit_share <= 1


async def test_a_lock_made_by_a_test_shows_who_blocks_whom_and_how_to_end_it(each_postgres: Address) -> None:
    collector = PostgresCollector()
    async with (
        opened(each_postgres) as service,
        session(each_postgres) as admin,
        session(each_postgres, "holder") as holder,
        session(each_postgres, "first") as first,
        session(each_postgres, "second") as second,
    ):
        async with holder.transaction():
            await holder.execute("LOCK TABLE fills IN SHARE MODE")
            writing = asyncio.create_task(first.execute("BEGIN; LOCK TABLE fills IN ACCESS EXCLUSIVE MODE; COMMIT"))
            await waits(admin, 1)
            reading = asyncio.create_task(second.fetch("SELECT 'secret' FROM fills"))
            await waits(admin, 2)
            assert await collector.sample(service) == "2 sessions wait for a lock"
            assert await collector.measure(service) == "left for the next turn: a table is locked"
            locks = await said(each_postgres, database_locks.READ)
            activity = await said(each_postgres, database_activity.READ)
        await asyncio.gather(writing, reading, return_exceptions=True)
        pids = [each.get_server_pid() for each in (holder, first, second)]
        assert [(each.depth, each.pid, each.application, each.blocks) for each in locks.links] == [
            (0, pids[0], "holder", 1),
            (1, pids[1], "first", 1),
            (2, pids[2], "second", 0),
        ]
        root, middle, _ = locks.links
        assert (root.state, root.wait_seconds) == ("idle in transaction", None)
        assert (middle.lock_mode, middle.lock_target) == ("AccessExclusiveLock", "fills")
        assert middle.wait_seconds is not None
        assert root.sql == f"SELECT pg_terminate_backend({pids[0]});"
        assert {each.pid: each.blocked_by for each in activity.sessions}[pids[1]] == [pids[0]]
        await collector.sample(service)
        over = await said(each_postgres, database_locks.READ)
        assert (over.waiting, over.links) == (0, ())


async def test_who_waits_in_another_database_of_the_server_is_not_told_of(address: Address) -> None:
    other = replace(address, database="postgres")
    async with opened(address) as service, session(other) as admin, session(other) as holder, session(other) as waiter:
        await holder.execute("SELECT pg_advisory_lock(7)")
        waiting = asyncio.create_task(waiter.execute("SELECT pg_advisory_lock(7)"))
        await waits(admin, 1)
        assert await PostgresCollector().sample(service) is None
        assert (await said(address, database_load.READ)).points[-1].waiting == 0
        assert (await said(address, database_locks.READ)).links == ()
        await holder.execute("SELECT pg_advisory_unlock(7)")
        await asyncio.wait_for(waiting, 10)


async def test_the_statement_that_is_shown_ends_the_blocker(each_postgres: Address) -> None:
    async with (
        opened(each_postgres) as service,
        session(each_postgres) as admin,
        session(each_postgres) as holder,
        session(each_postgres) as waiter,
    ):
        await holder.execute("BEGIN; LOCK TABLE fills")
        waiting = asyncio.create_task(waiter.fetch("SELECT 1 FROM fills"))
        await waits(admin, 1)
        await PostgresCollector().sample(service)
        locks = await said(each_postgres, database_locks.READ)
        await admin.execute(locks.links[0].sql)
        assert await asyncio.wait_for(waiting, 10) == []


async def test_a_dropped_index_of_ours_is_told_with_the_statement_that_makes_it_again(each_postgres: Address) -> None:
    async with opened(each_postgres) as service, session(each_postgres) as admin:
        await PostgresCollector().measure(service)
        assert (await said(each_postgres, database_indexes.READ)).advice == ()
        await admin.execute("DROP INDEX fills_at, market_snapshots_recorded")
        await PostgresCollector().measure(service)
        await PostgresCollector().sample(service)
        found = await said(each_postgres, database_indexes.READ)
        assert [(each.kind, each.index_name) for each in found.advice] == [
            ("missing", "fills_at"),
            ("missing", "market_snapshots_recorded"),
        ]
        assert found.advice[0].sql == "CREATE INDEX CONCURRENTLY fills_at ON fills (account_id, at DESC);"
        titles = [each.title for each in (await said(each_postgres, database_findings.READ)).findings]
        assert "The index fills_at of fills is missing" in titles
        for each in found.advice:
            await admin.execute(each.sql)
        await PostgresCollector().measure(service)
        assert (await said(each_postgres, database_indexes.READ)).advice == ()


async def test_every_index_that_migrations_make_is_known_and_none_that_is_not_there(address: Address) -> None:
    async with session(address) as admin:
        there = await admin.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid "
            "LEFT JOIN pg_constraint k ON k.conindid = c.oid WHERE c.relnamespace = 'public'::regnamespace "
            "AND NOT c.relispartition AND k.oid IS NULL"
        )
    assert {each.index for each in own_indexes()} == {row[0] for row in there}


async def test_superfluous_broken_and_unused_indexes_are_told(address: Address) -> None:
    async with opened(address) as service, session(address) as admin:
        await admin.execute("""
            CREATE TABLE mine (id int PRIMARY KEY, a int, b int);
            CREATE INDEX "Mine's" ON mine (a);
            CREATE INDEX mine_ab ON mine (a, b);
            CREATE INDEX mine_down ON mine (a DESC);
            CREATE INDEX mine_some ON mine (a) WHERE b > 0;
            INSERT INTO mine SELECT n, n, n FROM generate_series(1, 600000) n;
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mine_some'::regclass;
        """)
        await PostgresCollector().measure(service)
        found = await said(address, database_indexes.READ)
        advice = [(each.kind, each.index_name, each.sql) for each in found.advice]
        assert ("duplicate", "Mine's", 'DROP INDEX CONCURRENTLY "public"."Mine\'s";') in advice
        assert ("invalid", "mine_some", 'REINDEX INDEX CONCURRENTLY "public"."mine_some";') in advice
        assert {name for kind, name, _ in advice if kind == "unused"} == {"Mine's", "mine_ab", "mine_down"}
        for kind, name, sql in advice:
            if (kind, name) != ("unused", "Mine's"):  # gone by then
                await admin.execute(sql)


async def test_without_pg_stat_statements_it_says_what_is_missing(address: Address) -> None:
    async with opened(address) as service:
        await PostgresCollector().sample(service)
    found = await said(address, database_statements.READ)
    assert (found.counting, found.statements) == ("not available", ())
    (finding,) = (await said(address, database_findings.READ)).findings
    assert finding.title == "pg_stat_statements is not installed beside this server"


@pytest.fixture(scope="module")
def counting() -> Iterator[Server]:
    """A server of the distribution that has loaded pg_stat_statements."""
    with debian_server(shared_preload_libraries="pg_stat_statements") as server:
        asyncio.run(migrated_template(server.address))
        yield server


async def test_statements_are_counted_once_the_extension_is_created(counting: Server) -> None:
    async with fresh_database(counting.address) as address, opened(address) as service, session(address) as admin:
        await PostgresCollector().sample(service)
        assert (await said(address, database_statements.READ)).counting == "not created"
        (finding,) = [
            each for each in (await said(address, database_findings.READ)).findings if each.kind == "statements"
        ]
        await admin.execute(finding.sql)
        for number in range(7):
            await admin.fetch("SELECT pg_sleep(0.01), $1::int", number)
        await PostgresCollector().measure(service)
        await PostgresCollector().sample(service)
        found = await said(address, database_statements.READ)
        (slept,) = [each for each in found.statements if "pg_sleep" in (each.statement or "")]
        counted = await admin.fetchrow(
            "SELECT calls, total_exec_time FROM pg_stat_statements WHERE query LIKE 'SELECT pg_sleep(%'"
        )
        assert counted is not None
        assert (slept.calls, slept.row_count) == (counted["calls"], 7)
        assert slept.total_seconds == pytest.approx(counted["total_exec_time"] / 1000)
        assert slept.mean_seconds == pytest.approx(slept.total_seconds / 7)
        assert 0 < slept.total_share < 1


async def test_a_login_without_pg_monitor_is_told_which_grant_is_missing(counting: Server) -> None:
    async with fresh_database(counting.address) as address, session(address) as admin:
        await admin.execute("CREATE ROLE plain LOGIN; GRANT ai_trader_service, ai_trader_app TO plain")
        plain = replace(address, user="plain")
        async with opened(plain) as service, session(address, "secretive") as other:
            await other.execute("BEGIN; LOCK TABLE fills")
            async with session(plain, "waiter") as waiter:
                waiting = asyncio.create_task(waiter.fetch("SELECT 1 FROM fills"))
                await waits(admin, 1)
                await PostgresCollector().sample(service)
                await other.execute("COMMIT")
                await waiting
            await PostgresCollector().measure(service)
            latest = (await said(plain, database_load.READ)).latest
            assert (latest.login, latest.sees_all) == ("plain", False)
            assert latest.hidden >= 2
            root, held = (await said(plain, database_locks.READ)).links
            assert (root.pid, root.statement, root.state) == (other.get_server_pid(), None, None)
            assert held.statement == "SELECT 1 FROM fills"
            (finding,) = [
                each for each in (await said(plain, database_findings.READ)).findings if each.kind == "rights"
            ]
            assert finding.sql == 'GRANT pg_monitor TO "plain";'
            await admin.execute(finding.sql)
            await PostgresCollector().sample(service)
            latest = (await said(plain, database_load.READ)).latest
            assert (latest.sees_all, latest.hidden) == (True, 0)
        await admin.execute("DROP OWNED BY plain; DROP ROLE plain")


async def test_a_streaming_replica_and_a_forgotten_slot_are_told_of() -> None:
    with debian_server() as primary:
        await migrated_template(primary.address)
        standby = primary.standby(free_ports(1)[0])
        address = replace(primary.address, database="migrated")
        try:
            standby.start()
            async with opened(address) as service, session(address) as admin:
                await admin.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
                await admin.execute("INSERT INTO import_runs (format, origin) VALUES ('f', 'o')")
                async with asyncio.timeout(10):
                    while not await admin.fetchval(
                        "SELECT bool_and(replay_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication"
                    ):
                        await asyncio.sleep(0.05)
                await PostgresCollector().sample(service)
                found = await said(address, database_replication.READ)
                (replica,) = found.standbys
                assert (replica.state, replica.sync_state, replica.address) == ("streaming", "async", "127.0.0.1")
                assert replica.lag_bytes is not None
                assert 0 <= replica.lag_bytes < 100_000
                (slot,) = found.slots
                assert (slot.slot, slot.active, slot.wal_status) == ("forgotten", False, "reserved")
                assert (slot.held_bytes or 0) > 0
        finally:
            with contextlib.suppress(Exception):
                standby.stop("immediate")
            shutil.rmtree(standby.folder, ignore_errors=True)


async def test_nothing_is_written_between_two_samples_while_nobody_waits(address: Address) -> None:
    collector = PostgresCollector()
    async with opened(address) as service, session(address) as admin:
        for _ in range(3):
            await collector.sample(service)
        assert await admin.fetchval("SELECT count(*) FROM database_samples") == 1


async def test_growth_is_over_the_window_and_tables_can_be_sorted(service: Database, database: Database) -> None:
    for hours, size in ((30, 1000), (2, 4000), (0, 9000)):
        await given_relation(service, "grows", MOMENT - hours * HOUR, table_bytes=size, dead_rows=5, live_rows=15)
    await given_relation(service, "new", MOMENT, table_bytes=20_000)
    (largest, grows) = (await asked(database, database_tables.READ, live(window="1D"))).items
    assert (largest.table_name, largest.growth_bytes) == ("new", None)
    assert (grows.growth_bytes, grows.dead_share) == (5000, 0.25)
    assert (await asked(database, database_tables.READ, live(window="1W"))).summary.growth_bytes == 8000
    async with database.scoped() as connection:
        by_growth = await database_tables.READ.fetch(connection, live(), TablesParams(1, 0, "-growth_bytes"))
    assert ([each.table_name for each in by_growth.items], by_growth.total) == (["grows"], 2)
    with pytest.raises(ValueError, match="sort"):
        TablesParams(sort="-password")


async def test_a_past_moment_is_told_as_it_was(service: Database, database: Database) -> None:
    await given_server(service, MOMENT - HOUR, connections=7, waiting=1, sessions=2)
    await given_session(service, MOMENT - HOUR, 10, state="idle in transaction")
    await given_session(service, MOMENT - HOUR, 11, waits_since=MOMENT - HOUR - 90 * SECOND, blocked_by=[10])
    await given_server(service, MOMENT, connections=3)
    then, today = past(MOMENT - HOUR + MINUTE), live()
    assert (await asked(database, database_load.READ, then)).latest.connections == 7
    assert (await asked(database, database_load.READ, today)).latest.connections == 3
    locks = await asked(database, database_locks.READ, then)
    assert [(each.pid, each.wait_seconds) for each in locks.links] == [(10, None), (11, 90.0)]
    assert (await asked(database, database_locks.READ, today)).links == ()
    found = (await asked(database, database_findings.READ, then)).findings
    assert ("critical", "blocking", "10") in [(each.severity, each.kind, each.about) for each in found]
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM session_samples")
    assert not (await asked(database, database_locks.READ, then)).kept
    assert not (await asked(database, database_activity.READ, then)).kept


@pytest.mark.parametrize("form", ["table", "csv"])
async def test_every_read_can_be_shown_in_a_terminal(
    form: str, service: Database, address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_account(service)
    await PostgresCollector().measure(service)
    at = now() - SECOND
    await given_server(service, at, waiting=1, sessions=2)
    await given_session(service, at, 10, state="idle in transaction")
    await given_session(service, at, 11, waits_since=at - 90 * SECOND, blocked_by=[10])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", address.dsn)
    monkeypatch.setattr("main.telemetry.logging.configure", lambda *_, **__: None)  # the process is pytest's
    for name, expected in (
        ("database_load", "trading"),
        ("database_findings", "pg_terminate_backend(10)"),
        ("database_locks", "pg_terminate_backend(10)"),
        ("database_activity", "app 11"),
        ("database_statements", "on"),
        ("database_tables", "import_runs"),
        ("database_indexes", "indexes"),
        ("database_replication", "trader"),
    ):
        code, out, problem = await asyncio.to_thread(shown, [name, "--format", form])
        assert code == 0, (name, problem)
        assert expected in out.replace("\n", ""), name


def shown(words: list[str]) -> tuple[int, str, str]:
    out, problem = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(problem):
        return main(["show", *words]), out.getvalue(), problem.getvalue()


async def test_where_nothing_was_sampled_every_read_says_nothing(database: Database) -> None:
    for module in (database_activity, database_findings, database_indexes, database_locks, database_replication):
        assert (await asked(database, module.READ, live())).sampled_at is None
    assert (await asked(database, database_statements.READ, live())).counting == "unknown"
    assert (await asked(database, database_tables.READ, live())).items == []
    load = await asked(database, database_load.READ, live())
    assert (load.latest, load.points, load.cache_hit_share) == (None, (), None)


async def test_a_counter_that_was_reset_gives_no_rate_below_zero(service: Database, database: Database) -> None:
    for minute, commits in enumerate((1000, 1600, 0, 60)):
        await given_server(service, MOMENT - (3 - minute) * MINUTE, commits=commits, wal_bytes=commits * 10)
    load = await asked(database, database_load.READ, live(window="1h"))
    assert [each.commits_per_second for each in load.points] == [None, 10.0, None, 1.0]
    assert load.counted.commits == 660


async def test_growth_of_the_database_is_a_days(service: Database, database: Database) -> None:
    for hours, size in ((3, 100), (2, 150), (0, 400)):
        await given_server(service, MOMENT - hours * HOUR, database_bytes=size)
    load = await asked(database, database_load.READ, live())
    assert load.growth_bytes == pytest.approx(300 / 3 * 24)


async def test_a_course_of_months_has_bounded_points(service: Database, database: Database) -> None:
    for day in range(60):
        await given_server(service, MOMENT - day * DAY, commits=60_000 - day * 1000)
    load = await asked(database, database_load.READ, live(window="3M"))
    assert len(load.points) == 60
    async with database.scoped() as connection:
        coarse = await database_load.READ.fetch(connection, live(window="3M"), database_load.LoadParams(points=10))
    assert len(coarse.points) <= 11


@pytest.mark.parametrize("module", [database_activity, database_locks, database_statements])
def test_texts_of_statements_are_only_for_who_may_see_every_account(module: Any) -> None:
    with pytest.raises(AccessDenied):
        module.READ.allow(Viewer("ann", "viewer", ("A",)))


async def test_samples_go_after_their_time_and_what_is_kept_stays_ninety_days(service: Database) -> None:
    for age, marked in ((2 * HOUR, False), (2 * HOUR + SECOND, True), (91 * DAY, True)):
        await given_server(service, MOMENT - age, kept=marked, recorded_at=MOMENT - age)
        await given_session(service, MOMENT - age, 1, recorded_at=MOMENT - age)
        await given_relation(service, "t", MOMENT - age, kept=marked, recorded_at=MOMENT - age)
    await given_server(service, MOMENT)
    purged = {each.table: each.rows for each in await purge(service, kept(3600, 30, 90), before=MOMENT)}
    assert purged == {"database_samples": 2, "relation_samples": 2, "session_samples": 3}
    async with service.scoped() as connection:
        left = await connection.fetch("SELECT at FROM database_samples ORDER BY at")
    assert [row[0] for row in left] == [MOMENT - 2 * HOUR - SECOND, MOMENT]
