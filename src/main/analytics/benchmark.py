"""How does the account move with its benchmark, and what has it earned beside it?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from operator import mul

from main.analytics.figure import Figure, bounded, missing, power, quotient, too_few
from main.analytics.ratios import per_period
from main.analytics.returns import total_return
from main.analytics.sample import MINIMUM, deviation, mean, refuse_nan, usable


@dataclass(frozen=True, slots=True)
class Aligned:
    """Returns of the account and of the benchmark over the same periods; each period ends at the close of its day."""

    days: tuple[date, ...]
    returns: tuple[float, ...]
    benchmark: tuple[float, ...]


def aligned(growth: Mapping[date, float], closes: Mapping[date, float]) -> Aligned:
    """Return the returns between consecutive days on which both have a close, oldest first.

    Where one of them has a gap or a holiday, both are compounded across it; so the weekend of an account that never
    sleeps meets the Monday of an index. Empty with fewer than two common days; levels at or below zero are passed over.
    """
    refuse_nan([*growth.values(), *closes.values()])
    days = [day for day in sorted(growth) if growth[day] > 0 and closes.get(day, 0.0) > 0]
    steps = list(pairwise(days))
    return Aligned(
        tuple(days[1:]),
        tuple(growth[day] / growth[before] - 1 for before, day in steps),
        tuple(closes[day] / closes[before] - 1 for before, day in steps),
    )


def beta(returns: Sequence[float], benchmark: Sequence[float], *, minimum: int = MINIMUM) -> Figure:
    """Return cov(r, b) / var(b) of returns over the same periods; missing where the benchmark does not vary.

    As empyrical.beta. ``ValueError`` for series of different length.
    """
    pair = _paired(returns, benchmark, max(minimum, 2))
    return pair if isinstance(pair, Figure) else _beta(*pair)


def alpha(
    returns: Sequence[float],
    benchmark: Sequence[float],
    periods_per_year: float,
    *,
    risk_free: float = 0.0,
    minimum: int = MINIMUM,
) -> Figure:
    """Return Jensen's alpha (1 + mean(r − rf − β·(b − rf)))^A − 1, a fraction a year; missing without a beta.

    Compounded, as empyrical.alpha; quantstats' is the arithmetic mean · A.
    """
    pair = _paired(returns, benchmark, max(minimum, 2))
    slope = pair if isinstance(pair, Figure) else _beta(*pair)
    if slope.value is None:
        return slope
    free = per_period(risk_free, periods_per_year)
    daily = mean(returns) - free - slope.value * (mean(benchmark) - free)
    return bounded(power(max(0.0, 1 + daily), periods_per_year) - 1)


def excess_return(returns: Sequence[float], benchmark: Sequence[float]) -> Figure:
    """Return Π (1 + r) − Π (1 + b), a difference of fractions: earned beside the benchmark. It is not alpha."""
    pair = _paired(returns, benchmark, 1)
    if isinstance(pair, Figure):
        return pair
    own, other = (total_return(series).value for series in pair)
    return bounded((own or 0.0) - (other or 0.0))


def correlation(left: Sequence[float], right: Sequence[float], *, minimum: int = MINIMUM) -> Figure:
    """Return Pearson's correlation of returns over the same periods, in [-1, 1]; missing where one does not vary."""
    pair = _paired(left, right, max(minimum, 2))
    if isinstance(pair, Figure):
        return pair
    spread = deviation(pair[0]) * deviation(pair[1])
    if spread == 0:
        return missing("one of them does not vary")
    return Figure(min(1.0, max(-1.0, _covariance(*pair) / spread)))


def correlation_matrix(series: Mapping[str, Mapping[date, float]], *, minimum: int = MINIMUM) -> list[list[Figure]]:
    """Return the correlations of every two series of returns by day, over the days they share, in the order given.

    Symmetric; each series correlates with itself at 1 where it varies.
    """
    names = list(series)
    days = {name: sorted(series[name]) for name in names}
    found: dict[tuple[str, str], Figure] = {}
    for place, left in enumerate(names):
        for right in names[place:]:
            shared = days[left] if days[left] == days[right] else sorted(series[left].keys() & series[right].keys())
            pair = ([series[name][day] for day in shared] for name in (left, right))
            found[left, right] = found[right, left] = correlation(*pair, minimum=minimum)
    return [[found[row, column] for column in names] for row in names]


def _paired(left: Sequence[float], right: Sequence[float], minimum: int) -> tuple[list[float], list[float]] | Figure:
    if len(left) != len(right):
        raise ValueError(f"{len(left)} returns beside {len(right)}: align them to the same periods first")
    if len(left) < minimum:
        return too_few(len(left), minimum, "common days")
    first, second = usable(left, minimum), usable(right, minimum)
    if isinstance(first, Figure):
        return first
    return second if isinstance(second, Figure) else (first, second)


def _covariance(left: Sequence[float], right: Sequence[float]) -> float:
    x, y = mean(left), mean(right)
    return math.fsum(map(mul, (value - x for value in left), (value - y for value in right))) / (len(left) - 1)


def _beta(returns: Sequence[float], benchmark: Sequence[float]) -> Figure:
    return quotient(_covariance(returns, benchmark), deviation(benchmark) ** 2, "the benchmark does not vary")
