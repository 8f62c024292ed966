from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from main.domain.events import Fill, Order, OrderEvent
from main.trading.broker import LeftOrder, OrderRequest
from main.trading.brokers.paper import PaperBroker
from tests.factories import book, instrument, tick

D = Decimal


def broker(seed: int = 1) -> PaperBroker:
    return PaperBroker("A", "test", [instrument(quantity_step=D("0.1"))], seed)


def request(side: str = "buy", quantity: object = 10, price: object = None, **given: Any) -> OrderRequest:
    return OrderRequest(
        symbol="X",
        side=side,
        quantity=D(str(quantity)),
        price=None if price is None else D(str(price)),
        decision_price=D(100),
        strategy="test",
        **given,
    )


def kinds(reports: Any) -> list[str]:
    return [each.kind for each in reports if isinstance(each, OrderEvent)]


def fills(reports: Any) -> list[tuple[Decimal, Decimal]]:
    return [(each.quantity, each.price) for each in reports if isinstance(each, Fill)]


def state(reports: Any) -> Order:
    return [each for each in reports if isinstance(each, Order)][-1]


async def test_a_limit_order_rests_with_its_decision_price_and_arrival_mid():
    house = broker()
    reports = await house.place(request(price="99.99"), tick(book()))
    assert kinds(reports) == ["placed", "accepted"]
    assert (state(reports).status, state(reports).decision_price, state(reports).arrival_mid) == ("accepted", 100, 100)
    assert len(house.open_orders) == 1


async def test_it_fills_at_its_price_when_the_market_trades_through():
    house = broker()
    await house.place(request(price="99.99"), tick(book()))
    reports = await house.advance(tick(book("99.95", "99.97", low="99.95", volume=500), at=1))
    assert fills(reports) == [(10, D("99.99"))]
    assert kinds(reports) == ["filled"]
    assert house.open_orders == ()


async def test_it_does_not_fill_while_the_market_stays_away():
    house = broker()
    await house.place(request(price="99.90"), tick(book()))
    assert await house.advance(tick(book(low="99.95", volume=500), at=1)) == []


async def test_a_symbol_without_a_book_at_this_tick_waits():
    house = broker()
    await house.place(request(price="99.90"), tick(book()))
    assert await house.advance(tick(book(symbol="Y"), at=1)) == []


async def test_the_volume_that_traded_bounds_a_fill():
    house = broker()
    await house.place(request(price="99.99"), tick(book()))
    reports = await house.advance(tick(book("99.90", "99.92", low="99.90", volume="4.17"), at=1))
    assert fills(reports) == [(D("4.1"), D("99.99"))]  # a multiple of the step
    assert kinds(reports) == ["partially_filled"]
    reports = await house.advance(tick(book("99.90", "99.92", low="99.90", volume=100), at=2))
    assert fills(reports) == [(D("5.9"), D("99.99"))]
    assert (state(reports).filled_quantity, state(reports).average_fill_price) == (10, D("99.99"))


async def test_at_the_touch_the_queue_ahead_goes_first():
    house = broker()
    await house.place(request(price="99.99"), tick(book(size=1000)))  # a thousand wait before us
    touched = [fills(await house.advance(tick(book(low="99.99", volume=300), at=n))) for n in range(1, 4)]
    assert touched == [[], [], []]
    served = [fills(await house.advance(tick(book(low="99.99", volume=300), at=n))) for n in range(4, 40)]
    assert {price for each in served for _, price in each} == {D("99.99")}


async def test_the_queue_is_deterministic_by_seed():
    async def served(seed: int) -> list[int]:
        house = broker(seed)
        await house.place(request(price="99.99"), tick(book(size=1000)))
        return [n for n in range(1, 60) if fills(await house.advance(tick(book(low="99.99", volume=100), at=n)))]

    assert await served(1) == await served(1)
    assert len({tuple(await served(seed)) for seed in range(8)}) > 1


async def test_a_market_order_walks_the_book_and_pays_the_takers_fee_for_each_level():
    from main.domain.market import Book

    deep = Book("X", (D("99.99"),), (D(100),), (D("100.01"), D("100.05")), (D(4), D(100)))
    reports = await broker().place(request(quantity=10), tick(deep))
    assert fills(reports) == [(4, D("100.01")), (6, D("100.05"))]
    assert kinds(reports) == ["placed", "accepted", "partially_filled", "filled"]
    assert state(reports).average_fill_price == D("100.034")
    assert [f.fee for f in reports if isinstance(f, Fill)] == [D("0.160016"), D("0.24012")]
    assert {f.liquidity for f in reports if isinstance(f, Fill)} == {"taker"}


