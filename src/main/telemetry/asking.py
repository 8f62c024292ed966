"""Does a service answer over HTTP, and how fast? (A hung process still accepts connections.)"""

import asyncio
import ssl
import time
from dataclasses import dataclass

_LARGEST_ANSWER = 4_000_000
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status code, the body, and the seconds from connecting to the last byte."""

    status: int
    body: bytes
    seconds: float


async def ask(
    host: str,
    port: int,
    path: str,
    *,
    within: float,
    method: str = "GET",
    token: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Send one HTTP request to a service and return its reply.

    Raises TimeoutError when it is not complete after `within` seconds, OSError when there is no connection, no HTTP or
    an answer without end, ValueError for a body that is not what its headers say.
    """
    started = time.monotonic()
    async with asyncio.timeout(within):
        target = reachable_host(host)
        reader, writer = await asyncio.open_connection(target, port, limit=_CHUNK, ssl=tls)
        try:
            name = f"[{target}]" if ":" in target else target
            lines = [f"{method} {path} HTTP/1.1", f"Host: {name}:{port}", "Connection: close", "Content-Length: 0"]
            if token is not None:
                lines.append(f"Authorization: Bearer {token}")
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
            answer = bytearray()
            while chunk := await reader.read(_CHUNK):
                answer += chunk
                if len(answer) > _LARGEST_ANSWER:
                    raise OSError(f"port {port} answers with more than {_LARGEST_ANSWER} bytes")
        finally:
            writer.transport.abort()  # `close` would wait for a hung peer to take what is left to write
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise OSError(f"port {port} does not speak HTTP")
    return Reply(int(words[1]), _plain(head, body), time.monotonic() - started)


def reachable_host(host: str) -> str:
    """Return the address under which a server bound to `host` answers on its own machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)  # noqa: S104


def _plain(head: bytes, body: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    whole, rest = b"", body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if length == 0:
            break
        whole, rest = whole + rest[:length], rest[length + 2 :]
    return whole
