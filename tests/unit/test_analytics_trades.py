"""Trades and their execution: statistics against pandas, distribution, slippage, shortfall, mark-outs, excursions."""

import math
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from bokeh_sampledata import stocks
from hypothesis import assume, given
from hypothesis import strategies as st

from main.analytics.distribution import Bin, bin_width, bins, histogram
from main.analytics.excursion import Excursion, excursion
from main.analytics.execution import (
    ExecutedOrder,
    implementation_shortfall,
    maker_share,
    mark_out_bps,
    slippage_bps,
    weighted_bps,
)
from main.analytics.figure import Figure
from main.analytics.side import sign
from main.analytics.trade_statistics import ClosedTrade, Streaks, TradeSums, streaks, sums_of, trade_statistics

money = st.floats(-1e4, 1e4).map(lambda value: round(value, 2))
trades = st.lists(st.builds(ClosedTrade, money, st.floats(0, 1e6), st.none() | st.floats(0.01, 1e4)), max_size=60)
prices = st.floats(1, 1000)


def statistics(*pnls):
    return trade_statistics(sums_of([ClosedTrade(pnl) for pnl in pnls]))


@given(trades.filter(bool))
def test_trade_statistics_are_those_of_pandas(closed):
    sums = sums_of(closed)
    found = trade_statistics(sums)
    table = pd.DataFrame({"pnl": [t.pnl for t in closed], "hold": [t.hold_seconds for t in closed]})
    wins, losses = table.pnl[table.pnl > 0], table.pnl[table.pnl < 0]
    expected = {
        "win_rate": len(wins) / (len(wins) + len(losses)) if len(wins) + len(losses) else None,
        "profit_factor": wins.sum() / -losses.sum() if len(losses) else None,
        "expectancy": table.pnl.mean(),
        "average_win": wins.mean() if len(wins) else None,
        "average_loss": losses.mean() if len(losses) else None,
        "payoff": wins.mean() / -losses.mean() if len(wins) and len(losses) else None,
        "best": table.pnl.max(),
        "worst": table.pnl.min(),
        "average_hold_seconds": table.hold.mean(),
    }
    for name, value in expected.items():
        got = getattr(found, name).value
        assert got == (None if value is None else pytest.approx(float(value), rel=1e-9, abs=1e-9)), name
    assert (sums.trades, sums.wins, sums.losses) == (len(table), len(wins), len(losses))
    assert sums.break_evens == (table.pnl == 0).sum()


@pytest.mark.parametrize("symbol", ["AAPL", "IBM"])
def test_trades_of_real_prices_have_the_statistics_of_pandas(symbol):
    data = getattr(stocks, symbol)
    pnl = (pd.Series(data["close"]) - pd.Series(data["open"])).round(2)  # bought at the open, sold at the close
    found = statistics(*pnl)
    assert found.win_rate.value == pytest.approx((pnl > 0).sum() / (pnl != 0).sum(), abs=1e-9)
    assert found.profit_factor.value == pytest.approx(pnl.clip(lower=0).sum() / -pnl.clip(upper=0).sum(), abs=1e-9)
    assert found.expectancy.value == pytest.approx(pnl.mean(), abs=1e-9)
    signs = np.sign(pnl)[pnl != 0]
    runs = signs.groupby((signs != signs.shift()).cumsum()).agg(["first", "size"])
    assert streaks(pnl) == Streaks(
        runs["size"][runs["first"] > 0].max(),
        runs["size"][runs["first"] < 0].max(),
        int(runs["first"].iloc[-1] * runs["size"].iloc[-1]),
    )


@given(trades.filter(bool))
def test_expectancy_is_what_win_rate_and_averages_say(closed):
    sums = sums_of(closed)
    found = trade_statistics(sums)
    won, lost = found.average_win.value or 0.0, abs(found.average_loss.value or 0.0)
    expected = sums.wins / sums.trades * won - sums.losses / sums.trades * lost
    assert found.expectancy.value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.expectancy.value * sums.trades == pytest.approx(sums.net_pnl, rel=1e-9, abs=1e-9)
    assert sums.net_pnl == pytest.approx(math.fsum(t.pnl for t in closed), rel=1e-9, abs=1e-9)


@given(trades, trades)
def test_sums_of_two_sets_add_up_to_those_of_both(first, second):
    one, other, both = (asdict(sums_of(closed)) for closed in (first, second, first + second))
    for name, value in both.items():
        if name not in ("best", "worst"):
            assert value == pytest.approx(one[name] + other[name], rel=1e-9, abs=1e-6), name


def test_no_trades_have_no_figure_and_say_so():
    found = trade_statistics(TradeSums())
    figures = vars_of(found)
    assert len(figures) == 10
    assert set(figures) == {Figure(None, "no trades")}
    assert (TradeSums().trades, TradeSums().net_pnl) == (0, 0.0)
    assert streaks([]) == Streaks(0, 0, 0)


def vars_of(statistics):
    return [getattr(statistics, name) for name in statistics.__slots__]


