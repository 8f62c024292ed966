"""The pool, the bridge, the listener and the migrations against a real server."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from main.database.address import Address
from main.database.bridge import AsyncBridge
from main.database.listen import Listener
from main.database.migrate import migrate, migrations, schema_status
from main.database.pool import Database
from main.domain.topics import Announcement, Topic
from main.errors import CallbackOnLoop, DatabaseTimeout, DatabaseUnreachable, SchemaMismatch

ACCOUNT = (
    "INSERT INTO accounts (account_id, source, broker, label, currency, mode) "
    "VALUES ($1, 's', 'b', 'l', 'USD', 'paper')"
)


async def given_accounts(service: Database, *names: str) -> None:
    async with service.scoped() as connection:
        await connection.executemany(ACCOUNT, [(name,) for name in names])


async def test_a_scope_sees_its_accounts_and_no_scope_sees_nothing(database: Database, service: Database) -> None:
    await given_accounts(service, "A", "B")
    async with database.scoped(["A"]) as connection:
        assert [row[0] for row in await connection.fetch("SELECT account_id FROM accounts")] == ["A"]
    async with database.scoped() as connection:
        assert await connection.fetch("SELECT account_id FROM accounts") == []
    assert await database.account_ids() == ("A", "B")


async def test_the_app_role_cannot_write_nor_read_a_partition_nor_become_another_role(database: Database) -> None:
    for statement in (
        "DELETE FROM accounts",
        "SELECT * FROM trading_pnl_default",
        "SELECT make_month_partition('trading_pnl', '2020-01-01')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.scoped(["A"]) as connection:
                await connection.execute(statement)


async def test_a_failed_query_leaves_the_connection_usable_and_unscoped(database: Database, service: Database) -> None:
    await given_accounts(service, "A")
    with pytest.raises(asyncpg.UndefinedColumnError):
        async with database.scoped(["A"]) as connection:
            await connection.fetch("SELECT nothing FROM accounts")
    async with database.scoped() as connection:
        assert await connection.fetch("SELECT account_id FROM accounts") == []


async def test_a_malformed_account_id_never_reaches_the_database(database: Database) -> None:
    with pytest.raises(ValueError, match="account id"):
        async with database.scoped(["A', true); DROP TABLE accounts; --"]):
            pass


async def test_a_server_that_is_not_there_is_unreachable_since_the_first_attempt(server: Address) -> None:
    database = Database(replace(server, host="127.0.0.1", port=1))
    told: list[bool] = []
    database.on_reachable(told.append)
    await database.open()
    with pytest.raises(DatabaseUnreachable) as first:
        await database.ping()
    with pytest.raises(DatabaseUnreachable) as second:
        await database.ping()
    await database.close()
    assert first.value.since == second.value.since == database.status.since
    assert told == [False]


async def test_a_slow_query_times_out_and_the_database_still_counts_as_reachable(address: Address) -> None:
    database = Database(address, command_timeout=0.2)
    await database.open()
    await database.ping()
    with pytest.raises(DatabaseTimeout):
        async with database.scoped() as connection:
            await connection.fetch("SELECT pg_sleep(5)")
    assert database.status.reachable
    assert await database.ping() > 0
    await database.close()


async def test_cut_connections_are_noticed_and_replaced(database: Database, service: Database) -> None:
    await database.ping()
    admin = await asyncpg.connect(**database.address.connect_arguments(), timeout=5)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await admin.close()
    for _ in range(3):
        try:
            await database.ping()
            break
        except DatabaseUnreachable:
            continue
    assert database.status.reachable


async def test_plain_sql_writes_are_announced_after_their_commit(address: Address, service: Database) -> None:
    heard: asyncio.Queue[Announcement] = asyncio.Queue()
    ready = asyncio.Event()
    listener = asyncio.create_task(Listener(address, heard.put_nowait, ready.set).run())
    await asyncio.wait_for(ready.wait(), 5)
    await given_accounts(service, "A")
    assert await asyncio.wait_for(heard.get(), 5) == Announcement(Topic.ACCOUNTS, "A")
    listener.cancel()


async def test_a_listener_that_was_cut_off_comes_back_and_reports_the_gap(address: Address, service: Database) -> None:
    gaps: asyncio.Queue[None] = asyncio.Queue()
    listener = asyncio.create_task(Listener(address, lambda _: None, lambda: gaps.put_nowait(None)).run())
    await asyncio.wait_for(gaps.get(), 5)
    async with service.scoped() as connection:
        await connection.execute("RESET ROLE")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'ai-trader listener' AND datname = current_database()"
        )
    await asyncio.wait_for(gaps.get(), 15)
    listener.cancel()


async def test_positions_written_with_plain_sql_keep_their_history(service: Database) -> None:
    await given_accounts(service, "A")
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO positions (account_id, position_id, source, symbol, side, quantity, "
            "entry_time, entry_price, at) "
            "VALUES ('A', 'p', 's', 'X', 'long', 5, now(), 10, now())"
        )
        await connection.execute("UPDATE positions SET quantity = 7")
        await connection.execute("DELETE FROM positions")
        rows = await connection.fetch("SELECT operation, quantity FROM positions_history ORDER BY changed_at")
    assert [(row["operation"], int(row["quantity"])) for row in rows] == [("insert", 5), ("update", 7), ("delete", 7)]


@pytest.mark.parametrize("table", ["accounts", "orders", "positions", "alerts"])
async def test_history_goes_on_when_a_later_migration_adds_a_column(table: str, address: Address) -> None:
    connection = await asyncpg.connect(**address.connect_arguments())
    try:
        for name in (table, f"{table}_history"):
            await connection.execute(f"ALTER TABLE {name} ADD COLUMN added text")
        generated = (
            "is_generated = 'NEVER' AND column_name NOT IN ('operation', 'changed_at', 'superseded_at', 'sequence')"
        )
        columns = (
            "SELECT array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
            f"WHERE table_name = $1 AND {generated}"
        )
        assert await connection.fetchval(columns, table) == await connection.fetchval(columns, f"{table}_history")
        await connection.execute("SET ROLE ai_trader_service")
        await connection.execute(ACCOUNT, "A")
        if table == "accounts":
            await connection.execute("UPDATE accounts SET added = 'x'")
            assert await connection.fetchval("SELECT max(added) FROM accounts_history") == "x"
        elif table == "alerts":
            await connection.execute(
                "INSERT INTO alerts (alert_id, rule, severity, title, fired_at, at, added) "
                "VALUES ('a', 'r', 'info', 't', now(), now(), 'x')"
            )
            assert await connection.fetchval("SELECT added FROM alerts_history") == "x"
    finally:
        await connection.close()


async def test_every_table_and_every_column_of_the_two_clocks_is_explained(service: Database) -> None:
    async with service.scoped() as connection:
        silent = await connection.fetch(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition "
            "AND c.relkind IN ('r', 'p', 'v') AND obj_description(c.oid, 'pg_class') IS NULL "
            "UNION ALL "
            "SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relkind IN ('r', 'p') "
            "AND a.attname IN ('account_id', 'source', 'source_id', 'revision', 'at', 'recorded_at', 'changed_at') "
            "AND col_description(c.oid, a.attnum) IS NULL"
        )
    assert [row[0] for row in silent] == []


async def test_an_account_in_no_known_zone_is_refused(service: Database) -> None:
    await given_accounts(service, "A")
    async with service.scoped() as connection:
        with pytest.raises(asyncpg.DataError, match="US/Estern"):
            await connection.execute("UPDATE accounts SET zone = 'US/Estern'")


@pytest.mark.parametrize("levels", [(["NaN"], [1]), (["1"], [None]), (["1", "2"], [1])])
async def test_an_order_book_of_no_numbers_is_refused_by_the_schema_itself(levels: tuple, service: Database) -> None:
    prices, sizes = levels
    with pytest.raises(asyncpg.CheckViolationError):
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO market_snapshots (source, symbol, at, mid, bid_prices, bid_sizes) "
                "VALUES ('s', 'X', now(), 1, $1::text[]::numeric[], $2)",
                prices,
                sizes,
            )


async def test_not_a_number_is_refused_by_the_schema_itself(service: Database) -> None:
    await given_accounts(service, "A")
    with pytest.raises(asyncpg.CheckViolationError):
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO cash_flows (account_id, source, source_id, at, kind, amount) "
                "VALUES ('A', 's', '1', now(), 'deposit', 'NaN')"
            )


async def test_many_processes_migrating_one_empty_database_apply_everything_once(server: Address) -> None:
    admin = await asyncpg.connect(**server.connect_arguments(), timeout=5)
    await admin.execute("CREATE DATABASE test_migrate_race")
    try:
        target = replace(server, database="test_migrate_race")
        applied = await asyncio.gather(*(migrate(target) for _ in range(8)))
        assert sorted(name for names in applied for name in names) == sorted(file.name for file in migrations())
        assert (await schema_status(target)).current
        assert await migrate(target) == ()
    finally:
        await admin.execute("DROP DATABASE test_migrate_race WITH (FORCE)")
        await admin.close()


async def test_a_migration_whose_text_changed_after_it_ran_is_refused(address: Address, tmp_path) -> None:
    for kind in ("schema", "views"):
        (tmp_path / kind).mkdir()
    for file in migrations():
        (tmp_path / file.name).write_text(file.sql)
    first = tmp_path / migrations()[1].name
    first.write_text(first.read_text() + "\n-- changed")
    (tmp_path / "schema" / "9999_more.sql").write_text("CREATE TABLE more (n integer);")
    with pytest.raises(SchemaMismatch, match="another text"):
        await migrate(address, tmp_path)


async def test_a_partition_made_late_takes_over_the_rows_that_went_to_the_default(service: Database) -> None:
    async with service.scoped() as connection:
        insert = "INSERT INTO system_metrics (host, at) VALUES ('h', '2019-03-05'), ('h', '2019-04-05')"
        await connection.execute(insert)
        assert await connection.fetchval("SELECT make_month_partition('system_metrics', '2019-03-17')")
        assert not await connection.fetchval("SELECT make_month_partition('system_metrics', '2019-03-01')")
        rows = await connection.fetch("SELECT tableoid::regclass::text AS place FROM system_metrics ORDER BY at")
    assert [row["place"] for row in rows] == ["system_metrics_2019_03", "system_metrics_default"]


def test_the_bridge_runs_coroutines_from_another_thread_and_refuses_to_wait_for_itself() -> None:
    bridge = AsyncBridge()

    async def answer() -> int:
        return 42

    async def waits_for_itself() -> None:
        bridge.run(answer())

    try:
        assert bridge.run(answer()) == 42
        with pytest.raises(CallbackOnLoop):
            bridge.run(waits_for_itself())
        with pytest.raises(TimeoutError):
            bridge.run(asyncio.sleep(30), timeout=0.05)
    finally:
        bridge.stop()
