"""What orders add up to is kept by day and month, and is what the orders themselves give."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.kept_days import roll_order_days
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import rejects, shortfall
from tests.given import DAY, HOUR, MOMENT, given_account, given_order_event, insert, live, past
from tests.given_orders import asked_for, given_change, given_deletion, given_order

REASONS = ("reason", "all", "symbol", "strategy", "account", "side", "hour")
PARTS = ("all", "symbol", "strategy", "account", "side", "hour", "size")
ZONES = (("UTC", 0), ("America/New_York", 17), ("Asia/Kolkata", 0))
LATE = ("nothing", "orders", "a correction", "a bust", "a deletion", "an order that ends", "a zone")
LETTERS = "".join(map(chr, range(0x4E00, 0x9000)))
"""Which take three bytes each, and cannot be compressed."""
END = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
_numbers = count(1)


async def answers(database: Database, scope: Scope) -> list[Any]:
    """What both reads say, parted by everything."""
    return [await asked_for(database, rejects.READ, scope, by=by) for by in REASONS] + [
        await asked_for(database, shortfall.READ, scope, by=by, orders=orders)
        for by, orders in zip(PARTS, ("executed", "all") * len(PARTS), strict=False)
    ]


async def computed(service: Database, database: Database, scope: Scope) -> list[Any]:
    """The same from the orders alone: where no account counts as summed up, nothing that is kept is looked at."""
    async with service.scoped() as connection:
        kept = await connection.fetch("DELETE FROM order_days_progress RETURNING *")
    found = await answers(database, scope)
    await insert(service, "order_days_progress", [dict(row) for row in kept])
    return found


async def given_orders(service: Database, chance: Random, account: str, times: Sequence[datetime]) -> list[str]:
    """An order of each time, most of them over, with the steps that it took; return their ids."""
    ids = []
    for at in times:
        order = f"o{next(_numbers)}"
        status = chance.choice(("filled", "cancelled", "rejected", "accepted"))
        about: dict[str, Any] = {
            "symbol": chance.choice(("X", "Y", "Z")),
            "side": chance.choice(("buy", "sell")),
            "strategy": chance.choice(("quotes", "rotation", None)),
        }
        await given_order(
            service,
            order,
            at - HOUR,
            account_id=account,
            at=at,
            status=status,
            filled_quantity=10 if status == "filled" else chance.choice((0, 3)),
            decision_price=chance.choice((99, 450, None)),
            **about,
        )
        await given_order_event(service, "placed", at - HOUR, account, order_id=order, **about)
        if status != "accepted":
            reason = chance.choice(("margin", "stale price", None)) if status == "rejected" else None
            await given_order_event(service, status, at, account, order_id=order, reason=reason, **about)
        ids.append(order)
    return ids


def times_of(chance: Random, many: int) -> list[datetime]:
    edges = [datetime(2026, 10, 31, 21, 0, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, tzinfo=UTC)]
    return edges + [END - timedelta(seconds=chance.randrange(120 * 86_400)) for _ in range(many)]


@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    zone=st.sampled_from(ZONES),
    strategy=st.sampled_from((None, "quotes")),
    late=st.sampled_from(LATE),
    again=st.booleans(),
)
async def test_what_is_kept_is_what_the_orders_give_whatever_comes_late_and_whether_it_is_followed_yet(
    service: Database,
    database: Database,
    *,
    seed: int,
    zone: tuple[str, int],
    strategy: str | None,
    late: str,
    again: bool,
) -> None:
    chance, name = Random(seed), f"O{next(_numbers)}"
    await given_account(service, name, zone=zone[0], roll_over=timedelta(hours=zone[1]), source=name)
    ids = await given_orders(service, chance, name, times_of(chance, 20))
    await roll_order_days(service)

    await _let_come(service, chance, name, late, ids)
    if again:
        await roll_order_days(service)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shortfall, "MOST", 7)
        scope = live(name, window="All", moment=END, strategy=strategy)
        assert await answers(database, scope) == await computed(service, database, scope)
        scope = replace(scope, window="1M", as_of=END - 2 * DAY, moment=END - 2 * DAY)
        assert await answers(database, scope) == await computed(service, database, scope)


async def _let_come(service: Database, chance: Random, name: str, what: str, ids: list[str]) -> None:
    if what == "orders":
        await given_orders(service, chance, name, times_of(chance, 5))
    elif what == "a deletion":
        await given_deletion(service, ids[3], END, name)
    elif what == "an order that ends":
        await given_change(service, ids[4], END - 20 * DAY, account=name, status="expired", filled_quantity=1)
    elif what == "a zone":
        async with service.scoped() as connection:
            await connection.execute("UPDATE accounts SET zone = 'Asia/Tokyo' WHERE account_id = $1", name)
    elif what in ("a correction", "a bust"):
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO order_events"
                " (account_id, source, source_id, revision, at, order_id, kind, symbol, side, quantity)"
                " SELECT account_id, source, source_id, 1, at - interval '30 hours', order_id,"
                " CASE WHEN $3 THEN 'accepted' ELSE kind END, symbol, side, quantity"
                " FROM order_events WHERE account_id = $1 AND order_id = $2",
                name,
                ids[5],
                what == "a bust",
            )


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
        for by in PARTS:
            monkeypatch.setattr(shortfall, "MOST", 1000)
            every = await asked_for(database, shortfall.READ, scope, by=by, orders="all")
            monkeypatch.setattr(shortfall, "MOST", 7)
            parts = await asked_for(database, shortfall.READ, scope, by=by, orders="all")
            counted = {part.name: part.orders + part.unpriced for part in every}
            looked_at = {part.name: (part.orders + part.unpriced, part.left_out) for part in parts}
            assert {name: sum(both) for name, both in looked_at.items()} == counted
            assert sum(looked for looked, _ in looked_at.values()) == 7


async def test_a_question_about_months_reads_the_sums_and_only_its_ends_and_changed_days_among_the_orders(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for index in range(300):
        await given_order_event(service, "rejected", MOMENT - 5 * HOUR * index)
    await roll_order_days(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE order_days SET rejected = 10000")
    scope = live(window="1M")

    def kept(parts: list[rejects.Rejects]) -> int:
        return sum(part.rejected for part in parts) // 10_000

    before = kept(await asked_for(database, rejects.READ, scope))
    assert before >= 29
    assert kept(await asked_for(database, rejects.READ, past(MOMENT, window="1M", known_at=MOMENT))) == 0
    await given_order_event(service, "rejected", MOMENT - 9 * DAY)
    assert kept(await asked_for(database, rejects.READ, scope)) == before - 1


async def test_accounts_whose_sums_are_up_to_date_cost_the_worker_nothing_and_neither_does_an_open_order(
    service: Database,
) -> None:
    await given_account(service)
    await given_order_event(service, "rejected", MOMENT - DAY)
    assert [await roll_order_days(service) > 0 for _ in range(2)] == [True, False]
    await given_order(service, "open", MOMENT - DAY)
    await given_order_event(service, "accepted", MOMENT - DAY)
    assert await roll_order_days(service) == 0
    await given_change(service, "open", MOMENT, status="cancelled")
    assert [await roll_order_days(service) for _ in range(2)] == [1, 0]


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
        assert await answers(database, scope) == await computed(service, database, scope)
        for by, name in (("reason", reason[:200]), ("strategy", strategy[:200])):
            found = await asked_for(database, rejects.READ, scope, by=by)
            assert [(part.name, part.rejected) for part in found] == ([] if named == strategy[:200] else [(name, 2)])


async def test_nobody_sees_the_sums_of_another_account(service: Database, database: Database) -> None:
    await given_account(service)
    await given_account(service, "B")
    await given_order_event(service, "rejected", MOMENT - DAY, "B")
    await roll_order_days(service)
    await given_order_event(service, "rejected", MOMENT - DAY, "B")
    async with database.scoped(["A"]) as connection:
        for table in ("order_days", "order_days_progress", "order_marks"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE account_id = 'B'") == 0
