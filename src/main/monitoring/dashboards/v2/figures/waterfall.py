"""From what to what, and through which parts: each part a bar that begins where the one before it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from main import text
from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.parts import FigureDict


@dataclass(frozen=True, slots=True)
class Step:
    """One part in money, signed; a ``whole`` is what all before it come to, and stands on zero.

    What is ``moved`` in or out is neither won nor lost.
    """

    name: str
    value: float
    whole: bool = False
    moved: bool = False


def waterfall(steps: Sequence[Step]) -> FigureDict:
    """Return the steps in their order, gains up and losses down, each with its amount above it."""
    bases, reached = [], [0.0]
    for step in steps:
        bases.append(0.0 if step.whole else reached[-1])
        reached.append(step.value if step.whole else reached[-1] + step.value)
    low, high = min(reached), max(reached)
    margin = (high - low) * 0.16 or 1.0
    # The amount of what is lost stands below its bar: above the names, however little the bar has below it.
    beneath = [end - margin / 2 for step, end in zip(steps, reached[1:], strict=True) if step.value < 0]
    low, high = min([low - (margin if low < 0 else 0), *beneath]), high + margin
    span = max((abs(step.value) for step in steps), default=0.0)
    words = [text.signed_money(step.value, 0 if span >= 1000 else 2) for step in steps]
    bars = {
        "type": "bar",
        "x": list(range(len(steps))),
        "y": [step.value for step in steps],
        "base": bases,
        "text": words,
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"size": 11, "color": "@ink-2"},
        "customdata": [f"{step.name}: {text.signed_money(step.value)}" for step in steps],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": [_tone(step) for step in steps], "cornerradius": 2},
    }
    layout = {
        "margin": {"l": 0, "r": 60, "t": 8, "b": 24},
        "hovermode": "closest",
        "xaxis": axes.axis(range(len(steps)), [step.name for step in steps])
        | {"side": "bottom", "showgrid": False, "showspikes": False, "tickangle": 0, "ticklen": 0},
        "yaxis": axes.value_axis(low, high, lambda ticks: axes.money_ticks(ticks, signed=True), count=4)
        | {"zeroline": True, "zerolinecolor": "@zero-line"},
        "uirevision": "keep",
    }
    return {"data": [bars], "layout": layout}


def _tone(step: Step) -> str:
    if step.whole:
        return "@accent"
    if step.moved:
        return "@neutral-4"
    return "@profit-4" if step.value >= 0 else "@loss-4"
