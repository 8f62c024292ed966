"""What passes between a caller and the application: one request, measured, and one answer, with our headers."""

import time
from typing import TYPE_CHECKING

import structlog

from main.security import refusal
from main.security.headers import Header, SecurityHeaders
from main.security.refusal import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The connection stays: closing it with the rest of the body unread would reset it, and the answer with it.
TOO_LARGE = Refused(413, "the request is larger than any this server has use for")

_MEASURED = "/api/"

_log = structlog.get_logger(__name__)


class Exchange:
    """Counts what comes in, puts our headers on what goes out, and answers when the application fails.

    ``host`` is the request's host once it has been checked.
    """

    def __init__(
        self,
        scope: "Scope",
        receive: "Receive",
        send: "Send",
        *,
        headers: SecurityHeaders,
        request_id: str,
        largest_body: int,
    ) -> None:
        self.host = ""
        self._scope = scope
        self._inner_receive = receive
        self._inner_send = send
        self._headers = headers
        self._request_id = request_id
        self._bytes_left = largest_body
        self._started = False
        self._began = time.perf_counter()

    async def run(self, app: "ASGIApp") -> None:
        """Let the application answer; raise its error only when half an answer is out already."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:
            # The last boundary: neither a traceback nor an answer without our headers may leave.
            if self._started:
                raise
            if self._bytes_left >= 0:
                await self.fail()
        if self._bytes_left < 0 and not self._started:
            await self.refuse(TOO_LARGE)

    async def refuse(self, refused: Refused) -> None:
        """Answer in the application's place."""
        if self._scope["type"] == "http":
            await refusal.answer(self._dressed, refused, self._request_id, body=self._scope["method"] != "HEAD")
        elif not self._started:
            await refusal.close(self._scope, self._inner_receive, self._dressed, refused, self._request_id)

    async def fail(self) -> None:
        """Log the error being handled, and answer that there was one."""
        _log.exception("request failed", path=self._scope["path"], request_id=self._request_id)
        await self.refuse(Refused(500, "something went wrong here; the log has it under this request_id"))

    async def _receive(self) -> "Message":
        message = await self._inner_receive()
        if message["type"] == "http.request":
            self._bytes_left -= len(message.get("body", b""))
            if self._bytes_left < 0:
                return {"type": "http.disconnect"}  # the application stops reading; the 413 is ours
        return message

    async def _send(self, message: "Message") -> None:
        if self._bytes_left < 0 and not self._started:
            return
        await self._dressed(message)

    async def _dressed(self, message: "Message") -> None:
        self._started = True
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            headers = self._headers.around(message.get("headers", ()), self.host)
            headers = [*headers, (b"x-request-id", self._request_id.encode()), *self._timing()]
            message = {**message, "headers": headers}
        await self._inner_send(message)

    def _timing(self) -> list[Header]:
        """How long it took until the answer began, of what programs ask: of refusals and errors too."""
        if not self._scope["path"].startswith(_MEASURED):
            return []
        return [(b"server-timing", b"total;dur=%.2f" % ((time.perf_counter() - self._began) * 1000))]
