"""How is a table written as Parquet, with exact numbers as decimals and times as times?"""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from main.errors import ConfigurationError, Problem
from main.exporters.format import Column, Columns, Format, Kind, Row

PRECISION, SCALE = 38, 18
"""Digits of an exact number, and those of them behind the point: what decimal128 holds, and venues reckon with."""
GROUP = 5_000
"""Rows of a row group: the most that is kept in memory."""

_EXACT = Context(prec=PRECISION, rounding=ROUND_HALF_EVEN)
_STEP = Decimal(1).scaleb(-SCALE)


class ParquetWriter:
    """Writes a table piece by piece; a row group leaves when it is full."""

    def __init__(self, columns: Columns, decimals: str) -> None:
        """Take the columns, at least one; their kinds become the types of the file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._arrow = pa
        self._columns = columns
        self._schema = pa.schema([pa.field(column.name, _type(pa, column.kind)) for column in columns])
        self._sink = _Sink()
        self._waiting: list[Row] = []
        self._writer = pq.ParquetWriter(pa.PythonFile(self._sink, mode="w"), self._schema, compression="zstd")

    def begin(self) -> bytes:
        """Return the mark that such a file begins with."""
        return self._sink.taken()

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return the row groups that are full now. Raise `ConfigurationError` for a number that is too large."""
        self._waiting += rows
        if len(self._waiting) >= GROUP:
            self._write()
        return self._sink.taken()

    def end(self) -> bytes:
        """Return the last row group, and the index that ends the file."""
        if self._waiting:
            self._write()
        self._writer.close()
        return self._sink.taken()

    def _write(self) -> None:
        cells = zip(*self._waiting, strict=True)
        arrays = [self._array(each, column) for each, column in zip(cells, self._columns, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema), row_group_size=GROUP)
        self._waiting.clear()

    def _array(self, cells: Sequence[Any], column: Column) -> Any:
        made = _MADE.get(column.kind)
        try:
            given = cells if made is None else [None if cell is None else made(cell) for cell in cells]
            return self._arrow.array(given, self._schema.field(column.name).type)
        except (ValueError, ArithmeticError) as error:
            digits = f"numbers of at most {PRECISION - SCALE} digits before the point; csv and json take any"
            raise ConfigurationError(Problem(f"{column.name}: {error}", digits, key="format")) from error


class _Sink:
    """A file that is taken away as it grows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self.closed = False

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._length += len(part)
        return len(part)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        """All of it is there already."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        found = b"".join(self._parts)
        self._parts.clear()
        return found


def _exact(number: Any) -> Decimal:
    """The number with as many digits behind the point as the file has; further ones are rounded away."""
    return Decimal(number).quantize(_STEP, context=_EXACT)


_MADE: dict[Kind, Callable[[Any], Any]] = {Kind.EXACT: _exact, Kind.TEXT: str, Kind.NUMBER: float}


def _type(pa: Any, kind: Kind) -> Any:
    return {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.EXACT: pa.decimal128(PRECISION, SCALE),
        Kind.FLAG: pa.bool_(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.DATE: pa.date32(),
    }[kind]


FORMAT = Format("parquet", "application/vnd.apache.parquet", ParquetWriter)
