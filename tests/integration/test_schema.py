"""The schema: every table is there, explained and guarded; what an older one holds survives the migration."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.database.migrate import SQL, migrate, schema_status
from main.database.partitions import PARENTS, make_partitions_ahead
from main.database.pool import Database
from tests.given import MINUTE, MOMENT, given_account, given_instrument, insert

SECRET = ("users", "user_accounts", "sessions", "api_tokens", "recovery_codes")
TABLES = (
    *("accounts", "instruments", "fx_rates", "orders", "order_events", "fills", "positions", "trades", "trading_pnl"),
    *("cash_flows", "daily_stats", "market_snapshots", "market_data", "market_indices", "models", "model_performance"),
    *("model_predictions", "pipeline_status", "bot_heartbeats", "custom_metrics", "system_events", "system_metrics"),
    *("process_metrics", "alerts", "alert_rules", "alert_deliveries", "alert_silences", "broker_snapshots"),
    *("reconciliation_breaks", "services", "worker_jobs", "pages", "audit_logs", "daily_purge_flags", "import_runs"),
    *("host_parts", "service_days", "trade_notes"),
    *("dead_letters", "database_samples", "session_samples", "relation_samples", "index_samples", "statement_samples"),
    *SECRET,
)
HISTORIES = ("accounts", "instruments", "orders", "positions", "models", "alerts", "alert_rules")
PARTITIONED = ("market_snapshots", "trading_pnl", "market_data", "system_metrics", "process_metrics")
OLDEST_KEPT = "0011"


@pytest.fixture
async def admin(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """The database as its administrator sees it, whom nothing stops."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", [*TABLES, *(f"{name}_history" for name in HISTORIES)])
async def test_every_table_is_there_under_row_level_security_that_binds_its_owner_too(
    table: str, admin: asyncpg.Connection
):
    guarded = await admin.fetchval(
        "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass($1)", f"public.{table}"
    )
    assert guarded is True
    assert await admin.fetchval("SELECT has_table_privilege('ai_trader_service', $1, 'SELECT, INSERT')", table)
    assert await admin.fetchval("SELECT has_table_privilege('ai_trader_app', $1, 'SELECT')", table) is (
        table not in SECRET
    )
    changes = await admin.fetchval("SELECT has_table_privilege('ai_trader_app', $1, 'UPDATE, DELETE, TRUNCATE')", table)
    assert not changes


async def test_every_table_of_the_suite_is_guarded(admin: asyncpg.Connection):
    bare = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition AND relname <> 'schema_migrations' AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert [row[0] for row in bare] == []


@pytest.mark.parametrize("table", TABLES)
async def test_every_column_says_what_it_holds(table: str, admin: asyncpg.Connection):
    silent = await admin.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped "
        "AND col_description(attrelid, attnum) IS NULL",
        f"public.{table}",
    )
    assert [row[0] for row in silent] == []


@pytest.mark.parametrize("table", PARTITIONED)
async def test_a_month_has_its_partition_and_any_other_row_a_place_too(table: str, service: Database):
    assert table in PARENTS
    async with service.scoped() as connection:
        partitions = await connection.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass($1)",
            f"public.{table}",
        )
        made = await connection.fetchval(f"SELECT make_month_partition('{table}', '2019-03-17')")
    names = {row[0] for row in partitions}
    assert f"{table}_default" in names
    assert len(names) >= 4, "this month and two ahead, and the default"
    assert made
    assert await make_partitions_ahead(service) == 0


async def test_only_tables_partitioned_by_month_get_partitions(service: Database):
    async with service.scoped() as connection:
        with pytest.raises(asyncpg.RaiseError, match="not partitioned"):
            await connection.execute("SELECT make_month_partition('fills', '2026-01-01')")


async def test_candles_are_the_bars_in_force(service: Database, database: Database):
    bar = {"source": "sim", "symbol": "X", "interval": "1h", "open": 1, "high": 4, "low": 1, "close": 2}
    for at, revision, close in ((MOMENT, 0, 2), (MOMENT, 1, 3), (MOMENT + MINUTE, 0, 4)):
        await insert(service, "market_data", [bar | {"at": at, "revision": revision, "close": close}])
    async with database.scoped() as connection:
        rows = await connection.fetch("SELECT at, close::int FROM candles WHERE symbol = 'X' ORDER BY at")
    assert [tuple(row) for row in rows] == [(MOMENT, 3), (MOMENT + MINUTE, 4)]


