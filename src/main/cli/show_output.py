"""How is an answer printed: as a table for people, as JSON or CSV for programs?"""

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from main.domain.scope import Scope
from main.monitoring.api.json import encode
from main.monitoring.api.question import Question
from main.monitoring.api.rest import envelope
from main.monitoring.read import Answer, Read
from main.text import DASH

_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

Rows = tuple[tuple[str, ...], list[tuple[object, ...]]]


def printed(asked: Question, scope: Scope, answer: Answer[Any], format_: str) -> str:
    """Return an answer as text in one of the formats table, json and csv."""
    if format_ == "json":
        return encode(envelope(asked, scope, answer)).decode()
    columns, rows = rows_of(asked.limited(answer.value))
    if format_ == "csv":
        return as_csv(columns, rows)
    fresh = answer.freshness
    as_of = _cell(fresh.as_of) if fresh.as_of else DASH
    head = f"{asked.read.title} ({asked.read.unit}), {fresh.state}, as of {as_of}"
    about = f"accounts: {', '.join(scope.accounts) or DASH}, range: {scope.window}"
    return "\n".join((head, about, "", as_table(columns, rows) if rows else "nothing recorded"))


def catalogue(reads: Iterable[Read[Any]], format_: str) -> str:
    """Return the list of all reads: name, unit and the first line of what they mean."""
    columns = ("name", "unit", "meaning")
    rows: list[tuple[object, ...]] = [(read.name, read.unit, read.description.partition("\n")[0]) for read in reads]
    if format_ == "json":
        return encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
    return as_csv(columns, rows) if format_ == "csv" else as_table(columns, rows)


def rows_of(value: object) -> Rows:
    """Return a value's column names and rows: a list of dataclasses or one, or a single figure as ``value``."""
    if value is None:
        return ("value",), []
    items = list(value) if isinstance(value, list | tuple) else [value]
    if not items:
        return ("value",), []
    if is_dataclass(items[0]):
        columns = tuple(spec.name for spec in fields(items[0]))
        return columns, [tuple(getattr(item, name) for name in columns) for item in items]
    return ("value",), [(item,) for item in items]


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return CSV that no spreadsheet executes; unknown is an empty cell, negative numbers stay numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return text.getvalue().rstrip("\n")


def as_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return columns side by side, numbers to the right; control characters of a cell are shown, never obeyed."""
    rows = list(rows)
    cells = [[printable(_cell(cell)) for cell in row] for row in rows]
    widths = [max(len(line[index]) for line in ([*columns], *cells)) for index in range(len(columns))]
    numeric = [
        any(isinstance(row[index], int | float | Decimal) and not isinstance(row[index], bool) for row in rows)
        for index in range(len(columns))
    ]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in ([*columns], *cells)
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    match value:
        case None:
            return DASH
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Decimal():
            return f"{value:f}" if value.is_finite() else DASH
        case str():
            return str(value)
        case float() if not math.isfinite(value):
            return DASH
        case _:
            return encode(value).decode()


def _inert(value: object) -> str:
    text = _cell(value)
    if text == DASH and not isinstance(value, str):
        return ""
    return f"'{text}" if isinstance(value, str) and text.startswith(_RISKY) else text


def printable(text: str) -> str:
    """Return a text whose control characters are shown, so that no terminal obeys them."""
    return "".join(char if unicodedata.category(char)[0] != "C" else f"\\x{ord(char):02x}" for char in text)
