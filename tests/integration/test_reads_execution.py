"""What execution cost, against a plain fold over the same fills in Python."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from main.analytics.execution import ExecutedOrder, implementation_shortfall, mark_out_bps, slippage_bps, weighted_bps
from main.database.pool import Database
from main.monitoring.reads import liquidity, markouts, shortfall, slippage
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_fill,
    given_instrument,
    given_snapshots,
    insert,
    live,
    past,
)
from tests.given_orders import asked_for, given_change, given_order

SECOND = timedelta(seconds=1)
HORIZONS = {1: 5, 10: 5, 60: 30, 300: 150}
"""Seconds after a fill, and how much later the mid may be."""


@dataclass(frozen=True, slots=True)
class MadeFill:
    account: str
    at: datetime
    symbol: str
    side: str
    strategy: str | None
    liquidity: str | None
    quantity: float
    price: float
    fee: float
    arrival: float | None

    @property
    def sign(self) -> int:
        return 1 if self.side == "buy" else -1


@dataclass(frozen=True, slots=True)
class MadeMid:
    symbol: str
    at: datetime
    mid: float


async def given_many_fills(service: Database, seed: int, count: int = 60) -> list[MadeFill]:
    """Fills of two accounts over the last hours, all kinds of them; some lack what others have."""
    random = Random(seed)
    made = [_any_fill(random) for _ in range(count)]
    for fill in made:
        await given_fill(
            service,
            fill.side,
            Decimal(str(fill.quantity)),
            Decimal(str(fill.price)),
            fill.at,
            account=fill.account,
            symbol=fill.symbol,
            strategy=fill.strategy,
            liquidity=fill.liquidity,
            fee=Decimal(str(fill.fee)),
            arrival_mid=None if fill.arrival is None else Decimal(str(fill.arrival)),
        )
    return made


def _any_fill(random: Random) -> MadeFill:
    price = round(random.uniform(20, 200), 2)
    return MadeFill(
        account=random.choice("AB"),
        at=MOMENT - timedelta(seconds=random.randrange(0, 6 * 3600)),
        symbol=random.choice(("X", "Y", "Z")),
        side=random.choice(("buy", "sell")),
        strategy=random.choice(("quotes", "rotation", None)),
        liquidity=random.choice(("maker", "taker", None)),
        quantity=random.randrange(1, 100),
        price=price,
        fee=round(random.uniform(-0.1, 0.5), 4),
        arrival=None if random.random() < 0.1 else round(price * random.uniform(0.99, 1.01), 2),
    )


async def given_many_mids(service: Database, seed: int, every: timedelta = 7 * SECOND) -> list[MadeMid]:
    """Mids of X and Y all the time, of Z only in the first hours."""
    random = Random(seed)
    made: list[MadeMid] = []
    for symbol, until in (("X", MOMENT), ("Y", MOMENT), ("Z", MOMENT - 3 * HOUR)):
        at = MOMENT - 7 * HOUR
        while at <= until:
            made.append(MadeMid(symbol, at, round(random.uniform(20, 200), 2)))
            at += every * random.choice((0.3, 1, 4))
    rows = [
        {"source": "sim", "symbol": each.symbol, "at": each.at, "recorded_at": each.at, "mid": Decimal(str(each.mid))}
        for each in made
    ]
    await insert(service, "market_snapshots", rows)
    return made


def named(fills: Sequence[MadeFill], by: str) -> dict[tuple[str, str | None], list[MadeFill]]:
    """The fills by currency and name, in plain Python."""
    parts: dict[tuple[str, str | None], list[MadeFill]] = defaultdict(list)
    for fill in fills:
        currency, zone = ("USD", "UTC") if fill.account == "A" else ("EUR", "America/New_York")
        names: dict[str, str | None] = {
            "all": None,
            "symbol": fill.symbol,
            "strategy": fill.strategy,
            "account": fill.account,
            "side": fill.side,
            "liquidity": fill.liquidity,
            "hour": f"{fill.at.astimezone(ZoneInfo(zone)):%H}",
            "size": band(fill.price * fill.quantity),
        }
        parts[currency, names[by]].append(fill)
    return parts


def band(amount: float) -> str:
    edges = [step * 10**power for power in range(9) for step in (1, 2, 5)]
    return str(max((edge for edge in edges if edge <= amount + 1e-9), default=0))


async def given_two_accounts(service: Database) -> None:
    """Of two currencies; their instruments are priced in each account's own, so that no rate is needed."""
    await given_account(service, "A", currency="USD")
    await given_account(service, "B", currency="EUR", zone="America/New_York", source="sim-eur")


