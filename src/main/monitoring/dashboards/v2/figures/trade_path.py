"""How did the price go while a trade was open: from before its entry to after its exit, with both marked?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from main.monitoring.dashboards.v2.figures.lines import Curve, Level, lines
from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, Write, epoch_ms


@dataclass(frozen=True, slots=True)
class Execution:
    """The entry or the exit: ``name`` is the word beside its mark, ``rises`` whether it bought."""

    name: str
    at: datetime
    price: float
    buys: bool


def trade_path(
    at: Sequence[datetime], mids: Series, executions: Sequence[Execution], *, write: Write, stop: float | None = None
) -> FigureDict:
    """Return the mid with its executions as triangles (up: bought), and its initial stop where one was set."""
    levels = [] if stop is None else [Level(stop, f"stop {write(stop)}", "warn")]
    prices = [each.price for each in executions]
    # The marks belong to the axis as the mids do: a fill may be better than any mid that was recorded.
    figure = lines(
        at,
        [Curve("Mid", mids, "accent")],
        write=write,
        ticks=lambda ticks: [write(tick) for tick in ticks],
        levels=[*levels, *(Level(price, tone="line-strong") for price in prices)],
    )
    figure["data"].append(
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": [epoch_ms(each.at) for each in executions],
            "y": prices,
            "text": [f"{each.name} {write(each.price)}" for each in executions],
            "textposition": ["top right" if each.buys else "bottom right" for each in executions],
            "textfont": {"size": 11, "color": "@ink-2"},
            "marker": {
                "size": 11,
                "symbol": ["triangle-up" if each.buys else "triangle-down" for each in executions],
                "color": "@ink",
            },
            "hoverinfo": "skip",
            "cliponaxis": False,
        }
    )
    return figure
