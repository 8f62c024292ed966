"""Temperatures: how hot each sensor is, and from where on that is too hot."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.host_states import SensorState
from main.monitoring.reads import host_cpu, host_now, host_temperatures

_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down"}
_COLUMNS = [
    Column("Sensor", phone="name"),
    Column("Now, °C", phone="corner"),
    Column("Highest", "right", phone="figure"),
    Column("Too hot", "right", phone="figure"),
]


def draw(answers: Answers, scope: Scope) -> Component:
    found = shown(answers, scope, host_temperatures.READ, lambda now: now.temperatures).value
    if found:
        return table(_COLUMNS, [_row(each) for each in found], label="Temperatures")
    cpu = shown(answers, scope, host_cpu.READ, lambda now: now.cpu).value
    if cpu is None or not cpu.cores:
        return components.empty(*NO_SAMPLES, icon_name="activity")
    reason = "This machine shows none: virtual machines and containers have no sensors of their own."
    return components.empty("No temperature sensors", reason, icon_name="activity")


def caption(answers: Answers, scope: Scope) -> str:
    found = shown(answers, scope, host_temperatures.READ, lambda now: now.temperatures)
    return found.caption(f"highest of {scope.window}" if found.value else "")


def _row(each: SensorState) -> Row:
    bound = each.high_celsius if each.high_celsius is not None else each.critical_celsius
    cells: list[Cell] = [
        each.sensor,
        components.light(_LIGHTS.get(each.condition, "unknown"), text.ratio(each.celsius, 1)),
        text.ratio(each.highest_celsius, 1),
        components.amount(text.ratio(bound, 1), reason="the sensor names no bound"),
    ]
    return Row(each.sensor, cells)


PANEL = Panel(
    "temperatures",
    "Temperatures",
    page="Infrastructure",
    reads=(host_temperatures.READ, host_cpu.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=3,
    order=120,
    height=180,
    kind="flush",
    skeleton="table",
)
