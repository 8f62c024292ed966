"""Every version of a state that comes in one batch is in its history, just as if they had come one at a time."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from main.database.address import Address
from main.domain.events import DailyStats, Event
from tests.factories import START
from tests.integration.recorder_events import account, balanced, looking, order, position, written

HISTORIES = {
    "positions_history": "account_id, position_id, operation, at, side, quantity, current_price, is_active",
    "orders_history": "account_id, order_id, operation, at, status, filled_quantity",
    "daily_stats_history": "account_id, day, operation, at, limit_hit, trading_blocked, realized_pnl",
}


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """Look at what arrived, as an administrator."""
    async with looking(address) as connection:
        yield connection


async def test_a_thousand_versions_of_one_batch_are_all_in_the_history_in_order(
    address: Address, sql: asyncpg.Connection
):
    versions = [position(1 + number % 7, number, current_price=Decimal(number + 1)) for number in range(1000)]
    recorder = written(address, [account(), *versions])
    assert recorder.statistics.written == 1001
    kept = await sql.fetch("SELECT at, quantity, current_price FROM positions_history ORDER BY changed_at, sequence")
    assert [tuple(row) for row in kept] == [(each.at, each.quantity, each.current_price) for each in versions]
    assert await sql.fetchval("SELECT current_price FROM positions") == 1000


async def test_of_mere_marks_one_a_minute_is_kept_and_the_last_one_stands(address: Address, sql: asyncpg.Connection):
    marks = [position(1, number, current_price=Decimal(number + 1)) for number in range(1000)]
    recorder = written(address, [account(), *marks])
    kept = [row[0] for row in await sql.fetch("SELECT at FROM positions_history ORDER BY changed_at, sequence")]
    assert kept == [START + timedelta(minutes=minute) for minute in range(17)]
    assert await sql.fetchval("SELECT current_price FROM positions") == 1000
    assert recorder.statistics.written == 19  # the account, the minutes, the last mark
    assert balanced(recorder)


async def test_a_position_that_comes_back_to_what_it_was_was_something_else_meanwhile(
    address: Address, sql: asyncpg.Connection
):
    written(address, [account(), position(1, 0)])
    written(address, [position(2, 1), position(1, 2)])
    kept = await sql.fetch("SELECT quantity FROM positions_history ORDER BY changed_at, sequence")
    assert [row[0] for row in kept] == [1, 2, 1]


async def test_versions_of_the_same_moment_are_kept_in_order_and_once_however_often_they_come(
    address: Address, sql: asyncpg.Connection
):
    versions = [order("placed", 1), order("accepted", 1), order("filled", 1)]
    for _ in range(3):
        written(address, [account(), *versions])
    kept = [row[0] for row in await sql.fetch("SELECT status FROM orders_history ORDER BY changed_at")]
    assert kept == ["placed", "accepted", "filled"]
    written(address, [*versions, order("cancelled", 2)])
    kept = [row[0] for row in await sql.fetch("SELECT status FROM orders_history ORDER BY changed_at")]
    assert kept == ["placed", "accepted", "filled", "cancelled"]


def states(chance: random.Random, name: str) -> list[Event]:
    """States of an account in the order of their moments, with repetitions and mere marks."""
    events: list[Event] = []
    seconds = 0.0
    for _ in range(120):
        seconds += chance.choice((1, 2, 7, 61, 1900))
        at = START + timedelta(seconds=seconds)
        kind = chance.randrange(3)
        if kind == 0:
            price = Decimal(chance.randint(1, 5))
            size = chance.randint(0, 2)
            events.append(
                position(size, seconds, account=name, position_id=f"p{chance.randrange(2)}", current_price=price)
            )
        elif kind == 1:
            status = chance.choice(("placed", "accepted", "filled"))
            events.append(order(status, seconds, account=name, order_id=f"o{chance.randrange(2)}"))
        else:
            pnl, hit = Decimal(chance.randint(1, 9)), chance.random() < 0.3
            events.append(DailyStats(at=at, account=name, day=START.date(), realized_pnl=pnl, limit_hit=hit))
    return events


@pytest.mark.parametrize("seed", range(4))
async def test_one_batch_or_many_make_the_same_history(address: Address, sql: asyncpg.Connection, seed: int):
    together, apart = states(random.Random(seed), "A"), states(random.Random(seed), "B")
    written(address, [account(), account("B"), *together])
    for start in range(0, len(apart), 10):
        written(address, apart[start : start + 10])
    for history, columns in HISTORIES.items():
        order_by = "2, changed_at, sequence" if history == "positions_history" else "2, changed_at"
        rows = {
            name: [
                tuple(row)[1:]
                for row in await sql.fetch(
                    f"SELECT {columns} FROM {history} WHERE account_id = $1 ORDER BY {order_by}", name
                )
            ]
            for name in "AB"
        }
        assert rows["A"] == rows["B"], history
        assert len(rows["A"]) > 10
