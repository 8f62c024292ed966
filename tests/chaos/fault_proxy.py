"""What can a network do to a connection? A TCP proxy that does it on command: slow, silent, cut, reset, half open."""

import asyncio
import contextlib
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self, TypeVar

from main.database.address import Address

Direction = Literal["up", "down"]  # to the server, to the client
BOTH: tuple[Direction, Direction] = ("up", "down")

CHUNK = 32 * 1024
CHUNKS_WAITING = 8
"""Of one direction: what the proxy holds of a connection that is slow or frozen; beyond that the sender waits."""
_SLICE_SECONDS = 0.05  # a throttled direction sends what this time allows, then waits
_COMMAND_SECONDS = 5.0
_NO_LINGER = struct.pack("ii", 1, 0)  # closing then sends RST and forgets what was not sent

T = TypeVar("T")
Parcel = tuple[float, bytes | OSError]
"""What is carried and when it is due on the loop's clock: bytes, none at the end, or how the connection broke."""


@dataclass(slots=True)
class Weather:
    """What befalls every byte of one direction at the moment. Times are seconds."""

    latency: float = 0.0
    jitter: float = 0.0  # at most so much on top; the order of bytes is kept
    bytes_per_second: float | None = None
    frozen: bool = False  # nothing passes, nothing is lost, not even the end of a connection
    swallowing: bool = False  # what is sent now never arrives