async def test_a_scope_sees_what_is_its_own_and_what_is_nobodys(service: Database, database: Database):
    await given_account(service, "A")
    await given_account(service, "B")
    for account in ("A", "B", None):
        metric = {"source": "s", "name": "n", "account_id": account, "at": MOMENT, "value": 1}
        await insert(service, "custom_metrics", [metric])
        silence = {"starts_at": MOMENT, "ends_at": MOMENT, "created_by": "ann", "account_id": account}
        await insert(service, "alert_silences", [silence])
        await insert(service, "import_runs", [{"format": "f", "origin": "o", "account_id": account}])
        rule = {"title": "t", "read": "r", "comparison": "missing", "severity": "info", "origin": "file"}
        await insert(
            service, "alert_rules", [rule | {"rule": f"of-{account}".lower(), "accounts": account and [account]}]
        )
        await insert(service, "audit_logs", [{"action": "read", "outcome": "done", "account_id": account}])
    for account in ("A", "B"):
        snapshot = {
            "account_id": account,
            "source": "s",
            "source_id": "1",
            "at": MOMENT,
            "kind": "cash",
            "content": "{}",
        }
        await insert(service, "broker_snapshots", [snapshot])
    async with database.scoped(["A"]) as connection:
        for table in ("custom_metrics", "alert_silences", "import_runs", "audit_logs"):
            seen = await connection.fetch(f"SELECT account_id FROM {table}")
            assert {row[0] for row in seen} == {"A", None}, table
        assert {row[0] for row in await connection.fetch("SELECT rule FROM alert_rules")} == {"of-a", "of-none"}
        assert await connection.fetch("SELECT account_id FROM broker_snapshots WHERE account_id = 'B'") == []
        assert await connection.fetchval("SELECT count(*) FROM broker_snapshots") == 1


async def test_an_instrument_keeps_the_versions_that_say_something_else(service: Database):
    await given_instrument(service, "X", at=MOMENT, sector="Energy")
    async with service.scoped() as connection:
        await connection.execute("UPDATE instruments SET at = at + interval '1 minute'")
        await connection.execute("UPDATE instruments SET sector = 'Tech'")
        await connection.execute("DELETE FROM instruments")
        rows = await connection.fetch("SELECT operation, sector FROM instruments_history ORDER BY changed_at")
    assert [tuple(row) for row in rows] == [("insert", "Energy"), ("update", "Tech"), ("delete", "Tech")]


async def given_entries(database: Database, *actions: str) -> None:
    async with database.scoped() as connection:
        await connection.executemany(
            "INSERT INTO audit_logs (user_name, action, outcome, details) VALUES ('ann', $1, 'done', '{\"a\": 1.50}')",
            [(action,) for action in actions],
        )


async def test_the_audit_log_is_append_only_for_every_role_of_the_suite(service: Database, database: Database):
    await given_entries(database, "login", "read")
    for role in (service, database):
        for statement in ("UPDATE audit_logs SET action = 'x'", "DELETE FROM audit_logs", "TRUNCATE audit_logs"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with role.scoped() as connection:
                    await connection.execute(statement)
    async with service.scoped() as connection:
        assert [row[0] for row in await connection.fetch("SELECT action FROM audit_logs ORDER BY entry")] == [
            "login",
            "read",
        ]


async def test_the_chain_of_the_audit_log_holds_however_many_write_at_once(service: Database, database: Database):
    await asyncio.gather(*(given_entries(each, "read", "read", "read") for each in (service, database) * 4))
    async with service.scoped() as connection:
        await connection.execute("SET LOCAL TimeZone = 'Asia/Kolkata'; SET LOCAL bytea_output = 'escape'")
        assert await connection.fetch("SELECT * FROM audit_faults()") == []
        assert await connection.fetchval("SELECT array_agg(entry ORDER BY entry) FROM audit_logs") == list(range(1, 25))


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE audit_logs SET user_name = 'bob' WHERE entry = 3", [(3, "changed")]),
        ("UPDATE audit_logs SET details = '{}' WHERE entry = 1", [(1, "changed")]),
        ("UPDATE audit_logs SET at = at + interval '1 microsecond' WHERE entry = 2", [(2, "changed")]),
        ("DELETE FROM audit_logs WHERE entry = 2", [(3, "missing")]),
        ("DELETE FROM audit_logs WHERE entry = 1", [(2, "missing")]),
        (
            "UPDATE audit_logs AS a SET action = 'x', hash = audit_hash(b) FROM "
            '(SELECT (jsonb_populate_record(c, \'{"action": "x"}\')).* FROM audit_logs c WHERE entry = 2) AS b '
            "WHERE a.entry = 2",
            [(3, "torn")],
        ),
    ],
)
async def test_what_an_administrator_does_to_the_audit_log_is_found(
    tampering: str, found: list[Any], service: Database, database: Database, admin: asyncpg.Connection
):
    await given_entries(database, "login", "read", "export", "logout")
    await admin.execute(tampering.replace("audit_hash(b)", "audit_hash(b::audit_logs)"))
    async with service.scoped() as connection:
        faults = await connection.fetch("SELECT entry, fault FROM audit_faults()")
    assert [tuple(row) for row in faults] == found


