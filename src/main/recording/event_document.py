"""How is one event told as a JSON object, by a bot that is written in another language?

``{"event": "fill", "account": "A", "quantity": "0.5", …}``: the fields are those of the event's class. A number may be
a JSON number or text, and loses no digit in either form; a time is ISO 8601 with its zone, a length of time whole
microseconds. What is left out is what the class leaves out.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from main.clock import parse_moment
from main.domain.events import Event
from main.errors import RecordRejected, did_you_mean
from main.recording.tables import TABLES
from main.recording.values import number

Reader = Callable[[Any, str], Any]

_CAPITAL = re.compile(r"(?<=.)(?=[A-Z])")

EVENTS: Mapping[str, type[Event]] = {_CAPITAL.sub("_", kind.__name__).lower(): kind for kind in TABLES}
"""Every class of event by the word that names it: ``fill``, ``order_event``, ``market_snapshot``, …"""


def document_of(text: str) -> dict[str, Any]:
    """Return the JSON object in a text, its numbers exact. Raise ``ValueError`` that says what is wrong with it."""
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"expected a JSON object: {error.msg} at character {error.colno}") from None
    except (RecursionError, InvalidOperation):
        raise ValueError("expected a JSON object of ordinary depth and numbers") from None
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, got {type(found).__name__}")
    return found


def event_of(document: Mapping[str, Any]) -> Event:
    """Return the event that a document tells. Raise `RecordRejected` naming the field."""
    name = document.get("event")
    kind = EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        hint = did_you_mean(name, EVENTS) if isinstance(name, str) else ""
        raise RecordRejected("event", name, hint or f"expected one of {', '.join(EVENTS)}")
    given = {field: value for field, value in document.items() if field != "event"}
    return made(kind, given)


def made(kind: type[Event], given: Mapping[str, Any]) -> Event:
    """Return an event of a class from its fields as JSON has them. Raise `RecordRejected` naming the field."""
    readers = _READERS_OF[kind]
    for field in given:
        if field not in readers:
            known = ", ".join(readers)
            raise RecordRejected(field, given[field], did_you_mean(field, readers) or f"expected one of {known}")
    for spec in fields(kind):
        if spec.name not in given and spec.default is MISSING and spec.default_factory is MISSING:
            raise RecordRejected(spec.name, None, "expected a value: it cannot be left out")
    return kind(**{field: readers[field](value, field) for field, value in given.items()})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected every name once, got {twice!r} twice")
    return found


def _of_type(kind: type, expected: str) -> Reader:
    def read(value: Any, field: str) -> Any:
        if type(value) is not kind:
            raise RecordRejected(field, value, f"expected {expected}")
        return value

    return read


def _moment(value: Any, field: str) -> datetime:
    expected = "expected an ISO 8601 time with its zone, such as 2026-11-20T14:32:05Z"
    if not isinstance(value, str):
        raise RecordRejected(field, value, expected)
    try:
        return parse_moment(value, field)
    except ValueError:
        raise RecordRejected(field, value, expected) from None


def _day(value: Any, field: str) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise RecordRejected(field, value, "expected a date such as 2026-11-20") from None


def _length(value: Any, field: str) -> timedelta:
    try:
        return timedelta(microseconds=_whole(value, field))
    except OverflowError:
        raise RecordRejected(field, value, "expected a length of time, in microseconds") from None


def _list_of(read: Reader) -> Reader:
    def read_all(value: Any, field: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise RecordRejected(field, value, "expected a list")
        return tuple(read(item, field) for item in value)

    return read_all


def _mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RecordRejected(field, value, "expected a JSON object")
    plain: Mapping[str, Any] = _plain(value, field)
    return plain


def _plain(value: Any, field: str) -> Any:
    """Numbers as JSON writes them again: a float where it has all the digits, else the exact text."""
    if isinstance(value, dict):
        return {name: _plain(item, field) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, field) for item in value]
    if isinstance(value, Decimal):
        exact = number(value, field)
        nearest = float(exact)
        return nearest if Decimal(repr(nearest)) == exact else str(exact)
    return value


def _optional(read: Reader) -> Reader:
    return lambda value, field: None if value is None else read(value, field)


def _reader_of(annotation: Any) -> Reader:
    if isinstance(annotation, UnionType):
        return _optional(_reader_of(next(kind for kind in get_args(annotation) if kind is not NoneType)))
    return _mapping if get_origin(annotation) is Mapping else _READERS[annotation]


_whole = _of_type(int, "a whole number")
_text = _of_type(str, "text")
_READERS: Mapping[Any, Reader] = {
    str: _text,
    int: _whole,
    bool: _of_type(bool, "true or false"),
    Decimal: number,
    datetime: _moment,
    date: _day,
    timedelta: _length,
    tuple[Decimal, ...]: _list_of(number),
    tuple[str, ...]: _list_of(_text),
}
_READERS_OF: Mapping[type[Event], Mapping[str, Reader]] = {
    kind: {spec.name: _reader_of(get_type_hints(kind)[spec.name]) for spec in fields(kind)} for kind in TABLES
}
