"""Services: every process of the suite, how it is, what it takes, how fast it serves, what it last complained of."""

from collections import Counter
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.service_table import (
    Versions,
    bot_process,
    bot_row,
    process_words,
    service_columns,
    service_row,
)
from main.monitoring.dashboards.v2.table import table
from main.monitoring.reads import bots, services
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.services import ServiceState


def draw(answers: Answers, scope: Scope) -> Component:
    processes = answers[services.READ].value or []
    if not scope.live:
        reason = "Only the present state of the processes is kept. Go back to live to see it."
        return components.empty("Services have no past", reason, icon_name="server")
    heard = _heard(answers)
    if not processes and not heard:
        reason = "No process has reported yet. Start the set with: python ai_trader.py dashboards start"
        return components.empty("No services", reason, icon_name="server")
    hosts = len({*(process.host for process in processes), *(bot.host for bot in heard if bot.host)}) > 1
    versions = _versions(processes, heard)
    together = Counter(map(bot_process, heard))
    rows = [
        *(service_row(process, versions, hosts=hosts) for process in processes),
        *(bot_row(bot, versions, hosts=hosts, together=together[bot_process(bot)]) for bot in heard),
    ]
    return html.Div(table(service_columns(hosts), rows, label="Services"), className="services")


def caption(answers: Answers, scope: Scope) -> str:
    processes, heard = answers[services.READ].value or [], _heard(answers)
    if not scope.live or not (processes or heard):
        return ""
    conditions = [*(process.condition for process in processes), *(bot.condition for bot in heard)]
    troubled = sum(condition in ("down", "degraded") for condition in conditions)
    hosts = len({process.host for process in processes})
    parts = [
        process_words(processes, heard),
        f"{hosts} machines" if hosts > 1 else "",
        f"{troubled} in trouble" if troubled else "",
        "different versions run" if _versions(processes, heard).mixed else "",
    ]
    return " · ".join(part for part in parts if part)


def _heard(answers: Answers) -> list[BotState]:
    return [bot for bot in answers[bots.READ].value or [] if bot.status is not None]


def _versions(processes: Sequence[ServiceState], heard: Sequence[BotState]) -> Versions:
    gone = ("stopped", "failed", "finished")
    ours = [p.version for p in processes if p.kind != "database" and p.state not in gone and not p.silent]
    theirs = [bot.version for bot in heard if bot.status not in gone and not bot.silent]
    return Versions.of([*ours, *theirs])


PANEL = Panel(
    "services",
    "Services",
    page="Services",
    reads=(services.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="table",
)
