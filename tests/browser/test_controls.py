"""What a person does with a page's header: strategy, range, moment, search, keys; the address keeps all of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.running import Suite, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot with two days of history on the simulated market, and its dashboards."""
    with running(
        Suite(run_dir / "controls"), "trade", "--enable-monitoring", "--interval", "10", "--history-days", "2"
    ) as started:
        started.wait_until_ready("trading", "system", "worker", "bot")
        yield started


async def opened(
    browser: Browser, suite: Suite, path: str = "/", which: str = "trading", viewport: dict[str, int] = DESKTOP
) -> tuple[Page, Watch]:
    context = await browser.new_context(viewport=viewport, timezone_id="America/New_York")
    page = await context.new_page()
    page.set_default_timeout(40_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text  # said of the font where all is slow
    await page.goto(suite.url(which, path))
    await expect(page.locator(".badge b").first).to_be_visible(timeout=20_000)
    return page, seen


def parameters(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


MOVED = """(node, steps) => {
    for (let step = 0; step < Math.abs(steps); step++) {
        if (steps < 0) node.stepDown(); else node.stepUp();
        node.dispatchEvent(new Event("input", { bubbles: true }));
    }
}"""
"""A hand on the slider: every step is told, none is waited for."""


async def asked_for(page: Page, name: str) -> str | None:
    return parameters(page).get(name)


async def test_a_strategy_is_chosen_among_those_of_the_accounts_and_every_panel_asks_for_it(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite)
    known = sorted({row["strategy"] for row in suite.json("trading", "/api/reads/strategies")["value"]})
    assert len(known) >= 2
    await page.get_by_role("button", name="Strategy: all").click()
    menu = page.get_by_role("menu", name="Strategy")
    assert await menu.get_by_role("menuitemradio").all_inner_texts() == ["All strategies", *known]
    await menu.get_by_role("menuitemradio", name=known[0]).click()
    await expect(page).to_have_url(re.compile(f"strategy={known[0]}"))
    rows = page.locator("#body-positions tbody tr[data-key]:not(.total)")
    held = suite.json("trading", f"/api/reads/positions?strategy={known[0]}")["value"]
    everything = suite.json("trading", "/api/reads/positions")["value"]
    assert {row["strategy"] for row in held} <= {known[0]}
    assert len(held) < len(everything)
    await page.locator("#panel-positions").scroll_into_view_if_needed()
    others = {row["symbol"] for row in everything if row["strategy"] != known[0]}
    for symbol in others - {row["symbol"] for row in held}:
        await expect(rows.filter(has_text=symbol)).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("button", name=f"Strategy: {known[0]}")).to_be_visible()
    seen.clean()


async def test_a_range_from_day_to_day_is_of_the_zone_shown_and_comes_back_from_the_address(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite)
    await page.get_by_role("radio", name="Custom").click()
    form = page.get_by_role("dialog", name="Custom range")
    await form.get_by_label("From").fill("2026-01-10")
    await form.get_by_label("To").fill("2026-01-09")
    await form.get_by_role("button", name="Show").click()
    await expect(form.get_by_role("alert")).to_have_text("The first day comes after the last.")
    await form.get_by_label("To").fill("2026-01-12")
    await form.get_by_label("To").press("Enter")
    assert await asked_for(page, "range") == "2026-01-10T05:00:00Z..2026-01-13T05:00:00Z"
    label = "10 Jan – 12 Jan 2026"
    await expect(page.get_by_role("radio", name=label)).to_have_attribute("aria-checked", "true")
    await page.reload()
    await expect(page.get_by_role("radio", name=label)).to_have_attribute("aria-checked", "true")
    await expect(page.locator("#body-equity")).to_contain_text("No equity", timeout=20_000)
    await page.get_by_role("radio", name="1W", exact=True).click()
    assert await asked_for(page, "range") == "1W"
    await expect(page.get_by_role("radio", name="Custom")).to_have_attribute("aria-checked", "false")
    seen.clean()


async def test_the_time_line_leads_into_the_past_by_keyboard_and_one_key_leads_back(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite)
    await page.locator("#control-moment button").click()
    slider = page.get_by_role("dialog", name="Moment").get_by_role("slider")
    assert await slider.get_attribute("aria-valuetext") == "live"
    assert await slider.input_value() == await slider.get_attribute("max")
    entries = await page.evaluate("history.length")
    await slider.press("ArrowLeft")
    await expect(page).to_have_url(re.compile("as_of="))
    await slider.evaluate(MOVED, -12)
    written = await slider.get_attribute("aria-valuetext")
    await page.keyboard.press("Escape")
    strip = page.locator("#strip-past")
    await expect(strip).to_contain_text(f"as of {written}")
    await expect(page.locator(".badge-live, .live-dot")).to_have_count(0)
    await expect(page.locator("#badge-account_cards")).to_contain_text("As of")
    await picture(page, "controls-past")
    along = strip.get_by_role("slider", name="Moment")
    await along.focus()
    before = await asked_for(page, "as_of")
    for _ in range(2):
        await along.press("ArrowRight")
    await along.evaluate(MOVED, 3)
    await expect(strip).not_to_contain_text(str(written))
    await page.wait_for_url(lambda url: f"as_of={before}" not in url)
    assert str(before) < str(await asked_for(page, "as_of"))
    assert await page.evaluate("document.activeElement.id") == "strip-past-slider"
    assert await page.evaluate("history.length") == entries + 1, "one step back leaves the past"
    await along.press("End")
    await expect(strip).to_have_count(0)
    await expect(page.locator("#control-moment")).to_contain_text("Live")
    assert await asked_for(page, "as_of") is None
    seen.clean()


async def test_arrows_on_the_page_step_through_time_and_l_comes_back_to_live(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    await page.keyboard.press("ArrowLeft")
    await page.wait_for_url(re.compile("as_of="))
    first = await asked_for(page, "as_of")
    await page.keyboard.press("ArrowLeft")
    await page.wait_for_url(lambda url: f"as_of={first}" not in url)
    assert str(await asked_for(page, "as_of")) < str(first)
    await page.keyboard.press("l")
    await expect(page.locator("#strip-past")).to_have_count(0)
    await expect(page.locator("#badge-account_cards")).to_contain_text("Live")
    seen.clean()


async def test_the_past_as_it_was_shown_then_asks_for_what_was_known_and_says_so(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite)
    await page.locator("#control-moment button").click()
    await page.get_by_role("menuitemcheckbox", name="As it was shown then").click()
    await page.get_by_role("menuitem", name="1 hour ago").click()
    strip = page.locator("#strip-past")
    await expect(strip).to_contain_text("as it was shown then, without what was learned later")
    asked = parameters(page)
    assert asked["known_at"] == asked["as_of"]
    await page.keyboard.press("ArrowLeft")
    await page.wait_for_url(lambda url: asked["as_of"] not in url)
    assert parameters(page)["known_at"] == parameters(page)["as_of"] < asked["as_of"]
    await page.locator("#control-moment button").click()
    await page.get_by_role("menuitemcheckbox", name="As it was shown then").click()
    await expect(strip).to_contain_text("with what is known now")
    assert await asked_for(page, "known_at") is None
    await page.keyboard.press("Escape")
    await strip.get_by_role("button", name="Back to live").click()
    await expect(strip).to_have_count(0)
    assert parameters(page) == {}
    seen.clean()


async def say(page: Page, text: str) -> None:
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Go to or do")).to_be_focused()
    await page.keyboard.type(text)


async def test_the_palette_jumps_to_pages_panels_and_accounts_by_keyboard_alone(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    await page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Go to or do")
    await page.keyboard.type("perf")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Performance")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/performance$"))
    await expect(field).to_have_count(0)
    await say(page, "daily p&l")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Overview")
    await page.keyboard.press("Enter")
    await expect(page.locator("#title-daily_pnl")).to_be_focused()
    assert urlsplit(page.url).path == "/overview"
    account = suite.json("trading", "/api/reads/accounts")["value"][0]
    await say(page, account["account"])
    option = page.get_by_role("option").filter(has_text=account["label"]).first
    await expect(option).to_be_visible()
    while await option.get_attribute("aria-selected") != "true":
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    assert await asked_for(page, "accounts") == account["account"]
    await say(page, "nothing is called like this")
    await expect(page.get_by_text("Nothing is called so.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(field).to_have_count(0)
    seen.clean()


async def test_the_palette_finds_a_symbol_and_a_trade_and_opens_them(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    trade = suite.json("trading", "/api/reads/trades?range=All&limit=1")["value"]["items"][0]
    await say(page, trade["symbol"].lower())
    await expect(page.get_by_role("group", name="Symbols").get_by_role("option").first).to_have_text(trade["symbol"])
    await picture(page, "controls-palette")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/trading\?"))
    assert trade["symbol"] in parameters(page).values()
    await say(page, trade["id"])
    found = page.get_by_role("group", name="Trades").get_by_role("option")
    await expect(found).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/trades\?"))
    assert trade["id"] in parameters(page).values()
    await expect(page.get_by_role("dialog").filter(has_text=trade["symbol"])).to_be_visible()
    seen.clean()


async def test_keys_are_listed_and_density_and_theme_stay(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    await page.keyboard.press("?")
    listed = await page.get_by_role("dialog", name="Keyboard shortcuts").inner_text()
    for words in ("go to or do", "back to live", "compact or normal rows", "light or dark", "step back or forth"):
        assert words in listed
    await page.keyboard.press("Escape")
    row = page.locator("#body-cumulative_pnl tbody tr").first
    await expect(row).to_have_css("height", "32px")
    await page.keyboard.press("d")
    await expect(row).to_have_css("height", "28px")
    await page.reload()
    await expect(row).to_have_css("height", "28px")
    await say(page, "normal rows")
    await page.keyboard.press("Enter")
    await expect(row).to_have_css("height", "32px")
    seen.clean()


async def test_on_a_phone_the_search_is_at_hand_and_the_past_does_not_scroll_sideways(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite, viewport=PHONE)
    await page.get_by_role("button", name="Search: go to or do").click()
    await page.get_by_role("combobox", name="Go to or do").fill("hour")
    await picture(page, "controls-palette-390")
    await page.keyboard.press("Escape")
    await page.locator("#control-moment button").click()
    await page.get_by_role("menuitem", name="1 hour ago").click()
    await expect(page.locator("#strip-past")).to_be_visible()
    await picture(page, "controls-past-390")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    seen.clean()


async def test_the_system_pages_have_the_same_moment_range_and_palette(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite, which="system")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#strip-past")).to_contain_text("with what is known now")
    await page.keyboard.press("l")
    await expect(page.locator("#strip-past")).to_have_count(0)
    await say(page, "services")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/services$"))
    seen.clean()
