"""Uptime: how the database, bots, feeds and services were, day by day."""

from collections.abc import Sequence

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.uptime_bars import NamedUptime, uptime_bars
from main.monitoring.reads import uptime
from main.monitoring.reads.uptime import Uptime


def draw(answers: Answers, scope: Scope) -> Component:
    things = answers[uptime.READ].value or []
    if not things:
        reason = "The worker looks every 15 seconds at what is well; its first day begins when it runs."
        return components.empty("Nobody has looked yet", reason, icon_name="activity")
    several = len({thing.service.rpartition("@")[2] for thing in things if "@" in thing.service}) > 1
    rows = [NamedUptime(_name(thing, hosts=several), thing) for thing in _sorted(things)]
    return uptime_bars(rows, answers[uptime.READ].freshness.moment.date(), uptime.DAYS, live=scope.live)


def caption(answers: Answers, scope: Scope) -> str:
    return f"% of {uptime.DAYS} days · hollow where nobody looked"


def _sorted(things: Sequence[Uptime]) -> list[Uptime]:
    """Return the database, bots and feeds first, then what serves pages, as the guide has it."""
    order = ("database", "bot", "feed", "dashboard", "manager", "worker")
    return sorted(things, key=lambda thing: order.index(thing.kind) if thing.kind in order else len(order))


def _name(thing: Uptime, *, hosts: bool) -> str:
    if thing.kind == "feed":
        return f"Feed: {thing.service}"
    if thing.kind == "bot":
        return thing.label
    name = thing.service if hosts else thing.service.rpartition("@")[0] or thing.service
    return name.replace("-", " ").capitalize()


PANEL = Panel(
    "uptime",
    "Uptime",
    page="Health",
    reads=(uptime.READ,),
    draw=draw,
    caption=caption,
    legend=(("Up", "ok-3"), ("Degraded", "warn-4"), ("Down", "critical-mark")),
    width=7,
    order=60,
    height=300,
    skeleton="table",
)
