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

    The first column is the row's name. At most three columns should be figures on a phone. ``sort`` is what the read
    calls sorting by it; the largest and the newest come first, and the other way round at the second press.
    """

    title: str
    align: Literal["left", "right"] = "left"
    phone: Literal["name", "corner", "figure", "hidden"] = "hidden"
    muted: bool = False
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, one cell a column; ``key`` is its identity (a symbol, an account id) and keeps its place.

    ``below`` is a line of its own across all columns, for what only some rows have: a reason, a traceback. ``opens`` is
    the value that pressing the row chooses.
    """

    key: str
    cells: Sequence[Cell]
    total: bool = False
    below: Cell | None = None
    opens: str = ""


@dataclass(frozen=True, slots=True)
class Choosing:
    """What pressing parts of a table chooses: options of panels, written PANEL.OPTION, and how it is sorted now."""

    sorted_by: str = ""
    sorts: str = ""
    opens: str = ""


NOTHING = Choosing()


def table(
    columns: Sequence[Column], rows: Sequence[Row], *, label: str, narrow: bool = False, choosing: Choosing = NOTHING
) -> Component:
    """Return a table flush with its panel; `label` is its accessible name, the order the caller's.

    A `narrow` one fits a phone as it is and keeps its columns there.
    """
    head = html.Thead(html.Tr([_head(column, choosing) for column in columns]))
    body = html.Tbody([line for row in rows for line in _lines(columns, row, choosing)])
    named: dict[str, Any] = {"aria-label": label}
    element = html.Table([head, body], className="table" if narrow else "table table-rows", **named)
    return html.Div(element, className="table-scroll", tabIndex=0, role="region", **named)


def pager(option: str, *, first: int, count: int, total: int, size: int) -> Component:
    """Return the line below a paged table: which rows of how many, and the way to the pages beside it.

    `option` (PANEL.page) counts pages from 0; `first` is the place of the first row, from 0 too.
    """
    at = first // size
    said = f"{first + 1:,}–{first + count:,} of {total:,}" if count else f"none of {total:,}"
    back = _turn("Previous", option, at - 1 if first > 0 else None)
    further = _turn("Next", option, at + 1 if first + count < total else None)
    return html.Div([html.Span(said), back, further], className="pager")


def _turn(word: str, option: str, page: int | None) -> Component:
    attributes: dict[str, Any] = {"aria-disabled": "true"} if page is None else choose(option, str(page or ""))
    return html.Button(word, className="button", type="button", **attributes)


def choose(option: str, value: str) -> dict[str, Any]:
    """Return the attributes of an element that, pressed, chooses a value of an option (PANEL.OPTION)."""
    return {"data-choose": option, "data-value": value}


def _head(column: Column, choosing: Choosing) -> Component:
    if not (column.sort and choosing.sorts):
        return html.Th(column.title, className=_classes(column), scope="col")
    now = choosing.sorted_by
    other = column.sort if now == f"-{column.sort}" else f"-{column.sort}"
    button = html.Button(column.title, className="sort", type="button", **choose(choosing.sorts, other))
    sorted_: dict[str, Any] = {}
    if now.lstrip("-") == column.sort:
        sorted_ = {"aria-sort": "descending" if now.startswith("-") else "ascending"}
    return html.Th(button, className=_classes(column), scope="col", **sorted_)


def _lines(columns: Sequence[Column], row: Row, choosing: Choosing) -> list[Component]:
    if row.below is None:
        return [_row(columns, row, choosing)]
    identity: dict[str, Any] = {"data-key": f"{row.key} below"}
    return [
        _row(columns, row, choosing),
        html.Tr(html.Td(row.below, colSpan=len(columns)), className="row-below", **identity),
    ]


def _row(columns: Sequence[Column], row: Row, choosing: Choosing) -> Component:
    if len(row.cells) != len(columns):
        raise ValueError(f"row {row.key!r} has {len(row.cells)} cells, expected {len(columns)}, one for each column")
    cells = [
        _cell(column, cell, first=index == 0)
        for index, (column, cell) in enumerate(zip(columns, row.cells, strict=True))
    ]
    identity: dict[str, Any] = {"data-key": row.key}
    if row.opens and choosing.opens:
        identity |= choose(choosing.opens, row.opens) | {"tabIndex": 0}
    return html.Tr(cells, className="total" if row.total else None, **identity)


def _cell(column: Column, cell: Cell, *, first: bool) -> Component:
    kind = html.Th if first else html.Td
    attributes: dict[str, Any] = {"data-label": column.title} | ({"scope": "row"} if first else {})
    return kind(cell, className=_classes(column, first=first), **attributes)


def _classes(column: Column, *, first: bool = False) -> str:
    names = [f"align-{column.align}", f"phone-{column.phone}"]
    return " ".join([*names, *(["row-name"] if first else []), *(["muted"] if column.muted else [])])
