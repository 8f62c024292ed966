"""Both dashboards of a real, trading suite in a real Chromium."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Watch, brought, picture, watch
from tests.running import Suite, fetch, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PAGES = {
    "trading": ("account_cards", "equity", "positions_map", "cumulative_pnl", "activity", "positions", "accounts"),
    "system": ("status", "cpu", "memory", "disk"),
}

VERSION = "window.aiTrader.panels.record('equity').version"
NOTE = """() => {
  const body = document.getElementById("body-account_cards");
  window.said = [body.innerText];
  new MutationObserver(() => window.said.push(body.innerText))
    .observe(body, { subtree: true, childList: true, characterData: true });
}"""
"""Keep all that the cards say from now on: what they say for half a second could be missed."""


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot on the simulated market, both dashboards and the worker, for all tests of this module."""
    with running(Suite(run_dir / "suite"), "trade", "--enable-monitoring", "--interval", "1") as started:
        started.wait_until_ready("trading", "system", "worker", "bot")
        yield started


async def opened(
    browser: Browser, suite: Suite, which: str, *panels: str, theme: str = "dark", viewport: Any = DESKTOP
) -> tuple[Page, Watch]:
    """Open a dashboard and wait until these panels show what they have; the last one is in sight then."""
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    await page.goto(suite.url(which, f"/?theme={theme}"))
    await live(page, *panels)
    return page, seen


async def live(page: Page, *panels: str) -> None:
    """Look at one panel after the other until it is live."""
    for panel in panels:
        await brought(page, panel)
        await expect(page.locator(f"#badge-{panel}")).to_contain_text("Live")


async def settled(page: Page, seconds: float = 0.5) -> None:
    """Give charts the time of a frame or two."""
    await page.wait_for_timeout(seconds * 1000)


@pytest.mark.parametrize("which", PAGES)
async def test_every_panel_shows_data_without_an_error_or_another_host(
    browser: Browser, suite: Suite, which: str
) -> None:
    page, seen = await opened(browser, suite, which, *PAGES[which])
    for viewport in (DESKTOP, PHONE):
        await page.set_viewport_size(viewport)
        await live(page, *PAGES[which])
        await page.evaluate("scrollTo(0, 0)")
        for theme in ("dark", "light"):
            if await page.locator("html").get_attribute("data-mantine-color-scheme") != theme:
                await page.keyboard.press("t")
            await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", theme)
            await settled(page)
            await picture(page, f"{which}-{theme}-{viewport['width']}")
            sideways = "document.documentElement.scrollWidth > window.innerWidth"
            assert not await page.evaluate(sideways), f"scrolls sideways: {theme}, {viewport}"
        if which == "trading":
            await expect(page.get_by_text("SIMULATED").first).to_be_visible()
    seen.clean()


async def test_the_page_follows_the_bot_without_a_reload(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "trading", "activity")
    loads = []
    page.on("load", lambda _: loads.append(1))
    before = await page.locator("#body-activity").inner_text()
    await expect(page.locator("#body-activity")).not_to_have_text(before, timeout=30_000)
    assert loads == []
    seen.clean()


async def test_the_theme_switches_in_place_and_stays(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "trading", "account_cards")
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    await settled(page)
    await page.goto(suite.url("trading"))
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    seen.clean()


async def test_the_range_is_in_the_address_and_comes_back_from_it(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "trading", "equity")
    await page.get_by_text("1W", exact=True).click()
    await expect(page).to_have_url(re.compile("range=1W"))
    await page.goto(page.url)
    await expect(page.locator("#badge-equity")).to_contain_text("Live")
    await expect(page.get_by_role("radio", name="1W", exact=True)).to_have_attribute("aria-checked", "true")
    seen.clean()


async def test_a_zoom_survives_updates(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "trading", "equity")
    plot = page.locator("#graph-equity .nsewdrag").first
    await plot.wait_for()
    box = await plot.bounding_box()
    assert box is not None
    graph = "document.querySelector('#graph-equity .js-plotly-plot')"
    ranges = f"{graph}._fullLayout.xaxis.range.map(String)"
    whole = await page.evaluate(ranges)
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=8)
    await page.mouse.up()
    async with asyncio.timeout(20):
        while (zoomed := await page.evaluate(ranges)) == whole:
            await asyncio.sleep(0.05)
    version = await page.evaluate(VERSION)
    async with asyncio.timeout(40):
        while await page.evaluate(VERSION) < version + 2:
            await asyncio.sleep(0.1)
    await settled(page)
    assert await page.evaluate(ranges) == zoomed
    seen.clean()


