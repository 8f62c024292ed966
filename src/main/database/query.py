"""How a typed question is put to the database: SQL in, frozen rows out."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, LiteralString, Protocol, TypeVar

Row = TypeVar("Row")


class Fetcher(Protocol):
    """What a query needs of a connection; asyncpg's connections and our scoped transactions have it."""

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> Sequence[Any]:
        """Return the rows of a query."""
        ...


@dataclass(frozen=True, slots=True)
class Query(Generic[Row]):
    """A statement whose columns are, in order and by name, the fields of the frozen dataclass `row`.

    A test prepares every query of the suite and compares its columns with the fields. Errors are asyncpg's.
    ``planned_anew`` is for what walks a window from its newest end until it has enough, or takes pieces of it: from
    its sixth time on a statement may be planned without its parameters, and such a plan reads all of the window.
    """

    row: type[Row]
    sql: LiteralString
    planned_anew: bool = False

    async def all(self, source: Fetcher, *args: Any) -> list[Row]:
        """Return all rows, in the statement's order; empty when there are none."""
        row = self.row
        if not self.planned_anew:
            return [row(*record) for record in await source.fetch(self.sql, *args)]
        await source.fetch("SET LOCAL plan_cache_mode = force_custom_plan")
        records = await source.fetch(self.sql, *args)
        await source.fetch("SET LOCAL plan_cache_mode = auto")
        return [row(*record) for record in records]

    async def first(self, source: Fetcher, *args: Any) -> Row | None:
        """Return the first row, or ``None`` when there is none."""
        rows = await self.all(source, *args)
        return rows[0] if rows else None

    async def count(self, source: Fetcher, *args: Any) -> int:
        """Return how many rows there are; with a limit among its arguments, at most so many."""
        rows = await source.fetch(f"SELECT count(*) FROM ({self.sql}) AS counted", *args)  # noqa: S608 - a literal
        counted: int = rows[0][0]
        return counted

    async def batches(self, connection: Any, *args: Any, size: int = 1_000) -> AsyncIterator[list[Row]]:
        """Yield all rows, so many at a time, from a cursor in the transaction that asyncpg opened on `connection`."""
        row = self.row
        cursor = await connection.cursor(self.sql, *args)
        while records := await cursor.fetch(size):
            yield [row(*record) for record in records]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names the statement must return."""
        return tuple(spec.name for spec in fields(self.row))  # type: ignore[arg-type]  # every row type is a dataclass
