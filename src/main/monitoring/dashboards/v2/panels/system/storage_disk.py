"""Disk use: how full the disk was through the range, against the level at which it is too full."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import host_history


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    history = answers[host_history.READ].value
    if history is None or history.latest is None or history.latest.disk is None:
        reason = "The worker samples the machine while it runs."
        return components.empty("No samples in this range", reason, icon_name="hard-drive")
    return figures.host_trend(
        [point.at for point in history.points],
        [point.disk for point in history.points],
        limit=history.disk_limit,
        window=(history.start, history.end),
        high=[point.disk_max for point in history.points],
    )


def caption(answers: Answers, scope: Scope) -> str:
    history = answers[host_history.READ].value
    used = history.latest.disk if history and history.latest else None
    return f"% used · {scope.window}" + (f" · now {text.percent(used, 1)}" if used is not None else "")


PANEL = Panel(
    "storage_disk",
    "Disk use",
    page="Storage",
    reads=(host_history.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=20,
    height=180,
    kind="figure",
    refines=True,
)
