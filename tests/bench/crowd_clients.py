"""A process of its own that holds many sockets of a dashboard: reads what comes, as raw bytes, and keeps count of it.

It takes its task as its only argument, one JSON object, and one command a line: ``tell`` is answered by a line of what
every socket has heard, ``stall N`` has the first N read nothing any more.
"""

import asyncio
import base64
import json
import os
import re
import struct
import sys
from collections import Counter
from typing import Any

import orjson
import uvloop

PANEL = re.compile(
    rb'"version":(\d+),"freshness":\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\},"error":(?:null|"(?:[^"\\]|\\.)*")'
    rb'(?:(\})|,"from":(\d+),"tail":|,)'
)
MARK = b':{"version":'
SAMPLED = 20
"""Of so many sockets one parses every message whole, and compares what the others would have found."""
TEXT, CLOSE, PING = 0x1, 0x8, 0x9

News = list[tuple[str, int, bool, int | None]]
"""Of each panel: name, version, whether its content is told, and of a tail the version before."""


def scanned(message: bytes) -> News:
    """Return what an update tells, found without parsing the figures in it."""
    found: News = []
    at = message.find(MARK)
    while at >= 0:
        match = PANEL.match(message, at + 2)
        if match is None:  # a figure's own
            at = message.find(MARK, at + 1)
            continue
        name = message[message.rindex(b'"', 0, at - 1) + 1 : at - 1]
        version, bare, before = match.groups()
        found.append((name.decode(), int(version), bare is None, None if before is None else int(before)))
        at = message.find(MARK, match.end())
    return found


def parsed(message: bytes) -> News:
    """Return the same from the whole of it."""
    panels = orjson.loads(message)["panels"].items()
    return [
        (name, news["version"], bool({"tail", "figure", "children"} & news.keys()), news.get("from"))
        for name, news in panels
    ]


class Socket(asyncio.Protocol):
    """One socket: the version it saw last of each panel, and whether any came out of order."""

    def __init__(self, task: dict[str, Any], number: int, wish: int) -> None:
        self.versions: dict[str, int] = {}
        self.contents: Counter[str] = Counter()
        self.messages = self.tails = self.received_bytes = 0
        self.wrong: list[str] = []
        self.wish = wish
        self.transport: Any = None
        self._task, self._sampled = task, number % SAMPLED == 0
        self._buffer = bytearray()
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"localhost:{self._task['port']}"
        head = f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
        head += f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        self.transport.write(head.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.wrong.append(f"lost: {exc}")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head[:20]:
                self.wrong.append(f"refused: {head[:200]!r}")
                self.transport.close()
                return
            self._open, self._buffer = True, bytearray(rest)
            self._send(TEXT, json.dumps(self._task["wishes"][self.wish]).encode())
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < 2:
            return None
        size, start = self._buffer[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(self._buffer) < start:
                return None
            size = struct.unpack_from("!H" if size == 126 else "!Q", self._buffer, 2)[0]
        if len(self._buffer) < start + size:
            return None
        frame = self._buffer[0] & 0x0F, bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return frame

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self._send(0xA, payload)
        elif kind == CLOSE:
            self.wrong.append(f"closed: {payload!r}")
        elif kind == TEXT:
            self.messages += 1
            self.received_bytes += len(payload)
            if payload.startswith(b'{"type":"update"'):
                self._hear(payload)

    def _hear(self, message: bytes) -> None:
        """Take note of an update. A version may be left out (the newest is told, not all), but never go back."""
        found = scanned(message)
        if self._sampled and found != parsed(message):
            self.wrong.append(f"the scan found {found}, the message says {parsed(message)}")
        for panel, version, content, origin in found:
            before = self.versions.get(panel, 0)
            if version < before or (not content and version != before):
                self.wrong.append(f"{panel}: {before}, then {version}")
            if origin is not None and origin != before:
                self.wrong.append(f"{panel}: {before}, then a tail of {origin}")
            self.versions[panel] = version
            self.contents[panel] += version > before
            self.tails += origin is not None

    def _send(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + struct.pack("!H", size)
        self.transport.write(bytes((0x80 | kind,)) + length + bytes(4) + payload)  # masked with zeroes

    def told(self) -> dict[str, Any]:
        names = ("wish", "versions", "contents", "messages", "tails", "received_bytes", "wrong")
        return {name: getattr(self, name) for name in names}


async def main(task: dict[str, Any]) -> None:
    """Hold as many sockets of each wish as are asked for, until the input ends."""
    loop = asyncio.get_running_loop()
    places = [wish for wish, count in enumerate(task["counts"]) for _ in range(count)]
    sockets = [Socket(task, number, wish) for number, wish in enumerate(places)]
    for each in sockets:
        await loop.create_connection(lambda each=each: each, "127.0.0.1", task["port"])  # type: ignore[misc]
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while command := (await commands.readline()).decode().split():
        match command:
            case ["tell"]:
                sys.stdout.buffer.write(orjson.dumps([each.told() for each in sockets]) + b"\n")
                sys.stdout.buffer.flush()
            case ["stall", count]:
                for each in sockets[: int(count)]:
                    each.transport.pause_reading()


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
