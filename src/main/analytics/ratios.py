"""What did a year bring, how unsteadily, and was it worth the risk?

Of returns per trading day, as fractions, oldest first; ``None`` among them is a return without a base, and then no
ratio exists. ``periods_per_year`` is the account's own (252 for equities, 365 for crypto). ``risk_free`` and
``minimum_return`` are annual. Below `minimum` returns a figure is missing, with the reason.
"""

import math
from collections.abc import Iterator, Sequence
from operator import mul

from main.analytics.drawdown import max_drawdown
from main.analytics.figure import Figure, bounded, power, quotient
from main.analytics.returns import growth_index
from main.analytics.sample import MINIMUM, deviation, mean, refuse_nan, usable


def per_period(annual: float, periods_per_year: float) -> float:
    """Return (1 + annual)^(1 / A) − 1: what an annual rate is worth in one period. ``ValueError`` at −1 or below."""
    if annual <= -1:
        raise ValueError(f"annual rate {annual}: use a fraction above -1, such as 0.04 for 4 %")
    return math.pow(1 + annual, 1 / periods_per_year) - 1


def sharpe(
    returns: Sequence[float | None], periods_per_year: float, *, risk_free: float = 0.0, minimum: int = MINIMUM
) -> Figure:
    """Return mean(r − rf) / std(r − rf, ddof 1) · √A; missing where returns do not vary.

    Sharpe 1994; as empyrical, quantstats and ffn at a risk-free rate of 0.
    """
    sample = usable(returns, max(minimum, 2))
    return sample if isinstance(sample, Figure) else _sharpe(sample, periods_per_year, risk_free)


def sortino(
    returns: Sequence[float | None], periods_per_year: float, *, minimum_return: float = 0.0, minimum: int = MINIMUM
) -> Figure:
    """Return mean(r − MAR)·A / (√mean(min(r − MAR, 0)²)·√A) over all n; missing where no return fell short.

    Sortino and Price 1994; the denominator is not the deviation of the losers. As empyrical, quantstats and ffn.
    """
    sample = usable(returns, max(minimum, 1))
    if isinstance(sample, Figure):
        return sample
    required = per_period(minimum_return, periods_per_year)
    excess = [value - required for value in sample]
    downside = math.sqrt(mean([min(value, 0.0) ** 2 for value in excess]))
    return quotient(mean(excess), downside, "no return fell short of the minimum", math.sqrt(periods_per_year))


def cagr(
    returns: Sequence[float | None], periods_per_year: float, *, days: int | None = None, minimum: int = MINIMUM
) -> Figure:
    """Return G^(A / n) − 1, the compound annual growth rate, a fraction; −1 when everything was lost.

    n is the number of returns, or `days` where some of them span more than one trading day. As empyrical.cagr.
    """
    sample = usable(returns, max(minimum, 1))
    if isinstance(sample, Figure):
        return sample
    growth = growth_index(sample)[-1] or 0.0
    return bounded(power(growth, periods_per_year / (days or len(sample))) - 1)


def volatility(returns: Sequence[float | None], periods_per_year: float, *, minimum: int = MINIMUM) -> Figure:
    """Return std(r, ddof 1)·√A, a fraction a year; 0 when returns do not vary. As empyrical.annual_volatility."""
    sample = usable(returns, max(minimum, 2))
    return sample if isinstance(sample, Figure) else bounded(deviation(sample) * math.sqrt(periods_per_year))


def calmar(
    returns: Sequence[float | None], periods_per_year: float, *, days: int | None = None, minimum: int = MINIMUM
) -> Figure:
    """Return CAGR / |max drawdown|, both over all of the returns; missing where growth never fell.

    Young 1991 takes 36 months: here it is the whole history, as in empyrical.
    """
    yearly = cagr(returns, periods_per_year, days=days, minimum=minimum)
    deepest = max_drawdown(growth_index(returns))
    if yearly.value is None or deepest.value is None:
        return yearly if yearly.value is None else deepest
    return quotient(yearly.value, -deepest.value, "growth never fell below its peak")


def rolling_sharpe(
    returns: Sequence[float | None], periods_per_year: float, window: int, *, risk_free: float = 0.0
) -> list[float | None]:
    """Return the Sharpe ratio of the `window` returns up to each one, as many as returns; `window` is at least 2.

    ``None`` until the window is full, while a return in it has no base, and where returns in it do not vary.
    """
    free, yearly = per_period(risk_free, periods_per_year), math.sqrt(periods_per_year)
    return [
        None if moments is None else quotient(moments[0] - free, moments[1], "returns do not vary", yearly).value
        for moments in _moments(returns, window)
    ]


def rolling_volatility(returns: Sequence[float | None], periods_per_year: float, window: int) -> list[float | None]:
    """Return the volatility of the `window` returns up to each one, as many as returns; `window` is at least 2.

    ``None`` until the window is full, and while a return in it has no base.
    """
    yearly = math.sqrt(periods_per_year)
    return [None if moments is None else bounded(moments[1] * yearly).value for moments in _moments(returns, window)]


def _sharpe(sample: Sequence[float], periods_per_year: float, risk_free: float) -> Figure:
    reward = mean(sample) - per_period(risk_free, periods_per_year)
    return quotient(reward, deviation(sample), "returns do not vary", math.sqrt(periods_per_year))


def _moments(returns: Sequence[float | None], window: int) -> Iterator[tuple[float, float] | None]:
    """Mean and deviation of the `window` returns up to each one; None where there are none."""
    if window < 2:
        raise ValueError(f"window {window}: use at least 2 returns")
    values = [0.0 if value is None else value for value in returns]
    refuse_nan(values)
    # Squares of what is off the mean of all: two exact sums a window, ten times as fast as its deviation from scratch.
    middle = mean(values) if values else 0.0
    off = [value - middle for value in values]
    squares = list(map(mul, off, off))
    since_missing = 0
    for end, value in enumerate(returns, 1):
        since_missing = 0 if value is None else since_missing + 1
        yield _moments_of(values, off, squares, end - window, end) if since_missing >= window else None


def _moments_of(
    values: Sequence[float], off: Sequence[float], squares: Sequence[float], first: int, end: int
) -> tuple[float, float]:
    count = end - first
    total, squared = math.fsum(off[first:end]), math.fsum(squares[first:end])
    spread = squared - total * total / count
    part = values[first:end]
    # Where the window hardly varies, or stands far off, the difference has lost its digits.
    exact = spread > max(1e-4 * squared, 1e-20)  # what is nearly flat is judged in one place
    return mean(part), math.sqrt(spread / (count - 1)) if exact else deviation(part)
