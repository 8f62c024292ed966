"""What a person does on the Trades page: takes the whole list away as a file, and writes about a trade."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.browser.test_bare_pages import dashboards
from tests.browser.test_controls_panels import saved
from tests.given import given_account, given_heartbeat, given_trade

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
NOW = datetime.now(UTC)
HOSTILE = "<img src=x onerror=alert(1)>"
TRADE = f"A/bot/{HOSTILE}"
COUNT = 60


@pytest.fixture(scope="module")
async def url(kept_service: Database, kept_address: Address, folder: Path) -> AsyncIterator[str]:
    await given_account(kept_service)
    await given_heartbeat(kept_service, NOW, interval_seconds=600)
    for number in range(COUNT):
        await given_trade(kept_service, number, NOW - timedelta(minutes=2 + number), symbol=f"S{number % 2}")
    await given_trade(kept_service, 7, NOW - timedelta(minutes=1), symbol="OURS", source="bot", source_id=HOSTILE)
    with dashboards(kept_address, folder, "trading") as started:
        yield started["trading"]


async def opened(browser: Browser, address: str, viewport: object = DESKTOP) -> tuple[Page, Watch]:
    context = await browser.new_context(viewport=viewport, accept_downloads=True)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(40_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text or "409 (Conflict)" in text
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    await page.goto(address)
    await expect(page.locator("#body-trades tbody tr").first).to_be_visible()
    return page, seen


async def test_the_files_have_exactly_the_list_that_the_address_names(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, f"{url}/trades?range=1W&trades.symbol=S1&trades.sort=pnl")
    await expect(page.locator("#body-trades .export-links")).to_contain_text(f"Export all {COUNT // 2} rows")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="CSV").click()
    download = await downloading.value
    assert download.suggested_filename == f"trades_A_{datetime.now(UTC):%Y-%m-%d}.csv"
    rows = list(csv.DictReader(io.StringIO((await saved(download)).decode(), newline="")))
    assert [float(row["pnl"]) for row in rows] == list(range(1, COUNT, 2))
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Parquet").click()
    table = pq.read_table(io.BytesIO(await saved(await downloading.value)))
    assert table["id"].to_pylist() == [row["id"] for row in rows]
    seen.clean()


def editor(page: Page) -> Locator:
    return page.locator("#panel-trade .trade-editor")


async def begun(page: Page) -> None:
    await page.locator("#panel-trade").get_by_role("button", name="Edit").click()
    await expect(editor(page).get_by_label("Notes")).to_be_focused()


async def test_a_draft_belongs_to_its_trade_and_outlives_the_drawer(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, f"{url}/trades?range=1W", PHONE)
    await page.locator("tr", has_text="OURS").click()
    await begun(page)
    await page.keyboard.type("half a")
    await page.locator("#panel-trade").get_by_role("button", name="Close").click()
    await page.locator("#body-trades tbody tr").nth(3).click()
    await expect(page.locator("#panel-trade")).to_contain_text("No notes, no tags")
    await expect(editor(page)).to_be_hidden()
    await page.locator("#panel-trade").get_by_role("button", name="Close").click()
    await page.locator("tr", has_text="OURS").click()
    await expect(editor(page).get_by_label("Notes")).to_have_value("half a")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    await picture(page, "trade-editor-390")
    await editor(page).get_by_role("button", name="Cancel").click()
    await expect(editor(page)).to_be_hidden()
    await begun(page)
    await expect(editor(page).get_by_label("Notes")).to_have_value("")
    seen.clean()


async def test_notes_and_tags_are_written_in_the_drawer_and_appear_for_everybody(
    browser: Browser, url: str, kept_service: Database
) -> None:
    page, seen = await opened(browser, f"{url}/trades?range=1W")
    other, seen_by_other = await opened(browser, f"{url}/trades?range=1W")
    for each in (page, other):
        await each.locator("tr", has_text="OURS").click()
        await expect(each.locator("#panel-trade")).to_contain_text("No notes, no tags")
        await begun(each)
    await page.keyboard.type(f"{HOSTILE} too early")
    tag = editor(page).get_by_label("Add a tag")
    await tag.fill("late entry")
    await tag.press("Enter")
    await tag.fill("second")
    await tag.press(",")
    await editor(page).get_by_label("Remove the tag second").click()
    await tag.fill("typed and not entered")
    # The drawer is drawn anew while somebody types: theirs stays as it is.
    await given_trade(
        kept_service, 8, NOW - timedelta(minutes=1), symbol="OURS", source="bot", source_id=HOSTILE, revision=1
    )
    await expect(page.locator("#panel-trade .trade-head")).to_contain_text("+8.00")
    await expect(editor(page).get_by_label("Notes")).to_have_value(f"{HOSTILE} too early")
    await expect(tag).to_have_value("typed and not entered")
    await picture(page, "trade-editor")
    await editor(page).get_by_role("button", name="Save").click()
    await expect(editor(page)).to_be_hidden()
    for each in (page, other):
        words = each.locator("#panel-trade .trade-words")
        await expect(words).to_contain_text(f"{HOSTILE} too early")
        await expect(words.locator(".chip")).to_have_text(["late entry", "typed and not entered"])
        await expect(words).to_contain_text("Written by local")
        await expect(each.locator("#body-trades tr", has_text="OURS").locator(".chip")).to_contain_text(
            ["corrected", "late entry", "typed and not entered"]
        )
    await conflicting(other)
    await expect(page.locator("#panel-trade .trade-words")).to_contain_text("theirs")
    assert await page.locator("img").count() == 0
    seen.clean()
    seen_by_other.clean()


async def conflicting(page: Page) -> None:
    """What was begun before somebody else's words were saved replaces them only when that is confirmed."""
    await editor(page).get_by_label("Notes").fill("theirs")
    await editor(page).get_by_role("button", name="Save").click()
    await expect(editor(page).get_by_role("alert")).to_contain_text("local has written other notes meanwhile")
    await expect(editor(page).get_by_label("Notes")).to_have_value("theirs")
    await editor(page).get_by_role("button", name="Save").click()
    await expect(editor(page)).to_be_hidden()
