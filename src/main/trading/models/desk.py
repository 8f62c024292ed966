"""What did the models say, what came of it, and how good were they lately? Recorded as they run.

A prediction is recorded when it is made and again, as its revision 1, when its outcome is known. Once a day the quality
of each model over the last `WINDOW` is recorded. Ids follow from model, symbol and moment, so that what is told twice
is recorded once.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from main.analytics.model_quality import (
    accuracy,
    following_sharpe,
    information_coefficient,
    mean_absolute_error,
    population_stability,
)
from main.domain.events import Event, Model, ModelPerformance, ModelPrediction
from main.domain.market import Tick
from main.trading.journal import Sink
from main.trading.models.model import Expected, PredictiveModel

WINDOW = timedelta(days=30)
SECONDS_A_YEAR = 365 * 86_400
REFERENCE = 400
"""How many predictions make the population that later ones are compared with: drift counts from a model's beginning."""

_DIGITS = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class _Judged:
    at: datetime
    expected: Expected
    outcome: float


@dataclass(slots=True)
class _Record:
    """What is remembered of one model."""

    waiting: dict[str, tuple[ModelPrediction, Expected]] = field(default_factory=dict)
    judged: deque[_Judged] = field(default_factory=deque)
    reference: list[float] = field(default_factory=list)
    day: date | None = None


class ModelDesk:
    """Runs the models of one market."""

    def __init__(
        self, sink: Sink, source: str, models: Sequence[PredictiveModel], *, strategies: Mapping[str, str] | None = None
    ) -> None:
        """`strategies` names, by model, the strategy that trades on it; the others only watch."""
        self._sink = sink
        self._source = source
        self._models = tuple(models)
        self._strategies = strategies or {}
        self._records = {model.name: _Record() for model in models}
        self._universes: dict[str, tuple[str, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The models that run, with their version."""
        return tuple(f"{model.name}@{model.version}" for model in self._models)

    def record(self, tick: Tick) -> None:
        """Take in a tick, and record what the models say at it."""
        for event in self._see(tick):
            self._sink.record(event)

    def relive(self, tick: Tick) -> None:
        """Take in a tick that an earlier run has recorded."""
        for _ in self._see(tick):
            pass

    def _see(self, tick: Tick) -> Iterator[Event]:
        for model in self._models:
            yield from self._introduced(model, tick)
            turned = model.turn(tick)
            if turned is None:
                continue
            record = self._records[model.name]
            yield from _outcomes(record, turned.outcomes)
            yield from self._predictions(model, record, tick.at, turned.expected)
            yield from self._judgement(model, record, tick.at)

    def _introduced(self, model: PredictiveModel, tick: Tick) -> Iterator[Event]:
        """The model itself, whenever its universe is new."""
        universe = tuple(sorted(tick.books))
        if self._universes.get(model.name) == universe:
            return
        self._universes[model.name] = universe
        strategy = self._strategies.get(model.name)
        yield Model(
            at=tick.at,
            source=self._source,
            model=model.name,
            version=model.version,
            kind=model.kind,
            status="active" if strategy else "shadow",
            strategy=strategy,
            universe=universe,
            parameters=model.parameters,
        )

    def _predictions(
        self, model: PredictiveModel, record: _Record, at: datetime, expected: Mapping[str, Expected]
    ) -> Iterator[ModelPrediction]:
        record.waiting = {}
        for symbol, each in expected.items():
            prediction = ModelPrediction(
                at=at,
                source=self._source,
                source_id=f"{model.name}@{model.version}:{symbol}:{at:%Y%m%dT%H%M%S%f}",
                model=model.name,
                version=model.version,
                symbol=symbol,
                horizon_seconds=model.horizon_seconds,
                prediction=_decimal(each.value),
                unit=model.unit,
            )
            record.waiting[symbol] = prediction, each
            if len(record.reference) < REFERENCE:
                record.reference.append(each.value)
            yield prediction

    def _judgement(self, model: PredictiveModel, record: _Record, at: datetime) -> Iterator[ModelPerformance]:
        """The quality of the last days, once a day (UTC)."""
        if record.day == at.date():
            return
        begun, record.day = record.day is not None, at.date()
        while record.judged and record.judged[0].at <= at - WINDOW:
            record.judged.popleft()
        if not begun or not record.judged:
            return
        predicted = [each.expected.value for each in record.judged]
        actual = [each.outcome for each in record.judged]
        turns = [each.expected.value - each.expected.baseline for each in record.judged]
        came = [each.outcome - each.expected.baseline for each in record.judged]
        followed = model.unit == "return"  # nobody can hold a volatility
        yearly = SECONDS_A_YEAR / model.horizon_seconds
        yield ModelPerformance(
            at=at,
            source=self._source,
            model=model.name,
            version=model.version,
            window_start=max(at - WINDOW, record.judged[0].at),
            predictions=len(predicted),
            accuracy=_optional(accuracy(turns, came)),
            error=_optional(mean_absolute_error(predicted, actual)),
            ic=_optional(information_coefficient(predicted, actual)),
            sharpe=_optional(following_sharpe(predicted, actual, yearly) if followed else None),
            drift=_optional(population_stability(record.reference, predicted)),
        )


def _outcomes(record: _Record, outcomes: Mapping[str, float]) -> Iterator[ModelPrediction]:
    for symbol, (prediction, expected) in record.waiting.items():
        if symbol in outcomes:
            record.judged.append(_Judged(prediction.at, expected, outcomes[symbol]))
            yield replace(prediction, revision=1, outcome=_decimal(outcomes[symbol]))


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_DIGITS)


def _optional(value: float | None) -> Decimal | None:
    return None if value is None else _decimal(value)
