"""Whatever a symbol, account, strategy, model, reason, alert or log line is called: it is shown, and does nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from main.database.address import Address
from main.database.pool import Database
from main.monitoring.dashboards.v2.navigation import SYSTEM_PAGES
from main.monitoring.dashboards.v2.panel import panels_of
from tests.browser.conftest import PHONE
from tests.browser.given_hostile import LONG, MARKUP, NAMES, given_hostile, write_logs
from tests.browser.test_bare_pages import dashboards
from tests.browser.walk import PAGES, harmless, tab, visit, walk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
Site = dict[str, str]


@pytest.fixture(scope="module")
async def site(kept_service: Database, kept_address: Address, folder: Path) -> AsyncIterator[Site]:
    now = await given_hostile(kept_service)
    write_logs(folder / "logs" / "dashboards", now)
    with dashboards(kept_address, folder, "trading", "system") as urls:
        yield urls


async def test_every_trading_page_shows_hostile_names_as_the_text_they_are(browser: Browser, site: Site) -> None:
    found = await walk(browser, site["trading"], "range=3M", name="hostile")
    empty = [each.panel for each in found.values() if not each.has_data]
    assert empty == [], "a panel without data proves nothing"
    shown = " ".join(each.words for each in found.values())
    assert [name for name in NAMES if " ".join(name.split()) not in shown] == []
    assert "49" not in found["models"].words.split(), "a template was filled in"


async def test_one_account_with_a_hostile_name_fits_a_phone_and_a_desktop(browser: Browser, site: Site) -> None:
    tall = PHONE | {"height": 6000}
    for name in (LONG, MARKUP):
        view = f"accounts=H{NAMES.index(name)}&range=3M"
        await walk(browser, site["trading"], view, pages=PAGES[:2], viewport=tall, name="hostile")
    await walk(browser, site["trading"], f"accounts=H{NAMES.index(LONG)}&range=3M", name="hostile-long")


async def test_what_is_opened_chosen_and_searched_stays_text(browser: Browser, site: Site) -> None:
    page, seen = await tab(browser)
    trades = next(each for each in PAGES if each.name == "Trades")
    await visit(page, seen, site["trading"], trades, "range=3M")
    for name in NAMES:
        row = page.locator("#body-trades tbody tr[data-key]", has=page.get_by_text(name, exact=True)).first
        await row.locator("th").click()
        drawer = page.locator("#panel-trade")
        await expect(drawer.locator(".notice-failed")).to_have_count(0)
        await expect(page.locator("#body-trade")).to_contain_text(" ".join(name.split()))
        await page.keyboard.press("Escape")
        await expect(drawer).to_be_hidden()
    trading = next(each for each in PAGES if each.name == "Trading")
    await visit(page, seen, site["trading"], trading, "range=1D")
    await chosen(page, "order_book")
    await searched(page, "<img")
    await harmless(page, seen)


async def chosen(page: Page, panel: str) -> None:
    """Every name can be chosen in the menu of a panel's symbols, and the panel then shows it."""
    for name in NAMES:
        await page.locator(f"#options-{panel} button").first.click()
        await page.get_by_role("menuitemradio", name=name, exact=True).click()
        await expect(page.locator(f"#options-{panel}")).to_contain_text(" ".join(name.split()))
        await expect(page.locator(f"#body-{panel}")).to_contain_text("99.00")


async def searched(page: Page, text: str) -> None:
    await page.keyboard.press("Control+k")
    await page.keyboard.type(text)
    found = page.get_by_role("option", name=MARKUP)
    await expect(found.first).to_be_visible()
    await found.first.click()


async def test_the_system_pages_show_hostile_services_events_and_log_lines_as_text(
    browser: Browser, site: Site
) -> None:
    page, seen = await tab(browser)
    panels = [panel for panel in panels_of("system") if panel.kind not in ("strip", "drawer", "badge")]
    for address in SYSTEM_PAGES:
        here = [panel.name for panel in panels if panel.page == address.name]
        if not here:
            continue
        await page.goto(f"{site['system']}{address.address}")
        for name in here:
            await page.locator(f"#panel-{name}").scroll_into_view_if_needed()
            await expect(page.locator(f"#panel-{name}")).not_to_have_attribute("data-state", "loading")
        await expect(page.locator(".notice-failed")).to_have_count(0)
        await harmless(page, seen)
