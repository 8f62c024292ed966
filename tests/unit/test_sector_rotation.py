"""Ranking by momentum, and the trading that follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.analytics.momentum import DAYS, momentum
from main.domain.events import Account, Fill, Instrument, Order
from main.domain.ledger import Ledger
from main.domain.market import Bar, Tick
from main.trading.broker import OrderRequest
from main.trading.brokers.paper import PaperBroker
from main.trading.daily_closes import KEPT, DailyCloses
from main.trading.engine import Engine
from main.trading.feeds.replay import ReplayFeed
from main.trading.journal import Journal
from main.trading.risk import Limits, RiskRules
from main.trading.strategies.sector_rotation import (
    ATTEMPTS,
    BAND,
    NAME,
    SHARE_OF_LIMIT,
    TOP_SECTORS,
    SectorRotation,
    ranking,
)
from main.trading.strategy import Situation
from tests.factories import book, instrument
from tests.prices import SYMBOLS, daily_bars, write_bars

D = Decimal
FIRST = date(2026, 1, 5)
SECTORS = {"A1": "alpha", "A2": "alpha", "B1": "beta", "C1": "gamma", "D1": "delta"}


def rising(by: object, days: int = DAYS + 1) -> list[Decimal]:
    """Closes that end `by` (a fraction) above their first."""
    return [D(100) + D(100) * D(str(by)) * number / (days - 1) for number in range(days)]


def history(**by: object) -> dict[str, list[Decimal]]:
    return {symbol: rising(each) for symbol, each in by.items()}


def listed(sectors: Mapping[str, str | None] = SECTORS, **traits: Any) -> dict[str, Instrument]:
    return {symbol: instrument(symbol, sector=sector, **traits) for symbol, sector in sectors.items()}


def situation(
    closes: Mapping[str, Sequence[Decimal]],
    held: Mapping[str, object] | None = None,
    *,
    day: date = FIRST,
    price: Mapping[str, object] | None = None,
    **traits: Any,
) -> Situation:
    prices = {symbol: D(str((price or {}).get(symbol, 100))) for symbol in SECTORS}
    books = {symbol: book(mid - 1, mid + 1, symbol=symbol) for symbol, mid in prices.items()}
    values: dict[str, Any] = {
        "tick": Tick(datetime(2026, 1, 5, 12, tzinfo=UTC), books),
        "held": {symbol: D(str(quantity)) for symbol, quantity in (held or {}).items()},
        "open_orders": (),
        "volatility": {},
        "equity": D(100_000),
        "position_limit": D(10_000),
        "risk_factor": D(1),
        "daily_closes": closes,
        "day": day,
    }
    return Situation(**(values | traits))


def orders(strategy: SectorRotation, now: Situation) -> dict[str, Decimal]:
    """What it asks for: signed quantity by symbol."""
    return {each.symbol: each.quantity * (1 if each.side == "buy" else -1) for each in strategy.decide(now).place}


LEADERS = history(A1="0.30", A2="0.10", B1="0.15", C1="0.05", D1="-0.20")  # alpha 0.20, beta 0.15, gamma, delta


def test_momentum_of_real_prices_is_that_of_pandas():
    checked = 0
    for symbol in SYMBOLS:
        series = daily_bars(symbol)["adj_close"]
        expected = series / series.shift(DAYS) - 1
        closes = [D(repr(float(value))) for value in series]
        for end in range(1, len(closes) + 1, 97):
            got = momentum(closes[:end])
            if pd.isna(expected.iloc[end - 1]):
                assert got is None
            else:
                assert float(got) == pytest.approx(expected.iloc[end - 1], rel=1e-12)
                checked += 1
    assert checked > 100


def test_momentum_needs_127_closes_and_is_unknown_with_fewer():
    assert momentum(rising("0.5", DAYS)) is None
    assert momentum(()) is None
    assert momentum(rising("0.5", DAYS + 1)) == D("0.5")
    assert momentum([D(7), *rising("0.5", DAYS + 1)]) == D("0.5")  # only the last 127 count


def test_the_ranking_of_real_prices_is_that_of_pandas():
    sectors = {"AAPL": "hardware", "IBM": "hardware", "GOOG": "internet", "MSFT": "software"}
    table = pd.DataFrame({symbol: daily_bars(symbol).set_index("date")["adj_close"] for symbol in SYMBOLS}).dropna()
    for end in range(DAYS + 1, len(table), 211):
        window = table.iloc[:end]
        moved = window.iloc[-1] / window.iloc[-1 - DAYS] - 1
        expected = moved.groupby(sectors).mean().sort_values(ascending=False)
        closes = {symbol: [D(repr(float(value))) for value in window[symbol]] for symbol in SYMBOLS}
        ranked = ranking(closes, sectors)
        assert [each.sector for each in ranked] == list(expected.index)
        assert [float(each.momentum) for each in ranked] == pytest.approx(list(expected))


@given(
    st.dictionaries(
        st.sampled_from("ABCDEF"),
        st.tuples(st.sampled_from(("x", "y", "z")), st.lists(st.integers(1, 5), min_size=0, max_size=140)),
    )
)
def test_a_ranking_is_sorted_complete_and_the_same_whatever_the_order_of_the_symbols(symbols):
    closes = {symbol: [D(each) for each in values] for symbol, (_, values) in symbols.items()}
    sectors = {symbol: sector for symbol, (sector, _) in symbols.items()}
    ranked = ranking(closes, sectors)
    assert ranked == ranking(dict(reversed(closes.items())), sectors)
    assert ranked == sorted(ranked, key=lambda each: (-each.momentum, each.sector))
    long_enough = {symbol for symbol, each in closes.items() if len(each) > DAYS}
    assert sorted(symbol for each in ranked for symbol in each.symbols) == sorted(long_enough)


def test_of_sectors_that_are_equal_the_first_by_name_is_ranked_first():
    ranked = ranking(history(D1="0.1", C1="0.1", B1="0.1"), SECTORS)
    assert [each.sector for each in ranked] == ["beta", "delta", "gamma"]


def test_a_symbol_whose_history_is_short_is_neither_ranked_nor_held():
    closes = LEADERS | {"A1": rising("9.9", DAYS)}
    assert [each.sector for each in ranking(closes, SECTORS)] == ["beta", "alpha", "gamma", "delta"]
    asked = orders(SectorRotation(listed()), situation(closes, {"A1": 20}))
    assert asked["A1"] == -20
    assert set(asked) == {"A1", "A2", "B1"}


def test_the_symbols_of_the_best_sectors_are_bought_in_equal_weight():
    strategy = SectorRotation(listed(quantity_step=D("0.0001")))
    asked = orders(strategy, situation(LEADERS, price={"A1": 50, "B1": 200}, position_limit=D(1_000_000)))
    assert set(asked) == {"A1", "A2", "B1"}  # of TOP_SECTORS sectors
    assert TOP_SECTORS == 2
    prices = {"A1": 50, "A2": 100, "B1": 200}
    values = [quantity * prices[symbol] for symbol, quantity in asked.items()]
    assert sum(values) == pytest.approx(100_000, abs=D("0.1"))  # all of the equity, no more
    assert sum(values) <= 100_000
    assert values == pytest.approx([D(100_000) / 3] * 3, abs=D("0.05"))


@given(
    st.decimals("0.2", 1, places=2),
    st.integers(1_000, 10**7),
    st.integers(100, 10**6),
    st.sampled_from([D("0.0001"), D("0.1"), D(1), D(10)]),
    st.sampled_from([D(1), D("0.1"), D(50)]),
)
def test_sizes_keep_to_equity_limit_risk_and_steps(risk_factor, equity, limit, step, multiplier):
    strategy = SectorRotation(listed(quantity_step=step, multiplier=multiplier))
    asked = orders(strategy, situation(LEADERS, risk_factor=risk_factor, equity=D(equity), position_limit=D(limit)))
    values = [quantity * 100 * multiplier for quantity in asked.values()]
    assert sum(values) <= equity * risk_factor
    assert all(0 < value <= limit * SHARE_OF_LIMIT * risk_factor for value in values)
    assert all(quantity % step == 0 for quantity in asked.values())


def test_prices_in_another_currency_are_sized_in_the_accounts():
    rates = dict.fromkeys(SECTORS, D("0.5"))
    halved = orders(SectorRotation(listed()), situation(LEADERS, rates=rates))
    usual = orders(SectorRotation(listed()), situation(LEADERS))
    assert halved == {symbol: 2 * quantity for symbol, quantity in usual.items()}


def test_when_nothing_changes_nothing_is_ordered():
    strategy = SectorRotation(listed())
    held = orders(strategy, situation(LEADERS))
    assert held
    for number in range(1, 6):
        assert orders(strategy, situation(LEADERS, held, day=FIRST + timedelta(days=number))) == {}
    wobble = {"A1": 110, "A2": 93, "B1": 104}
    assert orders(strategy, situation(LEADERS, held, day=FIRST + timedelta(days=7), price=wobble)) == {}


def test_within_a_day_prices_and_moods_make_no_orders():
    strategy = SectorRotation(listed())
    held = orders(strategy, situation(LEADERS))
    moved = situation(LEADERS, held, price=dict.fromkeys(SECTORS, 300), risk_factor=D("0.4"), equity=D(50_000))
    assert orders(strategy, moved) == {}


def test_beyond_the_band_weights_are_restored_the_next_day():
    strategy = SectorRotation(listed())
    held = orders(strategy, situation(LEADERS))
    tomorrow = {"day": FIRST + timedelta(days=1)}
    asked = orders(strategy, situation(LEADERS, held, price={"A1": 100 * (1 + 2 * BAND)}, **tomorrow))
    assert set(asked) == {"A1"}
    assert asked["A1"] < 0


def test_a_new_leader_replaces_the_old_one_and_sales_come_before_purchases():
    strategy = SectorRotation(listed())
    held = orders(strategy, situation(LEADERS))
    wishes = strategy.decide(situation(LEADERS | history(D1="0.9"), held, day=FIRST + timedelta(days=1)))
    assert [(each.side, each.symbol) for each in wishes.place] == [("sell", "B1"), ("buy", "D1")]
    assert {each.purpose for each in wishes.place} == {"rotation"}
    assert {each.price for each in wishes.place} == {None}
    assert wishes.reason.startswith("Holding A1, A2, D1; by 126-day momentum: delta +90.0%, alpha +20.0%")


def test_the_choice_is_told_once():
    strategy = SectorRotation(listed())
    told = [strategy.decide(situation(LEADERS, day=FIRST + timedelta(days=each))).reason for each in range(3)]
    assert [bool(each) for each in told] == [True, False, False]


def test_as_long_as_nothing_can_be_ranked_what_is_held_is_kept():
    strategy = SectorRotation(listed())
    short = {symbol: closes[:50] for symbol, closes in LEADERS.items()}
    assert orders(strategy, situation(short, {"D1": 7})) == {}
    assert orders(strategy, situation({}, {"D1": 7}, day=FIRST + timedelta(days=1))) == {}
    assert orders(strategy, situation(LEADERS, {"D1": 7}, day=FIRST + timedelta(days=2)))["D1"] == -7


def test_a_part_that_is_missing_is_ordered_once_the_order_before_has_ended():
    strategy = SectorRotation(listed())
    first = situation(LEADERS)
    wanted = orders(strategy, first)
    waiting = [_waiting(each) for each in SectorRotation(listed()).decide(first).place]
    assert orders(strategy, situation(LEADERS, open_orders=waiting)) == {}
    assert orders(strategy, situation(LEADERS, wanted | {"A1": 30})) == {"A1": wanted["A1"] - 30}


def test_an_order_that_comes_to_nothing_again_and_again_is_given_up_until_the_next_day():
    strategy = SectorRotation(listed())
    asked = [bool(orders(strategy, situation(LEADERS))) for _ in range(ATTEMPTS + 4)]
    assert sum(asked) == ATTEMPTS
    assert orders(strategy, situation(LEADERS, day=FIRST + timedelta(days=1)))


def test_a_symbol_without_a_book_waits_for_one():
    strategy = SectorRotation(listed())
    full = situation(LEADERS)
    books = {symbol: each for symbol, each in full.tick.books.items() if symbol != "A1"}
    assert set(orders(strategy, situation(LEADERS, tick=Tick(full.tick.at, books)))) == {"A2", "B1"}
    assert "A1" in orders(strategy, full)


def _waiting(request: OrderRequest) -> Order:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    return Order(
        at=at,
        account="A",
        source="test",
        order_id=request.symbol,
        symbol=request.symbol,
        side=request.side,
        order_type="market",
        status="accepted",
        quantity=request.quantity,
        placed_at=at,
        strategy=NAME,
    )


def at_noon(day: int, **mids: object) -> Tick:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(days=day)
    return Tick(at, {symbol: book(D(str(mid)) - 1, D(str(mid)) + 1, symbol=symbol) for symbol, mid in mids.items()})


def test_the_close_of_a_day_is_its_last_mid_and_known_once_the_day_is_over():
    closes = DailyCloses()
    closes.see(at_noon(0, X=10))
    closes.see(at_noon(0.3, X=11))
    assert closes.by_symbol == {}
    closes.see(at_noon(1, X=12, Y=50))
    assert closes.by_symbol == {"X": (11,)}
    same = closes.by_symbol
    closes.see(at_noon(1.2, X=13))
    assert closes.by_symbol is same
    closes.see(at_noon(4, X=14))  # days without a price are left out
    assert closes.by_symbol == {"X": (11, 13), "Y": (50,)}
    assert closes.day == date(2026, 1, 9)


def test_days_turn_on_the_clock_of_the_account():
    closes = DailyCloses("America/New_York", timedelta(hours=17))
    before, after = datetime(2026, 1, 5, 21, 59, tzinfo=UTC), datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
    closes.see(Tick(before, {"X": book(9, 11)}))
    closes.see(Tick(after, {"X": book(19, 21)}))
    assert closes.by_symbol == {"X": (10,)}


def bar(day: int, close: object, adjusted: object | None = None, symbol: str = "X") -> Bar:
    price = D(str(close))
    at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=day)
    return Bar(symbol, at, price, price, price, price, None, None if adjusted is None else D(str(adjusted)))


def test_recorded_bars_begin_the_history_adjusted_and_without_the_day_that_goes_on():
    closes = DailyCloses()
    closes.prime([bar(0, 12), bar(-2, 20, adjusted=10), bar(-1, 11)])
    assert closes.by_symbol == {"X": (10, 11, 12)}
    closes.see(at_noon(0, X=13))
    assert closes.by_symbol == {"X": (10, 11)}
    closes.see(at_noon(1, X=14))
    assert closes.by_symbol == {"X": (10, 11, 13)}


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC"])
@pytest.mark.parametrize("opens", [timedelta(0), timedelta(hours=-5), timedelta(hours=5), timedelta(hours=10)])
def test_a_bar_is_of_the_day_that_its_middle_lies_in_whichever_midnight_opens_it(zone: str, opens: timedelta):
    closes = DailyCloses(zone)
    bars = [replace(bar(day, 10 + day), at=bar(day, 1).at + opens) for day in range(5)]
    closes.prime(bars)
    moment = datetime(2026, 1, 8, 3, tzinfo=UTC)
    closes.see(Tick(moment, {"X": book(99, 101)}))
    today = moment.astimezone(ZoneInfo(zone)).date()
    over = [b for b in bars if (b.at + timedelta(hours=12)).astimezone(ZoneInfo(zone)).date() < today]
    assert closes.by_symbol == {"X": tuple(b.close for b in over)}


def test_no_more_days_are_kept_than_anybody_looks_back():
    closes = DailyCloses()
    closes.prime(bar(day, day + KEPT + 51) for day in range(-KEPT - 50, 0))
    for day in range(3):
        closes.see(at_noon(day, X=100))
    assert len(closes.by_symbol["X"]) == KEPT


class Pages:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def record(self, event: Any) -> None:
        self.events.append(event)


async def test_a_replay_of_real_prices_trades_after_127_days_and_holds_what_pandas_ranks_first(tmp_path):
    feed = ReplayFeed(write_bars(tmp_path / "prices", "2010-01-01", "2011-06-30"), paced=False)
    pages = Pages()
    account = Account(
        at=datetime(2010, 1, 1, tzinfo=UTC), account="A", source=feed.source, broker="paper", label="A",
        currency="USD", mode="replay", clock="replay",
    )  # fmt: skip
    engine = Engine(
        feed=feed,
        strategy=SectorRotation({each.symbol: each for each in feed.instruments}),
        broker=PaperBroker("A", feed.source, feed.instruments),
        risk=RiskRules(Limits(position=D(40_000))),
        journal=Journal(account, pages, strategy=NAME),
        ledger=Ledger("A", feed.source, feed.instruments),
    )
    ticks = list(feed.ticks())
    assert len(ticks) > DAYS + 100
    table = pd.DataFrame({symbol: daily_bars(symbol).set_index("date")["adj_close"] for symbol in SYMBOLS})
    table = table[(table.index >= "2010-01-01") & (table.index <= "2011-06-30")]
    moved = table / table.shift(DAYS) - 1
    seen = set()
    for number, tick in enumerate(ticks):
        await engine.cycle(tick)
        held = {position.symbol for position in engine.ledger.positions}
        if number <= DAYS:
            assert held == set()
        else:
            # Prices come in cents: where pandas sees a photo finish, either may be ahead.
            best = moved.iloc[number - 1].sort_values(ascending=False)
            if best.iloc[1] - best.iloc[2] > 0.002:
                assert held == set(best.index[:2]), (tick.at, best)
            seen |= held
    assert engine.last_error is None
    assert len(seen) > 2
    fills = [each for each in pages.events if isinstance(each, Fill)]
    assert {each.side for each in fills} == {"buy", "sell"}
    assert {each.exit_type for each in pages.events if type(each).__name__ == "Trade"} == {"rotation"}
    assert any(getattr(each, "kind", "") == "strategy" for each in pages.events)
