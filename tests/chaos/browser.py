"""What does a person see? The Overview in a real Chromium, open through all of it; nothing without a browser."""

import asyncio
import contextlib
import os
import shutil
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Error, async_playwright

from tests.browser.chromium import NAMES
from tests.browser.conftest import ARGUMENTS
from tests.chaos.complaints import Complaints
from tests.chaos.suite import Stressed

TALL = {"width": 1440, "height": 3600}  # a page asks only for what is near the viewport
_STATES = """() => Array.from(document.querySelectorAll('section.panel[data-panel]'),
    each => [each.dataset.panel, each.dataset.state])"""


@dataclass
class Screen:
    """One page that nobody ever reloads."""

    world: Stressed
    complaints: Complaints
    states: dict[str, str] = field(default_factory=dict)
    open: bool = False

    def __post_init__(self) -> None:
        self._executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)

    async def run(self) -> None:
        """Look once a second until cancelled."""
        if self._executable is None:
            return
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=self._executable, args=ARGUMENTS)
            try:
                page = await browser.new_page(viewport=TALL)
                page.on("pageerror", lambda error: self.complaints.add("the page's scripts do not fail", str(error)))
                page.on("load", lambda _: self._loaded())
                await page.goto(self.world.suite.url("trading"))
                await self._watch(page)
            finally:
                with contextlib.suppress(Error):
                    await browser.close()

    async def _watch(self, page: Any) -> None:
        while True:
            self.states = dict(await page.evaluate(_STATES))
            await asyncio.sleep(1.0)

    def _loaded(self) -> None:
        if self.open:
            self.complaints.add("the page never reloads by itself", "it did")
        self.open = True

    def wrong(self) -> list[str]:
        """Return which panels are not live on the screen."""
        if self._executable is not None and not self.states:
            return ["on the screen: nothing"]
        return [f"on the screen, {name}: {state}" for name, state in self.states.items() if state != "live"]
