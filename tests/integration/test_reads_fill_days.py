"""What executions add up to is kept by day and month, and is to the last digit what the fills themselves give."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.kept_days import roll_fill_days
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import liquidity, markouts, slippage
from tests.given import DAY, HOUR, MOMENT, given_account, given_fill, given_instrument, insert, live, past
from tests.given_orders import asked_for

EVERYTHING = ("all", "symbol", "strategy", "account", "side", "liquidity", "hour", "size")
ZONES = (("UTC", 0), ("America/New_York", 17), ("Asia/Kolkata", 0))
END = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
_numbers = count(1)


async def answers(database: Database, scope: Scope) -> list[Any]:
    """What both reads say, parted by everything."""
    return [await asked_for(database, slippage.READ, scope, by=by) for by in EVERYTHING] + [
        await asked_for(database, liquidity.READ, scope, by=by) for by in EVERYTHING if by != "liquidity"
    ]


async def computed(service: Database, database: Database, scope: Scope) -> list[Any]:
    """The same from the fills alone: where no account counts as summed up, nothing that is kept is looked at."""
    async with service.scoped() as connection:
        kept = await connection.fetch("DELETE FROM fill_days_progress RETURNING *")
    found = await answers(database, scope)
    await insert(service, "fill_days_progress", [dict(row) for row in kept])
    return found


async def given_executions(service: Database, chance: Random, account: str, times: Sequence[datetime]) -> list[str]:
    return [
        await given_fill(
            service,
            chance.choice(("buy", "sell")),
            chance.randrange(1, 50),
            price := Decimal(chance.randrange(2_000, 20_000)) / 100,
            at,
            account=account,
            symbol=chance.choice(("X", "Y", "Z")),
            strategy=chance.choice(("quotes", "rotation", None)),
            liquidity=chance.choice(("maker", "taker", None)),
            fee=Decimal(chance.randrange(-10, 50)) / 100,
            arrival_mid=chance.choice((price - 1, price + Decimal("0.07"), None)),
        )
        for at in times
    ]


async def given_rates(service: Database, source: str, times: Sequence[datetime], rate: float = 1.1) -> None:
    rows = [
        {"source": source, "base": "EUR", "quote": "USD", "at": at, "rate": Decimal(str(round(rate + n / 100, 4)))}
        for n, at in enumerate(times)
    ]
    await insert(service, "fx_rates", rows)


def times_of(chance: Random, many: int) -> list[datetime]:
    edges = [datetime(2026, 10, 31, 21, 0, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, tzinfo=UTC)]
    return edges + [END - timedelta(seconds=chance.randrange(120 * 86_400)) for _ in range(many)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    zone=st.sampled_from(ZONES),
    strategy=st.sampled_from((None, "quotes")),
    late=st.sampled_from(("nothing", "fills", "a rate", "a currency", "a correction", "a bust", "a zone")),
    again=st.booleans(),
)
async def test_what_is_kept_is_what_the_fills_give_whatever_comes_late_and_whether_it_is_followed_yet(
    service: Database,
    database: Database,
    *,
    seed: int,
    zone: tuple[str, int],
    strategy: str | None,
    late: str,
    again: bool,
) -> None:
    chance, name = Random(seed), f"F{next(_numbers)}"
    await given_account(service, name, zone=zone[0], roll_over=timedelta(hours=zone[1]), source=name)
    await given_instrument(service, "Y", currency="EUR", source=name)
    await given_rates(service, name, [END - 100 * DAY, END - 40 * DAY, END - 3 * DAY])
    ids = await given_executions(service, chance, name, times_of(chance, 40))
    await roll_fill_days(service)

    await _let_come(service, chance, name, late, ids)
    if again:
        await roll_fill_days(service)

    for window in ("All", "1M"):
        scope = live(name, window=window, moment=END, strategy=strategy)
        assert await answers(database, scope) == await computed(service, database, scope)
        scope = replace(scope, as_of=END - 2 * DAY, moment=END - 2 * DAY)
        assert await answers(database, scope) == await computed(service, database, scope)


async def _let_come(service: Database, chance: Random, name: str, what: str, ids: list[str]) -> None:
    if what == "fills":
        await given_executions(service, chance, name, times_of(chance, 5))
    elif what == "a rate":
        await given_rates(service, name, [END - 60 * DAY], rate=1.7)
    elif what == "a currency":
        await given_instrument(service, "X", currency="EUR", source=name)
    elif what == "a zone":
        async with service.scoped() as connection:
            await connection.execute("UPDATE accounts SET zone = 'Asia/Tokyo' WHERE account_id = $1", name)
    elif what in ("a correction", "a bust"):
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO fills (account_id, source, source_id, revision, at, symbol, side, quantity, price)"
                " SELECT account_id, source, source_id, 1, at - interval '30 hours', symbol, side, $3, price"
                " FROM fills WHERE account_id = $1 AND source_id = $2",
                name,
                ids[5],
                0 if what == "a bust" else 7,
            )


@pytest.mark.parametrize("rolled", [True, False])
async def test_markouts_look_at_the_newest_fills_and_count_the_others_under_their_names(
    rolled: bool, service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markouts, "MOST", 7)
    chance, names = Random(12), ("N1", "N2")
    for name in names:
        await given_account(service, name, zone="America/New_York", roll_over=timedelta(hours=17))
        await given_executions(service, chance, name, times_of(chance, 20))
    if rolled:
        await roll_fill_days(service)
    for scope in (live(*names, window="All", moment=END), past(END - 2 * DAY, *names, window="All")):
        for by in EVERYTHING:
            counted = {
                (part.currency, part.name): part.fills + part.unpriced
                for part in await asked_for(database, slippage.READ, scope, by=by)
            }
            parts = await asked_for(database, markouts.READ, scope, by=by)
            for horizon in (1, 10, 60, 300):
                looked_at = {
                    (part.currency, part.name): (part.fills + part.pending + part.unpriced, part.left_out)
                    for part in parts
                    if part.horizon_seconds == horizon
                }
                assert {key: sum(both) for key, both in looked_at.items()} == counted
                assert sum(looked for looked, _ in looked_at.values()) == 7


async def test_a_question_about_months_reads_the_sums_and_only_its_ends_and_changed_days_among_the_fills(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_executions(service, Random(8), "A", [MOMENT - 5 * HOUR * index for index in range(300)])
    await roll_fill_days(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE fill_days SET valued = 0, fills = 10000, maker_fills = 10000, taker_fills = 0")
    scope = live(window="1M")

    def kept(parts: Any) -> int:
        return sum(part.maker_fills for part in parts) // 10_000

    before = kept(await asked_for(database, liquidity.READ, scope, by="all"))
    assert before >= 29
    assert kept(await asked_for(database, liquidity.READ, past(MOMENT, window="1M", known_at=MOMENT), by="all")) == 0
    await given_fill(service, "buy", 1, 100, MOMENT - 9 * DAY)
    assert kept(await asked_for(database, liquidity.READ, scope, by="all")) == before - 1


async def test_accounts_whose_sums_are_up_to_date_cost_the_worker_nothing_and_neither_does_a_rate_of_now(
    service: Database,
) -> None:
    await given_account(service)
    await given_fill(service, "buy", 1, 100, MOMENT - DAY)
    assert [await roll_fill_days(service) > 0 for _ in range(2)] == [True, False]
    await given_rates(service, "sim", [MOMENT])
    assert await roll_fill_days(service) == 0
    await given_rates(service, "sim", [MOMENT - 2 * DAY])
    assert [await roll_fill_days(service) for _ in range(2)] == [1, 0]


async def test_nobody_sees_the_sums_of_another_account(service: Database, database: Database) -> None:
    await given_account(service)
    await given_account(service, "B")
    await given_fill(service, "buy", 1, 100, MOMENT - DAY, account="B")
    await roll_fill_days(service)
    await given_fill(service, "buy", 1, 100, MOMENT - DAY, account="B")
    async with database.scoped(["A"]) as connection:
        for table in ("fill_days", "fill_days_progress", "fill_marks"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE account_id = 'B'") == 0


@pytest.mark.parametrize("by", EVERYTHING)
async def test_two_accounts_of_one_currency_are_put_together(by: str, service: Database, database: Database) -> None:
    for name in ("A", "B"):
        await given_account(service, name)
        await given_executions(service, Random(3), name, times_of(Random(4), 20))
    await roll_fill_days(service)
    one = await asked_for(database, slippage.READ, live("A", window="All", moment=END), by="all")
    both = await asked_for(database, slippage.READ, live("A", "B", window="All", moment=END), by=by)
    assert sum(part.fills for part in both) == 2 * one[0].fills
    assert sum((part.cost for part in both if part.cost is not None), Decimal(0)) == 2 * one[0].cost
