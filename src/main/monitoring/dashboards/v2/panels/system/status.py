"""Status: one light for everything that can be well or not."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from dash.development.base_component import Component

from main import text
from main.database.pool import DatabaseStatus
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import Light, LightState
from main.monitoring.dashboards.v2.health_lights import alerts_light, pipelines_light
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import (
    bots,
    database_status,
    feeds,
    host_history,
    open_alerts,
    pipelines,
    services,
    worker_jobs,
)
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.feeds import FeedState
from main.monitoring.reads.host_history import HostHistory
from main.monitoring.reads.services import ServiceState

_STATES: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "late": "late", "down": "down"}
_FEED_WORDS = {"ok": "Healthy", "late": "Late", "down": "Silent", "idle": "Idle", "unknown": "Nothing received"}


def draw(answers: Answers, scope: Scope) -> Component:
    return components.lights(_lights(answers, scope))


def caption(answers: Answers, scope: Scope) -> str:
    lights = _lights(answers, scope)
    troubled = [light for light in lights if light.state in ("down", "degraded", "late")]
    healthy = sum(light.state == "ok" for light in lights)
    names = ", ".join(f"{light.name} {light.word.lower()}" for light in troubled[:3])
    known = sum(light.state != "unknown" for light in lights)
    return f"{healthy} of {known} healthy" + (f" · {names}" if names else "")


def _lights(answers: Answers, scope: Scope) -> list[Light]:
    heard = answers[bots.READ].value or []
    processes = answers[services.READ].value or []
    return [
        _database(answers[database_status.READ].value, processes, scope),
        *(_bot(bot, scope) for bot in heard),
        *(_feed(feed, scope) for feed in answers[feeds.READ].value or []),
        _recorder(heard),
        *_processes(processes),
        pipelines_light(answers[pipelines.READ].value or []),
        alerts_light(answers[worker_jobs.READ].value or [], answers[open_alerts.READ].value or []),
        _disk(answers[host_history.READ].value),
    ]


def _database(status: DatabaseStatus | None, processes: Sequence[ServiceState], scope: Scope) -> Light:
    if not scope.live:
        return Light("database", "Database", "unknown", "No past", "only known live")
    if status is None or status.reachable is None:
        return Light("database", "Database", "unknown", "Not tried yet")
    if not status.reachable:
        return Light(
            "database", "Database", "down", "Unreachable", ["since ", components.moment(status.since)], own=True
        )
    # A process that never pinged has no version of its own; the worker reports one.
    reported = next((process.version for process in processes if process.kind == "database"), None)
    version = (status.version or reported or "").partition(" ")[0]
    ping = "" if status.ping_seconds is None else f" · {text.latency(status.ping_seconds)}"
    return Light("database", "Database", "ok", "Healthy", f"PostgreSQL {version}{ping}" if version else status.target)


def _when(at: datetime | None, scope: Scope) -> list[Component | str]:
    """Return how long ago something was, or in the past when: an age counts from now, not from the moment shown."""
    return [components.age(at), " ago"] if scope.live else ["at ", components.moment(at)]


def _bot(bot: BotState, scope: Scope) -> Light:
    state = _STATES.get(bot.condition, "unknown")
    if bot.status is None:
        return Light("bot", bot.label, state, "Never heard", "no heartbeat recorded")
    word = "Silent" if bot.silent else bot.status.capitalize()
    return Light("bot", bot.label, state, word, ["heartbeat ", *_when(bot.heard_at, scope)])


def _feed(feed: FeedState, scope: Scope) -> Light:
    icon = "flask-conical" if feed.source.partition(":")[0] == "sim" else "globe"
    state = _STATES.get(feed.condition, "unknown")
    detail: components.Child = ["last message ", *_when(feed.heard_at, scope)]
    if feed.condition == "ok":
        symbols = f"{feed.symbols} symbol{'' if feed.symbols == 1 else 's'}"
        detail = f"{text.ratio(feed.messages_per_second, 1)} msg/s · {symbols}"
    elif feed.condition == "unknown":
        detail = "no snapshot recorded"
    return Light(icon, f"Feed: {feed.source}", state, _FEED_WORDS[feed.condition], detail)


def _recorder(heard: Sequence[BotState]) -> Light:
    counts = [bot.dropped_events for bot in heard if bot.dropped_events is not None]
    if not counts:
        return Light("layers", "Recorder", "unknown", "Not known", "no bot was heard")
    dropped = sum(counts)
    if dropped:
        return Light("layers", "Recorder", "degraded", f"{dropped:,} dropped", "events lost since the bot started")
    return Light("layers", "Recorder", "ok", "Complete", "0 dropped since the bot started")


def _processes(processes: Sequence[ServiceState]) -> Iterator[Light]:
    icons = {"dashboard": "layout-dashboard", "worker": "workflow"}
    words = {"dashboard": "Serving", "worker": "Working"}
    for process in processes:
        if process.kind not in icons:
            continue
        port = f" :{process.port}" if process.port and process.kind == "dashboard" else ""
        well = process.condition == "ok" and process.state == "running"
        word = "Silent" if process.silent else words[process.kind] if well else process.state.capitalize()
        name = f"{process.service.removesuffix('-dashboard').capitalize()}{port}"
        yield Light(icons[process.kind], name, _STATES.get(process.condition, "unknown"), word, _detail(process))


def _detail(process: ServiceState) -> components.Child:
    if process.silent:
        return ["last word ", components.age(process.heard_at), " ago"]
    complaint = (process.last_stderr or process.restart_reason or "").strip()
    if process.condition == "down" and complaint:
        return complaint.splitlines()[-1]
    viewers = f"{process.viewers} viewer{'' if process.viewers == 1 else 's'}" if process.viewers is not None else ""
    probe = text.latency(process.probe_seconds) if process.probe_seconds is not None else ""
    return " · ".join(part for part in (viewers, probe) if part) or f"pid {process.pid or text.DASH}"


def _disk(history: HostHistory | None) -> Light:
    if history is None:
        return Light("hard-drive", "Disk", "unknown", "Not known", "its samples could not be read")
    sample = history.latest
    if sample is None or sample.disk is None:
        return Light("hard-drive", "Disk", "unknown", "Not sampled", "the worker samples the machine")
    state = _STATES.get(sample.disk_condition, "unknown")
    left = sample.disk_limit_seconds
    detail = f"of {text.bytes_(sample.disk_total_bytes)}"
    if left is not None and left < 3650 * 86_400:
        detail = f"{text.duration(left)} until {text.percent(host_history.DISK_LIMIT, 0)}"
    return Light("hard-drive", "Disk", state, f"{text.percent(sample.disk, 0)} used", detail)


PANEL = Panel(
    "status",
    "Status",
    page="Health",
    reads=(
        database_status.READ,
        bots.READ,
        feeds.READ,
        services.READ,
        host_history.READ,
        pipelines.READ,
        worker_jobs.READ,
        open_alerts.READ,
    ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="lights",
)
