"""A real Chromium whose pages may have no console error and ask no other host."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from tests.browser.chromium import chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

expect.set_options(timeout=30_000)  # what is expected comes in a second, unless many tests share the machine


@dataclass
class Watch:
    """What a page did that it must not do."""

    errors: list[str] = field(default_factory=list)
    other_hosts: list[str] = field(default_factory=list)
    tolerated: Callable[[str], bool] = lambda text: False

    def clean(self) -> None:
        """Fail when there was a console error or a request to another host."""
        assert [text for text in self.errors if not self.tolerated(text)] == []
        assert self.other_hosts == []


def watch(page: Page) -> Watch:
    """Note every console error, exception and foreign request of a page from now on."""
    seen = Watch()

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.errors.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def request(sent: Request) -> None:
        if urlsplit(sent.url).hostname not in ("127.0.0.1", None):
            seen.other_hosts.append(sent.url)

    page.on("console", console)
    page.on("pageerror", lambda error: seen.errors.append(f"exception: {error}"))
    page.on("request", request)
    return seen


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """One Chromium per test: they are cheap to start and cannot disturb each other."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        await started.close()


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot where TESTS_SCREENSHOTS names a folder."""
    folder = os.environ.get("TESTS_SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def brought(page: Page, panel: str) -> None:
    """Bring a panel into sight.

    Playwright's own way waits until nothing moves for two frames, for which a busy machine leaves no time.
    """
    await page.locator(f"#panel-{panel}").wait_for(state="attached")
    await page.evaluate("(id) => document.getElementById(id).scrollIntoView({ block: 'center' })", f"panel-{panel}")
