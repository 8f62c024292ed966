"""What is a format: how the columns of a table and its rows, some at a time, become bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """What the cells of a column are; every one of them may be ``None`` instead."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    EXACT = "exact number"
    FLAG = "yes or no"
    TIME = "time"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind


Columns = Sequence[Column]
Row = Sequence[Any]
"""One cell a column: None, bool, int, float, Decimal, text, date or an aware UTC time."""


class Writer(Protocol):
    """Writes one table. The bytes of all three put together, in their order, are the file."""

    def begin(self) -> bytes:
        """Return what stands before the first row."""
        ...

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return some more rows; it may keep them back for later."""
        ...

    def end(self) -> bytes:
        """Return what stands after the last row."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a table; ``name`` is also how its files end.

    ``writer`` takes the columns, and whether exact decimals are to be written as "number" or as "string" where the
    format has both.
    """

    name: str
    media_type: str
    writer: Callable[[Columns, str], Writer]
