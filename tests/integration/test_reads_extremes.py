"""However long a window is, no point of a series loses the extremes of what it stands for: facts one by one tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from main.database.pool import Database
from main.database.retention import kept, purge
from main.domain.scope import Scope
from main.monitoring.reads import equity, host_history, indices, spread_history
from main.monitoring.reads.indices import IndexParams
from main.monitoring.reads.spread_history import SpreadParams
from main.monitoring.series import bucket_width
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    asked,
    fact,
    given_account,
    given_equity,
    given_flow,
    given_instrument,
    insert,
    live,
    past,
    rolled_up,
)
from tests.integration.test_reads_equity_agree import EDGES, END, ZONES

WINDOWS = ("1h", "1D", "1W", "1M", "All")
MONDAY = datetime(2000, 1, 3, tzinfo=END.tzinfo)
NEVER = datetime.max.replace(tzinfo=END.tzinfo)


@dataclass(frozen=True)
class Told:
    """One observation, or a revision of one."""

    at: datetime
    key: str
    revision: int
    recorded_at: datetime
    value: float


def in_force(facts: Iterable[Told], known_at: datetime = NEVER) -> list[Told]:
    """The highest revision of each, of those that were known."""
    newest: dict[tuple[datetime, str], Told] = {}
    for each in facts:
        before = newest.get((each.at, each.key))
        if each.recorded_at <= known_at and (before is None or before.revision < each.revision):
            newest[each.at, each.key] = each
    return list(newest.values())


def moments(chance: Random, count: int) -> list[datetime]:
    """Times of which a third is in the last hour, with some on round minutes and at the edges of days."""
    spans = (HOUR, HOUR, DAY, 7 * DAY, 25 * DAY)
    found = {END - chance.random() * chance.choice(spans) for _ in range(count)}
    found |= {END - MINUTE * chance.randrange(1440) for _ in range(count // 8)}
    return sorted(found | set(chance.sample(EDGES, 12)))


async def given_observations(
    service: Database, chance: Random, times: list[datetime], learned: Any = None
) -> list[Told]:
    """Equity at these times, a fifth of it corrected later on, and here and there two sources at one moment."""
    found, rows = list[Told](), list[dict[str, Any]]()
    for at in times:
        for row in [fact("A", at) for _ in range(chance.choice((1, 1, 1, 2)))]:
            for revision in range(chance.choice((1, 1, 1, 1, 2))):
                value = chance.randrange(500, 1500) if chance.random() > 0.05 else chance.choice((1, 5000))
                recorded = learned or at + revision * HOUR
                rows.append(row | {"equity": value, "revision": revision, "recorded_at": recorded})
                found.append(Told(at, row["source_id"], revision, recorded, value))
    await insert(service, "trading_pnl", rows)
    return found


def is_right(points: list[Any], facts: list[Told], known_at: datetime = NEVER) -> None:
    """Every point has the least and the greatest since the one before it, and all of them together leave none out."""
    assert len(points) > 1
    valid = in_force(facts, known_at)
    assert (points[0].low, points[0].high) == (points[0].equity, points[0].equity)
    for before, point in pairwise(points):
        values = [each.value for each in valid if before.at < each.at <= point.at]
        assert (point.low, point.high) == (min(values), max(values)), point.at
        assert point.low <= point.equity <= point.high
    inside = [each.value for each in valid if points[0].at < each.at <= END]
    assert min(point.low for point in points[1:]) == min(inside)
    assert max(point.high for point in points[1:]) == max(inside)


@pytest.mark.parametrize("seed", range(3))
async def test_no_observation_of_equity_is_beyond_the_extremes_of_its_point(
    service: Database, database: Database, seed: int
) -> None:
    chance = Random(seed)
    zone, roll_over = ZONES[seed]
    await given_account(service, zone=zone, roll_over=timedelta(hours=roll_over))
    times = moments(chance, 160)
    late = chance.sample(times, 12)
    facts = await given_observations(service, chance, [at for at in times if at not in late])
    for at in chance.sample(times, 4):
        await given_flow(service, chance.choice((-100, 300)), at + MINUTE / 2)
    for learned, until in ((None, END + 2 * HOUR), (END + 3 * HOUR, END + 4 * HOUR)):
        if learned:
            facts += await given_observations(service, chance, late, learned)
        for rolled in (False, True):
            if rolled:
                await rolled_up(service, until=until)
            for window in WINDOWS:
                is_right(await asked(database, equity.READ, live(window=window, moment=END)), facts)
    known_at = END + HOUR / 2
    for window in ("1D", "1M"):
        is_right(await asked(database, equity.READ, past(END, window=window, known_at=known_at)), facts, known_at)


async def test_the_extremes_of_days_are_kept_and_looked_up_again_once_something_came_late(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, *[100, 90, 110] * 20, ending=END - MINUTE, every=8 * HOUR)
    scope = live(window="All", moment=END)
    await rolled_up(service, until=END)
    await rolled_up(service, until=END)  # the first finds no roll-up that is looked after
    extremes = [(point.low, point.high) for point in await asked(database, equity.READ, scope)]
    assert set(extremes[2:-1]) == {(90, 110)}
    async with service.scoped() as connection:
        await connection.execute("UPDATE equity_closes SET low = 5")
    assert [point.low for point in await asked(database, equity.READ, scope)].count(5) >= 17
    hidden = END.replace(hour=3) - 6 * DAY
    await insert(service, "trading_pnl", [fact("A", hidden) | {"equity": 1, "recorded_at": END + HOUR}])
    async with service.scoped() as connection:
        await connection.execute("UPDATE equity_closes SET low = 90")
    for until in (None, END + 2 * HOUR):
        if until:
            await rolled_up(service, until=until)
        points = await asked(database, equity.READ, scope)
        assert [point.low for point in points if hidden <= point.at < hidden + DAY] == [1]
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT min(low) FROM equity_closes") == 1


async def test_the_extremes_of_a_sum_of_accounts_are_unknown_those_of_another_currency_are_not(
    service: Database, database: Database
) -> None:
    for name, currency in (("A", "USD"), ("B", "USD"), ("C", "EUR"), ("D", "EUR")):
        await given_account(service, name, currency=currency)
    for name in "ABC":  # nothing was ever observed of D
        await given_equity(service, 100, 90, 110, account=name, ending=END)
    points = await asked(database, equity.READ, live("A", "B", "C", "D", window="1D", moment=END))
    assert {point.low for point in points if point.currency == "USD"} == {None}
    assert [(point.low, point.high) for point in points if point.currency == "EUR"] == [(v, v) for v in (100, 90, 110)]


async def test_a_past_of_too_many_observations_has_a_curve_without_extremes(
    service: Database, database: Database
) -> None:
    await given_account(service)
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO trading_pnl (account_id, source, source_id, at, recorded_at, equity) "
            "SELECT 'A', 'bot', n::text, $1::timestamptz - n * interval '10 seconds', $1, 100 "
            "FROM generate_series(1, 50010) n",
            END,
        )
    points = await asked(database, equity.READ, past(END, window="1W", known_at=END))
    assert len(points) > 200
    assert {point.low for point in points[1:]} == {None}
    assert {point.low for point in await asked(database, equity.READ, past(END, window="1D", known_at=END))} == {100}


def bucket_of(at: datetime, width: timedelta) -> datetime:
    return MONDAY + (at - MONDAY) // width * width


def extremes(facts: Iterable[tuple[datetime, float]], scope: Scope, width: timedelta) -> list[tuple[float, float]]:
    """The least and the greatest of each bucket of a window, oldest first."""
    bounds, found = scope.bounds(), dict[datetime, list[float]]()
    for at, value in facts:
        if bounds.start < at <= bounds.end:
            found.setdefault(bucket_of(at, width), []).append(value)
    return [(min(values), max(values)) for _, values in sorted(found.items())]


async def test_no_sample_of_the_machine_is_above_the_maxima_of_its_point(service: Database, database: Database) -> None:
    chance = Random(1)
    samples = {at.replace(microsecond=0): [chance.random() for _ in range(4)] for at in moments(chance, 200)}
    rows = [
        {
            "host": "h",
            "at": at,
            "recorded_at": at,
            "cpu_percent": cpu * 100,
            "memory_used_bytes": round(memory * 1e9),
            "memory_total_bytes": 1_000_000_000,
            "disk_used_bytes": round(disk * 1e9),
            "disk_total_bytes": 1_000_000_000,
            "load_1": load * 8,
        }
        for at, (cpu, memory, disk, load) in samples.items()
    ]
    await insert(service, "system_metrics", rows)
    for rolled in (False, True):
        if rolled:
            await rolled_up(service, until=END + HOUR)
        for window in ("1h", "1D", "1W", "1M"):
            scope = live(window=window, moment=END)
            points = (await asked(database, host_history.READ, scope)).points
            width = host_history.bucket_width(scope.bounds().end - scope.bounds().start)
            for place, name in enumerate(("cpu_max", "memory_max", "disk_max", "load_max")):
                scale = 8 if name == "load_max" else 1
                facts = [(at, values[place] * scale) for at, values in samples.items()]
                highest = [most for _, most in extremes(facts, scope, width)]
                assert [getattr(point, name) for point in points] == pytest.approx(highest, rel=1e-6), (window, name)


async def test_a_disk_that_was_full_for_a_minute_is_on_the_chart_of_a_month_after_the_samples_are_gone(
    service: Database, database: Database
) -> None:
    rows = [
        {
            "host": "h",
            "at": END - DAY - step * MINUTE,
            "recorded_at": END - DAY - step * MINUTE,
            "disk_used_bytes": 99 if step == 77 else 40,
            "disk_total_bytes": 100,
        }
        for step in range(240)
    ]
    await insert(service, "system_metrics", rows)
    await rolled_up(service, until=END)
    await purge(service, kept(3600, 30, 90), before=END)
    points = (await asked(database, host_history.READ, live(window="1M", moment=END))).points
    assert max(point.disk_max for point in points) == 0.99
    assert max(point.disk for point in points) < 0.5
    async with service.scoped() as connection:
        await connection.execute("UPDATE host_rollups SET disk_max = NULL")  # as those made before it was kept
    points = (await asked(database, host_history.READ, live(window="1M", moment=END))).points
    assert {point.disk_max for point in points} == {None}


async def test_no_spread_and_no_level_of_an_index_is_beyond_the_extremes_of_its_point(
    service: Database, database: Database
) -> None:
    chance = Random(2)
    await given_account(service)
    await given_instrument(service, "X")
    spreads = {at: chance.randrange(1, 100) for at in moments(chance, 200)}
    books = {"source": "sim", "symbol": "X", "mid": 100}
    await insert(
        service,
        "market_snapshots",
        [books | {"at": at, "recorded_at": at, "spread_bps": spread} for at, spread in spreads.items()],
    )
    levels = list[dict[str, Any]]()
    for at in spreads:
        first = {"source": "sim", "name": "SPX", "kind": "index", "at": at, "recorded_at": at, "revision": 0}
        levels.append(first | {"level": chance.randrange(100)})
        if chance.random() < 0.2:
            levels.append(first | {"revision": 1, "level": chance.randrange(100)})
    await insert(service, "market_indices", levels)
    quoted = {row["at"]: float(row["level"]) for row in sorted(levels, key=lambda row: row["revision"])}
    for rolled in (False, True):
        if rolled:
            await rolled_up(service, until=END + HOUR)
        for window in WINDOWS[:4]:
            scope = live(window=window, moment=END)
            await spreads_are_right(database, scope, spreads)
            await levels_are_right(database, scope, quoted)


async def spreads_are_right(database: Database, scope: Scope, spreads: dict[datetime, int]) -> None:
    async with database.scoped(["A"]) as connection:
        history = await spread_history.READ.fetch(connection, scope, SpreadParams(points=60))
    assert history is not None
    expected = extremes(spreads.items(), scope, timedelta(seconds=history.bucket_seconds))
    assert [(point.spread_low, point.spread_high) for point in history.points] == expected


async def levels_are_right(database: Database, scope: Scope, quoted: dict[datetime, float]) -> None:
    async with database.scoped(["A"]) as connection:
        told = await indices.READ.fetch(connection, scope, IndexParams(points=60))
    first = min(at for at in quoted if scope.bounds().start < at)
    expected = extremes(quoted.items(), scope, bucket_width(first, END, 60))
    assert [(point.low, point.high) for point in told.points] == expected


async def test_the_levels_of_a_long_window_are_not_all_looked_at(service: Database, database: Database) -> None:
    await given_account(service)
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO market_indices (source, name, kind, at, recorded_at, level) "
            "SELECT 'sim', 'SPX', 'index', $1::timestamptz - n * interval '10 seconds', $1, n "
            "FROM generate_series(0, 30010) n",
            END,
        )
    for window, known in (("1D", True), ("1W", False)):
        points = (await asked(database, indices.READ, live(window=window, moment=END))).points
        assert len(points) > 200
        assert all((point.low is not None) == known for point in points)
