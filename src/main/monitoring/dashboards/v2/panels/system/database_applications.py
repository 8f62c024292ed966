"""Database clients: whose connections they are, and how this dashboard's own pool does."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.database.pool import DatabaseStatus
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.database_parts import unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import database_activity, database_status
from main.monitoring.reads.database_activity import ApplicationConnections

_COLUMNS = (
    Column("Application", phone="name"),
    Column("Connections", "right", phone="corner"),
    Column("Active", "right", phone="figure"),
    Column("In a transaction", "right", phone="figure"),
    Column("Role", phone="figure", muted=True),
)


def draw(answers: Answers, scope: Scope) -> Component:
    activity = answers[database_activity.READ].value
    if not activity or activity.sampled_at is None:
        return unsampled()
    rows = [_row(each) for each in activity.applications]
    pool = _pool(answers[database_status.READ].value) if scope.live else []
    return html.Div([table(_COLUMNS, rows, label="Connections by application"), *pool], className="applications")


def caption(answers: Answers, scope: Scope) -> str:
    activity = answers[database_activity.READ].value
    count = sum(each.connections for each in activity.applications) if activity else 0
    return f"{count:,} connections of the whole server" if count else ""


def _row(owner: ApplicationConnections) -> Row:
    counts = [f"{count:,}" for count in (owner.connections, owner.active, owner.idle_in_transaction)]
    return Row(f"{owner.application}:{owner.role}", [owner.application, *counts, owner.role])


def _pool(status: DatabaseStatus | None) -> list[Component]:
    """Return how the pool of the process that draws this does: it has no past, and other processes have their own."""
    if not status:
        return []
    mean = status.waited_seconds / status.acquired if status.acquired else None
    pairs: list[tuple[str, components.Child]] = [
        ("This dashboard's pool", f"{status.pool_size - status.pool_idle} of {status.pool_limit} in use"),
        ("Waiting for a connection", f"{status.waiting:,}"),
        ("Mean wait", components.amount(text.latency(mean), reason="nobody has asked yet")),
    ]
    return [html.Div(components.facts(pairs), className="pool")]


PANEL = Panel(
    "database_applications",
    "Connections by application",
    page="Database",
    reads=(database_activity.READ, database_status.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=120,
    kind="flush",
    skeleton="table",
)
