"""How does a process without pages serve its probes, status and metrics beside its work?"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from main.errors import AITraderError
from main.telemetry.bounded_http import BoundedHttp
from main.telemetry.ports import listening_socket
from main.telemetry.requests import REQUESTS

_GRACE_SECONDS = 2


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the process decides what a signal means, not its probe server


class ProbeServer:
    """An ASGI application on one port of the running event loop."""

    def __init__(self, app: Any, host: str, port: int, *, setting: str = "") -> None:
        """Name the address; `setting` is what the user changes to move the port."""
        self._app = REQUESTS.counted(app)
        self._host = host
        self._port = port
        self._setting = setting
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; returns when requests are answered. Raises PortInUse, or ConfigurationError for a foreign address."""
        opening = asyncio.create_task(
            asyncio.to_thread(listening_socket, self._host, self._port, setting=self._setting), name="probe-port"
        )
        try:
            listener = await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(AITraderError):
                (await opening).close()  # the thread cannot be cancelled, and takes a second at most
            raise
        self._server = _Server(
            uvicorn.Config(
                self._app,
                loop="none",
                http=BoundedHttp,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="probe-server")
        await asyncio.sleep(0)  # the socket listens already: a request that comes now waits in its backlog

    async def stop(self) -> None:
        """Close the port; requests under way get two seconds."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await asyncio.wait({self._task}, timeout=_GRACE_SECONDS + 3)
            self._server, self._task = None, None
