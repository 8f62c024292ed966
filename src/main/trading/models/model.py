"""What is a model? Something that learns from ticks, says what it expects, and can later be told what came."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from main.domain.market import Tick


@dataclass(frozen=True, slots=True)
class Expected:
    """What a model expects of a symbol. ``baseline`` is what one would without it: a rise or fall counts from there."""

    value: float
    baseline: float = 0.0


class PredictiveModel(Protocol):
    """Expects something of every symbol it knows, each time its clock turns.

    ``turn`` returns what it expects now and what came of what it expected the last time, both by symbol, at the first
    tick after its clock turned; ``None`` between. Figures are fractions in ``unit``.
    """

    name: str
    version: str
    kind: str
    unit: str
    horizon_seconds: int

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was chosen when it was made."""
        ...

    def turn(self, tick: Tick) -> "Turned | None":
        """Take in a tick."""
        ...


@dataclass(frozen=True, slots=True)
class Turned:
    """One turn of a model's clock: what came of what it expected at the turn before, and what it expects by the next.

    A symbol without an outcome had none: what was expected of it is not judged.
    """

    at: datetime
    expected: Mapping[str, Expected]
    outcomes: Mapping[str, float]
