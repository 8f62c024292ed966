"""Ratios, tail, benchmark, exposure and market: where there is nothing to say, and the laws they keep."""

import math
from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.analytics import benchmark, exposure, microstructure, ratios, tail_risk
from main.analytics.figure import Figure, bounded
from main.analytics.returns import growth_index

MONTH = [0.01, -0.005, 0.002] * 10
ANNUAL = [ratios.sharpe, ratios.sortino, ratios.cagr, ratios.volatility, ratios.calmar]
TAILS = [tail_risk.value_at_risk, tail_risk.conditional_value_at_risk]
moves = st.lists(st.floats(-0.2, 0.2).map(lambda value: round(value, 6)), min_size=30, max_size=80)


def day(place):
    return date(2026, 1, 5) + timedelta(days=place)


def test_a_figure_has_a_value_or_a_reason():
    assert Figure(0.0).reason == ""
    for value, reason in ((None, ""), (1.0, "why"), (math.nan, ""), (math.inf, "")):
        with pytest.raises(ValueError, match="figure"):
            Figure(value, reason)
    assert bounded(math.inf) == Figure(None, "too large to be shown")


@pytest.mark.parametrize("figure", ANNUAL)
@pytest.mark.parametrize("count", [0, 1, 4, 29])
def test_too_few_days_have_no_ratio_and_the_reason_counts_them(figure, count):
    assert figure(MONTH[:count], 252) == Figure(None, f"needs 30 days, has {count}")
    assert figure(MONTH, 252).value is not None


@pytest.mark.parametrize("figure", TAILS)
def test_too_few_days_have_no_tail(figure):
    assert figure(MONTH[:4]) == Figure(None, "needs 30 days, has 4")


@pytest.mark.parametrize("figure", ANNUAL)
def test_a_return_without_a_base_leaves_no_ratio(figure):
    assert figure([*MONTH, None], 252) == Figure(None, "equity was not above zero, so a return has no base")


@pytest.mark.parametrize("figure", ANNUAL)
def test_nan_is_refused_by_ratios(figure):
    with pytest.raises(ValueError, match="value 30 is nan"):
        figure([*MONTH, math.nan], 252)


@pytest.mark.parametrize("rate", [0.0, 0.0001, 0.1])
def test_flat_returns_have_no_sharpe_whatever_rounding_leaves(rate):
    flat = [rate] * 40
    assert ratios.sharpe(flat, 252, risk_free=0.03) == Figure(None, "returns do not vary")
    assert ratios.volatility(flat, 252) == Figure(0.0)
    assert ratios.sortino(flat, 252) == Figure(None, "no return fell short of the minimum")
    assert ratios.calmar(flat, 252) == Figure(None, "growth never fell below its peak")
    assert ratios.cagr(flat, 252).value == pytest.approx((1 + rate) ** 252 - 1)


@pytest.mark.parametrize("rate", [1e-6, 0.001, 2.3])
def test_equity_that_grows_evenly_is_flat_up_to_rounding(rate):
    equity = [100 * (1 + rate) ** day for day in range(61)]
    returns = [after / before - 1 for before, after in pairwise(equity)]
    assert len(set(returns)) > 1
    assert ratios.sharpe(returns, 252) == Figure(None, "returns do not vary")
    assert benchmark.beta(MONTH * 2, returns) == Figure(None, "the benchmark does not vary")


def test_only_losses_have_every_ratio_below_zero():
    losses = [-0.01, -0.02] * 20
    assert ratios.sharpe(losses, 252).value < 0
    assert ratios.sortino(losses, 252).value < 0
    assert -1 < ratios.cagr(losses, 252).value < 0
    drawdown = 0.99**20 * 0.98**20 - 1
    assert ratios.calmar(losses, 252).value == pytest.approx(ratios.cagr(losses, 252).value / -drawdown)


