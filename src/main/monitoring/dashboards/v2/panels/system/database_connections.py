"""Database connections: how many there were, and how many of them worked."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures
from main.monitoring.dashboards.v2.database_parts import few_times, unsampled
from main.monitoring.dashboards.v2.figures import Curve, FigureDict, Level
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import database_load

_NEAR = 0.5
"""From this share of the limit on, the limit is worth the room that it takes from the lines."""


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    load = answers[database_load.READ].value
    if not load or load.latest is None or not load.points:
        return unsampled()
    limit = load.latest.connections_limit - load.latest.connections_reserved
    near = max(point.connections for point in load.points) >= _NEAR * limit
    figure = figures.lines(
        [point.at for point in load.points],
        [
            Curve("All", [point.connections for point in load.points], "accent", steps=True),
            Curve("Active", [point.active for point in load.points], "cat-3", steps=True),
            Curve("Idle in tx", [point.idle_in_transaction for point in load.points], "cat-2", steps=True),
        ],
        write=_count,
        ticks=lambda ticks: [_count(tick) if float(tick).is_integer() else "" for tick in ticks],
        levels=[Level(limit, f"limit {limit:,}", "warn")] if near else [],
        low=0.0,
    )
    return few_times(figure)


def caption(answers: Answers, scope: Scope) -> str:
    return f"the most at a time · {scope.window}"


def _count(value: float | None) -> str:
    return "—" if value is None else f"{value:,.0f}"


PANEL = Panel(
    "database_connections",
    "Connections",
    page="Database",
    reads=(database_load.READ,),
    draw=draw,
    caption=caption,
    width=4,
    order=30,
    height=240,
    kind="figure",
    refines=True,
)
