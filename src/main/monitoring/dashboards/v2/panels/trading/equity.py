"""Equity over drawdown, through the window."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import account_totals, bots, equity
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
    )


def caption(answers: Answers, scope: Scope) -> str:
    points = answers[equity.READ].value or []
    currencies = sorted({point.currency for point in points})
    if not currencies:
        return scope.window
    shown = _shown(answers)[0].currency
    others = [currency for currency in currencies if currency != shown]
    return " · ".join([shown, scope.window, *([f"{', '.join(others)} below"] if others else [])])


def _shown(answers: Answers) -> list[EquityPoint]:
    """Return the curve of the currency with most accounts: one chart holds one unit, the table has every currency."""
    curves: dict[str, list[EquityPoint]] = {}
    for point in answers[equity.READ].value or []:
        curves.setdefault(point.currency, []).append(point)
    accounts = {total.currency: total.accounts for total in answers[account_totals.READ].value or []}
    drawable = {currency: curve for currency, curve in curves.items() if len(curve) > 1} or curves
    chosen = min(drawable, key=lambda currency: (-accounts.get(currency, 0), currency), default="")
    return curves.get(chosen, [])


PANEL = Panel(
    "equity",
    "Equity and drawdown",
    page="Overview",
    reads=(equity.READ, account_totals.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=8,
    order=20,
    height=300,
    kind="figure",
    legend=(("Equity", "accent"), ("Drawdown", "loss")),
)
