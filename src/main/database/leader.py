"""Which one of several equal processes does the work that must happen once?"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from main.database.address import Address
from main.database.pool import CONNECT_SECONDS, UNREACHABLE
from main.errors import AITraderError

_log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
_PROOF_SECONDS = 3.0
_SETTINGS = {
    # A leader whose machine vanished must not hold the lock for the two hours of the system's default.
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "client_min_messages": "warning",
}


class Leader:
    """A candidate for one task, elected by a PostgreSQL advisory lock that lives as long as its connection.

    Polled, because a blocking wait for a lock and CREATE INDEX CONCURRENTLY would deadlock. A leader that dies is
    succeeded within two seconds, one whose machine vanishes within ten.
    """

    def __init__(self, key: int, address: Callable[[], Awaitable[Address]], application_name: str) -> None:
        """Name the lock and where it is held; `address` may raise while there is no database, and is asked again."""
        self._key = key
        self._address = address
        self._application_name = application_name
        self.elected = False
        self.trouble: str | None = "not connected yet"

    async def run(self, work: Callable[[Address], Awaitable[None]]) -> None:
        """Stand for election until cancelled; while elected, run `work`, which is cancelled when the lock is lost."""
        while True:
            try:
                await self._stand(work)
            except (*UNREACHABLE, TimeoutError, asyncpg.PostgresError, AITraderError) as error:
                told = str(error) or type(error).__name__
                if self.trouble is None or self.elected:
                    _log.warning("no election without the database", reason=told)
                self.trouble = told
            finally:
                self.elected = False
            await asyncio.sleep(POLL_SECONDS)

    async def _stand(self, work: Callable[[Address], Awaitable[None]]) -> None:
        address = await self._address()
        connection = await asyncpg.connect(
            **address.connect_arguments(),
            timeout=CONNECT_SECONDS,
            command_timeout=_PROOF_SECONDS,
            server_settings={"application_name": self._application_name, **_SETTINGS},
        )
        try:
            if self.trouble is not None:
                _log.info("database answers, standing for election")
            self.trouble = None
            while not await self._locked(connection):  # noqa: ASYNC110  # no event tells that a lock is free
                await asyncio.sleep(POLL_SECONDS)
            _log.info("elected")
            self.elected = True
            await self._lead(connection, work(address))
        finally:
            connection.terminate()  # ends the session, and so the lock, without waiting for an answer

    async def _locked(self, connection: asyncpg.Connection) -> bool:
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._key))

    async def _lead(self, connection: asyncpg.Connection, work: Awaitable[None]) -> None:
        """Work until the connection that holds the lock no longer answers."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=POLL_SECONDS)
                await connection.fetchval("SELECT 1")
            await task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
