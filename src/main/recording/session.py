"""How does the Recorder connect, and which errors mean "later" rather than "never"?"""

import random
from typing import Any

import asyncpg

from main.database import session
from main.database.address import Address

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 5.0

ROLE = "ai_trader_service"

REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.WithCheckOptionViolationError,
    asyncpg.ProgramLimitExceededError,  # a key longer than an index entry can be
    asyncpg.RaiseError,  # a trigger of the user's own
)
"""What PostgreSQL says of the data itself: the rows would be refused for ever. Anything else may pass by waiting."""


async def connect(address: Address, application_name: str, **settings: str) -> Any:
    """Return a connection as the service role, to the server that takes writes, every wait on it bounded.

    Raise asyncpg's errors, ``OSError`` and ``TimeoutError``.
    """
    limits = address.limits
    connection = await session.connect(
        address,
        application_name,
        settings={
            "statement_timeout": f"{limits.statement_seconds * 1000:.0f}ms",
            "idle_in_transaction_session_timeout": "30s",  # a stopped bot must not hold its locks for ever
            "timezone": "UTC",
            **settings,
        },
    )
    try:
        await connection.execute(f"SET ROLE {ROLE}", timeout=limits.connect_seconds)
    except BaseException:
        connection.terminate()
        raise
    return connection


def describe(error: BaseException) -> str:
    """Return an error in one line, with its class where the text alone says little."""
    text = " ".join(str(error).split())
    if isinstance(error, TimeoutError) and not text:
        return "no answer in time (database.connect_timeout, database.statement_timeout)"
    return text if isinstance(error, asyncpg.PostgresError) and text else f"{type(error).__name__}: {text}"


class Backoff:
    """Waiting times that double from 0.2 s to 5 s, drawn from their upper half: bots must not return together."""

    def __init__(self) -> None:
        self._next = FIRST_WAIT_SECONDS

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._next = FIRST_WAIT_SECONDS

    def seconds(self) -> float:
        """Return how long to wait before the next attempt."""
        longest, self._next = self._next, min(self._next * 2, LONGEST_WAIT_SECONDS)
        return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, no secret
