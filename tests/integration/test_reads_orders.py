"""Orders as they are and as they were, their steps, how long those took, and which were refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, get_args

import numpy as np
import pytest

from main.database.pool import Database
from main.monitoring.paging import Paged
from main.monitoring.reads import latency, order_events, orders, rejects
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_fill,
    given_instrument,
    given_order_event,
    live,
    past,
)
from tests.given_orders import asked_for, given_change, given_deletion, given_order

SECOND = timedelta(seconds=1)


def ids(found: Paged[Any, Any]) -> list[str]:
    return [item.order_id for item in found.items]


async def test_what_waits_is_shown_with_its_progress_however_old_it_is(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service, "X", tick="0.5", quantity_step=2)
    await given_order(service, "old", MOMENT - 40 * DAY)
    await given_order(service, "half", MOMENT - MINUTE)
    await given_change(service, "half", MOMENT, status="partially_filled", filled_quantity=5, average_fill_price=98)
    await given_order(service, "done", MOMENT - MINUTE)
    await given_change(service, "done", MOMENT, status="cancelled", reason="requote")
    found = await asked(database, orders.READ, live())
    assert ids(found) == ["half", "old"]
    assert found.total == 2
    assert [(count.status, count.orders) for count in found.summary] == [("accepted", 1), ("partially_filled", 1)]
    half = found.items[0]
    assert (half.progress, half.average_fill_price, half.tick, half.quantity_step) == (0.5, 98, Decimal("0.5"), 2)
    assert (half.account, half.label, half.at) == ("A", "Account A", MOMENT)
    assert orders.READ.scalar is not None
    assert orders.READ.scalar(found) == 2


async def test_the_history_is_of_the_orders_placed_in_the_window(service: Database, database: Database) -> None:
    await given_account(service)
    await given_order(service, "open", MOMENT - MINUTE)
    await given_order(service, "ended", MOMENT - HOUR)
    await given_change(service, "ended", MOMENT, status="filled", filled_quantity=10)
    await given_order(service, "before", MOMENT - 2 * DAY, status="filled", filled_quantity=10)
    assert ids(await asked_for(database, orders.READ, live(), state="all")) == ["open", "ended"]
    assert ids(await asked_for(database, orders.READ, live(), state="ended")) == ["ended"]
    assert ids(await asked_for(database, orders.READ, live(window="1W"), state="ended")) == ["ended", "before"]
    assert ids(await asked_for(database, orders.READ, live(window="1W"), state="all", status="accepted")) == ["open"]


async def test_an_empty_account_has_no_orders_and_no_steps(service: Database, database: Database) -> None:
    await given_account(service)
    assert await asked(database, orders.READ, live()) == Paged([], 0, 50, 0, [])
    assert await asked_for(database, orders.READ, live(), state="all") == Paged([], 0, 50, 0, [])


@pytest.mark.parametrize("state", ["ended", "all"])
async def test_placed_orders_are_the_same_now_and_as_of_now_however_they_are_sorted(
    state: str, service: Database, database: Database
) -> None:
    for name in ("A", "B"):
        await given_account(service, name)
        for number in range(7):
            at, order_id = MOMENT - (number // 2) * HOUR, f"o{number}"  # two at a time, ids in both accounts
            given: dict[str, Any] = {
                "symbol": f"S{number % 3}",
                "quantity": 10 + number % 2,
                "strategy": (None, "a", "b")[number % 3],
            }
            await given_order(service, order_id, at, account_id=name, side=("buy", "sell")[number % 2], **given)
            if number % 3:
                await given_change(service, order_id, at, account=name, status="cancelled", filled_quantity=number)
    for sort in get_args(orders.Sort):
        for offset in (0, 3):
            asking = {"state": state, "sort": sort, "limit": 3, "offset": offset}
            now = await asked_for(database, orders.READ, live("A", "B"), **asking)
            assert now == await asked_for(database, orders.READ, past(MOMENT, "A", "B"), **asking)
            assert len(now.items) == 3
    assert await asked(database, order_events.READ, live()) == Paged([], 0, 50, 0, [])
    assert await asked(database, latency.READ, live()) == []
    assert await asked(database, rejects.READ, live()) == []


@pytest.mark.parametrize("state", ["open", "ended", "all"])
@pytest.mark.parametrize("sort", ["placed_at", "at", "symbol", "side", "status", "quantity", "progress", "price"])
async def test_pages_follow_one_order_without_overlap(
    sort: str, state: str, service: Database, database: Database
) -> None:
    random = Random(sort)
    await given_account(service, "A")
    await given_account(service, "B")
    for number in range(30):
        given = {"account_id": random.choice("AB"), "symbol": random.choice("XYZ"), "quantity": random.choice((1, 2))}
        status = "accepted" if state == "open" else random.choice(("filled", "cancelled"))
        given |= {"price": random.choice((99, 100)), "status": status, "side": random.choice(("buy", "sell"))}
        await given_order(service, f"o{number:02d}", MOMENT - random.randrange(20) * MINUTE, **given)
    for direction in ("", "-"):
        pages: list[Any] = []
        for offset in range(0, 40, 8):
            chosen = {"state": state, "sort": direction + sort, "limit": 8, "offset": offset}
            found = await asked_for(database, orders.READ, live("A", "B"), **chosen)
            assert (found.total, found.limit, found.offset) == (30, 8, offset)
            pages += found.items
        assert len({item.order_id for item in pages}) == len(pages) == 30
        values = [getattr(item, sort) for item in pages]
        assert values == sorted(values, reverse=direction == "-")


async def test_orders_are_found_by_symbol_side_strategy_and_account(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    await given_order(service, "one", symbol="BTC-USD", side="buy", strategy="s")
    await given_order(service, "two", symbol="ETH-USD", side="sell", strategy="t")
    await given_order(service, "three", symbol="XRP-BTC", side="sell", account_id="B")
    assert set(ids(await asked_for(database, orders.READ, live("A", "B"), symbol="btc"))) == {"one", "three"}
    assert set(ids(await asked_for(database, orders.READ, live("A", "B"), side="sell"))) == {"two", "three"}
    assert ids(await asked(database, orders.READ, live("A", strategy="t"))) == ["two"]
    assert ids(await asked(database, orders.READ, live("B"))) == ["three"]


async def test_a_past_moment_shows_every_order_in_the_state_it_had_then(service: Database, database: Database) -> None:
    await given_account(service)
    placed, half, done = MOMENT - 3 * HOUR, MOMENT - 2 * HOUR, MOMENT - HOUR
    await given_order(service, "o", placed)
    await given_change(service, "o", half, status="partially_filled", filled_quantity=4)
    await given_change(service, "o", done, status="filled", filled_quantity=10)

    async def seen(at: datetime, state: str, known_at: datetime | None = None) -> list[tuple[str, float]]:
        found = await asked_for(database, orders.READ, past(at, known_at=known_at), state=state)
        assert found.total == len(found.items)
        return [(item.status, item.progress) for item in found.items]

    assert await seen(placed - SECOND, "all") == await seen(placed - SECOND, "open") == []
    assert await seen(placed, "open") == await seen(placed, "all") == [("accepted", 0.0)]
    assert await seen(half, "open") == await seen(half, "all") == [("partially_filled", 0.4)]
    assert await seen(done, "open") == []
    assert await seen(done, "all") == await seen(done, "ended") == [("filled", 1.0)]
    assert await seen(MOMENT, "open", known_at=half) == [("partially_filled", 0.4)]
    assert await seen(MOMENT, "ended", known_at=half) == []


async def test_an_end_that_was_learned_late_was_open_for_who_knew_no_better(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_order(service, "o", MOMENT - 3 * HOUR)
    await given_change(service, "o", MOMENT - 2 * HOUR, status="cancelled", learned=MOMENT - MINUTE)
    assert ids(await asked(database, orders.READ, past(MOMENT - HOUR, known_at=MOMENT - HOUR))) == ["o"]
    assert ids(await asked(database, orders.READ, past(MOMENT - HOUR))) == []


async def test_an_order_whose_row_was_deleted_waited_until_then(service: Database, database: Database) -> None:
    await given_account(service)
    await given_order(service, "o", MOMENT - 3 * HOUR)
    await given_deletion(service, "o", MOMENT - HOUR)
    for state in ("open", "all"):
        assert ids(await asked_for(database, orders.READ, live(), state=state)) == []
        assert ids(await asked_for(database, orders.READ, past(MOMENT - 2 * HOUR), state=state)) == ["o"]
        assert ids(await asked_for(database, orders.READ, past(MOMENT - MINUTE), state=state)) == []


async def test_steps_come_newest_first_and_are_found_by_kind_order_symbol_and_side(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for number, kind in enumerate(("placed", "accepted", "filled")):
        await given_order_event(service, kind, MOMENT - HOUR + number * SECOND, order_id="o", symbol="BTC-USD")
    await given_order_event(service, "placed", MOMENT - MINUTE, order_id="p", side="sell")
    await given_order_event(service, "placed", MOMENT - 2 * DAY, order_id="before")
    found = await asked(database, order_events.READ, live())
    assert [(step.order_id, step.kind) for step in found.items] == [
        ("p", "placed"),
        ("o", "filled"),
        ("o", "accepted"),
        ("o", "placed"),
    ]
    assert [(count.kind, count.events) for count in found.summary] == [("accepted", 1), ("filled", 1), ("placed", 2)]

    async def kinds(**params: Any) -> list[str]:
        matching = await asked_for(database, order_events.READ, live(), **params)
        assert matching.total == sum(count.events for count in matching.summary)
        return [step.kind for step in matching.items]

    assert await kinds(order_id="o", sort="at") == ["placed", "accepted", "filled"]
    assert await kinds(kind="accepted") == ["accepted"]
    assert await kinds(symbol="btc", limit=1) == ["filled"]
    assert await kinds(side="sell") == ["placed"]


async def test_a_corrected_step_shows_as_it_was_known(service: Database, database: Database) -> None:
    await given_account(service)
    key = {"source_id": "s", "order_id": "o"}
    await given_order_event(service, "rejected", MOMENT - HOUR, reason="first", **key)
    await given_order_event(
        service, "rejected", MOMENT - HOUR, reason="second", revision=1, recorded_at=MOMENT - MINUTE, **key
    )
    for read in (order_events.READ, rejects.READ):
        for known_at, reason in ((MOMENT - HOUR, "first"), (MOMENT, "second")):
            found = await asked(database, read, past(MOMENT, known_at=known_at))
            shown = [step.reason for step in found.items] if isinstance(found, Paged) else [part.name for part in found]
            assert shown == [reason]


async def test_rejects_are_counted_by_reason_as_a_share_of_what_was_placed(
    service: Database, database: Database
) -> None:
    await given_account(service)
    reasons = ["too far", "too far", "no margin", None]
    for number in range(8):
        order = {"order_id": f"o{number}", "symbol": "X" if number else "Y"}
        await given_order_event(service, "placed", MOMENT - HOUR, **order)
        if number < len(reasons):
            await given_order_event(
                service, "rejected", MOMENT - (number + 1) * MINUTE, reason=reasons[number], **order
            )
    parts = await asked(database, rejects.READ, live())
    assert [(part.name, part.rejected, part.share.value, part.symbols) for part in parts] == [
        ("too far", 2, 0.25, 2),
        ("no margin", 1, 0.125, 1),
        (None, 1, 0.125, 1),
    ]
    assert (parts[0].first_at, parts[0].last_at) == (MOMENT - 2 * MINUTE, MOMENT - MINUTE)
    assert rejects.READ.scalar is not None
    assert rejects.READ.scalar(parts) == 4
    by_symbol = await asked_for(database, rejects.READ, live(), by="symbol")
    assert [(part.name, part.rejected) for part in by_symbol] == [("X", 3), ("Y", 1)]


async def test_more_rejects_than_orders_placed_have_no_share(service: Database, database: Database) -> None:
    await given_account(service)
    await given_order_event(service, "rejected", MOMENT, reason="no")
    (part,) = await asked(database, rejects.READ, live())
    assert (part.rejected, part.share.value) == (1, None)
    assert part.share.reason


LATENCIES = {"decision_to_ack": (0, 1), "ack_to_fill": (1, 2), "decision_to_fill": (0, 2)}


async def given_lives(service: Database, count: int = 40) -> list[tuple[str, str | None, list[datetime | None]]]:
    """Orders with the moments of their decision, acknowledgement and first fill, and whether that made or took."""
    random, lives = Random(3), []
    for number in range(count):
        order_id, symbol = f"o{number:03d}", random.choice("XY")
        placed = MOMENT - timedelta(seconds=random.randrange(60, 3600))
        accepted = placed + timedelta(milliseconds=random.randrange(1, 900)) if random.random() < 0.8 else None
        filled = placed + timedelta(milliseconds=random.randrange(900, 9000)) if random.random() < 0.6 else None
        kind = random.choice(("maker", "taker")) if filled else None
        for step, at in (("placed", placed), ("accepted", accepted), ("partially_filled", filled)):
            if at is not None:
                await given_order_event(service, step, at, order_id=order_id, symbol=symbol)
        if filled is not None:
            await given_order_event(service, "filled", filled + SECOND, order_id=order_id, symbol=symbol)
            await given_fill(service, "buy", 1, 100, filled, order_id=order_id, symbol=symbol, liquidity=kind)
            other = "maker" if kind == "taker" else "taker"
            await given_fill(service, "buy", 1, 100, filled + SECOND, order_id=order_id, symbol=symbol, liquidity=other)
        lives.append((symbol, kind, [placed, accepted, filled]))
    return lives


@pytest.mark.parametrize("by", ["all", "symbol", "liquidity"])
async def test_latencies_are_the_quantiles_that_numpy_finds(by: str, service: Database, database: Database) -> None:
    await given_account(service)
    lives = await given_lives(service)
    rows = await asked_for(database, latency.READ, live(), by=by)
    expected: dict[tuple[str | None, str], list[float]] = {}
    for symbol, kind, moments in lives:
        name = {"all": None, "symbol": symbol, "liquidity": kind}[by]
        for step, (first, last) in LATENCIES.items():
            begun, done = moments[first], moments[last]
            if begun is not None and done is not None:
                expected.setdefault((name, step), []).append((done - begun).total_seconds())
    assert {(row.name, row.step) for row in rows} == set(expected)
    for row in rows:
        seconds: Sequence[float] = expected[row.name, row.step]
        assert row.orders == len(seconds)
        quantiles = np.quantile(seconds, [0.5, 0.9, 0.95, 0.99])
        assert (row.p50, row.p90, row.p95, row.p99) == pytest.approx(tuple(quantiles))
        assert (row.mean, row.longest) == pytest.approx((np.mean(seconds), max(seconds)))


async def test_an_amended_order_is_one_decision_and_a_busted_fill_made_nothing(
    service: Database, database: Database
) -> None:
    await given_account(service)
    placed = MOMENT - HOUR
    for second, kind in ((0, "placed"), (1, "accepted"), (5, "placed"), (6, "accepted"), (9, "filled")):
        await given_order_event(service, kind, placed + second * SECOND, order_id="o")
    busted = await given_fill(service, "buy", 1, 100, placed + 8 * SECOND, order_id="o", liquidity="taker")
    await given_fill(service, "buy", 0, 100, placed + 8 * SECOND, order_id="o", source_id=busted, revision=1)
    await given_fill(service, "buy", 1, 100, placed + 9 * SECOND, order_id="o", liquidity="maker")
    rows = await asked_for(database, latency.READ, live(), by="liquidity")
    assert [(row.name, row.step, row.orders, row.longest) for row in rows] == [
        ("maker", "decision_to_ack", 1, 1.0),
        ("maker", "ack_to_fill", 1, 8.0),
        ("maker", "decision_to_fill", 1, 9.0),
    ]


async def test_an_order_that_was_placed_before_the_window_has_no_latency_in_it(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_order_event(service, "placed", MOMENT - 25 * HOUR, order_id="o")
    await given_order_event(service, "accepted", MOMENT - HOUR, order_id="o")
    assert await asked(database, latency.READ, live()) == []
    (row,) = await asked(database, latency.READ, live(window="1W"))
    assert (row.step, row.longest) == ("decision_to_ack", 24 * 3600)


async def test_a_page_of_orders_that_is_asked_for_wrongly_is_refused_with_the_choices() -> None:
    for given, message in (
        ({"sort": "colour"}, 'sort: got "colour", expected one of placed_at'),
        ({"state": "closed"}, 'state: got "closed", expected one of open, ended, all'),
        ({"status": "gone"}, 'status: got "gone", expected one of placed, accepted'),
        ({"side": "long"}, 'side: got "long", expected one of buy, sell'),
        ({"limit": 0}, "limit: got 0"),
        ({"symbol": "x" * 201}, "symbol: expected at most 200 characters"),
    ):
        with pytest.raises(ValueError, match=message):
            orders.OrdersPage(**given)
    with pytest.raises(ValueError, match='kind: got "gone"'):
        order_events.OrderEventsPage(kind="gone")


async def test_of_more_orders_than_are_looked_at_the_newest_latencies_count(
    service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "MOST", 1)
    await given_account(service)
    for number, took in enumerate((5 * SECOND, 7 * SECOND)):
        placed = MOMENT - (number + 1) * HOUR
        await given_order_event(service, "placed", placed, order_id=f"o{number}")
        await given_order_event(service, "accepted", placed + took, order_id=f"o{number}")
    (row,) = await asked(database, latency.READ, live())
    assert (row.orders, row.longest) == (1, 5.0)