class FaultProxy:
    """Stands between clients and a server; `address` is what clients connect to, always on the same port.

    Commands are for any thread and have happened when they return. One that concerns connections takes a `share` of
    those there are, in [0, 1]; which ones, the seed says.
    """

    def __init__(self, target: Address, *, seed: int = 0, most: int = 500) -> None:
        """Stand before `target`, which may be moved later; connections beyond `most` are reset at once."""
        self.target = target
        self.cuts = 0  # answers to COMMIT that were lost on command
        self.accepted = 0  # connections so far
        self.refused = 0  # of them: those beyond the most
        self.answered_at = 0.0  # when a client last received something, in seconds since the epoch
        self.weather: dict[Direction, Weather] = {"up": Weather(), "down": Weather()}
        self.mute = False  # new connections are accepted and then nothing
        self.commit_answers_to_lose = 0
        self._most = most
        self.jitter = random.Random(seed)
        self._choice = random.Random(seed)  # apart from the jitter: a replay chooses the same connections
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._listener: socket.socket | None = None
        self._port = 0
        self._connections: dict[_Connection, asyncio.Task[None]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> Address:
        """The target as a client reaches it through the proxy."""
        return replace(self.target, host="127.0.0.1", port=self._port)

    @property
    def connections(self) -> int:
        """How many connections there are, half-open ones included."""
        return self._do(lambda: len(self._connections))

    def accept(self) -> None:
        """Listen again after `refuse`."""
        self._do(self._listen)

    def refuse(self) -> None:
        """Listen no more, and reset every connection."""
        self._do(self._deafen)
        self.reset()

    def delay(self, latency: float, jitter: float = 0.0, directions: Iterable[Direction] = BOTH) -> None:
        """Let every byte arrive so many seconds later."""
        self._set(directions, latency=latency, jitter=jitter)

    def throttle(self, bytes_per_second: float | None, directions: Iterable[Direction] = BOTH) -> None:
        """Let so many bytes a second pass on each connection; ``None`` for all there are."""
        self._set(directions, bytes_per_second=bytes_per_second)

    def freeze(self, frozen: bool = True, directions: Iterable[Direction] = ("down",)) -> None:
        """Let nothing through until it is thawed; by default the server's answers."""
        self._set(directions, frozen=frozen)

    def swallow(self, swallowing: bool = True, directions: Iterable[Direction] = ("down",)) -> None:
        """Lose what is sent from now on; by default the server's answers."""
        self._set(directions, swallowing=swallowing)

    def lose_answers_to_commits(self, times: int) -> None:
        """Reset the connection instead of delivering the server's answer to each of the next `times` COMMITs."""
        self.commit_answers_to_lose = times

    def cut(self, share: float = 1.0) -> int:
        """Close connections in order on both sides; return how many."""
        return self._each(share, lambda each: each.close())

    def reset(self, share: float = 1.0) -> int:
        """End connections with RST on both sides; return how many."""
        return self._each(share, lambda each: each.reset())

    def half_open(self, share: float = 1.0, *, told: Direction = "up") -> int:
        """End connections on one side only: `told` "up" ends the server's, the client believes in its own until
        `clear`, and the other way round. Return how many."""
        return self._each(share, lambda each: each.half_open(told))

    def mend(self) -> None:
        """Reset the connections that lost bytes or a side: they can never be right again."""
        self._do(lambda: [each.reset() for each in self._connections if each.broken])

    def clear(self) -> None:
        """Undo everything at once: good weather, new connections are taken, the broken ones mended."""
        for direction in BOTH:
            self.weather[direction] = Weather()
        self.mute, self.commit_answers_to_lose = False, 0
        self._do(self._listen)
        self.mend()

    def _set(self, directions: Iterable[Direction], **changes: float | bool | None) -> None:
        for direction in directions:
            self.weather[direction] = replace(self.weather[direction], **changes)

    def _each(self, share: float, act: Callable[["_Connection"], None]) -> int:
        def chosen() -> int:
            there = sorted(self._connections, key=lambda each: each.number)
            picked = self._choice.sample(there, math.ceil(share * len(there)))
            for each in picked:
                act(each)
            return len(picked)

        return self._do(chosen)

    def _do(self, command: Callable[[], T]) -> T:
        async def done() -> T:
            result = command()
            await asyncio.sleep(0.01)  # what was ended has closed its sockets when the command returns
            ending = [task for each, task in self._connections.items() if each.ended]
            if ending:
                await asyncio.wait(ending, timeout=1.0)
            return result

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(_COMMAND_SECONDS)

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port), backlog=self._most)
            self._listener.setblocking(False)
            self._port = self._listener.getsockname()[1]
            self._loop.add_reader(self._listener, self._take)

    def _deafen(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _take(self) -> None:
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except OSError:  # it left before we came
            return
        client.setblocking(False)
        self.accepted += 1
        if len(self._connections) >= self._most:
            self.refused += 1
            _reset(client)
            return
        connection = _Connection(self, client)
        task = self._loop.create_task(connection.serve())
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._connections.pop(connection, None))


