"""Since when does a page that nobody reloads show every panel Live again?"""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
import websockets

from main.monitoring.dashboards.v2.panel import panels_of
from tests.bench.viewers import connect, wish
from tests.chaos.pages import LONGEST, SHORTEST, SWEEP, Panel, seconds_of
from tests.running import Suite, until


@dataclass
class OpenPage:
    """One page that comes back by itself, as its script does, and remembers what it was told last of each panel."""

    suite: Suite
    dashboard: str
    connections: int = 0
    connected: bool = False
    panels: dict[str, Panel] = field(default_factory=dict)
    brisk: frozenset[str] = frozenset()  # panels with new facts all the time

    def __post_init__(self) -> None:
        self._badged = [panel.name for panel in panels_of(self.dashboard) if panel.kind not in ("strip", "badge")]

    async def run(self) -> None:
        """Look until cancelled."""
        failures = 0
        while True:
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                async with connect(self.suite, self.dashboard) as socket:
                    await socket.send(wish(self.dashboard))
                    failures, self.panels, self.connected = 0, {}, True
                    self.connections += 1
                    async for text in socket:
                        self._heard(text)
            self.connected = False
            limit = min(LONGEST, SHORTEST * 2**failures)
            failures += 1
            await asyncio.sleep(random.uniform(limit / 2, limit))

    def _heard(self, text: str | bytes) -> None:
        message = orjson.loads(text)
        if message["type"] != "update":
            return
        for name, told in message["panels"].items():
            before = self.panels.get(name)
            newer = before is not None and told["freshness"]["as_of"] != before.fresh["as_of"]
            changes = (before.changes if before else 0) + newer
            self.panels[name] = Panel(told["freshness"], told["error"], changes)

    def learn(self) -> None:
        """Note which panels have new facts all the time."""
        self.brisk = frozenset(name for name, panel in self.panels.items() if panel.changes > 2)

    def wrong(self, since: float) -> list[str]:
        """Return what is not Live, or older than `since` (seconds since the epoch) although new facts come."""
        now = time.time()
        return [name for name in self._badged if not self._right(name, now, since)] if self.connected else ["all"]

    def is_lost(self) -> bool:
        """Whether every panel says that the database cannot be reached."""
        states = [panel.shown(time.time()) for name, panel in self.panels.items() if name in self._badged]
        return bool(states) and set(states) == {"unreachable"}

    def _right(self, name: str, now: float, since: float) -> bool:
        panel = self.panels.get(name)
        if panel is None or panel.shown(now) != "live":
            return False
        as_of = seconds_of(panel.fresh["as_of"]) or 0.0
        return panel.seldom or as_of >= (since if name in self.brisk else min(since, now - SWEEP))


@contextlib.contextmanager
def open_pages(suite: Suite, warm_up_seconds: float = 8.0) -> Iterator[dict[str, OpenPage]]:
    """Keep a page of each dashboard open, from a thread of their own; all their panels are Live when it begins."""
    pages = {name: OpenPage(suite, name) for name in ("trading", "system")}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    tasks = [asyncio.run_coroutine_threadsafe(page.run(), loop) for page in pages.values()]
    try:
        wait_until_right(list(pages.values()), 60)
        time.sleep(warm_up_seconds)
        for page in pages.values():
            page.learn()
        yield pages
        for task in tasks:
            assert not task.done(), f"a page was lost: {task.exception()}"
    finally:
        for task in tasks:
            task.cancel()
        loop.call_soon_threadsafe(lambda: loop.call_later(0.5, loop.stop))
        thread.join(5)
        loop.close()


def wait_until_right(pages: list[OpenPage], seconds: float, since: float = 0.0) -> None:
    """Wait until every panel of these pages is Live, with facts of `since` or later where new ones come."""
    try:
        until(lambda: not any(page.wrong(since) for page in pages), seconds, "every panel Live")
    except AssertionError as error:
        wrong = {page.dashboard: page.wrong(since) for page in pages}
        raise AssertionError(f"{error}: {wrong}") from None
