"""How do scripts and style sheets reach the browser small? Compressed once, kept in memory, revalidated by ETag."""

import asyncio
import contextlib
import ctypes
import gzip
import hashlib
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import brotli  # type: ignore[import-untyped]  # brings no types

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]
Coding = Literal["br", "gzip"]
"""Browsers take Brotli over TLS and from their own machine only; from another one, without TLS, they take gzip."""

PACKAGES = "/_dash-component-suites/"
PREFIXES = (PACKAGES, "/assets/")

_GZIP_LEVEL = 6
_QUALITY = 5  # plotly.min.js (4.8 MB): 1.29 MB in 0.12 s; quality 9 saves 4 % more and takes four times as long
_LARGE = 256 * 1024
_SMALLEST = 1024  # below, the headers cost more than is saved
_MOST_KEPT = 256  # files; a page of the suite uses about 30
_TEXT = (b"javascript", b"json", b"text/", b"svg", b"xml")


@dataclass(frozen=True, slots=True)
class _Compressed:
    etag: bytes
    body: bytes
    headers: tuple[Header, ...]


class CompressedAssets:
    """ASGI middleware that answers GET requests below `PREFIXES` with Brotli or gzip, as the browser takes it.

    What is compressed is kept under the digest of the content, so that a changed file is never answered with its past.
    The files of installed packages do not change while the process runs: they are asked for once. One file is read and
    compressed at a time, by one thread: six at once, as a browser asks, would leave the process 30 MB larger for good.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self._kept: dict[tuple[str, Coding, bytes], bytes] = {}
        self._packages: dict[tuple[str, Coding], _Compressed] = {}
        self._turn = asyncio.Lock()
        self._compressor = ThreadPoolExecutor(1, thread_name_prefix="compressor")

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PREFIXES):
            await self.app(scope, receive, send)
        elif (coding := _coding(scope["headers"])) is None:
            await self.app(scope, receive, _varying(send))
        else:
            await self._compressed(coding, scope, receive, send)

    async def _compressed(self, coding: Coding, scope: "Scope", receive: "Receive", send: "Send") -> None:
        key = scope["path"], coding
        found = self._packages.get(key)
        if found is None:
            async with self._turn:  # whoever asks for the same file meanwhile finds it compressed
                found = self._packages.get(key) or await self._asked(coding, scope, receive, send)
        if found is None:
            return
        if found.etag in _etags(scope["headers"]):
            kept = [(name, value) for name, value in found.headers if name in _KEPT_AT_304]
            await send({"type": "http.response.start", "status": 304, "headers": kept})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(found.headers)})
        await send({"type": "http.response.body", "body": found.body})

    async def _asked(self, coding: Coding, scope: "Scope", receive: "Receive", send: "Send") -> _Compressed | None:
        """Return the application's answer compressed; send it as it is, and return None, where that has no use."""
        # The application's own ETags name the plain file, and a range of it is no range of the compressed one.
        asked = [(name, value) for name, value in scope["headers"] if name not in _CONDITIONS]
        plain = _Recorded()
        await self.app({**scope, "headers": asked}, receive, plain.send)
        if plain.status != 200 or not plain.compressible:
            await plain.replay(_varying(send))
            return None
        return await self._of(coding, scope, plain)

    async def _of(self, coding: Coding, scope: "Scope", plain: "_Recorded") -> _Compressed:
        path: str = scope["path"]
        digest, body = await asyncio.get_running_loop().run_in_executor(
            self._compressor, _digested, self._kept, path, coding, plain.body
        )
        while len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        etag = b'"%b-%b"' % (digest, coding.encode())
        own = [(name, value) for name, value in plain.headers if name not in {b"content-length", b"etag"}]
        headers = (
            *_with_caching(own, for_good=_names_its_version(scope)),
            (b"etag", etag),
            (b"content-encoding", coding.encode()),
            (b"content-length", str(len(body)).encode()),
        )
        found = _Compressed(etag, body, headers)
        if path.startswith(PACKAGES):
            self._packages[path, coding] = found
        return found


class _Recorded:
    """The application's answer, held back until it is complete."""

    def __init__(self) -> None:
        self.start: MutableMapping[str, Any] = {}
        self.body = b""

    async def send(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    @property
    def status(self) -> int:
        return int(self.start.get("status", 500))

    @property
    def headers(self) -> list[Header]:
        return [(name.lower(), value) for name, value in self.start.get("headers", ())]

    @property
    def compressible(self) -> bool:
        headers = dict(self.headers)
        kind = headers.get(b"content-type", b"")
        return b"content-encoding" not in headers and len(self.body) >= _SMALLEST and any(t in kind for t in _TEXT)

    async def replay(self, send: "Send") -> None:
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"range", b"if-range", b"accept-encoding"})
_KEPT_AT_304 = frozenset({b"etag", b"cache-control", b"vary", b"last-modified"})


def _varying(send: "Send") -> "Send":
    async def with_vary(message: "Message") -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _with_caching(message.get("headers", ()))}
        await send(message)

    return with_vary


def _with_caching(headers: Any, *, for_good: bool = False) -> list[Header]:  # whatever iterable of pairs a server has
    own: list[Header] = [(name, value) for name, value in headers if name.lower() != b"vary"]
    cached = next((value for name, value in own if name.lower() == b"cache-control"), None)
    if for_good or (cached is not None and b"max-age=31536000" in cached):
        own = [(name, value) for name, value in own if name.lower() != b"cache-control"]
        own.append((b"cache-control", b"public, max-age=31536000, immutable"))
    elif cached is None and any(name.lower() == b"content-type" and value.startswith(b"font/") for name, value in own):
        own.append((b"cache-control", b"public, max-age=2592000"))  # a style sheet cannot name its version
    elif cached is None:
        # Without it browsers guess how long a file stays good, and run yesterday's script after an update.
        own.append((b"cache-control", b"no-cache"))
    return [*own, (b"vary", b"Accept-Encoding")]


def _names_its_version(scope: "Scope") -> bool:
    """Whether the address changes with the content: Dash writes an asset's time of change behind it as ``?m=``."""
    query: bytes = scope.get("query_string", b"")
    return scope["path"].startswith("/assets/") and query.startswith(b"m=")


def _coding(headers: list[Header]) -> Coding | None:
    taken = set()
    for name, value in headers:
        if name == b"accept-encoding":
            for part in value.split(b","):
                coding, _, weight = part.strip().partition(b";")
                if weight.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}:
                    taken.add(coding.strip())
    return "br" if b"br" in taken else "gzip" if b"gzip" in taken else None


def _etags(headers: list[Header]) -> frozenset[bytes]:
    values = [value for name, value in headers if name == b"if-none-match"]
    return frozenset(tag.strip().removeprefix(b"W/") for value in values for tag in value.split(b","))


def _digested(
    kept: dict[tuple[str, Coding, bytes], bytes], path: str, coding: Coding, plain: bytes
) -> tuple[bytes, bytes]:
    digest = hashlib.blake2b(plain, digest_size=12).hexdigest().encode()
    body = kept.get((path, coding, digest))
    if body is None:
        body = (
            brotli.compress(plain, quality=_QUALITY) if coding == "br" else gzip.compress(plain, _GZIP_LEVEL, mtime=0)
        )
        kept[path, coding, digest] = body
        if len(plain) > _LARGE:
            _give_back()
    return digest, body


def _give_back() -> None:
    """Return freed memory to the machine: glibc keeps what a large compression took for the next one."""
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such call, and no such need
        ctypes.CDLL(None).malloc_trim(0)
