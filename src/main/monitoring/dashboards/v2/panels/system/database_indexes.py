"""Database indexes: which are missing, broken, superfluous or unused, and the SQL that would act on it."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.captions import cut, joined
from main.monitoring.dashboards.v2.database_parts import sql_to_copy, unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.index_advice import IndexAdvice
from main.monitoring.reads import database_indexes

_COLUMNS = (
    Column("Index", phone="name"),
    Column("Advice", phone="corner"),
    Column("Table", phone="figure"),
    Column("Size", "right", phone="figure"),
    Column("Scans", "right", phone="figure"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[database_indexes.READ].value
    if not found or found.sampled_at is None:
        return unsampled()
    if not found.advice:
        why = "None that the schema defines is missing, none is broken, superfluous, or large and unused."
        return components.empty("The indexes are as they should be", why, icon_name="check")
    return html.Div(table(_COLUMNS, [_row(each) for each in found.advice], label="Indexes"), className="findings")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[database_indexes.READ].value
    if not found or found.sampled_at is None:
        return ""
    count = f"{found.indexes:,} indexes of {text.bytes_(found.index_bytes)}"
    return joined(count, f"{found.unused:,} without a scan", cut(len(found.advice), found.advised, "advice:"))


def _row(advice: IndexAdvice) -> Row:
    cells: list[Cell] = [
        advice.index_name or components.unknown("columns are yours to choose"),
        components.chip(advice.kind.capitalize(), "warn" if advice.severity == "warning" else "neutral"),
        advice.table_name if advice.schema_name == "public" else f"{advice.schema_name}.{advice.table_name}",
        components.amount(text.bytes_(advice.index_bytes), reason="it is not there"),
        text.DASH if advice.index_scans is None else f"{advice.index_scans:,}",
    ]
    below = html.Div([html.P(advice.why, className="finding-why"), sql_to_copy(advice.sql)])
    return Row(f"{advice.kind}:{advice.schema_name}.{advice.table_name}.{advice.index_name}", cells, below=below)


PANEL = Panel(
    "database_indexes",
    "Indexes",
    page="Database",
    reads=(database_indexes.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=100,
    kind="flush",
    skeleton="table",
)
