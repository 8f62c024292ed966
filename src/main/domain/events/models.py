"""Which models trade, what did they predict, and how good were they?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from main.domain.events.base import Event
from main.domain.topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Event):
    """A model as it is now. ``budget`` is money it may bind, ``universe`` the symbols it is asked about."""

    table = "models"
    topic = Topic.MODELS
    replaces = ("source", "model")
    choices = {"status": ("active", "shadow", "retired")}

    source: str
    model: str
    version: str
    kind: str
    status: str
    strategy: str | None = None
    budget: Decimal | None = None
    universe: tuple[str, ...] = ()
    regime: str | None = None
    trained_at: datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrediction(Event):
    """What a model expected of a symbol within ``horizon_seconds``; what came is its revision 1, of the same time."""

    table = "model_predictions"
    topic = Topic.MODELS
    droppable = True
    positive = frozenset({"horizon_seconds"})

    source: str
    source_id: str
    model: str
    version: str
    symbol: str
    horizon_seconds: int
    prediction: Decimal
    unit: str = "return"
    outcome: Decimal | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPerformance(Event):
    """How good a model's predictions were from ``window_start`` to ``at``: fractions and figures, no per cent."""

    table = "model_performance"
    topic = Topic.MODELS

    source: str
    model: str
    version: str
    window_start: datetime
    predictions: int
    accuracy: Decimal | None = None
    error: Decimal | None = None
    ic: Decimal | None = None
    sharpe: Decimal | None = None
    drift: Decimal | None = None
    revision: int = 0
