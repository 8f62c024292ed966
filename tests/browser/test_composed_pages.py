"""A page is composed by mouse and by keyboard, saved, shared, changed by two people at once, and taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from main.config.pages import MOST_PANELS
from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.browser.test_accessibility import violations
from tests.running import Suite, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
HOSTILE = "<img src=x onerror=alert(1)>"
WRITTEN = """
pages:
  - page: written
    title: Written page
    panels:
      - panel: slippage
        width: 6
        options: {by: hour}
      - panel: slippage
        width: 6
      - panel: equty
        width: 4
      - status
"""


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot with some history and its dashboards, with a page in the configuration file."""
    made = Suite(run_dir / "composed")
    file = made.folder / "settings.yaml"
    file.write_text(WRITTEN)
    arguments = ("trade", "--enable-monitoring", "--interval", "10", "--history-days", "2", "--config-file", str(file))
    with running(made, *arguments) as started:
        started.wait_until_ready("trading", "system", "worker", "bot", seconds=150)
        yield started


async def opened(browser: Browser, url: str, viewport: dict[str, int] = DESKTOP) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=viewport)
    page.set_default_timeout(60_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    await page.goto(url)
    await expect(page.locator("#composed-pages .nav-new")).to_be_attached()
    return page, seen


def given(suite: Suite, name: str, title: str, *panels: Any, **more: Any) -> None:
    content = {"title": title, "panels": [each if isinstance(each, dict) else {"panel": each} for each in panels]}
    answer = httpx.put(suite.url("trading", f"/api/pages/{name}"), json=content | more, timeout=20)
    assert answer.status_code == 201, answer.text


def asked(method: str, url: str, **more: Any) -> httpx.Response:
    return httpx.request(method, url, timeout=20, **more)


async def titles(page: Page) -> list[str]:
    return await page.locator(".composer-tile-head > b").all_inner_texts()


async def add(page: Page, *names: str) -> None:
    await page.get_by_role("button", name="Add panels").first.click()
    for name in names:
        await page.get_by_label("Find a panel").fill(name)
        await page.locator(".composer-choice").filter(has_text=name).first.click()
    await page.get_by_role("button", name="Done").click()


async def test_a_page_is_composed_by_keyboard_saved_and_in_everybodys_navigation(
    browser: Browser, suite: Suite
) -> None:
    other, _ = await opened(browser, suite.url("trading", "/risk"))
    page, seen = await opened(browser, suite.url("trading", "/overview"))
    await page.bring_to_front()
    await page.get_by_role("link", name="New page").press("Enter")
    await page.get_by_label("Title").fill(f"{HOSTILE} night")
    await add(page, "Slippage", "Equity and drawdown", "Status")
    assert await titles(page) == ["Slippage", "Equity and drawdown", "Status"]
    await page.get_by_role("button", name="Later: Slippage").press("Enter")
    assert await titles(page) == ["Equity and drawdown", "Slippage", "Status"]
    await expect(page.get_by_role("button", name="Later: Slippage")).to_be_focused()
    slippage = page.locator(".composer-tile").nth(1)
    await slippage.get_by_label("Width").select_option("12")
    await page.locator(".composer-tile").nth(1).locator("select").nth(1).select_option("hour")
    assert await violations(page) == []
    await picture(page, "composer-1440-dark")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.locator("#panel-equity .badge b")).to_be_visible()
    await expect(page.locator("#panel-slippage")).to_have_class("panel col-12")
    await expect(page.locator("#options-slippage")).to_contain_text("Hour")
    await expect(page.locator("#panel-status .light-cell").first).to_be_visible()
    assert "slippage" not in page.url  # as it was saved, nothing has to be said
    assert await violations(page) == []
    entry = other.locator("#composed-pages a").filter(has_text="night")
    await expect(entry).to_have_text(f"{HOSTILE} night")
    # A copy of the address is the page, also after a fresh start of the browser.
    fresh, clean = await opened(browser, page.url)
    await expect(fresh.locator("#page-name")).to_have_text(f"{HOSTILE} night")
    await expect(fresh.locator("#panel-equity .badge b")).to_be_visible()
    seen.clean()
    clean.clean()


async def test_a_choice_in_the_address_beats_what_was_saved_and_goes_back_to_it(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite.url("trading", "/pages/written"))
    first, second = page.locator("#options-slippage button"), page.locator("[id='options-slippage~2'] button")
    await expect(first).to_contain_text("Hour")
    await expect(second).to_contain_text("Symbol")
    await expect(page.locator("#panel-slippage .badge b")).to_be_visible()
    await expect(page.locator("[id='panel-slippage~2'] .badge b")).to_be_visible()
    await second.click()
    await page.get_by_role("menuitemradio", name="Side").click()
    await expect(second).to_contain_text("Side")
    await expect(first).to_contain_text("Hour")
    assert "slippage%7E2.by=side" in page.url or "slippage~2.by=side" in page.url
    await page.reload()
    await expect(second).to_contain_text("Side")
    await expect(first).to_contain_text("Hour")
    # What is not there (any more) says so, and keeps nothing else away.
    missing = page.locator("#panel-equty")
    await expect(missing).to_contain_text('No panel is called "equty"')
    await expect(missing).to_contain_text('Did you mean "equity"?')
    await expect(page.locator("#panel-status .light-cell").first).to_be_visible()
    await expect(page.get_by_role("button", name="Copy to edit")).to_be_visible()
    seen.clean()


