"""Database transactions: how many are committed and rolled back a second."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.database_parts import few_times, unsampled
from main.monitoring.dashboards.v2.figures import Curve, FigureDict
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import database_load


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    load = answers[database_load.READ].value
    if not load or not load.points:
        return unsampled()
    points = [point for point in load.points if point.commits_per_second is not None]
    if not points:
        return components.empty("One sample so far", "A rate needs two.", icon_name="database")
    figure = figures.lines(
        [point.at for point in points],
        [
            Curve("Committed", [point.commits_per_second for point in points], "accent"),
            Curve("Rolled back", [point.rollbacks_per_second for point in points], "cat-2"),
        ],
        write=lambda value: text.ratio(value, 1),
        ticks=lambda ticks: [text.compact(tick) for tick in ticks],
        low=0.0,
    )
    return few_times(figure)


def caption(answers: Answers, scope: Scope) -> str:
    return f"a second · {scope.window}"


PANEL = Panel(
    "database_transactions",
    "Transactions",
    page="Database",
    reads=(database_load.READ,),
    draw=draw,
    caption=caption,
    width=4,
    order=40,
    height=240,
    kind="figure",
    refines=True,
)
