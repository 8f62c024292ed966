"""Does the database answer, and since when does it not: one attempt at a time finds out, however many ask."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import asyncpg
import structlog

from main.clock import now
from main.database.address import Address
from main.database.session import reason_of
from main.errors import ConnectionsExhausted, DatabaseUnreachable

PATIENCE_SECONDS = 2.0
"""So long a caller waits for an attempt that runs: a frozen server never answers it, and the page must not freeze."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0

_log = structlog.get_logger(__name__)


class Reach:
    """What a process knows of its server. Once lost, the server is sought until it answers, by one task for all.

    Meanwhile whoever asks hears that at once: a storm of callers makes one connection at a time, not one each.
    """

    def __init__(self, address: Address, attempt: Callable[[], Awaitable[None]]) -> None:
        """`attempt` makes a connection and lets go of it; it raises what keeps it from that, in bounded time."""
        self._address = address
        self._attempt = attempt
        self._running: asyncio.Task[BaseException | None] | None = None
        self._seeking: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[bool], None]] = []
        self._exhausted = False
        self._closed = False
        self.reachable: bool | None = None
        self.since: datetime | None = None
        self.reason = ""

    def on_change(self, listener: Callable[[bool], None]) -> None:
        """Call `listener` with whether the server answers, each time that changes."""
        self._listeners.append(listener)

    def heard(self) -> None:
        """Note that the server answered just now."""
        if self.reachable is not True:
            if self.reachable is False:
                _log.info("database answers again", target=str(self._address), away_since=str(self.since))
            self.reachable, self.since, self.reason = True, now(), ""
            self._tell(True)

    def lost(self, error: BaseException) -> DatabaseUnreachable:
        """Note that the server is gone and begin to seek it; return the error that tells since when."""
        self._note(error)
        if self.reachable is not False:
            _log.warning("database lost", target=str(self._address), reason=self.reason)
            self.reachable, self.since = False, now()
            if not self._closed:
                self._tried()  # at once: who asks next waits for its outcome, and not for that of one long ago
            self._tell(False)
        if not self._closed and (self._seeking is None or self._seeking.done()):
            self._seeking = asyncio.create_task(self._seek(), name="database-reach")
        return self._error()

    async def require(self) -> None:
        """Return unless the server is known to be gone: then raise that, after an attempt that runs just now."""
        attempt = self._running  # the next one may have begun by the time this one is over
        if self.reachable is False and attempt is not None:
            done, _ = await asyncio.wait({attempt}, timeout=PATIENCE_SECONDS)
            if done and not attempt.cancelled() and attempt.result() is None:
                self.heard()
        if self.reachable is False:
            raise self._error()

    async def settled(self) -> None:
        """Return unless the server is gone, or does not answer the attempt that runs just now: then raise that."""
        if self._running is not None and not self._running.done():
            await self.prove()
        await self.require()

    async def prove(self) -> None:
        """Return when a new connection can be made; else note the loss and raise `DatabaseUnreachable`."""
        attempt = self._tried()
        done, _ = await asyncio.wait({attempt}, timeout=PATIENCE_SECONDS)
        if attempt.cancelled():
            self.reason = self.reason or "its pool is being closed"
            raise self._error()
        error = attempt.result() if done else TimeoutError()
        if error is not None:
            raise self.lost(error) from error

    async def close(self) -> None:
        """End the search for good."""
        self._closed = True
        tasks = [task for task in (self._seeking, self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _seek(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self.reachable is False:
            error = await asyncio.shield(self._tried())
            if error is None:
                self.heard()
                return
            self._note(error)
            # Drawn, so that many processes do not return to a server that has just begun to breathe all at once.
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  # jitter, no secret
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _tried(self) -> "asyncio.Task[BaseException | None]":
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._outcome(), name="database-attempt")
        return self._running

    async def _outcome(self) -> BaseException | None:
        try:
            await self._attempt()
        except Exception as error:  # noqa: BLE001  # whatever keeps us from logging in means the same to a viewer
            return error
        return None

    def _note(self, error: BaseException) -> None:
        self.reason = reason_of(error)
        self._exhausted = _is_exhaustion(error)

    def _error(self) -> DatabaseUnreachable:
        kind = ConnectionsExhausted if self._exhausted else DatabaseUnreachable
        return kind(str(self._address), self.reason, since=self.since or now())

    def _tell(self, reachable: bool) -> None:
        for listener in self._listeners:
            listener(reachable)


def _is_exhaustion(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, asyncpg.TooManyConnectionsError):
            return True
        error = error.__cause__
    return False
