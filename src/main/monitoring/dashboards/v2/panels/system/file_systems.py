"""File systems: how full each one is, in bytes and inodes, and when it will be full."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.host_states import FileSystemState
from main.monitoring.reads import host_file_systems, host_now

LONG = 3650 * 86_400.0
_LIGHTS: dict[str, tuple[LightState, str]] = {"ok": ("ok", "Room"), "degraded": ("degraded", "Filling")}
_COLUMNS = [
    Column("Mounted at", phone="name"),
    Column("State", phone="corner"),
    Column("Used", phone="figure"),
    Column("Free", "right", phone="figure"),
    Column("Inodes used", "right"),
    Column("Growth a day", "right"),
    Column("Full in", "right", phone="figure"),
    Column("Device", muted=True),
    Column("Kind", muted=True),
]


def draw(answers: Answers, scope: Scope) -> Component:
    found = shown(answers, scope, host_file_systems.READ, lambda now: now.file_systems).value
    if not found:
        return components.empty(*NO_SAMPLES, icon_name="hard-drive")
    return table(_COLUMNS, [_row(each) for each in found], label="File systems")


def caption(answers: Answers, scope: Scope) -> str:
    found = shown(answers, scope, host_file_systems.READ, lambda now: now.file_systems)
    return found.caption(f"growth over {scope.window}")


def _row(each: FileSystemState) -> Row:
    written = f"{text.percent(each.used_share, 1)} of {text.bytes_(each.total_bytes)}"
    left = each.full_seconds if each.full_seconds is not None and each.full_seconds < LONG else None
    growing = "it does not grow" if each.growth_bytes is not None else "half an hour of samples is needed"
    cells: list[Cell] = [
        each.mount,
        components.light(*_LIGHTS.get(each.condition, ("down", "Full"))),
        components.limit_bar(each.used_share, written, warn_at=0.9),
        text.bytes_(each.free_bytes),
        components.amount(text.percent(each.inodes_share, 1), reason="it has no inodes of its own"),
        components.amount(text.bytes_(each.growth_bytes), reason="half an hour of samples is needed"),
        components.amount(text.duration(left), reason=growing if each.full_seconds is None else "not in ten years"),
        each.device,
        each.kind,
    ]
    return Row(each.mount, cells)


PANEL = Panel(
    "file_systems",
    "File systems",
    page="Infrastructure",
    reads=(host_file_systems.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=70,
    kind="flush",
    skeleton="table",
)
