"""Services: every process of the suite, with what it takes and what it last complained of."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, services
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.services import ServiceState

_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down"}
_WIDEST_STDERR = 60


def draw(answers: Answers, scope: Scope) -> Component:
    processes = answers[services.READ].value
    if not scope.live:
        reason = "Only the present state of the processes is kept. Go back to live to see it."
        return components.empty("Services have no past", reason, icon_name="server")
    if not processes:
        reason = "No process has reported yet. Start the set with: python ai_trader.py dashboards start"
        return components.empty("No services", reason, icon_name="server")
    heard = [bot for bot in answers[bots.READ].value or [] if bot.status is not None]
    hosts = len({*(process.host for process in processes), *(bot.host for bot in heard)}) > 1
    rows = [*(_row(process, hosts) for process in processes), *(_bot(bot, hosts) for bot in heard)]
    return table(_columns(hosts), rows, label="Services")


def caption(answers: Answers, scope: Scope) -> str:
    processes = answers[services.READ].value or []
    troubled = sum(process.condition in ("down", "degraded") for process in processes)
    if not processes:
        return ""
    heard = sum(bot.status is not None for bot in answers[bots.READ].value or [])
    count = f"{len(processes) + heard} processes"
    return f"{count} · {troubled} in trouble" if troubled else count


def _columns(hosts: bool) -> list[Column]:
    return [
        Column("Service", phone="name"),
        *([Column("Host", muted=True)] if hosts else []),
        Column("State", phone="corner"),
        Column("PID", "right", muted=True),
        Column("Uptime", "right", phone="figure"),
        Column("Restarts", "right"),
        Column("CPU, %", "right", phone="figure"),
        Column("RSS", "right", phone="figure"),
        Column("Probe", "right"),
        Column("Version"),
        Column("Last stderr"),
    ]


def _row(process: ServiceState, hosts: bool) -> Row:
    word = "Silent" if process.silent else process.state.capitalize()
    cells: list[Cell] = [
        process.service.replace("-", " "),
        *([process.host] if hosts else []),
        components.light(_LIGHTS.get(process.condition, "unknown"), word),
        str(process.pid) if process.pid else components.unknown("not running"),
        components.age(process.started_at),
        html.Span(str(process.restarts), title=process.restart_reason or None),
        components.amount(text.percent(process.cpu_share, 1).removesuffix("%"), reason="not sampled"),
        components.amount(text.bytes_(process.rss_bytes), reason="not sampled"),
        components.amount(text.latency(process.probe_seconds), reason="not probed"),
        process.version or components.unknown("not reported"),
        _shortened(process.last_stderr or process.restart_reason),
    ]
    return Row(f"{process.service}@{process.host}", cells)


def _bot(bot: BotState, hosts: bool) -> Row:
    """Return a bot by its own word: the manager does not supervise it, and nobody samples what it takes."""
    unsampled = components.unknown("not sampled: the manager does not supervise bots")
    cells: list[Cell] = [
        f"bot: {bot.label}",
        *([bot.host or components.unknown("not reported")] if hosts else []),
        components.light(
            _LIGHTS.get(bot.condition, "unknown"), "Silent" if bot.silent else (bot.status or "").capitalize()
        ),
        str(bot.pid) if bot.pid else components.unknown("not reported"),
        components.amount(text.duration(bot.uptime_seconds), reason="not reported"),
        components.unknown("not counted: the manager does not supervise bots"),
        unsampled,
        unsampled,
        components.unknown("not probed: it sends heartbeats"),
        bot.version or components.unknown("not reported"),
        components.unknown("not kept here: it is in the bot's log"),
    ]
    return Row(f"bot:{bot.account}", cells)


def _shortened(stderr: str | None) -> Cell:
    if not stderr:
        return components.unknown("nothing was written")
    line = stderr.strip().splitlines()[-1] if stderr.strip() else ""
    short = line if len(line) <= _WIDEST_STDERR else f"{line[: _WIDEST_STDERR - 1]}…"
    return html.Span(short, title=stderr)


PANEL = Panel(
    "services",
    "Services",
    page="Health",
    reads=(services.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=50,
    kind="flush",
    skeleton="table",
)