def test_a_total_loss_is_minus_everything_a_year():
    assert ratios.cagr([*MONTH, -1.0], 252) == Figure(-1.0)
    assert ratios.calmar([*MONTH, -1.5, 0.2], 252) == Figure(-1.0)


def test_days_that_returns_span_count_for_the_yearly_growth():
    year = [0.001] * 126
    assert ratios.cagr(year, 252, days=252).value == pytest.approx(1.001**126 - 1)
    assert ratios.cagr(year, 252).value == pytest.approx(1.001**252 - 1)


def test_a_growth_that_no_float_holds_is_said_to_be_too_large():
    assert ratios.cagr([100.0] * 30, 252) == Figure(None, "too large to be shown")


def test_an_annual_rate_is_compounded_down_to_a_period():
    assert (1 + ratios.per_period(0.04, 252)) ** 252 == pytest.approx(1.04)
    with pytest.raises(ValueError, match="above -1"):
        ratios.per_period(-1.0, 252)


def test_rolling_figures_wait_for_a_full_window_and_pass_over_what_they_cannot_say():
    assert ratios.rolling_volatility([0.1, 0.1, None, 0.1, 0.1], 252, 2) == [None, 0.0, None, None, 0.0]
    assert ratios.rolling_sharpe([0.1, 0.1, 0.2], 252, 2)[:2] == [None, None]
    assert ratios.rolling_sharpe([], 252, 2) == []
    with pytest.raises(ValueError, match="window 1"):
        ratios.rolling_sharpe(MONTH, 252, 1)


@given(moves, st.floats(0.1, 4))
def test_sharpe_and_sortino_know_no_leverage_and_volatility_and_tail_grow_with_it(returns, factor):
    levered = [value * factor for value in returns]
    for figure in (ratios.sharpe, ratios.sortino):
        plain, other = figure(returns, 252), figure(levered, 252)
        assert (other.value is None) == (plain.value is None)
        assert plain.value is None or other.value == pytest.approx(plain.value, rel=1e-6, abs=1e-9)
    assert ratios.volatility(levered, 252).value == pytest.approx(ratios.volatility(returns, 252).value * factor)
    for figure in TAILS:
        assert figure(levered).value == pytest.approx(figure(returns).value * factor, abs=1e-12)


@given(moves, st.randoms(use_true_random=False))
def test_the_order_of_days_changes_no_sum(returns, chance):
    shuffled = returns[:]
    chance.shuffle(shuffled)
    for figure in (ratios.sharpe, ratios.sortino, ratios.volatility):
        assert figure(shuffled, 252) == figure(returns, 252)
    for figure in TAILS:
        assert figure(shuffled) == figure(returns)


@given(moves)
def test_the_tail_is_never_milder_than_its_edge(returns):
    assert tail_risk.conditional_value_at_risk(returns).value >= tail_risk.value_at_risk(returns).value
    edge = pd.Series(returns).quantile(0.05)
    assert tail_risk.value_at_risk(returns).value == pytest.approx(-edge, abs=1e-12)


def test_the_tail_takes_in_every_return_equal_to_its_edge():
    returns = [-0.03, -0.02, -0.02, -0.02, *[0.01] * 37]  # 41 returns: the edge is the third
    assert tail_risk.value_at_risk(returns).value == pytest.approx(0.02)
    assert tail_risk.conditional_value_at_risk(returns).value == pytest.approx((0.03 + 3 * 0.02) / 4)


def test_a_place_that_rounding_misses_does_not_lose_the_last_value_of_the_tail():
    assert 100 * 0.29 < 29
    returns = [place / 100 for place in range(101)]
    assert tail_risk.value_at_risk(returns, tail=0.29).value == -0.29
    assert tail_risk.conditional_value_at_risk(returns, tail=0.29).value == pytest.approx(-0.145)


