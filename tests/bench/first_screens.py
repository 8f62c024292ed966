"""What does somebody ask for who opens a page and looks at what is on the screen? What a real page sends."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import orjson
from playwright.async_api import Browser, ViewportSize, WebSocket

from main.monitoring.dashboards.v2.navigation import TRADING_PAGES
from tests.bench.crowd import Wish
from tests.running import Suite

VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
GIVE_UP_SECONDS = 30.0


class _Overheard:
    """The last wish of a page, and the panels it was told of since."""

    def __init__(self) -> None:
        self.wish: dict[str, Any] = {"panels": []}
        self._told: set[str] = set()

    def listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    @property
    def answered(self) -> bool:
        wished = set(self.wish["panels"])
        return bool(wished) and wished <= self._told

    def _sent(self, frame: str | bytes) -> None:
        said = orjson.loads(frame)
        if said["type"] == "subscribe":
            self.wish = said

    def _received(self, frame: str | bytes) -> None:
        said = orjson.loads(frame)
        if said["type"] == "update":
            self._told |= said["panels"].keys()


async def first_screens(suite: Suite, browser: Browser) -> list[Wish]:
    """Return what each page of the trading dashboard asks for when it is opened, the Overview first."""
    return [await _asked(browser, suite.url("trading", each.address)) for each in TRADING_PAGES]


async def _asked(browser: Browser, url: str) -> Wish:
    page = await browser.new_page(viewport=VIEWPORT)
    overheard = _Overheard()
    page.on("websocket", overheard.listen)
    await page.goto(url)
    ends = time.monotonic() + GIVE_UP_SECONDS
    while not overheard.answered:
        assert time.monotonic() < ends, f"{url}: it asks for {overheard.wish}"
        await asyncio.sleep(0.1)
    await page.close()
    return overheard.wish


def spread(count: int, wishes: Sequence[Wish]) -> list[int]:
    """Return how many look at each: half of them at the first, the others as evenly as can be at the rest."""
    others = count // 2
    each, left = divmod(others, len(wishes) - 1)
    return [count - others, *(each + (number < left) for number in range(len(wishes) - 1))]
