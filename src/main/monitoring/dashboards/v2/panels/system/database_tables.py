"""Database tables: how large each is, how it grows, and whether vacuum keeps up."""

from collections.abc import Hashable, Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.captions import joined
from main.monitoring.dashboards.v2.database_parts import rows_of, unsampled
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import database_tables
from main.monitoring.reads.database_tables import TablesParams
from main.monitoring.relation_samples import TableState

SIZE = 20
_COLUMNS = (
    Column("Table", phone="name", sort="table_name"),
    Column("Size", "right", phone="corner", sort="total_bytes"),
    Column("Indexes", "right"),
    Column("Growth", "right", phone="figure", sort="growth_bytes"),
    Column("Rows", "right", phone="figure", sort="row_count"),
    Column("Dead", "right", sort="dead_rows"),
    Column("Dead, %", "right", phone="figure", sort="dead_share"),
    Column("Vacuum", "right", sort="vacuumed_seconds"),
    Column("Analyze", "right", sort="analyzed_seconds"),
    Column("Whole scans", "right", sort="sequential_scans"),
    Column("Index scans", "right", sort="index_scans"),
    Column("Oldest id", "right", sort="freeze_age"),
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return what the viewer's choices ask of the read. Raise ValueError for what it does not take."""
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    return {database_tables.READ: TablesParams(SIZE, int(page) * SIZE, chosen["sort"] or "-total_bytes")}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[database_tables.READ].value
    if not found or not found.total:
        return unsampled()
    limit = found.summary.freeze_limit if found.summary else None
    choosing = Choosing(answers.chosen["sort"] or "-total_bytes", "database_tables.sort")
    rows = [_row(each, limit) for each in found.items]
    pages = pager("database_tables.page", first=found.offset, count=len(rows), total=found.total, size=found.limit)
    return html.Div([table(_COLUMNS, rows, label="Tables", choosing=choosing), pages], className="relations")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[database_tables.READ].value
    if not found or not found.summary or not found.total:
        return ""
    summary = found.summary
    growth = f"{_growth(summary.growth_bytes)} in {scope.window}" if summary.growth_bytes is not None else ""
    return joined(f"{found.total:,} tables", text.bytes_(summary.total_bytes), growth, "measured every 5 min")


def _row(state: TableState, limit: int | None) -> Row:
    parts = f"{state.partitions:,} partition{'' if state.partitions == 1 else 's'}" if state.partitions else ""
    named = state.table_name if state.schema_name == "public" else f"{state.schema_name}.{state.table_name}"
    never = "not since the statistics began"
    frozen = state.freeze_age / limit if state.freeze_age is not None and limit else None
    dead = text.percent(state.dead_share, 1).removesuffix("%")
    cells: list[Cell] = [
        [named, html.Div(parts, className="cell-detail")] if parts else named,
        text.bytes_(state.total_bytes),
        text.bytes_(state.index_bytes),
        components.amount(_growth(state.growth_bytes), reason="it was not measured at the beginning of the range"),
        rows_of(state.row_count),
        f"{state.dead_rows:,}",
        components.amount(dead, reason="it has no rows"),
        components.amount(text.duration(state.vacuumed_seconds), reason=never),
        components.amount(text.duration(state.analyzed_seconds), reason=never),
        f"{state.sequential_scans:,}",
        f"{state.index_scans:,}",
        components.amount(text.percent(frozen, 1), reason="nothing to freeze"),
    ]
    return Row(f"{state.schema_name}.{state.table_name}", cells)


def _growth(size: int | None) -> str:
    return f"{'+' if size and size > 0 else ''}{text.bytes_(size)}"


PANEL = Panel(
    "database_tables",
    "Tables",
    page="Database",
    reads=(database_tables.READ,),
    options=(Option("sort", "Sort", kind="hidden"), Option("page", "Page", kind="hidden")),
    params=params,
    draw=draw,
    caption=caption,
    width=12,
    order=90,
    kind="flush",
    skeleton="table",
)
