"""Load: how many processes want to run, against how many can."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import host_cpu, host_history, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu).value
    if cpu is None or cpu.latest is None:
        return components.empty(*NO_SAMPLES, icon_name="activity")
    if cpu.latest.load_1 is None:
        return components.empty("No load", "This operating system does not count it.", icon_name="activity")
    points = cpu.points
    figure = figures.courses(
        [point.at for point in points],
        [
            figures.Curve("15 min", [point.load_15 for point in points], "cat-3", width=1.25),
            figures.Curve("5 min", [point.load_5 for point in points], "cat-2", width=1.25),
            figures.Curve("1 min", [point.load_1 for point in points], "accent"),
        ],
        write=text.ratio,
        ticks=lambda ticks: [text.ratio(tick, 1) for tick in ticks],
        limit=(float(cpu.cores), "cores"),
        behind=_highest(answers, scope),
    )
    detail = f"5 min {text.ratio(cpu.latest.load_5)} · 15 min {text.ratio(cpu.latest.load_15)} · {cpu.cores} cores"
    return Picture(components.reading(text.ratio(cpu.latest.load_1), detail=detail), figure)


def _highest(answers: Answers, scope: Scope) -> figures.Curve | None:
    """Return the load of one minute by the buckets that have its maxima: the lines above have a sample of each."""
    history = shown(answers, scope, host_history.READ, lambda now: now.usage).value
    if history is None:
        return None
    points = [point for point in history.points if point.load is not None]
    return figures.Curve(
        "1 min",
        [point.load for point in points],
        "accent",
        at=[point.at for point in points],
        high=[point.load_max for point in points],
    )


def caption(answers: Answers, scope: Scope) -> str:
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu)
    return cpu.caption(scope.window)


PANEL = Panel(
    "load",
    "Load",
    page="Infrastructure",
    reads=(host_cpu.READ, host_history.READ, host_now.READ),
    draw=draw,
    caption=caption,
    legend=(("1 min", "accent"), ("5", "cat-2"), ("15", "cat-3")),
    width=4,
    order=40,
    height=180,
    kind="figure",
    refines=True,
)