class _Connection:
    """One client's connection and the one to the server that belongs to it. Lives on the proxy's loop."""

    _count = 0

    def __init__(self, proxy: FaultProxy, client: socket.socket) -> None:
        _Connection._count += 1
        self.number = _Connection._count
        self.broken = False  # it lost bytes or a side, so that it can never be right again
        self.ended = False
        self._proxy = proxy
        self._client = client
        self._server: socket.socket | None = None
        self._told: Direction | None = None  # the side that knows that a half-open connection has ended
        self._end = asyncio.Event()
        self._pumps: list[asyncio.Task[None]] = []

    async def serve(self) -> None:
        """Pass bytes until both directions ended in order or somebody ended the connection."""
        ending = asyncio.create_task(self._end.wait())
        passing = asyncio.create_task(self._pass())
        try:
            await asyncio.wait({ending, passing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.ended = True
            for task in (ending, passing, *self._pumps):
                task.cancel()
            await asyncio.gather(ending, passing, *self._pumps, return_exceptions=True)
            for each in self._sockets():
                each.close()

    def close(self) -> None:
        self.ended = True
        self._end.set()

    def reset(self) -> None:
        for each in self._sockets():
            _without_linger(each)
        self.close()

    def half_open(self, told: Direction) -> None:
        self.broken = True
        self._told = told
        for task in self._pumps:
            task.cancel()

    def _sockets(self) -> tuple[socket.socket, ...]:
        return tuple(each for each in (self._client, self._server) if each is not None)

    async def _pass(self) -> None:
        if self._proxy.mute:
            self.broken = True
            await self._end.wait()
            return
        loop = asyncio.get_running_loop()
        self._server = server = _socket_to(self._proxy.target)
        for each in (self._client, server):
            if each.family != socket.AF_UNIX:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await loop.sock_connect(server, _place(self._proxy.target))
        except OSError:
            _without_linger(self._client)
            return
        self._pumps = [
            asyncio.create_task(self._pump("up", self._client, server)),
            asyncio.create_task(self._pump("down", server, self._client)),
        ]
        done, _ = await asyncio.wait(self._pumps, return_when=asyncio.FIRST_EXCEPTION)
        if any(not each.cancelled() and each.exception() is not None for each in done):
            self.reset()  # one side was reset, so is the other
        elif self._told is not None:
            _reset(self._client if self._told == "down" else server)
            await self._end.wait()

    async def _pump(self, direction: Direction, source: socket.socket, target: socket.socket) -> None:
        """Carry one direction; return after its end in order, raise OSError after a reset."""
        waiting: asyncio.Queue[Parcel] = asyncio.Queue(CHUNKS_WAITING)
        reading = asyncio.create_task(self._read(direction, source, waiting))
        try:
            await self._write(direction, target, waiting)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, direction: Direction, source: socket.socket, waiting: "asyncio.Queue[Parcel]") -> None:
        loop, due = asyncio.get_running_loop(), 0.0
        data: bytes | OSError = b"more"
        while data and not isinstance(data, OSError):
            try:
                data = await loop.sock_recv(source, CHUNK)
            except OSError as error:
                data = error
            weather = self._proxy.weather[direction]
            if data and weather.swallowing and isinstance(data, bytes):
                self.broken = True
                continue
            late = weather.latency + self._proxy.jitter.uniform(0.0, weather.jitter)
            due = max(due, loop.time() + late)
            await waiting.put((due, data))

    async def _write(self, direction: Direction, target: socket.socket, waiting: "asyncio.Queue[Parcel]") -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._thawed(direction)
            if isinstance(data, OSError):
                raise data
            if not data:
                with contextlib.suppress(OSError):  # the other side has gone already
                    target.shutdown(socket.SHUT_WR)
                return
            if direction == "down" and self._proxy.commit_answers_to_lose and b"COMMIT\x00" in data:
                self._proxy.commit_answers_to_lose -= 1
                self._proxy.cuts += 1
                raise ConnectionResetError("the answer to a COMMIT was to be lost")
            await self._send(direction, target, data)

    async def _send(self, direction: Direction, target: socket.socket, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        while data:
            rate = self._proxy.weather[direction].bytes_per_second
            size = len(data) if rate is None else max(1, int(rate * _SLICE_SECONDS))
            part, data = data[:size], data[size:]
            if direction == "down":
                self._proxy.answered_at = time.time()  # before: the client must not know it earlier
            await loop.sock_sendall(target, part)
            if rate is not None:
                await asyncio.sleep(len(part) / rate)
                await self._thawed(direction)

    async def _thawed(self, direction: Direction) -> None:
        while self._proxy.weather[direction].frozen:
            await asyncio.sleep(0.01)


def _place(target: Address) -> tuple[str, int] | str:
    """Return what a socket connects to."""
    return f"{target.host}/.s.PGSQL.{target.port}" if target.host.startswith("/") else (target.host, target.port)


def _socket_to(target: Address) -> socket.socket:
    unix = target.host.startswith("/")
    made = socket.socket(socket.AF_UNIX if unix else socket.AF_INET6 if ":" in target.host else socket.AF_INET)
    made.setblocking(False)
    return made


def _without_linger(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def _reset(each: socket.socket) -> None:
    _without_linger(each)
    each.close()
