"""Which part of a long list is wanted, and what comes back: some of its items, how many there are, and their summary."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
Summary = TypeVar("Summary")

MOST = 1000
"""More rows than this are an export, not a page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Params of a read that pages, to be inherited: `limit` items from place `offset`, which counts from 0."""

    limit: int = 50
    offset: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit {self.limit}: use 1 to {MOST}")
        if self.offset < 0:
            raise ValueError(f"offset {self.offset}: use 0 or more")


@dataclass(frozen=True, slots=True)
class Paged(Generic[Row, Summary]):
    """One page of a list. ``total`` and ``summary`` are about the whole list, whichever page of it this is."""

    items: list[Row]
    total: int
    limit: int
    offset: int
    summary: Summary | None = None


def check_choice(name: str, given: str | None, choices: Collection[str]) -> None:
    """Raise ``ValueError`` that names the choices unless `given` is ``None`` or one of them."""
    if given is not None and given not in choices:
        raise ValueError(f"{name} {given!r}: use one of {', '.join(choices)}")
