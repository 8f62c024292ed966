"""Where do the rows of an export come from: an answer that is there, or a list that is read piece by piece?"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, cast, get_args, get_origin, get_type_hints

from main.database.query import Query
from main.domain.scope import Scope
from main.exporters.columns import RowColumns, packed_columns, row_columns, table_columns
from main.exporters.flat import table
from main.exporters.format import Column, Columns, Kind, Row
from main.monitoring.paging import Paged
from main.monitoring.read import Read

BATCH = 1_000
"""Rows that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Source:
    """The columns, how many rows there are, and the rows some at a time; they can be taken once."""

    columns: Columns
    count: int
    batches: AsyncIterator[Sequence[Row]]


def of_value(read: Read[Any], value: object) -> Source:
    """Return the rows of a read's answer; without any where it is ``None``.

    Where the read's type says what they are, the columns are always the same, else they are those that the value has.
    """
    items = value.items if isinstance(value, Paged) else value
    known = _row_of(read)
    if known is not None:
        records = items if isinstance(items, list) else []
        rows: Sequence[Row] = [known.cells(record) for record in records]
        return Source(known.columns, len(rows), _in_batches(rows))
    found = table(value)
    columns = table_columns(found) or (Column("value", Kind.TEXT),)  # some formats have no table without a column
    return Source(columns, len(found.rows), _in_batches(found.rows))


async def of_query(connection: Any, query: Query[Any], arguments: Sequence[Any]) -> Source:
    """Return the rows of a query, which are counted now and read later, in the transaction of `connection`.

    It must be a snapshot, so that both are of one moment. The row's type says which columns there are.
    """
    flat = packed_columns(cast(Hashable, query.row))
    count = await query.count(connection, *arguments)
    return Source(flat.columns, count, _of_cursor(connection, query, arguments, flat))


async def of_pages(connection: Any, read: Read[Any], scope: Scope, params: Any) -> Source:
    """Return the rows of a list that has no one query, page after page in the snapshot that `connection` sees.

    The read's ``total`` is how many there are, and its type says which columns they have.
    """

    async def page(offset: int) -> Paged[Any, Any]:
        found: Paged[Any, Any] = await read.fetch(connection, scope, replace(params, limit=BATCH, offset=offset))
        return found

    flat = packed_columns(get_args(get_type_hints(read.fetch)["return"])[0])
    first = await page(0)
    return Source(flat.columns, first.total, _page_by_page(first, page, flat))


async def _page_by_page(
    found: Paged[Any, Any], page: Callable[[int], Awaitable[Paged[Any, Any]]], flat: RowColumns
) -> AsyncIterator[Sequence[Row]]:
    while found.items:
        yield [flat.cells(record) for record in found.items]
        found = await page(found.offset + len(found.items))


def pages(read: Read[Any]) -> bool:
    """Return whether a read gives a page of a longer list, which an export has all of."""
    return get_origin(get_type_hints(read.fetch)["return"]) is Paged


async def _of_cursor(
    connection: Any, query: Query[Any], arguments: Sequence[Any], flat: RowColumns
) -> AsyncIterator[Sequence[Row]]:
    async for records in query.batches(connection, *arguments, size=BATCH):
        yield [flat.cells(record) for record in records]


async def _in_batches(rows: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    for place in range(0, len(rows), BATCH):
        yield rows[place : place + BATCH]


def _row_of(read: Read[Any]) -> RowColumns | None:
    """The columns of a read whose value is a list of flat rows, or a page of them."""
    hint = get_type_hints(read.fetch)["return"]
    if get_origin(hint) not in (list, Paged):
        return None
    row: Any = get_args(hint)[0]
    return row_columns(cast(Hashable, row)) if is_dataclass(row) else None
