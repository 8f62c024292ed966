"""Tables: how big each is with its partitions, how fast it grows, how long its rows are kept."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.database_parts import rows_of
from main.monitoring.dashboards.v2.panel import Answers, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import storage_tables
from main.monitoring.reads.storage_tables import StoredTable

SIZES = (("25", "25"), ("100", "100"))
_COLUMNS = (
    Column("Table", phone="name"),
    Column("Size", "right", phone="corner"),
    Column("Share", "right", phone="figure"),
    Column("Rows, about", "right"),
    Column("Indexes", "right"),
    Column("Growth a day", "right", phone="figure"),
    Column("Kept for", "right", phone="figure"),
    Column("Last purge", "right", muted=True),
    Column("Deleted that day", "right", muted=True),
)


def draw(answers: Answers, scope: Scope) -> Component:
    tables = answers[storage_tables.READ].value or []
    if not tables:
        reason = "The worker measures the tables every five minutes while it runs."
        return components.empty("No sizes were sampled yet", reason, icon_name="database")
    return table(
        _COLUMNS, [_row(each) for each in tables[: int(answers.chosen["size"])]], label="Tables, the biggest first"
    )


def caption(answers: Answers, scope: Scope) -> str:
    tables = answers[storage_tables.READ].value or []
    cut = captions.cut(min(len(tables), int(answers.chosen["size"])), len(tables), "the biggest", "tables")
    return captions.joined(
        cut or (f"{len(tables)} tables" if tables else ""), f"growth over {scope.window}", "measured every 5 min"
    )


def _row(each: StoredTable) -> Row:
    parts = f" · {each.partitions} partitions" if each.partitions else ""
    growth = _growth(each.growth_daily_bytes)
    cells: list[Cell] = [
        [each.table, html.Span(parts, className="muted")] if parts else each.table,
        text.bytes_(each.total_bytes),
        components.amount(text.percent(each.share, 1)),
        rows_of(each.row_count),
        text.bytes_(each.index_bytes),
        components.amount(growth, reason="there is one sample of it in this range"),
        _kept(each),
        components.moment(each.purged_at) if each.purged_at else _never(each),
        f"{each.purged_rows:,}" if each.purged_rows is not None else _never(each),
    ]
    return Row(
        each.table, cells, below=html.Span(each.purge_error, className="said-reason") if each.purge_error else None
    )


def _growth(bytes_a_day: float | None) -> str:
    if bytes_a_day is None:
        return text.DASH
    return f"{'+' if bytes_a_day > 0 else ''}{text.bytes_(bytes_a_day)}"


def _kept(each: StoredTable) -> Cell:
    if not each.purges:
        return "for ever"
    return components.amount(text.duration(each.kept_seconds), reason="the worker has not purged it yet")


def _never(each: StoredTable) -> Component:
    return components.unknown("the worker has not purged it yet" if each.purges else "it is kept for ever")


PANEL = Panel(
    "storage_tables",
    "Tables and retention",
    page="Storage",
    reads=(storage_tables.READ,),
    options=(Option("size", "Rows", SIZES),),
    draw=draw,
    caption=caption,
    width=12,
    order=40,
    kind="flush",
    skeleton="table",
)
