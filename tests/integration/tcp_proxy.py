"""A TCP proxy in a thread of its own that stops, cuts and swallows traffic on command."""

import asyncio
import contextlib
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
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._cuts_left = 0
        self._frozen = False
        self.cuts = 0

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

    def freeze(self, frozen: bool = True) -> None:
        """Let the server's answers through no more: the connection is open and silent."""
        self._frozen = frozen

    def lose_answers_to_commits(self, times: int) -> None:
        """Cut the connection instead of delivering the server's answer to each of the next `times` COMMITs."""
        self._cuts_left = times

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            upstream, to_server = await asyncio.open_connection(self._target.host, self._target.port)
            self._writers.add(to_server)
            directions = (self._pass(reader, to_server, answers=False), self._pass(upstream, writer, answers=True))
            pumps = {asyncio.ensure_future(each) for each in directions}
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, *([to_server] if "to_server" in locals() else [])):
                self._writers.discard(each)
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if answers and self._cuts_left and b"COMMIT\x00" in data:
                    self._cuts_left -= 1
                    self.cuts += 1
                    return
                while answers and self._frozen:  # noqa: ASYNC110 - another thread sets it
                    await asyncio.sleep(0.01)
                writer.write(data)
                await writer.drain()
