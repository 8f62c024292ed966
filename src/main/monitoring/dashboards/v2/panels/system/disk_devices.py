"""Disks: each device's traffic, operations and how busy it is."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.rates import count_rate, rate
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.host_states import DiskCourse
from main.monitoring.reads import host_disks, host_now

_ONE = "one sample alone tells of no rate"
_COLUMNS = [
    Column("Device", phone="name"),
    Column("Busy", "right", phone="corner"),
    Column("Read", "right", phone="figure"),
    Column("Written", "right", phone="figure"),
    Column("Reads/s", "right"),
    Column("Writes/s", "right"),
]


def draw(answers: Answers, scope: Scope) -> Component:
    courses = shown(answers, scope, host_disks.READ, lambda now: now.disks).value
    if not courses:
        return components.empty(*NO_SAMPLES, icon_name="hard-drive")
    return table(_COLUMNS, [_row(course) for course in courses], label="Disks")


def caption(answers: Answers, scope: Scope) -> str:
    return shown(answers, scope, host_disks.READ, lambda now: now.disks).caption("now")


def _row(course: DiskCourse) -> Row:
    latest = course.latest
    if latest is None:
        return Row(course.device, [course.device, *(components.unknown(_ONE) for _ in _COLUMNS[1:])])
    cells: list[Cell] = [
        course.device,
        components.amount(text.percent(latest.busy_share, 1), reason="this system does not count it"),
        components.amount(rate(latest.read_bytes_per_second), reason=_ONE),
        components.amount(rate(latest.written_bytes_per_second), reason=_ONE),
        components.amount(count_rate(latest.reads_per_second), reason=_ONE),
        components.amount(count_rate(latest.writes_per_second), reason=_ONE),
    ]
    return Row(course.device, cells)


PANEL = Panel(
    "disk_devices",
    "Disks",
    page="Infrastructure",
    reads=(host_disks.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=5,
    order=100,
    height=180,
    kind="flush",
    skeleton="table",
)
