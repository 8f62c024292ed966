"""How does a process hear of changes: one LISTEN connection that proves itself alive and says when it missed some."""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from main.clock import monotonic
from main.database.address import Address
from main.database.session import connect, reason_of
from main.domain.topics import CHANNEL, Announcement

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ListenerTiming:
    """Seconds. A listener that has turned deaf is noticed after a probe's pause and an echo's patience at most."""

    probe_seconds: float = 2.0
    echo_seconds: float = 2.5
    first_retry_seconds: float = 0.2
    longest_retry_seconds: float = 3.0


class Listener:
    """Announcements as they come. ``on_gap`` is called after every (re)connection: whatever came before was not heard.

    A connection can be up and deaf (a frozen server, a pooler that drops LISTEN), so it sends itself a notification
    every two seconds and starts over when that does not arrive.
    """

    def __init__(
        self,
        address: Address,
        on_announcement: Callable[[Announcement], None],
        on_gap: Callable[[], None],
        timing: ListenerTiming = ListenerTiming(),  # frozen
    ) -> None:
        self._address = address
        self._on_announcement = on_announcement
        self._on_gap = on_gap
        self._timing = timing
        self._echo = asyncio.Event()
        self._echo_channel = f"ai_trader_echo_{os.getpid()}_{id(self)}"
        self.connected = False
        self.lag_seconds: float | None = None
        """How long the last notification to itself took; ``None`` while it is deaf."""
        self.connections = 0
        """How often it began to listen since the start."""

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  # a boundary: deaf for good is worse than any reason there may be
                if self.connected or failures == 0:
                    _log.warning("listener lost", target=str(self._address), reason=reason_of(error))
                failures = 0 if self.connected else failures
                self.connected, self.lag_seconds = False, None
                await asyncio.sleep(self._pause(failures))
                failures += 1

    async def _listen(self) -> None:
        connection = await connect(self._address, "ai-trader listener", command_seconds=self._timing.echo_seconds)
        try:
            await connection.add_listener(CHANNEL, self._heard)
            await connection.add_listener(self._echo_channel, self._heard_echo)
            while True:
                self.lag_seconds = await self._prove(connection)
                if not self.connected:
                    # Not before the first echo: who only seems to listen would report a gap at every attempt.
                    self.connected = True
                    self.connections += 1
                    _log.info("listening", target=str(self._address))
                    self._on_gap()
                await asyncio.sleep(self._timing.probe_seconds)
        finally:
            with suppress(Exception):
                connection.terminate()

    async def _prove(self, connection: asyncpg.Connection) -> float:
        """Return how long an announcement takes from the server to us."""
        self._echo.clear()
        started = monotonic()
        # Nothing is lost with an echo, so its commit need not wait for the disk.
        await connection.execute(
            f"BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_notify('{self._echo_channel}', ''); COMMIT"
        )
        try:
            async with asyncio.timeout(self._timing.echo_seconds):
                await self._echo.wait()
        except TimeoutError:
            raise TimeoutError(
                f"no echo within {self._timing.echo_seconds:g} s; where a connection pooler stands between, "
                "set DATABASE_DIRECT_URL to the server itself"
            ) from None
        return monotonic() - started

    def _pause(self, failures: int) -> float:
        """Return how long to wait, drawn: many processes must not come back all at once."""
        longest = min(self._timing.first_retry_seconds * 2.0**failures, self._timing.longest_retry_seconds)
        return random.uniform(longest / 2, longest)  # noqa: S311  # jitter, no secret

    def _heard(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        announcement = Announcement.parse(str(payload))
        if announcement is not None:
            self._on_announcement(announcement)

    def _heard_echo(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        self._echo.set()
