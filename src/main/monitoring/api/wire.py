"""How does a message go out to many sockets: framed once for all of them, and never behind one that is still there?"""

from typing import Any, Protocol

from starlette.types import Scope as Connection
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

EXTENSION = "main.wire"
"""Under this name an ASGI connection may have a `Wire`."""


class Message:
    """One message, framed when the first wire wants it."""

    __slots__ = ("_frame", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._frame = b""

    @property
    def frame(self) -> bytes:
        """The message as it stands on a wire: what a server sends is not masked, so all get the same bytes."""
        if not self._frame:
            self._frame = Frame(Opcode.TEXT, self.payload).serialize(mask=False)
        return self._frame


class Wire(Protocol):
    """A websocket that takes frames that were made elsewhere."""

    @property
    def ready(self) -> bool:
        """Whether what was written before has gone out, as far as that is told, and somebody is there."""
        ...

    async def drained(self) -> None:
        """Wait until it is ready. Raise `WebSocketDisconnect` when nobody is there any more."""
        ...

    def write(self, frame: bytes) -> None:
        """Write a frame without waiting."""
        ...


class FramedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which also is a `Wire` for what it serves.

    The way of a message through the middlewares and a state machine of each socket takes three times as long as the
    system's own part; for one that goes to two hundred sockets that is all there is to save.
    """

    async def run_asgi(self) -> None:
        """Serve the application."""
        self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: {"wire": self}}
        await super().run_asgi()

    @property
    def ready(self) -> bool:
        """Whether the transport's buffer is below its limit, and the socket open."""
        return self.writable.is_set() and not (self.close_sent or self.disconnected or self.transport.is_closing())

    async def drained(self) -> None:
        """Wait until it is ready. Raise `WebSocketDisconnect` when nobody is there any more."""
        while not self.writable.is_set():  # whoever else waited may have filled it again
            await self.writable.wait()
        if not self.ready:
            raise WebSocketDisconnect(1006)

    def write(self, frame: bytes) -> None:
        """Write a frame. To be called once the socket was accepted."""
        self.transport.write(frame)

    def keepalive_timeout(self) -> None:
        """Give up a page that does not answer, with what was still to be sent to it.

        To be closed, a transport first waits until its buffer has gone out, which for a page without a network is as
        long as TCP is patient: a quarter of an hour in which it keeps its seat.
        """
        super().keepalive_timeout()
        self.transport.abort()


class Line:
    """The way to one page: its wire, or, on a server that has none to give, its socket as ASGI knows it."""

    def __init__(self, socket: WebSocket) -> None:
        """Take a socket that was accepted."""
        self._socket = socket
        self._wire = _wire_of(socket.scope)

    @property
    def ready(self) -> bool:
        """Whether a message can be written at once. Never without a wire."""
        return self._wire is not None and self._wire.ready

    async def drained(self) -> None:
        """Wait until a message can be written."""
        if self._wire is not None:
            await self._wire.drained()

    def write(self, message: Message) -> None:
        """Write a message at once. To be called when it is `ready`."""
        if self._wire is None:
            raise RuntimeError("this server has no wire: send")
        self._wire.write(message.frame)

    async def send(self, message: Message) -> None:
        """Write a message as soon as that can be done."""
        if self._wire is None:
            await self._socket.send_text(message.payload.decode())
        else:
            await self._wire.drained()
            self._wire.write(message.frame)


def _wire_of(connection: Connection) -> Wire | None:
    extension: dict[str, Any] = (connection.get("extensions") or {}).get(EXTENSION, {})
    wire: Wire | None = extension.get("wire")
    return wire
