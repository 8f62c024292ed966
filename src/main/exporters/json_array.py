"""How is a table written as one JSON document, an array of an object a row?"""

from collections.abc import Sequence

from main.exporters.format import Columns, Format, Row
from main.exporters.ndjson import LineWriter


class ArrayWriter:
    """Writes a table piece by piece, a row a line."""

    def __init__(self, columns: Columns, decimals: str) -> None:
        """Take the columns, which become the members of each object."""
        self._lines = LineWriter(columns, decimals)
        self._between = b"\n"

    def begin(self) -> bytes:
        """Return the beginning of the array."""
        return b"["

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return an object for each row."""
        parts: list[bytes] = []
        for row in rows:
            parts += (self._between, self._lines.line(row))
            self._between = b",\n"
        return b"".join(parts)

    def end(self) -> bytes:
        """Return the end of the array."""
        return b"\n]\n"


FORMAT = Format("json", "application/json", ArrayWriter)
