"""How do programs outside hear of changes over Socket.IO, and how is a slow or a stray one kept from doing harm?

The same hub feeds it as the pages; a client that is slow misses what is old, never what is newest: before it is sent
anything, what was sent before must be on its way. Without a client nothing is watched, and the library not loaded.
"""

import asyncio
import importlib
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import structlog
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from main.errors import AITraderError
from main.monitoring.api.directory import Directory
from main.monitoring.api.feed import Feeds
from main.monitoring.api.outside_client import OutsideClient, end_polling
from main.monitoring.api.parsing import Parsing
from main.monitoring.hub import Hub
from main.security.policy import WEBSOCKET, Rule
from main.security.viewer import Viewer

PATH = "/socket.io/"
RULES = (Rule(PATH, ("GET", "POST", WEBSOCKET), "viewer", programs=True),)
REQUEST = "request_update"

MOST_CLIENTS = 100
LARGEST_MESSAGE = 10_000
"""Bytes from a client; all it has to say is the name of one event."""
PING_SECONDS, PONG_SECONDS = 20, 15
"""Who does not answer within both is gone, and with it what waited for it."""

_log = structlog.get_logger(__name__)


def socket_io_routes(made: Callable[[], "SocketIo"]) -> list[BaseRoute]:
    """Return the routes; `made` gives the running part, which is there from the application's start on."""

    async def endpoint(connection: Connection, receive: Receive, send: Send) -> None:
        await made()(connection, receive, send)

    app = _Application(endpoint)
    return [
        Route(PATH, app, methods=["GET", "POST"], include_in_schema=False),
        WebSocketRoute(PATH, app, name="socket_io"),
    ]


class _Application:
    """An ASGI application that Starlette does not take for a function of a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        await self._app(connection, receive, send)


class SocketIo:
    """The Socket.IO clients of one dashboard. The guard has checked who they are and where they come from."""

    def __init__(self, hub: Hub, directory: Directory, *, most: int = MOST_CLIENTS) -> None:
        """Serve at most so many clients; one more is told to come back later."""
        self.feeds = Feeds(hub)
        self.directory = directory
        self._most = most
        self._server: Any = None  # python-socketio's; it has no types
        self._loading = asyncio.Lock()
        self._clients: dict[str, OutsideClient] = {}
        self._ending = False

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Serve one request, or one websocket until it ends."""
        server = await self._loaded()
        query = parse_qs(connection.get("query_string", b"").decode("latin-1"))
        # Waited for here: were it between the check and the session, any number could pass the check meanwhile.
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        refusal = self._refusal(server, connection, query)
        if refusal is None:
            await server.handle_request(connection, _beginning_with(first, receive), send)
        elif connection["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": refusal[1]})
        else:
            await PlainTextResponse(refusal[1], refusal[0], {"Retry-After": "5"})(connection, receive, send)

    def end(self) -> None:
        """Let go of who waits for news by long polling: the process ends, and would else wait for them.

        Sockets are closed by the server, so that clients know to come back.
        """
        self._ending = True
        for session in self._server.eio.sockets.values() if self._server is not None else ():
            end_polling(session)

    async def close(self) -> None:
        """Leave nothing running."""
        self._ending = True
        for client in tuple(self._clients.values()):
            await client.end()
        self._clients.clear()
        if self._server is not None:
            await self._server.shutdown()

    def _refusal(self, server: Any, connection: Connection, query: dict[str, list[str]]) -> tuple[int, str] | None:
        """Return the status and the reason where a request goes no further."""
        session = query.get("sid", [None])[0]
        if self._ending:
            return 503, "this server ends: come back in a moment"
        if "j" in query:  # an answer as a script, which any site's page could include
            return 400, "JSONP is not served: use polling or a websocket"
        if _length(connection) > LARGEST_MESSAGE:  # the library would wait until its client has heard of that
            return 413, f"a request is at most {LARGEST_MESSAGE} bytes"
        if session is None and len(server.eio.sockets) >= self._most:
            return 503, f"{self._most} clients are connected already: come back later"
        opened = server.environ.get(session)
        if opened is not None and opened["asgi.scope"]["state"]["viewer"] != connection["state"]["viewer"]:
            return 403, "this session is somebody else's: connect anew"
        return None

    async def _loaded(self) -> Any:
        async with self._loading:
            if self._server is None:
                library = await asyncio.to_thread(importlib.import_module, "socketio")
                self._server = self._made(library)
            return self._server

    def _made(self, library: Any) -> Any:
        # What a client sends wrongly is no error of ours: our own are logged where they are caught.
        log = logging.getLogger("socket_io")
        log.setLevel(logging.CRITICAL)
        server = library.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins=[],  # the guard has judged the origin
            serializer=_textual(library.packet),
            async_handlers=False,  # what a client says is taken piece by piece: it cannot pile up
            max_http_buffer_size=LARGEST_MESSAGE,
            http_compression=False,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            logger=log,
            engineio_logger=log,
        )

        async def connect(sid: str, environ: dict[str, Any], auth: object = None) -> None:
            try:
                await self._connect(server, sid, environ["asgi.scope"])
            except AITraderError as error:
                raise library.exceptions.ConnectionRefusedError(str(error)) from error
            except Exception:
                _log.exception("socket.io client not connected")
                raise

        server.on("connect", connect)
        server.on("disconnect", self._disconnect)
        server.on(REQUEST, self._request)
        return server

    async def _connect(self, server: Any, sid: str, connection: Connection) -> None:
        viewer: Viewer = connection["state"]["viewer"]
        query = parse_qs(connection.get("query_string", b"").decode("latin-1"))
        parsing = Parsing({"accounts": ",".join(query.get("accounts", ()))}, ("accounts",))
        asked = parsing.scope("All")  # every event has a window of its own
        parsing.finish()
        session = server.eio.sockets[server.manager.eio_sid_from_sid(sid, "/")]
        client = OutsideClient(self.feeds, self.directory, viewer, asked, session)
        await client.settle()
        if session.closed or self._ending:  # meanwhile: nobody would tell us once more
            await client.end()
            return
        self._clients[sid] = client
        client.start()

    async def _disconnect(self, sid: str, reason: str = "") -> None:
        client = self._clients.pop(sid, None)
        if client is not None:
            await client.end()

    async def _request(self, sid: str, *_: object) -> None:
        client = self._clients.get(sid)
        if client is not None:
            client.want_all()


def _textual(packets: Any) -> type:
    """Return the library's packet without attachments: all that follow one would be kept until the last has come."""

    class Textual(packets.Packet):  # type: ignore[misc]  # python-socketio has no types
        def decode(self, encoded_packet: Any) -> int:
            announced = super().decode(encoded_packet)
            if announced or self.packet_type in (packets.BINARY_EVENT, packets.BINARY_ACK):
                raise ValueError("a packet with attachments: nothing binary is understood here")
            return 0

    return Textual


def _beginning_with(first: Message, receive: Receive) -> Receive:
    """Return what receives the message that was taken already, and then those that follow."""
    taken = [first]

    async def received() -> Message:
        return taken.pop() if taken else await receive()

    return received


def _length(connection: Connection) -> int:
    return int(next((value for name, value in connection["headers"] if name == b"content-length"), b"0"))
