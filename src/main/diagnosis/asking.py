"""How does a check ask the database: on a connection of its own, with a limit on every wait?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from main.database.address import Address
from main.database.session import connect

NAME = "ai-trader doctor"
COMMAND_SECONDS = 5.0


@asynccontextmanager
async def asking(address: Address) -> AsyncIterator[Any]:
    """Yield a connection as the login role. Raises what `session.connect` raises."""
    connection = await connect(address, NAME, command_seconds=COMMAND_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()  # a polite goodbye to a server that hangs would only take time


@asynccontextmanager
async def reading(address: Address) -> AsyncIterator[Any]:
    """Yield a connection inside a transaction of the service role that can write nothing."""
    async with asking(address) as connection:
        await connection.execute("BEGIN READ ONLY; SET LOCAL ROLE ai_trader_service")
        yield connection
        await connection.execute("ROLLBACK")
