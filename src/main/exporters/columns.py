"""Which columns has a table, and of which kind are they? The type of a row says, or else the cells that are there."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from main.analytics.figure import Figure
from main.exporters.flat import Cell, Table, plain
from main.exporters.format import Column, Kind

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
    if any(column is None for column, _ in found):
        return None
    getters = tuple(getter for _, getter in found)
    columns = tuple(column for column, _ in found if column is not None)
    return RowColumns(columns, lambda record: tuple(getter(record) for getter in getters))


def table_columns(of: Table) -> tuple[Column, ...]:
    """Return the columns of a table with the kinds that all of its cells are of; of several kinds is text."""
    return tuple(Column(name, _kind(row[place] for row in of.rows)) for place, name in enumerate(of.columns))


def _of(row: type, prefix: str = "", path: str = "") -> Iterator[tuple[Column | None, Callable[[Any], Cell]]]:
    hints = get_type_hints(row)
    for spec in fields(row):
        name, place, hint = prefix + spec.name, path + spec.name, _without_none(hints[spec.name])
        if hint is Figure:
            yield Column(name, Kind.NUMBER), _within(place, "value")
            yield Column(f"{name}.reason", Kind.TEXT), _reason(_within(place, "reason"))
        elif isinstance(hint, type) and is_dataclass(hint):
            yield from _of(hint, f"{name}.", f"{place}.")
        else:
            yield _column(name, hint), _getter(place, hint)


def _column(name: str, hint: Any) -> Column | None:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return Column(name, _KINDS[type(get_args(hint)[0])])
    if isinstance(origin, type) and issubclass(origin, list | tuple | Set):
        inner = (_without_none(each) for each in get_args(hint) if each is not Ellipsis)
        flat = all(isinstance(each, type) and each in _KINDS for each in inner)
        return Column(name, Kind.TEXT) if flat else None
    if isinstance(origin, type) and issubclass(origin, Enum):
        return Column(name, Kind.TEXT)
    return Column(name, _KINDS[hint]) if hint in _KINDS else None


def _getter(path: str, hint: Any) -> Callable[[Any], Cell]:
    if "." in path:
        *outer, last = path.split(".")
        return _within(".".join(outer), last)
    direct = attrgetter(path)
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
