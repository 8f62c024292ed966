"""How does a request's body come in: of a known kind, within a size and a time, or not at all?"""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from main.errors import AITraderError

READ_SECONDS = 10.0


class BadBody(AITraderError):
    """A body that is not looked at: the message says what to send instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def body_of(request: Request, *, kinds: tuple[str, ...], largest: int) -> bytes:
    """Return the body of a request.

    Raise `BadBody`: 415 for a content type that is none of `kinds`, 413 for more than `largest` bytes (the rest is read
    and thrown away, as far as the guard lets it in, or the sender could not read the answer), 408 for one that takes
    longer than ten seconds.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise BadBody(415, f"content type {kind or 'missing'}: send {' or '.join(kinds)}")
    parts: list[bytes] = []
    count = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                count += len(part)
                if count <= largest:
                    parts.append(part)
                else:
                    parts.clear()
    except TimeoutError:
        raise BadBody(408, f"the body did not arrive within {READ_SECONDS:g} s") from None
    except ClientDisconnect:
        raise BadBody(413, f"the body is cut off or larger than {largest} bytes") from None
    if count > largest:
        raise BadBody(413, f"the body has {count} bytes: send at most {largest} at once")
    return b"".join(parts)
