"""Slippage: where fills were worse than the market was when the order arrived."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.execution_part import FillParts
from main.monitoring.reads import bots, slippage

MOST = 10


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    parts = answers[slippage.READ].value or []
    if not parts:
        running = f"nothing was filled in {scope.window}."
        return reasons.nothing(answers, scope, "No fills", running, icon_name="timer", ranged=True)
    shown, by = parts[:MOST], answers.chosen["by"]
    bars = []
    for part, label in zip(shown, breakdown.labels(shown, by), strict=True):
        written = text.bps(part.bps.value, signed=True)
        hover = f"{label}: {written}, {text.money(part.cost)} {part.currency} on {part.fills:,} fills"
        if part.bps.value is None:
            hover = f"{label}: {part.bps.reason}"
        elif part.worst_bps is not None:
            hover += f"<br>worst {text.bps(part.worst_bps, signed=True)}, best {text.bps(part.best_bps, signed=True)}"
        # A cost is no loss of a trade: it has the accent, and a gain on the mid a quieter tone.
        tone = "accent" if (part.bps.value or 0) >= 0 else "neutral-4"
        bars.append(figures.CategoryBar(label, part.bps.value, written, tone, hover))
    return figures.category_bars(bars)


def caption(answers: Answers, scope: Scope) -> str:
    parts = answers[slippage.READ].value or []
    return captions.joined(
        "to the mid when it was placed, positive = cost, negative = it rested", captions.cut(MOST, len(parts))
    )


PANEL = Panel(
    "slippage",
    "Slippage",
    page="Execution",
    reads=(slippage.READ, bots.READ),
    options=(breakdown.option("symbol", "strategy", "side", "hour", "size", "liquidity", "account"),),
    params=lambda chosen: {slippage.READ: FillParts(chosen["by"])},  # type: ignore[arg-type]  # checked by FillParts
    draw=draw,
    caption=caption,
    width=6,
    order=20,
    height=300,
    kind="figure",
)
