"""Disk: how full the disk is that the data is on, and how fast it fills."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.host_source import shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import host_history, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    history = shown(answers, scope, host_history.READ, lambda now: now.usage).value
    if history is None or history.latest is None or history.latest.disk is None:
        reason = "The worker samples the machine while it runs."
        return components.empty("No samples in this range", reason, icon_name="hard-drive")
    now = history.latest
    detail = (
        f"{text.bytes_(now.disk_used_bytes)} of {text.bytes_(now.disk_total_bytes)}{_growth(now.disk_growth_bytes)}"
    )
    figure = figures.host_trend(
        [point.at for point in history.points],
        [point.disk for point in history.points],
        limit=history.disk_limit,
        window=(history.start, history.end),
        high=[point.disk_max for point in history.points],
    )
    return Picture(components.reading(text.percent(now.disk, 1).removesuffix("%"), unit="%", detail=detail), figure)


def caption(answers: Answers, scope: Scope) -> str:
    history = shown(answers, scope, host_history.READ, lambda now: now.usage)
    path = history.value.latest.disk_path if history.value and history.value.latest else None
    return history.caption(f"% used · {scope.window} · {path}" if path else f"% used · {scope.window}")


def _growth(bytes_a_day: float | None) -> str:
    if bytes_a_day is None:
        return ""
    size = text.bytes_(bytes_a_day)
    return f" · {'+' if bytes_a_day > 0 else ''}{size} a day"


PANEL = Panel(
    "disk",
    "Disk",
    page="Health",
    reads=(host_history.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=40,
    height=180,
    kind="figure",
)
