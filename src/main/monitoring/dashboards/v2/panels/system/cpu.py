"""CPU: how busy the machine is."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.host_source import shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import host_history, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    history = shown(answers, scope, host_history.READ, lambda now: now.usage).value
    if history is None or history.latest is None or history.latest.cpu is None:
        return components.empty(
            "No samples in this range", "The worker samples the machine while it runs.", icon_name="cpu"
        )
    now = history.latest
    cores = f" · {now.cpu_count} core{'' if now.cpu_count == 1 else 's'}" if now.cpu_count else ""
    detail = f"mean {_share(now.cpu_mean)} · max {_share(now.cpu_max)}{cores}"
    figure = figures.host_trend(
        [point.at for point in history.points],
        [point.cpu for point in history.points],
        limit=history.cpu_limit,
        window=(history.start, history.end),
        high=[point.cpu_max for point in history.points],
    )
    return Picture(components.reading(_share(now.cpu), unit="%", detail=detail), figure)


def caption(answers: Answers, scope: Scope) -> str:
    history = shown(answers, scope, host_history.READ, lambda now: now.usage)
    return history.caption(f"% of all cores · {scope.window}")


def _share(fraction: float | None) -> str:
    return text.percent(fraction, 1).removesuffix("%")


PANEL = Panel(
    "cpu",
    "CPU",
    page="Health",
    reads=(host_history.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=20,
    height=180,
    kind="figure",
    refines=True,
)
