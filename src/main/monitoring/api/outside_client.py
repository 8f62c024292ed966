"""What is one Socket.IO client told, and when? What is new to it, as soon as what it was sent before is on its way."""

import asyncio
import contextlib
import importlib
from collections.abc import Callable
from typing import Any

import structlog

from main.domain.scope import Scope
from main.errors import AITraderError
from main.monitoring.api.directory import Directory
from main.monitoring.api.feed import EVENTS, READS, Feed, Feeds, Seen
from main.monitoring.api.rest import visible_scope
from main.security.viewer import Viewer

PACE_SECONDS = 0.05
"""Least time between two rounds of messages to one client; what changes meanwhile goes out together."""

_log = structlog.get_logger(__name__)


class OutsideClient:
    """One client: what it was told, and a task that tells it what is new."""

    def __init__(self, feeds: Feeds, directory: Directory, viewer: Viewer, asked: Scope, session: Any) -> None:
        self._feeds = feeds
        self._directory = directory
        self._viewer = viewer
        self._asked = asked
        self._session = session
        self._ended = False
        self._feed: Feed | None = None
        self._seen: dict[str, Seen] = {}
        self._wanted: set[str] = set()  # asked for, also where nothing is new
        self._requested = False
        self._unsettled = False
        self._something = asyncio.Event()
        self._forget: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Look at the accounts that are shown now. Raise `AccessDenied` or `UnknownName` for those that are not."""
        scope, note = await visible_scope(READS, self._asked, self._viewer, self._directory)
        feed = self._feeds.look(scope, note, self._wake)
        if feed is not self._feed:
            self._leave()
            self._feed, self._seen = feed, {}
            self._wake()

    def start(self) -> None:
        """Begin to tell."""
        self._forget = self._directory.on_change(self._accounts_changed)
        self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Tell nothing more."""
        self._ended = True
        self._forget()
        self._forget = lambda: None
        # The library finds that a client is gone also while we send to it: that task ends by itself.
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait({self._task})
        end_polling(self._session)  # the library would let it wait for a ping that does not come
        self._leave()

    def want_all(self) -> None:
        """Have everything told as it is now."""
        self._requested = True
        self._wake()

    def _wake(self) -> None:
        self._something.set()

    def _accounts_changed(self) -> None:
        self._unsettled = True
        self._wake()

    def _leave(self) -> None:
        if self._feed is not None:
            self._feeds.leave(self._feed, self._wake)
            self._feed = None

    async def _run(self) -> None:
        try:
            while not self._ended:
                await self._something.wait()
                await asyncio.sleep(PACE_SECONDS)
                self._something.clear()
                if self._unsettled:
                    self._unsettled = False
                    with contextlib.suppress(AITraderError):  # an account that is gone has no news
                        await self.settle()
                if self._feed is not None:
                    await self._tell(self._feed)
        except _engine().exceptions.SocketIsClosedError:
            pass  # the client has gone; who cleans up after it is on its way
        except Exception:  # noqa: BLE001  # a boundary: the other clients go on
            _log.exception("socket.io client failed", viewer=self._viewer.name)
            await _hang_up(self._session)

    async def _tell(self, feed: Feed) -> None:
        if self._requested:
            self._requested = False
            self._wanted.update(EVENTS)
            await feed.ask()
        for event, subject in feed.subjects.items():
            seen = self._seen.get(event)
            new = subject.version > (seen.version if seen is not None else 0)
            if subject.version and (new or event in self._wanted):
                await self._taken()
                message = await subject.message(None if event in self._wanted else seen)
                self._wanted.discard(event)
                self._seen[event] = message.seen
                await self._send(event, message.document)

    async def _taken(self) -> None:
        """Wait until what was sent before is on its way: the library's queue has no limit of its own."""
        await self._session.queue.join()

    async def _send(self, event: str, document: bytes) -> None:
        # A packet of the protocol as it stands: written by the library, it would be written once for every client.
        packets = _engine().packet
        await self._session.send(packets.Packet(packets.MESSAGE, f'2["{event}",{document.decode()}]'))


def end_polling(session: Any) -> None:
    """Have the request answered that waits for news of a session, if there is one."""
    if not session.upgraded:
        session.queue.put_nowait(_engine().packet.Packet(_engine().packet.NOOP))


async def _hang_up(session: Any) -> None:
    """End a session such that its client comes back by itself: who is told of the end takes it for wanted."""
    await session.close(wait=False, abort=True)
    if session.upgraded:
        session.queue.put_nowait(None)  # what writes to the websocket closes it; a poll is answered by `end`


def _engine() -> Any:
    return importlib.import_module("engineio")
