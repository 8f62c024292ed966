"""Write-ahead log: how much the server writes into it, and how many checkpoints that costs."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.captions import joined
from main.monitoring.dashboards.v2.database_parts import few_times, unsampled
from main.monitoring.dashboards.v2.figures import Curve, FigureDict
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import database_load


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    load = answers[database_load.READ].value
    if not load or not load.points:
        return unsampled()
    points = [point for point in load.points if point.wal_bytes_per_second is not None]
    if not points:
        return components.empty("One sample so far", "A rate needs two.", icon_name="database")
    figure = figures.lines(
        [point.at for point in points],
        [Curve("Written", [point.wal_bytes_per_second for point in points], "accent", fill=0.16)],
        write=text.bytes_,
        ticks=lambda ticks: [text.bytes_(tick) for tick in ticks],
        low=0.0,
    )
    return few_times(figure)


def caption(answers: Answers, scope: Scope) -> str:
    load = answers[database_load.READ].value
    counted = load.counted if load else None
    early = counted.checkpoints_requested if counted else None
    said = f"{early:,} early checkpoint{'' if early == 1 else 's'}" if early is not None else ""
    return joined("B/s", scope.window, said)


PANEL = Panel(
    "database_wal",
    "Write-ahead log",
    page="Database",
    reads=(database_load.READ,),
    draw=draw,
    caption=caption,
    width=4,
    order=50,
    height=240,
    kind="figure",
    refines=True,
)
