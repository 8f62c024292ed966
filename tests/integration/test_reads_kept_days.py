"""What fills and orders add up to is kept by day and month, and is to the last digit what they themselves give."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.kept_days import roll_fill_days, roll_order_days
from main.database.pool import Database
from main.monitoring.reads import markouts, rejects, shortfall, slippage
from tests.given import DAY, HOUR, MOMENT, given_account, given_fill, given_instrument, given_order_event, live, past
from tests.given_kept_days import (
    END,
    FILL_PARTS,
    FILLS,
    ORDER_PARTS,
    ORDERS,
    ZONES,
    Kept,
    given_executions,
    given_orders,
    given_rates,
    times_of,
)
from tests.given_orders import asked_for, given_change, given_order

BOTH = pytest.mark.parametrize("kept", [FILLS, ORDERS], ids=["fills", "orders"])
LETTERS = "".join(map(chr, range(0x4E00, 0x9000)))
"""Which take three bytes each, and cannot be compressed."""
_numbers = count(1)


@BOTH
@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    zone=st.sampled_from(ZONES),
    strategy=st.sampled_from((None, "quotes")),
    chosen=st.integers(0, 6),
    again=st.booleans(),
)
async def test_what_is_kept_is_what_the_facts_give_whatever_comes_late_and_whether_it_is_followed_yet(
    service: Database,
    database: Database,
    kept: Kept,
    *,
    seed: int,
    zone: tuple[str, int],
    strategy: str | None,
    chosen: int,
    again: bool,
) -> None:
    chance, name, late = Random(seed), f"K{next(_numbers)}", kept.late[chosen]
    await given_account(service, name, zone=zone[0], roll_over=timedelta(hours=zone[1]), source=name)
    await given_instrument(service, "Y", currency="EUR", source=name)
    await given_rates(service, name, [END - 100 * DAY, END - 40 * DAY, END - 3 * DAY])
    ids = await kept.facts(service, chance, name, times_of(chance, 20))
    await kept.roll(service)
    if late == "a zone":
        async with service.scoped() as connection:
            await connection.execute("UPDATE accounts SET zone = 'Asia/Tokyo' WHERE account_id = $1", name)
    await kept.come(service, chance, name, late, ids)
    if again:
        await kept.roll(service)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shortfall, "MOST", 7)
        scope = live(name, window="All", moment=END, strategy=strategy)
        assert await kept.answers(database, scope) == await kept.computed(service, database, scope)
        scope = replace(scope, window="1M", as_of=END - 2 * DAY, moment=END - 2 * DAY)
        assert await kept.answers(database, scope) == await kept.computed(service, database, scope)


@BOTH
async def test_a_question_about_months_reads_the_sums_and_only_its_ends_and_changed_days_among_the_facts(
    service: Database, database: Database, kept: Kept
) -> None:
    await given_account(service)
    for index in range(200):
        await kept.one(service, "A", MOMENT - 7 * HOUR * index)
    await kept.roll(service)
    async with service.scoped() as connection:
        await connection.execute(kept.wrong)
    scope = live(window="1M")
    before = await kept.believed(database, scope)
    assert before >= 29
    assert await kept.believed(database, past(MOMENT, window="1M", known_at=MOMENT)) == 0
    await kept.one(service, "A", MOMENT - 9 * DAY)
    assert await kept.believed(database, scope) == before - 1


@BOTH
async def test_accounts_whose_sums_are_up_to_date_cost_the_worker_nothing(service: Database, kept: Kept) -> None:
    await given_account(service)
    await kept.one(service, "A", MOMENT - DAY)
    assert [await kept.roll(service) > 0 for _ in range(2)] == [True, False]


@BOTH
async def test_nobody_sees_the_sums_of_another_account(service: Database, database: Database, kept: Kept) -> None:
    await given_account(service)
    await given_account(service, "B")
    await kept.one(service, "B", MOMENT - DAY)
    await kept.roll(service)
    await kept.one(service, "B", MOMENT - DAY)
    for reader, accounts, seen in ((service, ["A", "B"], True), (database, ["A"], False)):
        async with reader.scoped(accounts) as connection:
            for table in (*kept.tables, "day_marks", "days_progress", "summed_days"):
                rows = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE account_id = 'B'")
                assert (rows > 0) is seen


async def test_a_rate_of_now_changes_no_fill_and_one_of_then_those_after_it(service: Database) -> None:
    await given_account(service)
    await given_fill(service, "buy", 1, 100, MOMENT - DAY)
    await roll_fill_days(service)
    await given_rates(service, "sim", [MOMENT])
    assert await roll_fill_days(service) == 0
    await given_rates(service, "sim", [MOMENT - 2 * DAY])
    assert [await roll_fill_days(service) for _ in range(2)] == [1, 0]


async def test_an_open_order_changes_no_sum_until_it_ends(service: Database) -> None:
    await given_account(service)
    await given_order(service, "open", MOMENT - DAY)
    await roll_order_days(service)
    await given_order_event(service, "accepted", MOMENT - DAY)
    assert await roll_order_days(service) == 0
    await given_change(service, "open", MOMENT, status="cancelled")
    assert [await roll_order_days(service) for _ in range(2)] == [1, 0]


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
        for by in FILL_PARTS:
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


@pytest.mark.parametrize("rolled", [True, False])
async def test_shortfall_looks_at_the_newest_orders_and_counts_the_others_under_their_names(
    rolled: bool, service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, names = Random(12), ("N1", "N2")
    for name in names:
        await given_account(service, name, zone="America/New_York", roll_over=timedelta(hours=17))
        await given_orders(service, chance, name, times_of(chance, 20))
    if rolled:
        await roll_order_days(service)
    for scope in (live(*names, window="All", moment=END), past(END - 2 * DAY, *names, window="All")):
        for by in ORDER_PARTS:
            monkeypatch.setattr(shortfall, "MOST", 1000)
            every = await asked_for(database, shortfall.READ, scope, by=by, orders="all")
            monkeypatch.setattr(shortfall, "MOST", 7)
            parts = await asked_for(database, shortfall.READ, scope, by=by, orders="all")
            counted = {part.name: part.orders + part.unpriced for part in every}
            looked_at = {part.name: (part.orders + part.unpriced, part.left_out) for part in parts}
            assert {name: sum(both) for name, both in looked_at.items()} == counted
            assert sum(looked for looked, _ in looked_at.values()) == 7


@pytest.mark.parametrize("by", FILL_PARTS)
async def test_two_accounts_of_one_currency_are_put_together(by: str, service: Database, database: Database) -> None:
    for name in ("A", "B"):
        await given_account(service, name)
        await given_executions(service, Random(3), name, times_of(Random(4), 20))
    await roll_fill_days(service)
    one = await asked_for(database, slippage.READ, live("A", window="All", moment=END), by="all")
    both = await asked_for(database, slippage.READ, live("A", "B", window="All", moment=END), by=by)
    assert sum(part.fills for part in both) == 2 * one[0].fills
    assert sum((part.cost for part in both if part.cost is not None), Decimal(0)) == 2 * one[0].cost


async def test_a_venue_that_gives_pages_as_a_reason_is_told_of_by_its_beginning_and_stops_no_sum(
    service: Database, database: Database
) -> None:
    chance = Random(7)
    reason, strategy = ("".join(chance.choices(LETTERS, k=20_000)) for _ in range(2))
    await given_account(service)
    about: dict[str, Any] = {"reason": reason, "strategy": strategy}
    for order in ("a", "b"):
        await given_order_event(service, "placed", MOMENT - 9 * DAY, order_id=order, strategy=strategy)
        await given_order_event(service, "rejected", MOMENT - 9 * DAY, order_id=order, **about)
        await given_order(service, order, MOMENT - 9 * DAY, status="rejected", **about)
    assert await roll_order_days(service) > 0
    assert await roll_order_days(service) == 0
    for named in (None, strategy, strategy[:200]):
        scope = live(window="1M", strategy=named)
        assert await ORDERS.answers(database, scope) == await ORDERS.computed(service, database, scope)
        for by, name in (("reason", reason[:200]), ("strategy", strategy[:200])):
            found = await asked_for(database, rejects.READ, scope, by=by)
            assert [(part.name, part.rejected) for part in found] == ([] if named == strategy[:200] else [(name, 2)])


async def test_an_execution_of_a_strategy_with_a_name_of_pages_stops_no_sum(
    service: Database, database: Database
) -> None:
    strategy = "".join(Random(8).choices(LETTERS, k=20_000))
    await given_account(service)
    await given_fill(service, "buy", 1, 100, MOMENT - 9 * DAY, strategy=strategy)
    assert await roll_fill_days(service) > 0
    found = await asked_for(database, slippage.READ, live(window="1M"), by="strategy")
    assert [(part.name, part.fills + part.unpriced) for part in found] == [(strategy, 1)]