@pytest.fixture
async def old(server: Address, tmp_path: Path) -> AsyncIterator[Address]:
    """A database as the first release left it."""
    (tmp_path / "schema").mkdir()
    for path in sorted((SQL / "schema").glob("*.sql")):
        if path.name[:4] <= OLDEST_KEPT:
            shutil.copy(path, tmp_path / "schema")
    connection = await asyncpg.connect(**server.connect_arguments(), timeout=5, command_timeout=30)
    name = f"test_old_{tmp_path.name[-12:]}".lower().replace("-", "_")
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        await migrate(replace(server, database=name), tmp_path)
        yield replace(server, database=name)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def given_old_rows(service: Database) -> None:
    """What the first release recorded, also what the next one would refuse: a skewed clock, an unknown symbol."""
    ahead = timedelta(days=2)
    key = {"account_id": "A", "source": "bot", "source_id": "1", "at": MOMENT, "recorded_at": MOMENT}
    await given_account(service, "A")
    await given_instrument(service, "X", sector="Tech", at=MOMENT)
    fill = {"symbol": "GONE", "side": "buy", "quantity": 1, "price": 2}
    await insert(service, "fills", [key | fill, key | fill | {"source_id": "2", "at": MOMENT + ahead}])
    await insert(service, "trading_pnl", [key | {"equity": 5}, key | {"equity": 6, "at": MOMENT - 400 * ahead}])
    trade = {"symbol": "X", "transaction_type": "BUY", "quantity": 1, "entry_time": MOMENT, "exit_time": MOMENT}
    money = {"entry_price": 1, "exit_price": 2, "gross_pnl": 1, "realized_pnl": 1}
    await insert(service, "trades", [{"account_id": "A", "source": "bot", "source_id": "1"} | trade | money])
    await insert(service, "daily_stats", [{"account_id": "A", "day": MOMENT.date(), "at": MOMENT, "trades": 3}])
    position = {"account_id": "A", "position_id": "p", "source": "bot", "symbol": "X", "side": "long", "quantity": 5}
    await insert(service, "positions", [position | {"entry_time": MOMENT, "entry_price": 1, "at": MOMENT}])


async def test_a_database_of_the_first_release_migrates_with_everything_in_it(old: Address):
    service = Database(old, role="service", max_size=2)
    await service.open()
    try:
        await given_old_rows(service)
        await migrate(old)
        assert (await schema_status(old)).current
        async with service.scoped() as connection:
            assert await connection.fetchval("SELECT count(*) FROM fills") == 2
            assert await connection.fetchval("SELECT sum(equity) FROM trading_pnl WHERE fx_pnl IS NULL") == 11
            assert await connection.fetchval("SELECT fx_rate FROM trades") == 1
            assert await connection.fetchval("SELECT trades FROM daily_metrics WHERE import_run_id IS NULL") == 3
            described = await connection.fetchrow(
                "SELECT operation, symbol, sector, changed_at FROM instruments_history"
            )
            assert tuple(described)[:3] == ("insert", "X", "Tech")
            assert described["changed_at"] == await connection.fetchval("SELECT recorded_at FROM instruments")
            await connection.execute("UPDATE positions SET quantity = 6")
            kept = await connection.fetch("SELECT quantity::int FROM positions_history ORDER BY changed_at")
            assert [row[0] for row in kept] == [5, 6]
            with pytest.raises(asyncpg.CheckViolationError, match="unknown symbol GONE"):
                await connection.execute(
                    "INSERT INTO fills (account_id, source, source_id, at, symbol, side, quantity, price) "
                    "VALUES ('A', 'bot', '3', now(), 'GONE', 'buy', 1, 2)"
                )
    finally:
        await service.close()