async def test_figures_on_the_page_are_those_of_show_and_of_the_api(browser: Browser, suite: Suite) -> None:
    page, _ = await opened(browser, suite, "trading", "account_cards")
    await page.evaluate(NOTE)
    answers: set[tuple[str, str]] = set()
    async with asyncio.timeout(60):
        while True:  # the market moves: whatever the page says is what the read says at some moment, or said
            figures = (await asyncio.to_thread(suite.json, "trading", "/api/reads/account_summary"))["value"][0]
            answers.add((f"{abs(figures['unrealized_pnl']):,.2f}", f"{figures['closed_today']:,} closed"))
            shown = await page.evaluate("window.said")
            if any(unrealised in text and closed in text for text in shown for unrealised, closed in answers):
                break
            await asyncio.sleep(0.1)


async def test_a_killed_dashboard_comes_back_and_its_open_page_recovers_by_itself(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite, "trading", "activity", "equity")
    seen.tolerated = lambda text: "ERR_CONNECTION_REFUSED" in text or "WebSocket connection" in text
    services = {row["service"]: row for row in suite.json("manager", "/status")["services"]}
    os.kill(services["trading-dashboard"]["pid"], signal.SIGKILL)
    await asyncio.to_thread(until, lambda: fetch(suite.url("trading", "/livez"))[0] != 200, 5, "the dashboard gone")
    await asyncio.to_thread(suite.wait_until_ready, "trading")
    before = await page.locator("#body-activity").inner_text()
    await expect(page.locator("#body-activity")).not_to_have_text(before, timeout=30_000)
    await expect(page.locator("#badge-equity")).to_contain_text("Live")
    after = {row["service"]: row for row in suite.json("manager", "/status")["services"]}
    assert after["trading-dashboard"]["pid"] != services["trading-dashboard"]["pid"]
    assert after["system-dashboard"]["pid"] == services["system-dashboard"]["pid"]
    seen.clean()


@pytest.mark.promise(9)
@pytest.mark.promise(10)
async def test_a_frozen_and_then_lost_database_is_said_so_on_every_panel_and_its_return_needs_no_reload(
    browser: Browser, suite: Suite
) -> None:
    trading, seen = await opened(browser, suite, "trading", *PAGES["trading"])
    system, system_seen = await opened(browser, suite, "system", *PAGES["system"])
    for page in (trading, system):
        await page.set_viewport_size({"width": 1440, "height": 2600})  # who is below the fold is not told
    loads: list[str] = []
    for page in (trading, system):
        page.on("load", lambda loaded: loads.append(loaded.url))
    postmaster = await asyncio.to_thread(_postmaster, suite)
    frozen = [postmaster, *postmaster.children(recursive=True)]
    for process in frozen:
        process.suspend()
    try:
        for panel in PAGES["trading"]:
            await expect(trading.locator(f"#badge-{panel}")).to_contain_text("Database unreachable", timeout=20_000)
        await expect(trading.locator(".badge-live")).to_have_count(0)
        await expect(system.locator("#body-status")).to_contain_text("Unreachable", timeout=20_000)
        await expect(system.locator("#subtitle-status")).to_contain_text("Database unreachable")
        for page in (trading, system):  # also where the machine's own panels are live
            await expect(page.locator("#control-moment")).to_contain_text("Not live")
        await settled(trading)
        await picture(trading, "trading-database-unreachable")
        await picture(system, "system-database-unreachable")
        assert await trading.locator("#graph-equity .js-plotly-plot").count() == 1, "the last good chart stays"
    finally:
        for process in frozen:
            process.resume()
    postmaster.kill()
    before = await trading.locator("#body-activity").inner_text()
    for panel in PAGES["trading"]:
        await expect(trading.locator(f"#badge-{panel}")).to_contain_text("Live", timeout=40_000)
    await expect(system.locator("#badge-status")).to_contain_text("Live", timeout=40_000)
    await expect(trading.locator("#body-activity")).not_to_have_text(before, timeout=30_000)
    assert loads == []
    seen.clean()
    system_seen.clean()


def _postmaster(suite: Suite) -> psutil.Process:
    """Return the embedded server's first process."""
    document = json.loads(next((suite.folder / "data").rglob("server.json")).read_text())
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and "-D" in (process.info["cmdline"] or []):
            folder = process.info["cmdline"][process.info["cmdline"].index("-D") + 1]
            if str(suite.folder) in folder:
                return process
    raise AssertionError(f"no postgres of {suite.folder}: {document}")


async def test_a_bot_that_is_killed_is_called_silent_and_the_dashboards_stay(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "trading", "equity")
    suite.processes[0].kill()
    await expect(page.locator("#badge-equity")).to_contain_text("Bot silent", timeout=30_000)
    await settled(page)
    await picture(page, "trading-bot-silent")
    seen.clean()
    suite.start("trade", "--enable-monitoring", "--interval", "1")
    await expect(page.locator("#badge-equity")).to_contain_text("Live", timeout=40_000)
