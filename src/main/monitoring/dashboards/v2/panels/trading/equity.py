"""Equity over drawdown, through the window."""

from collections import Counter

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import accounts, bots, equity
from main.monitoring.reads.equity import EquityPoint


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    points = _shown(answers)
    if len(points) < 2:
        return reasons.nothing(
            answers,
            scope,
            "No equity in this range",
            "a curve needs two observations of equity: choose a longer range.",
            icon_name="chart-line",
            ranged=True,
        )
    return figures.equity_and_drawdown(
        [point.at for point in points],
        [point.equity for point in points],
        [point.drawdown for point in points],
        low=[point.low for point in points],
        high=[point.high for point in points],
    )


def caption(answers: Answers, scope: Scope) -> str:
    return one_currency.named(_shown(answers), answers[equity.READ].value, scope.window)


def _shown(answers: Answers) -> list[EquityPoint]:
    """Return the curve of the currency that most accounts have, of those that are more than a point."""
    points = answers[equity.READ].value or []
    counts = Counter(point.currency for point in points)
    drawable = [point for point in points if counts[point.currency] > 1] or points
    return one_currency.shown(drawable, answers[accounts.READ].value)


PANEL = Panel(
    "equity",
    "Equity and drawdown",
    page="Overview",
    reads=(equity.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=8,
    order=20,
    height=300,
    kind="figure",
    refines=True,
    legend=(("Equity", "accent"), ("Drawdown", "loss")),
)