def test_periods_are_aligned_where_both_have_a_close():
    growth = {day(0): 1.0, day(1): 1.1, day(2): 1.21, day(3): 1.331, day(4): 1.0}
    closes = {day(4): 60.0, day(0): 50.0, day(3): 55.0, day(9): 1.0}
    pair = benchmark.aligned(growth, closes)
    assert pair.days == (day(3), day(4))
    assert pair.returns == pytest.approx((0.331, 1 / 1.331 - 1))
    assert pair.benchmark == pytest.approx((0.1, 60 / 55 - 1))
    assert benchmark.aligned({}, closes) == benchmark.aligned({day(0): 1.0}, closes) == benchmark.Aligned((), (), ())
    assert benchmark.aligned(growth, closes | {day(3): 0.0}).days == (day(4),)
    with pytest.raises(ValueError, match="nan"):
        benchmark.aligned({day(0): math.nan}, closes)


def test_a_benchmark_that_stands_still_gives_neither_beta_nor_alpha_nor_correlation():
    still = [0.001] * 30
    assert benchmark.beta(MONTH, still) == Figure(None, "the benchmark does not vary")
    assert benchmark.alpha(MONTH, still, 252) == Figure(None, "the benchmark does not vary")
    assert benchmark.correlation(MONTH, still) == Figure(None, "one of them does not vary")


def test_too_few_common_days_and_uneven_series_have_no_beta():
    for figure in (benchmark.beta, benchmark.correlation):
        assert figure(MONTH[:5], MONTH[:5]) == Figure(None, "needs 30 common days, has 5")
        with pytest.raises(ValueError, match="align them"):
            figure(MONTH, MONTH[:-1])
    assert benchmark.alpha(MONTH[:5], MONTH[:5], 252) == Figure(None, "needs 30 common days, has 5")
    assert benchmark.excess_return([], []) == Figure(None, "needs 1 common days, has 0")


@given(moves.filter(lambda values: max(values) - min(values) > 0.01), st.floats(0.1, 3))
def test_following_the_benchmark_with_leverage_is_beta_and_no_alpha(returns, factor):
    levered = [value * factor for value in returns]
    assert benchmark.beta(levered, returns).value == pytest.approx(factor)
    assert benchmark.alpha(levered, returns, 252).value == pytest.approx(0, abs=1e-9)
    assert benchmark.correlation(levered, returns).value == pytest.approx(1)


@given(moves)
def test_excess_return_is_the_difference_of_growth_and_none_against_itself(returns):
    other = [*returns[::-1][:-1], 0.05]
    difference = growth_index(returns)[-1] - growth_index(other)[-1]
    assert benchmark.excess_return(returns, other).value == pytest.approx(difference, abs=1e-9)
    assert benchmark.excess_return(returns, returns) == Figure(0.0)


def test_the_matrix_is_symmetric_over_the_days_that_two_share():
    calm = {day(place): value for place, value in enumerate(MONTH)}
    short = {day(place): value for place, value in enumerate(MONTH[:10])}
    matrix = benchmark.correlation_matrix({"calm": calm, "short": short})
    assert matrix[0][0].value == pytest.approx(1)
    assert matrix[0][1] == matrix[1][0] == matrix[1][1] == Figure(None, "needs 30 common days, has 10")
    assert benchmark.correlation_matrix({}) == []


def test_exposure_counts_shorts_gross_and_against_longs_net():
    held = [600.0, -300.0, 200.0]
    assert exposure.gross_exposure(held, 1000.0) == Figure(1.1)
    assert exposure.net_exposure(held, 1000.0) == Figure(0.5)
    assert exposure.leverage([5000.0, -1000.0], 1000.0) == Figure(6.0)
    assert exposure.gross_exposure([], 1000.0) == exposure.net_exposure([], 1000.0) == Figure(0.0)
    assert exposure.delta_notional(-0.5, 2, 100, 40.0) == -4000.0


@pytest.mark.parametrize("equity", [0.0, -5.0])
@pytest.mark.parametrize("figure", [exposure.gross_exposure, exposure.net_exposure, exposure.leverage])
def test_without_equity_there_is_no_leverage(figure, equity):
    assert figure([100.0], equity) == Figure(None, "equity is not above zero")


