"""What the pool takes for a lost server, and what for its caller's own mistake."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from main.database.pool import Database


async def too_few_arguments(connection: Any) -> None:
    await connection.fetch("SELECT $1::int")


async def no_such_file(connection: Any) -> None:
    raise FileNotFoundError("a file")


@pytest.mark.parametrize("mistake", [too_few_arguments, no_such_file])
async def test_a_mistake_of_the_caller_does_not_say_that_the_server_is_gone(
    database: Database, mistake: Callable[[Any], Awaitable[None]]
) -> None:
    async def make_it() -> None:
        async with database.scoped() as connection:
            await mistake(connection)

    with pytest.raises((asyncpg.InterfaceError, FileNotFoundError)):
        await make_it()
    assert database.status.reachable is not False
    async with database.scoped() as connection:
        assert await connection.fetchval("SELECT 1") == 1
