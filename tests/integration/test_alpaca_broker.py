"""The broker alpaca through the real library and real sockets, against a local account."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.clock import now
from main.domain.events import Fill, Order, OrderEvent
from main.domain.ledger import Ledger
from main.domain.market import Tick
from main.errors import BrokerError, BrokerSilent, ConfigurationError
from main.trading.broker import LeftOrder, OrderRequest, Report
from main.trading.brokers import alpaca as broker_module
from main.trading.brokers.alpaca import AlpacaBroker
from main.venues import alpaca as client_module
from main.venues.alpaca import Alpaca
from tests.factories import book, instrument
from tests.venues.alpaca import (
    KEY,
    SECRET,
    AlpacaAccount,
    alpaca,
    done_but_unanswered,
    garbage,
    refuses,
    silence,
)

D = Decimal
BTC = "BTC/USD"
ORDERS = ("POST", "/v2/orders")


@pytest.fixture
async def account(monkeypatch) -> AsyncIterator[AlpacaAccount]:
    monkeypatch.setattr(broker_module, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(client_module, "TIMEOUT_SECONDS", (1.0, 0.3))
    async with alpaca() as served:
        yield served


def broker_of(account: AlpacaAccount) -> AlpacaBroker:
    symbols = (instrument(BTC, multiplier=D(1)), instrument("AAPL"))
    return AlpacaBroker("A", "test", symbols, Alpaca(KEY, SECRET, account.url))


@asynccontextmanager
async def opened(account: AlpacaAccount, *left: LeftOrder, **given: Any) -> AsyncIterator[AlpacaBroker]:
    broker = broker_of(account)
    try:
        await broker.open(left, given.get("since"), given.get("known", lambda fill: False))
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(account: AlpacaAccount) -> AsyncIterator[AlpacaBroker]:
    async with opened(account) as ready:
        yield ready


def market() -> Tick:
    return Tick(now(), {BTC: book(92450, 92451, symbol=BTC), "AAPL": book(symbol="AAPL")})


def wanting(side: str = "buy", quantity: object = "0.5", price: object = 92450, **given: Any) -> OrderRequest:
    limit = None if price is None else D(str(price))
    values: dict[str, Any] = {"symbol": BTC, "decision_price": D("92450.5"), "strategy": "test"} | given
    return OrderRequest(side=side, quantity=D(str(quantity)), price=limit, **values)


def told(reports: Any) -> list[str]:
    """The story of some reports: kinds of events and executions."""
    return [each.kind if isinstance(each, OrderEvent) else "fill" for each in reports if not isinstance(each, Order)]


def last(reports: Any) -> Order:
    return next(each for each in reversed(reports) if isinstance(each, Order))


def placed(account: AlpacaAccount) -> int:
    return account.requests.count("POST /v2/orders")


async def test_an_order_is_accepted_filled_in_parts_and_told_with_the_ids_of_the_venue(account, broker):
    reports: list[Report] = [*await broker.place(wanting(purpose="rotation"), market())]
    assert told(reports) == ["placed", "accepted"]
    assert reports[0].reason == "rotation"
    sent = account.only()
    assert (sent["symbol"], sent["qty"], sent["limit_price"], sent["time_in_force"]) == (BTC, "0.5", "92450", "gtc")
    assert sent["client_order_id"] == last(reports).order_id
    assert told(await broker.advance(market())) == []
    first = account.execute(sent, "0.200000001", "92449.75")
    reports = [*await broker.advance(market())]
    assert told(reports) == ["fill", "partially_filled"]
    assert reports[0] == replace(
        reports[0], source_id=first, quantity=D("0.200000001"), price=D("92449.75"), side="buy", symbol=BTC
    )
    assert broker.purpose(reports[0].order_id) == "rotation"
    assert last(reports).filled_quantity == D("0.200000001")
    account.execute(sent, "0.299999999", "92450")
    reports = [*await broker.advance(market())]
    assert told(reports) == ["fill", "filled"]
    assert (last(reports).status, last(reports).filled_quantity) == ("filled", D("0.5"))
    assert broker.open_orders == ()
    assert told(await broker.advance(market())) == []


async def test_a_share_order_at_the_market_goes_by_the_day_and_keeps_its_digits(account, broker):
    await broker.place(wanting(quantity="12.000000001", price=None, symbol="AAPL"), market())
    sent = account.only()
    assert (sent["type"], sent["time_in_force"], sent["qty"], sent["limit_price"]) == (
        "market",
        "day",
        "12.000000001",
        None,
    )


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, 40310000, "insufficient balance for USD (requested: 46225, available: 12.5)"),
        (422, 42210000, "invalid limit_price 92450.123. sub-penny increment does not fulfill minimum pricing criteria"),
        (429, 42910000, "too many requests."),
    ],
)
async def test_an_order_that_is_refused_is_told_as_rejected_in_the_words_of_the_venue(
    account, broker, status, code, words
):
    account.faults[ORDERS] = refuses(status, code, words)
    reports = await broker.place(wanting(), market())
    assert told(reports) == ["placed", "rejected"]
    assert (last(reports).status, last(reports).reason) == ("rejected", words)
    assert broker.open_orders == ()
    assert placed(account) == 1


async def test_what_the_risk_rules_refuse_never_leaves_the_house(account, broker):
    reports = await broker.place(wanting(), market(), "position limit: too much")
    assert told(reports) == ["placed", "rejected"]
    assert last(reports).reason == "position limit: too much"
    assert placed(account) == 0


@pytest.mark.parametrize("answer", [silence, garbage, refuses(500, 50010000, "internal server error")])
async def test_a_lost_answer_is_resolved_by_our_own_id_and_nothing_is_placed_twice(account, broker, answer):
    account.faults[ORDERS] = done_but_unanswered(account, answer)
    reports = await broker.place(wanting(), market())
    assert told(reports) == ["placed"]
    assert [each.status for each in broker.open_orders] == ["placed"]  # it may fill: nobody orders it again
    account.execute(account.only(), "0.5", "92450")
    reports = await broker.advance(market())
    assert told(reports) == ["accepted", "fill", "filled"]
    assert broker.open_orders == ()
    assert placed(account) == 1


async def test_an_order_that_never_arrived_is_told_as_rejected_once_that_is_sure(account, broker, monkeypatch):
    account.faults[ORDERS] = refuses(503, 50310000, "service unavailable")
    await broker.place(wanting(), market())
    assert told(await broker.advance(market())) == []
    assert len(broker.open_orders) == 1
    monkeypatch.setattr(broker_module, "DOUBT", timedelta(0))
    reports = await broker.advance(market())
    assert told(reports) == ["rejected"]
    assert last(reports).reason == "Alpaca never received it"
    assert broker.open_orders == ()
    assert account.orders == {}


async def test_an_order_in_doubt_is_not_given_up_while_the_venue_does_not_say(account, broker, monkeypatch):
    account.faults[ORDERS] = done_but_unanswered(account, silence)
    await broker.place(wanting(), market())
    monkeypatch.setattr(broker_module, "DOUBT", timedelta(0))
    look_up = ("GET", "/v2/orders:by_client_order_id")
    for fault in (refuses(429, 42910000, "too many requests."), refuses(500, 5, "no"), garbage, silence):
        account.faults[look_up] = fault
        with pytest.raises(BrokerSilent):
            await broker.advance(market())
        assert len(broker.open_orders) == 1
    del account.faults[look_up]
    assert told(await broker.advance(market())) == ["accepted"]


async def test_a_cancellation_is_told_once_the_venue_has_done_it(account, broker):
    await broker.place(wanting(), market())
    order_id = broker.open_orders[0].order_id
    reports = await broker.cancel(order_id, now(), "requote")
    assert told(reports) == ["cancelled"]
    assert last(reports).reason == "requote"
    assert broker.open_orders == ()
    assert await broker.cancel(order_id, now(), "requote") == ()
    assert told(await broker.advance(market())) == []


async def test_what_filled_before_its_cancellation_is_told_as_filled(account, broker):
    await broker.place(wanting(), market())
    account.execute(account.only(), "0.5", "92450")
    assert told(await broker.cancel(broker.open_orders[0].order_id, now(), "requote")) == []
    assert told(await broker.advance(market())) == ["fill", "filled"]


async def test_a_part_that_filled_before_the_cancellation_comes_first(account, broker):
    await broker.place(wanting(), market())
    account.execute(account.only(), "0.2", "92450")
    assert told(await broker.cancel(broker.open_orders[0].order_id, now(), "requote")) == []
    reports = await broker.advance(market())
    assert told(reports) == ["fill", "partially_filled", "cancelled"]
    assert (last(reports).filled_quantity, last(reports).reason) == (D("0.2"), "requote")


async def test_a_cancellation_into_silence_is_carried_out_when_the_venue_speaks_again(account, broker):
    await broker.place(wanting(), market())
    (order,) = broker.open_orders
    path = f"/v2/orders/{account.only()['id']}"
    account.faults["DELETE", path] = silence
    assert told(await broker.cancel(order.order_id, now(), "the bot had an error")) == []
    asked = len(account.requests)
    assert await broker.cancel(order.order_id, now(), "the bot had an error") == ()
    assert len(account.requests) == asked  # it waits for an answer before it asks for more
    del account.faults["DELETE", path]
    await broker.advance(market())
    reports = await broker.advance(market())
    assert told(reports) == ["cancelled"]
    assert last(reports).reason == "the bot had an error"


async def test_a_limit_order_of_a_symbol_without_prices_is_taken_back(account, broker):
    await broker.place(wanting(), market())
    seen = market()
    await broker.advance(seen)
    blind = {"AAPL": seen.books["AAPL"]}
    await broker.advance(Tick(seen.at + timedelta(seconds=29), blind))
    assert account.only()["status"] == "pending_new"
    await broker.advance(Tick(seen.at + timedelta(seconds=31), blind))
    reports = await broker.advance(Tick(seen.at + timedelta(seconds=32), blind))
    assert told(reports) == ["cancelled"]
    assert last(reports).reason == "no price of BTC/USD for 30 s"


async def test_a_filled_order_waits_until_its_executions_show(account, broker):
    await broker.place(wanting(), market())
    account.slow_books = True
    account.execute(account.only(), "0.5", "92450")
    assert told(await broker.advance(market())) == []
    assert len(broker.open_orders) == 1
    account.show()
    assert told(await broker.advance(market())) == ["fill", "filled"]
    assert broker.open_orders == ()


@pytest.mark.parametrize(
    ("status", "kind"), [("expired", "expired"), ("canceled", "cancelled"), ("rejected", "rejected")]
)
async def test_the_venue_may_end_an_order_by_itself(account, broker, status, kind):
    await broker.place(wanting(), market())
    account.end(account.only(), status)
    reports = await broker.advance(market())
    assert told(reports) == [kind]
    assert last(reports).reason == f"Alpaca calls it {status}"


async def test_an_account_that_was_reset_leaves_no_order_open(account, broker):
    await broker.place(wanting(), market())
    account.orders.clear()
    assert told(await broker.advance(market())) == ["cancelled"]


async def test_silence_raises_and_what_was_told_before_it_is_not_lost(account, broker):
    await broker.place(wanting(), market())
    account.execute(account.only(), "0.2", "92450")
    account.faults["GET", "/v2/orders"] = refuses(502, 5, "bad gateway")
    assert told(await broker.advance(market())) == ["fill", "partially_filled"]
    with pytest.raises(BrokerSilent, match="HTTP 502"):
        await broker.advance(market())
    account.faults.clear()
    assert told(await broker.advance(market())) == []


async def test_open_orders_of_the_account_are_adopted_and_their_fills_booked(account, broker):
    old = account.give(BTC, "sell", "2", client="by-hand", age_seconds=3600, type="limit", limit_price="99000")
    account.execute(old, "0.5", "99000", at=now() - timedelta(seconds=3000))
    account.give("DOGE/USD", "buy", "1000")
    reports = await broker.advance(market())
    assert told(reports) == ["accepted"]
    order = last(reports)
    assert (order.order_id, order.side, order.quantity, order.filled_quantity, order.price) == (
        "by-hand",
        "sell",
        2,
        D("0.5"),
        99000,
    )
    account.execute(old, "1.5", "99001")
    reports = await broker.advance(market())
    assert told(reports) == ["fill", "filled"]
    assert reports[0].quantity == D("1.5")


async def test_an_order_placed_and_filled_by_hand_meanwhile_is_booked_too(account, broker):
    await broker.advance(market())
    account.execute(account.give(BTC, "buy", "1", client="by-hand"), "1", "92451")
    reports = await broker.advance(market())
    assert told(reports) == ["accepted", "fill", "filled"]
    assert broker.open_orders == ()


async def test_after_a_restart_the_orders_left_open_go_on_and_no_fill_is_told_again(account):
    ledger = Ledger("A", "test", (instrument(BTC),))
    async with opened(account) as first:
        await first.place(wanting(quantity=1), market())
        await first.place(wanting(quantity=3), market())
        one, other = account.orders.values()
        account.execute(one, "0.25", "92450")
        for report in await first.advance(market()):
            if isinstance(report, Fill):
                ledger.apply(report)
        left = [LeftOrder(order, "signal", 3) for order in first.open_orders]
    since = now()
    account.execute(one, "0.75", "92440")
    account.end(other, "canceled")
    async with opened(account, *left, since=since, known=ledger.knows) as again:
        assert len(again.open_orders) == 2
        reports = await again.advance(market())
    assert sorted(told(reports)) == ["cancelled", "fill", "filled"]
    assert [each.quantity for each in reports if isinstance(each, Fill)] == [D("0.75")]
    assert {each.order_id: each.filled_quantity for each in reports if isinstance(each, Order)} == {
        left[0].order.order_id: 1,
        left[1].order.order_id: 0,
    }


async def test_fills_that_an_earlier_run_could_not_hear_of_are_found_however_late_it_ended(account):
    async with opened(account) as first:
        await first.place(wanting(), market())
        left = LeftOrder(first.open_orders[0], "signal", 2)
    order = account.only()
    long_ago = now() - timedelta(hours=3)
    order["submitted_at"] = order["created_at"] = f"{long_ago.isoformat()}"
    left = replace(left, order=replace(left.order, placed_at=long_ago, at=long_ago))
    account.execute(order, "0.5", "92450", at=now() - timedelta(hours=2))
    async with opened(account, left, since=now()) as again:
        reports = [*await again.advance(market()), *await again.advance(market())]
        assert told(reports) == ["fill", "filled"]
        assert again.open_orders == ()


async def test_more_executions_than_a_page_holds_are_all_read(account, broker):
    await broker.place(wanting(quantity=250), market())
    order = account.only()
    begin = now()
    for number in range(250):
        account.execute(order, "1", "92450", at=begin + timedelta(microseconds=number))
    reports = await broker.advance(market())
    assert told(reports).count("fill") == 250
    assert last(reports).status == "filled"
    assert len({each.source_id for each in reports if isinstance(each, Fill)}) == 250


async def test_the_account_is_not_asked_more_often_than_its_limit_allows(account, broker, monkeypatch):
    monkeypatch.setattr(broker_module, "POLL_SECONDS", 60.0)
    for _ in range(5):
        await broker.advance(market())
    assert account.requests.count("GET /v2/orders") == 1


async def test_keys_that_are_refused_are_named_with_the_fix_and_never_shown(account):
    broker = AlpacaBroker("A", "test", (instrument(BTC),), Alpaca("PKOTHER", "wrong-secret", account.url))
    with pytest.raises(BrokerError, match=r"refuses the keys.*check ALPACA_KEY_ID and ALPACA_SECRET_KEY") as refused:
        await broker.open((), None, lambda fill: False)
    await broker.close()
    assert not isinstance(refused.value, BrokerSilent)
    assert "wrong-secret" not in str(refused.value)


async def test_a_venue_that_is_away_at_the_start_can_be_asked_again(account):
    broker = broker_of(account)
    account.faults["GET", "/v2/account"] = refuses(504, 5, "gateway timeout")
    with pytest.raises(BrokerSilent):
        await broker.open((), None, lambda fill: False)
    account.faults.clear()
    await broker.open((), None, lambda fill: False)
    await broker.close()


def test_missing_keys_are_named():
    with pytest.raises(ConfigurationError, match="set ALPACA_KEY_ID and ALPACA_SECRET_KEY"):
        Alpaca(None, None, "https://paper-api.alpaca.markets")


def test_keys_are_not_sent_in_the_clear_to_another_machine():
    with pytest.raises(ConfigurationError, match="expected https"):
        Alpaca(KEY, SECRET, "http://paper-api.alpaca.markets")


async def test_only_the_live_address_is_live_and_it_is_said_aloud(account, capsys):
    assert not Alpaca(KEY, SECRET, "https://paper-api.alpaca.markets").live
    assert not Alpaca(KEY, SECRET, account.url).live
    assert Alpaca(KEY, SECRET, "https://api.alpaca.markets").live
    venue = Alpaca(KEY, SECRET, account.url)
    venue.live = True
    broker = AlpacaBroker("A", "test", (instrument(BTC),), venue)
    await broker.open((), None, lambda fill: False)
    await broker.close()
    assert "LIVE trading" in capsys.readouterr().out


def test_without_the_library_the_user_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "alpaca.trading.client", None)
    with pytest.raises(ConfigurationError, match=r"pip install --editable '\.\[alpaca\]'"):
        Alpaca(KEY, SECRET, "https://paper-api.alpaca.markets")


async def test_books_kept_from_what_is_told_are_those_of_the_venue(account, broker):
    ledger = Ledger("A", "test", (instrument(BTC),))
    expected = D(0)
    for number in range(30):
        side = "buy" if number % 3 else "sell"
        await broker.place(wanting(side=side, quantity=number + 1), market())
        order = list(account.orders.values())[-1]
        parts = [D(number + 1) / 4] * (4 if number % 2 else 3)
        for part in parts:
            account.execute(order, str(part), "92450")
        expected += sum(parts) * (1 if side == "buy" else -1)
        for report in await broker.advance(market()):
            if isinstance(report, Fill):
                ledger.apply(report)
    assert ledger.quantity(BTC) == expected
