"""Slow queries: which statements take the server's time, all their runs together."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.database_parts import statement, unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import database_statements
from main.monitoring.reads.database_statements import StatementCost

_COLUMNS = (
    Column("Statement", phone="name"),
    Column("Share", "right", phone="corner"),
    Column("Total", "right", phone="figure"),
    Column("Calls", "right", phone="figure"),
    Column("Mean", "right", phone="figure"),
    Column("Longest", "right"),
    Column("Rows", "right"),
    Column("Cache hit", "right"),
    Column("Role", muted=True),
)
_WHY = {
    "not created": "The server has loaded it: run CREATE EXTENSION pg_stat_statements; in this database.",
    "not loaded": "Add it to shared_preload_libraries, restart the server, run CREATE EXTENSION pg_stat_statements;",
    "not available": "This server came without the extension, which belongs to PostgreSQL's contrib modules.",
}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[database_statements.READ].value
    if not found or found.sampled_at is None:
        return unsampled()
    if found.counting != "on":
        return components.empty("pg_stat_statements is off", _WHY.get(found.counting, ""), icon_name="timer")
    if not found.statements:
        why = "They are noted every five minutes and kept for metrics_retention."
        return components.empty("No statements noted", why, icon_name="timer")
    return html.Div(table(_COLUMNS, [_row(each) for each in found.statements], label="Slow queries"), className="costs")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[database_statements.READ].value
    return "the 50 that took the most time since pg_stat_statements was reset" if found and found.statements else ""


def _row(cost: StatementCost) -> Row:
    cells: list[Cell] = [
        statement(cost.statement),
        components.amount(text.percent(cost.total_share, 1), reason="nothing has run"),
        text.duration(cost.total_seconds) if cost.total_seconds >= 60 else text.latency(cost.total_seconds),
        f"{cost.calls:,}",
        text.latency(cost.mean_seconds),
        text.latency(cost.longest_seconds),
        f"{cost.row_count:,}",
        components.amount(text.percent(cost.cache_hit_share, 1), reason="it read no blocks"),
        cost.role,
    ]
    return Row(f"{cost.query_id}:{cost.role}", cells)


PANEL = Panel(
    "database_statements",
    "Slow queries",
    page="Database",
    reads=(database_statements.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=80,
    kind="flush",
    skeleton="table",
)
