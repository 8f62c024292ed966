"""Largest indexes: which take the most room, and are they used?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import storage_indexes
from main.monitoring.reads.storage_indexes import StoredIndex

_COLUMNS = (
    Column("Index", phone="name"),
    Column("Size", "right", phone="corner"),
    Column("Of its table", "right", phone="figure"),
    Column("Table", muted=True, phone="figure"),
    Column("Scans", "right", phone="figure"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    indexes = answers[storage_indexes.READ].value or []
    if not indexes:
        reason = "The worker measures the indexes every five minutes while it runs."
        return components.empty("No sizes were sampled yet", reason, icon_name="database")
    return table(_COLUMNS, [_row(each) for each in indexes], label="Indexes, the largest first")


def caption(answers: Answers, scope: Scope) -> str:
    indexes = answers[storage_indexes.READ].value or []
    return f"the {len(indexes)} largest, with those of partitions" if indexes else ""


def _row(each: StoredIndex) -> Row:
    share = components.amount(text.percent(each.share, 1), reason="its table was not sampled")
    cells: list[Cell] = [each.index, text.bytes_(each.index_bytes), share, each.table, f"{each.scans:,}"]
    return Row(each.index, cells)


PANEL = Panel(
    "storage_indexes",
    "Largest indexes",
    page="Storage",
    reads=(storage_indexes.READ,),
    draw=draw,
    caption=caption,
    width=7,
    order=50,
    height=300,
    kind="flush",
    skeleton="table",
)
