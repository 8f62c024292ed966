"""A real Chromium whose pages may have no console error and ask no other host."""

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, Request, async_playwright, expect

from main.database.address import Address
from main.database.pool import Database
from tests.browser.chromium import chromium
from tests.conftest import own_copy

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let browser tests run in one event loop, that of the session: a Chromium outlives the test that starts it."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[Any]:
    """Let the fixtures of browser tests live in the same loop, those that all tests have too."""
    if not (inspect.iscoroutinefunction(fixturedef.func) or inspect.isasyncgenfunction(fixturedef.func)):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixturedef.func, "_loop_scope", "session", raising=False)  # as pytest_asyncio.fixture does
        return (yield)


class Chromium:
    """The browser of one worker: started for the first test, and again where it has ended."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._started: Browser | None = None

    async def running(self) -> Browser:
        if self._started is None or not self._started.is_connected():
            launch = self._playwright.chromium.launch
            self._started = await launch(executable_path=chromium(), args=ARGUMENTS)
        return self._started

    async def close(self) -> None:
        if self._started is not None:
            await self._started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        started = Chromium(playwright)
        yield started
        await started.close()


@pytest.fixture
async def browser(one_chromium: Chromium) -> AsyncIterator[Browser]:
    """A Chromium without a page; what a test opens is closed after it, and each context has a store of its own."""
    running = await one_chromium.running()
    yield running
    for context in running.contexts:
        await context.close()


@pytest.fixture(scope="module")
async def kept_address(server: Address, template: str) -> AsyncIterator[Address]:
    """A database for all tests of a module: where they only look, they share what a dashboard's start costs."""
    async with own_copy(server, template) as copy:
        yield copy


@pytest.fixture(scope="module")
async def kept_service(kept_address: Address) -> AsyncIterator[Database]:
    """It as recorder, worker and command line see it."""
    opened = Database(kept_address, role="service", max_size=4)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


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