def test_one_winning_trade_has_no_profit_factor_because_nothing_was_lost():
    found = statistics(5.0)
    assert found.win_rate == Figure(1.0)
    assert found.profit_factor == found.average_loss == found.payoff == Figure(None, "no losses")
    assert found.expectancy == found.average_win == found.best == found.worst == Figure(5.0)
    assert found.expectancy_r == Figure(None, "no stops, and no losses to stand for the risk")
    assert found.average_hold_seconds == Figure(None, "no holding times")


def test_only_losses_win_nothing():
    found = statistics(-1.0, -3.0)
    assert found.win_rate == found.profit_factor == Figure(0.0)
    assert found.average_win == found.payoff == Figure(None, "no wins")
    assert found.expectancy == Figure(-2.0)
    assert found.expectancy_r == Figure(-1.0)


def test_break_evens_are_apart_but_count_for_expectancy():
    found = statistics(3.0, 0.0, -1.0, 0.0)
    assert found.win_rate == Figure(0.5)
    assert found.expectancy == Figure(0.5)
    assert statistics(0.0).win_rate == Figure(None, "only break-evens")
    assert statistics(0.0).profit_factor == Figure(None, "no losses")


def test_expectancy_in_r_takes_the_stop_where_there_was_one_and_else_the_average_loss():
    stopped = [ClosedTrade(20.0, risk=10.0), ClosedTrade(-5.0, risk=10.0)]
    assert trade_statistics(sums_of(stopped)).expectancy_r == Figure(0.75)
    mixed = [*stopped, ClosedTrade(30.0), ClosedTrade(-15.0, risk=0.0)]  # the average loss is 10
    assert trade_statistics(sums_of(mixed)).expectancy_r == Figure((2 - 0.5 + 3 - 1.5) / 4)


def test_a_break_even_neither_ends_a_run_nor_counts():
    assert streaks([1, 2, 0, 3, -1, 0, -1, 5, -2]) == Streaks(3, 2, -1)
    assert streaks([-1, 1, 0, 2]) == Streaks(2, 1, 2)


def test_nan_is_no_trade():
    with pytest.raises(ValueError, match="value 1 is nan"):
        statistics(1.0, math.nan)
    with pytest.raises(ValueError, match="value 0 is inf"):
        histogram([math.inf])


@given(st.lists(money, min_size=1, max_size=200))
def test_a_distribution_holds_every_value_once_in_bins_that_touch(values):
    found = histogram(values)
    assert sum(b.count for b in found) == len(values)
    assert len(found) <= 60
    assert found[0].low <= min(values) + 1e-9  # an edge is a product, a hair off its decimal
    assert max(values) <= found[-1].high + 1e-9
    assert all(before.high == after.low for before, after in pairwise(found))
    assert all(b.low >= 0 or b.high <= 0 for b in found)  # gains and losses are never in one bin
    losses = sum(b.count for b in found if b.high <= 0)
    assert losses == sum(value < 0 for value in values)


def test_bins_have_a_round_width():
    assert bin_width(1000, -100.0, 100.0, 40.0) == 10.0  # 2 · 40 / ∛1000 = 8
    assert bin_width(8, 0.0, 30.0, 0.0) == 10.0  # Sturges: 30 / 4 = 7.5
    assert bin_width(10**6, -1000.0, 1000.0, 10.0) == 50.0  # no more than 60 bins
    assert bin_width(5, 0.0, 0.0, 0.0) == 1.0
    assert histogram([3.0, 3.0]) == [Bin(0.0, 5.0, 2)]
    assert histogram([]) == bins(1.0, {}) == []
    assert bins(0.5, {-1: 2, 1: 1}) == [Bin(-0.5, 0.0, 2), Bin(0.0, 0.5, 0), Bin(0.5, 1.0, 1)]


def test_slippage_is_a_cost_above_zero_for_either_side():
    assert slippage_bps("buy", 100.1, 100.0).value == pytest.approx(10)
    assert slippage_bps("sell", 100.1, 100.0).value == pytest.approx(-10)
    assert slippage_bps("buy", 100.1, None) == Figure(None, "no arrival mid was recorded")
    assert slippage_bps("buy", 100.1, 0.0) == Figure(None, "the arrival mid is not above zero")


def test_a_mark_out_is_good_above_zero_for_either_side():
    assert mark_out_bps("BUY", 100.0, 100.2).value == pytest.approx(20)
    assert mark_out_bps("short", 100.0, 100.2).value == pytest.approx(-20)
    assert mark_out_bps("buy", 100.0, None) == Figure(None, "no mid was recorded at the horizon")


def test_many_fills_are_weighed_by_their_notional():
    assert weighted_bps([10.0, -2.0], [100.0, 300.0]) == Figure(1.0)
    assert weighted_bps([], []) == Figure(None, "no fills")


def test_the_share_of_makers():
    assert maker_share(30.0, 10.0) == Figure(0.75)
    assert maker_share(0.0, 0.0).reason == "no fill says whether it was maker or taker"


