"""Machine: one line of figures that says how the machine is."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, Shown, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.host_figures import meaning
from main.monitoring.host_states import FilesPoint, HostCpu, HostMemory
from main.monitoring.host_usage import HostHistory
from main.monitoring.reads import host_cpu, host_files, host_history, host_memory, host_now


def draw(answers: Answers, scope: Scope) -> Component:
    usage = _usage(answers, scope).value
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu).value
    memory = shown(answers, scope, host_memory.READ, lambda now: now.memory).value
    files = shown(answers, scope, host_files.READ, lambda now: host_files.HostFiles(None, _last(now.files), [])).value
    if usage is None or usage.latest is None:
        return components.empty(*NO_SAMPLES, icon_name="server")
    latest = files.latest if files else None
    return components.kpi_band([*_processor(usage, cpu), *_memory(usage, memory), _files(files, latest), _disk(usage)])


def caption(answers: Answers, scope: Scope) -> str:
    usage = _usage(answers, scope)
    latest = usage.value.latest if usage.value else None
    return usage.caption(latest.host if latest else "")


def _usage(answers: Answers, scope: Scope) -> Shown[HostHistory]:
    return shown(answers, scope, host_history.READ, lambda now: now.usage)


def _last(points: Sequence[FilesPoint]) -> FilesPoint | None:
    return points[-1] if points else None


def _processor(usage: HostHistory, cpu: HostCpu | None) -> list[Component]:
    now = usage.latest
    point = cpu.latest if cpu else None
    limit = cpu.limit_cores if cpu else None
    cores = f"{now.cpu_count} cores" if now and now.cpu_count else ""
    of = f"of the container's {text.ratio(limit, 1)} cores" if limit else cores
    loads = [] if point is None else [point.load_5, point.load_15]
    told = " · ".join(text.ratio(load) for load in loads)
    return [
        components.kpi("CPU", _share(now.cpu if now else None, "not sampled twice yet"), detail=of, lead=True),
        components.kpi(
            "Load, 1 min",
            _told(
                components.amount(text.ratio(point.load_1 if point else None), reason="not told by this system"),
                "load_1",
            ),
            detail=f"5 and 15 min: {told}" if told else "",
        ),
    ]


def _memory(usage: HostHistory, memory: HostMemory | None) -> list[Component]:
    now = usage.latest
    point = memory.latest if memory else None
    swap = point.swap_used_bytes if point else None
    total = point.swap_total_bytes if point else None
    of = f"{text.bytes_(now.memory_used_bytes)} of {text.bytes_(now.memory_total_bytes)}" if now else ""
    container = " of the container" if memory and memory.limit_bytes else ""
    share = swap / total if swap is not None and total else None
    reason = "this machine has no swap" if total == 0 else "not sampled yet"
    return [
        components.kpi(
            "Memory",
            _told(_share(now.memory if now else None, "not sampled"), "memory_used_bytes"),
            detail=of + container,
        ),
        components.kpi(
            "Swap",
            _told(_share(share, reason), "swap_used_bytes"),
            detail=f"of {text.bytes_(total)}" if total else "none",
        ),
    ]


def _files(files: host_files.HostFiles | None, latest: FilesPoint | None) -> Component:
    count = latest.open_files if latest else None
    suite = files.suite_files if files else None
    return components.kpi(
        "Open files",
        _told(
            components.amount(text.DASH if count is None else f"{count:,}", reason="this system does not tell"),
            "open_files",
        ),
        detail="" if suite is None else f"{suite:,} of the suite",
    )


def _disk(usage: HostHistory) -> Component:
    now = usage.latest
    left = now.disk_limit_seconds if now else None
    told = f"{text.duration(left)} until {text.percent(usage.disk_limit, 0)}" if left and left < 3650 * 86_400 else ""
    up = f"of {text.bytes_(now.disk_total_bytes)}" if now else ""
    return components.kpi("Disk", _share(now.disk if now else None, "not sampled"), detail=told or up)


def _share(fraction: float | None, reason: str) -> Component:
    return components.amount(text.percent(fraction, 1), reason=reason)


def _told(figure: Component, name: str) -> Component:
    return html.Span(figure, title=meaning(name))


PANEL = Panel(
    "machine",
    "Machine",
    page="Infrastructure",
    reads=(host_history.READ, host_cpu.READ, host_memory.READ, host_files.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
