"""Tables of any length: up to a screenful as plain rows, beyond that as a grid that draws only what is in view.

A thousand cells as plain content are a quarter of a second of the server's time and as much of the browser's; the grid
gets each row as a few words instead. Both say the same, because both are made from the same cells.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import dash_ag_grid
from dash import html
from dash.development.base_component import Component

from main import text
from main.monitoring.dashboards.v2 import components, theme
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, table

PLAIN_ROWS = 40
"""More rows than this are a grid."""
_ROW, _HEADER, _TALLEST = 32, 32, 640  # pixels; the theme's row height
_KINDS = ("profit", "loss", "unknown", "filled", "outlined", "muted")


@dataclass(frozen=True, slots=True)
class LongColumn:
    """One column; ``width`` is the least it has in the grid, in pixels."""

    title: str
    align: Literal["left", "right"] = "left"
    phone: Literal["name", "corner", "figure", "hidden"] = "hidden"
    width: int = 96
    muted: bool = False


@dataclass(frozen=True, slots=True)
class LongCell:
    """One cell: its words, what it is sorted by, how it looks as plain content and in the grid (one of the kinds)."""

    words: str
    order: float | str | None
    drawn: Callable[[], Cell]
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LongRow:
    """One row, one cell a column; ``key`` is its identity and keeps its place, scroll and selection.

    ``opens`` is the value that pressing the row chooses.
    """

    key: str
    cells: Sequence[LongCell]
    opens: str = ""


def word(words: str) -> LongCell:
    """Return a cell of text."""
    return LongCell(words, words, lambda: words)


def side(of: str) -> LongCell:
    """Return a cell with the chip of long or short."""
    kind = "filled" if of in ("long", "buy") else "outlined"
    return LongCell(of.capitalize(), of, lambda: components.side_chip(of), kind)


def figure(written: str, value: text.Number | None, reason: str = "") -> LongCell:
    """Return a cell with a figure that is neither gain nor loss, "—" for what is not known."""
    if value is None or written == text.DASH:
        return LongCell(text.DASH, None, lambda: components.unknown(reason), "unknown", reason)
    return LongCell(written, float(value), lambda: written)


def gain(value: text.Number | None, reason: str = "") -> LongCell:
    """Return a cell with a profit, loss or change of money, with its arrow; "—" for what is not known."""
    written = text.signed_money(value)
    return _signed(value, written, reason, lambda: components.signed_money(value))


def share(fraction: text.Number | None, reason: str = "") -> LongCell:
    """Return a cell with a change as per cent; "—" for what is not known."""
    written = text.percent(fraction, signed=True)
    return _signed(fraction, written, reason, lambda: components.signed_percent(fraction))


def _signed(value: text.Number | None, written: str, reason: str, drawn: Callable[[], Cell]) -> LongCell:
    if value is None or written == text.DASH:
        return figure(text.DASH, None, reason)
    kind = "profit" if written.startswith("+") else "loss" if written.startswith(text.MINUS) else ""
    return LongCell(written, float(value), drawn, kind)


def long_table(
    columns: Sequence[LongColumn],
    rows: Sequence[LongRow],
    *,
    name: str,
    label: str,
    totals: Sequence[LongRow] = (),
    opens: str = "",
) -> Component:
    """Return a table flush with its panel, in the caller's order; `name` is the panel's and makes the grid's id.

    The grid sorts by every column where the viewer wants it, and keeps scroll and selection through updates. `totals`
    stay at its foot. `opens` is the option (PANEL.OPTION) that pressing a row chooses.
    """
    if len(rows) <= PLAIN_ROWS:
        plain = [Column(c.title, c.align, c.phone, c.muted) for c in columns]
        body = [*(_plain(row) for row in rows), *(_plain(row, total=True) for row in totals)]
        return table(plain, body, label=label, choosing=Choosing(opens=opens))
    height = min(_TALLEST, _HEADER + _ROW * (len(rows) + len(totals)) + 2)
    grid = dash_ag_grid.AgGrid(
        id=f"grid-{name}",
        columnDefs=[_definition(index, column) for index, column in enumerate(columns)],
        rowData=[_data(row) for row in rows],
        defaultColDef={"sortable": True, "resizable": True, "suppressHeaderMenuButton": True, "suppressMovable": True},
        getRowId="params.data.key",
        columnSize=None,
        dashGridOptions={
            "theme": theme.grid_theme(),
            "animateRows": False,
            "pinnedBottomRowData": [_data(row) for row in totals],
            "tooltipShowDelay": 300,
        },
        style={"height": f"{height}px", "width": "100%"},
    )
    named: dict[str, Any] = {"aria-label": label} | ({"data-opens": opens} if opens else {})
    return html.Div(grid, className="long-grid", role="region", **named)


def _plain(row: LongRow, *, total: bool = False) -> Row:
    return Row(row.key, [cell.drawn() for cell in row.cells], total=total, opens=row.opens)


def _definition(index: int, column: LongColumn) -> dict[str, Any]:
    """Values sort, words are shown: the grid formats nothing by itself."""
    definition: dict[str, Any] = {
        "colId": f"c{index}",
        "headerName": column.title,
        "valueGetter": {"function": f"params.data.v[{index}]"},
        "valueFormatter": {"function": f"params.data.w[{index}]"},
        "tooltipValueGetter": {"function": f"params.data.r[{index}]"},
        "cellClassRules": {f"cell-{kind}": f"params.data.k[{index}] == '{kind}'" for kind in _KINDS},
        "minWidth": column.width,
        "flex": 1,
    }
    if column.align == "right":
        definition["type"] = "rightAligned"
    if index == 0:
        definition |= {"pinned": "left", "cellClass": "row-name", "flex": 0, "width": column.width}
    return definition


def _data(row: LongRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "v": [cell.order for cell in row.cells],
        "w": [cell.words for cell in row.cells],
        "k": [cell.kind for cell in row.cells],
        "r": [cell.reason for cell in row.cells],
        "o": row.opens,
    }
