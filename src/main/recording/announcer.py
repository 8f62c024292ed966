"""How do dashboards hear that facts have changed, without slowing those who write them?"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

from main.database.address import Address
from main.domain.topics import CHANNEL, Announcement
from main.recording.session import Backoff, connect

PAUSE_SECONDS = 1 / 20
"""The same announcement goes out at most 20 times a second: nobody redraws faster."""

_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"


class Announcer:
    """Sends announcements over a connection of its own.

    NOTIFY takes a lock that all committing writers share, so it must not be part of their transactions; and what is
    announced need not survive a crash, hence ``synchronous_commit = off``. Equal announcements that wait become one.
    """

    def __init__(self, address: Address) -> None:
        """Connect to `address` when there is something to say."""
        self._address = address
        self._connection: Any = None
        self._waiting: set[Announcement] = set()
        self._wake = asyncio.Event()

    def add(self, announcements: Iterable[Announcement]) -> None:
        """Have announcements sent soon. Call it on the event loop, after the commit."""
        self._waiting.update(announcements)
        if self._waiting:
            self._wake.set()

    async def run(self) -> None:
        """Send for ever. What cannot be sent waits for the database; listeners look by themselves meanwhile."""
        backoff = Backoff()
        while True:
            await self._wake.wait()
            pause = PAUSE_SECONDS
            try:
                await self._send()
                backoff.reset()
            except Exception:  # noqa: BLE001 - whatever it was, the next attempt is on a new connection
                self._disconnect()
                pause = backoff.seconds()
            await asyncio.sleep(pause)

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - the callers hand on their own time limit
        """Send what waits, within `timeout` seconds, and disconnect. `run` must have ended before."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(timeout):
                await self._send()
                if self._connection is not None:
                    await self._connection.close()
        self._disconnect()

    async def _send(self) -> None:
        self._wake.clear()
        sending, self._waiting = self._waiting, set()
        if not sending:
            return
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._address, "ai-trader announcer", synchronous_commit="off")
            await self._connection.execute(_NOTIFY, CHANNEL, sorted(announcement.payload for announcement in sending))
        except BaseException:
            self.add(sending)
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
