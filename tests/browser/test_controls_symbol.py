"""One symbol for the page, a trade by its day, the count of alerts everywhere, and no figure under another account."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, picture, watch
from tests.browser.given_market_page import HOSTILE, given_busy_market
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account, given_alert, given_heartbeat, given_instrument, given_trade
from tests.given_market import given_bars

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WITH_SYMBOL = ("price", "order_book", "depth", "spread", "realised_volatility")


@pytest.fixture(scope="module")
async def url(kept_service: Database, kept_address: Address, folder: Path) -> AsyncIterator[str]:
    now = await given_busy_market(kept_service)
    for number in range(10):  # a palette shows the newest few: those before are found by their day
        await given_trade(kept_service, number, now - number * DAY - HOUR, symbol="AAA", source_id=f"t{number}")
    with dashboards(kept_address, folder, "trading") as urls:
        yield urls["trading"]


async def opened(browser: Browser, url: str) -> tuple[Page, Watch]:
    context = await browser.new_context(viewport=DESKTOP, timezone_id="UTC")
    page = await context.new_page()
    page.set_default_timeout(40_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text  # said of the font where all is slow
    await page.goto(url)
    return page, seen


def parameters(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def symbol_of(page: Page, panel: str) -> Locator:
    return page.locator(f"#options-{panel} button").first


async def test_a_row_chooses_the_symbol_of_every_panel_and_a_panel_can_keep_one_of_its_own(
    browser: Browser, url: str
) -> None:
    page, seen = await opened(browser, f"{url}/trading")
    await page.locator("#panel-watch_list").scroll_into_view_if_needed()
    row = page.locator("#body-watch_list tr[data-key='sim-AAA']")
    await row.focus()
    await page.keyboard.press("Enter")
    assert parameters(page) == {"symbol": "AAA"}
    for panel in WITH_SYMBOL:
        await expect(symbol_of(page, panel)).to_have_attribute("aria-label", "Symbol: AAA")
    await expect(row).to_have_attribute("aria-current", "true")
    await expect(page.locator("#body-watch_list [aria-current]")).to_have_count(1)
    await symbol_of(page, "price").click()
    await page.get_by_role("menuitemcheckbox", name="Only in this panel").click()
    await symbol_of(page, "order_book").click()
    await page.locator(".menu").get_by_text(HOSTILE, exact=True).click()
    assert parameters(page) == {"symbol": HOSTILE, "price.symbol": "AAA"}
    for again in range(2):
        await expect(page.locator(".ladder")).to_have_attribute("aria-label", f"Order book of {HOSTILE}")
        await expect(symbol_of(page, "price")).to_have_attribute("aria-label", "Symbol: AAA")
        await expect(symbol_of(page, "spread")).to_have_attribute("aria-label", f"Symbol: {HOSTILE}")
        if not again:
            await page.reload()
    await picture(page, "trading-symbol")
    await symbol_of(page, "price").click()
    await page.get_by_role("menuitemcheckbox", name="Only in this panel").click()
    assert parameters(page) == {"symbol": HOSTILE}
    await expect(symbol_of(page, "price")).to_have_attribute("aria-label", f"Symbol: {HOSTILE}")
    assert await page.evaluate("window.harmed") is None
    seen.clean()


async def test_the_palette_finds_the_trade_of_a_day_by_keyboard(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, f"{url}/trading?price.symbol={HOSTILE}")
    day = datetime.now(UTC) - 9 * DAY - HOUR
    field = page.get_by_role("combobox", name="Go to or do")
    trades = page.get_by_role("group", name="Trades").get_by_role("option")
    for said in (f"aaa {day.day} {day:%b}", f"aaa {day:%d.%m.%Y}", f"aaa {day:%Y-%m-%d}"):
        await page.keyboard.press("Escape")
        await expect(field).to_have_count(0)
        await page.keyboard.press("Control+k")
        await expect(field).to_be_focused()
        await page.keyboard.type(said)
        await expect(trades).to_have_count(1)
        await expect(trades).to_contain_text("+9.00 USD")
    await page.keyboard.press("ArrowDown")  # from the symbol to its trade
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/trades\?"))
    assert parameters(page)["trade.id"].endswith("/t9")
    await expect(page.get_by_role("dialog").filter(has_text="AAA")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("/")
    await expect(field).to_be_focused()
    await page.keyboard.type("aaa")
    await expect(page.get_by_role("group", name="Symbols").get_by_role("option").first).to_have_text("AAA")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/trading\?"))
    assert parameters(page) == {"symbol": "AAA"}, "a symbol of one panel gives way"
    seen.clean()


async def test_open_alerts_are_counted_on_every_page_of_both_dashboards_while_they_are(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    now = datetime.now(UTC)
    with dashboards(address, tmp_path, "trading", "system") as urls:
        trading, seen = await opened(browser, f"{urls['trading']}/risk")
        system, system_seen = await opened(browser, f"{urls['system']}/services")
        counts = [page.locator("#alerts-badge") for page in (trading, system)]
        for page, count in zip((trading, system), counts, strict=True):
            await expect(page.locator(".badge b").first).to_be_visible()
            await expect(count).to_be_hidden()
        await given_alert(service, "slow", now, account_id="A")
        for count in counts:
            await expect(count).to_contain_text("1")
            await expect(count.locator(".nav-badge")).to_have_attribute("data-tone", "warning")
        await given_alert(service, "broken", now, severity="critical")
        for count in counts:
            await expect(count.locator(".nav-badge")).to_have_attribute("data-tone", "critical")
        link = trading.get_by_role("link", name="Alerts 2 open alerts, the worst critical")
        await link.click()
        await expect(trading.locator("#body-alerts")).to_contain_text("broken")
        await picture(trading, "alerts-badge")
        async with service.scoped() as connection:
            await connection.execute("UPDATE alerts SET resolved_at = clock_timestamp(), at = clock_timestamp()")
        for count in counts:
            await expect(count).to_be_hidden()
        seen.clean()
        system_seen.clean()


async def test_figures_do_not_stay_under_an_account_that_they_are_not_of(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    with dashboards(address, tmp_path, "trading") as urls:
        page, seen = await opened(browser, f"{urls['trading']}/overview")
        await page.set_viewport_size({"width": 1440, "height": 2400})
        held = page.locator("#body-positions")
        await expect(held).to_contain_text("There is no account yet")
        async with service.scoped() as connection:
            # The first start is busy: whoever asks for positions now waits.
            await connection.execute("LOCK TABLE positions IN ACCESS EXCLUSIVE MODE")
            await given_account(service)
            await expect(page.locator("#control-accounts")).to_contain_text("Account A")
            await expect(held).not_to_contain_text("There is no account yet", timeout=2_000)
            await expect(page.locator("#panel-positions")).to_have_attribute("data-state", "loading")
            await expect(held.locator(".skeleton")).to_be_visible()
        await expect(held).to_contain_text("never sent a heartbeat")
        await expect(page.locator(".panel", has_text="There is no account yet")).to_have_count(0)
        await given_account(service, "B", label="Other")
        await expect(page.locator("#control-accounts")).to_contain_text("All 2")
        await expect(held).to_contain_text("never sent a heartbeat")
        seen.clean()


async def test_the_nights_of_an_exchange_are_not_drawn(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    now = datetime.now(UTC)
    await given_heartbeat(service, now, interval_seconds=3600)
    opening = (now - 10 * DAY).replace(hour=14, minute=30, second=0, microsecond=0)
    days = [day for day in (opening + number * DAY for number in range(7)) if day.weekday() < 5]
    for symbol, calendar in (("NIGHT", "XNYS"), ("ALWAYS", "24/7")):
        await given_instrument(service, symbol, calendar=calendar)
        for day in days:
            await given_bars(service, range(10, 17), symbol, interval="1h", every=HOUR, last=day + 6 * HOUR)
    with dashboards(address, tmp_path, "trading") as urls:
        page, seen = await opened(browser, f"{urls['trading']}/trading?range=1M&symbol=NIGHT&zone=Asia/Tokyo")
        await page.locator("#panel-price").scroll_into_view_if_needed()
        plot = "document.querySelector('#graph-price .js-plotly-plot')"
        await page.locator("#graph-price .js-plotly-plot .main-svg").first.wait_for()
        breaks = f"{plot}._fullLayout.xaxis._rangebreaks.length"
        assert await page.evaluate(breaks) >= len(days) - 2  # where a day was a holiday its bars stay
        places = await page.evaluate(f"{plot}.data[0].x.map(at => {plot}._fullLayout.xaxis.d2p(at))")
        steps = [after - before for before, after in pairwise(places)]
        assert max(steps) < 2 * min(steps), "bars stand side by side"
        await picture(page, "trading-nights")
        await symbol_of(page, "price").click()
        await page.locator(".menu").get_by_text("ALWAYS", exact=True).click()
        await expect(symbol_of(page, "price")).to_have_attribute("aria-label", "Symbol: ALWAYS")
        async with asyncio.timeout(20):
            while await page.evaluate(f"({plot}._fullLayout.xaxis._rangebreaks || []).length"):
                await page.wait_for_timeout(100)
        seen.clean()