async def test_what_a_market_order_does_not_find_expires():
    house = broker()
    reports = await house.place(request("sell", quantity=150), tick(book(size=100)))
    assert fills(reports) == [(100, D("99.99"))]
    assert (state(reports).status, state(reports).filled_quantity) == ("expired", 100)
    assert house.open_orders == ()


async def test_a_limit_that_crosses_takes_what_it_reaches_and_rests_with_the_remainder():
    house = broker()
    reports = await house.place(request(quantity=150, price="100.01"), tick(book(size=100)))
    assert fills(reports) == [(100, D("100.01"))]
    assert (state(reports).status, house.open_orders[0].filled_quantity) == ("partially_filled", 100)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (request(quantity="0.15"), "no multiple of the step 0.1"),
        (request(price="99.995"), "no multiple of the tick 0.01"),
        (request(price="80.00"), "more than 10% from the mid"),
        (request(price="-1"), "no multiple of the tick"),
    ],
)
async def test_a_refused_order_says_why(wanted, reason):
    house = broker()
    reports = await house.place(wanted, tick(book()))
    assert kinds(reports) == ["placed", "rejected"]
    assert reason in (state(reports).reason or "")
    assert house.open_orders == ()


async def test_what_the_risk_rules_refuse_is_told_as_rejected():
    reports = await broker().place(request(), tick(book()), "position limit: too much")
    assert kinds(reports) == ["placed", "rejected"]
    assert state(reports).reason == "position limit: too much"


async def test_a_cancelled_order_is_gone_and_cancelling_it_again_tells_nothing():
    house = broker()
    placed = await house.place(request(price="99.99"), tick(book()))
    order_id = state(placed).order_id
    reports = await house.cancel(order_id, tick().at, "requote")
    assert (kinds(reports), state(reports).reason) == (["cancelled"], "requote")
    assert await house.cancel(order_id, tick().at, "requote") == ()


async def test_a_purpose_stays_with_the_order_until_it_has_filled():
    house = broker()
    reports = await house.place(request(quantity=1, purpose="auto_loss_limit"), tick(book()))
    assert house.purpose(state(reports).order_id) == "auto_loss_limit"


async def test_ids_sort_in_the_order_things_happened_and_repeat_in_a_repetition():
    async def ids() -> list[str]:
        house, found = broker(), []
        for second in range(5):
            for _ in range(3):
                reports = await house.place(request(quantity=150), tick(book(size=100), at=second))
                found += [each.source_id for each in reports if isinstance(each, Fill)]
        return found

    first = await ids()
    assert first == sorted(set(first))
    assert first == await ids()


async def test_what_an_order_is_for_stands_in_its_first_event():
    house = broker()
    reports = await house.place(request(price="99.99", purpose="rotation"), tick(book()))
    assert [each.reason for each in reports if isinstance(each, OrderEvent)] == ["rotation", None]


async def test_fees_are_charged_in_the_currency_of_the_account():
    house = PaperBroker("A", "test", [instrument()], currency="EUR")
    dollars = replace(tick(book()), rates={("USD", "EUR"): D("0.9")})
    (fill,) = [each for each in await house.place(request(), dollars) if isinstance(each, Fill)]
    assert fill.fee == (10 * D("100.01") * D("0.9") * D("0.0004")).quantize(D("1e-8"))


async def test_an_order_keeps_its_turn_over_a_restart():
    first, second = broker(), broker()
    placed = tick(book("99.99", "100.01", 100))
    touched = [tick(book("99.99", "100.01", low="99.99", volume=30), at=at) for at in (1, 2, 3, 4, 5, 6, 7, 8, 9)]
    await first.place(request(price="99.99"), placed)
    whole = [fills(await first.advance(each)) for each in touched]
    assert any(whole[4:])
    assert not any(whole[:3])

    again = broker()
    await again.place(request(price="99.99"), placed)
    second.resume([LeftOrder(order, "signal", 2) for order in again.open_orders])
    for each in (placed, *touched[:3]):
        second.relive(each)
    assert [fills(await second.advance(each)) for each in touched[3:]] == whole[3:]
