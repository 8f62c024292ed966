"""What is one measured figure, what was asked of it, and is that met?"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit from the issue, in the unit of its figure; `least` turns it into a floor."""

    limit: float
    strict: bool = True
    least: bool = False

    def met(self, value: float) -> bool:
        if self.least:
            return value >= self.limit
        return value < self.limit if self.strict else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.least else '<' if self.strict else '≤'} {self.limit:,g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is, its value and unit, its aim if it has one, and how it spread over the repetitions."""

    figure: str
    value: float
    unit: str
    aim: Aim | None = None
    spread: str = ""

    @property
    def written(self) -> str:
        return f"{written(self.value)} {self.unit}".strip()

    @property
    def asked(self) -> str:
        return f"{self.aim} {self.unit}".strip() if self.aim else ""

    @property
    def verdict(self) -> str:
        return ("met" if self.aim.met(self.value) else "missed") if self.aim else ""


def written(value: float) -> str:
    """Three significant digits; whole numbers from a hundred on, and nothing finer than a thousandth."""
    if abs(value) < 0.0005:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def median_row(figure: str, values: Iterable[float], unit: str, aim: Aim | None = None) -> Row:
    """The median of repetitions, with the least and the greatest of them: a shared machine makes some slow."""
    found = sorted(values)
    spread = f"{written(found[0])} … {written(found[-1])}, n = {len(found)}" if len(found) > 1 else ""
    return Row(figure, statistics.median(found), unit, aim, spread)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, by linear interpolation."""
    found = sorted(values)
    place = share * (len(found) - 1)
    low = int(place)
    high = min(low + 1, len(found) - 1)
    return found[low] + (found[high] - found[low]) * (place - low)
