"""Correlation: which strategies or symbols earn and lose on the same days?"""

from typing import Any

from main import text
from main.analytics.figure import Figure
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Option, Panel
from main.monitoring.reads import accounts, bots, correlation
from main.monitoring.reads.correlation import Between, CorrelationMatrix

OF = (("strategy", "Strategies"), ("symbol", "Symbols"), ("price", "Prices"))
MOST = 12
"""Names whose cells can still be read."""


def draw(answers: Answers, scope: Scope) -> Drawing:
    matrix = _shown(answers)
    if matrix is None:
        running = f"no trade was closed in {scope.window}: choose a longer range."
        return reasons.nothing(answers, scope, "Nothing to compare", running, icon_name="network", ranged=True)
    if all(cell.value is None for place, row in enumerate(matrix.cells) for cell in row[:place]):
        why = next((cell.reason for place, row in enumerate(matrix.cells) for cell in row[:place]), "")
        alone = len(matrix.names) < 2
        reason = f"Two {_of(answers)} are needed, {matrix.names[0]} is alone." if alone else f"Every pair {why}."
        way_out = reasons.longer_range(scope)
        return components.empty("Nothing to compare", reason, icon_name="network", way_out=way_out)
    names = matrix.names
    return figures.correlation_map(
        figures.Cells(
            names,
            names,
            [[cell.value for cell in row] for row in matrix.cells],
            [[text.ratio(cell.value) for cell in row] for row in matrix.cells],
            [
                [_hover(row, column, cell) for column, cell in zip(names, cells, strict=True)]
                for row, cells in zip(names, matrix.cells, strict=True)
            ],
        )
    )


def caption(answers: Answers, scope: Scope) -> str:
    matrix = _shown(answers)
    unit = "daily price returns" if answers.chosen["of"] == "price" else "daily net P&L"
    days = f"{matrix.days:,} days" if matrix is not None else ""
    return one_currency.caption(answers[correlation.READ].value, answers[accounts.READ].value, unit, days)


def _shown(answers: Answers) -> CorrelationMatrix | None:
    return next(iter(one_currency.shown(answers[correlation.READ].value, answers[accounts.READ].value)), None)


def _of(answers: Answers) -> str:
    return dict(OF)[answers.chosen["of"]].lower()


def _hover(row: str, column: str, cell: Figure) -> str:
    return (
        f"{row} and {column}: {text.ratio(cell.value)}"
        if cell.value is not None
        else f"{row} and {column} {cell.reason}"
    )


def _asked(chosen: Any) -> Between:
    return Between(by=chosen["of"], most=MOST)


PANEL = Panel(
    "correlation",
    "Correlation",
    page="Risk",
    reads=(correlation.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=100,
    height=400,
    kind="figure",
    options=(Option("of", "Of", OF),),
    params=lambda chosen: {correlation.READ: _asked(chosen)},
)
