from decimal import Decimal
from typing import Any

from main.domain.events import Order
from main.trading.strategies.market_maker import LARGEST_DISTANCE, SHARE_OF_LIMIT, MarketMaker
from main.trading.strategy import Situation, Wishes
from tests.factories import START, book, instrument, tick

D = Decimal
BOOK = book("99.99", "100.01")


def decided(**given: Any) -> Wishes:
    values: dict[str, Any] = {
        "tick": tick(BOOK),
        "held": {},
        "open_orders": (),
        "volatility": {},
        "equity": D(100_000),
        "position_limit": D(10_000),
        "risk_factor": D(1),
    }
    return MarketMaker({"X": instrument()}).decide(Situation(**(values | given)))


def prices(wishes: Wishes) -> dict[str, Decimal]:
    return {each.side: each.price for each in wishes.place if each.price is not None}


def quantities(wishes: Wishes) -> dict[str, Decimal]:
    return {each.side: each.quantity for each in wishes.place}


def resting(side: str, price: Decimal, quantity: Decimal, **given: Any) -> Order:
    values: dict[str, Any] = {"strategy": "market_maker", "order_id": f"{side}-1", "status": "accepted"}
    return Order(
        at=START,
        account="A",
        source="test",
        symbol="X",
        side=side,
        order_type="limit",
        price=price,
        quantity=quantity,
        placed_at=START,
        **(values | given),
    )


def test_flat_it_quotes_both_sides_at_the_same_distance_and_size():
    wishes = decided()
    assert prices(wishes) == {"buy": D("99.96"), "sell": D("100.04")}
    assert quantities(wishes) == {"buy": 100 * SHARE_OF_LIMIT, "sell": 100 * SHARE_OF_LIMIT}
    assert {each.decision_price for each in wishes.place} == {100}


def test_it_stands_further_away_when_prices_jump_further_but_not_without_end():
    assert prices(decided(volatility={"X": 0.001}))["buy"] == D("99.60")
    assert prices(decided(volatility={"X": 0.5}))["sell"] == 100 * (1 + LARGEST_DISTANCE)


def test_what_it_holds_pushes_both_quotes_away_and_takes_size_from_the_side_that_would_add():
    flat, heavy = decided(volatility={"X": 0.001}), decided(volatility={"X": 0.001}, held={"X": D(90)})
    assert prices(heavy)["buy"] < prices(flat)["buy"]
    assert prices(heavy)["sell"] < prices(flat)["sell"]
    assert quantities(heavy) == {"buy": 10, "sell": 20}


def test_at_the_limit_it_only_quotes_the_way_home():
    assert set(prices(decided(held={"X": D(100)}))) == {"sell"}
    assert set(prices(decided(held={"X": D(-120)}))) == {"buy"}


def test_it_never_quotes_through_the_other_side():
    wishes = decided(held={"X": D(100)}, volatility={"X": 0.001})
    assert prices(wishes)["sell"] >= BOOK.best_ask


def test_risk_scales_what_is_opened_not_what_is_brought_home():
    assert quantities(decided(risk_factor=D("0.5"))) == {"buy": 10, "sell": 10}
    assert quantities(decided(risk_factor=D("0.5"), held={"X": D(40)})) == {"buy": 10, "sell": 20}


def test_a_quote_near_enough_keeps_its_turn_and_one_too_far_is_replaced():
    near = (resting("buy", D("99.95"), D(20)), resting("sell", D("100.05"), D(20)))
    assert decided(open_orders=near) == Wishes()
    far = (resting("buy", D("99.80"), D(20)), near[1])
    wishes = decided(open_orders=far)
    assert wishes.cancel == (("buy-1", "requote"),)
    assert set(prices(wishes)) == {"buy"}


def test_a_quote_mostly_filled_is_renewed():
    eaten = (resting("buy", D("99.96"), D(20), filled_quantity=D(15)), resting("sell", D("100.04"), D(20)))
    assert [order_id for order_id, _ in decided(open_orders=eaten).cancel] == ["buy-1"]


def test_a_side_no_longer_wanted_is_taken_back_and_orders_of_others_are_left_alone():
    orders = (resting("buy", D("99.96"), D(20)), resting("buy", D("95.00"), D(5), order_id="theirs", strategy="other"))
    assert decided(held={"X": D(100)}, open_orders=orders).cancel == (("buy-1", "no quote on this side"),)


def test_an_instrument_too_dear_for_one_step_is_left_alone():
    dear = book("99999", "100001")
    assert decided(tick=tick(dear)) == Wishes()
