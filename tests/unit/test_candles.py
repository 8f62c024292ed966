from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from main.domain.events import Candle
from main.domain.market import Book, Tick
from main.trading.candles import INTERVALS, CandleBuilder

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def tick(at: datetime, mid: str | int, low: str | None = None, high: str | None = None, volume: int | None = 1) -> Tick:
    book = Book(
        "A",
        (Decimal(mid) - 1,),
        (Decimal(1),),
        (Decimal(mid) + 1,),
        (Decimal(1),),
        low=Decimal(low) if low else None,
        high=Decimal(high) if high else None,
        volume=None if volume is None else Decimal(volume),
    )
    return Tick(at, {"A": book})


def bars(ticks: Iterable[Tick], *intervals: str) -> list[Candle]:
    builder = CandleBuilder("sim", intervals)
    return [candle for each in ticks for candle in builder.see(each)]


def test_a_bar_holds_what_happened_after_its_beginning_up_to_its_end_and_comes_with_its_last_tick():
    prices = (100, 103, 99, 101, 102, 104, 90)
    builder = CandleBuilder("sim", ("5m",))
    seen = [builder.see(tick(TEN + number * MINUTE, price)) for number, price in enumerate(prices)]
    assert [len(each) for each in seen] == [0, 0, 0, 0, 0, 1, 0]
    bar = seen[5][0]
    assert (bar.at, bar.symbol, bar.interval, bar.source) == (TEN, "A", "5m", "sim")
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (100, 104, 99, 104, 5)


def test_a_bar_whose_last_moment_brought_no_tick_closes_with_the_next_one():
    moments = [TEN, TEN + 4 * MINUTE, TEN + 5.5 * MINUTE]
    late = bars((tick(at, 100 + number) for number, at in enumerate(moments)), "5m")
    assert [(bar.at, bar.open, bar.close) for bar in late] == [(TEN, 100, 101)]


def test_the_range_takes_in_what_traded_between_the_ticks():
    bar = bars([tick(TEN, 100), tick(TEN + 5 * MINUTE, 101, low="95", high="107")], "5m")[-1]
    assert (bar.low, bar.high) == (95, 107)


def test_the_volume_of_a_bar_that_was_seen_in_part_is_unknown():
    ticks = [tick(TEN + 2 * MINUTE, 100), tick(TEN + 5 * MINUTE, 101), tick(TEN + 10 * MINUTE, 102)]
    assert [bar.volume for bar in bars(ticks, "5m")] == [None, 1]
    silent = [tick(TEN, 100), tick(TEN + 2 * MINUTE, 100, volume=None), tick(TEN + 5 * MINUTE, 101)]
    assert bars(silent, "5m")[-1].volume is None


def test_ticks_further_apart_than_a_bar_is_long_make_no_such_bar():
    ticks = [tick(TEN + hours * timedelta(hours=3), 100) for hours in range(9)]
    assert {bar.interval for bar in bars(ticks, "5m", "1h", "1d")} == {"1d"}


def test_days_begin_at_midnight_utc_and_the_tick_at_midnight_closes_them():
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    found = bars((tick(midnight + number * timedelta(hours=1), 100 + number) for number in range(25)), "1d")
    assert [(bar.at, bar.open, bar.close) for bar in found] == [(midnight, 100, 124)]


def test_an_index_has_bars_under_its_name_and_a_measure_of_volatility_has_none():
    levels = {"SIMX": ("index", Decimal(1000)), "SIMVOL": ("volatility", Decimal(40))}
    ticks = [Tick(TEN + number * MINUTE, {}, levels=levels) for number in range(6)]
    found = bars(ticks, "5m")
    assert [(bar.symbol, bar.close, bar.volume) for bar in found] == [("SIMX", 1000, None)]


@given(
    mids=st.lists(st.integers(50, 150), min_size=2, max_size=60),
    seconds=st.integers(1, 70),
    interval=st.sampled_from(sorted(INTERVALS)),
)
def test_bars_join_without_gap_and_hold_every_price_between_low_and_high(mids, seconds, interval):
    ticks = [tick(TEN + timedelta(seconds=seconds * number), mid) for number, mid in enumerate(mids)]
    length = INTERVALS[interval]
    found = bars(ticks, interval)
    if timedelta(seconds=seconds) > length:
        return
    for before, bar in pairwise(found):
        assert bar.at - before.at == length
        assert bar.open == before.close
    for bar in found:
        inside = [each.books["A"].mid for each in ticks if bar.at < each.at <= bar.at + length]
        assert bar.close == inside[-1]
        assert bar.low == min(bar.open, *inside)
        assert bar.high == max(bar.open, *inside)
