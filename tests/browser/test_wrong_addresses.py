"""What somebody sees who mistyped an address: what of it was not understood, and everything that can be shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, Watch, watch
from tests.running import Suite, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot on the simulated market, and its dashboards."""
    with running(
        Suite(run_dir / "addresses"), "trade", "--enable-monitoring", "--interval", "10", "--history-days", "2"
    ) as started:
        started.wait_until_ready("trading", "bot")
        yield started


async def opened(browser: Browser, suite: Suite, path: str) -> tuple[Page, Watch]:
    context = await browser.new_context(viewport=DESKTOP)
    page = await context.new_page()
    seen = watch(page)
    seen.tolerated = lambda text: "preload" in text or "404" in text
    await page.goto(suite.url("trading", path))
    return page, seen


async def test_a_page_with_a_wrong_range_and_moment_shows_its_usual_ones_and_says_what_it_left_out(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite, "/?range=nonsense&as_of=yesterday&zone=Moon/Sea")
    strip = page.locator("#strip-address")
    for said in ('range: got "nonsense", expected 15m, 1h', 'as_of: got "yesterday"', 'zone: got "Moon/Sea"'):
        await expect(strip).to_contain_text(said)
    await expect(page.locator("#badge-equity")).to_contain_text("Live")
    await expect(page.locator("#content-account_cards .kpi-figure").first).to_be_visible()
    assert await page.locator("#control-window [aria-checked=true]").inner_text() == "1D"
    await expect(page.locator("#control-accounts")).not_to_contain_text("0 selected")
    await page.get_by_role("radio", name="1W", exact=True).click()
    await expect(strip).not_to_contain_text("range")
    await expect(strip).to_contain_text("as_of")
    seen.clean()


async def test_an_account_that_is_not_there_is_said_and_the_others_are_shown(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "/?accounts=NOPE")
    await expect(page.locator("#strip-note")).to_contain_text("There is no account NOPE that you may see.")
    await expect(page.locator("#content-account_cards .kpi-figure").first).to_be_visible()
    seen.clean()


async def test_an_address_at_which_there_is_nothing_leads_back_to_the_pages(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, "/nopage")
    await expect(page.get_by_role("heading")).to_have_text("There is no page at this address")
    await expect(page.locator("code")).to_have_text("/nopage")
    await page.get_by_role("link", name="Overview").click()
    await expect(page.locator("#page-name")).to_have_text("Overview")
    seen.clean()
