"""Which part of a long list is wanted, and what comes back: items, how many there are in all, and their summary."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
Summary = TypeVar("Summary")

MOST = 1000
"""More rows than this are an export, not a page."""


FARTHEST = 10_000_000
"""Nobody turns pages that far; the database's numbers end at some 2 billion."""


@dataclass(frozen=True, slots=True)
class Page:
    """Params of a read that pages, to be inherited: `limit` items from place `offset`, which counts from 0."""

    limit: int = 50
    offset: int = 0

    def __post_init__(self) -> None:
        check_page(self.limit, self.offset)


@dataclass(frozen=True, slots=True)
class Paged(Generic[Row, Summary]):
    """One page of a list. ``total`` and ``summary`` are about the whole list, whichever page of it this is."""

    items: list[Row]
    total: int
    limit: int
    offset: int
    summary: Summary | None = None


def check_page(limit: int, offset: int) -> None:
    """Raise ``ValueError`` that says which values there are; for params that inherit from something else."""
    if not 1 <= limit <= MOST:
        raise ValueError(f"limit: got {limit}, expected 1 to {MOST}")
    if not 0 <= offset <= FARTHEST:
        raise ValueError(f"offset: got {offset}, expected 0 to {FARTHEST}")


def check_choice(name: str, given: str | None, choices: Collection[str]) -> None:
    """Raise ``ValueError`` that names the choices unless `given` is ``None`` or one of them."""
    if given is not None and given not in choices:
        raise ValueError(f'{name}: got "{given[:80]}", expected one of {", ".join(choices)}')
