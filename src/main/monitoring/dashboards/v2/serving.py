"""How is a dashboard served until it is told to end, and how does it end: announced, in time, whoever still looks?"""

import signal
from collections.abc import Callable
from concurrent.futures import Future
from socket import socket
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

import uvicorn

from main.database.bridge import AsyncBridge
from main.monitoring.api.wire import FramedWebSocket
from main.security.binding import server_options
from main.telemetry.bounded_http import BoundedHttp
from main.telemetry.probes import ProbeApp

DRAIN_SECONDS = 0.5
"""So long a dashboard that was told to end still answers, that it is not ready: who sends it work shall know."""


def serve(
    application: Any,
    listener: socket,
    bridge: AsyncBridge,
    probes: ProbeApp,
    start_error: Callable[[], Exception | None],
    *,
    on_drain: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application on the bridge's loop until SIGINT or SIGTERM; a second signal ends it without a pause.

    `on_drain` is called on the loop when the end begins. Raise what `start_error` gives when the application could not
    start.
    """
    options = server_options()
    config = uvicorn.Config(application, log_config=None, loop="none", http=BoundedHttp, ws=FramedWebSocket, **options)
    server = uvicorn.Server(config)

    async def serving() -> None:
        try:
            await server.serve(sockets=[listener])
        except SystemExit as end:  # uvicorn's word for a start that failed; it keeps the reason to itself
            raise start_error() or RuntimeError(f"the server did not start (exit code {end.code})") from None

    served = bridge.submit(serving())

    def stop(number: int, frame: FrameType | None) -> None:
        pause = 0.0 if probes.draining or not server.started else DRAIN_SECONDS
        probes.drain()
        loop = bridge.loop
        loop.call_soon_threadsafe(on_drain)
        loop.call_soon_threadsafe(loop.call_later, pause, server.handle_exit, number, frame)

    _wait(served, stop)


def _wait(served: "Future[None]", stop: Callable[[int, FrameType | None], None]) -> None:
    if current_thread() is not main_thread():
        served.result()
        return
    # Signals reach the main thread only, and the server turns on another.
    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        served.result()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
