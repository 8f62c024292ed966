"""Tables to about twenty rows: one look on a wide page, two-line rows on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dash import html
from dash.development.base_component import Component

Cell = Component | str | Sequence["Component | str"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``phone`` is its place in a two-line row: the name, the corner, a labelled figure, or nowhere.

    The first column is the row's name. At most three columns should be figures on a phone.
    """

    title: str
    align: Literal["left", "right"] = "left"
    phone: Literal["name", "corner", "figure", "hidden"] = "hidden"
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row, one cell a column; ``key`` is its identity (a symbol, an account id) and keeps its place.

    ``below`` is a line of its own across all columns, for what only some rows have: a reason, a traceback.
    """

    key: str
    cells: Sequence[Cell]
    total: bool = False
    below: Cell | None = None


def table(columns: Sequence[Column], rows: Sequence[Row], *, label: str, narrow: bool = False) -> Component:
    """Return a table flush with its panel; `label` is its accessible name, the order the caller's.

    A `narrow` one fits a phone as it is and keeps its columns there.
    """
    head = html.Thead(html.Tr([html.Th(c.title, className=_classes(c), scope="col") for c in columns]))
    body = html.Tbody([line for row in rows for line in _lines(columns, row)])
    named: dict[str, Any] = {"aria-label": label}
    element = html.Table([head, body], className="table" if narrow else "table table-rows", **named)
    return html.Div(element, className="table-scroll", tabIndex=0, role="region", **named)


def _lines(columns: Sequence[Column], row: Row) -> list[Component]:
    if row.below is None:
        return [_row(columns, row)]
    identity: dict[str, Any] = {"data-key": f"{row.key} below"}
    return [_row(columns, row), html.Tr(html.Td(row.below, colSpan=len(columns)), className="row-below", **identity)]


def _row(columns: Sequence[Column], row: Row) -> Component:
    if len(row.cells) != len(columns):
        raise ValueError(f"row {row.key!r} has {len(row.cells)} cells, expected {len(columns)}, one for each column")
    cells = [
        _cell(column, cell, first=index == 0)
        for index, (column, cell) in enumerate(zip(columns, row.cells, strict=True))
    ]
    identity: dict[str, Any] = {"data-key": row.key}
    return html.Tr(cells, className="total" if row.total else None, **identity)


def _cell(column: Column, cell: Cell, *, first: bool) -> Component:
    kind = html.Th if first else html.Td
    attributes: dict[str, Any] = {"data-label": column.title} | ({"scope": "row"} if first else {})
    return kind(cell, className=_classes(column, first=first), **attributes)


def _classes(column: Column, *, first: bool = False) -> str:
    names = [f"align-{column.align}", f"phone-{column.phone}"]
    return " ".join([*names, *(["row-name"] if first else []), *(["muted"] if column.muted else [])])
