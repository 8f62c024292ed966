"""Roll-ups: the same answers as the facts give, whatever comes late, and a cost that does not grow."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.clock import now
from main.database.pool import Database
from main.database.rollups import roll_up
from tests.given import DAY, HOUR, MINUTE, MOMENT, given_equity, given_host, given_snapshots, insert, rolled_up

SECOND = timedelta(seconds=1)
BEGAN = MOMENT - DAY
SPAN = 3 * 3600
LIVE = datetime.max.replace(tzinfo=MOMENT.tzinfo)
STEPS = (10, 60, 300, 3600, 7200)

SERIES = {"market": ("sim", "X"), "equity": ("A",), "host": ("trader-01",)}
TABLES = {"market": "market_snapshots", "equity": "trading_pnl", "host": "system_metrics"}
ROLLUPS = {fact: f"{fact}_rollups" for fact in SERIES}

observations = st.tuples(
    st.integers(0, SPAN), st.integers(0, 2), st.integers(900, 1100), st.one_of(st.none(), st.integers(1, 9))
)
groups = st.lists(st.lists(observations, max_size=12), min_size=1, max_size=4)
windows = st.lists(
    st.tuples(st.integers(-60, SPAN), st.integers(1, SPAN), st.sampled_from(STEPS)), min_size=1, max_size=6
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=groups, rolled=st.lists(st.booleans(), min_size=4, max_size=4), windows=windows)
async def test_roll_ups_and_facts_give_the_same_whatever_comes_late_or_corrected(
    service: Database, groups: list[Any], rolled: list[bool], windows: list[tuple[int, int, int]]
) -> None:
    await empty(service)
    for number, group in enumerate(groups):
        recorded = BEGAN + 4 * HOUR + number * HOUR
        await record(service, group, recorded)
        if rolled[number]:
            await rolled_up(service, until=recorded + MINUTE, batch=7)
    async with service.scoped() as connection:
        for start, length, step in windows:
            bounds = (BEGAN + start * SECOND, BEGAN + (start + length) * SECOND, LIVE, step * SECOND)
            for fact, key in SERIES.items():
                assert await window(connection, fact, key, *bounds) == await facts_alone(connection, fact, key, *bounds)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=groups)
async def test_all_widths_hold_what_the_facts_add_up_to(service: Database, groups: list[Any]) -> None:
    await empty(service)
    for number, group in enumerate(groups):
        recorded = BEGAN + 4 * HOUR + number * HOUR
        await record(service, group, recorded)
        await rolled_up(service, until=recorded + MINUTE, batch=7)
    await rolled_up(service)
    async with service.scoped() as connection:
        for fact, key in SERIES.items():
            for width in ("minute", "hour", "day"):
                stored = await connection.fetch(f"SELECT * FROM {ROLLUPS[fact]} WHERE width = $1 ORDER BY at", width)
                step = await connection.fetchval("SELECT rollup_step($1)", width)
                alone = await facts_alone(connection, fact, key, BEGAN - DAY, BEGAN + DAY, LIVE, step)
                assert [plain(row) for row in stored] == alone


async def test_what_was_known_then_comes_from_the_facts(service: Database) -> None:
    await given_snapshots(service, BEGAN, mid=100)
    await rolled_up(service, until=MOMENT - SECOND)
    await given_snapshots(service, BEGAN, mid=200, revision=1, recorded_at=MOMENT)
    await rolled_up(service)
    bounds = (BEGAN - HOUR, BEGAN + HOUR)
    async with service.scoped() as connection:
        assert await closes(connection, *bounds, MOMENT - SECOND) == [100]
        assert await closes(connection, *bounds, LIVE) == [200]


async def test_a_rolled_up_window_reads_no_facts_but_at_its_ends(service: Database) -> None:
    await given_snapshots(service, *(BEGAN + number * 30 * SECOND for number in range(240)))
    await rolled_up(service)
    async with service.scoped() as connection:
        rows = await connection.fetch(
            "SELECT s.* FROM rollup_spans($1, $2, '{}', '{}', 'hour') s ORDER BY span_from",
            BEGAN + 90 * SECOND,
            BEGAN + 3 * HOUR + 90 * SECOND,
        )
        assert [row["piece"] for row in rows] == ["fact", "minute", "hour", "minute", "fact"]
        await connection.execute("DELETE FROM market_snapshots WHERE at > $1 AND at < $2", BEGAN, BEGAN + 119 * MINUTE)
        assert len(await closes(connection, BEGAN - SECOND, BEGAN + 2 * HOUR, LIVE, step=MINUTE)) == 120


async def test_what_is_unseen_is_looked_for_in_few_blocks_however_dear_they_look(service: Database) -> None:
    for fact, table in TABLES.items():
        async with service.scoped() as connection:
            await connection.execute("SET LOCAL random_page_cost = 100000")
            counted = "SELECT sum(seq_scan) FROM pg_stat_xact_user_tables WHERE relname LIKE $1"
            before = await connection.fetchval(counted, f"{table}%")
            blanks = ", ".join(f"'{part}'" for part in SERIES[fact])
            await connection.fetch(f"SELECT stale_{fact}_minutes({blanks}, $1, $2)", BEGAN, MOMENT)
            await connection.fetchval(f"SELECT mark_{fact}($1, $2)", BEGAN, MOMENT)
            assert await connection.fetchval(counted, f"{table}%") == before


async def test_an_open_minute_is_not_made_and_a_slow_transaction_is_waited_for(service: Database, address: Any) -> None:
    at = now()
    await given_snapshots(service, at, recorded_at=at)
    slow = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=5)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("SET ROLE ai_trader_service")
        await slow.execute(
            "INSERT INTO market_snapshots (source, symbol, at, mid) VALUES ('sim', 'Y', $1, 5)", at - HOUR
        )
        await given_snapshots(service, at - HOUR, recorded_at=at + SECOND)
        await roll_up(service)
        async with service.scoped() as connection:
            assert await connection.fetchval("SELECT rolled_until < $1 FROM rollup_progress WHERE fact = 'market'", at)
        await transaction.commit()
    finally:
        await slow.close()
    async with service.scoped() as connection:
        await connection.execute("UPDATE market_snapshots SET recorded_at = recorded_at - interval '5 seconds'")
    await rolled_up(service)
    async with service.scoped() as connection:
        made = await connection.fetch("SELECT symbol, at FROM market_rollups WHERE width = 'minute' ORDER BY symbol")
    minute = (at - HOUR).replace(second=0, microsecond=0)
    assert [tuple(row) for row in made] == [("X", minute), ("Y", minute)]


async def test_two_workers_at_once_and_one_killed_in_the_middle_do_no_harm(service: Database) -> None:
    await given_snapshots(service, *(BEGAN + number * 20 * SECOND for number in range(300)))
    await given_equity(service, *range(1, 200), ending=BEGAN + 2 * HOUR)
    killed = asyncio.create_task(rolled_up(service, batch=5))
    while not await rolled(service, "market"):
        await asyncio.sleep(0)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    await asyncio.gather(rolled_up(service, batch=5), rolled_up(service, batch=3))
    async with service.scoped() as connection:
        for fact in ("market", "equity"):
            stored = await connection.fetch(f"SELECT * FROM {ROLLUPS[fact]} WHERE width = 'minute' ORDER BY at")
            alone = await facts_alone(connection, fact, SERIES[fact], BEGAN - DAY, BEGAN + DAY, LIVE, MINUTE)
            assert [plain(row) for row in stored] == alone
        assert await connection.fetchval("SELECT count(*) FROM dirty_buckets") == 0


async def test_a_bucket_that_lost_its_last_fact_goes(service: Database) -> None:
    await given_host(service, 0.5, ending=BEGAN)
    await rolled_up(service)
    assert await rolled(service, "host") == 3
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM system_metrics")
        await connection.execute("INSERT INTO dirty_buckets VALUES ('host', 'minute', $1, '{trader-01}')", BEGAN)
    await rolled_up(service)
    assert await rolled(service, "host") == 0


async def test_facts_written_with_a_past_recorded_at_are_found_when_their_writer_says_so(service: Database) -> None:
    await given_snapshots(service, BEGAN)
    await rolled_up(service)
    await given_snapshots(service, BEGAN - DAY)
    await rolled_up(service)
    assert await rolled(service, "market") == 3
    async with service.scoped() as connection:
        await connection.execute("SELECT roll_up_again($1)", BEGAN - DAY)
    await rolled_up(service)
    assert await rolled(service, "market") == 6


async def test_while_the_job_does_not_run_the_facts_are_asked_as_long_as_all_are_kept(service: Database) -> None:
    await given_snapshots(service, BEGAN)
    await rolled_up(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE market_rollups SET close = 7")
        assert await closes(connection, BEGAN - HOUR, BEGAN + HOUR, LIVE) == [7]
        await connection.execute("UPDATE rollup_progress SET looked_at = looked_at - interval '1 hour'")
        assert await closes(connection, BEGAN - HOUR, BEGAN + HOUR, LIVE) == [100]
        await connection.execute("UPDATE rollup_progress SET kept_since = $1", BEGAN - HOUR)  # some facts are gone
        assert await closes(connection, BEGAN - HOUR, BEGAN + HOUR, LIVE) == [7]


async def test_a_viewer_sees_the_roll_ups_of_his_own_accounts(service: Database, database: Database) -> None:
    for account in "AB":
        await given_equity(service, 100, account=account, ending=BEGAN)
    async with service.scoped() as connection:
        await connection.execute("INSERT INTO dirty_buckets VALUES ('equity', 'minute', $1, '{B}')", BEGAN)
    await rolled_up(service, until=BEGAN)
    async with database.scoped(("A",)) as connection:
        assert {row[0] for row in await connection.fetch("SELECT account_id FROM equity_rollups")} <= {"A"}
        assert await connection.fetch("SELECT * FROM dirty_buckets WHERE key = '{B}'") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT roll_market('minute', 1, now())")


async def empty(service: Database) -> None:
    async with service.scoped() as connection:
        for table in (*TABLES.values(), *ROLLUPS.values(), "dirty_buckets"):
            await connection.execute(f"DELETE FROM {table}")
        await connection.execute("UPDATE rollup_progress SET rolled_until = '-infinity', kept_since = '-infinity'")


async def record(service: Database, group: list[tuple[int, int, int, int | None]], recorded: datetime) -> None:
    """Write one observation of each kind; the same one twice is the same fact, which the first has told."""
    common = {"recorded_at": recorded}
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES.values()}
    for second, revision, value, spread in group:
        common["at"] = BEGAN + second * SECOND
        book = {"source": "sim", "symbol": "X", "revision": revision, "mid": value, "spread_bps": spread}
        key = {"account_id": "A", "source": "bot", "source_id": str(second), "revision": revision}
        memory = {"memory_used_bytes": value, "memory_total_bytes": 2048}
        rows["market_snapshots"].append(book | common)
        rows["trading_pnl"].append(key | {"equity": value, "cash": spread} | common)
        rows["system_metrics"].append({"host": "trader-01", "cpu_percent": spread and value / 16} | memory | common)
    for table, told in rows.items():
        if told:
            await insert(service, table, told, again=True)


async def window(connection: Any, fact: str, key: tuple[str, ...], *bounds: Any) -> list[dict[str, Any]]:
    keys = ", ".join(f"${number + 5}" for number in range(len(key)))
    rows = await connection.fetch(f"SELECT * FROM {fact}_window({keys}, $1, $2, $3, $4) ORDER BY at", *bounds, *key)
    return [plain(row) for row in rows]


async def facts_alone(
    connection: Any, fact: str, key: tuple[str, ...], start: datetime, until: datetime, *others: Any
) -> list[dict[str, Any]]:
    """The same buckets made from facts only; `others` are known_at and the width."""
    keys = ", ".join(f"${number + 5}" for number in range(len(key)))
    rows = await connection.fetch(
        f"SELECT * FROM {fact}_buckets({keys}, '{{fact}}', ARRAY[$1::timestamptz], ARRAY[$2::timestamptz], $3, $4) "
        "ORDER BY at",
        start + timedelta(microseconds=1),
        until + timedelta(microseconds=1),
        *others,
        *key,
    )
    return [plain(row) for row in rows]


def plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "width"}


async def closes(
    connection: Any, start: datetime, until: datetime, known: datetime, step: timedelta = MINUTE
) -> list[Decimal]:
    return [row["close"] for row in await window(connection, "market", SERIES["market"], start, until, known, step)]


async def rolled(service: Database, fact: str) -> int:
    async with service.scoped() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {ROLLUPS[fact]}"))
