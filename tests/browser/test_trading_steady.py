"""Nothing moves and nothing is lost while a bot trades: zoom, scroll, selection and open drawer on all nine pages."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from main.monitoring.dashboards.v2.navigation import Page as Address
from tests.browser.conftest import DESKTOP, Watch
from tests.browser.walk import PAGES, PANELS, harmless, reached, tab
from tests.running import Suite, fetch, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Held(NamedTuple):
    """What a viewer holds on a page: a chart that is zoomed, a panel in whose first row something is selected."""

    zoomed: str = ""
    selected: str = ""


class View(NamedTuple):
    """One page in a tab of its own, and what is held there."""

    name: str
    page: Page
    seen: Watch
    ranges: Any
    drawer: str
    selected: str


HELD = {
    "Overview": Held("equity", "cumulative_pnl"),
    "Trading": Held("spread", "market_hours"),
    "Performance": Held("benchmark", "performance"),
    "Risk": Held("under_water", "leverage"),
    "Execution": Held("slippage", "costs"),
    "Models": Held("model_quality", "models"),
    "Market": Held("index_history", "breadth"),
    "Trades": Held("", "trades"),
    "Alerts": Held(),
}
WATCHED = "(names) => [scrollY, names.map((name) => (window.aiTrader.panels.record(name) || {}).version || 0)]"
SELECT = """(name) => {
  const body = document.getElementById(`body-${name}`), node = body.querySelector("tbody th, dd, .kpi-label, td");
  if (node) getSelection().selectAllChildren(node);
  return String(getSelection());
}"""

SHIFTS = """() => {
  window.shifts = [];
  const listed = (node) => (node?.nodeType === 1 ? node : node?.parentElement)?.closest("tbody, .feed");
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    const moved = entry.sources.map((each) => each.node).filter((node) => node && !listed(node));
    if (entry.value > 0.0005 && moved.length) {
      window.shifts.push([entry.value, ...moved.map((node) => (node.outerHTML || node.textContent).slice(0, 200))]);
    }
  })).observe({ type: "layout-shift" });
}"""
"""What moves by itself from now on. Older rows make room for the newest one of a list: they are meant to."""


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot that trades twice a second on a market with ten days of history."""
    days = ("--history-days", "10")
    with running(Suite(run_dir / "steady"), "trade", "--enable-monitoring", "--interval", "0.5", *days) as started:
        started.wait_until_ready("trading", "bot")
        until(lambda: _traded(started), 60, "closed trades")
        yield started


def _traded(suite: Suite) -> bool:
    answer = json.loads(fetch(suite.url("trading", "/api/reads/trades?range=1M"))[1] or b"{}")
    return bool(answer.get("value") and answer["value"]["total"] > 5)


async def test_on_no_page_anything_moves_or_is_lost_while_data_come_in(browser: Browser, suite: Suite) -> None:
    views = [await arranged(browser, suite, address) for address in PAGES]
    await asyncio.sleep(1.5)  # the last of what was asked for by scrolling
    before = [await begun(view) for view in views]
    await asyncio.sleep(6)  # all tabs at once: several updates of each
    for view, versions in zip(views, before, strict=True):
        await unmoved(view, versions)
        await harmless(view.page, view.seen)


async def arranged(browser: Browser, suite: Suite, address: Address) -> View:
    """Open one page in a tab of its own, reach all its panels and take hold of what a viewer can hold there."""
    page, seen = await tab(browser, DESKTOP)
    await page.goto(suite.url("trading", address.address))
    found = await reached(page, PANELS[address.name])
    wrong = [each.wrong for each in found.values() if each.wrong]
    assert not wrong, f"{address.name}: {wrong} {seen.errors}"
    held = HELD[address.name]
    ranges = await zoomed(page, held.zoomed) if held.zoomed else None
    drawer = await opened_drawer(page) if address.name == "Trades" else ""
    selected = await taken(page, held.selected) if held.selected else ""
    return View(address.name, page, seen, ranges, drawer, selected)


async def begun(view: View) -> Any:
    """Watch a page from now on: where it is scrolled to and how often each panel was answered."""
    assert await view.page.evaluate("document.visibilityState") == "visible", "a hidden tab is not told what comes in"
    await view.page.evaluate(SHIFTS)
    return await view.page.evaluate(WATCHED, list(PANELS[view.name]))


async def unmoved(view: View, before: Any) -> None:
    name, page, held = view.name, view.page, HELD[view.name]
    at, versions = await page.evaluate(WATCHED, list(PANELS[name]))
    assert at == before[0], f"{name} scrolled by itself"
    if held.zoomed:
        assert await page.evaluate(_ranges(held.zoomed)) == view.ranges, f"{held.zoomed} lost its zoom"
    assert await page.evaluate("String(getSelection())") == view.selected, f"{name} lost the selection"
    if view.drawer:
        await expect(page.locator("#panel-trade")).to_be_visible()
        assert page.url.endswith(f"trade.id={view.drawer}"), "the drawer is about another trade"
    shifts = await page.evaluate("window.shifts")
    assert not shifts, f"{name} moved: {shifts}"
    # Prices come all the time, what follows from trades only with the next one.
    assert versions != before[1] or name not in ("Overview", "Trading"), f"{name}: nothing came, which proves nothing"


async def taken(page: Page, panel: str) -> str:
    """Select the first words of a panel; another panel's answer may just have come between."""
    async with asyncio.timeout(20):
        while not (selected := await page.evaluate(SELECT, panel)):
            await asyncio.sleep(0.2)
    return str(selected)


def _ranges(panel: str) -> str:
    axes = f"document.querySelector('#graph-{panel} .js-plotly-plot')._fullLayout"
    return f"[...{axes}.xaxis.range, ...{axes}.yaxis.range].map(String)"


async def zoomed(page: Page, panel: str) -> Any:
    """Draw a frame in a chart and return the ranges that it shows then."""
    plot = page.locator(f"#graph-{panel} .nsewdrag").first
    await page.evaluate("(id) => document.getElementById(id).scrollIntoView({ block: 'center' })", f"panel-{panel}")
    await plot.wait_for(state="visible")
    async with asyncio.timeout(30):
        while (ranges := await _framed(page, plot, panel)) is None:
            await asyncio.sleep(0.2)
    await page.mouse.move(5, 5)
    return ranges


async def _framed(page: Page, plot: Locator, panel: str) -> Any:
    """Draw a frame once; None where an answer came while it was drawn and the chart is as it was."""
    box, whole = await plot.bounding_box(), await page.evaluate(_ranges(panel))
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.8, steps=8)
    await page.mouse.up()
    for _ in range(20):
        await asyncio.sleep(0.1)
        if (ranges := await page.evaluate(_ranges(panel))) != whole:
            return ranges
    return None


async def opened_drawer(page: Page) -> str:
    row = page.locator("#body-trades tbody tr[data-key]").nth(1)
    await row.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#panel-trade")).to_be_visible()
    return page.url.partition("trade.id=")[2]  # the row itself may have moved on by now
