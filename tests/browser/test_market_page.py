"""The page Market in a real Chromium shows what the reads say, with names that would be markup among them."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from main import text
from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.browser.given_market_page import HOSTILE, answered, given_busy_market
from tests.browser.test_bare_pages import dashboards

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PANELS = ("indices", "index_history", "breadth", "sectors", "volatility_bands", "volume")


async def opened(browser: Browser, url: str, view: str = "", viewport: Any = DESKTOP) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    await page.goto(f"{url}/market?range=1D{view}")
    for panel in PANELS:
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await expect(page.locator(f"#panel-{panel}")).not_to_have_attribute("data-state", "loading", timeout=30_000)
    await page.evaluate("window.scrollTo(0, 0)")
    return page, seen


async def test_what_the_page_shows_is_what_the_reads_say(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_busy_market(service)
    with dashboards(address, tmp_path, "trading") as started:
        url = started["trading"]
        page, seen = await opened(browser, url, "&index_history.index=SIMX&volume.symbol=AAA")
        await same_levels(page, url)
        await same_charts(page, url)
        await picture(page, "market-page")
        await harmless(page, seen)
        phone, seen = await opened(browser, url, "&theme=light", viewport=PHONE)
        assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
        await picture(phone, "market-page-390")
        await harmless(phone, seen)


async def same_levels(page: Page, url: str) -> None:
    shown = " ".join((await page.locator("#body-indices").inner_text()).split())
    for level in answered(url, "indices")["levels"]:
        assert level["name"] in shown
        assert text.money(level["level"]) in shown
        assert text.percent(level["change"], signed=True) in shown
    (counts,) = answered(url, "breadth")
    breadth = " ".join((await page.locator("#body-breadth").inner_text()).split())
    assert f"Rose {counts['advancing']}" in breadth
    assert f"Not known {counts['unknown']}" in breadth
    assert text.percent(counts["advancing_share"]["value"], 1) in breadth


async def same_charts(page: Page, url: str) -> None:
    expected = {
        "index_history": (1, "y", [point["level"] for point in answered(url, "indices", "&name=SIMX")["points"]]),
        "volume": (0, "y", [bar["volume"] for bar in answered(url, "candles", "&symbol=AAA&points=120")["bars"]]),
        "sectors": (0, "x", [row["change"] for row in answered(url, "sectors") if row["change"] is not None]),
    }
    for panel, (trace, axis, values) in expected.items():
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await page.locator(f"#graph-{panel} .js-plotly-plot").wait_for()
        drawn = f"document.querySelector('#graph-{panel} .js-plotly-plot').data[{trace}].{axis}"
        assert values
        assert await page.evaluate(drawn) == pytest.approx(values), panel


async def harmless(page: Page, seen: Watch) -> None:
    """Nothing that a name contains became an element or ran, and it is on the page as a text."""
    assert HOSTILE in await page.locator("#body-indices").inner_text()
    assert await page.evaluate("window.harmed") is None
    assert await page.locator("img").count() == 0
    assert await page.locator(".notice-failed").count() == 0
    seen.clean()
