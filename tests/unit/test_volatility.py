import math
from decimal import Decimal
from random import Random

import pytest

from main.trading.volatility import LEARNING, Volatility
from tests.factories import book


def watched(moves: list[float]) -> Volatility:
    watch, log = Volatility(), math.log(1000)
    watch.see({"X": quoted(log)})
    for move in moves:
        log += move
        watch.see({"X": quoted(log)})
    return watch


def quoted(log: float):
    mid = Decimal(repr(round(math.exp(log), 6)))
    return book(mid - Decimal("0.01"), mid + Decimal("0.01"))


def alternating(size: float, count: int) -> list[float]:
    return [size if number % 2 else -size for number in range(count)]


def test_nothing_is_said_before_enough_ticks_were_seen():
    watch = watched(alternating(0.001, LEARNING - 1))
    assert (watch.by_symbol, watch.regime) == ({}, None)


def test_the_volatility_of_one_tick_is_the_size_of_its_moves():
    watch = watched(alternating(0.001, 200))
    assert watch.by_symbol["X"] == pytest.approx(0.001, rel=0.01)
    assert watch.regime == "calm"


def test_moves_far_larger_than_usual_make_a_stressed_regime_and_calm_returns():
    usual = alternating(0.001, 400)
    assert watched(usual + alternating(0.0017, 40)).regime == "choppy"
    assert watched(usual + alternating(0.004, 40)).regime == "stressed"
    assert watched(usual + alternating(0.004, 40) + alternating(0.001, 120)).regime == "calm"


def test_ordinary_noise_stays_calm():
    noise = Random(1)
    regimes = {watched([noise.gauss(0, 0.001) for _ in range(count)]).regime for count in range(100, 200, 10)}
    assert regimes <= {"calm", "choppy"}


def test_a_price_that_does_not_move_has_no_regime():
    assert watched([0.0] * 50).regime is None
