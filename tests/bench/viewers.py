"""Viewers without a browser: each holds a page's socket, asks for all its panels and reads what comes."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import websockets
from websockets.typing import Origin

from main.monitoring.dashboards.v2.panel import panels_of
from tests.running import Suite, until


def connect(suite: Suite, dashboard: str) -> Any:
    """A socket as the dashboard's own page opens it: the guard refuses one of no origin."""
    url = suite.url(dashboard, "")
    return websockets.connect(f"{url.replace('http', 'ws', 1)}/ws", origin=Origin(url), max_size=None, compression=None)


def wish(dashboard: str) -> str:
    """What a page that shows all its panels sends."""
    return json.dumps({"type": "subscribe", "view": {}, "panels": [panel.name for panel in panels_of(dashboard)]})


@contextlib.contextmanager
def watching(suite: Suite, count: int, dashboards: tuple[str, ...] = ("trading", "system")) -> Iterator[None]:
    """Keep `count` viewers at each dashboard, from a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    heard: set[int] = set()
    tasks: list[Any] = [
        asyncio.run_coroutine_threadsafe(_view(suite, name, 1000 * index + number, heard), loop)
        for index, name in enumerate(dashboards)
        for number in range(count)
    ]
    try:
        until(lambda: len(heard) == len(tasks), 30, f"{len(tasks)} viewers are answered")
        yield
        for task in tasks:
            assert not task.done(), f"a viewer was lost: {task.exception()}"
    finally:
        for task in tasks:
            task.cancel()
        loop.call_soon_threadsafe(lambda: loop.call_later(0.5, loop.stop))
        thread.join(5)


async def _view(suite: Suite, dashboard: str, number: int, heard: set[int]) -> None:
    async with connect(suite, dashboard) as socket:
        await socket.send(wish(dashboard))
        async for message in socket:
            if '"type":"update"' in str(message):
                heard.add(number)
