"""Returns, risk and benchmark against the check vector, empyrical, scipy and pandas, on real prices."""

import math
from datetime import date

import empyrical
import numpy as np
import pandas as pd
import pytest
from bokeh_sampledata import stocks
from scipy.stats import spearmanr

from main.analytics import benchmark, drawdown, microstructure, model_quality, ratios, tail_risk
from main.analytics.returns import growth_index
from main.analytics.trade_statistics import ClosedTrade, profit_factor, sums_of

VECTOR = [-0.02, 0.01, 0.005, -0.01, 0.03, 0.0, -0.015, 0.02, 0.004, -0.006]
VECTOR_BENCHMARK = [-0.01, 0.008, 0.002, -0.012, 0.015, 0.001, -0.01, 0.01, 0.003, -0.002]
SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")
CLOSES = pd.DataFrame(
    {name: pd.Series(getattr(stocks, name)["adj_close"], getattr(stocks, name)["date"]) for name in SYMBOLS}
).dropna()
RETURNS = CLOSES.pct_change().iloc[1:]
BASKET = RETURNS.mean(axis=1)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (ratios.sharpe(VECTOR, 252, minimum=2), 1.840366),
        (ratios.sharpe(VECTOR, 365, minimum=2), 2.214881),
        (ratios.sortino(VECTOR, 252, minimum=2), 3.275521),
        (ratios.cagr(VECTOR, 252, minimum=2), 0.531191),
        (ratios.volatility(VECTOR, 252, minimum=2), 0.246473),
        (drawdown.max_drawdown(growth_index(VECTOR)), -0.02),
        (ratios.calmar(VECTOR, 252, minimum=2), 26.559527),
        (tail_risk.value_at_risk(VECTOR, minimum=2), 0.01775),
        (tail_risk.conditional_value_at_risk(VECTOR, minimum=2), 0.02),
        (benchmark.beta(VECTOR, VECTOR_BENCHMARK, minimum=2), 1.636607),
        (benchmark.alpha(VECTOR, VECTOR_BENCHMARK, 252, minimum=2), 0.280520),
        (profit_factor(sums_of([ClosedTrade(value) for value in VECTOR])), 1.352941),
    ],
)
def test_the_check_vector_comes_out_to_the_last_digit_given(figure, expected):
    assert figure.value == pytest.approx(expected, abs=5e-7)


def exactly(expected):
    return pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("periods", [252, 365])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_years_figures_are_those_of_empyrical_on_real_prices(symbol, periods):
    series, own = RETURNS[symbol], RETURNS[symbol].tolist()
    assert len(own) > 2000
    assert ratios.sharpe(own, periods).value == exactly(empyrical.sharpe_ratio(series, annualization=periods))
    assert ratios.sortino(own, periods).value == exactly(empyrical.sortino_ratio(series, annualization=periods))
    assert ratios.cagr(own, periods).value == exactly(empyrical.cagr(series, annualization=periods))
    assert ratios.volatility(own, periods).value == exactly(empyrical.annual_volatility(series, annualization=periods))
    assert ratios.calmar(own, periods).value == exactly(empyrical.calmar_ratio(series, annualization=periods))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_risk_free_rate_and_minimum_return_are_annual_where_empyrical_takes_them_by_period(symbol):
    series, own, daily = RETURNS[symbol], RETURNS[symbol].tolist(), 1.04 ** (1 / 252) - 1
    assert ratios.sharpe(own, 252, risk_free=0.04).value == exactly(empyrical.sharpe_ratio(series, risk_free=daily))
    assert ratios.sortino(own, 252, minimum_return=0.04).value == exactly(
        empyrical.sortino_ratio(series, required_return=daily)
    )


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_drawdown_and_tail_are_those_of_empyrical_on_real_prices(symbol):
    series, own = RETURNS[symbol], RETURNS[symbol].tolist()
    assert drawdown.max_drawdown(growth_index(own)).value == exactly(empyrical.max_drawdown(series))
    assert drawdown.under_water(growth_index(own))[1:] == pytest.approx(
        empyrical.stats.drawdown_series(series).tolist(), abs=1e-9
    )
    assert tail_risk.value_at_risk(own).value == exactly(-empyrical.value_at_risk(series))
    assert tail_risk.conditional_value_at_risk(own).value == exactly(-empyrical.conditional_value_at_risk(series))


@pytest.mark.parametrize("risk_free", [0.0, 0.03])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_alpha_and_beta_are_those_of_empyrical_on_real_prices(symbol, risk_free):
    own, other, daily = RETURNS[symbol].tolist(), BASKET.tolist(), (1 + risk_free) ** (1 / 252) - 1
    alpha, beta = empyrical.alpha_beta(RETURNS[symbol], BASKET, risk_free=daily)
    assert benchmark.beta(own, other).value == exactly(beta)
    assert benchmark.alpha(own, other, 252, risk_free=risk_free).value == exactly(alpha)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_rolling_figures_are_those_of_empyrical_on_real_prices(symbol):
    series, own = RETURNS[symbol].iloc[:400], RETURNS[symbol].tolist()[:400]
    sharpe, volatility = ratios.rolling_sharpe(own, 252, 63), ratios.rolling_volatility(own, 252, 63)
    assert sharpe[:62] == volatility[:62] == [None] * 62
    assert sharpe[62:] == pytest.approx(empyrical.roll_sharpe_ratio(series, window=63).tolist(), abs=1e-9)
    assert volatility[62:] == pytest.approx(empyrical.roll_annual_volatility(series, window=63).tolist(), abs=1e-9)


def test_the_correlation_matrix_is_that_of_pandas_on_real_prices():
    by_day = {name: dict(zip(map(date.fromisoformat, RETURNS.index), RETURNS[name], strict=True)) for name in SYMBOLS}
    got = [[cell.value for cell in row] for row in benchmark.correlation_matrix(by_day)]
    assert np.array(got) == pytest.approx(RETURNS[list(SYMBOLS)].corr().to_numpy(), abs=1e-9)


def test_aligning_real_prices_gives_back_their_returns():
    days = list(map(date.fromisoformat, CLOSES.index))
    pair = benchmark.aligned(
        dict(zip(days, CLOSES["IBM"], strict=True)), dict(zip(days[::-1], CLOSES["AAPL"][::-1], strict=True))
    )
    assert pair.days == tuple(days[1:])
    assert pair.returns == pytest.approx(RETURNS["IBM"].tolist(), abs=1e-12)
    assert pair.benchmark == pytest.approx(RETURNS["AAPL"].tolist(), abs=1e-12)


def test_realised_volatility_is_that_of_the_log_returns_of_real_prices():
    closes = CLOSES["MSFT"]
    logs = np.log(closes).diff().dropna()
    expected = math.sqrt((logs**2).sum() * 252 / len(logs))
    assert microstructure.realised_volatility(closes.tolist(), 252).value == exactly(expected)


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_information_coefficient_is_spearmans_of_scipy_on_real_prices(horizon):
    predicted = RETURNS["AAPL"].round(3).tolist()[:-horizon]  # rounded, so that there are ties
    actual = RETURNS["AAPL"].round(3).tolist()[horizon:]
    expected = spearmanr(predicted, actual).statistic
    assert model_quality.information_coefficient(predicted, actual) == exactly(expected)
