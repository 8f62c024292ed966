"""What a person does with a panel: its rows, its CSV and PNG, its link; and what stays as it is while data come in."""

import asyncio
import csv
import io
import json
import re
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Download, Page, expect

from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, picture, watch
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account, given_equity, given_heartbeat, given_host, given_position, given_trade

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture(scope="module")
async def site(kept_service: Database, kept_address: Address, folder: Path) -> AsyncIterator[str]:
    """A trading dashboard over an account with two hours of equity, positions and trades, one with a hostile name."""
    now = datetime.now(UTC)
    await given_account(kept_service)
    await given_equity(kept_service, *[1000 + n % 7 for n in range(120)], ending=now)
    await given_heartbeat(kept_service, now, interval_seconds=600, strategy="maker")
    held = {"entry_time": now - timedelta(hours=1), "at": now, "strategy": "maker"}
    for number in range(30):
        await given_position(kept_service, f"S{number:02}", position_id=f"p{number}", **held)
    for number, symbol in enumerate(("S00", FORMULA)):
        await given_trade(kept_service, 5, now - timedelta(minutes=3 + number), symbol=symbol, strategy="maker")
    with dashboards(kept_address, folder, "trading") as urls:
        yield urls["trading"]


async def opened(browser: Browser, url: str) -> tuple[Page, Watch]:
    context = await browser.new_context(viewport=DESKTOP, timezone_id="Europe/Berlin", accept_downloads=True)
    page = await context.new_page()
    page.set_default_timeout(40_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text  # said of the font where all is slow
    await page.goto(url)
    await expect(page.locator("#badge-equity b")).to_be_visible(timeout=40_000)
    return page, seen


async def saved(download: Download) -> bytes:
    return await asyncio.to_thread(Path(await download.path()).read_bytes)


async def menu(page: Page, panel: str, item: str) -> None:
    await page.locator(f"#title-{panel}").click()
    await page.get_by_role("menuitem", name=item).click()


def answered(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


async def test_the_rows_behind_a_panel_are_those_of_its_read_for_this_very_view(browser: Browser, site: str) -> None:
    page, seen = await opened(browser, f"{site}/overview?range=1W")
    await page.locator("#panel-positions").scroll_into_view_if_needed()
    await menu(page, "positions", "Rows behind this")
    dialog = page.get_by_role("dialog", name="Rows behind “Positions”")
    rows = dialog.locator("section").first.locator("tbody tr")
    rest = await asyncio.to_thread(answered, f"{site}/api/reads/positions?accounts=A&range=1W")
    await expect(rows).to_have_count(len(rest["value"]))
    symbols = await rows.locator("td:nth-child(4)").all_inner_texts()
    assert symbols == [row["symbol"] for row in rest["value"]]
    link = dialog.get_by_role("link", name="Open as JSON").first
    assert await link.get_attribute("href") == "/api/reads/positions?accounts=A&range=1W"
    await picture(page, "panel-rows")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    seen.clean()


async def test_csv_of_a_panel_is_its_view_and_nothing_in_it_executes(browser: Browser, site: str) -> None:
    page, seen = await opened(browser, f"{site}/overview")
    await page.locator("#panel-activity").scroll_into_view_if_needed()
    await expect(page.locator("#body-activity")).to_contain_text(FORMULA)
    async with page.expect_download() as downloading:
        await menu(page, "activity", "CSV: Activity")
    download = await downloading.value
    assert download.suggested_filename == "activity.csv"
    rows = list(csv.DictReader(io.StringIO((await saved(download)).decode(), newline="")))
    rest = await asyncio.to_thread(answered, f"{site}/api/reads/activity?accounts=A&range=1D")
    assert len(rows) == len(rest["value"])
    assert f"'{FORMULA}" in {row["symbol"] for row in rows}
    assert not any(str(cell).startswith("=") for row in rows for cell in row.values())
    seen.clean()


async def test_a_chart_is_saved_as_a_picture_and_a_table_is_not_offered_as_one(browser: Browser, site: str) -> None:
    page, seen = await opened(browser, f"{site}/overview?theme=light")
    await expect(page.locator("#graph-equity .js-plotly-plot .main-svg").first).to_be_visible()
    async with page.expect_download() as downloading:
        await menu(page, "equity", "PNG of the chart")
    download = await downloading.value
    assert re.fullmatch(r"equity-\d{4}-.*\.png", download.suggested_filename)
    content = await saved(download)
    assert content.startswith(b"\x89PNG")
    width = int.from_bytes(content[16:20], "big")
    box = await page.locator("#graph-equity").bounding_box()
    assert box is not None
    assert width == pytest.approx(2 * box["width"], abs=4)
    await page.locator("#panel-positions").scroll_into_view_if_needed()
    await page.locator("#title-positions").click()
    await expect(page.get_by_role("menuitem", name="Rows behind this")).to_be_visible()
    await expect(page.get_by_role("menuitem", name="PNG of the chart")).to_have_count(0)
    await page.keyboard.press("Escape")
    seen.clean()


async def test_the_same_moment_is_marked_in_every_chart_of_the_page(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_host(service, *[0.2 + n % 5 / 10 for n in range(50)], ending=datetime.now(UTC))
    with dashboards(address, tmp_path, "system") as urls:
        context = await browser.new_context(viewport=DESKTOP, timezone_id="Europe/Berlin")
        page = await context.new_page()
        seen = watch(page)
        await page.goto(urls["system"])
        for chart in ("cpu", "memory", "disk"):
            await expect(page.locator(f"#graph-{chart} .nsewdrag").first).to_be_visible()
        box = await page.locator("#graph-cpu .nsewdrag").first.bounding_box()
        assert box is not None
        place = box["x"] + box["width"] * 0.5
        await page.mouse.move(place - 30, box["y"] + 40)
        await page.mouse.move(place, box["y"] + 40, steps=6)
        marked = page.locator(".chart > .crosshair")
        await expect(marked).to_have_count(2)
        await expect(page.locator("#body-cpu .crosshair")).to_have_count(0)
        for chart in ("memory", "disk"):
            share = await page.evaluate(PLACE, chart)
            assert share == pytest.approx(0.5, abs=0.05), chart
        await page.mouse.move(5, 5)
        await expect(marked).to_have_count(0)
        # By keyboard: a chart is one tab stop, its points are read out.
        await page.locator("#body-cpu .chart").focus()
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator("#announcer")).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"))
        await expect(marked).to_have_count(3)
        assert "as_of" not in page.url
        seen.clean()


PLACE = """name => {
    const plot = document.querySelector(`#graph-${name} .js-plotly-plot`), size = plot._fullLayout._size;
    const line = plot.closest(".chart").querySelector(".crosshair");
    return (parseFloat(line.style.left) - size.l) / size.w;
}"""
"""How far along the axis the mark stands."""


async def test_nothing_moves_and_nothing_is_lost_while_data_come_in(
    browser: Browser, site: str, kept_service: Database
) -> None:
    page, seen = await opened(browser, f"{site}/overview")
    await page.locator("#panel-positions").scroll_into_view_if_needed()
    await expect(page.locator("#body-positions")).to_contain_text("S01")
    await expect(page.locator("#panel-activity .badge b")).to_be_visible()
    await page.wait_for_timeout(2500)
    await page.evaluate(SHIFTS)
    at = await page.evaluate("scrollY")
    assert at > 0
    await page.evaluate("document.getElementById('title-positions').focus({ preventScroll: true })")
    row = page.locator("#body-positions tbody tr", has_text="S01").first
    await row.locator("th, td").first.evaluate("node => getSelection().selectAllChildren(node)")
    selected = await page.evaluate("String(getSelection())")
    assert "S01" in selected
    async with kept_service.scoped() as connection:
        await connection.execute("UPDATE positions SET current_price = 101.5, at = $1", datetime.now(UTC))
    await expect(page.locator("#body-positions")).to_contain_text("101.50", timeout=60_000)
    await page.wait_for_timeout(2500)
    assert await page.evaluate("scrollY") == at
    assert await page.evaluate("document.activeElement.id") == "title-positions"
    assert await page.evaluate("String(getSelection())") == selected
    assert await page.evaluate("window.shifts") == []
    seen.clean()


SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver(list => list.getEntries().forEach(entry => {
        const moved = entry.sources.map(each => each.node?.outerHTML?.slice(0, 200));
        if (entry.value > 0.0005) window.shifts.push([entry.value, ...moved]);
    })).observe({ type: "layout-shift" });
}"""


async def test_full_screen_is_left_by_escape_and_the_link_carries_view_and_panel(browser: Browser, site: str) -> None:
    page, seen = await opened(browser, f"{site}/overview?range=1W")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await menu(page, "equity", "Full screen")
    box = await page.locator("#panel-equity").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (1440, 900)
    await page.keyboard.press("Escape")
    await expect(page.locator(".panel-full")).to_have_count(0)
    await menu(page, "equity", "Copy link to this panel")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{site}/overview?range=1W#panel-equity"
    await page.goto("about:blank")
    await page.goto(copied)
    await expect(page.locator("#title-equity")).to_be_focused()
    seen.clean()