EVERYTHING = ("all", "symbol", "strategy", "account", "side", "liquidity", "hour", "size")


@pytest.mark.parametrize("by", EVERYTHING)
async def test_slippage_is_that_of_a_fold_over_the_fills(by: str, service: Database, database: Database) -> None:
    await given_two_accounts(service)
    fills = await given_many_fills(service, seed=5)
    parts = await asked_for(database, slippage.READ, live("A", "B"), by=by)
    expected = named(fills, by)
    assert {(part.currency, part.name) for part in parts} == set(expected)
    for part in parts:
        of_it = expected[part.currency, part.name]
        priced = [fill for fill in of_it if fill.arrival is not None]
        assert (part.fills, part.unpriced) == (len(priced), len(of_it) - len(priced))
        each = [slippage_bps(fill.side, fill.price, fill.arrival).value for fill in priced]
        weights = [fill.arrival * fill.quantity for fill in priced if fill.arrival is not None]
        bps = weighted_bps([value for value in each if value is not None], weights)
        assert part.bps.value == pytest.approx(bps.value)
        if priced:
            assert (part.best_bps, part.worst_bps) == pytest.approx((min(each), max(each)))
            cost = sum(fill.sign * (fill.price - fill.arrival) * fill.quantity for fill in priced if fill.arrival)
            assert float(part.cost) == pytest.approx(cost)


