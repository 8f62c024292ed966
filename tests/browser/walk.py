"""What did every panel of the trading pages end in: data, an empty state that says why, or trouble?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page

from main.monitoring.dashboards.v2.navigation import TRADING_PAGES
from main.monitoring.dashboards.v2.navigation import Page as Address
from main.monitoring.dashboards.v2.panel import panels_of
from tests.browser.conftest import DESKTOP, Watch, picture, watch

PAGES = TRADING_PAGES
PANELS = {
    page.name: tuple(
        panel.name
        for panel in panels_of("trading")
        if panel.page == page.name and panel.kind not in ("strip", "drawer", "badge")
    )
    for page in PAGES
}
"""The panels that are on a page without being asked for."""
TALL = {"width": DESKTOP["width"], "height": 4000}
"""High enough that every panel is in sight, so that all of them are asked for."""
SANE_SECONDS = 40
"""A page takes one or two; many tests may share the machine."""

_SEEN = """(names) => names.map((name) => {
  const panel = document.getElementById(`panel-${name}`), visible = (node) => node.offsetParent !== null;
  if (!panel) return {
    panel: name, state: "absent", drawn: "", failed: "", skeleton: true, empty: [], shapes: 0, words: "",
  };
  const body = document.getElementById(`body-${name}`), text = (node) => node.textContent.trim();
  const empty = [...body.querySelectorAll(".notice-empty")].filter(visible);
  const plots = [...body.querySelectorAll(".js-plotly-plot")].filter((plot) => plot.querySelector(".main-svg"));
  return {
    panel: name,
    state: panel.dataset.state,
    drawn: body.dataset.drawn || "",
    failed: [...body.querySelectorAll(".notice-failed")].map(text).join(" "),
    skeleton: [...body.querySelectorAll(".skeleton")].some(visible),
    empty: empty.flatMap((node) => [".notice-title", ".notice-reason"].map((each) => text(node.querySelector(each)))),
    shapes: plots.flatMap((plot) => plot.data || []).length,
    words: body.innerText.replace(/\\s+/g, " ").trim(),
  };
})"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What one panel shows in the end. ``empty`` is title and reason of its empty state; ``shapes`` are traces."""

    panel: str
    state: str
    drawn: str
    failed: str
    skeleton: bool
    empty: tuple[str, ...]
    shapes: int
    words: str

    @property
    def settled(self) -> bool:
        """Whether its first answer is on the screen, whatever it is."""
        if self.state in ("absent", "loading", "") or self.skeleton:
            return False
        return bool(self.shapes) if self.drawn == "chart" else bool(self.words)

    @property
    def has_data(self) -> bool:
        return self.settled and not self.empty and not self.failed

    @property
    def wrong(self) -> str:
        """What is wrong with it; nothing where it shows data or says why it shows none."""
        if not self.settled:
            return f"{self.panel} is not there: {self.state}, {self.drawn or 'nothing'} drawn"
        if self.failed or self.state in ("error", "unreachable"):
            return f"{self.panel} is in trouble: {self.state}, {self.failed or self.words[:200]}"
        if self.empty and not all(self.empty):
            return f"{self.panel} does not say why it is empty: {self.empty}"
        return ""


async def endings(page: Page, names: Sequence[str]) -> dict[str, Ended]:
    """Wait until every one of these panels has settled, or too long; say what they ended in."""
    deadline = asyncio.get_running_loop().time() + SANE_SECONDS
    while True:
        found = [Ended(**(each | {"empty": tuple(each["empty"])})) for each in await page.evaluate(_SEEN, list(names))]
        if all(each.settled for each in found) or asyncio.get_running_loop().time() > deadline:
            return {each.panel: each for each in found}
        await asyncio.sleep(0.1)


async def reached(page: Page, names: Sequence[str]) -> dict[str, Ended]:
    """Scroll to one panel after the other in a window of usual height, each until it has settled."""
    found: dict[str, Ended] = {}
    for name in names:
        await page.evaluate("(id) => document.getElementById(id)?.scrollIntoView({ block: 'center' })", f"panel-{name}")
        found |= await endings(page, [name])
    return found


async def follow(page: Page, slug: str) -> None:
    """Go to another page as the navigation does, on a phone too where it is folded; the view stays."""
    await page.evaluate("(slug) => document.querySelector(`a[data-page='${slug}']`).click()", slug)


async def visit(page: Page, seen: Watch, url: str, address: Address, view: str = "") -> dict[str, Ended]:
    """Open one page and wait for all its panels; every one is well, and the page does not scroll sideways."""
    if page.url.startswith(url) and urlsplit(page.url).query == view:
        await follow(page, address.slug)
    else:
        await page.goto(f"{url}{address.address}?{view}")
    found = await endings(page, PANELS[address.name])
    wrong = [each.wrong for each in found.values() if each.wrong]
    assert not wrong, f"{address.name}: {wrong} {seen.errors}"
    width = "[document.documentElement.scrollWidth, window.innerWidth]"
    scrolled, inner = await page.evaluate(width)
    assert scrolled <= inner, f"{address.name} scrolls sideways: {scrolled} of {inner} pixels"
    return found


async def walk(
    browser: Browser,
    url: str,
    view: str = "",
    *,
    pages: Sequence[Address] = PAGES,
    viewport: Any = TALL,
    name: str = "",
) -> dict[str, Ended]:
    """Open pages one after the other in one tab; nothing may be amiss. Return what their panels ended in."""
    page, seen = await tab(browser, viewport)
    found: dict[str, Ended] = {}
    for address in pages:
        found |= await visit(page, seen, url, address, view)
        if name:
            await picture(page, f"{name}-{address.slug}-{viewport['width']}")
    await harmless(page, seen)
    await page.close()
    return found


async def tab(browser: Browser, viewport: Any = TALL) -> tuple[Page, Watch]:
    """Open a tab in which a dialog counts as an error."""
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    seen.tolerated = lambda text: "was preloaded using link preload" in text  # said where all is slow

    async def dialog(shown: Any) -> None:
        seen.errors.append(f"dialog: {shown.message}")
        await shown.dismiss()

    page.on("dialog", dialog)
    return page, seen


async def harmless(page: Page, seen: Watch) -> None:
    """Nothing out of the data became an element that acts."""
    acting = (
        "[...document.querySelectorAll('img, iframe, object, embed, [onerror], [onload], a[href^=\"javascript:\" i]')]"
    )
    assert await page.evaluate(f"{acting}.map((node) => node.outerHTML.slice(0, 200))") == []
    seen.clean()
