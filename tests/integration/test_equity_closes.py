"""Growth over years is read from the kept closes of days, and is to the last digit what the observations give."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import drawdowns, equity, monthly_returns, performance, turnover
from tests.given import DAY, HOUR, MINUTE, asked, fact, given_account, given_equity, insert, live, past, rolled_up
from tests.integration.test_reads_equity_agree import EDGES, END, given_books

LATE = ("nothing", "an observation", "a correction", "one at the end of a day", "a zone", "older ones")
KEPT = "SELECT account_id, at, since, observed_at, equity FROM equity_closes ORDER BY account_id, at"


async def answers(database: Database, scope: Scope) -> list[Any]:
    reads = (equity, performance, drawdowns, monthly_returns, turnover)
    return [await asked(database, module.READ, scope) for module in reads]


async def observed(service: Database, database: Database, scope: Scope) -> list[Any]:
    """The same from the observations alone: where the job did not run lately, nothing that it keeps is looked at."""
    looked = "UPDATE rollup_progress SET looked_at = $1 WHERE fact = 'equity' RETURNING looked_at"
    async with service.scoped() as connection:
        at = await connection.fetchval("SELECT looked_at FROM rollup_progress WHERE fact = 'equity'")
        await connection.execute(looked, at - HOUR)
    found = await answers(database, scope)
    async with service.scoped() as connection:
        await connection.execute(looked, at)
    return found


async def let_come(service: Database, chance: Random, name: str, what: str) -> None:
    if what == "a zone":
        async with service.scoped() as connection:
            await connection.execute("UPDATE accounts SET zone = 'Asia/Tokyo' WHERE account_id = $1", name)
        return
    at = chance.choice(EDGES)
    if what == "an observation":
        at -= chance.randrange(1, 20 * 60) * MINUTE
    elif what == "older ones":
        at -= 40 * DAY
    row = fact(name, at) | {"equity": chance.randrange(500, 1500)}
    if what == "a correction":
        async with service.scoped() as connection:
            own = "SELECT source, source_id, at FROM trading_pnl WHERE account_id = $1 ORDER BY source_id LIMIT 1"
            row |= dict((await connection.fetch(own, name))[0]) | {"revision": 1}
    await insert(service, "trading_pnl", [row | {"recorded_at": END + HOUR}])


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("seed", [1, 2])
async def test_kept_closes_change_no_answer_whatever_comes_late_and_whether_it_is_followed_yet(
    service: Database, database: Database, seed: int, late: str
) -> None:
    chance = Random(seed)
    names = await given_books(service, chance)
    await rolled_up(service, until=END + MINUTE)
    assert await service_rows(service)
    for until in (None, END + 2 * HOUR):
        if until is None:
            await let_come(service, chance, names[0], late)
        else:
            await rolled_up(service, until=until)
        for window in ("1M", "All"):
            scope = live(*names, window=window, moment=END)
            assert await answers(database, scope) == await observed(service, database, scope)


async def service_rows(service: Database) -> list[Any]:
    async with service.scoped() as connection:
        return [tuple(row) for row in await connection.fetch(KEPT)]


async def test_what_is_kept_follows_corrections_and_begins_anew_with_another_zone(service: Database) -> None:
    await given_account(service)
    times = await given_equity(service, *range(100, 130), ending=END, every=DAY)
    await rolled_up(service, until=END + MINUTE)
    kept = await service_rows(service)
    midnight = END.replace(hour=0)
    assert [row[1] for row in kept] == [midnight - step * DAY for step in reversed(range(29))]
    assert [(row[3], row[4]) for row in kept] == list(zip(times[:-1], range(100, 129), strict=True))
    await insert(service, "trading_pnl", [fact("A", times[4] + MINUTE) | {"equity": 7, "recorded_at": END + HOUR}])
    await rolled_up(service, until=END + 2 * HOUR)
    assert [row[4] for row in await service_rows(service)][4] == 7
    async with service.scoped() as connection:
        await connection.execute("UPDATE accounts SET zone = 'Asia/Tokyo'")
    await rolled_up(service, until=END + 3 * HOUR)
    assert {row[1].hour for row in await service_rows(service)} == {15}


async def test_older_closes_that_were_not_all_kept_when_the_worker_was_killed_are_kept_by_the_next(
    service: Database,
) -> None:
    await given_account(service)
    await given_equity(service, *range(100, 105), ending=END, every=DAY)
    await rolled_up(service, until=END + MINUTE)
    older = fact("A", END - 30 * DAY) | {"equity": 7, "recorded_at": END + HOUR}
    await insert(service, "trading_pnl", [older])
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT keep_closes('A', 10, $1)", END + 2 * HOUR) == 10
    await rolled_up(service, until=END + 2 * HOUR)
    midnight = END.replace(hour=0)
    assert [row[1] for row in await service_rows(service)] == [midnight - step * DAY for step in reversed(range(30))]


async def test_a_question_about_months_takes_the_closes_but_not_for_what_was_known_then(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, *range(100, 130), ending=END, every=DAY)
    await rolled_up(service, until=END + MINUTE)
    async with service.scoped() as connection:
        await connection.execute("UPDATE equity_closes SET equity = 5")

    async def fives(scope: Scope) -> int:
        return sum(point.equity == 5 for point in await asked(database, equity.READ, scope))

    before = await fives(live(window="All", moment=END))
    assert before >= 27
    assert await fives(past(END, window="All", known_at=END)) == 0
    late = fact("A", datetime(2026, 10, 20, 9, tzinfo=END.tzinfo)) | {"equity": 9, "recorded_at": END + HOUR}
    await insert(service, "trading_pnl", [late])
    assert await fives(live(window="All", moment=END + timedelta(hours=2))) == before - 1


async def test_nobody_sees_the_closes_of_another_account(service: Database, database: Database) -> None:
    await given_account(service, "B")
    await given_equity(service, *range(100, 110), ending=END, every=DAY, account="B")
    await rolled_up(service, until=END + MINUTE)
    assert await service_rows(service)
    async with database.scoped(["A"]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM equity_closes") == 0
