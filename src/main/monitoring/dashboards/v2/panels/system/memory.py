"""Memory: how much of the machine's memory is in use."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.host_source import shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import host_history, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    history = shown(answers, scope, host_history.READ, lambda now: now.usage).value
    if history is None or history.latest is None or history.latest.memory is None:
        reason = "The worker samples the machine while it runs."
        return components.empty("No samples in this range", reason, icon_name="memory-stick")
    now = history.latest
    swap = "" if now.swap_used_bytes is None else f" · swap {text.bytes_(now.swap_used_bytes)}"
    detail = f"{text.bytes_(now.memory_used_bytes)} of {text.bytes_(now.memory_total_bytes)}{swap}"
    figure = figures.host_trend(
        [point.at for point in history.points],
        [point.memory for point in history.points],
        limit=history.memory_limit,
        window=(history.start, history.end),
        high=[point.memory_max for point in history.points],
    )
    return Picture(components.reading(text.percent(now.memory, 1).removesuffix("%"), unit="%", detail=detail), figure)


def caption(answers: Answers, scope: Scope) -> str:
    history = shown(answers, scope, host_history.READ, lambda now: now.usage)
    return history.caption(f"% used · {scope.window}")


PANEL = Panel(
    "memory",
    "Memory",
    page="Health",
    reads=(host_history.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=30,
    height=180,
    kind="figure",
    refines=True,
)
