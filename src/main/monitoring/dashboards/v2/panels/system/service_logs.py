"""Logs: what the services write, as they write it, and a search through all they have written."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from dash import ClientsideFunction, Input, Output, dcc, html
from dash.development.base_component import Component

from main import text
from main.clock import parse_moment
from main.domain.scope import Scope
from main.errors import AITraderError
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.log_controls import FOLLOW, LEVEL, LINES, OLDER, SEARCH, SERVICE, TICK, log_controls
from main.monitoring.dashboards.v2.panel import Answers, Ask, Panel, Wiring
from main.monitoring.reads import service_logs
from main.telemetry.log_question import LogQuestion
from main.telemetry.log_search import LogPage

_PAGE = 200
_ASKED, _ANSWERED = "service_logs-asked", "service_logs-answered"


def draw(answers: Answers, scope: Scope) -> Component:
    page = answers[service_logs.READ].value
    if page is None or not page.services:
        reason = "Each process writes its log into dashboards/ of the log folder (AI_TRADER_LOG_DIR). None is there."
        return components.empty("No logs on this machine", reason, icon_name="scroll-text")
    left_out = [html.Li(each) for each in page.unreadable]
    return html.Ul([html.Li("Not read:"), *left_out], className="log-unreadable") if left_out else html.Div()


def caption(answers: Answers, scope: Scope) -> str:
    page = answers[service_logs.READ].value
    if page is None or not page.services:
        return ""
    count = len(page.services)
    return f"{count} service{'' if count == 1 else 's'} of this machine · {text.bytes_(page.total_bytes)} kept"


def controls() -> Component:
    return html.Div([log_controls(), dcc.Store(id=_ASKED), dcc.Store(id=_ANSWERED)])


def connect(wiring: Wiring) -> None:
    """Have the page ask (every two seconds while it follows and is looked at) and show what comes."""
    app: Any = wiring.app  # untyped
    asks = [Input(TICK, "n_intervals"), Input(SEARCH, "value"), Input(SERVICE, "value"), Input(LEVEL, "value")]
    asks += [Input(FOLLOW, "checked"), Input(OLDER, "n_clicks")]
    app.clientside_callback(ClientsideFunction("serviceLogs", "ask"), Output(_ASKED, "data"), *asks)
    app.callback(Output(_ANSWERED, "data"), Input(_ASKED, "data"), prevent_initial_call=True)(
        partial(answered, wiring.ask)
    )
    app.clientside_callback(
        ClientsideFunction("serviceLogs", "show"),
        Output(LINES, "data-version"),
        Input(_ANSWERED, "data"),
        prevent_initial_call=True,
    )


def answered(ask: Ask, asked: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the page shows for what it asked: of lines it has already only those that are new, or the reason."""
    asked = asked or {}
    number = asked.get("number")
    try:
        as_of = asked.get("as_of")
        scope = Scope((), "1D", as_of=parse_moment(str(as_of), "as_of") if as_of else None)
        answer = ask(service_logs.READ, scope, _question(asked))
    except (AITraderError, ValueError) as error:
        return {"number": number, "problem": str(error)}
    if answer.value is None:
        return {"number": number, "problem": answer.error or "the logs could not be read"}
    return {"number": number, **_shown(answer.value, str(asked.get("known") or ""), older=bool(asked.get("before")))}


def _question(asked: Mapping[str, Any]) -> LogQuestion:
    chosen = {name: str(asked.get(name) or "") for name in ("text", "service", "level", "before")}
    return LogQuestion(**chosen, limit=_PAGE)


def _shown(page: LogPage, known: str, *, older: bool) -> dict[str, Any]:
    keys = [line.key for line in page.lines]
    extends = known in keys
    lines = page.lines[: keys.index(known)] if extends else page.lines
    return {
        "mode": "older" if older else "newer" if extends else "all",
        "lines": [
            [e.key, e.at, e.service, e.level, e.event, e.text, text.bytes_(e.cut) if e.cut else ""] for e in lines
        ],
        "older": page.older,
        "searched": text.bytes_(page.searched_bytes),
        "total": text.bytes_(page.total_bytes),
        "searched_to": page.searched_to,
        "services": page.services,
    }


PANEL = Panel(
    "service_logs",
    "Logs",
    page="Services",
    also_on=("Events & logs",),
    reads=(service_logs.READ,),
    draw=draw,
    caption=caption,
    controls=controls,
    connect=connect,
    width=12,
    order=30,
    kind="flush",
    skeleton="feed",
)
