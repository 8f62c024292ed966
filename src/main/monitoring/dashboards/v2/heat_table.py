"""Which days, months or holdings were hot? A table whose cells wear their value's colour, written in words as well."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components import Child
from main.monitoring.dashboards.v2.figures.tones import step


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell: its words, small ones above and below them, and its colour's ``tone`` ("" has none).

    ``mark`` follows what stands above where there is room for it: "20" and " · today".
    ``outlined`` marks what still runs, ``faint`` what is beside the matter; ``title`` is the tooltip.
    """

    words: str
    tone: str = ""
    above: str = ""
    mark: str = ""
    below: str = ""
    title: str = ""
    outlined: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A row, its name (which may be empty) and what stands at its end."""

    name: str
    cells: Sequence[HeatCell]
    total: Child = ""


def profit_tone(value: float | None, clip: float) -> str:
    """Return the tone of a gain or a loss, full at ±`clip`: three steps a side; "" for what is not known."""
    if value is None:
        return ""
    at = step(value, clip)
    return "0" if at == 0 else f"{'p' if at > 0 else 'n'}{abs(at)}"


def heat_table(columns: Sequence[str], rows: Sequence[HeatRow], *, label: str, kind: str, total: str = "") -> Component:
    """Return the table; `columns` are the heads above the cells, `total` that of the last column.

    `kind` is a class of the page's style sheet, `label` the table's accessible name.
    """
    named = any(row.name for row in rows)
    heads = [*([html.Td()] if named else []), *(html.Th(column, scope="col") for column in columns)]
    if total:
        heads.append(html.Th(total, scope="col", className="heat-total"))
    body = html.Tbody([_row(row, columns, named, total) for row in rows])
    attributes: dict[str, Any] = {"aria-label": label}
    return html.Table([html.Thead(html.Tr(heads)), body], className=f"heat {kind}", **attributes)


def _row(row: HeatRow, columns: Sequence[str], named: bool, total: str) -> Component:
    cells: list[Component] = [html.Th(row.name, scope="row")] if named else []
    cells += [_cell(cell, column) for cell, column in zip(row.cells, columns, strict=True)]
    if total:
        labelled: dict[str, Any] = {"data-label": total}
        cells.append(html.Td(row.total, className="heat-total", **labelled))
    return html.Tr(cells)


def _above(cell: HeatCell) -> Component:
    mark = [html.Span(cell.mark, className="heat-mark")] if cell.mark else []
    return html.Span([cell.above, *mark], className="heat-above")


def _cell(cell: HeatCell, column: str) -> Component:
    classes = ["heat-cell", f"heat-{cell.tone}" if cell.tone else "heat-none"]
    classes += [name for name, on in (("heat-running", cell.outlined), ("heat-faint", cell.faint)) if on]
    parts = [
        *([_above(cell)] if cell.above else []),
        html.Span(cell.words, className="heat-words"),
        *([html.Span(cell.below, className="heat-below")] if cell.below else []),
    ]
    labelled: dict[str, Any] = {"data-label": column}
    # Plain "not yet" cells are read as blank; what is outlined says so to those who do not see the line.
    running = [html.Span(" so far", className="visually-hidden")] if cell.outlined else []
    return html.Td(html.Div([*parts, *running], className=" ".join(classes), title=cell.title or None), **labelled)
