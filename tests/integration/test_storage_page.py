"""Storage: tables with their partitions, growth and purges, and when the disk is full."""

from datetime import timedelta

import pytest

from main.database.pool import Database
from main.monitoring.collectors.postgres import PostgresCollector
from main.monitoring.reads import storage, storage_indexes, storage_tables
from tests.given import DAY, HOUR, MINUTE, MOMENT, asked, given_account, given_host, given_snapshots, insert, live, past
from tests.given_storage import LOOKED, given_index_size, given_purge, given_table_size


async def test_sizes_are_those_that_postgresql_tells_partitions_summed_into_their_table(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_snapshots(service, *(MOMENT - place * MINUTE for place in range(500)))
    await PostgresCollector().measure(service)
    async with service.scoped() as connection:
        moment = await connection.fetchval("SELECT clock_timestamp()")
        told = await connection.fetch(
            """SELECT coalesce(p.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid)) AS bytes
                 FROM pg_class c
                 LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
                 LEFT JOIN pg_class p ON p.oid = i.inhparent
                WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                GROUP BY 1"""
        )
    rows = {row.table: row for row in await asked(database, storage_tables.READ, live(moment=moment))}
    # The samples themselves were written after they were taken.
    compared = {"market_snapshots", "accounts", "fills", "orders", "trades", "audit_logs"}
    assert {name: rows[name].total_bytes for name in compared} == {
        row["name"]: row["bytes"] for row in told if row["name"] in compared
    }
    assert rows["market_snapshots"].partitions > 0
    assert sum(row.share or 0 for row in rows.values()) == pytest.approx(1)
    assert all("_20" not in name for name in rows)
    (largest, *_) = await asked(database, storage_indexes.READ, live(moment=moment))
    assert largest.index_bytes == max(
        each.index_bytes for each in await asked(database, storage_indexes.READ, live(moment=moment))
    )


async def test_growth_is_over_the_window_and_retention_is_what_was_purged(
    service: Database, database: Database
) -> None:
    for table, sizes in (("system_events", (1000, 3000)), ("fills", (500, 500))):
        for at, size in zip((LOOKED - 12 * HOUR, LOOKED), sizes, strict=True):
            await given_table_size(service, table, size, at, index_bytes=100, row_estimate=7)
    await given_table_size(service, "system_events", 1, LOOKED - 3 * DAY)
    await given_table_size(service, "new", 10)
    await given_purge(service, "system_events", MOMENT - 91 * DAY, MOMENT - DAY, 5)
    rows = {row.table: row for row in await asked(database, storage_tables.READ, live())}
    events, fills, new = rows["system_events"], rows["fills"], rows["new"]
    assert (events.total_bytes, events.growth_bytes, events.growth_since) == (3100, 2000, LOOKED - 12 * HOUR)
    assert events.growth_daily_bytes == pytest.approx(4000)
    assert (events.purges, events.kept_seconds, events.purged_rows) == (True, 90 * DAY.total_seconds(), 5)
    assert (fills.purges, fills.kept_seconds, fills.purged_at, fills.growth_bytes) == (False, None, None, 0)
    assert (new.growth_bytes, new.growth_daily_bytes) == (None, None)
    assert [*rows] == ["system_events", "fills", "new"]
    before = {row.table: row for row in await asked(database, storage_tables.READ, past(MOMENT - 2 * DAY))}
    assert (before["system_events"].total_bytes, before["system_events"].purged_at) == (1, None)
    assert "fills" not in before


async def test_a_small_disk_that_fills_says_when_it_is_full(service: Database, database: Database) -> None:
    await given_host(service, *(0.5 + step / 1000 for step in range(61)))  # 1,000 bytes, one a minute
    sample = {"at": MOMENT, "recorded_at": MOMENT, "database_bytes": 40}
    await given_database_size(service, 28, MOMENT - HOUR / 2)
    await given_database_size(service, 40, MOMENT)
    await given_purge(service, "system_events", MOMENT - DAY, MOMENT - HOUR, 5)
    await given_purge(service, "market_snapshots", MOMENT - DAY, MOMENT - HOUR / 2, 6)
    found: storage.Storage = await asked(database, storage.READ, live(window="1h"))
    assert sample["database_bytes"] == found.database_bytes
    assert (found.disk, found.disk_used_bytes, found.disk_total_bytes) == (0.56, 560, 1000)
    assert found.disk_daily_bytes == pytest.approx(1440)
    assert found.limit_seconds == pytest.approx((900 - 560) / 1440 * DAY.total_seconds())
    assert found.full_seconds == pytest.approx((1000 - 560) / 1440 * DAY.total_seconds())
    assert found.database_daily_bytes == pytest.approx(24 * 24)
    assert found.database_share == 0.04
    assert (found.purged_at, found.purged_rows) == (MOMENT - HOUR / 2, 11)


async def test_a_disk_that_does_not_fill_and_one_never_sampled_have_no_such_day(
    service: Database, database: Database
) -> None:
    nothing: storage.Storage = await asked(database, storage.READ, live())
    assert (nothing.disk, nothing.full_seconds, nothing.database_bytes, nothing.purged_at) == (None, None, None, None)
    await given_host(service, *(0.7 - step / 1000 for step in range(61)))
    emptying: storage.Storage = await asked(database, storage.READ, live())
    assert emptying.disk == 0.64
    assert (emptying.limit_seconds, emptying.full_seconds) == (None, None)


async def test_the_largest_indexes_come_first(service: Database, database: Database) -> None:
    await given_table_size(service, "fills", 100, index_bytes=300)
    await given_index_size(service, "small", "fills", 100)
    await given_index_size(service, "large", "fills", 200)
    rows = await asked(database, storage_indexes.READ, live())
    assert [(row.index, row.share, row.scans) for row in rows] == [("large", 0.5, 3), ("small", 0.25, 3)]
    assert await asked(database, storage_indexes.READ, past(LOOKED - timedelta(seconds=1))) == []


async def given_database_size(service: Database, size: int, at: object) -> None:
    """A sample of the server, everything but the size of the database at 0."""
    columns = (
        *("connections", "connections_limit", "connections_reserved", "active", "idle", "idle_in_transaction"),
        *("hidden", "waiting", "sessions", "commits", "rollbacks", "blocks_hit", "blocks_read", "temporary_files"),
        *("temporary_bytes", "deadlocks", "freeze_age", "freeze_limit"),
    )
    words = {"server_version": "18", "database_name": "x", "login": "x", "statements": "not available"}
    row = {"at": at, "recorded_at": at, "database_bytes": size, "sees_all": True, "autovacuum": True}
    await insert(service, "database_samples", [row | words | dict.fromkeys(columns, 0)])