def test_concentration_is_one_for_a_single_position_and_a_share_for_equal_ones():
    assert exposure.concentration({"A": -70.0}) == exposure.max_weight({"A": -70.0}) == Figure(1.0)
    assert exposure.concentration(dict.fromkeys("ABCD", 10.0)) == exposure.max_weight(dict.fromkeys("ABCD", 10.0))
    assert exposure.weights({"A": 30.0, "B": -10.0}) == {"A": 0.75, "B": 0.25}
    assert exposure.concentration({}) == exposure.max_weight({"A": 0.0}) == Figure(None, "no positions")


@given(st.dictionaries(st.text(max_size=3), st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-3), min_size=1))
def test_weights_add_up_to_one_and_concentration_lies_between_an_equal_share_and_one(held):
    assert math.fsum(exposure.weights(held).values()) == pytest.approx(1)
    index = exposure.concentration(held).value
    assert 1 / len(held) - 1e-9 <= index <= exposure.max_weight(held).value + 1e-9


def test_exposure_by_key_is_largest_first_with_the_unknown_last():
    rows = exposure.exposure_by_key([("tech", 50.0), (None, 900.0), ("oil", -70.0), ("tech", -40.0)])
    assert [(row.key, row.gross, row.net) for row in rows] == [
        ("tech", 90.0, 10.0),
        ("oil", 70.0, -70.0),
        (None, 900.0, 900.0),
    ]


def test_risk_per_trade_needs_a_stop():
    assert exposure.risk_per_trade(100.0, 95.0, 10, 2, 10_000.0) == Figure(0.01)
    assert exposure.risk_per_trade(95.0, 100.0, -10, 2, 10_000.0) == Figure(0.01)
    assert exposure.risk_per_trade(100.0, None, 10, 1, 10_000.0) == Figure(None, "no stop was set")
    assert exposure.risk_per_trade(100.0, 95.0, 10, 1, 0.0).reason == "equity is not above zero"


def test_turnover_is_one_way_and_a_year():
    assert exposure.turnover(500.0, 300.0, [100.0] * 126, 252) == Figure(6.0)
    assert exposure.turnover(500.0, 300.0, [100.0] * 63, 252, days=126) == Figure(6.0)
    assert exposure.turnover(500.0, 0.0, [100.0] * 126, 252) == Figure(0.0)
    assert exposure.turnover(5.0, 3.0, [100.0] * 5, 252) == Figure(None, "needs 30 days, has 5")
    assert exposure.turnover(5.0, 3.0, [], 252, minimum=0) == Figure(None, "needs 1 days, has 0")
    assert exposure.turnover(5.0, 3.0, [0.0] * 30, 252).reason == "equity is not above zero"


def test_the_book_up_close():
    assert microstructure.spread_bps(99.0, 101.0) == Figure(200.0)
    assert microstructure.spread_bps(101.0, 99.0) == Figure(-200.0)
    assert microstructure.spread_bps(0.0, 0.0).reason == "the mid is not above zero"
    assert microstructure.imbalance(30.0, 10.0) == Figure(0.5)
    assert microstructure.imbalance(0.0, 0.0) == Figure(None, "the book is empty")


def test_realised_volatility_takes_off_no_mean():
    doubling = [2.0**power for power in range(31)]
    assert microstructure.realised_volatility(doubling, 4).value == pytest.approx(2 * math.log(2))
    assert microstructure.realised_volatility([5.0] * 31, 252) == Figure(0.0)
    assert microstructure.realised_volatility(doubling[:30], 4) == Figure(None, "needs 30 returns, has 29")
    assert microstructure.realised_volatility([], 4) == Figure(None, "needs 30 returns, has 0")
    assert microstructure.realised_volatility([*doubling, 0.0], 4) == Figure(None, "a price is not above zero")
    with pytest.raises(ValueError, match="nan"):
        microstructure.realised_volatility([math.nan], 4)
