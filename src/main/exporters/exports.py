"""How is a whole list exported: at one moment, a piece at a time, without that the pages wait for it?"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from main.clock import now
from main.database.address import Address
from main.database.pool import Database, Role
from main.database.pulse import Pulse, pulse
from main.domain.scope import Scope
from main.errors import ConfigurationError, ExportsBusy, Problem
from main.exporters.format import Format
from main.exporters.source import Source, of_pages, of_query
from main.monitoring.read import Read

MOST_ROWS = 1_000_000
"""What is more is more than a spreadsheet holds, and is asked for a range at a time."""
PLACES = 2
WAIT_SECONDS = 5.0
STATEMENT_SECONDS = 60.0
"""The first rows of a long list come when all of it is sorted."""

Rows = Callable[[Any, Pulse], Awaitable[Source]]


@dataclass(frozen=True, slots=True)
class Export:
    """One that has begun: how many rows it has is known. It holds what it needs until it is closed."""

    source: Source
    moment: datetime
    _resources: AsyncExitStack

    async def chunks(self, form: Format, decimals: str = "number") -> AsyncIterator[bytes]:
        """Yield the bytes of it, once."""
        async for chunk in written(self.source, form, decimals):
            yield chunk

    async def close(self) -> None:
        """Give back what it holds; however much of it was taken."""
        await self._resources.aclose()


class Exports:
    """Two at a time, each in a transaction of its own that sees one moment, on connections that no page waits for."""

    def __init__(self, address: Address, role: Role = "app") -> None:
        """Take the address; nothing is connected before the first export."""
        self._database = Database(
            address,
            role=role,
            max_size=PLACES,
            command_timeout=STATEMENT_SECONDS,
            application_name="ai-trader export",
        )
        self._places = asyncio.Semaphore(PLACES)
        self._opening = asyncio.Lock()
        self._open = False

    async def listing(self, read: Read[Any], scope: Scope, params: Any, most: int = MOST_ROWS) -> Export:
        """Begin the export of the list behind a read's pages.

        Raise `ConfigurationError` for more rows than `most`, `ExportsBusy`, and what the database raises.
        """
        asked = read.defaults if params is None else params

        async def rows(connection: Any, beat: Pulse) -> Source:
            seen = replace(beat, hearts=()) if read.about == "suite" else beat
            resolved = scope.resolved(seen.moment)
            if read.listing is None:
                return await of_pages(connection, read, resolved, asked)
            return await of_query(connection, *read.listing(resolved, asked, most + 1))

        return await self.begun(scope, rows, most)

    async def begun(self, scope: Scope, rows: Rows, most: int = MOST_ROWS) -> Export:
        """Begin an export of `rows`, which are found in a snapshot that sees the scope's accounts. Raises as above."""
        async with AsyncExitStack() as resources:
            await self._take_place(resources)
            await self._opened()
            connection = await resources.enter_async_context(self._database.transaction(scope.accounts, snapshot=True))
            beat = await pulse(connection, scope.accounts)
            source = await rows(connection, beat)
            if source.count > most:
                expected = f"at most {most:,} rows at once: choose a shorter range or a narrower filter"
                raise ConfigurationError(Problem("more rows", expected, key="range"))
            return Export(source, scope.as_of or beat.moment, resources.pop_all())

    async def close(self) -> None:
        """Close the connections."""
        async with self._opening:
            if self._open:
                self._open = False
                await self._database.close()

    async def _opened(self) -> None:
        async with self._opening:
            if not self._open:
                await self._database.open()
                self._open = True

    async def _take_place(self, resources: AsyncExitStack) -> None:
        try:
            await asyncio.wait_for(self._places.acquire(), WAIT_SECONDS)
        except TimeoutError:
            raise ExportsBusy(PLACES, WAIT_SECONDS) from None
        resources.callback(self._places.release)


def whole(source: Source) -> Export:
    """Return the export of rows that are there already; it holds nothing."""
    return Export(source, now(), AsyncExitStack())


async def written(source: Source, form: Format, decimals: str) -> AsyncIterator[bytes]:
    """Yield the bytes of a table in a format; they are made in threads, so that nobody else has to wait."""
    writer = await asyncio.to_thread(form.writer, source.columns, decimals)
    if head := writer.begin():
        yield head
    async for rows in source.batches:
        if part := await asyncio.to_thread(writer.rows, rows):
            yield part
    if last := await asyncio.to_thread(writer.end):
        yield last
