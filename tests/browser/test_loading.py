"""What a page asks for before anybody has moved: the first screen's panels, no grid without a long table, few files."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from main.database.address import Address
from main.database.pool import Database
from main.monitoring.dashboards.v2.small_plotly import small_plotly
from tests.browser.conftest import DESKTOP, watch
from tests.browser.given_market_page import given_busy_market
from tests.browser.test_bare_pages import dashboards

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
async def url(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    await given_busy_market(service)
    with dashboards(address, tmp_path, "trading") as urls:
        yield urls["trading"]


class Asked:
    """Which panels a page subscribed to, message by message, and which files it asked the server for."""

    def __init__(self, page: Page) -> None:
        self.panels: list[list[str]] = []
        self.paths: list[str] = []
        page.on("websocket", self._socket)
        page.on("request", lambda request: self.paths.append(urlsplit(request.url).path))

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda sent: self._sent(str(sent)))

    def _sent(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "subscribe":
            self.panels.append(message["panels"])

    async def until(self, panel: str) -> None:
        async with asyncio.timeout(30):
            while panel not in self.panels[-1]:
                await asyncio.sleep(0.05)


async def test_the_first_question_is_about_the_first_screen_and_the_rest_is_asked_for_on_the_way_down(
    browser: Browser, url: str
) -> None:
    page = await browser.new_page(viewport=DESKTOP)
    seen, asked = watch(page), Asked(page)
    await page.goto(f"{url}/trading")
    await expect(page.locator("#badge-open_positions b")).to_be_visible()
    first = asked.panels[0]
    assert {"market_hours", "open_positions", "alerts_badge"} <= set(first)
    assert not {"watch_list", "order_events"} & set(first)
    await page.locator("#panel-watch_list").scroll_into_view_if_needed()
    await asked.until("watch_list")
    await expect(page.locator("#body-watch_list")).to_contain_text("AAA")
    assert "alerts_badge" in asked.panels[-1]
    assert "market_hours" not in asked.panels[-1], "what is far above is let go"
    seen.clean()


async def test_a_link_to_a_panel_far_down_asks_for_it_first(browser: Browser, url: str) -> None:
    page = await browser.new_page(viewport=DESKTOP)
    seen, asked = watch(page), Asked(page)
    await page.goto(f"{url}/trading#panel-watch_list")
    await expect(page.locator("#body-watch_list")).to_contain_text("AAA")
    assert "watch_list" in asked.panels[0]
    await expect(page.locator("#title-watch_list")).to_be_focused()
    seen.clean()


async def test_a_page_is_few_files_and_none_of_them_a_grid_before_a_table_is_long(
    browser: Browser, url: str, service: Database
) -> None:
    page = await browser.new_page(viewport=DESKTOP)
    seen, asked = watch(page), Asked(page)
    await page.goto(f"{url}/trading")
    await expect(page.locator("#body-open_positions tbody tr").first).to_be_visible()
    assert not [path for path in asked.paths if "dash_ag_grid" in path]
    own = [path for path in asked.paths if path.startswith("/assets/")]
    assert set(own) <= {
        "/assets/page.js",
        "/assets/page.css",
        "/assets/theme-early.js",
        "/assets/plotly.json",
        "/assets/plotly.min.js",
        "/assets/favicon.ico",
        "/assets/fonts/inter-latin-wght-normal.woff2",
    }
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO positions SELECT (jsonb_populate_record(p, jsonb_build_object("
            "'position_id', 'more' || n, 'symbol', 'M' || n, 'at', clock_timestamp()))).* "
            "FROM (SELECT p FROM positions p LIMIT 1) one, generate_series(1, 60) n"
        )
    grid = page.locator("#grid-open_positions")
    await expect(grid.locator(".ag-center-cols-container .ag-row").first).to_be_visible(timeout=60_000)
    assert [path for path in asked.paths if "dash_ag_grid" in path]
    await grid.locator(".ag-center-cols-container .ag-row[row-index='0'] .ag-cell").first.click()
    await expect(page).to_have_url(re.compile(r"\?symbol="))
    seen.clean()


async def test_a_chart_that_the_small_plotly_does_not_know_brings_the_whole_one_and_is_drawn(
    browser: Browser, url: str
) -> None:
    if small_plotly() is None:
        pytest.skip("the small Plotly is not built here: make plotly")
    page = await browser.new_page(viewport=DESKTOP)
    seen, asked = watch(page), Asked(page)
    await page.goto(f"{url}/overview")
    await expect(page.locator("#graph-equity .main-svg").first).to_be_visible()
    assert {path for path in asked.paths if "plotly" in path and path.endswith(".js")} == {"/assets/plotly.min.js"}
    await page.evaluate(
        "aiTrader.panels.record('equity').figure = {layout: {}, data: [{type: 'pie', values: [1, 2]}]};"
        "aiTrader.panels.redraw()"
    )
    await expect(page.locator("#graph-equity .pielayer .slice")).to_have_count(2)
    assert [path for path in asked.paths if "/package_data/plotly." in path]
    await expect(page.locator("#graph-positions_map .main-svg").first).to_be_visible()
    await page.locator("[data-action=theme], #control-theme button").first.click()
    await expect(page.locator("#graph-equity .pielayer .slice")).to_have_count(2)
    seen.tolerated = lambda text: "unrecognized" in text.lower()
    seen.clean()
