"""Database activity: which sessions work, idle in a transaction or wait, for how long, and what they run."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.captions import joined
from main.monitoring.dashboards.v2.database_parts import forgotten, statement, unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import database_activity
from main.monitoring.server_samples import ServerSession

_COLUMNS = (
    Column("Session", phone="name"),
    Column("State", phone="corner"),
    Column("In state", "right", phone="figure"),
    Column("Statement for", "right", phone="figure"),
    Column("Transaction for", "right", phone="figure"),
    Column("Waits for"),
    Column("Blocked by"),
    Column("Application", muted=True),
    Column("Statement"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    activity = answers[database_activity.READ].value
    if not activity or activity.sampled_at is None:
        return unsampled()
    if not activity.sessions:
        if not activity.kept:
            return forgotten()
        why = "No statement and no transaction was open for over a second at the last look."
        return components.empty("Nothing runs for long", why, icon_name="check")
    rows = [_row(session) for session in activity.sessions]
    return html.Div(table(_COLUMNS, rows, label="Sessions"), className="sessions")


def caption(answers: Answers, scope: Scope) -> str:
    activity = answers[database_activity.READ].value
    if not activity or activity.sampled_at is None:
        return ""
    hidden = f"{activity.hidden:,} hidden from {activity.login}: GRANT pg_monitor" if activity.hidden else ""
    return joined("over a second", hidden)


def _row(session: ServerSession) -> Row:
    outside = "not in a transaction"
    running = session.state == "active"
    cells: list[Cell] = [
        str(session.pid),
        components.chip(session.state or "hidden", "warn" if session.wait_seconds is not None else "neutral"),
        components.amount(text.duration(session.state_seconds), reason="hidden"),
        components.amount(text.duration(session.query_seconds) if running else text.DASH, reason="none runs"),
        components.amount(text.duration(session.transaction_seconds), reason=outside),
        session.wait or components.unknown("it works"),
        ", ".join(map(str, session.blocked_by)) or components.unknown("nobody"),
        " ".join([session.application or session.kind, f"({session.role or 'unknown'})"]),
        statement(session.statement),
    ]
    return Row(str(session.pid), cells)


PANEL = Panel(
    "database_activity",
    "Activity",
    page="Database",
    reads=(database_activity.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=70,
    kind="flush",
    skeleton="table",
)
