"""Processor: what the cores spend their time on."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import axes, components, figures
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import host_cpu, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu).value
    if cpu is None or cpu.latest is None:
        return components.empty(*NO_SAMPLES, icon_name="cpu")
    points, latest = cpu.points, cpu.latest
    parts = [
        figures.StackedPart("System", [point.system_share for point in points], "cat-2"),
        figures.StackedPart("User", [point.user_share for point in points], "accent"),
        figures.StackedPart("Waiting for disks", [point.iowait_share for point in points], "cat-3"),
        figures.StackedPart("Stolen", [point.steal_share for point in points], "cat-4"),
    ]
    kinds = [("user", latest.user_share), ("system", latest.system_share), ("waiting", latest.iowait_share)]
    told = [f"{name} {text.percent(share, 1)}" for name, share in [*kinds, ("stolen", latest.steal_share)]]
    figure = figures.stacked_areas(
        [point.at for point in points],
        parts,
        write=lambda value: text.percent(value, 1),
        ticks=axes.percent_ticks,
        high=1.0,
    )
    busy = text.percent(latest.busy_share, 1).removesuffix("%")
    return Picture(components.reading(busy, unit="%", detail=" · ".join(told)), figure)


def caption(answers: Answers, scope: Scope) -> str:
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu)
    limit = cpu.value.limit_cores if cpu.value else None
    limited = f" · the container may use {text.ratio(limit, 1)} cores" if limit else ""
    return cpu.caption(f"% of all cores{limited} · {scope.window}")


PANEL = Panel(
    "cpu_split",
    "Processor",
    page="Infrastructure",
    reads=(host_cpu.READ, host_now.READ),
    draw=draw,
    caption=caption,
    legend=(("User", "accent"), ("System", "cat-2"), ("Waiting", "cat-3"), ("Stolen", "cat-4")),
    width=6,
    order=20,
    height=240,
    kind="figure",
    refines=True,
)
