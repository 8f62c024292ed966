"""What does the market look like up close: how wide, how lopsided, how deep, how nervous?"""

import math
from collections.abc import Sequence
from itertools import pairwise

from main.analytics.figure import Figure, bounded, missing, quotient, too_few
from main.analytics.sample import MINIMUM, refuse_nan

LEVELS = 5
"""Levels of each side that count as depth."""

VOLATILITY_BANDS = (("low", 0.15), ("normal", 0.25), ("elevated", 0.35), ("high", math.inf))
"""What a volatility, a fraction a year, is called below each of these."""

_BASIS_POINTS = 1e4


def spread_bps(bid: float, ask: float) -> Figure:
    """Return (ask − bid) / mid · 10⁴; below zero where the book is crossed."""
    return quotient(ask - bid, (bid + ask) / 2, "the mid is not above zero", _BASIS_POINTS)


def imbalance(bid_depth: float, ask_depth: float) -> Figure:
    """Return (bid depth − ask depth) / (bid depth + ask depth), in [-1, 1]; above zero where buyers stand deeper."""
    return quotient(bid_depth - ask_depth, bid_depth + ask_depth, "the book is empty")


def realised_volatility(prices: Sequence[float], periods_per_year: float, *, minimum: int = MINIMUM) -> Figure:
    """Return √(Σ log-return² · periods a year / n), a fraction a year, of evenly spaced prices, oldest first.

    No mean is taken off: over short steps it is noise (Andersen and Bollerslev 1998). n is the number of returns; below
    `minimum` of them it is missing. ``ValueError`` for NaN.
    """
    refuse_nan(prices)
    if len(prices) - 1 < max(minimum, 1):
        return too_few(max(len(prices) - 1, 0), max(minimum, 1), "returns")
    if min(prices) <= 0:
        return missing("a price is not above zero")
    squares = math.fsum(math.log(after / before) ** 2 for before, after in pairwise(prices))
    return bounded(math.sqrt(squares * periods_per_year / (len(prices) - 1)))


def volatility_over_time(moves: Sequence[tuple[float, float]], *, minimum: int = MINIMUM) -> Figure:
    """Return √(Σ log-return² / Σ years), a fraction a year, of pairs (log-return, years that it took).

    Of evenly spaced prices it is the same as `realised_volatility`; where some are missing, a longer move counts with
    the time it took. Missing below `minimum` moves. ``ValueError`` for NaN.
    """
    refuse_nan([move for pair in moves for move in pair])
    if len(moves) < max(minimum, 1):
        return too_few(len(moves), max(minimum, 1), "returns")
    years = math.fsum(taken for _, taken in moves)
    return quotient(math.sqrt(math.fsum(move**2 for move, _ in moves)), math.sqrt(years), "no time has passed")


def volatility_band(volatility: float) -> str:
    """Return low, normal, elevated or high: the band of `VOLATILITY_BANDS` that a volatility a year falls in."""
    return next(name for name, below in VOLATILITY_BANDS if volatility < below or math.isinf(below))