async def test_slippage_is_positive_where_a_buy_is_dearer_and_a_sale_cheaper_than_the_mid(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_fill(service, "buy", 10, "100.5", MOMENT - MINUTE, symbol="X", arrival_mid=100)
    await given_fill(service, "sell", 10, "99.5", MOMENT - MINUTE, symbol="Y", arrival_mid=100)
    await given_fill(service, "sell", 10, "101", MOMENT - MINUTE, symbol="Z", arrival_mid=100)
    parts = await asked(database, slippage.READ, live())
    assert [(part.name, part.bps.value, part.cost) for part in parts] == [("X", 50, 5), ("Y", 50, 5), ("Z", -100, -10)]


async def test_without_fills_there_is_no_figure_of_execution(service: Database, database: Database) -> None:
    await given_account(service)
    for read in (slippage.READ, liquidity.READ, markouts.READ, shortfall.READ):
        assert await asked(database, read, live()) == []
        if read.scalar is not None:
            assert read.scalar([]) is None


async def test_fills_without_an_arrival_mid_are_counted_and_not_taken_for_free(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_fill(service, "buy", 10, 100, MOMENT - MINUTE)
    (part,) = await asked(database, slippage.READ, live())
    assert (part.fills, part.unpriced, part.cost, part.notional) == (0, 1, None, None)
    assert part.bps.value is None
    assert "arrival mid" in part.bps.reason


async def test_a_mid_or_a_decision_price_of_zero_is_none(service: Database, database: Database) -> None:
    await given_account(service)
    at = MOMENT - HOUR
    await given_fill(service, "buy", 10, 100, at, arrival_mid=0)
    await given_fill(service, "buy", 10, 102, at, arrival_mid=100)
    (part,) = await asked(database, slippage.READ, live())
    assert (part.fills, part.unpriced, part.cost) == (1, 1, 20)
    assert (part.bps.value, part.best_bps, part.worst_bps) == (pytest.approx(200),) * 3
    await given_executed(service, "decided at nothing", at, (10, 101), decision_price=0, arrival_mid=100)
    await given_executed(service, "arrived at nothing", at, (10, 101), decision_price=100, arrival_mid=0)
    (order,) = await asked(database, shortfall.READ, live())
    assert (order.orders, order.unpriced, order.delay, order.unsplit) == (1, 1, 0, 10)


async def test_busts_and_corrections_count_as_they_were_known(service: Database, database: Database) -> None:
    await given_account(service)
    at = MOMENT - HOUR
    first = await given_fill(service, "buy", 10, 101, at, arrival_mid=100)
    other = await given_fill(service, "buy", 10, 105, at, arrival_mid=100)
    corrected = {"source_id": first, "revision": 1, "recorded_at": at + 10 * MINUTE}
    await given_fill(service, "buy", 10, 102, at, arrival_mid=100, **corrected)
    await given_fill(service, "buy", 0, 105, at, source_id=other, revision=1, recorded_at=at + 20 * MINUTE)
    costs = {}
    for known in (at, at + 10 * MINUTE, at + 20 * MINUTE):
        (part,) = await asked(database, slippage.READ, past(MOMENT, known_at=known))
        costs[known] = part.cost
    assert list(costs.values()) == [60, 70, 20]
    assert await asked(database, slippage.READ, past(at - MINUTE)) == []


async def test_a_fill_in_another_currency_costs_at_the_rate_of_its_time_and_nothing_without_one(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_instrument(service, "E", currency="EUR")
    await given_instrument(service, "J", currency="JPY")
    rates = [
        {"source": "sim", "base": "EUR", "quote": "USD", "at": at, "recorded_at": at, "rate": Decimal(rate)}
        for at, rate in ((MOMENT - 3 * HOUR, "1.1"), (MOMENT - HOUR, "1.3"))
    ]
    await insert(service, "fx_rates", rates)
    await given_fill(service, "buy", 10, 101, MOMENT - 2 * HOUR, symbol="E", arrival_mid=100, multiplier=5)
    await given_fill(service, "buy", 10, 101, MOMENT - 2 * HOUR, symbol="J", arrival_mid=100)
    costs = {part.name: part for part in await asked(database, slippage.READ, live())}
    assert costs["E"].cost == Decimal("55.0")
    assert (costs["J"].fills, costs["J"].unpriced) == (0, 1)
    (part,) = await asked_for(database, liquidity.READ, live(), by="all")
    assert (part.unknown_notional, part.unpriced) == (Decimal("5555.0"), 1)


async def test_the_scalar_is_the_whole_of_one_currency_and_nothing_of_two(
    service: Database, database: Database
) -> None:
    await given_two_accounts(service)
    await given_many_fills(service, seed=6)
    scalar = slippage.READ.scalar
    assert scalar is not None
    by_symbol = await asked(database, slippage.READ, live("A"))
    (together,) = await asked_for(database, slippage.READ, live("A"), by="all")
    assert scalar(by_symbol) == pytest.approx(together.bps.value)
    assert scalar(await asked(database, slippage.READ, live("A", "B"))) is None


async def test_a_strategy_and_a_window_narrow_what_is_counted(service: Database, database: Database) -> None:
    await given_account(service)
    for at, strategy in ((MOMENT, "s"), (MOMENT - HOUR, "s"), (MOMENT - MINUTE, "t"), (MOMENT - 2 * DAY, "s")):
        await given_fill(service, "buy", 1, 100, at, strategy=strategy, arrival_mid=100)
    (part,) = await asked(database, slippage.READ, live(strategy="s"))
    assert part.fills == 2
    (part,) = await asked(database, slippage.READ, live(window="1h", strategy="s"))  # start < at
    assert part.fills == 1
    (part,) = await asked(database, slippage.READ, live(window="1W"))
    assert part.fills == 4


@pytest.mark.parametrize("by", EVERYTHING[:-3])
async def test_maker_and_taker_are_those_of_a_fold_over_the_fills(
    by: str, service: Database, database: Database
) -> None:
    await given_two_accounts(service)
    expected = named(await given_many_fills(service, seed=7), by)
    parts = await asked_for(database, liquidity.READ, live("A", "B"), by=by)
    assert {(part.currency, part.name) for part in parts} == set(expected)
    for part in parts:
        of_it = expected[part.currency, part.name]
        for kind in ("maker", "taker", "unknown"):
            of_kind = [fill for fill in of_it if (fill.liquidity or "unknown") == kind]
            assert getattr(part, f"{kind}_fills") == len(of_kind)
            notional = sum(fill.price * fill.quantity for fill in of_kind)
            assert float(getattr(part, f"{kind}_notional")) == pytest.approx(notional)
            assert float(getattr(part, f"{kind}_fees")) == pytest.approx(sum(fill.fee for fill in of_kind))
        made, taken = float(part.maker_notional), float(part.taker_notional)
        if made + taken:
            assert part.maker_share.value == pytest.approx(made / (made + taken))
        else:
            assert part.maker_share.reason == "no fill says whether it was maker or taker"
        fees = sum(fill.fee for fill in of_it)
        whole = sum(fill.price * fill.quantity for fill in of_it)
        assert part.fee_bps.value == pytest.approx(fees / whole * 1e4)


@pytest.mark.parametrize("by", ["all", "symbol", "liquidity"])
async def test_markouts_are_those_of_a_fold_over_fills_and_mids(by: str, service: Database, database: Database) -> None:
    await given_account(service)
    mids = await given_many_mids(service, seed=8)
    fills = await given_many_fills_of_one_account(service)
    parts = await asked_for(database, markouts.READ, live(), by=by)
    expected = named(fills, by)
    assert {(part.name, part.horizon_seconds) for part in parts} == {
        (name, horizon) for _, name in expected for horizon in HORIZONS
    }
    for part in parts:
        outcomes = list(marked(expected["USD", part.name], mids, part.horizon_seconds))
        assert part.pending == sum(outcome == "pending" for outcome in outcomes)
        assert part.unpriced == sum(outcome == "unpriced" for outcome in outcomes)
        found = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
        assert (part.fills, part.left_out) == (len(found), 0)
        bps = weighted_bps([value for value, _, _ in found], [weight for _, weight, _ in found])
        assert part.bps.value == pytest.approx(bps.value)
        if found:
            assert part.late_seconds == pytest.approx(sum(late for _, _, late in found) / len(found))


async def given_many_fills_of_one_account(service: Database) -> list[MadeFill]:
    await given_account(service, "B", currency="USD", source="other")  # whose fills nobody asks about
    return [fill for fill in await given_many_fills(service, seed=9, count=80) if fill.account == "A"]


def marked(fills: Sequence[MadeFill], mids: Sequence[MadeMid], horizon: int) -> Iterator[Any]:
    """Of every fill: pending, unpriced, or its mark-out in basis points, its weight, and how late the mid was."""
    for fill in fills:
        due = fill.at + horizon * SECOND
        latest = due + HORIZONS[horizon] * SECOND
        until = min(latest, MOMENT)
        later = sorted((mid.at, mid.mid) for mid in mids if mid.symbol == fill.symbol and due <= mid.at <= until)
        if not later:
            yield "pending" if latest > MOMENT else "unpriced"
        else:
            at, mid = later[0]
            value = mark_out_bps(fill.side, fill.price, mid).value
            yield value, fill.price * fill.quantity, (at - due).total_seconds()


async def test_a_mark_out_never_looks_beyond_the_moment_nor_at_what_was_learned_later(
    service: Database, database: Database
) -> None:
    await given_account(service)
    filled_at = MOMENT - 10 * MINUTE
    await given_fill(service, "buy", 10, 100, filled_at)
    await given_snapshots(service, filled_at + MINUTE, mid=101)
    late = {"mid": 102, "recorded_at": MOMENT - MINUTE}
    await given_snapshots(service, filled_at + 5 * MINUTE, **late)

    async def seen(at: datetime, known_at: datetime | None = None) -> dict[int, tuple[int, int, int, float | None]]:
        parts = await asked(database, markouts.READ, past(at, known_at=known_at))
        return {p.horizon_seconds: (p.fills, p.pending, p.unpriced, p.bps.value) for p in parts}

    assert await seen(MOMENT) == {
        1: (0, 0, 1, None),
        10: (0, 0, 1, None),
        60: (1, 0, 0, pytest.approx(100)),
        300: (1, 0, 0, pytest.approx(200)),
    }
    assert (await seen(filled_at + 59 * SECOND))[60] == (0, 1, 0, None)
    assert (await seen(filled_at + MINUTE))[60] == (1, 0, 0, pytest.approx(100))
    assert (await seen(filled_at + 6 * SECOND - SECOND / 2))[1] == (0, 1, 0, None)  # the next loop may still tell
    assert (await seen(filled_at + 6 * SECOND))[1] == (0, 0, 1, None)
    assert (await seen(MOMENT, filled_at + 6 * MINUTE))[300] == (0, 0, 1, None)


async def test_a_window_that_has_ended_is_marked_with_mids_that_came_after_it(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_fill(service, "sell", 10, 100, MOMENT - HOUR)
    await given_snapshots(service, MOMENT - HOUR + 5 * MINUTE, mid=99)
    window = f"{MOMENT - 2 * HOUR:%Y-%m-%dT%H:%M}..{MOMENT - HOUR + MINUTE:%Y-%m-%dT%H:%M}"
    *_, longest = await asked(database, markouts.READ, live(window=window))
    assert (longest.horizon_seconds, longest.bps.value) == (300, pytest.approx(100))


async def test_a_corrected_mid_counts_once_and_as_corrected(service: Database, database: Database) -> None:
    await given_account(service)
    await given_fill(service, "buy", 10, 100, MOMENT - HOUR)
    for revision, mid in enumerate((90, 110)):
        await given_snapshots(service, MOMENT - HOUR + 10 * SECOND, mid=mid, revision=revision)
    parts = {p.horizon_seconds: p for p in await asked(database, markouts.READ, live())}
    assert (parts[10].fills, parts[10].bps.value) == (1, pytest.approx(1000))


async def test_of_more_fills_than_are_looked_at_the_newest_count_and_the_others_are_told(
    service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markouts, "MOST", 2)
    await given_account(service)
    for minutes, mid in ((30, 101), (20, 102), (10, 103)):
        at = MOMENT - minutes * MINUTE
        await given_fill(service, "buy", 1, 100, at)
        await given_snapshots(service, at + 10 * SECOND, mid=mid)
    parts = {part.horizon_seconds: part for part in await asked(database, markouts.READ, live())}
    assert (parts[10].fills, parts[10].left_out) == (2, 1)
    assert parts[10].bps.value == pytest.approx(250)


async def given_executed(
    service: Database, order_id: str, ended_at: datetime, *fills: tuple[int, object], **given: Any
) -> None:
    """An order that has ended with these fills (quantity and price)."""
    fees = given.pop("fees", [0] * len(fills))
    given = {"quantity": 10, "decision_price": 100, "arrival_mid": 101} | given
    filled = sum(quantity for quantity, _ in fills)
    status = "filled" if filled == given["quantity"] else "cancelled"
    for number, ((quantity, price), fee) in enumerate(zip(fills, fees, strict=True)):
        at = ended_at - (len(fills) - number) * SECOND
        side, symbol = given.get("side", "buy"), given.get("symbol", "X")
        await given_fill(service, side, quantity, price, at, order_id=order_id, symbol=symbol, fee=fee)
    await given_order(service, order_id, ended_at - MINUTE, **given)
    await given_change(service, order_id, ended_at, status=status, filled_quantity=filled)


SHORTFALLS = [
    # side, quantity, fills, decision, arrival, mid at the end, fees
    ("buy", 10, [(10, 102)], 100, 101, None, [1]),
    ("sell", 10, [(4, "99.5"), (6, 99)], 100, 101, None, [0.5, 0.25]),
    ("buy", 10, [(3, 102), (2, "102.5")], 100, 101, 104, [0, 0]),
    ("sell", 10, [(3, 102)], 100, None, 97, [-0.1]),
    ("buy", 10, [(10, 98)], 100, 99, None, [2]),
]


async def test_the_shortfall_is_that_of_each_order_by_itself_added_up(service: Database, database: Database) -> None:
    await given_account(service)
    orders = []
    for number, (side, quantity, fills, decision, arrival, end, fees) in enumerate(SHORTFALLS):
        at = MOMENT - (number + 1) * 20 * MINUTE
        prices = {"decision_price": decision, "arrival_mid": arrival}
        symbol = f"S{number % 2}"
        await given_executed(
            service, f"o{number}", at, *fills, side=side, symbol=symbol, fees=[Decimal(str(f)) for f in fees], **prices
        )
        if end is not None:
            await given_snapshots(service, at - MINUTE, mid=end, symbol=symbol)
            await given_snapshots(service, at + SECOND, mid=end * 2, symbol=symbol)  # too late
        filled = sum(part for part, _ in fills)
        price = sum(part * float(str(paid)) for part, paid in fills) / filled
        order = ExecutedOrder(side, quantity, filled, decision, arrival, price, end, sum(fees))
        orders.append((symbol, implementation_shortfall(order)))
    parts = {part.name: part for part in await asked(database, shortfall.READ, live())}
    assert set(parts) == {"S0", "S1"}
    for symbol, part in parts.items():
        each = [found for name, found in orders if name == symbol]
        assert (part.orders, part.unpriced) == (len(each), 0)
        total = sum(found.total.value for found in each if found.total.value is not None)
        notional = sum(found.notional.value for found in each if found.notional.value is not None)
        assert float(part.total) == pytest.approx(total)
        assert part.bps.value == pytest.approx(total / notional * 1e4)
        assert part.delay + part.impact + part.unsplit + part.opportunity + part.fees == part.total
        for name in ("delay", "impact"):
            known = [getattr(found, name).value for found in each]
            assert float(getattr(part, name)) == pytest.approx(sum(value for value in known if value is not None))
    assert float(parts["S1"].unsplit) == pytest.approx(-6)  # sold at 102 what was decided at 100: no arrival mid


async def test_an_order_without_what_its_shortfall_takes_is_counted_apart(
    service: Database, database: Database
) -> None:
    await given_account(service)
    at = MOMENT - HOUR
    await given_executed(service, "no decision", at, (10, 101), decision_price=None)
    await given_executed(service, "no mid at its end", at, (5, 101))
    await given_order(service, "no fills recorded", at, decision_price=100)
    await given_change(service, "no fills recorded", at + SECOND, status="filled", filled_quantity=10)
    (part,) = await asked(database, shortfall.READ, live())
    assert (part.orders, part.unpriced, part.total) == (0, 3, None)
    assert part.bps.value is None
    assert part.bps.reason


async def test_orders_that_never_had_a_fill_cost_what_was_missed_where_they_are_asked_for(
    service: Database, database: Database
) -> None:
    await given_account(service)
    at = MOMENT - HOUR
    await given_snapshots(service, at - SECOND, mid=103)
    await given_order(service, "missed", at - MINUTE, decision_price=100)
    await given_change(service, "missed", at, status="cancelled")
    assert await asked(database, shortfall.READ, live()) == []
    (part,) = await asked_for(database, shortfall.READ, live(), orders="all")
    assert (part.orders, part.opportunity, part.total) == (1, 30, 30)
    assert part.bps.value == pytest.approx(300)


async def test_the_shortfall_of_a_past_moment_is_of_the_orders_that_had_ended_then(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_executed(service, "early", MOMENT - 3 * HOUR, (10, 101))
    await given_executed(service, "late", MOMENT - HOUR, (10, 103))
    (now,) = await asked(database, shortfall.READ, live())
    (then,) = await asked(database, shortfall.READ, past(MOMENT - 2 * HOUR))
    (known,) = await asked(database, shortfall.READ, past(MOMENT, known_at=MOMENT - 2 * HOUR))
    assert (now.orders, now.total) == (2, 40)
    assert (then.orders, then.total) == (known.orders, known.total) == (1, 10)


async def test_what_is_not_a_way_to_part_executions_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match='by: got "colour", expected one of all, symbol'):
        slippage.FillParts("colour")
    with pytest.raises(ValueError, match='orders: got "some", expected one of executed, all'):
        shortfall.ShortfallParams(orders="some")


async def test_of_more_orders_than_are_looked_at_the_newest_count_and_the_others_are_told(
    service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortfall, "MOST", 2)
    await given_account(service)
    for number, price in enumerate((101, 102, 103)):
        await given_executed(service, f"o{number}", MOMENT - number * HOUR, (10, price))
    (part,) = await asked(database, shortfall.READ, live())
    assert (part.orders, part.left_out, part.unpriced, part.total) == (2, 1, 0, 30)


@pytest.mark.parametrize("by", ["all", "symbol", "strategy", "account", "side", "hour", "size"])
@pytest.mark.parametrize("which", ["executed", "all"])
async def test_orders_beyond_the_newest_are_counted_under_their_names_now_and_of_a_past_moment(
    which: str, by: str, service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("A", "B")
    for name in names:
        await given_account(service, name)
        for number in range(8):
            at = MOMENT - (1 + number // 2) * HOUR  # two end at the same moment
            order_id, side, symbol = f"{name}{number}", "buy" if number % 3 else "sell", f"S{number % 4}"
            given = {"account_id": name, "side": side, "symbol": symbol, "decision_price": 100 * (1 + number % 2)}
            await given_order(service, order_id, at - MINUTE, **given)
            if number != 5:
                await given_fill(service, side, 10, 101, at, order_id=order_id, symbol=symbol, account=name)
            filled = {"status": "cancelled"} if number == 5 else {"status": "filled", "filled_quantity": 10}
            await given_change(service, order_id, at, account=name, **filled)
    # What is open again has not ended, and of an order that ended twice the later end counts.
    await given_change(service, "A7", MOMENT - MINUTE, status="accepted", filled_quantity=0)
    await given_change(service, "B7", MOMENT - MINUTE, status="cancelled", filled_quantity=10)
    for scope in (live(*names), past(MOMENT, *names), past(MOMENT - 2 * HOUR, *names)):
        everything = await asked_for(database, shortfall.READ, scope, by=by, orders=which)
        assert sum(part.left_out for part in everything) == 0
        monkeypatch.setattr(shortfall, "MOST", 5)
        cut = await asked_for(database, shortfall.READ, scope, by=by, orders=which)
        monkeypatch.undo()
        assert {part.name: part.orders + part.unpriced + part.left_out for part in cut} == {
            part.name: part.orders + part.unpriced for part in everything
        }
        assert sum(part.orders + part.unpriced for part in cut) == 5
