"""Promise 14: retention never deletes outside its window, never blocks writers, survives a kill and two at once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.database.pool import Database
from main.database.retention import HOST_ROLLUPS, SHOWN, kept, purge
from main.monitoring.reads import host_history
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_equity,
    given_event,
    given_host,
    given_snapshots,
    insert,
    live,
    past,
    rolled_up,
)

SECOND = timedelta(seconds=1)
AGES = kept(3600, 30, 90)


async def test_what_is_older_than_its_age_goes_and_nothing_else(service: Database) -> None:
    await given_host(service, *[0.5] * 9, every=15 * MINUTE)  # up to 2 h old
    await given_snapshots(service, *(MOMENT - days * DAY for days in range(28, 34)))
    for days in (89, 91):
        await given_event(service, f"event{days}", "info", MOMENT - days * DAY)
    await given_equity(service, 1, 2, ending=MOMENT - 1000 * DAY)
    await rolled_up(service)
    purged = {each.table: each.rows for each in await purge(service, AGES, before=MOMENT)}
    assert purged == {"system_metrics": 4, "market_snapshots": 3, "system_events": 1}
    async with service.scoped() as connection:
        assert await times(connection, "system_metrics") == [MOMENT - step * 15 * MINUTE for step in range(5)]
        assert await times(connection, "market_snapshots") == [MOMENT - days * DAY for days in (28, 29, 30)]
        assert await times(connection, "system_events") == [MOMENT - 89 * DAY]
        assert len(await times(connection, "trading_pnl")) == 2
        noted = await connection.fetch("SELECT table_name, rows_deleted FROM daily_purge_flags WHERE day = $1", MOMENT)
    assert {row[0]: row[1] for row in noted if row[1]} == purged
    assert await purge(service, AGES, before=MOMENT) == ()


def test_no_setting_takes_away_what_a_page_shows() -> None:
    ages = kept(60, 1, 1)
    assert ages["system_metrics"] == SHOWN
    assert ages["host_rollups"] == HOST_ROLLUPS
    assert kept(365 * 86_400, 1, 1)["host_rollups"] > timedelta(days=365)


async def test_a_replays_past_is_as_young_as_its_recording(service: Database) -> None:
    await given_snapshots(service, MOMENT - 3000 * DAY, recorded_at=MOMENT - 29 * DAY)
    await given_event(service, "replayed", "info", MOMENT - 3000 * DAY, recorded_at=MOMENT - 89 * DAY)
    await rolled_up(service)
    assert await purge(service, AGES, before=MOMENT) == ()
    later = await purge(service, AGES, before=MOMENT + 2 * DAY)
    assert [(each.table, each.rows) for each in later] == [("market_snapshots", 1), ("system_events", 1)]


async def test_nothing_goes_before_it_is_rolled_up(service: Database) -> None:
    await given_snapshots(service, MOMENT - 40 * DAY)
    assert await purge(service, AGES, before=MOMENT) == ()
    await rolled_up(service, until=MOMENT - 40 * DAY)  # seen, and its minute not over by then
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT count(*) FROM dirty_buckets") == 1
    assert await purge(service, AGES, before=MOMENT - 10 * DAY + SECOND) == ()
    await rolled_up(service)
    assert [each.rows for each in await purge(service, AGES, before=MOMENT)] == [1]


async def test_a_minute_whose_facts_are_gone_stays_whatever_comes_late(service: Database) -> None:
    minute = MOMENT - 40 * DAY
    await given_snapshots(service, minute, mid=100)
    await rolled_up(service, until=MOMENT)
    await purge(service, AGES, before=MOMENT)
    await given_snapshots(service, minute + SECOND, minute + MINUTE, mid=7, recorded_at=MOMENT + SECOND)
    query = "SELECT close FROM market_window('sim', 'X', $1, $2, $3, '1 minute') ORDER BY at"
    bounds = (minute - HOUR, minute + HOUR, datetime.max.replace(tzinfo=minute.tzinfo))
    async with service.scoped() as connection:
        before = [row[0] for row in await connection.fetch(query, *bounds)]
    await rolled_up(service)
    async with service.scoped() as connection:
        after = [row[0] for row in await connection.fetch(query, *bounds)]
        hour = await connection.fetchval(
            "SELECT snapshots FROM market_rollups WHERE width = 'hour' AND at < $1", MOMENT
        )
    assert before == after == [100, 7]
    assert hour == 2


@pytest.mark.parametrize("window", ["6h", "1D", "1W", "1M"])
async def test_the_health_page_shows_the_same_after_the_samples_are_gone(
    service: Database, database: Database, window: str
) -> None:
    shares = [0.2 + (number * 37 % 60) / 100 for number in range(700)]
    await given_host(service, *shares, every=61 * SECOND)
    await given_host(service, *shares[:20], ending=MOMENT - 20 * DAY, every=HOUR)
    scopes = (live(window=window), past(MOMENT - 4 * HOUR, window=window))
    first = [await asked(database, host_history.READ, scope) for scope in scopes]
    await rolled_up(service)
    rolled = [await asked(database, host_history.READ, scope) for scope in scopes]
    assert (await purge(service, AGES, before=MOMENT))[0].rows > 600
    gone = [await asked(database, host_history.READ, scope) for scope in scopes]
    for before, between, after in zip(first, rolled, gone, strict=True):
        same(before, between)
        assert len(after.points) == pytest.approx(len(before.points), abs=1)
        assert after.latest.at == pytest.approx(before.latest.at, abs=MINUTE)
        assert after.latest.cpu_mean == pytest.approx(before.latest.cpu_mean, rel=0.01)


async def test_a_short_window_of_a_purged_past_is_shown_by_the_minute(service: Database, database: Database) -> None:
    await given_host(service, *[0.5] * 360, ending=MOMENT - DAY, every=10 * SECOND)
    await rolled_up(service)
    await purge(service, AGES, before=MOMENT)
    history = await asked(database, host_history.READ, past(MOMENT - DAY, window="15m"))
    assert len(history.points) == 14  # the first minute of the window is not a whole one: 14:45:00 lies before it
    assert history.latest.cpu == 0.5


async def test_whole_months_are_dropped_unless_something_in_them_was_learned_since(service: Database) -> None:
    async with service.scoped() as connection:
        for month in ("2026-08-01", "2026-09-01"):
            await connection.fetchval("SELECT make_month_partition('market_snapshots', $1::text::date)", month)
    await given_snapshots(service, *(MOMENT - days * DAY for days in (100, 60)))
    await given_snapshots(service, MOMENT - 70 * DAY, recorded_at=MOMENT - DAY)  # 11 September, learned late
    await rolled_up(service)
    (purged,) = await purge(service, AGES, before=MOMENT)
    assert purged.partitions == ("market_snapshots_2026_08",)
    assert purged.rows == 1
    async with service.scoped() as connection:
        assert await times(connection, "market_snapshots") == [MOMENT - 70 * DAY]
        assert await connection.fetchval("SELECT count(*) FROM market_rollups WHERE width = 'minute'") == 3
        with pytest.raises(asyncpg.RaiseError, match="kept for ever"):
            await connection.execute("SELECT drop_month_partitions('trading_pnl', $1)", MOMENT)


async def test_a_writer_is_not_held_up_and_a_held_partition_waits_for_the_next_turn(
    service: Database, address: Address
) -> None:
    async with service.scoped() as connection:
        await connection.fetchval("SELECT make_month_partition('market_snapshots', '2026-08-01')")
    await given_snapshots(service, MOMENT - 100 * DAY)
    await rolled_up(service)
    writer = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=10)
    try:
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute("SET LOCAL ROLE ai_trader_service; SET LOCAL lock_timeout = '3s'")
        statement = "INSERT INTO market_snapshots (source, symbol, at, mid) VALUES ('sim', $1, $2, 1)"
        await writer.execute(statement, "held", MOMENT)
        purging = asyncio.create_task(purge(service, AGES, before=MOMENT))
        while not purging.done():
            await writer.execute(statement, f"W{asyncio.get_running_loop().time()}", MOMENT)
            await given_snapshots(service, MOMENT, symbol=f"V{asyncio.get_running_loop().time()}")
        assert [(each.partitions, each.rows) for each in await purging] == [((), 1)]
        await transaction.commit()
    finally:
        await writer.close()
    (purged,) = await purge(service, AGES, before=MOMENT)
    assert purged.partitions == ("market_snapshots_2026_08",)


async def test_two_at_once_and_one_killed_in_the_middle_delete_each_row_once(service: Database) -> None:
    await given_host(service, *[0.5] * 400, ending=MOMENT - 2 * HOUR)
    await given_host(service, 0.5)
    await rolled_up(service)
    killed = asyncio.create_task(purge(service, AGES, before=MOMENT, batch=10))
    while await count(service) > 350:
        await asyncio.sleep(0)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    left = await count(service)
    assert 1 < left <= 350
    runs = await asyncio.gather(*(purge(service, AGES, before=MOMENT, batch=10) for _ in range(2)))
    await purge(service, AGES, before=MOMENT)
    assert sum(each.rows for run in runs for each in run) <= left - 1
    assert await count(service) == 1


async def test_roll_ups_of_the_machine_go_after_ninety_days(service: Database) -> None:
    rows = [
        {
            "host": "h",
            "width": width,
            "at": MOMENT - days * DAY,
            "learned_at": MOMENT,
            "last_at": MOMENT,
            "samples": 1,
            "cpu_samples": 0,
            "load_samples": 0,
            "memory_samples": 0,
            "disk_samples": 0,
        }
        for days in (89, 91)
        for width in ("minute", "hour", "day")
    ]
    await insert(service, "host_rollups", rows)
    (purged,) = await purge(service, AGES, before=MOMENT)
    assert (purged.table, purged.rows) == ("host_rollups", 3)


def same(before: host_history.HostHistory, after: host_history.HostHistory) -> None:
    assert [point.at for point in after.points] == [point.at for point in before.points]
    for one, other in zip(before.points, after.points, strict=True):
        assert (other.cpu, other.memory, other.disk) == pytest.approx((one.cpu, one.memory, one.disk))
    assert before.latest is not None
    assert after.latest is not None
    for name in host_history.HostSample.__dataclass_fields__:
        one, other = getattr(before.latest, name), getattr(after.latest, name)
        assert other == (pytest.approx(one) if isinstance(one, float) else one), name


async def times(connection: Any, table: str) -> list[datetime]:
    return [row["at"] for row in await connection.fetch(f"SELECT at FROM {table} ORDER BY at DESC")]


async def count(service: Database) -> int:
    async with service.scoped() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM system_metrics"))
