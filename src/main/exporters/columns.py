"""Which columns has a table, and of which kind are they? The type of a row says, or else the cells that are there."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isfinite
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from main.analytics.figure import Figure
from main.exporters.flat import Cell, Table, plain
from main.exporters.format import Column, Kind
from main.exporters.json import encode

_KINDS: dict[Any, Kind] = {
    str: Kind.TEXT,
    bool: Kind.FLAG,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    Decimal: Kind.EXACT,
    datetime: Kind.TIME,
    date: Kind.DATE,
    time: Kind.TEXT,
    timedelta: Kind.NUMBER,
}
_AS_IT_IS = frozenset({str, bool, int, datetime, date})


@dataclass(frozen=True, slots=True)
class RowColumns:
    """The columns of a row's type, the same however many rows there are and whatever is in them."""

    columns: tuple[Column, ...]
    cells: Callable[[Any], tuple[Cell, ...]]


@cache
def row_columns(row: Hashable) -> RowColumns | None:
    """Return the columns of a frozen dataclass, named as `main.exporters.flat.table` names them.

    ``None`` where its rows are not flat: what holds other rows, or a map, has columns only when the values are known.
    """
    found = list(_of(cast(Any, row)))
    return None if any(column.kind is None for column, _ in found) else _made(found)


@cache
def packed_columns(row: Hashable) -> RowColumns:
    """Return the columns of any frozen dataclass: a map, or other rows inside a row, are one text of JSON."""
    found = list(_of(cast(Any, row)))
    return _made([(column, get if column.kind is not None else _packed(get)) for column, get in found])


def _made(found: Sequence[tuple["_Field", Callable[[Any], Cell]]]) -> RowColumns:
    getters = tuple(getter for _, getter in found)
    columns = tuple(Column(column.name, column.kind or Kind.TEXT) for column, _ in found)
    return RowColumns(columns, lambda record: tuple(getter(record) for getter in getters))


def table_columns(of: Table) -> tuple[Column, ...]:
    """Return the columns of a table with the kinds that all of its cells are of; of several kinds is text."""
    return tuple(Column(name, _kind(row[place] for row in of.rows)) for place, name in enumerate(of.columns))


@dataclass(frozen=True, slots=True)
class _Field:
    """A column to be; without a kind what stands in it is not flat."""

    name: str
    kind: Kind | None


def _of(row: type, prefix: str = "", path: str = "") -> Iterator[tuple[_Field, Callable[[Any], Cell]]]:
    hints = get_type_hints(row)
    for spec in fields(row):
        name, place, hint = prefix + spec.name, path + spec.name, _without_none(hints[spec.name])
        if hint is Figure:
            yield _Field(name, Kind.NUMBER), _within(place, "value")
            yield _Field(f"{name}.reason", Kind.TEXT), _reason(_within(place, "reason"))
        elif isinstance(hint, type) and is_dataclass(hint):
            yield from _of(hint, f"{name}.", f"{place}.")
        else:
            kind = _kind_of(hint)
            yield _Field(name, kind), _getter(place, hint, flat=kind is not None)


def _kind_of(hint: Any) -> Kind | None:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return _KINDS[type(get_args(hint)[0])]
    if isinstance(origin, type) and issubclass(origin, list | tuple | Set):
        inner = (_without_none(each) for each in get_args(hint) if each is not Ellipsis)
        return Kind.TEXT if all(isinstance(each, type) and each in _KINDS for each in inner) else None
    if isinstance(origin, type) and issubclass(origin, Enum):
        return Kind.TEXT
    return _KINDS.get(hint) if isinstance(hint, Hashable) else None


def _getter(path: str, hint: Any, *, flat: bool) -> Callable[[Any], Cell]:
    if not flat:
        return attrgetter(path)
    if "." in path:
        *outer, last = path.split(".")
        return _within(".".join(outer), last)
    direct = attrgetter(path)
    if hint in (Decimal, float):
        return _finite(direct)
    return direct if hint in _AS_IT_IS else lambda record: plain(direct(record))


def _within(path: str, last: str) -> Callable[[Any], Cell]:
    """A getter of a field of something that may not be there."""
    steps = path.split(".")

    def get(record: Any) -> Cell:
        for step in steps:
            record = getattr(record, step)
            if record is None:
                return None
        return plain(getattr(record, last))

    return get


def _finite(get: Callable[[Any], Any]) -> Callable[[Any], Cell]:
    """As `plain`, for the numbers that most columns are."""

    def number(record: Any) -> Cell:
        value = get(record)
        return value if value is None or isfinite(value) else None

    return number


def _packed(get: Callable[[Any], Any]) -> Callable[[Any], Cell]:
    def text(record: Any) -> Cell:
        value = get(record)
        return None if value is None else encode(value).decode()

    return text


def _reason(get: Callable[[Any], Cell]) -> Callable[[Any], Cell]:
    return lambda record: get(record) or None


def _without_none(hint: Any) -> Any:
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        parts = [part for part in get_args(hint) if part is not NoneType]
        return parts[0] if len(parts) == 1 else hint
    return hint


def _kind(cells: Iterable[Cell]) -> Kind:
    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) == 1:
        return _KINDS.get(kinds.pop(), Kind.TEXT)
    if kinds and kinds <= {int, Decimal}:
        return Kind.EXACT
    return Kind.NUMBER if kinds and kinds <= {int, float, Decimal} else Kind.TEXT
