"""Disk traffic: what all disks read and write together."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.dashboards.v2.rates import count_rate, rate, two_ways
from main.monitoring.host_course import all_disks
from main.monitoring.reads import host_disks, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    points = all_disks(shown(answers, scope, host_disks.READ, lambda now: now.disks).value or [])
    if not points:
        return components.empty(*NO_SAMPLES, icon_name="hard-drive")
    latest = points[-1]
    figure = two_ways(
        [point.at for point in points],
        ("Read", [point.read_bytes_per_second for point in points]),
        ("Written", [point.written_bytes_per_second for point in points]),
    )
    busy = "" if latest.busy_share is None else f" · busiest {text.percent(latest.busy_share, 1)}"
    operations = f"{count_rate(latest.reads_per_second)} reads/s, {count_rate(latest.writes_per_second)} writes/s"
    detail = f"written {rate(latest.written_bytes_per_second)} · {operations}{busy}"
    return Picture(components.reading(rate(latest.read_bytes_per_second), unit="read", detail=detail), figure)


def caption(answers: Answers, scope: Scope) -> str:
    courses = shown(answers, scope, host_disks.READ, lambda now: now.disks)
    return courses.caption(f"all disks · {scope.window}")


PANEL = Panel(
    "disk_rates",
    "Disk traffic",
    page="Infrastructure",
    reads=(host_disks.READ, host_now.READ),
    draw=draw,
    caption=caption,
    legend=(("Read", "accent"), ("Written", "cat-2")),
    width=6,
    order=80,
    height=180,
    kind="figure",
    refines=True,
)
