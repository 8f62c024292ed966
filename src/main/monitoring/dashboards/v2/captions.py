"""What does the line beside a panel's title say: its unit, its scope, and which of too many are shown?"""

from collections.abc import Sequence
from typing import Protocol


class OfCurrency(Protocol):
    """A row that is about money of one currency."""

    @property
    def currency(self) -> str:
        """The currency's code."""
        ...


def joined(*words: str) -> str:
    """Return what is to be said, one after the other; what is empty is left out."""
    return " · ".join(each for each in words if each)


def cut(shown: int, of: int, which: str = "", what: str = "") -> str:
    """Return which of too many are shown, "the largest 12 of 340 accounts"; nothing where all of them are."""
    return " ".join(word for word in (which, f"{shown:,} of {of:,}", what) if word) if of > shown else ""


def seen(step_seconds: float | None) -> str:
    """Return how far the points of a curve lie apart that a drawdown was seen at; nothing where that is not known."""
    if step_seconds is None:
        return ""
    if step_seconds >= 86400:
        return "daily closes"
    for size, unit in ((3600, "h"), (60, "min")):
        if step_seconds >= size:
            return f"every {step_seconds / size:.0f} {unit}"
    return f"every {step_seconds:.0f} s"


def currency(rows: Sequence[OfCurrency]) -> str:
    """Return the currency of all rows; nothing where they have several, or there are none."""
    found = {row.currency for row in rows}
    return found.pop() if len(found) == 1 else ""
