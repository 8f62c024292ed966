"""A TCP proxy in a thread of its own that stops, cuts and swallows traffic on command."""

import asyncio
import contextlib
import socket
import threading
from dataclasses import replace
from types import TracebackType
from typing import Self

from main.database.address import Address


class TcpProxy:
    """Stands between a client and PostgreSQL; `address` is what the client connects to."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._serving: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._port = 0
        self._cuts_left = 0
        self._frozen = False
        self._frozen_both = False
        self.cuts = 0
        self.accepted = 0

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
        return replace(self._target, host="127.0.0.1", port=self._port)

    def accept(self) -> None:
        """Listen, always on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)

    def refuse(self) -> None:
        """Stop listening and cut every connection."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)

    def freeze(self, frozen: bool = True, *, both: bool = False) -> None:
        """Let the server's answers through no more, and with `both` no questions: the connection is open and silent."""
        self._frozen = frozen
        self._frozen_both = frozen and both

    def lose_answers_to_commits(self, times: int) -> None:
        """Cut the connection instead of delivering the server's answer to each of the next `times` COMMITs."""
        self._cuts_left = times

    async def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port))
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        # Neither asyncio.Server nor a cancelled sock_accept closes a connection that arrives at that moment.
        connection, _ = listener.accept()
        connection.setblocking(False)
        self.accepted += 1
        serving = asyncio.create_task(self._serve(connection))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _stop(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await asyncio.sleep(0)  # a task that has not begun would not close its connection
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in a later turn of the loop

    async def _serve(self, connection: socket.socket) -> None:
        writers: list[asyncio.StreamWriter] = []
        try:
            reader, writer = await asyncio.open_connection(sock=connection)
            writers.append(writer)
            upstream, to_server = await asyncio.open_connection(self._target.host, self._target.port)
            writers.append(to_server)
            directions = (self._pass(reader, to_server, answers=False), self._pass(upstream, writer, answers=True))
            pumps = {asyncio.create_task(each) for each in directions}
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            for each in writers:
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if answers and self._cuts_left and b"COMMIT\x00" in data:
                    self._cuts_left -= 1
                    self.cuts += 1
                    return
                while self._frozen if answers else self._frozen_both:
                    await asyncio.sleep(0.01)
                writer.write(data)
                await writer.drain()
