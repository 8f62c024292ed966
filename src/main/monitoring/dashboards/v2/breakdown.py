"""How is a breakdown shown: the option that chooses by what to part, each part's words, the table, what was cut off?"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol, TypeVar

from dash.development.base_component import Component

from main import text
from main.analytics.figure import Figure
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Option
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table

UNNAMED = "not known"

_WORDS = {
    "all": "All",
    "symbol": "Symbol",
    "strategy": "Strategy",
    "account": "Account",
    "side": "Side",
    "hour": "Hour",
    "size": "Size",
    "liquidity": "Maker or taker",
    "reason": "Reason",
    "month": "Month",
    "trade": "Trade",
    "model": "Model",
    "regime": "Regime",
    "weekday": "Weekday",
    "exit_type": "Exit",
}


class Part(Protocol):
    """What the rows of every breakdown have."""

    @property
    def currency(self) -> str:
        """Of its money."""
        ...

    @property
    def name(self) -> str | None:
        """Of the part; ``None`` where it is not known, or of all."""
        ...


P = TypeVar("P", bound=Part)


def option(*by: str) -> Option:
    """Return the option that chooses by what to part, the first one where nobody did."""
    return Option("by", "By", tuple((each, _WORDS[each]) for each in by))


def word(by: str) -> str:
    """Return what the parts are, as the head of their column."""
    return _WORDS[by]


def part_name(name: str | None, by: str) -> str:
    """Return a part's name ready to read: an hour as `14:00`, a month as `Oct 2026`, a size as the band it is."""
    if by == "all":
        return "All"
    if name is None:
        return UNNAMED
    if by == "month":
        return f"{date.fromisoformat(f'{name}-01'):%b %Y}"
    if by == "hour":
        return f"{name}:00"
    if by == "size":
        return f"from {text.compact(float(name))}"
    return name


def labels(parts: Sequence[P], by: str) -> list[str]:
    """Return each part's name, with its currency where there are several: their money is never added."""
    several = len({part.currency for part in parts}) > 1
    names = [part_name(part.name, by) for part in parts]
    return [f"{name} · {part.currency}" if several else name for name, part in zip(names, parts, strict=True)]


def figure(value: Figure, write: Callable[[float], str]) -> components.Child:
    """Return a figure as it is written, or a dash with its reason."""
    return components.unknown(value.reason) if value.value is None else write(value.value)


def parted(
    parts: Sequence[P], by: str, columns: Sequence[Column], cells: Callable[[P], Sequence[Cell]], *, label: str
) -> Component:
    """Return a table of the parts, in the caller's order: each one's name and, under `columns`, its `cells`."""
    named = zip(labels(parts, by), parts, strict=True)
    rows = [Row(name, [name, *cells(part)]) for name, part in named]
    return table([Column(word(by), phone="name"), *columns], rows, label=label)
