"""How is a request turned away, so that both people and programs understand it? (RFC 9457 problem details)"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from main.errors import AITraderError
from main.security.headers import Header

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PROBLEM_TYPE = "application/problem+json"
PAGE_TYPE = b"text/html; charset=utf-8"

_GOODBYE_SECONDS = 1.0
_LONGEST_PATH = 200  # letters of one that is told back
_REASON_BYTES = 120  # a close frame holds 125 bytes, two of them the code


class Refused(AITraderError):
    """A request that must not reach the application: its message is what the caller is told.

    ``close_code`` is given where a browser's script has to learn the reason: the socket is then accepted first, because
    a refused handshake tells a script nothing. ``page`` is the document for a person, in the message's place.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        close_code: int | None = None,
        page: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.close_code = close_code
        self.page = page


def problem_document(status: int, detail: str, request_id: str, **more: object) -> dict[str, Any]:
    """Return the problem details of an answer; `more` are further members, such as ``errors``."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id, **more}


@dataclass(frozen=True, slots=True)
class Signpost:
    """What a server says of a path at which there is nothing: in ``words`` what there is, and to a browser a page.

    ``page`` returns the document for a path, which may be anything.
    """

    words: str = ""
    page: Callable[[str], bytes] | None = None

    def refusal(self, path: str, *, person: bool) -> Refused:
        """Return the refusal of a path; `person`: a browser asks for a page there."""
        shown = path[:_LONGEST_PATH].encode(errors="backslashreplace").decode()
        message = f'there is nothing at "{shown}"' + (f"; {self.words}" if self.words else "")
        return Refused(404, message, page=self.page(path) if person and self.page is not None else None)


async def answer(send: "Send", refused: Refused, request_id: str, *, body: bool = True, kind: str = "http") -> None:
    """Send the refusal as an HTTP answer; `kind` is ``websocket.http`` for the answer to a handshake."""
    document = refused.page or orjson.dumps(problem_document(refused.status, refused.message, request_id))
    headers: list[Header] = [
        (b"content-type", PAGE_TYPE if refused.page else PROBLEM_TYPE.encode()),
        (b"content-length", str(len(document)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in refused.headers.items()),
    ]
    await send({"type": f"{kind}.response.start", "status": refused.status, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": document if body else b""})


async def close(scope: "Scope", receive: "Receive", send: "Send", refused: Refused, request_id: str) -> None:
    """Turn a websocket away: by a close code when there is one, else by refusing the handshake."""
    if (await receive())["type"] != "websocket.connect":
        return
    if refused.close_code is not None:
        reason = refused.message.encode()[:_REASON_BYTES].decode(errors="ignore")
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": refused.close_code, "reason": reason})
    elif "websocket.http.response" in scope.get("extensions", {}):
        await answer(send, refused, request_id, kind="websocket.http")
        await _until_gone(receive)
    else:
        await send({"type": "websocket.close", "code": 1008})


async def _until_gone(receive: "Receive") -> None:
    """Wait for the end of a refused connection, or uvicorn logs each refusal as an application that broke."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            for _ in range(2):  # uvicorn tells of the end of the handshake, and then of that of the connection
                await receive()
