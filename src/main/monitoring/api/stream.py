"""How does a page stay live: one socket, what it may see of what it asks for, and a seat where that is told."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from main.clock import now
from main.domain.scope import Scope
from main.errors import AccessDenied, AITraderError
from main.monitoring.api.channel import Channels, Seat
from main.monitoring.api.directory import Directory
from main.monitoring.api.pictures import PictureBook
from main.monitoring.api.wire import Line
from main.monitoring.api.wishes import Meaningless, Wish, wish_of
from main.monitoring.hub import Hub
from main.monitoring.latencies import Latencies
from main.monitoring.question import Watched
from main.monitoring.read import read_named
from main.security.viewer import Viewer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What every page is told of its server."""

    server: str
    version: str
    started: datetime


class Stream:
    """The sockets of one dashboard."""

    def __init__(
        self, hub: Hub, directory: Directory, book: PictureBook, greeting: Greeting, pace: float = 0.0
    ) -> None:
        """Push to one page at most once in `pace` seconds, but for trouble, and what it has not seen yet."""
        self.hub = hub
        self.directory = directory
        self.book = book
        self.greeting = greeting
        self.channels = Channels(book, pace)
        self._connections: set[_Connection] = set()

    @property
    def push(self) -> Latencies:
        """The seconds from when this process learned of a change until it was handed to the sockets."""
        return self.channels.push

    @property
    def viewers(self) -> int:
        """How many sockets are open."""
        return len(self._connections)

    async def endpoint(self, socket: WebSocket) -> None:
        """Serve one page until it leaves. The guard has checked who it is and where it comes from."""
        await socket.accept()
        viewer: Viewer = socket.scope["state"]["viewer"]
        connection = _Connection(socket, viewer, self)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)


class _Connection:
    """One page: a task that reads its wishes and one that writes what changed."""

    def __init__(self, socket: WebSocket, viewer: Viewer, stream: "Stream") -> None:
        self._socket = socket
        self._viewer = viewer
        self._channels = stream.channels
        self._seat = Seat(Line(socket), stream.channels)
        self._hub = stream.hub
        self._directory = stream.directory
        self._book = stream.book
        self._greeting = stream.greeting
        self._refused: dict[str, str] = {}
        self._composed: Watched | None = None
        self._pages = 0  # the version of the composed pages that was told last
        self._wish = Wish()
        self._scope: Scope | None = None
        self._note = ""
        self._settling = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        forget = self._directory.on_change(lambda: self._start(self._greet_and_settle()))
        turning = {self._start(self._read()), self._start(self._seat.write())}
        self._start(self._greet_and_settle())  # a database that takes its time must not hold up what the page asks
        try:
            await asyncio.wait(turning, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forget()
            left = tuple(self._background)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)  # one that still settles would look again
            self._seat.close()
            if self._composed is not None:
                self._composed.close()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._report)
        return task

    def _report(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (WebSocketDisconnect, RuntimeError, OSError)):
            _log.error("socket failed", viewer=self._viewer.name, exc_info=error)

    async def _read(self) -> None:
        while True:
            text = await self._socket.receive_text()
            try:
                await self._handle(text)
            except Meaningless as error:
                self._say({"type": "error", "message": "; ".join(map(str, error.problems)), "parts": error.parts})
            except (AITraderError, ValueError, TypeError, KeyError, OverflowError) as error:
                self._say({"type": "error", "message": str(error)})

    async def _handle(self, text: str) -> None:
        wish = wish_of(text)
        if wish is None:
            self._say({"type": "pong", "now": now()})
        else:
            self._wish = wish
            await self._settle()

    async def _greet_and_settle(self) -> None:
        accounts = await self._directory.visible(self._viewer.accounts)
        scope = Scope(accounts)
        known, run = await asyncio.gather(
            self._hub.ask(read_named("accounts"), scope), self._hub.ask(read_named("strategies"), scope)
        )
        self._say(
            {
                "type": "hello",
                "server": self._greeting.server,
                "version": self._greeting.version,
                "started": self._greeting.started,
                "now": now(),
                "accounts": known.value,  # null: not known, which is not the same as none
                "strategies": run.value or [],
            }
        )
        if self._composed is None:  # after the greeting, which nothing may hold up
            self._composed = self._hub.watch(read_named("pages"), Scope(), self._say_pages)
        if self._wish.panels:
            await self._settle()

    async def _settle(self) -> None:
        """Look at what is wished for now; what stays the same is not sent again."""
        async with self._settling:
            wish = self._wish
            selection = await self._directory.select(wish.accounts, self._viewer.accounts)
            scope = wish.scope(selection)
            if scope == self._scope and selection.note != self._note:
                self._say({"type": "note", "note": selection.note})
            self._note = selection.note
            if scope != self._scope:
                self._scope = scope
                told = {
                    "type": "view",
                    "accounts": selection.accounts,
                    "clock": selection.clock,
                    "note": selection.note,
                }
                # A replay's own present comes with the panels: nobody here knows it.
                self._say(told | {"moment": scope.as_of or (now() if selection.clock == "wall" else None)})
            self._refused.clear()
            panels = frozenset(panel for panel in dict.fromkeys(wish.panels) if self._may_see(panel, scope))
            self._seat.move(self._channels.channel(scope, panels) if panels else None)

    def _may_see(self, panel: str, scope: Scope) -> bool:
        """Say so of a panel that is not there, or not for this viewer: it must not keep the others away."""
        try:
            for read in self._book.reads(panel, scope):
                read.allow(self._viewer)
        except AccessDenied as denied:
            self._refused[panel] = str(denied)
            self._say({"type": "refused", "panels": dict(self._refused)})
        except AITraderError as error:
            self._say({"type": "error", "message": str(error)})
        else:
            return True
        return False

    def _say_pages(self) -> None:
        """Tell which pages were composed; a database that is away is no reason to forget those that are known."""
        answer = self._composed.answer if self._composed is not None else None
        if answer is None:
            return
        if answer.value is not None and answer.version != self._pages:
            self._pages = answer.version
            self._say({"type": "pages", "items": answer.value})
        elif answer.value is None and answer.error is not None:
            self._say({"type": "pages", "items": None, "error": "The database cannot be reached. It is tried again."})

    def _say(self, message: dict[str, Any]) -> None:
        self._seat.notice(message["type"], orjson.dumps(message, option=orjson.OPT_UTC_Z, default=str))
