"""How good are a model's predictions? Hit rate, error, rank correlation, the worth of following it, and drift.

Every function takes plain sequences of floats and returns ``None`` where the figure does not exist: too few pairs, or
values that are all the same.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import fmean, stdev

SMALLEST_SAMPLE = 3
"""Pairs below which a rank correlation says nothing: two are always in order or in reverse."""

BINS = 10
"""Quantile bins of the population stability index, as is usual."""

SMALLEST_SHARE = 1e-4
"""What an empty bin counts as, or the index would be infinite."""


def accuracy(predicted: Sequence[float], actual: Sequence[float]) -> float | None:
    """Return the share of predictions whose sign came true; pairs with a zero on either side are left out."""
    judged = [(p > 0) == (a > 0) for p, a in zip(predicted, actual, strict=True) if p and a]
    return sum(judged) / len(judged) if judged else None


def mean_absolute_error(predicted: Sequence[float], actual: Sequence[float]) -> float | None:
    """Return the mean of |prediction − outcome|, in the prediction's unit."""
    return fmean(abs(p - a) for p, a in zip(predicted, actual, strict=True)) if predicted else None


def information_coefficient(predicted: Sequence[float], actual: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation of prediction and outcome, in [-1, 1]; ties share their mean rank."""
    if len(predicted) < SMALLEST_SAMPLE:
        return None
    return _correlation(_ranks(predicted), _ranks(actual))


def following_sharpe(predicted: Sequence[float], actual: Sequence[float], periods_per_year: float) -> float | None:
    """Return the annualised Sharpe ratio of holding +1 or −1 by the sign of each prediction, over one horizon each.

    mean / standard deviation (ddof 1) · √(periods a year) of sign(prediction) · outcome.
    """
    gains = [math.copysign(1.0, p) * a if p else 0.0 for p, a in zip(predicted, actual, strict=True)]
    if len(gains) < SMALLEST_SAMPLE:
        return None
    spread = stdev(gains)
    return fmean(gains) / spread * math.sqrt(periods_per_year) if spread > 0 else None


def population_stability(reference: Sequence[float], recent: Sequence[float]) -> float | None:
    """Return the population stability index Σ (q − p)·ln(q / p) over the deciles of `reference`; 0 is no drift.

    Below 0.1 is usually called stable, above 0.25 a shift. ``None`` with fewer values than bins on either side.
    """
    if len(reference) < BINS or len(recent) < BINS:
        return None
    ordered = sorted(reference)
    edges = [ordered[len(ordered) * place // BINS] for place in range(1, BINS)]
    shares = zip(_shares(reference, edges), _shares(recent, edges), strict=True)
    return sum((q - p) * math.log(q / p) for p, q in shares)


def _shares(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(value >= edge for edge in edges)] += 1
    return [max(count / len(values), SMALLEST_SHARE) for count in counts]


def _ranks(values: Sequence[float]) -> list[float]:
    ranks = [0.0] * len(values)
    place = 0
    for _, group in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        tied = list(group)
        for index in tied:
            ranks[index] = place + (len(tied) - 1) / 2
        place += len(tied)
    return ranks


def _correlation(left: Sequence[float], right: Sequence[float]) -> float | None:
    middle_left, middle_right = fmean(left), fmean(right)
    squares = math.sqrt(sum((x - middle_left) ** 2 for x in left) * sum((y - middle_right) ** 2 for y in right))
    if squares == 0:
        return None
    return sum((x - middle_left) * (y - middle_right) for x, y in zip(left, right, strict=True)) / squares
