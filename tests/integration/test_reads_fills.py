"""What the page Trading needs of its reads: fills, what an order waits for, a position's leverage, usual spreads."""

from decimal import Decimal

import pytest

from main.database.pool import Database
from main.monitoring.reads import candles, fills, orders, positions, spread_history
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_equity,
    given_fill,
    given_instrument,
    given_position,
    given_snapshots,
    live,
    past,
)
from tests.given_market import asked_with, given_bars
from tests.given_orders import given_order


async def test_fills_of_the_window_come_newest_first_corrected_and_without_busted_ones(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_instrument(service, "X", tick="0.05", quantity_step="0.1")
    await given_fill(service, "buy", 1, 100, MOMENT - 2 * DAY)
    await given_fill(service, "buy", 2, 101, MOMENT - HOUR, liquidity="maker", fee="0.5")
    corrected = await given_fill(service, "sell", 3, 102, MOMENT - MINUTE)
    await given_fill(service, "sell", 3, 103, MOMENT - MINUTE, source_id=corrected, revision=1)
    busted = await given_fill(service, "buy", 9, 1, MOMENT - MINUTE)
    await given_fill(service, "buy", 0, 1, MOMENT - MINUTE, source_id=busted, revision=1)
    await given_fill(service, "buy", 7, 9, MOMENT - 3 * MINUTE, symbol="Y")
    found = await asked_with(database, fills.READ, live(), symbol="X")
    assert [(row.side, row.quantity, row.price) for row in found] == [("sell", 3, 103), ("buy", 2, 101)]
    assert (found[1].liquidity, found[1].fee, found[1].tick) == ("maker", Decimal("0.5"), Decimal("0.05"))
    assert [row.symbol for row in await asked(database, fills.READ, live())] == ["X", "Y", "X"]
    assert [row.price for row in await asked_with(database, fills.READ, live(), limit=1)] == [103]


async def test_fills_of_a_past_moment_are_those_before_it(service: Database, database: Database) -> None:
    await given_account(service)
    await given_fill(service, "buy", 1, 100, MOMENT - 2 * HOUR)
    await given_fill(service, "buy", 2, 101, MOMENT)
    assert [row.quantity for row in await asked(database, fills.READ, past(MOMENT - HOUR))] == [1]


async def test_charted_fills_are_of_the_symbol_that_the_candles_show_however_many_there_are_of_others(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for symbol in ("A", "B", "C"):
        await given_instrument(service, symbol)
    for symbol in ("B", "C"):
        await given_bars(service, [100] * 10, symbol, interval="5m", every=5 * MINUTE, last=MOMENT - HOUR)
    await given_fill(service, "buy", 7, 100, MOMENT - 3 * HOUR, symbol="B")
    for number in range(5):
        await given_fill(service, "sell", 1, 100, MOMENT - number * MINUTE, symbol="A" if number % 2 else "C")
    assert (await asked(database, candles.READ, live())).symbol == "B"
    found = await asked_with(database, fills.READ, live(), charted=True, limit=3)
    assert [(row.symbol, row.quantity) for row in found] == [("B", 7)]
    named = await asked_with(database, fills.READ, live(), charted=True, symbol="C", limit=10)
    assert [row.symbol for row in named] == ["C"] * 3
    assert await asked_with(database, fills.READ, live(), charted=True, symbol="A") == []


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_number_of_fills_that_is_too_large_or_none_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 1000"):
        fills.FillParams(limit=limit)


async def test_a_positions_leverage_is_its_value_over_its_own_accounts_equity(
    service: Database, database: Database
) -> None:
    for account in ("A", "B", "C"):
        await given_account(service, account)
        await given_position(service, "X", "short", quantity=10, current_price=110, account=account)
    await given_equity(service, 3000, 2200)
    await given_equity(service, 0, account="B")
    rows = await asked(database, positions.READ, live("A", "B", "C"))
    assert {row.account: row.leverage for row in rows} == {"A": 0.5, "B": None, "C": None}


async def test_what_an_order_waits_for_is_what_is_not_filled(service: Database, database: Database) -> None:
    await given_account(service)
    await given_order(service, "half", status="partially_filled", quantity=10, filled_quantity=4)
    (order,) = (await asked(database, orders.READ, live())).items
    assert (order.remaining_quantity, order.progress) == (6, 0.4)


async def test_usual_spreads_lie_between_the_first_and_the_last_tenth_of_them(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_instrument(service, "X")
    for number in range(9):
        await given_snapshots(service, MOMENT - number * MINUTE, spread_bps=number)
    few = await asked(database, spread_history.READ, live())
    assert (few.usual_low, few.median, few.usual_high) == (None, None, None)
    for number in range(9, 11):
        await given_snapshots(service, MOMENT - number * MINUTE, spread_bps=number)
    known = await asked(database, spread_history.READ, live())
    assert (known.usual_low, known.median, known.usual_high) == (1, 5, 9)
