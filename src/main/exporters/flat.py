"""What are the flat rows of an answer's value: one an item, whatever stands inside it?"""

import json
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from main.analytics.figure import Figure
from main.exporters.json import encode
from main.monitoring.paging import Paged

PART = "part"
"""The column that says which list of the value a row is of, where there are several."""

Cell = Any
Row = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Flat rows with the union of their columns; ``None`` where a row has none of it or it is not known."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table(value: object) -> Table:
    """Return a read's value as flat rows: a list's items, or one row for a single object; nothing for ``None``.

    An object inside a row becomes columns named ``outer.inner``, a `Figure` its value with its reason beside it. A list
    of objects inside a row becomes rows of its own, which repeat the texts (account, symbol) of the row they are of.
    """
    found = list(_rows(value, "", {}))
    several = len({part for part, _ in found}) > 1
    rows = [{PART: part, **row} if several else row for part, row in found]
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Table(columns, tuple(tuple(row.get(name) for name in columns) for row in rows))


def shown(of: Table, most: int) -> tuple[tuple[Cell, ...], ...]:
    """Return at most so many rows for a person: of series, which end now, the newest first."""
    if PART in of.columns or "at" not in of.columns or not of.rows:
        return of.rows[:most]
    place = of.columns.index("at")
    if not all(isinstance(row[place], date) for row in of.rows):
        return of.rows[:most]
    # One series after the other, each with texts of its own, such as its currency; lists of events do not ascend so.
    series: dict[tuple[str, ...], list[date]] = {}
    for row in of.rows:
        series.setdefault(tuple(cell for cell in row if isinstance(cell, str)), []).append(row[place])
    ascending = all(times == sorted(times) for times in series.values())
    if not ascending or 2 * len(series) > len(of.rows):
        return of.rows[:most]
    return tuple(sorted(of.rows, key=lambda row: row[place], reverse=True)[:most])


def _rows(value: object, part: str, inherited: Row) -> Iterator[tuple[str, Row]]:
    match value:
        case None:
            return
        case Paged():
            yield from _rows(value.items, part, inherited)
        case list() | tuple() | Set():
            for item in value:
                yield from _rows(item, part, inherited)
        case Mapping():
            for key, each in value.items():
                yield from _rows(each, part, {**inherited, "key": plain(key)})
        case _ if is_dataclass(value) and not isinstance(value, Figure):
            yield from _record(value, part, inherited)
        case _:
            yield part, inherited | _columns("value", value)


def _record(record: Any, part: str, inherited: Row) -> Iterator[tuple[str, Row]]:
    lists = {each.name: getattr(record, each.name) for each in fields(record) if _has_rows(getattr(record, each.name))}
    row = dict(inherited)
    for each in fields(record):
        if each.name not in lists:
            row |= _columns(each.name, getattr(record, each.name))
    if len(row) > len(inherited):
        yield part, row
    texts = {name: cell for name, cell in row.items() if isinstance(cell, str)}
    for name, items in lists.items():
        yield from _rows(items, f"{part}.{name}" if part else name, texts)


def _has_rows(value: object) -> bool:
    items = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, list | tuple | Mapping) and any(is_dataclass(each) for each in items)  # type: ignore[attr-defined]


def _columns(name: str, value: object) -> Row:
    match value:
        case Figure():
            return {name: value.value} | ({f"{name}.reason": value.reason} if value.reason else {})
        case Mapping():
            pairs = [(str(plain(key)), each) for key, each in value.items()]
        case _ if is_dataclass(value):
            pairs = [(each.name, getattr(value, each.name)) for each in fields(value)]
        case _:
            return {name: plain(value)}
    return {column: cell for inner, each in pairs for column, cell in _columns(f"{name}.{inner}", each).items()}


def plain(value: object) -> Cell:
    """Return one value as a cell: a number that is none is ``None``, a duration seconds, a list one text."""
    match value:
        case Enum():
            return value.value
        case float() | Decimal() if not math.isfinite(value):
            return None
        case timedelta():
            return value.total_seconds()
        case list() | tuple() | Set():
            return "; ".join(_as_text(each) for each in value)
        case None | bool() | int() | float() | Decimal() | str() | date() | time():
            return value
        case _:
            return str(value)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(json.loads(encode(value)))
