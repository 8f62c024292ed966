"""Memory in use: what programs have, what is cached and could be had, and what was moved out to swap."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.host_states import MemoryPoint
from main.monitoring.reads import host_memory, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    memory = shown(answers, scope, host_memory.READ, lambda now: now.memory).value
    if memory is None or memory.latest is None:
        return components.empty(*NO_SAMPLES, icon_name="memory-stick")
    points, latest = memory.points, memory.latest
    figure = figures.stacked_areas(
        [point.at for point in points],
        [
            figures.StackedPart("Used", [point.used_bytes for point in points], "accent"),
            figures.StackedPart("Cached", [point.cached_bytes for point in points], "cat-3"),
        ],
        write=text.bytes_,
        ticks=lambda ticks: [text.bytes_(tick) if tick else "0" for tick in ticks],
        high=latest.total_bytes,
    )
    return Picture(components.reading(text.bytes_(latest.used_bytes), detail=_detail(latest)), figure)


def caption(answers: Answers, scope: Scope) -> str:
    memory = shown(answers, scope, host_memory.READ, lambda now: now.memory)
    limit = memory.value.limit_bytes if memory.value else None
    return memory.caption(f"of the container's {text.bytes_(limit)} · {scope.window}" if limit else scope.window)


def _detail(latest: MemoryPoint) -> str:
    cached = "" if latest.cached_bytes is None else f"cached {text.bytes_(latest.cached_bytes)}"
    left = f"available {text.bytes_(latest.available_bytes)}"
    swap = f"swap {text.bytes_(latest.swap_used_bytes)}" if latest.swap_total_bytes else "no swap"
    return " · ".join(part for part in (cached, left, swap) if part)


PANEL = Panel(
    "memory_use",
    "Memory",
    page="Infrastructure",
    reads=(host_memory.READ, host_now.READ),
    draw=draw,
    caption=caption,
    legend=(("Used", "accent"), ("Cached", "cat-3")),
    width=4,
    order=50,
    height=180,
    kind="figure",
    refines=True,
)
