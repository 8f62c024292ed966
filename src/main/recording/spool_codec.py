"""How do events become text that a later version of the program, or another one, can read back exactly?

A row of the spool holds events of one class as JSON: their fields, and the values column by column. Numbers are
Decimals in their exact text, times ISO 8601, lengths of time whole microseconds; the class says which is which. Nothing
in a row can run code, and no check of the constructors is repeated: the database has the last word on every value.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from main.domain.events import Event
from main.errors import RecordRejected
from main.recording.encoding import json_of
from main.recording.tables import TABLES

_MICROSECOND = timedelta(microseconds=1)

CLASSES: Mapping[str, type[Event]] = {event.__name__: event for event in TABLES}


class _Kind:
    """A type of field: which Python types it may hold, and how each value gets into JSON and back."""

    def __init__(self, types: tuple[type, ...], write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        self.types, self.write, self.read = (*types, NoneType), write, read

    def write_all(self, values: Sequence[Any]) -> list[Any]:
        for found in set(map(type, values)):
            if not issubclass(found, self.types) or (found is bool and bool not in self.types):
                raise TypeError(f"expected {self.types[0].__name__}, got {found.__name__}")
        return [None if value is None else self.write(value) for value in values]

    def read_all(self, values: Sequence[Any]) -> list[Any]:
        return [None if value is None else self.read(value) for value in values]


def dump(events: Sequence[Event]) -> str:
    """Return events of one class as a row's text, in ASCII. Raise `RecordRejected` when a value is not of its type."""
    kind = type(events[0])
    kinds = _KINDS_OF[kind.__name__]
    columns = zip(*map(attrgetter(*kinds), events), strict=True)
    written = []
    for (name, each), values in zip(kinds.items(), columns, strict=True):
        try:
            written.append(each.write_all(values))
        except Exception as error:
            raise RecordRejected(name, kind.__name__, str(error)) from error
    return json.dumps([list(kinds), written], separators=(",", ":"), allow_nan=False)


def load(name: str, text: str) -> list[Event]:
    """Return the events of a row that holds events of class `name`. Raise ``ValueError`` when it cannot be read."""
    kind = CLASSES.get(name)
    if kind is None:
        raise ValueError(f"no class of event is called {name}")
    try:
        names, columns = json.loads(text)
        kinds = _KINDS_OF[name]
        values = [kinds[field].read_all(column) for field, column in zip(names, columns, strict=True)]
        return [_restored(kind, names, row) for row in zip(*values, strict=True)]
    except (KeyError, TypeError, InvalidOperation, AttributeError, RecursionError) as error:
        raise ValueError(f"not a row of {name}: {error}") from error


def _restored(kind: type[Event], names: Sequence[str], values: Sequence[Any]) -> Event:
    event = object.__new__(kind)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(event, name, value)
    for spec in fields(kind):
        if spec.name not in names:  # an older version knew fewer fields
            object.__setattr__(event, spec.name, _default(spec))
    return event


def _default(spec: Any) -> Any:
    if spec.default_factory is not MISSING:
        return spec.default_factory()
    if spec.default is MISSING:
        raise KeyError(spec.name)
    return spec.default


def _kinds_of(kind: type[Event]) -> dict[str, _Kind]:
    hints = get_type_hints(kind)
    return {spec.name: _kind_of(hints[spec.name]) for spec in fields(kind)}


def _kind_of(annotation: Any) -> _Kind:
    if isinstance(annotation, UnionType):
        annotation = next(kind for kind in get_args(annotation) if kind is not NoneType)
    if get_origin(annotation) is Mapping:
        return _MAPPING
    return _KINDS[annotation]


def _numbers(values: tuple[Decimal, ...]) -> list[str]:
    if not set(map(type, values)) <= {Decimal, int}:
        raise TypeError("expected a Decimal in every place")
    return list(map(str, values))


def _texts(values: tuple[str, ...]) -> list[str]:
    if not set(map(type, values)) <= {str}:
        raise TypeError("expected text in every place")
    return list(values)


def _same(value: Any) -> Any:
    return value


_MAPPING = _Kind((Mapping,), json_of, json.loads)
_KINDS: dict[Any, _Kind] = {
    str: _Kind((str,), _same, _same),
    int: _Kind((int,), _same, _same),
    bool: _Kind((bool,), _same, _same),
    Decimal: _Kind((Decimal, int), str, Decimal),
    datetime: _Kind((datetime,), datetime.isoformat, datetime.fromisoformat),
    date: _Kind((date,), date.isoformat, date.fromisoformat),
    timedelta: _Kind((timedelta,), lambda value: value // _MICROSECOND, lambda value: value * _MICROSECOND),
    tuple[Decimal, ...]: _Kind((tuple, list), _numbers, lambda texts: tuple(map(Decimal, texts))),
    tuple[str, ...]: _Kind((tuple, list), _texts, tuple),
}

_KINDS_OF = {name: _kinds_of(kind) for name, kind in CLASSES.items()}
