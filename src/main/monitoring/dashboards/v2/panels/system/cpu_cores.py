"""Cores: which of them were busy when."""

from collections.abc import Hashable, Mapping
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Panel, Picture
from main.monitoring.host_question import HostPoints
from main.monitoring.read import Read
from main.monitoring.reads import host_cpu, host_now

COLUMNS = HostPoints(60)
"""Cells of 256 cores are many."""


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {host_cpu.READ: COLUMNS}


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu).value
    if cpu is None or cpu.latest is None:
        return components.empty(*NO_SAMPLES, icon_name="cpu")
    known = [(share, core) for core, share in enumerate(cpu.latest.core_share) if share is not None]
    points = cpu.points[-COLUMNS.points :]
    figure = figures.core_map([point.at for point in points], [point.core_share for point in points])
    busiest, core = max(known, default=(None, 0))
    idlest = min(known, default=(None, 0))[0]
    detail = f"core {core} · idlest {text.percent(idlest, 0)}" if len(known) > 1 else ""
    return Picture(
        components.reading(text.percent(busiest, 0).removesuffix("%"), unit="% busiest", detail=detail), figure
    )


def caption(answers: Answers, scope: Scope) -> str:
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu)
    count = cpu.value.cores if cpu.value else 0
    cores = f"{count} core{'' if count == 1 else 's'} · " if count else ""
    return cpu.caption(f"{cores}the brighter, the busier · {scope.window}")


PANEL = Panel(
    "cpu_cores",
    "Cores",
    page="Infrastructure",
    reads=(host_cpu.READ, host_now.READ),
    draw=draw,
    caption=caption,
    params=params,
    width=6,
    order=30,
    height=240,
    kind="figure",
)
