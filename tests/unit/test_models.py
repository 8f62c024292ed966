"""What models say and how they are judged, against plain recomputation."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from main.domain.events import Event, Model, ModelPerformance, ModelPrediction
from main.domain.market import Tick
from main.trading.daily_closes import DailyCloses
from main.trading.models.desk import ModelDesk
from main.trading.models.model import Expected, Turned
from main.trading.models.momentum_drift import MomentumDrift
from main.trading.models.volatility_forecast import DECAY, HORIZON, VolatilityForecast
from tests.factories import book

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


class Oracle:
    """Expects of X and Y what it was told to, once a day."""

    name, version, kind, unit, horizon_seconds = "oracle", "3", "test", "return", 86_400

    def __init__(self, turns: Sequence[tuple[float, float]]) -> None:
        self.parameters = {"of": "Delphi"}
        self._turns = iter(turns)
        self._last: tuple[float, float] | None = None

    def turn(self, tick: Tick) -> Turned | None:
        expected, came = next(self._turns)
        last, self._last = self._last, (expected, came)
        outcomes = {"X": came} if last is not None else {}
        return Turned(tick.at, {"X": Expected(expected)}, outcomes)


def tick(at: datetime, **mids: float) -> Tick:
    books = {
        symbol: book(Decimal(repr(mid)) - Decimal("0.01"), Decimal(repr(mid)) + Decimal("0.01"), symbol=symbol)
        for symbol, mid in mids.items()
    }
    return Tick(at, books)


def walk(hours: int, step: float, seed: int = 1) -> list[float]:
    random, price, prices = Random(seed), 100.0, []
    for _ in range(hours + 1):
        prices.append(round(price, 2))
        price *= math.exp(random.gauss(0, step))
    return prices


def test_the_volatility_that_came_is_that_of_the_ticks_of_the_horizon():
    model, prices = VolatilityForecast(), walk(36, 0.01)
    turns = [model.turn(tick(MIDNIGHT + HOUR * hour, X=price)) for hour, price in enumerate(prices)]
    told = [turn for turn in turns if turn is not None and turn.outcomes]
    assert [turn.at for turn in told] == [MIDNIGHT + HOUR * hour for hour in (6, 12, 18, 24, 30, 36)]
    for index, turn in enumerate(told):
        stretch = prices[6 * index : 6 * index + 7]
        moves = [math.log(after / before) for before, after in pairwise(stretch)]
        assert turn.outcomes["X"] == pytest.approx(math.sqrt(sum(move**2 for move in moves)))


def test_the_forecast_is_the_weighted_mean_of_past_horizons():
    model, prices = VolatilityForecast(), walk(18, 0.01)
    turns = [model.turn(tick(MIDNIGHT + HOUR * hour, X=price)) for hour, price in enumerate(prices)]
    first, second, third = [turn for turn in turns if turn is not None and turn.outcomes]
    assert first.expected["X"].value == pytest.approx(first.outcomes["X"])
    usual = DECAY * first.outcomes["X"] ** 2 + (1 - DECAY) * second.outcomes["X"] ** 2
    assert second.expected["X"].value == pytest.approx(math.sqrt(usual))
    assert second.expected["X"].baseline == pytest.approx(second.outcomes["X"])
    assert third.expected["X"].value != third.outcomes["X"]


def test_a_horizon_that_was_not_seen_as_a_whole_has_no_outcome():
    model = VolatilityForecast()
    hours = [0, 1, 3, 6, 7, 19, 21, 23, 24, 26, 30]  # 12 to 18 is missing, and so is the beginning of 18 to 24
    turns = [model.turn(tick(MIDNIGHT + HOUR * hour, X=100 + hour % 3)) for hour in hours]
    assert [hour for hour, turn in zip(hours, turns, strict=True) if turn is not None and turn.outcomes] == [6, 30]
    assert [hour for hour, turn in zip(hours, turns, strict=True) if turn is not None] == [0, 6, 19, 24, 30]
    assert HORIZON == 6 * HOUR


def test_momentum_drift_compounds_to_the_momentum_and_is_judged_by_the_next_close():
    closes = DailyCloses()
    model, prices = MomentumDrift(closes), walk(140, 0.02, seed=5)
    turns = [model.turn(tick(MIDNIGHT + timedelta(days=day), X=price)) for day, price in enumerate(prices)]
    expecting = [(day, turn) for day, turn in enumerate(turns) if turn is not None and turn.expected]
    assert expecting[0][0] == 127  # 127 closes are known when the 128th day begins
    day, turn = expecting[0]
    assert (1 + turn.expected["X"].value) ** 126 == pytest.approx(prices[day - 1] / prices[day - 127])
    after = turns[day + 1]
    assert after is not None
    assert after.outcomes["X"] == pytest.approx(prices[day] / prices[day - 1] - 1)


def test_a_symbol_without_a_price_on_the_day_is_not_judged_by_an_older_return():
    model = MomentumDrift(DailyCloses())
    for day in range(130):
        model.turn(tick(MIDNIGHT + timedelta(days=day), X=100 + day, Y=50 + day))
    model.turn(tick(MIDNIGHT + timedelta(days=130), X=240.0))
    turn = model.turn(tick(MIDNIGHT + timedelta(days=131), X=250.0, Y=60.0))
    assert turn is not None
    assert set(turn.outcomes) == {"X"}


def test_a_prediction_is_told_when_it_is_made_and_again_with_what_came():
    sink = Sink()
    desk = ModelDesk(sink, "test", [Oracle([(0.01, 0.0), (0.02, 0.05)])])
    desk.record(tick(MIDNIGHT, X=100))
    desk.record(tick(MIDNIGHT + timedelta(days=1), X=105))
    first, judged, second = sink.of(ModelPrediction)
    assert (first.prediction, first.outcome, first.revision) == (Decimal("0.01"), None, 0)
    assert (judged.source_id, judged.at, judged.revision) == (first.source_id, first.at, 1)
    assert (judged.prediction, judged.outcome) == (Decimal("0.01"), Decimal("0.05"))
    assert second.at == MIDNIGHT + timedelta(days=1)
    assert second.source_id != first.source_id


def test_a_model_introduces_itself_once_and_again_when_its_universe_grows():
    sink = Sink()
    desk = ModelDesk(sink, "test", [Oracle([(0.01, 0.0)] * 3)], strategies={"oracle": "market_maker"})
    desk.record(tick(MIDNIGHT, X=100))
    desk.record(tick(MIDNIGHT + HOUR, X=100))
    desk.record(tick(MIDNIGHT + 2 * HOUR, X=100, Y=3))
    models = sink.of(Model)
    assert [model.universe for model in models] == [("X",), ("X", "Y")]
    assert (models[0].status, models[0].strategy, models[0].version) == ("active", "market_maker", "3")


def test_quality_counts_the_last_thirty_days_and_only_what_was_judged():
    random = Random(7)
    turns = [(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(50)]
    sink = Sink()
    desk = ModelDesk(sink, "test", [Oracle(turns)])
    for day in range(50):
        desk.record(tick(MIDNIGHT + timedelta(days=day), X=100))
    last = sink.of(ModelPerformance)[-1]
    assert last.at == MIDNIGHT + timedelta(days=49)
    assert last.predictions == 29  # made after 30 days ago and judged: days 20 to 48
    pairs = [(turns[day][0], turns[day + 1][1]) for day in range(20, 49)]
    assert float(last.accuracy) == pytest.approx(sum((p > 0) == (a > 0) for p, a in pairs) / 29)
    assert float(last.error) == pytest.approx(sum(abs(p - a) for p, a in pairs) / 29)
    assert last.window_start == MIDNIGHT + timedelta(days=20)
    assert last.drift is not None


def test_what_is_lived_again_is_not_recorded_but_remembered():
    turns = [(0.01, 0.0), (0.02, 0.05), (0.03, 0.06)]
    sink, whole = Sink(), Sink()
    desk, other = ModelDesk(sink, "test", [Oracle(turns)]), ModelDesk(whole, "test", [Oracle(turns)])
    for day in range(3):
        at = MIDNIGHT + timedelta(days=day)
        other.record(tick(at, X=100))
        (desk.relive if day < 2 else desk.record)(tick(at, X=100))
    assert sink.events == [event for event in whole.events if event in sink.events]
    assert [event.revision for event in sink.of(ModelPrediction)] == [1, 0]
