"""A figure that may not exist: its value, or the reason why there is none."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Either a finite ``value``, or ``None`` and the ``reason``, which is shown beside the "—".

    A reason is a clause in lower case without a full stop: "no trades", "needs 30 days, has 5".
    """

    value: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError(f"a figure has a value or a reason, not {self.value!r} and {self.reason!r}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is no figure: say why there is none")


def missing(reason: str) -> Figure:
    """Return the figure that does not exist for this reason."""
    return Figure(None, reason)


def too_few(count: int, minimum: int, things: str = "days") -> Figure:
    """Return the figure that `count` observations are too few for."""
    return missing(f"needs {minimum} {things}, has {count}")


def quotient(numerator: float, denominator: float, reason: str, factor: float = 1.0) -> Figure:
    """Return numerator / denominator · factor; missing for `reason` unless the denominator is above zero."""
    return bounded(numerator / denominator * factor) if denominator > 0 else missing(reason)


def power(base: float, exponent: float) -> float:
    """Return base ** exponent for a base ≥ 0, infinity where it is too large for a float."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf


def bounded(value: float) -> Figure:
    """Return the figure; missing where arithmetic has run into infinity, which JSON does not know."""
    return Figure(value) if math.isfinite(value) else missing("too large to be shown")