async def test_of_two_who_change_a_page_the_later_is_told_and_loses_nothing(browser: Browser, suite: Suite) -> None:
    given(suite, "shared", "Shared", "equity", "cpu")
    page, _ = await opened(browser, suite.url("trading", "/pages/shared/edit"))
    await expect(page.locator(".composer-tile")).to_have_count(2)
    await page.get_by_role("button", name="Remove: CPU").click()
    changed = {"title": "Quicker", "panels": [{"panel": "equity"}]}
    url = suite.url("trading", "/api/pages/shared")
    assert asked("PUT", url, json=changed, headers={"If-Match": '"1"'}).status_code == 200
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".composer-wrong")).to_contain_text("Somebody was quicker")
    await page.get_by_role("button", name="Save mine as a copy").click()
    await expect(page.locator("#page-name")).to_have_text("Shared")
    assert (
        page.url.endswith("/pages/shared-2") or page.url.endswith("/pages/shared-copy") or "/pages/shared" in page.url
    )
    found = asked("GET", url).json()
    assert (found["title"], found["version"]) == ("Quicker", 2)


async def test_a_page_is_dragged_duplicated_and_deleted_after_being_asked(browser: Browser, suite: Suite) -> None:
    given(suite, "dragged", "Dragged", {"panel": "equity", "width": 4}, {"panel": "cpu", "width": 4}, "status")
    page, seen = await opened(browser, suite.url("trading", "/pages/dragged/edit"))
    tiles = page.locator(".composer-tile")
    await expect(tiles).to_have_count(3)
    await tiles.nth(2).drag_to(tiles.nth(0))
    assert (await titles(page))[0] == "Status"
    await page.get_by_role("button", name="Duplicate").click()
    await expect(page.get_by_label("Title")).to_have_value("Copy of Dragged")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#page-name")).to_have_text("Copy of Dragged")
    await page.get_by_role("button", name="Edit page").click()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_label("Title")).to_have_value("Copy of Dragged")
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Delete the page").click()
    await expect(page.locator("#composed-pages a").filter(has_text="Copy of Dragged")).to_have_count(0)
    assert asked("GET", suite.url("trading", "/api/pages/copy-of-dragged")).status_code == 404
    seen.clean()


async def test_who_may_not_save_is_told_so_before_the_work_and_gets_no_button_for_it(
    browser: Browser, suite: Suite
) -> None:
    given(suite, "locked", "Locked", "equity")
    page, seen = await opened(browser, suite.url("trading", "/"))
    body = asked("GET", suite.url("trading", "/api/panels")).json() | {"may_change": False}
    await page.route("**/api/panels", lambda route: route.fulfill(json=body))  # as a viewer without the role gets it
    for path in ("/pages/new", "/pages/locked/edit"):
        await page.goto(suite.url("trading", path))
        composer = page.locator(".composer")
        await expect(composer).to_contain_text("needs the role operator")
        assert await composer.get_by_role("button").all_inner_texts() == ["Back"]
    await composer.get_by_role("button", name="Back").click()
    await expect(page.locator("#panel-equity")).to_be_visible()
    seen.clean()


async def test_a_page_that_somebody_takes_away_says_so_where_it_is_shown(browser: Browser, suite: Suite) -> None:
    given(suite, "going", "Going", "equity")
    page, seen = await opened(browser, suite.url("trading", "/pages/going"))
    await expect(page.locator("#panel-equity")).to_be_visible()
    assert asked("DELETE", suite.url("trading", "/api/pages/going")).status_code == 204
    await expect(page.locator("#page")).to_contain_text("This page is not there")
    seen.clean()


async def test_sixty_panels_and_many_pages_are_no_trouble_on_a_phone(browser: Browser, suite: Suite) -> None:
    items = asked("GET", suite.url("trading", "/api/panels")).json()["items"]
    chosen = [each["name"] for each in items[:MOST_PANELS]]
    assert len(chosen) == MOST_PANELS
    for number in range(40):
        given(suite, f"many-{number}", f"{HOSTILE} {'long ' * 12}{number}", *(chosen if number == 0 else ()))
    page, seen = await opened(browser, suite.url("trading", "/pages/many-0?theme=light"), PHONE)
    await expect(page.locator("#page .panel").first).to_be_visible()
    assert await page.locator("#page > .page-grid > section").count() >= len(chosen)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.locator("#menu-button").click()
    await expect(page.locator("#composed-pages .nav-new")).to_be_attached()
    await page.keyboard.press("Escape")
    await page.goto(suite.url("trading", "/pages/many-0/edit"))
    await expect(page.locator(".composer-tile")).to_have_count(len(chosen))
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []
    await picture(page, "composer-390-light")
    seen.clean()
