"""The page Trading in a real Chromium shows what the reads say, of 500 positions and of hostile names too."""

import re
from collections.abc import AsyncIterator
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
from tests.given import given_account

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PANELS = ("market_hours", "open_positions", "price", "order_book", "depth", "spread", "pending_orders")
MORE = ("realised_volatility", "order_events", "watch_list")


async def opened(browser: Browser, url: str, view: str = "", viewport: Any = DESKTOP) -> tuple[Page, Watch]:
    """Open the page and wait until every panel has an answer."""
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    await page.goto(f"{url}/trading?range=1D{view}")
    for panel in (*PANELS, *MORE):
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await expect(page.locator(f"#panel-{panel}")).not_to_have_attribute("data-state", "loading", timeout=30_000)
    return page, seen


@pytest.fixture
async def url(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    await given_busy_market(service)
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


@pytest.fixture
async def crowded(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    await given_busy_market(service, positions=500)
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


async def harmless(page: Page, seen: Watch) -> None:
    """Nothing that a name contains became an element or ran."""
    assert await page.evaluate("window.harmed") is None
    assert await page.locator("img").count() == 0
    assert await page.locator(".notice-failed").count() == 0
    seen.clean()


async def test_what_the_page_shows_is_what_the_reads_say(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, url, "&price.symbol=AAA&order_book.symbol=AAA")
    await same_positions(page, url)
    await same_book(page, url)
    await same_chart(page, url)
    await choosing_a_symbol(page)
    await page.evaluate("window.scrollTo(0, 0)")
    await picture(page, "trading-page")
    await harmless(page, seen)
    phone, seen = await opened(browser, url, viewport=PHONE)
    assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    await picture(phone, "trading-page-390")
    await harmless(phone, seen)


async def same_positions(page: Page, url: str) -> None:
    held = {row["symbol"]: row for row in answered(url, "positions")}
    rows = await page.locator("#body-open_positions tbody tr:not(.total)").all()
    assert len(rows) == len(held) == 3
    for row in rows:
        cells = await row.locator("th, td").all_inner_texts()
        said = held[cells[0]]
        assert cells[1] == said["side"].capitalize()
        assert cells[5:] == [
            text.signed_money(said["unrealized_pnl"]),
            text.percent(said["pnl_share"], signed=True),
            text.money(said["value"]),
            text.percent(said["weight"], 1).removesuffix("%"),
            text.ratio(said["leverage"]),
        ]


async def same_book(page: Page, url: str) -> None:
    """The ladder, our order in it with what it still waits for, and the watch list."""
    book = answered(url, "order_book", "&symbol=AAA")
    ladder = await page.locator("#body-order_book").inner_text()
    assert text.price(book["mid_price"], 0.01) in ladder
    assert f"Imbalance {text.ratio(book['imbalance']['value'], signed=True)}" in " ".join(ladder.split())
    assert await page.locator("#body-order_book tr[data-key='bid-138.98'] .chip").all_inner_texts() == ["6"]
    assert "4 of 10" in await page.locator("#body-pending_orders tbody").inner_text()
    (symbol,) = [row for row in answered(url, "market_current") if row["symbol"] == "AAA"]
    watched = await page.locator("#body-watch_list tr[data-key='sim-AAA']").inner_text()
    for written in (text.price(symbol["mid_price"], 0.01), text.percent(symbol["change"], signed=True), "300", "500"):
        assert written in watched


async def same_chart(page: Page, url: str) -> None:
    bars = answered(url, "candles", "&symbol=AAA&points=300")["bars"]
    await page.locator("#panel-price").scroll_into_view_if_needed()
    await page.locator("#graph-price .js-plotly-plot").wait_for()
    graph = "document.querySelector('#graph-price .js-plotly-plot').data"
    sticks = await page.evaluate(f"{graph}.filter(each => each.type === 'candlestick').map(each => each.close)")
    forming = [[bar["close"]] for bar in bars if not bar["closed"]]
    assert sticks == [[bar["close"] for bar in bars if bar["closed"]], *forming]
    marks = f"{graph}.find(each => each.type === 'scatter')"
    assert await page.evaluate(f"{marks}.y") == [101.5]
    assert await page.evaluate(f"{marks}.customdata") == ["Bought 5 at 101.50"]


async def choosing_a_symbol(page: Page) -> None:
    await page.locator("#options-order_book button").click()
    await page.locator(".menu").get_by_text(HOSTILE, exact=True).click()
    await expect(page.locator("#options-order_book")).to_contain_text(HOSTILE)
    await expect(page.locator(".ladder")).to_have_attribute("aria-label", f"Order book of {HOSTILE}", timeout=20_000)
    assert "order_book.symbol=" in page.url


async def test_five_hundred_positions_are_a_grid_that_keeps_its_place_while_prices_change(
    browser: Browser, crowded: str, service: Database
) -> None:
    page, seen = await opened(browser, crowded)
    grid = page.locator("#grid-open_positions")
    await page.evaluate("window.scrollTo(0, 0)")
    rows = grid.locator(".ag-center-cols-container .ag-row")
    await expect(rows.first).to_be_visible(timeout=20_000)
    assert await rows.count() < 80
    first = answered(crowded, "positions")[0]
    assert first["symbol"] == HOSTILE
    await expect(grid.locator(".ag-pinned-left-cols-container .ag-row[row-index='0']")).to_have_text(HOSTILE)
    await expect(rows.nth(0).locator(".ag-cell")).to_have_count(9)
    await expect(rows.nth(0).locator(".ag-cell").last).not_to_be_empty()
    cells = [cell.strip() for cell in await rows.nth(0).locator(".ag-cell").all_inner_texts()]
    for written in (
        text.signed_money(first["unrealized_pnl"]),
        text.money(first["value"]),
        text.ratio(first["leverage"]),
    ):
        assert written in cells
    assert "Total 500 positions" in await grid.locator(".ag-floating-bottom").inner_text()
    await picture(page, "trading-500-positions")
    await scrolled_while_prices_change(page, service)
    await harmless(page, seen)


async def scrolled_while_prices_change(page: Page, service: Database) -> None:
    """Sort, scroll, and have a price change: the row shows it where it stands."""
    grid = page.locator("#grid-open_positions")
    await grid.locator(".ag-header-cell[col-id='c2']").click()
    quantity = grid.locator(".ag-center-cols-container .ag-row[row-index='0'] .ag-cell[col-id='c2']")
    await expect(quantity).to_have_text("1")
    body = grid.locator(".ag-body-viewport")
    await body.evaluate("node => { node.scrollTop = 4000 }")
    symbol = grid.locator(".ag-pinned-left-cols-container .ag-row[row-index='128']")
    await expect(symbol).to_have_text(re.compile(r"S\d{3}"))  # the grid writes a row's cells after the row
    async with service.scoped() as connection:
        await connection.execute(
            "UPDATE positions SET current_price = 77.77, at = clock_timestamp() WHERE symbol = $1",
            (await symbol.inner_text()).strip(),
        )
    changed = grid.locator(".ag-center-cols-container .ag-row[row-index='128'] .ag-cell", has_text="77.77")
    await expect(changed).to_be_visible(timeout=30_000)
    assert await body.evaluate("node => node.scrollTop") == 4000


async def test_an_account_that_has_done_nothing_has_a_reason_in_every_panel(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    with dashboards(address, tmp_path, "trading") as started:
        page, seen = await opened(browser, started["trading"])
        for panel in (*PANELS, *MORE):
            notice = page.locator(f"#body-{panel} .notice-empty")
            await expect(notice, panel).to_contain_text("never sent a heartbeat")
        await picture(page, "trading-page-empty")
        seen.clean()
