"""Every page of both dashboards, in both themes, on desk and phone: can everybody use it, and does it look right?

axe-core finds no serious or critical violation, no page scrolls sideways or complains in the console. With
TESTS_SCREENSHOTS (`make browser`) all four looks are tried and kept as pictures; else the two that differ most.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.browser.walk import follow
from tests.running import Suite, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
GRAVE = ("serious", "critical")
LOOKS = [("dark", DESKTOP), ("light", PHONE)]
if os.environ.get("TESTS_SCREENSHOTS"):
    LOOKS += [("light", DESKTOP), ("dark", PHONE)]
SANE_SECONDS = 40
"""A page takes one or two; many tests may share the machine."""
PAGE = {"exclude": [[".js-plotly-plot .main-svg"]]}
"""The ink of charts apart, of which axe-core can say nothing: each of them has a name that says what it shows."""
OVER_THE_PAGE = {"exclude": [["#page"]]}
"""All that opens on top of a page; the page below is looked at once, by itself."""

_AXE = """(within) => axe.run(within, { resultTypes: ["violations"] }).then((found) => found.violations)"""
_ANSWERED = """async (patience) => {
  const open = () => [...document.querySelectorAll("#page .panel:not([hidden])")];
  const told = (panel) => panel.querySelector(".badge b")
    && ![...panel.querySelectorAll(".skeleton")].some((node) => node.offsetParent);
  const end = performance.now() + patience, pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  for (const { id } of open()) {
    const panel = () => document.getElementById(id);
    panel()?.scrollIntoView({ block: "center" });
    while (panel() && !told(panel()) && performance.now() < end) await pause();
  }
  scrollTo(0, 0);
  return open().filter((panel) => !told(panel)).map((panel) => panel.id);
}"""
"""In the page itself: a question and an answer over the wire for each panel take longer than the panels."""

PAGES = "JSON.parse(window.aiTraderShell).pages.map(page => [page.slug, page.address, page.panels[0]])"


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot with a week of history on the simulated market, and its dashboards."""
    with running(
        Suite(run_dir / "pages"), "trade", "--enable-monitoring", "--interval", "10", "--history-days", "7"
    ) as started:
        started.wait_until_ready("trading", "system", "worker", "bot", seconds=120)
        yield started


async def opened(browser: Browser, url: str, viewport: dict[str, int]) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=viewport)
    page.set_default_timeout(40_000)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text  # said of the font where all is slow
    await page.goto(url)
    await expect(page.locator("#page .panel:not([hidden])").first).to_be_visible()
    return page, seen


async def answered(page: Page) -> None:
    """Look at every panel of the page until it shows what it has."""
    await expect(page.locator("#page .panel:not([hidden])").first).to_be_visible()
    late = await page.evaluate(_ANSWERED, SANE_SECONDS * 1000)
    assert not late, f"{page.url}: without an answer: {late}"


async def violations(page: Page, within: dict[str, Any] = PAGE) -> list[str]:
    """What axe-core finds grave; ``within`` is what it looks at, in its own terms."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    return [
        f"{page.url}: {each['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:240]}"
        for each in await page.evaluate(_AXE, within)
        if each["impact"] in GRAVE
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize(("theme", "viewport"), LOOKS, ids=[f"{theme}-{size['width']}" for theme, size in LOOKS])
@pytest.mark.parametrize("which", ["trading", "system"])
async def test_every_page_can_be_used_by_everybody(
    browser: Browser, suite: Suite, which: str, theme: str, viewport: dict[str, int]
) -> None:
    page, seen = await opened(browser, suite.url(which, f"/?theme={theme}"), viewport)
    found: list[str] = []
    for slug, address, panel in await page.evaluate(PAGES):
        await follow(page, slug)
        await page.locator(f"#panel-{panel}").wait_for(state="attached")
        await answered(page)
        await picture(page, f"{which}-{slug}-{viewport['width']}-{theme}")
        if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found.append(f"{address} scrolls sideways")
        found += await violations(page, PAGE)
    assert not found, "\n".join(dict.fromkeys(found))
    seen.clean()


@pytest.mark.parametrize("theme", sorted({theme for theme, _ in LOOKS}))
async def test_menus_dialogs_and_the_past_can_be_used_by_everybody(browser: Browser, suite: Suite, theme: str) -> None:
    page, seen = await opened(browser, suite.url("trading", f"/?theme={theme}"), DESKTOP)
    await answered(page)
    found: list[str] = []
    for selector in ("#control-accounts button", "#control-strategy button", "#control-moment button", "#title-equity"):
        await page.locator(selector).click()
        found += await opens(page)
    for key in ("?", "/"):
        await page.keyboard.press(key)
        found += await opens(page)
    await page.get_by_role("radio", name="Custom").click()
    found += await opens(page)
    await page.locator("#title-equity").click()
    await page.get_by_role("menuitem", name="Rows behind this").click()
    await expect(page.locator(".rows-behind tbody tr").first).to_be_visible()
    found += await opens(page)
    await page.locator("#control-moment button").click()
    await page.get_by_role("menuitem", name="1 hour ago").click()
    await expect(page.locator("#strip-past")).to_be_visible()
    found += await violations(page, PAGE)
    assert not found, "\n".join(dict.fromkeys(found))
    seen.clean()


async def opens(page: Page) -> list[str]:
    """What is grave about what just opened; it is closed then."""
    await expect(page.locator(":popover-open, dialog[open]").first).to_be_visible()
    found = await violations(page, OVER_THE_PAGE)
    await page.keyboard.press("Escape")
    return found
