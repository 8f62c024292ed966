"""Interfaces: what goes through each, and what was lost in the window."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.rates import rate
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.host_states import InterfaceCourse
from main.monitoring.reads import host_network, host_now

_ONE = "one sample alone tells of no rate"
_COLUMNS = [
    Column("Interface", phone="name"),
    Column("Received", "right", phone="corner"),
    Column("Sent", "right", phone="figure"),
    Column("Errors", "right", phone="figure"),
    Column("Drops", "right", phone="figure"),
]


def draw(answers: Answers, scope: Scope) -> Component:
    courses = shown(answers, scope, host_network.READ, lambda now: now.network).value
    if not courses:
        return components.empty(*NO_SAMPLES, icon_name="globe")
    return table(_COLUMNS, [_row(course) for course in courses], label="Network interfaces")


def caption(answers: Answers, scope: Scope) -> str:
    courses = shown(answers, scope, host_network.READ, lambda now: now.network)
    return courses.caption(f"errors and drops of {scope.window}")


def _row(course: InterfaceCourse) -> Row:
    latest = course.latest
    name: Cell = course.interface
    if course.up is False:
        name = [f"{course.interface} ", components.chip("down", "warn", icon_name="triangle-alert")]
    cells: list[Cell] = [
        name,
        components.amount(rate(latest.received_bytes_per_second) if latest else text.DASH, reason=_ONE),
        components.amount(rate(latest.sent_bytes_per_second) if latest else text.DASH, reason=_ONE),
        components.amount(text.DASH if course.errors is None else f"{course.errors:,}", reason=_ONE),
        components.amount(text.DASH if course.drops is None else f"{course.drops:,}", reason=_ONE),
    ]
    return Row(course.interface, cells)


PANEL = Panel(
    "network_interfaces",
    "Interfaces",
    page="Infrastructure",
    reads=(host_network.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=110,
    height=180,
    kind="flush",
    skeleton="table",
)
