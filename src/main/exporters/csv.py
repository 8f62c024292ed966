"""How is a table written as CSV (RFC 4180, UTF-8) of which no spreadsheet executes a cell?"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal

from main.exporters.flat import Cell, Table
from main.exporters.format import Columns, Format, Row

MEDIA_TYPE = "text/csv; charset=utf-8"

_FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")  # what a spreadsheet may take for the beginning of something to reckon


def write(of: Table) -> bytes:
    """Return a whole table; a text that a spreadsheet would execute begins with an apostrophe."""
    return _lines([_head(of.columns), *map(_cells, of.rows)])


class CsvWriter:
    """Writes a table piece by piece; the head always comes, also where there is no row."""

    def __init__(self, columns: Columns, decimals: str) -> None:
        """Take the columns; a decimal has all its digits in any case."""
        self._columns = columns

    def begin(self) -> bytes:
        """Return the line of the names."""
        return _lines([_head([column.name for column in self._columns])])

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return a line for each row."""
        return _lines(map(_cells, rows))

    def end(self) -> bytes:
        """Return nothing: the last line has its end."""
        return b""


def _lines(lines: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode("utf-8", "replace")


def _head(names: Iterable[str]) -> list[str]:
    return [_inert(name) for name in names]


def _cells(row: Iterable[Cell]) -> list[str]:
    return [_written(cell) for cell in row]


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case date() | time():
            return cell.isoformat().replace("+00:00", "Z")
        case Decimal():
            return f"{cell:f}"
        case str():
            return _inert(cell)
        case _:
            return str(cell)


def _inert(text: str) -> str:
    return f"'{text}" if text.lstrip(" ")[:1] in _FORMULA else text


FORMAT = Format("csv", MEDIA_TYPE, CsvWriter)
