"""What do all events have in common, and which values may none of them hold?"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Context, Decimal, Inexact
from typing import ClassVar

from main.domain.scope import ACCOUNT_PATTERN
from main.domain.topics import Topic
from main.errors import RecordRejected

_STORABLE = Context(prec=151, Emin=0, Emax=999_999, traps=[Inexact])
"""Loses a digit of any number with more than 150 decimals or 151 digits: sums of products of four stay exact in the
ledger's 1,000 digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing to record. Subclasses name their table and the topic announced after the commit.

    ``droppable`` events may be given up first when a buffer is full: their successor soon says the same.
    """

    table: ClassVar[str]
    topic: ClassVar[Topic]
    droppable: ClassVar[bool] = False
    replaces: ClassVar[tuple[str, ...]] = ()  # key of a state that a newer event overwrites; empty for facts
    positive: ClassVar[frozenset[str]] = frozenset()
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    at: datetime

    def __post_init__(self) -> None:
        passed = _PASSED.get(type(self))
        if passed is None:
            passed = _PASSED[type(self)] = dict.fromkeys(spec.name for spec in fields(self))
        for name, last in passed.items():
            value = getattr(self, name)
            if value is not None and value is not last:
                _check(self, name, value)
                passed[name] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Event):
    """An append-only event of an account."""

    account: str
    source: str
    source_id: str
    revision: int = 0


_PASSED: dict[type[Event], dict[str, object]] = {}
"""By class and field the value that passed last. The events of a tick share most of their values, which never change:
the same object is not looked at twice."""


def _check(event: Event, name: str, value: object) -> None:
    if isinstance(value, str):  # the most frequent kinds first: every event of every tick comes this way
        _check_text(event, name, value)
    elif isinstance(value, Decimal):
        _check_number(event, name, value)
    elif isinstance(value, datetime) and value.utcoffset() is None:
        raise RecordRejected(name, value, "expected an aware time (with its zone)")
    elif isinstance(value, float):
        raise RecordRejected(name, value, "expected a Decimal, floats lose cents")
    elif isinstance(value, tuple):
        for item in value:
            _check(event, name, item)
    elif isinstance(value, int) and name in event.positive and value <= 0:
        raise RecordRejected(name, value, "expected above 0")


def _check_number(event: Event, name: str, value: Decimal) -> None:
    if not value.is_finite():
        raise RecordRejected(name, value, "expected a finite number")
    if name in event.positive and value <= 0:
        raise RecordRejected(name, value, "expected above 0")
    if value and not -60 <= value.adjusted() <= 60:
        raise RecordRejected(name, value, "expected a magnitude between 1e-60 and 1e60")
    try:
        _STORABLE.plus(value)
    except Inexact:
        raise RecordRejected(name, value, "expected at most 150 digits, as a price or an amount has") from None


def _check_text(event: Event, name: str, value: str) -> None:
    if name == "account" and not ACCOUNT_PATTERN.fullmatch(value):
        raise RecordRejected(name, value, "expected 1 to 64 letters, digits, '_', '.', '@' or '-'")
    if name in event.choices and value not in event.choices[name]:
        raise RecordRejected(name, value, f"expected one of {', '.join(event.choices[name])}")
    if "\x00" in value:
        raise RecordRejected(name, value, "expected text without NUL, PostgreSQL cannot store it")
    try:
        value.isascii() or value.encode()
    except UnicodeEncodeError:
        raise RecordRejected(name, value, "expected well-formed Unicode, without lone surrogates") from None