def test_a_side_that_does_not_exist_is_refused():
    assert [sign(side) for side in ("buy", "LONG", "Sell", "short")] == [1, 1, -1, -1]
    with pytest.raises(ValueError, match="'hold': use one of buy, long, sell, short"):
        sign("hold")


def test_perolds_shortfall_of_an_order_half_filled():
    order = ExecutedOrder("buy", 100, 60, decision=50.0, arrival=50.2, fill=50.5, end=51.0, fees=3.0, multiplier=2.0)
    found = implementation_shortfall(order)
    assert found.delay.value == pytest.approx(60 * 0.2 * 2)
    assert found.impact.value == pytest.approx(60 * 0.3 * 2)
    assert found.opportunity.value == pytest.approx(40 * 1.0 * 2)
    assert found.total.value == pytest.approx(24 + 36 + 80 + 3)
    assert found.bps.value == pytest.approx(143 / (50 * 100 * 2) * 1e4)


orders = st.builds(
    ExecutedOrder,
    st.sampled_from(["buy", "sell"]),
    st.integers(500, 1000),
    st.integers(0, 500),
    decision=prices,
    arrival=prices,
    fill=prices,
    end=prices,
    fees=st.floats(0, 50),
    multiplier=st.just(10.0),
)


@given(orders)
def test_the_parts_of_the_shortfall_add_up_to_the_whole(order):
    found = implementation_shortfall(order)
    exact = [Fraction(value) for value in (order.decision, order.fill, order.end, order.fees)]
    unfilled = order.quantity - order.filled
    whole = sign(order.side) * 10 * (order.filled * (exact[1] - exact[0]) + unfilled * (exact[2] - exact[0])) + exact[3]
    assert found.total.value == pytest.approx(float(whole), rel=1e-9, abs=1e-6)
    parts = [found.delay.value, found.impact.value, found.opportunity.value, found.fees]
    assert found.total.value == pytest.approx(math.fsum(parts), rel=1e-12, abs=1e-9)
    assert found.bps.value == pytest.approx(found.total.value / (order.decision * order.quantity * 10) * 1e4)


def test_without_an_arrival_mid_the_total_is_known_but_not_its_delay():
    found = implementation_shortfall(ExecutedOrder("sell", 10, 10, 50.0, None, 49.0, None, 1.0))
    assert found.delay == found.impact == Figure(None, "no arrival mid was recorded")
    assert found.opportunity == Figure(0.0)
    assert found.total == Figure(11.0)


def test_what_was_never_filled_is_all_opportunity():
    found = implementation_shortfall(ExecutedOrder("buy", 10, 0, 50.0, None, None, 52.0))
    assert (found.delay, found.impact, found.total) == (Figure(0.0), Figure(0.0), Figure(20.0))


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"decision": None}, "no decision price was recorded"),
        ({"fill": None}, "no fill price was recorded"),
        ({"end": None}, "no price was recorded at the order's end"),
    ],
)
def test_a_price_nobody_recorded_leaves_no_shortfall(missing, reason):
    known = {"decision": 50.0, "arrival": 50.0, "fill": 51.0, "end": 52.0}
    found = implementation_shortfall(ExecutedOrder("buy", 10, 5, **known | missing))
    assert found.total == found.bps == Figure(None, reason)


def test_more_filled_than_ordered_is_refused():
    with pytest.raises(ValueError, match="filled 11 of 10"):
        implementation_shortfall(ExecutedOrder("buy", 10, 11, 50.0, 50.0, 50.0, 50.0))


@given(st.sampled_from(["long", "short"]), prices, st.lists(prices, max_size=20))
def test_excursions_lie_on_their_sides_and_mirror_each_other(side, entry, seen):
    found = excursion(side, entry, seen)
    other = excursion("short" if side == "long" else "long", entry, seen)
    assert found.mae <= 0 <= found.mfe
    assert (other.mfe, other.mae) == (-found.mae, -found.mfe)


def test_the_best_and_the_worst_of_a_trade():
    assert excursion("BUY", 100.0, [101.0, 97.0, 108.0]) == Excursion(0.08, -0.03)
    assert excursion("SELL", 100.0, []) == Excursion(0.0, 0.0)
    assert excursion("SELL", 0.0, [1.0]) is None


@given(st.lists(st.floats(0.01, 1e4), min_size=2, max_size=20), st.floats(0.1, 10))
def test_win_rate_profit_factor_and_payoff_know_no_currency(sizes, rate):
    assume(len(set(sizes)) > 1)
    pnls = [size if place % 2 else -size for place, size in enumerate(sizes)]
    plain, converted = statistics(*pnls), statistics(*(pnl * rate for pnl in pnls))
    for name in ("win_rate", "profit_factor", "payoff", "expectancy_r"):
        assert getattr(converted, name).value == pytest.approx(getattr(plain, name).value, rel=1e-9, abs=1e-9)
