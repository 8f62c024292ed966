"""How is a table written as JSON lines, one object a row?"""

from collections.abc import Sequence
from typing import cast

from main.exporters.format import Columns, Format, Row
from main.exporters.json import Decimals, encode


class LineWriter:
    """Writes a table piece by piece."""

    def __init__(self, columns: Columns, decimals: str) -> None:
        """Take the columns, which become the members of each object."""
        self._names = [column.name for column in columns]
        self._decimals = cast(Decimals, decimals)

    def begin(self) -> bytes:
        """Return nothing: there is no head."""
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return a line for each row."""
        return b"".join(self.line(row) + b"\n" for row in rows)

    def line(self, row: Row) -> bytes:
        """Return one row as an object, without the end of its line."""
        return encode(dict(zip(self._names, row, strict=True)), self._decimals)

    def end(self) -> bytes:
        """Return nothing: the last line has its end."""
        return b""


FORMAT = Format("ndjson", "application/x-ndjson", LineWriter)
