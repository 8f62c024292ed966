"""Are the ports of our services free, ours, or somebody else's?"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from main.config import Settings
from main.diagnosis.finding import Finding, failed, passed, warned
from main.diagnosis.situation import Situation
from main.errors import AITraderError
from main.monitoring.dashboards.v2.probe import ask, reachable_host
from main.monitoring.dashboards.v2.running_manager import HOST, find_manager
from main.monitoring.dashboards.v2.service_commands import service_commands
from main.telemetry.ports import is_free, port_owner
from main.trading.choice import USUAL

_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service listens, or would. ``service`` is what it calls itself in its probes."""

    service: str
    host: str
    port: int
    setting: str


def ports(situation: Situation) -> list[Finding]:
    """Look at the port of every service. Not for an event loop: it asks over HTTP and waits."""
    settings = situation.known
    ours = _ours(settings)
    return [_place(place, ours) for place in places_of(settings)]


def places_of(settings: Settings) -> Iterator[Place]:
    """Yield where manager, dashboards, worker and bots listen with these settings."""
    yield Place("manager", HOST, settings.manager.port, "MANAGER_PORT")
    for command in service_commands(settings):
        yield Place(command.name, command.host, command.port, command.setting)
    for number in range(_bots(settings)):
        yield Place("bot", HOST, settings.trade.health_port + number, "BOT_HEALTH_PORT")


def _place(place: Place, ours: Mapping[int, str]) -> Finding:
    check = f"port {place.port}"
    try:
        free = is_free(place.host, place.port)
    except AITraderError as error:
        return failed(check, error.message, f"set {place.setting} to a port this user may use")
    if free:
        return passed(check, f"free for the {place.service}")
    owner = port_owner(place.port) or "a process this user may not look at"
    if place.port in ours or (place.service == "bot" and _answers(place)):
        return passed(check, f"{ours.get(place.port, place.service)} ({owner})")
    another = f"or set {place.setting} to another port"
    if _answers(place):
        seen = f"a {place.service} that no manager of this data folder runs ({owner})"
        return warned(check, seen, f"end it ({_ending(owner)}), {another}")
    return failed(check, f"wanted by the {place.service}, held by {owner}", f"end that process, {another}")


def _answers(place: Place) -> bool:
    """Tell whether who listens there calls itself by the service's name."""
    try:
        reply = asyncio.run(ask(reachable_host(place.host), place.port, "/livez", within=_PROBE_SECONDS))
        told = json.loads(reply.body)
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("service") == place.service


def _ours(settings: Settings) -> dict[int, str]:
    """Return the ports that our manager and what it runs hold, with their names."""
    manager = find_manager(settings)
    if manager is None:
        return {}
    ours = {manager.state.port: "manager"}
    try:
        services: list[dict[str, Any]] = manager.document()["services"]
    except (AITraderError, KeyError):
        services = []
    return ours | {row["port"]: row["service"] for row in services if row["port"] and _holds(row["pid"], row["port"])}


def _holds(pid: int | None, port: int) -> bool:
    """Tell whether a service's process, or one that it started, listens on the port."""
    if pid is None:
        return False
    try:
        service = psutil.Process(pid)
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            for process in (service, *service.children(recursive=True))
            for connection in process.net_connections("tcp")
        )
    except psutil.Error:
        return False


def _bots(settings: Settings) -> int:
    """Return how many accounts a bot with these settings trades: a port each."""
    if settings.trade.account is not None:
        return settings.trade.account.count(",") + 1
    usual = USUAL.get(settings.trade.feed.partition(":")[0], {})
    return 1 if settings.trade.broker != "paper" else max(1, len(usual))


def _ending(owner: str) -> str:
    pid = owner.rpartition("pid ")[2]
    return f"kill {pid}" if pid.isdigit() else "stop it"
