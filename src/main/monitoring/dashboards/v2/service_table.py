"""How is one process written in the table of services: a service by its manager's word, a bot by its own?"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from main import text
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.expandable import beneath, expandable
from main.monitoring.dashboards.v2.table import Cell, Column, Row
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.services import ServiceState

_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down"}


@dataclass(frozen=True, slots=True)
class Versions:
    """Which versions of the suite run; ``usual`` is the one that most processes have."""

    usual: str | None
    mixed: bool

    @classmethod
    def of(cls, found: Iterable[str | None]) -> "Versions":
        """Return what the versions of all running processes come to; an unknown one is no other."""
        counts = Counter(version for version in found if version)
        usual = max(counts, key=lambda version: (counts[version], version)) if counts else None
        return cls(usual, len(counts) > 1)

    def cell(self, version: str | None, *, ours: bool = True) -> Cell:
        """Return a version; one of `ours` that is not the usual one is flagged."""
        if not version:
            return components.unknown("not reported")
        short = version.partition(" ")[0]
        if not ours or not self.mixed or version == self.usual:
            return short
        title = f"the others run {self.usual}: restart this one, or the others"
        return [f"{short} ", components.chip("differs", "warn", icon_name="triangle-alert", title=title)]


def bot_process(bot: BotState) -> Hashable:
    """Return what names the process of a bot: several accounts' bots may run in one."""
    return (bot.host, bot.pid) if bot.pid else bot.account


def process_words(processes: Sequence[ServiceState], heard: Sequence[BotState]) -> str:
    """Return how many processes there are, and where one of them runs several bots, how many bots those are."""
    own = len(set(map(bot_process, heard)))
    count = len(processes) + own
    together = f" · {len(heard):,} bots in {own:,} of them" if len(heard) > own else ""
    return f"{count:,} process{'' if count == 1 else 'es'}{together}"


def service_columns(hosts: bool) -> list[Column]:
    """Return the columns; with `hosts` the machine is one of them."""
    return [
        Column("Service", phone="name"),
        *([Column("Host", muted=True)] if hosts else []),
        Column("State", phone="corner"),
        Column("PID", "right", muted=True),
        Column("Uptime", "right", phone="figure"),
        Column("Restarts", "right", phone="figure"),
        Column("CPU, %", "right", phone="figure"),
        Column("RSS", "right", phone="figure"),
        Column("Probe", "right", phone="figure"),
        Column("Viewers", "right", phone="figure"),
        Column("Push p50", "right"),
        Column("p95", "right"),
        Column("Answered", "right"),
        Column("Shared", "right"),
        Column("Version"),
    ]


def service_row(process: ServiceState, versions: Versions, *, hosts: bool) -> Row:
    """Return what the manager says of a process it supervises, with its complaints below."""
    word = "Silent" if process.silent else process.state.capitalize()
    cells: list[Cell] = [
        [process.service.replace("-", " "), *([_on_phone(process.host)] if hosts else [])],
        *([process.host] if hosts else []),
        components.light(_LIGHTS.get(process.condition, "unknown"), word),
        str(process.pid) if process.pid else components.unknown("not running"),
        components.age(process.started_at) if process.started_at else components.unknown("not running"),
        _restarts(process),
        components.amount(_percent(process.cpu_share), reason="not sampled yet"),
        components.amount(text.bytes_(process.rss_bytes), reason="not sampled yet"),
        components.amount(text.latency(process.probe_seconds), reason="not probed"),
        *_serving(process),
        versions.cell(process.version, ours=process.kind != "database"),
    ]
    return Row(f"{process.service}@{process.host}", cells, below=beneath(_complaints(process)))


def bot_row(bot: BotState, versions: Versions, *, hosts: bool, together: int = 1) -> Row:
    """Return what a bot says of itself: the manager does not supervise it. Its process runs so many bots `together`."""
    shared = f"of the whole process, which runs {together} bots" if together > 1 else None
    light = _LIGHTS.get(bot.condition, "unknown")
    unserved = components.unknown("a bot serves no pages")
    cells: list[Cell] = [
        f"bot: {bot.label}",
        *([bot.host or components.unknown("not reported")] if hosts else []),
        components.light(light, "Silent" if bot.silent else (bot.status or "").capitalize()),
        str(bot.pid) if bot.pid else components.unknown("not reported"),
        components.amount(text.duration(bot.uptime_seconds), reason="not reported"),
        components.unknown("not counted: the manager does not supervise bots"),
        html.Span(components.amount(_percent(bot.cpu_share), reason="its heartbeat does not say"), title=shared),
        html.Span(components.amount(text.bytes_(bot.rss_bytes), reason="its heartbeat does not say"), title=shared),
        components.unknown("not probed: it sends heartbeats"),
        *[unserved] * 5,
        versions.cell(bot.version),
    ]
    said = [_reason(["last heartbeat ", components.age(bot.heard_at), " ago"])] if bot.silent else []
    return Row(f"bot:{bot.account}", cells, below=beneath(said))


def _on_phone(host: str) -> Component:
    """Return the machine beside the name: a phone has no column for it."""
    return html.Span(host, className="name-host")


def _percent(share: float | None) -> str:
    return text.percent(share, 1).removesuffix("%")


def _restarts(process: ServiceState) -> Cell:
    counted = {reason: count for reason, count in process.restarts_by_reason.items() if count}
    if not process.restarts and not counted:
        return html.Span("0", className="number")
    by_count = sorted(counted.items(), key=lambda each: -each[1])
    reasons = ", ".join(reason if count == process.restarts else f"{count:,} {reason}" for reason, count in by_count)
    title = f"last: {process.restart_reason}" if process.restart_reason else None
    number = html.Span(f"{process.restarts:,}", className="number", title=title)
    return [number, html.Div(reasons, className="cell-detail", title=title)] if reasons else number


def _serving(process: ServiceState) -> list[Cell]:
    """Return viewers, both push times, questions answered, and the share that another viewer's answer served."""
    if process.kind != "dashboard":
        return [components.unknown("it serves no pages")] * 5
    nobody = "nothing was pushed since it started" if process.viewers is not None else "it has not said"
    answered, shared = process.questions_answered, process.questions_shared
    asked = (answered or 0) + (shared or 0)
    saved = components.unknown("nothing was asked since it started" if answered is not None else "it has not said")
    if answered is not None and shared is not None and asked:
        title = f"{shared:,} of {asked:,} questions were served from an answer made for another viewer"
        saved = html.Span(text.percent(shared / asked, 1), className="number", title=title)
    return [
        components.amount(text.DASH if process.viewers is None else f"{process.viewers:,}", reason="it has not said"),
        components.amount(text.latency(process.push_p50_seconds), reason=nobody),
        components.amount(text.latency(process.push_p95_seconds), reason=nobody),
        components.amount(text.DASH if answered is None else f"{answered:,}", reason="it has not said"),
        saved,
    ]


def _complaints(process: ServiceState) -> list[Component]:
    """Return why a process is not well, and what it wrote to standard error."""
    said: list[Component] = []
    if process.silent:
        said.append(_reason(["last word ", components.age(process.heard_at), " ago"]))
    elif process.condition != "ok" and (reason := process.degraded_reason or process.restart_reason):
        said.append(_reason(reason))
    elif process.degraded_reason:
        said.append(_reason(process.degraded_reason))
    if process.last_stderr and process.last_stderr.strip():
        said.append(expandable("Last stderr", process.last_stderr))
    return said


def _reason(said: components.Child) -> Component:
    return html.Span(said, className="said-reason")
