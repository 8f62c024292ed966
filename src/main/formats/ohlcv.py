"""Which bars does an OHLCV file hold? Parquet and CSV, whatever the case of its column names.

Columns: a time (``date``, ``datetime``, ``time``, ``timestamp``, ``at``, or the index a data frame was saved with),
``open``, ``high``, ``low``, ``close``; optional ``volume``, ``adj close`` (also ``adj_close``, ``adjusted_close``) and
``symbol`` (also ``ticker``); without a symbol column the file's stem is the symbol. Times without a zone are UTC; whole
numbers are seconds, milliseconds, microseconds or nanoseconds since 1970 by their size, eight digits a date (20260131).
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from main.domain.market import Bar
from main.errors import UnreadablePrices

Value = TypeVar("Value")

SUFFIXES = (".parquet", ".pq", ".csv")

_NAMES = {
    "at": ("date", "datetime", "time", "timestamp", "at", "index_level_0", "index", "unnamed_0", ""),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol"),
    "adjusted_close": ("adj_close", "adjusted_close", "adjclose"),
    "symbol": ("symbol", "ticker"),
}
_REQUIRED = ("at", "open", "high", "low", "close")
_PRICES = ("open", "high", "low", "close")
_BLANKS = frozenset({"", "nan", "null", "none", "na", "n/a", "-"})
_EPOCH_SIZES = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))  # from this size on: so many a second


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was left out: where, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bars:
    """What files held: their bars in order of time and symbol, and the rows that were left out."""

    bars: tuple[Bar, ...]
    skipped: tuple[Skipped, ...]


class _Unusable(Exception):  # never leaves this module
    """A row without a usable price."""


def read_bars(path: Path) -> Bars:
    """Read a file, or every OHLCV file of a directory.

    A row whose price is missing, NaN or not above zero is skipped and reported. Raise `UnreadablePrices` naming file,
    line and column for anything else that cannot be read: a missing column, a time or number that is none, two bars of
    a symbol at one time, or nothing to read at all.
    """
    bars: list[Bar] = []
    skipped: list[Skipped] = []
    for file in _files(path):
        for line, row in _rows(file):
            try:
                bars.append(_bar(file, line, row))
            except _Unusable as unusable:
                skipped.append(Skipped(str(file), line, str(unusable)))
    if not bars:
        raise UnreadablePrices(
            f"{path}: no usable bar in it ({len(skipped)} rows skipped); choose a file with OHLCV rows"
        )
    bars.sort(key=lambda bar: (bar.at, bar.symbol))
    for before, after in pairwise(bars):
        if (before.at, before.symbol) == (after.at, after.symbol):
            raise UnreadablePrices(f"{path}: two bars of {after.symbol} at {after.at.isoformat()}; remove one of them")
    return Bars(tuple(bars), tuple(skipped))


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UnreadablePrices(f"{path}: no such file or directory; check the path after replay:")
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        if not files:
            raise UnreadablePrices(
                f"{path}: no {', '.join(SUFFIXES)} file in this directory; name one that holds OHLCV files"
            )
        return files
    if path.suffix.lower() not in SUFFIXES:
        raise UnreadablePrices(
            f"{path}: the name ends in {path.suffix or 'nothing'}, expected one of {', '.join(SUFFIXES)}"
        )
    return [path]


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    return _csv_rows(file) if file.suffix.lower() == ".csv" else _parquet_rows(file)


def _csv_rows(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text)
            columns = _columns(file, next(reader, []))
            for row in reader:
                if len(row) <= max(columns.values()):
                    if any(cell.strip() for cell in row):
                        raise UnreadablePrices(
                            f"{file}:{reader.line_num}: got {len(row)} columns, expected as many as line 1"
                        )
                    continue
                yield reader.line_num, {field: row[place] for field, place in columns.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadablePrices(f"{file}: cannot be read as CSV: {error}; check that it is UTF-8 text") from error


def _parquet_rows(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            columns = _columns(file, parquet.schema_arrow.names)
            number = 0
            names = parquet.schema_arrow.names
            for batch in parquet.iter_batches(columns=[names[place] for place in columns.values()]):
                values = {field: _values(batch.column(names[place])) for field, place in columns.items()}
                for row in zip(*values.values(), strict=True):
                    number += 1  # rows of Parquet are counted from 1
                    yield number, dict(zip(values, row, strict=True))
    except (OSError, pa.ArrowException) as error:
        raise UnreadablePrices(f"{file}: cannot be read as Parquet: {error}; write it again") from error


def _values(column: object) -> Sequence[object]:
    import pyarrow as pa

    assert isinstance(column, pa.Array)
    if pa.types.is_timestamp(column.type):
        # Nanoseconds would need pandas to become a datetime, and no bar is timed that finely.
        return list(column.cast(pa.timestamp("us", column.type.tz), safe=False).to_pylist())
    return list(column.to_pylist())


def _columns(file: Path, names: Sequence[str]) -> dict[str, int]:
    """Find the place of every field. A nameless first column is the index a data frame was saved with."""
    folded = [re.sub(r"[^a-z0-9]+", "_", name.strip().casefold()).strip("_") for name in names]
    places = {field: _place(folded, aliases) for field, aliases in _NAMES.items()}
    missing = [field for field in _REQUIRED if places[field] is None]
    if missing:
        wanted = ", ".join("date" if field == "at" else field for field in missing)
        raise UnreadablePrices(f"{file}:1: no column {wanted}; it has {', '.join(names) or 'no column at all'}")
    return {field: place for field, place in places.items() if place is not None}


def _place(names: Sequence[str], aliases: Iterable[str]) -> int | None:
    return next((names.index(alias) for alias in aliases if alias in names), None)


def _bar(file: Path, line: int, row: Mapping[str, object]) -> Bar:
    where = f"{file}:{line}"
    at = _convert("date", where, row["at"], _moment, "a date or time such as 2026-01-31 or 2026-01-31T14:30:00Z")
    number = "a number"
    prices = {name: _convert(name, where, row[name], _number, number) for name in _PRICES}
    for name, price in prices.items():
        if price is None or price <= 0:
            raise _Unusable(f"{name} is {row[name]!r}")
    volume = _convert("volume", where, row.get("volume"), _number, number)
    adjusted = _convert("adjusted close", where, row.get("adjusted_close"), _number, number)
    if "adjusted_close" in row and (adjusted is None or adjusted <= 0):
        raise _Unusable(f"adjusted close is {row['adjusted_close']!r}")
    symbol = str(row.get("symbol") or "").strip() or file.stem
    if at is None:
        raise _Unusable("it has no date")
    found = {name: price for name, price in prices.items() if price is not None}
    if not found["low"] <= min(found["open"], found["close"]) <= max(found["open"], found["close"]) <= found["high"]:
        found["low"], found["high"] = min(found.values()), max(found.values())  # rounding of vendors; keep the close
    return Bar(symbol=symbol, at=at, volume=volume, adjusted_close=adjusted, **found)


def _convert(column: str, where: str, value: object, kind: Callable[[object], Value], expected: str) -> Value:
    try:
        return kind(value)
    except (ValueError, TypeError, OverflowError, InvalidOperation):
        raise UnreadablePrices(f"{where}: column {column}: got {value!r}, expected {expected}") from None


def _number(value: object) -> Decimal | None:
    if value is None:
        return None
    text = str(value).strip()
    if text.casefold() in _BLANKS:
        return None
    number = Decimal(text)
    return number if number.is_finite() else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()
        if text.casefold() in _BLANKS:
            return None
        value = int(text) if text.isdigit() and len(text) != 8 else datetime.fromisoformat(text)
    match value:
        case None:
            return None
        case datetime():
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        case date():
            return datetime.combine(value, time(), UTC)
        case int():
            return _from_whole_number(value)
        case _:
            raise ValueError(value)


def _from_whole_number(number: int) -> datetime:
    if 19_000_101 <= number <= 29_991_231:
        return datetime.strptime(str(number), "%Y%m%d").replace(tzinfo=UTC)
    per_second = next(unit for size, unit in _EPOCH_SIZES if number >= size)
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=number * 10**6 // per_second)
