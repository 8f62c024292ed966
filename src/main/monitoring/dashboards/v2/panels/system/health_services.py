"""Services in short: every process of the suite, with its processor use of the last hour."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.service_table import process_words
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, service_cpu, services
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.services import ServiceState

_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down"}
_COLUMNS = [
    Column("Service", phone="name"),
    Column("State", phone="corner"),
    Column("PID", "right", muted=True),
    Column("Uptime", "right", phone="figure"),
    Column("Restarts", "right"),
    Column("CPU, %", "right", phone="figure"),
    Column("Last hour"),
    Column("RSS", "right", phone="figure"),
    Column("Probe", "right"),
    Column("Viewers", "right"),
    Column("Version"),
    Column("Last stderr", muted=True),
]


def draw(answers: Answers, scope: Scope) -> Component:
    processes, heard = answers[services.READ].value or [], _heard(answers)
    if not scope.live:
        reason = "Only the present state of the processes is kept. Go back to live to see it."
        return components.empty("Services have no past", reason, icon_name="server")
    if not processes and not heard:
        reason = "No process has reported yet. Start the set with: python ai_trader.py dashboards start"
        return components.empty("No services", reason, icon_name="server")
    used = {(each.host, each.service): each.share for each in answers[service_cpu.READ].value or []}
    # Several accounts' bots may run in one process, which is sampled under the name of one of them.
    sampled = [bot for bot in heard if (bot.host or "", f"bot:{bot.account}") in used]
    together = {(bot.host, bot.pid): used[bot.host or "", f"bot:{bot.account}"] for bot in sampled}
    rows = [
        *(_service(each, used.get((each.host, each.service))) for each in processes),
        *(_bot(each, together.get((each.host, each.pid))) for each in heard),
    ]
    return html.Div(table(_COLUMNS, rows, label="Services in short"), className="health-services")


def caption(answers: Answers, scope: Scope) -> str:
    processes, heard = answers[services.READ].value or [], _heard(answers)
    counted = f"{process_words(processes, heard)} · CPU over the last hour"
    return counted if (processes or heard) and scope.live else ""


def _heard(answers: Answers) -> list[BotState]:
    return [bot for bot in answers[bots.READ].value or [] if bot.status is not None]


def _service(each: ServiceState, course: Sequence[float] | None) -> Row:
    word = "Silent" if each.silent else each.state.capitalize()
    why = each.restart_reason or "since its supervisor started"
    viewers = text.DASH if each.viewers is None else f"{each.viewers:,}"
    cells: list[Cell] = [
        each.service.replace("-", " "),
        components.light(_LIGHTS.get(each.condition, "unknown"), word),
        str(each.pid) if each.pid else components.unknown("not running"),
        components.age(each.started_at) if each.started_at else components.unknown("not running"),
        html.Span(f"{each.restarts:,}", className="number", title=why),
        *_use(each.cpu_share, course, each.rss_bytes),
        components.amount(text.latency(each.probe_seconds), reason="not probed"),
        components.amount(viewers, reason="it serves no pages"),
        (each.version or "").partition(" ")[0] or components.unknown("not reported"),
        _last_line(each.last_stderr),
    ]
    return Row(f"{each.service}@{each.host}", cells)


def _bot(each: BotState, course: Sequence[float] | None) -> Row:
    word = "Silent" if each.silent else (each.status or "").capitalize()
    cells: list[Cell] = [
        f"bot: {each.label}",
        components.light(_LIGHTS.get(each.condition, "unknown"), word),
        str(each.pid) if each.pid else components.unknown("not reported"),
        components.amount(text.duration(each.uptime_seconds), reason="not reported"),
        components.unknown("the manager does not supervise bots"),
        *_use(each.cpu_share, course, each.rss_bytes),
        components.unknown("not probed: it sends heartbeats"),
        components.unknown("a bot serves no pages"),
        (each.version or "").partition(" ")[0] or components.unknown("not reported"),
        components.unknown("its log has it"),
    ]
    return Row(f"bot:{each.account}", cells)


def _use(share: float | None, course: Sequence[float] | None, rss: int | None) -> list[Cell]:
    written = text.percent(share, 1).removesuffix("%")
    few = components.unknown("fewer than two minutes were sampled")
    return [
        components.amount(written, reason="not sampled yet"),
        components.sparkline(course, label="CPU over the last hour") if course and len(course) > 1 else few,
        components.amount(text.bytes_(rss), reason="not sampled yet"),
    ]


def _last_line(said: str | None) -> Cell:
    lines = (said or "").strip().splitlines()
    return html.Span(lines[-1], title=lines[-1]) if lines else components.unknown("it wrote nothing there")


PANEL = Panel(
    "health_services",
    "Services",
    page="Health",
    reads=(services.READ, bots.READ, service_cpu.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=70,
    kind="flush",
    skeleton="table",
)
