"""The wallboard: both dashboards on one page without controls, on every screen, told seldom and of trouble at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from main.monitoring.dashboards.v2.wallboard import PLACES
from tests.browser.conftest import Watch, picture, watch
from tests.browser.test_accessibility import violations
from tests.running import Suite, fetch, free_ports, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SCREENS = [("dark", 1920, 1080), ("light", 390, 844), ("dark", 1440, 900), ("light", 3840, 2160)]
PANELS = [name for name, _ in PLACES if name != "alert_strip"]


@pytest.fixture(scope="module")
def wall(run_dir: Path) -> Iterator[tuple[Suite, str]]:
    """A bot with a day of history, its database and worker, and the wallboard in a process of its own."""
    made = Suite(run_dir / "wall")
    (port,) = free_ports(1)
    with running(made, "trade", "--enable-monitoring", "--interval", "10", "--history-days", "1") as started:
        started.wait_until_ready("trading", "worker", "bot", seconds=150)
        started.start("dashboards", "run", "monitoring", "--port", str(port), "--update-interval", "30")
        url = f"http://127.0.0.1:{port}"
        until(lambda: fetch(f"{url}/readyz")[0] == 200, 60, "the wallboard is ready")
        yield started, url


async def opened(browser: Browser, url: str, width: int, height: int) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(60_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text
    await page.goto(url)
    for name in PANELS:
        await page.locator(f"#panel-{name}").scroll_into_view_if_needed()
        await expect(page.locator(f"#panel-{name} .badge b")).to_be_attached()
    await page.evaluate("scrollTo(0, 0)")
    return page, seen


@pytest.mark.parametrize(("theme", "width", "height"), SCREENS, ids=[f"{w}-{theme}" for theme, w, _ in SCREENS])
async def test_it_fits_its_screen_and_can_be_read_by_everybody(
    browser: Browser, wall: tuple[Suite, str], theme: str, width: int, height: int
) -> None:
    page, seen = await opened(browser, f"{wall[1]}/?theme={theme}", width, height)
    assert await page.locator("html").get_attribute("data-mantine-color-scheme") == theme
    await expect(page.locator("#wall-clock")).to_contain_text(":")
    await expect(page.locator("#title-modes")).to_contain_text("SIMULATED")
    controls = page.locator("button, select, input, nav, a[href]:not(.skip-link)")
    assert await controls.evaluate_all("all => all.filter(each => each.checkVisibility()).length") == 0
    wide, high = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert wide <= width
    if width >= 1920:
        assert high <= height
    assert await violations(page) == []
    await picture(page, f"wallboard-{width}-{theme}")
    seen.clean()


async def test_the_address_chooses_the_accounts(browser: Browser, wall: tuple[Suite, str]) -> None:
    page, seen = await opened(browser, f"{wall[1]}/?accounts=SIM-EUR", 1440, 900)
    await expect(page.locator("#panel-account_cards")).to_contain_text("EUR")
    await expect(page.locator("#panel-account_cards")).not_to_contain_text("USD")
    seen.clean()


async def test_it_stays_live_between_two_pushes_and_its_api_answers(browser: Browser, wall: tuple[Suite, str]) -> None:
    page, _ = await opened(browser, wall[1], 1440, 900)
    await expect(page.locator("#panel-equity .badge")).to_have_class("badge badge-live")
    for path in ("/api/positions", "/api/reads/equity", "/api/pages", "/health", "/metrics", "/openapi.json"):
        assert fetch(f"{wall[1]}{path}", 20)[0] == 200, path
