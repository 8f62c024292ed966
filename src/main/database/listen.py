"""How does a process hear of changes: one LISTEN connection that proves itself alive and says when it missed some."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from main.database.address import Address
from main.database.pool import CONNECT_SECONDS, UNREACHABLE
from main.domain.topics import CHANNEL, Announcement

PROBE_SECONDS = 5.0
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)

_log = structlog.get_logger(__name__)


class Listener:
    """Announcements as they come. ``on_gap`` is called after every (re)connection: whatever came before was not heard.

    A connection can be up and deaf (a frozen server, a pooler that drops LISTEN), so it sends itself a notification
    every five seconds and starts over when that does not arrive.
    """

    def __init__(
        self, address: Address, on_announcement: Callable[[Announcement], None], on_gap: Callable[[], None]
    ) -> None:
        self._address = address
        self._on_announcement = on_announcement
        self._on_gap = on_gap
        self._echo = asyncio.Event()
        self._echo_channel = f"ai_trader_echo_{os.getpid()}_{id(self)}"
        self.connected = False

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  # a boundary: deaf for good is worse than any reason there may be
                if self.connected or failures == 0:
                    _log.warning("listener lost", target=str(self._address), reason=str(error) or type(error).__name__)
                failures = 0 if self.connected else failures
                self.connected = False
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            **self._address.connect_arguments(),
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,
            server_settings={"application_name": "ai-trader listener"},
        )
        try:
            await connection.add_listener(CHANNEL, self._heard)
            await connection.add_listener(self._echo_channel, self._heard_echo)
            self.connected = True
            self._on_gap()
            while True:
                await self._prove(connection)
                await asyncio.sleep(PROBE_SECONDS)
        finally:
            with suppress(*UNREACHABLE, TimeoutError):
                connection.terminate()

    async def _prove(self, connection: Any) -> None:
        self._echo.clear()
        await connection.execute("SELECT pg_notify($1, '')", self._echo_channel)
        await asyncio.wait_for(self._echo.wait(), CONNECT_SECONDS)

    def _heard(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        announcement = Announcement.parse(str(payload))
        if announcement is not None:
            self._on_announcement(announcement)

    def _heard_echo(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        self._echo.set()
