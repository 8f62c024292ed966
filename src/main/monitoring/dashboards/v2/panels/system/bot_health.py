"""Bots' health servers: what does each bot answer when it is asked how it is?"""

from urllib.parse import urlsplit

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bot_health
from main.monitoring.reads.bot_health import BotHealth

MOST = 60
_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down"}
_COLUMNS = (
    Column("Bot", phone="name"),
    Column("Answer", phone="corner"),
    Column("In", "right", phone="figure"),
    Column("Since", "right", phone="figure"),
    Column("Address", muted=True),
)


def draw(answers: Answers, scope: Scope) -> Component:
    if not scope.live:
        reason = "Only the newest answers are kept. Go back to live to see them."
        return components.empty(
            "Answers have no past", reason, icon_name="bot", way_out=components.button("Back to live", "live")
        )
    bots = answers[bot_health.READ].value or []
    if not bots:
        reason = (
            "The worker asks the bots that run on its machine, and those listed under bots in config/dashboards.yaml."
        )
        return components.empty("No health server is known", reason, icon_name="bot")
    return table(_COLUMNS, [_row(bot) for bot in bots[:MOST]], label="Answers of the bots' health servers")


def caption(answers: Answers, scope: Scope) -> str:
    bots = answers[bot_health.READ].value or []
    if not bots or not scope.live:
        return ""
    troubled = sum(bot.condition in ("degraded", "down") for bot in bots)
    return f"{len(bots)} asked every 15 s" + (f" · {troubled} not well" if troubled else "")


def _row(bot: BotHealth) -> Row:
    word = "Nobody asks" if bot.condition == "unknown" else bot.state.capitalize()
    code = f" {bot.status_code}" if bot.status_code and bot.status_code != 200 else ""
    cells: list[Cell] = [
        bot.label,
        components.light(_LIGHTS.get(bot.condition, "unknown"), word + code),
        components.amount(text.latency(bot.latency_seconds), reason="there was no answer"),
        components.moment(bot.since),
        html.Span(urlsplit(bot.url).netloc, title=f"{bot.url}, told by the {bot.origin}"),
    ]
    return Row(bot.account, cells, below=html.Span(bot.said, className="said-reason") if bot.said else None)


PANEL = Panel(
    "bot_health",
    "Bots' health servers",
    page="Pipelines",
    reads=(bot_health.READ,),
    draw=draw,
    caption=caption,
    width=5,
    order=40,
    height=300,
    kind="flush",
    skeleton="table",
)
