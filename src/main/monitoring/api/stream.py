"""How does a page stay live: one socket, one mailbox that holds the newest of every panel and never a queue."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from main.clock import now
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.errors import AccessDenied, AITraderError
from main.monitoring.api.directory import Directory, Selection
from main.monitoring.api.pictures import Picture, PictureBook
from main.monitoring.hub import Hub
from main.monitoring.latencies import Latencies
from main.monitoring.question import Watched
from main.monitoring.read import State, read_named
from main.security.viewer import Viewer

FRAME_SECONDS = 0.03
"""Least time between two messages to one viewer; what changes meanwhile goes out together."""
TROUBLE = (State.SILENT, State.UNREACHABLE, State.ERROR)
"""What a page hears of at once, however seldom it is told the rest; and that it is over."""
LOST = (State.UNREACHABLE, State.ERROR)
"""What changes meanwhile tells of it: that the light of the database went out."""
SETTLING_SECONDS = 5.0
"""So long after a page has asked for something else it is told everything: what was known of it may be old."""
URGENT = frozenset({Topic.ALERTS, Topic.ACCOUNTS})
"""Panels whose facts are of these alone tell of trouble by their content."""
MAX_PANELS = 80
MAX_MESSAGE = 64 * 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Greeting:
    """What every page is told of its server."""

    server: str
    version: str
    started: datetime


class Stream:
    """The sockets of one dashboard.

    ``push``: the seconds from when this process learned of a change until it was handed to a socket.
    """

    def __init__(
        self, hub: Hub, directory: Directory, book: PictureBook, greeting: Greeting, pace: float = 0.0
    ) -> None:
        """Push to one page at most once in `pace` seconds, but for trouble, and what it has not seen yet."""
        self.pace = max(pace, FRAME_SECONDS)
        self.hub = hub
        self.directory = directory
        self.book = book
        self.greeting = greeting
        self.push = Latencies()
        self._connections: set[_Connection] = set()

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
        self._hub = stream.hub
        self._directory = stream.directory
        self._book = stream.book
        self._greeting = stream.greeting
        self._push = stream.push
        self._pace = stream.pace
        self._pushed = 0.0  # when what is not urgent was pushed last
        self._urgent: set[str] = set()  # panels that tell of trouble, or have not been seen yet
        self._states: dict[str, State | None] = {}  # of the panels, as last pushed
        self._refused: dict[str, str] = {}
        self._composed: Watched | None = None
        self._pages = 0  # the version of the composed pages that was told last
        self._wish: dict[str, Any] = {"view": {}, "panels": []}
        self._scope: Scope | None = None
        self._looking: dict[str, tuple[Scope, Callable[[], None]]] = {}
        self._fresh: dict[str, tuple[Picture, bool]] = {}
        self._settled = time.monotonic()  # what was learned before is no news that was pushed
        self._notices: dict[str, bytes] = {}  # the newest of each type: a viewer that stalls must not pile them up
        self._something = asyncio.Event()
        self._settling = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        forget = self._directory.on_change(lambda: self._start(self._greet_and_settle()))
        turning = {self._start(self._read()), self._start(self._write())}
        self._start(self._greet_and_settle())  # a database that takes its time must not hold up what the page asks
        try:
            await asyncio.wait(turning, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forget()
            left = tuple(self._background)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)  # one that still settles would look again
            for _, leave in self._looking.values():
                leave()
            self._looking.clear()
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
            except (AITraderError, ValueError, TypeError, KeyError, OverflowError) as error:
                self._say({"type": "error", "message": str(error)})

    async def _handle(self, text: str) -> None:
        if len(text) > MAX_MESSAGE:
            raise ValueError(f"message of {len(text)} characters: send at most {MAX_MESSAGE}")
        message = orjson.loads(text)
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "subscribe":
            panels = message.get("panels", [])
            if not isinstance(panels, list) or len(panels) > MAX_PANELS:
                raise ValueError(f"panels: expected a list of at most {MAX_PANELS} names")
            self._wish = {"view": dict(message.get("view") or {}), "panels": [str(name) for name in panels]}
            await self._settle()
        elif kind == "ping":
            self._say({"type": "pong", "now": now()})
        else:
            raise ValueError(f"message type {kind!r}: expected subscribe or ping")

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
        if self._wish["panels"]:
            await self._settle()

    async def _settle(self) -> None:
        """Look at what is wished for now; what stays the same is not sent again."""
        async with self._settling:
            view = self._wish["view"]
            selection = await self._directory.select(_texts(view.get("accounts")), self._viewer.accounts)
            scope = _scope(view, selection)
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
            wished = dict.fromkeys(self._wish["panels"])
            self._refused.clear()
            self._settled = time.monotonic()
            for panel, (looked_at, leave) in tuple(self._looking.items()):
                if panel not in wished or looked_at != scope:
                    leave()
                    del self._looking[panel]
                    self._fresh.pop(panel, None)
                    self._states.pop(panel, None)
            for panel in wished:
                if panel not in self._looking:
                    self._look(panel, scope)

    def _look(self, panel: str, scope: Scope) -> None:
        """Look at one panel; one that is not there, or not for this viewer, must not keep the others away."""
        try:
            for read in self._book.reads(panel):
                read.allow(self._viewer)
            self._looking[panel] = (scope, self._book.look(panel, scope, self._changed))
        except AccessDenied as denied:
            self._refused[panel] = str(denied)
            self._say({"type": "refused", "panels": dict(self._refused)})
        except AITraderError as error:
            self._say({"type": "error", "message": str(error)})

    def _changed(self, picture: Picture, content: bool) -> None:
        pending = self._fresh.get(picture.panel)
        self._fresh[picture.panel] = (picture, content or (pending is not None and pending[1]))
        if self._cannot_wait(picture, content):
            self._urgent.add(picture.panel)
        self._something.set()

    def _cannot_wait(self, picture: Picture, content: bool) -> bool:
        """Tell whether a picture is the panel's first, or tells of trouble or of its end."""
        if self._pace <= FRAME_SECONDS or picture.panel not in self._states:
            return True
        if time.monotonic() - self._settled < SETTLING_SECONDS:
            return True
        if content and (
            picture.state in LOST or all(read.topics <= URGENT for read in self._book.reads(picture.panel))
        ):
            return True
        return (picture.state in TROUBLE) is not (self._states[picture.panel] in TROUBLE)

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
        kind = message["type"]
        self._notices.pop(kind, None)  # the newest comes last
        self._notices[kind] = orjson.dumps(message, option=orjson.OPT_UTC_Z, default=str)
        self._something.set()

    async def _until_due(self) -> None:
        """Wait for something to say; news of the usual kind wait until it is their time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._pushed_on_loop() if self._fresh else None):
                await self._something.wait()
        self._something.clear()

    def _pushed_on_loop(self) -> float:
        return asyncio.get_running_loop().time() + max(0.0, self._pushed + self._pace - time.monotonic())

    def _due(self, moment: float) -> dict[str, tuple[Picture, bool]]:
        """Take what may be pushed now: everything when it is time, else what cannot wait."""
        fresh = self._fresh
        if moment >= self._pushed + self._pace:
            self._pushed, self._fresh = moment, {}
        else:
            fresh = {panel: news for panel, news in fresh.items() if panel in self._urgent}
            self._fresh = {panel: news for panel, news in self._fresh.items() if panel not in fresh}
        self._urgent.clear()
        self._states |= {panel: picture.state for panel, (picture, _) in fresh.items()}
        return fresh

    async def _write(self) -> None:
        while True:
            await self._until_due()
            notices, self._notices = self._notices, {}
            for notice in notices.values():
                await self._socket.send_text(notice.decode())
            began = time.monotonic()
            fresh = self._due(began)
            if fresh:
                learned = [picture.learned for picture, content in fresh.values() if content]
                await self._socket.send_text(_update(fresh.values()).decode())
                sent = time.monotonic()
                self._push.extend(sent - at for at in learned if at > self._settled)
                await asyncio.sleep(max(0.0, FRAME_SECONDS - (sent - began)))


def _update(fresh: Iterable[tuple[Picture, bool]]) -> bytes:
    parts = []
    for picture, content in fresh:
        members = b'"version":%d,%b' % (picture.version, picture.freshness)
        if content:
            members += b"," + picture.content
        parts.append(b"%b:{%b}" % (orjson.dumps(picture.panel), members))
    head = orjson.dumps(now(), option=orjson.OPT_UTC_Z)
    return b'{"type":"update","now":%b,"panels":{%b}}' % (head, b",".join(parts))


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"accounts: got {value!r}, expected a list of account ids")
    return [str(item) for item in value]


def _scope(view: dict[str, Any], selection: Selection) -> Scope:
    strategy = view.get("strategy")
    return Scope(
        selection.accounts,
        str(view.get("window") or "1D"),
        _moment(view, "as_of"),
        _moment(view, "known_at"),
        str(strategy) if strategy else None,
    )


def _moment(view: dict[str, Any], name: str) -> datetime | None:
    text = view.get(name)
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    if moment.utcoffset() is None:
        raise ValueError(f"{name}: got {text!r}, expected a time with its zone, such as 2026-11-20T10:15:00Z")
    return moment
